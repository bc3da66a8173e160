//! Calls through function pointers: a pointer is promoted, and the twin of the function is traced, wherever the
//! pointer comes from.

use jit_tests::oracle::{Run, THRESHOLDS, body, check};
use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point, unroll_safe};

struct Machine {
    acc: i64,
    n: i64,
    /// Two functions and a closure, which the program may exchange.
    hooks: [fn(i64, i64) -> i64; 3],
    owned: Box<dyn Fn(i64) -> i64>,
}

#[jit]
fn add(a: i64, b: i64) -> i64 {
    a.wrapping_add(b)
}

#[jit]
extern "C" fn multiply(a: i64, b: i64) -> i64 {
    a.wrapping_mul(b | 1)
}

fn not_annotated(a: i64, b: i64) -> i64 {
    a ^ b
}

/// A table as constant, of structs, with closures.
struct Instruction {
    _name: &'static str,
    run: fn(&mut Machine, &[i64]) -> Result<i64, String>,
}

type Answer = Result<i64, String>;

#[jit]
const INSTRUCTIONS: &[Instruction] = &[
    Instruction { _name: "sum", run: |_, args| Ok(args[0].wrapping_add(args[1])) },
    Instruction { _name: "acc", run: |it, args| checked(it.acc, args[1]) },
    Instruction { _name: "product", run: product },
    Instruction {
        _name: "loop",
        run: |_, args| {
            let mut n = 0;
            for a in args {
                n ^= *a;
            }
            Ok(n)
        },
    },
    Instruction { _name: "forward", run: |it, args| Ok(checked(args[0], it.n)? ^ 1) },
];

#[jit]
fn product(_: &mut Machine, args: &[i64]) -> Answer {
    Ok(args[0].wrapping_mul(args[1]))
}

#[jit]
fn checked(a: i64, b: i64) -> Answer {
    match b == 500 {
        true => Err(format!("{b} is too much")),
        false => Ok(a.wrapping_add(b)),
    }
}

/// A table of methods that nobody has annotated.
static METHODS: [fn(&mut Machine); 2] = [Machine::double, Machine::negate];

/// Pointers with another calling convention.
static FOREIGN: [extern "C" fn(i64, i64) -> i64; 1] = [multiply];

#[dont_look_inside]
fn rotate(machine: &mut Machine) {
    machine.hooks.rotate_left(1);
}

#[jit]
fn twice(op: fn(i64, i64) -> i64, a: i64) -> i64 {
    op(op(a, 1), 2)
}

#[jit]
impl Machine {
    fn double(&mut self) {
        self.acc = self.acc.wrapping_mul(2);
    }

    fn negate(&mut self) {
        self.acc = self.acc.wrapping_neg();
    }

    fn execute(&mut self, number: usize) -> Answer {
        let args = [self.acc, self.n];
        (INSTRUCTIONS[number].run)(self, &args)
    }

    fn run<'p>(&mut self, driver: &JitDriver<'p>, code: &'p [u8]) -> Answer {
        let mut pc = 0usize;
        loop {
            jit_merge_point!(driver, greens = [pc, code], reds = [self]);
            let op = code[pc];
            pc += 1;
            match op {
                b'0'..=b'4' => self.acc = self.execute((op - b'0') as usize)?,
                b'a' => self.acc = (self.hooks[0])(self.acc, self.n),
                b'r' => rotate(self),
                b'd' => METHODS[0](self),
                b'n' => METHODS[(self.n & 1) as usize](self),
                b'f' => self.acc = (FOREIGN[0])(self.acc, self.n),
                b't' => self.acc = twice(add, self.acc),
                b'b' => self.acc = (self.owned)(self.acc),
                b'l' => {
                    let op: fn(i64, i64) -> i64 = self.hooks[1];
                    self.acc = op(self.acc, self.n);
                }
                _ => {
                    self.n -= 1;
                    if self.n <= 0 {
                        return Ok(self.acc);
                    }
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [self]);
                }
            }
        }
    }
}

fn run(code: &'static [u8], n: i64) -> Vec<Run> {
    check(THRESHOLDS, |driver| {
        let mut machine = Machine {
            acc: 3,
            n,
            hooks: [add, not_annotated, |a, b| a.wrapping_sub(b)],
            owned: Box::new(|a| a ^ 77),
        };
        let result = machine.run(driver, code);
        (result, machine.acc, machine.n)
    })
}

fn calls_in_lap(run: &Run) -> usize {
    body(run.trace("loop")).iter().filter(|name| **name == "call").count()
}

#[test]
fn the_twin_of_what_a_pointer_points_to_is_traced() {
    for code in [&b"a<"[..], b"d<", b"f<", b"t<", b"0<", b"1<", b"2<", b"4<", b"01a24td<"] {
        for run in run(code, 3000) {
            assert_eq!(run.stats.aborted(), 0, "{run}");
            assert_eq!(calls_in_lap(&run), 0, "{run}");
        }
    }
}

#[test]
fn what_has_no_twin_is_called() {
    for code in [&b"l<"[..], b"3<", b"b<"] {
        for run in run(code, 3000) {
            assert_eq!(run.stats.aborted(), 0, "{run}");
            assert_eq!(calls_in_lap(&run), 1, "{run}");
        }
    }
}

#[test]
fn each_function_of_a_pointer_that_changes_is_traced() {
    for run in run(b"n<", 3000) {
        assert!(run.stats.loops == 1 && run.stats.bridges >= 1, "{run}");
        assert_eq!(run.count("call"), 0, "{run}");
    }
    for run in run(b"ra<", 3000) {
        assert!(run.stats.loops == 1 && run.stats.bridges >= 1, "{run}");
    }
}

#[test]
fn an_error_of_a_function_in_a_table_comes_out() {
    for code in [&b"4<"[..], b"1<", b"a1<"] {
        run(code, 3000);
    }
}

/// Functions that take pointers.
mod parameters {
    use super::*;
    use std::cmp::Ordering;

    #[jit]
    fn apply(a: i64, b: i64, op: fn(i64, i64) -> i64) -> i64 {
        op(a, b)
    }

    /// Hands one on, and gives the other to a loop that is not taken apart.
    #[jit]
    fn both(
        numbers: &[i64; 2],
        int: fn(i64, i64) -> Option<i64>,
        op: fn(&i64, &i64) -> i64,
    ) -> i64 {
        match numbers {
            [0, b] => [*b, 3].iter().fold(1, |a, b| op(&a, b)),
            [a, b] => one(*a, *b, int).unwrap_or(op(a, b)),
        }
    }

    #[jit]
    fn one(a: i64, b: i64, int: fn(i64, i64) -> Option<i64>) -> Option<i64> {
        int(a, b)
    }

    #[jit]
    #[unroll_safe]
    fn ascends(numbers: &[i64], holds: fn(Ordering) -> bool) -> bool {
        let mut result = true;
        for two in numbers.windows(2) {
            result &= Some(two[0].cmp(&two[1])).is_some_and(holds);
        }
        result
    }

    #[jit]
    fn difference(a: &i64, b: &i64) -> i64 {
        a.wrapping_sub(*b)
    }

    fn residual(a: i64, op: fn(i64) -> i64) -> i64 {
        op(a)
    }

    #[jit]
    pub fn interpret(driver: &JitDriver<'_>, which: u8, n: i64) -> i64 {
        let (mut n, mut acc) = (n, 1i64);
        let a = 5;
        loop {
            jit_merge_point!(driver, greens = [which], reds = [n, acc, a]);
            acc = match which {
                0 => apply(acc, n, |a, b| a.wrapping_mul(b | 1)),
                1 => apply(acc, n, i64::wrapping_add),
                2 => apply(acc, n, add),
                3 => apply(acc, n, not_annotated),
                4 => both(&[acc, n], i64::checked_add, difference),
                5 => both(&[acc & 1, n], i64::checked_mul, |a, b| a ^ b),
                6 => acc + ascends(&[acc & 31, n & 15, 12], Ordering::is_lt) as i64,
                7 => residual(acc, i64::wrapping_neg).wrapping_add(a),
                8 => residual(acc, |n: i64| n * 3 % 1000),
                _ => acc + ascends(&[acc & 31, n & 15, 12], |order| order.is_ne()) as i64,
            };
            n -= 1;
            if n == 0 {
                return acc;
            }
            can_enter_jit!(driver, greens = [which], reds = [n, acc, a]);
        }
    }
}

#[test]
fn functions_that_are_handed_over_are_traced() {
    for which in [0, 1, 2, 6, 10] {
        for run in check(THRESHOLDS, |driver| parameters::interpret(driver, which, 3000)) {
            assert_eq!((run.stats.aborted(), run.count("call")), (0, 0), "{which}: {run}");
        }
    }
    for which in [3, 4, 5, 7, 8] {
        for run in check(THRESHOLDS, |driver| parameters::interpret(driver, which, 3000)) {
            assert_eq!(run.stats.aborted(), 0, "{which}: {run}");
            assert!(run.count("call") >= 1, "{which}: {run}");
        }
    }
}

#[test]
#[should_panic = "window size must be non-zero"]
fn windows_of_nothing_panic() {
    #[jit]
    #[unroll_safe]
    fn count(numbers: &[i64], size: usize) -> usize {
        let mut n = 0;
        for some in numbers.windows(size) {
            n += some.len();
        }
        n
    }

    #[jit]
    fn interpret(driver: &JitDriver<'_>, n: usize) -> usize {
        let (mut n, mut acc) = (n, 0);
        loop {
            jit_merge_point!(driver, greens = [], reds = [n, acc]);
            acc += count(&[1, 2, 3], n);
            n -= 1;
            can_enter_jit!(driver, greens = [], reds = [n, acc]);
        }
    }

    check(THRESHOLDS, |driver| interpret(driver, 3000));
    interpret(&JitDriver::new(), 3000);
}

/// More functions than a place is compiled for.
mod many {
    use super::*;

    macro_rules! functions {
        ($($name:ident $n:literal)*) => {
            $(#[jit] fn $name(a: i64) -> i64 { (a ^ $n).wrapping_mul(3) })*
            pub static MANY: &[fn(i64) -> i64] = &[$($name),*];
        };
    }

    functions! {
        f0 0 f1 1 f2 2 f3 3 f4 4 f5 5 f6 6 f7 7 f8 8 f9 9 f10 10 f11 11 f12 12 f13 13 f14 14 f15 15 f16 16
        f17 17 f18 18 f19 19 f20 20 f21 21 f22 22 f23 23 f24 24 f25 25 f26 26 f27 27 f28 28 f29 29
    }

    #[jit]
    pub fn interpret(driver: &JitDriver<'_>, n: i64) -> i64 {
        let (mut n, mut acc) = (n, 0i64);
        loop {
            jit_merge_point!(driver, greens = [], reds = [n, acc]);
            acc = MANY[acc.rem_euclid(MANY.len() as i64) as usize](acc.wrapping_add(n));
            n -= 1;
            if n == 0 {
                return acc;
            }
            can_enter_jit!(driver, greens = [], reds = [n, acc]);
        }
    }
}

#[test]
fn a_pointer_with_too_many_values_is_called() {
    for run in check(THRESHOLDS, |driver| many::interpret(driver, 20_000)) {
        assert!(run.stats.bridges >= 1, "{run}");
    }
}
