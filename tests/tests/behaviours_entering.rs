//! Behaviours of group A, entering, counting, leaving: B001 to B024, as far as they are built.
//!
//! The state of all behaviours is in the table of [`jit_tests::behaviours`].

use jit_tests::oracle::{
    Counts, RPYTHON, Run, THRESHOLDS, backends, check, check_counts, count, driver, effect,
    effects, opcodes, outcome, payload, with_effects,
};
use jit_tests::programs::{self, interpret};
use jitdriver::{Jit, JitDriver, Stats, can_enter_jit, jit, jit_merge_point, we_are_jitted};
use std::cell::Cell;

/// The simplest loop: `n` jumps back.
#[jit]
fn sum(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum]);
        if i == n {
            return sum;
        }
        i += 1;
        sum += i * 2;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum]);
    }
}

const NOTHING: Counts = Counts { tracings: 0, loops: 0, bridges: 0, aborted: 0 };
const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

#[test]
fn b001_fewer_laps_than_the_threshold_are_never_traced() {
    for (params, n) in [("threshold=3", 2), ("threshold=100", 99), ("", 1038)] {
        check_counts(params, NOTHING, |d| sum(d, n));
    }
}

#[test]
fn b002_the_threshold_is_the_number_of_jumps_back() {
    for (params, n) in [("threshold=1", 1), ("threshold=3", 3), ("threshold=100", 100), ("", 1039)]
    {
        check_counts(params, Counts { tracings: 1, ..ONE_LOOP }, |d| sum(d, n));
    }
    for run in check_counts(RPYTHON, ONE_LOOP, |d| sum(d, 1000)) {
        // The counter, the comparison, the product and the sum; the overflow checks come on top.
        let names: Vec<&str> = opcodes(run.trace("loop")).collect();
        assert_eq!(names.iter().filter(|name| **name == "int_eq").count(), 1, "{run}");
        assert_eq!(names.last(), Some(&"jump"), "{run}");
        assert_eq!((run.stats.entered, run.stats.guard_failures), (1, 1), "{run}");
    }
}

/// Counts down with a green that is another one in each lap, but for `same`.
#[jit]
fn changing_green(driver: &JitDriver<'_>, n: i64, same: bool) -> i64 {
    let mut x = 0i64;
    let mut i = n;
    let mut res = 0;
    while i > 0 {
        jit_merge_point!(driver, greens = [x], reds = [i, res, same]);
        res += x;
        if !same {
            x += 1;
        }
        i -= 1;
        can_enter_jit!(driver, greens = [x], reds = [i, res, same]);
    }
    res
}

#[test]
fn b001_b003_other_greens_are_other_loops() {
    check_counts(RPYTHON, NOTHING, |d| changing_green(d, 100, false));
    check_counts(RPYTHON, ONE_LOOP, |d| changing_green(d, 100, true));
    // At once hot each of them, until none of them closes: the recording ends at its limit, and what
    // was recorded up to there is kept.
    let runs =
        check(&["threshold=1,trace_limit=200", "threshold=2"], |d| changing_green(d, 1000, false));
    for run in runs {
        assert!(run.stats.tracings <= 1000, "{run}");
    }
}

#[test]
fn b003_each_program_has_its_loop() {
    let codes = [programs::SUM.as_flattened(), programs::TWO_WAYS.as_flattened()];
    let runs = check(&[RPYTHON], |d| {
        codes.map(|code| {
            let mut regs = [0, 100, 7, 0];
            (with_effects(|| interpret(d, code, &mut regs)), regs)
        })
    });
    for run in runs {
        assert_eq!(run.stats.loops, 2, "{run}");
    }
}

#[test]
fn b004_references_are_green_by_identity() {
    let (first, second) = (programs::SUM.to_vec(), programs::SUM.to_vec());
    let runs = check(&["threshold=3"], |d| {
        [&first, &second, &first].map(|code| interpret(d, code.as_flattened(), &mut [0, 50, 0, 0]))
    });
    for run in runs {
        // Equal code at two places is two loops; the same code again is none.
        assert_eq!(run.counts(), Counts { tracings: 2, loops: 2, bridges: 0, aborted: 0 }, "{run}");
    }
}

#[test]
fn b010_off_counts_nothing() {
    let off = driver(Jit::Off, "threshold=1");
    assert_eq!(sum(&off, 1000), 1_001_000);
    assert_eq!(off.stats(), Stats::default());
    for jit in backends() {
        let driver = driver(jit, "threshold=100");
        driver.set_enabled(false);
        sum(&driver, 1000);
        assert_eq!(driver.stats(), Stats::default());
        driver.set_enabled(true);
        // No counter has moved meanwhile.
        sum(&driver, 99);
        assert_eq!(driver.stats().tracings, 0);
        sum(&driver, 1);
        assert_eq!(driver.stats().tracings, 1);
        let entered = driver.stats().entered;
        driver.set_enabled(false);
        sum(&driver, 1000);
        assert_eq!(driver.stats().entered, entered, "compiled code is entered though it is off");
    }
}

#[test]
fn b012_b022_a_second_call_enters_compiled_code() {
    let runs = check(&[RPYTHON], |d| [sum(d, 200), sum(d, 200), sum(d, 0), sum(d, 1), sum(d, 7)]);
    for run in runs {
        assert_eq!(run.counts().tracings - run.counts().bridges, 1, "{run}");
        // Once in each call but the third, which never jumps back.
        assert_eq!(run.stats.entered, 4, "{run}");
    }
    check(THRESHOLDS, |d| (0..50).map(|n| sum(d, n)).collect::<Vec<_>>());
}

#[test]
fn b013_another_way_into_a_loop_is_an_entry() {
    // The inner loop is hot first; the outer one is then recorded up to it.
    let runs = check(&[RPYTHON], |d| {
        let mut regs = [0, 20, 20, 0];
        (interpret(d, programs::NESTED.as_flattened(), &mut regs), regs)
    });
    for run in runs {
        assert_eq!(run.counts(), Counts { tracings: 2, loops: 1, bridges: 1, aborted: 0 }, "{run}");
    }
    let runs = check(&["threshold=3,trace_eagerness=1000"], |d| {
        let mut regs = [0, 20, 20, 0];
        (interpret(d, programs::NESTED.as_flattened(), &mut regs), regs)
    });
    for run in runs {
        assert_eq!(run.counts(), Counts { tracings: 2, loops: 2, bridges: 0, aborted: 0 }, "{run}");
        let entry = run.trace("entry");
        assert_eq!(count(entry, "jump"), 1, "{run}");
    }
}

#[jit]
fn jitted_laps(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut laps = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, laps]);
        i += 1;
        if we_are_jitted() {
            laps += 1;
        }
        can_enter_jit!(driver, greens = [], reds = [i, n, laps]);
    }
    laps
}

#[test]
fn b014_we_are_jitted_is_true_in_traces_only() {
    assert_eq!(jitted_laps(&driver(Jit::Off, ""), 100), 0);
    for jit in backends() {
        for threshold in [1, 2, 3, 50] {
            let driver = driver(jit, &format!("threshold={threshold},trace_eagerness=2"));
            // From the threshold on, laps run in the twin or in compiled code; the last one is left at
            // its end by going back to its start, from where the plain interpreter repeats it.
            assert_eq!(jitted_laps(&driver, 100), 100 - threshold - 1, "{jit}");
        }
    }
}

#[jit]
fn with_unused_red(driver: &JitDriver<'_>, n: i64, unused: u16) -> i64 {
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, unused]);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, unused]);
    }
    i
}

#[jit]
fn without_reds(driver: &JitDriver<'_>) -> usize {
    let mut pc = 0usize;
    loop {
        jit_merge_point!(driver, greens = [pc], reds = []);
        effect(pc as i64);
        pc += 1;
        if pc == 3 {
            pc = 0;
            if has_had(100) {
                return pc;
            }
            can_enter_jit!(driver, greens = [pc], reds = []);
        }
    }
}

fn has_had(n_effects: u64) -> bool {
    effects().count > n_effects
}

#[test]
fn b015_reds_may_be_unused_or_none() {
    check_counts(RPYTHON, ONE_LOOP, |d| with_unused_red(d, 100, 9));
    check(THRESHOLDS, |d| with_effects(|| without_reds(d)));
}

#[jit]
fn pushing(driver: &JitDriver<'_>, n: i64, out: &mut Vec<i64>) -> usize {
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, out]);
        out.push(i);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, out]);
    }
    out.len()
}

#[test]
fn b017_two_portals_of_one_driver_do_not_take_each_others_code() {
    let calls = |d: &JitDriver<'_>| {
        let mut out = Vec::new();
        let seen = [sum(d, 100), pushing(d, 50, &mut out) as i64, sum(d, 100)];
        (seen, pushing(d, 50, &mut out), out)
    };
    let plain = calls(&driver(Jit::Off, ""));
    for jit in backends() {
        for params in THRESHOLDS {
            // Either is fine: that it works, or that the driver says what is wrong.
            match outcome(|| calls(&driver(jit, params))) {
                Ok(seen) => assert_eq!(seen, plain, "{jit} with `{params}`"),
                Err(message) => assert!(message.contains("portal"), "{message}"),
            }
        }
    }
}

static TABLE: [i64; 4] = [5, 7, 11, 13];

#[jit]
fn with_prebuilt_greens<'p>(
    driver: &JitDriver<'p>,
    table: &'p [i64; 4],
    name: char,
    n: i64,
) -> i64 {
    let mut i = 0usize;
    let mut left = n;
    let mut sum = 0;
    while left > 0 {
        jit_merge_point!(driver, greens = [i, table, name], reds = [left, sum]);
        sum += table[i] + name as i64;
        i = (i + 1) % 4;
        left -= 1;
        can_enter_jit!(driver, greens = [i, table, name], reds = [left, sum]);
    }
    sum
}

#[test]
fn b019_prebuilt_data_can_be_green() {
    for run in check(&[RPYTHON], |d| with_prebuilt_greens(d, &TABLE, 'x', 100)) {
        // The table is frozen: nothing is read from it.
        let reads = run.count("getarrayitem") + run.count("getfield");
        assert_eq!((run.stats.loops, reads), (1, 0), "{run}");
    }
    check(THRESHOLDS, |d| ['a', 'b'].map(|name| with_prebuilt_greens(d, &TABLE, name, 60)));
}

/// A program that changes itself, which only cells allow.
struct Changing {
    steps: Vec<Cell<i64>>,
    limit: Cell<i64>,
    fixed: i64,
}

#[jit]
fn self_modifying<'p>(driver: &JitDriver<'p>, program: &'p Changing, n: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    let mut sum = 0i64;
    while left > 0 {
        jit_merge_point!(driver, greens = [pc, program], reds = [left, sum]);
        let step = program.steps[pc].get();
        if step > program.limit.get() {
            program.steps[pc].set(0);
            program.limit.set(step + program.fixed);
        } else {
            program.steps[pc].set(step + 1);
        }
        sum = sum.wrapping_mul(3) ^ step;
        pc = (pc + 1) % 3;
        left -= 1;
        can_enter_jit!(driver, greens = [pc, program], reds = [left, sum]);
    }
    sum
}

#[test]
fn b019_cells_in_greens_are_not_constant() {
    let new = || Changing {
        steps: vec![Cell::new(3), Cell::new(1), Cell::new(0)],
        limit: Cell::new(20),
        fixed: 5,
    };
    let seen = |jit, params: &str| {
        let program = new();
        let driver = driver(jit, params);
        let sums = [500, 1, 3000].map(|n| self_modifying(&driver, &program, n));
        let steps: Vec<i64> = program.steps.iter().map(Cell::get).collect();
        (sums, steps, program.limit.get())
    };
    let plain = seen(Jit::Off, "");
    for jit in backends() {
        for params in THRESHOLDS {
            assert_eq!(seen(jit, params), plain, "{jit} with `{params}`");
        }
    }
}

#[jit]
fn with_constant_red(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut step = 1;
    let mut sum = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, step, sum]);
        sum += step;
        step = 3;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, step, sum]);
    }
    sum
}

#[test]
fn b020_a_red_may_be_constant() {
    check_counts(RPYTHON, ONE_LOOP, |d| with_constant_red(d, 100));
    check(THRESHOLDS, |d| with_constant_red(d, 2000));
}

#[derive(Debug, PartialEq)]
struct Exit(i64);

fn exit(code: i64) -> i64 {
    std::panic::panic_any(Exit(code))
}

#[jit]
fn leaves_by_exit(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum]);
        sum += i;
        i += 1;
        if i == n {
            sum = exit(sum);
        }
        can_enter_jit!(driver, greens = [], reds = [i, n, sum]);
    }
}

#[test]
fn b021_exit_panics_keep_their_payload() {
    // The place of a panic is compared too, which the payload alone does not show.
    check(THRESHOLDS, |d| leaves_by_exit(d, 100));
    for jit in backends() {
        for params in THRESHOLDS {
            let driver = driver(jit, params);
            for n in [1, 2, 3, 4, 100, 100, 100, 5000] {
                let payload = payload(|| leaves_by_exit(&driver, n));
                let exit = payload.downcast_ref::<Exit>();
                assert_eq!(exit, Some(&Exit(n * (n - 1) / 2)), "{jit} with `{params}`");
            }
        }
    }
}

thread_local! {
    static OUTER: Cell<Option<&'static JitDriver<'static>>> = const { Cell::new(None) };
}

extern "C" fn called_back(n: i64) -> i64 {
    calling_back(OUTER.get().expect("a driver is running"), n, false)
}

/// As C code does it: through a function pointer that nobody knows when the call is compiled.
fn call_back(n: i64) -> i64 {
    effect(n);
    std::hint::black_box(called_back as extern "C" fn(i64) -> i64)(n)
}

/// The portal runs again inside of its own residual call.
#[jit]
fn calling_back(driver: &JitDriver<'static>, n: i64, outer: bool) -> i64 {
    let mut pc = 0u8;
    let mut i = 0;
    let mut sum = 0;
    while i < n {
        jit_merge_point!(driver, greens = [pc, outer], reds = [i, n, sum]);
        pc = 1 - pc;
        if pc == 0 {
            i += 1;
            sum += i;
            if outer {
                sum ^= call_back(i);
            }
            can_enter_jit!(driver, greens = [pc, outer], reds = [i, n, sum]);
        }
    }
    sum
}

#[test]
fn b022_b023_a_callback_is_a_portal_of_its_own() {
    let run = |jit, params: &str| {
        // Leaked, since a thread-local variable holds it: a few kilobytes per run.
        let driver: &'static JitDriver<'static> = Box::leak(Box::new(driver(jit, params)));
        OUTER.set(Some(driver));
        let seen = with_effects(|| [30, 1, 60].map(|n| calling_back(driver, n, true)));
        OUTER.set(None);
        (seen, Run::of(driver, jit, params))
    };
    let (plain, _) = run(Jit::Off, "");
    for jit in backends() {
        for params in THRESHOLDS {
            let (seen, run) = run(jit, params);
            assert_eq!(seen, plain, "{run}");
            if params.starts_with("threshold=3") {
                assert_eq!(run.stats.loops, 2, "{run}");
            }
        }
    }
}

#[jit]
fn loop_before(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut sum = 0;
    let mut j = 0;
    while j < n {
        sum += j;
        j += 1;
    }
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum]);
        sum = (sum * 3) & 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum]);
    }
    let mut k = 0;
    while k < 3 {
        sum += k;
        k += 1;
    }
    sum
}

#[test]
fn b093_a_loop_before_the_portals_loop_is_not_traced() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| loop_before(d, 100)) {
        assert_eq!(count(run.trace("loop"), "int_mul_ovf"), 1, "{run}");
    }
    // The portal's end is recorded at last, with what comes behind its loop.
    check(THRESHOLDS, |d| (0..20).map(|n| loop_before(d, n)).collect::<Vec<_>>());
}

#[test]
fn b060_parameters_take_effect_at_run_time() {
    for jit in backends() {
        let driver = driver(jit, "threshold=1000");
        sum(&driver, 100);
        assert_eq!(driver.stats().tracings, 0);
        driver.set_param("threshold", "150").unwrap();
        sum(&driver, 49);
        assert_eq!(driver.stats().tracings, 0);
        sum(&driver, 1);
        assert_eq!(driver.stats().tracings, 1);
        assert!(driver.set_param("threshold", "x").is_err());
        assert!(
            driver.set_param("pureop_historylength", "1").is_err(),
            "RPython has it, this JIT has not"
        );
    }
}
