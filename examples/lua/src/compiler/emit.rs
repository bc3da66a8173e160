//! Instructions and constants of a function as they are made.

use super::op::Op;
use crate::string::Str;
use crate::value::Value;
use std::collections::HashMap;

/// Code under construction.
#[derive(Default)]
pub struct Emitter {
    code: Vec<Op>,
    lines: Vec<u32>,
    constants: Vec<Value>,
    known: HashMap<Constant, usize>,
    /// The line of what is emitted next.
    pub line: u32,
}

/// A constant by identity.
#[derive(PartialEq, Eq, Hash)]
enum Constant {
    Nil,
    Bool(bool),
    Int(i64),
    Float(u64),
    Str(usize),
}

/// Jumps whose target is not known yet.
pub type Jumps = Vec<usize>;

impl Emitter {
    /// Appends an instruction; its position.
    pub fn emit(&mut self, op: Op) -> usize {
        self.code.push(op);
        self.lines.push(self.line);
        self.code.len() - 1
    }

    /// Appends an instruction that belongs to a line.
    pub fn emit_at(&mut self, line: u32, op: Op) -> usize {
        let before = std::mem::replace(&mut self.line, line);
        let at = self.emit(op);
        self.line = before;
        at
    }

    /// The position of the next instruction.
    pub fn here(&self) -> usize {
        self.code.len()
    }

    /// The instruction at a position.
    pub fn op_mut(&mut self, at: usize) -> &mut Op {
        &mut self.code[at]
    }

    /// Lets a jump lead to `target`.
    pub fn patch(&mut self, jump: usize, target: usize) {
        *self.code[jump].target_mut().expect("an instruction that jumps") = target as u32;
    }

    /// Lets jumps lead to the next instruction.
    pub fn patch_here(&mut self, jumps: Jumps) {
        for jump in jumps {
            self.patch(jump, self.here());
        }
    }

    /// The number of a constant.
    pub fn constant(&mut self, value: Value) -> usize {
        let key = match value {
            Value::False => Constant::Bool(false),
            Value::True => Constant::Bool(true),
            Value::Int(it) => Constant::Int(it),
            Value::Float(it) => Constant::Float(it.get().to_bits()),
            Value::Str(it) => Constant::Str(it.address()),
            _ => Constant::Nil,
        };
        let next = self.constants.len();
        let index = *self.known.entry(key).or_insert(next);
        if index == next {
            self.constants.push(value);
        }
        index
    }

    /// The number of a string constant.
    pub fn string(&mut self, text: Str) -> usize {
        self.constant(Value::Str(text))
    }

    /// Code, constants and lines.
    pub fn finish(self) -> (Vec<Op>, Vec<Value>, Vec<u32>) {
        (self.code, self.constants, self.lines)
    }
}
