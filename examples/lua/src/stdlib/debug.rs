//! `debug`, as far as scripts use it: tracebacks, where a function comes from, metatables.

use super::module;
use crate::compiler::proto::Proto;
use crate::gc::Gc;
use crate::syntax::chunk_id;
use crate::table::Table;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::debug::{Level, current_line};
use crate::vm::error::Result;
use crate::vm::frame::FrameKind;
use crate::vm::function::{Args, NativeFn, Outcome};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("getinfo", getinfo),
    ("getmetatable", getmetatable),
    ("sethook", sethook),
    ("setmetatable", setmetatable),
    ("traceback", traceback),
];

pub fn open(vm: &mut Vm<'_>) {
    module(vm, "debug", FUNCTIONS);
}

fn getmetatable(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let value = vm.check_any(args, 1)?;
    let metatable = vm.metatable(value).map_or(Value::Nil, Value::Table);
    vm.ret(args, metatable)
}

fn setmetatable(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let metatable = match vm.arg(args, 2) {
        Value::Nil => None,
        Value::Table(it) => Some(it),
        _ => return Err(vm.arg_type_error(args, 2, "nil or table")),
    };
    let value = vm.arg(args, 1);
    match value {
        Value::Table(table) => vm.heap[table].set_metatable(metatable),
        Value::Str(_) => vm.string_metatable = metatable,
        _ => return Err(vm.error("metatables of this type are not supported")),
    }
    vm.ret(args, value)
}

/// There are no hooks; setting none is fine.
fn sethook(_vm: &mut Vm<'_>, _args: Args) -> Result<Outcome> {
    Ok(Outcome::Return(0))
}

fn traceback(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (thread, args_behind) = match vm.arg(args, 1) {
        Value::Thread(it) => (Some(it), args.skip(1)),
        _ => (None, args),
    };
    let message = vm.arg(args_behind, 1);
    if !matches!(message, Value::Nil | Value::Str(_)) && !message.is_number() {
        return vm.ret(args, message);
    }
    let default = if thread.is_none() { 1 } else { 0 };
    let level = vm.opt_int(args_behind, 2, default)?.max(0) as usize;
    let mut text = match message {
        Value::Nil => Vec::new(),
        _ => [&vm.plain_text(message)[..], b"\n"].concat(),
    };
    let lines = match thread.filter(|it| *it != vm.running().0) {
        Some(thread) => vm.traceback(vm.frames_of(thread), None, level),
        None => vm.traceback(&vm.frames, vm.running_native(), level),
    };
    text.extend_from_slice(&lines);
    vm.ret_str(args, &text)
}

fn getinfo(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.heap.new_table(0, 12);
    let subject = vm.arg(args, 1);
    if subject.is_function() {
        describe_function(vm, table, subject);
        vm.set_field(table, "func", subject);
        return vm.ret(args, table);
    }
    let level = vm.check_int(args, 1)?;
    let levels = vm.levels(&vm.frames, vm.running_native());
    let Some(&level) = usize::try_from(level).ok().and_then(|it| levels.get(it)) else {
        return vm.ret(args, Value::Nil);
    };
    match level {
        Level::Code(at) => {
            let frame = vm.frames[at];
            if let FrameKind::Code(closure) = frame.kind {
                let line = current_line(vm.proto(closure), frame.pc);
                describe_function(vm, table, Value::Function(closure));
                vm.set_field(table, "func", Value::Function(closure));
                vm.set_field(table, "currentline", Value::Int(i64::from(line)));
            }
            let name = at.checked_sub(1).and_then(|it| vm.name_by_caller(&vm.frames, it));
            set_name(vm, table, name.map(|it| (it.kind, it.name)));
            vm.set_field(table, "istailcall", Value::from(frame.is_tail));
        }
        Level::Native { native, caller } => {
            let function = native.map_or(Value::Nil, Value::Native);
            describe_function(vm, table, function);
            vm.set_field(table, "func", function);
            let name = caller.and_then(|it| vm.name_by_caller(&vm.frames, it));
            set_name(vm, table, name.map(|it| (it.kind, it.name)));
        }
    }
    vm.ret(args, table)
}

fn set_name(vm: &mut Vm<'_>, table: Gc<Table>, name: Option<(&str, String)>) {
    let (kind, name) = name.map_or(("", None), |(kind, name)| (kind, Some(name)));
    let kind = vm.str(kind.as_bytes());
    vm.set_field(table, "namewhat", kind);
    if let Some(name) = name {
        let name = vm.str(name.as_bytes());
        vm.set_field(table, "name", name);
    }
}

fn describe_function(vm: &mut Vm<'_>, table: Gc<Table>, function: Value) {
    let proto: Option<&Proto> = match function {
        Value::Function(closure) => Some(vm.proto(closure)),
        _ => None,
    };
    let (what, source, line, end_line) = match proto {
        Some(proto) => {
            let what = if proto.debug.line == 0 { "main" } else { "Lua" };
            let source = proto.debug.source.as_bytes().to_vec();
            (what, source, i64::from(proto.debug.line), i64::from(proto.debug.end_line))
        }
        None => ("C", b"=[C]".to_vec(), -1, -1),
    };
    let (n_params, is_vararg, n_upvalues) =
        proto.map_or((0, true, 0), |it| (it.n_params, it.is_vararg, it.debug.upvalues.len()));
    let short = vm.str(&chunk_id(&source));
    let (what, source) = (vm.str(what.as_bytes()), vm.str(&source));
    for (name, value) in [
        ("what", what),
        ("source", source),
        ("short_src", short),
        ("linedefined", Value::Int(line)),
        ("lastlinedefined", Value::Int(end_line)),
        ("currentline", Value::Int(-1)),
        ("nparams", Value::Int(i64::from(n_params))),
        ("isvararg", Value::from(is_vararg)),
        ("nups", Value::Int(n_upvalues as i64)),
    ] {
        vm.set_field(table, name, value);
    }
}
