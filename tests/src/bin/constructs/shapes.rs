//! How interpreters are built.

mod ast_node;
mod driver_in_self;
mod frame_stack;
mod fuel;
mod guest_ram;
mod host_recursion;
mod local_items;
mod loop_match;
mod merge_point_alone;
mod packed_words;
mod pc_in_array;
mod pc_in_frame;
mod pc_in_frame_reference;
mod pc_in_rc_frame;
mod pc_in_self;
mod pc_local;
mod raw_bytes;
mod rc_green;
mod step_outside;
mod trait_portal;
mod visitor;
mod while_step;

use crate::harness::rows;

rows! {
    step_outside: "a loop outside of the step function", 21, 8;
    while_step: "`while vm.step()?`", 21, 8;
    pc_in_self: "a program counter in `self`", 39, 15;
    pc_in_array: "a program counter in an array of registers", 39, 15;
    pc_in_frame: "a program counter in a frame of a `Vec`", 11, 4;
    pc_in_frame_reference: "a program counter in a frame behind `&mut`", 11, 4;
    pc_in_rc_frame: "a program counter in an `Rc<RefCell<Frame>>`", 11, 4;
    pc_local: "a program counter in a local variable", 26, 10;
    ast_node: "an AST node as position", 18, 7;
    rc_green: "an `Rc` as green", 18, 7;
    merge_point_alone: "a merge point without `can_enter_jit!`", 50, 19;
    loop_match: "one function with `loop { match }`", 50, 19;
    packed_words: "instructions packed into words", 32, 12;
    raw_bytes: "raw bytes decoded each time", 32, 12;
    guest_ram: "opcodes read from guest RAM", 13, 5;
    frame_stack: "an explicit stack of frames for guest calls", 39, 15;
    host_recursion: "host recursion for guest calls", 26, 10;
    fuel: "fuel counted in the loop", 32, 12;
    driver_in_self: "a driver in a field", 39, 15;
    visitor: "a visitor of instructions, generic dispatch", 8, 3;
    trait_portal: "a portal in a trait impl", 63, 1028;
    local_items: "`const`, `use` and `static` in a body", 55, 135;
}
