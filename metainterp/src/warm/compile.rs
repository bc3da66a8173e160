//! From a recorded trace to code that can be entered.
//!
//! The way has three parts. [`MetaInterp::compile`] takes a recording and makes a [`TraceJob`] of it, with all that
//! optimizing and compiling need. [`TraceJob::run`] does that, here or on the driver's thread
//! ([`super::background`]), and touches nothing else. [`MetaInterp::install`] lets the code be found.
//!
//! Invariants
//! 1. A job refers to nothing of the meta-interpreter but the counter of exits, so it may run at any time.
//! 2. What happened between the first and the last part is looked at in the last: code whose neighbours have
//!    been freed, or which depends on what has changed, is dropped.

use super::background::{Begun, Done, Job};
use super::cell::Entry;
use super::exits::ExitInfo;
use super::{Kept, MAX_PASSED, MetaInterp, Start, count, validity_guards};
use crate::abort::Abort;
use crate::backend::{Assembled, Assembler, Refusal};
use crate::ir::{self, CodeId, ExitId, Opcode, Resume, ResumeKind, TargetId, Trace};
use crate::opt::{self, Pass, Passes, Size, Tally};
use crate::quasi::Validity;
use crate::record::{Recorded, Route};
use smallvec::SmallVec;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What a trace becomes.
pub(super) enum Becomes {
    /// A loop that is found by the greens at its label.
    Loop { greens: Box<[u64]>, target: TargetId },
    /// Code that starts at the merge point where the recording did.
    Entry { target: TargetId, passed: bool },
    /// What continues at the exit where the recording started.
    Bridge,
    /// One more version of the loop with the label `first`, for those who leave its preheader by the exit where the
    /// recording started.
    Version { first: TargetId, target: TargetId },
}

/// What is known of a trace besides its operations, until there is code.
pub(super) struct Task {
    pub start: Start,
    pub route: Route,
    /// Of what it takes for constant, if anything.
    pub validity: Option<Rc<Validity>>,
    pub becomes: Becomes,
}

/// A task with its number.
pub(super) struct BegunTrace {
    code: CodeId,
    task: Task,
    /// Code that the trace continues or leads to.
    neighbours: SmallVec<[CodeId; 2]>,
    /// The words of the greens of all merge points that it passes.
    greens: Box<[u64]>,
    /// All code was to be freed meanwhile.
    pub is_released: bool,
}

impl Becomes {
    /// Notes in the trace's exits which loop's preheader they are in, and which version they belong to.
    fn note_in(&self, exits: &mut [ExitInfo], trace: &Trace, start: &Start) {
        let (first, version) = match (self, start) {
            (Becomes::Loop { target, .. }, _) => (Some(*target), None),
            (Becomes::Version { first, target }, _) => (Some(*first), Some(*target)),
            (Becomes::Bridge, Start::Exit(exit)) => (None, exit.version),
            (Becomes::Bridge | Becomes::Entry { .. }, _) => (None, None),
        };
        exits.iter_mut().for_each(|exit| exit.version = version);
        let Some((label, first)) = opt::label_behind(trace).zip(first) else { return };
        let n_before = trace.ops[..label].iter().filter(|op| op.opcode.has_exit()).count();
        let is_merge_point = |op: &&ir::Op| op.opcode == Opcode::DebugMergePoint;
        let header = trace.ops.iter().find(is_merge_point).map(|op| op.descr);
        for exit in &mut exits[..n_before] {
            let Resume { kind, merge_point, .. } = exit.resume;
            let begins_lap = kind == ResumeKind::Rewind && Some(merge_point) == header;
            exit.preheader_of = begins_lap.then_some(first);
        }
    }
}

impl BegunTrace {
    /// Whether recordings that start now would find it if it were done.
    pub fn is_entered_by_greens(&self) -> bool {
        matches!(self.task.becomes, Becomes::Loop { .. } | Becomes::Entry { .. })
    }

    /// Where the recording started.
    pub fn start(&self) -> &Start {
        &self.task.start
    }

    /// Whether there will be code with this word among its greens.
    pub fn has_green(&self, word: u64) -> bool {
        self.greens.contains(&word)
    }
}

/// What there is to do.
pub(super) struct TraceJob {
    /// The driver's name.
    driver: String,
    /// What was recorded; with a version of a loop, the lap before.
    recorded: Trace,
    version: Option<NewVersion>,
    /// The optimized versions of the loop that it jumps to, which it may enter behind the preheader: of
    /// the first one that it fits.
    entered: Vec<Arc<Trace>>,
    passes: Passes,
    next_exit: Arc<AtomicU32>,
    assembler: Box<dyn Assembler>,
}

/// A loop that may become one more version of another, for those who leave its preheader by an exit.
struct NewVersion {
    recorded: Trace,
    /// From the exit to the new version's label.
    link: Trace,
    /// The optimized versions that there are.
    others: Vec<Arc<Trace>>,
}

/// A job that is done.
pub(super) struct TraceDone {
    recorded: Trace,
    /// It is the new version of a loop, and not the lap before.
    is_version: bool,
    made: Result<Made, Abort>,
    optimizing: Duration,
    compiling: Duration,
}

/// What has become of a trace.
struct Made {
    optimized: Trace,
    tally: Tally,
    /// What the backend was given.
    finalized: Trace,
    layouts: Vec<opt::ExitLayout>,
    /// The number of the first exit.
    first_exit: u32,
    /// Per exit: it is a copy of one of the preheader of the loop that is entered.
    copied: Vec<bool>,
    assembled: Result<Assembled, Refusal>,
}

impl TraceJob {
    /// Optimizes and compiles.
    pub fn run(mut self) -> TraceDone {
        let started = Instant::now();
        let version = self.version.take().and_then(|new| self.optimize_version(new));
        let is_version = version.is_some();
        let Ok(optimized) = version.map_or_else(|| self.optimize(), Ok) else {
            let made = Err(Abort::InvalidLoop);
            let (optimizing, compiling) = (started.elapsed(), Duration::ZERO);
            return TraceDone { recorded: self.recorded, is_version, made, optimizing, compiling };
        };
        let Optimized { trace: optimized, first_copied, tally } = optimized;
        check(&optimized, "optimizing");
        log::debug!(
            "[{}] optimized to {} operations:\n{optimized}",
            self.driver,
            optimized.n_operations()
        );
        let (mut finalized, layouts) = opt::finalize_exits(&optimized);
        let first_exit = self.next_exit.fetch_add(finalized.exits.len() as u32, Ordering::Relaxed);
        // The exit of a panic does not begin the lap anew, in which it has happened.
        let is_copied = |exit: &ir::Exit| {
            exit.resume.kind == ResumeKind::Rewind
                && first_copied.is_some_and(|first| first <= exit.id.0)
        };
        let copied = finalized.exits.iter().map(is_copied).collect();
        for (exit, id) in finalized.exits.iter_mut().zip(first_exit..) {
            exit.id = ExitId(id);
        }
        let optimizing = started.elapsed();
        let started = Instant::now();
        let assembled = self.assembler.assemble(&finalized);
        let compiling = started.elapsed();
        let made = Made { optimized, tally, finalized, layouts, first_exit, copied, assembled };
        TraceDone { recorded: self.recorded, is_version, made: Ok(made), optimizing, compiling }
    }

    /// The version, if it has a preheader, is not the same as another, and its preheader lets those in whom it is for:
    /// the lap that was recorded for it is not the one that began at their exit, but the next.
    fn optimize_version(&mut self, new: NewVersion) -> Option<Optimized> {
        let NewVersion { recorded, link, others } = new;
        let (optimized, tally) = opt::optimize_and_count(&recorded, self.passes, None).ok()?;
        opt::second_label(&optimized)?;
        let is_new = !others.iter().any(|other| opt::is_same(other, &optimized));
        let lets_in = |it| opt::optimize(&opt::behind_preheader(&link, it), self.passes).is_ok();
        (is_new && lets_in(&optimized)).then(|| {
            self.recorded = recorded;
            Optimized { trace: optimized, first_copied: None, tally }
        })
    }

    #[inline(never)]
    fn optimize(&self) -> Result<Optimized, opt::InvalidLoop> {
        let trace = &self.recorded;
        for entered in &self.entered {
            let longer = opt::behind_preheader(trace, entered);
            if let Ok((optimized, mut tally)) = opt::optimize_and_count(&longer, self.passes, None)
            {
                let copy = Size::of_all(&longer.ops) - Size::of_all(&trace.ops);
                tally.add(Pass::Preheader, copy);
                let first_copied = Some(trace.n_exit_ids());
                return Ok(Optimized { trace: optimized, first_copied, tally });
            }
        }
        let (optimized, tally) = opt::optimize_and_count(trace, self.passes, None)
            .inspect_err(|contradiction| log::debug!("[{}] {contradiction}", self.driver))?;
        Ok(Optimized { trace: optimized, first_copied: None, tally })
    }
}

/// What the optimizer has made of a recording.
struct Optimized {
    trace: Trace,
    /// Exits from this number on are copies of those of the preheader of the loop that is entered.
    first_copied: Option<u32>,
    tally: Tally,
}

impl MetaInterp {
    /// Compiles what was recorded, if it is to be.
    // Not inlined, as others below: `bench-instructions` tells phases apart by their functions.
    #[inline(never)]
    pub(super) fn compile_recorded(
        &self,
        recorded: Recorded,
        start: Start,
        route: Route,
        validity: Option<Rc<Validity>>,
    ) {
        if is_invalid(&validity) {
            return self.aborted(Abort::QuasiImmutable, &start);
        }
        let (trace, becomes) = match recorded {
            Recorded::Aborted(reason) => return self.aborted(reason, &start),
            Recorded::Loop { trace, greens, target } => (trace, Becomes::Loop { greens, target }),
            Recorded::Version { trace, target, bridge, first } => {
                let becomes = Becomes::Version { first, target };
                let task = Task { start, route, validity, becomes };
                return self.compile_version(trace, *bridge, task);
            }
            Recorded::Entry { trace, .. } if self.returns_soon(&trace) => {
                return self.aborted(Abort::ReturnsSoon, &start);
            }
            Recorded::Entry { trace, target } => {
                // One that ends otherwise is a segment, which those who come round again are to find.
                let leads_on = jump_target(&trace).is_some();
                let passed = leads_on && trace.n_operations() <= MAX_PASSED;
                (trace, Becomes::Entry { target, passed })
            }
            Recorded::Bridge { trace } => (trace, Becomes::Bridge),
        };
        self.compile(trace, Task { start, route, validity, becomes });
    }

    /// Whether a trace that starts at a merge point is not worth entering from the interpreter. Where there is
    /// `can_enter_jit!`, the author has said that it is.
    fn returns_soon(&self, trace: &Trace) -> bool {
        let returns = |op: &ir::Op| {
            op.opcode == Opcode::Finish && trace.exit(op).resume.kind == ResumeKind::Return
        };
        self.has_last_greens.get()
            && trace.n_operations() < self.params.borrow().entry_cost as usize
            && trace.ops.last().is_some_and(returns)
    }

    /// Compiles a trace, at once or in the background.
    pub(super) fn compile(&self, trace: Trace, task: Task) {
        let (begun, job) = self.begin(trace, task);
        self.do_job(begun, job);
    }

    /// Compiles one more version of a loop; or the lap that was recorded before it, if there is no use for the
    /// version.
    fn compile_version(&self, mut recorded: Trace, bridge: Trace, task: Task) {
        let (Start::Exit(exit), Becomes::Version { first, target }) = (&task.start, &task.becomes)
        else {
            unreachable!("a version of a loop is recorded from an exit");
        };
        let others = self.versions.borrow().all(*first);
        let link = exit.to_label(*target);
        let (begun, mut job) = self.begin(bridge, task);
        recorded.name = format!("loop {}", begun.code.0);
        check(&recorded, "recording");
        let n_ops = recorded.n_operations();
        log::debug!("[{}] recorded {n_ops} operations of a version:\n{recorded}", self.name);
        job.version = Some(NewVersion { recorded, link, others });
        self.do_job(begun, job);
    }

    fn do_job(&self, begun: BegunTrace, job: TraceJob) {
        match self.hand_over(Job::Trace(Box::new(job))).map(Job::run) {
            None => {
                self.set_compiling(&begun, true);
                self.background.push(Begun::Trace(begun));
            }
            Some(Done::Trace(done)) => self.install(begun, *done),
            Some(Done::Region { .. }) => unreachable!("a trace was handed over"),
        }
    }

    fn begin(&self, mut trace: Trace, task: Task) -> (BegunTrace, TraceJob) {
        let code = CodeId(self.next_code.replace(self.next_code.get() + 1));
        trace.name = match (&task.becomes, &task.start) {
            (Becomes::Loop { .. }, _) => format!("loop {}", code.0),
            (Becomes::Entry { .. }, _) => format!("entry {}", code.0),
            (Becomes::Bridge | Becomes::Version { .. }, Start::Exit(exit)) => {
                format!("bridge {} of exit {}", code.0, exit.id.0)
            }
            _ => unreachable!("bridges and versions start at an exit"),
        };
        check(&trace, "recording");
        log::debug!("[{}] recorded {} operations:\n{trace}", self.name, trace.n_operations());
        let target = jump_target(&trace);
        // Where the loop's preheader would lead back at once, it is left to the loop to find that out.
        let exit = task.start.exit();
        let rejoins = exit.is_some_and(|exit| exit.rejoins.is_some());
        let version = exit.and_then(|exit| exit.version);
        let entered = target.filter(|_| !rejoins);
        let targets = target.map_or_else(SmallVec::new, |to| self.versions.borrow().labels_of(to));
        let job = TraceJob {
            driver: self.name.clone(),
            entered: entered.map_or_else(Vec::new, |to| self.versions.borrow().of(to, version)),
            version: None,
            passes: self.passes.get(),
            next_exit: Arc::clone(&self.next_exit),
            assembler: self.backend.begin(&targets),
            recorded: trace,
        };
        let greens = job.recorded.merge_points.iter().flat_map(|it| it.greens.iter().copied());
        let leads_to = target.and_then(|to| self.owners.code_of(to));
        let neighbours = leads_to.into_iter().chain(exit.map(|exit| exit.code)).collect();
        (BegunTrace { code, task, neighbours, greens: greens.collect(), is_released: false }, job)
    }

    /// Marks where the recording started, so that none starts there meanwhile.
    pub(super) fn set_compiling(&self, begun: &BegunTrace, is: bool) {
        match &begun.task.start {
            Start::Interpreter(greens) => self.cells.borrow_mut().set_compiling(greens, is),
            Start::Exit(exit) => exit.is_being_compiled.set(is),
        }
    }

    /// Lets what was compiled be found.
    pub(super) fn install(&self, mut begun: BegunTrace, done: TraceDone) {
        if matches!(begun.task.becomes, Becomes::Version { .. }) && !done.is_version {
            begun.task.becomes = Becomes::Bridge;
        }
        if let Err(reason) = self.try_install(&begun, done) {
            self.aborted(reason, &begun.task.start);
        }
    }

    fn try_install(&self, begun: &BegunTrace, done: TraceDone) -> Result<(), Abort> {
        let BegunTrace { code, task: Task { start, route, validity, becomes }, .. } = begun;
        let (code, trace) = (*code, done.recorded);
        {
            let stats = &mut *self.stats.borrow_mut();
            stats.optimizing_ns += done.optimizing;
            stats.backend_ns += done.compiling;
        }
        let is_gone = |code: &CodeId| !self.owners.has_code(*code);
        if begun.is_released || begun.neighbours.iter().any(is_gone) {
            return Err(Abort::Overtaken);
        }
        if is_invalid(validity) {
            return Err(Abort::QuasiImmutable);
        }
        let Made { optimized, tally, finalized, layouts, first_exit, copied, assembled } =
            done.made?;
        let started = Instant::now();
        let result = assembled.and_then(|it| self.backend.finish(code, &finalized, it));
        self.stats.borrow_mut().backend_ns += started.elapsed();
        let compiled = result.map_err(|refusal| {
            let (driver, backend) = (&self.name, self.backend.name());
            log::warn!("[{driver}] {}: {backend} declined it: {refusal}", trace.name);
            Abort::Refused
        })?;
        let led_to = jump_target(&trace);
        let copied = copied.into_iter().map(|is_copied| led_to.filter(|_| is_copied));
        let mut exits = new_exits(code, &finalized, layouts, start, route, copied);
        becomes.note_in(&mut exits, &finalized, start);
        let exits: Vec<Rc<ExitInfo>> = exits.into_iter().map(Rc::new).collect();
        let range = first_exit..first_exit + exits.len() as u32;
        self.note_code(code, &finalized, range.clone(), start, validity.clone());
        for (id, exit) in range.clone().zip(exits) {
            self.exits.borrow_mut().insert(id, exit);
        }
        self.cells.borrow_mut().generation += 1;
        {
            let stats = &mut *self.stats.borrow_mut();
            count(stats, &trace, &optimized);
            stats.passes += tally;
            stats.codegen_ns += compiled.codegen;
            if let Some(lap) = compiled.lap {
                stats.lap_instructions += u64::from(lap.instructions);
                stats.lap_bytes += u64::from(lap.bytes);
            }
        }
        self.add_to_regions(code, finalized, start.exit().map(|exit| exit.code));
        self.paths.note(code, &trace, start);
        let optimized = Arc::new(optimized);
        let first = match becomes {
            Becomes::Version { first, .. } => Some(*first),
            _ => None,
        };
        self.versions.borrow_mut().add(code, &optimized, first);
        let locations = self.locations(&optimized);
        let recorded_ops = trace.n_operations();
        let kept = Kept { id: code.0, recorded_ops, optimized, exits: range, locations };
        self.compiled.borrow_mut().push(kept);
        self.let_be_found(code, start, becomes, validity.clone());
        Ok(())
    }

    fn let_be_found(
        &self,
        code: CodeId,
        start: &Start,
        becomes: &Becomes,
        validity: Option<Rc<Validity>>,
    ) {
        let (greens, entry) = match (becomes, start) {
            (Becomes::Bridge, Start::Exit(exit)) => {
                self.backend.attach_bridge(exit.id, code);
                self.stats.borrow_mut().bridges += 1;
                return self.tell_compiled(|hooks, trace| hooks.on_compile_bridge(trace));
            }
            (Becomes::Version { target, .. }, Start::Exit(exit)) => {
                self.stats.borrow_mut().loops += 1;
                self.tell_compiled(|hooks, trace| hooks.on_compile(trace));
                return self.lead_to(exit, *target);
            }
            (Becomes::Loop { greens, target }, _) => {
                (&**greens, Entry { code, target: *target, passed: false })
            }
            (Becomes::Entry { target, passed }, Start::Interpreter(greens)) => {
                (greens.as_slice(), Entry { code, target: *target, passed: *passed })
            }
            _ => unreachable!("entries start at the interpreter, bridges and versions at an exit"),
        };
        self.cells.borrow_mut().install(greens, entry, validity);
        self.stats.borrow_mut().loops += 1;
        self.tell_compiled(|hooks, trace| hooks.on_compile(trace));
    }
}

/// The table entries of a trace's exits, which have their numbers already. `copied` says per exit to which
/// loop's preheader it belongs, if it is a copy.
#[inline(never)]
fn new_exits(
    code: CodeId,
    trace: &Trace,
    layouts: Vec<opt::ExitLayout>,
    start: &Start,
    route: &Route,
    copied: impl Iterator<Item = Option<TargetId>>,
) -> Vec<ExitInfo> {
    let guards = trace.ops.iter().filter(|op| op.opcode.has_exit());
    let promotes: Vec<bool> = guards.map(|op| op.opcode == Opcode::GuardValue).collect();
    let validities = validity_guards(trace);
    let mut exits = Vec::with_capacity(layouts.len());
    for (at, (layout, rejoins)) in layouts.into_iter().zip(copied).enumerate() {
        let exit = &trace.exits[at];
        let greens = trace.merge_points[exit.resume.merge_point as usize].greens[..].into();
        let route = route.behind(exit.resume.merge_point);
        let mut info = ExitInfo::new(exit.id, code, exit.resume, route, layout, greens);
        info.rejoins = rejoins;
        info.is_validity = validities[at];
        if promotes[at] {
            info.n_promoted = match start {
                Start::Exit(failed) if failed.n_promoted > 0 && info.is_at(failed) => {
                    failed.n_promoted + 1
                }
                _ => 1,
            };
        }
        exits.push(info);
    }
    exits
}

fn is_invalid(validity: &Option<Rc<Validity>>) -> bool {
    validity.as_ref().is_some_and(|validity| !validity.is_valid())
}

/// Where the trace jumps at its end.
fn jump_target(trace: &Trace) -> Option<TargetId> {
    trace.jump().map(|jump| jump.target())
}

fn check(trace: &Trace, after: &str) {
    if cfg!(debug_assertions)
        && let Err(error) = ir::verify(trace)
    {
        panic!("invalid trace after {after}: {error}\n{trace}");
    }
}
