//! A hint that is there under a condition would not be there for sure.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc = pc.wrapping_mul(3);
        #[cfg(unix)]
        can_enter_jit!(driver, greens = [pc], reds = []);
    }
}

fn main() {}
