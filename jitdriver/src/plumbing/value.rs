//! Values of the twin: the bytes of a value, and beside them what the trace knows of these bytes.
//!
//! A [`Traced<T>`] exists for every sized `T`, without a bound: values are moved byte by byte, as Rust
//! moves them, and what a trace holds of a value is a list of [`Piece`]s, each a run of bytes that is
//! one value of the trace. Bytes under no piece are the same on every run. So a field of a struct,
//! the payload of an enum or one half of a tuple is a range of bytes with its pieces, and nobody has
//! to know the type that it is part of.
//!
//! Types matter in one place only: in which pieces a value comes from memory. [`Traceable`] says it for
//! the types that have it; all others come in machine words.
//!
//! A `Traced` owns what its value owns. Locals and temporaries of the twin have the scopes of the plain
//! function's, so rustc's own drop elaboration drops them where the plain function does, and the
//! drop is recorded. Whether a value has been moved away, and which parts of it, is known at run
//! time ([`Traced::take`], [`Parted`]).
//!
//! A local whose address goes where the trace cannot follow, to a call, is *spilled*: it moves into
//! memory of its own, and stays there until its scope ends ([`Head::spilled`]). The memory of one that owns
//! nothing is given back at the next merge point only ([`Arena::give_back_spilled`]), so that nothing is compiled
//! for the ends of the scopes of by far the most values.
//!
//! Invariants
//! 1. Pieces are sorted, do not overlap, and lie within the value (a last word may reach over its end).
//! 2. A piece's lane agrees with the bytes: on the run that was recorded it had their value.
//! 3. While the twin lives (and nothing is recorded or replayed) values have no pieces at all.
//!
//! Why not one list of lanes per type, fixed by a trait? Every type that an author's functions mention
//! would have to implement it, those of other crates and type parameters too.

#![expect(unsafe_code, reason = "values are copied and rebuilt byte by byte")]

use super::layout::{self, PieceTy, Traceable, TypeFacts};
use super::place::{Addr, Shadow, set_known_green};
use super::rec::Rec;
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::{Arg, Lane, Words};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::iter::zip;
use std::mem::{MaybeUninit, needs_drop, offset_of};

/// Machine arguments.
pub type Args = SmallVec<[Arg; 8]>;

/// Appends machine arguments: compiled here, and not in each author's crate.
pub(crate) fn append(args: &mut Args, more: &[Arg]) {
    // Mostly it is one, for which copying many takes long.
    for &arg in more {
        args.push(arg);
    }
}

/// Their words.
pub(crate) fn words_of(args: &[Arg]) -> Words {
    args.iter().map(|arg| arg.bits).collect()
}

/// A run of bytes that the trace knows as one value.
#[derive(Clone, Copy)]
pub struct Piece {
    pub(crate) offset: u32,
    pub(crate) what: What,
}

/// What the trace has in the place of some bytes.
#[derive(Clone, Copy)]
pub enum What {
    /// A value of the trace.
    Lane(Ty, Lane),
    /// An address that is still symbolic: the number of an [`Addr`].
    Address(u32),
}

impl Piece {
    fn ty(&self) -> Ty {
        match self.what {
            What::Lane(ty, _) => ty,
            What::Address(_) => Ty::Ptr,
        }
    }

    fn end(&self) -> u32 {
        self.offset + self.ty().bytes()
    }

    /// The piece as an argument; records what is still symbolic.
    fn arg(&self, rec: Rec, bits: u64) -> Arg {
        match self.what {
            What::Lane(ty, lane) => Arg::new(lane, ty, bits),
            What::Address(number) => rec.arena().addr(number).address_for_use(rec),
        }
    }
}

/// The pieces of a value: none if it is the same on every run, one, or a list in the arena.
///
/// One number, and no struct of four, because every value of the twin carries it and is moved about: a number needs no
/// memory, and each author's crate is compiled the faster for it. From the low end it is
/// - 32 bits: the lane, the number of the address, or the number of the list;
/// - 16 bits: the offset of the one piece;
/// - 8 bits: the type of the one piece, if it is a value of the trace;
/// - 8 bits: what it is. 0, all of it, is a value without pieces.
#[derive(Clone, Copy)]
pub struct Lanes(u64);

#[derive(Clone, Copy, PartialEq, Eq)]
enum LanesKind {
    Const,
    Lane,
    Address,
    Many,
}

pub type Pieces = SmallVec<[Piece; 4]>;

/// Where lists of pieces and symbolic addresses are kept while a twin runs.
#[derive(Default)]
pub(crate) struct Arena {
    pieces: RefCell<Vec<Piece>>,
    /// Start and length of the lists among the pieces.
    lists: RefCell<Vec<(u32, u32)>>,
    addrs: RefCell<Vec<Addr>>,
    parted: RefCell<Vec<Parted>>,
    /// What places are parts of.
    parts: RefCell<Vec<super::place::Part>>,
    kept: RefCell<Vec<Kept>>,
    /// The memory that locals have been moved into.
    spilled: RefCell<Vec<Spilled>>,
    /// How values are dropped in a trace, each once.
    droppers: RefCell<Vec<Dropper>>,
    /// How often the address of a spilled local was used.
    pub n_local_addresses: Cell<u32>,
    /// Locals must not be spilled now.
    pub keeps_locals: Cell<bool>,
    /// How values are dropped in a trace.
    pub noted: RefCell<super::owned::Noted>,
    /// Values that were read to know their variants.
    words: RefCell<Vec<u64>>,
    /// Which variants matches have promoted.
    pub seen: RefCell<super::pattern::AllSeen>,
}

/// The memory that a local has been moved into.
#[derive(Clone, Copy)]
struct Spilled {
    memory: Arg,
    ty: &'static TypeFacts,
    is_given_back: bool,
}

/// What a green or red held when the twin ended: it is the plain function's again.
pub(crate) struct Kept {
    number: usize,
    bytes: SmallVec<[u8; 32]>,
    lanes: Lanes,
    moved: bool,
}

impl Kept {
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Its machine arguments in a layout.
    pub fn args(&self, rec: Rec, layout: &[PieceTy]) -> Args {
        let bytes = Bytes::new(self.bytes.as_ptr(), self.bytes.len() as u32);
        args_of(rec, bytes, self.lanes, layout)
    }
}

/// A part that has been moved out of a local of the twin.
#[derive(Clone, Copy)]
pub(crate) struct Parted {
    /// Address of the local's [`Traced`].
    pub owner: usize,
    /// Address and size of the part.
    pub at: usize,
    pub len: usize,
    /// Drops what is left, given a bit for each part that is gone.
    pub rest: RestDropper,
    /// The part's bit.
    pub bit: u32,
}

impl Parted {
    /// The owner is a red in the plain function's memory.
    pub const RED: usize = 1;
}

/// Drops a local of the twin, which it is given the address of.
pub(crate) type Dropper = fn(Rec, *const ());

/// Drops a local without the parts that have been moved out of it.
pub(crate) type RestDropper = fn(Rec, *const (), u64);

impl Arena {
    pub fn add_addr(&self, addr: Addr) -> u32 {
        let mut addrs = self.addrs.borrow_mut();
        if addrs.is_empty() {
            addrs.reserve(128);
        }
        addrs.push(addr);
        addrs.len() as u32 - 1
    }

    pub fn addr(&self, number: u32) -> Addr {
        self.addrs.borrow()[number as usize]
    }

    /// The number of a part. It is mostly one of the last ones, if it is there.
    pub fn part_number(&self, part: super::place::Part) -> u32 {
        let mut parts = self.parts.borrow_mut();
        if let Some(back) = parts.iter().rev().take(8).position(|&it| it == part) {
            return (parts.len() - 1 - back) as u32;
        }
        parts.push(part);
        parts.len() as u32 - 1
    }

    pub fn part(&self, number: u32) -> super::place::Part {
        self.parts.borrow()[number as usize]
    }

    /// The address of this number for code that cannot look behind it.
    #[inline]
    fn address_for_use(&self, rec: Rec, number: u32) -> Arg {
        // Mostly there is nothing to compute, and no need to copy it.
        match self.ask_addr(number, |addr| addr.as_used(rec)) {
            Some(base) => base,
            None => self.addr(number).address_for_use(rec),
        }
    }

    /// Asks something about the address of this number.
    #[inline]
    pub fn ask_addr<R>(&self, number: u32, ask: impl FnOnce(&Addr) -> R) -> R {
        ask(&self.addrs.borrow()[number as usize])
    }

    /// What the variable of this number held at the end.
    pub fn kept(&self, number: usize) -> Option<Kept> {
        let mut kept = self.kept.borrow_mut();
        let at = kept.iter().position(|kept| kept.number == number)?;
        Some(kept.swap_remove(at))
    }

    /// A part has been moved out.
    pub fn part_out(&self, parted: Parted) {
        self.parted.borrow_mut().push(parted);
    }

    /// A place is about to be overwritten: true if what was there has been moved out.
    pub fn reinitialize(&self, at: usize, len: usize) -> bool {
        let mut parted = self.parted.borrow_mut();
        let n_before = parted.len();
        parted.retain(|part| !(at <= part.at && part.at + part.len <= at + len));
        parted.len() < n_before
    }

    /// A red in the plain function's memory is given back: true if it has been moved out as a whole.
    pub fn reinitialize_whole(&self, at: usize, len: usize) -> bool {
        let mut parted = self.parted.borrow_mut();
        let n_before = parted.len();
        parted.retain(|part| (part.at, part.len) != (at, len));
        parted.len() < n_before
    }

    /// Whether a red in the plain function's memory lacks a part.
    pub fn red_is_parted(&self) -> bool {
        self.parted.borrow().iter().any(|part| part.owner == Parted::RED)
    }

    /// What has been moved out of a local: how to drop the rest, and the parts' bits.
    fn rest_of(&self, owner: usize) -> Option<(RestDropper, u64)> {
        let mut parted = self.parted.borrow_mut();
        let (mut rest, mut highest, mut bits) = (None, 0, 0);
        parted.retain(|part| {
            let found = part.owner == owner;
            if found {
                bits |= 1 << part.bit;
                // A later part of the text knows all earlier ones.
                if rest.is_none() || part.bit >= highest {
                    (rest, highest) = (Some(part.rest), part.bit);
                }
            }
            !found
        });
        rest.map(|rest| (rest, bits))
    }

    fn add_list(&self, list: &[Piece]) -> Lanes {
        let (mut pieces, mut lists) = (self.pieces.borrow_mut(), self.lists.borrow_mut());
        lists.push((pieces.len() as u32, list.len() as u32));
        pieces.extend_from_slice(list);
        Lanes::new(LanesKind::Many, Ty::Bool, 0, lists.len() as u32 - 1)
    }

    fn list(&self, number: u32) -> Pieces {
        let (start, len) = self.lists.borrow()[number as usize];
        Pieces::from_slice(&self.pieces.borrow()[start as usize..][..len as usize])
    }

    /// Keeps the bytes of a value. Answers the number of the first word.
    pub fn add_words(&self, bytes: Bytes) -> u32 {
        let mut words = self.words.borrow_mut();
        let start = words.len() as u32;
        words.extend((0..bytes.len()).step_by(8).map(|at| bytes.bits(at, Ty::I64)));
        start
    }

    /// Copies a value that was kept.
    ///
    /// # Safety
    /// So many bytes can be written there.
    pub unsafe fn copy_words(&self, start: u32, to: *mut u8, len: usize) {
        let words = self.words.borrow();
        let words = &words[start as usize..][..len.div_ceil(8)];
        // SAFETY: the words are at least so many bytes, and the caller vouches for the place.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr().cast(), to, len) };
    }

    fn add_spilled(&self, memory: Arg, ty: &'static TypeFacts) -> usize {
        let mut spilled = self.spilled.borrow_mut();
        spilled.push(Spilled { memory, ty, is_given_back: false });
        u32::try_from(spilled.len()).expect("fewer locals than fit into memory") as usize
    }

    /// Gives the memory of this number back.
    #[cold]
    fn give_back(&self, rec: Rec, number: usize) {
        let Spilled { memory, ty, is_given_back } = {
            let spilled = &mut self.spilled.borrow_mut()[number - 1];
            std::mem::replace(spilled, Spilled { is_given_back: true, ..*spilled })
        };
        if !is_given_back {
            super::call::free_local(rec, memory, ty);
        }
    }

    /// Gives all memory back that locals have been moved into: their scopes have ended.
    #[inline]
    pub fn give_back_spilled(&self, rec: Rec) {
        if !self.spilled.borrow().is_empty() {
            self.give_back_all(rec);
        }
    }

    #[cold]
    fn give_back_all(&self, rec: Rec) {
        let n = self.spilled.borrow().len();
        for number in (1..=n).rev() {
            self.give_back(rec, number);
        }
        self.spilled.borrow_mut().clear();
    }

    /// The number of a dropper: they are as many as types that own something.
    fn dropper_number(&self, dropper: Dropper) -> u16 {
        let mut droppers = self.droppers.borrow_mut();
        let known = droppers.iter().position(|&known| std::ptr::fn_addr_eq(known, dropper));
        let at = known.unwrap_or_else(|| {
            droppers.push(dropper);
            droppers.len() - 1
        });
        u16::try_from(at + 1).expect("fewer types than that own something")
    }
}

impl Lanes {
    /// The same on every run.
    pub const CONST: Lanes = Lanes(0);

    #[inline]
    const fn new(kind: LanesKind, ty: Ty, offset: u16, word: u32) -> Lanes {
        Lanes((kind as u64) << 56 | (ty as u64) << 48 | (offset as u64) << 32 | word as u64)
    }

    #[inline]
    fn kind(self) -> LanesKind {
        match self.0 >> 56 {
            0 => LanesKind::Const,
            1 => LanesKind::Lane,
            2 => LanesKind::Address,
            _ => LanesKind::Many,
        }
    }

    /// Of one piece that is a value of the trace.
    #[inline]
    fn ty(self) -> Ty {
        Ty::ALL[(self.0 >> 48 & 7) as usize]
    }

    /// Of one piece.
    #[inline]
    fn offset(self) -> u32 {
        u32::from((self.0 >> 32) as u16)
    }

    /// The lane, the number of the address, or the number of the list.
    #[inline]
    fn word(self) -> u32 {
        self.0 as u32
    }

    /// Of one piece at an offset.
    #[inline]
    fn is(self, kind: LanesKind, ty: Ty, offset: u16) -> bool {
        self.0 >> 32 == Lanes::new(kind, ty, offset, 0).0 >> 32
    }

    /// Of a value that is one scalar.
    #[inline]
    pub fn scalar(ty: Ty, lane: Lane) -> Lanes {
        match lane.is_const() {
            true => Lanes::CONST,
            false => Lanes::new(LanesKind::Lane, ty, 0, lane.to_bits()),
        }
    }

    pub fn of(rec: Rec, pieces: &[Piece]) -> Lanes {
        match *pieces {
            [] => Lanes::CONST,
            [Piece { offset, what }] if offset <= u32::from(u16::MAX) => {
                Lanes::one(offset as u16, what)
            }
            _ => rec.arena().add_list(pieces),
        }
    }

    /// Of a value with one piece.
    pub fn one(offset: u16, what: What) -> Lanes {
        match what {
            What::Lane(ty, lane) => Lanes::new(LanesKind::Lane, ty, offset, lane.to_bits()),
            What::Address(number) => Lanes::new(LanesKind::Address, Ty::Ptr, offset, number),
        }
    }

    pub fn pieces(self, rec: Rec) -> Pieces {
        self.with(rec, Pieces::from_slice)
    }

    /// Calls `f` with the pieces.
    #[inline]
    pub fn with<R>(self, rec: Rec, f: impl FnOnce(&[Piece]) -> R) -> R {
        let what = match self.kind() {
            LanesKind::Const => return f(&[]),
            LanesKind::Lane => What::Lane(self.ty(), Lane::from_bits(self.word())),
            LanesKind::Address => What::Address(self.word()),
            LanesKind::Many => return f(&rec.arena().list(self.word())),
        };
        f(&[Piece { offset: self.offset(), what }])
    }

    #[inline]
    pub fn is_const(self) -> bool {
        self.0 == 0
    }

    /// The number of the address of a value that is one pointer, or a constant behind it.
    #[inline]
    pub fn as_address(self) -> Option<u32> {
        self.is(LanesKind::Address, Ty::Ptr, 0).then_some(self.word())
    }

    /// The lane of a value that is one scalar of this type.
    #[inline]
    pub fn as_scalar(self, of: Ty) -> Option<Lane> {
        // A constant has no lane: its word is that of `Lane::CONST`.
        (self.is_const() || self.is(LanesKind::Lane, of, 0)).then_some(Lane::from_bits(self.word()))
    }
}

/// What stands beside the bytes of a value. It is the same for all types, and comes first in a [`Traced`], so that
/// a [`Shadow`](super::place::Shadow) finds it.
pub(crate) struct Head {
    lanes: Cell<Lanes>,
    marks: Cell<Marks>,
}

/// What else there is to know of a value. As a rule nothing, 0. One number as [`Lanes`] are.
#[derive(Clone, Copy)]
struct Marks(u64);

/// Some bits of [`Marks`].
#[derive(Clone, Copy)]
struct Mark {
    start: u32,
    bits: u32,
}

impl Mark {
    /// The number of the memory that the value lives in instead, from 1.
    const SPILLED: Mark = Mark { start: 0, bits: 32 };
    /// The number of how it is dropped in a trace, from 1, if that is more than a call.
    const DROPPER: Mark = Mark { start: 32, bits: 16 };
    /// The value of a variable of the portal is the plain function's: the variable's number, from 1.
    const KEPT: Mark = Mark { start: 48, bits: 8 };
    /// The value has been moved away: it is not dropped here.
    const MOVED: Mark = Mark { start: 56, bits: 1 };
    /// Which variant it is follows from the way that the twin has taken: a constructor has made it.
    const VARIANT_KNOWN: Mark = Mark { start: 57, bits: 1 };

    #[inline]
    const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits) << self.start
    }
}

impl Marks {
    const NONE: Marks = Marks(0);

    #[inline]
    fn get(self, mark: Mark) -> usize {
        ((self.0 & mark.mask()) >> mark.start) as usize
    }

    #[inline]
    fn with(self, mark: Mark, number: usize) -> Marks {
        debug_assert!((number as u64) < 1 << mark.bits, "{number} in {} bits", mark.bits);
        Marks(self.0 & !mark.mask() | (number as u64) << mark.start)
    }
}

impl Head {
    #[inline]
    pub const fn new(lanes: Lanes) -> Head {
        Head { lanes: Cell::new(lanes), marks: Cell::new(Marks::NONE) }
    }

    /// Of a value that a constructor has just made.
    #[inline]
    pub const fn of_known_variant(lanes: Lanes) -> Head {
        let marks = Marks(1 << Mark::VARIANT_KNOWN.start);
        Head { lanes: Cell::new(lanes), marks: Cell::new(marks) }
    }

    #[inline]
    pub fn lanes(&self) -> Lanes {
        self.lanes.get()
    }

    #[inline]
    pub fn set_lanes(&self, lanes: Lanes) {
        self.lanes.set(lanes);
    }

    #[inline]
    fn mark(&self, mark: Mark) -> usize {
        self.marks.get().get(mark)
    }

    #[inline]
    fn set_mark(&self, mark: Mark, number: usize) {
        self.marks.set(self.marks.get().with(mark, number));
    }

    #[inline]
    pub fn is_moved(&self) -> bool {
        self.mark(Mark::MOVED) != 0
    }

    #[inline]
    pub fn set_moved(&self, moved: bool) {
        self.set_mark(Mark::MOVED, usize::from(moved));
    }

    #[inline]
    pub fn variant_is_known(&self) -> bool {
        self.mark(Mark::VARIANT_KNOWN) != 0
    }

    #[inline]
    pub fn set_variant_known(&self, known: bool) {
        self.set_mark(Mark::VARIANT_KNOWN, usize::from(known));
    }

    #[inline]
    pub fn is_spilled(&self) -> bool {
        self.mark(Mark::SPILLED) != 0
    }

    /// The memory that the value lives in instead.
    #[inline]
    pub fn spilled(&self) -> Option<Arg> {
        self.is_spilled().then(|| self.memory())
    }

    #[cold]
    fn memory(&self) -> Arg {
        Rec::current().arena().spilled.borrow()[self.mark(Mark::SPILLED) - 1].memory
    }

    /// The value has been moved into that memory, and a store may make another variant of it.
    pub fn set_spilled(&self, rec: Rec, memory: Arg, ty: &'static TypeFacts) {
        let number = rec.arena().add_spilled(memory, ty);
        self.set_mark(Mark::SPILLED, number);
        self.set_variant_known(false);
    }

    /// The number of the memory that it lived in, where it lives no more.
    fn take_spilled(&self) -> usize {
        let number = self.mark(Mark::SPILLED);
        self.set_mark(Mark::SPILLED, 0);
        number
    }

    /// Of what is taken from here.
    fn taken(&self) -> Head {
        let marks = self.marks.get().with(Mark::SPILLED, 0).with(Mark::KEPT, 0);
        Head { lanes: Cell::new(self.lanes()), marks: Cell::new(marks) }
    }

    fn set_dropper(&self, dropper: Dropper) {
        let number = Rec::current().arena().dropper_number(dropper);
        self.set_mark(Mark::DROPPER, number.into());
    }

    fn dropper(&self, rec: Rec) -> Option<Dropper> {
        let number = self.mark(Mark::DROPPER).checked_sub(1)?;
        Some(rec.arena().droppers.borrow()[number])
    }

    /// The number of the portal's variable that it is.
    fn kept(&self) -> Option<usize> {
        self.mark(Mark::KEPT).checked_sub(1)
    }
}

/// A value of the twin. See the module's documentation.
#[repr(C)]
pub struct Traced<T> {
    pub(crate) head: Head,
    pub(crate) value: MaybeUninit<T>,
}

/// What has been made there, moved: in fewer steps than `assume_init` takes, each of which is compiled for each type.
///
/// # Safety
/// It is initialized, and used once.
#[inline]
pub(super) unsafe fn made<T>(value: &MaybeUninit<T>) -> T {
    // SAFETY: the caller vouches for it.
    unsafe { value.as_ptr().read() }
}

/// Where a value of the twin is to be put.
pub(super) struct Erased(*mut Head);

impl Erased {
    /// Room for a value.
    #[inline]
    pub fn of<T>(value: &mut MaybeUninit<Traced<T>>) -> Erased {
        Erased(value.as_mut_ptr().cast())
    }

    /// Puts the head there. Answers the value, and where its bytes are to be put.
    pub fn init(self, head: Head, ty: &'static TypeFacts) -> (Shadow, *mut u8) {
        // SAFETY: there is room for a value of this type, which begins with its head.
        unsafe { self.0.write(head) };
        let value = Shadow::with_head(self.0, ty);
        (value, value.start())
    }
}

/// Memory for a value of the twin, for code that is the same for all types. What is put there is not dropped.
pub(super) struct Room {
    words: SmallVec<[u64; 8]>,
    align: usize,
}

impl Room {
    pub fn of(ty: &TypeFacts) -> Room {
        let align = ty.align.max(align_of::<Head>());
        let words = (ty.offset + ty.size + align).div_ceil(8);
        Room { words: SmallVec::from_elem(0, words), align }
    }

    /// Where a value of the type is to be put.
    pub fn erased(&mut self) -> Erased {
        let start = self.words.as_mut_ptr().cast::<u8>();
        // The memory is by the alignment larger than the value.
        Erased(start.wrapping_add(start.align_offset(self.align)).cast())
    }
}

/// # Safety
/// So many bytes can be read and written there, which do not overlap.
#[inline]
pub(super) unsafe fn copy_bytes(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller vouches for it. They may be padding.
    let copy = |n| unsafe {
        std::ptr::copy_nonoverlapping(
            from.cast::<MaybeUninit<u8>>(),
            to.cast::<MaybeUninit<u8>>(),
            n,
        )
    };
    // Sizes that the compiler knows are no calls.
    match size {
        8 => copy(8),
        16 => copy(16),
        24 => copy(24),
        n => copy(n),
    }
}

impl<T> Drop for Traced<T> {
    #[inline]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            Shadow::of_mut(self).end_of_scope();
        }
    }
}

impl Shadow {
    /// Of a value that owns something.
    #[inline(never)]
    fn end_of_scope(self) {
        let head = self.head();
        if let Some(number) = head.kept() {
            return self.keep(number);
        }
        if !head.is_moved() {
            self.drop_value();
        }
        self.give_back(Rec::current());
    }

    /// Gives the memory back that the value was moved into.
    pub(super) fn give_back(self, rec: Rec) {
        if self.head().is_spilled() {
            rec.arena().give_back(rec, self.head().take_spilled());
        }
    }

    fn drop_value(self) {
        let (rec, head) = (Rec::current(), self.head());
        let owner = std::ptr::from_ref(head);
        match rec.arena().rest_of(owner.addr()) {
            Some((rest, gone)) => rest(rec, owner.cast(), gone),
            None => match head.dropper(rec).filter(|_| !head.is_spilled()) {
                Some(dropper) => dropper(rec, owner.cast()),
                None => super::call::drop_local(rec, self),
            },
        }
    }

    /// Instead of a drop: hands the value to the plain function.
    fn keep(self, number: usize) {
        let (rec, head) = (Rec::current(), self.head());
        let moved = head.is_moved();
        self.unspill(rec);
        let (size, start) = (self.len(), self.start());
        let mut bytes: SmallVec<[u8; 32]> = SmallVec::from_elem(0, size);
        for at in (0..size).step_by(8) {
            let n = (size - at).min(8);
            // SAFETY: both are as large as the value.
            unsafe {
                let word = read_bits(start.add(at), n);
                write_bits(bytes.as_mut_ptr().add(at), word, n);
            }
        }
        // Parts that are missing are no drop: the plain function's text assigns them again, or it has
        // left by a panic, and then they are leaked with the rest.
        let moved = moved || rec.arena().rest_of(std::ptr::from_ref(head).addr()).is_some();
        rec.arena().kept.borrow_mut().push(Kept { number, bytes, lanes: head.lanes(), moved });
    }

    /// Moves the value out, or copies it.
    #[inline(never)]
    fn take(self, to: Erased) {
        let (head, facts) = (self.head(), self.facts());
        if head.is_spilled() {
            return self.take_spilled(to);
        }
        let (_, start) = to.init(head.taken(), facts);
        head.set_moved(true);
        // SAFETY: both are as large, and of the two that there are now, this one is disowned. The bytes between the
        // value's parts come with it: words of the value may become part of the trace, which is to be the same each
        // time.
        unsafe { copy_bytes(self.start(), start, facts.size) };
    }

    /// A copy of the part of this type at an offset, with the bytes between the parts of that: see [`Shadow::take`].
    ///
    /// # Safety
    /// It lies there. Of the two that there are then, one is not used any more.
    #[inline(never)]
    unsafe fn copy_part(self, rec: Rec, offset: usize, ty: &'static TypeFacts, to: Erased) {
        let lanes = slice(rec, self.bytes(), self.lanes(), offset as u32, ty.size as u32);
        let (_, start) = to.init(Head::new(lanes), ty);
        // SAFETY: the caller vouches for the part.
        unsafe { copy_bytes(self.start().add(offset), start, ty.size) };
    }

    #[cold]
    fn take_spilled(self, to: Erased) {
        let moved = self.head().is_moved();
        self.disown();
        // There is nothing to drop until it has been read.
        let (taken, _) = to.init(Head::new(Lanes::CONST), self.facts());
        taken.disown();
        taken.read_spilled(self.head().memory());
        taken.head().set_moved(moved);
    }

    /// Reads the value from the memory that it was moved into.
    #[cold]
    fn read_spilled(self, memory: Arg) {
        // SAFETY: the memory has a value of this type.
        let lanes = unsafe { super::place::read_spilled(memory, self.start(), self.facts()) };
        self.head().set_lanes(lanes);
    }

    /// Takes the value back from the memory that it was moved into.
    #[cold]
    fn unspill(self, rec: Rec) {
        if let Some(memory) = self.spilled() {
            self.read_spilled(memory);
            self.give_back(rec);
        }
    }
}

impl<T> Traced<T> {
    #[inline]
    pub(crate) fn new(value: MaybeUninit<T>, lanes: Lanes) -> Traced<T> {
        Traced { head: Head::new(lanes), value }
    }

    /// A copy of the bytes there, with those between the value's parts: a `MaybeUninit` that is moved may leave them
    /// behind. Words of the value may become part of the trace, which is to be the same each time.
    ///
    /// # Safety
    /// A value lies there. Of the two that there are then, one is not used any more.
    #[inline]
    unsafe fn copied(from: *const T, lanes: Lanes) -> Traced<T> {
        let mut copy = Traced::new(MaybeUninit::<T>::uninit(), lanes);
        // SAFETY: the caller vouches for it.
        unsafe {
            let to = copy.value.as_mut_ptr().cast::<MaybeUninit<u8>>();
            to.copy_from_nonoverlapping(from.cast(), size_of::<T>());
        }
        copy
    }

    /// What the trace knows of the bytes.
    #[inline]
    pub(crate) fn lanes(&self) -> Lanes {
        self.head.lanes()
    }

    /// Drops it like this in a trace.
    pub(crate) fn set_dropper(&self, dropper: Dropper) {
        self.head.set_dropper(dropper);
    }

    /// It is a variable of the portal, with that number.
    pub(crate) fn set_kept(&self, number: usize) {
        let number = u8::try_from(number + 1).expect("a portal has few variables");
        self.head.set_mark(Mark::KEPT, number.into());
    }

    /// Assigns to a variable of the portal: drops what was there.
    pub(crate) fn assign_kept(&mut self, value: Traced<T>) {
        let kept = self.head.mark(Mark::KEPT);
        self.head.set_mark(Mark::KEPT, 0);
        let old = std::mem::replace(self, value);
        self.head.set_mark(Mark::KEPT, kept);
        drop(old);
    }

    /// A value that is the same on every run of the trace.
    pub fn constant(value: T) -> Traced<T> {
        Traced::new(MaybeUninit::new(value), Lanes::CONST)
    }

    /// The value for looking at it: it stays with its owner.
    pub fn peek(&self) -> Traced<T> {
        let owned = self.head.is_moved();
        let looked_at = self.take();
        self.head.set_moved(owned);
        looked_at.disown();
        looked_at
    }

    /// Somebody else owns the value.
    pub(crate) fn disown(&self) {
        self.head.set_moved(true);
    }

    /// The value is owned here again.
    pub(crate) fn reown(&self) {
        self.head.set_moved(false);
    }

    /// What a use of the variable yields: a copy, or the value itself if it owns something, which is
    /// then moved away.
    #[inline(never)]
    pub fn take(&self) -> Traced<T> {
        Traced::of_erased(|head| Shadow::of(self).take(head))
    }

    /// A value made by code that is the same for all types, which is given where to put it.
    #[inline]
    pub(super) fn of_erased(make: impl FnOnce(Erased)) -> Traced<T> {
        let mut value = MaybeUninit::<Traced<T>>::uninit();
        make(Erased::of(&mut value));
        // SAFETY: `make` is this crate's, and makes one.
        unsafe { made(&value) }
    }

    /// Takes the value back from the memory that it was moved into.
    #[inline]
    pub(crate) fn unspill(&mut self, rec: Rec) {
        if self.head.is_spilled() {
            Shadow::of_mut(self).unspill(rec);
        }
    }

    /// The value, which somebody else drops from here on.
    pub(crate) fn take_whole(&self) -> std::mem::ManuallyDrop<Traced<T>> {
        std::mem::ManuallyDrop::new(self.take())
    }

    /// The plain value. The twin's is moved away.
    #[inline(never)]
    pub(crate) fn into_plain(mut self) -> T {
        self.disown();
        self.refresh();
        // SAFETY: a `Traced` is only made from an initialized value, and is used once if it owns.
        unsafe { self.value.as_ptr().read() }
    }

    /// Gives pointers to locals that have been spilled since their new address.
    fn refresh(&mut self) {
        if !self.lanes().is_const() {
            let value = self.value.as_mut_ptr().cast::<u8>();
            // SAFETY: the pieces lie within the value.
            unsafe { refresh(value, self.lanes()) }
        }
    }

    /// The value's pieces as machine arguments of these types at these offsets.
    pub(crate) fn args_of(&self, rec: Rec, layout: &[PieceTy]) -> Args {
        args_of(rec, Bytes::of(self), self.lanes(), layout)
    }

    /// Appends the machine arguments of a residual call that is given the value.
    pub(crate) fn push_args(&self, rec: Rec, out: &mut Args) {
        let value = Shadow::of(self);
        value.push_args(rec, &value.facts().call_words(), out);
    }

    /// A value whose bytes are known by lanes in a layout.
    pub(crate) fn of_args(
        rec: Rec,
        value: MaybeUninit<T>,
        layout: &[PieceTy],
        lanes: &[Lane],
    ) -> Traced<T> {
        Traced::new(value, lanes_of(rec, layout, lanes))
    }
}

impl<T> Traced<T> {
    /// The part of the value at an offset.
    ///
    /// # Safety
    /// A `U` that may be used once lies there.
    pub(crate) unsafe fn part<U>(&self, rec: Rec, offset: usize) -> Traced<U> {
        let ty = const { TypeFacts::of::<U>() };
        // SAFETY: the caller vouches for the part.
        Traced::of_erased(|out| unsafe { Shadow::of(self).copy_part(rec, offset, ty, out) })
    }
}

impl<A, B> Traced<(A, B)> {
    /// Both halves.
    pub(crate) fn split(self, rec: Rec) -> (Traced<A>, Traced<B>) {
        let this = self.take_whole();
        // SAFETY: the halves are all of the pair, which is not used any more.
        unsafe { (this.part(rec, offset_of!((A, B), 0)), this.part(rec, offset_of!((A, B), 1))) }
    }
}

impl<T> Traced<super::degrade::Kept<T>> {
    /// The value in it.
    pub(crate) fn unwrapped(mut self, rec: Rec) -> Traced<T> {
        let place = super::place::Local::as_place(&mut self);
        let offset = offset_of!(super::degrade::Kept<T>, 0) as isize;
        let value = place.part::<T>(rec, offset).read_any(rec);
        self.disown();
        value
    }
}

/// # Safety
/// The pieces lie within the value that starts there.
unsafe fn refresh(value: *mut u8, lanes: Lanes) {
    let rec = Rec::current();
    for piece in lanes.pieces(rec) {
        let What::Address(number) = piece.what else { continue };
        if let Some(address) = rec.arena().addr(number).spilled_address() {
            // SAFETY: the caller vouches for the piece.
            unsafe { write_bits(value.add(piece.offset as usize), address, 8) };
        }
    }
}

pub(crate) fn args_of(rec: Rec, bytes: Bytes, lanes: Lanes, layout: &[PieceTy]) -> Args {
    let mut args = Args::new();
    push_args_of(rec, bytes, lanes, layout, &mut args);
    args
}

pub(crate) fn push_args_of(
    rec: Rec,
    bytes: Bytes,
    lanes: Lanes,
    layout: &[PieceTy],
    out: &mut Args,
) {
    if lanes.is_const() {
        for piece in layout {
            out.push(Arg::constant(piece.ty, bytes.bits(piece.offset, piece.ty)));
        }
        return;
    }
    if lanes.kind() != LanesKind::Many {
        for piece in layout {
            out.push(extract(rec, bytes, lanes, piece.offset, piece.ty));
        }
        return;
    }
    let pieces = lanes.pieces(rec);
    for piece in layout {
        out.push(extract_of(rec, bytes, &pieces, piece.offset, piece.ty));
    }
}

pub(crate) fn lanes_of(rec: Rec, layout: &[PieceTy], lanes: &[Lane]) -> Lanes {
    lanes_of_each(rec, layout, lanes.iter().copied())
}

/// The same of machine arguments.
pub(crate) fn lanes_of_args(rec: Rec, layout: &[PieceTy], args: &[Arg]) -> Lanes {
    lanes_of_each(rec, layout, args.iter().map(|arg| arg.lane))
}

#[inline]
fn lanes_of_each(
    rec: Rec,
    layout: &[PieceTy],
    mut lanes: impl ExactSizeIterator<Item = Lane>,
) -> Lanes {
    if let [PieceTy { offset: 0, ty, .. }] = *layout
        && lanes.len() == 1
        && let Some(lane) = lanes.next()
    {
        return Lanes::scalar(ty, lane);
    }
    let mut pieces = Pieces::new();
    for (piece, lane) in layout.iter().zip(lanes) {
        if !lane.is_const() {
            pieces.push(Piece { offset: piece.offset, what: What::Lane(piece.ty, lane) });
        }
    }
    Lanes::of(rec, &pieces)
}

impl<T: Traceable> Traced<T> {
    /// The machine arguments of the value, in its layout.
    pub(crate) fn args(&self, rec: Rec) -> Args {
        self.args_of(rec, T::LAYOUT)
    }

    /// Appends them.
    #[inline]
    pub(crate) fn push_args_in_layout(&self, rec: Rec, out: &mut Args) {
        let (bytes, lanes) = (Bytes::of(self), self.lanes());
        // By far the most values are one scalar of a size that is known here, or an address and a constant.
        let (first, second) = match T::LAYOUT {
            [first @ PieceTy { offset: 0, .. }] => (first, None),
            [first @ PieceTy { offset: 0, .. }, second] => (first, Some(second)),
            _ => return push_args_of(rec, bytes, lanes, T::LAYOUT, out),
        };
        let first = match (lanes.as_scalar(first.ty), lanes.as_address()) {
            (Some(lane), _) => Arg::new(lane, first.ty, bytes.bits(0, first.ty)),
            (None, Some(number)) => rec.arena().address_for_use(rec, number),
            (None, None) => return push_args_of(rec, bytes, lanes, T::LAYOUT, out),
        };
        // There is one at each merge point for each variable of the portal: no call.
        out.push(first);
        if let Some(second) = second {
            append(out, &[Arg::constant(second.ty, bytes.bits(second.offset, second.ty))]);
        }
    }

    /// The value, with a guard for each scalar of it that makes the scalar a constant.
    pub(crate) fn promoted(self, rec: Rec) -> Traced<T>
    where
        T: Copy,
    {
        let promote = |arg: &Arg| {
            rec.step();
            rec.promote(*arg)
        };
        let args = self.args(rec);
        let lanes: SmallVec<[Lane; 4]> = args.iter().map(promote).collect();
        let promoted = Traced::of_args(rec, self.value, T::LAYOUT, &lanes);
        if const { matches!(T::LAYOUT, [first, ..] if first.keeps_frozen) } {
            let words: Args = zip(&args, lanes).map(|(&arg, lane)| Arg { lane, ..arg }).collect();
            if rec.is_green(typeid::of::<T>(), &words) {
                set_known_green(rec, &promoted);
            }
        }
        promoted
    }
}

impl<T: Copy> Traced<T> {
    /// The same bits under another type.
    pub(crate) fn same_bits<U: crate::shims::Plain>(&self) -> Traced<U>
    where
        T: crate::shims::Plain,
    {
        const { assert!(size_of::<T>() == size_of::<U>()) };
        let mut value = MaybeUninit::<U>::uninit();
        // SAFETY: both are as large, and all bits are a value of what is `Plain`.
        unsafe { value.as_mut_ptr().cast::<MaybeUninit<T>>().write(self.value) };
        Traced::new(value, self.lanes())
    }

    /// The concrete value.
    #[inline]
    pub fn get(&self) -> T {
        // SAFETY: a `Traced` is only made from an initialized value.
        unsafe { self.value.as_ptr().read() }
    }

    /// A copy.
    #[inline]
    pub fn dup(&self) -> Traced<T> {
        // SAFETY: what is `Copy` may be there twice.
        unsafe { Traced::copied(self.value.as_ptr(), self.lanes()) }
    }
}

/// The bytes of a value.
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    start: *const u8,
    len: u32,
}

impl Bytes {
    #[inline]
    pub fn of<T>(value: &Traced<T>) -> Bytes {
        Bytes::at(value.value.as_ptr())
    }

    /// Bytes that are alive for as long as this is used.
    pub fn new(start: *const u8, len: u32) -> Bytes {
        Bytes { start, len }
    }

    /// The bytes of a value that is alive for as long as this is used.
    #[inline]
    pub fn at<T>(value: *const T) -> Bytes {
        Bytes { start: value.cast(), len: size_of::<T>() as u32 }
    }

    pub fn len(self) -> u32 {
        self.len
    }

    pub fn start(self) -> *const u8 {
        self.start
    }

    /// # Safety
    /// So many bytes can be written there.
    pub unsafe fn copy_to(self, to: *mut u8) {
        // SAFETY: `start` and `len` are those of a value that is alive; the caller vouches for the place,
        // which may be the same.
        unsafe { std::ptr::copy(self.start, to, self.len as usize) }
    }

    /// The bits at an offset; what lies behind the end is zero.
    #[inline]
    pub fn bits(self, offset: u32, ty: Ty) -> u64 {
        let n = ty.bytes().min(self.len.saturating_sub(offset));
        // SAFETY: `start` and `len` are those of a value that is alive (`Bytes::of`, `Bytes::at`).
        unsafe { read_bits(self.start.wrapping_add(offset as usize), n as usize) & ty.mask() }
    }
}

/// Reads up to eight bytes, which may be padding.
///
/// # Safety
/// So many bytes can be read there.
#[inline]
pub(crate) unsafe fn read_bits(at: *const u8, n: usize) -> u64 {
    let mut word = MaybeUninit::<u64>::new(0);
    let to = word.as_mut_ptr().cast::<u8>();
    // SAFETY: the caller vouches for the bytes; at most eight go into a word.
    let copy = |n| unsafe { std::ptr::copy_nonoverlapping(at, to, n) };
    // Sizes that the compiler knows are single instructions.
    match n {
        8.. => copy(8),
        4 => copy(4),
        1 => copy(1),
        n => copy(n),
    }
    freeze(word)
}

/// Some value of a word of which bytes may be uninitialized: padding that is moved along.
///
/// What it is may differ from run to run, and so may constants of a trace. It would be in vain to make it zero where
/// a value is put together: a pair of scalars is passed on as these two, and what lies between is lost. Which bytes
/// are padding would have to be known here, where nothing is known of the type.
#[inline]
fn freeze(word: MaybeUninit<u64>) -> u64 {
    let frozen: u64;
    // SAFETY: the empty instruction hands the register over as it is, which makes whatever is in it
    // a value.
    #[cfg(not(miri))]
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) word => frozen, options(pure, nomem, nostack, preserves_flags));
    }
    #[cfg(miri)]
    {
        // SAFETY: Miri refuses padding here, and rightly so; it knows no assembly.
        frozen = unsafe { word.assume_init() };
    }
    frozen
}

/// The same for words in memory, from there on.
///
/// # Safety
/// They are the words of a slice that nobody else uses now.
#[inline]
pub(crate) unsafe fn freeze_words(words: *mut u64) {
    // SAFETY: the empty instruction may write to memory for all that the compiler knows, so that there are
    // values in it. Miri refuses padding, and rightly so; it knows no assembly.
    #[cfg(not(miri))]
    unsafe {
        std::arch::asm!("/* {0} */", in(reg) words, options(nostack, preserves_flags));
    }
    let _ = words;
}

/// Writes the low bytes of a word.
///
/// # Safety
/// So many bytes can be written there.
pub(crate) unsafe fn write_bits(at: *mut u8, bits: u64, n: usize) {
    let word = bits.to_le_bytes();
    // SAFETY: the caller vouches for the place.
    let copy = |n| unsafe { std::ptr::copy_nonoverlapping(word.as_ptr(), at, n) };
    // As in `read_bits`.
    match n {
        8.. => copy(8),
        4 => copy(4),
        1 => copy(1),
        n => copy(n),
    }
}

const _: () = assert!(cfg!(target_endian = "little"), "words are taken apart low byte first");

fn int_of(bytes: u32) -> Ty {
    match bytes {
        1 => Ty::I8,
        2 => Ty::I16,
        3 | 4 => Ty::I32,
        _ => Ty::I64,
    }
}

/// The bytes at an offset as a value of a type.
pub(crate) fn extract(rec: Rec, bytes: Bytes, lanes: Lanes, offset: u32, ty: Ty) -> Arg {
    // By far the most values are this scalar.
    let (from, of) = (lanes.offset(), lanes.ty());
    let known = match lanes.kind() {
        LanesKind::Const => Some(Lane::CONST),
        LanesKind::Many => None,
        _ if from + of.bytes() <= offset || offset + ty.bytes() <= from => Some(Lane::CONST),
        _ if from != offset || of != ty => None,
        LanesKind::Lane => Some(Lane::from_bits(lanes.word())),
        LanesKind::Address => return rec.arena().addr(lanes.word()).address_for_use(rec),
    };
    if let Some(lane) = known {
        return Arg::new(lane, ty, bytes.bits(offset, ty));
    }
    lanes.with(rec, |pieces| extract_of(rec, bytes, pieces, offset, ty))
}

/// The same of these pieces.
pub(crate) fn extract_of(rec: Rec, bytes: Bytes, pieces: &[Piece], offset: u32, ty: Ty) -> Arg {
    let end = offset + ty.bytes();
    let mut under = pieces.iter().filter(|piece| piece.offset < end && offset < piece.end());
    let Some(first) = under.next() else {
        return Arg::new(Lane::CONST, ty, bytes.bits(offset, ty));
    };
    let exact = first.offset == offset && first.ty().bytes() == ty.bytes();
    if exact {
        return convert(rec, first.arg(rec, bytes.bits(offset, first.ty())), ty);
    }
    let target = int_of(ty.bytes());
    let whole = convert_rest(rec, bytes, pieces, offset, target);
    convert(rec, whole, ty)
}

/// Puts an integer together from all pieces that it overlaps.
fn convert_rest(rec: Rec, bytes: Bytes, pieces: &[Piece], offset: u32, target: Ty) -> Arg {
    let end = offset + target.bytes();
    let mut constant = bytes.bits(offset, target);
    let mut whole: Option<Arg> = None;
    for piece in pieces.iter().filter(|piece| piece.offset < end && offset < piece.end()) {
        let int = int_of(piece.ty().bytes());
        let mut part = convert(rec, piece.arg(rec, bytes.bits(piece.offset, piece.ty())), int);
        if piece.offset < offset {
            part = shift(rec, Opcode::UintRshift, part, 8 * (offset - piece.offset));
        }
        part = resize(rec, part, target);
        let mut covered = mask_of(piece.ty().bytes());
        if piece.offset < offset {
            covered >>= 8 * (offset - piece.offset);
        } else if piece.offset > offset {
            part = shift(rec, Opcode::IntLshift, part, 8 * (piece.offset - offset));
            covered <<= 8 * (piece.offset - offset);
        }
        constant &= !covered;
        whole = Some(match whole {
            None => part,
            Some(whole) => or(rec, whole, part),
        });
    }
    let whole = whole.expect("a piece lies there");
    match constant & target.mask() {
        0 => whole,
        constant => or(rec, whole, Arg::constant(target, constant)),
    }
}

fn mask_of(bytes: u32) -> u64 {
    u64::MAX >> (64 - 8 * bytes)
}

fn or(rec: Rec, a: Arg, b: Arg) -> Arg {
    let res = Const::new(a.ty, a.bits | b.bits);
    Arg::of(rec.op_silently(Opcode::IntOr, &[a, b], res), res)
}

fn shift(rec: Rec, opcode: Opcode, a: Arg, count: u32) -> Arg {
    let ty = a.ty;
    let bits = match opcode {
        Opcode::IntLshift => a.bits << count,
        _ => a.bits >> count,
    };
    let res = Const::new(ty, bits);
    let lane = rec.op_silently(opcode, &[a, Arg::constant(ty, u64::from(count))], res);
    Arg::of(lane, res)
}

/// An integer as one of another width.
fn resize(rec: Rec, a: Arg, to: Ty) -> Arg {
    let from = a.ty;
    let res = Const::new(to, a.bits);
    let opcode = match from.bytes().cmp(&to.bytes()) {
        std::cmp::Ordering::Equal => return a,
        std::cmp::Ordering::Less => Opcode::IntZeroext,
        std::cmp::Ordering::Greater => Opcode::IntTrunc,
    };
    Arg::of(rec.op_silently(opcode, &[a], res), res)
}

/// The same bits under another type of the same size.
pub(crate) fn convert(rec: Rec, a: Arg, to: Ty) -> Arg {
    let from = a.ty;
    if from == to {
        return a;
    }
    if a.lane.is_const() {
        return Arg::new(Lane::CONST, to, a.bits);
    }
    debug_assert_eq!(from.bytes(), to.bytes(), "{from} as {to}");
    let int = int_of(from.bytes());
    let step = |opcode: Opcode, a: Arg, to: Ty| {
        let res = Const::new(to, a.bits);
        Arg::of(rec.op_silently(opcode, &[a], res), res)
    };
    let as_int = match from {
        Ty::F32 | Ty::F64 => step(Opcode::ConvertFloatBytesToInt, a, int),
        Ty::Ptr => step(Opcode::CastPtrToInt, a, int),
        Ty::Bool => step(Opcode::CastBoolToInt, a, int),
        _ => a,
    };
    match to {
        Ty::F32 | Ty::F64 => step(Opcode::ConvertIntBytesToFloat, as_int, to),
        Ty::Ptr => step(Opcode::CastIntToPtr, as_int, to),
        Ty::Bool => step(Opcode::IntIsTrue, as_int, to),
        _ => as_int,
    }
}

/// The pieces of a part, counted from its start.
pub(crate) fn slice(rec: Rec, bytes: Bytes, lanes: Lanes, offset: u32, len: u32) -> Lanes {
    if lanes.is_const() || (offset == 0 && len >= bytes.len) {
        return lanes;
    }
    let pieces = lanes.pieces(rec);
    let mut part = Pieces::new();
    push_range(rec, bytes, &pieces, offset, offset + len, &mut part);
    for piece in &mut part {
        piece.offset -= offset;
    }
    Lanes::of(rec, &part)
}

/// The pieces of a value in which the bytes from `offset` on are those of `part`.
pub(crate) fn replace(
    rec: Rec,
    bytes: Bytes,
    lanes: Lanes,
    offset: u32,
    len: u32,
    part: Lanes,
) -> Lanes {
    let pieces = lanes.pieces(rec);
    let mut all = Pieces::new();
    push_range(rec, bytes, &pieces, 0, offset, &mut all);
    shifted(rec, part, offset as usize, &mut all);
    push_range(rec, bytes, &pieces, offset + len, u32::MAX, &mut all);
    Lanes::of(rec, &all)
}

/// Appends the pieces in `from..to`; one that reaches out of the range is cut.
fn push_range(rec: Rec, bytes: Bytes, pieces: &[Piece], from: u32, to: u32, out: &mut Pieces) {
    for piece in pieces.iter().filter(|piece| piece.offset < to && from < piece.end()) {
        if from <= piece.offset && piece.end() <= to {
            out.push(*piece);
            continue;
        }
        let (mut at, end) = (piece.offset.max(from), piece.end().min(to));
        while at < end {
            let size = 1 << (end - at).ilog2().min(3);
            let cut = extract_of(rec, bytes, &[*piece], at, int_of(size));
            if !cut.lane.is_const() {
                out.push(Piece { offset: at, what: What::Lane(cut.ty, cut.lane) });
            }
            at += size;
        }
    }
}

/// Moves the pieces of a part to where it lies in its whole.
pub(crate) fn shifted(rec: Rec, lanes: Lanes, offset: usize, out: &mut Pieces) {
    lanes.with(rec, |pieces| {
        for piece in pieces {
            out.push(Piece { offset: piece.offset + offset as u32, ..*piece });
        }
    });
}

/// Pieces of several parts as those of the whole.
pub(crate) fn joined(rec: Rec, mut pieces: Pieces) -> Lanes {
    pieces.sort_by_key(|piece| piece.offset);
    Lanes::of(rec, &pieces)
}

/// What kind of scalar a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `char`.
    Char,
    /// A signed integer.
    Signed,
    /// An unsigned integer.
    Unsigned,
    /// A float.
    Float,
    /// A thin raw pointer.
    Pointer,
}

/// Values of one word.
pub trait Scalar: Traceable + Copy {
    /// The word's type.
    const TY: Ty;
    /// What it is.
    const KIND: Kind;
    /// The smallest value.
    const LEAST: Self;
    /// The largest value.
    const GREATEST: Self;
    /// The word.
    fn bits(self) -> u64;
    /// The inverse.
    fn of_bits(bits: u64) -> Self;
}

impl<T> Traced<T> {
    /// A copy under the name of the type that this one is, which the caller has compared.
    pub(crate) fn scalar_as<U: Scalar>(&self) -> Traced<U> {
        assert_eq!(typeid::of::<T>(), typeid::of::<U>());
        let value = self.peek();
        // SAFETY: the two are one type, which owns nothing.
        Traced::new(unsafe { value.value.as_ptr().cast::<MaybeUninit<U>>().read() }, value.lanes())
    }

    /// Under another name of its type, which the caller has compared.
    pub(crate) fn named<U>(self) -> Traced<U> {
        assert!(typeid::of::<T>() == typeid::of::<U>() && !std::mem::needs_drop::<T>());
        // SAFETY: the two are one type, which owns nothing.
        let value = unsafe { self.value.as_ptr().cast::<MaybeUninit<U>>().read() };
        let named = Traced::new(value, self.lanes());
        named.head.set_variant_known(self.head.variant_is_known());
        named
    }

    /// The word of what turns out to be a scalar of this type.
    pub(crate) fn scalar_arg(&self, rec: Rec, ty: Ty) -> Arg {
        extract(rec, Bytes::of(self), self.lanes(), 0, ty)
    }

    /// What turns out to be a scalar, from its word.
    pub(crate) fn of_scalar_arg(arg: Arg) -> Traced<T> {
        assert_eq!(size_of::<T>(), arg.ty.bytes() as usize);
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: so many bytes are there; the caller vouches for the type by [`ops::Repr`].
        unsafe { write_bits(value.as_mut_ptr().cast(), arg.bits, size_of::<T>()) };
        Traced::new(value, Lanes::scalar(arg.ty, arg.lane))
    }
}

impl<T: Scalar> Traced<T> {
    #[inline]
    pub(crate) fn scalar(value: T, lane: Lane) -> Traced<T> {
        Traced::new(MaybeUninit::new(value), Lanes::scalar(T::TY, lane))
    }

    #[inline]
    pub(crate) fn arg(&self) -> Arg {
        let bits = Scalar::bits(self.get());
        match self.lanes().as_scalar(T::TY) {
            Some(lane) => Arg::new(lane, T::TY, bits),
            None => self.scalar_arg(Rec::current(), T::TY),
        }
    }

    #[inline]
    pub(crate) fn lane(&self) -> Lane {
        self.arg().lane
    }
}

pub(crate) fn constant_of<T: Scalar>(value: T) -> Const {
    Const::new(T::TY, value.bits())
}

macro_rules! scalar {
    ($($ty:ty: $trace_ty:ident $kind:ident, $least:expr, $greatest:expr, $niche:expr, $x:ident => $bits:expr, $back:expr;)*) => {$(
        // SAFETY: the value is its one piece.
        unsafe impl Traceable for $ty {
            const LAYOUT: &'static [PieceTy] = &[PieceTy::at(0, Ty::$trace_ty)];
            const NICHE: Option<layout::Niche> = $niche;
        }

        impl Scalar for $ty {
            const TY: Ty = Ty::$trace_ty;
            const KIND: Kind = Kind::$kind;
            const LEAST: Self = $least;
            const GREATEST: Self = $greatest;

            #[inline]
            fn bits(self) -> u64 {
                let $x = self;
                $bits
            }

            #[inline]
            fn of_bits($x: u64) -> Self {
                $back
            }
        }
    )*};
}

scalar! {
    bool: Bool Bool, false, true, Some(layout::Niche::below(0, Ty::I8, 2)), x => x as u64, x & 1 == 1;
    char: I32 Char, '\0', char::MAX, Some(layout::Niche::below(0, Ty::I32, 0x11_0000)), x => x as u64,
        char::from_u32(x as u32).expect("the word of a char");
    i8: I8 Signed, i8::MIN, i8::MAX, None, x => x as u8 as u64, x as i8;
    i16: I16 Signed, i16::MIN, i16::MAX, None, x => x as u16 as u64, x as i16;
    i32: I32 Signed, i32::MIN, i32::MAX, None, x => x as u32 as u64, x as i32;
    i64: I64 Signed, i64::MIN, i64::MAX, None, x => x as u64, x as i64;
    isize: I64 Signed, isize::MIN, isize::MAX, None, x => x as u64, x as isize;
    u8: I8 Unsigned, u8::MIN, u8::MAX, None, x => x as u64, x as u8;
    u16: I16 Unsigned, u16::MIN, u16::MAX, None, x => x as u64, x as u16;
    u32: I32 Unsigned, u32::MIN, u32::MAX, None, x => x as u64, x as u32;
    u64: I64 Unsigned, u64::MIN, u64::MAX, None, x => x, x;
    usize: I64 Unsigned, usize::MIN, usize::MAX, None, x => x as u64, x as usize;
    f32: F32 Float, f32::NEG_INFINITY, f32::INFINITY, None, x => x.to_bits() as u64, f32::from_bits(x as u32);
    f64: F64 Float, f64::NEG_INFINITY, f64::INFINITY, None, x => x.to_bits(), f64::from_bits(x);
}

/// The value just below, for the end of a half-open range pattern.
pub fn before<T: Scalar>(value: T) -> T {
    T::of_bits(value.bits().wrapping_sub(1) & T::TY.mask())
}
