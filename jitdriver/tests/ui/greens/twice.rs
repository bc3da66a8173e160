//! An expression is green once.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    pc: usize,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>) {
        while self.pc < 10 {
            jit_merge_point!(driver, greens = [self.pc, self.pc], reds = [self]);
            self.pc += 1;
        }
    }
}

fn main() {}
