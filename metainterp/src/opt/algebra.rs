//! Pass `algebra`: identities. A rule is a line, with the algebra in the comment above it.
//!
//! A rule looks at one operation and at the operations that define its operands ([`Rules::def`]), and
//! answers with an operand, a constant, or another operation that costs no more. Constants go to the
//! right, subtraction of a constant becomes addition, and tests against zero become comparisons with
//! zero, so that each rule and each later lookup sees one form.
//!
//! Invariants
//! 1. A rule holds for every value of its operands, wrapped around as the operation wraps. For divisions
//!    it holds where they are defined.
//! 2. Rules on floats are exact, NaNs included but for what makes a signalling NaN quiet. So there is
//!    no `x + 0.0 == x` (wrong for -0.0), no `x * 0.0 == 0.0` (infinity), and no `x * -1.0 == -x`
//!    (a NaN's sign).
//! 3. No rule undoes another: [`super::rewrite`] stops with a panic if one does.
//!
//! Every rule is tested by evaluation in `tests/algebra.rs`: all operations on all pairs of
//! 8-bit operands, chains of two operations, and random wider ones.

use super::compare::{complement, is_commutative, swapped};
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite, rule_applies};
use crate::ir::Opcode::{self, *};
use crate::ir::{Const, Effect, MemDescr, Operand, Ty, eval};

/// An operand as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    /// A value.
    V(Operand),
    /// A constant's bits.
    K(u64),
    /// There is no such operand.
    Absent,
}
use Term::{Absent, K, V};

/// What a rule answers. A constant has the type of its place.
#[derive(Debug)]
enum To {
    /// The result is this.
    Is(Term),
    /// The result is that of a unary operation.
    One(Opcode, Operand),
    /// The result is that of a binary operation.
    Two(Opcode, Operand, Term),
    /// A constant minus a value.
    SubFrom(u64, Operand),
    /// The overflow operation does not overflow, and the result is this.
    NoOverflow(Term),
}

macro_rules! answers {
    ($($name:ident => $to:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[inline]
        #[track_caller]
        fn $name($($arg: $ty),*) -> To {
            rule_applies();
            To::$to($($arg),*)
        }
    )*};
}

// A rule answers by one of these, so that a test finds it.
answers! {
    is => Is(term: Term);
    one => One(opcode: Opcode, a: Operand);
    two => Two(opcode: Opcode, a: Operand, b: Term);
    sub_from => SubFrom(k: u64, a: Operand);
    no_overflow => NoOverflow(term: Term);
}

#[derive(Clone)]
pub(super) struct Algebra;

impl Family for Algebra {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        match op.opcode.effect() {
            Effect::Pure | Effect::PureChecked | Effect::Overflow => {}
            _ if op.opcode.has_mem() => return Ok(address(cx, op)),
            _ => return Ok(Rewrite::Keep),
        }
        let to = match (op.ty, &*op.args) {
            (Some(res), &[a]) => Rules { cx, res, ty: cx.ty(a) }.unary(op.opcode, a),
            (Some(res), &[a, b]) => Rules { cx, res, ty: cx.ty(a) }.binary(op.opcode, a, b),
            _ => None,
        };
        Ok(to.map_or(Rewrite::Keep, |to| answer(cx, op, to)))
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(self.clone())
    }
}

/// Constants in an address go to the offset.
fn address(cx: &mut Cx, op: &mut Pending) -> Rewrite {
    let indexed = op.opcode.is_indexed();
    let mem = &cx.new_trace().mems[op.descr as usize];
    let scale = i64::from(mem.scale);
    let index = op.args.get(1).copied().filter(|_| indexed);
    let plus = |x: Operand, opcode| {
        let def = cx.def(x).filter(|def| def.opcode == opcode)?;
        let mut args = cx.def_args(def);
        Some((args.next()?, cx.as_const(args.next()?)?.signed()))
    };
    // Of an offset before the base one could not tell that it was not added to the index.
    let pointer = plus(op.args[0], PtrAdd).filter(|(_, k)| !indexed || 0 <= *k);
    let (at, operand, distance) = if let Some((q, k)) = pointer {
        // (q + k)[i] == q[i] at offset + k
        (0, Some(q), Some(k))
    } else if let Some(k) = index.and_then(|i| cx.as_const(i)) {
        // p[k] == p at offset + k * scale
        (1, None, k.signed().checked_mul(scale))
    } else if let Some((j, k)) = index.and_then(|i| plus(i, IntAdd)) {
        // p[j + k] == p[j] at offset + k * scale
        (1, Some(j), k.checked_mul(scale))
    } else {
        return Rewrite::Keep;
    };
    let offset = distance.and_then(|by| i64::from(mem.offset).checked_add(by));
    let Some(offset) = offset.and_then(|it| i32::try_from(it).ok()) else { return Rewrite::Keep };
    let mut mem = MemDescr { offset, ..mem.clone() };
    match operand {
        Some(operand) => op.args[at] = operand,
        None => {
            op.args.remove(at);
            op.opcode = match op.opcode {
                GetArrayItem => GetField,
                SetArrayItem => SetField,
                AssumeArrayItem => AssumeField,
                _ => ForgetField,
            };
            mem.scale = 0;
        }
    }
    op.descr = cx.mem(mem);
    Rewrite::Changed
}

fn answer(cx: &mut Cx, op: &mut Pending, to: To) -> Rewrite {
    let ty = op.args.first().map(|&arg| cx.ty(arg));
    let res = op.ty.expect("only operations with a result have rules");
    match to {
        To::Is(term) => Rewrite::Is(operand(cx, term, res)),
        To::One(opcode, a) => op.become_op(opcode, &[a]),
        To::Two(opcode, a, b) => {
            let ty = if opcode == PtrAdd { Ty::I64 } else { cx.ty(a) };
            let b = operand(cx, b, ty);
            op.become_op(opcode, &[a, b])
        }
        To::SubFrom(k, a) => {
            let k = operand(cx, K(k), ty.expect("it has operands"));
            op.become_op(IntSub, &[k, a])
        }
        To::NoOverflow(term) => {
            op.overflowed = Some(false);
            Rewrite::Is(operand(cx, term, res))
        }
    }
}

fn operand(cx: &mut Cx, term: Term, ty: Ty) -> Operand {
    match term {
        V(operand) => operand,
        K(bits) => cx.constant(Const::new(ty, bits)),
        Absent => unreachable!("a rule answers with an operand"),
    }
}

/// The rules, on an operation with a first operand of type `ty` and a result of type `res`.
struct Rules<'a, 't> {
    cx: &'a Cx<'t>,
    ty: Ty,
    res: Ty,
}

const TRUE: Term = K(1);
const FALSE: Term = K(0);

impl Rules<'_, '_> {
    fn term(&self, operand: Operand) -> Term {
        self.cx.as_const(operand).map_or(V(operand), |c| K(c.bits))
    }

    /// The operation that defines a value, with its operands. The result of an overflow operation is
    /// the wrapped one, so it counts as the wrapping operation.
    fn def(&self, x: Operand) -> Option<(Opcode, Term, Term)> {
        let def = self.cx.def(x).filter(|def| (1..=2).contains(&def.n_args()))?;
        let opcode = def.opcode.without_overflow().unwrap_or(def.opcode);
        let mut args = self.cx.def_args(def).map(|arg| self.term(arg));
        Some((opcode, args.next()?, args.next().unwrap_or(Absent)))
    }

    /// Bits that `x` can have set.
    fn possible_bits(&self, x: Operand) -> u64 {
        match self.def(x) {
            Some((IntZeroext, V(y), _)) => self.cx.ty(y).mask(),
            Some((CastBoolToInt, ..)) => 1,
            Some((IntAnd, _, K(mask))) => mask,
            Some((UintRshift, _, K(c))) => self.ones() >> (c % self.width()),
            _ => self.ones(),
        }
    }

    fn ones(&self) -> u64 {
        self.ty.mask()
    }

    fn min(&self) -> u64 {
        1 << (self.ty.bits() - 1)
    }

    fn max(&self) -> u64 {
        self.min() - 1
    }

    /// Shift counts are taken modulo this.
    fn width(&self) -> u64 {
        u64::from(self.ty.bits())
    }

    fn unary(&self, opcode: Opcode, x: Operand) -> Option<To> {
        match opcode {
            IntNeg | IntInvert | IntBswap => self.int_unary(opcode, x),
            IntSignext | IntZeroext | IntTrunc => self.widths(opcode, x),
            BoolNot => self.bool_not(x),
            FloatNeg | FloatAbs | MathFloor | MathCeil | MathTrunc => self.float_unary(opcode, x),
            // x is true: x != 0
            IntIsTrue => Some(two(IntNe, x, K(0))),
            // x is zero: x == 0
            IntIsZero => Some(two(IntEq, x, K(0))),
            SameAs => Some(is(V(x))),
            _ => self.there_and_back(opcode, x),
        }
    }

    fn int_unary(&self, opcode: Opcode, x: Operand) -> Option<To> {
        Some(match (opcode, self.def(x)?) {
            // -(-x) == x
            (IntNeg, (IntNeg, y, _)) => is(y),
            // -(y - z) == z - y
            (IntNeg, (IntSub, V(y), V(z))) => two(IntSub, z, V(y)),
            // -(k - y) == y - k
            (IntNeg, (IntSub, K(k), V(y))) => two(IntAdd, y, K(k.wrapping_neg())),
            // -(y + k) == -k - y
            (IntNeg, (IntAdd, V(y), K(k))) => sub_from(k.wrapping_neg(), y),
            // !!x == x
            (IntInvert, (IntInvert, y, _)) => is(y),
            // bswap(bswap(x)) == x
            (IntBswap, (IntBswap, y, _)) => is(y),
            _ => return None,
        })
    }

    fn widths(&self, opcode: Opcode, x: Operand) -> Option<To> {
        let (inner, V(y), b) = self.def(x)? else { return None };
        let from = self.cx.ty(y);
        Some(match (opcode, inner, b) {
            // A boolean is 0 or 1 at every width.
            (_, CastBoolToInt, _) => one(CastBoolToInt, y),
            // Narrowed back to what it was.
            (IntTrunc, IntZeroext | IntSignext, _) if from == self.res => is(V(y)),
            // Narrowed to less than it was: the wider bits do not matter.
            (IntTrunc, IntZeroext | IntSignext, _) if from.bits() > self.res.bits() => {
                one(IntTrunc, y)
            }
            // Narrowed to more than it was: widened by less.
            (IntTrunc, IntZeroext | IntSignext, _) => one(inner, y),
            // Narrowed twice.
            (IntTrunc, IntTrunc, _) => one(IntTrunc, y),
            // The mask keeps all bits that are left.
            (IntTrunc, IntAnd, K(mask)) if !mask & self.res.mask() == 0 => one(IntTrunc, y),
            // Widened twice in the same way.
            (IntZeroext, IntZeroext, _) | (IntSignext, IntSignext, _) => one(inner, y),
            // Its sign bit is 0 already.
            (IntSignext, IntZeroext, _) => one(IntZeroext, y),
            _ => return None,
        })
    }

    fn bool_not(&self, x: Operand) -> Option<To> {
        Some(match self.def(x)? {
            // !!b == b
            (BoolNot, y, _) => is(y),
            // !(a < b) == (a >= b)
            (opcode, V(a), b) => two(complement(opcode)?, a, b),
            _ => return None,
        })
    }

    fn float_unary(&self, opcode: Opcode, x: Operand) -> Option<To> {
        Some(match (opcode, self.def(x)?) {
            // -(-x) == x
            (FloatNeg, (FloatNeg, y, _)) => is(y),
            // ||x|| == |x|
            (FloatAbs, (FloatAbs, ..)) => is(V(x)),
            // |-x| == |x|
            (FloatAbs, (FloatNeg, V(y), _)) => one(FloatAbs, y),
            // x is whole already
            (MathFloor | MathCeil | MathTrunc, (inner, ..)) if is_whole(inner) => is(V(x)),
            _ => return None,
        })
    }

    /// A conversion and its inverse.
    fn there_and_back(&self, opcode: Opcode, x: Operand) -> Option<To> {
        let (inner, V(y), _) = self.def(x)? else { return None };
        let from = self.cx.ty(y);
        let inverse = match (opcode, inner) {
            (CastIntToPtr, CastPtrToInt) | (CastPtrToInt, CastIntToPtr) => true,
            (ConvertFloatBytesToInt, ConvertIntBytesToFloat) => true,
            (ConvertIntBytesToFloat, ConvertFloatBytesToInt) => true,
            // Every integer of that width is a float.
            (CastFloatToInt, CastIntToFloat) | (CastFloatToUint, CastUintToFloat) => {
                from.bits() <= if self.ty == Ty::F64 { 53 } else { 24 }
            }
            _ => false,
        };
        (inverse && from == self.res).then_some(is(V(y)))
    }

    fn binary(&self, opcode: Opcode, a: Operand, b: Operand) -> Option<To> {
        let (x, y) = (self.term(a), self.term(b));
        if let (K(_), V(_)) = (x, y) {
            // k + x == x + k
            if is_commutative(opcode) {
                return Some(two(opcode, b, x));
            }
            // k < x == x > k
            if let Some(opcode) = swapped(opcode) {
                return Some(two(opcode, b, x));
            }
        }
        match opcode {
            IntAdd | IntSub => self.add_sub(opcode, a, x, y),
            IntMul | IntMulHigh | UintMulHigh => self.mul(opcode, a, y),
            IntDiv | IntMod | UintDiv | UintMod => self.div(opcode, a, x, y),
            IntAnd | IntOr | IntXor => self.bitwise(opcode, a, x, y),
            IntLshift | IntRshift | UintRshift | IntRotl => self.shift(opcode, a, x, y),
            IntEq | IntNe => self.equality(opcode, a, y).or_else(|| self.compare(opcode, a, x, y)),
            IntLt | IntLe | IntGt | IntGe | UintLt | UintLe | UintGt | UintGe => {
                self.compare(opcode, a, x, y)
            }
            BoolAnd | BoolOr | BoolXor => self.boolean(opcode, a, x, y),
            FloatAdd | FloatSub | FloatMul | FloatTruediv => self.float(opcode, a, y),
            PtrAdd => self.ptr_add(a, y),
            // p == p
            PtrEq if x == y => Some(is(TRUE)),
            PtrNe if x == y => Some(is(FALSE)),
            _ if opcode.effect() == Effect::Overflow => self.overflow(opcode, x, y),
            _ => None,
        }
    }

    fn add_sub(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        let def = |term| if let V(value) = term { self.def(value) } else { None };
        Some(match (opcode, x, y) {
            // x + 0 == x
            (IntAdd | IntSub, _, K(0)) => is(x),
            // x - x == 0
            (IntSub, _, _) if x == y => is(K(0)),
            // 0 - x == -x
            (IntSub, K(0), V(x)) => one(IntNeg, x),
            // x - k == x + -k
            (IntSub, _, K(k)) => two(IntAdd, a, K(k.wrapping_neg())),
            _ => match (opcode, x, y, def(x), def(y)) {
                // (z + j) + k == z + (j + k)
                (IntAdd, _, K(k), Some((IntAdd, V(z), K(j))), _) => {
                    two(IntAdd, z, K(j.wrapping_add(k)))
                }
                // (j - z) + k == (j + k) - z
                (IntAdd, _, K(k), Some((IntSub, K(j), V(z))), _) => sub_from(j.wrapping_add(k), z),
                // k - (z + j) == (k - j) - z
                (IntSub, K(k), _, _, Some((IntAdd, V(z), K(j)))) => sub_from(k.wrapping_sub(j), z),
                // k - (j - z) == z + (k - j)
                (IntSub, K(k), _, _, Some((IntSub, K(j), V(z)))) => {
                    two(IntAdd, z, K(k.wrapping_sub(j)))
                }
                // (z - y) + y == z
                (IntAdd, _, _, Some((IntSub, z, w)), _) if w == y => is(z),
                // x + (z - x) == z
                (IntAdd, _, _, _, Some((IntSub, z, w))) if w == x => is(z),
                // x + -z == x - z
                (IntAdd, V(x), _, _, Some((IntNeg, z, _))) => two(IntSub, x, z),
                // -z + y == y - z
                (IntAdd, _, V(y), Some((IntNeg, z, _)), _) => two(IntSub, y, z),
                // x - -z == x + z
                (IntSub, V(x), _, _, Some((IntNeg, z, _))) => two(IntAdd, x, z),
                // (z + y) - y == z
                (IntSub, _, _, Some((IntAdd, z, w)), _) if w == y => is(z),
                // (y + z) - y == z
                (IntSub, _, _, Some((IntAdd, w, z)), _) if w == y => is(z),
                // x - (x - z) == z
                (IntSub, _, _, _, Some((IntSub, w, z))) if w == x => is(z),
                // x - (x + k) == -k
                (IntSub, _, _, _, Some((IntAdd, w, K(k)))) if w == x => is(K(k.wrapping_neg())),
                // x - (x + z) == -z
                (IntSub, _, _, _, Some((IntAdd, w, V(z)))) if w == x => one(IntNeg, z),
                // x - (z + x) == -z
                (IntSub, _, _, _, Some((IntAdd, V(z), w))) if w == x => one(IntNeg, z),
                // (y - z) - y == -z
                (IntSub, _, _, Some((IntSub, w, V(z))), _) if w == y => one(IntNeg, z),
                _ => return None,
            },
        })
    }

    fn mul(&self, opcode: Opcode, a: Operand, y: Term) -> Option<To> {
        let K(k) = y else { return None };
        Some(match (opcode, self.def(a)) {
            // x * 0 == 0
            _ if k == 0 => is(K(0)),
            // x * 1 == x
            (IntMul, _) if k == 1 => is(V(a)),
            // x * -1 == -x
            (IntMul, _) if k == self.ones() => one(IntNeg, a),
            // (z * j) * k == z * (j * k)
            (IntMul, Some((IntMul, V(z), K(j)))) => two(IntMul, z, K(j.wrapping_mul(k))),
            // x * 2^n == x << n
            (IntMul, _) => two(IntLshift, a, K(log2(k)?)),
            // The high half of x * 1 is x's sign.
            (IntMulHigh, _) if k == 1 => two(IntRshift, a, K(self.width() - 1)),
            (UintMulHigh, _) if k == 1 => is(K(0)),
            // The high half of x * 2^n is x >> (width - n).
            (UintMulHigh, _) => two(UintRshift, a, K(self.width() - log2(k)?)),
            _ => return None,
        })
    }

    fn div(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        Some(match (opcode, x, y) {
            // 0 / x == 0, 0 % x == 0
            (_, K(0), V(_)) => is(K(0)),
            // x / x == 1
            (IntDiv | UintDiv, V(_), _) if x == y => is(K(1)),
            // x % x == 0
            (IntMod | UintMod, V(_), _) if x == y => is(K(0)),
            // x / 1 == x
            (IntDiv | UintDiv, _, K(1)) => is(x),
            // x % 1 == 0
            (IntMod | UintMod, _, K(1)) => is(K(0)),
            // x / -1 == -x
            (IntDiv, _, K(k)) if k == self.ones() => one(IntNeg, a),
            // x % -1 == 0
            (IntMod, _, K(k)) if k == self.ones() => is(K(0)),
            // x / 2^n == x >> n
            (UintDiv, _, K(k)) => two(UintRshift, a, K(log2(k)?)),
            // x % 2^n == x & (2^n - 1)
            (UintMod, _, K(k)) if k.is_power_of_two() => two(IntAnd, a, K(k - 1)),
            _ => return None,
        })
    }

    fn bitwise(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        Some(match (opcode, x, y) {
            // x & 0 == 0
            (IntAnd, _, K(0)) => is(K(0)),
            // x | 0 == x, x ^ 0 == x
            (IntOr | IntXor, _, K(0)) => is(x),
            // x & x == x, x | x == x
            (IntAnd | IntOr, _, _) if x == y => is(x),
            // x ^ x == 0
            (IntXor, _, _) if x == y => is(K(0)),
            // x | -1 == -1
            (IntOr, _, K(k)) if k == self.ones() => is(K(k)),
            // x ^ -1 == !x
            (IntXor, _, K(k)) if k == self.ones() => one(IntInvert, a),
            // x & k == x if k has all bits that x can have
            (IntAnd, _, K(k)) if self.possible_bits(a) & !k == 0 => is(x),
            _ => match (opcode, y, self.def(a)) {
                // (z & j) & k == z & (j & k)
                (IntAnd, K(k), Some((IntAnd, V(z), K(j)))) => two(IntAnd, z, K(j & k)),
                // (z | j) | k == z | (j | k)
                (IntOr, K(k), Some((IntOr, V(z), K(j)))) => two(IntOr, z, K(j | k)),
                // (z ^ j) ^ k == z ^ (j ^ k)
                (IntXor, K(k), Some((IntXor, V(z), K(j)))) => two(IntXor, z, K(j ^ k)),
                // (z ^ y) ^ y == z
                (IntXor, V(_), Some((IntXor, z, w))) if w == y => is(z),
                // (y ^ z) ^ y == z
                (IntXor, V(_), Some((IntXor, w, z))) if w == y => is(z),
                _ => return None,
            },
        })
    }

    fn shift(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        let width = self.width();
        let k = match y {
            // x << 0 == x
            K(0) => return Some(is(x)),
            // x << k == x << (k % width)
            K(k) if width <= k => return Some(two(opcode, a, K(k % width))),
            K(k) => k,
            V(count) => return self.shift_by_value(opcode, a, x, count),
            Absent => return None,
        };
        let (inner, V(z), K(j)) = self.def(a)? else { return None };
        let j = j % width;
        Some(match (opcode, inner) {
            // (z << j) << k == z << (j + k), or 0 if no bit is left
            (IntLshift, IntLshift) | (UintRshift, UintRshift) if j + k < width => {
                two(opcode, z, K(j + k))
            }
            (IntLshift, IntLshift) | (UintRshift, UintRshift) => is(K(0)),
            // (z >> j) >> k == z >> (j + k), where the sign is all that is left in the end
            (IntRshift, IntRshift) => two(IntRshift, z, K((j + k).min(width - 1))),
            (IntRotl, IntRotl) => two(IntRotl, z, K((j + k) % width)),
            // (z << k) >> k has the low bits of z
            (UintRshift, IntLshift) if j == k => two(IntAnd, z, K(self.ones() >> k)),
            // (z >> k) << k has the high bits of z
            (IntLshift, UintRshift | IntRshift) if j == k => two(IntAnd, z, K(self.ones() << k)),
            _ => return None,
        })
    }

    fn shift_by_value(&self, opcode: Opcode, a: Operand, x: Term, count: Operand) -> Option<To> {
        let low = self.width() - 1;
        match (opcode, x, self.def(count)) {
            // 0 << x == 0
            (_, K(0), _) => Some(is(K(0))),
            // -1 >> x == -1
            (IntRshift | IntRotl, K(k), _) if k == self.ones() => Some(is(x)),
            // x << (z & mask) == x << z if the mask is the one that the operation applies
            (_, _, Some((IntAnd, z @ V(_), K(mask)))) if !mask & low == 0 => {
                Some(two(opcode, a, z))
            }
            _ => None,
        }
    }

    fn equality(&self, opcode: Opcode, a: Operand, y: Term) -> Option<To> {
        let K(k) = y else { return None };
        let differs = if opcode == IntNe { TRUE } else { FALSE };
        Some(match self.def(a)? {
            // z + j == k: z == k - j
            (IntAdd, V(z), K(j)) => two(opcode, z, K(k.wrapping_sub(j))),
            // j - z == k: z == j - k
            (IntSub, K(j), V(z)) => two(opcode, z, K(j.wrapping_sub(k))),
            // z - w == 0: z == w
            (IntSub | IntXor, V(z), w @ V(_)) if k == 0 => two(opcode, z, w),
            // z ^ j == k: z == j ^ k
            (IntXor, V(z), K(j)) => two(opcode, z, K(j ^ k)),
            // -z == k: z == -k
            (IntNeg, V(z), _) => two(opcode, z, K(k.wrapping_neg())),
            // !z == k: z == !k
            (IntInvert, V(z), _) => two(opcode, z, K(!k)),
            // A widened z compares as z, or never.
            (IntZeroext, V(z), _) if k <= self.cx.ty(z).mask() => two(opcode, z, K(k)),
            (IntZeroext, ..) => is(differs),
            (IntSignext, V(z), _) => {
                let ty = self.cx.ty(z);
                let fits = self.ty.sign_extend(k) == ty.sign_extend(k);
                if fits { two(opcode, z, K(k)) } else { is(differs) }
            }
            _ => return None,
        })
    }

    fn compare(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        if x == y {
            let reflexive = matches!(opcode, IntEq | IntLe | IntGe | UintLe | UintGe);
            return Some(is(if reflexive { TRUE } else { FALSE }));
        }
        let K(k) = y else { return None };
        Some(match opcode {
            // Nothing is less than the least value, or greater than the greatest.
            IntLt if k == self.min() => is(FALSE),
            IntGe if k == self.min() => is(TRUE),
            IntGt if k == self.max() => is(FALSE),
            IntLe if k == self.max() => is(TRUE),
            UintLt if k == 0 => is(FALSE),
            UintGe if k == 0 => is(TRUE),
            UintGt if k == self.ones() => is(FALSE),
            UintLe if k == self.ones() => is(TRUE),
            // Only 0 is less than 1 without sign.
            UintLt if k == 1 => two(IntEq, a, K(0)),
            UintGe if k == 1 => two(IntNe, a, K(0)),
            UintGt if k == 0 => two(IntNe, a, K(0)),
            UintLe if k == 0 => two(IntEq, a, K(0)),
            // Only the greatest is not less than the greatest.
            UintLt if k == self.ones() => two(IntNe, a, y),
            UintGe if k == self.ones() => two(IntEq, a, y),
            _ => return self.compare_bool(opcode, a, k),
        })
    }

    /// A comparison of a boolean, cast to an integer, with a constant: it is decided by computing
    /// both cases.
    fn compare_bool(&self, opcode: Opcode, a: Operand, k: u64) -> Option<To> {
        let (CastBoolToInt, V(b), _) = self.def(a)? else { return None };
        let case = |b: u64| {
            let args = [Const::new(self.ty, b), Const::new(self.ty, k)];
            eval::fold(opcode, Ty::Bool, &args).map(|res| res.bits == 1)
        };
        Some(match (case(0)?, case(1)?) {
            (false, true) => is(V(b)),
            (true, false) => one(BoolNot, b),
            (false, false) => is(FALSE),
            (true, true) => is(TRUE),
        })
    }

    fn boolean(&self, opcode: Opcode, a: Operand, x: Term, y: Term) -> Option<To> {
        Some(match (opcode, y) {
            // b & b == b, b | b == b
            (BoolAnd | BoolOr, _) if x == y => is(x),
            // b ^ b == false
            (BoolXor, _) if x == y => is(FALSE),
            // b & true == b, b | false == b, b ^ false == b
            (BoolAnd, TRUE) | (BoolOr | BoolXor, FALSE) => is(x),
            // b & false == false
            (BoolAnd, FALSE) => is(FALSE),
            // b | true == true
            (BoolOr, TRUE) => is(TRUE),
            // b ^ true == !b
            (BoolXor, TRUE) => one(BoolNot, a),
            _ => return None,
        })
    }

    fn float(&self, opcode: Opcode, a: Operand, y: Term) -> Option<To> {
        let K(bits) = y else { return None };
        let k = self.float_value(bits);
        let equals = |value: f64| k.to_bits() == value.to_bits();
        Some(match opcode {
            // x * 1.0 == x, x / 1.0 == x
            FloatMul | FloatTruediv if equals(1.0) => is(V(a)),
            // x - 0.0 == x, also for -0.0
            FloatSub if equals(0.0) => is(V(a)),
            // x + -0.0 == x, also for 0.0
            FloatAdd if equals(-0.0) => is(V(a)),
            // x / 2^n == x * 2^-n
            FloatTruediv => two(FloatMul, a, K(self.exact_reciprocal(k)?)),
            _ => return None,
        })
    }

    fn float_value(&self, bits: u64) -> f64 {
        match self.ty {
            Ty::F32 => f32::from_bits(bits as u32).into(),
            _ => f64::from_bits(bits),
        }
    }

    /// The bits of 1 / `k`, if that is exact and normal.
    fn exact_reciprocal(&self, k: f64) -> Option<u64> {
        let is_power = k.to_bits() << 12 == 0; // no bit but sign and exponent
        let reciprocal = match self.ty {
            Ty::F32 => {
                Some((k as f32).recip()).filter(|r| r.is_normal()).map(|r| r.to_bits().into())
            }
            _ => Some(k.recip()).filter(|r| r.is_normal()).map(f64::to_bits),
        };
        reciprocal.filter(|_| is_power)
    }

    fn ptr_add(&self, p: Operand, distance: Term) -> Option<To> {
        Some(match (distance, self.def(p)) {
            // p + 0 == p
            (K(0), _) => is(V(p)),
            // (q + j) + k == q + (j + k)
            (K(k), Some((PtrAdd, V(q), K(j)))) => two(PtrAdd, q, K(j.wrapping_add(k))),
            _ => return None,
        })
    }

    fn overflow(&self, opcode: Opcode, x: Term, y: Term) -> Option<To> {
        Some(match (opcode, y) {
            // x + 0 == x, x - 0 == x
            (IntAddOvf | UintAddOvf | IntSubOvf | UintSubOvf, K(0)) => no_overflow(x),
            // x - x == 0
            (IntSubOvf | UintSubOvf, _) if x == y => no_overflow(K(0)),
            // x * 0 == 0
            (IntMulOvf | UintMulOvf, K(0)) => no_overflow(K(0)),
            // x * 1 == x
            (IntMulOvf | UintMulOvf, K(1)) => no_overflow(x),
            _ => return None,
        })
    }
}

fn log2(k: u64) -> Option<u64> {
    k.is_power_of_two().then(|| k.trailing_zeros().into())
}

/// Yields floats without a fraction.
fn is_whole(opcode: Opcode) -> bool {
    matches!(opcode, CastIntToFloat | CastUintToFloat | MathFloor | MathCeil | MathTrunc)
}
