//! Constants of a module as patterns.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

mod op {
    pub const ADD: u8 = 0;
    pub const SUB: u8 = 3;
    pub const REPEAT: u8 = 1;
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            op::ADD => acc += n,
            op::SUB => acc -= 2,
            op::REPEAT => {
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
    interpret(driver, &[op::ADD, op::SUB, op::REPEAT, 2], 60)
}
