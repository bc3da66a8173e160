//! What becomes one function: a trace, or a region.
//!
//! A region is a group of traces that lead to each other: a loop, the bridges on its exits, the loops
//! that those jump to. Compiled together, a guard that has a bridge is a branch to it, and a jump to
//! a label is a branch too, so that values stay in registers on the way. A trace by itself is a group
//! of one.
//!
//! Invariants
//! 1. What leads from member to member here is linked in the code; everything else leaves through the
//!    members' exit slots and label cells, which are those of the traces compiled one by one.
//! 2. A value of a group has a number: that in its trace, behind all values of the members before.

use metainterp::ir::{Exit, Op, Operand, Trace, ValueId};

/// A trace, and what it needs from the world.
pub(crate) struct Member<'a> {
    pub trace: &'a Trace,
    /// Per exit of the trace: the member that continues there. Empty if there is none at all.
    pub bridges: Vec<Option<usize>>,
    /// Address of the trace's first exit slot.
    pub exit_slots: u64,
    /// Address of the cell of the label that the trace ends with a jump to, if it is in no member.
    pub foreign: Option<u64>,
}

impl<'a> Member<'a> {
    /// A trace whose exits all leave.
    pub fn alone(trace: &'a Trace, exit_slots: u64, foreign: Option<u64>) -> Member<'a> {
        Member { trace, bridges: Vec::new(), exit_slots, foreign }
    }

    /// The member that continues at the exit of a guard.
    pub fn bridge(&self, op: &Op) -> Option<usize> {
        self.bridges.get(op.descr as usize).copied().flatten()
    }

    /// The arguments of the operation's exit.
    pub fn exit_args(&self, op: &Op) -> &'a [Operand] {
        let exit: &Exit = self.trace.exit(op);
        self.trace.exit_args(exit)
    }
}

/// Traces that are compiled together.
pub(crate) struct Group<'a> {
    pub members: Vec<Member<'a>>,
    /// Per member: the number of its first value in the group.
    bases: Vec<u32>,
}

impl<'a> Group<'a> {
    /// A group of at least one.
    pub fn new(members: Vec<Member<'a>>) -> Group<'a> {
        let mut next = 0;
        let base = |member: &Member<'_>| {
            let base = next;
            next += member.trace.types.len() as u32;
            base
        };
        let bases = members.iter().map(base).collect();
        Group { members, bases }
    }

    /// A group of one.
    pub fn of(member: Member<'a>) -> Group<'a> {
        Group::new(vec![member])
    }

    /// Whether it is more than one trace.
    pub fn is_region(&self) -> bool {
        self.members.len() > 1
    }

    /// The group's number of a member's value.
    pub fn value(&self, member: usize, value: ValueId) -> usize {
        self.bases[member] as usize + value.index()
    }

    /// Number of values of all members.
    pub fn n_values(&self) -> usize {
        self.members.iter().map(|member| member.trace.types.len()).sum()
    }

    /// All operations with their members.
    pub fn ops(&self) -> impl Iterator<Item = (usize, &'a Op)> + '_ {
        let members = self.members.iter().enumerate();
        members.flat_map(|(index, member)| member.trace.ops.iter().map(move |op| (index, op)))
    }
}
