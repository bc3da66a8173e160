//! Twins of std methods that matter in hot paths. What is not here is called, not traced.
//!
//! A shim for `method` is a trait method `__jit_method` that answers the twin's token. Traced code
//! finds it by name on the receiver's type.
#![allow(clippy::type_complexity, reason = "a token's type is the signature of its twin")]

mod cell;
mod convert;
mod float;
mod int;
mod number;
mod option;
mod raw;
mod slice;
mod text;

pub use cell::*;
pub use convert::*;
pub use float::FloatShims;
pub use int::{IntShims, SignedShims};
pub use number::*;
pub use option::{
    Expect, ExpectErr, OptionOfRefShims, OptionOfScalarShims, OptionShims, OrDefault, ResultShims,
    Unwrap, UnwrapErr,
};
pub use raw::{NonNullShims, RawShims};
pub use slice::{
    Contains, CopyFromSlice, CopyWithin, Extend, ExtendFromSlice, Fill, Get, GetMut, GetUnchecked,
    GetUncheckedMut, Is, Resize, SliceIterShims, SliceShims, Swap, VecNew, VecShims,
    VecWithCapacity, WithCapacity,
};
pub use text::{StrShims, StringShims};
