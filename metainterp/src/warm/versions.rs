//! The versions of a loop: one for each kind of data.
//!
//! A loop's preheader tests once what its laps take for granted, such as that a value is an integer. Whoever comes
//! with data of another kind leaves there, and if they had only a bridge, would come to the same preheader and
//! leave it again in each lap. So a recording that starts at an exit of a preheader and comes round to the
//! loop's header goes on, and records the loop once more for what it finds now. The new version has a preheader of
//! its own, and the exit leads there. If that would let nobody in who comes from the exit, or the version is the same as
//! another, the data was of another kind for one lap only: then the lap becomes a bridge as ever.
//!
//! All who do not know better enter by the first version, and get from preheader to preheader until one is
//! theirs. A trace that knows about its data enters the version that fits ([`Versions::of`]).
//!
//! Invariants
//! 1. From a version's preheader the way leads to later versions only, or makes a lap. So nobody goes round in
//!    circles.
//! 2. There are at most `retrace_limit` versions besides the first.
//!
//! Source: RPython's retraces (Ardö, Bolz, Fijałkowski, "Loop-aware optimizations in PyPy's tracing JIT", 2012).

use super::MetaInterp;
use crate::ir::{CodeId, TargetId, Trace};
use crate::opt;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// An optimized loop.
struct Version {
    code: CodeId,
    target: TargetId,
    trace: Arc<Trace>,
}

/// The versions of all loops, by the label of the first, which comes first.
#[derive(Default)]
pub(super) struct Versions {
    loops: FxHashMap<TargetId, SmallVec<[Version; 1]>>,
    /// Of labels of the others: that of the first.
    first_of: FxHashMap<TargetId, TargetId>,
}

impl Versions {
    /// Adds a trace if it is a loop; `first` is the label of its first version if there is one.
    pub fn add(&mut self, code: CodeId, optimized: &Arc<Trace>, first: Option<TargetId>) {
        if opt::label_behind(optimized).is_none() {
            return;
        }
        let target = optimized.ops[0].target();
        let version = Version { code, target, trace: Arc::clone(optimized) };
        if let Some(first) = first {
            self.first_of.insert(target, first);
        }
        self.loops.entry(first.unwrap_or(target)).or_default().push(version);
    }

    /// Loops that a trace may enter behind their preheaders instead of with a jump to this label, in the order in
    /// which it should try: those of the version that it belongs to come first.
    pub fn of(&self, target: TargetId, version: Option<TargetId>) -> Vec<Arc<Trace>> {
        let all = self.with_label(target);
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|it| Some(it.target) == version);
        let ordered = own.into_iter().chain(others);
        let entered = ordered.filter(|it| opt::second_label(&it.trace).is_some());
        entered.map(|it| Arc::clone(&it.trace)).collect()
    }

    /// The optimized versions of the loop whose first one has this label.
    pub fn all(&self, first: TargetId) -> Vec<Arc<Trace>> {
        self.with_label(first).map(|it| Arc::clone(&it.trace)).collect()
    }

    /// The labels that a trace may come to jump to instead of to this one.
    pub fn labels_of(&self, target: TargetId) -> SmallVec<[TargetId; 2]> {
        let behind = self.with_label(target).map(|it| it.target.behind_preheader());
        std::iter::once(target).chain(behind).collect()
    }

    // To the first version's label anyone may come, to another's only those that it is for.
    fn with_label(&self, target: TargetId) -> impl Iterator<Item = &Version> {
        let first = self.first_of.get(&target).copied();
        let all = self.loops.get(&first.unwrap_or(target)).into_iter().flatten();
        all.filter(move |it| first.is_none() || it.target == target)
    }

    /// Forgets what has been freed. Versions of a loop are freed together.
    pub fn forget(&mut self, freed: &FxHashSet<CodeId>) {
        self.loops.retain(|_, versions| {
            versions.retain(|it| !freed.contains(&it.code));
            !versions.is_empty()
        });
        let loops = &self.loops;
        self.first_of.retain(|_, first| loops.contains_key(first));
    }
}

impl MetaInterp {
    /// Whether the loop may have one more version.
    pub(super) fn may_retrace(&self, first: TargetId) -> bool {
        let limit = self.params.borrow().retrace_limit as usize;
        let versions = self.versions.borrow();
        versions.loops.get(&first).is_some_and(|versions| versions.len() <= limit)
    }
}
