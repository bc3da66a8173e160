//! With `again`, the merge point is where compiled code is entered.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Cpu {
    pc: usize,
    acc: u64,
}

#[jit]
fn step(driver: &JitDriver<'_>, cpu: &mut Cpu) -> bool {
    jit_merge_point!(driver, greens = [cpu.pc], reds = [cpu], again = true);
    cpu.acc += 1;
    can_enter_jit!(driver, greens = [cpu.pc], reds = [cpu]);
    true
}

fn main() {}
