//! Operations that set the overflow flag.
//!
//! There is no flag: an overflow operation leaves behind the condition under which it overflows,
//! and the guard that follows branches on it. Where one comparison of the result tells, that is
//! cheaper than Cranelift's overflow bit, which goes through a register: it is one compare and
//! branch.

use super::{Cond, Lower};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use metainterp::ir::{Op, Opcode, Operand};

impl Lower<'_, '_> {
    pub(super) fn overflow_op(&mut self, op: &Op) {
        let &[x_arg, y_arg] = self.trace.args(op) else {
            unreachable!("{} has two operands", op.opcode.name())
        };
        let (x, y) = (self.use_(x_arg), self.use_(y_arg));
        let (value, overflow) = match op.opcode {
            Opcode::UintAddOvf => {
                let sum = self.b.ins().iadd(x, y);
                (sum, Cond::Int(IntCC::UnsignedLessThan, sum, x))
            }
            Opcode::UintSubOvf => {
                let difference = self.b.ins().isub(x, y);
                (difference, Cond::Int(IntCC::UnsignedLessThan, x, y))
            }
            Opcode::IntAddOvf => self.add_overflow(x, y, x_arg, y_arg),
            Opcode::IntSubOvf => self.sub_overflow(x, y, y_arg),
            Opcode::IntMulOvf => flag(self.b.ins().smul_overflow(x, y)),
            Opcode::UintMulOvf => flag(self.b.ins().umul_overflow(x, y)),
            other => unreachable!("{} sets no overflow flag", other.name()),
        };
        self.define(op.res().expect("an overflow operation has a result"), value);
        self.overflow = Some(overflow);
    }

    // x + c overflows if and only if it moves against the sign of c.
    fn add_overflow(
        &mut self,
        x: Value,
        y: Value,
        x_arg: Operand,
        y_arg: Operand,
    ) -> (Value, Cond) {
        let (x, y, constant) = match (self.trace.as_const(x_arg), self.trace.as_const(y_arg)) {
            (_, Some(constant)) => (x, y, constant),
            (Some(constant), None) => (y, x, constant),
            (None, None) => return flag(self.b.ins().sadd_overflow(x, y)),
        };
        let sum = self.b.ins().iadd(x, y);
        (sum, moved_wrongly(sum, x, constant.signed() >= 0))
    }

    // x - c is x + (-c), also for the smallest c.
    fn sub_overflow(&mut self, x: Value, y: Value, y_arg: Operand) -> (Value, Cond) {
        let Some(constant) = self.trace.as_const(y_arg) else {
            return flag(self.b.ins().ssub_overflow(x, y));
        };
        let difference = self.b.ins().isub(x, y);
        (difference, moved_wrongly(difference, x, constant.signed() < 0))
    }
}

fn flag((value, overflow): (Value, Value)) -> (Value, Cond) {
    (value, Cond::Flag(overflow))
}

/// The condition that `moved`, which should not lie below (`up`) or above `from`, does.
fn moved_wrongly(moved: Value, from: Value, up: bool) -> Cond {
    let wrong = if up { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
    Cond::Int(wrong, moved, from)
}
