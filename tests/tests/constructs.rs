//! The construct matrix is what `docs/constructs.md` says, and every row is a file.

use expect_test::expect_file;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the program prints.
fn constructs(args: &[&str]) -> String {
    run(env!("CARGO_BIN_EXE_constructs"), args)
}

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_states_are_the_measured_ones() {
    expect_file![package().join("../docs/constructs.md")].assert_eq(&constructs(&[]));
}

/// Rows that do something else with the JIT than without.
const KNOWN_WRONG: &[&str] = &[];

#[test]
fn what_is_wrong_is_known() {
    assert_eq!(constructs(&["--wrong"]).lines().collect::<Vec<_>>(), KNOWN_WRONG);
}

/// The files two folders below, as `topic id`.
fn files(folder: PathBuf) -> BTreeSet<String> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|_| panic!("{}", folder.display()));
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let stem = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let topics = entries(&folder).into_iter().filter(|path| path.is_dir());
    let of_topic = |topic: PathBuf| {
        let rows = entries(&topic).into_iter();
        rows.map(move |row| format!("{} {}", stem(&topic), stem(&row))).collect::<Vec<_>>()
    };
    topics.flat_map(of_topic).collect()
}

#[test]
fn every_row_is_a_file_at_its_place() {
    let list = constructs(&["--list"]);
    let rows = |state: &str| -> BTreeSet<String> {
        let rows = list.lines().filter_map(|line| line.strip_suffix(state));
        rows.map(|row| row.trim_end().to_owned()).collect()
    };
    assert_eq!(rows(" compiled"), files(package().join("src/bin/constructs")));
    assert_eq!(rows(" not_yet"), files(package().join("constructs/todo")));
    assert!(list.lines().count() >= 120, "the matrix has {} rows only", list.lines().count());
}

/// Needs cargo, and compiles the frontend once more.
#[test]
fn rows_that_are_put_aside_do_not_compile() {
    let verdicts = run(env!("CARGO_BIN_EXE_sort-constructs"), &["--waiting"]);
    let compiling: Vec<&str> =
        verdicts.lines().filter(|line| line.ends_with(": compiles")).collect();
    assert!(compiling.is_empty(), "`sort-constructs` takes these in: {compiling:?}");
}
