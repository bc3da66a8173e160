//! A program counter in a frame behind `&mut`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Frame {
    ip: usize,
    n: i64,
    acc: i64,
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], frame: &mut Frame) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [frame.ip, code], reds = [frame]);
        let opcode = code[frame.ip];
        frame.ip += 1;
        match opcode {
            0 => frame.acc += frame.n,
            1 => {
                frame.n -= 1;
                if frame.n > 0 {
                    frame.ip = 0;
                    can_enter_jit!(driver, greens = [frame.ip, code], reds = [frame]);
                    continue;
                }
            }
            _ => return frame.acc,
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[0, 1, 2], &mut Frame { ip: 0, n: 60, acc: 0 })
}
