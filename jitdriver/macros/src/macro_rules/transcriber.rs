//! What a rule writes.

use super::definition::{Unknown, repetition};
use super::hygiene::{self, Mark};
use super::matcher::{Bindings, Bound};
use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// The right side of a rule with what its variables stand for.
pub fn transcribe(
    tokens: &[TokenTree],
    bindings: &Bindings,
    mark: Mark,
    at: Span,
) -> Result<TokenStream, Unknown> {
    let mut out = Vec::new();
    Transcriber { mark, at }.write(tokens, bindings, &mut out)?;
    Ok(out.into_iter().collect())
}

struct Transcriber {
    mark: Mark,
    at: Span,
}

impl Transcriber {
    fn write(
        &self,
        mut tokens: &[TokenTree],
        bindings: &Bindings,
        out: &mut Vec<TokenTree>,
    ) -> Result<(), Unknown> {
        loop {
            tokens = match tokens {
                [] => return Ok(()),
                [TokenTree::Punct(dollar), rest @ ..] if dollar.as_char() == '$' => match rest {
                    [TokenTree::Ident(word), rest @ ..] if word == "crate" => {
                        out.push(Ident::new("crate", self.place(word.span())).into());
                        rest
                    }
                    [TokenTree::Ident(name), rest @ ..] => {
                        // `$` before another name is for a macro that is defined by this one.
                        let Some(Bound::One { tokens, is_type }) = bindings.get(&name.to_string())
                        else {
                            return Err(Unknown);
                        };
                        match *is_type && is_path_separator(rest) {
                            true => out.extend(quote!(< #(#tokens)* >)),
                            false => out.extend(tokens.iter().cloned()),
                        }
                        rest
                    }
                    [TokenTree::Group(group), rest @ ..]
                        if group.delimiter() == Delimiter::Parenthesis =>
                    {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        let (separator, _, rest) = repetition(rest)?;
                        self.repeat(&inner, &separator, bindings, out)?;
                        rest
                    }
                    _ => return Err(Unknown),
                },
                [first, rest @ ..] => {
                    let is_no_variable = is_no_variable(out, first, rest);
                    let token = match first {
                        TokenTree::Group(group) => {
                            let inner: Vec<_> = group.stream().into_iter().collect();
                            let mut written = Vec::new();
                            self.write(&inner, bindings, &mut written)?;
                            let tokens = written.into_iter().collect();
                            Group::new(group.delimiter(), tokens).into()
                        }
                        TokenTree::Ident(name) if !is_no_variable => {
                            hygiene::marked(name, self.mark).into()
                        }
                        TokenTree::Literal(literal) => {
                            hygiene::marked_literal(literal, self.mark).into()
                        }
                        other => other.clone(),
                    };
                    out.push(self.placed(token));
                    rest
                }
            };
        }
    }

    fn repeat(
        &self,
        inner: &[TokenTree],
        separator: &[TokenTree],
        bindings: &Bindings,
        out: &mut Vec<TokenTree>,
    ) -> Result<(), Unknown> {
        let mut named = Vec::new();
        variables(inner, &mut named);
        let many = |name: &String| match bindings.get(name) {
            Some(Bound::Many(each)) => Some((name.clone(), each)),
            _ => None,
        };
        let repeated: Vec<_> = named.iter().filter_map(many).collect();
        let how_often = repeated.first().ok_or(Unknown)?.1.len();
        if repeated.iter().any(|(_, each)| each.len() != how_often) {
            return Err(Unknown);
        }
        for number in 0..how_often {
            if number > 0 {
                out.extend(separator.iter().map(|token| self.placed(token.clone())));
            }
            let mut bindings = bindings.clone();
            bindings
                .extend(repeated.iter().map(|(name, each)| (name.clone(), each[number].clone())));
            self.write(inner, &bindings, out)?;
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Span {
        span.located_at(self.at)
    }

    fn placed(&self, mut token: TokenTree) -> TokenTree {
        token.set_span(self.place(token.span()));
        token
    }
}

/// Whether a word is no name (`raw` of `&raw const x`), or one of a macro or in a path: those are not of the
/// macro alone.
fn is_no_variable(before: &[TokenTree], token: &TokenTree, after: &[TokenTree]) -> bool {
    let punct = |token: &TokenTree, c| matches!(token, TokenTree::Punct(it) if it.as_char() == c);
    let word = |token: &TokenTree, text| matches!(token, TokenTree::Ident(it) if it == text);
    let is_raw = word(token, "raw")
        && before.last().is_some_and(|it| punct(it, '&'))
        && after.first().is_some_and(|it| word(it, "const") || word(it, "mut"));
    let is_called = matches!(after, [bang, TokenTree::Group(_), ..] if punct(bang, '!'));
    let is_defined =
        matches!(before, [.., name, bang] if word(name, "macro_rules") && punct(bang, '!'));
    let is_last = matches!(before, [.., first, second] if punct(first, ':') && punct(second, ':'));
    is_raw || is_called || is_defined || is_last || is_path_separator(after)
}

fn is_path_separator(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second), ..] => {
            first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':'
        }
        _ => false,
    }
}

fn variables(tokens: &[TokenTree], names: &mut Vec<String>) {
    for (number, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => {
                if let Some(TokenTree::Ident(name)) = tokens.get(number + 1) {
                    names.push(name.to_string());
                }
            }
            TokenTree::Group(group) => {
                variables(&group.stream().into_iter().collect::<Vec<_>>(), names);
            }
            _ => {}
        }
    }
}
