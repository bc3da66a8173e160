//! Iteration that is unrolled: slices element by element, everything else by calls of `next`.
//!
//! Adaptors and consumers are those of std over traced items, in [`adapt`]. What a method that starts an
//! iteration yields is asked of the receiver: [`IterationShims`] for slices and strings.
//!
//! Elements of slices, arrays and vectors behind a reference are found by their index, which is a
//! constant in each turn, because such a loop is unrolled. The length is compared in each turn; where it
//! is known, nothing is recorded. An iterator of another type is a local of the twin, and its `next` is a
//! residual call.

use super::call::{CallSite, Method, Residual, Target, residual};
use super::ops;
use super::ops::OvfOp;
use super::place::{Local, Place, Pointee};
use super::rec::Rec;
use super::value::{Scalar, Traced};
use super::vec::SlicePlace;
use std::marker::PhantomData;

pub mod adapt;

/// The type of what is iterated over.
pub struct IterationOf<I>(PhantomData<fn() -> I>);

impl<I> IterationOf<I> {
    /// That of a value.
    pub fn of(_: &Traced<I>) -> IterationOf<I> {
        IterationOf(PhantomData)
    }
}

/// The items to come.
pub trait Items {
    /// An item.
    type Item;
    /// The next one. It is known on every run whether there is one.
    fn next(&mut self, rec: Rec) -> Option<Traced<Self::Item>>;
}

/// Iterations without a call.
pub trait KnownIteration<I> {
    /// The items.
    type Items: Items;
    /// Begins.
    fn start(&self, rec: Rec, site: &'static CallSite, value: Traced<I>) -> Self::Items;
}

/// All others: found when there is nothing else.
pub trait AnyIteration<I: IntoIterator> {
    /// Begins.
    fn start(&self, rec: Rec, site: &'static CallSite, value: Traced<I>) -> Calls<I::IntoIter>;
}

/// What an adaptor or a consumer goes on with: items, or the items of a value.
pub trait IntoItems {
    /// The items.
    type Items: Items;
    /// Begins.
    fn items(self, rec: Rec, site: &'static CallSite) -> Self::Items;
}

impl<I: Items> IntoItems for I {
    type Items = I;
    fn items(self, _: Rec, _: &'static CallSite) -> I {
        self
    }
}

impl<I: IntoIterator> IntoItems for Traced<I> {
    type Items = Calls<I::IntoIter>;
    fn items(self, rec: Rec, site: &'static CallSite) -> Calls<I::IntoIter> {
        AnyIteration::start(&IterationOf::of(&self), rec, site, self)
    }
}

/// Items that can be taken from the end.
pub trait ItemsBack: Items {
    /// The last one.
    fn next_back(&mut self, rec: Rec) -> Option<Traced<Self::Item>>;
}

/// Items of which the number is known before.
pub trait ItemsLen: Items {
    /// How many are left.
    fn len(&self, rec: Rec) -> Traced<usize>;
}

/// How the elements of a slice are given out.
pub trait Lending<T> {
    /// What is given.
    type Item;
    /// Gives an element.
    fn lend(rec: Rec, element: Place<T>) -> Traced<Self::Item>;
}

/// By shared reference.
pub struct Shared<'a>(PhantomData<&'a ()>);
/// By exclusive reference.
pub struct Exclusive<'a>(PhantomData<&'a ()>);
/// As copies.
pub struct Copies;

impl<'a, T: 'a> Lending<T> for Shared<'a> {
    type Item = &'a T;
    fn lend(rec: Rec, element: Place<T>) -> Traced<&'a T> {
        element.shared(rec)
    }
}

impl<'a, T: 'a> Lending<T> for Exclusive<'a> {
    type Item = &'a mut T;
    fn lend(rec: Rec, element: Place<T>) -> Traced<&'a mut T> {
        element.exclusive(rec)
    }
}

impl<T: Copy> Lending<T> for Copies {
    type Item = T;
    fn lend(rec: Rec, element: Place<T>) -> Traced<T> {
        element.read_any(rec)
    }
}

/// The elements of a slice, by index.
pub struct ByIndex<T, L> {
    elements: Place<[T]>,
    /// How many have been taken from the start, and from the end.
    front: usize,
    back: usize,
    lending: PhantomData<L>,
}

impl<T, L> ByIndex<T, L> {
    /// All elements.
    pub(crate) fn new(elements: Place<[T]>) -> ByIndex<T, L> {
        ByIndex { elements, front: 0, back: 0, lending: PhantomData }
    }

    /// Whether any are left.
    fn any_left(&self, rec: Rec) -> bool {
        let taken = Traced::constant(self.front + self.back);
        ops::branch(rec, ops::lt(rec, taken, self.elements.len()))
    }
}

impl<T, L: Lending<T>> Items for ByIndex<T, L> {
    type Item = L::Item;
    fn next(&mut self, rec: Rec) -> Option<Traced<L::Item>> {
        if !self.any_left(rec) {
            return None;
        }
        let at = Traced::constant(self.front);
        self.front += 1;
        Some(L::lend(rec, self.elements.slot(rec, &at)))
    }
}

impl<T, L: Lending<T>> ItemsBack for ByIndex<T, L> {
    fn next_back(&mut self, rec: Rec) -> Option<Traced<L::Item>> {
        if !self.any_left(rec) {
            return None;
        }
        self.back += 1;
        let back = Traced::constant(self.back);
        let at = ops::wrapping(rec, OvfOp::Sub, &self.elements.len(), &back);
        Some(L::lend(rec, self.elements.slot(rec, &at)))
    }
}

impl<T, L: Lending<T>> ItemsLen for ByIndex<T, L> {
    fn len(&self, rec: Rec) -> Traced<usize> {
        let taken = Traced::constant(self.front + self.back);
        ops::wrapping(rec, OvfOp::Sub, &self.elements.len(), &taken)
    }
}

macro_rules! by_index {
    ($([$($param:tt)*] $ty:ty, $item:ty, $lending:ty, $rec:ident, $value:ident => $elements:expr;)*) => {$(
        impl<$($param)*> KnownIteration<$ty> for &IterationOf<$ty> {
            type Items = ByIndex<$item, $lending>;
            fn start(&self, $rec: Rec, _: &'static CallSite, $value: Traced<$ty>) -> Self::Items {
                ByIndex::new($elements)
            }
        }
    )*};
}

by_index! {
    ['a, T] &'a [T], T, Shared<'a>, rec, value => value.place(rec);
    ['a, T] &'a mut [T], T, Exclusive<'a>, rec, value => value.place(rec);
    ['a, T] &'a Vec<T>, T, Shared<'a>, rec, value => value.place(rec).as_slice(rec);
    ['a, T] &'a mut Vec<T>, T, Exclusive<'a>, rec, value => value.place(rec).as_slice(rec);
    ['a, T, const N: usize] &'a [T; N], T, Shared<'a>, rec, value => value.place(rec).as_slice();
    ['a, T, const N: usize] &'a mut [T; N], T, Exclusive<'a>, rec, value => value.place(rec).as_slice();
}

/// The windows of a slice.
pub struct WindowsItems<'x, T> {
    elements: Place<[T]>,
    /// How many elements each has.
    size: Traced<usize>,
    /// How many windows have been taken.
    front: usize,
    lending: PhantomData<&'x ()>,
}

impl<'x, T: 'x> Items for WindowsItems<'x, T> {
    type Item = &'x [T];
    fn next(&mut self, rec: Rec) -> Option<Traced<&'x [T]>> {
        let at = Traced::constant(self.front);
        // As far as from the last window's start to the end.
        let left = ops::wrapping(rec, OvfOp::Sub, &self.elements.len(), &at);
        if ops::branch(rec, ops::lt(rec, left, self.size.dup())) {
            return None;
        }
        self.front += 1;
        Some(self.elements.range(rec, &at, &self.size).shared(rec))
    }
}

/// `windows` of slices.
#[derive(Clone, Copy)]
pub struct WindowsOf;

impl<'x, S, R, F> Method<'x, S, (Traced<usize>,), F> for WindowsOf
where
    S: SlicePlace + ?Sized + 'x,
    F: Fn(&'x mut Target<S>, usize) -> R + Copy,
{
    type Out = WindowsItems<'x, S::Item>;
    #[track_caller]
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<S>,
        (size,): (Traced<usize>,),
        plain: F,
    ) -> Self::Out {
        if ops::branch(rec, ops::eq(rec, size.dup(), Traced::constant(0))) {
            // The author's own call panics.
            Method::call_method(Residual, rec, site, this, (size.dup(),), plain);
        }
        WindowsItems { elements: S::slice(rec, this), size, front: 0, lending: PhantomData }
    }
}

/// An array that is iterated over by value.
pub struct OfArray<T, const N: usize> {
    elements: Traced<[T; N]>,
    front: usize,
}

impl<T: Scalar, const N: usize> KnownIteration<[T; N]> for &IterationOf<[T; N]> {
    type Items = OfArray<T, N>;
    fn start(&self, _: Rec, _: &'static CallSite, elements: Traced<[T; N]>) -> OfArray<T, N> {
        OfArray { elements, front: 0 }
    }
}

impl<T: Scalar, const N: usize> Items for OfArray<T, N> {
    type Item = T;
    fn next(&mut self, rec: Rec) -> Option<Traced<T>> {
        if self.front == N {
            return None;
        }
        let at = Traced::constant(self.front);
        self.front += 1;
        Some(self.elements.as_place().as_slice().slot(rec, &at).read(rec))
    }
}

impl<T: ops::Int> Items for ops::Range<T> {
    type Item = T;
    fn next(&mut self, rec: Rec) -> Option<Traced<T>> {
        ops::Range::next(self, rec)
    }
}

impl<T: ops::Int> ItemsBack for ops::Range<T> {
    fn next_back(&mut self, rec: Rec) -> Option<Traced<T>> {
        ops::Range::next_back(self, rec)
    }
}

/// The characters of a string. How many bytes each has is known on every run.
pub struct Chars {
    bytes: Place<[u8]>,
    at: usize,
}

impl Chars {
    fn byte(&self, rec: Rec, distance: usize) -> Traced<u32> {
        let at = Traced::constant(self.at + distance);
        ops::cast(rec, self.bytes.slot(rec, &at).read(rec))
    }
}

impl Items for Chars {
    type Item = char;
    fn next(&mut self, rec: Rec) -> Option<Traced<char>> {
        if !ops::branch(rec, ops::lt(rec, Traced::constant(self.at), self.bytes.len())) {
            return None;
        }
        let first = self.byte(rec, 0);
        let below = |limit| ops::branch(rec, ops::lt(rec, first.dup(), Traced::constant(limit)));
        // How many bytes follow, and which bits of the first one count.
        let (n, mask) = match () {
            () if below(0x80) => (0, 0x7f),
            () if below(0xe0) => (1, 0x1f),
            () if below(0xf0) => (2, 0x0f),
            () => (3, 0x07),
        };
        let mut code = ops::Bits::and(rec, first, Traced::constant(mask));
        for distance in 1..=n {
            let more = ops::Bits::and(rec, self.byte(rec, distance), Traced::constant(0x3f));
            code = ops::Bits::or(rec, ops::shl(rec, false, code, Traced::constant(6u32)), more);
        }
        self.at += n + 1;
        let arg = code.arg();
        Some(Traced::of_scalar_arg(arg))
    }
}

/// Items by calls.
pub struct Calls<I> {
    iterator: Traced<I>,
    site: &'static CallSite,
}

impl<I: IntoIterator> AnyIteration<I> for IterationOf<I> {
    fn start(&self, rec: Rec, site: &'static CallSite, value: Traced<I>) -> Calls<I::IntoIter> {
        let iterator = residual(rec, site, (value,), |(value,): (I,)| value.into_iter());
        Calls { iterator, site }
    }
}

impl<I: DoubleEndedIterator> ItemsBack for Calls<I> {
    fn next_back(&mut self, rec: Rec) -> Option<Traced<I::Item>> {
        let this = self.iterator.as_place();
        let mut next =
            Method::call_method(Residual, rec, self.site, this, (), |it: &mut Target<I>| {
                it.next_back()
            });
        let item = next.as_place().payload(rec).ok()?.read_any(rec);
        next.disown();
        Some(item)
    }
}

impl<I: ExactSizeIterator> ItemsLen for Calls<I> {
    fn len(&self, rec: Rec) -> Traced<usize> {
        // The iterator stays where it is.
        let this = super::place::local_at(&raw const self.iterator).as_place();
        Method::call_method(Residual, rec, self.site, this, (), |it: &mut Target<I>| it.len())
    }
}

impl<I: Iterator> Items for Calls<I> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Option<Traced<I::Item>> {
        let this = self.iterator.as_place();
        let mut next =
            Method::call_method(Residual, rec, self.site, this, (), |it: &mut Target<I>| it.next());
        let item = next.as_place().payload(rec).ok()?.read_any(rec);
        next.disown();
        Some(item)
    }
}

macro_rules! starts {
    ($($(#[$doc:meta])* $token:ident $method:ident: [$($bound:tt)*] $out:ty = |$rec:ident, $this:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $token;

        impl<'x, S: $($bound)* + 'x, F> Method<'x, S, (), F> for $token {
            type Out = $out;
            fn call_method(
                self,
                $rec: Rec,
                _: &'static CallSite,
                $this: Place<S>,
                (): (),
                _: F,
            ) -> $out {
                $body
            }
        }
    )*};
}

starts! {
    /// `iter` of slices.
    IterOf __jit_items_iter: [SlicePlace + ?Sized] ByIndex<S::Item, Shared<'x>> =
        |rec, this| ByIndex::new(S::slice(rec, this));
    /// `iter_mut` of slices.
    IterMutOf __jit_items_iter_mut: [SlicePlace + ?Sized] ByIndex<S::Item, Exclusive<'x>> =
        |rec, this| ByIndex::new(S::slice(rec, this));
    /// `bytes` of strings.
    BytesOf __jit_items_bytes: [StrPlace + ?Sized] ByIndex<u8, Copies> =
        |rec, this| ByIndex::new(S::bytes(rec, this));
    /// `chars` of strings.
    CharsOf __jit_items_chars: [StrPlace + ?Sized] Chars =
        |rec, this| Chars { bytes: S::bytes(rec, this), at: 0 };
}

/// Strings.
pub trait StrPlace: Pointee {
    /// The bytes.
    fn bytes(rec: Rec, place: Place<Self>) -> Place<[u8]>;
}

impl StrPlace for str {
    fn bytes(_: Rec, place: Place<str>) -> Place<[u8]> {
        place.str_bytes()
    }
}

impl StrPlace for String {
    fn bytes(rec: Rec, place: Place<String>) -> Place<[u8]> {
        place.string_bytes(rec)
    }
}

/// Methods that start an iteration over a slice.
#[allow(missing_docs)]
pub trait IterationShims {
    fn __jit_items_iter(&self) -> IterOf {
        IterOf
    }
    fn __jit_items_iter_mut(&self) -> IterMutOf {
        IterMutOf
    }
    fn __jit_items_windows(&self) -> WindowsOf {
        WindowsOf
    }
}

impl<S: SlicePlace + ?Sized> IterationShims for S {}

/// Methods that start an iteration over a string.
#[allow(missing_docs)]
pub trait StrIterationShims {
    fn __jit_items_bytes(&self) -> BytesOf {
        BytesOf
    }
    fn __jit_items_chars(&self) -> CharsOf {
        CharsOf
    }
}

impl<S: StrPlace + ?Sized> StrIterationShims for S {}
