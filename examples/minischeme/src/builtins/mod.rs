//! The procedures of the interpreter: a table for each kind of values.

mod control;
mod lists;
mod numbers;
mod text;
mod vectors;

use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::value::{Builtin, Pair, Value};
use std::rc::Rc;

pub(crate) use crate::value::Arity::{AtLeast, Between, Exactly};

/// What a procedure answers.
type Answer = Result<Value, Error>;

const TABLES: &[&[Builtin]] =
    &[control::TABLE, lists::TABLE, numbers::TABLE, text::TABLE, vectors::TABLE];

/// All procedures.
pub(crate) fn all() -> impl Iterator<Item = &'static Builtin> {
    TABLES.iter().copied().flatten()
}

/// The procedure with this name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    all().find(|builtin| builtin.name == name)
}

jitdriver::traced! {
/// Calls a procedure after a look at the number of arguments.
pub(crate) fn call(interpreter: &mut Interpreter, builtin: &Builtin, args: &[Value]) -> Answer {
    builtin.arity.check(builtin.name, args.len())?;
    (builtin.run)(interpreter, args)
}

fn wrong(value: &Value, wanted: &str) -> Error {
    Error::new(format!("{value} is not {wanted}"))
}

fn int(value: &Value) -> Result<i64, Error> {
    match value {
        Value::Int(n) => Ok(*n),
        other => Err(wrong(other, "an exact integer")),
    }
}

/// A number that counts or is an index.
fn size(value: &Value) -> Result<usize, Error> {
    match value {
        Value::Int(n) if *n >= 0 => Ok(*n as usize),
        other => Err(wrong(other, "an index")),
    }
}

fn pair(value: &Value) -> Result<&Rc<Pair>, Error> {
    match value {
        Value::Pair(pair) => Ok(pair),
        other => Err(wrong(other, "a pair")),
    }
}

fn string(value: &Value) -> Result<&Rc<str>, Error> {
    match value {
        Value::Str(text) => Ok(text),
        other => Err(wrong(other, "a string")),
    }
}

fn char(value: &Value) -> Result<char, Error> {
    match value {
        Value::Char(c) => Ok(*c),
        other => Err(wrong(other, "a character")),
    }
}

fn items(list: &Value) -> Result<Vec<Value>, Error> {
    list.items().ok_or_else(|| wrong(list, "a list"))
}

/// Whether the test holds, as a value.
fn truth(holds: bool) -> Answer {
    Ok(Value::Bool(holds))
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_once() {
        let mut names: Vec<&str> = all().map(|builtin| builtin.name).collect();
        names.sort_unstable();
        let n = names.len();
        names.dedup();
        assert_eq!(names.len(), n);
        assert!(find("car").is_some() && find("no-such-procedure").is_none());
    }
}
