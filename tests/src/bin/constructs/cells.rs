//! Interior mutability.

mod atomic;
mod cell;
mod mutex;
mod rc_ref_cell;
mod ref_cell;

use crate::harness::rows;

rows! {
    cell: "`Cell`", 39, 137;
    ref_cell: "`RefCell`", 21, 52;
    rc_ref_cell: "`Rc<RefCell<_>>`", 21, 52;
    mutex: "locks", 39, 137;
    atomic: "atomics", 39, 137;
}
