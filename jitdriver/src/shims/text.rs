//! Methods of strings.

use crate::plumbing::iterate::StrPlace;
use crate::plumbing::{Place, Rec, StdTwin, Traced, ops};

type Of<S, R> = StdTwin<fn(Rec, Place<S>) -> Traced<R>>;

/// Methods of `str` and `String`.
#[allow(missing_docs)]
pub trait StrShims: StrPlace {
    fn __jit_len(&self) -> Of<Self, usize>;
    fn __jit_is_empty(&self) -> Of<Self, bool>;
    fn __jit_as_bytes<'a>(&self) -> Of<Self, &'a [u8]>;
}

impl<S: StrPlace + ?Sized> StrShims for S {
    fn __jit_len(&self) -> Of<S, usize> {
        StdTwin(|rec, this| S::bytes(rec, this).len())
    }
    fn __jit_is_empty(&self) -> Of<S, bool> {
        StdTwin(|rec, this| ops::eq(rec, S::bytes(rec, this).len(), Traced::constant(0)))
    }
    fn __jit_as_bytes<'a>(&self) -> Of<S, &'a [u8]> {
        StdTwin(|rec, this| S::bytes(rec, this).shared(rec))
    }
}

/// Methods of `String`.
#[allow(missing_docs)]
pub trait StringShims {
    fn __jit_as_str<'a>(&self) -> Of<String, &'a str>;
}

impl StringShims for String {
    fn __jit_as_str<'a>(&self) -> Of<String, &'a str> {
        StdTwin(|rec, this| String::bytes(rec, this).as_str().shared(rec))
    }
}
