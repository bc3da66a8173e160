//! What lives at the merge point: greens, reds, the driver, and nothing else.
//!
//! A local lives there if it is declared before and mentioned after, where "after" includes the whole
//! loop, because the merge point comes round again. That is liveness by syntax: a mention that writes
//! counts as well. A green or red that does not live is allowed.
//!
//! Invariant: names are compared as variables, not as text, so a shadowed green is not taken for the
//! green.

use super::understood;
use crate::parse::{Green, Hint, Mistakes};
use crate::scope::{HintSite, Local, LocalId, LoopSpan, Names};
use proc_macro2::{Ident, Span};
use quote::ToTokens;
use std::collections::HashMap;
use syn::Type;

/// What the checks look at.
pub struct Cx<'a> {
    /// The function's names.
    pub names: &'a Names,
    /// The merge point.
    pub site: &'a HintSite,
    /// Its arguments.
    pub hint: &'a Hint,
    /// Each `can_enter_jit!`.
    pub entries: &'a [&'a HintSite],
    /// Whether statements before the merge point are no mistake, or there are none.
    pub in_order: bool,
}

impl Cx<'_> {
    /// The loop, or the body of a function that is called again and again.
    fn loop_span(&self) -> LoopSpan {
        let body = LoopSpan { start: self.names.body_start, end: LoopSpan::END };
        self.site.loop_span.map_or(body, |it| self.names.loops[it])
    }

    /// The greens that are variables, each with it.
    fn green_variables(&self) -> impl Iterator<Item = (&Ident, Option<LocalId>)> {
        let greens = self.hint.greens.iter().map(Green::variable);
        greens.zip(&self.site.greens).filter_map(|(name, &id)| Some((name?, id)))
    }

    /// The variables that are green or red.
    fn coloured(&self) -> impl Iterator<Item = (&Ident, Option<LocalId>)> {
        self.green_variables().chain(self.hint.reds.iter().zip(self.site.reds.iter().copied()))
    }

    /// The same, and those that greens start with.
    fn named(&self) -> impl Iterator<Item = (&Ident, Option<LocalId>)> {
        let names = self.hint.greens.iter().map(Green::root).chain(&self.hint.reds);
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
    let greens = hint.greens.iter().map(|green| (green.to_string(), green.span(), "green"));
    let reds = hint.reds.iter().map(|name| (name.to_string(), name.span(), "red"));
    for (name, span, colour) in greens.chain(reds) {
        if let Some(first) = seen.insert(name.clone(), colour) {
            mistakes.span(
                span,
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
    for (name, id) in cx.named() {
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
    let roots = |hint: &Hint| hint.greens.iter().map(|it| it.root().clone()).collect::<Vec<_>>();
    match difference(&hint.greens, &cx.hint.greens, Green::span, hint.greens_end) {
        Some(span) => mistakes.span(span, differ("greens", &cx.hint.greens)),
        None => same_variables(&roots(hint), &entry.greens, &cx.site.greens, mistakes),
    }
    match difference(&hint.reds, &cx.hint.reds, Ident::span, hint.reds_end) {
        Some(span) => mistakes.span(span, differ("reds", &cx.hint.reds)),
        None => same_variables(&hint.reds, &entry.reds, &cx.site.reds, mistakes),
    }
}

fn differ(what: &str, expected: &[impl ToString]) -> String {
    format!("{what} differ from those of `jit_merge_point!`: expected [{}]", joined(expected))
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

/// Where two lists first differ; `end` if the given one is too short.
fn difference<T: PartialEq>(
    given: &[T],
    expected: &[T],
    span: impl Fn(&T) -> Span,
    end: Span,
) -> Option<Span> {
    if given == expected {
        return None;
    }
    let same = given.iter().zip(expected).take_while(|(a, b)| a == b).count();
    Some(given.get(same).map_or(end, span))
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

fn joined(names: &[impl ToString]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
    let greens: Vec<LocalId> = cx.green_variables().filter_map(|(_, id)| id).collect();
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
