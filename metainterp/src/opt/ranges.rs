//! Pass `ranges`: comparisons that earlier guards imply, and overflow checks that cannot fail.
//!
//! Two kinds of knowledge. A [`Range`] per value bounds it by constants: behind `x < 100` the sum
//! `x + 1` does not overflow. A *distance* per pair of values bounds one by the other: the greatest
//! known `d` with `x + d < y`, as exact numbers. An index that walks over a slice needs it: behind the
//! bounds check `i < len`, the test `i + 1 == len` is all that separates `i + 1` from being in
//! bounds, for `i + 1 <= len` and `i + 1 != len` make `i + 1 < len`.
//!
//! All comparisons are put in terms of `x + a` and `y + b` with constants `a` and `b` ([`Term`]).
//! Distances are used where these sums are exact, which the ranges of `x` and `y` tell.
//!
//! Invariants
//! 1. Everything that is known holds behind the last guard that was emitted, for values never change.
//! 2. One lookup a comparison: distances are not combined with each other (`x < y`, `y < z`), which
//!    would make a walk over the facts of each.
//!
//! Rules are tested like those of `algebra`, on all 8-bit operands, and by random traces.

use super::interval::{Interval, Range, Sign};
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use crate::ir::Opcode::{self, *};
use crate::ir::{Const, Effect, Operand, Ty};
use rustc_hash::FxHashMap;

/// How far a tested condition is followed into what it was computed from.
const MAX_DEPTH: u32 = 8;

#[derive(Default, Clone)]
pub(super) struct Ranges {
    /// By value of the new trace; shorter where nothing is known about the last ones.
    ranges: Vec<Option<Range>>,
    /// The greatest known `d` with `x + d < y`.
    distances: FxHashMap<(Sign, Operand, Operand), i128>,
    /// The overflow operation whose guard comes next.
    unproven: Option<(Opcode, Operand, Operand, Operand)>,
}

/// A value, or none, plus a constant.
#[derive(Debug, Clone, Copy)]
struct Term {
    root: Operand,
    plus: i128,
    /// What the sum can be, if it is exact.
    sum: Option<Interval>,
}

impl Family for Ranges {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        let &[a, b] = &*op.args else { return Ok(Rewrite::Keep) };
        Ok(match op.opcode.effect() {
            Effect::Pure => match self.decide(cx, op.opcode, a, b) {
                Some(truth) => Rewrite::Is(cx.constant(Const::new(Ty::Bool, truth.into()))),
                None => Rewrite::Keep,
            },
            Effect::Overflow => self.overflow(cx, op, a, b),
            _ => Rewrite::Keep,
        })
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        match op.opcode {
            GuardTrue => self.learn(cx, op.args[0], true, 0),
            GuardFalse => self.learn(cx, op.args[0], false, 0),
            GuardNoOverflow => self.learn_no_overflow(cx),
            _ if op.opcode.effect() == Effect::Overflow => {
                self.unproven = res.map(|res| (op.opcode, op.args[0], op.args[1], res));
            }
            _ => {
                if let (Some(res), Some(ty)) = (res, op.ty) {
                    self.enter(cx, op, res, ty);
                }
            }
        }
    }

    // Nothing need be forgotten at labels: nothing behind one compares values from before it.
}

/// A comparison as `a < b` or `a == b`, and whether that is its negation.
#[derive(Debug, Clone, Copy)]
enum Relation {
    Less(Sign),
    Equal,
}

fn relation(opcode: Opcode, a: Operand, b: Operand) -> Option<(Relation, Operand, Operand, bool)> {
    use Sign::{Signed, Unsigned};
    Some(match opcode {
        IntLt => (Relation::Less(Signed), a, b, false),
        IntGt => (Relation::Less(Signed), b, a, false),
        IntGe => (Relation::Less(Signed), a, b, true),
        IntLe => (Relation::Less(Signed), b, a, true),
        UintLt => (Relation::Less(Unsigned), a, b, false),
        UintGt => (Relation::Less(Unsigned), b, a, false),
        UintGe => (Relation::Less(Unsigned), a, b, true),
        UintLe => (Relation::Less(Unsigned), b, a, true),
        IntEq => (Relation::Equal, a, b, false),
        IntNe => (Relation::Equal, a, b, true),
        _ => return None,
    })
}

impl Ranges {
    fn range(&self, cx: &Cx, operand: Operand) -> Range {
        if let Some(c) = cx.as_const(operand) {
            return Range::constant(c);
        }
        let known = operand.value().and_then(|value| self.ranges.get(value.index()).copied());
        known.flatten().unwrap_or_else(|| Range::all(cx.ty(operand)))
    }

    fn set(&mut self, operand: Operand, range: Range) {
        let Some(value) = operand.value() else { return };
        if self.ranges.len() <= value.index() {
            self.ranges.resize(value.index() + 1, None);
        }
        self.ranges[value.index()] = Some(range);
    }

    fn enter(&mut self, cx: &Cx, op: &Pending, res: Operand, ty: Ty) {
        let takes = |&arg: &Operand| cx.ty(arg).is_int() || cx.ty(arg) == Ty::Bool;
        if !ty.is_int() || !op.opcode.is_pure() || !op.args.iter().all(takes) {
            return;
        }
        let range = match *op.args {
            [a] => Range::result(op.opcode, ty, self.range(cx, a), None),
            [a, b] => Range::result(op.opcode, ty, self.range(cx, a), Some(self.range(cx, b))),
            _ => return,
        };
        if range != Range::all(ty) {
            self.set(res, range);
        }
    }

    fn overflow(&self, cx: &Cx, op: &mut Pending, a: Operand, b: Operand) -> Rewrite {
        let (x, y) = (self.range(cx, a), self.range(cx, b));
        if !Range::never_overflows(op.opcode, cx.ty(a), x, y) {
            return Rewrite::Keep;
        }
        let plain = op.opcode.without_overflow().expect("an overflow operation");
        op.overflowed = Some(false);
        op.become_op(plain, &[a, b])
    }

    fn term(&self, cx: &Cx, sign: Sign, operand: Operand) -> Term {
        let def = cx.def(operand).filter(|def| def.n_args() == 2);
        let sum = def.and_then(|def| {
            let opcode = def.opcode.without_overflow().unwrap_or(def.opcode);
            let mut args = cx.def_args(def);
            let (x, c) = (args.next()?, cx.as_const(args.next()?)?);
            (opcode == IntAdd).then_some((x, c.signed()))
        });
        let (root, plus) = sum.unwrap_or((operand, 0));
        let plus = i128::from(plus);
        let Interval { lo, hi } = self.range(cx, root).of(sign);
        let exact = Interval::new(lo + plus, hi + plus);
        let fits = exact.is_in(Interval::all(sign, cx.ty(operand)));
        Term { root, plus, sum: fits.then_some(exact) }
    }

    /// Whether `x < y` by a distance.
    fn less(&self, sign: Sign, x: Term, y: Term) -> bool {
        let exact = x.sum.is_some() && y.sum.is_some();
        exact && self.distance(sign, x, y).is_some_and(|it| x.plus - y.plus <= it)
    }

    /// Whether `x <= y` by a distance, which also makes `x` exact if its lower end is.
    fn at_most(&self, sign: Sign, x: Term, y: Term) -> bool {
        let exact = x.sum.is_some() && y.sum.is_some();
        exact && self.distance(sign, x, y).is_some_and(|it| x.plus - y.plus - 1 <= it)
    }

    fn distance(&self, sign: Sign, x: Term, y: Term) -> Option<i128> {
        self.distances.get(&(sign, x.root, y.root)).copied()
    }

    /// Whether a comparison holds, if that is known.
    fn decide(&self, cx: &Cx, opcode: Opcode, a: Operand, b: Operand) -> Option<bool> {
        let (relation, a, b, negated) = relation(opcode, a, b)?;
        let truth = match relation {
            Relation::Less(sign) => self.is_less(cx, sign, a, b),
            Relation::Equal => [Sign::Unsigned, Sign::Signed]
                .into_iter()
                .any(|sign| self.differ(cx, sign, a, b))
                .then_some(false),
        };
        truth.map(|truth| truth != negated)
    }

    fn is_less(&self, cx: &Cx, sign: Sign, a: Operand, b: Operand) -> Option<bool> {
        let (x, y) = (self.range(cx, a).of(sign), self.range(cx, b).of(sign));
        if x.hi < y.lo {
            return Some(true);
        }
        if y.hi <= x.lo {
            return Some(false);
        }
        let (x, y) = (self.term(cx, sign, a), self.term(cx, sign, b));
        match (self.less(sign, x, y), self.at_most(sign, y, x)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn differ(&self, cx: &Cx, sign: Sign, a: Operand, b: Operand) -> bool {
        let (x, y) = (self.range(cx, a).of(sign), self.range(cx, b).of(sign));
        if x.hi < y.lo || y.hi < x.lo {
            return true;
        }
        let (x, y) = (self.term(cx, sign, a), self.term(cx, sign, b));
        self.less(sign, x, y) || self.less(sign, y, x)
    }

    /// A condition has been tested.
    fn learn(&mut self, cx: &Cx, condition: Operand, truth: bool, depth: u32) {
        let Some(def) = cx.def(condition).filter(|def| def.n_args() == 2) else { return };
        let mut args = cx.def_args(def);
        let (Some(a), Some(b)) = (args.next(), args.next()) else { return };
        match (def.opcode, truth) {
            (BoolAnd, true) | (BoolOr, false) if depth < MAX_DEPTH => {
                self.learn(cx, a, truth, depth + 1);
                self.learn(cx, b, truth, depth + 1);
            }
            _ => {}
        }
        let Some((relation, a, b, negated)) = relation(def.opcode, a, b) else { return };
        match (relation, truth != negated) {
            (Relation::Less(sign), true) => self.learn_less(cx, sign, a, b, 1),
            (Relation::Less(sign), false) => self.learn_less(cx, sign, b, a, 0),
            (Relation::Equal, true) => self.learn_equal(cx, a, b),
            (Relation::Equal, false) => self.learn_different(cx, a, b),
        }
    }

    /// `a + by <= b`.
    fn learn_less(&mut self, cx: &Cx, sign: Sign, a: Operand, b: Operand, by: i128) {
        let (x, y) = (self.range(cx, a), self.range(cx, b));
        let at_most = Interval::new(i128::MIN, y.of(sign).hi - by);
        let at_least = Interval::new(x.of(sign).lo + by, i128::MAX);
        self.set(a, x.narrowed(sign, at_most));
        self.set(b, y.narrowed(sign, at_least));
        let (x, y) = (self.term(cx, sign, a), self.term(cx, sign, b));
        if x.sum.is_some() && y.sum.is_some() && x.root != y.root {
            self.learn_distance(cx, sign, x, y, by - 1);
        }
    }

    /// `x + d < y`, both exact.
    fn learn_distance(&mut self, cx: &Cx, sign: Sign, x: Term, y: Term, d: i128) {
        let d = x.plus - y.plus + d;
        let known = self.distances.entry((sign, x.root, y.root)).or_insert(d);
        *known = d.max(*known);
        let d = *known;
        let (a, b) = (self.range(cx, x.root), self.range(cx, y.root));
        let at_most = Interval::new(i128::MIN, b.of(sign).hi - 1 - d);
        let at_least = Interval::new(a.of(sign).lo + 1 + d, i128::MAX);
        self.set(x.root, a.narrowed(sign, at_most));
        self.set(y.root, b.narrowed(sign, at_least));
    }

    fn learn_equal(&mut self, cx: &Cx, a: Operand, b: Operand) {
        let (x, y) = (self.range(cx, a), self.range(cx, b));
        let both = [Sign::Unsigned, Sign::Signed]
            .into_iter()
            .fold(x, |both, sign| both.narrowed(sign, y.of(sign)));
        self.set(a, both);
        self.set(b, both);
    }

    fn learn_different(&mut self, cx: &Cx, a: Operand, b: Operand) {
        for (value, other) in [(a, b), (b, a)] {
            if let Some(c) = self.range(cx, other).as_constant() {
                let range = self.range(cx, value).without(c);
                self.set(value, range);
            }
        }
        for sign in [Sign::Unsigned, Sign::Signed] {
            let (x, y) = (self.term(cx, sign, a), self.term(cx, sign, b));
            if self.at_most(sign, x, y) {
                self.learn_distance(cx, sign, x, y, 0);
            } else if self.at_most(sign, y, x) {
                self.learn_distance(cx, sign, y, x, 0);
            }
        }
    }

    fn learn_no_overflow(&mut self, cx: &Cx) {
        let Some((opcode, a, b, res)) = self.unproven.take() else { return };
        let (x, y) = (self.range(cx, a), self.range(cx, b));
        self.set(res, Range::not_overflowed(opcode, cx.ty(res), x, y));
    }
}
