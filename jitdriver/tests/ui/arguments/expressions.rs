//! Greens and reds are local variables.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    pc: usize,
}

#[jit]
fn interpret(driver: &JitDriver<'_>, vm: &mut Vm, acc: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm, acc + 1]);
        vm.pc += 1;
        if vm.pc > 10 {
            return acc;
        }
    }
}

fn main() {}
