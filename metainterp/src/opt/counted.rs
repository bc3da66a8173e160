//! Pass `counted`: what a lap that only counts would leave is computed instead of counted.
//!
//! Behind the preheader of a loop there is often nothing left but additions and the test of a counter: the
//! guest moves a number from one cell to another one by one, or waits for a counter to come down. Where
//! each lap adds the same to each value, and the loop ends when a counter that steps by one *equals* a
//! limit, the number of laps is a difference. So the second label is entered with the values of the last lap,
//! whose guard fails at once. The loop stays as it is, for what is written here is only in front of its
//! second label; traces that enter the loop have a copy of it ([`super::entry`]).
//!
//! A lap may not do anything else: a load could see what another thread stores, and what stores or calls is not
//! repeated by an addition. With `==` every counter of `w` bits comes to every limit within 2^w laps,
//! so the loop does end. An ordered comparison would need a choice between no lap and several, and stays.
//!
//! Source: final value replacement in GCC (`tree-scalar-evolution`), after "chains of recurrences"
//! (Bachmann, Wang, Zima 1994).

use super::entry::label_behind;
use super::rewrite::Copier;
use crate::ir::{Const, Effect, Op, Opcode, Operand, Trace, TraceBuilder, ValueId};
use std::cmp::Ordering;

/// Operations that a lap has at most.
const MAX_LAP: usize = 64;

/// What a lap adds to a value of the second label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing.
    Same,
    /// An operand that is a constant or stays the same itself.
    Add(Operand),
}

/// A loop that only counts.
#[derive(Debug)]
struct Counted<'t> {
    trace: &'t Trace,
    label: usize,
    /// By value of the label.
    steps: Vec<Step>,
    /// Which value of the label is the counter.
    counter: usize,
    /// Whether it counts upwards.
    is_up: bool,
    /// What the counter and `offset` are together in the last lap; nothing for zero.
    limit: Option<Operand>,
    offset: u64,
}

/// The trace, with the laps of its loop skipped but for the last; nothing if it is not a loop that only counts.
pub(super) fn skip_laps(trace: &Trace) -> Option<Trace> {
    let counted = Counted::of(trace)?;
    let mut copy = Copier::new(trace);
    trace.ops[..counted.label].iter().for_each(|op| copy.copy(trace, op));
    let label = &trace.ops[counted.label];
    let arguments: Vec<Operand> =
        trace.args(label).iter().map(|&argument| copy.operand(argument)).collect();
    let last = counted.in_last_lap(&mut copy, &arguments);
    copy.push_label(trace, label, &last);
    trace.ops[counted.label + 1..].iter().for_each(|op| copy.copy(trace, op));
    Some(copy.new.finish())
}

impl<'t> Counted<'t> {
    fn of(trace: &'t Trace) -> Option<Counted<'t>> {
        let label = label_behind(trace)?;
        let (jump, behind) = trace.ops[label + 1..].split_last()?;
        let mut guards = behind.iter().filter(|op| op.opcode.effect() == Effect::Guard);
        let guard = guards.next()?;
        let only_counts = |op: &Op| matches!(op.opcode.effect(), Effect::Pure | Effect::Debug);
        if jump.opcode != Opcode::Jump
            || jump.target() != trace.ops[label].target()
            || MAX_LAP < behind.len()
            || guards.next().is_some()
            || !behind.iter().all(|op| only_counts(op) || std::ptr::eq(op, guard))
        {
            return None;
        }
        let lap = Lap { trace, label, behind };
        let steps = lap.steps(trace.args(jump))?;
        let (counter, offset, limit) = lap.ends_at(guard, &steps)?;
        let Step::Add(by) = steps[counter] else { return None };
        let by = trace.as_const(by)?.signed();
        let counted = Counted { trace, label, steps, counter, is_up: by == 1, limit, offset };
        matches!(by, 1 | -1).then_some(counted)
    }

    /// The values at the start of the last lap, from those at the start of the first, all in the copy.
    fn in_last_lap(&self, copy: &mut Copier, first: &[Operand]) -> Vec<Operand> {
        let label = &self.trace.ops[self.label];
        let at_entry = |copy: &Copier, operand: Operand| match operand.value() {
            Some(value) => first[position(self.trace, label, value).expect("it stays the same")],
            None => copy.operand(operand),
        };
        let counter = first[self.counter];
        let ty = copy.new.trace().ty(counter);
        let limit = match self.limit {
            Some(limit) => at_entry(copy, limit),
            None => copy.new.constant(Const::new(ty, 0)),
        };
        let end = plus(&mut copy.new, limit, self.offset.wrapping_neg());
        let (from, to) = if self.is_up { (counter, end) } else { (end, counter) };
        let laps = difference(&mut copy.new, to, from);
        let in_last = |(at, (&step, &first)): (usize, (&Step, &Operand))| match step {
            Step::Same => first,
            Step::Add(_) if at == self.counter => end,
            Step::Add(by) => {
                let by = at_entry(copy, by);
                after_laps(&mut copy.new, first, by, laps)
            }
        };
        self.steps.iter().zip(first).enumerate().map(in_last).collect()
    }
}

/// A value and a constant.
fn plus(new: &mut TraceBuilder, value: Operand, constant: u64) -> Operand {
    let ty = new.trace().ty(value);
    let constant = Const::new(ty, constant);
    match new.trace().as_const(value) {
        Some(value) => new.constant(Const::new(ty, value.bits.wrapping_add(constant.bits))),
        None if constant.bits == 0 => value,
        None => {
            let constant = new.constant(constant);
            new.push(Opcode::IntAdd, &[value, constant], 0, ty)
        }
    }
}

fn difference(new: &mut TraceBuilder, a: Operand, b: Operand) -> Operand {
    match new.trace().as_const(b) {
        Some(b) => plus(new, a, b.bits.wrapping_neg()),
        None => new.push(Opcode::IntSub, &[a, b], 0, new.trace().ty(a)),
    }
}

/// What a value is when so many laps have each added the same to it. Exact in arithmetic modulo 2^w: laps are
/// unsigned, and where the value is narrower than the counter, their upper bits do not matter.
fn after_laps(new: &mut TraceBuilder, first: Operand, by: Operand, laps: Operand) -> Operand {
    let ty = new.trace().ty(first);
    let laps = match new.trace().ty(laps).bits().cmp(&ty.bits()) {
        Ordering::Less => new.push(Opcode::IntZeroext, &[laps], 0, ty),
        Ordering::Equal => laps,
        Ordering::Greater => new.push(Opcode::IntTrunc, &[laps], 0, ty),
    };
    match new.trace().as_const(by).map(Const::signed) {
        Some(1) => new.push(Opcode::IntAdd, &[first, laps], 0, ty),
        Some(-1) => new.push(Opcode::IntSub, &[first, laps], 0, ty),
        _ => {
            let all = new.push(Opcode::IntMul, &[laps, by], 0, ty);
            new.push(Opcode::IntAdd, &[first, all], 0, ty)
        }
    }
}

/// Which result of a label a value is.
fn position(trace: &Trace, label: &Op, value: ValueId) -> Option<usize> {
    trace.results(label).position(|result| result == value)
}

/// The operations behind the second label, but for the jump.
struct Lap<'t> {
    trace: &'t Trace,
    label: usize,
    behind: &'t [Op],
}

impl Lap<'_> {
    fn def(&self, operand: Operand) -> Option<&Op> {
        let value = operand.value()?;
        self.behind.iter().find(|op| op.res() == Some(value))
    }

    /// Which value of the label an operand is.
    fn at_label(&self, operand: Operand) -> Option<usize> {
        position(self.trace, &self.trace.ops[self.label], operand.value()?)
    }

    /// The result of an addition: its operands, if the first is a value of the label.
    fn added(&self, sum: Operand) -> Option<(usize, Operand)> {
        let add = self.def(sum).filter(|op| op.opcode == Opcode::IntAdd)?;
        let &[a, b] = self.trace.args(add) else { return None };
        Some((self.at_label(a)?, b))
    }

    /// What each value becomes from lap to lap, if it is known of all.
    fn steps(&self, jump: &[Operand]) -> Option<Vec<Step>> {
        let is_same = |at: usize| self.at_label(jump[at]) == Some(at);
        let step = |at: usize| {
            if is_same(at) {
                return Some(Step::Same);
            }
            let (to, by) = self.added(jump[at])?;
            let stays = by.value().is_none() || self.at_label(by).is_some_and(is_same);
            (to == at && stays).then_some(Step::Add(by))
        };
        (0..jump.len()).map(step).collect()
    }

    /// The counter, an offset and a limit: the guard fails in the lap in which the sum of the first two equals
    /// the third, which is zero if there is none.
    fn ends_at(&self, guard: &Op, steps: &[Step]) -> Option<(usize, u64, Option<Operand>)> {
        let test = self.def(*self.trace.args(guard).first()?)?;
        match (guard.opcode, test.opcode) {
            (Opcode::GuardTrue, Opcode::IntNe | Opcode::IntIsTrue) => {}
            (Opcode::GuardFalse, Opcode::IntEq | Opcode::IntIsZero) => {}
            _ => return None,
        }
        let stays = |limit: Operand| match self.at_label(limit) {
            Some(at) => steps[at] == Step::Same,
            None => limit.value().is_none(),
        };
        let (sum, limit) = match *self.trace.args(test) {
            [sum] => (sum, None),
            [sum, limit] if stays(limit) => (sum, Some(limit)),
            [limit, sum] if stays(limit) => (sum, Some(limit)),
            _ => return None,
        };
        if let Some(counter) = self.at_label(sum) {
            return Some((counter, 0, limit));
        }
        let (counter, offset) = self.added(sum)?;
        Some((counter, self.trace.as_const(offset)?.bits, limit))
    }
}
