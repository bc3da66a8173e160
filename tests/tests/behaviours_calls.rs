//! Behaviours of groups E and K: calls of the guest, and errors.
//!
//! A portal that has code before its merge point calls itself by a residual call, which enters compiled code like any
//! call of the portal; `assembler.rs` is about those that start at their merge points. RPython's tests of
//! `call_assembler` say what has to come out of both. An error is
//! a `Result` in Rust, and a panic is for what must not happen.

use jit_tests::laps;
use jit_tests::oracle::{
    Counts, RPYTHON, THRESHOLDS, check, check_counts, effect, in_body, outcome, with_effects,
};
use jitdriver::{JitDriver, Traceable, can_enter_jit, dont_look_inside, jit, jit_merge_point};

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

// E. Inlining, recursion

/// A loop that calls its own portal, with other arguments, for each level of `depth`.
#[jit]
fn recursive<'p>(driver: &JitDriver<'p>, code: &'p [u8], depth: i64, n: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    let mut acc = depth;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, acc, depth]);
        let op = code[pc];
        pc += 1;
        match op {
            b'+' => acc = acc.wrapping_add(left),
            b'*' => acc = acc.wrapping_mul(3) & 0xffff,
            b'c' => {
                if depth > 0 {
                    acc ^= call(driver, code, depth - 1, left & 7);
                }
            }
            b'x' => {
                if acc & 63 == 9 {
                    return -acc;
                }
            }
            b'!' => {
                if acc & 1023 == 77 {
                    panic!("at depth {depth} with {left} left");
                }
            }
            _ => {
                left -= 1;
                if left < 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [left, acc, depth]);
            }
        }
    }
}

fn call<'p>(driver: &JitDriver<'p>, code: &'p [u8], depth: i64, n: i64) -> i64 {
    effect(depth);
    recursive(driver, code, depth, n)
}

#[test]
fn b082_b083_a_recursive_call_enters_compiled_code_as_soon_as_there_is_some() {
    let program = |d: &JitDriver<'_>| with_effects(|| recursive(d, b"+c*<", 1, 300));
    for run in check(&[RPYTHON], program) {
        // The loop of the outer call is hot first, and the inner calls run in it; at depth 0 in a version of it.
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
        assert!(run.stats.entered > 150, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b082_a_recursive_call_returns_from_anywhere_and_fails_guards_inside() {
    for code in [b"+cx*<".as_slice(), b"+xc*<", b"c+*x<"] {
        let program = |d: &JitDriver<'_>| with_effects(|| recursive(d, code, 3, 40));
        for run in check(&[RPYTHON], program) {
            assert!(run.stats.guard_failures > 0, "{run}");
        }
        check(THRESHOLDS, program);
    }
}

#[test]
fn b082_b088_a_panic_comes_through_all_levels() {
    // Panics at some depth, or not at all, depending on the number of laps.
    let program = |d: &JitDriver<'_>| {
        (0..30).map(|n| outcome(|| recursive(d, b"+!*c<", 3, n * 3))).collect::<Vec<_>>()
    };
    let off = jit_tests::oracle::driver(jitdriver::Jit::Off, "");
    let results = program(&off);
    assert!(results.iter().any(Result::is_err) && results.iter().any(Result::is_ok));
    check(&[RPYTHON], program);
    check(THRESHOLDS, program);
}

/// A portal that returns nothing, and calls itself in the middle of what has had effects.
#[jit]
fn void(driver: &JitDriver<'static>, out: &mut [i64], depth: i64, n: i64) {
    let mut i = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, depth, out]);
        out[0] = out[0].wrapping_mul(3).wrapping_add(i);
        if depth > 0 && i & 3 == 1 {
            void_call(driver, out, depth - 1, i);
            if out[0] & 15 == 2 {
                out[1] += 1;
            }
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, depth, out]);
    }
}

fn void_call(driver: &JitDriver<'static>, out: &mut [i64], depth: i64, n: i64) {
    effect(out[0]);
    void(driver, out, depth, n);
}

#[test]
fn b084_b088_a_frame_goes_down_with_a_call_and_comes_back_changed() {
    let program = |d: &JitDriver<'static>| {
        let mut out = [1, 0];
        (with_effects(|| void(d, &mut out, 3, 40)), out)
    };
    for run in check(&[RPYTHON], program) {
        assert!(run.stats.loops >= 1 && run.stats.aborted() == 0, "{run}");
        assert!(run.stats.entered > 10, "{run}");
    }
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        check(&[eagerness], program);
    }
    check(THRESHOLDS, program);
}

#[jit]
fn low_bits(x: i64, limit: i64) -> i64 {
    if x & 7 == limit { -x } else { x & 7 }
}

#[jit]
fn middle(x: i64, limit: i64) -> i64 {
    effect(x);
    let low = low_bits(x, limit);
    effect(low);
    low * 3 + low_bits(x + 1, limit)
}

laps! {
    through_helpers(i, n, sum: i64 = 0) -> i64 {
        sum ^= middle(i, 3);
        effect(sum);
    } => sum
}

#[test]
fn b085_a_guard_that_fails_inside_helpers_goes_on_in_all_of_them() {
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        for run in check(&[eagerness], |d| with_effects(|| through_helpers(d, 200))) {
            assert!(run.stats.replays > 0, "{run}");
        }
    }
    check(THRESHOLDS, |d| with_effects(|| through_helpers(d, 200)));
}

#[jit]
fn mixed(driver: &JitDriver<'static>, x: f64, flag: bool, small: u8, depth: i64) -> f64 {
    let mut x = x;
    let mut flag = flag;
    let mut small = small;
    let mut left = 12i64;
    while left > 0 {
        jit_merge_point!(driver, greens = [], reds = [x, flag, small, depth, left]);
        x = x * 0.5 + small as f64;
        if flag && depth > 0 {
            x += mixed_call(driver, small as f64, !flag, small, depth - 1);
        }
        flag = !flag;
        small = small.wrapping_add(3);
        left -= 1;
        can_enter_jit!(driver, greens = [], reds = [x, flag, small, depth, left]);
    }
    x
}

fn mixed_call(d: &JitDriver<'static>, x: f64, flag: bool, small: u8, depth: i64) -> f64 {
    effect(small as i64);
    mixed(d, x, flag, small, depth)
}

#[test]
fn b089_b091_reds_of_all_types_and_equal_ones_in_a_recursive_call() {
    let program = |d: &JitDriver<'static>| {
        let results = [mixed(d, 1.5, true, 250, 3), mixed(d, 0.0, false, 0, 2)];
        with_effects(|| results.map(f64::to_bits))
    };
    for run in check(&[RPYTHON], program) {
        assert!(run.stats.loops >= 1 && run.stats.aborted() == 0, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b090_a_recursive_call_that_returns_before_its_loop_and_behind_it() {
    let program = |d: &JitDriver<'_>| {
        // `x` first: a call may return at once; `n = 0`: it never jumps back.
        let results = [recursive(d, b"xc+*<", 2, 60), recursive(d, b"xc+*<", 1, 0)];
        with_effects(|| results)
    };
    for run in check(&[RPYTHON], program) {
        assert!(run.stats.loops >= 1, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b080_a_call_of_the_portal_stays_a_call() {
    for run in check(&[RPYTHON], |d| with_effects(|| recursive(d, b"+c*<", 1, 300))) {
        // The inner portal runs in its own code: the trace has the call, and no second lap in it.
        let calls = run.compiled.iter().filter(|it| it.optimized.contains("descr=call(call,"));
        assert!(calls.count() >= 1, "{run}");
    }
}

/// As deep as the plain interpreter goes in a small stack, the JIT has to go too.
#[test]
fn b024_deep_recursion_needs_no_more_stack_than_before() {
    let run = || {
        let program = |d: &JitDriver<'_>| recursive(d, b"+c<", 400, 1);
        check(&["threshold=2,trace_eagerness=1", "threshold=1,trace_eagerness=1"], program);
    };
    let builder = std::thread::Builder::new().stack_size(16 << 20);
    builder.spawn(run).expect("a thread").join().expect("no overflow");
}

// J. Conditional calls

#[dont_look_inside]
fn rarely_needed(x: i64) -> i64 {
    effect(x);
    assert!(x != 1234, "the rare case of {x}");
    x & 7
}

/// A condition inside of what is called: one call in each lap, and no guard. RPython's `conditional_call`.
#[dont_look_inside]
fn conditional_call(condition: bool, memory: &mut [i64; 2], x: i64) {
    if condition {
        effect(x);
        assert!(x != 777, "not {x}");
        memory[0] += 1;
    }
}

laps! {
    conditional(i, n, memory: [i64; 2] = [0; 2], sum: i64 = 0) -> i64 {
        // Constant conditions leave nothing, or the call.
        if 1 > 2 { sum += rarely_needed(i); }
        conditional_call(i % 8 == 0, &mut memory, i);
        conditional_call(i % 5 == 0, &mut memory, i + 1);
        sum = (sum + memory[0]) & 0xffff;
    } => sum
}

#[test]
fn b159_a_conditional_call_leaves_no_guard_on_its_condition() {
    for run in check(&[RPYTHON], |d| with_effects(|| conditional(d, 300))) {
        // One trace, whatever the conditions are; the constant one is not in it.
        assert_eq!((run.stats.loops, run.stats.bridges, run.stats.aborted()), (1, 0, 0), "{run}");
        assert!(!run.trace("loop").optimized.contains("rarely_needed"), "{run}");
    }
    // It panics in the 777th lap, or in the one of 776 for the second.
    for run in check(&[RPYTHON], |d| with_effects(|| outcome(|| conditional(d, 3000)))) {
        assert!(run.stats.loops >= 1, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| outcome(|| conditional(d, 3000))));
}

laps! {
    cached(i, n, cache: Option<i64> = None, sum: i64 = 0) -> i64 {
        let value = match cache { Some(value) => value, None => rarely_needed(i) };
        cache = if i % 40 == 39 { None } else { Some(value) };
        sum = (sum * 3 + value) & 0xffff;
    } => sum
}

#[test]
fn b160_a_value_is_computed_only_where_it_is_missing() {
    for run in check(&[RPYTHON], |d| with_effects(|| cached(d, 400))) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert_eq!(in_body(run.trace("loop"), "call"), 0, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| outcome(|| cached(d, 3000))));
}

// K. Errors

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
#[repr(u8)]
enum Error {
    Odd(i64),
    Large,
    Zero,
    Other(u8),
}

#[jit]
fn first_level(x: i64) -> Result<i64, Error> {
    match x {
        0 => Err(Error::Zero),
        x if x & 15 == 5 => Err(Error::Odd(x)),
        x if x > 5000 => Err(Error::Large),
        x if x & 63 == 12 => Err(Error::Other(x as u8)),
        x => Ok(x & 0xff),
    }
}

#[jit]
fn second_level(x: i64) -> Result<i64, Error> {
    let y = first_level(x)?;
    Ok(y + 1)
}

#[jit]
fn third_level(x: i64) -> Result<i64, Error> {
    Ok(second_level(x)? * 2)
}

#[jit]
fn fourth_level(x: i64, sum: i64) -> Result<i64, Error> {
    let y = third_level(x)?;
    Ok(y ^ sum)
}

laps! {
    handled_in_place(i, n, sum: i64 = 0) -> i64 {
        let result: Result<i64, i64> = if i & 3 == 0 { Err(i) } else { Ok(1) };
        match result { Ok(x) => sum += x, Err(x) => sum ^= x }
    } => sum
}

laps! {
    handled_above(i, n, sum: i64 = 0) -> i64 {
        match first_level(i) { Ok(x) => sum += x, Err(Error::Odd(x)) => sum ^= x, Err(_) => sum -= 1 }
    } => sum
}

laps! {
    handled_far_above(i, n, sum: i64 = 0) -> i64 {
        sum = match fourth_level(i, sum) {
            Ok(x) => x,
            Err(Error::Zero) => 5,
            Err(Error::Odd(x)) => sum.wrapping_add(x),
            Err(Error::Large) => sum ^ 1,
            Err(Error::Other(x)) => sum ^ x as i64,
        };
    } => sum
}

#[test]
fn b169_errors_are_handled_here_one_level_up_and_four() {
    for run in check(&[RPYTHON], |d| [handled_in_place(d, 200)]) {
        assert_eq!(
            (run.stats.loops, run.stats.bridges, run.stats.residual_calls),
            (1, 1, 0),
            "{run}"
        );
    }
    for run in check(&[RPYTHON], |d| handled_above(d, 200)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
    }
    for run in check(&[RPYTHON], |d| handled_far_above(d, 400)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.bridges >= 2, "{run}");
    }
    check(THRESHOLDS, |d| handled_far_above(d, 6000));
    check(THRESHOLDS, |d| handled_above(d, 6000));
}

laps! {
    never_an_error(i, n, sum: i64 = 0) -> i64 {
        let checked: Option<i64> = if sum > 5000 { None } else { Some(i & 7) };
        match checked.ok_or(3u8) { Ok(x) => sum += x, Err(e) => sum = e as i64 }
    } => sum
}

#[test]
fn b170_no_error_costs_its_condition_and_the_first_one_gets_a_bridge() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| never_an_error(d, 300)) {
        let trace = run.trace("loop");
        // Whether the loop ends, and whether there is an error: nothing asks for the variant again.
        assert!(in_body(trace, "guard_true") + in_body(trace, "guard_false") <= 2, "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
    for run in check(&[RPYTHON], |d| never_an_error(d, 10_000)) {
        assert!(run.stats.bridges >= 1, "{run}");
    }
}

laps! {
    always_an_error(i, n, sum: i64 = 0) -> i64 {
        let result: Result<u8, i64> = Err(i);
        if let Err(x) = result { sum += x; } else { sum = -1; }
        if result.is_err() { sum ^= 1; }
    } => sum
}

#[test]
fn b171_b174_an_error_of_a_known_class_leaves_no_guard() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| always_an_error(d, 300)) {
        let trace = run.trace("loop");
        assert_eq!(in_body(trace, "guard_true") + in_body(trace, "guard_false"), 1, "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
}

#[dont_look_inside]
fn outside(i: i64) -> Result<i64, Error> {
    effect(i);
    match i % 40 {
        38 => Err(Error::Large),
        39 => Err(Error::Odd(i)),
        _ => Ok(i & 3),
    }
}

laps! {
    from_outside(i, n, sum: i64 = 0) -> i64 {
        sum = match outside(i) {
            Ok(x) => sum + x,
            Err(Error::Odd(x)) => sum ^ x,
            Err(_) => sum * 2 & 0xffff,
        };
    } => sum
}

#[test]
fn b171_b172_errors_from_outside_come_later_and_go_again() {
    for run in check(&[RPYTHON], |d| with_effects(|| from_outside(d, 300))) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.bridges >= 1, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| from_outside(d, 3000)));
}

#[jit]
fn one_of(kind: i64) -> Result<i64, Error> {
    if kind == 0 {
        return Err(Error::Zero);
    }
    if kind == 1 {
        return Err(Error::Large);
    }
    if kind == 2 {
        return Err(Error::Odd(kind));
    }
    if kind == 3 { Err(Error::Other(9)) } else { Ok(kind) }
}

laps! {
    two_and_four_kinds(i, n, sum: i64 = 0) -> i64 {
        // One, then none, then two, then all in turn.
        let kind = if i < 60 { 0 } else if i < 120 { 7 } else if i < 180 { i & 1 } else { i & 7 };
        sum = match one_of(kind) {
            Ok(x) => sum + x,
            Err(Error::Zero) => sum + 100,
            Err(Error::Large) => sum ^ 3,
            Err(Error::Odd(x)) => sum - x,
            Err(Error::Other(x)) => sum + x as i64,
        };
    } => sum
}

#[test]
fn b172_two_and_four_kinds_of_errors() {
    for run in check(&[RPYTHON], |d| two_and_four_kinds(d, 400)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        // One way for each kind, and the changes between the phases.
        assert!(run.stats.bridges <= 12, "{run}");
    }
    check(THRESHOLDS, |d| two_and_four_kinds(d, 3000));
}

laps! {
    pending(i, n, error: Result<i64, i64> = Err(-3), sum: i64 = 0) -> i64 {
        // An error that waits in a red while a recording starts, and is handled in the lap after.
        match error { Ok(x) => sum += x, Err(e) => sum ^= e }
        error = if i % 6 == 0 || i < 5 { Err(i) } else { Ok(1) };
    } => sum
}

#[test]
fn b176_an_error_may_be_pending_where_a_recording_starts() {
    for run in check(&[RPYTHON], |d| pending(d, 300)) {
        // While the errors come one after another, and then for laps without.
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
    }
    check(THRESHOLDS, |d| pending(d, 3000));
}
