//! Pass `delay`: stores are put off until something can see them.
//!
//! A store goes to the list of delayed ones ([`Delayed`]) instead of the trace. It is made where memory
//! may be looked at: before a load that may read it, a call that is not apart from it, a label, the end of the trace. An
//! exit names the stores that are delayed there, and whoever leaves by it makes them. So a later store
//! to the same place replaces an earlier one though guards stand between, and what an interpreter
//! writes to its frame in each opcode is written once.
//!
//! **Rewind instead of replay.** Leaving in the middle of an opcode needs a replay if something has
//! happened since the merge point that must not happen twice. Stores that are all still delayed have
//! not happened: the exit drops them and makes those that were delayed at the merge point
//! ([`Delayed::at_merge_point`]). What it saves are the reds then, and no results of loads.
//!
//! **Memory that is given back** is put off too ([`Spare`]). An object of the same size that has to be made takes its
//! place; what is left is given back at the end of the trace or by the exit. That is what an allocator might do. So
//! where a lap gives one object back and makes another one, the loop allocates nothing.
//!
//! Invariants
//! 1. Delayed stores are in the order of the program. One that is made takes all earlier ones along
//!    that may overlap it.
//! 2. What families know of memory is as if all stores had been made: [`super::heap`] answers loads
//!    from what it knows, and only what it does not know makes stores happen.
//! 3. There are at most [`MAX_DELAYED`], for each exit has them all: what a trace costs stays linear.
//!
//! Why not follow what exits need backwards from them: a bridge starts with the stores of its exit, and
//! its own optimizer delays them again, so that they sink through any number of traces.

use super::address::Address;
use super::heap::KnownPlace;
use super::ranges::Span;
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use super::virtuals::Virtual;
use crate::ir::{DelayedStore, Effect, MemDescr, Opcode, Operand, Ty};
use smallvec::SmallVec;

/// More stores than this are made, the oldest first.
const MAX_DELAYED: usize = 16;

/// A preheader ends before the store behind this many: each is looked at for each load.
const MAX_IN_PREHEADER: usize = 64;

/// A store that is not made yet.
#[derive(Debug, Clone)]
pub(super) struct Store {
    opcode: Opcode,
    mem: u32,
    /// The operands, the value last.
    pub args: SmallVec<[Operand; 3]>,
    access: Access,
    /// What is in memory there while the store is delayed, if that is known.
    in_memory: Option<Operand>,
}

impl Store {
    /// As an exit names it.
    pub fn store(&self) -> DelayedStore {
        DelayedStore { opcode: self.opcode, mem: self.mem }
    }

    fn is_to(&self, place: &KnownPlace) -> bool {
        self.access.address == place.address && self.access.ty == place.ty
    }

    fn value(&self) -> Operand {
        *self.args.last().expect("a store has a value")
    }
}

/// Which bytes are read or written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Access {
    address: Address,
    ty: Ty,
    class: u32,
}

impl Access {
    fn new(cx: &Cx, op: &Pending, mem: &MemDescr) -> Access {
        Access { address: Address::of(cx, op, mem), ty: mem.ty, class: mem.class }
    }

    /// The very same bytes.
    fn is_at(&self, other: &Access) -> bool {
        self.address == other.address && self.ty.bytes() == other.ty.bytes()
    }

    fn span(&self) -> Span {
        Span { start: self.address, len: self.ty.bytes().into() }
    }

    fn may_overlap(&self, cx: &Cx, other: &Access) -> bool {
        if MemDescr::are_apart(self.class, other.class) {
            return false;
        }
        let distance = other.address.offset.wrapping_sub(self.address.offset);
        match self.address.root == other.address.root {
            true => {
                -i64::from(other.ty.bytes()) < distance && distance < i64::from(self.ty.bytes())
            }
            false => !cx.ranges().are_apart(cx, &self.span(), &other.span()),
        }
    }
}

/// Memory that the trace gives back, and has not yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spare {
    pub address: Operand,
    /// What gives it back.
    pub opcode: Opcode,
    pub bytes: u32,
    pub align: u32,
    /// What is known to be in it.
    pub contents: Contents,
}

impl Spare {
    /// Whether an object can be made there. What is known of a buffer's memory is not known of other objects', so
    /// neither takes the other's.
    pub fn fits(&self, object: &Virtual) -> bool {
        let is_buffer = |opcode| matches!(opcode, Opcode::NewBuffer | Opcode::FreeBuffer);
        (self.bytes, self.align) == (object.bytes, object.align)
            && is_buffer(self.opcode) == is_buffer(object.opcode)
    }
}

/// By offset and type: what is in memory, delayed stores apart.
pub(super) type Contents = SmallVec<[(i64, Ty, Operand); 4]>;

pub(super) type Spares = SmallVec<[Spare; 4]>;

/// More memory than this is given back at once.
const MAX_SPARES: usize = 8;

/// What has not happened yet.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub stores: Vec<Store>,
    pub virtuals: Vec<Virtual>,
    pub spares: Spares,
}

/// The stores that are not made yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Delayed {
    stores: Vec<Store>,
    /// What is not allocated yet.
    pub virtuals: Vec<Virtual>,
    /// What is not given back yet.
    pub spares: Spares,
    /// What was at the last merge point, while going back there undoes all that happened since.
    at_merge_point: Option<State>,
    /// What is in the object that is given back next.
    pub contents: Contents,
    /// Addresses at which an object was made where another one was before.
    pub reused: Vec<Operand>,
    /// Whether all that happens behind the next merge point is in this trace. At the start of a bridge
    /// it may be not: the trace that it continues has begun the opcode.
    starts_at_merge_point: bool,
}

impl Delayed {
    /// The stores that are delayed now.
    pub fn now(&self) -> &[Store] {
        &self.stores
    }

    /// How many operations it takes to make all that is not made yet.
    pub fn n_left(&self) -> usize {
        let objects: usize = self.virtuals.iter().map(|it| 1 + it.fields.len()).sum();
        self.stores.len() + self.spares.len() + objects
    }

    /// The stores that were delayed at the last merge point and what was not allocated there, if nothing
    /// else has happened since but stores that are still delayed.
    pub fn at_merge_point(&self) -> Option<&State> {
        self.at_merge_point.as_ref()
    }

    /// Whether the delayed stores are those at the last merge point.
    pub fn is_as_at_merge_point(&self) -> bool {
        self.at_merge_point.as_ref().is_some_and(|State { stores, virtuals, spares }| {
            let same =
                |(a, b): (&Store, &Store)| (a.opcode, a.mem, &a.args) == (b.opcode, b.mem, &b.args);
            *virtuals == self.virtuals
                && *spares == self.spares
                && stores.len() == self.stores.len()
                && stores.iter().zip(&self.stores).all(same)
        })
    }

    /// Something has happened that going back to the merge point does not undo.
    pub fn no_way_back(&mut self) {
        self.at_merge_point = None;
    }

    fn see_merge_point(&mut self) {
        if std::mem::replace(&mut self.starts_at_merge_point, true) {
            let state = self.at_merge_point.get_or_insert_default();
            state.stores.clone_from(&self.stores);
            state.virtuals.clone_from(&self.virtuals);
            state.spares.clone_from(&self.spares);
        }
    }

    /// Makes all stores, and gives back what is left.
    fn make_all(cx: &mut Cx) {
        for store in std::mem::take(&mut cx.delayed.stores) {
            Delayed::make(cx, store);
        }
        Delayed::free_spares(cx);
    }

    /// Gives back what no object was made in.
    pub fn free_spares(cx: &mut Cx) {
        for spare in std::mem::take(&mut cx.delayed.spares) {
            cx.emit_free(spare);
        }
    }

    /// Takes memory that was to be given back; that at an address, if it is there, when one is preferred.
    pub fn take_spare(&mut self, object: &Virtual, prefer: Option<Operand>) -> Option<Spare> {
        let fits = |spare: &Spare| spare.fits(object);
        let preferred = |spare: &Spare| fits(spare) && Some(spare.address) == prefer;
        let at = self.spares.iter().position(preferred);
        let at = at.or_else(|| self.spares.iter().rposition(fits))?;
        Some(self.spares.remove(at))
    }

    /// Puts off storing what is in memory anyway, for a loop that will store something else there.
    pub fn store_later(cx: &mut Cx, place: &KnownPlace) {
        let Some((base, None)) = place.address.base_and_index() else { return };
        let Ok(offset) = i32::try_from(place.address.offset) else { return };
        if MAX_DELAYED <= cx.delayed.stores.len() || cx.delayed.has_store_to(place) {
            return;
        }
        let KnownPlace { address, ty, class, value, .. } = *place;
        let mem = cx.mem(MemDescr { ty, offset, scale: 0, class, frozen: false });
        let (args, access) = (SmallVec::from_slice(&[base, value]), Access { address, ty, class });
        let in_memory = Some(value);
        cx.delayed.stores.push(Store { opcode: Opcode::SetField, mem, args, access, in_memory });
    }

    /// What is in memory where a store is delayed, if one is: `Some(None)` if that is not known.
    pub fn in_memory_at(&self, cx: &Cx, span: &Span) -> Option<Option<Operand>> {
        let touches = |store: &&Store| {
            store.access.address.root == span.start.root
                && !cx.ranges().are_apart(cx, &store.access.span(), span)
        };
        let store = self.stores.iter().rev().find(touches)?;
        let same = store.access.span() == *span;
        Some(store.in_memory.filter(|_| same))
    }

    /// Forgets stores of what is in memory anyway.
    pub fn drop_needless(cx: &mut Cx) {
        let mut stores = std::mem::take(&mut cx.delayed.stores);
        let is_there =
            |it: &Store| it.in_memory.is_some_and(|it_is| it_is == cx.resolve(it.value()));
        stores.retain(|store| !is_there(store));
        cx.delayed.stores = stores;
    }

    /// Forgets the stores of a preheader, which do not happen in it, but for some of those to these places.
    pub fn forget_others(&mut self, places: &[KnownPlace]) {
        self.stores.retain(|store| places.iter().any(|place| store.is_to(place)));
        self.stores.truncate(MAX_DELAYED);
    }

    /// Makes all stores but those to these places.
    pub fn make_others(cx: &mut Cx, places: &[KnownPlace]) {
        let stores = std::mem::take(&mut cx.delayed.stores);
        let (kept, made): (Vec<_>, Vec<_>) =
            stores.into_iter().partition(|store| places.iter().any(|place| store.is_to(place)));
        cx.delayed.stores = kept;
        made.into_iter().for_each(|store| Delayed::make(cx, store));
    }

    /// Whether a store to this place is delayed.
    pub fn has_store_to(&self, place: &KnownPlace) -> bool {
        self.stores.iter().any(|store| store.is_to(place))
    }

    /// A loop begins behind its preheader, with these contents of the places that are still to be stored to.
    pub fn enter_loop(cx: &mut Cx, places: &[KnownPlace]) {
        cx.delayed.no_way_back();
        // Those of the preheader have not been allocated, nor will be.
        cx.delayed.virtuals.clear();
        cx.delayed.spares.clear();
        for store in &mut cx.delayed.stores {
            let place = places.iter().find(|place| store.is_to(place));
            let value = place.expect("others have been made").value;
            *store.args.last_mut().expect("a store has a value") = value;
            store.in_memory = None;
        }
    }

    fn make(cx: &mut Cx, store: Store) {
        cx.emit_store(store.opcode, &store.args, store.mem);
        cx.delayed.no_way_back();
        Delayed::overwritten(cx, &store.access);
    }

    /// Memory or a later delayed store changes what is there.
    fn overwritten(cx: &mut Cx, access: &Access) {
        let mut stores = std::mem::take(&mut cx.delayed.stores);
        for store in stores.iter_mut().filter(|it| it.access.may_overlap(cx, access)) {
            store.in_memory = None;
        }
        cx.delayed.stores = stores;
    }

    /// Whether an operation may see a store that is not made yet, or is one too many.
    fn must_happen_before(cx: &Cx, op: &Pending) -> bool {
        let stores = &cx.delayed.stores;
        match op.opcode.effect() {
            Effect::Store => MAX_IN_PREHEADER <= stores.len(),
            Effect::Alloc if op.opcode.frees() => {
                let freed = Freed::of(cx, op);
                !freed.can_wait(cx) || stores.iter().any(|store| freed.may_see(cx, &store.access))
            }
            Effect::Alloc => true,
            Effect::Load => {
                let mem = &cx.new_trace().mems[op.descr as usize];
                let access = Access::new(cx, op, mem);
                !mem.frozen && stores.iter().any(|store| store.access.may_overlap(cx, &access))
            }
            _ if op.opcode == Opcode::CallPure => {
                let apart = cx.new_trace().calls[op.descr as usize].apart;
                stores.iter().any(|store| !apart.has(store.access.class))
            }
            _ => false,
        }
    }

    /// An object is given back: stores to it are never made, and others that may be to it are made before.
    /// Its memory is kept for an object that may be made later.
    fn free(cx: &mut Cx, free: &Pending) -> Rewrite {
        let freed = Freed::of(cx, free);
        cx.delayed.stores.retain(|store| !freed.has(&store.access));
        Delayed::make_seen(cx, |cx, access| freed.may_see(cx, access));
        let contents = std::mem::take(&mut cx.delayed.contents);
        match freed.spare {
            Some((bytes, align)) if freed.can_wait(cx) => {
                let (address, opcode) = (free.args[0], free.opcode);
                cx.delayed.spares.push(Spare { address, opcode, bytes, align, contents });
                Rewrite::delayed()
            }
            _ => Rewrite::Keep,
        }
    }

    /// Makes the stores that an access may see.
    fn make_overlapping(cx: &mut Cx, access: &Access) {
        Delayed::make_seen(cx, |cx, store| store.may_overlap(cx, access));
    }

    /// Makes the stores that something may see, and the earlier ones that these may overlap.
    fn make_seen(cx: &mut Cx, may_see: impl Fn(&Cx, &Access) -> bool) {
        let stores = &cx.delayed.stores;
        // In a preheader there may be more than [`MAX_DELAYED`].
        let mut chosen: SmallVec<[bool; MAX_DELAYED + 1]> =
            SmallVec::from_elem(false, stores.len());
        for at in (0..stores.len()).rev() {
            let before = |later: usize| stores[at].access.may_overlap(cx, &stores[later].access);
            chosen[at] = may_see(cx, &stores[at].access)
                || (at + 1..stores.len()).any(|later| chosen[later] && before(later));
        }
        if chosen.contains(&true) {
            Delayed::make_chosen(cx, &chosen);
        }
    }

    fn make_chosen(cx: &mut Cx, chosen: &[bool]) {
        let stores = std::mem::take(&mut cx.delayed.stores);
        let (made, kept): (Vec<_>, Vec<_>) =
            stores.into_iter().enumerate().partition(|&(at, _)| chosen[at]);
        cx.delayed.stores = kept.into_iter().map(|(_, store)| store).collect();
        made.into_iter().for_each(|(_, store)| Delayed::make(cx, store));
    }

    fn add(cx: &mut Cx, mut store: Store) {
        let stores = &mut cx.delayed.stores;
        if let Some(at) = stores.iter().position(|it| it.access.is_at(&store.access)) {
            store.in_memory = stores.remove(at).in_memory;
        }
        if store.in_memory == Some(store.value()) {
            return;
        }
        Delayed::overwritten(cx, &store.access);
        cx.delayed.stores.push(store);
        if MAX_DELAYED < cx.delayed.stores.len() && !cx.is_preheader() {
            let oldest = cx.delayed.stores.remove(0);
            Delayed::make(cx, oldest);
        }
    }
}

/// An object that is given back.
struct Freed {
    start: Address,
    class: u32,
    /// Size and alignment, which are constants.
    spare: Option<(u32, u32)>,
}

impl Freed {
    fn of(cx: &Cx, free: &Pending) -> Freed {
        let number = |at: usize| {
            let c = cx.as_const(free.args[at])?;
            u32::try_from(c.bits).ok()
        };
        let bytes = number(1).map(|bytes| bytes as usize);
        Freed {
            start: Address::of_object(cx, free.args[0]),
            class: MemDescr::class_of_allocation(free.opcode, bytes),
            spare: number(1).zip(number(2)),
        }
    }

    /// Whether it need not be given back at once.
    fn can_wait(&self, cx: &Cx) -> bool {
        self.spare.is_some() && cx.delayed.spares.len() < MAX_SPARES
    }

    fn has(&self, access: &Access) -> bool {
        access.address.root == self.start.root && access.address.offset >= self.start.offset
    }

    /// Whether an access to something else, as far as one can tell, may be to it.
    fn may_see(&self, cx: &Cx, access: &Access) -> bool {
        let span = |(bytes, _): (u32, u32)| Span { start: self.start, len: bytes.into() };
        let is_apart = |spare| cx.ranges().are_apart(cx, &span(spare), &access.span());
        !MemDescr::are_apart(self.class, access.class)
            && !self.has(access)
            && !self.spare.is_some_and(is_apart)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Delay;

impl Family for Delay {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        if cx.is_preheader() && Delayed::must_happen_before(cx, op) {
            return Err(Contradiction);
        }
        match op.opcode.effect() {
            Effect::Store => {
                let access = Access::new(cx, op, &cx.new_trace().mems[op.descr as usize]);
                let (opcode, mem, args) = (op.opcode, op.descr, SmallVec::from_slice(&op.args));
                Delayed::add(cx, Store { opcode, mem, args, access, in_memory: op.before });
                return Ok(Rewrite::delayed());
            }
            Effect::Load if !cx.delayed.stores.is_empty() => {
                let mem = &cx.new_trace().mems[op.descr as usize];
                if !mem.frozen {
                    let access = Access::new(cx, op, mem);
                    Delayed::make_overlapping(cx, &access);
                }
            }
            _ if op.opcode.is_call() => {
                let apart = cx.new_trace().calls[op.descr as usize].apart;
                Delayed::make_seen(cx, |_, access| !apart.has(access.class));
            }
            Effect::Alloc if op.opcode.frees() => return Ok(Delayed::free(cx, op)),
            Effect::Forget => {
                let access = Access::new(cx, op, &cx.new_trace().mems[op.descr as usize]);
                cx.delayed.stores.retain(|store| !store.access.is_at(&access));
                return Ok(Rewrite::gone());
            }
            _ if op.opcode.is_final() => Delayed::make_all(cx),
            _ if op.opcode == Opcode::DebugMergePoint => cx.delayed.see_merge_point(),
            _ => {}
        }
        Ok(Rewrite::Keep)
    }

    fn forget(&mut self, cx: &mut Cx) {
        Delayed::make_all(cx);
        cx.delayed.no_way_back();
        cx.delayed.starts_at_merge_point = true;
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(*self)
    }
}
