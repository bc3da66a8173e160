//! Runs the optimizer on the `.trace` files in `tests/opt`: a trace, a line `# ----`, the expected one.
//!
//! A file starts with comment lines: first what it shows, then optionally `# passes: fold, cse` (without
//! it, all passes run). A trace that contradicts itself has the message as its expectation, behind
//! `# invalid:`. `UPDATE_EXPECT=1` rewrites the expectations; the difference is then to be reviewed.

use metainterp::ir::{parse, verify};
use metainterp::opt::{Passes, optimize};
use std::fs;
use std::path::{Path, PathBuf};

const SEPARATOR: &str = "# ----\n";

#[test]
fn opt() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let files = trace_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opt"));
    assert!(!files.is_empty(), "no .trace files");
    let failures: Vec<String> = files.iter().filter_map(|file| run(file, update).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
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
    match optimize(&trace, passes) {
        Err(contradiction) => Ok(format!("# invalid: {contradiction}\n")),
        Ok(trace) => {
            verify(&trace).map_err(|error| format!("output: {error}\n{trace}"))?;
            Ok(trace.to_string())
        }
    }
}
