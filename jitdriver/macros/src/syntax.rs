//! Questions about syntax that need no scopes.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Block, ExprBreak, ExprClosure, ExprForLoop, ExprLoop, ExprWhile, Lifetime, Macro};

/// Whether a bare name in a pattern is a constant or a unit variant: by the naming convention, which
/// rustc's lints enforce.
pub fn is_constant_name(name: &Ident) -> bool {
    name.to_string().starts_with(|c: char| c.is_uppercase())
}

/// Whether a name is like `MAX`, and not `Max`.
pub fn is_all_upper_case(name: &Ident) -> bool {
    !name.to_string().contains(|c: char| c.is_lowercase())
}

/// Whether a word cannot be the name of a variable.
pub fn is_keyword(word: &Ident) -> bool {
    syn::parse2::<Ident>(TokenTree::from(word.clone()).into()).is_err()
}

/// The last name in a macro's path.
pub fn macro_name(mac: &Macro) -> String {
    mac.path.segments.last().map(|it| it.ident.to_string()).unwrap_or_default()
}

/// The group with other tokens in it.
pub fn regrouped(group: &Group, tokens: TokenStream) -> Group {
    let mut regrouped = Group::new(group.delimiter(), tokens);
    regrouped.set_span(group.span());
    regrouped
}

/// Tokens in parentheses that have this place.
pub fn parenthesized_at(span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(span);
    group
}

/// Collects every identifier in `tokens`, also those that string literals capture, with the hygiene
/// of its place.
pub fn mentioned(tokens: TokenStream, names: &mut BTreeMap<String, Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string(), ident);
            }
            TokenTree::Group(group) => mentioned(group.stream(), names),
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                    for name in crate::parse::format_captures(&text.value()) {
                        let ident = Ident::new(&name, text.span());
                        names.insert(name, ident);
                    }
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// The names in `tokens` that stand by themselves, as variables do: not those of fields and methods, of functions that
/// are called, in paths, of macros, nor those of constants and types.
pub fn lone_names(tokens: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let punct = |at: Option<usize>, signs: &str| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(it)) if signs.contains(it.as_char()));
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => names.append(&mut lone_names(group.stream())),
            TokenTree::Ident(name) => {
                let is_called = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                let is_part = punct(at.checked_sub(1), ".:'") || punct(Some(at + 1), "!:");
                if !is_called && !is_part && !is_keyword(name) && !is_constant_name(name) {
                    names.insert(name.to_string());
                }
            }
            _ => {}
        }
    }
    names
}

/// `tokens` with the twin's name of the receiver in the place of `self`, but not in paths.
pub fn rename_self(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut renamed = TokenStream::new();
    while let Some(token) = tokens.next() {
        let in_path =
            matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
        let token: TokenTree = match token {
            TokenTree::Ident(ident) if ident == "self" && !in_path => {
                Ident::new("__self", ident.span()).into()
            }
            TokenTree::Group(group) => regrouped(&group, rename_self(group.stream())).into(),
            TokenTree::Literal(text) => rename_self_in(text).into(),
            other => other,
        };
        renamed.extend([token]);
    }
    renamed
}

/// A format string may capture `self`. One that says `{{self}}` shows that, so it is left alone.
fn rename_self_in(literal: Literal) -> Literal {
    let text = literal.to_string();
    let captures = ["{self}", "{self:"].iter().any(|it| text.contains(it));
    if !captures || !text.starts_with('"') || text.contains("{{self") {
        return literal;
    }
    let renamed = text.replace("{self}", "{__self}").replace("{self:", "{__self:");
    let Ok(mut renamed) = renamed.parse::<Literal>() else { return literal };
    renamed.set_span(literal.span());
    renamed
}

/// How a `loop` is left by `break`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakKind {
    /// Not at all.
    None,
    /// By `break`.
    Plain,
    /// By `break value`.
    WithValue,
}

/// How the `loop` with this body and label is left.
pub fn break_kind(body: &Block, label: Option<&Lifetime>) -> BreakKind {
    let mut finder = BreakFinder { label, depth: 0, found: BreakKind::None };
    finder.visit_block(body);
    finder.found
}

struct BreakFinder<'a> {
    label: Option<&'a Lifetime>,
    /// Loops between the loop asked about and here.
    depth: u32,
    found: BreakKind,
}

impl BreakFinder<'_> {
    fn nested(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        visit(self);
        self.depth -= 1;
    }
}

impl<'ast> Visit<'ast> for BreakFinder<'_> {
    fn visit_expr_break(&mut self, e: &'ast ExprBreak) {
        let ours = match (&e.label, self.label) {
            (None, _) => self.depth == 0,
            (Some(label), Some(ours)) => label.ident == ours.ident,
            (Some(_), None) => false,
        };
        if ours {
            self.found = if e.expr.is_some() { BreakKind::WithValue } else { BreakKind::Plain };
        }
        visit::visit_expr_break(self, e);
    }

    fn visit_expr_loop(&mut self, e: &'ast ExprLoop) {
        self.nested(|v| visit::visit_expr_loop(v, e));
    }

    fn visit_expr_while(&mut self, e: &'ast ExprWhile) {
        self.nested(|v| visit::visit_expr_while(v, e));
    }

    fn visit_expr_for_loop(&mut self, e: &'ast ExprForLoop) {
        self.nested(|v| visit::visit_expr_for_loop(v, e));
    }

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn breaks_are_found_for_their_own_loop() {
        let label: Lifetime = parse_quote!('a);
        assert_eq!(
            break_kind(
                &parse_quote!({
                    x += 1;
                }),
                None
            ),
            BreakKind::None
        );
        assert_eq!(
            break_kind(
                &parse_quote!({
                    if x {
                        break;
                    }
                }),
                None
            ),
            BreakKind::Plain
        );
        assert_eq!(break_kind(&parse_quote!({ break 3 }), None), BreakKind::WithValue);
        assert_eq!(
            break_kind(
                &parse_quote!({
                    loop {
                        break;
                    }
                }),
                None
            ),
            BreakKind::None
        );
        assert_eq!(
            break_kind(
                &parse_quote!({
                    loop {
                        break 'a;
                    }
                }),
                Some(&label)
            ),
            BreakKind::Plain
        );
    }

    #[test]
    fn captures_count_as_mentioned() {
        let mut names = BTreeMap::new();
        mentioned(quote::quote!(println!("{x} {}", y.z)), &mut names);
        assert!(["x", "y", "z"].iter().all(|name| names.contains_key(*name)), "{names:?}");
    }
}
