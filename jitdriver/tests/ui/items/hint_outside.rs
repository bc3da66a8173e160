//! Without `#[jit]` the hints mean nothing.

use jitdriver::{JitDriver, jit_merge_point};

pub fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
}

fn main() {}
