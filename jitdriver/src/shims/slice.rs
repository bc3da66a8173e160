//! Methods of slices, arrays and `Vec`s.

use crate::plumbing::ops::OvfOp;
use crate::plumbing::{
    CallSite, Local, Method, Place, Pointee, Rec, Residual, SlicePlace, Target, Traced, Twin, ops,
};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

type Of<S, R> = Twin<fn(Rec, Place<S>) -> Traced<R>>;
type With<S, A, R> = Twin<fn(Rec, Place<S>, Traced<A>) -> Traced<R>>;

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
        Twin(|rec, this| S::slice(rec, this).len())
    }
    fn __jit_is_empty(&self) -> Of<S, bool> {
        Twin(|rec, this| ops::eq(rec, S::slice(rec, this).len(), Traced::constant(0)))
    }
    fn __jit_first<'a>(&self) -> Of<S, Option<&'a S::Item>>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| shared(rec, S::slice(rec, this).first(rec)))
    }
    fn __jit_last<'a>(&self) -> Of<S, Option<&'a S::Item>>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| shared(rec, S::slice(rec, this).last(rec)))
    }
    fn __jit_first_mut<'a>(&self) -> Of<S, Option<&'a mut S::Item>>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| exclusive(rec, S::slice(rec, this).first(rec)))
    }
    fn __jit_last_mut<'a>(&self) -> Of<S, Option<&'a mut S::Item>>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| exclusive(rec, S::slice(rec, this).last(rec)))
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
    fn __jit_as_slice<'a>(&self) -> Of<S, &'a [S::Item]>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| S::slice(rec, this).shared(rec))
    }
    fn __jit_as_mut_slice<'a>(&self) -> Of<S, &'a mut [S::Item]>
    where
        S::Item: 'a,
    {
        Twin(|rec, this| S::slice(rec, this).exclusive(rec))
    }
    fn __jit_as_ptr(&self) -> Of<S, *const S::Item> {
        Twin(|rec, this| S::slice(rec, this).slot(rec, &Traced::constant(0)).raw_const(rec))
    }
    fn __jit_as_mut_ptr(&self) -> Of<S, *mut S::Item> {
        Twin(|rec, this| S::slice(rec, this).slot(rec, &Traced::constant(0)).raw_mut(rec))
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

/// Methods of `Vec`s that slices do not have.
#[allow(missing_docs)]
pub trait VecShims<T> {
    fn __jit_push(&self) -> With<Vec<T>, T, ()>;
    fn __jit_pop(&self) -> Of<Vec<T>, Option<T>>;
    fn __jit_truncate(&self) -> With<Vec<T>, usize, ()>;
    fn __jit_clear(&self) -> Of<Vec<T>, ()>;
    fn __jit_capacity(&self) -> Of<Vec<T>, usize>;
}

impl<T> VecShims<T> for Vec<T> {
    fn __jit_push(&self) -> With<Vec<T>, T, ()> {
        Twin(|rec, vec, value| {
            vec.push(rec, value);
            Traced::constant(())
        })
    }
    fn __jit_pop(&self) -> Of<Vec<T>, Option<T>> {
        Twin(|rec, vec| vec.pop(rec))
    }
    fn __jit_truncate(&self) -> With<Vec<T>, usize, ()> {
        Twin(|rec, vec, len| {
            vec.truncate(rec, len);
            Traced::constant(())
        })
    }
    fn __jit_clear(&self) -> Of<Vec<T>, ()> {
        Twin(|rec, vec| {
            vec.clear(rec);
            Traced::constant(())
        })
    }
    fn __jit_capacity(&self) -> Of<Vec<T>, usize> {
        Twin(|rec, vec| vec.capacity(rec))
    }
}
