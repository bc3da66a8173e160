//! The programs under every backend, compared with the run that has no JIT: the machine at the end, screen and all.

use chip8::{Chip8, KeyScript, assemble, run};
use jitdriver::{Jit, JitDriver, Stats};
use std::fs;

/// At once, early, and as an author has it.
const PARAMS: [&str; 4] = [
    "threshold=1,trace_eagerness=2",
    "threshold=2,trace_eagerness=2",
    "threshold=3,trace_eagerness=2",
    "",
];

fn backends() -> Vec<Jit> {
    match cfg!(feature = "cranelift") {
        true => vec![Jit::Llgraph, Jit::Cranelift],
        false => vec![Jit::Llgraph],
    }
}

/// What can be seen of a run, and what the driver counted.
fn play(jit: Jit, params: &str, image: &[u8], keys: &KeyScript, limit: u64) -> (String, Stats) {
    let builder = JitDriver::builder().jit(jit).params(params).expect("parameters");
    let driver = builder.build().expect("a driver");
    let mut vm = Chip8::new(image, 1).expect("the program fits");
    let end = run(&driver, &mut vm, keys, limit);
    (format!("{end:?}\n{vm:?}"), driver.stats())
}

/// Runs a program in every mode; what each mode counted, with its parameters.
fn check(source: &str, keys: &str, limit: u64) -> Vec<(String, Stats)> {
    let image = assemble(source).unwrap_or_else(|error| panic!("{error}"));
    let keys = KeyScript::parse(keys).expect("a script");
    let (plain, _) = play(Jit::Off, "", &image, &keys, limit);
    let mut all = Vec::new();
    for jit in backends() {
        for params in PARAMS {
            let (jitted, stats) = play(jit, params, &image, &keys, limit);
            assert!(jitted == plain, "{jit} with `{params}`:\n{jitted}\nplain:\n{plain}");
            all.push((format!("{jit} with `{params}`"), stats));
        }
    }
    all
}

fn check_program(name: &str, keys: &str, limit: u64) {
    let file = format!("{}/programs/{name}.8s", env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(file).expect(name);
    for (mode, stats) in check(&source, keys, limit) {
        // Some are too short for the default threshold.
        assert!(stats.loops > 0 || mode.ends_with("``"), "{name}, {mode}: {stats}");
        assert_eq!(stats.aborted(), 0, "{name}, {mode}: {stats}");
        assert_eq!(stats.degraded_statements, 0, "{name}, {mode}: {stats}");
    }
}

#[test]
fn count() {
    check_program("count", "", 60_000);
}

#[test]
fn sieve() {
    check_program("sieve", "", 30_000);
}

#[test]
fn sort() {
    check_program("sort", "", 20_000);
}

#[test]
fn catch() {
    check_program("catch", "8=4 33= 85=6 110=", 5000);
}

#[test]
fn maze() {
    check_program("maze", "", 10_000);
}

/// The program lies in memory that it may write, so compiled code must see what it has written.
#[test]
fn a_program_that_changes_itself() {
    check_program("selfmod", "", 10_000);
    // In every lap `patch` adds the number of the lap.
    let source = "
loop:   add v3, 1
        ld v0, 0x72
        ld v1, v3
        ld i, patch
        ld [i], v1
patch:  add v2, 1
        se v3, 200
        jp loop
end:    jp end
";
    for (mode, stats) in check(source, "", 3000) {
        assert!(stats.loops > 0 || mode.ends_with("``"), "{mode}: {stats}");
    }
}

/// A limit ends a run after the same instruction, wherever compiled code is by then.
#[test]
fn a_limit_is_kept_exactly() {
    for limit in [0, 1, 2, 99, 1234, 1235] {
        check("loop: add v0, 1\n add v1, v0\n jp loop\n", "", limit);
    }
}

#[test]
fn faults_have_their_address() {
    // Nested calls, until there are too many.
    check("start: add v0, 1\n se v0, 200\n jp start\ndeep: call deep\n", "", 3000);
    // `I` leaves the memory.
    check("ld v1, 255\nloop: add i, v1\n ld v0, [i]\n jp loop\n", "", 3000);
}
