//! Regions: traces that have moved into one function.
//!
//! Compiling a region makes a function of its members and then leads everybody there: the exit
//! slots that bridges among them are attached to, the cells of their labels, and whoever enters them
//! next. Each member keeps its own function, exit slots and labels. So a region can be taken back
//! ([`Inner::disband`]), its exits get bridges as before, and a member may move on into a larger
//! region.
//!
//! Invariants
//! 1. All entries of a member are entries of its region, so whatever could lead to the trace can lead
//!    to the region.
//! 2. A link between members is built into a region only if the exit has the bridge; when that
//!    changes, the region is disbanded.
//! 3. A region's function that has no members any more is freed when no machine code is running:
//!    some of it may be further up the stack.

use crate::analysis::Analysis;
use crate::assemble::Compilers;
use crate::compiler::MachineCode;
use crate::counters::Counters;
use crate::exits::Place;
use crate::group::{Group, Member};
use crate::{Body, DOOR, ExitPlace, Inner, foreign_jump};
use metainterp::backend::{Assembled, Compiled, Refusal, RegionAssembler};
use metainterp::ir::{CodeId, Trace};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A compiled region.
pub(crate) struct Region {
    pub body: Body,
    /// Those that are in no other region by now.
    members: Vec<CodeId>,
}

/// Where in a region a trace is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegionPlace {
    pub region: u32,
    /// What the trace calls entry 0.
    pub first_entry: u32,
}

/// A region to compile, apart from the backend that will run it.
pub(crate) struct RegionApart {
    name: String,
    members: Vec<SharedMember>,
    /// One per entry.
    doors: Vec<u32>,
    compilers: Compilers,
}

/// A [`Member`] that keeps its trace.
struct SharedMember {
    trace: Arc<Trace>,
    bridges: Vec<Option<usize>>,
    exit_slots: u64,
    foreign: Option<u64>,
}

impl SharedMember {
    fn member(&self) -> Member<'_> {
        let SharedMember { ref trace, ref bridges, exit_slots, foreign } = *self;
        Member { trace, bridges: bridges.clone(), exit_slots, foreign }
    }
}

/// A compiled region that lies nowhere yet.
pub(crate) struct UnplacedRegion {
    name: String,
    machine: MachineCode,
    counters: Counters,
}

impl RegionAssembler for RegionApart {
    fn assemble(self: Box<Self>) -> Result<Assembled, Refusal> {
        let RegionApart { name, members, doors, compilers } = *self;
        let group = Group::new(members.iter().map(SharedMember::member).collect());
        let analysis = Analysis::new(&group)?;
        let mut counters = Counters::new(analysis.n_entries as usize);
        counters.set_doors(doors.into_iter());
        let machine = compilers.compile(&name, &group, &analysis, &counters)?;
        Ok(Box::new(UnplacedRegion { name, machine, counters }))
    }
}

impl Inner {
    /// What compiling these traces together needs.
    pub fn begin_region(
        &self,
        name: &str,
        traces: &[(CodeId, Arc<Trace>)],
    ) -> Result<RegionApart, Refusal> {
        let doors = traces.iter().flat_map(|(code, _)| self.code(*code).doors.clone());
        Ok(RegionApart {
            name: name.into(),
            members: self.members(traces)?,
            doors: doors.map(|door| DOOR | door).collect(),
            compilers: self.compilers.clone(),
        })
    }

    /// Lets traces be in the region that they were compiled to.
    pub fn finish_region(
        &mut self,
        members: &[CodeId],
        unplaced: UnplacedRegion,
    ) -> Result<Compiled, Refusal> {
        let UnplacedRegion { name, machine, counters } = unplaced;
        let (body, compiled) = self.place_body(&name, machine, counters)?;
        let region = self.next_region;
        self.next_region += 1;
        self.regions.insert(region, Region { body, members: Vec::new() });
        let mut first_entry = 0;
        for &code in members {
            self.move_to(code, Some(RegionPlace { region, first_entry }));
            first_entry += self.code(code).doors.len() as u32;
        }
        Ok(compiled)
    }

    fn members(&self, traces: &[(CodeId, Arc<Trace>)]) -> Result<Vec<SharedMember>, Refusal> {
        let indices: FxHashMap<CodeId, usize> =
            traces.iter().map(|&(code, _)| code).zip(0..).collect();
        assert_eq!(indices.len(), traces.len(), "a trace is in a region twice");
        let member = |(code, trace): &(CodeId, Arc<Trace>)| {
            let compiled = self.code(*code);
            assert_eq!(compiled.exits.ids().len(), trace.exits.len(), "{code:?} is another trace");
            let bridge = |exit| indices.get(&self.exits[&exit].bridge?).copied();
            let bridges = compiled.exits.ids().map(bridge).collect();
            let is_known =
                |target| self.labels.get(&target).is_some_and(|l| indices.contains_key(&l.code));
            let foreign = foreign_jump(trace, is_known);
            let foreign = foreign.map(|target| self.foreign_label(trace, target)).transpose()?;
            let (trace, exit_slots) = (Arc::clone(trace), compiled.exits.address());
            Ok(SharedMember { trace, bridges, exit_slots, foreign })
        };
        traces.iter().map(member).collect()
    }

    /// Lets the members of a trace's region be for themselves again.
    pub fn disband(&mut self, code: CodeId) {
        let Some(place) = self.codes.get(code.0).and_then(|code| code.region) else { return };
        for member in self.regions[&place.region].members.clone() {
            self.move_to(member, None);
        }
    }

    /// Lets a trace be somewhere else, and everybody find it there.
    fn move_to(&mut self, code: CodeId, to: Option<RegionPlace>) {
        self.restart_counters(code, 0);
        let moved = self.codes.get_mut(code.0).expect("it is compiled");
        let from = std::mem::replace(&mut moved.region, to);
        moved.start = match to {
            None => Place { code: moved.own.address, entry: 0 },
            Some(to) => {
                let region = self.regions.get_mut(&to.region).expect("it is there");
                region.members.push(code);
                Place { code: region.body.address, entry: to.first_entry }
            }
        };
        self.relink(code);
        if let Some(from) = from {
            self.leave(code, from);
        }
    }

    fn leave(&mut self, code: CodeId, from: RegionPlace) {
        let region = self.regions.get_mut(&from.region).expect("it is there");
        region.members.retain(|&member| member != code);
        if region.members.is_empty() {
            let region = self.regions.remove(&from.region).expect("it is there");
            self.retired.push(region.body);
        }
    }

    /// Leads exits and labels to where the trace is.
    fn relink(&self, code: CodeId) {
        let moved = self.code(code);
        for exit in &moved.bridge_of {
            match self.exits.get(exit) {
                Some(&ExitPlace { code: from, index, bridge }) if bridge == Some(code) => {
                    self.code(from).exits.set(index as usize, self.place(code, 0));
                }
                _ => {}
            }
        }
        for target in &moved.labels {
            let label = &self.labels[target];
            label.cell.set(self.place(code, label.entry));
        }
    }

    /// Frees functions that are not gone to any more, if nothing is running.
    pub fn release(&mut self, depth: u32) {
        if depth == 0 {
            for body in std::mem::take(&mut self.retired) {
                self.drop_body(body);
            }
        }
    }

    /// Lets the trace pause after some entries at any of its entries; 0 for never.
    pub fn restart_counters(&mut self, code: CodeId, until_pause: u64) {
        let trace =
            self.codes.get_mut(code.0).unwrap_or_else(|| panic!("{code:?} is not compiled"));
        let (counters, first) = match trace.region {
            None => (&mut trace.own.counters, 0),
            Some(place) => {
                let region = self.regions.get_mut(&place.region).expect("it is there");
                (&mut region.body.counters, place.first_entry as usize)
            }
        };
        for entry in first..first + trace.doors.len() {
            trace.entered += counters.restart(entry, until_pause);
        }
    }

    /// How often the trace was entered.
    pub fn entered(&self, code: CodeId) -> u64 {
        let trace = self.code(code);
        let (counters, first) = match trace.region {
            None => (&trace.own.counters, 0),
            Some(place) => (&self.regions[&place.region].body.counters, place.first_entry as usize),
        };
        let counted = (first..first + trace.doors.len()).map(|entry| counters.counted(entry));
        trace.entered + counted.sum::<u64>()
    }

    /// What the trace looks like, and its region.
    pub fn listing(&self, code: CodeId) -> Option<String> {
        let trace = self.codes.get(code.0)?;
        let region = trace.region.map(|place| &self.regions[&place.region].body);
        region.unwrap_or(&trace.own).listing.clone()
    }
}
