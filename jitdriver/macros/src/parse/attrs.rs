//! What may carry `#[jit]`, and the attributes beside it: `#[elidable]`, `#[elidable_promote]`,
//! `#[loop_invariant]`, `#[not_in_trace]`, `#[dont_look_inside]`, `#[unroll_safe]`.
//!
//! Invariant: of these at most one is set, because each answers the same question in another way:
//! what does the recorder do at a call of this function?
//!
//! Why are RPython's combinations not allowed? There `elidable` with `dont_look_inside` says the same
//! thing twice; here saying it once is the only way.

use crate::parse::Mistakes;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, ImplItem, Item, Meta, Signature, TraitItem};

/// The names of the attributes.
pub const FN_HINTS: [&str; 6] = [
    "elidable",
    "dont_look_inside",
    "unroll_safe",
    "elidable_promote",
    "loop_invariant",
    "not_in_trace",
];

/// What the attributes of a function say about calls of it.
#[derive(Debug, Clone, Default)]
pub struct FnHints {
    /// The result depends on the arguments only, and there are no effects: a call that folds.
    pub elidable: bool,
    /// Called, never traced into.
    pub dont_look_inside: bool,
    /// Its loops are unrolled into the trace.
    pub unroll_safe: bool,
    /// As elidable, with promoted arguments.
    pub elidable_promote: bool,
    /// As elidable, as long as a loop runs.
    pub loop_invariant: bool,
    /// Not called by compiled code.
    pub not_in_trace: bool,
    /// The attribute that says so.
    pub given: Option<Ident>,
}

impl FnHints {
    /// The error for a function that has a merge point: how it is called is up to its driver.
    pub fn forbid_on_portal(&self) -> syn::Result<()> {
        match &self.given {
            None => Ok(()),
            Some(name) => Err(syn::Error::new(
                name.span(),
                format!(
                    "a function with `jit_merge_point!` cannot be `#[{name}]`; remove one of them"
                ),
            )),
        }
    }

    fn set(&mut self, name: &Ident) {
        let flags = [
            &mut self.elidable,
            &mut self.dont_look_inside,
            &mut self.unroll_safe,
            &mut self.elidable_promote,
            &mut self.loop_invariant,
            &mut self.not_in_trace,
        ];
        for (flag, known) in flags.into_iter().zip(FN_HINTS) {
            *flag = name == known;
        }
        self.given = Some(name.clone());
    }
}

/// Whether an attribute is one of them, by the last segment of its path.
pub fn is_hint_attribute(attr: &Attribute) -> bool {
    name_of(attr).is_some_and(|name| FN_HINTS.iter().any(|known| name == known))
}

fn name_of(attr: &Attribute) -> Option<&Ident> {
    Some(&attr.path().segments.last()?.ident)
}

/// An item that uses the imports of those attributes, for when they are taken off: the author's
/// `use jitdriver::elidable` is not unused.
pub fn keep_imports<'a>(attrs: impl IntoIterator<Item = &'a Attribute>) -> TokenStream {
    let ours = attrs.into_iter().filter(|attr| is_hint_attribute(attr));
    let mut names: Vec<_> = ours.filter_map(|attr| attr.path().get_ident()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return TokenStream::new();
    }
    quote!(const _: () = { #(#[allow(unused_imports)] use #names as _;)* };)
}

/// Reads those attributes; others are not looked at.
pub fn function_attrs(attrs: &[Attribute]) -> syn::Result<FnHints> {
    let mut hints = FnHints::default();
    let mut mistakes = Mistakes::default();
    for attr in attrs.iter().filter(|attr| is_hint_attribute(attr)) {
        let name = name_of(attr).expect("`is_hint_attribute` looked at it");
        mistakes.add(no_attr_arguments(name, attr));
        match &hints.given {
            None => hints.set(name),
            Some(first) => mistakes.span(name.span(), conflict(first, name)),
        }
    }
    mistakes.finish().map(|()| hints)
}

fn conflict(first: &Ident, second: &Ident) -> String {
    if first == second {
        return format!("`#[{second}]` is given twice; remove one");
    }
    match [first, second].map(Ident::to_string).each_ref().map(String::as_str) {
        ["elidable", "dont_look_inside"] | ["dont_look_inside", "elidable"] => {
            "`#[elidable]` functions are never looked into; remove `#[dont_look_inside]`".into()
        }
        _ => format!("`#[{second}]` contradicts `#[{first}]`; remove one of them"),
    }
}

fn no_attr_arguments(name: &Ident, attr: &Attribute) -> syn::Result<()> {
    let message = format!("`#[{name}]` takes no arguments");
    match &attr.meta {
        Meta::Path(_) => Ok(()),
        Meta::List(it) if it.tokens.is_empty() => {
            Err(syn::Error::new(it.delimiter.span().join(), message))
        }
        Meta::List(it) => Err(syn::Error::new_spanned(&it.tokens, message)),
        Meta::NameValue(it) => Err(syn::Error::new_spanned(&it.value, message)),
    }
}

/// Checks that an item can carry `#[not_in_trace]`.
pub fn answers_nothing(item: &Item) -> syn::Result<()> {
    match item {
        Item::Fn(it) => no_result(&it.sig),
        _ => Ok(()),
    }
}

fn no_result(sig: &Signature) -> syn::Result<()> {
    match &sig.output {
        syn::ReturnType::Type(_, ty) if !matches!(&**ty, syn::Type::Tuple(it) if it.elems.is_empty()) =>
        {
            let message = "a `#[not_in_trace]` function answers nothing, since compiled code does not call it; remove the result";
            Err(syn::Error::new_spanned(ty, message))
        }
        _ => Ok(()),
    }
}

/// Checks that an item can carry `#[jit]`.
pub fn check_item(item: &Item) -> syn::Result<()> {
    match item {
        Item::Fn(it) => check_signature(&it.sig).and_then(|()| check_free(&it.sig)),
        Item::Impl(it) => {
            let mut mistakes = Mistakes::default();
            for item in &it.items {
                if let ImplItem::Fn(method) = item {
                    mistakes.add(check_signature(&method.sig));
                }
            }
            mistakes.finish()
        }
        Item::Trait(it) => {
            let mut mistakes = Mistakes::default();
            let attrs = it.items.iter().flat_map(|item| match item {
                TraitItem::Fn(function) => &function.attrs[..],
                _ => &[],
            });
            for hint in attrs.filter(|attr| is_hint_attribute(attr)) {
                let message = "a trait does not say how its functions are traced; put the hint on those of its `impl` blocks";
                mistakes.at(hint.path(), message);
            }
            mistakes.finish()
        }
        Item::Struct(_) | Item::Enum(_) | Item::Const(_) | Item::Static(_) => Ok(()),
        // A `macro_rules!` item, not the call of a macro.
        Item::Macro(it) if it.ident.is_some() => Ok(()),
        other => Err(wrong_item(other)),
    }
}

fn check_signature(sig: &Signature) -> syn::Result<()> {
    if let Some(asyncness) = &sig.asyncness {
        let message = "`#[jit]` cannot trace an `async fn`; trace the functions that it calls";
        return Err(syn::Error::new(asyncness.span, message));
    }
    match &sig.variadic {
        Some(variadic) => Err(syn::Error::new_spanned(
            variadic,
            "`#[jit]` cannot trace a function with any number of arguments",
        )),
        None => Ok(()),
    }
}

fn check_free(sig: &Signature) -> syn::Result<()> {
    match sig.receiver() {
        Some(receiver) => Err(syn::Error::new_spanned(
            receiver,
            "put `#[jit]` on the `impl` block, not on one of its methods",
        )),
        None => Ok(()),
    }
}

fn wrong_item(item: &Item) -> syn::Error {
    let (span, what) = describe(item);
    let message = format!(
        "`#[jit]` goes on a `fn`, an `impl` block, a `trait`, a `struct`, an `enum`, a `macro_rules!` or a table of functions, not on {what}"
    );
    syn::Error::new(span, message)
}

/// The token that tells what an item is, and what to call it.
fn describe(item: &Item) -> (Span, &'static str) {
    match item {
        Item::Enum(it) => (it.enum_token.span, "an `enum`"),
        Item::ExternCrate(it) => (it.extern_token.span, "an `extern crate`"),
        Item::ForeignMod(it) => (it.abi.extern_token.span, "an `extern` block"),
        Item::Macro(it) => (span_of(&it.mac.path), "the call of a macro"),
        Item::Mod(it) => (it.mod_token.span, "a `mod`"),
        Item::Struct(it) => (it.struct_token.span, "a `struct`"),
        Item::TraitAlias(it) => (it.trait_token.span, "a `trait` alias"),
        Item::Type(it) => (it.type_token.span, "a `type`"),
        Item::Union(it) => (it.union_token.span, "a `union`"),
        Item::Use(it) => (it.use_token.span, "a `use`"),
        other => (span_of(other), "this"),
    }
}

fn span_of(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::check_error;
    use expect_test::expect;

    fn attrs(source: &str) -> syn::Result<FnHints> {
        function_attrs(&syn::parse_str::<syn::ItemFn>(&format!("{source} fn f() {{}}"))?.attrs)
    }

    fn item(source: &str) -> syn::Result<()> {
        check_item(&syn::parse_str(source)?)
    }

    #[test]
    fn one_attribute_is_read() {
        assert!(attrs("#[inline] #[elidable]").unwrap().elidable);
        assert!(attrs("#[jitdriver::dont_look_inside]").unwrap().dont_look_inside);
        assert!(attrs("#[unroll_safe] #[doc = \"x\"]").unwrap().unroll_safe);
        assert!(attrs("#[inline]").unwrap().given.is_none());
        assert!(attrs("#[inline]").unwrap().forbid_on_portal().is_ok());
    }

    #[test]
    fn imports_are_kept() {
        let item: syn::ItemFn = syn::parse_quote!(
            #[inline]
            #[elidable]
            #[jitdriver::unroll_safe]
            fn f() {}
        );
        assert_eq!(
            keep_imports(&item.attrs).to_string(),
            quote!(
                const _: () = {
                    #[allow(unused_imports)]
                    use elidable as _;
                };
            )
            .to_string()
        );
        assert!(keep_imports(&item.attrs[..1]).is_empty());
    }

    #[test]
    fn contradictions() {
        check_error(
            attrs("#[elidable] #[unroll_safe]"),
            expect!["1:15 `#[unroll_safe]` contradicts `#[elidable]`; remove one of them"],
        );
        check_error(
            attrs("#[elidable] #[dont_look_inside]"),
            expect![
                "1:15 `#[elidable]` functions are never looked into; remove `#[dont_look_inside]`"
            ],
        );
        check_error(
            attrs("#[elidable] #[elidable]"),
            expect!["1:15 `#[elidable]` is given twice; remove one"],
        );
        check_error(
            attrs("#[elidable]").and_then(|hints| hints.forbid_on_portal()),
            expect![
                "1:3 a function with `jit_merge_point!` cannot be `#[elidable]`; remove one of them"
            ],
        );
    }

    #[test]
    fn arguments() {
        check_error(attrs("#[elidable(1 + 1)]"), expect!["1:12 `#[elidable]` takes no arguments"]);
        check_error(attrs("#[elidable()]"), expect!["1:11 `#[elidable]` takes no arguments"]);
        check_error(attrs("#[elidable = 1]"), expect!["1:14 `#[elidable]` takes no arguments"]);
    }

    #[test]
    fn items() {
        assert!(item("pub const unsafe fn f() {}").is_ok());
        assert!(item("extern \"C\" fn f() {}").is_ok());
        assert!(item("impl A { fn f(&self) {} }").is_ok());
        assert!(item("pub struct A;").is_ok());
        assert!(item("macro_rules! m { () => {} }").is_ok());
        check_error(
            item("thread_local! { static A: u8 = 1; }"),
            expect![
                "1:1 `#[jit]` goes on a `fn`, an `impl` block, a `trait`, a `struct`, an `enum`, a `macro_rules!` or a table of functions, not on the call of a macro"
            ],
        );
        assert!(item("pub trait A { fn f(&self) {} }").is_ok());
        check_error(
            item("pub trait A { #[elidable] fn f(&self); }"),
            expect![
                "1:17 a trait does not say how its functions are traced; put the hint on those of its `impl` blocks"
            ],
        );
        check_error(
            item("pub async fn f() {}"),
            expect!["1:5 `#[jit]` cannot trace an `async fn`; trace the functions that it calls"],
        );
        check_error(
            item("impl A { async fn f() {} async fn g() {} }"),
            expect![[r#"
                1:10 `#[jit]` cannot trace an `async fn`; trace the functions that it calls
                1:26 `#[jit]` cannot trace an `async fn`; trace the functions that it calls"#]],
        );
        check_error(
            item("fn f(&self) {}"),
            expect!["1:6 put `#[jit]` on the `impl` block, not on one of its methods"],
        );
    }
}
