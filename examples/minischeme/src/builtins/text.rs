//! Characters, strings and symbols. Strings do not change; indices count characters.

use super::{Answer, AtLeast, Between, Exactly, char, int, items, size, string, truth, wrong};
use crate::error::Error;
use crate::interpreter::Interpreter;
use crate::value::{Builtin, Value};
use std::cmp::Ordering;

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "char?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Char(_))),
    },
    Builtin {
        name: "char->integer",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Int(char(&args[0])? as i64)),
    },
    Builtin { name: "integer->char", arity: Exactly(1), run: integer_to_char },
    Builtin { name: "char=?", arity: Exactly(2), run: |_, args| chars(args, Ordering::is_eq) },
    Builtin { name: "char<?", arity: Exactly(2), run: |_, args| chars(args, Ordering::is_lt) },
    Builtin {
        name: "char-upcase",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Char(char(&args[0])?.to_ascii_uppercase())),
    },
    Builtin {
        name: "char-downcase",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Char(char(&args[0])?.to_ascii_lowercase())),
    },
    Builtin {
        name: "char-alphabetic?",
        arity: Exactly(1),
        run: |_, args| truth(char(&args[0])?.is_alphabetic()),
    },
    Builtin {
        name: "char-numeric?",
        arity: Exactly(1),
        run: |_, args| truth(char(&args[0])?.is_numeric()),
    },
    Builtin {
        name: "char-whitespace?",
        arity: Exactly(1),
        run: |_, args| truth(char(&args[0])?.is_whitespace()),
    },
    Builtin {
        name: "string?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Str(_))),
    },
    Builtin { name: "string", arity: AtLeast(0), run: |_, args| collect(args) },
    Builtin { name: "make-string", arity: Exactly(2), run: make_string },
    Builtin {
        name: "string-length",
        arity: Exactly(1),
        run: |_, args| Ok(Value::Int(string(&args[0])?.chars().count() as i64)),
    },
    Builtin { name: "string-ref", arity: Exactly(2), run: string_ref },
    Builtin { name: "substring", arity: Between(2, 3), run: substring },
    Builtin { name: "string-append", arity: AtLeast(0), run: string_append },
    Builtin { name: "string-join", arity: Exactly(2), run: string_join },
    Builtin { name: "string-search", arity: Exactly(2), run: string_search },
    Builtin {
        name: "string-upcase",
        arity: Exactly(1),
        run: |_, args| Ok(Value::string(string(&args[0])?.to_uppercase())),
    },
    Builtin {
        name: "string-downcase",
        arity: Exactly(1),
        run: |_, args| Ok(Value::string(string(&args[0])?.to_lowercase())),
    },
    Builtin { name: "string=?", arity: Exactly(2), run: |_, args| strings(args, Ordering::is_eq) },
    Builtin { name: "string<?", arity: Exactly(2), run: |_, args| strings(args, Ordering::is_lt) },
    Builtin { name: "string>?", arity: Exactly(2), run: |_, args| strings(args, Ordering::is_gt) },
    Builtin {
        name: "string->list",
        arity: Exactly(1),
        run: |_, args| {
            let chars: Vec<Value> = string(&args[0])?.chars().map(Value::Char).collect();
            Ok(Value::list(chars.into_iter()))
        },
    },
    Builtin { name: "list->string", arity: Exactly(1), run: |_, args| collect(&items(&args[0])?) },
    Builtin {
        name: "symbol?",
        arity: Exactly(1),
        run: |_, args| truth(matches!(args[0], Value::Symbol(_))),
    },
    Builtin { name: "symbol->string", arity: Exactly(1), run: symbol_to_string },
    Builtin {
        name: "string->symbol",
        arity: Exactly(1),
        run: |_, args| Ok(Value::symbol(string(&args[0])?.clone())),
    },
];

fn integer_to_char(_: &mut Interpreter, args: &[Value]) -> Answer {
    let code = u32::try_from(int(&args[0])?).ok().and_then(char::from_u32);
    code.map(Value::Char).ok_or_else(|| wrong(&args[0], "the number of a character"))
}

fn chars(args: &[Value], holds: fn(Ordering) -> bool) -> Answer {
    truth(holds(char(&args[0])?.cmp(&char(&args[1])?)))
}

fn strings(args: &[Value], holds: fn(Ordering) -> bool) -> Answer {
    truth(holds(string(&args[0])?.cmp(string(&args[1])?)))
}

/// A string of characters.
fn collect(items: &[Value]) -> Answer {
    let text: String = items.iter().map(char).collect::<Result<_, _>>()?;
    Ok(Value::string(text))
}

fn make_string(_: &mut Interpreter, args: &[Value]) -> Answer {
    let text: String = std::iter::repeat_n(char(&args[1])?, size(&args[0])?).collect();
    Ok(Value::string(text))
}

fn string_ref(_: &mut Interpreter, args: &[Value]) -> Answer {
    let found = string(&args[0])?.chars().nth(size(&args[1])?);
    let error = || Error::new(format!("{} has no character {}", args[0], args[1]));
    found.map(Value::Char).ok_or_else(error)
}

fn substring(_: &mut Interpreter, args: &[Value]) -> Answer {
    let chars: Vec<char> = string(&args[0])?.chars().collect();
    let start = size(&args[1])?;
    let end = args.get(2).map_or(Ok(chars.len()), size)?;
    let error = || Error::new(format!("{} has no part from {start} to {end}", args[0]));
    let part = chars.get(start..end).ok_or_else(error)?;
    Ok(Value::string(part.iter().collect::<String>()))
}

fn string_append(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut text = String::new();
    for arg in args {
        text += string(arg)?;
    }
    Ok(Value::string(text))
}

/// `(string-join list separator)`
fn string_join(_: &mut Interpreter, args: &[Value]) -> Answer {
    let mut text = String::new();
    for (i, item) in items(&args[0])?.iter().enumerate() {
        if i > 0 {
            text += string(&args[1])?;
        }
        text += string(item)?;
    }
    Ok(Value::string(text))
}

/// `(string-search pattern text)`: the index of the first occurrence, or `#f`.
fn string_search(_: &mut Interpreter, args: &[Value]) -> Answer {
    let (pattern, text) = (string(&args[0])?, string(&args[1])?);
    Ok(match text.find(&**pattern) {
        Some(at) => Value::Int(text[..at].chars().count() as i64),
        None => Value::Bool(false),
    })
}

fn symbol_to_string(_: &mut Interpreter, args: &[Value]) -> Answer {
    match &args[0] {
        Value::Symbol(name) => Ok(Value::Str(name.clone())),
        other => Err(wrong(other, "a symbol")),
    }
}
