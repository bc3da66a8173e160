//! Chains of iterator methods that are unrolled: `operands.iter().rev().map(|x| x + 1).sum()`.
//!
//! A chain starts at a range or at a method such as `iter`, goes through adaptors, and is walked over by
//! a `for` or ends in a consumer. In a function with `#[unroll_safe]` it becomes the same chain over
//! traced items (`plumbing/iterate`); what is no slice, string or range is asked for items by calls of
//! `next`. In any other function a chain with closures is one residual call, as a loop would be.

use super::closure::closure_arg;
use super::{Lowerer, start};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprMethodCall, RangeLimits};

/// Methods that start an iteration over what they are called on.
const STARTS: &[&str] = &["iter", "iter_mut", "chars", "bytes"];

/// Such methods that take a number.
const STARTS_WITH_NUMBER: &[&str] = &["windows"];

/// Adaptors that take nothing.
const BARE: &[&str] = &["rev", "enumerate", "copied"];

/// Adaptors that take a function.
const WITH_FUNCTION: &[&str] = &["map", "filter", "take_while"];

/// Adaptors that take other items.
const WITH_ITEMS: &[&str] = &["zip", "chain"];

/// Adaptors that take a number.
const WITH_NUMBER: &[&str] = &["take", "skip", "step_by"];

/// Adaptors whose items can be taken from the end.
const REVERSIBLE: &[&str] = &["rev", "enumerate", "copied", "map", "filter"];

/// Consumers that take a function.
const CONSUME_WITH: &[&str] = &["any", "all", "position", "find", "for_each"];

/// What a chain ends in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consumer {
    /// With a function of an item, or with nothing.
    Plain,
    /// `fold`.
    Folds,
    /// `sum` and `product`, which depend on the items' type.
    Sums,
}

impl Consumer {
    fn of(m: &ExprMethodCall) -> Option<Consumer> {
        let last_is_function = || m.args.last().is_some_and(is_function);
        match () {
            () if is_one_of(&["sum", "product"], m, 0) => Some(Consumer::Sums),
            () if is_one_of(&["count", "last"], m, 0) => Some(Consumer::Plain),
            () if is_one_of(CONSUME_WITH, m, 1) && last_is_function() => Some(Consumer::Plain),
            () if is_one_of(&["fold"], m, 2) && last_is_function() => Some(Consumer::Folds),
            () => None,
        }
    }
}

/// Where a chain starts, and what follows.
struct Chain<'a> {
    source: Source<'a>,
    adaptors: Vec<&'a ExprMethodCall>,
}

enum Source<'a> {
    Range(&'a syn::ExprRange),
    Method(&'a ExprMethodCall),
}

/// The chain that an expression is, if all of it is known.
fn chain_of(e: &Expr) -> Option<Chain<'_>> {
    match e {
        Expr::Paren(it) => chain_of(&it.expr),
        Expr::Group(it) => chain_of(&it.expr),
        Expr::Range(range) if range.start.is_some() && range.end.is_some() => {
            Some(Chain { source: Source::Range(range), adaptors: Vec::new() })
        }
        Expr::MethodCall(m) if is_one_of(STARTS, m, 0) || is_one_of(STARTS_WITH_NUMBER, m, 1) => {
            Some(Chain { source: Source::Method(m), adaptors: Vec::new() })
        }
        Expr::MethodCall(m) => {
            let function = || m.args.first().is_some_and(is_function);
            let known = is_one_of(BARE, m, 0)
                || (is_one_of(WITH_FUNCTION, m, 1) && function())
                || is_one_of(WITH_ITEMS, m, 1)
                || is_one_of(WITH_NUMBER, m, 1);
            let mut chain = known.then(|| chain_of(&m.receiver)).flatten()?;
            let names = |it: &&ExprMethodCall| REVERSIBLE.iter().any(|name| it.method == name);
            let only_ahead = matches!(chain.source, Source::Method(it) if it.method == "chars" || it.method == "windows");
            if m.method == "rev" && (only_ahead || !chain.adaptors.iter().all(names)) {
                return None;
            }
            chain.adaptors.push(m);
            Some(chain)
        }
        _ => None,
    }
}

fn is_one_of(names: &[&str], m: &ExprMethodCall, n_args: usize) -> bool {
    names.iter().any(|name| m.method == name) && m.args.len() == n_args
}

/// A closure, or the name of a function.
fn is_function(arg: &Expr) -> bool {
    matches!(arg, Expr::Closure(_) | Expr::Path(_))
}

impl Lowerer {
    /// The items of a chain that is walked over by a `for`; none if the expression is no chain, or no more
    /// than a range.
    pub(super) fn chain_items(&mut self, e: &Expr) -> Option<TokenStream> {
        let chain = if self.unrolls { chain_of(e)? } else { return None };
        match (&chain.source, &chain.adaptors[..]) {
            (Source::Range(_), []) => None,
            _ => Some(self.items_of_chain(&chain)),
        }
    }

    /// Whether a method is called on what a chain yields, as in `words.iter().position(f).unwrap()`.
    pub(super) fn follows_chain(&self, m: &ExprMethodCall) -> bool {
        let mut receiver = &*m.receiver;
        while let Expr::MethodCall(m) = receiver {
            if self.unrolls && Consumer::of(m).is_some() && chain_of(&m.receiver).is_some() {
                return true;
            }
            receiver = &m.receiver;
        }
        false
    }

    /// A chain that ends in a consumer, as a value.
    pub(super) fn consumed_chain(&mut self, m: &ExprMethodCall) -> Option<TokenStream> {
        let consumer = if self.unrolls { Consumer::of(m)? } else { return None };
        let chain = chain_of(&m.receiver)?;
        let items = self.items_of_chain(&chain);
        let (span, name) = (start(m), &m.method);
        if consumer == Consumer::Sums {
            let ty = m.turbofish.as_ref().and_then(|it| it.args.first());
            let ty = ty.map_or_else(|| quote!(_), |ty| quote!(__p::Traced<#ty>));
            return Some(quote_spanned!(span=> {
                let __items = #items;
                let __all: #ty = (&&__p::iterate::adapt::consumed(__items)).#name(__rec, __JIT_CHECKS);
                __all
            }));
        }
        let args: Vec<_> = m
            .args
            .iter()
            .map(|arg| self.function_or_value(arg, consumer == Consumer::Folds))
            .collect();
        Some(quote_spanned!(span=> {
            let __items = #items;
            __p::iterate::adapt::#name(__rec, __items #(, #args)*)
        }))
    }

    fn items_of_chain(&mut self, chain: &Chain) -> TokenStream {
        let mut items = match chain.source {
            Source::Range(range) => {
                let (from, to) = (range.start.as_deref(), range.end.as_deref());
                let [from, to] = [from, to].map(|bound| self.value(bound.expect("looked at")));
                match range.limits {
                    RangeLimits::HalfOpen(_) => quote!(__p::ops::Range::half_open(#from, #to)),
                    RangeLimits::Closed(_) => quote!(__p::ops::Range::closed(#from, #to)),
                }
            }
            Source::Method(m) => self.items_of_method(m),
        };
        for adaptor in &chain.adaptors {
            let (span, name) = (start(*adaptor), &adaptor.method);
            let args: Vec<_> = adaptor
                .args
                .iter()
                .map(|arg| match is_one_of(WITH_ITEMS, adaptor, 1) {
                    true => self.other_items(arg),
                    false => self.function_or_value(arg, false),
                })
                .collect();
            items = quote_spanned!(span=> {
                let __items = #items;
                __p::iterate::adapt::#name(__items #(, #args)*)
            });
        }
        items
    }

    /// A closure over traced values, also for a function that is named; else a value.
    fn function_or_value(&mut self, arg: &Expr, of_two: bool) -> TokenStream {
        if let Some(closure) = closure_arg(arg) {
            return self.traced_closure(closure);
        }
        match arg {
            Expr::Path(_) if self.is_callable_path(arg) => {
                let closure = match of_two {
                    true => syn::parse_quote!(|__x0, __x1| #arg(__x0, __x1)),
                    false => syn::parse_quote!(|__x0| #arg(__x0)),
                };
                self.traced_closure(&closure)
            }
            _ => self.value(arg),
        }
    }

    /// What `iter` and the like are called on says what they yield.
    fn items_of_method(&mut self, m: &ExprMethodCall) -> TokenStream {
        let this = self.peeled_receiver(&m.receiver);
        let name = &m.method;
        let token_name = format!("items_{name}");
        let token = format_ident!("__jit_{token_name}");
        self.methods.insert(token_name);
        let site = self.site(&name.to_string(), m.span());
        let args: Vec<_> = m.args.iter().map(|arg| self.value(arg)).collect();
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("method{}", args.len());
        quote_spanned!(start(m)=> {
            let __this = (#this).known();
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::call::#plain_fn(
                &__this, &__args, |__target, #(#names),*| (**__target).#name(#(#names),*));
            let __token = __this.probe().#token();
            let __site = #site;
            __p::iterate::IntoItems::items(
                __p::Method::call_method(__token, __rec, __site, __this, __args, __plain),
                __rec,
                __site,
            )
        })
    }

    /// The items of an argument: a chain, or what can be iterated over.
    fn other_items(&mut self, e: &Expr) -> TokenStream {
        if let Some(chain) = chain_of(e) {
            return self.items_of_chain(&chain);
        }
        let value = self.value(e);
        self.items_of_value(value, e)
    }

    /// The items of a value that can be iterated over.
    pub(super) fn items_of_value(&mut self, value: TokenStream, e: &Expr) -> TokenStream {
        let site = self.site("next", e.span());
        let span = start(e);
        let items = quote_spanned!(span=>
            (&&__p::iterate::IterationOf::of(&__value)).start(__rec, #site, __value));
        quote!({
            use __p::iterate::{AnyIteration as _, KnownIteration as _};
            let __value = #value;
            #items
        })
    }
}
