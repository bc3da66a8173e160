//! The llgraph backend: executes traces operation by operation.
//!
//! It is the reference semantics and the oracle: what a trace does is what it does here. So it checks
//! whatever machine code takes for granted, and a check that fails is a panic that names the trace, the
//! operation and its operands. The name is that of RPython's backend for the same purpose.
//!
//! What is checked
//! - When compiling: the [verifier](metainterp::ir::verify()), the contract of [`metainterp::backend`] on
//!   exits, and that code, exit and target numbers are not in use.
//! - When running: that words from outside (inputs, loads, results of calls) fit their types; that memory
//!   accesses are not near null, and inside the [`MemoryMap`] if one is set; that stores are aligned (words of
//!   strings are loaded from anywhere); that frozen memory does not change; that `PureChecked` operations are defined; that a call that cannot panic does not.
//! - When leaving and jumping: that bridge and target were compiled and not freed, and fit.
//! - When freeing: that the trace is not running and no exit of another one continues in it.
//!
//! Files: [`code`] prepares a trace for execution, [`machine`] executes it, [`raw`] touches memory and
//! calls functions. What pure operations compute is in [`metainterp::ir::eval`], where the optimizer
//! finds it too.
//!
//! Running code may call back into the backend: no `RefCell` is borrowed while a call is made.
#![deny(unsafe_code)]

mod code;
mod machine;
mod raw;

pub use raw::MemoryMap;

use code::Code;
use machine::Machine;
use metainterp::backend::{Backend, Compiled, Frame, Refusal};
use metainterp::ir::{CodeId, ExitId, TargetId, Trace, Ty, verify};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Executes traces operation by operation and checks what machine code cannot.
#[derive(Debug, Default)]
pub struct LlgraphBackend {
    codes: RefCell<FxHashMap<CodeId, Rc<Code>>>,
    targets: RefCell<FxHashMap<TargetId, Target>>,
    exits: RefCell<FxHashMap<ExitId, Exit>>,
    memory: RefCell<Option<MemoryMap>>,
    /// Value vectors of executions that have ended, for the next ones.
    spare: RefCell<Vec<Vec<u64>>>,
    n_executed: Cell<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    code: CodeId,
    /// Index into [`Code::labels`].
    label: usize,
}

#[derive(Debug, Clone, Copy)]
struct Exit {
    /// Where the exit belongs to.
    code: CodeId,
    /// Index into [`Code::exits`].
    index: usize,
    bridge: Option<CodeId>,
}

// SAFETY: the counted references to traces are the backend's own: others there are only within `execute`, which borrows
// it, and what is borrowed is not moved.
#[expect(unsafe_code, reason = "counted references that nobody else has")]
unsafe impl Send for LlgraphBackend {}

impl LlgraphBackend {
    /// A backend without compiled traces, which may access any memory.
    pub fn new() -> LlgraphBackend {
        LlgraphBackend::default()
    }

    /// From now on, every load and store must lie inside the map.
    pub fn set_memory_map(&self, map: MemoryMap) {
        *self.memory.borrow_mut() = Some(map);
    }

    /// Number of operations that were executed.
    pub fn n_executed(&self) -> u64 {
        self.n_executed.get()
    }

    fn code(&self, code: CodeId) -> Rc<Code> {
        let codes = self.codes.borrow();
        Rc::clone(codes.get(&code).unwrap_or_else(|| panic!("llgraph: {code:?} does not exist")))
    }

    /// The compiled trace with that label, and the label's index in it.
    fn target(&self, target: TargetId) -> (Rc<Code>, usize) {
        let found = self.targets.borrow().get(&target).copied();
        let found = found.unwrap_or_else(|| panic!("llgraph: {target:?} does not exist any more"));
        (self.code(found.code), found.label)
    }

    fn bridge(&self, exit: ExitId) -> Option<Rc<Code>> {
        let bridge = self.exits.borrow()[&exit].bridge?;
        Some(self.code(bridge))
    }

    /// The types that a label of another trace takes.
    fn label_types(&self, target: TargetId) -> Option<Vec<Ty>> {
        let found = self.targets.borrow().get(&target).copied()?;
        Some(self.code(found.code).label_types(found.label).to_vec())
    }

    fn check_jump(&self, trace: &Trace, code: &Code) -> Result<(), Refusal> {
        let Some((target, types)) = code.outside_jump(trace) else {
            return Ok(());
        };
        let Some(expected) = self.label_types(target) else {
            return Err(Refusal::new(format!("jump to {target:?}, which does not exist")));
        };
        let name = &trace.name;
        assert_eq!(types, expected, "llgraph: {name}: the jump does not fit the label {target:?}");
        Ok(())
    }

    fn register(&self, id: CodeId, code: Code) {
        let mut targets = self.targets.borrow_mut();
        for (label, (target, ..)) in code.labels.iter().enumerate() {
            let earlier = targets.insert(*target, Target { code: id, label });
            assert!(earlier.is_none(), "llgraph: {}: {target:?} exists: {earlier:?}", code.name());
        }
        let mut exits = self.exits.borrow_mut();
        for (index, exit) in code.exits.iter().enumerate() {
            let earlier = exits.insert(exit.id, Exit { code: id, index, bridge: None });
            assert!(
                earlier.is_none(),
                "llgraph: {}: {:?} exists: {earlier:?}",
                code.name(),
                exit.id
            );
        }
        self.codes.borrow_mut().insert(id, Rc::new(code));
    }
}

impl Backend for LlgraphBackend {
    fn name(&self) -> &'static str {
        "llgraph"
    }

    fn compile(&self, id: CodeId, trace: &Trace) -> Result<Compiled, Refusal> {
        if let Err(error) = verify(trace) {
            panic!("llgraph: a wrong trace: {error}\n{trace}");
        }
        assert!(!self.codes.borrow().contains_key(&id), "llgraph: {id:?} is in use");
        let code = Code::new(trace);
        self.check_jump(trace, &code)?;
        self.register(id, code);
        Ok(Compiled::default())
    }

    fn attach_bridge(&self, exit: ExitId, bridge: CodeId) {
        let bridge_code = self.code(bridge);
        let mut exits = self.exits.borrow_mut();
        let found =
            exits.get_mut(&exit).unwrap_or_else(|| panic!("llgraph: {exit:?} does not exist"));
        let saved = self.code(found.code).exit_types(found.index);
        let inputs = bridge_code.input_types();
        assert_eq!(saved, inputs, "llgraph: {} does not fit {exit:?}", bridge_code.name());
        found.bridge = Some(bridge);
    }

    #[expect(unsafe_code, reason = "the trait declares it so: traces access memory")]
    unsafe fn execute(&self, code: CodeId, frame: &mut Frame) -> ExitId {
        let spare = self.spare.borrow_mut().pop().unwrap_or_default();
        let mut machine = Machine::new(self, self.code(code), spare);
        let exit = machine.run(frame);
        let (n_executed, values) = machine.finish();
        self.n_executed.set(self.n_executed.get() + n_executed);
        self.spare.borrow_mut().push(values);
        exit
    }

    fn free(&self, id: CodeId) {
        let code = self.codes.borrow_mut().remove(&id);
        let code = code.unwrap_or_else(|| panic!("llgraph: {id:?} does not exist"));
        assert_eq!(Rc::strong_count(&code), 1, "llgraph: {} is running", code.name());
        self.targets.borrow_mut().retain(|_, target| target.code != id);
        let mut exits = self.exits.borrow_mut();
        exits.retain(|_, exit| exit.code != id);
        let leads_here = exits.iter().find(|(_, exit)| exit.bridge == Some(id));
        assert!(leads_here.is_none(), "llgraph: {}: {leads_here:?} leads here", code.name());
    }

    fn code_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests;
