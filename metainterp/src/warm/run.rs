//! Entering compiled code, and going on from the exit it was left by.
#![expect(unsafe_code, reason = "enters compiled code")]

use super::assembler::AtExit;
use super::exits::{ExitInfo, copy_few, set_words};
use super::owners::Entered;
use super::{Left, MetaInterp, Progress, Start, State, Twin};
use crate::abort::Abort;
use crate::backend::{FIRST_PAUSE, Frame, VALUE_SLOTS};
use crate::ir::eval::order_holds;
use crate::ir::{CodeId, ExitId, MemDescr, Opcode, ResumeKind, TargetId, Ty};
use crate::memory;
use crate::opt::ExitEffect;
use crate::record::{Arg, OnEntry, Recorder, Route};
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Frames that are not in use.
#[derive(Default)]
pub(super) struct Frames {
    /// One of them: as a rule there is no other.
    spare: Cell<Option<Box<Frame>>>,
    others: RefCell<Vec<Box<Frame>>>,
}

impl Frames {
    fn take(&self) -> Box<Frame> {
        self.spare.take().unwrap_or_else(|| self.take_other())
    }

    #[cold]
    fn take_other(&self) -> Box<Frame> {
        self.others.borrow_mut().pop().unwrap_or_else(Frame::new)
    }

    fn put_back(&self, frame: Box<Frame>) {
        if let Some(other) = self.spare.replace(Some(frame)) {
            self.others.borrow_mut().push(other);
        }
    }
}

/// A frame from the driver's pool; goes back there also when a panic passes.
pub(super) struct PooledFrame<'a> {
    pool: &'a Frames,
    frame: Option<Box<Frame>>,
}

impl<'a> PooledFrame<'a> {
    #[inline]
    pub fn take(pool: &'a Frames) -> PooledFrame<'a> {
        PooledFrame { pool, frame: Some(pool.take()) }
    }

    /// Not for the pool yet.
    pub fn keep(mut self) -> Box<Frame> {
        self.frame.take().expect(HAS_FRAME)
    }

    /// For the pool again.
    pub fn again(pool: &'a Frames, frame: Box<Frame>) -> PooledFrame<'a> {
        PooledFrame { pool, frame: Some(frame) }
    }
}

const HAS_FRAME: &str = "taken only at the end";

impl Deref for PooledFrame<'_> {
    type Target = Frame;
    #[inline]
    fn deref(&self) -> &Frame {
        self.frame.as_deref().expect(HAS_FRAME)
    }
}

impl DerefMut for PooledFrame<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Frame {
        self.frame.as_deref_mut().expect(HAS_FRAME)
    }
}

impl Drop for PooledFrame<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.pool.put_back(frame);
        }
    }
}

/// Does what compiled code has not done, from the words of its operands. Answers what was allocated.
fn make(effect: &ExitEffect, words: &[u64]) -> Option<u64> {
    match effect {
        ExitEffect::New(..) => Some(memory::new(words[0], words[1])),
        ExitEffect::Free(_) => {
            // SAFETY: the compiled code has come to where it gives this object back and has not done so.
            unsafe { memory::free(words[0], words[1], words[2]) };
            None
        }
        ExitEffect::Store(opcode, mem) => {
            store(*opcode, mem, words);
            None
        }
        ExitEffect::Order(opcode, ty) => {
            debug_assert!(
                order_holds(*opcode, *ty, [words[0], words[1], words[2]]),
                "{} of {words:?}",
                opcode.name()
            );
            None
        }
    }
}

/// Makes a store. In debug builds, checks an assumption of what is in memory.
fn store(opcode: Opcode, mem: &MemDescr, words: &[u64]) {
    let mut address = words[0].wrapping_add_signed(i64::from(mem.offset));
    if opcode.is_indexed() {
        address = address.wrapping_add(words[1].wrapping_mul(u64::from(mem.scale)));
    }
    let value = words[words.len() - 1].to_le_bytes();
    let place = address as *mut u8;
    let bytes = &value[..mem.ty.bytes() as usize];
    if opcode.assumes_memory() {
        if cfg!(debug_assertions) {
            let mut found = [0; 8];
            // SAFETY: the compiled code has read this place or stored there, and has made no call since
            // that may have freed it.
            unsafe { found.as_mut_ptr().copy_from_nonoverlapping(place, bytes.len()) };
            assert_eq!(found[..bytes.len()], *bytes, "{} of {address:#x}", opcode.name());
        }
        return;
    }
    // SAFETY: the compiled code has come to this store and would have made it itself, so the address
    // is valid for it; the code has been left, and the interpreter runs on only when this is done.
    unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
}

impl MetaInterp {
    /// Runs compiled code until it leaves, and goes on from there to a merge point.
    #[inline]
    pub(super) fn run(
        &self,
        code: CodeId,
        state: &mut State,
        twin: &mut Twin<'_>,
    ) -> (Left, Progress) {
        let mut frame = PooledFrame::take(&self.frames);
        assert!(state.reds.len() <= VALUE_SLOTS, "{} reds", state.reds.len());
        copy_few(&mut frame.slots, &state.reds);
        self.stats.borrow_mut().entered += 1;
        if self.has_hooks() {
            self.tell(|hooks| hooks.on_enter(&state.greens));
            if self.hook_has_panicked() {
                return (Left::MergePoint, Progress::Rewound);
            }
        }
        let _entered = Entered::new(self, code);
        let exit = self.execute(code, &mut frame);
        self.leave(exit, &mut frame, state, twin)
    }

    /// Goes on from an exit by which compiled code was left that compiled code had called.
    #[inline(never)]
    pub(super) fn run_from_exit(
        &self,
        left: AtExit,
        state: &mut State,
        twin: &mut Twin<'_>,
    ) -> (Left, Progress) {
        let mut frame = PooledFrame::again(&self.frames, left.frame);
        self.leave(left.exit, &mut frame, state, twin)
    }

    /// Runs compiled code until it leaves. It was marked as entered, and the slots hold the reds.
    #[inline(always)]
    pub(super) fn execute(&self, code: CodeId, frame: &mut Frame) -> ExitId {
        // SAFETY: `code` comes from the table of loops, and is not freed while it is marked as entered;
        // the slots hold the reds, of the types that every trace of this portal starts with;
        // addresses among them come from the plain interpreter, which has just used them, or from compiled code,
        // which calls the portal with them; and the greens that the trace was compiled for are the ones it has now.
        let mut exit = unsafe { self.backend.execute(code, frame) };
        while exit.0 >= FIRST_PAUSE {
            let entered = self.backend.paused_at(exit);
            self.entered_often(entered.expect("code has paused there"));
            // SAFETY: the code has just paused with this frame, and is not freed either; what
            // held for `execute` holds, as nothing has run meanwhile.
            exit = unsafe { self.backend.resume(exit, frame) };
        }
        exit
    }

    // Inlined, as all on the way in and out by a rewind is: together the calls cost a tenth of it (`bench-exits`).
    #[inline(always)]
    fn leave(
        &self,
        exit: ExitId,
        frame: &mut Frame,
        state: &mut State,
        twin: &mut Twin<'_>,
    ) -> (Left, Progress) {
        let exit = Rc::clone(self.exits.borrow().get(exit.0).expect("code that runs is not freed"));
        // Before any hook: it may look at memory.
        if exit.has_effects() {
            exit.each_effect(frame, make);
        }
        self.tell(|hooks| hooks.on_exit());
        let (n_words, words) = match exit.resume.kind {
            ResumeKind::Return => (exit.n_values(), &mut state.result),
            _ => (exit.resume.n_reds as usize, &mut state.reds),
        };
        exit.words(frame, n_words, words);
        if exit.resume.kind == ResumeKind::Return {
            return (Left::Returned, Progress::Made);
        }
        set_words(&mut state.greens, &exit.greens);
        let hot = self.fails(&exit);
        if exit.resume.kind == ResumeKind::Rewind && !hot {
            self.stats.borrow_mut().rewinds += 1;
            return (Left::MergePoint, Progress::Rewound);
        }
        self.stats.borrow_mut().replays += 1;
        (self.replay(&exit, hot, frame, state, twin), Progress::Made)
    }

    /// Counts a failure; true when a bridge is to be recorded from there.
    fn fails(&self, exit: &Rc<ExitInfo>) -> bool {
        if exit.is_validity {
            self.owners.has_invalid.set(true);
            return false;
        }
        let eagerness = self.params.borrow().trace_eagerness;
        !self.recording.get() && exit.fails(eagerness) && self.may_start_bridge(exit)
    }

    /// Whether a bridge is recorded from an exit that is hot.
    #[inline(never)]
    fn may_start_bridge(&self, exit: &Rc<ExitInfo>) -> bool {
        let hot = !self.background.has_entry() && self.has_room_for_bridge(exit);
        match exit.rejoins {
            Some(target) if hot => {
                exit.recording_starts();
                self.lead_to(exit, target);
                false
            }
            _ => hot,
        }
    }

    /// Runs the twin from the merge point before the exit to the one behind it, and records that if the exit is
    /// hot.
    #[inline(never)]
    fn replay(
        &self,
        exit: &Rc<ExitInfo>,
        hot: bool,
        frame: &Frame,
        state: &mut State,
        twin: &mut Twin<'_>,
    ) -> Left {
        let mut reds = exit.arguments(frame, hot);
        let effects = exit.split_effects(&mut reds);
        let saved = reds.split_off(exit.resume.n_reds as usize);
        let inputs = hot.then(|| exit.input_types());
        let mut route = exit.route.clone();
        if hot {
            if self.params.borrow().max_promoted_values < exit.n_promoted {
                route.varying.push(exit.resume.step);
            }
            route.go_on(exit.resume.step, Rc::clone(&self.not_inlined.borrow()));
        }
        let mut recorder = self.replayer(exit, &effects, reds, saved, inputs, route);
        if !hot {
            return twin(&recorder, state);
        }
        if exit.preheader_of.is_some_and(|first| self.may_retrace(first)) {
            recorder.retrace(&exit.greens);
        }
        exit.recording_starts();
        let start = Start::Exit(Rc::clone(exit));
        recorder.join_paths(self.paths.find_join(&start, &self.next_target));
        self.record(recorder, start, state, twin)
    }

    /// A bridge that finds no room is given up like one that was recorded.
    fn has_room_for_bridge(&self, exit: &Rc<ExitInfo>) -> bool {
        let has_room = self.make_room();
        if !has_room {
            exit.recording_starts();
            self.aborted(Abort::NoRoom, &Start::Exit(Rc::clone(exit)));
        }
        has_room
    }

    fn replayer(
        &self,
        exit: &ExitInfo,
        effects: &[OnEntry],
        reds: Vec<Arg>,
        saved: Vec<Arg>,
        inputs: Option<Vec<Ty>>,
        route: Route,
    ) -> Recorder {
        Recorder::from_exit(
            &exit.greens,
            effects,
            reds,
            saved,
            exit.resume,
            inputs.as_deref(),
            // Only a recording may define a target.
            if inputs.is_some() { self.new_target() } else { TargetId(0) },
            self.limits(route),
            self.find_target(),
        )
    }
}
