//! The cliffs of tracing: guest programs on which tracing JITs are known to fall behind their interpreter.
//!
//! `cargo run --release -p jit-tests --bin cliffs [NAME]` prints a line for each: how many times faster than
//! the plain interpreter it runs, with compiling (`total`) and once everything is compiled (`steady`);
//! traces, recordings, and how many of those were given up. Below 0.95 steady or 0.70 in total is a cliff, and
//! marked. Plain and compiled runs are of one process, one behind the other. Programs that are compared with
//! each other run in turns, and the fastest run of each counts.
//!
//! The guest is a register machine whose registers hold integers or floats, with a stack of return
//! addresses, a memory, handlers of exceptions and one coroutine.
#![forbid(unsafe_code)]

use jitdriver::{Jit, JitDriver, Traceable, can_enter_jit, jit, jit_merge_point, promote};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
#[repr(u8)]
enum Value {
    Int(i64),
    Float(f64),
}

use Value::{Float, Int};

#[derive(Debug, Clone, Copy, Traceable)]
#[repr(u8)]
enum Op {
    /// `a = constant`.
    Set(u8, i64),
    Move(u8, u8),
    Add(u8, u8, u8),
    Mul(u8, u8, u8),
    AddImm(u8, i64),
    AndImm(u8, i64),
    /// `a = the next random number`.
    Random(u8),
    /// `a = bit c of b`.
    Bit(u8, u8, u8),
    Promote(u8),
    Load(u8, u8),
    Jump(u32),
    JumpIfZero(u8, u32),
    /// While `a < b`.
    JumpLess(u8, u8, u32),
    /// To the `a`-th of the jumps that follow.
    Switch(u8),
    Call(u32),
    Return,
    /// Goes on in the other coroutine.
    Yield,
    Throw,
    Halt,
}

use Op::{
    Add, AddImm, AndImm, Bit, Call, Halt, Jump, JumpIfZero, JumpLess, Load, Move, Mul, Promote,
    Random, Return, Set, Switch, Throw, Yield,
};

struct Machine {
    regs: [Value; 32],
    memory: Vec<i64>,
    returns: Vec<usize>,
    seed: u64,
    other: usize,
    handler: usize,
}

impl Machine {
    fn new(seed: u64, start_of_other: usize, handler: usize) -> Machine {
        Machine {
            regs: [Int(0); 32],
            memory: vec![0; 64],
            returns: Vec::with_capacity(128),
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            other: start_of_other,
            handler,
        }
    }
}

#[jit]
fn add(a: Value, b: Value) -> Value {
    match (a, b) {
        (Int(a), Int(b)) => Int(a.wrapping_add(b)),
        (Float(a), Float(b)) => Float(a + b),
        (Int(a), Float(b)) | (Float(b), Int(a)) => Float(a as f64 + b),
    }
}

#[jit]
fn mul(a: Value, b: Value) -> Value {
    match (a, b) {
        (Int(a), Int(b)) => Int(a.wrapping_mul(b)),
        (Float(a), Float(b)) => Float(a * b),
        (Int(a), Float(b)) | (Float(b), Int(a)) => Float(a as f64 * b),
    }
}

#[jit]
fn int(value: Value) -> i64 {
    match value {
        Int(n) => n,
        Float(x) => x as i64,
    }
}

#[jit]
fn run<'p>(driver: &JitDriver<'p>, code: &'p [Op], machine: &mut Machine) -> Value {
    let mut pc = 0usize;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [machine]);
        let op = code[pc];
        pc += 1;
        let mut target = pc;
        match op {
            Op::Set(a, n) => machine.regs[a as usize] = Int(n),
            Op::Move(a, b) => machine.regs[a as usize] = machine.regs[b as usize],
            Op::Add(a, b, c) => {
                machine.regs[a as usize] = add(machine.regs[b as usize], machine.regs[c as usize]);
            }
            Op::Mul(a, b, c) => {
                machine.regs[a as usize] = mul(machine.regs[b as usize], machine.regs[c as usize]);
            }
            Op::AddImm(a, n) => machine.regs[a as usize] = add(machine.regs[a as usize], Int(n)),
            Op::AndImm(a, n) => machine.regs[a as usize] = Int(int(machine.regs[a as usize]) & n),
            Op::Random(a) => {
                let mut x = machine.seed;
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                machine.seed = x;
                machine.regs[a as usize] = Int((x >> 8) as i64);
            }
            Op::Bit(a, b, c) => {
                machine.regs[a as usize] = Int(int(machine.regs[b as usize]) >> c & 1);
            }
            Op::Promote(a) => {
                let n = promote(int(machine.regs[a as usize]));
                machine.regs[a as usize] = Int(n);
            }
            Op::Load(a, b) => {
                let at = int(machine.regs[b as usize]) as usize & 63;
                machine.regs[a as usize] = Int(machine.memory[at]);
            }
            Op::Jump(to) => target = to as usize,
            Op::JumpIfZero(a, to) => {
                if int(machine.regs[a as usize]) == 0 {
                    target = to as usize;
                }
            }
            Op::JumpLess(a, b, to) => {
                if int(machine.regs[a as usize]) < int(machine.regs[b as usize]) {
                    target = to as usize;
                }
            }
            Op::Switch(a) => target = pc + promote(int(machine.regs[a as usize])) as usize,
            Op::Call(to) => {
                machine.returns.push(pc);
                target = to as usize;
            }
            Op::Return => {
                target = match machine.returns.pop() {
                    Some(to) => to,
                    None => return machine.regs[0],
                };
            }
            Op::Yield => {
                target = machine.other;
                machine.other = pc;
            }
            Op::Throw => target = machine.handler,
            Op::Halt => return machine.regs[0],
        }
        if target < pc {
            pc = target;
            can_enter_jit!(driver, greens = [pc, code], reds = [machine]);
        } else {
            pc = target;
        }
    }
}

/// A guest program: register 1 counts to register 2, which the runner sets, register 0 is the result.
struct Guest {
    name: String,
    code: Vec<Op>,
    other: usize,
    handler: usize,
    seed: u64,
}

/// `for r1 in 0..r2 { body }`, with code that is called behind it. Targets in `body` count from 0.
fn laps(name: &str, body: Vec<Op>, behind: &[Op]) -> Guest {
    let mut code = vec![Set(1, 0)];
    let start = code.len() as u32;
    code.extend(body.into_iter().map(|op| moved(op, start)));
    code.extend([AddImm(1, 1), JumpLess(1, 2, start), Halt]);
    let start = code.len() as u32;
    // Code behind is at 10_000 in calls, jumps in it count from its start.
    for op in &mut code {
        if let Call(to) | Jump(to) = op
            && *to >= 10_000
        {
            *to = *to % 10_000 + start;
        }
    }
    code.extend(behind.iter().map(|&op| moved(op, start)));
    Guest { name: name.into(), code, other: start as usize, handler: start as usize, seed: 7 }
}

fn moved(op: Op, by: u32) -> Op {
    match op {
        Jump(to) if to < 10_000 => Jump(to + by),
        Call(to) if to < 10_000 => Call(to + by),
        JumpIfZero(a, to) => JumpIfZero(a, to + by),
        JumpLess(a, b, to) => JumpLess(a, b, to + by),
        other => other,
    }
}

/// `k` branches on random bits.
fn branches(k: u8) -> Vec<Op> {
    let mut body = vec![Random(5)];
    for bit in 0..k {
        let at = body.len() as u32;
        body.extend([
            Bit(6, 5, bit),
            JumpIfZero(6, at + 4),
            AddImm(0, 3),
            Jump(at + 5),
            AddImm(0, 1),
        ]);
    }
    body
}

/// Loops in loops, the innermost with `laps`.
fn nested(depth: u8, laps: i64) -> Vec<Op> {
    if depth == 0 {
        return vec![AddImm(0, 1), Add(0, 0, 1)];
    }
    let (counter, limit) = (8 + depth, 16 + depth);
    let mut body = vec![Set(counter, 0), Set(limit, laps)];
    let start = body.len() as u32;
    body.extend(nested(depth - 1, laps).into_iter().map(|op| moved(op, start)));
    body.extend([AddImm(counter, 1), JumpLess(counter, limit, start)]);
    body
}

fn polymorphic(degree: u8) -> Vec<Op> {
    let mut body = vec![Random(5), AndImm(5, i64::from(degree) - 1), Switch(5)];
    let table = body.len() as u32;
    let first = table + u32::from(degree);
    let end = first + 2 * u32::from(degree);
    body.extend((0..u32::from(degree)).map(|class| Jump(first + 2 * class)));
    for class in 0..i64::from(degree) {
        body.extend([AddImm(0, class + 1), Jump(end)]);
    }
    body
}

fn chain(depth: u32) -> Vec<Op> {
    let functions = (0..depth).flat_map(|n| {
        let next = if n + 1 < depth { Call(3 * (n + 1)) } else { AddImm(0, 2) };
        [AddImm(0, 1), next, Return]
    });
    functions.collect()
}

/// `f(r4)`: calls itself twice for `r4 - 1`, with a memory stack for what must be kept.
fn tree() -> Vec<Op> {
    vec![
        JumpIfZero(4, 6),
        AddImm(4, -1),
        Call(0),
        Call(0),
        AddImm(4, 1),
        Return,
        AddImm(0, 1),
        Return,
    ]
}

fn mutual() -> Vec<Op> {
    vec![
        JumpIfZero(4, 4),
        AddImm(4, -1),
        Call(5),
        AddImm(0, 1),
        Return,
        JumpIfZero(4, 4),
        AddImm(4, -1),
        Call(0),
        AddImm(0, 3),
        Return,
    ]
}

/// An interpreter in the guest language: memory from 0 holds instructions 0 to 3, `r7` its pc.
fn interpreter() -> Vec<Op> {
    vec![
        Load(6, 7),
        AndImm(6, 3),
        AddImm(7, 1),
        AndImm(7, 7),
        Switch(6),
        Jump(9),
        Jump(11),
        Jump(13),
        Jump(15),
        AddImm(0, 1),
        Jump(16),
        Mul(0, 0, 10),
        Jump(16),
        AndImm(0, 0xffff),
        Jump(16),
        Add(0, 0, 7),
    ]
}

fn guests() -> Vec<Guest> {
    let mut all = Vec::new();
    for k in [3, 6, 9, 12, 16] {
        all.push(laps(&format!("{k} branches"), branches(k), &[]));
    }
    for seed in 1..=12 {
        let guest = laps(&format!("{ROULETTE}, seed {seed}"), branches(5), &[]);
        all.push(Guest { seed, ..guest });
    }
    let statements = (0..4000).map(|n| match n % 4 {
        0 => AddImm(0, n),
        1 => Add(0, 0, 1),
        2 => AndImm(0, 0xfffff),
        _ => Mul(0, 0, 10),
    });
    all.push(laps("4000 statements", statements.collect(), &[]));
    for inner in [2, 3, 5, 30] {
        all.push(laps(&format!("inner loop of {inner}"), nested(1, inner), &[]));
    }
    all.push(laps("loops four deep", nested(3, 4), &[]));
    all.push(laps("calls 50 deep", vec![Call(10_000)], &chain(50)));
    all.push(laps("mutual recursion", vec![Set(4, 9), Call(10_000)], &mutual()));
    all.push(laps("tree recursion", vec![Set(4, 7), Call(10_000)], &tree()));
    for degree in [1, 2, 4, 8, 16] {
        all.push(laps(&format!("{degree} classes"), polymorphic(degree), &[]));
    }
    all.push(laps("promoted, changing", vec![Move(4, 1), Promote(4), Add(0, 0, 4)], &[]));
    let generator = [AddImm(3, 1), Mul(3, 3, 10), AndImm(3, 0xff), Yield, Jump(0)];
    all.push(laps("generator", vec![Yield, Add(0, 0, 3)], &generator));
    let throwing = vec![Random(5), AndImm(5, 3), JumpIfZero(5, 4), Jump(5), Throw, AddImm(0, 1)];
    // The handler goes on with the next lap, which is where the body ends.
    all.push(laps("exceptions", throwing, &[AddImm(0, 100), Jump(0)]));
    if let Some(guest) = all.last_mut() {
        let handler = guest.handler;
        guest.code[handler + 1] = Jump(6);
    }
    all.push(laps("interpreter in the guest", interpreter(), &[]));
    all
}

fn call<'p>(
    driver: &JitDriver<'p>,
    guest: &'p Guest,
    laps: i64,
    three: Value,
) -> (Value, Duration) {
    let mut machine = Machine::new(guest.seed, guest.other, guest.handler);
    (machine.regs[2], machine.regs[3], machine.regs[10]) = (Int(laps), three, Int(5));
    for (at, op) in [0, 1, 3, 2, 0, 1, 2, 3].into_iter().enumerate() {
        machine.memory[at] = op;
    }
    let start = Instant::now();
    let result = run(driver, &guest.code, &mut machine);
    (result, start.elapsed())
}

fn off<'p>() -> JitDriver<'p> {
    JitDriver::builder().jit(Jit::Off).build().expect("a driver")
}

/// Laps that the plain interpreter takes about `time` for.
fn calibrate(guest: &Guest, time: Duration) -> i64 {
    let driver = off();
    let mut laps = 16;
    loop {
        let (_, took) = call(&driver, guest, laps, Int(0));
        if took * 4 >= time {
            let scale = time.as_secs_f64() / took.as_secs_f64();
            return (laps as f64 * scale) as i64 + 1;
        }
        laps *= 4;
    }
}

/// A guest program with the driver that has compiled it.
struct Measured<'p> {
    guest: &'p Guest,
    laps: i64,
    driver: JitDriver<'p>,
    steady: Duration,
}

/// Prints the line of this guest program.
fn measure(guest: &Guest) -> Measured<'_> {
    let laps = calibrate(guest, Duration::from_secs(1));
    let (driver, plain) = (JitDriver::builder().build().expect("a driver"), off());
    let (expected, plain_time) = call(&plain, guest, laps, Int(0));
    let (result, total) = call(&driver, guest, laps, Int(0));
    assert_eq!(result, expected, "{}", guest.name);
    let (_, steady) = call(&driver, guest, laps, Int(0));
    let stats = driver.stats();
    let ratio = |time: Duration| plain_time.as_secs_f64() / time.as_secs_f64();
    let cliff = ratio(steady) < 0.95 || ratio(total) < 0.70;
    println!(
        "{:<26} total {:>6.2}x  steady {:>6.2}x  {:>4} traces  {:>4} recordings  {:>3} given up{}",
        guest.name,
        ratio(total),
        ratio(steady),
        driver.compiled().len(),
        stats.tracings,
        stats.aborted(),
        if cliff { "  CLIFF" } else { "" },
    );
    Measured { guest, laps, driver, steady }
}

impl Measured<'_> {
    /// Seconds of a lap at steady state.
    fn lap(&self) -> f64 {
        self.steady.as_secs_f64() / self.laps as f64
    }

    /// Whether other programs are compared with it.
    fn is_compared(&self) -> bool {
        let name = &*self.guest.name;
        name.starts_with(ROULETTE) || name == FEW_BRANCHES || name == MANY_BRANCHES
    }

    /// Runs it once more at steady state; the fastest run counts.
    fn again(&mut self) {
        let (_, steady) = call(&self.driver, self.guest, self.laps, Int(0));
        self.steady = self.steady.min(steady);
    }
}

const ROULETTE: &str = "roulette";
const FEW_BRANCHES: &str = "3 branches";
const MANY_BRANCHES: &str = "12 branches";

/// How often those programs run in turns that are compared with each other.
const ROUNDS: u32 = 5;

const TWO_MODES: &str = "two kinds of data";

/// One loop with integers first, and then with floats.
fn two_modes() {
    let body = vec![Add(4, 3, 3), Mul(4, 4, 3), Add(4, 4, 3), Move(0, 4)];
    let guest = laps(TWO_MODES, body, &[]);
    let laps = calibrate(&guest, Duration::from_secs(1));
    let driver = JitDriver::builder().build().expect("a driver");
    let (integers, floats) = (Int(3), Float(1.5));
    for three in [integers, floats, integers, floats] {
        call(&driver, &guest, laps, three);
    }
    let first = call(&driver, &guest, laps, integers).1;
    let second = call(&driver, &guest, laps, floats).1;
    println!(
        "{:<26} the second mode takes {:.2} times the first",
        guest.name,
        second.as_secs_f64() / first.as_secs_f64()
    );
}

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let all = guests();
    let all: Vec<_> = all.iter().filter(|guest| guest.name.contains(&wanted)).collect();
    let mut all: Vec<Measured<'_>> = all.into_iter().map(measure).collect();
    if TWO_MODES.contains(&*wanted) {
        two_modes();
    }
    // Programs are compared with each other here, not with a run just before.
    for _ in 0..ROUNDS {
        let compared = all.iter_mut().filter(|it| it.is_compared());
        compared.for_each(Measured::again);
    }
    let of = |name: &str| all.iter().find(|it| it.guest.name == name).map(Measured::lap);
    if let (Some(three), Some(twelve)) = (of(FEW_BRANCHES), of(MANY_BRANCHES)) {
        println!("a branch of 12 costs {:.2} times one of 3", twelve / 12.0 / (three / 3.0));
    }
    let seeds = all.iter().filter(|it| it.guest.name.starts_with(ROULETTE)).map(Measured::lap);
    let (least, most) = seeds.fold((f64::MAX, 0.0f64), |(a, b), time| (a.min(time), b.max(time)));
    if most > 0.0 {
        println!("roulette: the slowest seed takes {:.2} times the fastest", most / least);
    }
}
