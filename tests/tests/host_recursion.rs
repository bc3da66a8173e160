//! Interpreters that call themselves for the calls of their program, without `can_enter_jit!`.

use jit_tests::oracle::{Run, THRESHOLDS, check};
use jitdriver::{JitDriver, Traceable, jit, jit_merge_point};

#[derive(Clone, Copy, Traceable)]
#[repr(u8)]
enum Op {
    Argument,
    Constant(i64),
    Add,
    Less,
    JumpIfZero(usize),
    /// The function of this number.
    Call(usize),
    /// An error if the top of the stack is this number.
    Check(i64),
    Return,
}

struct Vm<'d, 'p> {
    jit: &'d JitDriver<'p>,
    functions: &'p [Vec<Op>],
}

#[jit]
impl<'p> Vm<'_, 'p> {
    /// The value, or the number that was an error.
    fn run(&mut self, function: usize, argument: i64) -> Result<i64, i64> {
        let code: &'p [Op] = &self.functions[function];
        let mut pc = 0usize;
        let mut stack: Vec<i64> = Vec::new();
        loop {
            jit_merge_point!(self.jit, greens = [pc, code], reds = [self, stack, argument]);
            let op = code[pc];
            pc += 1;
            match op {
                Op::Argument => stack.push(argument),
                Op::Constant(n) => stack.push(n),
                Op::Add => {
                    let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                    stack.push(a.wrapping_add(b));
                }
                Op::Less => {
                    let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                    stack.push((a < b) as i64);
                }
                Op::JumpIfZero(target) => {
                    if stack.pop().unwrap() == 0 {
                        pc = target;
                    }
                }
                Op::Call(function) => {
                    let argument = stack.pop().unwrap();
                    let result = self.run(function, argument)?;
                    stack.push(result);
                }
                Op::Check(error) => {
                    if *stack.last().unwrap() == error {
                        return Err(error);
                    }
                }
                Op::Return => return Ok(stack.pop().unwrap()),
            }
        }
    }
}

/// `fib`, with additions that do nothing: so many.
fn fib(padding: usize) -> Vec<Op> {
    use Op::*;
    let mut code = vec![Argument, Constant(2), Less, JumpIfZero(6), Argument, Return];
    let nothing = [Constant(3), Constant(-3), Add, Add];
    let call = |n: i64| [Argument, Constant(-n), Add, Call(0)];
    code.extend([&call(1)[..], &call(2)[..], &[Add, Check(55)]].concat());
    (0..padding).for_each(|_| code.extend(nothing));
    code.push(Return);
    code
}

fn run(params: &[&str], padding: usize) -> Vec<Run> {
    let functions = &[fib(padding)];
    check(params, |jit| {
        let mut vm = Vm { jit, functions };
        [7, 9, 1, 10, 8, 14, 9].map(|n| vm.run(0, n))
    })
}

/// A result that is not a number is compiled code's to return, too.
#[test]
fn compiled_code_returns_a_result() {
    let params: Vec<String> = THRESHOLDS
        .iter()
        .map(|it| format!("entry_cost=0,{it}").trim_end_matches(',').into())
        .collect();
    let params: Vec<&str> = params.iter().map(|it| &**it).collect();
    for run in run(&params, 0).iter().filter(|run| run.params.contains("threshold=")) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert!(run.stats.loops > 0 && run.count("finish") > 0, "{run}");
        // Returning is no failure of a guard, and once its ways have bridges there are few others.
        assert!(run.stats.guard_failures * 4 < run.stats.entered, "{run}");
    }
}

/// Without a loop there is one trace, which returns.
#[test]
fn b006_a_portal_without_a_loop() {
    let functions = &[vec![Op::Argument, Op::Constant(3), Op::Add, Op::Return]];
    let runs = check(&["threshold=3,entry_cost=0"], |jit| {
        let mut vm = Vm { jit, functions };
        (0..40).map(|n| vm.run(0, n)).collect::<Vec<_>>()
    });
    for run in runs {
        assert_eq!((run.stats.loops, run.stats.bridges, run.stats.aborted()), (1, 0, 0), "{run}");
        assert_eq!((run.count("finish"), run.count("jump")), (1, 0), "{run}");
        assert!(run.stats.entered > 20, "{run}");
    }
}

/// Functions that return at once are left to the interpreter; long ones are not.
#[test]
fn what_returns_soon_is_not_entered() {
    for run in run(&["threshold=3,trace_eagerness=2"], 0) {
        assert!(run.stats.aborted() > 0 && run.stats.loops == 0, "{run}");
        assert_eq!(run.stats.entered, 0, "{run}");
    }
    for run in run(&["threshold=3,trace_eagerness=2"], 40) {
        assert!(run.stats.loops > 0 && run.stats.entered > 0, "{run}");
    }
}
