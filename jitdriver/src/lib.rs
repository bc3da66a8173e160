//! A meta-tracing JIT for interpreters written in ordinary Rust.
//!
//! Write an interpreter, run and debug it as plain Rust, then add a driver, two hints in its loop and
//! `#[jit]` on the functions that the loop calls. Loops of the *interpreted* program that run often are
//! then recorded, optimized and compiled to machine code.
//!
//! ```
//! use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
//!
//! const ADD: u8 = 0; // acc += n
//! const DECREMENT: u8 = 1; // n -= 1
//! const JUMP_IF_POSITIVE: u8 = 2; // to the target in the next byte, while n > 0
//!
//! #[jit]
//! fn add(acc: i64, n: i64) -> i64 {
//!     acc.wrapping_add(n)
//! }
//!
//! #[jit]
//! fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], n: i64) -> i64 {
//!     let mut pc = 0;
//!     let mut n = n;
//!     let mut acc = 0;
//!     while pc < code.len() {
//!         jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
//!         match code[pc] {
//!             ADD => acc = add(acc, n),
//!             DECREMENT => n -= 1,
//!             JUMP_IF_POSITIVE => {
//!                 if n > 0 {
//!                     pc = code[pc + 1] as usize;
//!                     can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
//!                     continue;
//!                 }
//!                 pc += 1;
//!             }
//!             other => panic!("there is no opcode {other}"),
//!         }
//!         pc += 1;
//!     }
//!     acc
//! }
//!
//! fn main() {
//!     let driver = JitDriver::new();
//!     // Adds up n, n - 1, ... 1.
//!     let code = [ADD, DECREMENT, JUMP_IF_POSITIVE, 0];
//!     assert_eq!(interpret(&driver, &code, 10_000), 50_005_000);
//!     // The loop became hot, and most of its laps ran as compiled code.
//!     assert_eq!(driver.stats().loops, 1);
//!     println!("{}", driver.compiled()[0].optimized);
//! }
//! ```
//!
//! # What the words mean
//!
//! - The *portal* is the function with the interpreter's loop.
//! - *Greens* name a position in the interpreted program. They are constants of a trace and the key
//!   under which compiled code is found.
//! - *Reds* are everything else that lives at the merge point.
//! - A *trace* is what the interpreter did in one lap, with a *guard* wherever it could have gone
//!   another way. A guard that fails often gets a *bridge*: a trace for the other way.
//! - The *twin* is a second copy of an annotated function that [`macro@jit`] makes. It does the same
//!   work and records it. The plain function stays as it was written.
//!
//! A program computes the same with and without the JIT, panics included.
//! What cannot be traced is called instead, or is a compile error at the place.
//!
//! # Which hint
//!
//! | you have | you write |
//! |---|---|
//! | the loop of the interpreter | [`jit_merge_point!`] as its first statement |
//! | a place in it where the interpreted program jumps back | [`can_enter_jit!`], or nothing |
//! | the function around that loop, and functions and `impl` blocks that traces should go into | [`#[jit]`](macro@jit) |
//! | types of values of the interpreted program, and of its code | [`#[jit]`](macro@jit), above the derives |
//! | a table of functions, or of structs with functions | [`#[jit]`](macro@jit), above the constant or static |
//! | a macro of your own that these call | [`#[jit]`](macro@jit) above `macro_rules!`, unless it is defined in the function |
//! | many such items in a row | [`traced!`] around them |
//! | one of those with a loop of few laps | [`#[unroll_safe]`](macro@unroll_safe) below `#[jit]` |
//! | a function whose result follows from its arguments | [`#[elidable]`](macro@elidable) |
//! | a function that traces should call: cold, large, or with effects of its own | nothing, or [`#[dont_look_inside]`](macro@dont_look_inside) in an annotated `impl` block |
//! | a red that is nearly always the same at this place, and from which much follows | [`promote`] |
//! | one like that which is a string, and of which the letters matter | [`promote_str`], or [`promote_bytes`] |
//! | one like that, of which its arguments are few and known | [`#[elidable_promote]`](macro@elidable_promote) |
//! | one whose result is settled when a loop is entered | [`#[loop_invariant]`](macro@loop_invariant) |
//! | something that only the plain interpreter should do | [`we_are_jitted`], or [`#[not_in_trace]`](macro@not_in_trace) |
//! | two ways to a result, of which one is better where a value is known, or not in memory | [`is_constant`], [`is_virtual`] |
//! | a value that hardly ever changes | [`QuasiImmutable`] |
//! | a value that must be constant in traces | [`assert_green`] |
//! | a condition that always holds there | [`record_exact_value`] |
//! | a value that is always of one variant there | [`record_exact_variant!`] |
//! | something to do when code is compiled, entered, left or given up | [`Hooks`] |
//!
//! [`JitDriver::builder`] chooses the backend and the parameters, [`JitDriver::stats`] and
//! [`JitDriver::compiled`] say what happened, and `RUST_LOG=metainterp=trace` shows a recording
//! operation by operation (the program has to install a logger, such as `env_logger`).
#![deny(unsafe_code)]

extern crate self as jitdriver;

mod driver;
mod hints;
#[doc(hidden)]
pub mod plumbing;
mod quasi;
mod sendable;
mod shims;

pub use driver::{BuildError, Builder, Jit, JitDriver};
pub use hints::{
    assert_green, is_constant, is_virtual, promote, promote_bytes, promote_str, record_exact_value,
    we_are_jitted,
};
pub use jitdriver_macros::Traceable;
pub use metainterp::abort::Abort;
pub use metainterp::hooks::Hooks;
pub use metainterp::params::Params;
pub use metainterp::stats::Stats;
pub use metainterp::warm::{CompiledRegion, CompiledTrace};
pub use plumbing::Traceable;
pub use quasi::QuasiImmutable;
pub use sendable::SendableDriver;

/// Gives a function, or every method of an `impl` block, a twin that traces go through.
///
/// A call from one annotated function to another is inlined in the trace; a call of anything else is
/// made as it stands ("residual call"). The plain function does not change.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// struct Registers {
///     values: [i64; 4],
/// }
///
/// #[jit]
/// impl Registers {
///     fn get(&self, register: usize) -> i64 {
///         self.values[register]
///     }
///
///     fn add(&mut self, register: usize, n: i64) {
///         self.values[register] += n;
///     }
/// }
///
/// #[jit]
/// fn is_below(a: i64, b: i64) -> bool {
///     a < b
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, registers: &mut Registers, limit: i64) {
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [registers, limit]);
///         registers.add(0, 3);
///         if !is_below(registers.get(0), limit) {
///             return;
///         }
///         can_enter_jit!(driver, greens = [], reds = [registers, limit]);
///     }
/// }
///
/// let driver = JitDriver::new();
/// let mut registers = Registers { values: [0; 4] };
/// interpret(&driver, &mut registers, 30_000);
/// assert_eq!(registers.get(0), 30_000);
/// assert_eq!((driver.stats().loops, driver.stats().residual_calls), (1, 0));
/// ```
///
/// On a struct or an enum it says how its values lie in memory, as [`derive(Traceable)`](derive@Traceable)
/// does, and fixes the layout of an enum with payloads that has no `repr`. A `derive(Clone)` below it is
/// traced:
///
/// ```
/// use jitdriver::jit;
/// use std::rc::Rc;
///
/// #[jit]
/// #[derive(Clone)]
/// enum Value {
///     Nil,
///     Int(i64),
///     Text(Rc<str>),
/// }
/// # let value = Value::Text("text".into());
/// # assert!(matches!(value.clone(), Value::Text(_)) && !matches!(value, Value::Nil | Value::Int(_)));
/// ```
///
/// On a constant or static that is a table of functions, an array of pointers or of structs that hold pointers,
/// it traces the closures in it, and calls of any function through a pointer from the table:
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// struct Operation {
///     name: &'static str,
///     run: fn(i64, i64) -> i64,
/// }
///
/// #[jit]
/// const OPERATIONS: &[Operation] = &[
///     Operation { name: "+", run: |a, b| a.wrapping_add(b) },
///     Operation { name: "max", run: greatest },
/// ];
///
/// #[jit]
/// fn greatest(a: i64, b: i64) -> i64 {
///     if a < b { b } else { a }
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, operation: &Operation, n: i64) -> i64 {
///     let (mut acc, mut n) = (0, n);
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [operation, acc, n]);
///         acc = (operation.run)(acc, n);
///         n -= 1;
///         if n == 0 { return acc; }
///         can_enter_jit!(driver, greens = [], reds = [operation, acc, n]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// let add = OPERATIONS.iter().find(|it| it.name == "+").unwrap();
/// assert_eq!(interpret(&driver, add, 100), 5050);
/// assert_eq!((driver.stats().loops, driver.stats().residual_calls), (1, 0));
/// ```
///
/// A function with `#[jit]` that a pointer from elsewhere points to is found by its address, on Linux; a small
/// one may have several addresses, and is called where another one is met. [`traced!`] annotates many items at
/// once.
///
/// On a type's `impl Drop`, if the type has it too, the drop is traced where the last owner goes:
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
/// use std::{cell::Cell, rc::Rc};
///
/// #[jit]
/// struct Lent<'c> {
///     bytes: u64,
///     free: &'c Cell<u64>,
/// }
///
/// #[jit]
/// impl Drop for Lent<'_> {
///     fn drop(&mut self) {
///         self.free.set(self.free.get() + self.bytes);
///     }
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, free: &Cell<u64>, n: u64) {
///     let mut n = n;
///     while n > 0 {
///         jit_merge_point!(driver, greens = [], reds = [free, n]);
///         let lent = Rc::new(Lent { bytes: n, free });
///         free.set(free.get() - lent.bytes);
///         n -= 1;
///         can_enter_jit!(driver, greens = [], reds = [free, n]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// let free = Cell::new(1000);
/// interpret(&driver, &free, 100);
/// assert_eq!((free.get(), driver.stats().loops, driver.stats().residual_calls), (1000, 1, 0));
/// ```
///
/// On a `macro_rules!` item, traced functions behind it go into what it stands for; they do so anyway for one that
/// is defined inside of them. Other macros may hide anything, and end a recording:
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// #[jit]
/// macro_rules! reg {
///     ($regs:ident[$at:expr]) => {
///         $regs[($at & 3) as usize]
///     };
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, regs: &mut [i64; 4], n: i64) {
///     let mut n = n;
///     while n > 0 {
///         jit_merge_point!(driver, greens = [], reds = [regs, n]);
///         reg!(regs[5]) += reg!(regs[n]) + 1;
///         n -= 1;
///         can_enter_jit!(driver, greens = [], reds = [regs, n]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// let mut regs = [1, 0, 2, 3];
/// interpret(&driver, &mut regs, 8);
/// assert_eq!(regs, [1, 57, 2, 3]);
/// assert_eq!((driver.stats().loops, driver.stats().aborted()), (1, 0));
/// ```
///
/// A function with a merge point is a *portal*; if it cannot be traced, that is a compile error. A helper
/// that contains something which cannot be traced yet, or a loop without
/// [`#[unroll_safe]`](macro@unroll_safe), has no twin and is called.
///
/// On a trait, with `#[jit]` on its `impl` blocks too, it lets traces go into methods where the type is not known:
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// #[jit]
/// trait Memory {
///     fn load(&self, at: usize) -> u64;
/// }
///
/// struct Ram([u64; 4]);
///
/// #[jit]
/// impl Memory for Ram {
///     fn load(&self, at: usize) -> u64 {
///         self.0[at]
///     }
/// }
///
/// #[jit]
/// fn sum<M: Memory>(driver: &JitDriver<'_>, memory: &M, laps: u64) -> u64 {
///     let (mut n, mut sum) = (laps, 0);
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [memory, n, sum]);
///         sum += memory.load(n as usize % 4);
///         n -= 1;
///         if n == 0 {
///             return sum;
///         }
///         can_enter_jit!(driver, greens = [], reds = [memory, n, sum]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(2).build()?;
/// assert_eq!(sum(&driver, &Ram([1, 2, 3, 4]), 400), 1000);
/// assert_eq!((driver.stats().loops, driver.stats().residual_calls), (1, 0));
/// # Ok::<(), jitdriver::BuildError>(())
/// ```
pub use jitdriver_macros::jit;

/// `#[jit]` on many items: the functions, the `impl` blocks of types, the structs and enums, the macros, and the tables of
/// functions among them. An item with a hint of its own is what that says; others stay as they are.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// jitdriver::traced! {
///
/// fn checked(n: i64) -> Option<i64> {
///     if is_small(n) { Some(add(n, 2)) } else { None }
/// }
///
/// fn is_small(n: i64) -> bool {
///     n < 1000
/// }
///
/// #[jitdriver::elidable]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// }
/// # #[jit]
/// # fn interpret(driver: &JitDriver<'_>, n: i64) -> i64 {
/// #     let mut n = n;
/// #     loop {
/// #         jit_merge_point!(driver, greens = [], reds = [n]);
/// #         match checked(n) { Some(next) => n = next, None => return n }
/// #         can_enter_jit!(driver, greens = [], reds = [n]);
/// #     }
/// # }
/// # let driver = JitDriver::builder().threshold(3).build().unwrap();
/// # assert_eq!(interpret(&driver, 0), 1000);
/// # // What is elidable is no residual call.
/// # assert_eq!((driver.stats().loops, driver.stats().residual_calls), (1, 0));
/// ```
pub use jitdriver_macros::traced;

/// Marks the place in the interpreter's loop where compiled code is entered and left:
/// `jit_merge_point!(driver, greens = [..], reds = [..]);`
///
/// It is a statement of a `loop` or `while`, the first one if there is a [`can_enter_jit!`], and the loop is a
/// statement of the body of a function or method. Reds are local variables or parameters, `self` included.
/// Greens are local variables, or expressions that read something which reds lead to, such as `self.pc`.
/// Together they are all that lives there; a missing one is an error:
///
/// ```compile_fail
/// # use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8]) -> u64 {
///     let mut pc = 0;
///     let mut acc = 0;
///     while pc < code.len() {
///         jit_merge_point!(driver, greens = [pc, code], reds = []);
///         acc += u64::from(code[pc]); // error: `acc` lives across the merge point but is neither green nor red
///         pc += 1;
///     }
///     acc
/// }
/// ```
///
/// A green is an integer, a `bool`, a `char`, a raw pointer, or a shared reference `&'p T` for a
/// `JitDriver<'p>`. What a green reference refers to cannot change or go away while the driver exists, so
/// reads through it are constants of the trace. A red may have any type. One that is a scalar or a reference travels in a register of
/// the compiled code; one of another type, such as a `Vec`, stays where it is in memory.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: u64) -> u64 {
///     let mut pc = 0;
///     let mut laps = laps;
///     let mut acc = 0;
///     while pc < code.len() {
///         jit_merge_point!(driver, greens = [pc, code], reds = [laps, acc]);
///         acc += code[pc] as u64;
///         pc += 1;
///         if pc == code.len() && laps > 1 {
///             laps -= 1;
///             pc = 0;
///             can_enter_jit!(driver, greens = [pc, code], reds = [laps, acc]);
///         }
///     }
///     acc
/// }
///
/// let driver = JitDriver::new();
/// assert_eq!(interpret(&driver, &[1, 2, 3], 5000), 30_000);
/// // `pc` and `code` are constants of the trace: nothing is read from the program any more.
/// let trace = &driver.compiled()[0].optimized;
/// assert!(!trace.contains("getarrayitem"), "{trace}");
/// ```
///
/// # Greens in fields
///
/// A green expression is read, in the plain interpreter too, each time the interpreted program may have closed
/// a loop; so it must have no effects. It may go through fields, `*`, indices and methods. A trace knows
/// it: with `self.pc` green, `self.code[self.pc]` is a constant.
///
/// ```
/// use jitdriver::{JitDriver, jit, jit_merge_point};
///
/// struct Machine<'p> {
///     code: &'p [u8],
///     pc: usize,
///     acc: u64,
/// }
///
/// #[jit]
/// impl<'p> Machine<'p> {
///     fn run(&mut self, driver: &JitDriver<'p>) -> u64 {
///         while self.step() {
///             jit_merge_point!(driver, greens = [self.pc, self.code], reds = [self]);
///         }
///         self.acc
///     }
///
///     /// One instruction; false at the end.
///     fn step(&mut self) -> bool {
///         match self.code[self.pc] {
///             b'+' => self.acc += 1,
///             b'<' => {
///                 if self.acc < 5000 {
///                     self.pc = 0;
///                     return true;
///                 }
///             }
///             _ => return false,
///         }
///         self.pc += 1;
///         true
///     }
/// }
///
/// let driver = JitDriver::new();
/// let mut machine = Machine { code: b"+<.", pc: 0, acc: 0 };
/// assert_eq!(machine.run(&driver), 5000);
/// assert_eq!(driver.stats().loops, 1);
/// let trace = &driver.compiled()[0].optimized;
/// assert!(!trace.contains("getarrayitem") && !trace.contains("guard_value"), "{trace}");
/// ```
///
/// There is no `can_enter_jit!` here. Then each merge point to which the interpreted program has jumped *back*
/// counts: one whose greens are not larger than at the last one. A pointer among them that leads to another place
/// says that the program has called a function, or returned from one: that counts too, but loops go first
/// (parameter `function_threshold`).
///
/// A field may hold the program as an `Rc` or `Arc`, which borrows nothing: programs may be dropped and others
/// made. Code is freed with its program, and no other one runs it. Until then the driver keeps a weak count, so
/// the program cannot be changed in place.
///
/// # A loop in other code
///
/// Where a function executes one instruction and the loop is in code that is not annotated, the merge point
/// is the first statement of that function and says with which value the function asks for another
/// call: `again = value`. Compiled code may then stand for many calls which would have returned that value, so the
/// promise is that the caller does nothing then but call again. A caller that does more, such as
/// counting, belongs into the trace: annotate it, and put the merge point into its loop.
///
/// ```
/// use jitdriver::{JitDriver, jit, jit_merge_point};
///
/// struct Machine {
///     pc: usize,
///     acc: u64,
/// }
///
/// #[derive(Debug)]
/// struct Fault(usize);
///
/// #[jit]
/// impl Machine {
///     fn step(&mut self, driver: &JitDriver<'_>) -> Result<bool, Fault> {
///         jit_merge_point!(driver, greens = [self.pc], reds = [self], again = Ok(true));
///         match self.pc {
///             0 => self.acc += 1,
///             1 if self.acc == 5000 => return Ok(false),
///             1 => {
///                 self.pc = 0;
///                 return Ok(true);
///             }
///             pc => return Err(Fault(pc)),
///         }
///         self.pc += 1;
///         Ok(true)
///     }
/// }
///
/// let driver = JitDriver::new();
/// let mut machine = Machine { pc: 0, acc: 0 };
/// while machine.step(&driver).unwrap() {}
/// assert_eq!((machine.acc, driver.stats().loops), (5000, 1));
/// ```
///
/// The values are compared as they are written: `Ok(true)` is returned as `Ok(true)`.
///
/// # What must not be
///
/// A reference in a field must live as long as the driver, like any other green:
///
/// ```compile_fail
/// # use jitdriver::{JitDriver, jit, jit_merge_point};
/// struct Machine {
///     code: Vec<u8>,
///     pc: usize,
/// }
///
/// #[jit]
/// impl Machine {
///     fn run<'p>(&mut self, driver: &JitDriver<'p>) {
///         loop {
///             jit_merge_point!(driver, greens = [self.pc, &self.code], reds = [self]); // error: lifetime may not live long enough
///             self.pc = self.code[self.pc] as usize;
///             self.code.push(0);
///         }
///     }
/// }
/// ```
pub use jitdriver_macros::jit_merge_point;

/// Marks a place where the interpreted program closes a loop: there arrivals are counted, recordings
/// start, and compiled code is entered. `can_enter_jit!(driver, greens = [..], reds = [..]);`
///
/// It names the same driver, greens and reds as the merge point, with the values that they will have
/// there. A backward jump of the interpreted program is the right place.
///
/// It may be left out: then [`jit_merge_point!`] finds out by itself where the interpreted program jumps back,
/// at the price of a look at the greens each time round. With it, an opcode that does not jump costs nothing.
///
/// ```
/// # use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
/// #[jit]
/// fn countdown<'p>(driver: &JitDriver<'p>, jump: &'p i32, n: i32) -> i32 {
///     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [jump], reds = [n]);
///         if n < 0 {
///             return n;
///         }
///         n += *jump;
///         can_enter_jit!(driver, greens = [jump], reds = [n]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(countdown(&driver, &-7, 100), -5);
/// assert_eq!(driver.stats().loops, 1);
/// ```
///
/// Compiled code comes back to this place with the variables of a merge point, so nothing may stand
/// between the two:
///
/// ```compile_fail
/// # use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
/// # #[jit]
/// # fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], n: u64) {
/// #     let mut pc = 0;
/// #     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [pc, code], reds = [n]);
///         if n == 0 {
///             return;
///         }
///         n -= 1;
///         can_enter_jit!(driver, greens = [pc, code], reds = [n]);
///         pc = code[pc] as usize; // error: this runs between `can_enter_jit!` and `jit_merge_point!`
///     }
/// # }
/// ```
pub use jitdriver_macros::can_enter_jit;

/// Promises that a function's result depends on its arguments only and that it has no effects, so that
/// a call with constant arguments is made once, while the trace is recorded, and a repeated call with
/// the same arguments is not made again.
///
/// If an argument is a reference, the promise covers what it refers to: it may not change. Traces do not
/// go into the function; it may contain anything.
///
/// A result that may borrow from an argument is used again only where the argument leads to something green,
/// since anything else may be gone when the trace runs the next time. A type with a lifetime has to show it: `Item<'_>`.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, elidable, jit, jit_merge_point};
///
/// /// The bracket that `code[at]` closes.
/// #[elidable]
/// fn opening_bracket(code: &[u8], at: usize) -> usize {
///     let mut depth = 0;
///     (0..=at)
///         .rev()
///         .find(|&i| {
///             depth += (code[i] == b']') as i32 - (code[i] == b'[') as i32;
///             depth == 0
///         })
///         .expect("brackets are balanced")
/// }
///
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], cell: u64) -> u64 {
///     let mut pc = 0;
///     let mut cell = cell;
///     while pc < code.len() {
///         jit_merge_point!(driver, greens = [pc, code], reds = [cell]);
///         match code[pc] {
///             b'-' => cell -= 1,
///             b']' => {
///                 if cell != 0 {
///                     pc = opening_bracket(code, pc);
///                     can_enter_jit!(driver, greens = [pc, code], reds = [cell]);
///                     continue;
///                 }
///             }
///             _ => {}
///         }
///         pc += 1;
///     }
///     cell
/// }
///
/// let driver = JitDriver::new();
/// assert_eq!(interpret(&driver, b"[--]", 5000), 0);
/// // Both arguments are green: the search is made while recording, never in compiled code.
/// let trace = &driver.compiled()[0].optimized;
/// assert!(!trace.contains("call"), "{trace}");
/// ```
pub use jitdriver_macros::elidable;

/// As [`#[elidable]`](macro@elidable), and the arguments are [promoted](promote) first: the call is made while
/// recording, and the trace has a guard for each argument that is not constant.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, elidable_promote, jit, jit_merge_point};
///
/// #[elidable_promote]
/// fn cost_of(kind: u64) -> u64 {
///     (1..=kind).product()
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, kind: u64, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [kind, n, acc]);
///         acc += cost_of(kind);
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [kind, n, acc]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, 4, 100), 2400);
/// let trace = &driver.compiled()[0].optimized;
/// assert!(trace.contains("guard_value") && !trace.contains("call"), "{trace}");
/// ```
pub use jitdriver_macros::elidable_promote;

/// Says that a function answers the same for the same arguments as long as a loop of the interpreted program runs, and
/// has no effects: what a loop calls in each lap, compiled code calls once before the first. RPython's
/// `loop_invariant`.
///
/// For what is settled when a loop is entered, such as the thread that it runs in, or an option that is only changed
/// between two runs. In contrast to [`#[elidable]`](macro@elidable), its answer while recording is not the answer for
/// ever. A function whose result borrows from its arguments, or owns something, is called each time.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, loop_invariant};
/// use std::cell::Cell;
///
/// thread_local! {
///     static SCALE: Cell<u64> = const { Cell::new(1) };
/// }
///
/// // Nothing that an interpreted program does changes it.
/// #[loop_invariant]
/// fn scale() -> u64 {
///     SCALE.get()
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, n: u64) -> u64 {
///     let mut n = n;
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [n, acc]);
///         acc += n * scale();
///         n -= 1;
///         if n == 0 {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [], reds = [n, acc]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// assert_eq!(interpret(&driver, 100), 5050);
/// SCALE.set(2);
/// assert_eq!(interpret(&driver, 100), 10100);
/// let trace = &driver.compiled()[0].optimized;
/// let lap = trace.rsplit("label(").next().unwrap();
/// assert!(trace.contains("call_pure") && !lap.contains("call"), "{trace}");
/// ```
pub use jitdriver_macros::loop_invariant;

/// Lets a function be called by the plain interpreter and while recording, and not at all by compiled code. It
/// answers nothing, and no result depends on it: counters, checks, tracing.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, not_in_trace};
///
/// #[not_in_trace]
/// fn profile(counts: &mut [u64]) {
///     counts[0] += 1;
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, counts: &mut [u64], n: u64) -> u64 {
///     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [counts, n]);
///         profile(counts);
///         n -= 1;
///         if n == 0 {
///             return n;
///         }
///         can_enter_jit!(driver, greens = [], reds = [counts, n]);
///     }
/// }
///
/// let driver = JitDriver::builder().threshold(3).build().unwrap();
/// let mut counts = [0];
/// interpret(&driver, &mut counts, 1000);
/// assert!((3..10).contains(&counts[0]), "{counts:?}");
/// assert!(!driver.compiled()[0].optimized.contains("call"));
/// ```
pub use jitdriver_macros::not_in_trace;

/// Says that traces call a function and do not go into it. In an annotated `impl` block it makes the
/// exception; on a function of its own it says what holds anyway for functions without
/// [`#[jit]`](macro@jit).
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point};
///
/// struct Machine {
///     acc: u64,
///     log: Vec<String>,
/// }
///
/// #[jit]
/// impl Machine {
///     fn step(&mut self) {
///         self.acc += 1;
///         if self.acc % 4 == 0 {
///             self.report();
///         }
///     }
///
///     #[dont_look_inside]
///     fn report(&mut self) {
///         self.log.push(format!("{} steps", self.acc));
///     }
/// }
///
/// #[jit]
/// fn interpret(driver: &JitDriver<'_>, machine: &mut Machine) {
///     loop {
///         jit_merge_point!(driver, greens = [], reds = [machine]);
///         machine.step();
///         if machine.acc == 6000 {
///             return;
///         }
///         can_enter_jit!(driver, greens = [], reds = [machine]);
///     }
/// }
///
/// let driver = JitDriver::new();
/// let mut machine = Machine { acc: 0, log: Vec::new() };
/// interpret(&driver, &mut machine);
/// // Each call happened once, whether interpreted, recorded or compiled.
/// assert_eq!(machine.log.len(), 1500);
/// assert_eq!(machine.log[1499], "6000 steps");
/// assert_eq!(driver.stats().residual_calls, 1);
/// ```
pub use jitdriver_macros::dont_look_inside;

/// Lets a trace go into a function with a loop, whose laps are then all in the trace. Goes below
/// [`#[jit]`](macro@jit).
///
/// Without it, a function with a loop is called: a loop whose number of laps differs from call to call
/// would make the trace long and its guards fail. It is for loops of a few laps, best of a number
/// that follows from greens.
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, unroll_safe};
///
/// /// A number of `width` bytes, the highest first.
/// #[jit]
/// #[unroll_safe]
/// fn immediate(code: &[u8], at: usize, width: usize) -> u64 {
///     let mut n = 0;
///     for i in 0..width {
///         n = n << 8 | code[at + i] as u64;
///     }
///     n
/// }
///
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], limit: u64) -> u64 {
///     let mut acc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [code], reds = [acc, limit]);
///         acc += immediate(code, 0, 2);
///         if acc >= limit {
///             return acc;
///         }
///         can_enter_jit!(driver, greens = [code], reds = [acc, limit]);
///     }
/// }
///
/// let driver = JitDriver::new();
/// assert_eq!(interpret(&driver, &[1, 0], 512_000), 512_000);
/// // All of it happened while recording: 256 is a constant of the trace.
/// let trace = &driver.compiled()[0].optimized;
/// assert!(trace.contains(", 256)") && !trace.contains("int_lshift"), "{trace}");
/// ```
pub use jitdriver_macros::unroll_safe;

/// The examples of the documents that lie beside the code.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../CONTRIBUTING.md")]
    mod contributing {}
    #[doc = include_str!("../../docs/frontend.md")]
    mod frontend {}
    #[doc = include_str!("../../docs/resume.md")]
    mod resume {}
}
