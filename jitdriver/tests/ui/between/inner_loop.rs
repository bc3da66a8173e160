//! This `continue` is not that of the merge point's loop.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        while pc > 10 {
            pc -= 10;
            can_enter_jit!(driver, greens = [pc], reds = []);
            continue;
        }
        pc += 1;
    }
}

fn main() {}
