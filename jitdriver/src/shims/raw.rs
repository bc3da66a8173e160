//! Methods of raw pointers and of `NonNull`.

use crate::plumbing::{Place, Pointee, Rec, StdTwin, Traced, ops};
use std::ptr::NonNull;

type Of<T, R> = StdTwin<fn(Rec, Place<NonNull<T>>) -> Traced<R>>;

/// What it points to.
fn target<T: ?Sized + Pointee>(rec: Rec, this: Place<NonNull<T>>) -> Place<T> {
    this.part::<*mut T>(rec, 0).read(rec).place(rec)
}

/// A `NonNull` is a raw pointer with another type.
#[allow(missing_docs)]
pub trait NonNullShims<T: ?Sized + Pointee> {
    fn __jit_as_ptr(&self) -> Of<T, *mut T>;
    fn __jit_as_ref<'a>(&self) -> Of<T, &'a T>
    where
        T: 'a;
    fn __jit_as_mut<'a>(&self) -> Of<T, &'a mut T>
    where
        T: 'a;
}

impl<T: ?Sized + Pointee> NonNullShims<T> for NonNull<T> {
    fn __jit_as_ptr(&self) -> Of<T, *mut T> {
        StdTwin(|rec, this| this.part::<*mut T>(rec, 0).read(rec))
    }
    fn __jit_as_ref<'a>(&self) -> Of<T, &'a T>
    where
        T: 'a,
    {
        StdTwin(|rec, this| target(rec, this).shared(rec))
    }
    fn __jit_as_mut<'a>(&self) -> Of<T, &'a mut T>
    where
        T: 'a,
    {
        StdTwin(|rec, this| target(rec, this).exclusive(rec))
    }
}

type With<P, A, R> = StdTwin<fn(Rec, Place<P>, Traced<A>) -> Traced<R>>;

/// Methods of raw pointers to what is sized. They are as unsafe as the author's own calls, which stand in
/// an `unsafe` block.
#[allow(missing_docs)]
pub trait RawShims<T>: Sized {
    fn __jit_add(&self) -> With<Self, usize, Self>;
    fn __jit_sub(&self) -> With<Self, usize, Self>;
    fn __jit_offset(&self) -> With<Self, isize, Self>;
    fn __jit_read(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<T>>;
    fn __jit_read_unaligned(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<T>>;
    fn __jit_is_null(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<bool>>;
}

macro_rules! raw {
    ($($ty:ty: $pointer:ident;)*) => {$(
        impl<T> RawShims<T> for $ty {
            fn __jit_add(&self) -> With<Self, usize, Self> {
                StdTwin(|rec, this, n| this.read(rec).place(rec).element_at(rec, &n).$pointer(rec))
            }
            fn __jit_sub(&self) -> With<Self, usize, Self> {
                StdTwin(|rec, this, n| {
                    let n = ops::wrapping(rec, ops::OvfOp::Sub, &Traced::constant(0), &n);
                    this.read(rec).place(rec).at_distance(rec, &n).$pointer(rec)
                })
            }
            fn __jit_offset(&self) -> With<Self, isize, Self> {
                StdTwin(|rec, this, n| {
                    let n = ops::cast(rec, n);
                    this.read(rec).place(rec).at_distance(rec, &n).$pointer(rec)
                })
            }
            fn __jit_read(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<T>> {
                StdTwin(|rec, this| this.read(rec).place(rec).read_any(rec))
            }
            fn __jit_read_unaligned(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<T>> {
                StdTwin(|rec, this| this.read(rec).place(rec).read_any(rec))
            }
            fn __jit_is_null(&self) -> StdTwin<fn(Rec, Place<Self>) -> Traced<bool>> {
                StdTwin(|rec, this| {
                    let address: Place<usize> = this.part(rec, 0);
                    ops::eq(rec, address.read(rec), Traced::constant(0))
                })
            }
        }
    )*};
}

raw! {
    *const T: raw_const;
    *mut T: raw_mut;
}
