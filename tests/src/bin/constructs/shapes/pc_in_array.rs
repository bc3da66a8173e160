//! A program counter in an array of registers.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    reg: [u64; 12],
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>, code: &[u8]) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.reg[11]], reds = [self, code]);
            let opcode = code[self.reg[11] as usize];
            self.reg[11] += 1;
            match opcode {
                0 => self.acc += self.n,
                1 => {
                    self.n -= 1;
                    if self.n > 0 {
                        self.reg[11] = 0;
                        can_enter_jit!(driver, greens = [self.reg[11]], reds = [self, code]);
                        continue;
                    }
                }
                _ => return self.acc,
            }
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { reg: [0; 12], n: 60, acc: 0 };
    vm.interpret(driver, &[0, 1, 2])
}
