//! Values: what a register, a field or a constant holds.

use crate::gc::{Captured, Gc};
use crate::string::Str;
use crate::table::Table;
use crate::userdata::Userdata;
use crate::vm::coroutine::Coroutine;
use crate::vm::function::{Closure, Native};
use jitdriver::{Traceable, jit};
use std::fmt;

/// A value of the language. It is copied like an integer; objects are handles into the heap.
///
/// All payloads are machine words of one kind, and the tag is a byte by itself. So a value is a pair that
/// the compiler keeps in two registers, and it never reads sixteen bytes at once that were just written
/// in two parts, which processors are slow at.
#[derive(Clone, Copy, Debug, Default, Traceable)]
#[repr(u8)]
pub enum Value {
    #[default]
    Nil,
    False,
    True,
    Int(i64),
    Float(Float),
    Str(Str),
    Table(Gc<Table>),
    Function(Gc<Closure>),
    Native(Gc<Native>),
    Thread(Gc<Coroutine>),
    Userdata(Gc<Userdata>),
    /// The box of a local variable that closures share. Programs never see one.
    Captured(Gc<Captured>),
}

const _: () = assert!(size_of::<Value>() == 16);

/// A float by its bits.
#[derive(Clone, Copy, Traceable)]
pub struct Float(u64);

#[jit]
impl Float {
    /// The number.
    #[inline(always)]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// Its bits.
    pub fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[jit]
impl Value {
    /// A float.
    #[inline(always)]
    pub const fn float(it: f64) -> Value {
        Value::Float(Float(it.to_bits()))
    }

    /// Whether a condition with this value holds.
    #[inline]
    pub fn is_truthy(self) -> bool {
        !matches!(self, Value::Nil | Value::False)
    }

    /// Whether it is nil.
    #[inline]
    pub fn is_nil(self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Whether it is an integer or a float.
    pub fn is_number(self) -> bool {
        matches!(self, Value::Int(_) | Value::Float(_))
    }

    /// Whether it is a function of either kind.
    pub fn is_function(self) -> bool {
        matches!(self, Value::Function(_) | Value::Native(_))
    }

    /// Equality without metamethods.
    #[inline]
    pub fn raw_equals(self, other: Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil)
            | (Value::False, Value::False)
            | (Value::True, Value::True) => true,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.get() == b.get(),
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => {
                crate::number::int_equals_float(a, b.get())
            }
            (Value::Str(a), Value::Str(b)) => a.equals(b),
            (Value::Table(a), Value::Table(b)) => a.is_same(b),
            (Value::Function(a), Value::Function(b)) => a.is_same(b),
            (Value::Native(a), Value::Native(b)) => a.is_same(b),
            (Value::Thread(a), Value::Thread(b)) => a.is_same(b),
            (Value::Userdata(a), Value::Userdata(b)) => a.is_same(b),
            _ => false,
        }
    }

    /// The name of its type, as `type` gives it.
    pub fn type_name(self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::False | Value::True => "boolean",
            Value::Int(_) | Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::Table(_) => "table",
            Value::Function(_) | Value::Native(_) => "function",
            Value::Thread(_) => "thread",
            Value::Userdata(_) => "userdata",
            Value::Captured(_) => "variable",
        }
    }

    /// The address that `%p` and `tostring` show, if it is an object.
    pub fn address(self) -> Option<usize> {
        match self {
            Value::Str(it) => Some(it.address()),
            Value::Table(it) => Some(it.address()),
            Value::Function(it) => Some(it.address()),
            Value::Native(it) => Some(it.address()),
            Value::Thread(it) => Some(it.address()),
            Value::Userdata(it) => Some(it.address()),
            _ => None,
        }
    }
}

#[jit]
impl From<bool> for Value {
    fn from(it: bool) -> Value {
        if it { Value::True } else { Value::False }
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Value {
        Value::Int(it)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Value {
        Value::float(it)
    }
}

impl From<Str> for Value {
    fn from(it: Str) -> Value {
        Value::Str(it)
    }
}

impl From<Gc<Table>> for Value {
    fn from(it: Gc<Table>) -> Value {
        Value::Table(it)
    }
}
