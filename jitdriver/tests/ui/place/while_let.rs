//! A pattern in the condition binds a variable that is new each time round.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize) {
    while let Some(&op) = code.get(pc) {
        jit_merge_point!(driver, greens = [pc, code], reds = []);
        pc += usize::from(op);
    }
}

fn main() {}
