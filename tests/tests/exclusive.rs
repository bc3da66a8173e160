//! What the trace knows of the memory behind a red of type `&mut`: calls that are not given the way there
//! neither read nor change it, so stores are put off past them and loads are not repeated.
//!
//! Every program runs plain and under every backend at several thresholds.

use jit_tests::oracle::{self, Run, THRESHOLDS, effect, outcome, with_effects};
use jitdriver::{JitDriver, dont_look_inside, jit, jit_merge_point};
use std::fmt::Debug;

/// Runs in all modes and compares; the runs at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Run> {
    let runs = oracle::check(THRESHOLDS, |driver| with_effects(|| outcome(|| program(driver))));
    let runs = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    runs.inspect(|run| assert!(run.stats.loops >= 1, "{run}")).collect()
}

struct Vm {
    pc: usize,
    a: i64,
    b: i64,
    stack: [i64; 4],
}

#[dont_look_inside]
fn tell(x: i64) -> i64 {
    effect(x);
    x % 7
}

#[dont_look_inside]
fn fail_at(x: i64, at: i64) {
    assert!(x != at, "failed at {x}");
}

#[jit]
impl Vm {
    #[dont_look_inside]
    fn double(&mut self) {
        self.a = self.a.wrapping_mul(2);
    }

    #[dont_look_inside]
    fn top(&mut self) -> &mut i64 {
        &mut self.stack[1]
    }

    #[dont_look_inside]
    fn sum(&self) -> i64 {
        self.a + self.b + self.stack.iter().sum::<i64>()
    }
}

fn vm() -> Vm {
    Vm { pc: 0, a: 0, b: 0, stack: [0; 4] }
}

#[jit]
fn counts(driver: &JitDriver<'_>, vm: &mut Vm, limit: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm, limit]);
        vm.pc = 1 - vm.pc;
        vm.a += 1;
        vm.b += tell(vm.a);
        if vm.a == limit {
            return vm.b;
        }
    }
}

#[test]
fn calls_do_not_see_what_they_are_not_given() {
    for run in check(|driver| counts(driver, &mut vm(), 60)) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        let lap = run.compiled[0].optimized.rsplit(" label(").next().expect("a loop");
        assert!(lap.contains("apart=2"), "{run}");
        // What the lap first looks at behind a call, `b`, it reads and writes once.
        let of_b = |line: &&str| line.contains("offset=48");
        let accesses = |name| lap.lines().filter(move |line| line.trim().contains(name));
        let loads: Vec<&str> = accesses(" = getfield").collect();
        let stores: Vec<&str> =
            accesses("setfield(").filter(|it| !it.contains("stores(")).collect();
        assert!(loads.len() <= 1 && loads.iter().all(of_b), "{run}");
        assert!(stores.len() <= 1 && stores.iter().all(of_b), "{run}");
    }
}

#[jit]
fn panics(driver: &JitDriver<'_>, vm: &mut Vm, at: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm, at]);
        vm.a += 1;
        vm.stack[2] = vm.a * 3;
        fail_at(vm.a, at);
        if vm.a == 60 {
            return vm.b;
        }
    }
}

#[test]
fn a_panic_finds_the_stores_made() {
    for at in [3, 40, 41, 100] {
        check(|driver| {
            let mut vm = vm();
            let end = outcome(|| panics(driver, &mut vm, at));
            (end, vm.a, vm.stack)
        });
    }
}

#[jit]
fn given(driver: &JitDriver<'_>, vm: &mut Vm, limit: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm, limit]);
        vm.a += 1;
        vm.double();
        vm.b += vm.sum() % 5;
        tell(vm.b);
        if vm.a > limit {
            return vm.a;
        }
    }
}

#[test]
fn calls_that_are_given_it_see_it() {
    check(|driver| given(driver, &mut vm(), 1 << 50));
}

#[dont_look_inside]
fn add_to(place: &mut i64, n: i64) {
    *place += n;
}

#[dont_look_inside]
fn add_through(place: *mut i64, n: i64) {
    // SAFETY: the portal gives a place that it has borrowed for this.
    #[expect(unsafe_code, reason = "the test is about raw pointers")]
    unsafe {
        *place += n;
    }
}

#[jit]
fn parts(driver: &JitDriver<'_>, vm: &mut Vm, limit: i64) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = [vm, limit]);
        vm.a += 1;
        // A part by reference, what a call has answered, and an address that was taken.
        add_to(&mut vm.stack[0], vm.a);
        vm.b += vm.stack[0];
        let top = vm.top();
        add_to(top, 3);
        vm.b += vm.stack[1];
        let raw = &raw mut vm.stack[2];
        add_through(raw, 5);
        vm.b += vm.stack[2];
        if vm.a == limit {
            return vm.b;
        }
    }
}

#[test]
fn calls_that_are_given_a_part_see_it() {
    check(|driver| {
        let mut vm = vm();
        (parts(driver, &mut vm, 60), vm.stack)
    });
}

#[derive(Debug)]
struct Opaque {
    at: u16,
    words: [u32; 3],
}

#[jit]
fn fetch(code: &[u8; 4], pc: usize) -> Result<u16, Opaque> {
    match code.get(pc..pc + 2) {
        Some(bytes) => Ok((bytes[0] as u16) << 8 | bytes[1] as u16),
        None => Err(Opaque { at: pc as u16, words: [1, 2, 3] }),
    }
}

#[jit]
fn one_step(vm: &mut Vm, code: &[u8; 4]) -> Result<bool, Opaque> {
    let opcode = fetch(code, vm.pc)?;
    vm.a += opcode as i64;
    Ok(vm.a > 100_000)
}

#[jit]
fn steps(driver: &JitDriver<'_>, vm: &mut Vm, code: &[u8; 4]) -> Result<i64, Opaque> {
    loop {
        jit_merge_point!(driver, greens = [], reds = [vm, code]);
        match one_step(vm, code) {
            Ok(true) => return Ok(vm.a),
            Ok(false) => {}
            Err(error) => return Err(error),
        }
        if vm.a > 90_000 {
            vm.pc = 3;
        }
    }
}

/// Of a `Result` whose error has no known layout, the way that the twin has taken says which it is.
#[test]
fn what_a_constructor_has_made_is_known() {
    let runs = check(|driver| {
        let end = steps(driver, &mut vm(), &[1, 2, 3, 4]);
        end.map_err(|Opaque { at, words }| (at, words))
    });
    for run in runs {
        assert_eq!(run.stats.residual_calls, 0, "{run}");
        assert_eq!(run.count("guard_value"), 0, "{run}");
    }
}
