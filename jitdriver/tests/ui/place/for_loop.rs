//! A `for` loop has an iterator, which has no name to be red under.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut acc: i64) -> i64 {
    for pc in 0..code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [acc]);
        acc += i64::from(code[pc]);
    }
    acc
}

fn main() {}
