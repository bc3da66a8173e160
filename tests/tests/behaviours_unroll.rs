//! Behaviours of groups C, D and O as far as they are about loops that are split: what leaves the loop, what a
//! bridge may change of it, and that nothing goes wrong where the next lap is not like the first.
//!
//! A loop has two labels here. The first is that of its preheader, which takes anything; the second is
//! behind that. Bridges do what the preheader would and jump to the second, or else to the first, which
//! always fits, so there are no virtual states. Data of another kind than the preheader is for gets a version of
//! the loop. What RPython's tests of virtual states say about results and traces holds all the same.

#![allow(clippy::manual_swap, reason = "assignments are what is traced")]

use jit_tests::laps;
use jit_tests::oracle::{
    Counts, RPYTHON, THRESHOLDS, backends, check, check_counts, check_in_background, count, driver,
    effect, in_body, with_effects,
};
use jitdriver::{JitDriver, Traceable, can_enter_jit, jit, jit_merge_point, promote};

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

/// Computes with values that stay the same: an integer, an item, a length.
#[jit]
fn invariants(driver: &JitDriver<'_>, list: &[i64], k: i64, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, k, sum, list]);
        let product = (k & 0xff) * 3 + list[1] * k;
        if list.len() > 1 {
            sum = (sum + product) & 0xffff;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, k, sum, list]);
    }
    sum
}

#[test]
fn b229_what_stays_the_same_leaves_the_loop() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| invariants(d, &[4, 5], 7, 300)) {
        let trace = run.trace("loop");
        for prefix in ["int_mul", "getarrayitem", "getfield", "uint_lt"] {
            assert_eq!(in_body(trace, prefix), 0, "{prefix}: {run}");
            assert!(prefix == "getfield" || count(trace, prefix) <= 2, "{prefix}: {run}");
        }
    }
    check(THRESHOLDS, |d| invariants(d, &[4, 5], 7, 3000));
}

laps! {
    changed_by_bridge(i, n, k: i64 = 3, sum: i64 = 0) -> i64 {
        sum = (sum + k * k) & 0xffff;
        if i % 50 == 0 { k += 1; }
        if i % 70 == 0 { sum += k; }
    } => sum
}

#[test]
fn b230_a_bridge_changes_what_stayed_the_same() {
    for run in check(&[RPYTHON], |d| changed_by_bridge(d, 500)) {
        assert_eq!((run.stats.loops, run.stats.bridges, run.stats.aborted()), (1, 2, 0), "{run}");
    }
    check(THRESHOLDS, |d| changed_by_bridge(d, 3000));
}

/// Two lists that are swapped now and then, and made shorter.
#[jit]
fn two_arrays<'a>(driver: &JitDriver<'_>, a: &'a [i64], b: &'a [i64], n: i64) -> i64 {
    let mut a = a;
    let mut b = b;
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, a, b]);
        sum = (sum * 3 + a[0] + b[1] * 2) & 0xffff;
        if i & 31 == 31 {
            let t = a;
            a = b;
            b = t;
        }
        if i & 127 == 127 && a.len() > 2 {
            a = &a[1..];
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, a, b]);
    }
    sum
}

#[test]
fn b231_two_arrays_that_are_swapped_and_shrink() {
    let program = |d: &JitDriver<'_>| two_arrays(d, &[1, 2, 3, 4, 5, 6], &[7, 8, 9], 1000);
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert_eq!(in_body(run.trace("loop"), "getarrayitem"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

laps! {
    bounded(i, n, k: i64 = 0, sum: i64 = 0) -> i64 {
        // Small in the first laps; a bridge makes it as large as it gets.
        if k < 100 { sum = (sum + k) & 0xffff; k += 1; } else { sum ^= k & 0xff; k = k.wrapping_mul(3); }
        if i == 900 { k = i64::MIN; }
    } => sum
}

#[test]
fn b232_b239_bounds_of_the_first_lap_are_not_those_of_all() {
    check(THRESHOLDS, |d| bounded(d, 3000));
    for run in check(&[RPYTHON], |d| bounded(d, 1500)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        // Behind `k < 100`, its sum with 1 cannot overflow: left is `sum + k`.
        assert_eq!(in_body(run.trace("loop"), "int_add_ovf"), 1, "{run}");
    }
}

laps! {
    equal_and_not(i, n, a: i64 = 5, b: i64 = 5, c: i64 = 0) -> i64 {
        c = (c + a * 2 + b) & 0xffff;
        if i & 15 < 8 { b = a; } else { b = c & 7; }
        if i & 63 == 0 { a = b; }
    } => c
}

#[test]
fn b233_reds_that_become_equal_and_different_again() {
    for run in check(&[RPYTHON], |d| equal_and_not(d, 500)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
    }
    check(THRESHOLDS, |d| equal_and_not(d, 3000));
}

#[derive(Debug, Clone, Copy, Traceable)]
#[repr(u8)]
enum Value {
    Index(usize),
    Number(i64),
}

/// The payload of one variant is an index that must be in bounds, of the other anything.
#[jit]
fn tagged(driver: &JitDriver<'_>, values: &[Value], list: &[i64], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    let mut value = values[0];
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, value, values, list]);
        sum = match value {
            Value::Index(at) => (sum + list[at]) & 0xffff,
            Value::Number(x) => sum ^ x,
        };
        if i & 31 == 31 {
            value = values[(i >> 5) as usize % values.len()];
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, value, values, list]);
    }
    sum
}

#[test]
fn b234_the_loop_reads_nothing_before_the_guard_that_says_what_it_is() {
    let values = [Value::Index(1), Value::Number(-77), Value::Index(0), Value::Number(i64::MAX)];
    let program = |d: &JitDriver<'_>| tagged(d, &values, &[3, 4], 2000);
    for run in check(&[RPYTHON], program) {
        // One for each variant.
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
    }
    check(THRESHOLDS, program);
}

laps! {
    long_rotation(i, n, a: i64 = 1, b: i64 = 1, c: i64 = 1, e: i64 = 1, f: i64 = 1, g: i64 = 1) -> i64 {
        // Six values that look the same for six laps: what is assumed of the loop fails again and again.
        let t = a;
        a = b; b = c; c = e; e = f; f = g; g = (t * 5 + (i >> 4)) & 0xff;
    } => a ^ b * 2 ^ c * 3 ^ e * 4 ^ f * 5 ^ g * 6
}

#[test]
fn b235_b241_values_that_change_places_reach_a_fixpoint() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| long_rotation(d, 300)) {
        assert!(count(run.trace("loop"), "label") <= 2, "{run}");
    }
    check(THRESHOLDS, |d| long_rotation(d, 3000));
}

laps! {
    zigzag(i, n, a: Option<i64> = Some(1), b: Option<i64> = None, sum: i64 = 0) -> i64 {
        let t = a;
        a = b;
        b = if i & 3 == 3 { None } else { t };
        if a.is_none() && b.is_none() { a = Some(i & 7); }
        sum = (sum * 3 + a.unwrap_or(11) + b.unwrap_or(13)) & 0xffff;
    } => sum
}

#[test]
fn b241_values_that_swap_their_classes() {
    for run in check(&[RPYTHON], |d| zigzag(d, 400)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.bridges <= 8, "{run}");
    }
    check(THRESHOLDS, |d| zigzag(d, 3000));
}

laps! {
    one_value_often(i, n, a: i64 = 1, b: i64 = 1, pair: (i64, i64) = (1, 1), sum: i64 = 0) -> i64 {
        let x = (a + i) & 0xff;
        a = x; b = x; pair = (x, x);
        sum = (sum + b + pair.0 - pair.1) & 0xffff;
        if x == 77 { sum += effect_of(a ^ b); b = 5; }
        if x & 15 == 7 { pair = (b, a); }
    } => sum ^ pair.0 ^ pair.1 ^ b
}

fn effect_of(x: i64) -> i64 {
    effect(x);
    x + 1
}

#[test]
fn b242_one_value_in_many_reds_at_an_exit() {
    for run in check(&[RPYTHON], |d| with_effects(|| one_value_often(d, 400))) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
    }
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        check(&[eagerness], |d| with_effects(|| one_value_often(d, 400)));
    }
    check(THRESHOLDS, |d| with_effects(|| one_value_often(d, 3000)));
}

#[test]
fn b057_b236_a_guard_of_the_lap_goes_on_where_it_stands() {
    // The guards of the preheader and those of the loop are each the only way out for some arguments.
    let program = |d: &JitDriver<'_>| {
        let lists: [&[i64]; 3] = [&[4, 5], &[4, 5, 6], &[-1, i64::MAX / 4]];
        lists.map(|list| [0, 1, 2, 3, 50].map(|n| invariants(d, list, 7, n)))
    };
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        check(&[eagerness], program);
    }
    check(THRESHOLDS, program);
}

laps! {
    tested_before_the_bridge(i, n, value: Value = Value::Number(3), k: i64 = 2, sum: i64 = 0) -> i64 {
        let x = match value { Value::Number(x) => x, Value::Index(at) => at as i64 };
        if promote(k) == 3 { sum = 0; }
        if i & 7 == 0 { sum += x; } else { sum ^= 1; }
        if let Value::Number(x) = value { sum = (sum + x) & 0xffff; }
    } => sum
}

#[test]
fn b058_b240_a_bridge_knows_what_was_tested_before_its_guard() {
    for run in check(&[RPYTHON], |d| tested_before_the_bridge(d, 300)) {
        assert_eq!((run.stats.loops, run.stats.bridges, run.stats.aborted()), (1, 1, 0), "{run}");
        // Neither the class nor the promoted value is asked for again.
        assert_eq!(count(run.trace("bridge"), "guard_value"), 0, "{run}");
        // The end of the loop is all that it asks for.
        let bridge = run.trace("bridge");
        assert_eq!(count(bridge, "guard_true") + count(bridge, "guard_false"), 1, "{run}");
    }
    check(THRESHOLDS, |d| tested_before_the_bridge(d, 3000));
}

#[test]
fn b049_b054_a_recording_may_end_with_the_portal() {
    // Called with so few laps that a recording sees the end before the loop closes.
    let program = |d: &JitDriver<'_>| (0..40).map(|n| bounded(d, n % 3 + 1)).collect::<Vec<_>>();
    for run in check(&["threshold=2,trace_eagerness=2"], program) {
        assert!(run.count("finish") >= 1, "{run}");
    }
    check(THRESHOLDS, program);
}

/// An interpreter whose frame is in memory, and whose guest's loop is longer than `trace_limit`.
#[jit]
fn with_frame<'p>(driver: &JitDriver<'p>, code: &'p [u8], frame: &mut [i64; 4], n: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, frame]);
        let op = code[pc];
        pc += 1;
        match op {
            b'a' => frame[0] = frame[0].wrapping_mul(3).wrapping_add(frame[1]),
            b'b' => frame[1] ^= frame[0] & 0xff,
            _ => {
                left -= 1;
                if left < 0 {
                    return frame[0];
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [left, frame]);
            }
        }
    }
}

#[test]
fn b068_a_huge_loop_over_a_frame_becomes_segments() {
    let code: Vec<u8> = b"ab".repeat(200).into_iter().chain([b'<']).collect();
    let program = |d: &JitDriver<'_>| {
        // A program lives as long as its driver.
        let code: &'static [u8] = Box::leak(code.clone().into_boxed_slice());
        let mut frame = [1, 2, 3, 4];
        (with_frame(d, code, &mut frame, 100), frame)
    };
    for run in check(&["threshold=3,trace_eagerness=2,decay=0,trace_limit=300"], program) {
        assert!(run.compiled.len() >= 2, "{run}");
        assert!(run.compiled.iter().all(|trace| trace.recorded_ops <= 305), "{run}");
        // The lap goes from one segment to the next in compiled code.
        assert!(run.stats.entered < 60, "{run}");
    }
    check(
        &["threshold=1,trace_limit=150", "threshold=2,trace_eagerness=1,trace_limit=200"],
        program,
    );
}

#[derive(Debug, Clone, Copy, Traceable)]
#[repr(u8)]
enum Kind {
    Add(i64),
    Xor(i64),
    Scale(f64),
    Skip,
}

const KINDS: [Kind; 4] = [Kind::Add(3), Kind::Xor(0x55), Kind::Scale(0.75), Kind::Skip];

/// What a lap does to the sum.
#[jit]
fn with_kind(kind: Kind, sum: i64) -> i64 {
    match kind {
        Kind::Add(x) => (sum + x * x) & 0xffff,
        Kind::Xor(x) => (sum ^ x) + 1,
        Kind::Scale(x) => (sum as f64 * x) as i64 + 100,
        Kind::Skip => sum,
    }
}

/// A loop for data of several kinds, each of which is tested in the preheader.
#[jit]
fn of_a_kind(driver: &JitDriver<'_>, kind: Kind, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 7i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, kind]);
        sum = with_kind(kind, sum);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, kind]);
    }
    sum
}

/// Each kind in turn, several times over.
fn all_kinds(driver: &JitDriver<'_>, n: i64) -> Vec<i64> {
    (0..6).flat_map(|_| KINDS).map(|kind| of_a_kind(driver, kind, n)).collect()
}

#[test]
fn b052_a_loop_has_as_many_versions_as_the_limit_allows() {
    for limit in 0..=4 {
        let params = format!("{RPYTHON},retrace_limit={limit}");
        for run in check(&[&params], |d| all_kinds(d, 100)) {
            assert_eq!(run.stats.loops, 1 + limit.min(3), "{run}");
            assert_eq!(run.stats.aborted(), 0, "{run}");
            // The kind is tested in the preheader.
            let loops = run.compiled.iter().filter(|trace| trace.name.starts_with("loop"));
            for version in loops {
                assert_eq!(in_body(version, "guard_value"), 0, "{run}");
            }
        }
    }
    check(THRESHOLDS, |d| all_kinds(d, 3000));
    check_in_background(RPYTHON, 4, |d| all_kinds(d, 300));
}

// Once there is a version for each kind, nothing is recorded any more, and each run is entered once and left by its
// end.
#[test]
fn b052_each_kind_of_data_stays_in_its_version() {
    for jit in backends() {
        let driver = driver(jit, RPYTHON);
        all_kinds(&driver, 100);
        let before = driver.stats();
        all_kinds(&driver, 1000);
        let after = driver.stats();
        let n_runs = 6 * KINDS.len() as u64;
        assert_eq!(after.tracings, before.tracings, "{jit}: {after}");
        assert_eq!(after.entered - before.entered, n_runs, "{jit}: {after}");
        assert_eq!(after.guard_failures, before.guard_failures, "{jit}: {after}");
    }
}

/// The kind changes every so many laps, while the loop runs.
#[jit]
fn of_kinds_in_turn(driver: &JitDriver<'_>, after: i64, kinds: &[Kind], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 7i64;
    let mut kind = kinds[0];
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, kind, kinds, after]);
        sum = with_kind(kind, sum);
        i += 1;
        if i % after == 0 {
            kind = kinds[(i / after) as usize % kinds.len()];
        }
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, kind, kinds, after]);
    }
    sum
}

#[test]
fn b052_kinds_that_change_while_the_loop_runs() {
    for after in [1, 2, 7, 50] {
        for n_kinds in 2..=4 {
            let program = |d: &JitDriver<'_>| of_kinds_in_turn(d, after, &KINDS[..n_kinds], 1000);
            for run in check(&[RPYTHON], program) {
                // The first one and `retrace_limit` more.
                assert!(run.stats.loops <= 6 && run.stats.tracings <= 40, "{run}");
                assert_eq!(run.stats.aborted(), 0, "{run}");
            }
            check(THRESHOLDS, program);
        }
    }
}

/// An outer loop for data of several kinds, with an inner loop that is compiled already when the outer one is recorded
/// once more.
#[jit]
fn around_a_loop(driver: &JitDriver<'_>, outer: bool, kind: Kind, n: i64) -> i64 {
    let mut outer = outer;
    let mut i = 0i64;
    let mut j = 0i64;
    let mut sum = 7i64;
    loop {
        jit_merge_point!(driver, greens = [outer], reds = [i, j, n, sum, kind]);
        if outer {
            if i >= n {
                return sum;
            }
            sum = with_kind(kind, sum);
            i += 1;
            j = i % 5;
            outer = j == 0;
        } else {
            sum += j;
            j -= 1;
            outer = j == 0;
        }
        can_enter_jit!(driver, greens = [outer], reds = [i, j, n, sum, kind]);
    }
}

#[test]
fn b055_a_recording_for_one_more_version_may_end_at_another_loop() {
    let program = |d: &JitDriver<'_>| -> Vec<i64> {
        (0..4).flat_map(|_| KINDS).map(|kind| around_a_loop(d, true, kind, 200)).collect()
    };
    for run in check(&[RPYTHON], program) {
        assert!((2..=12).contains(&run.stats.loops), "{run}");
        assert_eq!(run.stats.aborted(), 0, "{run}");
    }
    check(THRESHOLDS, program);
}
