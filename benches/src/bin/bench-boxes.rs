//! The sum of squares in a stack language, with values plain, in boxes and shared, beside a loop in Rust.
//!
//! Each of the three interpreters runs under the JIT, compiling included, and without it; without it, a
//! hundredth of the laps.

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::measure::{Contestant, take_turns};
use jit_tests::tla::{SUM_OF_SQUARES, run_boxed, run_counted, run_plain};
use jitdriver::{Jit, JitDriver};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// Runs the sum of squares in several ways, in turns, and prints medians and ratios.
#[derive(Parser)]
struct Arguments {
    /// How many squares are added.
    #[arg(long, default_value_t = 500_000_000)]
    n: i64,
    /// How often each contestant runs.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
}

type Interpreter = fn(&JitDriver<'static>, &'static [u8], i64) -> i64;

const NATIVE: &str = "native";
const INTERPRETERS: [(&str, Interpreter); 3] =
    [("plain", run_plain), ("boxed", run_boxed), ("shared", run_counted)];

/// How much less those without the JIT have to do.
const FEWER: i64 = 100;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (n, fewer) = (arguments.n, arguments.n / FEWER);
    let line = |sum: i64| sum.to_string().into_bytes();
    let contestant = |name: String, n: i64, work: Box<dyn Fn(i64) -> i64>| {
        Contestant::in_process(name, &line(native(n, 1)), move || Ok(line(work(black_box(n)))))
    };
    let mut contestants = vec![contestant(NATIVE.into(), n, Box::new(|n| native(n, black_box(1))))];
    for (name, run) in INTERPRETERS {
        let with = move |jit: Jit| -> Box<dyn Fn(i64) -> i64> {
            Box::new(move |n| {
                let driver = JitDriver::builder().jit(jit).build().expect("the backend is there");
                run(&driver, SUM_OF_SQUARES, n)
            })
        };
        contestants.push(contestant(format!("{name}, jit"), n, with(Jit::Cranelift)));
        let title = format!("{name}, jit off, a hundredth");
        contestants.push(contestant(title, fewer, with(Jit::Off)));
    }
    let table = take_turns(contestants, arguments.rounds);
    print!("{}", table.render(&[NATIVE]));
    if table.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same as a loop in Rust. That the step is not known keeps the compiler from computing the sum without a
/// loop.
#[inline(never)]
fn native(n: i64, step: i64) -> i64 {
    let (mut i, mut sum) = (0i64, 0i64);
    loop {
        sum = sum.wrapping_add(i.wrapping_mul(i));
        i = i.wrapping_add(step);
        if i >= n {
            return sum;
        }
    }
}
