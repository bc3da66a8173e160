//! What lowering must know about a trace before it emits the first instruction.
//!
//! One walk over the operations finds out which comparisons melt into their guard, where the labels
//! are, and whether the trace fits the backend at all. Every refusal is made here (or by Cranelift
//! itself), so that lowering cannot fail half way.
//!
//! Invariants
//! 1. A comparison in [`Analysis::fused`] has one use, and that is a guard's condition.
//! 2. Entry 0 starts the trace with its inputs. The labels have the entries from 1 on, but a label at
//!    the start that merely renames the inputs has entry 0 too.

use metainterp::backend::{CALL_WORDS, Refusal, VALUE_SLOTS};
use metainterp::ir::{Opcode, Operand, TargetId, Trace, Ty, ValueId};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// A label of the trace.
#[derive(Debug, Clone)]
pub(crate) struct LabelInfo {
    /// Its number.
    pub target: TargetId,
    /// Number of values that are defined before it: the number of its first result.
    pub first_value: u32,
    /// Number of arguments.
    pub n_args: u32,
    /// How other traces enter here.
    pub entry: u32,
}

/// The result of the walk.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    /// Per value: its comparison is emitted at the guard that tests it.
    pub fused: Vec<bool>,
    /// Per value: number of uses, saturating.
    pub uses: Vec<u8>,
    /// The labels, in order.
    pub labels: Vec<LabelInfo>,
    /// Index into `labels`.
    pub label_of: FxHashMap<TargetId, usize>,
}

/// A number that differs (but for bad luck) when lists of types differ. Code that passes values
/// through frame slots compares it where it is linked.
pub(crate) fn shape_hash(types: impl IntoIterator<Item = Ty>) -> u32 {
    let mut hasher = FxHasher::default();
    types.into_iter().for_each(|ty| ty.hash(&mut hasher));
    (hasher.finish() >> 32) as u32
}

impl Analysis {
    /// Walks over the trace.
    pub fn new(trace: &Trace) -> Result<Analysis, Refusal> {
        check_count("inputs", trace.n_inputs as usize, VALUE_SLOTS)?;
        let n_values = trace.types.len();
        let mut walk = Walk {
            trace,
            analysis: Analysis {
                fused: vec![false; n_values],
                uses: vec![0; n_values],
                ..Analysis::default()
            },
            defined: trace.n_inputs,
            next_entry: if starts_with_its_inputs(trace) { 0 } else { 1 },
        };
        for op in &trace.ops {
            walk.op(op)?;
        }
        Ok(walk.finish())
    }

    /// The label, if it is in this trace.
    pub fn label(&self, target: TargetId) -> Option<&LabelInfo> {
        self.label_of.get(&target).map(|&index| &self.labels[index])
    }
}

struct Walk<'a> {
    trace: &'a Trace,
    analysis: Analysis,
    /// Number of values defined so far.
    defined: u32,
    next_entry: u32,
}

impl Walk<'_> {
    fn op(&mut self, op: &metainterp::ir::Op) -> Result<(), Refusal> {
        let args = self.trace.args(op);
        check_op(self.trace, op)?;
        for &arg in args {
            self.use_operand(arg);
        }
        match op.opcode {
            Opcode::GuardTrue | Opcode::GuardFalse => self.test(args[0]),
            Opcode::Label => self.label(op),
            _ => {}
        }
        if op.opcode.has_exit() {
            for &arg in self.trace.exit_args(self.trace.exit(op)) {
                self.use_operand(arg);
            }
        }
        if let Some(last) = self.trace.results(op).last() {
            self.defined = last.0 + 1;
        }
        Ok(())
    }

    fn use_operand(&mut self, operand: Operand) {
        let Some(value) = operand.value() else { return };
        let uses = &mut self.analysis.uses[value.index()];
        *uses = uses.saturating_add(1);
    }

    /// Notes a guard's condition; `finish` drops those that have other uses.
    fn test(&mut self, operand: Operand) {
        if let Some(ValueId(value)) = operand.value() {
            self.analysis.fused[value as usize] = true;
        }
    }

    fn label(&mut self, op: &metainterp::ir::Op) {
        let info = LabelInfo {
            target: op.target(),
            first_value: self.defined,
            n_args: op.n_args() as u32,
            entry: self.next_entry,
        };
        self.next_entry += 1;
        self.analysis.label_of.insert(info.target, self.analysis.labels.len());
        self.analysis.labels.push(info);
    }

    fn finish(mut self) -> Analysis {
        let uses = &self.analysis.uses;
        for (fused, &uses) in self.analysis.fused.iter_mut().zip(uses) {
            *fused &= uses == 1;
        }
        self.analysis
    }
}

/// The trace begins with a label whose arguments are the inputs in order.
fn starts_with_its_inputs(trace: &Trace) -> bool {
    let first = trace.ops.iter().find(|op| op.opcode != Opcode::DebugMergePoint);
    first.is_some_and(|op| {
        op.opcode == Opcode::Label
            && trace.args(op).iter().copied().eq(trace.inputs().map(Operand::from))
    })
}

fn check_op(trace: &Trace, op: &metainterp::ir::Op) -> Result<(), Refusal> {
    match op.opcode {
        Opcode::Label => check_count("label arguments", op.n_args(), VALUE_SLOTS),
        Opcode::Jump => check_count("jump arguments", op.n_args(), VALUE_SLOTS),
        Opcode::Call | Opcode::CallPure => {
            check_count("call arguments", op.n_args() - 1, CALL_WORDS)
        }
        Opcode::CallResult => check_call_result(trace, trace.args(op)[0]),
        opcode if opcode.has_exit() => {
            check_count("exit arguments", trace.exit(op).args.len as usize, VALUE_SLOTS)
        }
        _ => Ok(()),
    }
}

fn check_call_result(trace: &Trace, word: Operand) -> Result<(), Refusal> {
    match trace.as_const(word) {
        Some(word) => check_count("call results", word.bits as usize + 1, CALL_WORDS),
        None => Err(Refusal::new("the number of a call result is not a constant")),
    }
}

fn check_count(what: &str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        return Err(Refusal::new(format!("{count} {what}, and there is room for {limit}")));
    }
    Ok(())
}
