//! The merge point is a statement of the loop's own body.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        if pc > 1 {
            jit_merge_point!(driver, greens = [pc], reds = []);
        }
        pc += 1;
    }
}

fn main() {}
