//! Operations of one trace, appended to another that is being built.
//!
//! Values of the first have other numbers in the second, and so have constants and descriptors; who
//! appends an operation says what its descriptor is there, since exits, calls and merge points mean
//! something else in each case.

use super::{Op, Opcode, Operand, OperandKind, TargetId, Trace, TraceBuilder, ValueId};
use rustc_hash::FxHashMap;

/// Where the values of a trace are in another.
pub(crate) struct Graft<'t> {
    from: &'t Trace,
    map: FxHashMap<ValueId, Operand>,
}

impl<'t> Graft<'t> {
    /// A part of `from` that uses these values from before it.
    pub fn new(from: &'t Trace, values: impl IntoIterator<Item = (ValueId, Operand)>) -> Graft<'t> {
        Graft { from, map: values.into_iter().collect() }
    }

    /// Operands as they are in the new trace.
    ///
    /// Panics if a value is not known there.
    pub fn operands(&self, to: &mut TraceBuilder, operands: &[Operand]) -> Vec<Operand> {
        let operand = |&operand: &Operand| match operand.kind() {
            OperandKind::Const(c) => to.constant(self.from.consts[c as usize]),
            OperandKind::Value(v) => *self
                .map
                .get(&v)
                .unwrap_or_else(|| panic!("value {} from before the part is used in it", v.0)),
        };
        operands.iter().map(operand).collect()
    }

    /// Appends an operation with this descriptor.
    pub fn push(&mut self, to: &mut TraceBuilder, op: &Op, descr: u32) {
        let args = self.operands(to, self.from.args(op));
        match op.res() {
            _ if op.opcode == Opcode::Label => {
                let first = to.push_label(TargetId(descr), &args);
                let results = (first.0..).map(|value| Operand::from(ValueId(value)));
                self.map.extend(self.from.results(op).zip(results));
            }
            Some(res) => {
                let new = to.push(op.opcode, &args, descr, self.from.types[res.index()]);
                self.map.insert(res, new);
            }
            None => to.push_void(op.opcode, &args, descr),
        }
    }
}
