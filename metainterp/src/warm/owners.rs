//! Programs that come and go: whose code is freed.
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
//! 2. Code that may be running is not freed: nothing that is connected to code which was entered and has
//!    not been left. Nothing at all is freed during a recording.
//!
//! When: each time that twice as many programs are known as were left the last time, so that it costs a
//! program no more than a constant part of what it cost to meet it.
//!
//! Why not a strong count? Programs would be dropped at another time than without the JIT.

use super::{CodeId, MetaInterp, Start};
use crate::ir::{Opcode, TargetId, Trace};
use crate::owner::Owner;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::ops::Range;

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
}

/// The programs that are kept by a weak count, and the code there is.
#[derive(Default)]
pub(super) struct Owners {
    /// By address.
    weak: RefCell<FxHashMap<u64, Box<dyn Owner>>>,
    /// The address that was asked for last.
    last: Cell<u64>,
    sweep_at: Cell<usize>,
    codes: RefCell<FxHashMap<CodeId, Code>>,
    /// Where labels are.
    labels: RefCell<FxHashMap<TargetId, CodeId>>,
    /// Code that was entered and has not been left.
    pub active: RefCell<Vec<CodeId>>,
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
        self.cells.borrow_mut().forget(&gone);
        self.owners.last.set(0);
        self.owners.weak.borrow_mut().retain(|address, _| !gone.contains(address));
    }

    fn free_codes(&self, ids: &[CodeId]) {
        let freed: FxHashSet<CodeId> = ids.iter().copied().collect();
        self.cells.borrow_mut().uninstall(&freed);
        self.regions.borrow_mut().forget(&freed);
        self.entered.borrow_mut().retain(|_, (code, _)| !freed.contains(code));
        self.owners.labels.borrow_mut().retain(|_, of| !freed.contains(of));
        for id in ids {
            let code = self.owners.codes.borrow_mut().remove(id).expect("it is known");
            for exit in code.exits {
                self.exits.borrow_mut()[exit as usize] = None;
            }
            self.backend.free(*id);
        }
        self.stats.borrow_mut().freed += ids.len() as u64;
    }

    /// Notes what was compiled.
    pub(super) fn note_code(&self, id: CodeId, trace: &Trace, exits: Range<u32>, start: &Start) {
        let owners = &self.owners;
        let mut labels = owners.labels.borrow_mut();
        for op in trace.ops.iter().filter(|op| op.opcode == Opcode::Label) {
            labels.insert(op.target(), id);
        }
        let mut neighbours = SmallVec::new();
        if let Some(jump) = trace.ops.last().filter(|op| op.opcode == Opcode::Jump) {
            neighbours.extend(labels.get(&jump.target()).copied().filter(|target| *target != id));
        }
        if let Start::Exit(exit) = start {
            neighbours.push(exit.code);
        }
        let greens = trace.merge_points.iter().flat_map(|it| it.greens.iter().copied());
        let code = Code { greens: greens.collect(), neighbours, exits };
        owners.codes.borrow_mut().insert(id, code);
    }
}

impl Owners {
    /// The code to free, in the order in which it was compiled: exits before what continues them.
    fn freeable(&self, gone: &FxHashSet<u64>) -> Vec<CodeId> {
        let codes = self.codes.borrow();
        let group = groups(&codes);
        let active: FxHashSet<CodeId> =
            self.active.borrow().iter().filter_map(|id| group.get(id).copied()).collect();
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
pub(super) struct Entered<'a>(&'a MetaInterp);

impl<'a> Entered<'a> {
    pub fn new(meta: &'a MetaInterp, code: CodeId) -> Entered<'a> {
        meta.owners.active.borrow_mut().push(code);
        Entered(meta)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.owners.active.borrow_mut().pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(greens: &[u64], neighbours: &[u32]) -> Code {
        let neighbours = neighbours.iter().map(|&id| CodeId(id)).collect();
        Code { greens: greens.into(), neighbours, exits: 0..0 }
    }

    fn freeable(codes: &[(u32, Code)], active: &[u32], gone: &[u64]) -> Vec<u32> {
        let owners = Owners::default();
        for (id, code) in codes {
            let Code { greens, neighbours, exits } = code;
            let (greens, neighbours) = (greens.clone(), neighbours.clone());
            let copy = Code { greens, neighbours, exits: exits.clone() };
            owners.codes.borrow_mut().insert(CodeId(*id), copy);
        }
        owners.active.borrow_mut().extend(active.iter().map(|&id| CodeId(id)));
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
