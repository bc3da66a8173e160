//! A driver goes to another thread: with its code, but without what it shares with the thread that it leaves.
//!
//! `cargo xtask sanitize-threads` runs this under ThreadSanitizer.

use jit_tests::oracle::{backends, driver};
use jitdriver::{
    Hooks, Jit, JitDriver, QuasiImmutable, SendableDriver, can_enter_jit, dont_look_inside,
    elidable, jit, jit_merge_point,
};
use std::rc::Rc;
use std::thread;

const fn is_send<T: Send>() {}
const _: () = is_send::<SendableDriver<'static>>();

const PARAMS: &str = "threshold=3,trace_eagerness=2,region_threshold=20";

/// Lets another thread have the driver for a while.
fn lend<'p, T: Send>(
    driver: JitDriver<'p>,
    run: impl FnOnce(&JitDriver<'p>) -> T + Send,
) -> (JitDriver<'p>, T) {
    let sendable = driver.into_sendable().expect("it is not active, and has no hooks");
    let (sendable, result) = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let driver = sendable.into_driver();
            let result = run(&driver);
            (driver.into_sendable().expect("it is not active, and has no hooks"), result)
        });
        thread.join().expect("no panic")
    });
    (sendable.into_driver(), result)
}

#[jit]
fn add_up<'p>(driver: &JitDriver<'p>, steps: &'p [i64], n: i64) -> i64 {
    let (mut pc, mut left, mut sum) = (0usize, n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [pc, steps], reds = [left, sum]);
        sum += if left % 7 == 0 { steps[pc] } else { 1 };
        pc += 1;
        if pc == steps.len() {
            if left == 0 {
                return sum;
            }
            left -= 1;
            pc = 0;
            can_enter_jit!(driver, greens = [pc, steps], reds = [left, sum]);
        }
    }
}

#[test]
fn a_driver_goes_on_in_another_thread_with_its_code() {
    let steps = [5, 6, 7];
    for jit in backends() {
        for params in [PARAMS.to_string(), format!("{PARAMS},background=1")] {
            let here = driver(jit, &params);
            let expected = add_up(&driver(Jit::Off, ""), &steps, 300);
            for _ in 0..3 {
                assert_eq!(add_up(&here, &steps, 300), expected);
                here.wait_for_background();
            }
            let before = here.stats();
            let (here, result) = lend(here, |driver| add_up(driver, &steps, 300));
            let after = here.stats();
            assert_eq!((result, add_up(&here, &steps, 300)), (expected, expected), "{jit}");
            assert!(before.loops > 0 && before.bridges > 0, "{before}");
            assert_eq!((after.loops, after.freed), (before.loops, 0), "{jit}: {after}");
            assert!(after.entered > before.entered, "{jit}: {after}");
        }
    }
}

#[test]
fn it_goes_on_recording_there() {
    let (first, second) = ([5, 6, 7], [1, 2, 3, 4]);
    for jit in backends() {
        let here = driver(jit, PARAMS);
        add_up(&here, &first, 100);
        let before = here.stats();
        let expected = add_up(&driver(Jit::Off, ""), &second, 100);
        let (here, result) = lend(here, |driver| add_up(driver, &second, 100));
        assert_eq!(result, expected);
        assert!(here.stats().loops > before.loops, "{}", here.stats());
    }
}

#[jit]
fn counted(driver: &JitDriver<'_>, steps: &Rc<Vec<i64>>, n: i64) -> i64 {
    let steps = Rc::clone(steps);
    let (mut left, mut sum) = (n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [steps], reds = [left, sum]);
        if left == 0 {
            return sum;
        }
        left -= 1;
        sum += steps[0];
        can_enter_jit!(driver, greens = [steps], reds = [left, sum]);
    }
}

#[test]
fn counts_of_programs_stay_behind() {
    for jit in backends() {
        let here = driver(jit, PARAMS);
        let program = Rc::new(vec![3, 4]);
        assert_eq!(counted(&here, &program, 100), 300);
        assert!(here.stats().loops > 0 && Rc::weak_count(&program) == 1, "{}", here.stats());
        let sendable = here.into_sendable().expect("it is not active, and has no hooks");
        assert_eq!(Rc::weak_count(&program), 0);
        let freed = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let driver = sendable.into_driver();
                assert_eq!(counted(&driver, &Rc::new(vec![8]), 100), 800);
                driver.stats().freed
            });
            // Meanwhile its counts change here.
            for _ in 0..1000 {
                drop(Rc::downgrade(&program));
            }
            thread.join().expect("no panic")
        });
        assert!(freed > 0);
    }
}

#[jit]
fn hardly_changing(driver: &JitDriver<'_>, step: &QuasiImmutable<i64>, n: i64) -> i64 {
    let (mut left, mut sum) = (n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [], reds = [left, sum, step]);
        if left == 0 {
            return sum;
        }
        left -= 1;
        sum += jitdriver::promote(step).get();
        can_enter_jit!(driver, greens = [], reds = [left, sum, step]);
    }
}

#[test]
fn what_depends_on_a_quasi_immutable_stays_behind() {
    for jit in backends() {
        let here = driver(jit, PARAMS);
        let step = QuasiImmutable::new(2);
        assert_eq!(hardly_changing(&here, &step, 100), 200);
        assert!(step.n_dependent_traces() > 0, "{}", here.stats());
        let (here, result) = lend(here, |driver| {
            let step = QuasiImmutable::new(5);
            hardly_changing(driver, &step, 100)
        });
        assert_eq!((result, step.n_dependent_traces()), (500, 0));
        step.set(7);
        assert_eq!(hardly_changing(&here, &step, 100), 700);
    }
}

thread_local! {
    static OWN: &'static std::cell::Cell<i64> = Box::leak(Box::new(std::cell::Cell::new(4)));
}

#[elidable]
fn own(_: i64) -> &'static std::cell::Cell<i64> {
    OWN.with(|own| *own)
}

#[jit]
fn of_the_thread(driver: &JitDriver<'_>, n: i64) -> i64 {
    let (mut left, mut sum) = (n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [], reds = [left, sum]);
        if left == 0 {
            return sum;
        }
        left -= 1;
        let cell = own(0);
        cell.set(cell.get() + 1);
        sum += cell.get();
        can_enter_jit!(driver, greens = [], reds = [left, sum]);
    }
}

#[test]
fn what_leads_to_the_thread_s_own_stays_behind() {
    for jit in backends() {
        let here = driver(jit, PARAMS);
        OWN.with(|own| own.set(4));
        let expected = of_the_thread(&here, 100);
        assert!(here.stats().loops > 0, "{}", here.stats());
        let (here, result) = lend(here, |driver| of_the_thread(driver, 100));
        assert_eq!((result, OWN.with(|own| own.get())), (expected, 104));
        assert!(here.stats().freed > 0, "{}", here.stats());
    }
}

struct Leaving {
    driver: JitDriver<'static>,
    refused: u32,
}

#[jit]
impl Leaving {
    #[dont_look_inside]
    fn leave(&mut self) {
        let driver = std::mem::replace(&mut self.driver, driver(Jit::Off, ""));
        match driver.into_sendable() {
            Ok(sendable) => self.driver = sendable.into_driver(),
            Err(driver) => {
                self.driver = driver;
                self.refused += 1;
            }
        }
    }

    fn run(&mut self, n: i64) -> i64 {
        let mut left = n;
        loop {
            jit_merge_point!(self.driver, greens = [], reds = [self, left]);
            if left == 0 {
                return 0;
            }
            left -= 1;
            self.leave();
            can_enter_jit!(self.driver, greens = [], reds = [self, left]);
        }
    }
}

#[test]
fn a_driver_that_is_active_does_not_leave() {
    for jit in backends() {
        let mut leaving = Leaving { driver: driver(jit, PARAMS), refused: 0 };
        leaving.run(50);
        assert!(leaving.driver.stats().loops > 0, "{}", leaving.driver.stats());
        // Before the loop is hot it is active in no lap, and from then on in each.
        assert!((40..50).contains(&leaving.refused), "{} times", leaving.refused);
    }
}

struct Listener;

impl Hooks for Listener {}

#[test]
fn a_driver_with_hooks_does_not_leave() {
    let driver = JitDriver::builder().hooks(Listener).build().expect("a driver");
    let driver: JitDriver<'_> = driver.into_sendable().expect_err("hooks are the thread's");
    assert_eq!(driver.stats().tracings, 0);
}
