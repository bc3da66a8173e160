//! What lives at the merge point: greens, reds, the driver, and nothing else.
//!
//! A local lives there if it is declared before and mentioned after, where "after" includes the whole
//! loop, because the merge point comes round again. That is liveness by syntax: a mention that writes
//! counts as well. A green or red that does not live is allowed.
//!
//! Invariant: names are compared as variables, not as text, so a shadowed green is not taken for the
//! green.

use super::understood;
use crate::parse::{Hint, Mistakes};
use crate::scope::{HintSite, Local, LocalId, LoopSpan, Names};
use proc_macro2::{Ident, Span};
use quote::ToTokens;
use std::collections::HashMap;
use syn::Type;

/// What the checks look at.
pub struct Cx<'a> {
    /// The function's names.
    pub names: &'a Names,
    /// The merge point, which is in a loop.
    pub site: &'a HintSite,
    /// Its arguments.
    pub hint: &'a Hint,
    /// Each `can_enter_jit!`.
    pub entries: &'a [&'a HintSite],
    /// Whether statements before the merge point are no mistake, or there are none.
    pub in_order: bool,
}

impl Cx<'_> {
    fn loop_span(&self) -> LoopSpan {
        self.names.loops[self.site.loop_span.expect("the merge point is in a loop")]
    }

    /// The greens and reds, each with its variable.
    fn coloured(&self) -> impl Iterator<Item = (&Ident, Option<LocalId>)> {
        let names = self.hint.greens.iter().chain(&self.hint.reds);
        names.zip(self.site.greens.iter().chain(&self.site.reds).copied())
    }
}

/// The greens and reds that are declared `mut`.
pub fn mutable(names: &Names, site: &HintSite) -> Vec<Ident> {
    let locals = site.greens.iter().chain(&site.reds).flatten().map(|&id| names.local(id));
    locals.filter(|it| it.binding.mutable).map(|it| it.binding.ident.clone()).collect()
}

/// Runs the checks of this file.
pub fn check(cx: &Cx, mistakes: &mut Mistakes) {
    colours(cx.hint, mistakes);
    variables(cx, mistakes);
    cx.entries.iter().for_each(|entry| same_lists(cx, entry, mistakes));
    all_listed(cx, mistakes);
    greens_keep(cx, mistakes);
}

fn colours(hint: &Hint, mistakes: &mut Mistakes) {
    let mut seen = HashMap::new();
    let greens = hint.greens.iter().map(|name| (name, "green"));
    for (name, colour) in greens.chain(hint.reds.iter().map(|name| (name, "red"))) {
        if let Some(first) = seen.insert(name.to_string(), colour) {
            mistakes.span(
                name.span(),
                match first == colour {
                    true => format!("`{name}` is already in this list; remove one"),
                    false => {
                        format!("`{name}` is already declared {first}; a variable has one colour")
                    }
                },
            );
        }
    }
}

fn variables(cx: &Cx, mistakes: &mut Mistakes) {
    let start = cx.loop_span().start;
    for (name, id) in cx.coloured() {
        match id {
            None => mistakes.span(
                name.span(),
                format!("`{name}` is not a local variable here; constants need not be listed"),
            ),
            Some(id) if start < cx.names.local(id).at && cx.in_order => mistakes.span(
                name.span(),
                format!("`{name}` is another variable each time round; declare it before the loop"),
            ),
            Some(_) => {}
        }
    }
}

fn same_lists(cx: &Cx, entry: &HintSite, mistakes: &mut Mistakes) {
    let Some(hint) = understood(entry) else { return };
    let (given, expected) = (text(&hint.driver), text(&cx.hint.driver));
    if given != expected {
        mistakes.at(
            &hint.driver,
            format!("the driver differs from that of `jit_merge_point!`: expected `{expected}`"),
        );
    }
    let lists = [
        ("greens", &hint.greens, &cx.hint.greens, &entry.greens, &cx.site.greens, hint.greens_end),
        ("reds", &hint.reds, &cx.hint.reds, &entry.reds, &cx.site.reds, hint.reds_end),
    ];
    for (what, given, expected, ids, expected_ids, end) in lists {
        match difference(given, expected, end) {
            Some(span) => mistakes.span(
                span,
                format!(
                    "{what} differ from those of `jit_merge_point!`: expected [{}]",
                    joined(expected)
                ),
            ),
            None => same_variables(given, ids, expected_ids, mistakes),
        }
    }
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

/// Where two lists first differ; `end` if the given one is too short.
fn difference(given: &[Ident], expected: &[Ident], end: Span) -> Option<Span> {
    if given == expected {
        return None;
    }
    let same = given.iter().zip(expected).take_while(|(a, b)| a == b).count();
    Some(given.get(same).map_or(end, Ident::span))
}

fn same_variables(
    names: &[Ident],
    ids: &[Option<LocalId>],
    expected: &[Option<LocalId>],
    mistakes: &mut Mistakes,
) {
    for ((name, id), expected) in names.iter().zip(ids).zip(expected) {
        // A name that is no variable at the merge point was reported there.
        if expected.is_some() && id != expected {
            mistakes.span(
                name.span(),
                format!(
                    "`{name}` is not the variable of `jit_merge_point!` here; do not shadow it"
                ),
            );
        }
    }
}

fn joined(names: &[Ident]) -> String {
    names.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ")
}

fn all_listed(cx: &Cx, mistakes: &mut Mistakes) {
    for (id, local) in cx.names.all() {
        let listed = cx.coloured().any(|(_, coloured)| coloured == Some(id));
        // With the same name listed, the mistake is another one, reported elsewhere.
        if !listed && cx.site.driver != Some(id) && lives(cx, id, local) {
            mistakes.span(local.binding.ident.span(), unlisted(cx, local));
        }
    }
}

fn lives(cx: &Cx, id: LocalId, local: &Local) -> bool {
    let start = cx.loop_span().start;
    let after = match local.at < start {
        true => start,
        // Between the loop's start and the merge point: the mistake is the statement.
        false if local.at < cx.site.at && cx.in_order => cx.site.at,
        false => return false,
    };
    cx.names.mentions.iter().any(|&(mentioned, at)| mentioned == id && after < at)
}

fn unlisted(cx: &Cx, local: &Local) -> String {
    let name = &local.binding.ident;
    let help = if local.at < cx.loop_span().start {
        let mut reds = cx.hint.reds.clone();
        reds.push(name.clone());
        format!("add it to `reds = [{}]`", joined(&reds))
    } else {
        "declare it behind the merge point".to_string()
    };
    format!("`{name}` lives across the merge point but is neither green nor red; {help}")
}

fn greens_keep(cx: &Cx, mistakes: &mut Mistakes) {
    let span = cx.loop_span();
    // A condition that touches anything was reported, if there is a `can_enter_jit!`.
    let from = if cx.entries.is_empty() { span.start } else { cx.site.at };
    let greens: Vec<LocalId> = cx.site.greens.iter().flatten().copied().collect();
    for &id in &greens {
        let binding = &cx.names.local(id).binding;
        if let Some(ty) = binding.ty.as_ref().filter(|ty| is_mut_reference(ty)) {
            mistakes.at(
                ty,
                format!(
                    "a green must not change, and `&mut` lets it; make `{}` red",
                    binding.ident
                ),
            );
        }
    }
    for borrow in &cx.names.mut_borrows {
        if greens.contains(&borrow.local) && from < borrow.at && borrow.at < span.end {
            let name = &cx.names.local(borrow.local).binding.ident;
            mistakes.span(
                borrow.span,
                format!("`{name}` is green, so it changes by assignment only, not through `&mut`"),
            );
        }
    }
}

fn is_mut_reference(ty: &Type) -> bool {
    match ty {
        Type::Reference(it) => it.mutability.is_some(),
        Type::Paren(it) => is_mut_reference(&it.elem),
        Type::Group(it) => is_mut_reference(&it.elem),
        _ => false,
    }
}
