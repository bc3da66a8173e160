//! There are no references to the fields of a packed type.

use jitdriver::Traceable;

#[derive(Clone, Copy, Traceable)]
#[repr(C, packed)]
struct Header {
    kind: u8,
    size: u32,
}

fn main() {}
