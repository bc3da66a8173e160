//! The optimizer does not change what random traces do: optimized against as generated, in llgraph.

use backend_llgraph::LlgraphBackend;
use jit_tests::random::{self, Saved, Transformed};
use metainterp::ir::Trace;
use metainterp::opt::{ExitSlot, Passes, finalize_exits, optimize};

/// Optimizes as before compiling; declines where the optimizer finds a guard that always fails.
fn optimized(trace: &Trace, passes: Passes) -> Option<Transformed> {
    let optimized = optimize(trace, passes).ok()?;
    let (finalized, layouts) = finalize_exits(&optimized);
    let saved = |slot: &ExitSlot| match *slot {
        ExitSlot::Const(constant) => Saved::Word(constant.bits),
        ExitSlot::Slot(slot, _) => Saved::Slot(slot as usize),
    };
    let layouts = layouts.iter().map(|it| (it.id, it.slots.iter().map(saved).collect()));
    Some((finalized, layouts.collect()))
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
