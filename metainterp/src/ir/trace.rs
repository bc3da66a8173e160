//! Traces: linear SSA with labels.
//!
//! Invariants (checked by [`super::verify()`])
//! 1. A value is defined once, by an input or by one operation, before its uses.
//! 2. Operand types are those of the opcode table.
//! 3. Every guard and `finish` has its own [`Exit`]; an exit's arguments are defined before it.
//! 4. An overflow operation is followed by a guard that tests its flag, and such a guard by nothing else.
//! 5. The last operation, and no other, is a `jump` or a `finish`.
//!
//! Values are numbered in order of definition: the inputs first, then results. Some numbers may stand
//! for what only exits allocate ([`DelayedStore`]). Nothing in
//! here allocates per operation: operands lie in one pool.

use super::{Const, Opcode, Ty};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// A value or a constant, as an operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operand(u32);

const CONST_BIT: u32 = 1 << 31;

/// What an [`Operand`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandKind {
    /// The value with that number.
    Value(ValueId),
    /// An index into [`Trace::consts`].
    Const(u32),
}

impl Operand {
    /// The operand that is a constant of the trace.
    #[inline]
    pub const fn constant(index: u32) -> Operand {
        Operand(index | CONST_BIT)
    }

    /// Value or constant?
    #[inline]
    pub const fn kind(self) -> OperandKind {
        if self.0 & CONST_BIT != 0 {
            OperandKind::Const(self.0 & !CONST_BIT)
        } else {
            OperandKind::Value(ValueId(self.0))
        }
    }

    /// The value, if it is one.
    #[inline]
    pub const fn value(self) -> Option<ValueId> {
        match self.kind() {
            OperandKind::Value(v) => Some(v),
            OperandKind::Const(_) => None,
        }
    }

    /// Whether it is a constant.
    #[inline]
    pub const fn is_const(self) -> bool {
        self.0 & CONST_BIT != 0
    }
}

impl std::fmt::Debug for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            OperandKind::Value(v) => write!(f, "v{}", v.0),
            OperandKind::Const(c) => write!(f, "c{c}"),
        }
    }
}

macro_rules! index {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// As an index.
            pub const fn index(self) -> usize { self.0 as usize }
        }
    };
}

index!(
    /// The number of a value in its trace.
    ValueId
);
index!(
    /// An exit, unique among all traces of a driver. What to do there is in the driver's exit table.
    ExitId
);
index!(
    /// A label, unique among all traces of a driver.
    TargetId
);
index!(
    /// A compiled trace, unique among all traces of a driver.
    CodeId
);

impl TargetId {
    /// The label behind the preheader of a loop that starts with this label. Whoever numbers labels
    /// leaves this number free.
    pub const fn behind_preheader(self) -> TargetId {
        TargetId(self.0 + 1)
    }
}

impl From<ValueId> for Operand {
    #[inline]
    fn from(v: ValueId) -> Operand {
        debug_assert!(v.0 & CONST_BIT == 0);
        Operand(v.0)
    }
}

/// A range of [`Trace::pool`] or [`Trace::stores`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolRange {
    /// First index.
    pub start: u32,
    /// Number of entries.
    pub len: u32,
}

/// One operation. Operands are in the trace's pool ([`Trace::args`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// What it does.
    pub opcode: Opcode,
    /// Operands.
    args_len: u16,
    args_start: u32,
    /// First result, or `NO_VALUE`; a `label` has one result per operand, numbered consecutively.
    res: u32,
    /// By opcode: index into `exits` (guards, `finish`), `mems` (loads, stores), `calls` (calls; also
    /// the `call_result` of one, whose type is in [`Trace::types`]), `merge_points`; the [`TargetId`]
    /// of a `label` or `jump`; otherwise 0.
    pub descr: u32,
}

const _: () = assert!(std::mem::size_of::<Op>() == 16);
const NO_VALUE: u32 = u32::MAX;

impl Op {
    /// The (first) result.
    #[inline]
    pub fn res(&self) -> Option<ValueId> {
        (self.res != NO_VALUE).then_some(ValueId(self.res))
    }

    /// The target of a `label` or `jump`.
    #[inline]
    pub fn target(&self) -> TargetId {
        debug_assert!(matches!(self.opcode, Opcode::Label | Opcode::Jump));
        TargetId(self.descr)
    }

    /// Number of operands.
    #[inline]
    pub fn n_args(&self) -> usize {
        self.args_len as usize
    }
}

/// Where and how a load or store accesses memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemDescr {
    /// Type of the loaded or stored value.
    pub ty: Ty,
    /// Bytes added to the address.
    pub offset: i32,
    /// Bytes per index step; 0 for `getfield` and `setfield`.
    pub scale: u32,
    /// Accesses of different classes never overlap, but for those that [`MemDescr::are_apart`] names.
    pub class: u32,
    /// The memory never changes while a trace that reads it exists: the load may be folded.
    pub frozen: bool,
}

impl MemDescr {
    /// The class of an object that [`Opcode::New`] or an allocator has made, as long as it is reached by the
    /// pointer that owns it, where the object's size is not known.
    pub const BOXED: u32 = 63;

    /// The first class of objects whose size is known; the last one is before [`MemDescr::BOXED`].
    pub const FIRST_BOXED: u32 = 48;

    /// The class of objects that own something and are reached by a pointer that somebody else has to them: not
    /// elements of `Vec`s, and not what one red alone leads to.
    pub const OBJECT: u32 = 46;

    /// The class of the buffers of `Vec`s in such objects.
    pub const OBJECT_BUFFER: u32 = 47;

    /// The class of the buffers of `Vec`s.
    pub const BUFFER: u32 = 1;

    /// The classes from here on are those of single `Vec`s' buffers.
    pub const FIRST_NAMED_BUFFER: u32 = 64;

    /// The class of objects of so many bytes, as long as they are reached by the pointer that owns them.
    /// Objects of different sizes are not the same object, and most types differ in their sizes: so the count of
    /// an `Rc` is not that of an `Rc` of another type.
    pub const fn boxed(bytes: usize) -> u32 {
        let n = (MemDescr::BOXED - MemDescr::FIRST_BOXED) as usize;
        MemDescr::FIRST_BOXED + (bytes.div_ceil(8) % n) as u32
    }

    /// The class of what an operation allocates or gives back; `bytes` of it, if that is known.
    pub fn class_of_allocation(opcode: Opcode, bytes: Option<usize>) -> u32 {
        match (opcode, bytes) {
            (Opcode::NewBuffer | Opcode::FreeBuffer, _) => MemDescr::BUFFER,
            (_, Some(bytes)) => MemDescr::boxed(bytes),
            (_, None) => MemDescr::BOXED,
        }
    }

    /// Whether it is the class of the buffers of some or all `Vec`s.
    pub const fn is_buffer(class: u32) -> bool {
        matches!(class, MemDescr::BUFFER | MemDescr::OBJECT_BUFFER)
            || MemDescr::FIRST_NAMED_BUFFER <= class
    }

    /// Whether it is the class of objects that are reached by the pointer that owns them.
    pub const fn is_boxed(class: u32) -> bool {
        MemDescr::FIRST_BOXED <= class && class <= MemDescr::BOXED
    }

    /// Whether accesses of these classes never overlap. What is of class 0 may be anything, what is of
    /// [`MemDescr::BOXED`] an object of any size, what is of [`MemDescr::OBJECT`] one that somebody owns by
    /// another pointer, or a part of it, and what is of [`MemDescr::BUFFER`] a buffer that has a class of its own.
    pub const fn are_apart(a: u32, b: u32) -> bool {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        let any_size = (high == MemDescr::BOXED || low == MemDescr::OBJECT)
            && MemDescr::is_boxed(high)
            && (low == MemDescr::OBJECT || MemDescr::is_boxed(low));
        let is_special = high >= MemDescr::FIRST_NAMED_BUFFER || high == MemDescr::OBJECT_BUFFER;
        let any_buffer = low == MemDescr::BUFFER && is_special;
        low != high && low != 0 && !any_size && !any_buffer
    }

    /// The memory belongs to an object that one red alone leads to, which is there as long as the portal
    /// runs: classes from 2 on are such, below those of objects, which are given back.
    #[inline]
    pub fn is_exclusive(&self) -> bool {
        2 <= self.class && self.class < MemDescr::OBJECT
    }
}

/// Classes of memory (see [`MemDescr::class`]), as a set. It takes the first 64 but 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Classes(u64);

impl Classes {
    /// No class.
    pub const NONE: Classes = Classes(0);

    /// The set with `class`, if it takes that one.
    #[must_use]
    #[inline]
    pub fn with(self, class: u32) -> Classes {
        match class {
            1..64 => Classes(self.0 | 1 << class),
            _ => self,
        }
    }

    /// The set without what is in `other`.
    #[must_use]
    #[inline]
    pub fn without(self, other: Classes) -> Classes {
        Classes(self.0 & !other.0)
    }

    /// Whether `class` is in the set.
    #[inline]
    pub fn has(self, class: u32) -> bool {
        class < 64 && self.0 & 1 << class != 0
    }

    /// The classes in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |&class| self.has(class))
    }
}

/// What a residual call calls, and how.
///
/// Convention: the function is `unsafe extern "C" fn(words: *mut u64) -> u8`. Each argument is one
/// word, zero-extended; results come back in the same words. The function answers 0 if it
/// returned and 1 if it panicked, in which case the words are unspecified and the payload is
/// kept by whoever made the function.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDescr {
    /// The name of the called function, for the log.
    pub name: Arc<str>,
    /// Where the call stands in the author's source: `file:line:column`.
    pub site: Arc<str>,
    /// The first result's type.
    pub res: Option<Ty>,
    /// It may panic: a `guard_no_exception` follows.
    pub can_panic: bool,
    /// It changes no memory, and has no other effects either: its result depends on arguments and memory.
    pub reads_only: bool,
    /// Classes of memory that it neither reads nor writes.
    pub apart: Classes,
}

/// A merge point that the recording passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MergePoint {
    /// The words of its greens: a few, and there are many merge points.
    pub greens: SmallVec<[u64; 6]>,
}

/// How to go on from an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeKind {
    /// Put the reds back and continue the interpreter at the merge point.
    Rewind,
    /// Run the twin again from the merge point without effects up to the step, then live.
    Replay,
    /// The portal returns; the exit's arguments are the words of its result.
    Return,
}

/// The resume data of an exit. For `Rewind` the exit's arguments are the reds of the merge point;
/// for `Replay` they are the reds and then the results of loads and calls since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// What to do.
    pub kind: ResumeKind,
    /// Index into [`Trace::merge_points`].
    pub merge_point: u32,
    /// Number of recorder steps from the merge point to the exit.
    pub step: u32,
    /// How many of the arguments are reds.
    pub n_reds: u32,
}

impl Default for Resume {
    fn default() -> Resume {
        Resume { kind: ResumeKind::Rewind, merge_point: 0, step: 0, n_reds: 0 }
    }
}

/// Where a guard or `finish` leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Unique in the driver. The backend answers this number when the trace is left here.
    pub id: ExitId,
    /// What the exit saves: argument `k` goes to frame slot `k`. What [`Resume`] speaks of comes
    /// first, the operands of the delayed stores last.
    pub args: PoolRange,
    /// What the arguments mean.
    pub resume: Resume,
    /// The allocations and then the stores to make, in order, before anything else looks at memory; and
    /// what is known of memory and of values then, for a bridge.
    pub stores: PoolRange,
}

/// A store that the trace has not made when it is left: whoever leaves makes it first. Or an allocation
/// that it has not made (`new`, `new_buffer`), or memory that it has not given back (`free`, `free_buffer`), or what the trace knows when these are made, of
/// memory (`assume_field`) or of values (`assume_uint_lt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayedStore {
    /// One that allocates or gives back; `setfield` or `setarrayitem`; or one of those that assume something.
    pub opcode: Opcode,
    /// Index into [`Trace::mems`] of what is about memory; of one that allocates, the value that it defines at this
    /// exit; of others 0.
    pub mem: u32,
}

impl DelayedStore {
    /// The allocation that is the value `res`.
    pub fn new_object(opcode: Opcode, res: ValueId) -> DelayedStore {
        debug_assert!(opcode.allocates());
        DelayedStore { opcode, mem: res.0 }
    }

    /// Memory is given back.
    pub fn free(opcode: Opcode) -> DelayedStore {
        debug_assert!(opcode.frees());
        DelayedStore { opcode, mem: 0 }
    }

    /// How two values compare.
    pub fn order(opcode: Opcode) -> DelayedStore {
        debug_assert!(opcode.assumes_order());
        DelayedStore { opcode, mem: 0 }
    }

    /// The value that is defined by it, if it allocates.
    #[inline]
    pub fn res(self) -> Option<ValueId> {
        self.opcode.allocates().then_some(ValueId(self.mem))
    }

    /// Number of operands.
    #[inline]
    pub fn n_args(self) -> usize {
        self.opcode.info().args.len()
    }
}

/// A recorded or optimized trace.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// For logs and profilers: `loop 3`, `bridge 7 of exit 12`.
    pub name: String,
    /// Number of inputs: values `0..n_inputs`.
    pub n_inputs: u32,
    /// Types of all values.
    pub types: Vec<Ty>,
    /// The operations.
    pub ops: Vec<Op>,
    /// Operands of operations and exits.
    pub pool: Vec<Operand>,
    /// Constants.
    pub consts: Vec<Const>,
    /// Exits of guards and `finish`, in order of their operations.
    pub exits: Vec<Exit>,
    /// Delayed stores of exits.
    pub stores: Vec<DelayedStore>,
    /// Memory descriptors.
    pub mems: Vec<MemDescr>,
    /// Call descriptors.
    pub calls: Vec<CallDescr>,
    /// Merge points passed. What a trace is made into shares them.
    pub merge_points: Arc<Vec<MergePoint>>,
}

impl Trace {
    /// The jump that the trace ends with, if it ends with one.
    pub fn jump(&self) -> Option<&Op> {
        self.ops.last().filter(|op| op.opcode == Opcode::Jump)
    }

    /// The operands of `op`.
    #[inline]
    pub fn args(&self, op: &Op) -> &[Operand] {
        &self.pool[op.args_start as usize..][..op.args_len as usize]
    }

    /// The operands of the operation at `at`, to be exchanged for others. No other operation has them.
    pub(crate) fn args_mut(&mut self, at: usize) -> &mut [Operand] {
        let op = self.ops[at];
        &mut self.pool[op.args_start as usize..][..op.args_len as usize]
    }

    /// How many values an exit saves, if constants and repetitions are left out, as they are before
    /// it is compiled. Only what is over `limit` is counted so. What the optimizer adds to an exit near a
    /// recording's limit, stores and notes, repeats much of what is saved.
    pub fn n_saved(&self, exit: &Exit, limit: usize) -> usize {
        let args = self.exit_args(exit);
        if args.len() <= limit {
            return args.len();
        }
        let mut values: Vec<u32> = args.iter().filter_map(|arg| Some(arg.value()?.0)).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    }

    /// What an exit saves.
    #[inline]
    pub fn exit_args(&self, exit: &Exit) -> &[Operand] {
        &self.pool[exit.args.start as usize..][..exit.args.len as usize]
    }

    /// The stores that leaving through an exit makes first.
    #[inline]
    pub fn exit_stores(&self, exit: &Exit) -> &[DelayedStore] {
        &self.stores[exit.stores.start as usize..][..exit.stores.len as usize]
    }

    /// The trace with a label in front that takes the inputs.
    pub(crate) fn with_label(mut self, target: TargetId) -> Trace {
        let n = self.n_inputs;
        // The label's results have the numbers behind the inputs, and everything else moves up.
        let moved = |operand: &Operand| operand.value().map(|v| Operand::from(ValueId(v.0 + n)));
        self.pool.iter_mut().for_each(|it| *it = moved(it).unwrap_or(*it));
        for op in self.ops.iter_mut().filter(|op| op.res != NO_VALUE) {
            op.res += n;
        }
        debug_assert!(self.stores.is_empty(), "exits of a recording leave nothing to do");
        let start = self.pool.len() as u32;
        self.pool.extend(self.inputs().map(Operand::from));
        self.types.splice(0..0, self.types[..n as usize].to_vec());
        let label = Op {
            opcode: Opcode::Label,
            args_len: u16::try_from(n).expect("as many inputs as fit a frame"),
            args_start: start,
            res: if n == 0 { NO_VALUE } else { n },
            descr: target.0,
        };
        self.ops.insert(0, label);
        self
    }

    /// The first `n_ops` operations, and then a jump with these arguments.
    pub(crate) fn up_to(&self, n_ops: usize, args: &[ValueId], target: TargetId) -> Trace {
        let mut trace = self.clone();
        trace.ops.truncate(n_ops);
        let n_exits = trace.ops.iter().filter(|op| op.opcode.has_exit()).count();
        trace.exits.truncate(n_exits);
        let results = trace.ops.iter().filter_map(|op| Some(self.results(op).last()?.0 + 1));
        let n_values = results.max().unwrap_or(0).max(self.n_inputs);
        trace.types.truncate(n_values as usize);
        let args_start = trace.pool.len() as u32;
        trace.pool.extend(args.iter().copied().map(Operand::from));
        trace.ops.push(Op {
            opcode: Opcode::Jump,
            args_len: u16::try_from(args.len()).expect("as many arguments as fit a frame"),
            args_start,
            res: NO_VALUE,
            descr: target.0,
        });
        trace
    }

    /// What an exit saves, without the operands of its delayed stores.
    #[inline]
    pub fn exit_values(&self, exit: &Exit) -> &[Operand] {
        let args = self.exit_args(exit);
        let n_operands: usize = self.exit_stores(exit).iter().map(|store| store.n_args()).sum();
        &args[..args.len().saturating_sub(n_operands)]
    }

    /// The delayed stores of an exit with their operands.
    pub fn exit_stores_with_args(
        &self,
        exit: &Exit,
    ) -> impl Iterator<Item = (DelayedStore, &[Operand])> {
        let mut rest = &self.exit_args(exit)[self.exit_values(exit).len()..];
        self.exit_stores(exit).iter().map(move |&store| {
            let (args, others) = rest.split_at(store.n_args().min(rest.len()));
            rest = others;
            (store, args)
        })
    }

    /// The exit of a guard or `finish`.
    #[inline]
    pub fn exit(&self, op: &Op) -> &Exit {
        debug_assert!(op.opcode.has_exit(), "{} has no exit", op.opcode.name());
        &self.exits[op.descr as usize]
    }

    /// The memory descriptor of a load or store.
    #[inline]
    pub fn mem(&self, op: &Op) -> &MemDescr {
        debug_assert!(op.opcode.has_mem(), "{} has no memory descriptor", op.opcode.name());
        &self.mems[op.descr as usize]
    }

    /// The call descriptor of a call.
    #[inline]
    pub fn call(&self, op: &Op) -> &CallDescr {
        &self.calls[op.descr as usize]
    }

    /// The type of an operand.
    #[inline]
    pub fn ty(&self, operand: Operand) -> Ty {
        match operand.kind() {
            OperandKind::Value(v) => self.types[v.index()],
            OperandKind::Const(c) => self.consts[c as usize].ty,
        }
    }

    /// The constant that an operand is.
    #[inline]
    pub fn as_const(&self, operand: Operand) -> Option<Const> {
        match operand.kind() {
            OperandKind::Value(_) => None,
            OperandKind::Const(c) => Some(self.consts[c as usize]),
        }
    }

    /// The inputs.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = ValueId> + use<> {
        (0..self.n_inputs).map(ValueId)
    }

    /// The results of `op`: one for most, one per operand for `label`.
    #[inline]
    pub fn results(&self, op: &Op) -> impl ExactSizeIterator<Item = ValueId> + use<> {
        let n = match op.res() {
            None => 0,
            Some(_) if op.opcode == Opcode::Label => op.args_len as u32,
            Some(_) => 1,
        };
        let first = if n == 0 { 0 } else { op.res };
        (first..first + n).map(ValueId)
    }

    /// The numbers of its exits are below this.
    pub fn n_exit_ids(&self) -> u32 {
        self.exits.iter().map(|exit| exit.id.0 + 1).max().unwrap_or(0)
    }

    /// Number of operations that compute or check something: all but labels and debug operations.
    pub fn n_operations(&self) -> usize {
        self.ops.iter().filter(|op| op.opcode.counts()).count()
    }

    /// Number of guards.
    pub fn n_guards(&self) -> usize {
        self.ops.iter().filter(|op| op.opcode.is_guard()).count()
    }
}

/// Builds a [`Trace`] operation by operation. Used by the recorder, the parser and every pass.
#[derive(Debug, Default)]
pub struct TraceBuilder {
    trace: Trace,
    const_index: FxHashMap<Const, u32>,
    mem_index: FxHashMap<MemDescr, u32>,
}

impl TraceBuilder {
    /// An empty trace with a name.
    pub fn new(name: impl Into<String>) -> TraceBuilder {
        let mut builder = TraceBuilder::default();
        builder.set_name(name.into());
        builder
    }

    /// Goes on with a trace in the place of the jump that it ends with.
    pub(crate) fn without_jump(trace: &Trace) -> TraceBuilder {
        let mut trace = trace.clone();
        let jump = trace.ops.pop();
        assert!(jump.is_some_and(|op| op.opcode == Opcode::Jump), "a trace that ends with a jump");
        let const_index = trace.consts.iter().copied().zip(0..).collect();
        let mem_index = trace.mems.iter().cloned().zip(0..).collect();
        TraceBuilder { trace, const_index, mem_index }
    }

    /// Makes room for about as many operations as a recording has.
    pub fn reserve_for_recording(&mut self) {
        const N_OPS: usize = 256;
        self.trace.ops.reserve(N_OPS);
        self.trace.types.reserve(N_OPS);
        self.trace.pool.reserve(4 * N_OPS);
        self.trace.exits.reserve(N_OPS / 4);
        self.trace.consts.reserve(N_OPS / 4);
        self.trace.mems.reserve(N_OPS / 8);
        Arc::make_mut(&mut self.trace.merge_points).reserve(N_OPS / 8);
        self.const_index.reserve(N_OPS / 4);
        self.mem_index.reserve(N_OPS / 8);
    }

    /// What has been built so far.
    #[inline]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: String) {
        self.trace.name = name;
    }

    /// Adds an input. All inputs come before the first operation.
    pub fn input(&mut self, ty: Ty) -> ValueId {
        assert!(self.trace.ops.is_empty(), "an input after an operation");
        self.trace.n_inputs += 1;
        self.value(ty)
    }

    /// A value that no operation defines, but exits: what they allocate.
    pub fn reserve(&mut self, ty: Ty) -> ValueId {
        self.value(ty)
    }

    #[inline]
    fn value(&mut self, ty: Ty) -> ValueId {
        let id = ValueId(self.trace.types.len() as u32);
        self.trace.types.push(ty);
        id
    }

    /// The operand of a constant; equal constants share one.
    #[inline]
    pub fn constant(&mut self, c: Const) -> Operand {
        debug_assert!(c.bits & !c.ty.mask() == 0, "{c:?} has bits outside its type");
        let consts = &mut self.trace.consts;
        let index = *self.const_index.entry(c).or_insert_with(|| {
            consts.push(c);
            consts.len() as u32 - 1
        });
        Operand::constant(index)
    }

    /// The index of a memory descriptor; equal ones share one.
    #[inline]
    pub fn mem(&mut self, descr: MemDescr) -> u32 {
        if let Some(&index) = self.mem_index.get(&descr) {
            return index;
        }
        let index = self.trace.mems.len() as u32;
        self.trace.mems.push(descr.clone());
        self.mem_index.insert(descr, index);
        index
    }

    /// The index of a new call descriptor.
    #[inline]
    pub fn call(&mut self, descr: CallDescr) -> u32 {
        self.trace.calls.push(descr);
        self.trace.calls.len() as u32 - 1
    }

    /// The index of a new merge point.
    #[inline]
    pub fn merge_point(&mut self, merge_point: MergePoint) -> u32 {
        let merge_points = Arc::make_mut(&mut self.trace.merge_points);
        merge_points.push(merge_point);
        merge_points.len() as u32 - 1
    }

    /// Takes the merge points of another trace. There were none so far.
    pub fn merge_points_of(&mut self, other: &Trace) {
        debug_assert!(self.trace.merge_points.is_empty());
        self.trace.merge_points = Arc::clone(&other.merge_points);
    }

    /// The index of a new exit.
    #[inline]
    pub fn exit(&mut self, id: ExitId, args: &[Operand], resume: Resume) -> u32 {
        self.exit_with_stores(id, args, resume, &[])
    }

    /// The index of a new exit with delayed stores, whose operands are the last of `args`.
    pub fn exit_with_stores(
        &mut self,
        id: ExitId,
        args: &[Operand],
        resume: Resume,
        stores: &[DelayedStore],
    ) -> u32 {
        let args = self.pool(args);
        let start = self.trace.stores.len() as u32;
        self.trace.stores.extend_from_slice(stores);
        let stores = PoolRange { start, len: stores.len() as u32 };
        self.trace.exits.push(Exit { id, args, resume, stores });
        self.trace.exits.len() as u32 - 1
    }

    #[inline]
    fn pool(&mut self, operands: &[Operand]) -> PoolRange {
        let start = self.trace.pool.len() as u32;
        self.trace.pool.extend_from_slice(operands);
        PoolRange { start, len: operands.len() as u32 }
    }

    /// Adds an operand of the operation or exit that comes next.
    #[inline]
    pub fn arg(&mut self, operand: Operand) {
        self.trace.pool.push(operand);
    }

    #[inline]
    fn last_args(&self, n: usize) -> PoolRange {
        PoolRange { start: (self.trace.pool.len() - n) as u32, len: n as u32 }
    }

    /// The index of a new exit, with the last `n_args` operands that were added.
    #[inline]
    pub fn exit_of_args(&mut self, id: ExitId, n_args: usize, resume: Resume) -> u32 {
        let args = self.last_args(n_args);
        let stores = PoolRange { start: self.trace.stores.len() as u32, len: 0 };
        self.trace.exits.push(Exit { id, args, resume, stores });
        self.trace.exits.len() as u32 - 1
    }

    /// Appends an operation on the last `n_args` operands that were added, with a result if there is a type for
    /// it.
    #[inline]
    pub fn push_of_args(
        &mut self,
        opcode: Opcode,
        n_args: usize,
        descr: u32,
        ty: Option<Ty>,
    ) -> Option<ValueId> {
        let range = self.last_args(n_args);
        let res = ty.map(|ty| self.value(ty));
        self.push_range(opcode, range, descr, res.map_or(NO_VALUE, |res| res.0));
        res
    }

    /// Appends an operation without result.
    #[inline]
    pub fn push_void(&mut self, opcode: Opcode, args: &[Operand], descr: u32) {
        self.push_op(opcode, args, descr, NO_VALUE);
    }

    /// Appends an operation with a result of type `ty`.
    #[inline]
    pub fn push(&mut self, opcode: Opcode, args: &[Operand], descr: u32, ty: Ty) -> Operand {
        let res = self.value(ty);
        self.push_op(opcode, args, descr, res.0);
        res.into()
    }

    /// Appends a `label`; the results are numbered consecutively from the returned value.
    pub fn push_label(&mut self, target: TargetId, args: &[Operand]) -> ValueId {
        let first = ValueId(self.trace.types.len() as u32);
        for &arg in args {
            let ty = self.trace.ty(arg);
            self.value(ty);
        }
        let res = if args.is_empty() { NO_VALUE } else { first.0 };
        self.push_op(Opcode::Label, args, target.0, res);
        first
    }

    #[inline]
    fn push_op(&mut self, opcode: Opcode, args: &[Operand], descr: u32, res: u32) {
        assert!(args.len() <= u16::MAX as usize, "{} with {} operands", opcode.name(), args.len());
        let range = self.pool(args);
        self.push_range(opcode, range, descr, res);
    }

    #[inline]
    fn push_range(&mut self, opcode: Opcode, range: PoolRange, descr: u32, res: u32) {
        self.trace.ops.push(Op {
            opcode,
            args_len: range.len as u16,
            args_start: range.start,
            res,
            descr,
        });
    }

    /// Makes an operation another one with the same result.
    pub fn replace_op(&mut self, index: usize, opcode: Opcode, args: &[Operand]) {
        let range = self.pool(args);
        let op = &mut self.trace.ops[index];
        (op.opcode, op.args_len, op.args_start) = (opcode, range.len as u16, range.start);
    }

    /// Changes what the arguments of an exit mean.
    pub fn set_resume(&mut self, exit: u32, resume: Resume) {
        self.trace.exits[exit as usize].resume = resume;
    }

    /// Goes back to earlier numbers of operations, exits and values, which name one earlier moment.
    pub fn truncate(&mut self, ops: usize, exits: usize, values: usize) {
        self.trace.ops.truncate(ops);
        self.trace.exits.truncate(exits);
        self.trace.types.truncate(values);
    }

    /// The finished trace.
    pub fn finish(self) -> Trace {
        self.trace
    }
}
