//! Stores that are made anyway are made before the guards that they were put off past.
//!
//! The forward walk puts every store off ([`super::delay`]), for it cannot know whether another one will take its
//! place. Each exit on the way saves the store's operands then, and makes it. Where the store is made in the end, all
//! that was for nothing: registers are taken and exits are long. So the finished trace is walked from its end. A store
//! goes up past guards as long as each has it among its delayed stores, which says that it waits there, and
//! leaves their lists.
//!
//! Invariants
//! 1. A store goes up past nothing but guards that list it, and what does not touch its memory: what stands
//!    between them has let it wait before.
//! 2. Of two stores that may overlap, the first stays the first: in the trace, and in the lists of exits.
//! 3. A store comes to stand before a guard, not between the opcode's earlier ones, so no exit stops being a rewind.
//!
//! Why not make it at once in the forward walk: most stores of interpreters are to registers and stacks, and a
//! lap that overwrites them in its next opcodes, or keeps them in registers from lap to lap, never makes them.

use crate::ir::{
    Const, DelayedStore, Effect, MemDescr, Op, Opcode, Operand, PoolRange, Trace, ValueId,
};
use smallvec::SmallVec;

/// Stores that are on their way up at a time, at most.
const MAX_WAITING: usize = 24;

/// Moves stores of a trace up.
pub(super) fn stores(trace: &mut Trace) {
    let is_listed = |op: &Op| op.opcode.is_guard() && trace.exit(op).stores.len > 0;
    if !trace.ops.iter().any(|op| op.opcode.effect() == Effect::Store)
        || !trace.ops.iter().any(is_listed)
    {
        return;
    }
    let mut walk = Walk::new(trace);
    for at in (0..trace.ops.len()).rev() {
        walk.pass(at);
    }
    let (before, gone) = walk.moved();
    if !gone.is_empty() {
        leave_lists(trace, &gone);
        reorder(trace, &before);
    }
}

/// A store, made or delayed.
#[derive(Clone, Copy)]
struct Store<'t> {
    opcode: Opcode,
    mem: u32,
    args: &'t [Operand],
}

impl PartialEq for Store<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.opcode, self.mem, self.args) == (other.opcode, other.mem, other.args)
    }
}

/// A guard with a store, or with a place in its list.
type Pairs = Vec<(usize, usize)>;

/// Stands for a store that is not moved.
const NOWHERE: usize = usize::MAX;

struct Walk<'t> {
    trace: &'t Trace,
    /// By value: a value that it is that much more than.
    sums: Vec<(Operand, i64)>,
    /// The stores that may go up further, the last of the trace first.
    waiting: SmallVec<[usize; MAX_WAITING]>,
    /// By operation: the guard before which it comes to stand.
    to: Vec<usize>,
    /// A guard that lists a store on its way up: the guard, the place in its list, the store.
    listed: Vec<(usize, usize, usize)>,
}

impl<'t> Walk<'t> {
    fn new(trace: &'t Trace) -> Walk<'t> {
        Walk {
            trace,
            sums: sums(trace),
            waiting: SmallVec::new(),
            to: vec![NOWHERE; trace.ops.len()],
            listed: Vec::new(),
        }
    }

    fn store(&self, at: usize) -> Store<'t> {
        let op = &self.trace.ops[at];
        Store { opcode: op.opcode, mem: op.descr, args: self.trace.args(op) }
    }

    fn pass(&mut self, at: usize) {
        let op = &self.trace.ops[at];
        match op.opcode.effect() {
            Effect::Store if self.waiting.len() < MAX_WAITING => self.waiting.push(at),
            // Nobody goes past one that does not go up.
            Effect::Store | Effect::Alloc | Effect::Forget => self.waiting.clear(),
            Effect::Guard => self.pass_guard(at),
            Effect::Call if op.opcode != Opcode::CallResult => {
                let apart = self.trace.call(op).apart;
                self.retain(|walk, store| apart.has(walk.trace.mems[store.mem as usize].class));
            }
            Effect::Control if op.opcode == Opcode::Label => self.waiting.clear(),
            _ => {}
        }
    }

    /// Leaves the others where they are, and those behind them that they may overlap.
    fn retain(&mut self, goes_on: impl Fn(&Self, Store<'t>) -> bool) {
        let mut left: SmallVec<[usize; MAX_WAITING]> = SmallVec::new();
        let mut going: SmallVec<[usize; MAX_WAITING]> = SmallVec::new();
        for &at in self.waiting.iter().rev() {
            let store = self.store(at);
            let is_free = left.iter().all(|&before| self.are_apart(self.store(before), store));
            if is_free && goes_on(self, store) {
                going.push(at);
            } else {
                left.push(at);
            }
        }
        going.reverse();
        self.waiting = going;
    }

    fn pass_guard(&mut self, guard: usize) {
        if self.waiting.is_empty() {
            return;
        }
        let exit = self.trace.exit(&self.trace.ops[guard]);
        let delayed: SmallVec<[(usize, Store<'t>); 24]> = self
            .trace
            .exit_stores_with_args(exit)
            .enumerate()
            .filter(|(_, (it, _))| it.opcode.effect() == Effect::Store)
            .map(|(at, (DelayedStore { opcode, mem }, args))| (at, Store { opcode, mem, args }))
            .collect();
        // Which of them go up, by the store that does.
        let mut taken: SmallVec<[usize; 24]> = SmallVec::from_elem(NOWHERE, delayed.len());
        let (mut left, mut going) = (SmallVec::<[usize; MAX_WAITING]>::new(), SmallVec::new());
        for &at in self.waiting.iter().rev() {
            let store = self.store(at);
            let place = self
                .place(&delayed, &taken, store)
                .filter(|_| left.iter().all(|&it| self.are_apart(self.store(it), store)));
            match place {
                Some(place) => {
                    taken[place] = at;
                    going.push(at);
                }
                None => left.push(at),
            }
        }
        going.reverse();
        self.waiting = going;
        // Calls and operations that may overflow have their guards directly behind them.
        let op = self.trace.ops[guard].opcode;
        let has_room = matches!(op, Opcode::GuardTrue | Opcode::GuardFalse | Opcode::GuardValue);
        for (&(place, _), store) in delayed.iter().zip(taken).filter(|&(_, it)| it != NOWHERE) {
            self.listed.push((guard, place, store));
            if has_room {
                self.to[store] = guard;
            }
        }
    }

    /// Where a guard lists the store, if all that stands before it goes up too or does not overlap it.
    fn place(
        &self,
        delayed: &[(usize, Store<'t>)],
        taken: &[usize],
        store: Store<'t>,
    ) -> Option<usize> {
        let place = delayed.iter().position(|(_, it)| *it == store)?;
        let is_last = taken[place..].iter().enumerate().all(|(at, &it)| {
            it == NOWHERE || at > 0 && self.are_apart(delayed[place + at].1, store)
        });
        let stay = delayed[..place].iter().zip(taken).filter(|&(_, &it)| it == NOWHERE);
        (is_last && { stay }.all(|((_, it), _)| self.are_apart(*it, store))).then_some(place)
    }

    fn are_apart(&self, a: Store<'_>, b: Store<'_>) -> bool {
        let (x, y) = (&self.trace.mems[a.mem as usize], &self.trace.mems[b.mem as usize]);
        if MemDescr::are_apart(x.class, y.class) {
            return true;
        }
        let ((p, start), (q, end)) = (self.start(a, x), self.start(b, y));
        let distance = end.wrapping_sub(start);
        p == q && (i64::from(x.ty.bytes()) <= distance || distance <= -i64::from(y.ty.bytes()))
    }

    /// Where a store begins: so far from what is base and index.
    fn start(&self, store: Store<'_>, mem: &MemDescr) -> ((Operand, Option<Operand>, u32), i64) {
        let offset = i64::from(mem.offset);
        if !store.opcode.is_indexed() {
            return ((store.args[0], None, 0), offset);
        }
        let (index, more) = self.sum(store.args[1]);
        let more = more.wrapping_mul(i64::from(mem.scale));
        ((store.args[0], Some(index), mem.scale), offset.wrapping_add(more))
    }

    fn sum(&self, operand: Operand) -> (Operand, i64) {
        operand.value().map_or((operand, 0), |value| self.sums[value.index()])
    }

    /// By guard, the stores that come to stand before it, in their order; and what leaves which guard's list.
    fn moved(self) -> (Pairs, Pairs) {
        let Walk { to, mut listed, .. } = self;
        listed.retain(|&(guard, _, store)| to[store] <= guard);
        let mut before: Pairs =
            (0..to.len()).filter(|&at| to[at] != NOWHERE).map(|at| (to[at], at)).collect();
        before.sort_unstable();
        let mut gone: Pairs = listed.into_iter().map(|(guard, place, _)| (guard, place)).collect();
        gone.sort_unstable();
        (before, gone)
    }
}

/// By value: what it is the sum of, if that is a value and a constant.
fn sums(trace: &Trace) -> Vec<(Operand, i64)> {
    let mut sums: Vec<(Operand, i64)> =
        (0..trace.types.len()).map(|at| (ValueId(at as u32).into(), 0)).collect();
    for op in trace.ops.iter().filter(|op| op.opcode == Opcode::IntAdd) {
        let (Some(res), &[x, y]) = (op.res(), trace.args(op)) else { continue };
        let constant = trace.as_const(y).filter(|c: &Const| c.ty.bytes() == 8);
        if let (Some(value), Some(c)) = (x.value(), constant) {
            let (root, more) = sums[value.index()];
            sums[res.index()] = (root, more.wrapping_add(c.bits as i64));
        }
    }
    sums
}

/// Takes stores off the lists of exits: `gone` has guards and places in their lists, in order.
fn leave_lists(trace: &mut Trace, gone: &[(usize, usize)]) {
    for of_guard in gone.chunk_by(|a, b| a.0 == b.0) {
        let number = trace.ops[of_guard[0].0].descr as usize;
        let exit = trace.exits[number];
        let mut args: SmallVec<[Operand; 32]> = SmallVec::from_slice(trace.exit_values(&exit));
        let mut stores: SmallVec<[DelayedStore; 24]> = SmallVec::new();
        for (at, (store, operands)) in trace.exit_stores_with_args(&exit).enumerate() {
            if of_guard.binary_search_by_key(&at, |it| it.1).is_err() {
                args.extend_from_slice(operands);
                stores.push(store);
            }
        }
        // Exits may share what they have now.
        let exit = &mut trace.exits[number];
        exit.args = PoolRange { start: trace.pool.len() as u32, len: args.len() as u32 };
        exit.stores = PoolRange { start: trace.stores.len() as u32, len: stores.len() as u32 };
        trace.pool.extend_from_slice(&args);
        trace.stores.extend_from_slice(&stores);
    }
}

/// Puts operations before others: `before` has pairs of these, in order.
fn reorder(trace: &mut Trace, before: &[(usize, usize)]) {
    let mut is_moved = vec![false; trace.ops.len()];
    before.iter().for_each(|&(_, store)| is_moved[store] = true);
    let mut ops = Vec::with_capacity(trace.ops.len());
    let mut moved = before.iter().peekable();
    for (at, op) in trace.ops.iter().enumerate() {
        while let Some((_, store)) = moved.next_if(|&&(guard, _)| guard == at) {
            ops.push(trace.ops[*store]);
        }
        if !is_moved[at] {
            ops.push(*op);
        }
    }
    trace.ops = ops;
}
