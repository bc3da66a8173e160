//! Values, and the environments that they live in.

use crate::analysis::Lambda;
use crate::error::Error;
use crate::interpreter::Interpreter;
use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::rc::Rc;

jitdriver::traced! {
/// A value. Numbers are copied, everything else is shared.
#[derive(Clone)]
pub enum Value {
    /// The empty list.
    Nil,
    /// What `set!`, `display` and the like answer.
    Unspecified,
    /// The content of a variable before its definition is executed; no expression has it.
    Unassigned,
    /// `#t` and `#f`
    Bool(bool),
    /// An exact number.
    Int(i64),
    /// An inexact number.
    Float(f64),
    /// A character.
    Char(char),
    /// A symbol.
    Symbol(Rc<str>),
    /// A string; it never changes.
    Str(Rc<str>),
    /// Two values.
    Pair(Rc<Pair>),
    /// Values with an index.
    Vector(Rc<RefCell<Vec<Value>>>),
    /// A procedure of the program.
    Closure(Rc<Closure>),
    /// A procedure of the interpreter.
    Builtin(&'static Builtin),
}

/// Two values, which can be replaced.
pub struct Pair {
    /// The first.
    pub car: RefCell<Value>,
    /// The second; in a list, the rest of it.
    pub cdr: RefCell<Value>,
}

/// A procedure with the variables around it.
pub struct Closure {
    /// Its code.
    pub lambda: Rc<Lambda>,
    /// The variables around it.
    pub env: Rc<Env>,
}

/// The numbers of arguments that a procedure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// Between so many and so many.
    Between(usize, usize),
}

impl Arity {
    /// Whether a call with `n` arguments is right; `name` is for the message if not.
    pub fn check(self, name: &str, n: usize) -> Result<(), Error> {
        let is_right = match self {
            Arity::Exactly(wanted) => n == wanted,
            Arity::AtLeast(least) => n >= least,
            Arity::Between(least, most) => least <= n && n <= most,
        };
        match is_right {
            true => Ok(()),
            false => Err(Error::new(format!("{name} takes {self}, got {n}"))),
        }
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        match *self {
            Arity::Exactly(n) => write!(f, "{n} argument{}", plural(n)),
            Arity::AtLeast(n) => write!(f, "at least {n} argument{}", plural(n)),
            Arity::Between(least, most) => write!(f, "{least} to {most} arguments"),
        }
    }
}

/// A procedure of the interpreter.
pub struct Builtin {
    /// The name of the variable that holds it at first.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does; called with as many arguments as it takes.
    pub run: fn(&mut Interpreter, &[Value]) -> Result<Value, Error>,
}

/// The variables of a procedure or a `let`.
pub struct Env {
    /// Arguments first, then what is defined inside.
    pub slots: RefCell<Vec<Value>>,
    /// What is around it.
    pub parent: Option<Rc<Env>>,
}

impl Env {
    /// An environment whose first slots have values.
    pub fn new(mut values: Vec<Value>, size: usize, parent: Option<Rc<Env>>) -> Rc<Env> {
        values.resize(size, Value::Unassigned);
        Rc::new(Env { slots: RefCell::new(values), parent })
    }

    /// The environment of a call.
    pub fn of_call(closure: &Closure, mut args: Vec<Value>) -> Result<Rc<Env>, Error> {
        let lambda = &closure.lambda;
        lambda.arity.check(&lambda.name, args.len())?;
        if lambda.has_rest {
            let rest = Value::list(args.drain(lambda.n_required..));
            args.push(rest);
        }
        Ok(Env::new(args, lambda.size, Some(Rc::clone(&closure.env))))
    }

    /// The environment so many further out.
    #[jitdriver::unroll_safe]
    pub fn outer(&self, depth: usize) -> &Env {
        let mut env = self;
        for _ in 0..depth {
            env = env.parent.as_ref().expect("the analysis has counted the environments");
        }
        env
    }

    /// The value of a variable.
    pub fn get(&self, index: usize) -> Value {
        self.slots.borrow()[index].clone()
    }

    /// Another value for a variable.
    pub fn set(&self, index: usize, value: Value) {
        let old = mem::replace(&mut self.slots.borrow_mut()[index], value);
        // What it leads to may be dropped with it, when nothing is borrowed any more.
        drop(old);
    }
}

/// A variable of the outermost level.
pub struct Global {
    /// Its name.
    pub name: Rc<str>,
    /// Its value.
    pub value: RefCell<Value>,
}

impl Pair {
    /// The first value.
    pub fn car(&self) -> Value {
        self.car.borrow().clone()
    }

    /// The second value.
    pub fn cdr(&self) -> Value {
        self.cdr.borrow().clone()
    }
}

impl Value {
    /// A pair.
    pub fn cons(car: Value, cdr: Value) -> Value {
        Value::Pair(Rc::new(Pair { car: RefCell::new(car), cdr: RefCell::new(cdr) }))
    }

    /// A list that ends in `tail`.
    pub fn list_with_tail(items: impl DoubleEndedIterator<Item = Value>, tail: Value) -> Value {
        items.rev().fold(tail, |tail, item| Value::cons(item, tail))
    }

    /// A list.
    pub fn list(items: impl DoubleEndedIterator<Item = Value>) -> Value {
        Value::list_with_tail(items, Value::Nil)
    }

    /// A vector.
    pub fn vector(items: Vec<Value>) -> Value {
        Value::Vector(Rc::new(RefCell::new(items)))
    }

    /// A string.
    pub fn string(text: impl Into<Rc<str>>) -> Value {
        Value::Str(text.into())
    }

    /// A symbol.
    pub fn symbol(name: impl Into<Rc<str>>) -> Value {
        Value::Symbol(name.into())
    }

    /// Everything is true but `#f`.
    pub fn is_true(&self) -> bool {
        !matches!(self, Value::Bool(false))
    }

    /// Whether something that has parts of its own goes with it.
    pub(crate) fn is_last_owner(&self) -> bool {
        match self {
            Value::Pair(pair) => Rc::strong_count(pair) == 1,
            Value::Closure(closure) => Rc::strong_count(closure) == 1,
            _ => false,
        }
    }

    /// The items of a list, or none if it is not one.
    pub fn items(&self) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        let mut rest = self.clone();
        loop {
            rest = match rest {
                Value::Nil => return Some(items),
                Value::Pair(pair) => {
                    items.push(pair.car());
                    pair.cdr()
                }
                _ => return None,
            };
        }
    }

    /// `eqv?`: the same number, symbol or character, the same object, or an empty string or the like.
    pub fn is_eqv(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) | (Value::Unspecified, Value::Unspecified) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Char(a), Value::Char(b)) => a == b,
            (Value::Symbol(a), Value::Symbol(b)) => Rc::ptr_eq(a, b) || a == b,
            (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b),
            (Value::Pair(a), Value::Pair(b)) => Rc::ptr_eq(a, b),
            (Value::Vector(a), Value::Vector(b)) => Rc::ptr_eq(a, b),
            (Value::Closure(a), Value::Closure(b)) => Rc::ptr_eq(a, b),
            (Value::Builtin(a), Value::Builtin(b)) => std::ptr::eq(*a, *b),
            _ => false,
        }
    }

    /// `equal?`: the same structure.
    pub fn is_equal(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Vector(a), Value::Vector(b)) => {
                let (a, b) = (a.borrow(), b.borrow());
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.is_equal(b))
            }
            (Value::Pair(a), Value::Pair(b)) => {
                let (mut a, mut b) = (Rc::clone(a), Rc::clone(b));
                loop {
                    if !a.car.borrow().is_equal(&b.car.borrow()) {
                        return false;
                    }
                    match (a.cdr(), b.cdr()) {
                        (Value::Pair(next_a), Value::Pair(next_b)) => (a, b) = (next_a, next_b),
                        (last_a, last_b) => return last_a.is_equal(&last_b),
                    }
                }
            }
            _ => self.is_eqv(other),
        }
    }

    /// As `display` shows it: strings and characters as they are. Otherwise as the reader reads it.
    #[jitdriver::dont_look_inside]
    pub fn display(&self) -> String {
        let mut text = String::new();
        self.print(&mut text, true).expect("a string takes everything");
        text
    }

    fn print(&self, f: &mut dyn fmt::Write, raw: bool) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("()"),
            Value::Unspecified => f.write_str("#<unspecified>"),
            Value::Unassigned => f.write_str("#<unassigned>"),
            Value::Bool(true) => f.write_str("#t"),
            Value::Bool(false) => f.write_str("#f"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(x) => print_float(f, *x),
            Value::Char(c) if raw => f.write_char(*c),
            Value::Char(c) => match crate::reader::char_name(*c) {
                Some(name) => write!(f, "#\\{name}"),
                None => write!(f, "#\\{c}"),
            },
            Value::Symbol(name) => f.write_str(name),
            Value::Str(text) if raw => f.write_str(text),
            Value::Str(text) => print_string(f, text),
            Value::Pair(pair) => print_list(f, pair, raw),
            Value::Vector(items) => {
                f.write_str("#(")?;
                for (i, item) in items.borrow().iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { " " })?;
                    item.print(f, raw)?;
                }
                f.write_char(')')
            }
            Value::Closure(closure) => write!(f, "#<procedure {}>", closure.lambda.name),
            Value::Builtin(builtin) => write!(f, "#<procedure {}>", builtin.name),
        }
    }
}
}

/// Shows a value as the reader reads it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

fn print_float(f: &mut dyn fmt::Write, x: f64) -> fmt::Result {
    match x {
        _ if x.is_nan() => f.write_str("+nan.0"),
        f64::INFINITY => f.write_str("+inf.0"),
        f64::NEG_INFINITY => f.write_str("-inf.0"),
        // With a point, or the reader would take it for an exact number.
        _ if x.abs() >= 1e21 || (x != 0.0 && x.abs() < 1e-7) => write!(f, "{x:e}"),
        _ => write!(f, "{x:?}"),
    }
}

fn print_string(f: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn print_list(f: &mut dyn fmt::Write, pair: &Rc<Pair>, raw: bool) -> fmt::Result {
    f.write_char('(')?;
    pair.car.borrow().print(f, raw)?;
    let mut rest = pair.cdr();
    loop {
        rest = match rest {
            Value::Nil => return f.write_char(')'),
            Value::Pair(next) => {
                f.write_char(' ')?;
                next.car.borrow().print(f, raw)?;
                next.cdr()
            }
            last => {
                f.write_str(" . ")?;
                last.print(f, raw)?;
                return f.write_char(')');
            }
        };
    }
}
