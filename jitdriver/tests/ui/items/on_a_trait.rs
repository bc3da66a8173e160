//! Only code can be traced, and types that it works on.

use jitdriver::jit;

#[jit]
pub trait Tape {
    fn cells(&self) -> &[u8];
}

fn main() {}
