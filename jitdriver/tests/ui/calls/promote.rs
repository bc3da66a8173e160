//! Only what says in which scalars it lies in memory is promoted.

use jitdriver::{jit, promote};

#[derive(Clone, Copy)]
struct Pair {
    a: u32,
    b: u32,
}

#[jit]
fn sum(pair: Pair) -> u32 {
    let pair = promote(pair);
    pair.a + pair.b
}

fn main() {}
