//! What the recorder knows since the last merge point, and cutting traces at merge points.

use crate::ir::{Effect, Operand, OperandKind, TargetId, Trace, TraceBuilder, ValueId};
use rustc_hash::FxHashMap;

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
    pub fn begin(&mut self, merge_point: u32, reds: Vec<Operand>, mark: Mark) {
        self.merge_point = merge_point;
        self.reds = reds;
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
pub(super) fn starting_at(trace: &Trace, header: &Header, target: TargetId) -> Trace {
    let mut builder = TraceBuilder::new("");
    let inputs: Vec<Operand> =
        header.reds.iter().map(|&red| builder.input(trace.types[red.index()]).into()).collect();
    let first = builder.push_label(target, &inputs);
    let mut map: FxHashMap<ValueId, Operand> = FxHashMap::default();
    for (i, &red) in header.reds.iter().enumerate() {
        map.insert(red, ValueId(first.0 + i as u32).into());
    }
    Copier { trace, builder, map }.copy(header.first_op)
}

struct Copier<'a> {
    trace: &'a Trace,
    builder: TraceBuilder,
    map: FxHashMap<ValueId, Operand>,
}

impl Copier<'_> {
    fn copy(mut self, first_op: usize) -> Trace {
        let trace = self.trace;
        self.builder.merge_points_of(trace);
        for call in &trace.calls {
            self.builder.call(call.clone());
        }
        let mut args = Vec::new();
        for op in &trace.ops[first_op..] {
            args.clear();
            args.extend(trace.args(op).iter().map(|&arg| self.operand(arg)));
            let descr = if op.opcode.has_exit() {
                let exit = trace.exit(op);
                let exit_args: Vec<Operand> =
                    trace.exit_args(exit).iter().map(|&arg| self.operand(arg)).collect();
                let id = super::next_exit(&self.builder);
                self.builder.exit(id, &exit_args, exit.resume)
            } else if op.opcode.has_mem() {
                self.builder.mem(trace.mem(op).clone())
            } else {
                op.descr
            };
            match op.res() {
                Some(res) => {
                    let new = self.builder.push(op.opcode, &args, descr, trace.types[res.index()]);
                    self.map.insert(res, new);
                }
                None => self.builder.push_void(op.opcode, &args, descr),
            }
        }
        self.builder.finish()
    }

    fn operand(&mut self, operand: Operand) -> Operand {
        match operand.kind() {
            OperandKind::Const(c) => self.builder.constant(self.trace.consts[c as usize]),
            OperandKind::Value(v) => *self.map.get(&v).unwrap_or_else(|| {
                panic!("value {} from before the merge point is used behind it", v.0)
            }),
        }
    }
}
