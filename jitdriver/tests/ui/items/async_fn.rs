//! An `async fn` runs somewhere else at some other time.

use jitdriver::jit;

#[jit]
pub async fn double(x: i64) -> i64 {
    x * 2
}

fn main() {}
