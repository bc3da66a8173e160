//! A function has one merge point.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
    while pc < 200 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
}

fn main() {}
