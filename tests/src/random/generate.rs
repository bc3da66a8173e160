//! Makes random traces.
//!
//! The generator knows a concrete value of everything, from the inputs on, and so can choose the
//! directions of guards such that most of them hold at first. These values only guide it: expected
//! results come from running the trace on the other backend.
//!
//! What keeps the traces defined: divisors are made positive, indices are cut to the buffer, and each
//! label and each bridge starts with a decrement of a counter and a guard on it, so that nothing runs for
//! ever: not a loop, and not the bridge of the very guard that stops it. Inputs, labels and exits start
//! with this counter and the address of the buffer.

use super::rng::Rng;
use super::world::{Memory, PANICS, WRITES, World, area, called, is_nan, result_word, written};
use metainterp::ir::{
    Arg, CallDescr, Classes, Const, ExitId, MemDescr, Opcode, Operand, Res, Resume, TargetId,
    Trace, TraceBuilder, Ty, cast_exists, eval,
};

/// A value or constant with what it is known to be.
#[derive(Clone, Copy)]
struct Value {
    operand: Operand,
    ty: Ty,
    word: u64,
}

pub(crate) struct Generator<'w> {
    world: &'w mut World,
    rng: &'w mut Rng,
    b: TraceBuilder,
    /// What is visible: since the nearest label.
    values: Vec<Value>,
    counter: Value,
    buffer: Value,
    own_labels: Vec<(TargetId, Vec<Ty>)>,
    memory: Memory,
}

/// Makes a loop or a straight trace whose inputs have these types and values.
pub(crate) fn generate(
    world: &mut World,
    rng: &mut Rng,
    name: String,
    inputs: &[(Ty, u64)],
    starts_with_label: bool,
) -> Trace {
    let memory = world.memory();
    let mut b = TraceBuilder::new(name);
    let values: Vec<Value> =
        inputs.iter().map(|&(ty, word)| Value { operand: b.input(ty).into(), ty, word }).collect();
    let (counter, buffer) = (values[0], values[1]);
    let own_labels = Vec::new();
    let mut generator = Generator { world, rng, b, values, counter, buffer, own_labels, memory };
    match starts_with_label {
        true => generator.label(),
        false => generator.count_down(),
    }
    let n = 3 + generator.rng.below(60);
    (0..n).for_each(|_| generator.op());
    generator.end();
    generator.finish()
}

/// A random constant of a type.
pub(crate) fn random_word(rng: &mut Rng, ty: Ty) -> u64 {
    let any = rng.word();
    let small = (any % 16) as i64 - 4;
    let word = match (ty, rng.below(8)) {
        (Ty::F64, 0) => f64::from_bits(any >> 1).to_bits(),
        (Ty::F64, 1) => (*rng.pick(&[0.0, -0.0, 0.5, 1e300, f64::INFINITY, f64::NAN])).to_bits(),
        (Ty::F64, _) => (small as f64 / 4.0).to_bits(),
        (Ty::F32, 0 | 1) => {
            u64::from((*rng.pick(&[0.0f32, -0.0, 0.5, 1e30, f32::INFINITY, f32::NAN])).to_bits())
        }
        (Ty::F32, _) => u64::from((small as f32 / 4.0).to_bits()),
        (_, 0) => any,
        (_, 1) => ty.mask() >> (any % 3),
        (_, 2) => 1 << (any % 64),
        (_, 3) => (1u64 << (any % 64)).wrapping_neg(),
        _ => small as u64,
    };
    word & ty.mask()
}

const INTS: [Ty; 4] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64];

impl Generator<'_> {
    fn op(&mut self) {
        match self.rng.below(100) {
            0..=49 => self.pure(),
            50..=54 => self.division(),
            55..=61 => self.overflow(),
            62..=71 => self.guard(),
            72..=74 => self.guard_value(),
            75..=83 => self.load(),
            84..=91 => self.store(),
            92..=96 => self.call(),
            97 => self.float_bits(),
            _ => self.label(),
        }
    }

    fn constant(&mut self, ty: Ty, word: u64) -> Value {
        Value { operand: self.b.constant(Const::new(ty, word)), ty, word: word & ty.mask() }
    }

    /// A value of a type, or sometimes a constant.
    fn operand(&mut self, ty: Ty) -> Value {
        let n = self.values.iter().filter(|value| value.ty == ty).count();
        if n > 0 && self.rng.chance(80) {
            let nth = self.rng.below(n);
            return *self.values.iter().filter(|value| value.ty == ty).nth(nth).expect("counted");
        }
        let word = match ty {
            Ty::Ptr => return self.buffer,
            _ => random_word(self.rng, ty),
        };
        self.constant(ty, word)
    }

    fn push(&mut self, opcode: Opcode, args: &[Value], descr: u32, ty: Ty, word: u64) -> Value {
        let operands: Vec<Operand> = args.iter().map(|arg| arg.operand).collect();
        let operand = self.b.push(opcode, &operands, descr, ty);
        let value = Value { operand, ty, word };
        self.values.push(value);
        value
    }

    fn push_pure(&mut self, opcode: Opcode, args: &[Value], ty: Ty) -> Value {
        let consts: Vec<Const> = args.iter().map(|arg| Const::new(arg.ty, arg.word)).collect();
        let word = eval::fold(opcode, ty, &consts).expect("defined operands").bits;
        self.push(opcode, args, 0, ty, word)
    }

    /// Any pure operation on any value that it takes.
    fn pure(&mut self) {
        let first = *self.rng.pick(&self.values);
        let takes = |kind: Arg| match kind {
            Arg::Int => first.ty.is_int(),
            Arg::I64 => first.ty == Ty::I64,
            Arg::Bool => first.ty == Ty::Bool,
            Arg::Float => first.ty.is_float(),
            Arg::Ptr => first.ty == Ty::Ptr,
            Arg::Any => true,
            Arg::Same => false,
        };
        // Addresses differ from run to run, and bits of NaNs from backend to backend.
        let excluded = [Opcode::CastPtrToInt, Opcode::CastIntToPtr, Opcode::ConvertFloatBytesToInt];
        let opcodes: Vec<Opcode> = Opcode::ALL
            .iter()
            .copied()
            .filter(|op| op.effect() == metainterp::ir::Effect::Pure && takes(op.info().args[0]))
            .filter(|op| !excluded.contains(op))
            .filter(|op| *op != Opcode::IntBswap || first.ty != Ty::I8)
            .collect();
        let opcode = *self.rng.pick(&opcodes);
        let ty = match opcode.info().res {
            Res::Ty(ty) => ty,
            Res::Stated => {
                let to: Vec<Ty> =
                    Ty::ALL.into_iter().filter(|&to| cast_exists(opcode, first.ty, to)).collect();
                match to.is_empty() {
                    true => return,
                    false => *self.rng.pick(&to),
                }
            }
            _ => first.ty,
        };
        let mut args = vec![first];
        for kind in &opcode.info().args[1..] {
            let ty = match kind {
                Arg::Same => first.ty,
                Arg::Ptr => Ty::Ptr,
                _ => Ty::I64,
            };
            args.push(self.operand(ty));
        }
        // Constants also come first.
        if args.len() == 2 && args[0].ty == args[1].ty && self.rng.chance(30) {
            args.swap(0, 1);
        }
        self.push_pure(opcode, &args, ty);
    }

    fn division(&mut self) {
        let ty = *self.rng.pick(&INTS);
        let signed = self.rng.chance(50);
        let (dividend, mut divisor) = (self.operand(ty), self.operand(ty));
        if signed {
            let mask = self.constant(ty, ty.mask() >> 1);
            divisor = self.push_pure(Opcode::IntAnd, &[divisor, mask], ty);
        }
        let one = self.constant(ty, 1);
        divisor = self.push_pure(Opcode::IntOr, &[divisor, one], ty);
        let opcode = match (signed, self.rng.chance(50)) {
            (true, true) => Opcode::IntDiv,
            (true, false) => Opcode::IntMod,
            (false, true) => Opcode::UintDiv,
            (false, false) => Opcode::UintMod,
        };
        self.push_pure(opcode, &[dividend, divisor], ty);
    }

    fn overflow(&mut self) {
        let opcode = *self.rng.pick(&[
            Opcode::IntAddOvf,
            Opcode::IntSubOvf,
            Opcode::IntMulOvf,
            Opcode::UintAddOvf,
            Opcode::UintSubOvf,
            Opcode::UintMulOvf,
        ]);
        let ty = *self.rng.pick(&INTS);
        let (a, b) = (self.operand(ty), self.operand(ty));
        let (res, overflow) = eval::ovf(opcode, Const::new(ty, a.word), Const::new(ty, b.word));
        self.push(opcode, &[a, b], 0, ty, res.bits);
        let guard = if overflow { Opcode::GuardOverflow } else { Opcode::GuardNoOverflow };
        self.push_guard(guard, &[]);
    }

    fn push_guard(&mut self, guard: Opcode, args: &[Value]) {
        let operands: Vec<Operand> = args.iter().map(|arg| arg.operand).collect();
        let exit = self.exit();
        self.b.push_void(guard, &operands, exit);
    }

    /// A new exit: counter, buffer, and some of the other values, each once.
    fn exit(&mut self) -> u32 {
        let mut saved = vec![self.counter.operand, self.buffer.operand];
        let most = if self.rng.chance(10) { 60 } else { 8 };
        for _ in 0..self.rng.below(most) {
            let operand = self.rng.pick(&self.values).operand;
            if !saved.contains(&operand) {
                saved.push(operand);
            }
        }
        let id = ExitId(self.world.n_exits);
        self.world.n_exits += 1;
        self.b.exit(id, &saved, Resume::default())
    }

    fn guard(&mut self) {
        let fresh = self.rng.chance(70);
        let condition = if fresh { self.comparison() } else { self.operand(Ty::Bool) };
        let holds = (condition.word == 1) == self.rng.chance(94);
        self.push_guard(if holds { Opcode::GuardTrue } else { Opcode::GuardFalse }, &[condition]);
    }

    fn comparison(&mut self) -> Value {
        let ty = *self.rng.pick(&[Ty::I64, Ty::I64, Ty::I32, Ty::I16, Ty::I8, Ty::F64, Ty::F32]);
        let kind = if ty.is_float() { Arg::Float } else { Arg::Int };
        let compares = |op: &Opcode| {
            let info = op.info();
            info.args == [kind, Arg::Same] && matches!(info.res, Res::Ty(Ty::Bool))
        };
        let opcodes: Vec<Opcode> = Opcode::ALL.iter().copied().filter(compares).collect();
        let (opcode, args) = (*self.rng.pick(&opcodes), [self.operand(ty), self.operand(ty)]);
        self.push_pure(opcode, &args, Ty::Bool)
    }

    /// Guards that a value is the constant that it is now.
    fn guard_value(&mut self) {
        let value = *self.rng.pick(&self.values);
        if value.ty == Ty::Ptr || is_nan(value.ty, value.word) {
            return;
        }
        let word = match self.rng.chance(94) {
            true => value.word,
            false => random_word(self.rng, value.ty),
        };
        if is_nan(value.ty, word) {
            return;
        }
        if value.ty.is_float() {
            self.guard_no_nan(value);
        }
        let constant = self.constant(value.ty, word);
        self.push_guard(Opcode::GuardValue, &[value, constant]);
    }

    fn guard_no_nan(&mut self, value: Value) {
        let equal = self.push_pure(Opcode::FloatEq, &[value, value], Ty::Bool);
        self.push_guard(Opcode::GuardTrue, &[equal]);
    }

    fn float_bits(&mut self) {
        let value = *self.rng.pick(&self.values);
        if value.ty.is_float() && !is_nan(value.ty, value.word) {
            self.guard_no_nan(value);
            let ty = if value.ty == Ty::F32 { Ty::I32 } else { Ty::I64 };
            self.push_pure(Opcode::ConvertFloatBytesToInt, &[value], ty);
        }
    }

    /// An element of the buffer: operands for the address, descriptor, and where it is.
    fn element(&mut self, ty: Ty) -> (Vec<Value>, u32, usize) {
        let area = area(ty).expect("a type that lives in the buffer");
        let (size, n) = (ty.bytes(), area.bytes / ty.bytes());
        let mut args = vec![self.buffer];
        let mut mem = MemDescr { ty, offset: area.start as i32, scale: 0, class: 0, frozen: false };
        let index = match self.rng.chance(50) {
            true => {
                let any = self.operand(Ty::I64);
                let mask = self.constant(Ty::I64, u64::from(n - 1));
                let index = self.push_pure(Opcode::IntAnd, &[any, mask], Ty::I64);
                args.push(index);
                mem.scale = size;
                index.word as u32
            }
            false => {
                let index = self.rng.below(n as usize) as u32;
                mem.offset += (index * size) as i32;
                index
            }
        };
        let descr = self.b.mem(mem);
        (args, descr, (area.start + index * size) as usize)
    }

    fn load(&mut self) {
        let ty = *self.rng.pick(&Ty::ALL[..7]);
        let (args, descr, at) = self.element(ty);
        let opcode = if args.len() == 1 { Opcode::GetField } else { Opcode::GetArrayItem };
        let word = self.memory[at / 8] >> (8 * (at % 8)) & ty.mask();
        self.push(opcode, &args, descr, ty, word);
    }

    fn store(&mut self) {
        let ty = *self.rng.pick(&Ty::ALL[..7]);
        let value = self.operand(ty);
        let (mut args, descr, at) = self.element(ty);
        let opcode = if args.len() == 1 { Opcode::SetField } else { Opcode::SetArrayItem };
        args.push(value);
        let operands: Vec<Operand> = args.iter().map(|arg| arg.operand).collect();
        self.b.push_void(opcode, &operands, descr);
        let (shift, bytes) = (8 * (at % 8), u64::MAX >> (64 - 8 * ty.bytes()));
        let word = &mut self.memory[at / 8];
        *word = *word & !(bytes << shift) | value.word << shift;
    }

    fn call(&mut self) {
        let (writes, panics) = (self.rng.chance(50), self.rng.chance(30));
        let flags = if writes { WRITES } else { 0 } | if panics { PANICS } else { 0 };
        let n_args = self.rng.below(7);
        let kinds = [Ty::Bool, Ty::I8, Ty::I16, Ty::I32, Ty::I64];
        let mut args = Vec::new();
        for _ in 0..n_args {
            let ty = *self.rng.pick(&kinds);
            args.push(self.operand(ty));
        }
        let n_results = self.rng.below(4);
        let results: Vec<Ty> = (0..n_results).map(|_| *self.rng.pick(&kinds)).collect();
        let types = results.iter().enumerate().map(|(k, &ty)| (ty as u64) << (3 * k)).sum();
        let (function, callee) = (self.world.function(), self.world.callee);
        let mut operands = vec![self.constant(Ty::Ptr, function)];
        for word in [callee, flags, types, n_args as u64] {
            operands.push(self.constant(Ty::I64, word));
        }
        operands.extend(&args);
        let words: Vec<u64> = args.iter().map(|arg| arg.word).collect();
        let outcome = called(flags, &words);
        if writes {
            let (at, word) = written(outcome.hash);
            self.memory[at] = word;
        }
        self.push_call(&operands, &results, outcome.hash, writes, panics);
    }

    fn push_call(&mut self, args: &[Value], types: &[Ty], hash: u64, writes: bool, panics: bool) {
        let (name, site) = ("mix".into(), "".into());
        let res = types.first().copied();
        let descr = self.b.call(CallDescr {
            name,
            site,
            res,
            can_panic: panics,
            reads_only: false,
            apart: Classes::NONE,
        });
        let opcode = match (writes, args.len() % 2) {
            (false, _) => Opcode::CallPure,
            (true, 0) => Opcode::CallAssembler,
            (true, _) => Opcode::Call,
        };
        // After a panic the results are unspecified: nobody may look at them, not even the guard's exit.
        let visible_before = self.values.len();
        match res {
            Some(ty) => _ = self.push(opcode, args, descr, ty, result_word(hash, 0, ty)),
            None => {
                let operands: Vec<Operand> = args.iter().map(|arg| arg.operand).collect();
                self.b.push_void(opcode, &operands, descr);
            }
        }
        for (k, &ty) in types.iter().enumerate().skip(1) {
            let index = self.constant(Ty::I64, k as u64);
            self.push(Opcode::CallResult, &[index], descr, ty, result_word(hash, k, ty));
        }
        if panics {
            let results = self.values.split_off(visible_before);
            self.push_guard(Opcode::GuardNoException, &[]);
            self.values.extend(results);
        }
    }

    fn label(&mut self) {
        let mut args = vec![self.counter, self.buffer];
        for _ in 0..self.rng.below(12) {
            let value = *self.rng.pick(&self.values);
            let value = if self.rng.chance(15) { self.operand(value.ty) } else { value };
            args.push(value);
        }
        let target = TargetId(self.world.n_targets);
        self.world.n_targets = target.behind_preheader().0 + 1;
        let operands: Vec<Operand> = args.iter().map(|arg| arg.operand).collect();
        let first = self.b.push_label(target, &operands);
        self.values.clear();
        for (k, arg) in args.iter().enumerate() {
            let operand = metainterp::ir::ValueId(first.0 + k as u32).into();
            self.values.push(Value { operand, ..*arg });
        }
        (self.counter, self.buffer) = (self.values[0], self.values[1]);
        self.own_labels.push((target, args.iter().map(|arg| arg.ty).collect()));
        self.count_down();
    }

    fn count_down(&mut self) {
        let (one, zero) = (self.constant(Ty::I64, 1), self.constant(Ty::I64, 0));
        let counter = self.push_pure(Opcode::IntSub, &[self.counter, one], Ty::I64);
        let runs = self.push_pure(Opcode::IntGt, &[counter, zero], Ty::Bool);
        self.counter = counter;
        self.push_guard(Opcode::GuardTrue, &[runs]);
    }

    fn end(&mut self) {
        let own = !self.own_labels.is_empty() && self.rng.chance(60);
        let labels = if own { &self.own_labels } else { &self.world.labels };
        if labels.is_empty() || self.rng.chance(20) {
            let exit = self.exit();
            return self.b.push_void(Opcode::Finish, &[], exit);
        }
        let (target, types) = self.rng.pick(labels).clone();
        let mut args = vec![self.counter.operand, self.buffer.operand];
        for &ty in &types[2..] {
            args.push(self.operand(ty).operand);
        }
        self.b.push_void(Opcode::Jump, &args, target.0);
    }

    fn finish(self) -> Trace {
        self.world.labels.extend(self.own_labels);
        self.b.finish()
    }
}
