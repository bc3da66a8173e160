//! Opcodes read from guest RAM.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, promote};

struct Machine {
    ram: [u8; 64],
    pc: usize,
    n: u8,
    acc: i64,
}

#[jit]
impl Machine {
    fn interpret(&mut self, driver: &JitDriver<'_>) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc], reds = [self]);
            let opcode = promote(self.ram[self.pc]);
            self.pc += 1;
            match opcode {
                0 => {
                    // The program changes its own operand.
                    let operand = self.ram[self.pc];
                    self.ram[self.pc] = operand.wrapping_add(1);
                    self.pc += 1;
                    self.acc += operand as i64;
                }
                1 => {
                    self.n -= 1;
                    if self.n > 0 {
                        self.pc = 0;
                        can_enter_jit!(driver, greens = [self.pc], reds = [self]);
                        continue;
                    }
                }
                _ => return self.acc,
            }
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut ram = [2; 64];
    ram[..3].copy_from_slice(&[0, 7, 1]);
    let mut machine = Machine { ram, pc: 0, n: 60, acc: 0 };
    machine.interpret(driver)
}
