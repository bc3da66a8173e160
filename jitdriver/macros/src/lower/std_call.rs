//! Calls of associated functions of std's generic types, such as `Box::new(x)` and `Rc::clone(&x)`.
//!
//! Written so, a type lacks its parameters, and no token hangs on it. What shows the type is the
//! call's arguments and result; the token is looked for on these. A type of the author's with such a
//! name is found to be none of std's, and is called.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ExprPath;

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
    let known = ["swap", "replace", "take"].iter().any(|name| function == name);
    (callee.qself.is_none() && n >= 2 && known && callee.path.segments[n - 2].ident == "mem")
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
