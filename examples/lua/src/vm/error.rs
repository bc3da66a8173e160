//! Errors of the running program.

use crate::value::Value;

/// What was thrown.
#[derive(Clone, Debug)]
pub struct LuaError {
    /// Any value; mostly a message.
    pub value: Value,
    /// The message handler of the protected call around has seen it.
    pub is_handled: bool,
}

impl LuaError {
    /// An error with any value.
    pub fn new(value: Value) -> Box<LuaError> {
        Box::new(LuaError { value, is_handled: false })
    }
}

/// What may fail with an error of the program.
pub type Result<T> = std::result::Result<T, Box<LuaError>>;
