//! A green names a position in the program; what it names must not change.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &mut [u8], mut pc: usize) {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        code[pc] = 0;
        pc += 1;
    }
}

fn main() {}
