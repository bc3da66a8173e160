//! `HashMap`: `get`, `insert`, `contains_key`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::collections::HashMap;

struct Vm {
    acc: i64,
    globals: HashMap<u64, i64>,
}

impl Vm {
    fn new() -> Vm {
        Vm { acc: 1, globals: HashMap::new() }
    }
}

#[jit]
#[allow(clippy::map_entry, reason = "these methods are the row")]
impl Vm {
    fn step(&mut self, n: i64) {
        let key = n as u64 & 3;
        if !self.globals.contains_key(&key) {
            self.globals.insert(key, 1);
        }
        let value = self.globals[&key] + n;
        if let Some(slot) = self.globals.get_mut(&key) {
            *slot = value & 0xff;
        }
        self.acc += value;
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
