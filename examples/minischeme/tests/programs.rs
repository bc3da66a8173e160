//! The programs of the folder `programs`: what they write is kept beside them, and is the same in every
//! mode.

use expect_test::expect_file;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/programs"))
}

fn minischeme(args: &[PathBuf]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_minischeme")).args(args).output().expect("it starts")
}

/// Plain, and with every backend from the first lap on and when something is hot.
fn modes() -> Vec<&'static [&'static str]> {
    let mut modes: Vec<&[&str]> =
        vec![&["--jit", "off"], &["--jit", "llgraph", "--threshold", "1"], &["--jit", "llgraph"]];
    if cfg!(feature = "cranelift") {
        modes.push(&["--jit", "cranelift", "--threshold", "1"]);
        modes.push(&["--jit", "cranelift"]);
    }
    modes
}

fn check_program(name: &str) {
    for mode in modes() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minischeme"));
        // What CI sets would win over the flags.
        command.env_remove("JITDRIVER").env_remove("JITDRIVER_PARAMS");
        command.args(mode).arg("--stats=json").arg(folder().join(format!("{name}.scm")));
        let output = command.output().expect("it starts");
        let stats = text(output.stderr);
        assert!(output.status.success(), "{name} with {mode:?}: {stats}");
        let expected = expect_file![folder().join(format!("{name}.out"))];
        expected.assert_eq(&text(output.stdout));
        check_stats(&stats, mode, name);
    }
}

/// Loops are compiled, few recordings are given up, and a guard that fails often gets a bridge, unless
/// its recording is given up.
fn check_stats(stats: &str, mode: &[&str], name: &str) {
    let count = |what: &str| -> u64 {
        let start = stats.find(&format!("\"{what}\":")).expect(what) + what.len() + 3;
        let digits: String = stats[start..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect(what)
    };
    let traces = count("loops") + count("bridges");
    if mode == ["--jit", "off"] {
        assert_eq!(traces, 0, "{name}: {stats}");
        return;
    }
    let is_hot = mode.contains(&"--threshold");
    assert!(!is_hot || count("loops") > 0, "{name} with {mode:?}: {stats}");
    assert!(count("aborted") <= 16, "{name} with {mode:?}: {stats}");
    let failures = 250 * (traces + 1) + 1000 * count("aborted");
    assert!(count("guard_failures") <= failures, "{name} with {mode:?}: {stats}");
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

macro_rules! programs {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check_program(stringify!($name));
        })*

        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
    };
}

programs! {
    counters fib mandelbrot metacircular queens sieve squares strings tables tak
}

#[test]
fn every_program_is_tested() {
    for file in fs::read_dir(folder()).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let is_program = path.extension().is_some_and(|extension| extension == "scm");
        assert!(!is_program || PROGRAMS.contains(&name), "{name} is not in the list");
    }
}

#[test]
fn an_error_has_its_file_and_place() {
    let file = std::env::temp_dir().join(format!("minischeme-{}.scm", std::process::id()));
    fs::write(&file, "(display 1)\n(display\n  (car 2))\n").expect("a temporary file");
    let output = minischeme(std::slice::from_ref(&file));
    fs::remove_file(&file).expect("it is there");
    assert!(!output.status.success());
    assert_eq!(text(output.stdout), "1");
    assert_eq!(text(output.stderr), format!("{}:3:3: 2 is not a pair\n", file.display()));
}

/// What the loop without a file shows for this input.
fn repl(input: &str) -> (String, String) {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = Command::new(env!("CARGO_BIN_EXE_minischeme"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    (text(output.stdout), text(output.stderr))
}

#[test]
fn the_loop_shows_values_and_errors() {
    let (shown, errors) =
        repl("(define (f x)\n  (* x 2))\n(f 21)\n(car 1)\n\"text\"\n(display 5)\n");
    assert_eq!(shown, "42\n\"text\"\n5");
    assert_eq!(errors, "1:1: 1 is not a pair\n");
}

#[test]
fn the_loop_names_what_was_not_completed() {
    let (shown, errors) = repl("(+ 1\n   2)\n(list 1\n");
    assert_eq!(shown, "3\n");
    assert_eq!(errors, "1:1: this list is never closed\n");
}
