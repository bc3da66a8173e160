//! The proc macros of `jitdriver`, which re-exports and documents them.
#![forbid(unsafe_code)]

mod check;
mod checks;
mod derive;
mod expand;
mod lower;
mod macro_rules;
mod parse;
mod scope;
mod syntax;

use proc_macro::TokenStream;
use quote::quote;

/// See `jitdriver::jit`.
#[proc_macro_attribute]
pub fn jit(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "jit", expand::jit)
}

/// See `jitdriver::traced`.
#[proc_macro]
pub fn traced(items: TokenStream) -> TokenStream {
    let file = syn::parse_macro_input!(items as syn::File);
    expand::items(file.items).into()
}

/// See `jitdriver::elidable`.
#[proc_macro_attribute]
pub fn elidable(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "elidable", |item| expand::hint_alone(item, "Elidable"))
}

/// See `jitdriver::dont_look_inside`.
#[proc_macro_attribute]
pub fn dont_look_inside(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "dont_look_inside", |item| expand::hint_alone(item, "Residual"))
}

/// See `jitdriver::elidable_promote`.
#[proc_macro_attribute]
pub fn elidable_promote(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "elidable_promote", |item| expand::hint_alone(item, "ElidablePromote"))
}

/// See `jitdriver::loop_invariant`.
#[proc_macro_attribute]
pub fn loop_invariant(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "loop_invariant", |item| expand::hint_alone(item, "LoopInvariant"))
}

/// See `jitdriver::not_in_trace`.
#[proc_macro_attribute]
pub fn not_in_trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "not_in_trace", |item| match parse::answers_nothing(&item) {
        Ok(()) => expand::hint_alone(item, "NotInTrace"),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    })
}

/// See `jitdriver::unroll_safe`.
#[proc_macro_attribute]
pub fn unroll_safe(args: TokenStream, item: TokenStream) -> TokenStream {
    expand_item(args, item, "unroll_safe", |item| {
        let error = syn::Error::new(
            proc_macro2::Span::call_site(),
            "`#[unroll_safe]` goes below `#[jit]`, on a function that has a twin",
        )
        .into_compile_error();
        quote!(#error #item)
    })
}

/// See `jitdriver::jit_merge_point`.
#[proc_macro]
pub fn jit_merge_point(args: TokenStream) -> TokenStream {
    hint_itself(args, "jit_merge_point!")
}

/// See `jitdriver::can_enter_jit`.
#[proc_macro]
pub fn can_enter_jit(args: TokenStream) -> TokenStream {
    hint_itself(args, "can_enter_jit!")
}

/// See `jitdriver::Traceable`.
#[proc_macro_derive(Traceable)]
pub fn derive_traceable(item: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::traceable(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// `#[jit]` takes the hints out of the function and leaves an empty invocation in their place, so that
/// the author's `use` counts as used. One that is expanded with its arguments is outside of it.
fn hint_itself(args: TokenStream, name: &str) -> TokenStream {
    if args.is_empty() {
        return args;
    }
    let message = format!("`{name}` is a statement of a function with `#[jit]`");
    quote!(::core::compile_error!(#message)).into()
}

fn expand_item(
    args: TokenStream,
    item: TokenStream,
    name: &str,
    expand: impl FnOnce(syn::Item) -> proc_macro2::TokenStream,
) -> TokenStream {
    let tokens = proc_macro2::TokenStream::from(item.clone());
    if let Some(arg) = proc_macro2::TokenStream::from(args).into_iter().next() {
        let error = syn::Error::new(arg.span(), format!("`#[{name}]` takes no arguments"))
            .into_compile_error();
        let item = parse::beside_errors(tokens);
        return quote!(#error #item).into();
    }
    match syn::parse(item) {
        Ok(item) => expand(item).into(),
        Err(error) => {
            let error = error.into_compile_error();
            let item = parse::beside_errors(tokens);
            quote!(#error #item).into()
        }
    }
}
