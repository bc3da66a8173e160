//! Fuel counted in the loop.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64, budget: u64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 0;
    let mut fuel = budget;
    while fuel > 0 {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc, fuel]);
        fuel -= 1;
        match code[pc] {
            0 => acc += n,
            1 => {
                n += 1;
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [n, acc, fuel]);
                continue;
            }
            _ => return acc,
        }
        pc += 1;
    }
    -acc
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[0, 1], 1, 151)
}
