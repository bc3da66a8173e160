//! The programs of the examples: plain, under llgraph and under Cranelift.

use jit_tests::examples::brainfuck;
use jit_tests::examples::language_x::{DECREASE, INCREASE, JUMP_BACK_3, interpret};
use jit_tests::oracle::{
    Counts, Run, THRESHOLDS, backends, check, check_counts, driver, opcodes, without_addresses,
};
use jitdriver::{Jit, JitDriver};
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Once;

const POST: &[u8] = &[INCREASE, INCREASE, INCREASE, JUMP_BACK_3, INCREASE, DECREASE];

/// Programs of language X, by what they show.
const LANGUAGE_X: &[(&str, &[u8])] = &[
    ("the post's program", POST),
    ("the shortest loop", &[INCREASE, INCREASE, INCREASE, JUMP_BACK_3]),
    ("up and down", &[INCREASE, INCREASE, DECREASE, JUMP_BACK_3, DECREASE]),
    ("two loops", &[INCREASE, INCREASE, INCREASE, JUMP_BACK_3, INCREASE, INCREASE, JUMP_BACK_3]),
    (
        "a jump to a jump",
        &[INCREASE, INCREASE, INCREASE, JUMP_BACK_3, DECREASE, INCREASE, INCREASE, JUMP_BACK_3],
    ),
    ("no loop", &[INCREASE, DECREASE, INCREASE]),
    ("nothing", &[]),
];

#[test]
fn language_x_runs_the_same_in_every_mode() {
    for (name, code) in LANGUAGE_X {
        for limit in [-1, 0, 1, 100, 5000] {
            let calls = |d: &JitDriver<'static>| [1, 2, 1].map(|a| interpret(d, code, a, limit));
            let runs = check(THRESHOLDS, calls);
            for run in runs.iter().filter(|run| run.params.contains("threshold=2") && limit == 5000)
            {
                let loops = code.contains(&JUMP_BACK_3);
                assert_eq!(run.stats.loops > 0, loops, "{name}: {run}");
                assert_eq!(run.stats.aborted(), 0, "{name}: {run}");
            }
        }
    }
}

#[test]
fn b300_the_posts_program_is_one_loop_of_six_operations() {
    let counts = Counts { tracings: 1, loops: 1, bridges: 0, aborted: 0 };
    for run in check_counts("", counts, |d| interpret(d, POST, 1, 100_000)) {
        let looped = run.trace("loop");
        assert_eq!((looped.ops, looped.guards), (6, 1), "{run}");
        let names: Vec<&str> = opcodes(looped).collect();
        let expected = ["label", "int_add", "int_add", "int_add", "int_gt", "guard_false", "jump"];
        assert_eq!(names, expected, "{run}");
    }
}

// A loop that nothing leads out of but its end is a trace, whatever the parameters.
#[test]
fn one_loop_is_no_region() {
    for run in check(&["threshold=2,region_threshold=1"], |d| interpret(d, POST, 1, 100_000)) {
        assert_eq!((run.stats.loops, run.stats.regions), (1, 0), "{run}");
    }
}

#[test]
fn loops_with_hot_bridges_become_regions() {
    let guest = Guest::read("factorial");
    let params = "threshold=7,trace_eagerness=5,region_threshold=200";
    for jit in backends() {
        let driver = driver(jit, params);
        guest.run(&driver).expect("it runs");
        let run = Run::of(&driver, jit, params);
        let [stats, regions] = [run.stats.regions as usize, run.regions.len()];
        assert_eq!(stats, regions, "{run}");
        assert_eq!(regions > 0, jit == Jit::Cranelift, "{run}");
        for region in &run.regions {
            assert!(region.traces.len() > 1 && region.ops <= 4000, "{region}");
            let all = |name: &String| run.compiled.iter().any(|trace| trace.name == *name);
            assert!(region.traces.iter().all(all), "{region}");
        }
    }
}

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Keeps what the threads that asked for it log.
struct Capture;

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.extend(record.args().to_string().lines().map(str::to_owned));
            }
        });
    }

    fn flush(&self) {}
}

/// What `run` logs at trace level.
fn logged(run: impl FnOnce()) -> Vec<String> {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        log::set_logger(&Capture).expect("no other logger");
        log::set_max_level(LevelFilter::Trace);
    });
    LINES.set(Some(Vec::new()));
    run();
    LINES.take().expect("set above")
}

/// The operations between `ENTER` and `LEAVE`, without their prefix.
#[track_caller]
fn recorded(lines: &[String]) -> Vec<&str> {
    let at = |what| lines.iter().position(|line| line.starts_with(what)).expect(what);
    let (enter, leave) = (at("[compiler] ENTER"), at("[compiler] LEAVE"));
    lines[enter..leave].iter().filter_map(|line| line.strip_prefix("[runner:cpu] ")).collect()
}

#[test]
fn the_log_shows_the_posts_twenty_operations() {
    for jit in backends() {
        let driver = driver(jit, "threshold=2");
        let lines = logged(|| assert_eq!(interpret(&driver, POST, 1, 1000), 1002));
        let recorded = recorded(&lines);
        println!("{}", recorded.join("\n"));
        assert_eq!(recorded.len(), 20, "{}", recorded.join("\n"));
        for line in &recorded {
            // `int_add [9, 1] -> 10`: the name, the concrete values, the result.
            let (name, rest) = line.split_once(" [").expect(line);
            assert!(!name.contains(' ') && rest.contains(']'), "{line}");
        }
        assert_eq!(recorded.iter().filter(|line| line.starts_with("int_add [")).count(), 6);
    }
}

fn programs() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/brainfuck/programs"))
}

/// A program of the folder, its input and the output that is kept beside it.
struct Guest {
    program: brainfuck::Program,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Guest {
    fn read(name: &str) -> Guest {
        let file = |kind: &str| fs::read(programs().join(format!("{name}.{kind}")));
        let source = file("bf").unwrap_or_else(|error| panic!("{name}: {error}"));
        let program = brainfuck::parse(&source).expect("balanced");
        // Only programs that read have an input file.
        Guest { program, input: file("in").unwrap_or_default(), output: file("out").expect(name) }
    }

    fn run<'p>(&'p self, driver: &JitDriver<'p>) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        let result = brainfuck::run(driver, &self.program, &mut &self.input[..], &mut output);
        result.map_err(|error| error.to_string()).map(|()| output)
    }
}

#[track_caller]
fn check_guest(name: &str, all_params: &[&str]) {
    let guest = Guest::read(name);
    for run in check(all_params, |d| guest.run(d)) {
        // Some are too short for the default threshold.
        assert!(run.stats.loops > 0 || run.params.is_empty(), "{name}: {run}");
        assert_eq!(run.stats.aborted(), 0, "{name}: {run}");
    }
    let plain = driver(Jit::Off, "");
    assert_eq!(guest.run(&plain).expect(name), guest.output, "{name}");
}

/// For programs that take long under llgraph.
const ONCE: &[&str] = &["threshold=2,trace_eagerness=2,region_threshold=20"];

macro_rules! guests {
    ($($test:ident: $name:literal $params:ident;)*) => {
        $(#[test]
        fn $test() {
            check_guest($name, $params);
        })*

        const GUESTS: &[&str] = &[$($name),*];
    };
}

guests! {
    brainfuck_bottles: "bottles" THRESHOLDS;
    brainfuck_factorial: "factorial" THRESHOLDS;
    brainfuck_fibonacci: "fibonacci" THRESHOLDS;
    brainfuck_hello: "hello" THRESHOLDS;
    brainfuck_life: "life" ONCE;
    brainfuck_mandelbrot_small: "mandelbrot-small" ONCE;
    brainfuck_rot13: "rot13" THRESHOLDS;
    brainfuck_rule110: "rule110" THRESHOLDS;
    brainfuck_self: "self" ONCE;
    brainfuck_sieve: "sieve" ONCE;
    brainfuck_sort: "sort" ONCE;
    brainfuck_wc: "wc" THRESHOLDS;
}

/// Take too long here; the benches run them.
const TOO_LONG: &[&str] = &["mandelbrot", "mandelbrot-large"];

#[test]
fn every_brainfuck_program_is_tested() {
    let files =
        fs::read_dir(programs()).expect("the folder").map(|file| file.expect("a file").path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "bf")) {
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(GUESTS.contains(&name) || TOO_LONG.contains(&name), "{name} is not in the list");
    }
}

/// A program without a file.
#[track_caller]
fn check_source(source: &str, input: &str) {
    let program = brainfuck::parse(source.as_bytes()).expect("balanced");
    check(THRESHOLDS, |d| {
        let mut output = Vec::new();
        let result = brainfuck::run(d, &program, &mut input.as_bytes(), &mut output);
        (result.map_err(|error| error.to_string()), output)
    });
}

#[test]
fn errors_of_the_guest_have_their_place() {
    check_source("++++++++[>+<-]<<", "");
    check_source("++++[>,.<-]<", "ab");
    check_source("+>+>+>+>+>+>+[<]", "");
    check_source("-[>+<-]>[<<+>>-]", "");
}

#[test]
fn long_ways_of_the_tape_are_followed() {
    for n in [1, 10, 60, 300] {
        check_source(&format!("+[{}{}+]", ">".repeat(n), "<".repeat(n)), "");
        check_source(&format!("-[{}-]", "+-".repeat(n)), "");
    }
}

/// What a run has compiled, comparable between runs.
fn listing(run: &Run) -> Vec<String> {
    let shown = |trace: &jitdriver::CompiledTrace| {
        let header =
            format!("{}: {} {} {}", trace.name, trace.recorded_ops, trace.ops, trace.guards);
        format!("{header}\n{}", without_addresses(&trace.optimized))
    };
    run.compiled.iter().map(shown).chain(run.regions.iter().map(ToString::to_string)).collect()
}

/// Ten runs of a program, each with a new driver and with memory at other places.
#[track_caller]
fn assert_repeatable(name: &str, run: impl Fn(Jit) -> Run) {
    for jit in backends() {
        let first = run(jit);
        let regions = jit == Jit::Cranelift && first.params.contains("region_threshold");
        assert_eq!(!first.regions.is_empty(), regions, "{name}, {jit}: {first}");
        let first = listing(&first);
        assert!(!first.is_empty(), "{name}: nothing is compiled");
        let mut kept = Vec::new();
        for n in 2..=10 {
            kept.push(vec![0u8; 1000 * n]);
            let again = listing(&run(jit));
            assert_eq!(again.len(), first.len(), "{name}, {jit}: run {n}");
            for (again, first) in again.iter().zip(&first) {
                assert_eq!(again, first, "{name}, {jit}: run {n}");
            }
        }
    }
}

#[test]
fn b304_the_same_program_compiles_the_same_traces() {
    for params in ["", "threshold=2,trace_eagerness=2"] {
        assert_repeatable("language X", |jit| {
            let code = POST.to_vec();
            let driver = driver(jit, params);
            interpret(&driver, &code, 1, 10_000);
            Run::of(&driver, jit, params)
        });
    }
    for name in ["factorial", "rot13"] {
        let params = "threshold=7,trace_eagerness=5,region_threshold=20";
        assert_repeatable(name, |jit| {
            let guest = Guest::read(name);
            let driver = driver(jit, params);
            guest.run(&driver).expect(name);
            Run::of(&driver, jit, params)
        });
    }
}
