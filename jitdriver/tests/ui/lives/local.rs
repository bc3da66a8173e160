//! Everything that lives at the merge point is green or red.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8]) -> i64 {
    let mut pc = 0;
    let mut acc = 0;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        acc += i64::from(code[pc]);
        pc += 1;
    }
    acc
}

fn main() {}
