//! `cargo xtask build-time`: how much longer an annotated crate takes to compile in release mode than the
//! same crate without a JIT, which is the feature `plain` of `jitdriver`.
//!
//! Only the author's crate is timed, with the linker: everything that it depends on is compiled before.
//! Of two builds the faster one counts. The machine should have nothing else to do.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const EXAMPLES: [&str; 4] = ["brainfuck", "chip8", "minischeme", "lua"];

const PLAIN: &[&str] = &["--features", "jitdriver/plain"];

fn main() -> ExitCode {
    println!("{:<10} {:>10} {:>10} {:>6}", "", "plain", "annotated", "");
    for example in EXAMPLES {
        match row(example) {
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
    let plain = time_of_build(example, PLAIN)?.as_secs_f64();
    let annotated = time_of_build(example, &[])?.as_secs_f64();
    let ratio = annotated / plain;
    Ok(format!("{example:<10} {plain:>8.1} s {annotated:>8.1} s {ratio:>5.1}x"))
}

fn time_of_build(example: &str, features: &[&str]) -> Result<Duration, String> {
    let build = [&["build", "--release", "--package", example], features].concat();
    cargo(&build)?;
    let mut fastest = Duration::MAX;
    for _ in 0..2 {
        cargo(&["clean", "--release", "--package", example])?;
        let start = Instant::now();
        cargo(&build)?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
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
