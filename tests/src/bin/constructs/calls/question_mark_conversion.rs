//! `?` with a conversion of the error.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Debug)]
enum Trap {
    DivisionByZero,
    Overflow,
}

struct Error {
    code: i64,
}

#[jit]
impl From<Trap> for Error {
    fn from(trap: Trap) -> Error {
        match trap {
            Trap::DivisionByZero => Error { code: 7 },
            Trap::Overflow => Error { code: 8 },
        }
    }
}

#[jit]
fn divide(a: i64, b: i64) -> Result<i64, Trap> {
    if b == 0 {
        return Err(Trap::DivisionByZero);
    }
    Ok(a / b)
}

#[jit]
fn execute(acc: i64, n: i64) -> Result<i64, Error> {
    if n < 0 {
        return Err(Error::from(Trap::Overflow));
    }
    let quotient = divide(acc % 100 + 900, n - 30)?;
    Ok(acc + quotient)
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    match execute(acc, n) {
        Ok(value) => value,
        Err(Error { code }) => acc + code,
    }
}

const OP: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc]);
        match code[pc] {
            OP => {
                acc = step(acc, n);
            }
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc]);
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[OP, REPEAT, END], 60)
}
