//! Executes prepared traces.
//!
//! The words of an execution are always zero-extended from their types: operations yield such words
//! ([`eval`]), and whatever comes from outside is checked on the way in.

use crate::LlgraphBackend;
use crate::code::{Code, Step};
use crate::raw;
use metainterp::backend::{CALL_WORDS, Frame};
use metainterp::ir::{Const, Effect, ExitId, Opcode, TargetId, Ty, eval};
use metainterp::memory;
use std::ops::Range;
use std::rc::Rc;

/// What an unspecified word holds, so that whoever uses it notices.
const POISON: u64 = 0xbad0_bad1_bad2_bad3;

pub(crate) struct Machine<'b> {
    backend: &'b LlgraphBackend,
    code: Rc<Code>,
    words: Vec<u64>,
    /// Arguments of a jump while they are assigned in parallel.
    scratch: Vec<u64>,
    pc: usize,
    overflow: bool,
    panicked: bool,
    n_executed: u64,
}

impl<'b> Machine<'b> {
    pub(crate) fn new(backend: &'b LlgraphBackend, code: Rc<Code>, words: Vec<u64>) -> Self {
        let scratch = Vec::new();
        let (pc, n_executed) = (0, 0);
        let (overflow, panicked) = (false, false);
        Machine { backend, code, words, scratch, pc, overflow, panicked, n_executed }
    }

    /// The number of executed operations, and the vector for reuse.
    pub(crate) fn finish(self) -> (u64, Vec<u64>) {
        (self.n_executed, self.words)
    }

    /// Runs from the start of the code to an exit without bridge.
    pub(crate) fn run(&mut self, frame: &mut Frame) -> ExitId {
        self.enter(Rc::clone(&self.code), frame);
        loop {
            let code = Rc::clone(&self.code);
            if let Some(exit) = self.run_code(&code, frame) {
                return exit;
            }
        }
    }

    /// Runs until the trace is left for good or another one has been entered.
    fn run_code(&mut self, code: &Code, frame: &mut Frame) -> Option<ExitId> {
        loop {
            let step = &code.steps[self.pc];
            self.pc += 1;
            self.n_executed += 1;
            match step.effect {
                Effect::Pure | Effect::PureChecked => self.pure(step),
                Effect::Overflow => self.ovf(step),
                Effect::Load => self.load(code, step),
                Effect::Store => self.store(code, step),
                Effect::Alloc => self.alloc(step),
                Effect::Call if step.opcode == Opcode::CallResult => self.call_result(step, frame),
                Effect::Call => self.call(code, step, frame),
                Effect::Guard if self.holds(step) => {}
                Effect::Guard => return self.leave(code, step.descr, frame),
                Effect::Control => match step.opcode {
                    Opcode::Label => self.label(code, step),
                    Opcode::Jump => {
                        if self.jump(code, step, frame) {
                            return None;
                        }
                    }
                    _ => return self.leave(code, step.descr, frame),
                },
                Effect::Forget => self.forget(code, step),
                Effect::Debug => {}
            }
        }
    }

    /// Starts a trace with its inputs from the frame.
    fn enter(&mut self, code: Rc<Code>, frame: &Frame) {
        let inputs = 0..code.trace.n_inputs;
        self.switch_to(code, 0);
        self.take_slots(inputs, frame);
    }

    fn switch_to(&mut self, code: Rc<Code>, pc: usize) {
        self.words.clear();
        self.words.resize(code.trace.types.len(), POISON);
        self.words.extend_from_slice(&code.consts);
        self.pc = pc;
        self.code = code;
    }

    /// Fills values from the frame's slots, the first from slot 0.
    fn take_slots(&mut self, values: Range<u32>, frame: &Frame) {
        for (slot, value) in values.enumerate() {
            let (word, ty) = (frame.slots[slot], self.code.trace.types[value as usize]);
            let name = self.code.name();
            assert!(
                word & !ty.mask() == 0,
                "llgraph: {name}: slot {slot} has {word:#x}, not a {ty}"
            );
            self.words[value as usize] = word;
        }
    }

    fn arg(&self, step: &Step, k: usize) -> u64 {
        self.words[step.args[k] as usize]
    }

    fn set(&mut self, step: &Step, word: u64) {
        self.words[step.res as usize] = word;
    }

    fn pure(&mut self, step: &Step) {
        let (a, b) = (self.arg(step, 0), self.arg(step, 1));
        match eval::eval(step.opcode, step.ty, step.res_ty, a, b) {
            Some(word) => self.set(step, word),
            None => self.fail(format!("not defined for {a:#x} and {b:#x}")),
        }
    }

    fn ovf(&mut self, step: &Step) {
        let (a, b) = (self.arg(step, 0), self.arg(step, 1));
        let (a, b) = (Const::new(step.ty, a), Const::new(step.ty, b));
        let (res, overflow) = eval::ovf(step.opcode, a, b);
        self.overflow = overflow;
        self.set(step, res.bits);
    }

    /// The address of an access and its value, if it is a store.
    fn address(&self, code: &Code, step: &Step) -> (u64, Ty, u64) {
        let mem = &code.trace.mems[step.descr as usize];
        let base = self.arg(step, 0).wrapping_add_signed(mem.offset.into());
        let (address, value) = match step.opcode.is_indexed() {
            true => {
                let index = self.arg(step, 1);
                (base.wrapping_add(index.wrapping_mul(mem.scale.into())), 2)
            }
            false => (base, 1),
        };
        let is_load = step.opcode.effect() == Effect::Load;
        let map = self.backend.memory.borrow();
        if let Err(problem) = raw::check(address, mem.ty, is_load, map.as_ref()) {
            self.fail(problem);
        }
        (address, mem.ty, self.arg(step, value))
    }

    fn load(&mut self, code: &Code, step: &Step) {
        let (address, ty, _) = self.address(code, step);
        let word = raw::load(address, ty);
        if word & !ty.mask() != 0 {
            self.fail(format!("{word:#x} at {address:#x} is no {ty}"));
        }
        if code.trace.mems[step.descr as usize].frozen {
            let first = *code.frozen.borrow_mut().entry((address, ty)).or_insert(word);
            if first != word {
                self.fail(format!("frozen memory at {address:#x} was {first:#x}, is {word:#x}"));
            }
        }
        self.set(step, word);
    }

    fn store(&mut self, code: &Code, step: &Step) {
        let (address, ty, value) = self.address(code, step);
        raw::store(address, ty, value);
    }

    fn alloc(&mut self, step: &Step) {
        if step.opcode.allocates() {
            let address = memory::new(self.arg(step, 0), self.arg(step, 1));
            return self.set(step, address);
        }
        let address = self.arg(step, 0);
        if address < raw::NULL_PAGE {
            self.fail(format!("{address:#x} is given back"));
        }
        raw::free(address, self.arg(step, 1), self.arg(step, 2));
    }

    /// Spoils what nobody may look at.
    fn forget(&mut self, code: &Code, step: &Step) {
        let (address, ty, _) = self.address(code, step);
        raw::store(address, ty, POISON & ty.mask());
    }

    fn call(&mut self, code: &Code, step: &Step, frame: &mut Frame) {
        let words = &code.pool[step.rest.start as usize..step.rest.end as usize];
        frame.call = [POISON; CALL_WORDS];
        for (slot, &arg) in frame.call.iter_mut().zip(&words[1..]) {
            *slot = self.words[arg as usize];
        }
        let callee = self.words[words[0] as usize];
        if callee < raw::NULL_PAGE {
            self.fail(format!("a call to {callee:#x}"));
        }
        let answer = raw::call(callee, &mut frame.call);
        if answer > 1 || answer == 1 && !code.trace.calls[step.descr as usize].can_panic {
            self.fail(format!("the call answers {answer}"));
        }
        self.panicked = answer == 1;
        if code.trace.calls[step.descr as usize].res.is_some() {
            self.result_word(step, 0, frame);
        }
    }

    fn call_result(&mut self, step: &Step, frame: &Frame) {
        self.result_word(step, self.arg(step, 0) as usize, frame);
    }

    fn result_word(&mut self, step: &Step, index: usize, frame: &Frame) {
        let (word, ty) = (frame.call[index], step.res_ty);
        if self.panicked {
            return self.set(step, POISON & ty.mask());
        }
        if word & !ty.mask() != 0 {
            self.fail(format!("result word {index} is {word:#x}, not a {ty}"));
        }
        self.set(step, word);
    }

    fn holds(&self, step: &Step) -> bool {
        match step.opcode {
            Opcode::GuardTrue => self.arg(step, 0) == 1,
            Opcode::GuardFalse => self.arg(step, 0) == 0,
            Opcode::GuardValue => self.arg(step, 0) == self.arg(step, 1),
            Opcode::GuardNoOverflow => !self.overflow,
            Opcode::GuardOverflow => self.overflow,
            Opcode::GuardNoException => !self.panicked,
            other => self.fail(format!("{} is no guard", other.name())),
        }
    }

    /// Saves what the exit saves, and goes on in its bridge if it has one.
    fn leave(&mut self, code: &Code, exit: u32, frame: &mut Frame) -> Option<ExitId> {
        let exit = &code.exits[exit as usize];
        for (slot, &arg) in frame.slots.iter_mut().zip(&exit.args) {
            *slot = self.words[arg as usize];
        }
        match self.backend.bridge(exit.id) {
            Some(bridge) => {
                self.enter(bridge, frame);
                None
            }
            None => Some(exit.id),
        }
    }

    fn label(&mut self, code: &Code, step: &Step) {
        self.gather(code, step);
        self.bind(code, step.descr as usize);
    }

    /// Returns whether another trace was entered.
    fn jump(&mut self, code: &Code, step: &Step, frame: &mut Frame) -> bool {
        self.gather(code, step);
        if !step.leaves {
            self.bind(code, step.descr as usize);
            return false;
        }
        frame.slots[..self.scratch.len()].copy_from_slice(&self.scratch);
        let (other, label) = self.backend.target(TargetId(step.descr));
        let (_, pc, values) = other.labels[label].clone();
        self.switch_to(other, pc + 1);
        self.take_slots(values, frame);
        true
    }

    fn gather(&mut self, code: &Code, step: &Step) {
        let args = &code.pool[step.rest.start as usize..step.rest.end as usize];
        self.scratch.clear();
        self.scratch.extend(args.iter().map(|&arg| self.words[arg as usize]));
    }

    /// Gives a label's results the gathered values and goes on behind it.
    fn bind(&mut self, code: &Code, label: usize) {
        let (_, pc, results) = &code.labels[label];
        let results = results.start as usize..results.end as usize;
        self.words[results].copy_from_slice(&self.scratch);
        self.pc = pc + 1;
    }

    /// Panics with what is known about the operation that is being executed.
    #[track_caller]
    fn fail(&self, message: String) -> ! {
        let trace = &self.code.trace;
        let index = self.pc - 1;
        let op = &trace.ops[index];
        let args: Vec<String> = trace
            .args(op)
            .iter()
            .zip(&self.code.pool[self.code.steps[index].rest.start as usize..])
            .map(|(&arg, &word)| {
                let value = Const { ty: trace.ty(arg), bits: self.words[word as usize] };
                format!("{} = {value}", trace.operand_to_string(arg))
            })
            .collect();
        let (name, op) = (&trace.name, trace.display_op(op));
        panic!("llgraph: {name}: operation {index}, `{op}`: {message} ({})", args.join(", "))
    }
}
