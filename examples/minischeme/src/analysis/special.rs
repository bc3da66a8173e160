//! The special forms.

use super::{Analysis, Analyzed, Node, Scope, target_name};
use crate::error::Error;
use crate::reader::{Datum, DatumKind};
use crate::value::Value;
use std::rc::Rc;

/// The names of the special forms, and of what stands in them only.
const SPECIAL: &[&str] = &[
    "quote",
    "quasiquote",
    "unquote",
    "unquote-splicing",
    "if",
    "define",
    "set!",
    "lambda",
    "begin",
    "let",
    "let*",
    "letrec",
    "letrec*",
    "do",
    "cond",
    "case",
    "and",
    "or",
    "when",
    "unless",
    "else",
    "=>",
];

pub(super) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

fn node(node: Node) -> Analyzed {
    Ok(Rc::new(node))
}

fn unspecified() -> Rc<Node> {
    Rc::new(Node::Constant(Value::Unspecified))
}

type MaybeScope<'a, 's> = Option<&'a Scope<'s>>;

impl Analysis<'_> {
    /// The form `(name rest…)`.
    pub(super) fn special(
        &mut self,
        name: &str,
        rest: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        match (name, rest) {
            ("quote", [value]) => node(Node::Constant(value.to_value())),
            ("quasiquote", [template]) => self.template(template, 1, scope),
            ("if", [condition, then]) => self.conditional(condition, then, None, scope),
            ("if", [condition, then, otherwise]) => {
                self.conditional(condition, then, Some(otherwise), scope)
            }
            ("define", [target, rest @ ..]) => self.define(target, rest, datum, scope),
            ("set!", [target, value]) => self.set(target, value, scope),
            ("lambda", [parameters, body @ ..]) => {
                node(Node::Lambda(self.lambda("lambda", parameters, body, scope)?))
            }
            ("begin", _) => self.sequence(rest, scope),
            ("let", [name, bindings, body @ ..]) if name.as_symbol().is_some() => {
                self.named_let(name, bindings, body, datum, scope)
            }
            ("let", [bindings, body @ ..]) => self.plain_let(bindings, body, datum, scope),
            ("let*", [bindings, body @ ..]) => self.nested_let(bindings, body, datum, scope),
            ("letrec" | "letrec*", [bindings, body @ ..]) => {
                self.recursive_let(bindings, body, datum, scope)
            }
            ("do", [bindings, end, body @ ..]) => self.do_loop(bindings, end, body, datum, scope),
            ("cond", clauses) => self.cond(clauses, datum, scope),
            ("case", [key, clauses @ ..]) => self.case(key, clauses, scope),
            ("and", []) => node(Node::Constant(Value::Bool(true))),
            ("or", []) => node(Node::Constant(Value::Bool(false))),
            ("and" | "or", [single]) => self.form(single, scope),
            ("and", _) => node(Node::And(self.forms(rest, scope)?)),
            ("or", _) => node(Node::Or(self.forms(rest, scope)?)),
            ("when", [condition, body @ ..]) => {
                let condition = self.form(condition, scope)?;
                let then = self.sequence(body, scope)?;
                node(Node::If { condition, then, otherwise: unspecified() })
            }
            ("unless", [condition, body @ ..]) => {
                let condition = self.form(condition, scope)?;
                let otherwise = self.sequence(body, scope)?;
                node(Node::If { condition, then: unspecified(), otherwise })
            }
            _ => Err(datum.error(format!("this is no right use of {name}"))),
        }
    }

    fn conditional(
        &mut self,
        condition: &Datum,
        then: &Datum,
        otherwise: Option<&Datum>,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let condition = self.form(condition, scope)?;
        let then = self.form(then, scope)?;
        let otherwise = match otherwise {
            Some(otherwise) => self.form(otherwise, scope)?,
            None => unspecified(),
        };
        node(Node::If { condition, then, otherwise })
    }

    fn define(
        &mut self,
        target: &Datum,
        rest: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let error = || target.error("this is not a name");
        let name = target_name(target).ok_or_else(error)?;
        let value = self.defined_value(target, rest, datum, scope)?;
        match scope {
            Some(scope) => match scope.lookup(name) {
                Some((0, index)) => node(Node::SetLocal { depth: 0, index, value }),
                _ => Err(datum.error("define has to stand directly in a body")),
            },
            None if is_special(name) => Err(target.error(format!("{name} is syntax"))),
            None => node(Node::Define { global: self.globals.get(name), value }),
        }
    }

    /// What `(define target rest…)` gives the name.
    fn defined_value(
        &mut self,
        target: &Datum,
        rest: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        match (&target.kind, rest) {
            (DatumKind::Symbol(_), []) => Ok(unspecified()),
            (DatumKind::Symbol(name), [value]) => self.named(name, value, scope),
            (DatumKind::List(items, tail), body) if !items.is_empty() => {
                let kind = DatumKind::List(items[1..].to_vec(), tail.clone());
                let parameters = Datum { position: target.position, kind };
                if items[0].as_symbol().is_some() {
                    let name = target_name(target).expect("it starts with a name");
                    return node(Node::Lambda(self.lambda(name, &parameters, body, scope)?));
                }
                // `(define ((f a) b) …)` is a procedure that answers one.
                let lambda = lambda_datum(parameters, body, datum);
                self.defined_value(&items[0], &[lambda], datum, scope)
            }
            _ => Err(datum.error("this is no right use of define")),
        }
    }

    /// A value that is bound to a name: if it is a procedure, it is called so.
    fn named(&mut self, name: &str, value: &Datum, scope: MaybeScope<'_, '_>) -> Analyzed {
        if let Some([head, parameters, body @ ..]) = value.as_list()
            && head.as_symbol().is_some_and(|head| &**head == "lambda")
            && scope.and_then(|scope| scope.lookup("lambda")).is_none()
        {
            return node(Node::Lambda(self.lambda(name, parameters, body, scope)?));
        }
        self.form(value, scope)
    }

    fn set(&mut self, target: &Datum, value: &Datum, scope: MaybeScope<'_, '_>) -> Analyzed {
        let error = || target.error("this is not a name");
        let name = target.as_symbol().ok_or_else(error)?;
        let value = self.form(value, scope)?;
        let position = target.position;
        match scope.and_then(|scope| scope.lookup(name)) {
            Some((depth, index)) => node(Node::SetLocal { depth, index, value }),
            None => node(Node::SetGlobal { global: self.globals.get(name), value, position }),
        }
    }

    fn plain_let(
        &mut self,
        bindings: &Datum,
        body: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let inner = Scope::new(scope);
        let mut inits = Vec::new();
        for (name, value) in pairs(bindings)? {
            inner.declare(name)?;
            let text = name.as_symbol().map_or("let", |name| &**name);
            inits.push(self.named(text, value, scope)?);
        }
        let body = self.body(body, datum, &inner)?;
        node(Node::Let { inits, size: inner.size(), body })
    }

    /// `let*`: a `let` for each binding.
    fn nested_let(
        &mut self,
        bindings: &Datum,
        body: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let items = bindings.as_list().ok_or_else(|| bindings.error("no list of bindings"))?;
        let list = |items: &[Datum]| Datum {
            position: bindings.position,
            kind: DatumKind::List(items.to_vec(), None),
        };
        match items {
            [] | [_] => self.plain_let(bindings, body, datum, scope),
            [first, rest @ ..] => {
                let inner = Scope::new(scope);
                let (name, value) = pair(first)?;
                inner.declare(name)?;
                let init = self.form(value, scope)?;
                let body = self.nested_let(&list(rest), body, datum, Some(&inner))?;
                node(Node::Let { inits: vec![init], size: 1, body })
            }
        }
    }

    fn recursive_let(
        &mut self,
        bindings: &Datum,
        body: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let inner = Scope::new(scope);
        let bindings = pairs(bindings)?;
        for (name, _) in &bindings {
            inner.declare(name)?;
        }
        let mut nodes = Vec::new();
        for (index, (name, value)) in bindings.into_iter().enumerate() {
            let name = name.as_symbol().expect("declared above");
            let value = self.named(name, value, Some(&inner))?;
            nodes.push(Rc::new(Node::SetLocal { depth: 0, index, value }));
        }
        nodes.push(self.body(body, datum, &inner)?);
        let body = Rc::new(Node::Sequence(nodes));
        node(Node::Let { inits: Vec::new(), size: inner.size(), body })
    }

    /// `(let loop ((name value) …) body…)`: an environment for `loop`, in which it is called.
    fn named_let(
        &mut self,
        name: &Datum,
        bindings: &Datum,
        body: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let bindings = pairs(bindings)?;
        let parameters = bindings.iter().map(|(name, _)| (*name).clone()).collect();
        let kind = DatumKind::List(parameters, None);
        let parameters = Datum { position: datum.position, kind };
        let inner = Scope::new(scope);
        inner.declare(name)?;
        let text = name.as_symbol().expect("declared above");
        let value = Rc::new(Node::Lambda(self.lambda(text, &parameters, body, Some(&inner))?));
        // The values must not see the name of the loop.
        let outside = Scope::new(scope);
        outside.add("".into());
        let values = bindings.iter().map(|(_, value)| self.form(value, Some(&outside)));
        let args = values.collect::<Result<_, _>>()?;
        self.call_of_loop(text, value, args, datum)
    }

    /// An environment with one slot, the procedure in it, and a call of it.
    fn call_of_loop(
        &mut self,
        name: &Rc<str>,
        value: Rc<Node>,
        args: Vec<Rc<Node>>,
        datum: &Datum,
    ) -> Analyzed {
        let position = datum.position;
        let set = Rc::new(Node::SetLocal { depth: 0, index: 0, value });
        let function = Node::Local { depth: 0, index: 0, name: Rc::clone(name), position };
        let call = Node::Call { function: Rc::new(function), args, position };
        let body = Rc::new(Node::Sequence(vec![set, Rc::new(call)]));
        node(Node::Let { inits: Vec::new(), size: 1, body })
    }

    /// `(do ((name first next) …) (test result…) body…)`: a procedure that calls itself.
    fn do_loop(
        &mut self,
        bindings: &Datum,
        end: &Datum,
        body: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let items = bindings.as_list().ok_or_else(|| bindings.error("no list of bindings"))?;
        let Some([test, results @ ..]) = end.as_list() else {
            return Err(end.error("do has to say when it ends"));
        };
        // A name that no program can use.
        let name: Rc<str> = "do loop".into();
        let outer = Scope::new(scope);
        outer.add(Rc::clone(&name));
        let inner = Scope::new(Some(&outer));
        let (mut firsts, mut steps) = (Vec::new(), Vec::new());
        for item in items {
            let error = || item.error("a binding is (name first) or (name first next)");
            let (variable, first, step) = match item.as_list() {
                Some([variable, first]) => (variable, first, variable),
                Some([variable, first, step]) => (variable, first, step),
                _ => return Err(error()),
            };
            inner.declare(variable)?;
            firsts.push(self.form(first, Some(&outer))?);
            steps.push(step);
        }
        let condition = self.form(test, Some(&inner))?;
        let then = self.sequence(results, Some(&inner))?;
        let mut nodes = self.forms(body, Some(&inner))?;
        let args = steps.into_iter().map(|step| self.form(step, Some(&inner)));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let position = datum.position;
        let function = Node::Local { depth: 1, index: 0, name: Rc::clone(&name), position };
        nodes.push(Rc::new(Node::Call { function: Rc::new(function), args, position }));
        let otherwise = Rc::new(Node::Sequence(nodes));
        let body = Rc::new(Node::If { condition, then, otherwise });
        let n_required = items.len();
        let lambda = super::Lambda {
            name: "do".into(),
            arity: crate::value::Arity::Exactly(n_required),
            n_required,
            has_rest: false,
            size: n_required,
            body,
        };
        self.call_of_loop(&name, Rc::new(Node::Lambda(Rc::new(lambda))), firsts, datum)
    }

    fn cond(&mut self, clauses: &[Datum], datum: &Datum, scope: MaybeScope<'_, '_>) -> Analyzed {
        let Some((clause, rest)) = clauses.split_first() else { return Ok(unspecified()) };
        let is =
            |datum: &Datum, name: &str| datum.as_symbol().is_some_and(|known| **known == *name);
        match clause.as_list() {
            Some([test, body @ ..]) if is(test, "else") => match rest {
                [] if !body.is_empty() => self.sequence(body, scope),
                _ => Err(clause.error("else has to be the last clause, and to have a body")),
            },
            Some([test]) => {
                let test = self.form(test, scope)?;
                node(Node::Or(vec![test, self.cond(rest, datum, scope)?]))
            }
            Some([test, arrow, receiver]) if is(arrow, "=>") => {
                self.cond_with_receiver(test, receiver, rest, datum, scope)
            }
            Some([test, body @ ..]) => {
                let condition = self.form(test, scope)?;
                let then = self.sequence(body, scope)?;
                let otherwise = self.cond(rest, datum, scope)?;
                node(Node::If { condition, then, otherwise })
            }
            _ => Err(clause.error("a clause is a list that starts with a test")),
        }
    }

    /// `(test => receiver)`: the value of the test is kept in an environment of its own.
    fn cond_with_receiver(
        &mut self,
        test: &Datum,
        receiver: &Datum,
        rest: &[Datum],
        datum: &Datum,
        scope: MaybeScope<'_, '_>,
    ) -> Analyzed {
        let name: Rc<str> = "cond value".into();
        let inner = Scope::new(scope);
        inner.add(Rc::clone(&name));
        let position = receiver.position;
        let value = Rc::new(Node::Local { depth: 0, index: 0, name, position });
        let init = self.form(test, scope)?;
        let function = self.form(receiver, Some(&inner))?;
        let then = Rc::new(Node::Call { function, args: vec![Rc::clone(&value)], position });
        let otherwise = self.cond(rest, datum, Some(&inner))?;
        let body = Rc::new(Node::If { condition: value, then, otherwise });
        node(Node::Let { inits: vec![init], size: 1, body })
    }

    fn case(&mut self, key: &Datum, clauses: &[Datum], scope: MaybeScope<'_, '_>) -> Analyzed {
        let key = self.form(key, scope)?;
        let mut nodes = Vec::new();
        let mut otherwise = unspecified();
        for (i, clause) in clauses.iter().enumerate() {
            let Some([data, body @ ..]) = clause.as_list() else {
                return Err(clause.error("a clause is a list that starts with a list"));
            };
            let body_node = self.sequence(body, scope)?;
            match (&data.kind, data.as_list()) {
                (DatumKind::Symbol(name), _) if &**name == "else" => {
                    if i + 1 < clauses.len() {
                        return Err(clause.error("else has to be the last clause"));
                    }
                    otherwise = body_node;
                }
                (_, Some(items)) => {
                    nodes.push((items.iter().map(Datum::to_value).collect(), body_node));
                }
                _ => return Err(data.error("a clause starts with a list of data")),
            }
        }
        node(Node::Case { key, clauses: nodes, otherwise })
    }
}

/// The name and the value of `(name value)`.
fn pair(binding: &Datum) -> Result<(&Datum, &Datum), Error> {
    match binding.as_list() {
        Some([name, value]) => Ok((name, value)),
        _ => Err(binding.error("a binding is (name value)")),
    }
}

fn pairs(bindings: &Datum) -> Result<Vec<(&Datum, &Datum)>, Error> {
    let items = bindings.as_list().ok_or_else(|| bindings.error("no list of bindings"))?;
    items.iter().map(pair).collect()
}

/// `(lambda parameters body…)`
fn lambda_datum(parameters: Datum, body: &[Datum], datum: &Datum) -> Datum {
    let position = datum.position;
    let head = Datum { position, kind: DatumKind::Symbol("lambda".into()) };
    let items = [head, parameters].into_iter().chain(body.iter().cloned()).collect();
    Datum { position, kind: DatumKind::List(items, None) }
}
