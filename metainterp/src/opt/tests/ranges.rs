//! The rules of `ranges`, by evaluation: guards on 8-bit values, and comparisons that they may decide.

use super::*;
use crate::ir::{ExitId, Opcode, Opcode::*, Operand, Resume, TraceBuilder, Ty};

const COMPARISONS: [Opcode; 10] =
    [IntEq, IntNe, IntLt, IntLe, IntGt, IntGe, UintLt, UintLe, UintGt, UintGe];

/// Values at which something changes, and some between.
fn bytes() -> impl Iterator<Item = u64> + Clone {
    (0..256).filter(|it| it % 64 <= 5 || 59 <= it % 64)
}

struct Writer<'r> {
    rng: &'r mut Rng,
    builder: TraceBuilder,
    operands: Vec<Operand>,
}

impl Writer<'_> {
    fn exit(&mut self) -> u32 {
        let n = self.builder.trace().exits.len() as u32;
        let newest = self.operands.last().copied().into_iter().collect::<Vec<_>>();
        let n_reds = newest.len() as u32;
        self.builder.exit(ExitId(n), &newest, Resume { step: 1, n_reds, ..Resume::default() })
    }

    fn byte(&mut self) -> Operand {
        let constant = self.rng.choose(&[0, 1, 2, 3, 5, 60, 126, 127, 128, 255, 254, 250]);
        self.builder.constant(Const::new(Ty::I8, constant))
    }

    fn operand(&mut self) -> Operand {
        if self.rng.chance(30) { self.byte() } else { self.rng.choose(&self.operands) }
    }

    fn compute(&mut self) {
        let opcodes = [
            IntAdd,
            IntAdd,
            IntAdd,
            IntSub,
            IntMul,
            IntAnd,
            IntOr,
            IntXor,
            UintRshift,
            IntRshift,
            IntNeg,
            IntInvert,
            IntPopcount,
            IntAddOvf,
            IntSubOvf,
            IntMulOvf,
            UintAddOvf,
            UintSubOvf,
            UintMulOvf,
        ];
        let opcode = self.rng.choose(&opcodes);
        let mut args = vec![self.rng.choose(&self.operands)];
        if opcode.info().args.len() == 2 {
            let second = if self.rng.chance(70) { self.byte() } else { self.operand() };
            args.push(second);
        }
        let res = self.builder.push(opcode, &args, 0, Ty::I8);
        if opcode.without_overflow().is_some() {
            let exit = self.exit();
            self.builder.push_void(GuardNoOverflow, &[], exit);
        }
        self.operands.push(res);
    }

    fn compare(&mut self) {
        let opcode = self.rng.choose(&COMPARISONS);
        let args = [self.rng.choose(&self.operands), self.operand()];
        let condition = self.builder.push(opcode, &args, 0, Ty::Bool);
        let exit = self.exit();
        let guard = self.rng.choose(&[GuardTrue, GuardFalse]);
        self.builder.push_void(guard, &[condition], exit);
    }
}

fn trace(rng: &mut Rng) -> Trace {
    let mut builder = TraceBuilder::new("");
    let operands = [Ty::I8, Ty::I8].map(|ty| builder.input(ty).into()).to_vec();
    let mut writer = Writer { rng, builder, operands };
    for _ in 0..2 + writer.rng.below(5) {
        if writer.rng.chance(40) {
            writer.compute();
        }
        writer.compare();
    }
    let exit = writer.exit();
    writer.builder.push_void(Finish, &[], exit);
    writer.builder.finish()
}

#[test]
fn decided_comparisons_are_right_on_bytes() {
    let n_traces = std::env::var("OPT_RANDOM_TRACES").map_or(120, |n| n.parse().expect("a number"));
    let (mut guards, mut left) = (0, 0);
    for seed in 0..n_traces {
        let trace = trace(&mut Rng(seed));
        let alone = Optimized::new(&trace, Passes::NONE.with(Pass::Ranges).with(Pass::Fold));
        let all = Optimized::new(&trace, Passes::ALL);
        if let Ok(optimized) = &alone.result {
            guards += trace.n_guards();
            left += optimized.n_guards();
        }
        for (a, b) in bytes().flat_map(|a| bytes().map(move |b| (a, b))) {
            let inputs = [Const::new(Ty::I8, a), Const::new(Ty::I8, b)];
            alone.check(&Machine::default(), &inputs);
            all.check(&Machine::default(), &inputs);
        }
    }
    assert!(left * 20 < guards * 19, "{left} of {guards} guards are left");
}
