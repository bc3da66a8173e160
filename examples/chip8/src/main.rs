//! `chip8 FILE`: runs a CHIP-8 program and shows the last screen.
//!
//! A file that ends in `.8s` is assembled first, any other is a memory image.

use chip8::{Chip8, KeyScript, assemble, run};
use clap::{Parser, ValueEnum};
use jitdriver::{Jit, JitDriver};
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs a CHIP-8 program and shows the last screen.
#[derive(Parser)]
struct Args {
    /// Instructions to run at most
    #[arg(long, default_value_t = 10_000_000)]
    cycles: u64,
    /// What is pressed when, as in "60=4 90= 120=46", or `-` to read that from standard input
    #[arg(long, default_value = "")]
    keys: String,
    /// Where the random numbers start
    #[arg(long, default_value_t = 0)]
    seed: u32,
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
    match play(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chip8: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args) -> Result<(), Box<dyn Error>> {
    let keys = match args.keys.as_str() {
        "-" => io::read_to_string(io::stdin())?,
        script => script.to_owned(),
    };
    let keys = KeyScript::parse(&keys)?;
    let mut vm = Chip8::new(&load(&args.file)?, args.seed)?;
    let mut builder = JitDriver::builder().name("chip8").jit(args.jit).from_env()?;
    if let Some(threshold) = args.threshold {
        builder = builder.threshold(threshold);
    }
    let driver = builder.build()?;
    let result = run(&driver, &mut vm, &keys, args.cycles);
    print!("{}", vm.screen());
    match args.stats {
        Some(StatsFormat::Json) => eprintln!("{}", driver.stats().to_json()),
        Some(StatsFormat::Text) => eprint!("{}", driver.stats()),
        None => {}
    }
    println!("{}", result?);
    Ok(())
}

fn load(file: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
    if file.extension().is_none_or(|extension| extension != "8s") {
        return Ok(bytes);
    }
    let source = String::from_utf8(bytes).map_err(|error| format!("{shown}: {error}"))?;
    Ok(assemble(&source).map_err(|error| format!("{shown}:{error}"))?)
}
