//! Which field of a union is alive, its type does not say.

use jitdriver::Traceable;

#[derive(Clone, Copy, Traceable)]
union Word {
    int: u64,
    float: f64,
}

fn main() {}
