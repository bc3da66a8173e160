//! How a call finds its twin by the function's name, whatever else has that name.
#![allow(clippy::module_inception, reason = "names are what is tested")]

use jit_tests::oracle::{self, THRESHOLDS};
use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point};

/// A module without anything that the function beside it has.
mod parse {
    #[allow(dead_code, reason = "it is there for its names")]
    pub mod core {}
    pub fn digit(x: i64) -> i64 {
        x % 10
    }
}

/// Not traced, and named as a module.
fn parse(x: i64) -> i64 {
    parse::digit(x) + 1
}

/// Not traced, and named as a crate that this one uses.
fn log(x: i64) -> i64 {
    log::log!(log::Level::Trace, "{x}");
    x / 3
}

/// Not traced, and named as a crate of everybody's.
fn core(x: i64) -> i64 {
    x ^ 5
}

mod helpers {
    use jitdriver::jit;

    /// Traced.
    #[jit]
    pub fn scaled(x: i64) -> i64 {
        x.wrapping_mul(3)
    }

    /// Traced, and generic.
    #[jit]
    pub fn first<T: Copy>(a: T, _: T) -> T {
        a
    }

    /// Not traced.
    pub fn halved(x: i64) -> i64 {
        x / 2
    }

    #[jit]
    pub fn applied(x: i64, f: impl Fn(i64) -> i64) -> i64 {
        f(x)
    }

    /// Beside a module of the same name.
    pub fn nested(x: i64) -> i64 {
        nested::inner(x)
    }

    pub mod nested {
        pub fn inner(x: i64) -> i64 {
            x - 7
        }
    }

    #[jitdriver::elidable]
    pub fn squared(x: i64) -> i64 {
        x.wrapping_mul(x)
    }
}

mod again {
    pub use super::helpers::{applied, first as chosen, scaled};
    pub(crate) use super::parse;
}

mod all {
    pub use super::again::*;
}

#[dont_look_inside]
fn opaque(x: i64) -> i64 {
    x & 0xffff
}

#[jit]
fn interpret(driver: &JitDriver<'_>, n: i64) -> i64 {
    use helpers::nested;
    let mut n = n;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc]);
        acc = parse(acc) ^ log(n) ^ core(acc) ^ opaque(acc);
        acc = helpers::nested(acc >> 1) ^ nested(n) ^ again::parse(n) ^ helpers::halved(acc);
        acc = helpers::first::<i64>(acc, n) ^ helpers::first(1, 2) ^ helpers::squared(n);
        acc = again::scaled(acc) ^ all::scaled(n) ^ all::chosen(n, acc) ^ again::parse(1);
        acc = helpers::applied(acc, |x| x ^ 1) ^ all::applied(n, |x| parse::digit(x) ^ acc);
        // What an argument calls is not what it is an argument of.
        acc ^= helpers::scaled(log(n)) ^ parse(helpers::scaled(log(acc)));
        n -= 1;
        if n == 0 {
            return acc;
        }
        can_enter_jit!(driver, greens = [], reds = [n, acc]);
    }
}

#[test]
fn functions_may_have_the_names_of_modules_and_crates() {
    for run in oracle::check(THRESHOLDS, |driver| interpret(driver, 60)) {
        assert_eq!(run.stats.degraded_expressions + run.stats.degraded_statements, 0, "{run}");
    }
}

#[jit]
fn only_traced(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc]);
        acc = helpers::first::<i64>(acc, n) ^ helpers::first(1, 2);
        acc = again::scaled(acc) ^ all::scaled(n) ^ all::chosen(n, acc);
        acc = helpers::applied(acc, |x| x ^ 1) ^ all::applied(n, |x| x ^ acc);
        n -= 1;
        if n == 0 {
            return acc;
        }
        can_enter_jit!(driver, greens = [], reds = [n, acc]);
    }
}

#[test]
fn twins_are_found_by_path_and_through_reexports() {
    for run in oracle::check(&["threshold=2"], |driver| only_traced(driver, 60)) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}
