//! Compiling a trace, apart from the backend that will run it.
//!
//! What a trace must know of the backend is little: the addresses of the stub and of the label that it may
//! jump to ([`Outside`]). With that it is compiled on any thread; its exit slots and counters are made
//! with it, since their addresses are in the code. The backend places it afterwards.

use crate::Options;
use crate::analysis::{Analysis, shape_hash};
use crate::compiler::{Compiler, MachineCode};
use crate::counters::Counters;
use crate::exits::ExitSlots;
use crate::group::{Group, Member};
use crate::lower::Env;
use crate::target::Target;
use crate::{exit_shapes, foreign_jump, has_label};
use metainterp::backend::{Assembled, Assembler, Refusal};
use metainterp::ir::{TargetId, Trace};
use smallvec::SmallVec;
use std::sync::{Arc, Mutex, TryLockError};

/// A compiled trace that lies nowhere yet.
pub(crate) struct Unplaced {
    pub exits: ExitSlots,
    /// One per entry; their doors have no numbers yet.
    pub counters: Counters,
    pub machine: MachineCode,
    pub labels: Vec<OwnLabel>,
}

/// A label of a trace.
#[derive(Clone, Copy)]
pub(crate) struct OwnLabel {
    pub target: TargetId,
    pub entry: u32,
    /// [`shape_hash`] of its arguments.
    pub shape: u32,
}

/// A label of another trace: the address of its cell, and its shape.
#[derive(Clone, Copy)]
pub(crate) struct ForeignLabel {
    pub target: TargetId,
    pub cell: u64,
    pub shape: u32,
}

/// What a trace must know of the backend.
pub(crate) struct Outside {
    /// Where exits without a bridge lead.
    pub stub: usize,
    /// What it may jump to.
    pub labels: SmallVec<[ForeignLabel; 2]>,
}

impl Outside {
    /// The address of the cell of a label that the trace jumps to at its end.
    pub fn cell(&self, trace: &Trace, target: TargetId) -> Result<u64, Refusal> {
        let unknown = || Refusal::new(format!("{target:?} is no label to jump to"));
        let label = self.labels.iter().find(|it| it.target == target).ok_or_else(unknown)?;
        let jump = trace.ops.last().expect("the trace ends with a jump");
        if label.shape != shape_hash(trace.args(jump).iter().map(|&arg| trace.ty(arg))) {
            return Err(Refusal::new(format!("{target:?} has other arguments")));
        }
        Ok(label.cell)
    }

    /// Compiles a trace.
    pub fn compile(&self, compilers: &Compilers, trace: &Trace) -> Result<Unplaced, Refusal> {
        let exits = ExitSlots::new(self.stub, exit_shapes(trace));
        let jump = foreign_jump(trace, |target| has_label(trace, target));
        let foreign = jump.map(|target| self.cell(trace, target)).transpose()?;
        let group = Group::of(Member::alone(trace, exits.address(), foreign));
        let analysis = Analysis::new(&group)?;
        let counters = Counters::new(analysis.n_entries as usize);
        let machine = compilers.compile(&trace.name, &group, &analysis, &counters)?;
        let label = |join: &crate::analysis::Join| {
            let shape = shape_hash(join.values().map(|value| trace.types[value.index()]));
            Some(OwnLabel { target: join.target?, entry: join.entry, shape })
        };
        let labels = analysis.joins.iter().filter_map(label).collect();
        Ok(Unplaced { exits, counters, machine, labels })
    }
}

/// Compilers for everybody who compiles: one that waits, and as many more as are at work.
#[derive(Clone)]
pub(crate) struct Compilers {
    target: Target,
    options: Options,
    spare: Arc<Mutex<Option<Box<Compiler>>>>,
}

impl Compilers {
    pub fn new(target: Target, options: &Options) -> Compilers {
        Compilers { target, options: options.clone(), spare: Arc::default() }
    }

    /// Compiles an analyzed group, with a counter per entry.
    pub fn compile(
        &self,
        name: &str,
        group: &Group<'_>,
        analysis: &Analysis<'_>,
        counters: &Counters,
    ) -> Result<MachineCode, Refusal> {
        let new = || Box::new(Compiler::new(self.target.clone(), &self.options));
        let mut compiler = self.spare().unwrap_or_else(new);
        let env = Env { counters: counters.address(), mid_end: self.target.mid_end.is_some() };
        let machine = compiler.compile(name, group, analysis, &env);
        if let Ok(mut spare) = self.spare.try_lock() {
            *spare = Some(compiler);
        }
        machine
    }

    // Nobody waits for the lock: a thread that a `fork` has left behind may have it for ever.
    fn spare(&self) -> Option<Box<Compiler>> {
        match self.spare.try_lock() {
            Ok(mut spare) => spare.take(),
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => None,
        }
    }
}

/// Compiles a trace for a backend that goes on meanwhile.
pub(crate) struct Apart {
    pub outside: Outside,
    pub compilers: Compilers,
}

impl Assembler for Apart {
    fn assemble(self: Box<Self>, trace: &Trace) -> Result<Assembled, Refusal> {
        Ok(Box::new(self.outside.compile(&self.compilers, trace)?))
    }
}
