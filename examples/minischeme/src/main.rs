//! `minischeme FILE` runs a program, `minischeme` alone reads expressions and shows their values.

use clap::{Parser, ValueEnum};
use jitdriver::{Jit, JitDriver};
use minischeme::{Error, Interpreter, Value, with_stack};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs a Scheme program, or reads expressions and shows their values.
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
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatsFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    env_logger::init();
    let args = Args::parse();
    let result = with_stack(move || run(&args));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let mut builder = JitDriver::builder().name("minischeme").jit(args.jit);
    builder = builder.from_env().map_err(|error| error.to_string())?;
    if let Some(threshold) = args.threshold {
        builder = builder.threshold(threshold);
    }
    let mut interpreter = match args.file {
        Some(_) => Interpreter::new(io::BufWriter::new(io::stdout())),
        None => Interpreter::new(io::stdout()),
    };
    interpreter.jit = builder.build().map_err(|error| error.to_string())?;
    let result = match &args.file {
        Some(file) => run_file(&mut interpreter, file),
        None => repl(&mut interpreter).map_err(|error| error.to_string()),
    };
    let stats = interpreter.jit.stats();
    match args.stats {
        Some(StatsFormat::Json) => eprintln!("{}", stats.to_json()),
        Some(StatsFormat::Text) => eprint!("{stats}"),
        None => {}
    }
    result
}

fn run_file(interpreter: &mut Interpreter, file: &Path) -> Result<(), String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    let result = interpreter.run(&text);
    let flushed = interpreter.flush();
    result.map_err(|error| format!("{shown}:{error}"))?;
    flushed.map_err(|error| format!("cannot write the output: {error}"))
}

/// Reads until a form is complete, runs it, shows its value; an error does not end it.
fn repl(interpreter: &mut Interpreter) -> io::Result<()> {
    let is_interactive = io::stdin().is_terminal();
    let mut text = String::new();
    loop {
        if is_interactive {
            print!("{}", if text.is_empty() { "> " } else { ". " });
            io::stdout().flush()?;
        }
        let is_end = io::stdin().lock().read_line(&mut text)? == 0;
        match interpreter.run(&text) {
            Err(error) if error.is_incomplete() && !is_end => continue,
            result => show(result),
        }
        if is_end {
            return Ok(());
        }
        text.clear();
    }
}

fn show(result: Result<Value, Error>) {
    match result {
        Ok(Value::Unspecified) => {}
        Ok(value) => println!("{value}"),
        Err(error) => eprintln!("{error}"),
    }
}
