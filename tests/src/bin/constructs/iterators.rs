//! Iterators.

mod adaptors;
mod any_all;
mod chars;
mod collect;
mod enumerate;
mod fold;
mod for_slice_mut;
mod next;
mod rev;
mod step_by;
mod windows;
mod zip;

use crate::harness::rows;

rows! {
    adaptors: "adaptors: `map`, `filter` and `sum`", 84, 706;
    rev: "`rev`", 84, 706;
    zip: "`zip`", 84, 706;
    enumerate: "`enumerate`", 84, 706;
    any_all: "`any`, `all` and `position`", 84, 706;
    collect: "`collect`", 84, 706;
    fold: "`fold`", 84, 706;
    chars: "`chars` and `bytes`", 84, 706;
    next: "`next` on an iterator that is kept", 84, 706;
    for_slice_mut: "`for` over `iter_mut`", 71, 234;
    step_by: "`step_by` and inclusive ranges", 50, 57;
    windows: "`windows`", 50, 57;
}
