//! Whether a function with hints is a portal: an interpreter loop that compiled code can stand for.
//!
//! Compiled code leaves and enters at the merge point only, and carries the greens and reds there and
//! nothing else. The rules follow from that:
//!
//! - the merge point is a statement of a `loop` or `while`, which is a statement of the function's
//!   body: [`place`];
//! - if there is a `can_enter_jit!`, nothing runs between it and the merge point: [`between`], and for the
//!   condition of a `while` [`condition`];
//! - or the function executes one instruction, its caller loops, and the merge point is the first statement
//!   of its body: [`again`];
//! - what lives at the merge point is green or red, and a green changes only by assignment: [`lives`].
//!
//! Invariants
//! 1. Every mistake is found in one go, each reported once, at the author's own token.
//! 2. A check that needs what an earlier one found missing is skipped, so that no mistake makes two
//!    errors.
//!
//! What syntax cannot show: a local that is dropped on the way from `can_enter_jit!` to the merge
//! point runs its `Drop` there.

mod again;
mod between;
mod condition;
mod lives;
mod place;

pub use place::hint_of;

use crate::parse::{Hint, HintKind, Mistakes};
use crate::scope::{self, HintSite, Home, Names};
use proc_macro2::Ident;
use syn::{Block, Expr, Signature, Stmt};

/// A function with a merge point, checked.
pub struct Portal {
    /// The merge point.
    pub hint: Hint,
    /// The condition of its loop, if that is a `while`.
    pub condition: Option<Expr>,
    /// There is no `can_enter_jit!`: the merge point finds the loops of the interpreted program by
    /// itself, and it is the place where compiled code is entered.
    pub is_alone: bool,
    /// The greens and reds that are declared `mut`.
    mutable: Vec<Ident>,
}

impl Portal {
    /// Whether this green or red is declared `mut`.
    pub fn is_mutable(&self, name: &Ident) -> bool {
        self.mutable.contains(name)
    }
}

pub use again::is_first;

/// Whether an expression is a loop with the merge point among the statements of its body.
pub fn has_merge_point(expr: &Expr) -> bool {
    place::Loop::of(expr).is_some_and(|it| it.merge_point(|_| true).is_some())
}

/// The portal that a function is, `None` for one without hints; runs all checks.
pub fn portal(sig: &Signature, block: &Block) -> syn::Result<Option<Portal>> {
    let names = scope::resolve(sig, block);
    let mut mistakes = Mistakes::default();
    let found = check(&names, block, &mut mistakes);
    mistakes.finish()?;
    let condition = block.stmts.iter().find_map(|stmt| match stmt {
        Stmt::Expr(e, _) if has_merge_point(e) => place::Loop::of(e)?.condition.cloned(),
        _ => None,
    });
    Ok(found.map(|(site, hint)| Portal {
        hint: hint.clone(),
        condition,
        is_alone: of_function(&names, HintKind::CanEnterJit).is_empty(),
        mutable: lives::mutable(&names, site),
    }))
}

fn check<'a>(
    names: &'a Names,
    block: &Block,
    mistakes: &mut Mistakes,
) -> Option<(&'a HintSite, &'a Hint)> {
    hints_themselves(names, mistakes);
    let site = place::only_merge_point(names, mistakes)?;
    let entries = of_function(names, HintKind::CanEnterJit);
    if let Some(hint) = understood(site)
        && let Some((name, _)) = &hint.again
    {
        again::check(name, block, site, &entries, mistakes)?;
        lives::check(&lives::Cx { names, site, hint, entries: &[], in_order: true }, mistakes);
        return Some((site, hint));
    }
    let the_loop = place::find_loop(block, site, mistakes)?;
    let in_order = entries.is_empty() || the_loop.check_first(site, mistakes);
    if !entries.is_empty() {
        the_loop.condition.into_iter().for_each(|it| condition::check(it, mistakes));
        between::check(&the_loop, &entries, names, site, mistakes);
    }
    let hint = understood(site)?;
    lives::check(&lives::Cx { names, site, hint, entries: &entries, in_order }, mistakes);
    Some((site, hint))
}

/// What is wrong with a hint whatever stands around it.
fn hints_themselves(names: &Names, mistakes: &mut Mistakes) {
    for site in &names.hints {
        let name = site.kind.name();
        match site.home {
            Home::Function => {}
            Home::Closure => mistakes.span(
                site.span,
                format!("`{name}!` stands in a closure; it belongs to the interpreter loop itself"),
            ),
            Home::Macro => mistakes
                .span(site.span, format!("`{name}!` cannot stand in another macro's arguments")),
        }
        if let Some(span) = site.attribute {
            mistakes.span(span, format!("`{name}!` takes no attributes; put them on the function"));
        }
        if let Some(Err(error)) = &site.hint {
            mistakes.push(error.clone());
        }
    }
}

/// The hints of one kind that stand in the function's own code.
fn of_function(names: &Names, kind: HintKind) -> Vec<&HintSite> {
    let hints = names.hints.iter();
    hints.filter(|site| site.kind == kind && site.home == Home::Function).collect()
}

fn understood(site: &HintSite) -> Option<&Hint> {
    site.hint.as_ref()?.as_ref().ok()
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
