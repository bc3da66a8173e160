//! A `macro_rules!` item, taken apart.

use super::hygiene::Mark;
use super::matcher::{self, Kind, Matcher, Repetition};
use super::transcriber;
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Something that this expander does not understand: the call is left to rustc.
#[derive(Debug)]
pub struct Unknown;

/// The rules of a macro.
pub struct Definition {
    rules: Vec<Rule>,
    /// Of its tokens.
    pub fingerprint: u64,
}

struct Rule {
    matcher: Vec<Matcher>,
    transcriber: Vec<TokenTree>,
}

impl Definition {
    /// The definition with these tokens between its braces.
    pub fn new(tokens: &TokenStream) -> Result<Definition, Unknown> {
        let trees: Vec<_> = tokens.clone().into_iter().collect();
        let mut rules = Vec::new();
        let mut rest = &trees[..];
        while let [TokenTree::Group(left), arrow @ ..] = rest {
            let [
                TokenTree::Punct(equals),
                TokenTree::Punct(greater),
                TokenTree::Group(right),
                after @ ..,
            ] = arrow
            else {
                return Err(Unknown);
            };
            if equals.as_char() != '=' || greater.as_char() != '>' {
                return Err(Unknown);
            }
            rules.push(Rule {
                matcher: matchers(&left.stream().into_iter().collect::<Vec<_>>())?,
                transcriber: right.stream().into_iter().collect(),
            });
            rest = match after {
                [TokenTree::Punct(semi), after @ ..] if semi.as_char() == ';' => after,
                after => after,
            };
        }
        let mut hasher = DefaultHasher::new();
        tokens.to_string().hash(&mut hasher);
        match rest.is_empty() {
            true => Ok(Definition { rules, fingerprint: hasher.finish() }),
            false => Err(Unknown),
        }
    }

    /// What a call with these arguments stands for. The tokens of the macro are at the place `at`, as rustc
    /// has them for panics, and its names carry the mark.
    pub fn expand(&self, args: TokenStream, mark: Mark, at: Span) -> Result<TokenStream, Unknown> {
        let args: Vec<_> = args.into_iter().collect();
        for rule in &self.rules {
            if let Some(bindings) = matcher::matches(&rule.matcher, &args)? {
                return transcriber::transcribe(&rule.transcriber, &bindings, mark, at);
            }
        }
        Err(Unknown)
    }
}

fn matchers(mut tokens: &[TokenTree]) -> Result<Vec<Matcher>, Unknown> {
    let mut out = Vec::new();
    loop {
        tokens = match tokens {
            [] => return Ok(out),
            [TokenTree::Punct(dollar), TokenTree::Group(group), rest @ ..]
                if dollar.as_char() == '$' && group.delimiter() == Delimiter::Parenthesis =>
            {
                let inner = matchers(&group.stream().into_iter().collect::<Vec<_>>())?;
                let (separator, how_often, rest) = repetition(rest)?;
                out.push(Matcher::Repeat { inner, separator, how_often });
                rest
            }
            [
                TokenTree::Punct(dollar),
                TokenTree::Ident(name),
                TokenTree::Punct(colon),
                TokenTree::Ident(kind),
                rest @ ..,
            ] if dollar.as_char() == '$' && colon.as_char() == ':' => {
                out.push(Matcher::Fragment(name.to_string(), Kind::of(kind)?));
                rest
            }
            [TokenTree::Punct(dollar), ..] if dollar.as_char() == '$' => return Err(Unknown),
            [TokenTree::Group(group), rest @ ..] => {
                let inner = matchers(&group.stream().into_iter().collect::<Vec<_>>())?;
                out.push(Matcher::Group(group.delimiter(), inner));
                rest
            }
            [token, rest @ ..] => {
                out.push(Matcher::Token(token.clone()));
                rest
            }
        };
    }
}

/// What stands behind `$(…)`: a separator, `?`, `*` or `+`; and the rest.
pub fn repetition(
    tokens: &[TokenTree],
) -> Result<(Vec<TokenTree>, Repetition, &[TokenTree]), Unknown> {
    let how_often = |token: &TokenTree| match token {
        TokenTree::Punct(it) => Repetition::of(it.as_char()),
        _ => None,
    };
    let first = tokens.first().ok_or(Unknown)?;
    if let Some(how_often) = how_often(first) {
        return Ok((Vec::new(), how_often, &tokens[1..]));
    }
    let (separator, rest) = tokens.split_at(one_token(tokens));
    let (last, rest) = rest.split_first().ok_or(Unknown)?;
    Ok((separator.to_vec(), how_often(last).ok_or(Unknown)?, rest))
}

/// How many trees the first token of rustc's is: operators and lifetimes are several.
pub fn one_token(tokens: &[TokenTree]) -> usize {
    const OPERATORS: &[&str] = &[
        "&&", "||", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<<=", ">>=", "==",
        "!=", ">=", "<=", "..", "...", "..=", "::", "->", "=>", "<-",
    ];
    match tokens {
        [] => 0,
        [TokenTree::Punct(quote), TokenTree::Ident(_), ..] if quote.as_char() == '\'' => 2,
        _ => {
            let mut text = String::new();
            let mut longest = 1;
            for (number, token) in tokens.iter().take(3).enumerate() {
                let TokenTree::Punct(punct) = token else { break };
                text.push(punct.as_char());
                if OPERATORS.contains(&text.as_str()) {
                    longest = number + 1;
                }
                if punct.spacing() == Spacing::Alone {
                    break;
                }
            }
            longest
        }
    }
}
