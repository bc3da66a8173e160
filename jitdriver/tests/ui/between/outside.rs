//! After the loop there is nothing to enter.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        pc += 1;
    }
    can_enter_jit!(driver, greens = [pc], reds = []);
}

fn main() {}
