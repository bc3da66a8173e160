//! Pass `ranges`: comparisons that earlier guards imply, and overflow checks that cannot fail.
//!
//! Two kinds of knowledge. A [`Range`] per value bounds it by constants: behind `x < 100` the sum
//! `x + 1` does not overflow. A *distance* per pair of values bounds one by the other: the greatest
//! known `d` with `x + d < y`, as exact numbers. An index that walks over a slice needs it: behind the
//! bounds check `i < len`, the test `i + 1 == len` is all that separates `i + 1` from being in
//! bounds, for `i + 1 <= len` and `i + 1 != len` make `i + 1 < len`.
//!
//! All comparisons are put in terms of `x + a` and `y + b` with constants `a` and `b` ([`Term`]).
//! Such a sum is exact, which the range of `x` tells; one that may wrap is a term by itself.
//!
//! **Remainders.** A counter that is tested for every tenth step is divided once: of `(x + k) % 10 == 0` the
//! question is which `x % 10` ([`Ranges::remainder`]).
//!
//! **Stronger guards.** An index that walks step by step meets a guard at each: it is not 0, not 1, not 2
//! (each is the least value that is left), or, to the right, `len - i` is not 1, not 2 ([`Ranges::difference`]). The last of
//! them implies the others. So the first one is made to test what the last one would
//! ([`Cx::strengthen`]), and the others are gone. It then fails earlier than it must. That is
//! allowed where failing means to begin the opcode anew, and no harm where it hardly ever fails.
//!
//! Invariants
//! 1. Everything that is known holds behind the last guard that was emitted, for values never change.
//! 2. One lookup a comparison: distances are not combined with each other (`x < y`, `y < z`), which
//!    would make a walk over the facts of each.
//!
//! Rules are tested like those of `algebra`, on all 8-bit operands, and by random traces.

use super::address::Address;
use super::interval::{Interval, Range, Sign};
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use crate::ir::Opcode::{self, *};
use crate::ir::{Const, Effect, MemDescr, Operand, ResumeKind, Ty};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How far a tested condition is followed into what it was computed from.
const MAX_DEPTH: u32 = 8;

#[derive(Default, Clone)]
pub(super) struct Ranges {
    /// By value of the new trace; shorter where nothing is known about the last ones.
    ranges: Vec<Option<Range>>,
    /// The greatest known `d` with `x + d < y`.
    distances: FxHashMap<(Sign, Operand, Operand), i128>,
    /// By `x`: the first few `y` that it has a distance to.
    greater: FxHashMap<Operand, SmallVec<[(Sign, Operand); 2]>>,
    /// The overflow operation whose guard comes next.
    unproven: Option<(Opcode, Operand, Operand, Operand)>,
    /// `y - (x + a)` by `x` and `y`, where it does not wrap, with `a`.
    differences: FxHashMap<(Operand, Operand), (Operand, i128)>,
    /// And the other way round.
    difference_of: FxHashMap<Operand, (Operand, Operand, i128)>,
    /// By value: the guard that it is not the least that it can be.
    walks: FxHashMap<Operand, Walk>,
    /// Remainders without sign, by value and divisor.
    remainders: FxHashMap<(Operand, u64), Operand>,
    /// Objects that are apart from other memory; there are few.
    apart: Vec<Apart>,
}

/// An object that has no byte in common with those between two offsets from another address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Apart {
    pub object: Operand,
    pub bytes: u32,
    pub other: Operand,
    pub others: [i32; 2],
}

impl Apart {
    fn says(&self, [a, b]: [Operand; 2], x: &Span, y: &Span) -> bool {
        let is_in = |span: &Span, lo: i32, hi: i32| {
            i128::from(lo) <= i128::from(span.start.offset) && span.end() <= i128::from(hi)
        };
        let [lo, hi] = self.others;
        (a, b) == (self.object, self.other) && is_in(x, 0, self.bytes as i32) && is_in(y, lo, hi)
    }
}

/// What is known of an integer, so that it can be said of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueFact {
    sign: Sign,
    /// Without this, the value is at least `bound`; with it, the value plus `bound` is less than this.
    less_than: Option<Operand>,
    bound: i128,
}

/// Facts of a value that are told.
const MAX_FACTS: usize = 8;

/// Distances from a value that exits may tell of.
const MAX_GREATER: usize = 8;

/// What an exit tells of its values at most: a bridge makes use of little, and all exits carry it.
const MAX_TOLD: usize = 4;

/// `x + d < y` as exact numbers, as the opcode that says so, `x`, `y` and `d`.
pub(super) type Order = (Opcode, Operand, Operand, i64);

/// The guard at the first step of a walk.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// Index of the comparison, which stands directly before the guard.
    test: u32,
    guard: u32,
    /// What the guard compared with at first.
    first: i128,
}

/// Steps of a walk that one guard tests at most: if it looked further ahead, it would fail where the
/// trace is left in the middle.
const MAX_WALK: i128 = 40;

/// No object has more bytes.
const MAX_BYTES: i128 = isize::MAX as i128;

/// Bytes from an address on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub start: Address,
    /// How many.
    pub len: u64,
}

impl Span {
    fn end(&self) -> i128 {
        i128::from(self.start.offset) + i128::from(self.len)
    }
}

/// A value plus a constant, which does not wrap.
#[derive(Debug, Clone, Copy)]
struct Term {
    root: Operand,
    plus: i128,
}

impl Ranges {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        let &[a, b] = &*op.args else { return Ok(Rewrite::Keep) };
        Ok(match op.opcode.effect() {
            Effect::Pure => match self.decide(cx, op.opcode, a, b) {
                Some(truth) => Rewrite::is(cx.constant(Const::new(Ty::Bool, truth.into()))),
                None if matches!(op.opcode, IntEq | IntNe) => self.equality(cx, op, a, b),
                None => self.less_or_equal(cx, op),
            },
            Effect::Overflow => self.overflow(cx, op, a, b),
            _ => Rewrite::Keep,
        })
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        match op.opcode {
            GuardTrue | GuardFalse => {
                let walk = self.first_step(cx, op);
                self.learn(cx, op.args[0], op.opcode == GuardTrue, 0);
                self.walks.extend(walk);
            }
            AssumeTrue => self.learn(cx, op.args[0], true, 0),
            AssumeFalse => self.learn(cx, op.args[0], false, 0),
            AssumeUintLess => self.learn_order(cx, Sign::Unsigned, op),
            AssumeIntLess => self.learn_order(cx, Sign::Signed, op),
            GuardNoOverflow => self.learn_no_overflow(cx),
            GetArrayItem | SetArrayItem => self.learn_index(cx, op),
            _ if op.opcode.effect() == Effect::Overflow => {
                self.unproven = res.map(|res| (op.opcode, op.args[0], op.args[1], res));
            }
            _ => {
                if let (Some(res), Some(ty)) = (res, op.ty) {
                    self.enter(cx, op, res, ty);
                    self.enter_remainder(cx, op, res);
                }
            }
        }
    }

    fn facts(&self, cx: &Cx, value: Operand) -> Vec<ValueFact> {
        if !cx.ty(value).is_int() {
            return Vec::new();
        }
        let mut facts = Vec::new();
        for sign in [Sign::Unsigned, Sign::Signed] {
            let bound = self.range(cx, value).of(sign).lo;
            if Interval::all(sign, cx.ty(value)).lo < bound {
                facts.push(ValueFact { sign, less_than: None, bound });
            }
            let term = self.term(cx, sign, value);
            for (&(of, x, y), &d) in &self.distances {
                if (of, x) == (sign, term.root) {
                    facts.push(ValueFact { sign, less_than: Some(y), bound: d - term.plus });
                }
            }
        }
        facts.truncate(MAX_FACTS);
        facts
    }

    /// What is known of how these values compare with each other; and with constants, as far as their type
    /// does not say so.
    pub fn told(&self, cx: &mut Cx, values: &[Operand]) -> SmallVec<[Order; MAX_TOLD]> {
        let mut told = SmallVec::<[Order; MAX_TOLD]>::new();
        for &x in values {
            let from = [Sign::Unsigned, Sign::Signed].map(|sign| {
                let term = self.term(cx, sign, x);
                self.greater.get(&term.root).map(|greater| (sign, term, &**greater))
            });
            if from.iter().all(Option::is_none) {
                continue;
            }
            for &y in values.iter().filter(|&&y| y != x && cx.ty(y) == cx.ty(x)) {
                if told.len() == MAX_TOLD {
                    return told;
                }
                let order = from.iter().flatten().find_map(|it| self.order(cx, it, y));
                told.extend(
                    order.and_then(|(opcode, d)| Some((opcode, x, y, i64::try_from(d).ok()?))),
                );
            }
        }
        for &x in values {
            if told.len() == MAX_TOLD {
                return told;
            }
            // Those bound it as well.
            if !told.iter().any(|&(_, it, ..)| it == x) {
                told.extend(self.bound(cx, x));
            }
        }
        told
    }

    /// The distance to `y` from a value that is this term, and has one to the roots that are given.
    fn order(
        &self,
        cx: &Cx,
        &(sign, from, greater): &(Sign, Term, &[(Sign, Operand)]),
        y: Operand,
    ) -> Option<(Opcode, i128)> {
        let to = self.term(cx, sign, y);
        let is_greater = greater.contains(&(sign, to.root));
        is_greater.then(|| {
            let d = self.distances[&(sign, from.root, to.root)] - from.plus + to.plus;
            (opcode_of(sign), d)
        })
    }

    /// The upper or the lower bound of a value.
    fn bound(&self, cx: &mut Cx, x: Operand) -> Option<Order> {
        let (range, ty) = (self.range(cx, x), cx.ty(x));
        for sign in [Sign::Unsigned, Sign::Signed] {
            let (known, all) = (range.of(sign), Interval::all(sign, ty));
            let mut constant = |n: i128| cx.constant(Const::new(ty, n as u64));
            if known.hi < all.hi {
                return Some((opcode_of(sign), x, constant(known.hi + 1), 0));
            }
            if all.lo < known.lo {
                return Some((opcode_of(sign), constant(known.lo - 1), x, 0));
            }
        }
        None
    }

    /// An operation says how two values compare.
    fn learn_order(&mut self, cx: &Cx, sign: Sign, op: &Pending) {
        let &[x, y, d] = &*op.args else { unreachable!("the table says how many operands") };
        let d = cx.as_const(d).expect("a distance is a constant").signed();
        self.learn_less(cx, sign, x, y, i128::from(d) + 1);
    }

    fn learn_fact(&mut self, cx: &Cx, value: Operand, fact: ValueFact) {
        let ValueFact { sign, less_than, bound } = fact;
        match less_than {
            None => {
                let at_least = Interval::new(bound, i128::MAX);
                let range = self.range(cx, value).narrowed(sign, at_least);
                self.set(value, range);
            }
            Some(y) => {
                let (x, y) = (self.term(cx, sign, value), self.term(cx, sign, y));
                if x.root != y.root {
                    self.learn_distance(cx, sign, x, y, bound);
                }
            }
        }
    }

    fn knows_fact(&self, cx: &Cx, value: Operand, fact: ValueFact) -> bool {
        let ValueFact { sign, less_than, bound } = fact;
        let Some(y) = less_than else { return bound <= self.range(cx, value).of(sign).lo };
        if self.range(cx, value).of(sign).hi + bound < self.range(cx, y).of(sign).lo {
            return true;
        }
        let (x, y) = (self.term(cx, sign, value), self.term(cx, sign, y));
        self.distance(cx, sign, x.root, y.root).is_some_and(|it| x.plus + bound - y.plus <= it)
    }
}

/// The family. What it knows is in [`Cx`], where others ask for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangesPass;

impl Family for RangesPass {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        cx.with_ranges(|ranges, cx| ranges.rewrite(cx, op))
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        cx.with_ranges(|ranges, cx| ranges.emitted(cx, op, res));
    }

    // Nothing need be forgotten at labels: nothing behind one compares values from before it.

    fn facts(&self, cx: &Cx, value: Operand) -> Vec<ValueFact> {
        cx.ranges().facts(cx, value)
    }

    fn learn_fact(&mut self, cx: &mut Cx, value: Operand, fact: ValueFact) {
        cx.with_ranges(|ranges, cx| ranges.learn_fact(cx, value, fact));
    }

    fn knows_fact(&self, cx: &Cx, value: Operand, fact: ValueFact) -> bool {
        cx.ranges().knows_fact(cx, value, fact)
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(*self)
    }
}

/// The operation that says how two values compare.
fn opcode_of(sign: Sign) -> Opcode {
    if sign == Sign::Unsigned { AssumeUintLess } else { AssumeIntLess }
}

/// A comparison as `a < b` or `a == b`, and whether that is its negation.
#[derive(Debug, Clone, Copy)]
enum Relation {
    Less(Sign),
    Equal,
}

/// Whether the next operation is a guard that the comparison does not hold (`int_eq`), or does (`int_ne`).
fn is_tested_next(cx: &Cx, opcode: Opcode) -> bool {
    let guard = if opcode == IntEq { GuardFalse } else { GuardTrue };
    let res = cx.old_op().res().map(Operand::from);
    let next = cx.ahead().first().filter(|next| next.opcode == guard);
    next.is_some_and(|next| cx.old_trace().args(next).first().copied() == res)
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
        let Some((root, plus)) = sum else { return Term { root: operand, plus: 0 } };
        let plus = i128::from(plus);
        let Interval { lo, hi } = self.range(cx, root).of(sign);
        let exact = Interval::new(lo + plus, hi + plus);
        match exact.is_in(Interval::all(sign, cx.ty(operand))) {
            true => Term { root, plus },
            // A sum that may wrap is a value of its own.
            false => Term { root: operand, plus: 0 },
        }
    }

    /// Whether `x < y` by a distance.
    fn less(&self, cx: &Cx, sign: Sign, x: Term, y: Term) -> bool {
        self.distance(cx, sign, x.root, y.root).is_some_and(|it| x.plus - y.plus <= it)
    }

    /// Whether `x <= y` by a distance.
    fn at_most(&self, cx: &Cx, sign: Sign, x: Term, y: Term) -> bool {
        self.distance(cx, sign, x.root, y.root).is_some_and(|it| x.plus - y.plus - 1 <= it)
    }

    fn distance(&self, cx: &Cx, sign: Sign, x: Operand, y: Operand) -> Option<i128> {
        let known = |sign| self.distances.get(&(sign, x, y)).copied();
        let is_positive = |it| 0 <= self.range(cx, it).of(Sign::Signed).lo;
        let other = if sign == Sign::Signed { Sign::Unsigned } else { Sign::Signed };
        match (known(sign), known(other)) {
            // Numbers without a sign bit are the same in both readings.
            (this, Some(other)) if is_positive(x) && is_positive(y) => this.max(Some(other)),
            (this, _) => this,
        }
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
        match (self.less(cx, sign, x, y), self.at_most(cx, sign, y, x)) {
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
        self.less(cx, sign, x, y) || self.less(cx, sign, y, x)
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
        self.learn_relation(cx, relation, a, b, truth != negated);
        self.learn_difference(cx, a);
        self.learn_difference(cx, b);
    }

    fn learn_relation(&mut self, cx: &Cx, relation: Relation, a: Operand, b: Operand, truth: bool) {
        match (relation, truth) {
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
        if x.root != y.root {
            self.learn_distance(cx, sign, x, y, by - 1);
        }
    }

    /// `x + d < y`.
    fn learn_distance(&mut self, cx: &Cx, sign: Sign, x: Term, y: Term, d: i128) {
        let d = x.plus - y.plus + d;
        let known = self.distances.entry((sign, x.root, y.root)).or_insert_with(|| {
            let greater = self.greater.entry(x.root).or_default();
            if greater.len() < MAX_GREATER {
                greater.push((sign, y.root));
            }
            d
        });
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
            if self.at_most(cx, sign, x, y) {
                self.learn_distance(cx, sign, x, y, 0);
            } else if self.at_most(cx, sign, y, x) {
                self.learn_distance(cx, sign, y, x, 0);
            }
        }
    }

    /// Of `x < y`, where `x <= y` is known, only `x != y` is asked.
    fn less_or_equal(&self, cx: &Cx, op: &mut Pending) -> Rewrite {
        let &[a, b] = &*op.args else { return Rewrite::Keep };
        let Some((Relation::Less(sign), a, b, negated)) = relation(op.opcode, a, b) else {
            return Rewrite::Keep;
        };
        let (x, y) = (self.term(cx, sign, a), self.term(cx, sign, b));
        // Constants have their own rules, and intervals.
        let is_walk = x.root != y.root && x.root.value().is_some() && y.root.value().is_some();
        if sign == Sign::Signed || !is_walk || !self.at_most(cx, sign, x, y) {
            return Rewrite::Keep;
        }
        op.become_op(if negated { IntEq } else { IntNe }, &[a, b])
    }

    fn enter_remainder(&mut self, cx: &Cx, op: &Pending, res: Operand) {
        if let (UintMod, &[x, m]) = (op.opcode, &*op.args)
            && let Some(m) = cx.as_const(m)
        {
            self.remainders.insert((x, m.bits), res);
        }
    }

    /// (x + k) % m == c: x % m == (c - k) % m, if the sum does not wrap. So one remainder will do for all
    /// steps of a counter.
    fn remainder(
        &mut self,
        cx: &mut Cx,
        op: &mut Pending,
        a: Operand,
        c: Const,
    ) -> Option<Rewrite> {
        let (sum, m) = {
            let def = cx.def(a).filter(|def| def.opcode == UintMod)?;
            let mut args = cx.def_args(def);
            (args.next()?, args.next()?)
        };
        let divisor = cx.as_const(m)?.bits;
        let Term { root, plus } = self.term(cx, Sign::Unsigned, sum);
        if plus == 0 || root.value().is_none() || divisor <= c.bits {
            return None;
        }
        let remainder = match self.remainders.get(&(root, divisor)) {
            Some(&remainder) => remainder,
            None => {
                let remainder = cx.insert(UintMod, &[root, m], c.ty);
                self.remainders.insert((root, divisor), remainder);
                let range =
                    Range::result(UintMod, c.ty, self.range(cx, root), Some(self.range(cx, m)));
                self.set(remainder, range);
                remainder
            }
        };
        let k = (i128::from(c.bits) - plus).rem_euclid(divisor.into());
        let k = cx.constant(Const::new(c.ty, k as u64));
        // A guard may have shown which it is.
        let remainder = cx.resolve(remainder);
        Some(op.become_op(op.opcode, &[remainder, k]))
    }

    fn equality(&mut self, cx: &mut Cx, op: &mut Pending, a: Operand, b: Operand) -> Rewrite {
        if let Some(c) = cx.as_const(b) {
            let remainder = self.remainder(cx, op, a, c);
            return remainder.unwrap_or_else(|| self.next_step(cx, op, a, c));
        }
        let (x, y) = (self.term(cx, Sign::Unsigned, a), self.term(cx, Sign::Unsigned, b));
        let (x, y) = match self.at_most(cx, Sign::Unsigned, x, y) {
            true => (x, y),
            false if self.at_most(cx, Sign::Unsigned, y, x) => (y, x),
            false => return Rewrite::Keep,
        };
        // x + k == y: y - (x + a) == k - a, since x + a < y. Later steps compare the same difference.
        let k = x.plus - y.plus;
        let (difference, a) = self.difference(cx, x.root, y.root);
        if k <= a {
            return Rewrite::Keep;
        }
        let k = cx.constant(Const::new(cx.ty(difference), (k - a) as u64));
        op.become_op(op.opcode, &[difference, k])
    }

    fn difference(&mut self, cx: &mut Cx, x: Operand, y: Operand) -> (Operand, i128) {
        let known = self.distance(cx, Sign::Unsigned, x, y);
        let known = known.expect("one is at most the other by a distance");
        let (difference, a) = match self.differences.get(&(x, y)) {
            Some(&it) => it,
            None => {
                let a = known.min(0);
                let ty = cx.ty(x);
                let mut from = x;
                if a != 0 {
                    let a = cx.constant(Const::new(ty, a as u64));
                    from = cx.insert(IntAdd, &[x, a], ty);
                }
                (cx.insert(IntSub, &[y, from], ty), a)
            }
        };
        self.differences.insert((x, y), (difference, a));
        self.difference_of.insert(difference, (x, y, a));
        let at_least = Interval::new(known + 1 - a, i128::MAX);
        let range = self.range(cx, difference).narrowed(Sign::Unsigned, at_least);
        self.set(difference, range);
        (difference, a)
    }

    /// `value != c`, where `c` is the least that `value` can be, and an earlier guard has tested that
    /// for the value before: that one tests this too.
    fn next_step(&mut self, cx: &mut Cx, op: &Pending, value: Operand, c: Const) -> Rewrite {
        let Some(&walk) = self.walks.get(&value) else { return Rewrite::Keep };
        let range = self.range(cx, value);
        let Interval { lo, hi } = range.of(Sign::Unsigned);
        let k = i128::from(c.bits);
        if k != lo || k == hi || MAX_WALK <= k - walk.first || !is_tested_next(cx, op.opcode) {
            return Rewrite::Keep;
        }
        let k = cx.constant(c);
        let test = cx.new_trace().ops[walk.test as usize].opcode;
        let test = if matches!(test, IntEq | UintLe) { UintLe } else { UintGt };
        cx.strengthen(walk.guard, walk.test, test, &[value, k]);
        self.set(value, range.without(c));
        self.learn_difference(cx, value);
        Rewrite::is(cx.constant(Const::new(Ty::Bool, (op.opcode == IntNe).into())))
    }

    /// Whether a guard is about to be emitted that can be strengthened later.
    fn first_step(&self, cx: &Cx, op: &Pending) -> Option<(Operand, Walk)> {
        let guard = cx.n_ops() - 1;
        let test = cx.def_index(op.args[0]).filter(|&test| test + 1 == guard)?;
        let ops = &cx.new_trace().ops;
        let exit = cx.new_trace().exit(&ops[guard as usize]);
        // An exit at step 0 stands for more than its own guard. In a preheader all do.
        let is_its_own = exit.resume.step != 0 || cx.is_preheader();
        if exit.resume.kind != ResumeKind::Rewind || !is_its_own {
            return None;
        }
        // What the interpreter gets back must not be what will be tested.
        if cx.exit_is_of_condition || cx.new_trace().exit_args(exit).contains(&op.args[0]) {
            return None;
        }
        let test_op = &ops[test as usize];
        if !matches!((test_op.opcode, op.opcode), (IntEq, GuardFalse) | (IntNe, GuardTrue)) {
            return None;
        }
        let &[value, c] = cx.new_trace().args(test_op) else { return None };
        let first = i128::from(cx.as_const(c)?.bits);
        let is_least = self.range(cx, value).of(Sign::Unsigned).lo == first;
        is_least.then_some((value, Walk { test, guard, first }))
    }

    /// What is known of a difference says something about what it was computed from.
    fn learn_difference(&mut self, cx: &Cx, difference: Operand) {
        let Some(&(x, y, a)) = self.difference_of.get(&difference) else { return };
        let lo = self.range(cx, difference).of(Sign::Unsigned).lo;
        let (x, y) = (self.term(cx, Sign::Unsigned, x), self.term(cx, Sign::Unsigned, y));
        // The terms may be sums themselves, which their distance then speaks of.
        if x.root != y.root {
            self.learn_distance(cx, Sign::Unsigned, x, y, a + lo - 1);
        }
    }

    /// An element was accessed: its index is not more than an object has room for. A constant that was added
    /// to the index has made the offset as large as an element at least ([`super::algebra`]), and the index
    /// itself may then be less than 0.
    fn learn_index(&mut self, cx: &Cx, op: &Pending) {
        let MemDescr { offset, scale, .. } = cx.new_trace().mems[op.descr as usize];
        if scale == 0 || i64::from(scale) <= i64::from(offset) {
            return;
        }
        let last = (MAX_BYTES - i128::from(offset.min(0))) / i128::from(scale);
        let range = self.range(cx, op.args[1]);
        if last < range.of(Sign::Unsigned).hi {
            self.set(op.args[1], range.narrowed(Sign::Unsigned, Interval::new(0, last)));
        }
    }

    /// An object has been tested to be apart from other memory.
    pub fn learn_apart(&mut self, apart: Apart) {
        self.apart.push(apart);
    }

    /// Whether two accesses have no byte in common, as far as their addresses tell.
    pub fn are_apart(&self, cx: &Cx, a: &Span, b: &Span) -> bool {
        let (Some((base, i)), Some((other, j))) =
            (a.start.base_and_index(), b.start.base_and_index())
        else {
            return false;
        };
        if base != other {
            let known = |it: &Apart| it.says([base, other], a, b) || it.says([other, base], b, a);
            return i.is_none() && j.is_none() && self.apart.iter().any(known);
        }
        let (Some(x), Some(y)) = (self.bytes(cx, a, i), self.bytes(cx, b, j)) else { return false };
        x.hi < y.lo || y.hi < x.lo || {
            let (Some((i, scale)), Some((j, other))) = (i, j) else { return false };
            scale == other
                && (self.is_behind(cx, (i, a), (j, b), scale)
                    || self.is_behind(cx, (j, b), (i, a), scale))
        }
    }

    /// Whether all of `b` is behind `a`, since `i` is so much less than `j`. Neither product wraps.
    fn is_behind(
        &self,
        cx: &Cx,
        (i, a): (Operand, &Span),
        (j, b): (Operand, &Span),
        scale: u64,
    ) -> bool {
        let Some(d) = self.distance(cx, Sign::Unsigned, i, j) else { return false };
        let between = (d + 1) * i128::from(scale);
        a.end() <= between + i128::from(b.start.offset)
    }

    /// How far from the base the first and the last byte can be, if that does not wrap.
    fn bytes(&self, cx: &Cx, span: &Span, index: Option<(Operand, u64)>) -> Option<Interval> {
        let index = match index {
            None => Interval::new(0, 0),
            Some((index, scale)) => {
                let (scale, range) = (i128::from(scale), self.range(cx, index));
                // All differences are less than there are addresses.
                let limit = MAX_BYTES + (1 << 33);
                let of = |sign| {
                    let it = range.of(sign);
                    let (lo, hi) = (it.lo.checked_mul(scale)?, it.hi.checked_mul(scale)?);
                    let fits = Interval::new(lo, hi).is_in(Interval::new(-limit, limit));
                    fits.then(|| Interval::new(lo, hi))
                };
                of(Sign::Unsigned).or_else(|| of(Sign::Signed))?
            }
        };
        let offset = i128::from(span.start.offset);
        if !Interval::new(offset, span.end()).is_in(Interval::new(-(1 << 40), 1 << 40)) {
            return None;
        }
        Some(Interval::new(index.lo + offset, index.hi + span.end() - 1))
    }

    fn learn_no_overflow(&mut self, cx: &Cx) {
        let Some((opcode, a, b, res)) = self.unproven.take() else { return };
        let (x, y) = (self.range(cx, a), self.range(cx, b));
        self.set(res, Range::not_overflowed(opcode, cx.ty(res), x, y));
    }
}
