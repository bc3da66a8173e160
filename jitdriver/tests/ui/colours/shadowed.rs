//! The same name is not the same variable.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        let pc = (pc * 7) % 101;
        can_enter_jit!(driver, greens = [pc], reds = []);
    }
}

fn main() {}
