//! A small Scheme.
//!
//! A program goes through three steps. The [reader] makes [`Datum`](reader::Datum)s of its text, with their
//! positions. The [analysis] makes a tree of [`Node`](analysis::Node)s of them, in which special
//! forms are nodes of their own and each variable knows where it lives: so many environments out, at
//! that index. [`Interpreter::eval`] walks the tree.
//!
//! Invariants
//! 1. Values, code and environments are counted references; nothing is global, so two interpreters do
//!    not know of each other.
//! 2. A call in tail position uses no stack; recursion that is too deep is an error of the program.
//! 3. Every error has the position of the form that was executed.
//!
//! What the language is, and where it is not R7RS, is in the README.

pub mod analysis;
mod builtins;
mod error;
mod garbage;
mod interpreter;
pub mod reader;
mod stack;
mod value;

pub use error::{Error, Position};
pub use interpreter::{Interpreter, MAX_DEPTH};
pub use stack::with_stack;
pub use value::{Arity, Builtin, Closure, Env, Global, Pair, Value};
