//! Compiling on a thread of the driver's own, while the interpreter goes on.
//!
//! The interpreter's thread records a trace, hands it over as a [`Job`] and interprets on. The other
//! thread, which is there from the first job to the driver's end, does the jobs in order. Results are installed
//! when the interpreter arrives at a merge point the next time ([`MetaInterp::install_compiled`]), so
//! that everything but the job itself happens on the interpreter's thread: tables, hooks, code memory.
//!
//! Invariants
//! 1. The thread has what a job has, and nothing else: no word of the interpreter's or of the driver's is read or
//!    written there.
//! 2. Which traces there are depends on time. What the program does, does not.
//! 3. Where a trace is being compiled, none is recorded. While what is entered by greens is, none is recorded
//!    anywhere: it could not find that, and would have to have it once more.
//! 4. A process made by `fork` has no such thread. What was being compiled is given up there, and the next
//!    job gets a new thread.

use super::MetaInterp;
use super::compile::{BegunTrace, TraceDone, TraceJob};
use super::region::BegunRegion;
use crate::abort::Abort;
use crate::backend::{Assembled, Refusal, RegionAssembler};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// What there is to do.
pub(super) enum Job {
    Trace(Box<TraceJob>),
    Region(Box<dyn RegionAssembler>),
}

/// What was done.
pub(super) enum Done {
    Trace(Box<TraceDone>),
    Region { assembled: std::result::Result<Assembled, Refusal>, compiling: Duration },
}

/// What the interpreter's thread knows of it meanwhile.
pub(super) enum Begun {
    Trace(BegunTrace),
    Region(BegunRegion),
}

impl Job {
    /// Does it.
    pub fn run(self) -> Done {
        match self {
            Job::Trace(job) => Done::Trace(Box::new(job.run())),
            Job::Region(assembler) => {
                let started = Instant::now();
                let assembled = assembler.assemble();
                Done::Region { assembled, compiling: started.elapsed() }
            }
        }
    }
}

impl Begun {
    /// Whether there will be code with this word among its greens.
    fn has_green(&self, word: u64) -> bool {
        matches!(self, Begun::Trace(begun) if begun.has_green(word))
    }
}

/// A panic in there is a bug of ours, which comes out on the interpreter's thread.
type Result = std::result::Result<Done, Box<dyn Any + Send>>;

/// What is being compiled.
#[derive(Default)]
pub(super) struct Background {
    worker: RefCell<Option<Worker>>,
    /// In the order of the jobs.
    begun: RefCell<VecDeque<Begun>>,
    /// How many of them are entered by greens.
    n_entries: Cell<usize>,
    /// How many of them are regions.
    n_regions: Cell<usize>,
    /// How often it was asked for results in vain.
    n_asked: Cell<u32>,
}

/// A process asks the system its number, once in so many times that it asks for results in vain.
const ASK_PROCESS: u32 = 4096;

/// As much as the main thread of a program has, which compiles otherwise.
const STACK_BYTES: usize = 8 << 20;

/// The thread.
struct Worker {
    jobs: Sender<Job>,
    results: Receiver<Result>,
    /// Results that wait, or are just being sent.
    n_finished: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
    /// The process that it is in.
    process: u32,
}

impl Worker {
    fn spawn() -> std::io::Result<Worker> {
        let (jobs, todo) = channel::<Job>();
        let (done, results) = channel();
        let n_finished: Arc<AtomicUsize> = Arc::default();
        let of_thread = Arc::clone(&n_finished);
        let work = move || {
            for job in todo {
                let result = catch_unwind(AssertUnwindSafe(|| job.run()));
                of_thread.fetch_add(1, Ordering::Release);
                if done.send(result).is_err() {
                    // The driver is gone: nobody wants the rest.
                    break;
                }
            }
        };
        let thread =
            Builder::new().name("jit compiler".into()).stack_size(STACK_BYTES).spawn(work)?;
        Ok(Worker { jobs, results, n_finished, thread, process: std::process::id() })
    }

    /// Whether the thread is there: it is not in a process made by `fork`.
    fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Background {
    /// Notes what was handed over.
    pub fn push(&self, begun: Begun) {
        self.count(&begun, 1);
        self.begun.borrow_mut().push_back(begun);
    }

    fn count(&self, begun: &Begun, by: isize) {
        let n = match begun {
            Begun::Region(_) => &self.n_regions,
            Begun::Trace(begun) if begun.is_entered_by_greens() => &self.n_entries,
            Begun::Trace(_) => return,
        };
        n.set(n.get().strict_add_signed(by));
    }

    /// Whether there will be code with this word among its greens.
    pub fn has_green(&self, word: u64) -> bool {
        self.begun.borrow().iter().any(|begun| begun.has_green(word))
    }

    /// All code is to be freed: that which is being compiled, when it is done.
    pub fn release_all(&self) {
        for begun in &mut *self.begun.borrow_mut() {
            if let Begun::Trace(begun) = begun {
                begun.is_released = true;
            }
        }
    }

    /// Whether a region is being compiled.
    pub fn has_region(&self) -> bool {
        self.n_regions.get() > 0
    }

    /// Hands a job over. Gives it back if there can be no thread.
    pub fn submit(&self, job: Job) -> Option<Job> {
        let mut worker = self.worker.borrow_mut();
        if worker.is_none() {
            *worker = Worker::spawn()
                .inspect_err(|error| log::warn!("no thread to compile on: {error}"))
                .ok();
        }
        let Some(worker) = &*worker else { return Some(job) };
        worker.jobs.send(job).map_err(|job| job.0).err()
    }

    /// Whether results wait, or will not come any more.
    #[inline]
    pub fn has_finished(&self) -> bool {
        !self.begun.borrow().is_empty() && self.has_results()
    }

    #[inline(never)]
    fn has_results(&self) -> bool {
        let worker = self.worker.borrow();
        let Some(worker) = &*worker else { return false };
        if worker.n_finished.load(Ordering::Acquire) > 0 {
            return true;
        }
        let n_asked = self.n_asked.get();
        if n_asked < ASK_PROCESS {
            self.n_asked.set(n_asked + 1);
            return false;
        }
        // If it is not, the answer stays the same until somebody acts on it.
        self.n_asked.set(if worker.is_here() { 0 } else { ASK_PROCESS });
        self.n_asked.get() == ASK_PROCESS
    }

    /// Whether nothing is being compiled.
    pub fn is_idle(&self) -> bool {
        self.begun.borrow().is_empty()
    }

    /// Whether something is being compiled that is entered by greens.
    pub fn has_entry(&self) -> bool {
        self.n_entries.get() > 0
    }

    /// The next result, if it is there.
    fn take(&self) -> Option<(Begun, Result)> {
        let worker = self.worker.borrow();
        let Worker { n_finished, results, .. } = worker.as_ref()?;
        if n_finished.load(Ordering::Acquire) == 0 {
            return None;
        }
        let result = results.recv().ok()?;
        n_finished.fetch_sub(1, Ordering::Relaxed);
        let begun = self.begun.borrow_mut().pop_front().expect("one for each job");
        self.count(&begun, -1);
        Some((begun, result))
    }

    /// What a `fork` has left behind.
    fn take_lost(&self) -> VecDeque<Begun> {
        match self.worker.borrow_mut().take_if(|worker| !worker.is_here()) {
            None => VecDeque::new(),
            Some(lost) => {
                // Its thread cannot be waited for, and may have been about to use the channels.
                mem::forget(lost);
                self.n_asked.set(0);
                self.n_entries.set(0);
                self.n_regions.set(0);
                self.begun.take()
            }
        }
    }

    fn wait(&self) {
        let n_begun = self.begun.borrow().len();
        let worker = self.worker.borrow();
        let Some(worker) = worker.as_ref().filter(|worker| worker.is_here()) else { return };
        while worker.n_finished.load(Ordering::Acquire) < n_begun && !worker.thread.is_finished() {
            std::thread::yield_now();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        if !worker.is_here() {
            return mem::forget(worker);
        }
        let Worker { jobs, results, thread, .. } = worker;
        // It ends with the job that it is at.
        drop((jobs, results));
        // It catches the panics of jobs.
        let _ = thread.join();
    }
}

impl MetaInterp {
    /// Installs what has been compiled since this was called last. The interpreter is at a merge point.
    #[inline]
    pub(super) fn install_compiled(&self) {
        if self.background.has_finished() && !self.recording.get() {
            self.install_finished();
        }
    }

    #[inline(never)]
    fn install_finished(&self) {
        self.give_up_lost();
        while let Some((begun, result)) = self.background.take() {
            match (begun, result.unwrap_or_else(|panic| resume_unwind(panic))) {
                (Begun::Trace(begun), Done::Trace(done)) => {
                    self.set_compiling(&begun, false);
                    self.install(begun, *done);
                }
                (Begun::Region(begun), Done::Region { assembled, compiling }) => {
                    self.install_region(begun, assembled, compiling);
                }
                _ => unreachable!("jobs are done in order"),
            }
        }
    }

    /// Gives a job to the driver's thread; or back, if it is to be done at once.
    pub(super) fn hand_over(&self, job: Job) -> Option<Job> {
        if self.params.borrow().background == 0 {
            return Some(job);
        }
        self.give_up_lost();
        self.background.submit(job)
    }

    /// Gives up what a `fork` has left behind.
    pub(super) fn give_up_lost(&self) {
        for lost in self.background.take_lost() {
            match lost {
                Begun::Trace(lost) => {
                    self.set_compiling(&lost, false);
                    self.aborted(Abort::Overtaken, lost.start());
                }
                Begun::Region(lost) => self.give_up_region(&self.regions.borrow(), &lost),
            }
        }
    }

    /// Waits until all that was handed to the thread is compiled. It is installed when the interpreter arrives at
    /// a merge point the next time.
    pub fn wait_for_background(&self) {
        self.background.wait();
    }
}
