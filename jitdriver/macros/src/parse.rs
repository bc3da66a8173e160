//! The hints as the author writes them: `jit_merge_point!` and `can_enter_jit!`.
//!
//! ```text
//! jit_merge_point!(driver, greens = [pc, code], reds = [acc]);
//! ```
//!
//! Only the arguments of one hint are looked at here; what a hint demands of the function around it
//! is in [`crate::check`], and what the attributes say is in [`attrs`].
//!
//! Invariant: a mistake is reported at the token where reading stopped; the elements of the lists are
//! read on after a mistake, so that each wrong one is reported.

mod attrs;
mod green;
mod silence;
pub mod std_macros;

pub use crate::scope::contains_loop;
pub use attrs::{
    FnHints, answers_nothing, check_item, function_attrs, is_hint_attribute, keep_imports,
};
pub use green::{Green, GreenExpr};
pub use silence::beside_errors;
pub use std_macros::format_captures;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Token};

/// Which of the two hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintKind {
    /// `jit_merge_point!`
    MergePoint,
    /// `can_enter_jit!`
    CanEnterJit,
}

impl HintKind {
    /// Both, for iteration.
    pub const ALL: [HintKind; 2] = [HintKind::MergePoint, HintKind::CanEnterJit];

    /// The macro's name.
    pub fn name(self) -> &'static str {
        match self {
            HintKind::MergePoint => "jit_merge_point",
            HintKind::CanEnterJit => "can_enter_jit",
        }
    }

    /// The hint of that name.
    pub fn from_name(name: &str) -> Option<HintKind> {
        HintKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The hint that a macro call is, by the last segment of its path.
    pub fn of(mac: &Macro) -> Option<HintKind> {
        HintKind::from_name(&mac.path.segments.last()?.ident.to_string())
    }
}

/// A hint with its arguments.
#[derive(Clone)]
pub struct Hint {
    /// Which of the two.
    pub kind: HintKind,
    /// The expression for the driver.
    pub driver: Expr,
    /// The greens; `self` is possible.
    pub greens: Vec<Green>,
    /// The reds; `self` is possible.
    pub reds: Vec<Ident>,
    /// What the function returns to say that it is to be called again, with its name.
    pub again: Option<(Ident, Expr)>,
    /// The closing bracket of the greens.
    pub greens_end: Span,
    /// The closing bracket of the reds.
    pub reds_end: Span,
}

impl Hint {
    /// Whether it is `jit_merge_point!`.
    pub fn is_merge_point(&self) -> bool {
        self.kind == HintKind::MergePoint
    }
}

/// The hint that a macro call is: `None` if it is another macro, an error if its arguments are wrong.
pub fn parse_hint(mac: &Macro) -> Option<syn::Result<Hint>> {
    let kind = HintKind::of(mac)?;
    Some(mac.parse_body_with(|input: ParseStream| arguments(kind, input)))
}

fn arguments(kind: HintKind, input: ParseStream) -> syn::Result<Hint> {
    let driver = driver(kind, input)?;
    comma(kind, input)?;
    let greens = list("greens", input, green::of)?;
    comma(kind, input)?;
    let reds = list("reds", input, red)?;
    let comma = input.parse::<Option<Token![,]>>()?;
    let again = match kind {
        HintKind::MergePoint if comma.is_some() => again(input)?,
        _ => None,
    };
    if !input.is_empty() {
        return Err(wrong(input, format!("nothing may follow `reds`; {}", usage(kind))));
    }
    let ((greens, greens_end), (reds, reds_end)) = both(greens.finish(), reds.finish())?;
    Ok(Hint { kind, driver, greens, reds, again, greens_end, reds_end })
}

/// `again = Ok(true)`
fn again(input: ParseStream) -> syn::Result<Option<(Ident, Expr)>> {
    let is_again = input.peek(syn::Ident) && input.fork().call(Ident::parse_any)? == "again";
    if !is_again {
        return Ok(None);
    }
    let name = input.call(Ident::parse_any)?;
    input.parse::<Token![=]>()?;
    let value = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    Ok(Some((name, value)))
}

/// An error at the next token, or at the closing delimiter.
fn wrong(input: ParseStream, message: String) -> syn::Error {
    syn::Error::new(input.span(), message)
}

fn usage(kind: HintKind) -> String {
    format!("expected `{}!(driver, greens = [..], reds = [..])`", kind.name())
}

fn driver(kind: HintKind, input: ParseStream) -> syn::Result<Expr> {
    if input.is_empty() {
        return Err(wrong(input, usage(kind)));
    }
    // `greens = [..]` would read as an assignment.
    if input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
        return Err(wrong(input, format!("the driver is missing; {}", usage(kind))));
    }
    input.parse()
}

fn comma(kind: HintKind, input: ParseStream) -> syn::Result<()> {
    match input.parse::<Token![,]>() {
        Ok(_) if !input.is_empty() => Ok(()),
        _ => Err(wrong(input, usage(kind))),
    }
}

/// Most elements of a list: those of the tuples for which the plumbing has implementations.
const MAX_ELEMENTS: usize = 12;

/// A list as far as it was understood.
struct List<T> {
    elements: Vec<T>,
    end: Span,
    mistakes: Mistakes,
}

impl<T> List<T> {
    fn finish(self) -> syn::Result<(Vec<T>, Span)> {
        self.mistakes.finish().map(|()| (self.elements, self.end))
    }
}

fn list<T>(
    name: &'static str,
    input: ParseStream,
    element: impl Fn(&Expr) -> syn::Result<T>,
) -> syn::Result<List<T>> {
    if !(input.peek(syn::Ident) && input.fork().call(Ident::parse_any)? == name) {
        return Err(wrong(input, format!("expected `{name} = [..]`")));
    }
    input.call(Ident::parse_any)?;
    input.parse::<Token![=]>()?;
    let content;
    let bracket = syn::bracketed!(content in input);
    let (end, mistakes) = (bracket.span.close(), Mistakes::default());
    let mut list = List { elements: Vec::new(), end, mistakes };
    let elements = Punctuated::<Expr, Token![,]>::parse_terminated(&content)?;
    if let Some(first) = elements.iter().nth(MAX_ELEMENTS) {
        list.mistakes.at(
            first,
            format!(
                "`{name}` has more than twelve elements; put some of them into a struct, and list \
                 a reference to that"
            ),
        );
        return Ok(list);
    }
    for written in &elements {
        match element(written) {
            Ok(element) => list.elements.push(element),
            Err(mistake) => list.mistakes.push(mistake),
        }
    }
    Ok(list)
}

fn red(element: &Expr) -> syn::Result<Ident> {
    let message = "`reds` takes local variables only; keep this in one, and name that";
    let name = crate::scope::as_ident(element).cloned();
    name.ok_or_else(|| syn::Error::new_spanned(element, message))
}

/// Both results, or the mistakes of both.
fn both<A, B>(a: syn::Result<A>, b: syn::Result<B>) -> syn::Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.combine(b);
            Err(a)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Mistakes found so far.
#[derive(Debug, Default)]
pub struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Adds one.
    pub fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds that of a check.
    pub fn add(&mut self, checked: syn::Result<()>) {
        if let Err(error) = checked {
            self.push(error);
        }
    }

    /// Adds one that covers these tokens.
    pub fn at(&mut self, tokens: impl quote::ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds one at a span.
    pub fn span(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// All of them, if there is one.
    pub fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
