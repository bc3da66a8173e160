//! Validity of compiled code that takes something for constant which may change, though hardly ever.
//!
//! A recording that reads such a value gets a *validity*: one word that says that nothing it took for
//! constant has changed. The trace tests the word before it uses a constant, once, and again
//! behind each call that may have changed it. In RPython that is `guard_not_invalidated`; here it is
//! a load from a class of memory of its own and a `guard_true`, which the optimizer takes out of a loop
//! that calls nothing, like any load.
//!
//! Invariants
//! 1. A change makes every validity that depends on the value invalid, for good, before anybody sees
//!    the new value. So does the end of the value, for its place may get another one.
//! 2. Invalid code is not entered, and freed when it does not run. From its exits at such a test no
//!    bridge is made.
//!
//! Why not patch the code? Tests in a loop without calls cost nothing, and code that is never written to
//! needs neither a lock nor a backend that can do it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// The class of memory in which validities are: nothing else is.
pub const VALIDITY_CLASS: u32 = u32::MAX;

/// Whether all that a trace took for constant is as it was.
#[derive(Debug)]
pub struct Validity(Cell<bool>);

impl Validity {
    pub(crate) fn new() -> Rc<Validity> {
        Rc::new(Validity(Cell::new(true)))
    }

    /// Whether nothing has changed.
    pub fn is_valid(&self) -> bool {
        self.0.get()
    }

    /// Where compiled code finds it.
    pub(crate) fn address(&self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }
}

/// Who depends on a value.
#[derive(Debug, Default)]
pub struct Watchers(RefCell<Vec<Weak<Validity>>>);

impl Watchers {
    /// Nobody, yet.
    pub const fn new() -> Watchers {
        Watchers(RefCell::new(Vec::new()))
    }

    /// Adds one.
    pub fn watch(&self, validity: &Rc<Validity>) {
        let mut watchers = self.0.borrow_mut();
        // Those of code that was freed go when there would be a new allocation.
        if watchers.len() == watchers.capacity() {
            watchers.retain(|known| known.strong_count() > 0);
        }
        let address = Rc::as_ptr(validity);
        if watchers.last().is_none_or(|last| last.as_ptr() != address) {
            watchers.push(Rc::downgrade(validity));
        }
    }

    /// The value changes.
    pub fn invalidate(&self) {
        let watchers = self.0.take();
        watchers.iter().filter_map(Weak::upgrade).for_each(|validity| validity.0.set(false));
    }

    /// How many traces depend on the value, as far as they are alive.
    pub fn len(&self) -> usize {
        self.0.borrow().iter().filter(|known| known.strong_count() > 0).count()
    }

    /// Whether no trace depends on the value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.invalidate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_those_who_watch() {
        let (watchers, first, second) = (Watchers::new(), Validity::new(), Validity::new());
        watchers.watch(&first);
        watchers.watch(&first);
        assert_eq!(watchers.len(), 1);
        watchers.invalidate();
        watchers.watch(&second);
        assert!(!first.is_valid() && second.is_valid());
        drop(watchers);
        assert!(!second.is_valid());
    }

    // B211: freed code is forgotten.
    #[test]
    fn the_list_does_not_grow_with_code_that_is_gone() {
        let watchers = Watchers::new();
        for _ in 0..1000 {
            watchers.watch(&Validity::new());
        }
        assert!(watchers.0.borrow().len() <= 8 && watchers.is_empty());
    }
}
