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

    /// `extend` by numbers: makes room for all of them at once.
    pub(crate) fn extend(self, rec: Rec, values: &[Traced<T>]) {
        let (len, n) = (self.len(rec), Traced::constant(values.len()));
        let wanted = ops::wrapping(rec, OvfOp::Add, &len, &n);
        if !ops::branch(rec, ops::le(rec, wanted.dup(), self.capacity(rec))) {
            let this = self.part::<()>(rec, 0).raw_mut(rec);
            residual(rec, &site::<T>("grow"), (this, n), |(this, n): (*mut (), usize)| {
                // SAFETY: the plain function extends this `Vec` here.
                unsafe { (*this.cast::<Vec<T>>()).reserve(n) }
            });
        }
        for (number, value) in values.iter().enumerate() {
            let at = ops::wrapping(rec, OvfOp::Add, &len, &Traced::constant(number));
            self.slot(rec, &at).initialize(rec, value.peek());
        }
        self.set_len(rec, wanted);
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

/// Byte offsets, in an iterator over a slice, of the address of the first element that is left and of
/// that behind the last. Measured, as the layout of a `Vec` is.
fn iter_layout() -> [isize; 2] {
    use std::sync::OnceLock;
    static LAYOUT: OnceLock<[isize; 2]> = OnceLock::new();
    *LAYOUT.get_or_init(|| {
        const _: () = assert!(size_of::<std::slice::Iter<'static, u8>>() == 16);
        let bytes = [1u8, 2, 3];
        let iter = bytes.iter();
        let start = bytes.as_ptr().expose_provenance();
        // SAFETY: an iterator is two words, both initialized; it outlives the read.
        let words = unsafe { std::ptr::from_ref(&iter).cast::<[usize; 2]>().read() };
        let at = |word| words.iter().position(|&w| w == word).expect("a word of the iterator");
        [at(start) as isize * 8, at(start + 3) as isize * 8]
    })
}

impl<T> Place<[T]> {
    /// An iterator over the elements, as a value.
    pub(crate) fn iter_value<'a>(self, rec: Rec) -> Traced<std::slice::Iter<'a, T>> {
        if size_of::<T>() == 0 {
            let slice = self.shared(rec);
            return residual(rec, &site::<T>("iter"), (slice,), |(slice,): (&[T],)| slice.iter());
        }
        let [start_at, end_at] = iter_layout();
        // SAFETY: the plain function borrows these elements here.
        let iter =
            unsafe { std::slice::from_raw_parts(self.ptr().cast::<T>(), self.ptr().len()) }.iter();
        let start = self.slot(rec, &Traced::constant(0)).raw_const(rec);
        let end = self.slot(rec, &self.len()).raw_const(rec);
        let mut value = Traced::constant(iter);
        let place = super::place::Local::as_place(&mut value);
        place.part::<*const T>(rec, start_at).write(rec, start);
        place.part::<*const T>(rec, end_at).write(rec, end);
        value
    }
}

impl<'a, T> Place<std::slice::Iter<'a, T>> {
    /// `next`.
    pub(crate) fn next_element(self, rec: Rec) -> Traced<Option<&'a T>> {
        if size_of::<T>() == 0 {
            let this = self.part::<()>(rec, 0).raw_mut(rec);
            return residual(rec, &site::<T>("next"), (this,), |(this,): (*mut (),)| {
                // SAFETY: the plain function asks this iterator here.
                unsafe { (*this.cast::<std::slice::Iter<'a, T>>()).next() }
            });
        }
        let [start_at, end_at] = iter_layout();
        let word = |at| self.part::<usize>(rec, at).read(rec);
        let (start, end) = (word(start_at), word(end_at));
        if ops::branch(rec, ops::eq(rec, start, end)) {
            return Traced::constant(None);
        }
        let start: Place<*const T> = self.part(rec, start_at);
        let element = start.read(rec).place(rec);
        start.write(rec, element.element_at(rec, &one()).raw_const(rec));
        Traced::some(element.shared(rec))
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
