//! One of them is enough.

use jitdriver::jit;

#[jit]
#[jitdriver::dont_look_inside]
#[jitdriver::elidable]
fn double(x: i64) -> i64 {
    x * 2
}

fn main() {}
