//! Closures.
//!
//! - A closure in a `let` that is only called is inlined at each call, as a block.
//! - A closure among the arguments of a call becomes a closure over traced values, if the callee takes
//!   such ones; else the whole call is run as it is written ([`super::degrade`]).
//! - A closure that is used in any other way is a plain value. If it borrows locals, the rest of the
//!   block around it is run as it is written, for the twin's locals are no plain ones.

use super::degrade::Seen;
use super::{Lowerer, Return, start};
use crate::scope;
use crate::syntax::{self, is_constant_name};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::BTreeSet;
use std::rc::Rc;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprClosure, Pat, ReturnType, Stmt, Type, parse_quote};

/// What a local that is a closure stands for.
#[derive(Clone)]
pub enum ClosureVar {
    /// A parameter: a closure over traced values.
    Param,
    /// The author's closure, to be inlined.
    Inline(Rc<ExprClosure>),
}

impl Lowerer {
    /// Declares a local that is a closure.
    pub fn declare_closure(&mut self, name: &Ident, what: ClosureVar) {
        self.closures.push((name.to_string(), Some(what)));
    }

    pub(super) fn closure_of(&self, e: &Expr) -> Option<ClosureVar> {
        self.closure_named(&scope::as_ident(e)?.to_string())
    }

    fn closure_named(&self, name: &str) -> Option<ClosureVar> {
        let mut newest_first = self.closures.iter().rev();
        newest_first.find(|(known, _)| name == known)?.1.clone()
    }

    /// Whether a closure may capture something.
    fn captures(&self, c: &ExprClosure) -> bool {
        let bound: Vec<_> = c.inputs.iter().flat_map(scope::bindings).map(|it| it.ident).collect();
        let mut named = Default::default();
        syntax::mentioned(c.body.to_token_stream(), &mut named);
        named.keys().any(|name| {
            (self.is_local(name) || name == "self") && !bound.iter().any(|param| param == name)
        })
    }

    /// A closure as a value.
    pub(super) fn closure_value(&mut self, c: &ExprClosure, e: &Expr) -> TokenStream {
        match (self.captures(c), c.capture) {
            (false, _) => quote!(__p::Traced::constant(#c)),
            (true, Some(_)) => self.unsupported(e, "a closure as a value"),
            (true, None) => {
                let junk = self.unsupported(e, "a closure that borrows, as a value");
                if let Some(why) = &mut self.unsupported {
                    why.whole_block = true;
                }
                junk
            }
        }
    }

    /// `let name = closure` of one that is only called, in `rest`.
    pub(super) fn inline_closure<'a>(
        &self,
        stmt: &'a Stmt,
        rest: &[Stmt],
    ) -> Option<(&'a Ident, &'a ExprClosure)> {
        let Stmt::Local(local) = stmt else { return None };
        let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) else { return None };
        let Expr::Closure(closure) = &*init.expr else { return None };
        if init.diverge.is_some() || name.by_ref.is_some() || name.subpat.is_some() {
            return None;
        }
        let mut uses =
            Uses { name: &name.ident, bound: BTreeSet::new(), otherwise: false, is_param: false };
        rest.iter().for_each(|stmt| uses.visit_stmt(stmt));
        let mut captured = Default::default();
        syntax::mentioned(closure.body.to_token_stream(), &mut captured);
        let hidden = captured.keys().any(|name| uses.bound.contains(name));
        let block: Expr = parse_quote!({ #(#rest)* });
        let after = Seen::of(&block);
        let moved = closure.capture.is_some() && captured.keys().any(|name| after.changes(name));
        (!uses.otherwise && !hidden && !moved).then_some((&name.ident, closure))
    }

    /// A call of a local that is a closure.
    pub(super) fn call_of_closure(&mut self, what: &ClosureVar, c: &syn::ExprCall) -> TokenStream {
        let args: Vec<_> = c.args.iter().map(|arg| self.value(arg)).collect();
        let closure = match what {
            ClosureVar::Param => {
                let func = &c.func;
                let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__arg{i}")).collect();
                return quote!({ let (#(#names,)*) = (#(#args,)*); (#func)(__rec, #(__p::coerce(__rec, #names)),*) });
            }
            ClosureVar::Inline(closure) => closure.clone(),
        };
        let span = start(c);
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__arg{i}")).collect();
        let label = self.label();
        let depth = self.closure_depth;
        if depth > 8 {
            return self.unsupported(c, "a closure that calls closures so deeply");
        }
        self.closure_depth += 1;
        let ret = std::mem::replace(&mut self.ret, Return::Block(label.clone()));
        let body = self.closure_body(&closure, |cx| {
            names.iter().for_each(|name| cx.declare(name));
            let params = closure.inputs.iter().zip(&names);
            params.map(|(pat, name)| cx.parameter(name, pat)).collect()
        });
        self.ret = ret;
        self.closure_depth = depth;
        let ty = match &closure.output {
            ReturnType::Default => quote!(_),
            ReturnType::Type(_, ty) => quote!(__p::Traced<#ty>),
        };
        quote_spanned!(span=> {
            let (#(mut #names,)*) = (#(#args,)*);
            let __result: #ty = #label: { #body };
            __result
        })
    }

    /// Parameters and body of a closure.
    fn closure_body(
        &mut self,
        closure: &ExprClosure,
        params: impl FnOnce(&mut Lowerer) -> Vec<TokenStream>,
    ) -> TokenStream {
        let output = match &closure.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some((**ty).clone()),
        };
        let output = std::mem::replace(&mut self.output, output);
        let around = std::mem::take(&mut self.around);
        let outer = std::mem::take(&mut self.temps);
        let lowered = self.scoped(|cx| {
            let params = params(cx);
            let param_temps = std::mem::take(&mut cx.temps);
            let body = cx.value(&closure.body);
            let temps = std::mem::take(&mut cx.temps);
            quote!(#(let mut #param_temps;)* #(#params)* #(let mut #temps;)* #body)
        });
        self.temps = outer;
        self.around = around;
        self.output = output;
        lowered
    }

    /// A closure over traced values.
    pub fn traced_closure(&mut self, closure: &ExprClosure) -> TokenStream {
        let ret = std::mem::replace(&mut self.ret, Return::Helper);
        let mut inputs = Vec::new();
        let mut opened: Vec<(Ident, Pat)> = Vec::new();
        for (number, input) in closure.inputs.iter().enumerate() {
            let (pat, ty) = match input {
                Pat::Type(typed) => (&*typed.pat, Some(&typed.ty)),
                pat => (pat, None),
            };
            let name = match pat {
                Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                    pat.ident.clone()
                }
                pat => {
                    let name = format_ident!("__p{number}");
                    opened.push((name.clone(), pat.clone()));
                    name
                }
            };
            inputs.push((name, ty));
        }
        let body = self.closure_body(closure, |cx| {
            inputs.iter().for_each(|(name, _)| cx.declare(name));
            opened.iter().map(|(name, pat)| cx.parameter(name, pat)).collect()
        });
        self.ret = ret;
        let inputs = inputs.iter().map(|(name, ty)| match ty {
            Some(ty) => quote!(mut #name: __p::Traced<#ty>),
            None => quote!(mut #name),
        });
        let output = match &closure.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(quote!(-> __p::Traced<#ty>)),
        };
        quote!(|__rec: __p::Rec, #(#inputs),*| #output { #body })
    }

    /// A function's call with closures among its arguments, or functions of std that can be handed over as
    /// such.
    pub(super) fn call_with_closures(&mut self, c: &syn::ExprCall) -> TokenStream {
        let Expr::Path(callee) = &*c.func else {
            return self.unsupported(c, "a call of a computed function");
        };
        // Without a closure it is like any other call, if the callee does not take one.
        let as_call = (!c.args.iter().any(|arg| closure_arg(arg).is_some()))
            .then(|| self.plain_args_call(c, callee));
        let mut parts = self.call_parts(&c.args, Some(callee));
        let mut plain = c.clone();
        plain.args = parts.plain.iter().cloned().collect();
        let name = callee.path.segments.last().expect("a path").ident.to_string();
        let (scope, takes, with) =
            match callee.qself.is_some() || super::call::is_associated(&callee.path) {
                false => {
                    let token = super::call::token_of(&callee.path);
                    (TokenStream::new(), quote!(#token.__jit_takes()), quote!(#token.__jit_with))
                }
                true => {
                    let ty = super::call::type_of(callee);
                    let (takes, with) =
                        (format_ident!("__jit_takes_{name}"), format_ident!("__jit_with_{name}"));
                    let scope = quote! {
                        #[allow(dead_code)]
                        trait __NoTwin {
                            fn #takes() -> __p::closure::No { __p::closure::No }
                            fn #with<__A, __R>(_: __p::Rec, _: __A) -> __p::Traced<__R> {
                                __p::closure::not_taken()
                            }
                        }
                        impl<__T: ?Sized> __NoTwin for __T {}
                    };
                    (scope, quote!(<#ty>::#takes()), quote!(<#ty>::#with))
                }
            };
        if let Some(as_call) = as_call {
            let (before, traced) = (&parts.before, &parts.traced);
            return quote_spanned!(start(c)=> {
                #scope
                if __p::closure::takes(|| #takes) {
                    #(#before)*
                    #with(__rec, (#(#traced,)*))
                } else {
                    #as_call
                }
            });
        }
        let otherwise = self.plain_call(&Expr::Call(plain), &mut parts, &takes);
        let (before, traced) = (&parts.before, &parts.traced);
        quote_spanned!(start(c)=> {
            #scope
            #(#before)*
            if __p::closure::takes(|| #takes) {
                #with(__rec, (#(#traced,)*))
            } else {
                #otherwise
            }
        })
    }

    /// A method's call with closures among its arguments.
    pub(super) fn method_with_closures(&mut self, m: &syn::ExprMethodCall) -> TokenStream {
        let name = m.method.to_string();
        if ONLY_PLAIN.contains(&name.as_str()) {
            return self.unsupported(m, &format!("`{name}` with a closure"));
        }
        if m.args.iter().any(|arg| self.is_function_path(arg)) {
            return self.unsupported(m, "a call with a closure and a function");
        }
        let mut plain = m.clone();
        let mut receiver = None;
        if !is_place(&m.receiver) || self.is_closed(&m.receiver) {
            let value = self.value(&m.receiver);
            let temp = self.temp();
            plain.receiver = Box::new(parse_quote!(#temp));
            receiver = Some((temp, value));
        }
        let place = match &receiver {
            Some((temp, _)) => quote!(__p::Local::as_place(__p::closure::shared(&raw const #temp))),
            None => self.receiver(&m.receiver),
        };
        let mut parts = self.call_parts(&m.args, None);
        plain.args = parts.plain.iter().cloned().collect();
        if let Some((temp, value)) = receiver {
            parts.before.insert(0, quote!(#temp = #value;));
            parts.hoisted.insert(0, (temp.clone(), quote!(#temp.take())));
        }
        self.with_closures.insert(name.clone());
        let promote = match PROMOTED.contains(&name.as_str()) {
            true => quote!(__p::closure::promoter(__this, |__place| {
                __p::pattern::Variant::of(&__place).promote(
                    __rec,
                    &mut __p::pattern::Seen::default(),
                    0,
                )
            })),
            false => quote!(()),
        };
        let (takes, with) =
            (format_ident!("__jit_takes_{name}"), format_ident!("__jit_with_{name}"));
        let ask = quote!(__p::Peel::of(&#place).peel(__rec).known().probe().#takes());
        let otherwise = self.plain_call(&Expr::MethodCall(plain), &mut parts, &ask);
        let (before, traced) = (&parts.before, &parts.traced);
        quote_spanned!(start(m)=> {
            #(#before)*
            if __p::closure::takes(|| #ask) {
                let __this = __p::Peel::of(&#place).peel(__rec).known();
                __this.probe().#with(__rec, __this, #promote, (#(#traced,)*))
            } else {
                #otherwise
            }
        })
    }

    /// Whether an argument names a function: by the naming convention.
    pub(super) fn is_function_path(&self, arg: &Expr) -> bool {
        let Expr::Path(path) = arg else { return false };
        let last = path.path.segments.last().expect("a path has segments");
        self.local_of(arg).is_none()
            && self.closure_of(arg).is_none()
            && !is_constant_name(&last.ident)
    }

    /// The call of a combinator with closures in the place of functions and constructors that are
    /// named: `map(f)` is `map(|x| f(x))`. None if there are no such.
    pub(super) fn with_functions_as_closures(
        &self,
        m: &syn::ExprMethodCall,
    ) -> Option<syn::ExprMethodCall> {
        let n_args = TAKE_FUNCTIONS.iter().find(|(name, _)| m.method == name)?.1;
        let is_function = |(number, arg): (usize, &Expr)| {
            number + n_args.len() >= m.args.len() && self.is_callable_path(arg)
        };
        if m.args.len() < n_args.len() || !m.args.iter().enumerate().any(is_function) {
            return None;
        }
        let mut all = m.clone();
        let first = all.args.len() - n_args.len();
        for (arg, &n) in all.args.iter_mut().skip(first).zip(n_args) {
            if !self.is_callable_path(arg) {
                continue;
            }
            let names: Vec<_> = (0..n).map(|number| format_ident!("__x{number}")).collect();
            *arg = parse_quote!(|#(#names),*| #arg(#(#names),*));
        }
        Some(all)
    }

    /// Whether an argument names a function, a closure that was handed in, or a tuple struct or variant.
    pub(super) fn is_callable_path(&self, arg: &Expr) -> bool {
        let Expr::Path(path) = arg else { return false };
        if matches!(self.closure_of(arg), Some(ClosureVar::Param)) {
            return true;
        }
        let last = path.path.segments.last().expect("a path has segments").ident.to_string();
        let shouts = last.len() > 1 && !last.contains(char::is_lowercase);
        self.local_of(arg).is_none() && self.closure_of(arg).is_none() && !shouts
    }

    /// Whether something is named that is a closure over traced values.
    pub(super) fn names_traced_closure(&self, e: &Expr) -> bool {
        let mut named = Default::default();
        syntax::mentioned(e.to_token_stream(), &mut named);
        named.keys().any(|name| matches!(self.closure_named(name), Some(ClosureVar::Param)))
    }

    /// The call as it is written. `ask` is what asks the callee: it must take closures over traced values if one
    /// of these names such a closure.
    fn plain_call(&mut self, e: &Expr, parts: &mut CallParts, ask: &TokenStream) -> TokenStream {
        if self.names_traced_closure(e) {
            return quote!(__p::closure::must_take(|| #ask));
        }
        let why = super::degrade::Unsupported {
            span: syn::spanned::Spanned::span(e),
            what: String::from("a call with a closure"),
            whole_block: false,
        };
        let hoisted = std::mem::take(&mut parts.hoisted);
        self.degraded_with(e, &hoisted, &why)
    }

    fn temp(&mut self) -> Ident {
        let temp = format_ident!("__temp{}", self.n_temps);
        self.n_temps += 1;
        self.temps.push(temp.clone());
        temp
    }

    fn call_parts(
        &mut self,
        args: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
        callee: Option<&syn::ExprPath>,
    ) -> CallParts {
        let callee = callee.filter(|callee| super::call::is_free(callee));
        let mut parts = CallParts::default();
        for (number, arg) in args.iter().enumerate() {
            let named = super::std_call::as_closure(arg);
            if let Some(closure) = closure_arg(arg).or(named.as_ref()) {
                parts.traced.push(self.traced_closure(closure));
                parts.plain.push(arg.clone());
                continue;
            }
            if let Some(callee) = callee.filter(|_| self.is_function_path(arg)) {
                let pointer = named_function(callee, number, arg);
                let token = super::call::token_of(&callee.path);
                let through = format_ident!("__jit_through{number}");
                parts.traced.push(quote!({
                    use __p::pointer::NamedFunction as _;
                    #token.#through(#pointer)
                }));
                parts.plain.push(arg.clone());
                continue;
            }
            let value = self.value(arg);
            if self.is_closed(arg) {
                parts.traced.push(value);
                parts.plain.push(arg.clone());
                continue;
            }
            let temp = self.temp();
            parts.before.push(quote!(#temp = #value;));
            parts.hoisted.push((temp.clone(), quote!(#temp.take())));
            parts.traced.push(quote!(#temp.take()));
            parts.plain.push(parse_quote!(#temp));
        }
        parts
    }
}

/// The arguments of a call, for both ways.
#[derive(Default)]
struct CallParts {
    /// Values that both ways use.
    before: Vec<TokenStream>,
    hoisted: Vec<(Ident, TokenStream)>,
    traced: Vec<TokenStream>,
    plain: Vec<Expr>,
}

/// Methods whose twins ask for the variant of the receiver.
const PROMOTED: &[&str] = &[
    "map",
    "and_then",
    "filter",
    "ok_or_else",
    "unwrap_or_else",
    "map_or",
    "map_or_else",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
    "or_else",
    "map_err",
];

/// Combinators that ask a function which may be a parameter.
const ASK: &[&str] = &["is_some_and", "is_none_or", "is_ok_and"];

/// Combinators whose last arguments are functions, with how many arguments these take.
const TAKE_FUNCTIONS: &[(&str, &[usize])] = &[
    ("map", &[1]),
    ("and_then", &[1]),
    ("filter", &[1]),
    ("is_some_and", &[1]),
    ("is_none_or", &[1]),
    ("is_ok_and", &[1]),
    ("map_err", &[1]),
    ("map_or", &[1]),
    ("ok_or_else", &[0]),
];

/// Methods of std that take closures and have no twin.
const ONLY_PLAIN: &[&str] = &[
    "retain",
    "retain_mut",
    "sort_by",
    "sort_by_key",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "sort_by_cached_key",
    "dedup_by",
    "dedup_by_key",
    "for_each",
    "position",
    "rposition",
    "any",
    "all",
    "find",
    "find_map",
    "fold",
    "try_fold",
    "reduce",
    "fill_with",
    "resize_with",
    "get_or_insert_with",
    "or_insert_with",
    "and_modify",
    "with",
    "with_borrow",
    "with_borrow_mut",
    "binary_search_by",
    "binary_search_by_key",
    "partition_point",
    "take_while",
    "skip_while",
    "map_while",
    "filter_map",
    "flat_map",
    "inspect",
    "max_by",
    "max_by_key",
    "min_by",
    "min_by_key",
    "partition",
    "scan",
    "then_with",
    "split",
    "splitn",
    "rsplit",
    "trim_matches",
    "call_once",
    "get_or_init",
    "modify",
    "update",
    "unwrap_or_default",
];

/// Methods that start an iteration.
const ITERATES: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "chars",
    "bytes",
    "char_indices",
    "lines",
    "drain",
    "windows",
    "chunks",
    "chunks_exact",
    "keys",
    "values",
    "values_mut",
    "into_keys",
    "into_values",
    "split",
    "split_whitespace",
    "rev",
    "enumerate",
    "zip",
];

/// Whether a method takes a function by its name, and is called on an iterator: `values.into_iter().map(f)`.
fn maps_items(m: &syn::ExprMethodCall) -> bool {
    let Expr::MethodCall(items) = &*m.receiver else { return false };
    ITERATES.iter().any(|name| items.method == name)
        && TAKE_FUNCTIONS.iter().any(|(name, _)| m.method == name)
        && m.args.iter().all(|arg| matches!(arg, Expr::Path(_)))
}

/// Whether an expression is a chain of methods on an iterator, with closures.
pub(super) fn is_lazy_chain(e: &Expr) -> bool {
    let (mut iterates, mut closures) = (false, false);
    let mut at = e;
    loop {
        match at {
            Expr::MethodCall(m) => {
                iterates |= ITERATES.contains(&m.method.to_string().as_str());
                closures |= m.args.iter().any(|arg| closure_arg(arg).is_some()) || maps_items(m);
                at = &m.receiver;
            }
            Expr::Paren(it) => at = &it.expr,
            Expr::Group(it) => at = &it.expr,
            Expr::Range(_) => return closures,
            _ => return iterates && closures,
        }
    }
}

/// An argument that is a function, as the callee wants it: as a pointer to it, if it takes one.
pub(super) fn named_function(callee: &syn::ExprPath, number: usize, arg: &Expr) -> TokenStream {
    let (token, as_pointer) =
        (super::call::token_of(&callee.path), format_ident!("__jit_arg{number}"));
    quote!({ use __p::pointer::NamedFunction as _; #token.#as_pointer(#arg) })
}

/// The closure that an argument is, perhaps by reference.
pub(super) fn closure_arg(e: &Expr) -> Option<&ExprClosure> {
    match e {
        Expr::Closure(it) => Some(it),
        Expr::Reference(it) => closure_arg(&it.expr),
        Expr::Paren(it) => closure_arg(&it.expr),
        Expr::Group(it) => closure_arg(&it.expr),
        _ => None,
    }
}

fn is_place(e: &Expr) -> bool {
    match e {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(it) => matches!(it.op, syn::UnOp::Deref(_)),
        Expr::Paren(it) => is_place(&it.expr),
        Expr::Group(it) => is_place(&it.expr),
        _ => false,
    }
}

/// How a name is used.
struct Uses<'a> {
    name: &'a Ident,
    /// Names that are bound there.
    bound: BTreeSet<String>,
    /// It is used otherwise than by a call.
    otherwise: bool,
    /// It is a parameter.
    is_param: bool,
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_expr_method_call(&mut self, m: &'ast syn::ExprMethodCall) {
        self.visit_expr(&m.receiver);
        // These call it, once.
        let calls = self.is_param && ASK.iter().any(|name| m.method == name);
        let others = m.args.iter().filter(|arg| !calls || scope::as_ident(arg) != Some(self.name));
        others.for_each(|arg| self.visit_expr(arg));
    }

    fn visit_expr_call(&mut self, c: &'ast syn::ExprCall) {
        if scope::as_ident(&c.func) != Some(self.name) {
            self.visit_expr(&c.func);
        }
        c.args.iter().for_each(|arg| self.visit_expr(arg));
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.otherwise |= path.path.is_ident(self.name);
    }

    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        self.bound.insert(pat.ident.to_string());
        // A second variable of the name would hide it.
        self.otherwise |= pat.ident == *self.name;
        visit::visit_pat_ident(self, pat);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if let Some(args) = crate::parse::std_macros::args(mac) {
            args.exprs.iter().for_each(|arg| Uses::visit_expr(self, &arg.clone()));
            return;
        }
        let mut named = Default::default();
        syntax::mentioned(mac.tokens.clone(), &mut named);
        self.otherwise |= named.contains_key(&self.name.to_string());
    }
}

/// Whether a function only calls what a parameter is.
pub fn only_called(name: &Ident, block: &Block) -> bool {
    let mut uses = Uses { name, bound: BTreeSet::new(), otherwise: false, is_param: true };
    uses.visit_block(block);
    !uses.otherwise
}

/// The signature of a closure that a parameter takes.
pub struct FnBound {
    /// The types of its arguments.
    pub inputs: Vec<Type>,
    /// The type of its result.
    pub output: Type,
    /// The type parameter that the parameter's type is.
    pub param: Option<Ident>,
    /// It is a function pointer.
    pub is_pointer: bool,
}

/// What closure a parameter of this type takes: `impl Fn(A) -> R`, `F` that is one, `&dyn Fn(A) -> R`,
/// `fn(A) -> R`.
pub fn fn_bound(ty: &Type, generics: &syn::Generics) -> Option<FnBound> {
    match ty {
        Type::Reference(it) => fn_bound(&it.elem, generics),
        Type::Paren(it) => fn_bound(&it.elem, generics),
        Type::Group(it) => fn_bound(&it.elem, generics),
        Type::FnPtr(it) if it.unsafety.is_none() && it.variadic.is_none() => Some(FnBound {
            inputs: it.inputs.iter().map(|input| input.ty.clone()).collect(),
            output: output_of(&it.output),
            param: None,
            is_pointer: true,
        }),
        Type::ImplTrait(it) => it.bounds.iter().find_map(|bound| of_bound(bound, None)),
        Type::TraitObject(it) => it.bounds.iter().find_map(|bound| of_bound(bound, None)),
        Type::Path(it) => {
            let name = it.path.get_ident()?;
            let param = generics.type_params().find(|param| param.ident == *name)?;
            let found = param.bounds.iter().find_map(|bound| of_bound(bound, Some(name)));
            found.or_else(|| {
                let clause = generics.where_clause.as_ref()?;
                clause.predicates.iter().find_map(|predicate| match predicate {
                    syn::WherePredicate::Type(it) if is_named(&it.bounded_ty, name) => {
                        it.bounds.iter().find_map(|bound| of_bound(bound, Some(name)))
                    }
                    _ => None,
                })
            })
        }
        _ => None,
    }
}

fn output_of(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

fn is_named(ty: &Type, name: &Ident) -> bool {
    matches!(ty, Type::Path(it) if it.path.is_ident(name))
}

fn of_bound(bound: &syn::TypeParamBound, param: Option<&Ident>) -> Option<FnBound> {
    let syn::TypeParamBound::Trait(it) = bound else { return None };
    let last = it.path.segments.last()?;
    if !["Fn", "FnMut", "FnOnce"].contains(&last.ident.to_string().as_str()) {
        return None;
    }
    let syn::PathArguments::Parenthesized(args) = &last.arguments else { return None };
    Some(FnBound {
        inputs: args.inputs.iter().map(|input| parse_quote!(#input)).collect(),
        output: output_of(&args.output),
        param: param.cloned(),
        is_pointer: false,
    })
}
