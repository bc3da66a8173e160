//! Trace IR, recorder, optimizer, resume and warm state of a meta-tracing JIT.
#![deny(unsafe_code)]

pub mod abort;
pub mod backend;
pub mod hooks;
pub mod ir;
pub mod memory;
pub mod opt;
pub mod owner;
pub mod params;
mod position;
pub mod quasi;
pub mod record;
pub mod stats;
pub mod table;
pub mod warm;

pub use warm::MetaInterp;
