//! Whether the crate that is being compiled checks arithmetic for overflow.
//!
//! The language offers no stable `cfg` for it. The compiler's own arguments say it, and generated
//! code verifies the answer "no": a constant that overflows is evaluated at compile time, which is an
//! error if the answer was wrong. The answer "yes" needs no proof, since a guard for an overflow that
//! does not panic is merely slower.

use proc_macro2::TokenStream;
use quote::quote;

/// `const __JIT_CHECKS: bool`.
pub fn constant() -> TokenStream {
    let checks = overflow_checks(std::env::args());
    let proof = (!checks).then(|| {
        quote! {
            const _: u8 = {
                const fn wraps(a: u8, b: u8) -> u8 { a + b }
                wraps(u8::MAX, 1)
            };
        }
    });
    quote!(const __JIT_CHECKS: bool = #checks; #proof)
}

/// What rustc does, given its arguments: `overflow-checks`, else `debug-assertions`, else whether
/// nothing is optimized. Says yes where there are none.
fn overflow_checks(args: impl Iterator<Item = String>) -> bool {
    let mut options = Vec::new();
    let mut optimized = false;
    let mut args = args.skip(1).peekable();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-C" | "--codegen" => options.extend(args.next()),
            "-O" => optimized = true,
            _ => {
                let joined = arg.strip_prefix("-C").or_else(|| arg.strip_prefix("--codegen="));
                options.extend(joined.map(str::to_owned));
            }
        }
    }
    let last = |name: &str| {
        options.iter().rev().find_map(|option| {
            let (key, value) = option.split_once('=').unwrap_or((option, "yes"));
            (key.replace('_', "-") == name).then(|| value.to_owned())
        })
    };
    let is_on = |value: String| matches!(value.as_str(), "y" | "yes" | "on" | "true");
    let unoptimized = || match last("opt-level") {
        Some(level) => level == "0",
        None => !optimized,
    };
    last("overflow-checks").or_else(|| last("debug-assertions")).map_or_else(unoptimized, is_on)
}

#[cfg(test)]
mod tests {
    use super::overflow_checks;

    fn with(args: &str) -> bool {
        overflow_checks(std::iter::once("rustc").chain(args.split_whitespace()).map(String::from))
    }

    #[test]
    fn follows_rustc() {
        assert!(with("--edition=2024"));
        assert!(!with("-C opt-level=3"));
        assert!(!with("-Copt-level=s"));
        assert!(!with("-O"));
        assert!(with("-C opt-level=3 -C debug-assertions=on"));
        assert!(with("-C opt-level=3 -C overflow-checks=on"));
        assert!(!with("-C opt-level=0 -C overflow-checks=off -C debug-assertions=on"));
        assert!(with("-C overflow-checks=off -C overflow-checks"));
        assert!(!with("--codegen=overflow-checks=n"));
        assert!(overflow_checks(std::iter::empty()));
    }
}
