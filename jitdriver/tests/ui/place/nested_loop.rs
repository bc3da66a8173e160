//! From the merge point's loop it is straight on to the function's end.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    for _ in 0..3 {
        while pc < 100 {
            jit_merge_point!(driver, greens = [pc], reds = []);
            pc += 1;
        }
    }
}

fn main() {}
