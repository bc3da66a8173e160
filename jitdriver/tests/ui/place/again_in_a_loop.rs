//! A loop starts over by itself.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) -> bool {
    while pc < 10 {
        jit_merge_point!(driver, greens = [pc], reds = [], again = true);
        pc += 1;
    }
    true
}

fn main() {}
