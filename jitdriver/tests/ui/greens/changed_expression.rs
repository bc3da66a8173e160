//! Both hints read the same greens.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    pc: usize,
    next: usize,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>) {
        while self.pc < 10 {
            jit_merge_point!(driver, greens = [self.pc], reds = [self]);
            self.next += 1;
            self.pc = self.next;
            can_enter_jit!(driver, greens = [self.next], reds = [self]);
        }
    }
}

fn main() {}
