//! What can be entered has to start somewhere.

use jitdriver::{JitDriver, can_enter_jit, jit};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        pc += 1;
        can_enter_jit!(driver, greens = [pc], reds = []);
    }
}

fn main() {}
