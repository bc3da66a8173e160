//! Blocks and statements.

use super::closure::ClosureVar;
use super::{Lowerer, cfgs, macro_diverges, stmt_diverges, unit};
use crate::parse;
use crate::syntax;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::rc::Rc;
use syn::visit::Visit;
use syn::{Block, Expr, Local, Pat, Stmt};

impl Lowerer {
    /// A block as a value.
    pub fn block(&mut self, block: &Block) -> TokenStream {
        let stmts = self.stmts(&block.stmts);
        quote!({ #stmts })
    }

    /// Statements, the last of which gives the value.
    pub fn stmts(&mut self, stmts: &[Stmt]) -> TokenStream {
        self.scoped(|cx| {
            let mut out = TokenStream::new();
            for (i, stmt) in stmts.iter().enumerate() {
                if let Some((name, closure)) = cx.inline_closure(stmt, &stmts[i + 1..]) {
                    cx.declare_closure(name, ClosureVar::Inline(Rc::new(closure.clone())));
                    continue;
                }
                if let Some(why) = cx.declares_by_macro(stmt, &stmts[i + 1..]) {
                    out.extend(cx.degraded_rest(&stmts[i..], &why));
                    return out;
                }
                let outer_why = cx.unsupported.take();
                let lowered = cx.stmt(stmt, i + 1 == stmts.len());
                if let Some(why) = std::mem::replace(&mut cx.unsupported, outer_why) {
                    out.extend(cx.degraded_rest(&stmts[i..], &why));
                    return out;
                }
                out.extend(lowered);
            }
            let ends_with_value = matches!(stmts.last(), Some(Stmt::Expr(_, None)))
                || matches!(stmts.last(), Some(Stmt::Macro(m)) if m.semi_token.is_none());
            if !ends_with_value && !stmts.last().is_some_and(stmt_diverges) {
                out.extend(unit());
            }
            out
        })
    }

    /// What is a scope of temporaries by itself: a condition, an operand of `&&`, an initializer.
    pub(super) fn with_temps(
        &mut self,
        lower: impl FnOnce(&mut Lowerer) -> TokenStream,
    ) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let lowered = lower(self);
        let temps = std::mem::replace(&mut self.temps, outer);
        match temps.is_empty() {
            true => lowered,
            false => quote!({ #(let mut #temps;)* #lowered }),
        }
    }

    /// The value of a `let`. Its temporaries end with the statement, but for those that are borrowed
    /// by the value itself (see "temporary lifetime extension" in the Rust reference).
    fn initializer(&mut self, e: &Expr) -> TokenStream {
        self.with_temps(|cx| {
            cx.extending = true;
            let value = cx.value(e);
            cx.extending = false;
            value
        })
    }

    /// A statement, which may be there under a condition only.
    pub(super) fn stmt(&mut self, stmt: &Stmt, last: bool) -> TokenStream {
        let attrs = match stmt {
            Stmt::Local(it) => &it.attrs[..],
            Stmt::Macro(it) => &it.attrs,
            Stmt::Expr(e, _) => attrs_of(e),
            Stmt::Item(_) => &[],
        };
        let Ok((cfg, not_cfg)) = cfgs(attrs) else {
            let attr = attrs.first().expect("one of them is not known");
            self.unsupported(attr, "this attribute on a statement");
            if let Some(why) = &mut self.unsupported {
                why.whole_block = true;
            }
            return quote!();
        };
        if not_cfg.is_none() {
            return self.stmt_itself(stmt, last);
        }
        let n_unwinds = self.unwinds.len();
        let lowered = self.stmt_itself(stmt, last);
        for it in &mut self.unwinds[n_unwinds..] {
            it.cfg.extend(cfg.clone());
        }
        match stmt {
            Stmt::Local(local) => {
                let names: Vec<_> =
                    crate::scope::bindings(&local.pat).into_iter().map(|it| it.ident).collect();
                quote!(#cfg let (#(mut #names,)*) = { #lowered (#(#names,)*) };)
            }
            Stmt::Expr(_, None) if last => quote!(#cfg { #lowered }),
            _ => quote!(#cfg { #lowered }),
        }
    }

    fn stmt_itself(&mut self, stmt: &Stmt, last: bool) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let outer_extended = std::mem::take(&mut self.extended);
        let lowered = match stmt {
            Stmt::Item(syn::Item::Macro(item)) if item.ident.is_some() => {
                // It is there where the author's code is, with the plain locals that it may name.
                let name = item.ident.as_ref().expect("looked at").to_string();
                self.local_macros.push((name, quote!(#item)));
                quote!()
            }
            Stmt::Item(item) => quote!(#item),
            Stmt::Local(local) => self.or_degraded(
                local,
                |cx| cx.local(local),
                |cx, why| cx.degraded_local(local, &[], &why),
            ),
            Stmt::Expr(e, None) if last => self.value(e),
            Stmt::Expr(e, _) => {
                self.is_stmt = true;
                let value = self.value(e);
                self.is_stmt = false;
                quote!(let _ = #value;)
            }
            Stmt::Macro(m) => {
                let value = self.or_degraded(
                    m,
                    |cx| cx.macro_call(&m.mac, &m.mac),
                    |cx, why| {
                        // What it stands for may be statements.
                        let mac = &m.mac;
                        let is_value = last && m.semi_token.is_none();
                        let e: Expr = match is_value {
                            true => syn::parse_quote!(#mac),
                            false => syn::parse_quote!({ #mac; }),
                        };
                        cx.degraded(&e, &why)
                    },
                );
                match m.semi_token {
                    None if last => value,
                    _ if macro_diverges(&m.mac) => quote!(#value;),
                    _ => quote!(let _ = #value;),
                }
            }
        };
        let temps = std::mem::replace(&mut self.temps, outer);
        let extended = std::mem::replace(&mut self.extended, outer_extended);
        match (temps.is_empty(), stmt) {
            (_, Stmt::Local(_)) => quote!(#(let mut #extended;)* #(let mut #temps;)* #lowered),
            (true, _) => lowered,
            (false, _) => quote!({ #(let mut #temps;)* #lowered }),
        }
    }

    /// Why a macro that is not known, and what follows it, run as they are written: the macro is given names that are no
    /// locals yet, and what follows uses them.
    fn declares_by_macro(&self, stmt: &Stmt, rest: &[Stmt]) -> Option<super::Unsupported> {
        let Stmt::Macro(m) = stmt else { return None };
        let is_known = parse::parse_hint(&m.mac).is_some()
            || super::degrade::is_expression_macro(&m.mac)
            || parse::std_macros::args(&m.mac).is_some();
        if is_known || rest.is_empty() {
            return None;
        }
        let given = syntax::lone_names(m.mac.tokens.clone());
        let used = syntax::lone_names(quote!(#(#rest)*));
        let is_declared = |name: &String| !self.is_local(name) && used.contains(name);
        given.iter().any(is_declared).then(|| super::Unsupported {
            span: m.mac.path.segments[0].ident.span(),
            what: format!("the macro `{}!`", syntax::macro_name(&m.mac)),
            whole_block: false,
        })
    }

    /// Takes a parameter apart that is a pattern.
    pub fn parameter(&mut self, name: &proc_macro2::Ident, pat: &Pat) -> TokenStream {
        let Stmt::Local(local) = syn::parse_quote!(let #pat = #name;) else {
            unreachable!("it is a `let`")
        };
        let taken = [(name.clone(), quote!(#name.take()))];
        self.or_degraded(
            &local,
            |cx| cx.local(&local),
            |cx, why| cx.degraded_local(&local, &taken, &why),
        )
    }

    pub(super) fn local(&mut self, local: &Local) -> TokenStream {
        let (pat, ty) = match &local.pat {
            Pat::Type(typed) => {
                let ty = &typed.ty;
                (&*typed.pat, Some(quote!(: __p::Traced<#ty>)))
            }
            pat => (pat, None),
        };
        let Some(init) = &local.init else {
            let Pat::Ident(name) = pat else {
                return self.unsupported(pat, "a pattern without a value");
            };
            let ident = &name.ident;
            self.declare(ident);
            return quote!(let mut #ident #ty;);
        };
        if matches!(pat, Pat::Wild(_)) && self.is_place(&init.expr) {
            // A place that is bound to nothing stays where it is.
            let place = self.place(&init.expr);
            return quote!(let _ = #place;);
        }
        if let Pat::Ident(name) = pat
            && name.subpat.is_none()
            && name.by_ref.is_none()
            && !syntax::is_constant_name(&name.ident)
        {
            let value = self.initializer(&init.expr);
            let ident = &name.ident;
            self.declare(ident);
            return quote!(let mut #ident #ty = #value;);
        }
        if matches!(pat, Pat::Wild(_)) {
            let value = self.initializer(&init.expr);
            return quote!(let _ #ty = #value;);
        }
        let otherwise = match init.diverge.as_ref().map(|(_, e)| &**e) {
            Some(Expr::Block(block)) => self.block(&block.block),
            Some(e) => self.value(e),
            None => quote!(::core::unreachable!()),
        };
        self.destructured(pat, &init.expr, ty, init.diverge.is_some(), otherwise)
    }

    /// `let pattern = value` with names that live on.
    fn destructured(
        &mut self,
        pat: &Pat,
        init: &Expr,
        ty: Option<TokenStream>,
        refutable: bool,
        otherwise: TokenStream,
    ) -> TokenStream {
        // What a name refers to must live as long as the name; all else ends with the statement.
        let refers = binds_by_ref(pat);
        let outer = match refers {
            true => None,
            false => Some(std::mem::take(&mut self.temps)),
        };
        let n_temps = self.n_temps;
        self.extending = !refers;
        let (place, owned) = match ty {
            None if refers || self.is_place(init) => {
                let place = self.accessed(init, binds_by_ref_mut(pat));
                (place, self.owned(init, n_temps))
            }
            None => {
                let value = self.value(init);
                let temp = format_ident!("__temp{}", self.n_temps);
                self.n_temps += 1;
                self.temps.push(temp.clone());
                let place = quote!({ #temp = #value; __p::Local::as_place(&mut #temp) });
                (place, Some(self.owned_local(temp)))
            }
            Some(ty) => {
                let value = self.value(init);
                let typed = format_ident!("__typed{}", self.n_temps);
                self.n_temps += 1;
                self.temps.push(typed.clone());
                let owned = self.owned_local(typed.clone());
                let place = quote!({ let __v #ty = #value; #typed = __v; __p::Local::as_place(&mut #typed) });
                (place, Some(owned))
            }
        };
        self.extending = false;
        let root = format_ident!("__let{}", self.n_temps);
        self.n_temps += 1;
        let lowered = self.pattern(pat, &root, refutable);
        let place = self.scrutinee(owned, &[(quote!(), pat, &lowered)], false, place);
        let (test, bind, chosen) = (&lowered.test, lowered.bind(), lowered.chosen(&root));
        let Some(outer) = outer else {
            return quote! {
                let #root = #place;
                let mut __seen = __p::pattern::Seen::default();
                let #bind = match #test {
                    ::core::option::Option::Some(__bound) => __bound,
                    ::core::option::Option::None => #otherwise,
                };
                #chosen
            };
        };
        let temps = std::mem::replace(&mut self.temps, outer);
        let tuple = lowered.tuple();
        quote! {
            let #bind = match {
                #(let mut #temps;)*
                let #root = #place;
                let mut __seen = __p::pattern::Seen::default();
                if let ::core::option::Option::Some(#bind) = #test {
                    #chosen
                    ::core::option::Option::Some(#tuple)
                } else {
                    ::core::option::Option::None
                }
            } {
                ::core::option::Option::Some(__bound) => __bound,
                ::core::option::Option::None => #otherwise,
            };
        }
    }
}

/// Whether a name in a pattern binds by `ref`.
fn binds_by_ref(pat: &Pat) -> bool {
    binds(pat, |name| name.by_ref.is_some())
}

/// Whether a pattern has a `ref mut`.
pub(super) fn binds_by_ref_mut(pat: &Pat) -> bool {
    binds(pat, |name| name.by_ref.is_some() && name.mutability.is_some())
}

/// Whether a pattern has such a name.
fn binds(pat: &Pat, is_it: fn(&syn::PatIdent) -> bool) -> bool {
    struct Finder(fn(&syn::PatIdent) -> bool, bool);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_pat_ident(&mut self, it: &'ast syn::PatIdent) {
            self.1 |= self.0(it);
            syn::visit::visit_pat_ident(self, it);
        }
    }
    let mut finder = Finder(is_it, false);
    finder.visit_pat(pat);
    finder.1
}

/// The attributes of an expression that is a statement.
fn attrs_of(e: &Expr) -> &[syn::Attribute] {
    match e {
        Expr::Assign(it) => &it.attrs,
        Expr::Binary(it) => &it.attrs,
        Expr::Block(it) => &it.attrs,
        Expr::Break(it) => &it.attrs,
        Expr::Call(it) => &it.attrs,
        Expr::Continue(it) => &it.attrs,
        Expr::ForLoop(it) => &it.attrs,
        Expr::If(it) => &it.attrs,
        Expr::Loop(it) => &it.attrs,
        Expr::Macro(it) => &it.attrs,
        Expr::Match(it) => &it.attrs,
        Expr::MethodCall(it) => &it.attrs,
        Expr::Path(it) => &it.attrs,
        Expr::Return(it) => &it.attrs,
        Expr::Try(it) => &it.attrs,
        Expr::Tuple(it) => &it.attrs,
        Expr::Unary(it) => &it.attrs,
        Expr::Unsafe(it) => &it.attrs,
        Expr::While(it) => &it.attrs,
        _ => &[],
    }
}
