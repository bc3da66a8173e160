//! The paths through a loop: where they meet again, and when a loop is recorded anew to join them there.
//!
//! A loop with `k` branches that do not depend on each other has 2^k paths, and a bridge that goes on to the
//! end of the lap is one of them: it has the rest of the lap once more. So the merge points that the recordings of a loop
//! pass are noted. When there are several bridges, and each merge point has been recorded
//! several times over, the loop is *joined*: it is recorded anew, and from then on its recordings put
//! a label at each merge point to which more than one way is known to lead, or jump to the label that
//! is there already. The number of its traces is then that of its branches' sides.
//!
//! Invariants
//! 1. A label is noted when its trace has been compiled, and forgotten when that is freed.
//! 2. What is decided here depends on greens and on the order of recordings, on nothing else.
//!
//! Why not join paths from the start: behind a label nothing is known of memory and values, and
//! the loop has no preheader. Most loops have few paths, and are better off with all of them apart.

use super::{MetaInterp, Start};
use crate::ir::{CodeId, Opcode, TargetId, Trace};
use crate::record::{FindJoin, Join};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Bridges that a loop has at least when its paths are joined.
const MIN_BRIDGES: u32 = 8;

/// How often each merge point has been recorded then, on the average.
const MIN_REPEATED: usize = 4;

type Greens = Box<[u64]>;

/// What the recordings of one loop have passed.
#[derive(Debug, Default)]
struct Loop {
    bridges: u32,
    /// Merge points that were recorded, each as often as it was.
    passed: usize,
    /// By merge point: the one before it; nothing if there is more than one such.
    before: FxHashMap<Greens, Option<Greens>>,
    labels: FxHashMap<Greens, TargetId>,
    joined: bool,
}

impl Loop {
    /// And some of them meet at a merge point, where they can be joined.
    fn has_too_many_paths(&self) -> bool {
        MIN_BRIDGES <= self.bridges
            && MIN_REPEATED * self.before.len() <= self.passed
            && self.before.values().any(Option::is_none)
    }

    fn pass(&mut self, before: &[u64], greens: &[u64]) {
        self.passed += 1;
        let known = self.before.entry(greens.into()).or_insert_with(|| Some(before.into()));
        if known.as_deref().is_some_and(|known| known != before) {
            *known = None;
        }
    }

    /// Whether another way to this merge point is known.
    fn meets(&self, before: &[u64], greens: &[u64]) -> bool {
        let known = self.before.get(greens);
        known.is_some_and(|known| known.as_deref().is_none_or(|known| known != before))
    }
}

/// By the greens of their headers.
#[derive(Default)]
pub(super) struct Paths {
    loops: Rc<RefCell<FxHashMap<Greens, Loop>>>,
    /// The loop that a trace belongs to.
    of_code: RefCell<FxHashMap<CodeId, Greens>>,
    /// Loops that are to be recorded anew, with what they were compiled to.
    anew: RefCell<Vec<(Greens, CodeId)>>,
    has_anew: Cell<bool>,
}

impl Paths {
    /// Whether a loop is to be recorded anew.
    pub fn has_anew(&self) -> bool {
        self.has_anew.get()
    }

    /// Notes which merge points a recorded trace passes, and which labels are there now.
    pub fn note(&self, code: CodeId, trace: &Trace, start: &Start) {
        let greens_of = |at: usize| &*trace.merge_points[trace.ops[at].descr as usize].greens;
        let is_merge_point = |&at: &usize| trace.ops[at].opcode == Opcode::DebugMergePoint;
        let mut points = (0..trace.ops.len()).filter(is_merge_point);
        let Some(first) = points.next() else { return };
        let starts_loop = trace.ops[0].opcode == Opcode::Label;
        let of = match start {
            Start::Exit(exit) if !starts_loop => self.of_code.borrow().get(&exit.code).cloned(),
            _ => Some(greens_of(first).into()),
        };
        let Some(of) = of else { return };
        self.of_code.borrow_mut().insert(code, of.clone());
        let mut loops = self.loops.borrow_mut();
        let paths = loops.entry(of.clone()).or_default();
        paths.bridges += u32::from(!starts_loop);
        let mut before = greens_of(first);
        for at in points {
            let greens = greens_of(at);
            paths.pass(before, greens);
            if trace.ops[at - 1].opcode == Opcode::Label {
                paths.labels.insert(greens.into(), trace.ops[at - 1].target());
            }
            before = greens;
        }
        if !paths.joined && paths.has_too_many_paths() {
            paths.joined = true;
            let root = self
                .of_code
                .borrow()
                .iter()
                .filter(|(_, it)| **it == of)
                .map(|(&it, _)| it)
                .min_by_key(|it| it.0);
            self.anew.borrow_mut().extend(root.map(|root| (of, root)));
            self.has_anew.set(true);
        }
    }

    /// Answers at merge points where to join, for a recording of a loop that is joined.
    pub fn find_join(&self, start: &Start, next_target: &Rc<Cell<u32>>) -> Option<FindJoin> {
        let of = match start {
            Start::Interpreter(greens) => Some(greens.as_slice().into()),
            Start::Exit(exit) => self.of_code.borrow().get(&exit.code).cloned(),
        }?;
        if !self.loops.borrow().get(&of)?.joined {
            return None;
        }
        let (loops, next_target) = (Rc::clone(&self.loops), Rc::clone(next_target));
        Some(Rc::new(move |before, greens| {
            let loops = loops.borrow();
            let paths = loops.get(&of)?;
            if let Some(&label) = paths.labels.get(greens) {
                return Some(Join::Jump(label));
            }
            paths.meets(before, greens).then(|| Join::Label(super::next_target(&next_target)))
        }))
    }

    /// Forgets what has been freed.
    pub fn forget(&self, freed: &FxHashSet<CodeId>, has_label: impl Fn(TargetId) -> bool) {
        let mut of_code = self.of_code.borrow_mut();
        let of_freed: FxHashSet<Greens> =
            freed.iter().filter_map(|code| of_code.remove(code)).collect();
        let left: FxHashSet<&Greens> = of_code.values().collect();
        let anew = self.anew.borrow();
        self.loops.borrow_mut().retain(|greens, paths| {
            if of_freed.contains(greens) {
                paths.labels.retain(|_, label| has_label(*label));
            }
            !of_freed.contains(greens)
                || left.contains(greens)
                || anew.iter().any(|(of, _)| of == greens)
        });
    }
}

impl MetaInterp {
    /// Gives up the code of loops that are to be recorded anew. Not during a recording.
    #[inline]
    pub(super) fn record_anew(&self) {
        if self.paths.has_anew.get() && !self.recording.get() {
            self.paths.has_anew.set(false);
            self.forget_old();
        }
    }

    #[inline(never)]
    fn forget_old(&self) {
        let anew = self.paths.anew.borrow().clone();
        for (greens, code) in &anew {
            let alone = self.owners.group_of(*code).filter(|group| {
                let cells = self.cells.borrow();
                let others = cells.entries().filter(|(it, _)| it != code && group.contains(it));
                others.count() == 0
            });
            match alone {
                Some(group) => self.free_codes(&group),
                // Who is in there gets out by and by: its exits lead to the new labels.
                None => self.cells.borrow_mut().uninstall(&FxHashSet::from_iter([*code])),
            }
            self.cells.borrow_mut().trace_next_iteration(greens);
        }
        self.paths.anew.borrow_mut().clear();
    }
}
