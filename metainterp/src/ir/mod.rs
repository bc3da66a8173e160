//! The trace IR: linear SSA with labels, typed scalars, and an exit at every guard.

pub mod eval;
mod opcode;
mod text;
mod trace;
mod ty;
mod verify;

pub use opcode::{Arg, Effect, Opcode, OpcodeInfo, Res};
pub use text::{DisplayOp, ParseError, parse, parse_all};
pub use trace::{
    CallDescr, Classes, CodeId, DelayedStore, Exit, ExitId, MemDescr, MergePoint, Op, Operand,
    OperandKind, PoolRange, Resume, ResumeKind, TargetId, Trace, TraceBuilder, ValueId,
};
pub use ty::{Const, Ty};
pub use verify::{VerifyError, cast_exists, verify};
