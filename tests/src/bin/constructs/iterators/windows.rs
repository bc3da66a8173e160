//! `windows`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, unroll_safe};

#[jit]
#[unroll_safe]
fn step(acc: i64, n: i64) -> i64 {
    let three = [acc % 100, n, 40];
    let mut ascending = 0;
    for two in three.windows(2) {
        if two[0] < two[1] {
            ascending += two[1] - two[0];
        }
    }
    acc + ascending
}

const OP: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            OP => {
                acc = step(acc, n);
            }
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
    interpret(driver, &[OP, REPEAT, END], 60)
}
