//! Regions: which traces are compiled together, and when.
//!
//! Going from one compiled trace to another costs stores, a jump and loads; inside of a region it
//! costs a branch. Where that is worth a compilation, the backend's counters tell: a trace that was
//! entered `region_threshold` times, from exits, by jumps or by the interpreter, pauses the running
//! code. Then it becomes a region together with its neighbours, hottest first, up to `region_limit`
//! operations. What runs for a long time inside of its own loop is entered rarely, and needs none.
//!
//! A region is only worth it if what it saves is more than what compiling it costs. A crossing costs
//! about 3 ns and compiling about 3 µs an operation, so a region of many operations waits until as
//! many crossings have been seen as would have paid for it ([`Price`]).
//!
//! Invariants
//! 1. A trace is in one region at most.
//! 2. The counts do not depend on time or addresses, so that the same program makes the same regions.
//! 3. What is compiled the k-th time has been entered from outside `region_threshold * 2^(k-1)` times
//!    since the time before, so that regions are compiled again a bounded number of times.

use super::MetaInterp;
use super::background::{Begun, Done, Job};
use crate::backend::{Assembled, Backend, Refusal};
use crate::ir::{CodeId, Opcode, TargetId, Trace};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many entries pay for what.
#[derive(Clone, Copy)]
struct Price {
    threshold: u64,
}

impl Price {
    /// For compiling so many operations after `n_compiled` times before.
    fn of_region(self, n_ops: usize, n_compiled: u32) -> u64 {
        // With the default threshold, 1250 crossings an operation.
        (self.threshold << n_compiled.min(32)).max(n_ops as u64 * (self.threshold / 16))
    }

    /// Until it is looked whether a region is compiled that is compiled in the background. The code that has paused
    /// for that goes on by the same entry, which counts: with one it would stand still until there is the region, and
    /// for ever during a recording, in which nothing is installed.
    fn until_look(self) -> u64 {
        (self.threshold / 4).max(2)
    }

    /// For taking in so many operations of a neighbour.
    fn of_neighbour(self, n_ops: usize) -> u64 {
        (self.threshold / 8).max(n_ops as u64 * (self.threshold / 32)).max(1)
    }
}

/// A compiled trace, with its neighbours.
struct Node {
    trace: Arc<Trace>,
    /// Traces that one of its exits or its jump leads to, or from which they lead here.
    neighbours: Vec<CodeId>,
    /// Index into [`Regions::regions`].
    region: Option<usize>,
    n_ops: usize,
    /// How often it had been entered when its region was compiled.
    entered_before: u64,
}

/// One line of the list of regions: what was compiled together, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledRegion {
    /// `region 2`.
    pub name: String,
    /// The names of its traces.
    pub traces: Vec<String>,
    /// Operations of all of them.
    pub ops: usize,
}

impl std::fmt::Display for CompiledRegion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} operations of {}", self.name, self.ops, self.traces.join(", "))
    }
}

struct Region {
    members: Vec<CodeId>,
    /// How often what became this was compiled.
    n_compiled: u32,
}

/// The traces that regions can be made of.
#[derive(Default)]
pub(super) struct Regions {
    nodes: FxHashMap<CodeId, Node>,
    labels: FxHashMap<TargetId, CodeId>,
    regions: Vec<Region>,
    pub compiled: Vec<CompiledRegion>,
}

impl Regions {
    /// Adds a trace. `from` is the trace on whose exit it continues.
    pub fn add(&mut self, code: CodeId, trace: Trace, from: Option<CodeId>) {
        let labels = trace.ops.iter().filter(|op| op.opcode == Opcode::Label);
        self.labels.extend(labels.map(|label| (label.target(), code)));
        let to = trace.jump().and_then(|jump| self.labels.get(&jump.target()).copied());
        let n_ops = trace.n_operations();
        let trace = Arc::new(trace);
        let node = Node { trace, neighbours: Vec::new(), region: None, n_ops, entered_before: 0 };
        self.nodes.insert(code, node);
        for other in [from, to].into_iter().flatten().filter(|&other| other != code) {
            self.link(code, other);
            self.link(other, code);
        }
    }

    fn link(&mut self, code: CodeId, other: CodeId) {
        if let Some(node) = self.nodes.get_mut(&code)
            && !node.neighbours.contains(&other)
        {
            node.neighbours.push(other);
        }
    }

    /// Traces are freed, with all that they are together with.
    pub fn forget(&mut self, freed: &FxHashSet<CodeId>) {
        self.nodes.retain(|code, _| !freed.contains(code));
        self.labels.retain(|_, code| !freed.contains(code));
        for node in self.nodes.values_mut() {
            node.neighbours.retain(|code| !freed.contains(code));
        }
        for region in &mut self.regions {
            region.members.retain(|code| !freed.contains(code));
        }
    }

    /// The traces that are in one function with this one.
    fn together(&self, code: CodeId) -> Vec<CodeId> {
        match self.nodes[&code].region {
            Some(region) => self.regions[region].members.clone(),
            None => vec![code],
        }
    }

    fn n_ops(&self, codes: &[CodeId]) -> usize {
        codes.iter().map(|code| self.nodes[code].n_ops).sum()
    }

    /// How often what a trace is in was compiled as a region.
    fn n_compiled(&self, codes: &[CodeId]) -> u32 {
        let regions = codes.iter().filter_map(|code| self.nodes[code].region);
        regions.map(|region| self.regions[region].n_compiled).max().unwrap_or(0)
    }

    /// How often traces were entered since they were compiled last.
    fn entered(&self, codes: &[CodeId], backend: &dyn Backend) -> u64 {
        codes.iter().map(|&code| backend.entered(code) - self.nodes[&code].entered_before).sum()
    }

    /// What should become one region with this trace: what it is together with already, and then
    /// neighbours, hottest first, each with all that it is together with.
    fn grown(
        &self,
        code: CodeId,
        limit: usize,
        price: Price,
        backend: &dyn Backend,
    ) -> Vec<CodeId> {
        let mut members = Vec::new();
        let mut n_ops = 0;
        let mut seen: FxHashSet<CodeId> = FxHashSet::default();
        let mut next = BinaryHeap::from([(u64::MAX, Reverse(code))]);
        while let Some((_, Reverse(code))) = next.pop() {
            if seen.contains(&code) {
                continue;
            }
            let together = self.together(code);
            let more = self.n_ops(&together);
            let is_first = members.is_empty();
            seen.extend(&together);
            let pays = || self.entered(&together, backend) >= price.of_neighbour(more);
            if !is_first && (n_ops + more > limit || !pays()) {
                continue;
            }
            n_ops += more;
            for &neighbour in together.iter().flat_map(|code| &self.nodes[code].neighbours) {
                if !seen.contains(&neighbour) {
                    next.push((backend.entered(neighbour), Reverse(neighbour)));
                }
            }
            members.extend(together);
        }
        members
    }

    /// Whether the trace is in the region that was compiled last.
    fn is_in_last(&self, code: CodeId) -> bool {
        self.regions.last().is_some_and(|region| region.members.contains(&code))
    }

    fn install(&mut self, members: &[CodeId], backend: &dyn Backend) {
        let n_compiled = 1 + self.n_compiled(members);
        let region = self.regions.len();
        for code in members {
            let node = self.nodes.get_mut(code).expect("members are nodes");
            node.region = Some(region);
            node.entered_before = backend.entered(*code);
        }
        self.regions.push(Region { members: members.to_vec(), n_compiled });
    }
}

impl MetaInterp {
    /// The regions compiled so far, in order.
    pub fn regions(&self) -> Vec<CompiledRegion> {
        self.regions.borrow().compiled.clone()
    }

    /// Lets a new trace become part of a region some day.
    pub(super) fn add_to_regions(&self, code: CodeId, trace: Trace, from: Option<CodeId>) {
        let threshold = self.params.borrow().region_threshold;
        if threshold > 0 && self.backend.has_regions() {
            self.regions.borrow_mut().add(code, trace, from);
            self.backend.pause_after(code, threshold.into());
        }
    }

    /// A trace has been entered as often as it was to be counted, and code has paused.
    pub(super) fn entered_often(&self, code: CodeId) {
        let (price, limit) = {
            let params = self.params.borrow();
            let threshold = params.region_threshold.into();
            (Price { threshold }, params.region_limit as usize)
        };
        if self.background.has_region() {
            return self.look_for_region(code, price);
        }
        let mut regions = self.regions.borrow_mut();
        if price.threshold == 0 || !regions.nodes.contains_key(&code) {
            return;
        }
        let backend = &*self.backend;
        let members = regions.grown(code, limit, price, backend);
        let n_compiled = regions.n_compiled(&members);
        let due = price.of_region(regions.n_ops(&members), n_compiled);
        let is_due = regions.entered(&members, backend) >= due;
        if members.len() > regions.together(code).len() && is_due {
            let next = price.threshold << (n_compiled + 1).min(32);
            self.compile_region(&mut regions, members, next);
            if self.background.has_region() {
                backend.pause_after(code, price.until_look());
            }
        } else {
            // There is nothing to gain, or not yet: look again when it was entered twice as often.
            let entered = regions.entered(&[code], backend);
            backend.pause_after(code, entered.max(price.threshold));
        }
    }

    /// Installs the region that is being compiled, if it is done. Code has paused, so that memory is not as hooks
    /// may see it: with hooks, the next merge point is waited for.
    fn look_for_region(&self, code: CodeId, price: Price) {
        if !self.has_hooks() {
            self.install_compiled();
        }
        let is_installed = self.regions.borrow().is_in_last(code);
        if self.background.has_region() || !is_installed {
            self.backend.pause_after(code, price.until_look());
        }
    }

    fn compile_region(&self, regions: &mut Regions, members: Vec<CodeId>, next: u64) {
        let name = format!("region {}", regions.compiled.len());
        let traces: Vec<(CodeId, Arc<Trace>)> =
            members.iter().map(|&code| (code, Arc::clone(&regions.nodes[&code].trace))).collect();
        let names = traces.iter().map(|(_, trace)| trace.name.clone()).collect();
        let region = CompiledRegion { name, traces: names, ops: regions.n_ops(&members) };
        let started = Instant::now();
        let assembler = self.backend.begin_region(&region.name, &traces);
        self.stats.borrow_mut().region_ns += started.elapsed();
        let begun = BegunRegion { region, members, next };
        let job = match assembler {
            Ok(assembler) => self.hand_over(Job::Region(assembler)),
            Err(refusal) => return begun.is_declined(&self.name, &refusal),
        };
        match job.map(Job::run) {
            None => self.background.push(Begun::Region(begun)),
            Some(Done::Region { assembled, compiling }) => {
                self.finish_region(regions, begun, assembled, compiling);
            }
            Some(Done::Trace(_)) => unreachable!("a region was handed over"),
        }
    }

    /// Lets a region be entered, if all that it is made of is still there.
    pub(super) fn install_region(
        &self,
        begun: BegunRegion,
        assembled: Result<Assembled, Refusal>,
        compiling: Duration,
    ) {
        let regions = &mut *self.regions.borrow_mut();
        if begun.members.iter().all(|code| regions.nodes.contains_key(code)) {
            self.finish_region(regions, begun, assembled, compiling);
        } else {
            self.give_up_region(regions, &begun);
        }
    }

    /// Goes on counting entries.
    pub(super) fn give_up_region(&self, regions: &Regions, begun: &BegunRegion) {
        for &code in begun.members.iter().filter(|code| regions.nodes.contains_key(code)) {
            self.backend.pause_after(code, begun.next);
        }
    }

    fn finish_region(
        &self,
        regions: &mut Regions,
        begun: BegunRegion,
        assembled: Result<Assembled, Refusal>,
        compiling: Duration,
    ) {
        let started = Instant::now();
        let result = assembled.and_then(|it| self.backend.finish_region(&begun.members, it));
        let stats = &mut *self.stats.borrow_mut();
        stats.region_ns += compiling;
        stats.region_ns += started.elapsed();
        match result {
            Ok(compiled) => stats.codegen_ns += compiled.codegen,
            Err(refusal) => return begun.is_declined(&self.name, &refusal),
        }
        let BegunRegion { region, members, next } = begun;
        log::debug!("[{}] {region}", self.name);
        stats.regions += 1;
        stats.region_ops += region.ops as u64;
        regions.compiled.push(region);
        regions.install(&members, &*self.backend);
        members.iter().for_each(|&code| self.backend.pause_after(code, next));
    }
}

/// A region that is being compiled.
pub(super) struct BegunRegion {
    region: CompiledRegion,
    pub members: Vec<CodeId>,
    /// After how many entries of a member it is looked again.
    next: u64,
}

impl BegunRegion {
    // The traces stay as they are, and nobody asks again.
    fn is_declined(&self, driver: &str, refusal: &Refusal) {
        log::warn!("[{driver}] {}: declined: {refusal}", self.region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_has_paused_gets_further_before_it_pauses_again() {
        assert!((1..100).all(|threshold| Price { threshold }.until_look() > 1));
    }
}
