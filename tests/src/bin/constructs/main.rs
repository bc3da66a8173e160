//! The construct matrix: what interpreters are written with, and what becomes of it in traces.
//!
//! A row is a construct of Rust, and with it a small interpreter that uses it in its hot path, as the
//! interpreters do in which it was counted. *Share* is how many of 38 published interpreters have the
//! construct in their hot paths, in percent, and *uses* how often.
//!
//! ```sh
//! cargo run -p jit-tests --bin constructs            # the matrix
//! cargo run -p jit-tests --bin constructs -- if_let  # one row: its state, statistics and traces
//! cargo run -p jit-tests --bin constructs -- --list  # the rows and whether they are compiled
//! cargo run -p jit-tests --bin constructs -- --wrong # the rows that do something else than plain
//! ```
//!
//! Every row is a file. Those that compile are modules of this program, and are run: plain, with a twin
//! that gives up at once and goes on live, under every backend with thresholds 1 and 3. All must
//! answer the same; then the statistics say which state the row is in. Those that do not compile yet
//! lie in `tests/constructs/todo` and are `not_yet` in the table; the program `sort-constructs` moves rows
//! from one place to the other.
//!
//! Invariants, tested in `tests/tests/constructs.rs`
//! 1. What the matrix says is measured: `docs/constructs.md` is its text.
//! 2. Every file is a row, every row a file at the place that its state says.
//!
//! Why a file a row, and a program of its own? A row that does not compile can be put aside and taken
//! in without touching another one, and nobody else has to compile two hundred interpreters.
#![deny(unsafe_code)]
#![allow(
    clippy::manual_contains,
    clippy::unnecessary_lazy_evaluations,
    clippy::unnecessary_literal_unwrap,
    clippy::useless_vec,
    clippy::vec_init_then_push,
    reason = "constructs are used as they are in the interpreters, in programs that are too small for them"
)]

mod harness;
mod matrix;

mod calls;
mod cells;
mod closures;
mod control;
mod generics;
mod iterators;
mod macros;
mod numbers;
mod operators;
mod options;
mod patterns;
mod places;
mod raw;
mod shapes;
mod stacks;
mod values;

use harness::Row;
use std::process::ExitCode;

/// A group of rows.
struct Topic {
    /// The name of the folder.
    name: &'static str,
    rows: &'static [Row],
}

const TOPICS: &[Topic] = &[
    Topic { name: "control", rows: control::ROWS },
    Topic { name: "patterns", rows: patterns::ROWS },
    Topic { name: "operators", rows: operators::ROWS },
    Topic { name: "places", rows: places::ROWS },
    Topic { name: "values", rows: values::ROWS },
    Topic { name: "calls", rows: calls::ROWS },
    Topic { name: "closures", rows: closures::ROWS },
    Topic { name: "generics", rows: generics::ROWS },
    Topic { name: "macros", rows: macros::ROWS },
    Topic { name: "stacks", rows: stacks::ROWS },
    Topic { name: "iterators", rows: iterators::ROWS },
    Topic { name: "options", rows: options::ROWS },
    Topic { name: "numbers", rows: numbers::ROWS },
    Topic { name: "cells", rows: cells::ROWS },
    Topic { name: "raw", rows: raw::ROWS },
    Topic { name: "shapes", rows: shapes::ROWS },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        [] => {
            matrix::print(TOPICS);
            Ok(())
        }
        ["--list"] => {
            matrix::list(TOPICS);
            Ok(())
        }
        ["--wrong"] => {
            matrix::wrong(TOPICS);
            Ok(())
        }
        [id] if !id.starts_with('-') => matrix::show(TOPICS, id),
        _ => Err("constructs [ROW | --list | --wrong]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
