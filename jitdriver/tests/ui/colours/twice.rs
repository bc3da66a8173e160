//! Once is enough.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code, pc], reds = []);
        pc += 1;
    }
}

fn main() {}
