//! Calls: which twin a name has, and residual calls for what has none.
//!
//! A call `f(a)` or `x.m(a)` asks the callee for its *token*. `#[jit]` gives a function a token that
//! is the address of its twin. What was not annotated answers [`Residual`], from a fallback that
//! name resolution finds only when there is nothing else. So the macro needs no types.
#![expect(unsafe_code, reason = "rebuilds arguments of residual calls from machine words")]

use super::aggregate::Known;
use super::layout::{PieceTy, TypeFacts, local_words};
use super::place::{Place, Pointee, Receiver, Shadow};
use super::portal::Ended;
use super::rec::Rec;
use super::value::{
    Args, Bytes, Erased, Head, Lanes, Room, Traced, copy_bytes, freeze_words, lanes_of, made,
    push_args_of,
};
use metainterp::abort::Abort;
use metainterp::backend::CALL_WORDS;
use metainterp::ir::Ty;
pub use metainterp::record::CallSite;
use metainterp::record::{Arg, CallResults, Lane};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop, offset_of};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicU8;

/// The token of a function that is called, not traced.
#[derive(Clone, Copy)]
pub struct Residual;

/// The token of a function that is called, not traced, and whose result depends on its arguments only.
#[derive(Clone, Copy)]
pub struct Elidable;

/// The token of a function that is called like an [`Elidable`] one, when its arguments are promoted.
#[derive(Clone, Copy)]
pub struct ElidablePromote;

/// The token of an [`Elidable`] function whose result may borrow from its arguments.
#[derive(Clone, Copy)]
pub struct ElidableBorrowing;

/// The token of an [`ElidablePromote`] function whose result may borrow from its arguments.
#[derive(Clone, Copy)]
pub struct ElidablePromoteBorrowing;

/// The token of a function whose result depends on its arguments only, as long as a loop runs.
#[derive(Clone, Copy)]
pub struct LoopInvariant {
    /// See [`CallSite::function`].
    pub function: Option<NonZeroUsize>,
}

impl LoopInvariant {
    /// Of a method, or a function with type parameters.
    pub const ANY: LoopInvariant = LoopInvariant { function: None };

    /// Of a function that has this static to itself. It can be written to, so that it has an address of its own.
    pub fn of(own: &'static AtomicU8) -> LoopInvariant {
        LoopInvariant { function: NonZeroUsize::new(std::ptr::from_ref(own).addr()) }
    }
}

/// The token of a [`LoopInvariant`] function whose result may borrow from its arguments: the promise is not made use
/// of.
#[derive(Clone, Copy)]
pub struct LoopInvariantBorrowing;

/// The token of a function that compiled code does not call.
#[derive(Clone, Copy)]
pub struct NotInTrace;

/// Tokens of functions that are called, not traced.
pub(super) trait Called {
    /// What is known of such a call.
    fn site(self, site: &CallSite) -> CallSite;
}

macro_rules! called {
    ($($token:ident { $($field:ident),* })*) => {$(
        impl Called for $token {
            fn site(self, site: &CallSite) -> CallSite {
                CallSite { $($field: true,)* ..*site }
            }
        }
    )*};
}

called! {
    Residual {}
    Elidable { elidable }
    ElidablePromote { elidable, promotes }
    ElidableBorrowing { elidable, borrows }
    ElidablePromoteBorrowing { elidable, promotes, borrows }
    LoopInvariantBorrowing {}
    NotInTrace { not_in_trace }
}

impl Called for LoopInvariant {
    fn site(self, site: &CallSite) -> CallSite {
        CallSite { loop_invariant: true, function: self.function, ..*site }
    }
}

/// The token of a function whose twin is that function pointer.
#[derive(Clone, Copy)]
pub struct Twin<F>(pub F);

/// The token of a function of std, or of this crate, with a shim: its twin is that function pointer. It calls nothing
/// of the author's, so it cannot be inside of itself, and is never called instead.
#[derive(Clone, Copy)]
pub struct StdTwin<F>(pub F);

/// The token of a portal that is inlined where it is called: its twin, which is told that it is.
#[derive(Clone, Copy)]
pub struct InlinedPortal<F>(pub F);

/// A portal that is being inlined.
pub(crate) struct PortalFrame(Rec);

impl PortalFrame {
    /// `None` if the plain portal is to be called instead.
    pub(crate) fn enter(rec: Rec) -> Option<PortalFrame> {
        // Only a frame that was entered is left again.
        rec.enter_portal().then(|| PortalFrame(rec))
    }
}

impl Drop for PortalFrame {
    fn drop(&mut self) {
        self.0.leave_portal();
    }
}

/// What a free function without `#[jit]` has in the place of its twin.
pub enum NoTwin {
    /// Found where the function's name has nothing better.
    __JitToken,
}

impl NoTwin {
    /// The token.
    pub fn __jit(self) -> Residual {
        Residual
    }

    /// It takes no closures over traced values.
    pub fn __jit_takes(self) -> super::closure::No {
        super::closure::No
    }

    /// Never called.
    pub fn __jit_with<A, R>(self, _: Rec, _: A) -> Traced<R> {
        super::closure::not_taken()
    }
}

thread_local! {
    /// The payload of a panic that a residual call in compiled code has caught. It has no destructor, so that
    /// destructors of a thread's other variables may run programs.
    static PANIC: Cell<Option<ManuallyDrop<Payload>>> = const { Cell::new(None) };
}

type Payload = Box<dyn Any + Send>;

/// Raises the panic that a residual call in compiled code has caught: the replay has come to this call.
pub(super) fn resume_pending_panic() {
    if let Some(payload) = PANIC.take() {
        resume_unwind(ManuallyDrop::into_inner(payload));
    }
}

/// The panic that compiled code was left with is put aside, until this is dropped, for code that runs before the
/// replay has come to it.
pub(crate) struct PanicAside(Option<ManuallyDrop<Payload>>);

impl PanicAside {
    pub(crate) fn put() -> PanicAside {
        PanicAside(PANIC.take())
    }
}

impl Drop for PanicAside {
    fn drop(&mut self) {
        PANIC.set(self.0.take());
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
    fn call_method(
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
    fn from_place(rec: Rec, place: Place<T>) -> Self {
        place.shared(rec)
    }
}

impl<T: ?Sized + Pointee> FromPlace<T> for Traced<&mut T> {
    fn from_place(rec: Rec, place: Place<T>) -> Self {
        place.exclusive(rec)
    }
}

impl<T> FromPlace<T> for Traced<T> {
    fn from_place(rec: Rec, place: Place<T>) -> Self {
        place.take_any(rec)
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

/// Found for names that have no twin: nothing of the name, and nothing in it.
#[allow(non_snake_case)]
pub mod no_twin {
    pub use super::NoTwin::__JitToken;
    /// What is there if the name is not also that of a type or module.
    pub mod __JitTwin {}
}

/// Machine arguments of a tuple, and the tuple from words.
pub trait ArgTuple {
    /// The plain tuple.
    type Plain;
    /// Where in the tuple they are, and what is to be known of their types.
    const PLACES: &'static [(usize, &'static TypeFacts)];
    /// The plain tuple from words.
    ///
    /// # Safety
    /// The words are those of values that may be used now, once.
    unsafe fn plain(words: *const u64) -> Self::Plain;
}

macro_rules! tuples {
    (@called $token:ident $($name:ident),*) => {
        impl<$($name,)* R, F> Callee<($(Traced<$name>,)*), F> for $token
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let site = Called::site(self, site);
                residual(rec, &site, args, move |($($name,)*): ($($name,)*)| plain($($name),*))
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, $($name,)* R, F> Method<'x, T, ($(Traced<$name>,)*), F> for $token
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let site = Called::site(self, site);
                let code = MethodCode::of(&args, move |this: &'x mut Target<T>, ($($name,)*): ($($name,)*)| plain(this $(, $name)*));
                residual_method(rec, &site, this, args, code)
            }
        }
    };
    ($(($($name:ident $at:tt),*);)*) => {$(
        impl<$($name),*> ArgTuple for ($(Traced<$name>,)*) {
            type Plain = ($($name,)*);
            const PLACES: &'static [(usize, &'static TypeFacts)] =
                &[$((offset_of!(Self, $at), TypeFacts::of::<$name>())),*];

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            unsafe fn plain(mut words: *const u64) -> Self::Plain {
                // SAFETY: the caller vouches for the words, which are those of all arguments.
                ($(unsafe {
                    let value = words.cast::<$name>().read_unaligned();
                    words = words.add(const { size_of::<$name>().div_ceil(8) });
                    value
                },)*)
            }
        }

        impl<$($name,)* R, F> Callee<($(Traced<$name>,)*), F>
            for Twin<fn(Rec $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let code = Code::of(&args, move |($($name,)*): ($($name,)*)| plain($($name),*));
                self.follow(rec, site, args, code)
            }
        }

        impl<$($name,)* R> Twin<fn(Rec $(, Traced<$name>)*) -> Traced<R>> {
            /// Runs the twin, or calls the plain function: the same for all calls of such functions.
            #[allow(non_snake_case)]
            fn follow(self, rec: Rec, site: &CallSite, args: ($(Traced<$name>,)*), code: &Code) -> Traced<R> {
                let Some(_inside) = Inside::enter(rec, self.0 as usize) else {
                    return residual_of(rec, site, args, code);
                };
                let ($($name,)*) = args;
                (self.0)(rec $(, $name)*)
            }
        }

        impl<$($name,)* R, F> Callee<($(Traced<$name>,)*), F>
            for StdTwin<fn(Rec $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, _: &'static CallSite, args: ($(Traced<$name>,)*), _: F) -> Traced<R> {
                let ($($name,)*) = args;
                (self.0)(rec $(, $name)*)
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, This: FromPlace<T>, $($name,)* R, F>
            Method<'x, T, ($(Traced<$name>,)*), F> for StdTwin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, _: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), _: F) -> Traced<R> {
                let ($($name,)*) = args;
                (self.0)(rec, This::from_place(rec, this) $(, $name)*)
            }
        }

        impl<$($name,)* R, F> Callee<($(Traced<$name>,)*), F> for Residual
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                residual(rec, site, args, move |($($name,)*): ($($name,)*)| plain($($name),*))
            }
        }

        tuples!(@called Elidable $($name),*);
        tuples!(@called ElidablePromote $($name),*);
        tuples!(@called ElidableBorrowing $($name),*);
        tuples!(@called ElidablePromoteBorrowing $($name),*);
        tuples!(@called LoopInvariant $($name),*);
        tuples!(@called LoopInvariantBorrowing $($name),*);
        tuples!(@called NotInTrace $($name),*);

        impl<'x, T: ?Sized + Pointee + 'x, This: FromPlace<T>, $($name,)* R, F>
            Method<'x, T, ($(Traced<$name>,)*), F> for Twin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let code = MethodCode::of(&args, move |this: &'x mut Target<T>, ($($name,)*): ($($name,)*)| plain(this $(, $name)*));
                self.follow_method(rec, site, this, args, code)
            }
        }

        impl<This, $($name,)* R> Twin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>> {
            /// The same for methods.
            #[allow(non_snake_case)]
            fn follow_method<T: ?Sized + Pointee>(
                self, rec: Rec, site: &CallSite, this: Place<T>, args: ($(Traced<$name>,)*), code: &MethodCode,
            ) -> Traced<R>
            where This: FromPlace<T>
            {
                let Some(_inside) = Inside::enter(rec, self.0 as usize) else {
                    return residual_method(rec, site, this, args, code);
                };
                let ($($name,)*) = args;
                (self.0)(rec, This::from_place(rec, this) $(, $name)*)
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, This: FromPlace<T>, $($name,)* R, F>
            Method<'x, T, ($(Traced<$name>,)*), F> for InlinedPortal<fn(Rec, bool, This $(, Traced<$name>)*) -> Ended<R>>
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let Some(_frame) = PortalFrame::enter(rec) else {
                    return Method::call_method(Residual, rec, site, this, args, plain);
                };
                let ($($name,)*) = args;
                (self.0)(rec, true, This::from_place(rec, this) $(, $name)*).inlined()
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, $($name,)* R, F> Method<'x, T, ($(Traced<$name>,)*), F> for Residual
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let code = MethodCode::of(&args, move |this: &'x mut Target<T>, ($($name,)*): ($($name,)*)| plain(this $(, $name)*));
                residual_method(rec, site, this, args, code)
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
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8);
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9);
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10);
    (A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11);
}

/// Arguments and result of a call.
pub struct Assoc<A, R>(std::marker::PhantomData<fn(A) -> R>);

/// Types a closure over plain arguments from the traced ones.
macro_rules! plain_closures {
    ($($function:ident $method:ident $assoc:ident ($($name:ident),*);)*) => {$(
        #[doc = "Where the token of an associated function of std's generic types is looked for."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $assoc<'x, $($name,)* R, F: Fn($($name),*) -> R>(
            args: &($(Traced<$name>,)*), plain: &F,
        ) -> &'x Assoc<($($name,)*), R> {
            &Assoc(std::marker::PhantomData)
        }

        #[doc = "Gives the closure of a residual call its argument types."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $function<$($name,)* R, F: Fn($($name),*) -> R>(args: &($(Traced<$name>,)*), plain: F) -> F {
            plain
        }

        #[doc = "Gives the closure of a residual method call its argument types."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $method<'x, T: ?Sized + 'x, $($name,)* R, F: Fn(&'x mut Target<T> $(, $name)*) -> R>(
            this: &Place<T>, args: &($(Traced<$name>,)*), plain: F,
        ) -> F {
            plain
        }
    )*};
}

plain_closures! {
    function0 method0 assoc0 ();
    function1 method1 assoc1 (A);
    function2 method2 assoc2 (A, B);
    function3 method3 assoc3 (A, B, C);
    function4 method4 assoc4 (A, B, C, D);
    function5 method5 assoc5 (A, B, C, D, E);
    function6 method6 assoc6 (A, B, C, D, E, G);
    function7 method7 assoc7 (A, B, C, D, E, G, H);
    function8 method8 assoc8 (A, B, C, D, E, G, H, I);
    function9 method9 assoc9 (A, B, C, D, E, G, H, I, J);
    function10 method10 assoc10 (A, B, C, D, E, G, H, I, J, K);
    function11 method11 assoc11 (A, B, C, D, E, G, H, I, J, K, L);
    function12 method12 assoc12 (A, B, C, D, E, G, H, I, J, K, L, M);
}

/// A twin that is running; a recording follows its calls of itself up to a limit.
pub struct Inside {
    rec: Rec,
    twin: usize,
}

impl Inside {
    /// `None` if the limit says to call the plain function instead.
    pub(crate) fn enter(rec: Rec, twin: usize) -> Option<Inside> {
        // Only what was entered is left again.
        rec.enter_function(twin).then(|| Inside { rec, twin })
    }
}

impl Inside {
    /// Beyond the limit, when there is nothing else to call. Only while nothing is recorded.
    pub(crate) fn deeper(rec: Rec, twin: usize) -> Inside {
        Inside { rec, twin: twin | 1 << 63 }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.rec.leave_function(self.twin);
    }
}

/// A residual call of a closure over plain values, which captures nothing.
#[track_caller]
pub fn residual<A: ArgTuple, R, F: Fn(A::Plain) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    args: A,
    plain: F,
) -> Traced<R> {
    let code = Code::of(&args, plain);
    residual_of(rec, site, args, code)
}

/// The arguments of a call, for code that is the same for all types. What they own is the callee's.
#[derive(Clone, Copy)]
pub(super) struct Given {
    start: *const (),
    places: &'static [(usize, &'static TypeFacts)],
}

impl Given {
    /// Of a tuple that stays where it is during the call.
    #[inline]
    pub fn of<A: ArgTuple>(args: &ManuallyDrop<A>) -> Given {
        Given { start: std::ptr::from_ref(args).cast(), places: A::PLACES }
    }

    pub fn shadows(self) -> SmallVec<[Shadow; 4]> {
        // They lie there in the tuple.
        let head = |at| self.start.wrapping_byte_add(at).cast_mut().cast();
        let shadow = |&(at, ty): &(usize, _)| Shadow::with_head(head(at), ty);
        self.places.iter().map(shadow).collect()
    }
}

/// The same for all calls with these arguments and this result.
#[inline(never)]
fn residual_of<A: ArgTuple, R>(rec: Rec, site: &CallSite, args: A, code: &Code) -> Traced<R> {
    let args = ManuallyDrop::new(args);
    let mut res = MaybeUninit::uninit();
    let out = Out { place: Erased::of(&mut res), ty: const { TypeFacts::of::<R>() } };
    // SAFETY: the code was made for these arguments and this result, which is put there.
    unsafe {
        call_given(rec, site, Given::of(&args), out, code);
        made(&res)
    }
}

/// Where the result of a call is put, as a value of the twin of this type.
struct Out {
    place: Erased,
    ty: &'static TypeFacts,
}

impl Out {
    /// The value, of which nothing is known yet, and its bytes.
    fn init(self) -> (Shadow, Untyped) {
        let (value, start) = self.place.init(Head::new(Lanes::CONST), self.ty);
        (value, Untyped { start, ty: self.ty })
    }
}

/// The same for all calls.
///
/// # Safety
/// The code is for these arguments, with this result.
unsafe fn call_given(rec: Rec, site: &CallSite, args: Given, out: Out, code: &Code) {
    let (value, res) = out.init();
    // SAFETY: the caller vouches for it.
    let lanes = unsafe { call_plain(rec, site, &args.shadows(), res, code) };
    value.head().set_lanes(lanes);
}

/// The same for all calls.
///
/// # Safety
/// The code is for these arguments, with this result.
unsafe fn call_plain(
    rec: Rec,
    site: &CallSite,
    args: &[Shadow],
    res: Untyped,
    code: &Code,
) -> Lanes {
    let mut call = ResidualCall::new(rec, site);
    let n_local_addresses = rec.arena().n_local_addresses.get();
    call.site.borrows = site.borrows && !lead_to_frozen(rec, args);
    push_all(rec, args, &mut call.args);
    // What depends on a local's contents does not depend on its address only, and what owns something
    // is made, or consumed, each time.
    let owning = res.ty.owns() || args.iter().any(|arg| arg.owns());
    let of_local = rec.arena().n_local_addresses.get() != n_local_addresses;
    call.limit_purity(!owning && !of_local);
    call.promote_from(0);
    // SAFETY: the caller vouches for it.
    unsafe { call.run(code, res, &[]) }.lanes
}

/// Appends the machine arguments. What the arguments own is the callee's from here on, and nobody drops them.
pub(super) fn push_all(rec: Rec, args: &[Shadow], out: &mut Args) {
    for arg in args {
        arg.push_args(rec, &arg.facts().call_words(), out);
    }
    for arg in args {
        arg.disown();
        arg.give_back(rec);
    }
}

/// Whether all that they refer to is known never to change or go away.
fn lead_to_frozen(rec: Rec, args: &[Shadow]) -> bool {
    args.iter().all(|arg| !arg.facts().may_hold_pointer() || arg.leads_to_frozen(rec))
}

/// The same of what only reads, and keeps nothing: what it is given stays as unknown to others as it was.
pub(crate) fn residual_read<A: ArgTuple, R, F: Fn(A::Plain) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    args: A,
    plain: F,
) -> Traced<R> {
    let shown = rec.shown();
    let res = residual(rec, &CallSite { reads_only: true, ..*site }, args, plain);
    rec.hide_all_but(shown);
    res
}

/// A residual call with two arguments.
pub(crate) fn residual2<A, B, R, F: Fn(A, B) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    a: Traced<A>,
    b: Traced<B>,
    plain: F,
) -> Traced<R> {
    residual(rec, site, (a, b), move |(a, b): (A, B)| plain(a, b))
}

/// A residual call of a method, the same for all with such a receiver, these arguments and this result.
#[inline(never)]
fn residual_method<T: ?Sized + Pointee, A: ArgTuple, R>(
    rec: Rec,
    site: &CallSite,
    this: Place<T>,
    args: A,
    code: &MethodCode,
) -> Traced<R> {
    let args = ManuallyDrop::new(args);
    let mut res = MaybeUninit::uninit();
    let out = Out { place: Erased::of(&mut res), ty: const { TypeFacts::of::<R>() } };
    // SAFETY: the code was made for this receiver, these arguments and this result, which is put there.
    unsafe {
        call_method(rec, site, Receiver::of(this), Given::of(&args), out, code);
        made(&res)
    }
}

/// Calls `deref` of a type of which nothing more is known.
pub(super) fn deref<T: std::ops::Deref>(rec: Rec, this: Place<T>) -> Traced<*mut T::Target> {
    let deref = |this: &mut Target<T>, (): ()| (&raw const ***this).cast_mut();
    residual_method(rec, &deref_site::<T>("deref"), this, (), MethodCode::of(&(), deref))
}

/// Calls `deref_mut`.
pub(super) fn deref_mut<T: std::ops::DerefMut>(rec: Rec, this: Place<T>) -> Traced<*mut T::Target> {
    let deref = |this: &mut Target<T>, (): ()| &raw mut ***this;
    residual_method(rec, &deref_site::<T>("deref_mut"), this, (), MethodCode::of(&(), deref))
}

fn deref_site<T>(name: &'static str) -> CallSite {
    CallSite { name, site: std::any::type_name::<T>(), elidable: false, ..CallSite::PLAIN }
}

/// The same for all methods.
///
/// # Safety
/// The code is for these arguments, with this result.
unsafe fn call_method(
    rec: Rec,
    site: &CallSite,
    this: Receiver,
    args: Given,
    out: Out,
    code: &MethodCode,
) {
    let (value, res) = out.init();
    // SAFETY: the caller vouches for it.
    let lanes = unsafe { call_method_with(rec, site, this, &args.shadows(), res, code) };
    value.head().set_lanes(lanes);
}

/// The same. Answers what the trace knows of the result.
///
/// # Safety
/// As above.
unsafe fn call_method_with(
    rec: Rec,
    site: &CallSite,
    mut this: Receiver,
    args: &[Shadow],
    res: Untyped,
    code: &MethodCode,
) -> Lanes {
    this.settle();
    let mut call = ResidualCall::new(rec, site);
    // What owns something is made, or consumed, each time.
    call.limit_purity(!res.ty.owns() && !args.iter().any(|arg| arg.owns()));
    call.site.borrows = site.borrows && !(this.is_frozen() && lead_to_frozen(rec, args));
    // The receiver is a local of the twin: its value goes in, and comes back changed or not.
    if let Some(code) = &code.on_local
        && let Some(shadow) = this.shadow()
        && shadow.len() <= LOCAL_BYTES
        && !shadow.owns()
        && !this.may_hold_pointer()
        && !args.iter().any(|arg| arg.facts().may_hold_pointer())
        && !res.ty.may_hold_pointer()
    {
        let before = call.push_local(shadow, this.offset_in(shadow));
        push_all(rec, args, &mut call.args);
        call.promote_from(before);
        // SAFETY: the caller vouches for it.
        return unsafe { call.run_on_local(code, res, shadow) };
    }
    // Result, arguments or the receiver itself may point to the local afterwards; or the method may panic when it has dropped half of it, and
    // what is left must be where it is looked for.
    this.push_pointer(rec, &mut call.args);
    push_all(rec, args, &mut call.args);
    call.promote_from(0);
    // SAFETY: the caller vouches for it.
    unsafe { call.run(&code.in_memory, res, &[]) }.lanes
}

/// A residual call whose arguments are being collected.
///
/// An author's crate has thousands of calls, and all that is compiled for each of them is a [`Code`] and what leads to
/// here.
struct ResidualCall {
    rec: Rec,
    site: CallSite,
    args: Args,
}

/// What a residual call runs.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    /// Takes the arguments from the words, once, and puts the result there.
    body: unsafe fn(&mut [u64]),
    /// The same for compiled code.
    shim: Shim,
}

impl Code {
    #[inline]
    fn of<A: ArgTuple, R, F: Fn(A::Plain) -> R + Copy>(_: &A, _: F) -> &'static Code {
        const { &Code { body: closure_body::<A, R, F>, shim: closure_shim::<A, R, F> } }
    }
}

/// What a residual call of a method runs.
#[derive(Clone, Copy)]
struct MethodCode {
    /// With a pointer to the receiver.
    in_memory: Code,
    /// With a small local of the twin as receiver.
    on_local: Option<Code>,
}

impl MethodCode {
    #[inline]
    fn of<'x, T, A, R, F>(_: &A, _: F) -> &'static MethodCode
    where
        T: ?Sized + Pointee + 'x,
        A: ArgTuple,
        F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
    {
        const {
            &MethodCode {
                in_memory: Code {
                    body: method_body::<T, A, R, F>,
                    shim: method_shim::<T, A, R, F>,
                },
                // Nothing is compiled for what is too large.
                on_local: if T::BY_VALUE {
                    Some(Code { body: local_body::<T, A, R, F>, shim: local_shim::<T, A, R, F> })
                } else {
                    None
                },
            }
        }
    }
}

/// What a call answers: lanes of the result, whose bytes have been put where they belong, and the words
/// behind it.
struct Answer {
    lanes: Lanes,
    behind: Args,
}

impl ResidualCall {
    fn new(rec: Rec, site: &CallSite) -> ResidualCall {
        ResidualCall { rec, site: *site, args: Args::new() }
    }

    /// What a call is said to be holds only if its arguments and its result are all there is to it.
    fn limit_purity(&mut self, is_pure: bool) {
        self.site.elidable &= is_pure;
        self.site.loop_invariant &= is_pure;
        self.site.function = self.site.function.filter(|_| is_pure);
    }

    /// Promotes the arguments, if the call is of that kind. Each makes its step.
    fn promote_from(&mut self, first: usize) {
        if self.site.promotes {
            for arg in &mut self.args[first..] {
                self.rec.step();
                arg.lane = self.rec.promote(*arg);
            }
        }
    }

    /// A local of the twin as arguments, with the receiver at an offset in it. Answers how many they are.
    fn push_local(&mut self, shadow: Shadow, receiver: u32) -> usize {
        self.args.push(Arg::constant(Ty::I64, u64::from(receiver)));
        self.args.push(Arg::constant(Ty::I64, shadow.len() as u64));
        shadow.push_args(self.rec, &local_words(shadow.len()), &mut self.args);
        self.args.len()
    }

    /// # Safety
    /// As for `run`.
    unsafe fn run_on_local(self, code: &Code, res: Untyped, shadow: Shadow) -> Lanes {
        let (rec, local) = (self.rec, local_words(shadow.len()));
        // SAFETY: the caller vouches for it.
        let answer = unsafe { self.run(code, res, &local) };
        shadow.set(rec, &local, &answer.behind);
        answer.lanes
    }

    /// Makes the call, with its effects, and records it.
    ///
    /// # Safety
    /// The code is for these arguments, with this result.
    unsafe fn run(self, code: &Code, res: Untyped, behind: &[PieceTy]) -> Answer {
        let ResidualCall { rec, site, args } = self;
        rec.step();
        if !rec.is_replaying() {
            resume_pending_panic();
        }
        let results = res.call_words();
        let tys: SmallVec<[Ty; 8]> = results.iter().chain(behind).map(|piece| piece.ty).collect();
        if args.len() > CALL_WORDS || tys.len() > CALL_WORDS {
            rec.abort(Abort::TooManyValues);
        }
        let mut on_stack = [0; CALL_WORDS];
        let mut on_heap = Vec::new();
        let words: &mut [u64] = match args.len().max(tys.len()) {
            0..=CALL_WORDS => &mut on_stack,
            n => {
                on_heap.resize(n, 0);
                &mut on_heap
            }
        };
        for (word, arg) in words.iter_mut().zip(&args) {
            *word = arg.bits;
        }
        let mut lanes: SmallVec<[Lane; 4]> = SmallVec::from_elem(Lane::CONST, tys.len());
        // SAFETY: the words are those of the arguments, used this once.
        let mut run = |words: &mut [u64]| unsafe { (code.body)(words) };
        if site.not_in_trace {
            assert!(tys.is_empty(), "{}: what is not in the trace answers nothing", site.name);
            // On the way that compiled code has gone it was not called, and is not now.
            if !rec.is_replaying() {
                run(words);
            }
            return Answer { lanes: Lanes::CONST, behind: Args::new() };
        }
        let sinks = CallResults { tys: &tys, words: &mut *words, lanes: &mut lanes };
        rec.call(code.shim as usize as u64, &args, &site, sinks, &mut run);
        let n = results.len();
        // SAFETY: the words are those of the result: of the call just made, or saved from it.
        unsafe { res.set(words) };
        Answer {
            lanes: lanes_of(rec, &results, &lanes[..n]),
            behind: (n..tys.len()).map(|i| Arg::new(lanes[i], tys[i], words[i])).collect(),
        }
    }
}

/// Where a result goes, and of which type it is, for code that is the same for all types.
#[derive(Clone, Copy)]
struct Untyped {
    start: *mut u8,
    ty: &'static TypeFacts,
}

impl Untyped {
    fn of<R>(value: &mut MaybeUninit<R>) -> Untyped {
        Untyped { start: value.as_mut_ptr().cast(), ty: TypeFacts::of::<R>() }
    }

    fn call_words(self) -> SmallVec<[PieceTy; 4]> {
        self.ty.call_words()
    }

    /// # Safety
    /// The words are those of a value of the type, and nobody else uses what is written to.
    unsafe fn set(self, words: &[u64]) {
        let len = self.ty.size;
        assert!(words.len() * 8 >= len, "{} words for a value", words.len());
        // SAFETY: so many bytes are there, and the result has so many.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr().cast::<u8>(), self.start, len) }
    }
}

/// Largest local that is handed to a residual method by value, in bytes.
pub(crate) const LOCAL_BYTES: usize = 64;

#[repr(align(16))]
struct LocalMemory([u8; LOCAL_BYTES]);

/// Moves a value that comes from a call into words.
#[inline]
fn to_words<T>(value: T, words: &mut [u64]) {
    if const { size_of::<T>() == 0 } {
        return std::mem::forget(value);
    }
    let n = const { size_of::<T>().div_ceil(8) };
    assert!(n <= words.len(), "a value that does not fit");
    let to = words.as_mut_ptr();
    // SAFETY: there are so many words, in which is room for the value; and what the last one has more than that.
    unsafe {
        to.add(n - 1).write(0);
        to.cast::<T>().write_unaligned(value);
        freeze_words(to);
    }
}

/// # Safety
/// `len` bytes can be read there.
unsafe fn bytes_to_words(start: *const u8, len: usize, words: &mut [u64]) {
    let words = &mut words[..len.div_ceil(8)];
    if let [.., last] = words {
        // What the last word has more than the value.
        *last = 0;
    }
    let to = words.as_mut_ptr();
    // SAFETY: the words are so many bytes, and the caller vouches for those that are read.
    unsafe {
        copy_bytes(start, to.cast(), len);
        freeze_words(to);
    }
}

/// # Safety
/// The words are those of a value that may be used now, once.
unsafe fn of_words<T>(words: &[u64]) -> T {
    debug_assert!(words.len() * 8 >= size_of::<T>(), "{} words for a value", words.len());
    // SAFETY: so many bytes are there, and they are those of a `T`.
    unsafe { words.as_ptr().cast::<T>().read_unaligned() }
}

/// How values of a type that owns something are dropped by a call.
#[derive(Clone, Copy)]
pub(crate) struct Drops {
    /// The value is in words.
    in_words: DropGlue,
    /// The value is where it may be.
    in_place: DropGlue,
}

/// Drops the value there, whose type it knows.
type DropGlue = unsafe fn(*mut u64);

impl Drops {
    pub(crate) const fn of<T>() -> Drops {
        // Words may not be where such a value may be.
        let is_aligned = align_of::<T>() <= align_of::<u64>();
        let in_place = drop_there::<T>;
        Drops { in_words: if is_aligned { in_place } else { drop_unaligned::<T> }, in_place }
    }

    /// Drops the value that stands in words, used this once.
    pub(super) fn in_words(self) -> DropGlue {
        self.in_words
    }
}

/// # Safety
/// A value that may be dropped lies there.
unsafe fn drop_there<T>(value: *mut u64) {
    // SAFETY: the caller vouches for it.
    unsafe { std::ptr::drop_in_place(value.cast::<T>()) }
}

/// # Safety
/// The same of one that need not be aligned.
unsafe fn drop_unaligned<T>(value: *mut u64) {
    // SAFETY: the caller vouches for it.
    drop(unsafe { value.cast::<T>().read_unaligned() });
}

/// Takes the glue, and behind it the words of the value.
const DROP_IN_WORDS: Code = Code { body: drop_in_words, shim: drop_in_words_shim };

/// Takes the glue, and a pointer to the value.
const DROP_BEHIND: Code = Code { body: drop_behind, shim: drop_behind_shim };

/// The glue as an argument of these.
fn glue_arg(glue: DropGlue) -> Arg {
    Arg::constant(Ty::Ptr, (glue as *const ()).expose_provenance() as u64)
}

/// # Safety
/// The word is that of a [`glue_arg`].
unsafe fn glue_of(word: u64) -> DropGlue {
    let glue = std::ptr::with_exposed_provenance::<()>(word as usize);
    // SAFETY: the caller vouches for it.
    unsafe { std::mem::transmute::<*const (), DropGlue>(glue) }
}

/// # Safety
/// The words are those of a glue, and of a value of its type that may be used now, once.
unsafe fn drop_in_words(words: &mut [u64]) {
    // SAFETY: the caller vouches for it.
    unsafe { glue_of(words[0])(words[1..].as_mut_ptr()) }
}

unsafe extern "C" fn drop_in_words_shim(words: *mut u64) -> u8 {
    // SAFETY: compiled code has put the value there.
    unsafe { catch(words, drop_in_words) }
}

/// # Safety
/// The words are a glue, and a pointer to a value of its type that may be dropped.
unsafe fn drop_behind(words: &mut [u64]) {
    let value = std::ptr::with_exposed_provenance_mut(words[1] as usize);
    // SAFETY: the caller vouches for it.
    unsafe { glue_of(words[0])(value) }
}

unsafe extern "C" fn drop_behind_shim(words: *mut u64) -> u8 {
    // SAFETY: compiled code has put the pointer there.
    unsafe { catch(words, drop_behind) }
}

/// What is asked about a value by a call, where nothing says where in the value the answer is.
pub(crate) trait Question<T> {
    const NAME: &'static str;
    /// What the answer is.
    type Answer;
    /// The answer's bits.
    fn ask(value: &T) -> u64;
}

/// A question about values of a type, for code that is the same for all types.
pub(crate) struct Asked {
    name: &'static str,
    value: &'static TypeFacts,
    answer: &'static TypeFacts,
    code: Code,
}

impl Asked {
    pub(crate) const fn of<T, Q: Question<T>>() -> Asked {
        Asked {
            name: Q::NAME,
            value: TypeFacts::of::<T>(),
            answer: TypeFacts::of::<Q::Answer>(),
            code: Code { body: ask_in_words::<T, Q>, shim: ask_in_words_shim::<T, Q> },
        }
    }

    /// Asks about the value at a place. Answers the bits of the answer, what the trace knows of them, and the value, of
    /// which the arena keeps a copy.
    ///
    /// # Safety
    /// It is a value of the type.
    #[inline(never)]
    pub(crate) unsafe fn ask(&self, rec: Rec, place: &Place<()>) -> (u64, Lanes, Known) {
        let Asked { name, value, answer, ref code } = *self;
        let site = CallSite { name, site: value.name(), elidable: true, ..CallSite::PLAIN };
        let mut room = Room::of(value);
        // SAFETY: the caller vouches for the type.
        let copy = unsafe { place.read_erased(rec, value, room.erased()) };
        copy.disown();
        let known = Known::Whole(rec.arena().add_words(copy.bytes()));
        let mut bits = 0_u64;
        let res = Untyped { start: std::ptr::from_mut(&mut bits).cast(), ty: answer };
        // SAFETY: the code is for such a value and this answer, which is of at most one word.
        let lanes = unsafe { call_plain(rec, &site, &[copy], res, code) };
        (bits, lanes, known)
    }
}

/// # Safety
/// The words are those of a value.
unsafe fn ask_in_words<T, Q: Question<T>>(words: &mut [u64]) {
    // SAFETY: the caller vouches for it. The value stays its owner's.
    let value = ManuallyDrop::new(unsafe { of_words::<T>(words) });
    words[0] = Q::ask(&value);
}

unsafe extern "C" fn ask_in_words_shim<T, Q: Question<T>>(words: *mut u64) -> u8 {
    // SAFETY: compiled code has put the value there.
    unsafe { catch(words, ask_in_words::<T, Q>) }
}

fn drop_site(ty: &TypeFacts) -> CallSite {
    CallSite { name: "drop", site: ty.name(), elidable: false, ..CallSite::PLAIN }
}

/// Drops what a local of the twin owns.
pub(crate) fn drop_local(rec: Rec, local: Shadow) {
    local.disown();
    if let Some(memory) = local.spilled() {
        return super::owned::drop_contents_of(
            rec,
            super::place::spilled_place(memory),
            local.facts(),
        );
    }
    if let Some(drop) = super::owned::noted(rec, local.facts()) {
        return drop(rec, local.contents());
    }
    drop_bytes(rec, local.bytes(), local.lanes(), local.facts());
}

/// Drops the value with these bytes by a call.
fn drop_bytes(rec: Rec, bytes: Bytes, lanes: Lanes, ty: &'static TypeFacts) {
    let Some(drops) = ty.drops else { return };
    let mut call = ResidualCall::new(rec, &drop_site(ty));
    call.args.push(glue_arg(drops.in_words));
    push_args_of(rec, bytes, lanes, &ty.call_words(), &mut call.args);
    // SAFETY: the glue is for a value of this type, which nobody uses any more.
    unsafe { call.run(&DROP_IN_WORDS, Untyped::of(&mut MaybeUninit::<()>::uninit()), &[]) };
}

/// Drops what is left of a local of which parts have been moved out.
pub(crate) fn drop_rest<T, F: Fn(T, u64) + Copy>(rec: Rec, local: *const (), gone: u64) {
    // SAFETY: called by the local itself, when it is dropped.
    let value = unsafe { &*local.cast::<Traced<T>>() };
    residual(
        rec,
        &drop_site(TypeFacts::of::<T>()),
        (value.take(), Traced::constant(gone)),
        |(value, gone): (T, u64)| {
            conjure::<F>()(value, gone);
        },
    );
}

/// Memory for a local of the twin whose address is needed.
///
/// It may be needed in the middle of an operation that has made its step already. So this makes one of its own: a
/// guard behind it has the address among its saved results, and a replay must have passed it.
pub(crate) fn new_local(rec: Rec, ty: &TypeFacts) -> Arg {
    let address = match ty.size {
        0 => Arg::constant(Ty::Ptr, ty.align as u64),
        size => super::owned::allocate(rec, size, ty.align),
    };
    rec.step();
    address
}

/// Gives that memory back. What was in it has been dropped.
#[cold]
pub(crate) fn free_local(rec: Rec, place: Arg, ty: &TypeFacts) {
    super::owned::give_back(rec, place, ty.size, ty.align);
    rec.step();
}

/// Drops what a place holds by a call, whatever is known of how it is dropped.
pub(crate) fn drop_by_call<T>(rec: Rec, place: Place<T>) {
    if const { needs_drop::<T>() } {
        drop_in_place(rec, place.part::<()>(rec, 0), TypeFacts::of::<T>());
    }
}

/// The same of a value of this type.
pub(crate) fn drop_in_place(rec: Rec, place: Place<()>, ty: &'static TypeFacts) {
    let Some(drops) = ty.drops else { return };
    let place = place.settled();
    if let Some(shadow) = place.shadow() {
        // A local is moved from as a whole or in parts only if the author does it.
        let bytes = Bytes::new(place.ptr().cast(), ty.size as u32);
        return drop_bytes(rec, bytes, shadow.lanes_of_part(rec, place.ptr().cast(), ty.size), ty);
    }
    let mut call = ResidualCall::new(rec, &drop_site(ty));
    call.args.push(glue_arg(drops.in_place));
    Receiver::of(place).push_pointer(rec, &mut call.args);
    // SAFETY: the place is overwritten next, or given back, so that nobody sees what was dropped there.
    unsafe { call.run(&DROP_BEHIND, Untyped::of(&mut MaybeUninit::<()>::uninit()), &[]) };
}

type Shim = unsafe extern "C" fn(*mut u64) -> u8;

/// Runs `body`, which may panic, as a residual call of compiled code.
///
/// # Safety
/// The words are those of compiled code's frame, with the arguments of `body`.
#[expect(improper_ctypes_definitions, reason = "the ABI says that no panic passes")]
pub(super) unsafe extern "C" fn catch(words: *mut u64, body: unsafe fn(&mut [u64])) -> u8 {
    // SAFETY: the caller vouches for the words.
    unsafe { catch_closure(words, |words| body(words)) }
}

/// The same of a closure.
///
/// # Safety
/// The words are those of compiled code's frame.
#[inline]
pub(super) unsafe fn catch_closure(words: *mut u64, body: impl FnOnce(&mut [u64])) -> u8 {
    // SAFETY: compiled code passes its frame's call area.
    let words = unsafe { std::slice::from_raw_parts_mut(words, CALL_WORDS) };
    caught(catch_unwind(AssertUnwindSafe(|| body(words))))
}

/// What a call tells compiled code: 1 for a panic, which is kept for later.
#[inline]
fn caught(result: Result<(), Payload>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(payload) => {
            keep_panic(payload);
            1
        }
    }
}

#[cold]
#[inline(never)]
fn keep_panic(payload: Payload) {
    PANIC.set(Some(ManuallyDrop::new(payload)));
}

/// The value of a zero-sized closure type.
pub(super) fn conjure<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "a residual call's closure captures nothing") };
    // SAFETY: `F` has no bytes, and a value of it exists: the caller was given one to get this type,
    // and may copy it.
    unsafe { std::ptr::NonNull::<F>::dangling().read() }
}

/// # Safety
/// The words are those of the arguments, used this once.
unsafe fn closure_body<A: ArgTuple, R, F: Fn(A::Plain) -> R + Copy>(words: &mut [u64]) {
    // SAFETY: the caller vouches for the words.
    let res = conjure::<F>()(unsafe { A::plain(words.as_ptr()) });
    to_words(res, words);
}

unsafe extern "C" fn closure_shim<A: ArgTuple, R, F: Fn(A::Plain) -> R + Copy>(
    words: *mut u64,
) -> u8 {
    // SAFETY: compiled code has put the arguments there.
    unsafe { catch(words, closure_body::<A, R, F>) }
}

/// # Safety
/// The words are those of a pointer to the receiver and of the arguments, used this once.
unsafe fn method_body<'x, T, A, R, F>(words: &mut [u64])
where
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
{
    let (meta, receiver) = if T::FAT { (words[1] as usize, 2) } else { (0, 1) };
    let address = std::ptr::with_exposed_provenance(words[0] as usize);
    let mut this = Target(T::join(address, meta).cast_mut());
    // SAFETY: the caller vouches for the words.
    let res = unsafe { conjure::<F>()(this.unbounded(), A::plain(words[receiver..].as_ptr())) };
    to_words(res, words);
}

unsafe extern "C" fn method_shim<'x, T, A, R, F>(words: *mut u64) -> u8
where
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
{
    // Methods that are called in hot loops are small: this is compiled for each of them.
    // SAFETY: compiled code passes its frame's call area, where it has put the arguments.
    let run =
        || unsafe { method_body::<T, A, R, F>(std::slice::from_raw_parts_mut(words, CALL_WORDS)) };
    caught(catch_unwind(AssertUnwindSafe(run)))
}

/// # Safety
/// The words are those that [`ResidualCall::push_local`] makes, and those of the arguments, used this once.
unsafe fn local_body<'x, T, A, R, F>(words: &mut [u64])
where
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
{
    // SAFETY: the caller vouches for the words.
    unsafe { call_on_local(words, method_body::<T, A, R, F>, size_of::<R>().div_ceil(8)) }
}

/// Calls a method on a local that stands in the words.
///
/// # Safety
/// The words are those that [`ResidualCall::push_local`] makes, and those of the arguments of the method, used this
/// once. Its result has so many words.
unsafe fn call_on_local(words: &mut [u64], method: unsafe fn(&mut [u64]), n_result: usize) {
    const { assert!(align_of::<LocalMemory>() == 16) };
    let (at, len) = (words[0] as usize, words[1] as usize);
    let n = len.div_ceil(8);
    let mut memory = LocalMemory([0; LOCAL_BYTES]);
    let start = memory.0.as_mut_ptr();
    assert!(len <= LOCAL_BYTES && n <= words.len() - 2, "a local of {len} bytes");
    // SAFETY: the local fits.
    unsafe { std::ptr::copy_nonoverlapping(words[2..].as_ptr().cast::<u8>(), start, len) };
    // SAFETY: the caller vouches for it that the receiver lies in the local.
    words[0] = unsafe { start.add(at) }.expose_provenance() as u64;
    words.copy_within(2 + n.., 1);
    // SAFETY: the caller vouches for the arguments, which are behind the receiver's address now.
    unsafe { method(words) };
    // SAFETY: the local is so long.
    unsafe { bytes_to_words(start, len, &mut words[n_result..]) };
}

unsafe extern "C" fn local_shim<'x, T, A, R, F>(words: *mut u64) -> u8
where
    T: ?Sized + Pointee + 'x,
    A: ArgTuple,
    F: Fn(&'x mut Target<T>, A::Plain) -> R + Copy,
{
    // SAFETY: compiled code has put the arguments there.
    unsafe { catch(words, local_body::<T, A, R, F>) }
}
