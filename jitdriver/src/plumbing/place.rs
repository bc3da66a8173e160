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

use super::layout::{Niche, PieceTy, Tag, Traceable, TypeFacts, words};
use super::rec::Rec;
use super::value::{
    Args, Bytes, Erased, Head, Lanes, Parted, Piece, Pieces, RestDropper, Traced, What, copy_bytes,
    extract, extract_of, push_args_of, read_bits, replace, slice, write_bits,
};
use metainterp::abort::Abort;
use metainterp::ir::{Const, MemDescr, Opcode, Ty};
use metainterp::record::{Arg, Lane};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, needs_drop, offset_of};
use std::ops::{Deref, DerefMut};
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

// Twins consist of little else than moving places about.
const _: () = assert!(size_of::<Addr>() <= 56 && size_of::<Place<[u8]>>() <= 48);

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

    /// It is a constant, or that of something in a local, and nothing else is known of it.
    fn is_plain_at(&self, ptr: *mut u8) -> bool {
        self.base_lane.is_const()
            && self.scale == 0
            && self.offset == 0
            && self.meta_lane.is_const()
            && self.class == Class::ANY
            && !self.frozen
            && self.contents == Contents::Unknown
            // Where it is in the local, the pointer says.
            && (self.shadow.is_some() || self.base == ptr.addr() as u64)
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
        self.lanes_at(rec, fat, None)
    }

    /// The same if the arena has this address already, under that number.
    fn lanes_at(self, rec: Rec, fat: bool, number: Option<u32>) -> Lanes {
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
            false => {
                let number = number.unwrap_or_else(|| rec.arena().add_addr(self));
                Some(What::Address(number))
            }
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

    /// What the trace knows of a value that was loaded from here.
    fn lanes_of_loaded(
        &self,
        rec: Rec,
        layout: &[PieceTy],
        loaded: &[Arg],
        known_green: bool,
    ) -> Lanes {
        let mut pieces = Pieces::new();
        for (piece, arg) in layout.iter().zip(loaded) {
            let frozen = piece.keeps_frozen && self.frozen;
            let green = piece.keeps_frozen && (self.contents == Contents::Green || known_green);
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

/// A value of the twin, for code that is the same for all types: what a reference refers to, or a call is given. The
/// value outlives all that names it, as in the plain function.
#[derive(Clone, Copy)]
pub struct Shadow {
    head: *const Head,
    facts: &'static TypeFacts,
}

impl PartialEq for Shadow {
    fn eq(&self, other: &Shadow) -> bool {
        self.head == other.head
    }
}

impl Eq for Shadow {}

impl Shadow {
    /// To look at the value only.
    pub(crate) fn of<T>(value: &Traced<T>) -> Shadow {
        let head = std::ptr::from_ref(value).cast();
        Shadow { head, facts: const { TypeFacts::of::<T>() } }
    }

    /// A value that begins with this head.
    pub(crate) fn with_head(head: *mut Head, facts: &'static TypeFacts) -> Shadow {
        Shadow { head, facts }
    }

    pub(crate) fn of_mut<T>(value: &mut Traced<T>) -> Shadow {
        Shadow { head: std::ptr::from_mut(value).cast(), facts: const { TypeFacts::of::<T>() } }
    }

    pub(crate) fn facts(self) -> &'static TypeFacts {
        self.facts
    }

    pub(crate) fn head<'x>(self) -> &'x Head {
        // SAFETY: a local begins with its head, and is alive.
        unsafe { &*self.head }
    }

    pub(crate) fn start(self) -> *mut u8 {
        // SAFETY: the value lies there, in the local.
        unsafe { self.head.cast_mut().byte_add(self.facts.offset).cast() }
    }

    /// Moves the value into memory of its own, for code that is given its address.
    #[cold]
    fn spill(self, rec: Rec) -> Arg {
        if let Some(memory) = self.head().spilled() {
            return memory;
        }
        let memory = super::call::new_local(rec, self.facts);
        let place = spilled_place::<u8>(memory);
        let layout = self.facts.words();
        // SAFETY: the memory is as large as the value.
        unsafe { place.at.write(rec, self.bytes(), self.head().lanes(), &layout) };
        self.head().set_spilled(rec, memory, self.facts);
        memory
    }

    pub(crate) fn spilled(self) -> Option<Arg> {
        self.head().spilled()
    }

    /// The local owns something.
    pub(crate) fn owns(self) -> bool {
        self.facts.owns()
    }

    /// Somebody else owns the value.
    pub(crate) fn disown(self) {
        self.head().set_moved(true);
    }

    pub(crate) fn lanes(self) -> Lanes {
        self.head().lanes()
    }

    pub(crate) fn bytes(self) -> Bytes {
        Bytes::new(self.start(), self.facts.size as u32)
    }

    /// The place of the value, which is in memory if it has been spilled.
    #[inline(never)]
    pub(super) fn place(self) -> Untyped {
        match self.spilled() {
            Some(memory) => spilled_place::<u8>(memory).at,
            None => Untyped { part: PartNumber::WHOLE, ..self.at() },
        }
    }

    /// The place of all that is in the local.
    pub(crate) fn contents(self) -> Place<()> {
        Place::of(self.at())
    }

    fn at(self) -> Untyped {
        Untyped { shadow: Some(self), ..Untyped::plain(self.start()) }
    }

    /// It is a reference to what never changes, as far as it is known here.
    pub(crate) fn leads_to_frozen(self, rec: Rec) -> bool {
        let first = self.lanes().pieces(rec).first().copied();
        self.facts.name().starts_with('&')
            && first.is_some_and(|piece| match piece.what {
                What::Address(number) => piece.offset == 0 && rec.arena().addr(number).is_frozen(),
                What::Lane(..) => false,
            })
    }

    /// What the trace knows of a part.
    pub(crate) fn lanes_of_part(self, rec: Rec, part: *mut u8, size: usize) -> Lanes {
        match rec.is_live() {
            true => Lanes::CONST,
            false => self.slice(rec, part, size),
        }
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
        head.set_lanes(match offset == 0 && len as usize == self.len() {
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
            let n = (piece.ty.bytes() as usize).min(self.len() - piece.offset as usize);
            // SAFETY: the piece lies within the local.
            unsafe { write_bits(self.start().add(piece.offset as usize), arg.bits, n) };
        }
        self.head().set_variant_known(false);
        self.head().set_lanes(super::value::lanes_of_args(rec, layout, args));
    }

    pub(crate) fn len(self) -> usize {
        self.facts.size
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
#[repr(transparent)]
pub struct Place<T: ?Sized> {
    at: Untyped,
    of: PhantomData<*mut T>,
}

/// A place of which the type does not matter: what is here is compiled once, not for each type of an
/// author's crate.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Untyped {
    ptr: *mut u8,
    /// The other half of a fat pointer, which stands behind it as in the pointer.
    meta: *mut u8,
    /// The local that it is in.
    shadow: Option<Shadow>,
    /// The layout of the value, if generated code has found that it has one.
    known: Option<&'static KnownLayout>,
    /// The number of its address among those of the arena, from 1; 0 for a constant one of which nothing else is
    /// known. Nothing has a number while nothing is recorded or replayed, since a twin that just runs may run long.
    addr: u32,
    part: PartNumber,
}

/// What happens to the owner of a value when the value is moved out.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PartNumber(u32);

impl PartNumber {
    /// Nothing: there is no owner to tell.
    const NONE: PartNumber = PartNumber(0);
    /// It is a local as a whole.
    const WHOLE: PartNumber = PartNumber(1);
    const RED: PartNumber = PartNumber(2);

    fn of(part: Part) -> PartNumber {
        match part {
            Part::None => PartNumber::NONE,
            Part::Red => PartNumber::RED,
            part => PartNumber(Rec::current().arena().part_number(part) + 3),
        }
    }

    fn get(self) -> Part {
        match self {
            PartNumber::NONE | PartNumber::WHOLE => Part::None,
            PartNumber::RED => Part::Red,
            PartNumber(number) => Rec::current().arena().part(number - 3),
        }
    }

    /// That of a part of the value.
    fn inner(self) -> PartNumber {
        match self {
            PartNumber::NONE | PartNumber::WHOLE => PartNumber::NONE,
            PartNumber::RED => self,
            known => PartNumber::of(known.get().inner()),
        }
    }
}

/// The layout of a value, and where the discriminant is, if it is an `Option` or `Result` with a layout.
struct KnownLayout {
    pieces: &'static [PieceTy],
    tag: fn() -> Option<Tag>,
}

/// A place as a part of what owns it.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Nothing is moved out of here, or it is a local as a whole.
    None,
    /// A part of a local that somebody knows how to drop the rest of.
    Known { owner: *const Head, bit: u32, rest: RestDropper },
    /// A part of a local, the rest of which is leaked.
    Leaks(*const Head),
    /// A red in the plain function's memory, or a part of it.
    Red,
}

impl PartialEq for Part {
    fn eq(&self, other: &Part) -> bool {
        match (*self, *other) {
            (Part::None, Part::None) | (Part::Red, Part::Red) => true,
            (Part::Leaks(a), Part::Leaks(b)) => a == b,
            (
                Part::Known { owner: a, bit: a_bit, rest: a_rest },
                Part::Known { owner: b, bit: b_bit, rest: b_rest },
            ) => (a, a_bit) == (b, b_bit) && std::ptr::fn_addr_eq(a_rest, b_rest),
            _ => false,
        }
    }
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
    pub fn shared<'a>(&self, rec: Rec) -> Traced<&'a T> {
        self.pointer(rec)
    }

    /// `&mut place`.
    pub fn exclusive<'a>(&self, rec: Rec) -> Traced<&'a mut T> {
        self.pointer(rec)
    }

    /// `&raw const place`.
    pub fn raw_const(&self, rec: Rec) -> Traced<*const T> {
        self.pointer(rec)
    }

    /// `&raw mut place`.
    pub fn raw_mut(&self, rec: Rec) -> Traced<*mut T> {
        self.pointer(rec)
    }

    /// References and raw pointers.
    #[inline(never)]
    fn pointer<P>(&self, rec: Rec) -> Traced<P> {
        const { assert!(size_of::<*mut T>() == size_of::<P>()) };
        let (words, lanes) = self.at.pointer(rec, T::FAT);
        // SAFETY: `P` is a reference or raw pointer to `T`: the address, and behind it what else there is to it.
        Traced::new(unsafe { words.as_ptr().cast::<MaybeUninit<P>>().read() }, lanes)
    }

    pub(crate) fn shadow(&self) -> Option<Shadow> {
        self.at.shadow
    }

    /// The place, in memory if its local has been spilled.
    #[inline]
    pub(crate) fn settled(&self) -> Place<T> {
        Place::of(self.at.settled())
    }

    /// What the trace knows of a pointer to here.
    pub(crate) fn lanes_of_pointer(&self, rec: Rec) -> Lanes {
        self.at.pointer_lanes(rec, false)
    }
}

/// A place that a call is given a pointer to, for code that is the same for all types.
pub(crate) struct Receiver {
    place: Untyped,
    /// A pointer to it is two words.
    fat: bool,
    size: usize,
}

impl Receiver {
    pub fn of<T: ?Sized + Pointee>(place: Place<T>) -> Receiver {
        Receiver { place: place.at, fat: T::FAT, size: size_of_val(place.probe()) }
    }

    /// It is in memory from here on, if its local has been spilled.
    pub fn settle(&mut self) {
        self.place = self.place.settled();
    }

    pub fn shadow(&self) -> Option<Shadow> {
        self.place.shadow
    }

    pub fn is_frozen(&self) -> bool {
        self.place.addr().is_frozen()
    }

    pub fn offset_in(&self, local: Shadow) -> u32 {
        local.offset_of(self.place.ptr)
    }

    /// Whether there may be a reference in the value, such as one to the value that a method leaves there.
    pub fn may_hold_pointer(&self) -> bool {
        may_hold_pointer(self.place.layout(), self.size)
    }

    /// Appends the machine arguments of a pointer to it. It is in memory then: the local that it is in is spilled.
    pub fn push_pointer(mut self, rec: Rec, out: &mut Args) {
        if let Some(shadow) = self.shadow()
            && !rec.is_live()
        {
            let arena = rec.arena();
            arena.n_local_addresses.set(arena.n_local_addresses.get() + 1);
            shadow.spill(rec);
        }
        self.settle();
        let address = self.place.ptr.expose_provenance() as u64;
        let words = [address, self.place.meta.addr() as u64];
        let layout = [PieceTy::at(0, Ty::Ptr), PieceTy::at(8, Ty::I64)];
        let (n, lanes) = (1 + usize::from(self.fat), self.place.pointer_lanes(rec, self.fat));
        push_args_of(
            rec,
            Bytes::new(words.as_ptr().cast(), 8 * n as u32),
            lanes,
            &layout[..n],
            out,
        );
    }
}

fn may_hold_pointer(layout: Option<&[PieceTy]>, size: usize) -> bool {
    match layout {
        Some(layout) => layout.iter().any(|piece| piece.ty == Ty::Ptr),
        None => size >= 8,
    }
}

/// Address and what is known of it, of what lies at an offset of a local that has been spilled.
fn settle(shadow: Shadow, memory: Arg, offset: u32, addr: Addr) -> (*const u8, Addr) {
    debug_assert!(offset as usize <= shadow.len(), "a part of the local");
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
pub(crate) unsafe fn read_spilled(memory: Arg, out: *mut u8, ty: &TypeFacts) -> Lanes {
    let place = spilled_place::<u8>(memory);
    // SAFETY: the caller vouches for it. Nothing of unknown layout is green.
    unsafe { place.at.read(Rec::current(), &ty.words(), out, ty.size, TypeFacts::of::<()>()) }
}

/// The place of a local that has been spilled.
pub(crate) fn spilled_place<T>(memory: Arg) -> Place<T> {
    let ptr = std::ptr::with_exposed_provenance_mut(memory.bits as usize);
    Place::memory(ptr, memory.lane, Lane::CONST, false)
}

impl<T: ?Sized> Place<T> {
    pub(crate) fn at(ptr: *mut T, addr: Addr) -> Place<T> {
        Place::of(Untyped { meta: meta_of(ptr), ..Untyped::new(ptr.cast(), &addr) })
    }

    #[inline]
    fn of(at: Untyped) -> Place<T> {
        Place { at, of: PhantomData }
    }

    /// The address.
    #[inline]
    pub(crate) fn ptr(&self) -> *mut T {
        const { assert!(size_of::<*mut T>() <= size_of::<[*mut u8; 2]>()) };
        const { assert!(offset_of!(Untyped, meta) == size_of::<*mut u8>()) };
        // SAFETY: a pointer is the address, and behind it what else there is to it.
        unsafe { (&raw const self.at).cast::<*mut T>().read() }
    }

    /// The same without its type.
    #[inline]
    pub(crate) fn erased(&self) -> &Place<()> {
        // SAFETY: they differ in what they are called only.
        unsafe { &*std::ptr::from_ref(self).cast() }
    }

    /// The place of a value of that type, if it is one.
    pub(crate) fn typed<U: ?Sized>(self) -> Place<U> {
        Place::of(self.at)
    }

    /// Whether it is not in memory, as far as is known.
    pub(crate) fn is_virtual(&self, rec: Rec) -> bool {
        self.at.shadow.is_some_and(|shadow| !shadow.head().is_spilled())
            || rec.is_fresh(self.addr().base_lane)
    }

    pub(crate) fn addr(&self) -> Addr {
        self.at.addr()
    }

    /// The same place, with an address that more or less is known of.
    fn with_addr(self, addr: Addr) -> Place<T> {
        Place::of(self.at.with_addr(&addr))
    }

    /// It is what a `Box` or `Rc` owns, in so many bytes, if that is known.
    pub(crate) fn boxed(self, bytes: Option<usize>) -> Place<T> {
        Place::of(self.at.boxed(bytes))
    }

    /// The layout, if it is known.
    pub(crate) fn layout(&self) -> Option<&'static [PieceTy]> {
        self.at.layout()
    }

    /// Whether the way that the twin has taken says which variant is here.
    pub(crate) fn variant_is_known(&self) -> bool {
        self.at.part == PartNumber::WHOLE
            && self.at.shadow.is_some_and(|shadow| shadow.head().variant_is_known())
    }

    /// A local of the twin does not own its value any more.
    pub(crate) fn disown(&self)
    where
        T: Sized,
    {
        self.move_out(Rec::current());
    }

    /// The same address under another type, at a known distance.
    #[inline]
    pub(crate) fn part<U>(&self, rec: Rec, bytes: isize) -> Place<U> {
        let owns = const { if needs_drop::<U>() { size_of::<U>() } else { 0 } };
        Place::of(self.at.inner(rec, bytes, owns))
    }

    /// The receiver, for finding a method on it. The method found looks at the type only.
    pub fn probe<'x>(&self) -> &'x T {
        // SAFETY: a place is made of a value that is there, and the reference is gone before the twin
        // that it leads to touches anything.
        unsafe { &*self.ptr() }
    }

    /// Memory here may change although it is reached through a shared reference.
    pub(crate) fn thawed(self) -> Place<T> {
        self.with_addr(Addr { frozen: false, contents: Contents::Unknown, ..self.addr() })
    }

    /// The place of a field. `project` is the author's own field access; only the distance counts.
    pub fn field<U>(&self, rec: Rec, project: impl FnOnce(&T) -> *const U) -> Place<U> {
        let part = project(self.probe());
        let whole = Whole { size: size_of_val(self.probe()), owns: const { needs_drop::<T>() } };
        Place::of(self.at.field(rec, whole, part.cast(), size_of::<U>()))
    }

    #[inline]
    pub(crate) fn untyped(&self) -> &Untyped {
        &self.at
    }
}

impl Place<()> {
    /// Reads a value of a type, in the layout that the place was found to have, or in words.
    ///
    /// # Safety
    /// It is one of this type, which `out` has room for.
    pub(super) unsafe fn read_erased(
        &self,
        rec: Rec,
        ty: &'static TypeFacts,
        out: Erased,
    ) -> Shadow {
        // SAFETY: the caller vouches for the value.
        unsafe { self.at.read_value(rec, self.layout(), ty, out) }
    }

    /// The same as a place of a type.
    #[inline]
    pub(crate) fn retyped<T>(&self) -> &Place<T> {
        // SAFETY: they differ in what they are called only.
        unsafe { &*std::ptr::from_ref(self).cast() }
    }
}

impl<T> Place<T> {
    /// Whether there may be a reference in the value.
    pub(crate) fn may_hold_pointer(&self) -> bool {
        may_hold_pointer(self.layout(), size_of::<T>())
    }

    /// Reads, in a layout. A value that owns something is moved out.
    pub(crate) fn read_as(&self, rec: Rec, layout: &[PieceTy]) -> Traced<T> {
        self.read_in(rec, Some(layout))
    }

    /// Reads, in a layout or in words.
    #[inline(never)]
    fn read_in(&self, rec: Rec, layout: Option<&[PieceTy]>) -> Traced<T> {
        // SAFETY: it is a value of this type that lies here.
        Traced::of_erased(|out| unsafe {
            self.at.read_value(rec, layout, const { TypeFacts::of::<T>() }, out);
        })
    }

    /// All parts of a value that owns something are looked at or changed.
    fn is_accessed_as_a_whole(&self, rec: Rec) {
        self.at.is_accessed_as_a_whole(rec, size_of::<T>());
    }

    /// What the pointer here points to.
    #[inline(never)]
    pub(crate) fn pointee<U: ?Sized + Pointee>(&self, rec: Rec) -> Place<U>
    where
        T: Traceable,
    {
        const { assert!(size_of::<*mut U>() == size_of::<T>()) };
        // SAFETY: the plain function reads the pointer here too, which is as large as its layout says.
        Place::of(unsafe { self.at.pointee(rec, T::LAYOUT, TypeFacts::of::<T>()) })
    }

    /// Where the discriminant of an `Option` or `Result` is, if that is known.
    pub(crate) fn tag(&self) -> Option<Tag> {
        (self.at.known?.tag)()
    }

    /// The value, moved out if it owns something; in the layout that the place was found to have, or in
    /// words.
    pub(crate) fn take_any(&self, rec: Rec) -> Traced<T> {
        self.move_out_owned(rec);
        self.read_any(rec)
    }

    fn move_out_owned(&self, rec: Rec) {
        if const { needs_drop::<T>() } {
            self.move_out(rec);
        }
    }

    /// Notes that the value is moved out of the local that it is in.
    fn move_out(&self, rec: Rec) {
        let (at, len) = (self.settled().ptr().addr(), size_of::<T>());
        match (self.at.part.get(), self.at.shadow) {
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
        if let Part::Known { owner, bit, rest } = self.at.part.get() {
            let bit = bit + number as u32;
            self.at.part = PartNumber::of(Part::Known { owner, bit, rest });
        }
        self
    }

    /// What happens to the owner of the value when the value is moved out.
    fn with_part(mut self, part: Part) -> Place<T> {
        self.at.part = PartNumber::of(part);
        self
    }

    fn part_of_traced<L, F: Fn(L, u64) + Copy>(self, local: &Traced<L>, bit: u32) -> Place<T> {
        let rest = super::call::drop_rest::<L, F> as RestDropper;
        self.with_part(Part::Known { owner: &raw const local.head, bit, rest })
    }

    /// Where a word of the value is a reference to a local of the twin: it is not null, and that needs
    /// no address.
    pub(crate) fn refers_to_local(&self, rec: Rec, offset: u32) -> Option<Const> {
        self.at.refers_to_local(rec, offset)
    }

    /// Reads one scalar of the value.
    pub(crate) fn piece(&self, rec: Rec, piece: PieceTy) -> Arg {
        if const { needs_drop::<T>() } {
            self.is_accessed_as_a_whole(rec);
        }
        self.at.piece(rec, piece)
    }

    /// Writes, in a layout, without dropping what was there.
    #[inline(never)]
    pub(crate) fn write_as(&self, rec: Rec, value: Traced<T>, layout: &[PieceTy]) {
        if const { needs_drop::<T>() && size_of::<T>() >= size_of::<Vec<u8>>() } {
            self.at.receives_owned(rec);
        }
        if const { needs_drop::<T>() } {
            self.is_accessed_as_a_whole(rec);
        }
        let value = value.take_whole();
        // SAFETY: the value has so many bytes, and the plain function writes them here too.
        unsafe { self.at.write(rec, Bytes::of(&value), value.lanes(), layout) }
    }

    /// Writes where nothing was.
    pub(crate) fn initialize(&self, rec: Rec, value: Traced<T>) {
        self.write_as(rec, value, self.layout().unwrap_or(&words::<T>()));
    }

    /// Reads in the layout that the place was found to have, or in words.
    pub fn read_any(&self, rec: Rec) -> Traced<T> {
        self.read_in(rec, self.layout())
    }

    /// Assigns, in words.
    pub(crate) fn write_any(&self, rec: Rec, value: Traced<T>) {
        self.assign(rec, value, self.layout().unwrap_or(&words::<T>()), None);
    }

    fn assign(
        &self,
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
        &self,
        rec: Rec,
        value: Traced<T>,
        layout: &[PieceTy],
        dropper: Option<fn(Rec, *const ())>,
    ) {
        let this = *self;
        if rec.arena().reinitialize(this.ptr().addr(), size_of::<T>()) {
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

impl Untyped {
    /// A pointer to here, and what the trace knows of it.
    #[inline(never)]
    fn pointer(&self, rec: Rec, fat: bool) -> ([*mut u8; 2], Lanes) {
        let this = self.settled();
        ([this.ptr, this.meta], this.pointer_lanes(rec, fat))
    }

    /// The part that many bytes further on, of a value that nothing is moved out of.
    #[inline]
    pub(crate) fn part_of_value<U>(&self, rec: Rec, bytes: isize) -> Place<U> {
        let owns = const { if needs_drop::<U>() { size_of::<U>() } else { 0 } };
        Place::of(Untyped { part: PartNumber::NONE, ..self.inner(rec, bytes, owns) })
    }

    /// The same of a part of this type.
    pub(super) fn part_of_type(&self, rec: Rec, bytes: isize, ty: &TypeFacts) -> Untyped {
        let owns = if ty.owns() { ty.size } else { 0 };
        Untyped { part: PartNumber::NONE, ..self.inner(rec, bytes, owns) }
    }

    /// With its type.
    #[inline]
    pub(super) fn typed<T>(self) -> Place<T> {
        Place::of(self)
    }

    /// At a constant address.
    #[inline]
    fn plain(ptr: *mut u8) -> Untyped {
        let meta = std::ptr::null_mut();
        Untyped { ptr, meta, shadow: None, known: None, addr: 0, part: PartNumber::NONE }
    }

    #[inline]
    fn new(ptr: *mut u8, addr: &Addr) -> Untyped {
        Untyped::plain(ptr).with_addr(addr)
    }

    fn addr(&self) -> Addr {
        self.ask_addr(|addr| *addr)
    }

    /// Asks something about the address.
    #[inline]
    fn ask_addr<R>(&self, ask: impl FnOnce(&Addr) -> R) -> R {
        match self.addr.checked_sub(1) {
            Some(number) => Rec::current().arena().ask_addr(number, ask),
            None => {
                let base = self.ptr.addr() as u64;
                let plain = Addr::new(base, Lane::CONST, Lane::CONST, false);
                ask(&Addr { shadow: self.shadow, ..plain })
            }
        }
    }

    #[inline]
    fn with_addr(mut self, addr: &Addr) -> Untyped {
        let rec = Rec::current();
        self.shadow = addr.shadow;
        self.addr = match rec.is_live() || addr.is_plain_at(self.ptr) {
            true => 0,
            false => rec.arena().add_addr(*addr) + 1,
        };
        self
    }

    /// See [`Place::boxed`].
    fn boxed(self, bytes: Option<usize>) -> Untyped {
        let addr = self.addr();
        match addr.class == Class::ANY && !addr.frozen {
            true => self.with_addr(&Addr { class: Class::boxed(bytes), ..addr }),
            false => self,
        }
    }

    fn layout(&self) -> Option<&'static [PieceTy]> {
        self.known.map(|known| known.pieces)
    }

    /// The part that many bytes further on, which owns something and has so many bytes, or owns nothing.
    #[inline(never)]
    fn inner(&self, rec: Rec, bytes: isize, owns: usize) -> Untyped {
        if owns > 0 && !rec.is_live() && self.ask_addr(|addr| addr.class.is_buffer()) {
            rec.element_has(owns, false);
        }
        Untyped { part: self.part.inner(), ..self.part(rec, bytes) }
    }

    /// The place, in memory if its local has been spilled.
    #[inline]
    fn settled(&self) -> Untyped {
        self.moved_to().unwrap_or(*self)
    }

    /// All parts of a value that owns something, and has so many bytes, are looked at or changed.
    fn is_accessed_as_a_whole(&self, rec: Rec, size: usize) {
        if !rec.is_live() && self.ask_addr(|addr| addr.class.is_buffer()) {
            rec.element_has(size, true);
        }
    }

    /// Reads the value, in a layout or in words.
    ///
    /// # Safety
    /// It is one of this type, and the plain function reads it here too, perhaps with `read_unaligned`.
    #[inline(never)]
    unsafe fn read_value(
        &self,
        rec: Rec,
        layout: Option<&[PieceTy]>,
        ty: &'static TypeFacts,
        out: Erased,
    ) -> Shadow {
        if ty.owns() {
            self.is_accessed_as_a_whole(rec, ty.size);
        }
        let (value, start) = out.init(Head::new(Lanes::CONST), ty);
        let words;
        let layout = match layout {
            Some(layout) => layout,
            None => {
                words = ty.words();
                &words
            }
        };
        // SAFETY: the caller vouches for the value. Nobody drops it before it has been read.
        let lanes = unsafe { self.read(rec, layout, start, ty.size, ty) };
        value.head().set_lanes(lanes);
        value
    }

    /// The place in memory, if it is in a local that has been spilled.
    #[inline]
    fn moved_to(&self) -> Option<Untyped> {
        match self.shadow {
            Some(shadow) if shadow.head().is_spilled() => self.in_spilled(),
            _ => None,
        }
    }

    #[cold]
    fn in_spilled(&self) -> Option<Untyped> {
        let shadow = self.shadow?;
        let offset = shadow.offset_of(self.ptr);
        let (address, addr) = settle(shadow, shadow.spilled()?, offset, self.addr());
        let part = match self.part {
            PartNumber::WHOLE => PartNumber::NONE,
            part => part,
        };
        Some(Untyped { part, ptr: address.cast_mut(), ..*self }.with_addr(&addr))
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
        ty: &TypeFacts,
    ) -> Lanes {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        if let Some(shadow) = this.shadow {
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
            let arg = this.ask_addr(|addr| this.load_piece(rec, addr, &piece));
            // SAFETY: the caller vouches for the bytes.
            unsafe { write_bits(out, arg.bits, size) };
            return Lanes::scalar(ty, arg.lane);
        }
        // SAFETY: the caller vouches for the bytes.
        unsafe { std::ptr::write_bytes(out, 0, size) };
        let (addr, mut loaded): (Addr, SmallVec<[Arg; 4]>) = (this.addr(), SmallVec::new());
        for piece in layout {
            let arg = this.load_piece(rec, &addr, piece);
            let n = (piece.ty.bytes() as usize).min(size - piece.offset as usize);
            // SAFETY: the piece lies within the value.
            unsafe { write_bits(out.add(piece.offset as usize), arg.bits, n) };
            loaded.push(arg);
        }
        let may_be_green = layout.first().is_some_and(|piece| piece.keeps_frozen);
        let known_green = may_be_green && rec.is_green(ty.id(), &loaded);
        addr.lanes_of_loaded(rec, layout, &loaded, known_green)
    }

    /// The same of what is in a local.
    ///
    /// # Safety
    /// As for `read`.
    unsafe fn read_local(&self, rec: Rec, local: Shadow, out: *mut u8, size: usize) -> Lanes {
        // SAFETY: the caller vouches for the bytes.
        unsafe { copy_bytes(self.ptr, out, size) };
        match rec.is_live() {
            true => Lanes::CONST,
            false if local.len() == size => local.lanes(),
            false => local.slice(rec, self.ptr, size),
        }
    }

    /// Where the pointer that is here points to.
    ///
    /// # Safety
    /// As for `read`.
    #[inline(never)]
    unsafe fn pointee(&self, rec: Rec, layout: &[PieceTy], ty: &TypeFacts) -> Untyped {
        let (size, mut words) = (8 * layout.len(), [0_u64; 2]);
        if let Some(shadow) = self.shadow
            && shadow.len() == size
            && !shadow.head().is_spilled()
        {
            // The pointer is all of a local.
            return pointed_to(rec, shadow.bytes(), shadow.lanes());
        }
        let out = words.as_mut_ptr().cast();
        let local = self.shadow.filter(|shadow| !shadow.head().is_spilled());
        let lanes = match local {
            // SAFETY: the caller vouches for it. A pointer is one word or two.
            None => unsafe { self.read(rec, layout, out, size, ty) },
            // SAFETY: likewise.
            Some(shadow) => unsafe { self.read_local(rec, shadow, out, size) },
        };
        pointed_to(rec, Bytes::new(out, size as u32), lanes)
    }

    /// Pointer and length of the `Vec` that is here.
    fn vec_parts(&self, rec: Rec) -> [Arg; 2] {
        let [ptr_at, _, len_at] = vec_layout();
        let this = self.settled();
        let word = |at: isize, ty| this.piece(rec, PieceTy::at(at as u32, ty));
        [word(ptr_at, Ty::Ptr), word(len_at, Ty::I64)]
    }

    /// What is known of the address of the buffer of the `Vec` that is here, which has elements of so many bytes.
    fn addr_of_buffer(&self, rec: Rec, start: Arg, len: Lane, element: usize) -> Addr {
        let addr = self.addr();
        let class = addr.class_of_buffer(rec, element);
        let buffer = Addr::new(start.bits, start.lane, len, addr.frozen);
        Addr { class, contents: addr.contents, ..buffer }
    }

    /// A value is written here that may have a `Vec` in it.
    fn receives_owned(&self, rec: Rec) {
        let in_memory = self.moved_to();
        let Addr { shadow, class, .. } = in_memory.as_ref().unwrap_or(self).addr();
        if shadow.is_none() && (class == Class::ANY || class.is_of_red()) {
            rec.moves_buffer();
        }
    }

    /// What the trace knows of a pointer to here.
    fn pointer_lanes(&self, rec: Rec, fat: bool) -> Lanes {
        if rec.is_live() {
            return Lanes::CONST;
        }
        let mut addr = self.addr();
        if let Some(shadow) = addr.shadow {
            addr.base = u64::from(shadow.offset_of(self.ptr));
        }
        addr.lanes_at(rec, fat, self.addr.checked_sub(1).filter(|_| addr.shadow.is_none()))
    }

    /// The place that many bytes further on.
    fn part(&self, rec: Rec, bytes: isize) -> Untyped {
        let ptr = self.ptr.wrapping_byte_offset(bytes);
        if let Some(shadow) = self.shadow
            && let Some(memory) = shadow.spilled()
        {
            let (address, addr) = settle(shadow, memory, shadow.offset_of(ptr), self.addr());
            return Untyped::new(address.cast_mut(), &addr);
        }
        if rec.is_live() || bytes == 0 || self.shadow.is_some() {
            let Untyped { shadow, addr, .. } = *self;
            return Untyped { shadow, addr, ..Untyped::plain(ptr) };
        }
        let mut addr = self.addr();
        if !addr.add_offset(bytes) {
            rec.abort(Abort::Refused);
        }
        Untyped::new(ptr, &addr)
    }

    /// The element of this index, which is at that address, and has so many bytes.
    fn element(&self, rec: Rec, index: &Traced<usize>, ptr: *mut u8, size: usize) -> Untyped {
        if let Untyped { shadow: shadow @ Some(_), addr, .. } = *self {
            // An array in a local of the twin has no address: which element it is must be known.
            rec.step();
            rec.guard_value(index.arg());
            return Untyped { shadow, addr, ..Untyped::plain(ptr) };
        }
        if rec.is_live() {
            return Untyped::plain(ptr);
        }
        let mut addr = self.addr();
        addr.add_index(rec, index, size);
        Untyped::new(ptr, &addr)
    }

    /// The place of a part that was found at an address, of so many bytes.
    #[inline(never)]
    fn field(&self, rec: Rec, whole: Whole, part: *const u8, part_size: usize) -> Untyped {
        let bytes = part.addr().wrapping_sub(self.ptr.addr()) as isize;
        let inside = bytes >= 0 && bytes as usize + part_size <= whole.size;
        if !inside {
            // The access went through a `Deref` that is not known here.
            rec.abort(Abort::UnknownDeref);
            let base = part.expose_provenance() as u64;
            let addr = Addr::new(base, Lane::CONST, Lane::CONST, false);
            return Untyped::new(part.cast_mut(), &addr);
        }
        let mut field = self.part(rec, bytes);
        if field.shadow.is_none() && !rec.is_live() {
            let addr = field.addr();
            let class = addr.class_of_field(rec, whole, part_size);
            if class != addr.class {
                field = field.with_addr(&Addr { class, ..addr });
            }
        }
        Untyped { part: self.part.inner(), ..field }
    }

    fn refers_to_local(&self, rec: Rec, offset: u32) -> Option<Const> {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        let shadow = this.shadow.filter(|_| !rec.is_live())?;
        let at = shadow.offset_of(this.ptr) + offset;
        let pieces = shadow.head().lanes().pieces(rec);
        let piece = pieces.iter().find(|piece| piece.offset == at)?;
        let What::Address(number) = piece.what else { return None };
        rec.arena().addr(number).shadow?;
        Some(Const::new(Ty::I64, shadow.bytes().bits(at, Ty::I64)))
    }

    fn piece(&self, rec: Rec, piece: PieceTy) -> Arg {
        match self.shadow {
            Some(shadow) => {
                let at = shadow.offset_of(self.ptr) + piece.offset;
                match rec.is_live() {
                    true => Arg::constant(piece.ty, shadow.bytes().bits(at, piece.ty)),
                    false => shadow.piece(rec, at, piece.ty),
                }
            }
            None => self.ask_addr(|addr| self.load_piece(rec, addr, &piece)),
        }
    }

    fn load_piece(&self, rec: Rec, addr: &Addr, piece: &PieceTy) -> Arg {
        let known = addr.is_constant();
        if known && addr.frozen && !rec.is_logging() {
            // Nothing is recorded, nor is it saved for replays: most of what an interpreter reads is its program.
            let at = self.ptr.wrapping_add(piece.offset as usize);
            // SAFETY: the plain function reads this place here too, and the piece lies within it.
            let bits = unsafe { read_bits(at, piece.ty.bytes() as usize) };
            return Arg::of(Lane::CONST, Const::new(piece.ty, bits));
        }
        let (descr, at) = self.at_piece(addr, piece);
        // SAFETY: as above.
        let read = || unsafe { read_bits(at, piece.ty.bytes() as usize) };
        let (bits, lane) = rec.load(addr.base(), addr.index(), &descr, known, read);
        Arg::new(lane, piece.ty, bits)
    }

    /// How a piece is accessed, and where.
    fn at_piece(&self, addr: &Addr, piece: &PieceTy) -> (MemDescr, *mut u8) {
        let mut descr = addr.descr(piece.ty);
        let offset = i64::from(descr.offset) + i64::from(piece.offset);
        descr.offset = i32::try_from(offset).expect("offset in range");
        (descr, self.ptr.wrapping_add(piece.offset as usize))
    }

    /// Writes these bytes, of which the trace knows these lanes.
    ///
    /// # Safety
    /// So many bytes can be written here, and the pieces of the layout lie within them.
    unsafe fn write(&self, rec: Rec, bytes: Bytes, lanes: Lanes, layout: &[PieceTy]) {
        let in_memory = self.moved_to();
        let this = in_memory.as_ref().unwrap_or(self);
        if rec.is_live() || this.shadow.is_some() {
            if let Some(shadow) = this.shadow
                && !rec.is_live()
            {
                shadow.replace(rec, this.ptr, bytes.len(), lanes);
            }
            // SAFETY: the caller vouches for the place.
            return unsafe { bytes.copy_to(this.ptr) };
        }
        let addr = this.addr();
        lanes.with(rec, |pieces| {
            for piece in layout {
                let arg = extract_of(rec, bytes, pieces, piece.offset, piece.ty);
                let (descr, at) = this.at_piece(&addr, piece);
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
    pub fn read(&self, rec: Rec) -> Traced<T> {
        self.read_as(rec, T::LAYOUT)
    }

    /// Reads: a copy, or the value itself if it owns something, which is then moved out.
    pub fn take(&self, rec: Rec) -> Traced<T> {
        self.move_out_owned(rec);
        let value = self.read_as(rec, T::LAYOUT);
        if let Some(dropper) = const { T::DROPPER } {
            value.set_dropper(dropper);
        }
        value
    }

    /// Assigns: drops what was there, and writes.
    pub fn write(&self, rec: Rec, value: Traced<T>) {
        self.assign(rec, value, T::LAYOUT, T::DROPPER);
    }

    /// The place, with its layout.
    pub fn known(mut self) -> Place<T> {
        self.at.known = Some(const { &KnownLayout { pieces: T::LAYOUT, tag: T::TAG } });
        self
    }
}

/// Reading and writing values of types without a known layout: found when there is nothing else.
pub trait AnyPlace<T> {
    /// Reads. The value is still owned by the place.
    fn read(&self, rec: Rec) -> Traced<T>;
    /// Reads: a copy, or the value itself if it owns something, which is then moved out.
    fn take(&self, rec: Rec) -> Traced<T>;
    /// Assigns: drops what was there, and writes.
    fn write(&self, rec: Rec, value: Traced<T>);
}

impl<T> AnyPlace<T> for Place<T> {
    fn read(&self, rec: Rec) -> Traced<T> {
        self.read_any(rec)
    }

    fn take(&self, rec: Rec) -> Traced<T> {
        self.take_any(rec)
    }

    fn write(&self, rec: Rec, value: Traced<T>) {
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

/// The other half of a pointer, if it is fat.
fn meta_of<T: ?Sized>(ptr: *mut T) -> *mut u8 {
    let mut words: [*mut u8; 2] = [std::ptr::null_mut(); 2];
    // SAFETY: a pointer is the address, and behind it what else there is to it.
    unsafe { words.as_mut_ptr().cast::<*mut T>().write(ptr) };
    words[1]
}

/// Where a pointer with these bytes points to, of which this is known; if that is a local that has been spilled, in
/// memory.
#[inline(never)]
fn pointed_to(rec: Rec, bytes: Bytes, lanes: Lanes) -> Untyped {
    let fat = bytes.len() == 16;
    // SAFETY: the bytes are a pointer's, thin or fat.
    let [ptr, meta] = unsafe {
        let words = bytes.start().cast::<*mut u8>();
        [words.read(), if fat { words.add(1).read() } else { std::ptr::null_mut() }]
    };
    if lanes.is_const() {
        return Untyped { meta, ..Untyped::plain(ptr) };
    }
    let known = lanes.as_address().and_then(|number| {
        // Of a fat pointer whose other half is a constant here, it may say something else.
        let ask = |addr: &Addr| addr.meta_lane.is_const().then_some(addr.shadow);
        let shadow = rec.arena().ask_addr(number, ask)?;
        Some(Untyped { shadow, addr: number + 1, ..Untyped::plain(ptr) })
    });
    let at = known.unwrap_or_else(|| Untyped::new(ptr, &addr_of(rec, bytes, lanes, fat)));
    Untyped { meta, ..at }.settled()
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
            #[inline(never)]
            pub fn place(&self, rec: Rec) -> Place<T> {
                Place::of(pointed_to(rec, Bytes::of(self), self.lanes()))
            }
        }

        impl<$($lifetime,)? T: ?Sized + Pointee> Behind<$ty> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                self.0.pointee(rec)
            }

            /// The same, to be changed.
            pub fn peel_mut(self, rec: Rec) -> Place<T> {
                self.peel(rec)
            }

            /// The same, for auto-deref.
            pub fn peel_known(self, rec: Rec) -> Place<T> {
                self.peel(rec)
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

/// Goes through a reference or `Box` where there is one, as auto-deref does. A place is looked at, and not taken, for
/// that: it is large, and to move it about is what most of a twin would be.
#[repr(transparent)]
pub struct Peel<T: ?Sized>(pub(super) Place<T>);

impl<T: ?Sized> Peel<T> {
    /// Of that place.
    #[inline]
    pub fn of(place: &Place<T>) -> &Peel<T> {
        // SAFETY: the one is the other.
        unsafe { &*std::ptr::from_ref(place).cast() }
    }
}

macro_rules! reference {
    ($($peel:ident $ty:ty;)*) => {$(
        impl<'a, T: ?Sized + Pointee> $peel<$ty> {
            /// What it points to.
            pub fn peel(&self, rec: Rec) -> Place<T> {
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

impl<T> Behind<Box<T>> {
    /// What the box holds.
    pub fn peel(self, rec: Rec) -> Place<T> {
        Peel::of(&self.0).peel(rec)
    }

    /// The same, to be changed.
    pub fn peel_mut(self, rec: Rec) -> Place<T> {
        self.peel(rec)
    }

    /// The same, for auto-deref.
    pub fn peel_known(self, rec: Rec) -> Place<T> {
        self.peel(rec)
    }
}

macro_rules! looked_through {
    ($(<$($param:ident)?> $ty:ty;)*) => {$(
        impl<$($param)?> Behind<$ty> {
            /// The place itself: what wants its contents finds them there.
            pub fn peel(self, _: Rec) -> Place<$ty> {
                self.0
            }

            /// The same, to be changed.
            pub fn peel_mut(self, _: Rec) -> Place<$ty> {
                self.0
            }
        }
    )*};
}

looked_through! {
    <> String;
    <T> Vec<T>;
}

/// Of other types with `Deref`: a call.
pub trait BehindDeref {
    /// What it leads to.
    type Target: ?Sized;
    /// Calls `deref`.
    fn peel(self, rec: Rec) -> Place<Self::Target>;
}

impl<T: Deref<Target: Pointee>> BehindDeref for Behind<T> {
    type Target = T::Target;
    fn peel(self, rec: Rec) -> Place<T::Target> {
        super::call::deref(rec, self.0).place(rec)
    }
}

/// Of other types with `DerefMut`, where what they lead to is changed: a call.
pub trait BehindDerefMut {
    /// What it leads to.
    type Target: ?Sized;
    /// Calls `deref_mut`.
    fn peel_mut(self, rec: Rec) -> Place<Self::Target>;
}

impl<T: DerefMut<Target: Pointee>> BehindDerefMut for Behind<T> {
    type Target = T::Target;
    fn peel_mut(self, rec: Rec) -> Place<T::Target> {
        super::call::deref_mut(rec, self.0).place(rec)
    }
}

/// Of what is no pointer as far as is known: found when there is nothing else.
pub trait BehindAny<T: ?Sized> {
    /// The place itself.
    fn peel(self, rec: Rec) -> Place<T>;
    /// The place itself.
    fn peel_mut(self, rec: Rec) -> Place<T>;
    /// The place itself: auto-deref calls `deref` or `deref_mut`, as the method asks for.
    fn peel_known(self, rec: Rec) -> Place<T>;
}

impl<T: ?Sized> BehindAny<T> for &Behind<T> {
    fn peel(self, _: Rec) -> Place<T> {
        self.0
    }

    fn peel_mut(self, _: Rec) -> Place<T> {
        self.0
    }

    fn peel_known(self, _: Rec) -> Place<T> {
        self.0
    }
}

/// Goes through a reference where there is one: for methods that owning pointers have too.
#[repr(transparent)]
pub struct PeelReference<T: ?Sized>(pub(super) Place<T>);

impl<T: ?Sized> PeelReference<T> {
    /// Of that place.
    #[inline]
    pub fn of(place: &Place<T>) -> &PeelReference<T> {
        // SAFETY: the one is the other.
        unsafe { &*std::ptr::from_ref(place).cast() }
    }
}

impl<T: ?Sized> PeelAny<T> for PeelReference<T> {
    fn peel(&self, _: Rec) -> Place<T> {
        self.0
    }
}

impl<T> Peel<Box<T>> {
    /// What the box holds.
    pub fn peel(&self, rec: Rec) -> Place<T> {
        let content = self.0.pointer_at(rec, 0).boxed(Some(size_of::<T>()));
        let part = match (self.0.at.part.get(), self.0.at.shadow) {
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
        content.with_part(part)
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
        part.with_part(Part::Red)
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
            pub fn peel(&self, rec: Rec) -> Place<T> {
                let pointer: Place<*mut T> = self.0.part(rec, 0);
                let layout = [PieceTy::owned_pointer(0), PieceTy::at(8, Ty::I64)];
                let counts = pointer.read_as(rec, if T::FAT { &layout } else { &layout[..1] });
                let is_green = || rec.is_green(typeid::of::<$pointer<T>>(), &counts.args(rec));
                let is_green = !rec.is_live() && is_green();
                let mut value = counts.place(rec);
                if is_green {
                    value = value.with_addr(Addr { contents: Contents::Green, ..value.addr() });
                }
                value.boxed(counted_size::<T>()).behind(value_offset::<T>())
            }
        }

        impl<T: ?Sized + Counted> Behind<$pointer<T>> {
            /// What it points to.
            pub fn peel(self, rec: Rec) -> Place<T> {
                Peel::of(&self.0).peel(rec)
            }

            /// The same, for auto-deref.
            pub fn peel_known(self, rec: Rec) -> Place<T> {
                self.peel(rec)
            }
        }
    )*};
}

counted! { Rc Arc }

impl<T: ?Sized> Place<T> {
    /// The place that many bytes behind this one, which is in memory.
    fn behind(mut self, bytes: usize) -> Place<T> {
        let mut addr = self.addr();
        assert!(addr.shadow.is_none(), "counts are in memory");
        assert!(addr.add_offset(bytes as isize), "offset out of range");
        self.at.ptr = self.at.ptr.wrapping_byte_add(bytes);
        self.with_addr(addr)
    }
}

impl<T> Place<T> {
    /// The place that the pointer at an offset of this value points to.
    pub(crate) fn pointer_at<U>(self, rec: Rec, offset: isize) -> Place<U> {
        let keeps_frozen = PieceTy::owned_pointer(0);
        let pointer: Place<*mut U> = self.part(rec, offset);
        let frozen = self.addr().frozen;
        let read = pointer.read_as(rec, &[keeps_frozen]);
        let place = read.place(rec);
        debug_assert!(!frozen || place.addr().frozen || rec.is_live());
        place
    }
}

/// The fallback of [`Peel`]: what is no reference is left as it is.
pub trait PeelAny<T: ?Sized> {
    /// The place itself.
    fn peel(&self, rec: Rec) -> Place<T>;
}

impl<T: ?Sized> PeelAny<T> for Peel<T> {
    fn peel(&self, _: Rec) -> Place<T> {
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
        self.0.addr().base()
    }

    pub(crate) fn place(&self) -> Place<T> {
        self.0.with_part(Part::Red)
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
        self.0 = self.0.with_addr(Addr { class, ..self.0.addr() });
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

/// Says of a constant reference that it is one which was green.
pub(crate) fn set_known_green<P>(rec: Rec, reference: &Traced<P>) {
    let note = |addr: Addr| Addr { contents: Contents::Green, ..addr };
    note_of(rec, Bytes::of(reference), &reference.head, Lanes::CONST, note);
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
    #[inline(never)]
    fn as_place(&mut self) -> Place<T> {
        Place::of(Shadow::of_mut(self).place())
    }
}

impl<T> Local for Memory<T> {
    type Plain = T;
    fn as_place(&mut self) -> Place<T> {
        self.0.with_part(Part::Red)
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
    first: Place<T>,
    len: Traced<usize>,
    index: Traced<usize>,
}

impl<T> Element for Unchecked<T> {
    type Item = T;
    #[track_caller]
    fn element(self, rec: Rec) -> Place<T> {
        let Unchecked { first, len, index } = self;
        check_bounds(rec, &index, &len);
        first.element_at(rec, &index)
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
        self.unchecked(index)
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
        self.as_slice().unchecked(index)
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
        self.element_of(rec, index)
    }
}

impl<T> Place<Vec<T>> {
    /// The same whatever an `Index` of one's own would have.
    #[track_caller]
    #[inline(never)]
    fn element_of(self, rec: Rec, index: Traced<usize>) -> Place<T> {
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
        Traced::scalar(self.ptr().len(), self.addr().meta_lane)
    }

    #[inline(never)]
    fn unchecked(self, index: Traced<usize>) -> Unchecked<T> {
        Unchecked { first: self.settled().elements(), len: self.len(), index }
    }

    /// Where the first element is, or would be.
    fn elements(&self) -> Place<T> {
        let first = Untyped { meta: std::ptr::null_mut(), ..self.at };
        match self.addr() {
            addr if addr.meta_lane.is_const() => Place::of(first),
            addr => Place::of(first.with_addr(&Addr { meta_lane: Lane::CONST, ..addr })),
        }
    }
}

impl Place<str> {
    /// What a comparison takes that is written without a reference, as in `*a == *b`.
    pub fn read<'a>(self, rec: Rec) -> Traced<&'a str> {
        self.shared(rec)
    }

    /// The bytes.
    pub(crate) fn str_bytes(self) -> Place<[u8]> {
        Place::of(self.at)
    }
}

impl Place<[u8]> {
    /// The string that has these bytes.
    pub(crate) fn as_str(self) -> Place<str> {
        Place::of(self.at)
    }
}

impl<T> Place<[T]> {
    /// The same elements, of which it is known how many they are.
    pub(crate) fn with_len_lane(self, lane: Lane) -> Place<[T]> {
        self.with_addr(Addr { meta_lane: lane, ..self.addr() })
    }

    /// The same elements, all of which have been promoted. They are borrowed, so nobody changes them.
    pub(crate) fn with_promoted_elements(self) -> Place<[T]> {
        self.with_addr(Addr { contents: Contents::Promoted, ..self.addr() })
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
        Place::at(slice, self.at.addr_of_buffer(rec, ptr, len.lane, size_of::<T>()))
    }

    /// The length.
    pub fn len(self, rec: Rec) -> Traced<usize> {
        let [_, len] = self.parts(rec);
        Traced::scalar(len.bits as usize, len.lane)
    }

    fn parts(self, rec: Rec) -> [Arg; 2] {
        self.at.vec_parts(rec)
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
        let addr = self.at.addr_of_buffer(rec, ptr, Lane::CONST, size_of::<T>());
        Place::at(address, addr).element_at(rec, index)
    }
}

impl<T> Place<T> {
    /// The place so many places behind this one.
    pub(crate) fn element_at(self, rec: Rec, index: &Traced<usize>) -> Place<T> {
        let ptr = self.ptr().wrapping_add(index.get());
        Place::of(self.at.element(rec, index, ptr.cast(), size_of::<T>()))
    }

    /// The place so many places behind or before this one.
    pub(crate) fn at_distance(self, rec: Rec, distance: &Traced<usize>) -> Place<T> {
        let place = self.element_at(rec, distance);
        let mut addr = place.addr();
        addr.compute_index(rec);
        place.with_addr(addr)
    }
}

impl<T> Place<[T]> {
    /// Where an element is whose index the caller has checked.
    pub(crate) fn slot(self, rec: Rec, index: &Traced<usize>) -> Place<T> {
        self.settled().elements().element_at(rec, index)
    }

    /// A part of the slice, whose bounds the caller has checked.
    pub(crate) fn range(self, rec: Rec, start: &Traced<usize>, len: &Traced<usize>) -> Place<[T]> {
        let first = self.slot(rec, start);
        let slice = std::ptr::slice_from_raw_parts_mut(first.ptr(), len.get());
        Place::at(slice, Addr { meta_lane: len.lane(), ..first.addr() })
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
        unsafe { &mut *self.0.ptr() }
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
        Peel::of(&self.place(rec)).peel(rec).shared(rec)
    }
}

macro_rules! deref_of {
    ($($pointer:ident;)*) => {$(
        impl<'b, T: ?Sized + Counted> CoerceTo<&'b T> for Traced<&$pointer<T>> {
            fn coerce(self, rec: Rec) -> Traced<&'b T> {
                Peel::of(&self.place(rec)).peel(rec).shared(rec)
            }
        }
    )*};
}

deref_of! { Rc; Arc; }

impl<'b, T> CoerceTo<&'b T> for Traced<&Box<T>> {
    fn coerce(self, rec: Rec) -> Traced<&'b T> {
        Peel::of(&self.place(rec)).peel(rec).shared(rec)
    }
}

impl<'b, T> CoerceTo<&'b mut T> for Traced<&mut Box<T>> {
    fn coerce(self, rec: Rec) -> Traced<&'b mut T> {
        Peel::of(&self.place(rec)).peel(rec).exclusive(rec)
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
        let ptr = std::ptr::slice_from_raw_parts_mut(self.ptr().cast::<T>(), N);
        Place::at(ptr, Addr { meta_lane: Lane::CONST, ..self.addr() })
    }
}
