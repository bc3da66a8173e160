//! Tables of functions: `#[jit]` on a constant or static that is an array.
//!
//! The table stays as it is, and beside it an announcement ([`super::announcement`]) says which twins the
//! functions in it have: those that are named have their own, and a closure is given one here, for only here
//! can it be named. The pointers are read from the table itself, since a function, and every closure, may be
//! compiled several times. For the same reason a constant `&[…]` becomes a reference to a static.

use super::{MOST_ANNOUNCED_ARGS, announcement, prelude};
use crate::lower::{Lowerer, Return, token_of};
use crate::parse;
use crate::scope;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, ItemConst, ItemStatic, Member, Type, parse_quote};

/// Whether a constant or static is likely a table of functions.
pub fn is_one(e: &Expr) -> bool {
    match e {
        Expr::Reference(it) => is_one(&it.expr),
        Expr::Array(array) => array.elems.iter().any(holds_function),
        Expr::Repeat(array) => holds_function(&array.expr),
        _ => false,
    }
}

fn holds_function(e: &Expr) -> bool {
    match e {
        Expr::Closure(_) => true,
        Expr::Paren(it) => holds_function(&it.expr),
        Expr::Group(it) => holds_function(&it.expr),
        Expr::Cast(it) => holds_function(&it.expr),
        Expr::Reference(it) => holds_function(&it.expr),
        Expr::Path(path) => path.qself.is_none() && names_function(&path.path),
        Expr::Struct(it) => it.fields.iter().any(|field| holds_function(&field.expr)),
        Expr::Tuple(it) => it.elems.iter().any(holds_function),
        Expr::Array(it) => it.elems.iter().any(holds_function),
        _ => false,
    }
}

/// A constant that is a table.
pub fn constant(mut item: ItemConst) -> syn::Result<TokenStream> {
    let announced = announced(&item.ident.to_token_stream(), &item.expr)?;
    in_a_static(&item.ty, &mut item.expr);
    Ok(quote!(#item #announced))
}

/// A static that is a table.
pub fn of_static(mut item: ItemStatic) -> syn::Result<TokenStream> {
    if let syn::StaticMutability::Mut(token) = &item.mutability {
        return Err(syn::Error::new(token.span, "the functions in a `static mut` are not known"));
    }
    let announced = announced(&item.ident.to_token_stream(), &item.expr)?;
    in_a_static(&item.ty, &mut item.expr);
    Ok(quote!(#item #announced))
}

/// `&[a, b]` of the type `&[T]`, as a reference to a static.
fn in_a_static(ty: &Type, e: &mut Expr) {
    let (Type::Reference(ty), Expr::Reference(it)) = (ty, &*e) else { return };
    let Expr::Array(array) = &*it.expr else { return };
    let (element, n) = match &*ty.elem {
        Type::Slice(slice) => (&slice.elem, array.elems.len()),
        Type::Array(array_ty) => (&array_ty.elem, array.elems.len()),
        _ => return,
    };
    *e = parse_quote!({
        static __TABLE: ::jitdriver::plumbing::pointer::Table<[#element; #n]> =
            ::jitdriver::plumbing::pointer::Table(#array);
        &__TABLE.0
    });
}

/// Tells of the twins of the functions in a table.
fn announced(name: &TokenStream, e: &Expr) -> syn::Result<TokenStream> {
    let array = match e {
        Expr::Reference(it) => &it.expr,
        e => e,
    };
    let mut found = Vec::new();
    match array {
        Expr::Array(array) => {
            for (number, element) in array.elems.iter().enumerate() {
                functions(element, quote!(#name[#number]), &mut found)?;
            }
        }
        Expr::Repeat(array) => functions(&array.expr, quote!(#name[0]), &mut found)?,
        _ => {
            let message = "`#[jit]` goes on a table of functions: an array, or a reference to one";
            return Err(syn::Error::new_spanned(e, message));
        }
    }
    let section = announcement();
    Ok(quote! {
        const _: () = {
            use ::jitdriver::plumbing as __p;
            #section
            static __ANNOUNCEMENT: __p::pointer::Announcement = {
                fn announce(__twins: &mut __p::pointer::Twins) {
                    use __p::pointer::NotAnnounced as _;
                    #(#found)*
                }
                announce
            };
        };
    })
}

/// The functions in an element, which is at `place`.
fn functions(e: &Expr, place: TokenStream, found: &mut Vec<TokenStream>) -> syn::Result<()> {
    match e {
        Expr::Paren(it) => functions(&it.expr, place, found),
        Expr::Group(it) => functions(&it.expr, place, found),
        Expr::Cast(it) => functions(&it.expr, place, found),
        Expr::Reference(it) => functions(&it.expr, place, found),
        Expr::Struct(it) => it.fields.iter().try_for_each(|field| {
            let member = &field.member;
            functions(&field.expr, quote!(#place.#member), found)
        }),
        Expr::Tuple(it) => it.elems.iter().enumerate().try_for_each(|(number, element)| {
            let member = Member::from(number);
            functions(element, quote!(#place.#member), found)
        }),
        Expr::Array(it) => {
            it.elems.iter().enumerate().try_for_each(|(number, element)| {
                functions(element, quote!(#place[#number]), found)
            })
        }
        Expr::Path(path) if path.qself.is_none() && names_function(&path.path) => {
            let token = token_of(&path.path);
            found.push(quote!(#token.__jit().announce(__twins, #place);));
            Ok(())
        }
        Expr::Closure(closure) => {
            found.extend(of_closure(closure, &place)?);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// By the naming convention, as everywhere. Methods tell of themselves.
fn names_function(path: &syn::Path) -> bool {
    let names: Vec<_> = path.segments.iter().map(|it| it.ident.to_string()).collect();
    names.iter().all(|name| !name.starts_with(char::is_uppercase))
}

/// The twin of a closure that captures nothing, at `place`.
fn of_closure(closure: &syn::ExprClosure, place: &TokenStream) -> syn::Result<Option<TokenStream>> {
    let function: syn::ItemFn = parse_quote!(fn __closure() { #closure });
    if closure.inputs.len() > MOST_ANNOUNCED_ARGS || parse::contains_loop(&function.block) {
        return Ok(None);
    }
    let names = scope::resolve(&function.sig, &function.block);
    let mut cx = Lowerer::new(Return::Helper, [], None, names, &closure.output);
    let twin = cx.traced_closure(closure);
    let called = cx.finish()?;
    let unless = (!called.unwinds.is_empty()).then(|| quote!(#[cfg(not(panic = "abort"))]));
    let prelude = prelude(&called, &TokenStream::new());
    let announce = format_ident!("announce{}", closure.inputs.len());
    Ok(Some(quote! {
        #unless
        {
            #prelude
            __p::pointer::#announce(__twins, #place, #twin);
        }
    }))
}
