//! What the recorder knows since the last merge point, and cutting traces at merge points.

use crate::ir::{Effect, Graft, Operand, TargetId, Trace, TraceBuilder, ValueId};

/// From the last merge point to here.
#[derive(Debug, Default)]
pub(super) struct Region {
    pub merge_point: u32,
    pub reds: Vec<Operand>,
    /// Results of loads and calls, in order.
    pub results: Vec<Operand>,
    /// Something visible has happened: an exit cannot rewind.
    pub dirty: bool,
    pub mark: Mark,
}

impl Region {
    /// The reds have been put into `reds`.
    pub fn begin(&mut self, merge_point: u32, mark: Mark) {
        self.merge_point = merge_point;
        self.results.clear();
        self.dirty = false;
        self.mark = mark;
    }
}

/// A length of a trace under construction, to go back to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    ops: usize,
    exits: usize,
    types: usize,
}

impl Mark {
    pub fn here(builder: &TraceBuilder) -> Mark {
        let trace = builder.trace();
        Mark { ops: trace.ops.len(), exits: trace.exits.len(), types: trace.types.len() }
    }

    /// Only debug operations are before this.
    pub fn is_start_of(self, builder: &TraceBuilder) -> bool {
        let before = &builder.trace().ops[..self.ops.min(builder.trace().ops.len())];
        before.iter().all(|op| op.opcode.effect() == Effect::Debug)
    }

    pub fn truncate(self, builder: &mut TraceBuilder) {
        builder.truncate(self.ops, self.exits, self.types);
    }
}

/// A loop header that the trace passed.
#[derive(Debug)]
pub(super) struct Header {
    pub greens: Box<[u64]>,
    /// Index of the first operation behind it.
    pub first_op: usize,
    /// The reds there; distinct.
    pub reds: Vec<ValueId>,
}

/// The part of `trace` from a header on, with the header's reds as inputs and a label in front.
///
/// All that lives at a merge point is greens and reds, so nothing else of the part before is used.
pub(super) fn starting_at(trace: Trace, header: &Header, target: TargetId) -> Trace {
    if header.first_op == 0 {
        debug_assert!(header.reds.iter().copied().eq(trace.inputs()), "the trace's own start");
        return trace.with_label(target);
    }
    let mut builder = TraceBuilder::new("");
    let inputs: Vec<Operand> =
        header.reds.iter().map(|&red| builder.input(trace.types[red.index()]).into()).collect();
    let first = builder.push_label(target, &inputs);
    builder.merge_points_of(&trace);
    for call in &trace.calls {
        builder.call(call.clone());
    }
    let results = (first.0..).map(|value| Operand::from(ValueId(value)));
    let mut graft = Graft::new(&trace, header.reds.iter().copied().zip(results));
    for op in &trace.ops[header.first_op..] {
        let descr = if op.opcode.has_exit() {
            let exit = trace.exit(op);
            let args = graft.operands(&mut builder, trace.exit_args(exit));
            let id = super::next_exit(&builder);
            builder.exit(id, &args, exit.resume)
        } else if op.opcode.has_mem() {
            builder.mem(trace.mem(op).clone())
        } else {
            op.descr
        };
        graft.push(&mut builder, op, descr);
    }
    builder.finish()
}
