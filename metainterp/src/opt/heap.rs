//! Pass `heap`: what was loaded or stored is not loaded again, and stores that nobody sees go.
//!
//! The rules
//! - A load takes the value that the last load or store at its address gave, if that has the same type
//!   and nothing since may have changed it.
//! - A load of another type becomes what makes a value of that type of it, if that is one operation: a cast, or
//!   the low bits.
//! - A store of the value that is already there goes.
//! - A store goes if a later one covers it, and nothing between can see it: no load that may read
//!   it, no guard (memory at exits is exact), no call, no label.
//! - Frozen loads are known for good.
//!
//! What may overlap: accesses with the same [`Root`] have a known distance, so exactly those whose
//! bytes do. Accesses with different roots may, unless their classes are apart ([`MemDescr::are_apart`]), or
//! they have the same base and what is known of their indices keeps them apart ([`super::ranges`]):
//! `stack[2]` is not `stack[len]` where `len` is at least 3. A residual call may read and write everything but frozen memory, or
//! only read it if it says so; `call_pure` does nothing to it.
//!
//! How this stays linear: nothing is searched for what a store invalidates. Each piece of knowledge
//! has the time it is from, and each class its last accesses through a few roots ([`LastAccesses`]);
//! comparing times says whether the knowledge still holds. Only overlaps with the
//! same root are looked for, and those lie within a few words ([`Heap::words`]).
//!
//! Why no invalidation by walking over what is known: that is quadratic for a trace that stores to
//! many places.

use super::address::{Address, Root};
use super::delay::Contents;
use super::ranges::Span;
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use crate::ir::{Classes, Const, Effect, MemDescr, Opcode, Operand, Ty};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

/// The number of a [`Root`] that was met. Tables have it as key, which is an eighth of the size.
type RootId = u32;

/// Bytes at a known distance from a root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    root: RootId,
    offset: i64,
}

/// A moment: how many accesses, guards and calls there have been, this one included. 0 is before the
/// trace.
type Time = u32;

/// What is known about one place in memory.
#[derive(Debug, Clone, Copy)]
struct Cell {
    offset: i64,
    ty: Ty,
    class: u32,
    /// What it holds, if nothing has changed it since `time`.
    value: Operand,
    time: Time,
    /// The operation that stored it at `time`, if no load through the same root can have seen it.
    unseen_store: Option<u32>,
    /// What it held when the trace first looked, if it did before it wrote there.
    first: Option<Operand>,
}

impl Cell {
    /// Nothing is known yet.
    fn of(place: Place, mem: &MemDescr) -> Cell {
        Cell {
            offset: place.offset,
            ty: mem.ty,
            class: mem.class,
            value: Operand::constant(0),
            time: 0,
            unseen_store: None,
            first: None,
        }
    }
}

/// A place in memory and what it is known to hold now.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownPlace {
    pub address: Address,
    pub ty: Ty,
    pub class: u32,
    pub value: Operand,
    /// What it held when the trace first looked, if it did before it wrote there.
    pub first: Option<Operand>,
}

impl KnownPlace {
    /// The operation that says what the place holds, with its operands, where one can.
    pub fn assumption(&self) -> Option<(Opcode, SmallVec<[Operand; 3]>, MemDescr)> {
        let KnownPlace { address, ty, class, value, .. } = *self;
        let offset = i32::try_from(address.offset).ok()?;
        let (base, index) = address.base_and_index()?;
        let (opcode, scale, operands) = match index {
            None => (Opcode::AssumeField, 0, smallvec![base, value]),
            Some((index, scale)) => {
                (Opcode::AssumeArrayItem, u32::try_from(scale).ok()?, smallvec![base, index, value])
            }
        };
        Some((opcode, operands, MemDescr { ty, offset, scale, class, frozen: false }))
    }
}

/// The last access of a kind, and the last one before it that had another root.
#[derive(Debug, Clone, Copy, Default)]
struct LastAccess {
    root: RootId,
    time: Time,
    other: Time,
}

impl LastAccess {
    fn note(&mut self, root: RootId, time: Time) {
        if self.root != root {
            *self = LastAccess { root, time, other: self.time };
        }
        self.time = time;
    }

    /// The time of the last access through a root other than `root`.
    fn through_others(&self, root: RootId) -> Time {
        if self.root == root { self.other } else { self.time }
    }
}

/// The accesses through one root, as one.
#[derive(Debug, Clone, Copy)]
struct RootAccess {
    root: RootId,
    /// Offsets of the first byte and of that behind the last.
    bytes: (i64, i64),
    time: Time,
}

/// How many roots are remembered with what is accessed through them.
const MAX_ROOTS: usize = 4;

/// The last accesses through a few roots.
#[derive(Debug, Default, Clone)]
struct LastAccesses {
    roots: SmallVec<[RootAccess; MAX_ROOTS]>,
    /// Those through others, which were before.
    older: LastAccess,
}

impl LastAccesses {
    fn note(&mut self, Place { root, offset }: Place, len: u32, time: Time) {
        let end = offset.saturating_add(len.into());
        if let Some(known) = self.roots.iter_mut().find(|it| it.root == root) {
            known.bytes = (offset.min(known.bytes.0), end.max(known.bytes.1));
            known.time = time;
            return;
        }
        if self.roots.len() == MAX_ROOTS {
            let oldest = (0..MAX_ROOTS).min_by_key(|&at| self.roots[at].time);
            let oldest = self.roots.swap_remove(oldest.expect("there are some"));
            self.older.note(oldest.root, oldest.time);
        }
        self.roots.push(RootAccess { root, bytes: (offset, end), time });
    }

    fn last_overlap(&self, root: RootId, apart: &impl Fn(&RootAccess) -> bool) -> Time {
        let others = self.roots.iter().filter(|it| it.root != root && !apart(it));
        others.map(|it| it.time).max().unwrap_or(0).max(self.older.through_others(root))
    }
}

/// Accesses of one kind, by class.
#[derive(Debug, Default, Clone)]
struct Accesses {
    by_class: FxHashMap<u32, LastAccesses>,
    /// Those of buffers that have a class of their own.
    named: LastAccesses,
    all: LastAccesses,
}

impl Accesses {
    fn note(&mut self, class: u32, place: Place, len: u32, time: Time) {
        self.by_class.entry(class).or_default().note(place, len, time);
        if class >= MemDescr::FIRST_NAMED_BUFFER {
            self.named.note(place, len, time);
        }
        self.all.note(place, len, time);
    }

    /// The time of the last access of what may overlap memory of `class` that is not apart from it.
    fn last_overlap(&self, class: u32, root: RootId, apart: &impl Fn(&RootAccess) -> bool) -> Time {
        if class == 0 {
            return self.all.last_overlap(root, apart);
        }
        let of = |class| self.by_class.get(&class).map_or(0, |last| last.last_overlap(root, apart));
        let last = of(class).max(of(0));
        // As `MemDescr::are_apart` says.
        match class {
            MemDescr::BOXED | MemDescr::OBJECT => {
                let boxed = MemDescr::FIRST_BOXED..=MemDescr::BOXED;
                boxed.map(of).fold(last.max(of(MemDescr::OBJECT)), Time::max)
            }
            _ if MemDescr::is_boxed(class) => {
                last.max(of(MemDescr::BOXED)).max(of(MemDescr::OBJECT))
            }
            MemDescr::BUFFER => {
                last.max(of(MemDescr::OBJECT_BUFFER)).max(self.named.last_overlap(root, apart))
            }
            MemDescr::OBJECT_BUFFER | MemDescr::FIRST_NAMED_BUFFER.. => {
                last.max(of(MemDescr::BUFFER))
            }
            _ => last,
        }
    }
}

#[derive(Default, Clone)]
pub(super) struct Heap {
    /// By root and offset / 8: the places that start there.
    words: FxHashMap<(RootId, i64), Cells>,
    frozen: FxHashMap<(RootId, i64, Ty), Operand>,
    roots: FxHashMap<Root, RootId>,
    stores: Accesses,
    loads: Accesses,
    now: Time,
    /// The last residual call, by what it was apart from: of such sets there are few.
    calls: SmallVec<[(Classes, Time); 2]>,
    /// The last operation at which memory must be as the program left it.
    observed: Time,
    /// The access that is being rewritten.
    current: Place,
    /// Places that were accessed, the last ones last, each once.
    recent: SmallVec<[(Place, Ty); MAX_RECENT]>,
    /// By [`RootId`], from 1.
    by_id: Vec<Root>,
    /// In a preheader: what objects held that are given back. They are not, for nothing happens there.
    freed: Vec<KnownPlace>,
}

/// How many places are remembered in the order of their accesses.
const MAX_RECENT: usize = 16;

type Cells = SmallVec<[Cell; 1]>;

impl Family for Heap {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        let effect = op.opcode.effect();
        if op.opcode.frees() && !cx.is_preheader() {
            cx.delayed.contents = self.contents(cx, op);
        }
        if !matches!(effect, Effect::Load | Effect::Store) && !op.opcode.assumes_memory() {
            return Ok(Rewrite::Keep);
        }
        let mem = &cx.new_trace().mems[op.descr as usize];
        self.current = self.place(Address::of(cx, op, mem));
        if !mem.frozen {
            self.touch(self.current, mem.ty);
        }
        let known = self.known(cx, self.current, mem).map(|known| cx.resolve(known));
        if known.is_none() && effect == Effect::Load {
            return Ok(self.load_as_other_type(cx, op));
        }
        op.before = known.filter(|_| effect == Effect::Store);
        Ok(match (known, effect) {
            (Some(value), Effect::Load) => Rewrite::is(value),
            (Some(_), Effect::Debug) => Rewrite::gone(),
            (Some(value), _) if op.args.last() == Some(&value) => Rewrite::gone(),
            _ => Rewrite::Keep,
        })
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        self.now += 1;
        let now = self.now;
        match (op.opcode, op.opcode.effect()) {
            (_, Effect::Load) => self.loaded(cx, op, res, now),
            (_, Effect::Store) => self.stored(cx, op, now),
            (Opcode::AssumeField | Opcode::AssumeArrayItem, _) => {
                let value = *op.args.last().expect("what it holds");
                self.holds(cx, op, value, now);
            }
            (_, Effect::Guard) => self.observed = now,
            (opcode, _) if opcode.frees() => self.freed(cx, op, now),
            (Opcode::Call | Opcode::CallAssembler, _) => {
                let call = &cx.new_trace().calls[op.descr as usize];
                match call.reads_only {
                    true => self.observed = now,
                    false => self.called(call.apart, now),
                }
            }
            _ => {}
        }
    }

    fn forget(&mut self, _: &mut Cx) {
        *self = Heap::default();
    }

    fn known_places(&self, cx: &Cx) -> Vec<KnownPlace> {
        let mut places = Vec::new();
        for (&(root, _), cells) in &self.words {
            for cell in cells.iter().filter(|cell| self.is_valid(cx, root, cell)) {
                let address = self.address(Place { root, offset: cell.offset });
                let Cell { ty, class, value, first, .. } = *cell;
                places.push((root, KnownPlace { address, ty, class, value, first }));
            }
        }
        // In an order that does not depend on the table's.
        places.sort_by_key(|(root, it)| (*root, it.address.offset, it.ty, it.class));
        let places = places.into_iter().map(|(_, place)| place);
        self.freed.iter().copied().chain(places).collect()
    }

    fn recent_places(&self, cx: &Cx, places: &mut Vec<KnownPlace>) {
        for &(place, ty) in self.recent.iter().rev() {
            let Some(cells) = self.words.get(&(place.root, place.offset >> 3)) else { continue };
            let cell = cells.iter().find(|cell| cell.offset == place.offset && cell.ty == ty);
            if let Some(cell) = cell.filter(|cell| self.is_valid(cx, place.root, cell)) {
                let (address, Cell { class, value, first, .. }) = (self.address(place), *cell);
                places.push(KnownPlace { address, ty, class, value, first });
            }
        }
    }

    fn value_at(&self, cx: &Cx, place: &KnownPlace) -> Option<Operand> {
        let root = *self.roots.get(&place.address.root)?;
        let cells = self.words.get(&(root, place.address.offset >> 3))?;
        let is_it = |cell: &&Cell| {
            (cell.offset, cell.ty, cell.class) == (place.address.offset, place.ty, place.class)
        };
        cells.iter().find(is_it).filter(|cell| self.is_valid(cx, root, cell)).map(|cell| cell.value)
    }

    fn enter_loop(&mut self, places: &[KnownPlace]) {
        self.now += 1;
        let time = self.now;
        self.words.clear();
        self.freed.clear();
        for place in places {
            let KnownPlace { address, ty, class, value, .. } = *place;
            let Place { root, offset } = self.place(address);
            let cell = Cell { offset, ty, class, value, time, unseen_store: None, first: None };
            self.words.entry((root, offset >> 3)).or_default().push(cell);
        }
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(self.clone())
    }
}

/// What the first bytes of a value are as another type.
enum Part {
    Constant(Const),
    /// What this operation makes of the value.
    By(Opcode),
}

impl Part {
    /// Nothing if it takes more than one operation, or may not be such a value: not every byte is a `bool`.
    fn of(cx: &Cx, value: Operand, to: Ty) -> Option<Part> {
        let from = cx.ty(value);
        if from == Ty::Bool || to == Ty::Bool || cx.is_virtual(value) {
            return None;
        }
        if let Some(c) = cx.as_const(value) {
            return Some(Part::Constant(Const::new(to, c.bits & to.mask())));
        }
        let opcode = match (from, to) {
            (Ty::Ptr, Ty::I64) => Opcode::CastPtrToInt,
            (Ty::I64, Ty::Ptr) => Opcode::CastIntToPtr,
            (Ty::F64, Ty::I64) | (Ty::F32, Ty::I32) => Opcode::ConvertFloatBytesToInt,
            (Ty::I64, Ty::F64) | (Ty::I32, Ty::F32) => Opcode::ConvertIntBytesToFloat,
            _ if from.is_int() && to.is_int() && to.bytes() < from.bytes() => Opcode::IntTrunc,
            _ => return None,
        };
        Some(Part::By(opcode))
    }
}

impl Heap {
    fn place(&mut self, Address { root, offset }: Address) -> Place {
        // 0 is no root, so that the first one differs from that of `LastAccess::default()`.
        let by_id = &mut self.by_id;
        let root = *self.roots.entry(root).or_insert_with(|| {
            by_id.push(root);
            by_id.len() as RootId
        });
        Place { root, offset }
    }

    fn address(&self, Place { root, offset }: Place) -> Address {
        Address { root: self.by_id[root as usize - 1], offset }
    }

    /// The value at a place.
    fn known(&self, cx: &Cx, place: Place, mem: &MemDescr) -> Option<Operand> {
        let Place { root, offset } = place;
        if mem.frozen {
            return self.frozen.get(&(root, offset, mem.ty)).copied();
        }
        let cells = self.words.get(&(root, offset >> 3))?;
        let cell = cells.iter().find(|cell| cell.offset == offset && cell.ty == mem.ty)?;
        self.is_valid(cx, root, cell).then_some(cell.value)
    }

    /// A load of what is known to be there as a value of another type, such as a pointer that was stored as
    /// a word.
    fn load_as_other_type(&self, cx: &mut Cx, op: &mut Pending) -> Rewrite {
        let mem = &cx.new_trace().mems[op.descr as usize];
        let (Place { root, offset }, to) = (self.current, mem.ty);
        let cells = self.words.get(&(root, offset >> 3)).filter(|_| !mem.frozen);
        let fits = |cell: &&Cell| cell.offset == offset && to.bytes() <= cell.ty.bytes();
        let found = cells.into_iter().flatten().filter(fits).find_map(|cell| {
            let value = cx.resolve(cell.value);
            let part = Part::of(cx, value, to)?;
            self.is_valid(cx, root, cell).then_some((part, value))
        });
        match found {
            None => Rewrite::Keep,
            Some((Part::Constant(c), _)) => Rewrite::is(cx.constant(c)),
            Some((Part::By(opcode), value)) => {
                op.descr = 0;
                op.become_op(opcode, &[value])
            }
        }
    }

    /// Whether the place still holds what it did.
    fn is_valid(&self, cx: &Cx, root: RootId, cell: &Cell) -> bool {
        self.last_call(cell.class) <= cell.time
            && self.last_overlap(cx, &self.stores, root, cell) <= cell.time
    }

    /// When a cell was last accessed through another root than its own, as far as one can tell, if that
    /// was since its time.
    fn last_overlap(&self, cx: &Cx, accesses: &Accesses, root: RootId, cell: &Cell) -> Time {
        let start = self.address(Place { root, offset: cell.offset });
        let span = Span { start, len: cell.ty.bytes().into() };
        accesses.last_overlap(cell.class, root, &|it| {
            it.time <= cell.time || {
                let start = self.address(Place { root: it.root, offset: it.bytes.0 });
                let len = it.bytes.1.wrapping_sub(it.bytes.0) as u64;
                cx.ranges().are_apart(cx, &span, &Span { start, len })
            }
        })
    }

    /// What is in memory of an object that is given back.
    fn contents(&self, cx: &Cx, op: &Pending) -> Contents {
        let mut contents = Contents::new();
        let Address { root, offset } = Address::of_object(cx, op.args[0]);
        let (Some(&root), Some(bytes)) = (self.roots.get(&root), cx.as_const(op.args[1])) else {
            return contents;
        };
        for word in offset >> 3..=(offset.wrapping_add(bytes.bits as i64) >> 3) {
            let Some(cells) = self.words.get(&(root, word)) else { continue };
            for cell in cells.iter().filter(|cell| self.is_valid(cx, root, cell)) {
                let start = self.address(Place { root, offset: cell.offset });
                let span = Span { start, len: cell.ty.bytes().into() };
                let in_memory = cx.delayed.in_memory_at(cx, &span);
                if let Some(value) = in_memory.unwrap_or(Some(cell.value)) {
                    contents.push((cell.offset - offset, cell.ty, value));
                }
            }
        }
        contents
    }

    /// Nothing is known any more of what may be in memory that is given back.
    fn freed(&mut self, cx: &Cx, op: &Pending, now: Time) {
        let object = self.place(Address::of_object(cx, op.args[0]));
        let bytes = cx.as_const(op.args[1]).map_or(0, |c| c.bits as i64);
        for word in object.offset >> 3..=(object.offset.wrapping_add(bytes) >> 3) {
            let cells = self.words.remove(&(object.root, word)).unwrap_or_default();
            for cell in cells.iter().filter(|cell| cell.first.is_some() && cx.is_preheader()) {
                let address = self.address(Place { root: object.root, offset: cell.offset });
                let Cell { ty, class, value, first, .. } = *cell;
                self.freed.push(KnownPlace { address, ty, class, value, first });
            }
        }
        let known = (bytes != 0).then_some(bytes as usize);
        let class = MemDescr::class_of_allocation(op.opcode, known);
        self.stores.note(class, object, bytes as u32, now);
    }

    fn called(&mut self, apart: Classes, now: Time) {
        match self.calls.iter_mut().find(|(of, _)| *of == apart) {
            Some((_, last)) => *last = now,
            None => self.calls.push((apart, now)),
        }
    }

    /// The time of the last call that memory of a class is not safe from.
    fn last_call(&self, class: u32) -> Time {
        let calls = self.calls.iter().filter(|(apart, _)| !apart.has(class));
        calls.map(|&(_, time)| time).max().unwrap_or(0)
    }

    fn first(&self, place: Place, mem: &MemDescr) -> Option<Option<Operand>> {
        let cells = self.words.get(&(place.root, place.offset >> 3))?;
        let cell = cells.iter().find(|cell| cell.offset == place.offset && cell.ty == mem.ty)?;
        Some(cell.first)
    }

    fn loaded(&mut self, cx: &Cx, op: &Pending, res: Option<Operand>, now: Time) {
        let mem = &cx.new_trace().mems[op.descr as usize];
        let Place { root, offset } = self.current;
        let value = res.expect("a load has a result");
        if mem.frozen {
            self.frozen.insert((root, offset, mem.ty), value);
            return;
        }
        self.loads.note(mem.class, self.current, mem.ty.bytes(), now);
        self.for_overlapping(self.current, mem, |cells, at| cells[at].unseen_store = None);
        self.holds(cx, op, value, now);
    }

    fn holds(&mut self, cx: &Cx, op: &Pending, value: Operand, now: Time) {
        let mem = &cx.new_trace().mems[op.descr as usize];
        let first = self.first(self.current, mem).unwrap_or(Some(value));
        let of = Cell::of(self.current, mem);
        self.set(self.current, mem, Cell { value, time: now, first, ..of });
    }

    fn touch(&mut self, place: Place, ty: Ty) {
        if self.recent.last() == Some(&(place, ty)) {
            return;
        }
        match self.recent.iter().position(|&it| it == (place, ty)) {
            Some(at) => self.recent[at..].rotate_left(1),
            None if self.recent.len() < MAX_RECENT => self.recent.push((place, ty)),
            None => {
                self.recent[0] = (place, ty);
                self.recent.rotate_left(1);
            }
        }
    }

    fn stored(&mut self, cx: &mut Cx, op: &Pending, now: Time) {
        let mem = cx.new_trace().mems[op.descr as usize].clone();
        let value = *op.args.last().expect("a store has a value");
        if let Some(store) = self.covered_store(cx, self.current, &mem) {
            cx.mark_dead(store);
        }
        self.stores.note(mem.class, self.current, mem.ty.bytes(), now);
        let first = self.first(self.current, &mem).flatten();
        self.for_overlapping(self.current, &mem, |cells, at| {
            cells.swap_remove(at);
        });
        let unseen_store = (!op.is_delayed).then(|| cx.n_ops() - 1);
        let of = Cell::of(self.current, &mem);
        self.set(self.current, &mem, Cell { value, time: now, unseen_store, first, ..of });
    }

    /// The store that a store to the same place makes needless.
    fn covered_store(&self, cx: &Cx, place: Place, mem: &MemDescr) -> Option<u32> {
        let cells = self.words.get(&(place.root, place.offset >> 3))?;
        let covered =
            |cell: &&Cell| cell.offset == place.offset && cell.ty.bytes() == mem.ty.bytes();
        let cell = cells.iter().filter(|cell| cell.unseen_store.is_some()).find(covered)?;
        let observed = self.observed.max(self.last_call(cell.class));
        let seen = self.last_overlap(cx, &self.loads, place.root, cell).max(observed);
        cell.unseen_store.filter(|_| seen < cell.time)
    }

    fn set(&mut self, place: Place, mem: &MemDescr, cell: Cell) {
        let Place { root, offset } = place;
        let cells = self.words.entry((root, offset >> 3)).or_default();
        match cells.iter_mut().find(|cell| cell.offset == offset && cell.ty == mem.ty) {
            Some(place) => *place = cell,
            None => cells.push(cell),
        }
    }

    /// Calls `f` for each place known under the same root of which an access may touch a byte.
    /// `f` may remove it.
    fn for_overlapping(
        &mut self,
        place: Place,
        mem: &MemDescr,
        mut f: impl FnMut(&mut Cells, usize),
    ) {
        let Place { root, offset } = place;
        let end = offset.wrapping_add(i64::from(mem.ty.bytes()));
        let may_overlap = |cell: &Cell| {
            let apart = MemDescr::are_apart(cell.class, mem.class);
            // Distances, so that it does not matter where the address space wraps.
            let before = cell.offset.wrapping_sub(end) < 0;
            let after = offset.wrapping_sub(cell.offset) < i64::from(cell.ty.bytes());
            before && after && !apart
        };
        // A place of at most 8 bytes that reaches into the access starts at most 7 bytes before it.
        for word in (offset.wrapping_sub(7) >> 3)..=(end.wrapping_sub(1) >> 3) {
            let Some(cells) = self.words.get_mut(&(root, word)) else { continue };
            for at in (0..cells.len()).rev() {
                if may_overlap(&cells[at]) {
                    f(cells, at);
                }
            }
        }
    }
}
