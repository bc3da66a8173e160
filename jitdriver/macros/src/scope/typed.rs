//! Which locals have a type that is written down: what is asked of such a type is answered at once,
//! where inference may not have come to an end yet for the others.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, Local, Pat, PatIdent, Signature, Type};

/// The names of locals of which every declaration in the function states a whole type.
pub(super) fn typed_locals(sig: &Signature, block: &Block) -> BTreeSet<String> {
    let mut found = Declared::default();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(_) => _ = found.typed.insert("self".into()),
            FnArg::Typed(input) => found.declare(&input.pat, &input.ty),
        }
    }
    found.visit_block(block);
    &found.typed - &found.others
}

/// Whether the type of an expression follows from such names and the fields of their types.
pub fn is_typed(typed: &BTreeSet<String>, e: &Expr) -> bool {
    match e {
        Expr::Path(path) => {
            path.path.get_ident().is_some_and(|name| typed.contains(&name.to_string()))
        }
        Expr::Field(field) => is_typed(typed, &field.base),
        Expr::Index(index) => is_typed(typed, &index.expr),
        Expr::Paren(paren) => is_typed(typed, &paren.expr),
        _ => false,
    }
}

#[derive(Default)]
struct Declared {
    typed: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Declared {
    fn declare(&mut self, pat: &Pat, ty: &Type) {
        match pat {
            Pat::Ident(name) if is_whole(ty.to_token_stream()) => {
                self.typed.insert(name.ident.to_string());
            }
            _ => self.visit_pat(pat),
        }
    }
}

/// No part of the type is left to inference.
fn is_whole(ty: TokenStream) -> bool {
    ty.into_iter().all(|token| match token {
        TokenTree::Group(group) => is_whole(group.stream()),
        TokenTree::Ident(ident) => ident != "_",
        _ => true,
    })
}

impl Visit<'_> for Declared {
    fn visit_local(&mut self, local: &Local) {
        match &local.pat {
            Pat::Type(typed) => self.declare(&typed.pat, &typed.ty),
            pat => self.visit_pat(pat),
        }
        if let Some(init) = &local.init {
            visit::visit_local_init(self, init);
        }
    }

    fn visit_pat_ident(&mut self, name: &PatIdent) {
        self.others.insert(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }
}
