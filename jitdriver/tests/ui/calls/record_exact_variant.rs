//! A promise is about one variant, which its pattern names.

use jitdriver::{jit, record_exact_variant};

#[jit]
#[derive(Clone, Copy)]
enum Value {
    Int(i64),
    Float(f64),
    Nil,
}

#[jit]
fn ask(value: Value, twice: &Option<Value>) -> bool {
    // SAFETY: none of these is made.
    unsafe {
        record_exact_variant!(value, Value::Int(_) | Value::Float(_));
        record_exact_variant!(value, Value::Int(3));
        record_exact_variant!(value, it);
        record_exact_variant!(twice, Some(Value::Nil));
    }
    true
}

fn main() {}
