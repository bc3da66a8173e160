//! A merge point comes round again.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, pc: usize) -> usize {
    jit_merge_point!(driver, greens = [pc], reds = []);
    pc + 1
}

fn main() {}
