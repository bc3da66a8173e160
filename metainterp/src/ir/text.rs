//! The text form of traces, which prints and parses back to the same text.
//!
//! ```text
//! # loop 3
//! merge_point 0 = [3, 0x7ffd1000]
//! [i0, p1, i2: i32, f3]
//! debug_merge_point(0)
//! i4, p5, i6: i32 = label(i0, p1, i2, target=0)
//! i7 = int_add(i4, 1)
//! i8 = int_lt(i7, 100)
//! guard_true(i8) [i7, p5, i6] exit=12 resume(replay, step=3, reds=2)
//! i9: i8 = getarrayitem(p5, i7, descr=mem(i8, offset=16, scale=1, class=3, frozen))
//! i10 = call(0x7f00, i9, descr=call(putchar, "file.rs:3:4", res=i64, can_panic))
//! i11: i32 = call_result(1)
//! guard_no_exception() [i7, p5, i6] exit=13
//! jump(i7, p5, i11, target=0)
//! ```
//!
//! The rules
//! - One operation a line. Blanks are free, `#` starts a comment, and a comment on the first line that
//!   is not blank is the trace's name.
//! - **Types.** A name's letter means a type: `i` is `i64`, `f` is `f64`, `p` is `ptr`. A value of another
//!   type is defined as `name: type`, unless the opcode table fixes the type (comparisons yield `bool`).
//!   A reader may state or leave out any type that the operation implies; a stated type is checked.
//! - **Names.** A reader takes any name that starts with the right letter; printing numbers values densely.
//! - **Constants.** A literal has the type of its place: that of the first operand where the table says
//!   "same", `i64` for an index, `ptr` for an address. Elsewhere `5` is `i64`, `1.5` is `f64`, `0x5` is
//!   `ptr`, and other types have a suffix: `5i8`, `1.5f32`. A NaN is written by its bits: `nan(0x7fc00000)f32`.
//! - **Exits.** The list behind a guard or `finish` is what its exit saves. An exit without `exit=`
//!   has its ordinal in the trace as its number. `resume(…)` leaves out what is zero. Behind it,
//!   `stores(setfield(p5, i7, descr=mem(i64)))` lists the stores to make on the way out.
//! - A `call_result` belongs to the nearest call above it.
//! - Several traces are separated by a line of dashes, which may start with `#`.
//!
//! The parser checks the form only; whether operands have the right number and types is for
//! [`super::verify()`] to say, so that tests can write down wrong traces too.
//!
//! Why no serialization crate: this text is read by people first, in logs and in tests.

mod parse;
mod print;

pub use parse::{ParseError, parse, parse_all};
pub use print::DisplayOp;

use super::{Arg, Opcode, Operand, ResumeKind, Ty};

/// The spelling of a literal, which together with its place gives its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `true`, `false`.
    Bool,
    /// `-5`.
    Decimal,
    /// `0x5`.
    Hex,
    /// `1.5`, `inf`, `nan(0x7ff8000000000000)`.
    Float,
}

impl Spelling {
    /// The type of a literal without suffix. Printer and parser must agree, so both ask here.
    fn type_at(self, place: Option<Ty>) -> Ty {
        let fits = |ty: &Ty| match self {
            Spelling::Bool => *ty == Ty::Bool,
            Spelling::Decimal | Spelling::Hex => ty.is_int() || *ty == Ty::Ptr,
            Spelling::Float => ty.is_float(),
        };
        place.filter(fits).unwrap_or(match self {
            Spelling::Bool => Ty::Bool,
            Spelling::Decimal => Ty::I64,
            Spelling::Hex => Ty::Ptr,
            Spelling::Float => Ty::F64,
        })
    }
}

/// The type that a literal takes on as operand `index` of `opcode`, after the operands `before`.
fn place(
    opcode: Opcode,
    index: usize,
    before: &[Operand],
    ty: impl Fn(Operand) -> Ty,
) -> Option<Ty> {
    match opcode.info().args.get(index)? {
        Arg::Same => before.first().map(|&first| ty(first)),
        Arg::I64 => Some(Ty::I64),
        Arg::Bool => Some(Ty::Bool),
        Arg::Ptr => Some(Ty::Ptr),
        Arg::Int | Arg::Float | Arg::Any => None,
    }
}

const RESUME_KINDS: [(ResumeKind, &str); 3] = [
    (ResumeKind::Rewind, "rewind"),
    (ResumeKind::Replay, "replay"),
    (ResumeKind::Return, "return"),
];

#[cfg(test)]
mod tests;
