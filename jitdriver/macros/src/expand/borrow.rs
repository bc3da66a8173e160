//! Whether the result of an `#[elidable]` or `#[loop_invariant]` function may borrow from its arguments.
//!
//! A trace keeps the result of such a call. If it is a reference to something that an argument leads to, that must be
//! frozen, or it might be gone when the trace runs again. Whether it is shows when a call is recorded; here it is found
//! out which functions have to ask.
//!
//! A type that hides its lifetime, `Item` for `Item<'_>`, is not seen through; so that is an error in these functions.

use proc_macro2::Ident;
use quote::format_ident;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemImpl, ReturnType, Signature, Type, parse_quote};

/// The tokens of functions whose results a trace keeps.
pub const KEEPING: [&str; 3] = ["Elidable", "ElidablePromote", "LoopInvariant"];

/// The token of such a function, perhaps of an `impl` block: `name`, or the same for results that may borrow.
pub fn token(name: &str, sig: &Signature, of: Option<&ItemImpl>) -> Ident {
    match may_borrow(sig, of) {
        true => format_ident!("{name}Borrowing"),
        false => format_ident!("{name}"),
    }
}

/// The lint against hidden lifetimes, for a function with such a token.
pub fn lint(token: &Ident) -> Option<Attribute> {
    KEEPING.iter().any(|it| token == it).then(|| parse_quote!(#[deny(elided_lifetimes_in_paths)]))
}

fn may_borrow(sig: &Signature, of: Option<&ItemImpl>) -> bool {
    let ReturnType::Type(_, ty) = &sig.output else { return false };
    let params = of.into_iter().flat_map(|of| of.generics.type_params());
    let params: Vec<&Ident> =
        sig.generics.type_params().chain(params).map(|param| &param.ident).collect();
    let finds = |ty: &Type, self_borrows| {
        let mut finder = Finder { params: &params, self_borrows, found: false };
        finder.visit_type(ty);
        finder.found
    };
    finds(ty, of.is_some_and(|of| finds(&of.self_ty, true)))
}

struct Finder<'a> {
    /// Type parameters.
    params: &'a [&'a Ident],
    /// `Self` is such a type.
    self_borrows: bool,
    found: bool,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_type_reference(&mut self, it: &'ast syn::TypeReference) {
        self.found |= it.lifetime.is_none();
        visit::visit_type_reference(self, it);
    }

    fn visit_lifetime(&mut self, it: &'ast syn::Lifetime) {
        self.found |= it.ident != "static";
    }

    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.found = true;
    }

    fn visit_type_macro(&mut self, _: &'ast syn::TypeMacro) {
        self.found = true;
    }

    fn visit_ident(&mut self, it: &'ast Ident) {
        self.found |= (self.self_borrows && it == "Self") || self.params.contains(&it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_may_borrow_are_found() {
        let of: ItemImpl = parse_quote!(
            impl<'v, V> It<'v, V> {}
        );
        let sigs: [(Signature, bool); 12] = [
            (parse_quote!(fn f(x: &u8)), false),
            (parse_quote!(fn f(x: &u8) -> u8), false),
            (parse_quote!(fn f(x: &u8) -> Option<[Value; 2]>), false),
            (parse_quote!(fn f(x: &u8) -> &'static str), false),
            (parse_quote!(fn f(x: &u8) -> &u8), true),
            (parse_quote!(fn f<'a>(x: &'a u8) -> Option<&'a u8>), true),
            (parse_quote!(fn f(x: &u8) -> Value<'_>), true),
            (parse_quote!(fn f<T>(x: T) -> Option<T>), true),
            (parse_quote!(fn f<T: It>(x: T) -> T::Out), true),
            (parse_quote!(fn f(x: V) -> V), true),
            (parse_quote!(fn f(&self) -> Self), true),
            (parse_quote!(fn f(&self) -> impl Copy), true),
        ];
        for (sig, expected) in sigs {
            assert_eq!(may_borrow(&sig, Some(&of)), expected, "{sig:?}");
        }
        let of: ItemImpl = parse_quote!(impl Value {});
        assert!(!may_borrow(&parse_quote!(fn f(&self) -> Self), Some(&of)));
    }
}
