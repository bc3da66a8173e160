//! `utf8`.

use super::module;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, NativeFn, Outcome};

const FUNCTIONS: &[(&str, NativeFn)] =
    &[("char", char), ("codepoint", codepoint), ("codes", codes), ("len", len), ("offset", offset)];

pub fn open(vm: &mut Vm<'_>) {
    let utf8 = module(vm, "utf8", FUNCTIONS);
    let pattern = vm.str(b"[\0-\x7F\xC2-\xFD][\x80-\xBF]*");
    vm.set_field(utf8, "charpattern", pattern);
}

/// Appends a code of up to 31 bits in the original UTF-8.
pub fn encode_utf8(code: u32, text: &mut Vec<u8>) {
    if code < 0x80 {
        return text.push(code as u8);
    }
    let n_more = match code {
        0..0x800 => 1,
        0x800..0x1_0000 => 2,
        0x1_0000..0x20_0000 => 3,
        0x20_0000..0x400_0000 => 4,
        _ => 5,
    };
    let mark = 0xFFu8 << (7 - n_more);
    text.push(mark | (code >> (6 * n_more)) as u8);
    for at in (0..n_more).rev() {
        text.push(0x80 | (code >> (6 * at) & 0x3F) as u8);
    }
}

/// The code at the start of a text and its length; a strict one is in Unicode.
fn decode(text: &[u8], strict: bool) -> Option<(u32, usize)> {
    let &first = text.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let n_more = (first.leading_ones() as usize).checked_sub(1)?;
    if !(1..=5).contains(&n_more) {
        return None;
    }
    let mut code = u32::from(first) & (0x3F >> n_more);
    for at in 1..=n_more {
        let &byte = text.get(at)?;
        if byte & 0xC0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3F);
    }
    const LEAST: [u32; 6] = [0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];
    let is_surrogate = (0xD800..=0xDFFF).contains(&code);
    if code < LEAST[n_more] || (strict && (code > 0x10_FFFF || is_surrogate)) {
        return None;
    }
    Some((code, n_more + 1))
}

fn is_continuation(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|it| it & 0xC0 == 0x80)
}

fn char(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let mut text = Vec::new();
    for n in 1..=args.count {
        match u32::try_from(vm.check_int(args, n)?) {
            Ok(code @ 0..=0x7FFF_FFFF) => encode_utf8(code, &mut text),
            _ => return Err(vm.arg_error(n, "value out of range")),
        }
    }
    vm.ret_str(args, &text)
}

/// A position that counts from the end if it is negative, 0 if it is before the start.
fn position(at: i64, len: usize) -> i64 {
    if at >= 0 {
        at
    } else if at < -(len as i64) {
        0
    } else {
        len as i64 + at + 1
    }
}

fn codepoint(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let first = vm.opt_int(args, 2, 1)?;
    let first = position(first, text.len());
    let last = vm.opt_int(args, 3, first)?;
    let last = position(last, text.len());
    let strict = !vm.arg(args, 4).is_truthy();
    if first < 1 {
        return Err(vm.arg_error(2, "out of bounds"));
    }
    if last > text.len() as i64 {
        return Err(vm.arg_error(3, "out of bounds"));
    }
    let mut values = Vec::new();
    let mut at = first as usize - 1;
    while (at as i64) < last {
        match decode(&text.as_bytes()[at..], strict) {
            Some((code, len)) => {
                values.push(Value::Int(i64::from(code)));
                at += len;
            }
            None => return Err(vm.error("invalid UTF-8 code")),
        }
    }
    vm.ret_all(args, &values)
}

fn codes(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let lax = vm.arg(args, 2).is_truthy();
    if is_continuation(text.as_bytes(), 0) {
        return Err(vm.arg_error(1, "invalid UTF-8 code"));
    }
    let iterator = vm.native_function(next_code, vec![Value::from(lax)]);
    vm.ret_all(args, &[iterator, Value::Str(text), Value::Int(0)])
}

fn next_code(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Value::Native(native) = vm.stack[args.func()] else {
        unreachable!("the slot of the function has the function")
    };
    let strict = !vm.heap[native].upvalues[0].is_truthy();
    let text = vm.check_str(args, 1)?;
    let bytes = text.as_bytes();
    let mut at = vm.check_int(args, 2)? as usize;
    // Behind the code that was given last.
    while is_continuation(bytes, at) {
        at += 1;
    }
    if at >= bytes.len() {
        return Ok(Outcome::Return(0));
    }
    match decode(&bytes[at..], strict) {
        Some((code, len)) if !is_continuation(bytes, at + len) => {
            vm.ret_all(args, &[Value::Int(at as i64 + 1), Value::Int(i64::from(code))])
        }
        _ => Err(vm.error("invalid UTF-8 code")),
    }
}

fn len(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let first = vm.opt_int(args, 2, 1)?;
    let first = position(first, text.len());
    let last = vm.opt_int(args, 3, -1)?;
    let last = position(last, text.len());
    let strict = !vm.arg(args, 4).is_truthy();
    if first < 1 || first - 1 > text.len() as i64 {
        return Err(vm.arg_error(2, "initial position out of bounds"));
    }
    if last > text.len() as i64 {
        return Err(vm.arg_error(3, "final position out of bounds"));
    }
    let (mut at, mut n) = (first as usize - 1, 0i64);
    while (at as i64) < last {
        match decode(&text.as_bytes()[at..], strict) {
            Some((_, len)) => {
                at += len;
                n += 1;
            }
            None => return vm.ret_all(args, &[Value::Nil, Value::Int(at as i64 + 1)]),
        }
    }
    vm.ret(args, n)
}

fn offset(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let bytes = text.as_bytes();
    let n = vm.check_int(args, 2)?;
    let default = if n > 0 { 1 } else { bytes.len() as i64 + 1 };
    let start = vm.opt_int(args, 3, default)?;
    let start = position(start, bytes.len());
    if start < 1 || start - 1 > bytes.len() as i64 {
        return Err(vm.arg_error(3, "position out of bounds"));
    }
    let mut at = start as usize - 1;
    let mut n = n;
    if n == 0 {
        while at > 0 && is_continuation(bytes, at) {
            at -= 1;
        }
        return vm.ret(args, at as i64 + 1);
    }
    if is_continuation(bytes, at) {
        return Err(vm.error("initial position is a continuation byte"));
    }
    if n < 0 {
        while n < 0 && at > 0 {
            at -= 1;
            while at > 0 && is_continuation(bytes, at) {
                at -= 1;
            }
            n += 1;
        }
    } else {
        n -= 1;
        while n > 0 && at < bytes.len() {
            at += 1;
            while is_continuation(bytes, at) {
                at += 1;
            }
            n -= 1;
        }
    }
    if n == 0 { vm.ret(args, at as i64 + 1) } else { vm.ret(args, Value::Nil) }
}
