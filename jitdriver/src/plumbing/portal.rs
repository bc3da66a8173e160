//! The seam between a portal's plain function and its twin.
//!
//! At `can_enter_jit!` the plain function hands its greens and reds over as words; what comes back
//! is the state at a later merge point, which it puts into its variables, or the portal's result.
#![expect(unsafe_code, reason = "makes locals from words and back")]

use super::assembler::{self, AT_HEADER, AT_MERGE_POINT, Order};
use super::call::{ArgTuple, CallSite, residual};
use super::layout::Traceable;
use super::place::{Class, Local, Memory, Pointee, set_class, set_frozen};
use super::rec::{Rec, Running};
use super::value::{Args, Lanes, Traced, append, read_bits, words_of, write_bits};
use crate::driver::JitDriver;
use metainterp::abort::Abort;
use metainterp::ir::{Classes, Ty};
use metainterp::record::{Arg, Flow, InlinedFlow, Lane, Recorder, Words, zeros};
use metainterp::warm::assembler::AtExit;
use metainterp::warm::{Left, MAX_LAST_GREENS, MetaInterp, State};
use smallvec::SmallVec;
use std::any::Any;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// The key of a green.
pub struct GreenVar<K>(pub(super) MaybeUninit<K>);

/// A red variable, before it is known how it is passed.
pub struct Probe<T>(pub *mut T);

/// A red variable that is passed by value.
pub struct ByValue<T>(MaybeUninit<T>);

/// A red variable that stays where it is and is passed by address.
pub struct ByMemory<T>(*mut T);

/// Reds that can be copied and whose layout is known go by value.
pub trait ProbeValue<T> {
    /// The red.
    fn red(&self) -> ByValue<T>;
}

impl<T: Traceable + Copy> ProbeValue<T> for &Probe<T> {
    fn red(&self) -> ByValue<T> {
        ByValue::of(self.0)
    }
}

/// So do counted references.
pub trait ProbeOwned<T> {
    /// The red.
    fn red(&self) -> ByValue<T>;
}

impl<T> ProbeOwned<Rc<T>> for &Probe<Rc<T>> {
    fn red(&self) -> ByValue<Rc<T>> {
        ByValue::of(self.0)
    }
}

/// So do exclusive references.
pub trait ProbeExclusive<T> {
    /// The red.
    fn red(&self) -> ByValue<T>;
}

impl<'x, T: ?Sized + Pointee> ProbeExclusive<&'x mut T> for &&Probe<&'x mut T> {
    fn red(&self) -> ByValue<&'x mut T> {
        ByValue::of(self.0)
    }
}

/// All others stay in memory: found when there is nothing else.
pub trait ProbeMemory<T> {
    /// The red.
    fn red(&self) -> ByMemory<T>;
}

impl<T> ProbeMemory<T> for Probe<T> {
    fn red(&self) -> ByMemory<T> {
        ByMemory(self.0)
    }
}

impl<T> ByValue<T> {
    fn of(variable: *mut T) -> ByValue<T> {
        // SAFETY: the probe has the address of an initialized local; the bits are copied. What the value
        // owns is the twin's until they are put back.
        ByValue(unsafe { variable.cast::<MaybeUninit<T>>().read() })
    }
}

/// Locals of a portal's twin that live at the merge point.
pub trait LocalVar {
    /// Appends the machine arguments.
    fn args(&self, rec: Rec, out: &mut Args);
    /// Number of words.
    fn words(&self) -> usize;
    /// Is in no memory of its own, to which a red could point.
    fn settle(&mut self, rec: Rec);
    /// Becomes a constant that points to frozen memory.
    fn set_green(&mut self, rec: Rec);
    /// Takes new lanes, and a class of memory if the variable is the only way to an object. Answers whether
    /// nobody else can come to know the object's address but from it.
    fn set_red(&mut self, rec: Rec, lanes: &[Arg], class: Class, never_reassigned: bool) -> bool;
}

/// A red of the merge point, and whether its variable is never reassigned.
pub struct Red<'a, T>(pub &'a mut T, pub bool);

impl<T: Traceable> LocalVar for Traced<T> {
    fn args(&self, rec: Rec, out: &mut Args) {
        self.push_args_in_layout(rec, out);
    }
    fn words(&self) -> usize {
        T::TYS.len()
    }
    fn settle(&mut self, rec: Rec) {
        self.unspill(rec);
    }
    fn set_green(&mut self, rec: Rec) {
        let keeps_frozen = const { matches!(T::LAYOUT, [first, ..] if first.keeps_frozen) };
        let before = self.lanes();
        self.head.set_lanes(Lanes::CONST);
        if let Some(note) = T::NOTE_GREEN {
            note(rec, std::ptr::from_ref(self).cast());
        }
        if keeps_frozen {
            if !rec.is_live() {
                // Of what keeps frozen, references alone are green.
                let mut words = zeros(T::LAYOUT.len());
                to_words(&self.value, &mut words);
                rec.note_borrowed(typeid::of::<T>(), &words);
            }
            set_frozen(rec, self, before);
        }
    }
    fn set_red(&mut self, rec: Rec, args: &[Arg], class: Class, never_reassigned: bool) -> bool {
        let before = self.lanes();
        self.head.set_lanes(super::value::lanes_of_args(rec, T::LAYOUT, args));
        // The trace may be entered here with another one.
        self.head.set_variant_known(false);
        let exclusive = never_reassigned && T::EXCLUSIVE;
        if exclusive {
            set_class(rec, self, class, before);
        }
        exclusive
    }
}

impl<T> LocalVar for Memory<T> {
    fn args(&self, _: Rec, out: &mut Args) {
        out.push(self.arg());
    }
    fn words(&self) -> usize {
        1
    }
    fn settle(&mut self, _: Rec) {}
    fn set_green(&mut self, _: Rec) {
        unreachable!("a variable in memory is not green");
    }
    fn set_red(&mut self, rec: Rec, args: &[Arg], class: Class, _: bool) -> bool {
        let address = self.arg().bits as usize;
        *self = Memory::new(std::ptr::with_exposed_provenance_mut(address), args[0].lane);
        self.set_class(class);
        // Another variable may refer to this one.
        rec.has_open_local();
        false
    }
}

/// The words of a value, one a piece of its layout.
#[inline]
pub(super) fn to_words<T: Traceable>(value: &MaybeUninit<T>, words: &mut [u64]) {
    // As many as there are pieces: a number that the compiler knows, so that there is no loop.
    let words = &mut words[..T::LAYOUT.len()];
    for (piece, word) in T::LAYOUT.iter().zip(words) {
        // SAFETY: the piece lies within the value.
        let bits = unsafe {
            let at = value.as_ptr().byte_add(piece.offset as usize).cast();
            read_bits(at, piece.ty.bytes() as usize)
        };
        *word = bits & piece.ty.mask();
    }
}

/// The value with these words.
///
/// # Safety
/// The words are those of a value that may be used now.
#[inline]
pub(super) unsafe fn from_words<T: Traceable>(words: &[u64]) -> MaybeUninit<T> {
    // As above.
    let words = &words[..T::LAYOUT.len()];
    let mut value = MaybeUninit::<T>::zeroed();
    for (piece, &word) in T::LAYOUT.iter().zip(words) {
        // SAFETY: the piece lies within the value.
        unsafe {
            let at = value.as_mut_ptr().byte_add(piece.offset as usize).cast();
            write_bits(at, word, piece.ty.bytes() as usize);
        }
    }
    value
}

/// What comes back for a variable that was passed by value.
pub struct Back<T>(MaybeUninit<T>);

/// What comes back for a variable that stayed in memory.
pub struct Unchanged;

/// Puts what came back into the plain function's variable.
pub trait PutBack<T> {
    /// Assigns.
    fn put(self, variable: &mut T);
}

impl<T: Traceable> PutBack<T> for Back<T> {
    fn put(self, variable: &mut T) {
        // SAFETY: the bits are those of a value that the twin or compiled code has left in this
        // variable; what was in it before is the twin's, who has moved or dropped it.
        unsafe { std::ptr::from_mut(variable).write(self.0.assume_init()) };
    }
}

impl<T> PutBack<T> for Unchanged {
    fn put(self, _: &mut T) {}
}

/// One green or red, on its way into the twin.
pub trait Var {
    /// The twin's local.
    type Local: LocalVar;
    /// What comes back.
    type Back;
    /// Types of its words.
    const TYS: &'static [Ty];
    /// It owns something.
    const OWNS: bool = false;
    /// Gives what a variable that owns something held at the end, and whether it was moved out.
    fn kept(_: Rec, _number: usize, _words: &[u64]) -> Option<(Args, bool)> {
        None
    }
    /// The value stays the plain function's when the twin ends.
    fn keep(_: &Self::Local, _number: usize) {}
    /// Writes its words.
    fn words(&self, words: &mut [u64]);
    /// The twin's local.
    fn local(words: &[u64]) -> Self::Local;
    /// What comes back.
    fn back(words: &[u64]) -> Self::Back;
}

/// Added to the numbers of greens, to tell them from those of reds.
const GREEN: usize = 100;

impl<T: Traceable> Var for GreenVar<T> {
    type Local = Traced<T>;
    type Back = Back<T>;
    const TYS: &'static [Ty] = T::TYS;
    const OWNS: bool = std::mem::needs_drop::<T>();
    fn kept(rec: Rec, number: usize, _: &[u64]) -> Option<(Args, bool)> {
        let kept = rec.arena().kept(GREEN + number)?;
        Some((kept.args(rec, T::LAYOUT), kept.moved()))
    }
    fn keep(local: &Traced<T>, number: usize) {
        local.set_kept(GREEN + number);
    }
    fn words(&self, words: &mut [u64]) {
        to_words(&self.0, words);
    }
    fn local(words: &[u64]) -> Traced<T> {
        // SAFETY: the words are those of the green, now or at the merge point to go back to.
        let local = Traced::new(unsafe { from_words::<T>(words) }, Lanes::CONST);
        if let Some(dropper) = const { T::DROPPER } {
            local.set_dropper(dropper);
        }
        local
    }
    fn back(words: &[u64]) -> Back<T> {
        // SAFETY: the words are those of the green at the merge point.
        Back(unsafe { from_words::<T>(words) })
    }
}

impl<T: Traceable> Var for ByValue<T> {
    type Local = Traced<T>;
    type Back = Back<T>;
    const TYS: &'static [Ty] = T::TYS;
    const OWNS: bool = std::mem::needs_drop::<T>();
    fn kept(rec: Rec, number: usize, _: &[u64]) -> Option<(Args, bool)> {
        let kept = rec.arena().kept(number)?;
        Some((kept.args(rec, T::LAYOUT), kept.moved()))
    }
    fn keep(local: &Traced<T>, number: usize) {
        local.set_kept(number);
    }
    fn words(&self, words: &mut [u64]) {
        to_words(&self.0, words);
    }
    fn local(words: &[u64]) -> Traced<T> {
        // SAFETY: the words are those of the red, now or at the merge point to go back to.
        let local = Traced::new(unsafe { from_words::<T>(words) }, Lanes::CONST);
        if let Some(dropper) = const { T::DROPPER } {
            local.set_dropper(dropper);
        }
        local
    }
    fn back(words: &[u64]) -> Back<T> {
        // SAFETY: the words are those of the red at the merge point.
        Back(unsafe { from_words::<T>(words) })
    }
}

impl<T> Var for ByMemory<T> {
    type Local = Memory<T>;
    type Back = Unchanged;
    const TYS: &'static [Ty] = &[Ty::Ptr];
    const OWNS: bool = std::mem::needs_drop::<T>();
    fn kept(rec: Rec, _: usize, words: &[u64]) -> Option<(Args, bool)> {
        let address = Arg::constant(Ty::Ptr, words[0]);
        let moved = rec.arena().reinitialize_whole(words[0] as usize, size_of::<T>());
        Some((Args::from_slice(&[address]), moved))
    }
    fn words(&self, words: &mut [u64]) {
        words[0] = self.0.expose_provenance() as u64;
    }
    fn local(words: &[u64]) -> Memory<T> {
        Memory::new(std::ptr::with_exposed_provenance_mut(words[0] as usize), Lane::CONST)
    }
    fn back(_: &[u64]) -> Unchanged {
        Unchanged
    }
}

/// All greens or all reds.
pub trait Vars {
    /// The twin's locals.
    type Locals;
    /// What comes back.
    type Back;
    /// How many words there are.
    const N_WORDS: usize;
    /// Bit `k` says whether word `k` is a pointer, for the first ones.
    const POINTERS: u64;
    /// Puts the words into so many.
    fn write(&self, words: &mut [u64]);
    /// The words' types.
    fn types() -> SmallVec<[Ty; 8]>;
    /// Puts the words there. In place, as what was just written by the word is slow to move.
    fn words(&self, words: &mut Words);
    /// The twin's locals.
    fn locals(words: &[u64]) -> Self::Locals;
    /// What comes back.
    fn back(words: &[u64]) -> Self::Back;
    /// How many there are.
    const COUNT: usize;
    /// Some of them own something.
    const OWN: bool;
    /// Number of words of [`Vars::kept`].
    const KEPT: usize;
    /// At the end of the twin: the words of those that own something, each with a flag behind it whether
    /// it was moved out.
    fn kept(rec: Rec, words: &[u64]) -> Args;
    /// From these words: all words, and for each variable whether it was moved out.
    fn from_kept(kept: &[u64], words: &mut Words) -> Moved;
}

/// For each variable, whether it has been moved out.
pub type Moved = SmallVec<[bool; 8]>;

/// What is compiled here, and not in each author's crate: none of so many.
fn none_moved(n: usize) -> Moved {
    SmallVec::from_elem(false, n)
}

/// Those of two lists of variables.
fn all_moved(mut moved: Moved, others: &[bool]) -> Moved {
    moved.extend_from_slice(others);
    moved
}

/// Appends the types of a variable's words.
fn append_types(types: &mut SmallVec<[Ty; 8]>, more: &[Ty]) {
    types.extend_from_slice(more);
}

/// The twin's greens or reds at a merge point.
pub trait LocalVars {
    /// Calls `f` on each, and whether its variable is never reassigned.
    fn each(&mut self, f: &mut dyn FnMut(&mut dyn LocalVar, bool));
}

/// Of the words of several variables.
const fn pointers(variables: &[&[Ty]]) -> u64 {
    let (mut pointers, mut word, mut variable) = (0, 0, 0);
    while variable < variables.len() {
        let (tys, mut at) = (variables[variable], 0);
        while at < tys.len() && word < MAX_LAST_GREENS {
            pointers |= (matches!(tys[at], Ty::Ptr) as u64) << word;
            at += 1;
            word += 1;
        }
        variable += 1;
    }
    pointers
}

macro_rules! vars {
    ($(($($name:ident $at:tt),*);)*) => {$(
        impl<$($name: Var),*> Vars for ($($name,)*) {
            type Locals = ($($name::Local,)*);
            type Back = ($($name::Back,)*);

            const N_WORDS: usize = 0 $(+ $name::TYS.len())*;
            const POINTERS: u64 = pointers(&[$($name::TYS),*]);

            #[allow(unused_variables, unused_mut, unused_assignments)]
            #[inline]
            fn write(&self, words: &mut [u64]) {
                let words = &mut words[..Self::N_WORDS];
                let mut at = 0;
                $(self.$at.words(&mut words[at..]); at += $name::TYS.len();)*
            }

            #[allow(unused_mut)]
            fn types() -> SmallVec<[Ty; 8]> {
                let mut types = SmallVec::new();
                $(append_types(&mut types, $name::TYS);)*
                types
            }

            #[inline]
            fn words(&self, words: &mut Words) {
                *words = zeros(Self::N_WORDS);
                self.write(words);
            }

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            fn locals(words: &[u64]) -> Self::Locals {
                let mut at = 0;
                ($({
                    let local = $name::local(&words[at..]);
                    $name::keep(&local, $at);
                    at += $name::TYS.len();
                    local
                },)*)
            }

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            #[inline]
            fn back(words: &[u64]) -> Self::Back {
                let words = &words[..const { 0 $(+ $name::TYS.len())* }];
                let mut at = 0;
                ($({ let back = $name::back(&words[at..]); at += $name::TYS.len(); back },)*)
            }

            const COUNT: usize = const { let all: &[usize] = &[$($at),*]; all.len() };
            const OWN: bool = false $(|| $name::OWNS)*;
            const KEPT: usize = 0 $(+ if $name::OWNS { $name::TYS.len() + 1 } else { 0 })*;

            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn kept(rec: Rec, words: &[u64]) -> Args {
                let (mut kept, mut at) = (Args::new(), 0);
                $(if $name::OWNS {
                    let (args, moved) = $name::kept(rec, $at, &words[at..])
                        .expect("the twin has ended, and its variables with it");
                    append(&mut kept, &args);
                    append(&mut kept, &[Arg::constant(Ty::Bool, u64::from(moved))]);
                }
                at += $name::TYS.len();)*
                kept
            }

            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn from_kept(kept: &[u64], words: &mut Words) -> Moved {
                let (mut moved, mut at, mut from) = (none_moved(Self::COUNT), 0, 0);
                $(let n = $name::TYS.len();
                if $name::OWNS {
                    words[at..at + n].copy_from_slice(&kept[from..from + n]);
                    moved[$at] = kept[from + n] == 1;
                    from += n + 1;
                }
                at += n;)*
                moved
            }
        }

        impl<$($name: LocalVar),*> LocalVars for ($(Red<'_, $name>,)*) {
            #[allow(unused_variables)]
            fn each(&mut self, f: &mut dyn FnMut(&mut dyn LocalVar, bool)) {
                $(f(self.$at.0, self.$at.1);)*
            }
        }
    )*};
}

vars! {
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

/// How a portal's twin ended.
pub enum Ended<O> {
    /// At a merge point.
    AtMergePoint {
        /// Words of the greens.
        greens: Words,
        /// Words of the reds.
        reds: Words,
    },
    /// It returned.
    Returned(O),
    /// It returned what compiled code can return too: the value, and its machine arguments.
    Traced(Traced<O>, fn(Rec, &Traced<O>) -> Args),
}

/// What the plain function does after `can_enter_jit!`.
pub enum Exit<G, R, O> {
    /// Takes this state and goes on to the merge point.
    Continue(G, R),
    /// Returns. Greens and reds are as they were left; those that have been moved out are forgotten.
    Return(O, G, R, Moved),
    /// Goes on with a panic; greens and reds as above.
    Panic(Box<dyn Any + Send>, G, R, Moved),
}

/// A portal's twin with the types of its greens and reds.
pub struct Portal<G, R, O, F> {
    twin: F,
    result: fn(&[u64]) -> O,
    types: PhantomData<fn(G, R)>,
}

/// Ties a portal's twin to the types of its variables. `types` is never called.
pub fn portal<G: Vars, R: Vars, O, F>(
    types: impl FnOnce() -> (G, R),
    result: fn(&[u64]) -> O,
    twin: F,
) -> Portal<G, R, O, F>
where
    F: Fn(Rec, G::Locals, R::Locals) -> Ended<O>,
{
    drop(types);
    Portal { twin, result, types: PhantomData }
}

/// The result of a portal that compiled code can return from.
pub fn traced_result<O: Traceable>(words: &[u64]) -> O {
    // SAFETY: the words are those that a `finish` of this portal saved.
    unsafe { from_words::<O>(words).assume_init() }
}

/// The result of a portal that only the twin returns from.
pub fn untraced_result<O>(_: &[u64]) -> O {
    unreachable!("compiled code returned from a portal whose result is not traceable")
}

impl<G: Vars, R: Vars, O, F> Portal<G, R, O, F>
where
    F: Fn(Rec, G::Locals, R::Locals) -> Ended<O>,
{
    /// Goes on in compiled code or in the twin.
    ///
    /// The driver belongs to this portal from now on: to one instance of it, if it is generic.
    #[cold]
    #[inline(never)]
    pub fn enter(&self, driver: Active, greens: G, reds: R) -> Exit<G::Back, R::Back, O> {
        let Active { meta, mut from } = driver;
        let meta = &*meta;
        let own_panic_first = OwnPanicFirst(meta);
        meta.claim(typeid::of::<F>(), std::any::type_name::<F>());
        let owns = const { G::OWN || R::OWN };
        let mut state = State::default();
        greens.words(&mut state.greens);
        reds.words(&mut state.reds);
        let (mut result, mut kept) = (None, Words::new());
        let mut twin = |recorder: &Recorder, state: &mut State| {
            let running = Running::new(recorder);
            let rec = running.start();
            let run = || (self.twin)(rec, G::locals(&state.greens), R::locals(&state.reds));
            let ended = match owns {
                false => Ok(run()),
                true => catch_unwind(AssertUnwindSafe(run)),
            };
            rec.arena().give_back_spilled(rec);
            let mut keep = || -> Args {
                let mut args = G::kept(rec, &state.greens);
                append(&mut args, &R::kept(rec, &state.reds));
                kept = words_of(&args);
                args
            };
            match ended {
                Ok(Ended::AtMergePoint { greens, reds }) => {
                    (state.greens, state.reds) = (greens, reds);
                    return Left::MergePoint;
                }
                Ok(Ended::Returned(value)) => {
                    keep();
                    result = Some(value);
                }
                // All that the portal owned has been dropped by now, in the trace too.
                Ok(Ended::Traced(value, args)) => {
                    let mut finished = keep();
                    append(&mut finished, &args(rec, &value));
                    rec.finish(Some(&finished));
                    result = Some(value.into_plain());
                }
                Err(panic) => {
                    keep();
                    resume_unwind(panic);
                }
            }
            Left::TwinReturned
        };
        let mut enter = || meta.enter(&mut state, R::types, from.take(), &mut twin);
        let left = match owns {
            false => Ok(enter()),
            true => catch_unwind(AssertUnwindSafe(enter)),
        };
        let n_kept = G::KEPT + R::KEPT;
        let back = |state: &mut State, kept: &[u64]| {
            let greens = G::from_kept(&kept[..G::KEPT], &mut state.greens);
            let reds = R::from_kept(&kept[G::KEPT..], &mut state.reds);
            (G::back(&state.greens), R::back(&state.reds), all_moved(greens, &reds))
        };
        let exit = match left {
            Ok(Left::MergePoint) => Exit::Continue(G::back(&state.greens), R::back(&state.reds)),
            Ok(Left::Returned) => {
                let words = std::mem::take(&mut state.result);
                let (greens, reds, moved) = back(&mut state, &words[..n_kept]);
                Exit::Return((self.result)(&words[n_kept..]), greens, reds, moved)
            }
            Ok(Left::TwinReturned) => {
                let (greens, reds, moved) = back(&mut state, &kept);
                Exit::Return(result.expect("the twin has returned"), greens, reds, moved)
            }
            // A panic of this crate itself.
            Err(panic) if kept.len() != n_kept => resume_unwind(panic),
            Err(panic) => {
                let (greens, reds, moved) = back(&mut state, &kept);
                Exit::Panic(panic, greens, reds, moved)
            }
        };
        std::mem::forget(own_panic_first);
        match meta.take_hook_panic() {
            None => exit,
            Some(panic) => exit.panicking(panic, G::COUNT + R::COUNT),
        }
    }
}

impl<G, R, O> Exit<G, R, O> {
    /// The same state with the panic of a hook. One of the interpreter's own goes first.
    fn panicking(self, panic: Box<dyn Any + Send>, n_variables: usize) -> Exit<G, R, O> {
        match self {
            Exit::Continue(greens, reds) => {
                Exit::Panic(panic, greens, reds, none_moved(n_variables))
            }
            Exit::Return(_, greens, reds, moved) => Exit::Panic(panic, greens, reds, moved),
            own @ Exit::Panic(..) => own,
        }
    }
}

/// A driver that is active. The author's code may meanwhile drop it, move it, or put another one in
/// its place: it is kept until the portal goes on in its plain function.
pub struct Active {
    meta: Rc<MetaInterp>,
    /// Where to go on from, if not at a loop header.
    from: Option<Box<AtExit>>,
}

impl Active {
    /// To go on from an exit of compiled code.
    pub(super) fn at_exit(left: Box<AtExit>) -> Active {
        Active { meta: Rc::clone(left.meta()), from: Some(left) }
    }
}

/// Forgets the panic of a hook when the interpreter's own panic passes: that has gone first.
struct OwnPanicFirst<'a>(&'a MetaInterp);

impl Drop for OwnPanicFirst<'_> {
    fn drop(&mut self) {
        drop(self.0.take_hook_panic());
    }
}

/// The driver, to enter a portal by.
pub fn active(driver: &JitDriver<'_>) -> Active {
    Active { meta: driver.shared_meta(), from: None }
}

/// Counts an arrival at `can_enter_jit!`; true when [`Portal::enter`] is to be called.
#[inline]
pub fn tick<G: Vars>(driver: &JitDriver<'_>, greens: impl FnOnce() -> G) -> bool {
    driver.meta().is_enabled() && tick_enabled(driver, greens())
}

#[inline(never)]
fn tick_enabled<G: Vars>(driver: &JitDriver<'_>, greens: G) -> bool {
    with_words(&greens, |words| driver.meta().tick(words))
}

/// Counts an arrival at a merge point that has no `can_enter_jit!`, as [`tick`].
#[inline]
pub fn tick_at_merge_point<G: Vars>(driver: &JitDriver<'_>, greens: impl FnOnce() -> G) -> bool {
    driver.meta().is_enabled() && tick_ahead(driver, greens())
}

#[inline(never)]
fn tick_ahead<G: Vars>(driver: &JitDriver<'_>, greens: G) -> bool {
    with_words(&greens, |words| driver.meta().tick_at_merge_point(words, G::POINTERS))
}

/// Calls it with the words of the greens. This happens at each arrival, of a program that is interpreted at each
/// instruction, and as a rule there are few words.
#[inline]
fn with_words<G: Vars, T>(greens: &G, call: impl FnOnce(&[u64]) -> T) -> T {
    if const { G::N_WORDS <= 4 } {
        let mut words = [0; 4];
        greens.write(&mut words);
        return call(&words[..G::N_WORDS]);
    }
    let mut words = Words::new();
    greens.words(&mut words);
    call(&words)
}

/// A local of the twin as an argument for the call that reads a green.
pub trait Lend<'a> {
    /// What is lent.
    type Lent;
    /// Lends.
    fn lend(&'a mut self) -> Self::Lent;
}

impl<'a, T: 'a> Lend<'a> for Traced<T> {
    type Lent = Traced<T>;
    fn lend(&'a mut self) -> Traced<T> {
        self.peek()
    }
}

impl<'a, T: 'a> Lend<'a> for Memory<T> {
    type Lent = Traced<&'a T>;
    fn lend(&'a mut self) -> Traced<&'a T> {
        self.as_place().shared(Rec::current())
    }
}

/// A merge point in the twin. `Some` hands the state back.
pub fn merge_point<O>(
    rec: Rec,
    mut greens: impl LocalVars,
    mut reds: impl LocalVars,
) -> Option<Ended<O>> {
    if let Some(start) = rec.start() {
        arrive(rec, &mut greens, &mut reds, &start);
        return None;
    }
    let (mut green_args, mut red_args) = (Args::new(), Args::new());
    // A red that refers to another one must not lead into memory of a local.
    rec.arena().keeps_locals.set(true);
    greens.each(&mut |green, _| {
        green.settle(rec);
        green.args(rec, &mut green_args);
    });
    reds.each(&mut |red, _| {
        red.settle(rec);
        red.args(rec, &mut red_args);
    });
    rec.arena().keeps_locals.set(false);
    rec.arena().give_back_spilled(rec);
    if rec.merge_point(&mut green_args, &mut red_args) == Flow::Stop {
        let (greens, reds) = (words_of(&green_args), words_of(&red_args));
        return Some(Ended::AtMergePoint { greens, reds });
    }
    arrive(rec, &mut greens, &mut reds, &red_args);
    None
}

/// Goes on from a merge point with these machine arguments of the reds.
fn arrive(rec: Rec, greens: &mut dyn LocalVars, reds: &mut dyn LocalVars, red_args: &[Arg]) {
    rec.arena().noted.borrow_mut().clear();
    rec.arena().seen.borrow_mut().clear();
    greens.each(&mut |green, _| green.set_green(rec));
    let (mut at, mut number) = (0, 0);
    let mut exclusive = Classes::NONE;
    reds.each(&mut |red, never_reassigned| {
        let args = &red_args[at..at + red.words()];
        at += args.len();
        let class = Class::of_red(number);
        if red.set_red(rec, args, class, never_reassigned) {
            exclusive = exclusive.with(class.number());
        }
        number += 1;
    });
    assert_eq!(at, red_args.len(), "the number of reds");
    rec.set_exclusive(exclusive);
}

/// A merge point in the twin of a portal that is inlined. `Some` calls the plain function for the rest,
/// and says how it starts.
pub fn inlined_merge_point(rec: Rec, mut greens: impl LocalVars) -> Option<u64> {
    let mut args = Args::new();
    greens.each(&mut |green, _| {
        green.settle(rec);
        green.args(rec, &mut args);
    });
    match rec.inlined_merge_point(&mut args) {
        InlinedFlow::Call { is_header: true } => Some(AT_HEADER),
        InlinedFlow::Call { is_header: false } => Some(AT_MERGE_POINT),
        InlinedFlow::Inline => {
            greens.each(&mut |green, _| green.set_green(rec));
            None
        }
    }
}

impl<O> Ended<O> {
    /// What a portal that is inlined has returned.
    pub(super) fn inlined(self) -> Traced<O> {
        match self {
            Ended::Traced(value, _) => value,
            _ => unreachable!("a portal that is inlined returns"),
        }
    }

    /// A value that is returned from a portal that is inlined.
    pub fn of_inlined(value: Traced<O>) -> Ended<O> {
        Ended::Traced(value, |_, _| Args::new())
    }
}

/// The result of a portal that may be inlined.
pub struct ResultOf<O>(pub PhantomData<fn() -> O>);

/// Results whose layout is known can be returned by compiled code.
pub trait ResultTraced<O> {
    /// From the words of compiled code.
    fn of_words(&self) -> fn(&[u64]) -> O;
    /// `return value` in the twin.
    fn returned(&self, rec: Rec, is_inlined: bool, value: Traced<O>) -> Ended<O>;
    /// The call of the plain portal for the rest of one that is inlined, with how to start, greens and reds.
    fn call<A: ArgTuple, F: Fn(A::Plain) -> O + Copy>(
        &self,
        rec: Rec,
        site: &CallSite,
        order: &Order,
        start: u64,
        args: A,
        plain: F,
    ) -> Traced<O>;
}

impl<O: Traceable> ResultTraced<O> for &ResultOf<O> {
    fn of_words(&self) -> fn(&[u64]) -> O {
        traced_result::<O>
    }
    fn returned(&self, _: Rec, _: bool, value: Traced<O>) -> Ended<O> {
        Ended::Traced(value, |rec, value| value.args(rec))
    }
    fn call<A: ArgTuple, F: Fn(A::Plain) -> O + Copy>(
        &self,
        rec: Rec,
        site: &CallSite,
        order: &Order,
        start: u64,
        args: A,
        plain: F,
    ) -> Traced<O> {
        assembler::call_portal(rec, site, order, start, args, plain)
    }
}

/// Others can not: found when there is nothing else.
pub trait ResultPlain<O> {
    /// Never called.
    fn of_words(&self) -> fn(&[u64]) -> O;
    /// `return value` in the twin.
    fn returned(&self, rec: Rec, is_inlined: bool, value: Traced<O>) -> Ended<O>;
    /// As above: a residual call like others.
    fn call<A: ArgTuple, F: Fn(A::Plain) -> O + Copy>(
        &self,
        rec: Rec,
        site: &CallSite,
        _order: &Order,
        _start: u64,
        args: A,
        plain: F,
    ) -> Traced<O> {
        residual(rec, site, args, plain)
    }
}

impl<O> ResultPlain<O> for ResultOf<O> {
    fn of_words(&self) -> fn(&[u64]) -> O {
        untraced_result::<O>
    }
    fn returned(&self, rec: Rec, is_inlined: bool, value: Traced<O>) -> Ended<O> {
        match is_inlined {
            true => Ended::of_inlined(value),
            false => {
                leave(rec);
                Ended::Returned(value.into_plain())
            }
        }
    }
}

/// `return value` in the twin of a portal whose result is traceable.
pub fn returned<O: Traceable + Copy>(_: Rec, value: Traced<O>) -> Ended<O> {
    Ended::Traced(value, |rec, value| value.args(rec))
}

/// `return value` in the twin of a portal whose result is not traceable, behind [`leave`].
pub fn returned_plain<O>(value: Traced<O>) -> Ended<O> {
    Ended::Returned(value.into_plain())
}

/// Before `return` in the twin of a portal whose result is not traceable: from here on, the twin
/// works with plain values.
pub fn leave(rec: Rec) {
    rec.step();
    rec.finish(None);
}

/// Gives up what cannot be traced from here, keeping what was recorded up to the last merge point.
pub fn cut(rec: Rec) {
    rec.step();
    rec.cut(Abort::NotTraceable);
}
