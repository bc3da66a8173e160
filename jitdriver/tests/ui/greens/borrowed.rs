//! A green changes by assignment only.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize, mut acc: i64) -> i64 {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [acc]);
        acc += read(code, &mut pc);
    }
    acc
}

fn read(code: &[u8], pc: &mut usize) -> i64 {
    *pc += 1;
    i64::from(code[*pc - 1])
}

fn main() {}
