//! Random guest programs: plain, under llgraph and under Cranelift they must do the same.
//!
//! A seed gives a program and the parameters it runs with. Result, final memory, effects, and message
//! and place of a panic are compared, and that both backends compile the same traces. A program that
//! makes a difference is shrunk and printed with its seed.
//!
//! - [`machine`] is the interpreter, [`generate`] makes programs, [`shrink`](mod@shrink) makes them
//!   smaller.
//!
//! Why not random traces only, which `random` makes? They check optimizer and backends. What can be
//! wrong between an interpreter and its traces, recording, resuming, panics, is only seen from here.

pub mod generate;
pub mod machine;
pub mod shrink;

use crate::oracle::{Effects, Run, compare, compare_in_background, outcome, with_effects};
use arbitrary::{Arbitrary, Unstructured};
use generate::Program;
use jitdriver::JitDriver;
use machine::{Machine, N_DATA, N_REGS, NAMES, interpret};
use metainterp::opt::{Pass, Passes};
use std::fmt;

/// All that can be seen of one call.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// The result, or the panic.
    pub result: Result<i64, String>,
    /// The effects.
    pub effects: Effects,
    /// The machine at the end.
    pub machine: Machine,
    /// The registers at the end.
    pub regs: [i64; N_REGS],
    /// The memory at the end.
    pub data: [i32; N_DATA],
}

/// A program, and how it is run.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Where it comes from.
    pub seed: u64,
    /// The program.
    pub program: Program,
    /// The driver's parameters.
    pub params: String,
}

/// Bytes of randomness per experiment: enough for the longest programs.
const N_BYTES: usize = 4096;

impl Experiment {
    /// The experiment with this seed.
    pub fn new(seed: u64) -> Experiment {
        let bytes = generate::bytes(seed, N_BYTES);
        let mut u = Unstructured::new(&bytes);
        let params = params(&mut u).expect("never out of bytes");
        let program = Program::arbitrary(&mut u).expect("out of bytes is zeros");
        Experiment { seed, program, params }
    }

    /// Runs the program in all modes: the runs under a backend, or the difference.
    pub fn run(&self) -> Result<Vec<Run>, String> {
        compare(&[self.params.as_str()], |driver| self.calls(driver))
    }

    /// The same with drivers that compile in the background.
    pub fn run_in_background(&self) -> Result<Vec<Run>, String> {
        compare_in_background(&self.params, 4, |driver| self.calls(driver))
    }

    /// As often as it takes until bridges that leave the portal are hot too.
    fn calls<'p>(&'p self, driver: &JitDriver<'p>) -> Vec<Seen> {
        [0, 7, -1, 7, 0x1234_5678_9abc].map(|input| self.call(driver, input)).into()
    }

    fn call<'p>(&'p self, driver: &JitDriver<'p>, input: i64) -> Seen {
        let mut machine = Machine::new(input);
        let mut regs = [0; N_REGS];
        let mut data = [0; N_DATA];
        for (at, reg) in regs.iter_mut().enumerate() {
            *reg = input.rotate_left(at as u32 * 5) ^ at as i64;
        }
        for (at, word) in data.iter_mut().enumerate() {
            *word = at as i32 * 1001 - 3000;
        }
        let (result, effects) = with_effects(|| {
            outcome(|| interpret(driver, &self.program.0, &mut machine, &mut regs, &mut data, 400))
        });
        Seen { result, effects, machine, regs, data }
    }

    /// The smallest program that still makes a difference, and the difference.
    pub fn shrunk(&self) -> (Experiment, String) {
        let with = |program: &Program| Experiment { program: program.clone(), ..self.clone() };
        let program = shrink::shrink(&self.program, |program| with(program).run().is_err());
        let shrunk = with(&program);
        let difference = shrunk.run().err().unwrap_or_else(|| "none any more".into());
        (shrunk, difference)
    }
}

/// Thresholds so small that short programs are compiled; at times few operations or passes.
fn params(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let threshold = *u.choose(&[1, 1, 2, 3, 5])?;
    let eagerness = *u.choose(&[1, 2, 2, 3, 7])?;
    let mut params = format!("threshold={threshold},trace_eagerness={eagerness}");
    // Most programs are too short for regions at the default.
    if u.ratio(3, 4)? {
        params += &format!(",region_threshold={}", u.choose(&[1, 1, 2, 5, 20])?);
    }
    if u.ratio(1, 4)? {
        params += &format!(",region_limit={}", u.int_in_range(1..=300)?);
    }
    if u.ratio(1, 4)? {
        params += &format!(",trace_limit={}", u.int_in_range(1..=300)?);
    }
    if u.ratio(1, 10)? {
        params += &format!(",failargs_limit={}", u.int_in_range(1..=20)?);
    }
    if u.ratio(1, 10)? {
        params += &format!(",max_unroll_recursion={}", u.int_in_range(0..=3)?);
    }
    if u.ratio(1, 4)? {
        params += &format!(",max_promoted_values={}", u.int_in_range(0..=3)?);
    }
    let pass = *u.choose(Pass::ALL)?;
    match u.int_in_range(0..=9)? {
        0 => params += ",enable_opts=",
        1..=2 => params += &format!(",enable_opts={}", Passes::ALL.without(pass)),
        3 => params += &format!(",enable_opts={}", Passes::NONE.with(pass)),
        4 => params += &format!(",enable_opts={}", some_passes(u)?),
        _ => {}
    }
    Ok(params)
}

/// Each pass or not, by chance.
fn some_passes(u: &mut Unstructured<'_>) -> arbitrary::Result<Passes> {
    let mut passes = Passes::NONE;
    for &pass in Pass::ALL {
        if u.arbitrary()? {
            passes = passes.with(pass);
        }
    }
    Ok(passes)
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} with `{}`", self.seed, self.params)?;
        for (at, &[opcode, a, b, c]) in self.program.0.iter().enumerate() {
            if opcode != machine::NOP {
                writeln!(f, "{at:>4}  [{}, {a}, {b}, {c}]", NAMES[opcode as usize])?;
            }
        }
        Ok(())
    }
}
