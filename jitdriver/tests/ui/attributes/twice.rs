//! An attribute is given once.

use jitdriver::jit;

struct Tape;

#[jit]
impl Tape {
    #[jitdriver::unroll_safe]
    #[jitdriver::unroll_safe]
    fn clear(&mut self) {}
}

fn main() {}
