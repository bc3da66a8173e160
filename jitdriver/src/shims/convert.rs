//! Conversions between numbers by `into`, `try_into`, `T::from` and `T::try_from`, where the types may be
//! parameters of a generic function.
//!
//! Between which types a call converts is known when it runs. Numbers are converted by operations of the
//! trace, a `try_` with guards on the range; all else is the author's own call.

use crate::plumbing::ops::{self, Repr};
use crate::plumbing::{
    Assoc, CallSite, Callee, Method, Place, Rec, Residual, Scalar, Target, Traced,
};
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::Arg;
use std::convert::Infallible;
use std::num::TryFromIntError;

/// A conversion of one value into another.
#[derive(Clone, Copy)]
pub struct Conversion;

/// Methods of numbers that convert them.
#[allow(missing_docs)]
pub trait ConversionShims: Scalar {
    fn __jit_into(&self) -> Conversion {
        Conversion
    }
    fn __jit_try_into(&self) -> Conversion {
        Conversion
    }
}

impl<T: Scalar> ConversionShims for T {}

impl<'x, T: 'x, R, FN> Method<'x, T, (), FN> for Conversion
where
    FN: Fn(&'x mut Target<T>) -> R + Copy,
{
    type Out = Traced<R>;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<T>,
        (): (),
        plain: FN,
    ) -> Traced<R> {
        match Repr::of::<T>().and_then(|_| converted(rec, &this.read_any(rec))) {
            Some(res) => res,
            None => Method::call_method(Residual, rec, site, this, (), plain),
        }
    }
}

impl<A, R, F> Callee<(Traced<A>,), F> for Conversion
where
    F: Fn(A) -> R + Copy,
{
    type Out = Traced<R>;
    fn call(self, rec: Rec, site: &'static CallSite, args: (Traced<A>,), plain: F) -> Traced<R> {
        match converted(rec, &args.0) {
            Some(res) => res,
            None => Callee::call(Residual, rec, site, args, plain),
        }
    }
}

/// `u8::try_from(n)` and the like.
#[allow(missing_docs, non_snake_case)]
pub trait TryFromFunctions {
    fn __jit_i8_try_from(&self) -> Conversion;
    fn __jit_i16_try_from(&self) -> Conversion;
    fn __jit_i32_try_from(&self) -> Conversion;
    fn __jit_i64_try_from(&self) -> Conversion;
    fn __jit_isize_try_from(&self) -> Conversion;
    fn __jit_u8_try_from(&self) -> Conversion;
    fn __jit_u16_try_from(&self) -> Conversion;
    fn __jit_u32_try_from(&self) -> Conversion;
    fn __jit_u64_try_from(&self) -> Conversion;
    fn __jit_usize_try_from(&self) -> Conversion;
}

macro_rules! try_from {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<A, R> TryFromFunctions for Assoc<(A,), R> {
            $(fn $name(&self) -> Conversion {
                Conversion
            })*
        }
    };
}

try_from! {
    __jit_i8_try_from __jit_i16_try_from __jit_i32_try_from __jit_i64_try_from __jit_isize_try_from
    __jit_u8_try_from __jit_u16_try_from __jit_u32_try_from __jit_u64_try_from __jit_usize_try_from
}

/// A number as another type, or as a `Result` of one: what std's conversion between the two answers.
fn converted<A, R>(rec: Rec, value: &Traced<A>) -> Option<Traced<R>> {
    let from = Repr::of::<A>()?;
    let arg = || value.scalar_arg(rec, from.ty());
    if let Some(to) = Repr::of::<R>() {
        // Where std has a `From` between two numbers, it is what `as` does.
        return Some(Traced::of_scalar_arg(ops::cast_arg(rec, arg(), from, to)));
    }
    let result = typeid::of::<R>();
    macro_rules! to {
        ($($ty:ident)*) => {$(
            if result == typeid::of::<Result<$ty, TryFromIntError>>() {
                let to = Repr::of::<$ty>()?;
                let (from_range, to_range) = (from.range()?, to.range()?);
                if !is_inside(rec, arg(), from_range, to_range, from.is_signed()) {
                    let error = u8::try_from(-1i8).expect_err("it is negative");
                    return Some(Traced::<Result<$ty, TryFromIntError>>::err(Traced::constant(error)).named());
                }
                let value: Traced<$ty> = Traced::of_scalar_arg(ops::cast_arg(rec, arg(), from, to));
                return Some(Traced::<Result<$ty, TryFromIntError>>::ok(value).named());
            }
            if result == typeid::of::<Result<$ty, Infallible>>() {
                let value: Traced<$ty> =
                    Traced::of_scalar_arg(ops::cast_arg(rec, arg(), from, Repr::of::<$ty>()?));
                return Some(Traced::<Result<$ty, Infallible>>::ok(value).named());
            }
        )*};
    }
    to! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }
    None
}

/// Whether a number of one range lies in another. Guards it where it must be asked.
fn is_inside(rec: Rec, value: Arg, from: (i128, i128), to: (i128, i128), signed: bool) -> bool {
    let wide = |bits: u64| match signed {
        true => i128::from(value.ty.sign_extend(bits)),
        false => i128::from(bits),
    };
    let concrete = wide(value.bits);
    let holds = |limit: i128, holds: bool, (of_signed, of_unsigned): (Opcode, Opcode)| {
        let opcode = if signed { of_signed } else { of_unsigned };
        let ty = value.ty;
        let limit = Arg::constant(ty, limit as u64 & ty.mask());
        let res = Const::new(Ty::Bool, u64::from(holds));
        let lane = rec.op(opcode, &[value, limit], res);
        rec.step();
        rec.guard_bool(Arg::of(lane, res));
        holds
    };
    (to.0 <= from.0 || holds(to.0, to.0 <= concrete, (Opcode::IntGe, Opcode::UintGe)))
        && (from.1 <= to.1 || holds(to.1, concrete <= to.1, (Opcode::IntLe, Opcode::UintLe)))
}
