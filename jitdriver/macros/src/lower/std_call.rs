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

/// The name of the token's method for a call of such a function: `Box_new`.
pub(super) fn method(callee: &ExprPath) -> Option<Ident> {
    let n = callee.path.segments.len();
    if callee.qself.is_some() || n < 2 {
        return None;
    }
    let (ty, function) = (&callee.path.segments[n - 2], &callee.path.segments[n - 1]);
    let generic = GENERIC.contains(&ty.ident.to_string().as_str()) && ty.arguments.is_none();
    generic.then(|| format_ident!("{}_{}", ty.ident, function.ident))
}
