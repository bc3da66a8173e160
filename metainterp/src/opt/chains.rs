//! Chains of additions: what is known last is added last.
//!
//! `(x + a) + b` is known two additions after `x`, and `x + (a + b)` one. Guests that hash or sum up make long
//! chains of which each link is two or three operations, and a processor that has nothing else to do waits
//! for each of them. So where `x` is the last to be known of three operands, it is exchanged with the one that
//! is added second. There are as many operations as before, in the same places; nobody but the
//! second addition may ask for the first. What holds of additions holds of everything that may be bracketed and
//! turned round at will.
//!
//! How late a value is known is the length of the longest way that leads to it, in cycles. A value of a loop's
//! label is as late as what the jump passes for it, which a first walk finds out, so that a sum that goes
//! through all laps counts as what it is: later than all else. What comes from before the loop is there already.
//!
//! Why not longer chains at once, as trees of the least height? They would need places to move operations to.
//! From link to link, two at a time make a chain short enough.

use crate::ir::Opcode::{self, *};
use crate::ir::{Effect, Op, Operand, Trace, ValueId};

/// Shortens the chains of a trace.
pub(super) fn shorten(trace: &mut Trace) {
    let mut chains = Chains::of(trace);
    // Most traces have no chain.
    if !(0..trace.ops.len()).any(|at| chains.link(trace, at).is_some()) {
        return;
    }
    if let Some(label) = chains.loop_label {
        for at in label..trace.ops.len() {
            chains.pass(trace, at);
        }
        chains.carry_round(trace, label);
    }
    for at in 0..trace.ops.len() {
        if Some(at) == chains.loop_label {
            chains.enter_loop(trace, at);
            continue;
        }
        chains.exchange(trace, at);
        chains.pass(trace, at);
    }
}

/// What a value is not defined by.
const NO_OP: u32 = u32::MAX;

struct Chains {
    /// By value: how late it is known.
    late: Vec<u32>,
    /// By value: the operation that defines it.
    defs: Vec<u32>,
    /// By value: in how many places its number is written; two stands for more.
    n_uses: Vec<u8>,
    /// The label that the trace's jump leads back to.
    loop_label: Option<usize>,
    /// Of each of this label's results, how late it is.
    carried: Vec<u32>,
}

impl Chains {
    fn of(trace: &Trace) -> Chains {
        let n_values = trace.types.len();
        let (mut defs, mut n_uses) = (vec![NO_OP; n_values], vec![0u8; n_values]);
        for (at, op) in trace.ops.iter().enumerate() {
            trace.results(op).for_each(|res| defs[res.index()] = at as u32);
        }
        // Exits may share what they save, but operations have their operands to themselves. What is in the pool
        // without being anybody's may be of values that there are not any more.
        for value in trace.pool.iter().filter_map(|operand| operand.value()) {
            if let Some(n) = n_uses.get_mut(value.index()) {
                *n = (*n + 1).min(2);
            }
        }
        let target = trace.jump().map(Op::target);
        let is_target = |op: &Op| op.opcode == Label && Some(op.target()) == target;
        let loop_label = trace.ops.iter().position(is_target);
        Chains { late: vec![0; n_values], defs, n_uses, loop_label, carried: Vec::new() }
    }

    fn late(&self, operand: Operand) -> u32 {
        operand.value().map_or(0, |value| self.late[value.index()])
    }

    /// Notes how late the results of an operation are.
    fn pass(&mut self, trace: &Trace, at: usize) {
        let op = &trace.ops[at];
        let args = trace.args(op);
        if op.opcode == Label {
            for (res, &arg) in trace.results(op).zip(args) {
                self.late[res.index()] = self.late(arg);
            }
        } else if let Some(res) = op.res() {
            let latest = args.iter().map(|&arg| self.late(arg)).max().unwrap_or(0);
            self.late[res.index()] = latest.saturating_add(latency(op.opcode));
        }
    }

    /// Behind the first walk through a lap.
    fn carry_round(&mut self, trace: &Trace, label: usize) {
        let jump = trace.jump().expect("it leads to the label");
        self.carried = trace.args(jump).iter().map(|&arg| self.late(arg)).collect();
        debug_assert_eq!(self.carried.len(), trace.results(&trace.ops[label]).count());
        self.late.fill(0);
    }

    fn enter_loop(&mut self, trace: &Trace, label: usize) {
        self.late.fill(0);
        for (res, &late) in trace.results(&trace.ops[label]).zip(&self.carried) {
            self.late[res.index()] = late;
        }
    }

    /// Exchanges an operand of the first of two operations with one of the second, where the latest of all three
    /// is among the first's.
    fn exchange(&self, trace: &mut Trace, second: usize) {
        let Some((first, inner, c)) = self.link(trace, second) else { return };
        let &[a, b] = trace.args(&trace.ops[first]) else { return };
        let (latest, other) = if self.late(a) < self.late(b) { (b, a) } else { (a, b) };
        let is_defined = |value: ValueId| {
            self.defs[value.index()] == NO_OP || self.defs[value.index()] < first as u32
        };
        if self.late(latest) <= self.late(c) || !c.value().is_none_or(is_defined) {
            return;
        }
        // Constants stay behind values.
        let pair = if other.value().is_none() { [c, other] } else { [other, c] };
        trace.args_mut(first).copy_from_slice(&pair);
        trace.args_mut(second).copy_from_slice(&[latest, inner]);
    }

    /// If an operand of an operation is the result of another one of the same kind, and of no use otherwise: that
    /// operation, its result and the other operand.
    fn link(&self, trace: &Trace, second: usize) -> Option<(usize, Operand, Operand)> {
        let op = &trace.ops[second];
        let &[a, b] = trace.args(op) else { return None };
        if !is_associative(op.opcode) {
            return None;
        }
        [(a, b), (b, a)].into_iter().find_map(|(inner, other)| {
            let value = inner.value().filter(|value| self.n_uses[value.index()] == 1)?;
            let first = self.defs[value.index()] as usize;
            let is_same = trace.ops.get(first)?.opcode == op.opcode;
            is_same.then_some((first, inner, other))
        })
    }
}

/// Operands may be exchanged and bracketed in any way.
fn is_associative(opcode: Opcode) -> bool {
    matches!(opcode, IntAdd | IntMul | IntAnd | IntOr | IntXor)
}

/// Cycles from the latest operand to the result, roughly, on machines of today.
fn latency(opcode: Opcode) -> u32 {
    match opcode.effect() {
        Effect::Load => 4,
        Effect::Call => 30,
        _ => match opcode {
            IntMul | IntMulHigh | UintMulHigh => 3,
            IntDiv | IntMod | UintDiv | UintMod | FloatTruediv => 12,
            FloatAdd | FloatSub | FloatMul => 4,
            _ => 1,
        },
    }
}
