//! What is alive when an interpreter is gone: as much with the JIT as without.
//!
//! A closure that is kept in its own environment is a cycle of counted references, which nothing frees.
//! So a program may leave something behind; with the JIT it must not be a byte more, nor less.
#![expect(unsafe_code, reason = "counts allocations")]

use jitdriver::{Jit, JitDriver};
use minischeme::{Interpreter, with_stack};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io;

/// Counts what this thread has allocated and not given back: blocks and bytes.
struct Counting;

thread_local! {
    static BLOCKS: Cell<i64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

impl Counting {
    fn count(blocks: i64, bytes: usize) {
        BLOCKS.set(BLOCKS.get() + blocks);
        BYTES.set(BYTES.get() + blocks * bytes as i64);
    }
}

// SAFETY: it is the system's allocator, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(1, layout.size());
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Counting::count(-1, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Blocks and bytes that a program leaves behind, and how many loops were compiled.
fn left_behind(program: &str, jit: Jit, params: &str) -> ((i64, i64), u64) {
    let before = (BLOCKS.get(), BYTES.get());
    let mut interpreter = Interpreter::new(io::sink());
    let builder = JitDriver::builder().jit(jit).params(params).expect("parameters");
    interpreter.jit = builder.build().expect("a driver");
    // An error leaves something behind too.
    drop(interpreter.run(program));
    let loops = interpreter.jit.stats().loops;
    drop(interpreter);
    ((BLOCKS.get() - before.0, BYTES.get() - before.1), loops)
}

/// A small loop: what a thread makes once and keeps is there behind it.
const FIRST: &str = "(let loop ((i 0)) (if (< i 9) (loop (+ i 1))))";

fn check(name: &str, program: String) {
    let backends: &[Jit] = match cfg!(feature = "cranelift") {
        true => &[Jit::Llgraph, Jit::Cranelift],
        false => &[Jit::Llgraph],
    };
    let name = name.to_owned();
    with_stack(move || {
        let (plain, _) = left_behind(&program, Jit::Off, "");
        for &jit in backends {
            for params in ["threshold=1,trace_eagerness=1", "threshold=3,trace_eagerness=2"] {
                left_behind(FIRST, jit, params);
                let (left, loops) = left_behind(&program, jit, params);
                assert!(loops > 0, "{name} with {jit}: nothing was compiled");
                assert_eq!(left, plain, "{name} with {jit} and `{params}`");
            }
        }
    });
}

#[test]
fn the_jit_leaves_nothing_behind_that_the_plain_interpreter_does_not() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
    for name in ["counters", "queens", "strings", "tables"] {
        let program = fs::read_to_string(format!("{folder}/{name}.scm")).expect("a program");
        check(name, program);
    }
}

#[test]
fn errors_leave_nothing_behind_either() {
    let error = "
        (define (f i) (if (= i 9) (car i) (let ((g (lambda () (f (+ i 1))))) (g))))
        (let loop ((i 0)) (if (< i 40) (begin (map (lambda (x) (* x i)) '(1 2 3)) (loop (+ i 1)))))
        (f 0)";
    check("an error", error.to_owned());
}
