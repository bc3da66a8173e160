//! A meta-tracing JIT for interpreters written in ordinary Rust.
#![deny(unsafe_code)]

extern crate self as jitdriver;

mod driver;
mod hints;
#[doc(hidden)]
pub mod plumbing;
mod shims;

pub use driver::{BuildError, Builder, Jit, JitDriver};
pub use hints::{promote, we_are_jitted};
pub use jitdriver_macros::{can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, unroll_safe};
pub use metainterp::abort::Abort;
pub use metainterp::params::Params;
pub use metainterp::stats::Stats;
pub use metainterp::warm::CompiledTrace;
