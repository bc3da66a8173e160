//! Closures passed to helpers of one's own.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    acc: i64,
    stack: Vec<i64>,
}

impl Vm {
    fn new() -> Vm {
        Vm { acc: 1, stack: vec![0; 8] }
    }
}

#[jit]
impl Vm {
    fn binary_op(&mut self, op: impl Fn(i64, i64) -> i64) {
        let b = self.stack.pop().unwrap_or(0);
        let a = self.stack.pop().unwrap_or(0);
        self.stack.push(op(a, b));
    }
}

#[jit]
impl Vm {
    fn step(&mut self, n: i64) {
        self.stack.push(n);
        self.stack.push(self.acc);
        self.binary_op(|a, b| a % 1000 + b);
        self.acc = self.stack.pop().unwrap_or(0);
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
