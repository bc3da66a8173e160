//! Division and remainder by constants: multiplications and shifts, since a division takes as long as
//! twenty other instructions, and Cranelift replaces it in passes that this backend leaves out.
//!
//! A quotient `n / d` is the high half of `n * m`, shifted right, for an `m` that is about `2^(64 + shift) / d`.
//! Integers of fewer bits are divided as ones of 64 bits.
//!
//! Source: Granlund, Montgomery, "Division by Invariant Integers using Multiplication" (1994), figures
//! 4.1, 4.2 and 5.2.

use super::Lower;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use metainterp::ir::{Const, Opcode};

/// How an unsigned integer of 64 bits is divided by a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsigned {
    /// `n >> shift`
    Shift(u32),
    /// `high(n >> before, m) >> shift`
    Multiply { before: u32, m: u64, shift: u32 },
    /// `(((n - t) >> 1) + t) >> shift`, where `t` is `high(n, m)`
    MultiplyLong { m: u64, shift: u32 },
}

impl Unsigned {
    /// By `d`, of integers that are less than `2^bits`.
    fn by(d: u64, bits: u32) -> Unsigned {
        assert_ne!(d, 0, "a division by zero is not lowered");
        if d.is_power_of_two() {
            return Unsigned::Shift(d.ilog2());
        }
        // Rounded up, `m` is too large by less than one; what that adds to the product must stay below
        // one in the quotient: `(m * d - 2^(64 + shift)) * n < 2^(64 + shift)`.
        let try_with = |before: u32| {
            let d = d >> before;
            let shift = d.ilog2();
            let m = (1_u128 << (64 + shift)) / u128::from(d) + 1;
            let excess = m * u128::from(d) - (1 << (64 + shift));
            let fits = excess <= 1_u128 << (64 + shift - (bits - before));
            fits.then_some(Unsigned::Multiply { before, m: m as u64, shift })
        };
        try_with(0)
            .or_else(|| d.is_multiple_of(2).then(|| try_with(d.trailing_zeros())).flatten())
            .unwrap_or_else(|| {
                let log = d.ilog2() + 1;
                let m = (((1_u128 << log) - u128::from(d)) << 64) / u128::from(d) + 1;
                Unsigned::MultiplyLong { m: m as u64, shift: log - 1 }
            })
    }
}

/// How a signed integer of 64 bits is divided by the absolute value of a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    /// `(n + (sign(n) >>> (64 - shift))) >> shift`, where `sign(n)` is -1 or 0
    Shift(u32),
    /// `((n + high(n, m)) >> shift) - sign(n)`
    Multiply { m: i64, shift: u32 },
}

impl Signed {
    fn by(d: u64) -> Signed {
        if d.is_power_of_two() {
            return Signed::Shift(d.ilog2());
        }
        let shift = d.ilog2();
        let m = (1_u128 << (64 + shift)) / u128::from(d) + 1;
        Signed::Multiply { m: m as u64 as i64, shift }
    }
}

impl Lower<'_, '_> {
    /// The quotient or the remainder, if this is a division and the divisor one that this is for.
    pub(super) fn divide_by_constant(
        &mut self,
        opcode: Opcode,
        n: Value,
        d: Const,
    ) -> Option<Value> {
        let is_signed = match opcode {
            Opcode::IntDiv | Opcode::IntMod => true,
            Opcode::UintDiv | Opcode::UintMod => false,
            _ => return None,
        };
        // By zero is a trap, and by -1 may overflow.
        if d.bits == 0 || is_signed && matches!(d.signed(), -1 | 1) {
            return None;
        }
        let ty = self.b.func.dfg.value_type(n);
        let n = match ty {
            types::I64 => n,
            _ if is_signed => self.b.ins().sextend(types::I64, n),
            _ => self.b.ins().uextend(types::I64, n),
        };
        let (quotient, d) = if is_signed {
            (self.divide_signed(n, d.signed()), d.signed())
        } else {
            (self.divide_unsigned(n, Unsigned::by(d.bits, ty.bits())), d.bits as i64)
        };
        let res = if matches!(opcode, Opcode::IntDiv | Opcode::UintDiv) {
            quotient
        } else {
            let d = self.b.ins().iconst(types::I64, d);
            let divided = self.b.ins().imul(quotient, d);
            self.b.ins().isub(n, divided)
        };
        Some(if ty == types::I64 { res } else { self.b.ins().ireduce(ty, res) })
    }

    fn divide_unsigned(&mut self, n: Value, by: Unsigned) -> Value {
        match by {
            Unsigned::Shift(shift) => self.shift_right(n, shift),
            Unsigned::Multiply { before, m, shift } => {
                let n = self.shift_right(n, before);
                let m = self.b.ins().iconst(types::I64, m as i64);
                let high = self.b.ins().umulhi(n, m);
                self.shift_right(high, shift)
            }
            Unsigned::MultiplyLong { m, shift } => {
                let m = self.b.ins().iconst(types::I64, m as i64);
                let high = self.b.ins().umulhi(n, m);
                let rest = self.b.ins().isub(n, high);
                let half = self.shift_right(rest, 1);
                let sum = self.b.ins().iadd(half, high);
                self.shift_right(sum, shift)
            }
        }
    }

    fn divide_signed(&mut self, n: Value, d: i64) -> Value {
        let sign = self.b.ins().sshr_imm_u(n, 63);
        let quotient = match Signed::by(d.unsigned_abs()) {
            Signed::Shift(shift) => {
                let rounding = self.shift_right(sign, 64 - shift);
                let sum = self.b.ins().iadd(n, rounding);
                self.b.ins().sshr_imm_u(sum, i64::from(shift))
            }
            Signed::Multiply { m, shift } => {
                let m = self.b.ins().iconst(types::I64, m);
                let high = self.b.ins().smulhi(n, m);
                let sum = self.b.ins().iadd(n, high);
                let shifted = self.b.ins().sshr_imm_u(sum, i64::from(shift));
                self.b.ins().isub(shifted, sign)
            }
        };
        if d < 0 { self.b.ins().ineg(quotient) } else { quotient }
    }

    fn shift_right(&mut self, n: Value, shift: u32) -> Value {
        if shift == 0 { n } else { self.b.ins().ushr_imm_u(n, i64::from(shift)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Signed, Unsigned};
    use std::collections::BTreeSet;

    fn high(n: u64, m: u64) -> u64 {
        ((u128::from(n) * u128::from(m)) >> 64) as u64
    }

    fn unsigned(n: u64, by: Unsigned) -> u64 {
        match by {
            Unsigned::Shift(shift) => n >> shift,
            Unsigned::Multiply { before, m, shift } => high(n >> before, m) >> shift,
            Unsigned::MultiplyLong { m, shift } => {
                let t = high(n, m);
                (((n - t) >> 1) + t) >> shift
            }
        }
    }

    fn signed(n: i64, by: Signed) -> i64 {
        let sign = n >> 63;
        match by {
            Signed::Shift(shift) => n.wrapping_add((sign as u64 >> (64 - shift)) as i64) >> shift,
            Signed::Multiply { m, shift } => {
                let high = ((i128::from(n) * i128::from(m)) >> 64) as i64;
                (n.wrapping_add(high) >> shift) - sign
            }
        }
    }

    /// Those near powers of two and their multiples, and small ones.
    fn divisors() -> BTreeSet<u64> {
        let near = |n: u64| (0..4).flat_map(move |k| [n.wrapping_add(k), n.wrapping_sub(k)]);
        let powers = (0..64).map(|k| 1_u64 << k);
        let others = powers.clone().map(|power| u64::MAX / power / 3);
        let mut all: BTreeSet<u64> = powers.chain(others).flat_map(near).chain(0..2000).collect();
        all.remove(&0);
        all
    }

    /// Where a quotient changes, and the ends.
    fn dividends(d: u64, max: u64) -> impl Iterator<Item = u64> {
        let multiples = [1, 2, 3, max / d / 2, max / d - 1, max / d].map(|k| k.wrapping_mul(d));
        let near = multiples.into_iter().flat_map(|n| [n.wrapping_sub(1), n, n.wrapping_add(1)]);
        near.chain([0, 1, max / 2, max / 2 + 1, max - 1, max]).filter(move |&n| n <= max)
    }

    #[test]
    fn unsigned_quotients_are_those_of_a_division() {
        let mut forms = [0; 3];
        for bits in [8, 16, 32, 64] {
            let max = u64::MAX >> (64 - bits);
            for d in divisors().into_iter().filter(|&d| d <= max) {
                let by = Unsigned::by(d, bits);
                forms[match by {
                    Unsigned::Shift(_) => 0,
                    Unsigned::Multiply { .. } => 1,
                    Unsigned::MultiplyLong { .. } => 2,
                }] += 1;
                for n in dividends(d, max) {
                    assert_eq!(unsigned(n, by), n / d, "{n} / {d} of {bits} bits, {by:?}");
                }
            }
        }
        assert!(forms.iter().all(|&n| n > 100), "each form occurs: {forms:?}");
    }

    #[test]
    fn signed_quotients_are_those_of_a_division() {
        let min = i64::MIN.unsigned_abs();
        for d in divisors().into_iter().filter(|d| (2..=min).contains(d)) {
            for n in dividends(d, min) {
                for n in [n as i64, (n as i64).wrapping_neg()] {
                    let expected = (i128::from(n) / i128::from(d)) as i64;
                    assert_eq!(signed(n, Signed::by(d)), expected, "{n} / {d}");
                }
            }
        }
    }
}
