//! Bodies, and what they are expanded to.

use super::*;
use syn::{ItemFn, parse_quote};

/// Compares an expanded function with what it shall be, less the definitions of macros in it.
#[track_caller]
fn check(source: ItemFn, expected: ItemFn) {
    let Expanded { mut block, .. } = expanded(&source.sig, &source.block);
    WithoutDefinitions.visit_block_mut(&mut block);
    assert_eq!(quote!(#block).to_string(), expected.block.to_token_stream().to_string());
}

/// A call that is not understood is left alone.
#[track_caller]
fn check_unknown(source: ItemFn) {
    let Expanded { block, .. } = expanded(&source.sig, &source.block);
    assert_eq!(quote!(#block).to_string(), source.block.to_token_stream().to_string());
}

struct WithoutDefinitions;

impl VisitMut for WithoutDefinitions {
    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|stmt| !matches!(stmt, Stmt::Item(syn::Item::Macro(_))));
        visit_mut::visit_block_mut(self, block);
    }
}

use quote::ToTokens;

#[test]
fn a_place_is_a_place() {
    check(
        parse_quote! {
            fn f(&mut self, n: i64) {
                macro_rules! reg { ($r:expr) => { self.regs[($r & 3) as usize] }; }
                reg!(n) = n;
                self.acc = reg!(n + 1) * 2;
            }
        },
        parse_quote! {
            fn f(&mut self, n: i64) {
                self.regs[(n & 3) as usize] = n;
                self.acc = self.regs[((n + 1) & 3) as usize] * 2;
            }
        },
    );
}

#[test]
fn the_first_rule_that_fits_is_taken() {
    check(
        parse_quote! {
            fn f() {
                macro_rules! op {
                    (nop) => {};
                    ($a:ident += $b:expr) => { $a = $a.wrapping_add($b) };
                    ($a:ident) => { $a };
                    ($($a:expr),+ $(,)?) => { g($($a),+) };
                }
                op!(nop);
                op!(x += 1);
                op!(x);
                op!(1, y + 1, op!(z));
                op!(1,)
            }
        },
        parse_quote! {
            fn f() {
                x = x.wrapping_add(1);
                x;
                g(1, (y + 1), z);
                g(1)
            }
        },
    );
}

#[test]
fn repetitions_are_written_in_step() {
    check(
        parse_quote! {
            fn f() {
                macro_rules! all {
                    ($($name:ident: [$($value:expr),*];)*) => { $(let $name = [$($value + 1),*];)* };
                }
                all! { a: [1, 2]; b: []; }
            }
        },
        parse_quote! {
            fn f() {
                let a = [1 + 1, 2 + 1];
                let b = [];
            }
        },
    );
}

#[test]
fn variables_of_a_macro_are_its_own() {
    check(
        parse_quote! {
            fn f(a: i64) {
                macro_rules! twice { ($e:expr) => {{ let a = $e; a + a }}; }
                macro_rules! declare { ($x:ident) => { let $x = a; let b = 2; }; }
                let b = twice!(a);
                declare!(c);
                g(b, c, twice!(b))
            }
        },
        parse_quote! {
            fn f(a: i64) {
                let b = { let a__jit_m1 = a; a__jit_m1 + a__jit_m1 };
                let c = a;
                let b__jit_m2 = 2;
                g(b, c, { let a__jit_m3 = b; a__jit_m3 + a__jit_m3 })
            }
        },
    );
}

#[test]
fn members_and_functions_have_no_marks() {
    check(
        parse_quote! {
            fn f(x: S) {
                macro_rules! m {
                    ($e:expr) => {{
                        let len = len($e.len);
                        let S { pos, .. } = $e;
                        'out: loop { if let Some(pos) = next { break 'out S { len, pos }; } }
                    }};
                }
                m!(x)
            }
        },
        parse_quote! {
            fn f(x: S) {
                {
                    let len__jit_m1 = len(x.len);
                    let S { pos: pos__jit_m1, .. } = x;
                    'out__jit_m1: loop {
                        if let Some(pos__jit_m1) = next {
                            break 'out__jit_m1 S { len: len__jit_m1, pos: pos__jit_m1 };
                        }
                    }
                }
            }
        },
    );
}

#[test]
fn format_strings_capture_what_they_shall() {
    check(
        parse_quote! {
            fn f(a: i64) {
                macro_rules! show {
                    ($fmt:literal, $e:expr) => {
                        let b = $e;
                        println!("{b} {a}: {}", b.b);
                        println!($fmt, b);
                    };
                }
                show!("{b}", a + 1);
            }
        },
        parse_quote! {
            fn f(a: i64) {
                let b__jit_m1 = (a + 1);
                println!("{b} {a}: {}", b__jit_m1.b, b = b__jit_m1);
                println!("{b}", b__jit_m1);
            }
        },
    );
}

#[test]
fn calls_among_the_arguments_of_macros() {
    check(
        parse_quote! {
            fn f(x: i64) {
                macro_rules! inc { ($e:expr) => { $e + 1 }; }
                assert!(inc!(x) > 1);
                assert!(inc!(x) > 1, "no");
                println!("{}", inc!(x));
                vec![inc!(inc!(x)); 3]
            }
        },
        parse_quote! {
            fn f(x: i64) {
                assert!(inc!(x) > 1);
                assert!(x + 1 > 1, "no");
                println!("{}", x + 1);
                vec![x + 1 + 1; 3]
            }
        },
    );
}

#[test]
fn types_and_patterns() {
    check(
        parse_quote! {
            fn f(x: i64) {
                macro_rules! is { ($e:expr, $p:pat => $t:ty) => { match $e { $p => $t::from(true), &$p => <$t>::new() } }; }
                is!(x, 1 | 2 => Vec<u8>);
            }
        },
        parse_quote! {
            fn f(x: i64) {
                match x { (1 | 2) => <Vec<u8> >::from(true), &(1 | 2) => <Vec<u8> >::new() };
            }
        },
    );
}

#[test]
fn macros_that_call_themselves() {
    check(
        parse_quote! {
            fn f(x: i64) {
                macro_rules! sum { ($a:expr) => { $a }; ($a:expr, $($rest:tt)*) => { $a + sum!($($rest)*) }; }
                sum!(1, x, 3 * 4)
            }
        },
        parse_quote! { fn f(x: i64) { 1 + (x + (3 * 4)) } },
    );
}

#[test]
fn an_inner_definition_is_seen_to_the_end_of_its_block() {
    check(
        parse_quote! {
            fn f() {
                macro_rules! m { () => { 1 }; }
                { macro_rules! m { () => { 2 }; } g(m!()); }
                g(m!());
            }
        },
        parse_quote! { fn f() { { g(2); } g(1); } },
    );
}

/// What rustc would resolve otherwise than the expanded code is not expanded.
#[test]
fn names_that_would_mean_something_else() {
    check_unknown(parse_quote! {
        fn f() {
            macro_rules! m { () => { limit }; }
            let limit = 1;
            m!();
        }
    });
    check_unknown(parse_quote! {
        fn f() {
            macro_rules! m { ($x:expr) => {{ let a = 1; other!("{a}", $x) }}; }
            m!(2);
        }
    });
}

#[test]
fn what_is_not_understood() {
    check_unknown(parse_quote! {
        fn f() {
            macro_rules! m { ($x:item) => { 1 }; }
            macro_rules! n { ($($x:expr),*) => { $(1)* }; }
            m!(fn g() {});
            n!(1, 2);
            somebodys_own!(1);
        }
    });
    // rustc does not go on to the next rule once a fragment has begun.
    check_unknown(parse_quote! {
        fn f() {
            macro_rules! m { ($x:expr) => { 1 }; ($($x:tt)*) => { 2 }; }
            m!(x +);
        }
    });
}

/// `assert!` shows its argument as it is written in the macro, without marks.
#[test]
fn texts_of_arguments() {
    check(
        parse_quote! {
            fn f(x: i64) {
                macro_rules! below { ($a:expr, $b:expr) => { assert!($a < $b * 2) }; }
                below!(x + 1, x + 2);
            }
        },
        parse_quote! {
            fn f(x: i64) {
                assert!(x + 1 < (x + 2) * 2);
            }
        },
    );
    check_unknown(parse_quote! {
        fn f(x: i64) {
            macro_rules! below { ($a:expr) => { let a = $a; assert!(a < 1) }; }
            below!(x + 1);
        }
    });
}
