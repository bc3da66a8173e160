//! How comparisons relate to each other: with operands swapped, and negated.

use crate::ir::Opcode::{self, *};
use crate::ir::Operand;

/// `a < b` is `b > a`. Holds for floats too.
pub(super) fn swapped(opcode: Opcode) -> Option<Opcode> {
    Some(match opcode {
        IntEq | IntNe | PtrEq | PtrNe | FloatEq | FloatNe => opcode,
        IntLt => IntGt,
        IntLe => IntGe,
        IntGt => IntLt,
        IntGe => IntLe,
        UintLt => UintGt,
        UintLe => UintGe,
        UintGt => UintLt,
        UintGe => UintLe,
        FloatLt => FloatGt,
        FloatLe => FloatGe,
        FloatGt => FloatLt,
        FloatGe => FloatLe,
        _ => return None,
    })
}

/// `!(a < b)` is `a >= b`. Floats have this for equality only: a NaN is neither less nor greater.
pub(super) fn complement(opcode: Opcode) -> Option<Opcode> {
    Some(match opcode {
        IntEq => IntNe,
        IntNe => IntEq,
        PtrEq => PtrNe,
        PtrNe => PtrEq,
        FloatEq => FloatNe,
        FloatNe => FloatEq,
        IntLt => IntGe,
        IntGe => IntLt,
        IntLe => IntGt,
        IntGt => IntLe,
        UintLt => UintGe,
        UintGe => UintLt,
        UintLe => UintGt,
        UintGt => UintLe,
        _ => return None,
    })
}

/// The operations whose operands may be swapped.
pub(super) fn is_commutative(opcode: Opcode) -> bool {
    matches!(
        opcode,
        IntAdd
            | IntMul
            | IntMulHigh
            | UintMulHigh
            | IntAnd
            | IntOr
            | IntXor
            | IntAddOvf
            | IntMulOvf
            | UintAddOvf
            | UintMulOvf
            | IntEq
            | IntNe
            | PtrEq
            | PtrNe
            | BoolAnd
            | BoolOr
            | BoolXor
            | FloatAdd
            | FloatMul
            | FloatEq
            | FloatNe
    )
}

/// The one form in which a binary operation is looked up: `<` and `<=` only, commutative operands
/// in order.
pub(super) fn canonical(opcode: Opcode, a: Operand, b: Operand) -> (Opcode, Operand, Operand) {
    match opcode {
        IntGt | IntGe | UintGt | UintGe | FloatGt | FloatGe => {
            (swapped(opcode).expect("all of these can be swapped"), b, a)
        }
        _ if is_commutative(opcode) && a > b => (opcode, b, a),
        _ => (opcode, a, b),
    }
}
