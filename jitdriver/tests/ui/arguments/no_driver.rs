//! The driver comes first.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(greens = [pc], reds = []);
        pc += 1;
    }
}

fn main() {}
