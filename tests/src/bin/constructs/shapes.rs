//! How interpreters are built.

mod frame_stack;
mod fuel;
mod host_recursion;
mod merge_point_alone;
mod packed_words;
mod pc_local;
mod raw_bytes;

use crate::harness::rows;

rows! {
    step_outside: "a loop outside of the step function", 21, 8, not_yet "`greens` takes local variables only; keep this in one, and name that";
    while_step: "`while vm.step()?`", 21, 8, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_in_self: "a program counter in `self`", 39, 15, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_in_array: "a program counter in an array of registers", 39, 15, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_in_frame: "a program counter in a frame of a `Vec`", 11, 4, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_in_frame_reference: "a program counter in a frame behind `&mut`", 11, 4, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_in_rc_frame: "a program counter in an `Rc<RefCell<Frame>>`", 11, 4, not_yet "`greens` takes local variables only; keep this in one, and name that";
    pc_local: "a program counter in a local variable", 26, 10;
    ast_node: "an AST node as position", 18, 7, not_yet "the trait bound `jitdriver::plumbing::Traced<&Node>: jitdriver::plumbing::Open` is not satisfied";
    rc_green: "an `Rc` as green", 18, 7, not_yet "`Rc<Code>` cannot be green";
    merge_point_alone: "a merge point without `can_enter_jit!`", 50, 19;
    loop_match: "one function with `loop { match }`", 50, 19, not_yet "the operator `?` cannot be traced yet; put it into a function of its own without `#[jit]`, which is then called";
    packed_words: "instructions packed into words", 32, 12;
    raw_bytes: "raw bytes decoded each time", 32, 12;
    guest_ram: "opcodes read from guest RAM", 13, 5, not_yet "`greens` takes local variables only; keep this in one, and name that";
    frame_stack: "an explicit stack of frames for guest calls", 39, 15;
    host_recursion: "host recursion for guest calls", 26, 10;
    fuel: "fuel counted in the loop", 32, 12;
    driver_in_self: "a driver in a field", 39, 15, not_yet "`greens` takes local variables only; keep this in one, and name that";
    visitor: "a visitor of instructions, generic dispatch", 8, 3, not_yet "the trait bound `jitdriver::plumbing::Traced<Instr>: jitdriver::plumbing::Open` is not satisfied";
    trait_portal: "a portal in a trait impl", 63, 1028, not_yet "a merge point in a method is not supported yet; make the interpreter loop a function";
    local_items: "`const`, `use` and `static` in a body", 55, 135, not_yet "comparing `std::cmp::Ordering` cannot be traced";
}
