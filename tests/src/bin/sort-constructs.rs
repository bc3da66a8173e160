//! Sorts the rows of the construct matrix into those that compile and those that do not yet.
//!
//! ```sh
//! cargo run -p jit-tests --bin sort-constructs -- --waiting  # what rustc says of those put aside
//! cargo run -p jit-tests --bin sort-constructs               # tries all, and moves files and marks
//! ```
//!
//! A row is a file. If it compiles it is a module of the program `constructs`; if not, it lies in
//! `tests/constructs/todo`, and its line in the table of its topic ends with `not_yet` and the first
//! thing that rustc said.
//!
//! Two packages are made in the target folder, with a program for each row, and checked by cargo: one
//! in which the annotations do nothing, so that a mistake in a row is not taken for a verdict on the
//! frontend, and one with the real ones.
//!
//! Why not a part of `constructs`? That one does not compile as long as one of its rows does not.
#![forbid(unsafe_code)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A row, as the table of its topic has it.
struct Row {
    topic: String,
    id: String,
    /// Whether it is put aside.
    waits: bool,
}

/// What rustc said of each row.
type Verdicts = BTreeMap<String, Result<(), String>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        [] => sort(),
        ["--waiting"] => try_waiting(),
        _ => Err("sort-constructs [--waiting]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Row {
    /// Where its source is.
    fn file(&self) -> PathBuf {
        let folder = if self.waits { "constructs/todo" } else { "src/bin/constructs" };
        package().join(folder).join(&self.topic).join(&self.id).with_extension("rs")
    }

    /// The table that it is in.
    fn table(&self) -> PathBuf {
        package().join("src/bin/constructs").join(&self.topic).with_extension("rs")
    }
}

/// All rows of all tables.
fn rows() -> Result<Vec<Row>, String> {
    let folder = package().join("src/bin/constructs");
    let error = |error: io::Error| format!("{}: {error}", folder.display());
    let mut rows = Vec::new();
    for entry in fs::read_dir(&folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.is_dir() {
            continue;
        }
        let topic = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).map_err(error)?;
        let table = source.split_once("\nrows! {\n").map_or("", |(_, table)| table);
        for line in table.lines().filter_map(|line| line.strip_prefix("    ")) {
            let (id, rest) = line.split_once(": ").ok_or_else(|| format!("no row: {line}"))?;
            let waits = rest.contains(", not_yet ");
            rows.push(Row { topic: topic.clone(), id: id.into(), waits });
        }
    }
    Ok(rows)
}

/// Prints what rustc says of the rows that are put aside.
fn try_waiting() -> Result<(), String> {
    let mut rows = rows()?;
    rows.retain(|row| row.waits);
    for (id, verdict) in verdicts(&rows)? {
        match verdict {
            Ok(()) => println!("{id}: compiles"),
            Err(message) => println!("{id}: {message}"),
        }
    }
    Ok(())
}

/// Tries all rows, puts aside those that do not compile, and takes in those that do.
fn sort() -> Result<(), String> {
    let rows = rows()?;
    let verdicts = verdicts(&rows)?;
    for row in &rows {
        let done = match (&verdicts[&row.id], row.waits) {
            (Ok(()), false) => Ok(()),
            (Ok(()), true) => move_row(row, None),
            (Err(message), false) => move_row(row, Some(message)),
            (Err(message), true) => mark(row, Some(message)),
        };
        done.map_err(|error| format!("{}: {error}", row.id))?;
    }
    let n_waiting = verdicts.values().filter(|verdict| verdict.is_err()).count();
    println!("{} rows compile, {n_waiting} do not yet", rows.len() - n_waiting);
    Ok(())
}

/// What rustc says of these rows; an error if one is not even right without the annotations.
fn verdicts(rows: &[Row]) -> Result<Verdicts, String> {
    let plain = compile(&make_package("plain", PLAIN, rows)?, rows)?;
    let wrong = plain.iter().find_map(|(id, verdict)| Some((id, verdict.as_ref().err()?)));
    if let Some((id, message)) = wrong {
        return Err(format!("{id} is not right without its annotations: {message}"));
    }
    let jitdriver = package().join("../jitdriver");
    let real = format!("jitdriver = {{ path = {jitdriver:?}, default-features = false }}\n");
    compile(&make_package("annotated", &real, rows)?, rows)
}

/// The dependency in whose place the annotations do nothing.
const PLAIN: &str = "jitdriver = { path = \"jitdriver\" }\n";

/// A `jitdriver` without a JIT: a driver that is nothing, and macros that leave nothing.
const PLAIN_LIB: &str = "
pub use jitdriver_macros::*;
pub struct JitDriver<'p>(std::marker::PhantomData<&'p ()>);
pub fn promote<T>(value: T) -> T { value }
";

const PLAIN_MACROS: &str = "
use proc_macro::TokenStream;
#[proc_macro_attribute] pub fn jit(_: TokenStream, item: TokenStream) -> TokenStream { item }
#[proc_macro_attribute] pub fn unroll_safe(_: TokenStream, item: TokenStream) -> TokenStream { item }
#[proc_macro] pub fn jit_merge_point(_: TokenStream) -> TokenStream { TokenStream::new() }
#[proc_macro] pub fn can_enter_jit(_: TokenStream) -> TokenStream { TokenStream::new() }
";

/// Makes a package with a program for each row.
fn make_package(name: &str, jitdriver: &str, rows: &[Row]) -> Result<PathBuf, String> {
    let folder = package().join("../target/constructs").join(name);
    let dependencies = format!("log = \"0.4\"\n{jitdriver}\n[workspace]\n");
    let made = write_programs(&folder, rows)
        .and_then(|()| write_manifest(&folder, "constructs", &dependencies))
        .and_then(|()| write_plain_jitdriver(&folder.join("jitdriver")))
        // The versions of the workspace, which are there without a network.
        .and_then(|()| fs::copy(package().join("../Cargo.lock"), folder.join("Cargo.lock")));
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn write_programs(folder: &Path, rows: &[Row]) -> io::Result<()> {
    let programs = folder.join("src/bin");
    if programs.exists() {
        fs::remove_dir_all(&programs)?;
    }
    fs::create_dir_all(&programs)?;
    for row in rows {
        let program = format!(
            "#![allow(warnings)]\n#[path = {:?}]\nmod row;\n\
             fn main() {{\n    let _: fn(&jitdriver::JitDriver<'static>) -> i64 = row::run;\n}}\n",
            row.file()
        );
        fs::write(programs.join(&row.id).with_extension("rs"), program)?;
    }
    Ok(())
}

fn write_manifest(folder: &Path, name: &str, dependencies: &str) -> io::Result<()> {
    let head = format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n");
    fs::write(folder.join("Cargo.toml"), format!("{head}\n[dependencies]\n{dependencies}"))
}

/// The package that [`PLAIN`] names.
fn write_plain_jitdriver(folder: &Path) -> io::Result<()> {
    let macros = folder.join("macros");
    fs::create_dir_all(folder.join("src"))?;
    fs::create_dir_all(macros.join("src"))?;
    write_manifest(folder, "jitdriver", "jitdriver_macros = { path = \"macros\" }\n")?;
    fs::write(folder.join("src/lib.rs"), PLAIN_LIB)?;
    write_manifest(&macros, "jitdriver_macros", "\n[lib]\nproc-macro = true\n")?;
    fs::write(macros.join("src/lib.rs"), PLAIN_MACROS)
}

fn compile(folder: &Path, rows: &[Row]) -> Result<Verdicts, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["check", "--offline", "--quiet", "--keep-going", "--bins"]);
    cargo.args(["--message-format", "json"]).current_dir(folder);
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    let output = cargo.output().map_err(|error| format!("cargo: {error}"))?;
    let mut verdicts = Verdicts::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                verdicts.entry(name).or_insert(Ok(()));
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                let text = message["message"]["message"].as_str().unwrap_or_default();
                verdicts.entry(name).or_insert(Err(text.replace('\n', " ")));
            }
            _ => {}
        }
    }
    verdicts.retain(|id, _| rows.iter().any(|row| row.id == *id));
    match rows.iter().find(|row| !verdicts.contains_key(&row.id)) {
        None => Ok(verdicts),
        Some(row) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            Err(format!("cargo says nothing of {}:\n{errors}", row.id))
        }
    }
}

/// Moves the file to the other place, and changes the table.
fn move_row(row: &Row, message: Option<&String>) -> io::Result<()> {
    let moved = Row { topic: row.topic.clone(), id: row.id.clone(), waits: !row.waits };
    let target = moved.file();
    fs::create_dir_all(target.parent().expect("a file lies in a folder"))?;
    fs::rename(row.file(), target)?;
    mark(row, message)?;
    let source = fs::read_to_string(row.table())?;
    let declared = format!("\nmod {};\n", row.id);
    let changed = if moved.waits {
        source.replacen(&declared, "\n", 1)
    } else {
        // Beside the others, where rustfmt puts it in order.
        let before = if source.contains("\nmod ") { "mod " } else { "use " };
        source.replacen(&format!("\n{before}"), &format!("{declared}{before}"), 1)
    };
    fs::write(row.table(), changed)
}

/// Notes in the table whether a row is put aside, and why.
fn mark(row: &Row, message: Option<&String>) -> io::Result<()> {
    let source = fs::read_to_string(row.table())?;
    let start = source.find(&format!("\n    {}: ", row.id)).expect("the row is in the table");
    let end = start + 1 + source[start + 1..].find('\n').expect("a row is a line");
    let line = source[start..end].trim_end_matches(';');
    let line = line.split_once(", not_yet ").map_or(line, |(line, _)| line);
    let note = message.map_or(String::new(), |message| format!(", not_yet {message:?}"));
    fs::write(row.table(), format!("{}{line}{note};{}", &source[..start], &source[end..]))
}
