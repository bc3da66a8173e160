//! Greens come before reds.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize, mut acc: i64) {
    loop {
        jit_merge_point!(driver, reds = [acc], greens = [pc]);
        pc += 1;
        acc += 1;
    }
}

fn main() {}
