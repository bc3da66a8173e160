//! Expressions as values: of type `Traced<T>`.

use super::operator::{Operator, is_assignment, operator};
use super::{Lowerer, Return, call_at, start, stmt_diverges, unit};
use crate::syntax;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{BinOp, Expr, Lit, Stmt, UnOp};

impl Lowerer {
    /// An expression as a value: of type `Traced<T>`.
    pub fn value(&mut self, e: &Expr) -> TokenStream {
        let extending = std::mem::take(&mut self.extending);
        if self.is_closed(e) {
            return self.constant(e);
        }
        self.extending = extending;
        self.or_degraded(e, |cx| cx.value_in_parts(e), |cx, why| cx.degraded(e, &why))
    }

    fn value_in_parts(&mut self, e: &Expr) -> TokenStream {
        let extending = std::mem::take(&mut self.extending);
        self.extending = extending
            && matches!(e, Expr::Paren(_) | Expr::Group(_) | Expr::Reference(_) | Expr::Tuple(_));
        let is_stmt = std::mem::take(&mut self.is_stmt);
        let span = start(e);
        match e {
            Expr::Paren(e) => self.value(&e.expr),
            Expr::Group(e) => self.value(&e.expr),
            Expr::Path(_) => {
                let local = self.local_of(e).expect("a path that is not closed is a local");
                quote_spanned!(span=> #local.take())
            }
            Expr::Binary(b) if is_assignment(&b.op) => self.compound(b),
            Expr::Binary(b) => self.binary(b),
            Expr::Unary(u) => match u.op {
                UnOp::Deref(_) => self.read_place(e),
                UnOp::Neg(_) => {
                    let value = self.value(&u.expr);
                    let operand = quote!(&&__p::ops::Operand(#value));
                    call_at(e.span(), operand, "neg", quote!(__rec, __JIT_CHECKS))
                }
                _ => {
                    let value = self.value(&u.expr);
                    quote_spanned!(span=> (&&__p::ops::Operand(#value)).not(__rec))
                }
            },
            Expr::Cast(c) => {
                let (value, ty) = (self.value(&c.expr), &c.ty);
                quote_spanned!(span=> (&&__p::ops::casting::<_, #ty>(#value)).cast(__rec, |__value| __value as #ty))
            }
            Expr::Assign(a) => self.assign(&a.left, &a.right),
            Expr::Field(_) | Expr::Index(_) => self.read_place(e),
            Expr::Reference(r) => self.reference(&r.expr, r.mutability.is_some()),
            Expr::RawAddr(r) => {
                let mutable = matches!(r.mutability, syn::PointerMutability::Mut(_));
                let place = self.accessed(&r.expr, mutable);
                match mutable {
                    true => quote!(#place.raw_mut(__rec)),
                    false => quote!(#place.raw_const(__rec)),
                }
            }
            Expr::Call(c) => self.call(c),
            Expr::MethodCall(m) => {
                if let Some(value) = self.consumed_chain(m) {
                    return value;
                }
                if self.follows_chain(m) || !super::closure::is_lazy_chain(e) {
                    return self.method_call(m);
                }
                self.unsupported(e, "an iterator with closures")
            }
            Expr::Macro(m) => self.macro_call(&m.mac, m),
            Expr::If(i) => self.if_expr(i),
            Expr::Match(m) => self.match_expr(m),
            Expr::While(w) => self.while_expr(w),
            Expr::Loop(l) => self.loop_expr(l, is_stmt),
            Expr::ForLoop(f) => self.for_loop(f),
            Expr::Block(b) => {
                let block = self.block(&b.block);
                let label = &b.label;
                quote!(#label #block)
            }
            Expr::Unsafe(u) => {
                let outer = std::mem::replace(&mut self.in_unsafe, true);
                let block = self.block(&u.block);
                self.in_unsafe = outer;
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
                let elems: Vec<_> = t
                    .elems
                    .iter()
                    .map(|e| {
                        self.extending = extending;
                        self.value(e)
                    })
                    .collect();
                self.extending = false;
                match elems.is_empty() {
                    true => unit(),
                    false => quote!(__p::Parts::join((#(#elems,)*))),
                }
            }
            Expr::Closure(c) => self.closure_value(c, e),
            Expr::Struct(s) => self.struct_literal(s, e),
            Expr::Array(a) => {
                let elems: Vec<_> = a.elems.iter().map(|e| self.value(e)).collect();
                if elems.len() > 12 {
                    return self.unsupported(e, "an array literal of more than twelve elements");
                }
                let names: Vec<_> = (0..elems.len()).map(|i| format_ident!("__f{i}")).collect();
                let array = self.build(&elems, quote!([#(#names),*]), &names);
                quote!(__p::owned::array(__rec, #array))
            }
            Expr::Repeat(r) if self.is_closed(&r.len) => {
                let (element, len) = (self.value(&r.expr), &r.len);
                quote!(__p::repeat::<_, { #len }>(__rec, #element))
            }
            Expr::Repeat(_) => self.unsupported(e, "an array literal of this length"),
            Expr::Try(t) => self.question(t),
            Expr::Range(range) => self.range_value(range),
            Expr::Let(_) => self.unsupported(e, "`let` in a larger condition"),
            _ => self.unsupported(e, "this expression"),
        }
    }

    fn struct_literal(&mut self, s: &syn::ExprStruct, e: &Expr) -> TokenStream {
        if let Some(base) = s.rest.as_deref()
            && s.fields.len() <= 12
            && !s.fields.is_empty()
            && is_plain_path(base)
            && self.is_place(base)
        {
            return self.struct_update(s, base, e);
        }
        if s.rest.is_some() || s.fields.len() > 12 {
            return self.unsupported(s, "this struct literal");
        }
        let parts: Vec<_> = s.fields.iter().map(|field| self.value(&field.expr)).collect();
        let names: Vec<_> = (0..parts.len()).map(|i| format_ident!("__f{i}")).collect();
        let members = s.fields.iter().map(|field| &field.member);
        let path = &s.path;
        self.build(&parts, quote!(#path { #(#members: #names),* }), &names)
    }

    /// `Path { field: value, ..base }`. What owns something is taken apart by rustc: then it runs as it is
    /// written.
    fn struct_update(&mut self, s: &syn::ExprStruct, base: &Expr, e: &Expr) -> TokenStream {
        let why = super::degrade::Unsupported {
            span: s.span(),
            what: String::from("a struct literal with the rest of what owns something"),
            whole_block: false,
        };
        let otherwise = self.degraded(e, &why);
        let parts: Vec<_> = s.fields.iter().map(|field| self.value(&field.expr)).collect();
        let names: Vec<_> = (0..parts.len()).map(|i| format_ident!("__f{i}")).collect();
        let members: Vec<_> = s.fields.iter().map(|field| &field.member).collect();
        let (path, place) = (&s.path, self.place(base));
        quote!({
            if __p::owns_nothing(|| #place) {
                let __parts = (#(__p::coerce(__rec, #parts),)*);
                let __base = #place.read(__rec).borrowed();
                __p::update(
                    __rec,
                    __base,
                    __parts,
                    |__base, (#(#names,)*)| #path { #(#members: #names,)* ..__base },
                    |__whole| match __whole {
                        #path { #(#members: #names,)* .. } => {
                            [#((::core::ptr::from_ref(#names).addr(), ::core::mem::size_of_val(#names))),*]
                        }
                    },
                )
            } else {
                #otherwise
            }
        })
    }

    pub(super) fn constant(&mut self, e: &Expr) -> TokenStream {
        match e {
            Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_)) => {
                quote!(__p::frozen(__rec, #e))
            }
            _ => quote!(__p::Traced::constant(#e)),
        }
    }

    pub(super) fn read_place(&mut self, e: &Expr) -> TokenStream {
        let n_temps = self.n_temps;
        let place = self.place(e);
        let place = self.part_of_local(e, place, n_temps);
        quote!(#place.take(__rec))
    }

    pub(super) fn binary(&mut self, b: &syn::ExprBinary) -> TokenStream {
        let span = start(b);
        if let Some(op) = operator(&b.op).filter(Operator::only_looks) {
            let (left, right) = (self.looked_at(&b.left), self.looked_at(&b.right));
            return op.apply(b, left, right);
        }
        if matches!(b.op, BinOp::And(_) | BinOp::Or(_)) {
            let left = self.with_temps(|cx| cx.value(&b.left));
            let right = self.with_temps(|cx| cx.value(&b.right));
            return match b.op {
                BinOp::And(_) => quote_spanned!(span=>
                    if __p::ops::branch(__rec, #left) { #right } else { __p::Traced::constant(false) }),
                _ => quote_spanned!(span=>
                    if __p::ops::branch(__rec, #left) { __p::Traced::constant(true) } else { #right }),
            };
        }
        let left = self.value(&b.left);
        let right = self.value(&b.right);
        match operator(&b.op) {
            Some(op) => op.apply(b, left, right),
            None => self.unsupported(&b.op, "this operator"),
        }
    }

    /// An operand that is only looked at: a variable is not moved by that.
    pub(super) fn looked_at(&mut self, e: &Expr) -> TokenStream {
        if let Some(local) = self.local_of(e) {
            return quote!(#local.peek());
        }
        match e {
            Expr::Paren(e) => self.looked_at(&e.expr),
            _ if self.is_place(e) => {
                let place = self.place(e);
                quote!(#place.read(__rec).borrowed())
            }
            Expr::Path(it)
                if it
                    .path
                    .segments
                    .last()
                    .is_some_and(|it| syntax::is_all_upper_case(&it.ident)) =>
            {
                quote!(__p::Constant(#e).traced(__rec))
            }
            e => self.value(e),
        }
    }

    pub(super) fn compound(&mut self, b: &syn::ExprBinary) -> TokenStream {
        let right = self.value(&b.right);
        let Some(op) = operator(&b.op) else { return self.unsupported(&b.op, "this operator") };
        if let Some(local) = self.local_of(&b.left) {
            let res = op.apply(b, quote!(#local.take()), quote!(__right));
            return quote!({ let __right = #right; #local = #res; __p::Traced::constant(()) });
        }
        let place = self.accessed(&b.left, true);
        let res = op.apply(b, quote!(__place.read(__rec)), quote!(__right));
        quote!({
            let __right = #right;
            let __place = #place;
            let __res = #res;
            __place.write(__rec, __res);
            __p::Traced::constant(())
        })
    }

    pub(super) fn assign(&mut self, left: &Expr, right: &Expr) -> TokenStream {
        if matches!(left, Expr::Infer(_)) && self.is_place(right) {
            let place = self.place(right);
            return quote!({ let _ = #place; __p::Traced::constant(()) });
        }
        let value = self.value(right);
        if matches!(left, Expr::Infer(_)) {
            return quote!({ let _ = #value; __p::Traced::constant(()) });
        }
        if matches!(left, Expr::Tuple(_)) {
            return self.unsupported(left, "assignment to a tuple");
        }
        if let Some(local) = self.local_of(left) {
            return match self.hint_names.contains(&local.to_string()) {
                true => quote!({
                    let __value = __p::coerce(__rec, #value);
                    __p::SetRed::set(&mut #local, __rec, __value);
                    __p::Traced::constant(())
                }),
                false => quote!({
                    #local = __p::coerce(__rec, #value);
                    __p::Traced::constant(())
                }),
            };
        }
        let place = self.accessed(left, true);
        quote!({
            let __value = #value;
            let __place = #place;
            __place.write(__rec, __value);
            __p::Traced::constant(())
        })
    }

    pub(super) fn reference(&mut self, e: &Expr, mutable: bool) -> TokenStream {
        let place = match self.is_static(e) && !mutable {
            true => quote!(__p::Place::of_static(&#e)),
            false => self.accessed(e, mutable),
        };
        match mutable {
            true => quote!(#place.exclusive(__rec)),
            false => quote!(#place.shared(__rec)),
        }
    }

    pub(super) fn return_expr(&mut self, value: Option<&Expr>, at_expr: &Expr) -> TokenStream {
        let span = start(at_expr);
        let returned = self.leaving(value);
        match &self.ret {
            Return::Block(label) => quote_spanned!(span=> break #label #returned),
            _ => quote_spanned!(span=> return #returned),
        }
    }

    /// What a function that returns `value` answers.
    pub fn leaving(&mut self, value: Option<&Expr>) -> TokenStream {
        let lowered = |cx: &mut Lowerer| value.map_or_else(unit, |e| cx.value(e));
        match self.ret {
            Return::Helper | Return::Block(_) => lowered(self),
            Return::Portal => {
                let value = lowered(self);
                quote!(__p::returned(__rec, #value))
            }
            Return::UntracedPortal => {
                let value = lowered(self);
                quote!({ __p::leave(__rec); __p::returned_plain(#value) })
            }
            Return::Inlinable => {
                let value = lowered(self);
                self.returned_by_inlinable(value)
            }
        }
    }

    /// Returns a value of the twin.
    pub(super) fn returning(&self, value: TokenStream) -> TokenStream {
        match &self.ret {
            Return::Block(label) => quote!(break #label #value),
            Return::Helper => quote!(return #value),
            Return::Portal => quote!(return __p::returned(__rec, #value)),
            Return::Inlinable => {
                let returned = self.returned_by_inlinable(value);
                quote!(return #returned)
            }
            Return::UntracedPortal => quote!({
                let __value = #value;
                __p::leave(__rec);
                return __p::Ended::Returned(__p::ToPlain::to_plain(&__value))
            }),
        }
    }

    fn returned_by_inlinable(&self, value: TokenStream) -> TokenStream {
        let output =
            self.output.as_ref().map_or_else(|| quote!(_), quote::ToTokens::to_token_stream);
        quote!({
            let __value = #value;
            (&&__p::ResultOf::<#output>(::core::marker::PhantomData))
                .returned(__rec, __is_inlined, __value)
        })
    }

    /// What follows the loop of a portal, whose value is the portal's if there is nothing.
    pub fn rest_of_portal(&mut self, rest: &[Stmt], value_of_loop: bool) -> TokenStream {
        if value_of_loop {
            return quote!();
        }
        let Some((last, before)) = rest.split_last() else { return self.leaving(None) };
        let before = before.iter().map(|stmt| self.stmt(stmt, false)).collect::<TokenStream>();
        let last = match last {
            Stmt::Expr(e, None) => self.with_temps(|cx| cx.leaving(Some(e))),
            stmt => {
                let lowered = self.stmt(stmt, false);
                let leaving = (!stmt_diverges(stmt)).then(|| self.leaving(None));
                quote!(#lowered #leaving)
            }
        };
        quote!(#before #last)
    }
}

/// A variable or a field of one: naming it twice changes nothing.
fn is_plain_path(e: &Expr) -> bool {
    match e {
        Expr::Path(_) => true,
        Expr::Field(it) => is_plain_path(&it.base),
        Expr::Paren(it) => is_plain_path(&it.expr),
        Expr::Unary(it) => matches!(it.op, UnOp::Deref(_)) && is_plain_path(&it.expr),
        _ => false,
    }
}
