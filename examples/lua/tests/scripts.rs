//! Runs all scripts, and the benchmark programs with small sizes, and compares what they print with what
//! `lua5.4` prints.
//!
//! - Beside each script `x.lua` is `x.out`: standard output, then standard error and exit code if it fails.
//! - Where `lua5.4` is installed, the stored outputs are also compared with what it prints now.
//! - Each runs without the JIT and under every backend, with the threshold 1 and the default.
//! - `UPDATE_EXPECT=1` writes the stored outputs anew, from `lua5.4`.
//!
//! A script's folder is its topic. A group of checks is a line that starts with its number, `--[[12]]`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const REFERENCE: &str = "lua5.4";

/// How the scripts run: flags before the script.
const MODES: &[&[&str]] = &[
    &["--jit", "off"],
    &["--jit", "llgraph"],
    &["--jit", "llgraph", "--threshold", "1"],
    #[cfg(feature = "cranelift")]
    &["--jit", "cranelift"],
    #[cfg(feature = "cranelift")]
    &["--jit", "cranelift", "--threshold", "1"],
];

/// Arguments of the benchmark programs that take little time.
const SMALL_SIZES: &[(&str, &str)] = &[
    ("ackermann", "3"),
    ("binary-trees", "6"),
    ("closures", "2000"),
    ("coroutine-ring", "1000"),
    ("deltablue", "1"),
    ("fannkuch", "6"),
    ("fib", "15"),
    ("havlak", "1"),
    ("heapsort", "1000"),
    ("json", "1"),
    ("k-nucleotide", "1000"),
    ("mandelbrot", "16"),
    ("matrix", "12"),
    ("n-queens", "6"),
    ("nbody", "200"),
    ("richards", "1"),
    ("sieve", "5000"),
    ("spectral-norm", "12"),
    ("string-buffer", "500"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_reference_installed() -> bool {
    Command::new(REFERENCE).arg("-v").output().is_ok()
}

/// Runs a script from the folder of tests, so that messages have a short name.
fn run(
    interpreter: &str,
    flags: &[&str],
    folder: &Path,
    script: &str,
    size: Option<&str>,
) -> String {
    let mut command = Command::new(interpreter);
    command.current_dir(folder).args(flags).arg(script).args(size);
    let output = command.output().unwrap_or_else(|error| panic!("{interpreter}: {error}"));
    shown(&output)
}

/// An output as it is stored. Interpreters name themselves in messages.
fn shown(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).replace("lua5.4: ", "lua: ");
        text.push_str("---- standard error\n");
        text.push_str(&stderr);
        text.push_str(&format!("---- exit code {}\n", output.status.code().unwrap_or(-1)));
    }
    text
}

fn lua() -> &'static str {
    env!("CARGO_BIN_EXE_lua")
}

/// Checks a script; what is wrong with it, if something is.
fn check(folder: &Path, script: &str, size: Option<&str>, expected_in: &Path) -> Option<String> {
    let reference = is_reference_installed().then(|| run(REFERENCE, &[], folder, script, size));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let text = reference.as_ref().expect("UPDATE_EXPECT needs lua5.4");
        fs::write(expected_in, text).expect("the stored output can be written");
    }
    let expected = fs::read_to_string(expected_in)
        .unwrap_or_else(|error| panic!("{}: {error}", expected_in.display()));
    if let Some(difference) = reference.and_then(|it| difference(&expected, &it)) {
        return Some(format!("{script}: {REFERENCE} differs from what is stored: {difference}"));
    }
    MODES.iter().find_map(|flags| {
        let ours = run(lua(), flags, folder, script, size);
        difference(&expected, &ours).map(|it| format!("{} {script}: {it}", flags.join(" ")))
    })
}

/// The first line that differs.
fn difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let mut lines = actual.lines();
    for (at, line) in expected.lines().enumerate() {
        let other = lines.next().unwrap_or("(nothing)");
        if other != line {
            return Some(format!("line {}: expected `{line}`, got `{other}`", at + 1));
        }
    }
    Some(format!("more lines than expected: {:?}", lines.next()))
}

/// The scripts of all topics, as paths from the folder of tests.
fn scripts() -> Vec<String> {
    let tests = root().join("tests");
    let mut scripts = Vec::new();
    for topic in fs::read_dir(&tests).expect("the folder of tests").flatten() {
        let Ok(files) = fs::read_dir(topic.path()) else { continue };
        for file in files.flatten().filter(|it| it.path().extension().is_some_and(|e| e == "lua")) {
            let topic = topic.file_name().into_string().expect("UTF-8");
            let file = file.file_name().into_string().expect("UTF-8");
            scripts.push(format!("{topic}/{file}"));
        }
    }
    scripts.sort();
    scripts
}

fn assert_all_well(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn scripts_print_what_lua_prints() {
    let tests = root().join("tests");
    let problems: Vec<String> = scripts()
        .iter()
        .filter_map(|script| check(&tests, script, None, &tests.join(script).with_extension("out")))
        .collect();
    assert_all_well(&problems);
}

#[test]
fn programs_print_what_lua_prints() {
    let programs = root().join("programs");
    let problems: Vec<String> = SMALL_SIZES
        .iter()
        .filter_map(|(name, size)| {
            let stored = programs.join(name).with_extension("small.out");
            check(&programs, &format!("{name}.lua"), Some(size), &stored)
        })
        .collect();
    assert_all_well(&problems);
}

#[test]
fn every_program_has_a_small_size() {
    let mut names: Vec<String> = fs::read_dir(root().join("programs"))
        .expect("the folder of programs")
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.strip_suffix(".lua").map(str::to_string))
        .collect();
    names.sort();
    let listed: Vec<&str> = SMALL_SIZES.iter().map(|it| it.0).collect();
    assert_eq!(names, listed);
}

#[test]
fn there_are_at_least_400_groups_of_checks() {
    let tests = root().join("tests");
    let mut n_groups = 0;
    for script in scripts() {
        let text = fs::read_to_string(tests.join(&script)).expect("a script");
        n_groups += text.lines().filter(|it| it.starts_with("--[[")).count();
    }
    assert!(n_groups >= 400, "only {n_groups} groups");
}
