//! Runs the optimizer on the `.trace` files in `tests/opt`: a trace, a line `# ----`, the expected one.
//!
//! A file starts with comment lines: first what it shows, then optionally `# passes: fold, cse` (without
//! it, all passes run), and `# frozen: 0x2008: 77` for each word of memory that never changes. A trace that contradicts itself has the message as its expectation, behind
//! `# invalid:`. `UPDATE_EXPECT=1` rewrites the expectations; the difference is then to be reviewed.
//!
//! Each rule has to apply in one of these files at least, which says what it is for. A rule is where the source
//! says what becomes of an operation, by one of [`ANSWERS`].

use super::super::{FrozenMemory, Passes, optimize_and_count};
use crate::ir::{Const, Ty, parse, verify};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::Location;
use std::path::{Path, PathBuf};

const SEPARATOR: &str = "# ----\n";

/// How rules answer.
const ANSWERS: [&str; 10] = [
    "Rewrite::is(",
    "Rewrite::gone(",
    "Rewrite::delayed(",
    "Rewrite::is_call(",
    "op.become_op(",
    "is(",
    "one(",
    "two(",
    "sub_from(",
    "no_overflow(",
];

/// A place in the source: file, line, and column, all as a compiler counts.
type Site = (String, usize, usize);

thread_local! {
    static APPLIED: RefCell<BTreeSet<Site>> = const { RefCell::new(BTreeSet::new()) };
}

/// A rule has applied.
pub(in crate::opt) fn note_rule(at: &Location<'_>) {
    let file = Path::new(at.file()).file_name().expect("a source file").to_string_lossy();
    let site = (file.into(), at.line() as usize, at.column() as usize);
    APPLIED.with_borrow_mut(|applied| applied.insert(site));
}

#[test]
fn b246_every_rule_applies_in_a_file() {
    APPLIED.take();
    let files = traces();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        optimized(text.split_once(SEPARATOR).unwrap().0).unwrap();
    }
    let (applied, rules) = (APPLIED.take(), rules());
    assert!(rules.len() > 100, "{rules:?}");
    assert!(rules.is_superset(&applied), "not rules: {:?}", &applied - &rules);
    let missing: Vec<_> = (&rules - &applied).iter().map(show).collect();
    assert!(
        missing.is_empty(),
        "{} of {} rules apply in none of {} files:\n{}",
        missing.len(),
        rules.len(),
        files.len(),
        missing.join("\n")
    );
}

/// Where the rules are.
fn rules() -> BTreeSet<Site> {
    let mut rules = BTreeSet::new();
    for entry in fs::read_dir(source("")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        // Here the answers are made.
        if !file.ends_with(".rs") || file == "rewrite.rs" {
            continue;
        }
        for (number, line) in fs::read_to_string(source(&file)).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap();
            // A function of that name is no rule.
            let answers = ANSWERS.iter().filter(|_| !code.trim_start().starts_with("fn "));
            rules.extend(
                answers
                    .flat_map(|answer| columns(code, answer))
                    .map(|column| (file.clone(), number + 1, column)),
            );
        }
    }
    rules
}

/// The columns in which a line has a call of this name, and no longer one.
fn columns(code: &str, call: &str) -> Vec<usize> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
    let found = code.match_indices(call).map(|(at, _)| at);
    let is_whole = |at: &usize| !code[..*at].ends_with(is_name);
    // A method is where its name is.
    let name = call.find('.').map_or(0, |dot| dot + 1);
    found.filter(is_whole).map(|at| code[..at + name].chars().count() + 1).collect()
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/opt").join(file)
}

fn show((file, line, column): &Site) -> String {
    let text = fs::read_to_string(source(file)).unwrap();
    format!("{file}:{line}:{column}: {}", text.lines().nth(line - 1).unwrap().trim())
}

#[test]
fn files_show_what_rules_make_of_traces() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let files = traces();
    let failures: Vec<String> = files.iter().filter_map(|file| run(file, update).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
}

fn traces() -> Vec<PathBuf> {
    let files = trace_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opt"));
    assert!(!files.is_empty(), "no .trace files");
    files
}

fn trace_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(trace_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "trace") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn run(file: &Path, update: bool) -> Result<(), String> {
    let text = fs::read_to_string(file).unwrap();
    let fail = |message: String| Err(format!("{}: {message}", file.display()));
    let (input, expected) = match text.split_once(SEPARATOR) {
        Some(parts) => parts,
        None if update => (&*text, ""),
        None => return fail(format!("no line `{}`", SEPARATOR.trim_end())),
    };
    let found = match optimized(input) {
        Ok(found) => found,
        Err(message) => return fail(message),
    };
    if found == expected {
        return Ok(());
    }
    if update {
        fs::write(file, format!("{input}{SEPARATOR}{found}")).unwrap();
        return Ok(());
    }
    fail(format!("{}\nexpected:\n{expected}\nfound:\n{found}", input.lines().next().unwrap_or("")))
}

/// Words that never change, by address.
struct Frozen(BTreeMap<u64, u64>);

impl FrozenMemory for Frozen {
    fn read(&self, address: u64, ty: Ty) -> Option<Const> {
        self.0.get(&address).map(|&word| Const::new(ty, word))
    }
}

/// `0xADDRESS: WORD`.
fn word(text: &str) -> Option<(u64, u64)> {
    let (address, word) = text.split_once(':')?;
    let address = u64::from_str_radix(address.trim().strip_prefix("0x")?, 16).ok()?;
    Some((address, word.trim().parse().ok()?))
}

/// The text form of the optimized trace.
fn optimized(input: &str) -> Result<String, String> {
    let header: Vec<&str> = input.lines().take_while(|line| line.starts_with('#')).collect();
    if header.is_empty() {
        return Err("the first line does not say what the file shows".into());
    }
    let passes = header.iter().find_map(|line| line.strip_prefix("# passes:")).unwrap_or("all");
    let passes: Passes = passes.parse().map_err(|error| format!("{error}"))?;
    let mut trace = parse(input).map_err(|error| error.to_string())?;
    trace.name = String::new(); // the header is not the trace's name
    verify(&trace).map_err(|error| format!("input: {error}"))?;
    let frozen: Vec<_> = header.iter().filter_map(|line| line.strip_prefix("# frozen:")).collect();
    let frozen = Frozen(frozen.into_iter().map(word).collect::<Option<_>>().ok_or("# frozen: ?")?);
    match optimize_and_count(&trace, passes, Some(&frozen)).map(|(trace, _)| trace) {
        Err(contradiction) => Ok(format!("# invalid: {contradiction}\n")),
        Ok(trace) => {
            verify(&trace).map_err(|error| format!("output: {error}\n{trace}"))?;
            Ok(trace.to_string())
        }
    }
}
