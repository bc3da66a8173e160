//! The twin of a method needs the `impl` block.

use jitdriver::jit;

pub struct Tape;

impl Tape {
    #[jit]
    pub fn get(&self) -> u8 {
        0
    }
}

fn main() {}
