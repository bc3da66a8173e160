//! Counters: how often a function was entered, and when to say so.
//!
//! Each entry of a function has one. Code counts down and pauses at zero; what is counted is
//! whatever comes in from outside, which is what a region could make cheaper, and not the laps
//! of a loop.

use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counter of an entry.
#[repr(C)]
#[derive(Debug)]
struct Counter {
    /// Entries until the pause.
    left: AtomicU64,
    /// What the function returns then.
    door: u32,
}

/// Bytes of a counter.
pub(crate) const COUNTER_SIZE: i64 = size_of::<Counter>() as i64;
/// Where in a counter the rest lies.
pub(crate) const COUNTER_LEFT: i32 = offset_of!(Counter, left) as i32;
/// Where in a counter the door's number lies.
pub(crate) const COUNTER_DOOR: i32 = offset_of!(Counter, door) as i32;

const _: () = assert!(COUNTER_SIZE == 16);

/// More than anyone counts.
const NEVER: u64 = u64::MAX;

/// The counters of a function.
#[derive(Debug)]
pub(crate) struct Counters {
    counters: Box<[Counter]>,
    /// What `left` was when it was set last.
    started: Vec<u64>,
}

impl Counters {
    /// So many counters, that never pause. Their doors have yet to be set.
    pub fn new(n: usize) -> Counters {
        let counter = || Counter { left: AtomicU64::new(NEVER), door: 0 };
        let counters = std::iter::repeat_with(counter).take(n).collect();
        Counters { started: vec![NEVER; n], counters }
    }

    /// Gives each its door. No code with them runs yet.
    pub fn set_doors(&mut self, doors: impl ExactSizeIterator<Item = u32>) {
        assert_eq!(doors.len(), self.counters.len(), "one door each");
        for (counter, door) in self.counters.iter_mut().zip(doors) {
            counter.door = door;
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.counters.len()
    }

    /// The address that code finds them by.
    pub fn address(&self) -> u64 {
        self.counters.as_ptr().expose_provenance() as u64
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.counters)
    }

    /// Entries counted since the last call, which starts again from `until_pause` (0: no pause).
    pub fn restart(&mut self, entry: usize, until_pause: u64) -> u64 {
        let until_pause = if until_pause == 0 { NEVER } else { until_pause };
        let left = self.counters[entry].left.swap(until_pause, Ordering::Relaxed);
        std::mem::replace(&mut self.started[entry], until_pause).wrapping_sub(left)
    }

    /// Entries counted since the last restart.
    pub fn counted(&self, entry: usize) -> u64 {
        self.started[entry].wrapping_sub(self.counters[entry].left.load(Ordering::Relaxed))
    }
}
