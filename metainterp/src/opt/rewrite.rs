//! The forward walk: copies a trace, asking rule families about each operation on the way.
//!
//! A [`Family`] sees an operation with its operands already rewritten ([`Pending`]) and answers with a
//! [`Rewrite`]. An operation that was changed is asked about again from the first family on, so that
//! rules need not foresee each other. One that all families keep is appended to the new trace, and
//! then every family is told.
//!
//! What the families share is in [`Cx`]: where each value of the old trace went, which values guards
//! have shown to be constants, and which operation defines a value.
//!
//! Invariants
//! 1. Operands in [`Pending`] and in answers belong to the new trace.
//! 2. An overflow operation goes together with its guard, and a call together with its further
//!    results and its guard: whoever removes the first has answered for the rest.
//! 3. No operation behind a label uses a value from before it, for traces may come to the label from
//!    elsewhere. So at a label families forget all results: even operations on constants have some.
//!    The label behind a preheader is the exception ([`preheader`]).
//!
//! Why not rewrite in place: a rule could then see operations half rewritten, and the exits' argument
//! lists, which change length later, would have to move anyway.

use super::delay::{Delayed, Spare};
use super::heap::KnownPlace;
use super::preheader;
use super::ranges::{Apart, Ranges, ValueFact};
use super::tally::{Size, Tally};
use super::virtuals::Virtual;
use super::{InvalidLoop, Pass};
use crate::ir::{
    Const, DelayedStore, Effect, ExitId, MemDescr, Op, Opcode, Operand, OperandKind, Resume,
    ResumeKind, TargetId, Trace, TraceBuilder, Ty, ValueId,
};
use smallvec::SmallVec;

/// Changes to one operation before it is left as it is: a rule may follow a chain of operations link
/// by link, and a walk that follows every chain to its end is not linear in the trace.
const MAX_CHANGES: u32 = 16;

/// Places in memory with contents that vary, which an exit tells a bridge of at most.
const MAX_TOLD: usize = 4;

/// A family of rules.
pub(super) trait Family {
    /// What to do with an operation. A family that answers [`Rewrite::Changed`] has changed `op`.
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction>;

    /// `op` is now the last operation of the new trace, or a store that was delayed, or it is known to
    /// hold without being there (`assume_true`, `assume_false`).
    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        let _ = (cx, op, res);
    }

    /// A label comes next: what was known about memory and about results does not hold behind it.
    fn forget(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// The places in memory whose contents are known now.
    fn known_places(&self, cx: &Cx) -> Vec<KnownPlace> {
        let _ = cx;
        Vec::new()
    }

    /// Some of the places in memory whose contents are known now, those that were looked at last first.
    fn recent_places(&self, cx: &Cx, places: &mut Vec<KnownPlace>) {
        let _ = (cx, places);
    }

    /// What a place is known to hold now.
    fn value_at(&self, cx: &Cx, place: &KnownPlace) -> Option<Operand> {
        let _ = (cx, place);
        None
    }

    /// The label behind a preheader comes next: of memory, only this is known there. What is known of
    /// values stays, for there is no other way to the label than from here.
    fn enter_loop(&mut self, places: &[KnownPlace]) {
        let _ = places;
    }

    /// What is known of a value beside what it is computed from.
    fn facts(&self, cx: &Cx, value: Operand) -> Vec<ValueFact> {
        let _ = (cx, value);
        Vec::new()
    }

    /// A fact of a value is known from here on.
    fn learn_fact(&mut self, cx: &mut Cx, value: Operand, fact: ValueFact) {
        let _ = (cx, value, fact);
    }

    /// Whether a fact of a value is known.
    fn knows_fact(&self, cx: &Cx, value: Operand, fact: ValueFact) -> bool {
        let _ = (cx, value, fact);
        false
    }

    /// A copy, to come back to.
    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b;
}

/// A guard that can never hold.
#[derive(Debug)]
pub(super) struct Contradiction;

/// What becomes of an operation.
#[derive(Debug)]
pub(super) enum Rewrite {
    /// No rule applies.
    Keep,
    /// It was changed in place.
    Changed,
    /// Its result is this operand.
    Is(Operand),
    /// It has no result and is not needed.
    Gone,
    /// It is a store, and was put off to a later point of the trace.
    Delayed,
    /// It is a call whose results are known, those of the `call_result`s behind it too. Boxed, since the others
    /// are moved about often.
    IsCall(Box<CallResults>),
}

/// What a rule answers with, so that a test finds it: see [`rule_applies`].
impl Rewrite {
    #[inline]
    #[track_caller]
    pub fn is(known: Operand) -> Rewrite {
        rule_applies();
        Rewrite::Is(known)
    }

    #[inline]
    #[track_caller]
    pub fn gone() -> Rewrite {
        rule_applies();
        Rewrite::Gone
    }

    #[inline]
    #[track_caller]
    pub fn delayed() -> Rewrite {
        rule_applies();
        Rewrite::Delayed
    }

    #[inline]
    #[track_caller]
    pub fn is_call(results: CallResults) -> Rewrite {
        rule_applies();
        Rewrite::IsCall(Box::new(results))
    }
}

/// A rule applies, which the place of the call names. Tests ask for each rule in the source that it does once.
#[inline]
#[track_caller]
pub(super) fn rule_applies() {
    #[cfg(test)]
    super::tests::note_rule(std::panic::Location::caller());
}

/// The results of a call, by number of the word.
pub(super) type CallResults = SmallVec<[(u64, Operand); 2]>;

/// An operation on its way into the new trace.
#[derive(Debug)]
pub(super) struct Pending {
    pub opcode: Opcode,
    /// Type of the result.
    pub ty: Option<Ty>,
    pub args: SmallVec<[Operand; 6]>,
    /// As in [`Op::descr`], for the new trace; for guards and `finish` the exit in the old trace.
    pub descr: u32,
    /// What the flag of an overflow operation is known to be. A family that sets it has the guard
    /// behind decided, so it also removes the operation or makes it one that does not overflow.
    pub overflowed: Option<bool>,
    /// Of a store: what the place is known to hold before it.
    pub before: Option<Operand>,
    /// It is not in the new trace, but among the delayed stores.
    pub is_delayed: bool,
}

impl Pending {
    fn start(&mut self, opcode: Opcode, ty: Option<Ty>, args: &[Operand]) {
        (self.opcode, self.ty, self.descr) = (opcode, ty, 0);
        (self.overflowed, self.before, self.is_delayed) = (None, None, false);
        self.args.clear();
        self.args.extend_from_slice(args);
    }

    /// Makes it another operation with the same result type.
    #[track_caller]
    pub fn become_op(&mut self, opcode: Opcode, args: &[Operand]) -> Rewrite {
        rule_applies();
        self.opcode = opcode;
        self.args.clear();
        self.args.extend_from_slice(args);
        Rewrite::Changed
    }
}

/// What the families share.
pub(super) struct Cx<'t> {
    old: &'t Trace,
    copy: Copier,
    /// By value of the new trace: the value itself, or the constant that a guard has shown it to be.
    known: Vec<Operand>,
    /// By value of the new trace: the operation that defines it, or `NO_OP`.
    defs: Vec<u32>,
    /// The operation of the old trace that is being rewritten.
    pub at: usize,
    /// What is added to the numbers of exits: the second lap of a loop has its own.
    exit_shift: u32,
    dead: Vec<u32>,
    /// Stores that are not made yet.
    pub delayed: Delayed,
    /// In a loop's preheader: what its exits are, since it can only begin the lap anew.
    start_over: Option<StartOver>,
    /// In a preheader: the number of the exit of a guard that the given trace does not have.
    extra_exit: Option<ExitId>,
    /// At a guard: what a bridge may be told of memory.
    recent: Vec<KnownPlace>,
    /// Stores are delayed, those of virtual objects too.
    pub delays: bool,
    /// Some values are objects that are or were virtual.
    has_virtuals: bool,
    /// The last exit is right only where the condition of its guard does not hold.
    pub exit_is_of_condition: bool,
    /// What is known of integers. Away while it is asked itself.
    ranges: Option<Box<Ranges>>,
    /// What the passes have made of the trace so far; of a loop with a preheader, of the lap behind it.
    tally: Tally,
}

/// How to go back to where a loop begins.
#[derive(Debug, Clone)]
struct StartOver {
    resume: Resume,
    reds: SmallVec<[Operand; 8]>,
}

const NO_OP: u32 = u32::MAX;

/// Defines the objects that are not allocated.
const VIRTUAL: u32 = u32::MAX - 1;

impl<'t> Cx<'t> {
    fn new(old: &'t Trace, delays: bool) -> Cx<'t> {
        let mut cx = Cx {
            old,
            copy: Copier::new(old),
            known: Vec::with_capacity(old.types.len()),
            defs: Vec::with_capacity(old.types.len()),
            at: 0,
            exit_shift: 0,
            dead: Vec::new(),
            delayed: Delayed::default(),
            start_over: None,
            extra_exit: None,
            recent: Vec::new(),
            delays,
            has_virtuals: false,
            exit_is_of_condition: false,
            ranges: Some(Box::default()),
            tally: Tally::default(),
        };
        cx.name_new_values(NO_OP);
        cx
    }

    /// The new trace as far as it is.
    #[inline]
    pub fn new_trace(&self) -> &Trace {
        self.copy.new.trace()
    }

    /// Number of operations of the new trace so far.
    #[inline]
    pub fn n_ops(&self) -> u32 {
        self.new_trace().ops.len() as u32
    }

    /// The operations of the old trace behind the one that is being rewritten.
    pub fn ahead(&self) -> &'t [Op] {
        &self.old.ops[self.at + 1..]
    }

    /// The old trace.
    pub fn old_trace(&self) -> &'t Trace {
        self.old
    }

    /// An operand of the new trace, or the constant that it is known to be.
    #[inline]
    pub fn resolve(&self, operand: Operand) -> Operand {
        match operand.kind() {
            OperandKind::Value(v) => self.known[v.index()],
            OperandKind::Const(_) => operand,
        }
    }

    /// The constant that an operand is.
    #[inline]
    pub fn as_const(&self, operand: Operand) -> Option<Const> {
        self.new_trace().as_const(operand)
    }

    /// The type of an operand.
    #[inline]
    pub fn ty(&self, operand: Operand) -> Ty {
        self.new_trace().ty(operand)
    }

    /// The operand of a constant.
    pub fn constant(&mut self, c: Const) -> Operand {
        self.copy.new.constant(c)
    }

    /// From here on `value` is the constant `c`.
    pub fn learn(&mut self, value: ValueId, c: Const) {
        debug_assert_eq!(self.new_trace().types[value.index()], c.ty, "{value:?} is {c:?}");
        self.known[value.index()] = self.constant(c);
    }

    /// From here on `value` is what an earlier operand is.
    pub fn replace_by(&mut self, value: Operand, earlier: Operand) {
        let (value, earlier) = (self.resolve(value), self.resolve(earlier));
        if let Some(value) = value.value() {
            self.known[value.index()] = earlier;
        }
    }

    /// The operation that defines `operand`, unless that is an input or a label.
    #[inline]
    pub fn def(&self, operand: Operand) -> Option<&Op> {
        let def = self.defs[operand.value()?.index()];
        (def < VIRTUAL).then(|| &self.new_trace().ops[def as usize])
    }

    /// The index of the operation that defines `operand`.
    pub fn def_index(&self, operand: Operand) -> Option<u32> {
        Some(self.defs[operand.value()?.index()]).filter(|&def| def < VIRTUAL)
    }

    /// The operation of the old trace that is being rewritten.
    pub fn old_op(&self) -> &'t Op {
        &self.old.ops[self.at]
    }

    /// Appends a pure operation in front of the one that is being rewritten.
    pub fn insert(&mut self, opcode: Opcode, args: &[Operand], ty: Ty) -> Operand {
        let res = self.copy.new.push(opcode, args, 0, ty);
        self.name_new_values(self.n_ops() - 1);
        res
    }

    /// Makes an earlier guard fail for more values than it did, by another test in front of it. The
    /// guard must be a rewind: it then says nothing but that the opcode is to begin anew, so
    /// a bridge from there records it from its start.
    pub fn strengthen(&mut self, guard: u32, test: u32, opcode: Opcode, args: &[Operand]) {
        let exit = self.new_trace().ops[guard as usize].descr;
        let resume = self.new_trace().exits[exit as usize].resume;
        debug_assert_eq!(resume.kind, ResumeKind::Rewind);
        self.copy.new.replace_op(test as usize, opcode, args);
        self.copy.new.set_resume(exit, Resume { step: 0, ..resume });
    }

    /// The operands of an operation that [`Cx::def`] answered, as they are known by now.
    pub fn def_args(&self, op: &Op) -> impl Iterator<Item = Operand> {
        self.new_trace().args(op).iter().map(|&arg| self.resolve(arg))
    }

    /// The index of a memory descriptor.
    pub fn mem(&mut self, descr: MemDescr) -> u32 {
        self.copy.new.mem(descr)
    }

    /// Makes a delayed store now.
    pub fn emit_store(&mut self, opcode: Opcode, args: &[Operand], mem: u32) {
        let args: SmallVec<[Operand; 3]> =
            args.iter().map(|&arg| self.make_if_virtual(arg)).collect();
        self.copy.new.push_void(opcode, &args, mem);
    }

    /// Allocates now.
    pub fn emit_new(&mut self, opcode: Opcode, size: &[Operand]) -> Operand {
        let res = self.copy.new.push(opcode, size, 0, Ty::Ptr);
        self.name_new_values(self.n_ops() - 1);
        res
    }

    /// Gives memory back now.
    pub fn emit_free(&mut self, spare: Spare) {
        let size = [spare.bytes, spare.align].map(|n| Const::new(Ty::I64, n.into()));
        let [bytes, align] = size.map(|n| self.constant(n));
        self.delayed.no_way_back();
        self.copy.new.push_void(spare.opcode, &[spare.address, bytes, align], 0);
    }

    /// A value for an object that is not allocated.
    pub fn reserve_object(&mut self) -> ValueId {
        self.has_virtuals = true;
        let value = self.copy.new.reserve(Ty::Ptr);
        self.name_new_values(VIRTUAL);
        value
    }

    /// Whether there is or was a virtual object.
    pub fn has_virtuals(&self) -> bool {
        self.has_virtuals
    }

    /// Whether an operand is an object that is virtual, or was until it was given back.
    pub fn is_virtual(&self, operand: Operand) -> bool {
        self.has_virtuals
            && self.resolve(operand).value().is_some_and(|it| self.defs[it.index()] == VIRTUAL)
    }

    /// An object has been allocated after all.
    pub fn object_is(&mut self, object: ValueId, made: Operand) {
        self.known[object.index()] = made;
    }

    /// What is known of integers.
    pub fn ranges(&self) -> &Ranges {
        self.ranges.as_ref().expect("it does not ask for itself")
    }

    /// Lets what is known of integers learn.
    pub fn with_ranges<R>(&mut self, f: impl FnOnce(&mut Ranges, &mut Cx<'_>) -> R) -> R {
        let mut ranges = self.ranges.take().expect("it does not ask for itself");
        let result = f(&mut ranges, self);
        self.ranges = Some(ranges);
        result
    }

    /// Credits a pass with the operations of the new trace from this one on.
    #[inline]
    pub fn credit(&mut self, pass: Pass, from: u32) {
        if from < self.n_ops() {
            self.tally.add(pass, Size::of_all(&self.new_trace().ops[from as usize..]));
        }
    }

    /// An earlier store turned out to be overwritten before anyone could see it.
    pub fn mark_dead(&mut self, op_idx: u32) {
        self.dead.push(op_idx);
    }

    /// Where an operand of the old trace went, or the constant that it is known to be.
    #[inline]
    pub fn old_to_new(&self, operand: Operand) -> Operand {
        self.resolve(self.copy.operand(operand))
    }

    /// Makes room for the values that were just defined.
    fn name_new_values(&mut self, def: u32) {
        for value in self.known.len()..self.copy.new.trace().types.len() {
            self.known.push(ValueId(value as u32).into());
            self.defs.push(def);
        }
    }

    fn fill(&self, pending: &mut Pending, op: &Op) {
        pending.opcode = op.opcode;
        pending.ty = op.res().map(|res| self.old.types[res.index()]);
        pending.descr = self.copy.descr(op);
        pending.overflowed = None;
        pending.before = None;
        pending.is_delayed = false;
        pending.args.clear();
        // One by one: they are few, and this is done for each operation.
        for &arg in self.old.args(op) {
            pending.args.push(self.old_to_new(arg));
        }
    }

    fn emit(&mut self, pending: &Pending) -> Option<Operand> {
        let mut descr = pending.descr;
        let has_effect = match pending.opcode.effect() {
            Effect::Store | Effect::Alloc => true,
            Effect::Call if pending.opcode.is_impure_call() => {
                !self.new_trace().calls[descr as usize].reads_only
            }
            _ => false,
        };
        if has_effect {
            self.delayed.no_way_back();
        }
        if pending.opcode.has_exit() {
            descr = self.emit_exit(descr, pending);
        }
        let new = &mut self.copy.new;
        let res = match pending.ty {
            Some(ty) => Some(new.push(pending.opcode, &pending.args, descr, ty)),
            None => {
                new.push_void(pending.opcode, &pending.args, descr);
                None
            }
        };
        self.name_new_values(self.n_ops() - 1);
        res
    }

    fn emit_exit(&mut self, exit: u32, guard: &Pending) -> u32 {
        self.exit_is_of_condition = false;
        // In a preheader, a panic comes where nothing has happened yet.
        let panics = guard.opcode == Opcode::GuardNoException;
        if let Some(StartOver { resume, reds }) = self.start_over.as_ref().filter(|_| !panics) {
            let id = self.extra_exit.unwrap_or_else(|| self.old.exits[exit as usize].id);
            return self.copy.new.exit(id, reds, *resume);
        }
        let exit = &self.old.exits[exit as usize];
        let mut resume = exit.resume;
        let mut args = std::mem::take(&mut self.copy.buffer);
        args.clear();
        args.extend(self.old.exit_values(exit).iter().map(|&arg| self.old_to_new(arg)));
        // A panic has happened by then and must not be repeated.
        let may_rewind = !panics && resume.kind == ResumeKind::Replay;
        let state = self.delayed.at_merge_point().filter(|_| may_rewind);
        let (delayed, virtuals, spares, is_now) = match state {
            Some(state) => {
                resume.kind = ResumeKind::Rewind;
                args.truncate(resume.n_reds as usize);
                let is_now = self.delayed.is_as_at_merge_point();
                (&*state.stores, &*state.virtuals, state.spares.clone(), is_now)
            }
            None => {
                let Delayed { virtuals, spares, .. } = &self.delayed;
                (self.delayed.now(), &**virtuals, spares.clone(), true)
            }
        };
        let n_values = args.len();
        let operands = delayed.iter().flat_map(|store| &store.args);
        args.extend(operands.map(|&arg| self.resolve(arg)));
        let mut stores: SmallVec<[DelayedStore; 8]> = delayed.iter().map(|it| it.store()).collect();
        if self.has_virtuals {
            let virtuals = virtuals.to_vec();
            self.make_at_exit(&virtuals, n_values, &mut args, &mut stores);
        }
        for spare in spares {
            let size = [spare.bytes, spare.align].map(|n| Const::new(Ty::I64, n.into()));
            args.push(self.resolve(spare.address));
            args.extend(size.map(|n| self.constant(n)));
            stores.push(DelayedStore::free(spare.opcode));
        }
        if is_now {
            // A bridge knows of the stores that it begins with.
            let mut recent = std::mem::take(&mut self.recent);
            recent.retain(|place| {
                let mut operands = place.address.operands().chain([place.value]);
                !self.delayed.has_store_to(place) && !operands.any(|it| self.is_virtual(it))
            });
            self.tell_bridge(&recent, &mut args, &mut stores);
            self.recent = recent;
        }
        if guard.opcode.is_guard() {
            self.tell_order(&mut args, &mut stores);
        }
        self.say_condition(guard, &mut args);
        let id = ExitId(exit.id.0 + self.exit_shift);
        let new = self.copy.new.exit_with_stores(id, &args, resume, &stores);
        self.copy.buffer = args;
        new
    }

    /// Where a guard fails, its condition is known, and what is computed from it.
    fn say_condition(&mut self, guard: &Pending, args: &mut [Operand]) {
        let condition = match guard.opcode {
            Opcode::GuardTrue | Opcode::GuardFalse => guard.args[0],
            _ => return,
        };
        let bits = u64::from(guard.opcode == Opcode::GuardFalse);
        for arg in args {
            let is_cast = self.def(*arg).is_some_and(|def| {
                def.opcode == Opcode::CastBoolToInt && self.def_args(def).next() == Some(condition)
            });
            if is_cast || *arg == condition {
                *arg = self.constant(Const::new(self.ty(*arg), bits));
                self.exit_is_of_condition = true;
            }
        }
    }

    /// Adds to an exit the objects that it needs: their allocations and the stores to their fields come
    /// before the delayed stores.
    fn make_at_exit(
        &mut self,
        virtuals: &[Virtual],
        n_values: usize,
        args: &mut Vec<Operand>,
        stores: &mut SmallVec<[DelayedStore; 8]>,
    ) {
        let mut needed: SmallVec<[&Virtual; 4]> = SmallVec::new();
        let mut open: SmallVec<[ValueId; 8]> = SmallVec::new();
        for arg in &mut *args {
            if self.is_virtual(*arg) {
                let value = self.resolve(*arg).value().expect("objects are values");
                match virtuals.iter().any(|object| object.value == value) {
                    true => open.push(value),
                    false => *arg = self.grave_of(value),
                }
            }
        }
        while let Some(value) = open.pop() {
            if needed.iter().any(|object| object.value == value) {
                continue;
            }
            // It may refer to what is gone.
            let object = virtuals.iter().find(|object| object.value == value);
            let Some(object) = object else { continue };
            needed.push(object);
            let fields = object.fields.iter().map(|field| self.resolve(field.value));
            open.extend(fields.filter(|&it| self.is_virtual(it)).filter_map(|it| it.value()));
        }
        if needed.is_empty() {
            return;
        }
        let delayed_args: Vec<Operand> = args.drain(n_values..).collect();
        let delayed_stores = std::mem::take(stores);
        for object in &needed {
            for n in [object.bytes, object.align] {
                args.push(self.constant(Const::new(Ty::I64, n.into())));
            }
            stores.push(DelayedStore::new_object(object.opcode, object.value));
        }
        for object in &needed {
            for field in &object.fields {
                let mem = self.mem(field.mem(object.class()));
                let mut value = self.resolve(field.value);
                if self.is_virtual(value)
                    && !needed.iter().any(|it| Some(it.value) == value.value())
                {
                    value = self.grave_of(value.value().expect("objects are values"));
                }
                args.extend([object.value.into(), value]);
                stores.push(DelayedStore { opcode: Opcode::SetField, mem });
            }
        }
        args.extend(delayed_args);
        stores.extend(delayed_stores);
    }

    /// Adds to an exit what is known of memory, for the bridge that may start there: what can be said by
    /// values that the exit saves anyway. Each further one would cost more at all exits than it saves in the few
    /// that get bridges.
    fn tell_bridge(
        &mut self,
        places: &[KnownPlace],
        args: &mut Vec<Operand>,
        notes: &mut SmallVec<[DelayedStore; 8]>,
    ) {
        let n_saved = args.len();
        let mut n_told = 0;
        for place in places {
            let Some((opcode, operands, mem)) = place.assumption() else { continue };
            let operands: SmallVec<[Operand; 3]> =
                operands.iter().map(|&it| self.resolve(it)).collect();
            let is_new = |it: &Operand| !it.is_const() && !args[..n_saved].contains(it);
            // Constants cost nothing at the exit, and what they decide need not be decided again.
            let varies = !operands.last().expect("what it holds").is_const();
            if operands.iter().any(is_new) || (varies && n_told == MAX_TOLD) {
                continue;
            }
            n_told += usize::from(varies);
            args.extend(operands);
            notes.push(DelayedStore { opcode, mem: self.mem(mem) });
        }
    }

    /// Adds to an exit what is known of how the values compare that it saves.
    fn tell_order(&mut self, args: &mut Vec<Operand>, notes: &mut SmallVec<[DelayedStore; 8]>) {
        // An exit of an inlined interpreter may save hundreds of values, and all pairs are asked for.
        const MOST_ASKED: usize = 32;
        let mut saved: SmallVec<[Operand; MOST_ASKED]> = SmallVec::new();
        for &arg in &*args {
            if saved.len() == MOST_ASKED {
                break;
            }
            if !arg.is_const() && self.ty(arg).is_int() && !saved.contains(&arg) {
                saved.push(arg);
            }
        }
        for (opcode, x, y, d) in self.with_ranges(|ranges, cx| ranges.told(cx, &saved)) {
            args.extend([x, y, self.constant(Const::new(Ty::I64, d as u64))]);
            notes.push(DelayedStore::order(opcode));
        }
    }

    fn label(&mut self, op: &Op) {
        let mut args = std::mem::take(&mut self.copy.buffer);
        args.clear();
        args.extend(self.old.args(op).iter().map(|&arg| self.old_to_new(arg)));
        self.copy.push_label(self.old, op, &args);
        self.copy.buffer = args;
        self.name_new_values(NO_OP);
    }
}

/// What a loop with a preheader needs.
impl Cx<'_> {
    /// What follows is the preheader of the loop whose label is the first operation and whose merge point
    /// the second: nothing happens in it, and its exits begin the lap anew.
    pub fn begin_preheader(&mut self) {
        let (label, merge_point) = (&self.old.ops[0], &self.old.ops[1]);
        debug_assert_eq!(merge_point.opcode, Opcode::DebugMergePoint);
        let reds = self.old.results(label).map(|it| self.copy.operand(it.into())).collect();
        let n_reds = label.n_args() as u32;
        let merge_point = merge_point.descr;
        let resume = Resume { kind: ResumeKind::Rewind, merge_point, step: 0, n_reds };
        self.start_over = Some(StartOver { resume, reds });
    }

    /// Whether this is a preheader.
    #[inline]
    pub fn is_preheader(&self) -> bool {
        self.start_over.is_some()
    }

    /// A value of the old trace that is this one.
    pub fn new_to_old(&self, operand: Operand) -> Option<ValueId> {
        let at = self.copy.map.iter().position(|&it| it == operand)?;
        Some(ValueId(at as u32))
    }

    /// Where a value of the old trace went, if it has come up.
    pub fn copied(&self, old: ValueId) -> Option<Operand> {
        let new = self.copy.map[old.index()];
        (new != NOT_COPIED).then(|| self.resolve(new))
    }

    /// Where a value of the old trace is from here on.
    #[inline]
    pub fn define(&mut self, old: ValueId, new: Operand) {
        self.copy.define(old, new);
    }

    /// Ends the preheader with the label of the loop; answers its results.
    pub fn second_label(
        &mut self,
        target: TargetId,
        args: &[Operand],
    ) -> impl Iterator<Item = Operand> + use<> {
        self.start_over = None;
        self.tally = Tally::default();
        let first = self.copy.new.push_label(target, args);
        self.name_new_values(NO_OP);
        self.exit_shift = self.old.n_exit_ids();
        (first.0..first.0 + args.len() as u32).map(|value| ValueId(value).into())
    }

    /// Says that the stores that are not made at the label of a loop need not have been made.
    pub fn forget_delayed(&mut self) {
        for store in self.delayed.now() {
            let (_, address) = store.args.split_last().expect("a store has a value");
            let opcode = match store.store().opcode {
                Opcode::SetField => Opcode::ForgetField,
                _ => Opcode::ForgetArrayItem,
            };
            self.copy.new.push_void(opcode, address, store.store().mem);
        }
    }

    /// Writes the jump at the end.
    pub fn emit_jump(&mut self, target: TargetId, args: &[Operand]) {
        self.copy.new.push_void(Opcode::Jump, args, target.0);
    }
}

/// What the forward walk hands to the backward walk.
pub(super) struct Forward {
    /// The new trace.
    pub trace: Trace,
    /// Stores in it that are overwritten before anyone can see them.
    pub dead: Vec<u32>,
    /// The label behind a loop's preheader. What is behind it uses values from before, which are not among
    /// its arguments yet.
    pub second_label: Option<usize>,
    /// Of the walk over the lap.
    tally: Tally,
}

impl Forward {
    /// What is in the new trace without what is dead.
    pub fn left(&self) -> Size {
        let mut left = Size::of_all(&self.trace.ops);
        for size in self.dead_ops().map(|(_, size)| size) {
            left = left - size;
        }
        left
    }

    /// What the passes have made of the given trace up to here.
    pub fn tally(&self, given: &Trace) -> Tally {
        let mut tally = self.tally;
        let given = Size::of_all(&given.ops);
        // What the walk over the lap does not account for is the preheader.
        let preheader = Size::of_all(&self.trace.ops) - given - tally.total();
        debug_assert!(
            self.second_label.is_some() || preheader == Size::default(),
            "{preheader:?} is not accounted for"
        );
        tally.add(Pass::Preheader, preheader);
        for (at, size) in self.dead_ops() {
            let is_in_preheader = self.second_label.is_some_and(|label| at < label);
            let pass = if is_in_preheader { Pass::Preheader } else { Pass::Heap };
            tally.add(pass, Size::default() - size);
        }
        tally
    }

    fn dead_ops(&self) -> impl Iterator<Item = (usize, Size)> {
        let dead = self.dead.iter().map(|&at| at as usize);
        dead.map(|at| (at, Size::of(self.trace.ops[at].opcode)))
    }
}

/// Walks over a trace with rule families.
pub(super) fn forward<'a>(
    trace: &'a Trace,
    families: Vec<(Pass, Box<dyn Family + 'a>)>,
    delays: bool,
    splits: bool,
) -> Result<Forward, InvalidLoop> {
    let (passes, families) = families.into_iter().unzip();
    let mut walk = Walk {
        cx: Cx::new(trace, delays),
        families,
        passes,
        changed_by: None,
        decided_by: vec![None; trace.types.len()],
        flag: None,
        call: None,
    };
    let mut pending = Pending {
        opcode: Opcode::SameAs,
        ty: None,
        args: SmallVec::new(),
        descr: 0,
        overflowed: None,
        before: None,
        is_delayed: false,
    };
    let splits = splits && preheader::is_loop(trace);
    let (mut begun, mut second_label) = (None, None);
    for (op_idx, op) in trace.ops.iter().enumerate() {
        if splits && op_idx == 1 {
            begun = Some(walk.snapshot());
        }
        if op.opcode == Opcode::Jump
            && let Some(begun) = begun.take()
        {
            second_label = preheader::split(&mut walk, trace, begun, &mut pending);
            if second_label.is_some() {
                break;
            }
        }
        walk.op_at(op_idx, op, &mut pending)
            .map_err(|Contradiction| InvalidLoop { opcode: op.opcode, op_idx })?;
    }
    let Cx { copy, mut dead, tally, .. } = walk.cx;
    dead.sort_unstable();
    dead.dedup();
    Ok(Forward { trace: copy.new.finish(), dead, second_label, tally })
}

/// The forward walk at some point of the old trace.
pub(super) struct Walk<'a> {
    pub cx: Cx<'a>,
    families: Vec<Box<dyn Family + 'a>>,
    /// By family.
    passes: Vec<Pass>,
    /// Whose family has answered last that the operation is another one or none.
    changed_by: Option<Pass>,
    /// By value of the old trace: whose family has found out that this condition is a constant.
    decided_by: Vec<Option<Pass>>,
    /// The flag of the overflow operation just before, if that was removed.
    flag: Option<bool>,
    /// The results of the call just before, if that was removed.
    call: Option<CallResults>,
}

/// The state of a [`Walk`] at an earlier point.
pub(super) struct Snapshot<'a> {
    families: Vec<Box<dyn Family + 'a>>,
    map: Vec<Operand>,
    known: Vec<Operand>,
    delayed: Delayed,
    ranges: Option<Box<Ranges>>,
    start_over: Option<StartOver>,
    tally: Tally,
    n_dead: usize,
    n_ops: usize,
    n_exits: usize,
}

impl<'a> Walk<'a> {
    /// To come back to this point. Between operations that belong together there is no way back.
    pub fn snapshot(&self) -> Snapshot<'a> {
        debug_assert!(self.flag.is_none(), "between an overflow operation and its guard");
        let trace = self.cx.new_trace();
        Snapshot {
            families: self.families.iter().map(|family| family.boxed_clone()).collect(),
            map: self.cx.copy.map.clone(),
            known: self.cx.known.clone(),
            delayed: self.cx.delayed.clone(),
            ranges: self.cx.ranges.clone(),
            start_over: self.cx.start_over.clone(),
            tally: self.cx.tally,
            n_dead: self.cx.dead.len(),
            n_ops: trace.ops.len(),
            n_exits: trace.exits.len(),
        }
    }

    /// Goes back to an earlier point and keeps the way open.
    pub fn restore_copy(&mut self, to: &Snapshot<'a>) {
        self.restore(Snapshot {
            families: to.families.iter().map(|family| family.boxed_clone()).collect(),
            map: to.map.clone(),
            known: to.known.clone(),
            delayed: to.delayed.clone(),
            ranges: to.ranges.clone(),
            start_over: to.start_over.clone(),
            ..*to
        });
    }

    /// Goes back to an earlier point.
    pub fn restore(&mut self, to: Snapshot<'a>) {
        let cx = &mut self.cx;
        cx.copy.new.truncate(to.n_ops, to.n_exits, to.known.len());
        cx.copy.map = to.map;
        cx.defs.truncate(to.known.len());
        cx.known = to.known;
        cx.delayed = to.delayed;
        cx.ranges = to.ranges;
        cx.start_over = to.start_over;
        cx.tally = to.tally;
        cx.dead.truncate(to.n_dead);
        cx.exit_shift = 0;
        (self.flag, self.call) = (None, None);
        self.families = to.families;
    }

    /// The places in memory whose contents are known.
    pub fn known_places(&self) -> Vec<KnownPlace> {
        self.families.iter().flat_map(|family| family.known_places(&self.cx)).collect()
    }

    /// What a place is known to hold.
    pub fn value_at(&self, place: &KnownPlace) -> Option<Operand> {
        self.families.iter().find_map(|family| family.value_at(&self.cx, place))
    }

    /// Tells the families that the lap behind a preheader begins.
    pub fn enter_loop(&mut self, places: &[KnownPlace]) {
        self.families.iter_mut().for_each(|family| family.enter_loop(places));
    }

    /// What is known of a value beside what it is computed from.
    pub fn facts(&self, value: Operand) -> Vec<ValueFact> {
        self.families.iter().flat_map(|family| family.facts(&self.cx, value)).collect()
    }

    /// A fact of a value is known from here on.
    pub fn learn_fact(&mut self, value: Operand, fact: ValueFact) {
        self.families.iter_mut().for_each(|family| family.learn_fact(&mut self.cx, value, fact));
    }

    /// Whether a fact of a value is known.
    pub fn knows_fact(&self, value: Operand, fact: ValueFact) -> bool {
        self.families.iter().any(|family| family.knows_fact(&self.cx, value, fact))
    }

    /// Tests that one value is less than another, unsigned. The guard's exit has the given number.
    pub fn guard_less(
        &mut self,
        values: [Operand; 2],
        exit: ExitId,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        pending.start(Opcode::UintLt, Some(Ty::Bool), &values);
        let test = match self.ask(pending)? {
            Rewrite::Is(truth) => truth,
            _ => self.append(pending).expect("a comparison has a result"),
        };
        pending.start(Opcode::GuardTrue, None, &[test]);
        if let Rewrite::Keep = self.ask(pending)? {
            self.cx.extra_exit = Some(exit);
            self.append(pending);
            self.cx.extra_exit = None;
        }
        Ok(())
    }

    /// Tests that a value is the same as an earlier one, and takes that for it from here on.
    pub fn guard_steady(
        &mut self,
        [earlier, value]: [Operand; 2],
        exit: ExitId,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        let opcode = match self.cx.ty(value) {
            Ty::Ptr => Opcode::PtrEq,
            _ => Opcode::IntEq,
        };
        let test = self.pure(opcode, &[earlier, value], Ty::Bool, pending)?;
        pending.start(Opcode::GuardTrue, None, &[test]);
        if let Rewrite::Keep = self.ask(pending)? {
            self.cx.extra_exit = Some(exit);
            self.append(pending);
            self.cx.extra_exit = None;
        }
        self.cx.replace_by(value, earlier);
        Ok(())
    }

    /// A pure operation.
    fn pure(
        &mut self,
        opcode: Opcode,
        args: &[Operand],
        ty: Ty,
        pending: &mut Pending,
    ) -> Result<Operand, Contradiction> {
        pending.start(opcode, Some(ty), args);
        Ok(match self.ask(pending)? {
            Rewrite::Is(known) => self.cx.resolve(known),
            _ => self.append(pending).expect("it has a result"),
        })
    }

    /// Tests that so many bytes of an object are apart from those between two offsets from another address.
    pub fn guard_apart(
        &mut self,
        [object, other]: [Operand; 2],
        bytes: u32,
        [lo, hi]: [i32; 2],
        exit: ExitId,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        if object == other {
            return Err(Contradiction);
        }
        let of_object = self.pure(Opcode::CastPtrToInt, &[object], Ty::I64, pending)?;
        let of_other = self.pure(Opcode::CastPtrToInt, &[other], Ty::I64, pending)?;
        let between = self.pure(Opcode::IntSub, &[of_other, of_object], Ty::I64, pending)?;
        // They overlap if -hi < between < bytes - lo, that is between + hi - 1 < bytes + hi - lo - 1 without sign.
        let plus = self.cx.constant(Const::new(Ty::I64, (i64::from(hi) - 1) as u64));
        let shifted = self.pure(Opcode::IntAdd, &[between, plus], Ty::I64, pending)?;
        let limit = i64::from(bytes) + i64::from(hi) - i64::from(lo) - 1;
        let limit = self.cx.constant(Const::new(Ty::I64, limit as u64));
        let test = self.pure(Opcode::UintGe, &[shifted, limit], Ty::Bool, pending)?;
        pending.start(Opcode::GuardTrue, None, &[test]);
        if let Rewrite::Keep = self.ask(pending)? {
            self.cx.extra_exit = Some(exit);
            self.append(pending);
            self.cx.extra_exit = None;
        }
        let apart = Apart { object, bytes, other, others: [lo, hi] };
        self.cx.with_ranges(|ranges, _| ranges.learn_apart(apart));
        Ok(())
    }

    /// Loads a field.
    pub fn load(
        &mut self,
        object: Operand,
        mem: &MemDescr,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        pending.start(Opcode::GetField, Some(mem.ty), &[object]);
        pending.descr = self.cx.mem(mem.clone());
        if let Rewrite::Keep = self.ask(pending)? {
            self.append(pending);
        }
        Ok(())
    }

    /// Makes a virtual object at an address, if there is room for it there; its fields are delayed stores.
    /// False if there is not, or it is no virtual object.
    pub fn make_at(&mut self, object: Operand, address: Operand, pending: &mut Pending) -> bool {
        let Some((object, contents)) = self.cx.take_for(object, address) else { return false };
        let class = object.class();
        for (offset, ty, value) in contents {
            let Ok(offset) = i32::try_from(offset) else { continue };
            let value = self.cx.resolve(value);
            pending.start(Opcode::AssumeField, None, &[address, value]);
            pending.descr = self.cx.mem(MemDescr { ty, offset, scale: 0, class, frozen: false });
            self.assume_memory(pending).expect("it is in memory");
        }
        for field in &object.fields {
            let value = self.cx.resolve(field.value);
            pending.start(Opcode::SetField, None, &[address, value]);
            pending.descr = self.cx.mem(field.mem(class));
            match self.ask(pending).expect("a store holds") {
                Rewrite::Delayed => self.delay(pending),
                Rewrite::Gone => {}
                _ => unreachable!("stores are delayed"),
            }
        }
        true
    }

    fn append(&mut self, pending: &Pending) -> Option<Operand> {
        let res = self.cx.emit(pending);
        self.families.iter_mut().for_each(|family| family.emitted(&mut self.cx, pending, res));
        res
    }

    /// Reads the place that a store is about to write.
    pub fn load_before(&mut self, store: &Op, pending: &mut Pending) -> Result<(), Contradiction> {
        self.cx.fill(pending, store);
        pending.ty = pending.args.pop().map(|value| self.cx.ty(value));
        pending.opcode = match store.opcode {
            Opcode::SetField => Opcode::GetField,
            _ => Opcode::GetArrayItem,
        };
        if let Rewrite::Keep = self.ask(pending)? {
            self.append(pending);
        }
        Ok(())
    }

    /// Writes a call, or a further result of one, that is not made: there is nothing but its results, which
    /// nobody knows. Memory may be changed behind it.
    pub fn without_call(&mut self, call: &Op, pending: &mut Pending) {
        self.cx.fill(pending, call);
        let res = match call.opcode {
            Opcode::Call | Opcode::CallAssembler => self.append(pending),
            _ => self.cx.emit(pending),
        };
        if let (Some(old), Some(new)) = (call.res(), res) {
            self.cx.define(old, new);
        }
    }

    /// Rewrites the operation at an index of the old trace.
    pub fn op_at(
        &mut self,
        op_idx: usize,
        op: &Op,
        pending: &mut Pending,
    ) -> Result<(), Contradiction> {
        self.cx.at = op_idx;
        self.op(op, pending)
    }

    fn op(&mut self, op: &Op, pending: &mut Pending) -> Result<(), Contradiction> {
        if self.goes_with_the_removed(op)? {
            self.take(Size::of(op.opcode));
            return Ok(());
        }
        if op.opcode == Opcode::Label {
            for (family, &pass) in self.families.iter_mut().zip(&self.passes) {
                let from = self.cx.n_ops();
                family.forget(&mut self.cx);
                self.cx.credit(pass, from);
            }
            self.cx.label(op);
            return Ok(());
        }
        self.cx.fill(pending, op);
        if matches!(op.opcode, Opcode::AssumeTrue | Opcode::AssumeFalse) {
            return self.assume(pending);
        }
        if op.opcode.assumes_memory() {
            return self.assume_memory(pending);
        }
        if op.opcode.assumes_order() {
            self.tell_families(pending);
            return Ok(());
        }
        let rewrite = self.ask(pending)?;
        self.flag = pending.overflowed;
        debug_assert_eq!(
            op.opcode.effect() == Effect::Overflow,
            self.flag.is_some() || pending.opcode.effect() == Effect::Overflow,
            "an overflow operation and its guard stay or go together"
        );
        self.count(op, pending, &rewrite);
        match rewrite {
            Rewrite::Keep => self.keep(op, pending),
            Rewrite::Is(operand) => self.replace(op, operand),
            Rewrite::Gone => debug_assert!(op.res().is_none()),
            Rewrite::Delayed => self.delay(pending),
            Rewrite::IsCall(results) => self.replace_call(op, *results),
            Rewrite::Changed => unreachable!("ask goes on until nothing changes"),
        }
        Ok(())
    }

    /// Whether `op` was decided together with the removed operation before it.
    fn goes_with_the_removed(&mut self, op: &Op) -> Result<bool, Contradiction> {
        match op.opcode {
            Opcode::GuardNoOverflow | Opcode::GuardOverflow => match self.flag.take() {
                None => Ok(false),
                Some(flag) if flag == (op.opcode == Opcode::GuardOverflow) => Ok(true),
                Some(_) => Err(Contradiction),
            },
            Opcode::CallResult => Ok(self.is_result_of_removed_call(op)),
            Opcode::GuardNoException => Ok(self.call.take().is_some()),
            _ => {
                self.call = None;
                debug_assert!(self.flag.is_none(), "the guard of an overflow operation is missing");
                Ok(false)
            }
        }
    }

    fn is_result_of_removed_call(&mut self, op: &Op) -> bool {
        let Some(results) = &self.call else { return false };
        let number = result_number(self.cx.old, op);
        let find = results.iter().find(|(word, _)| *word == number);
        let &(_, value) = find.expect("whoever removes a call knows all its results");
        self.replace(op, value);
        true
    }

    /// Credits who is to be credited if an operation is gone.
    fn count(&mut self, op: &Op, pending: &Pending, rewrite: &Rewrite) {
        if let Some(res) = op.res() {
            let is_decided = matches!(rewrite, Rewrite::Is(operand) if operand.is_const());
            self.decided_by[res.index()] = self.changed_by.filter(|_| is_decided);
        }
        if matches!(rewrite, Rewrite::Keep) {
            return self.take(Size::of(op.opcode) - Size::of(pending.opcode));
        }
        if self.changed_by == Some(Pass::Fold) && op.opcode.is_guard() {
            // Not who sees that the condition is a constant, but who has found that out: a rule, or a guard
            // before.
            if let Some(condition) = self.cx.old.args(op).first().and_then(|it| it.value()) {
                self.changed_by = self.decided_by[condition.index()].or(Some(Pass::Guards));
            }
        }
        self.take(Size::of(op.opcode));
    }

    /// Credits who has changed the operation with so much less.
    fn take(&mut self, size: Size) {
        if size != Size::default() {
            let pass = self.changed_by.expect("the operation has been changed");
            self.cx.tally.add(pass, Size::default() - size);
        }
    }

    fn ask(&mut self, pending: &mut Pending) -> Result<Rewrite, Contradiction> {
        for _ in 0..MAX_CHANGES {
            match self.ask_once(pending)? {
                Rewrite::Changed => {}
                rewrite => return Ok(rewrite),
            }
        }
        Ok(Rewrite::Keep)
    }

    fn ask_once(&mut self, pending: &mut Pending) -> Result<Rewrite, Contradiction> {
        for (family, &pass) in self.families.iter_mut().zip(&self.passes) {
            let from = self.cx.n_ops();
            let rewrite = family.rewrite(&mut self.cx, pending)?;
            self.cx.credit(pass, from);
            if !matches!(rewrite, Rewrite::Keep) {
                self.changed_by = Some(pass);
                return Ok(rewrite);
            }
        }
        Ok(Rewrite::Keep)
    }

    fn keep(&mut self, op: &Op, pending: &Pending) {
        self.cx.recent.clear();
        // The exits of a preheader begin the lap anew, so what is known in it is of no use to bridges.
        if op.opcode.is_guard() && !self.cx.is_preheader() {
            let mut recent = std::mem::take(&mut self.cx.recent);
            for family in &self.families {
                family.recent_places(&self.cx, &mut recent);
            }
            self.cx.recent = recent;
        }
        let res = self.append(pending);
        if let (Some(old), Some(new)) = (op.res(), res) {
            self.cx.copy.define(old, new);
        }
    }

    /// What the trace before has tested is as if a guard had tested it here.
    fn assume(&mut self, pending: &Pending) -> Result<(), Contradiction> {
        if let Some(c) = self.cx.as_const(pending.args[0]) {
            let holds = (c.bits == 1) == (pending.opcode == Opcode::AssumeTrue);
            return if holds { Ok(()) } else { Err(Contradiction) };
        }
        self.tell_families(pending);
        Ok(())
    }

    /// What need not be written is known all the same.
    fn tell_families(&mut self, pending: &Pending) {
        for family in &mut self.families {
            family.emitted(&mut self.cx, pending, None);
        }
    }

    /// What the trace before knows of memory is as if it had been loaded here.
    fn assume_memory(&mut self, pending: &mut Pending) -> Result<(), Contradiction> {
        if let Rewrite::Keep = self.ask(pending)? {
            self.tell_families(pending);
        }
        Ok(())
    }

    fn delay(&mut self, pending: &mut Pending) {
        pending.is_delayed = true;
        self.tell_families(pending);
    }

    fn replace(&mut self, op: &Op, operand: Operand) {
        let res = op.res().expect("only a result can be replaced");
        let operand = self.cx.resolve(operand);
        debug_assert_eq!(self.cx.old.types[res.index()], self.cx.ty(operand), "{:?}", op.opcode);
        self.cx.copy.define(res, operand);
    }

    fn replace_call(&mut self, op: &Op, results: CallResults) {
        // The same call may stand in the trace with its result and without.
        if let (Some(&(0, value)), Some(_)) = (results.first(), op.res()) {
            self.replace(op, value);
        }
        self.call = Some(results);
    }
}

/// The word that a `call_result` reads.
pub(super) fn result_number(trace: &Trace, op: &Op) -> u64 {
    let number = trace.as_const(trace.args(op)[0]);
    number.expect("the number of a result word is a constant").bits
}

/// Builds a trace from another and remembers where its values went.
pub(super) struct Copier {
    pub new: TraceBuilder,
    /// By value of the old trace: its operand in the new one.
    map: Vec<Operand>,
    consts: Vec<Operand>,
    mems: Vec<u32>,
    buffer: Vec<Operand>,
}

/// Stands for a value that was not copied.
const NOT_COPIED: Operand = Operand::constant(u32::MAX >> 1);

impl Copier {
    /// An empty trace with the name, inputs and tables of `old`.
    pub fn new(old: &Trace) -> Copier {
        let mut new = TraceBuilder::new(&old.name);
        let mut map = vec![NOT_COPIED; old.types.len()];
        for input in old.inputs() {
            map[input.index()] = new.input(old.types[input.index()]).into();
        }
        let consts = old.consts.iter().map(|&c| new.constant(c)).collect();
        let mems = old.mems.iter().map(|mem| new.mem(mem.clone())).collect();
        for call in &old.calls {
            new.call(call.clone());
        }
        new.merge_points_of(old);
        Copier { new, map, consts, mems, buffer: Vec::new() }
    }

    /// Where an operand of the old trace went.
    pub fn operand(&self, operand: Operand) -> Operand {
        let new = match operand.kind() {
            OperandKind::Value(v) => self.map[v.index()],
            OperandKind::Const(c) => self.consts[c as usize],
        };
        debug_assert_ne!(new, NOT_COPIED, "{operand:?} was removed but is still used");
        new
    }

    #[inline]
    pub fn define(&mut self, old: ValueId, new: Operand) {
        self.map[old.index()] = new;
    }

    fn descr(&self, op: &Op) -> u32 {
        match op.opcode.has_mem() {
            true => self.mems[op.descr as usize],
            false => op.descr,
        }
    }

    pub fn push_label(&mut self, old: &Trace, op: &Op, args: &[Operand]) {
        let first = self.new.push_label(op.target(), args);
        for (at, res) in old.results(op).enumerate() {
            self.define(res, ValueId(first.0 + at as u32).into());
        }
    }

    /// Copies an operation as it is.
    pub fn copy(&mut self, old: &Trace, op: &Op) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut descr = self.descr(op);
        if op.opcode.has_exit() {
            let exit = old.exit(op);
            for new in old.exit_stores(exit).iter().filter_map(|store| store.res()) {
                if self.map[new.index()] == NOT_COPIED {
                    self.map[new.index()] = self.new.reserve(Ty::Ptr).into();
                }
            }
            self.operands(old.exit_args(exit), &mut buffer);
            let moved = |store: &DelayedStore| match store.res() {
                Some(new) => DelayedStore::new_object(
                    store.opcode,
                    self.map[new.index()].value().expect("it was just given a value"),
                ),
                None if !store.opcode.has_mem() => *store,
                None => {
                    let (opcode, mem) = (store.opcode, self.mems[store.mem as usize]);
                    DelayedStore { opcode, mem }
                }
            };
            let stores: SmallVec<[DelayedStore; 8]> =
                old.exit_stores(exit).iter().map(moved).collect();
            descr = self.new.exit_with_stores(exit.id, &buffer, exit.resume, &stores);
        }
        self.operands(old.args(op), &mut buffer);
        match op.res() {
            _ if op.opcode == Opcode::Label => self.push_label(old, op, &buffer),
            Some(res) => {
                let new = self.new.push(op.opcode, &buffer, descr, old.types[res.index()]);
                self.define(res, new);
            }
            None => self.new.push_void(op.opcode, &buffer, descr),
        }
        self.buffer = buffer;
    }

    /// Copies a jump with other arguments, which belong to the new trace.
    pub fn push_jump(&mut self, target: TargetId, args: &[Operand]) {
        self.new.push_void(Opcode::Jump, args, target.0);
    }

    fn operands(&self, operands: &[Operand], into: &mut Vec<Operand>) {
        into.clear();
        into.extend(operands.iter().map(|&operand| self.operand(operand)));
    }
}
