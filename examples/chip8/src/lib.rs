//! An emulator for CHIP-8, the virtual machine of the COSMAC VIP.
//!
//! [`Chip8`] is the machine: memory, registers, screen. [`Chip8::step`] executes one instruction and
//! knows no clock. [`run`](fn@run) is the loop around it: it counts the instructions, and every
//! [`CYCLES_PER_FRAME`] of them are a sixtieth of a second, in which the timers tick and the keypad is
//! read from a [`KeyScript`]. [`assemble`] makes a memory image of a readable program.
//!
//! Invariants
//! 1. A run depends on the program, the seed, the keys and the limit only, never on the time of day.
//! 2. A mistake of the guest is a [`Fault`] with its address; it never panics the emulator.
//!
//! Why the clock counts instructions and not seconds: a run can be repeated, and tested.

mod assembler;
mod keypad;
mod machine;
mod run;
mod screen;

pub use assembler::{AsmError, assemble};
pub use keypad::{KeyScript, KeyScriptError, Keys};
pub use machine::{Chip8, FONT, Fault, FaultKind, LoadError, PROGRAM_START, RAM_SIZE};
pub use run::{CYCLES_PER_FRAME, Stop, run};
pub use screen::{HEIGHT, Screen, WIDTH};
