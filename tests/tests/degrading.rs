//! What the frontend does not take apart: it runs as written, what is around it is traced, and the
//! statistics say how much of that there is.
#![allow(
    clippy::eq_op,
    clippy::identity_op,
    clippy::redundant_closure_call,
    irrefutable_let_patterns,
    clippy::never_loop,
    clippy::let_and_return,
    clippy::needless_return,
    clippy::question_mark,
    clippy::toplevel_ref_arg,
    clippy::too_many_arguments,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, Run, THRESHOLDS, effect, outcome, with_effects};
use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::fmt::Debug;

/// Runs in all modes and compares; the runs at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Run> {
    let runs = oracle::check(THRESHOLDS, |driver| with_effects(|| outcome(|| program(driver))));
    runs.into_iter().filter(|run| run.params.starts_with("threshold=2,")).collect()
}

/// A loop was compiled, nothing was given up, and some expressions were called.
#[track_caller]
fn check_expressions<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for run in check(program) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert!(run.stats.degraded_expressions >= 1, "{run}");
        assert_eq!(run.stats.degraded_statements, 0, "{run}");
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

/// Unknown to the frontend: an expression.
macro_rules! sum_of {
    ($($x:expr),*) => { 0 $(+ $x)* };
}

/// Unknown to the frontend: assigns.
macro_rules! bump {
    ($x:ident, $by:expr) => {
        $x += $by
    };
}

/// Unknown to the frontend: leaves the function.
macro_rules! give_up_if {
    ($cond:expr, $value:expr) => {
        if $cond {
            return $value;
        }
    };
}

/// Unknown to the frontend: leaves the loop's body.
macro_rules! skip_if {
    ($cond:expr) => {
        if $cond {
            continue;
        }
    };
}

/// Unknown to the frontend: leaves the loop.
macro_rules! stop_if {
    ($cond:expr) => {
        if $cond {
            break;
        }
    };
}

fn size_of_it<F: Future<Output = i64>>(_: F) -> i64 {
    size_of::<F>() as i64
}

portal! {
    async_block(i; acc: i64) -> i64 {
        let future = async move { acc + 1 };
        acc += size_of_it(future) & 3;
    } => acc
}

portal! {
    const_block(i; acc: i64) -> i64 {
        acc += const { 3 * 7 };
    } => acc
}

portal! {
    changes_locals(i; acc: i64, other: u8) -> i64 {
        let mut local = acc & 7;
        let seen = const { 5 } + { let [a, b] = [local, acc]; local += a; other = other.wrapping_add(1); a ^ b };
        acc = acc.wrapping_mul(3).wrapping_add(seen ^ local ^ i64::from(other));
    } => acc
}

#[test]
fn expressions_are_called() {
    check_expressions(|d| async_block(d, 20, 1));
    check_expressions(|d| const_block(d, 20, 1));
    check(|d| changes_locals(d, 40, 1, 250));
}

portal! {
    hidden_expression(i; acc: i64) -> i64 {
        acc = acc.wrapping_add(1);
        if acc % 4 == 0 {
            acc = acc.wrapping_add(sum_of!(acc, i64::from(i), 3));
        }
    } => acc
}

portal! {
    hidden_assignment(i; acc: i64) -> i64 {
        acc = acc.wrapping_add(1);
        if acc % 4 == 0 {
            let mut twice = acc;
            bump!(twice, acc);
            bump!(acc, twice & 7);
            effect(twice);
        }
    } => acc
}

/// Unknown to the frontend: statements that are no expression.
macro_rules! exchange {
    ($x:ident, $y:ident) => {
        let z = $x;
        $x = $y + 1;
        $y = z;
    };
}

/// Unknown to the frontend: declares a variable for its caller.
macro_rules! declare {
    ($x:ident = $value:expr) => {
        let mut $x = $value;
        $x &= 1023;
    };
}

portal! {
    hidden_statements(i; acc: i64) -> i64 {
        acc = acc.wrapping_add(1);
        if acc % 4 == 0 {
            let mut other = acc * 3 + i64::from(i);
            exchange!(acc, other);
            effect(other);
        }
    } => acc
}

portal! {
    hidden_declaration(i; acc: i64) -> i64 {
        acc = acc.wrapping_add(1);
        if acc % 4 == 0 {
            declare!(other = acc * 3 + i64::from(i));
            effect(other);
            acc = other;
        }
    } => acc
}

portal! {
    hidden_return(i; acc: i64) -> i64 {
        acc += 3;
        if i % 5 == 4 {
            give_up_if!(acc > 200, acc * 2);
            acc += 1;
        }
    } => acc
}

portal! {
    hidden_continue(i; acc: i64) -> i64 {
        acc += 3;
        if i % 3 == 2 {
            skip_if!(acc & 1 == 0);
            acc += 1;
        }
        effect(acc);
    } => acc
}

portal! {
    hidden_break(i; acc: i64) -> i64 {
        acc += 3;
        if i % 4 == 3 {
            stop_if!(acc > 150);
            acc += 1;
        }
    } => acc
}

#[jit]
fn helper_that_returns(x: i64) -> Result<i64, u8> {
    give_up_if!(x % 7 == 0, Err(format!("seven divides {x}").len() as u8));
    Ok(x + 1)
}

portal! {
    in_a_helper(i; acc: i64, bad: i64) -> i64 {
        acc += 1;
        if i % 3 == 0 {
            match helper_that_returns(acc) {
                Ok(x) => acc = x,
                Err(length) => { bad += i64::from(length); }
            }
        }
    } => acc * 1000 + bad
}

#[test]
fn statements_end_the_recording() {
    let mut degraded = 0;
    for runs in [
        check(|d| hidden_expression(d, 60, 1)),
        check(|d| hidden_assignment(d, 60, 1)),
        check(|d| hidden_statements(d, 60, 1)),
        check(|d| hidden_declaration(d, 60, 1)),
        check(|d| hidden_return(d, 200, 1)),
        check(|d| hidden_continue(d, 60, 1)),
        check(|d| hidden_break(d, 100, 1)),
        check(|d| in_a_helper(d, 100, 1, 0)),
    ] {
        for run in runs {
            assert!(run.stats.loops >= 1, "{run}");
            assert!(run.stats.degraded_statements >= 1, "{run}");
            degraded += 1;
        }
    }
    assert!(degraded >= 6);
}

portal! {
    labels(i; acc: i64) -> i64 {
        let found = 'outer: loop {
            let mut k = 0;
            loop {
                k += 1;
                let [a, b] = [k, acc & 7] else { unreachable!() };
                let _nothing = const { 1 } + match [a, b] {
                    [x, y] if x == y => break 'outer x,
                    [_, 0] => break 'outer 100,
                    _ => 3,
                };
            }
        };
        acc = acc.wrapping_add(found);
    } => acc
}

#[test]
fn labels_and_values() {
    check(|d| labels(d, 60, 1));
}

struct Dropped<'a>(&'a std::cell::Cell<u32>, i64);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() * 3 + self.1 as u32);
        effect(self.1);
    }
}

fn dropped(cell: &std::cell::Cell<u32>, x: i64) -> Dropped<'_> {
    Dropped(cell, x)
}

#[jit]
fn owner(cell: &std::cell::Cell<u32>, x: i64) -> i64 {
    let one = dropped(cell, x);
    let two = dropped(cell, x + 1);
    let sum = const { 0 } + {
        let pair @ (_, _) = (one, 1);
        pair.0.1
    };
    sum + two.1
}

portal! {
    owned(i; cell: &std::cell::Cell<u32>, acc: i64) -> i64 {
        acc = acc.wrapping_add(owner(cell, acc & 3));
    } => acc
}

#[test]
fn owned_values_are_dropped_once() {
    check(|d| {
        let cell = std::cell::Cell::new(1);
        (owned(d, 30, &cell, 1), cell.get())
    });
}

portal! {
    panics(i; acc: i64) -> i64 {
        acc += const { 1 } + { let [a] = [acc & 1]; a };
        if acc > 30 {
            acc += sum_of!(acc, 1 / (acc - acc));
        }
    } => acc
}

#[test]
fn panics_come_out() {
    check(|d| panics(d, 60, 1));
}
