//! A program counter in `self`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    pc: usize,
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>, code: &[u8]) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc], reds = [self, code]);
            let opcode = code[self.pc];
            self.pc += 1;
            match opcode {
                0 => self.acc += self.n,
                1 => {
                    self.n -= 1;
                    if self.n > 0 {
                        self.pc = 0;
                        can_enter_jit!(driver, greens = [self.pc], reds = [self, code]);
                        continue;
                    }
                }
                _ => return self.acc,
            }
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { pc: 0, n: 60, acc: 0 };
    vm.interpret(driver, &[0, 1, 2])
}
