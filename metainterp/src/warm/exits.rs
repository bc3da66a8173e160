//! The table of exits: what each saved, how to go on, and how often it was taken.

use crate::abort::{Abort, Retry};
use crate::backend::Frame;
use crate::ir::{
    CodeId, Const, ExitId, MemDescr, Opcode, Operand, Resume, TargetId, Trace, TraceBuilder, Ty,
    ValueId,
};
use crate::opt::{ExitLayout, ExitSlot};
use crate::record::{Arg, DelayedStore, Lane, Words};
use std::cell::Cell;

/// One exit of compiled code.
#[derive(Debug)]
pub(super) struct ExitInfo {
    pub id: ExitId,
    /// The trace that it belongs to.
    pub code: CodeId,
    pub resume: Resume,
    /// How to rebuild the exit's arguments from the frame.
    pub layout: Box<[ExitSlot]>,
    /// The stores to make, whose operands are the last of the exit's arguments.
    pub stores: Box<[(Opcode, MemDescr)]>,
    /// The greens of the merge point to go back to.
    pub greens: Box<[u64]>,
    /// Of a `guard_value`: for how many values of the promoted expression there is code already.
    pub n_values: u32,
    /// Of an exit in a copy of a loop's preheader: the loop's label. There the same will fail, and what
    /// continues from there is for all that come to the loop.
    pub rejoins: Option<TargetId>,
    /// The guard tests whether the trace is valid: no bridge is made.
    pub is_validity: bool,
    failures: Cell<u32>,
    aborts: Cell<u32>,
    given_up: Cell<bool>,
}

/// The value of an argument.
fn word(slot: &ExitSlot, frame: &Frame) -> u64 {
    match *slot {
        ExitSlot::Const(constant) => constant.bits,
        ExitSlot::Slot(slot, _) => frame.slots[slot as usize],
    }
}

impl ExitInfo {
    pub fn new(
        id: ExitId,
        code: CodeId,
        resume: Resume,
        layout: ExitLayout,
        greens: Box<[u64]>,
    ) -> ExitInfo {
        ExitInfo {
            id,
            code,
            resume,
            layout: layout.slots.into(),
            stores: layout.stores.into(),
            greens,
            n_values: 0,
            rejoins: None,
            is_validity: false,
            failures: Cell::new(0),
            aborts: Cell::new(0),
            given_up: Cell::new(false),
        }
    }

    /// Whether the guard stands where `other` stands: at the same step behind the same merge point.
    pub fn is_at(&self, other: &ExitInfo) -> bool {
        self.resume.step == other.resume.step && self.greens == other.greens
    }

    /// Counts a failure; true when it is time to record a bridge.
    pub fn fails(&self, trace_eagerness: u32) -> bool {
        self.failures.set(self.failures.get().saturating_add(1));
        let eagerness = u64::from(trace_eagerness) << self.aborts.get().min(16);
        !self.given_up.get() && u64::from(self.failures.get()) >= eagerness
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
            ExitSlot::Const(c) => Arg { lane: Lane::CONST, concrete: c },
            ExitSlot::Slot(slot, ty) => {
                let lane = if with_lanes { Lane::input(slot) } else { Lane::CONST };
                Arg { lane, concrete: Const::new(ty, frame.slots[slot as usize]) }
            }
        };
        self.layout.iter().map(rebuild).collect()
    }

    /// The words of the exit's first arguments.
    pub fn words(&self, frame: &Frame, n_args: usize) -> Words {
        self.layout[..n_args].iter().map(|slot| word(slot, frame)).collect()
    }

    /// Shows each delayed store, and each assumption of memory, with the words of its operands.
    pub fn each_store(&self, frame: &Frame, mut show: impl FnMut(Opcode, &MemDescr, &[u64])) {
        let n_args = |opcode: Opcode| opcode.info().args.len();
        let n_operands: usize = self.stores.iter().map(|&(opcode, _)| n_args(opcode)).sum();
        let mut at = self.layout.len() - n_operands;
        for (opcode, mem) in &self.stores {
            let end = at + n_args(*opcode);
            let mut words = [0; 3];
            for (operand, slot) in words.iter_mut().zip(&self.layout[at..end]) {
                *operand = word(slot, frame);
            }
            show(*opcode, mem, &words[..end - at]);
            at = end;
        }
    }

    /// Takes the delayed stores with their operands off the end of the exit's arguments.
    pub fn split_stores(&self, args: &mut Vec<Arg>) -> Vec<DelayedStore> {
        let n_args = |&(opcode, _): &(Opcode, MemDescr)| opcode.info().args.len();
        let n_operands: usize = self.stores.iter().map(n_args).sum();
        let mut operands = args.split_off(args.len() - n_operands).into_iter();
        let stores = self.stores.iter().map(|store| DelayedStore {
            opcode: store.0,
            mem: store.1.clone(),
            args: operands.by_ref().take(n_args(store)).collect(),
        });
        stores.collect()
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
        let n_args = |opcode: Opcode| opcode.info().args.len();
        let n_operands: usize = self.stores.iter().map(|&(opcode, _)| n_args(opcode)).sum();
        let mut operands = &args[args.len() - n_operands..];
        for (opcode, mem) in &self.stores {
            let (of_store, rest) = operands.split_at(n_args(*opcode));
            let mem = builder.mem(mem.clone());
            builder.push_void(*opcode, of_store, mem);
            operands = rest;
        }
        builder.push_void(Opcode::Jump, &args[..self.resume.n_reds as usize], target.0);
        builder.finish()
    }

    /// The types of a bridge's inputs: of the frame slots that the exit fills, in order.
    pub fn input_types(&self) -> Vec<Ty> {
        let mut types = Vec::new();
        for slot in &self.layout {
            if let ExitSlot::Slot(slot, ty) = *slot {
                let slot = slot as usize;
                if types.len() <= slot {
                    types.resize(slot + 1, ty);
                }
                types[slot] = ty;
            }
        }
        types
    }
}
