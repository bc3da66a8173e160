//! Pass `preheader`: what a loop need not do in each lap it does once, before the first.
//!
//! The forward walk splits a loop in two. Others jump to its label and come to the *preheader*, behind
//! which there is a second label, and behind that the lap, which jumps back to the second label. The
//! preheader is the beginning of the lap, walked *without what happens in it*: stores are only
//! noted, and its exits begin the lap anew, which they can since nothing has happened. So it costs no
//! exits that somebody would have to leave the lap by in the middle.
//!
//! Behind it all is known that it has computed, tested and loaded, and the walk over the lap makes use
//! of that: what does not change from lap to lap is not in the loop any more. What does change
//! is an argument of the second label: reds, and *places in memory* that the loop reads and writes,
//! which thereby live in registers. Stores to them stay delayed across the label, so the loop does not
//! write to memory at all; its exits do.
//!
//! The exception is the exit of an elidable call that panics, which the lap would come to in the same state: as
//! long as nothing has happened, such a call can be made in the preheader, and its exit is the lap's own.
//!
//! How far the preheader goes ([`prefix`]): to the last load, guard or elidable call in it that is the same in all
//! laps. It ends before anything that could see one of the stores that have not been made, for up to
//! there it computes what the lap would, and so is as safe. The second guard that may well fail in some
//! lap is left out, and so is any that promotes what varies and all such behind it, for beginning anew
//! is costly where that is the program's way. Behind the first that is left out, the lap need not come that
//! far; there the preheader has only what is safe to do all the same ([`is_safe`]).
//!
//! What holds at the second label must hold whenever the loop comes back to it. That is not known before
//! the lap is walked, so it is assumed ([`Assumptions`]) and then checked; where the end of
//! the lap does not confirm it, less is assumed and the lap is walked again.
//!
//! - A red or a place has the *same* value in every lap; or it *varies* and has an argument of its own,
//!   which the end of the lap must provide; or, for places only, nothing is known about it.
//! - Each check takes at least one step down that ladder. After a few tries the least is assumed, which
//!   is always true, so the time is linear.
//! - Of a red or a place that varies, bounds are assumed: those of its first value, which the value at the
//!   end of the lap must keep ([`ValueFact`]).
//! - What is known of *values* needs no check: a value of the preheader is the same in all laps.
//!
//! A red that each lap loads from where the same is in all laps is the same from the second lap on
//! ([`Steady`]): an interpreter loads what it has of a frame again when a call returns there. So the preheader tests
//! whether it is that already, and takes it for the same; if it is not, one lap is not run here.
//!
//! **Objects.** Where a lap gives an object back and makes one of the same size, which takes its place in
//! memory ([`super::delay`]), the new one is made where the old one was ([`settle`]): then the loop allocates
//! nothing, the place that refers to the object is the same in all laps, and the fields of the object are places
//! like any other. They are known to be apart from other memory by tests in the preheader ([`Test::Apart`]),
//! since addresses do not change from lap to lap.
//!
//! The lap may use any value of the preheader. The backward walk ([`super::dce`]) finds out which it
//! does use, and makes them arguments of the label.
//!
//! Why not peel a whole lap off instead, as LuaJIT and RPython do: each exit would be there twice,
//! and each would get its own bridge. RPython gets along without for those who come later, by the short
//! preamble that is replayed in front of the peeled loop; the preheader is that, for everybody.

use super::Pass;
use super::delay::{Delayed, Spare};
use super::heap::KnownPlace;
use super::ranges::ValueFact;
use super::rewrite::{Contradiction, Cx, Pending, Snapshot, Walk};
use super::virtuals::{Field, Virtual};
use crate::ir::{Effect, ExitId, MemDescr, Op, Opcode, Operand, Trace, Ty, ValueId};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// How often a lap is walked before nothing is assumed any more.
const MAX_TRIES: usize = 4;

/// Places in memory whose contents are carried at most.
const MAX_PLACES: usize = 48;

/// Guards in a preheader that may fail in some laps.
const MAX_VARYING_GUARDS: usize = 1;

/// What is assumed of a red or of a place in memory at the second label.
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
    /// Addresses of objects that are given back, and others made there.
    objects: Vec<Option<Operand>>,
    /// By red, and behind those by place: what is assumed of one that varies. Found out when it is
    /// first needed, from what it is at the end of the preheader.
    facts: Vec<Option<Vec<ValueFact>>>,
}

/// What a walk over the lap found at its end.
struct LapEnd {
    reds: Vec<Operand>,
    places: Vec<Option<Operand>>,
}

/// A trace that begins with its only label, at a merge point, and ends with a jump to that label.
pub(super) fn is_loop(trace: &Trace) -> bool {
    let is_label = |op: &Op| op.opcode == Opcode::Label;
    let [first, second, .., last] = &*trace.ops else { return false };
    is_label(first)
        && second.opcode == Opcode::DebugMergePoint
        && last.opcode == Opcode::Jump
        && last.target() == first.target()
        && !trace.ops[1..].iter().any(is_label)
}

/// Writes a preheader and the lap behind it, where `walk` has come to the end of the lap and `begun` is
/// its state at the start of it. Answers the index of the second label; nothing if that is not worth it, and
/// then the lap stands there as before.
pub(super) fn split<'a>(
    walk: &mut Walk<'a>,
    trace: &'a Trace,
    begun: Snapshot<'a>,
    pending: &mut Pending,
) -> Option<usize> {
    // With what the jump would make happen.
    let n_plain = walk.cx.n_ops() as usize - 1 + walk.cx.delayed.n_left();
    let same = same_reds(walk, trace);
    let mut tests = in_bounds(walk);
    let reused = reused(walk, trace);
    tests.extend(apart(walk, &reused));
    let steady = steady_reds(walk, trace, &same);
    tests.extend(steady.iter().map(Steady::test));
    let wanted = Wanted { tests, fields: reused_fields(walk, &reused), steady };
    walk.restore_copy(&begun);
    let label = prefix(walk, trace, &same, &wanted, &begun, pending)
        .and_then(|assumed| lap_behind(walk, trace, assumed, n_plain, pending));
    if label.is_none() {
        walk.restore(begun);
        let last = trace.ops.len() - 1;
        for (op_idx, op) in trace.ops.iter().enumerate().take(last).skip(1) {
            walk.op_at(op_idx, op, pending).expect("it could be walked before");
        }
    }
    label
}

/// By red: whether it has the same value at the end of the lap.
fn same_reds(walk: &Walk<'_>, trace: &Trace) -> Vec<bool> {
    let last = trace.ops.last().expect("a jump");
    let labels = trace.results(&trace.ops[0]).map(|it| walk.cx.old_to_new(it.into()));
    let jumps = trace.args(last).iter().map(|&arg| walk.cx.old_to_new(arg));
    // An object may come to be where the one before was.
    let is_spare = |it| walk.cx.delayed.spares.iter().any(|spare| spare.address == it);
    let same = |(before, now)| before == now || is_spare(before) && walk.cx.is_virtual(now);
    labels.zip(jumps).map(same).collect()
}

/// A test that a preheader makes beside those of the lap, of values of the old trace.
#[derive(Debug, Clone, Copy)]
enum Test {
    /// One value is less than another, unsigned.
    Less([ValueId; 2]),
    /// So many bytes from one address on are apart from those between two offsets from the other.
    Apart([ValueId; 2], u32, [i32; 2]),
    /// A red is what it will be at the end of the lap.
    Steady([ValueId; 2]),
}

impl Test {
    fn values(&self) -> [ValueId; 2] {
        match *self {
            Test::Less(values) | Test::Apart(values, ..) | Test::Steady(values) => values,
        }
    }
}

/// What a preheader does beside the beginning of the lap.
#[derive(Default)]
struct Wanted {
    tests: SmallVec<[Test; 4]>,
    /// Fields of objects, by address, that are read if the object has been looked at.
    fields: Vec<WantedField>,
    steady: SmallVec<[Steady; 4]>,
}

/// A field of an object that is made where another one was.
struct WantedField {
    /// The address, as a value of the old trace.
    object: ValueId,
    mem: MemDescr,
    /// Whether it is the same in each of these objects, most likely.
    is_constant: bool,
}

impl Wanted {
    /// By red: whether it is the same in all laps, if the lap makes those so that the preheader has tested.
    fn same(&self, cx: &Cx, same: &[bool]) -> Vec<bool> {
        let mut same = same.to_vec();
        for Steady { at, values: [before, now] } in &self.steady {
            same[*at] = cx.copied(*now).is_some_and(|now| Some(now) == cx.copied(*before));
        }
        same
    }

    /// Of a place that is a field of an object that is made anew: whether it is the same in the next one, most
    /// likely.
    fn is_constant(&self, cx: &Cx, place: &KnownPlace) -> Option<bool> {
        let is_it = |it: &&WantedField| {
            let at = (place.address.base_and_index(), place.address.offset, place.ty);
            let object = cx.copied(it.object).map(|object| (object, None));
            at == (object, it.mem.offset.into(), it.mem.ty)
        };
        self.fields.iter().find(is_it).map(|it| it.is_constant)
    }
}

/// Tests of each kind, at most.
const MAX_BOUNDS: usize = 4;
const MAX_APART: usize = 8;

/// Objects that are told apart, at most.
const MAX_OBJECTS: usize = 8;

/// Fields that are read, at most.
const MAX_FIELDS: usize = 16;

/// What is read from a place in memory, and the limit that a sum of it and a constant was found to be below: an
/// index that is in bounds, most likely. Tested once in the preheader, it holds in all laps if it
/// holds at the end of each, and the lap can step on from there.
fn in_bounds(walk: &Walk<'_>) -> SmallVec<[Test; 4]> {
    let cx = &walk.cx;
    let first: FxHashSet<Operand> =
        walk.known_places().iter().filter_map(|place| place.first).collect();
    let label = cx.new_trace().ops.iter().find(|op| op.opcode == Opcode::Label);
    let reds = label.into_iter().flat_map(|label| cx.new_trace().results(label));
    let reds: FxHashSet<Operand> = reds.map(Operand::from).collect();
    let mut seen: FxHashSet<[Operand; 2]> = FxHashSet::default();
    let mut bounds = SmallVec::new();
    for guard in cx.new_trace().ops.iter().filter(|op| op.opcode == Opcode::GuardTrue) {
        let test = cx.def(cx.new_trace().args(guard)[0]).filter(|op| op.opcode == Opcode::UintLt);
        let Some(&[index, limit]) = test.map(|test| cx.new_trace().args(test)) else { continue };
        let sum = cx.def(index).filter(|op| op.opcode == Opcode::IntAdd);
        let root = sum.map_or(index, |sum| cx.new_trace().args(sum)[0]);
        // A counter that is tested when it has stepped on, and so was below its limit before.
        let plus = sum.and_then(|sum| cx.as_const(cx.new_trace().args(sum)[1]));
        let counts = reds.contains(&root) && plus.is_some_and(|plus| 0 < plus.signed());
        if !first.contains(&root) && !counts {
            continue;
        }
        if seen.len() < MAX_BOUNDS
            && seen.insert([root, limit])
            && let (Some(root), Some(limit)) = (cx.new_to_old(root), cx.new_to_old(limit))
        {
            bounds.push(Test::Less([root, limit]));
        }
    }
    bounds
}

/// A red that each lap loads from where the same is in all laps, such as what the interpreter has of a frame,
/// when a call returns there. So it is the same from the second lap on, and in the first if the preheader
/// finds it to be: most likely, since somebody has loaded it from there before.
struct Steady {
    /// Its number.
    at: usize,
    /// What it is when the lap begins, and at the end of it, as values of the old trace.
    values: [ValueId; 2],
}

impl Steady {
    fn test(&self) -> Test {
        Test::Steady(self.values)
    }
}

/// The reds that are to be tested for that.
fn steady_reds(walk: &Walk<'_>, trace: &Trace, same: &[bool]) -> SmallVec<[Steady; 4]> {
    let cx = &walk.cx;
    let jump = trace.ops.last().expect("a jump");
    let mut same = same.to_vec();
    let mut steady: SmallVec<[Steady; 4]> = SmallVec::new();
    // What is loaded by way of one such red is looked at when that is known to be one.
    loop {
        let varying = Assumptions::guess(walk, trace, &same, &Wanted::default()).varying(cx);
        let n_steady = steady.len();
        for (at, (before, &now)) in trace.results(&trace.ops[0]).zip(trace.args(jump)).enumerate() {
            let ty = trace.ty(now);
            let can_be_tested = !same[at] && (ty.is_int() || ty == Ty::Ptr);
            let Some(now) = cx.old_to_new(now).value().filter(|_| can_be_tested) else {
                continue;
            };
            let is_loaded = |op: &Op| op.opcode.effect() == Effect::Load;
            if !varying[now.index()]
                && cx.def(now.into()).is_some_and(is_loaded)
                && let Some(now) = cx.new_to_old(now.into())
            {
                steady.push(Steady { at, values: [before, now] });
            }
        }
        for it in &steady[n_steady..] {
            same[it.at] = true;
        }
        if steady.len() == n_steady {
            return steady;
        }
    }
}

/// An object that can be made where another one was that the lap has given back.
struct Reused {
    address: Operand,
    bytes: u32,
    class: u32,
    fields: SmallVec<[Field; 4]>,
}

/// The objects that the lap gives back, with what is most likely made in their places.
fn reused(walk: &Walk<'_>, trace: &Trace) -> Vec<Reused> {
    let cx = &walk.cx;
    if cx.delayed.spares.is_empty() || cx.delayed.virtuals.is_empty() {
        return Vec::new();
    }
    let places = walk.known_places();
    let jump = trace.ops.last().expect("a jump");
    let label = trace.results(&trace.ops[0]).map(|it| cx.old_to_new(it.into()));
    let reds: Vec<(Operand, Operand)> =
        label.zip(trace.args(jump).iter().map(|&arg| cx.old_to_new(arg))).collect();
    let object = |spare: &Spare| {
        let place = places.iter().find(|it| it.first == Some(spare.address));
        let red = reds.iter().find(|(before, _)| *before == spare.address);
        let now = place.map(|it| it.value).or(red.map(|(_, now)| *now));
        let is_it = |it: &&Virtual| spare.fits(it);
        let object = now.and_then(|it| cx.virtual_at(it)).map(|at| &cx.delayed.virtuals[at]);
        object.filter(is_it).or_else(|| cx.delayed.virtuals.iter().find(is_it))
    };
    let reused = cx.delayed.spares.iter().filter_map(|spare| {
        let object = object(spare)?;
        let (class, fields) = (object.class(), object.fields.clone());
        Some(Reused { address: spare.address, bytes: spare.bytes, class, fields })
    });
    reused.take(MAX_OBJECTS).collect()
}

/// Objects that the lap gives back, and other objects that it looks at: they are tested to be apart, so that those
/// that are made in their place are known to be.
fn apart(walk: &Walk<'_>, reused: &[Reused]) -> Vec<Test> {
    let cx = &walk.cx;
    // By base: offsets of the first byte and of that behind the last.
    let mut others: Vec<(Operand, [i32; 2])> = Vec::new();
    let new = cx.new_trace();
    let of_buffers = reused.iter().any(|it| MemDescr::is_buffer(it.class));
    for op in new.ops.iter().filter(|op| matches!(op.opcode, Opcode::GetField | Opcode::SetField)) {
        let (mem, base) = (new.mem(op), new.args(op)[0]);
        let is_object = MemDescr::is_boxed(mem.class)
            || matches!(mem.class, 0 | MemDescr::OBJECT)
            || of_buffers && MemDescr::is_buffer(mem.class);
        if !is_object || mem.frozen || base.is_const() {
            continue;
        }
        let (lo, hi) = (mem.offset, mem.offset.saturating_add(mem.ty.bytes() as i32));
        match others.iter().position(|(it, _)| *it == base) {
            Some(at) => {
                let bytes = &mut others[at].1;
                *bytes = [lo.min(bytes[0]), hi.max(bytes[1])];
            }
            None if others.len() < MAX_OBJECTS => others.push((base, [lo, hi])),
            None => {}
        }
    }
    let objects: Vec<(Operand, [i32; 2])> =
        reused.iter().map(|it| (it.address, [0, it.bytes as i32])).collect();
    others.retain(|(base, _)| !reused.iter().any(|it| it.address == *base));
    let mut tests = Vec::new();
    for (at, made) in reused.iter().enumerate() {
        for &(other, bytes) in objects[at + 1..].iter().chain(&others) {
            let small = bytes.iter().all(|it| it.unsigned_abs() < 1 << 20);
            let values = cx.new_to_old(made.address).zip(cx.new_to_old(other));
            if let Some((value, other)) = values.filter(|_| small && tests.len() < MAX_APART) {
                tests.push(Test::Apart([value, other], made.bytes, bytes));
            }
        }
    }
    tests
}

/// The fields of objects that are made where others were before, which the preheader should know.
fn reused_fields(walk: &Walk<'_>, reused: &[Reused]) -> Vec<WantedField> {
    let mut fields = Vec::new();
    for made in reused {
        let Some(value) = walk.cx.new_to_old(made.address) else { continue };
        fields.extend(made.fields.iter().map(|field| {
            let is_constant = walk.cx.resolve(field.value).is_const();
            WantedField { object: value, mem: field.mem(made.class), is_constant }
        }));
    }
    fields.truncate(MAX_FIELDS);
    fields
}

/// Writes the preheader, and answers what may hold behind it; nothing if it would be empty.
fn prefix<'a>(
    walk: &mut Walk<'a>,
    trace: &'a Trace,
    same: &[bool],
    wanted: &Wanted,
    begun: &Snapshot<'a>,
    pending: &mut Pending,
) -> Option<Assumptions> {
    let all = Extent { end: trace.ops.len() - 1, left_out: FxHashSet::default() };
    let starts = walk_prefix(walk, trace, &all, &wanted.tests, pending);
    let mut assumed = Assumptions::guess(walk, trace, &wanted.same(&walk.cx, same), wanted);
    let extent = extent(&walk.cx, trace, &starts, &assumed.varying(&walk.cx))?;
    if extent.end < starts.len() || !extent.left_out.is_empty() {
        walk.restore_copy(begun);
        walk_prefix(walk, trace, &extent, &wanted.tests, pending);
        read_fields(walk, wanted, pending);
        let same = wanted.same(&walk.cx, same);
        match extent.left_out.is_empty() && wanted.fields.is_empty() {
            true => assumed.only_of(walk, trace, &same),
            // Values have other numbers where something was left out.
            false => assumed = Assumptions::guess(walk, trace, &same, wanted),
        }
    } else if read_fields(walk, wanted, pending) {
        assumed = Assumptions::guess(walk, trace, &wanted.same(&walk.cx, same), wanted);
    }
    Some(assumed)
}

/// Reads the fields of objects that the preheader has come to. Answers whether there are any.
fn read_fields(walk: &mut Walk<'_>, wanted: &Wanted, pending: &mut Pending) -> bool {
    let known = walk.known_places();
    let is_object =
        |it: &&KnownPlace| MemDescr::is_boxed(it.class) || MemDescr::is_buffer(it.class);
    let bases: Vec<Operand> = known
        .iter()
        .filter(is_object)
        .filter_map(|it| it.address.base_and_index().map(|(base, _)| base))
        .collect();
    let mut any = false;
    for WantedField { object, mem, .. } in wanted.fields.iter().filter(|it| it.mem.ty != Ty::Bool) {
        let Some(object) = walk.cx.copied(*object) else { continue };
        let is_known = |it: &KnownPlace| {
            let at = (it.address.base_and_index(), it.address.offset, it.ty);
            at == (Some((object, None)), mem.offset.into(), mem.ty)
        };
        if bases.contains(&object) && !known.iter().any(is_known) {
            any |= walk.load(object, mem, pending).is_ok();
        }
    }
    any
}

/// Which operations of the lap the preheader has: those before `end`, but for the guards that are left
/// out. Calls are always left out.
struct Extent {
    end: usize,
    left_out: FxHashSet<usize>,
}

/// Walks from the start of the lap up to the end of an extent, or to an operation that can not be in a
/// preheader. Answers for each operation that it has walked over how many there were in the new trace before it.
fn walk_prefix<'a>(
    walk: &mut Walk<'a>,
    trace: &'a Trace,
    extent: &Extent,
    tests: &[Test],
    pending: &mut Pending,
) -> Vec<usize> {
    walk.cx.begin_preheader();
    let (mut starts, n_exits) = (vec![0], trace.n_exit_ids());
    let mut to_test: SmallVec<[Test; 8]> = tests.into();
    let mut newest = trace.results(&trace.ops[0]).last();
    let mut without =
        LeftOut { wanted: &extent.left_out, has_happened: false, any: false, missing: Vec::new() };
    for (op_idx, op) in trace.ops.iter().enumerate().take(extent.end).skip(1) {
        let start = walk.cx.n_ops() as usize;
        walk.cx.at = op_idx;
        let is_store = op.opcode.effect() == Effect::Store;
        if is_store && walk.load_before(op, pending).is_err()
            || without.walk(walk, trace, op_idx, pending).is_err()
        {
            break;
        }
        starts.push(start);
        newest = op.res().or(newest);
        // Not between operations that belong together.
        if !matches!(op.opcode.effect(), Effect::Load | Effect::Pure) {
            continue;
        }
        let ready = |test: &Test| test.values().iter().max() <= newest.as_ref();
        while let Some(at) = to_test.iter().position(ready) {
            let test = to_test.remove(at);
            let values = test.values().map(|it| walk.cx.old_to_new(it.into()));
            if values.iter().any(|&it| without.is_missing(it)) {
                continue;
            }
            // The lap's exits have the numbers up to twice as many.
            let exit = ExitId(2 * n_exits + to_test.len() as u32);
            let tested = match test {
                Test::Less(_) => walk.guard_less(values, exit, pending),
                Test::Steady(_) => walk.guard_steady(values, exit, pending),
                Test::Apart(_, bytes, others) => {
                    walk.guard_apart(values, bytes, others, exit, pending)
                }
            };
            if tested.is_err() {
                return starts;
            }
        }
    }
    starts
}

/// What a preheader does without. A call that has effects cannot be made there, so its results are
/// *missing*, as is all that is computed from them: that is written, so that memory can be said to
/// hold it, and removed again by the backward walk.
struct LeftOut<'e> {
    /// Guards and calls, by index in the old trace.
    wanted: &'e FxHashSet<usize>,
    /// Whether something has happened in the lap so far that the preheader has only noted.
    has_happened: bool,
    /// Whether something was left out so far.
    any: bool,
    /// By value of the new trace, as far as there are missing ones.
    missing: Vec<bool>,
}

/// Whether something happens in an operation that a preheader may have, such as a store: an exit behind it that does
/// not begin the lap anew would have to make it first.
fn happens(op: &Op) -> bool {
    matches!(op.opcode.effect(), Effect::Store | Effect::Alloc | Effect::Forget)
}

impl LeftOut<'_> {
    fn is_missing(&self, operand: Operand) -> bool {
        let is_missing = |value: ValueId| self.missing.get(value.index()) == Some(&true);
        operand.value().is_some_and(is_missing)
    }

    /// Walks over an operation, or leaves it out.
    fn walk<'a>(
        &mut self,
        walk: &mut Walk<'a>,
        trace: &'a Trace,
        op_idx: usize,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        let (op, start) = (&trace.ops[op_idx], walk.cx.n_ops());
        self.has_happened |= happens(op);
        match op.opcode {
            // One merge point is enough to come back to.
            Opcode::DebugMergePoint if op_idx > 1 => return Ok(()),
            Opcode::Call | Opcode::CallAssembler => self.any = true,
            Opcode::CallPure => {
                let can_be = !trace.call(op).can_panic || !self.has_happened;
                self.any |= !can_be || self.wanted.contains(&op_idx);
            }
            // What goes with a call that is there.
            Opcode::CallResult | Opcode::GuardNoException if !self.any => {}
            Opcode::GuardNoException => return Ok(()),
            Opcode::CallResult => {}
            opcode if opcode.is_guard() => {
                let mut args = trace.args(op).iter().map(|&arg| walk.cx.old_to_new(arg));
                if self.wanted.contains(&op_idx) || args.any(|arg| self.is_missing(arg)) {
                    self.any = true;
                    return Ok(());
                }
            }
            _ => {}
        }
        let is_call = op.opcode.effect() == Effect::Call;
        match self.any && is_call {
            true => walk.without_call(op, pending),
            false => walk.op_at(op_idx, op, pending)?,
        }
        self.note_missing(&mut walk.cx, start, self.any && is_call);
        Ok(())
    }

    /// Looks for missing values in the operations from `start` on.
    fn note_missing(&mut self, cx: &mut Cx, start: u32, all: bool) {
        if !self.any {
            return;
        }
        for at in start..cx.n_ops() {
            let new = cx.new_trace();
            let op = &new.ops[at as usize];
            if !all && !new.args(op).iter().any(|&arg| self.is_missing(arg)) {
                continue;
            }
            if let Some(res) = op.res() {
                self.missing.resize(new.types.len(), false);
                self.missing[res.index()] = true;
            }
            cx.mark_dead(at);
        }
    }
}

/// How far a walked prefix is worth going: up to the last operation that a lap is better without. And the
/// guards before it that are to be left out. Nothing if it is not worth anything.
fn extent(cx: &Cx, trace: &Trace, starts: &[usize], varying: &[bool]) -> Option<Extent> {
    let new = cx.new_trace();
    let is_varying = |arg: Operand| arg.value().is_some_and(|value| varying[value.index()]);
    let varies = |op: &Op| new.args(op).iter().any(|&arg| is_varying(arg));
    let has_varying = |old: &Op| trace.args(old).iter().any(|&arg| is_varying(cx.old_to_new(arg)));
    let (mut needed, mut n_varying, mut left_out) = (None, 0, FxHashSet::default());
    let mut has_happened = false;
    'walked: for (op_idx, &start) in starts.iter().enumerate().skip(1) {
        let old = &trace.ops[op_idx];
        has_happened |= happens(old);
        if !left_out.is_empty() && !is_safe(cx, trace, old) {
            break;
        }
        match old.opcode {
            Opcode::Call | Opcode::CallAssembler => _ = left_out.insert(op_idx),
            // A panic is not taken back: it is the lap's own, if the lap has come that far for certain.
            Opcode::CallPure if trace.call(old).can_panic && (has_happened || has_varying(old)) => {
                left_out.insert(op_idx);
            }
            Opcode::CallPure if !left_out.is_empty() => _ = left_out.insert(op_idx),
            Opcode::CallResult | Opcode::GuardNoException if !left_out.is_empty() => continue,
            _ => {}
        }
        if left_out.contains(&op_idx) {
            continue;
        }
        if old.opcode.effect() == Effect::Store {
            let (_, address) = trace.args(old).split_last().expect("a store has a value");
            if !address.iter().any(|&arg| is_varying(cx.old_to_new(arg))) {
                needed = Some(op_idx);
            }
        }
        let end = starts.get(op_idx + 1).map_or(new.ops.len(), |&end| end);
        if start == end && !left_out.is_empty() && old.opcode.is_guard() && old.n_args() > 0 {
            // It may be one that is left out which implies it.
            left_out.insert(op_idx);
            continue;
        }
        for (at, op) in new.ops.iter().enumerate().take(end).skip(start) {
            // The guards of overflow operations have no arguments.
            let of_overflow = op.opcode.effect() == Effect::Guard && op.n_args() == 0;
            let op_varies = varies(op) || of_overflow && varies(&new.ops[at - 1]);
            let may_fail = op_varies && op.opcode.effect() == Effect::Guard;
            n_varying += usize::from(may_fail);
            let promotes = may_fail && op.opcode == Opcode::GuardValue;
            // The test of a bound is of a load or a sum, and stays.
            let can_go = old.opcode.effect() == Effect::Guard;
            if may_fail && can_go && (MAX_VARYING_GUARDS < n_varying || promotes) {
                if of_overflow {
                    break 'walked;
                }
                left_out.insert(op_idx);
                continue;
            }
            let is_needed = match op_varies {
                false => op.opcode.effect() != Effect::Debug,
                true => may_fail && bounds(cx, op, &is_varying),
            };
            if is_needed {
                needed = Some(op_idx);
            }
        }
    }
    let goes_with = |op: &Op| {
        use Opcode::{CallResult, GuardNoException, GuardNoOverflow, GuardOverflow};
        matches!(op.opcode, CallResult | GuardNoException | GuardNoOverflow | GuardOverflow)
    };
    let mut end = 1 + needed?;
    while goes_with(&trace.ops[end]) {
        end += 1;
    }
    left_out.retain(|&at| at < end);
    Some(Extent { end, left_out })
}

/// Whether an operation does no harm where the lap would not come to it: it computes something that is
/// defined for all operands, or it accesses an object that is there as long as the loop runs, at a fixed
/// distance from a red that is the only way to it.
fn is_safe(cx: &Cx, trace: &Trace, op: &Op) -> bool {
    match op.opcode.effect() {
        Effect::Pure | Effect::Debug => true,
        // Those without arguments test what an operation that is not safe has left. That of a call is
        // left out with it.
        Effect::Guard => op.n_args() > 0 || op.opcode == Opcode::GuardNoException,
        Effect::Call => true,
        Effect::PureChecked => {
            let divisor = trace.args(op).last().and_then(|&divisor| trace.as_const(divisor));
            let unsigned = matches!(op.opcode, Opcode::UintDiv | Opcode::UintMod);
            unsigned && divisor.is_some_and(|divisor| divisor.bits != 0)
        }
        Effect::Load | Effect::Store => {
            let base = cx.resolve(cx.old_to_new(trace.args(op)[0]));
            let label = cx.new_trace().ops.iter().find(|op| op.opcode == Opcode::Label);
            let is_red = label.is_some_and(|label| {
                let mut reds = cx.new_trace().results(label);
                reds.any(|red| base.value() == Some(red))
            });
            let is_field = matches!(op.opcode, Opcode::GetField | Opcode::SetField);
            is_red && is_field && trace.mem(op).is_exclusive()
        }
        _ => false,
    }
}

/// Whether a guard compares what varies with what is computed and does not: if each lap ends such that it
/// holds again, the lap need not test it.
fn bounds(cx: &Cx, guard: &Op, varies: &impl Fn(Operand) -> bool) -> bool {
    let condition = cx.new_trace().args(guard).first();
    let Some(test) = condition.and_then(|&condition| cx.def(condition)) else { return false };
    cx.new_trace().args(test).iter().any(|&arg| arg.value().is_some() && !varies(arg))
}

/// Writes the second label and the lap; nothing if that gains nothing.
fn lap_behind(
    walk: &mut Walk<'_>,
    trace: &Trace,
    mut assumed: Assumptions,
    n_plain: usize,
    pending: &mut Pending,
) -> Option<usize> {
    let start = walk.snapshot();
    for left in (0..=MAX_TRIES).rev() {
        if left == 0 {
            assumed.forget_all();
        }
        // Where the lap never gets to its end, too much was assumed.
        let (label, end) = lap(walk, trace, &mut assumed, pending).ok()?;
        // Both are looked at: what fails in one try need not fail in another.
        if !(assumed.refine_facts(walk, &end) | assumed.refine(&walk.cx, &end)) {
            let n_loop = walk.cx.n_ops() as usize - label - 1;
            // A lap that is not shorter would cost compile time for nothing.
            if n_plain <= n_loop {
                return None;
            }
            jump_back(&mut walk.cx, trace, &assumed, &end);
            return Some(label);
        }
        walk.restore_copy(&start);
    }
    None
}

impl Assumptions {
    fn guess(walk: &Walk<'_>, trace: &Trace, same: &[bool], wanted: &Wanted) -> Assumptions {
        let cx = &walk.cx;
        let reds = Assumptions::guess_reds(cx, trace, same);
        let objects = wanted.fields.iter().map(|it| cx.copied(it.object)).collect();
        let mut assumed = Assumptions { reds, places: Vec::new(), objects, facts: Vec::new() };
        for place in walk.known_places() {
            let Some(first) = place.first else { continue };
            let value = cx.resolve(first);
            // An object may come to be where the one before was.
            let same = value == cx.resolve(place.value) || cx.is_virtual(place.value);
            let same = wanted.is_constant(cx, &place).unwrap_or(same);
            let state = if same { State::Same(value) } else { State::Varies };
            assumed.places.push((KnownPlace { value, ..place }, state));
        }
        let varying = assumed.varying(cx);
        assumed.places.retain(|(place, _)| {
            place.address.operands().all(|it| !it.value().is_some_and(|it| varying[it.index()]))
        });
        assumed.places.truncate(MAX_PLACES);
        assumed.facts.resize(assumed.reds.len() + assumed.places.len(), None);
        assumed
    }

    fn guess_reds(cx: &Cx, trace: &Trace, same: &[bool]) -> Vec<State> {
        let labels = trace.results(&trace.ops[0]).map(|it| cx.old_to_new(it.into()));
        let state = |(red, &same)| if same { State::Same(red) } else { State::Varies };
        labels.zip(same).map(state).collect()
    }

    /// What was guessed behind a longer prefix is cut to what there is in this one.
    fn only_of(&mut self, walk: &Walk<'_>, trace: &Trace, same: &[bool]) {
        let cx = &walk.cx;
        let n_values = cx.new_trace().types.len();
        let exists = |it: Operand| it.value().is_none_or(|value| value.index() < n_values);
        self.reds = Assumptions::guess_reds(cx, trace, same);
        self.places.retain(|(place, _)| {
            place.first.is_some_and(exists) && place.address.operands().all(exists)
        });
        for (place, state) in &mut self.places {
            place.value = cx.resolve(place.first.expect("others are gone"));
            if let State::Same(value) = state {
                *value = place.value;
            }
        }
        self.facts.truncate(self.reds.len() + self.places.len());
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
        let same = self.places.iter().filter(|(_, state)| matches!(state, State::Same(_)));
        let same: FxHashSet<ValueId> =
            same.filter_map(|(place, _)| place.first.and_then(|first| first.value())).collect();
        for op in &trace.ops {
            let Some(res) = op.res().filter(|_| op.opcode != Opcode::Label) else { continue };
            let of_varying =
                |arg: &Operand| arg.value().is_some_and(|value| varying[value.index()]);
            varying[res.index()] = !same.contains(&res) && trace.args(op).iter().any(of_varying)
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
        self.facts.fill(Some(Vec::new()));
    }

    /// The states of reds and then of places.
    fn states(&self) -> impl Iterator<Item = State> {
        self.reds.iter().chain(self.places.iter().map(|(_, state)| state)).copied()
    }

    /// Assumes of what varies what is known of its first value.
    fn assume_facts(&mut self, walk: &mut Walk<'_>, initial: &[Operand], arguments: &[Operand]) {
        let varies = self.states().enumerate().filter(|(_, state)| *state == State::Varies);
        let varies: Vec<usize> = varies.map(|(at, _)| at).collect();
        for (at, (&initial, &argument)) in varies.into_iter().zip(initial.iter().zip(arguments)) {
            let facts = self.facts[at].get_or_insert_with(|| walk.facts(initial));
            facts.iter().for_each(|&fact| walk.learn_fact(argument, fact));
        }
    }

    /// Drops the facts that the end of the lap does not confirm; false if it confirms all.
    fn refine_facts(&mut self, walk: &Walk<'_>, end: &LapEnd) -> bool {
        let ends = end.reds.iter().map(|&red| Some(red)).chain(end.places.iter().copied());
        let mut changed = false;
        for (facts, now) in self.facts.iter_mut().zip(ends) {
            let Some(facts) = facts else { continue };
            let n_facts = facts.len();
            facts.retain(|&fact| now.is_some_and(|now| walk.knows_fact(now, fact)));
            changed |= facts.len() < n_facts;
        }
        changed
    }

    /// Assumes less where the end of the lap does not confirm it; false if it confirms all.
    fn refine(&mut self, cx: &Cx, end: &LapEnd) -> bool {
        let mut changed = false;
        for (state, &now) in self.reds.iter_mut().zip(&end.reds) {
            changed |= refine(cx, state, Some(now));
        }
        for ((_, state), &now) in self.places.iter_mut().zip(&end.places) {
            changed |= refine(cx, state, now);
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

fn refine(cx: &Cx, state: &mut State, now: Option<Operand>) -> bool {
    let confirmed = match (*state, now) {
        (State::Same(value), Some(now)) if cx.resolve(value) == now => return false,
        (State::Varies, Some(_)) | (State::Unknown, _) => return false,
        (_, Some(_)) => State::Varies,
        (_, None) => State::Unknown,
    };
    *state = confirmed;
    true
}

/// Writes the second label and the lap behind it, without the jump. Answers where the label is.
fn lap(
    walk: &mut Walk<'_>,
    trace: &Trace,
    assumed: &mut Assumptions,
    pending: &mut Pending,
) -> Result<(usize, LapEnd), Contradiction> {
    let label = &trace.ops[0];
    let reds: Vec<Operand> = trace.results(label).map(|it| walk.cx.old_to_new(it.into())).collect();
    let initial: Vec<_> = assumed.places.iter().map(|(place, _)| Some(place.value)).collect();
    let known = |(_, state): &&(KnownPlace, State)| *state != State::Unknown;
    let places: Vec<KnownPlace> = assumed.places.iter().filter(known).map(|&(it, _)| it).collect();
    // What the lap stores to these places is delayed each time that it comes to the label.
    walk.cx.delayed.forget_others(&places);
    // And so is what it makes objects of.
    for (place, _) in assumed.places.iter().filter(|(_, state)| *state == State::Varies) {
        if assumed.objects.contains(&place.address.base_and_index().map(|(base, _)| base)) {
            Delayed::store_later(&mut walk.cx, place);
        }
    }
    let is_delayed = |place: &&KnownPlace| walk.cx.delayed.has_store_to(place);
    let delayed: Vec<KnownPlace> = places.iter().filter(is_delayed).copied().collect();
    let arguments = assumed.arguments(&reds, &initial);
    walk.cx.forget_delayed();
    let label_at = walk.cx.n_ops() as usize;
    let results: Vec<Operand> =
        walk.cx.second_label(label.target().behind_preheader(), &arguments).collect();
    assumed.assume_facts(walk, &arguments, &results);
    let mut results = results.into_iter();
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
    // Where the lap gives an object back, the next lap may find another one.
    let freed = trace.ops.iter().filter(|op| op.opcode.frees());
    let freed = freed.filter_map(|op| walk.cx.copied(trace.args(op)[0].value()?));
    let freed: Vec<Operand> = freed.collect();
    walk.cx.delayed.reused.extend(freed);
    walk.enter_loop(&carried);
    let last = trace.ops.len() - 1;
    for (op_idx, op) in trace.ops.iter().enumerate().take(last).skip(1) {
        walk.op_at(op_idx, op, pending)?;
    }
    walk.cx.at = last;
    let from = walk.cx.n_ops();
    settle(walk, trace, assumed, pending);
    Delayed::drop_needless(&mut walk.cx);
    Delayed::make_others(&mut walk.cx, &delayed);
    // Objects that the next lap gets are allocated by now.
    let places = assumed.places.iter().map(|(place, _)| {
        let value = walk.value_at(place)?;
        Some(walk.cx.make_if_virtual(value))
    });
    let places: Vec<Option<Operand>> = places.collect();
    let jump = trace.ops.last().expect("a jump");
    let made = |&arg: &Operand| {
        let arg = walk.cx.old_to_new(arg);
        walk.cx.make_if_virtual(arg)
    };
    let reds = trace.args(jump).iter().map(made).collect();
    Delayed::free_spares(&mut walk.cx);
    walk.cx.credit(Pass::Delay, from);
    Ok((label_at, LapEnd { reds, places }))
}

/// How often objects are looked for in the fields of others.
const MAX_NESTED: usize = 3;

/// At the end of a lap: makes objects where those were that the next lap is expected to find there.
fn settle(walk: &mut Walk<'_>, trace: &Trace, assumed: &Assumptions, pending: &mut Pending) {
    let jump = trace.ops.last().expect("a jump");
    for (&arg, state) in trace.args(jump).iter().zip(&assumed.reds) {
        if let State::Same(address) = *state {
            let object = walk.cx.old_to_new(arg);
            walk.make_at(object, address, pending);
        }
    }
    for _ in 0..MAX_NESTED {
        let mut any = false;
        for (place, state) in &assumed.places {
            if let (State::Same(address), Some(object)) = (*state, walk.value_at(place)) {
                any |= walk.make_at(object, address, pending);
            }
        }
        if !any {
            break;
        }
    }
}

fn jump_back(cx: &mut Cx, trace: &Trace, assumed: &Assumptions, end: &LapEnd) {
    let arguments = assumed.arguments(&end.reds, &end.places);
    cx.emit_jump(trace.ops[0].target().behind_preheader(), &arguments);
}
