//! Macros that are called in a body.

use super::{Lowerer, combine, start};
use crate::parse::{self, Hint};
use crate::syntax;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Lit, Macro};

impl Lowerer {
    pub(super) fn macro_call(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        if let Some(hint) = parse::parse_hint(mac) {
            return match hint {
                Ok(hint) => self.hint(&hint),
                Err(error) => self.error_of(error),
            };
        }
        let name = mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        match name.as_str() {
            "panic" | "unreachable" | "todo" | "unimplemented" => {
                let mac = syntax::rename_self(mac.to_token_stream());
                let plain = self.plain_locals(&mac);
                quote!({ __p::cut(__rec); #plain #mac })
            }
            "assert" | "debug_assert" => self.assertion(mac, at_mac),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                self.assertion_of_two(mac, &name)
            }
            "print" | "println" | "eprint" | "eprintln" => self.print(mac, at_mac),
            _ => self.unsupported(at_mac, &format!("the macro `{name}!`")),
        }
    }

    pub(super) fn error_of(&mut self, error: syn::Error) -> TokenStream {
        combine(&mut self.errors, error);
        quote!(::core::unreachable!())
    }

    pub(super) fn hint(&mut self, hint: &Hint) -> TokenStream {
        if hint.is_merge_point() {
            return self.merge_point(hint);
        }
        debug_assert!(self.hint.is_some(), "`can_enter_jit!` without a merge point is an error");
        quote!({
            __rec.can_enter_jit();
            __p::Traced::constant(())
        })
    }

    pub(super) fn macro_args(&mut self, mac: &Macro) -> Vec<Expr> {
        let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
        match mac.parse_body_with(parser) {
            Ok(args) => args.into_iter().collect(),
            Err(error) => {
                self.error_of(error);
                Vec::new()
            }
        }
    }

    /// The condition is traced; the author's own assertion then fails with the author's message.
    pub(super) fn assertion(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let args = self.macro_args(mac);
        let Some(cond) = args.first() else {
            return self.unsupported(at_mac, "an assertion without a condition");
        };
        let holds = self.condition(cond);
        self.fail_unless(mac, holds)
    }

    pub(super) fn assertion_of_two(&mut self, mac: &Macro, name: &str) -> TokenStream {
        let args = self.macro_args(mac);
        let [left, right, ..] = &args[..] else {
            return self.unsupported(mac, "an assertion without two values");
        };
        let span = start(left);
        let (left, right) = (self.looked_at(left), self.looked_at(right));
        let compare = match name.ends_with("_eq") {
            true => quote!(eq),
            false => quote!(ne),
        };
        let holds = quote_spanned!(span=> __p::ops::branch(__rec, (&&&__p::ops::Compared(#left, #right)).#compare(__rec)));
        self.fail_unless(mac, holds)
    }

    pub(super) fn fail_unless(&mut self, mac: &Macro, holds: TokenStream) -> TokenStream {
        let failing = syntax::rename_self(mac.to_token_stream());
        let plain = self.plain_locals(&failing);
        let name = mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        let check = quote!(if !#holds { __p::cut(__rec); #plain #failing; });
        match name.starts_with("debug_") {
            true => {
                quote!({ if ::core::cfg!(debug_assertions) { #check } __p::Traced::constant(()) })
            }
            false => quote!({ #check __p::Traced::constant(()) }),
        }
    }

    /// A residual call of the author's macro, with its arguments as values.
    pub(super) fn print(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let args = self.macro_args(mac);
        let Some((format, args)) = args.split_first() else {
            let site = self.site("print", at_mac.span());
            return quote!(__p::residual(__rec, #site, (), |()| { #mac; }));
        };
        let Expr::Lit(syn::ExprLit { lit: Lit::Str(literal), .. }) = format else {
            return self.unsupported(format, "a format string from a macro");
        };
        let captured: Vec<Ident> = parse::format_captures(&literal.value())
            .into_iter()
            .filter(|name| self.is_local(name))
            .map(|name| Ident::new(&name, literal.span()))
            .collect();
        if let Some(named) = args.iter().find(|arg| matches!(arg, Expr::Assign(_))) {
            return self.unsupported(named, "a named format argument");
        }
        let values: Vec<_> = args.iter().map(|arg| self.value(arg)).collect();
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let path = &mac.path;
        let name = path.segments.last().expect("a path").ident.to_string();
        let site = self.site(&name, at_mac.span());
        quote!(__p::residual(
            __rec,
            #site,
            (#(#values,)* #(#captured.take(),)*),
            |(#(#names,)* #(#captured,)*)| { #path!(#format, #(#names),*); },
        ))
    }
}
