//! The `Vec`s of one object have buffers apart from each other: what is stored in one is not read from another,
//! unless a `Vec` is moved to the place of another one.

use jit_tests::oracle::{Run, THRESHOLDS, check, in_body};
use jitdriver::{Abort, JitDriver, can_enter_jit, jit, jit_merge_point};

struct Machine {
    stack: Vec<i64>,
    saved: Vec<i64>,
}

impl Machine {
    fn new() -> Machine {
        Machine { stack: (0..8).collect(), saved: (10..18).collect() }
    }
}

#[jit]
impl Machine {
    fn run<'p>(&mut self, driver: &JitDriver<'p>, code: &'p [u8], n: i64) -> i64 {
        let (mut pc, mut left, mut acc) = (0usize, n, 0i64);
        loop {
            jit_merge_point!(driver, greens = [pc, code], reds = [self, left, acc]);
            let op = code[pc];
            pc += 1;
            let (i, j) = (left as usize & 7, acc as usize & 7);
            match op {
                b's' => self.stack[i] = left,
                b'S' => self.saved[j] = left * 3,
                b'T' => self.saved[i] = left * 5,
                b'+' => acc = acc.wrapping_mul(3) ^ self.stack[i],
                b'-' => acc = acc.wrapping_mul(5) ^ self.saved[j],
                b'w' => std::mem::swap::<Vec<i64>>(&mut self.stack, &mut self.saved),
                b'r' => {
                    let saved = std::mem::take(&mut self.saved);
                    self.saved = std::mem::replace(&mut self.stack, saved);
                }
                _ => {
                    left -= 1;
                    if left <= 0 {
                        return acc;
                    }
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [self, left, acc]);
                }
            }
        }
    }
}

fn run(code: &'static [u8]) -> Vec<Run> {
    check(THRESHOLDS, |driver| {
        let mut machine = Machine::new();
        let result = machine.run(driver, code, 5000);
        (result, machine.stack, machine.saved)
    })
}

fn moved(run: &Run) -> u64 {
    run.stats.aborts[Abort::BufferMoved as usize]
}

#[test]
fn what_is_stored_in_one_is_not_in_another() {
    for run in run(b"sS+<") {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        // Whatever the indices are, the second store has not changed what the first one stored.
        assert_eq!(in_body(run.trace("loop"), "getarrayitem"), 0, "{run}");
    }
}

#[test]
fn what_is_stored_in_one_may_be_at_another_index() {
    for run in run(b"TS-<") {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert!(in_body(run.trace("loop"), "setarrayitem") >= 2, "{run}");
    }
}

// If the buffers were known by their places, `+` would find what `s` has stored.
#[test]
fn a_vec_that_is_moved_takes_its_buffer_with_it() {
    for code in [&b"swTSw+<"[..], b"srTSr+<", b"swT+<", b"srS+w-<"] {
        for run in run(code) {
            assert_eq!(moved(&run), 1, "{run}");
            assert!(run.stats.loops >= 1, "recorded anew without names: {run}");
        }
    }
}

// Nothing is known by its place before, and nothing is afterwards.
#[test]
fn a_recording_that_begins_with_a_move_need_not_be_given_up() {
    for run in run(b"wTw+<") {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert!(run.stats.loops >= 1, "{run}");
    }
}
