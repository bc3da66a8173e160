//! The increment would run once for the interpreter and once for compiled code.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        if code[pc] == b'<' {
            pc = 0;
            can_enter_jit!(driver, greens = [pc, code], reds = []);
        }
        pc += 1;
    }
}

fn main() {}
