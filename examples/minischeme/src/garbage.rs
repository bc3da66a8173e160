//! Drops of pairs and environments.
//!
//! A list can be longer than the stack is deep, and so can a chain of environments, each kept by a
//! closure in the next. So what only one owner keeps is not left to the drops of fields, which call
//! each other, but taken apart here, one after the other.

use crate::value::{Env, Pair, Value};
use std::mem;
use std::rc::Rc;

/// What is left to be dropped; its last owner is here.
enum Garbage {
    Pair(Rc<Pair>),
    Env(Rc<Env>),
}

impl Drop for Pair {
    fn drop(&mut self) {
        let mut garbage = Vec::new();
        empty_pair(self, &mut garbage);
        clear(garbage);
    }
}

#[jitdriver::jit]
impl Drop for Env {
    #[jitdriver::unroll_safe]
    fn drop(&mut self) {
        let keeps_parent = self.parent.as_ref().is_some_and(|it| Rc::strong_count(it) <= 2);
        if !keeps_parent && !self.slots.get_mut().iter().any(|value| value.is_last_owner()) {
            // All of it has other owners.
            return;
        }
        let mut garbage = Vec::new();
        empty_env(self, &mut garbage);
        clear(garbage);
    }
}

fn clear(mut garbage: Vec<Garbage>) {
    while let Some(next) = garbage.pop() {
        match next {
            Garbage::Pair(pair) => {
                if let Ok(mut pair) = Rc::try_unwrap(pair) {
                    empty_pair(&mut pair, &mut garbage);
                }
            }
            Garbage::Env(env) => {
                if let Ok(mut env) = Rc::try_unwrap(env) {
                    empty_env(&mut env, &mut garbage);
                }
            }
        }
    }
}

fn empty_pair(pair: &mut Pair, garbage: &mut Vec<Garbage>) {
    empty_value(pair.car.get_mut(), garbage);
    empty_value(pair.cdr.get_mut(), garbage);
}

fn empty_env(env: &mut Env, garbage: &mut Vec<Garbage>) {
    for value in env.slots.get_mut() {
        empty_value(value, garbage);
    }
    if let Some(parent) = env.parent.take() {
        keep_env(parent, garbage);
    }
}

fn empty_value(value: &mut Value, garbage: &mut Vec<Garbage>) {
    match value {
        Value::Pair(pair) if Rc::strong_count(pair) == 1 => {
            if let Value::Pair(pair) = mem::replace(value, Value::Nil) {
                garbage.push(Garbage::Pair(pair));
            }
        }
        Value::Closure(closure) if Rc::strong_count(closure) == 1 => {
            keep_env(Rc::clone(&closure.env), garbage);
            *value = Value::Nil;
        }
        _ => {}
    }
}

/// Another owner will drop it if there is one: this one, or the closure that is dropped next.
fn keep_env(env: Rc<Env>, garbage: &mut Vec<Garbage>) {
    if Rc::strong_count(&env) <= 2 {
        garbage.push(Garbage::Env(env));
    }
}
