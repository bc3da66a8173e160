//! Calls: `?` and `return`, closures, methods of traits, generics, function pointers.
//!
//! Every program runs plain and under every backend, with thresholds 1, 2, 3 and the default.
#![allow(
    clippy::needless_return,
    clippy::question_mark,
    clippy::redundant_closure_call,
    clippy::too_many_arguments,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, Run, THRESHOLDS, effect, outcome, with_effects};
use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::fmt::Debug;
use std::ops::ControlFlow;

/// Runs in all modes and compares; the runs at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Run> {
    let runs = oracle::check(THRESHOLDS, |driver| with_effects(|| outcome(|| program(driver))));
    runs.into_iter().filter(|run| run.params.starts_with("threshold=2,")).collect()
}

/// A loop was compiled, nothing was given up, and so many residual calls are in the first trace.
#[track_caller]
fn check_traced<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for run in check(program) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
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

#[jit]
fn half(x: i64) -> Option<i64> {
    if x % 2 == 0 { Some(x / 2) } else { None }
}

#[jit]
fn quarter(x: i64) -> Option<i64> {
    let h = half(x)?;
    half(h)
}

#[jit]
fn checked(x: i64, limit: i64) -> Result<i64, i64> {
    if x > limit { Err(x) } else { Ok(x + 1) }
}

#[jit]
fn twice(x: i64, limit: i64) -> Result<i64, i64> {
    let once = checked(x, limit)?;
    Ok(checked(once, limit)? + 1)
}

struct Failure {
    code: i64,
}

impl From<i64> for Failure {
    fn from(code: i64) -> Failure {
        effect(code);
        Failure { code }
    }
}

#[jit]
fn converted(x: i64, limit: i64) -> Result<i64, Failure> {
    let x = twice(x, limit)?;
    return Ok(x);
}

#[jit]
fn flow(x: i64) -> ControlFlow<i64, i64> {
    if x > 50 { ControlFlow::Break(x - 50) } else { ControlFlow::Continue(x + 2) }
}

#[jit]
fn flows(x: i64) -> ControlFlow<i64, i64> {
    let next = flow(x)?;
    let last = flow(next)?;
    ControlFlow::Continue(last)
}

portal! {
    options(i; acc: i64) -> i64 {
        match quarter(acc) {
            Some(q) => acc = q + 7,
            None => acc += 3,
        }
    } => acc
}

portal! {
    results(i; acc: i64) -> i64 {
        match twice(acc, 40) {
            Ok(x) => acc = x,
            Err(e) => acc = e - 37,
        }
    } => acc
}

portal! {
    conversions(i; acc: i64) -> i64 {
        match converted(acc, 40) {
            Ok(x) => acc = x,
            Err(e) => acc = e.code - 37,
        }
    } => acc
}

portal! {
    flowing(i; acc: i64) -> i64 {
        acc = match flows(acc) {
            ControlFlow::Continue(x) => x,
            ControlFlow::Break(x) => x + 1,
        };
    } => acc
}

portal! {
    returns_in_the_middle(i; acc: i64) -> Result<i64, String> {
        acc += 3;
        if acc > 100 {
            Err(format!("{acc} is too much"))?;
        }
    } => Ok(acc)
}

#[test]
fn question_marks() {
    check_traced(|d| options(d, 60, 4));
    check_traced(|d| results(d, 60, 4));
    check(|d| conversions(d, 60, 4));
    check_traced(|d| flowing(d, 60, 4));
    check(|d| returns_in_the_middle(d, 20, 4));
    check(|d| returns_in_the_middle(d, 60, 4));
}
