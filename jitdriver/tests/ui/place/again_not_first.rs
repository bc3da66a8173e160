//! What is called again starts with its merge point.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    pc: usize,
}

#[jit]
impl Vm {
    fn step(&mut self, driver: &JitDriver<'_>) -> bool {
        self.pc += 1;
        jit_merge_point!(driver, greens = [self.pc], reds = [self], again = true);
        self.pc < 10
    }
}

fn main() {}
