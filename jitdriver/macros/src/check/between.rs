//! Nothing runs between `can_enter_jit!` and the merge point.
//!
//! When compiled code comes back to the plain function, it does so at `can_enter_jit!`, with the
//! variables as they are at a merge point. What stands between would run once too often. So behind
//! `can_enter_jit!` comes the end of the loop's body, or `continue`.
//!
//! The walk goes down from the loop's body and takes along what runs [`Next`].

use super::place::{Loop, first_token, is_executed};
use crate::parse::{HintKind, Mistakes};
use crate::scope::{HintSite, Names};
use proc_macro2::Span;
use syn::{Block, Expr, ExprContinue, Lifetime, Macro, Stmt};

/// What runs after the statement or expression at hand.
#[derive(Clone, Copy)]
enum Next<'a> {
    /// The loop starts over.
    MergePoint,
    /// This statement.
    Stmt(&'a Stmt),
    /// Something that starts at this token.
    Code(Span),
}

struct Walk<'a, 'm> {
    label: Option<&'a Lifetime>,
    /// Loops around, inside the merge point's.
    inner_loops: usize,
    seen: Vec<*const Macro>,
    /// Statements that were reported: once is enough, however many hints lead there.
    reported: Vec<*const Stmt>,
    mistakes: &'m mut Mistakes,
}

/// Checks what follows each `can_enter_jit!`, and that each is where that can be told.
pub fn check(
    the_loop: &Loop,
    entries: &[&HintSite],
    names: &Names,
    merge_point: &HintSite,
    mistakes: &mut Mistakes,
) {
    let label = the_loop.label.map(|label| &label.name);
    let mut walk = Walk { label, inner_loops: 0, seen: Vec::new(), reported: Vec::new(), mistakes };
    walk.block(the_loop.body, Next::MergePoint);
    let seen = walk.seen;
    let span = names.loops[merge_point.loop_span.expect("the merge point is in a loop")];
    for entry in entries.iter().filter(|entry| !seen.contains(&entry.mac)) {
        let message = match span.start < entry.at && entry.at < span.end {
            true => "`can_enter_jit!` must be a statement of its own",
            false => "`can_enter_jit!` must be in the loop of `jit_merge_point!`",
        };
        mistakes.span(entry.span, message);
    }
}

impl<'a> Walk<'a, '_> {
    fn block(&mut self, block: &'a Block, next: Next<'a>) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let following = block.stmts[index + 1..].iter().find(|stmt| is_executed(stmt));
            self.stmt(stmt, following.map_or(next, Next::Stmt));
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt, next: Next<'a>) {
        match stmt {
            Stmt::Macro(it) => self.mac(&it.mac, next),
            Stmt::Expr(expr, _) => self.expr(expr, next),
            Stmt::Local(it) => {
                let Some(init) = &it.init else { return };
                self.expr(&init.expr, Next::Code(it.let_token.span));
                if let Some((_, diverge)) = &init.diverge {
                    // It cannot be left at its end.
                    self.expr(diverge, Next::MergePoint);
                }
            }
            Stmt::Item(_) => {}
        }
    }

    fn expr(&mut self, expr: &'a Expr, next: Next<'a>) {
        if let Some(inner) = Loop::of(expr) {
            self.inner_loops += 1;
            self.block(inner.body, Next::Code(inner.keyword));
            self.inner_loops -= 1;
            return;
        }
        match expr {
            Expr::Macro(it) => self.mac(&it.mac, next),
            Expr::Block(it) => self.block(&it.block, next),
            Expr::Unsafe(it) => self.block(&it.block, next),
            Expr::Paren(it) => self.expr(&it.expr, next),
            Expr::Group(it) => self.expr(&it.expr, next),
            Expr::Match(it) => it.arms.iter().for_each(|arm| self.expr(&arm.body, next)),
            Expr::If(it) => {
                self.block(&it.then_branch, next);
                it.else_branch.iter().for_each(|(_, other)| self.expr(other, next));
            }
            Expr::Assign(it) => self.expr(&it.right, Next::Code(first_token(&it.left))),
            Expr::Binary(it) => self.expr(&it.right, Next::Code(first_token(&it.left))),
            _ => {}
        }
    }

    fn mac(&mut self, mac: &'a Macro, next: Next<'a>) {
        if HintKind::of(mac) != Some(HintKind::CanEnterJit) {
            return;
        }
        self.seen.push(mac);
        match next {
            Next::MergePoint => {}
            Next::Stmt(stmt) if self.is_continue(stmt) => {}
            Next::Stmt(stmt) => {
                if !self.reported.contains(&std::ptr::from_ref(stmt)) {
                    self.reported.push(stmt);
                    self.report(first_token(stmt));
                }
            }
            Next::Code(span) => self.report(span),
        }
    }

    fn report(&mut self, span: Span) {
        self.mistakes.span(
            span,
            "this runs between `can_enter_jit!` and `jit_merge_point!`; only `continue`, or the \
             end of the loop's body, may follow `can_enter_jit!`",
        );
    }

    fn is_continue(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Expr(Expr::Continue(it), _) if it.attrs.is_empty() => self.continues_loop(it),
            _ => false,
        }
    }

    fn continues_loop(&self, it: &ExprContinue) -> bool {
        match &it.label {
            Some(label) => Some(label) == self.label,
            None => self.inner_loops == 0,
        }
    }
}
