//! Behaviours of groups L and N: what is known of memory, and frames that live in registers.
//!
//! RPython declares a frame as virtualizable, and forces it when something outside looks at it. Here no
//! declaration is needed: the optimizer keeps any place in registers over the loop, and writes it back
//! before a call that may look, and at exits. So the tests of virtualizables are about frames behind
//! `&mut`, and "forced" is "is in memory when somebody looks".

#![allow(clippy::assign_op_pattern, reason = "assignments are what is traced")]

use jit_tests::laps;
use jit_tests::oracle::{
    Counts, RPYTHON, Run, THRESHOLDS, check, check_counts, effect, in_body, outcome, with_effects,
};
use jitdriver::{
    JitDriver, Traceable, can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, promote,
};

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

fn loads(run: &Run) -> usize {
    run.count("getfield") + run.count("getarrayitem")
}

#[track_caller]
fn no_memory_in_loop(run: &Run) {
    for prefix in ["getfield", "setfield", "getarrayitem", "setarrayitem"] {
        assert_eq!(in_body(run.trace("loop"), prefix), 0, "{prefix}: {run}");
    }
}

// L. Heap optimizations

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
struct Cell2 {
    x: i64,
    y: i64,
}

#[elidable]
fn mix(a: i64, b: i64) -> i64 {
    a.wrapping_mul(31) ^ b
}

#[jit]
fn reads_around_elidable(driver: &JitDriver<'_>, cell: &mut Cell2, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, cell]);
        let before = cell.x;
        sum ^= mix(i, before);
        sum ^= cell.x.wrapping_add(i);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, cell]);
    }
    sum
}

#[test]
fn b181_what_is_known_of_memory_survives_elidable_calls() {
    let program = |d: &JitDriver<'_>| reads_around_elidable(d, &mut Cell2 { x: 3, y: 0 }, 200);
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        assert_eq!(loads(&run), 1, "{run}");
        assert_eq!(in_body(run.trace("loop"), "call_pure"), 1, "{run}");
    }
    check(THRESHOLDS, program);
}

#[dont_look_inside]
fn look(n: i64) -> i64 {
    effect(n);
    n & 3
}

#[dont_look_inside]
fn change(cell: &mut Cell2, n: i64) {
    effect(cell.x);
    cell.y = n;
}

laps! {
    kept_over_calls(i, n, sum: i64 = 0) -> i64 {
        // Nobody else can reach `q`: a call changes nothing of it. `p` is given to one that does.
        let q = Cell2 { x: 6, y: 7 };
        let mut p = Cell2 { x: i, y: 1 };
        sum += look(i);
        change(&mut p, sum);
        sum = (sum + q.x * q.y + p.y + p.x) & 0xffff;
    } => sum
}

#[test]
fn b182_a_call_changes_what_it_can_reach() {
    for run in check(&[RPYTHON], |d| with_effects(|| kept_over_calls(d, 200))) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        // 6 * 7 is computed once and for all.
        assert_eq!(run.count("int_mul") + run.count("int_mul_ovf"), 0, "{run}");
        assert!(run.trace("loop").optimized.contains(", 42)"), "{run}");
    }
    check(THRESHOLDS, |d| with_effects(|| kept_over_calls(d, 3000)));
}

/// Asks for the length of a list several times in a lap.
#[jit]
fn lengths(driver: &JitDriver<'_>, list: &mut Vec<i64>, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, list]);
        if list.len() > 2 {
            sum += list[1] + list.len() as i64;
            list[0] = i;
            sum += list[0] + list.len() as i64;
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, list]);
    }
    sum
}

#[test]
fn b184_a_length_is_read_once() {
    let program = |d: &JitDriver<'_>| {
        let mut list = vec![1, 2, 3];
        (lengths(d, &mut list, 200), list)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        // Address, length, and the item; not for each use.
        assert!(loads(&run) <= 4, "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

#[jit]
fn fields_of_items(driver: &JitDriver<'_>, cells: &mut [Cell2], at: usize, n: i64) -> i64 {
    let mut i = 0;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, at, sum, cells]);
        sum = (sum + cells[at].x + cells[at].y + cells[at].x) & 0xffff;
        cells[at].y = sum;
        sum += cells[at].y - cells[at].x;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, at, sum, cells]);
    }
    sum
}

#[test]
fn b186_fields_of_items_are_read_once() {
    let program = |d: &JitDriver<'_>| {
        let mut cells = [Cell2 { x: 3, y: 4 }; 3];
        (fields_of_items(d, &mut cells, 1, 200), cells)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        let trace = run.trace("loop");
        assert!(in_body(trace, "getarrayitem") + in_body(trace, "getfield") <= 2, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b194_what_a_lap_stores_the_next_one_reads_from_a_register() {
    let program = |d: &JitDriver<'_>| {
        let mut frame = Frame::new();
        (run(d, &mut frame, 300), frame)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        no_memory_in_loop(&run);
        assert!(run.trace("loop").optimized.contains("stores("), "{run}");
    }
}

// N. Frames

#[derive(Debug, Clone, PartialEq)]
struct Frame {
    acc: i64,
    count: u32,
    stack: [i64; 8],
    depth: usize,
    done: bool,
}

impl Frame {
    fn new() -> Frame {
        Frame { acc: 1, count: 0, stack: [0; 8], depth: 2, done: false }
    }
}

/// Uses a frame as an interpreter does, and nothing looks at it.
#[jit]
fn run(driver: &JitDriver<'_>, frame: &mut Frame, n: i64) -> i64 {
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, frame]);
        frame.acc = frame.acc.wrapping_mul(3).wrapping_add(i);
        frame.count = frame.count.wrapping_add(1);
        frame.stack[2] = frame.acc & 7;
        frame.stack[3] = frame.stack[2] + frame.stack[3];
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, frame]);
    }
    frame.acc
}

#[test]
fn b212_b214_fields_and_items_of_a_frame_stay_in_registers() {
    let program = |n: i64| {
        move |d: &JitDriver<'_>| {
            let mut frame = Frame::new();
            (run(d, &mut frame, n), frame)
        }
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program(300)) {
        no_memory_in_loop(&run);
    }
    check(THRESHOLDS, program(3000));
}

/// Pushes and pops at a depth that is promoted, as a stack machine does.
#[jit]
fn stack_machine<'p>(driver: &JitDriver<'p>, code: &'p [u8], frame: &mut Frame, n: i64) -> i64 {
    let mut pc = 0usize;
    let mut left = n;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, frame]);
        let op = code[pc];
        pc += 1;
        let depth = promote(frame.depth);
        match op {
            b'p' => {
                frame.stack[depth] = left & 3;
                frame.depth = depth + 1;
            }
            b'+' => {
                frame.stack[depth - 2] =
                    frame.stack[depth - 2].wrapping_add(frame.stack[depth - 1]);
                frame.depth = depth - 1;
            }
            _ => {
                left -= 1;
                if left < 0 {
                    return frame.stack[depth - 1];
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [left, frame]);
            }
        }
    }
}

#[test]
fn b214_a_promoted_depth_makes_slots_of_a_stack_registers() {
    let program = |d: &JitDriver<'_>| {
        let mut frame = Frame::new();
        (stack_machine(d, b"pp++<", &mut frame, 300), frame)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        no_memory_in_loop(&run);
        assert_eq!(in_body(run.trace("loop"), "guard_value"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

/// How a frame is left.
#[jit]
fn leaving(driver: &JitDriver<'_>, frame: &mut Frame, n: i64, how: i64) -> i64 {
    let mut i = 0i64;
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, how, frame]);
        frame.acc = frame.acc.wrapping_add(i);
        frame.stack[1] = frame.acc ^ i;
        if i == n {
            if how == 0 {
                return frame.acc;
            }
            if how == 1 {
                frame.done = true;
                break;
            }
            frame.count = 7;
            frame.stack[how as usize * 4] = 1; // out of bounds for 2
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, how, frame]);
    }
    frame.stack[1]
}

#[test]
fn b213_a_frame_is_written_back_on_every_way_out() {
    let program = |d: &JitDriver<'_>| {
        let each = [0, 1, 2].map(|how| {
            let mut frame = Frame::new();
            let result = outcome(|| leaving(d, &mut frame, 200, how));
            (result, frame)
        });
        format!("{each:?}")
    };
    for run in check(&[RPYTHON], program) {
        no_memory_in_loop(&run);
    }
    check(THRESHOLDS, program);
}

#[dont_look_inside]
fn read_frame(frame: &Frame) -> i64 {
    effect(frame.acc);
    frame.acc ^ frame.stack[2]
}

#[dont_look_inside]
fn write_frame(frame: &mut Frame, n: i64) {
    effect(frame.acc ^ n);
    frame.acc += 1000;
    frame.stack[2] = n;
}

#[dont_look_inside]
fn read_or_panic(frame: &Frame, n: i64) -> i64 {
    effect(frame.acc);
    assert!(n < 150, "frame of {} with {}", frame.acc, frame.stack[2]);
    frame.count as i64
}

/// Something outside reads (or writes, or panics at) the frame each time, or each `every`-th time.
#[jit]
fn watched(driver: &JitDriver<'_>, frame: &mut Frame, n: i64, every: i64, how: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, every, how, sum, frame]);
        frame.acc = frame.acc.wrapping_add(i);
        frame.stack[2] = frame.acc & 0xff;
        frame.count += 1;
        if i % every == 0 {
            if how == 0 {
                sum ^= read_frame(frame);
            } else if how == 1 {
                write_frame(frame, i);
            } else {
                sum ^= read_or_panic(frame, i);
            }
        }
        sum = sum.wrapping_add(frame.acc ^ frame.stack[2]);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, every, how, sum, frame]);
    }
    sum
}

fn watch(every: i64, how: i64) -> impl Fn(&JitDriver<'_>) -> String {
    move |d| {
        let mut frame = Frame::new();
        let result = with_effects(|| outcome(|| watched(d, &mut frame, 200, every, how)));
        format!("{result:?} {frame:?}")
    }
}

#[test]
fn b215_a_call_that_looks_at_the_frame_in_each_lap_sees_it() {
    for how in 0..3 {
        for run in check(&[RPYTHON], watch(1, how)) {
            // No recording is given up for it, and the loop goes on.
            assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        }
        check(THRESHOLDS, watch(1, how));
    }
}

#[test]
fn b216_b217_b218_a_rare_look_at_the_frame_sees_it_and_may_write() {
    for how in 0..3 {
        for every in [7, 50] {
            for run in check(&[RPYTHON], watch(every, how)) {
                assert_eq!(run.stats.loops, 1, "{run}");
                // The lap without a look does not write to the frame; the bridge does before its call.
                no_memory_in_loop(&run);
                assert!(run.stats.bridges >= 1, "{run}");
            }
            for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"]
            {
                check(&[eagerness], watch(every, how));
            }
        }
    }
}

/// Two frames at a time: the second is reached through the first.
struct Parent {
    acc: i64,
    child: Frame,
    other: Box<Frame>,
}

#[jit]
fn two_frames(driver: &JitDriver<'_>, parent: &mut Parent, n: i64) -> i64 {
    let mut i = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, parent]);
        parent.acc += 1;
        parent.child.acc = parent.child.acc.wrapping_add(parent.acc);
        parent.other.acc ^= parent.child.acc;
        parent.other.stack[1] = parent.acc;
        parent.acc += parent.other.stack[1] & 1;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, parent]);
    }
    parent.other.acc
}

#[test]
fn b219_a_second_frame_behind_the_first() {
    let program = |d: &JitDriver<'_>| {
        let mut parent = Parent { acc: 0, child: Frame::new(), other: Box::new(Frame::new()) };
        let result = two_frames(d, &mut parent, 300);
        (result, parent.acc, parent.child, parent.other)
    };
    for run in check_counts(RPYTHON, ONE_LOOP, program) {
        // The child is a part of its parent; the other one is behind an address, which is read once
        // for each access that nothing is known to leave alone.
        assert!(run.trace("loop").optimized.contains("offset=16, class="), "{run}");
    }
    check(THRESHOLDS, program);
}

#[jit]
impl Frame {
    fn bump(&mut self, by: i64) -> Result<i64, i64> {
        self.acc = self.acc.wrapping_add(by);
        self.stack[4] = self.acc;
        if self.acc & 31 == 7 {
            return Err(self.acc);
        }
        Ok(self.stack[4] & 3)
    }

    fn twice(&mut self, by: i64) -> Result<i64, i64> {
        let first = self.bump(by)?;
        self.count += 1;
        Ok(first + self.bump(1)?)
    }
}

#[jit]
fn inlining(driver: &JitDriver<'_>, frame: &mut Frame, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, frame]);
        effect(i);
        match frame.twice(i) {
            Ok(x) => sum += x,
            Err(x) => sum ^= x,
        }
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, frame]);
    }
    sum
}

#[test]
fn b220_b222_a_guard_fails_in_a_function_that_works_on_the_frame() {
    let program = |d: &JitDriver<'_>| {
        let mut frame = Frame::new();
        (with_effects(|| inlining(d, &mut frame, 300)), frame)
    };
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        for run in check(&[eagerness], program) {
            // What has had effects already is not done again: the exits replay.
            assert!(run.stats.replays > 0, "{run}");
        }
    }
    check(THRESHOLDS, program);
}

laps! {
    references(i, n, sum: i64 = 0) -> i64 {
        let mut cell = Cell2 { x: i, y: 3 };
        let reference = &cell;
        sum = (sum + reference.x + reference.y) & 0xffff;
        let exclusive = &mut cell;
        exclusive.y += 1;
        sum += cell.y;
    } => sum
}

#[test]
fn b224_a_reference_that_does_not_escape_vanishes() {
    for run in check_counts(RPYTHON, ONE_LOOP, |d| references(d, 200)) {
        for name in ["getfield", "setfield", "call"] {
            assert_eq!(run.count(name), 0, "{name}: {run}");
        }
    }
    check(THRESHOLDS, |d| references(d, 3000));
}

laps! {
    lent(i, n, every: i64 = 1, sum: i64 = 0) -> i64 {
        let mut cell = Cell2 { x: i, y: sum & 7 };
        // Each time at first; then seldom.
        if i == 50 { every = 9; }
        if i % every == 0 { change(&mut cell, i & 3); }
        sum = (sum * 3 + cell.x + cell.y) & 0xffff;
    } => sum
}

#[test]
fn b225_b228_a_reference_escapes_always_and_sometimes() {
    for eagerness in ["threshold=2,trace_eagerness=100000", "threshold=2,trace_eagerness=1"] {
        for run in check(&[eagerness], |d| with_effects(|| lent(d, 300))) {
            assert!(run.stats.residual_calls >= 1, "{run}");
        }
    }
    check(THRESHOLDS, |d| with_effects(|| lent(d, 3000)));
}

/// Frames that lead to the one that called them, or to none.
struct Linked<'a> {
    back: Option<&'a Linked<'a>>,
    value: i64,
}

#[jit]
fn linked<'a>(driver: &JitDriver<'_>, top: &'a Linked<'a>, n: i64) -> i64 {
    let mut i = 0i64;
    let mut sum = 0i64;
    let mut at = top;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, at, top]);
        sum = (sum * 3 + at.value) & 0xffff;
        at = match at.back {
            Some(back) => back,
            None => top,
        };
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, at, top]);
    }
    sum
}

#[test]
fn b227_a_chain_of_frames_with_an_end() {
    let program = |d: &JitDriver<'_>| {
        let first = Linked { back: None, value: 1 };
        let second = Linked { back: Some(&first), value: 2 };
        let third = Linked { back: Some(&second), value: 4 };
        [linked(d, &first, 100), linked(d, &third, 300)]
    };
    for run in check(&[RPYTHON], program) {
        assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
    check(THRESHOLDS, program);
}

#[test]
fn b223_two_invocations_with_one_frame_and_with_two() {
    let program = |d: &JitDriver<'_>| {
        let (mut first, mut second) = (Frame::new(), Frame::new());
        let results = [
            run(d, &mut first, 100),
            run(d, &mut first, 3),
            run(d, &mut second, 50),
            run(d, &mut first, 100),
        ];
        (results, first, second)
    };
    for run in check_counts(RPYTHON, Counts { tracings: 2, bridges: 1, ..ONE_LOOP }, program) {
        no_memory_in_loop(&run);
    }
    check(THRESHOLDS, program);
}
