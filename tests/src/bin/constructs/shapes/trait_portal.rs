//! A portal in a trait impl.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

trait Interpreter {
    fn interpret(&mut self, driver: &JitDriver<'_>, laps: i64) -> i64;
}

struct Counter {
    acc: i64,
}

#[jit]
impl Interpreter for Counter {
    fn interpret(&mut self, driver: &JitDriver<'_>, laps: i64) -> i64 {
        let mut n = laps;
        while n > 0 {
            jit_merge_point!(driver, greens = [], reds = [self, n]);
            self.acc += n;
            n -= 1;
            can_enter_jit!(driver, greens = [], reds = [self, n]);
        }
        self.acc
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    Counter { acc: 0 }.interpret(driver, 60)
}
