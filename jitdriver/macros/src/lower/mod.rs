//! Lowering: an author's expression to the expression of its twin.
//!
//! Every expression has two lowerings. As a *value* it becomes an expression of type `Traced<T>`; as
//! a *place* (left of `=`, under `&`, before `.` and `[`) it becomes one of type `Place<T>`. Neither
//! needs types: what depends on them is left to traits and to method resolution in `plumbing`.
//!
//! What cannot be lowered runs as the author wrote it ([`degrade`]): the smallest expression around it
//! that has a value. Misplaced hints are errors; all errors of a function are collected.

mod call;
pub mod closure;
mod control;
mod degrade;
pub mod destructure;
mod iterate;
mod macros;
mod merge_point;
mod operator;
mod part;
mod pattern;
mod place;
mod std_call;
mod stmt;
mod value;

pub use call::token_of;
pub use merge_point::green_name;
pub use std_call::PRIMITIVES;

use crate::parse::{Green, Hint};
use crate::scope::{Names, Time};
use crate::syntax::{self, BreakKind};
use degrade::{Around, Unsupported};
use operator::is_assignment;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, Expr, ExprMacro, Lifetime, Macro, ReturnType, Stmt, Type, UnOp};

/// How `return` and the tail of the body leave.
#[derive(Clone, PartialEq, Eq)]
pub enum Return {
    /// A helper function: a traced value.
    Helper,
    /// A portal whose result can be traced.
    Portal,
    /// A portal whose result cannot: the twin goes on with plain values.
    UntracedPortal,
    /// A portal that may be inlined: it answers a traced value if it is.
    Inlinable,
    /// A closure that is inlined: a traced value for the block of this label.
    Block(Lifetime),
}

/// Names of methods that a body calls.
pub struct Called {
    /// All but the following.
    pub methods: BTreeSet<String>,
    /// With closures among their arguments.
    pub with_closures: BTreeSet<String>,
    /// What is left by unwinding: not in a crate whose panics abort.
    pub unwinds: Vec<Unwinding>,
}

/// Code that is left by unwinding.
pub struct Unwinding {
    pub span: Span,
    pub what: String,
    /// The condition under which it is there.
    pub cfg: TokenStream,
}

/// Lowers one function body.
pub struct Lowerer {
    scopes: Vec<BTreeSet<String>>,
    ret: Return,
    /// Names of methods that the body calls.
    pub methods: BTreeSet<String>,
    /// Names of methods that are called with closures.
    with_closures: BTreeSet<String>,
    /// Locals that are closures, and names that hide them.
    closures: Vec<(String, Option<closure::ClosureVar>)>,
    /// Macros that are defined in the body.
    local_macros: Vec<(String, TokenStream)>,
    /// How many closures are being inlined.
    closure_depth: usize,
    /// Temporaries of the statement at hand.
    temps: Vec<Ident>,
    /// Temporaries that live as long as the block of the `let` at hand.
    extended: Vec<Ident>,
    /// By name of a local: where parts of it may be moved out, in the order of the text.
    parts: Vec<(usize, String, Vec<part::Site>)>,
    /// `self` is a value, not a reference.
    pub self_by_value: bool,
    /// In an `unsafe` block.
    in_unsafe: bool,
    /// What is lowered next is an operand whose temporaries a `let` extends.
    extending: bool,
    /// What is done with the place that comes next.
    access: place::Access,
    n_temps: u32,
    /// Statements that are left by unwinding.
    unwinds: Vec<Unwinding>,
    errors: Option<syn::Error>,
    /// What is not taken apart, until the expression around it is run instead.
    unsupported: Option<Unsupported>,
    /// Locals of the function and their mentions.
    names: Names,
    /// When the code at hand runs.
    interval: Option<(Time, Time)>,
    /// The loops around.
    around: Vec<Around>,
    /// The next expression is a statement: its value is not used.
    is_stmt: bool,
    /// The function's result type, if it can be named.
    output: Option<Type>,
    /// Greens and reds, which live as long as the portal.
    hint_names: BTreeSet<String>,
    /// The merge point's greens and reds.
    hint: Option<Hint>,
    /// Code that runs as it is written names a closure that is a parameter.
    pub degrades_closure: bool,
    /// In a function with `#[unroll_safe]`.
    pub unrolls: bool,
    /// The merge point has no `can_enter_jit!`.
    pub is_alone: bool,
    /// Names of greens and reds whose variables are `mut` and traceable by value: they may come to
    /// hold another reference.
    pub reassigned: BTreeSet<String>,
    /// In a portal that may be inlined: the call that stands for the rest of it, at the merge point.
    pub rest_of_inlined: Option<TokenStream>,
}

/// A name of the generated code, at the author's place.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Where an expression starts, for errors in it.
fn start(e: &impl Spanned) -> Span {
    at(e.span())
}

/// `receiver.method(args)`, of which a panic names the place `span`.
///
/// The place of a panic is that of the method's name and parentheses, so these alone are given the
/// author's span; names that the generated code defines must be resolved as its own.
fn call_at(span: Span, receiver: TokenStream, method: &str, args: TokenStream) -> TokenStream {
    let method = Ident::new(method, span);
    let args = syntax::parenthesized_at(span, args);
    quote!((#receiver).#method #args)
}

fn unit() -> TokenStream {
    quote!(__p::Traced::constant(()))
}

fn combine(errors: &mut Option<syn::Error>, error: syn::Error) {
    match errors {
        Some(errors) => errors.combine(error),
        none => *none = Some(error),
    }
}

impl Lowerer {
    /// A lowerer for a body in which these names are locals.
    pub fn new(
        ret: Return,
        locals: impl IntoIterator<Item = String>,
        hint: Option<Hint>,
        names: Names,
        output: &ReturnType,
    ) -> Lowerer {
        let variables = |it: &Hint| -> Vec<String> {
            let greens = it.greens.iter().filter_map(Green::variable);
            greens.chain(&it.reds).map(Ident::to_string).collect()
        };
        let hint_names = hint.iter().flat_map(variables).collect();
        Lowerer {
            scopes: vec![locals.into_iter().collect()],
            ret,
            methods: BTreeSet::new(),
            with_closures: BTreeSet::new(),
            closures: Vec::new(),
            local_macros: Vec::new(),
            closure_depth: 0,
            temps: Vec::new(),
            extended: Vec::new(),
            in_unsafe: false,
            extending: false,
            access: place::Access::Read,
            parts: Vec::new(),
            self_by_value: false,
            n_temps: 0,
            unwinds: Vec::new(),
            errors: None,
            unsupported: None,
            names,
            interval: None,
            around: Vec::new(),
            is_stmt: false,
            output: nameable(output),
            hint_names,
            hint,
            degrades_closure: false,
            unrolls: false,
            is_alone: false,
            reassigned: BTreeSet::new(),
            rest_of_inlined: None,
        }
    }

    /// What a function that executes one instruction returns to be called again.
    pub fn again(&self) -> Option<Expr> {
        Some(self.hint.as_ref()?.again.as_ref()?.1.clone())
    }

    /// The names of the methods called, or the author's mistakes.
    pub fn finish(self) -> syn::Result<Called> {
        match (self.errors, self.unsupported) {
            (Some(errors), _) => Err(errors),
            (None, Some(why)) => Err(syn::Error::new(
                why.span,
                format!("{} cannot be traced here; put it into a function of its own", why.what),
            )),
            (None, None) => Ok(Called {
                methods: self.methods,
                with_closures: self.with_closures,
                unwinds: self.unwinds,
            }),
        }
    }

    /// Lowers what runs in a loop.
    pub fn in_loop<R>(&mut self, breaks: BreakKind, f: impl FnOnce(&mut Lowerer) -> R) -> R {
        self.around.push(Around { breaks });
        let res = f(self);
        self.around.pop();
        res
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn declare(&mut self, name: &Ident) {
        if self.closures.iter().any(|(known, _)| name == known) {
            self.closures.push((name.to_string(), None));
        }
        let (depth, name) = (self.scopes.len(), name.to_string());
        self.parts.retain(|(scope, local, _)| (*scope, local) != (depth, &name));
        self.scopes.last_mut().expect("a scope").insert(name);
    }

    fn scoped<R>(&mut self, f: impl FnOnce(&mut Lowerer) -> R) -> R {
        self.scopes.push(BTreeSet::new());
        let (n_closures, n_macros) = (self.closures.len(), self.local_macros.len());
        let res = f(self);
        self.closures.truncate(n_closures);
        self.local_macros.truncate(n_macros);
        self.scopes.pop();
        let depth = self.scopes.len();
        self.parts.retain(|(scope, ..)| *scope <= depth);
        res
    }

    /// The local that an expression names.
    fn local_of(&self, e: &Expr) -> Option<Ident> {
        match e {
            Expr::Paren(e) => self.local_of(&e.expr),
            Expr::Group(e) => self.local_of(&e.expr),
            Expr::Path(path) if path.qself.is_none() => {
                let ident = path.path.get_ident()?;
                if ident == "self" {
                    return Some(format_ident!("__self", span = ident.span()));
                }
                self.is_local(&ident.to_string()).then(|| ident.clone())
            }
            _ => None,
        }
    }

    /// An expression of constants only: the same in the twin as in the plain function.
    fn is_closed(&self, e: &Expr) -> bool {
        match e {
            Expr::Tuple(e) => e.elems.iter().all(|e| self.is_closed(e)),
            Expr::Array(e) => e.elems.iter().all(|e| self.is_closed(e)),
            Expr::Repeat(e) => self.is_closed(&e.expr) && self.is_closed(&e.len),
            Expr::Struct(e) => {
                e.rest.is_none() && e.fields.iter().all(|field| self.is_closed(&field.expr))
            }
            Expr::Call(e) => {
                matches!(&*e.func, Expr::Path(path) if self.local_of(&e.func).is_none() && call::is_constructor(&path.path))
                    && e.args.iter().all(|e| self.is_closed(e))
            }
            e => self.is_static(e),
        }
    }

    /// A constant that a reference to it makes a static.
    fn is_static(&self, e: &Expr) -> bool {
        match e {
            Expr::Lit(_) => true,
            Expr::Path(_) => self.local_of(e).is_none() && self.closure_of(e).is_none(),
            Expr::Paren(e) => self.is_static(&e.expr),
            Expr::Group(e) => self.is_static(&e.expr),
            Expr::Unary(e) => !matches!(e.op, UnOp::Deref(_)) && self.is_static(&e.expr),
            Expr::Cast(e) => self.is_static(&e.expr),
            Expr::Binary(e) => {
                !is_assignment(&e.op) && self.is_static(&e.left) && self.is_static(&e.right)
            }
            _ => false,
        }
    }
}

/// The `#[cfg]` of attributes, and its opposite; others that matter are an error. What only lints and
/// formatters read does not.
fn cfgs(attrs: &[Attribute]) -> Result<(TokenStream, Option<TokenStream>), &Attribute> {
    let mut conditions = Vec::new();
    for attr in attrs {
        match &attr.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => conditions.push(&list.tokens),
            _ if attr.path().is_ident("cfg_attr") => {}
            _ if [
                "allow", "expect", "warn", "deny", "doc", "rustfmt", "clippy", "inline", "cold",
            ]
            .iter()
            .any(|name| attr.path().segments.first().is_some_and(|it| it.ident == name)) => {}
            _ => return Err(attr),
        }
    }
    Ok(match conditions.is_empty() {
        true => (quote!(), None),
        false => (
            quote!(#[cfg(all(#(#conditions),*))]),
            Some(quote!(#[cfg(not(all(#(#conditions),*)))])),
        ),
    })
}

fn stmt_diverges(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(e, _) => diverges(e),
        Stmt::Macro(m) => macro_diverges(&m.mac),
        _ => false,
    }
}

fn macro_diverges(mac: &Macro) -> bool {
    let name = syntax::macro_name(mac);
    matches!(name.as_str(), "panic" | "unreachable" | "todo" | "unimplemented")
}

/// Whether rustc knows that control does not come out of this expression.
fn diverges(e: &Expr) -> bool {
    match e {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(ExprMacro { mac, .. }) => macro_diverges(mac),
        Expr::Loop(l) => {
            syntax::break_kind(&l.body, l.label.as_ref().map(|label| &label.name))
                == BreakKind::None
        }
        Expr::Block(b) => b.label.is_none() && b.block.stmts.iter().any(stmt_diverges),
        Expr::Unsafe(u) => u.block.stmts.iter().any(stmt_diverges),
        Expr::If(i) => {
            i.then_branch.stmts.iter().any(stmt_diverges)
                && i.else_branch.as_ref().is_some_and(|(_, e)| diverges(e))
        }
        Expr::Match(m) => !m.arms.is_empty() && m.arms.iter().all(|arm| diverges(&arm.body)),
        _ => false,
    }
}

/// The type of a function's result where it can be written again.
fn nameable(output: &ReturnType) -> Option<Type> {
    match output {
        ReturnType::Default => Some(syn::parse_quote!(())),
        ReturnType::Type(_, ty) => {
            let mut finder = ImplFinder(false);
            finder.visit_type(ty);
            (!finder.0).then(|| (**ty).clone())
        }
    }
}

struct ImplFinder(bool);

impl<'ast> Visit<'ast> for ImplFinder {
    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.0 = true;
    }
}
