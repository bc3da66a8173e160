//! `while vm.step()?`.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[derive(Debug)]
struct Fault {
    at: usize,
}

struct Vm {
    code: Vec<u8>,
    pc: usize,
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    fn step(&mut self) -> Result<bool, Fault> {
        let at = self.pc;
        let opcode = *self.code.get(at).ok_or(Fault { at })?;
        self.pc += 1;
        match opcode {
            0 => self.acc += self.n,
            1 => {
                self.n -= 1;
                if self.n > 0 {
                    self.pc = 0;
                }
            }
            2 => return Ok(false),
            _ => return Err(Fault { at }),
        }
        Ok(true)
    }
}

#[jit]
fn run_to_end(driver: &JitDriver<'_>, vm: &mut Vm) -> Result<i64, Fault> {
    while vm.step()? {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm]);
    }
    Ok(vm.acc)
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { code: vec![0, 1, 2], pc: 0, n: 60, acc: 0 };
    let first = run_to_end(driver, &mut vm).unwrap();
    let mut broken = Vm { code: vec![0, 0], pc: 0, n: 60, acc: 0 };
    first + run_to_end(driver, &mut broken).unwrap_err().at as i64
}
