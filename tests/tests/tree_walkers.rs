//! Interpreters that walk a tree: nodes behind `Rc` as greens, and portals that call themselves.

use jit_tests::oracle::{Run, THRESHOLDS, check};
use jitdriver::{JitDriver, Traceable, can_enter_jit, jit, jit_merge_point, unroll_safe};
use std::rc::Rc;

/// A node of a small language: all functions have one parameter.
#[derive(Traceable)]
#[repr(u8)]
enum Node {
    Constant(i64),
    Parameter,
    Add(Rc<Node>, Rc<Node>),
    Less(Rc<Node>, Rc<Node>),
    If(Rc<Node>, Rc<Node>, Rc<Node>),
    /// The function of this number.
    Call(usize, Rc<Node>),
    /// An error if it is negative.
    Check(Rc<Node>),
    /// Counts, which is an effect.
    Count(Rc<Node>),
    /// Of any number.
    Sum(Vec<Rc<Node>>),
}

#[derive(Debug, PartialEq, Clone, Traceable)]
struct Negative(i64);

struct Interpreter<'d, 'p> {
    jit: &'d JitDriver<'p>,
    functions: Vec<Rc<Node>>,
    counter: u64,
}

#[jit]
impl Interpreter<'_, '_> {
    fn eval(&mut self, node: &Rc<Node>, argument: i64) -> Result<i64, Negative> {
        self.eval_loop(Rc::clone(node), argument)
    }

    #[unroll_safe]
    fn sum(&mut self, values: &[Rc<Node>], argument: i64) -> Result<i64, Negative> {
        let mut results = Vec::new();
        for value in values {
            results.push(self.eval(value, argument)?);
        }
        let mut sum = 0;
        for result in &results {
            sum += *result;
        }
        Ok(sum)
    }

    fn eval_loop(&mut self, mut node: Rc<Node>, mut argument: i64) -> Result<i64, Negative> {
        loop {
            jit_merge_point!(self.jit, greens = [node], reds = [self, argument]);
            node = match &*node {
                Node::Constant(n) => return Ok(*n),
                Node::Parameter => return Ok(argument),
                Node::Add(a, b) => {
                    return Ok(self.eval(a, argument)?.wrapping_add(self.eval(b, argument)?));
                }
                Node::Less(a, b) => {
                    return Ok((self.eval(a, argument)? < self.eval(b, argument)?) as i64);
                }
                Node::If(condition, then, otherwise) => {
                    match self.eval(condition, argument)? != 0 {
                        true => Rc::clone(then),
                        false => Rc::clone(otherwise),
                    }
                }
                Node::Check(value) => {
                    let value = self.eval(value, argument)?;
                    return if value < 0 { Err(Negative(value)) } else { Ok(value) };
                }
                Node::Sum(values) => return self.sum(values, argument),
                Node::Count(value) => {
                    self.counter += 1;
                    Rc::clone(value)
                }
                Node::Call(function, value) => {
                    argument = self.eval(value, argument)?;
                    node = Rc::clone(&self.functions[*function]);
                    can_enter_jit!(self.jit, greens = [node], reds = [self, argument]);
                    continue;
                }
            };
        }
    }
}

fn constant(n: i64) -> Rc<Node> {
    Rc::new(Node::Constant(n))
}

fn parameter() -> Rc<Node> {
    Rc::new(Node::Parameter)
}

fn add(a: Rc<Node>, b: Rc<Node>) -> Rc<Node> {
    Rc::new(Node::Add(a, b))
}

fn less(a: Rc<Node>, b: Rc<Node>) -> Rc<Node> {
    Rc::new(Node::Less(a, b))
}

fn if_(condition: Rc<Node>, then: Rc<Node>, otherwise: Rc<Node>) -> Rc<Node> {
    Rc::new(Node::If(condition, then, otherwise))
}

fn call(function: usize, value: Rc<Node>) -> Rc<Node> {
    Rc::new(Node::Call(function, value))
}

/// Runs `main` with the arguments one after the other; answers results and effects.
fn run(
    jit: &JitDriver<'static>,
    functions: Vec<Rc<Node>>,
    main: &Rc<Node>,
    arguments: &[i64],
) -> (Vec<Result<i64, Negative>>, u64, Vec<usize>) {
    let mut interpreter = Interpreter { jit, functions, counter: 0 };
    let results = arguments.iter().map(|&argument| interpreter.eval(main, argument)).collect();
    let counts = interpreter.functions.iter().map(Rc::strong_count).collect();
    (results, interpreter.counter, counts)
}

/// Counts down in a tail call.
fn countdown() -> Vec<Rc<Node>> {
    let body = if_(
        less(constant(0), parameter()),
        call(0, add(parameter(), constant(-1))),
        Rc::new(Node::Count(parameter())),
    );
    vec![body]
}

fn none_was_given_up(runs: &[Run]) {
    for run in runs {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert_eq!(run.stats.degraded_statements, 0, "{run}");
    }
}

#[test]
fn tail_calls_are_loops() {
    let main = call(0, parameter());
    let runs = check(THRESHOLDS, |jit| run(jit, countdown(), &main, &[0, 1, 50, -3, 100]));
    none_was_given_up(&runs);
    for run in runs.iter().filter(|run| run.params.contains("threshold=2")) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

#[test]
fn effects_in_nodes_happen_once() {
    let body = if_(
        less(constant(0), Rc::new(Node::Count(parameter()))),
        call(0, add(Rc::new(Node::Count(parameter())), constant(-1))),
        Rc::new(Node::Check(add(parameter(), constant(-1)))),
    );
    let main = Rc::new(Node::Count(call(0, parameter())));
    let functions = vec![body];
    let runs = check(THRESHOLDS, |jit| run(jit, functions.clone(), &main, &[30, 2, 0, -9, 40]));
    none_was_given_up(&runs);
}

#[test]
fn recursion_is_inlined_once_and_called_then() {
    let fib = |n: Rc<Node>| call(0, n);
    let minus = |n: i64| add(parameter(), constant(-n));
    let body = if_(
        less(parameter(), constant(2)),
        Rc::new(Node::Count(parameter())),
        add(fib(minus(1)), fib(minus(2))),
    );
    let main = call(0, parameter());
    let functions = vec![body];
    let runs = check(THRESHOLDS, |jit| run(jit, functions.clone(), &main, &[1, 9, 13, 2]));
    none_was_given_up(&runs);
    for run in runs.iter().filter(|run| run.params.contains("threshold=2")) {
        assert!(run.stats.loops >= 1 && run.stats.residual_calls >= 1, "{run}");
    }
}

#[test]
fn b077_calls_of_the_portal_are_inlined_if_that_is_allowed() {
    let main = call(0, parameter());
    for (inlining, any_calls) in [(1, false), (0, true)] {
        let params = format!("threshold=2,trace_eagerness=2,inlining={inlining}");
        let runs = check(&[params.as_str()], |jit| run(jit, countdown(), &main, &[50, 7, 90]));
        none_was_given_up(&runs);
        for run in runs {
            assert!(run.stats.loops >= 1, "{run}");
            assert_eq!(run.stats.residual_calls > 0, any_calls, "{run}");
        }
    }
}

#[test]
fn b081_one_lap_of_an_inner_loop_is_inlined_and_the_next_one_called() {
    // Each lap of the outer loop starts one that counts down from `laps`.
    let inner = if_(
        less(constant(0), parameter()),
        call(1, add(parameter(), constant(-1))),
        Rc::new(Node::Count(parameter())),
    );
    for (laps, any_calls) in [(0, false), (1, true), (9, true)] {
        let step = add(parameter(), add(constant(-1), call(1, constant(laps))));
        let outer = if_(less(constant(0), parameter()), call(0, step), parameter());
        let functions = vec![outer, inner.clone()];
        let main = call(0, parameter());
        let params = ["threshold=5,trace_eagerness=2"];
        let runs = check(&params, |jit| run(jit, functions.clone(), &main, &[60, 3, 90]));
        none_was_given_up(&runs);
        for run in runs {
            assert_eq!(run.stats.residual_calls > 0, any_calls, "{laps} laps: {run}");
        }
    }
}

#[test]
fn errors_come_out_of_inlined_calls() {
    // A loop in a part of a loop: the inner one counts down from the outer one's argument.
    let inner = if_(
        less(constant(0), parameter()),
        call(1, add(parameter(), constant(-2))),
        Rc::new(Node::Check(add(parameter(), constant(1)))),
    );
    let outer = if_(
        less(call(1, parameter()), constant(10)),
        call(0, add(parameter(), constant(-1))),
        parameter(),
    );
    let main = add(constant(1), call(0, parameter()));
    let functions = vec![outer, inner];
    let runs = check(THRESHOLDS, |jit| run(jit, functions.clone(), &main, &[3, 20, 7]));
    none_was_given_up(&runs);
}

#[test]
fn loops_over_slices_are_unrolled() {
    let sum = Node::Sum(vec![parameter(), constant(-3), Rc::new(Node::Count(constant(2)))]);
    let failing = Node::Sum(vec![constant(1), Rc::new(Node::Check(parameter()))]);
    let body = if_(less(constant(0), parameter()), call(0, Rc::new(sum)), Rc::new(failing));
    let main = call(0, parameter());
    let functions = vec![body];
    let runs = check(THRESHOLDS, |jit| run(jit, functions.clone(), &main, &[9, 0, 40, -5, 20]));
    none_was_given_up(&runs);
    for run in runs.iter().filter(|run| run.params.contains("threshold=2")) {
        assert!(run.stats.loops >= 1, "{run}");
        assert!(!run.trace("loop").optimized.contains("degraded"), "{run}");
    }
}

/// What moves through iterators that are called is dropped as often as in the plain function.
#[test]
fn iterators_of_other_types_are_called() {
    fn both(names: &[Rc<str>], last: &[Rc<str>]) -> Vec<Rc<str>> {
        [names, last].concat()
    }

    #[jit]
    #[unroll_safe]
    fn total(names: &[Rc<str>], last: &[Rc<str>]) -> Option<usize> {
        let all = both(names, last);
        let mut total = 0;
        for name in all {
            if name.is_empty() {
                return None;
            }
            total += name.len();
        }
        Some(total)
    }

    #[jit]
    fn interpret(jit: &JitDriver<'_>, names: &[Rc<str>], last: &[Rc<str>], n: usize) -> usize {
        let mut n = n;
        let mut sum = 0;
        while n > 0 {
            jit_merge_point!(jit, greens = [], reds = [names, last, n, sum]);
            sum += total(names, last).unwrap_or(1000);
            n -= 1;
            can_enter_jit!(jit, greens = [], reds = [names, last, n, sum]);
        }
        sum
    }

    let runs = check(THRESHOLDS, |jit| {
        let names: Vec<Rc<str>> = ["a", "bc", "", "def"].map(Rc::from).to_vec();
        let sums = [(0, 2), (0, 4), (3, 4)]
            .map(|(from, to)| interpret(jit, &names[from..to], &names[3..], 50));
        (sums, names.iter().map(Rc::strong_count).collect::<Vec<_>>())
    });
    for run in runs.iter().filter(|run| run.params.contains("threshold=2")) {
        assert!(run.stats.loops >= 1, "{run}");
        assert_eq!(run.stats.degraded_statements, 0, "{run}");
    }
}
