//! `HashMap` looked up by the program counter.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::collections::HashMap;
use std::sync::LazyLock;

static OFFSETS: LazyLock<HashMap<usize, i64>> = LazyLock::new(|| HashMap::from([(0, 4), (1, 9)]));

const OP: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;

#[jit]
fn interpret<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    laps: i64,
    offsets: &'p HashMap<usize, i64>,
) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code, offsets], reds = [n, acc]);
        match code[pc] {
            OP => {
                acc += offsets[&pc] + n;
            }
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code, offsets], reds = [n, acc]);
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[OP, REPEAT, END], 60, &OFFSETS)
}
