//! A loop outside of the step function.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Vm {
    code: Vec<u8>,
    pc: usize,
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    /// Executes an instruction; false at the end of the program.
    fn step(&mut self) -> bool {
        let opcode = self.code[self.pc];
        self.pc += 1;
        match opcode {
            0 => self.acc += self.n,
            1 => {
                self.n -= 1;
                if self.n > 0 {
                    self.pc = 0;
                }
            }
            _ => return false,
        }
        true
    }
}

#[jit]
fn run_to_end(driver: &JitDriver<'_>, vm: &mut Vm) {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm]);
        if !vm.step() {
            return;
        }
        can_enter_jit!(driver, greens = [vm.pc], reds = [vm]);
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { code: vec![0, 1, 2], pc: 0, n: 60, acc: 0 };
    run_to_end(driver, &mut vm);
    vm.acc
}
