//! What the macro cannot take apart runs as the author wrote it.
//!
//! An expression out of which control only comes by its end becomes a *residual call*: a closure that
//! captures nothing, over the locals that the expression names. Anything else ends the recording, and
//! runs on plain values; what leaves it (`return`, `?`, `break`, `continue`, also hidden in a macro that
//! is not known here) is caught and then done in the twin.
//!
//! A local goes in by value. It is used up there if the code may move it and nothing mentions it
//! afterwards; else it comes back to where it was, because somebody may hold a reference to it.
//!
//! Invariants
//! 1. The author's tokens are not changed, but for hints, labels of loops around, and the name of `self`.
//! 2. A local that may be borrowed at the time is never used up: the code names it as a value then,
//!    and rustc has seen that it may.

use super::{Lowerer, start};
use crate::parse::{HintKind, std_macros};
use crate::scope::{self, LocalId, Time};
use crate::syntax::{self, BreakKind};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Lifetime, Macro, parse_quote};

/// A construct that the macro does not take apart.
pub struct Unsupported {
    pub span: Span,
    pub what: String,
    /// Running the expression alone would not do: what follows in its block borrows from it.
    pub whole_block: bool,
}

/// A loop of the body around the code at hand.
pub(super) struct Around {
    /// How code in it that is not taken apart may break out of it.
    pub breaks: BreakKind,
}

/// A local of the twin that untraced code names.
struct Free {
    /// Its name in the twin.
    name: Ident,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Moved away.
    Used,
    /// Comes back changed.
    Changed,
    /// Comes back if it owns something.
    Read,
    /// A reference, which nobody assigns to: a copy of it goes in.
    Reference,
}

impl Lowerer {
    /// Notes that something around here is not taken apart, and answers tokens that nobody sees.
    pub(super) fn unsupported(
        &mut self,
        at: &impl syn::spanned::Spanned,
        what: &str,
    ) -> TokenStream {
        self.unsupported.get_or_insert(Unsupported {
            span: at.span(),
            what: what.to_owned(),
            whole_block: false,
        });
        quote!(::core::unreachable!())
    }

    /// Lowers a node; where that fails, `otherwise` does.
    pub(super) fn or_degraded<T>(
        &mut self,
        node: &T,
        lower: impl FnOnce(&mut Lowerer) -> TokenStream,
        otherwise: impl FnOnce(&mut Lowerer, Unsupported) -> TokenStream,
    ) -> TokenStream {
        let (n_temps, n_extended) = (self.temps.len(), self.extended.len());
        let outer_why = self.unsupported.take();
        let outer_time = self.interval;
        self.interval = self.names.span_of(node).or(outer_time);
        let mut lowered = lower(self);
        match self.unsupported.take() {
            Some(why) if why.whole_block => self.unsupported = Some(why),
            Some(why) => {
                self.temps.truncate(n_temps);
                self.extended.truncate(n_extended);
                self.extending = false;
                lowered = otherwise(self, why);
                self.unsupported = outer_why;
            }
            None => self.unsupported = outer_why,
        }
        self.interval = outer_time;
        lowered
    }

    /// An expression that is not taken apart, as a value.
    pub(super) fn degraded(&mut self, e: &Expr, why: &Unsupported) -> TokenStream {
        self.degraded_with(e, &[], why)
    }

    /// The same, with names in it for values that are lowered before.
    pub(super) fn degraded_with(
        &mut self,
        e: &Expr,
        hoisted: &[(Ident, TokenStream)],
        why: &Unsupported,
    ) -> TokenStream {
        let seen = Seen::of(e);
        match seen.leaves {
            false => self.degraded_expression(e, &seen, hoisted, Some(why)),
            true => self.degraded_statement(e, &seen, why),
        }
    }

    /// The statements from one on, as a value.
    pub(super) fn degraded_rest(&mut self, stmts: &[syn::Stmt], why: &Unsupported) -> TokenStream {
        let spans = stmts.iter().filter_map(|stmt| match stmt {
            syn::Stmt::Local(it) => self.names.span_of(it),
            syn::Stmt::Expr(it, _) => self.names.span_of(it),
            syn::Stmt::Macro(it) => self.names.span_of(it),
            syn::Stmt::Item(_) => None,
        });
        let all = spans.reduce(|(start, _), (_, end)| (start, end));
        let outer = std::mem::replace(&mut self.interval, all);
        let e: Expr = parse_quote!({ #(#stmts)* });
        let value = self.degraded(&e, why);
        self.interval = outer;
        value
    }

    /// `let` with a pattern that is not taken apart.
    pub(super) fn degraded_local(
        &mut self,
        local: &syn::Local,
        hoisted: &[(Ident, TokenStream)],
        why: &Unsupported,
    ) -> TokenStream {
        let names: Vec<Ident> =
            scope::bindings(&local.pat).into_iter().map(|it| it.ident).collect();
        let all = names.iter().rev().fold(quote!(()), |rest, name| quote!((#name, #rest)));
        let mut local = local.clone();
        local.attrs.clear();
        let e: Expr = parse_quote!({ #local #all });
        let value = self.degraded_with(&e, hoisted, why);
        let parts = (0..names.len())
            .map(|_| quote!(let (__part, __parts) = __p::degrade::split(__rec, __parts);));
        let opened =
            names.iter().zip(parts).map(|(name, open)| quote!(#open let mut #name = __part;));
        let opened = quote!(let __parts = #value; #(#opened)*);
        names.iter().for_each(|name| self.declare(name));
        opened
    }

    /// The macros of the body that an expression calls, with those that they call.
    pub(super) fn macros_of(&self, e: &impl ToTokens) -> TokenStream {
        let mut called = BTreeSet::new();
        called_macros(e.to_token_stream(), &mut called);
        let mut chosen = Vec::new();
        for (name, item) in self.local_macros.iter().rev() {
            if called.contains(name) {
                called_macros(item.clone(), &mut called);
                chosen.push(syntax::rename_self(item.clone()));
            }
        }
        chosen.into_iter().rev().collect()
    }

    fn reason(&self, why: &Unsupported) -> TokenStream {
        self.site(&why.what, why.span)
    }

    /// A residual call of a closure.
    pub(super) fn degraded_expression(
        &mut self,
        e: &Expr,
        seen: &Seen,
        hoisted: &[(Ident, TokenStream)],
        why: Option<&Unsupported>,
    ) -> TokenStream {
        self.degrades_closure |= self.names_traced_closure(e);
        let free = self.free(e, seen);
        let macros = self.macros_of(e);
        let body = plain_tokens(e, &[]);
        let span = start(e);
        let (noted, site) = match why {
            Some(why) => {
                let site = self.reason(why);
                (Some(quote!(__p::degrade::degraded_expression(__rec, __site);)), site)
            }
            None => (None, self.site(&name_of(e), syn::spanned::Spanned::span(e))),
        };
        let mut args: Vec<(TokenStream, TokenStream)> =
            hoisted.iter().map(|(name, value)| (quote!(mut #name), value.clone())).collect();
        args.extend(free.iter().map(|free| {
            let name = &free.name;
            let lent = quote!(__p::degrade::Lend::lend(&#name, __rec));
            (quote!(mut #name), lent)
        }));
        // What does not fit among the arguments goes as pairs.
        const FLAT: usize = 11;
        let rest = args.split_off(args.len().min(FLAT));
        if !rest.is_empty() {
            args.push(rest.into_iter().rev().fold(
                (quote!(()), quote!(__p::Traced::constant(()))),
                |(rest_pat, rest), (pat, value)| {
                    (quote!((#pat, #rest_pat)), quote!(__p::Parts::join((#value, #rest))))
                },
            ));
        }
        let (pats, values): (Vec<_>, Vec<_>) = args.into_iter().unzip();
        let backs = free.iter().rev().fold(quote!(()), |rest, Free { name, mode }| {
            let back = match mode {
                Mode::Used | Mode::Reference => quote!(__p::degrade::Unchanged),
                Mode::Changed => quote!(__p::degrade::Kept(#name)),
                Mode::Read => quote!(__p::degrade::Read(#name).back()),
            };
            quote!((#back, #rest))
        });
        let take_backs = free.iter().map(|Free { name, .. }| {
            quote! {
                let (__back, __backs) = __p::degrade::split(__rec, __backs);
                __p::degrade::TakeBack::take_back(&mut #name, __rec, __back);
            }
        });
        quote_spanned!(span=> {
            let __site = #site;
            #noted
            let __out = __p::residual(__rec, __site, (#(#values,)*), |(#(#pats,)*)| {
                #[allow(unused_imports)]
                use __p::degrade::ReadOwned as _;
                #macros
                let __res = #body;
                (__res, #backs)
            });
            let (__res, __backs) = __p::degrade::split(__rec, __out);
            #(#take_backs)*
            __res
        })
    }

    /// Ends the recording and runs the code.
    fn degraded_statement(&mut self, e: &Expr, seen: &Seen, why: &Unsupported) -> TokenStream {
        self.degrades_closure |= self.names_traced_closure(e);
        let free = self.free(e, seen);
        let site = self.reason(why);
        let span = start(e);
        let what = why.what.clone();
        self.unwinds.push(super::Unwinding { span: why.span, what, cfg: quote!() });
        let Given { before, inside, after } = given(&free);
        let n_fixed = 3usize;
        let body = plain_tokens(e, &seen.outer);
        let macros = self.macros_of(e);
        let values = (0..seen.outer.len()).map(|number| format_ident!("__left_value{number}"));
        let outer_values: Vec<_> = values.collect();
        let outer_arms =
            seen.outer.iter().zip(&outer_values).enumerate().map(|(number, (leave, value))| {
                let number = number + n_fixed;
                let label = &leave.label;
                match (leave.is_break, leave.with_value) {
                    (true, true) => {
                        quote!(#number => break #label __p::Traced::constant(#value.expect("set")))
                    }
                    (true, false) => quote!(#number => break #label),
                    (false, _) => quote!(#number => continue #label),
                }
            });
        let output = self.output.as_ref().map(|ty| quote!(-> #ty));
        let run = quote! {
            #(#inside)*
            #macros
            __value = ::core::option::Option::Some(#body);
            __how = 0usize;
            __p::degrade::end_plainly()
        };
        let broken =
            self.around.last().map(|_| quote!(let mut __broken = ::core::option::Option::None;));
        let (run, loop_arms) = match self.around.last() {
            None => (run, quote!()),
            Some(around) => {
                let leave = match around.breaks {
                    BreakKind::WithValue => {
                        quote!(2usize => break __p::Traced::constant(__broken.expect("set")),)
                    }
                    BreakKind::Plain => quote!(2usize => break,),
                    BreakKind::None => quote!(),
                };
                let run = quote! {
                    let mut __first = true;
                    __broken = ::core::option::Option::Some(loop {
                        if !::core::mem::take(&mut __first) {
                            __how = 1usize;
                            __p::degrade::end_plainly()
                        }
                        #run
                    });
                    __how = 2usize;
                    __p::degrade::end_plainly()
                };
                (run, quote!(1usize => continue, #leave))
            }
        };
        let returned = self.returning(quote!(__p::Traced::constant(__returned)));
        quote_spanned!(span=> {
            __p::degrade::degraded_statement(__rec, #site);
            #(#before)*
            let mut __how = 0usize;
            let mut __value = ::core::option::Option::None;
            #broken
            #(let mut #outer_values = ::core::option::Option::None;)*
            let __returned = __p::degrade::plainly(|| #output { #run });
            #(#after)*
            match (__returned, __how) {
                (::core::option::Option::Some(__returned), _) => #returned,
                (_, __how) => match __how {
                    #loop_arms
                    #(#outer_arms,)*
                    _ => __p::Traced::constant(__value.expect("the code came to its end")),
                },
            }
        })
    }

    /// A macro that panics, or would do so. Locals that it names are dropped where they are declared.
    pub(super) fn panicking(&mut self, mac: &Macro, diverges: bool) -> TokenStream {
        let e = Expr::Macro(syn::ExprMacro { attrs: Vec::new(), mac: mac.clone() });
        let free = self.free(&e, &Seen::of(&e));
        let macros = self.macros_of(&e);
        let failing = syntax::rename_self(mac.to_token_stream());
        if free.is_empty() {
            return quote!({ __p::cut(__rec); #macros #failing });
        }
        let Given { before, inside, after } = given(&free);
        let panics = match diverges {
            true => quote!(__p::degrade::panic_on(__panic)),
            false => quote!(if __panic.is_some() {
                __p::degrade::panic_on(__panic)
            }),
        };
        quote!({
            __p::cut(__rec);
            #(#before)*
            let __panic = __p::degrade::panicking(|| { #(#inside)* #macros #failing; });
            #(#after)*
            #panics
        })
    }

    /// The locals that an expression names.
    fn free(&self, e: &Expr, seen: &Seen) -> Vec<Free> {
        let mut named = Default::default();
        syntax::mentioned(e.to_token_stream(), &mut named);
        let mut in_macros = BTreeMap::new();
        syntax::mentioned(self.macros_of(e), &mut in_macros);
        let Some(interval) = self.interval else { return self.all_named(named, seen) };
        let mut found = Vec::new();
        // What the body of a macro names, it may also change.
        in_macros.retain(|name, _| !named.contains_key(name));
        let mut of_macros = self.all_named(in_macros, seen);
        for free in &mut of_macros {
            if free.mode == Mode::Read {
                free.mode = Mode::Changed;
            }
        }
        found.extend(of_macros);
        for id in self.names.free_in(interval) {
            let declared = &self.names.local(id).binding.ident;
            let text = declared.to_string();
            if !self.is_local(&text) && text != "self" {
                continue;
            }
            let Some(name) = named.get(&text) else { continue };
            let mode = self.mode(id, interval, &text, seen);
            let name = match text == "self" {
                true => format_ident!("__self", span = name.span()),
                false => name.clone(),
            };
            found.push(Free { name, mode });
        }
        found
    }

    /// The locals among names, in code that is not where the author wrote it: all may be used again.
    fn all_named(&self, named: BTreeMap<String, Ident>, seen: &Seen) -> Vec<Free> {
        let locals = named.into_iter().filter(|(text, _)| self.is_local(text) || text == "self");
        let free = locals.map(|(text, name)| match text == "self" {
            true => {
                Free { name: format_ident!("__self", span = name.span()), mode: Mode::Reference }
            }
            false if seen.changed.contains(&text) => Free { name, mode: Mode::Changed },
            false => Free { name, mode: Mode::Read },
        });
        free.collect()
    }

    fn mode(&self, id: LocalId, interval: (Time, Time), name: &str, seen: &Seen) -> Mode {
        let is_reference = matches!(self.names.local(id).binding.ty, Some(syn::Type::Reference(_)));
        let live = self.names.is_live_after(id, interval) || self.hint_names.contains(name);
        if seen.moved.contains(name) && !live {
            return Mode::Used;
        }
        if is_reference && !seen.assigned.contains(name) {
            return Mode::Reference;
        }
        match seen.changed.contains(name) {
            true => Mode::Changed,
            false => Mode::Read,
        }
    }
}

/// How locals become those of code that runs on plain values: statements before it, in it, and after it.
struct Given {
    before: Vec<TokenStream>,
    inside: Vec<TokenStream>,
    after: Vec<TokenStream>,
}

fn given(free: &[Free]) -> Given {
    let (mut before, mut inside, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for (number, Free { name, mode }) in free.iter().enumerate() {
        let kept = format_ident!("__kept{number}");
        before.push(quote!(let #kept = &raw mut #name;));
        let plain = quote!(__p::ToPlain::to_plain(unsafe { &*#kept }));
        match mode {
            Mode::Used => {
                before.push(quote!(let mut #kept = ::core::option::Option::Some(#plain);));
                inside.push(quote!(let mut #name = #kept.take().expect("runs once");));
            }
            Mode::Changed | Mode::Read => {
                before.push(quote!(let mut #name = #plain;));
                after.push(quote! {
                    __p::degrade::TakeBack::take_back(
                        unsafe { &mut *#kept }, __rec, __p::Traced::constant(__p::degrade::Kept(#name)));
                });
            }
            Mode::Reference => before.push(quote!(let mut #name = #plain;)),
        }
    }
    Given { before, inside, after }
}

/// The names of macros that are called in tokens.
fn called_macros(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut last: Option<Ident> = None;
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(ident) => {
                last = Some(ident);
                continue;
            }
            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '!' => {
                names.extend(last.take().map(|name| name.to_string()));
            }
            proc_macro2::TokenTree::Group(group) => called_macros(group.stream(), names),
            _ => {}
        }
        last = None;
    }
}

fn name_of(e: &Expr) -> String {
    match e {
        Expr::Macro(it) => syntax::macro_name(&it.mac),
        _ => String::from("expression"),
    }
}

/// The author's tokens, for plain locals.
fn plain_tokens(e: &Expr, outer: &[Leave]) -> TokenStream {
    let mut e = e.clone();
    Plain { outer }.visit_expr_mut(&mut e);
    syntax::rename_self(e.to_token_stream())
}

/// `break 'label` or `continue 'label` of a loop around.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Leave {
    is_break: bool,
    label: Lifetime,
    with_value: bool,
}

/// Takes out hints, and leaves loops around by a number.
struct Plain<'a> {
    outer: &'a [Leave],
}

impl Plain<'_> {
    fn leave(&self, leave: &Leave, value: Option<&Expr>) -> Option<Expr> {
        let at = self.outer.iter().position(|it| it == leave)?;
        let (number, slot) = (at + 3, format_ident!("__left_value{at}"));
        let value = value.map(|value| quote!(#slot = ::core::option::Option::Some(#value);));
        Some(parse_quote!({ #value __how = #number; __p::degrade::end_plainly() }))
    }
}

impl VisitMut for Plain<'_> {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        visit_mut::visit_expr_mut(self, e);
        let replaced = match e {
            Expr::Macro(it) if HintKind::of(&it.mac).is_some() => Some(parse_quote!(())),
            Expr::Break(it) => it.label.clone().and_then(|label| {
                let with_value = it.expr.is_some();
                self.leave(&Leave { is_break: true, label, with_value }, it.expr.as_deref())
            }),
            Expr::Continue(it) => it.label.clone().and_then(|label| {
                self.leave(&Leave { is_break: false, label, with_value: false }, None)
            }),
            _ => None,
        };
        if let Some(replaced) = replaced {
            *e = replaced;
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut syn::Stmt) {
        match stmt {
            syn::Stmt::Macro(it) if HintKind::of(&it.mac).is_some() => *stmt = parse_quote!(();),
            _ => visit_mut::visit_stmt_mut(self, stmt),
        }
    }
}

/// What an expression does, as far as syntax shows.
#[derive(Default)]
pub(super) struct Seen {
    /// Control may leave it otherwise than by its end.
    pub leaves: bool,
    /// Locals that it may change.
    changed: BTreeSet<String>,
    /// Locals that it assigns to as a whole, or borrows as a whole.
    assigned: BTreeSet<String>,
    /// Locals that it names as values.
    moved: BTreeSet<String>,
    /// Jumps out of it by label.
    outer: Vec<Leave>,
    labels: Vec<Lifetime>,
    loops: usize,
    closures: usize,
}

impl Seen {
    /// Whether it may change a local of this name.
    pub(super) fn changes(&self, name: &str) -> bool {
        self.changed.contains(name)
    }

    pub(super) fn of(e: &Expr) -> Seen {
        let mut seen = Seen::default();
        seen.visit_expr(e);
        seen
    }

    fn change(&mut self, place: &Expr) {
        if let Some(name) = scope::root(place) {
            self.changed.insert(name.to_string());
        }
    }

    fn assign(&mut self, place: &Expr) {
        self.change(place);
        if let Some(name) = scope::as_ident(place) {
            self.assigned.insert(name.to_string());
        }
    }

    /// Visits a place: its root is not used as a value.
    fn place(&mut self, e: &Expr) {
        match e {
            Expr::Field(it) => self.place(&it.base),
            Expr::Paren(it) => self.place(&it.expr),
            Expr::Group(it) => self.place(&it.expr),
            Expr::Index(it) => {
                self.place(&it.expr);
                self.visit_expr(&it.index);
            }
            Expr::Unary(it) if matches!(it.op, syn::UnOp::Deref(_)) => self.place(&it.expr),
            Expr::Path(_) => {}
            e => self.visit_expr(e),
        }
    }

    fn leave(&mut self, is_break: bool, label: Option<&Lifetime>, with_value: bool) {
        if self.closures > 0 {
            return;
        }
        match label {
            None => self.leaves |= self.loops == 0,
            Some(label) if self.labels.contains(label) => {}
            Some(label) => {
                self.leaves = true;
                let leave = Leave { is_break, label: label.clone(), with_value };
                if !self.outer.contains(&leave) {
                    self.outer.push(leave);
                }
            }
        }
    }

    fn in_loop(&mut self, label: Option<&syn::Label>, walk: impl FnOnce(&mut Self)) {
        self.loops += 1;
        self.labels.extend(label.map(|label| label.name.clone()));
        walk(self);
        self.loops -= 1;
    }

    fn unknown_macro(&mut self, mac: &Macro) {
        self.leaves |= self.closures == 0;
        let mut named = Default::default();
        syntax::mentioned(mac.tokens.clone(), &mut named);
        for name in named.into_keys() {
            self.changed.insert(name.clone());
            self.assigned.insert(name.clone());
        }
    }
}

/// Macros that are an expression of their arguments, with no way out but their end.
pub(super) fn is_expression_macro(mac: &Macro) -> bool {
    const KNOWN: &[&str] = &[
        "print",
        "println",
        "eprint",
        "eprintln",
        "format",
        "format_args",
        "write",
        "writeln",
        "dbg",
        "vec",
        "matches",
        "record_exact_variant",
        "concat",
        "stringify",
        "line",
        "column",
        "file",
        "module_path",
        "env",
        "option_env",
        "include_str",
        "include_bytes",
        "cfg",
        "assert",
        "assert_eq",
        "assert_ne",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "panic",
        "todo",
        "unimplemented",
        "unreachable",
        "addr_of",
        "addr_of_mut",
        "thread_local",
        "offset_of",
    ];
    const LOGGING: &[&str] = &["trace", "debug", "info", "warn"];
    let segments = &mac.path.segments;
    let Some(last) = segments.last() else { return false };
    let name = last.ident.to_string();
    let logging_crate = segments.len() > 1
        && matches!(segments[segments.len() - 2].ident.to_string().as_str(), "log" | "tracing");
    KNOWN.contains(&name.as_str())
        || LOGGING.contains(&name.as_str())
        || (logging_crate && matches!(name.as_str(), "error" | "log" | "event" | "log_enabled"))
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_expr(&mut self, e: &'ast Expr) {
        match e {
            Expr::Path(_) => {
                if let Some(name) = scope::as_ident(e) {
                    self.moved.insert(name.to_string());
                }
            }
            Expr::Field(_) | Expr::Index(_) => self.place(e),
            Expr::Unary(it) if matches!(it.op, syn::UnOp::Deref(_)) => self.place(e),
            Expr::Reference(it) => {
                if it.mutability.is_some() {
                    self.assign(&it.expr);
                }
                self.place(&it.expr);
            }
            Expr::RawAddr(it) => {
                self.assign(&it.expr);
                self.place(&it.expr);
            }
            Expr::Assign(it) => {
                self.assign(&it.left);
                self.visit_expr(&it.right);
                self.place(&it.left);
            }
            Expr::Binary(it) if super::is_assignment(&it.op) => {
                self.assign(&it.left);
                self.visit_expr(&it.right);
                self.place(&it.left);
            }
            Expr::MethodCall(it) => {
                self.change(&it.receiver);
                match consumes(&it.method.to_string()) {
                    true => self.visit_expr(&it.receiver),
                    false => self.place(&it.receiver),
                }
                it.args.iter().for_each(|arg| self.visit_expr(arg));
            }
            Expr::Match(it) => {
                self.place(&it.expr);
                it.arms.iter().for_each(|arm| self.visit_arm(arm));
            }
            Expr::Let(it) => self.place(&it.expr),
            Expr::Return(_) | Expr::Try(_) | Expr::Await(_) | Expr::Yield(_) => {
                self.leaves |= self.closures == 0;
                visit::visit_expr(self, e);
            }
            Expr::Break(it) => {
                self.leave(true, it.label.as_ref(), it.expr.is_some());
                visit::visit_expr(self, e);
            }
            Expr::Continue(it) => self.leave(false, it.label.as_ref(), false),
            Expr::Loop(it) => self.in_loop(it.label.as_ref(), |this| this.visit_block(&it.body)),
            Expr::While(it) => self.in_loop(it.label.as_ref(), |this| {
                this.visit_expr(&it.cond);
                this.visit_block(&it.body);
            }),
            Expr::ForLoop(it) => {
                self.visit_expr(&it.expr);
                self.in_loop(it.label.as_ref(), |this| this.visit_block(&it.body));
            }
            Expr::Block(it) => {
                self.labels.extend(it.label.as_ref().map(|label| label.name.clone()));
                self.visit_block(&it.block);
            }
            Expr::Closure(it) => {
                self.closures += 1;
                self.visit_expr(&it.body);
                self.closures -= 1;
            }
            Expr::Async(it) => {
                self.closures += 1;
                self.visit_block(&it.block);
                self.closures -= 1;
            }
            Expr::Verbatim(_) => self.leaves = true,
            e => visit::visit_expr(self, e),
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            // A pattern may take the value apart, or only look at it.
            match &local.pat {
                syn::Pat::Ident(it) if it.by_ref.is_none() => self.visit_expr(&init.expr),
                _ => self.place(&init.expr),
            }
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if HintKind::of(mac).is_some() {
            return;
        }
        match std_macros::args(mac) {
            Some(args) if is_expression_macro(mac) => {
                for (number, arg) in args.exprs.iter().enumerate() {
                    let name = syntax::macro_name(mac);
                    let by_value = matches!(name.as_str(), "vec" | "dbg");
                    if number == 0 && name.starts_with("write") {
                        self.change(arg);
                    }
                    match by_value {
                        true => Seen::visit_expr(self, &arg.clone()),
                        false => self.place(&arg.clone()),
                    }
                }
            }
            _ if is_expression_macro(mac) => {
                let mut named = Default::default();
                syntax::mentioned(mac.tokens.clone(), &mut named);
                self.changed.extend(named.into_keys());
            }
            _ => self.unknown_macro(mac),
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Methods that use their receiver up, by the names that std gives them.
fn consumes(method: &str) -> bool {
    const OF_OPTION_AND_RESULT: [&str; 27] = [
        "unwrap",
        "unwrap_or",
        "unwrap_or_else",
        "unwrap_or_default",
        "unwrap_err",
        "expect",
        "expect_err",
        "map",
        "map_err",
        "map_or",
        "map_or_else",
        "and",
        "and_then",
        "or",
        "or_else",
        "xor",
        "ok",
        "err",
        "ok_or",
        "ok_or_else",
        "filter",
        "zip",
        "flatten",
        "is_some_and",
        "is_none_or",
        "is_ok_and",
        "is_err_and",
    ];
    method.starts_with("into_") || OF_OPTION_AND_RESULT.contains(&method)
}
