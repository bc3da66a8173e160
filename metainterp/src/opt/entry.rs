//! Entering loops behind their preheader.
//!
//! A trace that ends with a jump to a loop has often computed, tested and loaded just before what the
//! loop's preheader will. So the jump is replaced by a copy of the preheader and a jump to the label
//! behind it, before the trace is optimized: the forward walk then takes out of the copy what is known,
//! and what the loop keeps in registers goes there straight from this trace's registers. Stores that the
//! loop would put off are put off past the jump (`forget_field`).
//!
//! The copy's exits begin the loop's lap anew, like those of the preheader itself: they hand back
//! the reds that the jump has.
//!
//! Source: RPython replays the short preamble of a loop in front of jumps to it for the same reason (Ardö,
//! Bolz, Fijałkowski, "Loop-aware optimizations in PyPy's tracing JIT", 2012).

use super::rewrite::Copier;
use crate::ir::{ExitId, Op, Opcode, Operand, Resume, Trace, ValueId};
use rustc_hash::FxHashMap;

/// Operations of a preheader that is copied at most.
const MAX_COPIED: usize = 64;

/// Values that a jump takes along at most.
const MAX_ARGS: usize = 32;

/// The label behind the preheader of an optimized loop, if it has one that is worth copying.
pub fn second_label(trace: &Trace) -> Option<usize> {
    let is_label = |op: &Op| op.opcode == Opcode::Label;
    let first = trace.ops.first().filter(|op| is_label(op))?;
    let at = 1 + trace.ops[1..].iter().position(is_label)?;
    let (label, first) = (&trace.ops[at], first.target());
    let is_behind = label.target() == first.behind_preheader();
    (is_behind && at <= MAX_COPIED && label.n_args() <= MAX_ARGS).then_some(at)
}

/// A recorded trace that ends with a jump to `entered`, an optimized loop with a preheader, with a jump
/// behind that.
///
/// Panics if the trace does not jump there, or the loop has no preheader.
pub fn behind_preheader(trace: &Trace, entered: &Trace) -> Trace {
    let label = second_label(entered).expect("the loop has a preheader");
    let (jump, ops) = trace.ops.split_last().expect("a trace has operations");
    assert_eq!((jump.opcode, jump.target()), (Opcode::Jump, entered.ops[0].target()));
    let mut copy = Copier::new(trace);
    ops.iter().for_each(|op| copy.copy(trace, op));
    let reds = trace.args(jump).iter().map(|&arg| copy.operand(arg)).collect();
    let n_exits = trace.exits.iter().map(|exit| exit.id.0 + 1).max().unwrap_or(0);
    let mut splice = Splice { entered, copy, map: FxHashMap::default(), reds, n_exits };
    splice.preheader(label);
    splice.copy.new.finish()
}

struct Splice<'t> {
    entered: &'t Trace,
    copy: Copier,
    /// Where values of the loop are.
    map: FxHashMap<ValueId, Operand>,
    reds: Vec<Operand>,
    n_exits: u32,
}

impl Splice<'_> {
    fn preheader(&mut self, label: usize) {
        let entered = self.entered;
        self.map.extend(entered.results(&entered.ops[0]).zip(self.reds.iter().copied()));
        for op in &entered.ops[1..label] {
            self.op(op);
        }
        let label = &entered.ops[label];
        let args = self.operands(entered.args(label));
        self.copy.push_jump(label.target(), &args);
    }

    fn op(&mut self, op: &Op) {
        let entered = self.entered;
        let args = self.operands(entered.args(op));
        let new = &mut self.copy.new;
        let descr = match op.opcode {
            Opcode::DebugMergePoint => {
                new.merge_point(entered.merge_points[op.descr as usize].clone())
            }
            Opcode::CallPure => new.call(entered.call(op).clone()),
            // That of the call, which was the last one.
            Opcode::CallResult => new.trace().calls.len() as u32 - 1,
            _ if op.opcode.has_mem() => new.mem(entered.mem(op).clone()),
            _ if op.opcode.has_exit() => {
                let merge_point = new.trace().merge_points.len() as u32 - 1;
                let resume = Resume { merge_point, ..entered.exit(op).resume };
                let id = ExitId(self.n_exits);
                self.n_exits += 1;
                new.exit(id, &self.reds, resume)
            }
            _ => op.descr,
        };
        match op.res() {
            Some(res) => {
                let result = new.push(op.opcode, &args, descr, entered.types[res.index()]);
                self.map.insert(res, result);
            }
            None => new.push_void(op.opcode, &args, descr),
        }
    }

    fn operands(&mut self, operands: &[Operand]) -> Vec<Operand> {
        let operand = |&operand: &Operand| match (operand.value(), self.entered.as_const(operand)) {
            (Some(value), _) => self.map[&value],
            (None, Some(constant)) => self.copy.new.constant(constant),
            (None, None) => unreachable!("an operand is a value or a constant"),
        };
        operands.iter().map(operand).collect()
    }
}
