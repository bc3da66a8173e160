//! Operations that may call metamethods, convert strings, or fail.

use super::Vm;
use super::arith;
use super::error::{LuaError, Result};
use super::event::Event;
use super::frame::{Flow, Then};
use crate::compiler::op::Reg;
use crate::number::{self, Number};
use crate::value::Value;
use jitdriver::jit;

/// How many tables `__index` or `__newindex` may lead through.
const MAX_CHAIN: usize = 2000;

/// Where a search for a key ended.
enum Found {
    Value(Value),
    /// A function has to say, for this object.
    Handler(Value, Value),
}

/// Whether two values that are not the same may be equal by a metamethod.
#[jit]
#[inline(always)]
pub fn may_be_equal(x: Value, y: Value) -> bool {
    matches!((x, y), (Value::Table(_), Value::Table(_)) | (Value::Userdata(_), Value::Userdata(_)))
}

#[jit]
impl Vm<'_> {
    /// The metamethod of the first operand, or of the second, or nil.
    #[inline]
    pub(super) fn binary_handler(&self, event: Event, x: Value, y: Value) -> Value {
        let handler = self.metamethod(x, event);
        if handler.is_nil() { self.metamethod(y, event) } else { handler }
    }
}

impl Vm<'_> {
    fn find_index(&self, mut obj: Value, key: Value) -> Result<Found> {
        for _ in 0..MAX_CHAIN {
            let handler = match obj {
                Value::Table(handle) => {
                    let table = &self.heap[handle];
                    let value = table.get(key);
                    if !value.is_nil() {
                        return Ok(Found::Value(value));
                    }
                    let Some(metatable) = table.metatable() else {
                        return Ok(Found::Value(Value::Nil));
                    };
                    let handler = self.metamethod_in(metatable, Event::Index);
                    if handler.is_nil() {
                        return Ok(Found::Value(Value::Nil));
                    }
                    handler
                }
                _ => self.metamethod(obj, Event::Index),
            };
            if handler.is_function() {
                return Ok(Found::Handler(handler, obj));
            }
            if handler.is_nil() {
                return Ok(Found::Handler(Value::Nil, obj));
            }
            obj = handler;
        }
        Ok(Found::Handler(Value::from(false), obj))
    }

    /// The error if the search ended at something that cannot be indexed.
    fn checked(&mut self, found: Found) -> Result<Found> {
        match found {
            Found::Handler(Value::Nil, obj) => Err(self.type_error(obj, "index")),
            Found::Handler(Value::False | Value::True, _) => {
                Err(self.op_error("'__index' chain too long; possible loop"))
            }
            found => Ok(found),
        }
    }

    /// `obj[key]`, to wherever `then` says.
    pub(super) fn index(&mut self, obj: Value, key: Value, then: Then) -> Result<Flow> {
        let found = self.find_index(obj, key)?;
        match self.checked(found)? {
            Found::Value(value) => {
                if let Then::Register(reg) = then {
                    let base = self.frame().base;
                    self.stack[base + usize::from(reg)] = value;
                }
                Ok(Flow::Next)
            }
            Found::Handler(handler, obj) => self.call_handler(handler, &[obj, key], then),
        }
    }

    /// `obj[key]` for native functions.
    pub fn get_index(&mut self, obj: Value, key: Value) -> Result<Value> {
        let found = self.find_index(obj, key)?;
        match self.checked(found)? {
            Found::Value(value) => Ok(value),
            Found::Handler(handler, obj) => self.call_for_one(handler, &[obj, key]),
        }
    }

    /// `obj[key] = value`; the handler to call with an object, if there is one.
    fn store(
        &mut self,
        mut obj: Value,
        key: Value,
        value: Value,
    ) -> Result<Option<(Value, Value)>> {
        for _ in 0..MAX_CHAIN {
            let handler = match obj {
                Value::Table(handle) => {
                    let table = &self.heap[handle];
                    let handler = match table.metatable() {
                        Some(metatable) if table.get(key).is_nil() => {
                            self.metamethod_in(metatable, Event::NewIndex)
                        }
                        _ => Value::Nil,
                    };
                    if handler.is_nil() {
                        self.check_key(key)?;
                        self.heap.table_set(handle, key, value);
                        return Ok(None);
                    }
                    handler
                }
                _ => {
                    let handler = self.metamethod(obj, Event::NewIndex);
                    if handler.is_nil() {
                        return Err(self.type_error(obj, "index"));
                    }
                    handler
                }
            };
            if handler.is_function() {
                return Ok(Some((handler, obj)));
            }
            obj = handler;
        }
        Err(self.op_error("'__newindex' chain too long; possible loop"))
    }

    /// Whether a value can be a key.
    pub fn check_key(&mut self, key: Value) -> Result<()> {
        match key {
            Value::Nil => Err(self.op_error("table index is nil")),
            Value::Float(it) if it.get().is_nan() => Err(self.op_error("table index is NaN")),
            _ => Ok(()),
        }
    }

    pub(super) fn set_index(&mut self, obj: Value, key: Value, value: Value) -> Result<Flow> {
        match self.store(obj, key, value)? {
            None => Ok(Flow::Next),
            Some((handler, obj)) => self.call_handler(handler, &[obj, key, value], Then::Discard),
        }
    }

    /// `obj[key] = value` for native functions.
    pub fn put_index(&mut self, obj: Value, key: Value, value: Value) -> Result<()> {
        match self.store(obj, key, value)? {
            None => Ok(()),
            Some((handler, obj)) => self.call(handler, &[obj, key, value]).map(|_| ()),
        }
    }

    /// Arithmetic whose operands may be in the other order.
    #[cold]
    pub(super) fn arith_flipped(
        &mut self,
        event: Event,
        x: Value,
        y: Value,
        flip: bool,
        dst: Reg,
    ) -> Result<Flow> {
        let (x, y) = if flip { (y, x) } else { (x, y) };
        self.arith(event, x, y, dst)
    }

    /// Arithmetic on what is not two numbers, or fails.
    #[cold]
    pub(super) fn arith(&mut self, event: Event, x: Value, y: Value, dst: Reg) -> Result<Flow> {
        let then = Then::Register(dst);
        if let Some(value) = self.arith_numbers(event, x, y)? {
            let base = self.frame().base;
            self.stack[base + usize::from(dst)] = value;
            return Ok(Flow::Next);
        }
        let handler = self.binary_handler(event, x, y);
        if handler.is_nil() {
            return Err(self.arith_error(event, x, y));
        }
        self.call_handler(handler, &[x, y], then)
    }

    /// Arithmetic for native functions.
    pub fn arithmetic(&mut self, event: Event, x: Value, y: Value) -> Result<Value> {
        if let Some(value) = self.arith_numbers(event, x, y)? {
            return Ok(value);
        }
        let handler = self.binary_handler(event, x, y);
        if handler.is_nil() {
            return Err(self.arith_error(event, x, y));
        }
        self.call_for_one(handler, &[x, y])
    }

    /// Arithmetic on numbers and strings that spell numbers; none if an operand is something else.
    fn arith_numbers(&mut self, event: Event, x: Value, y: Value) -> Result<Option<Value>> {
        if event.is_bitwise() {
            return Ok(compute(event, x, y));
        }
        let (Some(a), Some(b)) = (coerced(x), coerced(y)) else { return Ok(None) };
        let value = compute(event, a, b);
        if value.is_some() {
            return Ok(value);
        }
        let message = match event {
            Event::IntDiv => "attempt to divide by zero",
            Event::Mod => "attempt to perform 'n%0'",
            _ => return Ok(None),
        };
        // The reference implementation computes with strings in a native function.
        let is_native = !(x.is_number() && y.is_number());
        Err(if is_native {
            LuaError::new(self.str(message.as_bytes()))
        } else {
            self.op_error(message)
        })
    }

    /// `x == y` of different objects that may have a metamethod.
    pub(super) fn equal(&mut self, x: Value, y: Value, then: Then) -> Result<Flow> {
        let handler = self.binary_handler(Event::Equal, x, y);
        if handler.is_nil() {
            return self.deliver_truth(false, then);
        }
        self.call_handler(handler, &[x, y], then)
    }

    fn deliver_truth(&mut self, truth: bool, then: Then) -> Result<Flow> {
        if let Then::Jump { expect, target } = then
            && truth == expect
        {
            self.frame_mut().pc = target as usize;
        }
        Ok(Flow::Reload)
    }

    #[cold]
    pub(super) fn less(&mut self, x: Value, y: Value, then: Then) -> Result<Flow> {
        if let (Value::Str(a), Value::Str(b)) = (x, y) {
            return self.deliver_truth(a.as_bytes() < b.as_bytes(), then);
        }
        self.compare(Event::Less, x, y, then)
    }

    #[cold]
    pub(super) fn less_equal(&mut self, x: Value, y: Value, then: Then) -> Result<Flow> {
        if let (Value::Str(a), Value::Str(b)) = (x, y) {
            return self.deliver_truth(a.as_bytes() <= b.as_bytes(), then);
        }
        self.compare(Event::LessEqual, x, y, then)
    }

    fn compare(&mut self, event: Event, x: Value, y: Value, then: Then) -> Result<Flow> {
        let handler = self.binary_handler(event, x, y);
        if !handler.is_nil() {
            return self.call_handler(handler, &[x, y], then);
        }
        // `x <= y` is `not (y < x)` for objects that know no better.
        let less = self.binary_handler(Event::Less, y, x);
        match then {
            Then::Jump { expect, target } if event == Event::LessEqual && !less.is_nil() => {
                let then = Then::Jump { expect: !expect, target };
                self.call_handler(less, &[y, x], then)
            }
            _ => Err(self.compare_error(x, y)),
        }
    }

    /// `x < y` for native functions.
    pub fn is_less(&mut self, x: Value, y: Value) -> Result<bool> {
        if let Some(truth) = arith::less(x, y) {
            return Ok(truth);
        }
        if let (Value::Str(a), Value::Str(b)) = (x, y) {
            return Ok(a.as_bytes() < b.as_bytes());
        }
        let handler = self.binary_handler(Event::Less, x, y);
        if handler.is_nil() {
            return Err(self.compare_error(x, y));
        }
        Ok(self.call_for_one(handler, &[x, y])?.is_truthy())
    }

    /// `#value` of what is not a plain table or a string.
    #[cold]
    pub(super) fn len(&mut self, value: Value, then: Then) -> Result<Flow> {
        let handler = self.metamethod(value, Event::Len);
        if !handler.is_nil() {
            return self.call_handler(handler, &[value, value], then);
        }
        match (value, then) {
            (Value::Table(it), Then::Register(reg)) => {
                let len = self.heap[it].len() as i64;
                let base = self.frame().base;
                self.stack[base + usize::from(reg)] = Value::Int(len);
                Ok(Flow::Next)
            }
            _ => Err(self.type_error(value, "get length of")),
        }
    }

    /// `#value` for native functions.
    pub fn len_of(&mut self, value: Value) -> Result<i64> {
        if let Value::Str(it) = value {
            return Ok(it.len() as i64);
        }
        let handler = self.metamethod(value, Event::Len);
        if handler.is_nil() {
            return match value {
                Value::Table(it) => Ok(self.heap[it].len() as i64),
                _ => Err(self.type_error(value, "get length of")),
            };
        }
        let len = self.call_for_one(handler, &[value, value])?;
        match arith::to_int(len) {
            Some(len) => Ok(len),
            None => Err(self.error("object length is not an integer")),
        }
    }

    /// Concatenates `n` values in slot `start` and behind to register `dst`. `first` is the register of
    /// the first.
    pub(super) fn concat(&mut self, start: usize, n: usize, first: Reg, dst: Reg) -> Result<Flow> {
        let mut n = n;
        while n > 1 {
            let last = start + n - 1;
            let n_texts = self.n_texts_before(start, last);
            if n_texts >= 2 {
                let value = self.joined(last + 1 - n_texts, n_texts)?;
                n -= n_texts - 1;
                self.stack[start + n - 1] = value;
                continue;
            }
            let (x, y) = (self.stack[last - 1], self.stack[last]);
            let handler = self.binary_handler(Event::Concat, x, y);
            if handler.is_nil() {
                let culprit = if is_text(x) { y } else { x };
                return Err(self.type_error(culprit, "concatenate"));
            }
            let then = match n {
                2 => Then::Register(dst),
                _ => Then::Concat { first, at: first + (n as Reg - 2), dst },
            };
            return self.call_handler(handler, &[x, y], then);
        }
        let base = self.frame().base;
        self.stack[base + usize::from(dst)] = self.stack[start];
        Ok(Flow::Next)
    }

    /// How many of the last values are strings or numbers.
    fn n_texts_before(&self, start: usize, last: usize) -> usize {
        self.stack[start..=last].iter().rev().take_while(|it| is_text(**it)).count()
    }

    /// Strings and numbers as one string.
    fn joined(&mut self, start: usize, n: usize) -> Result<Value> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut len = 0usize;
        for &value in &self.stack[start..start + n] {
            len += if let Value::Str(it) = value { it.len() } else { 0 };
        }
        if self.heap.is_exhausted(len) || len > MAX_STRING {
            self.buffer = buffer;
            return Err(self.memory_error());
        }
        for &value in &self.stack[start..start + n] {
            push_text(value, &mut buffer);
        }
        let value = Value::Str(self.heap.str(&buffer));
        if buffer.capacity() <= 1 << 16 {
            self.buffer = buffer;
        }
        Ok(value)
    }

    /// Prepares a numeric loop that is not over integers alone, or whose step is 0; whether it has a lap.
    pub(super) fn prepare_other_for(&mut self, slot: usize) -> Result<bool> {
        let (init, limit, step) = (self.stack[slot], self.stack[slot + 1], self.stack[slot + 2]);
        if let (Value::Int(start), Value::Int(by)) = (init, step) {
            if by == 0 {
                return Err(self.op_error("'for' step is zero"));
            }
            return match self.int_limit(limit, by)? {
                Some(limit) => Ok(self.prepare_int_for(slot, start, limit, by)),
                None => Ok(false),
            };
        }
        let limit = self.for_number(limit, "limit")?;
        let by = self.for_number(step, "step")?;
        let start = self.for_number(init, "initial value")?;
        if by == 0.0 {
            return Err(self.op_error("'for' step is zero"));
        }
        if if by > 0.0 { limit < start } else { start < limit } {
            return Ok(false);
        }
        self.stack[slot] = Value::float(start);
        self.stack[slot + 1] = Value::float(limit);
        self.stack[slot + 2] = Value::float(by);
        self.stack[slot + 3] = Value::float(start);
        Ok(true)
    }

    /// The last integer that a loop may reach, or none if it has no lap wherever it starts.
    fn int_limit(&mut self, limit: Value, by: i64) -> Result<Option<i64>> {
        if let Value::Int(it) = limit {
            return Ok(Some(it));
        }
        let float = self.for_number(limit, "limit")?;
        let rounded = if by < 0 { float.ceil() } else { float.floor() };
        Ok(match number::float_to_int_exact(rounded) {
            Some(it) => Some(it),
            None if float.is_nan() => None,
            None if float > 0.0 && by < 0 => None,
            None if float < 0.0 && by > 0 => None,
            None if float > 0.0 => Some(i64::MAX),
            None => Some(i64::MIN),
        })
    }

    fn for_number(&mut self, value: Value, what: &str) -> Result<f64> {
        if let Some(it) = coerced(value).and_then(arith::to_float) {
            return Ok(it);
        }
        let kind = self.type_name(value);
        Err(self.op_error(&format!("bad 'for' {what} (number expected, got {kind})")))
    }
}

/// Strings are not longer than this.
pub const MAX_STRING: usize = 1 << 30;

/// Whether a value can be concatenated as it is.
pub fn is_text(value: Value) -> bool {
    matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_))
}

/// Appends a string or a number.
pub fn push_text(value: Value, buffer: &mut Vec<u8>) {
    match value {
        Value::Str(it) => buffer.extend_from_slice(it.as_bytes()),
        Value::Int(it) => push_int(it, buffer),
        Value::Float(it) => buffer.extend_from_slice(number::float_to_text(it.get()).as_bytes()),
        _ => {}
    }
}

/// Appends an integer in decimal.
pub fn push_int(value: i64, buffer: &mut Vec<u8>) {
    use std::io::Write as _;
    write!(buffer, "{value}").expect("a vector takes all");
}

/// A number, or what a string spells.
pub fn coerced(value: Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value),
        Value::Str(text) => number::parse(text.as_bytes()).map(|it| match it {
            Number::Int(it) => Value::Int(it),
            Number::Float(it) => Value::float(it),
        }),
        _ => None,
    }
}

/// Arithmetic on numbers.
pub fn compute(event: Event, a: Value, b: Value) -> Option<Value> {
    match event {
        Event::Add => arith::add(a, b),
        Event::Sub => arith::sub(a, b),
        Event::Mul => arith::mul(a, b),
        Event::Div => arith::div(a, b),
        Event::Mod => arith::modulo(a, b),
        Event::Pow => arith::pow(a, b),
        Event::IntDiv => arith::int_div(a, b),
        Event::BitAnd => arith::bit_and(a, b),
        Event::BitOr => arith::bit_or(a, b),
        Event::BitXor => arith::bit_xor(a, b),
        Event::ShiftLeft => arith::shl(a, b),
        Event::ShiftRight => arith::shr(a, b),
        Event::Neg => arith::neg(a),
        Event::BitNot => arith::bit_not(a),
        _ => None,
    }
}
