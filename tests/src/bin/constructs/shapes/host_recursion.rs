//! Host recursion for guest calls.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

const CALL: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;
const ADD: u8 = 3;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], start: usize, laps: i64) -> i64 {
    let mut pc = start;
    let mut n = laps;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc, start]);
        match code[pc] {
            CALL => {
                acc += interpret(driver, code, code[pc + 1] as usize, n);
                pc += 2;
            }
            ADD => {
                acc += n;
                pc += 1;
            }
            REPEAT => {
                n -= 1;
                pc += 1;
                if n > 0 {
                    pc = start;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc, start]);
                    continue;
                }
            }
            END => return acc,
            other => panic!("opcode {other}"),
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[CALL, 4, REPEAT, END, ADD, END], 0, 60)
}
