//! `while` with a condition.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 0;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        acc += code[pc] as i64;
        pc += 1;
        if pc == code.len() && n > 1 {
            n -= 1;
            pc = 0;
            can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
        }
    }
    acc
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[3, 1, 4], 60)
}
