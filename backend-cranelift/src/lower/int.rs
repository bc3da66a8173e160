//! Integer and `bool` operations. Cranelift has most of them for every width; shifts and rotations
//! take their count modulo the width there too.

use super::Lower;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use metainterp::ir::{Opcode, Ty};

/// The condition that an integer, `bool`-free comparison tests.
pub(super) fn condition(opcode: Opcode) -> Option<IntCC> {
    Some(match opcode {
        Opcode::IntEq | Opcode::PtrEq => IntCC::Equal,
        Opcode::IntNe | Opcode::PtrNe => IntCC::NotEqual,
        Opcode::IntLt => IntCC::SignedLessThan,
        Opcode::IntLe => IntCC::SignedLessThanOrEqual,
        Opcode::IntGt => IntCC::SignedGreaterThan,
        Opcode::IntGe => IntCC::SignedGreaterThanOrEqual,
        Opcode::UintLt => IntCC::UnsignedLessThan,
        Opcode::UintLe => IntCC::UnsignedLessThanOrEqual,
        Opcode::UintGt => IntCC::UnsignedGreaterThan,
        Opcode::UintGe => IntCC::UnsignedGreaterThanOrEqual,
        _ => return None,
    })
}

impl Lower<'_, '_> {
    pub(super) fn int_binary(&mut self, opcode: Opcode, x: Value, y: Value) -> Option<Value> {
        let ins = self.b.ins();
        Some(match opcode {
            Opcode::IntAdd | Opcode::PtrAdd => ins.iadd(x, y),
            Opcode::IntSub => ins.isub(x, y),
            Opcode::IntMul => ins.imul(x, y),
            Opcode::IntMulHigh => ins.smulhi(x, y),
            Opcode::UintMulHigh => ins.umulhi(x, y),
            Opcode::IntDiv => ins.sdiv(x, y),
            Opcode::IntMod => ins.srem(x, y),
            Opcode::UintDiv => ins.udiv(x, y),
            Opcode::UintMod => ins.urem(x, y),
            Opcode::IntAnd | Opcode::BoolAnd => ins.band(x, y),
            Opcode::IntOr | Opcode::BoolOr => ins.bor(x, y),
            Opcode::IntXor | Opcode::BoolXor => ins.bxor(x, y),
            Opcode::IntLshift => ins.ishl(x, y),
            Opcode::IntRshift => ins.sshr(x, y),
            Opcode::UintRshift => ins.ushr(x, y),
            Opcode::IntRotl => ins.rotl(x, y),
            _ => return None,
        })
    }

    pub(super) fn int_unary(&mut self, opcode: Opcode, x: Value, ty: Ty) -> Option<Value> {
        Some(match opcode {
            Opcode::IntNeg => self.b.ins().ineg(x),
            Opcode::IntInvert => self.b.ins().bnot(x),
            Opcode::IntClz => self.b.ins().clz(x),
            Opcode::IntCtz => self.b.ins().ctz(x),
            Opcode::IntPopcount => self.b.ins().popcnt(x),
            Opcode::IntBswap if ty == Ty::I8 => x,
            Opcode::IntBswap => self.b.ins().bswap(x),
            Opcode::BoolNot => {
                let one = self.b.ins().iconst(types::I8, 1);
                self.b.ins().bxor(x, one)
            }
            _ => return None,
        })
    }
}
