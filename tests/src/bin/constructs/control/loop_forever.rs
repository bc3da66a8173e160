//! `loop {}`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, laps: i64) -> i64 {
    let mut n = laps;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc]);
        if n == 0 {
            return acc;
        }
        acc += n;
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [n, acc]);
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, 60)
}
