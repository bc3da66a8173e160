//! Behaviours of group D, tracing limits: B063 to B076, as far as they are built.
#![allow(clippy::needless_range_loop, reason = "constructs are traced as authors may write them")]

use jit_tests::oracle::{
    Run, THRESHOLDS, backends, check, count, driver, effect, outcome, with_effects,
};
use jitdriver::{
    Abort, Jit, JitDriver, can_enter_jit, dont_look_inside, elidable_promote, jit, jit_merge_point,
    promote, unroll_safe,
};

/// Operations that a trace may have beyond `trace_limit`: those that end it.
const TOLERANCE: usize = 5;

/// No trace is longer than the limit.
#[track_caller]
fn assert_within(run: &Run, limit: usize) {
    for trace in &run.compiled {
        assert!(trace.recorded_ops <= limit + TOLERANCE, "{trace}\n{run}");
    }
}

fn aborts(run: &Run, reason: Abort) -> u64 {
    run.stats.aborts[reason as usize]
}

/// One opcode of very many operations.
#[jit]
#[unroll_safe]
fn mix(x: i64, n: u32) -> i64 {
    let mut x = x;
    for i in 0..n {
        x = (x ^ i as i64).wrapping_mul(31);
    }
    x
}

#[jit]
fn huge_opcode(driver: &JitDriver<'_>, n: i64, size: u32) -> i64 {
    let mut i = 0;
    let mut acc = 1;
    while i < n {
        jit_merge_point!(driver, greens = [size], reds = [i, n, acc]);
        acc = mix(acc, size);
        effect(acc);
        i += 1;
        can_enter_jit!(driver, greens = [size], reds = [i, n, acc]);
    }
    acc
}

#[test]
fn b063_a_trace_that_is_too_long_is_given_up() {
    let params = "threshold=2,trace_eagerness=2,trace_limit=100,max_aborts=3";
    for run in check(&[params], |d| with_effects(|| huge_opcode(d, 500, 60))) {
        assert_eq!(run.compiled.len(), 0, "{run}");
        // Tried again after pauses that double, and then left alone.
        assert_eq!((run.stats.tracings, aborts(&run, Abort::TooLong)), (3, 3), "{run}");
    }
    for size in [20, 24, 25, 26, 30, 31, 32, 33, 34, 40] {
        for run in check(&[params], |d| with_effects(|| huge_opcode(d, 50, size))) {
            assert_within(&run, 100);
        }
    }
}

/// One of two ways is very long, and each of its steps is an opcode.
#[jit]
fn long_way<'p>(driver: &JitDriver<'p>, code: &'p [u8], n: i64, every: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    let mut acc = 1i64;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, acc, every]);
        let op = code[pc];
        pc += 1;
        match op {
            b'x' => acc = acc.wrapping_mul(5) ^ left,
            b'e' => effect(acc),
            b'?' => {
                if left % every != 0 {
                    pc = code.len() - 1;
                }
            }
            b'<' => {
                left -= 1;
                if left <= 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [left, acc, every]);
            }
            _ => panic!("bad opcode {op}"),
        }
    }
}

/// `?xxx…x<`, with an effect now and then.
fn long_program() -> &'static [u8] {
    b"?xxxxxxxxxxxxxxxxxxxexxxxxxxxxxxxxxxxxxxexxxxxxxxxxxxxxxxxxxxxxxxxexxxxxxxxxxxxxx<"
}

#[test]
fn b063_b069_b070_a_huge_loop_becomes_segments() {
    let params = "threshold=2,trace_eagerness=2,trace_limit=60";
    let seen = |n| move |d: &JitDriver<'static>| with_effects(|| long_way(d, long_program(), n, 1));
    let (short, long) = (check(&[params], seen(50)), check(&[params], seen(5000)));
    for (short, long) in short.iter().zip(&long) {
        assert_within(long, 60);
        assert!(long.compiled.len() >= 3, "segments: {long}");
        assert_eq!(long.stats.aborted(), 0, "{long}");
        // The segments reach the loop's start: a hundred times the laps leave as often.
        assert_eq!(long.compiled.len(), short.compiled.len(), "{long}");
        assert!(long.stats.guard_failures <= short.stats.guard_failures + 1, "{long}");
        assert!(long.compiled.iter().any(|trace| count(trace, "jump") == 1), "{long}");
    }
}

#[test]
fn b069_a_huge_bridge_becomes_segments() {
    let params = "threshold=2,trace_eagerness=2,trace_limit=60";
    for run in check(&[params], |d| with_effects(|| long_way(d, long_program(), 1000, 3))) {
        assert_within(&run, 60);
        assert!(run.stats.bridges >= 2, "{run}");
    }
    // Limits around the length of the short way, and such that nothing fits.
    for limit in (1..40).step_by(3) {
        let params = format!("threshold=2,trace_eagerness=2,trace_limit={limit}");
        for run in
            check(&[params.as_str()], |d| with_effects(|| long_way(d, long_program(), 300, 3)))
        {
            assert_within(&run, limit);
        }
    }
}

fn may_panic(x: i64, at: i64) -> i64 {
    effect(x);
    assert!(x != at, "reached {at}");
    x + 1
}

fn caught(x: i64) -> i64 {
    effect(x);
    let panics = std::panic::catch_unwind(|| if x % 2 == 0 { panic!("even") } else { 3 });
    panics.unwrap_or(4)
}

#[jit]
fn panics_in_a_long_trace(driver: &JitDriver<'_>, at: i64, size: u32) -> i64 {
    let mut i = 0;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [size], reds = [i, acc, at]);
        acc = mix(acc, size) & 0xff;
        acc += caught(acc);
        acc ^= mix(acc, size);
        i = may_panic(i, at);
        can_enter_jit!(driver, greens = [size], reds = [i, acc, at]);
    }
}

#[test]
fn b064_a_panic_while_a_recording_is_given_up_comes_out_once() {
    for limit in [5, 20, 40, 60, 80, 100, 120, 200] {
        for at in [1, 2, 3, 4, 5, 20] {
            let params =
                [1, 2].map(|t| format!("threshold={t},trace_eagerness=2,trace_limit={limit}"));
            let params = params.each_ref().map(String::as_str);
            check(&params, |d| {
                // Three times: the panic comes while recording, and out of compiled code.
                with_effects(|| [(); 3].map(|()| outcome(|| panics_in_a_long_trace(d, at, 12))))
            });
        }
    }
}

thread_local! {
    static INNER: std::cell::Cell<Option<&'static JitDriver<'static>>> =
        const { std::cell::Cell::new(None) };
}

fn run_inner(n: i64) -> i64 {
    huge_opcode(INNER.get().expect("the inner driver"), n, 30)
}

#[jit]
fn outer_portal(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut acc = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, acc]);
        acc ^= mix(run_inner(i & 7), 40);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, acc]);
    }
    acc
}

#[test]
fn b066_two_drivers_in_each_other_may_both_record_too_much() {
    let run = |jit, params: &str| {
        // Leaked, since a thread-local variable holds it: a few kilobytes per run.
        let inner: &'static JitDriver<'static> = Box::leak(Box::new(driver(jit, params)));
        let outer = driver(jit, params);
        INNER.set(Some(inner));
        let seen = with_effects(|| outer_portal(&outer, 60));
        INNER.set(None);
        (seen, Run::of(inner, jit, params), Run::of(&outer, jit, params))
    };
    let (plain, ..) = run(Jit::Off, "");
    for jit in backends() {
        for limit in [10, 50, 70, 100, 1000] {
            let (seen, inner, outer) = run(jit, &format!("threshold=2,trace_limit={limit}"));
            assert_eq!(seen, plain, "{inner}{outer}");
            assert_within(&inner, limit);
            assert_within(&outer, limit);
            if limit == 50 {
                assert!(aborts(&inner, Abort::TooLong) > 0, "{inner}");
                assert!(aborts(&outer, Abort::TooLong) > 0, "{outer}");
            }
            if limit == 1000 {
                assert_eq!((inner.stats.loops, outer.stats.loops), (1, 1), "{inner}{outer}");
            }
        }
    }
}

#[test]
fn b071_a_trace_limit_that_is_too_high_is_refused() {
    let driver: JitDriver<'_> = driver(Jit::Llgraph, "trace_limit=100000000");
    assert!(driver.set_param("trace_limit", "100000001").is_err());
    assert!(JitDriver::builder().params("trace_limit=100000001").is_err());
}

/// Sums what is read in one opcode, so that an exit behind the store must save each of them.
#[jit]
#[unroll_safe]
fn read_all(values: &mut [i64], n: usize, at: i64) -> i64 {
    values[0] += 1;
    let mut sum = 0i64;
    for i in 0..n {
        sum += values[i];
    }
    if sum % at == 3 {
        effect(sum);
    }
    if sum == 0 {
        panic!("nothing to sum");
    }
    sum
}

#[jit]
fn many_live_values(driver: &JitDriver<'_>, values: &mut [i64], n: usize, laps: i64) -> i64 {
    let mut i = 0;
    let mut acc = 0i64;
    while i < laps {
        jit_merge_point!(driver, greens = [n], reds = [i, laps, acc, values]);
        acc ^= read_all(values, n, 7);
        i += 1;
        can_enter_jit!(driver, greens = [n], reds = [i, laps, acc, values]);
    }
    acc
}

fn live_values(d: &JitDriver<'_>, n: usize) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut values: Vec<i64> = (0..n as i64).collect();
    let mut negative: Vec<i64> = (0..n as i64).map(|i| -i).collect();
    // The sum of the second is zero at some time.
    let seen = with_effects(|| {
        let first = outcome(|| many_live_values(d, &mut values, n, 60));
        let second = outcome(|| many_live_values(d, &mut negative, n, 400));
        [first, second]
    });
    (seen, values, negative)
}

#[test]
fn b072_more_values_than_failargs_limit_are_given_up() {
    let params = "threshold=2,trace_eagerness=2,failargs_limit=10,max_aborts=4";
    for run in check(&[params], |d| live_values(d, 20)) {
        assert_eq!(aborts(&run, Abort::TooManyValues), 4, "{run}");
        assert_eq!(run.compiled.len(), 0, "{run}");
    }
    // Some ways of the program have fewer.
    for limit in [1, 3, 5, 15, 22, 24, 26, 30] {
        let params = format!("threshold=2,trace_eagerness=2,failargs_limit={limit}");
        check(&[params.as_str()], |d| live_values(d, 20));
    }
    check(THRESHOLDS, |d| live_values(d, 20));
}

#[test]
fn b072_b073_a_thousand_live_values_are_no_disaster() {
    for n in [400, 1024] {
        check(&["threshold=50,trace_eagerness=20,trace_limit=100000"], |d| live_values(d, n));
    }
    check(&["threshold=50"], |d| live_values(d, 5000));
}

#[jit]
fn local_array(driver: &JitDriver<'_>, laps: usize) -> i64 {
    let mut slots = [3i64; 1024];
    let mut i = 0usize;
    while i < laps {
        jit_merge_point!(driver, greens = [], reds = [i, laps, slots]);
        slots[i % 1024] += slots[(i * 7) % 1024];
        slots[i % 1024] &= 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, laps, slots]);
    }
    slots[0] ^ slots[511] ^ slots[1023]
}

#[test]
fn b073_a_local_of_a_thousand_slots_is_no_disaster() {
    for run in check(THRESHOLDS, |d| local_array(d, 5000)) {
        assert_eq!(run.stats.loops, 1, "{run}");
    }
}

#[jit]
fn tail_call(x: i64, n: i64) -> i64 {
    if n == 0 {
        return x;
    }
    tail_call(x.wrapping_mul(3) ^ n, n - 1)
}

#[jit]
fn with_tail_calls(driver: &JitDriver<'_>, n: i64, depth: i64) -> i64 {
    let mut i = 0;
    let mut acc = 1;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, acc, depth]);
        acc ^= tail_call(acc, depth + (i & 1));
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, acc, depth]);
    }
    acc
}

#[test]
fn b074_deep_recursion_of_a_helper_ends_the_inlining() {
    for depth in [0, 1, 5, 6, 7, 8, 9, 1000] {
        for run in check(&["threshold=3,trace_eagerness=2"], |d| with_tail_calls(d, 100, depth)) {
            // However deep, a trace is no longer than the limit of recursion says.
            assert_within(&run, 150);
            assert!(run.stats.loops >= 1, "{run}");
        }
    }
    for limit in [0, 1, 3] {
        let params = format!("threshold=2,trace_eagerness=2,max_unroll_recursion={limit}");
        for run in check(&[params.as_str()], |d| with_tail_calls(d, 100, 20)) {
            assert!(run.stats.residual_calls > 0, "{run}");
        }
    }
}

/// A recursion with two branches.
#[jit]
fn leaves(x: i64, depth: i64) -> i64 {
    if depth == 0 {
        return x;
    }
    leaves(x ^ depth, depth - 1).wrapping_mul(3) ^ leaves(x.wrapping_mul(5), depth - 1)
}

#[jit]
fn with_leaves(driver: &JitDriver<'_>, n: i64, depth: i64) -> i64 {
    let mut i = 0;
    let mut acc = 1;
    while i < n {
        jit_merge_point!(driver, greens = [depth], reds = [i, n, acc]);
        acc = leaves(acc, depth).wrapping_add(i);
        i += 1;
        can_enter_jit!(driver, greens = [depth], reds = [i, n, acc]);
    }
    acc
}

#[test]
fn each_branch_of_a_recursion_is_followed_up_to_the_limit() {
    for limit in [0, 1, 2, 3] {
        for depth in [0, 1, 2, 3, 4, 9] {
            let params = format!("threshold=2,trace_eagerness=2,max_unroll_recursion={limit}");
            for run in check(&[params.as_str()], |d| with_leaves(d, 20, depth)) {
                // As deep as the limit says the tree is part of the trace, and what is below is called.
                let calls = if depth > limit { 2 << limit } else { 0 };
                assert_eq!(run.stats.residual_calls, calls, "{run}");
            }
        }
    }
}

/// Two expressions are promoted that take ever other values, and what follows depends on them.
#[jit]
fn many_values(driver: &JitDriver<'_>, n: i64, step: i64) -> (i64, i64) {
    let mut i = 0;
    let mut acc = 1i64;
    let mut effects = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, acc, step, effects]);
        effects += 1;
        let first = promote(i * step);
        effects += 1;
        let second = promote(acc & 0xff);
        // Exits behind both, which are replayed by way of them.
        if first % 3 == 0 {
            acc = acc.wrapping_add(first);
        } else if second > 100 {
            effects += second;
            acc = acc.wrapping_mul(7);
        }
        acc = acc.wrapping_add(squared(second)) ^ first;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, acc, step, effects]);
    }
    (acc, effects)
}

#[elidable_promote]
fn squared(n: i64) -> i64 {
    n * n
}

#[test]
fn what_is_promoted_to_too_many_values_varies() {
    for (values, n) in [(1, 2000), (3, 2000), (16, 4000)] {
        let params = format!("threshold=3,trace_eagerness=2,max_promoted_values={values}");
        for run in check(&[params.as_str()], |d| many_values(d, n, 5)) {
            assert_eq!(run.stats.aborted(), 0, "{run}");
            // Of three expressions, so many values at the most, on the few ways through a lap.
            assert!(run.stats.bridges <= 12 * (values + 2), "{run}");
            assert!(run.stats.guard_failures < n as u64 / 2, "{run}");
        }
    }
}

/// A guest that jumps to where a value says: the green position has many values at one place.
#[jit]
fn computed_jumps(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut acc = 0i64;
    let mut pc = 0;
    while i < n {
        jit_merge_point!(driver, greens = [pc], reds = [i, n, acc]);
        if pc == 0 {
            i += 1;
            acc = acc.wrapping_mul(31).wrapping_add(i);
            pc = 1 + (acc & 31);
        } else {
            acc += pc;
            pc = 0;
            can_enter_jit!(driver, greens = [pc], reds = [i, n, acc]);
        }
    }
    acc
}

#[test]
fn what_must_be_constant_is_left_to_the_interpreter() {
    for run in
        check(&["threshold=3,trace_eagerness=2,max_promoted_values=2"], |d| computed_jumps(d, 2000))
    {
        assert!(run.stats.bridges < 100, "{run}");
        assert!(aborts(&run, Abort::TooManyPromoted) > 0, "{run}");
    }
}

/// A loop whose guards in an inlined recursion fail later than they were recorded.
#[jit]
fn deep_guards(driver: &JitDriver<'_>, n: i64, depth: i64, odd: i64) -> i64 {
    let mut i = 0;
    let mut acc = 1;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, acc, depth, odd]);
        acc = descend(acc, depth, odd).wrapping_add(i);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, acc, depth, odd]);
    }
    acc
}

#[jit]
fn descend(acc: i64, depth: i64, odd: i64) -> i64 {
    if depth == 0 {
        // A bridge begins here, many calls deep.
        return if odd == 0 { acc.wrapping_mul(3) } else { acc ^ odd };
    }
    let below = descend(acc, depth - 1, odd);
    if below & odd == 1 { below.wrapping_sub(depth) } else { below.wrapping_add(depth) }
}

#[test]
fn parameters_change_while_there_is_code() {
    for (first, then) in [(7, 0), (0, 7), (3, 5)] {
        let runs = check(&["threshold=3,trace_eagerness=4"], |driver| {
            let mut results = Vec::new();
            for (limit, odd) in [(first, 0), (then, 0), (then, 1), (first, 3)] {
                driver.set_param("max_unroll_recursion", &limit.to_string()).expect("a limit");
                results.push(deep_guards(driver, 30, 5, odd));
            }
            results
        });
        for run in runs {
            assert!(run.stats.replays > 0, "{run}");
        }
    }
}

/// Has a loop, so it is called and not traced into.
#[jit]
fn powers(x: i64, n: i64) -> i64 {
    let mut acc = 1i64;
    let mut i = 0;
    while i < n {
        acc = acc.wrapping_mul(x);
        i += 1;
    }
    acc
}

#[jit]
#[unroll_safe]
fn unrolled_powers(x: i64, n: i64) -> i64 {
    let mut acc = 1i64;
    let mut i = 0;
    while i < n {
        acc = acc.wrapping_mul(x);
        i += 1;
    }
    acc
}

#[dont_look_inside]
fn hidden_powers(x: i64, n: i64) -> i64 {
    x.wrapping_pow(n as u32)
}

#[jit]
fn calling_loops(driver: &JitDriver<'_>, n: i64, kind: u8) -> i64 {
    let mut i = 0;
    let mut acc = 3;
    while i < n {
        jit_merge_point!(driver, greens = [kind], reds = [i, n, acc]);
        acc = match kind {
            0 => powers(acc, 5),
            1 => unrolled_powers(acc, 5),
            _ => hidden_powers(acc, 5),
        };
        acc = acc.wrapping_add(i);
        i += 1;
        can_enter_jit!(driver, greens = [kind], reds = [i, n, acc]);
    }
    acc
}

#[test]
fn b076_a_loop_is_unrolled_only_where_the_author_says_so() {
    for (kind, calls, products) in [(0, 1, 0), (1, 0, 5), (2, 1, 0)] {
        let params = "threshold=3,enable_opts=";
        for run in check(&[params], |d| calling_loops(d, 100, kind)) {
            let looped = run.trace("loop");
            assert_eq!(
                (count(looped, "call"), count(looped, "int_mul")),
                (calls, products),
                "{run}"
            );
        }
        check(THRESHOLDS, |d| calling_loops(d, 3000, kind));
    }
}
