//! `call_assembler`: compiled code that calls its portal, and what comes of that.
//!
//! A tree-walking interpreter whose values have several words and own memory, so that a call hands over
//! owned variables, and its result is more than one machine word.

use jit_tests::oracle::{Effects, Run, THRESHOLDS, check, effect, outcome, with_effects};
use jitdriver::{JitDriver, Traceable, can_enter_jit, is_virtual, jit, jit_merge_point};
use std::cell::Cell;
use std::rc::Rc;

#[derive(Debug, Clone, PartialEq, Traceable)]
#[repr(u8)]
enum Value {
    Int(i64),
    Float(f64),
    Pair(Rc<(i64, i64)>),
}

#[derive(Traceable)]
#[repr(u8)]
enum Node {
    Constant(Value),
    Parameter,
    Add(Rc<Node>, Rc<Node>),
    Less(Rc<Node>, Rc<Node>),
    If(Rc<Node>, Rc<Node>, Rc<Node>),
    /// The function of this number.
    Call(usize, Rc<Node>),
    /// From an integer, or from a float.
    Convert(Rc<Node>),
    /// Two integers in one object.
    Pair(Rc<Node>, Rc<Node>),
    First(Rc<Node>),
    /// An effect, and then this.
    Effect(Rc<Node>),
    /// An error if it is this number, and a panic if it is the other one.
    Fails(Rc<Node>, i64, i64),
    /// From here on, the interpreter has its other driver.
    Swap(Rc<Node>),
    /// Three times the parameter, which is computed in another way if the frame is in no memory.
    Triple,
}

#[derive(Debug, Clone, PartialEq, Traceable)]
#[repr(u8)]
enum Error {
    Number(i64),
    Types,
}

thread_local! {
    static DROPPED: Cell<u64> = const { Cell::new(0) };
}

/// Counts when it is dropped.
struct Frame {
    argument: Value,
}

impl Drop for Frame {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

struct Interpreter<'d> {
    jit: &'d JitDriver<'static>,
    other: &'d JitDriver<'static>,
    functions: Vec<Rc<Node>>,
}

#[jit]
impl Interpreter<'_> {
    fn eval(&mut self, node: &Rc<Node>, frame: &Rc<Frame>) -> Result<Value, Error> {
        self.eval_loop(Rc::clone(node), Rc::clone(frame))
    }

    fn int(&mut self, node: &Rc<Node>, frame: &Rc<Frame>) -> Result<i64, Error> {
        match self.eval(node, frame)? {
            Value::Int(n) => Ok(n),
            _ => Err(Error::Types),
        }
    }

    fn eval_loop(&mut self, mut node: Rc<Node>, mut frame: Rc<Frame>) -> Result<Value, Error> {
        loop {
            jit_merge_point!(self.jit, greens = [node], reds = [self, frame]);
            node = match &*node {
                Node::Constant(value) => return Ok(value.clone()),
                Node::Parameter => return Ok(frame.argument.clone()),
                Node::Add(a, b) => {
                    return match (self.eval(a, &frame)?, self.eval(b, &frame)?) {
                        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_add(b))),
                        (Value::Float(a), Value::Float(b)) => Ok(Value::Float(a + b)),
                        _ => Err(Error::Types),
                    };
                }
                Node::Less(a, b) => {
                    return match (self.eval(a, &frame)?, self.eval(b, &frame)?) {
                        (Value::Int(a), Value::Int(b)) => Ok(Value::Int((a < b) as i64)),
                        (Value::Float(a), Value::Float(b)) => Ok(Value::Int((a < b) as i64)),
                        _ => Err(Error::Types),
                    };
                }
                Node::If(condition, then, otherwise) => match self.int(condition, &frame)? != 0 {
                    true => Rc::clone(then),
                    false => Rc::clone(otherwise),
                },
                Node::Convert(value) => {
                    return match self.eval(value, &frame)? {
                        Value::Int(n) => Ok(Value::Float(n as f64)),
                        Value::Float(x) => Ok(Value::Int(x as i64)),
                        Value::Pair(pair) => Ok(Value::Int(pair.0 - pair.1)),
                    };
                }
                Node::Pair(a, b) => {
                    let pair = (self.int(a, &frame)?, self.int(b, &frame)?);
                    return Ok(Value::Pair(Rc::new(pair)));
                }
                Node::First(value) => {
                    return match self.eval(value, &frame)? {
                        Value::Pair(pair) => Ok(Value::Int(pair.0)),
                        other => Ok(other),
                    };
                }
                Node::Effect(value) => {
                    let n = self.int(value, &frame)?;
                    effect(n);
                    return Ok(Value::Int(n));
                }
                Node::Fails(value, error, panic) => {
                    let n = self.int(value, &frame)?;
                    if n == *panic {
                        panic!("came to {n}");
                    }
                    return if n == *error { Err(Error::Number(n)) } else { Ok(Value::Int(n)) };
                }
                Node::Swap(value) => {
                    std::mem::swap(&mut self.jit, &mut self.other);
                    Rc::clone(value)
                }
                Node::Triple => {
                    return match frame.argument {
                        Value::Int(n) if is_virtual(&*frame) => Ok(Value::Int(n.wrapping_mul(3))),
                        Value::Int(n) => Ok(Value::Int(n.wrapping_shl(1).wrapping_add(n))),
                        _ => Err(Error::Types),
                    };
                }
                Node::Call(function, value) => {
                    let argument = self.eval(value, &frame)?;
                    frame = Rc::new(Frame { argument });
                    node = Rc::clone(&self.functions[*function]);
                    can_enter_jit!(self.jit, greens = [node], reds = [self, frame]);
                    continue;
                }
            };
        }
    }
}

fn int(n: i64) -> Rc<Node> {
    Rc::new(Node::Constant(Value::Int(n)))
}

fn float(x: f64) -> Rc<Node> {
    Rc::new(Node::Constant(Value::Float(x)))
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

/// `fib`, of which the small arguments and the sums are something else.
fn fib(
    two: Rc<Node>,
    one: Rc<Node>,
    leaf: impl Fn(Rc<Node>) -> Rc<Node>,
    sum: impl Fn(Rc<Node>) -> Rc<Node>,
) -> Rc<Node> {
    let minus = |n: &Rc<Node>| call(0, add(parameter(), Rc::clone(n)));
    let calls = add(minus(&one), minus(&add(Rc::clone(&one), Rc::clone(&one))));
    if_(less(parameter(), two), leaf(parameter()), sum(calls))
}

fn same(node: Rc<Node>) -> Rc<Node> {
    node
}

/// What is to be seen of a run: results or panics, effects, and how many frames were dropped, of how many.
type Seen = (Vec<Result<Result<Value, Error>, String>>, Effects, u64, Vec<usize>);

/// Calls function 0 with the arguments one after the other.
fn run(jit: &JitDriver<'static>, functions: &[Rc<Node>], arguments: &[Value]) -> Seen {
    DROPPED.set(0);
    let (results, effects) = with_effects(|| {
        let other = JitDriver::new();
        let mut results = Vec::new();
        for argument in arguments {
            let mut interpreter = Interpreter { jit, other: &other, functions: functions.to_vec() };
            let frame = Rc::new(Frame { argument: argument.clone() });
            let node = call(0, parameter());
            results.push(outcome(|| interpreter.eval(&node, &frame)));
        }
        results
    });
    let counts = functions.iter().map(Rc::strong_count).collect();
    (results, effects, DROPPED.get(), counts)
}

fn ints(numbers: &[i64]) -> Vec<Value> {
    numbers.iter().map(|&n| Value::Int(n)).collect()
}

/// Compiled code has called compiled code, and got its answer.
fn have_called(runs: &[Run]) {
    for run in runs.iter().filter(|run| run.params.contains("threshold=")) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert!(run.count("call_assembler") > 0, "{run}");
        assert!(run.stats.assembler_calls > 0, "{run}");
    }
}

#[test]
fn b288_results_of_several_types() {
    let convert = |node| Rc::new(Node::Convert(node));
    let pair = |node: Rc<Node>| Rc::new(Node::Pair(node, int(3)));
    let first = |node| Rc::new(Node::First(node));
    let pairs = {
        let minus = |n: i64| first(call(0, add(parameter(), int(-n))));
        if_(less(parameter(), int(2)), parameter(), pair(add(minus(1), minus(2))))
    };
    let programs = [
        (fib(int(2), int(-1), same, same), ints(&[13, 1, 12])),
        (fib(float(2.0), float(-1.0), same, same), [9.5, 0.5, 12.0].map(Value::Float).to_vec()),
        (pairs, ints(&[12, 3, 11])),
        // The leaves are floats, so that the sums are, and the parameters are integers.
        (fib(int(2), int(-1), convert, same), ints(&[13, 0, 9])),
    ];
    for (function, arguments) in programs {
        let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&function)], &arguments));
        have_called(&runs);
    }
}

/// Most calls are answered without the interpreter, in a recursion that has all its bridges.
#[test]
fn b288_the_interpreter_is_not_asked() {
    let function = fib(int(2), int(-1), same, same);
    let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&function)], &ints(&[9, 8, 17])));
    have_called(&runs);
    for run in runs.iter().filter(|run| run.params.contains("threshold=")) {
        let (calls, entered) = (run.stats.assembler_calls, run.stats.entered);
        assert!(calls > 1000 && calls * 10 > entered * 9, "{calls} of {entered}: {run}");
    }
}

/// A guard fails in the code that was called: the plain portal goes on from there, with effects that happen
/// once. Later calls go by a bridge.
#[test]
fn b082_a_guard_fails_in_what_was_called() {
    let effect = |node| Rc::new(Node::Effect(node));
    let leaf = |node: Rc<Node>| {
        let odd = less(int(0), Rc::clone(&node));
        if_(odd, effect(add(node, int(100))), int(7))
    };
    let function = fib(int(2), int(-1), leaf, effect);
    let arguments = ints(&[9, 1, 0, 10, 8]);
    let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&function)], &arguments));
    have_called(&runs);
}

/// Errors and panics come out of calls within calls.
#[test]
fn b082_b088_errors_and_panics_come_through() {
    for (error, panic) in [(8, -1), (-1, 8), (34, 55), (55, 34), (-1, 1)] {
        let fails = |node| Rc::new(Node::Fails(node, error, panic));
        let function = fib(int(2), int(-1), same, fails);
        let arguments = ints(&[4, 5, 4, 9, 10, 11, 10, 3, 11]);
        let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&function)], &arguments));
        // A recording that comes to a panic is given up, so that it takes a program some calls without one.
        assert!(runs.iter().any(|run| run.stats.loops > 0), "{error}, {panic}: {}", runs[0]);
    }
}

/// The types differ by argument: the same call finds code with other exits, and other results.
#[test]
fn b288_code_that_answers_in_other_types() {
    let convert = |node| Rc::new(Node::Convert(node));
    // As a float below 5, and as an integer above, which is an error for the sum in between.
    let sum = |node: Rc<Node>| if_(less(parameter(), int(5)), node, convert(call(1, parameter())));
    let function = fib(int(2), int(-1), convert, sum);
    let other =
        if_(less(parameter(), int(1)), int(0), add(int(2), call(1, add(parameter(), int(-1)))));
    let arguments = ints(&[4, 7, 3, 9, 5, 11, 6, 4, 8]);
    let functions = [function, other];
    let runs = check(THRESHOLDS, |jit| run(jit, &functions, &arguments));
    have_called(&runs);
}

/// Code that is called is freed and compiled again meanwhile.
#[test]
fn b083_b268_what_is_called_comes_and_goes() {
    let params = [
        "threshold=2,trace_eagerness=2,max_traces=2",
        "threshold=2,trace_eagerness=2,loop_longevity=1",
        "threshold=1,trace_eagerness=1,max_traces=3,loop_longevity=2",
    ];
    let fib_of = |k: usize| {
        let minus = |n: i64, k: usize| call(k, add(parameter(), int(-n)));
        if_(
            less(parameter(), int(2)),
            parameter(),
            add(minus(1, (k + 1) % 3), minus(2, (k + 2) % 3)),
        )
    };
    let functions: Vec<_> = (0..3).map(fib_of).collect();
    let runs = check(&params, |jit| run(jit, &functions, &ints(&[11, 6, 12, 3, 12])));
    for run in &runs {
        assert!(run.stats.loops > 0, "{run}");
    }
    let called_and_freed = |run: &Run| run.stats.assembler_calls > 0 && run.stats.freed > 0;
    assert!(runs.iter().any(called_and_freed), "{}", runs[0]);
}

/// The author's code puts another driver in the place of the one whose code is running. What that code
/// is left with is still its own.
#[test]
fn another_driver_in_the_middle_of_a_call() {
    let swap = |node| Rc::new(Node::Swap(node));
    let leaf = |node: Rc<Node>| if_(less(int(0), Rc::clone(&node)), swap(node), int(5));
    let function = fib(int(2), int(-1), leaf, same);
    let arguments = ints(&[9, 1, 0, 10, 8]);
    let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&function)], &arguments));
    for run in runs.iter().filter(|run| run.params.contains("threshold=")) {
        assert!(run.stats.loops > 0, "{run}");
    }
}

/// Neither depth nor what is called is limited by compiled code.
#[test]
fn b074_a_deep_recursion() {
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    let check = move || {
        let sum = if_(
            less(parameter(), int(1)),
            int(0),
            add(parameter(), call(0, add(parameter(), int(-1)))),
        );
        let arguments = ints(&[3000, 10, 3000]);
        have_called(&check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&sum)], &arguments)));
    };
    thread.spawn(check).unwrap().join().unwrap();
}

/// A sum of two to the power of so many terms.
fn sum(depth: usize) -> Rc<Node> {
    match depth {
        0 => parameter(),
        _ => add(sum(depth - 1), sum(depth - 1)),
    }
}

/// The function of this number: a loop that counts down, with what is called in each lap.
fn countdown(function: usize, called: Rc<Node>) -> Rc<Node> {
    let next = add(parameter(), add(int(-1), add(called, int(0))));
    if_(less(int(0), parameter()), call(function, next), parameter())
}

fn zero(node: Rc<Node>) -> Rc<Node> {
    if_(less(node, int(i64::MAX)), int(0), int(1))
}

/// The largest portal that is inlined makes the recording too long: it is called from then on, and compiled on its own.
#[test]
fn b065_what_is_too_large_to_be_inlined() {
    let functions =
        [countdown(0, add(call(1, parameter()), call(2, parameter()))), zero(sum(1)), zero(sum(4))];
    for limit in [1000, 100_000] {
        let params = format!("threshold=5,trace_eagerness=5,trace_limit={limit}");
        let params = [params.as_str()];
        let runs = check(&params, |jit| run(jit, &functions, &ints(&[40, 3, 50])));
        for run in runs {
            let (aborted, calls) = (run.stats.aborted(), run.count("call_assembler"));
            match limit < 100_000 {
                // Of two portals the larger one, once.
                true => {
                    assert_eq!((aborted, calls), (1, 1), "{run}");
                    assert!(run.stats.loops >= 2 && run.stats.assembler_calls > 50, "{run}");
                }
                false => assert_eq!((aborted, calls, run.stats.loops), (0, 0, 1), "{run}"),
            }
        }
    }
}

/// The same from an exit: what was inlined before the guard is inlined in the replay, what comes behind it is
/// called.
#[test]
fn b065_a_bridge_becomes_too_long() {
    let is_small = less(parameter(), int(30));
    let rarely = if_(Rc::clone(&is_small), zero(call(2, parameter())), int(0));
    let functions = [countdown(0, add(call(1, parameter()), rarely)), zero(sum(1)), zero(sum(4))];
    let params = ["threshold=5,trace_eagerness=3,trace_limit=1000"];
    let runs = check(&params, |jit| run(jit, &functions, &ints(&[60, 40, 35, 50, 28])));
    for run in runs {
        assert_eq!((run.stats.aborted(), run.count("call_assembler")), (1, 1), "{run}");
        assert!(run.stats.bridges >= 1 && run.stats.assembler_calls > 20, "{run}");
    }
}

/// Functions that call each other would be inlined into each other until the recording is too large.
#[test]
fn b065_functions_that_call_each_other() {
    let calls = |k: usize| {
        let to = |j: usize| call((k + j) % 6, add(parameter(), int(-1)));
        if_(less(parameter(), int(1)), int(1), add(to(1), add(to(2), to(5))))
    };
    let functions: Vec<_> = (0..6).map(calls).collect();
    let params =
        ["threshold=5,trace_eagerness=3,trace_limit=3000", "threshold=5,trace_eagerness=3"];
    let runs = check(&params, |jit| run(jit, &functions, &ints(&[6, 8, 7, 9, 3])));
    for run in runs {
        // About one for each of them.
        assert!(run.stats.aborted() <= 8, "{run}");
        assert!(run.stats.loops >= 1 && run.stats.assembler_calls > 100, "{run}");
    }
}

/// Where no trace shall start, nothing is inlined either.
#[test]
fn b032_where_no_trace_shall_start_the_portal_is_called() {
    let functions = [countdown(0, call(1, parameter())), zero(sum(1))];
    let runs = check(&["threshold=3,trace_eagerness=3"], |jit| {
        // The word of an `Rc` is the address of its counts, which stand before what is in it.
        let counts = Rc::as_ptr(&functions[1]).addr() - 2 * size_of::<usize>();
        jit.dont_trace_here(&[counts as u64]);
        run(jit, &functions, &ints(&[40, 3, 50]))
    });
    for run in runs {
        assert_eq!((run.stats.loops, run.count("call_assembler")), (1, 1), "{run}");
        assert_eq!((run.stats.aborted(), run.stats.assembler_calls), (0, 0), "{run}");
    }
}

/// What is made for a call that is inlined is in no memory. Of what compiled code is called with, that is not
/// known; and what the recording was told, replays of its exits are told too.
#[test]
fn b096_what_a_portal_is_called_with_is_not_known_to_be_virtual() {
    let effect = |node| Rc::new(Node::Effect(node));
    let triple = || Rc::new(Node::Triple);
    // Is called once in each lap, with an effect and a guard behind the question.
    let inlined = [
        countdown(0, call(1, parameter())),
        if_(less(triple(), int(60)), zero(effect(triple())), int(0)),
    ];
    let runs = check(THRESHOLDS, |jit| run(jit, &inlined, &ints(&[40, 3, 50])));
    for run in runs.iter().filter(|run| run.params.contains("threshold=")) {
        assert_eq!((run.stats.aborted(), run.count("call_assembler")), (0, 0), "{run}");
        assert!(run.count("int_mul") > 0 && run.count("int_lshift") == 0, "{run}");
    }
    // Asks in the code that is called, of its red, and in what is inlined into that.
    let minus = |n: i64| call(0, add(parameter(), int(-n)));
    let recursive = if_(less(triple(), int(6)), parameter(), add(minus(1), minus(2)));
    let runs = check(THRESHOLDS, |jit| run(jit, &[Rc::clone(&recursive)], &ints(&[13, 1, 12])));
    have_called(&runs);
    for run in runs.iter().filter(|run| run.params.contains("threshold=")) {
        assert!(run.count("int_mul") > 0 && run.count("int_lshift") > 0, "{run}");
    }
}

/// Code for a portal does not keep it from being inlined elsewhere.
#[test]
fn b092_what_is_compiled_is_inlined_all_the_same() {
    let either = if_(less(parameter(), int(0)), call(1, parameter()), call(2, parameter()));
    let functions = [either, zero(sum(1)), countdown(2, call(1, parameter()))];
    let arguments = [&[-1; 10][..], &[40, 3, 50]].concat();
    let runs =
        check(&["threshold=5,trace_eagerness=3"], |jit| run(jit, &functions, &ints(&arguments)));
    for run in runs {
        assert!(run.stats.loops >= 3, "{run}");
        assert_eq!((run.stats.aborted(), run.count("call_assembler")), (0, 0), "{run}");
    }
}

#[derive(Traceable)]
#[repr(u8)]
enum Tree {
    Argument,
    /// The argument less this number.
    Minus(i64),
    /// An effect of what it is of, and what it is of.
    Noted(Rc<Tree>),
    Add(Rc<Tree>, Rc<Tree>),
    /// The second one for arguments below this number, else the third.
    Below(i64, Rc<Tree>, Rc<Tree>),
    /// The function.
    Again(Rc<Tree>),
}

/// Its merge point is alone.
struct Alone<'d> {
    jit: &'d JitDriver<'static>,
    function: Rc<Tree>,
}

#[jit]
impl Alone<'_> {
    fn eval(&mut self, tree: &Rc<Tree>, argument: i64) -> i64 {
        self.eval_loop(Rc::clone(tree), argument)
    }

    fn eval_loop(&mut self, mut tree: Rc<Tree>, mut argument: i64) -> i64 {
        loop {
            jit_merge_point!(self.jit, greens = [tree], reds = [self, argument]);
            tree = match &*tree {
                Tree::Argument => return argument,
                Tree::Minus(n) => return argument - n,
                Tree::Noted(of) => {
                    let value = self.eval(of, argument);
                    effect(value);
                    return value;
                }
                Tree::Add(a, b) => {
                    return self.eval(a, argument).wrapping_add(self.eval(b, argument));
                }
                Tree::Below(n, then, otherwise) => match argument < *n {
                    true => Rc::clone(then),
                    false => Rc::clone(otherwise),
                },
                Tree::Again(value) => {
                    argument = self.eval(value, argument);
                    Rc::clone(&self.function)
                }
            };
        }
    }
}

/// A merge point that is alone is a header wherever the program may have jumped back to. What code that is called
/// there is left with goes on from the exit, and not from the start.
#[test]
fn a_merge_point_alone_goes_on_from_the_exit() {
    let noted = |tree| Rc::new(Tree::Noted(tree));
    let minus = |n| Rc::new(Tree::Again(noted(Rc::new(Tree::Minus(n)))));
    let sum = noted(Rc::new(Tree::Add(minus(1), minus(2))));
    let function = Rc::new(Tree::Below(2, noted(Rc::new(Tree::Argument)), sum));
    let params = [THRESHOLDS, &["threshold=2,trace_eagerness=2,entry_cost=0"]].concat();
    let runs = check(&params, |jit| {
        with_effects(|| {
            let mut alone = Alone { jit, function: Rc::clone(&function) };
            [7, 1, 9, 10, 2, 11].map(|n| alone.eval(&Rc::clone(&alone.function), n))
        })
    });
    let called = |run: &Run| run.count("call_assembler") > 0 && run.stats.guard_failures > 0;
    assert!(runs.iter().any(called), "{}", runs[0]);
}
