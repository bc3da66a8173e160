//! A merge point without `can_enter_jit!`.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            0 => acc += n,
            1 => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[0, 1, 2], 60)
}
