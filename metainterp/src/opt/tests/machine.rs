//! A machine that runs a trace once, up to an exit or a jump, in memory of its own.
//!
//! It is simpler than a backend: memory is a few regions of bytes, and a residual call scribbles over
//! those in a way that depends on its arguments and on how many calls there have been.

use crate::ir::{Const, Effect, ExitId, Op, Opcode, Operand, OperandKind, Trace, Ty, eval};

/// How running a trace ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Exit { id: ExitId, op_idx: usize },
    Jump,
}

/// What can be seen from outside: how it ended, with which values, and the state of memory.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    pub values: Vec<Const>,
    memory: Vec<Region>,
    calls: u64,
}

impl Ran {
    /// The same, but for the place of the exit's guard in the trace and the bits of a NaN.
    pub fn same(&self, other: &Ran) -> bool {
        let end = match (&self.outcome, &other.outcome) {
            (Outcome::Exit { id: a, .. }, Outcome::Exit { id: b, .. }) => a == b,
            (a, b) => a == b,
        };
        let values = self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(&a, &b)| same_value(a, b));
        end && values && self.memory == other.memory && self.calls == other.calls
    }
}

pub fn same_value(a: Const, b: Const) -> bool {
    a == b || a.ty == b.ty && is_nan(a) && is_nan(b)
}

fn is_nan(c: Const) -> bool {
    match c.ty {
        Ty::F32 => f32::from_bits(c.bits as u32).is_nan(),
        Ty::F64 => f64::from_bits(c.bits).is_nan(),
        _ => false,
    }
}

/// Scrambles a word.
pub fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// A piece of memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    pub start: u64,
    pub bytes: Vec<u8>,
    /// Nobody writes here.
    pub frozen: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Machine {
    pub memory: Vec<Region>,
    /// Residual calls so far.
    calls: u64,
    values: Vec<Option<Const>>,
    overflowed: bool,
    panicked: bool,
    call_words: u64,
}

impl Machine {
    /// Runs a trace.
    pub fn run(mut self, trace: &Trace, inputs: &[Const]) -> Ran {
        self.start(trace, inputs);
        for op_idx in 0.. {
            let op = &trace.ops[op_idx];
            if let Some((outcome, values)) = self.step(trace, op_idx, op) {
                return Ran { outcome, values, memory: self.memory, calls: self.calls };
            }
        }
        unreachable!("a trace ends with a jump or a finish")
    }

    pub fn start(&mut self, trace: &Trace, inputs: &[Const]) {
        self.values = vec![None; trace.types.len()];
        for (value, &input) in self.values.iter_mut().zip(inputs) {
            *value = Some(input);
        }
    }

    /// The value of an operand.
    pub fn value(&self, trace: &Trace, operand: Operand) -> Const {
        match operand.kind() {
            OperandKind::Value(v) => self.values[v.index()].expect("defined before it is used"),
            OperandKind::Const(c) => trace.consts[c as usize],
        }
    }

    /// Whether the last call panicked.
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// Does one operation; answers how the trace is left, if it is.
    pub fn step(&mut self, trace: &Trace, op_idx: usize, op: &Op) -> Option<(Outcome, Vec<Const>)> {
        self.values.resize(trace.types.len(), None);
        let all = |operands: &[Operand]| operands.iter().map(|&a| self.value(trace, a)).collect();
        let args: Vec<Const> = all(trace.args(op));
        let leaves = match op.opcode {
            Opcode::GuardTrue => args[0].bits == 0,
            Opcode::GuardFalse => args[0].bits == 1,
            Opcode::GuardValue => args[0] != args[1],
            Opcode::GuardNoOverflow => self.overflowed,
            Opcode::GuardOverflow => !self.overflowed,
            Opcode::GuardNoException => self.panicked,
            Opcode::Finish => true,
            Opcode::Jump => return Some((Outcome::Jump, args)),
            _ => false,
        };
        if leaves {
            let exit = trace.exit(op);
            return Some((Outcome::Exit { id: exit.id, op_idx }, all(trace.exit_args(exit))));
        }
        for (at, res) in trace.results(op).enumerate() {
            let ty = trace.types[res.index()];
            self.values[res.index()] = Some(self.result(trace, op, &args, at, ty));
        }
        self.effect(trace, op, &args);
        None
    }

    fn result(&mut self, trace: &Trace, op: &Op, args: &[Const], at: usize, ty: Ty) -> Const {
        match (op.opcode, op.opcode.effect()) {
            (Opcode::Label, _) => args[at],
            (_, Effect::Pure | Effect::PureChecked) => {
                let folded = eval::fold(op.opcode, ty, args);
                folded.unwrap_or_else(|| panic!("{} of {args:x?} is not defined", op.opcode.name()))
            }
            (_, Effect::Overflow) => {
                let (res, overflowed) = eval::ovf(op.opcode, args[0], args[1]);
                self.overflowed = overflowed;
                res
            }
            (_, Effect::Load) => self.load(address(trace, op, args), ty),
            (Opcode::Call, _) => Const::new(ty, self.call(args, self.calls)),
            (Opcode::CallPure, _) => Const::new(ty, self.call(args, 0)),
            (Opcode::CallResult, _) => Const::new(ty, mix(self.call_words ^ args[0].bits)),
            _ => unreachable!("{} has no result", op.opcode.name()),
        }
    }

    fn effect(&mut self, trace: &Trace, op: &Op, args: &[Const]) {
        match op.opcode {
            Opcode::SetField | Opcode::SetArrayItem => {
                let value = args[args.len() - 1];
                let size = value.ty.bytes() as usize;
                let (region, at) = self.find(address(trace, op, args), size);
                let region = &mut self.memory[region];
                assert!(!region.frozen, "a store to frozen memory");
                region.bytes[at..][..size].copy_from_slice(&value.bits.to_le_bytes()[..size]);
            }
            Opcode::Call => {
                self.calls += 1;
                let mut noise = self.call_words;
                for region in self.memory.iter_mut().filter(|region| !region.frozen) {
                    for byte in &mut region.bytes {
                        noise = mix(noise);
                        *byte ^= (noise & noise >> 8) as u8;
                    }
                }
            }
            _ => {}
        }
        if matches!(op.opcode, Opcode::Call | Opcode::CallPure) {
            self.panicked = trace.call(op).can_panic && self.call_words.is_multiple_of(16);
        }
    }

    /// The region that has `size` bytes at `address`, and where they are in it.
    fn find(&self, address: u64, size: usize) -> (usize, usize) {
        let place = |region: &Region| {
            let at = address.checked_sub(region.start)? as usize;
            (at + size <= region.bytes.len()).then_some(at)
        };
        let find = |(index, region)| place(region).map(|at| (index, at));
        let found = self.memory.iter().enumerate().find_map(find);
        found.unwrap_or_else(|| panic!("no memory at {address:#x}"))
    }

    fn load(&self, address: u64, ty: Ty) -> Const {
        let size = ty.bytes() as usize;
        let (region, at) = self.find(address, size);
        let mut word = [0; 8];
        word[..size].copy_from_slice(&self.memory[region].bytes[at..][..size]);
        Const::new(ty, u64::from_le_bytes(word))
    }

    fn call(&mut self, args: &[Const], calls: u64) -> u64 {
        self.call_words = args.iter().fold(calls, |words, arg| mix(words ^ arg.bits));
        self.call_words
    }
}

fn address(trace: &Trace, op: &Op, args: &[Const]) -> u64 {
    let mem = trace.mem(op);
    let base = args[0].bits.wrapping_add_signed(i64::from(mem.offset));
    match op.opcode {
        Opcode::GetField | Opcode::SetField => base,
        _ => base.wrapping_add(args[1].bits.wrapping_mul(u64::from(mem.scale))),
    }
}
