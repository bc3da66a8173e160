//! Methods of slices and `Vec`s.

use crate::plumbing::{Place, Rec, Traced, Twin, ops};

/// Methods of slices.
#[allow(missing_docs)]
pub trait SliceShims<T> {
    fn __jit_len(&self) -> Twin<fn(Rec, Place<[T]>) -> Traced<usize>>;
    fn __jit_is_empty(&self) -> Twin<fn(Rec, Place<[T]>) -> Traced<bool>>;
}

impl<T> SliceShims<T> for [T] {
    fn __jit_len(&self) -> Twin<fn(Rec, Place<[T]>) -> Traced<usize>> {
        Twin(|_, slice| slice.len())
    }
    fn __jit_is_empty(&self) -> Twin<fn(Rec, Place<[T]>) -> Traced<bool>> {
        Twin(|rec, slice| ops::eq(rec, slice.len(), Traced::constant(0)))
    }
}

/// Methods of `Vec`s.
#[allow(missing_docs)]
pub trait VecShims<T> {
    fn __jit_len(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<usize>>;
    fn __jit_is_empty(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<bool>>;
    fn __jit_as_slice<'a>(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<&'a [T]>>
    where
        T: 'a;
}

impl<T> VecShims<T> for Vec<T> {
    fn __jit_len(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<usize>> {
        Twin(|rec, vec| vec.len(rec))
    }
    fn __jit_is_empty(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<bool>> {
        Twin(|rec, vec| ops::eq(rec, vec.len(rec), Traced::constant(0)))
    }
    fn __jit_as_slice<'a>(&self) -> Twin<fn(Rec, Place<Vec<T>>) -> Traced<&'a [T]>>
    where
        T: 'a,
    {
        Twin(|rec, vec| vec.as_slice(rec).shared(rec))
    }
}
