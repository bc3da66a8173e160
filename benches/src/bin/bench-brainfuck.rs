//! A Brainfuck program under the JIT, without it, in the plain interpreter and in C.
//!
//! The contestants that use the JIT are processes of `brainfuck --jit MODE FILE`; build them first
//! with `cargo build --release`. A mode that is not there is shown as such, and the exit code is 1.
//!
//! Do not read much into `jit off` being some percent faster or slower than `plain`. The dispatch of
//! the loop is one indirect jump, and how well that is predicted depends on where the linker puts
//! it: the same instructions took 9.0 s in one binary and 12.4 s in another (mandelbrot.bf, AMD EPYC,
//! November 2026). For the price of the hints, compare the instructions.

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::bf_to_c::{OPTIMIZATION, Workshop, translate};
use jit_benches::measure::{Contestant, IN_BACKGROUND, sibling_binary, take_turns};
use jit_benches::plain_brainfuck;
use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs a Brainfuck program in several ways, in turns, and prints medians and ratios.
#[derive(Parser)]
struct Arguments {
    /// The program; NAME.in beside it is its input and NAME.out its expected output.
    #[arg(default_value = concat!(
        env!("CARGO_MANIFEST_DIR"), "/../examples/brainfuck/programs/mandelbrot.bf"
    ))]
    program: PathBuf,
    /// How often each contestant runs.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// What to run of `brainfuck --jit MODE`; llgraph takes its time. `background` is cranelift on a thread of its own.
    #[arg(long, value_delimiter = ',', default_value = "off,cranelift,background")]
    modes: Vec<String>,
    /// The JIT example.
    #[arg(long, default_value_os_t = sibling_binary("brainfuck"))]
    brainfuck: PathBuf,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let source = fs::read(&arguments.program)?;
    let expected = fs::read(arguments.program.with_extension("out"))?;
    let input = Some(arguments.program.with_extension("in")).filter(|path| path.exists());
    let workshop = Workshop::new("bench-brainfuck")?;
    let native = workshop.compile("program", &translate(&source)?)?;

    let c_name = format!("C {OPTIMIZATION}");
    let mut contestants = vec![
        plain(&source, &expected, input.as_deref())?,
        Contestant::process(c_name.clone(), &expected, native, vec![], input.clone()),
    ];
    let program = arguments.program.display().to_string();
    for mode in &arguments.modes {
        let name = format!("jit {mode}");
        let brainfuck = arguments.brainfuck.clone();
        let (binary, command_line) = match mode.as_str() {
            "background" => {
                let words = [IN_BACKGROUND, &brainfuck.display().to_string(), &program];
                (PathBuf::from("env"), words.map(String::from).to_vec())
            }
            _ => (brainfuck, vec!["--jit".to_string(), mode.clone(), program.clone()]),
        };
        let input = input.clone();
        contestants.push(Contestant::process(name, &expected, binary, command_line, input));
    }
    let table = take_turns(contestants, arguments.rounds);
    print!("{}", table.render(&["plain", &c_name]));
    Ok(if table.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The interpreter without annotations, in this process.
fn plain(
    source: &[u8],
    expected: &[u8],
    input: Option<&Path>,
) -> Result<Contestant<'static>, Box<dyn Error>> {
    let program = plain_brainfuck::parse(source)?;
    let input = input.map(fs::read).transpose()?.unwrap_or_default();
    Ok(Contestant::in_process("plain", expected, move || {
        let mut output = Vec::new();
        plain_brainfuck::run(&program, &mut &input[..], &mut output).map_err(|e| e.to_string())?;
        Ok(output)
    }))
}
