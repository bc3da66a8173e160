//! What lowering must know about a group of traces before it emits the first instruction.
//!
//! A walk forwards finds the places where ways meet ([`Join`]) and the ways between them, and
//! refuses what does not fit the backend, so that lowering cannot fail half way. Then what is needed
//! is marked from its uses: what is not used is not computed and not passed on, a comparison
//! that only a guard uses melts into it, and what only a few exits use is computed there
//! ([`Analysis::is_late`]).
//!
//! **Homes.** Values come in by the frame's slots and go out by them, and interpreters keep their
//! locals in place. So a value that lies in slot `k` already costs nothing where it must lie in
//! slot `k` again: no store, and, if nothing else uses it, no load and no register. The `k`-th value
//! of a join has slot `k` for its home if on every way to the join the value passed on has that home
//! itself. Exits and jumps out are the only ones that write slots, and the function ends there.
//! A trace by itself may also fill the homes of its loop's label when it comes there from before the
//! loop, and store what its exits save when nobody wants what came in by the slot ([`crate::lower`]).
//!
//! Invariants
//! 1. A comparison in [`Analysis::is_fused`] has one use, and that is a guard's condition.
//! 2. Entry 0 of a trace starts it with its inputs. Its labels have the entries from 1 on, but a
//!    label at the start that merely renames the inputs has entry 0 too. In a region the entries of
//!    a member follow those of the member before.
//! 3. A value with a home is in that slot until nothing wants it there any more.
//! 4. What a late value is computed from is not late itself.

use crate::group::{Group, Member};
use metainterp::backend::{CALL_WORDS, Refusal, VALUE_SLOTS};
use metainterp::ir::{Effect, Op, Opcode, Operand, TargetId, Trace, Ty, ValueId};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// What so many exits use, and nothing else, is computed in each of them.
const MOST_LATE: u8 = 4;

/// Where ways meet: the inputs of a trace, or a label.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub member: usize,
    /// The label's number; none for inputs.
    pub target: Option<TargetId>,
    /// In its trace, the number of its first value.
    first_value: u32,
    n_values: u32,
    /// How other functions enter here.
    pub entry: u32,
    /// It has the entry to itself; a label that renames the inputs is entered there.
    pub is_entered: bool,
    /// Ways that lead here inside of the function, as indices into [`Analysis::ways`].
    ways: Vec<u32>,
}

impl Join {
    /// Its values, by the numbers in their trace.
    pub fn values(&self) -> impl ExactSizeIterator<Item = ValueId> + use<> {
        (self.first_value..self.first_value + self.n_values).map(ValueId)
    }

    /// Whether only other functions lead here.
    pub fn is_only_entered(&self) -> bool {
        self.ways.is_empty()
    }
}

/// A way from a member to a join.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    member: usize,
    args: &'a [Operand],
    /// From above into a loop that a trace by itself ends in: homes are filled there.
    fills: bool,
    /// From an exit to its bridge.
    is_exit: bool,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// The operation, as an index into the member's.
    Op(u32, u32),
    /// A value of a join: which join, and at which position.
    Join(u32, u32),
}

/// What there is to know.
#[derive(Debug)]
pub(crate) struct Analysis<'a> {
    /// Inputs and labels, member by member.
    pub joins: Vec<Join>,
    /// Number of entries.
    pub n_entries: u32,
    /// Per member: its first join, which are its inputs.
    inputs: Vec<usize>,
    /// Index into `joins`.
    label_of: FxHashMap<TargetId, usize>,
    ways: Vec<Way<'a>>,
    origins: Vec<Origin>,
    /// Per value of a join: whether it has a home.
    homes: Vec<bool>,
    /// Per value: number of uses that need it in a register, saturating.
    uses: Vec<u8>,
    /// Per value: whether more than exits uses it.
    stays: Vec<bool>,
    /// Per value: its comparison is emitted at the guard that tests it.
    fused: Vec<bool>,
    is_region: bool,
}

/// A number that differs (but for bad luck) when lists of types differ. Code that passes values
/// through frame slots compares it where it is linked.
pub(crate) fn shape_hash(types: impl IntoIterator<Item = Ty>) -> u32 {
    let mut hasher = FxHasher::default();
    types.into_iter().for_each(|ty| ty.hash(&mut hasher));
    (hasher.finish() >> 32) as u32
}

impl<'a> Analysis<'a> {
    /// Looks a group over.
    pub fn new(group: &Group<'a>) -> Result<Analysis<'a>, Refusal> {
        let n_values = group.n_values();
        let mut analysis = Analysis {
            joins: Vec::new(),
            n_entries: 0,
            inputs: Vec::new(),
            label_of: FxHashMap::default(),
            ways: Vec::new(),
            origins: Vec::with_capacity(n_values),
            homes: vec![false; n_values],
            uses: vec![0; n_values],
            stays: vec![false; n_values],
            fused: vec![false; n_values],
            is_region: group.is_region(),
        };
        for (index, member) in group.members.iter().enumerate() {
            analysis.find_joins(index, member.trace)?;
        }
        analysis.find_ways(group);
        analysis.find_homes(group);
        analysis.mark(group);
        for (fused, &uses) in analysis.fused.iter_mut().zip(&analysis.uses) {
            *fused &= uses == 1;
        }
        Ok(analysis)
    }

    /// The label's index in `joins`, if it is in this group.
    pub fn label_index(&self, target: TargetId) -> Option<usize> {
        self.label_of.get(&target).copied()
    }

    /// The index in `joins` of a member's inputs.
    pub fn inputs_index(&self, member: usize) -> usize {
        self.inputs[member]
    }

    /// Whether something needs the value, by its number in the group, in a register.
    pub fn is_used(&self, value: usize) -> bool {
        self.uses[value] > 0
    }

    /// Whether its guard makes the comparison that the value is.
    pub fn is_fused(&self, value: usize) -> bool {
        self.fused[value]
    }

    /// Whether the value is computed where it is used: by a few exits and nothing else, from one other value, so
    /// that it takes no register more.
    pub fn is_late(&self, group: &Group<'_>, value: usize) -> bool {
        let Origin::Op(member, op) = self.origins[value] else { return false };
        let is_of_one = || {
            let trace = group.members[member as usize].trace;
            let op = &trace.ops[op as usize];
            let n_values = trace.args(op).iter().filter_map(|arg| arg.value()).count();
            op.opcode.effect() == Effect::Pure && n_values == 1
        };
        !self.stays[value] && self.uses[value] <= MOST_LATE && is_of_one()
    }

    /// The slot that the value is in.
    pub fn home(&self, value: usize) -> Option<u32> {
        match self.origins[value] {
            Origin::Join(_, slot) if self.homes[value] => Some(slot),
            _ => None,
        }
    }

    /// Whether the value's home is where it is read from wherever it is needed, once and for all:
    /// in a region, whose homes are never written.
    pub fn stays_home(&self, value: usize) -> bool {
        self.is_region && self.home(value).is_some()
    }

    /// Whether the operand is in that slot already.
    pub fn is_home(&self, group: &Group<'_>, member: usize, operand: Operand, slot: usize) -> bool {
        let value = operand.value().map(|value| group.value(member, value));
        value.and_then(|value| self.home(value)) == Some(slot as u32)
    }

    /// Whether coming to the label from above fills this value's home.
    pub fn fills_home(&self, group: &Group<'_>, join: &Join, value: ValueId) -> bool {
        let fills = |&way: &u32| self.ways[way as usize].fills;
        join.ways.iter().any(fills) && self.homes[group.value(join.member, value)]
    }

    fn find_joins(&mut self, member: usize, trace: &Trace) -> Result<(), Refusal> {
        check_count("inputs", trace.n_inputs as usize, VALUE_SLOTS)?;
        self.inputs.push(self.joins.len());
        self.push_join(member, None, 0, trace.n_inputs);
        if !starts_with_its_inputs(trace) {
            self.n_entries += 1;
        }
        let mut defined = trace.n_inputs;
        for (index, op) in (0..).zip(&trace.ops) {
            check_op(trace, op)?;
            if op.opcode == Opcode::Label {
                self.label_of.insert(op.target(), self.joins.len());
                self.push_join(member, Some(op.target()), defined, op.n_args() as u32);
                self.n_entries += 1;
            } else if op.res().is_some() {
                self.origins.push(Origin::Op(member as u32, index));
            }
            defined = trace.results(op).last().map_or(defined, |last| last.0 + 1);
        }
        Ok(())
    }

    fn push_join(&mut self, member: usize, target: Option<TargetId>, first: u32, n: u32) {
        let join = self.joins.len() as u32;
        let is_entered = self.joins.last().is_none_or(|last| last.entry != self.n_entries);
        self.origins.extend((0..n).map(|position| Origin::Join(join, position)));
        self.joins.push(Join {
            member,
            target,
            first_value: first,
            n_values: n,
            entry: self.n_entries,
            is_entered,
            ways: Vec::new(),
        });
    }

    fn find_ways(&mut self, group: &Group<'a>) {
        for (index, op) in group.ops() {
            let member = &group.members[index];
            let (to, args) = match op.opcode {
                Opcode::Label => (self.label_index(op.target()), member.trace.args(op)),
                Opcode::Jump => (self.label_index(op.target()), member.trace.args(op)),
                _ if op.opcode.has_exit() => {
                    (member.bridge(op).map(|bridge| self.inputs[bridge]), member.exit_args(op))
                }
                _ => continue,
            };
            let Some(to) = to else { continue };
            let fills = op.opcode == Opcode::Label && !self.is_region && ends_in(member, op);
            self.joins[to].ways.push(self.ways.len() as u32);
            let is_exit = op.opcode.has_exit();
            self.ways.push(Way { member: index, args, fills, is_exit });
        }
    }

    // Every value of a join has a home until a way is found on which it has not. What relied on it
    // then has none either, and so on.
    fn find_homes(&mut self, group: &Group<'a>) {
        let mut relying: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let mut lost = Vec::new();
        for join in &self.joins {
            for (position, value) in join.values().enumerate() {
                let value = group.value(join.member, value);
                self.homes[value] = true;
                for way in join.ways.iter().map(|&way| self.ways[way as usize]) {
                    let from = way.args[position].value().map(|arg| group.value(way.member, arg));
                    match from {
                        _ if way.fills => {}
                        Some(from) if self.is_at(from, position) => {
                            relying.entry(from).or_default().push(value);
                        }
                        _ => lost.push(value),
                    }
                }
            }
        }
        while let Some(value) = lost.pop() {
            if std::mem::take(&mut self.homes[value]) {
                lost.extend(relying.remove(&value).into_iter().flatten());
            }
        }
    }

    /// Whether the value is a join's at this position.
    fn is_at(&self, value: usize, position: usize) -> bool {
        matches!(self.origins[value], Origin::Join(_, at) if at as usize == position)
    }

    fn mark(&mut self, group: &Group<'a>) {
        let mut found = Vec::new();
        for (index, op) in group.ops() {
            self.mark_roots(group, index, op, &mut found);
        }
        while let Some(value) = found.pop() {
            self.mark_operands(group, value, &mut found);
        }
    }

    /// Marks what an operation needs that cannot be left out.
    fn mark_roots(&mut self, group: &Group<'a>, index: usize, op: &Op, found: &mut Vec<usize>) {
        let member = &group.members[index];
        let args = member.trace.args(op);
        match op.opcode {
            Opcode::Label => return self.mark_filled(group, op.target(), found),
            Opcode::Jump if self.label_index(op.target()).is_some() => return,
            Opcode::Jump => return self.mark_moved(group, index, args, false, found),
            _ if can_be_left_out(op) => return,
            _ => args.iter().for_each(|&arg| self.need(group, index, arg, false, found)),
        }
        if op.opcode.has_exit() && member.bridge(op).is_none() {
            self.mark_moved(group, index, member.exit_args(op), true, found);
        }
        if let (Opcode::GuardTrue | Opcode::GuardFalse, Some(value)) =
            (op.opcode, args.first().and_then(|arg| arg.value()))
        {
            self.fused[group.value(index, value)] = true;
        }
    }

    /// Marks what does not lie where it must come to lie.
    fn mark_moved(
        &mut self,
        group: &Group<'a>,
        member: usize,
        args: &[Operand],
        in_exit: bool,
        found: &mut Vec<usize>,
    ) {
        for (slot, &arg) in args.iter().enumerate() {
            if !self.is_home(group, member, arg, slot) {
                self.need(group, member, arg, in_exit, found);
            }
        }
    }

    /// Marks what is stored at a label to fill homes.
    fn mark_filled(&mut self, group: &Group<'a>, target: TargetId, found: &mut Vec<usize>) {
        let join = self.joins[self.label_of[&target]].clone();
        for way in join.ways.iter().map(|&way| self.ways[way as usize]).collect::<Vec<_>>() {
            for (slot, (value, &arg)) in join.values().zip(way.args).enumerate() {
                let is_filled = way.fills && self.homes[group.value(join.member, value)];
                if is_filled && !self.is_home(group, way.member, arg, slot) {
                    self.need(group, way.member, arg, false, found);
                }
            }
        }
    }

    /// Marks what a value that is needed is made of.
    fn mark_operands(&mut self, group: &Group<'a>, value: usize, found: &mut Vec<usize>) {
        match self.origins[value] {
            Origin::Op(member, op) => {
                let trace = group.members[member as usize].trace;
                let op = &trace.ops[op as usize];
                if can_be_left_out(op) {
                    let args = trace.args(op).iter();
                    args.for_each(|&arg| self.need(group, member as usize, arg, false, found));
                }
            }
            Origin::Join(..) if self.stays_home(value) => {}
            Origin::Join(join, position) => {
                for k in 0..self.joins[join as usize].ways.len() {
                    let way = self.ways[self.joins[join as usize].ways[k] as usize];
                    let arg = way.args[position as usize];
                    self.need(group, way.member, arg, way.is_exit, found);
                }
            }
        }
    }

    /// Marks an operand; `in_exit`: of an exit, where it may be computed.
    fn need(
        &mut self,
        group: &Group<'a>,
        member: usize,
        operand: Operand,
        in_exit: bool,
        found: &mut Vec<usize>,
    ) {
        let Some(value) = operand.value() else { return };
        let value = group.value(member, value);
        self.stays[value] |= !in_exit;
        if self.uses[value] == 0 {
            found.push(value);
        }
        self.uses[value] = self.uses[value].saturating_add(1);
    }
}

/// Has no effects, so that nothing is lost if nobody uses its result.
fn can_be_left_out(op: &Op) -> bool {
    matches!(op.opcode.effect(), Effect::Pure | Effect::PureChecked | Effect::Load)
}

/// The trace ends with a jump to this label, and no other label stands between.
fn ends_in(member: &Member<'_>, label: &Op) -> bool {
    let ops = &member.trace.ops;
    let last_label = ops.iter().rfind(|op| op.opcode == Opcode::Label);
    let jump = ops.last().filter(|op| op.opcode == Opcode::Jump);
    last_label.is_some_and(|last| last.target() == label.target())
        && jump.is_some_and(|jump| jump.target() == label.target())
}

/// The trace begins with a label whose arguments are the inputs in order.
fn starts_with_its_inputs(trace: &Trace) -> bool {
    let first = trace.ops.iter().find(|op| op.opcode != Opcode::DebugMergePoint);
    first.is_some_and(|op| {
        op.opcode == Opcode::Label
            && trace.args(op).iter().copied().eq(trace.inputs().map(Operand::from))
    })
}

fn check_op(trace: &Trace, op: &Op) -> Result<(), Refusal> {
    match op.opcode {
        Opcode::Label => check_count("label arguments", op.n_args(), VALUE_SLOTS),
        Opcode::Jump => check_count("jump arguments", op.n_args(), VALUE_SLOTS),
        opcode if opcode.is_call() => check_count("call arguments", op.n_args() - 1, CALL_WORDS),
        Opcode::CallResult => check_call_result(trace, trace.args(op)[0]),
        opcode if opcode.has_exit() => {
            check_count("exit arguments", trace.exit(op).args.len as usize, VALUE_SLOTS)
        }
        _ => Ok(()),
    }
}

fn check_call_result(trace: &Trace, word: Operand) -> Result<(), Refusal> {
    match trace.as_const(word) {
        Some(word) => check_count("call results", word.bits as usize + 1, CALL_WORDS),
        None => Err(Refusal::new("the number of a call result is not a constant")),
    }
}

fn check_count(what: &str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        return Err(Refusal::new(format!("{count} {what}, and there is room for {limit}")));
    }
    Ok(())
}
