//! Calls through a table of structs with closures.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Operation {
    weight: i64,
    run: fn(i64, i64) -> i64,
}

#[jit]
const OPERATIONS: &[Operation] = &[
    Operation { weight: 1, run: |acc, n| acc + n },
    Operation { weight: 2, run: |acc, _| acc * 2 % 1001 },
];

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let operation = &OPERATIONS[n as usize & 1];
    (operation.run)(acc, n) + operation.weight
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
