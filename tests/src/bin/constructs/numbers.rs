//! Methods of numbers.

mod checked;
mod count_bits;
mod le_bytes;
mod min_max;
mod overflowing;
mod rem_euclid;
mod rotate;
mod saturating;
mod wrapping;

use crate::harness::rows;

rows! {
    wrapping: "`wrapping_add` and the like", 45, 336;
    checked: "`checked_add` and the like", 45, 81;
    saturating: "`saturating_add` and the like", 29, 33;
    overflowing: "`overflowing_add` and the like", 5, 85;
    rotate: "`rotate_left` and `rotate_right`", 26, 120;
    count_bits: "`leading_zeros`, `trailing_zeros`, `count_ones`", 26, 120;
    le_bytes: "`from_le_bytes` and `to_be_bytes`", 26, 120;
    min_max: "`min`, `max`, `abs` and `pow`", 26, 120;
    rem_euclid: "`rem_euclid` and `abs_diff`", 26, 120;
}
