//! The oracle of the end-to-end tests: one guest program, run in every mode, must look the same.
//!
//! A program is a closure that gets a driver, runs an annotated interpreter and answers all that can
//! be seen of the run: the result, the final memory, the effects. [`check`] runs it plain (JIT off),
//! and then under every backend with each of the given parameters, and compares. A panic is an outcome
//! like any other: its message and its place in the source must be those of the plain run.
//!
//! What was compiled is the other half of a test: [`check`] answers one [`Run`] per mode, with the
//! statistics and the traces.
//!
//! Invariants
//! 1. The plain run is the reference; it counts, records and compiles nothing ([`check`] asserts it).
//! 2. All backends compile the same list of traces from the same program and parameters.
//! 3. Panics inside [`outcome`] are kept, not printed; all others are printed as usual.

use jitdriver::{CompiledRegion, CompiledTrace, Jit, JitDriver, Stats};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// The thresholds of most differential tests: at once, early, and as an author has it.
pub const THRESHOLDS: &[&str] = &[
    "threshold=1,trace_eagerness=2",
    "threshold=1,trace_eagerness=2,region_threshold=1",
    "threshold=2,trace_eagerness=2",
    "threshold=3,trace_eagerness=2",
    "",
];

/// The parameters of RPython's loop tests: programs may be small, and the counts can be compared.
pub const RPYTHON: &str = "threshold=3,trace_eagerness=2,decay=0";

/// The backends that are compiled in.
pub fn backends() -> Vec<Jit> {
    match cfg!(feature = "cranelift") {
        true => vec![Jit::Llgraph, Jit::Cranelift],
        false => vec![Jit::Llgraph],
    }
}

/// A driver with parameters as text.
#[track_caller]
pub fn driver<'p>(jit: Jit, params: &str) -> JitDriver<'p> {
    let built = JitDriver::builder().jit(jit).params(params).and_then(|builder| builder.build());
    built.unwrap_or_else(|error| panic!("{params}: {error}"))
}

/// What one mode has compiled.
#[derive(Debug, Clone)]
pub struct Run {
    /// The backend.
    pub jit: Jit,
    /// The parameters.
    pub params: String,
    /// The driver's counters at the end.
    pub stats: Stats,
    /// The driver's traces at the end.
    pub compiled: Vec<CompiledTrace>,
    /// The driver's regions at the end.
    pub regions: Vec<CompiledRegion>,
}

/// The counters that RPython's tests assert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Recordings started.
    pub tracings: u64,
    /// Traces compiled that start in the interpreter.
    pub loops: u64,
    /// Bridges compiled.
    pub bridges: u64,
    /// Recordings given up.
    pub aborted: u64,
}

impl Run {
    /// What `driver` has compiled so far.
    pub fn of(driver: &JitDriver<'_>, jit: Jit, params: &str) -> Run {
        let (stats, compiled, regions) = (driver.stats(), driver.compiled(), driver.regions());
        Run { jit, params: params.into(), stats, compiled, regions }
    }

    /// The counters.
    pub fn counts(&self) -> Counts {
        let Stats { tracings, loops, bridges, .. } = self.stats;
        Counts { tracings, loops, bridges, aborted: self.stats.aborted() }
    }

    /// Operations of this name in all optimized traces.
    pub fn count(&self, opcode: &str) -> usize {
        self.compiled.iter().map(|trace| count(trace, opcode)).sum()
    }

    /// The only trace whose name starts with this.
    #[track_caller]
    pub fn trace(&self, name: &str) -> &CompiledTrace {
        let mut found = self.compiled.iter().filter(|trace| trace.name.starts_with(name));
        match (found.next(), found.next()) {
            (Some(trace), None) => trace,
            (None, _) => panic!("{self}there is no {name}"),
            (Some(_), Some(_)) => panic!("{self}there is more than one {name}"),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} with `{}`:\n{}", self.jit, self.params, self.stats)?;
        self.compiled.iter().try_for_each(|trace| writeln!(f, "{trace}\n{}", trace.optimized))?;
        self.regions.iter().try_for_each(|region| writeln!(f, "{region}"))
    }
}

/// Operations of this name in an optimized trace.
pub fn count(trace: &CompiledTrace, opcode: &str) -> usize {
    opcodes(trace).filter(|name| *name == opcode).count()
}

/// The names of an optimized trace's operations, in order, without merge points.
pub fn opcodes(trace: &CompiledTrace) -> impl Iterator<Item = &str> {
    let name = |line: &'_ str| -> Option<(usize, usize)> {
        let open = line.find('(')?;
        let start = line[..open].rfind(' ').map_or(0, |space| space + 1);
        (start < open).then_some((start, open))
    };
    let lines = trace.optimized.lines().filter(|line| !line.starts_with(['#', '[']));
    lines
        .filter_map(move |line| name(line).map(|(start, end)| &line[start..end]))
        .filter(|name| *name != "debug_merge_point")
}

/// The operations of a trace's loop itself: what stands behind its last label.
pub fn body(trace: &CompiledTrace) -> Vec<&str> {
    let mut names: Vec<&str> = opcodes(trace).collect();
    let start = names.iter().rposition(|name| *name == "label").map_or(0, |label| label + 1);
    names.split_off(start)
}

/// Whether operations follow a pattern: names in their order, where `...` stands for any number of any
/// operations, `name*` for one whose name begins so, and `{a b}` for these in any order.
///
/// ```
/// use jit_tests::oracle::follows;
///
/// let ops = ["label", "int_lt", "guard_true", "int_add", "int_sub", "jump"];
/// assert!(follows(&ops, "label ... guard_* {int_sub int_add} jump"));
/// assert!(!follows(&ops, "label int_add ... jump"));
/// ```
pub fn follows(ops: &[&str], pattern: &str) -> bool {
    let pattern = pattern.replace('{', " { ").replace('}', " } ");
    let words: Vec<&str> = pattern.split_whitespace().collect();
    follows_words(ops, &words)
}

fn follows_words(ops: &[&str], words: &[&str]) -> bool {
    let is = |op: &str, word: &str| match word.strip_suffix('*') {
        Some(prefix) => op.starts_with(prefix),
        None => op == word,
    };
    match words {
        [] => ops.is_empty(),
        ["...", rest @ ..] => (0..=ops.len()).any(|skipped| follows_words(&ops[skipped..], rest)),
        ["{", rest @ ..] => {
            let end = rest.iter().position(|word| *word == "}").expect("`{` has its `}`");
            let (mut some, rest) = (rest[..end].to_vec(), &rest[end + 1..]);
            let Some((these, others)) = ops.split_at_checked(end) else { return false };
            let all = these.iter().all(|op| {
                let found = some.iter().position(|word| is(op, word));
                found.map(|at| some.remove(at)).is_some()
            });
            all && follows_words(others, rest)
        }
        [word, rest @ ..] => match ops {
            [op, others @ ..] => is(op, word) && follows_words(others, rest),
            [] => false,
        },
    }
}

/// How many operations with such names the loop itself has, for names that are given in full or begin so
/// (`getarrayitem`, `guard_`).
pub fn in_body(trace: &CompiledTrace, prefix: &str) -> usize {
    body(trace).iter().filter(|name| name.starts_with(prefix)).count()
}

/// Runs a program in every mode and compares: what each mode compiled, or the first difference.
pub fn compare<'p, T: PartialEq + Debug>(
    all_params: &[&str],
    program: impl Fn(&JitDriver<'p>) -> T,
) -> Result<Vec<Run>, String> {
    let off = driver(Jit::Off, all_params[0]);
    let plain = outcome(|| program(&off));
    assert_eq!(off.stats(), Stats::default(), "a driver that is off counts something");
    let mut runs: Vec<Run> = Vec::new();
    for params in all_params {
        let first = runs.len();
        for jit in backends() {
            let driver = driver(jit, params);
            let jitted = outcome(|| program(&driver));
            let run = Run::of(&driver, jit, params);
            if jitted != plain {
                return Err(format!("{run}plain: {plain:#?}\n{jit} with `{params}`: {jitted:#?}"));
            }
            if let Some(reference) = runs.get(first) {
                same_traces(reference, &run)?;
            }
            runs.push(run);
        }
    }
    Ok(runs)
}

/// [`compare`], and panics if there is a difference.
#[track_caller]
pub fn check<'p, T: PartialEq + Debug>(
    all_params: &[&str],
    program: impl Fn(&JitDriver<'p>) -> T,
) -> Vec<Run> {
    compare(all_params, program).unwrap_or_else(|difference| panic!("{difference}"))
}

/// Runs a program several times over with one driver that compiles in the background, under every backend, and
/// compares each time: what was compiled in the end, or the first difference. After every other time all that
/// was handed over is waited for. Which traces there are is not compared: it depends on time.
pub fn compare_in_background<'p, T: PartialEq + Debug>(
    params: &str,
    times: usize,
    program: impl Fn(&JitDriver<'p>) -> T,
) -> Result<Vec<Run>, String> {
    let off = driver(Jit::Off, params);
    let plain: Vec<_> = (0..times).map(|_| outcome(|| program(&off))).collect();
    let params = format!("{params},background=1");
    let mut runs = Vec::new();
    for jit in backends() {
        let driver = driver(jit, &params);
        for (time, plain) in (0..).zip(&plain) {
            let jitted = outcome(|| program(&driver));
            if jitted != *plain {
                let run = Run::of(&driver, jit, &params);
                return Err(format!(
                    "{run}plain: {plain:#?}\n{jit} with `{params}`, time {time}: {jitted:#?}"
                ));
            }
            if time % 2 == 0 {
                driver.wait_for_background();
            }
        }
        runs.push(Run::of(&driver, jit, &params));
    }
    Ok(runs)
}

/// [`compare_in_background`], and panics if there is a difference.
#[track_caller]
pub fn check_in_background<'p, T: PartialEq + Debug>(
    params: &str,
    times: usize,
    program: impl Fn(&JitDriver<'p>) -> T,
) -> Vec<Run> {
    compare_in_background(params, times, program)
        .unwrap_or_else(|difference| panic!("{difference}"))
}

/// [`check`] with one set of parameters, when all backends must have compiled `counts`.
#[track_caller]
pub fn check_counts<'p, T: PartialEq + Debug>(
    params: &str,
    counts: Counts,
    program: impl Fn(&JitDriver<'p>) -> T,
) -> Vec<Run> {
    let runs = check(&[params], program);
    for run in &runs {
        assert_eq!(run.counts(), counts, "{run}");
    }
    runs
}

/// The lists of traces have the same names and numbers of operations.
fn same_traces(a: &Run, b: &Run) -> Result<(), String> {
    let shape = |run: &Run| -> Vec<(String, usize, usize, usize)> {
        let shape = |t: &CompiledTrace| (t.name.clone(), t.recorded_ops, t.ops, t.guards);
        run.compiled.iter().map(shape).collect()
    };
    match shape(a) == shape(b) {
        true => Ok(()),
        false => Err(format!("{a}\n{b}compile different traces")),
    }
}

/// An optimized trace with its addresses numbered in order of occurrence: `0x7f…` becomes `addr1`.
pub fn without_addresses(trace: &str) -> String {
    let mut addresses: Vec<&str> = Vec::new();
    let mut out = String::new();
    let mut rest = trace;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].find(|c: char| !c.is_ascii_hexdigit());
        let end = digits.map_or(rest.len(), |n| at + 2 + n);
        let address = &rest[at..end];
        out.push_str(&rest[..at]);
        let number = addresses.iter().position(|known| *known == address).unwrap_or_else(|| {
            addresses.push(address);
            addresses.len() - 1
        });
        out.push_str(&format!("addr{number}"));
        rest = &rest[end..];
    }
    out + rest
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static EFFECTS: RefCell<Effects> = const { RefCell::new(Effects { count: 0, digest: 0 }) };
}

/// The value that `run` answers, or the message and place of its panic.
pub fn outcome<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match QUIET.get() {
            true => PANIC.set(Some(info.to_string())),
            false => usual(info),
        }));
    });
    let outer = QUIET.replace(true);
    PANIC.set(None);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    QUIET.set(outer);
    result.map_err(|_| PANIC.take().expect("the hook has seen the panic"))
}

/// What `run` panics with.
pub fn payload<T: Debug>(run: impl FnOnce() -> T) -> Box<dyn Any + Send> {
    let mut payload = None;
    let silent = outcome(|| {
        let caught = panic::catch_unwind(AssertUnwindSafe(run));
        payload = caught.err();
    });
    silent.expect("the panic was caught inside");
    payload.expect("it panics")
}

/// How often effects happened, and with which values in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effects {
    /// How often.
    pub count: u64,
    /// Depends on all values and their order.
    pub digest: u64,
}

/// An effect that a test interpreter has on the world: a residual call.
pub fn effect(value: i64) {
    EFFECTS.with_borrow_mut(|effects| {
        effects.count += 1;
        effects.digest =
            (effects.digest.rotate_left(5) ^ value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    });
}

/// The effects on this thread so far.
pub fn effects() -> Effects {
    EFFECTS.with_borrow(|effects| *effects)
}

/// What `run` answers, and the effects it had on this thread.
pub fn with_effects<T>(run: impl FnOnce() -> T) -> (T, Effects) {
    EFFECTS.set(Effects { count: 0, digest: 0 });
    let result = run();
    (result, effects())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbered() {
        let text = "call(0x7f01, i3)\ncall(0xbeef, 0x7f01)";
        assert_eq!(without_addresses(text), "call(addr0, i3)\ncall(addr1, addr0)");
    }

    #[test]
    fn patterns_of_operations() {
        let ops = ["label", "int_lt", "guard_true", "int_add", "int_add", "jump"];
        for (pattern, is_right) in [
            ("label int_lt guard_true int_add int_add jump", true),
            ("label ... jump", true),
            ("...", true),
            ("label int_lt guard_true {int_add int_add} jump", true),
            ("label {guard_true int_lt} ... jump", true),
            ("label {guard_true int_add} ... jump", false),
            ("label int_* guard_* ... int_add jump", true),
            ("label ... int_sub ... jump", false),
            ("", false),
            ("label {int_lt guard_true int_add int_add jump int_add}", false),
        ] {
            assert_eq!(follows(&ops, pattern), is_right, "{pattern}");
        }
    }

    #[test]
    fn panics_are_outcomes_with_their_place() {
        let error = outcome(|| panic!("no {}", 7)).unwrap_err();
        assert!(error.contains("tests/src/oracle.rs:") && error.ends_with("no 7"), "{error}");
        assert_eq!(outcome(|| 3), Ok(3));
    }

    #[test]
    fn effects_depend_on_their_order() {
        let of = |values: &[i64]| with_effects(|| values.iter().for_each(|&value| effect(value))).1;
        assert_eq!(of(&[1, 2]), of(&[1, 2]));
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_eq!(of(&[]).count, 0);
    }
}
