//! Owners of heap memory, and drops that are traced: `Box`, `Rc`, and what is made of them.
//!
//! Allocating and giving back are operations of the trace, so that an object that does not leave
//! compiled code is never allocated. Dropping a `Box` drops what is in it and gives the memory back; an `Rc`
//! counts down, with a guard on whether it was the last.
//!
//! How a value is dropped depends on its type, and the twin's `Traced<T>` has no bound on `T`. So types say
//! it of themselves where they are known: [`Glue::note`] writes down, for this opcode, how values of
//! the type and of its parts are dropped. A type that was not noted is dropped by a call, which is always
//! right.
//!
//! Invariants
//! 1. What is noted depends on the way of the twin since the last merge point, so a replay makes the same steps.
//! 2. Drops come in the order of the plain function's, and one that panics does not keep the others from
//!    happening, nor memory from being given back.
#![expect(unsafe_code, reason = "allocates as std does, and takes values apart")]

use super::aggregate::promote_variant;
use super::call;
use super::layout::{PieceTy, Tagged, Traceable, TypeFacts, words};
use super::ops::{self, OvfOp};
use super::place::{Local, Place, counted_align, counted_size, value_offset};
use super::rec::Rec;
use super::value::Traced;
use metainterp::ir::{Opcode, Ty};
use metainterp::memory;
use metainterp::record::Arg;
use smallvec::SmallVec;
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::mem::{MaybeUninit, needs_drop};
use std::rc::Rc;

/// Drops what is in a place, in a trace. The place's type is known to whoever made this.
pub(crate) type InPlace = fn(Rec, Place<()>);

/// How types are dropped, as far as the twin has met them since the last merge point.
pub(crate) type Noted = SmallVec<[(TypeId, InPlace); 8]>;

/// Types of which it is known how they are dropped, and their parts.
pub trait Glue: Sized {
    /// Notes it.
    fn note(rec: Rec);
}

/// How values of a type, and `Option`s of them, are dropped.
struct Note {
    id: fn() -> TypeId,
    in_place: InPlace,
    option_id: fn() -> TypeId,
    in_option: InPlace,
}

/// Notes how a type is dropped. False if that is known already, or there is nothing to know.
pub fn note_type<T: Traceable>(rec: Rec) -> bool {
    const {
        match T::DROP {
            Some(_) if needs_drop::<T>() => Some(&Note {
                id: typeid::of::<T>,
                in_place: drop_noted::<T>,
                option_id: typeid::of::<Option<T>>,
                in_option: drop_in_option::<T>,
            }),
            _ => None,
        }
    }
    .is_some_and(|note: &'static Note| note.take(rec))
}

fn drop_noted<T: Traceable>(rec: Rec, place: Place<()>) {
    let drop = T::DROP.expect("only then it is noted");
    drop(rec, place.part::<T>(rec, 0).known());
}

fn drop_in_option<T: Traceable>(rec: Rec, place: Place<()>) {
    drop_option(rec, place.part::<Option<T>>(rec, 0).known());
}

impl Note {
    /// False if it is known already.
    #[inline(never)]
    fn take(&self, rec: Rec) -> bool {
        let is_new = note_drop(rec, (self.id)(), self.in_place);
        if is_new {
            note_drop(rec, (self.option_id)(), self.in_option);
        }
        is_new
    }
}

/// How a type is dropped in a trace, if that was noted.
pub(crate) fn noted(rec: Rec, ty: &TypeFacts) -> Option<InPlace> {
    let noted = rec.arena().noted.borrow();
    if noted.is_empty() {
        return None;
    }
    let id = ty.id();
    noted.iter().find(|&&(it, _)| it == id).map(|&(_, drop)| drop)
}

/// Drops a local of the twin, as its type says.
pub(crate) fn drop_traced<T: Traceable>(rec: Rec, owner: *const ()) {
    // SAFETY: called by the value itself, when it is dropped.
    let mut value = unsafe { &*owner.cast::<Traced<T>>() }.take();
    value.disown();
    let drop = T::DROP.expect("the dropper of a type with this");
    drop(rec, value.as_place().known());
}

/// Drops what is in a place.
pub fn drop_contents<T>(rec: Rec, place: Place<T>) {
    if const { needs_drop::<T>() } {
        drop_contents_of(rec, place.part::<()>(rec, 0), TypeFacts::of::<T>());
    }
}

/// The same of a value of this type.
pub(crate) fn drop_contents_of(rec: Rec, place: Place<()>, ty: &'static TypeFacts) {
    match noted(rec, ty) {
        Some(drop) => drop(rec, place),
        None => call::drop_in_place(rec, place, ty),
    }
}

fn drop_option<T: Traceable>(rec: Rec, place: Place<Option<T>>) {
    if let Ok(payload) = place.payload(rec) {
        drop_contents(rec, payload);
    }
}

/// The drop of an `Option` of a type with one.
pub(crate) const fn of_option<T: Traceable>() -> Option<fn(Rec, Place<Option<T>>)> {
    match T::DROP {
        Some(_) => Some(|rec, place| {
            note_type::<T>(rec);
            drop_option(rec, place);
        }),
        None => None,
    }
}

/// The parts of a value that is dropped.
pub struct DropParts {
    whole: Place<()>,
    start: usize,
    parts: PartsToDrop,
}

type PartsToDrop = SmallVec<[(&'static TypeFacts, Place<()>); 4]>;

impl DropParts {
    /// The next part, as it lies in a copy of the whole.
    pub fn add<P>(&mut self, rec: Rec, part: &P) {
        self.add_at::<P>(rec, std::ptr::from_ref(part).addr().wrapping_sub(self.start));
    }

    fn add_at<P>(&mut self, rec: Rec, offset: usize) {
        if needs_drop::<P>() {
            self.push(rec, TypeFacts::of::<P>(), offset);
        }
    }

    fn push(&mut self, rec: Rec, ty: &'static TypeFacts, offset: usize) {
        self.parts.push((ty, self.whole.part(rec, offset as isize)));
    }

    fn drop_all(self, rec: Rec) {
        let mut rest = Rest { rec, parts: self.parts.into_iter() };
        while rest.next() {}
    }
}

/// Those that are still to be dropped, also when one of them panics.
struct Rest {
    rec: Rec,
    parts: <PartsToDrop as IntoIterator>::IntoIter,
}

impl Rest {
    fn next(&mut self) -> bool {
        let Some((ty, place)) = self.parts.next() else { return false };
        drop_contents_of(self.rec, place, ty);
        true
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        while self.next() {}
    }
}

/// An array that was just made: it is dropped element by element.
pub fn array<T, const N: usize>(rec: Rec, made: Traced<[T; N]>) -> Traced<[T; N]> {
    if const { needs_drop::<T>() } {
        note_in_place::<[T; N]>(rec, drop_array::<T, N>);
    }
    made
}

fn drop_array<T, const N: usize>(rec: Rec, whole: Place<()>) {
    let mut elements = DropParts { whole, start: 0, parts: SmallVec::new() };
    (0..N).for_each(|at| elements.add_at::<T>(rec, at * size_of::<T>()));
    elements.drop_all(rec);
}

/// Drops the parts of a struct or of an enum's variant, which is promoted. `parts` tells them.
pub fn drop_parts<T: Tagged>(rec: Rec, place: Place<T>, parts: impl FnOnce(&T, &mut DropParts)) {
    let copy = promote_variant(rec, &place).copy(&place);
    let start = std::ptr::from_ref(&*copy).addr();
    let whole = place.part::<()>(rec, 0);
    let mut found = DropParts { whole, start, parts: SmallVec::new() };
    parts(&copy, &mut found);
    found.drop_all(rec);
}

/// Drops a value of a type that is taken apart: by its own `Drop` first, if it has one, and then its parts.
pub fn drop_whole<T: Tagged, D: OwnDrop<T>>(
    rec: Rec,
    place: Place<T>,
    own: impl Fn(&T) -> D,
    parts: impl FnOnce(&T, &mut DropParts),
) {
    if const { !D::IS_TRACED } {
        return drop_parts(rec, place, parts);
    }
    let token = own(place.probe());
    let Some(inside) = token.enter(rec) else {
        return call::drop_by_call(rec, place);
    };
    // They are dropped also when it panics.
    let rest = PartsAtEnd { rec, place, parts: Some(parts) };
    token.run(rec, place);
    drop(rest);
    drop(inside);
}

/// The parts of a value whose own `Drop` is running.
struct PartsAtEnd<T: Tagged, P: FnOnce(&T, &mut DropParts)> {
    rec: Rec,
    place: Place<T>,
    parts: Option<P>,
}

impl<T: Tagged, P: FnOnce(&T, &mut DropParts)> Drop for PartsAtEnd<T, P> {
    fn drop(&mut self) {
        let parts = self.parts.take().expect("dropped once");
        drop_parts(self.rec, self.place, parts);
    }
}

/// The token of a type's own `Drop`.
pub trait OwnDrop<T>: Copy {
    /// Whether it has `#[jit]`.
    const IS_TRACED: bool;
    /// Enters it. `None` if the plain one is to be called instead, with the drops of the parts.
    fn enter(self, rec: Rec) -> Option<call::Inside>;
    /// Runs it.
    fn run(self, rec: Rec, place: Place<T>);
}

/// The token of a type without a `Drop` of its own, or with one that is called.
#[derive(Clone, Copy)]
pub struct NotTraced;

impl<T> OwnDrop<T> for NotTraced {
    const IS_TRACED: bool = false;
    fn enter(self, _: Rec) -> Option<call::Inside> {
        None
    }
    fn run(self, _: Rec, _: Place<T>) {}
}

impl<T> OwnDrop<T> for call::Residual {
    const IS_TRACED: bool = false;
    fn enter(self, _: Rec) -> Option<call::Inside> {
        None
    }
    fn run(self, _: Rec, _: Place<T>) {}
}

impl<'x, T: 'x> OwnDrop<T> for call::Twin<fn(Rec, Traced<&'x mut T>) -> Traced<()>> {
    const IS_TRACED: bool = true;
    fn enter(self, rec: Rec) -> Option<call::Inside> {
        call::Inside::enter(rec, self.0 as usize)
    }
    fn run(self, rec: Rec, place: Place<T>) {
        self.0(rec, place.exclusive(rec));
    }
}

/// Whether that token says that it is traced.
pub const fn is_traced<T, D: OwnDrop<T>>(_: &impl Fn(&T) -> D) -> bool {
    D::IS_TRACED
}

/// Found where the type's own `Drop` has no `#[jit]`.
pub trait NoOwnDrop {
    /// It is not traced.
    fn __jit_own_drop(&self) -> NotTraced {
        NotTraced
    }
}

impl<T: ?Sized> NoOwnDrop for &T {}

/// Asks for the drops of a type, if it knows any.
pub struct NoteType<T: ?Sized>(pub PhantomData<T>);

/// Asks for the drops of what is in a place, if its type knows any.
pub struct NotePlace<T: ?Sized>(pub Place<T>);

impl<T: Glue> NoteType<T> {
    /// Notes.
    pub fn note(self, rec: Rec) {
        if needs_drop::<T>() {
            T::note(rec);
        }
    }
}

impl<T: Glue> NotePlace<T> {
    /// Notes.
    pub fn note(self, rec: Rec) {
        if needs_drop::<T>() {
            T::note(rec);
        }
    }
}

/// Found when there is nothing else.
pub trait NoNote {
    /// Nothing is known.
    fn note(self, rec: Rec);
}

impl<T: ?Sized> NoNote for NoteType<T> {
    fn note(self, _: Rec) {}
}

impl<T: ?Sized> NoNote for NotePlace<T> {
    fn note(self, _: Rec) {}
}

macro_rules! glue {
    ($([$($generic:tt)*] $ty:ty: $($part:ty),*;)*) => {$(
        impl<$($generic)*> Glue for $ty {
            fn note(rec: Rec) {
                if note_type::<Self>(rec) {
                    $(if needs_drop::<$part>() {
                        <$part as Glue>::note(rec);
                    })*
                }
            }
        }
    )*};
}

glue! {
    [T: Glue] Box<T>: T;
    [T: Glue] Rc<T>: T;
}

macro_rules! parts {
    ($([$($generic:tt)*] $ty:ty: $part:ty;)*) => {$(
        impl<$($generic)*> Glue for $ty {
            fn note(rec: Rec) {
                <$part as Glue>::note(rec);
            }
        }
    )*};
}

parts! {
    [T: Glue] Option<T>: T;
    [T: Glue, const N: usize] [T; N]: T;
}

macro_rules! nothing {
    ($($ty:ty)*) => {$(
        impl Glue for $ty {
            fn note(_: Rec) {}
        }
    )*};
}

nothing! { () bool char i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 String }

/// Gives memory back, also when dropping what is in it panics.
struct FreeAtEnd {
    rec: Rec,
    opcode: Opcode,
    address: Arg,
    bytes: usize,
    align: usize,
}

impl Drop for FreeAtEnd {
    fn drop(&mut self) {
        free(self.rec, self.opcode, self.address, self.bytes, self.align);
    }
}

/// Gives memory of an object back that was allocated for so many bytes.
pub(crate) fn give_back(rec: Rec, address: Arg, bytes: usize, align: usize) {
    free(rec, Opcode::Free, address, bytes, align);
}

fn free(rec: Rec, opcode: Opcode, address: Arg, bytes: usize, align: usize) {
    if bytes == 0 {
        return;
    }
    // SAFETY: the plain function gives this memory back here, or the local that had it is gone.
    let run = || unsafe { memory::free(address.bits, bytes as u64, align as u64) };
    rec.free(opcode, address, bytes, align, run);
}

/// Memory for a value, and its address.
pub(crate) fn allocate(rec: Rec, bytes: usize, align: usize) -> Arg {
    new_memory(rec, Opcode::New, bytes, align)
}

fn new_memory(rec: Rec, opcode: Opcode, bytes: usize, align: usize) -> Arg {
    let run = || memory::new(bytes as u64, align as u64);
    let (address, lane) = rec.allocate(opcode, bytes, align, run);
    Arg::new(lane, Ty::Ptr, address)
}

/// Most bytes of a buffer that is allocated, and taken apart when it is dropped, in the trace: most that an object
/// may have that is not allocated.
const BUFFER_BYTES: usize = 256;

/// Most elements of such a buffer.
const BUFFER_ELEMENTS: usize = 16;

/// How many elements such a buffer has at most; 0 if there are none of this type.
const fn most_in_buffer<T>() -> usize {
    match size_of::<T>() {
        0 => 0,
        bytes if BUFFER_BYTES / bytes < BUFFER_ELEMENTS => BUFFER_BYTES / bytes,
        _ => BUFFER_ELEMENTS,
    }
}

/// Whether there is room for so few elements that they are told apart. The trace is for that number from here on.
///
/// Both are guarded, as what a twin does must not depend on what a trace happens to know.
fn is_small<T>(rec: Rec, capacity: &Traced<usize>) -> bool {
    let most = const { most_in_buffer::<T>() };
    most > 0
        && ops::branch(rec, ops::le(rec, capacity.dup(), Traced::constant(most)))
        && ops::promote_few(rec, capacity.arg()).is_some()
}

/// `Vec::with_capacity`, if it is known that there is room for few. Such a `Vec` is dropped in the trace.
pub(crate) fn vec_with_capacity<T>(rec: Rec, capacity: &Traced<usize>) -> Option<Traced<Vec<T>>> {
    if !is_small::<T>(rec, capacity) {
        return None;
    }
    let capacity = capacity.get();
    let mut made = Traced::constant(Vec::<T>::new());
    if capacity > 0 {
        let (bytes, align) = (capacity * size_of::<T>(), align_of::<T>());
        let address = new_memory(rec, Opcode::NewBuffer, bytes, align);
        made.as_place().set_buffer(rec, address, capacity);
    }
    made.set_dropper(drop_of_vec::<T>);
    Some(made)
}

/// `Vec::new`.
pub(crate) fn vec_new<T>() -> Traced<Vec<T>> {
    let made = Traced::constant(Vec::new());
    made.set_dropper(drop_of_vec::<T>);
    made
}

fn drop_of_vec<T>(rec: Rec, owner: *const ()) {
    // SAFETY: called by the value itself, when it is dropped.
    let mut value = unsafe { &*owner.cast::<Traced<Vec<T>>>() }.take();
    value.disown();
    drop_vec(rec, value.as_place().known());
}

/// Drops a `Vec` with room for few elements: each of them, and then the buffer. One with room for more is dropped
/// by a call, and so are all where they have had too many lengths.
fn drop_vec<T>(rec: Rec, place: Place<Vec<T>>) {
    let capacity = place.capacity(rec);
    if !is_small::<T>(rec, &capacity) {
        return call::drop_by_call(rec, place);
    }
    let capacity = capacity.get();
    if capacity == 0 {
        return;
    }
    let mut n_owning = 0;
    if const { needs_drop::<T>() } {
        let len = place.len(rec);
        if ops::promote_few(rec, len.arg()).is_none() {
            return call::drop_by_call(rec, place);
        }
        n_owning = len.get();
    }
    let address = place.buffer(rec);
    let (bytes, align) = (capacity * size_of::<T>(), align_of::<T>());
    let end = FreeAtEnd { rec, opcode: Opcode::FreeBuffer, address, bytes, align };
    if n_owning > 0 {
        let first = place.slot(rec, &Traced::constant(0)).part::<()>(rec, 0);
        let mut elements = DropParts { whole: first, start: 0, parts: SmallVec::new() };
        (0..n_owning).for_each(|at| elements.add_at::<T>(rec, at * size_of::<T>()));
        elements.drop_all(rec);
    }
    drop(end);
}

/// How a type is dropped whose parts are not told by `Traceable`.
fn note_in_place<T>(rec: Rec, drop: InPlace) {
    note_drop(rec, typeid::of::<T>(), drop);
}

/// The same of the type of this id. False if it is known already.
fn note_drop(rec: Rec, id: TypeId, drop: InPlace) -> bool {
    let mut noted = rec.arena().noted.borrow_mut();
    let is_new = !noted.iter().any(|&(it, _)| it == id);
    if is_new {
        noted.push((id, drop));
    }
    is_new
}

impl<T: Glue> Glue for Vec<T> {
    fn note(rec: Rec) {
        note_in_place::<Vec<T>>(rec, |rec, place| drop_vec(rec, place.part::<Vec<T>>(rec, 0)));
        if needs_drop::<T>() {
            T::note(rec);
        }
    }
}

impl<T: Glue> Glue for RefCell<T> {
    fn note(rec: Rec) {
        if needs_drop::<T>() {
            note_in_place::<RefCell<T>>(rec, |rec, place| {
                drop_contents(rec, place.part::<RefCell<T>>(rec, 0).content(rec));
            });
            T::note(rec);
        }
    }
}

impl<T: Glue> Glue for Cell<T> {
    fn note(rec: Rec) {
        if needs_drop::<T>() {
            note_in_place::<Cell<T>>(rec, |rec, place| {
                drop_contents(rec, place.part::<T>(rec, 0));
            });
            T::note(rec);
        }
    }
}

/// An owner of that memory.
fn owner<P>(rec: Rec, address: Arg) -> Traced<P> {
    assert_eq!(size_of::<P>(), size_of::<usize>(), "an owner is an address");
    let mut bits = MaybeUninit::<P>::uninit();
    let pointer = std::ptr::with_exposed_provenance_mut::<()>(address.bits as usize);
    // SAFETY: both are one word.
    unsafe { bits.as_mut_ptr().cast::<*mut ()>().write(pointer) };
    Traced::of_args(rec, bits, &[PieceTy::owned_pointer(0)], &[address.lane])
}

/// A place in an object that takes so many bytes.
fn at<T>(address: Arg, bytes: usize) -> Place<T> {
    super::place::boxed_place(address, bytes)
}

/// `Box::new`, with the layout of the content.
fn new_box<T>(rec: Rec, value: Traced<T>, layout: &[PieceTy]) -> Traced<Box<T>> {
    let dropper = drop_traced::<Box<T>>;
    if size_of::<T>() == 0 {
        let made = Traced::constant(Box::new(value.into_plain()));
        made.set_dropper(dropper);
        return made;
    }
    let address = allocate(rec, size_of::<T>(), align_of::<T>());
    at::<T>(address, size_of::<T>()).write_as(rec, value, layout);
    let made = owner(rec, address);
    made.set_dropper(dropper);
    made
}

/// `Rc::new`, with the layout of the content.
fn new_rc<T>(rec: Rec, value: Traced<T>, layout: &[PieceTy]) -> Traced<Rc<T>> {
    if !super::cell::counts_are_in_front() {
        let site = call::CallSite { name: "new", site: "Rc", ..call::CallSite::PLAIN };
        return call::residual(rec, &site, (value,), |(value,): (T,)| Rc::new(value));
    }
    let (address, counts) = const { RcFacts::of::<T>() }.allocate(rec);
    counts.part::<T>(rec, value_offset::<T>() as isize).write_as(rec, value, layout);
    let made = owner(rec, address);
    made.set_dropper(drop_traced::<Rc<T>>);
    made
}

/// What an `Rc` owns: counts and value lie as C lays them out.
#[derive(Clone, Copy)]
struct RcFacts {
    value: &'static TypeFacts,
    value_offset: usize,
    bytes: usize,
    align: usize,
}

impl RcFacts {
    const fn of<T>() -> RcFacts {
        RcFacts {
            value: TypeFacts::of::<T>(),
            value_offset: value_offset::<T>(),
            bytes: counted_size::<T>().expect("the type has a size"),
            align: counted_align::<T>(),
        }
    }

    /// Memory for it, with counts of one. Answers its address.
    fn allocate(self, rec: Rec) -> (Arg, Place<usize>) {
        let address = allocate(rec, self.bytes, self.align);
        let counts = at::<usize>(address, self.bytes);
        counts.part::<usize>(rec, 0).write(rec, Traced::constant(1));
        counts.part::<usize>(rec, 8).write(rec, Traced::constant(1));
        (address, counts)
    }
}

/// `Box::new`.
pub(crate) fn box_new<T>(rec: Rec, value: Traced<T>) -> Traced<Box<T>> {
    new_box(rec, value, &words::<T>())
}

/// `Box::new` of a value with a layout.
pub(crate) fn box_new_known<T: Traceable>(rec: Rec, value: Traced<T>) -> Traced<Box<T>> {
    note_type::<T>(rec);
    new_box(rec, value, T::LAYOUT)
}

/// `Rc::new`.
pub(crate) fn rc_new<T>(rec: Rec, value: Traced<T>) -> Traced<Rc<T>> {
    new_rc(rec, value, &words::<T>())
}

/// `Rc::new` of a value with a layout.
pub(crate) fn rc_new_known<T: Traceable>(rec: Rec, value: Traced<T>) -> Traced<Rc<T>> {
    note_type::<T>(rec);
    new_rc(rec, value, T::LAYOUT)
}

/// Drops a `Box`.
pub(crate) fn drop_box<T>(rec: Rec, place: Place<Box<T>>) {
    let content: Place<T> = super::place::Peel::of(&place).peel(rec);
    let address = content.raw_mut(rec).scalar_arg(rec, Ty::Ptr);
    let (bytes, align) = (size_of::<T>(), align_of::<T>());
    let end = FreeAtEnd { rec, opcode: Opcode::Free, address, bytes, align };
    drop_contents(rec, content);
    drop(end);
}

/// Drops an `Rc`: the last one frees.
pub(crate) fn drop_rc<T>(rec: Rec, place: Place<Rc<T>>) {
    if !super::cell::counts_are_in_front() {
        return call::drop_by_call(rec, place);
    }
    drop_counted(rec, place.strong(rec), const { RcFacts::of::<T>() });
}

/// Counts down, and drops the value if that was the last one.
fn drop_counted(rec: Rec, strong: Place<usize>, facts: RcFacts) {
    let now = strong.read(rec);
    if !ops::branch(rec, ops::eq(rec, now.dup(), Traced::constant(1))) {
        strong.write(rec, ops::wrapping(rec, OvfOp::Sub, &now, &Traced::constant(1)));
        return;
    }
    strong.write(rec, Traced::constant(0));
    let end = FreeRcAtEnd { rec, counts: strong, facts };
    if facts.value.owns() {
        let value = strong.part::<()>(rec, facts.value_offset as isize);
        drop_contents_of(rec, value, facts.value);
    }
    drop(end);
}

/// Counts down the weak pointers, and gives the memory back if there are none.
struct FreeRcAtEnd {
    rec: Rec,
    counts: Place<usize>,
    facts: RcFacts,
}

impl Drop for FreeRcAtEnd {
    fn drop(&mut self) {
        let rec = self.rec;
        let weak = self.counts.part::<usize>(rec, 8);
        let now = weak.read(rec);
        let is_last = ops::branch(rec, ops::eq(rec, now.dup(), Traced::constant(1)));
        weak.write(rec, ops::wrapping(rec, OvfOp::Sub, &now, &Traced::constant(1)));
        if is_last {
            let address = self.counts.raw_mut(rec).scalar_arg(rec, Ty::Ptr);
            give_back(rec, address, self.facts.bytes, self.facts.align);
        }
    }
}

/// Only a type with std's `Drop` has this: no other trait of the name.
#[allow(drop_bounds, reason = "it is asked whether there is one")]
pub const fn is_drop<T: Drop + ?Sized>() {}

/// Whether a type has a `Drop` of its own, which runs before its parts are dropped.
pub struct HasDrop<T: ?Sized>(PhantomData<T>);

#[allow(drop_bounds, reason = "it is asked whether there is one")]
impl<T: Drop + ?Sized> HasDrop<T> {
    /// It has.
    pub const HAS: bool = true;
}

/// Found when there is nothing else.
pub trait NoDrop {
    /// It has none.
    const HAS: bool = false;
}

impl<T: ?Sized> NoDrop for HasDrop<T> {}
