//! Operators of the twin. Each computes the concrete result as Rust does, panics included, and
//! records what a trace must do to compute the same.

use super::place::Local;
use super::rec::Rec;
use super::text::Text;
use super::value::{Kind, Scalar, Traced, constant_of};
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::{Arg, Lane};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Whether the author's crate checks `+ - *` and shifts for overflow.
pub type Checks = bool;

pub(crate) fn pure<T: Scalar, const N: usize>(
    rec: Rec,
    op: Opcode,
    args: [Arg; N],
    res: T,
) -> Traced<T> {
    let lane = rec.op(op, &args, constant_of(res));
    Traced::scalar(res, lane)
}

/// Integers of up to 64 bits.
pub trait Int: Compare + std::fmt::Display {
    /// `iN` rather than `uN`.
    const SIGNED: bool;
    /// Number of bits.
    const BITS: u32;
    /// Zero.
    const ZERO: Self;
    /// The smallest value.
    const MIN: Self;
    /// The largest value.
    const MAX: Self;
    /// Wrapping addition, and whether it overflowed.
    fn add_ovf(self, other: Self) -> (Self, bool);
    /// Wrapping subtraction, and whether it overflowed.
    fn sub_ovf(self, other: Self) -> (Self, bool);
    /// Wrapping multiplication, and whether it overflowed.
    fn mul_ovf(self, other: Self) -> (Self, bool);
    /// Wrapping division; the divisor is not zero.
    fn div_wrap(self, other: Self) -> Self;
    /// Wrapping remainder; the divisor is not zero.
    fn rem_wrap(self, other: Self) -> Self;
    /// Shift left by a count below the width.
    fn shl_low(self, count: u32) -> Self;
    /// Shift right by a count below the width.
    fn shr_low(self, count: u32) -> Self;
    /// The value as `i128`.
    fn wide(self) -> i128;
    /// `-1`, for signed types.
    fn is_minus_one(self) -> bool;
}

macro_rules! int {
    ($($ty:ident $signed:literal;)*) => {$(
        impl Int for $ty {
            const SIGNED: bool = $signed;
            const BITS: u32 = $ty::BITS;
            const ZERO: Self = 0;
            const MIN: Self = $ty::MIN;
            const MAX: Self = $ty::MAX;
            #[inline]
            fn add_ovf(self, other: Self) -> (Self, bool) { self.overflowing_add(other) }
            #[inline]
            fn sub_ovf(self, other: Self) -> (Self, bool) { self.overflowing_sub(other) }
            #[inline]
            fn mul_ovf(self, other: Self) -> (Self, bool) { self.overflowing_mul(other) }
            #[inline]
            fn div_wrap(self, other: Self) -> Self { self.wrapping_div(other) }
            #[inline]
            fn rem_wrap(self, other: Self) -> Self { self.wrapping_rem(other) }
            #[inline]
            fn shl_low(self, count: u32) -> Self { self.wrapping_shl(count) }
            #[inline]
            fn shr_low(self, count: u32) -> Self { self.wrapping_shr(count) }
            #[inline]
            fn wide(self) -> i128 { self as i128 }
            #[inline]
            fn is_minus_one(self) -> bool { $signed && self.wide() == -1 }
        }
    )*};
}

int! {
    i8 true; i16 true; i32 true; i64 true; isize true;
    u8 false; u16 false; u32 false; u64 false; usize false;
}

/// The three operations that may overflow.
#[derive(Clone, Copy)]
pub(crate) enum OvfOp {
    Add,
    Sub,
    Mul,
}

impl OvfOp {
    pub(crate) fn eval<T: Int>(self, a: T, b: T) -> (T, bool) {
        match self {
            OvfOp::Add => a.add_ovf(b),
            OvfOp::Sub => a.sub_ovf(b),
            OvfOp::Mul => a.mul_ovf(b),
        }
    }

    pub(crate) fn wrapping(self) -> Opcode {
        match self {
            OvfOp::Add => Opcode::IntAdd,
            OvfOp::Sub => Opcode::IntSub,
            OvfOp::Mul => Opcode::IntMul,
        }
    }

    pub(crate) fn checked(self, signed: bool) -> Opcode {
        match (self, signed) {
            (OvfOp::Add, true) => Opcode::IntAddOvf,
            (OvfOp::Sub, true) => Opcode::IntSubOvf,
            (OvfOp::Mul, true) => Opcode::IntMulOvf,
            (OvfOp::Add, false) => Opcode::UintAddOvf,
            (OvfOp::Sub, false) => Opcode::UintSubOvf,
            (OvfOp::Mul, false) => Opcode::UintMulOvf,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            OvfOp::Add => "add",
            OvfOp::Sub => "subtract",
            OvfOp::Mul => "multiply",
        }
    }
}

/// `a + b`, wrapping.
pub(crate) fn wrapping<T: Int>(rec: Rec, op: OvfOp, a: &Traced<T>, b: &Traced<T>) -> Traced<T> {
    let (res, _) = op.eval(a.get(), b.get());
    pure(rec, op.wrapping(), [a.arg(), b.arg()], res)
}

/// `a + b` and whether it overflowed, which the trace then takes for granted.
pub(crate) fn guarded<T: Int>(
    rec: Rec,
    op: OvfOp,
    a: &Traced<T>,
    b: &Traced<T>,
) -> (Traced<T>, bool) {
    rec.step();
    let (res, overflowed) = op.eval(a.get(), b.get());
    let opcode = op.checked(T::SIGNED);
    let lane = rec.op_ovf(opcode, &[a.arg(), b.arg()], constant_of(res), overflowed);
    (Traced::scalar(res, lane), overflowed)
}

#[track_caller]
fn int_arith<T: Int>(rec: Rec, checks: Checks, op: OvfOp, a: Traced<T>, b: Traced<T>) -> Traced<T> {
    if !checks {
        return wrapping(rec, op, &a, &b);
    }
    if op.eval(a.get(), b.get()).1 {
        rec.step();
        panic!("attempt to {} with overflow", op.verb());
    }
    guarded(rec, op, &a, &b).0
}

#[track_caller]
fn int_div<T: Int>(rec: Rec, a: Traced<T>, b: Traced<T>, rem: bool) -> Traced<T> {
    check_divisor(rec, &a, &b, rem);
    let (res, opcode) = match (rem, T::SIGNED) {
        (false, true) => (a.get().div_wrap(b.get()), Opcode::IntDiv),
        (false, false) => (a.get().div_wrap(b.get()), Opcode::UintDiv),
        (true, true) => (a.get().rem_wrap(b.get()), Opcode::IntMod),
        (true, false) => (a.get().rem_wrap(b.get()), Opcode::UintMod),
    };
    pure(rec, opcode, [a.arg(), b.arg()], res)
}

#[track_caller]
fn check_divisor<T: Int>(rec: Rec, a: &Traced<T>, b: &Traced<T>, rem: bool) {
    rec.step();
    if b.get() == T::ZERO {
        match rem {
            false => panic!("attempt to divide by zero"),
            true => panic!("attempt to calculate the remainder with a divisor of zero"),
        }
    }
    guard_differs(rec, b, T::ZERO);
    if !T::SIGNED {
        return;
    }
    // MIN / -1: with another divisor, the dividend does not matter.
    rec.step();
    if !b.get().is_minus_one() {
        let minus_one = Const::new(T::TY, u64::MAX);
        return guard_differs_const(rec, b.arg(), minus_one);
    }
    rec.guard_one_of_many(equals(rec, b.arg(), Const::new(T::TY, u64::MAX)));
    if a.get() == T::MIN {
        match rem {
            false => panic!("attempt to divide with overflow"),
            true => panic!("attempt to calculate the remainder with overflow"),
        }
    }
    rec.guard_one_of_many(differs(rec, a.arg(), constant_of(T::MIN)));
}

fn guard_differs<T: Int>(rec: Rec, a: &Traced<T>, b: T) {
    guard_differs_const(rec, a.arg(), constant_of(b));
}

fn guard_differs_const(rec: Rec, a: Arg, b: Const) {
    rec.guard_one_of_many(differs(rec, a, b));
}

fn differs(rec: Rec, a: Arg, b: Const) -> Arg {
    let res = Const::new(Ty::Bool, u64::from(a.bits != b.bits));
    Arg::of(rec.op_silently(Opcode::IntNe, &[a, Arg::of(Lane::CONST, b)], res), res)
}

pub(crate) fn equals(rec: Rec, a: Arg, b: Const) -> Arg {
    let res = Const::new(Ty::Bool, u64::from(a.bits == b.bits));
    Arg::of(rec.op_silently(Opcode::IntEq, &[a, Arg::of(Lane::CONST, b)], res), res)
}

/// `+ - * / %`.
#[diagnostic::on_unimplemented(
    message = "arithmetic on `{Self}` cannot be traced",
    note = "traced functions compute with integers and floats; put other arithmetic into a function of its own, which is then called"
)]
pub trait Arith: Scalar {
    /// `a + b`.
    fn add(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a - b`.
    fn sub(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a * b`.
    fn mul(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a / b`.
    fn div(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a % b`.
    fn rem(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `-a`.
    fn neg(rec: Rec, checks: Checks, a: Traced<Self>) -> Traced<Self>;
}

macro_rules! int_arith {
    ($($ty:ident)*) => {$(
        impl Arith for $ty {
            #[inline]
            #[track_caller]
            fn add(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                int_arith(rec, checks, OvfOp::Add, a, b)
            }
            #[inline]
            #[track_caller]
            fn sub(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                int_arith(rec, checks, OvfOp::Sub, a, b)
            }
            #[inline]
            #[track_caller]
            fn mul(rec: Rec, checks: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                int_arith(rec, checks, OvfOp::Mul, a, b)
            }
            #[inline]
            #[track_caller]
            fn div(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                int_div(rec, a, b, false)
            }
            #[inline]
            #[track_caller]
            fn rem(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                int_div(rec, a, b, true)
            }
            #[track_caller]
            fn neg(rec: Rec, checks: Checks, a: Traced<Self>) -> Traced<Self> {
                if checks {
                    rec.step();
                    if a.get() == <$ty as Int>::MIN {
                        panic!("attempt to negate with overflow");
                    }
                    rec.guard_bool(differs(rec, a.arg(), constant_of(<$ty as Int>::MIN)));
                }
                pure(rec, Opcode::IntNeg, [a.arg()], (0 as $ty).wrapping_sub(a.get()))
            }
        }
    )*};
}

int_arith! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

macro_rules! float_arith {
    ($($ty:ident)*) => {$(
        impl Arith for $ty {
            fn add(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::FloatAdd, [a.arg(), b.arg()], a.get() + b.get())
            }
            fn sub(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::FloatSub, [a.arg(), b.arg()], a.get() - b.get())
            }
            fn mul(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::FloatMul, [a.arg(), b.arg()], a.get() * b.get())
            }
            fn div(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::FloatTruediv, [a.arg(), b.arg()], a.get() / b.get())
            }
            fn rem(rec: Rec, _: Checks, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                let site = super::CallSite { name: "%", site: "float remainder", elidable: true, ..super::CallSite::PLAIN };
                super::call::residual2(rec, &site, a, b, |a: $ty, b: $ty| a % b)
            }
            fn neg(rec: Rec, _: Checks, a: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::FloatNeg, [a.arg()], -a.get())
            }
        }
    )*};
}

float_arith! { f32 f64 }

/// The operands of an operator. The operators are methods: the place of a panic is that of a method's
/// name.
pub struct Operands<A, B>(pub Traced<A>, pub Traced<B>);

/// The operand of a sign.
pub struct Operand<A>(pub Traced<A>);

/// Arithmetic on numbers.
pub trait NumberArith<T> {
    /// `a + b`.
    fn add(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a - b`.
    fn sub(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a * b`.
    fn mul(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a / b`.
    fn div(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a % b`.
    fn rem(&self, rec: Rec, checks: Checks) -> Traced<T>;
}

/// Arithmetic with references to numbers.
pub trait ReferenceArith<T> {
    /// `a + b`.
    fn add(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a - b`.
    fn sub(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a * b`.
    fn mul(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a / b`.
    fn div(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a % b`.
    fn rem(&self, rec: Rec, checks: Checks) -> Traced<T>;
}

macro_rules! number_arith {
    ($($name:ident)*) => {
        impl<T: Arith> NumberArith<T> for &&Operands<T, T> {
            $(#[track_caller]
            fn $name(&self, rec: Rec, checks: Checks) -> Traced<T> {
                T::$name(rec, checks, self.0.dup(), self.1.dup())
            })*
        }

        impl<T: Arith> ReferenceArith<T> for &Operands<&T, T> {
            $(#[track_caller]
            fn $name(&self, rec: Rec, checks: Checks) -> Traced<T> {
                T::$name(rec, checks, self.0.place(rec).read(rec), self.1.dup())
            })*
        }

        impl<T: Arith> ReferenceArith<T> for &Operands<T, &T> {
            $(#[track_caller]
            fn $name(&self, rec: Rec, checks: Checks) -> Traced<T> {
                T::$name(rec, checks, self.0.dup(), self.1.place(rec).read(rec))
            })*
        }

        impl<T: Arith> ReferenceArith<T> for &Operands<&T, &T> {
            $(#[track_caller]
            fn $name(&self, rec: Rec, checks: Checks) -> Traced<T> {
                T::$name(rec, checks, self.0.place(rec).read(rec), self.1.place(rec).read(rec))
            })*
        }
    };
}

number_arith! { add sub mul div rem }

/// Shifts of numbers.
pub trait NumberShift<T> {
    /// `a << b`.
    fn shl(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a >> b`.
    fn shr(&self, rec: Rec, checks: Checks) -> Traced<T>;
}

impl<T: Int, U: Int> NumberShift<T> for &&Operands<T, U> {
    #[track_caller]
    fn shl(&self, rec: Rec, checks: Checks) -> Traced<T> {
        shl(rec, checks, self.0.dup(), self.1.dup())
    }

    #[track_caller]
    fn shr(&self, rec: Rec, checks: Checks) -> Traced<T> {
        shr(rec, checks, self.0.dup(), self.1.dup())
    }
}

/// Shifts with references to numbers.
pub trait ReferenceShift<T> {
    /// `a << b`.
    fn shl(&self, rec: Rec, checks: Checks) -> Traced<T>;
    /// `a >> b`.
    fn shr(&self, rec: Rec, checks: Checks) -> Traced<T>;
}

/// Bit operations with references to numbers.
pub trait ReferenceBits<T> {
    /// `a & b`.
    fn and(&self, rec: Rec) -> Traced<T>;
    /// `a | b`.
    fn or(&self, rec: Rec) -> Traced<T>;
    /// `a ^ b`.
    fn xor(&self, rec: Rec) -> Traced<T>;
}

impl<T: Int, U: Int> ReferenceShift<T> for &Operands<&T, U> {
    #[track_caller]
    fn shl(&self, rec: Rec, checks: Checks) -> Traced<T> {
        shl(rec, checks, self.0.place(rec).read(rec), self.1.dup())
    }

    #[track_caller]
    fn shr(&self, rec: Rec, checks: Checks) -> Traced<T> {
        shr(rec, checks, self.0.place(rec).read(rec), self.1.dup())
    }
}

macro_rules! bits_of_references {
    ($($a:ty, $b:ty: |$this:ident, $rec:ident| $left:expr, $right:expr;)*) => {$(
        impl<T: Bits> ReferenceBits<T> for &Operands<$a, $b> {
            fn and(&self, $rec: Rec) -> Traced<T> {
                let $this = self;
                T::and($rec, $left, $right)
            }

            fn or(&self, $rec: Rec) -> Traced<T> {
                let $this = self;
                T::or($rec, $left, $right)
            }

            fn xor(&self, $rec: Rec) -> Traced<T> {
                let $this = self;
                T::xor($rec, $left, $right)
            }
        }
    )*};
}

bits_of_references! {
    &T, T: |this, rec| this.0.place(rec).read(rec), this.1.dup();
    T, &T: |this, rec| this.0.dup(), this.1.place(rec).read(rec);
    &T, &T: |this, rec| this.0.place(rec).read(rec), this.1.place(rec).read(rec);
}

/// Bit operations on numbers.
pub trait NumberBits<T> {
    /// `a & b`.
    fn and(&self, rec: Rec) -> Traced<T>;
    /// `a | b`.
    fn or(&self, rec: Rec) -> Traced<T>;
    /// `a ^ b`.
    fn xor(&self, rec: Rec) -> Traced<T>;
}

impl<T: Bits> NumberBits<T> for &&Operands<T, T> {
    fn and(&self, rec: Rec) -> Traced<T> {
        T::and(rec, self.0.dup(), self.1.dup())
    }

    fn or(&self, rec: Rec) -> Traced<T> {
        T::or(rec, self.0.dup(), self.1.dup())
    }

    fn xor(&self, rec: Rec) -> Traced<T> {
        T::xor(rec, self.0.dup(), self.1.dup())
    }
}

/// Signs of numbers.
pub trait NumberSign<T> {
    /// `-a`.
    fn neg(&self, rec: Rec, checks: Checks) -> Traced<T>;
}

impl<T: Arith> NumberSign<T> for &Operand<T> {
    #[track_caller]
    fn neg(&self, rec: Rec, checks: Checks) -> Traced<T> {
        T::neg(rec, checks, self.0.dup())
    }
}

/// Complements of numbers.
pub trait NumberNot<T> {
    /// `!a`.
    fn not(&self, rec: Rec) -> Traced<T>;
}

impl<T: Bits> NumberNot<T> for &Operand<T> {
    fn not(&self, rec: Rec) -> Traced<T> {
        T::not(rec, self.0.dup())
    }
}

/// Operands whose types are parameters of a generic function, as the scalars that they turn out to be.
macro_rules! same_scalars {
    (scalar $($rest:tt)*) => {
        same_scalars!(@ [bool char i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64] $($rest)*)
    };
    (number $($rest:tt)*) => {
        same_scalars!(@ [i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64] $($rest)*)
    };
    (bits $($rest:tt)*) => {
        same_scalars!(@ [bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize] $($rest)*)
    };
    (@ [$($ty:ident)*] $a:expr, $b:expr, $A:ident, $B:ident, |$x:ident, $y:ident| $body:expr) => {{
        let ids = (typeid::of::<$A>(), typeid::of::<$B>());
        match () {
            $(() if ids == (typeid::of::<$ty>(), typeid::of::<$ty>()) => {
                let ($x, $y) = ($a.scalar_as::<$ty>(), $b.scalar_as::<$ty>());
                Some($body)
            })*
            () => None,
        }
    }};
}

/// An operator on two equal scalars, as the result of an operator that is not known to be of them.
macro_rules! on_same {
    (number $name:ident $rec:ident $a:ident $b:ident $checks:ident) => {
        Arith::$name($rec, $checks, $a, $b).named()
    };
    (bits $name:ident $rec:ident $a:ident $b:ident) => {
        Bits::$name($rec, $a, $b).named()
    };
}

macro_rules! any_operators {
    ($($trait:ident $name:ident $std:ident $method:ident $op:tt ($($checks:ident)?) $(of $kind:ident $([$flag:ident])?)?;)*) => {$(
        #[doc = concat!("`", stringify!($op), "` of other types, by a call.")]
        pub trait $trait<A, B> {
            /// The operator.
            fn $name(&self, rec: Rec $(, $checks: Checks)?) -> Traced<A::Output>
            where
                A: std::ops::$std<B>;
        }

        impl<A, B> $trait<A, B> for Operands<A, B> {
            #[track_caller]
            fn $name(&self, rec: Rec $(, $checks: Checks)?) -> Traced<A::Output>
            where
                A: std::ops::$std<B>,
            {
                $(let _ = $checks;)?
                $(if let Some(res) = same_scalars!($kind self.0, self.1, A, B, |a, b| on_same!($kind $name rec a b $($flag)?)) {
                    return res;
                })?
                let site = super::CallSite { name: stringify!($op), site: std::any::type_name::<A>(), elidable: false, ..super::CallSite::PLAIN };
                super::call::residual(rec, &site, (self.0.take(), self.1.take()), |(a, b): (A, B)| a $op b)
            }
        }
    )*};
}

any_operators! {
    AnyAdd add Add add + (checks) of number [checks];
    AnySub sub Sub sub - (checks) of number [checks];
    AnyMul mul Mul mul * (checks) of number [checks];
    AnyDiv div Div div / (checks) of number [checks];
    AnyRem rem Rem rem % (checks) of number [checks];
    AnyShl shl Shl shl << (checks);
    AnyShr shr Shr shr >> (checks);
    AnyAnd and BitAnd bitand & () of bits;
    AnyOr or BitOr bitor | () of bits;
    AnyXor xor BitXor bitxor ^ () of bits;
}

/// `-` of other types, by a call.
pub trait AnyNeg<A> {
    /// The operator.
    fn neg(&self, rec: Rec, checks: Checks) -> Traced<A::Output>
    where
        A: std::ops::Neg;
}

impl<A> AnyNeg<A> for Operand<A> {
    fn neg(&self, rec: Rec, _: Checks) -> Traced<A::Output>
    where
        A: std::ops::Neg,
    {
        let site = super::CallSite {
            name: "-",
            site: std::any::type_name::<A>(),
            elidable: false,
            ..super::CallSite::PLAIN
        };
        super::call::residual(rec, &site, (self.0.take(),), |(a,): (A,)| -a)
    }
}

/// `!` of other types, by a call.
pub trait AnyNot<A> {
    /// The operator.
    fn not(&self, rec: Rec) -> Traced<A::Output>
    where
        A: std::ops::Not;
}

impl<A> AnyNot<A> for Operand<A> {
    fn not(&self, rec: Rec) -> Traced<A::Output>
    where
        A: std::ops::Not,
    {
        let site = super::CallSite {
            name: "!",
            site: std::any::type_name::<A>(),
            elidable: false,
            ..super::CallSite::PLAIN
        };
        super::call::residual(rec, &site, (self.0.take(),), |(a,): (A,)| !a)
    }
}

/// All that an operator may be, for `use`.
pub mod operators {
    pub use super::{
        AnyAdd as _, AnyAnd as _, AnyCast as _, AnyComparison as _, AnyDiv as _, AnyMul as _,
        AnyNeg as _, AnyNot as _, AnyOr as _, AnyRem as _, AnyShl as _, AnyShr as _, AnySub as _,
        AnyXor as _, NumberArith as _, NumberBits as _, NumberCast as _, NumberComparison as _,
        NumberNot as _, NumberShift as _, NumberSign as _, ReferenceArith as _, ReferenceBits as _,
        ReferenceComparison as _, ReferenceShift as _, TextComparison as _,
    };
}

/// `& | ^ !`.
#[diagnostic::on_unimplemented(message = "bit operations on `{Self}` cannot be traced")]
pub trait Bits: Scalar {
    /// `a & b`.
    fn and(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a | b`.
    fn or(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `a ^ b`.
    fn xor(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self>;
    /// `!a`.
    fn not(rec: Rec, a: Traced<Self>) -> Traced<Self>;
}

macro_rules! bits {
    ($($ty:ident: $and:ident $or:ident $xor:ident $not:ident;)*) => {$(
        impl Bits for $ty {
            fn and(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::$and, [a.arg(), b.arg()], a.get() & b.get())
            }
            fn or(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::$or, [a.arg(), b.arg()], a.get() | b.get())
            }
            fn xor(rec: Rec, a: Traced<Self>, b: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::$xor, [a.arg(), b.arg()], a.get() ^ b.get())
            }
            fn not(rec: Rec, a: Traced<Self>) -> Traced<Self> {
                pure(rec, Opcode::$not, [a.arg()], !a.get())
            }
        }
    )*};
}

bits! {
    bool: BoolAnd BoolOr BoolXor BoolNot;
    i8: IntAnd IntOr IntXor IntInvert;
    i16: IntAnd IntOr IntXor IntInvert;
    i32: IntAnd IntOr IntXor IntInvert;
    i64: IntAnd IntOr IntXor IntInvert;
    isize: IntAnd IntOr IntXor IntInvert;
    u8: IntAnd IntOr IntXor IntInvert;
    u16: IntAnd IntOr IntXor IntInvert;
    u32: IntAnd IntOr IntXor IntInvert;
    u64: IntAnd IntOr IntXor IntInvert;
    usize: IntAnd IntOr IntXor IntInvert;
}

/// `a << b`.
#[track_caller]
pub fn shl<T: Int, U: Int>(rec: Rec, checks: Checks, a: Traced<T>, b: Traced<U>) -> Traced<T> {
    let count = shift_count::<T, U>(rec, checks, &b, "left");
    let res = a.get().shl_low(count.bits as u32);
    pure(rec, Opcode::IntLshift, [a.arg(), count], res)
}

/// `a >> b`.
#[track_caller]
pub fn shr<T: Int, U: Int>(rec: Rec, checks: Checks, a: Traced<T>, b: Traced<U>) -> Traced<T> {
    let count = shift_count::<T, U>(rec, checks, &b, "right");
    let res = a.get().shr_low(count.bits as u32);
    let opcode = if T::SIGNED { Opcode::IntRshift } else { Opcode::UintRshift };
    pure(rec, opcode, [a.arg(), count], res)
}

/// The count as a value of the shifted type, below its width.
#[track_caller]
fn shift_count<T: Int, U: Int>(rec: Rec, checks: Checks, b: &Traced<U>, side: &str) -> Arg {
    let in_range = (0..i128::from(T::BITS)).contains(&b.get().wide());
    if checks {
        rec.step();
        if !in_range {
            panic!("attempt to shift {side} with overflow");
        }
        let limit = Arg::constant(U::TY, u64::from(T::BITS));
        let res = Const::new(Ty::Bool, 1);
        let lane = rec.op_silently(Opcode::UintLt, &[b.arg(), limit], res);
        rec.guard_bool(Arg::of(lane, res));
    }
    let count = b.arg();
    let low = Const::new(T::TY, count.bits & u64::from(T::BITS - 1));
    if T::TY == U::TY {
        // Without checks the operation itself takes the count modulo the width.
        return Arg::of(count.lane, if in_range { count.concrete() } else { low });
    }
    let wide = Const::new(T::TY, count.bits);
    let opcode = if T::BITS < U::BITS { Opcode::IntTrunc } else { Opcode::IntZeroext };
    let lane = rec.op_silently(opcode, &[count], wide);
    Arg::of(lane, low)
}

/// `== != < <= > >=`.
#[diagnostic::on_unimplemented(
    message = "comparing `{Self}` cannot be traced",
    note = "traced functions compare integers, floats, `bool` and `char`; put other comparisons into a function of its own, which is then called"
)]
pub trait Compare: Scalar + PartialOrd {}

impl Compare for bool {}
impl Compare for char {}
impl Compare for f32 {}
impl Compare for f64 {}

macro_rules! compare_int {
    ($($ty:ident)*) => { $(impl Compare for $ty {})* };
}

compare_int! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// Two values that are compared; both stay with their owners.
pub struct Compared<A, B>(pub Traced<A>, pub Traced<B>);

/// Comparisons of numbers.
pub trait NumberComparison {
    /// `a == b`.
    fn eq(&self, rec: Rec) -> Traced<bool>;
    /// `a != b`.
    fn ne(&self, rec: Rec) -> Traced<bool>;
    /// `a < b`.
    fn lt(&self, rec: Rec) -> Traced<bool>;
    /// `a <= b`.
    fn le(&self, rec: Rec) -> Traced<bool>;
    /// `a > b`.
    fn gt(&self, rec: Rec) -> Traced<bool>;
    /// `a >= b`.
    fn ge(&self, rec: Rec) -> Traced<bool>;
}

/// Comparisons of references to numbers.
pub trait ReferenceComparison {
    /// `a == b`.
    fn eq(&self, rec: Rec) -> Traced<bool>;
    /// `a != b`.
    fn ne(&self, rec: Rec) -> Traced<bool>;
    /// `a < b`.
    fn lt(&self, rec: Rec) -> Traced<bool>;
    /// `a <= b`.
    fn le(&self, rec: Rec) -> Traced<bool>;
    /// `a > b`.
    fn gt(&self, rec: Rec) -> Traced<bool>;
    /// `a >= b`.
    fn ge(&self, rec: Rec) -> Traced<bool>;
}

/// Equality of strings and of slices of integers, of what holds them, and of references to these.
pub trait TextComparison {
    /// `a == b`.
    fn eq(&self, rec: Rec) -> Traced<bool>;
    /// `a != b`.
    fn ne(&self, rec: Rec) -> Traced<bool>;
}

impl<A: Text, B: Text<Item = A::Item>> TextComparison for &Compared<A, B> {
    fn eq(&self, rec: Rec) -> Traced<bool> {
        let (mut a, mut b) = (self.0.peek(), self.1.peek());
        super::text::equal(rec, a.as_place(), b.as_place())
    }

    fn ne(&self, rec: Rec) -> Traced<bool> {
        bool::not(rec, self.eq(rec))
    }
}

/// Comparisons of anything else, by calls.
pub trait AnyComparison<A, B> {
    /// `a == b`.
    fn eq(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialEq<B>;
    /// `a != b`.
    fn ne(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialEq<B>;
    /// `a < b`.
    fn lt(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialOrd<B>;
    /// `a <= b`.
    fn le(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialOrd<B>;
    /// `a > b`.
    fn gt(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialOrd<B>;
    /// `a >= b`.
    fn ge(&self, rec: Rec) -> Traced<bool>
    where
        A: PartialOrd<B>;
}

macro_rules! comparisons {
    ($($name:ident $op:tt $bound:ident;)*) => {
        impl<T: Compare> NumberComparison for &&Compared<T, T> {
            $(fn $name(&self, rec: Rec) -> Traced<bool> {
                $name(rec, self.0.dup(), self.1.dup())
            })*
        }

        impl<T: Compare> ReferenceComparison for &Compared<&T, &T> {
            $(fn $name(&self, rec: Rec) -> Traced<bool> {
                $name(rec, self.0.place(rec).read(rec), self.1.place(rec).read(rec))
            })*
        }

        impl<A, B> AnyComparison<A, B> for Compared<A, B> {
            $(fn $name(&self, rec: Rec) -> Traced<bool>
            where
                A: $bound<B>,
            {
                if let Some(res) = same_scalars!(scalar self.0, self.1, A, B, |a, b| $name(rec, a, b)) {
                    return res;
                }
                let site = super::CallSite { name: stringify!($op), site: std::any::type_name::<A>(), elidable: false, ..super::CallSite::PLAIN };
                let args = (self.0.peek(), self.1.peek());
                super::call::residual(rec, &site, args, |(a, b): (A, B)| {
                    let (a, b) = (std::mem::ManuallyDrop::new(a), std::mem::ManuallyDrop::new(b));
                    *a $op *b
                })
            })*
        }
    };
}

comparisons! {
    eq == PartialEq;
    ne != PartialEq;
    lt < PartialOrd;
    le <= PartialOrd;
    gt > PartialOrd;
    ge >= PartialOrd;
}

macro_rules! comparison {
    ($($(#[doc = $doc:literal])* $name:ident $op:tt: $signed:ident $unsigned:ident $float:ident;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name<T: Compare>(rec: Rec, a: Traced<T>, b: Traced<T>) -> Traced<bool> {
            let opcode = const {
                match T::KIND {
                    Kind::Signed => Opcode::$signed,
                    Kind::Unsigned | Kind::Char | Kind::Pointer | Kind::Bool => Opcode::$unsigned,
                    Kind::Float => Opcode::$float,
                }
            };
            compare(rec, opcode, [a.arg(), b.arg()], a.get() $op b.get())
        }
    )*};
}

comparison! {
    /// `a == b`.
    eq ==: IntEq IntEq FloatEq;
    /// `a != b`.
    ne !=: IntNe IntNe FloatNe;
    /// `a < b`.
    lt <: IntLt UintLt FloatLt;
    /// `a <= b`.
    le <=: IntLe UintLe FloatLe;
    /// `a > b`.
    gt >: IntGt UintGt FloatGt;
    /// `a >= b`.
    ge >=: IntGe UintGe FloatGe;
}

/// Booleans compare as the bytes 0 and 1.
fn compare(rec: Rec, opcode: Opcode, operands: [Arg; 2], res: bool) -> Traced<bool> {
    let number = |operand: Arg| match operand.ty {
        Ty::Bool => {
            let concrete = Const::new(Ty::I8, operand.bits);
            Arg::of(rec.op_silently(Opcode::CastBoolToInt, &[operand], concrete), concrete)
        }
        _ => operand,
    };
    pure(rec, opcode, operands.map(number), res)
}

/// A value to be cast to `B`.
pub struct Casting<A, B>(pub Traced<A>, pub PhantomData<fn() -> B>);

/// What [`Casting`] starts from; the goal follows from the use.
pub fn casting<A, B>(a: Traced<A>) -> Casting<A, B> {
    Casting(a, PhantomData)
}

/// Casts between numbers.
pub trait NumberCast<A, B> {
    /// `a as B`.
    fn cast(&self, rec: Rec, plain: impl Fn(A) -> B + Copy) -> Traced<B>;
}

impl<A: Scalar, B: Scalar> NumberCast<A, B> for &Casting<A, B> {
    fn cast(&self, rec: Rec, _: impl Fn(A) -> B + Copy) -> Traced<B> {
        cast(rec, self.0.dup())
    }
}

/// All other casts: of enums, and with pointers.
pub trait AnyCast<A, B> {
    /// `a as B`.
    fn cast(&self, rec: Rec, plain: impl Fn(A) -> B + Copy) -> Traced<B>;
}

impl<A, B> AnyCast<A, B> for Casting<A, B> {
    fn cast(&self, rec: Rec, plain: impl Fn(A) -> B + Copy) -> Traced<B> {
        let is_address = |name: &str| {
            name.starts_with(['*', '&']) || matches!(name, "usize" | "isize" | "u64" | "i64")
        };
        let (from, to) = (std::any::type_name::<A>(), std::any::type_name::<B>());
        let same_bits = size_of::<A>() == 8 && size_of::<B>() == 8;
        if same_bits && is_address(from) && is_address(to) {
            // An address stays the same bytes, whatever it is called.
            let lanes = self.0.lanes();
            return Traced::new(MaybeUninit::new(plain(self.0.take().into_plain())), lanes);
        }
        let site =
            super::CallSite { name: "as", site: to, elidable: true, ..super::CallSite::PLAIN };
        super::call::residual(rec, &site, (self.0.take(),), move |(a,): (A,)| plain(a))
    }
}

/// The type in which an `as` cast starts or ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repr {
    ty: Ty,
    kind: Kind,
}

/// Whether two values are equal, if their type turns out to be one of scalars.
pub(crate) fn scalars_equal<T>(rec: Rec, a: &Traced<T>, b: &Traced<T>) -> Option<Traced<bool>> {
    same_scalars!(scalar a, b, T, T, |a, b| eq(rec, a, b))
}

impl Repr {
    /// Of a type that turns out to be a scalar.
    pub(crate) fn of<T>() -> Option<Repr> {
        let id = typeid::of::<T>();
        macro_rules! one_of {
            ($($ty:ident)*) => {
                match () {
                    $(() if id == typeid::of::<$ty>() => {
                        Some(Repr { ty: <$ty as Scalar>::TY, kind: <$ty as Scalar>::KIND })
                    })*
                    () => None,
                }
            };
        }
        one_of! { bool char i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 }
    }

    pub(crate) fn ty(self) -> Ty {
        self.ty
    }

    pub(crate) fn is_signed(self) -> bool {
        self.kind == Kind::Signed
    }

    /// The least and the greatest integer, if it is one of integers.
    pub(crate) fn range(self) -> Option<(i128, i128)> {
        let bits = 8 * self.ty.bytes();
        match self.kind {
            Kind::Signed => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Kind::Unsigned => Some((0, (1 << bits) - 1)),
            _ => None,
        }
    }
}

/// `a as B`.
pub fn cast<A: Scalar, B: Scalar>(rec: Rec, a: Traced<A>) -> Traced<B> {
    let from = Repr { ty: A::TY, kind: A::KIND };
    let to = Repr { ty: B::TY, kind: B::KIND };
    let arg = cast_arg(rec, a.arg(), from, to);
    Traced::scalar(B::of_bits(arg.bits), arg.lane)
}

/// A scalar as one of another type.
pub(crate) fn cast_arg(rec: Rec, a: Arg, from: Repr, to: Repr) -> Arg {
    if (from.kind, to.kind) == (Kind::Bool, Kind::Float) {
        let byte = Repr { ty: Ty::I8, kind: Kind::Unsigned };
        let a = cast_arg(rec, a, from, byte);
        return cast_arg(rec, a, byte, to);
    }
    let concrete = Const::new(to.ty, cast_bits(from, to, a.bits));
    let lane = match cast_opcode(from, to) {
        None => a.lane,
        Some(opcode) => rec.op(opcode, &[a], concrete),
    };
    Arg::of(lane, concrete)
}

fn cast_opcode(from: Repr, to: Repr) -> Option<Opcode> {
    Some(match (from.kind, to.kind) {
        (Kind::Bool, Kind::Bool) => return None,
        (Kind::Bool, _) => Opcode::CastBoolToInt,
        (Kind::Float, Kind::Float) if from.ty == to.ty => return None,
        (Kind::Float, Kind::Float) if to.ty == Ty::F32 => Opcode::CastFloatToSinglefloat,
        (Kind::Float, Kind::Float) => Opcode::CastSinglefloatToFloat,
        (Kind::Float, Kind::Signed) => Opcode::CastFloatToInt,
        (Kind::Float, _) => Opcode::CastFloatToUint,
        (Kind::Signed, Kind::Float) => Opcode::CastIntToFloat,
        (_, Kind::Float) => Opcode::CastUintToFloat,
        _ if from.ty == to.ty => return None,
        _ if to.ty.bytes() < from.ty.bytes() => Opcode::IntTrunc,
        (Kind::Signed, _) => Opcode::IntSignext,
        _ => Opcode::IntZeroext,
    })
}

fn cast_bits(from: Repr, to: Repr, bits: u64) -> u64 {
    let float = match from.ty {
        Ty::F32 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    };
    match (from.kind, to.kind) {
        (Kind::Float, Kind::Float) => float_bits(to.ty, float),
        (Kind::Float, Kind::Signed) => match to.ty {
            Ty::I8 => float as i8 as u64,
            Ty::I16 => float as i16 as u64,
            Ty::I32 => float as i32 as u64,
            _ => float as i64 as u64,
        },
        (Kind::Float, _) => match to.ty {
            Ty::I8 => u64::from(float as u8),
            Ty::I16 => u64::from(float as u16),
            Ty::I32 => u64::from(float as u32),
            _ => float as u64,
        },
        // Directly to the type: through `f64`, an `f32` would be rounded twice.
        (Kind::Signed, Kind::Float) => match to.ty {
            Ty::F32 => u64::from((from.ty.sign_extend(bits) as f32).to_bits()),
            _ => (from.ty.sign_extend(bits) as f64).to_bits(),
        },
        (_, Kind::Float) => match to.ty {
            Ty::F32 => u64::from((bits as f32).to_bits()),
            _ => (bits as f64).to_bits(),
        },
        (Kind::Signed, _) => from.ty.sign_extend(bits) as u64,
        _ => bits,
    }
}

fn float_bits(ty: Ty, float: f64) -> u64 {
    match ty {
        Ty::F32 => u64::from((float as f32).to_bits()),
        _ => float.to_bits(),
    }
}

/// `if`, `while`, `&&`, `||`: the way taken, as a plain `bool`.
#[inline]
pub fn branch(rec: Rec, cond: Traced<bool>) -> bool {
    rec.step();
    rec.guard_bool(cond.arg());
    cond.get()
}

/// Promotes a value: the lane of the constant, or nothing where it has had too many values.
pub(crate) fn promote_few(rec: Rec, value: Arg) -> Option<Lane> {
    rec.step();
    (!rec.varies()).then(|| rec.guard_value(value))
}

/// The range of a `for` loop.
pub struct Range<T: Int> {
    next: Traced<T>,
    end: Traced<T>,
    closed: bool,
    done: bool,
}

impl<T: Int> Range<T> {
    /// `start..end`.
    pub fn half_open(start: Traced<T>, end: Traced<T>) -> Range<T> {
        Range { next: start, end, closed: false, done: false }
    }

    /// `start..=end`.
    pub fn closed(start: Traced<T>, end: Traced<T>) -> Range<T> {
        Range { next: start, end, closed: true, done: false }
    }

    /// The next item.
    pub fn next(&mut self, rec: Rec) -> Option<Traced<T>> {
        let (item, end) = (self.next.dup(), self.end.dup());
        let in_range = match self.closed {
            false => lt(rec, item.dup(), end.dup()),
            true => le(rec, item.dup(), end.dup()),
        };
        if self.done || !branch(rec, in_range) {
            return None;
        }
        // The last item of a closed range may be the largest value there is.
        if self.closed && branch(rec, eq(rec, item.dup(), end)) {
            self.done = true;
        } else {
            let one = Traced::scalar(T::of_bits(1), Lane::CONST);
            self.next = wrapping(rec, OvfOp::Add, &item, &one);
        }
        Some(item)
    }

    /// The last item.
    pub(crate) fn next_back(&mut self, rec: Rec) -> Option<Traced<T>> {
        let (start, end) = (self.next.dup(), self.end.dup());
        let in_range = match self.closed {
            false => lt(rec, start.dup(), end.dup()),
            true => le(rec, start.dup(), end.dup()),
        };
        if self.done || !branch(rec, in_range) {
            return None;
        }
        let one = Traced::scalar(T::of_bits(1), Lane::CONST);
        if !self.closed {
            self.end = wrapping(rec, OvfOp::Sub, &end, &one);
            return Some(self.end.dup());
        }
        if branch(rec, eq(rec, start, end.dup())) {
            self.done = true;
        } else {
            self.end = wrapping(rec, OvfOp::Sub, &end, &one);
        }
        Some(end)
    }
}
