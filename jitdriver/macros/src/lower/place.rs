//! Expressions as places: of type `Place<T>`.

use super::degrade::is_expression_macro;
use super::{Lowerer, call_at};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Member, UnOp};

/// What is done with a place. It is what `*` means for types with `Deref` of their own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Access {
    /// It is read, or borrowed: `deref`.
    #[default]
    Read,
    /// It is written to, or borrowed mutably: `deref_mut`.
    Changed,
    /// A method is called on it, which says what it needs.
    Unknown,
}

/// Whether an expression is a place in, or behind, the one that it consists of.
fn is_place_within(e: &Expr) -> bool {
    match e {
        Expr::Paren(_) | Expr::Group(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(u) => matches!(u.op, UnOp::Deref(_)),
        _ => false,
    }
}

impl Lowerer {
    /// The place of an expression that is changed, or borrowed mutably, if it says so.
    pub(super) fn accessed(&mut self, e: &Expr, changed: bool) -> TokenStream {
        self.access = if changed { Access::Changed } else { Access::Read };
        self.place(e)
    }

    /// The place of a method's receiver.
    pub(super) fn receiver(&mut self, e: &Expr) -> TokenStream {
        self.access = Access::Unknown;
        self.place(e)
    }

    /// An expression as a place: of type `Place<T>`.
    pub(super) fn place(&mut self, e: &Expr) -> TokenStream {
        let extending = std::mem::take(&mut self.extending);
        let access = std::mem::take(&mut self.access);
        if let Some(local) = self.local_of(e) {
            return quote!(__p::Local::as_place(__p::closure::shared(&raw const #local)));
        }
        // What a field or an element lies in lives as long as a reference to it, and is changed where it is.
        if is_place_within(e) {
            (self.extending, self.access) = (extending, access);
        }
        match e {
            Expr::Paren(e) => self.place(&e.expr),
            Expr::Group(e) => self.place(&e.expr),
            Expr::Path(_) => quote!(__p::Place::of_static(&#e)),
            Expr::Field(f) => {
                // A field is one of what is behind all references, and the second may be an `Rc`.
                let base = self.peeled(&f.base);
                let base = quote!(__p::Peel::of(&#base).peel(__rec));
                let member = &f.member;
                if let Member::Named(name) = member
                    && name == "await"
                {
                    return self.unsupported(member, "`await`");
                }
                quote!(#base.field(__rec, |__place| &raw const __place.#member))
            }
            Expr::Index(i) => {
                if let Expr::Range(range) = &*i.index {
                    return self.range_index(i, range);
                }
                let base = self.peeled(&i.expr);
                self.extending = false;
                let index = self.value(&i.index);
                // Where indexing is a method, as for `Vec`, rustc names the bracket, else the whole.
                let bracket = i.bracket_token.span.open();
                self.methods.insert("index".to_owned());
                // What is neither slice nor `Vec` is indexed by the twin of its type's `Index::index`.
                let token = quote!(|__whole| __whole.__jit_index());
                let overloaded = call_at(bracket, base, "index", quote!(__rec, #index, #token));
                call_at(e.span(), overloaded, "element", quote!(__rec))
            }
            Expr::Unary(u) if matches!(u.op, UnOp::Deref(_)) => {
                let pointer = self.place(&u.expr);
                match access {
                    Access::Read => quote!(__p::Behind(#pointer).peel(__rec)),
                    Access::Changed => quote!(__p::Behind(#pointer).peel_mut(__rec)),
                    Access::Unknown => quote!(__p::Behind(#pointer).peel_known(__rec)),
                }
            }
            // A macro that is not known may be a place.
            Expr::Macro(m) if !is_expression_macro(&m.mac) => {
                self.unsupported(e, "a macro that is not known, as a place")
            }
            _ => {
                self.extending = extending;
                self.temporary(e)
            }
        }
    }

    /// `a[i..j]`.
    fn range_index(&mut self, i: &syn::ExprIndex, range: &syn::ExprRange) -> TokenStream {
        let base = self.peeled(&i.expr);
        self.extending = false;
        let bound = |cx: &mut Lowerer, bound: &Option<Box<Expr>>| match bound {
            Some(bound) => {
                let value = cx.value(bound);
                quote!(::core::option::Option::Some(#value))
            }
            None => quote!(::core::option::Option::None),
        };
        let (start, end) = (bound(self, &range.start), bound(self, &range.end));
        let closed = matches!(range.limits, syn::RangeLimits::Closed(_));
        let limits = &range.limits;
        let a = range.start.as_ref().map(|_| quote!(__a));
        let b = range.end.as_ref().map(|_| quote!(__b));
        let span = super::start(i);
        let plain = quote_spanned!(span=> &raw const __whole[#a #limits #b]);
        quote! {
            __p::IndexRange::index_range(
                #base,
                __rec,
                __p::Bounds { start: #start, end: #end, closed: #closed },
                |__whole, __a, __b| #plain,
            )
        }
    }

    /// Whether an expression names a place, rather than a value.
    pub(super) fn is_place(&self, e: &Expr) -> bool {
        match e {
            Expr::Paren(e) => self.is_place(&e.expr),
            Expr::Group(e) => self.is_place(&e.expr),
            Expr::Field(f) => self.is_place(&f.base),
            Expr::Index(_) => true,
            Expr::Unary(u) => matches!(u.op, UnOp::Deref(_)),
            _ => self.local_of(e).is_some(),
        }
    }

    /// A value that is used as a place lives in a temporary until the end of the statement.
    pub(super) fn temporary(&mut self, e: &Expr) -> TokenStream {
        let extended = std::mem::take(&mut self.extending);
        let value = self.value(e);
        let temp = format_ident!("__temp{}", self.n_temps);
        self.n_temps += 1;
        match extended {
            true => self.extended.push(temp.clone()),
            false => self.temps.push(temp.clone()),
        }
        quote!({ #temp = #value; __p::Local::as_place(&mut #temp) })
    }

    /// The place behind a reference or box, as auto-deref finds it.
    pub(super) fn peeled(&mut self, e: &Expr) -> TokenStream {
        let place = self.place(e);
        quote!(__p::Peel::of(&#place).peel(__rec))
    }

    /// That of a method's receiver.
    pub(super) fn peeled_receiver(&mut self, e: &Expr) -> TokenStream {
        self.access = Access::Unknown;
        self.peeled(e)
    }
}
