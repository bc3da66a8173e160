//! Macros of std and of the author's in traced code.
//!
//! Every program runs plain and under every backend, with thresholds 1, 2, 3 and the default.
#![allow(
    clippy::match_like_matches_macro,
    clippy::uninlined_format_args,
    clippy::useless_vec,
    clippy::no_effect,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, Run, THRESHOLDS, effect, outcome, with_effects};
use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::fmt::{Debug, Write};

/// Runs in all modes and compares; the runs at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Run> {
    let runs = oracle::check(THRESHOLDS, |driver| with_effects(|| outcome(|| program(driver))));
    runs.into_iter().filter(|run| run.params.starts_with("threshold=2,")).collect()
}

/// A loop was compiled and nothing was given up.
#[track_caller]
fn check_compiled<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for run in check(program) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert_eq!(run.stats.degraded_expressions + run.stats.degraded_statements, 0, "{run}");
    }
}

macro_rules! portal {
    ($name:ident($i:ident; $($red:ident: $ty:ty),*) -> $ret:ty { $($body:tt)* } => $result:expr) => {
        #[jit]
        fn $name<'p>(driver: &JitDriver<'p>, n: u32, $($red: $ty),*) -> $ret {
            let mut $i = 0;
            $(#[allow(unused_mut)] let mut $red = $red;)*
            loop {
                jit_merge_point!(driver, greens = [], reds = [$i, n, $($red),*]);
                if $i == n {
                    break;
                }
                $i += 1;
                $($body)*
                can_enter_jit!(driver, greens = [], reds = [$i, n, $($red),*]);
            }
            $result
        }
    };
}

fn length(text: &str) -> i64 {
    effect(text.len() as i64);
    text.len() as i64
}

portal! {
    texts(i; acc: i64) -> i64 {
        let name = format!("acc{}", acc + 1);
        let again = format!("{name}: {} {:>width$} {last}", name, acc, width = 6, last = acc * 2);
        acc = (acc + length(&again) + length(&name)) % 1000;
    } => acc
}

portal! {
    written(i; acc: i64, out: &mut String) -> i64 {
        write!(out, "{} {acc} ", acc & 7).unwrap();
        if out.len() > 100 {
            out.clear();
        }
        acc = acc.wrapping_mul(3) + 1;
    } => acc
}

portal! {
    lists(i; acc: i64) -> i64 {
        let list = vec![acc, acc & 7, 3];
        let many = vec![acc & 1; 4];
        acc = (list[0] + list[1] + many[3] + list.len() as i64) % 1000;
    } => acc
}

portal! {
    matching(i; acc: i64) -> i64 {
        acc += 1;
        if matches!(acc % 5, 1 | 3) { acc += 2; }
        if matches!(acc, x if x > 100) { acc -= 90; }
    } => acc
}

portal! {
    asserting(i; acc: i64) -> i64 {
        acc += 2;
        assert!(acc < 50, "{acc} is too large, at {i}");
        debug_assert_ne!(acc, 1000);
        assert_eq!(acc & 1, 0);
    } => acc
}

portal! {
    places(i; acc: i64) -> i64 {
        acc = (acc + line!() as i64 - line!() as i64 + stringify!(abc).len() as i64) % 100;
        if acc == 1000 { unimplemented!("{acc}") }
    } => acc
}

#[test]
fn macros_of_std() {
    check_compiled(|d| texts(d, 60, 3));
    check_compiled(|d| {
        let mut out = String::new();
        (written(d, 60, 3, &mut out), out)
    });
    check_compiled(|d| lists(d, 60, 3));
    check_compiled(|d| matching(d, 200, 3));
    check(|d| asserting(d, 60, 2));
    check_compiled(|d| places(d, 60, 2));
}
