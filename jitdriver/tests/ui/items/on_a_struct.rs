//! Only code can be traced.

use jitdriver::jit;

#[jit]
pub struct Tape {
    pub cells: Vec<u8>,
}

fn main() {}
