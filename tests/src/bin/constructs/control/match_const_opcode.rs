//! `match` on a constant opcode.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

const OP: u8 = 0;
const SUB: u8 = 10;
const XOR: u8 = 11;
const REPEAT: u8 = 1;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            OP => acc += n,
            SUB => acc -= 3,
            XOR => acc ^= n,
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[OP, SUB, XOR, REPEAT, 2], 60)
}
