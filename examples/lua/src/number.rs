//! Numbers: integers and floats, the conversions between them, and text.

use crate::cformat;
use jitdriver::jit;

/// The integer with exactly this value.
#[jit]
#[inline]
pub fn float_to_int_exact(x: f64) -> Option<i64> {
    let int = x as i64;
    // 2^63 is a float, but becomes i64::MAX, which is the same float.
    if int as f64 == x && x < 9_223_372_036_854_775_808.0 { Some(int) } else { None }
}

/// Whether both are the same number.
#[jit]
#[inline]
pub fn int_equals_float(a: i64, b: f64) -> bool {
    match float_to_int_exact(b) {
        Some(it) => it == a,
        None => false,
    }
}

/// `a < b` in the reals.
#[jit]
pub fn int_less_float(a: i64, b: f64) -> bool {
    if b.is_nan() {
        false
    } else if b >= 9_223_372_036_854_775_808.0 {
        true
    } else if b < -9_223_372_036_854_775_808.0 {
        false
    } else {
        // Integers below b are those below its ceiling.
        let ceil = b.ceil();
        if ceil >= 9_223_372_036_854_775_808.0 { true } else { a < ceil as i64 }
    }
}

/// `a <= b` in the reals.
#[jit]
pub fn int_less_equal_float(a: i64, b: f64) -> bool {
    if b.is_nan() {
        false
    } else if b >= 9_223_372_036_854_775_808.0 {
        true
    } else if b < -9_223_372_036_854_775_808.0 {
        false
    } else {
        a <= b.floor() as i64
    }
}

/// `a < b` in the reals.
#[jit]
pub fn float_less_int(a: f64, b: i64) -> bool {
    !a.is_nan() && !int_less_equal_float(b, a)
}

/// `a <= b` in the reals.
#[jit]
pub fn float_less_equal_int(a: f64, b: i64) -> bool {
    !a.is_nan() && !int_less_float(b, a)
}

/// `a // b` rounded down; `b` is not 0.
#[jit]
#[inline]
pub fn int_floor_div(a: i64, b: i64) -> i64 {
    let quotient = a.wrapping_div(b);
    if (a ^ b) < 0 && quotient.wrapping_mul(b) != a { quotient - 1 } else { quotient }
}

/// `a % b` with the sign of `b`, which is not 0.
#[jit]
#[inline]
pub fn int_floor_mod(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest ^ b) < 0 { rest + b } else { rest }
}

/// `a % b` with the sign of `b`.
#[jit]
#[inline]
pub fn float_floor_mod(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

/// `a ^ b`.
#[inline]
pub fn pow(a: f64, b: f64) -> f64 {
    if b == 2.0 { a * a } else { a.powf(b) }
}

/// `a << b`; a negative `b` shifts right, and shifts by 64 or more leave nothing.
#[jit]
#[inline]
pub fn shift_left(a: i64, b: i64) -> i64 {
    if b <= -64 || 64 <= b {
        0
    } else if b >= 0 {
        ((a as u64) << b) as i64
    } else {
        ((a as u64) >> -b) as i64
    }
}

/// A float as `tostring` shows it.
pub fn float_to_text(x: f64) -> String {
    let mut text = cformat::general(x, 14, false);
    let looks_like_int = text.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    if looks_like_int {
        text.push_str(".0");
    }
    text
}

/// A numeral with its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    Float(f64),
}

/// The number that a string spells, with white space around it; what `tonumber` does.
pub fn parse(text: &[u8]) -> Option<Number> {
    let text = trim(text);
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let number = match digits {
        [b'0', b'x' | b'X', hex @ ..] => parse_hex(hex)?,
        // The smallest integer has no positive counterpart.
        b"9223372036854775808" if negative => Number::Int(i64::MIN),
        _ => parse_decimal(digits)?,
    };
    Some(match number {
        Number::Int(it) if negative => Number::Int(it.wrapping_neg()),
        Number::Float(it) if negative => Number::Float(-it),
        other => other,
    })
}

/// Without white space at both ends, as C's `isspace` sees it.
pub fn trim(text: &[u8]) -> &[u8] {
    let is_space = |it: &u8| matches!(it, b' ' | b'\t'..=b'\r');
    let Some(start) = text.iter().position(|it| !is_space(it)) else { return &[] };
    let end = text.iter().rposition(|it| !is_space(it)).map_or(start, |it| it + 1);
    &text[start..end]
}

fn parse_decimal(text: &[u8]) -> Option<Number> {
    let n_digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    if n_digits == text.len() && n_digits > 0 {
        let text = std::str::from_utf8(text).ok()?;
        return match text.parse::<i64>() {
            Ok(it) => Some(Number::Int(it)),
            Err(_) => text.parse().ok().map(Number::Float),
        };
    }
    // Rust's parser also takes "inf", "nan" and the like, which start with a letter.
    let is_numeral =
        text.iter().all(|it| matches!(it, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let starts_well = matches!(text.first(), Some(b'0'..=b'9' | b'.'));
    if !is_numeral || !starts_well || text == b"." {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().map(Number::Float)
}

/// What follows `0x`.
fn parse_hex(text: &[u8]) -> Option<Number> {
    let mut mantissa = HexMantissa::default();
    let mut at = 0;
    let mut seen_point = false;
    while let Some(&byte) = text.get(at) {
        match (byte as char).to_digit(16) {
            Some(digit) => mantissa.push(digit as u8, seen_point),
            None if byte == b'.' && !seen_point => seen_point = true,
            None => break,
        }
        at += 1;
    }
    if mantissa.n_digits == 0 {
        return None;
    }
    let rest = &text[at..];
    if rest.is_empty() && !seen_point {
        return Some(Number::Int(mantissa.wrapped));
    }
    let exponent = match rest {
        [] => 0,
        [b'p' | b'P', exponent @ ..] => parse_exponent(exponent)?,
        _ => return None,
    };
    Some(Number::Float(mantissa.scaled(exponent)))
}

#[derive(Default)]
struct HexMantissa {
    n_digits: usize,
    /// All digits modulo 2^64.
    wrapped: i64,
    value: f64,
    n_significant: usize,
    exponent: i64,
}

impl HexMantissa {
    fn push(&mut self, digit: u8, behind_point: bool) {
        self.n_digits += 1;
        self.wrapped = self.wrapped.wrapping_mul(16).wrapping_add(i64::from(digit));
        if self.n_significant > 0 || digit != 0 {
            self.n_significant += 1;
        }
        // The reference implementation reads 30 digits and lets the others only scale.
        if self.n_significant <= 30 {
            self.value = self.value * 16.0 + f64::from(digit);
            self.exponent -= if behind_point { 4 } else { 0 };
        } else {
            self.exponent += if behind_point { 0 } else { 4 };
        }
    }

    fn scaled(&self, exponent: i64) -> f64 {
        let exponent = self.exponent.saturating_add(exponent).clamp(-4000, 4000) as i32;
        // In two steps, so that the power itself does not overflow.
        let half = exponent / 2;
        self.value * 2f64.powi(half) * 2f64.powi(exponent - half)
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse().unwrap_or(i64::MAX / 2);
    Some(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals() {
        assert_eq!(parse(b" 10 "), Some(Number::Int(10)));
        assert_eq!(parse(b"-0x10"), Some(Number::Int(-16)));
        assert_eq!(parse(b"0x.8p1"), Some(Number::Float(1.0)));
        assert_eq!(parse(b"9223372036854775808"), Some(Number::Float(9.223372036854776e18)));
        assert_eq!(parse(b"0xffffffffffffffff"), Some(Number::Int(-1)));
        assert_eq!(parse(b"-9223372036854775808"), Some(Number::Int(i64::MIN)));
        assert_eq!(parse(b".5e1"), Some(Number::Float(5.0)));
        for wrong in ["", "x", "1e", "inf", "nan", "0x", "1 2", ".", "1e+", "--1"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn floats_as_text() {
        for (x, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1e+15"),
            (1e14, "1e+14"),
            (123456.75, "123456.75"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "inf"),
            (2.0 / 3.0, "0.66666666666667"),
        ] {
            assert_eq!(float_to_text(x), text);
        }
    }

    #[test]
    fn floor_division_and_modulo() {
        assert_eq!((int_floor_div(-7, 2), int_floor_mod(-7, 2)), (-4, 1));
        assert_eq!((int_floor_div(i64::MIN, -1), int_floor_mod(i64::MIN, -1)), (i64::MIN, 0));
        assert_eq!(float_floor_mod(-5.5, 2.0), 0.5);
        assert_eq!(float_floor_mod(5.0, f64::NEG_INFINITY), f64::NEG_INFINITY);
    }

    #[test]
    fn integers_and_floats_compare_as_reals() {
        assert!(int_less_float(i64::MAX, 9.3e18));
        assert!(!int_less_float(i64::MAX, 9.2e18));
        assert!(int_less_equal_float(1, 1.0) && !int_less_float(1, 1.0));
        assert!(!int_less_float(0, f64::NAN) && !float_less_int(f64::NAN, 0));
    }
}
