//! Conditions to jumps.

use super::emit::Jumps;
use super::op::{Op, Reg};
use super::{Compiled, FunctionCompiler};
use crate::syntax::ast::{BinaryOp, Expr, UnaryOp};

impl FunctionCompiler<'_> {
    /// Jumps if the truth of `expr` is `when`, and goes on otherwise. The jumps are added to `jumps`.
    pub(super) fn jump_if(&mut self, expr: &Expr, when: bool, jumps: &mut Jumps) -> Compiled<()> {
        match expr {
            Expr::Paren(inner) => self.jump_if(inner, when, jumps),
            Expr::Nil | Expr::Bool(false) => {
                self.jump_always(!when, jumps);
                Ok(())
            }
            Expr::Bool(true) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => {
                self.jump_always(when, jumps);
                Ok(())
            }
            Expr::Unary { op: UnaryOp::Not, operand, .. } => self.jump_if(operand, !when, jumps),
            Expr::And(lhs, rhs) => self.jump_if_both(lhs, rhs, false, when, jumps),
            Expr::Or(lhs, rhs) => self.jump_if_both(lhs, rhs, true, when, jumps),
            Expr::Binary { op, lhs, rhs, line } if is_comparison(*op) => {
                self.compare(*op, lhs, rhs, *line, when, jumps)
            }
            _ => {
                let mark = self.free;
                let reg = self.any_register(expr)?;
                jumps.push(self.emitter.emit(Op::Test { reg, expect: when, target: 0 }));
                self.free = mark;
                Ok(())
            }
        }
    }

    fn jump_always(&mut self, does: bool, jumps: &mut Jumps) {
        if does {
            jumps.push(self.emitter.emit(Op::Jump { target: 0 }));
        }
    }

    /// `and` is decided by a false left side, `or` by a true one.
    fn jump_if_both(
        &mut self,
        lhs: &Expr,
        rhs: &Expr,
        decisive: bool,
        when: bool,
        jumps: &mut Jumps,
    ) -> Compiled<()> {
        if when == decisive {
            self.jump_if(lhs, when, jumps)?;
            return self.jump_if(rhs, when, jumps);
        }
        let mut skips = Jumps::new();
        self.jump_if(lhs, decisive, &mut skips)?;
        self.jump_if(rhs, when, jumps)?;
        self.emitter.patch_here(skips);
        Ok(())
    }

    fn compare(
        &mut self,
        op: BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        line: u32,
        when: bool,
        jumps: &mut Jumps,
    ) -> Compiled<()> {
        let mark = self.free;
        let expect = if op == BinaryOp::NotEqual { !when } else { when };
        let made = match self.compare_with_constant(op, lhs, rhs, expect)? {
            Some(made) => made,
            None => {
                let lhs = self.any_register(lhs)?;
                let rhs = self.any_register(rhs)?;
                compare_registers(op, lhs, rhs, expect)
            }
        };
        jumps.push(self.emitter.emit_at(line, made));
        self.free = mark;
        Ok(())
    }

    /// A comparison with a constant on one side, if that is what it is.
    fn compare_with_constant(
        &mut self,
        op: BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        expect: bool,
    ) -> Compiled<Option<Op>> {
        use BinaryOp as B;
        let target = 0;
        if matches!(op, B::Equal | B::NotEqual) {
            let (variable, k) = match (self.small_constant(rhs), self.small_constant(lhs)) {
                (Some(k), _) => (lhs, k),
                (None, Some(k)) => (rhs, k),
                (None, None) => return Ok(None),
            };
            let lhs = self.any_register(variable)?;
            return Ok(Some(Op::EqualK { lhs, k, expect, target }));
        }
        if let Some(k) = self.small_number(rhs) {
            let lhs = self.any_register(lhs)?;
            return Ok(Some(match op {
                B::Less => Op::LessK { lhs, k, expect, target },
                B::LessEqual => Op::LessEqualK { lhs, k, expect, target },
                B::Greater => Op::GreaterK { lhs, k, expect, target },
                _ => Op::GreaterEqualK { lhs, k, expect, target },
            }));
        }
        if let Some(k) = self.small_number(lhs) {
            let lhs = self.any_register(rhs)?;
            return Ok(Some(match op {
                B::Less => Op::GreaterK { lhs, k, expect, target },
                B::LessEqual => Op::GreaterEqualK { lhs, k, expect, target },
                B::Greater => Op::LessK { lhs, k, expect, target },
                _ => Op::LessEqualK { lhs, k, expect, target },
            }));
        }
        Ok(None)
    }

    /// The truth of a condition as a value in `dst`.
    pub(super) fn condition_value(&mut self, expr: &Expr, dst: Reg) -> Compiled<()> {
        let mut is_true = Jumps::new();
        self.jump_if(expr, true, &mut is_true)?;
        self.emitter.emit(Op::LoadBool { dst, value: false });
        let over = self.emitter.emit(Op::Jump { target: 0 });
        self.emitter.patch_here(is_true);
        self.emitter.emit(Op::LoadBool { dst, value: true });
        self.emitter.patch_here(vec![over]);
        Ok(())
    }
}

/// Whether the operator gives a truth value.
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp as B;
    matches!(op, B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual)
}

fn compare_registers(op: BinaryOp, lhs: Reg, rhs: Reg, expect: bool) -> Op {
    use BinaryOp as B;
    let target = 0;
    match op {
        B::Less => Op::Less { lhs, rhs, expect, target },
        B::LessEqual => Op::LessEqual { lhs, rhs, expect, target },
        B::Greater => Op::Less { lhs: rhs, rhs: lhs, expect, target },
        B::GreaterEqual => Op::LessEqual { lhs: rhs, rhs: lhs, expect, target },
        _ => Op::Equal { lhs, rhs, expect, target },
    }
}
