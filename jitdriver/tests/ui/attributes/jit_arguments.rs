//! `#[jit]` takes no arguments.

use jitdriver::jit;

#[jit(greens = [pc])]
fn double(x: i64) -> i64 {
    x * 2
}

fn main() {}
