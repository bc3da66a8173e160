//! Lowering: an author's expression to the expression of its twin.
//!
//! Every expression has two lowerings. As a *value* it becomes an expression of type `Traced<T>`; as
//! a *place* (left of `=`, under `&`, before `.` and `[`) it becomes one of type `Place<T>`. Neither
//! needs types: what depends on them is left to traits and to method resolution in `plumbing`.
//!
//! What cannot be lowered is an error at its token that says what to do. All errors of a function
//! are collected.

mod merge_point;

pub use merge_point::green_name;

use crate::parse::{self, Hint};
use crate::syntax;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::{BTreeMap, BTreeSet};
use syn::spanned::Spanned;
use syn::{
    BinOp, Block, Expr, ExprMacro, Lit, Local, Macro, Member, Pat, Path, RangeLimits, Stmt, UnOp,
};

/// How `return` and the tail of the body leave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// A helper function: a traced value.
    Helper,
    /// A portal whose result can be traced.
    Portal,
    /// A portal whose result cannot: the twin goes on with plain values.
    UntracedPortal,
}

/// Lowers one function body.
pub struct Lowerer {
    scopes: Vec<BTreeSet<String>>,
    ret: Return,
    /// Names of methods that the body calls.
    pub methods: BTreeSet<String>,
    /// Temporaries of the statement at hand.
    temps: Vec<Ident>,
    n_temps: usize,
    errors: Option<syn::Error>,
    /// What the frontend does not take.
    unsupported: Option<syn::Error>,
    /// The merge point's greens and reds.
    hint: Option<Hint>,
    /// The merge point has no `can_enter_jit!`.
    pub is_alone: bool,
    /// Names of greens and reds whose variables are `mut` and traceable by value: they may come to
    /// hold another reference.
    pub reassigned: BTreeSet<String>,
}

/// A name of the generated code, at the author's place.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Where an expression starts, for errors in it.
fn start(e: &impl Spanned) -> Span {
    at(e.span())
}

/// `receiver.method(args)`, of which a panic names the place `span`.
///
/// The place of a panic is that of the method's name and parentheses, so these alone are given the
/// author's span; names that the generated code defines must be resolved as its own.
fn call_at(span: Span, receiver: TokenStream, method: &str, args: TokenStream) -> TokenStream {
    let method = Ident::new(method, span);
    let mut args = Group::new(Delimiter::Parenthesis, args);
    args.set_span(span);
    quote!((#receiver).#method #args)
}

fn unit() -> TokenStream {
    quote!(__p::Traced::constant(()))
}

/// Why a function has no twin.
pub enum NoTwin {
    /// The author's mistakes.
    Mistakes(syn::Error),
    /// Constructs that the frontend does not take: the function can still be called.
    Unsupported(syn::Error),
}

impl From<syn::Error> for NoTwin {
    fn from(error: syn::Error) -> NoTwin {
        NoTwin::Mistakes(error)
    }
}

impl From<NoTwin> for syn::Error {
    fn from(reason: NoTwin) -> syn::Error {
        match reason {
            NoTwin::Mistakes(error) | NoTwin::Unsupported(error) => error,
        }
    }
}

fn combine(errors: &mut Option<syn::Error>, error: syn::Error) {
    match errors {
        Some(errors) => errors.combine(error),
        none => *none = Some(error),
    }
}

impl Lowerer {
    /// A lowerer for a body in which these names are locals.
    pub fn new(
        ret: Return,
        locals: impl IntoIterator<Item = String>,
        hint: Option<Hint>,
    ) -> Lowerer {
        Lowerer {
            scopes: vec![locals.into_iter().collect()],
            ret,
            methods: BTreeSet::new(),
            temps: Vec::new(),
            n_temps: 0,
            errors: None,
            unsupported: None,
            hint,
            is_alone: false,
            reassigned: BTreeSet::new(),
        }
    }

    /// What a function that executes one instruction returns to be called again.
    pub fn again(&self) -> Option<syn::Expr> {
        Some(self.hint.as_ref()?.again.as_ref()?.1.clone())
    }

    /// The names of the methods called, or why there is no twin.
    pub fn finish(self) -> Result<BTreeSet<String>, NoTwin> {
        match (self.errors, self.unsupported) {
            (Some(errors), _) => Err(NoTwin::Mistakes(errors)),
            (None, Some(errors)) => Err(NoTwin::Unsupported(errors)),
            (None, None) => Ok(self.methods),
        }
    }

    fn unsupported(&mut self, at: &impl Spanned, what: &str) -> TokenStream {
        let message = format!(
            "{what} cannot be traced yet; put it into a function of its own without `#[jit]`, which is then called"
        );
        combine(&mut self.unsupported, syn::Error::new(at.span(), message));
        quote!(::core::unreachable!())
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn declare(&mut self, name: &Ident) {
        self.scopes.last_mut().expect("a scope").insert(name.to_string());
    }

    fn scoped<R>(&mut self, f: impl FnOnce(&mut Lowerer) -> R) -> R {
        self.scopes.push(BTreeSet::new());
        let res = f(self);
        self.scopes.pop();
        res
    }

    /// The local that an expression names.
    fn local_of(&self, e: &Expr) -> Option<Ident> {
        match e {
            Expr::Paren(e) => self.local_of(&e.expr),
            Expr::Group(e) => self.local_of(&e.expr),
            Expr::Path(path) if path.qself.is_none() => {
                let ident = path.path.get_ident()?;
                if ident == "self" {
                    return Some(format_ident!("__self", span = ident.span()));
                }
                self.is_local(&ident.to_string()).then(|| ident.clone())
            }
            _ => None,
        }
    }

    /// An expression of constants only: the same in the twin as in the plain function.
    fn is_closed(&self, e: &Expr) -> bool {
        match e {
            Expr::Lit(_) => true,
            Expr::Path(_) => self.local_of(e).is_none(),
            Expr::Paren(e) => self.is_closed(&e.expr),
            Expr::Group(e) => self.is_closed(&e.expr),
            Expr::Unary(e) => !matches!(e.op, UnOp::Deref(_)) && self.is_closed(&e.expr),
            Expr::Cast(e) => self.is_closed(&e.expr),
            Expr::Binary(e) => {
                !is_assignment(&e.op) && self.is_closed(&e.left) && self.is_closed(&e.right)
            }
            _ => false,
        }
    }

    // ---- blocks and statements ----

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
                out.extend(cx.stmt(stmt, i + 1 == stmts.len()));
            }
            let ends_with_value = matches!(stmts.last(), Some(Stmt::Expr(_, None)))
                || matches!(stmts.last(), Some(Stmt::Macro(m)) if m.semi_token.is_none());
            if !ends_with_value && !stmts.last().is_some_and(stmt_diverges) {
                out.extend(unit());
            }
            out
        })
    }

    fn stmt(&mut self, stmt: &Stmt, last: bool) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let lowered = match stmt {
            Stmt::Item(item) => quote!(#item),
            Stmt::Local(local) => self.local(local),
            Stmt::Expr(e, None) if last => self.value(e),
            Stmt::Expr(e, _) => {
                let value = self.value(e);
                quote!(let _ = #value;)
            }
            Stmt::Macro(m) => {
                let value = self.macro_call(&m.mac, m);
                match m.semi_token {
                    None if last => value,
                    _ if macro_diverges(&m.mac) => quote!(#value;),
                    _ => quote!(let _ = #value;),
                }
            }
        };
        let temps = std::mem::replace(&mut self.temps, outer);
        match (temps.is_empty(), stmt) {
            (true, _) => lowered,
            // The temporaries of a `let` live as long as its block, those of others with the statement.
            (false, Stmt::Local(_)) => quote!(#(let mut #temps;)* #lowered),
            (false, Stmt::Expr(_, None)) if last => quote!({ #(let mut #temps;)* #lowered }),
            (false, _) => quote!({ #(let mut #temps;)* #lowered }),
        }
    }

    fn local(&mut self, local: &Local) -> TokenStream {
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
        let value = self.value(&init.expr);
        if let Pat::Ident(name) = pat
            && name.subpat.is_none()
            && name.by_ref.is_none()
            && !syntax::is_constant_name(&name.ident)
        {
            let ident = &name.ident;
            self.declare(ident);
            return quote!(let mut #ident #ty = #value;);
        }
        if matches!(pat, Pat::Wild(_)) {
            return quote!(let _ #ty = #value;);
        }
        let otherwise = init.diverge.as_ref().map(|(_, e)| {
            let otherwise = match &**e {
                Expr::Block(block) => self.block(&block.block),
                e => self.value(e),
            };
            quote!(else { #otherwise })
        });
        let pat = self.open_pattern(pat);
        match ty {
            Some(ty) => {
                quote!(let #pat = { let __v #ty = #value; __p::Open::open(__v) } #otherwise;)
            }
            None => quote!(let #pat = __p::Open::open(#value) #otherwise;),
        }
    }

    /// A pattern over opened values: one constructor or tuple around names and `_`.
    fn open_pattern(&mut self, pat: &Pat) -> TokenStream {
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

    fn open_leaf(&mut self, pat: &Pat) -> TokenStream {
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

    // ---- values ----

    /// An expression as a value: of type `Traced<T>`.
    pub fn value(&mut self, e: &Expr) -> TokenStream {
        if self.is_closed(e) {
            return self.constant(e);
        }
        let span = start(e);
        match e {
            Expr::Paren(e) => self.value(&e.expr),
            Expr::Group(e) => self.value(&e.expr),
            Expr::Path(_) => {
                let local = self.local_of(e).expect("a path that is not closed is a local");
                quote_spanned!(span=> #local.dup())
            }
            Expr::Binary(b) if is_assignment(&b.op) => self.compound(b),
            Expr::Binary(b) => self.binary(b),
            Expr::Unary(u) => match u.op {
                UnOp::Deref(_) => self.read_place(e),
                UnOp::Neg(_) => {
                    let value = self.value(&u.expr);
                    call_at(e.span(), value, "neg", quote!(__rec, __JIT_CHECKS))
                }
                _ => {
                    let value = self.value(&u.expr);
                    quote_spanned!(span=> __p::ops::Bits::not(__rec, #value))
                }
            },
            Expr::Cast(c) => {
                let (value, ty) = (self.value(&c.expr), &c.ty);
                quote_spanned!(span=> __p::ops::cast::<_, #ty>(__rec, #value))
            }
            Expr::Assign(a) => self.assign(&a.left, &a.right),
            Expr::Field(_) | Expr::Index(_) => self.read_place(e),
            Expr::Reference(r) => self.reference(&r.expr, r.mutability.is_some()),
            Expr::RawAddr(_) => self.unsupported(e, "a raw borrow"),
            Expr::Call(c) => self.call(c),
            Expr::MethodCall(m) => self.method_call(m),
            Expr::Macro(m) => self.macro_call(&m.mac, m),
            Expr::If(i) => self.if_expr(i),
            Expr::Match(m) => self.match_expr(m),
            Expr::While(w) => self.while_expr(w),
            Expr::Loop(l) => self.loop_expr(l),
            Expr::ForLoop(f) => self.for_loop(f),
            Expr::Block(b) => {
                let block = self.block(&b.block);
                let label = &b.label;
                quote!(#label #block)
            }
            Expr::Unsafe(u) => {
                let block = self.block(&u.block);
                quote!(unsafe #block)
            }
            Expr::Return(r) => self.return_expr(r.expr.as_deref(), e),
            Expr::Break(b) => {
                let label = &b.label;
                match &b.expr {
                    Some(value) => {
                        let value = self.value(value);
                        quote_spanned!(span=> break #label #value)
                    }
                    None => quote_spanned!(span=> break #label),
                }
            }
            Expr::Continue(c) => {
                let label = &c.label;
                quote_spanned!(span=> continue #label)
            }
            Expr::Tuple(t) => {
                let elems: Vec<_> = t.elems.iter().map(|e| self.value(e)).collect();
                match elems.is_empty() {
                    true => unit(),
                    false => quote!(__p::Parts::join((#(#elems,)*))),
                }
            }
            Expr::Closure(_) => self.unsupported(e, "a closure"),
            Expr::Struct(_) => self.unsupported(e, "a struct literal"),
            Expr::Array(_) | Expr::Repeat(_) => self.unsupported(e, "an array literal"),
            Expr::Try(_) => self.unsupported(e, "the operator `?`"),
            Expr::Range(_) => self.unsupported(e, "a range outside of `for`"),
            Expr::Let(_) => self.unsupported(e, "`let` in a larger condition"),
            _ => self.unsupported(e, "this expression"),
        }
    }

    fn constant(&mut self, e: &Expr) -> TokenStream {
        match e {
            Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_)) => {
                quote!(__p::Traced::frozen(#e))
            }
            _ => quote!(__p::Traced::constant(#e)),
        }
    }

    fn read_place(&mut self, e: &Expr) -> TokenStream {
        let place = self.place(e);
        quote!(#place.read(__rec))
    }

    fn binary(&mut self, b: &syn::ExprBinary) -> TokenStream {
        let left = self.value(&b.left);
        let span = start(b);
        if matches!(b.op, BinOp::And(_) | BinOp::Or(_)) {
            let right = self.value(&b.right);
            return match b.op {
                BinOp::And(_) => quote_spanned!(span=>
                    if __p::ops::branch(__rec, #left) { #right } else { __p::Traced::constant(false) }),
                _ => quote_spanned!(span=>
                    if __p::ops::branch(__rec, #left) { __p::Traced::constant(true) } else { #right }),
            };
        }
        let right = self.value(&b.right);
        match operator(&b.op) {
            Some(op) => op.apply(b, left, right),
            None => self.unsupported(&b.op, "this operator"),
        }
    }

    fn compound(&mut self, b: &syn::ExprBinary) -> TokenStream {
        let right = self.value(&b.right);
        let Some(op) = operator(&b.op) else { return self.unsupported(&b.op, "this operator") };
        if let Some(local) = self.local_of(&b.left) {
            let res = op.apply(b, quote!(#local.dup()), quote!(__right));
            return quote!({ let __right = #right; #local = #res; __p::Traced::constant(()) });
        }
        let place = self.place(&b.left);
        let res = op.apply(b, quote!(__place.read(__rec)), quote!(__right));
        quote!({
            let __right = #right;
            let __place = #place;
            let __res = #res;
            __place.write(__rec, __res);
            __p::Traced::constant(())
        })
    }

    fn assign(&mut self, left: &Expr, right: &Expr) -> TokenStream {
        let value = self.value(right);
        if matches!(left, Expr::Infer(_)) {
            return quote!({ let _ = #value; __p::Traced::constant(()) });
        }
        if matches!(left, Expr::Tuple(_)) {
            return self.unsupported(left, "assignment to a tuple");
        }
        if let Some(local) = self.local_of(left) {
            return quote!({ #local = #value; __p::Traced::constant(()) });
        }
        let place = self.place(left);
        quote!({
            let __value = #value;
            let __place = #place;
            __place.write(__rec, __value);
            __p::Traced::constant(())
        })
    }

    fn reference(&mut self, e: &Expr, mutable: bool) -> TokenStream {
        let place = match self.is_closed(e) {
            true => quote!(__p::Place::of_static(&#e)),
            false => self.place(e),
        };
        match mutable {
            true => quote!(#place.exclusive()),
            false => quote!(#place.shared()),
        }
    }

    fn return_expr(&mut self, value: Option<&Expr>, at_expr: &Expr) -> TokenStream {
        let span = start(at_expr);
        let returned = self.leaving(value);
        quote_spanned!(span=> return #returned)
    }

    /// What a function that returns `value` answers.
    pub fn leaving(&mut self, value: Option<&Expr>) -> TokenStream {
        let lowered = |cx: &mut Lowerer| value.map_or_else(unit, |e| cx.value(e));
        match self.ret {
            Return::Helper => lowered(self),
            Return::Portal => {
                let value = lowered(self);
                quote!(__p::returned(__rec, #value))
            }
            Return::UntracedPortal => {
                let value = value.map(|e| syntax::rename_self(e.to_token_stream()));
                let plain = value.as_ref().map(|e| self.plain_locals(e));
                quote!({ __p::leave(__rec); #plain __p::Ended::Returned({ #value }) })
            }
        }
    }

    /// `let x = plain value of x;` for every local that tokens mention.
    fn plain_locals(&self, tokens: &impl ToTokens) -> TokenStream {
        let mut names = BTreeMap::new();
        syntax::mentioned(tokens.to_token_stream(), &mut names);
        let locals: Vec<_> = names
            .into_iter()
            .filter(|(name, _)| self.is_local(name))
            .map(|(_, ident)| ident)
            .collect();
        quote!(#(#[allow(unused_mut, unused_variables)] let mut #locals = __p::ToPlain::to_plain(&#locals);)*)
    }

    /// What follows the loop of a portal, whose value is the portal's if there is nothing.
    pub fn rest_of_portal(&mut self, rest: &[Stmt], value_of_loop: bool) -> TokenStream {
        if value_of_loop {
            return quote!();
        }
        let Some((last, before)) = rest.split_last() else { return self.leaving(None) };
        let before = before.iter().map(|stmt| self.stmt(stmt, false)).collect::<TokenStream>();
        let last = match last {
            Stmt::Expr(e, None) => self.leaving(Some(e)),
            stmt => {
                let lowered = self.stmt(stmt, false);
                let leaving = (!stmt_diverges(stmt)).then(|| self.leaving(None));
                quote!(#lowered #leaving)
            }
        };
        quote!(#before #last)
    }

    // ---- places ----

    /// An expression as a place: of type `Place<T>`.
    fn place(&mut self, e: &Expr) -> TokenStream {
        if let Some(local) = self.local_of(e) {
            return quote!(__p::Local::as_place(&mut #local));
        }
        match e {
            Expr::Paren(e) => self.place(&e.expr),
            Expr::Group(e) => self.place(&e.expr),
            Expr::Path(_) => quote!(__p::Place::of_static(&#e)),
            Expr::Field(f) => {
                // A field is one of what is behind all references, and the second may be an `Rc`.
                let base = self.peeled(&f.base);
                let base = quote!(__p::Peel(#base).peel(__rec));
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
            _ => self.temporary(e),
        }
    }

    /// A value that is used as a place lives in a temporary until the end of the statement.
    fn temporary(&mut self, e: &Expr) -> TokenStream {
        let value = self.value(e);
        let temp = format_ident!("__temp{}", self.n_temps);
        self.n_temps += 1;
        self.temps.push(temp.clone());
        quote!({ #temp = #value; __p::Local::as_place(&mut #temp) })
    }

    /// The place behind a reference or box, as auto-deref finds it.
    fn peeled(&mut self, e: &Expr) -> TokenStream {
        let place = self.place(e);
        quote!(__p::Peel(#place).peel(__rec))
    }

    // ---- calls ----

    fn site(&self, name: &str, span: Span) -> TokenStream {
        let site = quote_spanned!(span=>
            ::core::concat!(::core::file!(), ":", ::core::line!(), ":", ::core::column!()));
        quote!({
            static __SITE: __p::CallSite = __p::CallSite { name: #name, site: #site, elidable: false };
            &__SITE
        })
    }

    fn call(&mut self, c: &syn::ExprCall) -> TokenStream {
        let Expr::Path(callee) = &*c.func else {
            return self.unsupported(&c.func, "a call of a computed function");
        };
        if self.local_of(&c.func).is_some() {
            return self.unsupported(&c.func, "a call of a closure or function pointer");
        }
        let args: Vec<_> = c.args.iter().map(|arg| self.value(arg)).collect();
        let last = callee.path.segments.last().expect("a path has segments");
        let name = last.ident.to_string();
        match (name.as_str(), &args[..]) {
            ("Some", [arg]) => return quote!(__p::Traced::some(#arg)),
            ("Ok", [arg]) => return quote!(__p::Traced::ok(#arg)),
            ("Err", [arg]) => return quote!(__p::Traced::err(#arg)),
            _ => {}
        }
        if args.len() > 8 {
            return self.unsupported(&c.args, "a call with more than eight arguments");
        }
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("function{}", args.len());
        let span = start(c);
        let site = self.site(&name, c.span());
        let func = &c.func;
        let (scope, token) = self.token(callee, &name);
        quote_spanned!(span=> {
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::call::#plain_fn(&__args, |#(#names),*| #func(#(#names),*));
            #scope
            __p::Callee::call(#token, __rec, #site, __args, __plain)
        })
    }

    /// The token of a called path, and items that must be in scope for it.
    fn token(&mut self, callee: &syn::ExprPath, name: &str) -> (TokenStream, TokenStream) {
        if callee.qself.is_some() || is_associated(&callee.path) {
            let twin = format_ident!("__jit_{name}");
            let ty = match &callee.qself {
                Some(qself) => qself.ty.to_token_stream(),
                None => {
                    let mut ty = callee.path.clone();
                    ty.segments.pop();
                    ty.segments.pop_punct();
                    ty.to_token_stream()
                }
            };
            let scope = quote! {
                #[allow(dead_code)]
                trait __NoTwin { fn #twin() -> __p::Residual { __p::Residual } }
                impl<__T: ?Sized> __NoTwin for __T {}
            };
            return (scope, quote!(<#ty>::#twin()));
        }
        let mut path = callee.path.clone();
        for segment in &mut path.segments {
            segment.arguments = syn::PathArguments::None;
        }
        (
            quote! {
                #[allow(unused_imports)]
                use __p::no_twin::*;
                #[allow(unused_imports)]
                use #path as __JitTwin;
            },
            quote!(__JitTwin::__jit()),
        )
    }

    fn method_call(&mut self, m: &syn::ExprMethodCall) -> TokenStream {
        if m.args.len() > 8 {
            return self.unsupported(&m.args, "a call with more than eight arguments");
        }
        let this = self.peeled(&m.receiver);
        let args: Vec<_> = m.args.iter().map(|arg| self.value(arg)).collect();
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("method{}", args.len());
        let (method, turbofish) = (&m.method, &m.turbofish);
        let name = method.to_string();
        self.methods.insert(name.clone());
        let twin = format_ident!("__jit_{name}", span = at(method.span()));
        let span = at(method.span());
        let site = self.site(&name, m.span());
        quote_spanned!(span=> {
            let __this = #this;
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::call::#plain_fn(
                &__this, &__args, |__target, #(#names),*| (**__target).#method #turbofish (#(#names),*));
            let __token = __this.probe().#twin();
            __p::Method::call(__token, __rec, #site, __this, __args, __plain)
        })
    }

    // ---- control flow ----

    fn condition(&mut self, e: &Expr) -> TokenStream {
        let span = start(e);
        let value = self.value(e);
        quote_spanned!(span=> __p::ops::branch(__rec, #value))
    }

    fn if_expr(&mut self, i: &syn::ExprIf) -> TokenStream {
        let otherwise = |cx: &mut Lowerer| match &i.else_branch {
            Some((_, e)) => cx.value(e),
            None => unit(),
        };
        if let Expr::Let(cond) = &*i.cond {
            let value = self.value(&cond.expr);
            let (pat, then) = self.scoped(|cx| {
                let pat = cx.open_pattern(&cond.pat);
                (pat, cx.block(&i.then_branch))
            });
            let otherwise = otherwise(self);
            return quote!(if let #pat = __p::Open::open(#value) #then else { #otherwise });
        }
        let cond = self.condition(&i.cond);
        let then = self.block(&i.then_branch);
        let otherwise = otherwise(self);
        quote!(if #cond #then else { #otherwise })
    }

    fn match_expr(&mut self, m: &syn::ExprMatch) -> TokenStream {
        let value = self.value(&m.expr);
        match m.arms.iter().all(|arm| is_scalar_pattern(split_guard(&arm.pat).0)) {
            true => self.scalar_match(m, value),
            false => self.open_match(m, value),
        }
    }

    fn scalar_match(&mut self, m: &syn::ExprMatch, value: TokenStream) -> TokenStream {
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
    fn arm_body(&mut self, body: &Expr) -> TokenStream {
        let outer = std::mem::take(&mut self.temps);
        let lowered = self.value(body);
        let temps = std::mem::replace(&mut self.temps, outer);
        quote!(#(let mut #temps;)* #lowered)
    }

    fn open_match(&mut self, m: &syn::ExprMatch, value: TokenStream) -> TokenStream {
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
        quote!(match __p::Open::open(#value) { #(#arms)* })
    }

    fn while_expr(&mut self, w: &syn::ExprWhile) -> TokenStream {
        let label = &w.label;
        if let Expr::Let(cond) = &*w.cond {
            let value = self.value(&cond.expr);
            return self.scoped(|cx| {
                let pat = cx.open_pattern(&cond.pat);
                let body = cx.block(&w.body);
                quote!({ #label while let #pat = __p::Open::open(#value) { let _ = #body; } __p::Traced::constant(()) })
            });
        }
        let cond = self.condition(&w.cond);
        let body = self.block(&w.body);
        quote!({ #label while #cond { let _ = #body; } __p::Traced::constant(()) })
    }

    fn loop_expr(&mut self, l: &syn::ExprLoop) -> TokenStream {
        let label = &l.label;
        let body = self.block(&l.body);
        let lowered = quote!(#label loop { let _ = #body; });
        match syntax::break_kind(&l.body, l.label.as_ref().map(|label| &label.name)) {
            syntax::BreakKind::Plain => quote!({ #lowered __p::Traced::constant(()) }),
            syntax::BreakKind::None | syntax::BreakKind::WithValue => lowered,
        }
    }

    fn for_loop(&mut self, f: &syn::ExprForLoop) -> TokenStream {
        let Some(range) = range_of(&f.expr) else {
            return self.unsupported(&f.expr, "`for` over something else than a range");
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
            let body = cx.block(&f.body);
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

    // ---- macros ----

    fn macro_call(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
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

    fn error_of(&mut self, error: syn::Error) -> TokenStream {
        combine(&mut self.errors, error);
        quote!(::core::unreachable!())
    }

    fn hint(&mut self, hint: &Hint) -> TokenStream {
        if hint.is_merge_point() {
            return self.merge_point(hint);
        }
        debug_assert!(self.hint.is_some(), "`can_enter_jit!` without a merge point is an error");
        quote!({
            __rec.can_enter_jit();
            __p::Traced::constant(())
        })
    }

    fn macro_args(&mut self, mac: &Macro) -> Vec<Expr> {
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
    fn assertion(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
        let args = self.macro_args(mac);
        let Some(cond) = args.first() else {
            return self.unsupported(at_mac, "an assertion without a condition");
        };
        let holds = self.condition(cond);
        self.fail_unless(mac, holds)
    }

    fn assertion_of_two(&mut self, mac: &Macro, name: &str) -> TokenStream {
        let args = self.macro_args(mac);
        let [left, right, ..] = &args[..] else {
            return self.unsupported(mac, "an assertion without two values");
        };
        let span = start(left);
        let (left, right) = (self.value(left), self.value(right));
        let compare = match name.ends_with("_eq") {
            true => quote!(eq),
            false => quote!(ne),
        };
        let holds = quote_spanned!(span=> __p::ops::branch(__rec, __p::ops::#compare(__rec, #left, #right)));
        self.fail_unless(mac, holds)
    }

    fn fail_unless(&mut self, mac: &Macro, holds: TokenStream) -> TokenStream {
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
    fn print(&mut self, mac: &Macro, at_mac: &impl Spanned) -> TokenStream {
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
            (#(#values,)* #(#captured.dup(),)*),
            |(#(#names,)* #(#captured,)*)| { #path!(#format, #(#names),*); },
        ))
    }
}

/// An operator of two operands that are always evaluated.
enum Operator {
    Arith(&'static str),
    Bits(&'static str),
    Shift(&'static str),
    Compare(&'static str),
}

impl Operator {
    fn apply(&self, e: &impl Spanned, a: TokenStream, b: TokenStream) -> TokenStream {
        match self {
            Operator::Arith(name) | Operator::Shift(name) => {
                call_at(e.span(), a, name, quote!(__rec, __JIT_CHECKS, #b))
            }
            Operator::Bits(name) => {
                let name = Ident::new(name, start(e));
                quote_spanned!(start(e)=> __p::ops::Bits::#name(__rec, #a, #b))
            }
            Operator::Compare(name) => {
                let name = Ident::new(name, start(e));
                quote_spanned!(start(e)=> __p::ops::#name(__rec, #a, #b))
            }
        }
    }
}

fn operator(op: &BinOp) -> Option<Operator> {
    Some(match op {
        BinOp::Add(_) | BinOp::AddAssign(_) => Operator::Arith("add"),
        BinOp::Sub(_) | BinOp::SubAssign(_) => Operator::Arith("sub"),
        BinOp::Mul(_) | BinOp::MulAssign(_) => Operator::Arith("mul"),
        BinOp::Div(_) | BinOp::DivAssign(_) => Operator::Arith("div"),
        BinOp::Rem(_) | BinOp::RemAssign(_) => Operator::Arith("rem"),
        BinOp::BitAnd(_) | BinOp::BitAndAssign(_) => Operator::Bits("and"),
        BinOp::BitOr(_) | BinOp::BitOrAssign(_) => Operator::Bits("or"),
        BinOp::BitXor(_) | BinOp::BitXorAssign(_) => Operator::Bits("xor"),
        BinOp::Shl(_) | BinOp::ShlAssign(_) => Operator::Shift("shl"),
        BinOp::Shr(_) | BinOp::ShrAssign(_) => Operator::Shift("shr"),
        BinOp::Eq(_) => Operator::Compare("eq"),
        BinOp::Ne(_) => Operator::Compare("ne"),
        BinOp::Lt(_) => Operator::Compare("lt"),
        BinOp::Le(_) => Operator::Compare("le"),
        BinOp::Gt(_) => Operator::Compare("gt"),
        BinOp::Ge(_) => Operator::Compare("ge"),
        _ => return None,
    })
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// `Type::function` rather than `module::function`: by the naming convention.
fn is_associated(path: &Path) -> bool {
    let n = path.segments.len();
    n >= 2 && path.segments[n - 2].ident.to_string().starts_with(|c: char| c.is_ascii_uppercase())
}

fn range_of(e: &Expr) -> Option<&syn::ExprRange> {
    match e {
        Expr::Paren(e) => range_of(&e.expr),
        Expr::Group(e) => range_of(&e.expr),
        Expr::Range(range) => Some(range),
        _ => None,
    }
}

/// A match arm's pattern and its `if`.
fn split_guard(pat: &Pat) -> (&Pat, Option<&Expr>) {
    match pat {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pat => (pat, None),
    }
}

/// A pattern over a number, `bool` or `char`: literals, constants, ranges, names, `_`.
fn is_scalar_pattern(pat: &Pat) -> bool {
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
fn scalar_ranges(pat: &Pat, ranges: &mut Vec<TokenStream>) {
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
fn scalar_pattern(pat: &Pat) -> (TokenStream, Option<Ident>) {
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

fn stmt_diverges(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(e, _) => diverges(e),
        Stmt::Macro(m) => macro_diverges(&m.mac),
        _ => false,
    }
}

fn macro_diverges(mac: &Macro) -> bool {
    let name = mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
    matches!(name.as_str(), "panic" | "unreachable" | "todo" | "unimplemented")
}

/// Whether rustc knows that control does not come out of this expression.
fn diverges(e: &Expr) -> bool {
    match e {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(ExprMacro { mac, .. }) => macro_diverges(mac),
        Expr::Loop(l) => {
            syntax::break_kind(&l.body, l.label.as_ref().map(|label| &label.name))
                == syntax::BreakKind::None
        }
        Expr::Block(b) => b.label.is_none() && b.block.stmts.iter().any(stmt_diverges),
        Expr::Unsafe(u) => u.block.stmts.iter().any(stmt_diverges),
        Expr::If(i) => {
            i.then_branch.stmts.iter().any(stmt_diverges)
                && i.else_branch.as_ref().is_some_and(|(_, e)| diverges(e))
        }
        Expr::Match(m) => !m.arms.is_empty() && m.arms.iter().all(|arm| diverges(&arm.body)),
        _ => false,
    }
}
