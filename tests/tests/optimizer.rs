//! The optimizer does not change what random traces do: optimized against as generated, in llgraph.

use backend_llgraph::LlgraphBackend;
use jit_tests::random::{self, Saved, Transformed, TransformedExit};
use metainterp::ir::{ExitId, Trace};
use metainterp::opt::{ExitSlot, Passes, finalize_exits, optimize};

/// Optimizes as before compiling; declines where the optimizer finds a guard that always fails.
fn optimized(trace: &Trace, passes: Passes) -> Option<Transformed> {
    let optimized = optimize(trace, passes).ok()?;
    let (mut finalized, layouts) = finalize_exits(&optimized);
    let mut originals = Vec::new();
    for exit in &mut finalized.exits {
        originals.push(original(trace, exit.id));
        if exit.id != originals[originals.len() - 1] {
            // Numbers are those of all traces here.
            exit.id.0 += SECOND_LAP;
        }
    }
    let saved = |slot: &ExitSlot| match *slot {
        ExitSlot::Const(constant) => Saved::Word(constant.bits),
        ExitSlot::Slot(slot, _) => Saved::Slot(slot as usize),
    };
    let exits = layouts.iter().enumerate().map(|(at, it)| TransformedExit {
        id: finalized.exits[at].id,
        original: originals[at],
        saved: it.slots.iter().map(saved).collect(),
        effects: it.effects.clone(),
    });
    let exits = exits.collect();
    Some((finalized, exits))
}

/// Exits of second laps have numbers from here on.
const SECOND_LAP: u32 = 1_000_000;

/// The exit that an exit of the optimized trace is, be it in the second lap of a loop.
fn original(trace: &Trace, id: ExitId) -> ExitId {
    if trace.exits.iter().any(|exit| exit.id == id) {
        return id;
    }
    let n = trace.n_exit_ids();
    ExitId(id.0 - n)
}

#[track_caller]
fn check(passes: Passes) {
    let make = || -> Box<dyn metainterp::backend::Backend> { Box::new(LlgraphBackend::new()) };
    let summary = random::compare_transformed(&make, &|trace| optimized(trace, passes));
    assert!(summary.loops > 0, "{summary:?}");
    println!("{summary:?}");
}

#[test]
fn all_passes_keep_what_traces_do() {
    check(Passes::ALL);
}

#[test]
fn no_passes_keep_what_traces_do() {
    check(Passes::NONE);
}
