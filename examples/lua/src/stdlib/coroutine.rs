//! `coroutine`.

use super::module;
use crate::gc::Gc;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::coroutine::{Coroutine, Status};
use crate::vm::error::Result;
use crate::vm::function::{Args, NativeFn, Outcome};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("close", close),
    ("create", create),
    ("isyieldable", isyieldable),
    ("resume", resume),
    ("running", running),
    ("status", status),
    ("wrap", wrap),
    ("yield", yield_values),
];

pub fn open(vm: &mut Vm<'_>) {
    module(vm, "coroutine", FUNCTIONS);
}

fn check_coroutine(vm: &mut Vm<'_>, args: Args) -> Result<Gc<Coroutine>> {
    match vm.arg(args, 1) {
        Value::Thread(it) => Ok(it),
        _ => Err(vm.arg_type_error(args, 1, "thread")),
    }
}

fn new(vm: &mut Vm<'_>, args: Args) -> Result<Gc<Coroutine>> {
    let function = vm.check_function(args, 1)?;
    Ok(vm.heap.alloc(Coroutine::new(function)))
}

fn create(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let new = new(vm, args)?;
    vm.ret(args, Value::Thread(new))
}

fn resume(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    check_coroutine(vm, args)?;
    Ok(Outcome::Resume { n_args: args.count - 1, wraps: false })
}

fn wrap(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let new = new(vm, args)?;
    let function = vm.native_function(resume_wrapped, vec![Value::Thread(new)]);
    vm.ret(args, function)
}

fn resume_wrapped(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Value::Native(native) = vm.stack[args.func()] else {
        unreachable!("the slot of the function has the function")
    };
    let coroutine = vm.heap[native].upvalues[0];
    vm.ensure_stack(args.base + args.count + 2)?;
    vm.stack.copy_within(args.base..args.base + args.count, args.base + 1);
    vm.stack[args.base] = coroutine;
    Ok(Outcome::Resume { n_args: args.count, wraps: true })
}

fn yield_values(_vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    Ok(Outcome::Yield { n_args: args.count })
}

fn status(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let coroutine = check_coroutine(vm, args)?;
    let name = status_name(vm.heap[coroutine].status);
    vm.ret_str(args, name.as_bytes())
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Suspended => "suspended",
        Status::Running => "running",
        Status::Normal => "normal",
        Status::Dead => "dead",
    }
}

fn running(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (coroutine, is_main) = vm.running();
    vm.ret_all(args, &[Value::Thread(coroutine), Value::from(is_main)])
}

fn isyieldable(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let is_yieldable = match vm.arg(args, 1) {
        Value::Thread(it) if it != vm.running().0 => true,
        _ => vm.is_yieldable(),
    };
    vm.ret(args, is_yieldable)
}

fn close(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let coroutine = check_coroutine(vm, args)?;
    let status = vm.heap[coroutine].status;
    if !matches!(status, Status::Suspended | Status::Dead) {
        let name = status_name(status);
        return Err(vm.error(&format!("cannot close a {name} coroutine")));
    }
    match vm.close_coroutine(coroutine) {
        Ok(()) => vm.ret(args, true),
        Err(error) => vm.ret_all(args, &[Value::from(false), error.value]),
    }
}
