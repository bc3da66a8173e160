//! NaN-boxed words.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
struct Word(u64);

const INT_TAG: u64 = 0xfff9_0000_0000_0000;

#[jit]
impl Word {
    fn from_int(value: i32) -> Word {
        Word(INT_TAG | value as u32 as u64)
    }

    fn from_float(value: f64) -> Word {
        Word(value.to_bits())
    }

    fn is_int(self) -> bool {
        self.0 & INT_TAG == INT_TAG
    }

    fn as_int(self) -> i32 {
        self.0 as u32 as i32
    }

    fn as_float(self) -> f64 {
        f64::from_bits(self.0)
    }
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let a = Word::from_int(acc as i32 & 0xffff);
    let b = Word::from_int(n as i32);
    let sum = if a.is_int() && b.is_int() {
        Word::from_int(a.as_int().wrapping_add(b.as_int()))
    } else {
        Word::from_float(a.as_float() + b.as_float())
    };
    sum.as_int() as i64
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
