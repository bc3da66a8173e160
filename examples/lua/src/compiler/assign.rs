//! Assignments.

use super::expression::Place;
use super::op::{Op, Reg};
use super::{Compiled, FunctionCompiler};
use crate::syntax::ast::Expr;

/// Where a value is to go.
#[derive(Clone, Copy)]
enum Target {
    Register(Reg),
    Box(Reg),
    Shared(u8),
    Place { place: Place, line: u32 },
}

impl FunctionCompiler<'_> {
    pub(super) fn assignment(&mut self, targets: &[Expr], values: &[Expr]) -> Compiled<()> {
        let mark = self.free;
        if let ([target], [value]) = (targets, values) {
            self.single_assignment(target, value)?;
        } else {
            self.multiple_assignment(targets, values)?;
        }
        self.free = mark;
        Ok(())
    }

    fn single_assignment(&mut self, target: &Expr, value: &Expr) -> Compiled<()> {
        let target = self.target(target)?;
        match target {
            Target::Register(reg) if computes_last(value) => self.expression(value, reg),
            _ => {
                let line = self.emitter.line;
                let src = self.any_register(value)?;
                self.assign(target, src, line);
                Ok(())
            }
        }
    }

    /// All operands first, then all values, then the assignments from right to left.
    fn multiple_assignment(&mut self, targets: &[Expr], values: &[Expr]) -> Compiled<()> {
        let mut places = Vec::new();
        for target in targets {
            let place = self.target(target)?;
            places.push(self.out_of_the_way(place, targets)?);
        }
        let line = self.emitter.line;
        let first = self.adjusted_values(values, targets.len())?;
        for (at, place) in places.into_iter().enumerate().rev() {
            self.assign(place, first + at as Reg, line);
        }
        Ok(())
    }

    fn target(&mut self, target: &Expr) -> Compiled<Target> {
        Ok(match target {
            Expr::Local(local) => {
                let reg = self.local_register(*local);
                match self.function.locals[*local].is_boxed() {
                    true => Target::Box(reg),
                    false => Target::Register(reg),
                }
            }
            Expr::Upvalue(index) => Target::Shared(*index as u8),
            Expr::Index { object, key, line } => {
                Target::Place { place: self.place(object, key)?, line: *line }
            }
            _ => unreachable!("the parser checks what is assigned to"),
        })
    }

    /// A place whose registers no other target of the statement changes.
    fn out_of_the_way(&mut self, target: Target, targets: &[Expr]) -> Compiled<Target> {
        let Target::Place { place, line } = target else { return Ok(target) };
        let place = match place {
            Place::Global { .. } => place,
            Place::Field { obj, key } => Place::Field { obj: self.kept(obj, targets)?, key },
            Place::Int { obj, index } => Place::Int { obj: self.kept(obj, targets)?, index },
            Place::Index { obj, key } => {
                Place::Index { obj: self.kept(obj, targets)?, key: self.kept(key, targets)? }
            }
        };
        Ok(Target::Place { place, line })
    }

    fn kept(&mut self, reg: Reg, targets: &[Expr]) -> Compiled<Reg> {
        let is_changed = targets
            .iter()
            .any(|it| matches!(it, Expr::Local(local) if self.registers[*local] == Some(reg)));
        if !is_changed {
            return Ok(reg);
        }
        let dst = self.allocate()?;
        self.emit(Op::Move { dst, src: reg });
        Ok(dst)
    }

    fn assign(&mut self, target: Target, src: Reg, line: u32) {
        match target {
            Target::Register(dst) if dst == src => {}
            Target::Register(dst) => self.emit(Op::Move { dst, src }),
            Target::Box(boxed) => self.emit(Op::SetBox { boxed, src }),
            Target::Shared(index) => self.emit(Op::SetShared { index, src }),
            Target::Place { place, line: place_line } => {
                self.store(place, src, place_line.max(line));
            }
        }
    }

    /// Stores a register.
    pub(super) fn store(&mut self, place: Place, src: Reg, line: u32) {
        self.emitter.emit_at(
            line,
            match place {
                Place::Global { upvalue, key } => Op::SetGlobal { upvalue, src, key },
                Place::Field { obj, key } => Op::SetField { obj, src, key },
                Place::Int { obj, index } => Op::SetInt { obj, index, src },
                Place::Index { obj, key } => Op::SetIndex { obj, key, src },
            },
        );
    }
}

/// Whether the last instruction of the expression is the only one that writes its register, so that it
/// may be that of a variable which the expression reads.
fn computes_last(expr: &Expr) -> bool {
    match expr {
        Expr::Nil
        | Expr::Bool(_)
        | Expr::Int(_)
        | Expr::Float(_)
        | Expr::Str(_)
        | Expr::Local(_)
        | Expr::Upvalue(_)
        | Expr::Index { .. }
        | Expr::Concat { .. }
        | Expr::Function(_) => true,
        Expr::Unary { operand, .. } => !matches!(**operand, Expr::Paren(_) | Expr::Unary { .. }),
        Expr::Binary { op, .. } => !super::condition::is_comparison(*op),
        Expr::Paren(inner) => computes_last(inner),
        _ => false,
    }
}
