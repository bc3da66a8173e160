//! Rows, how they are run, and what their statistics say.

use jit_tests::oracle::{Run, compare};
use jitdriver::JitDriver;
use std::collections::BTreeSet;

/// A construct.
pub struct Row {
    /// The name of the file.
    pub id: &'static str,
    /// The construct, as text.
    pub construct: &'static str,
    /// How many of 38 interpreters have it in their hot paths, in percent.
    pub share: u32,
    /// How often.
    pub uses: u32,
    /// Its interpreter.
    pub source: Source,
}

/// Where a row's interpreter is.
#[derive(Clone, Copy)]
pub enum Source {
    /// It is compiled.
    Runs(fn(&JitDriver<'static>) -> i64),
    /// It does not compile yet: the first thing that rustc said.
    NotYet(&'static str),
}

/// The rows of a topic: `id: construct, share, uses;`, or `id: construct, share, uses, not_yet reason;`.
macro_rules! rows {
    ($($id:ident: $construct:literal, $share:literal, $uses:literal $(, not_yet $reason:literal)?;)*) => {
        /// The rows.
        pub const ROWS: &[$crate::harness::Row] = &[$($crate::harness::Row {
            id: stringify!($id),
            construct: $construct,
            share: $share,
            uses: $uses,
            source: $crate::harness::rows!(@source $id $($reason)?),
        },)*];
    };
    (@source $id:ident) => { $crate::harness::Source::Runs($id::run) };
    (@source $id:ident $reason:literal) => { $crate::harness::Source::NotYet($reason) };
}
pub(crate) use rows;

/// What becomes of a construct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its loops are compiled, and nothing in them is called that the interpreter does not call a
    /// function of its own for.
    Traced,
    /// Its loops are compiled, but with these calls, or for this reason not all of them.
    Residual(String),
    /// Nothing of it is compiled, for this reason.
    GivenUp(String),
    /// It does not compile with the annotations.
    CompileError(String),
    /// It does something else in some mode than plain.
    Wrong(String),
}

impl State {
    /// The state in a word.
    pub fn word(&self) -> &'static str {
        match self {
            State::Traced => "traced",
            State::Residual(_) => "residual",
            State::GivenUp(_) => "given up",
            State::CompileError(_) => "compile error",
            State::Wrong(_) => "wrong",
        }
    }

    /// Why it is not better.
    pub fn reason(&self) -> &str {
        match self {
            State::Traced => "",
            State::Residual(why) | State::GivenUp(why) | State::CompileError(why) => why,
            State::Wrong(_) => "see `constructs NAME`",
        }
    }
}

/// Thresholds 1 and 3, with bridges as soon as can be.
const COMPILING: &[&str] = &["threshold=1,trace_eagerness=2", "threshold=3,trace_eagerness=2"];

/// Every recording is given up at its first operation, so that its twin goes on live.
const LIVE: &[&str] = &["threshold=1,trace_limit=1,max_aborts=1000000"];

/// Runs a row in every mode: its state, and the runs that compile.
pub fn measure(row: &Row) -> (State, Vec<Run>) {
    let run = match row.source {
        Source::Runs(run) => run,
        Source::NotYet(reason) => return (State::CompileError(reason.into()), Vec::new()),
    };
    let compared = compare(LIVE, run).and_then(|_| compare(COMPILING, run));
    match compared {
        Ok(runs) => (worst(&runs), runs),
        Err(difference) => (State::Wrong(difference), Vec::new()),
    }
}

/// The state that the most unlucky run says.
fn worst(runs: &[Run]) -> State {
    let reasons = |run: &Run| {
        let aborts = jitdriver::Abort::ALL.iter().zip(run.stats.aborts);
        let aborts = aborts.filter(|&(_, n)| n > 0).map(|(abort, _)| abort.name());
        aborts.collect::<Vec<_>>().join(", ")
    };
    if let Some(run) = runs.iter().find(|run| run.stats.loops == 0) {
        return State::GivenUp(match run.stats.tracings {
            0 => "nothing is recorded".into(),
            _ => reasons(run),
        });
    }
    if let Some(run) = runs.iter().find(|run| run.stats.aborted() > 0) {
        return State::Residual(reasons(run));
    }
    if runs.iter().any(|run| run.stats.degraded_statements > 0) {
        return State::Residual("a statement is executed by the interpreter".into());
    }
    // Of elidable calls the statistics say nothing: the traces do.
    match (runs.iter().all(|run| run.stats.residual_calls == 0), callees(runs)) {
        (true, callees) if callees.is_empty() => State::Traced,
        (_, callees) => State::Residual(format!("calls {callees}")),
    }
}

/// The names of what compiled traces call.
fn callees(runs: &[Run]) -> String {
    let traces = runs.iter().flat_map(|run| &run.compiled);
    let calls = traces.flat_map(|trace| trace.optimized.split("descr=call(").skip(1));
    let names = calls.filter_map(|call| call.split(',').next()).map(|name| format!("`{name}`"));
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
