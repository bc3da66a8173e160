//! A program counter in a frame of a `Vec`.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Frame {
    ip: usize,
    base: i64,
}

struct Vm {
    frames: Vec<Frame>,
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>, code: &[u8]) -> i64 {
        loop {
            jit_merge_point!(
                driver,
                greens = [self.frames[self.frames.len() - 1].ip],
                reds = [self, code]
            );
            let depth = self.frames.len() - 1;
            let frame = &mut self.frames[depth];
            let opcode = code[frame.ip];
            frame.ip += 1;
            match opcode {
                0 => self.acc += self.n + frame.base,
                1 => {
                    self.n -= 1;
                    if self.n > 0 {
                        frame.ip = 0;
                    }
                }
                _ => return self.acc,
            }
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let frames = vec![Frame { ip: 0, base: 3 }];
    let mut vm = Vm { frames, n: 60, acc: 0 };
    vm.interpret(driver, &[0, 1, 2])
}
