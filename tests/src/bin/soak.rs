//! Runs ever-new programs and prints what is held: counters, code, and the memory of the process.
//!
//! `cargo run --release -p jit-tests --bin soak [SECONDS] [MAX_TRACES]`. It fails if more traces or more
//! code are held than the limits allow, or if the process grows in the second half of the run by more
//! than a tenth. Each program has a key of its own and one of a few shapes, is hot, and gets bridges.
//! Every tenth is run again later; some keys are met and never hot.
#![forbid(unsafe_code)]

use jitdriver::{Jit, JitDriver, can_enter_jit, jit, jit_merge_point};
use std::time::{Duration, Instant};

/// One of a few shapes of loops, by the low bits of its key.
#[jit]
fn run(driver: &JitDriver<'_>, key: u64, n: i64) -> i64 {
    let mut i = 0i64;
    let mut acc = key as i64 & 0xff;
    loop {
        jit_merge_point!(driver, greens = [key], reds = [i, n, acc]);
        if i == n {
            return acc;
        }
        i += 1;
        if key & 1 == 0 {
            acc = (acc * 3 + i) & 0xffff;
        }
        if key & 2 == 0 && i % 5 == 0 {
            acc ^= 0x55;
        }
        if key & 4 == 0 && acc & 3 == 1 {
            acc += 7;
        }
        acc = (acc + (key & 7) as i64) & 0xffff;
        can_enter_jit!(driver, greens = [key], reds = [i, n, acc]);
    }
}

/// Kilobytes of the process that are in memory; 0 where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let seconds = args.next().unwrap_or(10);
    let max_traces = args.next().unwrap_or(500);
    let params =
        format!("threshold=20,trace_eagerness=5,max_traces={max_traces},loop_longevity=300");
    let driver = JitDriver::builder().params(&params).and_then(|builder| builder.build());
    let driver: JitDriver<'_> = driver.expect("right parameters");
    let plain = JitDriver::builder().jit(Jit::Off).build().expect("a driver");
    let (start, total) = (Instant::now(), Duration::from_secs(seconds));
    let mut half = None;
    let mut key = 0u64;
    let mut next_report = Duration::ZERO;
    while start.elapsed() < total {
        key += 1;
        let laps = if key.is_multiple_of(3) { 10 } else { 120 };
        assert_eq!(run(&driver, key, laps), run(&plain, key, laps), "key {key}");
        if key.is_multiple_of(10) {
            let earlier = key / 2;
            assert_eq!(run(&driver, earlier, 60), run(&plain, earlier, 60), "key {earlier}");
        }
        if start.elapsed() >= next_report {
            next_report += (total / 10).max(Duration::from_millis(100));
            let stats = driver.stats();
            let held = driver.compiled().len() as u64;
            let (rss, bytes) = (resident(), stats.code_bytes);
            println!(
                "{key:>9} programs  {held:>5} traces held  {:>8} freed  {bytes:>9} bytes of code  {rss:>7} kB",
                stats.freed
            );
            assert!(held <= max_traces, "{held} traces are held");
            if half.is_none() && start.elapsed() >= total / 2 {
                half = Some(rss);
            }
        }
    }
    let (before, after) = (half.unwrap_or(0), resident());
    println!("{before} kB at half time, {after} kB at the end");
    assert!(after <= before + before / 10, "the process grows");
}
