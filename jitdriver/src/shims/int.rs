//! Methods of integers.

use crate::plumbing::ops::{self, Arith, Bits, Int, OvfOp};
use crate::plumbing::{Rec, StdTwin, Traced};
use metainterp::ir::{Const, Opcode};
use metainterp::record::{Arg, Lane};

type Unary<T, R = T> = StdTwin<fn(Rec, Traced<T>) -> Traced<R>>;
type Binary<T, R = T> = StdTwin<fn(Rec, Traced<T>, Traced<T>) -> Traced<R>>;
type Shift<T> = StdTwin<fn(Rec, Traced<T>, Traced<u32>) -> Traced<T>>;

macro_rules! shims {
    ($(#[$meta:meta])* $trait:ident<$t:ident: $($bound:path)|+> { $($(#[$doc:meta])* $name:ident: $token:ty = $twin:expr;)* }) => {
        $(#[$meta])*
        #[allow(missing_docs)]
        pub trait $trait: Sized $(+ $bound)+ {
            $($(#[$doc])* fn $name(&self) -> $token;)*
        }
        impl<$t: $($bound +)+> $trait for $t {
            $(fn $name(&self) -> $token { StdTwin($twin) })*
        }
    };
}

shims! {
    /// Methods of all integers.
    IntShims<Self_: Int | Arith | Bits> {
        __jit_wrapping_add: Binary<Self> = |rec, a, b| ops::wrapping(rec, OvfOp::Add, &a, &b);
        __jit_wrapping_sub: Binary<Self> = |rec, a, b| ops::wrapping(rec, OvfOp::Sub, &a, &b);
        __jit_wrapping_mul: Binary<Self> = |rec, a, b| ops::wrapping(rec, OvfOp::Mul, &a, &b);
        __jit_wrapping_neg: Unary<Self> = |rec, a| Arith::neg(rec, false, a);
        __jit_wrapping_shl: Shift<Self> = |rec, a, n| ops::shl(rec, false, a, n);
        __jit_wrapping_shr: Shift<Self> = |rec, a, n| ops::shr(rec, false, a, n);
        __jit_checked_add: Binary<Self, Option<Self>> = |rec, a, b| checked(rec, OvfOp::Add, a, b);
        __jit_checked_sub: Binary<Self, Option<Self>> = |rec, a, b| checked(rec, OvfOp::Sub, a, b);
        __jit_checked_mul: Binary<Self, Option<Self>> = |rec, a, b| checked(rec, OvfOp::Mul, a, b);
        __jit_checked_div: Binary<Self, Option<Self>> = |rec, a, b| checked_div(rec, a, b, Arith::div);
        __jit_checked_rem: Binary<Self, Option<Self>> = |rec, a, b| checked_div(rec, a, b, Arith::rem);
        __jit_overflowing_add: Binary<Self, (Self, bool)> = |rec, a, b| overflowing(rec, OvfOp::Add, a, b);
        __jit_overflowing_sub: Binary<Self, (Self, bool)> = |rec, a, b| overflowing(rec, OvfOp::Sub, a, b);
        __jit_overflowing_mul: Binary<Self, (Self, bool)> = |rec, a, b| overflowing(rec, OvfOp::Mul, a, b);
        __jit_saturating_add: Binary<Self> = |rec, a, b| saturating(rec, OvfOp::Add, a, b);
        __jit_saturating_sub: Binary<Self> = |rec, a, b| saturating(rec, OvfOp::Sub, a, b);
        __jit_saturating_mul: Binary<Self> = |rec, a, b| saturating(rec, OvfOp::Mul, a, b);
        __jit_rotate_left: Shift<Self> = |rec, a, n| rotate(rec, a, n, true);
        __jit_rotate_right: Shift<Self> = |rec, a, n| rotate(rec, a, n, false);
        __jit_leading_zeros: Unary<Self, u32> = |rec, a| count(rec, Opcode::IntClz, a);
        __jit_trailing_zeros: Unary<Self, u32> = |rec, a| count(rec, Opcode::IntCtz, a);
        __jit_count_ones: Unary<Self, u32> = |rec, a| count(rec, Opcode::IntPopcount, a);
    }
}

/// Methods of signed integers.
#[allow(missing_docs)]
pub trait SignedShims: Sized {
    fn __jit_wrapping_abs(&self) -> Unary<Self>
    where
        Self: crate::plumbing::Traceable;
    fn __jit_is_negative(&self) -> Unary<Self, bool>
    where
        Self: crate::plumbing::Traceable;
    fn __jit_is_positive(&self) -> Unary<Self, bool>
    where
        Self: crate::plumbing::Traceable;
}

macro_rules! signed {
    ($($ty:ident)*) => {$(
        impl SignedShims for $ty {
            fn __jit_wrapping_abs(&self) -> Unary<Self> {
                StdTwin(|rec, a| match ops::branch(rec, ops::lt(rec, a.dup(), Traced::constant(0))) {
                    true => Arith::neg(rec, false, a),
                    false => a,
                })
            }
            fn __jit_is_negative(&self) -> Unary<Self, bool> {
                StdTwin(|rec, a| ops::lt(rec, a, Traced::constant(0)))
            }
            fn __jit_is_positive(&self) -> Unary<Self, bool> {
                StdTwin(|rec, a| ops::gt(rec, a, Traced::constant(0)))
            }
        }
    )*};
}

signed! { i8 i16 i32 i64 isize }

fn checked<T: Int>(rec: Rec, op: OvfOp, a: Traced<T>, b: Traced<T>) -> Traced<Option<T>> {
    match ops::guarded(rec, op, &a, &b) {
        (_, true) => Traced::constant(None),
        (sum, false) => Traced::some(sum),
    }
}

/// `None` exactly where the operator would panic.
fn checked_div<T: Int>(
    rec: Rec,
    a: Traced<T>,
    b: Traced<T>,
    divide: fn(Rec, bool, Traced<T>, Traced<T>) -> Traced<T>,
) -> Traced<Option<T>> {
    rec.step();
    let zero = ops::equals(rec, b.arg(), Const::new(T::TY, 0));
    rec.guard_one_of_many(zero);
    let overflows = T::SIGNED && a.get() == T::MIN && b.get().is_minus_one();
    if b.get() == T::ZERO {
        return Traced::constant(None);
    }
    if overflows {
        rec.guard_value(a.arg());
        rec.guard_value(b.arg());
        return Traced::constant(None);
    }
    Traced::some(divide(rec, false, a, b))
}

/// The flag is data: a guest's carry flag must not become a guard.
fn overflowing<T: Int + Bits>(
    rec: Rec,
    op: OvfOp,
    a: Traced<T>,
    b: Traced<T>,
) -> Traced<(T, bool)> {
    let res = ops::wrapping(rec, op, &a, &b);
    let (_, flag) = op.eval(a.get(), b.get());
    let lane = match (op, T::SIGNED) {
        (OvfOp::Add, false) => ops::lt(rec, res.dup(), a).lane(),
        (OvfOp::Sub, false) => ops::lt(rec, a, b).lane(),
        // Both operands differ in sign from the sum; of a difference, the first does, and they differ.
        (OvfOp::Add, true) => {
            sign_of(rec, Bits::xor(rec, a, res.dup()), Bits::xor(rec, b, res.dup()))
        }
        (OvfOp::Sub, true) => {
            sign_of(rec, Bits::xor(rec, a.dup(), b), Bits::xor(rec, a, res.dup()))
        }
        (OvfOp::Mul, signed) => product_overflows(rec, a, b, &res, signed),
    };
    use crate::plumbing::Parts;
    (res, Traced::scalar(flag, lane)).join()
}

fn sign_of<T: Int + Bits>(rec: Rec, a: Traced<T>, b: Traced<T>) -> Lane {
    let both = Bits::and(rec, a, b);
    ops::lt(rec, both, Traced::constant(T::ZERO)).lane()
}

/// The high half of the product is not the extension of the low half.
fn product_overflows<T: Int>(
    rec: Rec,
    a: Traced<T>,
    b: Traced<T>,
    low: &Traced<T>,
    signed: bool,
) -> Lane {
    let wide = a.get().wide() * b.get().wide();
    let high = Const::new(T::TY, (wide >> T::BITS) as u64);
    let opcode = if signed { Opcode::IntMulHigh } else { Opcode::UintMulHigh };
    let lane = rec.op(opcode, &[a.arg(), b.arg()], high);
    let high = Arg::of(lane, high);
    let extension = if signed {
        let count = Arg::constant(T::TY, u64::from(T::BITS - 1));
        let res = Const::new(T::TY, (T::TY.sign_extend(low.arg().bits) >> 63) as u64);
        Arg::of(rec.op(Opcode::IntRshift, &[low.arg(), count], res), res)
    } else {
        Arg::constant(T::TY, 0)
    };
    let differs = Const::new(metainterp::ir::Ty::Bool, u64::from(high.bits != extension.bits));
    rec.op(Opcode::IntNe, &[high, extension], differs)
}

fn saturating<T: Int>(rec: Rec, op: OvfOp, a: Traced<T>, b: Traced<T>) -> Traced<T> {
    match ops::guarded(rec, op, &a, &b) {
        (res, false) => res,
        (_, true) if !T::SIGNED => match op {
            OvfOp::Sub => Traced::constant(T::MIN),
            _ => Traced::constant(T::MAX),
        },
        (_, true) => saturated(rec, op, a, b),
    }
}

/// Which end a signed result went over follows from the operands' signs.
fn saturated<T: Int>(rec: Rec, op: OvfOp, a: Traced<T>, b: Traced<T>) -> Traced<T> {
    let negative = |x: Traced<T>| {
        let sign = Const::new(metainterp::ir::Ty::Bool, u64::from(x.get() < T::ZERO));
        let zero = Arg::constant(T::TY, 0);
        let lane = rec.op(Opcode::IntLt, &[x.arg(), zero], sign);
        rec.guard_one_of_many(Arg::of(lane, sign));
        sign.bits == 1
    };
    let a_negative = negative(a);
    let below = match op {
        OvfOp::Add | OvfOp::Sub => a_negative,
        OvfOp::Mul => a_negative != negative(b),
    };
    Traced::constant(if below { T::MIN } else { T::MAX })
}

fn rotate<T: Int>(rec: Rec, a: Traced<T>, count: Traced<u32>, left: bool) -> Traced<T> {
    let width = T::BITS;
    let count = match left {
        true => count,
        // Right by n is left by -n, modulo the width.
        false => Arith::neg(rec, false, count),
    };
    let amount = count.get() % width;
    let (bits, mask) = (a.arg().bits, T::TY.mask());
    let rotated =
        if amount == 0 { bits } else { (bits << amount | bits >> (width - amount)) & mask };
    let count: Traced<T> = ops::cast(rec, count);
    let lane = rec.op(Opcode::IntRotl, &[a.arg(), count.arg()], Const::new(T::TY, rotated));
    Traced::scalar(T::of_bits(rotated), lane)
}

fn count<T: Int>(rec: Rec, opcode: Opcode, a: Traced<T>) -> Traced<u32> {
    let bits = a.arg().bits;
    let n = match opcode {
        Opcode::IntClz => bits.leading_zeros() - (64 - T::BITS),
        Opcode::IntCtz => bits.trailing_zeros().min(T::BITS),
        _ => bits.count_ones(),
    };
    let lane = rec.op(opcode, &[a.arg()], Const::new(T::TY, u64::from(n)));
    let narrow: Traced<T> = Traced::scalar(T::of_bits(u64::from(n)), lane);
    ops::cast(rec, narrow)
}
