//! What is in memory, as far as the recording knows it.
//!
//! A load that was recorded already, or of what was stored, is not recorded again. That is work for the
//! optimizer too; the recorder needs it for something else: what it knows to be constant folds, and a
//! promoted `self.pc` must be constant for the next read of `self.pc`.
//!
//! The rules are those of the optimizer's pass `heap`: places with the same base, index and scale have a
//! known distance; others may overlap, unless their classes are apart; a residual
//! call may change everything but the classes that it is apart from.
//!
//! Invariant: steps and saved results do not depend on what is in here. A known load makes its entry in
//! the region's results like any other.
//!
//! Why a list and not a table? A store looks at every entry in any case, and [`CAPACITY`] of them are few.

use super::{Arg, Lane};
use crate::ir::{Classes, Const, MemDescr, Ty};

/// Places that are remembered. Enough for the fields that an opcode handler uses; the oldest is forgotten.
const CAPACITY: usize = 32;

/// A word, as far as the trace knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    lane: Lane,
    /// Of a constant; otherwise 0.
    bits: u64,
}

impl Word {
    const ZERO: Word = Word { lane: Lane::CONST, bits: 0 };

    fn of(arg: Arg) -> Word {
        let bits = if arg.lane.is_const() { arg.bits } else { 0 };
        Word { lane: arg.lane, bits }
    }

    fn promote(&mut self, lane: Lane, bits: u64) {
        if self.lane == lane {
            *self = Word { lane: Lane::CONST, bits };
        }
    }
}

/// What an address is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Root {
    base: Word,
    /// Zero if there is none, and then `scale` is 0.
    index: Word,
    scale: u32,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    root: Root,
    offset: i32,
    ty: Ty,
    class: u32,
    lane: Lane,
    bits: u64,
}

impl Cell {
    fn new(base: Arg, index: Option<Arg>, descr: &MemDescr, value: Arg) -> Cell {
        let index = index.map_or(Word::ZERO, Word::of);
        let root = Root { base: Word::of(base), index, scale: descr.scale };
        let MemDescr { ty, offset, class, .. } = *descr;
        Cell { root, offset, ty, class, lane: value.lane, bits: value.bits }
    }

    fn is_at(&self, other: &Cell) -> bool {
        self.offset == other.offset && self.root == other.root && self.ty == other.ty
    }

    fn may_overlap(&self, other: &Cell) -> bool {
        if MemDescr::are_apart(self.class, other.class) {
            return false;
        }
        let end = |cell: &Cell| i64::from(cell.offset) + i64::from(cell.ty.bytes());
        self.root != other.root
            || (i64::from(self.offset) < end(other) && i64::from(other.offset) < end(self))
    }
}

/// See the module documentation.
#[derive(Debug, Default)]
pub(super) struct HeapCache {
    cells: Vec<Cell>,
}

impl HeapCache {
    /// The lane of what a load gives, if it is known to give `res`.
    pub fn load(
        &self,
        base: Arg,
        index: Option<Arg>,
        descr: &MemDescr,
        res: Const,
    ) -> Option<Lane> {
        let wanted = Cell::new(base, index, descr, Arg::of(Lane::CONST, res));
        let found = self.cells.iter().rev().find(|cell| cell.is_at(&wanted))?;
        debug_assert_eq!(found.bits, res.bits, "what the recorder knows of memory: {found:?}");
        (found.bits == res.bits).then_some(found.lane)
    }

    /// A load gave this, of what was not known.
    pub fn loaded_new(&mut self, base: Arg, index: Option<Arg>, descr: &MemDescr, value: Arg) {
        self.add(Cell::new(base, index, descr, value));
    }

    /// A load gave this.
    pub fn loaded(&mut self, base: Arg, index: Option<Arg>, descr: &MemDescr, value: Arg) {
        if !descr.frozen {
            self.remember(Cell::new(base, index, descr, value));
        }
    }

    /// This is stored.
    pub fn stored(&mut self, base: Arg, index: Option<Arg>, descr: &MemDescr, value: Arg) {
        let stored = Cell::new(base, index, descr, value);
        // What is at the same place overlaps too.
        self.cells.retain(|cell| !cell.may_overlap(&stored));
        self.add(stored);
    }

    fn remember(&mut self, cell: Cell) {
        match self.cells.iter_mut().find(|known| known.is_at(&cell)) {
            Some(known) => *known = cell,
            None => self.add(cell),
        }
    }

    fn add(&mut self, cell: Cell) {
        if self.cells.len() == CAPACITY {
            self.cells.remove(0);
        }
        self.cells.push(cell);
    }

    /// The value of this lane is that constant from here on.
    pub fn promoted(&mut self, lane: Lane, bits: u64) {
        debug_assert!(!lane.is_const(), "a constant is not promoted");
        for cell in &mut self.cells {
            if cell.lane == lane {
                cell.lane = Lane::CONST;
            }
            cell.root.base.promote(lane, bits);
            cell.root.index.promote(lane, bits);
        }
    }

    /// Memory at an address was given back. What else is known holds: if something of it was in that
    /// memory, nobody looks there any more.
    pub fn freed(&mut self, address: Arg) {
        let base = Word::of(address);
        self.cells.retain(|cell| cell.root.base != base);
    }

    /// A residual call was made.
    pub fn called(&mut self, apart: Classes) {
        self.cells.retain(|cell| apart.has(cell.class));
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        self.cells.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ValueId;

    fn lane(n: u32) -> Lane {
        Lane::of(ValueId(n))
    }

    fn pointer(n: u32) -> Arg {
        Arg::new(lane(n), Ty::Ptr, 0x1000 * u64::from(n + 1))
    }

    fn word(n: u32, bits: u64) -> Arg {
        Arg::new(lane(n), Ty::I64, bits)
    }

    fn at(offset: i32, class: u32) -> MemDescr {
        MemDescr { ty: Ty::I64, offset, scale: 0, class, frozen: false }
    }

    fn known(cache: &HeapCache, base: Arg, descr: &MemDescr, bits: u64) -> Option<Lane> {
        cache.load(base, None, descr, Const::new(descr.ty, bits))
    }

    // B180: reads are not repeated, writes update, another object may be the same one.
    #[test]
    fn stores_change_what_they_may_reach() {
        let mut cache = HeapCache::default();
        cache.loaded(pointer(0), None, &at(8, 0), word(1, 5));
        cache.loaded(pointer(0), None, &at(16, 0), word(2, 6));
        assert_eq!(known(&cache, pointer(0), &at(8, 0), 5), Some(lane(1)));
        assert_eq!(known(&cache, pointer(3), &at(8, 0), 5), None);
        cache.stored(pointer(0), None, &at(8, 0), word(4, 7));
        assert_eq!(known(&cache, pointer(0), &at(8, 0), 7), Some(lane(4)));
        assert_eq!(known(&cache, pointer(0), &at(16, 0), 6), Some(lane(2)));
        cache.stored(pointer(3), None, &at(100, 0), word(4, 7));
        assert_eq!(known(&cache, pointer(0), &at(16, 0), 6), None);
    }

    #[test]
    fn classes_are_apart() {
        let mut cache = HeapCache::default();
        cache.loaded(pointer(0), None, &at(8, 2), word(1, 5));
        cache.stored(pointer(3), None, &at(8, 1), word(4, 7));
        assert_eq!(known(&cache, pointer(0), &at(8, 2), 5), Some(lane(1)));
        cache.stored(pointer(3), None, &at(8, 0), word(4, 7));
        assert_eq!(known(&cache, pointer(0), &at(8, 2), 5), None);
    }

    #[test]
    fn calls_change_what_they_are_not_apart_from() {
        let mut cache = HeapCache::default();
        cache.loaded(pointer(0), None, &at(8, 2), word(1, 5));
        cache.loaded(pointer(3), None, &at(8, 0), word(2, 6));
        cache.called(Classes::NONE.with(2));
        assert_eq!(known(&cache, pointer(0), &at(8, 2), 5), Some(lane(1)));
        assert_eq!(known(&cache, pointer(3), &at(8, 0), 6), None);
        cache.called(Classes::NONE.with(3));
        assert_eq!(known(&cache, pointer(0), &at(8, 2), 5), None);
    }

    #[test]
    fn a_part_of_a_word_is_not_the_word() {
        let mut cache = HeapCache::default();
        cache.loaded(pointer(0), None, &at(8, 0), word(1, 5));
        let byte = MemDescr { ty: Ty::I8, ..at(15, 0) };
        assert_eq!(known(&cache, pointer(0), &MemDescr { ty: Ty::I8, ..at(8, 0) }, 5), None);
        cache.stored(pointer(0), None, &byte, Arg::new(lane(4), Ty::I8, 7));
        assert_eq!(known(&cache, pointer(0), &at(8, 0), 5), None);
    }

    #[test]
    fn promotion_reaches_values_and_addresses() {
        let mut cache = HeapCache::default();
        let frame = Arg::new(lane(1), Ty::Ptr, 0x5000);
        cache.loaded(pointer(0), None, &at(8, 0), frame);
        cache.loaded(frame, None, &at(0, 0), word(2, 9));
        cache.promoted(lane(1), 0x5000);
        assert_eq!(known(&cache, pointer(0), &at(8, 0), 0x5000), Some(Lane::CONST));
        let constant = Arg::constant(Ty::Ptr, 0x5000);
        assert_eq!(known(&cache, constant, &at(0, 0), 9), Some(lane(2)));
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let mut cache = HeapCache::default();
        for n in 0..=CAPACITY as i32 {
            cache.loaded(pointer(0), None, &at(8 * n, 0), word(1, 5));
        }
        assert_eq!(known(&cache, pointer(0), &at(0, 0), 5), None);
        assert_eq!(known(&cache, pointer(0), &at(8, 0), 5), Some(lane(1)));
    }
}
