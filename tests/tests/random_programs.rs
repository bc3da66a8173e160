//! Random programs run the same in every mode.
//!
//! `RANDOM_PROGRAMS` is how many (otherwise as many as fit into half a minute, at most a thousand), and
//! `RANDOM_PROGRAMS_SEED` the first seed. `RANDOM_PROGRAMS_TRACE=1` prints each seed before it is run, for
//! programs that end the process.

use jit_tests::random_programs::Experiment;
use std::time::{Duration, Instant};

fn from_env(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}

#[derive(Debug, Default)]
struct Totals {
    programs: u64,
    compiled: u64,
    with_bridges: u64,
    aborts: u64,
    guard_failures: u64,
    replays: u64,
    in_background: u64,
    compiled_in_background: u64,
}

/// So many programs are run once where one of them is run in the background, too.
const BACKGROUND_EVERY: u64 = 4;

impl Totals {
    fn count(&mut self, experiment: &Experiment) {
        let runs = experiment.run().unwrap_or_else(|_| {
            let (shrunk, difference) = experiment.shrunk();
            panic!("{difference}\n{shrunk}\nfrom {experiment}")
        });
        if experiment.seed.is_multiple_of(BACKGROUND_EVERY) {
            let runs = experiment
                .run_in_background()
                .unwrap_or_else(|difference| panic!("{difference}\nfrom {experiment}"));
            self.in_background += 1;
            self.compiled_in_background += u64::from(runs.iter().any(|run| run.stats.loops > 0));
        }
        let stats = &runs[0].stats;
        self.programs += 1;
        self.compiled += u64::from(stats.loops > 0);
        self.with_bridges += u64::from(stats.bridges > 0);
        self.aborts += stats.aborted();
        self.guard_failures += stats.guard_failures;
        self.replays += stats.replays;
    }
}

#[test]
fn b299_b303_random_programs_run_the_same_in_every_mode() {
    let first = from_env("RANDOM_PROGRAMS_SEED").unwrap_or(0);
    let (n, until) = match from_env("RANDOM_PROGRAMS") {
        Some(n) => (n, None),
        None => (1000, Some(Instant::now() + Duration::from_secs(30))),
    };
    let traces = from_env("RANDOM_PROGRAMS_TRACE").is_some();
    let mut totals = Totals::default();
    for seed in first..first + n {
        if traces {
            eprintln!("seed {seed}");
        }
        totals.count(&Experiment::new(seed));
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
    }
    println!("{totals:?}");
    if totals.programs >= 100 {
        // Programs that nobody compiles prove nothing.
        assert!(totals.compiled > totals.programs / 2, "{totals:?}");
        assert!(totals.with_bridges > totals.programs / 4, "{totals:?}");
        assert!(totals.compiled_in_background > totals.in_background / 2, "{totals:?}");
        assert!(totals.replays > 0 && totals.aborts > 0, "{totals:?}");
    }
}

#[test]
fn an_experiment_is_its_seed() {
    for seed in 0..50 {
        let [a, b] = [(); 2].map(|()| Experiment::new(seed));
        assert_eq!((a.program, a.params), (b.program, b.params));
    }
}
