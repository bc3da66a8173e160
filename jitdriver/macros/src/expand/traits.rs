//! Methods of trait impls, as they would be in an inherent impl: that is where their twins are.
//!
//! Parameters of the impl that only the trait mentions, as in `impl<T> Index<Gc<T>> for Heap`, become
//! the method's own. `Self::Output` becomes what the impl says that it is.

use crate::syntax::mentioned;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, ImplItem, ImplItemFn, ItemImpl, Type, Visibility, WherePredicate,
    parse_quote,
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
