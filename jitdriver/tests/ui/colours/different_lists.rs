//! Both hints speak of the same variables in the same order.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, code: &'static [u8], mut pc: usize, mut acc: u8) {
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [acc]);
        acc = acc.wrapping_add(code[pc]);
        pc = usize::from(acc);
        can_enter_jit!(driver, greens = [code, pc], reds = []);
    }
}

fn main() {}
