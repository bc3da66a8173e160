//! A closure has no part in the loop.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, pc: usize) {
    let step = || {
        jit_merge_point!(driver, greens = [pc], reds = []);
    };
    loop {
        step();
    }
}

fn main() {}
