//! Arithmetic on numbers. `None` means that the operands are something else, or that it fails: then
//! strings are converted, metamethods called and errors thrown elsewhere.

use crate::number::{
    float_floor_mod, float_to_int_exact, int_floor_div, int_floor_mod, shift_left,
};
use crate::value::Value;
use jitdriver::jit;

#[jit]
#[inline(always)]
pub fn add(x: Value, y: Value) -> Option<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.wrapping_add(b))),
        (Value::Float(a), Value::Float(b)) => Some(Value::float(a.get() + b.get())),
        (Value::Int(a), Value::Float(b)) => Some(Value::float(a as f64 + b.get())),
        (Value::Float(a), Value::Int(b)) => Some(Value::float(a.get() + b as f64)),
        _ => None,
    }
}

#[jit]
#[inline(always)]
pub fn sub(x: Value, y: Value) -> Option<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.wrapping_sub(b))),
        (Value::Float(a), Value::Float(b)) => Some(Value::float(a.get() - b.get())),
        (Value::Int(a), Value::Float(b)) => Some(Value::float(a as f64 - b.get())),
        (Value::Float(a), Value::Int(b)) => Some(Value::float(a.get() - b as f64)),
        _ => None,
    }
}

#[jit]
#[inline(always)]
pub fn mul(x: Value, y: Value) -> Option<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.wrapping_mul(b))),
        (Value::Float(a), Value::Float(b)) => Some(Value::float(a.get() * b.get())),
        (Value::Int(a), Value::Float(b)) => Some(Value::float(a as f64 * b.get())),
        (Value::Float(a), Value::Int(b)) => Some(Value::float(a.get() * b as f64)),
        _ => None,
    }
}

/// A number as a float.
#[jit]
#[inline(always)]
pub fn to_float(x: Value) -> Option<f64> {
    match x {
        Value::Float(a) => Some(a.get()),
        Value::Int(a) => Some(a as f64),
        _ => None,
    }
}

#[jit]
#[inline(always)]
pub fn div(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_float(x), to_float(y)) else { return None };
    Some(Value::float(a / b))
}

#[jit]
#[inline(always)]
pub fn pow(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_float(x), to_float(y)) else { return None };
    Some(Value::float(crate::number::pow(a, b)))
}

#[jit]
#[inline(always)]
pub fn modulo(x: Value, y: Value) -> Option<Value> {
    match (x, y) {
        (Value::Int(_), Value::Int(0)) => None,
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(int_floor_mod(a, b))),
        _ => {
            let (Some(a), Some(b)) = (to_float(x), to_float(y)) else { return None };
            Some(Value::float(float_floor_mod(a, b)))
        }
    }
}

#[jit]
#[inline(always)]
pub fn int_div(x: Value, y: Value) -> Option<Value> {
    match (x, y) {
        (Value::Int(_), Value::Int(0)) => None,
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(int_floor_div(a, b))),
        _ => {
            let (Some(a), Some(b)) = (to_float(x), to_float(y)) else { return None };
            Some(Value::float((a / b).floor()))
        }
    }
}

/// A number as an integer, if it has an integral value.
#[jit]
#[inline(always)]
pub fn to_int(x: Value) -> Option<i64> {
    match x {
        Value::Int(a) => Some(a),
        Value::Float(a) => float_to_int_exact(a.get()),
        _ => None,
    }
}

#[jit]
#[inline(always)]
pub fn bit_and(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_int(x), to_int(y)) else { return None };
    Some(Value::Int(a & b))
}

#[jit]
#[inline(always)]
pub fn bit_or(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_int(x), to_int(y)) else { return None };
    Some(Value::Int(a | b))
}

#[jit]
#[inline(always)]
pub fn bit_xor(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_int(x), to_int(y)) else { return None };
    Some(Value::Int(a ^ b))
}

#[jit]
#[inline(always)]
pub fn shl(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_int(x), to_int(y)) else { return None };
    Some(Value::Int(shift_left(a, b)))
}

#[jit]
#[inline(always)]
pub fn shr(x: Value, y: Value) -> Option<Value> {
    let (Some(a), Some(b)) = (to_int(x), to_int(y)) else { return None };
    // Negating the smallest integer would not change it.
    Some(Value::Int(shift_left(a, b.saturating_neg())))
}

#[jit]
#[inline(always)]
pub fn neg(x: Value) -> Option<Value> {
    match x {
        Value::Int(a) => Some(Value::Int(a.wrapping_neg())),
        Value::Float(a) => Some(Value::float(-a.get())),
        _ => None,
    }
}

#[jit]
#[inline(always)]
pub fn bit_not(x: Value) -> Option<Value> {
    Some(Value::Int(!to_int(x)?))
}

/// `x < y` of numbers.
#[jit]
#[inline(always)]
pub fn less(x: Value, y: Value) -> Option<bool> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => Some(a < b),
        (Value::Float(a), Value::Float(b)) => Some(a.get() < b.get()),
        (Value::Int(a), Value::Float(b)) => Some(crate::number::int_less_float(a, b.get())),
        (Value::Float(a), Value::Int(b)) => Some(crate::number::float_less_int(a.get(), b)),
        _ => None,
    }
}

/// `x <= y` of numbers.
#[jit]
#[inline(always)]
pub fn less_equal(x: Value, y: Value) -> Option<bool> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => Some(a <= b),
        (Value::Float(a), Value::Float(b)) => Some(a.get() <= b.get()),
        (Value::Int(a), Value::Float(b)) => Some(crate::number::int_less_equal_float(a, b.get())),
        (Value::Float(a), Value::Int(b)) => Some(crate::number::float_less_equal_int(a.get(), b)),
        _ => None,
    }
}
