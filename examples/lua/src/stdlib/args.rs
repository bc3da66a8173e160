//! Arguments and results of native functions. Arguments count from 1, as in messages.

use crate::gc::Gc;
use crate::number::{Number, float_to_int_exact, parse};
use crate::string::Str;
use crate::table::Table;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, Outcome};
use crate::vm::meta::{is_text, push_text};
use jitdriver::jit;

#[jit]
impl Vm<'_> {
    /// An argument, or nil.
    #[inline]
    pub(crate) fn arg(&self, args: Args, n: usize) -> Value {
        if n <= args.count { self.stack[args.base + n - 1] } else { Value::Nil }
    }

    /// An argument that has to be there.
    pub(crate) fn check_any(&mut self, args: Args, n: usize) -> Result<Value> {
        if args.count < n {
            return Err(self.arg_error(n, "value expected"));
        }
        Ok(self.arg(args, n))
    }

    pub(crate) fn check_table(&mut self, args: Args, n: usize) -> Result<Gc<Table>> {
        match self.arg(args, n) {
            Value::Table(it) => Ok(it),
            _ => Err(self.arg_type_error(args, n, "table")),
        }
    }

    /// An integer, or what can be converted to one.
    #[inline]
    pub(crate) fn check_int(&mut self, args: Args, n: usize) -> Result<i64> {
        match self.arg(args, n) {
            Value::Int(it) => Ok(it),
            other => self.convert_int(args, n, other),
        }
    }

    pub(crate) fn opt_int(&mut self, args: Args, n: usize, default: i64) -> Result<i64> {
        if self.arg(args, n).is_nil() { Ok(default) } else { self.check_int(args, n) }
    }

    /// A number, or a string that spells one.
    #[inline]
    pub(crate) fn check_number(&mut self, args: Args, n: usize) -> Result<Value> {
        match self.arg(args, n) {
            it @ (Value::Int(_) | Value::Float(_)) => Ok(it),
            Value::Str(text) => match parse(text.as_bytes()) {
                Some(Number::Int(it)) => Ok(Value::Int(it)),
                Some(Number::Float(it)) => Ok(Value::float(it)),
                None => Err(self.arg_type_error(args, n, "number")),
            },
            _ => Err(self.arg_type_error(args, n, "number")),
        }
    }

    #[inline]
    pub(crate) fn check_float(&mut self, args: Args, n: usize) -> Result<f64> {
        match self.check_number(args, n)? {
            Value::Int(it) => Ok(it as f64),
            Value::Float(it) => Ok(it.get()),
            _ => unreachable!("checked to be a number"),
        }
    }

    /// Returns a value.
    #[inline]
    pub(crate) fn ret_value(&mut self, args: Args, value: Value) -> Result<Outcome> {
        self.stack[args.func()] = value;
        Ok(Outcome::Return(1))
    }
}

impl Vm<'_> {
    pub(crate) fn check_function(&mut self, args: Args, n: usize) -> Result<Value> {
        match self.arg(args, n) {
            it if it.is_function() => Ok(it),
            _ => Err(self.arg_type_error(args, n, "function")),
        }
    }

    #[cold]
    fn convert_int(&mut self, args: Args, n: usize, value: Value) -> Result<i64> {
        let number = match value {
            Value::Float(it) => Some(Number::Float(it.get())),
            Value::Str(text) => parse(text.as_bytes()),
            _ => None,
        };
        match number {
            Some(Number::Int(it)) => Ok(it),
            Some(Number::Float(it)) => match float_to_int_exact(it) {
                Some(it) => Ok(it),
                None => Err(self.arg_error(n, "number has no integer representation")),
            },
            None => Err(self.arg_type_error(args, n, "number")),
        }
    }

    /// A string, or a number as one.
    #[inline]
    pub(crate) fn check_str(&mut self, args: Args, n: usize) -> Result<Str> {
        match self.arg(args, n) {
            Value::Str(it) => Ok(it),
            it if is_text(it) => {
                let mut text = Vec::new();
                push_text(it, &mut text);
                let converted = self.heap.str(&text);
                // The argument's slot keeps it alive.
                self.stack[args.base + n - 1] = Value::Str(converted);
                Ok(converted)
            }
            _ => Err(self.arg_type_error(args, n, "string")),
        }
    }

    pub(crate) fn opt_str(&mut self, args: Args, n: usize) -> Result<Option<Str>> {
        if self.arg(args, n).is_nil() { Ok(None) } else { self.check_str(args, n).map(Some) }
    }

    /// One of the options; the first that is asked for by default.
    pub(crate) fn check_option(
        &mut self,
        args: Args,
        n: usize,
        default: Option<&str>,
        options: &[&str],
    ) -> Result<usize> {
        let name = match (self.opt_str(args, n), default) {
            (Ok(None), Some(default)) => default.to_string(),
            (Ok(Some(it)), _) => it.to_text(),
            _ => return Err(self.arg_type_error(args, n, "string")),
        };
        match options.iter().position(|it| *it == name) {
            Some(at) => Ok(at),
            None => Err(self.arg_error(n, &format!("invalid option '{name}'"))),
        }
    }

    /// Returns one value.
    #[inline]
    pub(crate) fn ret(&mut self, args: Args, value: impl Into<Value>) -> Result<Outcome> {
        self.ret_value(args, value.into())
    }

    /// Returns a string.
    pub(crate) fn ret_str(&mut self, args: Args, bytes: &[u8]) -> Result<Outcome> {
        let value = Value::Str(self.heap.str(bytes));
        self.ret(args, value)
    }

    /// Returns several values.
    pub(crate) fn ret_all(&mut self, args: Args, values: &[Value]) -> Result<Outcome> {
        self.put_results(args.func(), values)?;
        Ok(Outcome::Return(values.len()))
    }

    /// Returns the failure value with a message and a code.
    pub(crate) fn ret_failure(&mut self, args: Args, message: &str, code: i64) -> Result<Outcome> {
        let message = self.str(message.as_bytes());
        self.ret_all(args, &[Value::Nil, message, Value::Int(code)])
    }
}
