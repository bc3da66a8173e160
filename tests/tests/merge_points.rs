//! Merge points as interpreters need them: where the program counter is, what the loop stands in, and
//! what the portal is.
//!
//! Every form is a small interpreter that runs plain and under every backend at several thresholds. What
//! was compiled is asserted too: a green that is not known costs a guard or a load in every lap.

use jit_tests::oracle::{Counts, RPYTHON, Run, THRESHOLDS, check, check_counts};
use jitdriver::{
    JitDriver, can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, promote,
};
use std::cell::RefCell;

const ONE_LOOP: Counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };

/// Adds `n` to the accumulator, decrements it, jumps back to 0 while it is positive.
const PROGRAM: [u8; 5] = [b'a', b'-', b'j', 0, b'.'];

/// Asserts that every lap of the only loop knows where it is: nothing is promoted, and the program's
/// text is not read.
#[track_caller]
fn knows_its_greens(run: &Run) {
    assert_eq!(run.counts(), ONE_LOOP, "{run}");
    assert_eq!(run.stats.residual_calls, 0, "{run}");
    assert_eq!(run.count("guard_value"), 0, "{run}");
    assert_eq!(run.count("getarrayitem"), 0, "{run}");
}

struct Vm<'p> {
    code: &'p [u8],
    pc: usize,
    acc: i64,
    n: i64,
}

#[jit]
impl<'p> Vm<'p> {
    fn new(code: &'p [u8], n: i64) -> Vm<'p> {
        Vm { code, pc: 0, acc: 0, n }
    }

    fn fetch(&mut self) -> u8 {
        let byte = self.code[self.pc];
        self.pc += 1;
        byte
    }

    /// A portal that is a method, with its program counter in a field.
    fn run(&mut self, driver: &JitDriver<'p>) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc, self.code], reds = [self]);
            match self.fetch() {
                b'a' => self.acc += self.n,
                b'-' => self.n -= 1,
                b'j' => {
                    let target = self.fetch() as usize;
                    if self.n > 0 {
                        self.pc = target;
                        can_enter_jit!(driver, greens = [self.pc, self.code], reds = [self]);
                    }
                }
                _ => return self.acc,
            }
        }
    }

    /// The same without `can_enter_jit!`.
    fn run_alone(&mut self, driver: &JitDriver<'p>) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc, self.code], reds = [self]);
            match self.fetch() {
                b'a' => self.acc += self.n,
                b'-' => self.n -= 1,
                b'j' => {
                    let target = self.fetch() as usize;
                    if self.n > 0 {
                        self.pc = target;
                    }
                }
                _ => return self.acc,
            }
        }
    }

    /// One instruction; false at the end.
    fn step(&mut self) -> bool {
        match self.fetch() {
            b'a' => self.acc += self.n,
            b'-' => self.n -= 1,
            b'j' => {
                let target = self.fetch() as usize;
                if self.n > 0 {
                    self.pc = target;
                }
            }
            _ => return false,
        }
        true
    }
}

#[test]
fn a_field_of_self_is_green() {
    for run in check(THRESHOLDS, |d| Vm::new(&PROGRAM, 3000).run(d)) {
        knows_its_greens(&run);
        // Where the machine is comes round with none of the laps: only itself, and its two numbers.
        let mut lines = run.compiled[0].optimized.lines().rev();
        let carried = lines.find_map(|line| Some(line.split_once(" = label(")?.0)).expect("a loop");
        assert_eq!(carried.split(", ").count(), 3, "{run}");
    }
}

#[test]
fn b005_a_merge_point_alone() {
    for run in check(THRESHOLDS, |d| Vm::new(&PROGRAM, 3000).run_alone(d)) {
        knows_its_greens(&run);
    }
    // One lap earlier than with `can_enter_jit!`: the first arrival counts.
    let counts = |n| Counts { tracings: n, loops: n, ..ONE_LOOP };
    for (laps, n) in [(2, 0), (3, 1)] {
        let params = format!("{RPYTHON},entry_cost=0");
        check_counts(&params, counts(n), |d| Vm::new(&PROGRAM, laps).run_alone(d));
        check_counts(RPYTHON, counts(0), |d| Vm::new(&PROGRAM, laps).run(d));
    }
}

/// The loop is in the caller of the instruction function.
#[jit]
fn drive<'p>(driver: &JitDriver<'p>, vm: &mut Vm<'p>) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc, vm.code], reds = [vm]);
        if !vm.step() {
            return vm.acc;
        }
    }
}

/// The same, and the step is the loop's condition.
#[jit]
fn drive_while<'p>(driver: &JitDriver<'p>, vm: &mut Vm<'p>) -> i64 {
    while vm.step() {
        jit_merge_point!(driver, greens = [vm.pc, vm.code], reds = [vm]);
    }
    vm.acc
}

/// The same, with statements before the merge point.
#[jit]
fn drive_counting<'p>(driver: &JitDriver<'p>, vm: &mut Vm<'p>) -> i64 {
    let mut steps = 0;
    loop {
        const ONE: i64 = 1;
        steps += ONE;
        jit_merge_point!(driver, greens = [vm.pc, vm.code], reds = [vm, steps]);
        if !vm.step() {
            return vm.acc * 1_000_000 + steps;
        }
    }
}

#[test]
fn the_loop_may_be_in_the_caller() {
    let drives: [for<'p> fn(&JitDriver<'p>, &mut Vm<'p>) -> i64; 3] =
        [drive, drive_while, drive_counting];
    for drive in drives {
        for run in check(THRESHOLDS, |d| drive(d, &mut Vm::new(&PROGRAM, 3000))) {
            knows_its_greens(&run);
        }
    }
}

/// A budget in the embedding loop, which the JIT must not overrun.
#[jit]
fn drive_with_budget<'p>(driver: &JitDriver<'p>, vm: &mut Vm<'p>, budget: u32) -> bool {
    let mut left = budget;
    loop {
        jit_merge_point!(driver, greens = [vm.pc, vm.code], reds = [vm, left]);
        if left == 0 {
            return true;
        }
        left -= 1;
        if !vm.step() {
            return false;
        }
    }
}

#[test]
fn a_budget_is_kept_exactly() {
    let runs = check(THRESHOLDS, |d| {
        let mut vm = Vm::new(&PROGRAM, 3000);
        let mut seen = Vec::new();
        while drive_with_budget(d, &mut vm, 997) {
            seen.push((vm.pc, vm.acc, vm.n));
        }
        (seen, vm.acc)
    });
    for run in runs {
        assert!(run.stats.loops >= 1 && run.stats.aborted() == 0, "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

/// The program counter is an element of an array of registers, as in a register machine.
struct Cpu {
    regs: [u32; 16],
}

const PC: usize = 11;

#[jit]
fn run_cpu<'p>(driver: &JitDriver<'p>, cpu: &mut Cpu, rom: &'p [u8]) -> u32 {
    loop {
        jit_merge_point!(driver, greens = [cpu.regs[11] as usize, rom], reds = [cpu]);
        let op = rom[cpu.regs[PC] as usize];
        cpu.regs[PC] += 1;
        match op {
            b'a' => cpu.regs[0] = cpu.regs[0].wrapping_add(cpu.regs[1]),
            b'-' => cpu.regs[1] -= 1,
            b'j' => {
                let target = rom[cpu.regs[PC] as usize];
                cpu.regs[PC] += 1;
                if cpu.regs[1] > 0 {
                    cpu.regs[PC] = target as u32;
                }
            }
            _ => return cpu.regs[0],
        }
    }
}

#[test]
fn an_element_of_an_array_is_green() {
    let runs = check(THRESHOLDS, |d| {
        let mut cpu = Cpu { regs: [0; 16] };
        cpu.regs[1] = 3000;
        let result = run_cpu(d, &mut cpu, &PROGRAM);
        (result, cpu.regs)
    });
    for run in runs {
        knows_its_greens(&run);
    }
}

/// Registers behind references and boxes.
struct Registers<'a> {
    pc: &'a mut u16,
    file: Box<[i64; 2]>,
}

#[jit]
fn run_deref<'p>(driver: &JitDriver<'p>, registers: &mut Registers<'_>, rom: &'p [u8]) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [*registers.pc, rom], reds = [registers]);
        let op = rom[*registers.pc as usize];
        *registers.pc += 1;
        match op {
            b'a' => registers.file[0] += registers.file[1],
            b'-' => registers.file[1] -= 1,
            b'j' => {
                let target = rom[*registers.pc as usize];
                *registers.pc += 1;
                if registers.file[1] > 0 {
                    *registers.pc = target as u16;
                }
            }
            _ => return registers.file[0],
        }
    }
}

#[test]
fn what_a_reference_refers_to_is_green() {
    let runs = check(THRESHOLDS, |d| {
        let mut pc = 0;
        let mut registers = Registers { pc: &mut pc, file: Box::new([0, 3000]) };
        let result = run_deref(d, &mut registers, &PROGRAM);
        (result, *registers.file, pc)
    });
    for run in runs {
        assert!(run.stats.loops == 1 && run.stats.aborted() == 0, "{run}");
    }
}

struct Frame<'p> {
    index: usize,
    code: &'p [u8],
}

/// The frame is shared and mutable, as frames that closures capture are.
#[jit]
fn run_shared<'p>(driver: &JitDriver<'p>, frame: &RefCell<Frame<'p>>, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(
            driver,
            greens = [frame.borrow().index, frame.borrow().code],
            reds = [frame, n, acc]
        );
        match next(frame) {
            b'a' => acc += n,
            b'-' => n -= 1,
            b'j' => {
                let target = next(frame);
                if n > 0 {
                    jump(frame, target);
                }
            }
            _ => return acc,
        }
    }
}

fn next(frame: &RefCell<Frame<'_>>) -> u8 {
    let mut frame = frame.borrow_mut();
    frame.index += 1;
    frame.code[frame.index - 1]
}

fn jump(frame: &RefCell<Frame<'_>>, target: u8) {
    frame.borrow_mut().index = target as usize;
}

#[test]
fn a_borrowed_cell_is_green() {
    let runs = check(THRESHOLDS, |d| {
        let frame = RefCell::new(Frame { index: 0, code: &PROGRAM });
        let result = run_shared(d, &frame, 3000);
        (result, frame.borrow().index)
    });
    for run in runs {
        assert!(run.stats.loops == 1 && run.stats.aborted() == 0, "{run}");
    }
}

/// What differs between two instances of a generic portal.
trait Step {
    fn amount(&self) -> i64;
}

struct One;
struct Two(i64);

#[jit]
impl One {
    #[allow(dead_code, reason = "the trait's method calls it in traces")]
    fn one(&self) -> i64 {
        1
    }
}

impl Step for One {
    fn amount(&self) -> i64 {
        self.one()
    }
}

impl Step for Two {
    fn amount(&self) -> i64 {
        self.0
    }
}

#[jit]
fn count<'p, S: Step, const N: i64>(driver: &JitDriver<'p>, rom: &'p [u8], step: &S) -> i64 {
    let mut pc = 0;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, rom], reds = [step, acc]);
        match rom[pc] {
            b'a' => acc += step.amount(),
            b'j' => {
                if acc < N {
                    pc = 0;
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

/// A trait with a portal in it.
trait Machine<'p> {
    fn interpret(&mut self, driver: &JitDriver<'p>) -> i64;
}

struct Stepper<'p, S> {
    rom: &'p [u8],
    pc: usize,
    acc: i64,
    step: S,
}

#[jit]
impl<'p, S: Step> Machine<'p> for Stepper<'p, S> {
    fn interpret(&mut self, driver: &JitDriver<'p>) -> i64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc, self.rom], reds = [self]);
            match self.rom[self.pc] {
                b'a' => self.acc += self.step.amount(),
                b'j' => {
                    if self.acc < 3000 {
                        self.pc = 0;
                        continue;
                    }
                }
                _ => return self.acc,
            }
            self.pc += 1;
        }
    }
}

const COUNT: &[u8] = b"aj.";

#[test]
fn a_portal_may_be_generic() {
    for run in check(THRESHOLDS, |d| count::<_, 3001>(d, COUNT, &Two(2))) {
        assert_eq!((run.counts(), run.stats.residual_calls), (ONE_LOOP, 1), "{run}");
    }
    for run in check(THRESHOLDS, |d| count::<_, 2000>(d, COUNT, &One)) {
        assert_eq!(run.counts(), ONE_LOOP, "{run}");
    }
}

#[test]
fn a_portal_may_be_a_method_of_a_trait() {
    let runs = check(THRESHOLDS, |d| {
        let mut stepper = Stepper { rom: COUNT, pc: 0, acc: 0, step: Two(2) };
        let machine: &mut dyn Machine<'_> = &mut stepper;
        (machine.interpret(d), stepper.acc, stepper.pc)
    });
    for run in runs {
        assert_eq!((run.counts(), run.stats.residual_calls), (ONE_LOOP, 1), "{run}");
    }
}

/// Each instance of a generic portal is a portal: they must not run each other's code.
#[test]
fn instances_of_a_generic_portal_do_not_share_a_driver() {
    for jit in jit_tests::oracle::backends() {
        let driver = jit_tests::oracle::driver(jit, "threshold=2");
        assert_eq!(count::<_, 100>(&driver, COUNT, &One), 100);
        let error = jit_tests::oracle::outcome(|| count::<_, 200>(&driver, COUNT, &One));
        assert!(error.as_ref().is_err_and(|it| it.contains("two portals share")), "{error:?}");
    }
}

/// An interpreter that owns its driver, and runs another one with its own.
struct Host<'p> {
    driver: JitDriver<'p>,
    guest: JitDriver<'p>,
    rom: &'p [u8],
    pc: usize,
    laps: i64,
    sum: i64,
}

#[jit]
impl<'p> Host<'p> {
    fn run(&mut self) -> i64 {
        loop {
            jit_merge_point!(self.driver, greens = [self.pc, self.rom], reds = [self]);
            match self.rom[self.pc] {
                b'a' => self.sum += self.run_guest(self.laps),
                b'j' => {
                    self.laps -= 1;
                    if self.laps > 0 {
                        self.pc = 0;
                        continue;
                    }
                }
                _ => return self.sum,
            }
            self.pc += 1;
        }
    }

    #[dont_look_inside]
    fn run_guest(&self, n: i64) -> i64 {
        Vm::new(&PROGRAM, n).run_alone(&self.guest)
    }
}

#[test]
fn portals_with_drivers_of_their_own_nest() {
    let plain = {
        let off = |_| jit_tests::oracle::driver(jitdriver::Jit::Off, "");
        Host { driver: off(0), guest: off(1), rom: COUNT, pc: 0, laps: 60, sum: 0 }.run()
    };
    for jit in jit_tests::oracle::backends() {
        for params in ["threshold=1", "threshold=3", "threshold=20", ""] {
            let on = || jit_tests::oracle::driver(jit, params);
            let mut host = Host { driver: on(), guest: on(), rom: COUNT, pc: 0, laps: 60, sum: 0 };
            assert_eq!(host.run(), plain, "{jit} with `{params}`");
            let (outer, inner) = (host.driver.stats(), host.guest.stats());
            assert_eq!((outer.aborted(), inner.aborted()), (0, 0), "{outer}\n{inner}");
            if !params.is_empty() {
                assert_eq!((outer.loops, inner.loops), (1, 1), "{jit} with `{params}`");
            }
        }
    }
}

/// The program counter is a raw pointer into the program's text.
struct Raw {
    ip: *const u8,
    start: *const u8,
    acc: i64,
    n: i64,
}

#[elidable]
fn next_of(ip: *const u8) -> *const u8 {
    ip.wrapping_add(1)
}

#[jit]
fn run_raw(driver: &JitDriver<'_>, raw: &mut Raw) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [raw.ip], reds = [raw]);
        // SAFETY: the program ends with a full stop, which is not passed.
        let op = promote(unsafe { *raw.ip });
        raw.ip = next_of(raw.ip);
        match op {
            b'a' => raw.acc += raw.n,
            b'-' => raw.n -= 1,
            b'j' => {
                if raw.n > 0 {
                    raw.ip = raw.start;
                }
            }
            _ => return raw.acc,
        }
    }
}

#[test]
fn b019_a_raw_pointer_is_green() {
    const PROGRAM: &[u8; 4] = b"a-j.";
    let runs = check(THRESHOLDS, |d| {
        let start = PROGRAM.as_ptr();
        let mut raw = Raw { ip: start, start, acc: 0, n: 3000 };
        (run_raw(d, &mut raw), raw.ip.addr() - start.addr())
    });
    for run in runs {
        assert_eq!((run.counts(), run.stats.residual_calls), (ONE_LOOP, 0), "{run}");
        // One for each opcode, since what a raw pointer points to may change, and one for the pointer that
        // is loaded from `start`.
        assert_eq!(run.count("guard_value"), 4, "{run}");
    }
}

/// Programs in memory that they can write to: the opcode is read and promoted.
struct Guest {
    ram: [u8; 32],
    pc: u8,
    acc: u32,
}

#[jit]
impl Guest {
    fn fetch(&mut self) -> u8 {
        let byte = self.ram[self.pc as usize % 32];
        self.pc = self.pc.wrapping_add(1);
        byte
    }

    fn run(&mut self, driver: &JitDriver<'_>, fuel: u32) -> u32 {
        let mut fuel = fuel;
        while fuel > 0 {
            jit_merge_point!(driver, greens = [self.pc], reds = [self, fuel]);
            fuel -= 1;
            match promote(self.fetch()) {
                0 => break,
                1 => self.acc = self.acc.wrapping_mul(3).wrapping_add(1),
                2 => self.pc = self.fetch(),
                3 => {
                    // Rewrites the program.
                    let at = self.fetch();
                    self.ram[at as usize % 32] = self.acc as u8 % 5;
                }
                _ => self.acc ^= 0x55,
            }
        }
        self.acc
    }
}

#[test]
fn a_program_that_changes_itself() {
    let mut random = 1u32;
    for _ in 0..20 {
        let ram = std::array::from_fn(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Few ends, many rewrites and jumps.
            [1, 2, 3, 4, 1, 2, 3, (random >> 8) as u8 % 40][(random >> 24) as usize % 8]
        });
        check(THRESHOLDS, |d| {
            let mut guest = Guest { ram, pc: 0, acc: 1 };
            (guest.run(d, 5000), guest.ram, guest.pc)
        });
    }
}

/// Why a machine stops.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fault {
    at: usize,
}

/// Executes one instruction a call; the loop is in code that knows nothing of a JIT.
#[jit]
impl<'p> Vm<'p> {
    fn try_step(&mut self, driver: &JitDriver<'p>) -> Result<bool, Fault> {
        jit_merge_point!(driver, greens = [self.pc, self.code], reds = [self], again = Ok(true));
        match self.fetch() {
            b'a' => self.acc += self.n,
            b'-' => {
                self.n -= 1;
                return Ok(true);
            }
            b'j' => {
                let target = self.fetch() as usize;
                if self.n > 0 {
                    self.pc = target;
                }
            }
            b'.' => return Ok(false),
            _ => return Err(Fault { at: self.pc }),
        }
        Ok(true)
    }

    fn step_while(&mut self, driver: &JitDriver<'p>) -> bool {
        jit_merge_point!(driver, greens = [self.pc, self.code], reds = [self], again = true);
        if self.n > 1000 && self.pc == 0 {
            self.n -= 1;
            true
        } else {
            match self.fetch() {
                b'a' => {
                    self.acc += self.n;
                    true
                }
                b'-' => {
                    self.n -= 1;
                    true
                }
                b'j' => {
                    let target = self.fetch() as usize;
                    if self.n > 0 {
                        self.pc = target;
                    }
                    true
                }
                _ => false,
            }
        }
    }
}

fn run_steps<'p>(driver: &JitDriver<'p>, vm: &mut Vm<'p>) -> Result<i64, Fault> {
    while vm.try_step(driver)? {}
    Ok(vm.acc)
}

#[test]
fn b007_the_loop_may_be_in_code_that_is_not_annotated() {
    for run in check(THRESHOLDS, |d| run_steps(d, &mut Vm::new(&PROGRAM, 3000))) {
        knows_its_greens(&run);
    }
    let runs = check(THRESHOLDS, |d| {
        let mut vm = Vm::new(&PROGRAM, 4000);
        while vm.step_while(d) {}
        (vm.acc, vm.n, vm.pc)
    });
    for run in runs {
        assert!(run.stats.loops >= 1 && run.stats.aborted() == 0, "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
    let faulty = [b'a', b'-', b'j', 0, b'?'];
    check(THRESHOLDS, |d| {
        let mut vm = Vm::new(&faulty, 3000);
        (run_steps(d, &mut vm), vm.pc, vm.acc)
    });
}

/// A loop that calls a function in each lap: both are code of the program.
#[jit]
fn run_calls<'p>(driver: &JitDriver<'p>, main: &'p [u8], callee: &'p [u8], n: i64) -> i64 {
    let (mut code, mut pc, mut back) = (main, 0usize, 0usize);
    let (mut left, mut acc) = (n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [left, acc, back, main, callee]);
        match code[pc] {
            b'+' => acc = acc.wrapping_mul(3) ^ left,
            b'c' => {
                back = pc + 1;
                pc = 0;
                code = callee;
                continue;
            }
            b'r' => {
                pc = back;
                code = main;
                continue;
            }
            _ => {
                left -= 1;
                if left <= 0 {
                    return acc;
                }
                pc = 1;
                continue;
            }
        }
        pc += 1;
    }
}

/// The program counter at which the first trace starts.
#[track_caller]
fn first_start(run: &Run) -> u32 {
    let start = run.compiled[0].optimized.split("merge_point 0 = [").nth(1);
    let words = start.unwrap_or_else(|| panic!("no merge point: {run}"));
    words.split(',').next().and_then(|pc| pc.parse().ok()).expect("a number")
}

#[test]
fn b009_loops_go_before_the_functions_that_they_call() {
    // What follows keeps them so far from each other as programs are.
    let far = |text: &[u8]| [text, &[b' '; 100][..]].concat();
    let (main, callee) = (far(b"++c+<"), far(b"+r"));
    let runs = |params: &[&str]| check(params, |d| run_calls(d, &main, &callee, 3000));
    for run in runs(&["threshold=20", "threshold=20,function_threshold=0"]) {
        assert_eq!((first_start(&run), run.stats.loops), (1, 1), "{run}");
    }
    // A function that is called more often than it takes is recorded from its start.
    for run in runs(&["threshold=20,function_threshold=5"]) {
        assert_eq!((first_start(&run), run.stats.loops), (0, 1), "{run}");
    }
}

struct Function {
    code: Vec<u8>,
    adds: i64,
}

#[dont_look_inside]
fn changed(acc: i64) -> i64 {
    acc ^ 1
}

/// What is asked of a function before it is run, it is not green yet.
#[jit]
fn run_functions<'p>(driver: &JitDriver<'p>, functions: [&'p Function; 2], n: i64) -> i64 {
    let [main, callee] = functions;
    let (mut function, mut pc, mut back) = (main, 0usize, 0usize);
    let (mut left, mut acc) = (n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [pc, function], reds = [left, acc, back, main, callee]);
        match function.code[pc] {
            b'c' => {
                let callee = promote(callee);
                acc = changed(acc).wrapping_add(callee.adds);
                (function, back, pc) = (callee, pc + 1, 0);
                continue;
            }
            b'r' => {
                (function, pc) = (main, back);
                continue;
            }
            _ => {
                left -= 1;
                if left == 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(
                    driver,
                    greens = [pc, function],
                    reds = [left, acc, back, main, callee]
                );
            }
        }
    }
}

fn run_both<'p>(
    driver: &JitDriver<'p>,
    mains: &'p [Function; 2],
    callee: &'p Function,
) -> [i64; 2] {
    mains.each_ref().map(|main| run_functions(driver, [main, callee], 99))
}

#[test]
fn what_was_green_is_known_wherever_it_turns_up() {
    let function = |code: &[u8], adds| Function { code: code.to_vec(), adds };
    let mains = [function(b"cc<", 0), function(b"ccc<", 0)];
    let callee = function(b"r", 7);
    let params = ["threshold=20,function_threshold=0"];
    for run in check(&params, |d| run_both(d, &mains, &callee)) {
        assert_eq!((run.stats.loops, run.stats.bridges), (2, 0), "{run}");
        // At the first of all calls nobody knows the callee.
        let loads = |at: usize| jit_tests::oracle::count(&run.compiled[at], "getfield");
        assert_eq!((loads(0), loads(1)), (1, 0), "{run}");
    }
    check(THRESHOLDS, |d| run_both(d, &mains, &callee));
}
