//! The names that a macro writes, and those of the function that calls it.
//!
//! A variable that a macro declares is not seen by what the macro is given, nor the other way round. So each
//! name in the tokens of a macro, not in those of its arguments, carries a mark, one for each call. When all
//! is expanded, [`resolve`] walks the function with its scopes: a marked name that the expansion has declared
//! keeps its mark, as the name of a variable that nobody else can mean; all others lose it. The same holds for
//! labels, and for what a format string captures, which is therefore marked as a whole.
//!
//! A name without its mark must not come to mean a variable that the macro cannot see where it is defined. If
//! it would, nothing in the function is expanded.

use super::definition::Unknown;
use crate::parse::{format_captures, std_macros};
use crate::scope::{Scopes, bindings, is_path_pattern};
use crate::syntax::{is_keyword, regrouped};
use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::{HashMap, HashSet};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, FnArg, Lit, Macro, Pat, Signature, Stmt};

/// Of a call: its number.
pub type Mark = usize;

/// Where the macro of a call is defined.
pub enum Origin {
    /// In the function, under this name.
    Local(String),
    /// Outside.
    Outside,
}

const MARK: &str = "__jit_m";

/// Around the mark of a format string.
const MARKED_TEXT: char = '\u{1}';

/// The name with a mark; keywords, raw names, and what is marked already, stay as they are.
pub fn marked(name: &Ident, mark: Mark) -> Ident {
    let is_raw = name.to_string().starts_with("r#");
    match mark_of(name).is_some() || is_raw || is_keyword(name) {
        true => name.clone(),
        false => format_ident!("{name}{MARK}{mark}", span = name.span()),
    }
}

/// A format string with a mark, or another literal as it is.
pub fn marked_literal(literal: &Literal, mark: Mark) -> Literal {
    match Lit::new(literal.clone()) {
        Lit::Str(text) if !format_captures(&text.value()).is_empty() => {
            let text = format!("{MARKED_TEXT}{mark}{MARKED_TEXT}{}", text.value());
            let mut marked = Literal::string(&text);
            marked.set_span(literal.span());
            marked
        }
        _ => literal.clone(),
    }
}

/// The name without its mark.
pub fn unmarked(name: &Ident) -> Ident {
    match split(name) {
        Some((plain, _)) => Ident::new(&plain, name.span()),
        None => name.clone(),
    }
}

/// The literal without its mark.
pub fn unmarked_literal(literal: &Literal) -> Literal {
    match mark_of_literal(literal) {
        Some((_, text)) => {
            let mut plain = Literal::string(&text);
            plain.set_span(literal.span());
            plain
        }
        None => literal.clone(),
    }
}

fn mark_of(name: &Ident) -> Option<Mark> {
    Some(split(name)?.1)
}

fn split(name: &Ident) -> Option<(String, Mark)> {
    let name = name.to_string();
    let (plain, mark) = name.split_once(MARK)?;
    Some((plain.to_string(), mark.parse().ok()?))
}

fn mark_of_literal(literal: &Literal) -> Option<(Mark, String)> {
    let Lit::Str(text) = Lit::new(literal.clone()) else { return None };
    mark_of_text(&text.value())
}

fn mark_of_text(text: &str) -> Option<(Mark, String)> {
    let (mark, text) = text.strip_prefix(MARKED_TEXT)?.split_once(MARKED_TEXT)?;
    Some((mark.parse().ok()?, text.to_string()))
}

fn without_marks(tokens: TokenStream) -> TokenStream {
    let plain = |token| match token {
        TokenTree::Ident(name) => unmarked(&name).into(),
        TokenTree::Literal(literal) => unmarked_literal(&literal).into(),
        TokenTree::Group(group) => regrouped(&group, without_marks(group.stream())).into(),
        punct => punct,
    };
    tokens.into_iter().map(plain).collect()
}

/// Gives every name in an expanded body the meaning that it has for rustc. `origins` are those of the marks.
pub fn resolve(sig: &Signature, block: &mut Block, origins: &[Origin]) -> Result<(), Unknown> {
    let mut labels = Labels::default();
    labels.visit_block(block);
    let mut resolver = Resolver {
        scopes: Scopes::default(),
        now: 0,
        defined: HashMap::new(),
        labels: labels.0,
        origins,
        is_unknown: false,
    };
    for input in &sig.inputs {
        if let FnArg::Typed(input) = input {
            resolver.declare(&input.pat);
        }
    }
    resolver.visit_block_mut(block);
    match resolver.is_unknown {
        true => Err(Unknown),
        false => Ok(()),
    }
}

/// The marked labels of loops and blocks.
#[derive(Default)]
struct Labels(HashSet<Ident>);

impl<'ast> Visit<'ast> for Labels {
    fn visit_label(&mut self, label: &'ast syn::Label) {
        if mark_of(&label.name.ident).is_some() {
            self.0.insert(label.name.ident.clone());
        }
        visit::visit_label(self, label);
    }
}

/// Counts declarations.
type Time = usize;

struct Resolver<'a> {
    /// When each visible variable was declared.
    scopes: Scopes<Time>,
    now: Time,
    /// When a macro of that name was defined first.
    defined: HashMap<String, Time>,
    labels: HashSet<Ident>,
    origins: &'a [Origin],
    is_unknown: bool,
}

impl Resolver<'_> {
    fn declare(&mut self, pat: &Pat) {
        for binding in bindings(pat) {
            self.now += 1;
            self.scopes.bind(&binding.ident, self.now);
        }
    }

    fn scoped(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.enter();
        visit(self);
        self.scopes.leave();
    }

    /// A name that stands for a value.
    fn value(&mut self, name: &mut Ident) {
        if let Some(mark) = mark_of(name)
            && self.scopes.lookup(name).is_none()
        {
            *name = unmarked(name);
            self.is_unknown |= !self.means_the_same(name, mark);
        }
    }

    /// Whether a name means here what it means where the macro is defined.
    fn means_the_same(&self, name: &Ident, mark: Mark) -> bool {
        let Some(&declared) = self.scopes.lookup(name) else { return true };
        match &self.origins[mark - 1] {
            Origin::Local(macro_name) => {
                self.defined.get(macro_name).is_some_and(|&defined| declared <= defined)
            }
            Origin::Outside => false,
        }
    }

    fn label(&mut self, label: &mut syn::Lifetime) {
        if !self.labels.contains(&label.ident) {
            label.ident = unmarked(&label.ident);
        }
    }

    /// Arguments of a macro, separated by commas or semicolons; and `captured` for what a format string needs
    /// beside them.
    fn arguments(
        &mut self,
        tokens: TokenStream,
        is_std: bool,
        captured: &mut Vec<TokenStream>,
    ) -> TokenStream {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let is_separator = |token: &TokenTree| matches!(token, TokenTree::Punct(it) if [',', ';'].contains(&it.as_char()));
        let mut out = TokenStream::new();
        for piece in tokens.split_inclusive(is_separator) {
            let (piece, separator) = match piece.split_last() {
                Some((last, piece)) if is_separator(last) => (piece, Some(last)),
                _ => (piece, None),
            };
            out.extend(self.argument(piece, is_std, captured));
            out.extend(separator.cloned());
        }
        out
    }

    fn argument(
        &mut self,
        tokens: &[TokenTree],
        is_std: bool,
        captured: &mut Vec<TokenStream>,
    ) -> TokenStream {
        match tokens {
            [TokenTree::Literal(literal)] => {
                self.capture(literal, captured);
                TokenTree::from(unmarked_literal(literal)).into()
            }
            // `name = value` for a format string.
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..]
                if is_std && equals.as_char() == '=' && equals.spacing() == Spacing::Alone =>
            {
                let (name, value) = (unmarked(name), self.argument(value, is_std, captured));
                quote!(#name #equals #value)
            }
            _ => {
                let tokens: TokenStream = tokens.iter().cloned().collect();
                match syn::parse2::<Expr>(tokens.clone()) {
                    // As tokens it has parentheses where it needs them: `assert!` shows what it is given.
                    Ok(mut e) => {
                        Ungroup.visit_expr_mut(&mut e);
                        self.visit_expr_mut(&mut e);
                        e.into_token_stream()
                    }
                    Err(_) => self.tokens(tokens),
                }
            }
        }
    }

    fn capture(&mut self, literal: &Literal, captured: &mut Vec<TokenStream>) {
        let Some((mark, text)) = mark_of_literal(literal) else { return };
        for capture in format_captures(&text) {
            let name = Ident::new(&capture, literal.span());
            let mut means = marked(&name, mark);
            self.value(&mut means);
            if means != name {
                captured.push(quote!(#name = #means));
            }
        }
    }

    /// Tokens that are not understood: every name may be a variable's.
    fn tokens(&mut self, tokens: TokenStream) -> TokenStream {
        let each = |token| match token {
            TokenTree::Ident(mut name) => {
                self.is_unknown |=
                    mark_of(&name).is_some_and(|_| self.scopes.lookup(&name).is_some());
                self.value(&mut name);
                name.into()
            }
            TokenTree::Literal(literal) => {
                self.is_unknown |= mark_of_literal(&literal).is_some();
                literal.into()
            }
            TokenTree::Group(group) => {
                let inner = self.tokens(group.stream());
                match group.delimiter() {
                    Delimiter::None => Group::new(Delimiter::Parenthesis, inner).into(),
                    _ => regrouped(&group, inner).into(),
                }
            }
            punct => punct,
        };
        tokens.into_iter().map(each).collect()
    }
}

impl VisitMut for Resolver<'_> {
    fn visit_ident_mut(&mut self, name: &mut Ident) {
        *name = unmarked(name);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut syn::Lifetime) {
        self.label(lifetime);
    }

    fn visit_lit_str_mut(&mut self, text: &mut syn::LitStr) {
        if let Some((_, plain)) = mark_of_text(&text.value()) {
            *text = syn::LitStr::new(&plain, text.span());
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(|this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Item(syn::Item::Macro(item)) = stmt {
            if let Some(name) = &item.ident {
                self.defined.entry(unmarked(name).to_string()).or_insert(self.now);
            }
            return;
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        if let Some(init) = &mut local.init {
            self.visit_local_init_mut(init);
        }
        self.visit_pat_mut(&mut local.pat);
        self.declare(&local.pat);
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        self.scoped(|this| {
            for input in &mut closure.inputs {
                this.visit_pat_mut(input);
                this.declare(input);
            }
            this.visit_return_type_mut(&mut closure.output);
            this.visit_expr_mut(&mut closure.body);
        });
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        self.scoped(|this| {
            this.declare(&arm.pat);
            visit_mut::visit_arm_mut(this, arm);
        });
    }

    fn visit_expr_for_loop_mut(&mut self, e: &mut syn::ExprForLoop) {
        if let Some(label) = &mut e.label {
            self.visit_label_mut(label);
        }
        self.visit_expr_mut(&mut e.expr);
        self.scoped(|this| {
            this.visit_pat_mut(&mut e.pat);
            this.declare(&e.pat);
            this.visit_block_mut(&mut e.body);
        });
    }

    fn visit_expr_if_mut(&mut self, e: &mut syn::ExprIf) {
        self.scoped(|this| {
            this.visit_expr_mut(&mut e.cond);
            this.visit_block_mut(&mut e.then_branch);
        });
        if let Some((_, otherwise)) = &mut e.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_expr_while_mut(&mut self, e: &mut syn::ExprWhile) {
        self.scoped(|this| visit_mut::visit_expr_while_mut(this, e));
    }

    fn visit_expr_let_mut(&mut self, e: &mut syn::ExprLet) {
        self.visit_expr_mut(&mut e.expr);
        self.visit_pat_mut(&mut e.pat);
        self.declare(&e.pat);
    }

    fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
        if is_path_pattern(pat) {
            pat.ident = unmarked(&pat.ident);
        }
        if let Some((_, subpat)) = &mut pat.subpat {
            self.visit_pat_mut(subpat);
        }
    }

    fn visit_field_pat_mut(&mut self, field: &mut syn::FieldPat) {
        if field.colon_token.is_none() && is_marked(&field.member) {
            field.colon_token = Some(Default::default());
        }
        visit_mut::visit_field_pat_mut(self, field);
    }

    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if field.colon_token.is_none() && is_marked(&field.member) {
            field.colon_token = Some(Default::default());
        }
        visit_mut::visit_field_value_mut(self, field);
    }

    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        let is_name = path.qself.is_none() && path.path.get_ident().is_some();
        match path.path.segments.first_mut() {
            Some(first) if is_name => self.value(&mut first.ident),
            _ => visit_mut::visit_expr_path_mut(self, path),
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
        if let Expr::Group(group) = &*call.func
            && matches!(&*group.expr, Expr::Field(_))
        {
            *call.func = parenthesized((*group.expr).clone());
        }
        visit_mut::visit_expr_call_mut(self, call);
    }

    fn visit_expr_mut(&mut self, e: &mut Expr) {
        if let Expr::Group(group) = e {
            let inner = (*group.expr).clone();
            *e = match is_one_operand(&inner) {
                true => inner,
                false => parenthesized(inner),
            };
        }
        visit_mut::visit_expr_mut(self, e);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.visit_path_mut(&mut mac.path);
        let tokens = std::mem::take(&mut mac.tokens);
        if mac.path.is_ident("stringify") {
            mac.tokens = without_marks(tokens);
            return;
        }
        if !is_written_by_macros(&tokens) {
            mac.tokens = tokens;
            return;
        }
        let is_std = std_macros::args(&Macro { tokens: tokens.clone(), ..mac.clone() }).is_some();
        let mut captured = Vec::new();
        mac.tokens = self.arguments(tokens, is_std, &mut captured);
        self.is_unknown |= super::shows_its_arguments(mac) && has_marked_names(&mac.tokens);
        if captured.is_empty() {
            return;
        }
        // Who else reads format strings is not known.
        self.is_unknown |= std_macros::args(mac).is_none_or(|args| args.captures.is_empty());
        let last = mac.tokens.clone().into_iter().last();
        let comma =
            (!matches!(last, Some(TokenTree::Punct(it)) if it.as_char() == ',')).then(|| quote!(,));
        mac.tokens.extend(quote!(#comma #(#captured),*));
    }

    fn visit_token_stream_mut(&mut self, tokens: &mut TokenStream) {
        *tokens = without_marks(std::mem::take(tokens));
    }

    fn visit_item_mut(&mut self, item: &mut syn::Item) {
        let (marked, plain) = (quote!(#item), without_marks(quote!(#item)));
        if marked.to_string() != plain.to_string() {
            *item = syn::Item::Verbatim(plain);
        }
    }
}

/// Whether something in tokens is a macro's, or was given to one as an operand.
fn is_written_by_macros(tokens: &TokenStream) -> bool {
    any_token(tokens, |token| match token {
        TokenTree::Ident(name) => mark_of(name).is_some(),
        TokenTree::Literal(literal) => mark_of_literal(literal).is_some(),
        TokenTree::Group(group) => group.delimiter() == Delimiter::None,
        TokenTree::Punct(_) => false,
    })
}

fn has_marked_names(tokens: &TokenStream) -> bool {
    any_token(tokens, |token| matches!(token, TokenTree::Ident(name) if mark_of(name).is_some()))
}

/// Whether it is so of a token, in groups too.
fn any_token(tokens: &TokenStream, is_so: fn(&TokenTree) -> bool) -> bool {
    tokens.clone().into_iter().any(|token| {
        is_so(&token)
            || matches!(&token, TokenTree::Group(group) if any_token(&group.stream(), is_so))
    })
}

/// Takes groups out of an expression; as tokens it has parentheses where it needs them.
struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        while let Expr::Group(group) = e {
            *e = (*group.expr).clone();
        }
        visit_mut::visit_expr_mut(self, e);
    }
}

fn is_marked(member: &syn::Member) -> bool {
    matches!(member, syn::Member::Named(name) if mark_of(name).is_some())
}

fn parenthesized(e: Expr) -> Expr {
    Expr::Paren(syn::ExprParen {
        attrs: Vec::new(),
        paren_token: Default::default(),
        expr: Box::new(e),
    })
}

/// Whether an expression is one operand, whatever stands beside it.
fn is_one_operand(e: &Expr) -> bool {
    matches!(
        e,
        Expr::Path(_)
            | Expr::Lit(_)
            | Expr::Paren(_)
            | Expr::Group(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Index(_)
            | Expr::Field(_)
    )
}
