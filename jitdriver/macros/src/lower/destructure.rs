//! Destructuring assignments, `(a, b.c) = value`, as rustc takes them apart: a `let` with a pattern, then
//! one assignment after the other.

use quote::format_ident;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Stmt, parse_quote};

/// The block without assignments to tuples.
pub fn taken_apart(block: &Block) -> Block {
    let mut block = block.clone();
    TakeApart.visit_block_mut(&mut block);
    block
}

struct TakeApart;

impl VisitMut for TakeApart {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        visit_mut::visit_expr_mut(self, e);
        let Expr::Assign(assign) = e else { return };
        let mut assignments = Vec::new();
        let Some(pattern) = tuple(&assign.left, &mut assignments) else { return };
        let value = &assign.right;
        *e = parse_quote!({ let #pattern = #value; #(#assignments)* });
    }
}

/// The pattern of a tuple on the left; notes an assignment for each of its parts.
fn tuple(left: &Expr, assignments: &mut Vec<Stmt>) -> Option<syn::Pat> {
    let Expr::Tuple(tuple) = left else { return None };
    let parts = tuple.elems.iter().map(|part| pattern(part, assignments)).collect::<Vec<_>>();
    Some(parse_quote!((#(#parts,)*)))
}

fn pattern(left: &Expr, assignments: &mut Vec<Stmt>) -> syn::Pat {
    match left {
        Expr::Infer(_) => parse_quote!(_),
        Expr::Paren(inner) => pattern(&inner.expr, assignments),
        Expr::Tuple(_) => tuple(left, assignments).expect("it is a tuple"),
        left => {
            let name = format_ident!("__assigned{}", assignments.len());
            assignments.push(parse_quote!(#left = #name;));
            parse_quote!(#name)
        }
    }
}
