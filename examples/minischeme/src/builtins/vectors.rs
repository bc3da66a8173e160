//! Vectors.

use super::{Answer, AtLeast, Between, Exactly, items, size, truth, wrong};
use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::value::{Builtin, Value};
use std::cell::RefCell;

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "vector?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Vector(_))),
    },
    Builtin { name: "vector", arity: AtLeast(0), run: |_, args| Ok(Value::vector(args.to_vec())) },
    Builtin { name: "make-vector", arity: Between(1, 2), run: make_vector },
    Builtin {
        name: "vector-length",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Int(vector(&args[0])?.borrow().len() as i64)),
    },
    Builtin { name: "vector-ref", arity: Exactly(2), run: vector_ref },
    Builtin { name: "vector-set!", arity: Exactly(3), run: vector_set },
    Builtin { name: "vector-fill!", arity: Exactly(2), run: vector_fill },
    Builtin {
        name: "vector->list",
        arity: Exactly(1),
        run: |_, args| Ok(Value::list(vector(&args[0])?.borrow().iter().cloned())),
    },
    Builtin {
        name: "list->vector",
        arity: Exactly(1),
        run: |_, args| Ok(Value::vector(items(&args[0])?)),
    },
    Builtin { name: "vector-map", arity: Exactly(2), run: vector_map },
    Builtin { name: "vector-for-each", arity: Exactly(2), run: vector_for_each },
    Builtin { name: "vector-append", arity: AtLeast(0), run: vector_append },
];

fn vector(value: &Value) -> Result<&RefCell<Vec<Value>>, Error> {
    match value {
        Value::Vector(items) => Ok(items),
        other => Err(wrong(other, "a vector")),
    }
}

/// Larger ones are refused before the memory is.
const MAX_SIZE: usize = 1 << 28;

fn make_vector(_: &mut Interpreter, args: &[Value]) -> Answer {
    let fill = args.get(1).cloned().unwrap_or(Value::Int(0));
    match size(&args[0])? {
        size if size <= MAX_SIZE => Ok(Value::vector(vec![fill; size])),
        _ => Err(Error::new("the vector is too large")),
    }
}

fn no_item(args: &[Value]) -> Error {
    let n = vector(&args[0]).map_or(0, |items| items.borrow().len());
    Error::new(format!("a vector of {n} has no item {}", args[1]))
}

fn vector_ref(_: &mut Interpreter, args: &[Value]) -> Answer {
    let items = vector(&args[0])?.borrow();
    items.get(size(&args[1])?).cloned().ok_or_else(|| no_item(args))
}

fn vector_set(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut items = vector(&args[0])?.borrow_mut();
    match items.get_mut(size(&args[1])?) {
        Some(item) => *item = args[2].clone(),
        None => {
            drop(items);
            return Err(no_item(args));
        }
    }
    Ok(Value::Unspecified)
}

fn vector_fill(_: &mut Interpreter, args: &[Value]) -> Answer {
    vector(&args[0])?.borrow_mut().fill(args[1].clone());
    Ok(Value::Unspecified)
}

fn vector_map(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    // A copy, because the procedure may change the vector.
    let items = vector(&args[1])?.borrow().clone();
    let mapped = items.into_iter().map(|item| interpreter.apply(&args[0], vec![item]));
    Ok(Value::vector(mapped.collect::<Result<_, _>>()?))
}

fn vector_for_each(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let items = vector(&args[1])?.borrow().clone();
    for item in items {
        interpreter.apply(&args[0], vec![item])?;
    }
    Ok(Value::Unspecified)
}

fn vector_append(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut items = Vec::new();
    for arg in args {
        items.extend(vector(arg)?.borrow().iter().cloned());
    }
    Ok(Value::vector(items))
}
