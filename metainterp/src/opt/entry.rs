//! Entering loops behind their preheader.
//!
//! A trace that ends with a jump to a loop has often computed, tested and loaded just before what the
//! loop's preheader will. So the jump is replaced by a copy of the preheader and a jump to the label
//! behind it, before the trace is optimized: the forward walk then takes out of the copy what is known,
//! and what the loop keeps in registers goes there straight from this trace's registers. Stores that the
//! loop would put off are put off past the jump (`forget_field`).
//!
//! The copy's exits begin the loop's lap anew, like those of the preheader itself: they hand back
//! the reds that the jump has. Only that of a panic is the lap's own.
//!
//! Source: RPython replays the short preamble of a loop in front of jumps to it for the same reason (Ardö,
//! Bolz, Fijałkowski, "Loop-aware optimizations in PyPy's tracing JIT", 2012).

use crate::ir::{ExitId, Graft, Op, Opcode, Resume, Trace, TraceBuilder};

/// Operations of a preheader that is copied at most.
const MAX_COPIED: usize = 64;

/// Values that a jump takes along at most.
const MAX_ARGS: usize = 32;

/// The label behind the preheader of an optimized loop, if it has one.
pub fn label_behind(trace: &Trace) -> Option<usize> {
    let is_label = |op: &Op| op.opcode == Opcode::Label;
    let first = trace.ops.first().filter(|op| is_label(op))?;
    let at = 1 + trace.ops[1..].iter().position(is_label)?;
    (trace.ops[at].target() == first.target().behind_preheader()).then_some(at)
}

/// The same, if the preheader is worth copying.
pub fn second_label(trace: &Trace) -> Option<usize> {
    let is_short = |&at: &usize| at <= MAX_COPIED && trace.ops[at].n_args() <= MAX_ARGS;
    label_behind(trace).filter(is_short)
}

/// A recorded trace that ends with a jump to a loop of which `entered` is an optimized version with a preheader, with
/// a jump behind that.
///
/// Panics if the trace does not jump, or the version has no preheader.
pub fn behind_preheader(trace: &Trace, entered: &Trace) -> Trace {
    let label = second_label(entered).expect("the loop has a preheader");
    let jump = trace.jump().expect("a trace that leads to a loop");
    let reds = trace.args(jump).to_vec();
    let mut new = TraceBuilder::without_jump(trace);
    let values = entered.results(&entered.ops[0]).zip(reds.iter().copied());
    let mut graft = Graft::new(entered, values);
    let mut next_exit = trace.n_exit_ids();
    for op in &entered.ops[1..label] {
        let descr = match op.opcode {
            Opcode::DebugMergePoint => {
                new.merge_point(entered.merge_points[op.descr as usize].clone())
            }
            Opcode::CallPure => new.call(entered.call(op).clone()),
            // That of the call, which was the last one.
            Opcode::CallResult => new.trace().calls.len() as u32 - 1,
            _ if op.opcode.has_mem() => new.mem(entered.mem(op).clone()),
            _ if op.opcode.has_exit() => {
                let exit = entered.exit(op);
                let mut merge_point = new.trace().merge_points.len() as u32 - 1;
                let mut args = reds.clone();
                // A panic is the lap's own. There are no stores to make: what the exit has is what a bridge may know.
                if op.opcode == Opcode::GuardNoException {
                    let at = &entered.merge_points[exit.resume.merge_point as usize];
                    merge_point = new.merge_point(at.clone());
                    args = graft.operands(&mut new, entered.exit_values(exit));
                }
                let resume = Resume { merge_point, ..exit.resume };
                next_exit += 1;
                new.exit(ExitId(next_exit - 1), &args, resume)
            }
            _ => op.descr,
        };
        graft.push(&mut new, op, descr);
    }
    let args = graft.operands(&mut new, entered.args(&entered.ops[label]));
    new.push_void(Opcode::Jump, &args, entered.ops[label].target().0);
    new.finish()
}
