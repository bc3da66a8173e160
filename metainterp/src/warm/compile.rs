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
use crate::ir::{self, CodeId, ExitId, Opcode, TargetId, Trace};
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

impl BegunTrace {
    /// Whether recordings that start now would find it if it were done.
    pub fn is_entered_by_greens(&self) -> bool {
        !matches!(self.task.becomes, Becomes::Bridge)
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
    code: CodeId,
    recorded: Trace,
    /// The optimized loop that it jumps to and may enter behind the preheader.
    entered: Option<Arc<Trace>>,
    passes: Passes,
    next_exit: Arc<AtomicU32>,
    assembler: Box<dyn Assembler>,
}

/// A job that is done.
pub(super) struct TraceDone {
    recorded: Trace,
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
    pub fn run(self) -> TraceDone {
        let started = Instant::now();
        let Ok(Optimized { trace: optimized, first_copied, tally }) = self.optimize() else {
            let made = Err(Abort::InvalidLoop);
            let (optimizing, compiling) = (started.elapsed(), Duration::ZERO);
            return TraceDone { recorded: self.recorded, made, optimizing, compiling };
        };
        check(&optimized, "optimizing");
        log::debug!(
            "[{}] optimized to {} operations:\n{optimized}",
            self.driver,
            optimized.n_operations()
        );
        let (mut finalized, layouts) = opt::finalize_exits(&optimized);
        let first_exit = self.next_exit.fetch_add(finalized.exits.len() as u32, Ordering::Relaxed);
        let is_copied = |exit: &ir::Exit| first_copied.is_some_and(|first| first <= exit.id.0);
        let copied = finalized.exits.iter().map(is_copied).collect();
        for (exit, id) in finalized.exits.iter_mut().zip(first_exit..) {
            exit.id = ExitId(id);
        }
        let optimizing = started.elapsed();
        let started = Instant::now();
        let assembled = self.assembler.assemble(self.code, &finalized);
        let compiling = started.elapsed();
        let made = Made { optimized, tally, finalized, layouts, first_exit, copied, assembled };
        TraceDone { recorded: self.recorded, made: Ok(made), optimizing, compiling }
    }

    #[inline(never)]
    fn optimize(&self) -> Result<Optimized, opt::InvalidLoop> {
        let trace = &self.recorded;
        if let Some(entered) = &self.entered {
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

    /// Compiles a trace, at once or in the background.
    pub(super) fn compile(&self, trace: Trace, task: Task) {
        let (begun, job) = self.begin(trace, task);
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
            (Becomes::Bridge, Start::Exit(exit)) => {
                format!("bridge {} of exit {}", code.0, exit.id.0)
            }
            (Becomes::Bridge, Start::Interpreter(_)) => unreachable!("a bridge starts at an exit"),
        };
        check(&trace, "recording");
        log::debug!("[{}] recorded {} operations:\n{trace}", self.name, trace.n_operations());
        let target = jump_target(&trace);
        let entered = target.and_then(|to| Some(Arc::clone(&self.entered.borrow().get(&to)?.1)));
        // Where the loop's preheader would lead back at once, it is left to the loop to find that out.
        let rejoins = matches!(&task.start, Start::Exit(exit) if exit.rejoins.is_some());
        let targets: SmallVec<[TargetId; 2]> =
            target.into_iter().flat_map(|to| [to, to.behind_preheader()]).collect();
        let job = TraceJob {
            driver: self.name.clone(),
            code,
            entered: entered.filter(|_| !rejoins),
            passes: self.passes.get(),
            next_exit: Arc::clone(&self.next_exit),
            assembler: self.backend.begin(&targets),
            recorded: trace,
        };
        let greens = job.recorded.merge_points.iter().flat_map(|it| it.greens.iter().copied());
        let mut neighbours: SmallVec<_> =
            target.and_then(|to| self.owners.code_of(to)).into_iter().collect();
        if let Start::Exit(exit) = &task.start {
            neighbours.push(exit.code);
        }
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
    pub(super) fn install(&self, begun: BegunTrace, done: TraceDone) {
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
        let entered = jump_target(&trace);
        let copied = copied.into_iter().map(|is_copied| entered.filter(|_| is_copied));
        let exits = new_exits(code, &finalized, layouts, start, route, copied);
        let range = first_exit..first_exit + exits.len() as u32;
        self.note_code(code, &finalized, range.clone(), start, validity.clone());
        self.exits.borrow_mut().extend(range.clone().zip(exits));
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
        let from = match start {
            Start::Interpreter(_) => None,
            Start::Exit(exit) => Some(exit.code),
        };
        self.add_to_regions(code, finalized, from);
        self.paths.note(code, &trace, start);
        let optimized = Arc::new(optimized);
        if opt::second_label(&optimized).is_some() {
            let target = optimized.ops[0].target();
            self.entered.borrow_mut().insert(target, (code, Arc::clone(&optimized)));
        }
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
            (Becomes::Loop { greens, target }, _) => {
                (&**greens, Entry { code, target: *target, passed: false })
            }
            (Becomes::Entry { target, passed }, Start::Interpreter(greens)) => {
                (greens.as_slice(), Entry { code, target: *target, passed: *passed })
            }
            _ => unreachable!("an entry starts at the interpreter, and a bridge at an exit"),
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
) -> Vec<Rc<ExitInfo>> {
    let guards = trace.ops.iter().filter(|op| op.opcode.has_exit());
    let promotes: Vec<bool> = guards.map(|op| op.opcode == Opcode::GuardValue).collect();
    let validities = validity_guards(trace);
    let mut exits = Vec::with_capacity(layouts.len());
    for (at, (layout, rejoins)) in layouts.into_iter().zip(copied).enumerate() {
        let exit = &trace.exits[at];
        let greens = trace.merge_points[exit.resume.merge_point as usize].greens.clone();
        // Steps are counted from the merge point on, and a bridge begins behind that of its exit.
        let route = match exit.resume.merge_point {
            0 => route.clone(),
            _ => route.behind_a_merge_point(),
        };
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
        exits.push(Rc::new(info));
    }
    exits
}

fn is_invalid(validity: &Option<Rc<Validity>>) -> bool {
    validity.as_ref().is_some_and(|validity| !validity.is_valid())
}

/// Where the trace jumps at its end.
fn jump_target(trace: &Trace) -> Option<TargetId> {
    trace.ops.last().filter(|op| op.opcode == Opcode::Jump).map(|jump| jump.target())
}

fn check(trace: &Trace, after: &str) {
    if cfg!(debug_assertions)
        && let Err(error) = ir::verify(trace)
    {
        panic!("invalid trace after {after}: {error}\n{trace}");
    }
}
