//! Guards and the ways out.
//!
//! A guard is one compare and branch to a cold block of its own, which stores the arguments that are
//! not in their slots already ([`crate::analysis`] and [`super::ahead`] know which) and which exit it is, and jumps to
//! a block that all exits share: the *way out*, which tail-calls through the exit's slot.
//!
//! The branch goes to the exit when the *inverse* holds. Cranelift lays out blocks in reverse
//! post-order, which visits the second target first: with the exit as the first target the exits
//! lie behind the loop and not in it.
//!
//! An exit saves most of what the one before has saved, to the same slots. What the next exits save too
//! is stored by a *link*, a cold block that stores a few values more than the link that it leads to; an exit
//! stores what no link does, and goes to the last link that fits. So code, and the time to compile it, are
//! linear in the number of values and not in what all exits save together.
//!
//! In a region, a guard whose bridge is a member branches to the bridge's block with the exit's
//! arguments, and saves nothing. The edge has a cold block of its own: those that Cranelift makes lie on the way of
//! those that go on.
//!
//! What only a few exits use is computed in their blocks ([`crate::analysis`]): how often the loop has gone round, or
//! where the interpreter would be.
//!
//! Why not return to Rust at every exit: a return or tail call repeats the epilogue, which makes exits
//! three to five times larger and slower to compile. Why not pass what is saved to a block that stores it
//! for all exits which save the same slots: that is better where all of them do, but in traces of interpreters
//! there are nearly as many such sets of slots as exits, and registers are allocated for the parameters of each.

use super::{Cond, Def, Lower, clif};
use crate::exits::{EXIT_SLOT_CODE, EXIT_SLOT_ENTRY, EXIT_SLOT_SIZE};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, Value, types};
use metainterp::backend::Frame;
use metainterp::ir::{Exit, Op, Opcode, Operand, Ty};
use smallvec::SmallVec;
use std::mem::offset_of;

/// Exits and links that share a way out. One that all exits of a long trace share makes the register
/// allocator's dominator tree quadratic: 10,000 operations with 2,000 guards of 6 values take 26
/// ms, and 19 ms with 128 or 256 exits a block (`examples/measure.rs`, November 2026, Zen 5).
const USES_PER_WAY_OUT: u32 = 256;

/// How many values a link stores at least. The code for Lua's Richards is a third smaller than with 16, and takes a
/// third fewer instructions to compile; 1 and 3 are about as good (November 2026).
const MIN_LINK: usize = 2;

/// What so many exits ahead save to the same slot is worth a link. 8 makes a twentieth more code.
const LASTING: usize = 2;

/// Where an exit says which it is: in the first of the words of calls, of which none is under way. As a parameter of
/// the blocks on the way out it would be one more value per exit to find a register for.
const EXIT_WORD: i32 = offset_of!(Frame, call) as i32;

/// A block that stores what many exits save.
pub(super) struct Link {
    block: Block,
    /// What this link and those that it leads to store, by slot.
    saves: Vec<(u32, Operand)>,
    /// The one that it leads to.
    next: Option<usize>,
}

/// What an exit must store, and where.
type Moves = SmallVec<[(u32, Operand); 16]>;

impl Lower<'_, '_> {
    pub(super) fn guard(&mut self, op: &Op) {
        let Some(fails) = self.failure(op) else { return };
        self.store_ahead(op);
        let fails = self.flag(fails);
        if let Some(bridge) = self.member.bridge(op) {
            return self.branch_to_bridge(op, fails, bridge);
        }
        let (cold, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        if self.env.mid_end {
            self.branch_with_values(op, fails, cold, next);
        } else {
            self.b.ins().brif(fails, cold, &[], next, &[]);
            self.b.switch_to_block(cold);
            self.is_aside = true;
            self.leave(op);
            self.is_aside = false;
        }
        self.b.switch_to_block(next);
    }

    pub(super) fn finish(&mut self, op: &Op) {
        let Some(bridge) = self.member.bridge(op) else { return self.leave(op) };
        let inputs = self.analysis.inputs_index(bridge);
        let args = self.join_args(&self.analysis.joins[inputs], self.member.exit_args(op));
        self.b.ins().jump(self.joins[inputs], &args);
    }

    fn branch_to_bridge(&mut self, op: &Op, fails: Value, bridge: usize) {
        let inputs = self.analysis.inputs_index(bridge);
        let (edge, next) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(edge);
        self.b.ins().brif(fails, edge, &[], next, &[]);
        self.b.switch_to_block(edge);
        self.is_aside = true;
        let args = self.join_args(&self.analysis.joins[inputs], self.member.exit_args(op));
        self.b.ins().jump(self.joins[inputs], &args);
        self.is_aside = false;
        self.b.switch_to_block(next);
    }

    /// The condition under which the trace is left; none for a guard that cannot fail.
    fn failure(&mut self, op: &Op) -> Option<Cond> {
        let args = self.trace.args(op);
        let cond = match op.opcode {
            Opcode::GuardTrue => {
                let cond = self.condition(args[0]);
                self.inverse(cond)
            }
            Opcode::GuardFalse => self.condition(args[0]),
            Opcode::GuardValue => self.differs(args[0], args[1]),
            Opcode::GuardNoOverflow => self.overflowed(),
            Opcode::GuardOverflow => {
                let overflowed = self.overflowed();
                self.inverse(overflowed)
            }
            Opcode::GuardNoException => Cond::Flag(self.panicked.take()?),
            other => unreachable!("{} is not a guard", other.name()),
        };
        Some(cond)
    }

    fn condition(&mut self, operand: Operand) -> Cond {
        if let Some(value) = operand.value()
            && let Def::Cond(cond) = self.defs[self.number(value)]
        {
            return cond;
        }
        Cond::Flag(self.use_(operand))
    }

    fn overflowed(&mut self) -> Cond {
        self.overflow.take().expect("an overflow guard follows an overflow operation")
    }

    /// Floats are compared by their bits, so that a NaN equals itself and 0.0 is not -0.0.
    fn differs(&mut self, value: Operand, constant: Operand) -> Cond {
        let bits = match self.trace.ty(value) {
            Ty::F32 => types::I32,
            Ty::F64 => types::I64,
            ty => clif(ty),
        };
        let expected = self.trace.as_const(constant).expect("guard_value takes a constant");
        let mut value = self.use_(value);
        if self.b.func.dfg.value_type(value) != bits {
            value = self.b.ins().bitcast(bits, MemFlagsData::new(), value);
        }
        let expected = self.b.ins().iconst(bits, expected.bits as i64);
        Cond::Int(IntCC::NotEqual, value, expected)
    }

    /// Stores the exit's arguments and goes out.
    fn leave(&mut self, op: &Op) {
        let moves = self.exit_moves(op);
        match self.link(op, &moves) {
            Some(link) => {
                let more = without(&moves, &self.links[link].saves);
                self.go_out(op, &more, self.links[link].block);
            }
            None => {
                let way_out = self.way_out();
                self.go_out(op, &moves, way_out);
            }
        }
    }

    /// Forgets the links: what comes next is not behind the guards that they were made for.
    pub(super) fn forget_links(&mut self) {
        self.links.clear();
        self.last_link = None;
    }

    /// The link that stores the most of what is to be stored here, and nothing else; a new one, if that is worth
    /// it.
    fn link(&mut self, op: &Op, moves: &Moves) -> Option<usize> {
        let fits = |link: &Link| {
            let mut moves = moves.iter();
            link.saves.iter().all(|save| moves.by_ref().any(|it| it == save))
        };
        while let Some(link) = self.last_link.filter(|&link| !fits(&self.links[link])) {
            self.last_link = self.links[link].next;
        }
        let next = self.last_link;
        let more = self.lasting(op, &without(moves, self.saves(next)));
        if MIN_LINK <= more.len() {
            self.last_link = Some(self.new_link(more, next));
        }
        self.last_link
    }

    fn saves(&self, link: Option<usize>) -> &[(u32, Operand)] {
        link.map_or(&[], |link| &self.links[link].saves)
    }

    /// What of these the next exits save to the same slots, too.
    fn lasting(&self, op: &Op, moves: &Moves) -> Moves {
        let args_of = |exit: &'_ Exit| self.trace.exit_args(exit);
        let at = op.descr as usize;
        let Some(ahead) = self.trace.exits.get(at + 1..=at + LASTING) else {
            return Moves::new();
        };
        let lasts = |&(slot, arg): &(u32, Operand)| {
            ahead.iter().all(|exit| args_of(exit).get(slot as usize) == Some(&arg))
        };
        moves.iter().copied().filter(lasts).collect()
    }

    fn new_link(&mut self, more: Moves, next: Option<usize>) -> usize {
        let here = self.b.current_block().expect("an exit has a block");
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        let to = match next {
            Some(next) => self.links[next].block,
            None => self.way_out(),
        };
        self.b.switch_to_block(block);
        self.store_all(&more);
        self.b.ins().jump(to, &[]);
        self.b.switch_to_block(here);
        let mut saves = [self.saves(next), &more].concat();
        saves.sort_unstable_by_key(|&(slot, _)| slot);
        self.links.push(Link { block, saves, next });
        self.links.len() - 1
    }

    fn store_all(&mut self, moves: &Moves) {
        for &(slot, arg) in moves {
            let value = self.slot_value(arg);
            self.store_slot(slot as usize, value);
        }
    }

    /// Stores what is left to store, and which exit it is, and goes on to a link or the way out.
    fn go_out(&mut self, op: &Op, moves: &Moves, block: Block) {
        self.store_all(moves);
        let exit = self.exit_slot(op);
        let flags = self.frame_flags();
        self.b.ins().store(flags, exit, self.frame, EXIT_WORD);
        self.b.ins().jump(block, &[]);
    }

    // The mid-end copies a computation into every cold block that uses it, operands and all, and
    // becomes quadratic. Block parameters stop it: what the branch passes on is computed before.
    fn branch_with_values(&mut self, op: &Op, fails: Value, cold: Block, next: Block) {
        let moves = self.exit_moves(op);
        let mut values: SmallVec<[Value; 16]> =
            moves.iter().map(|&(_, arg)| self.slot_value(arg)).collect();
        let passed: SmallVec<[BlockArg; 16]> = values.iter().map(|&value| value.into()).collect();
        for value in &mut values {
            let ty = self.b.func.dfg.value_type(*value);
            *value = self.b.append_block_param(cold, ty);
        }
        self.b.ins().brif(fails, cold, &passed, next, &[]);
        self.b.switch_to_block(cold);
        for (&(slot, _), value) in moves.iter().zip(values) {
            self.store_slot(slot as usize, value);
        }
        let way_out = self.way_out();
        self.go_out(op, &Moves::new(), way_out);
    }

    fn exit_moves(&self, op: &Op) -> Moves {
        let args = (0..).zip(self.member.exit_args(op));
        let moved = args.filter(|&(slot, &arg)| !self.is_in_slot(arg, slot as usize));
        moved.map(|(slot, &arg)| (slot, arg)).collect()
    }

    /// Names the exit to the block that leads out.
    fn exit_slot(&mut self, op: &Op) -> Value {
        // From the first slot of all: most exits lie close to it, and the constant is short.
        let slot = self.member.exit_slots as i64 + i64::from(op.descr) * EXIT_SLOT_SIZE;
        let slot = slot.wrapping_sub(self.group.members[0].exit_slots as i64);
        self.b.ins().iconst(types::I64, slot)
    }

    /// The block that the next exit or link leads to.
    fn way_out(&mut self) -> Block {
        if self.ways_out.is_empty() || self.n_last_way_out == USES_PER_WAY_OUT {
            let block = self.b.create_block();
            self.b.set_cold_block(block);
            self.ways_out.push(block);
            self.n_last_way_out = 0;
        }
        self.n_last_way_out += 1;
        self.ways_out[self.ways_out.len() - 1]
    }

    /// Fills the ways out.
    pub(super) fn fill_ways_out(&mut self) {
        for block in std::mem::take(&mut self.ways_out) {
            self.fill_way_out(block);
        }
    }

    fn fill_way_out(&mut self, block: Block) {
        self.b.switch_to_block(block);
        let flags = self.frame_flags();
        let exit = self.b.ins().load(types::I64, flags, self.frame, EXIT_WORD);
        let slots = self.group.members[0].exit_slots;
        let slots = self.b.ins().iconst(types::I64, slots as i64);
        let exit = self.b.ins().iadd(slots, exit);
        // A bridge may be attached at any time: these are loads like any other.
        let flags = MemFlagsData::trusted();
        let code = self.b.ins().load(types::I64, flags, exit, EXIT_SLOT_CODE);
        let entry = self.b.ins().uload32(flags, exit, EXIT_SLOT_ENTRY);
        let signature = self.tail_signature();
        self.b.ins().return_call_indirect(signature, code, &[self.frame, entry, exit]);
    }
}

/// Those moves that are not among others; both are by slot.
fn without(moves: &Moves, others: &[(u32, Operand)]) -> Moves {
    let mut others = others.iter().peekable();
    let mut more = Moves::new();
    for &saved in moves {
        match others.next_if_eq(&&saved) {
            Some(_) => {}
            None => more.push(saved),
        }
    }
    more
}
