//! Names for messages, and tracebacks.

use super::Vm;
use super::arith;
use super::error::LuaError;
use super::event::Event;
use super::frame::{Frame, FrameKind};
use super::function::{Args, Native};
use crate::compiler::op::{Op, Reg};
use crate::compiler::proto::Proto;
use crate::gc::Gc;
use crate::syntax::chunk_id;
use crate::value::Value;

/// What a value is called where it is used: `local 'x'`.
pub struct Name {
    pub kind: &'static str,
    pub name: String,
}

impl Name {
    fn new(kind: &'static str, name: impl Into<String>) -> Option<Name> {
        Some(Name { kind, name: name.into() })
    }
}

/// A function that is active.
#[derive(Clone, Copy)]
pub enum Level {
    /// Compiled code, in the frame with this number.
    Code(usize),
    /// A native function, called from the frame with this number, if that is code.
    Native { native: Option<Gc<Native>>, caller: Option<usize> },
}

impl Vm<'_> {
    /// An error with the position of the running function in front of the message.
    #[cold]
    pub fn error(&mut self, message: &str) -> Box<LuaError> {
        self.error_bytes(message.as_bytes())
    }

    /// The same for a message that need not be text.
    pub fn error_bytes(&mut self, message: &[u8]) -> Box<LuaError> {
        let mut text = self.position();
        text.extend_from_slice(message);
        LuaError::new(Value::Str(self.heap.str(&text)))
    }

    /// An error of an operation. If a native function does it, there is no position.
    #[cold]
    pub fn op_error(&mut self, message: &str) -> Box<LuaError> {
        if self.native.is_some() {
            return LuaError::new(self.str(message.as_bytes()));
        }
        self.error(message)
    }

    /// There is no memory for what the program wants.
    pub fn memory_error(&mut self) -> Box<LuaError> {
        LuaError::new(self.str(b"not enough memory"))
    }

    /// `chunk:line: ` of the innermost frame, if it is code.
    pub fn position(&self) -> Vec<u8> {
        self.frames.last().map_or_else(Vec::new, |it| self.position_of(it))
    }

    /// `chunk:line: ` of a frame, if it is code.
    fn position_of(&self, frame: &Frame) -> Vec<u8> {
        let FrameKind::Code(closure) = frame.kind else { return Vec::new() };
        let proto = self.proto(closure);
        let mut text = chunk_id(proto.debug.source.as_bytes());
        text.extend_from_slice(format!(":{}: ", current_line(proto, frame.pc)).as_bytes());
        text
    }

    /// `chunk:line: ` of the function at a level; 1 is the one that has called the running native.
    pub fn position_at_level(&self, level: usize) -> Vec<u8> {
        match self.frames.len().checked_sub(level) {
            Some(at) if level > 0 => self.position_of(&self.frames[at]),
            _ => Vec::new(),
        }
    }

    /// "attempt to index a nil value (local 'x')".
    pub fn type_error(&mut self, culprit: Value, what: &str) -> Box<LuaError> {
        let kind = self.type_name(culprit);
        let name = match self.culprit_name(culprit) {
            Some(name) => format!(" ({} '{}')", name.kind, name.name),
            None => String::new(),
        };
        self.op_error(&format!("attempt to {what} a {kind} value{name}"))
    }

    pub(super) fn call_error(&mut self, callee: Value) -> Box<LuaError> {
        let kind = self.type_name(callee);
        let name = match self.running_code() {
            Some((proto, pc)) => match self.called_name(proto, pc) {
                Some(name) => format!(" ({} '{}')", name.kind, name.name),
                None => String::new(),
            },
            None => String::new(),
        };
        self.op_error(&format!("attempt to call a {kind} value{name}"))
    }

    pub(super) fn arith_error(&mut self, event: Event, x: Value, y: Value) -> Box<LuaError> {
        let is_unary = matches!(event, Event::Neg | Event::BitNot);
        if event.is_bitwise() {
            let both_numbers = x.is_number() && y.is_number();
            if both_numbers {
                let culprit = if arith::to_int(x).is_none() { x } else { y };
                let name = match self.culprit_name(culprit) {
                    Some(name) => format!(" ({} '{}')", name.kind, name.name),
                    None => String::new(),
                };
                return self.op_error(&format!("number{name} has no integer representation"));
            }
            let culprit = if x.is_number() { y } else { x };
            return self.type_error(culprit, "perform bitwise operation on");
        }
        // Strings have handlers of their own, which know the types only.
        let (first, second) = (x, if is_unary { x } else { y });
        if matches!(first, Value::Str(_)) || matches!(second, Value::Str(_)) {
            let (a, b) = (first.type_name(), second.type_name());
            let verb = event.short_name();
            return self.error(&format!("attempt to {verb} a '{a}' with a '{b}'"));
        }
        let culprit = if first.is_number() { second } else { first };
        self.type_error(culprit, "perform arithmetic on")
    }

    pub(super) fn compare_error(&mut self, x: Value, y: Value) -> Box<LuaError> {
        let (a, b) = (self.type_name(x), self.type_name(y));
        if a == b {
            return self.op_error(&format!("attempt to compare two {a} values"));
        }
        self.op_error(&format!("attempt to compare {a} with {b}"))
    }

    /// The innermost frame's code and its current instruction, if it is code.
    fn running_code(&self) -> Option<(&Proto, usize)> {
        let frame = self.frames.last()?;
        let FrameKind::Code(closure) = frame.kind else { return None };
        Some((self.proto(closure), frame.pc.checked_sub(1)?))
    }

    /// What the running instruction calls an operand with this value.
    fn culprit_name(&self, culprit: Value) -> Option<Name> {
        let (proto, pc) = self.running_code().filter(|_| self.native.is_none())?;
        let op = proto.code[pc];
        let base = self.frames.last()?.base;
        let register = |reg: Reg| {
            let value = self.stack[base + usize::from(reg)];
            is_identical(value, culprit).then(|| register_name(proto, pc, reg)).flatten()
        };
        let constant = |k: usize| match proto.constants[k] {
            Value::Str(text) if is_identical(Value::Str(text), culprit) => {
                Name::new("constant", text.to_text())
            }
            _ => None,
        };
        match op {
            Op::GetGlobal { upvalue, .. } | Op::SetGlobal { upvalue, .. } => {
                Name::new("upvalue", proto.debug.upvalues[usize::from(upvalue)].to_text())
            }
            Op::GetField { obj, .. }
            | Op::GetIndex { obj, .. }
            | Op::GetInt { obj, .. }
            | Op::SetField { obj, .. }
            | Op::SetIndex { obj, .. }
            | Op::SetInt { obj, .. }
            | Op::Method { obj, .. } => register_name(proto, pc, obj),
            Op::Add { lhs, rhs, .. }
            | Op::Sub { lhs, rhs, .. }
            | Op::Mul { lhs, rhs, .. }
            | Op::Div { lhs, rhs, .. }
            | Op::Mod { lhs, rhs, .. }
            | Op::Pow { lhs, rhs, .. }
            | Op::IntDiv { lhs, rhs, .. }
            | Op::BitAnd { lhs, rhs, .. }
            | Op::BitOr { lhs, rhs, .. }
            | Op::BitXor { lhs, rhs, .. }
            | Op::ShiftLeft { lhs, rhs, .. }
            | Op::ShiftRight { lhs, rhs, .. } => register(lhs).or_else(|| register(rhs)),
            Op::AddK { lhs, k, .. }
            | Op::SubK { lhs, k, .. }
            | Op::MulK { lhs, k, .. }
            | Op::DivK { lhs, k, .. }
            | Op::ModK { lhs, k, .. }
            | Op::PowK { lhs, k, .. }
            | Op::IntDivK { lhs, k, .. }
            | Op::BitAndK { lhs, k, .. }
            | Op::BitOrK { lhs, k, .. }
            | Op::BitXorK { lhs, k, .. }
            | Op::ShiftLeftK { lhs, k, .. }
            | Op::ShiftRightK { lhs, k, .. } => register(lhs).or_else(|| constant(usize::from(k))),
            Op::Neg { src, .. } | Op::Len { src, .. } | Op::BitNot { src, .. } => register(src),
            Op::Concat { first, count, .. } => {
                // Operands are copied to where they are joined.
                (first..first + count).rev().find_map(register)
            }
            _ => None,
        }
    }

    /// What the function is called that instruction `pc` calls.
    fn called_name(&self, proto: &Proto, pc: usize) -> Option<Name> {
        let event = |event: Event| Name::new("metamethod", event.short_name());
        match proto.code[pc] {
            Op::Call { func, .. } | Op::TailCall { func, .. } => register_name(proto, pc, func),
            Op::ForCall { .. } => Name::new("for iterator", "for iterator"),
            Op::GetGlobal { .. }
            | Op::GetField { .. }
            | Op::GetIndex { .. }
            | Op::GetInt { .. }
            | Op::Method { .. } => event(Event::Index),
            Op::SetGlobal { .. }
            | Op::SetField { .. }
            | Op::SetIndex { .. }
            | Op::SetInt { .. } => event(Event::NewIndex),
            Op::Add { .. } | Op::AddK { .. } => event(Event::Add),
            Op::Sub { .. } | Op::SubK { .. } => event(Event::Sub),
            Op::Mul { .. } | Op::MulK { .. } => event(Event::Mul),
            Op::Div { .. } | Op::DivK { .. } => event(Event::Div),
            Op::Mod { .. } | Op::ModK { .. } => event(Event::Mod),
            Op::Pow { .. } | Op::PowK { .. } => event(Event::Pow),
            Op::IntDiv { .. } | Op::IntDivK { .. } => event(Event::IntDiv),
            Op::BitAnd { .. } | Op::BitAndK { .. } => event(Event::BitAnd),
            Op::BitOr { .. } | Op::BitOrK { .. } => event(Event::BitOr),
            Op::BitXor { .. } | Op::BitXorK { .. } => event(Event::BitXor),
            Op::ShiftLeft { .. } | Op::ShiftLeftK { .. } => event(Event::ShiftLeft),
            Op::ShiftRight { .. } | Op::ShiftRightK { .. } => event(Event::ShiftRight),
            Op::Neg { .. } => event(Event::Neg),
            Op::BitNot { .. } => event(Event::BitNot),
            Op::Len { .. } => event(Event::Len),
            Op::Concat { .. } => event(Event::Concat),
            Op::Equal { .. } => event(Event::Equal),
            Op::Less { .. } | Op::LessK { .. } | Op::GreaterK { .. } => event(Event::Less),
            Op::LessEqual { .. } | Op::LessEqualK { .. } | Op::GreaterEqualK { .. } => {
                event(Event::LessEqual)
            }
            Op::Close { .. } | Op::Return { .. } | Op::ReturnOne { .. } | Op::ReturnNone => {
                event(Event::Close)
            }
            _ => None,
        }
    }

    /// "bad argument #n to 'f' (message)"; `n` counts from 1.
    #[cold]
    pub fn arg_error(&mut self, n: usize, message: &str) -> Box<LuaError> {
        let name = self.running_code().and_then(|(proto, pc)| self.called_name(proto, pc));
        let (n, name) = match name {
            Some(Name { kind: "method", name }) => (n - 1, name),
            Some(name) => (n, name.name),
            None => (n, self.native.map_or("?".to_string(), |it| self.native_name(it))),
        };
        if n == 0 {
            return self.error(&format!("calling '{name}' on bad self ({message})"));
        }
        self.error(&format!("bad argument #{n} to '{name}' ({message})"))
    }

    /// The error of a wrong argument: "number expected, got nil".
    #[cold]
    pub fn arg_type_error(&mut self, args: Args, n: usize, expected: &str) -> Box<LuaError> {
        let got = match args.count < n {
            true => "no value".to_string(),
            false => self.type_name(self.stack[args.base + n - 1]),
        };
        self.arg_error(n, &format!("{expected} expected, got {got}"))
    }

    fn native_name(&self, native: Gc<Native>) -> String {
        self.global_name(Value::Native(native)).unwrap_or_else(|| "?".to_string())
    }

    /// The name under which a loaded module has a function: `string.format`, `print`.
    fn global_name(&self, function: Value) -> Option<String> {
        let mut found = None;
        self.heap[self.loaded].for_each(|module, table| {
            let (Value::Str(module), Value::Table(table)) = (module, table) else { return };
            self.heap[table].for_each(|name, value| {
                if let (Value::Str(name), true, None) =
                    (name, value.raw_equals(function), found.as_ref())
                {
                    found = Some(match module.as_bytes() {
                        b"_G" => name.to_text(),
                        _ => format!("{}.{}", module.to_text(), name.to_text()),
                    });
                }
            });
        });
        found
    }

    /// All active functions of a coroutine, the innermost first.
    pub fn levels(&self, frames: &[Frame], running: Option<Gc<Native>>) -> Vec<Level> {
        let is_code = |at: usize| matches!(frames[at].kind, FrameKind::Code(_));
        let caller = |at: usize| at.checked_sub(1).filter(|&it| is_code(it));
        let mut levels = Vec::new();
        if let Some(native) = running {
            let native = Some(native);
            levels.push(Level::Native { native, caller: caller(frames.len()) });
        }
        for (at, frame) in frames.iter().enumerate().rev() {
            levels.push(match frame.kind {
                FrameKind::Code(_) => Level::Code(at),
                FrameKind::Protected { native, .. } => {
                    Level::Native { native: Some(native), caller: caller(at) }
                }
                FrameKind::Host { native, .. } => Level::Native { native, caller: caller(at) },
            });
        }
        levels
    }

    /// The native function that runs, or has failed.
    pub fn running_native(&self) -> Option<Gc<Native>> {
        self.native.or(self.failed_native)
    }

    /// Lines that show the active functions of a coroutine from level `skip` on.
    pub fn traceback(&self, frames: &[Frame], running: Option<Gc<Native>>, skip: usize) -> Vec<u8> {
        /// How many levels are shown at either end.
        const SHOWN: [usize; 2] = [10, 11];
        let levels = self.levels(frames, running);
        let levels = levels.get(skip..).unwrap_or(&[]);
        let mut text = b"stack traceback:".to_vec();
        // One level more is left alone, and the count leaves one out, as in the reference implementation.
        let n_shown = SHOWN[0] + SHOWN[1];
        let n_skipped = if levels.len() > n_shown + 1 { levels.len() - n_shown } else { 0 };
        for (at, &level) in levels.iter().enumerate() {
            if n_skipped > 0 && at == SHOWN[0] {
                let line = format!("\n\t...\t(skipping {} levels)", n_skipped - 1);
                text.extend_from_slice(line.as_bytes());
            }
            if n_skipped == 0 || at < SHOWN[0] || at >= SHOWN[0] + n_skipped {
                text.extend_from_slice(b"\n\t");
                text.extend_from_slice(&self.level_text(frames, level));
            }
        }
        text
    }

    fn level_text(&self, frames: &[Frame], level: Level) -> Vec<u8> {
        match level {
            Level::Native { native, caller } => {
                let name = native.map_or("?".to_string(), |native| {
                    let global = self.global_name(Value::Native(native));
                    let called = || caller.and_then(|at| self.name_by_caller(frames, at));
                    match (global, called) {
                        (Some(name), _) => format!("function '{name}'"),
                        (None, called) => called()
                            .map_or("?".to_string(), |it| format!("{} '{}'", it.kind, it.name)),
                    }
                });
                format!("[C]: in {name}").into_bytes()
            }
            Level::Code(at) => {
                let frame = &frames[at];
                let FrameKind::Code(closure) = frame.kind else { return Vec::new() };
                let proto = self.proto(closure);
                let chunk = chunk_id(proto.debug.source.as_bytes());
                let mut text = chunk.clone();
                text.extend_from_slice(
                    format!(":{}: in ", current_line(proto, frame.pc)).as_bytes(),
                );
                let called = match frame.is_tail {
                    true => None,
                    false => at.checked_sub(1).and_then(|it| self.name_by_caller(frames, it)),
                };
                if let Some(name) = self.global_name(Value::Function(closure)) {
                    text.extend_from_slice(format!("function '{name}'").as_bytes());
                } else if let Some(name) = called {
                    text.extend_from_slice(format!("{} '{}'", name.kind, name.name).as_bytes());
                } else if proto.debug.line == 0 {
                    text.extend_from_slice(b"main chunk");
                } else {
                    text.extend_from_slice(b"function <");
                    text.extend_from_slice(&chunk);
                    text.extend_from_slice(format!(":{}>", proto.debug.line).as_bytes());
                }
                if frame.is_tail {
                    text.extend_from_slice(b"\n\t(...tail calls...)");
                }
                text
            }
        }
    }

    /// The name of what the frame with this number calls.
    pub fn name_by_caller(&self, frames: &[Frame], at: usize) -> Option<Name> {
        let frame = &frames[at];
        let FrameKind::Code(closure) = frame.kind else { return None };
        self.called_name(self.proto(closure), frame.pc.checked_sub(1)?)
    }
}

/// The line of the instruction before `pc`.
pub fn current_line(proto: &Proto, pc: usize) -> u32 {
    proto.line_of(pc.saturating_sub(1))
}

/// Whether it is the same object; numbers are compared by type, too.
fn is_identical(x: Value, y: Value) -> bool {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.get().to_bits() == b.get().to_bits(),
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => false,
        _ => x.raw_equals(y),
    }
}

/// What the value in a register is called when instruction `pc` runs.
fn register_name(proto: &Proto, pc: usize, reg: Reg) -> Option<Name> {
    if let Some(name) = proto.local_name(reg, pc) {
        return Name::new("local", name.to_text());
    }
    let setter = find_setter(proto, pc, reg)?;
    let text = |k: usize| match proto.constants[k] {
        Value::Str(it) => it.to_text(),
        _ => "?".to_string(),
    };
    let upvalue = |index: u8| proto.debug.upvalues[usize::from(index)].to_text();
    match proto.code[setter] {
        Op::Move { src, dst } if src < dst => register_name(proto, setter, src),
        Op::GetBox { src, .. } => register_name(proto, setter, src),
        Op::GetUpvalue { index, .. } | Op::GetShared { index, .. } => {
            Name::new("upvalue", upvalue(index))
        }
        Op::GetGlobal { upvalue: index, key, .. } => {
            let kind = if upvalue(index) == "_ENV" { "global" } else { "field" };
            Name::new(kind, text(usize::from(key)))
        }
        Op::GetField { obj, key, .. } => {
            let object = register_name(proto, setter, obj);
            let is_env = object.is_some_and(|it| it.name == "_ENV" && it.kind != "field");
            Name::new(if is_env { "global" } else { "field" }, text(usize::from(key)))
        }
        Op::GetIndex { key, .. } => {
            let key = match register_name(proto, setter, key) {
                Some(Name { kind: "constant", name }) => name,
                _ => "?".to_string(),
            };
            Name::new("field", key)
        }
        Op::GetInt { .. } => Name::new("field", "integer index"),
        Op::Method { dst, key, .. } if dst == reg => Name::new("method", text(usize::from(key))),
        Op::LoadK { k, .. } => match proto.constants[k as usize] {
            Value::Str(it) => Name::new("constant", it.to_text()),
            _ => None,
        },
        _ => None,
    }
}

/// The last instruction before `pc` that has surely set the register.
fn find_setter(proto: &Proto, pc: usize, reg: Reg) -> Option<usize> {
    let mut setter = None;
    let mut jump_target = 0;
    for (at, &op) in proto.code[..pc].iter().enumerate() {
        if op.writes(reg) {
            // What a jump may skip is not sure.
            setter = if at < jump_target { None } else { Some(at) };
        }
        let mut op = op;
        if let Some(&mut target) = op.target_mut() {
            let target = target as usize;
            if at < target && target <= pc {
                jump_target = jump_target.max(target);
            }
        }
    }
    setter
}
