//! Portals that are inlined where traced code calls them: interpreters that call themselves.
//!
//! An interpreter that walks a tree evaluates the parts of a node by calling itself, and the call of a
//! portal would leave the trace. So if a portal's state at its merge point is what it was called with, its
//! twin is a method with the same parameters, and that serves for two: the portal's own traces, and calls
//! that are inlined into them. A flag says which. In a call that is inlined, the merge point is no place
//! to come back to: a guard that fails there replays from the last merge point outside.
//!
//! What is left of a call that is not inlined further is a call of the plain function with what the
//! parameters are at the merge point. If the interpreted program has jumped there, that call looks for
//! compiled code first.

use super::{TwinBody, parameters, portal};
use crate::check;
use crate::lower::{Lowerer, Return};
use crate::parse::Green;
use crate::scope;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::{Block, Expr, FnArg, GenericParam, Pat, ReceiverKind, Signature, Stmt, Type, Visibility};

/// Whether a method with a merge point can be inlined.
pub fn can_be(sig: &Signature, block: &Block, portal: &check::Portal) -> bool {
    let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
    let [Stmt::Expr(Expr::Loop(it), None)] = &block.stmts[..] else { return false };
    let is_first = it.body.stmts.first().is_some_and(|stmt| check::hint_of(stmt).is_some());
    is_first
        && portal.hint.again.is_none()
        && sig.receiver().is_some()
        && sig.generics.params.iter().all(is_lifetime)
        && portal.hint.greens.iter().all(|green| green.variable().is_some())
        && listed(portal) == names(sig)
        && sig.inputs.iter().all(goes_by_value)
}

/// The greens and reds.
fn listed(portal: &check::Portal) -> BTreeSet<String> {
    let greens = portal.hint.greens.iter().filter_map(Green::variable);
    greens.chain(&portal.hint.reds).map(Ident::to_string).collect()
}

/// The parameters; with others than variables among them, something that is not listed.
fn names(sig: &Signature) -> BTreeSet<String> {
    let name = |input: &FnArg| match input {
        FnArg::Receiver(_) => "self".to_string(),
        FnArg::Typed(it) => match &*it.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                pat.ident.to_string()
            }
            _ => String::new(),
        },
    };
    sig.inputs.iter().map(name).collect()
}

/// Whether a red of this type is passed by value: by its syntax, as types are not known here.
fn goes_by_value(input: &FnArg) -> bool {
    match input {
        FnArg::Receiver(it) => matches!(it.kind, ReceiverKind::Reference(..)),
        FnArg::Typed(it) => match &*it.ty {
            Type::Reference(_) => true,
            Type::Path(path) => {
                let last = path.path.segments.last();
                last.is_some_and(|it| it.ident == "Rc") || portal::is_scalar(&it.ty)
            }
            _ => false,
        },
    }
}

/// The names of what is generated for a portal.
struct Generated {
    twin: Ident,
    locals: Ident,
    resume: Ident,
}

impl Generated {
    fn of(sig: &Signature) -> Generated {
        let name = &sig.ident;
        Generated {
            twin: format_ident!("__jit_twin_{name}"),
            locals: format_ident!("__jit_locals_{name}"),
            resume: format_ident!("__jit_resume_{name}"),
        }
    }
}

/// The portal in the plain function, to enter compiled code by.
pub fn plain_portal(sig: &Signature, portal: &check::Portal) -> TokenStream {
    let Generated { locals, .. } = Generated::of(sig);
    let output = output(sig);
    let (greens, reds) = (portal::greens(&portal.hint), portal::reds(&portal.hint, portal, false));
    quote! {
        #[allow(warnings, clippy::all)]
        let __jit_portal = {
            use ::jitdriver::plumbing::{ResultPlain as _, ResultTraced as _};
            ::jitdriver::plumbing::portal(
                || (#greens, #reds),
                (&&::jitdriver::plumbing::ResultOf::<#output>(::core::marker::PhantomData)).of_words(),
                Self::#locals,
            )
        };
    }
}

fn output(sig: &Signature) -> TokenStream {
    match &sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => quote!(#ty),
    }
}

/// What is generated beside the method.
pub fn beside(
    sig: &Signature,
    block: &Block,
    portal: &check::Portal,
    vis: &Visibility,
) -> syn::Result<TokenStream> {
    let Generated { twin, locals, resume } = Generated::of(sig);
    let hint = &portal.hint;
    let parameters = parameters(sig)?;
    let names: Vec<Ident> = parameters
        .iter()
        .map(|(pat, _)| match pat {
            Pat::Ident(pat) => pat.ident.clone(),
            _ => unreachable!("a variable, as checked"),
        })
        .collect();
    let types: Vec<&Type> = parameters.iter().map(|(_, ty)| ty).collect();
    let (generics, bounds, output) = (&sig.generics, &sig.generics.where_clause, output(sig));
    let TwinBody { block, checks } = &TwinBody::of(sig, block);
    let mut cx = Lowerer::new(
        Return::Inlinable,
        names.iter().map(Ident::to_string),
        Some(hint.clone()),
        scope::resolve(sig, block),
        &sig.output,
    );
    cx.is_alone = portal.is_alone;
    cx.reassigned =
        hint.reds.iter().filter(|red| portal.is_mutable(red)).map(Ident::to_string).collect();
    cx.rest_of_inlined = Some(rest_of_call(&resume, &names, portal, sig));
    let body = portal::twin_body(block, &mut cx)?;
    let methods = cx.finish()?;
    let prelude = super::prelude(&methods, checks);
    let typed = |name: &Ident| {
        let at = names.iter().position(|it| it == name).expect("listed, as checked");
        types[at]
    };
    let local = |name: &Ident| match name == "self" {
        true => format_ident!("__self"),
        false => name.clone(),
    };
    let greens: Vec<_> = hint.greens.iter().filter_map(Green::variable).map(local).collect();
    let reds: Vec<_> = hint.reds.iter().map(local).collect();
    let green_types: Vec<_> = greens.iter().map(typed).collect();
    let red_types: Vec<_> = reds.iter().map(typed).collect();
    let (portal_value, enter) = (plain_portal(sig, portal), portal::enter_in_call(hint, portal));
    let (inputs, name) = (&sig.inputs, &sig.ident);
    let given = sig.inputs.iter().map(|input| match input {
        FnArg::Receiver(_) => quote!(self),
        FnArg::Typed(it) => match &*it.pat {
            Pat::Ident(pat) => pat.ident.to_token_stream(),
            _ => unreachable!("a variable, as checked"),
        },
    });
    let receiver_and_rest = resumed_inputs(inputs);
    let plain_output = &sig.output;
    let (token_name, receiver) = match sig.receiver() {
        Some(_) => (super::method_token(name), Some(quote!(&self))),
        None => (super::path_token(&name.to_string()), None),
    };
    let token =
        super::twin_token(sig, receiver, token_name, &twin, vis, &super::Token::InlinedPortal)?;
    Ok(quote! {
        #token
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        fn #twin #generics (
            __rec: ::jitdriver::plumbing::Rec,
            __is_inlined: bool,
            #(mut #names: ::jitdriver::plumbing::Traced<#types>),*
        ) -> ::jitdriver::plumbing::Ended<#output> #bounds {
            #prelude
            use ::jitdriver::plumbing::{ResultPlain as _, ResultTraced as _};
            #body
        }
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        fn #locals #generics (
            __rec: ::jitdriver::plumbing::Rec,
            (#(#greens,)*): (#(::jitdriver::plumbing::Traced<#green_types>,)*),
            (#(#reds,)*): (#(::jitdriver::plumbing::Traced<#red_types>,)*),
        ) -> ::jitdriver::plumbing::Ended<#output> #bounds {
            Self::#twin(__rec, false, #(#names),*)
        }
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        #[inline(never)]
        fn #resume #generics (#receiver_and_rest) #plain_output #bounds {
            if __start != ::jitdriver::plumbing::AT_MERGE_POINT { #portal_value #enter }
            Self::#name(#(#given),*)
        }
    })
}

/// How to start comes behind the receiver.
fn resumed_inputs(inputs: &syn::punctuated::Punctuated<FnArg, syn::Token![,]>) -> TokenStream {
    let (receiver, rest): (Vec<_>, Vec<_>) =
        inputs.iter().partition(|it| matches!(it, FnArg::Receiver(_)));
    quote!(#(#receiver,)* __start: u64, #(#rest),*)
}

/// The call of the plain function for the rest of one that is inlined.
fn rest_of_call(
    resume: &Ident,
    names: &[Ident],
    portal: &check::Portal,
    sig: &Signature,
) -> TokenStream {
    let plain_fn = format_ident!("function{}", names.len() + 1);
    let this = format_ident!("__self");
    let others: Vec<_> = names.iter().filter(|name| **name != this).collect();
    let (name, hint) = (sig.ident.to_string(), &portal.hint);
    let local = |name: &Ident| if name == "self" { this.clone() } else { name.clone() };
    let greens: Vec<_> = hint.greens.iter().filter_map(Green::variable).map(local).collect();
    let reds: Vec<_> = hint.reds.iter().map(local).collect();
    let (n_greens, output) = (greens.len(), output(sig));
    // Behind how to start.
    let number =
        |name: &Ident| 1 + greens.iter().chain(&reds).position(|it| it == name).expect("listed");
    let parameters = names.iter().map(number);
    quote!({
        static __SITE: __p::CallSite = __p::CallSite {
            name: #name,
            site: ::core::concat!(::core::file!(), ":", ::core::line!(), ":", ::core::column!()),
            elidable: false,
            ..__p::CallSite::PLAIN
        };
        let __args = (__p::Traced::constant(__start), #(#greens.take(),)* #(#reds.take(),)*);
        let __plain = __p::call::#plain_fn(&__args, |__start, #(#greens,)* #(#reds),*| {
            Self::#resume(__self, __start, #(#others),*)
        });
        let __result = &&__p::ResultOf::<#output>(::core::marker::PhantomData);
        static __ORDER: __p::Order =
            __p::Order { n_greens: #n_greens, parameters: &[#(#parameters),*] };
        __p::Ended::of_inlined(__result.call(__rec, &__SITE, &__ORDER, __start, __args, move |__args| {
            let (__start, #(#greens,)* #(#reds,)*) = __args;
            __plain(__start, #(#greens,)* #(#reds),*)
        }))
    })
}
