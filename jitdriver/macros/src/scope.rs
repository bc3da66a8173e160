//! Which identifiers are local variables.
//!
//! [`Scopes`] is a stack of names, [`bindings`] says what a pattern puts there, and [`resolve()`] walks
//! a whole function with the two.
//!
//! Invariant: a name that starts with an upper-case letter is no binding. Syntax cannot tell a
//! constant in a pattern from a new variable; the naming convention can, and rustc warns of code that
//! does not follow it.

mod consumed;
mod resolve;
mod typed;

pub use resolve::{HintSite, Home, Local, LocalId, LoopSpan, Names, Time, resolve};
pub use typed::is_typed;

use proc_macro2::{Ident, TokenStream, TokenTree};
use std::collections::HashSet;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Macro, Pat, Type};

/// A stack of scopes that maps names to what the caller knows of them.
#[derive(Debug)]
pub struct Scopes<T> {
    frames: Vec<Vec<(Ident, Option<T>)>>,
}

impl<T> Default for Scopes<T> {
    fn default() -> Self {
        Scopes { frames: vec![Vec::new()] }
    }
}

impl<T> Scopes<T> {
    /// Opens a scope.
    pub fn enter(&mut self) {
        self.frames.push(Vec::new());
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        self.frames.pop();
        assert!(!self.frames.is_empty(), "the outermost scope was closed");
    }

    /// Declares a local in the innermost scope.
    pub fn bind(&mut self, name: &Ident, what: T) {
        self.push(name, Some(what));
    }

    /// Declares that the name is an item's from here on.
    pub fn hide(&mut self, name: &Ident) {
        self.push(name, None);
    }

    fn push(&mut self, name: &Ident, what: Option<T>) {
        let frame = self.frames.last_mut().expect("there is always a scope");
        frame.push((name.clone(), what));
    }

    /// What the local of this name is, `None` if no local is visible under it.
    pub fn lookup(&self, name: &Ident) -> Option<&T> {
        let mut newest_first = self.frames.iter().rev().flat_map(|frame| frame.iter().rev());
        newest_first.find(|(bound, _)| bound == name)?.1.as_ref()
    }
}

/// A name that a pattern binds.
#[derive(Clone)]
pub struct Binding {
    /// The name.
    pub ident: Ident,
    /// Declared `mut`.
    pub mutable: bool,
    /// The type, when it is written right beside the name.
    pub ty: Option<Type>,
}

/// The names that a pattern binds, each once, in order.
pub fn bindings(pat: &Pat) -> Vec<Binding> {
    let mut found: Vec<Binding> = Vec::new();
    collect_bindings(pat, None, &mut found);
    let mut seen = HashSet::new();
    // The cases of an or-pattern bind the same names.
    found.retain(|binding| seen.insert(binding.ident.to_string()));
    found
}

fn collect_bindings(pat: &Pat, ty: Option<&Type>, out: &mut Vec<Binding>) {
    match pat {
        Pat::Ident(it) => {
            if !is_path_pattern(it) {
                out.push(Binding {
                    ident: it.ident.clone(),
                    mutable: it.mutability.is_some() && it.by_ref.is_none(),
                    ty: ty.cloned(),
                });
            }
            if let Some((_, sub)) = &it.subpat {
                collect_bindings(sub, None, out);
            }
        }
        Pat::Type(it) => collect_bindings(&it.pat, Some(&it.ty), out),
        Pat::Paren(it) => collect_bindings(&it.pat, ty, out),
        Pat::Guard(it) => collect_bindings(&it.pat, ty, out),
        Pat::Reference(it) => collect_bindings(&it.pat, None, out),
        Pat::Or(it) => it.cases.iter().for_each(|case| collect_bindings(case, None, out)),
        Pat::Slice(it) => it.elems.iter().for_each(|elem| collect_bindings(elem, None, out)),
        Pat::Tuple(it) => it.elems.iter().for_each(|elem| collect_bindings(elem, None, out)),
        Pat::TupleStruct(it) => it.elems.iter().for_each(|elem| collect_bindings(elem, None, out)),
        Pat::Struct(it) => {
            it.fields.iter().for_each(|field| collect_bindings(&field.pat, None, out));
        }
        // These bind nothing (or, unknown syntax and macros, nothing that can be seen).
        _ => {}
    }
}

/// Whether an identifier pattern names a constant or a unit variant.
pub fn is_path_pattern(pat: &syn::PatIdent) -> bool {
    pat.by_ref.is_none()
        && pat.mutability.is_none()
        && pat.subpat.is_none()
        && pat.ident.to_string().starts_with(char::is_uppercase)
}

/// The identifier that an expression is nothing but: `x`, `(x)`.
pub fn as_ident(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(it) if it.qself.is_none() => it.path.get_ident(),
        Expr::Paren(it) => as_ident(&it.expr),
        Expr::Group(it) => as_ident(&it.expr),
        _ => None,
    }
}

/// The variable that a place expression lies in: `x` of `x.field[i].0`.
pub fn place_root(place: &Expr) -> Option<&Ident> {
    match place {
        Expr::Field(it) => place_root(&it.base),
        Expr::Index(it) => place_root(&it.expr),
        Expr::Unary(it) if matches!(it.op, syn::UnOp::Deref(_)) => place_root(&it.expr),
        Expr::Paren(it) => place_root(&it.expr),
        Expr::Group(it) => place_root(&it.expr),
        _ => as_ident(place),
    }
}

/// The variable that an expression starts with: `x` of `&x.field.method(y) as u8`.
pub fn root(e: &Expr) -> Option<&Ident> {
    match e {
        Expr::Field(it) => root(&it.base),
        Expr::Index(it) => root(&it.expr),
        Expr::Unary(it) => root(&it.expr),
        Expr::Reference(it) => root(&it.expr),
        Expr::Cast(it) => root(&it.expr),
        Expr::Binary(it) => root(&it.left).or_else(|| root(&it.right)),
        Expr::MethodCall(it) => root(&it.receiver),
        Expr::Paren(it) => root(&it.expr),
        Expr::Group(it) => root(&it.expr),
        _ => as_ident(e),
    }
}

/// Whether a block contains a loop, in its closures too, but not in its items.
///
/// The words `loop`, `while` and `for` among a macro's arguments count: better to take a function for
/// one with a loop, which makes it a call, than to unroll a loop unasked.
pub fn contains_loop(block: &Block) -> bool {
    let mut finder = LoopFinder(false);
    finder.visit_block(block);
    finder.0
}

struct LoopFinder(bool);

impl<'ast> Visit<'ast> for LoopFinder {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.0 |= matches!(expr, Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_));
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.0 |= names_a_loop(&mac.tokens);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        // A macro that is defined here will be called here.
        if let syn::Item::Macro(it) = item {
            self.0 |= names_a_loop(&it.mac.tokens);
        }
    }
}

fn names_a_loop(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(word) => ["loop", "while", "for"].iter().any(|keyword| word == keyword),
        TokenTree::Group(group) => names_a_loop(&group.stream()),
        _ => false,
    })
}
