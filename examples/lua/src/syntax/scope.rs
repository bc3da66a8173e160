//! Which variable a name means.
//!
//! The parser keeps one [`FunctionScope`] for each function that it is inside of. Looking a name up
//! from the inside out finds a local, or makes it an upvalue of all functions in between.

use super::ast::{Attribute, Local, LocalId, Upvalue, UpvalueSource};
use crate::string::Str;

/// The names of a function that is being parsed.
#[derive(Default)]
pub struct FunctionScope {
    pub locals: Vec<Local>,
    /// Those in scope, the innermost last.
    pub active: Vec<LocalId>,
    pub upvalues: Vec<Upvalue>,
    pub is_vararg: bool,
    pub line: u32,
}

/// What a name means.
#[derive(Clone, Copy)]
pub enum Variable {
    Local(LocalId),
    Upvalue(usize),
    Global,
}

impl FunctionScope {
    /// A new local, which is not in scope yet.
    pub fn declare(&mut self, name: Str, attribute: Attribute) -> LocalId {
        self.locals.push(Local { name, attribute, is_captured: false, is_assigned: false });
        self.locals.len() - 1
    }

    fn find(&self, name: Str) -> Option<LocalId> {
        self.active.iter().rev().copied().find(|&it| self.locals[it].name == name)
    }

    fn upvalue(&mut self, name: Str, source: UpvalueSource) -> usize {
        match self.upvalues.iter().position(|it| it.source == source && it.name == name) {
            Some(index) => index,
            None => {
                self.upvalues.push(Upvalue { name, source });
                self.upvalues.len() - 1
            }
        }
    }
}

/// Looks `name` up in the innermost of `scopes`.
pub fn resolve(scopes: &mut [FunctionScope], name: Str) -> Variable {
    let Some((scope, outer)) = scopes.split_last_mut() else { return Variable::Global };
    if let Some(local) = scope.find(name) {
        return Variable::Local(local);
    }
    if let Some(index) = scope.upvalues.iter().position(|it| it.name == name) {
        return Variable::Upvalue(index);
    }
    match resolve(outer, name) {
        Variable::Local(local) => {
            if let Some(parent) = outer.last_mut() {
                parent.locals[local].is_captured = true;
            }
            Variable::Upvalue(scope.upvalue(name, UpvalueSource::Local(local)))
        }
        Variable::Upvalue(index) => {
            Variable::Upvalue(scope.upvalue(name, UpvalueSource::Upvalue(index)))
        }
        Variable::Global => Variable::Global,
    }
}

/// The local that a variable of the innermost scope is in the end, unless it is the chunk's `_ENV`.
pub fn origin(scopes: &mut [FunctionScope], variable: Variable) -> Option<&mut Local> {
    let (scope, outer) = scopes.split_last_mut()?;
    match variable {
        Variable::Local(local) => Some(&mut scope.locals[local]),
        Variable::Upvalue(index) => match scope.upvalues[index].source {
            UpvalueSource::Local(local) => origin(outer, Variable::Local(local)),
            UpvalueSource::Upvalue(index) => origin(outer, Variable::Upvalue(index)),
        },
        Variable::Global => None,
    }
}
