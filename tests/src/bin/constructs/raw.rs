//! Unsafe code.

mod pointer_casts;
mod pointer_methods;
mod pointer_types;
mod raw_pc;
mod transmute;
mod unsafe_block;

use crate::harness::rows;

rows! {
    unsafe_block: "`unsafe` blocks", 47, 489;
    pointer_methods: "`add`, `read` and `as_ptr`", 50, 303;
    pointer_types: "raw pointers in types", 29, 130;
    pointer_casts: "casts of pointers", 21, 70;
    transmute: "`transmute`", 5, 9;
    raw_pc: "a `*const u8` as program counter", 29, 130;
}
