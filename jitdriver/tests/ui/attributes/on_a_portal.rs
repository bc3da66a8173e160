//! How a function with a merge point is called is its driver's business.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
#[jitdriver::elidable]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
}

fn main() {}
