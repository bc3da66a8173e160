//! Programs that are green by `Rc` or `Arc`, and dropped while their driver lives on, as in a REPL.
//!
//! Programs are of one size, so that the allocator gives the place of one that is gone to the next. Each
//! does something else; code that outlived its program would be seen at once. Drops are counted: they
//! happen when they happen without the JIT.

use jit_tests::oracle::{backends, driver};
use jitdriver::{Jit, JitDriver, Stats, dont_look_inside, jit, jit_merge_point};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

thread_local! {
    static DROPPED: Cell<u64> = const { Cell::new(0) };
}

struct Program {
    code: [u8; 8],
}

impl Drop for Program {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

/// Adds `amount` to the accumulator, decrements the counter, jumps back while that is positive.
fn adding(amount: u8) -> Program {
    Program { code: [b'a', amount, b'-', b'j', 0, b'.', 0, 0] }
}

/// The same, and takes one of two ways in turn: a loop and a bridge, which become a region.
fn branching(amount: u8) -> Program {
    Program { code: [b'a', amount, b'o', b'-', b'j', 0, b'.', 0] }
}

/// The same, and runs the other program in each lap.
fn calling(amount: u8) -> Program {
    Program { code: [b'a', amount, b'c', b'-', b'j', 0, b'.', 0] }
}

/// What is called: adds and returns.
fn called(amount: u8) -> Program {
    Program { code: [b'a', amount, b'r', 0, 0, 0, 0, 0] }
}

macro_rules! machine {
    ($machine:ident, $rc:ident) => {
        struct $machine {
            program: $rc<Program>,
            other: $rc<Program>,
            pc: usize,
            other_pc: usize,
            acc: i64,
            n: i64,
        }

        #[jit]
        impl $machine {
            #[dont_look_inside]
            fn new(program: Program, other: &$rc<Program>, n: i64) -> $machine {
                let (program, other) = ($rc::new(program), $rc::clone(other));
                $machine { program, other, pc: 0, other_pc: 0, acc: 0, n }
            }

            fn fetch(&mut self) -> u8 {
                let byte = self.program.code[self.pc];
                self.pc += 1;
                byte
            }

            #[dont_look_inside]
            fn switch(&mut self) {
                std::mem::swap(&mut self.program, &mut self.other);
                std::mem::swap(&mut self.pc, &mut self.other_pc);
            }

            fn run(&mut self, driver: &JitDriver<'_>) -> i64 {
                loop {
                    jit_merge_point!(driver, greens = [self.pc, self.program], reds = [self]);
                    match self.fetch() {
                        b'a' => self.acc += self.fetch() as i64,
                        b'-' => self.n -= 1,
                        b'o' => {
                            if self.n % 2 == 1 {
                                self.acc = (self.acc * 3) % 1000;
                            }
                        }
                        b'j' => {
                            let target = self.fetch() as usize;
                            if self.n > 0 {
                                self.pc = target;
                            }
                        }
                        b'c' => {
                            self.other_pc = 0;
                            self.switch();
                        }
                        b'r' => self.switch(),
                        _ => return self.acc,
                    }
                }
            }
        }
    };
}

machine! { Machine, Rc }
machine! { SharedMachine, Arc }

/// What can be seen of a session: results and drops, program by program.
type Session = Vec<(i64, u64)>;

fn session(driver: &JitDriver<'_>, n_programs: u8) -> Session {
    DROPPED.set(0);
    let other = Rc::new(called(3));
    let run = |amount: u8| {
        let program = [calling, branching, adding][amount as usize % 3](amount);
        let result = Machine::new(program, &other, 40).run(driver);
        (result, DROPPED.get())
    };
    (0..n_programs).map(run).collect()
}

fn shared_session(driver: &JitDriver<'_>, n_programs: u8) -> Session {
    DROPPED.set(0);
    let run = |amount: u8| {
        let other = Arc::new(called(amount / 2));
        let program = if amount.is_multiple_of(2) { calling(amount) } else { adding(amount) };
        let result = SharedMachine::new(program, &other, 40).run(driver);
        (result, DROPPED.get())
    };
    (0..n_programs).map(run).collect()
}

const SESSIONS: [fn(&JitDriver<'_>, u8) -> Session; 2] = [session, shared_session];

/// Runs sessions in every mode; answers the statistics after 20 programs and after all.
#[track_caller]
fn check(params: &[&str], n_programs: u8) -> Vec<(Stats, Stats)> {
    let mut stats = Vec::new();
    for session in SESSIONS {
        let plain = session(&driver(Jit::Off, ""), n_programs);
        for params in params {
            for jit in backends() {
                let driver = driver(jit, params);
                session(&driver, 20);
                let early = driver.stats();
                assert_eq!(session(&driver, n_programs), plain, "{jit} with `{params}`");
                let late = driver.stats();
                assert_eq!(late.aborted(), 0, "{jit} with `{params}`:\n{late}");
                stats.push((early, late));
            }
        }
    }
    stats
}

#[test]
fn code_is_freed_with_its_program() {
    let params = ["threshold=1,trace_eagerness=2,region_threshold=2", "threshold=3"];
    let mut n_regions = 0;
    for (early, late) in check(&params, 200) {
        assert!(late.loops >= 200 && late.freed >= 190, "{late}");
        // What is held is what a few programs need.
        assert!(late.code_bytes <= 2 * early.code_bytes.max(1), "{early}\n{late}");
        assert!(late.loops + late.bridges - late.freed <= 40, "{late}");
        n_regions += late.regions;
    }
    // What was compiled together is freed together.
    assert!(n_regions > 50 || !cfg!(feature = "cranelift"), "{n_regions} regions");
}

// A program may be dropped while it is being compiled.
#[test]
fn so_is_code_that_is_compiled_in_the_background() {
    let params = "threshold=1,trace_eagerness=2,region_threshold=2,background=1";
    for session in SESSIONS {
        let plain = session(&driver(Jit::Off, ""), 200);
        for jit in backends() {
            let driver = driver(jit, params);
            assert_eq!(session(&driver, 200), plain, "{jit}");
            // How much is compiled meanwhile depends on what else the machine does.
            for _ in 0..50 {
                driver.wait_for_background();
                assert_eq!(session(&driver, 200), plain, "{jit}");
                if driver.stats().loops >= 10 {
                    break;
                }
            }
            let stats = driver.stats();
            assert!(stats.loops >= 10, "{jit}: {stats}");
            assert!(stats.loops + stats.bridges - stats.freed <= 60, "{jit}: {stats}");
        }
    }
}

#[test]
fn code_of_programs_that_are_alive_is_kept() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3");
        let other = Rc::new(called(3));
        let mut kept = Machine::new(adding(7), &other, 40);
        assert_eq!(kept.run(&driver), 280);
        let (tracings, entered) = (driver.stats().tracings, driver.stats().entered);
        for amount in 0..50 {
            let program = adding(amount);
            assert_eq!(Machine::new(program, &other, 40).run(&driver), 40 * amount as i64);
        }
        assert!(driver.stats().freed >= 40, "{}", driver.stats());
        let before = driver.stats();
        (kept.pc, kept.acc, kept.n) = (0, 0, 40);
        assert_eq!(kept.run(&driver), 280);
        let after = driver.stats();
        assert_eq!(after.tracings, before.tracings, "recorded again");
        assert_eq!(after.entered, before.entered + entered, "{after}");
        assert!(tracings >= 1);
    }
}

/// An interpreter whose programs make, run and drop programs.
struct Nested<'d> {
    driver: &'d JitDriver<'static>,
    program: Rc<[u8]>,
    pc: usize,
    acc: i64,
    n: i64,
}

#[jit]
impl<'d> Nested<'d> {
    #[dont_look_inside]
    fn eval(&mut self) {
        let code = [b'a', self.n as u8, b'-', b'j', b'.'];
        let mut inner = Nested { driver: self.driver, program: code.into(), pc: 0, acc: 0, n: 9 };
        inner.run();
        self.acc += inner.acc;
    }

    fn run(&mut self) {
        loop {
            jit_merge_point!(self.driver, greens = [self.pc, self.program], reds = [self]);
            let op = self.program[self.pc];
            self.pc += 1;
            match op {
                b'a' => {
                    self.acc += self.program[self.pc] as i64;
                    self.pc += 1;
                }
                b'-' => self.n -= 1,
                b'e' => self.eval(),
                b'j' => {
                    if self.n > 0 {
                        self.pc = 0;
                    }
                }
                _ => return,
            }
        }
    }
}

/// Programs go while code of another one runs: theirs is freed, what runs is not.
#[test]
fn code_that_runs_is_not_freed() {
    let run = |driver: &JitDriver<'static>| {
        let program = [b'e', b'-', b'j', b'.'].into();
        let mut outer = Nested { driver, program, pc: 0, acc: 0, n: 200 };
        outer.run();
        outer.acc
    };
    let plain = run(&driver(Jit::Off, ""));
    for params in ["threshold=1,region_threshold=1", "threshold=3,trace_eagerness=2"] {
        for jit in backends() {
            let driver = driver(jit, params);
            assert_eq!(run(&driver), plain, "{jit} with `{params}`");
            let stats = driver.stats();
            assert_eq!(stats.aborted(), 0, "{stats}");
            assert!(stats.loops >= 150 && stats.freed >= 140, "{stats}");
        }
    }
}

/// What a driver keeps goes with it.
#[test]
fn a_driver_keeps_no_program_alive() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3");
        DROPPED.set(0);
        let mut machine = Machine::new(adding(2), &Rc::new(called(1)), 40);
        machine.run(&driver);
        let program = Rc::downgrade(&machine.program);
        assert_eq!((Rc::weak_count(&machine.program), driver.stats().loops), (2, 1));
        drop(machine);
        assert_eq!((DROPPED.get(), program.strong_count()), (2, 0));
        drop(driver);
    }
    let driver = driver(Jit::Llgraph, "threshold=3");
    let mut machine = Machine::new(adding(2), &Rc::new(called(1)), 40);
    machine.run(&driver);
    drop(driver);
    assert_eq!(Rc::weak_count(&machine.program), 0);
    // As long as there is code for a program, nobody changes it in place.
    assert!(Rc::get_mut(&mut machine.program).is_some());
}

/// The program is borrowed, for the call only; what is green is the `Rc` behind the reference.
#[jit]
fn run_borrowed(driver: &JitDriver<'_>, program: &Rc<Program>, n: i64) -> i64 {
    let mut pc = 0;
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, *program], reds = [program, n, acc]);
        let op = program.code[pc];
        pc += 1;
        match op {
            b'a' => {
                acc += program.code[pc] as i64;
                pc += 1;
            }
            b'-' => n -= 1,
            b'j' => {
                if n > 0 {
                    pc = program.code[pc] as usize;
                } else {
                    pc += 1;
                }
            }
            _ => return acc,
        }
    }
}

#[test]
fn a_program_may_be_borrowed_for_the_call() {
    for jit in backends() {
        let driver = driver(jit, "threshold=3");
        for amount in 0..60 {
            let program = Rc::new(adding(amount));
            assert_eq!(run_borrowed(&driver, &program, 50), 50 * amount as i64);
        }
        let stats = driver.stats();
        assert!(stats.loops == 60 && stats.freed >= 50 && stats.aborted() == 0, "{stats}");
        // The program's text is known: an addition of a constant.
        let compiled = driver.compiled();
        let trace = &compiled.last().expect("the last program is alive").optimized;
        let (_, lap) = trace.rsplit_once("= label(").expect("a loop");
        assert!(lap.contains(", 59)") && !lap.contains(" = get"), "{trace}");
    }
}
