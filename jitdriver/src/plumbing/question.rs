//! The operator `?`.
//!
//! Which way it goes is the variant of its operand, which is promoted as for a `match`. What is left
//! of the operand when the function returns is a *residual*, in the words of `std::ops::Try`; the
//! function's result type says what becomes of it.
#![expect(unsafe_code, reason = "takes values apart by reference")]

use super::aggregate::Known;
use super::call::{CallSite, residual};
use super::place::Local;
use super::rec::Rec;
use super::value::Traced;
use std::marker::PhantomData;
use std::ops::ControlFlow;

/// Operands of `?`.
pub trait Question {
    /// What comes of it.
    type Output;
    /// What is returned of it.
    type Residual;
    /// Takes the operand apart, whose variant is known.
    fn branch(self, rec: Rec, known: &Known) -> ControlFlow<Self::Residual, Traced<Self::Output>>;
}

/// What is returned of `None`.
pub struct WasNone;

/// What is returned of `Err`.
pub struct WasErr<E>(pub Traced<E>);

/// What is returned of `Break`.
pub struct WasBreak<B>(Traced<B>);

/// Finds a part in a copy of a value, and answers the part of the value.
macro_rules! part {
    ($rec:ident, $this:ident, $copy:ident, $part:ident) => {{
        let distance = std::ptr::from_ref($part).addr() - std::ptr::from_ref(&*$copy).addr();
        let whole = $this.take_whole();
        // SAFETY: the part lies there in every value of this variant, and the whole is not used any
        // more.
        unsafe { whole.part($rec, distance) }
    }};
}

impl<T> Question for Traced<Option<T>> {
    type Output = T;
    type Residual = WasNone;
    fn branch(mut self, rec: Rec, known: &Known) -> ControlFlow<WasNone, Traced<T>> {
        let copy = known.copy(&Local::as_place(&mut self));
        match &*copy {
            Some(part) => ControlFlow::Continue(part!(rec, self, copy, part)),
            None => ControlFlow::Break(WasNone),
        }
    }
}

impl<T, E> Question for Traced<Result<T, E>> {
    type Output = T;
    type Residual = WasErr<E>;
    fn branch(mut self, rec: Rec, known: &Known) -> ControlFlow<WasErr<E>, Traced<T>> {
        let copy = known.copy(&Local::as_place(&mut self));
        match &*copy {
            Ok(part) => ControlFlow::Continue(part!(rec, self, copy, part)),
            Err(part) => ControlFlow::Break(WasErr(part!(rec, self, copy, part))),
        }
    }
}

impl<B, C> Question for Traced<ControlFlow<B, C>> {
    type Output = C;
    type Residual = WasBreak<B>;
    fn branch(mut self, rec: Rec, known: &Known) -> ControlFlow<WasBreak<B>, Traced<C>> {
        let copy = known.copy(&Local::as_place(&mut self));
        match &*copy {
            ControlFlow::Continue(part) => ControlFlow::Continue(part!(rec, self, copy, part)),
            ControlFlow::Break(part) => ControlFlow::Break(WasBreak(part!(rec, self, copy, part))),
        }
    }
}

/// A residual, and the type that is returned.
pub struct Return<W, R>(W, PhantomData<fn() -> R>);

/// Ties a residual to the type that is returned.
pub fn returning<W, R>(residual: W) -> Return<W, R> {
    Return(residual, PhantomData)
}

impl<T> Return<WasNone, Option<T>> {
    /// The value to return.
    pub fn value(self, _: Rec) -> Traced<Option<T>> {
        Traced::constant(None)
    }
}

impl<B, C> Return<WasBreak<B>, ControlFlow<B, C>> {
    /// The value to return.
    pub fn value(self, rec: Rec) -> Traced<ControlFlow<B, C>> {
        super::aggregate::build(
            rec,
            (self.0.0,),
            |(value,)| ControlFlow::Break(value),
            |whole| match whole {
                ControlFlow::Break(value) => [std::ptr::from_ref(value).addr()],
                ControlFlow::Continue(_) => unreachable!("just made"),
            },
        )
    }
}

impl<T, E> Return<WasErr<E>, Result<T, E>> {
    /// The value to return: the error as it is.
    pub fn value(self, _: Rec) -> Traced<Result<T, E>> {
        Traced::err(self.0.0)
    }
}

/// The fallback of the value to return: found when the error is of another type.
pub trait Converting {
    /// The type.
    type Returned;
    /// The value to return.
    fn value(self, rec: Rec) -> Traced<Self::Returned>;
}

impl<T, E, F: From<E>> Converting for Return<WasErr<E>, Result<T, F>> {
    type Returned = Result<T, F>;
    fn value(self, rec: Rec) -> Traced<Result<T, F>> {
        let site = CallSite {
            name: "from",
            site: std::any::type_name::<fn(E) -> F>(),
            elidable: false,
            ..CallSite::PLAIN
        };
        Traced::err(residual(rec, &site, (self.0.0,), |(error,): (E,)| F::from(error)))
    }
}
