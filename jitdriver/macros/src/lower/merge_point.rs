//! Lowering of `jit_merge_point!`.
//!
//! A green variable is a local of the twin. A green expression gets a local of its own for its value:
//! its words come from outside when the twin starts, and it is read when the twin comes round. Both are
//! promoted by the recorder. Behind the merge point the expression is read once more, to tell the
//! recorder which of the places that it has just read holds what.

use super::{Lowerer, at};
use crate::parse::{Green, GreenExpr, Hint};
use crate::syntax;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

/// The twin's local for a green.
pub fn green_name((number, green): (usize, &Green)) -> Ident {
    match green.variable() {
        Some(name) if name == "self" => Ident::new("__self", name.span()),
        Some(name) => name.clone(),
        None => format_ident!("__green{number}", span = at(green.span())),
    }
}

impl Lowerer {
    /// The merge point in the twin.
    pub(super) fn merge_point(&mut self, hint: &Hint) -> TokenStream {
        let greens: Vec<_> = hint.greens.iter().enumerate().map(green_name).collect();
        let exprs: Vec<(&Ident, &GreenExpr)> = greens
            .iter()
            .zip(&hint.greens)
            .filter_map(|(name, green)| Some((name, green.expr()?)))
            .collect();
        let reads: Vec<_> = exprs
            .iter()
            .map(|(name, green)| {
                let value = self.green(green);
                quote!(if !__rec.is_at_start() { #name = #value; })
            })
            .collect();
        let knows: Vec<_> = exprs
            .iter()
            .filter(|(_, green)| !green.calls_inside())
            .map(|(name, green)| {
                if green.is_place() {
                    let place = self.place(&green.promoted);
                    return quote_spanned!(at(green.span())=> {
                        let __place = #place;
                        __p::know_green(__rec, __place, &#name);
                    });
                }
                let value = self.value(&green.promoted);
                quote!({ let __read = #value; __p::know(__rec, &__read, &#name); })
            })
            .collect();
        let fixed = hint.reds.iter().map(|red| !self.reassigned.contains(&red.to_string()));
        let reds = hint.reds.iter().map(|red| syntax::rename_self(quote!(#red)));
        let alone = self.is_alone.then(|| quote!(__rec.may_be_loop_header();));
        let inlined = self.rest_of_inlined.as_ref().map(|rest| {
            quote! {
                if __is_inlined {
                    if let ::core::option::Option::Some(__start) = __p::inlined_merge_point(
                        __rec, (#(__p::Red(&mut #greens, false),)*))
                    {
                        return #rest;
                    }
                } else
            }
        });
        quote!({
            #(#reads)*
            #alone
            #inlined if let ::core::option::Option::Some(__ended) = __p::merge_point(
                __rec, (#(__p::Red(&mut #greens, false),)*), (#(__p::Red(&mut #reds, #fixed),)*))
            {
                return __ended;
            }
            #(#knows)*
            __p::Traced::constant(())
        })
    }

    /// The key of a green expression.
    fn green(&mut self, green: &GreenExpr) -> TokenStream {
        if !green.calls_inside() && green.is_place() {
            let place = self.place(&green.promoted);
            return quote_spanned!(at(green.span())=> { let __place = #place; __p::read_green(__rec, __place) });
        }
        if !green.calls_inside() {
            return self.value(&green.promoted);
        }
        let plain = syntax::rename_self(green.promoted.to_token_stream());
        let mut names = std::collections::BTreeMap::new();
        syntax::mentioned(plain.clone(), &mut names);
        let locals: Vec<Ident> =
            names.into_iter().filter(|(name, _)| self.is_local(name)).map(|(_, it)| it).collect();
        let site = self.site("green", syn::spanned::Spanned::span(&green.promoted));
        quote!(__p::residual(
            __rec,
            #site,
            (#(__p::Lend::lend(&mut #locals),)*),
            |(#(#locals,)*)| __p::green_value(&(#plain)),
        ))
    }
}
