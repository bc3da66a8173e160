//! An explicit stack of frames for guest calls.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, promote};

struct Frame {
    return_to: usize,
    local: i64,
}

struct Vm {
    frames: Vec<Frame>,
    acc: i64,
}

#[jit]
impl Vm {
    fn call(&mut self, return_to: usize) {
        self.frames.push(Frame { return_to, local: self.acc & 7 });
    }

    fn ret(&mut self) -> Option<usize> {
        let frame = self.frames.pop()?;
        self.acc += frame.local;
        Some(frame.return_to)
    }
}

const CALL: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;
const ADD: u8 = 3;
const RET: u8 = 4;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64, vm: &mut Vm) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, vm]);
        match code[pc] {
            CALL => {
                vm.call(pc + 2);
                pc = code[pc + 1] as usize;
            }
            ADD => {
                vm.acc += n;
                pc += 1;
            }
            RET => match vm.ret() {
                Some(target) => pc = promote(target),
                None => return -1,
            },
            REPEAT => {
                n -= 1;
                pc += 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, vm]);
                }
            }
            END => return vm.acc,
            other => panic!("opcode {other}"),
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { frames: Vec::new(), acc: 1 };
    interpret(driver, &[CALL, 4, REPEAT, END, ADD, RET], 60, &mut vm)
}
