//! Hints that are functions: in the plain function they do nothing.
#![expect(unsafe_code, reason = "a promise that the optimizer relies on is `unsafe` to make")]
#![allow(clippy::type_complexity, reason = "a token's type is the signature of its twin")]

use crate::plumbing::{Local, Pointee, Rec, Scalar, StdTwin, Traceable, Traced, promoted};

/// Makes a red value a constant of the trace, with a guard that it is the same again: a scalar, or what
/// derives [`Traceable`].
///
/// For values that are nearly always the same at this place, and from which much follows: a type tag, a
/// shape, a function to dispatch to.
///
/// There is code for each of the first `max_promoted_values` values at a place. From then on there is code in which
/// the value varies, as if it were not promoted.
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
    pub fn __jit<T: Copy + Traceable>(self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<T>> {
        StdTwin(|rec, value| value.promoted(rec))
    }
}

/// Makes length and contents of a string constants of the trace, with guards that they are the same again.
///
/// Where the string is does not matter, and may change. What is read through the result is constant: comparing it
/// with literals, or with strings of the interpreted program, leaves nothing in the trace. A function that is called
/// with it gets an address that is not constant.
///
/// There is a guard for the length and one for each eight bytes. Of a string of more than 64 bytes the length is
/// promoted, and no more. As with [`promote`], each guard makes code for the first `max_promoted_values` values; from
/// then on there is code in which they vary.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, promote_str};
///
/// #[jit]
/// fn apply(operator: &str, a: u64, b: u64) -> u64 {
///     match promote_str(operator) {
///         "add" => a.wrapping_add(b),
///         "sub" => a.wrapping_sub(b),
///         _ => b,
///     }
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, operator: &str, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     while n > 0 {
///         jit_merge_point!(driver, greens = [], reds = [operator, n, acc]);
///         acc = apply(operator, acc, n);
///         n -= 1;
///         can_enter_jit!(driver, greens = [], reds = [operator, n, acc]);
///     }
///     acc
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, &String::from("add"), 100), 5050);
/// // It is for any string with these letters.
/// assert_eq!(interpret(&driver, &String::from("add"), 1000), 500500);
/// assert_eq!((driver.stats().loops, driver.stats().bridges), (1, 0));
/// assert_eq!(driver.stats().residual_calls, 0);
/// ```
pub fn promote_str(value: &str) -> &str {
    value
}

/// The twin of [`promote_str`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum promote_str {
    /// The token.
    __JitToken,
}

impl promote_str {
    #[doc(hidden)]
    pub fn __jit<'a>(self) -> StdTwin<fn(Rec, Traced<&'a str>) -> Traced<&'a str>> {
        StdTwin(|rec, text| promoted(rec, text.place(rec).str_bytes()).as_str().shared(rec))
    }
}

/// As [`promote_str`], of bytes.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, promote_bytes};
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, key: &[u8], n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     while n > 0 {
///         jit_merge_point!(driver, greens = [], reds = [key, n, acc]);
///         let known = promote_bytes(key);
///         acc += if known[0] < b'k' && known != b"j" { n } else { 1 };
///         n -= 1;
///         can_enter_jit!(driver, greens = [], reds = [key, n, acc]);
///     }
///     acc
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, b"height", 100), 5050);
/// // The bytes are loaded and guarded as words, once, and nothing asks for one of them.
/// let trace = &driver.compiled()[0].optimized;
/// assert!(!trace.contains("uint_lt") && !trace.contains("call"), "{trace}");
/// ```
pub fn promote_bytes(value: &[u8]) -> &[u8] {
    value
}

/// The twin of [`promote_bytes`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum promote_bytes {
    /// The token.
    __JitToken,
}

impl promote_bytes {
    #[doc(hidden)]
    pub fn __jit<'a>(self) -> StdTwin<fn(Rec, Traced<&'a [u8]>) -> Traced<&'a [u8]>> {
        StdTwin(|rec, bytes| promoted(rec, bytes.place(rec)).shared(rec))
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
    pub fn __jit(self) -> StdTwin<fn(Rec) -> Traced<bool>> {
        StdTwin(|_| Traced::constant(true))
    }
}

/// False in the plain interpreter; in traces, whether a value is constant there: RPython's `isconstant`.
///
/// For the choice between two ways to the same result, of which one is better where much is known. No result
/// may depend on the answer.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, is_constant, jit, jit_merge_point, unroll_safe};
///
/// // A loop of `n` laps is unrolled where `n` is known, and called where it is not.
/// #[jit]
/// fn power(x: u64, n: u64) -> u64 {
///     if is_constant(n) { multiply(x, n) } else { x.wrapping_pow(n as u32) }
/// }
///
/// #[jit]
/// #[unroll_safe]
/// fn multiply(x: u64, n: u64) -> u64 {
///     let mut product = 1u64;
///     let mut i = 0;
///     while i < n {
///         product = product.wrapping_mul(x);
///         i += 1;
///     }
///     product
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0u64;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [n, acc]);
///         acc = acc.wrapping_add(power(n, 3));
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [n, acc]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, 100), 5050 * 5050);
/// let trace = &driver.compiled()[0].optimized;
/// assert!(trace.contains("int_mul") && !trace.contains("call"), "{trace}");
/// ```
pub fn is_constant<T: Copy>(value: T) -> bool {
    let _ = value;
    false
}

/// The twin of [`is_constant`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum is_constant {
    __JitToken,
}

impl is_constant {
    #[doc(hidden)]
    pub fn __jit<T: Copy>(self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<bool>> {
        StdTwin(|rec, value| {
            rec.step();
            Traced::constant(rec.ask(|| value.lanes().is_const()))
        })
    }
}

/// False in the plain interpreter; in traces, whether what a reference leads to is not in memory as far as is
/// known: RPython's `isvirtual`.
///
/// That is a local of a traced function, or what a `Box` or `Rc` has that was made since the last merge
/// point, and is stored nowhere and was given to no call. Across a merge point, and in a portal that is called by
/// compiled code, it is not known. No result may depend on the answer.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, is_virtual, jit, jit_merge_point};
///
/// /// Of a number that is on its way to nowhere, no statistics are kept.
/// #[jit]
/// fn unbox(number: &u64, seen: &mut u64) -> u64 {
///     if !is_virtual(number) {
///         *seen += 1;
///     }
///     *number
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, n: u64, seen: &mut u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [n, acc, seen]);
///         let boxed = Box::new(n);
///         acc += unbox(&boxed, seen);
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [n, acc, seen]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(100).build().unwrap();
/// let mut seen = 0;
/// assert_eq!(interpret(&driver, 5000, &mut seen), 12_502_500);
/// assert!(seen < 200, "{seen} were seen");
/// ```
pub fn is_virtual<T: ?Sized>(value: &T) -> bool {
    let _ = value;
    false
}

/// The twin of [`is_virtual`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum is_virtual {
    __JitToken,
}

impl is_virtual {
    #[doc(hidden)]
    pub fn __jit<'a, T: ?Sized + Pointee>(self) -> StdTwin<fn(Rec, Traced<&'a T>) -> Traced<bool>>
    where
        &'a T: Traceable,
    {
        StdTwin(|rec, mut value| {
            let place = Local::as_place(&mut value).pointee::<T>(rec);
            rec.step();
            Traced::constant(rec.ask(|| place.is_virtual(rec)))
        })
    }
}

/// Answers its argument, and gives a recording up in which it is not constant.
///
/// For an author who counts on a value being constant in traces: a mistake shows in
/// [`Stats`](crate::Stats), as [`Abort::NotGreen`](crate::Abort::NotGreen), and not only in slow code.
///
/// ```
/// use jitdriver::{Abort, JitDriver, assert_green, can_enter_jit, jit, jit_merge_point};
///
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], n: u64) -> u64 {
///     let mut pc = 0;
///     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [pc, code], reds = [n]);
///         let op = assert_green(code[pc]);
///         pc += 1;
///         match op {
///             b'-' => n = assert_green(n - 1), // a red: not constant
///             _ if n == 0 => return n,
///             _ => {
///                 n -= 1;
///                 pc = 0;
///                 can_enter_jit!(driver, greens = [pc, code], reds = [n]);
///             }
///         }
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// interpret(&driver, b"<", 100);
/// assert_eq!((driver.stats().loops, driver.stats().aborted()), (1, 0));
/// interpret(&driver, b"-<", 101);
/// assert_eq!(driver.stats().aborts[Abort::NotGreen as usize], 1);
/// ```
pub fn assert_green<T: Copy>(value: T) -> T {
    value
}

/// The twin of [`assert_green`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum assert_green {
    __JitToken,
}

impl assert_green {
    #[doc(hidden)]
    pub fn __jit<T: Scalar>(self) -> StdTwin<fn(Rec, Traced<T>) -> Traced<T>> {
        StdTwin(|rec, value| {
            rec.assert_green(value.arg());
            value
        })
    }
}

/// Promises that a condition holds, so that what follows from it need not be tested: RPython's
/// `record_exact_class` and `record_exact_value`.
///
/// A guard that the condition implies leaves nothing in the trace.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, record_exact_value};
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, kind: u8, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [kind, n, acc]);
///         // SAFETY: callers know that there is only this kind.
///         unsafe { record_exact_value(kind == 3) };
///         acc += if kind == 3 { n } else { 1 };
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [kind, n, acc]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, 3, 100), 5050);
/// // Nothing asks for the kind.
/// let trace = &driver.compiled()[0].optimized;
/// assert!(!trace.contains(", 3u8)") && !trace.contains("guard_value"), "{trace}");
/// ```
///
/// # Safety
/// The condition is true each time. Debug builds check that in the plain function.
pub unsafe fn record_exact_value(holds: bool) {
    debug_assert!(holds, "record_exact_value of something that is false");
}

/// Promises that a value is of one variant, so that a `match` on it leaves no guard: RPython's
/// `record_exact_class`, for enums.
///
/// Its arguments are those of `matches!`, with a pattern that names one variant and nothing else. It stands in
/// an `unsafe` block.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, record_exact_variant};
///
/// #[jit]
/// #[derive(Clone, Copy)]
/// enum Value {
///     Int(i64),
///     Float(f64),
/// }
///
/// #[jit]
/// fn sum(driver: &JitDriver<'_>, values: &[Value]) -> i64 {
///     let mut at = 0;
///     let mut sum = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [values, at, sum]);
///         // SAFETY: callers have looked at every value.
///         unsafe { record_exact_variant!(values[at], Value::Int(_)) };
///         sum += match values[at] {
///             Value::Int(n) => n,
///             Value::Float(_) => -1,
///         };
///         at += 1;
///         if at == values.len() {
///             return sum;
///         }
///         can_enter_jit!(driver, greens = [], reds = [values, at, sum]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(sum(&driver, &[Value::Int(2); 100]), 200);
/// // The numbers are loaded, and nothing else of the values.
/// let trace = &driver.compiled()[0].optimized;
/// let lap = trace.rsplit("label(").next().unwrap();
/// assert_eq!((lap.matches("getarrayitem").count(), lap.matches("guard_value").count()), (1, 0), "{trace}");
/// ```
///
/// # Safety
/// The value is of that variant each time. Debug builds check that in the plain function.
#[macro_export]
macro_rules! record_exact_variant {
    ($value:expr, $variant:pat $(,)?) => {
        $crate::record_exact_value(::core::matches!($value, $variant))
    };
}

/// The twin of [`record_exact_value`].
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum record_exact_value {
    __JitToken,
}

impl record_exact_value {
    #[doc(hidden)]
    pub fn __jit(self) -> StdTwin<fn(Rec, Traced<bool>) -> Traced<()>> {
        StdTwin(|rec, holds| {
            debug_assert!(holds.get(), "record_exact_value of something that is false");
            rec.step();
            if holds.get() {
                rec.assume(holds.arg());
            }
            Traced::constant(())
        })
    }
}
