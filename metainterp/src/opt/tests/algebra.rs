//! The rules of `algebra` and `fold`, by evaluation: every operation on every pair of 8-bit operands,
//! chains of two operations, and wider operands at random.

use super::*;
use crate::ir::{Arg, Effect, ExitId, Opcode, Operand, Res, Resume, TraceBuilder, Ty, eval};

/// One operand of an operation in a chain.
#[derive(Clone, Copy)]
enum Side {
    /// The result of the operation before, or the first input.
    Chain,
    /// An input.
    Input(usize),
    Const(Const),
}

/// An operation, its result type if that is stated, and its operands.
#[derive(Clone, Copy)]
struct Step {
    opcode: Opcode,
    ty: Option<Ty>,
    sides: [Side; 2],
}

/// The trace that does the steps one after the other and yields the last result, if the types fit.
/// Overflow operations are not expected to overflow.
fn chain(inputs: &[Ty], steps: &[Step]) -> Option<Trace> {
    let mut builder = TraceBuilder::new("");
    let inputs: Vec<Operand> = inputs.iter().map(|&ty| builder.input(ty).into()).collect();
    let mut last = inputs[0];
    for step in steps {
        let info = step.opcode.info();
        let mut args = Vec::new();
        for (kind, side) in info.args.iter().zip(step.sides) {
            let operand = match side {
                Side::Chain => last,
                Side::Input(at) => inputs[at],
                Side::Const(c) => builder.constant(c),
            };
            let first = *args.first().unwrap_or(&operand);
            let ty = builder.trace().ty(operand);
            if !accepts(*kind, ty, builder.trace().ty(first)) {
                return None;
            }
            args.push(operand);
        }
        let ty = match info.res {
            Res::Same => builder.trace().ty(args[0]),
            Res::Ty(ty) => ty,
            _ => step.ty?,
        };
        if !conversion_exists(step.opcode, builder.trace().ty(args[0]), ty) {
            return None;
        }
        last = builder.push(step.opcode, &args, 0, ty);
        if step.opcode.effect() == Effect::Overflow {
            let exit = builder.exit(
                ExitId(builder.trace().exits.len() as u32),
                &[last],
                Resume::default(),
            );
            builder.push_void(Opcode::GuardNoOverflow, &[], exit);
        }
    }
    let exit = builder.exit(ExitId(1000), &[last], Resume::default());
    builder.push_void(Opcode::Finish, &[], exit);
    Some(builder.finish())
}

fn accepts(kind: Arg, ty: Ty, first: Ty) -> bool {
    match kind {
        Arg::Int => ty.is_int(),
        Arg::I64 => ty == Ty::I64,
        Arg::Bool => ty == Ty::Bool,
        Arg::Float => ty.is_float(),
        Arg::Ptr => ty == Ty::Ptr,
        Arg::Any => true,
        Arg::Same => ty == first,
    }
}

/// Whether a cast takes `from` to `to`.
pub fn conversion_exists(opcode: Opcode, from: Ty, to: Ty) -> bool {
    match opcode {
        Opcode::IntSignext | Opcode::IntZeroext => to.is_int() && from.bits() < to.bits(),
        Opcode::IntTrunc => to.is_int() && to.bits() < from.bits(),
        Opcode::CastBoolToInt | Opcode::CastFloatToInt | Opcode::CastFloatToUint => to.is_int(),
        Opcode::CastIntToFloat | Opcode::CastUintToFloat => to.is_float(),
        Opcode::CastFloatToSinglefloat => (from, to) == (Ty::F64, Ty::F32),
        Opcode::CastSinglefloatToFloat => (from, to) == (Ty::F32, Ty::F64),
        Opcode::ConvertFloatBytesToInt => to.is_int() && from.bits() == to.bits(),
        Opcode::ConvertIntBytesToFloat => to.is_float() && from.bits() == to.bits(),
        Opcode::IntBswap => from != Ty::I8,
        _ => true,
    }
}

/// Operations that the rules are about.
fn pure_opcodes() -> impl Iterator<Item = Opcode> {
    let is_pure = |op: &Opcode| op.is_pure() || op.effect() == Effect::Overflow;
    Opcode::ALL.iter().copied().filter(is_pure)
}

/// Whether every operation of the trace is defined on the inputs.
fn is_defined(trace: &Trace, inputs: &[Const]) -> bool {
    let mut machine = Machine::default();
    machine.start(trace, inputs);
    for (op_idx, op) in trace.ops.iter().enumerate() {
        if op.opcode.effect() == Effect::PureChecked {
            let args: Vec<Const> =
                trace.args(op).iter().map(|&arg| machine.value(trace, arg)).collect();
            if eval::fold(op.opcode, args[0].ty, &args).is_none() {
                return false;
            }
        }
        if machine.step(trace, op_idx, op).is_some() {
            return true;
        }
    }
    unreachable!("a trace ends with a jump or a finish")
}

/// Checks one trace on many inputs, if the optimizer changes it at all. Answers whether it does.
fn check_on(trace: &Trace, inputs: impl Iterator<Item = Vec<Const>>) -> bool {
    let passes = Passes::NONE.with(Pass::Algebra);
    let changed: Vec<Optimized> = [passes, passes.with(Pass::Fold)]
        .map(|passes| Optimized::new(trace, passes))
        .into_iter()
        .filter(|it| {
            it.result.as_ref().map_or(true, |it| (&it.ops, &it.pool) != (&trace.ops, &trace.pool))
        })
        .collect();
    if changed.is_empty() {
        return false;
    }
    for inputs in inputs.filter(|inputs| is_defined(trace, inputs)) {
        for optimized in &changed {
            optimized.check(&Machine::default(), &inputs);
        }
    }
    true
}

fn byte(bits: u64) -> Const {
    Const::new(Ty::I8, bits)
}

/// Every operation on one byte and every constant, in both orders, and on one byte twice. The byte
/// takes every value where the constant is one that rules are about, and else every sixteenth.
#[test]
fn bytes_and_constants() {
    let special = interesting(Ty::I8);
    let mut n_changed = 0;
    for opcode in pure_opcodes() {
        for k in (0..256).map(byte) {
            let step = if special.contains(&k) { 1 } else { 16 };
            let first = k.bits % step;
            let k = Side::Const(k);
            for sides in [[Side::Chain, k], [k, Side::Chain], [Side::Chain, Side::Chain]] {
                let op = Step { opcode, ty: Some(Ty::I16), sides };
                let Some(trace) = chain(&[Ty::I8], &[op]) else { continue };
                let inputs = (first..256).step_by(step as usize).map(|x| vec![byte(x)]);
                n_changed += usize::from(check_on(&trace, inputs));
            }
        }
    }
    assert!(n_changed > 1_000, "only {n_changed} traces were changed");
}

/// Constants and inputs at which rules could go wrong.
fn interesting(ty: Ty) -> Vec<Const> {
    let floats =
        [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -7.25, 1e300, 5e-324, f64::INFINITY, f64::NAN];
    let bits: Vec<u64> = match ty {
        Ty::Bool => vec![0, 1],
        Ty::F32 => floats.map(|x| u64::from((x as f32).to_bits())).to_vec(),
        Ty::F64 => floats.map(f64::to_bits).to_vec(),
        _ => {
            let (top, ones) = (1 << (ty.bits() - 1), ty.mask());
            let width = u64::from(ty.bits());
            vec![
                0,
                1,
                2,
                3,
                5,
                7,
                8,
                16,
                100,
                127,
                128,
                255,
                256,
                width - 1,
                width,
                top - 1,
                top,
                top + 1,
                ones - 1,
                ones,
            ]
        }
    };
    let mut consts: Vec<Const> = bits.into_iter().map(|bits| Const::new(ty, bits)).collect();
    consts.sort_by_key(|c| c.bits);
    consts.dedup();
    consts
}

fn random_const(rng: &mut Rng, ty: Ty) -> Const {
    if rng.chance(60) { rng.choose(&interesting(ty)) } else { Const::new(ty, rng.next()) }
}

/// All chains of two operations on one input, a second input, and a constant, in all types.
#[test]
fn chains_of_two_operations() {
    let mut rng = Rng(1);
    let mut n_changed = 0;
    for first in pure_opcodes() {
        for second in pure_opcodes() {
            for ty in Ty::ALL {
                for _ in 0..3 {
                    n_changed += usize::from(check_random_chain(&mut rng, ty, &[first, second]));
                }
            }
        }
    }
    assert!(n_changed > 2_000, "only {n_changed} traces were changed");
}

#[test]
fn chains_of_three_operations() {
    let mut rng = Rng(2);
    let opcodes: Vec<Opcode> = pure_opcodes().collect();
    for _ in 0..20_000 {
        let ty = rng.choose(&Ty::ALL);
        let steps = [rng.choose(&opcodes), rng.choose(&opcodes), rng.choose(&opcodes)];
        check_random_chain(&mut rng, ty, &steps);
    }
}

fn check_random_chain(rng: &mut Rng, ty: Ty, opcodes: &[Opcode]) -> bool {
    // The second input and the constants have the type at which the chain has arrived.
    let mut at = ty;
    let mut steps = Vec::new();
    for &opcode in opcodes {
        let to = match opcode.info().res {
            Res::Same => at,
            Res::Ty(ty) => ty,
            _ => rng.choose(&Ty::ALL),
        };
        let other_ty = if opcode == Opcode::PtrAdd { Ty::I64 } else { at };
        let other = match rng.below(4) {
            0 => Side::Chain,
            1 => Side::Input(usize::from(rng.chance(50))),
            _ => Side::Const(random_const(rng, other_ty)),
        };
        let sides = if rng.chance(70) { [Side::Chain, other] } else { [other, Side::Chain] };
        steps.push(Step { opcode, ty: Some(to), sides });
        at = to;
    }
    let Some(trace) = chain(&[ty, ty], &steps) else { return false };
    let inputs: Vec<_> =
        (0..12).map(|_| vec![random_const(rng, ty), random_const(rng, ty)]).collect();
    check_on(&trace, inputs.into_iter())
}
