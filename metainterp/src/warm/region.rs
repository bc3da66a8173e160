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
use crate::backend::Backend;
use crate::ir::{CodeId, Opcode, TargetId, Trace};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

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

    /// For taking in so many operations of a neighbour.
    fn of_neighbour(self, n_ops: usize) -> u64 {
        (self.threshold / 8).max(n_ops as u64 * (self.threshold / 32)).max(1)
    }
}

/// A compiled trace, with its neighbours.
struct Node {
    trace: Trace,
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
        let jump = trace.ops.last().filter(|op| op.opcode == Opcode::Jump);
        let to = jump.and_then(|jump| self.labels.get(&jump.target()).copied());
        let n_ops = trace.n_operations();
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

    /// A trace has been entered as often as it was to be counted.
    pub(super) fn entered_often(&self, code: CodeId) {
        let (price, limit) = {
            let params = self.params.borrow();
            let threshold = params.region_threshold.into();
            (Price { threshold }, params.region_limit as usize)
        };
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
            self.compile_region(
                &mut regions,
                &members,
                price.threshold << (n_compiled + 1).min(32),
            );
        } else {
            // There is nothing to gain, or not yet: look again when it was entered twice as often.
            let entered = regions.entered(&[code], backend);
            backend.pause_after(code, entered.max(price.threshold));
        }
    }

    fn compile_region(&self, regions: &mut Regions, members: &[CodeId], next: u64) {
        let name = format!("region {}", regions.compiled.len());
        let traces: Vec<(CodeId, &Trace)> =
            members.iter().map(|&code| (code, &regions.nodes[&code].trace)).collect();
        let started = Instant::now();
        let result = self.backend.compile_region(&name, &traces);
        let names = traces.iter().map(|(_, trace)| trace.name.clone()).collect();
        let region = CompiledRegion { name, traces: names, ops: regions.n_ops(members) };
        let stats = &mut *self.stats.borrow_mut();
        stats.region_ns += started.elapsed();
        match result {
            Ok(compiled) => {
                log::debug!("[{}] {region}", self.name);
                stats.codegen_ns += compiled.codegen;
                stats.regions += 1;
                stats.region_ops += region.ops as u64;
                regions.compiled.push(region);
                regions.install(members, &*self.backend);
                members.iter().for_each(|&code| self.backend.pause_after(code, next));
            }
            // The traces stay as they are, and nobody asks again.
            Err(refusal) => log::warn!("[{}] {region}: declined: {refusal}", self.name),
        }
    }
}
