//! Compiling on a thread of the driver's own: results are the same, whatever comes in between.
//!
//! Code is installed when the interpreter arrives at a loop header, so a trace that was handed over while a
//! program ran for the last time is still being compiled, or waits to be installed, when that has returned. Tests make use
//! of that to have something happen in between.
#![expect(unsafe_code, reason = "`fork`")]

use jit_tests::examples::{brainfuck, language_x};
use jit_tests::oracle::{backends, check_in_background, driver, outcome};
use jitdriver::{
    Abort, CompiledTrace, Hooks, Jit, JitDriver, can_enter_jit, dont_look_inside, jit,
    jit_merge_point,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread::{self, ThreadId};

/// Adds up the numbers below `n` that a mode is for, in a loop with two ways.
#[jit]
fn sum(driver: &JitDriver<'_>, mode: u8, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    loop {
        jit_merge_point!(driver, greens = [mode], reds = [i, sum, n]);
        if i >= n {
            return sum;
        }
        if i % 3 == mode as i64 {
            sum += i;
        } else {
            sum ^= 1;
        }
        i += 1;
        can_enter_jit!(driver, greens = [mode], reds = [i, sum, n]);
    }
}

const BACKGROUND: &str = "threshold=3,trace_eagerness=2,background=1";

/// A driver to which the loop was handed over when the program arrived there for the last time. Where the processors
/// have much to do it may be compiled before the program goes on: that one is not it.
fn with_pending_loop(jit: Jit) -> JitDriver<'static> {
    let pending = (0..100).find_map(|_| {
        let driver = driver(jit, BACKGROUND);
        assert_eq!(sum(&driver, 2, 4), 2 ^ 1);
        assert_eq!(driver.stats().tracings, 1, "{}", driver.stats());
        (driver.stats().loops == 0).then_some(driver)
    });
    pending.expect("one of them is compiled later")
}

fn printed<'p>(driver: &JitDriver<'p>, program: &'p brainfuck::Program) -> (bool, Vec<u8>) {
    let mut output = Vec::new();
    let end = brainfuck::run(driver, program, &mut &b""[..], &mut output);
    (end.is_ok(), output)
}

#[test]
fn programs_run_the_same() {
    let calls = |d: &JitDriver<'static>| [1, 2, 1].map(|mode| sum(d, mode, 500));
    let params = "threshold=3,trace_eagerness=2,region_threshold=20";
    for run in check_in_background(params, 6, calls) {
        let stats = &run.stats;
        assert!(stats.loops == 2 && stats.bridges >= 2 && stats.aborted() == 0, "{run}");
        assert_eq!(stats.regions > 0, run.jit == Jit::Cranelift, "{run}");
        assert!(stats.optimizing_ns.0 > 0, "{run}");
    }
    let language_x =
        |d: &JitDriver<'static>| language_x::interpret(d, &[0, 0, 0, 2, 0, 1], 1, 5000);
    for run in check_in_background("", 6, language_x) {
        assert_eq!((run.stats.tracings, run.stats.loops), (1, 1), "{run}");
    }
    let program =
        brainfuck::parse(b"++++++++[>+++++++[>+++++[>+++<-]<-]<-]>>>.").expect("balanced");
    for run in check_in_background("threshold=3,trace_eagerness=2", 6, |d| printed(d, &program)) {
        assert!(run.stats.loops > 0 && run.stats.bridges > 0, "{run}");
    }
}

#[dont_look_inside]
fn seen(i: i64) -> i64 {
    i & 1
}

/// A loop in which every other lap leaves by a replay until there is a bridge.
#[jit]
fn in_turns(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, sum, n]);
        if i >= n {
            return sum;
        }
        if seen(i) == 0 {
            sum += i;
        } else {
            sum ^= 1;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, sum, n]);
    }
}

// The meta-interpreter goes from replay to compiled code and back without returning to the interpreter, and installs
// the bridge meanwhile.
#[test]
fn a_bridge_is_installed_while_its_exit_is_taken_again_and_again() {
    const LAPS: i64 = 100_000;
    for jit in backends() {
        let driver = driver(jit, BACKGROUND);
        assert_eq!(in_turns(&driver, LAPS), in_turns(&driver_off(), LAPS));
        let stats = driver.stats();
        assert!(stats.bridges >= 1, "{jit}: {stats}");
        assert!(stats.replays < LAPS as u64 / 4, "{jit}: {stats}");
    }
}

// Nothing is recorded twice while it is being compiled.
#[test]
fn what_is_being_compiled_is_not_recorded_again() {
    for jit in backends() {
        let driver = with_pending_loop(jit);
        driver.wait_for_background();
        assert_eq!(sum(&driver, 2, 100), sum(&driver_off(), 2, 100));
        let stats = driver.stats();
        assert_eq!((stats.loops, stats.aborted()), (1, 0), "{jit}: {stats}");
        assert!(stats.entered > 0, "{jit}: {stats}");
    }
}

fn driver_off() -> JitDriver<'static> {
    driver(Jit::Off, "")
}

#[test]
fn all_code_is_released_also_what_is_being_compiled() {
    for jit in backends() {
        let driver = with_pending_loop(jit);
        driver.release_all();
        driver.wait_for_background();
        assert_eq!(sum(&driver, 2, 2), 1 ^ 1);
        let stats = driver.stats();
        assert_eq!(
            (stats.loops, stats.aborts[Abort::Overtaken as usize]),
            (0, 1),
            "{jit}: {stats}"
        );
        // It is recorded once more.
        assert_eq!(sum(&driver, 2, 300), sum(&driver_off(), 2, 300));
        driver.wait_for_background();
        assert_eq!(sum(&driver, 2, 300), sum(&driver_off(), 2, 300));
        assert_eq!(driver.stats().loops, 1, "{jit}: {}", driver.stats());
    }
}

#[test]
fn a_driver_goes_while_it_compiles() {
    for jit in backends() {
        for _ in 0..20 {
            drop(with_pending_loop(jit));
        }
    }
}

#[derive(Default)]
struct Log(Rc<RefCell<Vec<(String, ThreadId)>>>);

impl Hooks for Log {
    fn on_compile(&self, trace: &CompiledTrace) {
        self.0.borrow_mut().push((trace.name.clone(), thread::current().id()));
    }

    fn on_compile_bridge(&self, trace: &CompiledTrace) {
        self.on_compile(trace);
    }
}

#[test]
fn hooks_are_called_on_the_interpreters_thread() {
    for jit in backends() {
        let log = Log::default();
        let lines = Rc::clone(&log.0);
        let builder = JitDriver::builder().jit(jit).params(BACKGROUND).expect("parameters");
        let driver = builder.hooks(log).build().expect("a driver");
        for _ in 0..6 {
            assert_eq!(sum(&driver, 2, 300), sum(&driver_off(), 2, 300));
            driver.wait_for_background();
        }
        let lines = lines.borrow();
        let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names[0] == "loop 0" && names[1].starts_with("bridge 1 of exit"), "{names:?}");
        assert!(lines.iter().all(|(_, id)| *id == thread::current().id()), "{lines:?}");
        let stats = driver.stats();
        assert_eq!(names.len() as u64, stats.loops + stats.bridges, "{names:?}");
    }
}

struct Panics(Cell<bool>);

impl Hooks for Panics {
    fn on_compile(&self, _: &CompiledTrace) {
        assert!(self.0.replace(true), "in on_compile");
    }
}

#[test]
fn a_panic_of_a_hook_comes_out_of_the_portal() {
    for jit in backends() {
        let builder = JitDriver::builder().jit(jit).params(BACKGROUND).expect("parameters");
        let driver = builder.hooks(Panics(Cell::new(false))).build().expect("a driver");
        // Where the processors have much to do the loop may be compiled before the first call ends.
        let calls = || {
            assert_eq!(sum(&driver, 2, 4), 2 ^ 1);
            driver.wait_for_background();
            sum(&driver, 2, 100)
        };
        let panic = outcome(calls).expect_err("the hook panics");
        assert!(panic.contains("in on_compile"), "{panic}");
        assert_eq!(sum(&driver, 2, 100), sum(&driver_off(), 2, 100));
        assert_eq!(driver.stats().loops, 1, "{}", driver.stats());
    }
}

// A process that was made by `fork` has no thread that compiles.
#[test]
fn a_forked_process_gets_its_own_thread() {
    for jit in backends() {
        let driver = with_pending_loop(jit);
        let expected = sum(&driver_off(), 2, 10_000);
        // SAFETY: the child runs nothing of this program's other threads, and ends with `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let is_right = outcome(|| {
                let all = (0..20).all(|_| {
                    driver.wait_for_background();
                    sum(&driver, 2, 10_000) == expected
                });
                assert!(all && driver.stats().loops == 1, "{}", driver.stats());
            });
            if let Err(panic) = &is_right {
                eprintln!("{panic}");
            }
            // SAFETY: it returns to nobody.
            unsafe { libc::_exit(i32::from(is_right.is_err())) };
        }
        assert!(child > 0, "no process");
        let mut status = 0;
        // SAFETY: the child was just made, and `status` is a place for its status.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0), "{jit}");
        driver.wait_for_background();
        assert_eq!(sum(&driver, 2, 10_000), expected, "{jit}");
        assert_eq!(driver.stats().loops, 1, "{jit}: {}", driver.stats());
    }
}
