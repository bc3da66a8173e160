//! The analysis: from data to a tree of nodes.
//!
//! Special forms become nodes or are rewritten into others. Each variable is looked up in the scopes
//! around it, and its node says in which environment and at which index the value lies when the
//! program runs; what is in no scope is global.
//!
//! A procedure and a `let` make a [`Scope`], and at run time an environment. What is defined inside of
//! their bodies lives there too, in slots behind the arguments.

mod quasi;
mod scope;
mod special;

use crate::builtins;
use crate::error::{Error, Position};
use crate::reader::{Datum, DatumKind};
use crate::value::{Arity, Global, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub(crate) use scope::Scope;

/// A piece of the program.
#[jitdriver::jit]
pub enum Node {
    /// A constant.
    Constant(Value),
    /// A variable, so many environments out.
    Local {
        /// How many environments out.
        depth: usize,
        /// Its slot.
        index: usize,
        /// For messages.
        name: Rc<str>,
        /// For messages.
        position: Position,
    },
    /// A variable of the outermost level.
    Global {
        /// Where its value is.
        global: Rc<Global>,
        /// For messages.
        position: Position,
    },
    /// `(set! local value)`, and also `define` and `letrec` inside of a body.
    SetLocal {
        /// How many environments out.
        depth: usize,
        /// Its slot.
        index: usize,
        /// The new value.
        value: Rc<Node>,
    },
    /// `(set! global value)`
    SetGlobal {
        /// Where its value is.
        global: Rc<Global>,
        /// The new value.
        value: Rc<Node>,
        /// For messages.
        position: Position,
    },
    /// `(define global value)`
    Define {
        /// Where its value is.
        global: Rc<Global>,
        /// The value.
        value: Rc<Node>,
    },
    /// `(if condition then otherwise)`
    If {
        /// What is tested.
        condition: Rc<Node>,
        /// What is evaluated if it is true.
        then: Rc<Node>,
        /// What is evaluated if it is not.
        otherwise: Rc<Node>,
    },
    /// `(lambda …)`
    Lambda(Rc<Lambda>),
    /// `(begin …)`
    Sequence(Vec<Rc<Node>>),
    /// `(and …)`
    And(Vec<Rc<Node>>),
    /// `(or …)`
    Or(Vec<Rc<Node>>),
    /// A body with an environment of its own, whose first slots have these values.
    Let {
        /// The first values.
        inits: Vec<Rc<Node>>,
        /// The number of slots.
        size: usize,
        /// The body.
        body: Rc<Node>,
    },
    /// `(case key …)`
    Case {
        /// What is compared.
        key: Rc<Node>,
        /// The constants, and what is evaluated if the key is one of them.
        clauses: Vec<(Vec<Value>, Rc<Node>)>,
        /// What is evaluated if it is none.
        otherwise: Rc<Node>,
    },
    /// A call.
    Call {
        /// What is called.
        function: Rc<Node>,
        /// With what.
        args: Vec<Rc<Node>>,
        /// For messages.
        position: Position,
    },
}

impl Node {
    /// Where it stands, if that is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Node::Local { position, .. }
            | Node::Global { position, .. }
            | Node::SetGlobal { position, .. }
            | Node::Call { position, .. } => Some(*position),
            Node::Let { body, .. } => body.position(),
            Node::If { condition, .. } => condition.position(),
            Node::SetLocal { value, .. } | Node::Define { value, .. } => value.position(),
            Node::Sequence(nodes) | Node::And(nodes) | Node::Or(nodes) => nodes[0].position(),
            Node::Case { key, .. } => key.position(),
            Node::Constant(_) | Node::Lambda(_) => None,
        }
    }
}

/// The code of a procedure.
pub struct Lambda {
    /// For messages.
    pub name: Rc<str>,
    /// How many arguments it takes.
    pub arity: Arity,
    /// The arguments that have a name of their own; further ones are put into a list.
    pub n_required: usize,
    /// Whether there is a name for that list.
    pub has_rest: bool,
    /// The number of slots of its environment.
    pub size: usize,
    /// The body.
    pub body: Rc<Node>,
}

type Analyzed = Result<Rc<Node>, Error>;

/// The variables of the outermost level.
#[derive(Default)]
pub struct Globals {
    table: HashMap<Rc<str>, Rc<Global>>,
}

impl Globals {
    /// The variable with this name, which need not have a value yet.
    pub fn get(&mut self, name: &Rc<str>) -> Rc<Global> {
        let new =
            || Rc::new(Global { name: Rc::clone(name), value: RefCell::new(Value::Unassigned) });
        Rc::clone(self.table.entry(Rc::clone(name)).or_insert_with(new))
    }
}

/// Analyses a form of the outermost level.
pub fn analyze(datum: &Datum, globals: &mut Globals) -> Analyzed {
    Analysis { globals }.form(datum, None)
}

pub(crate) struct Analysis<'g> {
    globals: &'g mut Globals,
}

impl Analysis<'_> {
    /// A form; without a scope it is on the outermost level.
    fn form(&mut self, datum: &Datum, scope: Option<&Scope<'_>>) -> Analyzed {
        match &datum.kind {
            DatumKind::Constant(value) => Ok(Rc::new(Node::Constant(value.clone()))),
            DatumKind::Symbol(name) => self.variable(name, datum, scope),
            DatumKind::Vector(_) => Ok(Rc::new(Node::Constant(datum.to_value()))),
            DatumKind::List(items, None) => self.list(items, datum, scope),
            DatumKind::List(_, Some(_)) => Err(datum.error("a dot in a form")),
        }
    }

    fn variable(&mut self, name: &Rc<str>, datum: &Datum, scope: Option<&Scope<'_>>) -> Analyzed {
        let position = datum.position;
        let node = match scope.and_then(|scope| scope.lookup(name)) {
            Some((depth, index)) => Node::Local { depth, index, name: Rc::clone(name), position },
            None if special::is_special(name) => {
                return Err(datum.error(format!("{name} is syntax, and no variable")));
            }
            None => Node::Global { global: self.globals.get(name), position },
        };
        Ok(Rc::new(node))
    }

    fn list(&mut self, items: &[Datum], datum: &Datum, scope: Option<&Scope<'_>>) -> Analyzed {
        let Some((head, rest)) = items.split_first() else {
            return Err(datum.error("() is no form; the empty list is '()"));
        };
        if let Some(name) = head.as_symbol()
            && special::is_special(name)
            && scope.and_then(|scope| scope.lookup(name)).is_none()
        {
            return self.special(name, rest, datum, scope);
        }
        let function = self.form(head, scope)?;
        let args = self.forms(rest, scope)?;
        Ok(Rc::new(Node::Call { function, args, position: datum.position }))
    }

    fn forms(&mut self, data: &[Datum], scope: Option<&Scope<'_>>) -> Result<Vec<Rc<Node>>, Error> {
        data.iter().map(|datum| self.form(datum, scope)).collect()
    }

    /// Forms one after the other; the value is that of the last one.
    fn sequence(&mut self, data: &[Datum], scope: Option<&Scope<'_>>) -> Analyzed {
        let nodes = self.forms(data, scope)?;
        Ok(match &nodes[..] {
            [] => Rc::new(Node::Constant(Value::Unspecified)),
            [node] => Rc::clone(node),
            _ => Rc::new(Node::Sequence(nodes)),
        })
    }

    /// The body of a procedure or a `let`, whose names are in the scope already.
    fn body(&mut self, data: &[Datum], datum: &Datum, scope: &Scope<'_>) -> Analyzed {
        if data.is_empty() {
            return Err(datum.error("the body is empty"));
        }
        for name in data.iter().flat_map(defined_names) {
            scope.add(name);
        }
        self.sequence(data, Some(scope))
    }

    /// A procedure: its parameters are a list of names, possibly with a dot, or one name for all.
    fn lambda(
        &mut self,
        name: &str,
        parameters: &Datum,
        body: &[Datum],
        scope: Option<&Scope<'_>>,
    ) -> Result<Rc<Lambda>, Error> {
        let (required, rest) = match &parameters.kind {
            DatumKind::Symbol(_) => (&[][..], Some(parameters)),
            DatumKind::List(items, tail) => (&items[..], tail.as_deref()),
            _ => return Err(parameters.error("the parameters are not a list of names")),
        };
        let inner = Scope::new(scope);
        for parameter in required.iter().chain(rest) {
            inner.declare(parameter)?;
        }
        let body = self.body(body, parameters, &inner)?;
        let n_required = required.len();
        let arity = match rest {
            Some(_) => Arity::AtLeast(n_required),
            None => Arity::Exactly(n_required),
        };
        let (name, has_rest, size) = (name.into(), rest.is_some(), inner.size());
        Ok(Rc::new(Lambda { name, arity, n_required, has_rest, size, body }))
    }

    /// A call of a procedure that the program cannot redefine.
    fn call_builtin(&self, name: &str, args: Vec<Rc<Node>>, position: Position) -> Rc<Node> {
        let builtin = builtins::find(name).expect("the interpreter has it");
        let function = Rc::new(Node::Constant(Value::Builtin(builtin)));
        Rc::new(Node::Call { function, args, position })
    }
}

/// The names that a form of a body defines.
fn defined_names(datum: &Datum) -> Vec<Rc<str>> {
    let Some([head, rest @ ..]) = datum.as_list() else { return Vec::new() };
    match (head.as_symbol().map(|name| &**name), rest) {
        (Some("begin"), _) => rest.iter().flat_map(defined_names).collect(),
        (Some("define"), [target, ..]) => target_name(target).cloned().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The `f` of `(define f …)`, `(define (f …) …)` and `(define ((f …) …) …)`.
fn target_name(target: &Datum) -> Option<&Rc<str>> {
    match &target.kind {
        DatumKind::Symbol(name) => Some(name),
        DatumKind::List(items, _) => target_name(items.first()?),
        _ => None,
    }
}
