//! A variant has at most twelve fields.

use jitdriver::Traceable;

#[derive(Traceable)]
#[repr(u8)]
enum Shape {
    Point,
    Polygon(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8),
}

fn main() {}
