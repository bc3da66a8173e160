//! `string`, but for patterns' insides, `format` and `pack`, which have files of their own.

use super::pattern::{Capture, Matcher, find_plain, is_plain};
use super::{format, module, pack};
use crate::string::Str;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::event::Event;
use crate::vm::function::{Args, NativeFn, Outcome};
use crate::vm::meta::{MAX_STRING, coerced, push_text};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("byte", byte),
    ("char", char),
    ("dump", dump),
    ("find", find),
    ("format", format::format),
    ("gmatch", gmatch),
    ("gsub", gsub),
    ("len", len),
    ("lower", lower),
    ("match", match_pattern),
    ("pack", pack::pack),
    ("packsize", pack::packsize),
    ("rep", rep),
    ("reverse", reverse),
    ("sub", sub),
    ("unpack", pack::unpack),
    ("upper", upper),
];

const METAMETHODS: &[(&str, NativeFn)] = &[
    ("__add", |vm, args| arithmetic(vm, args, Event::Add)),
    ("__sub", |vm, args| arithmetic(vm, args, Event::Sub)),
    ("__mul", |vm, args| arithmetic(vm, args, Event::Mul)),
    ("__div", |vm, args| arithmetic(vm, args, Event::Div)),
    ("__mod", |vm, args| arithmetic(vm, args, Event::Mod)),
    ("__pow", |vm, args| arithmetic(vm, args, Event::Pow)),
    ("__idiv", |vm, args| arithmetic(vm, args, Event::IntDiv)),
    ("__unm", |vm, args| arithmetic(vm, args, Event::Neg)),
];

pub fn open(vm: &mut Vm<'_>) {
    let string = module(vm, "string", FUNCTIONS);
    let metatable = vm.heap.new_table(0, 0);
    vm.set_field(metatable, "__index", Value::Table(string));
    super::add_functions(vm, metatable, METAMETHODS);
    vm.string_metatable = Some(metatable);
}

/// Arithmetic on strings: they are numbers, or the other operand has a handler.
fn arithmetic(vm: &mut Vm<'_>, args: Args, event: Event) -> Result<Outcome> {
    let (x, y) = (vm.arg(args, 1), vm.arg(args, 2));
    if let (Some(a), Some(b)) = (coerced(x), coerced(y)) {
        let value = vm.arithmetic(event, a, b)?;
        return vm.ret(args, value);
    }
    let handler = vm.metamethod(y, event);
    if matches!(y, Value::Str(_)) || handler.is_nil() {
        let (a, b, verb) = (x.type_name(), y.type_name(), event.short_name());
        return Err(vm.error(&format!("attempt to {verb} a '{a}' with a '{b}'")));
    }
    let value = vm.call_for_one(handler, &[x, y])?;
    vm.ret(args, value)
}

/// A position that counts from the end if it is negative; 0 is before the start.
pub fn start_position(at: i64, len: usize) -> usize {
    if at > 0 {
        at as usize
    } else if at == 0 || at < -(len as i64) {
        1
    } else {
        (len as i64 + at + 1) as usize
    }
}

fn end_position(at: i64, len: usize) -> usize {
    if at > len as i64 {
        len
    } else if at >= 0 {
        at as usize
    } else if at < -(len as i64) {
        0
    } else {
        (len as i64 + at + 1) as usize
    }
}

fn len(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let len = vm.check_str(args, 1)?.len();
    vm.ret(args, len as i64)
}

fn sub(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let start = vm.check_int(args, 2)?;
    let end = vm.opt_int(args, 3, -1)?;
    let (start, end) = (start_position(start, text.len()), end_position(end, text.len()));
    let part = if start <= end { &text.as_bytes()[start - 1..end] } else { &[] };
    vm.ret_str(args, part)
}

fn byte(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let start = vm.opt_int(args, 2, 1)?;
    let first = start_position(start, text.len());
    let last = if vm.arg(args, 3).is_nil() && args.count < 3 {
        // One byte, unless the position is no position.
        if start > 0 || -(text.len() as i64) <= start && start != 0 {
            first.min(text.len())
        } else {
            0
        }
    } else {
        let end = vm.opt_int(args, 3, first as i64)?;
        end_position(end, text.len())
    };
    if first > last {
        return Ok(Outcome::Return(0));
    }
    let n = last + 1 - first;
    vm.ensure_stack(args.base + n + 1)?;
    for (at, &byte) in text.as_bytes()[first - 1..last].iter().enumerate() {
        vm.stack[args.func() + at] = Value::Int(i64::from(byte));
    }
    Ok(Outcome::Return(n))
}

fn char(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let mut bytes = Vec::with_capacity(args.count);
    for n in 1..=args.count {
        match u8::try_from(vm.check_int(args, n)?) {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Err(vm.arg_error(n, "value out of range")),
        }
    }
    vm.ret_str(args, &bytes)
}

fn dump(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    vm.check_function(args, 1)?;
    Err(vm.error("unable to dump given function"))
}

fn lower(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?.as_bytes().to_ascii_lowercase();
    vm.ret_str(args, &text)
}

fn upper(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?.as_bytes().to_ascii_uppercase();
    vm.ret_str(args, &text)
}

fn reverse(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let mut text = vm.check_str(args, 1)?.as_bytes().to_vec();
    text.reverse();
    vm.ret_str(args, &text)
}

fn rep(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let text = vm.check_str(args, 1)?;
    let n = vm.check_int(args, 2)?;
    let separator = vm.opt_str(args, 3)?;
    let Some(n) = usize::try_from(n).ok().filter(|it| *it > 0) else {
        return vm.ret_str(args, b"");
    };
    let separator: Vec<u8> = separator.map_or_else(Vec::new, |it| it.as_bytes().to_vec());
    let total = (text.len() + separator.len()).checked_mul(n);
    let Some(total) = total.filter(|it| *it < MAX_STRING) else {
        return Err(vm.error("resulting string too large"));
    };
    if vm.heap.is_exhausted(total) {
        return Err(vm.memory_error());
    }
    let mut result = Vec::with_capacity(total);
    for at in 0..n {
        if at > 0 {
            result.extend_from_slice(&separator);
        }
        result.extend_from_slice(text.as_bytes());
    }
    vm.ret_str(args, &result)
}

fn find(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    find_or_match(vm, args, true)
}

fn match_pattern(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    find_or_match(vm, args, false)
}

fn find_or_match(vm: &mut Vm<'_>, args: Args, is_find: bool) -> Result<Outcome> {
    let (text, pattern) = (vm.check_str(args, 1)?, vm.check_str(args, 2)?);
    let init = vm.opt_int(args, 3, 1)?;
    let start = start_position(init, text.len()) - 1;
    if start > text.len() {
        return vm.ret(args, Value::Nil);
    }
    let (subject, pattern_bytes) = (text.as_bytes(), pattern.as_bytes());
    if is_find && (vm.arg(args, 4).is_truthy() || is_plain(pattern_bytes)) {
        return match find_plain(&subject[start..], pattern_bytes) {
            Some(at) => {
                let first = (start + at + 1) as i64;
                let last = first + pattern.len() as i64 - 1;
                vm.ret_all(args, &[Value::Int(first), Value::Int(last)])
            }
            None => vm.ret(args, Value::Nil),
        };
    }
    let (is_anchored, body) = match pattern_bytes {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern_bytes),
    };
    let mut matcher = Matcher::new(subject, body);
    let mut at = start;
    loop {
        match matcher.match_at(at) {
            Err(message) => return Err(vm.error(message)),
            Ok(Some(end)) => {
                let mut values = Vec::new();
                if is_find {
                    values.push(Value::Int(at as i64 + 1));
                    values.push(Value::Int(end as i64));
                }
                let whole = (!is_find).then_some((at, end));
                push_captures(vm, &matcher, text, whole, &mut values)?;
                return vm.ret_all(args, &values);
            }
            Ok(None) => {}
        }
        at += 1;
        if is_anchored || at > subject.len() {
            return vm.ret(args, Value::Nil);
        }
    }
}

/// The value of a capture.
fn capture_value(vm: &mut Vm<'_>, capture: Capture, text: Str) -> Result<Value> {
    match capture {
        Capture::Text(start, len) => Ok(vm.str(&text.as_bytes()[start..start + len])),
        Capture::Position(at) => Ok(Value::Int(at as i64 + 1)),
        Capture::Open(_) => Err(vm.error("unfinished capture")),
    }
}

/// The captures of a match, or the whole match if there are none.
fn push_captures(
    vm: &mut Vm<'_>,
    matcher: &Matcher<'_>,
    text: Str,
    whole: Option<(usize, usize)>,
    values: &mut Vec<Value>,
) -> Result<()> {
    if let (Some((start, end)), []) = (whole, matcher.captures()) {
        values.push(vm.str(&text.as_bytes()[start..end]));
    }
    for &capture in matcher.captures() {
        values.push(capture_value(vm, capture, text)?);
    }
    Ok(())
}

fn gmatch(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (text, pattern) = (vm.check_str(args, 1)?, vm.check_str(args, 2)?);
    let init = vm.opt_int(args, 3, 1)?;
    let start = (start_position(init, text.len()) - 1).min(text.len() + 1);
    let state = vec![
        Value::Str(text),
        Value::Str(pattern),
        Value::Int(start as i64),
        // Where the last match ended; an empty match must not be found there again.
        Value::Int(-1),
    ];
    let iterator = vm.native_function(gmatch_next, state);
    vm.ret(args, iterator)
}

fn gmatch_next(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Value::Native(native) = vm.stack[args.func()] else {
        unreachable!("the slot of the function has the function")
    };
    let (Value::Str(text), Value::Str(pattern), Value::Int(start), Value::Int(last)) = ({
        let it = &vm.heap[native].upvalues;
        (it[0], it[1], it[2], it[3])
    }) else {
        unreachable!("`gmatch` has set them")
    };
    let mut matcher = Matcher::new(text.as_bytes(), pattern.as_bytes());
    for at in start as usize..=text.len() {
        match matcher.match_at(at) {
            Err(message) => return Err(vm.error(message)),
            Ok(Some(end)) if end as i64 != last => {
                vm.heap[native].upvalues[2] = Value::Int(end as i64);
                vm.heap[native].upvalues[3] = Value::Int(end as i64);
                let mut values = Vec::new();
                push_captures(vm, &matcher, text, Some((at, end)), &mut values)?;
                return vm.ret_all(args, &values);
            }
            Ok(_) => {}
        }
    }
    vm.ret(args, Value::Nil)
}

fn gsub(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (text, pattern) = (vm.check_str(args, 1)?, vm.check_str(args, 2)?);
    let replacement = vm.arg(args, 3);
    let is_good =
        matches!(replacement, Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Table(_))
            || replacement.is_function();
    if !is_good {
        return Err(vm.arg_type_error(args, 3, "string/function/table"));
    }
    if replacement.is_number() {
        vm.check_str(args, 3)?;
    }
    let max = vm.opt_int(args, 4, text.len() as i64 + 1)?;
    let (is_anchored, body) = match pattern.as_bytes() {
        [b'^', rest @ ..] => (true, rest),
        body => (false, body),
    };
    let subject = text.as_bytes();
    let mut matcher = Matcher::new(subject, body);
    let mut result = Vec::with_capacity(subject.len());
    let (mut at, mut n, mut last) = (0, 0, None);
    while n < max {
        let found = match matcher.match_at(at) {
            Ok(found) => found,
            Err(message) => return Err(vm.error(message)),
        };
        match found {
            Some(end) if Some(end) != last => {
                n += 1;
                add_replacement(vm, args, &matcher, text, (at, end), &mut result)?;
                (at, last) = (end, Some(end));
            }
            _ if at < subject.len() => {
                result.push(subject[at]);
                at += 1;
            }
            _ => break,
        }
        if is_anchored {
            break;
        }
    }
    if n == 0 {
        return vm.ret_all(args, &[Value::Str(text), Value::Int(0)]);
    }
    if at < subject.len() {
        result.extend_from_slice(&subject[at..]);
    }
    let result = vm.str(&result);
    vm.ret_all(args, &[result, Value::Int(n)])
}

fn add_replacement(
    vm: &mut Vm<'_>,
    args: Args,
    matcher: &Matcher<'_>,
    text: Str,
    (start, end): (usize, usize),
    result: &mut Vec<u8>,
) -> Result<()> {
    let value = match vm.arg(args, 3) {
        Value::Str(template) => {
            return expand(vm, matcher, text, (start, end), template, result);
        }
        Value::Table(table) => {
            let mut values = Vec::new();
            push_captures(vm, matcher, text, Some((start, end)), &mut values)?;
            vm.get_index(Value::Table(table), values[0])?
        }
        function => {
            let mut values = Vec::new();
            push_captures(vm, matcher, text, Some((start, end)), &mut values)?;
            vm.call_for_one(function, &values)?
        }
    };
    match value {
        Value::Nil | Value::False => result.extend_from_slice(&text.as_bytes()[start..end]),
        Value::Str(_) | Value::Int(_) | Value::Float(_) => push_text(value, result),
        _ => {
            let kind = vm.type_name(value);
            return Err(vm.error(&format!("invalid replacement value (a {kind})")));
        }
    }
    Ok(())
}

/// A replacement string with its `%1`.
fn expand(
    vm: &mut Vm<'_>,
    matcher: &Matcher<'_>,
    text: Str,
    (start, end): (usize, usize),
    template: Str,
    result: &mut Vec<u8>,
) -> Result<()> {
    let mut bytes = template.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            result.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'%') => result.push(b'%'),
            Some(b'0') => result.extend_from_slice(&text.as_bytes()[start..end]),
            Some(&digit @ b'1'..=b'9') => {
                let at = usize::from(digit - b'1');
                match matcher.captures().get(at) {
                    Some(&capture) => {
                        let value = capture_value(vm, capture, text)?;
                        push_text(value, result);
                    }
                    None if at == 0 => result.extend_from_slice(&text.as_bytes()[start..end]),
                    None => {
                        let n = at + 1;
                        let message = format!("invalid capture index %{n}");
                        return Err(vm.error(&message));
                    }
                }
            }
            _ => return Err(vm.error("invalid use of '%' in replacement string")),
        }
    }
    Ok(())
}
