//! Patterns, and `match`.

use super::{Lowerer, start};
use crate::syntax;
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Pat, RangeLimits};

impl Lowerer {
    /// A pattern over opened values: one constructor or tuple around names and `_`.
    pub(super) fn open_pattern(&mut self, pat: &Pat) -> TokenStream {
        match pat {
            Pat::Paren(p) => self.open_pattern(&p.pat),
            Pat::Wild(_) => quote!(_),
            Pat::Ident(p) if p.subpat.is_none() && p.by_ref.is_none() => {
                let ident = &p.ident;
                if syntax::is_constant_name(ident) {
                    return quote!(#ident);
                }
                self.declare(ident);
                quote!(mut #ident)
            }
            Pat::Path(_) => quote!(#pat),
            Pat::Tuple(p) => {
                let elems: Vec<_> = p.elems.iter().map(|p| self.open_leaf(p)).collect();
                quote!((#(#elems,)*))
            }
            Pat::TupleStruct(p) => {
                let path = &p.path;
                let elems: Vec<_> = p.elems.iter().map(|p| self.open_leaf(p)).collect();
                quote!(#path(#(#elems),*))
            }
            Pat::Or(p) => {
                let cases: Vec<_> = p.cases.iter().map(|p| self.open_pattern(p)).collect();
                quote!(#(#cases)|*)
            }
            _ => self.unsupported(pat, "this pattern"),
        }
    }

    pub(super) fn open_leaf(&mut self, pat: &Pat) -> TokenStream {
        match pat {
            Pat::Wild(_) => quote!(_),
            Pat::Rest(_) => quote!(..),
            Pat::Ident(p)
                if p.subpat.is_none()
                    && p.by_ref.is_none()
                    && !syntax::is_constant_name(&p.ident) =>
            {
                let ident = &p.ident;
                self.declare(ident);
                quote!(mut #ident)
            }
            Pat::Tuple(p) if p.elems.is_empty() => quote!(_),
            _ => self.unsupported(pat, "a nested pattern"),
        }
    }

    pub(super) fn match_expr(&mut self, m: &syn::ExprMatch) -> TokenStream {
        let value = self.value(&m.expr);
        match m.arms.iter().all(|arm| is_scalar_pattern(split_guard(&arm.pat).0)) {
            true => self.scalar_match(m, value),
            false => self.open_match(m, value),
        }
    }

    pub(super) fn scalar_match(&mut self, m: &syn::ExprMatch, value: TokenStream) -> TokenStream {
        let span = start(m);
        let mut tests = Vec::new();
        let mut arms = Vec::new();
        for (number, arm) in m.arms.iter().enumerate() {
            let attrs = &arm.attrs;
            if !attrs.is_empty() {
                return self.unsupported(&attrs[0], "an attribute on a match arm");
            }
            let mut ranges = Vec::new();
            let (pat, guard) = split_guard(&arm.pat);
            scalar_ranges(pat, &mut ranges);
            tests.push(quote!(&[#(#ranges),*]));
            let (pat, binding) = scalar_pattern(pat);
            let arm = self.scoped(|cx| {
                let bind = binding.map(|name| {
                    cx.declare(&name);
                    quote!(let mut #name = __match.value();)
                });
                let reach = guard.is_none().then(|| quote!(__match.reach(#number);));
                let guard = guard.map(|guard| {
                    let guard = cx.condition(guard);
                    quote!(if { __match.reach(#number); #bind #guard })
                });
                let body = cx.arm_body(&arm.body);
                quote!(#pat #guard => { #reach #bind #body })
            });
            arms.push(arm);
        }
        quote_spanned!(span=> {
            let mut __match = __p::Match::new(__rec, #value, &[#(#tests),*]);
            match __match.value().get() { #(#arms)* }
        })
    }

    /// The body of an arm as a value, also where it is a statement such as `x = 1`.
    pub(super) fn arm_body(&mut self, body: &Expr) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let lowered = self.value(body);
        let temps = std::mem::replace(&mut self.temps, outer);
        quote!(#(let mut #temps;)* #lowered)
    }

    pub(super) fn open_match(&mut self, m: &syn::ExprMatch, value: TokenStream) -> TokenStream {
        let mut arms = Vec::new();
        for arm in &m.arms {
            let arm = self.scoped(|cx| {
                let (pat, guard) = split_guard(&arm.pat);
                let pat = cx.open_pattern(pat);
                let guard = guard.map(|guard| {
                    let guard = cx.condition(guard);
                    quote!(if #guard)
                });
                let body = cx.arm_body(&arm.body);
                quote!(#pat #guard => { #body })
            });
            arms.push(arm);
        }
        quote!(match __p::Open::open(#value, __rec) { #(#arms)* })
    }
}

/// A match arm's pattern and its `if`.
pub(super) fn split_guard(pat: &Pat) -> (&Pat, Option<&Expr>) {
    match pat {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pat => (pat, None),
    }
}

/// A pattern over a number, `bool` or `char`: literals, constants, ranges, names, `_`.
pub(super) fn is_scalar_pattern(pat: &Pat) -> bool {
    match pat {
        Pat::Paren(p) => is_scalar_pattern(&p.pat),
        Pat::Or(p) => p.cases.iter().all(is_scalar_pattern),
        Pat::Ident(p) if p.ident == "None" => false,
        Pat::Ident(p) => p.subpat.as_ref().is_none_or(|(_, sub)| is_scalar_pattern(sub)),
        Pat::Path(p) => !p.path.is_ident("None"),
        Pat::Lit(_) | Pat::Range(_) | Pat::Wild(_) | Pat::Const(_) => true,
        _ => false,
    }
}

/// The inclusive ranges that a scalar pattern matches; none means everything.
pub(super) fn scalar_ranges(pat: &Pat, ranges: &mut Vec<TokenStream>) {
    match pat {
        Pat::Paren(p) => scalar_ranges(&p.pat, ranges),
        Pat::Or(p) => p.cases.iter().for_each(|case| scalar_ranges(case, ranges)),
        Pat::Ident(p) if syntax::is_constant_name(&p.ident) => {
            let name = &p.ident;
            ranges.push(quote!((#name, #name)));
        }
        Pat::Ident(p) => {
            if let Some((_, sub)) = &p.subpat {
                scalar_ranges(sub, ranges);
            }
        }
        Pat::Path(_) | Pat::Lit(_) => ranges.push(quote!((#pat, #pat))),
        Pat::Range(range) => {
            let from = match &range.start {
                Some(start) => quote!(#start),
                None => quote!(__p::Scalar::LEAST),
            };
            ranges.push(match (&range.end, &range.limits) {
                (None, _) => quote!((#from, __p::Scalar::GREATEST)),
                (Some(end), RangeLimits::Closed(_)) => quote!((#from, #end)),
                (Some(end), RangeLimits::HalfOpen(_)) => quote!((#from, __p::before(#end))),
            });
        }
        _ => {}
    }
}

/// The pattern without its name, and the name.
pub(super) fn scalar_pattern(pat: &Pat) -> (TokenStream, Option<Ident>) {
    match pat {
        Pat::Paren(p) => scalar_pattern(&p.pat),
        Pat::Ident(p) if syntax::is_constant_name(&p.ident) => (quote!(#pat), None),
        Pat::Ident(p) => {
            let inner = p.subpat.as_ref().map_or(quote!(_), |(_, sub)| scalar_pattern(sub).0);
            (inner, Some(p.ident.clone()))
        }
        _ => (quote!(#pat), None),
    }
}
