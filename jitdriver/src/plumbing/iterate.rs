//! `for` over what is no range: slices element by element, everything else by calls of `next`.
//!
//! Elements of slices, arrays and vectors behind a reference are found by their index, which is a
//! constant in each turn, because such a loop is unrolled. The length is compared in each turn; where it
//! is known, nothing is recorded. An iterator of another type is a local of the twin, and its `next` is a
//! residual call.

use super::call::{CallSite, Method, Residual, Target, residual};
use super::ops;
use super::place::{Element, IndexPlace, Local, Place};
use super::rec::Rec;
use super::value::Traced;
use std::marker::PhantomData;

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

/// Elements by index.
pub struct ByIndex<I> {
    elements: Traced<I>,
    index: usize,
}

fn element<T>(rec: Rec, elements: Place<[T]>, index: &mut usize) -> Option<Place<T>> {
    let at = Traced::constant(*index);
    if !ops::branch(rec, ops::lt(rec, at.dup(), elements.len())) {
        return None;
    }
    *index += 1;
    Some(elements.index(rec, at, |_| ()).element(rec))
}

macro_rules! by_index {
    ($($lifetime:lifetime $ty:ty, $item:ty, $rec:ident, $place:ident => $elements:expr, $borrow:ident;)*) => {$(
        impl<$lifetime, T> KnownIteration<$ty> for &IterationOf<$ty> {
            type Items = ByIndex<$ty>;
            fn start(&self, _: Rec, _: &'static CallSite, elements: Traced<$ty>) -> ByIndex<$ty> {
                ByIndex { elements, index: 0 }
            }
        }

        impl<$lifetime, T> Items for ByIndex<$ty> {
            type Item = $item;
            #[inline]
            fn next(&mut self, $rec: Rec) -> Option<Traced<$item>> {
                let $place = self.elements.place($rec);
                Some(element($rec, $elements, &mut self.index)?.$borrow($rec))
            }
        }
    )*};
}

by_index! {
    'a &'a [T], &'a T, rec, place => place, shared;
    'a &'a mut [T], &'a mut T, rec, place => place, exclusive;
    'a &'a Vec<T>, &'a T, rec, place => place.as_slice(rec), shared;
    'a &'a mut Vec<T>, &'a mut T, rec, place => place.as_slice(rec), exclusive;
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
