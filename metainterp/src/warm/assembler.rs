//! `call_assembler`: compiled code calls the portal that it was compiled for.
//!
//! A portal that is not inlined any further ([`Recorder::inlined_merge_point`](crate::record::Recorder)) is called
//! with the greens and reds of its merge point. The call comes to [`CALL`] here. If there is code for the greens, it
//! is run on a frame of its own, and when it returns from the portal, the words of the result are the call's.
//! Otherwise the plain portal is called: from the merge point on, or, if the code was left in another way,
//! from that exit on, which it finds with [`AtExit::take`] and goes on from like any portal that has entered compiled
//! code.
//!
//! Nothing is linked: what there is for the greens is looked up by each call, so code that comes later, is
//! replaced or is freed needs no redirection.
//!
//! Invariants
//! 1. The words of a call are the address of the driver's [`Assembler`], the greens' words and the reds' words. For
//!    the plain portal, a number how to start stands in the place of the address.
//! 2. Of a call by compiled code the driver is active, so it is there.
#![expect(unsafe_code, reason = "is called by compiled code")]

use super::MetaInterp;
use super::exits::copy_few;
use super::owners::Entered;
use super::run::PooledFrame;
use crate::backend::{CALL_WORDS, Frame};
use crate::ir::{CodeId, ExitId, ResumeKind};
use crate::memory::Helper;
use crate::record::Words;
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::rc::Rc;

/// The function that a `call_assembler` calls.
pub const CALL: Helper = call;

/// How the plain portal starts: at a merge point that is no loop header.
pub const AT_MERGE_POINT: u64 = 0;
/// At a loop header, for which there may be code.
pub const AT_HEADER: u64 = 1;
/// At the exit by which compiled code was left.
pub const AT_EXIT: u64 = 2;

/// How a portal is called.
#[derive(Debug)]
pub struct PortalCall {
    /// Calls the plain portal: takes how to start, the greens' and the reds' words; answers the result's.
    pub plain: Helper,
    /// Words of the greens.
    pub n_greens: usize,
    /// Words of the reds.
    pub n_reds: usize,
    /// Words that stand before those of the result when compiled code returns: what is left of variables that
    /// own something.
    pub n_kept: usize,
    /// These variables, in the order in which they are dropped.
    pub kept: SmallVec<[Kept; 4]>,
    /// Drops what is left of them when the result's words stand where those of the arguments were; answers as a
    /// shim does.
    pub drop_kept: unsafe fn(portal: &PortalCall, kept: &[u64], words: &mut [u64]) -> u8,
}

/// A variable of a portal that owns something.
#[derive(Debug)]
pub struct Kept {
    /// Its words. Behind them stands one that says whether it was moved out; then nothing is left of it.
    pub words: Range<usize>,
    /// Drops it, given its words.
    pub drop: unsafe fn(words: *mut u64),
}

impl Kept {
    /// Its words, if there is anything left to drop.
    pub fn left<'w>(&self, kept: &'w [u64]) -> Option<&'w [u64]> {
        let was_moved = kept[self.words.end] == 1;
        (!was_moved).then(|| &kept[self.words.clone()])
    }
}

/// What calls of a driver's portal need. Its address is in traces.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The driver's meta-interpreter, as [`Rc::as_ptr`] has answered; null before it is shared.
    meta: Cell<*const MetaInterp>,
    portal: OnceCell<PortalCall>,
}

impl Assembler {
    /// The first argument of a call.
    pub fn address(&self, portal: impl FnOnce() -> PortalCall) -> u64 {
        self.portal.get_or_init(portal);
        (&raw const *self).expose_provenance() as u64
    }
}

/// An exit by which compiled code was left that compiled code had called. Always in a box: as a rule a portal
/// starts without one, and each entry hands that on.
pub struct AtExit {
    meta: Rc<MetaInterp>,
    pub(super) exit: ExitId,
    pub(super) frame: Box<Frame>,
}

thread_local! {
    /// From the call to the plain portal that takes it. It has no destructor, so that destructors of a
    /// thread's other variables may run programs.
    static LEFT: Cell<Option<ManuallyDrop<Box<AtExit>>>> = const { Cell::new(None) };
}

impl AtExit {
    /// What the plain portal starts with, that was called with [`AT_EXIT`].
    pub fn take() -> Box<AtExit> {
        ManuallyDrop::into_inner(LEFT.take().expect("compiled code was left"))
    }

    /// The driver whose code it was.
    pub fn meta(&self) -> &Rc<MetaInterp> {
        &self.meta
    }
}

/// # Safety
/// Called by a `call_assembler` that this driver has recorded: the words are as invariant 1 says, and there are
/// [`CALL_WORDS`] of them.
unsafe extern "C" fn call(words: *mut u64) -> u8 {
    // SAFETY: nobody else uses the words during the call.
    let words = unsafe { &mut *words.cast::<[u64; CALL_WORDS]>() };
    let assembler = std::ptr::with_exposed_provenance::<Assembler>(words[0] as usize);
    // SAFETY: invariants 1 and 2; the meta-interpreter has it for as long as it lives.
    let assembler = unsafe { &*assembler };
    // SAFETY: invariant 2, and it was shared before it has recorded anything.
    let meta = unsafe { &*assembler.meta.get() };
    let portal = assembler.portal.get().expect("known since the address is");
    meta.call(portal, words)
}

impl MetaInterp {
    /// Shares it with all that a driver hands it to.
    pub fn shared(self) -> Rc<MetaInterp> {
        let meta = Rc::new(self);
        meta.assembler.meta.set(Rc::as_ptr(&meta));
        meta
    }

    fn call(&self, portal: &PortalCall, words: &mut [u64; CALL_WORDS]) -> u8 {
        let greens = 1..1 + portal.n_greens;
        let Some(code) = self.code_to_call(&words[greens.clone()]) else {
            return call_plain(portal, words, AT_HEADER);
        };
        let mut pooled = PooledFrame::take(&self.frames);
        copy_few(&mut pooled.slots, &words[greens.end..greens.end + portal.n_reds]);
        self.stats.borrow_mut().entered += 1;
        // Until the plain portal has done with it.
        let _entered = Entered::new(self, code);
        let exit = self.execute(code, &mut pooled);
        let mut kept = Words::new();
        if self.has_returned(exit, portal, &pooled, &mut kept, words) {
            self.stats.borrow_mut().assembler_calls += 1;
            // Destructors may come to a call of the portal, too.
            drop(pooled);
            // SAFETY: compiled code has left this to the plain portal, which drops it.
            return unsafe { (portal.drop_kept)(portal, &kept, words) };
        }
        // SAFETY: the pointer is `Rc::as_ptr`'s, and an active driver has a count of its own.
        let meta = unsafe {
            let meta = self.assembler.meta.get();
            Rc::increment_strong_count(meta);
            Rc::from_raw(meta)
        };
        let left = AtExit { meta, exit, frame: pooled.keep() };
        LEFT.set(Some(ManuallyDrop::new(Box::new(left))));
        let answer = call_plain(portal, words, AT_EXIT);
        let was_taken = LEFT.take().is_none();
        assert!(was_taken, "[{}] the plain portal has not gone on from exit {}", self.name, exit.0);
        answer
    }

    /// The code for these greens, if a call may go there at once. What else there is to do at a loop header is for
    /// [`MetaInterp::enter`].
    fn code_to_call(&self, greens: &[u64]) -> Option<CodeId> {
        let is_simple = self.is_enabled()
            && !self.has_hooks()
            && !self.background.has_finished()
            && !self.owners.has_invalid.get()
            && !self.paths.has_anew();
        is_simple.then(|| self.cells.borrow_mut().enter(greens))?
    }

    /// Whether the exit returns from the portal, with nothing to be done; then the words are the result's.
    fn has_returned(
        &self,
        exit: ExitId,
        portal: &PortalCall,
        frame: &Frame,
        kept: &mut Words,
        words: &mut [u64],
    ) -> bool {
        let exits = self.exits.borrow();
        let exit = exits.get(exit.0).expect("code that runs is not freed");
        let returns = exit.resume.kind == ResumeKind::Return && !exit.has_effects();
        if returns {
            exit.words(frame, portal.n_kept, kept);
            exit.words_from(frame, portal.n_kept, words);
        }
        returns
    }
}

fn call_plain(portal: &PortalCall, words: &mut [u64; CALL_WORDS], start: u64) -> u8 {
    words[0] = start;
    // SAFETY: the function takes these words: invariant 1.
    unsafe { (portal.plain)(words.as_mut_ptr()) }
}
