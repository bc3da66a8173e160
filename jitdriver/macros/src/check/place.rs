//! Where the merge point stands: once in a function, first in its loop.
//!
//! The loop is a statement of the function's body and not deeper. The twin starts at the merge point,
//! and from there the way to the function's end has to be plain: an outer loop, a `for` loop's
//! iterator or the temporaries of a `match` around would live across the merge point unseen.

use crate::parse::{HintKind, Mistakes};
use crate::scope::{HintSite, Names};
use proc_macro2::Span;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Label, Macro, Stmt};

/// A loop of any kind.
#[derive(Clone, Copy)]
pub struct Loop<'a> {
    /// The label.
    pub label: Option<&'a Label>,
    /// The condition of a `while`.
    pub condition: Option<&'a Expr>,
    /// The body.
    pub body: &'a Block,
    /// The keyword.
    pub keyword: Span,
    is_for: bool,
}

impl<'a> Loop<'a> {
    /// The loop that an expression is.
    pub fn of(expr: &'a Expr) -> Option<Loop<'a>> {
        let (label, condition, body, keyword) = match expr {
            Expr::Loop(it) => (&it.label, None, &it.body, it.loop_token.span),
            Expr::While(it) => (&it.label, Some(&*it.cond), &it.body, it.while_token.span),
            Expr::ForLoop(it) => (&it.label, None, &it.body, it.for_token.span),
            _ => return None,
        };
        let is_for = matches!(expr, Expr::ForLoop(_));
        Some(Loop { label: label.as_ref(), condition, body, keyword, is_for })
    }

    /// The index of the merge point among the statements of the body.
    pub fn merge_point(&self, is_it: impl Fn(&Macro) -> bool) -> Option<usize> {
        self.body.stmts.iter().position(|stmt| {
            hint_of(stmt).is_some_and(|(kind, mac)| kind == HintKind::MergePoint && is_it(mac))
        })
    }

    fn contains(&self, site: &HintSite) -> Option<usize> {
        self.merge_point(|mac| std::ptr::eq(mac, site.mac))
    }

    /// Reports the first statement before the merge point; answers whether there is none.
    pub fn check_first(&self, site: &HintSite, mistakes: &mut Mistakes) -> bool {
        let at = self.contains(site).expect("this is the loop of the merge point");
        let before = self.body.stmts[..at].iter().find(|stmt| is_executed(stmt));
        if let Some(stmt) = before {
            mistakes.span(
                first_token(stmt),
                "this runs between `can_enter_jit!` and `jit_merge_point!`; move it behind the \
                 merge point",
            );
        }
        before.is_none()
    }

    /// Reports a loop that has a state of its own; answers whether it has none.
    fn check_kind(&self, mistakes: &mut Mistakes) -> bool {
        let pattern = self.condition.and_then(first_let);
        if self.is_for {
            mistakes.span(
                self.keyword,
                "the loop of `jit_merge_point!` must be `loop` or `while condition`: the iterator \
                 of a `for` is neither green nor red",
            );
        } else if let Some(span) = pattern {
            mistakes.span(
                span,
                "the loop of `jit_merge_point!` must be `loop` or `while condition`; move the \
                 `let` behind the merge point",
            );
        }
        !self.is_for && pattern.is_none()
    }
}

/// The first `let` in a condition.
fn first_let(condition: &Expr) -> Option<Span> {
    match condition {
        Expr::Let(it) => Some(it.let_token.span),
        Expr::Binary(it) => first_let(&it.left).or_else(|| first_let(&it.right)),
        Expr::Group(it) => first_let(&it.expr),
        _ => None,
    }
}

/// The hint that a statement is.
pub fn hint_of(stmt: &Stmt) -> Option<(HintKind, &Macro)> {
    let mac = match stmt {
        Stmt::Macro(it) => &it.mac,
        Stmt::Expr(Expr::Macro(it), _) => &it.mac,
        _ => return None,
    };
    Some((HintKind::of(mac)?, mac))
}

/// Whether a statement does anything: items and lone semicolons do not.
pub fn is_executed(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Item(_) => false,
        Stmt::Expr(Expr::Verbatim(tokens), _) => !tokens.is_empty(),
        _ => true,
    }
}

/// The place of the first token.
pub fn first_token(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

/// The merge point; reports a second one, and hints that have none.
pub fn only_merge_point<'a>(names: &'a Names, mistakes: &mut Mistakes) -> Option<&'a HintSite> {
    let merge_points = super::of_function(names, HintKind::MergePoint);
    if let Some(second) = merge_points.get(1) {
        mistakes.span(
            second.span,
            "this function has a `jit_merge_point!` already; give the other loop a function of its \
             own",
        );
    }
    // One that stands where it cannot is not missing.
    if names.hints.iter().all(|site| site.kind != HintKind::MergePoint) {
        let lonely = names.hints.iter().find(|site| site.kind == HintKind::CanEnterJit)?;
        mistakes.span(
            lonely.span,
            "`can_enter_jit!` without `jit_merge_point!`; the merge point belongs at the start of \
             this loop's body",
        );
    }
    merge_points.first().copied()
}

/// The loop of the merge point; reports what is wrong with it.
pub fn find_loop<'a>(
    block: &'a Block,
    site: &HintSite,
    mistakes: &mut Mistakes,
) -> Option<Loop<'a>> {
    let own = block.stmts.iter().find_map(|stmt| match stmt {
        Stmt::Expr(expr, _) => Loop::of(expr).filter(|it| it.contains(site).is_some()),
        _ => None,
    });
    match own {
        Some(it) => it.check_kind(mistakes).then_some(it),
        None => {
            report_position(block, site, mistakes);
            None
        }
    }
}

fn report_position(block: &Block, site: &HintSite, mistakes: &mut Mistakes) {
    let mut search = LoopSearch { site, found: None };
    search.visit_block(block);
    match search.found {
        Some(it) => {
            if it.check_kind(mistakes) {
                mistakes.span(
                    it.keyword,
                    "the loop of `jit_merge_point!` must be a statement of the function's body; \
                     give it a function of its own",
                );
            }
        }
        None if site.loop_span.is_some() => mistakes.span(
            site.span,
            "`jit_merge_point!` must be the first statement of its loop's body, not of a block in \
             it",
        ),
        None => mistakes.span(
            site.span,
            "`jit_merge_point!` is not in a loop; it belongs at the start of the interpreter \
             loop's body, or says with which value this function asks to be called again: \
             `again = value`",
        ),
    }
}

struct LoopSearch<'a, 's> {
    site: &'s HintSite,
    found: Option<Loop<'a>>,
}

impl<'a> Visit<'a> for LoopSearch<'a, '_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Some(it) = Loop::of(expr)
            && it.contains(self.site).is_some()
        {
            self.found = Some(it);
        }
        visit::visit_expr(self, expr);
    }
}
