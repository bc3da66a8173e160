//! Values that are made, and how guests' values are represented.

mod array_literal;
mod box_new;
mod control_enum;
mod control_flow;
mod copy_enum;
mod destructor;
mod error_text;
mod moved_vec;
mod nan_boxed;
mod newtype;
mod ok_err_some;
mod rc_enum;
mod string_new;
mod struct_literal;
mod tuple;
mod variant_literal;
mod vec_new;

use crate::harness::rows;

rows! {
    struct_literal: "struct literals", 89, 467;
    variant_literal: "literals of struct variants", 89, 467;
    error_text: "string literals in cold errors", 89, 1022;
    newtype: "constructors of newtypes", 84, 1576;
    ok_err_some: "`Ok`, `Err`, `Some` and `None`", 97, 2729;
    tuple: "tuples", 95, 1272;
    array_literal: "array literals", 89, 467;
    copy_enum: "a `Copy` enum as value", 8, 3;
    nan_boxed: "NaN-boxed words", 5, 2;
    rc_enum: "a cloneable enum with `Rc`s as value", 39, 15;
    box_new: "`Box::new`", 53, 89;
    vec_new: "`Vec::new` and `Vec::with_capacity`", 53, 89;
    string_new: "`String::new` and `push_str`", 53, 89;
    control_enum: "an own enum for control", 16, 629;
    control_flow: "`ControlFlow`", 16, 629;
    destructor: "values with a destructor", 39, 15;
    moved_vec: "a `Vec` that is moved", 39, 15;
}
