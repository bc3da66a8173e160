//! What stands before the merge point would run when compiled code has come back.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    loop {
        let op = code[pc];
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        if op == 0 {
            break;
        }
        pc = usize::from(op);
        can_enter_jit!(driver, greens = [pc, code], reds = []);
    }
}

fn main() {}
