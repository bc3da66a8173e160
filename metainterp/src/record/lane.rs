//! What the twin knows of a scalar beside its concrete value.

use crate::ir::{Const, Operand, Ty, ValueId};

/// The trace operand of a scalar: a value of the trace, or "constant", in which case the concrete
/// value that stands beside it is the constant. Folding needs nothing more: an operation whose
/// operands are all constant is not recorded, and its result is constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane(u32);

impl Lane {
    /// The concrete value is the value on every run of the trace.
    pub const CONST: Lane = Lane(0);

    /// The lane of a trace value.
    #[inline]
    pub(crate) fn of(value: ValueId) -> Lane {
        Lane(value.0 + 1)
    }

    /// Whether this is [`Lane::CONST`].
    pub const fn is_const(self) -> bool {
        self.0 == 0
    }

    /// A word to keep it in.
    #[inline]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// From what [`Lane::to_bits`] has answered.
    #[inline]
    pub const fn from_bits(bits: u32) -> Lane {
        Lane(bits)
    }

    /// The lane of a trace's input.
    #[inline]
    pub(crate) fn input(number: u32) -> Lane {
        Lane::of(ValueId(number))
    }

    #[inline]
    pub(crate) fn value(self) -> Option<ValueId> {
        self.0.checked_sub(1).map(ValueId)
    }
}

impl From<Operand> for Lane {
    #[inline]
    fn from(operand: Operand) -> Lane {
        operand.value().map_or(Lane::CONST, Lane::of)
    }
}

/// A scalar with its lane: an argument of a recorded operation. Two words, for it is moved often.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// What the trace knows.
    pub lane: Lane,
    /// The type.
    pub ty: Ty,
    /// The concrete value, as [`Const::bits`].
    pub bits: u64,
}

const _: () = assert!(size_of::<Arg>() == 16);

impl Arg {
    /// From parts.
    #[inline]
    pub const fn new(lane: Lane, ty: Ty, bits: u64) -> Arg {
        Arg::of(lane, Const::new(ty, bits))
    }

    /// A concrete value with its lane.
    #[inline]
    pub const fn of(lane: Lane, concrete: Const) -> Arg {
        Arg { lane, ty: concrete.ty, bits: concrete.bits }
    }

    /// A constant.
    #[inline]
    pub const fn constant(ty: Ty, bits: u64) -> Arg {
        Arg::new(Lane::CONST, ty, bits)
    }

    /// The concrete value.
    #[inline]
    pub const fn concrete(self) -> Const {
        Const { ty: self.ty, bits: self.bits }
    }
}
