//! Places: what stands left of an assignment, and under a borrow.

mod array_of_structs;
mod assign_deref;
mod assign_field;
mod assign_index;
mod boxed_field;
mod deref;
mod field;
mod index;
mod mutable_borrow;
mod nested_field;
mod rc_field;
mod shared_borrow;
mod slice_range;
mod slice_type;
mod static_table;

use crate::harness::rows;

rows! {
    field: "field access", 100, 10834;
    nested_field: "fields of fields", 100, 10834;
    index: "indexing", 92, 2653;
    assign_index: "assignment to an element", 58, 261;
    assign_field: "assignment to a field", 79, 485;
    assign_deref: "assignment through a reference", 58, 371;
    shared_borrow: "`&x`", 95, 2047;
    mutable_borrow: "`&mut x`", 84, 562;
    deref: "`*x`", 92, 1817;
    slice_type: "slices in types", 68, 153;
    slice_range: "slicing, `a[i..j]`", 58, 114;
    array_of_structs: "fields of elements", 92, 2653;
    boxed_field: "fields behind a `Box`", 92, 1817;
    rc_field: "fields behind an `Rc`", 92, 1817;
    static_table: "`static` and `const` tables", 92, 2653;
}
