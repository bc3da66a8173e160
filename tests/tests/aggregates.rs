//! Structs, enums, tuples and arrays by value, and the patterns that take them apart.
//!
//! Every program runs plain and under every backend at several thresholds; results must be the same,
//! and something must have been compiled, mostly without calls.
#![allow(clippy::too_many_arguments, reason = "constructs are traced as authors may write them")]

use jit_tests::oracle::{self, THRESHOLDS};
use jitdriver::{
    JitDriver, Stats, Traceable, can_enter_jit, dont_look_inside, jit, jit_merge_point,
};
use std::fmt::Debug;

/// Runs `program` in all modes, compares, and hands the statistics of each compiled run at threshold 2
/// to `assert`.
#[track_caller]
fn check<T: PartialEq + Debug>(
    program: impl Fn(&JitDriver<'static>) -> T,
    assert: impl Fn(&Stats),
) {
    for run in oracle::check(THRESHOLDS, program) {
        if run.params.starts_with("threshold=2,") {
            assert!(run.stats.loops >= 1, "nothing was compiled:\n{}", run.stats);
            assert_eq!(run.stats.aborted(), 0, "{}", run.stats);
            assert(&run.stats);
        }
    }
}

fn no_calls(stats: &Stats) {
    assert_eq!(stats.residual_calls, 0, "{stats}");
}

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
#[repr(u8)]
enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Pair(u8, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
#[repr(u8)]
enum Instr {
    Load { dst: u8, value: i64 },
    LoadFloat(u8, f64),
    Add(u8, u8, u8),
    Mul { dst: u8, a: u8, b: u8 },
    Less(u8, u8, u8),
    JumpIf { cond: u8, target: usize },
    Dup(u8, u8),
    Halt,
}

#[jit]
fn add(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(b)),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => {
            Value::Float(a as f64 + b)
        }
        (Value::Bool(true), other) => other,
        _ => Value::Nil,
    }
}

#[jit]
fn truth(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(false) => false,
        Value::Int(n) if *n == 0 => false,
        Value::Bool(_) | Value::Int(_) | Value::Float(..) => true,
        Value::Pair(a, _) => *a > 3,
    }
}

#[jit]
fn run<'p>(driver: &JitDriver<'p>, code: &'p [Instr], regs: &mut [Value]) -> Value {
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [regs]);
        let instr = code[pc];
        pc += 1;
        match instr {
            Instr::Load { dst, value } => regs[dst as usize] = Value::Int(value),
            Instr::LoadFloat(dst, value) => regs[dst as usize] = Value::Float(value),
            Instr::Add(dst, a, b) => regs[dst as usize] = add(regs[a as usize], regs[b as usize]),
            Instr::Mul { dst, a, b } => {
                regs[dst as usize] = match (regs[a as usize], regs[b as usize]) {
                    (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_mul(b)),
                    (Value::Float(a), Value::Float(b)) => Value::Float(a * b),
                    _ => Value::Pair(1, 2),
                }
            }
            Instr::Less(dst, a, b) => {
                let (a, b) = (regs[a as usize], regs[b as usize]);
                if let (Value::Int(a), Value::Int(b)) = (a, b) {
                    regs[dst as usize] = Value::Bool(a < b);
                } else {
                    regs[dst as usize] = Value::Nil;
                }
            }
            Instr::JumpIf { cond, target } => {
                if truth(&regs[cond as usize]) {
                    pc = target;
                    can_enter_jit!(driver, greens = [pc, code], reds = [regs]);
                }
            }
            Instr::Dup(dst, a) => regs[dst as usize] = regs[a as usize],
            Instr::Halt => return regs[0],
        }
    }
}

static PROGRAM: [Instr; 10] = [
    Instr::Load { dst: 0, value: 0 },
    Instr::Load { dst: 1, value: 0 },
    Instr::Load { dst: 2, value: 1 },
    Instr::Load { dst: 3, value: 50 },
    Instr::Mul { dst: 4, a: 1, b: 1 },
    Instr::Add(0, 0, 4),
    Instr::Add(1, 1, 2),
    Instr::Less(5, 1, 3),
    Instr::JumpIf { cond: 5, target: 4 },
    Instr::Halt,
];

static FLOATS: [Instr; 11] = [
    Instr::LoadFloat(0, 0.25),
    Instr::Load { dst: 1, value: 0 },
    Instr::Load { dst: 2, value: 1 },
    Instr::Load { dst: 3, value: 30 },
    Instr::Add(0, 0, 1),
    Instr::Mul { dst: 4, a: 0, b: 0 },
    Instr::Dup(6, 4),
    Instr::Add(1, 1, 2),
    Instr::Less(5, 1, 3),
    Instr::JumpIf { cond: 5, target: 4 },
    Instr::Halt,
];

#[test]
fn a_machine_of_tagged_values() {
    check(
        |driver| {
            let mut regs = [Value::Nil; 8];
            (run(driver, &PROGRAM, &mut regs), regs)
        },
        no_calls,
    );
    check(
        |driver| {
            let mut regs = [Value::Nil; 8];
            (run(driver, &FLOATS, &mut regs), regs)
        },
        no_calls,
    );
}

/// As `Value`, without a fixed layout.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unknown {
    Nothing,
    Small(u8),
    Int(i64),
    Float(f64),
}

#[jit]
fn unknown<'p>(driver: &JitDriver<'p>, n: i64, memory: &mut [Unknown]) -> i64 {
    let mut i = 0;
    let mut sum = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, sum, memory]);
        let at = (i & 3) as usize;
        let next = match memory[at] {
            Unknown::Nothing => Unknown::Small(i as u8),
            Unknown::Small(x) if x > 20 => Unknown::Int(x as i64),
            Unknown::Small(x) => Unknown::Small(x.wrapping_add(5)),
            Unknown::Int(x) => Unknown::Float(x as f64 * 0.5),
            Unknown::Float(x) => {
                sum += x as i64;
                Unknown::Nothing
            }
        };
        memory[at] = next;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, sum, memory]);
    }
    sum
}

#[test]
fn enums_of_unknown_layout_are_asked_by_calls() {
    let runs = oracle::check(THRESHOLDS, |driver| {
        let mut memory = [Unknown::Nothing; 4];
        (unknown(driver, 400, &mut memory), memory)
    });
    for run in runs.iter().filter(|run| run.params.starts_with("threshold=2,")) {
        let traces = || run.compiled.iter().map(|trace| &trace.optimized);
        assert!(traces().any(|trace| trace.contains("call(discriminant,")), "{:?}", run.compiled);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Traceable)]
enum Direction {
    North,
    East,
    South,
    West,
}

#[derive(Debug, Clone, Copy, PartialEq, Traceable)]
struct Turtle {
    x: i32,
    y: i32,
    facing: Direction,
    pen: Option<u8>,
}

impl Turtle {
    fn new() -> Turtle {
        Turtle { x: 0, y: 0, facing: Direction::North, pen: None }
    }
}

#[jit]
impl Turtle {
    fn turned(self) -> Turtle {
        let facing = match self.facing {
            Direction::North => Direction::East,
            Direction::East => Direction::South,
            Direction::South => Direction::West,
            Direction::West => Direction::North,
        };
        Turtle { x: self.x, y: self.y, facing, pen: self.pen }
    }

    fn forward(&mut self, steps: i32) {
        let Turtle { x, y, facing, .. } = self;
        match *facing {
            Direction::North => *y += steps,
            Direction::East => *x += steps,
            Direction::South => *y -= steps,
            Direction::West => *x -= steps,
        }
    }

    fn marks(&self) -> u32 {
        match self {
            Turtle { pen: Some(colour @ 1..=9), x, .. } => *colour as u32 + (*x as u32 & 1),
            Turtle { pen: Some(0), .. } => 100,
            Turtle { pen: Some(_), .. } => 1000,
            Turtle { pen: None, y, x: _, facing: _ } => *y as u32 & 1,
        }
    }
}

#[jit]
fn walk(driver: &JitDriver<'_>, n: u32) -> (i32, i32, u32) {
    let mut turtle = Turtle::new();
    let mut i = 0;
    let mut sum = 0u32;
    loop {
        jit_merge_point!(driver, greens = [], reds = [turtle, i, n, sum]);
        if i == n {
            return (turtle.x, turtle.y, sum);
        }
        turtle.forward((i % 7) as i32);
        if i % 3 == 0 {
            turtle = turtle.turned();
        }
        turtle.pen = match turtle.pen {
            None => Some(0),
            Some(colour) if colour > 11 => None,
            Some(colour) => Some(colour + 1),
        };
        sum = sum.wrapping_mul(3).wrapping_add(turtle.marks());
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [turtle, i, n, sum]);
    }
}

#[test]
fn structs_are_values_and_places() {
    check(|driver| walk(driver, 600), no_calls);
}

#[jit]
fn nested(driver: &JitDriver<'_>, n: u32) -> u64 {
    let mut i = 0u32;
    let mut acc = 0u64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [i, n, acc]);
        let triple = (i % 4, Some((i % 3, i & 1 == 0)), [i, i * 2, i ^ 5]);
        let value = match triple {
            (0, Some((1, even)), _) => 10 + even as u64,
            (1 | 2, Some((x @ 0..=1, true)), [a, ..]) => a as u64 * 2 + x as u64,
            (k, Some((2, _)), [_, b, c]) if k != 3 => (b ^ c) as u64,
            (3, Some(ref pair), _) => pair.0 as u64 + 1000,
            (_, None, _) => unreachable!(),
            (k, Some((x, flag)), [.., last]) => k as u64 + x as u64 + flag as u64 + last as u64,
        };
        let Some((part, _)) = triple.1 else { panic!("there is one") };
        if let (0 | 2, Some((p, true))) = (triple.0, triple.1)
            && p == part
            && let [first, _, third] = triple.2
        {
            acc = acc.wrapping_add(first as u64 * third as u64);
        }
        acc = acc.wrapping_mul(7).wrapping_add(value);
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [i, n, acc]);
    }
    acc
}

#[test]
fn patterns_nest() {
    check(|driver| nested(driver, 500), no_calls);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Traceable)]
struct Wrapped(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opcode(u8);

impl Opcode {
    const ADD: Opcode = Opcode(1);
    const SUB: Opcode = Opcode(2);
}

#[jit]
fn kinds(driver: &JitDriver<'_>, codes: &[Opcode], words: &[&str], n: usize) -> i64 {
    let mut i = 0;
    let mut acc = 0i64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [codes, words, i, n, acc]);
        match codes[i % codes.len()] {
            Opcode::ADD => acc += 3,
            Opcode::SUB => acc -= 1,
            Opcode(other) => acc ^= other as i64,
        }
        match words[i % words.len()] {
            "double" => acc *= 2,
            "negate" | "minus" => acc = -acc,
            _ => acc += 1,
        }
        acc %= 1_000_003;
        let Wrapped(w) = Wrapped(i as u32);
        acc += w as i64 & 1;
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [codes, words, i, n, acc]);
    }
    acc
}

#[test]
fn constants_of_any_type_are_patterns() {
    check(
        |driver| {
            let codes = [Opcode::ADD, Opcode::ADD, Opcode::SUB, Opcode(77)];
            kinds(driver, &codes, &["double", "none", "minus"], 300)
        },
        |stats| assert!(stats.residual_calls > 0, "{stats}"),
    );
}

#[jit]
fn slices<'a>(driver: &JitDriver<'_>, rows: &'a [&'a [u32]], n: usize) -> u64 {
    let mut i = 0;
    let mut acc = 0u64;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [rows, i, n, acc]);
        acc = acc.wrapping_mul(5)
            + match rows[i % rows.len()] {
                [] => 1,
                [one] => *one as u64,
                [first, .., last] if first == last => 2,
                [first, second, ..] => (*first * 3 + *second) as u64,
            };
        i += 1;
        can_enter_jit!(driver, greens = [], reds = [rows, i, n, acc]);
    }
    acc
}

#[test]
fn slices_are_matched_by_length() {
    check(
        |driver| slices(driver, &[&[], &[4], &[5, 6, 5], &[7, 8, 9, 10], &[1, 2]], 200),
        no_calls,
    );
}

#[jit]
enum Figure {
    Point,
    Line(i64),
    Square { side: i64 },
}

#[jit]
fn size(figure: &Figure) -> i64 {
    match figure {
        Figure::Point => 1,
        Figure::Line(length) => *length,
        Figure::Square { side } => side * side,
    }
}

#[dont_look_inside]
fn count(counts: &mut [i64]) -> i64 {
    counts[0] += 1;
    counts[0]
}

#[jit]
fn measure(driver: &JitDriver<'_>, figures: &mut [Figure], counts: &mut [i64], n: i64) -> i64 {
    let (mut i, mut sum) = (0, 0);
    loop {
        jit_merge_point!(driver, greens = [], reds = [figures, counts, n, i, sum]);
        // It has happened when the guards below fail, and must not happen again.
        sum += count(counts);
        let k = (i % 2) as usize;
        sum = sum * 3 % 1_000_003 + size(&figures[k]) * size(&figures[2]);
        if i % 7 == 0 {
            figures[k] = match (i / 7) % 3 {
                0 => Figure::Point,
                1 => Figure::Line(i),
                _ => Figure::Square { side: i },
            };
        }
        i += 1;
        if i >= n {
            return sum;
        }
        can_enter_jit!(driver, greens = [], reds = [figures, counts, n, i, sum]);
    }
}

/// The discriminant is read from memory, and a replay has it from its exit.
#[test]
fn variants_in_memory_that_change_behind_an_effect() {
    let run = |driver: &JitDriver<'static>| {
        let mut figures = [Figure::Point, Figure::Line(2), Figure::Square { side: 3 }];
        let mut counts = [0];
        let result = measure(driver, &mut figures, &mut counts, 100);
        (result, counts, figures.each_ref().map(size))
    };
    check(run, |stats| assert!(stats.replays > 0, "{stats}"));
}

/// A handle, as collectors have them: a struct around a pointer that is never null.
#[derive(Traceable)]
struct Handle<'a, T> {
    at: &'a std::cell::Cell<T>,
    of: std::marker::PhantomData<T>,
}

impl<T> Clone for Handle<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<'_, T> {}

#[jit]
fn sum_of_handles<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    handles: &[Option<Handle<'_, i64>>],
) -> i64 {
    let (mut pc, mut n, mut sum) = (0, 0, 0_i64);
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, sum, handles]);
        match handles[n % handles.len()] {
            Some(handle) => sum = sum.wrapping_mul(3).wrapping_add(handle.at.get()),
            None => sum -= 1,
        }
        n += 1;
        if n < 300 {
            pc = 0;
            can_enter_jit!(driver, greens = [pc, code], reds = [n, sum, handles]);
            continue;
        }
        pc += 1;
    }
    sum
}

#[test]
fn a_struct_around_a_pointer_has_the_niche_of_the_pointer() {
    static CODE: [u8; 1] = [0];
    let cells = [7, 5].map(std::cell::Cell::new);
    let handle = |at| Handle { at, of: std::marker::PhantomData };
    let handles = [Some(handle(&cells[0])), None, Some(handle(&cells[1])), None, None];
    check(|driver| sum_of_handles(driver, &CODE, &handles), no_calls);
    let driver = JitDriver::builder().threshold(2).trace_eagerness(2).build().unwrap();
    sum_of_handles(&driver, &CODE, &handles);
    let traces = driver.compiled();
    assert!(traces.len() > 1, "there is a bridge for the other variant");
    for trace in traces {
        // No call, elidable ones included, asks for the variant.
        assert!(!trace.optimized.contains("call"), "{}", trace.optimized);
    }
}

#[dont_look_inside]
fn look(n: &i64) -> i64 {
    *n ^ 2
}

#[dont_look_inside]
fn change(n: &mut i64) {
    *n ^= 3;
}

#[jit]
fn second_of_array(numbers: &[i64; 2]) -> i64 {
    match numbers {
        [0, b] => look(b),
        [a, b] => a ^ b,
    }
}

#[jit]
fn second_of_slice(numbers: &[i64]) -> i64 {
    match numbers {
        [_, b] => [*b, 3].iter().fold(1, |a, b| a ^ b),
        _ => 7,
    }
}

#[jit]
fn second_of_tuple(mut numbers: (i64, i64)) -> i64 {
    let (_, b) = &numbers;
    let seen = look(b);
    let (_, b) = &mut numbers;
    change(b);
    seen.wrapping_mul(3) ^ numbers.0 ^ numbers.1
}

#[jit]
fn parts_by_reference(driver: &JitDriver<'_>, n: i64) -> i64 {
    let (mut n, mut acc) = (n, 1i64);
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc]);
        acc = acc.wrapping_mul(5) ^ second_of_array(&[acc & 1, n]);
        acc = acc.wrapping_mul(5) ^ second_of_slice(&[acc & 1, n]);
        acc = acc.wrapping_mul(5) ^ second_of_tuple((acc & 1, n));
        n -= 1;
        if n == 0 {
            return acc;
        }
        can_enter_jit!(driver, greens = [], reds = [n, acc]);
    }
}

/// Code that is given a reference to a part of a local, which a pattern has bound, finds that part.
#[test]
fn a_part_that_a_pattern_has_bound_by_reference_goes_to_a_call() {
    check(|driver| parts_by_reference(driver, 3000), |_| {});
}
