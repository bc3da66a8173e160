//! Operators.

mod add_sub_mul;
mod bitwise;
mod bool_ops;
mod cast;
mod comparison;
mod compound_assignment;
mod div_rem;
mod float_bits;
mod float_cast;
mod float_literal;
mod float_math;
mod negation;
mod shift;
mod unsigned;

use crate::harness::rows;

rows! {
    add_sub_mul: "`+`, `-` and `*`", 82, 1203;
    compound_assignment: "compound assignment", 82, 340;
    comparison: "comparisons", 97, 1499;
    div_rem: "`/` and `%`", 61, 128;
    bitwise: "`&`, `|` and `^`", 50, 881;
    shift: "`<<` and `>>`", 45, 528;
    cast: "`as` between integers", 84, 1898;
    float_cast: "casts of floats", 24, 78;
    float_literal: "float literals", 24, 76;
    float_math: "float methods", 24, 76;
    float_bits: "`from_bits` and `to_bits`", 8, 19;
    negation: "negation", 82, 1203;
    unsigned: "unsigned arithmetic", 82, 1203;
    bool_ops: "`&`, `|` and `^` on `bool`", 50, 881;
}
