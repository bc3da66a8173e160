//! Macros that are called in a body.

use super::pattern::{is_scalar_pattern, names_constant, scalar_binding};
use super::{Lowerer, combine, start};
use crate::parse::{self, Hint, std_macros};
use crate::syntax;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Macro, Pat};

impl Lowerer {
    pub(super) fn macro_call(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        if let Some(hint) = parse::parse_hint(mac) {
            return match hint {
                Ok(hint) => self.hint(&hint),
                Err(error) => self.error_of(error),
            };
        }
        let name = syntax::macro_name(mac);
        match name.as_str() {
            "panic" | "unreachable" | "todo" | "unimplemented" => {
                let e = Expr::Macro(syn::ExprMacro { attrs: Vec::new(), mac: mac.clone() });
                match super::degrade::Seen::of(&e).leaves {
                    true => self.unsupported(at_mac, &format!("the macro `{name}!`")),
                    false => self.panicking(mac, true),
                }
            }
            "assert" | "debug_assert" => self.assertion(mac, at_mac),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                self.assertion_of_two(mac, &name)
            }
            "print" | "println" | "eprint" | "eprintln" | "format" | "write" | "writeln" => {
                self.formatted(mac, at_mac)
            }
            "vec" => self.vec(mac, at_mac),
            "matches" => self.matches(mac, at_mac),
            "record_exact_variant" => self.record_exact_variant(mac, at_mac),
            "line" | "column" | "file" | "module_path" | "concat" | "stringify" | "env"
            | "option_env" | "include_str" | "cfg" => quote!(__p::Traced::constant(#mac)),
            _ if super::degrade::is_expression_macro(mac) => {
                let e = Expr::Macro(syn::ExprMacro { attrs: Vec::new(), mac: mac.clone() });
                match super::degrade::Seen::of(&e).leaves {
                    true => self.unsupported(at_mac, &format!("the macro `{name}!`")),
                    false => self.called_macro(&e, &[]),
                }
            }
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
        let failing = self.panicking(mac, false);
        let name = syntax::macro_name(mac);
        let check = quote!(if !#holds { #failing; });
        match name.starts_with("debug_") {
            true => {
                quote!({ if ::core::cfg!(debug_assertions) { #check } __p::Traced::constant(()) })
            }
            false => quote!({ #check __p::Traced::constant(()) }),
        }
    }

    /// A residual call of a macro that formats its arguments. Places stay where they are, since
    /// formatting borrows them; all other arguments are traced.
    fn formatted(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let name = syntax::macro_name(mac);
        let before = usize::from(name.starts_with("write"));
        let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
        let Ok(args) = mac.parse_body_with(parser) else {
            return self.unsupported(at_mac, &format!("the macro `{name}!` with these arguments"));
        };
        let (mut hoisted, mut all) = (Vec::new(), Vec::new());
        for (number, arg) in args.into_iter().enumerate() {
            let (named, value) = match arg {
                Expr::Assign(it) if number > before => (Some(it.left), *it.right),
                arg => (None, arg),
            };
            let named = named.map(|name| quote!(#name =));
            if number <= before || !self.is_computed(&value) {
                all.push(quote!(#named #value));
                continue;
            }
            let lowered = self.value(&value);
            let argument = format_ident!("__a{number}");
            all.push(quote!(#named #argument));
            hoisted.push((argument, lowered));
        }
        let path = &mac.path;
        let e: Expr = syn::parse_quote!(#path!(#(#all),*));
        self.called_macro(&e, &hoisted)
    }

    /// Whether an expression is computed by operations that are worth tracing.
    fn is_computed(&self, e: &Expr) -> bool {
        match e {
            Expr::Paren(it) => self.is_computed(&it.expr),
            Expr::Group(it) => self.is_computed(&it.expr),
            Expr::Binary(_) | Expr::Unary(_) | Expr::Cast(_) => {
                !self.is_closed(e)
                    && !matches!(e, Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)))
            }
            Expr::Call(_) | Expr::MethodCall(_) => !super::closure::is_lazy_chain(e),
            _ => false,
        }
    }

    /// A residual call of an expression that is a macro.
    fn called_macro(&mut self, e: &Expr, hoisted: &[(Ident, TokenStream)]) -> TokenStream {
        let seen = super::degrade::Seen::of(e);
        self.degraded_expression(e, &seen, hoisted, None)
    }

    /// `vec![a, b]` and `vec![a; n]`, of traced values.
    fn vec(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let Some(args) = std_macros::args(mac) else {
            return self.unsupported(at_mac, "the macro `vec!` with these arguments");
        };
        let repeats = mac.tokens.clone().into_iter().any(
            |token| matches!(token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ';'),
        );
        let mut names = Vec::new();
        let mut hoisted = Vec::new();
        for (number, arg) in args.exprs.iter().enumerate() {
            if self.is_closed(arg) || args.exprs.len() > 12 {
                names.push(quote!(#arg));
                continue;
            }
            let name = format_ident!("__a{number}");
            names.push(quote!(#name));
            hoisted.push((name, self.value(arg)));
        }
        let path = &mac.path;
        let e: Expr = match (repeats, &names[..]) {
            (true, [value, count]) => syn::parse_quote!(#path![#value; #count]),
            _ => syn::parse_quote!(#path![#(#names),*]),
        };
        if super::degrade::Seen::of(&e).leaves {
            return self.unsupported(at_mac, "the macro `vec!` with these arguments");
        }
        self.called_macro(&e, &hoisted)
    }

    /// `matches!(value, pattern)` is a `match`.
    fn matches(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let Some(std_macros::Args { exprs, pat: Some(pat), .. }) = std_macros::args(mac) else {
            return self.unsupported(at_mac, "the macro `matches!` with these arguments");
        };
        let value = &exprs[0];
        let e: Expr = syn::parse_quote!(match #value { #pat => true, _ => false });
        self.value(&e)
    }

    /// The promise that a value is of a variant. The pattern is not taken apart, so it must not match
    /// anything else: what is promised is the variant that is seen.
    fn record_exact_variant(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let Some(std_macros::Args { exprs, pat: Some(pat), .. }) = std_macros::args(mac) else {
            return self.unsupported(at_mac, "`record_exact_variant!` with these arguments");
        };
        if !names_one_variant(&pat) {
            let message =
                "`record_exact_variant!` takes the name of one variant, as in `Shape::Circle(..)`";
            return self.error_of(syn::Error::new_spanned(&pat, message));
        }
        let span = start(&exprs[0]);
        let place = self.place(&exprs[0]);
        quote_spanned!(span=> {
            let __place = __p::pattern::Through::of(&#place).through(__rec);
            let __place = __p::pattern::Through::of(&__place).through(__rec);
            __p::pattern::Variant::of(&__place)
                .promise(__rec, |__value| ::core::matches!(__value, #pat));
            __p::Traced::constant(())
        })
    }
}

/// Whether a pattern matches all values of one variant, and no others.
fn names_one_variant(pat: &Pat) -> bool {
    let is_anything = |pat: &Pat| matches!(pat, Pat::Wild(_) | Pat::Rest(_));
    match pat {
        Pat::Ident(_) | Pat::Path(_) => {
            is_scalar_pattern(pat) && scalar_binding(pat).is_none() && !names_constant(pat)
        }
        Pat::TupleStruct(it) => it.elems.iter().all(is_anything),
        Pat::Struct(it) => it.fields.iter().all(|field| is_anything(&field.pat)),
        _ => false,
    }
}
