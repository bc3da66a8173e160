//! Behaviours of group C, loops and bridges: B035 to B062, as far as they are built.
//!
//! Where RPython's test has a number of traces, the same program must give as many here: those that
//! RPython gets without its optimizer, since no loop is peeled here.

use jit_tests::oracle::{
    Counts, RPYTHON, Run, THRESHOLDS, backends, check, check_counts, count, driver, effect,
    opcodes, with_effects,
};
use jit_tests::programs::{self, interpret};
use jitdriver::{Abort, JitDriver, can_enter_jit, jit, jit_merge_point, promote};
use metainterp::opt::{Pass, Passes};

/// One loop and its bridges, with nothing given up.
fn one_loop(bridges: u64) -> Counts {
    Counts { tracings: 1 + bridges, loops: 1, bridges, aborted: 0 }
}

/// Loops with one counter `y` that goes down to zero; the body may use `x` and `res`.
macro_rules! countdown {
    ($name:ident($y:ident, $x:ident, $res:ident) { $($body:tt)* }) => {
        #[jit]
        fn $name(driver: &JitDriver<'_>, y: i64, x: i64) -> i64 {
            let mut $y = y;
            let mut $x = x;
            let mut $res = 0i64;
            while $y > 0 {
                jit_merge_point!(driver, greens = [], reds = [$y, $x, $res]);
                $($body)*
                $y -= 1;
                can_enter_jit!(driver, greens = [], reds = [$y, $x, $res]);
            }
            $res ^ $x
        }
    };
}

countdown! {
    two_paths(y, x, res) {
        if y & 1 == 1 { res += x; } else { res = (res * 2) & 0xffff; }
    }
}

#[test]
fn b035_two_ways_are_a_loop_and_a_bridge() {
    for run in check_counts(RPYTHON, one_loop(1), |d| two_paths(d, 33, 6)) {
        assert_eq!(count(run.trace("loop"), "jump"), 1, "{run}");
        assert_eq!(count(run.trace("bridge"), "jump"), 1, "{run}");
    }
    check(THRESHOLDS, |d| two_paths(d, 5000, 6));
}

#[jit]
fn alternating(driver: &JitDriver<'_>, pattern: u64) -> (u32, u32) {
    let mut pattern = pattern;
    let mut ones = 0;
    let mut zeros = 0;
    while pattern > 0 {
        jit_merge_point!(driver, greens = [], reds = [pattern, ones, zeros]);
        if pattern & 1 == 1 {
            ones += 1;
        } else {
            zeros += 1;
        }
        pattern >>= 1;
        can_enter_jit!(driver, greens = [], reds = [pattern, ones, zeros]);
    }
    (ones, zeros)
}

#[test]
fn b036_alternating_ways_are_two_traces() {
    check_counts(RPYTHON, one_loop(1), |d| alternating(d, 0xf0_f0f0));
    check(THRESHOLDS, |d| {
        (1..200).map(|n| alternating(d, n * 0x1234_5678_9abc)).collect::<Vec<_>>()
    });
}

#[jit]
fn many_paths(driver: &JitDriver<'_>, nodes: &[u8]) -> i64 {
    let mut at = 0usize;
    let mut sum = 0i64;
    while at < nodes.len() {
        jit_merge_point!(driver, greens = [], reds = [at, sum, nodes]);
        let node = nodes[at];
        match node & 3 {
            0 => sum += 1,
            1 => sum = (sum * 3) & 0xfff,
            2 => sum += node as i64,
            _ => sum ^= 0x55,
        }
        if node & 4 == 0 {
            sum += 7;
        }
        if node & 8 != 0 && node & 16 == 0 {
            sum -= 1;
        }
        at += 1;
        can_enter_jit!(driver, greens = [], reds = [at, sum, nodes]);
    }
    sum
}

/// Bytes that look random and are the same each time.
fn pseudo_random_bytes(n: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        (state >> 16) as u8
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn b037_many_ways_are_a_few_traces() {
    let nodes = pseudo_random_bytes(300);
    let runs = check(&["threshold=3,trace_eagerness=10,decay=0"], |d| many_paths(d, &nodes));
    for run in runs {
        assert_eq!(run.stats.loops, 1, "{run}");
        // Four ways, times two, times three: no trace is made twice.
        assert!((3..=19).contains(&run.compiled.len()), "{run}");
    }
    check(THRESHOLDS, |d| many_paths(d, &nodes));
}

/// Each branch is three opcodes: one that tests a bit, and one for each of its values.
#[jit]
fn branches(driver: &JitDriver<'_>, n: usize, laps: u32) -> u64 {
    let (mut pc, mut bits, mut sum, mut left) = (0usize, 0x9e37_79b9_7f4a_7c15u64, 0u64, laps);
    loop {
        jit_merge_point!(driver, greens = [pc, n], reds = [bits, sum, left]);
        match pc % 3 {
            0 if bits >> (pc / 3) & 1 == 1 => pc += 1,
            0 => pc += 2,
            1 => {
                sum = sum.wrapping_add(3);
                pc += 2;
            }
            _ => {
                sum = sum.rotate_left(5) ^ left as u64;
                pc += 1;
            }
        }
        if pc == 3 * n {
            left -= 1;
            if left == 0 {
                return sum;
            }
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            pc = 0;
            can_enter_jit!(driver, greens = [pc, n], reds = [bits, sum, left]);
        }
    }
}

#[test]
fn b037_paths_that_meet_again_join() {
    for run in check(&["threshold=3,trace_eagerness=3"], |d| branches(d, 12, 4000)) {
        // 4,096 paths, and two sides to each branch.
        assert!(run.compiled.len() <= 4 * 12 + 8, "{run}");
        assert!(run.stats.aborted() == 0, "{run}");
    }
    for n in [1, 2, 3, 5, 7] {
        check(THRESHOLDS, |d| branches(d, n, 300));
    }
}

const LOOP: u8 = 0;
const DOUBLE: u8 = 1;
const END: u8 = 2;

/// Multiplies until `limit`: an interpreter whose only red condition is that of `LOOP`.
#[jit]
fn single_loop<'p>(driver: &JitDriver<'p>, code: &'p [u8], acc: u64, limit: u64) -> u64 {
    let mut pc = 0usize;
    let mut acc = acc;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [acc, limit]);
        let op = code[pc];
        pc += 1;
        match op {
            DOUBLE => acc = acc.wrapping_mul(2).wrapping_add(1),
            LOOP => {
                if acc < limit {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [acc, limit]);
                }
            }
            _ => return acc,
        }
    }
}

#[test]
fn b038_dispatch_on_greens_leaves_nothing() {
    let code: &[u8] = &[DOUBLE, DOUBLE, LOOP, END];
    for run in check_counts(RPYTHON, one_loop(0), |d| single_loop(d, code, 5, 1 << 60)) {
        let names: Vec<&str> = opcodes(run.trace("loop")).collect();
        let expected =
            ["label", "int_mul", "int_add", "int_mul", "int_add", "uint_lt", "guard_true", "jump"];
        assert_eq!(names.len(), expected.len(), "{run}");
        assert_eq!(names[5..], expected[5..], "{run}");
        // The guard leaves with the two reds that live at the merge point, and nothing else.
        let guard =
            run.trace("loop").optimized.lines().find(|line| line.starts_with("guard_true("));
        let guard = guard.expect("a guard");
        let (_, saved) = guard.split_once('[').expect("a list");
        let (saved, _) = saved.split_once(']').expect("a list");
        assert_eq!(saved.split(',').count(), 2, "{guard}");
    }
}

/// The result, the registers and the effects of a program with one or two arguments.
fn runs_of<'p>(
    driver: &JitDriver<'p>,
    code: &'p [[u8; 4]],
    calls: &[[i64; 2]],
) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let call = |&[first, second]: &[i64; 2]| {
        let mut regs = [0, first, second, 0, 0];
        (with_effects(|| interpret(driver, code.as_flattened(), &mut regs)), regs)
    };
    calls.iter().map(call).collect()
}

#[test]
fn b039_nested_loops_are_found_from_inside() {
    // The inner loop first; the outer one is the bridge from the inner one's end.
    let counts = Counts { tracings: 2, loops: 1, bridges: 1, aborted: 0 };
    check_counts(RPYTHON, counts, |d| runs_of(d, programs::NESTED, &[[30, 20]]));
    for run in check(&[RPYTHON], |d| runs_of(d, programs::THREE_NESTED, &[[10, 0]])) {
        // RPython: three traces and one token.
        assert_eq!(run.counts(), Counts { tracings: 3, loops: 1, bridges: 2, aborted: 0 }, "{run}");
    }
}

#[test]
fn b039_nested_loops_are_found_by_their_bridges() {
    // So few laps of the inner loop in one go that the outer one may be hot before it.
    for inner in 1..6 {
        check(THRESHOLDS, |d| runs_of(d, programs::NESTED, &[[40, inner], [3, inner], [50, 1]]));
    }
    check(THRESHOLDS, |d| runs_of(d, programs::THREE_NESTED, &[[2, 0], [3, 0], [1, 0], [7, 0]]));
}

#[test]
fn b040_b042_two_loops_are_joined_by_bridges() {
    for run in check(&[RPYTHON], |d| runs_of(d, programs::TWO_IN_ONE, &[[40, 20]])) {
        // A loop each, and the bridges from one's end to the other's start.
        assert_eq!((run.stats.loops, run.stats.aborts), (2, Default::default()), "{run}");
        assert_eq!(run.stats.bridges, 2, "{run}");
        let jumps: usize = run.compiled.iter().map(|trace| count(trace, "jump")).sum();
        assert_eq!(jumps, 4, "every trace ends in a loop: {run}");
    }
    for inner in 1..6 {
        check(THRESHOLDS, |d| runs_of(d, programs::TWO_IN_ONE, &[[40, inner], [40, inner]]));
    }
}

/// A guest loop whose recording starts in the middle: the header of the inner loop comes later.
#[jit]
fn prefix_and_loop<'p>(driver: &JitDriver<'p>, code: &'p [u8], n: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    let mut acc = 0i64;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, acc]);
        let op = code[pc];
        pc += 1;
        match op {
            b'a' => acc = (acc * 3) & 0xffff,
            b'b' => acc ^= left,
            // A jump back to each letter in turn, so that each is a header.
            b'<' => {
                left -= 1;
                if left < 0 {
                    return acc;
                }
                pc = if left % 16 == 0 { 0 } else { 2 };
                can_enter_jit!(driver, greens = [pc, code], reds = [left, acc]);
            }
            _ => panic!("bad opcode {op}"),
        }
    }
}

#[test]
fn b041_what_comes_before_the_loop_is_cut_away() {
    let runs =
        check(&["threshold=3,trace_eagerness=1000,decay=0"], |d| prefix_and_loop(d, b"aab<", 200));
    for run in runs {
        // The loop of 2 is hot first and its trace has nothing of the prefix.
        let first = &run.compiled[0];
        assert_eq!((first.name.as_str(), count(first, "int_mul")), ("loop 0", 0), "{run}");
    }
    // A recording that starts outside of the loop and closes inside: the prefix is not in the loop.
    check(THRESHOLDS, |d| prefix_and_loop(d, b"aab<", 3000));
    for run in
        check(&["threshold=1,trace_eagerness=1000,decay=0"], |d| prefix_and_loop(d, b"aab<", 33))
    {
        for trace in run.compiled.iter().filter(|trace| trace.name.starts_with("loop")) {
            assert_eq!(count(trace, "int_mul"), 0, "{run}");
        }
    }
}

countdown! {
    failing_rarely(y, x, res) {
        if y % 20 == 0 { res += x; }
        res += 1;
    }
}

#[test]
fn b043_a_guard_gets_one_bridge() {
    check_counts(RPYTHON, one_loop(1), |d| failing_rarely(d, 1000, 3));
    // Just above the threshold, and just below.
    let failing = |n: i64| move |d: &JitDriver<'_>| failing_rarely(d, n * 20, 3);
    check_counts("threshold=3,trace_eagerness=5,decay=0", one_loop(0), failing(5));
    check_counts("threshold=3,trace_eagerness=5,decay=0", one_loop(1), failing(6));
}

/// Calls its portal again in the middle, as an interpreter of a language with functions does.
#[jit]
fn recursing(driver: &JitDriver<'static>, depth: i64, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, depth, sum]);
        i += 1;
        if i == 5 && depth > 0 {
            sum += recurse(driver, depth - 1, n);
        }
        sum += depth;
        can_enter_jit!(driver, greens = [], reds = [i, n, depth, sum]);
    }
    sum
}

fn recurse(driver: &JitDriver<'static>, depth: i64, n: i64) -> i64 {
    effect(depth);
    recursing(driver, depth, n)
}

#[test]
fn b044_a_guard_that_fails_at_every_level_of_a_recursion_gets_one_bridge() {
    for run in check(&[RPYTHON], |d| with_effects(|| recursing(d, 40, 20))) {
        // Two ways through the loop, and the way out of it.
        assert!(run.stats.bridges <= 3, "{run}");
        assert!(run.stats.tracings <= 5, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| [recursing(d, 30, 8), recursing(d, 5, 100)]));
}

countdown! {
    always_changing(y, x, res) {
        let k = promote(y);
        res += k ^ x;
    }
}

#[test]
fn b045_a_promoted_value_that_always_changes_does_not_make_traces_without_end() {
    let few = check(&[RPYTHON], |d| always_changing(d, 200, 3));
    let many = check(&[RPYTHON], |d| always_changing(d, 2000, 3));
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(many.compiled.len(), few.compiled.len(), "ten times the values: {}", many.stats);
    }
}

countdown! {
    few_values(y, x, res) {
        let k = promote((y / 50) & 3);
        res += k * x;
    }
}

#[test]
fn b046_a_promoted_value_with_few_values_has_a_trace_for_each() {
    // A bridge for each value but the one that the loop was recorded with.
    check_counts(RPYTHON, one_loop(3), |d| few_values(d, 2000, 3));
    for run in check_counts("threshold=3,trace_eagerness=20,decay=0", one_loop(3), |d| {
        few_values(d, 5000, 3)
    }) {
        assert!(run.stats.guard_failures < 100, "{run}");
    }
}

countdown! {
    seldom(y, x, res) {
        res += x;
        if y % 4 == 0 {
            res ^= 5;
        }
    }
}

countdown! {
    seldom_behind_an_effect(y, x, res) {
        effect(res);
        res += x;
        if y % 4 == 0 {
            res ^= 5;
        }
    }
}

/// A failure behind an effect runs the twin from the merge point, which takes as long as many others.
#[test]
fn a_replay_counts_as_several_failures() {
    let params = "threshold=3,trace_eagerness=80,decay=0";
    for run in check(&[params], |d| seldom(d, 4 * 60, 3)) {
        assert_eq!((run.stats.bridges, run.stats.replays), (0, 0), "{run}");
    }
    for run in check(&[params], |d| with_effects(|| seldom_behind_an_effect(d, 4 * 60, 3))) {
        // The last of them records the bridge; one more leaves the loop at its end.
        assert_eq!((run.stats.bridges, run.stats.replays), (1, 25 + 1), "{run}");
    }
    // An eighth, where that is more.
    let params = "threshold=3,trace_eagerness=400,decay=0";
    for run in check(&[params], |d| with_effects(|| seldom_behind_an_effect(d, 4 * 60, 3))) {
        assert_eq!((run.stats.bridges, run.stats.replays), (1, 50 + 1), "{run}");
    }
}

#[test]
fn b048_a_bridge_may_leave_the_portal() {
    let calls = |d: &JitDriver<'_>| (0..50).map(|n| two_paths(d, n, 3)).collect::<Vec<_>>();
    for run in check(&[RPYTHON], calls) {
        let leaving = run.compiled.iter().filter(|trace| count(trace, "finish") == 1);
        assert_eq!(leaving.count(), 1, "{run}");
        assert!(run.stats.bridges <= 3, "{run}");
    }
    check(THRESHOLDS, calls);
}

/// Portals that leave with a value of each kind, from the loop and from behind it.
macro_rules! portals_returning {
    ($($name:ident: $ty:ty = $inside:ident, $behind:ident;)*) => {$(
        mod $name {
            use super::*;

            #[jit]
            pub fn run(driver: &JitDriver<'_>, n: i64, seed: i64) -> $ty {
                let mut i = 0;
                let mut x = seed;
                while i < n {
                    jit_merge_point!(driver, greens = [], reds = [i, n, x]);
                    x = x.wrapping_mul(5).wrapping_add(i);
                    if x & 15 == 3 {
                        return $inside(x);
                    }
                    i += 1;
                    can_enter_jit!(driver, greens = [], reds = [i, n, x]);
                }
                $behind(x)
            }
        }

        #[test]
        fn $name() {
            let calls = |d: &JitDriver<'_>| {
                let calls = (0..40).map(|seed| $name::run(d, seed % 7 + 3, seed));
                calls.collect::<Vec<_>>()
            };
            for run in check(THRESHOLDS, calls) {
                // A bridge can return scalars only; where it cannot, the interpreter returns.
                let cannot_return = run.stats.aborts[Abort::LeftPortal as usize];
                assert_eq!(run.stats.aborted(), cannot_return, "{run}");
                assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
            }
        }
    )*};
}

fn low(x: i64) -> i64 {
    x & 0xff
}

fn is_small(x: i64) -> bool {
    low(x) < 40
}

fn pair(x: i64) -> (i64, bool) {
    (low(x), is_small(x))
}

fn half(x: i64) -> f64 {
    low(x) as f64 / 2.0
}

fn text(x: i64) -> Result<String, Vec<i64>> {
    if is_small(x) { Ok(x.to_string()) } else { Err(vec![x, 1]) }
}

fn nothing(x: i64) {
    effect(x);
}

fn perhaps(x: i64) -> Option<i64> {
    is_small(x).then_some(x)
}

portals_returning! {
    b048_b021_integers: i64 = low, low;
    b048_b021_bools: bool = is_small, is_small;
    b048_b021_floats: f64 = half, half;
    b048_b021_units: () = nothing, nothing;
    b048_b021_tuples: (i64, bool) = pair, pair;
    b048_b021_options: Option<i64> = perhaps, Some;
    b048_b021_owned_values: Result<String, Vec<i64>> = text, text;
}

/// All programs of the register machine under one driver.
fn programs_of<'p>(d: &JitDriver<'p>) -> Vec<String> {
    let all = programs::ALL.iter();
    all.map(|(_, code)| format!("{:?}", runs_of(d, code, &[[30, 9], [9, 3], [30, 9]]))).collect()
}

#[test]
fn b061_without_passes_the_code_is_correct() {
    check(&["threshold=2,trace_eagerness=2,enable_opts="], programs_of);
    check(&["threshold=3,trace_eagerness=3,enable_opts="], programs_of);
}

/// The parameter that chooses these passes.
fn with_passes(passes: Passes) -> String {
    format!("threshold=2,trace_eagerness=2,enable_opts={passes}")
}

#[test]
fn b062_any_pass_can_be_left_out() {
    for &pass in Pass::ALL {
        for passes in [Passes::ALL.without(pass), Passes::NONE.with(pass)] {
            let params = with_passes(passes);
            check(&[params.as_str()], programs_of);
        }
    }
}

#[test]
fn b062_any_pass_can_be_left_out_of_other_portals() {
    let nodes = pseudo_random_bytes(300);
    for &pass in Pass::ALL {
        for passes in [Passes::ALL.without(pass), Passes::NONE.with(pass)] {
            let params = with_passes(passes);
            for portal in 0..7 {
                check(&[params.as_str()], |d| one_portal(d, &nodes, portal));
            }
        }
    }
}

/// A driver belongs to one portal: which one.
fn one_portal(d: &JitDriver<'_>, nodes: &[u8], portal: usize) -> i64 {
    match portal {
        0 => two_paths(d, 300, 6),
        1 => many_paths(d, nodes),
        2 => failing_rarely(d, 300, 2),
        3 => few_values(d, 900, 7),
        4 => single_loop(d, &[DOUBLE, DOUBLE, LOOP, END], 5, 1 << 60) as i64,
        5 => prefix_and_loop(d, b"aab<", 200),
        _ => alternating(d, 0xf0f0_1234_5f00_ff00).0 as i64,
    }
}

#[test]
fn b060_passes_can_be_changed_at_run_time() {
    for jit in backends() {
        let driver = driver(jit, RPYTHON);
        let before = interpret(&driver, programs::SUM.as_flattened(), &mut [0, 50, 0, 0]);
        driver.set_param("enable_opts", "").unwrap();
        let mut regs = [0, 5, 9, 0];
        let after = interpret(&driver, programs::NESTED.as_flattened(), &mut regs);
        assert_eq!((before, after), (1275, 360));
        let run = Run::of(&driver, jit, "then without passes");
        let (first, last) = (&run.compiled[0], run.compiled.last().expect("a trace"));
        assert!(first.ops < first.recorded_ops, "{run}");
        assert_eq!(last.ops, last.recorded_ops, "{run}");
        assert!(driver.set_param("enable_opts", "magic").is_err());
    }
}
