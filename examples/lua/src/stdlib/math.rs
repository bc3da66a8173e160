//! `math`.

use super::module;
use crate::number::float_to_int_exact;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::arith;
use crate::vm::error::Result;
use crate::vm::function::{Args, NativeFn, Outcome};
use jitdriver::{jit, unroll_safe};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("abs", abs),
    ("acos", acos),
    ("asin", asin),
    ("atan", atan),
    ("ceil", ceil),
    ("cos", cos),
    ("deg", deg),
    ("exp", exp),
    ("floor", floor),
    ("fmod", fmod),
    ("log", log),
    ("max", max),
    ("min", min),
    ("modf", modf),
    ("rad", rad),
    ("random", random),
    ("randomseed", randomseed),
    ("sin", sin),
    ("sqrt", sqrt),
    ("tan", tan),
    ("tointeger", tointeger),
    ("type", type_of),
    ("ult", ult),
];

pub fn open(vm: &mut Vm<'_>) {
    let math = module(vm, "math", FUNCTIONS);
    vm.set_field(math, "pi", Value::float(std::f64::consts::PI));
    vm.set_field(math, "huge", Value::float(f64::INFINITY));
    vm.set_field(math, "maxinteger", Value::Int(i64::MAX));
    vm.set_field(math, "mininteger", Value::Int(i64::MIN));
}

/// An integer as it is, anything else as a float, also a string that spells an integer.
#[jit]
fn int_or_float(vm: &mut Vm<'_>, args: Args, n: usize) -> Result<Value> {
    match vm.arg(args, n) {
        it @ Value::Int(_) => Ok(it),
        _ => {
            let x = vm.check_float(args, n)?;
            Ok(Value::float(x))
        }
    }
}

#[jit]
fn abs(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = match int_or_float(vm, args, 1)? {
        Value::Int(it) => Value::Int(it.wrapping_abs()),
        Value::Float(it) => Value::float(it.get().abs()),
        other => other,
    };
    vm.ret_value(args, value)
}

/// A function of one float.
fn unary(vm: &mut Vm<'_>, args: Args, function: fn(f64) -> f64) -> Result<Outcome> {
    let x = vm.check_float(args, 1)?;
    vm.ret(args, function(x))
}

fn acos(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::acos)
}

fn asin(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::asin)
}

fn atan(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let y = vm.check_float(args, 1)?;
    let x = if vm.arg(args, 2).is_nil() { 1.0 } else { vm.check_float(args, 2)? };
    vm.ret(args, y.atan2(x))
}

fn cos(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::cos)
}

fn deg(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, |it| it * (180.0 / std::f64::consts::PI))
}

fn exp(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::exp)
}

fn rad(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, |it| it * (std::f64::consts::PI / 180.0))
}

fn sin(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::sin)
}

#[jit]
fn sqrt(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let x = vm.check_float(args, 1)?;
    vm.ret_value(args, Value::float(x.sqrt()))
}

fn tan(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    unary(vm, args, f64::tan)
}

/// A float as an integer, if it fits.
#[jit]
fn rounded(x: f64) -> Value {
    match float_to_int_exact(x) {
        Some(int) => Value::Int(int),
        None => Value::float(x),
    }
}

#[jit]
fn floor(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = match int_or_float(vm, args, 1)? {
        Value::Float(it) => rounded(it.get().floor()),
        other => other,
    };
    vm.ret_value(args, value)
}

#[jit]
fn ceil(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = match int_or_float(vm, args, 1)? {
        Value::Float(it) => rounded(it.get().ceil()),
        other => other,
    };
    vm.ret_value(args, value)
}

fn fmod(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = match (int_or_float(vm, args, 1)?, int_or_float(vm, args, 2)?) {
        (Value::Int(_), Value::Int(0)) => return Err(vm.arg_error(2, "zero")),
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_rem(b)),
        (a, b) => {
            let (a, b) = (arith::to_float(a), arith::to_float(b));
            Value::float(a.unwrap_or_default() % b.unwrap_or_default())
        }
    };
    vm.ret(args, value)
}

fn log(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let x = vm.check_float(args, 1)?;
    if vm.arg(args, 2).is_nil() {
        return vm.ret(args, x.ln());
    }
    let base = vm.check_float(args, 2)?;
    let value = match base {
        2.0 => x.log2(),
        10.0 => x.log10(),
        _ => x.ln() / base.ln(),
    };
    vm.ret(args, value)
}

#[jit]
#[unroll_safe]
fn max(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    vm.check_any(args, 1)?;
    let mut best = vm.check_number(args, 1)?;
    for n in 2..=args.count {
        let other = vm.check_number(args, n)?;
        if let Some(true) = arith::less(best, other) {
            best = other;
        }
    }
    vm.ret_value(args, best)
}

#[jit]
#[unroll_safe]
fn min(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    vm.check_any(args, 1)?;
    let mut best = vm.check_number(args, 1)?;
    for n in 2..=args.count {
        let other = vm.check_number(args, n)?;
        if let Some(true) = arith::less(other, best) {
            best = other;
        }
    }
    vm.ret_value(args, best)
}

fn modf(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    if let Value::Int(it) = vm.arg(args, 1) {
        return vm.ret_all(args, &[Value::Int(it), Value::float(0.0)]);
    }
    let x = vm.check_float(args, 1)?;
    let whole = x.trunc();
    let fraction = if x.is_infinite() { 0.0 } else { x - whole };
    vm.ret_all(args, &[rounded(whole), Value::float(fraction)])
}

fn random(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let bits = vm.random.next();
    let (low, high) = match args.count {
        0 => {
            let x = (bits >> 11) as f64 / (1u64 << 53) as f64;
            return vm.ret(args, x);
        }
        1 => match vm.check_int(args, 1)? {
            0 => return vm.ret(args, bits as i64),
            high => (1, high),
        },
        2 => (vm.check_int(args, 1)?, vm.check_int(args, 2)?),
        _ => return Err(vm.error("wrong number of arguments")),
    };
    if high < low {
        return Err(vm.arg_error(1, "interval is empty"));
    }
    let offset = vm.random.project(bits, (high as u64).wrapping_sub(low as u64));
    vm.ret(args, (low as u64).wrapping_add(offset) as i64)
}

fn randomseed(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let seed = if args.count == 0 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        [now.map_or(0, |it| it.as_nanos() as u64), std::process::id().into()]
    } else {
        let first = match vm.check_number(args, 1)? {
            Value::Int(it) => it as u64,
            Value::Float(it) => float_to_int_exact(it.get()).map_or(it.bits(), |it| it as u64),
            _ => 0,
        };
        [first, vm.opt_int(args, 2, 0)? as u64]
    };
    vm.random.seed(seed);
    vm.ret_all(args, &[Value::Int(seed[0] as i64), Value::Int(seed[1] as i64)])
}

fn tointeger(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = vm.check_any(args, 1)?;
    let int = match value {
        Value::Str(_) => crate::vm::meta::coerced(value).and_then(arith::to_int),
        _ => arith::to_int(value),
    };
    vm.ret(args, int.map_or(Value::Nil, Value::Int))
}

fn type_of(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    match vm.check_any(args, 1)? {
        Value::Int(_) => vm.ret_str(args, b"integer"),
        Value::Float(_) => vm.ret_str(args, b"float"),
        _ => vm.ret(args, Value::Nil),
    }
}

fn ult(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (a, b) = (vm.check_int(args, 1)?, vm.check_int(args, 2)?);
    vm.ret(args, (a as u64) < b as u64)
}
