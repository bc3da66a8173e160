//! Runs what the command line asks for.

use crate::value::Value;
use crate::vm::error::LuaError;
use crate::vm::{Protos, Vm};
use crate::{Args, StatsFormat, repl};
use jitdriver::{BuildError, JitDriver};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Runs statements, modules, the script, and the prompt.
pub fn run(args: &Args) -> ExitCode {
    let driver = match build_driver(args) {
        Ok(driver) => driver,
        Err(error) => {
            eprintln!("lua: {error}");
            return ExitCode::FAILURE;
        }
    };
    let arena = Protos::new();
    let mut vm = Vm::new(&arena, &driver);
    let is_fine = run_all(&mut vm, args);
    vm.finalize_all();
    vm.output.flush();
    match args.stats {
        Some(StatsFormat::Json) => eprintln!("{}", driver.stats().to_json()),
        Some(StatsFormat::Text) => eprint!("{}", driver.stats()),
        None => {}
    }
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build_driver<'p>(args: &Args) -> Result<JitDriver<'p>, BuildError> {
    let mut builder = JitDriver::builder().name("lua").jit(args.jit).from_env()?;
    if let Some(threshold) = args.threshold {
        builder = builder.threshold(threshold);
    }
    builder.build()
}

fn run_all(vm: &mut Vm<'_>, args: &Args) -> bool {
    set_arg_table(vm, &args.script);
    for module in &args.library {
        let require = vm.get_field(vm.globals, "require");
        let name = vm.str(module.as_bytes());
        let result = vm.call_for_one(require, &[name]);
        let Some(value) = report_failure(vm, result) else { return false };
        let globals = vm.globals;
        vm.set_field(globals, module, value);
    }
    for statement in &args.execute {
        let loaded = vm.load(statement.as_bytes(), b"=(command line)", Value::Table(vm.globals));
        let result = loaded.map_err(|error| error.0);
        if !run_chunk(vm, result, &[]) {
            return false;
        }
    }
    let stdin_is_terminal = std::io::stdin().is_terminal();
    match args.script.split_first() {
        Some((name, rest)) => {
            let path = if name == "-" { None } else { Some(name.as_str()) };
            let loaded = vm.load_file(path, Value::Table(vm.globals));
            let values: Vec<Value> = rest.iter().map(|it| vm.str(it.as_bytes())).collect();
            if !run_chunk(vm, loaded, &values) {
                return false;
            }
        }
        None if args.interactive || !args.execute.is_empty() || !args.library.is_empty() => {}
        None if stdin_is_terminal => {
            println!("Lua 5.4 interpreter (examples/lua)");
            return repl::run(vm);
        }
        None => {
            let loaded = vm.load_file(None, Value::Table(vm.globals));
            return run_chunk(vm, loaded, &[]);
        }
    }
    if args.interactive { repl::run(vm) } else { true }
}

/// The global `arg`: the script at 0, its arguments behind, the program before.
fn set_arg_table(vm: &mut Vm<'_>, script: &[String]) {
    let table = vm.heap.new_table(script.len(), 1);
    let globals = vm.globals;
    vm.set_field(globals, "arg", Value::Table(table));
    let program = std::env::args().next().unwrap_or_default();
    let offset = i64::from(!script.is_empty());
    let name = vm.str(program.as_bytes());
    vm.heap.table_set(table, Value::Int(-offset), name);
    for (at, argument) in script.iter().enumerate() {
        let argument = vm.str(argument.as_bytes());
        vm.heap.table_set(table, Value::Int(at as i64), argument);
    }
}

/// Runs a chunk that has been compiled, or reports why it has not; whether all went well.
fn run_chunk(vm: &mut Vm<'_>, loaded: Result<Value, Vec<u8>>, args: &[Value]) -> bool {
    match loaded {
        Ok(function) => {
            let result = vm.call(function, args).map(|_| Value::Nil);
            report_failure(vm, result).is_some()
        }
        Err(message) => {
            report(vm, &message);
            false
        }
    }
}

/// The value, or none after the error has been reported.
pub fn report_failure(vm: &mut Vm<'_>, result: Result<Value, Box<LuaError>>) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let message = error_text(vm, &error);
            report(vm, &message);
            None
        }
    }
}

/// The message of an error that nobody has caught, with its traceback.
pub fn error_text(vm: &Vm<'_>, error: &LuaError) -> Vec<u8> {
    vm.plain_text(error.value)
}

fn report(vm: &mut Vm<'_>, message: &[u8]) {
    vm.output.flush();
    let text = [b"lua: ", message, b"\n"].concat();
    // There is no other place to report to.
    let _ = std::io::stderr().write_all(&text);
}
