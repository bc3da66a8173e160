//! Values as text.

use super::Vm;
use super::error::Result;
use super::event::Event;
use super::meta::push_text;
use crate::value::Value;

impl Vm<'_> {
    /// What `tostring` gives.
    pub fn tostring(&mut self, value: Value) -> Result<Vec<u8>> {
        let handler = self.metamethod(value, Event::ToString);
        if !handler.is_nil() {
            return match self.call_for_one(handler, &[value])? {
                Value::Str(it) => Ok(it.as_bytes().to_vec()),
                number @ (Value::Int(_) | Value::Float(_)) => Ok(text_of(number)),
                _ => Err(self.error("'__tostring' must return a string")),
            };
        }
        Ok(self.plain_text(value))
    }

    /// The text of a value without its `__tostring`.
    pub fn plain_text(&self, value: Value) -> Vec<u8> {
        match value {
            Value::Nil => b"nil".to_vec(),
            Value::False => b"false".to_vec(),
            Value::True => b"true".to_vec(),
            Value::Int(_) | Value::Float(_) | Value::Str(_) => text_of(value),
            _ => {
                let kind = self.type_name(value);
                format!("{kind}: 0x{:014x}", value.address().unwrap_or(0)).into_bytes()
            }
        }
    }

    /// The name of a value's type, or the `__name` of its metatable.
    pub fn type_name(&self, value: Value) -> String {
        match self.metamethod(value, Event::Name) {
            Value::Str(name) if !matches!(value, Value::Str(_)) => name.to_text(),
            _ => value.type_name().to_string(),
        }
    }
}

fn text_of(value: Value) -> Vec<u8> {
    let mut text = Vec::new();
    push_text(value, &mut text);
    text
}
