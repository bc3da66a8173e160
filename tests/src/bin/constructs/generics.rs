//! Generics and traits.

mod associated_const;
mod const_generic;
mod const_generic_mode;
mod dyn_trait;
mod generic_function;
mod generic_impl;
mod generic_portal;
mod qualified_path;
mod static_dispatch;
mod trait_impl;
mod turbofish;

use crate::harness::rows;

rows! {
    generic_function: "type parameters of functions", 66, 519;
    generic_impl: "type parameters of `impl` blocks", 47, 260;
    const_generic: "const generics", 11, 186;
    const_generic_mode: "const generics of a portal", 68, 779;
    qualified_path: "`<T as Trait>::f`", 11, 38;
    trait_impl: "methods of a trait", 63, 1028;
    static_dispatch: "calls through a type parameter's trait", 63, 1028;
    dyn_trait: "`dyn Trait` in the signature of a hot function", 11, 11;
    turbofish: "turbofish", 68, 718;
    generic_portal: "a generic portal", 68, 779;
    associated_const: "associated constants", 11, 38;
}
