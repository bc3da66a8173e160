//! A generic portal.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[jit]
trait Bus {
    fn read(&self, at: usize) -> u8;
}

struct Ram {
    bytes: [u8; 4],
}

#[jit]
impl Bus for Ram {
    fn read(&self, at: usize) -> u8 {
        self.bytes[at]
    }
}

#[jit]
fn interpret<B: Bus>(driver: &JitDriver<'_>, bus: &B, laps: i64) -> i64 {
    let mut n = laps;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [bus, n, acc]);
        acc += bus.read((n & 3) as usize) as i64;
        n -= 1;
        if n == 0 {
            return acc;
        }
        can_enter_jit!(driver, greens = [], reds = [bus, n, acc]);
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &Ram { bytes: [3, 1, 4, 1] }, 60)
}
