//! Closures and function pointers.

mod boxed_closure;
mod closure_table;
mod dyn_fn_parameter;
mod fn_mut;
mod fn_pointer_field;
mod fn_pointer_parameter;
mod fn_pointer_table;
mod fn_pointer_variable;
mod function_as_argument;
mod green_capture;
mod impl_fn_parameter;
mod local_closure;
mod move_closure;
mod own_helper;
mod std_combinator;

use crate::harness::rows;

rows! {
    std_combinator: "closures passed to combinators of std", 84, 529;
    own_helper: "closures passed to helpers of one's own", 53, 452;
    local_closure: "calls of local closures", 58, 231;
    fn_pointer_variable: "calls of function-pointer variables", 58, 231;
    fn_pointer_parameter: "functions and closures for function-pointer parameters", 53, 452;
    fn_mut: "closures that change what they capture", 87, 1074;
    move_closure: "`move` closures", 87, 1074;
    green_capture: "closures that capture a green", 87, 1074;
    impl_fn_parameter: "`impl Fn` parameters", 29, 31;
    dyn_fn_parameter: "`&dyn Fn` parameters", 29, 31;
    fn_pointer_table: "calls through a table of function pointers", 26, 44;
    closure_table: "calls through a table of structs with closures", 26, 44;
    fn_pointer_field: "calls through a field that holds a function pointer", 26, 44;
    boxed_closure: "calls through a field that holds a boxed closure", 26, 44;
    function_as_argument: "functions as arguments of combinators", 84, 529;
}
