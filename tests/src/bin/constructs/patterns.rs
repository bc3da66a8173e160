//! Patterns.

mod at_binding;
mod const_path;
mod guard;
mod guarded_payload;
mod in_parameters;
mod let_destructuring;
mod let_mut;
mod literal;
mod nested;
mod or_pattern;
mod range_pattern;
mod ref_binding;
mod reference_pattern;
mod reference_to_enum;
mod slice_pattern;
mod struct_variant;
mod tuple_pattern;
mod tuple_variant;
mod unit_variant;

use crate::harness::rows;

rows! {
    tuple_variant: "tuple-variant patterns", 95, 3903;
    tuple_pattern: "tuple patterns", 95, 1272;
    let_mut: "`let mut`", 95, 556;
    const_path: "constants of a module as patterns", 92, 1787;
    unit_variant: "unit variants as patterns", 92, 1787;
    nested: "nested patterns", 84, 485;
    let_destructuring: "destructuring in `let`", 84, 323;
    struct_variant: "struct-variant patterns", 66, 774;
    or_pattern: "or-patterns", 55, 149;
    literal: "literal patterns", 53, 206;
    ref_binding: "`ref` bindings", 39, 233;
    reference_pattern: "`&` patterns", 32, 52;
    at_binding: "`@` bindings", 13, 16;
    guard: "guards of `match` arms", 47, 208;
    slice_pattern: "slice patterns", 8, 9;
    range_pattern: "range patterns", 5, 9;
    guarded_payload: "a guard on a payload", 47, 208;
    reference_to_enum: "patterns through a reference to an enum", 95, 3903;
    in_parameters: "patterns as parameters", 95, 1272;
}
