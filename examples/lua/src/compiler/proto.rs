//! Prototypes: compiled functions.

use super::op::{Op, Reg};
use crate::string::Str;
use crate::value::Value;
use jitdriver::Traceable;

/// A prototype, by its number in the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Traceable)]
pub struct ProtoId(pub u32);

/// A compiled function. It never changes, and lives as long as the machine.
pub struct Proto {
    pub code: Vec<Op>,
    /// Pinned strings, and numbers.
    pub constants: Vec<Value>,
    pub children: Vec<ProtoId>,
    /// What a closure of it takes along when it is made.
    pub captures: Vec<Capture>,
    pub n_params: u8,
    pub is_vararg: bool,
    /// Registers that it needs.
    pub n_registers: u8,
    pub debug: DebugInfo,
}

/// Where a new closure finds an upvalue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capture {
    /// The value, or the box, in a register of the function that makes the closure.
    Register(Reg),
    /// An upvalue of that function.
    Upvalue(u8),
    /// The closure itself: a local function that calls itself.
    Itself,
}

/// What messages need.
pub struct DebugInfo {
    /// The chunk's name as given.
    pub source: Str,
    /// The line of each instruction.
    pub lines: Vec<u32>,
    /// 0 in a chunk.
    pub line: u32,
    pub end_line: u32,
    pub locals: Vec<LocalInfo>,
    pub upvalues: Vec<Str>,
}

/// A local variable and the part of the code where it is in scope.
pub struct LocalInfo {
    pub name: Str,
    pub reg: Reg,
    pub start: u32,
    pub end: u32,
    /// A constant, which messages do not call by its name.
    pub is_constant: bool,
}

impl Proto {
    /// The name of the local in `reg` when instruction `pc` runs.
    pub fn local_name(&self, reg: Reg, pc: usize) -> Option<Str> {
        let is_there = |it: &&LocalInfo| {
            !it.is_constant && it.reg == reg && it.start as usize <= pc && pc < it.end as usize
        };
        self.debug.locals.iter().find(is_there).map(|it| it.name)
    }

    /// The line of an instruction.
    pub fn line_of(&self, pc: usize) -> u32 {
        self.debug.lines.get(pc).copied().unwrap_or(0)
    }
}
