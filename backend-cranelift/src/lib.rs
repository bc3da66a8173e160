//! Compiles traces to machine code, with Cranelift.
//!
//! The way of a trace: `analysis` looks it over and refuses what cannot be compiled, `lower` makes
//! a Cranelift function of it, `compiler` has it compiled, all of which may happen on another thread
//! (`assemble`), `link` and `memory` put the code where it runs. `exits` holds where its exits and labels lead, `entry` calls it, `counters` counts how
//! often it is entered. Traces that are often gone to from each other take the same way together
//! (`group`, `region`).
//!
//! Invariants
//! 1. Code runs with one native stack frame, however many traces are gone through: from function to
//!    function it goes by tail calls.
//! 2. No page is writable and executable at a time.
//! 3. Compiling never panics for a trace that passes the verifier: it answers or refuses.
//! 4. Code refers to other traces by their exit slots and label cells only, so that a trace can
//!    move into a region and out of it while anything runs.
//!
//! Lowering is the same for all machines; [`compile_for`] assembles for another than the host's.

#![deny(unsafe_code)]

mod analysis;
mod assemble;
mod compiler;
mod counters;
mod entry;
mod exits;
mod free_list;
mod group;
mod lap;
mod link;
mod lower;
mod memory;
mod perf;
mod region;
mod target;
#[cfg(test)]
mod tests;

use analysis::{Analysis, shape_hash};
use assemble::{Apart, Compilers, ForeignLabel, Outside, OwnLabel, Unplaced};
use compiler::{Compiler, MachineCode};
use counters::Counters;
use entry::Entry;
use exits::{ExitSlots, LabelCell, Place};
use free_list::Range;
use group::{Group, Member};
use link::Relocation;
use lower::{Env, Helper};
use memory::{CodeMemory, Mapping};
use metainterp::backend::{self, Assembler, Backend, Compiled, Frame, Refusal, RegionAssembler};
use metainterp::ir::{CodeId, Exit, ExitId, Opcode, TargetId, Trace};
use metainterp::table::Table;
use perf::PerfMap;
use region::{Region, RegionPlace};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use target::Target;
use target_lexicon::Triple;

/// How much Cranelift itself optimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MidEnd {
    /// Not at all: traces have been optimized before.
    #[default]
    None,
    /// Its own common subexpressions, loop-invariant code motion and rewriting. Takes a quarter to
    /// a half more compile time.
    Speed,
}

/// What can be chosen about the backend.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cranelift's mid-end.
    pub mid_end: MidEnd,
    /// Keep what [`Backend::disassemble`] shows. It costs time and memory at every compilation.
    pub keep_listings: bool,
    /// Tell how large the laps of loops are, [`Compiled::lap`], if the feature `disas` is compiled in. It
    /// costs time at every compilation.
    pub measure_laps: bool,
    /// Tell `perf` the names of traces.
    pub perf_map: bool,
    /// Bytes of address space for machine code; at most [`MAX_CODE_MEMORY`].
    pub code_memory: usize,
}

/// The most code memory that near calls can span on every machine.
pub const MAX_CODE_MEMORY: usize = 127 << 20;

impl Default for Options {
    fn default() -> Options {
        Options {
            mid_end: MidEnd::None,
            keep_listings: false,
            measure_laps: false,
            perf_map: false,
            code_memory: 64 << 20,
        }
    }
}

impl Options {
    /// The defaults, changed by the environment: `JIT_PERF_MAP=1` names traces for `perf`,
    /// `JIT_LISTINGS=1` keeps listings, `JIT_MEASURE_LAPS=1` measures laps, `JIT_MID_END=1` runs
    /// Cranelift's mid-end.
    pub fn from_env() -> Options {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| value == "1");
        Options {
            mid_end: if is_set("JIT_MID_END") { MidEnd::Speed } else { MidEnd::None },
            keep_listings: is_set("JIT_LISTINGS"),
            measure_laps: is_set("JIT_MEASURE_LAPS"),
            perf_map: is_set("JIT_PERF_MAP"),
            ..Options::default()
        }
    }
}

/// The backend for the machine that the program runs on.
pub struct CraneliftBackend {
    entry: Entry,
    inner: RefCell<Inner>,
    /// How many runs of machine code are on the stack.
    depth: Cell<u32>,
}

struct Inner {
    compilers: Compilers,
    memory: CodeMemory,
    /// The stub's address.
    stub: usize,
    codes: Table<Code, 16>,
    labels: FxHashMap<TargetId, Label>,
    exits: FxHashMap<ExitId, ExitPlace>,
    /// Every entry of every trace; what the code returns that pauses there names it.
    doors: Table<(CodeId, u32), 64>,
    next_door: u32,
    regions: FxHashMap<u32, Region>,
    next_region: u32,
    /// Functions that are not gone to any more, but may be running.
    retired: Vec<Body>,
    /// Thunks for functions of the program, by their address. They stay: there are as many as
    /// functions that traces call.
    thunks: FxHashMap<u64, u64>,
    /// Bytes of slots and counters.
    slot_bytes: usize,
    perf_map: Option<PerfMap>,
}

/// The machine code of a function.
struct Body {
    range: Range,
    address: usize,
    counters: Counters,
    listing: Option<String>,
}

/// A compiled trace.
struct Code {
    /// Its own function, which stays as long as the trace.
    own: Body,
    /// Where it is instead, if it has become part of a region.
    region: Option<RegionPlace>,
    /// Where its entry 0 is: in `own` or the region.
    start: Place,
    exits: ExitSlots,
    labels: Vec<TargetId>,
    /// The numbers of its entries in `doors`.
    doors: std::ops::Range<u32>,
    /// Entries counted by functions that it is not in any more, and before the last restart.
    entered: u64,
    /// [`shape_hash`] of its inputs.
    inputs: u32,
    /// The exits that it was attached to.
    bridge_of: Vec<ExitId>,
}

/// A label that traces can jump to.
struct Label {
    code: CodeId,
    entry: u32,
    cell: Box<LabelCell>,
    /// [`shape_hash`] of its arguments.
    shape: u32,
}

/// Where an exit's slot is, and which bridge continues there.
#[derive(Clone, Copy)]
struct ExitPlace {
    code: CodeId,
    index: u32,
    bridge: Option<CodeId>,
}

/// Added to the numbers of doors where code pauses.
const DOOR: u32 = backend::FIRST_PAUSE;

impl CraneliftBackend {
    /// A backend with [`Options::from_env`].
    ///
    /// # Panics
    /// If Cranelift does not know the machine, or there is no address space for code.
    pub fn new() -> CraneliftBackend {
        CraneliftBackend::with_options(&Options::from_env())
    }

    /// A backend with these options.
    ///
    /// # Panics
    /// As [`CraneliftBackend::new`].
    pub fn with_options(options: &Options) -> CraneliftBackend {
        CraneliftBackend::try_new(options).unwrap_or_else(|refusal| panic!("no backend: {refusal}"))
    }

    /// A backend with these options, where the machine allows.
    pub fn try_new(options: &Options) -> Result<CraneliftBackend, Refusal> {
        CraneliftBackend::for_target(Target::host(options)?, options)
    }

    fn for_target(target: Target, options: &Options) -> Result<CraneliftBackend, Refusal> {
        let failed = |error: std::io::Error| Refusal::new(error.to_string());
        let entry = Entry::new(target.isa.clone())?;
        let mapping = if options.perf_map { Mapping::Once } else { Mapping::Twice };
        let memory = CodeMemory::new(options.code_memory.min(MAX_CODE_MEMORY), mapping);
        let perf_map = options.perf_map.then(PerfMap::open).transpose();
        let inner = Inner {
            compilers: Compilers::new(target, options),
            memory: memory.map_err(failed)?,
            stub: entry.stub(),
            codes: Table::default(),
            labels: FxHashMap::default(),
            exits: FxHashMap::default(),
            doors: Table::default(),
            next_door: 0,
            regions: FxHashMap::default(),
            next_region: 0,
            retired: Vec::new(),
            thunks: FxHashMap::default(),
            slot_bytes: 0,
            perf_map: perf_map.map_err(failed)?,
        };
        let depth = Cell::new(0);
        Ok(CraneliftBackend { entry, inner: RefCell::new(inner), depth })
    }

    /// Runs code until it leaves or pauses.
    ///
    /// # Safety
    /// As [`Backend::execute`].
    #[expect(unsafe_code, reason = "the caller vouches for the code")]
    unsafe fn enter(&self, place: Place, frame: &mut Frame) -> ExitId {
        self.depth.set(self.depth.get() + 1);
        // SAFETY: the caller vouches that the code stays while it runs, for the values in the
        // frame, and for what the trace does with them. What it was moved away from stays as long
        // as `depth` says that something runs.
        let exit = unsafe { self.entry.call(frame, place) };
        self.depth.set(self.depth.get() - 1);
        exit
    }
}

impl Default for CraneliftBackend {
    fn default() -> CraneliftBackend {
        CraneliftBackend::new()
    }
}

impl std::fmt::Debug for CraneliftBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CraneliftBackend")
            .field("codes", &self.inner.borrow().codes.len())
            .field("code_bytes", &self.code_bytes())
            .finish_non_exhaustive()
    }
}

impl Backend for CraneliftBackend {
    fn name(&self) -> &'static str {
        "cranelift"
    }

    fn compile(&self, code: CodeId, trace: &Trace) -> Result<Compiled, Refusal> {
        self.inner.borrow_mut().compile(code, trace)
    }

    fn begin(&self, targets: &[TargetId]) -> Box<dyn Assembler> {
        let inner = self.inner.borrow();
        Box::new(Apart { outside: inner.outside(targets), compilers: inner.compilers.clone() })
    }

    fn finish(
        &self,
        code: CodeId,
        trace: &Trace,
        assembled: backend::Assembled,
    ) -> Result<Compiled, Refusal> {
        let unplaced = assembled.downcast().expect("it comes from this backend's assembler");
        self.inner.borrow_mut().finish(code, trace, *unplaced)
    }

    fn attach_bridge(&self, exit: ExitId, bridge: CodeId) {
        self.inner.borrow_mut().attach_bridge(exit, bridge);
    }

    #[expect(unsafe_code, reason = "the trait's contract")]
    unsafe fn execute(&self, code: CodeId, frame: &mut Frame) -> ExitId {
        // The borrow ends here: compiled code may call what compiles, attaches and frees.
        let place = self.inner.borrow().place(code, 0);
        // SAFETY: the caller's promise is the same.
        unsafe { self.enter(place, frame) }
    }

    fn free(&self, code: CodeId) {
        let mut inner = self.inner.borrow_mut();
        inner.free(code);
        inner.release(self.depth.get());
    }

    fn has_regions(&self) -> bool {
        true
    }

    fn begin_region(
        &self,
        name: &str,
        members: &[(CodeId, Arc<Trace>)],
    ) -> Result<Box<dyn RegionAssembler>, Refusal> {
        Ok(Box::new(self.inner.borrow().begin_region(name, members)?))
    }

    fn finish_region(
        &self,
        members: &[CodeId],
        assembled: backend::Assembled,
    ) -> Result<Compiled, Refusal> {
        let unplaced = assembled.downcast().expect("it comes from this backend's assembler");
        let mut inner = self.inner.borrow_mut();
        let compiled = inner.finish_region(members, *unplaced);
        inner.release(self.depth.get());
        compiled
    }

    fn pause_after(&self, code: CodeId, entries: u64) {
        self.inner.borrow_mut().restart_counters(code, entries);
    }

    fn entered(&self, code: CodeId) -> u64 {
        self.inner.borrow().entered(code)
    }

    fn paused_at(&self, exit: ExitId) -> Option<CodeId> {
        let door = exit.0.checked_sub(DOOR)?;
        Some(self.inner.borrow().door(door).0)
    }

    #[expect(unsafe_code, reason = "the trait's contract")]
    unsafe fn resume(&self, paused: ExitId, frame: &mut Frame) -> ExitId {
        let place = {
            let inner = self.inner.borrow();
            let (code, entry) = inner.door(paused.0 - DOOR);
            inner.place(code, entry)
        };
        // SAFETY: the code paused before it did anything, so the frame holds what this entry takes,
        // wherever it is by now; the rest is the caller's promise.
        unsafe { self.enter(place, frame) }
    }

    fn code_bytes(&self) -> usize {
        let inner = self.inner.borrow();
        inner.memory.used() + inner.slot_bytes
    }

    fn disassemble(&self, code: CodeId) -> Option<String> {
        self.inner.borrow().listing(code)
    }
}

impl Inner {
    fn code(&self, code: CodeId) -> &Code {
        self.codes.get(code.0).unwrap_or_else(|| panic!("{code:?} is not compiled"))
    }

    fn compile(&mut self, code: CodeId, trace: &Trace) -> Result<Compiled, Refusal> {
        let jump = foreign_jump(trace, |target| has_label(trace, target));
        let outside = self.outside(jump.as_slice());
        let unplaced = outside.compile(&self.compilers, trace)?;
        self.finish(code, trace, unplaced)
    }

    /// What a trace must know that may jump to these labels of others.
    fn outside(&self, targets: &[TargetId]) -> Outside {
        let label = |&target: &TargetId| {
            let label = self.labels.get(&target)?;
            Some(ForeignLabel { target, cell: label.cell.address(), shape: label.shape })
        };
        Outside { stub: self.stub, labels: targets.iter().filter_map(label).collect() }
    }

    /// Lets assembled code be there.
    fn finish(
        &mut self,
        code: CodeId,
        trace: &Trace,
        unplaced: Unplaced,
    ) -> Result<Compiled, Refusal> {
        assert!(self.codes.get(code.0).is_none(), "{code:?} is in use");
        let Unplaced { exits, mut counters, machine, labels } = unplaced;
        let doors = self.next_door..self.next_door + counters.len() as u32;
        assert!(doors.end < DOOR, "too many entries");
        counters.set_doors(doors.clone().map(|door| DOOR | door));
        let (own, compiled) = self.place_body(&trace.name, machine, counters)?;
        let compiled = Compiled { code_bytes: own.bytes() + exits.bytes(), ..compiled };
        self.next_door = doors.end;
        for (entry, door) in doors.clone().enumerate() {
            self.doors.insert(door, (code, entry as u32));
        }
        let labels = self.register_labels(code, own.address, &labels);
        self.register_exits(code, &exits);
        let inputs = shape_hash(trace.types[..trace.n_inputs as usize].iter().copied());
        let start = Place { code: own.address, entry: 0 };
        let compiled_code = Code {
            own,
            region: None,
            start,
            exits,
            labels,
            doors,
            entered: 0,
            inputs,
            bridge_of: Vec::new(),
        };
        self.codes.insert(code.0, compiled_code);
        Ok(compiled)
    }

    /// Puts a function where it runs.
    fn place_body(
        &mut self,
        name: &str,
        mut machine: MachineCode,
        counters: Counters,
    ) -> Result<(Body, Compiled), Refusal> {
        let range = self.install(&mut machine)?;
        let address = self.memory.address(range);
        if let Some(perf_map) = &mut self.perf_map {
            perf_map.add(address, machine.bytes.len(), name);
        }
        self.slot_bytes += counters.bytes();
        let body = Body { range, address, counters, listing: machine.listing };
        let MachineCode { codegen, lap, .. } = machine;
        let compiled = Compiled { code_bytes: body.bytes(), codegen, lap };
        Ok((body, compiled))
    }

    /// The address of the cell of another function's label, to which the trace jumps.
    fn foreign_label(&self, trace: &Trace, target: TargetId) -> Result<u64, Refusal> {
        self.outside(&[target]).cell(trace, target)
    }

    /// Where one of the trace's entries is now.
    fn place(&self, code: CodeId, entry: u32) -> Place {
        let start = self.code(code).start;
        Place { entry: start.entry + entry, ..start }
    }

    /// Links the code and puts it where it runs.
    fn install(&mut self, machine: &mut MachineCode) -> Result<Range, Refusal> {
        let range = self.memory.allocate(machine.bytes.len())?;
        let linked = self.link(machine, range);
        match linked {
            Ok(()) => self.memory.write(range, &machine.bytes),
            Err(_) => self.memory.free(range),
        }
        linked.map(|()| range)
    }

    fn link(&mut self, machine: &mut MachineCode, range: Range) -> Result<(), Refusal> {
        let base = self.memory.address(range) as u64;
        for relocation in &machine.relocations {
            let target = self.target_address(relocation)?;
            relocation.apply(&mut machine.bytes, base, target)?;
        }
        Ok(())
    }

    fn target_address(&mut self, relocation: &Relocation) -> Result<u64, Refusal> {
        let far = match relocation.target {
            link::Target::Helper(Helper(address)) => address,
            link::Target::LibCall(libcall) => link::libcall(libcall)
                .ok_or_else(|| Refusal::new(format!("there is no {libcall:?}")))?,
        };
        if relocation.is_near() { self.thunk(far) } else { Ok(far) }
    }

    /// Where near calls reach a function that lies far away.
    fn thunk(&mut self, function: u64) -> Result<u64, Refusal> {
        if let Some(&thunk) = self.thunks.get(&function) {
            return Ok(thunk);
        }
        let range = self.memory.allocate(link::THUNK_SIZE)?;
        self.memory.write(range, &link::thunk(function));
        let address = self.memory.address(range) as u64;
        self.thunks.insert(function, address);
        Ok(address)
    }

    fn register_labels(
        &mut self,
        code: CodeId,
        address: usize,
        labels: &[OwnLabel],
    ) -> Vec<TargetId> {
        for &OwnLabel { target, entry, shape } in labels {
            let cell = LabelCell::new(Place { code: address, entry });
            let previous = self.labels.insert(target, Label { code, entry, cell, shape });
            assert!(previous.is_none(), "{target:?} is a label of two traces");
        }
        labels.iter().map(|label| label.target).collect()
    }

    fn register_exits(&mut self, code: CodeId, exits: &ExitSlots) {
        self.slot_bytes += exits.bytes();
        for (index, id) in (0..).zip(exits.ids()) {
            let previous = self.exits.insert(id, ExitPlace { code, index, bridge: None });
            assert!(previous.is_none(), "{id:?} is an exit of two traces");
        }
    }

    fn attach_bridge(&mut self, exit: ExitId, bridge: CodeId) {
        let place = *self.exits.get(&exit).unwrap_or_else(|| panic!("{exit:?} is not compiled"));
        let index = place.index as usize;
        let fits = self.code(place.code).exits.shape(index) == self.code(bridge).inputs;
        assert!(fits, "a bridge takes what its exit {exit:?} saves");
        if place.bridge.is_some() {
            // A region may have the old bridge built in.
            self.disband(place.code);
        }
        self.exits.insert(exit, ExitPlace { bridge: Some(bridge), ..place });
        self.code(place.code).exits.set(index, self.place(bridge, 0));
        self.codes.get_mut(bridge.0).expect("it is compiled").bridge_of.push(exit);
    }

    fn free(&mut self, code: CodeId) {
        self.disband(code);
        let freed = self.codes.remove(code.0).unwrap_or_else(|| panic!("{code:?} is not compiled"));
        self.detach(code, &freed);
        for label in &freed.labels {
            self.labels.remove(label);
        }
        for exit in freed.exits.ids() {
            self.exits.remove(&exit);
        }
        for door in freed.doors {
            self.doors.remove(door);
        }
        self.slot_bytes -= freed.exits.bytes();
        self.drop_body(freed.own);
    }

    /// The entry that a door is of.
    fn door(&self, door: u32) -> (CodeId, u32) {
        *self.doors.get(door).unwrap_or_else(|| panic!("door {door} is of no trace"))
    }

    fn drop_body(&mut self, body: Body) {
        self.slot_bytes -= body.counters.bytes();
        self.memory.free(body.range);
    }

    // A loop and its bridges lead to each other, so that whichever of them is freed first has
    // exits or jumps that lead to it. Exits can be turned back.
    fn detach(&mut self, code: CodeId, freed: &Code) {
        let stub = Place { code: self.stub, entry: 0 };
        for exit in &freed.bridge_of {
            let Some(place) = self.exits.get_mut(exit) else { continue };
            if place.bridge == Some(code) {
                place.bridge = None;
                if let Some(from) = self.codes.get(place.code.0) {
                    from.exits.set(place.index as usize, stub);
                }
            }
        }
    }
}

impl Body {
    /// Bytes of code and data.
    fn bytes(&self) -> usize {
        self.range.len + self.counters.bytes()
    }
}

fn has_label(trace: &Trace, target: TargetId) -> bool {
    trace.ops.iter().any(|op| op.opcode == Opcode::Label && op.target() == target)
}

/// The label that the trace ends with a jump to, if it is not among those that it is compiled with.
fn foreign_jump(trace: &Trace, is_known: impl FnOnce(TargetId) -> bool) -> Option<TargetId> {
    Some(trace.jump()?.target()).filter(|&target| !is_known(target))
}

/// Number and shape of every exit.
fn exit_shapes(trace: &Trace) -> impl Iterator<Item = (ExitId, u32)> {
    let shape = |exit: &Exit| shape_hash(trace.exit_args(exit).iter().map(|&arg| trace.ty(arg)));
    trace.exits.iter().map(move |exit| (exit.id, shape(exit)))
}

/// Machine code for another machine.
#[derive(Debug)]
pub struct Assembled {
    /// The code, not linked.
    pub bytes: Vec<u8>,
    /// What it looks like.
    pub listing: String,
}

/// Compiles a trace for any machine that Cranelift was built for, to look at. The trace jumps to no
/// label but its own.
pub fn compile_for(triple: &Triple, trace: &Trace) -> Result<Assembled, Refusal> {
    let options = Options { keep_listings: true, ..Options::default() };
    let mut compiler = Compiler::new(Target::of(&options, triple)?, &options);
    if foreign_jump(trace, |target| has_label(trace, target)).is_some() {
        return Err(Refusal::new("the trace jumps to another"));
    }
    assemble(&mut compiler, vec![Member::alone(trace, 0x1000, None)])
}

fn assemble(compiler: &mut Compiler, members: Vec<Member<'_>>) -> Result<Assembled, Refusal> {
    let group = Group::new(members);
    let analysis = Analysis::new(&group)?;
    let env = Env { counters: 0x1000, mid_end: false };
    let machine = compiler.compile(&group.members[0].trace.name, &group, &analysis, &env)?;
    Ok(Assembled { bytes: machine.bytes, listing: machine.listing.unwrap_or_default() })
}
