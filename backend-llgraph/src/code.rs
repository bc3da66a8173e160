//! A trace prepared for execution: every operand is an index into one vector of words.
//!
//! The vector holds the trace's values first and its constants behind them, so an operand is read
//! the same way whatever it is. Types and descriptors are looked up here, once.

use metainterp::ir::{
    Effect, ExitId, Op, Opcode, Operand, OperandKind, TargetId, Trace, Ty, ValueId,
};
use std::cell::RefCell;
use std::ops::Range;

/// An index into the words of an execution.
pub(crate) type Word = u32;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) opcode: Opcode,
    pub(crate) effect: Effect,
    /// The first operand's type.
    pub(crate) ty: Ty,
    /// The result's type.
    pub(crate) res_ty: Ty,
    /// The first operands; more are in [`Code::pool`].
    pub(crate) args: [Word; 3],
    /// All operands, in the pool.
    pub(crate) rest: Range<u32>,
    /// The first result.
    pub(crate) res: Word,
    /// As [`Op::descr`]; of a label, or a jump to one of the same trace, the index into [`Code::labels`].
    pub(crate) descr: u32,
    /// Of a jump: it leads to another trace.
    pub(crate) leaves: bool,
}

/// What an exit saves.
#[derive(Debug)]
pub(crate) struct SavedExit {
    pub(crate) id: ExitId,
    pub(crate) args: Vec<Word>,
}

/// A compiled trace.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) steps: Vec<Step>,
    pub(crate) pool: Vec<Word>,
    pub(crate) consts: Vec<u64>,
    pub(crate) exits: Vec<SavedExit>,
    /// Target, index into `steps`, first result and number of results.
    pub(crate) labels: Vec<(TargetId, usize, Range<u32>)>,
    /// What loads from frozen memory have seen, by address.
    pub(crate) frozen: RefCell<rustc_hash::FxHashMap<(u64, Ty), u64>>,
    /// The trace, for messages and descriptors.
    pub(crate) trace: Trace,
}

impl Code {
    /// Prepares a trace that has passed the verifier.
    pub(crate) fn new(trace: &Trace) -> Code {
        check_exits(trace);
        let mut code = Code {
            steps: Vec::with_capacity(trace.ops.len()),
            pool: Vec::with_capacity(trace.pool.len()),
            consts: trace.consts.iter().map(|c| c.bits).collect(),
            exits: Vec::with_capacity(trace.exits.len()),
            labels: Vec::new(),
            frozen: RefCell::default(),
            trace: trace.clone(),
        };
        for exit in &trace.exits {
            let args = trace.exit_args(exit).iter().map(|&arg| code.word(arg)).collect();
            code.exits.push(SavedExit { id: exit.id, args });
        }
        trace.ops.iter().for_each(|op| code.step(op));
        code
    }

    fn step(&mut self, op: &Op) {
        let trace = &self.trace;
        let words: Vec<Word> = trace.args(op).iter().map(|&arg| self.word(arg)).collect();
        let mut args = [0; 3];
        args.iter_mut().zip(&words).for_each(|(arg, &word)| *arg = word);
        let first_ty = trace.args(op).first().map_or(Ty::I64, |&arg| trace.ty(arg));
        let res = trace.results(op).next().unwrap_or(ValueId(0));
        let start = self.pool.len() as u32;
        let mut step = Step {
            opcode: op.opcode,
            effect: op.opcode.effect(),
            ty: first_ty,
            res_ty: op.res().map_or(Ty::I64, |res| trace.types[res.index()]),
            args,
            rest: start..start + words.len() as u32,
            res: res.0,
            descr: op.descr,
            leaves: false,
        };
        if op.opcode == Opcode::Label {
            let results = res.0..res.0 + words.len() as u32;
            step.descr = self.labels.len() as u32;
            self.labels.push((TargetId(op.descr), self.steps.len(), results));
        }
        if op.opcode == Opcode::Jump {
            match self.own_label(TargetId(op.descr)) {
                Some(label) => step.descr = label as u32,
                None => step.leaves = true,
            }
        }
        self.pool.extend(words);
        self.steps.push(step);
    }

    fn word(&self, operand: Operand) -> Word {
        match operand.kind() {
            OperandKind::Value(value) => value.0,
            OperandKind::Const(index) => self.trace.types.len() as u32 + index,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.trace.name
    }

    pub(crate) fn input_types(&self) -> Vec<Ty> {
        self.trace.types[..self.trace.n_inputs as usize].to_vec()
    }

    pub(crate) fn label_types(&self, label: usize) -> &[Ty] {
        let results = &self.labels[label].2;
        &self.trace.types[results.start as usize..results.end as usize]
    }

    pub(crate) fn exit_types(&self, exit: usize) -> Vec<Ty> {
        let exit = &self.trace.exits[exit];
        self.trace.exit_args(exit).iter().map(|&arg| self.trace.ty(arg)).collect()
    }

    /// The index of an own label.
    fn own_label(&self, target: TargetId) -> Option<usize> {
        self.labels.iter().position(|label| label.0 == target)
    }

    /// The target and the types of the jump at the end, if it leads to another trace.
    pub(crate) fn outside_jump(&self, trace: &Trace) -> Option<(TargetId, Vec<Ty>)> {
        let jump = trace.jump()?;
        let target = TargetId(jump.descr);
        match self.own_label(target) {
            Some(_) => None,
            None => Some((target, trace.args(jump).iter().map(|&arg| trace.ty(arg)).collect())),
        }
    }
}

/// The contract on exits: values only, each once.
fn check_exits(trace: &Trace) {
    for exit in &trace.exits {
        let mut args = trace.exit_args(exit).to_vec();
        let constant = args.iter().any(|arg| arg.is_const());
        args.sort_unstable();
        let twice = args.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(
            !constant && !twice,
            "llgraph: {:?} saves a constant or one value twice:\n{trace}",
            exit.id
        );
    }
}
