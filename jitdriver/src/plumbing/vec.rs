//! `Vec`s and slices: what changes them, and their parts.
//!
//! A `Vec` is three words. Pushing and popping are loads and stores of them and of the buffer; what
//! allocates or frees is a call.
#![expect(unsafe_code, reason = "calls methods of Vecs at addresses")]

use super::call::{CallSite, residual};
use super::ops::{self, OvfOp};
use super::place::Place;
use super::rec::Rec;
use super::value::Traced;
use std::mem::needs_drop;

fn site<T>(name: &'static str) -> CallSite {
    CallSite { name, site: std::any::type_name::<T>(), elidable: false, ..CallSite::PLAIN }
}

fn one() -> Traced<usize> {
    Traced::constant(1)
}

impl<T> Place<Vec<T>> {
    /// `push`.
    pub(crate) fn push(self, rec: Rec, value: Traced<T>) {
        let (len, capacity) = (self.len(rec), self.capacity(rec));
        if !ops::branch(rec, ops::lt(rec, len.dup(), capacity)) {
            let this = self.part::<()>(rec, 0).raw_mut(rec);
            residual(rec, &site::<T>("grow"), (this,), |(this,): (*mut (),)| {
                // SAFETY: the plain function pushes onto this `Vec` here.
                unsafe { (*this.cast::<Vec<T>>()).reserve(1) }
            });
        }
        self.slot(rec, &len).initialize(rec, value);
        self.set_len(rec, ops::wrapping(rec, OvfOp::Add, &len, &one()));
    }

    /// `pop`.
    pub(crate) fn pop(self, rec: Rec) -> Traced<Option<T>> {
        let len = self.len(rec);
        if ops::branch(rec, ops::eq(rec, len.dup(), Traced::constant(0))) {
            return Traced::constant(None);
        }
        let last = ops::wrapping(rec, OvfOp::Sub, &len, &one());
        self.set_len(rec, last.dup());
        Traced::some(self.slot(rec, &last).read_any(rec))
    }

    /// `truncate`.
    pub(crate) fn truncate(self, rec: Rec, len: Traced<usize>) {
        if needs_drop::<T>() {
            let this = self.part::<()>(rec, 0).raw_mut(rec);
            residual(rec, &site::<T>("truncate"), (this, len), |(this, len): (*mut (), usize)| {
                // SAFETY: the plain function truncates this `Vec` here.
                unsafe { (*this.cast::<Vec<T>>()).truncate(len) }
            });
        } else if ops::branch(rec, ops::lt(rec, len.dup(), self.len(rec))) {
            self.set_len(rec, len);
        }
    }

    /// `clear`.
    pub(crate) fn clear(self, rec: Rec) {
        match needs_drop::<T>() {
            true => self.truncate(rec, Traced::constant(0)),
            false => self.set_len(rec, Traced::constant(0)),
        }
    }
}

impl<T> Place<[T]> {
    /// The place of an element, if there is one.
    pub(crate) fn get(self, rec: Rec, index: Traced<usize>) -> Option<Place<T>> {
        let inside = ops::branch(rec, ops::lt(rec, index.dup(), self.len()));
        inside.then(|| self.slot(rec, &index))
    }

    /// The place of the first element.
    pub(crate) fn first(self, rec: Rec) -> Option<Place<T>> {
        self.get(rec, Traced::constant(0))
    }

    /// The place of the last element.
    pub(crate) fn last(self, rec: Rec) -> Option<Place<T>> {
        let len = self.len();
        if ops::branch(rec, ops::eq(rec, len.dup(), Traced::constant(0))) {
            return None;
        }
        let last = ops::wrapping(rec, OvfOp::Sub, &len, &one());
        Some(self.slot(rec, &last))
    }

    /// `swap`; panics at the caller's place.
    #[track_caller]
    pub(crate) fn swap(self, rec: Rec, a: Traced<usize>, b: Traced<usize>) {
        let a = super::place::checked(self, rec, a);
        let b = super::place::checked(self, rec, b);
        let (x, y) = (a.read_any(rec), b.read_any(rec));
        a.initialize(rec, y);
        b.initialize(rec, x);
    }
}

/// Slices, and what derefs to them.
pub trait SlicePlace: super::Pointee {
    /// The elements' type.
    type Item;
    /// The slice.
    fn slice(rec: Rec, place: Place<Self>) -> Place<[Self::Item]>;
}

impl<T> SlicePlace for [T] {
    type Item = T;
    fn slice(_: Rec, place: Place<[T]>) -> Place<[T]> {
        place
    }
}

impl<T, const N: usize> SlicePlace for [T; N] {
    type Item = T;
    fn slice(_: Rec, place: Place<[T; N]>) -> Place<[T]> {
        place.as_slice()
    }
}

impl<T> SlicePlace for Vec<T> {
    type Item = T;
    fn slice(rec: Rec, place: Place<Vec<T>>) -> Place<[T]> {
        place.as_slice(rec)
    }
}

/// Places that can be indexed with a range.
#[diagnostic::on_unimplemented(message = "indexing `{Self}` with a range cannot be traced")]
pub trait IndexRange: Sized {
    /// What is indexed.
    type Whole: ?Sized;
    /// What the index yields.
    type Part: ?Sized;
    /// Indexes. `plain` does it as the author wrote it, with the range's bounds, and panics so too.
    fn index_range<F>(self, rec: Rec, bounds: Bounds, plain: F) -> Place<Self::Part>
    where
        F: Fn(&Self::Whole, usize, usize) -> *const Self::Part + Copy;
}

/// The bounds of a range that is an index.
pub struct Bounds {
    /// The first index.
    pub start: Option<Traced<usize>>,
    /// The last index, or the one behind it.
    pub end: Option<Traced<usize>>,
    /// `end` is the last index.
    pub closed: bool,
}

fn range_of<W: ?Sized, T, F>(
    rec: Rec,
    whole: &W,
    slice: Place<[T]>,
    bounds: Bounds,
    plain: F,
) -> Place<[T]>
where
    F: Fn(&W, usize, usize) -> *const [T] + Copy,
{
    let given_end = bounds.end.as_ref().map_or(0, |end| end.get());
    let start = bounds.start.unwrap_or(Traced::constant(0));
    let fail = |start: usize| -> ! {
        super::cut(rec);
        plain(whole, start, given_end);
        unreachable!("the index is out of bounds")
    };
    let end = match bounds.end {
        None => slice.len(),
        Some(end) if bounds.closed => {
            if ops::branch(rec, ops::eq(rec, end.dup(), Traced::constant(usize::MAX))) {
                fail(start.get());
            }
            ops::wrapping(rec, OvfOp::Add, &end, &one())
        }
        Some(end) => end,
    };
    let inside = ops::branch(rec, ops::le(rec, end.dup(), slice.len()));
    if !inside || !ops::branch(rec, ops::le(rec, start.dup(), end.dup())) {
        fail(start.get());
    }
    let len = ops::wrapping(rec, OvfOp::Sub, &end, &start);
    slice.range(rec, &start, &len)
}

impl<S: SlicePlace + ?Sized> IndexRange for Place<S> {
    type Whole = S;
    type Part = [S::Item];
    fn index_range<F>(self, rec: Rec, bounds: Bounds, plain: F) -> Place<[S::Item]>
    where
        F: Fn(&S, usize, usize) -> *const [S::Item] + Copy,
    {
        range_of(rec, self.probe(), S::slice(rec, self), bounds, plain)
    }
}
