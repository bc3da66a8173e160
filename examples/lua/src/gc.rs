//! The heap: objects, handles to them, and a mark-and-sweep collector that moves nothing.
//!
//! A [`Gc<T>`] is a typed pointer that can be copied freely. It does not give access by itself: the
//! [`Heap`] is the token for that. `&heap[handle]` reads an object, `&mut heap[handle]` changes it,
//! and the borrow checker sees to it that nobody holds a reference to one object while another is
//! changed. Only strings, which never change, are read without the heap (see [`crate::string`]).
//!
//! Invariants
//! 1. A collection happens only in [`Heap::collect`], which is `unsafe`: the caller answers for every
//!    handle that is used afterwards being reachable from the roots that it marks. There is one
//!    caller, the safe point of the machine.
//! 2. Every object is in the heap's list of its type until it is swept, and marks are clear between
//!    collections.
//! 3. Handles of one heap are not used with another; a process that makes two machines keeps them apart
//!    because values never leave a machine.
//!
//! Why not a crate? The tracing collectors that are kept well prove in the type system that handles are
//! rooted: gc-arena collects only outside of its `mutate` closure and puts a lifetime on every value,
//! so the interpreter's loop would have to leave and re-enter it at each safe point; reference-counting
//! ones with cycle detection make every move of a value an operation. Here a value is a word and a tag
//! that is copied like an integer.

#![expect(unsafe_code, reason = "owns the objects behind handles")]

use crate::shape::{Shape, ShapeRef};
use crate::string::{MAX_SHORT, Str};
use crate::table::Table;
use crate::userdata::Userdata;
use crate::value::Value;
use crate::vm::coroutine::Coroutine;
use crate::vm::function::{Closure, Native};
use hashbrown::HashTable;
use jitdriver::{Traceable, jit};
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Index, IndexMut};
use std::ptr::NonNull;

/// A handle to an object of the heap.
#[derive(Traceable)]
pub struct Gc<T> {
    ptr: NonNull<GcBox<T>>,
}

struct GcBox<T> {
    marked: Cell<bool>,
    value: T,
}

#[jit]
impl<T> Gc<T> {
    /// Whether it is the same object.
    #[inline]
    pub fn is_same(self, other: Gc<T>) -> bool {
        self.address() == other.address()
    }

    /// A number that no other living object has.
    pub fn address(self) -> usize {
        self.ptr.as_ptr() as usize
    }
}

impl<T> Clone for Gc<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gc<T> {}

impl<T> PartialEq for Gc<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(*other)
    }
}

impl<T> Eq for Gc<T> {}

impl<T> Hash for Gc<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ptr.hash(state);
    }
}

impl<T> fmt::Debug for Gc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.ptr)
    }
}

/// A variable that closures share.
pub struct Captured(pub Value);

/// What can be on the heap beside strings.
pub trait Object: Sized {
    /// Marks what this refers to.
    fn trace(&self, marker: &mut Marker);

    /// Bytes that this takes, about.
    fn size(&self) -> usize;

    /// The list that owns objects of this type.
    fn list(heap: &mut Heap) -> &mut Vec<Gc<Self>>;

    /// This handle among those that are yet to be traced.
    fn gray(handle: Gc<Self>) -> Gray;
}

/// A marked object whose references are not marked yet.
#[derive(Clone, Copy)]
pub enum Gray {
    Table(Gc<Table>),
    Closure(Gc<Closure>),
    Native(Gc<Native>),
    Captured(Gc<Captured>),
    Coroutine(Gc<Coroutine>),
    Userdata(Gc<Userdata>),
}

impl Object for Captured {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.0);
    }

    fn size(&self) -> usize {
        size_of::<GcBox<Captured>>()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Captured>> {
        &mut heap.captured
    }

    fn gray(handle: Gc<Captured>) -> Gray {
        Gray::Captured(handle)
    }
}

/// The owner of all objects.
pub struct Heap {
    interned: HashTable<Str>,
    long_strings: Vec<Str>,
    pub(crate) tables: Vec<Gc<Table>>,
    pub(crate) closures: Vec<Gc<Closure>>,
    pub(crate) natives: Vec<Gc<Native>>,
    pub(crate) captured: Vec<Gc<Captured>>,
    pub(crate) coroutines: Vec<Gc<Coroutine>>,
    pub(crate) userdata: Vec<Gc<Userdata>>,
    root_shape: Box<Shape>,
    /// Tables whose metatable had `__gc` when it was set.
    finalizable: Vec<Gc<Table>>,
    /// Dead ones among them whose finalizer is to be called.
    pub pending_finalizers: Vec<Gc<Table>>,
    mode_key: Option<Str>,
    bytes: usize,
    threshold: usize,
    stopped: bool,
}

/// The heap is not collected while it is smaller than this.
const MIN_THRESHOLD: usize = 1 << 20;

/// All strings and tables together; beyond it a script gets "not enough memory".
const MAX_BYTES: usize = 8 << 30;

impl Heap {
    /// An empty heap.
    pub fn new() -> Heap {
        let mut heap = Heap {
            interned: HashTable::new(),
            long_strings: Vec::new(),
            tables: Vec::new(),
            closures: Vec::new(),
            natives: Vec::new(),
            captured: Vec::new(),
            coroutines: Vec::new(),
            userdata: Vec::new(),
            root_shape: Shape::root(),
            finalizable: Vec::new(),
            pending_finalizers: Vec::new(),
            mode_key: None,
            bytes: 0,
            threshold: MIN_THRESHOLD,
            stopped: false,
        };
        heap.mode_key = Some(heap.pinned(b"__mode"));
        heap
    }

    /// Puts an object on the heap.
    pub fn alloc<T: Object>(&mut self, value: T) -> Gc<T> {
        self.bytes += value.size();
        let boxed = Box::new(GcBox { marked: Cell::new(false), value });
        let handle = Gc { ptr: NonNull::from(Box::leak(boxed)) };
        T::list(self).push(handle);
        handle
    }

    /// An empty table.
    pub fn new_table(&mut self, n_array: usize, n_fields: usize) -> Gc<Table> {
        let table = Table::new(self.root_shape(), n_array, n_fields);
        self.alloc(table)
    }

    /// The shape of a table without fields.
    pub fn root_shape(&self) -> ShapeRef {
        self.root_shape.handle()
    }

    /// The string with these bytes; a short one exists once.
    pub fn str(&mut self, bytes: &[u8]) -> Str {
        if bytes.len() > MAX_SHORT {
            return self.long_str(bytes);
        }
        let hash = Str::hash_of(bytes);
        let is_same = |it: &Str| it.as_bytes() == bytes;
        if let Some(&found) = self.interned.find(spread(hash), is_same) {
            return found;
        }
        let new = Str::alloc(bytes, hash);
        self.bytes += new.size();
        self.interned.insert_unique(spread(hash), new, |it| spread(it.hash()));
        new
    }

    fn long_str(&mut self, bytes: &[u8]) -> Str {
        let new = Str::alloc(bytes, 0);
        self.bytes += new.size();
        self.long_strings.push(new);
        new
    }

    /// A string that lives as long as the heap: constants of programs, keys of shapes, event names.
    pub fn pinned(&mut self, bytes: &[u8]) -> Str {
        let it = self.str(bytes);
        it.pin();
        it
    }

    /// Stores `value` under `key`, which is neither nil nor NaN, and accounts for a table that grows.
    pub fn table_set(&mut self, table: Gc<Table>, key: Value, value: Value) {
        let before = self[table].size();
        self[table].set(key, value);
        let after = self[table].size();
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    /// Stores elements of a table from `offset + 1` on, and accounts for it.
    pub fn table_extend(&mut self, table: Gc<Table>, offset: usize, values: &[Value]) {
        let before = self[table].size();
        self[table].extend(offset, values);
        let after = self[table].size();
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    /// Bytes in use, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether `extra` bytes more are too many.
    pub fn is_exhausted(&self, extra: usize) -> bool {
        self.bytes.saturating_add(extra) > MAX_BYTES
    }

    /// Switches automatic collection off or on.
    pub fn set_stopped(&mut self, stopped: bool) {
        self.stopped = stopped;
        self.set_threshold();
    }

    /// Whether automatic collection is off.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn set_threshold(&mut self) {
        self.threshold =
            if self.stopped { usize::MAX } else { (self.bytes * 2).max(MIN_THRESHOLD) };
    }

    /// Notes that `table` has a finalizer.
    pub fn register_finalizer(&mut self, table: Gc<Table>) {
        if !self.finalizable.contains(&table) {
            self.finalizable.push(table);
        }
    }

    /// All tables with finalizers, for the end of a program; the last registered comes last.
    pub fn take_finalizable(&mut self) -> Vec<Gc<Table>> {
        std::mem::take(&mut self.finalizable)
    }

    /// Frees what cannot be reached.
    ///
    /// # Safety
    ///
    /// - Each handle that is used afterwards, also inside objects, is reachable from what `roots` marks.
    /// - No reference into an object is alive.
    pub unsafe fn collect(&mut self, roots: impl FnOnce(&mut Marker)) {
        let mode_key = self.mode_key.expect("set by `new`");
        let mut marker = Marker::new(mode_key);
        roots(&mut marker);
        for &table in &self.pending_finalizers {
            marker.mark(Value::Table(table));
        }
        marker.propagate(self);
        marker.clear_weak_values(self);
        self.resurrect(&mut marker);
        marker.propagate(self);
        marker.clear_weak_keys(self);
        marker.clear_weak_values(self);
        self.bytes = marker.bytes;
        self.sweep();
        self.set_threshold();
    }

    /// Dead tables with finalizers live on until the finalizer has run.
    fn resurrect(&mut self, marker: &mut Marker) {
        let all = std::mem::take(&mut self.finalizable);
        let (live, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|&it| is_marked(it));
        self.finalizable = live;
        for &table in &dead {
            marker.mark(Value::Table(table));
        }
        self.pending_finalizers.extend(dead.into_iter().rev());
    }

    fn sweep(&mut self) {
        let mut pinned = 0;
        self.interned.retain(|it| sweep_str(*it, &mut pinned));
        self.long_strings.retain(|it| sweep_str(*it, &mut pinned));
        self.bytes += pinned;
        sweep_list(&mut self.tables);
        sweep_list(&mut self.closures);
        sweep_list(&mut self.natives);
        sweep_list(&mut self.captured);
        sweep_list(&mut self.coroutines);
        sweep_list(&mut self.userdata);
    }
}

/// hashbrown takes the upper bits of a hash for its tags.
fn spread(hash: u32) -> u64 {
    u64::from(hash) | u64::from(hash) << 32
}

fn sweep_str(it: Str, pinned: &mut usize) -> bool {
    if it.is_pinned() && !it.is_marked() {
        *pinned += it.size();
        return true;
    }
    if it.unmark() {
        return true;
    }
    // SAFETY: the string is not marked, so by the contract of `collect` no handle to it is used again,
    // and the caller takes it out of the list that owns it.
    unsafe { it.free() };
    false
}

fn sweep_list<T: Object>(list: &mut Vec<Gc<T>>) {
    list.retain(|&handle| {
        // SAFETY: what is in the list has not been freed.
        let is_live = unsafe { handle.ptr.as_ref() }.marked.replace(false);
        if !is_live {
            // SAFETY: `alloc` made it from a box, it is not marked, so by the contract of `collect` no
            // handle to it is used again, and `retain` takes it out of the list that owns it.
            drop(unsafe { Box::from_raw(handle.ptr.as_ptr()) });
        }
        is_live
    });
}

fn is_marked<T>(handle: Gc<T>) -> bool {
    // SAFETY: called during a collection only, before anything is freed.
    unsafe { handle.ptr.as_ref() }.marked.get()
}

#[jit]
impl Heap {
    /// Whether it is time for a collection.
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.bytes >= self.threshold
    }
}

#[jit]
impl<T: Object> Index<Gc<T>> for Heap {
    type Output = T;

    #[inline]
    fn index(&self, handle: Gc<T>) -> &T {
        // SAFETY: the object has not been freed (invariant 1), and a reference to it that may change it
        // borrows the heap mutably.
        unsafe { &(*handle.ptr.as_ptr()).value }
    }
}

impl<T: Object> IndexMut<Gc<T>> for Heap {
    #[inline]
    fn index_mut(&mut self, handle: Gc<T>) -> &mut T {
        // SAFETY: as in `index`; that the heap is borrowed mutably makes this the only reference.
        unsafe { &mut (*handle.ptr.as_ptr()).value }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        let strings = self.interned.iter().chain(&self.long_strings);
        for &it in strings {
            // SAFETY: the heap owns the string and is going away with all objects.
            unsafe { it.free() };
        }
        drop_list(&mut self.tables);
        drop_list(&mut self.closures);
        drop_list(&mut self.natives);
        drop_list(&mut self.captured);
        drop_list(&mut self.coroutines);
        drop_list(&mut self.userdata);
    }
}

fn drop_list<T>(list: &mut Vec<Gc<T>>) {
    for handle in list.drain(..) {
        // SAFETY: `alloc` made it from a box, and the list that owned it is being emptied.
        drop(unsafe { Box::from_raw(handle.ptr.as_ptr()) });
    }
}

/// The state of a collection.
pub struct Marker {
    gray: Vec<Gray>,
    /// Tables with weak values, to be looked through when all is marked.
    weak_values: Vec<Gc<Table>>,
    /// Tables with weak keys: a value is marked if its key is.
    ephemerons: Vec<Gc<Table>>,
    mode_key: Str,
    bytes: usize,
}

/// How a table holds its keys and values.
#[derive(Clone, Copy, Default)]
struct Mode {
    weak_keys: bool,
    weak_values: bool,
}

impl Marker {
    fn new(mode_key: Str) -> Marker {
        Marker {
            gray: Vec::new(),
            weak_values: Vec::new(),
            ephemerons: Vec::new(),
            mode_key,
            bytes: 0,
        }
    }

    /// Marks what `value` refers to.
    pub fn mark(&mut self, value: Value) {
        match value {
            Value::Nil | Value::False | Value::True | Value::Int(_) | Value::Float(_) => {}
            Value::Str(it) => self.mark_str(it),
            Value::Table(it) => self.mark_object(it),
            Value::Function(it) => self.mark_object(it),
            Value::Native(it) => self.mark_object(it),
            Value::Thread(it) => self.mark_object(it),
            Value::Userdata(it) => self.mark_object(it),
            Value::Captured(it) => self.mark_object(it),
        }
    }

    /// Marks a string.
    pub fn mark_str(&mut self, it: Str) {
        if it.mark() {
            self.bytes += it.size();
        }
    }

    /// Marks an object.
    pub fn mark_object<T: Object>(&mut self, handle: Gc<T>) {
        // SAFETY: reachable handles are valid (invariant 1), and a mark is a cell.
        if !unsafe { handle.ptr.as_ref() }.marked.replace(true) {
            self.gray.push(T::gray(handle));
        }
    }

    fn propagate(&mut self, heap: &Heap) {
        loop {
            while let Some(gray) = self.gray.pop() {
                self.trace(heap, gray);
            }
            let ephemerons = std::mem::take(&mut self.ephemerons);
            for &table in &ephemerons {
                self.trace_ephemeron(heap, table);
            }
            self.ephemerons.extend(ephemerons);
            if self.gray.is_empty() {
                return;
            }
        }
    }

    fn trace(&mut self, heap: &Heap, gray: Gray) {
        match gray {
            Gray::Table(it) => self.trace_table(heap, it),
            Gray::Closure(it) => self.trace_object(&heap[it]),
            Gray::Native(it) => self.trace_object(&heap[it]),
            Gray::Captured(it) => self.trace_object(&heap[it]),
            Gray::Coroutine(it) => self.trace_object(&heap[it]),
            Gray::Userdata(it) => self.trace_object(&heap[it]),
        }
    }

    fn trace_object<T: Object>(&mut self, object: &T) {
        self.bytes += object.size();
        object.trace(self);
    }

    fn trace_table(&mut self, heap: &Heap, handle: Gc<Table>) {
        let table = &heap[handle];
        let mode = self.mode_of(heap, table);
        if !mode.weak_keys && !mode.weak_values {
            return self.trace_object(table);
        }
        self.bytes += table.size();
        if let Some(meta) = table.metatable() {
            self.mark_object(meta);
        }
        if mode.weak_keys {
            self.ephemerons.push(handle);
        }
        if mode.weak_values {
            self.weak_values.push(handle);
        }
        if !mode.weak_keys {
            table.for_each(|key, _| self.mark(key));
        }
    }

    fn mode_of(&self, heap: &Heap, table: &Table) -> Mode {
        let Some(meta) = table.metatable() else { return Mode::default() };
        let Value::Str(mode) = heap[meta].get_str(self.mode_key) else { return Mode::default() };
        let has = |letter| mode.as_bytes().contains(&letter);
        Mode { weak_keys: has(b'k'), weak_values: has(b'v') }
    }

    /// Marks the values whose keys are marked; strong ones only, if values are weak too.
    fn trace_ephemeron(&mut self, heap: &Heap, handle: Gc<Table>) {
        let table = &heap[handle];
        if self.mode_of(heap, table).weak_values {
            return;
        }
        table.for_each(|key, value| {
            if !self.is_dead(key) {
                self.mark(value);
            }
        });
    }

    /// Whether only weak references to `value` exist. Strings are values: they are never dead.
    fn is_dead(&mut self, value: Value) -> bool {
        match value {
            Value::Nil | Value::False | Value::True | Value::Int(_) | Value::Float(_) => false,
            Value::Str(it) => {
                self.mark_str(it);
                false
            }
            Value::Table(it) => !is_marked(it),
            Value::Function(it) => !is_marked(it),
            Value::Native(it) => !is_marked(it),
            Value::Thread(it) => !is_marked(it),
            Value::Userdata(it) => !is_marked(it),
            Value::Captured(it) => !is_marked(it),
        }
    }

    fn clear_weak_values(&mut self, heap: &mut Heap) {
        for table in self.weak_values.clone() {
            heap[table].retain(|_, value| !self.is_dead(value));
        }
    }

    fn clear_weak_keys(&mut self, heap: &mut Heap) {
        for table in self.ephemerons.clone() {
            heap[table].retain(|key, _| !self.is_dead(key));
        }
    }
}
