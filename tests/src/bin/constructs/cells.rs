//! Interior mutability.

mod atomic;
mod cell;
mod rc_ref_cell;
mod ref_cell;

use crate::harness::rows;

rows! {
    cell: "`Cell`", 39, 137;
    ref_cell: "`RefCell`", 21, 52;
    rc_ref_cell: "`Rc<RefCell<_>>`", 21, 52;
    mutex: "locks", 39, 137, not_yet "cannot add `i64` to `std::sync::MutexGuard<'_, i64>`";
    atomic: "atomics", 39, 137;
}
