//! Calls of a portal that is inlined no further: `call_assembler`.
#![expect(unsafe_code, reason = "rebuilds arguments of calls from machine words")]

use super::call::{self, ArgTuple, CallSite, Given, conjure, resume_pending_panic};
use super::layout::{Traceable, TypeFacts};
use super::portal::{Active, from_words, to_words};
use super::rec::Rec;
use super::value::{Args, Traced, lanes_of};
use crate::driver::JitDriver;
use metainterp::backend::CALL_WORDS;
use metainterp::ir::Ty;
use metainterp::record::{Arg, CallResults, Lane};
pub use metainterp::warm::assembler::{AT_EXIT, AT_HEADER, AT_MERGE_POINT};
use metainterp::warm::assembler::{AtExit, CALL, Kept, PortalCall};
use smallvec::SmallVec;
use std::mem::{ManuallyDrop, MaybeUninit};

/// The driver that a portal enters compiled code by, when it was called by a trace.
pub fn active_in_call(driver: &JitDriver<'_>, start: u64) -> Active {
    match start {
        // Not that one: the author's code may have put another one in its place.
        AT_EXIT => Active::at_exit(AtExit::take()),
        _ => super::active(driver),
    }
}

/// The call of the plain portal with how to start, greens and reds.
pub(super) fn call_portal<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>(
    rec: Rec,
    site: &CallSite,
    order: &Order,
    start: u64,
    args: A,
    plain: F,
) -> Traced<R> {
    let n_args: usize = A::PLACES.iter().map(|(_, ty)| n_words(ty)).sum();
    if start != AT_HEADER || n_args.max(R::LAYOUT.len()) > CALL_WORDS {
        return call::residual(rec, site, args, plain);
    }
    // From here on, what they own is the callee's.
    let args = ManuallyDrop::new(args);
    let call = Call {
        args: Given::of(&args),
        order,
        plain: shim::<A, R, F>,
        body: body::<A, R, F>,
        drop_kept: drop_kept::<R>,
        results: R::TYS,
    };
    let mut words = [0; CALL_WORDS];
    // SAFETY: the code is for these arguments and this result.
    let lanes = unsafe { call.make(rec, site, &mut words) };
    // SAFETY: the words are those of the result: of the call just made, or saved from it.
    let value = unsafe { from_words::<R>(&words) };
    Traced::new(value, lanes_of(rec, R::LAYOUT, &lanes))
}

/// What of a call of a portal depends on the types of its arguments and of its result.
struct Call<'a> {
    args: Given,
    order: &'a Order,
    plain: unsafe extern "C" fn(*mut u64) -> u8,
    body: unsafe fn(&mut [u64]),
    drop_kept: unsafe fn(&PortalCall, &[u64], &mut [u64]) -> u8,
    results: &'static [Ty],
}

impl Call<'_> {
    /// Makes the call, and leaves its result in the words. Answers what the trace knows of it.
    ///
    /// # Safety
    /// The code is for these arguments, which are used this once.
    unsafe fn make(
        &self,
        rec: Rec,
        site: &CallSite,
        words: &mut [u64; CALL_WORDS],
    ) -> SmallVec<[Lane; 4]> {
        let mut all = Args::new();
        let args = self.args.shadows();
        call::push_all(rec, &args, &mut all);
        rec.step();
        if !rec.is_replaying() {
            resume_pending_panic();
        }
        let n_args: usize = args.iter().map(|arg| n_words(arg.facts())).sum();
        assert_eq!(all.len(), n_args, "the words of {}", site.name);
        words.iter_mut().zip(&all).for_each(|(word, arg)| *word = arg.bits);
        all[0] = Arg::constant(Ty::Ptr, rec.assembler().address(|| self.portal()));
        let mut lanes: SmallVec<[Lane; 4]> = SmallVec::from_elem(Lane::CONST, self.results.len());
        let results = CallResults { tys: self.results, words, lanes: &mut lanes };
        let site = CallSite { calls_portal: true, ..*site };
        // SAFETY: the words are those of the arguments, used this once.
        let mut run = |words: &mut [u64]| unsafe { (self.body)(words) };
        rec.call(CALL as usize as u64, &all, &site, results, &mut run);
        lanes
    }

    fn portal(&self) -> PortalCall {
        let Call { order, plain, drop_kept, .. } = *self;
        let facts: Vec<_> = self.args.shadows().iter().map(|arg| arg.facts()).collect();
        let (greens, reds) = facts[1..].split_at(order.n_greens);
        let (mut first, mut n_kept) = (vec![0; facts.len()], 0);
        for (number, ty) in facts.iter().enumerate().skip(1).filter(|(_, ty)| ty.owns()) {
            first[number] = n_kept;
            n_kept += n_words(ty) + 1;
        }
        let kept = |&number: &usize| {
            let ty = facts[number];
            let words = first[number]..first[number] + n_words(ty);
            ty.drops.map(|drops| Kept { words, drop: drops.in_words() })
        };
        PortalCall {
            plain,
            n_greens: greens.iter().map(|ty| n_words(ty)).sum(),
            n_reds: reds.iter().map(|ty| n_words(ty)).sum(),
            n_kept,
            // Parameters are dropped in the reverse of their order.
            kept: order.parameters.iter().rev().filter_map(kept).collect(),
            drop_kept,
        }
    }
}

/// In which order a portal's variables come.
#[derive(Clone, Copy)]
pub struct Order {
    /// The first so many arguments behind how to start are greens, the others are reds.
    pub n_greens: usize,
    /// The numbers of its arguments in the order in which the portal has them as parameters.
    pub parameters: &'static [usize],
}

/// Of a value as argument.
fn n_words(ty: &TypeFacts) -> usize {
    ty.size.div_ceil(8)
}

/// What a portal has left to drop when it returns. If one of the destructors panics, the others run
/// nevertheless, and so does that of the result.
struct Rest<'a> {
    variables: std::slice::Iter<'a, Kept>,
    kept: &'a [u64],
}

impl Rest<'_> {
    fn drop_all(&mut self) {
        for variable in self.variables.by_ref() {
            if let Some(words) = variable.left(self.kept) {
                let mut words: SmallVec<[u64; 4]> = SmallVec::from_slice(words);
                // SAFETY: the words are those of this variable, which nobody else drops, and each comes once.
                unsafe { (variable.drop)(words.as_mut_ptr()) };
            }
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.drop_all();
    }
}

/// # Safety
/// What is kept is what compiled code has kept of the portal's variables, the words are those of the result, and both
/// are used this once.
unsafe fn drop_kept<R: Traceable>(portal: &PortalCall, kept: &[u64], words: &mut [u64]) -> u8 {
    let drop_all = |words: &mut [u64]| {
        // SAFETY: the caller vouches for the words.
        let result = unsafe { from_words::<R>(words).assume_init() };
        Rest { variables: portal.kept.iter(), kept }.drop_all();
        // It is still in the words.
        std::mem::forget(result);
    };
    // SAFETY: there are as many words as compiled code passes.
    unsafe { call::catch_closure(words.as_mut_ptr(), drop_all) }
}

/// # Safety
/// The words are those of the arguments, used this once.
unsafe fn body<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>(words: &mut [u64]) {
    // SAFETY: the caller vouches for the words.
    let result = conjure::<F>()(unsafe { A::plain(words.as_ptr()) });
    // What it owns is the words' from here on.
    to_words(&MaybeUninit::new(result), words);
}

unsafe extern "C" fn shim<A: ArgTuple, R: Traceable, F: Fn(A::Plain) -> R + Copy>(
    words: *mut u64,
) -> u8 {
    // SAFETY: whoever calls has put the arguments there.
    unsafe { call::catch(words, body::<A, R, F>) }
}
