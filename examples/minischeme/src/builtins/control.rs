//! Procedures about procedures, equality, output and errors.

use super::{Answer, AtLeast, Between, Exactly, items, truth, wrong};
use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::value::{Builtin, Value};
use std::fmt::Display;

pub(super) const TABLE: &[Builtin] = &[
    Builtin { name: "eq?", arity: Exactly(2), run: |_, args| truth(args[0].is_eqv(&args[1])) },
    Builtin { name: "eqv?", arity: Exactly(2), run: |_, args| truth(args[0].is_eqv(&args[1])) },
    Builtin { name: "equal?", arity: Exactly(2), run: |_, args| truth(args[0].is_equal(&args[1])) },
    Builtin { name: "not", arity: Exactly(1), run: |_, args| truth(!args[0].is_true()) },
    Builtin {
        name: "boolean?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Bool(_))),
    },
    Builtin {
        name: "procedure?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Closure(_) | Value::Builtin(_))),
    },
    Builtin { name: "apply", arity: AtLeast(2), run: apply },
    Builtin { name: "display", arity: Exactly(1), run: |it, args| print(it, args[0].display()) },
    Builtin { name: "write", arity: Exactly(1), run: |it, args| print(it, &args[0]) },
    Builtin { name: "newline", arity: Exactly(0), run: |it, _| print(it, "\n") },
    Builtin { name: "void", arity: Between(0, 1), run: |_, _| Ok(Value::Unspecified) },
    Builtin { name: "error", arity: AtLeast(1), run: error },
    Builtin { name: "assert", arity: Exactly(1), run: assert },
];

fn apply(interpreter: &mut Interpreter, args: &[Value]) -> Answer {
    let [function, first @ .., last] = args else { unreachable!("at least two arguments") };
    let mut values = first.to_vec();
    values.extend(items(last)?);
    interpreter.apply(function, values)
}

fn print(interpreter: &mut Interpreter, text: impl Display) -> Answer {
    match write!(interpreter.output, "{text}") {
        Ok(()) => Ok(Value::Unspecified),
        Err(error) => Err(Error::new(format!("cannot write: {error}"))),
    }
}

/// The message as `display` shows it, the rest as `write` does.
fn error(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut message = args[0].display();
    for arg in &args[1..] {
        message += &format!(" {arg}");
    }
    Err(Error::new(message))
}

fn assert(_: &mut Interpreter, args: &[Value]) -> Answer {
    match args[0].is_true() {
        true => Ok(Value::Unspecified),
        false => Err(wrong(&args[0], "what was asserted")),
    }
}
