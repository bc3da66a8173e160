//! What every backend must do, and tools that compare backends.
//!
//! - [`suite`] is the conformance suite: traces as text, inputs and expected exits. A backend runs all of
//!   it with [`backend_tests!`].
//! - [`random`] makes random traces and compares two backends on them.
//! - [`bench`](mod@bench) compiles and runs traces for tests.
//! - [`oracle`] runs annotated interpreters in every mode and compares; [`programs`] is one of them.
//! - [`random_programs`] makes random programs for another one.
//! - [`behaviours`] is the table of what is checked and what is open.
//!
//! Expected values are computed by Rust itself, never by the code that is tested.
#![deny(unsafe_code)]

pub mod behaviours;
pub mod bench;
#[cfg(not(test))]
pub mod examples;
pub mod oracle;
pub mod programs;
pub mod random;
pub mod random_programs;
pub mod suite;
