//! A `Copy` enum as value.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
enum Value {
    Nil,
    Bool(bool),
    Int(i64),
}

#[jit]
fn add(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a + b),
        (Value::Bool(a), Value::Bool(b)) => Value::Bool(a ^ b),
        _ => Value::Nil,
    }
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let value = add(Value::Int(acc & 0xffff), Value::Int(n));
    match value {
        Value::Int(i) => i,
        Value::Bool(b) => b as i64,
        Value::Nil => 0,
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
