//! Hints that are functions: in the plain function they do nothing.

use crate::plumbing::{Rec, Scalar, Traced, Twin};

/// Makes a red value a constant of the trace, with a guard that it is the same again.
///
/// For values that are nearly always the same at this place, and from which much follows: a type tag, a
/// shape, a function to dispatch to.
///
/// ```
/// assert_eq!(jitdriver::promote(3), 3);
/// ```
pub fn promote<T: Copy>(value: T) -> T {
    value
}

/// The twin of [`promote`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct promote {}

impl promote {
    #[doc(hidden)]
    pub fn __jit<T: Scalar>() -> Twin<fn(Rec, Traced<T>) -> Traced<T>> {
        Twin(|rec, value| {
            rec.step();
            let lane = rec.guard_value(value.arg());
            Traced::scalar(value.get(), lane)
        })
    }
}

/// False in the plain interpreter, true in traces.
///
/// ```
/// assert!(!jitdriver::we_are_jitted());
/// ```
pub fn we_are_jitted() -> bool {
    false
}

/// The twin of [`we_are_jitted`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct we_are_jitted {}

impl we_are_jitted {
    #[doc(hidden)]
    pub fn __jit() -> Twin<fn(Rec) -> Traced<bool>> {
        Twin(|_| Traced::constant(true))
    }
}
