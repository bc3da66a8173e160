//! Numbers as C's `printf` writes them, without flags and padding.

/// `%.{precision}f`.
pub fn fixed(x: f64, precision: usize, alternate: bool) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let mut text = format!("{x:.precision$}");
    if alternate && precision == 0 {
        text.push('.');
    }
    text
}

/// `%.{precision}e`.
pub fn exponential(x: f64, precision: usize, alternate: bool) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let (mantissa, exponent) = decimal(x, precision);
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{mantissa}{point}{}", c_exponent(exponent))
}

/// `%.{precision}g`.
pub fn general(x: f64, precision: usize, alternate: bool) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let precision = precision.max(1);
    let (mantissa, exponent) = decimal(x, precision - 1);
    let is_fixed = -4 <= exponent && exponent < precision as i32;
    let (text, tail) = if is_fixed {
        let n_decimals = (precision as i32 - 1 - exponent) as usize;
        (format!("{x:.n_decimals$}"), String::new())
    } else {
        (mantissa, c_exponent(exponent))
    };
    let digits = if alternate || !text.contains('.') {
        text.as_str()
    } else {
        text.trim_end_matches('0').trim_end_matches('.')
    };
    format!("{digits}{tail}")
}

/// Rust's `{:e}` taken apart: `1.25e-7` is `("1.25", -7)`.
fn decimal(x: f64, precision: usize) -> (String, i32) {
    let text = format!("{x:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').expect("`{:e}` writes an exponent");
    (mantissa.to_string(), exponent.parse().expect("an integer"))
}

/// At least two digits, always a sign.
fn c_exponent(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", exponent.abs())
}

fn special(x: f64) -> String {
    let text = if x.is_nan() { "nan" } else { "inf" };
    if x.is_sign_negative() { format!("-{text}") } else { text.to_string() }
}

/// `%a`, or `%.{precision}a`.
pub fn hexadecimal(x: f64, precision: Option<usize>) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let bits = x.to_bits();
    let sign = if x.is_sign_negative() { "-" } else { "" };
    let biased = (bits >> 52 & 0x7ff) as i32;
    let mut fraction = bits & ((1 << 52) - 1);
    let (mut first, exponent) = match biased {
        0 if fraction == 0 => (0, 0),
        0 => (0, -1022),
        _ => (1, biased - 1023),
    };
    let mut n_digits = 13;
    match precision {
        None => {
            while n_digits > 0 && fraction & 0xf == 0 {
                fraction >>= 4;
                n_digits -= 1;
            }
        }
        Some(precision) if precision < 13 => {
            let dropped = 4 * (13 - precision);
            (first, fraction) = round_bits(first << 52 | fraction, dropped);
            n_digits = precision;
        }
        Some(_) => {}
    }
    let mut digits = if n_digits > 0 { format!("{fraction:0n_digits$x}") } else { String::new() };
    while precision.is_some_and(|it| digits.len() < it) {
        digits.push('0');
    }
    let point = if digits.is_empty() { "" } else { "." };
    format!("{sign}0x{first}{point}{digits}p{exponent:+}")
}

/// Drops bits, rounding half to even; the digit before the point and the ones behind it.
fn round_bits(bits: u64, dropped: usize) -> (u64, u64) {
    let kept = bits >> dropped;
    let rest = bits & ((1 << dropped) - 1);
    let half = 1 << (dropped - 1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    let rounded = kept + u64::from(up);
    let n_fraction = 52 - dropped;
    (rounded >> n_fraction, rounded & ((1 << n_fraction) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_c_does() {
        assert_eq!(general(0.0001, 14, false), "0.0001");
        assert_eq!(general(0.00001, 14, false), "1e-05");
        assert_eq!(general(100000.0, 3, false), "1e+05");
        assert_eq!(general(1.0, 6, true), "1.00000");
        assert_eq!(general(9.9999e9, 3, false), "1e+10");
        assert_eq!(exponential(12345.678, 2, false), "1.23e+04");
        assert_eq!(fixed(2.5, 0, false), "2");
        assert_eq!(hexadecimal(1.0, None), "0x1p+0");
        assert_eq!(hexadecimal(0.5, Some(2)), "0x1.00p-1");
        assert_eq!(hexadecimal(-3.15, None), "-0x1.9333333333333p+1");
    }
}
