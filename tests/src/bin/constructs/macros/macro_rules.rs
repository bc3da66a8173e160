//! Own `macro_rules!` called in a hot function.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    acc: i64,
    regs: [i64; 4],
    stack: Vec<i64>,
    sp: usize,
}

impl Vm {
    fn new() -> Vm {
        Vm { acc: 1, regs: [1, 2, 3, 4], stack: vec![0; 8], sp: 0 }
    }
}

#[jit]
macro_rules! binary {
    ($vm:expr, $op:tt) => {{
        let b = $vm.regs[0];
        let a = $vm.regs[1] % 1000;
        $vm.regs[1] = a $op b;
    }};
}

#[jit]
impl Vm {
    fn step(&mut self, n: i64) {
        binary!(self, +);
        self.stack[self.sp] = n;
        self.sp = (self.sp + 1) & 7;
        self.acc += self.regs[1];
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
