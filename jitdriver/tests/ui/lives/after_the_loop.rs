//! What is used after the loop lives in it.

use jitdriver::{JitDriver, jit, jit_merge_point};

use std::time::Instant;

#[jit]
fn interpret(driver: &JitDriver<'_>) -> u64 {
    let mut pc = 0;
    let start = Instant::now();
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
    start.elapsed().as_secs()
}

fn main() {}
