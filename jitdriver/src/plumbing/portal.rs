//! The seam between a portal's plain function and its twin.
//!
//! At `can_enter_jit!` the plain function hands its greens and reds over as words; what comes back
//! is the state at a later merge point, which it puts into its variables, or the portal's result.
#![expect(unsafe_code, reason = "makes locals from words and back")]

use super::place::{Class, Local, Memory};
use super::rec::Rec;
use super::value::{Args, Traceable, Traced};
use crate::driver::JitDriver;
use metainterp::abort::Abort;
use metainterp::ir::{Const, Ty};
use metainterp::record::{Arg, Flow, Lane, Recorder, Words};
use metainterp::warm::Left;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// The key of a green.
pub struct GreenVar<K>(pub(super) MaybeUninit<K>);

/// A red variable, before it is known how it is passed.
pub struct Probe<T>(pub *mut T);

/// A red variable that is passed by value.
pub struct ByValue<T>(MaybeUninit<T>);

/// A red variable that stays where it is and is passed by address.
pub struct ByMemory<T>(*mut T);

/// Reds whose type is traceable go by value.
pub trait ProbeValue<T> {
    /// The red.
    fn red(&self) -> ByValue<T>;
}

impl<T: Traceable> ProbeValue<T> for Probe<T> {
    fn red(&self) -> ByValue<T> {
        // SAFETY: the probe has the address of an initialized local; the bits are copied.
        ByValue(unsafe { self.0.cast::<MaybeUninit<T>>().read() })
    }
}

/// All others stay in memory: found one auto-ref later.
pub trait ProbeMemory<T> {
    /// The red.
    fn red(&self) -> ByMemory<T>;
}

impl<T> ProbeMemory<T> for &Probe<T> {
    fn red(&self) -> ByMemory<T> {
        ByMemory(self.0)
    }
}

/// Locals of a portal's twin that live at the merge point.
pub trait LocalVar {
    /// Appends the machine arguments.
    fn args(&self, rec: Rec, out: &mut Args);
    /// Number of words.
    fn words(&self) -> usize;
    /// Takes new lanes.
    fn set_lanes(&mut self, lanes: &[Lane]);
    /// Becomes a constant that points to frozen memory.
    fn set_green(&mut self);
    /// Promotes discriminants.
    fn settle(&self, rec: Rec, lanes: &[Lane]);
    /// Takes a class of memory, if the variable is the only way to an object.
    fn set_exclusive(&mut self, class: Class, never_reassigned: bool);
}

/// A red of the merge point, and whether its variable is never reassigned.
pub struct Red<'a, T>(pub &'a mut T, pub bool);

impl<T: Traceable> LocalVar for Traced<T> {
    fn args(&self, rec: Rec, out: &mut Args) {
        out.extend(Traced::args(self, rec));
    }
    fn words(&self) -> usize {
        T::TYS.len()
    }
    fn set_lanes(&mut self, lanes: &[Lane]) {
        self.lanes = T::from_lanes(&self.value, lanes);
    }
    fn set_green(&mut self) {
        self.lanes = T::constant_lanes(&self.value, true);
    }
    fn settle(&self, rec: Rec, lanes: &[Lane]) {
        T::settle(rec, self, lanes);
    }
    fn set_exclusive(&mut self, class: Class, never_reassigned: bool) {
        if never_reassigned {
            T::exclusive(&mut self.lanes, class);
        }
    }
}

impl<T> LocalVar for Memory<T> {
    fn args(&self, _: Rec, out: &mut Args) {
        out.push(self.arg());
    }
    fn words(&self) -> usize {
        1
    }
    fn set_lanes(&mut self, lanes: &[Lane]) {
        let address = self.arg().concrete.bits as usize;
        *self = Memory::new(std::ptr::with_exposed_provenance_mut(address), lanes[0]);
    }
    fn set_green(&mut self) {
        unreachable!("a variable in memory is not green");
    }
    fn settle(&self, _: Rec, _: &[Lane]) {}
    fn set_exclusive(&mut self, class: Class, _: bool) {
        self.set_class(class);
    }
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
        // variable; traceable values own nothing that the assignment could drop.
        *variable = unsafe { self.0.assume_init() };
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
    /// Writes its words.
    fn words(&self, words: &mut [u64]);
    /// The twin's local.
    fn local(words: &[u64]) -> Self::Local;
    /// What comes back.
    fn back(words: &[u64]) -> Self::Back;
}

impl<T: Traceable> Var for GreenVar<T> {
    type Local = Traced<T>;
    type Back = Back<T>;
    const TYS: &'static [Ty] = T::TYS;
    fn words(&self, words: &mut [u64]) {
        T::to_words(&self.0, words);
    }
    fn local(words: &[u64]) -> Traced<T> {
        // SAFETY: the words are those of the green, now or at the merge point to go back to.
        Traced::constant_bits(unsafe { T::from_words(words) }, true)
    }
    fn back(words: &[u64]) -> Back<T> {
        // SAFETY: the words are those of the green at the merge point.
        Back(unsafe { T::from_words(words) })
    }
}

impl<T: Traceable> Var for ByValue<T> {
    type Local = Traced<T>;
    type Back = Back<T>;
    const TYS: &'static [Ty] = T::TYS;
    fn words(&self, words: &mut [u64]) {
        T::to_words(&self.0, words);
    }
    fn local(words: &[u64]) -> Traced<T> {
        // SAFETY: the words are those of the red, now or at the merge point to go back to.
        Traced::constant_bits(unsafe { T::from_words(words) }, false)
    }
    fn back(words: &[u64]) -> Back<T> {
        // SAFETY: the words are those of the red at the merge point.
        Back(unsafe { T::from_words(words) })
    }
}

impl<T> Var for ByMemory<T> {
    type Local = Memory<T>;
    type Back = Unchanged;
    const TYS: &'static [Ty] = &[Ty::Ptr];
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
    /// The words, with their types.
    fn consts(&self) -> SmallVec<[Const; 8]>;
    /// The words.
    fn words(&self) -> Words;
    /// The twin's locals.
    fn locals(words: &[u64]) -> Self::Locals;
    /// What comes back.
    fn back(words: &[u64]) -> Self::Back;
}

/// The twin's greens or reds at a merge point.
pub trait LocalVars {
    /// Calls `f` on each, and whether its variable is never reassigned.
    fn each(&mut self, f: &mut dyn FnMut(&mut dyn LocalVar, bool));
}

macro_rules! vars {
    ($(($($name:ident $at:tt),*);)*) => {$(
        impl<$($name: Var),*> Vars for ($($name,)*) {
            type Locals = ($($name::Local,)*);
            type Back = ($($name::Back,)*);

            #[allow(unused_mut)]
            fn consts(&self) -> SmallVec<[Const; 8]> {
                let mut tys: SmallVec<[Ty; 8]> = SmallVec::new();
                $(tys.extend_from_slice($name::TYS);)*
                tys.iter().zip(self.words()).map(|(&ty, bits)| Const::new(ty, bits)).collect()
            }

            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn words(&self) -> Words {
                let mut words: Words = SmallVec::from_elem(0, 0 $(+ $name::TYS.len())*);
                let mut at = 0;
                $(self.$at.words(&mut words[at..]); at += $name::TYS.len();)*
                words
            }

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            fn locals(words: &[u64]) -> Self::Locals {
                let mut at = 0;
                ($({ let local = $name::local(&words[at..]); at += $name::TYS.len(); local },)*)
            }

            #[allow(unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
            fn back(words: &[u64]) -> Self::Back {
                let mut at = 0;
                ($({ let back = $name::back(&words[at..]); at += $name::TYS.len(); back },)*)
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
}

/// What the plain function does after `can_enter_jit!`.
pub enum Exit<G, R, O> {
    /// Takes this state and goes on to the merge point.
    Continue(G, R),
    /// Returns.
    Return(O),
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
    unsafe { O::from_words(words).assume_init() }
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
    pub fn enter(&self, driver: &JitDriver<'_>, greens: G, reds: R) -> Exit<G::Back, R::Back, O> {
        driver.meta().claim(typeid::of::<F>(), std::any::type_name::<F>());
        let mut result = None;
        let mut twin = |recorder: &Recorder, greens: &[u64], reds: &[Const]| {
            let rec = Rec::new(recorder);
            let reds: Words = reds.iter().map(|red| red.bits).collect();
            match (self.twin)(rec, G::locals(greens), R::locals(&reds)) {
                Ended::AtMergePoint { greens, reds } => Left::MergePoint { greens, reds },
                Ended::Returned(value) => {
                    result = Some(value);
                    Left::TwinReturned
                }
            }
        };
        match driver.meta().enter(&greens.words(), &reds.consts(), &mut twin) {
            Left::MergePoint { greens, reds } => Exit::Continue(G::back(&greens), R::back(&reds)),
            Left::Returned(words) => Exit::Return((self.result)(&words)),
            Left::TwinReturned => Exit::Return(result.expect("the twin has returned")),
        }
    }
}

/// Counts an arrival at `can_enter_jit!`; true when [`Portal::enter`] is to be called.
#[inline]
pub fn tick<G: Vars>(driver: &JitDriver<'_>, greens: impl FnOnce() -> G) -> bool {
    driver.meta().is_enabled() && tick_enabled(driver, greens())
}

#[inline(never)]
fn tick_enabled<G: Vars>(driver: &JitDriver<'_>, greens: G) -> bool {
    driver.meta().tick(&greens.words())
}

/// Counts an arrival at a merge point that has no `can_enter_jit!`, as [`tick`].
#[inline]
pub fn tick_at_merge_point<G: Vars>(driver: &JitDriver<'_>, greens: impl FnOnce() -> G) -> bool {
    driver.meta().is_enabled() && tick_ahead(driver, greens())
}

#[inline(never)]
fn tick_ahead<G: Vars>(driver: &JitDriver<'_>, greens: G) -> bool {
    driver.meta().tick_at_merge_point(&greens.consts())
}

/// A local of the twin as an argument for the call that reads a green.
pub trait Lend<'a> {
    /// What is lent.
    type Lent;
    /// Lends.
    fn lend(&'a mut self) -> Self::Lent;
}

impl<'a, T: Traceable + 'a> Lend<'a> for Traced<T> {
    type Lent = Traced<T>;
    fn lend(&'a mut self) -> Traced<T> {
        self.dup()
    }
}

impl<'a, T: 'a> Lend<'a> for Memory<T> {
    type Lent = Traced<&'a T>;
    fn lend(&'a mut self) -> Traced<&'a T> {
        self.as_place().shared()
    }
}

/// A merge point in the twin. `Some` hands the state back.
pub fn merge_point<O>(
    rec: Rec,
    mut greens: impl LocalVars,
    mut reds: impl LocalVars,
) -> Option<Ended<O>> {
    let (mut green_args, mut red_args) = (Args::new(), Args::new());
    greens.each(&mut |green, _| green.args(rec, &mut green_args));
    reds.each(&mut |red, _| red.args(rec, &mut red_args));
    if rec.merge_point(&mut green_args, &mut red_args) == Flow::Stop {
        let words = |args: &[Arg]| args.iter().map(|arg| arg.concrete.bits).collect();
        return Some(Ended::AtMergePoint { greens: words(&green_args), reds: words(&red_args) });
    }
    greens.each(&mut |green, _| green.set_green());
    let (mut at, mut number) = (0, 0);
    reds.each(&mut |red, never_reassigned| {
        let lanes: SmallVec<[Lane; 4]> =
            red_args[at..at + red.words()].iter().map(|a| a.lane).collect();
        at += red.words();
        red.set_lanes(&lanes);
        red.set_exclusive(Class::of_red(number), never_reassigned);
        number += 1;
        red.settle(rec, &lanes);
    });
    None
}

/// `return value` in the twin of a portal whose result is traceable.
pub fn returned<O: Traceable + Copy>(rec: Rec, value: Traced<O>) -> Ended<O> {
    rec.finish(Some(&value.args(rec)));
    Ended::Returned(value.get())
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
