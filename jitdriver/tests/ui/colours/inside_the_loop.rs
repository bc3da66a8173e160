//! What is declared in the loop is a new variable each time.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    while pc < code.len() {
        let op = code[pc];
        jit_merge_point!(driver, greens = [pc, code], reds = [op]);
        pc += usize::from(op);
    }
}

fn main() {}
