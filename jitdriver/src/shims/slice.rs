//! Methods of slices, arrays and `Vec`s.

use crate::plumbing::ops::OvfOp;
use crate::plumbing::{
    Assoc, CallSite, Callee, Local, Method, Place, Pointee, Rec, Residual, SlicePlace, StdTwin,
    Target, Traced, ops, owned,
};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};
use std::slice::Iter;

type Of<S, R> = StdTwin<fn(Rec, Place<S>) -> Traced<R>>;
type With<S, A, R> = StdTwin<fn(Rec, Place<S>, Traced<A>) -> Traced<R>>;

fn shared<'a, T: ?Sized + Pointee>(rec: Rec, place: Option<Place<T>>) -> Traced<Option<&'a T>> {
    match place {
        Some(place) => Traced::some(place.shared(rec)),
        None => Traced::constant(None),
    }
}

fn exclusive<'a, T: ?Sized + Pointee>(
    rec: Rec,
    place: Option<Place<T>>,
) -> Traced<Option<&'a mut T>> {
    match place {
        Some(place) => Traced::some(place.exclusive(rec)),
        None => Traced::constant(None),
    }
}

/// The elements of a range, if it lies inside.
fn part<T>(rec: Rec, slice: Place<[T]>, mut range: Traced<Range<usize>>) -> Option<Place<[T]>> {
    let range = range.as_place();
    let start = range.field(rec, |range| &raw const range.start).read(rec);
    let end = range.field(rec, |range| &raw const range.end).read(rec);
    let inside = ops::branch(rec, ops::le(rec, start.dup(), end.dup()))
        && ops::branch(rec, ops::le(rec, end.dup(), slice.len()));
    inside.then(|| {
        let len = ops::wrapping(rec, OvfOp::Sub, &end, &start);
        slice.range(rec, &start, &len)
    })
}

/// Methods of slices, and of what derefs to them.
#[allow(missing_docs)]
pub trait SliceShims: SlicePlace {
    fn __jit_len(&self) -> Of<Self, usize>;
    fn __jit_is_empty(&self) -> Of<Self, bool>;
    fn __jit_first<'a>(&self) -> Of<Self, Option<&'a Self::Item>>
    where
        Self::Item: 'a;
    fn __jit_last<'a>(&self) -> Of<Self, Option<&'a Self::Item>>
    where
        Self::Item: 'a;
    fn __jit_first_mut<'a>(&self) -> Of<Self, Option<&'a mut Self::Item>>
    where
        Self::Item: 'a;
    fn __jit_last_mut<'a>(&self) -> Of<Self, Option<&'a mut Self::Item>>
    where
        Self::Item: 'a;
    fn __jit_get(&self) -> Get;
    fn __jit_get_mut(&self) -> GetMut;
    fn __jit_get_unchecked(&self) -> GetUnchecked;
    fn __jit_get_unchecked_mut(&self) -> GetUncheckedMut;
    fn __jit_swap(&self) -> Swap;
    fn __jit_fill(&self) -> Fill;
    fn __jit_contains(&self) -> Contains;
    fn __jit_copy_from_slice(&self) -> CopyFromSlice;
    fn __jit_copy_within(&self) -> CopyWithin;
    fn __jit_iter<'a>(&self) -> Of<Self, Iter<'a, Self::Item>>
    where
        Self::Item: 'a;
    fn __jit_as_slice<'a>(&self) -> Of<Self, &'a [Self::Item]>
    where
        Self::Item: 'a;
    fn __jit_as_mut_slice<'a>(&self) -> Of<Self, &'a mut [Self::Item]>
    where
        Self::Item: 'a;
    fn __jit_as_ptr(&self) -> Of<Self, *const Self::Item>;
    fn __jit_as_mut_ptr(&self) -> Of<Self, *mut Self::Item>;
}

impl<S: SlicePlace + ?Sized> SliceShims for S {
    fn __jit_len(&self) -> Of<S, usize> {
        StdTwin(|rec, this| S::slice(rec, this).len())
    }
    fn __jit_is_empty(&self) -> Of<S, bool> {
        StdTwin(|rec, this| ops::eq(rec, S::slice(rec, this).len(), Traced::constant(0)))
    }
    fn __jit_first<'a>(&self) -> Of<S, Option<&'a S::Item>>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| shared(rec, S::slice(rec, this).first(rec)))
    }
    fn __jit_last<'a>(&self) -> Of<S, Option<&'a S::Item>>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| shared(rec, S::slice(rec, this).last(rec)))
    }
    fn __jit_first_mut<'a>(&self) -> Of<S, Option<&'a mut S::Item>>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| exclusive(rec, S::slice(rec, this).first(rec)))
    }
    fn __jit_last_mut<'a>(&self) -> Of<S, Option<&'a mut S::Item>>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| exclusive(rec, S::slice(rec, this).last(rec)))
    }
    fn __jit_get(&self) -> Get {
        Get
    }
    fn __jit_get_mut(&self) -> GetMut {
        GetMut
    }
    fn __jit_get_unchecked(&self) -> GetUnchecked {
        GetUnchecked
    }
    fn __jit_get_unchecked_mut(&self) -> GetUncheckedMut {
        GetUncheckedMut
    }
    fn __jit_swap(&self) -> Swap {
        Swap
    }
    fn __jit_fill(&self) -> Fill {
        Fill
    }
    fn __jit_contains(&self) -> Contains {
        Contains
    }
    fn __jit_copy_from_slice(&self) -> CopyFromSlice {
        CopyFromSlice
    }
    fn __jit_copy_within(&self) -> CopyWithin {
        CopyWithin
    }
    fn __jit_iter<'a>(&self) -> Of<S, Iter<'a, S::Item>>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| S::slice(rec, this).iter_value(rec))
    }
    fn __jit_as_slice<'a>(&self) -> Of<S, &'a [S::Item]>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| S::slice(rec, this).shared(rec))
    }
    fn __jit_as_mut_slice<'a>(&self) -> Of<S, &'a mut [S::Item]>
    where
        S::Item: 'a,
    {
        StdTwin(|rec, this| S::slice(rec, this).exclusive(rec))
    }
    fn __jit_as_ptr(&self) -> Of<S, *const S::Item> {
        StdTwin(|rec, this| S::slice(rec, this).slot(rec, &Traced::constant(0)).raw_const(rec))
    }
    fn __jit_as_mut_ptr(&self) -> Of<S, *mut S::Item> {
        StdTwin(|rec, this| S::slice(rec, this).slot(rec, &Traced::constant(0)).raw_mut(rec))
    }
}

/// `swap`.
#[derive(Clone, Copy)]
pub struct Swap;

impl<'x, S: SlicePlace + ?Sized + 'x, F> Method<'x, S, (Traced<usize>, Traced<usize>), F> for Swap
where
    F: Fn(&'x mut Target<S>, usize, usize) + Copy,
{
    type Out = Traced<()>;
    #[track_caller]
    fn call_method(
        self,
        rec: Rec,
        _: &'static CallSite,
        this: Place<S>,
        (a, b): (Traced<usize>, Traced<usize>),
        _: F,
    ) -> Traced<()> {
        S::slice(rec, this).swap(rec, a, b);
        Traced::constant(())
    }
}

/// Most elements that are copied or compared one by one.
const FEW: usize = 8;

/// How many elements there are, if few. The trace is for that number from here on.
///
/// Both are guarded: what a twin does may depend on values that guards keep, and never on what a trace
/// happens to know, for a replay knows other things.
fn few(rec: Rec, len: &Traced<usize>) -> Option<usize> {
    if !ops::branch(rec, ops::le(rec, len.dup(), Traced::constant(FEW))) {
        return None;
    }
    rec.step();
    rec.guard_value(len.arg());
    Some(len.get())
}

/// What a method answers that answers nothing.
type Nothing = ();

/// Tokens of methods that are traced if there are few elements, and else called.
macro_rules! of_few {
    ($($(#[$doc:meta])* $token:ident [$($bound:tt)*] ($($name:ident: $arg:ty),*): $out:ty = |$rec:ident, $slice:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $token;

        impl<'x, 'y, S: SlicePlace + ?Sized + 'x, F> Method<'x, S, ($(Traced<$arg>,)*), F> for $token
        where
            S::Item: 'y $($bound)*,
            F: Fn(&'x mut Target<S> $(, $arg)*) -> $out + Copy,
        {
            type Out = Traced<$out>;
            #[track_caller]
            fn call_method(
                self,
                $rec: Rec,
                site: &'static CallSite,
                this: Place<S>,
                ($($name,)*): ($(Traced<$arg>,)*),
                plain: F,
            ) -> Traced<$out> {
                let $slice = S::slice($rec, this);
                let traced: Option<Traced<$out>> = $body;
                match traced {
                    Some(res) => res,
                    None => Method::call_method(Residual, $rec, site, this, ($($name,)*), plain),
                }
            }
        }
    )*};
}

of_few! {
    /// `fill`: what is no number is cloned by the author's own `Clone`.
    Fill [] (value: S::Item): Nothing = |rec, slice| (|| {
        ops::Repr::of::<S::Item>()?;
        let n = few(rec, &slice.len())?;
        for at in 0..n {
            slice.slot(rec, &Traced::constant(at)).initialize(rec, value.peek());
        }
        Some(Traced::constant(()))
    })();
    /// `contains`.
    Contains [] (value: &'y S::Item): bool = |rec, slice| (|| {
        ops::Repr::of::<S::Item>()?;
        let n = few(rec, &slice.len())?;
        let value = value.place(rec).read_any(rec);
        for at in 0..n {
            let element = slice.slot(rec, &Traced::constant(at)).read_any(rec);
            if ops::branch(rec, ops::scalars_equal(rec, &element, &value)?) {
                return Some(Traced::constant(true));
            }
        }
        Some(Traced::constant(false))
    })();
    /// `copy_from_slice`.
    CopyFromSlice [+ Copy] (from: &'y [S::Item]): Nothing = |rec, slice| (|| {
        let (n, from) = (few(rec, &slice.len())?, from.place(rec));
        if !ops::branch(rec, ops::eq(rec, slice.len(), from.len())) {
            return None;
        }
        move_few(rec, n, |at| from.slot(rec, at), |at| slice.slot(rec, at));
        Some(Traced::constant(()))
    })();
    /// `copy_within` a range.
    CopyWithin [+ Copy] (range: Range<usize>, to: usize): Nothing = |rec, slice| (|| {
        let mut range = range.peek();
        let range = range.as_place();
        let start = range.field(rec, |range| &raw const range.start).read(rec);
        let end = range.field(rec, |range| &raw const range.end).read(rec);
        let in_order = ops::branch(rec, ops::le(rec, start.dup(), end.dup()));
        if !in_order || !ops::branch(rec, ops::le(rec, end.dup(), slice.len())) {
            return None;
        }
        let length = ops::wrapping(rec, OvfOp::Sub, &end, &start);
        let n = few(rec, &length)?;
        let room = ops::wrapping(rec, OvfOp::Sub, &slice.len(), &length);
        if !ops::branch(rec, ops::le(rec, to.dup(), room)) {
            return None;
        }
        let at = |from: &Traced<usize>, at: &Traced<usize>| {
            slice.slot(rec, &ops::wrapping(rec, OvfOp::Add, from, at))
        };
        move_few(rec, n, |number| at(&start, number), |number| at(&to, number));
        Some(Traced::constant(()))
    })();
}

/// Copies elements: all are read before the first one is written.
fn move_few<T: Copy>(
    rec: Rec,
    n: usize,
    from: impl Fn(&Traced<usize>) -> Place<T>,
    to: impl Fn(&Traced<usize>) -> Place<T>,
) {
    let read = |at| from(&Traced::constant(at)).read_any(rec);
    let values: Vec<Traced<T>> = (0..n).map(read).collect();
    for (at, value) in values.into_iter().enumerate() {
        to(&Traced::constant(at)).initialize(rec, value);
    }
}

/// Methods of an iterator over a slice that is kept in a variable.
#[allow(missing_docs)]
pub trait SliceIterShims<'a, T> {
    fn __jit_next(&self) -> Of<Iter<'a, T>, Option<&'a T>>;
}

impl<'a, T> SliceIterShims<'a, T> for Iter<'a, T> {
    fn __jit_next(&self) -> Of<Iter<'a, T>, Option<&'a T>> {
        StdTwin(|rec, this| this.next_element(rec))
    }
}

/// `extend_from_slice`.
#[derive(Clone, Copy)]
pub struct ExtendFromSlice;

impl<'x, 'y, T: 'x + 'y, F> Method<'x, Vec<T>, (Traced<&'y [T]>,), F> for ExtendFromSlice
where
    F: Fn(&'x mut Target<Vec<T>>, &'y [T]) + Copy,
{
    type Out = Traced<()>;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<Vec<T>>,
        (from,): (Traced<&'y [T]>,),
        plain: F,
    ) -> Traced<()> {
        let elements = from.place(rec);
        let n = ops::Repr::of::<T>().and_then(|_| few(rec, &elements.len()));
        let Some(n) = n else {
            return Method::call_method(Residual, rec, site, this, (from,), plain);
        };
        let values = (0..n).map(|at| elements.slot(rec, &Traced::constant(at)).read_any(rec));
        this.extend(rec, &values.collect::<Vec<_>>());
        Traced::constant(())
    }
}

/// `extend`.
#[derive(Clone, Copy)]
pub struct Extend;

impl<'x, T: 'x, I, F> Method<'x, Vec<T>, (Traced<I>,), F> for Extend
where
    F: Fn(&'x mut Target<Vec<T>>, I) + Copy,
{
    type Out = Traced<()>;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<Vec<T>>,
        (items,): (Traced<I>,),
        plain: F,
    ) -> Traced<()> {
        let is_option = typeid::of::<I>() == typeid::of::<Option<T>>();
        if !is_option || ops::Repr::of::<T>().is_none() {
            return Method::call_method(Residual, rec, site, this, (items,), plain);
        }
        let mut item = items.named::<Option<T>>();
        if let Ok(payload) = item.as_place().payload(rec) {
            this.extend(rec, &[payload.read_any(rec)]);
        }
        Traced::constant(())
    }
}

/// `resize`: nothing but a drop of the value if there are as many elements already.
#[derive(Clone, Copy)]
pub struct Resize;

impl<'x, T: 'x, F> Method<'x, Vec<T>, (Traced<usize>, Traced<T>), F> for Resize
where
    F: Fn(&'x mut Target<Vec<T>>, usize, T) + Copy,
{
    type Out = Traced<()>;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<Vec<T>>,
        (len, value): (Traced<usize>, Traced<T>),
        plain: F,
    ) -> Traced<()> {
        if ops::branch(rec, ops::eq(rec, this.len(rec), len.dup())) {
            drop(value);
            return Traced::constant(());
        }
        Method::call_method(Residual, rec, site, this, (len, value), plain)
    }
}

/// Methods with an index: with a number they are traced, with a range `a..b` some are, with others called.
macro_rules! indexing {
    ($($token:ident: $out:ty = |$rec:ident, $slice:ident, $index:ident| $body:expr;)*) => {$(
        /// See the method.
        #[derive(Clone, Copy)]
        pub struct $token;

        impl<'x, S: SlicePlace + ?Sized + 'x, R, FN> Method<'x, S, (Traced<usize>,), FN> for $token
        where
            FN: Fn(&'x mut Target<S>, usize) -> R + Copy,
            S::Item: 'x,
            $out: Is<R>,
        {
            type Out = Traced<R>;
            fn call_method(
                self,
                $rec: Rec,
                _: &'static CallSite,
                this: Place<S>,
                ($index,): (Traced<usize>,),
                _: FN,
            ) -> Traced<R> {
                let $slice = S::slice($rec, this);
                <$out as Is<R>>::is($body)
            }
        }

        indexing! { ranges $token RangeFrom<usize>, RangeTo<usize>, RangeFull, RangeInclusive<usize>, RangeToInclusive<usize> }
    )*};
    (range $token:ident: $out:ty = |$rec:ident, $slice:ident, $range:ident| $body:expr) => {
        impl<'x, S: SlicePlace + ?Sized + 'x, R, FN> Method<'x, S, (Traced<Range<usize>>,), FN> for $token
        where
            FN: Fn(&'x mut Target<S>, Range<usize>) -> R + Copy,
            S::Item: 'x,
            $out: Is<R>,
        {
            type Out = Traced<R>;
            fn call_method(
                self,
                $rec: Rec,
                _: &'static CallSite,
                this: Place<S>,
                ($range,): (Traced<Range<usize>>,),
                _: FN,
            ) -> Traced<R> {
                let $slice = S::slice($rec, this);
                <$out as Is<R>>::is($body)
            }
        }
    };
    (ranges $token:ident $($range:ty),*) => {$(
        impl<'x, S: SlicePlace + ?Sized + Pointee + 'x, R, FN> Method<'x, S, (Traced<$range>,), FN> for $token
        where
            FN: Fn(&'x mut Target<S>, $range) -> R + Copy,
        {
            type Out = Traced<R>;
            fn call_method(
                self,
                rec: Rec,
                site: &'static CallSite,
                this: Place<S>,
                args: (Traced<$range>,),
                plain: FN,
            ) -> Traced<R> {
                Method::call_method(Residual, rec, site, this, args, plain)
            }
        }
    )*};
}

/// Equality of types, as `FN`'s result is not known to be what the twin answers.
pub trait Is<R>: Sized {
    /// The same value.
    fn is(value: Traced<Self>) -> Traced<R>;
}

impl<R> Is<R> for R {
    fn is(value: Traced<R>) -> Traced<R> {
        value
    }
}

indexing! {
    Get: Option<&'x S::Item> = |rec, slice, index| shared(rec, slice.get(rec, index));
    GetMut: Option<&'x mut S::Item> = |rec, slice, index| exclusive(rec, slice.get(rec, index));
    GetUnchecked: &'x S::Item = |rec, slice, index| slice.slot(rec, &index).shared(rec);
    GetUncheckedMut: &'x mut S::Item = |rec, slice, index| slice.slot(rec, &index).exclusive(rec);
}

indexing! {
    range Get: Option<&'x [S::Item]> = |rec, slice, range| shared(rec, part(rec, slice, range))
}
indexing! {
    range GetMut: Option<&'x mut [S::Item]> =
        |rec, slice, range| exclusive(rec, part(rec, slice, range))
}
indexing! { ranges GetUnchecked Range<usize> }
indexing! { ranges GetUncheckedMut Range<usize> }

/// `Vec::with_capacity`.
#[derive(Clone, Copy)]
pub struct WithCapacity;

impl<T, F> Callee<(Traced<usize>,), F> for WithCapacity
where
    F: Fn(usize) -> Vec<T> + Copy,
{
    type Out = Traced<Vec<T>>;
    fn call(
        self,
        rec: Rec,
        site: &'static CallSite,
        (capacity,): (Traced<usize>,),
        plain: F,
    ) -> Traced<Vec<T>> {
        match owned::vec_with_capacity(rec, &capacity) {
            Some(made) => made,
            None => Callee::call(Residual, rec, site, (capacity,), plain),
        }
    }
}

/// Associated functions of `Vec`.
#[allow(missing_docs, non_snake_case)]
pub trait VecWithCapacity {
    fn __jit_Vec_with_capacity(&self) -> WithCapacity;
}

impl<T> VecWithCapacity for Assoc<(usize,), Vec<T>> {
    fn __jit_Vec_with_capacity(&self) -> WithCapacity {
        WithCapacity
    }
}

/// `Vec::new`.
#[allow(missing_docs, non_snake_case)]
pub trait VecNew<T> {
    fn __jit_Vec_new(&self) -> StdTwin<fn(Rec) -> Traced<Vec<T>>>;
}

impl<T> VecNew<T> for Assoc<(), Vec<T>> {
    fn __jit_Vec_new(&self) -> StdTwin<fn(Rec) -> Traced<Vec<T>>> {
        StdTwin(|_| owned::vec_new())
    }
}

/// Methods of `Vec`s that slices do not have.
#[allow(missing_docs)]
pub trait VecShims<T> {
    fn __jit_push(&self) -> With<Vec<T>, T, ()>;
    fn __jit_pop(&self) -> Of<Vec<T>, Option<T>>;
    fn __jit_truncate(&self) -> With<Vec<T>, usize, ()>;
    fn __jit_clear(&self) -> Of<Vec<T>, ()>;
    fn __jit_capacity(&self) -> Of<Vec<T>, usize>;
    fn __jit_extend_from_slice(&self) -> ExtendFromSlice;
    fn __jit_extend(&self) -> Extend;
    fn __jit_resize(&self) -> Resize;
}

impl<T> VecShims<T> for Vec<T> {
    fn __jit_push(&self) -> With<Vec<T>, T, ()> {
        StdTwin(|rec, vec, value| {
            vec.push(rec, value);
            Traced::constant(())
        })
    }
    fn __jit_pop(&self) -> Of<Vec<T>, Option<T>> {
        StdTwin(|rec, vec| vec.pop(rec))
    }
    fn __jit_truncate(&self) -> With<Vec<T>, usize, ()> {
        StdTwin(|rec, vec, len| {
            vec.truncate(rec, len);
            Traced::constant(())
        })
    }
    fn __jit_clear(&self) -> Of<Vec<T>, ()> {
        StdTwin(|rec, vec| {
            vec.clear(rec);
            Traced::constant(())
        })
    }
    fn __jit_extend_from_slice(&self) -> ExtendFromSlice {
        ExtendFromSlice
    }
    fn __jit_extend(&self) -> Extend {
        Extend
    }
    fn __jit_resize(&self) -> Resize {
        Resize
    }
    fn __jit_capacity(&self) -> Of<Vec<T>, usize> {
        StdTwin(|rec, vec| vec.capacity(rec))
    }
}
