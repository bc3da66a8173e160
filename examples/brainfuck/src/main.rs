//! A Brainfuck interpreter with a tracing JIT: `brainfuck FILE`, the guest's input on standard input.

mod interpreter;

use clap::{Parser, ValueEnum};
use jitdriver::{Jit, JitDriver};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs a Brainfuck program.
#[derive(Parser)]
struct Args {
    /// off, llgraph or cranelift
    #[arg(long, default_value_t = Jit::default())]
    jit: Jit,
    /// Times a loop must run before it is recorded
    #[arg(long)]
    threshold: Option<u32>,
    /// Print statistics to standard error, as text or as one line of JSON
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    stats: Option<StatsFormat>,
    /// The program
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatsFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    env_logger::init();
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("brainfuck: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let source =
        std::fs::read(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
    let program = interpreter::parse(&source)?;
    let mut builder = JitDriver::builder().name("brainfuck").jit(args.jit).from_env()?;
    if let Some(threshold) = args.threshold {
        builder = builder.threshold(threshold);
    }
    let driver = builder.build()?;
    let result = interpreter::run(&driver, &program, &mut io::stdin(), &mut io::stdout());
    match args.stats {
        Some(StatsFormat::Json) => eprintln!("{}", driver.stats().to_json()),
        Some(StatsFormat::Text) => eprint!("{}", driver.stats()),
        None => {}
    }
    Ok(result?)
}
