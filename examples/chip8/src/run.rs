//! The loop around the machine: counts instructions, lets time pass, presses keys.

use crate::keypad::KeyScript;
use crate::machine::{Chip8, Fault};
use jitdriver::{JitDriver, jit, jit_merge_point};
use std::fmt;

/// Instructions in a sixtieth of a second: 600 in a second, about what the VIP managed.
pub const CYCLES_PER_FRAME: u64 = 10;

/// How a run ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The program came to its end after so many cycles.
    Halted(u64),
    /// It did not within the cycles that it had.
    OutOfCycles(u64),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Halted(cycles) => write!(f, "halted after {cycles} cycles"),
            Stop::OutOfCycles(cycles) => write!(f, "stopped after {cycles} cycles"),
        }
    }
}

/// Runs up to the end of the program, a fault, or `limit` cycles.
#[jit]
pub fn run(jit: &JitDriver, vm: &mut Chip8, keys: &KeyScript, limit: u64) -> Result<Stop, Fault> {
    let mut cycles = 0;
    while cycles < limit {
        jit_merge_point!(jit, greens = [vm.pc()], reds = [vm, keys, limit, cycles]);
        if cycles % CYCLES_PER_FRAME == 0 {
            vm.tick_timers();
            vm.set_keys(keys.keys(cycles / CYCLES_PER_FRAME));
        }
        vm.step()?;
        cycles += 1;
        if vm.is_halted() {
            return Ok(Stop::Halted(cycles));
        }
    }
    Ok(Stop::OutOfCycles(cycles))
}
