//! Which rule a call takes, and what its variables stand for.
//!
//! rustc does not go back: what begins like a fragment has to be one, or the call is an error. So a fragment
//! that begins here but that syn cannot parse makes the whole call [`Unknown`], and never the next rule's.

use super::definition::{Unknown, one_token};
use super::hygiene;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use std::collections::BTreeMap;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Pat, Type};

/// A part of what a rule takes.
pub enum Matcher {
    /// Itself.
    Token(TokenTree),
    /// In brackets.
    Group(Delimiter, Vec<Matcher>),
    /// `$name:kind`.
    Fragment(String, Kind),
    /// `$(…) separator *`.
    Repeat { inner: Vec<Matcher>, separator: Vec<TokenTree>, how_often: Repetition },
}

/// How often a repetition is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    AtMostOnce,
    Any,
    AtLeastOnce,
}

impl Repetition {
    /// The one with this sign.
    pub fn of(sign: char) -> Option<Repetition> {
        match sign {
            '?' => Some(Repetition::AtMostOnce),
            '*' => Some(Repetition::Any),
            '+' => Some(Repetition::AtLeastOnce),
            _ => None,
        }
    }
}

/// What a variable stands for.
#[derive(Clone, Debug)]
pub enum Bound {
    /// Tokens.
    One { tokens: Vec<TokenTree>, is_type: bool },
    /// In a repetition.
    Many(Vec<Bound>),
}

/// By the names of variables.
pub type Bindings = BTreeMap<String, Bound>;

/// What the variables of a rule stand for if it takes these arguments.
pub fn matches(matchers: &[Matcher], args: &[TokenTree]) -> Result<Option<Bindings>, Unknown> {
    let mut bindings = Bindings::new();
    let taken = prefix(matchers, args, &mut bindings)?;
    Ok((taken == Some(args.len())).then_some(bindings))
}

/// How many trees of the input these take. A repetition takes all it can.
fn prefix(
    matchers: &[Matcher],
    input: &[TokenTree],
    bindings: &mut Bindings,
) -> Result<Option<usize>, Unknown> {
    let mut at = 0;
    for matcher in matchers {
        let rest = &input[at..];
        let taken = match (matcher, rest.first()) {
            (Matcher::Token(token), Some(first)) => is_same(token, first).then_some(1),
            (Matcher::Group(delimiter, inner), Some(TokenTree::Group(group))) => {
                let trees: Vec<_> = group.stream().into_iter().collect();
                let is_whole = group.delimiter() == *delimiter
                    && prefix(inner, &trees, bindings)? == Some(trees.len());
                is_whole.then_some(1)
            }
            (Matcher::Token(_) | Matcher::Group(..), _) => None,
            (Matcher::Fragment(name, kind), _) => {
                let found = kind.take(rest)?;
                found.map(|(taken, tokens)| {
                    let bound = Bound::One { tokens, is_type: *kind == Kind::Type };
                    bindings.insert(name.clone(), bound);
                    taken
                })
            }
            (Matcher::Repeat { inner, separator, how_often }, _) => {
                repeated(inner, separator, *how_often, rest, bindings)?
            }
        };
        let Some(taken) = taken else { return Ok(None) };
        at += taken;
    }
    Ok(Some(at))
}

fn repeated(
    inner: &[Matcher],
    separator: &[TokenTree],
    how_often: Repetition,
    input: &[TokenTree],
    bindings: &mut Bindings,
) -> Result<Option<usize>, Unknown> {
    let mut found: Vec<Bindings> = Vec::new();
    let mut at = 0;
    loop {
        let mut start = at;
        if !found.is_empty() {
            let is_next = |(number, token): (usize, &TokenTree)| {
                input.get(at + number).is_some_and(|it| is_same(token, it))
            };
            if how_often == Repetition::AtMostOnce || !separator.iter().enumerate().all(is_next) {
                break;
            }
            start += separator.len();
        }
        let mut own = Bindings::new();
        match prefix(inner, &input[start..], &mut own)? {
            Some(taken) if taken > 0 => {
                found.push(own);
                at = start + taken;
            }
            _ => break,
        }
    }
    if how_often == Repetition::AtLeastOnce && found.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    variables(inner, &mut names);
    for name in names {
        let each = found.iter_mut().filter_map(|own| own.remove(&name)).collect();
        bindings.insert(name, Bound::Many(each));
    }
    Ok(Some(at))
}

fn variables(matchers: &[Matcher], names: &mut Vec<String>) {
    for matcher in matchers {
        match matcher {
            Matcher::Token(_) => {}
            Matcher::Fragment(name, _) => names.push(name.clone()),
            Matcher::Group(_, inner) | Matcher::Repeat { inner, .. } => variables(inner, names),
        }
    }
}

fn is_same(token: &TokenTree, other: &TokenTree) -> bool {
    match (token, other) {
        (TokenTree::Punct(it), TokenTree::Punct(other)) => it.as_char() == other.as_char(),
        (TokenTree::Ident(it), TokenTree::Ident(other)) => *it == hygiene::unmarked(other),
        (TokenTree::Literal(it), TokenTree::Literal(other)) => {
            it.to_string() == hygiene::unmarked_literal(other).to_string()
        }
        _ => false,
    }
}

/// A kind of fragment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Block,
    Expr,
    Ident,
    Lifetime,
    Literal,
    /// With alternatives, or without.
    Pat(bool),
    Path,
    Stmt,
    Tt,
    Type,
    Vis,
}

impl Kind {
    /// The kind of this name.
    pub fn of(name: &Ident) -> Result<Kind, Unknown> {
        Ok(match name.to_string().as_str() {
            "block" => Kind::Block,
            "expr" | "expr_2021" => Kind::Expr,
            "ident" => Kind::Ident,
            "lifetime" => Kind::Lifetime,
            "literal" => Kind::Literal,
            "pat" => Kind::Pat(true),
            "pat_param" => Kind::Pat(false),
            "path" => Kind::Path,
            "stmt" => Kind::Stmt,
            "tt" => Kind::Tt,
            "ty" => Kind::Type,
            "vis" => Kind::Vis,
            _ => return Err(Unknown),
        })
    }

    /// How many trees such a fragment takes, and what it is transcribed to; `None` if none begins here.
    fn take(self, input: &[TokenTree]) -> Result<Option<(usize, Vec<TokenTree>)>, Unknown> {
        let raw = |taken: usize| Ok(Some((taken, input[..taken].to_vec())));
        let Some(first) = input.first() else {
            return if self == Kind::Vis { raw(0) } else { Ok(None) };
        };
        match (self, first) {
            (Kind::Tt, _) => raw(one_token(input)),
            (Kind::Ident, TokenTree::Ident(name)) if name != "_" => raw(1),
            (Kind::Lifetime, TokenTree::Punct(quote)) if quote.as_char() == '\'' => raw(2),
            (Kind::Literal, TokenTree::Literal(_)) => raw(1),
            (Kind::Literal, TokenTree::Ident(word)) if word == "true" || word == "false" => raw(1),
            (Kind::Literal, TokenTree::Punct(minus)) if minus.as_char() == '-' => {
                match input.get(1) {
                    Some(TokenTree::Literal(_)) => Ok(Some((2, grouped(&input[..2])))),
                    _ => Ok(None),
                }
            }
            (Kind::Block, TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                raw(1)
            }
            (
                Kind::Ident | Kind::Lifetime | Kind::Literal | Kind::Block,
                TokenTree::Group(group),
            ) if group.delimiter() == Delimiter::None => {
                // What rustc sees through depends on what it was before.
                Err(Unknown)
            }
            (Kind::Ident | Kind::Lifetime | Kind::Literal | Kind::Block, _) => Ok(None),
            (Kind::Vis, _) => {
                raw(length(input, |input| input.parse::<syn::Visibility>().map(drop))?)
            }
            (Kind::Expr, _) if !begins_expr(first)? => Ok(None),
            (Kind::Expr, _) => {
                let mut is_literal = false;
                let taken = length(input, |input| {
                    is_literal = matches!(input.parse()?, Expr::Lit(_));
                    Ok(())
                })?;
                match is_literal && taken == 1 {
                    true => raw(1),
                    false => Ok(Some((taken, grouped(&input[..taken])))),
                }
            }
            (Kind::Type, _) => {
                let mut is_path = false;
                let taken = length(input, |input| {
                    is_path = matches!(input.parse()?, Type::Path(_));
                    Ok(())
                })?;
                match is_path {
                    true => raw(taken),
                    false => Ok(Some((taken, parenthesized(&input[..taken])))),
                }
            }
            (Kind::Pat(_), TokenTree::Punct(it)) if [',', '=', ';'].contains(&it.as_char()) => {
                Ok(None)
            }
            (Kind::Pat(alternatives), _) => {
                let mut is_several = false;
                let taken = length(input, |input| {
                    let pat = match alternatives {
                        true => Pat::parse_multi_with_leading_vert(input)?,
                        false => Pat::parse_single(input)?,
                    };
                    is_several = matches!(pat, Pat::Or(_));
                    Ok(())
                })?;
                match is_several {
                    true => Ok(Some((taken, parenthesized(&input[..taken])))),
                    false => raw(taken),
                }
            }
            (Kind::Path, TokenTree::Literal(_)) => Ok(None),
            (Kind::Path, _) => raw(length(input, |input| input.parse::<syn::Path>().map(drop))?),
            // syn wants the semicolon that is not part of the fragment.
            (Kind::Stmt, _) => Err(Unknown),
        }
    }
}

/// How much of the input is parsed.
fn length(
    input: &[TokenTree],
    parse: impl FnOnce(ParseStream) -> syn::Result<()>,
) -> Result<usize, Unknown> {
    let parser = |stream: ParseStream| {
        parse(stream)?;
        stream.parse::<TokenStream>()
    };
    let rest = parser.parse2(input.iter().cloned().collect()).map_err(|_| Unknown)?;
    input.len().checked_sub(rest.into_iter().count()).ok_or(Unknown)
}

/// One operand, whatever stands beside it.
fn grouped(tokens: &[TokenTree]) -> Vec<TokenTree> {
    match tokens {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => tokens.to_vec(),
        _ => vec![in_group(Delimiter::None, tokens)],
    }
}

/// The same of a type or a pattern, for which rustc takes parentheses.
fn parenthesized(tokens: &[TokenTree]) -> Vec<TokenTree> {
    vec![in_group(Delimiter::Parenthesis, tokens)]
}

fn in_group(delimiter: Delimiter, tokens: &[TokenTree]) -> TokenTree {
    Group::new(delimiter, tokens.iter().cloned().collect()).into()
}

/// Whether rustc looks for an expression here.
fn begins_expr(token: &TokenTree) -> Result<bool, Unknown> {
    const OTHERS: &[&str] = &[
        "as", "dyn", "else", "enum", "extern", "fn", "impl", "in", "let", "mod", "mut", "pub",
        "ref", "struct", "trait", "type", "use", "where",
    ];
    match token {
        // Whether these are expressions depends on the edition.
        TokenTree::Ident(word) if word == "_" || word == "const" => Err(Unknown),
        TokenTree::Ident(word) => Ok(!OTHERS.iter().any(|other| word.unraw() == other)),
        TokenTree::Punct(it) => Ok("!-*|&.<:#'".contains(it.as_char())),
        TokenTree::Group(_) | TokenTree::Literal(_) => Ok(true),
    }
}
