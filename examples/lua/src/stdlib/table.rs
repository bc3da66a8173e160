//! `table`.

use super::{module, sort};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::event::Event;
use crate::vm::function::{Args, NativeFn, Outcome};
use crate::vm::meta::push_text;

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("concat", concat),
    ("insert", insert),
    ("move", move_elements),
    ("pack", pack),
    ("remove", remove),
    ("sort", sort::sort),
    ("unpack", unpack),
];

pub fn open(vm: &mut Vm<'_>) {
    module(vm, "table", FUNCTIONS);
}

/// Checks for a table, or something that behaves like one.
pub fn check_list(vm: &mut Vm<'_>, args: Args, n: usize, events: &[Event]) -> Result<Value> {
    let value = vm.arg(args, n);
    if let Value::Table(_) = value {
        return Ok(value);
    }
    let behaves = vm.metatable(value).is_some()
        && events.iter().all(|&it| !vm.metamethod(value, it).is_nil());
    if behaves { Ok(value) } else { Err(vm.arg_type_error(args, n, "table")) }
}

/// An element, with metamethods.
pub fn element(vm: &mut Vm<'_>, list: Value, at: i64) -> Result<Value> {
    match list {
        Value::Table(table) if vm.heap[table].metatable().is_none() => {
            Ok(vm.heap[table].get_int(at))
        }
        _ => vm.get_index(list, Value::Int(at)),
    }
}

/// Sets an element, with metamethods.
pub fn set_element(vm: &mut Vm<'_>, list: Value, at: i64, value: Value) -> Result<()> {
    match list {
        Value::Table(table) if vm.heap[table].metatable().is_none() => {
            if !vm.heap[table].append(at, value) {
                vm.heap.table_set(table, Value::Int(at), value);
            }
            Ok(())
        }
        _ => vm.put_index(list, Value::Int(at), value),
    }
}

fn length(vm: &mut Vm<'_>, list: Value) -> Result<i64> {
    match list {
        Value::Table(table) if vm.heap[table].metatable().is_none() => {
            Ok(vm.heap[table].len() as i64)
        }
        _ => vm.len_of(list),
    }
}

fn concat(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let list = check_list(vm, args, 1, &[Event::Index, Event::Len])?;
    let separator = vm.opt_str(args, 2)?;
    let first = vm.opt_int(args, 3, 1)?;
    let last = if vm.arg(args, 4).is_nil() { length(vm, list)? } else { vm.check_int(args, 4)? };
    let mut result = Vec::new();
    let mut at = first;
    while at <= last {
        let value = element(vm, list, at)?;
        if !crate::vm::meta::is_text(value) {
            let kind = vm.type_name(value);
            let message = format!("invalid value ({kind}) at index {at} in table for 'concat'");
            return Err(vm.error(&message));
        }
        push_text(value, &mut result);
        if at == last {
            break;
        }
        if let Some(separator) = separator {
            result.extend_from_slice(separator.as_bytes());
        }
        if vm.heap.is_exhausted(result.len()) {
            return Err(vm.memory_error());
        }
        at += 1;
    }
    vm.ret_str(args, &result)
}

fn insert(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    const EVENTS: &[Event] = &[Event::Index, Event::NewIndex, Event::Len];
    let list = check_list(vm, args, 1, EVENTS)?;
    let end = length(vm, list)?.wrapping_add(1);
    match args.count {
        2 => {
            let value = vm.arg(args, 2);
            set_element(vm, list, end, value)?;
        }
        3 => {
            let at = vm.check_int(args, 2)?;
            if (at as u64).wrapping_sub(1) >= end as u64 {
                return Err(vm.arg_error(2, "position out of bounds"));
            }
            let value = vm.arg(args, 3);
            insert_at(vm, list, at, end, value)?;
        }
        _ => return Err(vm.error("wrong number of arguments to 'insert'")),
    }
    Ok(Outcome::Return(0))
}

fn insert_at(vm: &mut Vm<'_>, list: Value, at: i64, end: i64, value: Value) -> Result<()> {
    if let Value::Table(table) = list {
        let is_plain = vm.heap[table].metatable().is_none();
        if is_plain && vm.heap[table].insert_shifting(at as usize, value) {
            return Ok(());
        }
    }
    let mut to = end;
    while to > at {
        let moved = element(vm, list, to - 1)?;
        set_element(vm, list, to, moved)?;
        to -= 1;
    }
    set_element(vm, list, at, value)
}

fn remove(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    const EVENTS: &[Event] = &[Event::Index, Event::NewIndex, Event::Len];
    let list = check_list(vm, args, 1, EVENTS)?;
    let size = length(vm, list)?;
    let at = vm.opt_int(args, 2, size)?;
    if args.count > 1 && (size as u64).wrapping_add(1).wrapping_sub(at as u64) > size as u64 {
        // One behind the end is allowed, and 0 in an empty list.
        if !(size == 0 && at == 0) && at != size.wrapping_add(1) {
            return Err(vm.arg_error(1, "position out of bounds"));
        }
    }
    if let Value::Table(table) = list {
        let table = &mut vm.heap[table];
        if table.metatable().is_none()
            && 1 <= at
            && at <= size
            && let Some(value) = table.remove_shifting(at as usize)
        {
            return vm.ret(args, value);
        }
    }
    let removed = element(vm, list, at)?;
    // Metamethods may collect while it is in no table.
    vm.stack[args.func()] = removed;
    let mut at = at;
    while at < size {
        let moved = element(vm, list, at + 1)?;
        set_element(vm, list, at, moved)?;
        at += 1;
    }
    set_element(vm, list, at, Value::Nil)?;
    vm.ret(args, removed)
}

fn move_elements(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let from = check_list(vm, args, 1, &[Event::Index])?;
    let first = vm.check_int(args, 2)?;
    let last = vm.check_int(args, 3)?;
    let target = vm.check_int(args, 4)?;
    let to = match vm.arg(args, 5) {
        Value::Nil => from,
        _ => check_list(vm, args, 5, &[Event::NewIndex])?,
    };
    if last >= first {
        if !(first > 0 || last < i64::MAX + first) {
            return Err(vm.arg_error(3, "too many elements to move"));
        }
        let n = last - first + 1;
        if target > i64::MAX - n + 1 {
            return Err(vm.arg_error(4, "destination wrap around"));
        }
        let overlaps = target > last || target <= first || !from.raw_equals(to);
        for step in 0..n {
            let offset = if overlaps { step } else { n - 1 - step };
            let value = element(vm, from, first + offset)?;
            set_element(vm, to, target + offset, value)?;
        }
    }
    vm.ret(args, to)
}

fn pack(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let table = vm.heap.new_table(args.count, 1);
    let values = &vm.stack[args.base..args.base + args.count];
    vm.heap.table_extend(table, 0, values);
    vm.set_field(table, "n", Value::Int(args.count as i64));
    vm.ret(args, table)
}

fn unpack(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let list = vm.arg(args, 1);
    let first = vm.opt_int(args, 2, 1)?;
    let last = if vm.arg(args, 3).is_nil() { length(vm, list)? } else { vm.check_int(args, 3)? };
    if first > last {
        return Ok(Outcome::Return(0));
    }
    let n = (last as u64).wrapping_sub(first as u64);
    if n >= 1_000_000 - 100 {
        return Err(vm.error("too many results to unpack"));
    }
    let n = n as usize + 1;
    if vm.ensure_stack(args.base + n).is_err() {
        return Err(vm.error("too many results to unpack"));
    }
    if let Value::Table(table) = list {
        let table = &vm.heap[table];
        if table.metatable().is_none() {
            for at in 0..n {
                vm.stack[args.func() + at] = table.get_int(first.wrapping_add(at as i64));
            }
            return Ok(Outcome::Return(n));
        }
    }
    // What a metamethod has made is nowhere else.
    let n_held = vm.held.len();
    let result: Result<()> = (0..n).try_for_each(|at| {
        let value = element(vm, list, first.wrapping_add(at as i64))?;
        vm.held.push(value);
        Ok(())
    });
    let values = vm.held.split_off(n_held);
    result?;
    vm.ret_all(args, &values)
}
