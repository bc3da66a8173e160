//! Basic functions: `print`, `pairs`, `pcall`, and so on.

use super::add_functions;
use crate::number::{Number, parse};
use crate::table::NoSuchKey;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::{LuaError, Result};
use crate::vm::event::Event;
use crate::vm::function::{Args, NativeFn, Outcome};
use jitdriver::jit;
use std::io::Write as _;

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("assert", assert),
    ("collectgarbage", collectgarbage),
    ("dofile", dofile),
    ("error", error),
    ("getmetatable", getmetatable),
    ("ipairs", ipairs),
    ("load", load),
    ("loadfile", loadfile),
    ("next", next),
    ("pairs", pairs),
    ("pcall", pcall),
    ("print", print),
    ("rawequal", rawequal),
    ("rawget", rawget),
    ("rawlen", rawlen),
    ("rawset", rawset),
    ("select", select),
    ("setmetatable", setmetatable),
    ("tonumber", tonumber),
    ("tostring", tostring),
    ("type", type_of),
    ("warn", warn),
    ("xpcall", xpcall),
];

pub fn open(vm: &mut Vm<'_>) {
    let (globals, loaded) = (vm.globals, vm.loaded);
    add_functions(vm, globals, FUNCTIONS);
    vm.set_field(globals, "_G", Value::Table(globals));
    vm.set_field(loaded, "_G", Value::Table(globals));
    vm.natives.next = vm.get_field(globals, "next");
    vm.natives.ipairs_next = vm.native_function(ipairs_next, Vec::new());
    vm.held.push(vm.natives.next);
    vm.held.push(vm.natives.ipairs_next);
    let version = vm.str(b"Lua 5.4");
    vm.set_field(globals, "_VERSION", version);
}

fn assert(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let condition = vm.check_any(args, 1)?;
    if condition.is_truthy() {
        vm.stack.copy_within(args.base..args.base + args.count, args.func());
        return Ok(Outcome::Return(args.count));
    }
    let message = if args.count > 1 { vm.arg(args, 2) } else { vm.str(b"assertion failed!") };
    Err(with_position(vm, message, 1))
}

/// An error with a value; if that is a string, the position at a level comes first.
fn with_position(vm: &mut Vm<'_>, value: Value, level: usize) -> Box<LuaError> {
    let Value::Str(text) = value else { return LuaError::new(value) };
    let mut message = vm.position_at_level(level);
    message.extend_from_slice(text.as_bytes());
    LuaError::new(vm.str(&message))
}

fn collectgarbage(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    const OPTIONS: &[&str] = &[
        "collect",
        "stop",
        "restart",
        "count",
        "step",
        "isrunning",
        "generational",
        "incremental",
        "setpause",
        "setstepmul",
    ];
    let option = vm.check_option(args, 1, Some("collect"), OPTIONS)?;
    match OPTIONS[option] {
        "collect" => {
            vm.safe_point(args.base + args.count);
            vm.ret(args, 0i64)
        }
        "step" => {
            vm.safe_point(args.base + args.count);
            vm.ret(args, true)
        }
        "stop" => {
            vm.heap.set_stopped(true);
            vm.ret(args, 0i64)
        }
        "restart" => {
            vm.heap.set_stopped(false);
            vm.ret(args, 0i64)
        }
        "count" => {
            let kilobytes = vm.heap.bytes() as f64 / 1024.0;
            vm.ret(args, kilobytes)
        }
        "isrunning" => {
            let runs = !vm.heap.is_stopped();
            vm.ret(args, runs)
        }
        "generational" | "incremental" => {
            let next = if option == 6 { "generational" } else { "incremental" };
            let before = std::mem::replace(&mut vm.gc_mode, next);
            vm.ret_str(args, before.as_bytes())
        }
        "setpause" => vm.ret(args, 200i64),
        _ => vm.ret(args, 100i64),
    }
}

fn dofile(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.opt_str(args, 1)?.map(|it| it.to_text());
    let function = match vm.load_file(name.as_deref(), Value::Table(vm.globals)) {
        Ok(function) => function,
        Err(message) => return Err(LuaError::new(vm.str(&message))),
    };
    vm.stack[args.base] = function;
    Ok(Outcome::TailCall { n_args: 0 })
}

fn error(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let level = vm.opt_int(args, 2, 1)?;
    let value = vm.arg(args, 1);
    if level > 0 {
        return Err(with_position(vm, value, level as usize));
    }
    Err(LuaError::new(value))
}

#[jit]
fn getmetatable(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = vm.check_any(args, 1)?;
    let Some(metatable) = vm.metatable(value) else { return vm.ret_value(args, Value::Nil) };
    let shown = vm.metamethod_in(metatable, Event::Metatable);
    vm.ret_value(args, if shown.is_nil() { Value::Table(metatable) } else { shown })
}

#[jit]
fn setmetatable(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_table(args, 1)?;
    let metatable = match vm.arg(args, 2) {
        Value::Nil if args.count >= 2 => None,
        Value::Table(it) => Some(it),
        _ => return Err(vm.arg_type_error(args, 2, "nil or table")),
    };
    if !vm.metamethod(Value::Table(table), Event::Metatable).is_nil() {
        return Err(vm.error("cannot change a protected metatable"));
    }
    vm.heap[table].set_metatable(metatable);
    if let Some(metatable) = metatable
        && !vm.metamethod_in(metatable, Event::Gc).is_nil()
    {
        vm.heap.register_finalizer(table);
    }
    vm.ret_value(args, Value::Table(table))
}

#[jit]
fn ipairs(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_any(args, 1)?;
    let func = args.func();
    vm.stack[func] = vm.natives.ipairs_next;
    vm.stack[func + 1] = table;
    vm.stack[func + 2] = Value::Int(0);
    Ok(Outcome::Return(3))
}

/// The iterator of `ipairs`.
#[jit]
pub fn ipairs_next(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Value::Int(before) = vm.arg(args, 2) else { return vm.ret_value(args, Value::Nil) };
    let at = before.wrapping_add(1);
    let value = match vm.arg(args, 1) {
        Value::Table(table) if vm.heap[table].metatable().is_none() => vm.heap[table].get_int(at),
        other => vm.get_index(other, Value::Int(at))?,
    };
    if value.is_nil() {
        return vm.ret_value(args, Value::Nil);
    }
    vm.stack[args.func()] = Value::Int(at);
    vm.stack[args.base] = value;
    Ok(Outcome::Return(2))
}

fn pairs(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_any(args, 1)?;
    let handler = vm.metamethod(table, Event::Pairs);
    if handler.is_nil() {
        let next = vm.natives.next;
        return vm.ret_all(args, &[next, table, Value::Nil]);
    }
    let (slot, n) = vm.call(handler, &[table])?;
    let mut values = [Value::Nil; 3];
    let n = n.min(3);
    values[..n].copy_from_slice(&vm.stack[slot..slot + n]);
    vm.ret_all(args, &values)
}

/// `next`, which is also the iterator of `pairs`.
pub fn next(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_table(args, 1)?;
    let key = vm.arg(args, 2);
    match vm.heap[table].next(key) {
        Ok(None) => vm.ret(args, Value::Nil),
        Ok(Some((key, value))) => {
            vm.stack[args.func()] = key;
            vm.stack[args.base] = value;
            Ok(Outcome::Return(2))
        }
        Err(NoSuchKey) => Err(LuaError::new(vm.str(b"invalid key to 'next'"))),
    }
}

fn pcall(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    vm.check_any(args, 1)?;
    Ok(Outcome::Protected { n_args: args.count - 1 })
}

fn xpcall(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    vm.check_function(args, 2)?;
    // The handler comes first, so that the function has its arguments behind it.
    vm.stack.swap(args.base, args.base + 1);
    Ok(Outcome::ProtectedWithHandler { n_args: args.count - 2 })
}

fn print(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let mut line = Vec::new();
    for n in 1..=args.count {
        if n > 1 {
            line.push(b'\t');
        }
        line.extend_from_slice(&vm.tostring(vm.arg(args, n))?);
    }
    line.push(b'\n');
    vm.output.write(&line);
    Ok(Outcome::Return(0))
}

fn rawequal(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (a, b) = (vm.check_any(args, 1)?, vm.check_any(args, 2)?);
    vm.ret(args, a.raw_equals(b))
}

fn rawget(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_table(args, 1)?;
    let key = vm.check_any(args, 2)?;
    let value = vm.heap[table].get(key);
    vm.ret(args, value)
}

fn rawlen(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let len = match vm.arg(args, 1) {
        Value::Table(it) => vm.heap[it].len(),
        Value::Str(it) => it.len(),
        _ => return Err(vm.arg_type_error(args, 1, "table or string")),
    };
    vm.ret(args, len as i64)
}

fn rawset(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.check_table(args, 1)?;
    let (key, value) = (vm.check_any(args, 2)?, vm.check_any(args, 3)?);
    vm.check_key(key)?;
    vm.heap.table_set(table, key, value);
    vm.ret(args, table)
}

fn select(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    if let Value::Str(it) = vm.arg(args, 1)
        && it.as_bytes() == b"#"
    {
        return vm.ret(args, args.count as i64 - 1);
    }
    let n_values = args.count as i64 - 1;
    let n = vm.check_int(args, 1)?;
    let first = if n < 0 { n_values + n } else { n - 1 };
    if first < 0 {
        return Err(vm.arg_error(1, "index out of range"));
    }
    let first = first.min(n_values) as usize;
    let start = args.base + 1 + first;
    vm.stack.copy_within(start..args.base + args.count, args.func());
    Ok(Outcome::Return(n_values as usize - first))
}

fn tonumber(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    if vm.arg(args, 2).is_nil() {
        let number = match vm.check_any(args, 1)? {
            it @ (Value::Int(_) | Value::Float(_)) => it,
            Value::Str(text) => match parse(text.as_bytes()) {
                Some(Number::Int(it)) => Value::Int(it),
                Some(Number::Float(it)) => Value::float(it),
                None => Value::Nil,
            },
            _ => Value::Nil,
        };
        return vm.ret(args, number);
    }
    let base = vm.check_int(args, 2)?;
    let Value::Str(text) = vm.arg(args, 1) else {
        return Err(vm.arg_type_error(args, 1, "string"));
    };
    if !(2..=36).contains(&base) {
        return Err(vm.arg_error(2, "base out of range"));
    }
    let number = parse_in_base(text.as_bytes(), base as u32);
    vm.ret(args, number.map_or(Value::Nil, Value::Int))
}

fn parse_in_base(text: &[u8], base: u32) -> Option<i64> {
    let text = crate::number::trim(text);
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = (byte as char).to_digit(base)?;
        value = value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit));
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

fn tostring(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = vm.check_any(args, 1)?;
    if let Value::Str(_) = value {
        return vm.ret(args, value);
    }
    let text = vm.tostring(value)?;
    vm.ret_str(args, &text)
}

fn type_of(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_any(args, 1)?.type_name();
    vm.ret_str(args, name.as_bytes())
}

fn warn(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let mut text = Vec::new();
    vm.check_str(args, 1)?;
    for n in 1..=args.count {
        text.extend_from_slice(vm.check_str(args, n)?.as_bytes());
    }
    match &text[..] {
        b"@on" if args.count == 1 => vm.warns = true,
        b"@off" if args.count == 1 => vm.warns = false,
        _ if vm.warns => {
            let message = [b"Lua warning: ", &text[..], b"\n"].concat();
            // Nobody is told that standard error is closed.
            let _ = std::io::stderr().write_all(&message);
        }
        _ => {}
    }
    Ok(Outcome::Return(0))
}

fn load(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let chunk = vm.arg(args, 1);
    let source = match chunk {
        Value::Str(text) => text.as_bytes().to_vec(),
        _ => {
            vm.check_function(args, 1)?;
            match read_pieces(vm, chunk) {
                Ok(source) => source,
                Err(error) => return vm.ret_all(args, &[Value::Nil, error.value]),
            }
        }
    };
    let name = match (vm.opt_str(args, 2)?, chunk) {
        (Some(name), _) => name.as_bytes().to_vec(),
        (None, Value::Str(_)) => source.clone(),
        (None, _) => b"=(load)".to_vec(),
    };
    let mode = vm.opt_str(args, 3)?.map_or("bt".to_string(), |it| it.to_text());
    let env = if args.count >= 4 { vm.arg(args, 4) } else { Value::Table(vm.globals) };
    let (kind, letter) =
        if source.first() == Some(&0x1b) { ("binary", 'b') } else { ("text", 't') };
    if !mode.contains(letter) {
        let message = format!("attempt to load a {kind} chunk (mode is '{mode}')");
        let message = vm.str(message.as_bytes());
        return vm.ret_all(args, &[Value::Nil, message]);
    }
    match vm.load(&source, &name, env) {
        Ok(function) => vm.ret(args, function),
        Err(error) => {
            let message = vm.str(&error.0);
            vm.ret_all(args, &[Value::Nil, message])
        }
    }
}

fn read_pieces(vm: &mut Vm<'_>, reader: Value) -> Result<Vec<u8>> {
    let mut source = Vec::new();
    loop {
        match vm.catching(|vm| vm.call_for_one(reader, &[]))? {
            Value::Nil => return Ok(source),
            Value::Str(piece) if piece.len() == 0 => return Ok(source),
            Value::Str(piece) => source.extend_from_slice(piece.as_bytes()),
            _ => {
                let message = vm.str(b"reader function must return a string");
                return Err(LuaError::new(message));
            }
        }
    }
}

fn loadfile(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.opt_str(args, 1)?.map(|it| it.to_text());
    let env = if args.count >= 3 { vm.arg(args, 3) } else { Value::Table(vm.globals) };
    match vm.load_file(name.as_deref(), env) {
        Ok(function) => vm.ret(args, function),
        Err(message) => {
            let message = vm.str(&message);
            vm.ret_all(args, &[Value::Nil, message])
        }
    }
}

impl Vm<'_> {
    /// Compiles a file, or standard input; a message if that fails.
    pub fn load_file(
        &mut self,
        name: Option<&str>,
        env: Value,
    ) -> std::result::Result<Value, Vec<u8>> {
        let (source, chunk_name) = match name {
            Some(name) => match std::fs::read(name) {
                Ok(source) => (source, format!("@{name}")),
                Err(error) => {
                    let reason = super::os::reason(&error);
                    let is_folder = error.kind() == std::io::ErrorKind::IsADirectory;
                    let verb = if is_folder { "read" } else { "open" };
                    return Err(format!("cannot {verb} {name}: {reason}").into_bytes());
                }
            },
            None => {
                let mut source = Vec::new();
                let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut source);
                read.map_err(|error| error.to_string().into_bytes())?;
                (source, "=stdin".to_string())
            }
        };
        self.load(&source, chunk_name.as_bytes(), env).map_err(|error| error.0)
    }
}
