//! Many threads at once, a driver or more in each: results are those of one thread.
//!
//! `cargo xtask sanitize-threads` runs this under ThreadSanitizer. What drivers share is what the process has
//! once: measured layouts, the features of the machine, the logger.

#![allow(clippy::vec_box, reason = "allocations are to be made in all threads")]

use jit_tests::examples::{brainfuck, language_x};
use jit_tests::oracle::{backends, driver, outcome};
use jitdriver::{Jit, JitDriver, dont_look_inside, jit, jit_merge_point};
use std::rc::Rc;
use std::sync::Barrier;

const N_THREADS: usize = 8;

/// Prints 5 to the power of 4, as a byte.
const POWER: &[u8] = b"+++++[>+++++[>+++++[>+++++<-]<-]<-]>>>.";

struct Stack {
    program: Rc<[u8]>,
    pc: usize,
    values: Vec<Box<u64>>,
    n: u64,
}

#[dont_look_inside]
fn fail_at(n: u64, at: u64) -> u64 {
    assert!(n != at, "at {n}");
    n % 3
}

#[jit]
impl Stack {
    fn run(&mut self, driver: &JitDriver<'_>, at: u64) -> u64 {
        loop {
            jit_merge_point!(driver, greens = [self.pc, self.program], reds = [self, at]);
            let op = self.program[self.pc];
            self.pc += 1;
            match op {
                b'p' => self.values.push(Box::new(self.n + fail_at(self.n, at))),
                b'a' => {
                    if let Some(top) = self.values.pop() {
                        self.n += *top % 2;
                    }
                    self.n -= 2;
                }
                b'j' => {
                    if self.n > 5 {
                        self.pc = 0;
                    }
                }
                _ => return self.values.iter().map(|value| **value).sum::<u64>() + self.n,
            }
        }
    }
}

const PARAMS: &str = "threshold=3,trace_eagerness=2,region_threshold=20";

/// What one thread does: programs of three interpreters, one of which is dropped again and again.
fn work(jit: Jit, params: &str, seed: u64) -> Vec<String> {
    let mut results = Vec::new();
    let stacks = driver(jit, params);
    for round in 0..6 {
        let program = *[b"ppa--j.", b"pppaaj."][round as usize % 2];
        let at = if round == 4 { 50 } else { u64::MAX };
        let mut stack = Stack { program: program.into(), pc: 0, values: Vec::new(), n: 200 + seed };
        // The fifth one panics.
        results.push(format!("{:?}", outcome(|| stack.run(&stacks, at))));
    }
    let language_x_driver = driver(jit, params);
    let sum = language_x::interpret(&language_x_driver, &[0, 0, 0, 2, 0, 1], 1, 2000 + seed as i64);
    results.push(sum.to_string());
    let program = brainfuck::parse(POWER).expect("balanced");
    let brainfuck_driver = driver(jit, params);
    let mut output = Vec::new();
    let end = brainfuck::run(&brainfuck_driver, &program, &mut &b""[..], &mut output);
    results.push(format!("{end:?} {output:?}"));
    if jit != Jit::Off && params == PARAMS {
        for driver in [&stacks, &language_x_driver] {
            assert!(driver.stats().loops > 0, "{}", driver.stats());
        }
    }
    stacks.release_all();
    results
}

#[test]
fn drivers_in_many_threads() {
    for jit in backends() {
        in_threads(jit, PARAMS);
    }
}

// Each of them has a thread of its own, that compiles.
#[test]
fn drivers_in_many_threads_that_compile_in_the_background() {
    for jit in backends() {
        in_threads(jit, &format!("{PARAMS},background=1"));
    }
}

fn in_threads(jit: Jit, params: &str) {
    {
        let barrier = Barrier::new(N_THREADS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..N_THREADS as u64)
                .map(|seed| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        work(jit, params, seed % 4)
                    })
                })
                .collect();
            for (seed, thread) in (0..).zip(threads) {
                let results = thread.join().expect("no panic");
                assert_eq!(results, work(Jit::Off, PARAMS, seed % 4), "{jit}");
            }
        });
    }
}
