//! Code of the author that is run as it is written, in the middle of a twin.
//!
//! What the macro cannot take apart is either an expression, which becomes a residual call of a
//! closure over the locals that it names, or it may leave the function or a loop around it; then the
//! recording ends before it, and it runs on plain values.
//!
//! Locals go into such code by value, and come back: the code may change them, and it may use them up.
//! Whether it can use one up is seen in the syntax; one that may have been lent to somebody else
//! always comes back to where it was.

use super::place::Memory;
use super::rec::Rec;
use super::value::Traced;
use metainterp::record::CallSite;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Notes that the residual call that follows stands for an expression that was not taken apart.
pub fn degraded_expression(rec: Rec, site: &CallSite) {
    rec.degraded_expression(site);
}

/// Ends the recording before a statement that was not taken apart.
pub fn degraded_statement(rec: Rec, site: &CallSite) {
    rec.step();
    rec.degraded_statement(site);
}

/// Locals, as they go into untraced code.
pub trait Lend<'x> {
    /// As what they go in: locals that stay in memory are borrowed.
    type Plain;
    /// Lends.
    fn lend(&self, rec: Rec) -> Traced<Self::Plain>;
}

impl<T> Lend<'_> for Traced<T> {
    type Plain = T;
    fn lend(&self, _: Rec) -> Traced<T> {
        self.take()
    }
}

impl<'x, T: 'x> Lend<'x> for Memory<T> {
    type Plain = &'x mut T;
    fn lend(&self, rec: Rec) -> Traced<&'x mut T> {
        self.place().exclusive(rec)
    }
}

/// A local that comes back.
pub struct Kept<T>(pub T);

/// A local that is as it was.
pub struct Unchanged;

/// A local that was read only, at the end of untraced code.
pub struct Read<T>(pub T);

impl<T: Copy> Read<T> {
    /// What comes back: nothing.
    pub fn back(self) -> Unchanged {
        Unchanged
    }
}

/// What owns something comes back: found when there is nothing else.
pub trait ReadOwned {
    /// What comes back.
    type Back;
    /// What comes back: the value.
    fn back(self) -> Self::Back;
}

impl<T> ReadOwned for Read<T> {
    type Back = Kept<T>;
    fn back(self) -> Kept<T> {
        Kept(self.0)
    }
}

/// Takes back what was lent.
pub trait TakeBack<B> {
    /// Takes it back.
    fn take_back(&mut self, rec: Rec, back: Traced<B>);
}

impl<T> TakeBack<Kept<T>> for Traced<T> {
    fn take_back(&mut self, rec: Rec, back: Traced<Kept<T>>) {
        self.assign_kept(back.unwrapped(rec));
    }
}

impl<T> TakeBack<Unchanged> for Traced<T> {
    fn take_back(&mut self, _: Rec, _: Traced<Unchanged>) {}
}

impl<T> TakeBack<Kept<&mut T>> for Memory<T> {
    fn take_back(&mut self, _: Rec, _: Traced<Kept<&mut T>>) {}
}

impl<T> TakeBack<Unchanged> for Memory<T> {
    fn take_back(&mut self, _: Rec, _: Traced<Unchanged>) {}
}

/// The halves of a pair.
pub fn split<A, B>(rec: Rec, pair: Traced<(A, B)>) -> (Traced<A>, Traced<B>) {
    pair.split(rec)
}

/// How untraced code that may leave what is around it has ended.
struct Ended;

/// Runs code that `return`s only where the author's code does: it ends with [`end_plainly`].
/// `Some` is what it returned.
pub fn plainly<R>(run: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(returned) => Some(returned),
        Err(payload) if payload.is::<Ended>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Runs code that panics, and answers what it panics with.
pub fn panicking(run: impl FnOnce()) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(run)).err()
}

/// Goes on with that panic.
pub fn panic_on(panic: Option<Box<dyn Any + Send>>) -> ! {
    resume_unwind(panic.expect("the code panics"))
}

/// Ends the code that [`plainly`] runs.
///
/// It unwinds, because nothing else gets out of a closure of unknown type without a value of that type.
/// No hook of the author's sees it.
pub fn end_plainly() -> ! {
    resume_unwind(Box::new(Ended))
}
