//! A variable has one colour.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [code]);
        pc += 1;
    }
}

fn main() {}
