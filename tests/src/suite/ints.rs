//! Integer operations at every width, with values and constants on either side.
//!
//! The tables give each operation beside the Rust expression that it means.

use crate::bench::{Bench, Make, ToWord};
use crate::words;
use std::fmt::Write;

type Binary = (&'static str, fn(u64, u64) -> u64);
type Unary = (&'static str, fn(u64) -> u64);
type Overflow = (&'static str, fn(u64, u64) -> (u64, bool));
type Compare = (&'static str, fn(u64, u64) -> bool);

/// The operations at one width.
struct Width {
    ty: &'static str,
    /// Defined for all operands.
    binary: &'static [Binary],
    signed_division: &'static [Binary],
    unsigned_division: &'static [Binary],
    unary: &'static [Unary],
    overflow: &'static [Overflow],
    compare: &'static [Compare],
    /// Reads a sample as this width.
    mask: u64,
    min: u64,
}

macro_rules! width {
    ($int:ident, $uint:ident, $wide:ident, $uwide:ident) => {
        Width {
            ty: stringify!($int),
            mask: $uint::MAX as u64,
            min: $int::MIN as $uint as u64,
            binary: &[
                ("int_add", |a, b| (a as $int).wrapping_add(b as $int).word()),
                ("int_sub", |a, b| (a as $int).wrapping_sub(b as $int).word()),
                ("int_mul", |a, b| (a as $int).wrapping_mul(b as $int).word()),
                ("int_mul_high", |a, b| {
                    (((a as $int as $wide) * (b as $int as $wide)) >> $int::BITS) as $uint as u64
                }),
                ("uint_mul_high", |a, b| {
                    (((a as $uint as $uwide) * (b as $uint as $uwide)) >> $int::BITS) as $uint
                        as u64
                }),
                ("int_and", |a, b| ((a as $int) & (b as $int)).word()),
                ("int_or", |a, b| ((a as $int) | (b as $int)).word()),
                ("int_xor", |a, b| ((a as $int) ^ (b as $int)).word()),
                ("int_lshift", |a, b| (a as $int).wrapping_shl(b as u32).word()),
                ("int_rshift", |a, b| (a as $int).wrapping_shr(b as u32).word()),
                ("uint_rshift", |a, b| (a as $uint).wrapping_shr(b as u32).word()),
                ("int_rotl", |a, b| (a as $uint).rotate_left(b as u32 % $int::BITS).word()),
            ],
            signed_division: &[
                ("int_c_div", |a, b| ((a as $int) / (b as $int)).word()),
                ("int_c_mod", |a, b| ((a as $int) % (b as $int)).word()),
            ],
            unsigned_division: &[
                ("uint_div", |a, b| ((a as $uint) / (b as $uint)).word()),
                ("uint_mod", |a, b| ((a as $uint) % (b as $uint)).word()),
            ],
            unary: &[
                ("int_neg", |a| (a as $int).wrapping_neg().word()),
                ("int_invert", |a| (!(a as $int)).word()),
                ("int_clz", |a| u64::from((a as $int).leading_zeros())),
                ("int_ctz", |a| u64::from((a as $int).trailing_zeros())),
                ("int_popcount", |a| u64::from((a as $int).count_ones())),
                ("int_bswap", |a| (a as $int).swap_bytes().word()),
            ],
            overflow: &[
                ("int_add_ovf", |a, b| pair((a as $int).overflowing_add(b as $int))),
                ("int_sub_ovf", |a, b| pair((a as $int).overflowing_sub(b as $int))),
                ("int_mul_ovf", |a, b| pair((a as $int).overflowing_mul(b as $int))),
                ("uint_add_ovf", |a, b| pair((a as $uint).overflowing_add(b as $uint))),
                ("uint_sub_ovf", |a, b| pair((a as $uint).overflowing_sub(b as $uint))),
                ("uint_mul_ovf", |a, b| pair((a as $uint).overflowing_mul(b as $uint))),
            ],
            compare: &[
                ("int_eq", |a, b| (a as $int) == (b as $int)),
                ("int_ne", |a, b| (a as $int) != (b as $int)),
                ("int_lt", |a, b| (a as $int) < (b as $int)),
                ("int_le", |a, b| (a as $int) <= (b as $int)),
                ("int_gt", |a, b| (a as $int) > (b as $int)),
                ("int_ge", |a, b| (a as $int) >= (b as $int)),
                ("uint_lt", |a, b| (a as $uint) < (b as $uint)),
                ("uint_le", |a, b| (a as $uint) <= (b as $uint)),
                ("uint_gt", |a, b| (a as $uint) > (b as $uint)),
                ("uint_ge", |a, b| (a as $uint) >= (b as $uint)),
            ],
        }
    };
}

const WIDTHS: &[Width] = &[
    width!(i8, u8, i16, u16),
    width!(i16, u16, i32, u32),
    width!(i32, u32, i64, u64),
    width!(i64, u64, i128, u128),
];

fn pair<T: ToWord>((value, overflow): (T, bool)) -> (u64, bool) {
    (value.word(), overflow)
}

impl Width {
    /// Numbers near the ends of the width and of narrower ones.
    fn samples(&self) -> Vec<u64> {
        let mut samples: Vec<u64> = [0, 1, 2, 3, 5, 7, 10, 16, 63, 0x55, 0x1234_5678_9abc_def0]
            .into_iter()
            .flat_map(|x: u64| [x, x.wrapping_neg()])
            .chain([7, 8, 15, 16, 31, 32, 63].into_iter().flat_map(|bit| {
                let power = 1u64 << bit;
                [power, power - 1, power.wrapping_neg(), power + 1]
            }))
            .map(|x| x & self.mask)
            .collect();
        samples.sort_unstable();
        samples.dedup();
        samples
    }

    /// A few of them, for constants: each costs a compilation.
    fn constants(&self) -> Vec<u64> {
        let all = [0, 1, 3, 8, 0x7f, 0x80, 0xff, self.mask, self.min, self.min - 1, 0x9abc_def0];
        let mut constants: Vec<u64> = all.into_iter().map(|x| x & self.mask).collect();
        constants.sort_unstable();
        constants.dedup();
        constants
    }

    /// A constant of this type in the text form.
    fn literal(&self, constant: u64) -> String {
        format!("{constant}{}", self.ty)
    }

    /// Whether a signed division is defined.
    fn divides(&self, a: u64, b: u64) -> bool {
        b != 0 && !(b == self.mask && a == self.min)
    }
}

/// A trace that computes all `ops` of its two inputs, or of one and a constant, and saves the results.
fn all_of(ops: &[Binary], ty: &str, left: &str, right: &str) -> String {
    let mut text = format!("[i0: {ty}, i1: {ty}]\n");
    let mut saved = Vec::new();
    for (k, (op, _)) in ops.iter().enumerate() {
        writeln!(text, "ir{k}: {ty} = {op}({left}, {right})").unwrap();
        saved.push(format!("ir{k}"));
    }
    format!("{text}finish() [{}] exit=0", saved.join(", "))
}

#[track_caller]
fn check_all(b: &Bench, width: &Width, ops: &[Binary], inputs: [u64; 2], a: u64, c: u64) {
    let left = b.run(0, &inputs);
    for ((op, expected), found) in ops.iter().zip(left.values) {
        assert_eq!(found, expected(a, c), "{op} of {a:#x} and {c:#x} as {}", width.ty);
    }
}

/// All pairs of samples.
pub fn binary_of_values(make: Make<'_>) {
    for width in WIDTHS {
        let b = Bench::new(make);
        b.compile(0, &all_of(width.binary, width.ty, "i0", "i1"));
        for &x in &width.samples() {
            for &y in &width.samples() {
                check_all(&b, width, width.binary, [x, y], x, y);
            }
        }
    }
}

/// The second operand is in the code.
pub fn binary_with_constant_right(make: Make<'_>) {
    for width in WIDTHS {
        for &y in &width.constants() {
            let b = Bench::new(make);
            b.compile(0, &all_of(width.binary, width.ty, "i0", &width.literal(y)));
            for &x in &width.samples() {
                check_all(&b, width, width.binary, [x, 0], x, y);
            }
        }
    }
}

/// The first operand is in the code.
pub fn binary_with_constant_left(make: Make<'_>) {
    for width in WIDTHS {
        for &x in &width.constants() {
            let b = Bench::new(make);
            b.compile(0, &all_of(width.binary, width.ty, &width.literal(x), "i1"));
            for &y in &width.samples() {
                check_all(&b, width, width.binary, [0, y], x, y);
            }
        }
    }
}

/// Both operands are the same value.
pub fn binary_of_one_value(make: Make<'_>) {
    for width in WIDTHS {
        let b = Bench::new(make);
        b.compile(0, &all_of(width.binary, width.ty, "i0", "i0"));
        for &x in &width.samples() {
            check_all(&b, width, width.binary, [x, 1], x, x);
        }
    }
}

/// Division where it is defined.
pub fn division(make: Make<'_>) {
    for width in WIDTHS {
        for ops in [width.signed_division, width.unsigned_division] {
            let b = Bench::new(make);
            b.compile(0, &all_of(ops, width.ty, "i0", "i1"));
            for &x in &width.samples() {
                for &y in width.samples().iter().filter(|&&y| width.divides(x, y)) {
                    check_all(&b, width, ops, [x, y], x, y);
                }
            }
        }
    }
}

/// Divisors and dividends in the code.
pub fn division_by_constants(make: Make<'_>) {
    for width in WIDTHS {
        for ops in [width.signed_division, width.unsigned_division] {
            for &c in width.constants().iter() {
                let b = Bench::new(make);
                if c != 0 {
                    b.compile(0, &all_of(ops, width.ty, "i0", &width.literal(c)));
                    for &x in width.samples().iter().filter(|&&x| width.divides(x, c)) {
                        check_all(&b, width, ops, [x, 0], x, c);
                    }
                }
                let b = Bench::new(make);
                b.compile(0, &all_of(ops, width.ty, &width.literal(c), "i1"));
                for &y in width.samples().iter().filter(|&&y| width.divides(c, y)) {
                    check_all(&b, width, ops, [0, y], c, y);
                }
            }
        }
    }
}

/// Operations on one integer, and tests for zero.
pub fn unary(make: Make<'_>) {
    for width in WIDTHS {
        let b = Bench::new(make);
        let ops: Vec<&Unary> =
            width.unary.iter().filter(|(op, _)| width.ty != "i8" || *op != "int_bswap").collect();
        let (ty, mut saved) = (width.ty, Vec::new());
        let mut text = format!("[i0: {ty}]\n");
        for (k, (op, _)) in ops.iter().enumerate() {
            writeln!(text, "ir{k}: {ty} = {op}(i0)").unwrap();
            saved.push(format!("ir{k}"));
        }
        text += "it = int_is_true(i0)\niz = int_is_zero(i0)\n";
        b.compile(0, &format!("{text}finish() [{}, it, iz] exit=0", saved.join(", ")));
        for &x in &width.samples() {
            let mut expected: Vec<u64> = ops.iter().map(|(_, expected)| expected(x)).collect();
            expected.extend(words![x != 0, x == 0]);
            b.check(0, &[x], 0, &expected);
        }
    }
}

/// One overflow operation with its guard: what passes and what fails.
fn ovf_trace(ty: &str, op: &str, left: &str, right: &str, guard: &str) -> String {
    format!(
        "[i0: {ty}, i1: {ty}]\ni2: {ty} = {op}({left}, {right})\n{guard}() [i1, i0] exit=0\nfinish() [i2] exit=1"
    )
}

#[track_caller]
fn check_ovf(b: &Bench, op: &Overflow, inputs: [u64; 2], a: u64, c: u64, expects: bool) {
    let (result, overflow) = op.1(a, c);
    let left = b.run(0, &inputs);
    let expected =
        if overflow == expects { (1, vec![result]) } else { (0, vec![inputs[1], inputs[0]]) };
    assert_eq!((left.exit, left.values), expected, "{} of {a:#x} and {c:#x}", op.0);
}

/// All pairs of samples.
pub fn overflow_of_values(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.overflow {
            let b = Bench::new(make);
            b.compile(0, &ovf_trace(width.ty, op.0, "i0", "i1", "guard_no_overflow"));
            for &x in &width.samples() {
                for &y in &width.samples() {
                    check_ovf(&b, op, [x, y], x, y, false);
                }
            }
        }
    }
}

/// A constant on either side.
pub fn overflow_with_constants(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.overflow {
            for &c in &width.constants() {
                let literal = width.literal(c);
                let b = Bench::new(make);
                b.compile(0, &ovf_trace(width.ty, op.0, "i0", &literal, "guard_no_overflow"));
                width.samples().iter().for_each(|&x| check_ovf(&b, op, [x, 9], x, c, false));
                let b = Bench::new(make);
                b.compile(0, &ovf_trace(width.ty, op.0, &literal, "i1", "guard_no_overflow"));
                width.samples().iter().for_each(|&y| check_ovf(&b, op, [9, y], c, y, false));
            }
        }
    }
}

/// `guard_overflow` goes on where the operation overflows, with the wrapped result.
pub fn overflow_guard_expects_overflow(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.overflow {
            let b = Bench::new(make);
            b.compile(0, &ovf_trace(width.ty, op.0, "i0", "i1", "guard_overflow"));
            for &x in &width.samples() {
                for &y in &width.samples() {
                    check_ovf(&b, op, [x, y], x, y, true);
                }
            }
        }
    }
}

/// The exit of the guard may save the wrapped result.
pub fn overflow_result_is_saved_at_its_guard(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.overflow {
            let b = Bench::new(make);
            let ty = width.ty;
            b.compile(
                0,
                &format!(
                    "[i0: {ty}, i1: {ty}]\ni2: {ty} = {}(i0, i1)\nguard_no_overflow() [i2] exit=0\nfinish() [i2] exit=1",
                    op.0
                ),
            );
            for &x in &width.samples() {
                let (result, overflow) = op.1(x, width.min);
                b.check(0, &[x, width.min], u32::from(!overflow), &[result]);
            }
        }
    }
}

fn compare_trace(ty: &str, op: &str, left: &str, right: &str, guard: &str) -> String {
    format!(
        "[i0: {ty}, i1: {ty}]\ni2 = {op}({left}, {right})\n{guard}(i2) [i0] exit=0\nfinish() [i1] exit=1"
    )
}

const GUARDS: [(&str, bool); 2] = [("guard_true", true), ("guard_false", false)];

#[track_caller]
fn check_compare(b: &Bench, op: &Compare, inputs: [u64; 2], a: u64, c: u64, wanted: bool) {
    let expected = if op.1(a, c) == wanted { (1, vec![inputs[1]]) } else { (0, vec![inputs[0]]) };
    let left = b.run(0, &inputs);
    assert_eq!((left.exit, left.values), expected, "{} of {a:#x} and {c:#x}", op.0);
}

/// Every comparison with either guard on its result.
pub fn compare_and_guard(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.compare {
            for (guard, wanted) in GUARDS {
                let b = Bench::new(make);
                b.compile(0, &compare_trace(width.ty, op.0, "i0", "i1", guard));
                for &x in &width.samples() {
                    for &y in &width.samples() {
                        check_compare(&b, op, [x, y], x, y, wanted);
                    }
                }
            }
        }
    }
}

/// A constant on either side.
pub fn compare_with_constant_and_guard(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.compare {
            for &c in &width.constants() {
                let literal = width.literal(c);
                let b = Bench::new(make);
                b.compile(0, &compare_trace(width.ty, op.0, "i0", &literal, "guard_true"));
                width.samples().iter().for_each(|&x| check_compare(&b, op, [x, 9], x, c, true));
                let b = Bench::new(make);
                b.compile(0, &compare_trace(width.ty, op.0, &literal, "i1", "guard_false"));
                width.samples().iter().for_each(|&y| check_compare(&b, op, [9, y], c, y, false));
            }
        }
    }
}

/// All comparisons in one trace, as values.
pub fn compare_as_value(make: Make<'_>) {
    for width in WIDTHS {
        let b = Bench::new(make);
        let ty = width.ty;
        let (mut text, mut saved) = (format!("[i0: {ty}, i1: {ty}]\n"), Vec::new());
        for (k, (op, _)) in width.compare.iter().enumerate() {
            writeln!(text, "ir{k} = {op}(i0, i1)").unwrap();
            saved.push(format!("ir{k}"));
        }
        b.compile(0, &format!("{text}finish() [{}] exit=0", saved.join(", ")));
        for &x in &width.samples() {
            for &y in &width.samples() {
                let expected: Vec<u64> =
                    width.compare.iter().map(|(_, expected)| expected(x, y).word()).collect();
                b.check(0, &[x, y], 0, &expected);
            }
        }
    }
}

/// Arithmetic between a comparison and its guard.
pub fn compare_with_flags_clobbered(make: Make<'_>) {
    for width in WIDTHS {
        for op in width.compare {
            let b = Bench::new(make);
            let ty = width.ty;
            b.compile(
                0,
                &format!(
                    "[i0: {ty}, i1: {ty}]\ni2 = {}(i0, i1)\ni3: {ty} = int_add(i0, i1)\ni4: {ty} = int_xor(i3, i0)\nguard_true(i2) [i4, i3] exit=0\nfinish() [i3] exit=1",
                    op.0
                ),
            );
            for &x in &width.constants() {
                for &y in &width.constants() {
                    let sum = x.wrapping_add(y) & width.mask;
                    match op.1(x, y) {
                        true => b.check(0, &[x, y], 1, &[sum]),
                        false => b.check(0, &[x, y], 0, &[sum ^ x, sum]),
                    }
                }
            }
        }
    }
}

/// Operations on `bool`s, with constants too.
pub fn bools(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[i0: bool, i1: bool]
         i2 = bool_and(i0, i1)
         i3 = bool_or(i0, i1)
         i4 = bool_xor(i0, i1)
         i5 = bool_not(i0)
         i6 = bool_and(i0, true)
         i7 = bool_or(false, i1)
         i8 = bool_xor(i0, true)
         i9 = bool_not(true)
         finish() [i2, i3, i4, i5, i6, i7, i8, i9] exit=0",
    );
    for (x, y) in [(false, false), (false, true), (true, false), (true, true)] {
        let expected = words![x & y, x | y, x ^ y, !x, x, y, !x, false];
        b.check(0, &words![x, y], 0, &expected);
    }
}

/// Addresses: arithmetic, comparison, conversion.
pub fn pointers(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0, p1, i2]
         p3 = ptr_add(p0, i2)
         p4 = ptr_add(p0, -8)
         i5 = ptr_eq(p0, p1)
         i6 = ptr_ne(p3, p1)
         i7 = ptr_eq(p0, 0x0)
         i8 = cast_ptr_to_int(p3)
         p9 = cast_int_to_ptr(i2)
         finish() [p3, p4, i5, i6, i7, i8, p9] exit=0",
    );
    let check = |p: u64, q: u64, i: i64| {
        let sum = p.wrapping_add_signed(i);
        let below = p.wrapping_sub(8);
        let expected = words![sum, below, p == q, sum != q, p == 0, sum, i];
        b.check(0, &words![p, q, i], 0, &expected);
    };
    check(0x1000, 0x1000, 0);
    check(0x1000, 0x1008, 8);
    check(0x7fff_ffff_0000, 0x1000, -0x10_0000_0000);
    check(0, u64::MAX, -1);
}
