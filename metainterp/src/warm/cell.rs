//! The table of loops, keyed by the words of their greens.
//!
//! The key is compared whole, never by hash alone: with addresses among the words, a table of
//! hashes would make the choice of traces depend on where the system put the program.

use crate::abort::{Abort, Retry};
use crate::ir::{CodeId, TargetId};
use rustc_hash::{FxHashMap, FxHashSet};

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
}

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

/// Counters and code by green key.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: FxHashMap<Box<[u64]>, Cell>,
}

impl Cells {
    /// Counts one arrival. `threshold` doubles with each recording that was given up.
    pub fn tick(&mut self, greens: &[u64], threshold: u32) -> Tick {
        let Some(cell) = self.cells.get_mut(greens) else {
            let cell = Cell { ticks: 1.0, ..Cell::default() };
            self.cells.insert(greens.into(), cell);
            return if threshold <= 1 { Tick::Hot } else { Tick::Cold };
        };
        if cell.entry.is_some() {
            return Tick::Compiled;
        }
        if cell.given_up {
            return Tick::Cold;
        }
        cell.ticks += 1.0;
        let threshold = f64::from(threshold) * f64::from(1u32 << cell.aborts.min(16));
        if f64::from(cell.ticks) >= threshold { Tick::Hot } else { Tick::Cold }
    }

    /// The code for these greens.
    pub fn entry(&self, greens: &[u64]) -> Option<Entry> {
        self.cells.get(greens)?.entry
    }

    /// Installs code.
    pub fn install(&mut self, greens: &[u64], entry: Entry) {
        self.cells.entry(greens.into()).or_default().entry = Some(entry);
    }

    /// Nothing starts with that code any more.
    pub fn uninstall(&mut self, freed: &FxHashSet<CodeId>) {
        for cell in self.cells.values_mut() {
            if cell.entry.is_some_and(|entry| freed.contains(&entry.code)) {
                *cell = Cell::default();
            }
        }
    }

    /// Forgets every key in which one of these words is.
    pub fn forget(&mut self, words: &FxHashSet<u64>) {
        self.cells.retain(|greens, _| !greens.iter().any(|word| words.contains(word)));
    }

    /// A recording starts here: it has used up its ticks, and all others lose a part of theirs, so
    /// that loops do not fire in a burst.
    pub fn recording_starts(&mut self, greens: &[u64], decay: u32) {
        let keep = 1.0 - decay.min(1000) as f32 / 1000.0;
        for cell in self.cells.values_mut() {
            cell.ticks *= keep;
        }
        if let Some(cell) = self.cells.get_mut(greens) {
            cell.ticks = 0.0;
        }
    }

    /// A recording that started here was given up.
    pub fn aborted(&mut self, greens: &[u64], reason: Abort, max_aborts: u32) {
        let cell = self.cells.entry(greens.into()).or_default();
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
