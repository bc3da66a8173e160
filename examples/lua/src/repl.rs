//! The prompt: reads statements and expressions line by line.
//!
//! What is read is tried as an expression first, then as statements. If it ends in the middle, more
//! lines are read.

use crate::runner::error_text;
use crate::syntax::SyntaxError;
use crate::value::Value;
use crate::vm::Vm;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Reads and runs until the input ends.
pub fn run(vm: &mut Vm<'_>) -> bool {
    let shows_prompt = std::io::stdin().is_terminal();
    while let Some(line) = read_line(vm, shows_prompt, "_PROMPT", "> ") {
        match read_statement(vm, line, shows_prompt) {
            Ok(function) => evaluate(vm, function),
            Err(error) => complain(vm, &error.0),
        }
    }
    if shows_prompt {
        println!();
    }
    true
}

fn read_line(vm: &mut Vm<'_>, shows_prompt: bool, name: &str, default: &str) -> Option<Vec<u8>> {
    vm.output.flush();
    if shows_prompt {
        let prompt = match vm.get_field(vm.globals, name) {
            Value::Nil => default.as_bytes().to_vec(),
            other => vm.tostring(other).unwrap_or_default(),
        };
        let mut stdout = std::io::stdout();
        stdout.write_all(&prompt).and_then(|()| stdout.flush()).ok()?;
    }
    let mut line = Vec::new();
    let n = std::io::stdin().lock().read_until(b'\n', &mut line).ok()?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    (n > 0).then_some(line)
}

fn read_statement(
    vm: &mut Vm<'_>,
    first: Vec<u8>,
    shows_prompt: bool,
) -> Result<Value, SyntaxError> {
    const NAME: &[u8] = b"=stdin";
    let globals = Value::Table(vm.globals);
    let first = match first.strip_prefix(b"=") {
        Some(rest) => [b"return ", rest].concat(),
        None => first,
    };
    if let Ok(function) = vm.load(&[b"return ", &first[..]].concat(), NAME, globals) {
        return Ok(function);
    }
    let mut source = first;
    loop {
        match vm.load(&source, NAME, globals) {
            Err(error) if error.0.ends_with(b"<eof>") => {
                let Some(line) = read_line(vm, shows_prompt, "_PROMPT2", ">> ") else {
                    return Err(error);
                };
                source.push(b'\n');
                source.extend_from_slice(&line);
            }
            result => return result,
        }
    }
}

/// Runs a chunk and prints what it returns.
fn evaluate(vm: &mut Vm<'_>, function: Value) {
    let values = match vm.call(function, &[]) {
        Ok((slot, n)) => vm.stack[slot..slot + n].to_vec(),
        Err(error) => {
            let text = error_text(vm, &error);
            return complain(vm, &text);
        }
    };
    if values.is_empty() {
        return;
    }
    let print = vm.get_field(vm.globals, "print");
    if let Err(error) = vm.call(print, &values) {
        let mut text = b"error calling 'print' (".to_vec();
        text.extend_from_slice(&error_text(vm, &error));
        text.push(b')');
        complain(vm, &text);
    }
}

fn complain(vm: &mut Vm<'_>, message: &[u8]) {
    vm.output.flush();
    // There is no other place to complain to.
    let _ = std::io::stderr().write_all(&[b"lua: ", message, b"\n"].concat());
}
