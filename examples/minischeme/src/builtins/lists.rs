//! Pairs and lists.

use super::{Answer, AtLeast, Between, Exactly, int, items, pair, size, truth, wrong};
use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::value::{Builtin, Value};
use std::rc::Rc;

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "cons",
        arity: Exactly(2),
        run: |_, args| Ok(Value::cons(args[0].clone(), args[1].clone())),
    },
    Builtin { name: "car", arity: Exactly(1), run: |_, args| Ok(pair(&args[0])?.car()) },
    Builtin { name: "cdr", arity: Exactly(1), run: |_, args| Ok(pair(&args[0])?.cdr()) },
    Builtin { name: "caar", arity: Exactly(1), run: |_, args| path(&args[0], "aa") },
    Builtin { name: "cadr", arity: Exactly(1), run: |_, args| path(&args[0], "ad") },
    Builtin { name: "cdar", arity: Exactly(1), run: |_, args| path(&args[0], "da") },
    Builtin { name: "cddr", arity: Exactly(1), run: |_, args| path(&args[0], "dd") },
    Builtin { name: "caddr", arity: Exactly(1), run: |_, args| path(&args[0], "add") },
    Builtin { name: "cdddr", arity: Exactly(1), run: |_, args| path(&args[0], "ddd") },
    Builtin { name: "caadr", arity: Exactly(1), run: |_, args| path(&args[0], "aad") },
    Builtin { name: "cdadr", arity: Exactly(1), run: |_, args| path(&args[0], "dad") },
    Builtin { name: "cddar", arity: Exactly(1), run: |_, args| path(&args[0], "dda") },
    Builtin { name: "cadar", arity: Exactly(1), run: |_, args| path(&args[0], "ada") },
    Builtin { name: "cadddr", arity: Exactly(1), run: |_, args| path(&args[0], "addd") },
    Builtin { name: "set-car!", arity: Exactly(2), run: set_car },
    Builtin { name: "set-cdr!", arity: Exactly(2), run: set_cdr },
    Builtin {
        name: "pair?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Pair(_))),
    },
    Builtin {
        name: "null?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Nil)),
    },
    Builtin { name: "list?", arity: Exactly(1), run: |_, args| truth(is_list(&args[0])) },
    Builtin {
        name: "list",
        arity: AtLeast(0),
        run: |_, args| Ok(Value::list(args.iter().cloned())),
    },
    Builtin { name: "cons*", arity: AtLeast(1), run: cons_star },
    Builtin { name: "make-list", arity: Between(1, 2), run: make_list },
    Builtin { name: "length", arity: Exactly(1), run: length },
    Builtin { name: "append", arity: AtLeast(0), run: append },
    Builtin {
        name: "reverse",
        arity: Exactly(1),
        run: |_, args| Ok(Value::list(items(&args[0])?.into_iter().rev())),
    },
    Builtin { name: "list-tail", arity: Exactly(2), run: |_, args| tail(&args[0], &args[1]) },
    Builtin {
        name: "list-ref",
        arity: Exactly(2),
        run: |_, args| Ok(pair(&tail(&args[0], &args[1])?)?.car()),
    },
    Builtin {
        name: "list-copy",
        arity: Exactly(1),
        run: |_, args| Ok(Value::list(items(&args[0])?.into_iter())),
    },
    Builtin { name: "last-pair", arity: Exactly(1), run: last_pair },
    Builtin { name: "iota", arity: Between(1, 3), run: iota },
    Builtin { name: "memq", arity: Exactly(2), run: |_, args| member(args, Value::is_eqv) },
    Builtin { name: "memv", arity: Exactly(2), run: |_, args| member(args, Value::is_eqv) },
    Builtin { name: "member", arity: Exactly(2), run: |_, args| member(args, Value::is_equal) },
    Builtin { name: "assq", arity: Exactly(2), run: |_, args| assoc(args, Value::is_eqv) },
    Builtin { name: "assv", arity: Exactly(2), run: |_, args| assoc(args, Value::is_eqv) },
    Builtin { name: "assoc", arity: Exactly(2), run: |_, args| assoc(args, Value::is_equal) },
    Builtin { name: "map", arity: AtLeast(2), run: map },
    Builtin { name: "for-each", arity: AtLeast(2), run: for_each },
    Builtin { name: "filter", arity: Exactly(2), run: filter },
    Builtin { name: "fold-left", arity: Exactly(3), run: fold_left },
    Builtin { name: "fold-right", arity: Exactly(3), run: fold_right },
    Builtin { name: "reduce", arity: Exactly(3), run: reduce },
    Builtin { name: "delete", arity: Exactly(2), run: delete },
    Builtin { name: "sort", arity: Exactly(2), run: sort },
];

/// The letters between the `c` and the `r` of `caddr` and the like.
fn path(value: &Value, letters: &str) -> Answer {
    letters.chars().rev().try_fold(value.clone(), |value, letter| match letter {
        'a' => Ok(pair(&value)?.car()),
        _ => Ok(pair(&value)?.cdr()),
    })
}

fn set_car(_: &mut Interpreter, args: &[Value]) -> Answer {
    pair(&args[0])?.car.replace(args[1].clone());
    Ok(Value::Unspecified)
}

fn set_cdr(_: &mut Interpreter, args: &[Value]) -> Answer {
    pair(&args[0])?.cdr.replace(args[1].clone());
    Ok(Value::Unspecified)
}

/// A list ends; a second walk at half the speed notices one that goes round in a circle.
fn is_list(value: &Value) -> bool {
    let (mut fast, mut slow) = (value.clone(), value.clone());
    let mut is_even = false;
    loop {
        fast = match fast {
            Value::Nil => return true,
            Value::Pair(pair) => pair.cdr(),
            _ => return false,
        };
        if is_even {
            let Value::Pair(pair) = slow else { return false };
            slow = pair.cdr();
            if matches!((&fast, &slow), (Value::Pair(a), Value::Pair(b)) if Rc::ptr_eq(a, b)) {
                return false;
            }
        }
        is_even = !is_even;
    }
}

fn cons_star(_: &mut Interpreter, args: &[Value]) -> Answer {
    let (last, first) = args.split_last().expect("at least one argument");
    Ok(Value::list_with_tail(first.iter().cloned(), last.clone()))
}

fn make_list(_: &mut Interpreter, args: &[Value]) -> Answer {
    let fill = args.get(1).cloned().unwrap_or(Value::Unspecified);
    Ok((0..size(&args[0])?).fold(Value::Nil, |list, _| Value::cons(fill.clone(), list)))
}

fn length(_: &mut Interpreter, args: &[Value]) -> Answer {
    if !is_list(&args[0]) {
        return Err(wrong(&args[0], "a list"));
    }
    let mut n = 0;
    let mut rest = args[0].clone();
    while let Value::Pair(pair) = rest {
        n += 1;
        rest = pair.cdr();
    }
    Ok(Value::Int(n))
}

fn append(_: &mut Interpreter, args: &[Value]) -> Answer {
    let Some((last, first)) = args.split_last() else { return Ok(Value::Nil) };
    first.iter().rev().try_fold(last.clone(), |rest, list| {
        Ok(Value::list_with_tail(items(list)?.into_iter(), rest))
    })
}

fn tail(list: &Value, n: &Value) -> Answer {
    let mut rest = list.clone();
    for _ in 0..size(n)? {
        rest = match rest {
            Value::Pair(pair) => pair.cdr(),
            _ => return Err(Error::new(format!("{list} has no item {n}"))),
        };
    }
    Ok(rest)
}

fn last_pair(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut last = Rc::clone(pair(&args[0])?);
    while let Value::Pair(next) = last.cdr() {
        last = next;
    }
    Ok(Value::Pair(last))
}

/// `(iota count start step)`
fn iota(_: &mut Interpreter, args: &[Value]) -> Answer {
    let start = args.get(1).map_or(Ok(0), int)?;
    let step = args.get(2).map_or(Ok(1), int)?;
    let mut values = Vec::new();
    for i in 0..size(&args[0])? as i64 {
        let value = step.checked_mul(i).and_then(|offset| start.checked_add(offset));
        values.push(Value::Int(value.ok_or_else(|| Error::new("integer overflow"))?));
    }
    Ok(Value::list(values.into_iter()))
}

fn member(args: &[Value], is_same: fn(&Value, &Value) -> bool) -> Answer {
    let mut rest = args[1].clone();
    loop {
        rest = match &rest {
            Value::Nil => return Ok(Value::Bool(false)),
            Value::Pair(pair) if is_same(&pair.car.borrow(), &args[0]) => return Ok(rest),
            Value::Pair(pair) => pair.cdr(),
            _ => return Err(wrong(&args[1], "a list")),
        };
    }
}

fn assoc(args: &[Value], is_same: fn(&Value, &Value) -> bool) -> Answer {
    let mut rest = args[1].clone();
    loop {
        let next = match &rest {
            Value::Nil => return Ok(Value::Bool(false)),
            Value::Pair(next) => Rc::clone(next),
            _ => return Err(wrong(&args[1], "a list")),
        };
        let entry = next.car();
        if is_same(&pair(&entry)?.car.borrow(), &args[0]) {
            return Ok(entry);
        }
        rest = next.cdr();
    }
}

/// Calls a procedure with the first items of all lists, the second ones, and so on.
fn zip(
    interpreter: &mut Interpreter,
    args: &[Value],
    mut each: impl FnMut(Value),
) -> Result<(), Error> {
    let lists: Vec<Vec<Value>> = args[1..].iter().map(items).collect::<Result<_, _>>()?;
    let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
    for i in 0..shortest {
        let items = lists.iter().map(|list| list[i].clone()).collect();
        each(interpreter.apply(&args[0], items)?);
    }
    Ok(())
}

fn map(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut values = Vec::new();
    zip(interpreter, args, |value| values.push(value))?;
    Ok(Value::list(values.into_iter()))
}

fn for_each(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    zip(interpreter, args, drop)?;
    Ok(Value::Unspecified)
}

fn filter(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut kept = Vec::new();
    for item in items(&args[1])? {
        if interpreter.apply(&args[0], vec![item.clone()])?.is_true() {
            kept.push(item);
        }
    }
    Ok(Value::list(kept.into_iter()))
}

fn fold_left(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut result = args[1].clone();
    for item in items(&args[2])? {
        result = interpreter.apply(&args[0], vec![result, item])?;
    }
    Ok(result)
}

fn fold_right(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut result = args[1].clone();
    for item in items(&args[2])?.into_iter().rev() {
        result = interpreter.apply(&args[0], vec![item, result])?;
    }
    Ok(result)
}

/// `(reduce f default list)`: the default is the answer for the empty list only.
fn reduce(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut rest = items(&args[2])?.into_iter();
    let Some(mut result) = rest.next() else { return Ok(args[1].clone()) };
    for item in rest {
        result = interpreter.apply(&args[0], vec![item, result])?;
    }
    Ok(result)
}

fn delete(_: &mut Interpreter, args: &[Value]) -> Answer {
    let kept = items(&args[1])?.into_iter().filter(|item| !item.is_equal(&args[0]));
    Ok(Value::list(kept.collect::<Vec<_>>().into_iter()))
}

/// `(sort list less?)`: a merge sort, because the order may fail, and keeps what is equal in order.
/// It works without recursion, because the order may be deep in one.
fn sort(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let mut values = items(&args[0])?;
    let mut width = 1;
    while width < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for two in values.chunks(2 * width) {
            let (first, second) = two.split_at(width.min(two.len()));
            merge(interpreter, first, second, &args[1], &mut merged)?;
        }
        values = merged;
        width *= 2;
    }
    Ok(Value::list(values.into_iter()))
}

/// Appends two sorted runs as one.
fn merge(
    interpreter: &mut Interpreter,
    first: &[Value],
    second: &[Value],
    less: &Value,
    merged: &mut Vec<Value>,
) -> Result<(), Error> {
    let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
    while let (Some(&a), Some(&b)) = (first.peek(), second.peek()) {
        let comes_first = interpreter.apply(less, vec![b.clone(), a.clone()])?.is_true();
        merged.extend(if comes_first { second.next() } else { first.next() }.cloned());
    }
    merged.extend(first.chain(second).cloned());
    Ok(())
}
