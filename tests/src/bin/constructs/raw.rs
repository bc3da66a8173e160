//! Unsafe code.

mod pointer_types;
mod transmute;
mod unsafe_block;

use crate::harness::rows;

rows! {
    unsafe_block: "`unsafe` blocks", 47, 489;
    pointer_methods: "`add`, `read` and `as_ptr`", 50, 303, not_yet "no method named `add` found for type `i64` in the current scope";
    pointer_types: "raw pointers in types", 29, 130;
    pointer_casts: "casts of pointers", 21, 70, not_yet "no method named `read_unaligned` found for type `u64` in the current scope";
    transmute: "`transmute`", 5, 9;
    raw_pc: "a `*const u8` as program counter", 29, 130, not_yet "no method named `add` found for type `u8` in the current scope";
}
