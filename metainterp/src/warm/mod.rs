//! Warm state: when to record, what to compile, entering compiled code and leaving it.
//!
//! The life of a loop: [`MetaInterp::tick`] counts arrivals at a loop header by green key. At the
//! threshold, [`MetaInterp::enter`] runs the twin for a lap with a [`Recorder`], optimizes the
//! trace and hands it to the backend. From then on `enter` runs the compiled code. When a guard
//! fails, its exit says how to go on: rewind (hand the reds back), or replay the twin. An exit
//! that is taken often gets a bridge, recorded by the same replay. Traces that are often entered
//! from each other are compiled together ([`region`]).
//!
//! Invariants
//! 1. Whatever happens in here, the caller gets a state in which the plain interpreter continues
//!    as if nothing had been compiled.
//! 2. No `RefCell` is borrowed while the twin or compiled code runs: both may come back in here.
//! 3. One recording at a time: an interpreter that runs inside a residual call while its driver
//!    records enters compiled code, but starts no recording.

pub mod assembler;
mod background;
mod cell;
mod compile;
mod exits;
mod owners;
mod paths;
mod region;
mod run;
mod versions;

pub use region::CompiledRegion;

use crate::abort::Abort;
use crate::backend::Backend;
use crate::hooks::Hooks;
use crate::ir::{self, CodeId, Const, TargetId, Trace, Ty};
use crate::opt::{Passes, Size};
use crate::params::{ParamError, Params};
use crate::position::{self, Way};
use crate::quasi::VALIDITY_CLASS;
use crate::record::{Borrowed, FindTarget, Limits, NotInlined, Recorded, Recorder, Route, Words};
use crate::stats::Stats;
use crate::table::Table;
use assembler::{Assembler, AtExit};
use background::Background;
use cell::{Cells, Tick};
use compile::{Becomes, Task};
use exits::ExitInfo;
use owners::Owners;
use paths::Paths;
use region::Regions;
use run::Frames;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Instant;
use versions::Versions;

/// Where the portal's run has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// At a merge point, with the greens and reds of the state.
    MergePoint,
    /// Compiled code returned from the portal, with the result of the state.
    Returned,
    /// The twin returned from the portal; it has kept the result.
    TwinReturned,
}

/// The variables of a portal at a merge point. It is updated in place by whatever runs.
#[derive(Debug, Default)]
pub struct State {
    /// Words of the greens.
    pub greens: Words,
    /// Words of the reds.
    pub reds: Words,
    /// Words of the portal's result, when compiled code has returned.
    pub result: Words,
}

/// The types of the words of the reds.
pub type RedTypes = fn() -> SmallVec<[Ty; 8]>;

/// Operations recorded of a trace that leads to a loop, to be recorded again by those that come there.
const MAX_PASSED: usize = 200;

/// By how many words of the greens it is told where the program goes.
pub const MAX_LAST_GREENS: usize = 16;

/// Portals that are not inlined any more. When there are too many, because a program makes ever new ones, they get
/// another chance.
const MAX_NOT_INLINED: usize = 10_000;

/// A portal's twin: runs from a merge point with the greens and reds of the state, and leaves those of
/// another one there.
pub type Twin<'a> = dyn FnMut(&Recorder, &mut State) -> Left + 'a;

/// The meta-interpreter of one driver.
pub struct MetaInterp {
    name: String,
    enabled: Cell<bool>,
    recording: Cell<bool>,
    portal: Cell<Option<(TypeId, &'static str)>>,
    /// The words of the greens at the last merge point that is alone: the first ones, if there are more.
    last_greens: [Cell<u64>; MAX_LAST_GREENS],
    has_last_greens: Cell<bool>,
    params: RefCell<Params>,
    passes: Cell<Passes>,
    threshold: Cell<u32>,
    /// No recording has come to where the program moves a `Vec` that it might know by its place.
    names_buffers: Cell<bool>,
    function_threshold: Cell<u32>,
    backend: Box<dyn Backend>,
    cells: Rc<RefCell<Cells>>,
    /// Looks for code among them.
    find_target: FindTarget,
    /// By number.
    exits: RefCell<Table<Rc<ExitInfo>, 64>>,
    next_exit: Arc<AtomicU32>,
    hooks: Option<Rc<dyn Hooks>>,
    /// What a hook has panicked with, until the interpreter's state is whole again.
    hook_panic: Cell<Option<Box<dyn Any + Send>>>,
    /// All code is to be freed when the recording is over.
    release_due: Cell<bool>,
    owners: Owners,
    next_code: Cell<u32>,
    next_target: Rc<Cell<u32>>,
    /// For traces that call the portal.
    assembler: Rc<Assembler>,
    frames: Frames,
    stats: RefCell<Stats>,
    compiled: RefCell<Vec<Kept>>,
    regions: RefCell<Regions>,
    versions: RefCell<Versions>,
    paths: Paths,
    background: Background,
    /// Portals that are called from now on, not inlined.
    not_inlined: RefCell<Rc<NotInlined>>,
    /// What recordings have met that never changes.
    borrowed: Rc<RefCell<Borrowed>>,
    /// The next [`MetaInterp::enter`] is to install what was compiled, and no more.
    only_installs: Cell<bool>,
}

/// One line of the list of traces: what was compiled, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledTrace {
    /// Its number, which no other trace of this driver has.
    pub id: u32,
    /// `loop 0`, `entry 3`, `bridge 2 of exit 7`.
    pub name: String,
    /// Operations recorded.
    pub recorded_ops: usize,
    /// The optimized trace, printed.
    pub optimized: String,
    /// Operations left by the optimizer.
    pub ops: usize,
    /// Guards left by the optimizer.
    pub guards: usize,
    /// The driver's numbers of its exits, in the order of its guards.
    pub exits: std::ops::Range<u32>,
    /// What [`Hooks::get_printable_location`] says of the merge points that it passes.
    pub locations: Vec<String>,
}

impl std::fmt::Display for CompiledTrace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CompiledTrace { name, recorded_ops, ops, guards, locations, .. } = self;
        write!(
            f,
            "{name}: {recorded_ops} operations recorded, {ops} left, {guards} of them guards"
        )?;
        locations.iter().try_for_each(|location| write!(f, "\n    {location}"))
    }
}

/// What a line of the list of traces is made from.
struct Kept {
    id: u32,
    recorded_ops: usize,
    optimized: Arc<Trace>,
    exits: std::ops::Range<u32>,
    locations: Vec<String>,
}

impl Kept {
    fn line(&self) -> CompiledTrace {
        let Kept { id, recorded_ops, optimized, exits, locations } = self;
        CompiledTrace {
            id: *id,
            name: optimized.name.clone(),
            recorded_ops: *recorded_ops,
            ops: optimized.n_operations(),
            guards: optimized.n_guards(),
            optimized: optimized.to_string(),
            exits: exits.clone(),
            locations: locations.clone(),
        }
    }
}

/// Where a recording started.
enum Start {
    Interpreter(Words),
    Exit(Rc<ExitInfo>),
}

impl Start {
    /// The exit, if it was one.
    fn exit(&self) -> Option<&Rc<ExitInfo>> {
        match self {
            Start::Interpreter(_) => None,
            Start::Exit(exit) => Some(exit),
        }
    }
}

impl MetaInterp {
    /// A meta-interpreter with its backend.
    ///
    /// Fails if `enable_opts` names a pass that does not exist.
    pub fn new(
        name: &str,
        params: Params,
        backend: Box<dyn Backend>,
    ) -> Result<MetaInterp, ParamError> {
        let cells: Rc<RefCell<Cells>> = Rc::default();
        let meta = MetaInterp {
            name: name.into(),
            enabled: Cell::new(true),
            recording: Cell::new(false),
            portal: Cell::new(None),
            last_greens: Default::default(),
            has_last_greens: Cell::new(false),
            params: RefCell::new(Params::default()),
            passes: Cell::new(Passes::default()),
            threshold: Cell::new(0),
            names_buffers: Cell::new(true),
            function_threshold: Cell::new(0),
            backend,
            find_target: find_target(Rc::clone(&cells)),
            cells,
            exits: RefCell::default(),
            next_exit: Arc::default(),
            hooks: None,
            hook_panic: Cell::new(None),
            release_due: Cell::new(false),
            owners: Owners::default(),
            next_code: Cell::new(0),
            next_target: Rc::default(),
            assembler: Rc::default(),
            frames: Frames::default(),
            stats: RefCell::default(),
            compiled: RefCell::default(),
            regions: RefCell::default(),
            versions: RefCell::default(),
            paths: Paths::default(),
            background: Background::default(),
            not_inlined: RefCell::default(),
            borrowed: Rc::default(),
            only_installs: Cell::new(false),
        };
        meta.set_params(params)?;
        Ok(meta)
    }

    /// Tells and asks the author from now on.
    pub fn set_hooks(&mut self, hooks: Rc<dyn Hooks>) {
        self.hooks = Some(hooks);
    }

    /// Whether there is compiled code for these greens.
    pub fn get_jitcell_at_key(&self, greens: &[u64]) -> bool {
        self.cells.borrow().entry(greens).is_some()
    }

    /// Lets the next arrival with these greens start a recording.
    pub fn trace_next_iteration(&self, greens: &[u64]) {
        self.cells.borrow_mut().trace_next_iteration(greens);
    }

    /// Lets the next failure of this exit start a recording; false if there is no such exit.
    pub fn trace_next_failure(&self, exit: u32) -> bool {
        let exits = self.exits.borrow();
        exits.get(exit).inspect(|exit| exit.trace_next_failure()).is_some()
    }

    /// Lets no recording start with these greens any more, nor inline what starts with them.
    pub fn dont_trace_here(&self, greens: &[u64]) {
        self.never_inline(greens);
        self.cells.borrow_mut().dont_trace_here(greens);
    }

    /// The driver's name, for the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The backend's name.
    pub fn backend_name(&self) -> &'static str {
        self.backend.name()
    }

    /// Replaces all parameters, from now on.
    pub fn set_params(&self, params: Params) -> Result<(), ParamError> {
        let passes: Passes = params
            .enable_opts
            .parse()
            .map_err(|_| ParamError::invalid("enable_opts", &params.enable_opts))?;
        self.passes.set(passes);
        self.threshold.set(params.threshold);
        self.function_threshold.set(match params.function_threshold {
            // More than is counted.
            0 => u32::MAX,
            given => given.min(params.threshold.saturating_mul(2)),
        });
        *self.params.borrow_mut() = params;
        Ok(())
    }

    /// The parameters.
    pub fn params(&self) -> Params {
        self.params.borrow().clone()
    }

    /// Switches recording and entering compiled code on or off.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.set(enabled);
    }

    /// Whether recording and entering compiled code are switched on.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats.borrow().clone();
        stats.guard_failures = stats.rewinds + stats.replays;
        stats.code_bytes = self.backend.code_bytes() as u64;
        stats
    }

    /// What was compiled so far, in order.
    pub fn compiled(&self) -> Vec<CompiledTrace> {
        self.compiled.borrow().iter().map(Kept::line).collect()
    }

    /// Notes whose loop this is. The first portal has the driver to itself, since greens alone are the
    /// key of its code.
    ///
    /// Panics if another portal uses the driver.
    #[inline]
    pub fn claim(&self, portal: TypeId, name: &'static str) {
        match self.portal.get() {
            None => self.portal.set(Some((portal, name))),
            Some((owner, of)) if owner != portal => self.refuse(of, name),
            Some(_) => {}
        }
    }

    #[cold]
    fn refuse(&self, of: &str, name: &str) -> ! {
        panic!(
            "`{}`: two portals share this driver, `{of}` and `{name}`; give each its own",
            self.name
        );
    }

    /// Counts an arrival at a loop header; true when [`MetaInterp::enter`] is to be called.
    pub fn tick(&self, greens: &[u64]) -> bool {
        self.tick_at(greens, self.threshold.get())
    }

    #[inline(never)]
    fn tick_at(&self, greens: &[u64], threshold: u32) -> bool {
        let tick = self.cells.borrow_mut().tick(greens, threshold);
        match tick {
            Tick::Compiled => self.confirms(greens),
            Tick::Hot | Tick::Cold => self.ticks_without_code(tick, greens),
        }
    }

    /// Whether to call [`MetaInterp::enter`] where there is no code.
    fn ticks_without_code(&self, tick: Tick, greens: &[u64]) -> bool {
        if std::mem::take(&mut self.cells.borrow_mut().found_invalid) {
            self.owners.has_invalid.set(true);
        }
        let is_recording = self.recording.get();
        let records = matches!(tick, Tick::Hot) && !is_recording && !self.background.has_entry();
        if !records && self.background.has_finished() && !is_recording {
            self.only_installs.set(true);
            return true;
        }
        records && self.confirms(greens)
    }

    /// Whether the author wants to go on with compiled code, or to record.
    fn confirms(&self, greens: &[u64]) -> bool {
        self.hooks.as_ref().is_none_or(|hooks| hooks.confirm_enter_jit(greens))
    }

    /// The same for an arrival at a merge point that has no `can_enter_jit!`: it is one at a loop header
    /// if the program has jumped back there, or come there from other code.
    ///
    /// Bit `k` of `pointers` says whether word `k` is one.
    #[inline]
    pub fn tick_at_merge_point(&self, greens: &[u64], pointers: u64) -> bool {
        let mut changed = 0u64;
        for (at, (last, now)) in self.last_greens.iter().zip(greens).enumerate() {
            changed |= u64::from(last.get() != *now) << at;
        }
        // As a rule only the program counter has changed, and this is asked at each instruction.
        let at = changed.trailing_zeros() as usize;
        let is_one = changed != 0 && changed & (changed - 1) == 0;
        if is_one
            && pointers & changed == 0
            && self.last_greens[at].get() < greens[at]
            && self.has_last_greens.get()
        {
            self.last_greens[at].set(greens[at]);
            return false;
        }
        self.tick_elsewhere(greens, pointers)
    }

    #[inline(never)]
    fn tick_elsewhere(&self, greens: &[u64], pointers: u64) -> bool {
        let words = self.last_greens.iter().zip(greens).enumerate();
        let words =
            words.map(|(at, (last, &now))| (last.replace(now), now, pointers >> at & 1 == 1));
        let threshold = match (position::way(words), self.has_last_greens.replace(true)) {
            (Way::Ahead, true) => return false,
            (Way::Elsewhere, true) => &self.function_threshold,
            _ => &self.threshold,
        };
        self.tick_at(greens, threshold.get())
    }

    /// Goes on from a loop header with compiled code or by recording, or from an exit of compiled code.
    ///
    /// Panics with the interpreter's own panic where the plain interpreter would. A panic of a hook waits:
    /// the caller gets a state all the same, and asks [`MetaInterp::take_hook_panic`].
    pub fn enter(
        &self,
        state: &mut State,
        types: RedTypes,
        mut from: Option<Box<AtExit>>,
        twin: &mut Twin<'_>,
    ) -> Left {
        let mut is_first = from.is_none();
        if is_first {
            self.install_compiled();
            if self.only_installs.take() || self.hook_has_panicked() {
                return Left::MergePoint;
            }
            self.free_what_is_invalid();
            self.record_anew();
        }
        loop {
            let (left, progress) = match from.take() {
                Some(left) => self.run_from_exit(*left, state, twin),
                None => {
                    let code = self.cells.borrow_mut().enter(&state.greens);
                    match code {
                        Some(code) => self.run(code, state, twin),
                        None if is_first => {
                            (self.record_from_interpreter(state, types, twin), Progress::Made)
                        }
                        None => return Left::MergePoint,
                    }
                }
            };
            // The twin stopped at a merge point behind the failed guard: often one with compiled code. Where a
            // rewind may have made no progress at all, the interpreter makes some first.
            if left != Left::MergePoint || progress == Progress::Rewound || self.hook_has_panicked()
            {
                return left;
            }
            // A program may go round here for as long as an exit has no bridge.
            self.install_compiled();
            if self.hook_has_panicked() {
                return left;
            }
            is_first = false;
        }
    }

    // Not inlined, as below, so that the way into compiled code is short.
    #[inline(never)]
    fn record_from_interpreter(
        &self,
        state: &mut State,
        types: RedTypes,
        twin: &mut Twin<'_>,
    ) -> Left {
        let decay = self.params.borrow().decay;
        let greens = state.greens.clone();
        self.cells.borrow_mut().recording_starts(&greens, decay);
        if !self.make_room() {
            self.aborted(Abort::NoRoom, &Start::Interpreter(greens));
            return Left::MergePoint;
        }
        let target = self.new_target();
        let reds: SmallVec<[Const; 8]> =
            types().iter().zip(&state.reds).map(|(&ty, &bits)| Const::new(ty, bits)).collect();
        let (limits, find_target) = (self.limits(self.route()), self.find_target());
        let mut recorder = Recorder::from_interpreter(&greens, &reds, target, limits, find_target);
        let start = Start::Interpreter(greens);
        recorder.join_paths(self.paths.find_join(&start, &self.next_target));
        self.record(recorder, start, state, twin)
    }

    // Not inlined, as others below: `bench-instructions` tells phases apart by their functions.
    #[inline(never)]
    fn record(
        &self,
        recorder: Recorder,
        start: Start,
        state: &mut State,
        twin: &mut Twin<'_>,
    ) -> Left {
        let recording = RecordingFlag::set(self, start);
        self.stats.borrow_mut().tracings += 1;
        log::trace!("[compiler] ENTER");
        self.tell(|hooks| hooks.on_trace_start(&state.greens));
        if self.hook_has_panicked() && recording.is_from_interpreter() {
            return Left::MergePoint;
        }
        let started = Instant::now();
        let left = twin(&recorder, state);
        {
            let stats = &mut *self.stats.borrow_mut();
            stats.recording_ns += started.elapsed();
            stats.degraded_expressions += recorder.degraded().expressions;
            stats.degraded_statements += recorder.degraded().statements;
        }
        log::trace!("[compiler] LEAVE");
        if recorder.has_moved_buffer() {
            self.names_buffers.set(false);
        }
        let met = recorder.take_owners();
        met.into_iter().for_each(|(address, owner)| self.keep(address, owner));
        let recorded = recorder.take_recorded().unwrap_or(Recorded::Aborted(Abort::Panicked));
        let start = recording.done();
        let too_large = recorder.take_too_large();
        let validity = recorder.take_validity();
        if recorder.is_of_thread() {
            self.owners.has_of_thread.set(true);
        }
        match (recorded, too_large) {
            (Recorded::Aborted(reason), Some(greens)) if self.never_inline(&greens) => {
                self.given_up_once(reason, &start);
            }
            (recorded, _) => {
                self.compile_recorded(recorded, start, recorder.route(), validity);
            }
        }
        if self.release_due.replace(false) {
            self.release_all();
        }
        left
    }

    pub(super) fn has_hooks(&self) -> bool {
        self.hooks.is_some()
    }

    /// Tells the hooks. A panic waits until the interpreter's state is whole: to unwind from here would lose
    /// what compiled code or the twin has made of it.
    #[inline]
    pub(super) fn tell(&self, tell: impl FnOnce(&dyn Hooks)) {
        if self.has_hooks() {
            self.ask(tell);
        }
    }

    /// The same with an answer, if there is one.
    fn ask<T>(&self, ask: impl FnOnce(&dyn Hooks) -> T) -> Option<T> {
        let hooks = self.hooks.as_deref()?;
        let answer = catch_unwind(AssertUnwindSafe(|| ask(hooks)));
        answer.map_err(|panic| self.hook_panic.set(Some(panic))).ok()
    }

    /// Whether a hook has panicked, and the panic still waits.
    #[inline]
    pub fn hook_has_panicked(&self) -> bool {
        self.hooks.is_some() && self.has_hook_panic()
    }

    #[inline(never)]
    fn has_hook_panic(&self) -> bool {
        let panic = self.hook_panic.take();
        let has_panicked = panic.is_some();
        self.hook_panic.set(panic);
        has_panicked
    }

    /// What a hook has panicked with since this was asked last.
    pub fn take_hook_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.has_hooks().then(|| self.hook_panic.take())?
    }

    /// Tells of the trace that was compiled last.
    fn tell_compiled(&self, tell: impl FnOnce(&dyn Hooks, &CompiledTrace)) {
        self.tell(|hooks| {
            let trace = self.compiled.borrow().last().map(Kept::line);
            tell(hooks, &trace.expect("it was just added"));
        });
    }

    fn locations(&self, trace: &Trace) -> Vec<String> {
        let location =
            |at: &ir::MergePoint| self.ask(|hooks| hooks.get_printable_location(&at.greens))?;
        trace.merge_points.iter().filter_map(location).collect()
    }

    fn aborted(&self, reason: Abort, start: &Start) {
        let max_aborts = self.params.borrow().max_aborts;
        match start {
            Start::Interpreter(greens) => {
                self.cells.borrow_mut().aborted(greens, reason, max_aborts);
            }
            Start::Exit(exit) => exit.aborted(reason, max_aborts),
        }
        self.tell_aborted(reason, start);
    }

    /// A recording was given up that will be shorter the next time, which is at once.
    fn given_up_once(&self, reason: Abort, start: &Start) {
        match start {
            Start::Interpreter(greens) => self.cells.borrow_mut().trace_next_iteration(greens),
            Start::Exit(exit) => exit.trace_next_failure(),
        }
        self.tell_aborted(reason, start);
    }

    fn tell_aborted(&self, reason: Abort, start: &Start) {
        self.stats.borrow_mut().count_abort(reason);
        let name = &self.name;
        match start {
            Start::Interpreter(greens) => {
                log::info!("[{name}] recording at {greens:x?} given up: {reason}");
                self.tell(|hooks| hooks.on_abort(reason, greens));
            }
            Start::Exit(exit) => {
                log::info!("[{name}] recording from exit {} given up: {reason}", exit.id.0);
                self.tell(|hooks| hooks.on_abort(reason, &exit.greens));
            }
        }
    }

    /// Lets the portal be called where it comes to these greens, not inlined; false if it is already.
    fn never_inline(&self, greens: &[u64]) -> bool {
        let mut not_inlined = self.not_inlined.borrow_mut();
        if not_inlined.len() >= MAX_NOT_INLINED {
            *not_inlined = Rc::default();
        }
        let is_new = Rc::make_mut(&mut not_inlined).insert(greens.into());
        if is_new {
            log::debug!("[{}] {greens:x?} is not inlined any more", self.name);
        }
        is_new
    }

    /// Forgets portals with such a word in their greens.
    fn forget_not_inlined(&self, words: &FxHashSet<u64>) {
        let mut not_inlined = self.not_inlined.borrow_mut();
        if !not_inlined.is_empty() {
            Rc::make_mut(&mut not_inlined)
                .retain(|greens| !greens.iter().any(|word| words.contains(word)));
        }
    }

    /// Leads an exit that hands back the reds at a loop's header to the loop.
    fn lead_to(&self, exit: &Rc<ExitInfo>, target: TargetId) {
        let start = Start::Exit(Rc::clone(exit));
        let route = exit.route.clone();
        let task = Task { start, route, validity: None, becomes: Becomes::Bridge };
        self.compile(exit.to_label(target), task);
    }

    fn new_target(&self) -> TargetId {
        next_target(&self.next_target)
    }

    fn limits(&self, route: Route) -> Limits {
        let params = self.params.borrow();
        Limits {
            trace_limit: params.trace_limit as usize,
            failargs_limit: params.failargs_limit as usize,
            names_buffers: self.names_buffers.get(),
            assembler: Rc::clone(&self.assembler),
            borrowed: Rc::clone(&self.borrowed),
            route,
        }
    }

    /// That of a recording which starts now.
    fn route(&self) -> Route {
        let Params { max_unroll_recursion, inlining, .. } = *self.params.borrow();
        let mut route = Route {
            max_unroll_recursion,
            inlining: inlining != 0,
            varying: SmallVec::new(),
            not_inlined: SmallVec::new(),
            answers: SmallVec::new(),
        };
        route.go_on(0, Rc::clone(&self.not_inlined.borrow()));
        route
    }

    fn find_target(&self) -> FindTarget {
        Rc::clone(&self.find_target)
    }
}

fn find_target(cells: Rc<RefCell<Cells>>) -> FindTarget {
    Rc::new(move |greens| {
        let entry = cells.borrow().entry(greens).filter(|entry| !entry.passed);
        entry.map(|entry| entry.target)
    })
}

/// A label that there is not yet.
fn next_target(next: &Cell<u32>) -> TargetId {
    // The number behind it is that of the label behind a preheader.
    let target = TargetId(next.get());
    next.set(target.behind_preheader().0 + 1);
    target
}

/// Whether the program got further by running compiled code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Made,
    Rewound,
}

/// Marks a driver as recording, and counts the abort if the interpreter panics meanwhile.
struct RecordingFlag<'a> {
    meta: &'a MetaInterp,
    start: Option<Start>,
}

impl<'a> RecordingFlag<'a> {
    fn set(meta: &'a MetaInterp, start: Start) -> RecordingFlag<'a> {
        meta.recording.set(true);
        RecordingFlag { meta, start: Some(start) }
    }

    fn done(mut self) -> Start {
        self.start.take().expect("taken once")
    }

    fn is_from_interpreter(&self) -> bool {
        matches!(self.start, Some(Start::Interpreter(_)))
    }
}

impl Drop for RecordingFlag<'_> {
    fn drop(&mut self) {
        self.meta.recording.set(false);
        if let Some(start) = self.start.take() {
            self.meta.aborted(Abort::Panicked, &start);
        }
    }
}

/// For each exit, whether its guard tests a validity.
fn validity_guards(trace: &Trace) -> Vec<bool> {
    let is_validity =
        |op: &ir::Op| op.opcode == ir::Opcode::GetField && trace.mem(op).class == VALIDITY_CLASS;
    let loads: Vec<ir::Operand> = trace
        .ops
        .iter()
        .filter(|op| is_validity(op))
        .filter_map(|op| Some(op.res()?.into()))
        .collect();
    let guards = trace.ops.iter().filter(|op| op.opcode.has_exit());
    let tests = |op: &ir::Op| trace.args(op).iter().any(|arg| loads.contains(arg));
    guards.map(|op| op.opcode == ir::Opcode::GuardTrue && tests(op)).collect()
}

fn count(stats: &mut Stats, recorded: &Trace, optimized: &Trace) {
    stats.recorded_ops += recorded.n_operations() as u64;
    stats.recorded_guards += recorded.n_guards() as u64;
    stats.optimized_ops += optimized.n_operations() as u64;
    stats.optimized_guards += optimized.n_guards() as u64;
    if let (Some(before), Some(after)) = (lap(recorded), lap(optimized)) {
        let (before, after) = (Size::of_all(before), Size::of_all(after));
        stats.recorded_lap_ops += before.ops as u64;
        stats.recorded_lap_guards += before.guards as u64;
        stats.lap_ops += after.ops as u64;
        stats.lap_guards += after.guards as u64;
    }
    let calls = optimized.ops.iter().filter(|op| op.opcode.is_impure_call());
    for op in calls {
        stats.residual_calls += 1;
        let call = optimized.call(op);
        log::debug!("residual call of {} at {}", call.name, call.site);
    }
}

/// The operations from the label that the trace's jump leads back to on, if it is a loop.
fn lap(trace: &Trace) -> Option<&[ir::Op]> {
    let jump = trace.jump()?;
    let is_target = |op: &ir::Op| op.opcode == ir::Opcode::Label && op.target() == jump.target();
    let label = trace.ops.iter().position(is_target)?;
    Some(&trace.ops[label..])
}
