//! Parameters are no exception.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], limit: usize) {
    let mut pc = 0;
    while pc < limit {
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        pc += usize::from(code[pc]);
    }
}

fn main() {}
