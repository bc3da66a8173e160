//! What exits save, stored before their guards.
//!
//! The exits of a bridge save much the same. If they do so one by one, a value that only exits need takes a register
//! up to the last of them, and allocating registers is most of what compiling a bridge takes. So what an exit and those
//! after it save to the same slot is stored there once and for all, before the guard, which is one instruction, where
//! such a value is often spilled otherwise. Exits, and the jump at the end, store what is left.
//!
//! Invariants
//! 1. A slot is left alone while an input is wanted in it, as its home ([`crate::analysis`]).
//! 2. What is known of slots is forgotten at labels, which other functions enter too.
//!
//! Why not in laps of loops and in regions: they are run much longer than it takes to compile them.

use super::Lower;
use metainterp::ir::{Op, Opcode, Operand, Trace};
use rustc_hash::FxHashMap;

/// What so many exits ahead save to the same slot is stored before them. With 2, half as many stores again are made, and
/// Lua's Richards takes 3 % more instructions in all; with 8, bridges take longer to compile, and it takes 1 % more.
const LASTING: usize = 4;

/// What is stored ahead, and where it may be.
#[derive(Default)]
pub(super) struct Ahead {
    /// What has been stored, by slot.
    stored: FxHashMap<usize, Operand>,
    /// The last operation at which an input is wanted in its home, by slot.
    wanted_until: FxHashMap<usize, usize>,
    /// The operation from which on nothing is.
    end: usize,
}

impl Lower<'_, '_> {
    /// Looks at a member, before it is lowered.
    pub(super) fn look_ahead(&mut self) {
        self.ahead = Ahead::default();
        if self.group.is_region() {
            return;
        }
        self.ahead.end = straight_part(self.trace);
        for (at, op) in self.trace.ops.iter().enumerate() {
            let args = match op.opcode {
                Opcode::Label | Opcode::Jump => self.trace.args(op),
                _ if op.opcode.has_exit() => self.member.exit_args(op),
                _ => continue,
            };
            for (slot, &arg) in args.iter().enumerate() {
                if self.is_home(arg, slot) {
                    self.ahead.wanted_until.insert(slot, at);
                }
            }
        }
    }

    /// Whether the operand is in that slot already: it came in there, or has been stored ahead.
    pub(super) fn is_in_slot(&self, operand: Operand, slot: usize) -> bool {
        self.is_home(operand, slot) || self.ahead.stored.get(&slot) == Some(&operand)
    }

    /// Forgets what has been stored.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead.stored.clear();
    }

    /// Stores what the guard's exit and those after it save.
    pub(super) fn store_ahead(&mut self, guard: &Op) {
        if self.ahead.end <= self.at {
            return;
        }
        for (slot, &arg) in self.member.exit_args(guard).iter().enumerate() {
            let wanted_until = self.ahead.wanted_until.get(&slot);
            let is_wanted = wanted_until.is_some_and(|&until| self.at <= until);
            if !is_wanted && !self.is_in_slot(arg, slot) && self.lasts(arg, slot, guard) {
                let value = self.slot_value(arg);
                self.store_slot(slot, value);
                self.ahead.stored.insert(slot, arg);
            }
        }
    }

    /// Whether the operand is to be in the slot at the next exits, or at the end.
    fn lasts(&self, operand: Operand, slot: usize, guard: &Op) -> bool {
        let (trace, exit) = (self.trace, guard.descr as usize);
        let is_there = |args: &[Operand]| args.get(slot) == Some(&operand);
        let leaves = trace.jump().filter(|_| self.member.foreign.is_some());
        if leaves.is_some_and(|jump| is_there(trace.args(jump))) {
            return true;
        }
        let ahead = trace.exits.get(exit + 1..=exit + LASTING);
        ahead.is_some_and(|exits| exits.iter().all(|exit| is_there(trace.exit_args(exit))))
    }
}

/// How many operations come before the loop that the trace ends in.
fn straight_part(trace: &Trace) -> usize {
    let target = trace.jump().map(Op::target);
    let is_loop = |op: &Op| op.opcode == Opcode::Label && Some(op.target()) == target;
    trace.ops.iter().position(is_loop).unwrap_or(trace.ops.len())
}
