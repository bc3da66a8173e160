//! What each pass takes out of a trace, and puts into it.
//!
//! All rule families share one walk, so there is no trace "after the fourth pass". Instead, each operation
//! that is not in the new trace any more is credited to the pass whose family has answered for it last, and
//! each one that a family has written of its own accord to that pass. Guards go with the operation whose
//! flag or exception they test.
//!
//! - What is dead by a later store is credited to `heap`, which knows of that, and stores that are made after
//!   all to `delay`.
//! - A guard of a condition that has become a constant is credited to the pass that has found that out.
//! - The lap behind a preheader is counted once, as what is left of the recorded one; all operations of the
//!   preheader, and of copies of it in front of jumps to the loop, are what `preheader` has put in.
//! - `counted` and `dce` have traces to themselves, and get the difference.
//!
//! Invariant: recorded operations and what all passes have added, which mostly is less than nothing, are the
//! operations of the optimized trace, and the same is true of guards. Debug builds check it for each trace.
//!
//! Why not a walk for each pass: see [`super`]. What a pass is worth shows by leaving it out, since what one
//! finds out is of use to others, and some would find what others found before them.

use super::passes::Pass;
use crate::ir::{Op, Opcode};
use std::ops::{AddAssign, Sub};

/// A number of operations and of the guards among them, or a difference of such numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Operations that compute or check something.
    pub ops: i64,
    /// Guards among them.
    pub guards: i64,
}

impl Size {
    /// Of one operation.
    pub(super) fn of(opcode: Opcode) -> Size {
        Size { ops: opcode.counts().into(), guards: opcode.is_guard().into() }
    }

    /// Of some operations.
    pub fn of_all(ops: &[Op]) -> Size {
        let mut size = Size::default();
        ops.iter().for_each(|op| size += Size::of(op.opcode));
        size
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Size) {
        self.ops += other.ops;
        self.guards += other.guards;
    }
}

impl Sub for Size {
    type Output = Size;

    fn sub(self, other: Size) -> Size {
        Size { ops: self.ops - other.ops, guards: self.guards - other.guards }
    }
}

/// By pass, in table order: how much longer it has made a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([Size; Pass::ALL.len()]);

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.0.iter_mut().zip(other.0).for_each(|(size, other)| *size += other);
    }
}

impl Tally {
    /// Credits a pass with some operations more, or less.
    pub fn add(&mut self, pass: Pass, size: Size) {
        self.0[pass as usize] += size;
    }

    /// How much longer a pass has made the trace.
    pub fn of(&self, pass: Pass) -> Size {
        self.0[pass as usize]
    }

    /// How much longer all passes have made it.
    pub fn total(&self) -> Size {
        let mut total = Size::default();
        self.0.iter().for_each(|&size| total += size);
        total
    }
}
