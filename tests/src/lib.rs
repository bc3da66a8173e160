//! What every backend must do, and tools that compare backends.
//!
//! - [`suite`] is the conformance suite: traces as text, inputs and expected exits. A backend runs all of
//!   it with [`backend_tests!`].
//! - [`random`] makes random traces and compares two backends on them.
//! - [`bench`](mod@bench) compiles and runs traces for tests.
//! - [`oracle`] runs annotated interpreters in every mode and compares; [`programs`] is one of them.
//! - [`tla`] has interpreters whose values live on the heap.
//! - [`random_programs`] makes random programs for another one.
//! - [`laps!`] makes an interpreter of one opcode.
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
pub mod tla;

/// An interpreter of one opcode that is run `n` times, with reds that are its parameters; `i` is the number of the lap,
/// from 1.
///
/// The caller imports `JitDriver`, `jit`, `jit_merge_point` and `can_enter_jit`.
#[macro_export]
macro_rules! opcode {
    ($name:ident($i:ident; $($red:ident: $ty:ty),*) -> $ret:ty { $($body:tt)* } => $result:expr) => {
        #[jit]
        #[allow(unused_mut, unused_assignments, clippy::too_many_arguments)]
        fn $name<'p>(driver: &JitDriver<'p>, n: i64, $($red: $ty),*) -> $ret {
            let mut $i = 0i64;
            $(let mut $red = $red;)*
            loop {
                jit_merge_point!(driver, greens = [], reds = [$i, n, $($red),*]);
                if $i == n {
                    break;
                }
                $i += 1;
                { $($body)* }
                can_enter_jit!(driver, greens = [], reds = [$i, n, $($red),*]);
            }
            $result
        }
    };
}

/// An interpreter of one opcode, which it runs `n` times, at least once; `i` is the number of the lap, from 1.
///
/// The caller imports `JitDriver`, `jit`, `jit_merge_point` and `can_enter_jit`.
#[macro_export]
macro_rules! laps {
    ($name:ident($i:ident, $n:ident $(, $red:ident: $ty:ty = $start:expr)*) -> $ret:ty
        { $($body:tt)* } => $result:expr) => {
        #[jit]
        #[allow(unused_mut, unused_variables, unused_assignments, clippy::all)]
        fn $name(driver: &JitDriver<'_>, $n: i64) -> $ret {
            let mut $i = 0i64;
            $(let mut $red: $ty = $start;)*
            loop {
                jit_merge_point!(driver, greens = [], reds = [$i, $n $(, $red)*]);
                $i = $i.wrapping_add(1);
                { $($body)* }
                if $i >= $n {
                    break;
                }
                can_enter_jit!(driver, greens = [], reds = [$i, $n $(, $red)*]);
            }
            $result
        }
    };
}
