//! Control flow: conditions and loops.

use super::pattern::contains_let;
use super::{Lowerer, start, unit};
use crate::syntax::{self, BreakKind};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, Pat, RangeLimits};

impl Lowerer {
    pub(super) fn condition(&mut self, e: &Expr) -> TokenStream {
        let span = start(e);
        self.with_temps(|cx| {
            let value = cx.value(e);
            quote_spanned!(span=> __p::ops::branch(__rec, #value))
        })
    }

    pub(super) fn if_expr(&mut self, i: &syn::ExprIf) -> TokenStream {
        let otherwise = |cx: &mut Lowerer| match &i.else_branch {
            Some((_, e)) => cx.value(e),
            None => unit(),
        };
        if contains_let(&i.cond) {
            // Temporaries of the condition end before `else`.
            let outer = std::mem::take(&mut self.temps);
            let (cond, then) = self.scoped(|cx| {
                let cond = cx.let_condition(&i.cond);
                (cond, cx.block(&i.then_branch))
            });
            let temps = std::mem::replace(&mut self.temps, outer);
            let otherwise = otherwise(self);
            let (test, bind, after) = (&cond.test, cond.bind(), &cond.after);
            if !temps.is_empty() {
                return quote!(match {
                    #(let mut #temps;)*
                    if let ::core::option::Option::Some(#bind) = #test {
                        ::core::option::Option::Some({ #after #then })
                    } else {
                        ::core::option::Option::None
                    }
                } {
                    ::core::option::Option::Some(__then) => __then,
                    ::core::option::Option::None => { #otherwise }
                });
            }
            return quote!(if let ::core::option::Option::Some(#bind) = #test { #after #then } else { #otherwise });
        }
        let cond = self.condition(&i.cond);
        let then = self.block(&i.then_branch);
        let otherwise = otherwise(self);
        quote!(if #cond #then else { #otherwise })
    }

    pub(super) fn while_expr(&mut self, w: &syn::ExprWhile) -> TokenStream {
        let label = &w.label;
        if contains_let(&w.cond) {
            let outer = std::mem::take(&mut self.temps);
            let (cond, body) = self.scoped(|cx| {
                let cond = cx.let_condition(&w.cond);
                (cond, cx.in_loop(BreakKind::Plain, |cx| cx.block(&w.body)))
            });
            let temps = std::mem::replace(&mut self.temps, outer);
            let (test, bind, after) = (&cond.test, cond.bind(), &cond.after);
            return quote!({
                #label loop {
                    #(let mut #temps;)*
                    let ::core::option::Option::Some(#bind) = (#test) else { break };
                    #after
                    let _ = #body;
                }
                __p::Traced::constant(())
            });
        }
        let cond = self.condition(&w.cond);
        let body = self.in_loop(BreakKind::Plain, |cx| cx.block(&w.body));
        quote!({ #label while #cond { let _ = #body; } __p::Traced::constant(()) })
    }

    pub(super) fn loop_expr(&mut self, l: &syn::ExprLoop, is_stmt: bool) -> TokenStream {
        let label = &l.label;
        let kind = syntax::break_kind(&l.body, l.label.as_ref().map(|label| &label.name));
        // A macro may hide a `break` where the value of the loop is not used.
        let breaks = match kind {
            BreakKind::None if is_stmt => BreakKind::Plain,
            kind => kind,
        };
        let body = self.in_loop(breaks, |cx| cx.block(&l.body));
        let lowered = quote!(#label loop { let _ = #body; });
        match kind {
            BreakKind::Plain => quote!({ #lowered __p::Traced::constant(()) }),
            BreakKind::None | BreakKind::WithValue => lowered,
        }
    }

    /// `value?`
    pub(super) fn question(&mut self, t: &syn::ExprTry) -> TokenStream {
        let span = start(t);
        let output = match &self.output {
            Some(ty) => quote!(#ty),
            None => quote!(_),
        };
        let returned = self.returning(quote!(__returned));
        // `Err(error)?` has no value of a type that could be found.
        if let Expr::Call(c) = &*t.expr
            && let Expr::Path(path) = &*c.func
            && path.path.is_ident("Err")
            && let Some(error) = c.args.first()
        {
            let error = self.value(error);
            return quote_spanned!(span=> {
                let __rest = __p::question::WasErr(#error);
                let __returned = __p::question::returning::<_, #output>(__rest).value(__rec);
                #returned
            });
        }
        let value = self.value(&t.expr);
        quote_spanned!(span=> {
            let mut __asked = #value;
            let __known = __p::pattern::Variant::of(&__p::Local::as_place(&mut __asked)).promote(
                __rec, &mut __p::pattern::Seen::default(), 0);
            match __asked.branch(__rec, &__known) {
                ::core::ops::ControlFlow::Continue(__value) => __value,
                ::core::ops::ControlFlow::Break(__rest) => {
                    let __returned = __p::question::returning::<_, #output>(__rest).value(__rec);
                    #returned
                }
            }
        })
    }

    /// `for` over what is no range.
    fn for_each(&mut self, f: &syn::ExprForLoop, items: TokenStream) -> TokenStream {
        let label = &f.label;
        self.scoped(|cx| {
            let bind = match &*f.pat {
                Pat::Wild(_) => quote!(),
                pat => {
                    let item = format_ident!("__item");
                    cx.declare(&item);
                    cx.parameter(&item, pat)
                }
            };
            let body = cx.in_loop(BreakKind::Plain, |cx| cx.block(&f.body));
            quote!({
                let mut __items = #items;
                #label while let ::core::option::Option::Some(mut __item) =
                    __p::iterate::Items::next(&mut __items, __rec)
                {
                    #bind
                    let _ = #body;
                }
                __p::Traced::constant(())
            })
        })
    }

    pub(super) fn for_loop(&mut self, f: &syn::ExprForLoop) -> TokenStream {
        let Some(range) = range_of(&f.expr) else {
            if let Some(items) = self.chain_items(&f.expr) {
                return self.for_each(f, items);
            }
            if !is_simple(&f.expr) {
                return self.unsupported(&f.expr, "`for` over something else than a range");
            }
            let value = self.value(&f.expr);
            let items = self.items_of_value(value, &f.expr);
            return self.for_each(f, items);
        };
        let (Some(from), Some(to)) = (&range.start, &range.end) else {
            return self.unsupported(range, "`for` over an open range");
        };
        let (from, to) = (self.value(from), self.value(to));
        let span = start(&f.expr);
        let label = &f.label;
        self.scoped(|cx| {
            let bind = match &*f.pat {
                Pat::Wild(_) => quote!(),
                Pat::Ident(name) => {
                    let name = &name.ident;
                    cx.declare(name);
                    quote!(let mut #name = __item;)
                }
                pat => cx.unsupported(pat, "this pattern"),
            };
            let body = cx.in_loop(BreakKind::Plain, |cx| cx.block(&f.body));
            let limits = match range.limits {
                RangeLimits::HalfOpen(_) => quote!(__p::ops::Range::half_open),
                RangeLimits::Closed(_) => quote!(__p::ops::Range::closed),
            };
            quote_spanned!(span=> {
                let mut __range = #limits(#from, #to);
                #label while let ::core::option::Option::Some(__item) = __range.next(__rec) {
                    #bind
                    let _ = #body;
                }
                __p::Traced::constant(())
            })
        })
    }
}

/// What a `for` walks over without an adaptor: then it is likely a slice, and unrolled.
fn is_simple(e: &Expr) -> bool {
    match e {
        Expr::Path(_) => true,
        Expr::Paren(e) => is_simple(&e.expr),
        Expr::Group(e) => is_simple(&e.expr),
        Expr::Field(e) => is_simple(&e.base),
        Expr::Index(e) => is_simple(&e.expr),
        Expr::Reference(e) => is_simple(&e.expr),
        Expr::Unary(e) => matches!(e.op, syn::UnOp::Deref(_)) && is_simple(&e.expr),
        _ => false,
    }
}

pub(super) fn range_of(e: &Expr) -> Option<&syn::ExprRange> {
    match e {
        Expr::Paren(e) => range_of(&e.expr),
        Expr::Group(e) => range_of(&e.expr),
        Expr::Range(range) => Some(range),
        _ => None,
    }
}
