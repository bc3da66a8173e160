//! Methods of trait impls, as they would be in an inherent impl: that is where their twins are.
//!
//! A trait with `#[jit]` has a token beside each method, and `impl`s tell of their twins: that is how calls find them
//! where the type is not known (`plumbing::of_trait`).
//!
//! Parameters of the impl that only the trait mentions, as in `impl<T> Index<Gc<T>> for Heap`, become
//! the method's own. `Self::Output` becomes what the impl says that it is.

use crate::syntax::{mentioned, regrouped};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, ImplItem, ImplItemFn, ItemImpl, ItemTrait, Path, ReceiverKind,
    Signature, TraitItem, TraitItemFn, Type, Visibility, WherePredicate, parse_quote,
};

/// The parameters of the inherent impl, and its items.
pub fn inherent(item: &ItemImpl) -> (Generics, Vec<ImplItem>) {
    let mut generics = item.generics.clone();
    if item.trait_.is_none() {
        return (generics, item.items.clone());
    }
    let is_drop = is_drop(item);
    let moved = take_unmentioned(&mut generics, &item.self_ty);
    let mut types = AssociatedTypes::of(item);
    let items = item.items.iter().cloned().map(|mut item| {
        if let ImplItem::Fn(method) = &mut item {
            types.visit_signature_mut(&mut method.sig);
            add(&moved, method);
            if is_drop {
                // An inherent method may have that name, too.
                method.sig.ident = format_ident!("own_drop");
            }
            // What can name the type can call a method of a trait.
            method.vis = Visibility::Public(Default::default());
        }
        item
    });
    (generics, items.collect())
}

/// A trait, and beside its methods what they are for the type at hand. Of methods with type parameters, and of
/// those that take something else than a reference, nothing is told: they are called.
pub fn telling(item: &ItemTrait) -> TokenStream {
    let mut item = item.clone();
    let (name, (_, generics, _)) = (&item.ident, item.generics.split_for_impl());
    let tokens = item.items.iter().filter_map(|it| {
        let TraitItem::Fn(TraitItemFn { attrs, sig, .. }) = it else { return None };
        if !super::is_one(sig) || !takes_reference(sig) {
            return None;
        }
        let (function, bounds) = (&sig.ident, &sig.generics.where_clause);
        let token = super::method_token(function);
        let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
        Some(parse_quote! {
            #(#conditions)*
            #[doc(hidden)]
            #[allow(warnings, clippy::all)]
            fn #token(&self) -> ::jitdriver::plumbing::OfTrait #bounds {
                ::jitdriver::plumbing::OfTrait::of(<Self as #name #generics>::#function)
            }
        })
    });
    let tokens: Vec<TraitItem> = tokens.collect();
    item.items.extend(tokens);
    item.into_token_stream()
}

/// How the twin of a method is told of: by methods of the token, with what they are given.
pub fn announcements(of: &ItemImpl, sig: &Signature) -> Vec<TokenStream> {
    let (ty, name) = (&of.self_ty, &sig.ident);
    let Some((path, _)) = &of.trait_ else {
        return vec![quote!(announce(__twins, <#ty>::#name as *const ()))];
    };
    if is_of_std(path) {
        return Vec::new();
    }
    let item = quote!(<#ty as #path>::#name);
    // A trait object has no place that is known.
    let has_place = takes_reference(sig) && !matches!(**ty, Type::TraitObject(_));
    let as_method = has_place
        .then(|| quote!(announce_method(__twins, #item, ::core::marker::PhantomData::<#ty>)));
    as_method.into_iter().chain([quote!(announce_function(__twins, #item))]).collect()
}

/// Whether it is a method on a reference.
fn takes_reference(sig: &Signature) -> bool {
    sig.receiver().is_some_and(|it| matches!(it.kind, ReceiverKind::Reference(..)))
}

/// Whether the type has a function of its own by the name of the trait's, which is then what calls mean: code that
/// asks rustc, in a module where no trait is in scope but one for all types. Of what has type parameters it is not
/// asked.
pub fn is_shadowed(of: &ItemImpl, sig: &Signature) -> Option<TokenStream> {
    let (path, _) = of.trait_.as_ref()?;
    if !super::has_lifetimes_only(&of.generics) || !super::is_one(sig) || is_of_std(path) {
        return None;
    }
    let function = &sig.ident;
    let mut ty = (*of.self_ty).clone();
    AllStatic.visit_type_mut(&mut ty);
    Some(quote! {
        #[no_implicit_prelude]
        mod __own {
            pub(super) trait Of { type Type: ?::core::marker::Sized; }
            pub(super) struct Key;
            trait Other { fn #function() {} }
            impl<T: ?::core::marker::Sized> Other for T {}
            pub(super) fn is_there() -> bool {
                type Type = <Key as Of>::Type;
                ::jitdriver::plumbing::OfTrait::of(<Type>::#function)
                    != ::jitdriver::plumbing::OfTrait::of(<Type as Other>::#function)
            }
        }
        impl __own::Of for __own::Key { type Type = #ty; }
        __own::is_there()
    })
}

/// Takes all lifetimes for `'static`.
struct AllStatic;

impl VisitMut for AllStatic {
    fn visit_lifetime_mut(&mut self, lifetime: &mut syn::Lifetime) {
        *lifetime = parse_quote!('static);
    }

    fn visit_type_reference_mut(&mut self, it: &mut syn::TypeReference) {
        visit_mut::visit_type_reference_mut(self, it);
        it.lifetime = Some(parse_quote!('static));
    }
}

fn is_of_std(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| STD_TRAITS.iter().any(|name| last.ident == name))
}

/// The same outside of the `impl` block.
pub fn without_self(tokens: TokenStream, ty: &Type) -> TokenStream {
    let replaced = |token| match token {
        TokenTree::Ident(name) if name == "Self" => ty.to_token_stream(),
        TokenTree::Group(group) => {
            regrouped(&group, without_self(group.stream(), ty)).into_token_stream()
        }
        other => other.into(),
    };
    tokens.into_iter().flat_map(replaced).collect()
}

/// Traits of std that interpreters implement, under names that no trait of theirs has.
const STD_TRAITS: &[&str] = &[
    "Add",
    "AddAssign",
    "AsMut",
    "AsRef",
    "BitAnd",
    "BitOr",
    "BitXor",
    "Clone",
    "Debug",
    "Default",
    "Deref",
    "DerefMut",
    "Display",
    "Div",
    "Drop",
    "Eq",
    "From",
    "FromStr",
    "Hash",
    "Index",
    "IndexMut",
    "Into",
    "IntoIterator",
    "Iterator",
    "Mul",
    "Neg",
    "Not",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Rem",
    "Shl",
    "Shr",
    "Sub",
    "SubAssign",
    "TryFrom",
];

/// Whether it says what is done before a value is dropped.
pub fn is_drop(item: &ItemImpl) -> bool {
    let last = item.trait_.as_ref().and_then(|it| it.0.segments.last());
    last.is_some_and(|it| it.ident == "Drop")
}

/// Lets no other trait of that name pass for std's.
pub fn checked_drop(item: &ItemImpl) -> Option<TokenStream> {
    let path = item.trait_.as_ref().filter(|_| is_drop(item)).map(|it| &it.0)?;
    Some(quote! {
        #[allow(dead_code, drop_bounds, clippy::all)]
        const _: () = {
            fn is_of_std<T: ?::core::marker::Sized + #path>() {
                ::jitdriver::plumbing::owned::is_drop::<T>()
            }
        };
    })
}

/// Takes out the types and constants that the impl's type does not mention.
fn take_unmentioned(generics: &mut Generics, ty: &Type) -> Generics {
    let mut names = BTreeMap::new();
    mentioned(ty.to_token_stream(), &mut names);
    let stays = |param: &GenericParam| match param {
        GenericParam::Lifetime(_) => true,
        GenericParam::Type(it) => names.contains_key(&it.ident.to_string()),
        GenericParam::Const(it) => names.contains_key(&it.ident.to_string()),
    };
    let (kept, gone): (Vec<_>, Vec<_>) = generics.params.iter().cloned().partition(stays);
    let gone_names: BTreeSet<_> = gone
        .iter()
        .filter_map(|param| match param {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(it) => Some(it.ident.to_string()),
            GenericParam::Const(it) => Some(it.ident.to_string()),
        })
        .collect();
    let is_gone = |predicate: &WherePredicate| {
        let mut names = BTreeMap::new();
        mentioned(quote!(#predicate), &mut names);
        names.keys().any(|name| gone_names.contains(name))
    };
    let mut moved = Generics { params: gone.into_iter().collect(), ..Generics::default() };
    generics.params = kept.into_iter().collect();
    if let Some(bounds) = &mut generics.where_clause {
        let (gone, kept): (Vec<_>, Vec<_>) = bounds.predicates.iter().cloned().partition(is_gone);
        bounds.predicates = kept.into_iter().collect();
        moved.make_where_clause().predicates.extend(gone);
    }
    moved
}

fn add(moved: &Generics, method: &mut ImplItemFn) {
    method.sig.generics.params.extend(moved.params.iter().cloned());
    if let Some(bounds) = &moved.where_clause {
        let all = method.sig.generics.make_where_clause();
        all.predicates.extend(bounds.predicates.iter().cloned());
    }
}

/// `Self::Name` in types.
struct AssociatedTypes(BTreeMap<String, Type>);

impl AssociatedTypes {
    fn of(item: &ItemImpl) -> AssociatedTypes {
        let types = item.items.iter().filter_map(|item| match item {
            ImplItem::Type(it) => Some((it.ident.to_string(), it.ty.clone())),
            _ => None,
        });
        AssociatedTypes(types.collect())
    }
}

impl VisitMut for AssociatedTypes {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        let Type::Path(path) = &*ty else { return };
        let segments: Vec<_> = path.path.segments.iter().map(|it| it.ident.to_string()).collect();
        if path.qself.is_none()
            && let [this, name] = &segments[..]
            && this == "Self"
            && let Some(known) = self.0.get(name)
        {
            let known = known.clone();
            *ty = parse_quote!(#known);
        }
    }
}
