//! Behaviours B275 and B302: what the log says, and traces of an example against patterns.
//!
//! A process has one logger, so this is a file of its own.

use jit_tests::laps;
use jit_tests::oracle::{Counts, RPYTHON, backends, body, check_counts, driver, follows};
use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Collect;

impl Log for Collect {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("metainterp")
    }
    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
    }
    fn flush(&self) {}
}

#[dont_look_inside]
fn outside(x: i64) -> i64 {
    x & 3
}

laps! {
    logged(i, n, sum: i64 = 0) -> i64 {
        sum += i * 2;
        if i % 8 == 0 { sum += outside(i); }
    } => sum
}

fn lines_of(level: LevelFilter) -> Vec<String> {
    log::set_max_level(level);
    LINES.take();
    for jit in backends() {
        logged(&driver(jit, "threshold=3,trace_eagerness=2"), 100);
    }
    LINES.take()
}

#[test]
fn b275_the_log_is_switched_on_and_off_and_has_each_trace() {
    log::set_logger(&Collect).expect("the only logger");
    assert!(lines_of(LevelFilter::Off).is_empty());
    let lines = lines_of(LevelFilter::Debug);
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    let n = backends().len();
    // The loop and the bridge, as recorded and as optimized; and where the call is.
    assert!(with("recorded ") >= 2 * n && with("optimized to") >= 2 * n, "{lines:#?}");
    assert_eq!(with("residual call of outside at tests/tests/behaviours_log.rs"), n, "{lines:#?}");
    // Each operation, while it is recorded.
    let trace = lines_of(LevelFilter::Trace);
    assert!(trace.len() > lines.len());
    assert!(trace.iter().any(|line| line.contains("int_mul")), "{trace:#?}");
    log::set_max_level(LevelFilter::Off);
}

laps! {
    shaped(i, n, k: i64 = 3, sum: i64 = 0) -> i64 {
        sum = (sum ^ (k * k)) & 0xff;
        if sum == 256 { sum = 1; }
    } => sum
}

#[test]
fn b302_traces_follow_patterns() {
    let counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };
    for run in check_counts(RPYTHON, counts, |d| shaped(d, 100)) {
        let ops = body(run.trace("loop"));
        // `k * k` and the test that cannot hold are gone.
        let pattern = "{int_add int_xor int_and int_ge guard_false} jump";
        assert!(follows(&ops, pattern), "{ops:?}\n{run}");
    }
}
