//! The hint is a statement, not a part of one.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc = next({
            can_enter_jit!(driver, greens = [pc], reds = []);
            pc
        });
    }
}

fn next(pc: usize) -> usize {
    pc + 1
}

fn main() {}
