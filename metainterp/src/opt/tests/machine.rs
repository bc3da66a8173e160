//! A machine that runs a trace once, up to an exit or a jump, in memory of its own.
//!
//! It is simpler than a backend: memory is a few regions of bytes, and a residual call scribbles over
//! those in a way that depends on its arguments and on how many calls there have been.

use crate::ir::eval::order_holds;
use crate::ir::{
    Classes, Const, Effect, ExitId, MemDescr, Op, Opcode, Operand, OperandKind, Resume, ResumeKind,
    TargetId, Trace, Ty, eval,
};
use std::fmt;

/// How running a trace ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Exit {
        id: ExitId,
        op_idx: usize,
    },
    Jump,
    /// It went on and on.
    Loops,
}

/// What can be seen from outside: how it ended, with which values, and the state of memory.
pub struct Ran {
    pub outcome: Outcome,
    pub values: Vec<Const>,
    memory: Vec<Region>,
    calls: u64,
    n_allocated: u64,
    /// How often a label was passed; one between a loop's preheader and its lap does not count.
    pub laps: u32,
    /// Of the exit, if it was left by one.
    pub resume: Resume,
    /// Memory and calls at the last merge point.
    merge_point: (Vec<Region>, u64),
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ran { outcome, values, memory, calls, .. } = self;
        write!(f, "{outcome:?} with {values:x?} after {calls} calls, memory {memory:?}")
    }
}

impl Ran {
    /// A machine with this memory.
    pub fn machine(&self) -> Machine {
        let n_allocated = self.n_allocated;
        let (memory, calls) = (self.memory.clone(), self.calls);
        Machine { memory, calls, n_allocated, ..Machine::default() }
    }

    /// Whether values and memory are the same.
    pub fn same_state(&self, other: &Ran) -> bool {
        let (ours, others) = (&self.memory, &other.memory);
        let mut objects = Objects { ours, others, pairs: Vec::new() };
        self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(&a, &b)| objects.same_value(a, b))
            && objects.same_memory()
    }

    /// The same, but for the place of the exit's guard in the trace and the bits of a NaN.
    pub fn same(&self, other: &Ran) -> bool {
        if (&self.outcome, self.laps) == (&Outcome::Loops, other.laps) {
            // Memory need not be as it was without the delay of stores.
            return other.outcome == Outcome::Loops;
        }
        let end = match (&self.outcome, &other.outcome) {
            (Outcome::Exit { id: a, .. }, Outcome::Exit { id: b, .. }) => a == b,
            (a, b) => a == b,
        };
        let (mut values, mut memory, mut calls) = (&self.values[..], &self.memory, self.calls);
        let kinds = (self.resume.kind, other.resume.kind);
        if kinds == (ResumeKind::Replay, ResumeKind::Rewind) {
            // The opcode begins anew.
            values = &values[..self.resume.n_reds as usize];
            (memory, calls) = (&self.merge_point.0, self.merge_point.1);
        } else if kinds.0 != kinds.1 {
            return false;
        }
        let mut objects = Objects { ours: memory, others: &other.memory, pairs: Vec::new() };
        let same_values = values.len() == other.values.len()
            && values.iter().zip(&other.values).all(|(&a, &b)| objects.same_value(a, b));
        end && same_values && objects.same_memory() && calls == other.calls
    }
}

/// Addresses from here on are those of objects that a trace allocates.
pub const HEAP: u64 = 0x10_0000;

/// Where only pointers to objects lie, which no call looks at.
pub const SLOTS: u64 = 0x3000;

/// Compares two memories in which the same objects may have other addresses.
struct Objects<'a> {
    ours: &'a [Region],
    others: &'a [Region],
    /// Objects that must be the same, by address.
    pairs: Vec<(u64, u64)>,
}

fn object(memory: &[Region], address: u64) -> Option<&Region> {
    memory.iter().find(|region| HEAP <= region.start && region.start == address)
}

impl Objects<'_> {
    fn same_value(&mut self, a: Const, b: Const) -> bool {
        match a.ty == Ty::Ptr && b.ty == Ty::Ptr {
            true => self.same_pointer(a.bits, b.bits),
            false => same_value(a, b),
        }
    }

    /// A pointer to what is gone may be any, for another object may be in the same place.
    fn same_pointer(&mut self, a: u64, b: u64) -> bool {
        match (object(self.ours, a), object(self.others, b)) {
            (Some(_), Some(_)) => match self.pairs.iter().find(|(x, y)| *x == a || *y == b) {
                Some(&pair) => pair == (a, b),
                None => {
                    self.pairs.push((a, b));
                    true
                }
            },
            (None, _) => a == b || HEAP <= a,
            _ => false,
        }
    }

    fn same_memory(&mut self) -> bool {
        let regions = |memory: &[Region]| {
            memory.iter().filter(|it| it.start < HEAP).cloned().collect::<Vec<_>>()
        };
        let same_region = |objects: &mut Self, (a, b): (Region, Region)| match a.start == SLOTS {
            true => objects.same_words(&a.bytes, &b.bytes),
            false => a == b,
        };
        let both = regions(self.ours).into_iter().zip(regions(self.others));
        let mut same = both.into_iter().all(|both| same_region(self, both));
        let mut at = 0;
        while same && at < self.pairs.len() {
            let (a, b) = self.pairs[at];
            let (a, b) = (object(self.ours, a), object(self.others, b));
            let (a, b) = a.zip(b).map(|(a, b)| (&a.bytes, &b.bytes)).expect("they were there");
            same = a.len() == b.len()
                && a[..POINTER_AT] == b[..POINTER_AT]
                && self.same_words(&a[POINTER_AT..], &b[POINTER_AT..]);
            at += 1;
        }
        // What nobody refers to need not have been allocated, but is not given back twice.
        let n_objects = |memory: &[Region]| memory.iter().filter(|it| HEAP <= it.start).count();
        same && n_objects(self.others) <= n_objects(self.ours)
    }

    fn same_words(&mut self, a: &[u8], b: &[u8]) -> bool {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        a.chunks(8).zip(b.chunks(8)).all(|(a, b)| self.same_pointer(word(a), word(b)))
    }
}

/// Where the one pointer of an object is; the bytes before are numbers.
pub const POINTER_AT: usize = 16;

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
#[derive(Clone, PartialEq)]
pub struct Region {
    pub start: u64,
    pub bytes: Vec<u8>,
    /// Nobody writes here.
    pub frozen: bool,
    /// The class of accesses here, if they have one.
    pub class: Option<u32>,
}

impl Region {
    /// Whether a call may look at it that does not reach memory of these classes.
    fn is_seen_by_call(&self, apart: Classes) -> bool {
        let is_apart = self.class.is_some_and(|class| apart.has(class));
        !self.frozen && !is_apart && self.start < SLOTS
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}:", self.start)?;
        self.bytes.iter().try_for_each(|byte| write!(f, " {byte:x}"))
    }
}

/// A run ends after so many laps.
const MOST_LAPS: u32 = 7;

#[derive(Debug, Clone, Default)]
pub struct Machine {
    pub memory: Vec<Region>,
    /// Residual calls so far.
    calls: u64,
    values: Vec<Option<Const>>,
    overflowed: bool,
    panicked: bool,
    n_allocated: u64,
    call_words: u64,
    merge_point: (Vec<Region>, u64),
}

impl Machine {
    /// Runs a trace.
    pub fn run(self, trace: &Trace, inputs: &[Const]) -> Ran {
        self.run_until(trace, inputs, None)
    }

    /// Runs a trace up to the guard with this exit in this lap, and leaves there even if it holds.
    pub fn run_until(
        mut self,
        trace: &Trace,
        inputs: &[Const],
        last: Option<(ExitId, u32)>,
    ) -> Ran {
        self.start(trace, inputs);
        self.run_on(trace, (0, 0), last)
    }

    /// Runs a trace from a label, where a jump has come to with these values.
    pub fn run_from(mut self, trace: &Trace, label: usize, values: &[Const]) -> Ran {
        self.start(trace, &[]);
        for (value, &arg) in trace.results(&trace.ops[label]).zip(values) {
            self.values[value.index()] = Some(arg);
        }
        self.run_on(trace, (label + 1, 1), None)
    }

    fn run_on(
        mut self,
        trace: &Trace,
        (mut at, mut laps): (usize, u32),
        last: Option<(ExitId, u32)>,
    ) -> Ran {
        loop {
            let op = &trace.ops[at];
            laps += u32::from(op.opcode == Opcode::Label && !is_behind_preheader(trace, op));
            let mut left = self.step(trace, at, op);
            if let Some((id, lap)) = last
                && (lap == laps && op.opcode.has_exit() && trace.exit(op).id == id)
            {
                left = left.or_else(|| Some(self.leave(trace, at, op)));
            }
            at += 1;
            if let (Opcode::Jump, Some((_, args))) = (op.opcode, &left)
                && let Some(label) = label(trace, op.target())
            {
                for (value, &arg) in trace.results(&trace.ops[label]).zip(args) {
                    self.values[value.index()] = Some(arg);
                }
                (at, left) = (label + 1, None);
                laps += 1;
            }
            if laps == MOST_LAPS {
                left = Some((Outcome::Loops, Vec::new()));
            }
            if let Some((outcome, values)) = left {
                let exit = op.opcode.has_exit().then(|| trace.exit(op));
                return Ran {
                    outcome,
                    values,
                    memory: self.memory,
                    calls: self.calls,
                    n_allocated: self.n_allocated,
                    laps,
                    resume: exit.map_or(Resume::default(), |exit| exit.resume),
                    merge_point: self.merge_point,
                };
            }
        }
    }

    /// Runs a trace up to its first label, and leaves there with the label's values.
    pub fn run_to_label(mut self, trace: &Trace, inputs: &[Const]) -> Ran {
        self.start(trace, inputs);
        let label = &trace.ops[0];
        assert_eq!(label.opcode, Opcode::Label, "a loop starts with its label");
        let values = trace.args(label).iter().map(|&arg| self.value(trace, arg)).collect();
        Ran {
            outcome: Outcome::Jump,
            values,
            memory: self.memory,
            calls: self.calls,
            n_allocated: self.n_allocated,
            laps: 1,
            resume: Resume::default(),
            merge_point: self.merge_point,
        }
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
            return Some(self.leave(trace, op_idx, op));
        }
        for (at, res) in trace.results(op).enumerate() {
            let ty = trace.types[res.index()];
            self.values[res.index()] = Some(self.result(trace, op, &args, at, ty));
        }
        self.effect(trace, op, &args);
        None
    }

    fn leave(&mut self, trace: &Trace, op_idx: usize, op: &Op) -> (Outcome, Vec<Const>) {
        let exit = trace.exit(op);
        for (store, args) in trace.exit_stores_with_args(exit) {
            if let Some(new) = store.res() {
                let bytes = self.value(trace, args[0]).bits;
                self.values[new.index()] = Some(Const::new(Ty::Ptr, self.allocate(bytes)));
                continue;
            }
            let args: Vec<Const> = args.iter().map(|&arg| self.value(trace, arg)).collect();
            if store.opcode.frees() {
                self.free(args[0].bits, args[1].bits);
                continue;
            }
            if store.opcode.assumes_order() {
                let words = [args[0].bits, args[1].bits, args[2].bits];
                let holds = order_holds(store.opcode, args[0].ty, words);
                assert!(holds, "{} of {args:?} at exit {:?}", store.opcode.name(), exit.id);
                continue;
            }
            let mem = &trace.mems[store.mem as usize];
            match store.opcode.assumes_memory() {
                false => self.store(store.opcode, mem, &args),
                true => {
                    let found = self.load(address(store.opcode, mem, &args), mem.ty);
                    assert_eq!(
                        Some(&found),
                        args.last(),
                        "{} at exit {:?}",
                        store.opcode.name(),
                        exit.id
                    );
                }
            }
        }
        let values = trace.exit_values(exit).iter().map(|&arg| self.value(trace, arg)).collect();
        (Outcome::Exit { id: exit.id, op_idx }, values)
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
            (_, Effect::Load) => self.load(address(op.opcode, trace.mem(op), args), ty),
            (opcode, _) if opcode.allocates() => Const::new(ty, self.allocate(args[0].bits)),
            (Opcode::Call, _) if trace.call(op).reads_only => {
                let memory = self.seen_by(trace.call(op).apart);
                let words = memory
                    .flat_map(|it| &it.bytes)
                    .fold(0, |words, &byte| mix(words ^ u64::from(byte)));
                Const::new(ty, self.call(args, words))
            }
            (opcode, _) if opcode.is_impure_call() => Const::new(ty, self.call(args, self.calls)),
            (Opcode::CallPure, _) => Const::new(ty, self.call(args, 0)),
            (Opcode::CallResult, _) => Const::new(ty, mix(self.call_words ^ args[0].bits)),
            _ => unreachable!("{} has no result", op.opcode.name()),
        }
    }

    fn effect(&mut self, trace: &Trace, op: &Op, args: &[Const]) {
        match op.opcode {
            Opcode::SetField | Opcode::SetArrayItem => {
                self.store(op.opcode, trace.mem(op), args);
            }
            Opcode::ForgetField | Opcode::ForgetArrayItem => {
                let mem = trace.mem(op);
                let (region, at) =
                    self.find(address(op.opcode, mem, args), mem.ty.bytes() as usize);
                let bytes = &mut self.memory[region].bytes[at..][..mem.ty.bytes() as usize];
                bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            }
            Opcode::Free | Opcode::FreeBuffer => self.free(args[0].bits, args[1].bits),
            Opcode::DebugMergePoint => self.merge_point = (self.memory.clone(), self.calls),
            Opcode::Call if trace.call(op).reads_only => {}
            opcode if opcode.is_impure_call() => {
                self.calls += 1;
                let mut noise = self.call_words;
                let apart = trace.call(op).apart;
                for region in self.memory.iter_mut().filter(|it| it.is_seen_by_call(apart)) {
                    for byte in &mut region.bytes {
                        noise = mix(noise);
                        *byte ^= (noise & noise >> 8) as u8;
                    }
                }
            }
            _ => {}
        }
        if op.opcode.is_call() {
            self.panicked = trace.call(op).can_panic && self.call_words.is_multiple_of(16);
        }
    }

    /// What a call sees of memory.
    fn seen_by(&self, apart: Classes) -> impl Iterator<Item = &Region> {
        self.memory.iter().filter(move |it| it.is_seen_by_call(apart))
    }

    fn allocate(&mut self, bytes: u64) -> u64 {
        self.n_allocated += 1;
        let start = HEAP + 0x1000 * self.n_allocated;
        let bytes = vec![0x99; bytes as usize];
        self.memory.push(Region { start, bytes, frozen: false, class: None });
        start
    }

    fn free(&mut self, address: u64, bytes: u64) {
        let at = self.memory.iter().position(|it| it.start == address && HEAP <= it.start);
        let at = at.unwrap_or_else(|| panic!("{address:#x} is given back"));
        assert_eq!(self.memory[at].bytes.len() as u64, bytes, "the size of an object");
        self.memory.remove(at);
    }

    fn store(&mut self, opcode: Opcode, mem: &MemDescr, args: &[Const]) {
        let value = args[args.len() - 1];
        let size = value.ty.bytes() as usize;
        let (region, at) = self.find(address(opcode, mem, args), size);
        let region = &mut self.memory[region];
        assert!(!region.frozen, "a store to frozen memory");
        region.bytes[at..][..size].copy_from_slice(&value.bits.to_le_bytes()[..size]);
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

/// Whether a label is the second one of a loop with a preheader.
pub fn is_behind_preheader(trace: &Trace, label: &Op) -> bool {
    let [first, .., last] = &*trace.ops else { return false };
    let jumps_back = last.opcode == Opcode::Jump && last.target() == label.target();
    jumps_back
        && first.opcode == Opcode::Label
        && first.target().behind_preheader() == label.target()
}

fn label(trace: &Trace, target: TargetId) -> Option<usize> {
    trace.ops.iter().position(|op| op.opcode == Opcode::Label && op.target() == target)
}

fn address(opcode: Opcode, mem: &MemDescr, args: &[Const]) -> u64 {
    let base = args[0].bits.wrapping_add_signed(i64::from(mem.offset));
    match opcode {
        _ if !opcode.is_indexed() => base,
        _ => base.wrapping_add(args[1].bits.wrapping_mul(u64::from(mem.scale))),
    }
}
