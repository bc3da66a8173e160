//! Language X under the JIT, without it, in the plain interpreter and as a loop in Rust.
//!
//! The contestants that use the JIT are processes of `language-x --limit N [--jit off]`; build them
//! first with `cargo build --release`. The row with limit 0 shows what starting such a process
//! costs. A contestant that is not there is shown as such, and the exit code is 1.

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::measure::{Contestant, sibling_binary, take_turns};
use jit_benches::plain_language_x::{CODE, interpret, native, native_three_adds};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs Language X in several ways, in turns, and prints medians and ratios.
#[derive(Parser)]
struct Arguments {
    /// Where the program stops counting; with increments of one, the number of increments.
    #[arg(long, default_value_t = 300_000_000)]
    limit: i64,
    /// How often each contestant runs.
    #[arg(long, default_value = "7")]
    rounds: NonZeroUsize,
    /// The JIT example.
    #[arg(long, default_value_os_t = sibling_binary("language-x"))]
    language_x: PathBuf,
}

/// The number that is added.
const A: i64 = 1;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let limit = arguments.limit;
    let in_process = |name: &str, work: fn(i64, i64) -> i64| {
        let expected = line(interpret(&CODE, A, limit));
        Contestant::in_process(name, &expected, move || {
            Ok(line(work(black_box(A), black_box(limit))))
        })
    };
    let contestants = vec![
        in_process(NATIVE, native),
        in_process(THREE_ADDS, native_three_adds),
        in_process(PLAIN, |a, limit| interpret(black_box(&CODE[..]), a, limit)),
        language_x("start of a process", &arguments, 0, &["--jit", "off"]),
        language_x("jit off", &arguments, limit, &["--jit", "off"]),
        language_x("jit", &arguments, limit, &[]),
    ];
    let table = take_turns(contestants, arguments.rounds);
    print!("{}", table.render(&[NATIVE, THREE_ADDS, PLAIN]));
    if table.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const NATIVE: &str = "native";
const THREE_ADDS: &str = "three adds";
const PLAIN: &str = "plain";

/// The example in a process of its own.
fn language_x(name: &str, arguments: &Arguments, limit: i64, more: &[&str]) -> Contestant<'static> {
    let mut command_line = vec!["--limit".to_string(), limit.to_string()];
    command_line.extend(more.iter().map(|it| it.to_string()));
    let expected = line(interpret(&CODE, A, limit));
    Contestant::process(name, &expected, arguments.language_x.clone(), command_line, None)
}

/// What the example prints: the result on a line of its own.
fn line(result: i64) -> Vec<u8> {
    format!("{result}\n").into_bytes()
}
