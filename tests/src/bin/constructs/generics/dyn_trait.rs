//! `dyn Trait` in the signature of a hot function.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

trait Device {
    fn tick(&mut self, n: i64) -> i64;
}

struct Timer {
    count: i64,
}

#[jit]
impl Device for Timer {
    fn tick(&mut self, n: i64) -> i64 {
        self.count += n;
        self.count & 7
    }
}

#[jit]
fn step(device: &mut dyn Device, n: i64) -> i64 {
    device.tick(n) + 1
}

const OP: u8 = 0;
const REPEAT: u8 = 1;
const END: u8 = 2;

#[jit]
fn interpret<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    laps: i64,
    device: &mut dyn Device,
) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc = 1;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, acc, device]);
        match code[pc] {
            OP => {
                acc += step(device, n);
            }
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, acc, device]);
                    continue;
                }
            }
            _ => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &[OP, REPEAT, END], 60, &mut Timer { count: 0 })
}
