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

// --- Macros of the author's own ---

#[jit]
macro_rules! masked {
    ($regs:expr, $at:expr) => {
        $regs[($at & 3) as usize]
    };
}

#[jit]
macro_rules! swap_if {
    ($condition:expr => $a:ident, $b:ident) => {
        if $condition {
            let acc = $a;
            $a = $b - 1;
            $b = acc;
        }
    };
}

/// Leaves the function, or the loop, that calls it.
#[jit]
macro_rules! leave {
    (with $value:expr) => {
        return $value
    };
    (if $condition:expr) => {
        if $condition {
            break;
        }
    };
    (next if $condition:expr) => {
        if $condition {
            continue;
        }
    };
}

#[jit]
fn bounded(value: i64, limit: i64) -> i64 {
    if value > limit {
        leave!(with value % limit);
    }
    value
}

portal! {
    macros_outside(i; acc: i64, other: i64, regs: [i64; 4]) -> i64 {
        masked!(regs, i as i64 + acc) += other;
        swap_if!(masked!(regs, acc) % 3 == 0 => acc, other);
        acc = bounded(acc * 3 + masked!(regs, other), 1000);
        effect(masked!(regs, acc));
        leave!(if acc == 777);
    } => acc * 1000 + other
}

portal! {
    macros_inside(i; acc: i64, other: i64) -> i64 {
        macro_rules! push {
            ($($value:expr),* $(,)?) => {{
                let mut sum = 0;
                $(sum += $value; effect(sum);)*
                sum
            }};
        }
        macro_rules! turn {
            () => { turn!(1); };
            ($by:expr) => {
                let before = other;
                other = (acc + $by) % 100;
                acc = before;
            };
        }
        let sum = push!(acc, other + 1, push![i as i64 & 7]);
        turn!();
        turn!(push!(sum));
        acc = (acc + sum) % 500;
        assert!(push!(acc) < 1000, "{sum} is too much");
    } => acc * 1000 + other
}

#[jit]
fn folded(items: &[i64; 4], skipped: i64) -> i64 {
    let mut sum = 0;
    let mut at = 0;
    'all: loop {
        macro_rules! next {
            ($label:lifetime) => {
                at += 1;
                if at > 3 {
                    break $label;
                }
            };
        }
        next!('all);
        if items[at] == skipped {
            continue;
        }
        sum += items[at];
    }
    sum
}

/// A macro with a loop does not make the function that calls it one without.
#[jit]
macro_rules! total {
    ($items:expr) => {{
        let mut sum = 0;
        for item in $items {
            sum += item;
        }
        sum
    }};
}

#[jit]
fn summed(items: &[i64; 4]) -> i64 {
    total!(items)
}

portal! {
    macros_with_loops(i; acc: i64, regs: [i64; 4]) -> i64 {
        regs[(acc & 3) as usize] = (acc + i as i64) % 9;
        acc = (acc + folded(&regs, 3) + summed(&regs)) % 1000;
    } => acc
}

#[test]
fn own_macros() {
    check_compiled(|d| macros_outside(d, 80, 3, 8, [1, 2, 3, 4]));
    check_compiled(|d| macros_inside(d, 80, 3, 8));
    check(|d| macros_with_loops(d, 80, 3, [1, 2, 3, 4])).iter().for_each(|run| {
        assert_eq!((run.stats.degraded_statements, run.stats.aborted()), (0, 0), "{run}");
        // Neither function is unrolled unasked.
        assert_eq!(run.stats.residual_calls, 2, "{run}");
    });
}

mod one {
    jitdriver::traced! {
        macro_rules! halved {
            ($value:expr) => { $value / 2 };
        }

        pub fn reduced(value: i64) -> i64 {
            if value > 100 { halved!(value + 1) } else { value }
        }
    }
}

mod another {
    use super::*;

    /// Of the same name as one elsewhere.
    #[jit]
    macro_rules! halved {
        ($value:expr) => {
            $value >> 1
        };
    }

    #[jit]
    pub fn reduced(value: i64) -> i64 {
        if value > 100 { halved!(value + 1) } else { value }
    }
}

portal! {
    macros_in_traced(i; acc: i64) -> i64 {
        acc = one::reduced(acc * 3) - another::reduced(acc * 5);
    } => acc
}

#[test]
fn own_macros_among_traced_items() {
    check_compiled(|d| macros_in_traced(d, 80, -7));
}

portal! {
    panicking(i; acc: i64) -> i64 {
        macro_rules! checked {
            ($a:expr, $b:expr) => {{
                assert!($a < $b * 2 + 1);
                let left = $b - $a;
                assert!(left > 3, "{left} are left at {i}");
                left
            }};
        }
        acc += 1;
        let left = checked!(acc + 1, 25);
        effect(left);
    } => acc
}

/// The texts of panics are those of the plain function.
#[test]
fn panics_in_own_macros() {
    check(|d| panicking(d, 60, 2));
    check(|d| panicking(d, 60, 100));
}
