//! The table of loops, keyed by the words of their greens.
//!
//! The key is compared whole, never by hash alone: with addresses among the words, a table of
//! hashes would make the choice of traces depend on where the system put the program.

use crate::abort::{Abort, Retry};
use crate::ir::{CodeId, TargetId};
use crate::quasi::Validity;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Compiled code that starts at a merge point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub code: CodeId,
    pub target: TargetId,
    /// It only leads to a loop, and is short: recordings go on through it, so that what they know
    /// reaches the loop.
    pub passed: bool,
}

#[derive(Debug, Default)]
struct Cell {
    ticks: f32,
    aborts: u32,
    entry: Option<Entry>,
    given_up: bool,
    /// Code that starts here is being compiled.
    is_being_compiled: bool,
    /// The generation in which the code was entered last.
    used: u64,
    /// The next arrival starts a recording.
    at_once: bool,
    /// Of the code, if it depends on anything.
    validity: Option<Rc<Validity>>,
}

impl Cell {
    fn valid_entry(&self) -> Option<Entry> {
        self.entry.filter(|_| self.validity.as_ref().is_none_or(|it| it.is_valid()))
    }

    /// Counts an arrival where there is no code.
    fn count(&mut self, threshold: u32) -> Tick {
        if self.is_being_compiled {
            return Tick::Cold;
        }
        if std::mem::take(&mut self.at_once) {
            return Tick::Hot;
        }
        if self.given_up {
            return Tick::Cold;
        }
        self.ticks += 1.0;
        let threshold = f64::from(threshold) * f64::from(1u32 << self.aborts.min(16));
        if f64::from(self.ticks) >= threshold { Tick::Hot } else { Tick::Cold }
    }
}

/// Counters without code at which it is looked which of them are cold.
const FIRST_SWEEP: usize = 10_000;

/// What to do at a loop header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tick {
    /// Go on interpreting.
    Cold,
    /// Record.
    Hot,
    /// Enter compiled code.
    Compiled,
}

/// A key with its cell.
#[derive(Debug)]
struct Slot {
    greens: Rc<[u64]>,
    cell: Cell,
}

/// Where keys that were looked for lately are found at once.
const N_RECENT: usize = 64;

/// Counters and code by green key.
#[derive(Debug)]
pub(super) struct Cells {
    slots: Vec<Slot>,
    /// Numbers of slots.
    index: FxHashMap<Rc<[u64]>, u32>,
    /// The slot of the key that was looked for last: an arrival that is counted often enters code next.
    last: u32,
    /// The slot of the last key that falls here.
    recent: [u32; N_RECENT],
    /// The number of traces that were compiled so far: the time by which loops age.
    pub generation: u64,
    /// A key was met whose code has become invalid.
    pub found_invalid: bool,
    sweep_at: usize,
}

impl Default for Cells {
    fn default() -> Cells {
        Cells {
            slots: Vec::new(),
            index: FxHashMap::default(),
            last: 0,
            recent: [0; N_RECENT],
            generation: 0,
            found_invalid: false,
            sweep_at: 0,
        }
    }
}

/// Which of the recent ones a key may be.
fn recent_of(greens: &[u64]) -> usize {
    // An odd number with well-mixed bits: the highest of a product depend on all of a word.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = greens.iter().fold(0u64, |sum, &word| (sum ^ word).wrapping_mul(FACTOR));
    (mixed >> (u64::BITS - N_RECENT.ilog2())) as usize
}

/// Keys are short, and compared at each arrival.
fn same(a: &[u64], b: &[u64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

impl Cells {
    /// Counts one arrival. `threshold` doubles with each recording that was given up.
    #[inline]
    pub fn tick(&mut self, greens: &[u64], threshold: u32) -> Tick {
        match self.find(greens) {
            None => self.tick_first(greens, threshold),
            Some(cell) if cell.valid_entry().is_some() => Tick::Compiled,
            Some(_) => self.tick_without_code(threshold),
        }
    }

    // Not inlined, as others below, so that the way into compiled code is short.
    #[inline(never)]
    fn tick_first(&mut self, greens: &[u64], threshold: u32) -> Tick {
        self.make_room();
        self.make(greens).ticks = 1.0;
        if threshold <= 1 { Tick::Hot } else { Tick::Cold }
    }

    /// Of the key that was looked for last.
    #[inline(never)]
    fn tick_without_code(&mut self, threshold: u32) -> Tick {
        let cell = &mut self.slots[self.last as usize].cell;
        let was_invalid = cell.entry.is_some();
        if was_invalid {
            *cell = Cell::default();
        }
        let tick = cell.count(threshold);
        self.found_invalid |= was_invalid;
        tick
    }

    fn is_at(&self, at: u32, greens: &[u64]) -> bool {
        self.slots.get(at as usize).is_some_and(|slot| same(&slot.greens, greens))
    }

    #[inline]
    fn find(&mut self, greens: &[u64]) -> Option<&mut Cell> {
        if !self.is_at(self.last, greens) {
            self.last = self.look(greens)?;
        }
        Some(&mut self.slots[self.last as usize].cell)
    }

    /// Finds a key that is not the last.
    #[inline(never)]
    fn look(&mut self, greens: &[u64]) -> Option<u32> {
        let recent = recent_of(greens);
        if !self.is_at(self.recent[recent], greens) {
            self.recent[recent] = *self.index.get(greens)?;
        }
        Some(self.recent[recent])
    }

    fn make(&mut self, greens: &[u64]) -> &mut Cell {
        let at = self.slots.len() as u32;
        let greens: Rc<[u64]> = greens.into();
        self.index.insert(Rc::clone(&greens), at);
        self.slots.push(Slot { greens, cell: Cell::default() });
        &mut self.slots[at as usize].cell
    }

    fn find_or_make(&mut self, greens: &[u64]) -> &mut Cell {
        match self.index.get(greens) {
            Some(&at) => &mut self.slots[at as usize].cell,
            None => self.make(greens),
        }
    }

    fn retain(&mut self, mut keeps: impl FnMut(&Slot) -> bool) {
        self.slots.retain(|slot| keeps(slot));
        let numbers = self.slots.iter().map(|slot| Rc::clone(&slot.greens)).zip(0..);
        self.index = numbers.collect();
    }

    /// The code for these greens.
    pub fn entry(&self, greens: &[u64]) -> Option<Entry> {
        self.slots[*self.index.get(greens)? as usize].cell.valid_entry()
    }

    /// The code for these greens, which is entered now.
    #[inline]
    pub fn enter(&mut self, greens: &[u64]) -> Option<CodeId> {
        let generation = self.generation;
        let cell = self.find(greens)?;
        cell.used = generation;
        Some(cell.valid_entry()?.code)
    }

    /// Code that can be entered, and in which generation it was last.
    pub fn entries(&self) -> impl Iterator<Item = (CodeId, u64)> + '_ {
        self.slots.iter().filter_map(|Slot { cell, .. }| Some((cell.entry?.code, cell.used)))
    }

    /// Whether any has a validity.
    pub fn depend_on_anything(&self) -> bool {
        self.slots.iter().any(|slot| slot.cell.validity.is_some())
    }

    /// Lets the next arrival start a recording, unless there is code already.
    pub fn trace_next_iteration(&mut self, greens: &[u64]) {
        self.find_or_make(greens).at_once = true;
    }

    /// Lets no recording start here until the code is compiled that starts here.
    pub fn set_compiling(&mut self, greens: &[u64], is: bool) {
        self.find_or_make(greens).is_being_compiled = is;
    }

    /// Lets no recording start here any more.
    pub fn dont_trace_here(&mut self, greens: &[u64]) {
        self.find_or_make(greens).given_up = true;
    }

    /// Number of keys that have a counter.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.len()
    }

    /// Forgets the coldest counters when there are many: a program with ever new greens must not fill the
    /// memory. Twice as many as are left may come before it is looked again.
    fn make_room(&mut self) {
        if self.slots.len() < self.sweep_at.max(FIRST_SWEEP) {
            return;
        }
        let mut ticks: Vec<f32> = self.slots.iter().map(|slot| slot.cell.ticks).collect();
        let middle = ticks.len() / 2;
        let (_, &mut median, _) = ticks.select_nth_unstable_by(middle, f32::total_cmp);
        // What was given up once is known for that only as long as it is not cold again.
        self.retain(|Slot { cell, .. }| {
            cell.entry.is_some() || cell.at_once || cell.is_being_compiled || cell.ticks > median
        });
        self.sweep_at = 2 * self.slots.len();
    }

    /// Installs code.
    pub fn install(&mut self, greens: &[u64], entry: Entry, validity: Option<Rc<Validity>>) {
        let used = self.generation;
        let cell = self.find_or_make(greens);
        (cell.entry, cell.used, cell.validity) = (Some(entry), used, validity);
    }

    /// Nothing starts with that code any more.
    pub fn uninstall(&mut self, freed: &FxHashSet<CodeId>) {
        for Slot { cell, .. } in &mut self.slots {
            if cell.entry.is_some_and(|entry| freed.contains(&entry.code)) {
                *cell = Cell::default();
            }
        }
    }

    /// Forgets every key in which one of these words is.
    pub fn forget(&mut self, words: &FxHashSet<u64>) {
        self.retain(|Slot { greens, .. }| !greens.iter().any(|word| words.contains(word)));
    }

    /// A recording starts here: it has used up its ticks, and all others lose a part of theirs, so
    /// that loops do not fire in a burst.
    pub fn recording_starts(&mut self, greens: &[u64], decay: u32) {
        let keep = 1.0 - decay.min(1000) as f32 / 1000.0;
        for slot in &mut self.slots {
            slot.cell.ticks *= keep;
        }
        if let Some(cell) = self.find(greens) {
            cell.ticks = 0.0;
        }
    }

    /// A recording that started here was given up.
    pub fn aborted(&mut self, greens: &[u64], reason: Abort, max_aborts: u32) {
        let cell = self.find_or_make(greens);
        cell.aborts += 1;
        cell.given_up = reason.retry() == Retry::Never || cell.aborts >= max_aborts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks_until_hot(cells: &mut Cells, greens: &[u64], threshold: u32) -> u32 {
        (1..1000).find(|_| matches!(cells.tick(greens, threshold), Tick::Hot)).expect("hot")
    }

    // B025: threshold N fires at the N-th tick, then starts again from zero.
    #[test]
    fn fires_at_the_threshold() {
        let mut cells = Cells::default();
        for threshold in [1, 2, 3, 7] {
            assert_eq!(ticks_until_hot(&mut cells, &[1, 2], threshold), threshold);
            cells.recording_starts(&[1, 2], 0);
            assert_eq!(ticks_until_hot(&mut cells, &[1, 2], threshold), threshold);
            cells.recording_starts(&[1, 2], 0);
        }
    }

    // B026: other keys do not disturb a counter, however many there are.
    #[test]
    fn keys_do_not_collide() {
        let mut cells = Cells::default();
        for key in 0..1000 {
            assert!(matches!(cells.tick(&[key, 7], 2), Tick::Cold));
        }
        for key in 0..1000 {
            assert!(matches!(cells.tick(&[key, 7], 2), Tick::Hot));
        }
    }

    // B034: a recording takes some ticks from everybody else.
    #[test]
    fn decay_delays_the_others() {
        let mut cells = Cells::default();
        assert!(matches!(cells.tick(&[1], 3), Tick::Cold));
        assert!(matches!(cells.tick(&[1], 3), Tick::Cold));
        cells.recording_starts(&[2], 40);
        assert!(matches!(cells.tick(&[1], 3), Tick::Cold));
        assert!(matches!(cells.tick(&[1], 3), Tick::Hot));
    }

    #[test]
    fn counters_of_ever_new_keys_are_forgotten_and_hot_ones_kept() {
        let mut cells = Cells::default();
        for _ in 0..20 {
            assert!(matches!(cells.tick(&[7, 7], 1000), Tick::Cold));
        }
        for key in 0..10 * FIRST_SWEEP as u64 {
            assert!(matches!(cells.tick(&[key], 1000), Tick::Cold));
            assert!(cells.len() <= 2 * FIRST_SWEEP);
        }
        assert_eq!(ticks_until_hot(&mut cells, &[7, 7], 30), 10);
    }

    #[test]
    fn aborts_back_off_and_end() {
        let mut cells = Cells::default();
        assert_eq!(ticks_until_hot(&mut cells, &[1], 4), 4);
        cells.recording_starts(&[1], 0);
        cells.aborted(&[1], Abort::TooLong, 3);
        assert_eq!(ticks_until_hot(&mut cells, &[1], 4), 8);
        cells.recording_starts(&[1], 0);
        cells.aborted(&[1], Abort::TooLong, 3);
        assert_eq!(ticks_until_hot(&mut cells, &[1], 4), 16);
        cells.recording_starts(&[1], 0);
        cells.aborted(&[1], Abort::TooLong, 3);
        assert!((0..1000).all(|_| matches!(cells.tick(&[1], 4), Tick::Cold)));
    }
}
