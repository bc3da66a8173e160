//! Closures of the author's, handed to functions that have a twin.
//!
//! In a twin a closure is a Rust closure over traced values, `|rec, a: Traced<_>| -> Traced<_>`, which
//! captures the twin's locals as the author's captures the plain ones. It is inlined where the callee
//! calls it.
//!
//! A call with a closure among its arguments asks the callee whether it takes such a closure
//! (`__jit_takes_name`), by type alone, and hands it over (`__jit_with_name`), or else the whole call is
//! run as the author wrote it. Both are found by name resolution, as tokens are.

use super::aggregate::Known;
use super::place::{Local, Place};
use super::question::{Question, WasErr};
use super::rec::Rec;
use super::value::Traced;
use super::{call, ops};
use metainterp::abort::Abort;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;

/// Answer of a callee that takes closures over traced values.
pub struct Yes;

/// Answer of one that does not.
pub struct No;

/// The answers.
pub trait Answer {
    /// As a value.
    const TAKES: bool;
}

impl Answer for Yes {
    const TAKES: bool = true;
}

impl Answer for No {
    const TAKES: bool = false;
}

/// What a callee answers. `ask` is never called.
pub fn takes<T: Answer>(ask: impl FnOnce() -> T) -> bool {
    drop(ask);
    T::TAKES
}

/// In the place of a callee that takes no such closure. Never called.
pub fn not_taken<R>() -> Traced<R> {
    unreachable!("the callee takes no closure over traced values")
}

/// In the place of a call that hands on a closure over traced values, of which there is no plain one: the callee
/// must take it.
pub fn must_take<T: Answer, R>(ask: impl FnOnce() -> T) -> R {
    drop(ask);
    const {
        assert!(
            T::TAKES,
            "a closure that was handed in is handed on to a method that is not traced"
        )
    };
    unreachable!("the callee takes it")
}

/// A local of the twin, also inside of a closure that shares it with others.
#[allow(clippy::mut_from_ref)]
pub fn shared<'x, L>(local: *const L) -> &'x mut L {
    super::place::local_at(local)
}

/// A twin that takes closures is entered.
#[must_use]
pub fn enter(rec: Rec, twin: &'static u8) -> call::Inside {
    let identity = std::ptr::from_ref(twin).addr();
    match call::Inside::enter(rec, identity) {
        Some(inside) => inside,
        None => {
            // Too deep: there is no plain closure to call the plain function with.
            rec.step();
            rec.cut(Abort::TooLong);
            call::Inside::deeper(rec, identity)
        }
    }
}

/// How the variant of a receiver is promoted, if it is an enum of which that is asked.
pub fn promoter<T, F: FnOnce(Place<T>) -> Known>(_: Place<T>, promote: F) -> F {
    promote
}

fn taken<T, P: FnOnce(Place<T>) -> Known>(
    rec: Rec,
    this: Place<T>,
    promote: P,
) -> (Traced<T>, Known) {
    let known = promote(this);
    // Nothing is compiled for a panic, of which there is none.
    let value = ManuallyDrop::new(this.read_any(rec));
    super::pattern::left(this);
    (ManuallyDrop::into_inner(value), known)
}

fn option<T, P: FnOnce(Place<Option<T>>) -> Known>(
    rec: Rec,
    this: Place<Option<T>>,
    promote: P,
) -> Option<Traced<T>> {
    let (value, known) = taken(rec, this, promote);
    match value.branch(rec, &known) {
        ControlFlow::Continue(some) => Some(some),
        ControlFlow::Break(_) => None,
    }
}

fn result<T, E, P: FnOnce(Place<Result<T, E>>) -> Known>(
    rec: Rec,
    this: Place<Result<T, E>>,
    promote: P,
) -> Result<Traced<T>, Traced<E>> {
    let (value, known) = taken(rec, this, promote);
    match value.branch(rec, &known) {
        ControlFlow::Continue(ok) => Ok(ok),
        ControlFlow::Break(WasErr(err)) => Err(err),
    }
}

/// Methods of `Option` that take closures.
#[allow(missing_docs, clippy::type_complexity)]
pub trait OptionClosures<T> {
    fn __jit_takes_map(&self) -> Yes {
        Yes
    }
    fn __jit_takes_and_then(&self) -> Yes {
        Yes
    }
    fn __jit_takes_filter(&self) -> Yes {
        Yes
    }
    fn __jit_takes_ok_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_takes_unwrap_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_takes_map_or(&self) -> Yes {
        Yes
    }
    fn __jit_takes_map_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_takes_is_some_and(&self) -> Yes {
        Yes
    }
    fn __jit_takes_is_none_or(&self) -> Yes {
        Yes
    }
    fn __jit_takes_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_with_map<U>(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<U>,),
    ) -> Traced<Option<U>> {
        match option(rec, this, promote) {
            Some(value) => Traced::some(args.0(rec, value)),
            None => Traced::constant(None),
        }
    }
    fn __jit_with_and_then<U>(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<Option<U>>,),
    ) -> Traced<Option<U>> {
        match option(rec, this, promote) {
            Some(value) => args.0(rec, value),
            None => Traced::constant(None),
        }
    }
    fn __jit_with_filter(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl for<'x> FnOnce(Rec, Traced<&'x T>) -> Traced<bool>,),
    ) -> Traced<Option<T>> {
        let Some(mut value) = option(rec, this, promote) else { return Traced::constant(None) };
        let holds = args.0(rec, Local::as_place(&mut value).shared(rec));
        match ops::branch(rec, holds) {
            true => Traced::some(value),
            false => Traced::constant(None),
        }
    }
    fn __jit_with_ok_or_else<E>(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec) -> Traced<E>,),
    ) -> Traced<Result<T, E>> {
        match option(rec, this, promote) {
            Some(value) => Traced::ok(value),
            None => Traced::err(args.0(rec)),
        }
    }
    fn __jit_with_unwrap_or_else(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec) -> Traced<T>,),
    ) -> Traced<T> {
        match option(rec, this, promote) {
            Some(value) => value,
            None => args.0(rec),
        }
    }
    fn __jit_with_map_or<U>(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (Traced<U>, impl FnOnce(Rec, Traced<T>) -> Traced<U>),
    ) -> Traced<U> {
        match option(rec, this, promote) {
            Some(value) => args.1(rec, value),
            None => args.0,
        }
    }
    fn __jit_with_map_or_else<U>(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec) -> Traced<U>, impl FnOnce(Rec, Traced<T>) -> Traced<U>),
    ) -> Traced<U> {
        match option(rec, this, promote) {
            Some(value) => args.1(rec, value),
            None => args.0(rec),
        }
    }
    fn __jit_with_is_some_and(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<bool>,),
    ) -> Traced<bool> {
        match option(rec, this, promote) {
            Some(value) => args.0(rec, value),
            None => Traced::constant(false),
        }
    }
    fn __jit_with_is_none_or(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<bool>,),
    ) -> Traced<bool> {
        match option(rec, this, promote) {
            Some(value) => args.0(rec, value),
            None => Traced::constant(true),
        }
    }
    fn __jit_with_or_else(
        &self,
        rec: Rec,
        this: Place<Option<T>>,
        promote: impl FnOnce(Place<Option<T>>) -> Known,
        args: (impl FnOnce(Rec) -> Traced<Option<T>>,),
    ) -> Traced<Option<T>> {
        match option(rec, this, promote) {
            Some(value) => Traced::some(value),
            None => args.0(rec),
        }
    }
}

impl<T> OptionClosures<T> for Option<T> {}

/// Methods of `Result` that take closures.
#[allow(missing_docs, clippy::type_complexity)]
pub trait ResultClosures<T, E> {
    fn __jit_takes_map(&self) -> Yes {
        Yes
    }
    fn __jit_takes_map_err(&self) -> Yes {
        Yes
    }
    fn __jit_takes_and_then(&self) -> Yes {
        Yes
    }
    fn __jit_takes_unwrap_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_takes_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_takes_is_ok_and(&self) -> Yes {
        Yes
    }
    fn __jit_takes_map_or(&self) -> Yes {
        Yes
    }
    fn __jit_takes_map_or_else(&self) -> Yes {
        Yes
    }
    fn __jit_with_map<U>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<U>,),
    ) -> Traced<Result<U, E>> {
        match result(rec, this, promote) {
            Ok(value) => Traced::ok(args.0(rec, value)),
            Err(error) => Traced::err(error),
        }
    }
    fn __jit_with_map_err<F>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<E>) -> Traced<F>,),
    ) -> Traced<Result<T, F>> {
        match result(rec, this, promote) {
            Ok(value) => Traced::ok(value),
            Err(error) => Traced::err(args.0(rec, error)),
        }
    }
    fn __jit_with_and_then<U>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<Result<U, E>>,),
    ) -> Traced<Result<U, E>> {
        match result(rec, this, promote) {
            Ok(value) => args.0(rec, value),
            Err(error) => Traced::err(error),
        }
    }
    fn __jit_with_unwrap_or_else(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<E>) -> Traced<T>,),
    ) -> Traced<T> {
        match result(rec, this, promote) {
            Ok(value) => value,
            Err(error) => args.0(rec, error),
        }
    }
    fn __jit_with_or_else<F>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<E>) -> Traced<Result<T, F>>,),
    ) -> Traced<Result<T, F>> {
        match result(rec, this, promote) {
            Ok(value) => Traced::ok(value),
            Err(error) => args.0(rec, error),
        }
    }
    fn __jit_with_is_ok_and(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<T>) -> Traced<bool>,),
    ) -> Traced<bool> {
        match result(rec, this, promote) {
            Ok(value) => args.0(rec, value),
            Err(_) => Traced::constant(false),
        }
    }
    fn __jit_with_map_or<U>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (Traced<U>, impl FnOnce(Rec, Traced<T>) -> Traced<U>),
    ) -> Traced<U> {
        match result(rec, this, promote) {
            Ok(value) => args.1(rec, value),
            Err(_) => args.0,
        }
    }
    fn __jit_with_map_or_else<U>(
        &self,
        rec: Rec,
        this: Place<Result<T, E>>,
        promote: impl FnOnce(Place<Result<T, E>>) -> Known,
        args: (impl FnOnce(Rec, Traced<E>) -> Traced<U>, impl FnOnce(Rec, Traced<T>) -> Traced<U>),
    ) -> Traced<U> {
        match result(rec, this, promote) {
            Ok(value) => args.1(rec, value),
            Err(error) => args.0(rec, error),
        }
    }
}

impl<T, E> ResultClosures<T, E> for Result<T, E> {}

/// Methods of `bool` that take closures.
#[allow(missing_docs)]
pub trait BoolClosures {
    fn __jit_takes_then(&self) -> Yes {
        Yes
    }
    fn __jit_with_then<U, P>(
        &self,
        rec: Rec,
        this: Place<bool>,
        _: P,
        args: (impl FnOnce(Rec) -> Traced<U>,),
    ) -> Traced<Option<U>> {
        match ops::branch(rec, this.read(rec)) {
            true => Traced::some(args.0(rec)),
            false => Traced::constant(None),
        }
    }
}

impl BoolClosures for bool {}
