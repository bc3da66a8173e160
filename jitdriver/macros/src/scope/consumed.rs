//! Which calls of methods use their receiver up, whatever the method is.
//!
//! Tokens do not show whether `error.at(position)` takes `error` by value or by reference. Where the
//! receiver is a value of its own that nobody can name afterwards, and the result of the call leaves
//! the function or closure at once, that is no matter: the result cannot borrow from the receiver, and
//! the receiver is dropped next. Such receivers are what a function has just returned, as in
//! `return Err(error(x).at(position))`, and the parameter of a closure that is nothing but the call.

use crate::scope::as_ident;
use proc_macro2::Ident;
use std::collections::HashSet;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprClosure, ExprMethodCall, Pat, Stmt};

/// Most arguments of such a call; `plumbing` has as many.
const MOST_ARGS: usize = 3;

/// Methods of std whose twins take their receiver by reference, and know no other way.
pub(super) const BY_REFERENCE: &[&str] = &[
    "abs",
    "abs_diff",
    "add",
    "and",
    "as_bytes",
    "as_mut",
    "as_mut_ptr",
    "as_mut_slice",
    "as_ptr",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "capacity",
    "ceil",
    "clear",
    "cloned",
    "cmp",
    "contains",
    "copied",
    "copy_from_slice",
    "copy_within",
    "err",
    "expect",
    "expect_err",
    "extend",
    "extend_from_slice",
    "fill",
    "first",
    "first_mut",
    "floor",
    "get",
    "get_mut",
    "get_or_insert",
    "get_unchecked",
    "get_unchecked_mut",
    "insert",
    "into",
    "is_empty",
    "is_eq",
    "is_err",
    "is_ge",
    "is_gt",
    "is_le",
    "is_lt",
    "is_ne",
    "is_negative",
    "is_none",
    "is_ok",
    "is_positive",
    "is_some",
    "items_windows",
    "iter",
    "last",
    "last_mut",
    "len",
    "next",
    "offset",
    "ok",
    "ok_or",
    "or",
    "partial_cmp",
    "pop",
    "pow",
    "push",
    "replace",
    "resize",
    "sqrt",
    "sub",
    "swap",
    "take",
    "to_be_bytes",
    "to_bits",
    "to_le_bytes",
    "to_ne_bytes",
    "trunc",
    "truncate",
    "try_into",
    "unsigned_abs",
    "unwrap",
    "unwrap_err",
    "unwrap_or",
    "unwrap_or_default",
    "wrapping_abs",
    "zip",
];

/// The addresses of these calls.
pub(super) fn consuming_calls(block: &Block) -> HashSet<usize> {
    let mut finder = Finder::default();
    finder.leaves_block(block, None);
    finder.visit_block(block);
    finder.found
}

#[derive(Default)]
struct Finder {
    found: HashSet<usize>,
}

impl Finder {
    /// The value of this expression leaves the function or closure; `param` is the parameter of the closure
    /// if it is mentioned nowhere else.
    fn leaves(&mut self, e: &Expr, param: Option<&Ident>) {
        match e {
            Expr::Paren(it) => self.leaves(&it.expr, param),
            Expr::Group(it) => self.leaves(&it.expr, param),
            Expr::Block(it) if it.label.is_none() => self.leaves_block(&it.block, param),
            Expr::If(it) => {
                self.leaves_block(&it.then_branch, None);
                if let Some((_, otherwise)) = &it.else_branch {
                    self.leaves(otherwise, None);
                }
            }
            Expr::Match(it) => it.arms.iter().for_each(|arm| self.leaves(&arm.body, None)),
            Expr::Call(it) if is_result(&it.func) && it.args.len() == 1 => {
                self.leaves(&it.args[0], param);
            }
            Expr::MethodCall(it) if is_consuming(it, param) => {
                self.found.insert(std::ptr::from_ref(it).addr());
            }
            _ => {}
        }
    }

    fn leaves_block(&mut self, block: &Block, param: Option<&Ident>) {
        if let Some(Stmt::Expr(e, None)) = block.stmts.last() {
            self.leaves(e, param.filter(|_| block.stmts.len() == 1));
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_expr_return(&mut self, it: &'ast syn::ExprReturn) {
        if let Some(value) = &it.expr {
            self.leaves(value, None);
        }
        visit::visit_expr_return(self, it);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.leaves(&closure.body, only_parameter(closure));
        visit::visit_expr_closure(self, closure);
    }
}

/// The only parameter of a closure, if it is a name that is mentioned once.
fn only_parameter(closure: &ExprClosure) -> Option<&Ident> {
    if closure.inputs.len() != 1 {
        return None;
    }
    let Pat::Ident(name) = closure.inputs.first()? else { return None };
    let mut mentions = Mentions { name: &name.ident, n: 0, hidden: false };
    mentions.visit_expr(&closure.body);
    let is_plain = name.by_ref.is_none() && name.subpat.is_none();
    (is_plain && mentions.n == 1 && !mentions.hidden).then_some(&name.ident)
}

struct Mentions<'a> {
    name: &'a Ident,
    n: usize,
    /// A macro may mention it too.
    hidden: bool,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.n += usize::from(path.path.is_ident(self.name));
    }

    fn visit_macro(&mut self, _: &'ast syn::Macro) {
        self.hidden = true;
    }
}

/// `Ok`, `Err` or `Some`.
fn is_result(callee: &Expr) -> bool {
    as_ident(callee).is_some_and(|name| ["Ok", "Err", "Some"].iter().any(|it| name == it))
}

fn is_consuming(m: &ExprMethodCall, param: Option<&Ident>) -> bool {
    let is_free = match &*m.receiver {
        Expr::Call(_) => true,
        receiver => param.is_some() && as_ident(receiver) == param,
    };
    is_free
        && m.turbofish.is_none()
        && m.args.len() <= MOST_ARGS
        && m.args.iter().all(makes_no_temporary)
        && !BY_REFERENCE.iter().any(|name| m.method == name)
}

/// Temporaries of arguments would be dropped before the receiver.
fn makes_no_temporary(e: &Expr) -> bool {
    match e {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(it) => makes_no_temporary(&it.base),
        Expr::Unary(it) => matches!(it.op, syn::UnOp::Deref(_)) && makes_no_temporary(&it.expr),
        Expr::Reference(it) => makes_no_temporary(&it.expr),
        Expr::Cast(it) => makes_no_temporary(&it.expr),
        Expr::Binary(it) => makes_no_temporary(&it.left) && makes_no_temporary(&it.right),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;
    use syn::parse_quote;

    fn consuming(block: Block) -> usize {
        consuming_calls(&block).len()
    }

    #[test]
    fn receivers_that_nobody_can_name() {
        assert_eq!(
            consuming(parse_quote!({
                return Err(error(x).at(y));
            })),
            1
        );
        assert_eq!(consuming(parse_quote!({ result.map_err(|error| error.at(y)) })), 1);
        assert_eq!(
            consuming(parse_quote!({
                match x {
                    A => Err(f().at(y)),
                    b => Ok(b),
                }
            })),
            1
        );
        assert_eq!(
            consuming(parse_quote!({
                let x = error(x).name();
            })),
            0
        );
        assert_eq!(consuming(parse_quote!({ error.at(y) })), 0);
        assert_eq!(consuming(parse_quote!({ r.map(|e| e.at(e.y)) })), 0);
        assert_eq!(
            consuming(parse_quote!({
                r.map(|e| {
                    let y = f();
                    e.at(y)
                })
            })),
            0
        );
        assert_eq!(consuming(parse_quote!({ f().at(g()) })), 0);
        assert_eq!(consuming(parse_quote!({ f().unwrap() })), 0);
    }

    /// Twins that are function pointers take a receiver in any way, others are listed.
    #[test]
    fn twins_by_reference_are_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/shims");
        let mut names = BTreeSet::new();
        for file in std::fs::read_dir(folder).expect("the shims") {
            let source = std::fs::read_to_string(file.expect("a file").path()).expect("a source");
            let lines = source.lines().filter(|line| !line.contains("Twin<"));
            let twins = lines.filter_map(|line| Some(line.trim().split_once("fn __jit_")?.1));
            let methods = twins.filter_map(|it| Some(it.split_once("(&self)")?.0));
            names.extend(methods.map(|it| it.split('<').next().unwrap_or(it).to_owned()));
        }
        // Associated functions have their type in front.
        let is_method = |name: &&String| {
            !name.contains("_try_from")
                && !name.contains('$')
                && !name.starts_with(char::is_uppercase)
        };
        for name in names.iter().filter(is_method) {
            assert!(BY_REFERENCE.contains(&&name[..]), "{name} is not in the list");
        }
        assert!(names.len() > 10, "{names:?}");
    }
}
