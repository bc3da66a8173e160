//! Compiles traces to machine code, with Cranelift.
//!
//! The way of a trace: `analysis` looks it over and refuses what cannot be compiled, `lower` makes
//! a Cranelift function of it, `compiler` has it compiled, `link` and `memory` put the code where
//! it runs. `exits` holds where its exits lead, `entry` calls it.
//!
//! Invariants
//! 1. Traces run with one native stack frame, however many of them are gone through: from trace to
//!    trace they go by tail calls.
//! 2. No page is writable and executable at a time.
//! 3. Compiling never panics for a trace that passes the verifier: it answers or refuses.
//!
//! Lowering is the same for all machines; [`compile_for`] assembles for another than the host's.

#![deny(unsafe_code)]

mod analysis;
mod compiler;
mod entry;
mod exits;
mod free_list;
mod link;
mod lower;
mod memory;
mod perf;
mod target;
#[cfg(test)]
mod tests;

use analysis::{Analysis, shape_hash};
use compiler::{Compiler, MachineCode};
use entry::Entry;
use exits::ExitSlots;
use free_list::Range;
use link::Relocation;
use lower::{Env, ForeignLabel, Symbol};
use memory::{CodeMemory, Mapping};
use metainterp::backend::{Backend, Compiled, Frame, Refusal};
use metainterp::ir::{CodeId, Exit, ExitId, Opcode, TargetId, Trace};
use perf::PerfMap;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
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
            perf_map: false,
            code_memory: 64 << 20,
        }
    }
}

impl Options {
    /// The defaults, changed by the environment: `JIT_PERF_MAP=1` names traces for `perf`,
    /// `JIT_LISTINGS=1` keeps listings, `JIT_MID_END=1` runs Cranelift's mid-end.
    pub fn from_env() -> Options {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| value == "1");
        Options {
            mid_end: if is_set("JIT_MID_END") { MidEnd::Speed } else { MidEnd::None },
            keep_listings: is_set("JIT_LISTINGS"),
            perf_map: is_set("JIT_PERF_MAP"),
            ..Options::default()
        }
    }
}

/// The backend for the machine that the program runs on.
pub struct CraneliftBackend {
    entry: Entry,
    inner: RefCell<Inner>,
}

struct Inner {
    compiler: Compiler,
    memory: CodeMemory,
    /// The stub's address.
    stub: usize,
    codes: FxHashMap<CodeId, Code>,
    labels: FxHashMap<TargetId, Label>,
    exits: FxHashMap<ExitId, ExitPlace>,
    /// Thunks for functions of the program, by their address. They stay: there are as many as
    /// functions that traces call.
    thunks: FxHashMap<u64, u64>,
    slot_bytes: usize,
    perf_map: Option<PerfMap>,
}

/// A compiled trace.
struct Code {
    range: Range,
    address: usize,
    exits: ExitSlots,
    labels: Vec<TargetId>,
    /// [`shape_hash`] of its inputs.
    inputs: u32,
    /// The exits that it was attached to.
    bridge_of: Vec<ExitId>,
    listing: Option<String>,
}

/// A label that traces can jump to.
struct Label {
    place: ForeignLabel,
    /// [`shape_hash`] of its arguments.
    shape: u32,
}

/// Where an exit's slot is.
#[derive(Clone, Copy)]
struct ExitPlace {
    code: CodeId,
    index: u32,
}

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
            compiler: Compiler::new(target, options),
            memory: memory.map_err(failed)?,
            stub: entry.stub(),
            codes: FxHashMap::default(),
            labels: FxHashMap::default(),
            exits: FxHashMap::default(),
            thunks: FxHashMap::default(),
            slot_bytes: 0,
            perf_map: perf_map.map_err(failed)?,
        };
        Ok(CraneliftBackend { entry, inner: RefCell::new(inner) })
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

    fn attach_bridge(&self, exit: ExitId, bridge: CodeId) {
        self.inner.borrow_mut().attach_bridge(exit, bridge);
    }

    #[expect(unsafe_code, reason = "the trait's contract")]
    unsafe fn execute(&self, code: CodeId, frame: &mut Frame) -> ExitId {
        // The borrow ends here: compiled code may call what compiles, attaches and frees.
        let address = self.inner.borrow().code(code).address;
        // SAFETY: the caller vouches that the code stays while it runs, for the inputs, and for
        // what the trace does with them.
        unsafe { self.entry.call(frame, address) }
    }

    fn free(&self, code: CodeId) {
        self.inner.borrow_mut().free(code);
    }

    fn code_bytes(&self) -> usize {
        let inner = self.inner.borrow();
        inner.memory.used() + inner.slot_bytes
    }

    fn disassemble(&self, code: CodeId) -> Option<String> {
        self.inner.borrow().codes.get(&code)?.listing.clone()
    }
}

impl Inner {
    fn code(&self, code: CodeId) -> &Code {
        self.codes.get(&code).unwrap_or_else(|| panic!("{code:?} is not compiled"))
    }

    fn compile(&mut self, code: CodeId, trace: &Trace) -> Result<Compiled, Refusal> {
        assert!(!self.codes.contains_key(&code), "{code:?} is in use");
        let analysis = Analysis::new(trace)?;
        let foreign = self.foreign_label(trace, &analysis)?;
        let exits = ExitSlots::new(self.stub, exit_shapes(trace));
        let mid_end = self.compiler.has_mid_end();
        let env = Env { foreign, exit_slots: exits.address(), mid_end };
        let mut machine = self.compiler.compile(trace, &analysis, &env)?;
        let range = self.install(&mut machine)?;
        let address = self.memory.address(range);
        if let Some(perf_map) = &mut self.perf_map {
            perf_map.add(address, machine.bytes.len(), &trace.name);
        }
        let compiled = Compiled { code_bytes: range.len + exits.bytes() };
        let labels = self.register_labels(code, trace, &analysis);
        self.register_exits(code, &exits);
        let compiled_code = Code {
            range,
            address,
            exits,
            labels,
            inputs: shape_hash(trace.types[..trace.n_inputs as usize].iter().copied()),
            bridge_of: Vec::new(),
            listing: machine.listing,
        };
        self.codes.insert(code, compiled_code);
        Ok(compiled)
    }

    /// The label of another trace that the trace ends with a jump to.
    fn foreign_label(
        &self,
        trace: &Trace,
        analysis: &Analysis,
    ) -> Result<Option<ForeignLabel>, Refusal> {
        let Some(jump) = trace.ops.last().filter(|op| op.opcode == Opcode::Jump) else {
            return Ok(None);
        };
        if analysis.label_index(jump.target()).is_some() {
            return Ok(None);
        }
        let unknown = || Refusal::new(format!("{:?} is no label to jump to", jump.target()));
        let label = self.labels.get(&jump.target()).ok_or_else(unknown)?;
        if label.shape != shape_hash(trace.args(jump).iter().map(|&arg| trace.ty(arg))) {
            return Err(Refusal::new(format!("{:?} has other arguments", jump.target())));
        }
        Ok(Some(label.place))
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
            link::Target::Symbol(Symbol::Code(code)) => return Ok(self.code(code).address as u64),
            link::Target::Symbol(Symbol::Helper(address)) => address,
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
        trace: &Trace,
        analysis: &Analysis,
    ) -> Vec<TargetId> {
        let mut targets = Vec::new();
        for label in &analysis.labels {
            let place = ForeignLabel { code, entry: label.entry };
            let shape = shape_hash(label.values().map(|value| trace.types[value.index()]));
            let label_of_code = Label { place, shape };
            let previous = self.labels.insert(label.target, label_of_code);
            assert!(previous.is_none(), "{:?} is a label of two traces", label.target);
            targets.push(label.target);
        }
        targets
    }

    fn register_exits(&mut self, code: CodeId, exits: &ExitSlots) {
        self.slot_bytes += exits.bytes();
        for (index, id) in (0..).zip(exits.ids()) {
            let previous = self.exits.insert(id, ExitPlace { code, index });
            assert!(previous.is_none(), "{id:?} is an exit of two traces");
        }
    }

    fn attach_bridge(&mut self, exit: ExitId, bridge: CodeId) {
        let place = self.exits.get(&exit).unwrap_or_else(|| panic!("{exit:?} is not compiled"));
        let exits = &self.code(place.code).exits;
        let continuation = self.code(bridge);
        let index = place.index as usize;
        let fits = exits.shape(index) == continuation.inputs;
        assert!(fits, "a bridge takes what its exit {exit:?} saves");
        exits.attach(index, continuation.address);
        self.codes.get_mut(&bridge).expect("it is compiled").bridge_of.push(exit);
    }

    fn free(&mut self, code: CodeId) {
        let freed = self.codes.remove(&code).unwrap_or_else(|| panic!("{code:?} is not compiled"));
        self.detach(&freed);
        for label in &freed.labels {
            self.labels.remove(label);
        }
        for exit in freed.exits.ids() {
            self.exits.remove(&exit);
        }
        self.slot_bytes -= freed.exits.bytes();
        self.memory.free(freed.range);
    }

    // A loop and its bridges lead to each other, so that whichever of them is freed first has
    // exits or jumps that lead to it. Exits can be turned back.
    fn detach(&self, freed: &Code) {
        let places = freed.bridge_of.iter().filter_map(|exit| self.exits.get(exit));
        for place in places {
            if let Some(from) = self.codes.get(&place.code) {
                from.exits.detach(place.index as usize, freed.address, self.stub);
            }
        }
    }
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
    let analysis = Analysis::new(trace)?;
    let stays = |jump: &&metainterp::ir::Op| analysis.label_index(jump.target()).is_some();
    let jump = trace.ops.last().filter(|op| op.opcode == Opcode::Jump);
    if jump.is_some() && jump.filter(stays).is_none() {
        return Err(Refusal::new("the trace jumps to another"));
    }
    let env = Env { foreign: None, exit_slots: 0x1000, mid_end: false };
    let machine = compiler.compile(trace, &analysis, &env)?;
    Ok(Assembled { bytes: machine.bytes, listing: machine.listing.unwrap_or_default() })
}
