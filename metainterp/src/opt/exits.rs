//! What backends ask of exits: distinct values only, and where the rest of the arguments comes from.
//!
//! An optimized exit may save constants, and one value several times. [`finalize_exits`] leaves each
//! value once and says per exit how to rebuild the full list ([`ExitLayout`]).
//!
//! The order is free, so it follows the exit before: a value that was saved there keeps its slot
//! where the shorter list still has that slot, for machine code that saves a loop's values is shorter
//! when they go to the same places at most exits. New values take the free slots in order of first
//! occurrence, reds first.
//!
//! Delayed stores move to the layout too: backends save their operands like any argument, and whoever
//! leaves makes them. So do allocations; what they allocate is put into slots behind those that machine
//! code fills, the first into the first, and from there on is like any argument.
//!
//! [`crate::ir::Resume::n_reds`] goes on to count reds in the full list.

use super::rewrite::Copier;
use crate::ir::{
    Const, DelayedStore, ExitId, MemDescr, Opcode, Operand, PoolRange, Trace, TraceBuilder, Ty,
    ValueId,
};
use smallvec::SmallVec;

/// Where one argument of an exit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitSlot {
    /// It is this constant.
    Const(Const),
    /// It is in this slot of the frame.
    Slot(u32, Ty),
}

/// How to rebuild the arguments of an exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitLayout {
    /// The exit.
    pub id: ExitId,
    /// Where each argument comes from.
    pub slots: Vec<ExitSlot>,
    /// What to do on the way out. The operands of it are the last arguments.
    pub effects: Vec<ExitEffect>,
}

/// What is done when a trace is left by an exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitEffect {
    /// Allocates, and puts the address into this slot.
    New(Opcode, u32),
    /// Gives memory back.
    Free(Opcode),
    /// A store; or what the trace knows to be in memory then.
    Store(Opcode, MemDescr),
    /// What the trace knows of two values of a type.
    Order(Opcode, Ty),
}

impl ExitEffect {
    /// Whether nothing is done: it is said for a bridge.
    pub fn is_assumption(&self) -> bool {
        match self {
            ExitEffect::New(..) | ExitEffect::Free(_) => false,
            ExitEffect::Store(opcode, _) => opcode.assumes_memory(),
            ExitEffect::Order(..) => true,
        }
    }

    /// Number of operands.
    pub fn n_args(&self) -> usize {
        let opcode = match self {
            ExitEffect::New(opcode, _)
            | ExitEffect::Free(opcode)
            | ExitEffect::Store(opcode, _)
            | ExitEffect::Order(opcode, _) => *opcode,
        };
        opcode.info().args.len()
    }

    /// Appends it to the beginning of a trace that continues from the exit. The inputs of that are the
    /// slots that the exit fills, so what is allocated gets the numbers of the slots behind.
    pub fn begin(&self, builder: &mut TraceBuilder, args: &[Operand]) {
        match self {
            ExitEffect::New(opcode, slot) => {
                let new = builder.push(*opcode, args, 0, Ty::Ptr);
                assert_eq!(new, ValueId(*slot).into(), "the number of what is allocated");
            }
            ExitEffect::Free(opcode) => builder.push_void(*opcode, args, 0),
            ExitEffect::Order(opcode, _) => builder.push_void(*opcode, args, 0),
            ExitEffect::Store(opcode, mem) => {
                let mem = builder.mem(mem.clone());
                builder.push_void(*opcode, args, mem);
            }
        }
    }
}

/// Leaves each value once in each exit's arguments, and no constants. Answers the layouts in the
/// order of [`Trace::exits`].
#[inline(never)]
pub fn finalize_exits(trace: &Trace) -> (Trace, Vec<ExitLayout>) {
    let mut finalized = trace.clone();
    let mut slots = Slots::new(trace.types.len());
    let mut layouts = Vec::with_capacity(trace.exits.len());
    for exit in &mut finalized.exits {
        let args = trace.exit_args(exit);
        let news: SmallVec<[ValueId; 4]> =
            trace.exit_stores(exit).iter().filter_map(|store| store.res()).collect();
        slots.assign(args, &news);
        let place = |&arg: &Operand| match (trace.as_const(arg), arg.value()) {
            (Some(c), _) => ExitSlot::Const(c),
            (_, Some(v)) => ExitSlot::Slot(slots.of_value[v.index()].slot, trace.types[v.index()]),
            (None, None) => unreachable!("an operand is a constant or a value"),
        };
        let effect = |(store, args): (DelayedStore, &[Operand])| match store.res() {
            Some(new) => ExitEffect::New(store.opcode, slots.of_value[new.index()].slot),
            None if store.opcode.frees() => ExitEffect::Free(store.opcode),
            None if store.opcode.assumes_order() => {
                ExitEffect::Order(store.opcode, trace.ty(args[0]))
            }
            None => ExitEffect::Store(store.opcode, trace.mems[store.mem as usize].clone()),
        };
        let effects = trace.exit_stores_with_args(exit).map(effect).collect();
        layouts.push(ExitLayout { id: exit.id, slots: args.iter().map(place).collect(), effects });
        exit.stores = PoolRange::default();
        // Ranges of the pool may be shared between exits, so the new list goes to a new one.
        exit.args.start = finalized.pool.len() as u32;
        exit.args.len = slots.taken.len() as u32;
        finalized.pool.extend(slots.taken.iter().flatten());
    }
    let n_defined: usize = trace.ops.iter().map(|op| trace.results(op).len()).sum();
    let is_dense = trace.n_inputs as usize + n_defined == trace.types.len();
    (if is_dense { finalized } else { compact(&finalized) }, layouts)
}

/// Numbers the values anew, without those of objects that only exits allocated.
fn compact(trace: &Trace) -> Trace {
    let mut copy = Copier::new(trace);
    trace.ops.iter().for_each(|op| copy.copy(trace, op));
    copy.new.finish()
}

/// Where a value was saved last.
#[derive(Clone, Copy)]
struct Saved {
    /// Counts exits from 1; 0 if it was never saved.
    exit: u32,
    slot: u32,
}

struct Slots {
    of_value: Vec<Saved>,
    exit: u32,
    /// The values of the current exit, by slot.
    taken: Vec<Option<Operand>>,
    distinct: Vec<Operand>,
}

impl Slots {
    fn new(n_values: usize) -> Slots {
        let never = Saved { exit: 0, slot: 0 };
        Slots { of_value: vec![never; n_values], exit: 0, taken: Vec::new(), distinct: Vec::new() }
    }

    /// Gives the distinct values among `args` the slots `0..n`, and what is allocated those behind.
    fn assign(&mut self, args: &[Operand], news: &[ValueId]) {
        self.exit += 1;
        self.find_distinct(args);
        if !news.is_empty() {
            let is_new = |arg: &Operand| arg.value().is_some_and(|value| news.contains(&value));
            self.distinct.retain(|arg| !is_new(arg));
        }
        self.taken.clear();
        self.taken.resize(self.distinct.len(), None);
        self.keep_slots();
        self.fill_slots();
        for (slot, new) in (self.taken.len() as u32..).zip(news) {
            // It is no value of the next exit.
            self.of_value[new.index()] = Saved { exit: 0, slot };
        }
    }

    fn find_distinct(&mut self, args: &[Operand]) {
        self.distinct.clear();
        for &arg in args {
            let Some(value) = arg.value() else { continue };
            let saved = &mut self.of_value[value.index()];
            if saved.exit != self.exit {
                // Slots of exits before the last one are given up with their numbers.
                let kept = saved.exit != 0 && saved.exit + 1 == self.exit;
                *saved = Saved { exit: self.exit, slot: if kept { saved.slot } else { u32::MAX } };
                self.distinct.push(arg);
            }
        }
    }

    fn keep_slots(&mut self) {
        for &arg in &self.distinct {
            let saved = &mut self.of_value[arg.value().expect("constants were left out").index()];
            match self.taken.get_mut(saved.slot as usize) {
                Some(place) => *place = Some(arg),
                None => saved.slot = u32::MAX,
            }
        }
    }

    fn fill_slots(&mut self) {
        let mut next = 0;
        for &arg in &self.distinct {
            let saved = &mut self.of_value[arg.value().expect("constants were left out").index()];
            if saved.slot == u32::MAX {
                while self.taken[next].is_some() {
                    next += 1;
                }
                self.taken[next] = Some(arg);
                saved.slot = next as u32;
            }
        }
    }
}
