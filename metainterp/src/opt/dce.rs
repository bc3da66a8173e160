//! Pass `dce`, and the backward walk: removes operations whose results nobody uses.
//!
//! From the last operation to the first, an operation stays if it has an effect or if its result is
//! used by one that stays, arguments of exits included. Loads, pure operations and elidable calls
//! that cannot panic have no effect. Labels keep all their values, for traces that are compiled later
//! jump there with as many.
//!
//! The forward walk's dead stores are removed here too, also when the pass is left out.

use super::rewrite::{Copier, Forward};
use crate::ir::{Effect, Op, Opcode, Operand, Trace, ValueId};

/// Most values that a loop takes along from its preheader. More, and it gets none.
const MAX_CARRIED: usize = 200;

/// Removes the dead stores and, if `unused`, operations that nobody uses. `None` if the trace is a loop that
/// needs too many values from its preheader.
pub(super) fn backward(forward: Forward, unused: bool) -> Option<Trace> {
    let Forward { trace, dead, second_label, .. } = forward;
    let mut keep = vec![true; trace.ops.len()];
    for store in dead {
        keep[store as usize] = false;
    }
    if let Some(label) = second_label {
        return loop_behind(&trace, label, keep, unused);
    }
    if unused {
        mark_unused(&trace, &mut keep);
    }
    if keep.iter().all(|&keep| keep) {
        return Some(trace);
    }
    let mut copy = Copier::new(&trace);
    for (op, _) in trace.ops.iter().zip(keep).filter(|&(_, keep)| keep) {
        copy.copy(&trace, op);
    }
    Some(copy.new.finish())
}

/// The same for a loop with a preheader, whose second label gets the values that the loop uses.
fn loop_behind(trace: &Trace, label: usize, mut keep: Vec<bool>, unused: bool) -> Option<Trace> {
    let uses = Uses::of(trace, label, &mut keep, unused);
    let label_op = &trace.ops[label];
    let carried = carried(trace, label, &keep, &uses);
    let results: Vec<ValueId> = trace.results(label_op).collect();
    let used: Vec<usize> =
        (0..results.len()).filter(|&at| uses.used[results[at].index()]).collect();
    if MAX_CARRIED < used.len() + carried.len() {
        return None;
    }
    let mut copy = Copier::new(trace);
    let copy_all = |copy: &mut Copier, ops: std::ops::Range<usize>| {
        for at in ops.filter(|&at| keep[at]) {
            copy.copy(trace, &trace.ops[at]);
        }
    };
    copy_all(&mut copy, 0..label);
    let varying = |copy: &Copier, args: &[Operand]| -> Vec<Operand> {
        used.iter().map(|&at| copy.operand(args[at])).collect()
    };
    let carried_now = |copy: &Copier| -> Vec<Operand> {
        carried.iter().map(|&value| copy.operand(value.into())).collect()
    };
    // Carried values first: among them are the reds that never change, which machine code finds
    // in their places then.
    let mut args = carried_now(&copy);
    args.extend(varying(&copy, trace.args(label_op)));
    let target = label_op.target();
    let first = copy.new.push_label(target, &args);
    let values = carried.iter().copied().chain(used.iter().map(|&at| results[at]));
    for (at, value) in values.enumerate() {
        copy.define(value, ValueId(first.0 + at as u32).into());
    }
    let last = trace.ops.len() - 1;
    copy_all(&mut copy, label + 1..last);
    let mut args = carried_now(&copy);
    args.extend(varying(&copy, trace.args(&trace.ops[last])));
    copy.push_jump(target, &args);
    Some(copy.new.finish())
}

/// The values from before the label that are used behind it, those of exits first, in their order.
fn carried(trace: &Trace, label: usize, keep: &[bool], uses: &Uses) -> Vec<ValueId> {
    let first = uses.first_behind;
    let mut seen = vec![false; first as usize];
    let mut carried = Vec::new();
    let mut take = |operands: &[Operand]| {
        for value in operands.iter().filter_map(|it| it.value()).filter(|it| it.0 < first) {
            if !std::mem::replace(&mut seen[value.index()], true) {
                carried.push(value);
            }
        }
    };
    let last = trace.ops.len() - 1;
    let behind = || (label + 1..last).filter(|&at| keep[at]).map(|at| &trace.ops[at]);
    for op in behind().filter(|op| op.opcode.has_exit()) {
        take(trace.exit_args(trace.exit(op)));
    }
    behind().for_each(|op| take(trace.args(op)));
    let jump = trace.args(&trace.ops[last]);
    for (result, &arg) in trace.results(&trace.ops[label]).zip(jump) {
        if uses.used[result.index()] {
            take(&[arg]);
        }
    }
    carried
}

/// What is used, followed from the operations with effects to the values that they need, through the
/// second label: an argument is used if its result is.
struct Uses<'t> {
    trace: &'t Trace,
    label: usize,
    /// The number of the first value that is not from before the second label.
    first_behind: u32,
    used: Vec<bool>,
    /// By value: the operation that defines it.
    defs: Vec<usize>,
    open: Vec<ValueId>,
}

const NO_DEF: usize = usize::MAX;

impl<'t> Uses<'t> {
    fn of(trace: &'t Trace, label: usize, keep: &mut [bool], unused: bool) -> Uses<'t> {
        let mut defs = vec![NO_DEF; trace.types.len()];
        let mut first_behind = trace.n_inputs;
        for (at, op) in trace.ops.iter().enumerate() {
            for res in trace.results(op) {
                defs[res.index()] = at;
                if at < label {
                    first_behind = res.0 + 1;
                }
            }
        }
        // Between may be numbers of objects that are not allocated.
        if let Some(first) = trace.results(&trace.ops[label]).next() {
            first_behind = first.0;
        }
        let used = vec![false; trace.types.len()];
        let mut uses = Uses { trace, label, first_behind, used, defs, open: Vec::new() };
        let last = trace.ops.len() - 1;
        let wanted: Vec<bool> = std::iter::zip(&trace.ops, &*keep)
            .enumerate()
            .map(|(at, (op, &keep))| keep && at != last && (!unused || has_effect(trace, op)))
            .collect();
        keep.fill(false);
        for at in (0..wanted.len()).filter(|&at| wanted[at]) {
            uses.need(at, keep);
        }
        if !unused {
            uses.open.extend(trace.results(&trace.ops[label]));
        }
        while let Some(value) = uses.open.pop() {
            uses.follow(value, keep);
        }
        uses
    }

    fn need(&mut self, at: usize, keep: &mut [bool]) {
        if at == self.label || std::mem::replace(&mut keep[at], true) {
            return;
        }
        let op = &self.trace.ops[at];
        self.open.extend(self.trace.args(op).iter().filter_map(|arg| arg.value()));
        if op.opcode.has_exit() {
            let args = self.trace.exit_args(self.trace.exit(op));
            self.open.extend(args.iter().filter_map(|arg| arg.value()));
        }
        if op.opcode == Opcode::CallResult {
            self.need(at - 1, keep);
        }
    }

    fn follow(&mut self, value: ValueId, keep: &mut [bool]) {
        if std::mem::replace(&mut self.used[value.index()], true) {
            return;
        }
        let def = self.defs[value.index()];
        if def == self.label {
            let at = (value.0 - self.first_behind) as usize;
            let last = self.trace.ops.len() - 1;
            for op in [&self.trace.ops[self.label], &self.trace.ops[last]] {
                self.open.extend(self.trace.args(op)[at].value());
            }
        } else if def != NO_DEF {
            self.need(def, keep);
        }
    }
}

fn mark_unused(trace: &Trace, keep: &mut [bool]) {
    let mut used = vec![false; trace.types.len()];
    // A kept `call_result` needs its call, which is the next one on the way.
    let mut call_is_used = false;
    for (op, keep) in trace.ops.iter().zip(keep).rev() {
        let result_is_used = trace.results(op).any(|res| used[res.index()]);
        *keep &= has_effect(trace, op) || result_is_used || op.opcode.is_call() && call_is_used;
        match op.opcode {
            Opcode::CallResult => call_is_used |= *keep,
            _ if op.opcode.is_call() => call_is_used = false,
            _ => {}
        }
        if *keep {
            use_all(trace.args(op), &mut used);
            if op.opcode.has_exit() {
                use_all(trace.exit_args(trace.exit(op)), &mut used);
            }
        }
    }
}

fn use_all(operands: &[Operand], used: &mut [bool]) {
    for value in operands.iter().filter_map(|operand| operand.value()) {
        used[value.index()] = true;
    }
}

fn has_effect(trace: &Trace, op: &Op) -> bool {
    match op.opcode.effect() {
        Effect::Pure | Effect::PureChecked | Effect::Load => false,
        Effect::Call if op.opcode == Opcode::CallResult => false,
        Effect::Call if op.opcode == Opcode::CallPure => trace.call(op).can_panic,
        _ => true,
    }
}
