//! A Lua 5.4 interpreter: `lua FILE ARGUMENTS…`, `lua -e STATEMENT`, `lua -i`.

#![deny(unsafe_code)]

mod cformat;
mod compiler;
mod gc;
mod hash_part;
mod number;
mod repl;
mod runner;
mod shape;
mod stdlib;
mod string;
mod syntax;
mod table;
mod userdata;
mod value;
mod vm;

use clap::{Parser, ValueEnum};
use jitdriver::Jit;
use std::process::ExitCode;

/// Runs Lua programs.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct Args {
    /// Execute a statement before the script
    #[arg(short = 'e', value_name = "STATEMENT")]
    execute: Vec<String>,
    /// Load a module before the script
    #[arg(short = 'l', value_name = "MODULE")]
    library: Vec<String>,
    /// Read further statements from standard input after the script
    #[arg(short = 'i')]
    interactive: bool,
    /// off, llgraph or cranelift
    #[arg(long, default_value_t = Jit::default())]
    jit: Jit,
    /// Times a loop must run before it is recorded
    #[arg(long)]
    threshold: Option<u32>,
    /// Print statistics to standard error, as text or as one line of JSON
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    stats: Option<StatsFormat>,
    /// The script, `-` for standard input, and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    script: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatsFormat {
    Text,
    Json,
}

/// Room for the nested calls that the limits of parser, compiler and machine allow.
const STACK_SIZE: usize = 256 << 20;

fn main() -> ExitCode {
    env_logger::init();
    let args = Args::parse();
    let work = move || runner::run(&args);
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE).spawn(work);
    match thread.map(|it| it.join()) {
        Ok(Ok(code)) => code,
        // A panic has said what it is.
        Ok(Err(_)) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lua: {error}");
            ExitCode::FAILURE
        }
    }
}
