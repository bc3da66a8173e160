//! Frames: calls that have not returned.

use super::function::{Closure, Native};
use crate::compiler::op::Reg;
use crate::gc::Gc;
use jitdriver::Traceable;

/// A call that has not returned, or a mark between calls.
#[derive(Clone, Copy, Traceable)]
pub struct Frame {
    pub kind: FrameKind,
    /// Where its registers start on the stack.
    pub base: usize,
    /// The slot of the function, where its results go.
    pub func: usize,
    /// The next instruction, when the frame is not the running one or something may fail.
    pub pc: usize,
    /// Arguments beyond the parameters; they are below `base`.
    pub n_extra: usize,
    /// What becomes of the results.
    pub then: Then,
    /// It took the place of its caller.
    pub is_tail: bool,
}

/// What a frame is for.
#[derive(Clone, Copy, PartialEq, Eq, Traceable)]
#[repr(u8)]
pub enum FrameKind {
    /// Compiled code.
    Code(Gc<Closure>),
    /// Errors end here: `pcall`, or `xpcall` with a message handler in the slot behind `func`.
    Protected { native: Gc<Native>, has_handler: bool },
    /// A native function, or the program around the machine, waits here for the call to return.
    /// `catches` if it wants to see errors itself.
    Host { native: Option<Gc<Native>>, catches: bool },
}

/// What becomes of the results of a call.
#[derive(Clone, Copy, Debug, PartialEq, Traceable)]
#[repr(u8)]
pub enum Then {
    /// They stay where they are, adjusted to `wanted`, which may be `OPEN`.
    Results { wanted: u8 },
    /// The first goes to a register of the caller.
    Register(Reg),
    /// The caller jumps if the truth of the first is `expect`.
    Jump { expect: bool, target: u32 },
    /// Nothing.
    Discard,
    /// The first goes to `R[at]`, and the caller goes on concatenating `R[first]` to `R[at]` to `R[dst]`.
    Concat { first: Reg, at: Reg, dst: Reg },
    /// They are those of the protected call whose frame comes next.
    Protected,
    /// They are for the host.
    Host,
    /// They are those of the coroutine, which is finished.
    Coroutine,
}

/// How the loop goes on after something that may have changed the running frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Traceable)]
#[must_use]
pub enum Flow {
    /// With the next instruction.
    Next,
    /// With what is the innermost frame now.
    Reload,
    /// Not at all: the host has its results.
    Exit,
}
