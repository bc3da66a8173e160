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
mod ref_binding;
mod reference_pattern;
mod tuple_pattern;

use crate::harness::rows;

rows! {
    tuple_variant: "tuple-variant patterns", 95, 3903, not_yet "the trait bound `jitdriver::plumbing::Traced<Value>: jitdriver::plumbing::Open` is not satisfied";
    tuple_pattern: "tuple patterns", 95, 1272;
    let_mut: "`let mut`", 95, 556;
    const_path: "constants of a module as patterns", 92, 1787;
    unit_variant: "unit variants as patterns", 92, 1787, not_yet "comparing `Order` cannot be traced";
    nested: "nested patterns", 84, 485;
    let_destructuring: "destructuring in `let`", 84, 323;
    struct_variant: "struct-variant patterns", 66, 774, not_yet "this pattern cannot be traced yet; put it into a function of its own without `#[jit]`, which is then called";
    or_pattern: "or-patterns", 55, 149, not_yet "the trait bound `jitdriver::plumbing::Traced<Value>: jitdriver::plumbing::Open` is not satisfied";
    literal: "literal patterns", 53, 206;
    ref_binding: "`ref` bindings", 39, 233;
    reference_pattern: "`&` patterns", 32, 52;
    at_binding: "`@` bindings", 13, 16;
    guard: "guards of `match` arms", 47, 208;
    slice_pattern: "slice patterns", 8, 9, not_yet "the method `mul` exists for struct `jitdriver::plumbing::Traced<&i64>`, but its trait bounds were not satisfied";
    range_pattern: "range patterns", 5, 9, not_yet "temporary value dropped while borrowed";
    guarded_payload: "a guard on a payload", 47, 208;
    reference_to_enum: "patterns through a reference to an enum", 95, 3903, not_yet "the trait bound `jitdriver::plumbing::Traced<&Value>: jitdriver::plumbing::Open` is not satisfied";
    in_parameters: "patterns as parameters", 95, 1272;
}
