//! Reds are local variables; greens may be read from somewhere, but not computed.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    pc: usize,
}

fn next(vm: &mut Vm) -> usize {
    vm.pc += 1;
    vm.pc
}

#[jit]
fn interpret(driver: &JitDriver<'_>, vm: &mut Vm, acc: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [next(vm), 3], reds = [vm, acc + 1]);
        vm.pc += 1;
        if vm.pc > 10 {
            return acc;
        }
    }
}

fn main() {}
