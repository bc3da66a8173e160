//! `string.format`.

use crate::cformat;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, Outcome};

/// A conversion: `%-08.3f`.
#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

pub fn format(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let template = vm.check_str(args, 1)?;
    let template = template.as_bytes();
    let mut result = Vec::with_capacity(template.len() + 16);
    let (mut at, mut n) = (0, 1);
    while at < template.len() {
        if template[at] != b'%' {
            result.push(template[at]);
            at += 1;
            continue;
        }
        at += 1;
        if template.get(at) == Some(&b'%') {
            result.push(b'%');
            at += 1;
            continue;
        }
        n += 1;
        if args.count < n {
            return Err(vm.arg_error(n, "no value"));
        }
        let start = at;
        let is_modifier = |it: &u8| b"-+ #0123456789.".contains(it);
        at += template[at..].iter().take_while(|it| is_modifier(it)).count();
        let conversion = template.get(at).copied().unwrap_or(0);
        let text = &template[start..(at + 1).min(template.len())];
        let spec = read_spec(text);
        at += 1;
        match spec.filter(|it| is_allowed(conversion, it)) {
            Some(spec) => convert(vm, args, n, conversion, &spec, &mut result)?,
            None => return Err(invalid(vm, text, conversion)),
        }
    }
    vm.ret_str(args, &result)
}

fn invalid(vm: &mut Vm<'_>, text: &[u8], conversion: u8) -> Box<crate::vm::error::LuaError> {
    let text = String::from_utf8_lossy(text);
    match conversion {
        b'q' => vm.error("specifier '%q' cannot have modifiers"),
        it if b"diuxXoaAeEfFgGcsp".contains(&it) => {
            vm.error(&format!("invalid conversion specification: '%{text}'"))
        }
        _ => vm.error(&format!("invalid conversion '%{text}' to 'format'")),
    }
}

/// Flags, width and precision; none if a number has more than two digits.
fn read_spec(template: &[u8]) -> Option<Spec> {
    let mut spec = Spec::default();
    let at = &mut 0;
    while let Some(&byte) = template.get(*at) {
        match byte {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'#' => spec.alternate = true,
            b'0' => spec.zero = true,
            _ => break,
        }
        *at += 1;
    }
    spec.width = read_number(template, at)?.unwrap_or(0);
    if template.get(*at) == Some(&b'.') {
        *at += 1;
        spec.precision = Some(read_number(template, at)?.unwrap_or(0));
    }
    // Nothing but the conversion may be left.
    (template.len() == *at + 1).then_some(spec)
}

fn read_number(template: &[u8], at: &mut usize) -> Option<Option<usize>> {
    let digits = template[*at..].iter().take_while(|it| it.is_ascii_digit()).count();
    if digits > 2 {
        return None;
    }
    let text = std::str::from_utf8(&template[*at..*at + digits]).ok()?;
    *at += digits;
    Some(text.parse().ok())
}

/// Whether the flags go with the conversion.
fn is_allowed(conversion: u8, spec: &Spec) -> bool {
    let Spec { plus, space, alternate, zero, precision, .. } = *spec;
    match conversion {
        b'd' | b'i' => !alternate,
        b'u' => !alternate && !plus && !space,
        b'x' | b'X' | b'o' => !plus && !space,
        b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => true,
        b'c' => !plus && !space && !alternate && !zero && precision.is_none(),
        b's' => !plus && !space && !alternate && !zero,
        b'p' => !plus && !space && !alternate && !zero && precision.is_none(),
        b'q' => {
            spec.width == 0
                && !spec.left
                && !plus
                && !space
                && !alternate
                && !zero
                && precision.is_none()
        }
        _ => false,
    }
}

fn convert(
    vm: &mut Vm<'_>,
    args: Args,
    n: usize,
    conversion: u8,
    spec: &Spec,
    result: &mut Vec<u8>,
) -> Result<()> {
    match conversion {
        b'd' | b'i' => {
            let value = vm.check_int(args, n)?;
            let digits = with_precision(value.unsigned_abs().to_string(), spec);
            pad_number(sign(value < 0, spec), &digits, spec, spec.precision.is_none(), result);
        }
        b'u' => {
            let value = vm.check_int(args, n)? as u64;
            let digits = with_precision(value.to_string(), spec);
            pad_number("", &digits, spec, spec.precision.is_none(), result);
        }
        b'x' | b'X' | b'o' => {
            let value = vm.check_int(args, n)?;
            let (digits, prefix) = match conversion {
                b'x' => (format!("{value:x}"), "0x"),
                b'X' => (format!("{value:X}"), "0X"),
                _ => (format!("{value:o}"), "0"),
            };
            let digits = with_precision(digits, spec);
            let prefix = if spec.alternate && value != 0 { prefix } else { "" };
            pad_number(prefix, &digits, spec, spec.precision.is_none(), result);
        }
        b'c' => {
            let byte = vm.check_int(args, n)? as u8;
            pad(&[byte], spec, result);
        }
        b's' => {
            let value = vm.arg(args, n);
            let mut text = vm.tostring(value)?;
            if let Some(precision) = spec.precision {
                text.truncate(precision);
            }
            pad(&text, spec, result);
        }
        b'p' => {
            let value = vm.arg(args, n);
            let text = match value.address() {
                Some(address) => format!("0x{address:014x}"),
                None => "(null)".to_string(),
            };
            pad(text.as_bytes(), spec, result);
        }
        b'q' => quote(vm, args, n, result)?,
        _ => {
            let value = vm.check_float(args, n)?;
            let text = float_digits(value.abs(), conversion, spec);
            let is_finite = value.is_finite();
            let negative = value.is_sign_negative();
            let (prefix, digits) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
                Some(digits) => (&text[..2], digits),
                None => ("", &text[..]),
            };
            let prefix = format!("{}{prefix}", sign(negative, spec));
            pad_number(&prefix, digits, spec, is_finite, result);
        }
    }
    Ok(())
}

fn sign(negative: bool, spec: &Spec) -> &'static str {
    match () {
        () if negative => "-",
        () if spec.plus => "+",
        () if spec.space => " ",
        () => "",
    }
}

fn with_precision(digits: String, spec: &Spec) -> String {
    match spec.precision {
        Some(0) if digits == "0" => String::new(),
        Some(precision) => {
            format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())))
        }
        None => digits,
    }
}

fn float_digits(value: f64, conversion: u8, spec: &Spec) -> String {
    let precision = spec.precision.unwrap_or(6);
    let text = match conversion.to_ascii_lowercase() {
        b'e' => cformat::exponential(value, precision, spec.alternate),
        b'f' => cformat::fixed(value, precision, spec.alternate),
        b'g' => cformat::general(value, precision, spec.alternate),
        _ => cformat::hexadecimal(value, spec.precision),
    };
    if conversion.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

fn pad_number(prefix: &str, digits: &str, spec: &Spec, zeros: bool, result: &mut Vec<u8>) {
    let len = prefix.len() + digits.len();
    if spec.zero && !spec.left && zeros && len < spec.width {
        result.extend_from_slice(prefix.as_bytes());
        result.resize(result.len() + spec.width - len, b'0');
        result.extend_from_slice(digits.as_bytes());
        return;
    }
    pad(format!("{prefix}{digits}").as_bytes(), spec, result);
}

fn pad(text: &[u8], spec: &Spec, result: &mut Vec<u8>) {
    let n_blanks = spec.width.saturating_sub(text.len());
    if spec.left {
        result.extend_from_slice(text);
        result.resize(result.len() + n_blanks, b' ');
    } else {
        result.resize(result.len() + n_blanks, b' ');
        result.extend_from_slice(text);
    }
}

/// A value as the lexer reads it back.
fn quote(vm: &mut Vm<'_>, args: Args, n: usize, result: &mut Vec<u8>) -> Result<()> {
    match vm.arg(args, n) {
        Value::Str(text) => quote_text(text.as_bytes(), result),
        Value::Int(i64::MIN) => result.extend_from_slice(b"0x8000000000000000"),
        Value::Int(it) => result.extend_from_slice(it.to_string().as_bytes()),
        Value::Float(it) => {
            let text = match it.get() {
                f64::INFINITY => "1e9999".to_string(),
                f64::NEG_INFINITY => "-1e9999".to_string(),
                it if it.is_nan() => "(0/0)".to_string(),
                it => cformat::hexadecimal(it, None),
            };
            result.extend_from_slice(text.as_bytes());
        }
        Value::Nil => result.extend_from_slice(b"nil"),
        Value::False => result.extend_from_slice(b"false"),
        Value::True => result.extend_from_slice(b"true"),
        _ => return Err(vm.arg_error(n, "value has no literal form")),
    }
    Ok(())
}

fn quote_text(text: &[u8], result: &mut Vec<u8>) {
    result.push(b'"');
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'"' | b'\\' | b'\n' => result.extend_from_slice(&[b'\\', byte]),
            0..=31 | 127 => {
                let next_is_digit = text.get(at + 1).is_some_and(u8::is_ascii_digit);
                let escape =
                    if next_is_digit { format!("\\{byte:03}") } else { format!("\\{byte}") };
                result.extend_from_slice(escape.as_bytes());
            }
            _ => result.push(byte),
        }
    }
    result.push(b'"');
}
