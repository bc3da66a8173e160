//! Benchmarks that run an example beside what it has to be compared with.
//!
//! A benchmark is a binary: `bench-boxes`, `bench-brainfuck`, `bench-language-x`, `bench-lua`. Its
//! contestants take turns, so that a slow minute of the machine hits all of them, and all have to give the
//! same output. The result is a table of medians and ratios.
//!
//! - [`measure`]: contestants, rounds, the table.
//! - [`plain_brainfuck`], [`plain_language_x`]: the examples' interpreters without annotations.
//! - [`bf_to_c`]: Brainfuck to C, for a compiler's view of a program.
//! - [`bars`]: a plot of ratios.
//!
//! `passes` tells what the optimizer's passes make of the examples' programs ([`programs`]).
//!
//! Why not criterion? It samples one contestant for seconds, then the next one, and the runs here
//! take seconds each; a ratio of two numbers taken minutes apart is worth little.

#![forbid(unsafe_code)]

pub mod bars;
pub mod bf_to_c;
pub mod measure;
pub mod plain_brainfuck;
pub mod plain_language_x;
pub mod programs;
