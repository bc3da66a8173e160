//! Pass `peel`: the first lap of a loop becomes its preamble, and what that found out carries the rest.
//!
//! The forward walk goes over the lap twice. The first copy is the preamble, to whose label others jump.
//! Behind it comes a second label, that of the *peeled loop*, and the second copy, which jumps back
//! to that. In front of the peeled loop everything is known that the preamble has computed, tested and
//! loaded. So what does not change from lap to lap leaves the loop: loads, bounds checks, guards,
//! computations. What does change is an argument of the second label: reds, and *places in memory*
//! that the loop reads and writes, which thereby live in registers. A store that was delayed at the
//! end of the preamble stays delayed across the label, so the loop does not write to memory at
//! all; its exits do.
//!
//! What holds at the second label must hold whenever the loop comes back to it. That is not known before
//! the second lap is walked, so it is assumed ([`Assumptions`]) and then checked; where the end of
//! the second lap does not confirm it, less is assumed and the lap is walked again.
//!
//! - A red or a place has the *same* value in every lap; or it *varies* and has an argument of its own,
//!   which the end of the lap must provide; or, for places only, nothing is known about it.
//! - Each check takes at least one step down that ladder. After a few tries the least is assumed, which
//!   is always true, so the time is linear.
//! - What is known of *values* needs no check: a value of the preamble is the same in all laps.
//!
//! The second lap may use any value of the preamble. The backward walk ([`super::dce`]) finds out which it
//! does use, and makes them arguments of the label.
//!
//! Why not look for invariant operations in the lap itself (and hoist them): the trace is one path, so
//! copying it and letting the rules that are there anyway remove what the first copy has done is
//! simpler and finds more, loads that are invariant only because a store sinks among them.

use super::delay::Delayed;
use super::heap::KnownPlace;
use super::rewrite::{Contradiction, Cx, Pending, Walk};
use crate::ir::{Effect, Op, Opcode, Operand, Trace, ValueId};
use rustc_hash::FxHashSet;

/// How often a second lap is walked before nothing is assumed any more.
const MAX_TRIES: usize = 4;

/// Places in memory whose contents are carried at most.
const MAX_PLACES: usize = 48;

/// The peeled loop stays if it has at most this part of the operations of its preamble, in percent:
/// otherwise it would cost compile time for little.
const WORTH_PERCENT: usize = 90;

/// What is assumed of a red or of a place in memory at the label of the peeled loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has this value in every lap.
    Same(Operand),
    /// It has its own argument.
    Varies,
    /// Of a place: nothing is known.
    Unknown,
}

#[derive(Debug)]
struct Assumptions {
    reds: Vec<State>,
    places: Vec<(KnownPlace, State)>,
}

/// What a walk over the second lap found at its end.
struct LapEnd {
    reds: Vec<Operand>,
    places: Vec<Option<Operand>>,
}

/// A trace that begins with its only label and ends with a jump to that.
pub(super) fn is_loop(trace: &Trace) -> bool {
    let is_label = |op: &Op| op.opcode == Opcode::Label;
    let [first, .., last] = &*trace.ops else { return false };
    is_label(first)
        && last.opcode == Opcode::Jump
        && last.target() == first.target()
        && !trace.ops[1..].iter().any(is_label)
}

/// Goes on behind the preamble with a peeled loop; false if that is not worth it, and then nothing has
/// changed.
pub(super) fn second_lap(walk: &mut Walk<'_>, trace: &Trace, pending: &mut Pending) -> bool {
    let n_preamble = walk.cx.n_ops() as usize;
    let start = walk.snapshot();
    let mut assumed = Assumptions::guess(walk, trace);
    for left in (0..=MAX_TRIES).rev() {
        if left == 0 {
            assumed.forget_all();
        }
        let Ok(end) = lap(walk, trace, &assumed, pending) else {
            // The second lap never gets to its end: the preamble is all that there is of the loop, or
            // too much was assumed.
            break;
        };
        if !assumed.refine(&end) {
            let n_loop = walk.cx.n_ops() as usize - n_preamble;
            if n_loop * 100 > n_preamble * WORTH_PERCENT {
                break;
            }
            jump_back(&mut walk.cx, trace, &assumed, &end);
            return true;
        }
        walk.restore_copy(&start);
    }
    walk.restore(start);
    false
}

impl Assumptions {
    fn guess(walk: &Walk<'_>, trace: &Trace) -> Assumptions {
        let (cx, last) = (&walk.cx, trace.ops.last().expect("a jump"));
        let labels = trace.results(&trace.ops[0]).map(|it| cx.old_to_new(it.into()));
        let jumps = trace.args(last).iter().map(|&arg| cx.old_to_new(arg));
        let reds = labels.zip(jumps).map(|(before, now)| match before == now || now.is_const() {
            true => State::Same(now),
            false => State::Varies,
        });
        let mut assumed = Assumptions { reds: reds.collect(), places: Vec::new() };
        for place in walk.known_places() {
            let value = cx.resolve(place.value);
            let same = place.first.map(|it| cx.resolve(it)) == Some(value) || value.is_const();
            let state = if same { State::Same(value) } else { State::Varies };
            assumed.places.push((KnownPlace { value, ..place }, state));
        }
        let varying = assumed.varying(cx);
        assumed.places.retain(|(place, _)| {
            place.address.operands().all(|it| !it.value().is_some_and(|it| varying[it.index()]))
        });
        assumed.places.truncate(MAX_PLACES);
        assumed
    }

    /// By value: whether it is expected to be another one when the next lap computes it. What is known
    /// of places whose address is computed from such a value is of no use there.
    fn varying(&self, cx: &Cx) -> Vec<bool> {
        let trace = cx.new_trace();
        let mut varying = vec![false; trace.types.len()];
        let label = trace.ops.iter().find(|op| op.opcode == Opcode::Label).expect("a label");
        for (value, state) in trace.results(label).zip(&self.reds) {
            varying[value.index()] = *state == State::Varies;
        }
        let same = |(_, state): &(_, State)| match *state {
            State::Same(value) => value.value(),
            _ => None,
        };
        let same: FxHashSet<ValueId> = self.places.iter().filter_map(same).collect();
        for op in &trace.ops {
            let Some(res) = op.res().filter(|_| op.opcode != Opcode::Label) else { continue };
            let of_varying =
                |arg: &Operand| arg.value().is_some_and(|value| varying[value.index()]);
            varying[res.index()] = trace.args(op).iter().any(of_varying)
                || match op.opcode.effect() {
                    Effect::Call => op.opcode != Opcode::CallPure,
                    Effect::Load => !trace.mem(op).frozen && !same.contains(&res),
                    _ => false,
                };
        }
        varying
    }

    /// Nothing is assumed.
    fn forget_all(&mut self) {
        self.reds.fill(State::Varies);
        self.places.clear();
    }

    /// Assumes less where the end of the lap does not confirm it; false if it confirms all.
    fn refine(&mut self, end: &LapEnd) -> bool {
        let mut changed = false;
        for (state, &now) in self.reds.iter_mut().zip(&end.reds) {
            changed |= refine(state, Some(now));
        }
        for ((_, state), &now) in self.places.iter_mut().zip(&end.places) {
            changed |= refine(state, now);
        }
        changed
    }

    /// The operands that the arguments of the label have: reds first, then places.
    fn arguments(&self, reds: &[Operand], places: &[Option<Operand>]) -> Vec<Operand> {
        let varies = |(state, now): (&State, Option<Operand>)| {
            (*state == State::Varies).then(|| now.expect("it was checked to be known"))
        };
        let reds = self.reds.iter().zip(reds.iter().map(|&it| Some(it))).filter_map(varies);
        let states = self.places.iter().map(|(_, state)| state);
        reds.chain(states.zip(places.iter().copied()).filter_map(varies)).collect()
    }
}

fn refine(state: &mut State, now: Option<Operand>) -> bool {
    let confirmed = match (*state, now) {
        (State::Same(value), Some(now)) if value == now => return false,
        (State::Varies, Some(_)) | (State::Unknown, _) => return false,
        (_, Some(_)) => State::Varies,
        (_, None) => State::Unknown,
    };
    *state = confirmed;
    true
}

/// Writes the label and the lap behind it, without the jump.
fn lap(
    walk: &mut Walk<'_>,
    trace: &Trace,
    assumed: &Assumptions,
    pending: &mut Pending,
) -> Result<LapEnd, Contradiction> {
    let (label, jump) = (&trace.ops[0], trace.ops.last().expect("a jump"));
    let reds: Vec<Operand> = trace.args(jump).iter().map(|&it| walk.cx.old_to_new(it)).collect();
    let initial: Vec<_> = assumed.places.iter().map(|(place, _)| Some(place.value)).collect();
    let known = |(_, state): &&(KnownPlace, State)| *state != State::Unknown;
    let places: Vec<KnownPlace> = assumed.places.iter().filter(known).map(|&(it, _)| it).collect();
    // A store may stay delayed across the label if it is delayed each time that the loop comes there.
    Delayed::make_others(&mut walk.cx, &places);
    let is_delayed = |place: &&KnownPlace| walk.cx.delayed.has_store_to(place);
    let delayed: Vec<KnownPlace> = places.iter().filter(is_delayed).copied().collect();
    let arguments = assumed.arguments(&reds, &initial);
    let mut results = walk.cx.second_label(label.target().peeled(), &arguments);
    let mut value = |state: &State| match *state {
        State::Same(value) => value,
        _ => results.next().expect("an argument for all that varies"),
    };
    for (old, state) in trace.results(label).zip(&assumed.reds) {
        let value = value(state);
        walk.cx.define(old, value);
    }
    let carried = assumed.places.iter().filter(known).map(|(place, state)| {
        let value = value(state);
        KnownPlace { value, first: None, ..*place }
    });
    let carried: Vec<KnownPlace> = carried.collect();
    Delayed::enter_loop(&mut walk.cx, &carried);
    walk.enter_loop(&carried);
    let last = trace.ops.len() - 1;
    for (op_idx, op) in trace.ops.iter().enumerate().take(last).skip(1) {
        walk.op_at(op_idx, op, pending)?;
    }
    walk.cx.at = last;
    Delayed::make_others(&mut walk.cx, &delayed);
    let places = assumed
        .places
        .iter()
        .map(|(place, _)| walk.value_at(place).map(|value| walk.cx.resolve(value)));
    let places = places.collect();
    let reds = trace.args(jump).iter().map(|&it| walk.cx.old_to_new(it)).collect();
    Ok(LapEnd { reds, places })
}

fn jump_back(cx: &mut Cx, trace: &Trace, assumed: &Assumptions, end: &LapEnd) {
    let arguments = assumed.arguments(&end.reds, &end.places);
    cx.emit_jump(trace.ops[0].target().peeled(), &arguments);
}
