//! A driver in a field.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm<'d, 'p> {
    driver: &'d JitDriver<'p>,
    code: &'p [u8],
    pc: usize,
    n: i64,
    acc: i64,
}

#[jit]
impl<'p> Vm<'_, 'p> {
    fn interpret(&mut self) -> i64 {
        loop {
            jit_merge_point!(self.driver, greens = [self.pc, self.code], reds = [self]);
            match self.code[self.pc] {
                0 => self.acc += self.n,
                1 => {
                    self.n -= 1;
                    if self.n > 0 {
                        self.pc = 0;
                        can_enter_jit!(self.driver, greens = [self.pc, self.code], reds = [self]);
                        continue;
                    }
                }
                _ => return self.acc,
            }
            self.pc += 1;
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    Vm { driver, code: &[0, 1, 2], pc: 0, n: 60, acc: 0 }.interpret()
}
