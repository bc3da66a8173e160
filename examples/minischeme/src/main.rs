//! `minischeme FILE` runs a program, `minischeme` alone reads expressions and shows their values.

use clap::Parser;
use minischeme::{Error, Interpreter, Value, with_stack};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs a Scheme program, or reads expressions and shows their values.
#[derive(Parser)]
struct Args {
    /// The program
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = with_stack(move || match args.file {
        Some(file) => run_file(&file),
        None => repl().map_err(|error| error.to_string()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run_file(file: &Path) -> Result<(), String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    let mut interpreter = Interpreter::new(io::BufWriter::new(io::stdout()));
    let result = interpreter.run(&text);
    let flushed = interpreter.flush();
    result.map_err(|error| format!("{shown}:{error}"))?;
    flushed.map_err(|error| format!("cannot write the output: {error}"))
}

/// Reads until a form is complete, runs it, shows its value; an error does not end it.
fn repl() -> io::Result<()> {
    let mut interpreter = Interpreter::new(io::stdout());
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
