//! Calls: `?` and `return`, closures, methods of traits, generics, function pointers.
//!
//! Every program runs plain and under every backend, with thresholds 1, 2, 3 and the default.
#![allow(
    clippy::needless_return,
    clippy::question_mark,
    clippy::redundant_closure,
    clippy::redundant_closure_call,
    clippy::unnecessary_lazy_evaluations,
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

/// A machine as interpreters have it: operations in closures, handed to helpers.
struct Vm {
    stack: Vec<i64>,
    flag: bool,
}

#[jit]
impl Vm {
    fn push(&mut self, x: i64) {
        self.stack.push(x);
    }

    fn pop(&mut self) -> i64 {
        self.stack.pop().unwrap_or(0)
    }

    fn binary_op(&mut self, op: impl Fn(i64, i64) -> i64) {
        let b = self.pop();
        let a = self.pop();
        self.push(op(a, b));
    }

    fn compare<F: FnOnce(i64, i64) -> bool>(&mut self, op: F) -> bool {
        let b = self.pop();
        let a = self.pop();
        self.flag = op(a, b);
        self.flag
    }

    fn try_op<F>(&mut self, limit: i64, op: F) -> Result<i64, i64>
    where
        F: Fn(i64, i64) -> Option<i64>,
    {
        let b = self.pop();
        let a = self.pop();
        match op(a, b) {
            Some(x) if x < limit => Ok(x),
            Some(x) => Err(x),
            None => Err(-1),
        }
    }

    fn with_top(&mut self, change: impl FnOnce(&mut i64)) {
        let last = self.stack.len() - 1;
        change(&mut self.stack[last]);
    }

    fn step(&mut self, n: i64) -> Result<i64, i64> {
        self.push(n);
        self.push(n & 7);
        self.binary_op(|a, b| a.wrapping_mul(3) + b);
        self.with_top(|top| *top += n);
        self.push(20);
        if self.compare(|a, b| a < b) {
            self.push(n);
            self.push(5);
            let x = self.try_op(100, |a, b| if a == 3 { None } else { Some(a + b) })?;
            return Ok(x);
        }
        self.push(n);
        self.push(2);
        self.try_op(30, |a, b| Some(a * b))
    }
}

#[jit]
fn apply(op: impl Fn(i64) -> i64, x: i64) -> i64 {
    op(op(x))
}

#[jit]
fn apply_mut(op: &mut dyn FnMut(i64), x: i64) {
    op(x);
    op(x + 1);
}

#[jit]
fn apply_dyn(op: &dyn Fn(i64) -> i64, x: i64) -> i64 {
    op(x) + 1
}

portal! {
    helpers_that_take_closures(i; vm: &mut Vm, acc: i64) -> i64 {
        match vm.step(acc) {
            Ok(x) => acc = (acc + x) % 50,
            Err(x) => acc = (acc * 7 + x + 1) % 40,
        }
    } => acc
}

portal! {
    functions_that_take_closures(i; acc: i64) -> i64 {
        let k = acc & 3;
        acc = apply(|x| x % 1000 + k, acc);
        let mut sum = 0;
        apply_mut(&mut |x| sum += x, k);
        acc += apply_dyn(&|x| x * k, 3) + sum;
    } => acc
}

portal! {
    local_closures(i; acc: i64) -> i64 {
        let k = acc & 7;
        let add = |a: i64, b: i64| a + b + k;
        let mut count = 0;
        let mut bump = |by: i64| { count += by; if count > 3 { return 1; } count };
        let twice = move |x| add(x, x);
        acc = twice(acc % 100) + bump(2);
        acc += bump(5);
        acc += count;
    } => acc
}

#[jit]
fn option_combinators(x: i64) -> i64 {
    let limit = 20;
    let some = half(x).map(|h| h + 1).filter(|h| *h < limit).unwrap_or_else(|| x & 3);
    let other = half(x + 1).map_or(7, |h| h - 1) + half(x).map_or_else(|| limit, |h| h & 1);
    let then = (x > 5).then(|| x - limit).map_or(0, |t| t);
    let both = half(x).and_then(|h| half(h)).is_some_and(|q| q > 2);
    some + other + then + if both { 1 } else { 0 }
}

#[jit]
fn result_combinators(x: i64) -> Result<i64, i64> {
    let limit = 30;
    let y = half(x)
        .ok_or_else(|| x + limit)
        .map_err(|e| e - 1)
        .or_else(|e| if e > 40 { Err(e) } else { Ok(e) })?;
    let z =
        checked(y, limit).map(|c| c + y).and_then(|c| checked(c, 90)).unwrap_or_else(|e| e & 15);
    Ok(z)
}

portal! {
    combinators(i; acc: i64) -> i64 {
        acc = option_combinators(acc % 60) + 11;
        match result_combinators(acc) {
            Ok(x) => acc += x,
            Err(x) => acc -= x & 7,
        }
    } => acc
}

portal! {
    closures_as_values(i; acc: i64) -> i64 {
        let k = acc & 3;
        let first = |x: i64| x + k;
        let ops: [&dyn Fn(i64) -> i64; 2] = [&first, &|x| x * 2];
        acc = ops[(acc & 1) as usize](acc) % 1000;
        let total: i64 = [1, 2, 3].iter().map(|x| x * k).filter(|x| *x > 2).sum();
        acc += total;
    } => acc
}

struct Point {
    x: i64,
}

impl Point {
    fn remember<'a>(&'a self, seen: &mut Vec<&'a Point>) {
        seen.push(self);
    }
}

fn total(seen: &[&Point]) -> i64 {
    seen.iter().fold(0, |sum, p| sum * 3 + p.x)
}

/// Holds a reference to itself.
struct Knot<'a> {
    n: i64,
    me: std::cell::Cell<Option<&'a Knot<'a>>>,
}

impl<'a> Knot<'a> {
    fn tie(&'a self) {
        self.me.set(Some(self));
    }
}

fn churn(x: i64) -> i64 {
    let words = [x; 64];
    words.iter().sum()
}

portal! {
    references_that_are_kept(i; sum: i64) -> i64 {
        let p = Point { x: i as i64 };
        let q = Point { x: 7 };
        let mut seen = Vec::new();
        p.remember(&mut seen);
        q.remember(&mut seen);
        let knot = Knot { n: sum, me: std::cell::Cell::new(None) };
        knot.tie();
        sum = sum.wrapping_add(churn(i as i64));
        sum = (sum ^ total(&seen) ^ seen[0].x).wrapping_add(knot.me.get().unwrap().n);
    } => sum
}

/// What a call has been given a reference to stays where it is as long as it lives.
#[test]
fn references_to_locals_may_be_kept() {
    check(|d| references_that_are_kept(d, 60, 1));
}

#[test]
fn closures() {
    let vm = || Vm { stack: vec![0; 4], flag: false };
    check(|d| {
        let mut vm = vm();
        (helpers_that_take_closures(d, 100, &mut vm, 4), vm.stack, vm.flag)
    });
    check_traced(|d| functions_that_take_closures(d, 60, 4));
    check_traced(|d| local_closures(d, 60, 4));
    check_traced(|d| combinators(d, 100, 4));
    check(|d| closures_as_values(d, 60, 4));
}
