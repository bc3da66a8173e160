//! The layout of an enum with payloads is fixed only if it says so.

use jitdriver::Traceable;

#[derive(Clone, Copy, Traceable)]
enum Value {
    Nil,
    Int(i64),
}

fn main() {}
