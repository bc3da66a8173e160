//! Calls.

mod extern_abi;
mod free_function;
mod many_arguments;
mod method_of_field;
mod mut_self;
mod nested_calls;
mod path_call;
mod question_mark;
mod question_mark_conversion;
mod question_mark_option;
mod result_function;
mod returns_reference;
mod self_by_value;
mod self_recursion;
mod shared_self;

use crate::harness::rows;

rows! {
    free_function: "calls of functions", 84, 1040;
    path_call: "calls by path, `T::f()`", 100, 4572;
    mut_self: "methods with `&mut self`", 92, 1576;
    shared_self: "methods with `&self`", 89, 437;
    self_by_value: "methods with `self` by value", 39, 167;
    method_of_field: "methods of fields", 100, 20781;
    result_function: "functions that answer a `Result`", 89, 1154;
    question_mark: "`?` on a `Result`", 84, 2020;
    question_mark_conversion: "`?` with a conversion of the error", 84, 2020;
    question_mark_option: "`?` on an `Option`", 84, 2020;
    self_recursion: "direct recursion", 45, 121;
    many_arguments: "calls with many arguments", 84, 1040;
    returns_reference: "methods that answer a reference", 84, 562;
    nested_calls: "calls in arguments", 100, 4572;
    async_function: "`async` functions", 8, 9, not_yet "`#[jit]` cannot trace an `async fn`; trace the functions that it calls";
    extern_abi: "`extern` functions as handlers", 5, 9;
}
