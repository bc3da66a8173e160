//! Both lists are written, also when one is empty.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    loop {
        jit_merge_point!(driver, greens = [pc]);
        pc += 1;
    }
}

fn main() {}
