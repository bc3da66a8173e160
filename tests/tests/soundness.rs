//! Safe programs that read freed or changed data, lose a panic or drop something twice, if a JIT does not take
//! care: drivers that go while they are active, hooks that panic, values that move, memory that was used before.
//!
//! A fault may show as a wrong result or not at all; `cargo xtask sanitize` runs this under AddressSanitizer.

#![allow(clippy::replace_box, clippy::vec_box, reason = "what is in a box may be freed")]

use jit_tests::oracle::{self, THRESHOLDS, backends, driver, outcome};
use jitdriver::{
    CompiledTrace, Hooks, Jit, JitDriver, QuasiImmutable, Traceable, can_enter_jit,
    dont_look_inside, elidable, jit, jit_merge_point, promote,
};
use std::cell::{Cell, RefCell};
use std::mem::MaybeUninit;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

// The driver goes away while it is active

struct Vm {
    jit: JitDriver<'static>,
    kind: Jit,
    n: i64,
    acc: i64,
}

#[jit]
impl Vm {
    #[dont_look_inside]
    fn renew(&mut self) {
        let garbage = driver(self.kind, "threshold=1000");
        self.jit = driver(self.kind, "threshold=2,trace_eagerness=2");
        drop(garbage);
    }

    fn run(&mut self) -> i64 {
        loop {
            jit_merge_point!(self.jit, greens = [], reds = [self]);
            if self.n == 0 {
                return self.acc;
            }
            self.acc = self.acc.wrapping_mul(3) + self.n;
            if self.n % 7 == 0 {
                self.renew();
            }
            self.n -= 1;
            can_enter_jit!(self.jit, greens = [], reds = [self]);
        }
    }
}

#[test]
fn a_driver_is_replaced_while_it_is_active() {
    let run = |kind| {
        let jit = driver(kind, "threshold=2,trace_eagerness=2");
        Vm { jit, kind, n: 100, acc: 0 }.run()
    };
    for jit in backends() {
        assert_eq!(run(jit), run(Jit::Off));
    }
}

struct Swapped {
    jit: JitDriver<'static>,
    n: i64,
    acc: i64,
}

#[jit]
impl Swapped {
    #[dont_look_inside]
    fn exchange(&mut self, other: &mut Swapped) {
        std::mem::swap(&mut self.jit, &mut other.jit);
    }

    fn run(&mut self, other: &mut Swapped) -> i64 {
        loop {
            jit_merge_point!(self.jit, greens = [], reds = [self, other]);
            if self.n == 0 {
                return self.acc;
            }
            self.acc = self.acc.wrapping_mul(3) + self.n;
            if self.n % 5 == 0 {
                self.exchange(other);
            }
            self.n -= 1;
            can_enter_jit!(self.jit, greens = [], reds = [self, other]);
        }
    }
}

#[test]
fn drivers_are_swapped_while_they_are_active() {
    let run = |kind| {
        let new = || {
            Box::new(Swapped { jit: driver(kind, "threshold=2,trace_eagerness=2"), n: 100, acc: 0 })
        };
        let (mut a, mut b) = (new(), new());
        a.run(&mut b)
    };
    for jit in backends() {
        assert_eq!(run(jit), run(Jit::Off));
    }
}

// A panic of a hook

thread_local! {
    static ALIVE: Cell<i64> = const { Cell::new(0) };
}

struct Counted(Box<i64>);

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[dont_look_inside]
fn counted(n: i64) -> Rc<Counted> {
    ALIVE.set(ALIVE.get() + 1);
    Rc::new(Counted(Box::new(n)))
}

#[dont_look_inside]
fn boxed(n: i64) -> Counted {
    ALIVE.set(ALIVE.get() + 1);
    Counted(Box::new(n))
}

struct Slots {
    a: Option<Box<Counted>>,
    b: Option<Box<Counted>>,
}

#[jit]
fn owning(driver: &JitDriver<'_>, slots: &mut Slots, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    let mut held = counted(n);
    let mut kept = boxed(n);
    loop {
        jit_merge_point!(driver, greens = [], reds = [slots, n, acc, held, kept]);
        if n == 0 {
            return acc;
        }
        held = counted(n);
        kept = boxed(n);
        acc += *held.0 + *kept.0;
        slots.b = slots.a.take();
        slots.a = Some(Box::new(boxed(n)));
        if n % 3 == 0 {
            std::mem::swap(&mut slots.a, &mut slots.b);
            acc += 7;
        }
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [slots, n, acc, held, kept]);
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum At {
    Confirm,
    Location,
    Start,
    Compile,
    Bridge,
    Abort,
    Enter,
    Exit,
}

struct PanicsAt(At, Cell<i64>);

impl PanicsAt {
    fn at(&self, at: At) {
        if self.0 == at {
            self.1.set(self.1.get() - 1);
            if self.1.get() == 0 {
                panic!("in a hook");
            }
        }
    }
}

impl Hooks for PanicsAt {
    fn confirm_enter_jit(&self, _: &[u64]) -> bool {
        self.at(At::Confirm);
        true
    }
    fn get_printable_location(&self, _: &[u64]) -> Option<String> {
        self.at(At::Location);
        None
    }
    fn on_trace_start(&self, _: &[u64]) {
        self.at(At::Start);
    }
    fn on_compile(&self, _: &CompiledTrace) {
        self.at(At::Compile);
    }
    fn on_compile_bridge(&self, _: &CompiledTrace) {
        self.at(At::Bridge);
    }
    fn on_abort(&self, _: jitdriver::Abort, _: &[u64]) {
        self.at(At::Abort);
    }
    fn on_enter(&self, _: &[u64]) {
        self.at(At::Enter);
    }
    fn on_exit(&self) {
        self.at(At::Exit);
    }
}

#[test]
fn a_hook_that_panics_drops_nothing_twice() {
    for jit in backends() {
        for at in [
            At::Confirm,
            At::Location,
            At::Start,
            At::Compile,
            At::Bridge,
            At::Abort,
            At::Enter,
            At::Exit,
        ] {
            for times in 1..5 {
                ALIVE.set(0);
                let hooks = PanicsAt(at, Cell::new(times));
                let builder = JitDriver::builder().jit(jit).hooks(hooks);
                let driver =
                    builder.params("threshold=2,trace_eagerness=2").unwrap().build().unwrap();
                let mut slots = Slots { a: None, b: None };
                let first = outcome(|| owning(&driver, &mut slots, 100));
                if let Err(message) = first {
                    assert!(message.ends_with("in a hook"), "{message}");
                }
                let alive = slots.a.is_some() as i64 + slots.b.is_some() as i64;
                assert_eq!(ALIVE.get(), alive, "{jit} {at:?} {times}");
                let _ = outcome(|| owning(&driver, &mut slots, 100));
                drop(slots);
                assert_eq!(ALIVE.get(), 0, "{jit} {at:?} {times}");
            }
        }
    }
}

// A hook that runs a program when compiled code was left by a panic

#[dont_look_inside]
fn fail_at(n: i64, at: i64) -> i64 {
    assert!(n != at, "at {n}");
    n % 5
}

#[jit]
fn failing(driver: &JitDriver<'_>, seen: &Cell<i64>, n: i64, at: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [seen, n, acc, at]);
        if n == 0 {
            return acc;
        }
        seen.set(n);
        acc += fail_at(n, at);
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [seen, n, acc, at]);
    }
}

struct RunsAtExit {
    inner: JitDriver<'static>,
    seen: Rc<Cell<i64>>,
    log: Rc<RefCell<Vec<i64>>>,
}

impl Hooks for RunsAtExit {
    fn on_exit(&self) {
        self.log.borrow_mut().push(self.seen.get());
        let fails = || failing(&self.inner, &Cell::new(0), 9, 3);
        let panic = std::panic::catch_unwind(AssertUnwindSafe(fails)).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().ends_with("at 3"));
        assert_eq!(failing(&self.inner, &Cell::new(0), 9, -1), 20);
    }
}

#[test]
fn a_hook_runs_programs_when_a_panic_is_on_its_way() {
    for jit in backends() {
        let seen = Rc::new(Cell::new(0));
        let log = Rc::new(RefCell::new(vec![]));
        let inner = driver(jit, "threshold=2,trace_eagerness=2");
        let hooks = RunsAtExit { inner, seen: Rc::clone(&seen), log: Rc::clone(&log) };
        let builder = JitDriver::builder().jit(jit).threshold(2).hooks(hooks);
        let driver = builder.build().unwrap();
        let panic = oracle::payload(|| failing(&driver, &seen, 60, 33));
        assert!(panic.downcast_ref::<String>().unwrap().ends_with("at 33"), "{jit}");
        // The hook has seen the stores that compiled code puts off.
        assert_eq!(log.borrow().last(), Some(&33), "{jit}");
    }
}

// Quasi-immutables that move

struct Class {
    version: QuasiImmutable<i64>,
}

#[dont_look_inside]
fn exchange(a: &mut Class, b: &mut Class) {
    std::mem::swap(a, b);
}

#[jit]
fn quasi(driver: &JitDriver<'_>, class: &mut Class, other: &mut Class, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [class, other, n, acc]);
        if n == 0 {
            return acc;
        }
        let known: &Class = promote(&*class);
        acc += known.version.get();
        if n % 10 == 0 {
            exchange(class, other);
        }
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [class, other, n, acc]);
    }
}

#[test]
fn quasi_immutables_are_swapped() {
    oracle::check(THRESHOLDS, |d| {
        let class = |version| Class { version: QuasiImmutable::new(version) };
        let (mut a, mut b) = (class(1), class(1000));
        quasi(d, &mut a, &mut b, 100)
    });
}

// Options in memory that was used before

#[dont_look_inside]
fn dirty() {
    let mut blocks: Vec<Vec<u64>> = Vec::new();
    for n in 1..65 {
        blocks.push(vec![u64::MAX; n]);
        blocks.push(vec![u64::MAX; n]);
    }
}

#[dont_look_inside]
fn weigh(values: &[Option<u64>], results: &[Result<u64, f64>], wide: &Option<Wide>) -> u64 {
    let of = |value: &Option<u64>| match value {
        Some(x) => *x,
        None => 1 << 40,
    };
    let of_result = |value: &Result<u64, f64>| match value {
        Ok(x) => *x,
        Err(y) => *y as u64 + (1 << 41),
    };
    let other = if *wide == Some(Wide { a: 3, b: 4 }) { 1 } else { 0 };
    values.iter().map(of).chain(results.iter().map(of_result)).sum::<u64>() + other
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Wide {
    a: u64,
    b: u64,
}

#[jit]
fn options(driver: &JitDriver<'_>, n: u64) -> u64 {
    let mut n = n;
    let mut acc = 0u64;
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc]);
        if n == 0 {
            return acc;
        }
        dirty();
        let mut values: Vec<Option<u64>> = Vec::with_capacity(4);
        let mut results: Vec<Result<u64, f64>> = Vec::with_capacity(4);
        values.push(Some(n));
        values.push(None);
        values.push(if n.is_multiple_of(3) { Some(n * 2) } else { None });
        results.push(Ok(n));
        results.push(Err(n as f64));
        let one = Box::new(Some(n));
        let none: Box<Option<u64>> = Box::new(None);
        let wide = Box::new(Some(Wide { a: 3, b: n }));
        acc = acc.wrapping_add(weigh(&values, &results, &wide));
        acc = acc.wrapping_add(weigh(std::slice::from_ref(&*one), &[], &None));
        acc = acc.wrapping_add(weigh(std::slice::from_ref(&*none), &[], &None));
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [n, acc]);
    }
}

#[test]
fn discriminants_are_written_whole() {
    oracle::check(THRESHOLDS, |d| options(d, 60));
}

// Cells in what is green

struct Program {
    ops: Vec<Cell<u8>>,
    code: RefCell<Vec<u8>>,
    inner: Rc<Cell<i64>>,
    table: [Cell<Option<&'static str>>; 2],
}

#[dont_look_inside]
fn rewrite(program: &Program, n: i64) {
    program.ops[0].set((n % 3) as u8);
    let mut code = program.code.borrow_mut();
    code.clear();
    code.shrink_to_fit();
    code.extend([n as u8, 1, 2].repeat(n as usize % 5 + 1));
    program.inner.set(n);
    program.table[1].set(if n % 2 == 0 { Some("even") } else { None });
}

#[jit]
fn cells<'p>(driver: &JitDriver<'p>, program: &'p Program, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0i64;
    loop {
        jit_merge_point!(driver, greens = [program], reds = [n, acc]);
        if n == 0 {
            return acc;
        }
        acc += program.ops[0].get() as i64;
        acc += program.code.borrow()[0] as i64 + program.code.borrow().len() as i64;
        acc += program.inner.get();
        acc += program.table[1].get().map_or(0, |s| s.len() as i64);
        rewrite(program, n);
        acc += program.ops[0].get() as i64 * 100;
        acc += program.code.borrow()[0] as i64 + program.code.borrow().len() as i64;
        acc += program.inner.get();
        acc += program.table[1].get().map_or(0, |s| s.len() as i64);
        n -= 1;
        can_enter_jit!(driver, greens = [program], reds = [n, acc]);
    }
}

#[test]
fn cells_in_green_data() {
    let run = |jit, params: &str| {
        let program = Program {
            ops: vec![Cell::new(1)],
            code: RefCell::new(vec![7; 9]),
            inner: Rc::new(Cell::new(3)),
            table: [Cell::new(None), Cell::new(None)],
        };
        let driver = driver(jit, params);
        cells(&driver, &program, 60)
    };
    for jit in backends() {
        for params in THRESHOLDS {
            assert_eq!(run(jit, params), run(Jit::Off, ""));
        }
    }
}

// Layouts

#[derive(Clone, Copy, Traceable)]
#[repr(C)]
struct Packed {
    a: u8,
    b: u64,
    c: bool,
    d: f64,
}

#[derive(Clone, Copy, Traceable, PartialEq, Debug)]
#[repr(i8)]
enum Sign {
    Minus = -1,
    Zero = 0,
    Plus = 1,
}

#[derive(Clone, Copy, Traceable, PartialEq, Debug)]
enum Void {}

#[derive(Clone, Copy, Traceable)]
struct Partly {
    a: u8,
    hole: MaybeUninit<[u8; 7]>,
    b: u16,
    nz: std::num::NonZeroU32,
    c: char,
    v: Option<Void>,
    s: Option<Sign>,
    nested: Option<Option<bool>>,
    pair: Option<(bool, char)>,
    p: std::marker::PhantomData<String>,
}

#[dont_look_inside]
fn partly(n: i64) -> Partly {
    Partly {
        a: n as u8,
        hole: MaybeUninit::uninit(),
        b: n as u16 * 3,
        nz: std::num::NonZeroU32::new(n as u32 + 1).unwrap(),
        c: char::from_u32(64 + n as u32 % 50).unwrap(),
        v: None,
        s: [None, Some(Sign::Minus), Some(Sign::Zero), Some(Sign::Plus)][n as usize % 4],
        nested: [None, Some(None), Some(Some(false)), Some(Some(true))][n as usize % 4],
        pair: if n % 3 == 0 { None } else { Some((n % 2 == 0, 'x')) },
        p: std::marker::PhantomData,
    }
}

#[jit]
fn score(p: Partly) -> i64 {
    let s = match p.s {
        None => 5,
        Some(Sign::Minus) => 6,
        Some(Sign::Zero) => 7,
        Some(Sign::Plus) => 8,
    };
    let v = match p.v {
        None => 1,
        Some(_) => 2,
    };
    let nested = match p.nested {
        None => 100,
        Some(None) => 200,
        Some(Some(false)) => 300,
        Some(Some(true)) => 400,
    };
    let pair = match p.pair {
        Some((true, c)) => c as i64,
        Some((false, _)) => 1000,
        None => 2000,
    };
    p.a as i64 + p.b as i64 + p.nz.get() as i64 + p.c as i64 + s + v + nested + pair
}

#[jit]
fn layouts(driver: &JitDriver<'_>, packed: &mut Packed, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    let mut p = partly(n);
    loop {
        jit_merge_point!(driver, greens = [], reds = [packed, n, acc, p]);
        if n == 0 {
            return acc;
        }
        acc += score(p);
        packed.b += n as u64;
        packed.c = !packed.c;
        packed.d = packed.d * 0.5 + packed.b as f64;
        if packed.c {
            acc += packed.d as i64;
        }
        let copy = *packed;
        acc += copy.a as i64 + copy.b as i64;
        p = partly(n);
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [packed, n, acc, p]);
    }
}

#[test]
fn types_with_holes_and_niches() {
    oracle::check(THRESHOLDS, |d| layouts(d, &mut Packed { a: 1, b: 2, c: true, d: 0.5 }, 100));
}

// Elidable functions that answer references

struct Table {
    rows: Vec<Box<i64>>,
}

#[elidable]
fn row(table: &Table, at: usize) -> &i64 {
    &table.rows[at]
}

#[jit]
fn rows(driver: &JitDriver<'_>, table: &Table, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [table, n, acc]);
        if n == 0 {
            return acc;
        }
        let known = promote(table);
        acc += *row(known, 0);
        n -= 1;
        can_enter_jit!(driver, greens = [], reds = [table, n, acc]);
    }
}

#[test]
fn an_elidable_function_answers_a_reference_to_what_is_gone() {
    oracle::check(THRESHOLDS, |d| {
        let mut table = Table { rows: vec![Box::new(5)] };
        let first = rows(d, &table, 20);
        let kept = Box::new(1);
        table.rows[0] = Box::new(7);
        drop(kept);
        let trash = vec![Box::new(123456789); 10];
        let second = rows(d, &table, 20);
        drop(trash);
        (first, second)
    });
}

// Freeing while recording

thread_local! {
    static DRIVER: RefCell<Option<Rc<JitDriver<'static>>>> = const { RefCell::new(None) };
}

#[dont_look_inside]
fn release() {
    if let Some(driver) = DRIVER.with_borrow(|d| d.clone()) {
        driver.release_all();
    }
}

#[jit]
fn nested_loops(driver: &JitDriver<'_>, n: i64) -> i64 {
    let mut pc = 0u8;
    let mut n = n;
    let mut k = 0i64;
    let mut acc = 0i64;
    loop {
        jit_merge_point!(driver, greens = [pc], reds = [n, k, acc]);
        match pc {
            0 => {
                k = 5;
                release();
                pc = 1;
            }
            1 => {
                acc = acc.wrapping_mul(3) + k;
                k -= 1;
                if k > 0 {
                    can_enter_jit!(driver, greens = [pc], reds = [n, k, acc]);
                    continue;
                }
                pc = 2;
            }
            _ => {
                release();
                n -= 1;
                if n == 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc], reds = [n, k, acc]);
            }
        }
    }
}

#[test]
fn all_code_is_freed_while_a_loop_is_recorded() {
    for jit in backends() {
        for params in THRESHOLDS {
            let driver = Rc::new(driver(jit, params));
            DRIVER.set(Some(driver.clone()));
            let res = nested_loops(&driver, 60);
            DRIVER.set(None);
            assert_eq!(res, nested_loops(&oracle::driver(Jit::Off, ""), 60));
        }
    }
}

// An interpreter in a thread-local's destructor

struct AtExit(Rc<Cell<i64>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        let d = driver(Jit::Llgraph, "threshold=2,trace_eagerness=2");
        let mut slots = Slots { a: None, b: None };
        self.0.set(owning(&d, &mut slots, 50));
    }
}

#[test]
fn a_destructor_of_a_thread_runs_a_program() {
    thread_local! {
        static LATE: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    }
    std::thread::spawn(|| {
        LATE.set(Some(AtExit(Rc::new(Cell::new(0)))));
        let d = driver(Jit::Llgraph, "threshold=2,trace_eagerness=2");
        let mut slots = Slots { a: None, b: None };
        owning(&d, &mut slots, 50);
    })
    .join()
    .unwrap();
}

// The same portal, the same state, from a residual call

struct Deep {
    n: i64,
    depth: i64,
    log: Vec<i64>,
}

#[jit]
impl Deep {
    #[dont_look_inside]
    fn again(&mut self, driver: &JitDriver<'_>) {
        self.depth += 1;
        if self.depth < 5 {
            let n = std::mem::replace(&mut self.n, 7);
            self.run(driver);
            self.n = n;
        }
        self.depth -= 1;
    }

    fn run(&mut self, driver: &JitDriver<'_>) {
        loop {
            jit_merge_point!(driver, greens = [], reds = [self, driver]);
            if self.n == 0 {
                return;
            }
            self.log.push(self.n);
            if self.n % 5 == 0 {
                self.again(driver);
                self.log.shrink_to_fit();
            }
            self.n -= 1;
            can_enter_jit!(driver, greens = [], reds = [self, driver]);
        }
    }
}

#[test]
fn a_residual_call_runs_the_same_state() {
    oracle::check(THRESHOLDS, |d| {
        let mut deep = Deep { n: 40, depth: 0, log: vec![] };
        deep.run(d);
        deep.log
    });
}
