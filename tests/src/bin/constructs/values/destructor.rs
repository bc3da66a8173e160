//! Values with a destructor.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::cell::Cell;

thread_local! {
    static DROPS: Cell<i64> = const { Cell::new(0) };
}

/// Notes the order in which values are dropped.
struct Noted(i64);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPS.set(DROPS.get().wrapping_mul(31).wrapping_add(self.0));
    }
}

#[jit]
fn pass(noted: Noted) -> Noted {
    noted
}

#[jit]
fn step(acc: i64, n: i64) -> i64 {
    let kept = Noted(n);
    let moved = pass(Noted(acc & 7));
    if n % 3 == 0 {
        drop(moved);
        return acc + kept.0;
    }
    acc + moved.0
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
    DROPS.set(0);
    interpret(driver, &[OP, REPEAT, END], 60).wrapping_add(DROPS.get())
}
