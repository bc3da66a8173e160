//! The interpreter: walks the tree of nodes.
//!
//! [`Interpreter::eval`] is one loop with one `match` on the node. Where a node's value is that of
//! another one, which may be the body of a procedure that is called, the loop goes on with that one, so
//! a call in tail position uses no stack. For everything else `eval` calls itself.
//!
//! Invariants
//! 1. `depth` is the number of evaluations that are nested, and never more than [`MAX_DEPTH`].
//! 2. No borrow of a slot is held while something is evaluated.

use crate::analysis::{self, Globals, Node};
use crate::builtins;
use crate::error::{Error, Position};
use crate::reader;
use crate::value::{Closure, Env, Value};
use jitdriver::{JitDriver, can_enter_jit, jit_merge_point, unroll_safe};
use std::io::{self, Write};
use std::rc::Rc;

/// Evaluations that may be nested. More is an error of the program, long before the stack that
/// [`with_stack`](crate::with_stack) gives comes to its end.
pub const MAX_DEPTH: usize = 20_000;

/// An interpreter. Run it inside of [`with_stack`](crate::with_stack): it calls itself.
///
/// It has the variables of the outermost level, and knows where output goes.
pub struct Interpreter {
    globals: Globals,
    /// The environment of the outermost level; it has no slots.
    outermost: Rc<Env>,
    depth: usize,
    /// Compiles the loops of the program.
    pub jit: JitDriver<'static>,
    pub(crate) output: Box<dyn Write>,
}

jitdriver::traced! {
impl Interpreter {
    /// An interpreter that knows the built-in procedures.
    pub fn new(output: impl Write + 'static) -> Interpreter {
        let mut globals = Globals::default();
        for builtin in builtins::all() {
            let global = globals.get(&builtin.name.into());
            *global.value.borrow_mut() = Value::Builtin(builtin);
        }
        let outermost = Env::new(Vec::new(), 0, None);
        let jit = JitDriver::new();
        Interpreter { globals, outermost, depth: 0, jit, output: Box::new(output) }
    }

    /// Runs all forms of a text, and answers the value of the last one.
    pub fn run(&mut self, text: &str) -> Result<Value, Error> {
        let mut value = Value::Unspecified;
        for datum in reader::read_all(text)? {
            let node = analysis::analyze(&datum, &mut self.globals)?;
            let env = Rc::clone(&self.outermost);
            value = self.eval(&node, &env)?;
        }
        Ok(value)
    }

    /// Writes what output may still be in a buffer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The value of a node.
    pub fn eval(&mut self, node: &Rc<Node>, env: &Rc<Env>) -> Result<Value, Error> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep(node));
        }
        self.depth += 1;
        let result = self.eval_loop(Rc::clone(node), Rc::clone(env));
        self.depth -= 1;
        result
    }

    fn eval_loop(&mut self, mut node: Rc<Node>, mut env: Rc<Env>) -> Result<Value, Error> {
        loop {
            jit_merge_point!(self.jit, greens = [node], reds = [self, env]);
            node = match &*node {
                Node::Constant(value) => return Ok(value.clone()),
                Node::Local { depth, index, name, position } => {
                    let value = env.outer(*depth).get(*index);
                    return assigned(value, name, *position);
                }
                Node::Global { global, position } => {
                    let value = global.value.borrow().clone();
                    return assigned(value, &global.name, *position);
                }
                Node::SetLocal { depth, index, value } => {
                    let value = self.eval(value, &env)?;
                    env.outer(*depth).set(*index, value);
                    return Ok(Value::Unspecified);
                }
                Node::SetGlobal { global, value, position } => {
                    let value = self.eval(value, &env)?;
                    let old = global.value.replace(value);
                    return assigned(old, &global.name, *position).map(|_| Value::Unspecified);
                }
                Node::Define { global, value } => {
                    let value = self.eval(value, &env)?;
                    global.value.replace(value);
                    return Ok(Value::Unspecified);
                }
                Node::If { condition, then, otherwise } => {
                    match self.eval(condition, &env)?.is_true() {
                        true => Rc::clone(then),
                        false => Rc::clone(otherwise),
                    }
                }
                Node::Lambda(lambda) => {
                    let (lambda, env) = (Rc::clone(lambda), Rc::clone(&env));
                    return Ok(Value::Closure(Rc::new(Closure { lambda, env })));
                }
                Node::Sequence(nodes) => {
                    let (last, first) = nodes.split_last().expect("a sequence is not empty");
                    for node in first {
                        self.eval(node, &env)?;
                    }
                    Rc::clone(last)
                }
                Node::And(nodes) => {
                    let (last, first) = nodes.split_last().expect("it is not empty");
                    for node in first {
                        if !self.eval(node, &env)?.is_true() {
                            return Ok(Value::Bool(false));
                        }
                    }
                    Rc::clone(last)
                }
                Node::Or(nodes) => {
                    let (last, first) = nodes.split_last().expect("it is not empty");
                    for node in first {
                        let value = self.eval(node, &env)?;
                        if value.is_true() {
                            return Ok(value);
                        }
                    }
                    Rc::clone(last)
                }
                Node::Let { inits, size, body } => {
                    let values = self.eval_all(inits, *size, &env)?;
                    env = Env::new(values, *size, Some(Rc::clone(&env)));
                    Rc::clone(body)
                }
                Node::Case { key, clauses, otherwise } => {
                    let key = self.eval(key, &env)?;
                    let is_in = |data: &[Value]| data.iter().any(|datum| datum.is_eqv(&key));
                    let clause = clauses.iter().find(|(data, _)| is_in(data));
                    Rc::clone(clause.map_or(otherwise, |(_, body)| body))
                }
                Node::Call { function, args, position } => match self.eval(function, &env)? {
                    Value::Closure(closure) => {
                        let size = closure.lambda.size.max(args.len());
                        let values = self.eval_all(args, size, &env)?;
                        env = Env::of_call(&closure, values).map_err(|error| error.at(*position))?;
                        node = Rc::clone(&closure.lambda.body);
                        can_enter_jit!(self.jit, greens = [node], reds = [self, env]);
                        continue;
                    }
                    Value::Builtin(builtin) => {
                        let result = match &args[..] {
                            [a] => {
                                let values = [self.eval(a, &env)?];
                                builtins::call(self, builtin, &values)
                            }
                            [a, b] => {
                                let values = [self.eval(a, &env)?, self.eval(b, &env)?];
                                builtins::call(self, builtin, &values)
                            }
                            args => {
                                let values = self.eval_all(args, args.len(), &env)?;
                                builtins::call(self, builtin, &values)
                            }
                        };
                        return result.map_err(|error| error.at(*position));
                    }
                    other => return Err(not_a_procedure(&other).at(*position)),
                },
            };
        }
    }

    /// The values of nodes, in a vector with room for `size`.
    #[unroll_safe]
    fn eval_all(
        &mut self,
        nodes: &[Rc<Node>],
        size: usize,
        env: &Rc<Env>,
    ) -> Result<Vec<Value>, Error> {
        let mut values = Vec::with_capacity(size);
        for node in nodes {
            values.push(self.eval(node, env)?);
        }
        Ok(values)
    }

    /// Calls a procedure.
    pub fn apply(&mut self, function: &Value, args: Vec<Value>) -> Result<Value, Error> {
        match function {
            Value::Closure(closure) => {
                let env = Env::of_call(closure, args)?;
                self.eval(&closure.lambda.body, &env)
            }
            Value::Builtin(builtin) => builtins::call(self, builtin, &args),
            other => Err(not_a_procedure(other)),
        }
    }
}

/// The value of a variable, if it has one.
fn assigned(value: Value, name: &str, position: Position) -> Result<Value, Error> {
    match value {
        Value::Unassigned => Err(Error::new(format!("{name} has no value")).at(position)),
        value => Ok(value),
    }
}
}

fn too_deep(node: &Node) -> Error {
    let error = Error::new("recursion is too deep");
    match node.position() {
        Some(position) => error.at(position),
        None => error,
    }
}

fn not_a_procedure(value: &Value) -> Error {
    Error::new(format!("{value} is not a procedure"))
}
