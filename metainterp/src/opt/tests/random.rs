//! Random traces: optimized with all passes, each one left out, each one alone, and random ones, they do what
//! they did before.
//!
//! A generator runs the trace while it writes it, as a recorder does, so every guard holds for the
//! inputs of the recording. The trace is then run on those and on other inputs, with memory in which
//! pointers may be equal, overlap, or be apart. Few values, constants and places are used often, so
//! that operations repeat and rules apply.
//!
//! `OPT_RANDOM_TRACES` sets the number of traces.

use super::machine::{HEAP, Region, SLOTS};
use super::*;
use crate::ir::{
    Arg, CallDescr, Classes, Effect, ExitId, MemDescr, MergePoint, Opcode, Operand, Res, Resume,
    ResumeKind, TargetId, TraceBuilder, Ty, eval,
};
use rustc_hash::FxHashMap;

/// Two regions that are written, and one that never changes.
const FIRST: u64 = 0x1000;
const SECOND: u64 = 0x2000;
const FROZEN: u64 = 0x800;
const REGION: u64 = 256;

/// Objects of so many bytes are buffers of `Vec`s.
const BUFFER: u64 = 40;

struct Generator<'r> {
    rng: &'r mut Rng,
    builder: TraceBuilder,
    machine: Machine,
    /// Operands that may be used, newest last.
    operands: Vec<Operand>,
    next_exit: u32,
    /// Objects that have been allocated and not given back.
    objects: Vec<Operand>,
    /// How many each has.
    bytes: FxHashMap<Operand, usize>,
    /// Objects that are gone.
    gone: Vec<Operand>,
    /// The second region is a `Vec`'s buffer.
    second_is_buffer: bool,
    /// The objects that are carried from lap to lap are `Vec`s' buffers.
    carries_buffers: bool,
    /// Something has happened since the merge point.
    dirty: bool,
}

/// How a trace ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// With a jump to the label that it starts with.
    Loop,
    /// With a jump to such a label of another trace.
    IntoLoop,
    /// With a jump to some label elsewhere, or for good.
    Anywhere,
}

/// A label of another trace.
const ELSEWHERE: u32 = 1_000_000;

const INPUTS: [Ty; 13] = [
    Ty::I64,
    Ty::I64,
    Ty::I8,
    Ty::I8,
    Ty::I32,
    Ty::Bool,
    Ty::F64,
    Ty::F32,
    Ty::Ptr,
    Ty::Ptr,
    Ty::Ptr,
    Ty::Ptr,
    Ty::I64,
];
/// Inputs that point into the first region, the second, and the frozen one, in this order.
const POINTERS: [usize; 4] = [8, 9, 10, 11];
/// The input that is a small index.
const INDEX: usize = 12;
/// Indices less one or two are indices.
const LEAST_INDEX: u64 = 2;

fn inputs(rng: &mut Rng) -> Vec<Const> {
    let mut inputs: Vec<Const> =
        INPUTS.iter().map(|&ty| Const::new(ty, [0, 1, 5, 255, rng.next()][rng.below(5)])).collect();
    // The first two may be equal or overlap.
    let regions = [FIRST, FIRST, SECOND, FROZEN];
    for (at, region) in POINTERS.into_iter().zip(regions) {
        inputs[at] = Const::new(Ty::Ptr, region + REGION / 2 + 4 * rng.below(3) as u64);
    }
    inputs[INDEX] = Const::new(Ty::I64, LEAST_INDEX + rng.below(4) as u64);
    inputs
}

fn machine(rng: &mut Rng) -> Machine {
    let mut machine = Machine::default();
    // It has a class that calls may be apart from, or those of buffers.
    let second_class = rng.chance(50).then_some(2);
    machine.memory = [FROZEN, FIRST, SECOND, SLOTS]
        .map(|start| {
            let random = |_| if start == SLOTS { 0 } else { rng.below(4) as u8 };
            let bytes = (0..REGION).map(random).collect();
            let class = second_class.filter(|_| start == SECOND);
            Region { start, bytes, frozen: start == FROZEN, class }
        })
        .to_vec();
    for (slot, start) in CARRIED_AT.into_iter().zip(CARRIED) {
        let bytes = (0..24).map(|at| if at < 16 { rng.below(4) as u8 } else { 0 }).collect();
        machine.memory.push(Region { start, bytes, frozen: false, class: None });
        let slots = machine.memory.iter_mut().find(|it| it.start == SLOTS).expect("slots");
        slots.bytes[slot as usize..][..8].copy_from_slice(&start.to_le_bytes());
    }
    machine
}

/// Slots that have an object each at all times, one that is referred to from nowhere else.
const CARRIED_AT: [i32; 2] = [24, 32];
/// The objects that they have at first.
const CARRIED: [u64; 2] = [HEAP + 0x100, HEAP + 0x200];

impl<'r> Generator<'r> {
    fn new(rng: &'r mut Rng, machine: Machine, inputs: &[Const]) -> Generator<'r> {
        let mut builder = TraceBuilder::new("");
        builder.merge_point(MergePoint { greens: [3][..].into() });
        let operands = INPUTS.iter().map(|&ty| builder.input(ty).into()).collect();
        let second = machine.memory.iter().find(|it| it.start == SECOND).expect("a region");
        let carries_buffers = rng.chance(40);
        let mut generator = Generator {
            rng,
            builder,
            carries_buffers,
            second_is_buffer: second.class.is_none(),
            machine,
            operands,
            next_exit: 0,
            objects: Vec::new(),
            bytes: FxHashMap::default(),
            gone: Vec::new(),
            dirty: true,
        };
        let trace = generator.builder.trace();
        generator.machine.start(trace, inputs);
        generator
    }

    fn trace(self, n_ops: usize) -> Trace {
        let end = match self.rng.chance(50) {
            true => End::Loop,
            false => End::Anywhere,
        };
        self.trace_to(n_ops, end)
    }

    fn trace_to(mut self, n_ops: usize, end: End) -> Trace {
        let is_loop = end == End::Loop;
        if is_loop {
            self.label();
            self.merge_point();
        }
        let labels = self.operands.clone();
        let with_objects = self.rng.chance(60);
        let with_carried = self.rng.chance(50);
        let quiet = with_carried && self.rng.chance(70);
        for _ in 0..n_ops {
            // Few other things disturb what is known of the objects.
            if with_carried && self.rng.chance(if quiet { 45 } else { 20 }) {
                self.carried();
                continue;
            }
            if quiet && self.rng.chance(95) {
                match self.rng.below(10) {
                    0..6 => self.pure(),
                    6..8 => self.guard(),
                    8 => self.overflow(),
                    _ => self.merge_point(),
                }
                continue;
            }
            if with_objects && self.rng.chance(35) {
                self.object();
                continue;
            }
            match self.rng.below(100) {
                0..42 => self.pure(),
                42..48 => self.overflow(),
                48..51 => self.bound_index(),
                51..58 => self.guard(),
                58..72 => self.load(),
                72..86 => self.store(),
                86..90 => self.call(Opcode::CallPure),
                90..92 => self.call(Opcode::Call),
                92 => self.call(Opcode::CallAssembler),
                93..95 if end == End::Anywhere => self.label(),
                _ if with_objects && self.rng.chance(70) => self.object(),
                _ => self.merge_point(),
            }
        }
        if is_loop {
            let args = self.next_lap(&labels);
            self.builder.push_void(Opcode::Jump, &args, 0);
        } else if end == End::IntoLoop {
            let args = self.label_args();
            self.builder.push_void(Opcode::Jump, &args, 0);
        } else if self.rng.chance(50) {
            let args = self.some_operands();
            self.builder.push_void(Opcode::Jump, &args, ELSEWHERE);
        } else {
            let exit = self.exit();
            self.builder.push_void(Opcode::Finish, &[], exit);
        }
        self.builder.finish()
    }

    /// What a loop goes on with: most values stay, so that guards hold in the next lap too.
    fn next_lap(&mut self, labels: &[Operand]) -> Vec<Operand> {
        let mut args = labels.to_vec();
        for at in 0..POINTERS[0] {
            if self.rng.chance(30) {
                args[at] = self.operand(INPUTS[at]);
            }
        }
        if self.rng.chance(20) {
            args.swap(POINTERS[0], POINTERS[1]);
        }
        if self.rng.chance(30) {
            let three = self.builder.constant(Const::new(Ty::I64, 3));
            let any = self.operand(Ty::I64);
            let masked = self.push(Opcode::IntAnd, &[any, three], 0, Ty::I64);
            let least = self.builder.constant(Const::new(Ty::I64, LEAST_INDEX));
            args[INDEX] = self.push(Opcode::IntAdd, &[masked, least], 0, Ty::I64);
        }
        args
    }

    fn value(&self, operand: Operand) -> Const {
        self.machine.value(self.builder.trace(), operand)
    }

    /// Runs what was appended since `from`.
    fn run(&mut self, from: usize) {
        let trace = self.builder.trace();
        for (op_idx, op) in trace.ops.iter().enumerate().skip(from) {
            let left = self.machine.step(trace, op_idx, op);
            assert!(left.is_none(), "the recording left its own trace\n{trace}");
        }
    }

    fn n_ops(&self) -> usize {
        self.builder.trace().ops.len()
    }

    fn push(&mut self, opcode: Opcode, args: &[Operand], descr: u32, ty: Ty) -> Operand {
        let from = self.n_ops();
        let res = self.builder.push(opcode, args, descr, ty);
        self.run(from);
        self.operands.push(res);
        res
    }

    fn exit(&mut self) -> u32 {
        let args = self.some_operands();
        self.next_exit += 1;
        let mut resume = Resume { step: 1, n_reds: args.len() as u32, ..Resume::default() };
        if self.dirty {
            resume.kind = ResumeKind::Replay;
            resume.n_reds /= 2;
        }
        self.builder.exit(ExitId(self.next_exit), &args, resume)
    }

    fn merge_point(&mut self) {
        let from = self.n_ops();
        self.builder.push_void(Opcode::DebugMergePoint, &[], 0);
        self.run(from);
        self.dirty = false;
    }

    fn some_operands(&mut self) -> Vec<Operand> {
        let n = self.rng.below(6);
        let mut operands: Vec<_> = (0..n).map(|_| self.operand_where(|_| true)).collect();
        for _ in 0..2 {
            if !self.objects.is_empty() && self.rng.chance(40) {
                operands.push(self.some_object());
            }
            if !self.gone.is_empty() && self.rng.chance(10) {
                operands.push(self.rng.choose(&self.gone));
            }
        }
        operands
    }

    /// One of the newest objects, mostly.
    fn some_object(&mut self) -> Operand {
        let newest = if self.rng.chance(70) { self.objects.len().saturating_sub(3) } else { 0 };
        self.rng.choose(&self.objects[newest..])
    }

    /// Something with objects: numbers are in their first words, and a pointer to one in the last. Pointers
    /// to them are used for nothing else, since their addresses may be others.
    fn object(&mut self) {
        let which = if self.objects.is_empty() { 0 } else { self.rng.below(12) };
        let (scale, frozen) = (0, false);
        let pointer_at = MemDescr { ty: Ty::Ptr, offset: 16, scale, class: 0, frozen };
        match which {
            0 | 1 => self.new_object(),
            2..=4 => {
                let (object, ty) = (self.some_object(), self.number());
                let class = self.class_of(object);
                let offset = self.number_at(ty);
                let value = self.operand(ty);
                let mem = MemDescr { ty, offset, scale, class, frozen };
                self.set(&[object, value], mem);
            }
            5..=7 => {
                let (object, ty) = (self.some_object(), self.number());
                let class = self.class_of(object);
                let offset = self.number_at(ty);
                let mem = self.builder.mem(MemDescr { ty, offset, scale, class, frozen });
                self.push(Opcode::GetField, &[object], mem, ty);
            }
            8 => {
                let (object, other) = (self.some_object(), self.some_object());
                let class = self.class_of(object);
                self.set(&[object, other], MemDescr { class, ..pointer_at });
            }
            9 => {
                // What has been stored there in this lap or the one before may be gone.
                let (slots, offset) = self.slot();
                match self.rng.chance(70) {
                    true => {
                        let object = self.some_object();
                        self.set(&[slots, object], MemDescr { offset, ..pointer_at });
                    }
                    false => {
                        let mem = MemDescr { offset, ..pointer_at };
                        let mem = self.builder.mem(mem);
                        let loaded = self.push(Opcode::GetField, &[slots], mem, Ty::Ptr);
                        self.operands.pop();
                        self.gone.push(loaded);
                    }
                }
            }
            10 => {
                // An object may be where another one was that is gone.
                let (a, b) = (self.some_object(), self.some_object());
                let opcode = self.rng.choose(&[Opcode::PtrEq, Opcode::PtrNe]);
                self.push(opcode, &[a, b], 0, Ty::Bool);
            }
            _ => {
                let object = self.some_object();
                self.objects.retain(|&it| it != object);
                self.gone.push(object);
                let bytes = self.bytes[&object] as u64;
                let size = [bytes, 8].map(|n| self.builder.constant(Const::new(Ty::I64, n)));
                let opcode = if bytes == BUFFER { Opcode::FreeBuffer } else { Opcode::Free };
                let from = self.n_ops();
                self.builder.push_void(opcode, &[object, size[0], size[1]], 0);
                self.run(from);
                self.dirty = true;
            }
        }
    }

    /// Something with the objects that are carried from lap to lap.
    fn carried(&mut self) {
        let [at, other] = if self.rng.chance(50) { [0, 1] } else { [1, 0] };
        let object = self.carried_at(at);
        match self.rng.below(8) {
            0..=2 => {
                let offset = self.rng.choose(&[0, 8]);
                let mem = self.builder.mem(self.field(Ty::I64, offset));
                self.push(Opcode::GetField, &[object], mem, Ty::I64);
            }
            3 => {
                let (offset, value) = (self.rng.choose(&[0, 8]), self.operand(Ty::I64));
                self.set(&[object, value], self.field(Ty::I64, offset));
            }
            4 => {
                let second = self.carried_at(other);
                self.carry(at, second);
                self.carry(other, object);
            }
            _ => {
                let fields: Vec<i32> = [0, 8].into_iter().filter(|_| self.rng.chance(60)).collect();
                for offset in fields {
                    let mem = self.builder.mem(self.field(Ty::I64, offset));
                    self.push(Opcode::GetField, &[object], mem, Ty::I64);
                }
                self.replace(at, object);
            }
        }
    }

    fn field(&self, ty: Ty, offset: i32) -> MemDescr {
        let class = match self.carries_buffers {
            true => MemDescr::BUFFER,
            false => MemDescr::boxed(24),
        };
        MemDescr { ty, offset, scale: 0, class, frozen: false }
    }

    /// Another object takes the place of one that is carried.
    fn replace(&mut self, at: usize, object: Operand) {
        let size = [24, 8].map(|n| self.builder.constant(Const::new(Ty::I64, n)));
        let free_first = self.rng.chance(40);
        if free_first {
            self.give_back(object);
        }
        let opcode = if self.carries_buffers { Opcode::NewBuffer } else { Opcode::New };
        let new = self.push(opcode, &size, 0, Ty::Ptr);
        self.operands.pop();
        self.dirty = true;
        for offset in [0, 8] {
            let value = self.operand(Ty::I64);
            self.set(&[new, value], self.field(Ty::I64, offset));
        }
        let null = self.builder.constant(Const::new(Ty::Ptr, 0));
        self.set(&[new, null], self.field(Ty::Ptr, 16));
        self.carry(at, new);
        if !free_first {
            self.give_back(object);
        }
    }

    fn give_back(&mut self, object: Operand) {
        let size = [24, 8].map(|n| self.builder.constant(Const::new(Ty::I64, n)));
        let opcode = if self.carries_buffers { Opcode::FreeBuffer } else { Opcode::Free };
        let from = self.n_ops();
        self.builder.push_void(opcode, &[object, size[0], size[1]], 0);
        self.run(from);
        self.gone.push(object);
        self.dirty = true;
    }

    fn carried_at(&mut self, at: usize) -> Operand {
        let slots = self.builder.constant(Const::new(Ty::Ptr, SLOTS));
        let class = self.class_of_slots();
        let mem = MemDescr { class, ..self.field(Ty::Ptr, CARRIED_AT[at]) };
        let mem = self.builder.mem(mem);
        let object = self.push(Opcode::GetField, &[slots], mem, Ty::Ptr);
        self.operands.pop();
        object
    }

    fn carry(&mut self, at: usize, object: Operand) {
        let slots = self.builder.constant(Const::new(Ty::Ptr, SLOTS));
        let class = self.class_of_slots();
        self.set(&[slots, object], MemDescr { class, ..self.field(Ty::Ptr, CARRIED_AT[at]) });
    }

    /// The slots are in the buffer of a `Vec` that is in some object.
    fn class_of_slots(&mut self) -> u32 {
        self.rng.choose(&[MemDescr::BUFFER, MemDescr::OBJECT_BUFFER].map(u64::from)) as u32
    }

    /// What may be said of where an object is.
    fn class_of(&mut self, object: Operand) -> u32 {
        let bytes = self.bytes[&object];
        if bytes as u64 == BUFFER {
            return if self.rng.chance(20) { 0 } else { MemDescr::BUFFER };
        }
        match self.rng.below(10) {
            0 | 1 => 0,
            2..=4 => MemDescr::BOXED,
            5 | 6 => MemDescr::OBJECT,
            _ => MemDescr::boxed(bytes),
        }
    }

    fn new_object(&mut self) {
        let bytes = self.rng.choose(&[24, 24, 32, BUFFER]) as usize;
        let size = [bytes as u64, 8].map(|n| self.builder.constant(Const::new(Ty::I64, n)));
        let opcode = if bytes as u64 == BUFFER { Opcode::NewBuffer } else { Opcode::New };
        let object = self.push(opcode, &size, 0, Ty::Ptr);
        self.operands.pop();
        self.bytes.insert(object, bytes);
        let class = self.class_of(object);
        self.dirty = true;
        for offset in [0, 8] {
            let value = self.operand(Ty::I64);
            let mem = MemDescr { ty: Ty::I64, offset, scale: 0, class, frozen: false };
            self.set(&[object, value], mem);
        }
        let mut pointer = self.builder.constant(Const::new(Ty::Ptr, 0));
        if !self.objects.is_empty() && self.rng.chance(50) {
            pointer = self.some_object();
        }
        let mem = MemDescr { ty: Ty::Ptr, offset: 16, scale: 0, class, frozen: false };
        self.set(&[object, pointer], mem);
        self.objects.push(object);
    }

    fn set(&mut self, args: &[Operand], mem: MemDescr) {
        let mem = self.builder.mem(mem);
        let from = self.n_ops();
        self.builder.push_void(Opcode::SetField, args, mem);
        self.run(from);
        self.dirty = true;
    }

    fn number(&mut self) -> Ty {
        self.rng.choose(&[Ty::I8, Ty::I32, Ty::I64, Ty::F64])
    }

    /// Where a number may be in an object.
    fn number_at(&mut self, ty: Ty) -> i32 {
        match ty.bytes() {
            8 => self.rng.choose(&[0, 8, 8, 4]),
            _ => self.rng.choose(&[0, 4, 8, 9]),
        }
    }

    /// Where a pointer to an object may be, in memory that is there before.
    fn slot(&mut self) -> (Operand, i32) {
        let slots = self.builder.constant(Const::new(Ty::Ptr, SLOTS));
        (slots, self.rng.choose(&[0, 8, 16]))
    }

    /// An operand of a type that is asked for; mostly one of the newest.
    fn operand_where(&mut self, accepts: impl Fn(Ty) -> bool) -> Operand {
        let trace = self.builder.trace();
        let fitting: Vec<_> =
            self.operands.iter().copied().filter(|&it| accepts(trace.ty(it))).collect();
        let newest = if self.rng.chance(50) { fitting.len().saturating_sub(4) } else { 0 };
        let operand = self.rng.choose(&fitting[newest..]);
        if self.rng.chance(85) {
            return operand;
        }
        let c = match trace.ty(operand) {
            Ty::F64 => Const::new(Ty::F64, self.rng.choose(&[0.0, 1.0, -1.0, 2.0_f64]).to_bits()),
            Ty::F32 => Const::new(Ty::F32, self.rng.choose(&[0.0, 1.0, 2.0_f32]).to_bits().into()),
            ty => Const::new(ty, self.rng.choose(&[0, 1, 2, 3, 7, 8, 127, u64::MAX])),
        };
        self.builder.constant(c)
    }

    fn operand(&mut self, ty: Ty) -> Operand {
        self.operand_where(|it| it == ty)
    }

    fn operands(&mut self, opcode: Opcode) -> Vec<Operand> {
        let mut args: Vec<Operand> = Vec::new();
        for kind in opcode.info().args {
            let operand = match kind {
                Arg::Int => self.operand_where(Ty::is_int),
                Arg::I64 => self.operand(Ty::I64),
                Arg::Bool => self.operand(Ty::Bool),
                Arg::Float => self.operand_where(Ty::is_float),
                Arg::Ptr => self.operand(Ty::Ptr),
                Arg::Any => self.operand_where(|_| true),
                Arg::Same => {
                    let ty = self.builder.trace().ty(args[0]);
                    self.operand(ty)
                }
            };
            args.push(operand);
        }
        args
    }

    fn pure(&mut self) {
        let opcodes: Vec<_> = Opcode::ALL.iter().copied().filter(|op| op.is_pure()).collect();
        let opcode = self.rng.choose(&opcodes);
        let args = self.operands(opcode);
        let from = self.builder.trace().ty(args[0]);
        let to = match opcode.info().res {
            Res::Same => from,
            Res::Ty(ty) => ty,
            _ => self.rng.choose(&[Ty::I8, Ty::I32, Ty::I64, Ty::F32, Ty::F64]),
        };
        let defined = super::algebra::conversion_exists(opcode, from, to)
            && (opcode.effect() == Effect::Pure || self.check_divisor(opcode, args[0], args[1]));
        if defined {
            self.push(opcode, &args, 0, to);
        }
    }

    /// Guards that a division is defined. False if it is not.
    fn check_divisor(&mut self, opcode: Opcode, dividend: Operand, divisor: Operand) -> bool {
        let ty = self.builder.trace().ty(divisor);
        let args = [self.value(dividend), self.value(divisor)];
        if eval::fold(opcode, ty, &args).is_none() || args[1].signed() == -1 {
            return false;
        }
        for excluded in [0, u64::MAX] {
            let excluded = self.builder.constant(Const::new(ty, excluded));
            let differs = self.push(Opcode::IntNe, &[divisor, excluded], 0, Ty::Bool);
            self.push_guard(Opcode::GuardTrue, &[differs]);
        }
        true
    }

    fn push_guard(&mut self, opcode: Opcode, args: &[Operand]) {
        let from = self.n_ops();
        let exit = self.exit();
        self.builder.push_void(opcode, args, exit);
        self.run(from);
    }

    fn overflow(&mut self) {
        let is_overflow = |op: &Opcode| op.effect() == Effect::Overflow;
        let opcodes: Vec<_> = Opcode::ALL.iter().copied().filter(is_overflow).collect();
        let opcode = self.rng.choose(&opcodes);
        let args = self.operands(opcode);
        let (_, overflowed) = eval::ovf(opcode, self.value(args[0]), self.value(args[1]));
        let ty = self.builder.trace().ty(args[0]);
        let res = self.push(opcode, &args, 0, ty);
        let guard = if overflowed { Opcode::GuardOverflow } else { Opcode::GuardNoOverflow };
        self.push_guard(guard, &[]);
        debug_assert_eq!(self.operands.last(), Some(&res));
    }

    fn guard(&mut self) {
        if self.rng.chance(25) {
            let value = self.operand_where(|_| true);
            let constant = self.value(value);
            let constant = self.builder.constant(constant);
            return self.push_guard(Opcode::GuardValue, &[value, constant]);
        }
        let condition = self.operand(Ty::Bool);
        let holds = self.value(condition).bits == 1;
        self.push_guard(if holds { Opcode::GuardTrue } else { Opcode::GuardFalse }, &[condition]);
    }

    /// A pointer with the descriptor of an access through it and perhaps an index.
    fn place(&mut self, ty: Ty, may_be_frozen: bool) -> (Vec<Operand>, MemDescr) {
        let pointers = POINTERS.len() - usize::from(!may_be_frozen);
        let which = self.rng.below(pointers);
        let frozen = which == 3;
        // Classes 1 and 64 are the first region, class 2 the second, or 65: then it may be accessed by class 1 too.
        let class = match (which, self.second_is_buffer) {
            _ if self.rng.chance(50) => 0,
            (0 | 1, _) => self.rng.choose(&[1, 64]) as u32,
            (2, true) => self.rng.choose(&[1, 65]) as u32,
            (2, false) => 2,
            _ => 0,
        };
        let mut base: Operand = self.operands[POINTERS[which]];
        if self.rng.chance(20) {
            let distance = self.rng.choose(&[4, 8, -8_i64 as u64]);
            let distance = self.builder.constant(Const::new(Ty::I64, distance));
            base = self.push(Opcode::PtrAdd, &[base, distance], 0, Ty::Ptr);
        }
        let offset = self.rng.choose(&[0, 1, 4, 8, -4]);
        let mut descr = MemDescr { ty, offset, scale: 0, class, frozen };
        if self.rng.chance(50) {
            return (vec![base], descr);
        }
        descr.scale = self.rng.choose(&[1, 4, 8]);
        let index = self.index();
        (vec![base, index], descr)
    }

    fn index(&mut self) -> Operand {
        let constant = self.rng.choose(&[0, 1, 2]);
        let (minus, constant) = (-(constant as i64) as u64, constant);
        let [minus, constant] =
            [minus, constant].map(|c| self.builder.constant(Const::new(Ty::I64, c)));
        let index = self.operands[INDEX];
        match self.rng.below(5) {
            0 => constant,
            1 => self.push(Opcode::IntAdd, &[index, constant], 0, Ty::I64),
            2 => self.push(Opcode::IntAdd, &[index, minus], 0, Ty::I64),
            3 => self.push(Opcode::IntSub, &[index, constant], 0, Ty::I64),
            _ => index,
        }
    }

    /// Tests the index, as the length of a stack is tested.
    fn bound_index(&mut self) {
        let index = self.operands[INDEX];
        let limit = self.rng.choose(&[LEAST_INDEX, LEAST_INDEX + 1, LEAST_INDEX + 2, 5, 6]);
        let limit = self.builder.constant(Const::new(Ty::I64, limit));
        let opcode = self.rng.choose(&[Opcode::UintLt, Opcode::UintGt, Opcode::UintLe]);
        let test = self.push(opcode, &[index, limit], 0, Ty::Bool);
        let holds = self.value(test).bits == 1;
        self.push_guard(if holds { Opcode::GuardTrue } else { Opcode::GuardFalse }, &[test]);
    }

    fn load(&mut self) {
        let ty = self.rng.choose(&[Ty::I8, Ty::I32, Ty::I64, Ty::F64]);
        let (args, descr) = self.place(ty, true);
        let opcode = [Opcode::GetField, Opcode::GetArrayItem][args.len() - 1];
        let descr = self.builder.mem(descr);
        self.push(opcode, &args, descr, ty);
    }

    fn store(&mut self) {
        let ty = self.rng.choose(&[Ty::I8, Ty::I32, Ty::I64, Ty::F64]);
        let (mut args, descr) = self.place(ty, false);
        let opcode = [Opcode::SetField, Opcode::SetArrayItem][args.len() - 1];
        args.push(self.operand(ty));
        let descr = self.builder.mem(descr);
        let from = self.n_ops();
        self.builder.push_void(opcode, &args, descr);
        self.run(from);
        self.dirty = true;
    }

    fn call(&mut self, opcode: Opcode) {
        let can_panic = self.rng.chance(30);
        let reads_only = opcode == Opcode::Call && !can_panic && self.rng.chance(50);
        let function = 0x40 + u64::from(can_panic);
        let mut args = vec![self.builder.constant(Const::new(Ty::Ptr, function))];
        args.push(self.operand(Ty::I8));
        let name = if can_panic { "may_panic" } else { "returns" };
        // Class 2 is the second region.
        let apart = if self.rng.chance(40) { Classes::NONE.with(2) } else { Classes::NONE };
        let (name, site) = (name.into(), "".into());
        let descr = CallDescr { name, site, res: Some(Ty::I64), can_panic, reads_only, apart };
        let descr = self.builder.call(descr);
        let mut after = self.machine.clone();
        let from = self.n_ops();
        let res = self.builder.push(opcode, &args, descr, Ty::I64);
        let trace = self.builder.trace();
        after.step(trace, from, &trace.ops[from]);
        if after.panicked() {
            // The recording would end here.
            self.builder.truncate(from, self.builder.trace().exits.len(), trace_values(res));
            return;
        }
        self.machine = after;
        self.dirty |= opcode.is_impure_call() && !reads_only;
        self.operands.push(res);
        if self.rng.chance(40) {
            let word = self.builder.constant(Const::new(Ty::I64, 1));
            self.push(Opcode::CallResult, &[word], descr, Ty::I32);
        }
        if can_panic {
            self.push_guard(Opcode::GuardNoException, &[]);
        }
    }

    fn label_args(&mut self) -> Vec<Operand> {
        let mut args: Vec<Operand> = INPUTS.iter().map(|&ty| self.operand(ty)).collect();
        for at in POINTERS.into_iter().chain([INDEX]) {
            args[at] = self.operands[at];
        }
        args
    }

    /// A label with a value for every input. What was there before is not used behind it.
    fn label(&mut self) {
        let args = self.label_args();
        let from = self.n_ops();
        let first = self.builder.push_label(TargetId(from as u32), &args);
        self.run(from);
        let labels = (0..INPUTS.len() as u32).map(|at| crate::ir::ValueId(first.0 + at).into());
        self.operands = labels.collect();
        self.objects.clear();
        self.gone.clear();
    }
}

/// The number of values before this one.
fn trace_values(operand: Operand) -> usize {
    operand.value().expect("a result is a value").index()
}

#[test]
fn optimized_traces_do_the_same() {
    let n_traces = std::env::var("OPT_RANDOM_TRACES").map_or(300, |n| n.parse().expect("a number"));
    let (mut recorded_ops, mut optimized_ops, mut split_in_lap) = (0, 0, [0; 8]);
    for seed in 0..n_traces {
        let mut rng = Rng(seed);
        let machine = machine(&mut rng);
        let recorded_on = inputs(&mut rng);
        let n_ops = 5 + rng.below(60);
        let trace = Generator::new(&mut rng, machine.clone(), &recorded_on).trace(n_ops);
        crate::ir::verify(&trace).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{trace}"));
        let others: Vec<_> = (0..4).map(|_| inputs(&mut rng)).collect();
        let some = [(); 4].map(|()| random_passes(&mut rng));
        for passes in pass_sets().into_iter().chain(some) {
            let optimized = Optimized::new(&trace, passes);
            for inputs in [&recorded_on].into_iter().chain(&others) {
                optimized.check(&machine, inputs);
            }
            let is_label = |op: &&crate::ir::Op| op.opcode == Opcode::Label;
            let n_labels = |trace: &Trace| trace.ops.iter().filter(is_label).count();
            match (passes, &optimized.result) {
                (Passes::ALL, Ok(optimized)) if n_labels(optimized) == n_labels(&trace) => {
                    recorded_ops += trace.n_operations();
                    optimized_ops += optimized.n_operations();
                }
                (Passes::ALL, Ok(optimized)) => {
                    for inputs in [&recorded_on].into_iter().chain(&others) {
                        let laps = machine.clone().run(optimized, inputs).laps;
                        split_in_lap[laps as usize] += 1;
                    }
                }
                _ => {}
            }
        }
    }
    // Loops are left in the first lap or its preheader, in a later lap, or go on and on.
    let in_loop: u32 = split_in_lap[2..].iter().sum();
    assert!(split_in_lap[1] > 0 && in_loop > 0 && split_in_lap[7] > 0, "{split_in_lap:?}");
    assert!(optimized_ops * 4 < recorded_ops * 3, "{recorded_ops} became {optimized_ops}");
}

/// Checks that a trace which enters a loop behind its preheader does what it does when it jumps to the loop.
/// Answers whether it came there.
#[track_caller]
fn check_entry(
    before: &Trace,
    lap: &Trace,
    spliced: &Trace,
    split: &Trace,
    start: (&Machine, &[Const]),
) -> bool {
    let (machine, inputs) = start;
    let expected = machine.clone().run(before, inputs);
    let found = machine.clone().run(spliced, inputs);
    let context = || {
        format!(
            "on {inputs:x?}\n{before}\ninto\n{split}\nbecame\n{spliced}\n{expected:x?}, {found:x?}"
        )
    };
    let n_exits = before.n_exit_ids();
    let panics = |trace: &Trace, at: usize| trace.ops[at].opcode == Opcode::GuardNoException;
    match (&expected.outcome, &found.outcome) {
        (Outcome::Jump, Outcome::Jump) => {
            let expected = expected.machine().run_from(lap, 0, &expected.values);
            let label = super::super::second_label(split).expect("it has a preheader");
            let mut found = found.machine().run_from(split, label, &found.values);
            if let Outcome::Exit { id, .. } = &mut found.outcome {
                *id = original(lap, *id);
            }
            let is_stronger = found.resume.kind == ResumeKind::Rewind && found.resume.step == 0;
            assert!(
                is_stronger || expected.same(&found),
                "{expected:x?}, {found:x?} {}",
                context()
            );
            true
        }
        (Outcome::Jump, Outcome::Exit { op_idx, id })
            if n_exits <= id.0 && panics(spliced, *op_idx) =>
        {
            // The lap's own exit.
            let expected = expected.machine().run_from(lap, 0, &expected.values);
            let is_exit =
                matches!(expected.outcome, Outcome::Exit { op_idx, .. } if panics(lap, op_idx));
            assert!(
                is_exit && expected.same_state(&found),
                "{expected:x?}\n\n{found:x?}\n{lap}\n{}",
                context()
            );
            false
        }
        (Outcome::Jump, Outcome::Exit { id, .. }) if n_exits <= id.0 => {
            // An exit of the preheader: the lap begins in the interpreter.
            assert!(expected.same_state(&found), "{}", context());
            false
        }
        _ => {
            let result = Ok(spliced.clone());
            Optimized { trace: before, passes: Passes::ALL, result }.check(machine, inputs);
            false
        }
    }
}

#[test]
fn loops_are_entered_behind_their_preheaders() {
    let n_traces = std::env::var("OPT_RANDOM_TRACES").map_or(300, |n| n.parse().expect("a number"));
    let mut entered = 0;
    for seed in 0..n_traces {
        let mut rng = Rng(seed);
        let machine = machine(&mut rng);
        let recorded_on = inputs(&mut rng);
        let n_ops = 5 + rng.below(30);
        let lap = Generator::new(&mut rng, machine.clone(), &recorded_on);
        let lap = lap.trace_to(n_ops, End::Loop);
        let before = Generator::new(&mut rng, machine.clone(), &recorded_on);
        let before = before.trace_to(n_ops / 2, End::IntoLoop);
        let Ok(split) = optimize(&lap, Passes::ALL) else { continue };
        if super::super::second_label(&split).is_none() {
            continue;
        }
        let joined = super::super::behind_preheader(&before, &split);
        crate::ir::verify(&joined).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{joined}"));
        let Ok(spliced) = optimize(&joined, Passes::ALL) else { continue };
        for inputs in [recorded_on].into_iter().chain((0..4).map(|_| inputs(&mut rng))) {
            entered += u32::from(check_entry(&before, &lap, &spliced, &split, (&machine, &inputs)));
        }
    }
    assert!(entered > n_traces as u32 / 10, "{entered} of {n_traces}");
}
