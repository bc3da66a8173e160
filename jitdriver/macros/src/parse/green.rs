//! A green: a local variable, or an expression that is read at the merge point.
//!
//! A variable is a part of the state that compiled code hands back. An expression, such as `self.pc`,
//! is a view on a part of that state that is handed back anyway: the author's memory, or a red. So
//! there is nothing to put back, and nothing to declare; it only has to be read where the merge
//! point is, and that may be done any number of times.
//!
//! Invariant: what an expression contains only looks. Methods are taken at their word, since syntax does not
//! tell which of them have effects.

use crate::scope;
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, UnOp};

/// A green as the author writes it.
#[derive(Clone)]
pub enum Green {
    /// A local variable; `self` is possible.
    Variable(Ident),
    /// Something that is read at the merge point.
    Expr(Box<GreenExpr>),
}

/// An expression that is green.
#[derive(Clone)]
pub struct GreenExpr {
    /// As it is written.
    written: Expr,
    /// What is promoted: the same without casts, which would hide the place that is read.
    pub promoted: Expr,
    /// The variable that it starts with.
    root: Ident,
}

impl Green {
    /// The variable that this is.
    pub fn variable(&self) -> Option<&Ident> {
        match self {
            Green::Variable(name) => Some(name),
            Green::Expr(_) => None,
        }
    }

    /// The expression that this is, if it is no variable.
    pub fn expr(&self) -> Option<&GreenExpr> {
        match self {
            Green::Variable(_) => None,
            Green::Expr(it) => Some(it),
        }
    }

    /// The variable that this is or starts with.
    pub fn root(&self) -> &Ident {
        match self {
            Green::Variable(name) => name,
            Green::Expr(it) => &it.root,
        }
    }

    /// What the plain function reads.
    pub fn read(&self) -> TokenStream {
        match self {
            Green::Variable(name) => name.to_token_stream(),
            Green::Expr(it) => it.promoted.to_token_stream(),
        }
    }

    /// Where it is written.
    pub fn span(&self) -> Span {
        match self {
            Green::Variable(name) => name.span(),
            Green::Expr(it) => it.span(),
        }
    }
}

impl std::fmt::Display for Green {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Green::Variable(name) => name.fmt(f),
            // Tokens print with spaces around each.
            Green::Expr(it) => {
                let text = it.written.to_token_stream().to_string();
                let tight = text.replace(" . ", ".").replace(" [", "[").replace(" (", "(");
                f.write_str(&tight.replace("* ", "*").replace("[ ", "[").replace(" ]", "]"))
            }
        }
    }
}

impl PartialEq for Green {
    fn eq(&self, other: &Green) -> bool {
        self.to_string() == other.to_string()
    }
}

impl GreenExpr {
    /// Where it is written.
    pub fn span(&self) -> Span {
        self.written.span()
    }

    /// Whether it is read from a place, not computed or called.
    pub fn is_place(&self) -> bool {
        match &self.promoted {
            Expr::Field(_) | Expr::Index(_) => true,
            Expr::Unary(it) => matches!(it.op, UnOp::Deref(_)),
            _ => false,
        }
    }

    /// Whether reading it may call something that is not traced, in the middle of it: the whole is
    /// then called.
    pub fn calls_inside(&self) -> bool {
        match without_casts(&self.promoted) {
            Expr::MethodCall(it) => calls(&it.receiver) || it.args.iter().any(calls),
            other => calls(other),
        }
    }
}

/// The green that an element of the list is.
pub fn of(element: &Expr) -> syn::Result<Green> {
    if let Some(name) = scope::as_ident(element) {
        return Ok(Green::Variable(name.clone()));
    }
    looks(element)?;
    match scope::root(element) {
        Some(root) => Ok(Green::Expr(Box::new(GreenExpr {
            written: element.clone(),
            promoted: without_casts(element).clone(),
            root: root.clone(),
        }))),
        None => Err(syn::Error::new_spanned(
            element,
            "a green starts with a local variable, as in `self.pc`; constants need not be listed",
        )),
    }
}

fn without_casts(e: &Expr) -> &Expr {
    match e {
        Expr::Cast(it) => without_casts(&it.expr),
        Expr::Paren(it) => without_casts(&it.expr),
        Expr::Group(it) => without_casts(&it.expr),
        _ => e,
    }
}

/// The operands of an expression that only looks; `None` for one that may do more.
fn operands(e: &Expr) -> Option<Vec<&Expr>> {
    Some(match e {
        Expr::Path(_) | Expr::Lit(_) => vec![],
        Expr::Field(it) => vec![&*it.base],
        Expr::Index(it) => vec![&*it.expr, &*it.index],
        Expr::Unary(it) if !matches!(it.op, UnOp::Not(_)) => vec![&*it.expr],
        Expr::Cast(it) => vec![&*it.expr],
        Expr::Paren(it) => vec![&*it.expr],
        Expr::Group(it) => vec![&*it.expr],
        Expr::Reference(it) if it.mutability.is_none() => vec![&*it.expr],
        Expr::Binary(it) if is_arithmetic(&it.op) => vec![&*it.left, &*it.right],
        Expr::MethodCall(it) => std::iter::once(&*it.receiver).chain(&it.args).collect(),
        _ => return None,
    })
}

fn is_arithmetic(op: &BinOp) -> bool {
    use BinOp::{Add, BitAnd, BitOr, BitXor, Mul, Shl, Shr, Sub};
    matches!(op, Add(_) | Sub(_) | Mul(_) | BitAnd(_) | BitOr(_) | BitXor(_) | Shl(_) | Shr(_))
}

fn looks(e: &Expr) -> syn::Result<()> {
    match operands(e) {
        Some(operands) => operands.into_iter().try_for_each(looks),
        None => Err(syn::Error::new_spanned(
            e,
            "a green is a local variable or something to read, as `self.pc` and \
             `frame.borrow().index`; compute this before, in a variable",
        )),
    }
}

fn calls(e: &Expr) -> bool {
    matches!(e, Expr::MethodCall(_)) || operands(e).is_some_and(|of| of.into_iter().any(calls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::check_error;
    use expect_test::expect;

    fn green(source: &str) -> syn::Result<Green> {
        of(&syn::parse_str(source)?)
    }

    #[test]
    fn places_and_what_is_read_of_them() {
        for (source, root, promoted) in [
            ("self.pc", "self", "self . pc"),
            ("self.regs[11]", "self", "self . regs [11]"),
            ("*registers.pc", "registers", "* registers . pc"),
            ("vm.pc as usize", "vm", "vm . pc"),
            ("(frame.borrow().index as u32)", "frame", "frame . borrow () . index"),
            ("self.frames[self.depth - 1].pc", "self", "self . frames [self . depth - 1] . pc"),
        ] {
            let found = green(source).unwrap();
            assert_eq!(found.root(), root);
            assert_eq!(found.read().to_string(), promoted);
            assert!(found.variable().is_none(), "{source}");
        }
        assert_eq!(green("(pc)").unwrap().variable().unwrap(), "pc");
        assert_eq!(green("self.regs[11].0").unwrap().to_string(), "self.regs[11].0");
        assert_eq!(green("*frame.borrow()").unwrap().to_string(), "*frame.borrow()");
    }

    #[test]
    fn calls_inside() {
        let inside = |source: &str| green(source).unwrap().expr().unwrap().calls_inside();
        assert!(!inside("self.pc()"));
        assert!(!inside("self.frame.pc"));
        assert!(inside("frame.borrow().index"));
        assert!(inside("self.frames.last().unwrap()"));
        assert!(inside("self.pc(f.len())"));
    }

    #[test]
    fn what_is_not_green() {
        let message = "a green is a local variable or something to read, as `self.pc` and \
                       `frame.borrow().index`; compute this before, in a variable";
        for source in ["next(pc)", "{ pc }", "&mut pc", "a = b", "vec![pc]", "pc?", "|| pc"] {
            let Err(error) = green(source) else { panic!("{source} is green") };
            assert_eq!(error.to_string(), message, "{source}");
        }
        check_error(
            green("7"),
            expect![
                "1:1 a green starts with a local variable, as in `self.pc`; constants need not be listed"
            ],
        );
    }
}
