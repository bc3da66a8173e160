//! Calls through a table of function pointers.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    acc: i64,
    n: i64,
}

type Handler = fn(&mut Vm);

static TABLE: [Handler; 3] = [add, double, decrement];

#[jit]
fn add(vm: &mut Vm) {
    vm.acc += vm.n;
}

#[jit]
fn double(vm: &mut Vm) {
    vm.acc = (vm.acc * 2) & 0xffff;
}

#[jit]
fn decrement(vm: &mut Vm) {
    vm.n -= 1;
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], vm: &mut Vm) -> i64 {
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [vm]);
        TABLE[code[pc] as usize](vm);
        pc += 1;
        if pc == code.len() {
            if vm.n <= 0 {
                return vm.acc;
            }
            pc = 0;
            can_enter_jit!(driver, greens = [pc, code], reds = [vm]);
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[0, 1, 2], &mut Vm { acc: 1, n: 60 })
}
