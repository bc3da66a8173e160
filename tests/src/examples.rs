//! The interpreters of the examples, for tests that run their programs.
//!
//! Not compiled into this crate's unit tests: those of the examples would come with them.
#![allow(dead_code, missing_docs)]

#[path = "../../examples/brainfuck/src/interpreter.rs"]
pub mod brainfuck;
#[path = "../../examples/language-x/src/interpreter.rs"]
pub mod language_x;
