//! What another macro makes of its arguments cannot be known.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc = pc.wrapping_mul(3);
        assert!({
            can_enter_jit!(driver, greens = [pc], reds = []);
            pc > 0
        });
    }
}

fn main() {}
