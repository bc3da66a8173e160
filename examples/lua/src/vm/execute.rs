//! The loop over instructions.
//!
//! The fast ways are here: numbers, tables without metamethods, compiled functions. Everything else is a
//! call of a function that says how to go on (see [`Flow`]).

use super::arith;
use super::call::FEW_ARGS;
use super::error::Result;
use super::event::Event;
use super::frame::{Flow, FrameKind, Then};
use super::{Vm, meta};
use crate::compiler::op::{OPEN, Op, Reg};
use crate::compiler::proto::{Capture, Proto};
use crate::gc::{Captured, Gc};
use crate::string::Str;
use crate::table::Table;
use crate::value::Value;
use crate::vm::function::Closure;
use jitdriver::{dont_look_inside, jit, jit_merge_point, unroll_safe};

/// So many classes of classes are asked for a field without another call.
const FEW_CLASSES: usize = 8;

#[jit]
impl<'p> Vm<'p> {
    /// Runs until the host has the results of its call.
    pub(super) fn execute(&mut self) -> Result<()> {
        loop {
            match self.run() {
                Ok(()) => return Ok(()),
                Err(error) => {
                    if self.recover(error)? == Flow::Exit {
                        return Ok(());
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn get(&self, base: usize, reg: Reg) -> Value {
        self.stack[base + usize::from(reg)]
    }

    #[inline(always)]
    fn set(&mut self, base: usize, reg: Reg, value: Value) {
        self.stack[base + usize::from(reg)] = value;
    }

    /// Notes where the running frame is, before something that may fail or call.
    #[inline(always)]
    fn at(&mut self, pc: usize) -> &mut Self {
        if let Some(frame) = self.frames.last_mut() {
            frame.pc = pc;
        }
        self
    }

    /// What the loop has of the innermost frame.
    #[inline(always)]
    fn loaded_frame(&self) -> (Gc<Closure>, &'p Proto, usize, usize) {
        let frame = self.frame();
        let FrameKind::Code(closure) = frame.kind else {
            unreachable!("marks are popped when results are delivered")
        };
        (closure, self.proto(closure), frame.base, frame.pc)
    }

    fn run(&mut self) -> Result<()> {
        let (mut closure, mut proto, mut base, mut pc) = self.loaded_frame();
        loop {
            jit_merge_point!(self.driver, greens = [pc, proto], reds = [self, closure, base]);
            let op = proto.code[pc];
            pc += 1;
            let flow = match op {
                Op::Move { dst, src } => {
                    self.set(base, dst, self.get(base, src));
                    continue;
                }
                Op::LoadNil { first, count } => {
                    for reg in first..first + count {
                        self.set(base, reg, Value::Nil);
                    }
                    continue;
                }
                Op::LoadBool { dst, value } => {
                    self.set(base, dst, Value::from(value));
                    continue;
                }
                Op::LoadInt { dst, value } => {
                    self.set(base, dst, Value::Int(i64::from(value)));
                    continue;
                }
                Op::LoadK { dst, k } => {
                    self.set(base, dst, proto.constants[k as usize]);
                    continue;
                }

                Op::GetUpvalue { dst, index } => {
                    let value = self.heap[closure].upvalues[usize::from(index)];
                    self.set(base, dst, value);
                    continue;
                }
                Op::GetShared { dst, index } => {
                    let boxed = self.heap[closure].upvalues[usize::from(index)];
                    self.set(base, dst, self.unboxed(boxed));
                    continue;
                }
                Op::SetShared { index, src } => {
                    let boxed = self.heap[closure].upvalues[usize::from(index)];
                    self.set_boxed(boxed, self.get(base, src));
                    continue;
                }
                Op::NewBox { reg } => {
                    let boxed = self.heap.alloc(Captured(self.get(base, reg)));
                    self.set(base, reg, Value::Captured(boxed));
                    continue;
                }
                Op::GetBox { dst, src } => {
                    self.set(base, dst, self.unboxed(self.get(base, src)));
                    continue;
                }
                Op::SetBox { boxed, src } => {
                    self.set_boxed(self.get(base, boxed), self.get(base, src));
                    continue;
                }

                Op::GetGlobal { dst, upvalue, key } => {
                    let env = self.heap[closure].upvalues[usize::from(upvalue)];
                    let key = str_constant(proto, key);
                    match self.raw_field(env, key) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).index(env, Value::Str(key), Then::Register(dst))?,
                    }
                }
                Op::SetGlobal { upvalue, src, key } => {
                    let env = self.heap[closure].upvalues[usize::from(upvalue)];
                    let (key, value) = (str_constant(proto, key), self.get(base, src));
                    if self.set_raw_field(env, key, value) {
                        continue;
                    }
                    self.at(pc).set_index(env, Value::Str(key), value)?
                }
                Op::GetField { dst, obj, key } => {
                    let (obj, key) = (self.get(base, obj), str_constant(proto, key));
                    match self.raw_field(obj, key) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).index(obj, Value::Str(key), Then::Register(dst))?,
                    }
                }
                Op::SetField { obj, src, key } => {
                    let (obj, key) = (self.get(base, obj), str_constant(proto, key));
                    let value = self.get(base, src);
                    if self.set_raw_field(obj, key, value) {
                        continue;
                    }
                    self.at(pc).set_index(obj, Value::Str(key), value)?
                }
                Op::GetIndex { dst, obj, key } => {
                    let (obj, key) = (self.get(base, obj), self.get(base, key));
                    match self.raw_element(obj, key) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).index(obj, key, Then::Register(dst))?,
                    }
                }
                Op::SetIndex { obj, key, src } => {
                    let (obj, key) = (self.get(base, obj), self.get(base, key));
                    let value = self.get(base, src);
                    if self.set_raw_element(obj, key, value) {
                        continue;
                    }
                    self.at(pc).set_index(obj, key, value)?
                }
                Op::GetInt { dst, obj, index } => {
                    let (obj, key) = (self.get(base, obj), Value::Int(i64::from(index)));
                    match self.raw_element(obj, key) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).index(obj, key, Then::Register(dst))?,
                    }
                }
                Op::SetInt { obj, index, src } => {
                    let (obj, key) = (self.get(base, obj), Value::Int(i64::from(index)));
                    let value = self.get(base, src);
                    if self.set_raw_element(obj, key, value) {
                        continue;
                    }
                    self.at(pc).set_index(obj, key, value)?
                }
                Op::Method { dst, obj, key } => {
                    let (obj, key) = (self.get(base, obj), str_constant(proto, key));
                    self.set(base, dst + 1, obj);
                    match self.method(obj, key) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).index(obj, Value::Str(key), Then::Register(dst))?,
                    }
                }
                Op::NewTable { dst, n_fields, n_array } => {
                    self.at(pc).collect_if_due();
                    let (n_array, n_fields) = (usize::from(n_array), usize::from(n_fields));
                    let table = self.heap.new_table(n_array, n_fields);
                    self.set(base, dst, Value::Table(table));
                    continue;
                }
                Op::SetList { table, count, offset } => {
                    let first = base + usize::from(table) + 1;
                    let n = if count == OPEN { self.top - first } else { usize::from(count) };
                    self.set_list(first - 1, n, offset);
                    continue;
                }

                Op::Add { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::add(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Add, x, y, dst)?,
                    }
                }
                Op::Sub { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::sub(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Sub, x, y, dst)?,
                    }
                }
                Op::Mul { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::mul(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Mul, x, y, dst)?,
                    }
                }
                Op::Div { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::div(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Div, x, y, dst)?,
                    }
                }
                Op::Mod { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::modulo(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Mod, x, y, dst)?,
                    }
                }
                Op::Pow { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::pow(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Pow, x, y, dst)?,
                    }
                }
                Op::IntDiv { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::int_div(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::IntDiv, x, y, dst)?,
                    }
                }
                Op::BitAnd { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::bit_and(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitAnd, x, y, dst)?,
                    }
                }
                Op::BitOr { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::bit_or(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitOr, x, y, dst)?,
                    }
                }
                Op::BitXor { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::bit_xor(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitXor, x, y, dst)?,
                    }
                }
                Op::ShiftLeft { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::shl(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::ShiftLeft, x, y, dst)?,
                    }
                }
                Op::ShiftRight { dst, lhs, rhs } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::shr(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::ShiftRight, x, y, dst)?,
                    }
                }
                Op::AddK { dst, lhs, k, flip } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::add(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith_flipped(Event::Add, x, y, flip, dst)?,
                    }
                }
                Op::SubK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::sub(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Sub, x, y, dst)?,
                    }
                }
                Op::MulK { dst, lhs, k, flip } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::mul(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith_flipped(Event::Mul, x, y, flip, dst)?,
                    }
                }
                Op::DivK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::div(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Div, x, y, dst)?,
                    }
                }
                Op::ModK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::modulo(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Mod, x, y, dst)?,
                    }
                }
                Op::PowK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::pow(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Pow, x, y, dst)?,
                    }
                }
                Op::IntDivK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::int_div(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::IntDiv, x, y, dst)?,
                    }
                }
                Op::BitAndK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::bit_and(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitAnd, x, y, dst)?,
                    }
                }
                Op::BitOrK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::bit_or(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitOr, x, y, dst)?,
                    }
                }
                Op::BitXorK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::bit_xor(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitXor, x, y, dst)?,
                    }
                }
                Op::ShiftLeftK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::shl(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::ShiftLeft, x, y, dst)?,
                    }
                }
                Op::ShiftRightK { dst, lhs, k } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::shr(x, y) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::ShiftRight, x, y, dst)?,
                    }
                }
                Op::Neg { dst, src } => {
                    let x = self.get(base, src);
                    match arith::neg(x) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::Neg, x, x, dst)?,
                    }
                }
                Op::BitNot { dst, src } => {
                    let x = self.get(base, src);
                    match arith::bit_not(x) {
                        Some(value) => {
                            self.set(base, dst, value);
                            continue;
                        }
                        None => self.at(pc).arith(Event::BitNot, x, x, dst)?,
                    }
                }
                Op::Not { dst, src } => {
                    let is_true = self.get(base, src).is_truthy();
                    self.set(base, dst, Value::from(!is_true));
                    continue;
                }
                Op::Len { dst, src } => {
                    let value = self.get(base, src);
                    match self.raw_len(value) {
                        Some(len) => {
                            self.set(base, dst, Value::Int(len as i64));
                            continue;
                        }
                        None => self.at(pc).len(value, Then::Register(dst))?,
                    }
                }
                Op::Concat { dst, first, count } => {
                    self.at(pc).collect_if_due();
                    self.concat(base + usize::from(first), usize::from(count), first, dst)?
                }

                Op::Jump { target } => {
                    pc = target as usize;
                    continue;
                }
                Op::Test { reg, expect, target } => {
                    if self.get(base, reg).is_truthy() == expect {
                        pc = target as usize;
                    }
                    continue;
                }
                Op::Equal { lhs, rhs, expect, target } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    if x.raw_equals(y) {
                        if expect {
                            pc = target as usize;
                        }
                        continue;
                    }
                    if !meta::may_be_equal(x, y) || self.binary_handler(Event::Equal, x, y).is_nil()
                    {
                        if !expect {
                            pc = target as usize;
                        }
                        continue;
                    }
                    self.at(pc).equal(x, y, Then::Jump { expect, target })?
                }
                Op::Less { lhs, rhs, expect, target } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::less(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less(x, y, Then::Jump { expect, target })?,
                    }
                }
                Op::LessEqual { lhs, rhs, expect, target } => {
                    let (x, y) = (self.get(base, lhs), self.get(base, rhs));
                    match arith::less_equal(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less_equal(x, y, Then::Jump { expect, target })?,
                    }
                }
                Op::EqualK { lhs, k, expect, target } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    if x.raw_equals(y) == expect {
                        pc = target as usize;
                    }
                    continue;
                }
                Op::LessK { lhs, k, expect, target } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::less(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less(x, y, Then::Jump { expect, target })?,
                    }
                }
                Op::LessEqualK { lhs, k, expect, target } => {
                    let (x, y) = (self.get(base, lhs), proto.constants[usize::from(k)]);
                    match arith::less_equal(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less_equal(x, y, Then::Jump { expect, target })?,
                    }
                }
                Op::GreaterK { lhs, k, expect, target } => {
                    let (x, y) = (proto.constants[usize::from(k)], self.get(base, lhs));
                    match arith::less(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less(x, y, Then::Jump { expect, target })?,
                    }
                }
                Op::GreaterEqualK { lhs, k, expect, target } => {
                    let (x, y) = (proto.constants[usize::from(k)], self.get(base, lhs));
                    match arith::less_equal(x, y) {
                        Some(truth) => {
                            if truth == expect {
                                pc = target as usize;
                            }
                            continue;
                        }
                        None => self.at(pc).less_equal(x, y, Then::Jump { expect, target })?,
                    }
                }

                Op::Call { func, args, results } => {
                    let func = base + usize::from(func);
                    let n_args = if args == OPEN { self.top - func - 1 } else { usize::from(args) };
                    let then = Then::Results { wanted: results };
                    match self.stack[func] {
                        Value::Function(callee) => {
                            (proto, base) = self.at(pc).push_frame(callee, func, n_args, then)?;
                            (closure, pc) = (callee, 0);
                            continue;
                        }
                        Value::Native(callee) => {
                            self.at(pc).call_native(callee, func, n_args, then)?
                        }
                        _ => self.at(pc).call_value(func, n_args, then)?,
                    }
                }
                Op::TailCall { func, args } => {
                    let func = base + usize::from(func);
                    let n_args = if args == OPEN { self.top - func - 1 } else { usize::from(args) };
                    if let Value::Function(callee) = self.stack[func]
                        && n_args <= FEW_ARGS
                    {
                        (proto, base) = self.at(pc).replace_frame(callee, func, n_args)?;
                        (closure, pc) = (callee, 0);
                        continue;
                    }
                    self.at(pc).tail_call(func, n_args)?
                }
                Op::Return { first, count } => {
                    let first = base + usize::from(first);
                    let n = if count == OPEN { self.top - first } else { usize::from(count) };
                    self.at(pc).close_frame(base, first + n)?;
                    self.return_from_frame(first, n)?
                }
                Op::ReturnOne { src } => {
                    let first = base + usize::from(src);
                    self.at(pc).close_frame(base, first + 1)?;
                    self.return_from_frame(first, 1)?
                }
                Op::ReturnNone => {
                    self.at(pc).close_frame(base, base)?;
                    self.return_from_frame(base, 0)?
                }
                Op::Vararg { dst, count } => {
                    self.at(pc).vararg(base + usize::from(dst), count)?;
                    continue;
                }
                Op::Closure { dst, child } => {
                    self.at(pc).collect_if_due();
                    let made = self.new_closure(closure, base, proto, child);
                    self.set(base, dst, Value::Function(made));
                    continue;
                }

                Op::ForPrep { base: reg, target } => {
                    if !self.at(pc).prepare_for(base + usize::from(reg))? {
                        pc = target as usize;
                    }
                    continue;
                }
                Op::ForLoop { base: reg, target } => {
                    if self.next_lap(base + usize::from(reg)) {
                        pc = target as usize;
                    }
                    continue;
                }
                Op::GenericForPrep { base: reg, target } => {
                    let slot = base + usize::from(reg) + 3;
                    if self.stack[slot].is_truthy() {
                        self.at(pc).mark_to_close(slot, "(for state)")?;
                    }
                    pc = target as usize;
                    continue;
                }
                Op::ForCall { base: reg, n_vars } => {
                    let state = base + usize::from(reg);
                    self.at(pc).call_iterator(state, n_vars)?
                }
                Op::GenericForLoop { base: reg, target } => {
                    let state = base + usize::from(reg);
                    let control = self.stack[state + 4];
                    if !control.is_nil() {
                        self.stack[state + 2] = control;
                        pc = target as usize;
                    }
                    continue;
                }

                Op::ToClose { reg } => {
                    let name =
                        proto.local_name(reg, pc).map_or_else(String::new, |it| it.to_text());
                    self.at(pc).mark_to_close(base + usize::from(reg), &name)?;
                    continue;
                }
                Op::Close { from } => {
                    let from = base + usize::from(from);
                    if self.to_close.last().is_some_and(|&it| it >= from) {
                        self.at(pc).top = self.frame_top();
                        self.close_slots(from, None)?;
                    }
                    continue;
                }
            };
            match flow {
                Flow::Next => {}
                Flow::Reload => (closure, proto, base, pc) = self.loaded_frame(),
                Flow::Exit => return Ok(()),
            }
        }
    }

    fn unboxed(&self, boxed: Value) -> Value {
        match boxed {
            Value::Captured(it) => self.heap[it].0,
            _ => unreachable!("shared variables are in boxes"),
        }
    }

    fn set_boxed(&mut self, boxed: Value, value: Value) {
        match boxed {
            Value::Captured(it) => self.heap[it].0 = value,
            _ => unreachable!("shared variables are in boxes"),
        }
    }

    /// The field of a table, if neither it nor a metamethod is missing.
    #[inline(always)]
    fn raw_field(&self, obj: Value, key: Str) -> Option<Value> {
        let Value::Table(table) = obj else { return None };
        let table = &self.heap[table];
        let value = table.get_str(key);
        match table.metatable() {
            Some(metatable) if value.is_nil() => self.class_field(metatable, key),
            _ => Some(value),
        }
    }

    /// The field that an object lacks, from its class, or the class of that, if no function is to be asked.
    #[unroll_safe]
    #[inline(always)]
    fn class_field(&self, mut metatable: Gc<Table>, key: Str) -> Option<Value> {
        for _ in 0..FEW_CLASSES {
            match self.metamethod_in(metatable, Event::Index) {
                Value::Nil => return Some(Value::Nil),
                Value::Table(class) => {
                    let class = &self.heap[class];
                    let value = class.get_str(key);
                    match class.metatable() {
                        Some(next) if value.is_nil() => metatable = next,
                        _ => return Some(value),
                    }
                }
                _ => return None,
            }
        }
        None
    }

    /// The element of a table, if neither it nor a metamethod is missing.
    #[inline(always)]
    fn raw_element(&self, obj: Value, key: Value) -> Option<Value> {
        let Value::Table(table) = obj else { return None };
        let table = &self.heap[table];
        let value = match key {
            Value::Int(it) => table.get_int(it),
            _ => table.get(key),
        };
        if value.is_nil() && table.metatable().is_some() { None } else { Some(value) }
    }

    /// Sets a field that is there, or one of a table without metatable; whether it did.
    #[inline(always)]
    fn set_raw_field(&mut self, obj: Value, key: Str, value: Value) -> bool {
        let Value::Table(handle) = obj else { return false };
        let table = &mut self.heap[handle];
        if table.replace_str(key, value) {
            return true;
        }
        if let Some(metatable) = table.metatable()
            && !self.metamethod_in(metatable, Event::NewIndex).is_nil()
        {
            return false;
        }
        if !self.heap[handle].put_field(key, value) {
            self.heap.table_set(handle, Value::Str(key), value);
        }
        true
    }

    /// Sets an element that is there, or one of a table without metatable; whether it did.
    #[inline(always)]
    fn set_raw_element(&mut self, obj: Value, key: Value, value: Value) -> bool {
        let Value::Table(handle) = obj else { return false };
        let table = &mut self.heap[handle];
        match key {
            Value::Int(index) => {
                if table.replace_int(index, value) {
                    return true;
                }
                if table.metatable().is_some() {
                    return false;
                }
                if !table.append(index, value) {
                    self.heap.table_set(handle, key, value);
                }
                true
            }
            Value::Str(name) => self.set_raw_field(obj, name, value),
            _ => false,
        }
    }

    /// A method in the object itself, or in the table that is its class.
    #[inline(always)]
    fn method(&self, obj: Value, key: Str) -> Option<Value> {
        let value = match obj {
            Value::Table(_) => self.raw_field(obj, key)?,
            Value::Str(_) => self.class_field(self.string_metatable?, key)?,
            _ => return None,
        };
        if value.is_nil() { None } else { Some(value) }
    }

    #[inline(always)]
    fn raw_len(&self, value: Value) -> Option<usize> {
        match value {
            Value::Str(it) => Some(it.len()),
            Value::Table(it) if self.heap[it].metatable().is_none() => Some(self.heap[it].len()),
            _ => None,
        }
    }

    #[dont_look_inside]
    fn set_list(&mut self, table_slot: usize, n: usize, offset: u32) {
        let Value::Table(table) = self.stack[table_slot] else {
            unreachable!("a constructor fills a table")
        };
        let values = &self.stack[table_slot + 1..table_slot + 1 + n];
        self.heap.table_extend(table, offset as usize, values);
    }

    #[dont_look_inside]
    fn tail_call(&mut self, func: usize, n_args: usize) -> Result<Flow> {
        match self.stack[func] {
            Value::Function(closure) => {
                self.replace_frame(closure, func, n_args)?;
                Ok(Flow::Reload)
            }
            Value::Native(_) => self.call_value(func, n_args, Then::Results { wanted: OPEN }),
            other => {
                let handler = self.metamethod(other, Event::Call);
                if handler.is_nil() {
                    return Err(self.call_error(other));
                }
                self.ensure_stack(func + 2 + n_args)?;
                self.stack.copy_within(func..func + 1 + n_args, func + 1);
                self.stack[func] = handler;
                self.tail_call(func, n_args + 1)
            }
        }
    }

    /// Closes the variables of the running frame before it returns.
    #[inline(always)]
    fn close_frame(&mut self, base: usize, end: usize) -> Result<()> {
        if self.to_close.last().is_some_and(|&it| it >= base) {
            self.top = self.frame_top().max(end);
            self.close_slots(base, None)?;
        }
        Ok(())
    }

    fn vararg(&mut self, dst: usize, count: u8) -> Result<()> {
        let frame = self.frame();
        let (n_extra, start) = (frame.n_extra, frame.base - frame.n_extra);
        let n = if count == OPEN { n_extra } else { usize::from(count) };
        self.ensure_stack(dst + n + 1)?;
        let n_copied = n.min(n_extra);
        self.stack.copy_within(start..start + n_copied, dst);
        for missing in n_copied..n {
            self.stack[dst + missing] = Value::Nil;
        }
        if count == OPEN {
            self.top = dst + n;
        }
        Ok(())
    }

    fn new_closure(
        &mut self,
        parent: Gc<Closure>,
        base: usize,
        proto: &Proto,
        child: u32,
    ) -> Gc<Closure> {
        let id = proto.children[child as usize];
        let captures = &self.protos[id.0 as usize].captures;
        let mut upvalues = Vec::with_capacity(captures.len());
        for &capture in captures {
            upvalues.push(match capture {
                Capture::Register(reg) => self.get(base, reg),
                Capture::Upvalue(index) => self.heap[parent].upvalues[usize::from(index)],
                Capture::Itself => Value::Nil,
            });
        }
        let made = self.heap.alloc(Closure { proto: id, upvalues });
        if let Some(at) = captures.iter().position(|it| *it == Capture::Itself) {
            self.heap[made].upvalues[at] = Value::Function(made);
        }
        made
    }

    /// Prepares a numeric loop; whether it has a lap.
    #[inline(always)]
    fn prepare_for(&mut self, slot: usize) -> Result<bool> {
        match (self.stack[slot], self.stack[slot + 1], self.stack[slot + 2]) {
            (Value::Int(start), Value::Int(limit), Value::Int(by)) if by != 0 => {
                Ok(self.prepare_int_for(slot, start, limit, by))
            }
            _ => self.prepare_other_for(slot),
        }
    }

    /// Prepares a loop over integers, with a step that is not 0; whether it has a lap.
    #[inline(always)]
    pub(super) fn prepare_int_for(&mut self, slot: usize, start: i64, limit: i64, by: i64) -> bool {
        if if by > 0 { limit < start } else { start < limit } {
            return false;
        }
        let laps = match by > 0 {
            true => (limit as u64).wrapping_sub(start as u64) / by as u64,
            false => (start as u64).wrapping_sub(limit as u64) / by.unsigned_abs(),
        };
        self.stack[slot + 1] = Value::Int(laps as i64);
        self.stack[slot + 3] = Value::Int(start);
        true
    }

    /// Goes to the next lap of a numeric loop, if there is one. A loop over integers counts its laps, so
    /// its variable cannot overflow.
    #[inline(always)]
    fn next_lap(&mut self, slot: usize) -> bool {
        match (self.stack[slot], self.stack[slot + 1], self.stack[slot + 2]) {
            (Value::Int(var), Value::Int(laps), Value::Int(step)) => {
                if laps == 0 {
                    return false;
                }
                let var = Value::Int(var.wrapping_add(step));
                self.stack[slot] = var;
                self.stack[slot + 1] = Value::Int((laps as u64 - 1) as i64);
                self.stack[slot + 3] = var;
                true
            }
            (Value::Float(var), Value::Float(limit), Value::Float(step)) => {
                let (limit, step) = (limit.get(), step.get());
                let var = var.get() + step;
                if if step > 0.0 { var <= limit } else { limit <= var } {
                    self.stack[slot] = Value::float(var);
                    self.stack[slot + 3] = Value::float(var);
                    return true;
                }
                false
            }
            _ => false,
        }
    }

    /// Calls the iterator of a generic loop.
    #[inline(always)]
    fn call_iterator(&mut self, state: usize, n_vars: u8) -> Result<Flow> {
        let func = state + 4;
        self.stack[func] = self.stack[state];
        self.stack[func + 1] = self.stack[state + 1];
        self.stack[func + 2] = self.stack[state + 2];
        let then = Then::Results { wanted: n_vars };
        match self.stack[func] {
            Value::Native(callee) => self.call_native(callee, func, 2, then),
            _ => self.call_value(func, 2, then),
        }
    }
}

#[jit]
#[inline(always)]
fn str_constant(proto: &Proto, k: u16) -> Str {
    match proto.constants[usize::from(k)] {
        Value::Str(it) => it,
        _ => unreachable!("names of fields are strings"),
    }
}
