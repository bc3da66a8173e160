//! Expressions as places: of type `Place<T>`.

use super::degrade::is_expression_macro;
use super::{Lowerer, call_at};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Expr, Member, UnOp};

impl Lowerer {
    /// An expression as a place: of type `Place<T>`.
    pub(super) fn place(&mut self, e: &Expr) -> TokenStream {
        if let Some(local) = self.local_of(e) {
            return quote!(__p::Local::as_place(__p::closure::shared(&raw const #local)));
        }
        match e {
            Expr::Paren(e) => self.place(&e.expr),
            Expr::Group(e) => self.place(&e.expr),
            Expr::Path(_) => quote!(__p::Place::of_static(&#e)),
            Expr::Field(f) => {
                let base = self.peeled(&f.base);
                let member = &f.member;
                if let Member::Named(name) = member
                    && name == "await"
                {
                    return self.unsupported(member, "`await`");
                }
                quote!(#base.field(__rec, |__place| &raw const __place.#member))
            }
            Expr::Index(i) => {
                if matches!(*i.index, Expr::Range(_)) {
                    return self.unsupported(&i.index, "a range as index");
                }
                let base = self.peeled(&i.expr);
                let index = self.value(&i.index);
                // Where indexing is a method, as for `Vec`, rustc names the bracket, else the whole.
                let bracket = i.bracket_token.span.open();
                let overloaded = call_at(bracket, base, "index", quote!(__rec, #index));
                call_at(e.span(), overloaded, "element", quote!(__rec))
            }
            Expr::Unary(u) if matches!(u.op, UnOp::Deref(_)) => self.peeled(&u.expr),
            // A macro that is not known may be a place.
            Expr::Macro(m) if !is_expression_macro(&m.mac) => {
                self.unsupported(e, "a macro that is not known, as a place")
            }
            _ => self.temporary(e),
        }
    }

    /// A value that is used as a place lives in a temporary until the end of the statement.
    pub(super) fn temporary(&mut self, e: &Expr) -> TokenStream {
        let value = self.value(e);
        let temp = format_ident!("__temp{}", self.n_temps);
        self.n_temps += 1;
        self.temps.push(temp.clone());
        quote!({ #temp = #value; __p::Local::as_place(&mut #temp) })
    }

    /// The place behind a reference or box, as auto-deref finds it.
    pub(super) fn peeled(&mut self, e: &Expr) -> TokenStream {
        let place = self.place(e);
        quote!(__p::Peel(#place).peel(__rec))
    }
}
