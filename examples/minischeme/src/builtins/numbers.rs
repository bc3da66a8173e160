//! Numbers: exact integers of 64 bits, and floats.
//!
//! An exact result that does not fit into 64 bits is an error. An operation on an exact number and a
//! float is done on floats. `/` of exact numbers is exact if it comes out even, and a float if not.

use super::{Answer, AtLeast, Between, Exactly, int, string, truth, wrong};
use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::reader::parse_number;
use crate::value::{Builtin, Value};
use std::cmp::Ordering;

jitdriver::traced! {
pub(super) const TABLE: &[Builtin] = &[
    Builtin { name: "+", arity: AtLeast(0), run: |_, args| fold(args, Value::Int(0), add) },
    Builtin { name: "*", arity: AtLeast(0), run: |_, args| fold(args, Value::Int(1), mul) },
    Builtin { name: "-", arity: AtLeast(1), run: |_, args| reduce(args, Value::Int(0), sub) },
    Builtin { name: "/", arity: AtLeast(1), run: |_, args| reduce(args, Value::Int(1), div) },
    Builtin { name: "=", arity: AtLeast(1), run: |_, args| chain(args, Ordering::is_eq) },
    Builtin { name: "<", arity: AtLeast(1), run: |_, args| chain(args, Ordering::is_lt) },
    Builtin { name: ">", arity: AtLeast(1), run: |_, args| chain(args, Ordering::is_gt) },
    Builtin { name: "<=", arity: AtLeast(1), run: |_, args| chain(args, Ordering::is_le) },
    Builtin { name: ">=", arity: AtLeast(1), run: |_, args| chain(args, Ordering::is_ge) },
    Builtin { name: "max", arity: AtLeast(1), run: |_, args| extreme(args, Ordering::is_gt) },
    Builtin { name: "min", arity: AtLeast(1), run: |_, args| extreme(args, Ordering::is_lt) },
    Builtin {
        name: "quotient",
        arity: Exactly(2),
        run: |_, args| divide(args, i64::checked_div, |a, b| (a / b).trunc()),
    },
    Builtin {
        name: "remainder",
        arity: Exactly(2),
        run: |_, args| divide(args, i64::checked_rem, |a, b| a % b),
    },
    Builtin {
        name: "modulo",
        arity: Exactly(2),
        run: |_, args| divide(args, checked_modulo, |a, b| a - b * (a / b).floor()),
    },
    Builtin { name: "gcd", arity: AtLeast(0), run: |_, args| fold(args, Value::Int(0), gcd) },
    Builtin { name: "lcm", arity: AtLeast(0), run: |_, args| fold(args, Value::Int(1), lcm) },
    Builtin { name: "abs", arity: Exactly(1), run: |_, args| abs(&args[0]) },
    Builtin { name: "zero?", arity: Exactly(1), run: |_, args| sign(args, Ordering::is_eq) },
    Builtin { name: "positive?", arity: Exactly(1), run: |_, args| sign(args, Ordering::is_gt) },
    Builtin { name: "negative?", arity: Exactly(1), run: |_, args| sign(args, Ordering::is_lt) },
    Builtin { name: "even?", arity: Exactly(1), run: |_, args| truth(int(&args[0])? % 2 == 0) },
    Builtin { name: "odd?", arity: Exactly(1), run: |_, args| truth(int(&args[0])? % 2 != 0) },
    Builtin {
        name: "number?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Int(_) | Value::Float(_))),
    },
    Builtin { name: "integer?", arity: Exactly(1), run: |_, args| truth(is_integer(&args[0])) },
    Builtin {
        name: "exact?",
        arity: Exactly(1),
        run: |_, args| float(&args[0]).and_then(|_| truth(matches!(args[0], Value::Int(_)))),
    },
    Builtin {
        name: "inexact?",
        arity: Exactly(1),
        run: |_, args| float(&args[0]).and_then(|_| truth(matches!(args[0], Value::Float(_)))),
    },
    Builtin { name: "exact", arity: Exactly(1), run: |_, args| exact(&args[0]) },
    Builtin {
        name: "inexact",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Float(float(&args[0])?)),
    },
    Builtin { name: "floor", arity: Exactly(1), run: |_, args| round(&args[0], f64::floor) },
    Builtin { name: "ceiling", arity: Exactly(1), run: |_, args| round(&args[0], f64::ceil) },
    Builtin { name: "truncate", arity: Exactly(1), run: |_, args| round(&args[0], f64::trunc) },
    Builtin {
        name: "round",
        arity: Exactly(1),
        run: |_, args| round(&args[0], f64::round_ties_even),
    },
    Builtin { name: "sqrt", arity: Exactly(1), run: |_, args| sqrt(&args[0]) },
    Builtin { name: "expt", arity: Exactly(2), run: expt },
    Builtin { name: "exp", arity: Exactly(1), run: |_, args| real(&args[0], f64::exp) },
    Builtin { name: "log", arity: Exactly(1), run: |_, args| real(&args[0], f64::ln) },
    Builtin { name: "sin", arity: Exactly(1), run: |_, args| real(&args[0], f64::sin) },
    Builtin { name: "cos", arity: Exactly(1), run: |_, args| real(&args[0], f64::cos) },
    Builtin { name: "atan", arity: Exactly(1), run: |_, args| real(&args[0], f64::atan) },
    Builtin { name: "number->string", arity: Between(1, 2), run: number_to_string },
    Builtin { name: "string->number", arity: Between(1, 2), run: string_to_number },
];

fn overflow() -> Error {
    Error::new("integer overflow")
}

fn float(value: &Value) -> Result<f64, Error> {
    match value {
        Value::Int(n) => Ok(*n as f64),
        Value::Float(x) => Ok(*x),
        other => Err(wrong(other, "a number")),
    }
}

/// An operation that stays exact on exact numbers.
fn arithmetic(
    a: &Value,
    b: &Value,
    on_ints: fn(i64, i64) -> Option<i64>,
    on_floats: fn(f64, f64) -> f64,
) -> Answer {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => on_ints(*a, *b).map(Value::Int).ok_or_else(overflow),
        _ => Ok(Value::Float(on_floats(float(a)?, float(b)?))),
    }
}

fn add(a: &Value, b: &Value) -> Answer {
    arithmetic(a, b, i64::checked_add, |a, b| a + b)
}

fn sub(a: &Value, b: &Value) -> Answer {
    arithmetic(a, b, i64::checked_sub, |a, b| a - b)
}

fn mul(a: &Value, b: &Value) -> Answer {
    arithmetic(a, b, i64::checked_mul, |a, b| a * b)
}

fn div(a: &Value, b: &Value) -> Answer {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) => Err(Error::new("division by zero")),
        (Value::Int(a), Value::Int(b)) if a.checked_rem(*b) == Some(0) => Ok(Value::Int(a / b)),
        _ => Ok(Value::Float(float(a)? / float(b)?)),
    }
}

fn fold(args: &[Value], start: Value, op: fn(&Value, &Value) -> Answer) -> Answer {
    match args {
        [a, b] => op(a, b),
        _ => args.iter().try_fold(start, |result, arg| op(&result, arg)),
    }
}

/// With one argument, the operation on `neutral` and it.
fn reduce(args: &[Value], neutral: Value, op: fn(&Value, &Value) -> Answer) -> Answer {
    match args {
        [a] => op(&neutral, a),
        [a, b] => op(a, b),
        _ => args[1..].iter().try_fold(args[0].clone(), |result, arg| op(&result, arg)),
    }
}

/// None if one is not a number in the sense of floats.
fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        _ => Ok(float(a)?.partial_cmp(&float(b)?)),
    }
}

/// Whether each argument is in that order with the next.
#[jitdriver::unroll_safe]
fn chain(args: &[Value], holds: fn(Ordering) -> bool) -> Answer {
    if let [single] = args {
        float(single)?;
    }
    let mut result = true;
    for two in args.windows(2) {
        result &= compare(&two[0], &two[1])?.is_some_and(holds);
    }
    truth(result)
}

fn sign(args: &[Value], holds: fn(Ordering) -> bool) -> Answer {
    truth(compare(&args[0], &Value::Int(0))?.is_some_and(holds))
}

/// The largest or smallest; a float as soon as one is.
fn extreme(args: &[Value], replaces: fn(Ordering) -> bool) -> Answer {
    let mut best = args[0].clone();
    let mut is_float = matches!(best, Value::Float(_));
    float(&best)?;
    for arg in &args[1..] {
        is_float |= matches!(arg, Value::Float(_));
        if compare(arg, &best)?.is_none_or(replaces) {
            best = arg.clone();
        }
    }
    if is_float { Ok(Value::Float(float(&best)?)) } else { Ok(best) }
}

fn divide(
    args: &[Value],
    on_ints: fn(i64, i64) -> Option<i64>,
    on_floats: fn(f64, f64) -> f64,
) -> Answer {
    if let Some(other) = args.iter().find(|arg| !is_integer(arg)) {
        return Err(wrong(other, "an integer"));
    }
    if float(&args[1])? == 0.0 {
        return Err(Error::new("division by zero"));
    }
    arithmetic(&args[0], &args[1], on_ints, on_floats)
}

fn checked_modulo(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    let has_wrong_sign = rest != 0 && (rest < 0) != (b < 0);
    Some(if has_wrong_sign { rest + b } else { rest })
}

fn gcd(a: &Value, b: &Value) -> Answer {
    let (mut a, mut b) = (int(a)?.unsigned_abs(), int(b)?.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).map(Value::Int).map_err(|_| overflow())
}

fn lcm(a: &Value, b: &Value) -> Answer {
    let divisor = int(&gcd(a, b)?)?;
    match divisor {
        0 => Ok(Value::Int(0)),
        _ => abs(&mul(&Value::Int(int(a)? / divisor), b)?),
    }
}

fn abs(value: &Value) -> Answer {
    match value {
        Value::Int(n) => n.checked_abs().map(Value::Int).ok_or_else(overflow),
        other => Ok(Value::Float(float(other)?.abs())),
    }
}

fn is_integer(value: &Value) -> bool {
    match value {
        Value::Int(_) => true,
        Value::Float(x) => x.is_finite() && x.fract() == 0.0,
        _ => false,
    }
}
}

fn exact(value: &Value) -> Answer {
    /// Two to the 63rd, the first number that does not fit.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(n) => Ok(Value::Int(*n)),
        Value::Float(x) if !is_integer(value) => Err(wrong(&Value::Float(*x), "an integer")),
        Value::Float(x) if (-LIMIT..LIMIT).contains(x) => Ok(Value::Int(*x as i64)),
        Value::Float(_) => Err(overflow()),
        other => Err(wrong(other, "a number")),
    }
}

fn round(value: &Value, on_floats: fn(f64) -> f64) -> Answer {
    match value {
        Value::Int(n) => Ok(Value::Int(*n)),
        other => Ok(Value::Float(on_floats(float(other)?))),
    }
}

fn real(value: &Value, function: fn(f64) -> f64) -> Answer {
    Ok(Value::Float(function(float(value)?)))
}

/// Exact for squares of exact numbers.
fn sqrt(value: &Value) -> Answer {
    match value {
        Value::Int(n) if *n >= 0 && n.isqrt().pow(2) == *n => Ok(Value::Int(n.isqrt())),
        Value::Int(_) | Value::Float(_) if float(value)? < 0.0 => {
            Err(Error::new(format!("{value} has no real square root")))
        }
        other => real(other, f64::sqrt),
    }
}

fn expt(_: &mut Interpreter, args: &[Value]) -> Answer {
    match (&args[0], &args[1]) {
        (Value::Int(a), Value::Int(n)) if *n >= 0 => {
            let power = u32::try_from(*n).ok().and_then(|n| a.checked_pow(n));
            // One and zero have every power.
            let large = || match (a, n % 2) {
                (0 | 1, _) => Some(*a),
                (-1, parity) => Some(if parity == 0 { 1 } else { -1 }),
                _ => None,
            };
            power.or_else(large).map(Value::Int).ok_or_else(overflow)
        }
        (a, b) => Ok(Value::Float(float(a)?.powf(float(b)?))),
    }
}

fn radix(args: &[Value]) -> Result<u32, Error> {
    match args.get(1) {
        None => Ok(10),
        Some(Value::Int(radix @ (2 | 8 | 10 | 16))) => Ok(*radix as u32),
        Some(other) => Err(wrong(other, "one of the radixes 2, 8, 10, 16")),
    }
}

fn number_to_string(_: &mut Interpreter, args: &[Value]) -> Answer {
    let radix = radix(args)?;
    float(&args[0])?;
    let Value::Int(n) = args[0] else { return Ok(Value::string(args[0].to_string())) };
    let sign = if n < 0 { "-" } else { "" };
    let size = n.unsigned_abs();
    Ok(Value::string(match radix {
        2 => format!("{sign}{size:b}"),
        8 => format!("{sign}{size:o}"),
        16 => format!("{sign}{size:x}"),
        _ => n.to_string(),
    }))
}

/// `#f` for a text that spells no number.
fn string_to_number(_: &mut Interpreter, args: &[Value]) -> Answer {
    let radix = radix(args)?;
    let number = parse_number(string(&args[0])?, radix);
    Ok(number.and_then(Result::ok).unwrap_or(Value::Bool(false)))
}
