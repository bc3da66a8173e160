//! What it costs to enter compiled code and to leave it again: by a rewind, by a replay, into a bridge.
//!
//! The interpreter below runs one guest loop of few opcodes. Its trace is recorded in one mode; in the
//! other mode a guard of it fails in every lap. Each figure is the time of a lap in which that happens,
//! less the time of the same lap without it, and the best of several runs.

#![forbid(unsafe_code)]

use clap::Parser;
use jitdriver::{Jit, JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

/// Prints what it costs to leave compiled code, in nanoseconds.
#[derive(Parser)]
struct Arguments {
    /// Laps of the guest's loop in each run.
    #[arg(long, default_value = "2000000")]
    laps: u64,
    /// Runs of each loop, of which the fastest counts.
    #[arg(long, default_value = "7")]
    rounds: u32,
    /// Only the rows in whose names this is.
    #[arg(long, default_value = "")]
    only: String,
}

/// Ends the loop when the counter is zero.
const COUNT_DOWN: u8 = 0;
/// Adds something to the sum, what depends on whether the mode is zero.
const ADD_BY_MODE: u8 = 1;
/// The same, with a mode that a function answers which is not traced.
const ADD_BY_CALL: u8 = 2;
/// The same, with another mode in every other lap.
const ADD_BY_TURNS: u8 = 3;

#[dont_look_inside]
fn answer(mode: u64) -> u64 {
    black_box(mode)
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], mode: u64, laps: u64) -> u64 {
    let mut pc = 0;
    let mut sum: u64 = 0;
    let mut left = laps;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [sum, left, mode]);
        let selector = match code[pc] {
            COUNT_DOWN => {
                if left == 0 {
                    return sum;
                }
                left -= 1;
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [sum, left, mode]);
                continue;
            }
            ADD_BY_MODE => mode,
            ADD_BY_CALL => answer(mode),
            _ => mode & left,
        };
        sum = if selector == 0 { sum.wrapping_add(left) } else { sum.wrapping_mul(3) };
        pc += 1;
    }
}

/// One guest loop, compiled for mode 0.
struct Loop {
    code: [u8; 2],
    params: &'static str,
}

impl Loop {
    /// Nanoseconds a lap in this mode, and how often compiled code was entered in each.
    fn time(
        &self,
        jit: Jit,
        mode: u64,
        arguments: &Arguments,
    ) -> Result<(f64, f64), Box<dyn Error>> {
        let driver = JitDriver::builder().jit(jit).params(self.params)?.build()?;
        let run = |mode, laps| interpret(&driver, black_box(&self.code), mode, laps);
        // Hot in mode 0, and again in the mode that is measured, for its bridges.
        run(0, 100_000);
        run(mode, 100_000);
        let entered = driver.stats().entered;
        let mut best = f64::INFINITY;
        for _ in 0..arguments.rounds {
            let start = Instant::now();
            black_box(run(mode, arguments.laps));
            best = best.min(start.elapsed().as_nanos() as f64 / arguments.laps as f64);
        }
        let laps = f64::from(arguments.rounds) * arguments.laps as f64;
        Ok((best, (driver.stats().entered - entered) as f64 / laps))
    }

    /// What leaving costs if every lap does it and the interpreter then runs the lap.
    fn leaving(&self, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
        let (with, entered) = self.time(Jit::Cranelift, 1, arguments)?;
        let (plain, _) = self.time(Jit::Off, 1, arguments)?;
        if (entered - 1.0).abs() > 0.01 {
            return Err(format!("compiled code is entered {entered} times a lap, not once").into());
        }
        Ok(with - plain)
    }

    /// What going into a bridge and back costs if every other lap does it.
    fn crossing(&self, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
        let (by_turns, entered) = self.time(Jit::Cranelift, 1, arguments)?;
        let (straight, _) = self.time(Jit::Cranelift, 0, arguments)?;
        if entered > 0.01 {
            return Err(format!("compiled code is left {entered} times a lap: no bridge").into());
        }
        Ok(2.0 * (by_turns - straight))
    }
}

type Measure<'a> = &'a dyn Fn() -> Result<f64, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    const NEVER: &str = "trace_eagerness=4000000000";
    let rewind = Loop { code: [ADD_BY_MODE, COUNT_DOWN], params: NEVER };
    let replay = Loop { code: [ADD_BY_CALL, COUNT_DOWN], params: NEVER };
    let bridge = Loop { code: [ADD_BY_TURNS, COUNT_DOWN], params: "region_threshold=0" };
    let region = Loop { code: [ADD_BY_TURNS, COUNT_DOWN], params: "" };
    let rows: [(&str, Measure<'_>, f64); 4] = [
        ("enter and leave by a rewind", &|| rewind.leaving(&arguments), 50.0),
        ("enter and leave by a replay", &|| replay.leaving(&arguments), 1000.0),
        ("into a bridge and back", &|| bridge.crossing(&arguments), 4.0),
        ("the same within a region", &|| region.crossing(&arguments), 4.0),
    ];
    println!("{:30} {:>10} {:>10}", "", "ns", "wanted");
    for (name, measure, wanted) in rows {
        if !name.contains(&arguments.only) {
            continue;
        }
        let found = measure()?;
        let verdict = if found <= wanted { "" } else { "missed" };
        println!("{name:30} {found:10.1} {wanted:10.0} {verdict}");
    }
    Ok(())
}
