//! The one trait between the meta-interpreter and the backends.
//!
//! The contract
//! - A driver owns one backend and calls it from one thread. Methods take `&self`: compiled code that is
//!   running may call back into the driver, which may compile, attach and free meanwhile.
//! - A compiled trace is entered with its inputs in the value slots of a [`Frame`]: input `k` in slot `k`.
//!   It is left through an exit, whose arguments are then in the slots: argument `k` in slot `k`.
//!   Inputs are zero-extended: bits outside [`crate::ir::Ty::mask`] are zero. In arguments of exits they may be
//!   anything, as code stores no more than it must, and whoever reads them masks.
//! - A `jump` to a label of another compiled trace goes there with the frame it has.
//! - When a bridge is attached to an exit, leaving there continues in the bridge, whose inputs are the
//!   exit's arguments, slot by slot. Code that is running sees it the next time it gets there.
//! - A backend may be able to compile traces together ([`Backend::begin_region`]), so that going from
//!   one to the other costs a branch. It changes nothing of the above: exits keep their numbers and get
//!   bridges, labels can be jumped to, each trace can be entered, attached and freed as before.
//!   Such a backend counts how often a trace is entered, by [`Backend::execute`], from an exit, or by
//!   a jump from code that is compiled apart, and pauses when it is asked to
//!   ([`Backend::pause_after`]).
//! - Compiling may be divided ([`Backend::begin`], [`Assembler::assemble`], [`Backend::finish`]), so that the
//!   long part of it can happen on another thread.
//! - Traces handed to [`Backend::compile`] pass the verifier, and in their exits every argument is
//!   a value (no constants) and occurs once.

use crate::ir::{CodeId, ExitId, TargetId, Trace};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Words of a frame that residual calls use for arguments and results.
pub const CALL_WORDS: usize = 40;

/// Number of value slots of a frame: the most inputs, label arguments or exit arguments a trace may have.
pub const VALUE_SLOTS: usize = 1000;

/// The activation record of compiled code. The machine code gets its address and nothing else.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct Frame {
    /// Arguments and results of residual calls.
    pub call: [u64; CALL_WORDS],
    /// Inputs and exit arguments.
    pub slots: [u64; VALUE_SLOTS],
}

impl Frame {
    /// A frame of zeros.
    pub fn new() -> Box<Frame> {
        Box::new(Frame { call: [0; CALL_WORDS], slots: [0; VALUE_SLOTS] })
    }
}

/// What compiling yielded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compiled {
    /// Bytes of machine code and data; 0 for a backend without.
    pub code_bytes: usize,
    /// Time in the code generator that the backend uses; zero for a backend without.
    pub codegen: Duration,
    /// What a lap is, if the trace is a loop and the backend was asked to look.
    pub lap: Option<LapCode>,
}

/// The machine code of a loop's lap, without what is left out of line: exits, and what comes before the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LapCode {
    /// Machine instructions.
    pub instructions: u32,
    /// Bytes of them.
    pub bytes: u32,
}

/// Why a backend declines a trace. Normal: counted and logged, and the interpreter carries on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Refusal {
        Refusal(reason.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What an [`Assembler`] has made, for the backend that it comes from.
pub type Assembled = Box<dyn Any + Send>;

/// The part of a compilation that needs nothing of its backend, and may happen on another thread.
pub trait Assembler: Send {
    /// Compiles a trace, which is not entered before [`Backend::finish`].
    fn assemble(self: Box<Self>, trace: &Trace) -> Result<Assembled, Refusal>;
}

/// The same of a region.
pub trait RegionAssembler: Send {
    /// Compiles it; it is not entered before [`Backend::finish_region`].
    fn assemble(self: Box<Self>) -> Result<Assembled, Refusal>;
}

/// Of a backend that does everything in [`Backend::finish`].
struct NothingToDo;

impl Assembler for NothingToDo {
    fn assemble(self: Box<Self>, _: &Trace) -> Result<Assembled, Refusal> {
        Ok(Box::new(()))
    }
}

/// What code answers from here on are no exits, but places where it has paused: [`Backend::paused_at`].
pub const FIRST_PAUSE: u32 = 1 << 31;

/// Compiles and runs traces. It may go to another thread with its driver, while nothing runs.
pub trait Backend: Send {
    /// `llgraph`, `cranelift`.
    fn name(&self) -> &'static str;

    /// Compiles a trace under a number that the caller chose and has not in use. Its labels can be
    /// jumped to from now on, by itself and by traces compiled later.
    fn compile(&self, code: CodeId, trace: &Trace) -> Result<Compiled, Refusal>;

    /// Begins a compilation that may go on elsewhere. `targets` are labels of other traces that it may jump
    /// to; those that do not exist are no mistake unless it does.
    fn begin(&self, targets: &[TargetId]) -> Box<dyn Assembler> {
        let _ = targets;
        Box::new(NothingToDo)
    }

    /// Ends a compilation, as [`Backend::compile`] does. The trace is the one that was assembled, and none of the
    /// traces with the labels has been freed since [`Backend::begin`].
    fn finish(
        &self,
        code: CodeId,
        trace: &Trace,
        assembled: Assembled,
    ) -> Result<Compiled, Refusal> {
        let _ = assembled;
        self.compile(code, trace)
    }

    /// Lets the exit continue in a compiled bridge.
    fn attach_bridge(&self, exit: ExitId, bridge: CodeId);

    /// Runs compiled code until it leaves through an exit without a bridge.
    ///
    /// # Safety
    /// - `code` was compiled by this backend and not freed.
    /// - The slots of `frame` hold inputs of the types that the trace declares.
    /// - Addresses among them, and all that the trace computes from them, are valid for its accesses
    ///   until the call returns: what a recording saw, guards included, holds again.
    #[expect(unsafe_code, reason = "enters machine code")]
    unsafe fn execute(&self, code: CodeId, frame: &mut Frame) -> ExitId;

    /// Drops compiled code: no trace that jumps to it or continues in it exists any more, and it is
    /// not running.
    fn free(&self, code: CodeId);

    /// Whether it compiles regions. One that does not, counts and pauses nowhere.
    fn has_regions(&self) -> bool {
        false
    }

    /// Begins to compile traces that lead to each other as one function. The traces are those that were compiled
    /// under these numbers. If it is refused, everything stays as it is.
    fn begin_region(
        &self,
        name: &str,
        members: &[(CodeId, Arc<Trace>)],
    ) -> Result<Box<dyn RegionAssembler>, Refusal> {
        let _ = members;
        Err(Refusal::new(format!("{name}: {} compiles no regions", self.name())))
    }

    /// Lets traces be in the region that was assembled of them from now on, instead of in one that they were
    /// in before. None of them has been freed since [`Backend::begin_region`]. If it is refused, everything stays as
    /// it is.
    fn finish_region(&self, members: &[CodeId], assembled: Assembled) -> Result<Compiled, Refusal> {
        let _ = (members, assembled);
        unreachable!("{} compiles no regions", self.name())
    }

    /// Compiles a region at once.
    fn compile_region(
        &self,
        name: &str,
        members: &[(CodeId, &Trace)],
    ) -> Result<Compiled, Refusal> {
        let shared: Vec<_> =
            members.iter().map(|&(code, trace)| (code, Arc::new(trace.clone()))).collect();
        let assembled = self.begin_region(name, &shared)?.assemble()?;
        let codes: Vec<CodeId> = members.iter().map(|&(code, _)| code).collect();
        self.finish_region(&codes, assembled)
    }

    /// Lets running code pause when it enters this trace at the same place for the `entries`-th time
    /// from now, once; 0 for never. Moving into a region sets it to never.
    fn pause_after(&self, code: CodeId, entries: u64) {
        let _ = (code, entries);
    }

    /// How often the trace was entered so far.
    fn entered(&self, code: CodeId) -> u64 {
        let _ = code;
        0
    }

    /// The trace that was being entered when code paused, if that is what [`Backend::execute`] has
    /// answered instead of an exit.
    fn paused_at(&self, exit: ExitId) -> Option<CodeId> {
        let _ = exit;
        None
    }

    /// Goes on after a pause, with the frame as it was left.
    ///
    /// # Safety
    /// `paused` is what `execute` or `resume` has answered last for this frame, and the trace was not
    /// freed; otherwise as for [`Backend::execute`].
    #[expect(unsafe_code, reason = "enters machine code")]
    unsafe fn resume(&self, paused: ExitId, frame: &mut Frame) -> ExitId {
        let _ = frame;
        unreachable!("{}: {paused:?} is no pause", self.name())
    }

    /// Bytes of machine code and data that are held now.
    fn code_bytes(&self) -> usize;

    /// A listing of the machine code that the trace is in, where the backend can make one.
    fn disassemble(&self, code: CodeId) -> Option<String> {
        let _ = code;
        None
    }
}
