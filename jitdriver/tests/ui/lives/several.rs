//! Each mistake is reported, also when there are several.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], (a, b): (i64, i64)) -> i64 {
    let mut pc = 0;
    let mut acc = 0;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code, pc], reds = []);
        acc += a * b;
        pc += 1;
    }
    acc
}

fn main() {}
