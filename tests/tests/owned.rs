//! Owned values: moved, cloned and dropped as in the plain function, in its order, in all modes.
//!
//! A [`Noisy`] writes into a log when it is made, cloned and dropped. Each interpreter below uses one
//! way of owning; the log of every mode, and what is alive at the end, must be those of the plain run.
#![allow(
    clippy::boxed_local,
    clippy::drop_non_drop,
    clippy::let_and_return,
    clippy::len_zero,
    clippy::let_underscore_untyped,
    clippy::manual_is_multiple_of,
    clippy::needless_return,
    clippy::no_effect,
    clippy::redundant_locals,
    clippy::replace_box,
    clippy::too_many_arguments,
    clippy::toplevel_ref_arg,
    clippy::unnecessary_operation,
    clippy::useless_vec,
    clippy::vec_init_then_push,
    path_statements,
    unused_assignments,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, THRESHOLDS, outcome};
use jitdriver::{JitDriver, Stats, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Made(i64),
    Cloned(i64),
    Dropped(i64),
    Seen(i64),
}

/// All events, in one line of a test's message.
#[derive(PartialEq)]
struct Log(Vec<Event>);

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

thread_local! {
    static LOG: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    static ALIVE: Cell<i64> = const { Cell::new(0) };
}

fn tell(event: Event) {
    LOG.with_borrow_mut(|log| log.push(event));
}

/// A value that is heard of.
#[derive(Debug, PartialEq, Eq)]
struct Noisy {
    id: i64,
    heap: Box<i64>,
}

#[dont_look_inside]
fn make(id: i64) -> Noisy {
    tell(Event::Made(id));
    ALIVE.set(ALIVE.get() + 1);
    Noisy { id, heap: Box::new(id) }
}

impl Clone for Noisy {
    fn clone(&self) -> Noisy {
        tell(Event::Cloned(self.id));
        ALIVE.set(ALIVE.get() + 1);
        Noisy { id: self.id + 1000, heap: self.heap.clone() }
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        assert_eq!(*self.heap % 1000, self.id % 1000, "the value was moved as a whole");
        tell(Event::Dropped(self.id));
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[dont_look_inside]
fn see(x: &Noisy) -> i64 {
    tell(Event::Seen(x.id));
    x.id
}

#[dont_look_inside]
fn see_two(x: &Noisy, y: &Noisy) -> i64 {
    see(x) * 100 + see(y)
}

#[dont_look_inside]
fn consume(x: Noisy) -> i64 {
    tell(Event::Seen(x.id));
    x.id
}

#[dont_look_inside]
fn consume_two(x: Noisy, y: Noisy) -> i64 {
    tell(Event::Seen(x.id + y.id));
    x.id - y.id
}

#[dont_look_inside]
fn pass(x: Noisy) -> Noisy {
    tell(Event::Seen(x.id));
    x
}

/// Panics now and then.
#[dont_look_inside]
fn risky(i: u32, at: u32) -> i64 {
    assert_ne!(i, at, "the risk");
    1
}

#[dont_look_inside]
fn risky_with(x: Noisy, i: u32, at: u32) -> Noisy {
    assert_ne!(i, at, "the risk with {}", x.id);
    x
}

/// Runs the program in all modes; the log is part of what is compared. Answers the statistics at threshold 2.
#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Stats> {
    let runs = oracle::check(THRESHOLDS, |driver| {
        LOG.take();
        ALIVE.set(0);
        let result = outcome(|| program(driver));
        (result, Log(LOG.take()), ALIVE.get())
    });
    let of_two = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    of_two.map(|run| run.stats).collect()
}

/// As [`check`]; nothing stays alive, something is compiled and nothing given up.
#[track_caller]
fn check_compiled<T: PartialEq + std::fmt::Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    let stats = check(|driver| {
        let result = program(driver);
        assert_eq!(ALIVE.get(), 0, "something is still alive");
        result
    });
    for stats in stats {
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!(stats.aborted(), 0, "{stats}");
    }
}

macro_rules! counting_portal {
    ($name:ident($i:ident; $($red:ident: $ty:ty),*) -> $ret:ty { $($body:tt)* } => $result:expr) => {
        #[jit]
        fn $name<'p>(driver: &JitDriver<'p>, pc: usize, n: u32, $($red: $ty),*) -> $ret {
            let mut $i = 0u32;
            $(#[allow(unused_mut)] let mut $red = $red;)*
            while pc < 10 {
                jit_merge_point!(driver, greens = [pc], reds = [$i, n, $($red),*]);
                if $i == n {
                    break;
                }
                $i += 1;
                $($body)*
                can_enter_jit!(driver, greens = [pc], reds = [$i, n, $($red),*]);
            }
            $result
        }
    };
}

counting_portal! {
    locals(i; sum: i64) -> i64 {
        let a = make(i as i64);
        let b = make(i as i64 + 100);
        let c = pass(a);
        sum += see(&c) + see(&b);
        let _ = make(7);
        let _kept = make(8);
        let _ = c;
        make(9);
        sum += 1;
    } => sum
}

counting_portal! {
    moved_if(i; sum: i64) -> i64 {
        let a = make(i as i64);
        let b = make(50);
        if i % 3 == 0 {
            sum += consume(a);
        } else if i % 5 == 0 {
            let c = a;
            sum += see(&c);
        }
        if i % 2 == 0 {
            drop(b);
            sum += 1;
        }
    } => sum
}

counting_portal! {
    temporaries(i; sum: i64) -> i64 {
        sum += see_two(&make(1), &make(2)) + see(&make(3));
        let t = see(&make(4)) + see_two(&make(5), &pass(make(6)));
        let kept = &make(7);
        let pair = (&make(8), see(&make(9)));
        sum += t + see(kept) + see(pair.0) + pair.1;
        if see(&make(10)) > 3 && see(&make(11)) > i as i64 { sum += 1; }
        sum += { let x = make(12); see(&x) + see(&make(13)) };
    } => sum
}

#[jit]
#[jitdriver::unroll_safe]
fn loops(n: u32) -> i64 {
    let mut sum = 0;
    let mut j = 0;
    while see(&make(j)) < 2 {
        j += 1;
        let x = make(20 + j);
        if j == 1 {
            continue;
        }
        sum += see(&x);
        if n % 4 == 3 {
            break;
        }
    }
    let last = loop {
        let y = make(30 + j);
        j += 1;
        if j > 3 {
            break y;
        }
    };
    sum + see(&last)
}

#[jit]
fn early(n: u32) -> Noisy {
    let a = make(1);
    let b = make(2);
    if n % 3 == 0 {
        return b;
    }
    let c = pass(a);
    if n % 3 == 1 {
        return pass(c);
    }
    make(3)
}

#[jit]
fn takes(a: Noisy, b: Noisy, flag: bool) -> i64 {
    let c = make(5);
    if flag { consume(a) + see(&c) } else { see(&b) }
}

counting_portal! {
    helpers(i; sum: i64) -> i64 {
        sum += loops(i);
        let e = early(i);
        sum += see(&e);
        sum += takes(make(1), e, i % 2 == 0) + takes(early(i + 1), make(2), i % 3 == 0);
    } => sum
}

struct Holder {
    one: Noisy,
    many: Vec<Noisy>,
    boxed: Box<Noisy>,
    maybe: Option<Noisy>,
    counted: Rc<Noisy>,
}

impl Holder {
    fn new() -> Holder {
        Holder {
            one: make(1),
            many: vec![make(2), make(3)],
            boxed: Box::new(make(4)),
            maybe: None,
            counted: Rc::new(make(5)),
        }
    }
}

#[jit]
fn replace(h: &mut Holder, k: usize, p: &mut Noisy) {
    h.one = make(10);
    h.many[k] = make(11);
    *h.boxed = make(12);
    h.boxed = Box::new(make(13));
    *p = make(14);
    h.counted = Rc::new(make(15));
}

counting_portal! {
    assignments(i; h: &mut Holder, p: &mut Noisy, sum: i64) -> i64 {
        let mut local = make(20);
        let mut later;
        replace(h, (i % 2) as usize, p);
        sum += see(&local);
        local = make(21);
        later = make(22);
        sum += see(&later);
        later = local;
        sum += see(&later);
        local = make(23);
        h.maybe = Some(make(24));
        sum += see(&local) + see(&h.one) + see(&h.many[1]);
    } => sum
}

counting_portal! {
    panicking(i; at: u32, sum: i64) -> i64 {
        let a = make(1);
        let b = make(2);
        sum += see(&make(3)) + risky(i, at);
        let c = risky_with(pass(a), i, at + 3);
        sum += see_two(&make(4), &risky_with(make(5), i, at + 6)) + risky(i, at + 9);
        sum += consume_two(c, risky_with(make(6), i, at + 12));
        let d = make(i as i64);
        if i == at + 15 { panic!("the panic of {}", b.id); }
        assert!(i < at + 18, "no more than {sum}");
        sum += see(&d);
    } => sum
}

counting_portal! {
    pointers(i; sum: i64) -> i64 {
        let a = Rc::new(make(1));
        let b = a.clone();
        let c = Arc::new(make(2));
        let d = c.clone();
        drop(a);
        let e = Box::new(make(3));
        sum += see(&b) + see(&d) + see(&e) + b.id;
        let s = String::from("abc");
        let t = s.clone();
        sum += s.len() as i64 + t.len() as i64;
        let v = two(make(4), make(5));
        let w = v.clone();
        drop(v);
        sum += see(&w[0]) + w.len() as i64;
    } => sum
}

counting_portal! {
    out_of_box(i; sum: i64) -> i64 {
        let a = Box::new(make(1));
        let b = *a;
        sum += see(&b);
        let c = Box::new((make(2), make(3)));
        let d = c.0;
        sum += see(&d) + see(&c.1);
        let e = (make(4), (make(5), make(6)), make(7));
        if i % 3 == 0 {
            sum += consume(e.0);
        }
        let f = (e.1).1;
        sum += see(&f) + see(&(e.1).0);
    } => sum
}

counting_portal! {
    reinitialized(i; sum: i64) -> i64 {
        let mut a = (make(1), make(2));
        sum += consume(a.0);
        if i % 2 == 0 {
            a.0 = make(3);
            sum += see(&a.0);
        }
        let mut b = make(4);
        sum += consume(b);
        if i % 3 == 0 {
            b = make(5);
            sum += see(&b);
        }
        let mut c = Box::new(make(6));
        sum += consume(*c);
        *c = make(7);
        sum += see(&c);
    } => sum
}

counting_portal! {
    matched(i; sum: i64) -> i64 {
        let a = Some(make(1));
        match a {
            Some(x) => sum += see(&x),
            None => sum += 1,
        }
        if let Some(y) = maybe(i, 2) {
            sum += see(&y);
        } else {
            sum += see(&make(40));
        }
        let b = maybe(i, 3);
        if let Some(ref z) = b { sum += see(z); }
        sum += match maybe(i, 5) {
            Some(z) if z.id > 100 => consume(z),
            Some(z) => see(&z),
            None => 7,
        };
        sum += see(&maybe(i, 7).unwrap_or(make(50)));
        let mut c = maybe(i, 4);
        let d = c.take();
        if let Some(z) = d { c = Some(pass(z)); }
        if c.is_some() { sum += consume(c.unwrap()); }
        let Some(z) = maybe(i, 3) else { continue; };
        sum += consume(z);
    } => sum
}

counting_portal! {
    unwrapped(i; at: u32, sum: i64) -> i64 {
        let kept = make(1);
        let x = maybe(i, at).unwrap();
        let y = result(i, at + 1).expect("a result");
        sum += see_two(&x, &y) + see(&kept);
    } => sum
}

#[dont_look_inside]
fn maybe(i: u32, of: u32) -> Option<Noisy> {
    (!i.is_multiple_of(of)).then(|| make(60 + i64::from(of)))
}

#[dont_look_inside]
fn result(i: u32, of: u32) -> Result<Noisy, String> {
    maybe(i, of).ok_or_else(|| format!("none at {i}"))
}

counting_portal! {
    containers(i; v: Vec<Noisy>, slot: Option<Noisy>, sum: i64) -> i64 {
        v.push(make(1));
        v.push(make(2));
        if let Some(x) = v.pop() { sum += see(&x); }
        if v.len() > 6 { v.truncate(2); }
        if v.len() > 1 { v.swap(0, 1); }
        if i % 7 == 0 { v.clear(); }
        let old = slot.replace(make(3));
        if let Some(x) = old { sum += consume(x); }
        slot = Some(make(4));
        if i % 4 == 0 { sum += see(&slot.take().unwrap()); }
        let mut local = make(5);
        let out = std::mem::replace(&mut local, make(6));
        sum += see(&out) + see(&local);
        let mut other = make(7);
        std::mem::swap(&mut local, &mut other);
        sum += see(&local);
        sum += v[0..0].len() as i64;
        if v.len() > 0 { v[0] = make(8); }
    } => sum + v.len() as i64
}

counting_portal! {
    owning_reds(i; acc: Rc<Noisy>, boxed: Box<Noisy>, held: Option<Box<Noisy>>, v: Vec<Noisy>, at: u32, sum: i64) -> i64 {
        let next = Rc::new(make(i as i64));
        let old = acc;
        acc = next;
        sum += see(&old) + see(&acc);
        if i % 3 == 0 { boxed = Box::new(make(100)); }
        held = if i % 2 == 0 { Some(Box::new(make(200))) } else { None };
        if i % 5 == 0 { v = two(make(300), make(301)); }
        sum += see(&boxed) + risky(i, at) + v.len() as i64;
        let shared = acc.clone();
        sum += Rc::strong_count(&shared) as i64;
    } => sum + acc.id + held.is_some() as i64
}

/// A portal that answers what it owns.
#[jit]
fn answers(driver: &JitDriver<'_>, n: u32) -> Vec<Noisy> {
    let mut i = 0;
    let first = make(1);
    let mut v = Vec::new();
    let mut last = Rc::new(make(2));
    loop {
        jit_merge_point!(driver, greens = [], reds = [i, n, first, v, last]);
        if i == n {
            v.push(make(3));
            tell(Event::Seen(last.id));
            drop(first);
            return v;
        }
        v.push(make(i64::from(i)));
        last = Rc::new(make(4));
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, first, v, last]);
    }
}

counting_portal! {
    guards_of_borrows(i; cell: &RefCell<Noisy>, at: u32, sum: i64) -> i64 {
        let before = make(1);
        let guard = cell.borrow();
        sum += see(&guard) + risky(i, at) + see(&before);
        drop(guard);
        *cell.borrow_mut() = make(2);
        let mut guard = cell.borrow_mut();
        guard.id += 1000;
        sum += risky(i, at + 5);
    } => sum
}

struct Pair(Noisy, Noisy);

impl Pair {
    fn churn(&mut self, i: u32, at: u32) {
        self.0 = make(10);
        assert_ne!(i, at, "half of it is new");
        self.1 = make(11);
    }
}

counting_portal! {
    half_changed(i; at: u32, sum: i64) -> i64 {
        let mut pair = Pair(make(1), make(2));
        sum += see(&pair.0);
        pair.churn(i, at);
        sum += see_two(&pair.0, &pair.1);
    } => sum
}

#[dont_look_inside]
fn two(a: Noisy, b: Noisy) -> Vec<Noisy> {
    vec![a, b]
}

counting_portal! {
    parts_by_patterns(i; sum: i64) -> i64 {
        let pair = (maybe(i, 2), make(i as i64 + 20));
        match pair.0 {
            Some(x) if x.id % 3 == 0 => sum += consume(x),
            Some(x) => sum += see(&x),
            None => sum += 1,
        }
        sum += see(&pair.1);
        let triple = (make(31), make(32), (make(33), 5));
        let (first, _, _) = triple;
        sum += see_two(&first, &triple.1) + triple.2.1;
        if i % 2 == 0 {
            let (inner, five) = triple.2;
            sum += consume(inner) + five;
        }
        if let (Some(x), _) = (maybe(i, 3), make(34)) {
            sum += see(&x) + see(&make(35));
        }
        let (kept, _) = (make(36), make(37));
        sum += see(&make(38)) + see(&kept);
        let (a, ref b) = (make(39), make(40));
        sum += see_two(&a, b);
        let both = (make(41), make(42));
        match both {
            (x, ref y) if i % 4 == 1 => sum += see_two(&x, y),
            (_, y) if i % 4 == 2 => sum += see(&y),
            (x, _) => sum += see(&x),
        }
        let Some(last) = maybe(i, 77) else { return see(&make(44)) };
        sum += see(&last);
    } => sum
}

enum Tree {
    Leaf(Noisy),
    Fork(Box<Tree>, Box<Tree>, Noisy),
}

#[dont_look_inside]
fn tree(depth: i64, id: i64) -> Box<Tree> {
    Box::new(match depth {
        0 => Tree::Leaf(make(id)),
        _ => Tree::Fork(tree(depth - 1, id * 2), tree(depth - 1, id * 2 + 1), make(id + 500)),
    })
}

/// Takes trees apart out of their boxes, and drops what it does not use.
#[jit]
fn sum_of(tree: Box<Tree>, pick: i64) -> i64 {
    match *tree {
        Tree::Leaf(x) => consume(x),
        Tree::Fork(left, _, _) if pick % 3 == 0 => see(&make(90)) + sum_of(left, pick + 1),
        Tree::Fork(left, right, x) if pick % 3 == 1 => {
            see(&x) + sum_of(right, pick + 1) + sum_of(left, pick + 2)
        }
        Tree::Fork(_, right, x) => consume(x) + sum_of(right, pick + 2),
    }
}

#[jit]
fn id_of(tree: Box<Tree>) -> Noisy {
    let Tree::Fork(_, _, x) = *tree else { return make(91) };
    x
}

counting_portal! {
    trees(i; sum: i64) -> i64 {
        sum += sum_of(tree(2, 1), i as i64);
        let x = id_of(tree((i % 2) as i64, 3));
        let y = tree(1, 4);
        let boxed = Box::new((make(92), make(93)));
        let z = boxed.0;
        sum += see_two(&x, &z) + see(&boxed.1);
        if let Tree::Fork(left, ..) = *y
            && let Tree::Leaf(x) = *left
        {
            sum += see(&x);
        }
    } => sum
}

counting_portal! {
    messages(i; at: u32, sum: i64) -> i64 {
        let a = make(1);
        let b = Some(make(2));
        let c = make(3);
        if i == at {
            panic!("{} and {b:?} at {i}", a.id);
        }
        assert!(i != at + 5, "{:?} and {}", c, i);
        assert_eq!(a.id, if i == at + 9 { 2 } else { 1 }, "{a:?}");
        assert_ne!(c.id, see(&a), "{b:?}");
        sum += see(&c);
    } => sum
}

#[test]
fn parts() {
    check_compiled(|d| parts_by_patterns(d, 0, 80, 0));
    check_compiled(|d| trees(d, 0, 80, 0));
}

#[test]
fn panics_with_messages() {
    for at in [1, 3, 10, 28, 29, 30] {
        check(|d| messages(d, 0, 60, at, 0));
    }
}

#[test]
fn locals_and_temporaries() {
    check_compiled(|d| locals(d, 0, 30, 0));
    check_compiled(|d| moved_if(d, 0, 60, 0));
    check_compiled(|d| temporaries(d, 0, 30, 0));
}

#[test]
fn functions() {
    check_compiled(|d| helpers(d, 0, 60, 0));
}

#[test]
fn assigned() {
    check_compiled(|d| {
        let mut h = Holder::new();
        let mut p = make(6);
        assignments(d, 0, 30, &mut h, &mut p, 0)
    });
}

#[test]
fn panics() {
    for at in (0..18).step_by(3) {
        check(|d| panicking(d, 0, 60, 25 - at, 0));
    }
    for at in [2, 7, 30] {
        check(|d| half_changed(d, 0, 40, at, 0));
    }
    for at in 0..4 {
        check(|d| panicking(d, 0, 60, at, 0));
    }
}

impl Noisy {
    /// By value, without a twin.
    fn renamed(self, id: i64) -> Noisy {
        tell(Event::Seen(self.id));
        make(id)
    }

    /// By reference, without a twin.
    fn number(&self) -> i64 {
        see(self)
    }
}

struct Wrapper(Noisy);

#[jit]
impl Wrapper {
    /// By value, with a twin.
    fn open(self, n: i64) -> Noisy {
        if n % 2 == 0 { pass(self.0).renamed(n) } else { self.0 }
    }

    /// By reference, with a twin.
    fn inside(&self) -> i64 {
        self.0.id * 2
    }
}

#[dont_look_inside]
fn wrap(id: i64) -> Wrapper {
    Wrapper(make(id))
}

#[jit]
fn renamed_or_not(i: i64) -> Result<Noisy, Noisy> {
    match i % 4 {
        0 => Err(make(i).renamed(i + 1)),
        1 => Ok(wrap(i).open(i)),
        2 => return Ok(wrap(i).open(i)),
        _ => Ok(make(i)),
    }
}

#[jit]
fn numbers_of_made(i: i64) -> Option<i64> {
    if i % 2 == 0 { Some(make(i).number()) } else { Some(wrap(i).inside()) }
}

counting_portal! {
    used_up(i; at: u32, sum: i64) -> i64 {
        let k = i as i64;
        let renamed = renamed_or_not(k).map_err(|noisy| noisy.renamed(k)).map(|noisy| noisy.number());
        sum += renamed.unwrap_or_else(|noisy| noisy.number()) + risky(i, at);
        sum += Some(wrap(k)).map(|it| it.inside()).unwrap_or(0);
        sum += Some(wrap(k)).map(|it| it.open(k)).map(|it| it.id).unwrap_or(0);
        sum += numbers_of_made(k).unwrap_or(1);
    } => sum
}

/// Cloned as derived, with a layout that the attribute fixes.
#[jit]
#[derive(Clone)]
enum Thing {
    Nothing,
    Flag(bool),
    Number(i64),
    One(Noisy),
    Two { first: Noisy, second: (Noisy, i64) },
    Shared(Rc<Noisy>),
    Named(&'static str),
    Text(Rc<str>),
}

#[jit]
#[derive(Clone)]
struct Things {
    all: Vec<Thing>,
    last: Thing,
    n: u32,
}

#[dont_look_inside]
fn weigh(things: &[Thing]) -> i64 {
    let weight = |thing: &Thing| match thing {
        Thing::Nothing => 0,
        Thing::Flag(flag) => i64::from(*flag),
        Thing::Number(n) => *n,
        Thing::One(noisy) => see(noisy),
        Thing::Two { first, second } => see(first) + see(&second.0) + second.1,
        Thing::Shared(noisy) => see(noisy),
        Thing::Named(name) => name.len() as i64,
        Thing::Text(text) => text.len() as i64 * 2,
    };
    things.iter().map(weight).sum()
}

#[jit]
fn nth(things: &Things, n: usize) -> Thing {
    things.all[n].clone()
}

counting_portal! {
    cloned(i; things: &mut Things, at: u32, sum: i64) -> i64 {
        let k = i as usize % 8;
        let pair = [nth(things, k), nth(things, (k + 1) % 8)];
        sum += weigh(&pair) + risky(i, at);
        let last = things.last.clone();
        things.last = nth(things, k);
        sum += weigh(&[last]) + risky(i, at + 3);
        if i % 7 == 0 {
            let copy = things.clone();
            sum += weigh(&copy.all) + copy.n as i64;
        }
    } => sum
}

fn things() -> Things {
    let all = vec![
        Thing::Nothing,
        Thing::Flag(true),
        Thing::Number(5),
        Thing::One(make(1)),
        Thing::Two { first: make(2), second: (make(3), 4) },
        Thing::Shared(Rc::new(make(5))),
        Thing::Named("name"),
        Thing::Text("text".into()),
    ];
    Things { all, last: Thing::Flag(false), n: 3 }
}

#[jit]
fn shared(values: Vec<Noisy>, more: usize) -> Vec<Rc<Noisy>> {
    let mut shared = Vec::with_capacity(more);
    shared.extend(values.into_iter().map(Rc::new));
    shared.resize_with(more, || Rc::new(make(9)));
    shared
}

counting_portal! {
    mapped_by_name(i; sum: i64) -> i64 {
        let all = shared(vec![make(i as i64), make(1)], 3);
        sum += see(&all[0]) + see(&all[2]);
    } => sum
}

#[jit]
struct Two {
    first: Noisy,
    second: Noisy,
}

#[jit]
enum Choice {
    One(Noisy),
    Two(Two, i64),
}

/// Matches on a local that a guard has looked at in memory.
#[jit]
fn chosen(k: i64) -> i64 {
    let choice = match k % 4 {
        0 => Choice::Two(Two { first: make(k), second: make(1) }, k),
        _ => Choice::One(make(k)),
    };
    match choice {
        Choice::One(ref noisy) if see(noisy) % 3 == 0 => 1,
        Choice::Two(ref two, _) if see_two(&two.first, &two.second) % 8 == 1 => 2,
        Choice::One(noisy) => see(&noisy),
        Choice::Two(two, n) => see(&two.second) + n,
    }
}

counting_portal! {
    given_back(i; at: u32, sum: i64) -> i64 {
        let k = i as i64;
        let boxed = Box::new(Two { first: make(k), second: make(k + 1) });
        sum += see(&boxed.first);
        drop(boxed);
        let two = Two { first: make(k), second: make(k + 1) };
        sum += see_two(&two.first, &two.second);
        drop(two);
        sum += chosen(k);
        // The memory of all that is gone, and a replay comes through here.
        if (sum + risky(i, at)) % 5 == 0 {
            sum += 3;
        }
    } => sum
}

#[test]
fn a_replay_does_not_look_at_memory_that_was_given_back() {
    check_compiled(|d| given_back(d, 0, 60, 1000, 0));
    for at in [3, 20, 33] {
        check(|d| given_back(d, 0, 60, at, 0));
    }
}

/// An interpreter that makes another one for each part of its program, which is used up by the call.
struct Walker<'d> {
    jit: &'d JitDriver<'static>,
    noisy: Noisy,
}

#[dont_look_inside]
fn walker<'d>(jit: &'d JitDriver<'static>, id: i64) -> Walker<'d> {
    Walker { jit, noisy: make(id) }
}

#[jit]
impl Walker<'_> {
    fn part(&self, k: i64, i: i64) -> i64 {
        walker(self.jit, i).walk(k - 1, i % 2, 0)
    }

    fn walk(&self, k: i64, mut i: i64, mut sum: i64) -> i64 {
        loop {
            jit_merge_point!(self.jit, greens = [k], reds = [self, i, sum]);
            if k == 0 || i == 2 + 8 * (k / 3) {
                return sum + see(&self.noisy);
            }
            sum += self.part(k, i);
            i += 1;
            can_enter_jit!(self.jit, greens = [k], reds = [self, i, sum]);
        }
    }
}

#[test]
fn interpreters_that_calls_of_their_portal_use_up() {
    check_compiled(|d| walker(d, 0).walk(3, 0, 0));
    for inlining in [0, 1] {
        let params = format!("threshold=2,trace_eagerness=2,inlining={inlining}");
        let runs = oracle::check(&[params.as_str()], |driver| {
            LOG.take();
            ALIVE.set(0);
            (walker(driver, 0).walk(3, 0, 0), Log(LOG.take()), ALIVE.get())
        });
        for run in runs {
            let calls = |name: &str| -> usize {
                let call = format!("descr=call({name},");
                run.compiled.iter().map(|trace| trace.optimized.matches(&call).count()).sum()
            };
            // Each walker that is made is walked by a call, or up to a loop of its own.
            let all_called = calls("walk") == calls("walker");
            assert!(calls("walker") > 0 && all_called == (inlining == 0), "{run}");
        }
    }
}

#[test]
fn receivers_that_are_used_up() {
    check_compiled(|d| used_up(d, 0, 60, 1000, 0));
    for at in [3, 20, 33] {
        check(|d| used_up(d, 0, 60, at, 0));
    }
}

#[test]
fn derived_clones() {
    check_compiled(|d| cloned(d, 0, 60, &mut things(), 1000, 0));
    for at in [3, 20, 33] {
        check(|d| {
            let mut things = things();
            let result = outcome(|| cloned(d, 0, 60, &mut things, at, 0));
            (result, weigh(&things.all), weigh(&[things.last]))
        });
    }
}

#[test]
fn functions_named_in_chains() {
    check_compiled(|d| mapped_by_name(d, 0, 40, 0));
}

#[test]
fn std_pointers() {
    check_compiled(|d| pointers(d, 0, 30, 0));
}

#[test]
fn partial_moves() {
    check_compiled(|d| out_of_box(d, 0, 30, 0));
    check_compiled(|d| reinitialized(d, 0, 30, 0));
}

#[test]
fn values_in_patterns() {
    check_compiled(|d| matched(d, 0, 80, 0));
    for at in [7, 11, 30] {
        check(|d| unwrapped(d, 0, 60, at, 0));
    }
}

#[test]
fn values_in_containers() {
    check_compiled(|d| containers(d, 0, 80, Vec::new(), Some(make(0)), 0));
}

#[test]
fn values_in_reds() {
    for at in [1, 5, 33, 1000] {
        check(|d| {
            let (acc, boxed) = (Rc::new(make(1)), Box::new(make(2)));
            owning_reds(d, 0, 70, acc, boxed, None, Vec::new(), at, 0)
        });
    }
    check_compiled(|d| {
        let (acc, boxed) = (Rc::new(make(1)), Box::new(make(2)));
        owning_reds(d, 0, 70, acc, boxed, None, Vec::new(), 1000, 0)
    });
    check(|d| answers(d, 40).len());
}

#[test]
fn borrowed_values() {
    for at in [3, 20, 1000] {
        check(|d| {
            let cell = RefCell::new(make(0));
            let result = outcome(|| guards_of_borrows(d, 0, 60, &cell, at, 0));
            (result, cell.try_borrow_mut().is_ok())
        });
    }
}
