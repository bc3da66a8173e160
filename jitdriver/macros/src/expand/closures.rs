//! Twins of functions that take closures.
//!
//! Such a twin takes a closure over traced values in the place of each of the author's: for
//! `op: impl Fn(i64) -> bool` a `FnMut(Rec, Traced<i64>) -> Traced<bool>`. So it is generic, and cannot
//! be handed around as a token; a call names it (`__jit_with_name`) after asking whether it is there
//! (`__jit_takes_name`).
//!
//! A function that does more with a closure than calling it has no such twin.

use super::{LifetimeFiller, LifetimeNamer, TwinBody, parameters, prelude};
use crate::lower::closure::{ClosureVar, FnBound, fn_bound, only_called};
use crate::lower::{Lowerer, Return};
use crate::scope;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeSet;
use syn::visit_mut::VisitMut;
use syn::{GenericParam, Pat, ReturnType, Signature, Type, Visibility, parse_quote};

/// Whether a function takes closures, which have no types that could be named.
pub fn takes_closures(sig: &Signature) -> bool {
    closures(sig).is_some_and(|closures| closures.iter().flatten().any(|it| !it.is_pointer))
}

/// The parameters that are function pointers, by number, and their types. They take closures that capture
/// nothing as well; that is a second twin of the function.
pub fn pointers(sig: &Signature) -> Vec<(usize, Type)> {
    let Ok(parameters) = parameters(sig) else { return Vec::new() };
    let typed = parameters.into_iter().enumerate();
    let is_pointer = |ty: &Type| fn_bound(ty, &sig.generics).is_some_and(|it| it.is_pointer);
    typed.filter(|(_, (_, ty))| is_pointer(ty)).map(|(at, (_, ty))| (at, ty)).collect()
}

/// For each parameter but the receiver, what closure it takes.
fn closures(sig: &Signature) -> Option<Vec<Option<FnBound>>> {
    let parameters = parameters(sig).ok()?;
    let n_receivers = usize::from(sig.receiver().is_some());
    let typed = parameters.into_iter().skip(n_receivers);
    Some(typed.map(|(_, ty)| fn_bound(&ty, &sig.generics)).collect())
}

/// For calls that name a function as argument of such a parameter: a pointer to the function, and a closure
/// that calls what a pointer points to.
pub fn pointer(number: usize, ty: &Type, sig: &Signature) -> TokenStream {
    let (as_pointer, through) =
        (format_ident!("__jit_arg{number}"), format_ident!("__jit_through{number}"));
    let (generics, _, bounds) = sig.generics.split_for_impl();
    let FnBound { inputs, output, .. } = fn_bound(ty, &sig.generics).expect("it is a pointer");
    let names: Vec<_> = (0..inputs.len()).map(|number| format_ident!("__a{number}")).collect();
    quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        pub fn #as_pointer #generics (self, function: #ty) -> ::jitdriver::plumbing::Traced<#ty> #bounds {
            ::jitdriver::plumbing::Traced::constant(function)
        }
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        pub fn #through #generics (self, pointer: ::jitdriver::plumbing::Traced<#ty>)
            -> impl FnMut(::jitdriver::plumbing::Rec #(, ::jitdriver::plumbing::Traced<#inputs>)*)
                -> ::jitdriver::plumbing::Traced<#output> #bounds
        {
            static __SITE: ::jitdriver::plumbing::CallSite = ::jitdriver::plumbing::CallSite {
                name: "a call of a function pointer", ..::jitdriver::plumbing::CallSite::PLAIN
            };
            move |__rec, #(#names),*| ::jitdriver::plumbing::Callee::call(
                ::jitdriver::plumbing::pointer::Pointer::of(pointer.take()),
                __rec,
                &__SITE,
                (#(#names,)*),
                |__function: #ty, #(#names),*| __function(#(#names),*),
            )
        }
    }
}

/// What a twin that takes closures hangs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A free function's token.
    Token,
    /// A type, without a receiver.
    Type,
    /// A type, as a method.
    Method,
}

impl Owner {
    /// Of an associated function.
    pub fn of(sig: &Signature) -> Owner {
        match sig.receiver() {
            Some(_) => Owner::Method,
            None => Owner::Type,
        }
    }

    fn receiver(self) -> Option<TokenStream> {
        match self {
            Owner::Token => Some(quote!(self)),
            Owner::Type => None,
            Owner::Method => Some(quote!(&self)),
        }
    }
}

/// The twin of a function that takes closures, and the answer whether there is one.
pub fn twin(
    sig: &Signature,
    body: &TwinBody,
    owner: Owner,
    takes: &Ident,
    with: &Ident,
    vis: &Visibility,
    unrolls: bool,
) -> syn::Result<TokenStream> {
    let receiver = owner.receiver();
    let Some(Taking { twin, takes: does_take, unwinds }) =
        with_closures(sig, body, owner, with, vis, unrolls)?
    else {
        return Ok(no_twin(owner, takes, with, vis));
    };
    let answer = format_ident!("{}", if does_take { "Yes" } else { "No" });
    // Code that may leave its function does so by unwinding; without that the function is called.
    let unless = unwinds.then(|| {
        quote! {
            #[cfg(panic = "abort")]
            #[doc(hidden)]
            #[allow(warnings, clippy::all)]
            #vis fn #takes(#receiver) -> ::jitdriver::plumbing::closure::No {
                ::jitdriver::plumbing::closure::No
            }
            #[cfg(not(panic = "abort"))]
        }
    });
    Ok(quote! {
        #unless
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #takes(#receiver) -> ::jitdriver::plumbing::closure::#answer {
            ::jitdriver::plumbing::closure::#answer
        }
        #twin
    })
}

/// What a function without such a twin has instead.
pub fn no_twin(owner: Owner, takes: &Ident, with: &Ident, vis: &Visibility) -> TokenStream {
    let receiver = owner.receiver();
    let self_first = receiver.clone().into_iter();
    let (this, generics) = match owner {
        Owner::Method => (
            quote!(_: ::jitdriver::plumbing::Rec, _: ::jitdriver::plumbing::Place<__T>, _: __P),
            quote!(__T: ?Sized, __P,),
        ),
        _ => (quote!(_: ::jitdriver::plumbing::Rec), quote!()),
    };
    quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #takes(#receiver) -> ::jitdriver::plumbing::closure::No {
            ::jitdriver::plumbing::closure::No
        }
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #with<#generics __A, __R>(#(#self_first,)* #this, _: __A) -> ::jitdriver::plumbing::Traced<__R> {
            ::jitdriver::plumbing::closure::not_taken()
        }
    }
}

/// A function to hand closures to.
struct Taking {
    twin: TokenStream,
    /// It is a twin, and takes them.
    takes: bool,
    /// Something in it is left by unwinding.
    unwinds: bool,
}

fn with_closures(
    sig: &Signature,
    TwinBody { block, checks }: &TwinBody,
    owner: Owner,
    with: &Ident,
    vis: &Visibility,
    unrolls: bool,
) -> syn::Result<Option<Taking>> {
    let Some(closures) = closures(sig) else { return Ok(None) };
    let all = parameters(sig)?;
    let n_receivers = usize::from(sig.receiver().is_some());
    let (receiver, typed) = all.split_at(n_receivers);
    let mut generics = sig.generics.clone();
    let used: BTreeSet<String> = closures
        .iter()
        .flatten()
        .filter_map(|it| it.param.as_ref())
        .map(Ident::to_string)
        .collect();
    drop_params(&mut generics, &used);
    let mut namer = LifetimeNamer::default();
    let (mut pats, mut types, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    let (mut locals, mut patterns, mut called) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut of_self = None;
    // A pointer that is used otherwise. Calls learn from the signature of which types their closures are.
    let mut is_refused = false;
    if let [(_, ty)] = receiver {
        let mut ty = ty.clone();
        namer.visit_type_mut(&mut ty);
        of_self = namer.names.first().cloned();
        opened.push(quote! {
            let mut __self: __p::Traced<#ty> = __p::FromPlace::from_place(__rec, __this);
        });
    }
    for (number, ((pat, ty), closure)) in typed.iter().zip(&closures).enumerate() {
        let param = format_ident!("__P{number}");
        let closure = closure.as_ref().filter(|it| owner == Owner::Token || !it.is_pointer);
        if let Some(FnBound { inputs, output, is_pointer, .. }) = closure {
            let only_called = match pat {
                // What it is, besides a pointer, holds as long as it is the same.
                Pat::Ident(name) if *is_pointer && name.mutability.is_some() => None,
                Pat::Ident(name) => Some(&name.ident).filter(|name| only_called(name, block)),
                _ => None,
            };
            let unused = format_ident!("__unused{number}");
            let name = match only_called {
                Some(name) => name,
                None if *is_pointer => &unused,
                None => return Ok(None),
            };
            is_refused |= only_called.is_none();
            generics.params.push(parse_quote! {
                #param: FnMut(::jitdriver::plumbing::Rec #(, ::jitdriver::plumbing::Traced<#inputs>)*)
                    -> ::jitdriver::plumbing::Traced<#output>
            });
            called.push((name.clone(), ClosureVar::Param));
            pats.push(quote!(mut #name));
        } else {
            let mut ty = ty.clone();
            namer.visit_type_mut(&mut ty);
            generics.params.push(parse_quote!(#param: ::jitdriver::plumbing::CoerceTo<#ty>));
            let name = match pat {
                Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                    pat.ident.clone()
                }
                pat => {
                    let name = format_ident!("__param{number}");
                    patterns.push((name.clone(), pat.clone()));
                    name
                }
            };
            locals.insert(name.to_string());
            opened.push(quote!(let mut #name: __p::Traced<#ty> = __p::coerce(__rec, #name);));
            pats.push(quote!(#name));
        }
        types.push(quote!(#param));
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
    for name in namer.names.iter().rev() {
        generics.params.insert(0, parse_quote!(#name));
    }
    if !receiver.is_empty() {
        generics.params.push(parse_quote!(__Promote));
        locals.insert("__self".into());
    }
    let this = (!receiver.is_empty()).then(|| {
        quote!(__rec: ::jitdriver::plumbing::Rec, __this: ::jitdriver::plumbing::Place<Self>, _: __Promote)
    });
    let this = this.unwrap_or_else(|| quote!(__rec: ::jitdriver::plumbing::Rec));
    let self_first = owner.receiver().into_iter();
    let names = scope::resolve(sig, block);
    let mut cx = Lowerer::new(Return::Helper, locals, None, names, &sig.output);
    cx.unrolls = unrolls;
    called.into_iter().for_each(|(name, what)| cx.declare_closure(&name, what));
    let parts: Vec<_> = patterns.iter().map(|(name, pat)| cx.parameter(name, pat)).collect();
    let body = cx.block(block);
    // Code that runs as it is written has no use for a closure over traced values.
    let is_degraded = cx.degrades_closure;
    let called = cx.finish()?;
    let prelude = prelude(&called, checks);
    let bounds = generics.where_clause.take();
    if is_refused || is_degraded {
        if !closures.iter().flatten().all(|it| it.is_pointer) {
            return Ok(None);
        }
        let twin = quote! {
            #[doc(hidden)]
            #[allow(warnings, clippy::all)]
            #vis fn #with #generics (#(#self_first,)* #this, (#(#pats,)*): (#(#types,)*)) -> ::jitdriver::plumbing::Traced<#output>
            #bounds
            {
                ::jitdriver::plumbing::closure::not_taken()
            }
        };
        return Ok(Some(Taking { twin, takes: false, unwinds: false }));
    }
    let twin = quote! {
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #vis fn #with #generics (#(#self_first,)* #this, (#(#pats,)*): (#(#types,)*)) -> ::jitdriver::plumbing::Traced<#output>
        #bounds
        {
            #prelude
            static __IDENTITY: u8 = 0;
            let _inside = __p::closure::enter(__rec, &__IDENTITY);
            #(#opened)*
            #(#parts)*
            #body
        }
    };
    Ok(Some(Taking { twin, takes: true, unwinds: !called.unwinds.is_empty() }))
}

/// Takes out the type parameters that are closures.
fn drop_params(generics: &mut syn::Generics, names: &BTreeSet<String>) {
    let params = std::mem::take(&mut generics.params);
    generics.params = params
        .into_iter()
        .filter(|param| match param {
            GenericParam::Type(it) => !names.contains(&it.ident.to_string()),
            _ => true,
        })
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates);
        clause.predicates = predicates
            .into_iter()
            .filter(|predicate| match predicate {
                syn::WherePredicate::Type(syn::PredicateType {
                    bounded_ty: syn::Type::Path(it),
                    ..
                }) => !it.path.get_ident().is_some_and(|name| names.contains(&name.to_string())),
                _ => true,
            })
            .collect();
    }
}
