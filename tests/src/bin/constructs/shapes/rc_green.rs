//! An `Rc` as green.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::rc::Rc;

struct Code {
    bytes: Vec<u8>,
}

#[jit]
fn interpret(driver: &JitDriver<'_>, code: Rc<Code>, laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        let opcode = code.bytes[pc];
        pc += 1;
        match opcode {
            0 => acc += n,
            1 => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
                    continue;
                }
            }
            _ => return acc,
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let first = interpret(driver, Rc::new(Code { bytes: vec![0, 1, 2] }), 60);
    first + interpret(driver, Rc::new(Code { bytes: vec![0, 0, 1, 2] }), 60)
}
