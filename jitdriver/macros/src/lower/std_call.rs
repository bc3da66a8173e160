//! Calls of associated functions of std's generic types, such as `Box::new(x)` and `Rc::clone(&x)`.
//!
//! Written so, a type lacks its parameters, and no token hangs on it. What shows the type is the
//! call's arguments and result; the token is looked for on these. A type of the author's with such a
//! name is found to be none of std's, and is called.

use proc_macro2::Ident;
use quote::format_ident;
use syn::{Expr, ExprClosure, ExprPath};

const GENERIC: &[&str] = &[
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "Cell",
    "Cow",
    "HashMap",
    "HashSet",
    "LinkedList",
    "ManuallyDrop",
    "Mutex",
    "NonNull",
    "OnceCell",
    "Option",
    "Rc",
    "RefCell",
    "Result",
    "RwLock",
    "Vec",
    "VecDeque",
    "Weak",
    "Wrapping",
];

/// Types to which no function can be added but by traits.
pub const PRIMITIVES: &[&str] = &[
    "bool", "char", "str", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
    "u128", "usize", "f32", "f64",
];

/// The function of `std::mem` that a path is likely to name, and its full name.
pub(super) fn of_mem(callee: &ExprPath) -> Option<(Ident, String)> {
    let n = callee.path.segments.len();
    let function = &callee.path.segments[n - 1].ident;
    let known = ["swap", "replace", "take", "drop"].iter().any(|name| function == name);
    let in_mem = match n {
        1 => function == "drop",
        _ => known && callee.path.segments[n - 2].ident == "mem",
    };
    (callee.qself.is_none() && in_mem)
        .then(|| (format_ident!("mem_{function}"), format!("core::mem::{function}")))
}

/// The name of the token's method for a call of such a function: `Box_new`.
pub(super) fn method(callee: &ExprPath) -> Option<Ident> {
    let n = callee.path.segments.len();
    if callee.qself.is_some() || n < 2 {
        return None;
    }
    let (ty, function) = (&callee.path.segments[n - 2], &callee.path.segments[n - 1]);
    let name = ty.ident.to_string();
    let known = GENERIC.contains(&name.as_str()) || (n == 2 && PRIMITIVES.contains(&name.as_str()));
    (known && ty.arguments.is_none()).then(|| format_ident!("{}_{}", ty.ident, function.ident))
}

/// The type of numbers whose method a path names, as in `i64::abs(n)`.
pub(super) fn of_number(callee: &ExprPath, n_args: usize) -> Option<Ident> {
    let path = &callee.path.segments;
    let [ty, function] = [path.first()?, path.last()?];
    let name = function.ident.to_string();
    let is_method = n_args > 0
        && (BY_VALUE.contains(&&*name) || FAMILIES.iter().any(|family| name.starts_with(family)));
    let is_number = !["bool", "char", "str"].iter().any(|name| ty.ident == name)
        && PRIMITIVES.iter().any(|name| ty.ident == name);
    (callee.qself.is_none() && path.len() == 2 && is_method && is_number).then(|| ty.ident.clone())
}

/// A function of a number, or of an `Ordering`, that an argument names, as a closure: `|x: f64| x.floor()`.
pub(super) fn as_closure(arg: &Expr) -> Option<ExprClosure> {
    let Expr::Path(path) = arg else { return None };
    let segments: Vec<_> = path.path.segments.iter().map(|it| it.ident.to_string()).collect();
    let [ty, function] = segments.last_chunk()?;
    let is_number = segments.len() == 2 && of_number_named(ty);
    let n_args = match &**function {
        "is_eq" | "is_ne" | "is_lt" | "is_gt" | "is_le" | "is_ge" if ty == "Ordering" => 1,
        name if is_number && OF_ONE.contains(&name) => 1,
        name if is_number && OF_TWO.contains(&name) => 2,
        name if is_number => {
            let (_, operation) = name.split_once('_')?;
            let is_family = FAMILIES.iter().any(|family| name.starts_with(family));
            let of_two = ["add", "sub", "mul", "div", "rem"].contains(&operation);
            (is_family && of_two).then_some(2)?
        }
        _ => return None,
    };
    let ty = super::call::type_of(path);
    let method = format_ident!("{function}", span = path.path.segments.last()?.ident.span());
    Some(match n_args {
        1 => syn::parse_quote!(|__x0: #ty| __x0.#method()),
        _ => syn::parse_quote!(|__x0: #ty, __x1: #ty| __x0.#method(__x1)),
    })
}

fn of_number_named(ty: &str) -> bool {
    PRIMITIVES.contains(&ty) && !["bool", "char", "str"].contains(&ty)
}

/// Methods of numbers without arguments.
const OF_ONE: &[&str] = &[
    "abs",
    "ceil",
    "cos",
    "exp",
    "floor",
    "ln",
    "round",
    "round_ties_even",
    "sin",
    "sqrt",
    "tan",
    "trunc",
];

/// Methods of numbers with one argument that is a number.
const OF_TWO: &[&str] = &["max", "min"];

/// Methods of numbers that take `self` by value.
const BY_VALUE: &[&str] = &[
    "abs",
    "abs_diff",
    "add",
    "bitand",
    "bitor",
    "bitxor",
    "ceil",
    "clamp",
    "cos",
    "div",
    "div_euclid",
    "exp",
    "floor",
    "is_nan",
    "is_negative",
    "is_positive",
    "ln",
    "log10",
    "log2",
    "max",
    "min",
    "mul",
    "neg",
    "not",
    "pow",
    "powf",
    "powi",
    "rem",
    "rem_euclid",
    "reverse_bits",
    "round",
    "shl",
    "shr",
    "signum",
    "sin",
    "sqrt",
    "sub",
    "swap_bytes",
    "tan",
    "to_bits",
    "trunc",
    "unsigned_abs",
];

/// How the names of such methods begin.
const FAMILIES: &[&str] = &[
    "checked_",
    "count_",
    "leading_",
    "overflowing_",
    "rotate_",
    "saturating_",
    "trailing_",
    "wrapping_",
];
