//! `cargo xtask build-time`: how much longer an annotated crate takes to compile in release mode than the
//! same crate without a JIT, which is the feature `plain` of `jitdriver`.
//!
//! Only the author's crate is timed, with the linker: everything that it depends on is compiled before.
//! The two take turns, and of three builds each the fastest counts. The machine should have nothing else to do.
//! Arguments are the examples to build, all by default.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const EXAMPLES: [&str; 4] = ["brainfuck", "chip8", "minischeme", "lua"];

const ROUNDS: usize = 3;

const PLAIN: &[&str] = &["--features", "jitdriver/plain"];

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let examples = match named.is_empty() {
        true => EXAMPLES.map(String::from).to_vec(),
        false => named,
    };
    println!("{:<10} {:>10} {:>10} {:>6}", "", "plain", "annotated", "");
    for example in examples {
        match row(&example) {
            Ok(row) => println!("{row}"),
            Err(error) => {
                eprintln!("{example}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn row(example: &str) -> Result<String, String> {
    let kinds = [PLAIN, &[]];
    for features in kinds {
        build(example, features)?;
    }
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (fastest, features) in fastest.iter_mut().zip(kinds) {
            cargo(&["clean", "--release", "--package", example])?;
            let start = Instant::now();
            build(example, features)?;
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let [plain, annotated] = fastest.map(|time| time.as_secs_f64());
    let ratio = annotated / plain;
    Ok(format!("{example:<10} {plain:>8.1} s {annotated:>8.1} s {ratio:>5.2}x"))
}

fn build(example: &str, features: &[&str]) -> Result<(), String> {
    cargo(&[&["build", "--release", "--package", example], features].concat())
}

fn cargo(args: &[&str]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder");
    let status = Command::new(env!("CARGO")).arg("--quiet").args(args).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`cargo {}`: {status}", args.join(" "))),
        Err(error) => Err(format!("`cargo {}`: {error}", args.join(" "))),
    }
}
