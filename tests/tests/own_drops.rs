//! `Drop`s of authors that are traced, and small `Vec`s that are made and dropped in traces: what is dropped, in which
//! order, and what is allocated, as in the plain function in all modes.
#![allow(
    clippy::drop_non_drop,
    clippy::same_item_push,
    clippy::useless_vec,
    clippy::vec_init_then_push,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::opcode;
use jit_tests::oracle::{self, THRESHOLDS, outcome};
use jitdriver::{
    JitDriver, Stats, can_enter_jit, dont_look_inside, jit, jit_merge_point, unroll_safe,
};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::rc::Rc;

thread_local! {
    static LOG: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
    static ALIVE: Cell<i64> = const { Cell::new(0) };
}

#[dont_look_inside]
fn tell(what: i64) {
    LOG.with_borrow_mut(|log| log.push(what));
}

/// Panics when it has been told so.
#[dont_look_inside]
fn risk(what: i64) {
    tell(what);
    assert!(what % 1000 != 666, "the risk of {what}");
}

/// Runs the program in all modes; the log is part of what is compared. Answers the statistics at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Stats> {
    let runs = oracle::check(THRESHOLDS, |driver| {
        LOG.take();
        ALIVE.set(0);
        let result = outcome(|| program(driver));
        (result, LOG.take(), ALIVE.get())
    });
    let of_two = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    of_two.map(|run| run.stats).collect()
}

/// As [`check`]; something was compiled, nothing given up, and there are so many residual calls in the traces.
#[track_caller]
fn check_calls<T: PartialEq + Debug>(
    residual_calls: u64,
    program: impl Fn(&JitDriver<'static>) -> T,
) {
    check(&program);
    for run in oracle::check(THRESHOLDS, program) {
        if !run.params.starts_with("threshold=2,") {
            continue;
        }
        let calls = run.compiled.iter().flat_map(|trace| trace.optimized.lines());
        let calls: Vec<_> = calls.filter(|line| line.contains("descr=call(")).collect();
        let stats = run.stats;
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!((stats.aborted(), stats.degraded_statements), (0, 0), "{stats}");
        assert_eq!(stats.residual_calls, residual_calls, "{calls:#?}");
    }
}

/// Something with a `Drop` that is called.
#[jit]
struct Called {
    id: i64,
}

impl Drop for Called {
    fn drop(&mut self) {
        risk(self.id);
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[dont_look_inside]
fn called(id: i64) -> Called {
    ALIVE.set(ALIVE.get() + 1);
    Called { id }
}

/// Counts what is dropped in a cell, and then its parts are.
#[jit]
struct Counted<'c> {
    by: i64,
    sum: &'c Cell<i64>,
}

#[jit]
impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if self.by % 3 == 0 {
            return;
        }
        self.sum.set(self.sum.get() + self.by);
    }
}

opcode! {
    counts(i; sum: &Cell<i64>, kept: Rc<Counted<'_>>) -> i64 {
        let counted = Counted { by: i, sum };
        let shared = Rc::new(Counted { by: i * 100, sum });
        let boxed = Box::new(Counted { by: 10_000, sum });
        drop(boxed);
        let _second = Rc::clone(&kept);
        if i % 2 == 0 {
            kept = shared;
        }
        let _moved = counted;
    } => kept.by
}

#[test]
fn a_traced_drop_runs_when_the_last_owner_goes() {
    check_calls(0, |d| {
        let sum = Cell::new(0);
        let kept = Rc::new(Counted { by: 1, sum: &sum });
        let last = counts(d, 70, &sum, kept);
        (last, sum.get())
    });
}

/// Its `Drop` takes one of its parts away and leaves the others.
#[jit]
struct Parted {
    id: i64,
    first: Option<Rc<Called>>,
    second: Called,
    third: Rc<Called>,
}

#[jit]
impl Drop for Parted {
    fn drop(&mut self) {
        tell(self.id + 1);
        if let Some(first) = self.first.take() {
            tell(self.id + Rc::strong_count(&first) as i64 * 100_000);
        }
        risk(self.id + 2);
    }
}

opcode! {
    parts(i; at: i64, which: i64, other: Rc<Called>) -> i64 {
        let id = |number: i64| if i == at && number == which { 666 } else { i * 1000 + number * 10 };
        let first = if i % 2 == 0 { Some(Rc::new(called(id(1)))) } else { Some(Rc::clone(&other)) };
        let (second, third) = (called(id(2)), Rc::new(called(id(3))));
        let parted = Rc::new(Parted { id: id(4), first, second, third });
        tell(parted.second.id);
    } => 0
}

#[test]
fn parts_are_dropped_behind_their_whole_also_when_it_panics() {
    check(|d| parts(d, 60, 0, 0, Rc::new(called(5))));
    for at in [1, 4, 9, 40, 41] {
        for which in [1, 2, 3] {
            check(|d| outcome(|| parts(d, 60, at, which, Rc::new(called(5)))));
        }
        // The `Drop` itself: `666 - 2` is its number.
        check(|d| outcome(|| own_risk(d, 60, at)));
    }
}

opcode! {
    own_risk(i; at: i64) -> i64 {
        let id = if i == at { 664 } else { i * 1000 };
        let third = Rc::new(called(i * 1000 + 10));
        drop(Parted { id, first: None, second: called(i * 1000 + 20), third });
    } => 0
}

/// A list whose `Drop` takes it apart, one after the other.
#[jit]
struct Cons {
    item: i64,
    rest: RefCell<Option<Rc<Cons>>>,
}

#[jit]
impl Drop for Cons {
    #[unroll_safe]
    fn drop(&mut self) {
        tell(self.item);
        let mut rest = self.rest.get_mut().take();
        while let Some(cons) = rest {
            rest = match Rc::strong_count(&cons) {
                1 => cons.rest.borrow_mut().take(),
                _ => None,
            };
        }
    }
}

opcode! {
    lists(i; list: Option<Rc<Cons>>) -> i64 {
        list = match i % 4 {
            0 => None,
            _ => Some(Rc::new(Cons { item: i, rest: RefCell::new(list) })),
        };
    } => i
}

#[test]
fn a_drop_that_comes_to_itself() {
    check(|d| lists(d, 80, None));
}

/// A method with the name, and a `Drop` that is not traced.
#[jit]
struct Namesake {
    id: i64,
}

#[jit]
impl Namesake {
    fn drop(&mut self) {
        self.id += 1;
    }
}

impl Drop for Namesake {
    fn drop(&mut self) {
        tell(self.id * 10);
    }
}

opcode! {
    namesakes(i;) -> i64 {
        let mut it = Namesake { id: i };
        it.drop();
        let _shared = Rc::new(it);
    } => i
}

#[test]
fn a_method_of_that_name_is_another() {
    check(|d| namesakes(d, 50));
}

/// Enums and generic types.
#[jit]
enum Choice<T> {
    None,
    One(T),
    Two(T, Rc<Called>),
}

#[jit]
impl<T> Drop for Choice<T> {
    fn drop(&mut self) {
        let tag = match self {
            Choice::None => 1,
            Choice::One(_) => 2,
            Choice::Two(_, called) => called.id,
        };
        tell(tag);
    }
}

opcode! {
    choices(i; kept: Choice<Box<i64>>) -> i64 {
        let choice = match i % 3 {
            0 => Choice::None,
            1 => Choice::One(Box::new(i)),
            _ => Choice::Two(Box::new(i), Rc::new(called(i))),
        };
        kept = choice;
    } => i
}

#[test]
fn drops_of_enums_and_generic_types() {
    check(|d| choices(d, 70, Choice::None));
}

// What the author forgets is not dropped.
opcode! {
    forgotten(i; sum: &Cell<i64>) -> i64 {
        let a = Counted { by: i, sum };
        let b = Counted { by: 1, sum };
        std::mem::forget(a);
        drop(b);
    } => sum.get()
}

#[test]
fn what_is_forgotten_is_not_dropped() {
    check(|d| forgotten(d, 50, &Cell::new(0)));
}

opcode! {
    small_vecs(i; sum: i64) -> i64 {
        let mut items = Vec::with_capacity(4);
        items.push(i);
        items.push(sum & 0xff);
        items.push(7);
        sum += items[0] + items[1] + items.pop().unwrap();
        let empty: Vec<i64> = Vec::new();
        sum += (empty.len() + items.len() + items.capacity()) as i64;
    } => sum
}

#[test]
fn a_small_vec_is_made_and_dropped_in_the_trace() {
    check_calls(0, |d| small_vecs(d, 90, 0));
    // Nothing is allocated.
    for stats in oracle::check(THRESHOLDS, |d| small_vecs(d, 90, 0)) {
        let lines = stats.compiled.iter().flat_map(|it| it.optimized.lines());
        let allocations = lines.filter(|it| it.contains("new_buffer(") && !it.contains("guard"));
        assert_eq!(allocations.count(), 0);
    }
}

opcode! {
    capacities(i; sum: i64) -> i64 {
        let mut items: Vec<i64> = Vec::with_capacity((i % 24) as usize);
        let mut bytes: Vec<u8> = Vec::with_capacity((i % 5) as usize);
        let mut units: Vec<()> = Vec::with_capacity((i % 3) as usize);
        items.push(i);
        bytes.push(i as u8);
        units.push(());
        items.push(2);
        bytes.extend_from_slice(&[1, 2, 3]);
        sum += (items.capacity() * 1000 + bytes.capacity() * 10 + bytes.len()) as i64;
        sum += items[0] + bytes[0] as i64 + units.len() as i64;
    } => sum
}

#[test]
fn capacities_are_those_of_the_plain_function() {
    check(|d| capacities(d, 200, 0));
}

opcode! {
    many_lengths(i; sum: i64) -> i64 {
        let mut items: Vec<Option<Rc<i64>>> = Vec::with_capacity((i % 13) as usize);
        items.resize((i * 7 % 11) as usize, Some(Rc::new(i)));
        sum += (items.len() * 100 + items.capacity()) as i64;
        if let Some(Some(it)) = items.pop() {
            sum += Rc::strong_count(&it) as i64 + *it;
        }
    } => sum
}

/// There is code for the first few capacities and lengths, and from then on code in which they vary.
#[test]
fn many_lengths_are_no_reason_to_give_up() {
    check(|d| many_lengths(d, 300, 0));
    let params =
        ["threshold=2,trace_eagerness=1,max_promoted_values=2", "threshold=2,trace_eagerness=1"];
    for run in oracle::check(&params, |d| many_lengths(d, 3000, 0)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        let most = if run.params.contains("values=2") { 60 } else { 300 };
        assert!(run.stats.bridges < most, "{run}");
    }
}

opcode! {
    vecs_of_owners(i; at: i64, kept: Vec<Rc<Called>>) -> i64 {
        let id = |number: i64| if i == at && number == 2 { 666 } else { i * 1000 + number };
        let mut items = Vec::with_capacity(3);
        items.push(Rc::new(called(id(1))));
        items.push(Rc::new(called(id(2))));
        if i % 2 == 0 {
            items.push(Rc::clone(&items[0]));
        }
        if i % 5 == 0 {
            kept = items;
        } else {
            let shared = Rc::new(RefCell::new(items));
            let second = Rc::clone(&shared);
            drop(shared);
            if i % 3 == 0 {
                second.borrow_mut().pop();
            }
            tell(second.borrow().len() as i64);
        }
    } => kept.len() as i64
}

#[test]
fn elements_are_dropped_in_order_also_when_one_panics() {
    check(|d| vecs_of_owners(d, 90, 0, Vec::new()));
    for at in [1, 3, 5, 50, 51, 52] {
        check(|d| outcome(|| vecs_of_owners(d, 90, at, Vec::new())));
    }
}

opcode! {
    resized(i; sum: i64) -> i64 {
        let mut items: Vec<Option<Rc<i64>>> = Vec::with_capacity(4);
        items.push(Some(Rc::new(i)));
        items.push(None);
        let len = match i % 7 { 0 => 1, 1 => 5, 2 => 0, _ => 2 };
        items.resize(len, items.first().and_then(|it| it.clone()));
        sum += items.len() as i64 * 10 + items.capacity() as i64;
        for item in &items {
            sum += item.as_ref().map_or(0, |it| **it);
        }
    } => sum
}

#[test]
fn resizing() {
    check(|d| resized(d, 120, 0));
}

/// An environment as interpreters have it: shared, with variables that may be changed.
#[jit]
struct Env {
    slots: RefCell<Vec<i64>>,
    calls: Cell<u32>,
    parent: Option<Rc<Env>>,
}

#[jit]
impl Drop for Env {
    fn drop(&mut self) {
        if self.calls.get_mut() == &0 {
            tell(self.slots.get_mut().len() as i64);
        }
    }
}

#[jit]
fn new_env(first: i64, second: i64, parent: &Rc<Env>) -> Rc<Env> {
    let mut values = Vec::with_capacity(2);
    values.push(first);
    values.push(second);
    let (slots, calls) = (RefCell::new(values), Cell::new(1));
    Rc::new(Env { slots, calls, parent: Some(Rc::clone(parent)) })
}

opcode! {
    environments(i; outer: &Rc<Env>, env: Rc<Env>) -> i64 {
        let first = env.slots.borrow()[0] + i;
        let second = env.slots.borrow()[1] + first;
        env.slots.borrow_mut()[0] = 5;
        if second > 100_000 {
            env.calls.set(0);
        }
        env = new_env(first, second % 1_000_003, outer);
    } => {
        let slots = env.slots.borrow();
        slots[0] * 1_000_007 + slots[1]
    }
}

#[test]
fn environments_of_calls_are_not_called() {
    let run = |d: &JitDriver<'static>| {
        let start = |parent| {
            let (slots, calls) = (RefCell::new(vec![1, 2]), Cell::new(1));
            Rc::new(Env { slots, calls, parent })
        };
        let outer = start(None);
        let env = start(Some(Rc::clone(&outer)));
        let result = environments(d, 200, &outer, env);
        (result, Rc::strong_count(&outer))
    };
    check(run);
}

/// The `Vec` goes into a field of the interpreter's, whose buffer has a name of its own.
struct Machine {
    stack: Vec<i64>,
    other: Vec<i64>,
}

#[jit]
impl Machine {
    fn step(&mut self, i: i64) -> i64 {
        let mut fresh = Vec::with_capacity(3);
        fresh.push(i);
        fresh.push(self.stack[0]);
        self.other[0] += 1;
        if i % 4 == 0 {
            self.stack = fresh;
            self.stack[1] += 1;
            self.stack[0]
        } else {
            let old = std::mem::replace(&mut self.stack, fresh);
            self.stack.push(old[1]);
            self.stack[2]
        }
    }
}

#[jit]
fn machine(driver: &JitDriver<'_>, n: i64, machine: &mut Machine) -> i64 {
    let (mut i, mut sum) = (0, 0);
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, machine]);
        if i == n {
            break;
        }
        i += 1;
        sum = (sum * 31 + machine.step(i)) % 1_000_003;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, machine]);
    }
    sum + machine.stack.len() as i64 + machine.other[0]
}

#[test]
fn a_vec_that_was_just_made_becomes_that_of_a_field() {
    check(|d| machine(d, 120, &mut Machine { stack: vec![1, 2, 3], other: vec![0] }));
}
