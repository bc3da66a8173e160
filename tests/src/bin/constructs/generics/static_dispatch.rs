//! Calls through a type parameter's trait.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
trait Memory {
    fn load(&self, at: usize) -> i64;
    fn store(&mut self, at: usize, value: i64);
}

struct Flat {
    words: [i64; 2],
}

#[jit]
impl Memory for Flat {
    fn load(&self, at: usize) -> i64 {
        self.words[at]
    }

    fn store(&mut self, at: usize, value: i64) {
        self.words[at] = value;
    }
}

#[jit]
fn swap<M: Memory>(memory: &mut M) -> i64 {
    let first = memory.load(0);
    let second = memory.load(1);
    memory.store(0, second);
    memory.store(1, first);
    memory.load(0) * 2 + memory.load(1)
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let mut memory = Flat { words: [acc & 0xff, n] };
    acc % 1000 + swap(&mut memory)
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
