//! Behaviours of groups G, H and I: objects and dispatch, values that are never in memory, lists.
//!
//! Where RPython has virtual objects, Rust has values: a struct, a tuple, an array, an enum that is local
//! lives in the registers of a trace, and is put together where something outside looks at it. So the
//! tests of virtuals are tests of values, and "not allocated" is "neither stored, loaded nor called for".
//! What owns memory of its own (`Box`, `Rc`, `Vec`) is allocated where the program says so.

#![allow(
    clippy::manual_swap,
    clippy::eq_op,
    reason = "assignments are what is traced, and so is a comparison with itself"
)]

use jit_tests::laps;
use jit_tests::oracle::{
    Counts, RPYTHON, Run, THRESHOLDS, check, check_counts, effect, in_body, with_effects,
};
use jitdriver::{
    JitDriver, Traceable, can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, promote,
    record_exact_variant,
};
use std::collections::{BTreeMap, HashMap};
use std::rc::{Rc, Weak};

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

fn with_bridges(bridges: u64) -> Counts {
    Counts { tracings: 1 + bridges, bridges, ..ONE_LOOP }
}

/// Nothing is allocated, and no memory is touched, in any trace.
#[track_caller]
fn no_memory(run: &Run) {
    for name in ["getfield", "setfield", "getarrayitem", "setarrayitem", "call"] {
        assert_eq!(run.count(name), 0, "{name}: {run}");
    }
}

/// As [`no_memory`], for the loop itself.
#[track_caller]
fn no_memory_in_loop(run: &Run) {
    for prefix in ["getfield", "setfield", "getarrayitem", "setarrayitem", "call"] {
        assert_eq!(in_body(run.trace("loop"), prefix), 0, "{prefix}: {run}");
    }
}

// G. Objects, classes, dispatch

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
#[repr(u8)]
enum Shape {
    Dot,
    Square(i64),
    Circle(f64),
    Box(i64, i64),
}

#[jit]
impl Shape {
    fn area(self) -> i64 {
        match self {
            Shape::Dot => 0,
            Shape::Square(a) => a * a,
            Shape::Circle(r) => (r * r * 3.0) as i64,
            Shape::Box(a, b) => a * b,
        }
    }

    fn is_round(self) -> bool {
        matches!(self, Shape::Dot | Shape::Circle(_))
    }
}

/// Sums the areas of shapes that stand in memory.
#[jit]
fn areas(driver: &JitDriver<'_>, shapes: &[Shape], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, shapes]);
        let shape = shapes[i as usize % shapes.len()];
        sum = (sum + shape.area()) & 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, shapes]);
    }
    sum
}

#[jit]
fn area_of_green<'p>(driver: &JitDriver<'p>, shape: &'p Shape, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [shape], reds = [i, n, sum]);
        sum += shape.area() + i;
        i += 1;
        can_enter_jit!(driver, greens = [shape], reds = [i, n, sum]);
    }
    sum
}

#[test]
fn b108_a_method_of_a_green_folds_and_of_a_red_leaves_one_guard() {
    static SQUARE: Shape = Shape::Square(7);
    for run in check_counts(RPYTHON, ONE_LOOP, |d| area_of_green(d, &SQUARE, 100)) {
        no_memory(&run);
        assert!(run.trace("loop").optimized.contains(", 49)"), "{run}");
    }
    for run in check_counts(RPYTHON, ONE_LOOP, |d| areas(d, &[Shape::Square(3)], 100)) {
        assert_eq!(run.count("call"), 0, "{run}");
        // The class is looked at once in a lap.
        let tags = run.trace("loop").optimized.lines().filter(|line| line.contains("mem(u8"));
        assert!(tags.count() <= 2, "once in the preheader and once in the loop: {run}");
    }
}

#[test]
fn b109_receivers_of_three_classes_are_a_loop_and_bridges() {
    let shapes = [Shape::Square(3), Shape::Box(2, 5), Shape::Circle(1.5)];
    for run in check(&["threshold=3,trace_eagerness=2,decay=0"], |d| areas(d, &shapes, 300)) {
        assert_eq!(run.counts().aborted, 0, "{run}");
        assert!((2..=6).contains(&run.stats.bridges), "{run}");
        assert_eq!(run.stats.loops, 1, "{run}");
    }
    // A change of behaviour after a while, and back.
    let mut changing = vec![Shape::Square(2); 200];
    changing[80..140].fill(Shape::Circle(2.0));
    for run in check(&[RPYTHON], |d| areas(d, &changing, 900)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.bridges <= 4, "{run}");
    }
    check(THRESHOLDS, |d| areas(d, &changing, 3000));
}

#[test]
fn b110_dispatch_fails_and_begins_with_another_class() {
    let starts_differently = |d: &JitDriver<'_>| {
        let mut shapes = vec![Shape::Box(1, 4); 40];
        shapes[0] = Shape::Dot;
        let first = areas(d, &shapes, 400);
        shapes[20] = Shape::Circle(3.0);
        let second = areas(d, &shapes, 400);
        shapes.fill(Shape::Dot);
        (first, second, areas(d, &shapes, 400))
    };
    for run in check(&[RPYTHON], starts_differently) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.guard_failures > 0, "{run}");
    }
    check(THRESHOLDS, starts_differently);
}

trait Speaks {
    fn speak(&self, n: i64) -> i64;
}

struct Loud(i64);
struct Quiet;

impl Speaks for Loud {
    fn speak(&self, n: i64) -> i64 {
        effect(n);
        self.0 + n
    }
}

impl Speaks for Quiet {
    fn speak(&self, n: i64) -> i64 {
        n & 1
    }
}

#[jit]
fn choir(driver: &JitDriver<'_>, voices: &[Box<dyn Speaks>], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, voices]);
        sum += voices[i as usize % voices.len()].speak(i);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, voices]);
    }
    sum
}

#[jit]
fn through_pointer(driver: &JitDriver<'_>, functions: &[fn(i64) -> i64], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, functions]);
        let function = functions[i as usize % functions.len()];
        sum += function(i);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, functions]);
    }
    sum
}

fn twice(n: i64) -> i64 {
    effect(n);
    n * 2
}

fn less(n: i64) -> i64 {
    n - 1
}

#[test]
fn b111_calls_of_unknown_objects_are_residual() {
    let program = |d: &JitDriver<'_>| {
        let voices: [Box<dyn Speaks>; 3] = [Box::new(Loud(5)), Box::new(Quiet), Box::new(Loud(1))];
        with_effects(|| choir(d, &voices, 100))
    };
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert!(run.stats.residual_calls >= 1, "{run}");
    }
    check(THRESHOLDS, program);
    let pointers = |d: &JitDriver<'_>| with_effects(|| through_pointer(d, &[twice, less], 100));
    for run in check(&[RPYTHON], pointers) {
        assert_eq!(run.stats.loops, 1, "{run}");
        assert!(run.stats.residual_calls >= 1, "{run}");
    }
    check(THRESHOLDS, pointers);
}

laps! {
    asked_twice(i, n, shape: Shape = Shape::Square(2), sum: i64 = 0) -> i64 {
        if shape.is_round() { sum += 1; }
        if let Shape::Square(a) = shape { sum += a; }
        match shape { Shape::Dot => sum += 5, Shape::Square(a) => sum += a + i, _ => sum += 9 }
    } => sum
}

#[test]
fn b112_b113_a_class_is_asked_for_once() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| asked_twice(d, 100)) {
        // One guard says what the red is, and what follows asks no more: beside it there is the end of
        // the loop, and the overflow checks.
        let trace = run.trace("loop");
        assert_eq!(run.count("guard_value"), 1, "{run}");
        assert_eq!(in_body(trace, "guard_true") + in_body(trace, "guard_false"), 1, "{run}");
        no_memory(&run);
    }
}

laps! {
    made_and_matched(i, n, sum: i64 = 0) -> i64 {
        let shape = if i & 1024 == 0 { Shape::Box(i, 2) } else { Shape::Dot };
        sum = (sum + shape.area()) & 0xffff;
        if let Shape::Box(_, b) = shape { sum += b; }
    } => sum
}

#[test]
fn b113_no_guard_follows_what_the_program_has_made() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| made_and_matched(d, 100)) {
        no_memory(&run);
        // The branch on `i`, the end, and overflow checks; none for the class.
        let trace = run.trace("loop");
        let conditions = in_body(trace, "guard_true") + in_body(trace, "guard_false");
        assert!(conditions <= 2, "{run}");
    }
    check(THRESHOLDS, |d| made_and_matched(d, 3000));
}

/// Takes what is known to be in a list: shapes with two sides, by reference and by value, and something.
#[jit]
#[expect(unsafe_code, reason = "promises are")]
fn promised(driver: &JitDriver<'_>, shapes: &[Shape], boxed: &[Option<Box<i64>>], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, shapes, boxed]);
        let at = i as usize % shapes.len();
        // What is loaded here need not be loaded again behind a promise.
        if let Shape::Box(a, _) = shapes[at] {
            sum = sum.wrapping_add(a);
        }
        let shape = &shapes[at];
        // SAFETY: all tests hand over boxes, and something.
        unsafe {
            record_exact_variant!(shape, Shape::Box(..));
            record_exact_variant!(boxed[at], Some(_));
        }
        if let Some(it) = &boxed[at] {
            sum = sum.wrapping_add(**it);
        }
        sum = sum.wrapping_add(match *shape {
            Shape::Box(a, b) => a ^ b,
            Shape::Dot => 7,
            Shape::Square(_) | Shape::Circle(_) => 8,
        });
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, shapes, boxed]);
    }
    sum
}

/// As above, with nothing in front of the promise that asks for the class.
#[jit]
#[expect(unsafe_code, reason = "promises are")]
fn only_promised(
    driver: &JitDriver<'_>,
    shapes: &[Shape],
    boxed: &[Option<Box<i64>>],
    n: i64,
) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, shapes, boxed]);
        let at = i as usize % shapes.len();
        // SAFETY: as above.
        unsafe {
            record_exact_variant!(shapes[at], Shape::Box(..));
            record_exact_variant!(&boxed[at], Some(_));
        }
        match (&boxed[at], shapes[at]) {
            (Some(it), Shape::Box(a, b)) => sum = sum.wrapping_add(**it + a * b),
            _ => sum = 0,
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, shapes, boxed]);
    }
    sum
}

#[test]
fn b114_a_promised_class_leaves_no_guard() {
    let shapes: Vec<_> = (0..7).map(|i| Shape::Box(i, i * i)).collect();
    let boxed: Vec<_> = (0..7).map(|i| Some(Box::new(i))).collect();
    for run in check_counts(RPYTHON, ONE_LOOP, |d| only_promised(d, &shapes, &boxed, 100)) {
        // Nothing is the value of a tag, or compared with it, and no box is compared with null.
        for name in ["guard_value", "int_eq", "int_ne", "u8"] {
            assert_eq!(in_body(run.trace("loop"), name), 0, "{name}: {run}");
        }
    }
    let loads = |run: &Run| in_body(run.trace("loop"), "getarrayitem");
    let runs = check_counts(RPYTHON, ONE_LOOP, |d| promised(d, &shapes, &boxed, 100));
    for run in &runs {
        assert_eq!(in_body(run.trace("loop"), "guard_value"), 1, "the first `if` asks: {run}");
        // The tag, both sides, and the box.
        assert_eq!(loads(run), 4, "{run}");
    }
    check(THRESHOLDS, |d| promised(d, &shapes, &boxed, 3000));
    check(THRESHOLDS, |d| only_promised(d, &shapes, &boxed, 3000));
}

/// A class of which nothing is known but what a call says.
#[derive(Debug, Clone, Copy)]
enum Unknown {
    #[expect(dead_code, reason = "it is promised that there is none")]
    Nothing(u16),
    Something(u16),
}

laps! {
    promised_red(i, n, shape: Shape = Shape::Square(2), other: Unknown = Unknown::Something(3), sum: i64 = 0) -> i64 {
        promise_both(shape, other);
        match shape { Shape::Dot => sum += 5, Shape::Square(a) => sum += a + i, _ => sum += 9 }
        match other { Unknown::Nothing(a) | Unknown::Something(a) if a == 1 => sum += 1, Unknown::Something(_) => sum += 2, Unknown::Nothing(_) => sum += 4 }
    } => sum
}

#[jit]
#[expect(unsafe_code, reason = "promises are")]
fn promise_both(shape: Shape, other: Unknown) {
    // SAFETY: they never change.
    unsafe {
        record_exact_variant!(shape, Shape::Square(_));
        record_exact_variant!(other, Unknown::Something { .. });
    }
}

#[test]
fn b114_a_promised_class_of_a_red() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| promised_red(d, 100)) {
        assert_eq!(run.count("guard_value"), 0, "{run}");
    }
    check(THRESHOLDS, |d| promised_red(d, 3000));
}

laps! {
    same_pointers(i, n, a: Rc<i64> = Rc::new(3), b: Rc<i64> = Rc::new(3), sum: i64 = 0) -> i64 {
        if Rc::ptr_eq(&a, &b) { sum += 1; }
        if Rc::ptr_eq(&b, &a) { sum += 10; }
        if Rc::ptr_eq(&a, &a) { sum += 100; }
        if i == 60 { b = a.clone(); }
    } => sum
}

#[test]
fn b115_pointers_compare_both_ways() {
    let runs = check(&[RPYTHON], |d| same_pointers(d, 120));
    for run in runs {
        // One for different pointers, and one for equal ones.
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
        // The same two pointers are compared once in a lap, whichever stands first.
        assert!(in_body(run.trace("loop 0"), "ptr_eq") <= 1, "{run}");
    }
    check(THRESHOLDS, |d| same_pointers(d, 120));
}

#[derive(Debug, Clone, PartialEq)]
struct Settings {
    level: i64,
    name: Option<i64>,
    list: Vec<i64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { level: 4, name: None, list: Vec::new() }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        effect(self.level + self.list.len() as i64);
    }
}

laps! {
    defaults(i, n, kept: Settings = Settings::default(), sum: i64 = 0) -> i64 {
        let mut fresh = Settings::default();
        fresh.level += i;
        fresh.list.push(i);
        sum += fresh.level + fresh.name.unwrap_or(1) + kept.level;
        if i % 3 == 0 { kept = fresh; }
    } => sum
}

#[test]
fn b116_defaults_and_destructors() {
    for run in check(THRESHOLDS, |d| with_effects(|| defaults(d, 60))) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
    }
}

laps! {
    weakly(i, n, strong: Option<Rc<i64>> = None, weak: Weak<i64> = Weak::new(), sum: i64 = 0) -> i64 {
        if i % 5 == 0 {
            let fresh = Rc::new(i);
            weak = Rc::downgrade(&fresh);
            strong = if i % 10 == 0 { Some(fresh) } else { None };
        }
        match weak.upgrade() { Some(x) => sum += *x, None => sum += 1 }
    } => sum + strong.as_ref().map_or(0, |x| **x)
}

#[test]
fn b118_weak_references_see_drops() {
    for run in check(THRESHOLDS, |d| weakly(d, 100)) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
        assert!(run.stats.residual_calls > 0 || run.params.is_empty(), "{run}");
    }
}

// H. Virtual objects

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
struct Pair {
    a: Point,
    b: Point,
    weight: f64,
}

#[jit]
impl Point {
    fn new(x: i64, y: i64) -> Point {
        Point { x, y }
    }

    fn plus(self, other: Point) -> Point {
        Point { x: self.x.wrapping_add(other.x), y: self.y.wrapping_add(other.y) }
    }
}

#[dont_look_inside]
fn see(point: &Point) -> i64 {
    effect(point.x * 1000 + point.y);
    point.x ^ point.y
}

laps! {
    replaced(i, n, p: Point = Point { x: 0, y: 1 }) -> (i64, i64) {
        p = Point::new(p.y, p.x).plus(Point::new(i, 1));
    } => (p.x, p.y)
}

#[test]
fn b119_a_value_that_is_replaced_in_each_lap_is_never_in_memory() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| replaced(d, 200)) {
        no_memory(&run);
    }
    check(THRESHOLDS, |d| replaced(d, 3000));
}

laps! {
    nested(i, n, pair: Pair = Pair { a: Point { x: 1, y: 2 }, b: Point { x: 3, y: 4 }, weight: 1.5 }) -> i64 {
        let moved = Pair { a: pair.b, b: pair.a.plus(pair.b), weight: pair.weight + 0.5 };
        // One value twice, and two that are equal.
        let twice = Pair { a: moved.a, b: moved.a, weight: 2.0 };
        let (left, right) = (Point::new(i, i), Point::new(i, i));
        pair = Pair { a: moved.a, b: moved.b.plus(twice.b).plus(left).plus(right), weight: moved.weight };
    } => pair.a.x ^ pair.b.y ^ pair.weight as i64
}

#[test]
fn b120_values_in_values_floats_and_one_value_twice() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| nested(d, 200)) {
        no_memory(&run);
    }
    check(THRESHOLDS, |d| nested(d, 3000));
}

laps! {
    escaping(i, n, p: Point = Point { x: 0, y: 0 }, sum: i64 = 0) -> i64 {
        p = p.plus(Point::new(1, i));
        let q = p.plus(p);
        if i % 4 == 0 { sum += see(&q); }
    } => sum
}

#[test]
fn b121_what_escapes_is_in_memory_for_the_call_and_nowhere_else() {
    for run in check(&[RPYTHON], |d| with_effects(|| escaping(d, 200))) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        // The lap that calls nothing touches no memory.
        let quiet = run.compiled.iter().filter(|trace| !trace.optimized.contains("descr=call("));
        let quiet: Vec<_> = quiet.collect();
        assert!(!quiet.is_empty(), "{run}");
        for trace in quiet {
            assert!(!trace.optimized.contains("setfield("), "{run}");
        }
    }
    check(THRESHOLDS, |d| with_effects(|| escaping(d, 200)));
}

laps! {
    rebuilt(i, n, p: Pair = Pair { a: Point { x: 1, y: 2 }, b: Point { x: 3, y: 4 }, weight: 0.0 }, sum: i64 = 0) -> i64 {
        let q = Pair { a: p.b, b: p.a.plus(Point::new(i, 3)), weight: p.weight + 1.0 };
        if i % 7 == 3 { sum += see(&q.a); }
        if i % 11 == 5 { sum ^= q.b.x; }
        p = q;
    } => sum ^ p.a.x ^ p.b.y ^ p.weight as i64
}

#[test]
fn b122_values_are_put_together_again_when_a_guard_fails() {
    for params in ["threshold=2,trace_eagerness=1", "threshold=2,trace_eagerness=100000"] {
        for run in check(&[params], |d| with_effects(|| rebuilt(d, 300))) {
            assert!(run.stats.rewinds + run.stats.replays > 0, "{run}");
            assert_eq!(run.stats.bridges > 0, params.ends_with("=1"), "{run}");
        }
    }
    check(THRESHOLDS, |d| with_effects(|| rebuilt(d, 3000)));
}

laps! {
    first_in_memory(i, n, p: Option<Point> = None, sum: i64 = 0) -> i64 {
        let q = match p { Some(p) => p, None => Point::new(100, 7) };
        sum += q.x;
        p = Some(Point::new(q.y, i));
    } => sum
}

#[test]
fn b123_another_first_lap_delays_nothing() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| first_in_memory(d, 200)) {
        no_memory(&run);
    }
    check(THRESHOLDS, |d| first_in_memory(d, 200));
}

laps! {
    dual(i, n, left: Option<Point> = None, right: Option<Point> = Some(Point { x: 1, y: 1 }), sum: i64 = 0) -> i64 {
        if i & 8 == 0 {
            left = Some(Point::new(i, sum & 0xff));
            if let Some(p) = right { sum += p.x; }
            right = None;
        } else {
            right = Some(Point::new(sum & 0xf, i));
            if let Some(p) = left { sum += p.y; }
            left = if i & 1 == 0 { None } else { left };
        }
    } => sum
}

#[test]
fn b124_a_bridge_changes_which_value_is_there() {
    for run in check(&[RPYTHON], |d| dual(d, 400)) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (2, 0), "{run}");
        no_memory(&run);
    }
    check(THRESHOLDS, |d| dual(d, 3000));
}

laps! {
    new_in_bridge(i, n, p: Point = Point { x: 0, y: 0 }, extra: Option<Pair> = None, sum: i64 = 0) -> i64 {
        if i % 5 == 0 {
            extra = Some(Pair { a: p, b: Point::new(i, i), weight: 0.25 });
        } else {
            p = p.plus(Point::new(1, 2));
        }
        if let Some(pair) = extra { sum = (sum + pair.a.x + pair.b.y) & 0xffff; }
        if i % 3 == 0 { extra = None; }
    } => sum
}

#[test]
fn b125_a_value_that_is_new_in_a_bridge() {
    for run in check(&[RPYTHON], |d| new_in_bridge(d, 400)) {
        assert!(run.stats.bridges > 0 && run.stats.aborted() == 0, "{run}");
        no_memory(&run);
    }
    check(THRESHOLDS, |d| new_in_bridge(d, 3000));
}

laps! {
    escapes_in_bridge(i, n, shape: Shape = Shape::Dot, p: Point = Point { x: 1, y: 1 }, sum: i64 = 0) -> i64 {
        p = p.plus(Point::new(i & 3, 1));
        if i % 6 == 0 {
            sum += see(&p);
            shape = Shape::Circle(sum as f64);
        } else if i % 6 == 3 {
            shape = Shape::Dot;
        } else {
            shape = Shape::Square(i & 7);
        }
        sum = (sum + shape.area()) & 0xffff;
    } => sum
}

#[test]
fn b126_a_bridge_lets_a_value_escape_and_assigns_another_class() {
    for run in check(&[RPYTHON], |d| with_effects(|| escapes_in_bridge(d, 400))) {
        assert!(run.stats.bridges > 0 && run.stats.aborted() == 0, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| escapes_in_bridge(d, 3000)));
}

laps! {
    constant_fields(i, n, sum: i64 = 0, last: Pair = Pair { a: Point { x: 0, y: 0 }, b: Point { x: 0, y: 0 }, weight: 0.0 }) -> i64 {
        let step = Pair { a: Point::new(3, 4), b: Point::new(3, i), weight: 2.0 };
        sum += step.a.x * step.a.y * step.b.x;
        if i % 9 == 8 { last = step; }
        sum = (sum ^ last.b.y) & 0xffff;
    } => sum
}

#[test]
fn b127_constant_fields_fold() {
    for run in check(&[RPYTHON], |d| constant_fields(d, 300)) {
        no_memory(&run);
        // 3 * 4 * 3
        assert_eq!(run.count("int_mul") + run.count("int_mul_ovf"), 0, "{run}");
        assert!(run.trace("loop").optimized.contains(", 36)"), "{run}");
    }
    check(THRESHOLDS, |d| constant_fields(d, 3000));
}

laps! {
    two_ways_on(i, n, p: Point = Point { x: 0, y: 0 }, sum: i64 = 0) -> i64 {
        if i % 10 == 0 { p = Point::new(7, 7); } else { p = p.plus(Point::new(1, 0)); }
        sum += p.x & 3;
    } => sum
}

#[test]
fn b128_a_bridge_goes_back_into_the_loop_with_its_values_in_registers() {
    for run in check_counts(RPYTHON, with_bridges(1), |d| two_ways_on(d, 400)) {
        no_memory(&run);
        assert_eq!(run.count("jump"), 2, "{run}");
    }
}

laps! {
    conflated(i, n, a: Point = Point { x: 1, y: 2 }, b: Point = Point { x: 1, y: 2 }, sum: i64 = 0) -> i64 {
        if i % 4 == 0 { b = a; } else { b = Point::new(b.y, i); }
        a = if i % 3 == 0 { b } else { Point::new(a.x + 1, b.x) };
        sum = (sum + a.x * 3 + b.y) & 0xffff;
    } => sum
}

#[test]
fn b129_one_value_in_two_places_and_then_not() {
    for run in check(&[RPYTHON], |d| conflated(d, 400)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        no_memory(&run);
    }
    check(THRESHOLDS, |d| conflated(d, 3000));
}

laps! {
    small_arrays(i, n, window: [i64; 4] = [0; 4], sum: i64 = 0) -> i64 {
        window = [window[1], window[2], window[3], i];
        let other = if i % 8 == 0 { [0, 0, 1, 1] } else { window };
        sum = (sum + other[0] * 2 + other[3]) & 0xffff;
    } => sum
}

laps! {
    arrays_of_structs(i, n, points: [Point; 2] = [Point { x: 0, y: 1 }; 2], sum: i64 = 0) -> i64 {
        points = [points[1], points[0].plus(Point::new(i, 1))];
        sum = (sum + points[0].y * 3 + points[1].x) & 0xffff;
    } => sum
}

#[test]
fn b130_arrays_of_constant_size() {
    for run in check(&[RPYTHON], |d| small_arrays(d, 400)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        no_memory(&run);
    }
    for run in check_counts(RPYTHON, ONE_LOOP, |d| arrays_of_structs(d, 400)) {
        no_memory(&run);
    }
    check(THRESHOLDS, |d| (small_arrays(d, 3000), ()));
    check(THRESHOLDS, |d| arrays_of_structs(d, 3000));
}

laps! {
    copied_arrays(i, n, a: [i64; 3] = [1, 2, 3], sum: i64 = 0) -> i64 {
        let mut b = a;
        b[1] = i;
        let [first, .., last] = b;
        let c = [last, first, b[1]];
        a = c;
        sum = (sum + a[0] + a[1] * 2) & 0xffff;
    } => sum
}

#[test]
fn b133_copies_of_arrays_disappear() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| copied_arrays(d, 400)) {
        no_memory(&run);
    }
    check(THRESHOLDS, |d| copied_arrays(d, 3000));
}

laps! {
    invariant_item(i, n, table: [i64; 4] = [5, 6, 7, 8], at: usize = 2, sum: i64 = 0) -> i64 {
        sum = (sum + table[at] * table[at]) & 0xffff;
    } => sum
}

#[test]
fn b136_an_item_that_never_changes_leaves_the_loop() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| invariant_item(d, 400)) {
        no_memory_in_loop(&run);
        assert_eq!(in_body(run.trace("loop"), "int_mul"), 0, "{run}");
    }
}

laps! {
    effects_around(i, n, p: Point = Point { x: 0, y: 0 }, sum: i64 = 0) -> i64 {
        let q = Point::new(i, p.x & 7);
        if i % 3 == 0 { effect(1); }
        sum += see(&q);
        if q.y == 3 { effect(2); sum += see(&p); }
        p = q;
        if sum & 1 == 0 { effect(3); }
    } => sum
}

#[test]
fn b137_effects_keep_their_order_around_values_that_escape() {
    for run in check(THRESHOLDS, |d| with_effects(|| effects_around(d, 200))) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
    }
}

#[dont_look_inside]
fn see_all(pair: &(Point, Option<i64>, [i64; 3])) -> i64 {
    let (point, option, array) = pair;
    effect(point.x + option.unwrap_or(-1) + array.iter().sum::<i64>());
    array[2]
}

laps! {
    zeros(i, n, sum: i64 = 0) -> i64 {
        let value = (Point::new(0, 0), None, [0, 0, i & 1]);
        sum += see_all(&value) + 1;
    } => sum
}

#[test]
fn b138_zeros_are_written_where_a_value_escapes() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| with_effects(|| zeros(d, 100))) {
        assert!(run.stats.residual_calls >= 1, "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| zeros(d, 3000)));
}

laps! {
    promoted_field(i, n, p: Point = Point { x: 1, y: 3 }, sum: i64 = 0) -> i64 {
        let q = Point::new(p.x, i / 50);
        let k = promote(q.y);
        sum = (sum + k * k + promote(p.y)) & 0xffff;
        p = Point::new(sum, p.y);
    } => sum
}

#[test]
fn b139_a_promoted_part_of_a_value() {
    for run in check(&[RPYTHON], |d| promoted_field(d, 200)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        no_memory(&run);
    }
    check(THRESHOLDS, |d| promoted_field(d, 3000));
}

/// Stores a value into real memory, and leaves behind that.
#[jit]
fn pending(driver: &JitDriver<'_>, memory: &mut [Point], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, memory]);
        memory[1] = Point::new(i, sum & 7);
        memory[2].x = memory[1].y + 1;
        if i % 13 == 12 {
            sum += memory[1].x;
        }
        if memory[2].x == 5 {
            memory[0] = memory[1];
        }
        sum += 1;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, memory]);
    }
    sum
}

#[test]
fn b140_stores_that_are_put_off_are_made_when_a_guard_fails() {
    let program = |n: i64| {
        move |d: &JitDriver<'_>| {
            let mut memory = [Point { x: 0, y: 0 }; 3];
            (pending(d, &mut memory, n), memory)
        }
    };
    for params in ["threshold=2,trace_eagerness=1", "threshold=2,trace_eagerness=100000"] {
        for run in check(&[params], program(200)) {
            assert!(run.trace("loop").optimized.contains("stores(set"), "{run}");
            assert!(run.stats.guard_failures > 0, "{run}");
        }
    }
    check(THRESHOLDS, program(3000));
}

// I. Lists, dicts, strings

laps! {
    literal_lists(i, n, sum: i64 = 0) -> i64 {
        let list = [i, i + 1, 7];
        sum += list[0] - list[list.len() - 1];
        let at = (i - 1) as usize;
        if n - i < 10 && at >= usize::MAX - 2 { sum += list[at]; }
    } => sum
}

#[jit]
fn out_of_bounds(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum]);
        let list = [3i64, 1, 4, 1, 5];
        // The index is negative in the end: as `usize`, far too large.
        sum += list[((n - i) % 5) as usize];
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum]);
    }
}

#[test]
fn b141_literals_of_lists_and_their_bounds() {
    for run in check(&[RPYTHON], |d| literal_lists(d, 200)) {
        no_memory(&run);
    }
    for run in check(THRESHOLDS, |d| out_of_bounds(d, 2000)) {
        assert!(run.stats.loops > 0, "{run}");
    }
}

laps! {
    stack_of_calls(i, n, stack: Vec<i64> = Vec::with_capacity(4), sum: i64 = 0) -> i64 {
        stack.push(i);
        stack.push(i * 2);
        let top = stack.pop().unwrap();
        sum = (sum + top + stack.len() as i64) & 0xffff;
        if i % 16 == 0 { stack.truncate(2); }
    } => sum
}

#[test]
fn b142_a_list_grows_by_a_call_that_is_made_seldom() {
    for run in check(&["threshold=40,trace_eagerness=1000,decay=0"], |d| stack_of_calls(d, 400)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        // Where there is room, nothing is called.
        assert_eq!(in_body(run.trace("loop"), "call"), 0, "{run}");
    }
    check(THRESHOLDS, |d| stack_of_calls(d, 3000));
}

/// Two lists behind exclusive references.
#[jit]
fn two_lists(driver: &JitDriver<'_>, a: &mut [i64], b: &mut [i64], n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, a, b]);
        let x = a[0];
        b[1] = i;
        // Still what it was: the other list was written to.
        sum = (sum + x + a[0] + b[1]) & 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, a, b]);
    }
    sum
}

#[test]
fn b143_a_store_into_one_list_forgets_nothing_of_another() {
    let program = |d: &JitDriver<'_>| {
        let (mut a, mut b) = ([3, 0], [0, 5]);
        (two_lists(d, &mut a, &mut b, 300), a, b)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        // `a[0]` is read once in a lap, though `b` was written to in between, and `b[1]` not at all.
        let trace = run.trace("loop");
        assert!(in_body(trace, "getarrayitem") + in_body(trace, "getfield") <= 1, "{run}");
    }
}

#[dont_look_inside]
fn count_in(map: &mut BTreeMap<i64, i64>, key: i64) {
    *map.entry(key).or_insert(0) += 1;
}

#[dont_look_inside]
fn join(text: &str, i: i64) -> String {
    format!("{text}{i}")
}

#[dont_look_inside]
fn head(text: &str) -> String {
    text[..2].to_string()
}

laps! {
    maps(i, n, map: HashMap<i64, i64> = HashMap::new(), ordered: BTreeMap<i64, i64> = BTreeMap::new(), sum: i64 = 0) -> i64 {
        map.insert(i % 7, i);
        count_in(&mut ordered, i % 5);
        sum += match map.get(&3) { Some(x) => *x, None => -1 };
        if map.contains_key(&(i % 9)) { sum += 1; }
        if i % 20 == 0 { map.remove(&3); }
    } => sum + ordered.values().copied().fold(0, |a, b| a * 10 + b)
}

#[test]
fn b144_b145_maps_are_asked_each_time() {
    // A map is std's own code: each operation is one call, none is left out, and order is kept.
    for run in check(THRESHOLDS, |d| maps(d, 200)) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
        assert!(run.stats.residual_calls >= 4 || run.params.is_empty(), "{run}");
    }
}

laps! {
    strings(i, n, text: String = String::from("a"), sum: i64 = 0) -> (i64, usize) {
        text.push('b');
        if text.as_str() == "ab" { sum += 1; }
        let joined = join(&text, i);
        sum += joined.len() as i64;
        if joined.starts_with("abb") { sum += 100; }
        if i % 12 == 0 { text = head(&joined); }
        if let Some('b') = text.chars().nth(1) { sum += 1000; }
    } => (sum, text.len())
}

#[test]
fn b147_b149_b151_strings_are_built_by_calls() {
    for run in check(THRESHOLDS, |d| strings(d, 200)) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
    }
}

laps! {
    bytes(i, n, buffer: Vec<u8> = vec![0; 8], sum: i64 = 0) -> i64 {
        let at = (i & 7) as usize;
        buffer[at] = buffer[at].wrapping_add(i as u8);
        if buffer[(at + 3) & 7] > 100 { buffer.swap(at, (at + 1) & 7); }
        sum += buffer[0] as i64 + u16::from_le_bytes([buffer[1], buffer[2]]) as i64;
    } => sum
}

#[test]
fn b152_byte_arrays() {
    for run in check(THRESHOLDS, |d| bytes(d, 400)) {
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

/// Texts as values: an address and a length.
#[jit]
fn texts<'a>(driver: &JitDriver<'_>, a: &'a str, b: &'a str, n: i64) -> i64 {
    let mut a = a;
    let mut b = b;
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, a, b]);
        sum = (sum * 3 + a.len() as i64 + hash(b)) & 0xffff;
        if i & 15 == 15 {
            let t = a;
            a = b;
            b = t;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, a, b]);
    }
    sum
}

#[elidable]
fn hash(text: &str) -> i64 {
    effect(text.len() as i64);
    text.bytes().fold(7, |hash, byte| (hash * 31 + i64::from(byte)) & 0xffff)
}

#[test]
fn b148_texts_that_stay_the_same_and_change_places() {
    let program = |d: &JitDriver<'_>| texts(d, "abc", "defgh", 400);
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        // The text is a value: nothing is loaded to get at it, and its hash is asked for once.
        assert!(in_body(run.trace("loop"), "call_pure") <= 1, "{run}");
        assert_eq!(run.count("getfield"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

/// Compares each of some texts with one that is green.
#[jit]
fn is_key<'p>(driver: &JitDriver<'p>, key: &'p str, texts: &[String], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [key], reds = [i, n, sum, texts]);
        let text = &texts[i as usize % texts.len()];
        sum = (sum * 3 + if text == key { 1 } else { 0 }) & 0xffff;
        if key != text {
            sum += 7;
        }
        i += 1;
        can_enter_jit!(driver, greens = [key], reds = [i, n, sum, texts]);
    }
    sum
}

const LETTERS: &str =
    "The quick brown fox jumps over the lazy dog; Sphinx of black quartz, judge my vow.";

#[test]
fn b146_a_text_is_compared_with_a_known_one_word_by_word() {
    for len in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 63, 64, 65] {
        let key = &LETTERS[..len];
        let texts = [key.to_owned()];
        for run in check(&[RPYTHON], |d| is_key(d, key, &texts, 100)) {
            assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
            // What it is compared with is part of the code; what is longer is compared by calls.
            assert_eq!(run.count("call"), if len > 64 { 2 } else { 0 }, "{len}: {run}");
            let words = run.trace("loop").optimized.matches("_eq(").count();
            assert!(words <= 3 + len / 8, "{len}: {run}");
            assert_eq!(run.count("guard_no_exception"), 0, "{len}: {run}");
        }
        // One that differs in one place, wherever that is, is another one; so is a shorter or longer one.
        let mut texts: Vec<String> = (0..len)
            .map(|at| {
                let mut text = key.to_owned();
                text.replace_range(at..=at, "#");
                text
            })
            .collect();
        texts.extend([
            key.to_owned(),
            LETTERS[..len + 1].to_owned(),
            LETTERS[..len / 2].to_owned(),
        ]);
        let n = 4 * texts.len() as i64;
        check(&["threshold=1,trace_eagerness=2", RPYTHON], |d| is_key(d, key, &texts, n));
    }
}

/// Looks for a text among names of the green program.
#[jit]
fn is_name<'p>(driver: &JitDriver<'p>, names: &'p [String], texts: &[String], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [names], reds = [i, n, sum, texts]);
        let text = &texts[i as usize / 50 % texts.len()];
        let name = &names[i as usize % names.len()];
        if name == text {
            sum += 1;
        }
        if &names[0] == text {
            sum += 2;
        }
        if name == &names[1] {
            sum += 4;
        }
        i += 1;
        can_enter_jit!(driver, greens = [names], reds = [i, n, sum, texts]);
    }
    sum
}

#[test]
fn b146_a_text_is_compared_with_one_of_many_known_ones() {
    let long = LETTERS.to_owned();
    let names: Vec<String> = (0..24).map(|len| LETTERS[..len].into()).chain([long]).collect();
    let texts = [&names[3], &names[23], &names[24], &names[0]].map(|name| name.clone());
    for params in ["threshold=1,trace_eagerness=2,max_promoted_values=2", RPYTHON, ""] {
        check(&[params], |d| is_name(d, &names, &texts, 2000));
    }
}

laps! {
    known_texts(i, n, sum: i64 = 0) -> i64 {
        if "ab" == "ab" { sum += 1; }
        if "ab" != GREETING { sum += 2; }
        if GREETING == "hello" { sum += 4; }
        if b"ab" == b"ac" { sum += 8; }
        if GREETING.as_bytes()[1] == b'e' && GREETING.len() == 5 { sum += 16; }
        match GREETING { "hello" => sum += 32, _ => sum += 64 }
    } => sum
}

const GREETING: &str = "hello";

#[test]
fn b146_the_equality_of_known_texts_is_known() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| known_texts(d, 100)) {
        no_memory(&run);
        // Nothing but the end of the loop and the overflow of the sum is asked.
        let asked =
            in_body(run.trace("loop"), "guard_true") + in_body(run.trace("loop"), "guard_false");
        assert_eq!(asked, 1, "{run}");
    }
}

struct Names {
    hits: i64,
    name: String,
}

#[jit]
fn same_name(driver: &JitDriver<'_>, names: &mut Names, other: &str, n: i64) -> i64 {
    let mut i = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, names, other]);
        names.hits += 1;
        if names.name == other {
            names.hits += 2;
        }
        if names.name == names.name {
            names.hits += 4;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, names, other]);
    }
    names.hits
}

#[test]
fn b146_two_unknown_texts_are_compared_by_one_call_that_only_reads() {
    let names = |name: &str| Names { hits: 0, name: name.into() };
    let lives = String::from("here and there");
    for run in
        check_counts(RPYTHON, ONE_LOOP, |d| same_name(d, &mut names("here and there"), &lives, 100))
    {
        let body = run.trace("loop");
        assert_eq!(in_body(body, "call"), 1, "{run}");
        assert!(body.optimized.contains("reads_only"), "{run}");
        // What the interpreter knows of its own state it still knows behind the call.
        assert_eq!(in_body(body, "getfield") + in_body(body, "setfield"), 0, "{run}");
        assert_eq!(run.count("guard_no_exception"), 0, "{run}");
    }
    // Another length is enough.
    for run in check_counts(RPYTHON, ONE_LOOP, |d| same_name(d, &mut names("nowhere"), &lives, 100))
    {
        assert_eq!(run.count("call"), 0, "{run}");
    }
    for name in ["here and there", "here and thera", "", "nowhere"] {
        check(THRESHOLDS, |d| same_name(d, &mut names(name), &lives, 100));
    }
}

/// Texts and bytes that come in all kinds of wrappings.
#[jit]
fn wrapped(driver: &JitDriver<'_>, texts: &[Rc<str>], n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, texts]);
        let (a, b) = (&texts[i as usize % texts.len()], &texts[i as usize / 2 % texts.len()]);
        if a == b {
            sum += 1;
        }
        if &**a == "spam" {
            sum += 2;
        }
        if a.as_bytes() == b"eggs" {
            sum += 4;
        }
        if b.as_bytes() != [b's', b'p'] {
            sum += 8;
        }
        if *a != *b {
            sum += 16;
        }
        if &texts[0] == a {
            sum += 32;
        }
        sum &= 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, texts]);
    }
    sum
}

laps! {
    owned_texts(i, n, a: String = String::from("ab"), b: Vec<u8> = vec![1, 2], c: Vec<u16> = vec![1, 2, 3], sum: i64 = 0) -> (i64, String) {
        if a == "ab" { sum += 1; }
        if "abab" == a { sum += 2; }
        if b == [1, 2] { sum += 4; }
        if &b[..1] == [1] { sum += 8; }
        if c == [1, 2, 3] { sum += 16; }
        if c[1..] == c[..2] { sum += 32; }
        if i % 5 == 0 { a.push_str("ab"); b[1] = b[1].wrapping_add(1); c[0] ^= 2; }
        if i % 15 == 0 { a.clear(); a.push_str("ab"); }
        if a.is_empty() || a.len() == 4 { sum += 64; }
    } => (sum, a)
}

#[test]
fn b146_texts_and_numbers_in_all_that_holds_them() {
    let texts: [Rc<str>; 5] = ["spam", "eggs", "sp", "spam", ""].map(Rc::from);
    for run in check(THRESHOLDS, |d| wrapped(d, &texts, 200)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
    }
    check(THRESHOLDS, |d| owned_texts(d, 200));
}

/// Counts letters by kind.
#[jit]
fn letters(driver: &JitDriver<'_>, text: &str, letter: char, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, text, letter]);
        let byte = text.as_bytes()[i as usize % text.len()];
        if byte < b'x' {
            sum += 1;
        }
        if byte == b'a' || byte >= text.as_bytes()[0] {
            sum += 2;
        }
        if letter == 'a' || letter < 'c' {
            sum += 4;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, text, letter]);
    }
    sum
}

#[test]
fn b146_bytes_and_chars_are_compared_as_numbers() {
    for letter in ['a', 'b', 'z'] {
        for run in check(THRESHOLDS, |d| letters(d, "taxonomy", letter, 200)) {
            assert_eq!(run.count("call"), 0, "{run}");
            assert_eq!(run.stats.aborted(), 0, "{run}");
        }
    }
    for run in check(&[RPYTHON], |d| letters(d, "aaaa", 'z', 100)) {
        let trace = &run.trace("loop").optimized;
        assert!(trace.contains("uint_lt(") && trace.contains(", 97)"), "{run}");
    }
}

/// A match on a text that is another one when a guard fails.
#[jit]
fn matches(driver: &JitDriver<'_>, text: &mut String, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, text]);
        match text.as_str() {
            "hello" => sum += 1,
            "world" | "w" if i % 3 == 0 => sum += 100,
            other => sum += other.len() as i64,
        }
        toggle(text);
        if i % 7 == 3 {
            sum += 3;
        }
        match text.as_str() {
            GREETING => sum += 5,
            _ => sum += 7,
        }
        if let Some("world") = Some(text.as_str()) {
            sum += 11;
        }
        toggle(text);
        if i % 11 == 3 {
            sum += 13;
        }
        if i % 5 == 3 {
            toggle(text)
        }
        sum &= 0xffff;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, text]);
    }
    sum
}

#[dont_look_inside]
fn toggle(text: &mut String) {
    let other = if text == "hello" { "world" } else { "hello" };
    text.clear();
    text.push_str(other);
}

#[test]
fn b146_a_match_on_a_text_goes_the_same_way_again_when_the_text_has_changed() {
    for run in check(THRESHOLDS, |d| matches(d, &mut "hello".to_string(), 300)) {
        assert!(!run.compiled.iter().any(|trace| trace.optimized.contains("pattern")), "{run}");
    }
}

#[derive(PartialEq, Eq)]
struct Spot {
    x: i64,
    y: i64,
}

const ORIGIN: &Spot = &Spot { x: 0, y: 0 };

#[dont_look_inside]
fn move_on(spot: &mut Spot) {
    spot.x ^= 1;
}

#[jit]
fn spots(driver: &JitDriver<'_>, spot: &mut Spot, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, spot]);
        let here = &*spot;
        match here {
            ORIGIN => sum += 1,
            _ => sum += 100,
        }
        move_on(spot);
        if i % 7 == 3 {
            sum += 3;
        }
        if i % 5 == 3 {
            move_on(spot);
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, spot]);
    }
    sum
}

#[test]
fn b146_a_match_on_what_is_behind_a_reference_too() {
    check(THRESHOLDS, |d| spots(d, &mut Spot { x: 0, y: 0 }, 300));
}

#[dont_look_inside]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[dont_look_inside]
fn is_before(a: &std::time::Instant, b: &std::time::Instant) -> bool {
    a < b
}

laps! {
    clock(i, n, last: std::time::Instant = std::time::Instant::now(), backwards: i64 = 0) -> i64 {
        let time = now();
        if is_before(&time, &last) { backwards += 1; }
        last = time;
    } => backwards
}

#[test]
fn b167_a_clock_is_read_each_time_and_goes_on() {
    for run in check(THRESHOLDS, |d| clock(d, 2000)) {
        assert!(run.stats.residual_calls >= 1, "{run}");
    }
}
