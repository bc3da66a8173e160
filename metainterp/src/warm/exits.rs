//! The table of exits: what each saved, how to go on, and how often it was taken.

use crate::abort::{Abort, Retry};
use crate::backend::Frame;
use crate::ir::{
    CodeId, Const, ExitId, Opcode, Operand, Resume, ResumeKind, TargetId, Trace, TraceBuilder, Ty,
    ValueId,
};
use crate::opt::{ExitEffect, ExitLayout, ExitSlot};
use crate::record::{Arg, Lane, OnEntry, Route, Words, zeros};
use std::cell::Cell;

/// How many rewinds a replay takes as long as, about. Of 1 to 20 best for the Lua and Scheme programs.
const REPLAY_COST: u32 = 8;

/// So many replays are counted each as one failure: what is still rarer may not come again.
const FEW_REPLAYS: u32 = 25;

/// One exit of compiled code.
#[derive(Debug)]
pub(super) struct ExitInfo {
    pub id: ExitId,
    /// The trace that it belongs to.
    pub code: CodeId,
    pub resume: Resume,
    /// How the twin went that recorded the trace.
    pub route: Route,
    /// How to rebuild the exit's arguments from the frame.
    pub layout: Box<[ExitSlot]>,
    /// What to do first. The operands of it are the last of the exit's arguments.
    pub effects: Box<[ExitEffect]>,
    /// How many of them do something. What is only assumed stands behind them.
    n_made: u32,
    /// Where in the layout the operands of the effects begin.
    n_values: u32,
    /// The greens of the merge point to go back to.
    pub greens: Box<[u64]>,
    /// Of a `guard_value`: for how many values of the promoted expression there is code already.
    pub n_promoted: u32,
    /// Of an exit in a copy of a loop's preheader: the loop's label. There the same will fail, and what
    /// continues from there is for all that come to the loop.
    pub rejoins: Option<TargetId>,
    /// Of an exit in a loop's preheader: the label of the loop's first version.
    pub preheader_of: Option<TargetId>,
    /// The label of the version of a loop that it belongs to, if that is not the first, by way of bridges too.
    pub version: Option<TargetId>,
    /// The guard tests whether the trace is valid: no bridge is made.
    pub is_validity: bool,
    /// A bridge is being compiled.
    pub is_being_compiled: Cell<bool>,
    failures: Cell<u32>,
    aborts: Cell<u32>,
    given_up: Cell<bool>,
}

/// The value of an argument.
#[inline]
fn word(slot: &ExitSlot, frame: &Frame) -> u64 {
    match *slot {
        ExitSlot::Const(constant) => constant.bits,
        ExitSlot::Slot(slot, ty) => frame.slots[slot as usize] & ty.mask(),
    }
}

/// Copies all words of `from`. As a rule there are few, at each entry and each exit, and a loop would be compiled
/// to a call of `memcpy`.
#[inline(always)]
pub(super) fn copy_few(to: &mut [u64], from: &[u64]) {
    match *from {
        [] => {}
        [a] => to[0] = a,
        [a, b] => [to[0], to[1]] = [a, b],
        [a, b, c] => [to[0], to[1], to[2]] = [a, b, c],
        [a, b, c, d] => [to[0], to[1], to[2], to[3]] = [a, b, c, d],
        _ => to[..from.len()].copy_from_slice(from),
    }
}

/// Puts the words of `from` there.
#[inline(always)]
pub(super) fn set_words(words: &mut Words, from: &[u64]) {
    if words.len() != from.len() {
        *words = zeros(from.len());
    }
    copy_few(words, from);
}

impl ExitInfo {
    pub fn new(
        id: ExitId,
        code: CodeId,
        resume: Resume,
        route: Route,
        layout: ExitLayout,
        greens: Box<[u64]>,
    ) -> ExitInfo {
        let n_made = layout.effects.iter().rposition(|effect| !effect.is_assumption());
        let n_operands: usize = layout.effects.iter().map(ExitEffect::n_args).sum();
        ExitInfo {
            id,
            code,
            resume,
            route,
            n_made: n_made.map_or(0, |last| last as u32 + 1),
            n_values: (layout.slots.len() - n_operands) as u32,
            layout: layout.slots.into(),
            effects: layout.effects.into(),
            greens,
            n_promoted: 0,
            rejoins: None,
            preheader_of: None,
            version: None,
            is_validity: false,
            is_being_compiled: Cell::new(false),
            failures: Cell::new(0),
            aborts: Cell::new(0),
            given_up: Cell::new(false),
        }
    }

    /// Whether the guard stands where `other` stands: at the same step behind the same merge point.
    pub fn is_at(&self, other: &ExitInfo) -> bool {
        self.resume.step == other.resume.step && self.greens == other.greens
    }

    /// How often the guard fails before a bridge is recorded.
    #[inline]
    fn eagerness(&self, trace_eagerness: u32) -> u32 {
        match self.resume.kind {
            ResumeKind::Rewind => trace_eagerness,
            _ => (trace_eagerness / REPLAY_COST).max(trace_eagerness.min(FEW_REPLAYS)),
        }
    }

    /// Counts a failure; true when it is time to record a bridge.
    #[inline]
    pub fn fails(&self, trace_eagerness: u32) -> bool {
        let eagerness = self.eagerness(trace_eagerness);
        self.failures.set(self.failures.get().saturating_add(1));
        self.failures.get() >= eagerness && self.is_hot(eagerness)
    }

    #[inline(never)]
    fn is_hot(&self, eagerness: u32) -> bool {
        let eagerness = u64::from(eagerness) << self.aborts.get().min(16);
        let may_start = !self.given_up.get() && !self.is_being_compiled.get();
        may_start && u64::from(self.failures.get()) >= eagerness
    }

    /// Lets the next failure start a recording.
    pub fn trace_next_failure(&self) {
        self.failures.set(u32::MAX);
    }

    /// A recording starts from here.
    pub fn recording_starts(&self) {
        self.failures.set(0);
    }

    /// A recording from here was given up.
    pub fn aborted(&self, reason: Abort, max_aborts: u32) {
        self.aborts.set(self.aborts.get() + 1);
        if reason.retry() == Retry::Never || self.aborts.get() >= max_aborts {
            self.given_up.set(true);
        }
    }

    /// The exit's arguments: values have the lanes of a bridge's inputs if `with_lanes`.
    pub fn arguments(&self, frame: &Frame, with_lanes: bool) -> Vec<Arg> {
        let rebuild = |slot: &ExitSlot| match *slot {
            ExitSlot::Const(c) => Arg::of(Lane::CONST, c),
            ExitSlot::Slot(at, ty) => {
                let lane = if with_lanes { Lane::input(at) } else { Lane::CONST };
                Arg::of(lane, Const::new(ty, word(slot, frame)))
            }
        };
        self.layout.iter().map(rebuild).collect()
    }

    /// Puts the words of the exit's first arguments there.
    #[inline(always)]
    pub fn words(&self, frame: &Frame, n_args: usize, words: &mut Words) {
        if words.len() != n_args {
            *words = zeros(n_args);
        }
        for (word_of, slot) in words.as_mut_slice().iter_mut().zip(&self.layout[..n_args]) {
            *word_of = word(slot, frame);
        }
    }

    /// Puts the words of the arguments from number `first` on there.
    pub fn words_from(&self, frame: &Frame, first: usize, words: &mut [u64]) {
        for (word_of, slot) in words.iter_mut().zip(&self.layout[first..self.n_values()]) {
            *word_of = word(slot, frame);
        }
    }

    /// Whether [`ExitInfo::each_effect`] has anything to do.
    #[inline]
    pub fn has_effects(&self) -> bool {
        self.n_shown() > 0
    }

    /// In debug builds, what is only assumed is tested.
    fn n_shown(&self) -> usize {
        if cfg!(debug_assertions) { self.effects.len() } else { self.n_made as usize }
    }

    /// How many arguments there are before those.
    pub fn n_values(&self) -> usize {
        self.n_values as usize
    }

    /// Does what is to be done first, each with the words of its operands. What `make` answers of an
    /// allocation is put into its slot. What is only assumed is shown to it in debug builds.
    pub fn each_effect(
        &self,
        frame: &mut Frame,
        mut make: impl FnMut(&ExitEffect, &[u64]) -> Option<u64>,
    ) {
        let mut at = self.n_values();
        for effect in &self.effects[..self.n_shown()] {
            let end = at + effect.n_args();
            let mut words = [0; 3];
            for (operand, slot) in words.iter_mut().zip(&self.layout[at..end]) {
                *operand = word(slot, frame);
            }
            if let (ExitEffect::New(_, slot), Some(new)) =
                (effect, make(effect, &words[..end - at]))
            {
                frame.slots[*slot as usize] = new;
            }
            at = end;
        }
    }

    /// Takes what has been done first, with its operands, off the end of the exit's arguments.
    pub fn split_effects(&self, args: &mut Vec<Arg>) -> Vec<OnEntry> {
        let mut operands = args.split_off(self.n_values()).into_iter();
        let effects = self.effects.iter().map(|effect| OnEntry {
            effect: effect.clone(),
            args: operands.by_ref().take(effect.n_args()).collect(),
        });
        effects.collect()
    }

    /// How many slots compiled code fills. Behind them are those of what is allocated on the way out.
    fn n_saved(&self) -> usize {
        let slots = self.layout.iter().filter_map(|slot| match slot {
            ExitSlot::Slot(slot, _) => Some(*slot as usize + 1),
            ExitSlot::Const(_) => None,
        });
        let is_new = |effect: &&ExitEffect| matches!(effect, ExitEffect::New(..));
        let first_new = self.effects.first().filter(is_new);
        match first_new {
            Some(ExitEffect::New(_, slot)) => *slot as usize,
            _ => slots.max().unwrap_or(0),
        }
    }

    /// The bridge that only goes to the label of a loop, with the reds that the exit saves.
    pub fn to_label(&self, target: TargetId) -> Trace {
        let mut builder = TraceBuilder::new("");
        self.input_types().iter().for_each(|&ty| {
            builder.input(ty);
        });
        let operand = |builder: &mut TraceBuilder, slot: &ExitSlot| match *slot {
            ExitSlot::Const(c) => builder.constant(c),
            ExitSlot::Slot(slot, _) => Operand::from(ValueId(slot)),
        };
        let args: Vec<Operand> =
            self.layout.iter().map(|slot| operand(&mut builder, slot)).collect();
        let mut operands = &args[self.n_values()..];
        for effect in &self.effects {
            let (args, rest) = operands.split_at(effect.n_args());
            effect.begin(&mut builder, args);
            operands = rest;
        }
        builder.push_void(Opcode::Jump, &args[..self.resume.n_reds as usize], target.0);
        builder.finish()
    }

    /// The types of a bridge's inputs: of the frame slots that the exit fills, in order.
    pub fn input_types(&self) -> Vec<Ty> {
        let mut types = Vec::new();
        let n_saved = self.n_saved();
        for slot in &self.layout {
            if let ExitSlot::Slot(slot, ty) = *slot {
                let slot = slot as usize;
                if slot >= n_saved {
                    continue;
                }
                if types.len() <= slot {
                    types.resize(slot + 1, ty);
                }
                types[slot] = ty;
            }
        }
        types
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_code_has_not_stored_of_a_word_is_not_read() {
        let mut frame = Frame::new();
        frame.slots[1] = 0xa5a5_a5a5_a5a5_a5a5;
        for (ty, bits) in [(Ty::Bool, 1), (Ty::I8, 0xa5), (Ty::F32, 0xa5a5_a5a5)] {
            assert_eq!(word(&ExitSlot::Slot(1, ty), &frame), bits);
        }
    }
}
