//! Type parameters of `impl` blocks.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

struct Stack<T> {
    items: [T; 3],
    len: usize,
}

#[jit]
impl<T: Copy> Stack<T> {
    fn push(&mut self, item: T) {
        self.items[self.len] = item;
        self.len += 1;
    }

    fn pop(&mut self) -> T {
        self.len -= 1;
        self.items[self.len]
    }
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let mut stack = Stack { items: [acc, n, 0], len: 2 };
    let top = stack.pop();
    stack.push(top + 1);
    stack.items[1] + acc % 1000
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
