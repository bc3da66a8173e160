//! Small programs, plain and under every backend: the same output, and what was compiled.

use jitdriver::{Jit, JitDriver, Stats};
use minischeme::{Interpreter, with_stack};
use std::io;

const PARAMS: [&str; 4] = [
    "threshold=1,trace_eagerness=2",
    "threshold=2,trace_eagerness=2",
    "threshold=3,trace_eagerness=2,region_threshold=2",
    "",
];

fn run(program: &'static str, jit: Jit, params: &'static str) -> (String, Stats) {
    with_stack(move || {
        let mut interpreter = Interpreter::new(io::sink());
        let builder = JitDriver::builder().jit(jit).params(params).expect("parameters");
        interpreter.jit = builder.build().expect("a driver");
        let shown = match interpreter.run(program) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {error}"),
        };
        (shown, interpreter.jit.stats())
    })
}

/// Runs a program in every mode; answers the statistics of each mode with low thresholds.
fn check(program: &'static str, expected: &str) -> Vec<Stats> {
    check_giving_up(program, expected, 0)
}

/// The same for a program of which so many recordings may be given up.
fn check_giving_up(program: &'static str, expected: &str, most: u64) -> Vec<Stats> {
    assert_eq!(run(program, Jit::Off, "").0, expected);
    let backends: &[Jit] = match cfg!(feature = "cranelift") {
        true => &[Jit::Llgraph, Jit::Cranelift],
        false => &[Jit::Llgraph],
    };
    let mut all = Vec::new();
    for &jit in backends {
        for params in PARAMS {
            let (shown, stats) = run(program, jit, params);
            assert_eq!(shown, expected, "{jit} with `{params}`: {stats}");
            assert!(stats.aborted() <= most, "{jit} with `{params}`: {stats}");
            if !params.is_empty() {
                all.push(stats);
            }
        }
    }
    all
}

#[test]
fn a_named_let_is_one_loop() {
    let program = "(let loop ((i 1) (sum 0)) (if (> i 60) sum (loop (+ i 1) (+ sum (* i i)))))";
    for stats in check(program, "73810") {
        assert!(stats.loops >= 1, "{stats}");
        assert_eq!((stats.degraded_statements, stats.residual_calls), (0, 0), "{stats}");
    }
}

#[test]
fn loops_in_loops() {
    let program = "
        (define (f n) (do ((i 0 (+ i 1)) (s 0 (+ s (if (even? i) i 1)))) ((= i n) s)))
        (let loop ((n 0) (sum 0)) (if (= n 30) sum (loop (+ n 1) (+ sum (f n)))))";
    for stats in check(program, "2240") {
        assert!(stats.loops >= 2 && stats.bridges >= 1, "{stats}");
    }
}

#[test]
fn recursion() {
    let program = "
        (define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
        (fib 9)
        (fib 12)";
    // What a recording that became too large had inlined is called from then on.
    for stats in check_giving_up(program, "144", 1) {
        assert!(stats.loops >= 1, "{stats}");
    }
}

#[test]
fn closures_keep_what_they_captured() {
    let program = "
        (define (counter) (let ((n 0)) (lambda (step) (set! n (+ n step)) n)))
        (define a (counter))
        (define b (counter))
        (do ((i 0 (+ i 1))) ((= i 40) (list (a 0) (b 0))) (a i) (when (> i 30) (b 1)))";
    check(program, "(780 9)");
}

#[test]
fn types_change_in_a_loop() {
    let program = "
        (let loop ((i 0) (x 1))
          (if (= i 60) x (loop (+ i 1) (cond ((= i 20) 0.5) ((= i 40) 7) (else (+ x 1))))))";
    check(program, "26");
}

#[test]
fn errors_have_their_place() {
    check(
        "(let loop ((i 50))\n (if (= i 0) (car i) (loop (- i 1))))",
        "error: 2:14: 0 is not a pair",
    );
    check(
        "(define (f i) (if (= i 9223372036854775800) 0 (g (+ i 1))))\n(define (g i) (f (* i 2)))\n(f 1)",
        "error: 2:18: integer overflow",
    );
    check("(define (f n) (+ 1 (f n)))\n(f 1)", "error: 1:21: recursion is too deep");
    check(
        "(let loop ((i 30))\n (if (= i 0) (undefined i) (loop (- i 1))))",
        "error: 2:15: undefined has no value",
    );
}
