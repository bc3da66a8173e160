//! A constant is constant anyway.

use jitdriver::{JitDriver, jit, jit_merge_point};

const END: usize = 100;

#[jit]
fn interpret(driver: &JitDriver<'_>, mut pc: usize) {
    while pc < END {
        jit_merge_point!(driver, greens = [pc, END], reds = []);
        pc += 1;
    }
}

fn main() {}
