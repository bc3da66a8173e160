//! Calls: which twin a name has, and residual calls for what has none.
//!
//! A call `f(a)` or `x.m(a)` asks the callee for its *token*. `#[jit]` gives a function a token that
//! is the address of its twin. What was not annotated answers [`Residual`], from a fallback that
//! name resolution finds only when there is nothing else. So the macro needs no types.
#![expect(unsafe_code, reason = "rebuilds arguments of residual calls from machine words")]

use super::place::{Place, Pointee, Shadow};
use super::rec::Rec;
use super::value::{Args, Traceable, Traced};
use metainterp::abort::Abort;
use metainterp::backend::CALL_WORDS;
use metainterp::ir::Ty;
pub use metainterp::record::CallSite;
use metainterp::record::{Arg, CallResults, Lane};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::Cell;
use std::mem::{MaybeUninit, align_of, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The token of a function that is called, not traced.
#[derive(Clone, Copy)]
pub struct Residual;

/// The token of a function that is called, not traced, and whose result depends on its arguments only.
#[derive(Clone, Copy)]
pub struct Elidable;

/// The token of a function whose twin is that function pointer.
#[derive(Clone, Copy)]
pub struct Twin<F>(pub F);

/// What a free function without `#[jit]` has in the place of its twin.
pub struct NoTwin {}

impl NoTwin {
    /// The token.
    pub fn __jit() -> Residual {
        Residual
    }
}

thread_local! {
    /// The payload of a panic that a residual call in compiled code has caught.
    static PANIC: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// Raises the panic that a residual call in compiled code has caught: the replay has come to this call.
fn resume_pending_panic() {
    if let Some(payload) = PANIC.take() {
        resume_unwind(payload);
    }
}

/// Functions of `N` arguments, by tuple of argument types.
pub trait Callee<A, F> {
    /// The result.
    type Out;
    /// Calls.
    #[track_caller]
    fn call(self, rec: Rec, site: &'static CallSite, args: A, plain: F) -> Self::Out;
}

/// Methods: a receiver's place and a tuple of arguments.
pub trait Method<'x, T: ?Sized, A, F> {
    /// The result.
    type Out;
    /// Calls.
    #[track_caller]
    fn call(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<T>,
        args: A,
        plain: F,
    ) -> Self::Out;
}

/// How a twin takes its receiver.
pub trait FromPlace<T: ?Sized> {
    /// From the receiver's place.
    fn from_place(rec: Rec, place: Place<T>) -> Self;
}

impl<T: ?Sized + Pointee> FromPlace<T> for Traced<&T> {
    fn from_place(_: Rec, place: Place<T>) -> Self {
        place.shared()
    }
}

impl<T: ?Sized + Pointee> FromPlace<T> for Traced<&mut T> {
    fn from_place(_: Rec, place: Place<T>) -> Self {
        place.exclusive()
    }
}

impl<T: Traceable> FromPlace<T> for Traced<T> {
    fn from_place(rec: Rec, place: Place<T>) -> Self {
        place.read(rec)
    }
}

impl<T: ?Sized> FromPlace<T> for Place<T> {
    fn from_place(_: Rec, place: Place<T>) -> Self {
        place
    }
}

/// The receiver of a plain method call: derefs to it, so that the author's call finds the method as
/// it does in the plain function.
pub struct Target<T: ?Sized>(*mut T);

impl<T: ?Sized> Target<T> {
    /// # Safety
    /// Used for one call, during which the target lives.
    unsafe fn unbounded<'x>(&mut self) -> &'x mut Target<T> {
        // SAFETY: the caller keeps `self` alive; what the call returns borrows from the receiver
        // itself, as in the plain function, not from this.
        unsafe { &mut *std::ptr::from_mut(self) }
    }
}

impl<T: ?Sized> std::ops::Deref for Target<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: a target is made for a call that the plain function makes on this receiver here.
        unsafe { &*self.0 }
    }
}

impl<T: ?Sized> std::ops::DerefMut for Target<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the author's method takes the receiver mutably.
        unsafe { &mut *self.0 }
    }
}

/// Found for names that have no twin.
pub mod no_twin {
    pub use super::NoTwin as __JitTwin;
}

/// Machine arguments of a tuple, and the tuple from words.
pub trait ArgTuple {
    /// The plain tuple.
    type Plain;
    /// Flattens.
    fn args(&self, rec: Rec, out: &mut Args);
    /// Number of words.
    const WORDS: usize;
    /// The plain tuple from words.
    ///
    /// # Safety
    /// The words are those of values that may be used now, once.
    unsafe fn plain(words: &[u64]) -> Self::Plain;
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*);)*) => {$(
        impl<$($name: Traceable),*> ArgTuple for ($(Traced<$name>,)*) {
            type Plain = ($($name,)*);
            const WORDS: usize = 0 $(+ $name::TYS.len())*;

            #[allow(unused_variables)]
            fn args(&self, rec: Rec, out: &mut Args) {
                $(out.extend(self.$at.args(rec));)*
            }

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            unsafe fn plain(words: &[u64]) -> Self::Plain {
                let mut at = 0;
                // SAFETY: the caller vouches for the words.
                ($(unsafe {
                    let value = $name::from_words(&words[at..]).assume_init();
                    at += $name::TYS.len();
                    value
                },)*)
            }
        }

        impl<$($name: Traceable,)* R: Traceable, F> Callee<($(Traced<$name>,)*), F>
            for Twin<fn(Rec $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let Some(_inside) = Inside::enter(rec, self.0 as usize) else {
                    return Callee::call(Residual, rec, site, args, plain);
                };
                let ($($name,)*) = args;
                (self.0)(rec $(, $name)*)
            }
        }

        impl<$($name: Traceable,)* R: Traceable, F> Callee<($(Traced<$name>,)*), F> for Residual
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                residual(rec, site, args, move |($($name,)*): ($($name,)*)| plain($($name),*))
            }
        }

        impl<$($name: Traceable,)* R: Traceable, F> Callee<($(Traced<$name>,)*), F> for Elidable
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let site = CallSite { elidable: true, ..*site };
                residual(rec, &site, args, move |($($name,)*): ($($name,)*)| plain($($name),*))
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, This: FromPlace<T>, $($name: Traceable,)* R: Traceable, F>
            Method<'x, T, ($(Traced<$name>,)*), F> for Twin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let Some(_inside) = Inside::enter(rec, self.0 as usize) else {
                    return Method::call(Residual, rec, site, this, args, plain);
                };
                let ($($name,)*) = args;
                (self.0)(rec, This::from_place(rec, this) $(, $name)*)
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, $($name: Traceable,)* R: Traceable, F> Method<'x, T, ($(Traced<$name>,)*), F> for Residual
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                residual_method(rec, site, this, args, move |this: &'x mut Target<T>, ($($name,)*): ($($name,)*)| plain(this $(, $name)*))
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, $($name: Traceable,)* R: Traceable, F> Method<'x, T, ($(Traced<$name>,)*), F> for Elidable
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let site = CallSite { elidable: true, ..*site };
                residual_method(rec, &site, this, args, move |this: &'x mut Target<T>, ($($name,)*): ($($name,)*)| plain(this $(, $name)*))
            }
        }

    )*};
}

tuples! {
    ();
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, G 5);
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6);
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7);
}

/// Types a closure over plain arguments from the traced ones.
macro_rules! plain_closures {
    ($($function:ident $method:ident ($($name:ident),*);)*) => {$(
        #[doc = "Gives the closure of a residual call its argument types."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $function<$($name: Traceable,)* R, F: Fn($($name),*) -> R>(args: &($(Traced<$name>,)*), plain: F) -> F {
            plain
        }

        #[doc = "Gives the closure of a residual method call its argument types."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $method<'x, T: ?Sized + 'x, $($name: Traceable,)* R, F: Fn(&'x mut Target<T> $(, $name)*) -> R>(
            this: &Place<T>, args: &($(Traced<$name>,)*), plain: F,
        ) -> F {
            plain
        }
    )*};
}

plain_closures! {
    function0 method0 ();
    function1 method1 (A);
    function2 method2 (A, B);
    function3 method3 (A, B, C);
    function4 method4 (A, B, C, D);
    function5 method5 (A, B, C, D, E);
    function6 method6 (A, B, C, D, E, G);
    function7 method7 (A, B, C, D, E, G, H);
    function8 method8 (A, B, C, D, E, G, H, I);
}

/// A twin that is running; a recording follows its calls of itself up to a limit.
struct Inside {
    rec: Rec,
    twin: usize,
}

impl Inside {
    /// `None` if the limit says to call the plain function instead.
    fn enter(rec: Rec, twin: usize) -> Option<Inside> {
        rec.enter_function(twin).then_some(Inside { rec, twin })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.rec.leave_function(self.twin);
    }
}

/// A residual call of a closure over plain values.
#[track_caller]
pub fn residual<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    args: A,
    plain: F,
) -> Traced<R> {
    let mut flat = Args::new();
    args.args(rec, &mut flat);
    let run = |words: &mut [u64]| {
        // SAFETY: the words are those of the arguments, used this once.
        let res = plain(unsafe { A::plain(words) });
        R::to_words(&MaybeUninit::new(res), words);
    };
    let shim = closure_shim::<A, R, F>();
    raw_call(rec, site, shim, &flat, R::TYS, run).0
}

/// A residual call with two arguments.
pub(crate) fn residual2<A: Traceable, B: Traceable, R: Traceable, F: Fn(A, B) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    a: Traced<A>,
    b: Traced<B>,
    plain: F,
) -> Traced<R> {
    residual(rec, site, (a, b), move |(a, b): (A, B)| plain(a, b))
}

fn residual_method<
    'x,
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    R: Traceable,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
>(
    rec: Rec,
    site: &CallSite,
    this: Place<T>,
    args: A,
    plain: F,
) -> Traced<R> {
    if let Some(shadow) = this.shadow() {
        return residual_on_local(rec, site, this, shadow, args, plain);
    }
    let mut flat = this.pointer_args(rec);
    let receiver = flat.len();
    args.args(rec, &mut flat);
    let run = |words: &mut [u64]| {
        let mut target = Target(this.ptr);
        // SAFETY: the words are those of the arguments, used this once.
        let res = unsafe { plain(target.unbounded(), A::plain(&words[receiver..])) };
        R::to_words(&MaybeUninit::new(res), words);
    };
    let shim = method_shim::<T, A, R, F>();
    raw_call(rec, site, shim, &flat, R::TYS, run).0
}

/// The receiver is a local of the twin: its value goes in, and comes back changed or not.
fn residual_on_local<
    'x,
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    R: Traceable,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
>(
    rec: Rec,
    site: &CallSite,
    this: Place<T>,
    shadow: Shadow,
    args: A,
    plain: F,
) -> Traced<R> {
    let (size, align) = shadow.vtable.layout;
    if R::TYS.contains(&Ty::Ptr) || size > LOCAL_BYTES || align > 16 {
        // The result may point into the local.
        rec.abort(Abort::LocalEscapes);
    }
    let n = shadow.vtable.tys.len();
    let mut flat: Args = SmallVec::new();
    flat.push(Arg::constant(Ty::Ptr, std::ptr::from_ref(shadow.vtable).expose_provenance() as u64));
    flat.extend(shadow.args(rec));
    args.args(rec, &mut flat);
    let run = |words: &mut [u64]| {
        // SAFETY: the words are those of the arguments, used this once; `this.ptr` is the local's
        // plain value, which the author's method may change in place.
        unsafe {
            let res = plain(Target(this.ptr).unbounded(), A::plain(&words[1 + n..]));
            R::to_words(&MaybeUninit::new(res), words);
            (shadow.vtable.from_memory)(this.ptr.cast(), &mut words[R::TYS.len()..][..n]);
        }
    };
    let mut tys: SmallVec<[Ty; 8]> = SmallVec::from_slice(R::TYS);
    tys.extend_from_slice(shadow.vtable.tys);
    let shim = local_shim::<T, A, R, F>();
    let (res, after) = raw_call(rec, site, shim, &flat, &tys, run);
    shadow.set(&after);
    res
}

/// Largest local that is handed to a residual method by value, in bytes.
const LOCAL_BYTES: usize = 64;

#[repr(align(16))]
struct LocalMemory([u8; LOCAL_BYTES]);

/// Makes the call, with its effects, and records it. Answers the result and any words behind it.
fn raw_call<R: Traceable>(
    rec: Rec,
    site: &CallSite,
    shim: Shim,
    args: &[Arg],
    tys: &[Ty],
    run: impl FnOnce(&mut [u64]),
) -> (Traced<R>, Args) {
    rec.step();
    if !rec.is_replaying() {
        resume_pending_panic();
    }
    if args.len() > CALL_WORDS || tys.len() > CALL_WORDS {
        rec.abort(Abort::TooManyValues);
    }
    let mut words = [0; CALL_WORDS];
    let mut spill = SmallVec::<[u64; 0]>::new();
    let words: &mut [u64] = if args.len().max(tys.len()) > CALL_WORDS {
        spill.resize(args.len().max(tys.len()), 0);
        &mut spill
    } else {
        &mut words
    };
    for (word, arg) in words.iter_mut().zip(args) {
        *word = arg.concrete.bits;
    }
    let mut lanes: SmallVec<[Lane; 4]> = SmallVec::from_elem(Lane::CONST, tys.len());
    let results = CallResults { tys, words, lanes: &mut lanes };
    rec.call(shim as usize as u64, args, site, results, run);
    let n = R::TYS.len();
    // SAFETY: the words are those of the result: of the call just made, or saved from it.
    let value = unsafe { R::from_words(words) };
    let res = Traced::with_lanes(value, &lanes[..n]);
    R::settle(rec, &res, &lanes[..n]);
    let behind = (n..tys.len()).map(|i| Arg::new(lanes[i], tys[i], words[i])).collect();
    (res, behind)
}

type Shim = unsafe extern "C" fn(*mut u64) -> u8;

/// Runs `body`, which may panic, as a residual call of compiled code.
fn catch(body: impl FnOnce()) -> u8 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => 0,
        Err(payload) => {
            PANIC.set(Some(payload));
            1
        }
    }
}

/// The value of a zero-sized closure type.
fn conjure<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "a residual call's closure captures nothing") };
    // SAFETY: `F` has no bytes, and a value of it exists: the caller was given one to get this type,
    // and may copy it.
    unsafe { std::ptr::NonNull::<F>::dangling().read() }
}

fn closure_shim<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>() -> Shim {
    unsafe extern "C" fn shim<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>(
        words: *mut u64,
    ) -> u8 {
        // SAFETY: compiled code passes its frame's call area.
        let words = unsafe { std::slice::from_raw_parts_mut(words, CALL_WORDS) };
        catch(|| {
            // SAFETY: compiled code has put the arguments there.
            let res = conjure::<F>()(unsafe { A::plain(words) });
            R::to_words(&MaybeUninit::new(res), words);
        })
    }
    shim::<A, R, F>
}

fn method_shim<
    'x,
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    R: Traceable,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
>() -> Shim {
    unsafe extern "C" fn shim<'x, T, A, R, F>(words: *mut u64) -> u8
    where
        T: ?Sized + Pointee + 'x,
        A: ArgTuple,
        R: Traceable,
        F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
    {
        // SAFETY: compiled code passes its frame's call area.
        let words = unsafe { std::slice::from_raw_parts_mut(words, CALL_WORDS) };
        catch(|| {
            let (meta, receiver) = if T::FAT { (words[1] as usize, 2) } else { (0, 1) };
            let address = std::ptr::with_exposed_provenance(words[0] as usize);
            let mut this = Target(T::join(address, meta).cast_mut());
            // SAFETY: compiled code has put the arguments there.
            let res = unsafe { conjure::<F>()(this.unbounded(), A::plain(&words[receiver..])) };
            R::to_words(&MaybeUninit::new(res), words);
        })
    }
    shim::<'x, T, A, R, F>
}

fn local_shim<
    'x,
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    R: Traceable,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
>() -> Shim {
    unsafe extern "C" fn shim<'x, T, A, R, F>(words: *mut u64) -> u8
    where
        T: ?Sized + Pointee + 'x,
        A: ArgTuple,
        R: Traceable,
        F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
    {
        // SAFETY: compiled code passes its frame's call area, with the table's address first.
        let (words, vtable) = unsafe {
            let words = std::slice::from_raw_parts_mut(words, CALL_WORDS);
            let vtable: *const super::place::ShadowVtable =
                std::ptr::with_exposed_provenance(words[0] as usize);
            (words, &*vtable)
        };
        catch(|| {
            let n = vtable.tys.len();
            let mut memory = LocalMemory([0; LOCAL_BYTES]);
            let address = memory.0.as_mut_ptr();
            // SAFETY: `residual_on_local` records this call only for locals that fit; the words
            // are those of the local and of the arguments.
            unsafe {
                (vtable.to_memory)(&words[1..1 + n], address);
                let mut this = Target(T::join(address, 0).cast_mut());
                let res = conjure::<F>()(this.unbounded(), A::plain(&words[1 + n..]));
                R::to_words(&MaybeUninit::new(res), words);
                (vtable.from_memory)(address, &mut words[R::TYS.len()..][..n]);
            }
        })
    }
    const { assert!(align_of::<LocalMemory>() == 16) };
    shim::<'x, T, A, R, F>
}
