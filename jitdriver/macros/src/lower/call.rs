//! Calls of functions and methods.

use super::closure::{closure_arg, named_function};
use super::std_call::as_closure;
use super::{Lowerer, at, call_at, start};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Path, RangeLimits};

/// Most arguments of a call that is taken apart; `plumbing` has tuples of that many.
const MOST_ARGS: usize = 12;

impl Lowerer {
    pub(super) fn site(&self, name: &str, span: Span) -> TokenStream {
        let site = quote_spanned!(span=>
            ::core::concat!(::core::file!(), ":", ::core::line!(), ":", ::core::column!()));
        quote!({
            static __SITE: __p::CallSite = __p::CallSite { name: #name, site: #site, elidable: false, ..__p::CallSite::PLAIN };
            &__SITE
        })
    }

    pub(super) fn call(&mut self, c: &syn::ExprCall) -> TokenStream {
        if let Some(what) = self.closure_of(&c.func) {
            return self.call_of_closure(&what, c);
        }
        if self.is_place(&c.func) {
            return self.call_of_value(c);
        }
        let Expr::Path(callee) = &*c.func else {
            return self.unsupported(&c.func, "a call of a computed function");
        };
        if c.args.iter().any(|arg| closure_arg(arg).is_some() || as_closure(arg).is_some()) {
            return self.call_with_closures(c);
        }
        self.plain_args_call(c, callee)
    }

    /// A call without closures.
    pub(super) fn plain_args_call(
        &mut self,
        c: &syn::ExprCall,
        callee: &syn::ExprPath,
    ) -> TokenStream {
        if has_constant_argument(&callee.path) {
            return self.unsupported(c, "a call with a constant as generic argument");
        }
        if let Some(ty) = super::std_call::of_number(callee, c.args.len()) {
            return self.method_of_number(&ty, callee, c);
        }
        let is_free = is_free(callee) && c.args.len() <= MOST_ARGS;
        // Only the callee can say of which type a pointer to the function is.
        let mut value = |(number, arg): (usize, &Expr)| match is_free && self.is_function_path(arg)
        {
            true => named_function(callee, number, arg),
            false => self.value(arg),
        };
        let args: Vec<_> = c.args.iter().enumerate().map(&mut value).collect();
        let last = callee.path.segments.last().expect("a path has segments");
        let name = last.ident.to_string();
        match (name.as_str(), &args[..]) {
            ("Some", [arg]) => return quote!(__p::Traced::some(#arg)),
            ("Ok", [arg]) => return quote!(__p::Traced::ok(#arg)),
            ("Err", [arg]) => return quote!(__p::Traced::err(#arg)),
            _ => {}
        }
        if is_constructor(&callee.path) && args.len() <= MOST_ARGS {
            return self.construct(c.func.to_token_stream(), args);
        }
        if args.len() > MOST_ARGS {
            return self.unsupported(&c.args, "a call with so many arguments");
        }
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("function{}", args.len());
        let span = start(c);
        let site = self.site(&name, c.span());
        let func = &c.func;
        if let Some(method) = super::std_call::method(callee) {
            let (assoc_fn, twin) =
                (format_ident!("assoc{}", args.len()), format_ident!("__jit_{method}"));
            self.methods.insert(method.to_string());
            return quote_spanned!(span=> {
                let __args = (#(__p::coerce(__rec, #args),)*);
                let __plain = __p::call::#plain_fn(&__args, |#(#names),*| #func(#(#names),*));
                let __token = __p::call::#assoc_fn(&__args, &__plain).#twin();
                __p::Callee::call(__token, __rec, #site, __args, __plain)
            });
        }
        if let Some((method, full_name)) = super::std_call::of_mem(callee) {
            let (assoc_fn, twin) =
                (format_ident!("assoc{}", args.len()), format_ident!("__jit_{method}"));
            self.methods.insert(method.to_string());
            // What the first argument refers to is the type that the function is for, if none is written.
            let is_inferred = last.arguments.is_none();
            let args = args.iter().enumerate().map(|(number, arg)| match number {
                0 if is_inferred => quote!(#arg),
                _ => quote!(__p::coerce(__rec, #arg)),
            });
            return quote_spanned!(span=> {
                let __args = (#(#args,)*);
                let __function = #func;
                let __plain = __p::call::#plain_fn(&__args, move |#(#names),*| __function(#(#names),*));
                let __token = __p::call::#assoc_fn(&__args, &__plain).#twin();
                let __token = __p::OnlyStd(__token, __p::type_name_of(&__function), #full_name);
                __p::Callee::call(__token, __rec, #site, __args, __plain)
            });
        }
        if self.is_of_trait(callee) {
            // The plain call has its place for a panic.
            let function = Ident::new("__function", callee.span());
            let given = crate::syntax::parenthesized_at(callee.span(), quote!(#(#names),*));
            return quote_spanned!(span=> {
                let __args = (#(__p::coerce(__rec, #args),)*);
                let #function = #func;
                let __plain = __p::call::#plain_fn(&__args, move |#(#names),*| #function #given);
                __p::Callee::call(__p::OfTrait::of(#function), __rec, #site, __args, __plain)
            });
        }
        let (scope, token) = self.token(callee, &name, args.len());
        quote_spanned!(span=> {
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::call::#plain_fn(&__args, |#(#names),*| #func(#(#names),*));
            #scope
            __p::Callee::call(#token, __rec, #site, __args, __plain)
        })
    }

    /// A call of what a place holds: of a function pointer, if it can be copied. A boxed closure and the like
    /// runs as it is written.
    fn call_of_value(&mut self, c: &syn::ExprCall) -> TokenStream {
        const WHAT: &str = "a call of a closure or function pointer";
        let has_closures = c.args.iter().any(|arg| closure_arg(arg).is_some());
        if has_closures || c.args.len() >= MOST_ARGS {
            return self.unsupported(&c.func, WHAT);
        }
        let why = super::degrade::Unsupported {
            span: c.func.span(),
            what: String::from(WHAT),
            whole_block: false,
        };
        let otherwise = self.degraded(&Expr::Call(c.clone()), &why);
        let place = self.place(&c.func);
        let args: Vec<_> = c.args.iter().map(|arg| self.value(arg)).collect();
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("through{}", args.len());
        let site = self.site(WHAT, c.span());
        let span = start(c);
        quote_spanned!(span=> {
            use __p::pointer::NotCopied as _;
            let __called = __p::pointer::called(|| #place);
            if __called.is_copied() {
                let __pointer = __called.read(__rec, #place);
                let __args = (#(__p::coerce(__rec, #args),)*);
                let __plain = __p::pointer::#plain_fn(
                    &__pointer, &__args, |mut __pointer, #(#names),*| __pointer(#(#names),*));
                __p::Callee::call(__pointer, __rec, #site, __args, __plain)
            } else {
                #otherwise
            }
        })
    }

    /// `i64::abs(n)` is `n.abs()`.
    fn method_of_number(
        &mut self,
        ty: &Ident,
        callee: &syn::ExprPath,
        c: &syn::ExprCall,
    ) -> TokenStream {
        let receiver = format_ident!("__number{}", self.n_temps);
        self.n_temps += 1;
        let number = self.value(&c.args[0]);
        let method = &callee.path.segments.last().expect("a path has segments").ident;
        let args = c.args.iter().skip(1);
        let call: syn::ExprMethodCall = syn::parse_quote!(#receiver.#method(#(#args),*));
        let call = self.scoped(|cx| {
            cx.declare(&receiver);
            cx.method_call(&call)
        });
        quote!({
            let mut #receiver: __p::Traced<#ty> = __p::coerce(__rec, #number);
            #call
        })
    }

    /// `a..b`.
    pub(super) fn range_value(&mut self, range: &syn::ExprRange) -> TokenStream {
        let (Some(start), Some(end), RangeLimits::HalfOpen(_)) =
            (&range.start, &range.end, &range.limits)
        else {
            return self.unsupported(range, "a range that is not half open");
        };
        let bounds = [self.value(start), self.value(end)];
        let names = [format_ident!("__f0"), format_ident!("__f1")];
        self.build(&bounds, quote!(::core::ops::Range { start: __f0, end: __f1 }), &names)
    }

    /// `Path(args)`: a tuple struct or variant.
    fn construct(&mut self, path: TokenStream, args: Vec<TokenStream>) -> TokenStream {
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__f{i}")).collect();
        self.build(&args, quote!(#path(#(#names),*)), &names)
    }

    /// A whole from parts; `whole` is both the expression and the pattern of it, in the names.
    pub(super) fn build(
        &mut self,
        parts: &[TokenStream],
        whole: TokenStream,
        names: &[Ident],
    ) -> TokenStream {
        quote!(__p::build(
            __rec,
            (#(__p::coerce(__rec, #parts),)*),
            |(#(#names,)*)| #whole,
            |__whole| match __whole {
                #whole => [#(::core::ptr::from_ref(#names).addr()),*],
                _ => ::core::unreachable!(),
            },
        ))
    }

    /// Whether a path is that of a trait's function, whatever is beside the type: `<T as Trait>::f`, or `T::f` for a
    /// type parameter. A parameter may turn out to be that of numbers, which are converted.
    fn is_of_trait(&self, callee: &syn::ExprPath) -> bool {
        let mut path = callee.path.segments.iter();
        match (&callee.qself, path.next(), path.next(), path.next()) {
            (Some(of), ..) => of.position > 0,
            (None, Some(ty), Some(function), None) => {
                self.names.type_params.contains(&ty.ident.to_string())
                    && function.ident != "from"
                    && function.ident != "try_from"
            }
            _ => false,
        }
    }

    /// The token of a called path, and items that must be in scope for it.
    pub(super) fn token(
        &mut self,
        callee: &syn::ExprPath,
        name: &str,
        n_args: usize,
    ) -> (TokenStream, TokenStream) {
        if callee.qself.is_some() || is_associated(&callee.path) {
            let twin = crate::expand::path_token(name);
            let ty = type_of(callee);
            // The type may be a parameter that turns out to be that of numbers.
            let token = match (name, n_args) {
                ("from" | "try_from", 1) => quote!(__p::Conversion),
                _ => quote!(__p::Residual),
            };
            let scope = quote! {
                #[allow(dead_code)]
                trait __NoTwin { fn #twin() -> #token { #token } }
                impl<__T: ?Sized> __NoTwin for __T {}
            };
            return (scope, quote!(<#ty>::#twin()));
        }
        let token = token_of(&callee.path);
        (TokenStream::new(), quote!(#token.__jit()))
    }

    pub(super) fn method_call(&mut self, m: &syn::ExprMethodCall) -> TokenStream {
        if let Some(with_closures) = self.with_functions_as_closures(m) {
            return self.method_with_closures(&with_closures);
        }
        if m.args.iter().any(|arg| closure_arg(arg).is_some()) {
            return self.method_with_closures(m);
        }
        if m.args.len() > MOST_ARGS {
            return self.unsupported(&m.args, "a call with so many arguments");
        }
        if self.names.is_consuming(m) {
            return self.consuming_call(m);
        }
        let this = match OF_POINTERS.contains(&m.method.to_string().as_str()) {
            true => {
                let place = self.receiver(&m.receiver);
                quote!(__p::PeelReference::of(&#place).peel(__rec))
            }
            false => self.peeled_receiver(&m.receiver),
        };
        let MethodParts { args, names, plain_fn, twin, site, given } = self.method_parts(m);
        // How its parts are dropped.
        let typed = crate::scope::is_typed(&self.names.typed, &m.receiver);
        let note = typed.then(|| quote!(__p::NotePlace(__this).note(__rec);));
        let (method, turbofish, span) = (&m.method, &m.turbofish, at(m.method.span()));
        let call = call_at(
            method.span(),
            quote!(__token),
            "call_method",
            quote!(__rec, #site, __this, __args, __plain),
        );
        let target = match BY_VALUE.contains(&method.to_string().as_str()) {
            true => quote_spanned!(span=> __p::Owned::of(__target)),
            false => quote_spanned!(span=> (**__target)),
        };
        quote_spanned!(span=> {
            let __this = (#this).known();
            #note
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::call::#plain_fn(
                &__this, &__args, |__target, #(#names),*| #target.#method #turbofish #given);
            let __token = __this.probe().#twin();
            #call
        })
    }
}

/// What is the same for all calls of methods without closures.
struct MethodParts {
    args: Vec<TokenStream>,
    /// The names of the plain arguments.
    names: Vec<Ident>,
    /// Gives the closure that calls the plain method its types.
    plain_fn: Ident,
    twin: Ident,
    site: TokenStream,
    /// The plain arguments in parentheses.
    given: proc_macro2::Group,
}

impl Lowerer {
    fn method_parts(&mut self, m: &syn::ExprMethodCall) -> MethodParts {
        let args: Vec<_> = m.args.iter().map(|arg| self.value(arg)).collect();
        let names: Vec<_> = (0..args.len()).map(|i| format_ident!("__a{i}")).collect();
        let plain_fn = format_ident!("method{}", args.len());
        let name = m.method.to_string();
        self.methods.insert(name.clone());
        let twin = format_ident!("__jit_{name}", span = at(m.method.span()));
        let site = self.site(&name, m.span());
        // A panic names the method's name and parentheses, which are to have one origin.
        let given = crate::syntax::parenthesized_at(m.method.span(), quote!(#(#names),*));
        MethodParts { args, names, plain_fn, twin, site, given }
    }

    /// A method's call on a value that nobody can name afterwards, which may take it by value.
    fn consuming_call(&mut self, m: &syn::ExprMethodCall) -> TokenStream {
        let owner = self.value(&m.receiver);
        let MethodParts { args, names, plain_fn, twin, site, given } = self.method_parts(m);
        let (method, span) = (&m.method, at(m.method.span()));
        let call = call_at(
            method.span(),
            quote!(__token),
            "call_consuming",
            quote!(__rec, #site, &mut __owner, __this, __args, __plain),
        );
        quote_spanned!(span=> {
            let mut __owner = #owner;
            let __args = (#(__p::coerce(__rec, #args),)*);
            let __plain = __p::consume::#plain_fn(
                &__owner, &__args, |__target, #(#names),*| __target.#method #given);
            let __this = __p::Peel::of(&__p::Local::as_place(&mut __owner)).peel(__rec).known();
            let __token = __this.probe().#twin();
            #call
        })
    }
}

/// The token of the function that a path names. It is in an enum of that name; if there is no such enum, but
/// perhaps a module that happens to have the name, it is the token that stands for none.
///
/// Nothing of it is in scope outside, so that the call of one function can be an argument of another's.
pub fn token_of(path: &Path) -> TokenStream {
    let mut path = path.clone();
    path.segments.iter_mut().for_each(|it| it.arguments = syn::PathArguments::None);
    // What is in a module of the author's does not have the token's name.
    quote!(
        ({
            #[allow(unused_imports)]
            use __p::no_twin::*;
            {
                #[allow(unused_imports)]
                use #path as __JitTwin;
                {
                    #[allow(unused_imports)]
                    use __JitTwin::*;
                    __JitToken
                }
            }
        })
    )
}

/// Whether a path is that of a function that belongs to no type.
pub(super) fn is_free(callee: &syn::ExprPath) -> bool {
    callee.qself.is_none() && !is_associated(&callee.path) && !is_constructor(&callee.path)
}

/// `Variant(…)` rather than `function(…)`: by the naming convention.
pub(super) fn is_constructor(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident.to_string().starts_with(|c: char| c.is_ascii_uppercase()))
}
/// Methods of std's types that take their receiver by value: [`Owned`](../plumbing) has them.
const BY_VALUE: &[&str] = &[
    "unwrap",
    "expect",
    "unwrap_err",
    "expect_err",
    "unwrap_or",
    "unwrap_or_default",
    "ok",
    "err",
    "ok_or",
    "or",
    "and",
    "xor",
    "zip",
    // Those of iterators.
    "chain",
    "cloned",
    "collect",
    "copied",
    "count",
    "cycle",
    "enumerate",
    "fuse",
    "last",
    "max",
    "min",
    "peekable",
    "product",
    "rev",
    "skip",
    "step_by",
    "sum",
    "take",
    // Those of the entry of a map.
    "or_default",
    "or_insert",
    // Those of what owns its parts.
    "into_boxed_slice",
    "into_bytes",
    "into_iter",
    "into_keys",
    "into_string",
    "into_values",
];

/// Methods that `Box`, `Rc` and `Arc` have themselves, beside those of what they point to.
const OF_POINTERS: &[&str] = &[
    "clone",
    "clone_from",
    "to_owned",
    "as_ref",
    "as_mut",
    "deref",
    "deref_mut",
    "into",
    "try_into",
];

/// The type whose function a path names.
pub(super) fn type_of(callee: &syn::ExprPath) -> TokenStream {
    match &callee.qself {
        Some(qself) => qself.ty.to_token_stream(),
        None => {
            let mut ty = callee.path.clone();
            ty.segments.pop();
            ty.segments.pop_punct();
            ty.to_token_stream()
        }
    }
}

/// `Type::function` rather than `module::function`: by the naming convention.
pub(super) fn is_associated(path: &Path) -> bool {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "str", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
        "u64", "u128", "usize", "f32", "f64",
    ];
    let n = path.segments.len();
    n >= 2 && {
        let name = path.segments[n - 2].ident.to_string();
        let primitive = n == 2 && PRIMITIVES.contains(&name.as_str());
        primitive || name.starts_with(|c: char| c.is_ascii_uppercase())
    }
}

/// `f::<4>`: no token can be asked for with it.
fn has_constant_argument(path: &Path) -> bool {
    path.segments.iter().any(|segment| match &segment.arguments {
        syn::PathArguments::AngleBracketed(it) => {
            it.args.iter().any(|arg| matches!(arg, syn::GenericArgument::Const(_)))
        }
        _ => false,
    })
}
