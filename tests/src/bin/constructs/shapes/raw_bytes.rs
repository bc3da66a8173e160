//! Raw bytes decoded each time.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn operand(code: &[u8], pc: usize) -> i64 {
    i16::from_le_bytes([code[pc], code[pc + 1]]) as i64
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc: i64 = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            0 => {
                acc = acc.wrapping_add(operand(code, pc + 1));
                pc += 3;
            }
            1 => {
                n -= 1;
                if n > 0 {
                    pc = (pc as i64 + operand(code, pc + 1)) as usize;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
                    continue;
                }
                pc += 3;
            }
            _ => return acc,
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[0, 44, 1, 1, 0xfd, 0xff, 2], 60)
}
