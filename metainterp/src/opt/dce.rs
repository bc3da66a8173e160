//! Pass `dce`, and the backward walk: removes operations whose results nobody uses.
//!
//! From the last operation to the first, an operation stays if it has an effect or if its result is
//! used by one that stays, arguments of exits included. Loads, pure operations and elidable calls
//! that cannot panic have no effect. Labels keep all their values, for traces that are compiled later
//! jump there with as many.
//!
//! The forward walk's dead stores are removed here too, also when the pass is left out.

use super::rewrite::{Copier, Forward};
use crate::ir::{Effect, Op, Opcode, Operand, Trace};

/// Removes the dead stores and, if `unused`, operations that nobody uses.
pub(super) fn backward(forward: Forward, unused: bool) -> Trace {
    let Forward { trace, dead } = forward;
    let mut keep = vec![true; trace.ops.len()];
    for store in dead {
        keep[store as usize] = false;
    }
    if unused {
        mark_unused(&trace, &mut keep);
    }
    if keep.iter().all(|&keep| keep) {
        return trace;
    }
    let mut copy = Copier::new(&trace);
    for (op, _) in trace.ops.iter().zip(keep).filter(|&(_, keep)| keep) {
        copy.copy(&trace, op);
    }
    copy.new.finish()
}

fn mark_unused(trace: &Trace, keep: &mut [bool]) {
    let mut used = vec![false; trace.types.len()];
    // A kept `call_result` needs its call, which is the next one on the way.
    let mut call_is_used = false;
    for (op, keep) in trace.ops.iter().zip(keep).rev() {
        let result_is_used = trace.results(op).any(|res| used[res.index()]);
        *keep &= has_effect(trace, op) || result_is_used || is_call(op) && call_is_used;
        match op.opcode {
            Opcode::CallResult => call_is_used |= *keep,
            _ if is_call(op) => call_is_used = false,
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

fn is_call(op: &Op) -> bool {
    matches!(op.opcode, Opcode::Call | Opcode::CallPure)
}

fn has_effect(trace: &Trace, op: &Op) -> bool {
    match op.opcode.effect() {
        Effect::Pure | Effect::PureChecked | Effect::Load => false,
        Effect::Call if op.opcode == Opcode::CallResult => false,
        Effect::Call if op.opcode == Opcode::CallPure => trace.call(op).can_panic,
        _ => true,
    }
}
