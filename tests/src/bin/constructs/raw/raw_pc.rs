//! A `*const u8` as program counter.
#![expect(unsafe_code, reason = "the construct")]

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Frame {
    pc: *const u8,
    n: i64,
    acc: i64,
}

const ADD: u8 = 0;
const REPEAT: u8 = 1;

#[jit]
fn interpret(driver: &JitDriver<'_>, frame: &mut Frame) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [frame.pc], reds = [frame]);
        // SAFETY: the program ends with an opcode that returns, and jumps stay inside.
        let opcode = unsafe { *frame.pc };
        match opcode {
            // SAFETY: as above.
            ADD => unsafe {
                frame.acc += *frame.pc.add(1) as i64;
                frame.pc = frame.pc.add(2);
            },
            REPEAT => {
                frame.n -= 1;
                if frame.n > 0 {
                    // SAFETY: as above.
                    frame.pc = unsafe { frame.pc.sub(4) };
                    can_enter_jit!(driver, greens = [frame.pc], reds = [frame]);
                    continue;
                }
                // SAFETY: as above.
                frame.pc = unsafe { frame.pc.add(1) };
            }
            _ => return frame.acc,
        }
    }
}

static PROGRAM: [u8; 6] = [ADD, 3, ADD, 4, REPEAT, 2];

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &mut Frame { pc: PROGRAM.as_ptr(), n: 60, acc: 0 })
}
