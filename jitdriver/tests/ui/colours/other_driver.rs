//! Both hints name the same driver.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, other: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = [other]);
        pc = (pc * 7) % 101;
        can_enter_jit!(other, greens = [pc], reds = [other]);
    }
}

fn main() {}
