//! A function that is not looked into has no loops to unroll.

use jitdriver::jit;

#[jit]
#[jitdriver::elidable]
#[jitdriver::unroll_safe]
fn power(base: i64, exponent: u32) -> i64 {
    (0..exponent).fold(1, |power, _| power * base)
}

fn main() {}
