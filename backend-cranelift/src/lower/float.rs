//! Floating point operations. Rounding is one instruction where the machine has it, and a call of
//! the C library's function on an x86-64 without SSE4.1.

use super::Lower;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use metainterp::ir::Opcode;

/// The condition that a float comparison tests; each but `!=` is false for a NaN.
pub(super) fn condition(opcode: Opcode) -> Option<FloatCC> {
    Some(match opcode {
        Opcode::FloatEq => FloatCC::Equal,
        Opcode::FloatNe => FloatCC::NotEqual,
        Opcode::FloatLt => FloatCC::LessThan,
        Opcode::FloatLe => FloatCC::LessThanOrEqual,
        Opcode::FloatGt => FloatCC::GreaterThan,
        Opcode::FloatGe => FloatCC::GreaterThanOrEqual,
        _ => return None,
    })
}

impl Lower<'_, '_> {
    pub(super) fn float_binary(&mut self, opcode: Opcode, x: Value, y: Value) -> Option<Value> {
        let ins = self.b.ins();
        Some(match opcode {
            Opcode::FloatAdd => ins.fadd(x, y),
            Opcode::FloatSub => ins.fsub(x, y),
            Opcode::FloatMul => ins.fmul(x, y),
            Opcode::FloatTruediv => ins.fdiv(x, y),
            _ => return None,
        })
    }

    pub(super) fn float_unary(&mut self, opcode: Opcode, x: Value) -> Option<Value> {
        let ins = self.b.ins();
        Some(match opcode {
            Opcode::FloatNeg => ins.fneg(x),
            Opcode::FloatAbs => ins.fabs(x),
            Opcode::MathSqrt => ins.sqrt(x),
            Opcode::MathFloor => ins.floor(x),
            Opcode::MathCeil => ins.ceil(x),
            Opcode::MathTrunc => ins.trunc(x),
            _ => return None,
        })
    }
}
