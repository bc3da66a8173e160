//! Programs that come and go, and loops that are not used any more: what code is freed.
//!
//! A green that is an `Rc` or `Arc` does not borrow its program. The driver keeps a weak count of it,
//! which has two effects: its address is not given to another program, so no code can be entered by a
//! program that it was not compiled for; and nobody can change it in place, because that needs to be the
//! only one who knows of it. When the program has been dropped, what was compiled for it is freed,
//! and then the weak count is given back.
//!
//! What belongs together is freed together. A trace may pass merge points of several programs, jump to
//! a loop of another, and bridges lead from loop to loop. Programs, then, are not the unit, nor
//! is one trace: it is all that is connected by jumps and bridges. A loop of a living program that is
//! freed so will be recorded again.
//!
//! Invariants
//! 1. A weak count is kept as long as there is code, or a counter, with the address among its greens.
//!    So it is while there is a trace that is being compiled.
//! 2. Code that may be running is not freed: nothing that is connected to code which was entered and has
//!    not been left. Nothing at all is freed during a recording.
//!
//! Loops age, too. Time is counted in traces that are compiled, and a group of which nothing was entered
//! for `loop_longevity` of them is freed; so is the one that was not entered for longest, when there is
//! more code than `max_code_bytes` and `max_traces` allow.
//!
//! When programs are looked for: each time that twice as many programs are known as were left the last time, so that it costs a
//! program no more than a constant part of what it cost to meet it.
//!
//! Why not a strong count? Programs would be dropped at another time than without the JIT.

use super::cell::Cells;
use super::{CodeId, MetaInterp, Start};
use crate::ir::{Opcode, TargetId, Trace};
use crate::owner::Owner;
use crate::quasi::Validity;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// The fewest programs at which it is looked which of them are gone.
const FIRST_SWEEP: usize = 4;

/// One compiled trace, as far as freeing goes.
#[derive(Debug)]
struct Code {
    /// Words of the greens of all merge points that it passes.
    greens: Box<[u64]>,
    /// Code that it leads to or comes from: where its jump goes, and where the exit is that it continues.
    neighbours: SmallVec<[CodeId; 2]>,
    exits: Range<u32>,
    /// Of what it takes for constant, if anything.
    validity: Option<Rc<Validity>>,
}

/// The programs that are kept by a weak count, and the code there is.
#[derive(Default)]
pub(super) struct Owners {
    /// By address.
    weak: RefCell<FxHashMap<u64, Box<dyn Owner>>>,
    /// The address that was asked for last.
    last: Cell<u64>,
    sweep_at: Cell<usize>,
    /// The generation in which it is looked next which loops are old.
    age_at: Cell<u64>,
    codes: RefCell<FxHashMap<CodeId, Code>>,
    /// Where labels are.
    labels: RefCell<FxHashMap<TargetId, CodeId>>,
    /// There may be invalid code that was not freed because it ran.
    pub has_invalid: Cell<bool>,
    /// There may be code with constants that lead to something of this thread's.
    pub has_of_thread: Cell<bool>,
    active: Active,
}

/// Code that was entered and has not been left.
#[derive(Default)]
struct Active {
    /// What was entered last: as a rule there is no other.
    last: Cell<Option<CodeId>>,
    /// What was entered before, from outside to inside.
    outer: RefCell<Vec<CodeId>>,
}

impl MetaInterp {
    /// Whether the program at this address is kept. Fast for the one that was asked for last.
    pub fn keeps(&self, address: u64) -> bool {
        let owners = &self.owners;
        if owners.last.get() == address {
            return true;
        }
        let kept = owners.weak.borrow().contains_key(&address);
        if kept {
            owners.last.set(address);
        }
        kept
    }

    /// Keeps a program by its weak count.
    pub fn keep(&self, address: u64, weak: Box<dyn Owner>) {
        let owners = &self.owners;
        let is_due = owners.weak.borrow().len() >= owners.sweep_at.get().max(FIRST_SWEEP);
        if is_due && !self.recording.get() {
            self.free_what_is_gone();
            owners.sweep_at.set(2 * owners.weak.borrow().len());
        }
        owners.weak.borrow_mut().insert(address, weak);
        owners.last.set(address);
    }

    /// Frees what was compiled for programs that have been dropped. Not during a recording.
    fn free_what_is_gone(&self) {
        let mut gone: FxHashSet<u64> = {
            let weak = self.owners.weak.borrow();
            weak.iter().filter(|(_, weak)| weak.is_gone()).map(|(&address, _)| address).collect()
        };
        if gone.is_empty() {
            return;
        }
        self.free_codes(&self.owners.freeable(&gone));
        for code in self.owners.codes.borrow().values() {
            code.greens.iter().for_each(|word| {
                gone.remove(word);
            });
        }
        gone.retain(|&word| !self.background.has_green(word));
        self.cells.borrow_mut().forget(&gone);
        self.forget_not_inlined(&gone);
        self.owners.last.set(0);
        self.owners.weak.borrow_mut().retain(|address, _| !gone.contains(address));
    }

    /// Frees loops that were not entered for long or are invalid, and, if there is too much code, those that were not
    /// entered for longest. Not during a recording. False if there is too much code nevertheless.
    pub(super) fn make_room(&self) -> bool {
        let (longevity, max_bytes, max_traces) = {
            let params = self.params.borrow();
            (u64::from(params.loop_longevity), params.max_code_bytes, params.max_traces)
        };
        let is_full = || {
            self.backend.code_bytes() >= max_bytes as usize
                || self.owners.codes.borrow().len() >= max_traces as usize
        };
        let generation = self.cells.borrow().generation;
        let is_due = longevity > 0 && generation >= self.owners.age_at.get();
        if !is_due && !is_full() {
            return true;
        }
        self.owners.age_at.set(generation + (longevity / 8).max(1));
        let by_age = self.owners.by_age(&self.cells.borrow());
        for (used, codes) in by_age {
            let is_old = longevity > 0 && generation.saturating_sub(used) >= longevity;
            if !is_old && !is_full() {
                break;
            }
            self.free_codes(&codes);
        }
        !is_full()
    }

    /// Frees all compiled code that is not running: now, or when the recording is over.
    pub fn release_all(&self) {
        if self.recording.get() {
            return self.release_due.set(true);
        }
        self.background.release_all();
        let all = self.owners.by_age(&self.cells.borrow());
        all.iter().for_each(|(_, codes)| self.free_codes(codes));
    }

    /// Frees what has become invalid, with all that is connected to it. Not during a recording.
    #[inline]
    pub(super) fn free_what_is_invalid(&self) {
        if self.owners.has_invalid.get() && !self.recording.get() {
            self.owners.has_invalid.set(false);
            self.free_invalid();
        }
    }

    #[inline(never)]
    fn free_invalid(&self) {
        self.free_groups_with(|code| code.validity.as_ref().is_some_and(|it| !it.is_valid()));
    }

    /// Frees code of that kind, with all that is connected to it.
    fn free_groups_with(&self, is_such: impl Fn(&Code) -> bool) {
        for codes in self.owners.groups_with(is_such) {
            self.free_codes(&codes);
        }
    }

    /// Prepares for another thread to go on with all this. False if that cannot be: something runs, or there are
    /// hooks.
    ///
    /// What the driver shares with others, without a lock, must not go along. So code is freed that depends on a
    /// quasi-immutable value, and the weak counts of programs are given back with all code that is for those.
    /// And so is all code, if some of it may lead to what is the old thread's alone.
    pub fn prepare_to_move(&self) -> bool {
        let is_active = self.recording.get() || self.owners.active.last.get().is_some();
        if is_active || self.has_hooks() {
            return false;
        }
        self.give_up_lost();
        self.wait_for_background();
        self.install_compiled();
        if !self.background.is_idle() {
            return false;
        }
        let owners = &self.owners;
        let everything = owners.has_of_thread.replace(false);
        self.free_groups_with(|code| everything || code.validity.is_some());
        let counted: FxHashSet<u64> = owners.weak.borrow().keys().copied().collect();
        self.free_codes(&owners.freeable(&counted));
        self.cells.borrow_mut().forget(&counted);
        self.forget_not_inlined(&counted);
        self.has_last_greens.set(false);
        owners.last.set(0);
        owners.weak.borrow_mut().clear();
        self.borrowed.borrow_mut().clear();
        !self.depends_on_anything()
    }

    /// Whether there is a validity, which a value that hardly ever changes knows of too.
    fn depends_on_anything(&self) -> bool {
        let of_code = self.owners.codes.borrow().values().any(|code| code.validity.is_some());
        of_code || self.cells.borrow().depend_on_anything()
    }

    pub(super) fn free_codes(&self, ids: &[CodeId]) {
        let freed: FxHashSet<CodeId> = ids.iter().copied().collect();
        self.cells.borrow_mut().uninstall(&freed);
        self.regions.borrow_mut().forget(&freed);
        self.versions.borrow_mut().forget(&freed);
        self.owners.labels.borrow_mut().retain(|_, of| !freed.contains(of));
        self.paths.forget(&freed, |label| self.owners.labels.borrow().contains_key(&label));
        for id in ids {
            let code = self.owners.codes.borrow_mut().remove(id).expect("it is known");
            if code.validity.is_some_and(|validity| !validity.is_valid()) {
                self.stats.borrow_mut().invalidated += 1;
            }
            for exit in code.exits {
                self.exits.borrow_mut().remove(exit);
            }
            self.backend.free(*id);
        }
        self.compiled.borrow_mut().retain(|trace| !freed.contains(&CodeId(trace.id)));
        self.stats.borrow_mut().freed += ids.len() as u64;
    }

    /// Notes what was compiled.
    pub(super) fn note_code(
        &self,
        id: CodeId,
        trace: &Trace,
        exits: Range<u32>,
        start: &Start,
        validity: Option<Rc<Validity>>,
    ) {
        let owners = &self.owners;
        let mut labels = owners.labels.borrow_mut();
        for op in trace.ops.iter().filter(|op| op.opcode == Opcode::Label) {
            labels.insert(op.target(), id);
        }
        let mut neighbours = SmallVec::new();
        if let Some(jump) = trace.jump() {
            neighbours.extend(labels.get(&jump.target()).copied().filter(|target| *target != id));
        }
        neighbours.extend(start.exit().map(|exit| exit.code));
        let greens = trace.merge_points.iter().flat_map(|it| it.greens.iter().copied());
        let code = Code { greens: greens.collect(), neighbours, exits, validity };
        owners.codes.borrow_mut().insert(id, code);
    }
}

impl Active {
    fn codes(&self) -> Vec<CodeId> {
        self.outer.borrow().iter().copied().chain(self.last.get()).collect()
    }
}

impl Owners {
    /// Whether there is this code.
    pub fn has_code(&self, code: CodeId) -> bool {
        self.codes.borrow().contains_key(&code)
    }

    /// The code that has this label.
    pub fn code_of(&self, label: TargetId) -> Option<CodeId> {
        self.labels.borrow().get(&label).copied()
    }

    /// What is connected, in the order in which it is compiled, with the generation in which it was entered
    /// last: the oldest first. Without what may be running.
    fn by_age(&self, cells: &Cells) -> Vec<(u64, Vec<CodeId>)> {
        let codes = self.codes.borrow();
        let group = groups(&codes);
        let active: FxHashSet<CodeId> =
            self.active.codes().iter().filter_map(|id| group.get(id).copied()).collect();
        let mut groups: FxHashMap<CodeId, (u64, Vec<CodeId>)> = FxHashMap::default();
        for (id, of) in group.iter().filter(|(_, of)| !active.contains(*of)) {
            groups.entry(*of).or_default().1.push(*id);
        }
        for (code, used) in cells.entries() {
            let group = group.get(&code).and_then(|of| groups.get_mut(of));
            if let Some((last, _)) = group {
                *last = used.max(*last);
            }
        }
        let mut by_age: Vec<_> = groups.into_values().collect();
        by_age.iter_mut().for_each(|(_, codes)| codes.sort_by_key(|id| id.0));
        by_age.sort_by_key(|(used, codes)| (*used, codes[0].0));
        by_age
    }

    /// What is connected to this code, in the order in which it is compiled; nothing if it may be running.
    pub fn group_of(&self, code: CodeId) -> Option<Vec<CodeId>> {
        let groups = self.by_age(&Cells::default()).into_iter().map(|(_, codes)| codes);
        groups.into_iter().find(|codes| codes.contains(&code))
    }

    /// What is connected to code of that kind and does not run, in the order in which it was compiled.
    fn groups_with(&self, is_such: impl Fn(&Code) -> bool) -> Vec<Vec<CodeId>> {
        let is_such = |id: &CodeId| is_such(&self.codes.borrow()[id]);
        let groups = self.by_age(&Cells::default()).into_iter().map(|(_, codes)| codes);
        groups.filter(|codes| codes.iter().any(is_such)).collect()
    }

    /// The code to free, in the order in which it was compiled: exits before what continues them.
    fn freeable(&self, gone: &FxHashSet<u64>) -> Vec<CodeId> {
        let codes = self.codes.borrow();
        let group = groups(&codes);
        let active: FxHashSet<CodeId> =
            self.active.codes().iter().filter_map(|id| group.get(id).copied()).collect();
        let is_of_gone = |code: &Code| code.greens.iter().any(|word| gone.contains(word));
        let free: FxHashSet<CodeId> = codes
            .iter()
            .filter(|(_, code)| is_of_gone(code))
            .map(|(id, _)| group[id])
            .filter(|group| !active.contains(group))
            .collect();
        let mut freeable: Vec<CodeId> =
            codes.keys().copied().filter(|id| free.contains(&group[id])).collect();
        freeable.sort_by_key(|id| id.0);
        freeable
    }
}

/// For each code the name of what it is connected to.
fn groups(codes: &FxHashMap<CodeId, Code>) -> FxHashMap<CodeId, CodeId> {
    let mut linked: FxHashMap<CodeId, Vec<CodeId>> = FxHashMap::default();
    for (&id, code) in codes {
        for &other in code.neighbours.iter().filter(|other| codes.contains_key(other)) {
            linked.entry(id).or_default().push(other);
            linked.entry(other).or_default().push(id);
        }
    }
    let mut group = FxHashMap::default();
    for &first in codes.keys() {
        let mut reached = vec![first];
        while let Some(id) = reached.pop() {
            if group.contains_key(&id) {
                continue;
            }
            group.insert(id, first);
            reached.extend(linked.get(&id).into_iter().flatten().copied());
        }
    }
    group
}

/// Marks code as entered until this is dropped.
pub(super) struct Entered<'a> {
    active: &'a Active,
    is_inner: bool,
}

impl<'a> Entered<'a> {
    pub fn new(meta: &'a MetaInterp, code: CodeId) -> Entered<'a> {
        let active = &meta.owners.active;
        let outer = active.last.replace(Some(code));
        if let Some(outer) = outer {
            active.outer.borrow_mut().push(outer);
        }
        Entered { active, is_inner: outer.is_some() }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let Entered { active, is_inner } = *self;
        active.last.set(if is_inner { active.outer.borrow_mut().pop() } else { None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(greens: &[u64], neighbours: &[u32]) -> Code {
        let neighbours = neighbours.iter().map(|&id| CodeId(id)).collect();
        Code { greens: greens.into(), neighbours, exits: 0..0, validity: None }
    }

    fn freeable(codes: &[(u32, Code)], active: &[u32], gone: &[u64]) -> Vec<u32> {
        let owners = Owners::default();
        for (id, code) in codes {
            let Code { greens, neighbours, exits, .. } = code;
            let (greens, neighbours) = (greens.clone(), neighbours.clone());
            let copy = Code { greens, neighbours, exits: exits.clone(), validity: None };
            owners.codes.borrow_mut().insert(CodeId(*id), copy);
        }
        owners.active.outer.borrow_mut().extend(active.iter().map(|&id| CodeId(id)));
        let gone = gone.iter().copied().collect();
        owners.freeable(&gone).into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn what_is_connected_goes_together() {
        let codes = [
            (0, code(&[1, 0xa], &[])),
            (1, code(&[2, 0xb], &[])),
            // A bridge of 0 that jumps to 1.
            (2, code(&[1, 0xa, 2, 0xb], &[0, 1])),
            (3, code(&[1, 0xc], &[])),
            (4, code(&[7, 0xc], &[3])),
        ];
        assert_eq!(freeable(&codes, &[], &[0xb]), [0, 1, 2]);
        assert_eq!(freeable(&codes, &[], &[0xc]), [3, 4]);
        assert_eq!(freeable(&codes, &[], &[0xd]), [0; 0]);
        assert_eq!(freeable(&codes, &[1], &[0xa, 0xc]), [3, 4]);
        assert_eq!(freeable(&codes, &[4, 2], &[0xa, 0xc]), [0; 0]);
    }
}
