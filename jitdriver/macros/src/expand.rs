//! Expansion: the plain function, and its twin beside it.
//!
//! A helper function keeps its tokens. Its twin hangs on an enum of the function's name, which
//! lives in the type namespace only, so that one `use` imports both. The enum's variant is the token:
//! names in an enum are imported like those in a module, so that a module that has the name of a
//! function without a twin does no harm. A method's twin is an
//! inherent associated function beside it. A [portal]'s twin is inside of it.

mod borrow;
mod closures;
mod inlined;
mod portal;
mod table;
mod traits;
mod types;

use crate::check;
use crate::lower::{Called, Lowerer, Return};
use crate::macro_rules;
use crate::parse::{self, FnHints};
use crate::scope;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, FnArg, GenericParam, Generics, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Lifetime,
    Pat, ReceiverKind, ReturnType, Signature, Type, Visibility, parse_quote,
};

/// Expands `#[jit]` on an item. The item is emitted also when there are errors.
pub fn jit(item: Item) -> TokenStream {
    if let Err(errors) = parse::check_item(&item) {
        return with_errors(Err(errors), &item);
    }
    if cfg!(feature = "plain") {
        return plain(&item);
    }
    match item {
        Item::Fn(item) => with_errors(function(&item), &item),
        Item::Impl(item) => with_errors(impl_block(&item), &item),
        Item::Trait(item) => traits::telling(&item),
        Item::Struct(item) => with_errors(types::traced(item.clone().into()), &item),
        Item::Enum(item) => with_errors(types::traced(item.clone().into()), &item),
        Item::Const(item) => with_errors(table::constant(item.clone()), &item),
        Item::Static(item) => with_errors(table::of_static(item.clone()), &item),
        Item::Macro(item) => macro_rules::registry::note(&item),
        _ => unreachable!("`check_item` refuses it"),
    }
}

/// Expands `traced!` around items: `#[jit]` on each that it is for and that has none of its own. What is made by
/// an `impl` of a trait is left to the trait.
pub fn items(items: Vec<Item>) -> TokenStream {
    items
        .into_iter()
        .map(|item| match is_traced_among_others(&item) && parse::check_item(&item).is_ok() {
            true => jit(item),
            false => item.into_token_stream(),
        })
        .collect()
}

fn is_traced_among_others(item: &Item) -> bool {
    let attrs = match item {
        // What is beside the function would hide the type.
        Item::Fn(item) if crate::lower::PRIMITIVES.iter().any(|name| item.sig.ident == name) => {
            return false;
        }
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) if item.trait_.is_none() => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Const(item) if table::is_one(&item.expr) => &item.attrs,
        Item::Static(item) if table::is_one(&item.expr) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => return false,
    };
    !attrs.iter().any(|attr| attr.path().segments.last().is_some_and(|last| last.ident == "jit"))
}

/// The item without a twin, for builds without a JIT: as the author wrote it, less the hints.
fn plain(item: &Item) -> TokenStream {
    let attrs: Vec<_> = match item {
        Item::Fn(item) => item.attrs.iter().collect(),
        Item::Impl(item) => item.items.iter().flat_map(attributes_of_method).collect(),
        _ => Vec::new(),
    };
    let imports = parse::keep_imports(attrs);
    let item = parse::beside_errors(item.to_token_stream());
    quote!(#item #imports)
}

fn attributes_of_method(item: &ImplItem) -> &[syn::Attribute] {
    match item {
        ImplItem::Fn(method) => &method.attrs,
        _ => &[],
    }
}

fn with_errors(result: syn::Result<TokenStream>, item: &impl ToTokens) -> TokenStream {
    result.unwrap_or_else(|errors| {
        let errors = errors.into_compile_error();
        let item = parse::beside_errors(item.to_token_stream());
        quote!(#errors #item)
    })
}

/// Expands `#[elidable]`, `#[dont_look_inside]` and the like used by themselves.
pub fn hint_alone(item: Item, token: &str) -> TokenStream {
    match item {
        Item::Fn(item) if cfg!(feature = "plain") => item.into_token_stream(),
        Item::Fn(mut item) => {
            let token = match borrow::KEEPING.contains(&token) {
                true => borrow::token(token, &item.sig, None),
                false => format_ident!("{token}"),
            };
            item.attrs.extend(borrow::lint(&token));
            let value = token_value(&token, Some(&item.sig));
            let twin = token_struct(&item, quote!(__p::#token), value, &Generics::default());
            quote!(#item #twin)
        }
        other => {
            let error = syn::Error::new(other.span(), "this hint goes on a `fn`");
            with_errors(Err(error), &other)
        }
    }
}

/// A token, of a free function with this signature, or of a method.
fn token_value(token: &Ident, sig: Option<&Signature>) -> TokenStream {
    match sig.filter(|sig| is_one(sig)) {
        _ if token != "LoopInvariant" => quote!(__p::#token),
        None => quote!(__p::#token::ANY),
        Some(_) => quote!({
            static __OWN: ::core::sync::atomic::AtomicU8 = ::core::sync::atomic::AtomicU8::new(0);
            __p::#token::of(&__OWN)
        }),
    }
}

fn strip_hints(attrs: &mut Vec<syn::Attribute>) {
    attrs.retain(|attr| !parse::is_hint_attribute(attr));
}

fn function(item: &ItemFn) -> syn::Result<TokenStream> {
    let hints = parse::function_attrs(&item.attrs)?;
    let portal = check::portal(&item.sig, &item.block)?;
    let mut plain = item.clone();
    strip_hints(&mut plain.attrs);
    if let Some(portal) = portal {
        hints.forbid_on_portal()?;
        *plain.block = portal::body(&item.sig, &item.block, &portal, false)?;
        // Without a token it is called, as a portal should be, and a module may have its name.
        return Ok(quote!(#plain));
    }
    let body = TwinBody::of(&item.sig, &item.block);
    let policy = policy(&hints, &item.sig, &body, None);
    plain.attrs.extend(policy.lint());
    let twin = match policy {
        Policy::Token(token) => {
            let value = token_value(&token, Some(&item.sig));
            token_struct(item, quote!(__p::#token), value, &Generics::default())
        }
        Policy::Twin => traced_function(item, &body, hints.unroll_safe)?,
    };
    let imports = parse::keep_imports(&item.attrs);
    Ok(quote!(#plain #twin #imports))
}

enum Policy {
    /// Called, not traced: the name of the token.
    Token(Ident),
    /// Traced.
    Twin,
}

impl Policy {
    fn lint(&self) -> Option<syn::Attribute> {
        match self {
            Policy::Token(token) => borrow::lint(token),
            Policy::Twin => None,
        }
    }
}

/// `of`: the `impl` block around a method.
fn policy(hints: &FnHints, sig: &Signature, body: &TwinBody, of: Option<&ItemImpl>) -> Policy {
    for (is_set, token) in [
        (hints.elidable, "Elidable"),
        (hints.elidable_promote, "ElidablePromote"),
        (hints.loop_invariant, "LoopInvariant"),
    ] {
        if is_set {
            return Policy::Token(borrow::token(token, sig, of));
        }
    }
    if hints.not_in_trace {
        return Policy::Token(format_ident!("NotInTrace"));
    }
    // As in RPython: a function with a loop is not unrolled unless it says so.
    if hints.dont_look_inside || (!hints.unroll_safe && parse::contains_loop(&body.block)) {
        return Policy::Token(format_ident!("Residual"));
    }
    // The type of such a twin has no name.
    if takes_impl(sig) && !closures::takes_closures(sig) {
        return Policy::Token(format_ident!("Residual"));
    }
    Policy::Twin
}

/// Whether it is one function, and not as many as there are types for its parameters.
fn is_one(sig: &Signature) -> bool {
    has_lifetimes_only(&sig.generics) && !takes_impl(sig)
}

fn has_lifetimes_only(generics: &Generics) -> bool {
    generics.params.iter().all(|param| matches!(param, GenericParam::Lifetime(_)))
}

/// Whether a parameter is an `impl Trait`.
fn takes_impl(sig: &Signature) -> bool {
    struct Finder(bool);
    impl<'ast> syn::visit::Visit<'ast> for Finder {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finder = Finder(false);
    sig.inputs.iter().for_each(|input| syn::visit::Visit::visit_fn_arg(&mut finder, input));
    finder.0
}

/// `enum f { __JitToken }` with the token of `f`.
fn token_struct(
    item: &ItemFn,
    ty: TokenStream,
    token: TokenStream,
    generics: &Generics,
) -> TokenStream {
    let name = &item.sig.ident;
    let (generics, _, bounds) = generics.split_for_impl();
    let (takes, carrier) = (takes_none(), carrier(item));
    quote! {
        #carrier
        const _: () = {
            use ::jitdriver::plumbing as __p;
            #[allow(dead_code, clippy::all)]
            impl #name {
                #[doc(hidden)]
                pub fn __jit #generics (self) -> #ty #bounds { #token }
                #takes
            }
        };
    }
}

/// What a free function's twin hangs on.
fn carrier(item: &ItemFn) -> TokenStream {
    let (vis, name) = (&item.vis, &item.sig.ident);
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, missing_docs)]
        #vis enum #name { __JitToken }
    }
}

/// A free function's answer that it takes no closures over traced values.
fn takes_none() -> TokenStream {
    let (takes, with) = (format_ident!("__jit_takes"), format_ident!("__jit_with"));
    closures::no_twin(closures::Owner::Token, &takes, &with, &parse_quote!(pub))
}

fn traced_function(item: &ItemFn, body: &TwinBody, unrolls: bool) -> syn::Result<TokenStream> {
    let (name, carrier) = (&item.sig.ident, carrier(item));
    let with_closures = || {
        let (takes, with) = (format_ident!("__jit_takes"), format_ident!("__jit_with"));
        let vis = parse_quote!(pub);
        let owner = closures::Owner::Token;
        closures::twin(&item.sig, body, owner, &takes, &with, &vis, unrolls)
    };
    if closures::takes_closures(&item.sig) {
        let twin = with_closures()?;
        return Ok(quote! {
            #carrier
            #[allow(dead_code, clippy::all)]
            impl #name {
                #[doc(hidden)]
                pub fn __jit(self) -> ::jitdriver::plumbing::Residual { ::jitdriver::plumbing::Residual }
                #twin
            }
        });
    }
    let pointers = closures::pointers(&item.sig);
    let takes = match pointers.is_empty() {
        true => takes_none(),
        false => with_closures()?,
    };
    let pointers = pointers.iter().map(|(number, ty)| closures::pointer(*number, ty, &item.sig));
    let (name_of_twin, vis) = (format_ident!("__jit_twin"), parse_quote!(pub));
    let (twin, unwinds) = twin_function(&item.sig, body, name_of_twin, &vis, unrolls)?;
    let token = twin_token(
        &item.sig,
        Some(quote!(self)),
        format_ident!("__jit"),
        &format_ident!("__jit_twin"),
        &parse_quote!(pub),
        &Token::Twin,
    )?;
    let token = unless_panics_abort(unwinds, token, || {
        quote! {
            pub fn __jit(self) -> ::jitdriver::plumbing::Residual { ::jitdriver::plumbing::Residual }
        }
    });
    let how = [quote!(announce(__twins, #name as *const ()))];
    let twin_name = quote!(#name::__jit_twin);
    let announced = announced(&item.sig, &Generics::default(), &twin_name, &how, unwinds);
    Ok(quote! {
        #carrier
        #[allow(dead_code, clippy::all)]
        impl #name {
            #token
            #takes
            #twin
            #(#pointers)*
        }
        #announced
    })
}

/// Most arguments of a function or closure whose twin is told of; `plumbing` has functions for that many.
const MOST_ANNOUNCED_ARGS: usize = 11;

/// Tells of a function's twin, as `how` has it: for calls through pointers to the function, or through its trait.
/// `around` has the parameters of the `impl` block; a function with type parameters is many, of which nobody
/// knows.
fn announced(
    sig: &Signature,
    around: &Generics,
    twin: &TokenStream,
    how: &[TokenStream],
    unwinds: bool,
) -> Option<TokenStream> {
    if !has_lifetimes_only(around)
        || !has_lifetimes_only(&sig.generics)
        || sig.inputs.len() > MOST_ANNOUNCED_ARGS
        || how.is_empty()
    {
        return None;
    }
    let types = sig.inputs.iter().map(|_| quote!(_));
    let (generics, _, bounds) = around.split_for_impl();
    let unless = unwinds.then(|| quote!(#[cfg(not(panic = "abort"))]));
    let section = announcement();
    Some(quote! {
        #unless
        const _: () = {
            use ::jitdriver::plumbing::pointer as __p;
            #section
            static __ANNOUNCEMENT: __p::Announcement = {
                fn announce #generics (__twins: &mut __p::Twins) #bounds {
                    let __twin = ::jitdriver::plumbing::Twin(#twin as fn(_ #(, #types)*) -> _);
                    #(__twin.#how;)*
                }
                announce
            };
        };
    })
}

/// The attributes of a static that tells of twins.
fn announcement() -> TokenStream {
    quote! {
        #[cfg_attr(all(target_os = "linux", not(miri)), used, unsafe(link_section = "jitdriver_twins"))]
        #[allow(warnings, clippy::all)]
    }
}

/// An item, instead of which there is another in a crate whose panics abort: code that may leave its
/// function does so by unwinding, so the function is then called instead of traced.
fn unless_panics_abort(
    unwinds: bool,
    item: TokenStream,
    otherwise: impl FnOnce() -> TokenStream,
) -> TokenStream {
    if !unwinds {
        return item;
    }
    let otherwise = otherwise();
    quote! {
        #[cfg(not(panic = "abort"))]
        #item
        #[cfg(panic = "abort")]
        #[doc(hidden)]
        #[allow(private_interfaces)]
        #otherwise
    }
}

fn impl_block(item: &ItemImpl) -> syn::Result<TokenStream> {
    let mut plain = item.clone();
    let mut twins = Vec::new();
    let mut errors: Option<syn::Error> = None;
    let mut attrs = Vec::new();
    let mut announced = Vec::new();
    let (generics, methods) = traits::inherent(item);
    for (method, plain) in methods.iter().zip(&mut plain.items) {
        let (ImplItem::Fn(method), ImplItem::Fn(plain)) = (method, plain) else { continue };
        attrs.extend(&method.attrs);
        strip_hints(&mut plain.attrs);
        match method_twin(method, plain, item) {
            Ok(Some((twin, announcement))) => {
                twins.push(twin);
                announced.extend(announcement);
            }
            Ok(None) => {}
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                none => *none = Some(error),
            },
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let (generics, _, bounds) = generics.split_for_impl();
    let ty = &item.self_ty;
    let imports = parse::keep_imports(attrs);
    // A trait's portal may be all there is, on a type to which nothing can be added.
    let twins = (!twins.is_empty() && !is_primitive(ty)).then(|| {
        quote! {
            #[allow(dead_code, clippy::all)]
            impl #generics #ty #bounds { #(#twins)* }
        }
    });
    let checked = traits::checked_drop(item);
    Ok(quote!(#plain #imports #twins #checked #(#announced)*))
}

/// A type to which only traits can add functions, so that no token can stand beside those of a trait.
fn is_primitive(ty: &Type) -> bool {
    match ty {
        Type::Path(it) => it
            .path
            .get_ident()
            .is_some_and(|name| crate::lower::PRIMITIVES.iter().any(|primitive| name == primitive)),
        _ => false,
    }
}

/// The twin beside a method, and what tells of it; none for a portal that is not inlined, which has it inside:
/// `plain` is given it.
fn method_twin(
    method: &ImplItemFn,
    plain: &mut ImplItemFn,
    of: &ItemImpl,
) -> syn::Result<Option<(TokenStream, Option<TokenStream>)>> {
    let hints = parse::function_attrs(&method.attrs)?;
    if let Some(portal) = check::portal(&method.sig, &method.block)? {
        hints.forbid_on_portal()?;
        let is_inlined =
            of.trait_.is_none() && inlined::can_be(&method.sig, &method.block, &portal);
        plain.block = portal::body(&method.sig, &method.block, &portal, is_inlined)?;
        let beside = || inlined::beside(&method.sig, &method.block, &portal, &method.vis);
        return Ok(is_inlined.then(beside).transpose()?.map(|twin| (twin, None)));
    }
    let name = &method.sig.ident;
    let twin_name = format_ident!("__jit_twin_{name}");
    let vis = &method.vis;
    let called_as = |(token_name, receiver): Named, token: &Ident| {
        let value = token_value(token, None);
        quote! {
            #[doc(hidden)]
            #[allow(private_interfaces)]
            #vis fn #token_name(#receiver) -> ::jitdriver::plumbing::#token {
                use ::jitdriver::plumbing as __p;
                #value
            }
        }
    };
    let called = |token: Ident| -> TokenStream {
        token_names(&method.sig, of).map(|named| called_as(named, &token)).collect()
    };
    let body = TwinBody::of(&method.sig, &method.block);
    if let Policy::Token(token) = policy(&hints, &method.sig, &body, Some(of)) {
        plain.attrs.extend(borrow::lint(&token));
        return Ok(Some((called(token), None)));
    }
    if closures::takes_closures(&method.sig) {
        let (takes, with) =
            (format_ident!("__jit_takes_{name}"), format_ident!("__jit_with_{name}"));
        let owner = closures::Owner::of(&method.sig);
        let twin =
            closures::twin(&method.sig, &body, owner, &takes, &with, vis, hints.unroll_safe)?;
        let called = called(format_ident!("Residual"));
        return Ok(Some((quote!(#called #twin), None)));
    }
    let unrolls = hints.unroll_safe;
    let (twin, unwinds) = twin_function(&method.sig, &body, twin_name.clone(), vis, unrolls)?;
    let mut tokens = TokenStream::new();
    let kind = traits::is_shadowed(of, &method.sig).map_or(Token::Twin, Token::UnlessShadowed);
    for (token_name, receiver) in token_names(&method.sig, of) {
        let name = token_name.clone();
        let token = twin_token(&method.sig, receiver.clone(), name, &twin_name, vis, &kind)?;
        let residual = || called_as((token_name, receiver), &format_ident!("Residual"));
        tokens.extend(unless_panics_abort(unwinds, token, residual));
    }
    let ty = &of.self_ty;
    let is_primitive = is_primitive(ty);
    let told = if is_primitive { quote!(#twin_name) } else { quote!(<#ty>::#twin_name) };
    let how = traits::announcements(of, &method.sig);
    let announced = announced(&method.sig, &of.generics, &told, &how, unwinds);
    if is_primitive {
        // The twin stands with what tells of it.
        let own = |told| traits::without_self(quote!(const _: () = { #twin #told };), ty);
        return Ok(Some((TokenStream::new(), announced.map(own))));
    }
    Ok(Some((quote!(#tokens #twin), announced)))
}

/// A token's name, and the receiver that it takes.
type Named = (Ident, Option<TokenStream>);

/// The tokens of a function of a type: of one that takes `self`, where it is called as a method, and where it is
/// called by its path. A trait's method is not: a path without the trait's name may mean another.
fn token_names(sig: &Signature, of: &ItemImpl) -> impl Iterator<Item = Named> + use<> {
    let as_method = sig.receiver().map(|_| (method_token(&sig.ident), Some(quote!(&self))));
    let by_path = (as_method.is_none() || of.trait_.is_none())
        .then(|| (path_token(&sig.ident.to_string()), None));
    as_method.into_iter().chain(by_path)
}

/// The token of a method, where it is called as one.
fn method_token(name: &Ident) -> Ident {
    format_ident!("__jit_{name}")
}

/// The token of a function of a type, where it is called by its path.
pub fn path_token(name: &str) -> Ident {
    format_ident!("__jitpath_{name}")
}

/// What is lowered.
struct TwinBody {
    block: Block,
    /// Items of the twin, see [`macro_rules::Expanded`].
    checks: TokenStream,
}

impl TwinBody {
    /// Of a function with this body: without its macros, and without assignments to tuples.
    fn of(sig: &Signature, block: &Block) -> TwinBody {
        let macro_rules::Expanded { block, checks } = macro_rules::expanded(sig, block);
        TwinBody { block: crate::lower::destructure::taken_apart(&block), checks }
    }
}

/// The parameters of a twin: name and plain type.
fn parameters(sig: &Signature) -> syn::Result<Vec<(Pat, Type)>> {
    let mut parameters = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let ty = match &receiver.kind {
                    ReceiverKind::Value => parse_quote!(Self),
                    ReceiverKind::Reference(and, lifetime, mutability) => {
                        parse_quote!(#and #lifetime #mutability Self)
                    }
                    _ => {
                        return Err(syn::Error::new_spanned(
                            receiver,
                            "a receiver with a stated type cannot be traced; take `&self`, or have it called: `#[dont_look_inside]`",
                        ));
                    }
                };
                parameters.push((parse_quote!(mut __self), ty));
            }
            FnArg::Typed(typed) => parameters.push(((*typed.pat).clone(), (*typed.ty).clone())),
        }
    }
    Ok(parameters)
}

/// `fn twin(rec, parameters: Traced<_>…) -> Traced<_>`, and whether something in it is left by unwinding.
fn twin_function(
    sig: &Signature,
    TwinBody { block, checks }: &TwinBody,
    name: Ident,
    vis: &Visibility,
    unrolls: bool,
) -> syn::Result<(TokenStream, bool)> {
    let mut inputs = Vec::new();
    let mut locals = BTreeSet::new();
    let mut patterns: Vec<(Ident, Pat)> = Vec::new();
    for (number, (pat, ty)) in parameters(sig)?.into_iter().enumerate() {
        let name = match pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident,
            pat => {
                let name = format_ident!("__param{number}");
                patterns.push((name.clone(), pat));
                name
            }
        };
        locals.insert(name.to_string());
        inputs.push(quote!(mut #name: ::jitdriver::plumbing::Traced<#ty>));
    }
    let output = traced_output(&sig.output);
    let (generics, bounds) = (&sig.generics, &sig.generics.where_clause);
    let names = scope::resolve(sig, block);
    let mut cx = Lowerer::new(Return::Helper, locals, None, names, &sig.output);
    cx.unrolls = unrolls;
    cx.self_by_value = sig.receiver().is_some_and(|this| matches!(this.kind, ReceiverKind::Value));
    let opened: Vec<_> = patterns.iter().map(|(name, pat)| cx.parameter(name, pat)).collect();
    let body = cx.block(block);
    let methods = cx.finish()?;
    let prelude = prelude(&methods, checks);
    let types = stated_types(sig);
    let twin = quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #name #generics (__rec: ::jitdriver::plumbing::Rec, #(#inputs),*) -> #output #bounds {
            #prelude
            #(__p::owned::NoteType::<#types>(::core::marker::PhantomData).note(__rec);)*
            #(#opened)*
            #body
        }
    };
    Ok((twin, !methods.unwinds.is_empty()))
}

/// The types that a signature names, with those inside of them: how their values are dropped is noted.
fn stated_types(sig: &Signature) -> Vec<syn::TypePath> {
    #[derive(Default)]
    struct Finder(Vec<syn::TypePath>);
    impl<'ast> syn::visit::Visit<'ast> for Finder {
        fn visit_type_path(&mut self, ty: &'ast syn::TypePath) {
            let is_primitive =
                |name: &Ident| crate::lower::PRIMITIVES.iter().any(|primitive| name == primitive);
            if !ty.path.get_ident().is_some_and(is_primitive) && !self.0.contains(ty) {
                self.0.push(ty.clone());
            }
            syn::visit::visit_type_path(self, ty);
        }
        // Neither is a value.
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {}
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_type_trait_object(&mut self, _: &'ast syn::TypeTraitObject) {}
    }
    let mut finder = Finder::default();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(input) => syn::visit::Visit::visit_type(&mut finder, &input.ty),
            FnArg::Receiver(receiver) if matches!(receiver.kind, ReceiverKind::Value) => {
                finder.0.push(parse_quote!(Self));
            }
            FnArg::Receiver(_) => {}
        }
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        syn::visit::Visit::visit_type(&mut finder, ty);
    }
    finder.0
}

fn traced_output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(::jitdriver::plumbing::Traced<()>),
        ReturnType::Type(_, ty) => quote!(::jitdriver::plumbing::Traced<#ty>),
    }
}

/// What a token says of a twin.
enum Token {
    /// It is traced.
    Twin,
    /// It is that of a trait's function, and traced unless this says that the type has another of that name.
    UnlessShadowed(TokenStream),
    /// It is that of a portal, and inlined.
    InlinedPortal,
}

/// `fn token(receiver) -> Twin<fn(…) -> _>`, with every lifetime named, so that the pointer's type is one
/// type and not a higher-ranked one.
fn twin_token(
    sig: &Signature,
    receiver: Option<TokenStream>,
    name: Ident,
    twin: &Ident,
    vis: &Visibility,
    token: &Token,
) -> syn::Result<TokenStream> {
    let mut namer = LifetimeNamer::default();
    let mut types = Vec::new();
    let mut of_self = None;
    for (pat, mut ty) in parameters(sig)? {
        let before = namer.names.len();
        namer.visit_type_mut(&mut ty);
        if matches!(&pat, Pat::Ident(p) if p.ident == "__self") {
            of_self = namer.names.get(before).cloned();
        }
        types.push(ty);
    }
    let elided = of_self.or_else(|| match &namer.names[..] {
        [one] => Some(one.clone()),
        _ => None,
    });
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => {
            let mut ty = (**ty).clone();
            if let Some(elided) = elided {
                LifetimeFiller { elided }.visit_type_mut(&mut ty);
            }
            quote!(#ty)
        }
    };
    let mut generics = sig.generics.clone();
    for name in namer.names.iter().rev() {
        generics.params.insert(0, parse_quote!(#name));
    }
    // Named lifetimes of the function appear in its arguments only and must be early bound here.
    let bounds = generics.where_clause.take();
    let args: Vec<_> = sig
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(param.ident.to_token_stream()),
            GenericParam::Const(param) => Some(param.ident.to_token_stream()),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    let turbofish = (!args.is_empty()).then(|| quote!(::<#(#args),*>));
    let (flag, answer) = match token {
        Token::Twin | Token::UnlessShadowed(_) => (None, quote!(Traced)),
        Token::InlinedPortal => (Some(quote!(, bool)), quote!(Ended)),
    };
    let pointer = quote! {
        fn(::jitdriver::plumbing::Rec #flag #(, ::jitdriver::plumbing::Traced<#types>)*)
            -> ::jitdriver::plumbing::#answer<#output>
    };
    let twin = quote!(Self::#twin #turbofish);
    let (ty, value) = match token {
        Token::Twin => (quote!(::jitdriver::plumbing::Twin<#pointer>), quote!(__p::Twin(#twin))),
        Token::InlinedPortal => (
            quote!(::jitdriver::plumbing::InlinedPortal<#pointer>),
            quote!(__p::InlinedPortal(#twin)),
        ),
        Token::UnlessShadowed(is_shadowed) => (
            quote!(::jitdriver::plumbing::Unshadowed<::jitdriver::plumbing::Twin<#pointer>>),
            quote!(__p::Unshadowed::unless({ #is_shadowed }, __p::Twin(#twin))),
        ),
    };
    Ok(quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #name #generics (#receiver) -> #ty #bounds {
            use ::jitdriver::plumbing as __p;
            #value
        }
    })
}

/// Gives elided lifetimes names.
#[derive(Default)]
struct LifetimeNamer {
    names: Vec<Lifetime>,
}

impl LifetimeNamer {
    fn fresh(&mut self) -> Lifetime {
        let name = Lifetime::new(&format!("'__l{}", self.names.len()), Span::call_site());
        self.names.push(name.clone());
        name
    }
}

impl VisitMut for LifetimeNamer {
    fn visit_type_reference_mut(&mut self, ty: &mut syn::TypeReference) {
        if ty.lifetime.as_ref().is_none_or(|name| name.ident == "_") {
            ty.lifetime = Some(self.fresh());
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, name: &mut Lifetime) {
        if name.ident == "_" {
            *name = self.fresh();
        }
    }

    // What is elided in there is for each call to choose.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
}

struct LifetimeFiller {
    elided: Lifetime,
}

impl VisitMut for LifetimeFiller {
    fn visit_type_reference_mut(&mut self, ty: &mut syn::TypeReference) {
        if ty.lifetime.is_none() {
            ty.lifetime = Some(self.elided.clone());
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, name: &mut Lifetime) {
        if name.ident == "_" {
            *name = self.elided.clone();
        }
    }
}

/// What every twin's body starts with. `macro_checks` are those of its [`TwinBody`].
fn prelude(called: &Called, macro_checks: &TokenStream) -> TokenStream {
    let checks = crate::checks::constant();
    let names: Vec<_> = called.methods.iter().map(|name| format_ident!("__jit_{name}")).collect();
    let with = called.with_closures.iter().map(|name| {
        let (takes, with) =
            (format_ident!("__jit_takes_{name}"), format_ident!("__jit_with_{name}"));
        quote! {
            fn #takes(&self) -> __p::closure::No { __p::closure::No }
            fn #with<__T: ?Sized, __P, __A, __R>(
                &self, _: __p::Rec, _: __p::Place<__T>, _: __P, _: __A,
            ) -> __p::Traced<__R> {
                __p::closure::not_taken()
            }
        }
    });
    quote! {
        use ::jitdriver::plumbing as __p;
        // Around the block of each call, which may have a better one.
        #[allow(unused_imports)]
        use __p::no_twin::*;
        #[allow(unused_imports)]
        use __p::prelude::*;
        #checks
        #macro_checks
        trait __NoTwinMethods { #(fn #names(&self) -> __p::Residual { __p::Residual })* #(#with)* }
        impl<__T: ?Sized> __NoTwinMethods for &__T {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_jit_only_the_hints_go() {
        let item = parse_quote! {
            #[inline]
            impl Vm {
                #[elidable]
                fn run(&mut self) {
                    loop {
                        jit_merge_point!(self.driver, greens = [self.pc], reds = [self]);
                        self.step();
                    }
                }
            }
        };
        let expected = quote! {
            #[allow(unused)]
            #[inline]
            impl Vm {
                fn run(&mut self) {
                    loop {
                        jit_merge_point!();
                        self.step();
                    }
                }
            }
            const _: () = {
                #[allow(unused_imports)]
                use elidable as _;
            };
        };
        assert_eq!(plain(&item).to_string(), expected.to_string());
    }
}
