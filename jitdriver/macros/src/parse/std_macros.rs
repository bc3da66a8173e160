//! The arguments of the well-known std macros, and of hints with arguments like theirs, as expressions.
//!
//! An attribute macro sees `println!("{x}", y)` unexpanded. To know which variables it uses, its
//! arguments are parsed here by the rules of that macro, and the names captured inside of format
//! strings are found.
//!
//! Invariant: what is not understood is `None`, never a shorter list. The caller then has to assume
//! the worst of every token ([`crate::scope`] does).
//!
//! Why by the macro's last name? `std::println!` and `println!` are the same; whoever names his own
//! macro `println` and gives it other syntax gets `None`.

use proc_macro2::{Ident, Literal, Span};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitStr, Macro, Pat, Token};

/// What a std macro is given.
#[derive(Default)]
pub struct Args {
    /// The arguments in order, format strings included; of `name = value` the value.
    pub exprs: Vec<Expr>,
    /// The variables that the format string names: `x` and `w` of `"{x:>w$}"`.
    pub captures: Vec<Ident>,
    /// The pattern of `matches!` or `record_exact_variant!`, with its guard.
    pub pat: Option<Pat>,
}

#[derive(Clone, Copy)]
enum Syntax {
    /// So many expressions, then perhaps a format string and its arguments.
    Format(usize),
    /// Expressions.
    List,
    /// `[value; count]` or a list.
    Vec,
    /// `matches!(value, pattern if guard)`.
    Matches,
}

const TABLE: &[(&str, Syntax)] = &[
    ("print", Syntax::Format(0)),
    ("println", Syntax::Format(0)),
    ("eprint", Syntax::Format(0)),
    ("eprintln", Syntax::Format(0)),
    ("format", Syntax::Format(0)),
    ("format_args", Syntax::Format(0)),
    ("panic", Syntax::Format(0)),
    ("todo", Syntax::Format(0)),
    ("unimplemented", Syntax::Format(0)),
    ("unreachable", Syntax::Format(0)),
    ("write", Syntax::Format(1)),
    ("writeln", Syntax::Format(1)),
    ("assert", Syntax::Format(1)),
    ("debug_assert", Syntax::Format(1)),
    ("assert_eq", Syntax::Format(2)),
    ("assert_ne", Syntax::Format(2)),
    ("debug_assert_eq", Syntax::Format(2)),
    ("debug_assert_ne", Syntax::Format(2)),
    ("dbg", Syntax::List),
    ("vec", Syntax::Vec),
    ("matches", Syntax::Matches),
    ("record_exact_variant", Syntax::Matches),
];

/// The arguments of a std macro, or `None` for another macro or for arguments it does not take.
pub fn args(mac: &Macro) -> Option<Args> {
    let name = &mac.path.segments.last()?.ident;
    let (_, syntax) = TABLE.iter().find(|(known, _)| name == known)?;
    let parser = |input: ParseStream| match *syntax {
        Syntax::Format(before) => format_args(input, before),
        Syntax::List => list(input),
        Syntax::Vec => vec_args(input),
        Syntax::Matches => matches_args(input),
    };
    parser.parse2(mac.tokens.clone()).ok()
}

fn list(input: ParseStream) -> syn::Result<Args> {
    let exprs = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
    Ok(Args { exprs: exprs.into_iter().collect(), ..Args::default() })
}

fn vec_args(input: ParseStream) -> syn::Result<Args> {
    if input.is_empty() {
        return Ok(Args::default());
    }
    let mut exprs = vec![input.parse()?];
    if input.parse::<Option<Token![;]>>()?.is_some() {
        exprs.push(input.parse()?);
    } else if input.parse::<Option<Token![,]>>()?.is_some() {
        exprs.append(&mut list(input)?.exprs);
    }
    Ok(Args { exprs, ..Args::default() })
}

fn matches_args(input: ParseStream) -> syn::Result<Args> {
    let value = input.parse()?;
    input.parse::<Token![,]>()?;
    let mut pat = Pat::parse_multi_with_leading_vert(input)?;
    if input.peek(Token![if]) {
        let if_token = input.parse()?;
        let guard = input.parse()?;
        pat = Pat::Guard(syn::PatGuard { attrs: Vec::new(), pat: Box::new(pat), if_token, guard });
    }
    input.parse::<Option<Token![,]>>()?;
    Ok(Args { exprs: vec![value], pat: Some(pat), ..Args::default() })
}

fn format_args(input: ParseStream, before: usize) -> syn::Result<Args> {
    let given = list(input)?.exprs;
    let captured = match given.get(before) {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => captures_of(text),
        _ => Vec::new(),
    };
    let mut named = Vec::new();
    let mut exprs = Vec::new();
    for (index, arg) in given.into_iter().enumerate() {
        match arg {
            Expr::Assign(it) if index > before && crate::scope::as_ident(&it.left).is_some() => {
                named.extend(crate::scope::as_ident(&it.left).cloned());
                exprs.push(*it.right);
            }
            other => exprs.push(other),
        }
    }
    // `println!("{x}", x = y)` names its argument, not a variable.
    let captures = captured.into_iter().filter(|name| !named.contains(name)).collect();
    Ok(Args { exprs, captures, pat: None })
}

fn captures_of(text: &LitStr) -> Vec<Ident> {
    identifiers(&text.value(), text.span())
}

/// The names that a token captures if it is a format string.
pub fn captures_of_token(literal: &Literal) -> Vec<Ident> {
    match Lit::new(literal.clone()) {
        Lit::Str(text) => captures_of(&text),
        _ => Vec::new(),
    }
}

fn identifiers(text: &str, span: Span) -> Vec<Ident> {
    let names = format_captures(text).into_iter();
    // What is not an identifier (`{fn}`, and `{}` in text that is no format string) names nothing.
    names
        .filter(|name| syn::parse_str::<Ident>(name).is_ok() || name == "self")
        .map(|name| Ident::new(&name, span))
        .collect()
}

/// The names that a format string captures, each once: of `{x}`, `{x:?}`, `{x:>width$.prec$}`.
pub fn format_captures(literal: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for placeholder in placeholders(literal) {
        let (argument, spec) = placeholder.split_once(':').unwrap_or((placeholder, ""));
        let counts = spec.match_indices('$').map(|(end, _)| last_word(&spec[..end]));
        for name in std::iter::once(argument.trim()).chain(counts) {
            if is_name(name) && !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
    }
    names
}

/// What stands between braces; `{{` and `}}` are text.
fn placeholders(literal: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = literal;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        if let Some(escaped) = rest.strip_prefix('{') {
            rest = escaped;
        } else if let Some(close) = rest.find('}') {
            found.push(&rest[..close]);
            rest = &rest[close + 1..];
        }
    }
    found
}

fn last_word(text: &str) -> &str {
    let word = text.rfind(|c: char| !is_word(c)).map_or(text, |at| {
        let after = text[at..].chars().next().map_or(0, char::len_utf8);
        &text[at + after..]
    });
    // `{:0width$}`: the zero is a flag.
    word.strip_prefix('0').unwrap_or(word)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(is_word)
        && !word.starts_with(char::is_numeric)
        && word != "_"
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;
    use syn::parse_quote;

    #[track_caller]
    fn check_captures(literal: &str, names: &[&str]) {
        assert_eq!(format_captures(literal), names, "in {literal:?}");
    }

    #[test]
    fn captured_names() {
        check_captures("", &[]);
        check_captures("{} {0} {:?} {1:>5}", &[]);
        check_captures("{x}{y:?}{x}", &["x", "y"]);
        check_captures("{x:>width$.prec$}", &["x", "width", "prec"]);
        check_captures("{:08} {:0w$} {:é>w2$x}", &["w", "w2"]);
        check_captures("{{x}} {{{y}}}", &["y"]);
        check_captures("{ x } {größe}", &["x", "größe"]);
        check_captures("{:1$} {:.*} { {", &[]);
    }

    #[track_caller]
    fn check_args(mac: Macro, exprs: &[&str], captures: &[&str]) {
        let args = args(&mac).expect("arguments are understood");
        let shown: Vec<_> = args.exprs.iter().map(|it| it.to_token_stream().to_string()).collect();
        assert_eq!(shown, exprs);
        assert_eq!(args.captures, captures);
    }

    #[test]
    fn arguments() {
        check_args(
            parse_quote!(println!("{a} {b} {c}", d, c = e)),
            &["\"{a} {b} {c}\"", "d", "e"],
            &["a", "b"],
        );
        check_args(parse_quote!(std::writeln!(out, "{a}")), &["out", "\"{a}\""], &["a"]);
        check_args(parse_quote!(assert!(a == b)), &["a == b"], &[]);
        check_args(parse_quote!(assert_eq!(a, b, "{c}")), &["a", "b", "\"{c}\""], &["c"]);
        check_args(parse_quote!(vec![a; n]), &["a", "n"], &[]);
        check_args(parse_quote!(vec![a, b,]), &["a", "b"], &[]);
        check_args(parse_quote!(vec![]), &[], &[]);
        check_args(parse_quote!(matches!(a, Some(x) | Ok(x) if x > b)), &["a"], &[]);
    }

    #[test]
    fn others_are_not_guessed_at() {
        assert!(args(&parse_quote!(my_macro!(a, b))).is_none());
        assert!(args(&parse_quote!(println!(a => b))).is_none());
        assert!(args(&parse_quote!(vec![a; b, c])).is_none());
    }
}
