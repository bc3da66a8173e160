//! The condition is evaluated on the way to the merge point, perhaps more than once.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, fuel: &mut u32, mut pc: usize) {
    while pc < 100 && burn(fuel) {
        jit_merge_point!(driver, greens = [pc], reds = [fuel]);
        pc = (pc * 7) % 101;
        can_enter_jit!(driver, greens = [pc], reds = [fuel]);
    }
}

fn burn(fuel: &mut u32) -> bool {
    *fuel -= 1;
    *fuel > 0
}

fn main() {}
