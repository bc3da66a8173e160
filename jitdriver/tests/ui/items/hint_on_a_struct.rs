//! A hint about calls goes on a function.

#[jitdriver::elidable]
struct Table;

fn main() {}
