//! Methods of numbers that no single operation is for, and conversions between scalars.
//!
//! What has no operation is a call by value that is folded where its operands are constant. What may
//! panic does so as the author's own call, which is made where the arguments are such.

use crate::plumbing::ops::{self, Arith, Bits, Compare, Int, OvfOp};
use crate::plumbing::{
    Assoc, CallSite, Method, Place, Rec, Residual, Scalar, StdTwin, Target, Traced,
};
use metainterp::record::Lane;
use std::cmp::Ordering;

type Unary<T, R = T> = StdTwin<fn(Rec, Traced<T>) -> Traced<R>>;
type Binary<T, B = T, R = T> = StdTwin<fn(Rec, Traced<T>, Traced<B>) -> Traced<R>>;
type OfRef<T, R = T> = StdTwin<fn(Rec, Place<T>) -> Traced<R>>;

/// A call of what depends on its arguments only.
macro_rules! elidable {
    ($rec:ident, ($($arg:ident: $ty:ty),+) $name:literal => $body:expr) => {{
        let site = CallSite { name: $name, site: "std", elidable: true, ..CallSite::PLAIN };
        crate::plumbing::residual($rec, &site, ($($arg,)+), |($($arg,)+): ($($ty,)+)| $body)
    }};
}

fn one_if(rec: Rec, condition: Traced<bool>) -> bool {
    ops::branch(rec, condition)
}

macro_rules! numbers {
    ($trait:ident [$($ty:ident)*] $methods:tt) => {
        numbers! { trait $trait $methods }
        $(numbers! { impl $trait $ty $methods })*
    };
    (trait $trait:ident { $($name:ident: $token:ty = |$rec:ident $(, $arg:ident)*| $body:expr;)* }) => {
        /// Methods of numbers.
        #[allow(missing_docs)]
        pub trait $trait: Sized + Scalar {
            $(fn $name(&self) -> $token;)*
        }
    };
    (impl $trait:ident $ty:ident { $($name:ident: $token:ty = |$rec:ident $(, $arg:ident)*| $body:expr;)* }) => {
        impl $trait for $ty {
            $(fn $name(&self) -> $token { StdTwin(|$rec $(, $arg)*| $body) })*
        }
    };
}

numbers! { IntNumberShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] {
    __jit_count_zeros: Unary<Self, u32> = |rec, a| elidable!(rec, (a: Self) "count_zeros" => a.count_zeros());
    __jit_leading_ones: Unary<Self, u32> = |rec, a| elidable!(rec, (a: Self) "leading_ones" => a.leading_ones());
    __jit_trailing_ones: Unary<Self, u32> = |rec, a| elidable!(rec, (a: Self) "trailing_ones" => a.trailing_ones());
    __jit_swap_bytes: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "swap_bytes" => a.swap_bytes());
    __jit_reverse_bits: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "reverse_bits" => a.reverse_bits());
    __jit_to_be: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "to_be" => a.to_be());
    __jit_to_le: Unary<Self> = |_rec, a| a;
    __jit_wrapping_pow: Binary<Self, u32> = |rec, a, n| elidable!(rec, (a: Self, n: u32) "wrapping_pow" => a.wrapping_pow(n));
    __jit_checked_pow: Binary<Self, u32, Option<Self>> = |rec, a, n| elidable!(rec, (a: Self, n: u32) "checked_pow" => a.checked_pow(n));
    __jit_saturating_pow: Binary<Self, u32> = |rec, a, n| elidable!(rec, (a: Self, n: u32) "saturating_pow" => a.saturating_pow(n));
    __jit_checked_ilog2: Unary<Self, Option<u32>> = |rec, a| elidable!(rec, (a: Self) "checked_ilog2" => a.checked_ilog2());
    __jit_checked_rem_euclid: Binary<Self, Self, Option<Self>> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "checked_rem_euclid" => a.checked_rem_euclid(b));
    __jit_checked_div_euclid: Binary<Self, Self, Option<Self>> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "checked_div_euclid" => a.checked_div_euclid(b));
    __jit_checked_shl: Binary<Self, u32, Option<Self>> = |rec, a, n| match one_if(rec, ops::lt(rec, n.dup(), Traced::constant(Self::BITS))) {
        true => Traced::some(ops::shl(rec, false, a, n)),
        false => Traced::constant(None),
    };
    __jit_checked_shr: Binary<Self, u32, Option<Self>> = |rec, a, n| match one_if(rec, ops::lt(rec, n.dup(), Traced::constant(Self::BITS))) {
        true => Traced::some(ops::shr(rec, false, a, n)),
        false => Traced::constant(None),
    };
    __jit_checked_neg: Unary<Self, Option<Self>> = |rec, a| {
        let bad = if <Self as Int>::SIGNED { Traced::constant(<Self as Int>::MIN) } else { Traced::constant(0) };
        let is = ops::eq(rec, a.dup(), bad);
        match one_if(rec, is) == <Self as Int>::SIGNED {
            true => Traced::constant(None),
            false if <Self as Int>::SIGNED => Traced::some(Arith::neg(rec, false, a)),
            false => Traced::constant(Some(0)),
        }
    };
    __jit_min: Binary<Self> = |rec, a, b| match one_if(rec, ops::lt(rec, b.dup(), a.dup())) { true => b, false => a };
    __jit_max: Binary<Self> = |rec, a, b| match one_if(rec, ops::lt(rec, b.dup(), a.dup())) { true => a, false => b };
}}

/// Comparisons that answer an `Ordering`.
#[allow(missing_docs)]
pub trait OrderShims: Sized {
    fn __jit_cmp<'a>(&self) -> OfTwo<'a, Self, Ordering>
    where
        Self: Ord;
    fn __jit_partial_cmp<'a>(&self) -> OfTwo<'a, Self, Option<Ordering>>;
}

type OfTwo<'a, T, R> = StdTwin<fn(Rec, Place<T>, Traced<&'a T>) -> Traced<R>>;

impl<T: Compare> OrderShims for T {
    fn __jit_cmp<'a>(&self) -> OfTwo<'a, T, Ordering>
    where
        T: Ord,
    {
        StdTwin(|rec, this, other| {
            let order = order(rec, this.read(rec), other.place(rec).read(rec));
            Traced::constant(order.expect("what is `Ord` has an order"))
        })
    }
    fn __jit_partial_cmp<'a>(&self) -> OfTwo<'a, T, Option<Ordering>> {
        StdTwin(|rec, this, other| {
            Traced::constant(order(rec, this.read(rec), other.place(rec).read(rec)))
        })
    }
}

/// Methods of `Ordering`.
#[allow(missing_docs)]
pub trait OrderingShims {
    fn __jit_is_eq(&self) -> OfOrdering;
    fn __jit_is_ne(&self) -> OfOrdering;
    fn __jit_is_lt(&self) -> OfOrdering;
    fn __jit_is_gt(&self) -> OfOrdering;
    fn __jit_is_le(&self) -> OfOrdering;
    fn __jit_is_ge(&self) -> OfOrdering;
}

type OfOrdering = StdTwin<fn(Rec, Place<Ordering>) -> Traced<bool>>;

macro_rules! of_ordering {
    ($($name:ident $method:ident $text:literal;)*) => {
        impl OrderingShims for Ordering {
            $(fn $name(&self) -> OfOrdering {
                StdTwin(|rec, this| {
                    let order = this.read_any(rec);
                    elidable!(rec, (order: Ordering) $text => order.$method())
                })
            })*
        }
    };
}

of_ordering! {
    __jit_is_eq is_eq "is_eq";
    __jit_is_ne is_ne "is_ne";
    __jit_is_lt is_lt "is_lt";
    __jit_is_gt is_gt "is_gt";
    __jit_is_le is_le "is_le";
    __jit_is_ge is_ge "is_ge";
}

/// The order of two numbers, which is known from here on.
fn order<T: Compare>(rec: Rec, a: Traced<T>, b: Traced<T>) -> Option<Ordering> {
    if one_if(rec, ops::lt(rec, a.dup(), b.dup())) {
        Some(Ordering::Less)
    } else if one_if(rec, ops::eq(rec, a.dup(), b.dup())) {
        Some(Ordering::Equal)
    } else if one_if(rec, ops::gt(rec, a, b)) {
        Some(Ordering::Greater)
    } else {
        None
    }
}

/// `pow`.
#[derive(Clone, Copy)]
pub struct Pow;

/// `pow` of integers.
#[allow(missing_docs)]
pub trait PowShims {
    fn __jit_pow(&self) -> Pow;
}

impl<T: Int> PowShims for T {
    fn __jit_pow(&self) -> Pow {
        Pow
    }
}

/// A trace is for one exponent, if it is not greater.
const MAX_EXPONENT: u32 = 8;

impl<'x, T: Int + 'x, FN> Method<'x, T, (Traced<u32>,), FN> for Pow
where
    FN: Fn(&'x mut Target<T>, u32) -> T + Copy,
{
    type Out = Traced<T>;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<T>,
        (n,): (Traced<u32>,),
        plain: FN,
    ) -> Traced<T> {
        let base = this.read(rec);
        if ops::branch(rec, ops::le(rec, n.dup(), Traced::constant(MAX_EXPONENT))) {
            rec.step();
            rec.guard_value(n.arg());
            if let Some(power) = power(rec, base, n.get()) {
                return power;
            }
        }
        // How an overflow ends is the author's profile's affair.
        Method::call_method(Residual, rec, site, this, (n,), plain)
    }
}

/// The power by repeated squaring; none if it overflows, which is then guarded.
fn power<T: Int>(rec: Rec, base: Traced<T>, n: u32) -> Option<Traced<T>> {
    let times = |a: &Traced<T>, b: &Traced<T>| {
        let (product, overflows) = ops::guarded(rec, OvfOp::Mul, a, b);
        (!overflows).then_some(product)
    };
    let (mut base, mut n) = (base, n);
    let mut power: Option<Traced<T>> = None;
    while n > 0 {
        if n & 1 == 1 {
            power = Some(match power {
                Some(power) => times(&power, &base)?,
                None => base.dup(),
            });
        }
        n /= 2;
        if n > 0 {
            base = times(&base, &base)?;
        }
    }
    Some(power.unwrap_or_else(|| Traced::scalar(T::of_bits(1), Lane::CONST)))
}

numbers! { UnsignedNumberShims [u8 u16 u32 u64 usize] {
    __jit_abs_diff: Binary<Self> = |rec, a, b| match one_if(rec, ops::lt(rec, a.dup(), b.dup())) {
        true => ops::wrapping(rec, OvfOp::Sub, &b, &a),
        false => ops::wrapping(rec, OvfOp::Sub, &a, &b),
    };
    __jit_is_power_of_two: Unary<Self, bool> = |rec, a| elidable!(rec, (a: Self) "is_power_of_two" => a.is_power_of_two());
}}

numbers! { SignedNumberShims [i8 i16 i32 i64 isize] {
    __jit_signum: Unary<Self> = |rec, a| {
        let zero = || Traced::constant(0);
        if one_if(rec, ops::lt(rec, a.dup(), zero())) {
            Traced::constant(-1)
        } else if one_if(rec, ops::eq(rec, a, zero())) {
            zero()
        } else {
            Traced::constant(1)
        }
    };
}}

macro_rules! signed_to_unsigned {
    ($($signed:ident $unsigned:ident;)*) => {$(
        impl AbsDiffShims<$unsigned> for $signed {
            fn __jit_unsigned_abs(&self) -> Unary<$signed, $unsigned> {
                StdTwin(|rec, a| match one_if(rec, ops::lt(rec, a.dup(), Traced::constant(0))) {
                    true => ops::cast(rec, Arith::neg(rec, false, a)),
                    false => ops::cast(rec, a),
                })
            }
            fn __jit_abs_diff(&self) -> Binary<$signed, $signed, $unsigned> {
                StdTwin(|rec, a, b| match one_if(rec, ops::lt(rec, a.dup(), b.dup())) {
                    true => ops::cast(rec, ops::wrapping(rec, OvfOp::Sub, &b, &a)),
                    false => ops::cast(rec, ops::wrapping(rec, OvfOp::Sub, &a, &b)),
                })
            }
        }
    )*};
}

/// Methods of signed integers that answer an unsigned one.
#[allow(missing_docs)]
pub trait AbsDiffShims<U>: Sized {
    fn __jit_unsigned_abs(&self) -> Unary<Self, U>;
    fn __jit_abs_diff(&self) -> Binary<Self, Self, U>;
}

signed_to_unsigned! { i8 u8; i16 u16; i32 u32; i64 u64; isize usize; }

/// Methods that panic for some arguments: then the author's own call is made.
macro_rules! guarded {
    ($($token:ident $method:ident $trait:ident [$($ty:ident)*] $args:tt |$rec:ident, $a:ident| $panics:expr => $body:expr;)*) => {$(
        /// See the method.
        #[derive(Clone, Copy)]
        pub struct $token;

        /// See the method.
        #[allow(missing_docs)]
        pub trait $trait {
            fn $method(&self) -> $token;
        }

        guarded! { each [$($ty)*] $token $method $trait $args |$rec, $a| ($panics) => ($body) }
    )*};
    (each [$($ty:ident)*] $token:ident $method:ident $trait:ident $args:tt |$rec:ident, $a:ident| $panics:tt => $body:tt) => {
        $(guarded! { one $token $method $trait $ty $args |$rec, $a| $panics => $body })*
    };
    (one $token:ident $method:ident $trait:ident $ty:ident ($($arg:ident),*) |$rec:ident, $a:ident| $panics:tt => $body:tt) => {
        impl $trait for $ty {
            fn $method(&self) -> $token {
                $token
            }
        }

        impl<'x, FN> Method<'x, $ty, ($(guarded!(@ $arg Traced<$ty>),)*), FN> for $token
        where
            FN: Fn(&'x mut Target<$ty> $(, guarded!(@ $arg $ty))*) -> $ty + Copy,
        {
            type Out = Traced<$ty>;
            fn call_method(
                self,
                $rec: Rec,
                site: &'static CallSite,
                this: Place<$ty>,
                ($($arg,)*): ($(guarded!(@ $arg Traced<$ty>),)*),
                plain: FN,
            ) -> Traced<$ty> {
                let $a = this.read($rec);
                #[allow(dead_code)]
                type Int_ = $ty;
                if one_if($rec, $panics) {
                    return Method::call_method(Residual, $rec, site, this, ($($arg,)*), plain);
                }
                $body
            }
        }
    };
    (@ $arg:ident $($ty:tt)*) => { $($ty)* };
}

guarded! {
    Abs __jit_abs AbsShims [i8 i16 i32 i64 isize] () |rec, a| ops::eq(rec, a.dup(), Traced::constant(Int_::MIN)) =>
        match one_if(rec, ops::lt(rec, a.dup(), Traced::constant(0))) {
            true => Arith::neg(rec, false, a),
            false => a,
        };
    RemEuclid __jit_rem_euclid RemEuclidShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] (b) |rec, a| divides_badly(rec, &a, &b) =>
        elidable!(rec, (a: Int_, b: Int_) "rem_euclid" => a.wrapping_rem_euclid(b));
    DivEuclid __jit_div_euclid DivEuclidShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] (b) |rec, a| divides_badly(rec, &a, &b) =>
        elidable!(rec, (a: Int_, b: Int_) "div_euclid" => a.wrapping_div_euclid(b));
    WrappingDiv __jit_wrapping_div WrappingDivShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] (b) |rec, a| divides_badly(rec, &a, &b) =>
        Arith::div(rec, false, a, b);
    WrappingRem __jit_wrapping_rem WrappingRemShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] (b) |rec, a| divides_badly(rec, &a, &b) =>
        Arith::rem(rec, false, a, b);
    Clamp __jit_clamp ClampShims [i8 i16 i32 i64 isize u8 u16 u32 u64 usize] (lo, hi) |rec, a| ops::lt(rec, hi.dup(), lo.dup()) => {
        if one_if(rec, ops::lt(rec, a.dup(), lo.dup())) {
            lo
        } else if one_if(rec, ops::lt(rec, hi.dup(), a.dup())) {
            hi
        } else {
            a
        }
    };
}

/// Division by zero, and of the smallest number by -1.
fn divides_badly<T: Int + Bits>(rec: Rec, a: &Traced<T>, b: &Traced<T>) -> Traced<bool> {
    let zero = ops::eq(rec, b.dup(), Traced::constant(T::ZERO));
    if !T::SIGNED {
        return zero;
    }
    let minus_one = T::of_bits(T::TY.mask());
    let smallest = ops::eq(rec, a.dup(), Traced::constant(T::MIN));
    let over = Bits::and(rec, ops::eq(rec, b.dup(), Traced::constant(minus_one)), smallest);
    Bits::or(rec, zero, over)
}

numbers! { FloatNumberShims [f32 f64] {
    __jit_min: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "min" => a.min(b));
    __jit_max: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "max" => a.max(b));
    __jit_mul_add: StdTwin<fn(Rec, Traced<Self>, Traced<Self>, Traced<Self>) -> Traced<Self>> = |rec, a, b, c| elidable!(rec, (a: Self, b: Self, c: Self) "mul_add" => a.mul_add(b, c));
    __jit_powi: Binary<Self, i32> = |rec, a, n| elidable!(rec, (a: Self, n: i32) "powi" => a.powi(n));
    __jit_powf: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "powf" => a.powf(b));
    __jit_atan2: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "atan2" => a.atan2(b));
    __jit_hypot: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "hypot" => a.hypot(b));
    __jit_copysign: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "copysign" => a.copysign(b));
    __jit_rem_euclid: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "rem_euclid" => a.rem_euclid(b));
    __jit_div_euclid: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "div_euclid" => a.div_euclid(b));
    __jit_log: Binary<Self> = |rec, a, b| elidable!(rec, (a: Self, b: Self) "log" => a.log(b));
    __jit_round: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "round" => a.round());
    __jit_fract: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "fract" => a.fract());
    __jit_sin: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "sin" => a.sin());
    __jit_cos: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "cos" => a.cos());
    __jit_tan: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "tan" => a.tan());
    __jit_asin: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "asin" => a.asin());
    __jit_acos: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "acos" => a.acos());
    __jit_atan: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "atan" => a.atan());
    __jit_sinh: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "sinh" => a.sinh());
    __jit_cosh: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "cosh" => a.cosh());
    __jit_tanh: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "tanh" => a.tanh());
    __jit_exp: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "exp" => a.exp());
    __jit_exp2: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "exp2" => a.exp2());
    __jit_ln: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "ln" => a.ln());
    __jit_log2: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "log2" => a.log2());
    __jit_log10: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "log10" => a.log10());
    __jit_cbrt: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "cbrt" => a.cbrt());
    __jit_signum: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "signum" => a.signum());
    __jit_to_degrees: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "to_degrees" => a.to_degrees());
    __jit_to_radians: Unary<Self> = |rec, a| elidable!(rec, (a: Self) "to_radians" => a.to_radians());
    __jit_is_nan: Unary<Self, bool> = |rec, a| ops::ne(rec, a.dup(), a);
    __jit_is_finite: Unary<Self, bool> = |rec, a| elidable!(rec, (a: Self) "is_finite" => a.is_finite());
    __jit_is_infinite: Unary<Self, bool> = |rec, a| elidable!(rec, (a: Self) "is_infinite" => a.is_infinite());
    __jit_is_sign_negative: Unary<Self, bool> = |rec, a| elidable!(rec, (a: Self) "is_sign_negative" => a.is_sign_negative());
    __jit_is_sign_positive: Unary<Self, bool> = |rec, a| elidable!(rec, (a: Self) "is_sign_positive" => a.is_sign_positive());
}}

macro_rules! predicates {
    ($trait:ident $ty:ident: $($method:ident $twin:ident)*) => {
        /// Predicates of characters.
        #[allow(missing_docs)]
        pub trait $trait {
            $(fn $twin(&self) -> OfRef<$ty, bool>;)*
        }
        impl $trait for $ty {
            $(fn $twin(&self) -> OfRef<$ty, bool> {
                StdTwin(|rec, this| {
                    let a = this.read(rec);
                    elidable!(rec, (a: $ty) "is_ascii" => a.$method())
                })
            })*
        }
    };
}

predicates! { ByteShims u8: is_ascii __jit_is_ascii is_ascii_digit __jit_is_ascii_digit is_ascii_alphabetic __jit_is_ascii_alphabetic
is_ascii_alphanumeric __jit_is_ascii_alphanumeric is_ascii_uppercase __jit_is_ascii_uppercase
is_ascii_lowercase __jit_is_ascii_lowercase is_ascii_whitespace __jit_is_ascii_whitespace
is_ascii_punctuation __jit_is_ascii_punctuation is_ascii_hexdigit __jit_is_ascii_hexdigit
is_ascii_graphic __jit_is_ascii_graphic is_ascii_control __jit_is_ascii_control }

predicates! { CharRefShims char: is_ascii __jit_is_ascii is_ascii_digit __jit_is_ascii_digit is_ascii_alphabetic __jit_is_ascii_alphabetic
is_ascii_alphanumeric __jit_is_ascii_alphanumeric is_ascii_uppercase __jit_is_ascii_uppercase
is_ascii_lowercase __jit_is_ascii_lowercase is_ascii_whitespace __jit_is_ascii_whitespace
is_ascii_punctuation __jit_is_ascii_punctuation is_ascii_hexdigit __jit_is_ascii_hexdigit
is_ascii_graphic __jit_is_ascii_graphic is_ascii_control __jit_is_ascii_control }

numbers! { CharShims [char] {
    __jit_is_alphabetic: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_alphabetic" => a.is_alphabetic());
    __jit_is_alphanumeric: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_alphanumeric" => a.is_alphanumeric());
    __jit_is_numeric: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_numeric" => a.is_numeric());
    __jit_is_whitespace: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_whitespace" => a.is_whitespace());
    __jit_is_uppercase: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_uppercase" => a.is_uppercase());
    __jit_is_lowercase: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_lowercase" => a.is_lowercase());
    __jit_is_control: Unary<Self, bool> = |rec, a| elidable!(rec, (a: char) "is_control" => a.is_control());
    __jit_len_utf8: Unary<Self, usize> = |rec, a| elidable!(rec, (a: char) "len_utf8" => a.len_utf8());
}}

/// Copies: `clone` of scalars. What an author's type that can be copied does when it is cloned is its own
/// affair.
#[allow(missing_docs)]
pub trait CopyShims: Scalar {
    fn __jit_clone(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<Self>> {
        StdTwin(|rec, this| this.read_any(rec))
    }
    fn __jit_to_owned(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<Self>> {
        StdTwin(|rec, this| this.read_any(rec))
    }
}

impl<T: Scalar> CopyShims for T {}

/// Bytes of numbers, and numbers of bytes: the same bits under another type.
macro_rules! bytes {
    ($($ty:ident $n:literal;)*) => {$(
        impl BytesShims<$n> for $ty {
            fn __jit_to_le_bytes(&self) -> Unary<$ty, [u8; $n]> {
                StdTwin(|_, a| a.same_bits())
            }
            fn __jit_to_ne_bytes(&self) -> Unary<$ty, [u8; $n]> {
                StdTwin(|_, a| a.same_bits())
            }
            fn __jit_to_be_bytes(&self) -> Unary<$ty, [u8; $n]> {
                StdTwin(|rec, a| {
                    let swapped = elidable!(rec, (a: $ty) "to_be" => $ty::from_le_bytes(a.to_be_bytes()));
                    swapped.same_bits()
                })
            }
        }
    )*};
}

/// Bytes of numbers.
#[allow(missing_docs)]
pub trait BytesShims<const N: usize>: Sized {
    fn __jit_to_le_bytes(&self) -> Unary<Self, [u8; N]>;
    fn __jit_to_ne_bytes(&self) -> Unary<Self, [u8; N]>;
    fn __jit_to_be_bytes(&self) -> Unary<Self, [u8; N]>;
}

bytes! {
    i8 1;
    i16 2;
    i32 4;
    i64 8;
    isize 8;
    u8 1;
    u16 2;
    u32 4;
    u64 8;
    usize 8;
    f32 4;
    f64 8;
}

/// Bits of floats.
#[allow(missing_docs)]
pub trait FloatBitsShims<U>: Sized {
    fn __jit_to_bits(&self) -> Unary<Self, U>;
}

impl FloatBitsShims<u32> for f32 {
    fn __jit_to_bits(&self) -> Unary<f32, u32> {
        StdTwin(|_, a| a.same_bits())
    }
}

impl FloatBitsShims<u64> for f64 {
    fn __jit_to_bits(&self) -> Unary<f64, u64> {
        StdTwin(|_, a| a.same_bits())
    }
}

/// Functions of primitive types, found by their argument and result: `u32::from_le_bytes(b)`.
macro_rules! of_primitives {
    ($($trait:ident [$($name:ident)*] where { $($bounds:tt)* } = $twin:tt;)*) => {$(
        of_primitives! { one $trait [$($name)*] { $($bounds)* } $twin }
    )*};
    (one $trait:ident [$($name:ident)*] $bounds:tt $twin:tt) => {
        /// Functions of primitive types.
        #[allow(missing_docs, non_snake_case)]
        pub trait $trait<A, R> {
            $(fn $name(&self) -> Unary<A, R>;)*
        }

        of_primitives! { impl $trait [$($name)*] $bounds $twin }
    };
    (impl $trait:ident [$($name:ident)*] { $($bounds:tt)* } $twin:tt) => {
        #[allow(non_snake_case)]
        impl<A, R> $trait<A, R> for Assoc<(A,), R>
        where
            $($bounds)*
        {
            $(of_primitives! { fn $name $twin })*
        }
    };
    (fn $name:ident ($twin:expr)) => {
        fn $name(&self) -> Unary<A, R> {
            StdTwin($twin)
        }
    };
}

/// What has bits and nothing else.
pub trait Plain: Copy {}

macro_rules! plain {
    ($($ty:ty)*) => { $(impl Plain for $ty {})* };
}

plain! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 [u8; 1] [u8; 2] [u8; 4] [u8; 8] }

of_primitives! {
    SameBitsShims [
        __jit_i8_from_le_bytes __jit_i16_from_le_bytes __jit_i32_from_le_bytes __jit_i64_from_le_bytes
        __jit_isize_from_le_bytes __jit_u8_from_le_bytes __jit_u16_from_le_bytes
        __jit_u32_from_le_bytes __jit_u64_from_le_bytes __jit_usize_from_le_bytes
        __jit_f32_from_le_bytes __jit_f64_from_le_bytes
        __jit_i8_from_ne_bytes __jit_i16_from_ne_bytes __jit_i32_from_ne_bytes __jit_i64_from_ne_bytes
        __jit_isize_from_ne_bytes __jit_u8_from_ne_bytes __jit_u16_from_ne_bytes
        __jit_u32_from_ne_bytes __jit_u64_from_ne_bytes __jit_usize_from_ne_bytes
        __jit_f32_from_ne_bytes __jit_f64_from_ne_bytes __jit_f32_from_bits __jit_f64_from_bits
    ] where { A: Plain, R: Plain } = (|_, a| a.same_bits());
    FromScalarShims [
        __jit_i8_from __jit_i16_from __jit_i32_from __jit_i64_from __jit_isize_from
        __jit_u8_from __jit_u16_from __jit_u32_from __jit_u64_from __jit_usize_from
        __jit_f32_from __jit_f64_from __jit_char_from
    ] where { A: Scalar, R: Scalar + From<A> } = (|rec, a| ops::cast(rec, a));
}
