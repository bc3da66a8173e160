//! Expansion: the plain function, and its twin beside it.
//!
//! A helper function keeps its tokens. Its twin hangs on a braced struct of the function's name,
//! which lives in the type namespace only, so that one `use` imports both. A method's twin is an
//! inherent associated function beside it. A portal's twin is a closure inside the portal, at the
//! merge point: that is the one place where the types of its local variables are known, to rustc.

use crate::check;
use crate::lower::{Lowerer, Return};
use crate::parse::{self, FnHints, Hint};
use crate::{scope, syntax};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, FnArg, GenericParam, Generics, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl,
    Lifetime, Pat, ReceiverKind, ReturnType, Signature, Stmt, Type, Visibility, parse_quote,
};

/// Expands `#[jit]` on an item. The item is emitted also when there are errors.
pub fn jit(item: Item) -> TokenStream {
    if let Err(errors) = parse::check_item(&item) {
        return with_errors(Err(errors), &item);
    }
    match item {
        Item::Fn(item) => with_errors(function(&item), &item),
        Item::Impl(item) => with_errors(impl_block(&item), &item),
        _ => unreachable!("`check_item` refuses it"),
    }
}

fn with_errors(result: syn::Result<TokenStream>, item: &impl ToTokens) -> TokenStream {
    result.unwrap_or_else(|errors| {
        let errors = errors.into_compile_error();
        let item = parse::beside_errors(item.to_token_stream());
        quote!(#errors #item)
    })
}

/// Expands `#[elidable]` and `#[dont_look_inside]` used by themselves.
pub fn hint_alone(item: Item, token: &str) -> TokenStream {
    let token = Ident::new(token, Span::call_site());
    match item {
        Item::Fn(item) => {
            let twin =
                token_struct(&item, quote!(__p::#token), quote!(__p::#token), &Generics::default());
            quote!(#item #twin)
        }
        other => {
            let error = syn::Error::new(other.span(), "this hint goes on a function");
            with_errors(Err(error), &other)
        }
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
        let body = portal_body(item, &portal)?;
        *plain.block = body;
        let token =
            token_struct(item, quote!(__p::Residual), quote!(__p::Residual), &Generics::default());
        return Ok(quote!(#plain #token));
    }
    let twin = match policy(&hints, &item.block) {
        Policy::Token(token) => {
            token_struct(item, quote!(__p::#token), quote!(__p::#token), &Generics::default())
        }
        Policy::Twin => traced_function(item)?,
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

fn policy(hints: &FnHints, block: &Block) -> Policy {
    if hints.elidable {
        return Policy::Token(format_ident!("Elidable"));
    }
    // As in RPython: a function with a loop is not unrolled unless it says so.
    if hints.dont_look_inside || (!hints.unroll_safe && parse::contains_loop(block)) {
        return Policy::Token(format_ident!("Residual"));
    }
    Policy::Twin
}

/// `struct f {}` with the token of `f`.
fn token_struct(
    item: &ItemFn,
    ty: TokenStream,
    token: TokenStream,
    generics: &Generics,
) -> TokenStream {
    let (vis, name) = (&item.vis, &item.sig.ident);
    let (generics, _, bounds) = generics.split_for_impl();
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name {}
        const _: () = {
            use ::jitdriver::plumbing as __p;
            #[allow(dead_code, clippy::all)]
            impl #name {
                #[doc(hidden)]
                pub fn __jit #generics () -> #ty #bounds { #token }
            }
        };
    }
}

fn traced_function(item: &ItemFn) -> syn::Result<TokenStream> {
    let (vis, name) = (&item.vis, &item.sig.ident);
    let twin =
        twin_function(&item.sig, &item.block, format_ident!("__jit_twin"), &parse_quote!(pub))?;
    let token = twin_token(
        &item.sig,
        format_ident!("__jit"),
        &format_ident!("__jit_twin"),
        &parse_quote!(pub),
    )?;
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name {}
        #[allow(dead_code, clippy::all)]
        impl #name {
            #token
            #twin
        }
    })
}

fn impl_block(item: &ItemImpl) -> syn::Result<TokenStream> {
    let mut plain = item.clone();
    let mut twins = Vec::new();
    let mut errors: Option<syn::Error> = None;
    let mut attrs = Vec::new();
    for method in &item.items {
        let ImplItem::Fn(method) = method else { continue };
        attrs.extend(&method.attrs);
        match method_twin(method) {
            Ok(twin) => twins.push(twin),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                none => *none = Some(error),
            },
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    for method in &mut plain.items {
        if let ImplItem::Fn(method) = method {
            strip_hints(&mut method.attrs);
        }
    }
    let (generics, _, bounds) = item.generics.split_for_impl();
    let ty = &item.self_ty;
    let imports = parse::keep_imports(attrs);
    Ok(quote! {
        #plain
        #imports
        #[allow(dead_code, clippy::all)]
        impl #generics #ty #bounds { #(#twins)* }
    })
}

fn method_twin(method: &ImplItemFn) -> syn::Result<TokenStream> {
    let hints = parse::function_attrs(&method.attrs)?;
    if let Some(portal) = check::portal(&method.sig, &method.block)? {
        return Err(syn::Error::new(
            portal.hint.span,
            "a merge point in a method is not supported yet; make the interpreter loop a function",
        ));
    }
    let name = &method.sig.ident;
    let (twin_name, token_name) =
        (format_ident!("__jit_twin_{name}"), format_ident!("__jit_{name}"));
    let vis = &method.vis;
    let called = |token: Ident| {
        let receiver = method.sig.receiver().map(|_| quote!(&self));
        quote! {
            #[doc(hidden)]
            #[allow(private_interfaces)]
            #vis fn #token_name(#receiver) -> ::jitdriver::plumbing::#token {
                ::jitdriver::plumbing::#token
            }
        }
    };
    if let Policy::Token(token) = policy(&hints, &method.block) {
        return Ok(called(token));
    }
    let twin = twin_function(&method.sig, &method.block, twin_name.clone(), vis)?;
    let token = twin_token(&method.sig, token_name, &twin_name, vis)?;
    Ok(quote!(#token #twin))
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
                            "a receiver with a stated type cannot be traced yet",
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

/// `fn twin(rec, parameters: Traced<_>…) -> Traced<_>`.
fn twin_function(
    sig: &Signature,
    block: &Block,
    name: Ident,
    vis: &Visibility,
) -> syn::Result<TokenStream> {
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
    let opened: Vec<_> = patterns.iter().map(|(name, pat)| cx.parameter(name, pat)).collect();
    let body = cx.block(block);
    let methods = cx.finish()?;
    let prelude = prelude(&methods);
    Ok(quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #name #generics (__rec: ::jitdriver::plumbing::Rec, #(#inputs),*) -> #output #bounds {
            #prelude
            #(#opened)*
            #body
        }
    })
}

fn traced_output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(::jitdriver::plumbing::Traced<()>),
        ReturnType::Type(_, ty) => quote!(::jitdriver::plumbing::Traced<#ty>),
    }
}

/// `fn token(&self) -> Twin<fn(…) -> _>`, with every lifetime named, so that the pointer's type is one
/// type and not a higher-ranked one.
fn twin_token(
    sig: &Signature,
    name: Ident,
    twin: &Ident,
    vis: &Visibility,
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
    let receiver = sig.receiver().map(|_| quote!(&self));
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
    Ok(quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #name #generics (#receiver) -> ::jitdriver::plumbing::Twin<
            fn(::jitdriver::plumbing::Rec #(, ::jitdriver::plumbing::Traced<#types>)*)
                -> ::jitdriver::plumbing::Traced<#output>
        > #bounds {
            ::jitdriver::plumbing::Twin(Self::#twin #turbofish)
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

/// What every twin's body starts with.
fn prelude(methods: &BTreeSet<String>) -> TokenStream {
    let checks = crate::checks::constant();
    let names: Vec<_> = methods.iter().map(|name| format_ident!("__jit_{name}")).collect();
    quote! {
        use ::jitdriver::plumbing as __p;
        use ::jitdriver::plumbing::{
            AnyPlace as _, Element as _, FloatShims as _, IndexPlace as _, IntShims as _, Local as _, PeelAny as _, ProbeMemory as _, ProbeValue as _,
            SignedShims as _, SliceShims as _, UnknownPlace as _, VecShims as _,
        };
        #[allow(unused_imports)]
        use __p::pattern::{
            AnyLeaf as _, AnyLength as _, AnyVariant as _, CallMatch as _, KnownVariant as _, NumberLeaf as _,
            NumberMatch as _, SliceLength as _, ThroughAny as _, VariantLeaf as _, VariantMatch as _,
        };
        #[allow(unused_imports)]
        use __p::ops::{AnyComparison as _, NumberComparison as _, ReferenceComparison as _};
        #checks
        trait __NoTwinMethods { #(fn #names(&self) -> __p::Residual { __p::Residual })* }
        impl<__T: ?Sized> __NoTwinMethods for &__T {}
    }
}

/// The portal's body: the author's, with the twin at the merge point and the entry at each
/// `can_enter_jit!`.
fn portal_body(item: &ItemFn, portal: &check::Portal) -> syn::Result<Block> {
    let twin = portal_twin(item, portal)?;
    let mut block = (*item.block).clone();
    let mut replacer = HintReplacer { twin, portal };
    replacer.visit_block_mut(&mut block);
    Ok(block)
}

struct HintReplacer<'a> {
    twin: TokenStream,
    portal: &'a check::Portal,
}

impl VisitMut for HintReplacer<'_> {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Macro(m) = stmt
            && let Some(Ok(hint)) = parse::parse_hint(&m.mac)
        {
            let path = &m.mac.path;
            let expanded = match hint.is_merge_point() {
                true => self.twin.clone(),
                false => enter(&hint, self.portal),
            };
            let tokens = quote!(#path!(); #expanded);
            *stmt = Stmt::Expr(Expr::Verbatim(tokens), None);
            return;
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_expr_mut(&mut self, e: &mut Expr) {
        if let Expr::Macro(m) = e
            && let Some(Ok(hint)) = parse::parse_hint(&m.mac)
        {
            let (path, tokens) = (&m.mac.path, enter(&hint, self.portal));
            *e = Expr::Verbatim(quote!({ #path!(); #tokens }));
            return;
        }
        visit_mut::visit_expr_mut(self, e);
    }
}

fn greens(hint: &Hint) -> TokenStream {
    let (driver, names) = (&hint.driver, &hint.greens);
    quote!((#(::jitdriver::plumbing::green(&#driver, &#names),)*))
}

/// The reds as they are passed: by value, or where they are.
fn reds(hint: &Hint, portal: &check::Portal, exclusive: bool) -> TokenStream {
    let probes = hint.reds.iter().map(|name| {
        let borrow = match exclusive && portal.is_mutable(name) {
            true => quote!(&raw mut #name),
            false => quote!((&raw const #name).cast_mut()),
        };
        quote_spanned!(name.span()=> (&::jitdriver::plumbing::Probe(#borrow)).red())
    });
    quote!({
        #[allow(unused_imports)]
        use ::jitdriver::plumbing::{ProbeMemory as _, ProbeValue as _};
        ::core::convert::identity((#(#probes,)*))
    })
}

/// `can_enter_jit!` in the plain function.
fn enter(hint: &Hint, portal: &check::Portal) -> TokenStream {
    let (driver, green_values) = (&hint.driver, greens(hint));
    let red_values = reds(hint, portal, true);
    let back = |names: &[Ident], prefix: &str| {
        let backs: Vec<_> = (0..names.len()).map(|i| format_ident!("__{prefix}{i}")).collect();
        let puts: Vec<_> = names
            .iter()
            .zip(&backs)
            .filter(|(name, _)| portal.is_mutable(name))
            .map(|(name, back)| quote!(::jitdriver::plumbing::PutBack::put(#back, &mut #name);))
            .collect();
        (quote!((#(#backs,)*)), quote!(#(#puts)*))
    };
    let (green_backs, put_greens) = back(&hint.greens, "g");
    let (red_backs, put_reds) = back(&hint.reds, "r");
    // A false condition leaves the loop before the merge point; it has no effects, so that asking it
    // here once more does no harm.
    let condition = portal.condition.as_ref().map(|condition| quote!(&& (#condition)));
    quote! {
        if ::jitdriver::plumbing::tick(&#driver, || #green_values) #condition {
            #[allow(unused_variables)]
            match __jit_portal.enter(&#driver, #green_values, #red_values) {
                ::jitdriver::plumbing::Exit::Continue(#green_backs, #red_backs) => {
                    #put_greens
                    #put_reds
                }
                ::jitdriver::plumbing::Exit::Return(__result) => return __result,
            }
        }
    }
}

/// `jit_merge_point!` in the plain function: the twin.
fn portal_twin(item: &ItemFn, portal: &check::Portal) -> syn::Result<TokenStream> {
    let hint = &portal.hint;
    let traced = is_traceable(&item.sig.output);
    let (ret, result) = match traced {
        true => (Return::Portal, quote!(::jitdriver::plumbing::traced_result)),
        false => (Return::UntracedPortal, quote!(::jitdriver::plumbing::untraced_result)),
    };
    let locals = hint.greens.iter().chain(&hint.reds).map(Ident::to_string);
    let names = scope::resolve(&item.sig, &item.block);
    let mut cx = Lowerer::new(ret, locals, Some(hint.clone()), names, &item.sig.output);
    cx.reassigned =
        hint.reds.iter().filter(|red| portal.is_mutable(red)).map(Ident::to_string).collect();
    let body = twin_body(&item.block, &mut cx)?;
    let methods = cx.finish()?;
    let prelude = prelude(&methods);
    let (green_names, red_names) = (&hint.greens, &hint.reds);
    let (green_values, red_values) = (greens(hint), reds(hint, portal, false));
    Ok(quote! {
        #[allow(warnings, clippy::all)]
        let __jit_portal = ::jitdriver::plumbing::portal(
            || (#green_values, #red_values),
            #result,
            |__rec, (#(mut #green_names,)*), (#(mut #red_names,)*)| {
                #prelude
                #body
            },
        );
    })
}

/// The loop, entered at its merge point, and what follows it.
fn twin_body(block: &Block, cx: &mut Lowerer) -> syn::Result<TokenStream> {
    let is_loop = |stmt: &&Stmt| matches!(stmt, Stmt::Expr(e, _) if check::has_merge_point(e));
    let at = block.stmts.iter().position(|stmt| is_loop(&stmt)).ok_or_else(|| {
        syn::Error::new(
            block.span(),
            "the loop with the merge point must be a statement of the function's body",
        )
    })?;
    let Stmt::Expr(e, _) = &block.stmts[at] else { unreachable!("found above") };
    let items: Vec<_> =
        block.stmts[..at].iter().filter(|stmt| matches!(stmt, Stmt::Item(_))).collect();
    let rest = &block.stmts[at + 1..];
    let tail_is_loop = rest.is_empty() && matches!(&block.stmts[at], Stmt::Expr(_, None));
    let lowered = match e {
        Expr::While(w) => {
            let (label, cond) = (&w.label, &w.cond);
            let check: Expr = parse_quote!(if #cond {} else { break; });
            let check = cx.in_loop(syntax::BreakKind::Plain, |cx| cx.value(&check));
            let body = cx.in_loop(syntax::BreakKind::Plain, |cx| cx.stmts(&w.body.stmts));
            quote! {
                let mut __at_merge_point = true;
                #label loop {
                    if !::core::mem::take(&mut __at_merge_point) { let _ = #check; }
                    #body;
                }
            }
        }
        Expr::Loop(l) => {
            let label = &l.label;
            let kind = syntax::break_kind(&l.body, label.as_ref().map(|label| &label.name));
            let breaks = match kind {
                syntax::BreakKind::None if !tail_is_loop => syntax::BreakKind::Plain,
                kind => kind,
            };
            let body = cx.in_loop(breaks, |cx| cx.stmts(&l.body.stmts));
            quote!(#label loop { #body; })
        }
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "the merge point's loop must be `loop` or `while`",
            ));
        }
    };
    let value_of_loop = matches!(e, Expr::Loop(_)) && tail_is_loop;
    let rest = cx.rest_of_portal(rest, value_of_loop);
    Ok(quote!(#(#items)* #lowered #rest))
}

/// Whether the words of a result of this type are known: by its syntax, as types are not known here.
fn is_traceable(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => is_traceable_type(ty),
    }
}

fn is_traceable_type(ty: &Type) -> bool {
    const SCALARS: [&str; 14] = [
        "bool", "char", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize",
        "f32", "f64",
    ];
    match ty {
        Type::Path(path) => {
            path.path.get_ident().is_some_and(|name| SCALARS.contains(&name.to_string().as_str()))
        }
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Paren(ty) => is_traceable_type(&ty.elem),
        Type::Group(ty) => is_traceable_type(&ty.elem),
        _ => false,
    }
}
