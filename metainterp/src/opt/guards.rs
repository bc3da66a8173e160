//! Pass `guards`: what passed guards prove is used behind them.
//!
//! Behind `guard_true(b)` the value `b` is the constant true, behind `guard_value(x, c)` the value
//! `x` is `c`; [`Cx::learn`] puts the constant wherever the value is used from there on, in exits
//! too. A second guard on the same value is then a guard on a constant and goes away.
//!
//! Two things follow from a constant. Backwards, the operand of the operation that computed the
//! value may be determined as well ([`operand_of`]). Sideways, other comparisons of the same operands
//! are decided: they are kept as [`Fact`]s, in few opcodes by which the others are expressed.
//!
//! Why values become constants instead of a table of proven guards: the constant reaches every rule
//! of every family, not only guards.

use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use crate::ir::Opcode::{self, *};
use crate::ir::{Const, Effect, Operand, Ty};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How far knowledge is followed from a condition to the operands that it was computed from.
const MAX_DEPTH: u32 = 8;

/// Decides a guard on constants.
pub(super) fn decide(cx: &Cx, op: &Pending) -> Result<Rewrite, Contradiction> {
    let constant = |index: usize| cx.as_const(op.args[index]);
    let holds = match op.opcode {
        GuardTrue => constant(0).map(|c| c.bits == 1),
        GuardFalse => constant(0).map(|c| c.bits == 0),
        GuardValue => constant(0).zip(constant(1)).map(|(a, b)| a == b),
        _ => None,
    };
    match holds {
        None => Ok(Rewrite::Keep),
        Some(true) => Ok(Rewrite::gone()),
        Some(false) => Err(Contradiction),
    }
}

#[derive(Default, Clone)]
pub(super) struct Guards {
    facts: FxHashMap<Fact, bool>,
}

impl Family for Guards {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        match op.opcode.effect() {
            Effect::Guard => simpler_guard(cx, op).map_or_else(|| decide(cx, op), Ok),
            Effect::Pure if op.args.len() == 2 => Ok(self.decided_comparison(cx, op)),
            _ => Ok(Rewrite::Keep),
        }
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, _: Option<Operand>) {
        match op.opcode {
            GuardTrue | AssumeTrue => self.learn_bool(cx, op.args[0], true, 0),
            GuardFalse | AssumeFalse => self.learn_bool(cx, op.args[0], false, 0),
            GuardValue => {
                if let Some(c) = cx.as_const(op.args[1]) {
                    self.learn_value(cx, op.args[0], c, 0);
                }
            }
            _ => {}
        }
    }

    // Facts need not be forgotten at labels: nothing behind one compares values from before it.

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(self.clone())
    }
}

/// A guard that tests the same more directly.
fn simpler_guard(cx: &Cx, op: &mut Pending) -> Option<Rewrite> {
    let condition = *op.args.first()?;
    Some(match op.opcode {
        // guard_true(!b) is guard_false(b)
        GuardTrue => op.become_op(GuardFalse, &[negated(cx, condition)?]),
        GuardFalse => op.become_op(GuardTrue, &[negated(cx, condition)?]),
        // guard_value(b, true) is guard_true(b)
        GuardValue if cx.ty(condition) == Ty::Bool => match cx.as_const(op.args[1])?.bits {
            0 => op.become_op(GuardFalse, &[condition]),
            _ => op.become_op(GuardTrue, &[condition]),
        },
        _ => return None,
    })
}

fn negated(cx: &Cx, condition: Operand) -> Option<Operand> {
    let def = cx.def(condition).filter(|def| def.opcode == BoolNot)?;
    cx.def_args(def).next()
}

impl Guards {
    fn decided_comparison(&self, cx: &mut Cx, op: &Pending) -> Rewrite {
        let Some((fact, negated)) = fact(op.opcode, op.args[0], op.args[1]) else {
            return Rewrite::Keep;
        };
        match self.facts.get(&fact) {
            None => Rewrite::Keep,
            Some(&truth) => {
                Rewrite::is(cx.constant(Const::new(Ty::Bool, (truth != negated).into())))
            }
        }
    }

    /// `condition` has been tested.
    fn learn_bool(&mut self, cx: &mut Cx, condition: Operand, truth: bool, depth: u32) {
        let Some(value) = condition.value() else { return };
        let Some((opcode, args)) = definition(cx, condition) else {
            return cx.learn(value, Const::new(Ty::Bool, truth.into()));
        };
        cx.learn(value, Const::new(Ty::Bool, truth.into()));
        if depth == MAX_DEPTH {
            return;
        }
        match (opcode, truth) {
            (BoolNot, _) => self.learn_bool(cx, args[0], !truth, depth + 1),
            (BoolAnd, true) | (BoolOr, false) => {
                self.learn_bool(cx, args[0], truth, depth + 1);
                self.learn_bool(cx, args[1], truth, depth + 1);
            }
            (IntIsTrue, false) | (IntIsZero, true) => {
                let zero = Const::new(cx.ty(args[0]), 0);
                self.learn_value(cx, args[0], zero, depth + 1);
            }
            _ if args.len() == 2 => {
                self.learn_comparison(cx, opcode, args[0], args[1], truth, depth)
            }
            _ => {}
        }
    }

    fn learn_comparison(
        &mut self,
        cx: &mut Cx,
        opcode: Opcode,
        a: Operand,
        b: Operand,
        truth: bool,
        depth: u32,
    ) {
        let Some((fact, negated)) = fact(opcode, a, b) else { return };
        let truth = truth != negated;
        self.facts.insert(fact, truth);
        if truth {
            self.facts.extend(implied_by(fact));
        }
        let equal = truth && matches!(fact.0, IntEq | PtrEq);
        match (equal, cx.as_const(a), cx.as_const(b)) {
            (true, None, Some(c)) => self.learn_value(cx, a, c, depth + 1),
            (true, Some(c), None) => self.learn_value(cx, b, c, depth + 1),
            _ => {}
        }
    }

    /// `operand` has been found to be `c`.
    fn learn_value(&mut self, cx: &mut Cx, operand: Operand, c: Const, depth: u32) {
        let Some(value) = operand.value() else { return };
        if c.ty == Ty::Bool {
            return self.learn_bool(cx, operand, c.bits == 1, depth);
        }
        let source = operand_of(cx, operand, c);
        let halves = halves_of(cx, operand, c);
        cx.learn(value, c);
        if depth < MAX_DEPTH {
            for (operand, c) in source.into_iter().chain(halves.into_iter().flatten()) {
                self.learn_value(cx, operand, c, depth + 1);
            }
        }
    }
}

fn definition(cx: &Cx, operand: Operand) -> Option<(Opcode, SmallVec<[Operand; 2]>)> {
    let def = cx.def(operand)?;
    let opcode = def.opcode.without_overflow().unwrap_or(def.opcode);
    (def.n_args() <= 2).then(|| (opcode, cx.def_args(def).collect()))
}

/// If `operand` is `c`, then the operand that it was computed from is a constant too.
fn operand_of(cx: &Cx, operand: Operand, c: Const) -> Option<(Operand, Const)> {
    let (opcode, args) = definition(cx, operand)?;
    let x = *args.first()?;
    let k = args.get(1).and_then(|&arg| cx.as_const(arg)).map(|k| k.bits);
    let bits = match (opcode, k) {
        // x + k == c
        (IntAdd | PtrAdd, Some(k)) => c.bits.wrapping_sub(k),
        // x - k == c
        (IntSub, Some(k)) => c.bits.wrapping_add(k),
        // x ^ k == c
        (IntXor, Some(k)) => c.bits ^ k,
        // x << k == c, where no bit is lost
        (IntLshift, Some(k)) if k < u64::from(cx.ty(x).bits()) => {
            let (IntZeroext, from) = definition(cx, x)? else { return None };
            let fits = u64::from(cx.ty(from[0]).bits()) + k <= u64::from(cx.ty(x).bits());
            fits.then_some(c.bits >> k)?
        }
        // -x == c
        (IntNeg, _) => c.bits.wrapping_neg(),
        // !x == c
        (IntInvert, _) => !c.bits,
        // A wider copy of x, or its bits under another type. A value that no x can give means
        // that the guard always fails, so what is said about x then does not matter.
        (IntZeroext | IntSignext | CastBoolToInt | CastPtrToInt | CastIntToPtr | SameAs, _) => {
            c.bits
        }
        (ConvertFloatBytesToInt | ConvertIntBytesToFloat, _) => c.bits,
        _ => return None,
    };
    Some((x, Const::new(cx.ty(x), bits)))
}

/// If `operand` is `c`, and was put together from two values that have no bit in common, then these are
/// constants too.
fn halves_of(cx: &Cx, operand: Operand, c: Const) -> Option<[(Operand, Const); 2]> {
    let (IntOr, args) = definition(cx, operand)? else { return None };
    let masks = [possible_bits(cx, args[0]), possible_bits(cx, args[1])];
    let half = |at: usize| (args[at], Const::new(c.ty, c.bits & masks[at]));
    (masks[0] & masks[1] == 0).then(|| [half(0), half(1)])
}

/// Bits that a value can have set, as far as its definition tells.
fn possible_bits(cx: &Cx, operand: Operand) -> u64 {
    let all = cx.ty(operand).mask();
    if let Some(c) = cx.as_const(operand) {
        return c.bits;
    }
    let Some((opcode, args)) = definition(cx, operand) else { return all };
    let k = args.get(1).and_then(|&arg| cx.as_const(arg)).map(|k| k.bits);
    match (opcode, k) {
        (IntZeroext, _) => cx.ty(args[0]).mask(),
        (IntAnd, Some(mask)) => mask,
        (IntLshift, Some(k)) if k < u64::from(cx.ty(operand).bits()) => {
            let shifted = definition(cx, args[0]).filter(|(opcode, _)| *opcode == IntZeroext);
            shifted.map_or(all, |(_, from)| cx.ty(from[0]).mask()) << k & all
        }
        _ => all,
    }
}

/// A comparison that is known, as `a < b`, `a == b`, or for floats `a <= b`.
type Fact = (Opcode, Operand, Operand);

/// The fact that a comparison is, or the negation of.
fn fact(opcode: Opcode, a: Operand, b: Operand) -> Option<(Fact, bool)> {
    let ordered = (a.min(b), a.max(b));
    Some(match opcode {
        IntLt | UintLt | FloatLt | FloatLe => ((opcode, a, b), false),
        IntGt => ((IntLt, b, a), false),
        IntGe => ((IntLt, a, b), true),
        IntLe => ((IntLt, b, a), true),
        UintGt => ((UintLt, b, a), false),
        UintGe => ((UintLt, a, b), true),
        UintLe => ((UintLt, b, a), true),
        // A float that is not less may be a NaN, so the two are facts of their own.
        FloatGt => ((FloatLt, b, a), false),
        FloatGe => ((FloatLe, b, a), false),
        IntEq | PtrEq | FloatEq => ((opcode, ordered.0, ordered.1), false),
        IntNe => ((IntEq, ordered.0, ordered.1), true),
        PtrNe => ((PtrEq, ordered.0, ordered.1), true),
        FloatNe => ((FloatEq, ordered.0, ordered.1), true),
        _ => return None,
    })
}

/// What else is known once a fact is true.
fn implied_by((opcode, a, b): Fact) -> SmallVec<[(Fact, bool); 4]> {
    let equal = |opcode| (opcode, a.min(b), a.max(b));
    match opcode {
        // a < b: not b < a, not a == b
        IntLt => [((IntLt, b, a), false), (equal(IntEq), false)].into_iter().collect(),
        UintLt => [((UintLt, b, a), false), (equal(IntEq), false)].into_iter().collect(),
        FloatLt => [
            ((FloatLe, a, b), true),
            ((FloatLt, b, a), false),
            ((FloatLe, b, a), false),
            (equal(FloatEq), false),
        ]
        .into_iter()
        .collect(),
        // a == b: neither is less
        IntEq => [
            ((IntLt, a, b), false),
            ((IntLt, b, a), false),
            ((UintLt, a, b), false),
            ((UintLt, b, a), false),
        ]
        .into_iter()
        .collect(),
        _ => SmallVec::new(),
    }
}
