//! Objects on the heap that do not escape: integers in a `Box` or `Rc` on a `Vec` as operand stack.
//!
//! Every mode gives the same result, and leaves as many objects alive.
#![allow(unsafe_code, reason = "counts allocations")]
#![allow(
    clippy::borrowed_box,
    dead_code,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, Run, THRESHOLDS, body, outcome};
use jit_tests::tla::{self, ADD, CONST, JUMP_IF, LT, MUL, PICK, PUT, SHOW, SUM_OF_SQUARES};
use jitdriver::{JitDriver, Traceable, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::{Rc, Weak};

/// Counts the objects that this thread has allocated and not given back. They are told by their alignment.
struct Counting;

impl Counting {
    fn count(layout: Layout, by: i64) {
        ALIVE.set(ALIVE.get() + if layout.align() == 32 { by } else { 0 });
    }
}

thread_local! {
    static ALIVE: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout, 1);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Counting::count(layout, -1);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The sum of squares, which is shown in each lap.
fn shown_sum_of_squares() -> Vec<u8> {
    let mut code = SUM_OF_SQUARES.to_vec();
    code.splice(21..21, [SHOW, 2]);
    code
}

macro_rules! interpreter {
    ($run:ident, $object:ident, $pointer:ident, $new:ident, $copy:ident) => {
        #[jit]
        impl $object {
            fn add(&self, other: &$object) -> $pointer<$object> {
                match (self, other) {
                    ($object::Int(a), $object::Int(b)) => {
                        $pointer::new($object::Int(a.wrapping_add(*b)))
                    }
                    _ => $pointer::new($object::Text(String::from("a sum"))),
                }
            }
            fn mul(&self, other: &$object) -> $pointer<$object> {
                $pointer::new($object::Int(self.int().wrapping_mul(other.int())))
            }
            fn lt(&self, other: &$object) -> $pointer<$object> {
                $pointer::new($object::Int((self.int() < other.int()) as i64))
            }
            #[dont_look_inside]
            fn show(&self) {
                SHOWN.set(SHOWN.get().wrapping_mul(31).wrapping_add(self.int()));
            }
            fn int(&self) -> i64 {
                match self {
                    $object::Int(value) => *value,
                    $object::Text(text) => text.len() as i64,
                    $object::Wide(wide) => wide.0,
                }
            }
        }

        #[jit]
        fn $new(value: i64) -> $pointer<$object> {
            $pointer::new($object::Int(value))
        }

        jit_tests::tla_interpreter!(
            $run,
            "Runs a program on objects that are counted.",
            $pointer<$object>,
            $new,
            $copy
        );
    };
}

thread_local! {
    static SHOWN: Cell<i64> = const { Cell::new(0) };
}

/// Makes objects known by their alignment.
#[derive(Traceable)]
#[repr(align(32))]
struct Wide(i64);

#[derive(Traceable)]
#[repr(u8)]
enum Boxed {
    Int(i64),
    Text(String),
    Wide(Wide),
}

#[derive(Traceable)]
#[repr(u8)]
enum Counted {
    Int(i64),
    Text(String),
    Wide(Wide),
}

#[jit]
fn copy(object: &Boxed) -> Box<Boxed> {
    Box::new(Boxed::Int(object.int()))
}

#[jit]
fn share(object: &Rc<Counted>) -> Rc<Counted> {
    Rc::clone(object)
}

interpreter!(run_boxes, Boxed, Box, new_boxed, copy);
interpreter!(run_counted, Counted, Rc, new_counted, share);

/// Runs a program in all modes. Answers what was compiled at threshold 3.
#[track_caller]
fn check<'p>(run: impl Fn(&JitDriver<'p>, i64) -> i64, args: &[i64]) -> Vec<Run> {
    let runs = oracle::check(THRESHOLDS, |driver| {
        SHOWN.set(0);
        let before = ALIVE.get();
        let results: Vec<i64> = args.iter().map(|&arg| run(driver, arg)).collect();
        (results, SHOWN.get(), ALIVE.get() - before)
    });
    runs.into_iter().filter(|run| run.params.starts_with("threshold=3,")).collect()
}

#[test]
fn boxes_are_as_many_as_without_the_jit() {
    let code = SUM_OF_SQUARES;
    let runs = check(|driver, n| run_boxes(driver, code, n), &[3, 100, 2000, 0, 7]);
    for run in runs {
        let (loops, calls) = (run.stats.loops, run.stats.residual_calls);
        assert_eq!((loops, calls), (1, 0), "{}", run.compiled[0].optimized);
    }
}

#[test]
fn counted_objects_are_as_many_as_without_the_jit() {
    let code = SUM_OF_SQUARES;
    let runs = check(|driver, n| run_counted(driver, code, n), &[3, 100, 2000, 0, 7]);
    for run in runs {
        let (loops, calls) = (run.stats.loops, run.stats.residual_calls);
        assert_eq!((loops, calls), (1, 0), "{}", run.compiled[0].optimized);
    }
}

#[test]
fn a_call_sees_the_objects() {
    let code = &shown_sum_of_squares();
    check(|driver, n| run_boxes(driver, code, n), &[3, 100, 1500, 7]);
    check(|driver, n| run_counted(driver, code, n), &[3, 100, 1500, 7]);
}

/// What is left of a lap whose objects do not outlive it: nothing of them.
#[jit]
fn within_a_lap(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum]);
        if i == n {
            return sum;
        }
        let square = Box::new(Boxed::Int(i.wrapping_mul(i)));
        let shared = Rc::new(Counted::Int(square.int()));
        let other = Rc::clone(&shared);
        if i % 7 == 3 {
            sum = sum.wrapping_add(Rc::strong_count(&other) as i64);
        }
        {
            let _first = shared;
        }
        sum = sum.wrapping_add(other.int());
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum]);
    }
}

#[test]
fn what_does_not_outlive_a_lap_is_not_allocated() {
    for run in check(within_a_lap, &[3, 1000, 40, 0]) {
        for trace in &run.compiled {
            let loop_ = trace.optimized.rsplit("label").next().expect("there is a part");
            let in_exits = |line: &&str| !line.contains("guard_");
            let mut lines = loop_.lines().filter(in_exits);
            assert!(lines.all(|line| !line.contains("new(")), "{}", trace.optimized);
        }
    }
}

/// Weak pointers keep the memory, not the content.
#[jit]
fn with_weak(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    let mut last: Weak<Counted> = Weak::new();
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, last]);
        if i == n {
            return sum;
        }
        let object = Rc::new(Counted::Int(i));
        if i % 3 == 0 {
            last = Rc::downgrade(&object);
        }
        sum = sum.wrapping_add(object.int() + Rc::weak_count(&object) as i64);
        if last.upgrade().is_some() {
            sum = sum.wrapping_add(1);
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, last]);
    }
}

#[test]
fn weak_pointers_keep_the_memory() {
    check(with_weak, &[3, 100, 7]);
}

/// A drop of the author's, which may panic.
#[derive(Traceable)]
struct Loud {
    number: i64,
    owned: Box<Boxed>,
}

impl Drop for Loud {
    fn drop(&mut self) {
        SHOWN.set(SHOWN.get().wrapping_mul(31).wrapping_add(self.number + self.owned.int()));
        assert_ne!(self.number, 77, "the drop of {}", self.number);
    }
}

#[derive(Traceable)]
struct Pair {
    first: Loud,
    second: Box<Loud>,
}

#[jit]
fn loud(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0;
    let mut kept: Vec<Box<Pair>> = Vec::new();
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, kept]);
        if i == n {
            return kept.len() as i64;
        }
        let first = Loud { number: i, owned: Box::new(Boxed::Int(2)) };
        let second = Box::new(Loud { number: i + 1000, owned: Box::new(Boxed::Int(3)) });
        let pair = Box::new(Pair { first, second });
        if i % 5 == 0 {
            kept.push(pair);
        } else if i % 5 == 1 {
            kept.pop();
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, kept]);
    }
}

#[test]
fn drops_of_the_authors_come_in_their_order() {
    check(loud, &[3, 60, 12]);
    check(
        |driver, n| outcome(|| loud(driver, n)).unwrap_or_else(|message| message.len() as i64),
        &[60, 90, 20],
    );
}

/// What the loop of the sum of squares comes to: it multiplies, adds, counts, compares, tests and jumps.
#[track_caller]
fn check_sum_of_squares(run: impl Fn(&JitDriver<'static>, i64) -> i64) {
    for run in check(run, &[3, 100, 2000, 0, 7]) {
        let ops = body(&run.compiled[0]);
        let expected = ["int_mul", "int_add", "int_add", "int_lt", "guard_true", "jump"];
        assert_eq!(ops, expected, "{}", run.compiled[0].optimized);
    }
}

#[test]
fn a_stack_of_integers_is_in_registers() {
    check_sum_of_squares(|driver, n| tla::run_plain(driver, SUM_OF_SQUARES, n));
}

#[test]
fn a_stack_of_boxes_is_in_registers() {
    check_sum_of_squares(|driver, n| tla::run_boxed(driver, SUM_OF_SQUARES, n));
}

#[test]
fn a_stack_of_shared_objects_is_in_registers() {
    check_sum_of_squares(|driver, n| tla::run_counted(driver, SUM_OF_SQUARES, n));
}
