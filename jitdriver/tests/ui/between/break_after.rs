//! `break` does not lead to the merge point.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
        if pc > 100 {
            can_enter_jit!(driver, greens = [pc], reds = []);
            break;
        }
    }
}

fn main() {}
