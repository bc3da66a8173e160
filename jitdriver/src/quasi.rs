//! `QuasiImmutable`: a value that hardly ever changes.
#![expect(unsafe_code, reason = "reads a place of the author's in the twin")]

use crate::plumbing::{Place, Rec, Scalar, Traced, Twin};
use metainterp::quasi::Watchers;
use std::cell::Cell;
use std::fmt;
use std::mem::offset_of;

/// A value that hardly ever changes, and that traces take for constant as long as it does not.
///
/// RPython's `_immutable_fields_ = ["x?"]`. It is for what a program sets up and then leaves alone:
/// the version of a class's methods, a global that is a function, a switch. Where the
/// value's address is constant in a trace (it lies in something green, or behind a promoted
/// reference), reading it costs nothing, or behind a promoted reference a comparison that tells if another value
/// was moved there. Changing it makes all code invalid that depends on it; what is
/// hot is then compiled again with the new value. Where the address is not constant, it is a field like others.
///
/// ```
/// use jitdriver::{JitDriver, QuasiImmutable, can_enter_jit, jit, jit_merge_point};
///
/// struct Program {
///     step: QuasiImmutable<i64>,
/// }
///
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, program: &'p Program, n: i64) -> i64 {
///     let mut acc = 0;
///     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [program], reds = [n, acc]);
///         acc += program.step.get() * 7;
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [program], reds = [n, acc]);
///     }
/// }
///
/// let program = Program { step: QuasiImmutable::new(3) };
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, &program, 1000), 21_000);
/// // 3 * 7 was computed while recording.
/// assert!(!driver.compiled()[0].optimized.contains("int_mul"));
///
/// program.step.set(5);
/// assert_eq!(interpret(&driver, &program, 1000), 35_000);
/// assert_eq!((driver.stats().loops, driver.stats().invalidated), (2, 1));
/// ```
#[repr(C)]
pub struct QuasiImmutable<T> {
    value: Cell<T>,
    /// No other one of this thread has it: a value that has been moved here is told by it.
    identity: u64,
    watchers: Watchers,
}

fn new_identity() -> u64 {
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(0) };
    }
    LAST.set(LAST.get() + 1);
    LAST.get()
}

impl<T: Copy> QuasiImmutable<T> {
    /// With its first value.
    pub fn new(value: T) -> QuasiImmutable<T> {
        let identity = new_identity();
        QuasiImmutable { value: Cell::new(value), identity, watchers: Watchers::new() }
    }

    /// The value.
    pub fn get(&self) -> T {
        self.value.get()
    }

    /// Changes it. Compiled code that has taken the old value for constant is not used any more.
    pub fn set(&self, value: T) {
        self.watchers.invalidate();
        self.value.set(value);
    }

    /// How many traces depend on the value now.
    pub fn n_dependent_traces(&self) -> usize {
        self.watchers.len()
    }
}

impl<T: Scalar> QuasiImmutable<T> {
    const IDENTITY_AT: isize = offset_of!(Self, identity) as isize;

    /// The twin of [`QuasiImmutable::get`].
    #[doc(hidden)]
    #[allow(clippy::type_complexity, reason = "a token's type is the signature of its twin")]
    pub fn __jit_get(&self) -> Twin<fn(Rec, Place<QuasiImmutable<T>>) -> Traced<T>> {
        Twin(|rec, this| {
            rec.step();
            let identity = this.part::<u64>(rec, Self::IDENTITY_AT).read(rec);
            let address = this.addr().address_for_use(rec);
            if address.lane.is_const() {
                // Where memory is not known to be frozen, another value may be moved to this place.
                rec.guard_value(identity.arg());
            }
            rec.step();
            // SAFETY: the plain function calls a method of it here, so it is there.
            let plain = unsafe { &*this.ptr() };
            let read = || plain.get().bits();
            let (bits, lane) = rec.quasi_immutable(
                address,
                T::TY,
                |validity| plain.watchers.watch(validity),
                read,
            );
            Traced::scalar(T::of_bits(bits), lane)
        })
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for QuasiImmutable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QuasiImmutable").field(&self.get()).finish()
    }
}

impl<T: Copy + Default> Default for QuasiImmutable<T> {
    fn default() -> QuasiImmutable<T> {
        QuasiImmutable::new(T::default())
    }
}
