//! What is left of an item with mistakes.
//!
//! The item has to be emitted beside its errors, else every use of it would be one more error. But its
//! hints have had their say: one that is expanded by itself is an error, and so is `#[unroll_safe]`.
//! And a driver that only hints use is not unused.
//!
//! Why on tokens? So it works on what does not parse as an item.

use super::HintKind;
use super::attrs::FN_HINTS;
use crate::syntax::regrouped;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// An item as it is emitted beside its errors: with the arguments of each hint taken out, without
/// the attributes of [`super::FnHints`], and without warnings of what is now unused.
pub fn beside_errors(item: TokenStream) -> TokenStream {
    let silent = without_hints(item);
    quote::quote!(#[allow(unused)] #silent)
}

fn without_hints(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if ends_in_attribute(&out, &group) => {
                out.pop();
            }
            TokenTree::Group(group) => {
                let inner = match ends_in_hint(&out) {
                    true => TokenStream::new(),
                    false => without_hints(group.stream()),
                };
                out.push(regrouped(&group, inner).into());
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// `… jit_merge_point !`
fn ends_in_hint(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(bang)] => {
            bang.as_char() == '!' && HintKind::from_name(&name.to_string()).is_some()
        }
        _ => false,
    }
}

/// `… #` and `[elidable]`, `[jitdriver::elidable(…)]`
fn ends_in_attribute(before: &[TokenTree], group: &Group) -> bool {
    let pound = matches!(before.last(), Some(TokenTree::Punct(it)) if it.as_char() == '#');
    let is_path = |token: &TokenTree| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    };
    let path: Vec<_> = group.stream().into_iter().take_while(is_path).collect();
    pound
        && group.delimiter() == Delimiter::Bracket
        && path.last().is_some_and(|name| FN_HINTS.contains(&name.to_string().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[track_caller]
    fn check(tokens: TokenStream, expected: TokenStream) {
        assert_eq!(without_hints(tokens).to_string(), expected.to_string());
    }

    #[test]
    fn hints_are_emptied() {
        check(
            quote! { fn f() { loop { jit_merge_point!(d, greens = [], reds = []); g(a); } } },
            quote! { fn f() { loop { jit_merge_point!(); g(a); } } },
        );
        check(
            quote! { jitdriver::can_enter_jit! { what } },
            quote! { jitdriver::can_enter_jit! {} },
        );
    }

    #[test]
    fn attributes_are_removed() {
        check(
            quote! { #[inline] #[elidable(1)] fn f() {} impl A { #[jitdriver::unroll_safe] fn g() {} } },
            quote! { #[inline] fn f() {} impl A { fn g() {} } },
        );
        check(
            quote! { #[doc = "elidable"] a[elidable] },
            quote! { #[doc = "elidable"] a[elidable] },
        );
    }
}
