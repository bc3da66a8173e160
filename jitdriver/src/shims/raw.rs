//! Methods of `NonNull`.

use crate::plumbing::{Place, Pointee, Rec, Traced, Twin};
use std::ptr::NonNull;

type Of<T, R> = Twin<fn(Rec, Place<NonNull<T>>) -> Traced<R>>;

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
        Twin(|rec, this| this.part::<*mut T>(rec, 0).read(rec))
    }
    fn __jit_as_ref<'a>(&self) -> Of<T, &'a T>
    where
        T: 'a,
    {
        Twin(|rec, this| target(rec, this).shared(rec))
    }
    fn __jit_as_mut<'a>(&self) -> Of<T, &'a mut T>
    where
        T: 'a,
    {
        Twin(|rec, this| target(rec, this).exclusive(rec))
    }
}
