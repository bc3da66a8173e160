//! Locks.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::sync::Mutex;

struct Vm {
    acc: i64,
    shared: Mutex<i64>,
}

impl Vm {
    fn new() -> Vm {
        Vm { acc: 1, shared: Mutex::new(3) }
    }
}

#[jit]
impl Vm {
    fn step(&mut self, n: i64) {
        *self.shared.lock().unwrap() += n;
        self.acc += *self.shared.lock().unwrap() & 7;
    }
}

const OP: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64, vm: &mut Vm) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc, vm]);
        match code[pc] {
            OP => {
                vm.step(n);
            }
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc, vm]);
                    continue;
                }
            }
            _ => return acc + vm.acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm::new();
    interpret(driver, &[OP, REPEAT, END], 60, &mut vm)
}
