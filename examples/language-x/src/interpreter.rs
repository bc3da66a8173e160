//! The interpreter of language X, annotated for tracing.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

/// Adds `a` to the accumulator.
pub const INCREASE: u8 = 0;
/// Jumps back three opcodes while the accumulator is not above the limit.
pub const JUMP_BACK_3: u8 = 1;
/// Subtracts `a` from the accumulator.
pub const DECREASE: u8 = 2;

#[jit]
fn add(res: i64, a: i64) -> i64 {
    res.wrapping_add(a)
}

#[jit]
fn sub(res: i64, a: i64) -> i64 {
    res.wrapping_sub(a)
}

/// Runs a program and answers its accumulator.
#[jit]
pub fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], a: i64, limit: i64) -> i64 {
    let mut i = 0;
    let mut res = 0;
    while i < code.len() {
        jit_merge_point!(driver, greens = [i, code], reds = [res, a, limit]);
        match code[i] {
            INCREASE => res = add(res, a),
            DECREASE => res = sub(res, a),
            _ if res > limit => {}
            _ => {
                i -= 3;
                can_enter_jit!(driver, greens = [i, code], reds = [res, a, limit]);
                continue;
            }
        }
        i += 1;
    }
    res
}
