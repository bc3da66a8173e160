//! Which parts of the code memory are free: best fit, with neighbours merged.
//!
//! Best fit, because traces come in all sizes and live for different times, and because code memory
//! is scarce in the way that counts: instruction caches and near calls. Two ordered sets make every
//! operation logarithmic.
//!
//! Invariants
//! 1. Free ranges do not overlap and do not touch each other.
//! 2. Offsets and lengths are multiples of [`GRANULE`].

use std::collections::{BTreeMap, BTreeSet};

/// What sizes are rounded up to: the alignment of code.
pub(crate) const GRANULE: usize = 16;

/// A part of the code memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub offset: usize,
    pub len: usize,
}

/// The free parts.
#[derive(Debug, Default)]
pub(crate) struct FreeList {
    by_offset: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
}

impl FreeList {
    /// Memory of which everything is free.
    pub fn new(len: usize) -> FreeList {
        let mut list = FreeList::default();
        list.insert(Range { offset: 0, len: len / GRANULE * GRANULE });
        list
    }

    /// Takes the smallest part that has room.
    pub fn allocate(&mut self, len: usize) -> Option<Range> {
        let len = len.max(1).next_multiple_of(GRANULE);
        let &(found, offset) = self.by_size.range((len, 0)..).next()?;
        self.remove(Range { offset, len: found });
        if found > len {
            self.insert(Range { offset: offset + len, len: found - len });
        }
        Some(Range { offset, len })
    }

    /// Gives a part back.
    pub fn free(&mut self, range: Range) {
        let Range { mut offset, mut len } = range;
        let before = self.by_offset.range(..offset).next_back().map(|(&o, &l)| (o, l));
        if let Some((o, l)) = before {
            assert!(o + l <= offset, "{range:?} is free already");
            if o + l == offset {
                self.remove(Range { offset: o, len: l });
                (offset, len) = (o, l + len);
            }
        }
        let after = self.by_offset.range(offset..).next().map(|(&o, &l)| (o, l));
        if let Some((o, l)) = after {
            assert!(offset + len <= o, "{range:?} is free already");
            if offset + len == o {
                self.remove(Range { offset: o, len: l });
                len += l;
            }
        }
        self.insert(Range { offset, len });
    }

    /// Where the last free part begins, which nothing in use lies behind: the memory that was
    /// needed.
    #[cfg(test)]
    pub fn high_water(&self) -> usize {
        self.by_offset.last_key_value().map_or(usize::MAX, |(&offset, _)| offset)
    }

    fn insert(&mut self, range: Range) {
        self.by_offset.insert(range.offset, range.len);
        self.by_size.insert((range.len, range.offset));
    }

    fn remove(&mut self, range: Range) {
        self.by_offset.remove(&range.offset);
        self.by_size.remove(&(range.len, range.offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge() {
        let mut list = FreeList::new(1024);
        let [a, b, c] = [100, 200, 300].map(|len| list.allocate(len).unwrap());
        list.free(a);
        list.free(c);
        list.free(b);
        assert_eq!(list.allocate(1024), Some(Range { offset: 0, len: 1024 }));
        assert_eq!(list.allocate(1), None);
    }

    #[test]
    fn the_smallest_hole_that_fits_is_taken() {
        let mut list = FreeList::new(4096);
        let ranges = [64, 16, 32, 16].map(|len| list.allocate(len).unwrap());
        list.free(ranges[0]);
        list.free(ranges[2]);
        assert_eq!(list.allocate(20), Some(ranges[2]));
        assert_eq!(list.allocate(20), Some(Range { offset: 0, len: 32 }));
    }

    #[test]
    #[should_panic(expected = "is free already")]
    fn freeing_twice_is_noticed() {
        let mut list = FreeList::new(1024);
        let range = list.allocate(64).unwrap();
        list.free(range);
        list.free(range);
    }

    // Allocates and frees sizes as traces have them; the parts in use never overlap.
    #[test]
    fn parts_in_use_are_disjoint() {
        let mut list = FreeList::new(1 << 16);
        let mut used: Vec<Range> = Vec::new();
        let mut random = 1_u32;
        for _ in 0..5000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let choice = (random >> 16) as usize;
            if choice.is_multiple_of(3) && !used.is_empty() {
                list.free(used.swap_remove(choice % used.len()));
            } else if let Some(range) = list.allocate(choice % 700 + 1) {
                used.push(range);
            }
        }
        used.sort_by_key(|range| range.offset);
        assert!(used.windows(2).all(|w| w[0].offset + w[0].len <= w[1].offset));
        used.drain(..).for_each(|range| list.free(range));
        assert_eq!(list.allocate(1 << 16), Some(Range { offset: 0, len: 1 << 16 }));
    }
}
