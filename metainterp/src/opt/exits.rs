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
//! leaves makes them.
//!
//! [`crate::ir::Resume::n_reds`] goes on to count reds in the full list.

use crate::ir::{Const, DelayedStore, ExitId, MemDescr, Opcode, Operand, PoolRange, Trace, Ty};

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
    /// The stores to make on the way out, whose operands are the last arguments.
    pub stores: Vec<(Opcode, MemDescr)>,
}

/// Leaves each value once in each exit's arguments, and no constants. Answers the layouts in the
/// order of [`Trace::exits`].
pub fn finalize_exits(trace: &Trace) -> (Trace, Vec<ExitLayout>) {
    let mut finalized = trace.clone();
    let mut slots = Slots::new(trace.types.len());
    let mut layouts = Vec::with_capacity(trace.exits.len());
    for exit in &mut finalized.exits {
        let args = trace.exit_args(exit);
        slots.assign(args);
        let place = |&arg: &Operand| match (trace.as_const(arg), arg.value()) {
            (Some(c), _) => ExitSlot::Const(c),
            (_, Some(v)) => ExitSlot::Slot(slots.of_value[v.index()].slot, trace.types[v.index()]),
            (None, None) => unreachable!("an operand is a constant or a value"),
        };
        let store = |store: &DelayedStore| (store.opcode, trace.mems[store.mem as usize].clone());
        let stores = trace.exit_stores(exit).iter().map(store).collect();
        layouts.push(ExitLayout { id: exit.id, slots: args.iter().map(place).collect(), stores });
        exit.stores = PoolRange::default();
        // Ranges of the pool may be shared between exits, so the new list goes to a new one.
        exit.args.start = finalized.pool.len() as u32;
        exit.args.len = slots.taken.len() as u32;
        finalized.pool.extend(slots.taken.iter().flatten());
    }
    (finalized, layouts)
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

    /// Gives the distinct values among `args` the slots `0..n`.
    fn assign(&mut self, args: &[Operand]) {
        self.exit += 1;
        self.find_distinct(args);
        self.taken.clear();
        self.taken.resize(self.distinct.len(), None);
        self.keep_slots();
        self.fill_slots();
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
