//! What lowering must know about a trace before it emits the first instruction.
//!
//! A walk forwards finds the labels and refuses what does not fit the backend, so that lowering
//! cannot fail half way. A walk backwards counts uses: what is not used is not computed, and a
//! comparison that only a guard uses melts into it.
//!
//! **Homes.** Values come in by the frame's slots and go out by them, and interpreters keep their
//! locals in place. So a value that lies in slot `k` already costs nothing where it must lie in
//! slot `k` again: no store, and, if nothing else uses it, no load and no register. The inputs have
//! homes, up to the first label, and so have the arguments of a loop's label that its jump passes
//! on unchanged. Exits and jumps to other traces are the only ones that write slots, and the trace
//! ends there.
//!
//! Invariants
//! 1. A comparison in [`Analysis::fused`] has one use, and that is a guard's condition.
//! 2. Entry 0 starts the trace with its inputs. The labels have the entries from 1 on, but a label
//!    at the start that merely renames the inputs has entry 0 too.
//! 3. A value with a home is in that slot wherever it can be used.

use metainterp::backend::{CALL_WORDS, Refusal, VALUE_SLOTS};
use metainterp::ir::{Effect, Op, Opcode, Operand, TargetId, Trace, Ty, ValueId};
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

impl LabelInfo {
    /// The results.
    pub fn values(&self) -> impl ExactSizeIterator<Item = ValueId> + use<> {
        (self.first_value..self.first_value + self.n_args).map(ValueId)
    }
}

/// What there is to know.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    /// Per value: its comparison is emitted at the guard that tests it.
    fused: Vec<bool>,
    /// Per value: number of uses that need it in a register, saturating.
    uses: Vec<u8>,
    /// The labels, in order.
    pub labels: Vec<LabelInfo>,
    /// Index into `labels`.
    label_of: FxHashMap<TargetId, usize>,
    n_inputs: u32,
    /// Per argument of the last label: the loop never changes it.
    invariant: Vec<bool>,
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
        let mut analysis = Analysis {
            fused: vec![false; trace.types.len()],
            uses: vec![0; trace.types.len()],
            n_inputs: trace.n_inputs,
            ..Analysis::default()
        };
        analysis.find_labels(trace)?;
        analysis.find_invariants(trace);
        for op in trace.ops.iter().rev() {
            analysis.count_uses(trace, op);
        }
        for (fused, &uses) in analysis.fused.iter_mut().zip(&analysis.uses) {
            *fused &= uses == 1;
        }
        Ok(analysis)
    }

    /// The label's index in `labels`, if it is in this trace.
    pub fn label_index(&self, target: TargetId) -> Option<usize> {
        self.label_of.get(&target).copied()
    }

    /// Whether something needs the value in a register.
    pub fn is_used(&self, value: ValueId) -> bool {
        self.uses[value.index()] > 0
    }

    /// Whether its guard makes the comparison that the value is.
    pub fn is_fused(&self, value: ValueId) -> bool {
        self.fused[value.index()]
    }

    /// Whether the operand is in that slot already.
    pub fn is_home(&self, operand: Operand, slot: usize) -> bool {
        operand.value().and_then(|value| self.home(value)) == Some(slot as u32)
    }

    /// Whether the slot is the home of a label's argument, so that coming to the label fills it.
    pub fn fills_home(&self, label: &LabelInfo, arg: usize) -> bool {
        self.home(ValueId(label.first_value + arg as u32)).is_some()
    }

    /// The slot that the value is in.
    fn home(&self, value: ValueId) -> Option<u32> {
        if value.0 < self.n_inputs {
            return Some(value.0);
        }
        let arg = value.0.checked_sub(self.labels.last()?.first_value)?;
        self.invariant.get(arg as usize).is_some_and(|&invariant| invariant).then_some(arg)
    }

    fn find_labels(&mut self, trace: &Trace) -> Result<(), Refusal> {
        let mut defined = trace.n_inputs;
        let mut entry = if starts_with_its_inputs(trace) { 0 } else { 1 };
        for op in &trace.ops {
            check_op(trace, op)?;
            if op.opcode == Opcode::Label {
                let (target, n_args) = (op.target(), op.n_args() as u32);
                self.label_of.insert(target, self.labels.len());
                self.labels.push(LabelInfo { target, first_value: defined, n_args, entry });
                entry += 1;
            }
            if let Some(last) = trace.results(op).last() {
                defined = last.0 + 1;
            }
        }
        Ok(())
    }

    // What is defined before a label cannot be used behind it. So only a jump to the last label can
    // pass on an argument of that label as it is.
    fn find_invariants(&mut self, trace: &Trace) {
        let Some(jump) = trace.ops.last().filter(|op| op.opcode == Opcode::Jump) else { return };
        let last = self.labels.last().filter(|label| label.target == jump.target());
        let Some(label) = last else { return };
        let unchanged = |(value, &arg): (ValueId, &Operand)| arg == Operand::from(value);
        self.invariant = label.values().zip(trace.args(jump)).map(unchanged).collect();
    }

    fn count_uses(&mut self, trace: &Trace, op: &Op) {
        let args = trace.args(op);
        match op.opcode {
            Opcode::Label => return self.count_label(args, op.target()),
            Opcode::Jump => self.count_moved(args),
            _ if self.is_dead(op) => return,
            _ => args.iter().for_each(|&arg| self.count(arg)),
        }
        if op.opcode.has_exit() {
            self.count_moved(trace.exit_args(trace.exit(op)));
        }
        if let (Opcode::GuardTrue | Opcode::GuardFalse, Some(value)) = (op.opcode, args.first()) {
            self.test(*value);
        }
    }

    /// Has no effects, and no use: the walk goes backwards and has seen them all.
    fn is_dead(&self, op: &Op) -> bool {
        let effect = op.opcode.effect();
        matches!(effect, Effect::Pure | Effect::PureChecked | Effect::Load)
            && op.res().is_some_and(|res| !self.is_used(res))
    }

    fn count(&mut self, operand: Operand) {
        let Some(value) = operand.value() else { return };
        let uses = &mut self.uses[value.index()];
        *uses = uses.saturating_add(1);
    }

    /// Counts what does not lie where it must come to lie.
    fn count_moved(&mut self, args: &[Operand]) {
        for (slot, &arg) in args.iter().enumerate() {
            if !self.is_home(arg, slot) {
                self.count(arg);
            }
        }
    }

    fn count_label(&mut self, args: &[Operand], target: TargetId) {
        let label = self.labels[self.label_of[&target]].clone();
        for (slot, (&arg, value)) in args.iter().zip(label.values()).enumerate() {
            let is_stored = self.fills_home(&label, slot) && !self.is_home(arg, slot);
            if is_stored || self.is_used(value) {
                self.count(arg);
            }
        }
    }

    /// Notes a guard's condition; those that have other uses are dropped in the end.
    fn test(&mut self, operand: Operand) {
        if let Some(value) = operand.value() {
            self.fused[value.index()] = true;
        }
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

fn check_op(trace: &Trace, op: &Op) -> Result<(), Refusal> {
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
