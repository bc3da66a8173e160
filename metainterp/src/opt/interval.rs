//! What values an integer can have: an interval as it counts without sign, and one with sign.
//!
//! Both speak of the same bits, and what one knows helps the other ([`Range::agree`]). An interval of
//! results is that of the exact results of an operation, if none of these wraps, and otherwise all
//! that the type has: [`Range::result`] holds the rules, a line each.
//!
//! Why not known bits as well: the masks that interpreters apply start at bit 0, so an upper bound
//! says the same, and `algebra` looks at masks itself.

use crate::ir::Opcode::{self, *};
use crate::ir::{Const, Ty};

/// How bits are read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sign {
    Unsigned,
    Signed,
}

/// All numbers from `lo` to `hi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub lo: i128,
    pub hi: i128,
}

impl Interval {
    pub const fn new(lo: i128, hi: i128) -> Interval {
        Interval { lo, hi }
    }

    /// All that a type has.
    pub fn all(sign: Sign, ty: Ty) -> Interval {
        match sign {
            Sign::Unsigned => Interval::new(0, ty.mask().into()),
            Sign::Signed => {
                let half = 1 << (ty.bits() - 1);
                Interval::new(-half, half - 1)
            }
        }
    }

    /// What both have. Of two that have nothing in common, the first: code that this speaks of is
    /// never reached, and any answer will do.
    pub fn and(self, other: Interval) -> Interval {
        let both = Interval::new(self.lo.max(other.lo), self.hi.min(other.hi));
        if both.lo <= both.hi { both } else { self }
    }

    pub fn is_in(self, other: Interval) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// Without `k`, where that is at an end.
    fn without(self, k: i128) -> Interval {
        match (k == self.lo, k == self.hi) {
            (true, false) => Interval::new(self.lo + 1, self.hi),
            (false, true) => Interval::new(self.lo, self.hi - 1),
            _ => self,
        }
    }

    fn corners(self, other: Interval, f: impl Fn(i128, i128) -> i128) -> Interval {
        let corners = [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo)];
        let all = corners.map(|(a, b)| f(a, b));
        let last = f(self.hi, other.hi);
        all.iter().fold(Interval::new(last, last), |all, &it| {
            Interval::new(all.lo.min(it), all.hi.max(it))
        })
    }
}

/// The intervals of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub ty: Ty,
    unsigned: Interval,
    signed: Interval,
}

impl Range {
    pub fn all(ty: Ty) -> Range {
        Range {
            ty,
            unsigned: Interval::all(Sign::Unsigned, ty),
            signed: Interval::all(Sign::Signed, ty),
        }
    }

    pub fn constant(c: Const) -> Range {
        let (unsigned, signed) = (i128::from(c.bits), i128::from(c.signed()));
        Range {
            ty: c.ty,
            unsigned: Interval::new(unsigned, unsigned),
            signed: Interval::new(signed, signed),
        }
    }

    pub fn of(&self, sign: Sign) -> Interval {
        match sign {
            Sign::Unsigned => self.unsigned,
            Sign::Signed => self.signed,
        }
    }

    /// The constant that this is.
    pub fn as_constant(&self) -> Option<Const> {
        let Interval { lo, hi } = self.unsigned;
        (lo == hi).then(|| Const::new(self.ty, lo as u64))
    }

    /// What is in the interval too.
    pub fn narrowed(mut self, sign: Sign, to: Interval) -> Range {
        match sign {
            Sign::Unsigned => self.unsigned = self.unsigned.and(to),
            Sign::Signed => self.signed = self.signed.and(to),
        }
        self.agree()
    }

    pub fn without(mut self, c: Const) -> Range {
        self.unsigned = self.unsigned.without(c.bits.into());
        self.signed = self.signed.without(c.signed().into());
        self.agree()
    }

    /// Numbers without a sign bit are the same in both readings, and so are those that all have one,
    /// but for a distance.
    fn agree(mut self) -> Range {
        let positive = Interval::new(0, Interval::all(Sign::Signed, self.ty).hi);
        let turn = i128::from(self.ty.mask()) + 1;
        let shifted = |it: Interval, by: i128| Interval::new(it.lo + by, it.hi + by);
        if self.signed.is_in(positive) {
            self.unsigned = self.unsigned.and(self.signed);
        } else if self.signed.hi < 0 {
            self.unsigned = self.unsigned.and(shifted(self.signed, turn));
        }
        if self.unsigned.is_in(positive) {
            self.signed = self.signed.and(self.unsigned);
        } else if positive.hi < self.unsigned.lo {
            self.signed = self.signed.and(shifted(self.unsigned, -turn));
        }
        self
    }

    /// What an operation on such operands yields.
    pub fn result(opcode: Opcode, ty: Ty, a: Range, b: Option<Range>) -> Range {
        let all = Range::all(ty);
        let signs = [Sign::Unsigned, Sign::Signed];
        let exact = |sign| exact(opcode, sign, a, b);
        signs.into_iter().fold(all, |range, sign| match exact(sign) {
            Some(exact) if exact.is_in(Interval::all(sign, ty)) => range.narrowed(sign, exact),
            _ => range,
        })
    }

    /// What an overflow operation yields behind the guard that it has not overflowed.
    pub fn not_overflowed(opcode: Opcode, ty: Ty, a: Range, b: Range) -> Range {
        let all = Range::all(ty);
        let Some((plain, sign)) = overflow_of(opcode) else { return all };
        let wrapped = Range::result(plain, ty, a, Some(b));
        exact(plain, sign, a, Some(b)).map_or(wrapped, |exact| wrapped.narrowed(sign, exact))
    }

    /// Whether an overflow operation on such operands never overflows.
    pub fn never_overflows(opcode: Opcode, ty: Ty, a: Range, b: Range) -> bool {
        overflow_of(opcode).is_some_and(|(plain, sign)| {
            exact(plain, sign, a, Some(b)).is_some_and(|it| it.is_in(Interval::all(sign, ty)))
        })
    }
}

/// The wrapping operation, and how an overflow operation reads its operands.
fn overflow_of(opcode: Opcode) -> Option<(Opcode, Sign)> {
    let sign = match opcode {
        IntAddOvf | IntSubOvf | IntMulOvf => Sign::Signed,
        _ => Sign::Unsigned,
    };
    opcode.without_overflow().map(|plain| (plain, sign))
}

/// The results of an operation as if numbers had no end.
fn exact(opcode: Opcode, sign: Sign, a: Range, b: Option<Range>) -> Option<Interval> {
    let x = a.of(sign);
    let Some(b) = b else { return exact_unary(opcode, sign, a, x) };
    let y = b.of(sign);
    let constant = b.as_constant().map(|c| c.bits);
    Some(match (opcode, sign, constant) {
        (IntAdd, ..) => Interval::new(x.lo + y.lo, x.hi + y.hi),
        (IntSub, ..) => Interval::new(x.lo - y.hi, x.hi - y.lo),
        (IntMul, ..) => x.corners(y, |a, b| a.saturating_mul(b)),
        // x & y is at most either.
        (IntAnd, Sign::Unsigned, _) => Interval::new(0, x.hi.min(y.hi)),
        // x | y is at least either, and has no bit above both.
        (IntOr, Sign::Unsigned, _) => Interval::new(x.lo.max(y.lo), ones(x.hi | y.hi)),
        // x ^ y has no bit above both.
        (IntXor, Sign::Unsigned, _) => Interval::new(0, ones(x.hi | y.hi)),
        // x >> k, where k is taken modulo the width
        (UintRshift, Sign::Unsigned, Some(k)) => shifted(x, k, a.ty),
        (IntRshift, Sign::Signed, Some(k)) => shifted(x, k, a.ty),
        // x / k
        (UintDiv, Sign::Unsigned, Some(1..)) => Interval::new(x.lo / y.lo, x.hi / y.lo),
        // x % y is less than y.
        (UintMod, Sign::Unsigned, _) if 0 < y.lo => Interval::new(0, x.hi.min(y.hi - 1)),
        (IntMod, Sign::Signed, _) if 0 <= x.lo && 0 < y.lo => Interval::new(0, x.hi.min(y.hi - 1)),
        _ => return None,
    })
}

fn exact_unary(opcode: Opcode, sign: Sign, a: Range, x: Interval) -> Option<Interval> {
    Some(match (opcode, sign) {
        // The number stays the same.
        (IntZeroext, Sign::Unsigned) | (IntSignext, Sign::Signed) | (IntTrunc, _) => x,
        (IntNeg, Sign::Signed) => Interval::new(-x.hi, -x.lo),
        (IntInvert, Sign::Signed) => Interval::new(-x.hi - 1, -x.lo - 1),
        (IntClz | IntCtz | IntPopcount, _) => Interval::new(0, a.ty.bits().into()),
        (CastBoolToInt, _) => Interval::new(0, 1),
        _ => return None,
    })
}

fn shifted(x: Interval, k: u64, ty: Ty) -> Interval {
    let k = k % u64::from(ty.bits());
    Interval::new(x.lo >> k, x.hi >> k)
}

/// The least number of the form 2^n - 1 that is not less.
fn ones(x: i128) -> i128 {
    (1 << (128 - x.leading_zeros())) - 1
}
