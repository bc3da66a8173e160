//! Statements.

use super::emit::Jumps;
use super::op::{OPEN, Op};
use super::{Compiled, FunctionCompiler};
use crate::syntax::ast::{Attribute, Block, Expr, LocalId, Statement, StatementKind};

impl FunctionCompiler<'_> {
    pub(super) fn statements(&mut self, statements: &[Statement]) -> Compiled<()> {
        self.statements_of(statements, false)
    }

    /// In the body of a `repeat`, the condition follows the last statement.
    fn statements_of(&mut self, statements: &[Statement], is_repeat: bool) -> Compiled<()> {
        for (at, statement) in statements.iter().enumerate() {
            self.emitter.line = statement.line;
            if let StatementKind::Label(name) = statement.kind {
                let is_label = |it: &Statement| matches!(it.kind, StatementKind::Label(_));
                let is_last = statements[at..].iter().all(is_label) && !is_repeat;
                self.label_statement(name, is_last)?;
            } else {
                self.statement(statement)?;
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Compiled<()> {
        self.enter_block(false);
        self.statements(&block.statements)?;
        self.leave_block()
    }

    fn statement(&mut self, statement: &Statement) -> Compiled<()> {
        match &statement.kind {
            StatementKind::Local { locals, values } => self.local(locals, values),
            StatementKind::LocalFunction { local, function } => {
                let reg = self.allocate()?;
                if self.function.locals[*local].is_boxed() {
                    self.emit(Op::LoadNil { first: reg, count: 1 });
                    self.activate(*local, reg);
                    let child = self.child(function, None)?;
                    let src = self.allocate()?;
                    self.emitter.emit_at(function.end_line, Op::Closure { dst: src, child });
                    self.emit(Op::SetBox { boxed: reg, src });
                    self.free = src;
                } else {
                    self.activate_as_is(*local, reg);
                    let child = self.child(function, Some(*local))?;
                    self.emitter.emit_at(function.end_line, Op::Closure { dst: reg, child });
                }
                Ok(())
            }
            StatementKind::Assign { targets, values } => self.assignment(targets, values),
            StatementKind::Call(call) => {
                self.call(call, 0)?;
                Ok(())
            }
            StatementKind::Do(body) => self.block(body),
            StatementKind::While { condition, body } => self.while_loop(condition, body),
            StatementKind::Repeat { body, condition } => self.repeat_loop(body, condition),
            StatementKind::If { arms, otherwise } => self.if_statement(arms, otherwise.as_ref()),
            StatementKind::NumericFor { var, start, limit, step, body } => {
                self.numeric_for(*var, [Some(start), Some(limit), step.as_ref()], body)
            }
            StatementKind::GenericFor { vars, values, body } => {
                self.generic_for(vars, values, body)
            }
            StatementKind::Return(values) => self.return_statement(values),
            StatementKind::Break => self.break_statement(),
            StatementKind::Goto(name) => {
                self.goto_statement(*name);
                Ok(())
            }
            StatementKind::Label(_) => unreachable!("labels are looked at in `statements`"),
        }
    }

    fn local(&mut self, locals: &[LocalId], values: &[Expr]) -> Compiled<()> {
        let first = self.adjusted_values(values, locals.len())?;
        for (at, &local) in locals.iter().enumerate() {
            self.activate(local, first + at as u8);
        }
        if let ([local], [value]) = (locals, values) {
            let is_const = self.function.locals[*local].attribute == Attribute::Const;
            if is_const && self.small_constant(value).is_some() {
                self.mark_constant();
            }
        }
        Ok(())
    }

    fn while_loop(&mut self, condition: &Expr, body: &Block) -> Compiled<()> {
        let line = self.emitter.line;
        self.enter_block(true);
        let start = self.emitter.here();
        let mut exits = Jumps::new();
        self.jump_if(condition, false, &mut exits)?;
        self.block(body)?;
        self.emitter.emit_at(line, Op::Jump { target: start as u32 });
        self.emitter.patch_here(exits);
        self.leave_block()
    }

    fn repeat_loop(&mut self, body: &Block, condition: &Expr) -> Compiled<()> {
        self.enter_block(true);
        let start = self.emitter.here();
        self.enter_block(false);
        self.statements_of(&body.statements, true)?;
        let mut again = Jumps::new();
        if self.has_close() {
            // The variables are closed on both ways.
            let mut done = Jumps::new();
            self.jump_if(condition, true, &mut done)?;
            self.close_block();
            again.push(self.emitter.emit(Op::Jump { target: 0 }));
            self.emitter.patch_here(done);
        } else {
            self.jump_if(condition, false, &mut again)?;
        }
        self.leave_block()?;
        for jump in again {
            self.emitter.patch(jump, start);
        }
        self.leave_block()
    }

    fn if_statement(&mut self, arms: &[(Expr, Block)], otherwise: Option<&Block>) -> Compiled<()> {
        let mut ends = Jumps::new();
        for (at, (condition, body)) in arms.iter().enumerate() {
            let mut next = Jumps::new();
            self.jump_if(condition, false, &mut next)?;
            self.block(body)?;
            if at + 1 < arms.len() || otherwise.is_some() {
                ends.push(self.emitter.emit(Op::Jump { target: 0 }));
            }
            self.emitter.patch_here(next);
        }
        if let Some(body) = otherwise {
            self.block(body)?;
        }
        self.emitter.patch_here(ends);
        Ok(())
    }

    fn numeric_for(
        &mut self,
        var: LocalId,
        bounds: [Option<&Expr>; 3],
        body: &Block,
    ) -> Compiled<()> {
        let line = self.emitter.line;
        self.enter_block(true);
        let base = self.free;
        for bound in bounds {
            match bound {
                Some(expr) => {
                    self.new_register(expr)?;
                }
                None => {
                    let dst = self.allocate()?;
                    self.emit(Op::LoadInt { dst, value: 1 });
                }
            }
        }
        let prep = self.emitter.emit_at(line, Op::ForPrep { base, target: 0 });
        self.enter_block(false);
        let reg = self.allocate()?;
        let start = self.emitter.here();
        self.activate(var, reg);
        self.statements(&body.statements)?;
        self.leave_block()?;
        let target = start as u32;
        self.emitter.emit_at(line, Op::ForLoop { base, target });
        self.emitter.patch_here(vec![prep]);
        self.leave_block()
    }

    fn generic_for(&mut self, vars: &[LocalId], values: &[Expr], body: &Block) -> Compiled<()> {
        let line = self.emitter.line;
        self.enter_block(true);
        let base = self.adjusted_values(values, 4)?;
        self.mark_close();
        let prep = self.emitter.emit_at(line, Op::GenericForPrep { base, target: 0 });
        self.enter_block(false);
        // The call needs three registers for itself.
        let first = self.allocate_many(vars.len().max(3))?;
        self.free = first + vars.len() as u8;
        let start = self.emitter.here();
        for (at, &var) in vars.iter().enumerate() {
            self.activate(var, first + at as u8);
        }
        self.statements(&body.statements)?;
        self.leave_block()?;
        self.emitter.patch_here(vec![prep]);
        self.emitter.emit_at(line, Op::ForCall { base, n_vars: vars.len() as u8 });
        self.emitter.emit_at(line, Op::GenericForLoop { base, target: start as u32 });
        self.leave_block()
    }

    fn return_statement(&mut self, values: &[Expr]) -> Compiled<()> {
        let mark = self.free;
        match values {
            [] => self.emit(Op::ReturnNone),
            [call @ (Expr::Call { .. } | Expr::MethodCall { .. })] if !self.is_inside_close() => {
                let func = self.free;
                let (args, line) = self.call_operands(call)?;
                self.emitter.emit_at(line, Op::TailCall { func, args });
                // A native function has returned to here.
                self.emit(Op::Return { first: func, count: OPEN });
            }
            [value] if !value.is_multiple() => {
                let src = self.any_register(value)?;
                self.emit(Op::ReturnOne { src });
            }
            _ => {
                let first = self.free;
                let count = self.values_in_a_row(values)?;
                self.emit(Op::Return { first, count });
            }
        }
        self.free = mark;
        Ok(())
    }
}
