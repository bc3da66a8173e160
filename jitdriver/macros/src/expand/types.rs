//! `#[jit]` on a struct or an enum: it is [traceable](crate::derive), and so is its derived `clone`.
//!
//! An enum with payloads that does not say how it is laid out gets a `repr`, which a derive could not
//! give it. What a derived `clone` does is known, but only an attribute above the derive sees that it
//! is derived: its twin is lowered from the method as the derive writes it.

use super::method_twin;
use crate::derive;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Data, DeriveInput, Expr, Fields, GenericParam, ImplItem, ItemImpl, Type, parse_quote};

/// The type with all that traces know of it, or the author's mistakes.
pub fn traced(mut item: DeriveInput) -> syn::Result<TokenStream> {
    fix_layout(&mut item);
    let traceable = derive::traceable(&item)?;
    let clone = match derives("Clone", &item) && !is_generic(&item) {
        true => clone_twin(&item)?,
        false => None,
    };
    Ok(quote!(#item #traceable #clone))
}

/// An enum with payloads lies in memory as rustc likes, unless it says more.
fn fix_layout(item: &mut DeriveInput) {
    let Data::Enum(data) = &item.data else { return };
    let has_payload = data.variants.iter().any(|variant| !variant.fields.is_empty());
    if has_payload && !item.attrs.iter().any(|attr| attr.path().is_ident("repr")) {
        let tag = format_ident!("{}", if data.variants.len() <= 256 { "u8" } else { "u16" });
        item.attrs.push(parse_quote!(#[repr(#tag)]));
    }
}

fn derives(name: &str, item: &DeriveInput) -> bool {
    item.attrs.iter().filter(|attr| attr.path().is_ident("derive")).any(|attr| {
        let mut found = false;
        let parsed = attr.parse_nested_meta(|meta| {
            found |= meta.path.segments.last().is_some_and(|last| last.ident == name);
            Ok(())
        });
        parsed.is_ok() && found
    })
}

/// Its clone may be any code.
fn is_generic(item: &DeriveInput) -> bool {
    item.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)))
}

/// `__jit_clone`, as if the derived method were in an `impl` block with `#[jit]`.
fn clone_twin(item: &DeriveInput) -> syn::Result<Option<TokenStream>> {
    let body: TokenStream = match &item.data {
        _ if derives("Copy", item) => quote!(*self),
        Data::Struct(data) => {
            let clone = clone_of(quote!(Self), &data.fields);
            quote!(match self { #clone })
        }
        Data::Enum(data) if !data.variants.is_empty() => {
            let arms = data.variants.iter().map(|variant| {
                let name = &variant.ident;
                clone_of(quote!(Self::#name), &variant.fields)
            });
            quote!(match self { #(#arms)* })
        }
        _ => return Ok(None),
    };
    let (name, (generics, args, bounds)) = (&item.ident, item.generics.split_for_impl());
    let block: ItemImpl = parse_quote! {
        impl #generics #name #args #bounds {
            pub fn clone(&self) -> Self { #body }
        }
    };
    let ImplItem::Fn(method) = &block.items[0] else { return Ok(None) };
    let twin = method_twin(method, &mut method.clone(), &block)?.map(|(twin, _)| twin);
    Ok(Some(quote! {
        #[allow(dead_code, clippy::all)]
        impl #generics #name #args #bounds { #twin }
    }))
}

/// An arm that clones a struct or a variant.
fn clone_of(path: TokenStream, fields: &Fields) -> TokenStream {
    let names: Vec<_> = (0..fields.len()).map(|at| format_ident!("__f{at}")).collect();
    let clones = names.iter().zip(fields).map(|(name, field)| -> Expr {
        match is_copied(&field.ty) {
            true => parse_quote!(*#name),
            false => parse_quote!(#name.clone()),
        }
    });
    match fields {
        Fields::Named(_) => {
            let members: Vec<_> = fields.members().collect();
            quote!(#path { #(#members: #names),* } => #path { #(#members: #clones),* },)
        }
        Fields::Unnamed(_) => quote!(#path(#(#names),*) => #path(#(#clones),*),),
        // With braces it is seen to be a variant: a name alone could be a constant's.
        Fields::Unit => quote!(#path {} => #path,),
    }
}

/// Shared references and numbers: cloning them is copying them.
fn is_copied(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_none(),
        Type::Path(_) => {
            let mut tokens = ty.to_token_stream().into_iter();
            let (first, rest) = (tokens.next(), tokens.next());
            let is_number = |name: &str| crate::lower::PRIMITIVES.contains(&name);
            matches!(first, Some(TokenTree::Ident(name)) if is_number(&name.to_string()))
                && rest.is_none()
        }
        _ => false,
    }
}
