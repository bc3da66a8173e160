//! The recorder: what a twin tells its primitive operations to.
//!
//! A twin runs in one of three modes, with the same code.
//! - **Record**: it does the work, and each operation is appended to the trace.
//! - **Replay**: it takes the way again that the trace took from a merge point to a failed guard.
//!   Pure operations are computed; results of loads and calls come from what the exit saved; stores
//!   and calls are not repeated. When a bridge is being recorded, pure operations are appended to it.
//!   If the exit is a rewind, memory is as it was at the merge point: loads and stores are made, and
//!   appended.
//! - **Live**: it does the work and nothing is recorded, to reach the next merge point.
//!
//! The points at which an exit may stand are counted in *steps* from the last merge point. The count
//! depends only on the way the twin takes, never on what is constant, so that a replay finds the
//! point by counting.
//!
//! Invariants
//! 1. An operation that may leave a guard makes exactly one step, whatever its operands.
//! 2. Each load from memory that may change, and each result of a call with effects, appends one
//!    entry to the region's results; a replay hands them out in the same order.
//! 3. What an author asks of the trace itself is answered in a replay as in the recording ([`Recorder::ask`]), since
//!    the way may depend on it.
//! 4. No `RefCell` is borrowed while the author's code runs.

mod heapcache;
mod lane;
mod log;
mod region;

pub use lane::{Arg, Lane};

use crate::abort::Abort;
use crate::ir::{
    CallDescr, Classes, Const, ExitId, MemDescr, MergePoint, Opcode, Operand, Resume, ResumeKind,
    TargetId, Trace, TraceBuilder, Ty, ValueId,
};
use crate::opt::ExitEffect;
use crate::owner::Owner;
use crate::position::{self, Way};
use crate::quasi::{VALIDITY_CLASS, Validity};
use crate::warm::assembler::Assembler;
use heapcache::HeapCache;
use region::{Header, Mark, Region};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

/// Whether the twin goes on at a merge point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Hand greens and reds to the plain interpreter.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Record,
    Replay,
    Live,
}

/// What a recording yielded.
#[derive(Debug)]
pub enum Recorded {
    /// A trace that jumps back to its own label.
    Loop {
        /// The trace.
        trace: Trace,
        /// The greens at its label.
        greens: Box<[u64]>,
        /// Its label.
        target: TargetId,
    },
    /// A loop for which there is code already, recorded once more.
    Version {
        /// A trace that jumps back to its own label.
        trace: Trace,
        /// Its label.
        target: TargetId,
        /// The lap before, from the failed guard to the code that there is.
        bridge: Box<Trace>,
        /// The label of that.
        first: TargetId,
    },
    /// A trace from a merge point of the interpreter that ends elsewhere.
    Entry {
        /// The trace.
        trace: Trace,
        /// The label at its start.
        target: TargetId,
    },
    /// A trace from a failed guard.
    Bridge {
        /// The trace.
        trace: Trace,
    },
    /// Nothing to compile.
    Aborted(Abort),
}

/// Limits of one recording.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most operations.
    pub trace_limit: usize,
    /// Most values of an exit.
    pub failargs_limit: usize,
    /// Whether single `Vec`s' buffers may have classes of memory of their own.
    pub names_buffers: bool,
    /// The driver's, for calls of its portal.
    pub assembler: Rc<Assembler>,
    /// The driver's references that were green.
    pub borrowed: Rc<RefCell<Borrowed>>,
    /// Where it goes.
    pub route: Route,
}

/// References that a recording has met as greens and that are borrowed for as long as the driver lives: what they
/// refer to never changes. With their types, because cells do change, and the content of one may have the
/// address of the whole.
pub type Borrowed = FxHashSet<(TypeId, Words)>;

/// More are looked for among all.
const MOST_LAST_BORROWED: usize = 4;

/// What the way of a twin depends on besides its values. The replay of an exit takes that of the recording,
/// whatever the parameters are by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Deepest recursion of one traced function.
    pub max_unroll_recursion: u32,
    /// Whether calls of portals are followed.
    pub inlining: bool,
    /// Steps behind the merge point at which an expression is not promoted, since it has had too many values.
    pub varying: SmallVec<[u32; 2]>,
    /// Which portals are not inlined, from which step on.
    pub not_inlined: SmallVec<[(u32, Rc<NotInlined>); 1]>,
    /// Where a question about the trace was answered with yes: merge points, and steps behind them.
    pub answers: SmallVec<[(u32, u32); 1]>,
}

/// The greens of portals that are called, not inlined.
pub type NotInlined = FxHashSet<Words>;

impl Route {
    /// That of exits behind a merge point of the trace, which are replayed from there: steps are counted anew. A
    /// bridge begins behind the merge point of its exit.
    pub fn behind(&self, merge_point: u32) -> Route {
        let here = self.answers.iter().filter(|(at, _)| *at == merge_point);
        let answers = here.map(|&(_, step)| (0, step)).collect();
        if merge_point == 0 {
            return Route { answers, ..self.clone() };
        }
        let last = self.not_inlined.last().map(|(_, last)| (0, Rc::clone(last)));
        let not_inlined = last.into_iter().collect();
        Route { varying: SmallVec::new(), not_inlined, answers, ..*self }
    }

    /// Where a recording goes on behind this step.
    pub fn go_on(&mut self, step: u32, not_inlined: Rc<NotInlined>) {
        let is_known = match self.not_inlined.last() {
            Some((_, last)) => *last == not_inlined,
            None => not_inlined.is_empty(),
        };
        if !is_known {
            self.not_inlined.push((step, not_inlined));
        }
    }
}

/// Answers whether compiled code can be jumped to at a loop header with these greens.
pub type FindTarget = Rc<dyn Fn(&[u64]) -> Option<TargetId>>;

/// How the paths of a loop that meet at a merge point join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// There is a label already.
    Jump(TargetId),
    /// This recording puts one there.
    Label(TargetId),
}

/// Answers whether paths join at a merge point: given the greens of the one before, and its own.
pub type FindJoin = Rc<dyn Fn(&[u64], &[u64]) -> Option<Join>>;

/// What a residual call needs beside its arguments.
#[derive(Debug, Clone, Copy)]
pub struct CallSite {
    /// Name of the called function or a short text of the expression.
    pub name: &'static str,
    /// `file:line:column`.
    pub site: &'static str,
    /// The result depends on the arguments only, and there are no effects.
    pub elidable: bool,
    /// The result may refer to something that the arguments lead to, and that may go away: the call can be made
    /// again in a replay, but its result is not used again in place of another call's.
    pub borrows: bool,
    /// It changes nothing, does not panic, and what it answers refers to nothing that the arguments lead to.
    pub reads_only: bool,
    /// As elidable, and the arguments are promoted before.
    pub promotes: bool,
    /// Equal arguments have equal results as long as a loop runs, and there are no effects.
    pub loop_invariant: bool,
    /// Of one of those: what no other function has. Nothing if functions of that name are many.
    pub function: Option<NonZeroUsize>,
    /// Called by the interpreter and while recording, never by compiled code. Answers nothing.
    pub not_in_trace: bool,
    /// It calls the portal, by [`Recorder::assembler`].
    pub calls_portal: bool,
}

impl CallSite {
    /// A call about which nothing is known, without a name.
    pub const PLAIN: CallSite = CallSite {
        name: "",
        site: "",
        elidable: false,
        borrows: false,
        reads_only: false,
        promotes: false,
        loop_invariant: false,
        function: None,
        not_in_trace: false,
        calls_portal: false,
    };

    /// Equal arguments have equal results, as long as the trace exists.
    fn is_pure(&self) -> bool {
        self.elidable && !self.borrows
    }

    /// Equal arguments have equal results in one run of a trace, and nothing happens.
    fn repeats(&self) -> bool {
        self.is_pure() || self.loop_invariant
    }
}

/// Where a residual call puts its results.
#[derive(Debug)]
pub struct CallResults<'a> {
    /// Their types.
    pub tys: &'a [Ty],
    /// Arguments first, then the results' words.
    pub words: &'a mut [u64],
    /// The results' lanes.
    pub lanes: &'a mut [Lane],
}

/// What the trace before has not done when it was left: it has been done by now, and a bridge begins with it.
#[derive(Debug, Clone)]
pub struct OnEntry {
    /// An allocation or a store.
    pub effect: ExitEffect,
    /// The operands.
    pub args: SmallVec<[Arg; 3]>,
}

/// Words of greens, reds or results.
pub type Words = SmallVec<[u64; 8]>;

/// So many words, without a loop where they are few, for this is done at each arrival at a loop header and at
/// each exit.
#[inline]
pub fn zeros(n: usize) -> Words {
    let few = [0; 8];
    match n <= few.len() {
        true => Words::from_buf_and_len(few, n),
        false => many_zeros(n),
    }
}

#[cold]
fn many_zeros(n: usize) -> Words {
    SmallVec::from_elem(0, n)
}

/// How a portal that is inlined goes on at its merge point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InlinedFlow {
    /// In the twin.
    Inline,
    /// In the plain function, from the merge point on.
    Call {
        /// The merge point is behind a `can_enter_jit!`: there may be compiled code for it.
        is_header: bool,
    },
}

/// A portal that is inlined into another one's trace, or its own.
#[derive(Debug, Default)]
struct InlinedPortal {
    /// The greens of its loop headers so far, and how many operations were recorded before.
    headers: Vec<(Words, usize)>,
    /// The recursion of functions outside of it, which is counted anew inside.
    depth: Vec<(usize, u32)>,
}

/// A call that answers the same as long as the loop runs, and what it has answered.
struct Invariant {
    function: NonZeroUsize,
    args: Vec<Operand>,
    results: SmallVec<[Arg; 2]>,
}

struct Recording {
    builder: TraceBuilder,
    region: Region,
    heap: HeapCache,
    headers: Vec<Header>,
    /// Addresses of and in objects that nobody but the twin has them of, since the last merge point. With the object's
    /// own address.
    fresh: Vec<(ValueId, ValueId)>,
    /// Since the last merge point.
    invariants: Vec<Invariant>,
    from_interpreter: bool,
    /// The target that this recording may define.
    target: TargetId,
}

/// See the module documentation.
pub struct Recorder {
    mode: Cell<Mode>,
    /// Operations are appended. True in `Record` and when a replay leads to a bridge.
    recording: Cell<bool>,
    logging: bool,
    step: Cell<u32>,
    /// The step at which a replay ends.
    target_step: Cell<u32>,
    /// What the mode becomes there.
    then: Cell<Mode>,
    /// The step at which the replay ended is still the current one.
    at_failed_guard: Cell<bool>,
    /// A replay that reads and writes memory again, which is as it was at the merge point.
    rereads: bool,
    before_first_merge_point: Cell<bool>,
    loop_header_seen: Cell<bool>,
    /// There is no `can_enter_jit!`: merge points that the program jumps back to are loop headers.
    no_loop_header: Cell<bool>,
    /// Programs that were met, by address.
    owners: RefCell<Vec<(u64, Box<dyn Owner>)>>,
    /// References that are green: what they refer to does not change. With their types, because cells
    /// do change, and the content of one may have the address of the whole.
    greens: RefCell<Vec<(TypeId, Words)>>,
    /// What was last noted to be borrowed.
    last_borrowed: RefCell<Vec<(TypeId, Words)>>,
    saved: RefCell<std::vec::IntoIter<Arg>>,
    start_reds: RefCell<Vec<Arg>>,
    state: RefCell<Recording>,
    recorded: RefCell<Option<Recorded>>,
    depth: RefCell<Vec<(usize, u32)>>,
    /// The greens of the last merge point that is not inlined.
    region_greens: RefCell<Words>,
    /// The portals that are inlined at present, the outermost first.
    inlined: RefCell<Vec<InlinedPortal>>,
    /// The largest portal that was inlined to its end: how many operations, and the greens of its loop header.
    largest: RefCell<(usize, Words)>,
    /// What made the recording too large to go on, if that was inlined.
    too_large: RefCell<Option<Words>>,
    degraded: Cell<Degraded>,
    /// As [`Route::answers`], of this recording.
    answers: RefCell<SmallVec<[(u32, u32); 1]>>,
    /// The answer of an elidable call is a constant of the trace, and leads somewhere.
    is_of_thread: Cell<bool>,
    validity: RefCell<Option<Rc<Validity>>>,
    /// Classes of memory to which only the twin knows the way, unless it has shown it to somebody.
    exclusive: Cell<Classes>,
    /// The classes to which it has, since the last merge point.
    shown: Cell<Classes>,
    /// Whether single `Vec`s' buffers have classes of their own.
    buffers: Cell<Buffers>,
    /// Other pointers than a red may lead to what has the red's class.
    has_open_local: Cell<bool>,
    /// What objects are told apart from the elements of `Vec`s by.
    sizes: RefCell<Sizes>,
    limits: Limits,
    /// No merge point was passed so far.
    in_first_region: Cell<bool>,
    find_target: FindTarget,
    find_join: Option<FindJoin>,
    /// Labels that this recording has put at merge points.
    joins: RefCell<Vec<(Words, TargetId)>>,
    /// A loop that there is code for, and that is recorded once more.
    retrace: RefCell<Retrace>,
}

/// How often a recording came to code that the frontend cannot take apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Degraded {
    /// Expressions that became residual calls.
    pub expressions: u64,
    /// Statements at which the recording ended: at most one.
    pub statements: u64,
}

impl Recorder {
    /// Records from a merge point of the interpreter.
    pub fn from_interpreter(
        greens: &[u64],
        reds: &[Const],
        target: TargetId,
        limits: Limits,
        find_target: FindTarget,
    ) -> Recorder {
        let mut builder = TraceBuilder::new("");
        let inputs = reds.iter().map(|red| Arg::of(Lane::of(builder.input(red.ty)), *red));
        let start_reds: Vec<Arg> = inputs.collect();
        let mut recorder = Recorder::new(builder, greens, start_reds, target, limits, find_target);
        recorder.mode = Cell::new(Mode::Record);
        let state = recorder.state.get_mut();
        state.from_interpreter = true;
        let values = state.builder.trace().inputs().collect();
        state.headers.push(Header { greens: greens.into(), first_op: 0, reds: values });
        recorder.begin_trace(greens, false);
        recorder
    }

    /// Replays from an exit; then lives, or records a bridge if there is a target it may define.
    ///
    /// The arguments `effects`, `reds` and `saved` carry the lanes of the bridge's inputs if `inputs` gives their types.
    #[allow(clippy::too_many_arguments)]
    pub fn from_exit(
        greens: &[u64],
        effects: &[OnEntry],
        reds: Vec<Arg>,
        saved: Vec<Arg>,
        resume: Resume,
        inputs: Option<&[Ty]>,
        target: TargetId,
        limits: Limits,
        find_target: FindTarget,
    ) -> Recorder {
        let mut builder = TraceBuilder::new("");
        for &ty in inputs.unwrap_or(&[]) {
            builder.input(ty);
        }
        for OnEntry { effect, args } in effects.iter().filter(|_| inputs.is_some()) {
            let args = operands(&mut builder, args);
            effect.begin(&mut builder, &args);
        }
        let mut recorder = Recorder::new(builder, greens, reds, target, limits, find_target);
        recorder.mode = Cell::new(Mode::Replay);
        recorder.target_step = Cell::new(resume.step);
        recorder.rereads = resume.kind == ResumeKind::Rewind;
        recorder.saved = RefCell::new(saved.into_iter());
        recorder.recording = Cell::new(inputs.is_some());
        recorder.then = Cell::new(if inputs.is_some() { Mode::Record } else { Mode::Live });
        if inputs.is_some() {
            recorder.begin_trace(greens, resume.kind == ResumeKind::Replay);
        }
        if resume.step == 0 {
            recorder.mode = Cell::new(recorder.then.get());
        }
        recorder
    }

    fn new(
        builder: TraceBuilder,
        greens: &[u64],
        start_reds: Vec<Arg>,
        target: TargetId,
        limits: Limits,
        find_target: FindTarget,
    ) -> Recorder {
        Recorder {
            mode: Cell::new(Mode::Live),
            recording: Cell::new(true),
            logging: ::log::log_enabled!(::log::Level::Trace),
            step: Cell::new(0),
            target_step: Cell::new(u32::MAX),
            then: Cell::new(Mode::Live),
            at_failed_guard: Cell::new(false),
            rereads: false,
            before_first_merge_point: Cell::new(true),
            loop_header_seen: Cell::new(false),
            no_loop_header: Cell::new(false),
            owners: RefCell::default(),
            greens: RefCell::default(),
            last_borrowed: RefCell::default(),
            saved: RefCell::new(Vec::new().into_iter()),
            start_reds: RefCell::new(start_reds),
            state: RefCell::new(Recording {
                builder,
                region: Region::default(),
                heap: HeapCache::default(),
                headers: Vec::new(),
                fresh: Vec::new(),
                invariants: Vec::new(),
                from_interpreter: false,
                target,
            }),
            recorded: RefCell::new(None),
            depth: RefCell::new(Vec::new()),
            region_greens: RefCell::new(greens.into()),
            inlined: RefCell::default(),
            largest: RefCell::default(),
            too_large: RefCell::default(),
            degraded: Cell::default(),
            answers: RefCell::default(),
            is_of_thread: Cell::new(false),
            validity: RefCell::default(),
            exclusive: Cell::default(),
            shown: Cell::default(),
            buffers: Cell::new(match limits.names_buffers {
                true => Buffers::MayBeNamed,
                false => Buffers::Unnamed,
            }),
            has_open_local: Cell::default(),
            sizes: RefCell::default(),
            limits,
            in_first_region: Cell::new(true),
            find_target,
            find_join: None,
            joins: RefCell::default(),
            retrace: RefCell::new(Retrace::No),
        }
    }

    /// Lets a loop be recorded once more, though there is code for it: if the first loop header that the recording comes
    /// to is this one.
    pub fn retrace(&mut self, greens: &[u64]) {
        self.retrace = RefCell::new(Retrace::Possible(greens.into()));
    }

    /// Joins paths where they meet.
    pub fn join_paths(&mut self, find_join: Option<FindJoin>) {
        self.find_join = find_join;
    }

    fn begin_trace(&mut self, greens: &[u64], dirty: bool) {
        let state = self.state.get_mut();
        state.builder.reserve_for_recording();
        state.begin_region(greens, self.start_reds.get_mut());
        state.region.dirty = dirty;
    }

    /// What was recorded. `None` if the twin left neither by a merge point nor by a return.
    pub fn take_recorded(&self) -> Option<Recorded> {
        self.recorded.take()
    }

    /// Whether operations are being appended.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.recording.get()
    }

    /// Whether the twin just runs: nothing is recorded, and no recorded way is followed.
    #[inline]
    pub fn is_live(&self) -> bool {
        self.mode.get() == Mode::Live
    }

    /// Whether the twin follows a recorded way at present.
    #[inline]
    pub fn is_replaying(&self) -> bool {
        self.mode.get() == Mode::Replay
    }

    /// Makes a step; a replay may end here. Every operation that may leave a guard calls this first.
    #[inline]
    pub fn step(&self) {
        let step = self.step.get() + 1;
        self.step.set(step);
        self.at_failed_guard.set(false);
        if step == self.target_step.get() && self.mode.get() == Mode::Replay {
            self.end_replay();
        }
    }

    #[cold]
    fn end_replay(&self) {
        self.mode.set(self.then.get());
        self.at_failed_guard.set(true);
        let (step, left) = (self.step.get(), self.saved.borrow().len());
        assert!(left == 0, "replay to step {step} left {left} saved results");
    }

    /// Records a pure operation with its concrete result and answers the result's lane.
    pub fn op(&self, opcode: Opcode, args: &[Arg], res: Const) -> Lane {
        if !self.recording.get() {
            return Lane::CONST;
        }
        self.log_op(opcode.name(), args, Some(res));
        if args.iter().all(|arg| arg.lane.is_const()) {
            return Lane::CONST;
        }
        self.append(opcode, args, 0, res.ty)
    }

    /// Like [`Recorder::op`], for operations that the interpreter's text does not show: addresses.
    pub fn op_silently(&self, opcode: Opcode, args: &[Arg], res: Const) -> Lane {
        if !self.recording.get() || args.iter().all(|arg| arg.lane.is_const()) {
            return Lane::CONST;
        }
        self.append(opcode, args, 0, res.ty)
    }

    /// Records an overflow operation and the guard that its flag was as `overflowed` says. The caller
    /// has made the step.
    pub fn op_ovf(&self, opcode: Opcode, args: &[Arg], res: Const, overflowed: bool) -> Lane {
        if !self.recording.get() {
            return Lane::CONST;
        }
        if args.iter().all(|arg| arg.lane.is_const()) {
            let plain = opcode.without_overflow().unwrap_or(opcode);
            self.log_op(plain.name(), args, Some(res));
            return Lane::CONST;
        }
        if self.mode.get() == Mode::Replay && !overflowed {
            // The way is known: no overflow happened here.
            let plain = opcode.without_overflow().expect("an overflow operation");
            return self.append(plain, args, 0, res.ty);
        }
        self.log_op(opcode.name(), args, Some(res));
        let lane = self.append(opcode, args, 0, res.ty);
        // An overflow operation is never without its guard, also in a replay.
        let guard = if overflowed { Opcode::GuardOverflow } else { Opcode::GuardNoOverflow };
        self.append_guard(guard, &[], false);
        lane
    }

    /// Records that `cond` was as it is, unless it is constant. The caller has made the step.
    pub fn guard_bool(&self, cond: Arg) {
        if cond.lane.is_const() {
            return;
        }
        // The way up to the failed guard is known, and at the failed guard itself: the other one.
        if self.mode.get() != Mode::Record || self.at_failed_guard.get() {
            if self.recording.get() {
                let known = if cond.bits == 1 { Opcode::AssumeTrue } else { Opcode::AssumeFalse };
                self.append_void(known, &[cond], 0);
            }
            return;
        }
        let guard = if cond.bits == 1 { Opcode::GuardTrue } else { Opcode::GuardFalse };
        self.append_guard(guard, &[cond], false);
    }

    /// Records that `value` was as it is, unless it is constant, and answers the constant's lane. The
    /// caller has made the step.
    pub fn guard_value(&self, value: Arg) -> Lane {
        if self.varies() {
            // What is compiled for cannot do without the constant.
            self.abort(Abort::TooManyPromoted);
        }
        if self.mode.get() == Mode::Record && !value.lane.is_const() {
            let constant = Arg::of(Lane::CONST, value.concrete());
            self.append_guard(Opcode::GuardValue, &[value, constant], false);
        }
        self.promoted(value);
        match self.mode.get() {
            // In a replay the guard has held: the value is the constant there too.
            Mode::Record | Mode::Replay => Lane::CONST,
            Mode::Live => value.lane,
        }
    }

    /// The same for an expression that the author promotes, but for those that have had too many values:
    /// they are variable from there on. The caller has made the step.
    pub fn promote(&self, value: Arg) -> Lane {
        match self.varies() {
            true => value.lane,
            false => self.guard_value(value),
        }
    }

    /// What its way depends on besides values.
    pub fn route(&self) -> Route {
        let mut route = self.limits.route.clone();
        route.answers.extend(self.answers.borrow().iter().copied());
        route
    }

    /// Answers a question about the trace, such as whether a value is constant in it. The interpreter's results do not
    /// depend on that, but its way does: a replay gets the answers of the recording. The caller has made the step.
    pub fn ask(&self, is_so: impl FnOnce() -> bool) -> bool {
        let step = self.step.get();
        match self.mode.get() {
            Mode::Live => false,
            Mode::Replay => self.limits.route.answers.contains(&(0, step)),
            Mode::Record => {
                let yes = is_so();
                if yes {
                    let merge_point = self.state.borrow().region.merge_point;
                    self.answers.borrow_mut().push((merge_point, step));
                }
                yes
            }
        }
    }

    /// Whether an object has been allocated since the last merge point, and its address is stored nowhere and was
    /// given to no call.
    pub fn is_fresh(&self, address: Lane) -> bool {
        self.state.borrow().fresh_object(address).is_some()
    }

    /// Whether this step is of an expression that has had too many values. A merge point begins to count anew,
    /// and what it begins is another lap.
    pub fn varies(&self) -> bool {
        self.in_first_region.get() && self.limits.route.varying.contains(&self.step.get())
    }

    fn promoted(&self, value: Arg) {
        if self.recording.get() && !value.lane.is_const() {
            self.state.borrow_mut().heap.promoted(value.lane, value.bits);
        }
    }

    /// Takes it for known that the trace's value `read` is `green` here: a merge point with other greens
    /// is another one.
    pub fn know(&self, read: Arg, green: Const) {
        if read.bits != green.bits {
            // What the portal has read a moment ago has changed by being read.
            return self.abort(Abort::GreenChanged);
        }
        if self.recording.get() && !read.lane.is_const() {
            self.assume_value(read, green);
            self.promoted(read);
            let state = &mut *self.state.borrow_mut();
            let constant = state.builder.constant(green);
            let results = state.region.results.iter_mut();
            results
                .filter(|result| result.value() == read.lane.value())
                .for_each(|result| *result = constant);
        }
    }

    /// Tells the optimizer what a value is. What floats are it is not told.
    fn assume_value(&self, value: Arg, is: Const) {
        let condition = match is.ty {
            Ty::F32 | Ty::F64 => return,
            Ty::Bool => value,
            ty => {
                let equal = if ty == Ty::Ptr { Opcode::PtrEq } else { Opcode::IntEq };
                let lane = self.append(equal, &[value, Arg::constant(ty, is.bits)], 0, Ty::Bool);
                Arg { lane, ty: Ty::Bool, bits: 1 }
            }
        };
        self.assume(condition);
    }

    /// A guard on `cond` that is recorded also at the failed guard, where more than one guard may
    /// stand at one step. The caller has made the step.
    pub fn guard_one_of_many(&self, cond: Arg) {
        if self.mode.get() == Mode::Record && !cond.lane.is_const() {
            let guard = if cond.bits == 1 { Opcode::GuardTrue } else { Opcode::GuardFalse };
            self.append_guard(guard, &[cond], false);
        }
    }

    /// Keeps a program, which is green at the next merge point, for what is being recorded.
    pub fn keep(&self, address: u64, weak: impl FnOnce() -> Box<dyn Owner>) {
        // What is replayed is not read from memory, and was kept when it was recorded.
        let mut owners = self.owners.borrow_mut();
        if self.mode.get() == Mode::Record && owners.iter().all(|(known, _)| *known != address) {
            owners.push((address, weak()));
        }
    }

    /// The programs that were met.
    pub fn take_owners(&self) -> Vec<(u64, Box<dyn Owner>)> {
        self.owners.take()
    }

    /// Notes that a reference with these words, to a value of that type, is green in this and every other
    /// recording: it is borrowed for as long as the driver lives.
    pub fn note_borrowed(&self, pointee: TypeId, words: &[u64]) {
        // Each merge point notes its greens, which are mostly those of the one before.
        let mut last = self.last_borrowed.borrow_mut();
        if last.iter().any(|(ty, it)| *ty == pointee && it[..] == *words) {
            return;
        }
        let borrowed = (pointee, Words::from_slice(words));
        self.limits.borrowed.borrow_mut().insert(borrowed.clone());
        last.truncate(MOST_LAST_BORROWED - 1);
        last.insert(0, borrowed);
    }

    /// Notes that a reference with these words, to a value of that type, is green.
    pub fn note_green(&self, pointee: TypeId, words: &[Arg]) {
        let words = words.iter().map(|word| word.bits).collect();
        self.greens.borrow_mut().push((pointee, words));
    }

    /// Whether these constants are a green reference to a value of that type.
    pub fn is_green(&self, pointee: TypeId, words: &[Arg]) -> bool {
        if !words.iter().all(|word| word.lane.is_const()) {
            return false;
        }
        let green = (pointee, words.iter().map(|word| word.bits).collect());
        self.greens.borrow().contains(&green) || self.limits.borrowed.borrow().contains(&green)
    }

    /// A load. `read` does it; it is not called when the result comes from an exit.
    ///
    /// `known`: what is there is the same on every run of the trace. Unlike `descr.frozen`, that is known in
    /// this recording and not in replays, so it does not decide whether there is a saved result.
    #[inline]
    pub fn load(
        &self,
        base: Arg,
        index: Option<Arg>,
        descr: &MemDescr,
        known: bool,
        read: impl FnOnce() -> u64,
    ) -> (u64, Lane) {
        if !descr.frozen && self.mode.get() == Mode::Replay && !self.rereads {
            let saved = self.next_saved(descr.ty);
            if self.recording.get() {
                self.state.borrow_mut().heap.loaded(base, index, descr, saved);
            }
            return (saved.bits, saved.lane);
        }
        let res = Const::new(descr.ty, read());
        if !self.recording.get() {
            return (res.bits, Lane::CONST);
        }
        (res.bits, self.record_load(base, index, descr, known, res))
    }

    fn record_load(
        &self,
        base: Arg,
        index: Option<Arg>,
        descr: &MemDescr,
        known: bool,
        res: Const,
    ) -> Lane {
        let opcode = if index.is_some() { Opcode::GetArrayItem } else { Opcode::GetField };
        let args = &[base, index.unwrap_or(base)][..1 + usize::from(index.is_some())];
        self.log_op(opcode.name(), args, Some(res));
        if known && descr.frozen {
            return Lane::CONST;
        }
        {
            let state = &mut *self.state.borrow_mut();
            let known = match known {
                true => Some(Lane::CONST),
                false => state.heap.load(base, index, descr, res),
            };
            if let Some(lane) = known {
                if !descr.frozen {
                    state.push_result(&Arg::of(lane, res));
                }
                return lane;
            }
        }
        let lane = self.append_mem(opcode, args, descr, Some(res.ty));
        if !descr.frozen && self.recording.get() {
            let state = &mut *self.state.borrow_mut();
            let result = Arg::of(lane, res);
            state.heap.loaded_new(base, index, descr, result);
            state.push_result(&result);
        }
        lane
    }

    /// A load of a value that hardly ever changes. At a constant address it is a constant of the trace, as long as
    /// the trace is valid; `watch` is given what is to become invalid when it changes. The caller has
    /// made the step.
    pub fn quasi_immutable(
        &self,
        address: Arg,
        ty: Ty,
        watch: impl FnOnce(&Rc<Validity>),
        read: impl FnOnce() -> u64,
    ) -> (u64, Lane) {
        let descr = MemDescr { ty, offset: 0, scale: 0, class: 0, frozen: false };
        if !self.recording.get() || !address.lane.is_const() {
            return self.load(address, None, &descr, false, read);
        }
        if self.mode.get() == Mode::Replay && !self.rereads {
            let saved = self.next_saved(ty);
            return (saved.bits, Lane::CONST);
        }
        let res = Const::new(ty, read());
        let validity = Rc::clone(self.validity.borrow_mut().get_or_insert_with(Validity::new));
        watch(&validity);
        if self.mode.get() == Mode::Record {
            self.guard_valid(&validity);
        }
        self.push_result(Arg::of(Lane::CONST, res));
        (res.bits, Lane::CONST)
    }

    /// The guard that the trace is valid, unless that is known.
    fn guard_valid(&self, validity: &Validity) {
        let address = Arg::constant(Ty::Ptr, validity.address());
        let descr =
            MemDescr { ty: Ty::Bool, offset: 0, scale: 0, class: VALIDITY_CLASS, frozen: false };
        let valid = Const::new(Ty::Bool, 1);
        let is_known = self.state.borrow().heap.load(address, None, &descr, valid).is_some();
        if is_known {
            return;
        }
        let lane = self.append_mem(Opcode::GetField, &[address], &descr, Some(Ty::Bool));
        if self.recording.get() && !lane.is_const() {
            self.append_guard(Opcode::GuardTrue, &[Arg::of(lane, valid)], false);
            let known = Arg::of(Lane::CONST, valid);
            self.state.borrow_mut().heap.loaded(address, None, &descr, known);
        }
    }

    /// What says whether the recorded trace is valid, if it depends on anything.
    pub fn take_validity(&self) -> Option<Rc<Validity>> {
        self.validity.take()
    }

    /// A store. `write` does it; it is not called in a replay, unless that begins with a rewind.
    #[inline]
    pub fn store(
        &self,
        base: Arg,
        index: Option<Arg>,
        value: Arg,
        descr: &MemDescr,
        write: impl FnOnce(),
    ) {
        // Where memory is as it was at the merge point, the store has not been made.
        let made = self.mode.get() == Mode::Replay && !self.rereads;
        if !made {
            write();
        }
        if !self.recording.get() {
            return;
        }
        self.record_store(base, index, value, descr, made);
    }

    fn record_store(
        &self,
        base: Arg,
        index: Option<Arg>,
        value: Arg,
        descr: &MemDescr,
        made: bool,
    ) {
        {
            let state = &mut *self.state.borrow_mut();
            state.heap.stored(base, index, descr, value);
            state.escape(&[value]);
        }
        if made {
            return;
        }
        let opcode = if index.is_some() { Opcode::SetArrayItem } else { Opcode::SetField };
        let args = match index {
            Some(index) => &[base, index, value][..],
            None => &[base, value],
        };
        self.log_op(opcode.name(), args, None);
        self.append_mem(opcode, args, descr, None);
        self.state.borrow_mut().region.dirty = true;
    }

    /// Allocates an object, by `new`, or a buffer. `run` does it and answers the address; it is not called when that
    /// comes from an exit.
    pub fn allocate(
        &self,
        opcode: Opcode,
        bytes: usize,
        align: usize,
        run: impl FnOnce() -> u64,
    ) -> (u64, Lane) {
        debug_assert!(opcode.allocates());
        if self.mode.get() == Mode::Replay && !self.rereads {
            let saved = self.next_saved(Ty::Ptr);
            self.state.borrow_mut().made(saved.lane);
            return (saved.bits, saved.lane);
        }
        let address = Const::new(Ty::Ptr, run());
        if !self.recording.get() {
            return (address.bits, Lane::CONST);
        }
        let args = [bytes, align].map(|word| Arg::constant(Ty::I64, word as u64));
        self.log_op(opcode.name(), &args, Some(address));
        let lane = self.append(opcode, &args, 0, Ty::Ptr);
        {
            let state = &mut *self.state.borrow_mut();
            state.made(lane);
            state.region.dirty = true;
        }
        self.push_result(Arg::of(lane, address));
        (address.bits, lane)
    }

    /// Gives back what was allocated, which `run` does; it is not called in a replay, unless that begins with a
    /// rewind.
    pub fn free(
        &self,
        opcode: Opcode,
        address: Arg,
        bytes: usize,
        align: usize,
        run: impl FnOnce(),
    ) {
        debug_assert!(opcode.frees());
        let done = self.mode.get() == Mode::Replay && !self.rereads;
        if !done {
            run();
        }
        if !self.recording.get() {
            return;
        }
        self.state.borrow_mut().heap.freed(address);
        if done || self.too_long() {
            return;
        }
        let size = [bytes, align].map(|word| Arg::constant(Ty::I64, word as u64));
        let args = [address, size[0], size[1]];
        self.log_op(opcode.name(), &args, None);
        self.append_void(opcode, &args, 0);
        self.state.borrow_mut().region.dirty = true;
    }

    /// Says that a condition is always as it is now, as the author promises: the optimizer may use it, and no
    /// guard is left. The caller has made the step.
    pub fn assume(&self, condition: Arg) {
        if self.recording.get() && !condition.lane.is_const() {
            let opcode = if condition.bits == 1 { Opcode::AssumeTrue } else { Opcode::AssumeFalse };
            self.append_void(opcode, &[condition], 0);
        }
    }

    /// Gives the recording up if a value that should be constant in traces is not.
    pub fn assert_green(&self, value: Arg) {
        if self.mode.get() == Mode::Record && self.recording.get() && !value.lane.is_const() {
            self.abort(Abort::NotGreen);
        }
    }

    /// At a merge point: nobody but the twin knows the way to memory of these classes.
    pub fn set_exclusive(&self, classes: Classes) {
        self.exclusive.set(classes);
        self.shown.set(Classes::NONE);
    }

    /// An address in memory of this class is handed out: calls may reach that memory from here on.
    #[inline]
    pub fn show(&self, class: u32) {
        self.shown.set(self.shown.get().with(class));
    }

    /// Whether the buffer of a `Vec` that is in an object of one of the [exclusive](Recorder::set_exclusive)
    /// classes may have a class of its own, by where in the object the `Vec` is.
    ///
    /// That a place has one `Vec` holds until one is moved there: see [`Recorder::moves_buffer`].
    pub fn names_buffer(&self) -> bool {
        match self.buffers.get() {
            Buffers::Unnamed | Buffers::Moved => false,
            Buffers::MayBeNamed | Buffers::Named => {
                self.buffers.set(Buffers::Named);
                true
            }
        }
    }

    /// A `Vec` may have come to a place where another one was: what is known of the buffer by the place's name
    /// is wrong from here on. Such a recording is given up, if it has used any names, and so are the names.
    pub fn moves_buffer(&self) {
        if self.recording.get() && self.buffers.replace(Buffers::Moved) == Buffers::Named {
            self.abort(Abort::BufferMoved);
        }
    }

    /// Whether an object of so many bytes that owns something, and to which a pointer has led that was not
    /// derived from a red, is apart from what the [exclusive](Recorder::set_exclusive) reds lead to and from the
    /// buffers of `Vec`s.
    ///
    /// It is no element of a `Vec`, and not in one, as long as none that is looked at is of its size, nor has parts of
    /// its size: see [`Recorder::element_has`].
    pub fn names_object(&self, bytes: usize) -> bool {
        let mut sizes = self.sizes.borrow_mut();
        let may_be_red = self.has_open_local.get() || self.apart() != self.exclusive.get();
        if may_be_red || sizes.in_elements(bytes) || !self.names_buffer() {
            return false;
        }
        Sizes::note(&mut sizes.objects, bytes);
        true
    }

    /// A red is a variable in memory, to which others may refer.
    pub fn has_open_local(&self) {
        self.has_open_local.set(true);
    }

    /// The twin looks at an element of a `Vec`, or a part of one, of so many bytes; or at any part of at most so many.
    /// If it has taken objects of that size for none, the recording is given up.
    pub fn element_has(&self, bytes: usize, or_less: bool) {
        let mut sizes = self.sizes.borrow_mut();
        match or_less {
            true => sizes.most_in_elements = sizes.most_in_elements.max(bytes),
            false => Sizes::note(&mut sizes.elements, bytes),
        }
        if sizes.objects.iter().any(|&it| sizes.in_elements(it)) && self.recording.get() {
            self.buffers.set(Buffers::Moved);
            drop(sizes);
            self.abort(Abort::ObjectInVec);
        }
    }

    /// Whether it was told so.
    pub fn has_moved_buffer(&self) -> bool {
        self.buffers.get() == Buffers::Moved
    }

    /// What has been handed out so far.
    pub fn shown(&self) -> Classes {
        self.shown.get()
    }

    /// Who was given more than this does not have it any more.
    pub fn hide_all_but(&self, shown: Classes) {
        self.shown.set(shown);
    }

    /// Memory that a call does not reach now.
    fn apart(&self) -> Classes {
        self.exclusive.get().without(self.shown.get())
    }

    /// A residual call. `run` makes it, with all its effects, and leaves the result words in them;
    /// it is not called when the results come from an exit. The caller has made the step.
    ///
    /// `func` follows the convention of [`CallDescr`]. The results' words and lanes are put into `results`.
    pub fn call(
        &self,
        func: u64,
        args: &[Arg],
        site: &CallSite,
        results: CallResults<'_>,
        run: &mut dyn FnMut(&mut [u64]),
    ) {
        let CallResults { tys: res_tys, words, lanes } = results;
        let is_made_again =
            site.elidable || self.rereads && (site.loop_invariant || site.reads_only);
        if self.mode.get() == Mode::Replay && !is_made_again {
            {
                let state = &mut *self.state.borrow_mut();
                if !site.repeats() && !site.reads_only {
                    state.heap.called(self.apart());
                }
                state.escape(args);
            }
            for (i, &ty) in res_tys.iter().enumerate() {
                let saved = self.next_saved(ty);
                words[i] = saved.bits;
                lanes[i] = saved.lane;
            }
            self.keep_invariant(site, args, res_tys, words, lanes);
            return;
        }
        if self.find_invariant(site, args, words, lanes) {
            return;
        }
        run(words);
        if !self.recording.get() {
            return;
        }
        {
            let state = &mut *self.state.borrow_mut();
            if !site.repeats() && !site.reads_only {
                state.heap.called(self.apart());
            }
            state.escape(args);
        }
        let results: SmallVec<[Const; 4]> =
            res_tys.iter().zip(&*words).map(|(&ty, &bits)| Const::new(ty, bits)).collect();
        self.log_call(site, args, results.first().copied());
        if site.is_pure() && args.iter().all(|arg| arg.lane.is_const()) {
            if res_tys.contains(&Ty::Ptr) {
                self.is_of_thread.set(true);
            }
            return;
        }
        self.append_call(func, args, site, res_tys, lanes);
        if !site.elidable {
            for (&lane, &concrete) in lanes.iter().zip(&results) {
                self.push_result(Arg::of(lane, concrete));
            }
        }
        self.keep_invariant(site, args, res_tys, words, lanes);
    }

    /// Keeps what a call has answered that answers the same as long as the loop runs.
    fn keep_invariant(
        &self,
        site: &CallSite,
        args: &[Arg],
        tys: &[Ty],
        words: &[u64],
        lanes: &[Lane],
    ) {
        let Some(function) = site.function.filter(|_| self.recording.get()) else { return };
        let state = &mut *self.state.borrow_mut();
        let args = operands(&mut state.builder, args);
        let results =
            tys.iter().zip(words).zip(lanes).map(|((&ty, &bits), &lane)| Arg::new(lane, ty, bits));
        state.invariants.push(Invariant { function, args, results: results.collect() });
    }

    /// Puts what such a call is known to answer into `words` and `lanes`.
    fn find_invariant(
        &self,
        site: &CallSite,
        args: &[Arg],
        words: &mut [u64],
        lanes: &mut [Lane],
    ) -> bool {
        let Some(function) = site.function.filter(|_| self.recording.get()) else { return false };
        let state = &mut *self.state.borrow_mut();
        let args = operands(&mut state.builder, args);
        let found = state.invariants.iter().find(|it| it.function == function && it.args == args);
        let Some(results) = found.map(|it| it.results.clone()) else { return false };
        for (i, result) in results.iter().enumerate() {
            (words[i], lanes[i]) = (result.bits, result.lane);
            state.push_result(result);
        }
        true
    }

    /// Whether the trace may lead to something that no other thread has to do with: a function that was called
    /// once for all, while recording, has answered where it is.
    pub(crate) fn is_of_thread(&self) -> bool {
        self.is_of_thread.get()
    }

    /// A loop header: the next merge point may close a loop.
    pub fn can_enter_jit(&self) {
        self.loop_header_seen.set(true);
    }

    /// The next merge point closes a loop if the program has jumped back there: it has no
    /// `can_enter_jit!`.
    pub fn may_be_loop_header(&self) {
        self.no_loop_header.set(true);
    }

    /// Whether the twin has just started, at a merge point whose greens it was given.
    pub fn is_at_start(&self) -> bool {
        self.before_first_merge_point.get()
    }

    /// Once, at the merge point that the twin starts at, the reds that it was given.
    pub fn start(&self) -> Option<Vec<Arg>> {
        self.before_first_merge_point.replace(false).then(|| self.start_reds.take())
    }

    /// A merge point, other than the first. Lanes of greens and reds are updated in place.
    pub fn merge_point(&self, greens: &mut [Arg], reds: &mut [Arg]) -> Flow {
        self.promote_greens(greens);
        match self.mode.get() {
            Mode::Live => Flow::Stop,
            Mode::Replay => panic!(
                "replay reached a merge point at step {} on the way to step {}",
                self.step.get(),
                self.target_step.get()
            ),
            Mode::Record => self.record_merge_point(greens, reds),
        }
    }

    /// The greens are promoted behind the last opcode, where a replay may still have to come to.
    fn promote_greens(&self, greens: &mut [Arg]) {
        for green in greens {
            self.step();
            // Most are constant, and there is nothing to do.
            if !green.lane.is_const() || self.in_first_region.get() {
                green.lane = self.guard_value(*green);
            }
        }
    }

    fn record_merge_point(&self, greens: &[Arg], reds: &mut [Arg]) -> Flow {
        let mut key = zeros(greens.len());
        key.iter_mut().zip(greens).for_each(|(word, green)| *word = green.bits);
        let way = match self.no_loop_header.replace(false) {
            true => self.way(greens),
            false => Way::Ahead,
        };
        let jumped_back = way != Way::Ahead;
        if self.loop_header_seen.replace(false) || jumped_back {
            let retraces = self.retrace.borrow_mut().arrives(&key);
            if let Some(target) = (self.find_target)(&key).filter(|_| !retraces) {
                self.end_with_jump(target, reds);
                return Flow::Stop;
            }
            if !self.joins.borrow().is_empty() && !self.is_known_header(&key) {
                // What is before the header would be lost, with its labels.
                self.cut_here(&key, reds);
                return Flow::Stop;
            }
            self.make_distinct(reds);
            if self.close_loop(&key, reds) {
                return Flow::Stop;
            }
        } else if self.join(&key, reds) {
            return Flow::Stop;
        }
        self.state.borrow_mut().begin_region(&key, reds);
        *self.region_greens.borrow_mut() = key;
        self.step.set(0);
        self.in_first_region.set(false);
        Flow::Continue
    }

    fn is_known_header(&self, greens: &[u64]) -> bool {
        self.state.borrow().headers.iter().any(|header| *header.greens == *greens)
    }

    /// Ends the recording at this merge point, where the interpreter goes on.
    fn cut_here(&self, greens: &[u64], reds: &[Arg]) {
        if !self.recording.get() {
            return;
        }
        {
            let state = &mut *self.state.borrow_mut();
            state.begin_region(greens, reds);
            self.step.set(0);
            self.in_first_region.set(false);
            let exit = state.exit_here(0, false);
            state.builder.push_void(Opcode::Finish, &[], exit);
        }
        self.end(None);
    }

    /// Joins another path that leads to this merge point, if there is one; true if the recording has ended
    /// with that.
    fn join(&self, greens: &[u64], reds: &mut [Arg]) -> bool {
        let (true, Some(find)) = (self.recording.get(), &self.find_join) else { return false };
        let own = self.joins.borrow().iter().find(|(of, _)| **of == *greens).map(|(_, it)| *it);
        let found = own.map(Join::Jump).or_else(|| find(&self.region_greens.borrow(), greens));
        match found {
            None => false,
            Some(Join::Jump(target)) => {
                self.end_with_jump(target, reds);
                true
            }
            Some(Join::Label(target)) => {
                self.label(target, reds);
                self.joins.borrow_mut().push((greens.into(), target));
                false
            }
        }
    }

    /// Puts a label here, to which others may jump: the reds are its results from here on.
    fn label(&self, target: TargetId, reds: &mut [Arg]) {
        let state = &mut *self.state.borrow_mut();
        let args = operands(&mut state.builder, reds);
        let first = state.builder.push_label(target, &args);
        for (red, value) in reds.iter_mut().zip(first.0..) {
            red.lane = Lane::of(ValueId(value));
        }
        state.heap.forget();
    }

    /// A portal is about to be inlined; false if the plain one is to be called instead.
    pub fn enter_portal(&self) -> bool {
        // A twin that lives leaves it to the plain function, which is faster.
        if !self.limits.route.inlining || self.is_live() {
            return false;
        }
        let depth = self.depth.take();
        self.inlined.borrow_mut().push(InlinedPortal { headers: Vec::new(), depth });
        true
    }

    /// It has returned, or it panics.
    pub fn leave_portal(&self) {
        let left = self.inlined.borrow_mut().pop().expect("it was entered");
        *self.depth.borrow_mut() = left.depth;
        if let Some((greens, first)) = left.headers.into_iter().next() {
            let size = self.n_ops().saturating_sub(first);
            let largest = &mut *self.largest.borrow_mut();
            if largest.0 < size {
                *largest = (size, greens);
            }
        }
    }

    fn n_ops(&self) -> usize {
        self.state.borrow().builder.trace().ops.len()
    }

    /// The recording becomes too large: notes which portal is better not inlined, the largest that was, or
    /// the outermost that is being inlined.
    fn find_too_large(&self, reason: Abort) {
        if !matches!(reason, Abort::TooLong | Abort::TooManyValues) || !self.recording.get() {
            return;
        }
        let (inlined, largest) = (self.inlined.borrow(), self.largest.borrow());
        let outermost = inlined.iter().flat_map(|portal| &portal.headers).next();
        let outermost = outermost.map(|(greens, first)| (self.n_ops() - first, greens));
        let largest = Some((largest.0, &largest.1)).filter(|(size, _)| *size > 0);
        let found = largest.into_iter().chain(outermost).max_by_key(|(size, _)| *size);
        *self.too_large.borrow_mut() = found.map(|(_, greens)| greens.clone());
    }

    /// The greens of the portal that is better not inlined, if the recording was given up because it became too
    /// large.
    pub fn take_too_large(&self) -> Option<Words> {
        self.too_large.take()
    }

    /// Whether a portal with these greens is called here in any case.
    fn is_not_inlined(&self, greens: &Words) -> bool {
        let step = if self.in_first_region.get() { self.step.get() } else { u32::MAX };
        let mut known = self.limits.route.not_inlined.iter().rev();
        known.find(|(from, _)| *from <= step).is_some_and(|(_, known)| known.contains(greens))
    }

    /// A merge point of the innermost portal that is inlined. Lanes of greens are updated in place.
    ///
    /// A loop of the interpreted program is not unrolled, nor is its recursion: when a loop header comes
    /// again that an active frame has passed, the rest of this frame is a call. What that depends on has
    /// happened since the last merge point that is not inlined, so a replay decides alike. A twin that
    /// lives leaves the rest to the plain function, which is faster.
    pub fn inlined_merge_point(&self, greens: &mut [Arg]) -> InlinedFlow {
        let is_header = self.loop_header_seen.take() | self.no_loop_header.take();
        self.promote_greens(greens);
        if self.is_live() {
            return InlinedFlow::Call { is_header };
        }
        if !is_header {
            return InlinedFlow::Inline;
        }
        let key: Words = greens.iter().map(|green| green.bits).collect();
        let mut inlined = self.inlined.borrow_mut();
        let mut passed = inlined.iter().flat_map(|portal| &portal.headers);
        if key == *self.region_greens.borrow()
            || passed.any(|(it, _)| *it == key)
            || self.is_not_inlined(&key)
        {
            return InlinedFlow::Call { is_header };
        }
        inlined.last_mut().expect("a portal is inlined").headers.push((key, self.n_ops()));
        InlinedFlow::Inline
    }

    /// What calls of the portal need.
    pub fn assembler(&self) -> &Assembler {
        &self.limits.assembler
    }

    /// Where the program has gone since the last merge point.
    fn way(&self, greens: &[Arg]) -> Way {
        let state = self.state.borrow();
        let now = greens.iter().map(|green| green.concrete());
        let before = &state.builder.trace().merge_points[state.region.merge_point as usize];
        position::typed_way(&before.greens, now)
    }

    /// The portal returns; `result` has the words of its value, if that can be recorded.
    pub fn finish(&self, result: Option<&[Arg]>) {
        match (self.mode.get(), result) {
            (Mode::Record, Some(args)) => self.end_with_return(args),
            (Mode::Record, None) => self.cut(Abort::LeftPortal),
            (Mode::Live, _) => {}
            (Mode::Replay, _) => panic!(
                "replay left the portal at step {} on the way to step {}",
                self.step.get(),
                self.target_step.get()
            ),
        }
    }

    /// Ends the recording at the last merge point, keeps what was recorded up to there, and goes live.
    pub fn cut(&self, reason: Abort) {
        if !self.recording.get() {
            return;
        }
        self.find_too_large(reason);
        let mut state = self.state.borrow_mut();
        let ended = state.cut_at_merge_point();
        ::log::debug!("[compiler] recording ends: {reason}");
        drop(state);
        match ended {
            true => self.end(None),
            false => self.abort(reason),
        }
    }

    /// Notes that the residual call that follows stands for an expression that the frontend cannot
    /// take apart.
    pub fn degraded_expression(&self, site: &CallSite) {
        if self.recording.get() && self.mode.get() == Mode::Record {
            let Degraded { expressions, .. } = self.degraded.get();
            self.degraded.set(Degraded { expressions: expressions + 1, ..self.degraded.get() });
            ::log::debug!("[compiler] {}: {} is called, not traced", site.site, site.name);
        }
    }

    /// Ends the recording at the last merge point, because of a statement that the frontend cannot
    /// take apart. The caller has made the step.
    pub fn degraded_statement(&self, site: &CallSite) {
        if self.recording.get() {
            let Degraded { statements, .. } = self.degraded.get();
            self.degraded.set(Degraded { statements: statements + 1, ..self.degraded.get() });
            ::log::debug!("[compiler] {}: {} is run, not traced", site.site, site.name);
        }
        self.cut(Abort::NotTraceable);
    }

    /// How often the recording came to code that the frontend cannot take apart.
    pub fn degraded(&self) -> Degraded {
        self.degraded.get()
    }

    /// Gives the recording up and goes live.
    pub fn abort(&self, reason: Abort) {
        if self.too_large.borrow().is_none() {
            self.find_too_large(reason);
        }
        if self.recording.replace(false) {
            ::log::debug!("[compiler] ABORT: {reason}");
            *self.recorded.borrow_mut() = Some(Recorded::Aborted(reason));
        }
        self.then.set(Mode::Live);
        if self.mode.get() == Mode::Record {
            self.mode.set(Mode::Live);
        }
    }

    /// Enters a traced function; false if the recursion limit says to call the plain one instead.
    /// Does not depend on the mode, so that a replay takes the same way.
    pub fn enter_function(&self, identity: usize) -> bool {
        let mut depth = self.depth.borrow_mut();
        match depth.iter_mut().find(|(id, _)| *id == identity) {
            Some((_, n)) if *n > self.limits.route.max_unroll_recursion => return false,
            Some((_, n)) => *n += 1,
            None => depth.push((identity, 1)),
        }
        true
    }

    /// Leaves a traced function.
    pub fn leave_function(&self, identity: usize) {
        let mut depth = self.depth.borrow_mut();
        if let Some(at) = depth.iter().position(|(id, _)| *id == identity) {
            depth[at].1 -= 1;
            if depth[at].1 == 0 {
                depth.swap_remove(at);
            }
        }
    }

    fn next_saved(&self, ty: Ty) -> Arg {
        let saved = self.saved.borrow_mut().next();
        let saved = saved.expect("an exit saved fewer results than its replay asks for");
        assert_eq!(saved.ty, ty, "the type of a saved result");
        if self.recording.get() {
            self.push_result(saved);
        }
        saved
    }

    fn push_result(&self, result: Arg) {
        self.state.borrow_mut().push_result(&result);
    }

    fn append(&self, opcode: Opcode, args: &[Arg], descr: u32, ty: Ty) -> Lane {
        if self.too_long() {
            return Lane::CONST;
        }
        self.state.borrow_mut().append(opcode, args, descr, Some(ty))
    }

    fn append_void(&self, opcode: Opcode, args: &[Arg], descr: u32) {
        self.state.borrow_mut().append(opcode, args, descr, None);
    }

    fn append_mem(&self, opcode: Opcode, args: &[Arg], descr: &MemDescr, res: Option<Ty>) -> Lane {
        if self.too_long() {
            return Lane::CONST;
        }
        let state = &mut *self.state.borrow_mut();
        let descr = state.builder.mem(descr.clone());
        state.append(opcode, args, descr, res)
    }

    fn append_call(
        &self,
        func: u64,
        args: &[Arg],
        site: &CallSite,
        res_tys: &[Ty],
        lanes: &mut [Lane],
    ) {
        if self.too_long() {
            return;
        }
        let opcode = match (site.repeats(), site.calls_portal) {
            (true, _) => Opcode::CallPure,
            (false, true) => Opcode::CallAssembler,
            (false, false) => Opcode::Call,
        };
        let descr = CallDescr {
            name: site.name.into(),
            site: site.site.into(),
            res: res_tys.first().copied(),
            can_panic: !site.reads_only,
            reads_only: site.reads_only,
            apart: self.apart(),
        };
        let descr = self.state.borrow_mut().builder.call(descr);
        let mut operands: SmallVec<[Arg; 8]> = SmallVec::new();
        operands.push(Arg::constant(Ty::Ptr, func));
        operands.extend_from_slice(args);
        match res_tys.first() {
            Some(&ty) => lanes[0] = self.append(opcode, &operands, descr, ty),
            None => self.append_void(opcode, &operands, descr),
        }
        for (number, &ty) in res_tys.iter().enumerate().skip(1) {
            let number_arg = [Arg::constant(Ty::I64, number as u64)];
            lanes[number] = self.append(Opcode::CallResult, &number_arg, descr, ty);
        }
        if site.reads_only {
            return;
        }
        if !site.repeats() {
            self.state.borrow_mut().region.dirty = true;
        }
        // A panic has happened by then and must not be repeated: never a rewind.
        self.append_guard(Opcode::GuardNoException, &[], true);
    }

    fn append_guard(&self, opcode: Opcode, args: &[Arg], must_replay: bool) {
        if !self.recording.get() {
            return;
        }
        let n_values = {
            let state = &mut *self.state.borrow_mut();
            let exit = state.exit_here(self.step.get(), must_replay);
            state.append(opcode, args, exit, None);
            state.builder.trace().exits[exit as usize].args.len as usize
        };
        if n_values > self.limits.failargs_limit.min(crate::backend::VALUE_SLOTS) {
            self.abort(Abort::TooManyValues);
        }
    }

    fn too_long(&self) -> bool {
        let state = self.state.borrow();
        let too_long = state.builder.trace().ops.len() >= self.limits.trace_limit;
        drop(state);
        if too_long {
            // A replay that leads to a bridge must still reach its guard.
            match self.mode.get() {
                Mode::Replay => self.abort(Abort::TooLong),
                _ => self.cut(Abort::TooLong),
            }
        }
        !self.recording.get()
    }

    /// Reds at a loop header are values, each its own: constants and repeated ones get a `same_as`.
    fn make_distinct(&self, reds: &mut [Arg]) {
        for i in 0..reds.len() {
            let red = reds[i];
            let repeated = reds[..i].iter().any(|earlier| earlier.lane == red.lane);
            if red.lane.is_const() || repeated {
                reds[i].lane = self.append(Opcode::SameAs, &[red], 0, red.ty);
            }
        }
    }

    fn end_with_jump(&self, target: TargetId, reds: &[Arg]) {
        self.append_void(Opcode::Jump, reds, target.0);
        self.end(None);
    }

    /// Closes the loop if these greens are those of a header that this trace passed.
    fn close_loop(&self, greens: &[u64], reds: &[Arg]) -> bool {
        if !self.recording.get() {
            return true; // a limit was hit on the way here; the twin stops
        }
        let mut state = self.state.borrow_mut();
        let Some(at) = state.headers.iter().position(|header| *header.greens == *greens) else {
            let first_op = state.builder.trace().ops.len();
            let values = reds.iter().map(|red| red.lane.value().expect("reds are distinct values"));
            let header = Header { greens: greens.into(), first_op, reds: values.collect() };
            state.headers.push(header);
            // The loop may be entered from elsewhere.
            state.heap.forget();
            return false;
        };
        let target = state.target;
        let header = state.headers.swap_remove(at);
        drop(state);
        self.append_void(Opcode::Jump, reds, target.0);
        self.end(Some(header));
        true
    }

    fn end_with_return(&self, result: &[Arg]) {
        {
            let state = &mut *self.state.borrow_mut();
            let args = operands(&mut state.builder, result);
            let resume = Resume {
                kind: ResumeKind::Return,
                merge_point: state.region.merge_point,
                step: self.step.get(),
                n_reds: 0,
            };
            let id = next_exit(&state.builder);
            let exit = state.builder.exit(id, &args, resume);
            state.builder.push_void(Opcode::Finish, &[], exit);
        }
        self.end(None);
    }

    fn end(&self, loop_header: Option<Header>) {
        if !self.recording.replace(false) {
            return;
        }
        self.mode.set(Mode::Live);
        let mut state = self.state.borrow_mut();
        let target = state.target;
        let trace = std::mem::take(&mut state.builder).finish();
        let recorded = match loop_header {
            Some(header) => {
                let first = match &*self.retrace.borrow() {
                    Retrace::Yes(_) => (self.find_target)(&header.greens),
                    _ => None,
                };
                let bridge =
                    first.map(|to| (to, Box::new(trace.up_to(header.first_op, &header.reds, to))));
                let trace = region::starting_at(trace, &header, target);
                match bridge {
                    Some((first, bridge)) => Recorded::Version { trace, target, bridge, first },
                    None => Recorded::Loop { trace, greens: header.greens, target },
                }
            }
            None if state.from_interpreter => {
                let start = state.headers.swap_remove(0);
                Recorded::Entry { trace: region::starting_at(trace, &start, target), target }
            }
            None => Recorded::Bridge { trace },
        };
        *self.recorded.borrow_mut() = Some(recorded);
    }
}

/// Sizes in bytes. Objects of different sizes are of different types.
#[derive(Debug, Default)]
struct Sizes {
    /// Objects that are apart from buffers.
    objects: SmallVec<[usize; 8]>,
    /// Elements of `Vec`s, and parts of them.
    elements: SmallVec<[usize; 8]>,
    /// Parts of elements may be of any size up to this.
    most_in_elements: usize,
}

impl Sizes {
    fn in_elements(&self, bytes: usize) -> bool {
        bytes <= self.most_in_elements || self.elements.contains(&bytes)
    }

    fn note(sizes: &mut SmallVec<[usize; 8]>, bytes: usize) {
        if !sizes.contains(&bytes) {
            sizes.push(bytes);
        }
    }
}

/// Whether single `Vec`s' buffers have classes of memory of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buffers {
    /// They may not.
    Unnamed,
    /// They may, and none has so far.
    MayBeNamed,
    /// Some have.
    Named,
    /// They may not any more.
    Moved,
}

/// Whether a loop is recorded once more though there is code for it.
enum Retrace {
    No,
    /// It is if the first header that is met has these greens.
    Possible(Words),
    /// That with these greens is.
    Yes(Words),
}

impl Retrace {
    /// At a loop header; whether it is that one.
    fn arrives(&mut self, greens: &[u64]) -> bool {
        *self = match std::mem::replace(self, Retrace::No) {
            Retrace::Possible(header) if *header == *greens => Retrace::Yes(header),
            Retrace::Yes(header) => Retrace::Yes(header),
            Retrace::Possible(_) | Retrace::No => Retrace::No,
        };
        matches!(self, Retrace::Yes(header) if **header == *greens)
    }
}

impl Recording {
    fn begin_region(&mut self, greens: &[u64], reds: &[Arg]) {
        self.region.reds.clear();
        for red in reds {
            self.region.reds.push(operand(&mut self.builder, red));
        }
        let merge_point =
            self.builder.merge_point(MergePoint { greens: SmallVec::from_slice(greens) });
        self.builder.push_void(Opcode::DebugMergePoint, &[], merge_point);
        self.region.begin(merge_point, Mark::here(&self.builder));
        self.fresh.clear();
        self.invariants.clear();
    }

    /// An object has been made.
    fn made(&mut self, address: Lane) {
        self.fresh.extend(address.value().map(|object| (object, object)));
    }

    /// Somebody else has these from here on: objects with such addresses are not fresh any more.
    fn escape(&mut self, values: &[Arg]) {
        for value in values {
            if let Some(escaping) = self.fresh_object(value.lane) {
                self.fresh.retain(|&(_, object)| object != escaping);
            }
        }
    }

    fn fresh_object(&self, address: Lane) -> Option<ValueId> {
        let address = address.value().filter(|_| !self.fresh.is_empty())?;
        self.fresh.iter().find(|(it, _)| *it == address).map(|&(_, object)| object)
    }

    #[inline]
    fn append(&mut self, opcode: Opcode, args: &[Arg], descr: u32, res: Option<Ty>) -> Lane {
        for arg in args {
            let operand = operand(&mut self.builder, arg);
            self.builder.arg(operand);
        }
        let res = self.builder.push_of_args(opcode, args.len(), descr, res);
        if opcode == Opcode::PtrAdd
            && let Some(object) = self.fresh_object(args[0].lane)
        {
            self.fresh.extend(res.map(|res| (res, object)));
        }
        res.map_or(Lane::CONST, Lane::of)
    }

    fn push_result(&mut self, result: &Arg) {
        let operand = operand(&mut self.builder, result);
        self.region.results.push(operand);
    }

    fn exit_here(&mut self, step: u32, must_replay: bool) -> u32 {
        let region = &self.region;
        let replay = must_replay || region.dirty;
        let results = if replay { &region.results[..] } else { &[] };
        for &arg in region.reds.iter().chain(results) {
            self.builder.arg(arg);
        }
        let resume = Resume {
            kind: if replay { ResumeKind::Replay } else { ResumeKind::Rewind },
            merge_point: region.merge_point,
            step,
            n_reds: region.reds.len() as u32,
        };
        let id = next_exit(&self.builder);
        self.builder.exit_of_args(id, region.reds.len() + results.len(), resume)
    }

    /// Truncates to the last merge point and leaves there; false if nothing is left by that.
    fn cut_at_merge_point(&mut self) -> bool {
        // A bridge may start in the middle of its first region: there is no way back to before that.
        let is_first = self.region.merge_point == 0;
        if is_first || self.region.mark.is_start_of(&self.builder) {
            return false;
        }
        self.region.mark.truncate(&mut self.builder);
        self.region.dirty = false;
        let exit = self.exit_here(0, false);
        self.builder.push_void(Opcode::Finish, &[], exit);
        true
    }
}

/// Exits are numbered within the trace until it is compiled.
fn next_exit(builder: &TraceBuilder) -> ExitId {
    ExitId(builder.trace().exits.len() as u32)
}

fn operand(builder: &mut TraceBuilder, arg: &Arg) -> Operand {
    match arg.lane.value() {
        Some(value) => value.into(),
        None => builder.constant(arg.concrete()),
    }
}

fn operands(builder: &mut TraceBuilder, args: &[Arg]) -> Vec<Operand> {
    args.iter().map(|arg| operand(builder, arg)).collect()
}
