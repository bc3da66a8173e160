//! The attributes take no arguments.

use jitdriver::jit;

#[jit]
#[jitdriver::unroll_safe(3)]
fn triple(x: i64) -> i64 {
    x * 3
}

fn main() {}
