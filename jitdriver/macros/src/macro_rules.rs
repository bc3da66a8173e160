//! The author's own macros, expanded where traced code calls them.
//!
//! An attribute macro sees `reg!(1) = x` before rustc expands it, so it does not know what that does. If it
//! has seen the `macro_rules!` item, in the body itself or with `#[jit]` on it ([`registry`]), it expands
//! the call as rustc will: [`matcher`] finds the rule, [`transcriber`] writes its tokens, [`hygiene`] tells the
//! names of the macro's own variables from the author's. What is then lowered has no such call any more.
//! The plain function keeps its macros.
//!
//! Invariants
//! 1. What is not fully understood (a syntax of newer compilers, a repetition that has no variable) stays a
//!    call of a macro that is not known, and is run as it is written.
//! 2. A twin is compiled only if the macro that is in scope at the call is the one that was expanded: macros
//!    with `#[jit]` have a rule that answers their fingerprint, and the twin compares it.
//!
//! Why not have rustc expand them, by a second macro that wraps what it transcribes in a macro that lowers?
//! What a statement is lowered to depends on the function around it: which names are locals, which of them
//! are mentioned later, which loop a `break` leaves.

mod definition;
mod hygiene;
mod matcher;
pub mod registry;
mod transcriber;

use crate::parse::{HintKind, std_macros};
use crate::syntax::{macro_name, regrouped};
use definition::Definition;
use hygiene::{Mark, Origin};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use std::collections::BTreeMap;
use std::rc::Rc;
use syn::parse::{ParseStream, Parser};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Macro, Pat, Signature, Stmt};

/// A body without calls of known macros.
pub struct Expanded {
    /// The body.
    pub block: Block,
    /// Items that compare the macros that were expanded with those that are called, for the twin.
    pub checks: TokenStream,
}

/// Calls inside of what a call is expanded to, inside of what that is, and so on; rustc's limit is 128.
const MOST_NESTED: usize = 128;

/// Calls that are expanded in one function: a macro that counts by calling itself is no code to trace.
const MOST_CALLS: Mark = 10_000;

/// Expands the calls of macros that are defined in the body, and of those with `#[jit]`.
pub fn expanded(sig: &Signature, block: &Block) -> Expanded {
    let mut expander = Expander::default();
    let mut expanded = block.clone();
    expander.visit_block_mut(&mut expanded);
    let is_changed = !expander.origins.is_empty();
    if !is_changed || hygiene::resolve(sig, &mut expanded, &expander.origins).is_err() {
        return Expanded { block: block.clone(), checks: TokenStream::new() };
    }
    Expanded { block: expanded, checks: expander.checks.into_values().collect() }
}

#[derive(Default)]
struct Expander {
    /// Macros of the blocks around, innermost last; one that is not understood hides others of its name.
    local: Vec<(String, Option<Rc<Definition>>)>,
    nested: usize,
    /// Of each call that was expanded.
    origins: Vec<Origin>,
    /// By the path of the macro.
    checks: BTreeMap<String, TokenStream>,
}

impl Expander {
    /// What a call stands for; `None` for a macro that is not known.
    fn expand(&mut self, mac: &Macro) -> Option<TokenStream> {
        let name = &mac.path.segments.last()?.ident;
        if HintKind::of(mac).is_some()
            || self.nested >= MOST_NESTED
            || self.origins.len() >= MOST_CALLS
        {
            return None;
        }
        let local =
            mac.path.get_ident().and_then(|_| self.local.iter().rev().find(|it| name == &it.0));
        let (definition, origin) = match local {
            Some((name, definition)) => (definition.clone()?, Origin::Local(name.clone())),
            None if is_of_this_crate(&mac.path) => (registry::find(name)?, Origin::Outside),
            None => return None,
        };
        let at = mac.path.segments.first()?.ident.span();
        let mark = self.origins.len() + 1;
        let tokens = definition.expand(mac.tokens.clone(), mark, at).ok()?;
        if matches!(origin, Origin::Outside) {
            self.check(mac, &definition);
        }
        self.origins.push(origin);
        Some(tokens)
    }

    fn check(&mut self, mac: &Macro, definition: &Definition) {
        let (path, fingerprint) = (&mac.path, definition.fingerprint);
        let name = macro_name(mac);
        let message = format!(
            "another macro `{name}!` than this one has `#[jit]`; put `#[jit]` on both, or rename one"
        );
        let question = registry::question();
        let span = Span::call_site().located_at(path.segments[0].ident.span());
        let check = quote_spanned!(span=> const _: () = ::core::assert!(#path!(#question) == #fingerprint, #message););
        self.checks.entry(quote!(#path).to_string()).or_insert(check);
    }

    /// What a call stands for, parsed and with the calls in it expanded.
    fn parsed<T>(
        &mut self,
        mac: &Macro,
        parse: impl FnOnce(ParseStream) -> syn::Result<T>,
        visit: impl FnOnce(&mut Self, &mut T),
    ) -> Option<T> {
        let mut parsed = parse.parse2(self.expand(mac)?).ok()?;
        self.nested += 1;
        visit(self, &mut parsed);
        self.nested -= 1;
        Some(parsed)
    }

    /// What a call stands for as an expression; rustc takes a semicolon behind it.
    fn expression(&mut self, mac: &Macro) -> Option<Expr> {
        let parse = |input: ParseStream| {
            let e = input.parse()?;
            input.parse::<Option<syn::Token![;]>>()?;
            Ok(e)
        };
        self.parsed(mac, parse, |this, e: &mut Expr| this.visit_expr_mut(e))
    }

    fn statements(&mut self, stmts: Vec<Stmt>) -> Vec<Stmt> {
        let mut out = Vec::new();
        let n_stmts = stmts.len();
        for (number, mut stmt) in stmts.into_iter().enumerate() {
            match &mut stmt {
                Stmt::Item(syn::Item::Macro(item)) => {
                    if let Some(name) = &item.ident {
                        let definition = Definition::new(&item.mac.tokens).ok().map(Rc::new);
                        self.local.push((name.to_string(), definition));
                    }
                }
                Stmt::Macro(call) if call.attrs.is_empty() => {
                    let is_last = number + 1 == n_stmts;
                    let value = if is_last { call.semi_token } else { Some(Default::default()) };
                    let mut stmts = Vec::new();
                    let mac = call.mac.clone();
                    let visit = |this: &mut Self, parsed: &mut Vec<Stmt>| {
                        stmts = this.statements(std::mem::take(parsed));
                    };
                    if self.parsed(&mac, Block::parse_within, visit).is_some() {
                        // Its value is the block's only if it is the block's last.
                        match stmts.last_mut() {
                            Some(Stmt::Expr(_, semi @ None)) => *semi = value,
                            Some(Stmt::Macro(inner)) => {
                                inner.semi_token = inner.semi_token.or(value)
                            }
                            _ => {}
                        }
                        out.append(&mut stmts);
                        continue;
                    }
                    self.visit_macro_mut(&mut call.mac);
                }
                other => self.visit_stmt_mut(other),
            }
            out.push(stmt);
        }
        out
    }

    /// Expands the calls among the arguments of a macro of std.
    fn in_arguments(&mut self, tokens: TokenStream) -> TokenStream {
        let mut out: Vec<TokenTree> = Vec::new();
        for token in tokens {
            let TokenTree::Group(group) = token else {
                out.push(token);
                continue;
            };
            if let Some(e) = called(&out, &group).and_then(|mac| self.expression(&mac)) {
                out.truncate(out.len() - 2);
                out.push(Group::new(Delimiter::None, quote!(#e)).into());
                continue;
            }
            out.push(regrouped(&group, self.in_arguments(group.stream())).into());
        }
        out.into_iter().collect()
    }
}

/// Whether a path may name a macro of this crate: others may have macros of the same name.
fn is_of_this_crate(path: &syn::Path) -> bool {
    let start = &path.segments[0].ident;
    let is_relative = ["crate", "self", "super"].iter().any(|word| start == word);
    path.leading_colon.is_none() && (path.segments.len() == 1 || is_relative)
}

/// The call that ends in these arguments: of a name, not of a path.
fn called(before: &[TokenTree], args: &Group) -> Option<Macro> {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(bang)] if bang.as_char() == '!' => {
            syn::parse2(quote!(#name #bang #args)).ok()
        }
        _ => None,
    }
}

impl VisitMut for Expander {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let n_local = self.local.len();
        block.stmts = self.statements(std::mem::take(&mut block.stmts));
        self.local.truncate(n_local);
    }

    fn visit_expr_mut(&mut self, e: &mut Expr) {
        if let Expr::Macro(call) = e
            && call.attrs.is_empty()
            && let Some(expanded) = self.expression(&call.mac)
        {
            *e = expanded;
            return;
        }
        visit_mut::visit_expr_mut(self, e);
    }

    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        if let Pat::Macro(call) = pat
            && let Some(expanded) =
                self.parsed(&call.mac, Pat::parse_multi_with_leading_vert, |this, pat| {
                    this.visit_pat_mut(pat)
                })
        {
            *pat = expanded;
            return;
        }
        visit_mut::visit_pat_mut(self, pat);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if std_macros::args(mac).is_some() && !shows_its_arguments(mac) {
            mac.tokens = self.in_arguments(std::mem::take(&mut mac.tokens));
        }
    }

    // What is in an item is not of this function.
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

/// Whether a macro shows the text of what it is given, which must then be the author's.
fn shows_its_arguments(mac: &Macro) -> bool {
    let n_args = || std_macros::args(mac).map_or(0, |args| args.exprs.len());
    match macro_name(mac).as_str() {
        "assert" | "debug_assert" => n_args() < 2,
        name => name == "dbg" || name == "stringify",
    }
}

#[cfg(test)]
mod tests;
