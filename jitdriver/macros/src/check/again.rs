//! A function that executes one instruction, whose caller loops: `again = value`.
//!
//! The author says with which value the function asks for nothing but to be called again. So compiled
//! code may stand for many calls that return it, and the merge point is where each of them starts.

use super::place::{hint_of, is_executed};
use crate::parse::{HintKind, Mistakes};
use crate::scope::HintSite;
use proc_macro2::Ident;
use syn::Block;

/// Whether the merge point is the first statement of a function's body.
pub fn is_first(block: &Block) -> bool {
    let first = block.stmts.iter().find(|stmt| is_executed(stmt)).and_then(hint_of);
    first.is_some_and(|(kind, _)| kind == HintKind::MergePoint)
}

/// Reports a merge point in another place, and hints beside it; `None` if there is no more to check.
pub fn check(
    name: &Ident,
    block: &Block,
    site: &HintSite,
    entries: &[&HintSite],
    mistakes: &mut Mistakes,
) -> Option<()> {
    if !is_first(block) {
        mistakes.span(
            name.span(),
            match site.loop_span {
                Some(_) => {
                    "`again` is for a function that executes one instruction; this loop starts over \
                     by itself, so remove it"
                }
                None => {
                    "with `again`, `jit_merge_point!` is the first statement of the function's body"
                }
            },
        );
        return None;
    }
    for entry in entries {
        mistakes.span(
            entry.span,
            "with `again`, compiled code is entered at `jit_merge_point!`; remove this",
        );
    }
    entries.is_empty().then_some(())
}
