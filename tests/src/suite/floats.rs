//! Floating-point operations in both sizes, with NaNs, infinities and zeros of both signs.
//!
//! A NaN result may have any bits (as in Rust), so it is compared as a NaN; negation, absolute value
//! and what only moves a value keep the bits.

use crate::bench::{Bench, Make, ToWord};
use crate::words;
use std::fmt::Write;

type Binary = (&'static str, fn(u64, u64) -> u64);
type Unary = (&'static str, fn(u64) -> u64);
type Compare = (&'static str, fn(u64, u64) -> bool);

struct Size {
    ty: &'static str,
    binary: &'static [Binary],
    unary: &'static [Unary],
    compare: &'static [Compare],
    samples: fn() -> Vec<u64>,
    /// A constant in the text form.
    literal: fn(u64) -> String,
    is_nan: fn(u64) -> bool,
}

macro_rules! size {
    ($float:ident, $bits:ident, $tiny:expr) => {
        Size {
            ty: stringify!($float),
            binary: &[
                ("float_add", |a, b| {
                    ($float::from_bits(a as $bits) + $float::from_bits(b as $bits)).word()
                }),
                ("float_sub", |a, b| {
                    ($float::from_bits(a as $bits) - $float::from_bits(b as $bits)).word()
                }),
                ("float_mul", |a, b| {
                    ($float::from_bits(a as $bits) * $float::from_bits(b as $bits)).word()
                }),
                ("float_truediv", |a, b| {
                    ($float::from_bits(a as $bits) / $float::from_bits(b as $bits)).word()
                }),
            ],
            unary: &[
                ("math_sqrt", |a| $float::from_bits(a as $bits).sqrt().word()),
                ("math_floor", |a| $float::from_bits(a as $bits).floor().word()),
                ("math_ceil", |a| $float::from_bits(a as $bits).ceil().word()),
                ("math_trunc", |a| $float::from_bits(a as $bits).trunc().word()),
            ],
            compare: &[
                ("float_eq", |a, b| $float::from_bits(a as $bits) == $float::from_bits(b as $bits)),
                ("float_ne", |a, b| $float::from_bits(a as $bits) != $float::from_bits(b as $bits)),
                ("float_lt", |a, b| $float::from_bits(a as $bits) < $float::from_bits(b as $bits)),
                ("float_le", |a, b| $float::from_bits(a as $bits) <= $float::from_bits(b as $bits)),
                ("float_gt", |a, b| $float::from_bits(a as $bits) > $float::from_bits(b as $bits)),
                ("float_ge", |a, b| $float::from_bits(a as $bits) >= $float::from_bits(b as $bits)),
            ],
            samples: || {
                let positive = [
                    0.0,
                    $tiny,
                    $float::MIN_POSITIVE,
                    0.1,
                    0.5,
                    0.9,
                    1.0,
                    1.5,
                    2.5,
                    3.0,
                    1e10,
                    1e30,
                    $float::MAX,
                    $float::INFINITY,
                    $float::NAN,
                ];
                positive.iter().flat_map(|&x| [x.word(), (-x).word()]).collect()
            },
            literal: |bits| {
                let x = $float::from_bits(bits as $bits);
                match x.is_nan() {
                    true => format!("nan({bits:#x}){}", stringify!($float)),
                    false => format!("{x:?}{}", stringify!($float)),
                }
            },
            is_nan: |bits| $float::from_bits(bits as $bits).is_nan(),
        }
    };
}

const SIZES: &[Size] = &[size!(f32, u32, 1e-45), size!(f64, u64, 5e-324)];

impl Size {
    #[track_caller]
    fn check_same(&self, found: u64, expected: u64, what: &str) {
        let both_nan = (self.is_nan)(found) && (self.is_nan)(expected);
        assert!(found == expected || both_nan, "{what}: {found:#x}, expected {expected:#x}");
    }

    fn constants(&self) -> Vec<u64> {
        (self.samples)().into_iter().step_by(3).collect()
    }
}

/// All pairs of samples, and the operations on one.
pub fn arithmetic(make: Make<'_>) {
    for size in SIZES {
        let b = Bench::new(make);
        let ty = size.ty;
        let (mut text, mut saved) = (format!("[f0: {ty}, f1: {ty}]\n"), Vec::new());
        for (op, _) in size.binary {
            writeln!(text, "f_{op}: {ty} = {op}(f0, f1)").unwrap();
            saved.push(format!("f_{op}"));
        }
        for (op, _) in size.unary {
            writeln!(text, "f_{op}: {ty} = {op}(f0)").unwrap();
            saved.push(format!("f_{op}"));
        }
        b.compile(0, &format!("{text}finish() [{}] exit=0", saved.join(", ")));
        for &x in &(size.samples)() {
            for &y in &(size.samples)() {
                let left = b.run(0, &[x, y]);
                let binary = size.binary.iter().map(|(op, expected)| (op, expected(x, y)));
                let unary = size.unary.iter().map(|(op, expected)| (op, expected(x)));
                for ((op, expected), found) in binary.chain(unary).zip(left.values) {
                    size.check_same(found, expected, &format!("{op} of {x:#x} and {y:#x}"));
                }
            }
        }
    }
}

/// A constant on either side.
pub fn arithmetic_with_constants(make: Make<'_>) {
    for size in SIZES {
        let ty = size.ty;
        for &c in &size.constants() {
            let b = Bench::new(make);
            let (literal, mut text) = ((size.literal)(c), format!("[f0: {ty}]\n"));
            let mut saved = Vec::new();
            for (op, _) in size.binary {
                writeln!(text, "fr_{op}: {ty} = {op}(f0, {literal})").unwrap();
                writeln!(text, "fl_{op}: {ty} = {op}({literal}, f0)").unwrap();
                saved.push(format!("fr_{op}, fl_{op}"));
            }
            b.compile(0, &format!("{text}finish() [{}] exit=0", saved.join(", ")));
            for &x in &(size.samples)() {
                let left = b.run(0, &[x]);
                for ((op, expected), found) in size.binary.iter().zip(left.values.chunks(2)) {
                    size.check_same(
                        found[0],
                        expected(x, c),
                        &format!("{op} of {x:#x} and {c:#x}"),
                    );
                    size.check_same(
                        found[1],
                        expected(c, x),
                        &format!("{op} of {c:#x} and {x:#x}"),
                    );
                }
            }
        }
    }
}

fn compare_trace(ty: &str, op: &str, left: &str, right: &str, guard: &str) -> String {
    format!(
        "[f0: {ty}, f1: {ty}]\ni2 = {op}({left}, {right})\n{guard}(i2) [f0] exit=0\nfinish() [f1] exit=1"
    )
}

#[track_caller]
fn check_compare(b: &Bench, op: &Compare, inputs: [u64; 2], a: u64, c: u64, wanted: bool) {
    let expected = if op.1(a, c) == wanted { (1, vec![inputs[1]]) } else { (0, vec![inputs[0]]) };
    let left = b.run(0, &inputs);
    assert_eq!((left.exit, left.values), expected, "{} of {a:#x} and {c:#x}", op.0);
}

/// Every comparison with either guard: a NaN is not the opposite of anything.
pub fn compare_and_guard(make: Make<'_>) {
    for size in SIZES {
        for op in size.compare {
            for (guard, wanted) in [("guard_true", true), ("guard_false", false)] {
                let b = Bench::new(make);
                b.compile(0, &compare_trace(size.ty, op.0, "f0", "f1", guard));
                for &x in &(size.samples)() {
                    for &y in &(size.samples)() {
                        check_compare(&b, op, [x, y], x, y, wanted);
                    }
                }
            }
        }
    }
}

/// A constant on either side.
pub fn compare_with_constant_and_guard(make: Make<'_>) {
    for size in SIZES {
        for op in size.compare {
            for &c in &size.constants() {
                let literal = (size.literal)(c);
                let b = Bench::new(make);
                b.compile(0, &compare_trace(size.ty, op.0, "f0", &literal, "guard_false"));
                (size.samples)().iter().for_each(|&x| check_compare(&b, op, [x, 0], x, c, false));
                let b = Bench::new(make);
                b.compile(0, &compare_trace(size.ty, op.0, &literal, "f1", "guard_true"));
                (size.samples)().iter().for_each(|&y| check_compare(&b, op, [0, y], c, y, true));
            }
        }
    }
}

/// All comparisons in one trace, as values.
pub fn compare_as_value(make: Make<'_>) {
    for size in SIZES {
        let b = Bench::new(make);
        let ty = size.ty;
        let (mut text, mut saved) = (format!("[f0: {ty}, f1: {ty}]\n"), Vec::new());
        for (k, (op, _)) in size.compare.iter().enumerate() {
            writeln!(text, "i{k} = {op}(f0, f1)").unwrap();
            saved.push(format!("i{k}"));
        }
        b.compile(0, &format!("{text}finish() [{}] exit=0", saved.join(", ")));
        for &x in &(size.samples)() {
            for &y in &(size.samples)() {
                let expected: Vec<u64> =
                    size.compare.iter().map(|(_, expected)| expected(x, y).word()).collect();
                b.check(0, &[x, y], 0, &expected);
            }
        }
    }
}

/// Negation and absolute value are about the sign bit and nothing else.
pub fn signs_of_zeros_and_nans(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[f0, f1: f32]
         f2 = float_neg(f0)
         f3 = float_abs(f0)
         f4: f32 = float_neg(f1)
         f5: f32 = float_abs(f1)
         finish() [f2, f3, f4, f5] exit=0",
    );
    let doubles = [0.0f64.word(), 1.5f64.word(), f64::INFINITY.word(), 0x7ff8_0000_0000_0001];
    let singles = [0.0f32.word(), 1.5f32.word(), f32::INFINITY.word(), 0x7fc0_0001];
    let (sign, single_sign) = (1u64 << 63, 1u64 << 31);
    for (x, y) in doubles.into_iter().zip(singles) {
        b.check(0, &[x, y], 0, &[x | sign, x, y | single_sign, y]);
        b.check(0, &[x | sign, y | single_sign], 0, &[x, x, y, y]);
    }
}

/// Halves, numbers near integers, and numbers without fraction.
pub fn rounding(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[f0]
         f1 = math_floor(f0)
         f2 = math_ceil(f0)
         f3 = math_trunc(f0)
         finish() [f1, f2, f3] exit=0",
    );
    for x in [0.49999999999999994f64, 0.5, 1.5, 2.5, 4503599627370495.5, 4503599627370497.0, 0.0] {
        for x in [x, -x] {
            b.check(0, &words![x], 0, &words![x.floor(), x.ceil(), x.trunc()]);
        }
    }
}
