//! Behaviours of groups B, J, M and R: hints, what a driver can be told, quasi-immutable values, hooks, and
//! the life and death of compiled code.

use jit_tests::laps;
use jit_tests::oracle::{
    Counts, RPYTHON, Run, THRESHOLDS, backends, check, check_counts, check_in_background, count,
    driver, effect, effects, in_body, outcome, with_effects,
};
use jitdriver::{
    Abort, CompiledTrace, Hooks, Jit, JitDriver, QuasiImmutable, assert_green, can_enter_jit,
    dont_look_inside, elidable, elidable_promote, is_constant, is_virtual, jit, jit_merge_point,
    loop_invariant, not_in_trace, promote, promote_bytes, promote_str, record_exact_value,
    unroll_safe,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

fn with_bridges(bridges: u64) -> Counts {
    Counts { tracings: 1 + bridges, bridges, ..ONE_LOOP }
}

/// A loop for each `mode`, with one way that is rare.
#[jit]
fn simple(driver: &JitDriver<'_>, mode: u8, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    loop {
        jit_merge_point!(driver, greens = [mode], reds = [i, n, sum]);
        if i == n {
            return sum;
        }
        i += 1;
        sum += if i % 10 == 0 { 100 } else { 1 };
        can_enter_jit!(driver, greens = [mode], reds = [i, n, sum]);
    }
}

fn expected(n: i64) -> i64 {
    n + n / 10 * 99
}

// A and B

#[derive(Default)]
struct Seen {
    confirmed: Vec<u64>,
    started: usize,
    compiled: Vec<String>,
    bridges: Vec<String>,
    aborted: Vec<Abort>,
    entered: u64,
    left: u64,
}

#[derive(Clone, Default)]
struct Recorder {
    seen: Rc<RefCell<Seen>>,
    /// The mode that may not be entered.
    forbidden: Option<u8>,
}

impl Hooks for Recorder {
    fn confirm_enter_jit(&self, greens: &[u64]) -> bool {
        self.seen.borrow_mut().confirmed.push(greens[0]);
        self.forbidden != Some(greens[0] as u8)
    }
    fn get_printable_location(&self, greens: &[u64]) -> Option<String> {
        Some(format!("mode {}", greens[0]))
    }
    fn on_trace_start(&self, _: &[u64]) {
        self.seen.borrow_mut().started += 1;
    }
    fn on_compile(&self, trace: &CompiledTrace) {
        self.seen.borrow_mut().compiled.push(trace.to_string());
    }
    fn on_compile_bridge(&self, trace: &CompiledTrace) {
        self.seen.borrow_mut().bridges.push(trace.name.clone());
    }
    fn on_abort(&self, reason: Abort, _: &[u64]) {
        self.seen.borrow_mut().aborted.push(reason);
    }
    fn on_enter(&self, _: &[u64]) {
        self.seen.borrow_mut().entered += 1;
    }
    fn on_exit(&self) {
        self.seen.borrow_mut().left += 1;
    }
}

fn hooked(jit: Jit, params: &str, hooks: impl Hooks + 'static) -> JitDriver<'static> {
    JitDriver::builder().jit(jit).params(params).unwrap().hooks(hooks).build().unwrap()
}

#[test]
fn b011_only_what_is_confirmed_is_traced_and_entered() {
    for jit in backends() {
        let hooks = Recorder { forbidden: Some(2), ..Recorder::default() };
        let driver = hooked(jit, "threshold=3", hooks.clone());
        assert_eq!(simple(&driver, 2, 100), expected(100));
        assert_eq!(driver.stats().tracings, 0);
        assert_eq!(simple(&driver, 1, 100), expected(100));
        assert_eq!(driver.stats().loops, 1);
        let seen = hooks.seen.borrow();
        assert!(seen.confirmed.contains(&1) && seen.confirmed.contains(&2));
    }
}

#[test]
fn b031_keys_have_code_and_can_be_traced_at_once() {
    for jit in backends() {
        let driver = driver(jit, "threshold=1000");
        driver.trace_next_iteration(&[5]);
        assert!(!driver.get_jitcell_at_key(&[5]));
        simple(&driver, 5, 20);
        simple(&driver, 6, 20);
        assert!(driver.get_jitcell_at_key(&[5]) && !driver.get_jitcell_at_key(&[6]));
        assert_eq!(driver.stats().loops, 1);
    }
}

#[test]
fn b032_where_no_trace_shall_start_none_starts() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3");
        driver.dont_trace_here(&[5]);
        assert_eq!(simple(&driver, 5, 2000), expected(2000));
        assert_eq!(driver.stats().tracings, 0);
        simple(&driver, 6, 2000);
        assert_eq!(driver.stats().loops, 1);
    }
}

#[test]
fn b033_a_guard_can_be_told_to_make_its_bridge_at_once() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3,trace_eagerness=100000");
        simple(&driver, 1, 15);
        let exits = driver.compiled()[0].exits.clone();
        assert!(!exits.is_empty() && !driver.trace_next_failure(exits.end));
        simple(&driver, 1, 100);
        assert_eq!(driver.stats().bridges, 0);
        exits.for_each(|exit| assert!(driver.trace_next_failure(exit)));
        assert_eq!(simple(&driver, 1, 100), expected(100));
        assert!(driver.stats().bridges >= 1);
    }
}

// J. Hints

#[elidable_promote]
fn table(kind: i64, scale: i64) -> i64 {
    (1..=kind).product::<i64>() * scale
}

laps! {
    promoted_arguments(i, n, kind: i64 = 3, sum: i64 = 0) -> i64 {
        sum = (sum + table(kind, 2)) & 0xffff;
        if i == 150 { kind = 4; }
    } => sum
}

#[test]
fn b155_arguments_are_promoted_and_the_call_folds() {
    for run in check(&[RPYTHON], |d| promoted_arguments(d, 300)) {
        // The second one is for the other value.
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
        assert_eq!(run.count("call_pure") + run.count("call"), 0, "{run}");
        assert_eq!(count(run.trace("loop 0"), "guard_value"), 1, "{run}");
    }
    check(THRESHOLDS, |d| promoted_arguments(d, 3000));
}

thread_local! {
    static CALLS: Cell<i64> = const { Cell::new(0) };
}

#[jit]
#[unroll_safe]
fn power_unrolled(x: i64, n: i64) -> i64 {
    let mut result = 1i64;
    for _ in 0..n {
        result = result.wrapping_mul(x);
    }
    result
}

#[dont_look_inside]
fn power_called(x: i64, n: i64) -> i64 {
    effect(n);
    (0..n).fold(1i64, |result, _| result.wrapping_mul(x))
}

#[jit]
fn power(x: i64, n: i64) -> i64 {
    if n < 4 { power_unrolled(x, n) } else { power_called(x, n) }
}

thread_local! {
    static LIMIT: Cell<i64> = const { Cell::new(5) };
}

/// Settled before any loop. The calls are counted, which nobody sees but the test.
#[loop_invariant]
fn limit() -> i64 {
    CALLS.set(CALLS.get() + 1);
    let limit = LIMIT.get();
    assert!(limit != 13, "no limit is {limit}");
    limit
}

#[loop_invariant]
fn limit_times(factor: i64) -> i64 {
    CALLS.set(CALLS.get() + 1);
    LIMIT.get() * factor
}

laps! {
    limited(i, n, factor: i64 = 3, sum: i64 = 0) -> i64 {
        sum += limit() + limit_times(factor) + limit_times(4) + limit();
        if i % 8 == 3 { sum += 1 + limit() + limit_times(factor); }
        if i % 16 == 5 { effect(sum); }
    } => sum
}

laps! {
    limited_after(i, n, factor: i64 = 3, sum: i64 = 0) -> i64 {
        sum += limit() + limit_times(factor);
        effect(sum);
        if i % 8 == 3 { sum += 1 + limit() + limit_times(factor); }
    } => sum
}

laps! {
    settled(i, n, factor: i64 = 3, sum: i64 = 0) -> i64 {
        sum += limit() + limit_times(factor) + i;
        if i == 600 { factor += 1; effect(sum); }
    } => sum
}

/// Calls of elidable functions in bridges: on their own way, and in front of the loop that they lead to.
fn in_bridges(run: &Run) -> (usize, usize) {
    let bridges = run.compiled.iter().filter(|it| it.name.starts_with("bridge"));
    let calls = |text: &str| text.matches("= call_pure(").count();
    let counts = bridges.map(|it| {
        let (own, rest) =
            it.optimized.split_once("debug_merge_point(1)").unwrap_or((&it.optimized, ""));
        (calls(own), calls(rest))
    });
    counts.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
}

#[test]
fn b156_what_a_loop_does_not_change_is_asked_for_once() {
    for run in check(&[RPYTHON], |d| with_effects(|| limited(d, 300))) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        // Before the loop: three different questions. In it, none.
        let before = run.trace("loop").optimized.matches("= call_pure(").count();
        assert_eq!((before, in_body(run.trace("loop"), "call_pure")), (3, 0), "{run}");
        // A bridge that begins the lap anew asks each once, and those in front of the loop not again.
        let (own, of_loop) = in_bridges(&run);
        assert!(own <= 3 * run.stats.bridges as usize && of_loop == 0, "{run}");
    }
    for run in check(&[RPYTHON], |d| with_effects(|| limited_after(d, 300))) {
        assert_eq!(in_body(run.trace("loop"), "call_pure"), 0, "{run}");
        // What was asked for before the way parted is known in a bridge from there.
        assert!(run.stats.bridges > 0 && in_bridges(&run).0 == 0, "{run}");
    }
    for jit in backends() {
        let driver = driver(jit, "threshold=50,trace_eagerness=5");
        for (value, laps) in [(5, 20_000), (7, 30_000), (0, 10_000)] {
            LIMIT.set(value);
            CALLS.set(0);
            let sum = with_effects(|| settled(&driver, laps));
            let off = jit_tests::oracle::driver(Jit::Off, "");
            let calls = CALLS.get();
            assert_eq!(sum, with_effects(|| settled(&off, laps)));
            assert!(calls < 500, "{calls} calls with {jit:?}");
        }
        // A panic is the lap's own.
        LIMIT.set(13);
        CALLS.set(0);
        let off = jit_tests::oracle::driver(Jit::Off, "");
        assert_eq!(outcome(|| settled(&driver, 900)), outcome(|| settled(&off, 900)));
        assert_eq!(CALLS.get(), 2);
        LIMIT.set(5);
    }
    check(THRESHOLDS, |d| with_effects(|| settled(d, 3000)));
    check(THRESHOLDS, |d| with_effects(|| limited(d, 3000)));
}

#[elidable]
fn slow_square(x: i64) -> i64 {
    assert!(x < 1000, "{x} is too large");
    x * x
}

laps! {
    squared(i, n, x: i64 = 12, sum: i64 = 0) -> i64 {
        sum += slow_square(x) & 0xff;
        if i == 700 { x = 999; }
        if i == 900 { x = 1000; }
    } => sum
}

/// The call of a value that stays the same leaves the loop, though it may panic.
#[test]
fn elidable_calls_that_may_panic_leave_loops() {
    for run in check(&[RPYTHON], |d| squared(d, 300)) {
        assert_eq!(in_body(run.trace("loop"), "call_pure"), 0, "{run}");
    }
    for laps in [200, 800, 901, 903, 3000] {
        check(THRESHOLDS, |d| outcome(|| squared(d, laps)));
    }
}

laps! {
    powers(i, n, exponent: i64 = 3, sum: i64 = 0) -> i64 {
        sum = (sum + power(i & 7, 2) + power(i & 3, exponent) + power(1, 9)) & 0xffff;
        if i & 63 == 63 { exponent = if exponent == 3 { 6 } else { 3 }; }
    } => sum
}

#[test]
fn b158_a_condition_decides_whether_a_trace_goes_inside() {
    // RPython's `look_inside_iff` is an `if` between two functions here.
    for run in check(&[RPYTHON], |d| with_effects(|| powers(d, 300))) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        let trace = run.trace("loop 0");
        assert!(in_body(trace, "int_mul") >= 2 && in_body(trace, "call") == 1, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| powers(d, 3000)));
}

laps! {
    asked_about(i, n, k: i64 = 3, sum: i64 = 0) -> i64 {
        let x = if i % 7 < 3 { promote(k) } else { i };
        // Both ways give the same.
        sum += if is_constant(x) { x * 2 } else { x + x };
        if i % 5 == 0 { effect(sum); }
        let boxed = Box::new((x, i));
        sum += if is_virtual(&*boxed) { boxed.0 * 5 } else { boxed.0 + (boxed.0 << 2) };
        if i % 11 == 0 { k = 3 + i % 4; }
        if i % 6 == 0 { sum += only_called(&boxed.1); }
        sum += if is_virtual(&boxed.1) { boxed.1 * 9 } else { (boxed.1 << 3) + boxed.1 };
    } => sum
}

#[dont_look_inside]
fn only_called(x: &i64) -> i64 {
    effect(*x);
    x & 3
}

/// What a recording is told of constants and virtual objects, replays of its exits are told too, though less may be
/// known in them.
#[test]
fn questions_about_the_trace_change_no_result() {
    let more =
        ["threshold=2,trace_eagerness=1,max_promoted_values=2", "threshold=7,trace_eagerness=2"];
    for params in [THRESHOLDS, &more].concat() {
        for run in check(&[params], |d| with_effects(|| asked_about(d, 900))) {
            assert_eq!(run.stats.aborted(), 0, "{run}");
            let is_compiled = run.stats.loops > 0;
            assert_eq!(is_compiled, run.count("int_mul") > 0, "{run}");
        }
    }
}

laps! {
    promised(i, n, k: u8 = 9, sum: i64 = 0) -> i64 {
        // SAFETY: it is 9 at first, and assigned nothing else.
        unsafe { record_exact_value(k == 9) };
        sum += if k == 9 { i * k as i64 } else { k as i64 };
        if k < 3 { sum = 0; }
    } => sum
}

#[test]
fn b161_a_promise_leaves_no_guard() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| promised(d, 300)) {
        assert_eq!(run.count("guard_value"), 0, "{run}");
        // The end of the loop is asked for, and nothing of the value that is known.
        let trace = run.trace("loop");
        assert_eq!(in_body(trace, "guard_true") + in_body(trace, "guard_false"), 1, "{run}");
    }
    check(THRESHOLDS, |d| promised(d, 3000));
}

#[not_in_trace]
fn only_interpreted(i: i64) {
    CALLS.set(CALLS.get() + 1);
    assert_ne!(i, 1_000_003, "seen only by the interpreter");
}

laps! {
    observed(i, n, sum: i64 = 0) -> i64 {
        only_interpreted(i);
        sum += i;
        if i & 15 == 0 { effect(i); only_interpreted(sum); }
    } => sum
}

#[test]
fn b162_what_is_not_in_the_trace_is_called_by_the_interpreter_only() {
    for jit in backends() {
        let driver = driver(jit, "threshold=50,trace_eagerness=5");
        CALLS.set(0);
        let ((sum, effects), _) = (with_effects(|| observed(&driver, 1000)), ());
        assert_eq!((sum, effects.count), (500_500, 62));
        // Each of the first laps, while recording, and when exits are replayed.
        assert!((50..200).contains(&CALLS.get()), "{} calls", CALLS.get());
        let run = Run::of(&driver, jit, "");
        assert!(run.trace("loop").optimized.matches("call").count() == 0, "{run}");
        // A panic of it is the interpreter's own.
        let off = jit_tests::oracle::driver(Jit::Off, "");
        for laps in [1, 3] {
            let run = |d: &JitDriver<'_>| outcome(|| panics_there(d, laps));
            assert_eq!(run(&driver_of(jit)), run(&off));
        }
    }
    check(THRESHOLDS, |d| with_effects(|| observed(d, 3000)));
}

fn driver_of(jit: Jit) -> JitDriver<'static> {
    driver(jit, "threshold=5")
}

laps! {
    panics_there(i, n, sum: i64 = 0) -> i64 {
        only_interpreted(sum + i);
        sum += 1_000_001;
    } => sum
}

laps! {
    asserts(i, n, sum: i64 = 0) -> i64 {
        let k = assert_green(7);
        sum += k;
        if n == 77 { sum += assert_green(i); }
    } => sum
}

#[test]
fn b163_what_should_be_green_is_or_the_recording_is_given_up() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| asserts(d, 100)) {
        assert_eq!(run.stats.aborts[Abort::NotGreen as usize], 0, "{run}");
    }
    for run in check(&[RPYTHON], |d| asserts(d, 77)) {
        assert_eq!(run.stats.aborts[Abort::NotGreen as usize], 1, "{run}");
        assert_eq!(run.stats.loops, 0, "{run}");
    }
}

// M. Quasi-immutables

struct Class {
    version: QuasiImmutable<i64>,
    other: QuasiImmutable<u8>,
}

impl Class {
    fn new(version: i64) -> Class {
        Class { version: QuasiImmutable::new(version), other: QuasiImmutable::new(1) }
    }
}

/// Reads a value of a green, and may change it in the `at`-th lap, or call something that does not.
#[jit]
fn reading<'p>(driver: &JitDriver<'p>, class: &'p Class, n: i64, at: i64, how: u8) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [class, how], reds = [i, n, at, sum]);
        let version = class.version.get();
        sum = (sum * 3 + version * version) & 0xffff;
        if how == 1 {
            may_change(class, i, at);
            sum += class.version.get();
            sum += class.version.get();
        }
        if how == 2 && i == at {
            class.version.set(sum & 7);
            sum += class.version.get();
        }
        i += 1;
        can_enter_jit!(driver, greens = [class, how], reds = [i, n, at, sum]);
    }
    sum
}

#[dont_look_inside]
fn may_change(class: &Class, i: i64, at: i64) {
    effect(class.version.get());
    if i == at {
        class.version.set(i & 3);
    }
}

/// A class for as long as any driver.
fn class(version: i64) -> &'static Class {
    Box::leak(Box::new(Class::new(version)))
}

#[test]
fn b200_a_read_of_a_green_folds_and_is_registered() {
    for jit in backends() {
        let (driver, class) = (driver(jit, "threshold=3"), class(11));
        reading(&driver, class, 100, -1, 0);
        let run = Run::of(&driver, jit, "");
        assert_eq!(run.count("int_mul_ovf"), 1, "3 * sum: {run}");
        assert!(run.trace("loop").optimized.contains(", 121)"), "{run}");
        // The loop calls nothing, so that it need not test whether it is valid.
        assert_eq!(in_body(run.trace("loop"), "getfield"), 0, "{run}");
        assert_eq!((class.version.n_dependent_traces(), class.other.n_dependent_traces()), (1, 0));
    }
    check(THRESHOLDS, |d| reading(d, class(3), 3000, -1, 0));
}

#[test]
fn b201_it_folds_without_the_optimizer_too() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3,enable_opts=");
        reading(&driver, class(11), 100, -1, 0);
        let run = Run::of(&driver, jit, "");
        assert!(run.trace("loop").optimized.contains(", 121)"), "{run}");
    }
}

#[jit]
fn of_red(driver: &JitDriver<'_>, classes: &[Class], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, classes]);
        sum += classes[i as usize % classes.len()].version.get();
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, classes]);
    }
    sum
}

#[test]
fn b202_of_something_red_it_is_a_field() {
    let program = |d: &JitDriver<'_>| {
        let classes = [Class::new(3), Class::new(4)];
        let first = of_red(d, &classes, 100);
        classes[1].version.set(9);
        (first, of_red(d, &classes, 100), classes[0].version.n_dependent_traces())
    };
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.invalidated), (1, 0), "{run}");
        assert!(run.count("getfield") + run.count("getarrayitem") >= 1, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b203_b205_a_change_makes_the_loop_invalid_for_the_next_entry() {
    for params in ["threshold=3,trace_eagerness=2", "threshold=1,trace_eagerness=1"] {
        for run in check(&[params], |d| {
            let class = class(2);
            let mut results = Vec::new();
            for version in [2, 2, 5, 5, 9] {
                if class.version.get() != version {
                    class.version.set(version);
                }
                results.push(reading(d, class, 100, -1, 0));
            }
            results
        }) {
            assert_eq!((run.stats.loops, run.stats.invalidated >= 2), (3, true), "{run}");
        }
    }
}

#[test]
fn b204_a_change_during_the_recording_gives_it_up() {
    // The recorded lap is the third.
    for run in check(&["threshold=3"], |d| reading(d, class(2), 100, 3, 1)) {
        let given_up = run.stats.aborts[Abort::QuasiImmutable as usize];
        assert_eq!((given_up, run.stats.loops), (1, 1), "{run}");
    }
}

#[test]
fn b205_b207_a_change_while_the_loop_runs_is_seen_at_once() {
    for how in [1, 2] {
        let program = |d: &JitDriver<'static>| {
            let class = class(2);
            let first = with_effects(|| reading(d, class, 300, 150, how));
            (first, with_effects(|| reading(d, class, 100, -1, how)), class.version.get())
        };
        check_in_background("threshold=3,trace_eagerness=2", 6, program);
        for run in check(&["threshold=3,trace_eagerness=2"], program) {
            assert!(run.stats.loops >= 1, "{run}");
            assert!(run.stats.invalidated >= 1 || how == 2, "{run}");
        }
        check(THRESHOLDS, program);
    }
}

/// What a portal answers with each version of a class from 0 on.
fn versions(n: i64, mut portal: impl FnMut(&'static Class) -> i64) -> Vec<i64> {
    let class = class(2);
    let answer = |version| {
        class.version.set(version);
        portal(class)
    };
    (0..n).map(answer).collect()
}

#[test]
fn b206_b210_bridges_become_invalid_with_their_loop() {
    let program = |d: &JitDriver<'static>| versions(6, |class| bridged(d, class, 200));
    check_in_background("threshold=3,trace_eagerness=2", 6, program);
    for run in check(&["threshold=3,trace_eagerness=2"], program) {
        // All six rounds compile the loop and its bridge.
        assert!(run.stats.loops >= 6 && run.stats.bridges >= 6, "{run}");
        assert!(run.stats.freed >= 10, "{run}");
    }
    check(THRESHOLDS, program);
}

#[jit]
fn bridged(driver: &JitDriver<'static>, class: &'static Class, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [class], reds = [i, n, sum]);
        if i & 7 == 3 {
            sum = (sum * 5 + class.version.get()) & 0xffff;
        } else {
            sum += class.version.get() ^ 1;
        }
        i += 1;
        can_enter_jit!(driver, greens = [class], reds = [i, n, sum]);
    }
    sum
}

#[test]
fn b206_a_bridge_may_become_invalid_alone() {
    // Only the rare way reads the value.
    let program = |d: &JitDriver<'static>| versions(5, |class| rarely(d, class, 300));
    for run in check(&["threshold=3,trace_eagerness=2"], program) {
        // It does not stay behind an invalid bridge for good.
        assert!(run.stats.bridges >= 4, "{run}");
        assert!(run.stats.guard_failures < 200, "{run}");
    }
    check(THRESHOLDS, program);
}

#[jit]
fn rarely(driver: &JitDriver<'static>, class: &'static Class, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [class], reds = [i, n, sum]);
        if i & 7 == 3 {
            sum = (sum * 5 + class.version.get()) & 0xffff;
        } else {
            sum += 1;
        }
        i += 1;
        can_enter_jit!(driver, greens = [class], reds = [i, n, sum]);
    }
    sum
}

#[test]
fn b209_one_test_for_each_call_that_may_change_it() {
    for jit in backends() {
        let (driver, class) = (driver(jit, "threshold=3"), class(2));
        reading(&driver, class, 100, -1, 1);
        let run = Run::of(&driver, jit, "");
        let tests = run.trace("loop").optimized.lines();
        let tests = tests.filter(|line| line.contains("class=4294967295")).count();
        // Two reads behind the call, one test; and one before the first call.
        assert!(tests <= 3, "{run}");
        assert!(in_body(run.trace("loop"), "guard_true") <= 2, "{run}");
    }
}

#[test]
fn b208_lists_of_values_that_hardly_change() {
    struct Globals {
        slots: Vec<QuasiImmutable<i64>>,
    }

    #[jit]
    fn with_globals(driver: &JitDriver<'static>, globals: &'static Globals, n: i64) -> i64 {
        let mut i = 0i64;
        let mut sum = 0i64;
        while i < n {
            jit_merge_point!(driver, greens = [globals], reds = [i, n, sum]);
            sum += globals.slots[1].get() * globals.slots[0].get();
            i += 1;
            can_enter_jit!(driver, greens = [globals], reds = [i, n, sum]);
        }
        sum
    }

    let program = |d: &JitDriver<'static>| {
        let slots = [6, 7, 8].into_iter().map(QuasiImmutable::new).collect();
        let globals: &'static Globals = Box::leak(Box::new(Globals { slots }));
        let first = with_globals(d, globals, 200);
        globals.slots[2].set(3); // of no interest
        let second = with_globals(d, globals, 200);
        globals.slots[0].set(1);
        [first, second, with_globals(d, globals, 200)]
    };
    for run in check(&["threshold=3,trace_eagerness=2"], program) {
        assert_eq!((run.stats.loops, run.stats.invalidated >= 1), (2, true), "{run}");
        assert_eq!(run.count("getarrayitem"), 0, "{run}");
        assert!(run.compiled[0].optimized.contains(", 7)"), "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b059_b287_an_invalid_loop_is_not_jumped_to() {
    let program = |d: &JitDriver<'static>| {
        let class = class(2);
        // The outer key's trace would end with a jump into the inner loop.
        let first = reading(d, class, 100, -1, 0);
        class.version.set(4);
        (first, reading(d, class, 4, -1, 0), reading(d, class, 300, -1, 0))
    };
    for run in check(&["threshold=3,trace_eagerness=2"], program) {
        // The one that is invalid was freed; what came then is compiled for the new value.
        assert!(run.stats.loops >= 2 && run.stats.invalidated == 1, "{run}");
        let of_old = run.compiled.iter().filter(|trace| trace.optimized.contains(", 4)"));
        assert_eq!(of_old.count(), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

// R. Memory, hooks, statistics

#[test]
fn b273_hooks_are_called_in_order() {
    for jit in backends() {
        let hooks = Recorder::default();
        let driver = hooked(jit, "threshold=3,trace_eagerness=2", hooks.clone());
        assert_eq!(simple(&driver, 4, 100), expected(100));
        let stats = driver.stats();
        let seen = hooks.seen.borrow();
        assert_eq!(seen.started as u64, stats.tracings);
        assert_eq!(
            (seen.compiled.len() as u64, seen.bridges.len() as u64),
            (stats.loops, stats.bridges)
        );
        assert!(seen.compiled[0].contains("mode 4") && seen.bridges[0].starts_with("bridge"));
        assert_eq!((seen.entered, seen.left), (stats.entered, stats.entered));
        assert_eq!(seen.aborted.len() as u64, stats.aborted());
    }
}

struct Panics;

impl Hooks for Panics {
    fn on_compile(&self, _: &CompiledTrace) {
        panic!("in a hook");
    }
}

#[test]
fn b273_a_panic_of_a_hook_comes_out_and_the_driver_goes_on() {
    for jit in backends() {
        let driver = hooked(jit, "threshold=3", Panics);
        assert!(outcome(|| simple(&driver, 4, 100)).unwrap_err().ends_with("in a hook"));
        assert_eq!(simple(&driver, 4, 100), expected(100));
        assert_eq!(driver.stats().loops, 1);
    }
}

#[test]
fn b273_a_hook_may_run_programs_and_look_at_the_driver() {
    struct Runs(Rc<JitDriver<'static>>, Cell<i64>);
    impl Hooks for Runs {
        fn on_compile(&self, _: &CompiledTrace) {
            self.1.set(simple(&self.0, 1, 50));
            assert_eq!(self.0.stats().loops, 1);
        }
        fn on_enter(&self, _: &[u64]) {
            self.1.set(self.1.get() + simple(&self.0, 1, 10));
        }
    }
    for jit in backends() {
        let inner = Rc::new(driver(jit, "threshold=3"));
        let driver = hooked(jit, "threshold=3", Runs(inner, Cell::new(0)));
        assert_eq!(simple(&driver, 4, 100), expected(100));
    }
}

#[test]
fn b267_loops_that_are_not_entered_age_and_are_freed() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3,trace_eagerness=2,loop_longevity=20");
        for mode in 0..100u8 {
            assert_eq!(simple(&driver, mode, 60), expected(60));
            // This one is used all the time, with its bridges.
            assert_eq!(simple(&driver, 200, 60), expected(60));
        }
        let stats = driver.stats();
        assert!(stats.freed > 100, "{stats}");
        assert!(driver.get_jitcell_at_key(&[200]) && !driver.get_jitcell_at_key(&[0]));
        // As many traces as are alive are listed.
        let alive = stats.loops + stats.bridges - stats.freed;
        assert_eq!(driver.compiled().len() as u64, alive);
        assert!(alive < 60, "{stats}");
        // Never, if it is 0.
        let immortal = jit_tests::oracle::driver(jit, "threshold=3,loop_longevity=0");
        (0..100u8).for_each(|mode| assert_eq!(simple(&immortal, mode, 60), expected(60)));
        assert_eq!(immortal.stats().freed, 0);
    }
}

#[test]
fn b268_b269_a_freed_loop_is_compiled_again_and_a_used_one_is_not() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3,trace_eagerness=2,loop_longevity=10");
        simple(&driver, 250, 60);
        simple(&driver, 251, 60);
        for mode in 0..40u8 {
            simple(&driver, mode, 60);
            simple(&driver, 251, 60);
        }
        let loops = driver.stats().loops;
        assert_eq!(simple(&driver, 251, 60), expected(60));
        assert_eq!(driver.stats().loops, loops);
        assert_eq!(simple(&driver, 250, 60), expected(60));
        assert_eq!(driver.stats().loops, loops + 1);
    }
}

#[test]
fn b270_all_code_can_be_freed() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3,trace_eagerness=2");
        let before = driver.stats().code_bytes;
        simple(&driver, 1, 100);
        simple(&driver, 2, 100);
        driver.release_all();
        let stats = driver.stats();
        assert_eq!((driver.compiled().len(), stats.code_bytes), (0, before), "{stats}");
        assert_eq!(simple(&driver, 1, 100), expected(100));
        assert_eq!(driver.stats().loops, stats.loops + 1);
    }
}

#[test]
fn b270_code_that_runs_is_not_freed() {
    thread_local! {
        static DRIVER: RefCell<Option<Rc<JitDriver<'static>>>> = const { RefCell::new(None) };
    }
    #[dont_look_inside]
    fn free_everything(i: i64) -> i64 {
        DRIVER.with_borrow(|driver| driver.as_ref().expect("set").release_all());
        i & 3
    }
    laps! {
        freeing(i, n, sum: i64 = 0) -> i64 {
            sum += free_everything(i);
            if i & 7 == 0 { sum ^= 5; }
        } => sum
    }
    let run = |jit| {
        let driver = Rc::new(driver(jit, "threshold=3,trace_eagerness=2"));
        DRIVER.set(Some(Rc::clone(&driver)));
        let result = freeing(&driver, 200);
        DRIVER.set(None);
        result
    };
    let plain = run(Jit::Off);
    backends().into_iter().for_each(|jit| assert_eq!(run(jit), plain));
}

#[test]
fn b267_ever_new_keys_stay_within_the_limits() {
    for jit in backends() {
        let max_traces = 24;
        let params = format!("threshold=3,trace_eagerness=2,max_traces={max_traces}");
        let driver = driver(jit, &params);
        for mode in 0..=255u8 {
            assert_eq!(simple(&driver, mode, 40), expected(40));
            assert!(driver.compiled().len() <= max_traces, "{}", driver.stats());
        }
        assert!(driver.stats().freed > 100, "{}", driver.stats());
    }
    let driver = driver(Jit::default(), "threshold=3,trace_eagerness=2,max_code_bytes=20000");
    for mode in 0..=255u8 {
        assert_eq!(simple(&driver, mode, 40), expected(40));
        // A recording starts below the limit and may add one trace.
        assert!(driver.stats().code_bytes < 30_000, "{}", driver.stats());
    }
}

// Threads

#[test]
fn a_driver_in_each_of_many_threads() {
    let workers = (0..8).map(|thread: i64| {
        std::thread::spawn(move || {
            let mut results = Vec::new();
            for round in 0..20 {
                let driver = driver(Jit::default(), "threshold=3,trace_eagerness=2");
                results.push(simple(&driver, (round % 5) as u8, 500 + thread));
                results.push(with_effects(|| observed(&driver_of(Jit::default()), 100)).0);
                assert!(driver.stats().loops > 0);
            }
            (thread, results, effects().count)
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        let (thread, results, _) = worker.join().expect("no panic");
        for pair in results.chunks(2) {
            assert_eq!(pair, [expected(500 + thread), 5050]);
        }
    }
}

// B150: promotion of strings, by value.

/// What a word of a language stands for.
#[jit]
fn meaning(word: &str, sum: i64) -> i64 {
    match promote_str(word) {
        "add" => sum + 3,
        "subtract" => sum - 1,
        "multiply the sum by" => (sum * 3) & 0xffff,
        "" => sum ^ 5,
        _ => sum,
    }
}

#[jit]
fn words(driver: &JitDriver<'_>, words: &[String], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, words]);
        sum = meaning(&words[i as usize / 40 % words.len()], sum);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, words]);
    }
    sum
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.into()).collect()
}

#[test]
fn b150_a_string_is_promoted_by_value() {
    // There are several strings, but they are all one word.
    for (word, n_words) in [("add", 2), ("subtract", 1), ("multiply the sum by", 3), ("", 0)] {
        let strings = owned(&[word; 4]);
        for run in check_counts(RPYTHON, ONE_LOOP, |d| words(d, &strings, 200)) {
            assert_eq!(run.count("call"), 0, "{run}");
            // Nothing but its length and its letters is asked, in a lap.
            assert_eq!(in_body(run.trace("loop"), "guard_value"), 1 + n_words, "{word}: {run}");
            let compared = run.trace("loop").optimized.matches("int_eq").count();
            assert_eq!(compared, 0, "{word}: {run}");
        }
    }
}

#[test]
fn b150_other_strings_have_code_of_their_own() {
    let strings = owned(&["add", "subtract", "add", "multiply the sum by", "sub", "subtracs"]);
    let program = |d: &JitDriver<'_>| words(d, &strings, 1200);
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        // By length: `add` and `sub`, `subtract` and `subtracs`, and the long one.
        assert_eq!(run.stats.bridges, 4, "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b150_strings_that_are_too_many_vary() {
    // Of one length, and of many.
    let numbered: Vec<String> = (100..130).map(|number| number.to_string()).collect();
    let lengths: Vec<String> = (0..70).map(|len| "x".repeat(len)).collect();
    for strings in [numbered, lengths] {
        let n = 80 * strings.len() as i64;
        for params in ["max_promoted_values=2,", ""] {
            let params = format!("{params}{RPYTHON}");
            for run in check(&[&params], |d| words(d, &strings, n)) {
                assert_eq!(run.stats.aborted(), 0, "{run}");
                assert!(run.stats.bridges < 60, "{run}");
            }
        }
        check(THRESHOLDS, |d| words(d, &strings, n));
    }
}

#[jit]
fn kinds_of_keys(driver: &JitDriver<'_>, keys: &[Vec<u8>], out: &mut [u8], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, keys, out]);
        let key = promote_bytes(&keys[i as usize / 40 % keys.len()]);
        out[i as usize & 7] = i as u8;
        if !key.is_empty() && key[0] < b'k' {
            sum += 1;
        }
        if key.len() > 2 && key[2] == b'y' {
            sum += 2;
        }
        let at = i as usize % (key.len() + 1);
        if at < key.len() && key[at] == b'e' {
            sum += 4;
        }
        if &key[key.len() / 2..] == b"y" {
            sum += 8;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, keys, out]);
    }
    sum
}

#[test]
fn b150_what_is_read_of_promoted_bytes_is_constant() {
    let program = |keys: &[&[u8]], n| {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        move |d: &JitDriver<'_>| kinds_of_keys(d, &keys, &mut [0; 8], n)
    };
    for run in check_counts(RPYTHON, with_bridges(1), program(&[b"jay"], 100)) {
        // Other bytes are written, but that cannot be these. Where it is not known which one is asked for, it is
        // loaded.
        let loads = run.trace("loop").optimized.matches("mem(i8").count();
        let stores = run.count("setarrayitem");
        assert!(loads <= stores + 4, "{run}");
        let compared = run.trace("loop").optimized.matches(", 107)").count();
        assert_eq!(compared, 0, "{run}");
    }
    let long = [b'y'; 65];
    check(THRESHOLDS, program(&[b"key", b"jay", b"", b"xyz", &long, b"keys"], 600));
}

/// A string that changes behind the place where it was promoted, before a guard fails.
#[jit]
fn changing(driver: &JitDriver<'_>, n: i64) -> (i64, String) {
    let mut text = String::from("a");
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, text]);
        let known = promote_str(&text);
        if known == "a" {
            sum += 1;
        } else if known.as_bytes()[0] == b'b' {
            sum += 2;
        }
        another(&mut text);
        if i % 7 == 3 {
            sum += 4;
        }
        if promote_str(&text).len() == 1 && text.as_bytes()[0] == b'b' {
            sum += 8;
        }
        text = String::from(if i % 40 < 20 { "a" } else { "bc" });
        if i % 11 == 5 {
            sum += 16;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, text]);
    }
    (sum, text)
}

#[dont_look_inside]
fn another(text: &mut String) {
    *text = if text == "a" { "b".into() } else { "a".into() };
}

#[test]
fn b150_a_string_that_changes_is_promoted_again() {
    for run in check(THRESHOLDS, |d| changing(d, 400)) {
        assert!(run.stats.bridges > 2 || run.params.is_empty(), "{run}");
    }
}
