//! Interior mutability and shared ownership: `Cell`, `RefCell` with its guards, `Rc`.
//!
//! A borrow flag and a reference count are words in memory, which are loaded, guarded and stored. Where
//! std would panic or free, the call itself is made. Layouts that the language leaves open are
//! measured on values at hand.
#![expect(unsafe_code, reason = "makes guards of borrows, and counts references")]

use super::call::{CallSite, residual};
use super::layout::PieceTy;
use super::ops::{self, OvfOp};
use super::place::{Behind, Local, Peel, PeelReference, Place};
use super::rec::Rec;
use super::value::Traced;
use metainterp::ir::Ty;
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::mem::MaybeUninit;
use std::rc::Rc;

impl<T> Place<Cell<T>> {
    /// What is in the cell. It may change also in frozen memory.
    pub(crate) fn content(self, rec: Rec) -> Place<T> {
        self.part::<T>(rec, 0).thawed()
    }
}

impl<T> Place<RefCell<T>> {
    fn flag(self, rec: Rec) -> Place<isize> {
        self.part::<isize>(rec, 0).thawed()
    }

    pub(crate) fn content(self, rec: Rec) -> Place<T> {
        let start = self.probe();
        let distance = start.as_ptr().addr() - std::ptr::from_ref(start).addr();
        // The flag is a word, and it is all there is beside the value.
        assert_eq!(distance, 8usize.next_multiple_of(align_of::<T>()), "the flag is in front");
        self.part::<T>(rec, distance as isize).thawed()
    }

    /// `borrow`. `None` if it panics.
    pub(crate) fn borrow<'a>(self, rec: Rec) -> Option<Traced<Ref<'a, T>>> {
        let flag = self.flag(rec).read(rec);
        let next = ops::wrapping(rec, OvfOp::Add, &flag, &Traced::constant(1));
        if !ops::branch(rec, ops::gt(rec, next.dup(), Traced::constant(0))) {
            return None;
        }
        self.flag(rec).write(rec, next);
        let guard = self.guard(rec);
        guard.set_dropper(release::<Ref<'a, T>, -1>);
        Some(guard)
    }

    /// `borrow_mut`. `None` if it panics.
    pub(crate) fn borrow_mut<'a>(self, rec: Rec) -> Option<Traced<RefMut<'a, T>>> {
        let flag = self.flag(rec).read(rec);
        if !ops::branch(rec, ops::eq(rec, flag, Traced::constant(0))) {
            return None;
        }
        self.flag(rec).write(rec, Traced::constant(-1));
        let guard = self.guard(rec);
        guard.set_dropper(release::<RefMut<'a, T>, 1>);
        Some(guard)
    }

    /// A guard: the addresses of value and flag.
    fn guard<G: Guard>(self, rec: Rec) -> Traced<G> {
        let (value_at, flag_at) = G::offsets();
        let mut guard = Traced::<G>::new(MaybeUninit::zeroed(), super::value::Lanes::CONST);
        let place = guard.as_place();
        place.part(rec, value_at).initialize(rec, self.content(rec).raw_mut(rec));
        place.part(rec, flag_at).initialize(rec, self.flag(rec).raw_mut(rec));
        guard
    }
}

/// Guards of borrows: two words.
pub(crate) trait Guard {
    /// Where the address of the value is, and that of the flag.
    fn offsets() -> (isize, isize);
}

/// Finds the words of a guard of a borrow of `cell`.
fn offsets_in<G>(guard: &G, cell: &RefCell<u64>) -> (isize, isize) {
    assert_eq!(size_of::<G>(), 16, "a guard is two addresses");
    // SAFETY: a guard is two words, both initialized.
    let words = unsafe { std::ptr::from_ref(guard).cast::<[usize; 2]>().read() };
    let value = cell.as_ptr().addr();
    match (words[0] == value, words[1] == value) {
        (true, false) => (0, 8),
        (false, true) => (8, 0),
        _ => unreachable!("one of the words is the address of the value"),
    }
}

impl<T> Guard for Ref<'_, T> {
    fn offsets() -> (isize, isize) {
        let cell = RefCell::new(0);
        let offsets = offsets_in(&cell.borrow(), &cell);
        assert_eq!(size_of::<Self>(), 16, "all guards are alike");
        offsets
    }
}

impl<T> Guard for RefMut<'_, T> {
    fn offsets() -> (isize, isize) {
        let cell = RefCell::new(0);
        let offsets = offsets_in(&cell.borrow_mut(), &cell);
        assert_eq!(size_of::<Self>(), 16, "all guards are alike");
        offsets
    }
}

/// Drops a guard that was made above.
fn release<G: Guard, const BY: isize>(rec: Rec, guard: *const ()) {
    // SAFETY: called by the guard itself, when it is dropped.
    let mut guard = unsafe { &*guard.cast::<Traced<G>>() }.take();
    guard.disown();
    let flag = guard.as_place().part::<*mut isize>(rec, G::offsets().1).read(rec).place(rec);
    let now = flag.read(rec);
    flag.write(rec, ops::wrapping(rec, OvfOp::Add, &now, &Traced::constant(BY)));
}

macro_rules! guards {
    ($($guard:ident)*) => {$(
        impl<T> Peel<$guard<'_, T>> {
            /// What is borrowed.
            pub fn peel(&self, rec: Rec) -> Place<T> {
                let (value_at, _) = <$guard<'_, T> as Guard>::offsets();
                self.0.part::<*mut T>(rec, value_at).read(rec).place(rec).thawed()
            }
        }

        // A guard has no method `clone` or the like: that of what is borrowed is meant.
        impl<T> PeelReference<$guard<'_, T>> {
            /// What is borrowed.
            pub fn peel(&self, rec: Rec) -> Place<T> {
                Peel::of(&self.0).peel(rec)
            }
        }

        impl<T> Behind<$guard<'_, T>> {
            /// What is borrowed.
            pub fn peel(self, rec: Rec) -> Place<T> {
                Peel::of(&self.0).peel(rec)
            }

            /// The same, to be changed.
            pub fn peel_mut(self, rec: Rec) -> Place<T> {
                self.peel(rec)
            }

            /// The same, for auto-deref.
            pub fn peel_known(self, rec: Rec) -> Place<T> {
                self.peel(rec)
            }
        }
    )*};
}

guards! { Ref RefMut }

/// The strong count of an `Rc` is the first word of what it points to, the weak one the second.
pub(crate) fn counts_are_in_front() -> bool {
    use std::sync::OnceLock;
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let rc = Rc::new(0u64);
        let (_second, _weak) = (rc.clone(), Rc::downgrade(&rc));
        let words = || {
            // SAFETY: an `Rc` is the address of two counts, behind which is the value.
            unsafe { (*std::ptr::from_ref(&rc).cast::<*const [usize; 2]>()).read() }
        };
        let before = words();
        let _third = rc.clone();
        before == [2, 2] && words() == [3, 2]
    })
}

/// The counts of an `Rc` that lies at a place, with a value in so many bytes with them, if that is known.
fn counts(rec: Rec, owner: Place<()>, size: Option<usize>) -> Place<usize> {
    owner.pointer_at::<usize>(rec, 0).thawed().boxed(size)
}

/// Counts one more.
fn count_up(rec: Rec, count: Place<usize>) {
    let now = count.read(rec);
    // This one is counted too, so that a drop of the clone is not the last one.
    let is_alive = ops::lt(rec, Traced::constant(0), now.dup());
    rec.step();
    rec.assume(is_alive.arg());
    count.write(rec, ops::wrapping(rec, OvfOp::Add, &now, &Traced::constant(1)));
}

impl<T> Place<Rc<T>> {
    pub(crate) fn strong(self, rec: Rec) -> Place<usize> {
        counts(rec, self.part::<()>(rec, 0), const { super::place::counted_size::<T>() })
    }

    /// `Rc::clone`.
    pub(crate) fn clone_rc(self, rec: Rec) -> Traced<Rc<T>> {
        if !counts_are_in_front() {
            let site = CallSite { name: "clone", site: "Rc", elidable: false, ..CallSite::PLAIN };
            let this = self.part::<()>(rec, 0).raw_const(rec);
            return residual(rec, &site, (this,), |(this,): (*const (),)| {
                // SAFETY: the plain function clones this `Rc` here.
                Rc::clone(unsafe { &*this.cast::<Rc<T>>() })
            });
        }
        count_up(rec, self.strong(rec));
        let clone = self.read_as(rec, &[PieceTy::owned_pointer(0)]);
        clone.set_dropper(super::owned::drop_traced::<Rc<T>>);
        clone
    }

    /// `Rc::strong_count`.
    pub(crate) fn strong_count(self, rec: Rec) -> Traced<usize> {
        self.strong(rec).read(rec)
    }
}

/// Swaps what two references refer to.
pub(crate) fn swap<T>(rec: Rec, a: Place<T>, b: Place<T>) {
    let (x, y) = (a.read_any(rec).borrowed(), b.read_any(rec).borrowed());
    a.initialize(rec, y);
    b.initialize(rec, x);
}

/// Replaces what a reference refers to.
pub(crate) fn replace<T>(rec: Rec, place: Place<T>, value: Traced<T>) -> Traced<T> {
    let old = place.read_any(rec);
    place.initialize(rec, value);
    old
}

const _: () = assert!(Ty::Ptr.bytes() == 8);
