//! Control flow.

mod and_or;
mod break_with_value;
mod early_return;
mod for_collection;
mod for_range;
mod if_else;
mod if_let;
mod labelled_continue;
mod let_chain;
mod let_else;
mod loop_forever;
mod match_const_opcode;
mod match_in_match;
mod match_instruction;
mod match_option;
mod match_tuple;
mod matches_macro;
mod not;
mod while_condition;
mod while_let;

use crate::harness::rows;

rows! {
    if_else: "`if` and `else`", 100, 1602;
    early_return: "early `return`", 100, 1234;
    match_instruction: "`match` on an instruction, an enum", 97, 1098;
    match_const_opcode: "`match` on a constant opcode", 97, 1098;
    match_option: "`match` on an `Option`", 97, 1098;
    match_tuple: "`match` on a tuple", 97, 1098;
    if_let: "`if let`", 76, 507;
    loop_forever: "`loop {}`", 71, 45;
    while_condition: "`while` with a condition", 37, 20;
    while_let: "`while let`", 21, 10;
    for_range: "`for` over a range", 50, 57;
    for_collection: "`for` over a collection", 71, 234;
    let_else: "`let else`", 37, 128;
    matches_macro: "`matches!`", 29, 51;
    labelled_continue: "labelled `break` and `continue`", 13, 51;
    break_with_value: "`break` with a value", 18, 42;
    let_chain: "`let` chains", 11, 56;
    and_or: "`&&` and `||`", 82, 418;
    not: "`!`", 82, 406;
    match_in_match: "`match` in a `match` arm", 97, 1098;
}
