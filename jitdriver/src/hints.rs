//! Hints that are functions: in the plain function they do nothing.
#![allow(clippy::type_complexity, reason = "a token's type is the signature of its twin")]

use crate::plumbing::{Rec, Scalar, Traced, Twin};

/// Makes a red value a constant of the trace, with a guard that it is the same again.
///
/// For values that are nearly always the same at this place, and from which much follows: a type tag, a
/// shape, a function to dispatch to.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, promote};
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, table: &mut [u64], row: u64, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [table, row, n, acc]);
///         // Few programs ever use another row: what follows from it need not be computed each time.
///         let same_row = promote(row);
///         acc ^= (same_row * same_row + 7) % 5;
///         n -= 1;
///         if n == 0 {
///             return acc + table[row as usize];
///         }
///         can_enter_jit!(driver, greens = [], reds = [table, row, n, acc]);
///     }
/// }
///
/// let driver = JitDriver::new();
/// assert_eq!(interpret(&driver, &mut [10, 20, 30], 2, 5001), 31);
/// let trace = &driver.compiled()[0].optimized;
/// assert!(trace.contains("guard_value") && !trace.contains("int_mul"), "{trace}");
/// ```
pub fn promote<T: Copy>(value: T) -> T {
    value
}

/// The twin of [`promote`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum promote {
    /// The token.
    __JitToken,
}

impl promote {
    #[doc(hidden)]
    pub fn __jit<T: Scalar>(self) -> Twin<fn(Rec, Traced<T>) -> Traced<T>> {
        Twin(|rec, value| {
            rec.step();
            let lane = rec.guard_value(value.arg());
            Traced::scalar(value.get(), lane)
        })
    }
}

/// False in the plain interpreter, true in traces.
///
/// For what only the plain interpreter should do, and on which no result depends: the same program has
/// to compute the same either way.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, we_are_jitted};
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, profile: &mut [u64], n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [profile, n, acc]);
///         if !we_are_jitted() {
///             profile[0] += 1;
///         }
///         acc += n;
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [profile, n, acc]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(100).build().unwrap();
/// let mut interpreted = [0];
/// assert_eq!(interpret(&driver, &mut interpreted, 1_000_000), 500_000_500_000);
/// assert!(interpreted[0] < 200, "{} opcodes were interpreted", interpreted[0]);
/// assert!(!we_are_jitted());
/// ```
pub fn we_are_jitted() -> bool {
    false
}

/// The twin of [`we_are_jitted`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum we_are_jitted {
    /// The token.
    __JitToken,
}

impl we_are_jitted {
    #[doc(hidden)]
    pub fn __jit(self) -> Twin<fn(Rec) -> Traced<bool>> {
        Twin(|_| Traced::constant(true))
    }
}
