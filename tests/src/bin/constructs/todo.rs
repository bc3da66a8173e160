//! Rows that do not compile yet: tries them, and takes in those that do.
//!
//! Two packages are made in the target folder, with a program for each of them, and checked by cargo: one
//! in which the annotations do nothing, so that a mistake in a row is not taken for a verdict on the
//! frontend, and one with the real ones.

use crate::Topic;
use crate::harness::{Row, Source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What rustc said of a row.
pub type Verdicts = BTreeMap<String, Result<(), String>>;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn todo_file(topic: &Topic, row: &Row) -> PathBuf {
    package().join("constructs/todo").join(topic.name).join(row.id).with_extension("rs")
}

fn compiled_file(topic: &Topic, row: &Row) -> PathBuf {
    package().join("src/bin/constructs").join(topic.name).join(row.id).with_extension("rs")
}

fn waiting(topics: &[Topic]) -> impl Iterator<Item = (&Topic, &Row)> {
    let rows = topics.iter().flat_map(|topic| topic.rows.iter().map(move |row| (topic, row)));
    rows.filter(|(_, row)| matches!(row.source, Source::NotYet(_)))
}

/// Tries all rows that are put aside, and prints what rustc says.
///
/// An error if one is not even right without the annotations.
pub fn check(topics: &[Topic]) -> Result<Verdicts, String> {
    let plain = compile(&make_package("plain", PLAIN, topics)?, topics)?;
    let wrong = plain.iter().find_map(|(id, verdict)| Some((id, verdict.as_ref().err()?)));
    if let Some((id, message)) = wrong {
        return Err(format!("{id} is not right without its annotations: {message}"));
    }
    let real = format!(
        "jitdriver = {{ path = {:?}, default-features = false }}\n",
        package().join("../jitdriver")
    );
    let verdicts = compile(&make_package("annotated", &real, topics)?, topics)?;
    for (id, verdict) in &verdicts {
        match verdict {
            Ok(()) => println!("{id}: compiles"),
            Err(message) => println!("{id}: {message}"),
        }
    }
    Ok(verdicts)
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

/// Makes a package with a program for each row that is put aside.
fn make_package(name: &str, jitdriver: &str, topics: &[Topic]) -> Result<PathBuf, String> {
    let folder = package().join("../target/constructs").join(name);
    let made = write_programs(&folder, topics)
        .and_then(|()| {
            write_manifest(
                &folder,
                "constructs",
                &format!("log = \"0.4\"\n{jitdriver}\n[workspace]\n"),
            )
        })
        .and_then(|()| write_plain_jitdriver(&folder.join("jitdriver")))
        // The versions of the workspace, which are there without a network.
        .and_then(|()| fs::copy(package().join("../Cargo.lock"), folder.join("Cargo.lock")));
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn write_programs(folder: &Path, topics: &[Topic]) -> io::Result<()> {
    let programs = folder.join("src/bin");
    if programs.exists() {
        fs::remove_dir_all(&programs)?;
    }
    fs::create_dir_all(&programs)?;
    for (topic, row) in waiting(topics) {
        let program = format!(
            "#![allow(warnings)]\n#[path = {:?}]\nmod row;\n\
             fn main() {{\n    let _: fn(&jitdriver::JitDriver<'static>) -> i64 = row::run;\n}}\n",
            todo_file(topic, row)
        );
        fs::write(programs.join(row.id).with_extension("rs"), program)?;
    }
    Ok(())
}

fn write_manifest(folder: &Path, name: &str, dependencies: &str) -> io::Result<()> {
    let head = format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n");
    let manifest = format!("{head}\n[dependencies]\n{dependencies}");
    fs::write(folder.join("Cargo.toml"), manifest)
}

/// The package that [`PLAIN`] names.
fn write_plain_jitdriver(folder: &Path) -> io::Result<()> {
    let macros = folder.join("macros");
    fs::create_dir_all(folder.join("src"))?;
    fs::create_dir_all(macros.join("src"))?;
    write_manifest(folder, "jitdriver", "jitdriver_macros = { path = \"macros\" }\n")?;
    fs::write(folder.join("src/lib.rs"), PLAIN_LIB)?;
    let is_macros = "\n[lib]\nproc-macro = true\n";
    write_manifest(&macros, "jitdriver_macros", is_macros)?;
    fs::write(macros.join("src/lib.rs"), PLAIN_MACROS)
}

fn compile(folder: &Path, topics: &[Topic]) -> Result<Verdicts, String> {
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
    verdicts.retain(|id, _| waiting(topics).any(|(_, row)| row.id == id));
    match waiting(topics).find(|(_, row)| !verdicts.contains_key(row.id)) {
        None => Ok(verdicts),
        Some((_, row)) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            Err(format!("cargo says nothing of {}:\n{errors}", row.id))
        }
    }
}

/// Tries all rows that are put aside, takes in those that compile, and notes what rustc says of the
/// others.
pub fn adopt(topics: &[Topic]) -> Result<(), String> {
    let verdicts = check(topics)?;
    for (topic, row) in waiting(topics) {
        let done = match &verdicts[row.id] {
            Ok(()) => take_in(topic, row),
            Err(message) => change_row(topic, row, &format!(", not_yet {message:?}")),
        };
        done.map_err(|error| format!("{}: {error}", row.id))?;
    }
    Ok(())
}

/// Moves the file, declares the module, and takes `not_yet` out of the table.
fn take_in(topic: &Topic, row: &Row) -> io::Result<()> {
    let target = compiled_file(topic, row);
    fs::create_dir_all(target.parent().expect("a file lies in a folder"))?;
    fs::rename(todo_file(topic, row), target)?;
    change_row(topic, row, "")?;
    let table = table_file(topic);
    let source = fs::read_to_string(&table)?;
    // Beside the others, where rustfmt puts it in order.
    let before = if source.contains("\nmod ") { "mod " } else { "use " };
    let declared = format!("\nmod {};\n{before}", row.id);
    fs::write(table, source.replacen(&format!("\n{before}"), &declared, 1))
}

fn table_file(topic: &Topic) -> PathBuf {
    package().join("src/bin/constructs").join(topic.name).with_extension("rs")
}

/// Replaces what the table says of a row that is put aside.
fn change_row(topic: &Topic, row: &Row, note: &str) -> io::Result<()> {
    let table = table_file(topic);
    let source = fs::read_to_string(&table)?;
    let start = source.find(&format!("    {}: ", row.id)).expect("the row is in the table");
    let marker = start + source[start..].find(", not_yet ").expect("it is put aside");
    let end = marker + source[marker..].find(";\n").expect("a row ends with its line");
    fs::write(table, format!("{}{note}{}", &source[..marker], &source[end..]))
}
