//! What compiled code does not call has no result that it could use.

use jitdriver::{jit, not_in_trace};

#[not_in_trace]
fn measure(x: i64) -> i64 {
    x * 3
}

#[jit]
fn twice(x: i64) -> i64 {
    x + x
}

fn main() {
    measure(twice(2));
}
