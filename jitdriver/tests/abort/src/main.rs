//! An interpreter in a crate whose panics abort: nothing in it may unwind.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

macro_rules! fail_if {
    ($cond:expr, $value:expr) => {
        if $cond {
            return $value;
        }
    };
}

struct Machine {
    limit: i64,
}

#[jit]
impl Machine {
    /// The macro hides a `return`, so a trace would be left in its middle.
    fn bounded(&self, x: i64) -> i64 {
        fail_if!(x > self.limit, self.limit);
        x
    }
}

#[jit]
fn halved(x: i64) -> i64 {
    fail_if!(x % 2 == 1, x);
    x / 2
}

#[jit]
fn applied(x: i64, f: impl Fn(i64) -> i64) -> i64 {
    fail_if!(x == 7, 0);
    f(x)
}

#[jit]
fn interpret(driver: &JitDriver<'_>, m: &Machine, n: i64) -> i64 {
    let mut n = n;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [], reds = [n, acc, m]);
        #[cfg(feature = "portal")]
        fail_if!(n == 17, acc);
        acc = m.bounded(acc + halved(n)) + applied(n, |x| x + 1);
        n -= 1;
        if n == 0 {
            return acc;
        }
        can_enter_jit!(driver, greens = [], reds = [n, acc, m]);
    }
}

fn main() {
    let run = |threshold| {
        let driver = JitDriver::builder().threshold(threshold).build().expect("a driver");
        let res = interpret(&driver, &Machine { limit: 500 }, 200);
        (res, driver.stats())
    };
    let (plain, _) = run(1_000_000);
    let (traced, stats) = run(3);
    assert_eq!(plain, traced);
    assert!(stats.loops >= 1, "{stats}");
    assert_eq!(stats.degraded_statements, 0, "{stats}");
    println!("the same: {traced}");
}
