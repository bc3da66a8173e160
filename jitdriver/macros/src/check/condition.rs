//! The condition of the merge point's `while`.
//!
//! The plain function evaluates it on the way from `can_enter_jit!` to the merge point, and again
//! when compiled code has come back, where the interpreter would have evaluated it once. So it may
//! look, but not touch.
//!
//! Why a list of method names? Syntax does not tell which methods have effects; these are known not
//! to, by convention, and an author with another one can move the condition into the body.

use crate::parse::{Mistakes, std_macros};
use syn::{BinOp, Expr, Pat};

/// Methods that only look; and every one whose name starts with `is_`.
const LOOKS: [&str; 8] = ["as_ref", "contains", "end", "first", "get", "last", "len", "start"];

/// Reports each part that may have an effect.
pub fn check(condition: &Expr, mistakes: &mut Mistakes) {
    match condition {
        Expr::Path(_) | Expr::Lit(_) => {}
        Expr::Field(it) => check(&it.base, mistakes),
        Expr::Unary(it) => check(&it.expr, mistakes),
        Expr::Cast(it) => check(&it.expr, mistakes),
        Expr::Paren(it) => check(&it.expr, mistakes),
        Expr::Group(it) => check(&it.expr, mistakes),
        Expr::Reference(it) if it.mutability.is_none() => check(&it.expr, mistakes),
        Expr::Tuple(it) => it.elems.iter().for_each(|elem| check(elem, mistakes)),
        Expr::Index(it) => [&it.expr, &it.index].iter().for_each(|part| check(part, mistakes)),
        Expr::Range(it) => {
            [&it.start, &it.end].into_iter().flatten().for_each(|part| check(part, mistakes));
        }
        Expr::Binary(it) if !is_assignment(&it.op) => {
            [&it.left, &it.right].iter().for_each(|part| check(part, mistakes));
        }
        Expr::MethodCall(it) if only_looks(&it.method.to_string()) => {
            check(&it.receiver, mistakes);
            it.args.iter().for_each(|arg| check(arg, mistakes));
        }
        Expr::Macro(it) if is_matches(&it.mac, mistakes) => {}
        other => mistakes.at(
            other,
            "the loop condition runs between `can_enter_jit!` and `jit_merge_point!`, and again \
             when compiled code comes back; move this behind the merge point",
        ),
    }
}

fn only_looks(method: &str) -> bool {
    method.starts_with("is_") || LOOKS.contains(&method)
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Whether it is `matches!`; checks its value and guard.
fn is_matches(mac: &syn::Macro, mistakes: &mut Mistakes) -> bool {
    let Some(args) = std_macros::args(mac) else { return false };
    let Some(pat) = &args.pat else { return false };
    args.exprs.iter().for_each(|value| check(value, mistakes));
    if let Pat::Guard(it) = pat {
        check(&it.guard, mistakes);
    }
    true
}
