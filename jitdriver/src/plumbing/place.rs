//! Places: where the twin reads and writes, in memory or in its own locals.
//!
//! An address is kept symbolic, as base + index · scale + offset, so that `self.frames[k].sp` is one
//! load or store of the trace, and so that passing `&mut self.stack` to a traced method records
//! nothing. A reference to a local of the twin is no address at all: it names the local ("shadow"),
//! and reads and writes through it move trace values, until somebody needs the address: then the
//! local moves into memory, and what named it finds it there ([`Place::settled`]).
//!
//! The borrow checker has passed the plain function, which makes the same accesses in the same
//! order; that is why the twin may hold raw pointers.
#![expect(unsafe_code, reason = "reads and writes the interpreter's memory")]

use super::layout::{Niche, PieceTy, Tag, Traceable, TypeShape, words};
use super::rec::Rec;
use super::value::{
    Args, Bytes, Head, Lanes, Parted, Piece, Pieces, RestDropper, Traced, What, extract,
    extract_of, push_args_of, read_bits, replace, slice, write_bits,
};
use metainterp::abort::Abort;
use metainterp::ir::{Const, MemDescr, Opcode, Ty};
use metainterp::record::{Arg, Lane};
use smallvec::SmallVec;
use std::any::TypeId;
use std::mem::{MaybeUninit, needs_drop, offset_of};
use std::rc::Rc;
use std::sync::Arc;

/// What the trace knows of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Addr {
    shadow: Option<Shadow>,
    base: u64,
    base_lane: Lane,
    index: u64,
    index_lane: Lane,
    /// Bytes per index; 0 for no index.
    scale: u32,
    offset: i32,
    meta_lane: Lane,
    class: Class,
    frozen: bool,
    contents: Contents,
}

/// What memory holds that is not frozen, as far as it is known in this recording. A replay may know something else,
/// so nothing that the twin does may depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contents {
    /// Anything.
    Unknown,
    /// As long as base and index are constant, they lead into green data, which never changes.
    Green,
    /// As long as the index is constant, what is there is: it has been promoted, and is borrowed.
    Promoted,
}

// It is moved often, and up to two cache lines without a call.
const _: () = assert!(size_of::<Addr>() <= 56 && size_of::<Place<[u8]>>() <= 128);

/// Which memory an address is in, as far as the twin knows: accesses of different classes, other than
/// `ANY`, never overlap.
///
/// A portal's red that is a `&mut T` and never reassigned, or a local that stays in memory, is the only
/// way to its object as long as the portal runs: what is reached from it without going through a
/// pointer is a class of its own. The buffer of a `Vec` that was reached through its header is heap
/// memory that belongs to that `Vec`; an object that is exclusively borrowed at the same time does
/// not lie in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Class(u16);

impl Class {
    const ANY: Class = Class(0);
    const VEC_BUFFER: Class = Class(MemDescr::BUFFER as u16);
    const OBJECT: Class = Class(MemDescr::OBJECT as u16);
    const OBJECT_BUFFER: Class = Class(MemDescr::OBJECT_BUFFER as u16);

    /// The address does not follow from the red's and a constant.
    const INDEXED: u16 = 1 << 15;

    /// What a `Box` or `Rc` owns, reached through it, with the counts if there are some. Nobody has it
    /// exclusively borrowed then, and it is no buffer of a `Vec`. It takes so many bytes; nothing says how many
    /// they are of a slice.
    const fn boxed(bytes: Option<usize>) -> Class {
        Class(match bytes {
            Some(bytes) => MemDescr::boxed(bytes),
            None => MemDescr::BOXED,
        } as u16)
    }

    /// The object that the portal's red of this number has to itself.
    pub(crate) fn of_red(number: usize) -> Class {
        let class = 2 + number;
        // No portal has so many.
        if class < MemDescr::OBJECT as usize { Class(class as u16) } else { Class::ANY }
    }

    /// As in the trace.
    pub(crate) fn number(self) -> u32 {
        u32::from(self.0 & !Class::INDEXED)
    }

    /// An object that the portal's red has to itself.
    fn is_of_red(self) -> bool {
        (2..MemDescr::OBJECT).contains(&self.number())
    }

    /// The buffer of a `Vec`.
    fn is_buffer(self) -> bool {
        let number = self.number();
        matches!(self, Class::VEC_BUFFER | Class::OBJECT_BUFFER)
            || number >= MemDescr::FIRST_NAMED_BUFFER
    }

    /// The same where the address is computed.
    fn indexed(self) -> Class {
        Class(self.0 | if self.is_of_red() { Class::INDEXED } else { 0 })
    }

    /// The buffer of the `Vec` so many bytes into the object of a red: while it is there, and nobody moves it away,
    /// it has a buffer to itself.
    fn of_buffer(self, offset: i32) -> Option<Class> {
        const REDS: u16 = 15;
        const WORDS: u16 = 2048;
        const _: () = assert!(
            MemDescr::FIRST_NAMED_BUFFER as usize + REDS as usize * WORDS as usize
                <= Class::INDEXED as usize
        );
        let is_named = self.is_of_red() && self.0 < REDS && offset % 8 == 0;
        let word = u16::try_from(offset / 8).ok().filter(|&word| is_named && word < WORDS)?;
        Some(Class(MemDescr::FIRST_NAMED_BUFFER as u16 + self.0 * WORDS + word))
    }
}

impl Addr {
    #[inline]
    fn new(base: u64, base_lane: Lane, meta_lane: Lane, frozen: bool) -> Addr {
        Addr {
            shadow: None,
            base,
            base_lane,
            index: 0,
            index_lane: Lane::CONST,
            scale: 0,
            offset: 0,
            meta_lane,
            frozen,
            contents: Contents::Unknown,
            class: Class::ANY,
        }
    }

    /// What is there never changes, as far as it is known here.
    pub(crate) fn is_frozen(&self) -> bool {
        self.shadow.is_none() && (self.frozen || self.contents == Contents::Green)
    }

    /// The same, where a replay knows it too.
    pub(crate) fn is_frozen_for_good(&self) -> bool {
        self.shadow.is_none() && self.frozen
    }

    /// Whether what is here is the same on every run of the trace.
    fn is_constant(&self) -> bool {
        let is_at_constant = self.scale == 0 || self.index_lane.is_const();
        is_at_constant
            && match self.contents {
                Contents::Unknown => self.frozen && self.base_lane.is_const(),
                Contents::Green => self.base_lane.is_const(),
                Contents::Promoted => true,
            }
    }

    /// It was a local, which lives in memory by now.
    fn is_spilled(&self) -> bool {
        self.shadow.is_some_and(|shadow| shadow.head().is_spilled())
    }

    fn base(&self) -> Arg {
        Arg::new(self.base_lane, Ty::Ptr, self.base)
    }

    fn index(&self) -> Option<Arg> {
        (self.scale != 0).then(|| Arg::new(self.index_lane, Ty::I64, self.index))
    }

    fn descr(&self, ty: Ty) -> MemDescr {
        MemDescr {
            ty,
            offset: self.offset,
            scale: self.scale,
            class: self.class.number(),
            frozen: self.frozen,
        }
    }

    /// Adds a constant; false if it does not fit.
    fn add_offset(&mut self, bytes: isize) -> bool {
        match i32::try_from(self.offset as isize + bytes) {
            Ok(offset) => {
                self.offset = offset;
                true
            }
            Err(_) => false,
        }
    }

    /// The class of the buffer of the `Vec` that is here.
    fn class_of_buffer(&self, rec: Rec, element: usize) -> Class {
        if !rec.is_live() {
            rec.element_has(element, false);
        }
        if self.class == Class::OBJECT {
            return Class::OBJECT_BUFFER;
        }
        let is_at_distance = self.shadow.is_none() && self.scale == 0;
        let named = self.class.of_buffer(self.offset).filter(|_| is_at_distance);
        named.filter(|_| rec.names_buffer()).unwrap_or(Class::VEC_BUFFER)
    }

    /// The class of a part of the value that is here. What a pointer leads to is an object by itself if it has a
    /// destructor: nobody has such a thing in memory that is something else too.
    fn class_of_field(&self, rec: Rec, whole: Whole, part_size: usize) -> Class {
        match self.class {
            Class::ANY if whole.owns && !self.is_frozen() && rec.names_object(whole.size) => {
                Class::OBJECT
            }
            class if class.is_buffer() => {
                rec.element_has(part_size, false);
                class
            }
            class => class,
        }
    }

    /// Makes room for an index, by computing the address so far if there is one already.
    fn add_index(&mut self, rec: Rec, index: &Traced<usize>, scale: usize) {
        let fits = i32::try_from(scale).is_ok() && scale > 0;
        if index.lane().is_const()
            && !self.base_lane.is_const()
            && let Some(bytes) = index.get().checked_mul(scale)
            && let Ok(bytes) = isize::try_from(bytes)
            && self.add_offset(bytes)
        {
            return;
        }
        if !fits {
            if scale > 0 {
                rec.abort(Abort::Refused);
            }
            return;
        }
        self.compute_index(rec);
        self.index = index.get() as u64;
        self.index_lane = index.lane();
        self.scale = scale as u32;
    }

    /// Computes the address so far if it has an index.
    fn compute_index(&mut self, rec: Rec) {
        if self.scale != 0 {
            let address = self.address(rec);
            let Addr { meta_lane, frozen, contents, class, .. } = *self;
            let contents = match contents {
                // It was known from where on.
                Contents::Promoted if !self.index_lane.is_const() => Contents::Unknown,
                contents => contents,
            };
            let computed = Addr::new(address.bits, address.lane, meta_lane, frozen);
            *self = Addr { contents, class: class.indexed(), ..computed };
        }
    }

    /// The pieces of a pointer with this address.
    pub(crate) fn lanes(self, rec: Rec, fat: bool) -> Lanes {
        if rec.is_live() {
            return Lanes::CONST;
        }
        let plain = self.shadow.is_none()
            && self.scale == 0
            && self.offset == 0
            && !self.frozen
            && self.contents == Contents::Unknown
            && self.class == Class::ANY;
        let address = match plain {
            true if self.base_lane.is_const() => None,
            true => Some(What::Lane(Ty::Ptr, self.base_lane)),
            false => Some(What::Address(rec.arena().add_addr(self))),
        };
        let meta = match fat && !self.meta_lane.is_const() {
            true => Some(What::Lane(Ty::I64, self.meta_lane)),
            false => None,
        };
        match (address, meta) {
            (None, None) => Lanes::CONST,
            (Some(what), None) => Lanes::one(0, what),
            (None, Some(what)) => Lanes::one(8, what),
            (Some(address), Some(meta)) => {
                let address = Piece { offset: 0, what: address };
                Lanes::of(rec, &[address, Piece { offset: 8, what: meta }])
            }
        }
    }

    /// The address for code that cannot look behind it. A local of the twin has none.
    #[inline]
    pub(crate) fn address_for_use(&self, rec: Rec) -> Arg {
        if let Some(base) = self.as_used(rec) {
            return base;
        }
        rec.show(self.class.number());
        match self.shadow {
            None => self.address(rec),
            Some(shadow) => self.address_of_local(rec, shadow),
        }
    }

    /// The same if it is known without a computation.
    #[inline]
    pub(crate) fn as_used(&self, rec: Rec) -> Option<Arg> {
        let is_base = self.shadow.is_none() && self.scale == 0 && self.offset == 0;
        is_base.then(|| {
            rec.show(self.class.number());
            self.base()
        })
    }

    fn address_of_local(&self, rec: Rec, shadow: Shadow) -> Arg {
        let arena = rec.arena();
        arena.n_local_addresses.set(arena.n_local_addresses.get() + 1);
        if !rec.is_live() && arena.keeps_locals.get() {
            rec.abort(Abort::LocalEscapes);
        }
        let start = match shadow.spilled() {
            Some(memory) => memory,
            None if rec.is_live() || arena.keeps_locals.get() => {
                Arg::constant(Ty::Ptr, shadow.start().expose_provenance() as u64)
            }
            None => shadow.spill(rec),
        };
        match self.base {
            0 => start,
            offset => add(rec, start, Arg::constant(Ty::I64, offset)),
        }
    }

    /// The address of what was a local and has been spilled.
    pub(crate) fn spilled_address(&self) -> Option<u64> {
        let memory = self.shadow?.spilled()?;
        Some(memory.bits + self.base)
    }

    /// Records the computation of the address.
    fn address(&self, rec: Rec) -> Arg {
        let mut address = self.base();
        if let Some(index) = self.index() {
            let scale = Arg::constant(Ty::I64, u64::from(self.scale));
            let bytes = Const::new(Ty::I64, self.index.wrapping_mul(u64::from(self.scale)));
            let lane = rec.op_silently(Opcode::IntMul, &[index, scale], bytes);
            address = add(rec, address, Arg::of(lane, bytes));
        }
        if self.offset != 0 {
            address = add(rec, address, Arg::constant(Ty::I64, i64::from(self.offset) as u64));
        }
        address
    }
}

fn add(rec: Rec, address: Arg, bytes: Arg) -> Arg {
    let sum = address.bits.wrapping_add(bytes.bits);
    let concrete = Const::new(Ty::Ptr, sum);
    Arg::of(rec.op_silently(Opcode::PtrAdd, &[address, bytes], concrete), concrete)
}

/// A local of the twin, as what a reference refers to. The local outlives all references to it, as in the
/// plain function.
#[derive(Clone, Copy)]
pub(crate) struct Shadow {
    head: *const Head,
    facts: &'static LocalFacts,
}

impl PartialEq for Shadow {
    fn eq(&self, other: &Shadow) -> bool {
        self.head == other.head
    }
}

impl Eq for Shadow {}

/// What is to be known of a local's type.
struct LocalFacts {
    /// Where the value lies behind the head.
    offset: usize,
    len: u32,
    owns: bool,
    shape: fn() -> TypeShape,
}

impl Shadow {
    fn of<T>(local: &mut Traced<T>) -> Shadow {
        let facts = const {
            &LocalFacts {
                offset: offset_of!(Traced<T>, value),
                len: size_of::<T>() as u32,
                owns: needs_drop::<T>(),
                shape: TypeShape::of::<T>,
            }
        };
        Shadow { head: std::ptr::from_mut(local).cast(), facts }
    }

    fn head<'x>(self) -> &'x Head {
        // SAFETY: a local begins with its head, and is alive.
        unsafe { &*self.head }
    }

    fn start(self) -> *mut u8 {
        // SAFETY: the value lies there, in the local.
        unsafe { self.head.cast_mut().byte_add(self.facts.offset).cast() }
    }

    /// Moves the value into memory of its own, for code that is given its address.
    #[cold]
    fn spill(self, rec: Rec) -> Arg {
        if let Some(memory) = self.head().spilled() {
            return memory;
        }
        let shape = (self.facts.shape)();
        let memory = super::call::new_local(rec, shape);
        let place = spilled_place::<u8>(memory);
        // SAFETY: the memory is as large as the value.
        unsafe { place.untyped().write(rec, self.bytes(), self.head().lanes(), &shape.words()) };
        self.head().set_spilled(rec, memory);
        memory
    }

    fn spilled(self) -> Option<Arg> {
        self.head().spilled()
    }

    /// Drops a part of the local, which is overwritten next.
    pub(crate) fn drop_part<T>(self, rec: Rec, part: *mut T) {
        drop(self.take_part(rec, part));
    }

    /// A part of the local, which nobody uses any more.
    pub(crate) fn take_part<T>(self, rec: Rec, part: *mut T) -> Traced<T> {
        // SAFETY: the plain function drops the value here, and does not use it any more.
        let value = unsafe { part.cast::<MaybeUninit<T>>().read() };
        let lanes = match rec.is_live() {
            true => Lanes::CONST,
            false => self.slice(rec, part.cast(), size_of::<T>()),
        };
        Traced::new(value, lanes)
    }

    /// The local owns something.
    pub(crate) fn owns(self) -> bool {
        self.facts.owns
    }

    fn bytes(self) -> Bytes {
        Bytes::new(self.start(), self.facts.len)
    }

    pub(crate) fn offset_of<T: ?Sized>(self, part: *mut T) -> u32 {
        part.cast::<u8>().addr().wrapping_sub(self.start().addr()) as u32
    }

    /// The local's pieces that lie in a part of it.
    fn slice(self, rec: Rec, part: *mut u8, size: usize) -> Lanes {
        slice(rec, self.bytes(), self.head().lanes(), self.offset_of(part), size as u32)
    }

    /// Notes that a part of the local has these pieces now. Its bytes are still the old ones.
    fn replace(self, rec: Rec, part: *mut u8, len: u32, pieces: Lanes) {
        let (offset, head) = (self.offset_of(part), self.head());
        head.set_variant_known(false);
        head.set_lanes(match offset == 0 && len == self.facts.len {
            true => pieces,
            false => replace(rec, self.bytes(), head.lanes(), offset, len, pieces),
        });
    }

    /// The whole local, as words to hand to a call that may change it.
    pub(crate) fn push_args(self, rec: Rec, layout: &[PieceTy], out: &mut Args) {
        push_args_of(rec, self.bytes(), self.head().lanes(), layout, out);
    }

    /// One scalar of it.
    fn piece(self, rec: Rec, offset: u32, ty: Ty) -> Arg {
        extract(rec, self.bytes(), self.head().lanes(), offset, ty)
    }

    /// Takes what a call has made of the local: bytes and lanes in a layout.
    pub(crate) fn set(self, rec: Rec, layout: &[PieceTy], args: &[Arg]) {
        for (piece, arg) in layout.iter().zip(args) {
            let n = piece.ty.bytes().min(self.facts.len - piece.offset) as usize;
            // SAFETY: the piece lies within the local.
            unsafe { write_bits(self.start().add(piece.offset as usize), arg.bits, n) };
        }
        self.head().set_variant_known(false);
        self.head().set_lanes(super::value::lanes_of_args(rec, layout, args));
    }

    pub(crate) fn len(self) -> usize {
        self.facts.len as usize
    }
}

/// Types that can be pointed to: sized types, slices, `str`.
pub trait Pointee {
    /// A pointer to it is two words.
    const FAT: bool;
    /// A residual method may be handed a local of this type by value.
    const BY_VALUE: bool = false;
    /// How a `Box` of it is dropped in a trace, if that is more than a call.
    const DROP_BOX: Option<fn(Rec, Place<Box<Self>>)> = None;
    /// Address and length.
    fn split(ptr: *const Self) -> (*const u8, usize);
    /// The inverse.
    fn join(address: *const u8, meta: usize) -> *const Self;
}

impl<T> Pointee for T {
    const FAT: bool = false;
    const BY_VALUE: bool = size_of::<T>() <= super::call::LOCAL_BYTES && align_of::<T>() <= 16;
    const DROP_BOX: Option<fn(Rec, Place<Box<T>>)> = Some(super::owned::drop_box::<T>);
    fn split(ptr: *const T) -> (*const u8, usize) {
        (ptr.cast(), 0)
    }
    fn join(address: *const u8, _: usize) -> *const T {
        address.cast()
    }
}

impl<T> Pointee for [T] {
    const FAT: bool = true;
    fn split(ptr: *const [T]) -> (*const u8, usize) {
        (ptr.cast(), ptr.len())
    }
    fn join(address: *const u8, meta: usize) -> *const [T] {
        std::ptr::slice_from_raw_parts(address.cast(), meta)
    }
}

impl Pointee for str {
    const FAT: bool = true;
    fn split(ptr: *const str) -> (*const u8, usize) {
        (ptr.cast(), (ptr as *const [u8]).len())
    }
    fn join(address: *const u8, meta: usize) -> *const str {
        std::ptr::slice_from_raw_parts(address, meta) as *const str
    }
}

/// Where a value is.
#[repr(C)]
pub struct Place<T: ?Sized> {
    // These two first: they are an `Untyped`.
    addr: Addr,
    pub(crate) ptr: *mut T,
    /// The layout of the value, if generated code has found that it has one.
    known: Option<&'static KnownLayout>,
    /// What happens to the owner of the value when the value is moved out.
    part: Part,
    /// It is a local as a whole.
    whole: bool,
}

/// The layout of a value, and where the discriminant is, if it is an `Option` or `Result` with a layout.
struct KnownLayout {
    pieces: &'static [PieceTy],
    tag: fn() -> Option<Tag>,
}

/// A place as a part of what owns it.
#[derive(Clone, Copy)]
enum Part {
    /// Nothing is moved out of here, or it is a local as a whole.
    None,
    /// A part of a local that somebody knows how to drop the rest of.
    Known { owner: *const Head, bit: u32, rest: RestDropper },
    /// A part of a local, the rest of which is leaked.
    Leaks(*const Head),
    /// A red in the plain function's memory, or a part of it.
    Red,
}

impl Part {
    /// A part of a part.
    fn inner(self) -> Part {
        match self {
            Part::Known { owner, .. } => Part::Leaks(owner),
            other => other,
        }
    }
}

impl<T: ?Sized> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Place<T> {}

impl<T: ?Sized + Pointee> Place<T> {
    pub(crate) fn memory(ptr: *mut T, base_lane: Lane, meta_lane: Lane, frozen: bool) -> Place<T> {
        let (address, _) = T::split(ptr);
        let base = address.expose_provenance() as u64;
        Place::at(ptr, Addr::new(base, base_lane, meta_lane, frozen))
    }

    /// A constant or an immutable static: its memory never changes.
    pub fn of_static(place: &'static T) -> Place<T> {
        Place::memory(std::ptr::from_ref(place).cast_mut(), Lane::CONST, Lane::CONST, true)
    }

    /// `&place`.
    pub fn shared<'a>(self, rec: Rec) -> Traced<&'a T> {
        self.pointer(rec)
    }

    /// `&mut place`.
    pub fn exclusive<'a>(self, rec: Rec) -> Traced<&'a mut T> {
        self.pointer(rec)
    }

    /// `&raw const place`.
    pub fn raw_const(self, rec: Rec) -> Traced<*const T> {
        self.pointer(rec)
    }

    /// `&raw mut place`.
    pub fn raw_mut(self, rec: Rec) -> Traced<*mut T> {
        self.pointer(rec)
    }

    /// References and raw pointers.
    #[inline(never)]
    fn pointer<P>(self, rec: Rec) -> Traced<P> {
        let this = self.settled();
        Traced::new(pointer_bits(this.ptr), this.untyped().pointer_lanes(rec, T::FAT))
    }

    pub(crate) fn shadow(&self) -> Option<Shadow> {
        self.addr.shadow
    }

    /// The place, in memory if its local has been spilled.
    #[inline]
    pub(crate) fn settled(self) -> Place<T> {
        if self.addr.is_spilled() { self.settled_in_memory() } else { self }
    }

    #[cold]
    #[inline(never)]
    fn settled_in_memory(self) -> Place<T> {
        let (_, meta) = T::split(self.ptr);
        let Untyped { ptr, addr } = self.untyped().moved_to().expect("it has been spilled");
        Place { ptr: T::join(ptr, meta).cast_mut(), addr, whole: false, ..self }
    }

    /// The place in memory: spills the local that it is in.
    pub(crate) fn in_memory(self, rec: Rec) -> Place<T> {
        if let Some(shadow) = self.addr.shadow
            && !rec.is_live()
        {
            let arena = rec.arena();
            arena.n_local_addresses.set(arena.n_local_addresses.get() + 1);
            shadow.spill(rec);
        }
        self.settled()
    }

    /// What the trace knows of a pointer to here.
    pub(crate) fn lanes_of_pointer(&self, rec: Rec) -> Lanes {
        self.untyped().pointer_lanes(rec, false)
    }

    /// Appends the machine arguments of a pointer to this place.
    pub(crate) fn push_pointer(self, rec: Rec, out: &mut Args) {
        self.ptr.expose_provenance();
        let pointer = self.shared(rec);
        out.extend(pointer.args(rec));
    }
}

/// Address and what is known of it, of what lies at an offset of a local that has been spilled.
fn settle(shadow: Shadow, memory: Arg, offset: u32, addr: Addr) -> (*const u8, Addr) {
    debug_assert!(offset <= shadow.facts.len, "a part of the local");
    let base = memory.bits;
    let address = std::ptr::with_exposed_provenance::<u8>(base as usize + offset as usize);
    let settled =
        Addr { offset: offset as i32, ..Addr::new(base, memory.lane, addr.meta_lane, false) };
    (address, settled)
}

/// The place of what has been allocated in so many bytes.
pub(crate) fn boxed_place<T>(memory: Arg, bytes: usize) -> Place<T> {
    spilled_place::<T>(memory).boxed(Some(bytes))
}

/// Copies what is in a local that has been spilled to `out`, and answers what the trace knows of it.
///
/// # Safety
/// There is a value of that type, and room for it.
#[cold]
pub(crate) unsafe fn read_spilled(memory: Arg, out: *mut u8, ty: TypeShape) -> Lanes {
    let place = spilled_place::<u8>(memory);
    // SAFETY: the caller vouches for it. Nothing of unknown layout is green.
    unsafe { place.untyped().read(Rec::current(), &ty.words(), out, ty.size, typeid::of::<()>) }
}

/// The place of a local that has been spilled.
pub(crate) fn spilled_place<T>(memory: Arg) -> Place<T> {
    let ptr = std::ptr::with_exposed_provenance_mut(memory.bits as usize);
    Place::memory(ptr, memory.lane, Lane::CONST, false)
}

impl<T: ?Sized> Place<T> {
    pub(crate) fn at(ptr: *mut T, addr: Addr) -> Place<T> {
        Place { ptr, addr, known: None, part: Part::None, whole: false }
    }

    /// Whether it is not in memory, as far as is known.
    pub(crate) fn is_virtual(&self, rec: Rec) -> bool {
        self.addr.shadow.is_some_and(|shadow| !shadow.head().is_spilled())
            || rec.is_fresh(self.addr.base_lane)
    }

    pub(crate) fn addr(&self) -> Addr {
        self.addr
    }

    /// It is what a `Box` or `Rc` owns, in so many bytes, if that is known.
    pub(crate) fn boxed(mut self, bytes: Option<usize>) -> Place<T> {
        if self.addr.class == Class::ANY && !self.addr.frozen {
            self.addr.class = Class::boxed(bytes);
        }
        self
    }

    /// The layout, if it is known.
    pub(crate) fn layout(&self) -> Option<&'static [PieceTy]> {
        self.known.map(|known| known.pieces)
    }

    /// Whether the way that the twin has taken says which variant is here.
    pub(crate) fn variant_is_known(self) -> bool {
        self.whole && self.addr.shadow.is_some_and(|shadow| shadow.head().variant_is_known())
    }

    /// A local of the twin does not own its value any more.
    pub(crate) fn disown(self)
    where
        T: Sized,
    {
        self.move_out(Rec::current());
    }

    /// The same address under another type, at a known distance.
    #[inline(never)]
    pub(crate) fn part<U>(self, rec: Rec, bytes: isize) -> Place<U> {
        if const { needs_drop::<U>() } && self.addr.class.is_buffer() && !rec.is_live() {
            rec.element_has(size_of::<U>(), false);
        }
        let Untyped { ptr, addr } = self.untyped().part(rec, bytes);
        Place { part: self.part.inner(), ..Place::at(ptr.cast(), addr) }
    }

    /// The receiver, for finding a method on it. The method found looks at the type only.
    pub fn probe<'x>(&self) -> &'x T {
        // SAFETY: a place is made of a value that is there, and the reference is gone before the twin
        // that it leads to touches anything.
        unsafe { &*self.ptr }
    }

    /// Memory here may change although it is reached through a shared reference.
    pub(crate) fn thawed(mut self) -> Place<T> {
        self.addr.frozen = false;
        self.addr.contents = Contents::Unknown;
        self
    }

    /// The place of a field. `project` is the author's own field access; only the distance counts.
    pub fn field<U>(self, rec: Rec, project: impl FnOnce(&T) -> *const U) -> Place<U> {
        let part = project(self.probe());
        let whole = Whole { size: size_of_val(self.probe()), owns: const { needs_drop::<T>() } };
        match self.untyped().field(rec, whole, part.cast(), size_of::<U>()) {
            Some(Untyped { ptr, addr }) => {
                Place { part: self.part.inner(), ..Place::at(ptr.cast(), addr) }
            }
            None => {
                let base = part.expose_provenance() as u64;
                Place::at(part.cast_mut(), Addr::new(base, Lane::CONST, Lane::CONST, false))
            }
        }
    }

    #[inline]
    fn untyped(&self) -> &Untyped {
        // SAFETY: a place begins like this, also if its pointer is fat: then the address comes first.
        unsafe { &*std::ptr::from_ref(self).cast::<Untyped>() }
    }
}

impl<T> Place<T> {
    /// Reads, in a layout. A value that owns something is moved out.
    #[inline(never)]
    pub(crate) fn read_as(self, rec: Rec, layout: &[PieceTy]) -> Traced<T> {
        if const { needs_drop::<T>() } {
            self.is_accessed_as_a_whole(rec);
        }
        // Where it is in the end, as for `Traced::copied`.
        let mut read = Traced::new(MaybeUninit::<T>::uninit(), Lanes::CONST);
        read.disown();
        let (size, id) = (size_of::<T>(), typeid::of::<T>);
        // SAFETY: the value has so many bytes, and the plain function reads them here too, perhaps with
        // `read_unaligned`.
        let lanes =
            unsafe { self.untyped().read(rec, layout, read.value.as_mut_ptr().cast(), size, id) };
        read.head.set_lanes(lanes);
        read.reown();
        read
    }

    /// All parts of a value that owns something are looked at or changed.
    fn is_accessed_as_a_whole(self, rec: Rec) {
        if self.addr.class.is_buffer() && !rec.is_live() {
            rec.element_has(size_of::<T>(), true);
        }
    }

    /// What the pointer here points to.
    #[inline(never)]
    pub(crate) fn pointee<U: ?Sized + Pointee>(self, rec: Rec) -> Place<U>
    where
        T: Traceable,
    {
        const { assert!(size_of::<*mut U>() == size_of::<T>()) };
        let mut pointer = MaybeUninit::<*mut U>::uninit();
        let (out, id) = (pointer.as_mut_ptr().cast(), typeid::of::<T>);
        // SAFETY: the plain function reads the pointer here too, which is as large.
        let addr = unsafe { self.untyped().pointee(rec, T::LAYOUT, out, id) };
        // SAFETY: it has just been read.
        Place::at(unsafe { pointer.assume_init() }, addr).settled()
    }

    /// Where the discriminant of an `Option` or `Result` is, if that is known.
    pub(crate) fn tag(&self) -> Option<Tag> {
        (self.known?.tag)()
    }

    /// The value, moved out if it owns something; in the layout that the place was found to have, or in
    /// words.
    pub(crate) fn take_any(self, rec: Rec) -> Traced<T> {
        self.move_out_owned(rec);
        self.read_any(rec)
    }

    fn move_out_owned(self, rec: Rec) {
        if const { needs_drop::<T>() } {
            self.move_out(rec);
        }
    }

    /// Notes that the value is moved out of the local that it is in.
    fn move_out(self, rec: Rec) {
        let (at, len) = (self.settled().ptr.addr(), size_of::<T>());
        match (self.part, self.addr.shadow) {
            (Part::Known { owner, bit, rest, .. }, _) => {
                rec.arena().part_out(Parted { owner: owner.addr(), at, len, rest, bit });
            }
            // SAFETY: the local outlives its places.
            (Part::Leaks(owner), _) => unsafe { (*owner).set_moved(true) },
            (Part::Red, _) => {
                let rest = |_: Rec, _: *const (), _: u64| ();
                rec.arena().part_out(Parted { owner: Parted::RED, at, len, rest, bit: 0 });
            }
            (Part::None, Some(shadow)) => shadow.head().set_moved(true),
            (Part::None, None) => {}
        }
    }

    /// This is a part of a local, by a path of fields in the author's text, the number `bit` of those
    /// on which `rest` acts: it forgets the parts whose bit is set, and drops the others.
    pub fn part_of<L: PartedLocal, F>(self, local: &L, bit: u32, rest: F) -> Place<T>
    where
        F: Fn(L::Plain, u64) + Copy,
    {
        let _ = rest;
        if const { needs_drop::<T>() } { local.part::<T, F>(self, bit) } else { self }
    }

    /// The same as a later site of the same text.
    pub fn site(mut self, number: usize) -> Place<T> {
        if let Part::Known { bit, .. } = &mut self.part {
            *bit += number as u32;
        }
        self
    }

    fn part_of_traced<L, F: Fn(L, u64) + Copy>(self, local: &Traced<L>, bit: u32) -> Place<T> {
        let rest = super::call::drop_rest::<L, F> as RestDropper;
        Place { part: Part::Known { owner: &raw const local.head, bit, rest }, ..self }
    }

    /// Where a word of the value is a reference to a local of the twin: it is not null, and that needs
    /// no address.
    pub(crate) fn refers_to_local(self, rec: Rec, offset: u32) -> Option<Const> {
        self.untyped().refers_to_local(rec, offset)
    }

    /// Reads one scalar of the value.
    pub(crate) fn piece(self, rec: Rec, piece: PieceTy) -> Arg {
        if const { needs_drop::<T>() } {
            self.is_accessed_as_a_whole(rec);
        }
        self.untyped().piece(rec, piece)
    }

    /// Writes, in a layout, without dropping what was there.
    #[inline(never)]
    pub(crate) fn write_as(self, rec: Rec, value: Traced<T>, layout: &[PieceTy]) {
        if const { needs_drop::<T>() && size_of::<T>() >= size_of::<Vec<u8>>() } {
            self.untyped().receives_owned(rec);
        }
        if const { needs_drop::<T>() } {
            self.is_accessed_as_a_whole(rec);
        }
        let value = value.take_whole();
        // SAFETY: the value has so many bytes, and the plain function writes them here too.
        unsafe { self.untyped().write(rec, Bytes::of(&value), value.lanes(), layout) }
    }

    /// Writes where nothing was.
    pub(crate) fn initialize(self, rec: Rec, value: Traced<T>) {
        self.write_as(rec, value, self.layout().unwrap_or(&words::<T>()));
    }

    /// Reads in the layout that the place was found to have, or in words.
    #[inline(never)]
    pub fn read_any(self, rec: Rec) -> Traced<T> {
        match self.layout() {
            Some(layout) => self.read_as(rec, layout),
            None => self.read_as(rec, &words::<T>()),
        }
    }

    /// Assigns, in words.
    pub(crate) fn write_any(self, rec: Rec, value: Traced<T>) {
        self.assign(rec, value, self.layout().unwrap_or(&words::<T>()), None);
    }

    fn assign(
        self,
        rec: Rec,
        value: Traced<T>,
        layout: &[PieceTy],
        dropper: Option<fn(Rec, *const ())>,
    ) {
        let this = self.settled();
        if const { !needs_drop::<T>() } {
            return this.write_as(rec, value, layout);
        }
        this.assign_owned(rec, value, layout, dropper)
    }

    fn assign_owned(
        self,
        rec: Rec,
        value: Traced<T>,
        layout: &[PieceTy],
        dropper: Option<fn(Rec, *const ())>,
    ) {
        let this = self;
        if rec.arena().reinitialize(this.ptr.addr(), size_of::<T>()) {
            return this.write_as(rec, value, layout);
        }
        if let Some(dropper) = dropper {
            let old = this.read_as(rec, layout);
            old.set_dropper(dropper);
            let write = WriteAtEnd { rec, place: this, value, layout };
            drop(old);
            return drop(write);
        }
        // A drop that panics does not keep the value from its place, and the place must not be
        // dropped again.
        let write = WriteAtEnd { rec, place: this, value, layout };
        super::owned::drop_contents(rec, this);
        drop(write);
    }
}

/// What is to be known of a value to find a part of it.
#[derive(Clone, Copy)]
struct Whole {
    size: usize,
    owns: bool,
}

/// A place of which the type does not matter: what is here is compiled once, not for each type of an
/// author's crate.
#[derive(Clone, Copy)]
#[repr(C)]
struct Untyped {
    addr: Addr,
    ptr: *mut u8,
}

const _: () = {
    assert!(offset_of!(Place<u64>, ptr) == offset_of!(Untyped, ptr));
    assert!(offset_of!(Place<[u64]>, ptr) == offset_of!(Untyped, ptr));
    assert!(offset_of!(Place<[u64]>, addr) == 0 && offset_of!(Untyped, addr) == 0);
};

impl Untyped {
    /// The place in memory, if it is in a local that has been spilled.
    #[inline]
    fn moved_to(&self) -> Option<Untyped> {
        if self.addr.is_spilled() { self.in_spilled() } else { None }
    }

    #[cold]
    fn in_spilled(&self) -> Option<Untyped> {
        let shadow = self.addr.shadow?;
        let offset = shadow.offset_of(self.ptr);
        let (address, addr) = settle(shadow, shadow.spilled()?, offset, self.addr);
        Some(Untyped { ptr: address.cast_mut(), addr })
    }

    /// Copies the bytes to `out`, and answers what the trace knows of them.
    ///
    /// # Safety
    /// `size` bytes can be read here, are those of a value of the type with this layout and identity, and can
    /// be written there.
    unsafe fn read(
        &self,
        rec: Rec,
        layout: &[PieceTy],
        out: *mut u8,
        size: usize,
        id: fn() -> TypeId,
    ) -> Lanes {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        if let Some(shadow) = this.addr.shadow {
            // SAFETY: the caller vouches for the bytes.
            return unsafe { this.read_local(rec, shadow, out, size) };
        }
        if rec.is_live() {
            // SAFETY: the caller vouches for the bytes.
            unsafe { std::ptr::copy_nonoverlapping(this.ptr, out, size) };
            return Lanes::CONST;
        }
        if let &[piece @ PieceTy { offset: 0, ty, keeps_frozen: false }] = layout
            && ty.bytes() as usize == size
        {
            let arg = this.load_piece(rec, &piece);
            // SAFETY: the caller vouches for the bytes.
            unsafe { write_bits(out, arg.bits, size) };
            return Lanes::scalar(ty, arg.lane);
        }
        // SAFETY: the caller vouches for the bytes.
        unsafe { std::ptr::write_bytes(out, 0, size) };
        let mut loaded: SmallVec<[Arg; 4]> = SmallVec::new();
        for piece in layout {
            let arg = this.load_piece(rec, piece);
            let n = (piece.ty.bytes() as usize).min(size - piece.offset as usize);
            // SAFETY: the piece lies within the value.
            unsafe { write_bits(out.add(piece.offset as usize), arg.bits, n) };
            loaded.push(arg);
        }
        let may_be_green = layout.first().is_some_and(|piece| piece.keeps_frozen);
        let known_green = may_be_green && rec.is_green(id(), &loaded);
        this.lanes_of_loaded(rec, layout, &loaded, known_green)
    }

    /// The same of what is in a local.
    ///
    /// # Safety
    /// As for `read`.
    unsafe fn read_local(&self, rec: Rec, local: Shadow, out: *mut u8, size: usize) -> Lanes {
        // SAFETY: the caller vouches for the bytes.
        let copy = |n| unsafe { std::ptr::copy_nonoverlapping(self.ptr, out, n) };
        // Sizes that the compiler knows are no calls.
        match size {
            8 => copy(8),
            16 => copy(16),
            _ => copy(size),
        }
        match rec.is_live() {
            true => Lanes::CONST,
            false if local.len() == size => local.head().lanes(),
            false => local.slice(rec, self.ptr, size),
        }
    }

    /// Copies the pointer that is here to `out`, and answers what is known of its address.
    ///
    /// # Safety
    /// As for `read`.
    unsafe fn pointee(
        &self,
        rec: Rec,
        layout: &[PieceTy],
        out: *mut u8,
        id: fn() -> TypeId,
    ) -> Addr {
        let size = 8 * layout.len();
        let local = self.addr.shadow.filter(|shadow| !shadow.head().is_spilled());
        let lanes = match local {
            // SAFETY: the caller vouches for it. A pointer is one word or two.
            None => unsafe { self.read(rec, layout, out, size, id) },
            // SAFETY: likewise.
            Some(shadow) => unsafe { self.read_local(rec, shadow, out, size) },
        };
        addr_of(rec, Bytes::new(out, size as u32), lanes, layout.len() == 2)
    }

    /// Pointer and length of the `Vec` that is here.
    fn vec_parts(&self, rec: Rec) -> [Arg; 2] {
        let [ptr_at, _, len_at] = vec_layout();
        let word = |at, ty| self.part(rec, at).piece(rec, PieceTy::at(0, ty));
        [word(ptr_at, Ty::Ptr), word(len_at, Ty::I64)]
    }

    /// A value is written here that may have a `Vec` in it.
    fn receives_owned(&self, rec: Rec) {
        let in_memory = self.moved_to();
        let Addr { shadow, class, .. } = in_memory.as_ref().unwrap_or(self).addr;
        if shadow.is_none() && (class == Class::ANY || class.is_of_red()) {
            rec.moves_buffer();
        }
    }

    fn lanes_of_loaded(
        &self,
        rec: Rec,
        layout: &[PieceTy],
        loaded: &[Arg],
        known_green: bool,
    ) -> Lanes {
        let mut pieces = Pieces::new();
        for (piece, arg) in layout.iter().zip(loaded) {
            let frozen = piece.keeps_frozen && self.addr.frozen;
            let green =
                piece.keeps_frozen && (self.addr.contents == Contents::Green || known_green);
            if frozen || green {
                let addr = Addr::new(arg.bits, arg.lane, Lane::CONST, frozen);
                let contents = if green { Contents::Green } else { Contents::Unknown };
                let what = What::Address(rec.arena().add_addr(Addr { contents, ..addr }));
                pieces.push(Piece { offset: piece.offset, what });
            } else if !arg.lane.is_const() {
                let what = What::Lane(piece.ty, arg.lane);
                pieces.push(Piece { offset: piece.offset, what });
            }
        }
        Lanes::of(rec, &pieces)
    }

    /// What the trace knows of a pointer to here.
    fn pointer_lanes(&self, rec: Rec, fat: bool) -> Lanes {
        let mut addr = self.addr;
        if let Some(shadow) = addr.shadow {
            addr.base = u64::from(shadow.offset_of(self.ptr));
        }
        addr.lanes(rec, fat)
    }

    /// The place that many bytes further on.
    fn part(&self, rec: Rec, bytes: isize) -> Untyped {
        let mut addr = self.addr;
        let ptr = self.ptr.wrapping_byte_offset(bytes);
        if let Some(shadow) = addr.shadow
            && let Some(memory) = shadow.spilled()
        {
            let (address, addr) = settle(shadow, memory, shadow.offset_of(ptr), addr);
            return Untyped { ptr: address.cast_mut(), addr };
        }
        if addr.shadow.is_none() && !addr.add_offset(bytes) {
            rec.abort(Abort::Refused);
        }
        Untyped { ptr, addr }
    }

    /// The place of a part that was found at an address, of so many bytes.
    fn field(&self, rec: Rec, whole: Whole, part: *const u8, part_size: usize) -> Option<Untyped> {
        let bytes = part.addr().wrapping_sub(self.ptr.addr()) as isize;
        let inside = bytes >= 0 && bytes as usize + part_size <= whole.size;
        if !inside {
            // The access went through a `Deref` that is not known here.
            rec.abort(Abort::UnknownDeref);
            return None;
        }
        let Untyped { ptr, mut addr } = self.part(rec, bytes);
        if addr.shadow.is_none() && !rec.is_live() {
            addr.class = addr.class_of_field(rec, whole, part_size);
        }
        Some(Untyped { ptr, addr })
    }

    fn refers_to_local(&self, rec: Rec, offset: u32) -> Option<Const> {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        let shadow = this.addr.shadow.filter(|_| !rec.is_live())?;
        let at = shadow.offset_of(this.ptr) + offset;
        let pieces = shadow.head().lanes().pieces(rec);
        let piece = pieces.iter().find(|piece| piece.offset == at)?;
        let What::Address(number) = piece.what else { return None };
        rec.arena().addr(number).shadow?;
        Some(Const::new(Ty::I64, shadow.bytes().bits(at, Ty::I64)))
    }

    fn piece(&self, rec: Rec, piece: PieceTy) -> Arg {
        match self.addr.shadow {
            Some(shadow) => {
                let at = shadow.offset_of(self.ptr) + piece.offset;
                match rec.is_live() {
                    true => Arg::constant(piece.ty, shadow.bytes().bits(at, piece.ty)),
                    false => shadow.piece(rec, at, piece.ty),
                }
            }
            None => self.load_piece(rec, &piece),
        }
    }

    fn load_piece(&self, rec: Rec, piece: &PieceTy) -> Arg {
        let (addr, descr, at) = self.at_piece(piece);
        // SAFETY: the plain function reads this place here too, and the piece lies within it.
        let read = || unsafe { read_bits(at, piece.ty.bytes() as usize) };
        let (bits, lane) = rec.load(addr.base(), addr.index(), &descr, addr.is_constant(), read);
        Arg::new(lane, piece.ty, bits)
    }

    /// How a piece is accessed, and where.
    fn at_piece(&self, piece: &PieceTy) -> (&Addr, MemDescr, *mut u8) {
        let mut descr = self.addr.descr(piece.ty);
        let offset = i64::from(descr.offset) + i64::from(piece.offset);
        descr.offset = i32::try_from(offset).expect("offset in range");
        (&self.addr, descr, self.ptr.wrapping_add(piece.offset as usize))
    }

    /// Writes these bytes, of which the trace knows these lanes.
    ///
    /// # Safety
    /// So many bytes can be written here, and the pieces of the layout lie within them.
    unsafe fn write(&self, rec: Rec, bytes: Bytes, lanes: Lanes, layout: &[PieceTy]) {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        if rec.is_live() || this.addr.shadow.is_some() {
            if let Some(shadow) = this.addr.shadow
                && !rec.is_live()
            {
                shadow.replace(rec, this.ptr, bytes.len(), lanes);
            }
            // SAFETY: the caller vouches for the place.
            return unsafe { bytes.copy_to(this.ptr) };
        }
        lanes.with(rec, |pieces| {
            for piece in layout {
                let arg = extract_of(rec, bytes, pieces, piece.offset, piece.ty);
                let (addr, descr, at) = this.at_piece(piece);
                let n = piece.ty.bytes() as usize;
                // SAFETY: the caller vouches for the place.
                let write = || unsafe { write_bits(at, arg.bits, n) };
                rec.store(addr.base(), addr.index(), arg, &descr, write);
            }
        });
    }
}

struct WriteAtEnd<'a, T> {
    rec: Rec,
    place: Place<T>,
    value: Traced<T>,
    layout: &'a [PieceTy],
}

impl<T> Drop for WriteAtEnd<'_, T> {
    fn drop(&mut self) {
        self.place.write_as(self.rec, self.value.take(), self.layout);
    }
}

impl<T: Traceable> Place<T> {
    /// Reads. The value is still owned by the place.
    pub fn read(self, rec: Rec) -> Traced<T> {
        self.read_as(rec, T::LAYOUT)
    }

    /// Reads: a copy, or the value itself if it owns something, which is then moved out.
    pub fn take(self, rec: Rec) -> Traced<T> {
        self.move_out_owned(rec);
        let value = self.read_as(rec, T::LAYOUT);
        if let Some(dropper) = const { T::DROPPER } {
            value.set_dropper(dropper);
        }
        value
    }

    /// Assigns: drops what was there, and writes.
    pub fn write(self, rec: Rec, value: Traced<T>) {
        self.assign(rec, value, T::LAYOUT, T::DROPPER);
    }

    /// The place, with its layout.
    pub fn known(self) -> Place<T> {
        let known = const { &KnownLayout { pieces: T::LAYOUT, tag: T::TAG } };
        Place { known: Some(known), ..self }
    }
}

/// Reading and writing values of types without a known layout: found when there is nothing else.
pub trait AnyPlace<T> {
    /// Reads. The value is still owned by the place.
    fn read(self, rec: Rec) -> Traced<T>;
    /// Reads: a copy, or the value itself if it owns something, which is then moved out.
    fn take(self, rec: Rec) -> Traced<T>;
    /// Assigns: drops what was there, and writes.
    fn write(self, rec: Rec, value: Traced<T>);
}

impl<T> AnyPlace<T> for Place<T> {
    fn read(self, rec: Rec) -> Traced<T> {
        self.read_any(rec)
    }

    fn take(self, rec: Rec) -> Traced<T> {
        self.take_any(rec)
    }

    fn write(self, rec: Rec, value: Traced<T>) {
        self.assign(rec, value, &words::<T>(), None);
    }
}

/// The place of a value without a known layout: found when there is nothing else.
pub trait UnknownPlace {
    /// The place as it is.
    fn known(self) -> Self;
}

impl<T: ?Sized> UnknownPlace for Place<T> {
    fn known(self) -> Self {
        self
    }
}

fn pointer_bits<T: ?Sized, P>(ptr: *mut T) -> MaybeUninit<P> {
    assert_eq!(size_of::<*mut T>(), size_of::<P>());
    let mut bits = MaybeUninit::<P>::uninit();
    // SAFETY: `P` is a reference or raw pointer to `T`, which has the representation of `*mut T`
    // (sizes are compared above), and `bits` is as large.
    unsafe { bits.as_mut_ptr().cast::<*mut T>().write(ptr) };
    bits
}

fn pointer_of<T: ?Sized, P>(bits: &MaybeUninit<P>) -> *mut T {
    assert_eq!(size_of::<*mut T>(), size_of::<P>());
    // SAFETY: as in `pointer_bits`, which made the bits, or the author's own reference did.
    unsafe { bits.as_ptr().cast::<*mut T>().read() }
}

// A fat pointer is the address and then the length.
const _: () = {
    let slice: *const [u8] = std::ptr::slice_from_raw_parts(std::ptr::without_provenance(64), 3);
    // SAFETY: a pointer to a slice is two words, here without provenance.
    let words: [usize; 2] = unsafe { std::mem::transmute(slice) };
    assert!(words[0] == 64 && words[1] == 3);
};

macro_rules! pointer {
    ($(<$($lifetime:lifetime)?> $ty:ty, $keeps_frozen:expr, $exclusive:expr, $niche:expr;)*) => {$(
        // SAFETY: the pieces are address and length.
        unsafe impl<$($lifetime,)? T: ?Sized + Pointee> Traceable for $ty {
            const LAYOUT: &'static [PieceTy] = if T::FAT {
                &[PieceTy { offset: 0, ty: Ty::Ptr, keeps_frozen: $keeps_frozen }, PieceTy::at(8, Ty::I64)]
            } else {
                &[PieceTy { offset: 0, ty: Ty::Ptr, keeps_frozen: $keeps_frozen }]
            };
            const EXCLUSIVE: bool = $exclusive;
            const NICHE: Option<Niche> = $niche;
        }

        impl<$($lifetime,)? T: ?Sized + Pointee> Traced<$ty> {
            /// What it points to.
            pub fn place(&self, rec: Rec) -> Place<T> {
                let ptr: *mut T = pointer_of(&self.value);
                Place::at(ptr, addr_of(rec, Bytes::of(self), self.lanes(), T::FAT)).settled()
            }
        }

        impl<$($lifetime,)? T: ?Sized + Pointee> Behind<$ty> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                self.0.pointee(rec)
            }
        }
    )*};
}

pointer! {
    <'a> &'a T, true, false, Some(Niche::non_null(0));
    <'a> &'a mut T, true, true, Some(Niche::non_null(0));
    <> *const T, false, false, None;
    <> *mut T, false, false, None;
}

/// The address that a pointer's bytes are.
#[inline]
fn addr_of(rec: Rec, bytes: Bytes, lanes: Lanes, fat: bool) -> Addr {
    if let Some(number) = lanes.as_address() {
        return Addr { meta_lane: Lane::CONST, ..rec.arena().addr(number) };
    }
    if let Some(lane) = lanes.as_scalar(Ty::Ptr) {
        return Addr::new(bytes.bits(0, Ty::Ptr), lane, Lane::CONST, false);
    }
    addr_of_pieces(rec, bytes, lanes, fat)
}

fn addr_of_pieces(rec: Rec, bytes: Bytes, lanes: Lanes, fat: bool) -> Addr {
    lanes.with(rec, |pieces| {
        let meta = match fat {
            true => extract_of(rec, bytes, pieces, 8, Ty::I64).lane,
            false => Lane::CONST,
        };
        if let Some(Piece { offset: 0, what: What::Address(number) }) = pieces.first() {
            return Addr { meta_lane: meta, ..rec.arena().addr(*number) };
        }
        let base = extract_of(rec, bytes, pieces, 0, Ty::Ptr);
        Addr::new(base.bits, base.lane, meta, false)
    })
}

/// Goes through a reference or `Box` where there is one, as auto-deref does.
pub struct Peel<T: ?Sized>(pub Place<T>);

macro_rules! reference {
    ($($peel:ident $ty:ty;)*) => {$(
        impl<'a, T: ?Sized + Pointee> $peel<$ty> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                self.0.pointee(rec)
            }
        }
    )*};
}

reference! {
    Peel &'a T;
    Peel &'a mut T;
    PeelReference &'a T;
    PeelReference &'a mut T;
}

/// Goes through any pointer, as `*` does.
pub struct Behind<T: ?Sized>(pub Place<T>);

impl<T: ?Sized> PeelAny<T> for Behind<T> {
    fn peel(self, _: Rec) -> Place<T> {
        self.0
    }
}

impl<T> Behind<Box<T>> {
    /// What the box holds.
    pub fn peel(self, rec: Rec) -> Place<T> {
        Peel(self.0).peel(rec)
    }
}

/// Goes through a reference where there is one: for methods that owning pointers have too.
pub struct PeelReference<T: ?Sized>(pub Place<T>);

impl<T: ?Sized> PeelAny<T> for PeelReference<T> {
    fn peel(self, _: Rec) -> Place<T> {
        self.0
    }
}

impl<T> Peel<Box<T>> {
    /// What the box holds.
    pub fn peel(self, rec: Rec) -> Place<T> {
        let content = self.0.pointer_at(rec, 0).boxed(Some(size_of::<T>()));
        let part = match (self.0.part, self.0.addr.shadow) {
            (Part::None, Some(shadow)) if shadow.len() == size_of::<Box<T>>() => {
                // A box that has been moved out of is still given back.
                fn rest<T, F: Fn(Box<T>, u64) + Copy>(_: F) -> RestDropper {
                    super::call::drop_rest::<Box<T>, F>
                }
                let rest = rest::<T, _>(|content: Box<T>, _: u64| std::mem::forget(*content));
                Part::Known { owner: shadow.head, bit: 0, rest }
            }
            (Part::None, Some(shadow)) => Part::Leaks(shadow.head),
            (part, _) => part.inner(),
        };
        Place { part, ..content }
    }
}

/// Locals of the twin of which parts can be moved out.
pub trait PartedLocal {
    /// Type of the plain local.
    type Plain;
    /// A part of it, as [`Place::part_of`] says.
    fn part<T, F: Fn(Self::Plain, u64) + Copy>(&self, part: Place<T>, bit: u32) -> Place<T>;
}

impl<L> PartedLocal for Traced<L> {
    type Plain = L;
    fn part<T, F: Fn(L, u64) + Copy>(&self, part: Place<T>, bit: u32) -> Place<T> {
        part.part_of_traced::<L, F>(self, bit)
    }
}

impl<L> PartedLocal for Memory<L> {
    type Plain = L;
    fn part<T, F: Fn(L, u64) + Copy>(&self, part: Place<T>, _: u32) -> Place<T> {
        Place { part: Part::Red, ..part }
    }
}

/// How values lie behind the counts of an `Rc` or `Arc`: two words, then the value at its alignment.
pub trait Counted: Pointee {
    /// The alignment.
    const ALIGN: usize;
    /// The size, if the type says it.
    const SIZE: Option<usize>;
}

impl<T> Counted for T {
    const ALIGN: usize = align_of::<T>();
    const SIZE: Option<usize> = Some(size_of::<T>());
}

impl<T> Counted for [T] {
    const ALIGN: usize = align_of::<T>();
    const SIZE: Option<usize> = None;
}

impl Counted for str {
    const ALIGN: usize = 1;
    const SIZE: Option<usize> = None;
}

/// The alignment of counts with a value.
pub(super) const fn counted_align<T: ?Sized + Counted>() -> usize {
    if T::ALIGN > align_of::<usize>() { T::ALIGN } else { align_of::<usize>() }
}

/// The bytes of counts with a value, if the type says how many.
pub(super) const fn counted_size<T: ?Sized + Counted>() -> Option<usize> {
    match T::SIZE {
        Some(size) => Some((value_offset::<T>() + size).next_multiple_of(counted_align::<T>())),
        None => None,
    }
}

pub(super) const fn value_offset<T: ?Sized + Counted>() -> usize {
    let counts = 2 * size_of::<usize>();
    if T::ALIGN > counts { T::ALIGN } else { counts }
}

macro_rules! counted {
    ($($pointer:ident)*) => {$(
        impl<T: ?Sized + Counted> Peel<$pointer<T>> {
            /// What it points to: behind the counts.
            pub fn peel(self, rec: Rec) -> Place<T> {
                let pointer: Place<*mut T> = self.0.part(rec, 0);
                let layout = [PieceTy::owned_pointer(0), PieceTy::at(8, Ty::I64)];
                let counts = pointer.read_as(rec, if T::FAT { &layout } else { &layout[..1] });
                let is_green = || rec.is_green(typeid::of::<$pointer<T>>(), &counts.args(rec));
                let is_green = !rec.is_live() && is_green();
                let mut value = counts.place(rec);
                if is_green {
                    value.addr.contents = Contents::Green;
                }
                value.boxed(counted_size::<T>()).behind(value_offset::<T>())
            }
        }

        impl<T: ?Sized + Counted> Behind<$pointer<T>> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                Peel(self.0).peel(rec)
            }
        }
    )*};
}

counted! { Rc Arc }

impl<T: ?Sized> Place<T> {
    /// The place that many bytes behind this one, which is in memory.
    fn behind(mut self, bytes: usize) -> Place<T> {
        assert!(self.addr.shadow.is_none(), "counts are in memory");
        assert!(self.addr.add_offset(bytes as isize), "offset out of range");
        Place { ptr: self.ptr.wrapping_byte_add(bytes), ..self }
    }
}

impl<T> Place<T> {
    /// The place that the pointer at an offset of this value points to.
    pub(crate) fn pointer_at<U>(self, rec: Rec, offset: isize) -> Place<U> {
        let keeps_frozen = PieceTy::owned_pointer(0);
        let pointer: Place<*mut U> = self.part(rec, offset);
        let frozen = self.addr.frozen;
        let read = pointer.read_as(rec, &[keeps_frozen]);
        let place = read.place(rec);
        debug_assert!(!frozen || place.addr.frozen || rec.is_live());
        place
    }
}

/// The fallback of [`Peel`]: what is no reference is left as it is.
pub trait PeelAny<T: ?Sized> {
    /// The place itself.
    fn peel(self, rec: Rec) -> Place<T>;
}

impl<T: ?Sized> PeelAny<T> for Peel<T> {
    fn peel(self, _: Rec) -> Place<T> {
        self.0
    }
}

/// A local of a portal that stays in the plain function's memory: what is not [`Traceable`].
pub struct Memory<T>(Place<T>);

impl<T> Memory<T> {
    pub(crate) fn new(ptr: *mut T, lane: Lane) -> Memory<T> {
        Memory(Place::memory(ptr, lane, Lane::CONST, false))
    }

    pub(crate) fn arg(&self) -> Arg {
        self.0.addr.base()
    }

    pub(crate) fn place(&self) -> Place<T> {
        Place { part: Part::Red, ..self.0 }
    }

    /// What a use of the variable yields: a copy, or the value itself if it owns something.
    pub fn take(&self) -> Traced<T> {
        self.place().take_any(Rec::current())
    }

    /// A copy that owns nothing.
    pub fn peek(&self) -> Traced<T> {
        self.place().read_any(Rec::current()).borrowed()
    }

    pub(crate) fn set_class(&mut self, class: Class) {
        self.0.addr.class = class;
    }
}

/// Says of a reference's lanes that it is the only way to its object. It had those before.
pub(crate) fn set_class<P>(rec: Rec, reference: &mut Traced<P>, class: Class, before: Lanes) {
    let note = |addr: Addr| Addr { class, ..addr };
    note_of(rec, Bytes::of(reference), &reference.head, before, note);
}

/// Notes something of the address that is in a reference. The lanes before are kept if they say so already: a
/// variable is told what it points to at each merge point.
#[inline]
fn note_of(rec: Rec, bytes: Bytes, reference: &Head, before: Lanes, note: impl Fn(Addr) -> Addr) {
    let lanes = reference.lanes();
    if !rec.is_live()
        && let (Some(number), Some(lane)) = (before.as_address(), lanes.as_scalar(Ty::Ptr))
    {
        let noted = note(Addr::new(bytes.bits(0, Ty::Ptr), lane, Lane::CONST, false));
        if rec.arena().ask_addr(number, |addr| *addr == noted) {
            return reference.set_lanes(before);
        }
    }
    let fat = bytes.len() == 16;
    reference.set_lanes(note(addr_of(rec, bytes, lanes, fat)).lanes(rec, fat));
}

/// A reference to memory that never changes while the trace exists.
pub fn frozen<P>(rec: Rec, reference: P) -> Traced<P> {
    let mut reference = Traced::constant(reference);
    set_frozen(rec, &mut reference, Lanes::CONST);
    reference
}

/// Says of a reference that what it points to never changes. It had those lanes before.
pub(crate) fn set_frozen<P>(rec: Rec, reference: &mut Traced<P>, before: Lanes) {
    let note = |addr: Addr| Addr { frozen: true, ..addr };
    note_of(rec, Bytes::of(reference), &reference.head, before, note);
}

/// Assigns to a red.
pub trait SetRed<T> {
    /// Drops what was there, and puts the value there.
    fn set(&mut self, rec: Rec, value: Traced<T>);
}

impl<T> SetRed<T> for Traced<T> {
    fn set(&mut self, _: Rec, value: Traced<T>) {
        self.assign_kept(value);
    }
}

impl<T> SetRed<T> for Memory<T> {
    fn set(&mut self, rec: Rec, value: Traced<T>) {
        self.0.write_any(rec, value);
    }
}

/// A local of the twin that others refer to as well.
pub(crate) fn local_at<'x, L>(local: *const L) -> &'x mut L {
    // SAFETY: generated code gives the address of a local that it names, and uses what this answers
    // at once, to make a place; locals hold cells, and no reference to one is kept.
    unsafe { &mut *local.cast_mut() }
}

/// Locals of the twin, as places.
pub trait Local {
    /// Type of the plain local.
    type Plain: ?Sized;
    /// The place.
    fn as_place(&mut self) -> Place<Self::Plain>;
}

impl<T> Local for Traced<T> {
    type Plain = T;
    fn as_place(&mut self) -> Place<T> {
        if let Some(memory) = self.head.spilled() {
            return spilled_place(memory);
        }
        let mut addr = Addr::new(0, Lane::CONST, Lane::CONST, false);
        addr.shadow = Some(Shadow::of(self));
        let place = Place::at(self.value.as_mut_ptr(), addr);
        Place { whole: true, ..place }
    }
}

impl<T> Local for Memory<T> {
    type Plain = T;
    fn as_place(&mut self) -> Place<T> {
        Place { part: Part::Red, ..self.0 }
    }
}

/// Places that can be indexed with `[i]`.
#[diagnostic::on_unimplemented(
    message = "indexing `{Self}` cannot be traced",
    note = "traced functions index arrays, slices and `Vec`s; put other indexing into a function of its own, which is then called"
)]
pub trait IndexPlace {
    /// What is indexed.
    type Whole: ?Sized;
    /// What is left to do in [`Element`].
    type Indexed: Element;
    /// Starts; panics as an indexing method does. `token` is what an `Index` of one's own would have.
    fn index<K>(
        self,
        rec: Rec,
        index: Traced<usize>,
        token: impl FnOnce(&Self::Whole) -> K,
    ) -> Self::Indexed;
}

/// Places whose type has an `Index` of its own. Found when the place is none of the above.
pub trait OverloadedIndex<T: ?Sized> {
    /// The place that the twin of `Index::index` answers.
    fn index<I, O, K>(self, rec: Rec, index: Traced<I>, token: impl FnOnce(&T) -> K) -> Place<O>
    where
        T: std::ops::Index<I, Output = O>,
        K: IndexTwin<T, I, O>;
}

impl<T: ?Sized + Pointee> OverloadedIndex<T> for &Place<T> {
    #[track_caller]
    fn index<I, O, K>(self, rec: Rec, index: Traced<I>, token: impl FnOnce(&T) -> K) -> Place<O>
    where
        T: std::ops::Index<I, Output = O>,
        K: IndexTwin<T, I, O>,
    {
        token(self.probe()).call_index(rec, *self, index)
    }
}

/// Tokens of `Index::index` that lead to a twin.
#[diagnostic::on_unimplemented(
    message = "indexing `{T}` with `{I}` cannot be traced",
    note = "`#[jit]` on its `impl Index` makes it so, if `IndexMut` answers the same element; or put the indexing into a function of its own, which is then called"
)]
pub trait IndexTwin<T: ?Sized, I, O> {
    /// The place.
    fn call_index(self, rec: Rec, whole: Place<T>, index: Traced<I>) -> Place<O>;
}

impl<'a, T, I, O> IndexTwin<T, I, O>
    for super::Twin<fn(Rec, Traced<&'a T>, Traced<I>) -> Traced<&'a O>>
where
    T: ?Sized + Pointee + std::ops::Index<I, Output = O>,
{
    #[track_caller]
    fn call_index(self, rec: Rec, whole: Place<T>, index: Traced<I>) -> Place<O> {
        static SITE: super::CallSite = super::CallSite {
            name: "index",
            site: "std::ops::Index",
            elidable: false,
            ..super::CallSite::PLAIN
        };
        let args = (whole.shared(rec), index);
        let plain = |whole: &'a T, index: I| &whole[index];
        super::Callee::call(self, rec, &SITE, args, plain).place(rec)
    }
}

/// Collections of std of which `index` finds an element and does nothing else that can be seen, as
/// `index_mut` does where there is one.
pub trait StdIndex {}

impl<K, V, S> StdIndex for std::collections::HashMap<K, V, S> {}
impl<K, V> StdIndex for std::collections::BTreeMap<K, V> {}
impl<T> StdIndex for std::collections::VecDeque<T> {}

impl<T, I, O> IndexTwin<T, I, O> for super::Residual
where
    T: StdIndex + std::ops::Index<I, Output = O>,
{
    fn call_index(self, rec: Rec, whole: Place<T>, index: Traced<I>) -> Place<O> {
        let site = super::CallSite {
            name: "index",
            site: std::any::type_name::<T>(),
            elidable: false,
            ..super::CallSite::PLAIN
        };
        let args = (whole.shared(rec), index);
        let element = |(whole, index): (&T, I)| std::ptr::from_ref(&whole[index]);
        super::residual(rec, &site, args, element).place(rec)
    }
}

/// The second half of indexing, apart because rustc names another place for its panic.
pub trait Element {
    /// The element's type.
    type Item;
    /// The place of the element; panics as built-in indexing does.
    fn element(self, rec: Rec) -> Place<Self::Item>;
}

/// A slice or array and an index that has not been checked.
pub struct Unchecked<T> {
    first: *mut T,
    addr: Addr,
    len: Traced<usize>,
    index: Traced<usize>,
}

impl<T> Element for Unchecked<T> {
    type Item = T;
    #[track_caller]
    fn element(self, rec: Rec) -> Place<T> {
        let Unchecked { first, mut addr, len, index } = self;
        check_bounds(rec, &index, &len);
        match addr.shadow {
            // An array in a local of the twin has no address: which element it is must be known.
            Some(_) => {
                rec.step();
                rec.guard_value(index.arg());
            }
            None => addr.add_index(rec, &index, size_of::<T>()),
        }
        addr.meta_lane = Lane::CONST;
        // SAFETY: the index was checked against the length.
        Place::at(unsafe { first.add(index.get()) }, addr)
    }
}

impl<T> Element for Place<T> {
    type Item = T;
    fn element(self, _: Rec) -> Place<T> {
        self
    }
}

impl<T> IndexPlace for Place<[T]> {
    type Whole = [T];
    type Indexed = Unchecked<T>;
    fn index<K>(
        self,
        _: Rec,
        index: Traced<usize>,
        _: impl FnOnce(&Self::Whole) -> K,
    ) -> Unchecked<T> {
        let this = self.settled();
        Unchecked { first: this.ptr.cast(), addr: this.addr, len: self.len(), index }
    }
}

impl<T, const N: usize> IndexPlace for Place<[T; N]> {
    type Whole = [T; N];
    type Indexed = Unchecked<T>;
    fn index<K>(
        self,
        _: Rec,
        index: Traced<usize>,
        _: impl FnOnce(&Self::Whole) -> K,
    ) -> Unchecked<T> {
        let this = self.settled();
        Unchecked { first: this.ptr.cast(), addr: this.addr, len: Traced::constant(N), index }
    }
}

impl<T> IndexPlace for Place<Vec<T>> {
    type Whole = Vec<T>;
    type Indexed = Place<T>;
    #[track_caller]
    fn index<K>(
        self,
        rec: Rec,
        index: Traced<usize>,
        _: impl FnOnce(&Self::Whole) -> K,
    ) -> Place<T> {
        self.as_slice(rec).index(rec, index, |_| ()).element(rec)
    }
}

impl<T> Place<[T]> {
    /// What a comparison takes that is written without a reference, as in `a[1..] == b[1..]`.
    pub fn read<'a>(self, rec: Rec) -> Traced<&'a [T]> {
        self.shared(rec)
    }

    /// The length.
    pub fn len(self) -> Traced<usize> {
        Traced::scalar(self.ptr.len(), self.addr.meta_lane)
    }
}

impl Place<str> {
    /// What a comparison takes that is written without a reference, as in `*a == *b`.
    pub fn read<'a>(self, rec: Rec) -> Traced<&'a str> {
        self.shared(rec)
    }

    /// The bytes.
    pub(crate) fn str_bytes(self) -> Place<[u8]> {
        Place::at(self.ptr as *mut [u8], self.addr)
    }
}

impl Place<[u8]> {
    /// The string that has these bytes.
    pub(crate) fn as_str(self) -> Place<str> {
        Place::at(self.ptr as *mut str, self.addr)
    }
}

impl<T> Place<[T]> {
    /// The same elements, of which it is known how many they are.
    pub(crate) fn with_len_lane(mut self, lane: Lane) -> Place<[T]> {
        self.addr.meta_lane = lane;
        self
    }

    /// The same elements, all of which have been promoted. They are borrowed, so nobody changes them.
    pub(crate) fn with_promoted_elements(mut self) -> Place<[T]> {
        self.addr.contents = Contents::Promoted;
        self
    }
}

impl Place<String> {
    /// The bytes.
    pub(crate) fn string_bytes(self, rec: Rec) -> Place<[u8]> {
        // A `String` is a `Vec`, and nothing else.
        const _: () = assert!(size_of::<String>() == size_of::<Vec<u8>>());
        self.part::<Vec<u8>>(rec, 0).as_slice(rec)
    }
}

impl<T> Place<Vec<T>> {
    /// The elements.
    pub fn as_slice(self, rec: Rec) -> Place<[T]> {
        let [ptr, len] = self.parts(rec);
        let address = std::ptr::with_exposed_provenance_mut::<T>(ptr.bits as usize);
        let slice = std::ptr::slice_from_raw_parts_mut(address, len.bits as usize);
        let mut slice = Place::memory(slice, ptr.lane, len.lane, self.addr.frozen);
        slice.addr.class = self.addr.class_of_buffer(rec, size_of::<T>());
        slice.addr.contents = self.addr.contents;
        slice
    }

    /// The length.
    pub fn len(self, rec: Rec) -> Traced<usize> {
        let [_, len] = self.parts(rec);
        Traced::scalar(len.bits as usize, len.lane)
    }

    fn parts(self, rec: Rec) -> [Arg; 2] {
        self.untyped().vec_parts(rec)
    }

    /// The capacity.
    pub fn capacity(self, rec: Rec) -> Traced<usize> {
        if size_of::<T>() == 0 {
            return Traced::constant(usize::MAX);
        }
        let [_, capacity_at, _] = vec_layout();
        self.part::<usize>(rec, capacity_at).read(rec)
    }

    /// The address of the buffer.
    pub(crate) fn buffer(self, rec: Rec) -> Arg {
        let [ptr_at, _, _] = vec_layout();
        self.part::<*const T>(rec, ptr_at).read(rec).scalar_arg(rec, Ty::Ptr)
    }

    /// Gives an empty `Vec` without a buffer this one, which has room for so many elements.
    pub(crate) fn set_buffer(self, rec: Rec, address: Arg, capacity: usize) {
        let [ptr_at, capacity_at, _] = vec_layout();
        self.part::<*const T>(rec, ptr_at).initialize(rec, Traced::of_scalar_arg(address));
        self.part::<usize>(rec, capacity_at).initialize(rec, Traced::constant(capacity));
    }

    /// Says how many elements there are. The others are neither read nor dropped any more.
    pub(crate) fn set_len(self, rec: Rec, len: Traced<usize>) {
        let [_, _, len_at] = vec_layout();
        self.part::<usize>(rec, len_at).write(rec, len);
    }

    /// Where an element is or would be: the buffer is as long as the caller knows.
    pub(crate) fn slot(self, rec: Rec, index: &Traced<usize>) -> Place<T> {
        let [ptr_at, _, _] = vec_layout();
        let ptr = self.part::<*const T>(rec, ptr_at).read(rec).scalar_arg(rec, Ty::Ptr);
        let address = std::ptr::with_exposed_provenance_mut::<T>(ptr.bits as usize);
        let mut first = Place::memory(address, ptr.lane, Lane::CONST, self.addr.frozen);
        first.addr.class = self.addr.class_of_buffer(rec, size_of::<T>());
        first.addr.contents = self.addr.contents;
        first.element_at(rec, index)
    }
}

impl<T> Place<T> {
    /// The place so many places behind this one.
    pub(crate) fn element_at(self, rec: Rec, index: &Traced<usize>) -> Place<T> {
        let mut addr = self.addr;
        match addr.shadow {
            Some(_) => {
                rec.step();
                rec.guard_value(index.arg());
            }
            None => addr.add_index(rec, index, size_of::<T>()),
        }
        Place::at(self.ptr.wrapping_add(index.get()), addr)
    }

    /// The place so many places behind or before this one.
    pub(crate) fn at_distance(self, rec: Rec, distance: &Traced<usize>) -> Place<T> {
        let mut place = self.element_at(rec, distance);
        place.addr.compute_index(rec);
        place
    }
}

impl<T> Place<[T]> {
    /// Where an element is whose index the caller has checked.
    pub(crate) fn slot(self, rec: Rec, index: &Traced<usize>) -> Place<T> {
        let this = self.settled();
        let mut addr = this.addr;
        addr.meta_lane = Lane::CONST;
        Place::at(this.ptr.cast::<T>(), addr).element_at(rec, index)
    }

    /// A part of the slice, whose bounds the caller has checked.
    pub(crate) fn range(self, rec: Rec, start: &Traced<usize>, len: &Traced<usize>) -> Place<[T]> {
        let first = self.slot(rec, start);
        let mut addr = first.addr;
        addr.meta_lane = len.lane();
        Place::at(std::ptr::slice_from_raw_parts_mut(first.ptr, len.get()), addr)
    }
}

/// Byte offsets of pointer, capacity and length in a `Vec`, whose layout the language does not fix.
/// Measured on a `Vec` with distinct words; all `Vec`s are laid out alike, since their fields are.
fn vec_layout() -> [isize; 3] {
    use std::sync::OnceLock;
    static LAYOUT: OnceLock<[isize; 3]> = OnceLock::new();
    *LAYOUT.get_or_init(|| {
        const _: () = assert!(size_of::<Vec<u8>>() == 24);
        let mut vec: Vec<u8> = Vec::with_capacity(64);
        vec.extend([1, 2, 3]);
        let (ptr, capacity, len) = (vec.as_ptr().expose_provenance(), vec.capacity(), vec.len());
        // SAFETY: a `Vec` is three words, all initialized; it outlives the read.
        let words = unsafe { std::ptr::from_ref(&vec).cast::<[usize; 3]>().read() };
        let at = |word| words.iter().position(|&w| w == word).expect("a word of the Vec") as isize;
        [at(ptr) * 8, at(capacity) * 8, at(len) * 8]
    })
}

/// The place of an element; panics at the caller's place as built-in indexing does.
#[track_caller]
pub(crate) fn checked<T>(slice: Place<[T]>, rec: Rec, index: Traced<usize>) -> Place<T> {
    check_bounds(rec, &index, &slice.len());
    slice.slot(rec, &index)
}

#[track_caller]
fn check_bounds(rec: Rec, index: &Traced<usize>, len: &Traced<usize>) {
    rec.step();
    let (i, n) = (index.get(), len.get());
    if i >= n {
        panic!("index out of bounds: the len is {n} but the index is {i}");
    }
    if index.lane().is_const() && len.lane().is_const() {
        return;
    }
    let in_bounds = Const::new(Ty::Bool, 1);
    let lane = rec.op(Opcode::UintLt, &[index.arg(), len.arg()], in_bounds);
    rec.guard_bool(Arg::of(lane, in_bounds));
}

/// The plain value of a twin's local, for code that runs untraced.
pub trait ToPlain<'x> {
    /// Its type; locals that stayed in memory are borrowed.
    type Plain;
    /// The value. One that owns something is moved away.
    fn to_plain(&self) -> Self::Plain;
}

impl<T> ToPlain<'_> for Traced<T> {
    type Plain = T;
    fn to_plain(&self) -> T {
        self.take().into_plain()
    }
}

impl<'x, T: 'x> ToPlain<'x> for Memory<T> {
    type Plain = &'x mut T;
    fn to_plain(&self) -> &'x mut T {
        // SAFETY: the local is alive as long as the plain function, which the twin returns to; the
        // twin makes no other reference to it meanwhile.
        unsafe { &mut *self.0.ptr }
    }
}

/// The coercions of call arguments.
pub trait CoerceTo<T> {
    /// Coerces.
    fn coerce(self, rec: Rec) -> Traced<T>;
}

/// A call's argument, as the callee takes it.
pub fn coerce<A: CoerceTo<T>, T>(rec: Rec, arg: A) -> Traced<T> {
    arg.coerce(rec)
}

impl<T> CoerceTo<T> for Traced<T> {
    fn coerce(self, _: Rec) -> Traced<T> {
        self
    }
}

impl<'b, T: ?Sized + Pointee> CoerceTo<&'b T> for Traced<&mut T> {
    fn coerce(self, rec: Rec) -> Traced<&'b T> {
        self.place(rec).shared(rec)
    }
}

impl<'b, T: ?Sized + Pointee> CoerceTo<&'b T> for Traced<&&T> {
    fn coerce(self, rec: Rec) -> Traced<&'b T> {
        Peel(self.place(rec)).peel(rec).shared(rec)
    }
}

macro_rules! deref_of {
    ($($pointer:ident;)*) => {$(
        impl<'b, T: ?Sized + Counted> CoerceTo<&'b T> for Traced<&$pointer<T>> {
            fn coerce(self, rec: Rec) -> Traced<&'b T> {
                Peel(self.place(rec)).peel(rec).shared(rec)
            }
        }
    )*};
}

deref_of! { Rc; Arc; }

impl<'b, T> CoerceTo<&'b T> for Traced<&Box<T>> {
    fn coerce(self, rec: Rec) -> Traced<&'b T> {
        Peel(self.place(rec)).peel(rec).shared(rec)
    }
}

impl<'b, T> CoerceTo<&'b mut T> for Traced<&mut Box<T>> {
    fn coerce(self, rec: Rec) -> Traced<&'b mut T> {
        Peel(self.place(rec)).peel(rec).exclusive(rec)
    }
}

macro_rules! unsize {
    ($($from:ty, $to:ty, $place:ident, $rec:ident => $slice:expr, $borrow:ident;)*) => {$(
        impl<'b, T, const N: usize> CoerceTo<$to> for Traced<$from> {
            fn coerce(self, $rec: Rec) -> Traced<$to> {
                let $place = self.place($rec);
                $slice.$borrow($rec)
            }
        }
    )*};
}

macro_rules! slice_of_vec {
    ($($from:ty, $to:ty, $borrow:ident;)*) => {$(
        impl<'b, T> CoerceTo<$to> for Traced<$from> {
            fn coerce(self, rec: Rec) -> Traced<$to> {
                self.place(rec).as_slice(rec).$borrow(rec)
            }
        }
    )*};
}

macro_rules! str_of_string {
    ($($from:ty;)*) => {$(
        impl<'b> CoerceTo<&'b str> for Traced<$from> {
            fn coerce(self, rec: Rec) -> Traced<&'b str> {
                self.place(rec).string_bytes(rec).as_str().shared(rec)
            }
        }
    )*};
}

str_of_string! { &String; &mut String; }

unsize! {
    &[T; N], &'b [T], place, rec => place.as_slice(), shared;
    &mut [T; N], &'b [T], place, rec => place.as_slice(), shared;
    &mut [T; N], &'b mut [T], place, rec => place.as_slice(), exclusive;
}

slice_of_vec! {
    &Vec<T>, &'b [T], shared;
    &mut Vec<T>, &'b [T], shared;
    &mut Vec<T>, &'b mut [T], exclusive;
}

impl<T, const N: usize> Place<[T; N]> {
    /// The elements.
    pub(crate) fn as_slice(self) -> Place<[T]> {
        let ptr = std::ptr::slice_from_raw_parts_mut(self.ptr.cast::<T>(), N);
        let mut addr = self.addr;
        addr.meta_lane = Lane::CONST;
        Place::at(ptr, addr)
    }
}
