//! Layouts: in which pieces a value lies in memory, and where its discriminant is.
//!
//! A value can always be moved in machine words ([`words`]). [`Traceable`] says more: the scalars that
//! a type is made of, so that a load of an `f64` field is a float and a tag is a byte. What is said
//! must be true of the bytes; what is not said costs a shift or a conversion, nothing else.
//!
//! rustc does not promise where `Option` and `Result` keep their discriminant. It is looked for where
//! rustc puts it, and each concrete value is asked whether it agrees ([`Tagged::agrees`]); if one does
//! not, its discriminant is read by a call.
#![expect(unsafe_code, reason = "states the layout of types")]

use super::call::Drops;
use super::place::Pointee;
use super::value::Traced;
use metainterp::ir::Ty;
use smallvec::SmallVec;
use std::any::TypeId;
use std::mem::{MaybeUninit, needs_drop, offset_of};
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

/// A scalar at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceTy {
    /// In bytes from the start of the value.
    pub offset: u32,
    /// The scalar's type.
    pub ty: Ty,
    /// What it points to is as frozen as the memory it is in: shared references and boxes.
    pub keeps_frozen: bool,
}

impl PieceTy {
    /// A scalar that is no reference.
    pub const fn at(offset: u32, ty: Ty) -> PieceTy {
        PieceTy { offset, ty, keeps_frozen: false }
    }

    /// A reference, or a box.
    pub const fn owned_pointer(offset: u32) -> PieceTy {
        PieceTy { offset, ty: Ty::Ptr, keeps_frozen: true }
    }
}

/// Bits that no value of a type has at some place: where `Option` may keep its discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Niche {
    /// The place.
    pub offset: u32,
    /// Its type.
    pub ty: Ty,
    /// Values that occur, as unsigned numbers, are `first..first + n`.
    pub first: u64,
    /// See `first`.
    pub n: u64,
}

impl Niche {
    /// Only numbers below `n` occur.
    pub const fn below(offset: u32, ty: Ty, n: u64) -> Niche {
        Niche { offset, ty, first: 0, n }
    }

    /// A pointer that is never null.
    pub const fn non_null(offset: u32) -> Niche {
        Niche { offset, ty: Ty::I64, first: 1, n: u64::MAX }
    }

    /// That of a struct, from its fields' offsets, sizes and niches. Which of several fields rustc takes is not
    /// said, so there is to be one that has bytes.
    pub const fn of_struct(fields: &[(usize, usize, Option<Niche>)]) -> Option<Niche> {
        let mut found = None;
        let (mut at, mut n_found) = (0, 0);
        while at < fields.len() {
            let (offset, size, niche) = fields[at];
            if size > 0 {
                n_found += 1;
                found = match niche {
                    Some(niche) => Some(Niche { offset: niche.offset + offset as u32, ..niche }),
                    None => None,
                };
            }
            at += 1;
        }
        if n_found == 1 { found } else { None }
    }

    pub(crate) fn contains(&self, bits: u64) -> bool {
        bits.wrapping_sub(self.first) & self.ty.mask() < self.n
    }
}

/// Types of which it is known in which pieces their values lie in memory.
///
/// Implemented by `#[derive(Traceable)]` for structs and enums.
///
/// # Safety
/// - The pieces are sorted, do not overlap, and cover all bytes of every value but padding.
/// - A piece of type `Bool` holds 0 or 1 in every value.
/// - A pointer that keeps frozen owns what it points to, or borrows it shared.
pub unsafe trait Traceable: Sized {
    /// The pieces.
    const LAYOUT: &'static [PieceTy];

    /// It is an exclusive reference: as long as it exists it is the only way to its object.
    const EXCLUSIVE: bool = false;

    /// Bits that do not occur.
    const NICHE: Option<Niche> = None;

    /// How a value is dropped in a trace where it lies, if that is more than a call.
    const DROP: Option<fn(super::rec::Rec, super::place::Place<Self>)> = None;

    /// The same for a local of a twin.
    const DROPPER: Option<fn(super::rec::Rec, *const ())> = match Self::DROP {
        Some(_) => Some(super::owned::drop_traced::<Self>),
        None => None,
    };

    /// What is noted of a green variable of this type at each merge point, if there is anything.
    const NOTE_GREEN: Option<fn(super::rec::Rec, *const ())> = None;

    /// Where the discriminant of an `Option` or `Result` is looked for.
    const TAG: fn() -> Option<Tag> = no_tag;

    /// The pieces' types.
    const TYS: &'static [Ty] = const { &types(Self::LAYOUT) }.split_at(Self::LAYOUT.len()).0;
}

/// What says that it is not known where a discriminant is.
fn no_tag() -> Option<Tag> {
    None
}

/// Most pieces of a type with a layout.
pub const MAX_PIECES: usize = 64;

const fn types(layout: &[PieceTy]) -> [Ty; MAX_PIECES] {
    let mut tys = [Ty::Bool; MAX_PIECES];
    let mut at = 0;
    while at < layout.len() {
        tys[at] = layout[at].ty;
        at += 1;
    }
    tys
}

/// The pieces of a whole, put together at compile time.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    pieces: [PieceTy; MAX_PIECES],
    len: usize,
}

impl Joined {
    /// No pieces.
    pub const EMPTY: Joined = Joined { pieces: [PieceTy::at(0, Ty::Bool); MAX_PIECES], len: 0 };

    /// Adds a part at an offset.
    ///
    /// # Panics
    /// At compile time, if there are more than [`MAX_PIECES`].
    pub const fn with(mut self, offset: usize, part: &[PieceTy]) -> Joined {
        let mut at = 0;
        while at < part.len() {
            let piece = PieceTy { offset: part[at].offset + offset as u32, ..part[at] };
            self.insert(piece);
            at += 1;
        }
        self
    }

    const fn insert(&mut self, piece: PieceTy) {
        assert!(self.len < MAX_PIECES, "a type of more than 64 scalars has no layout");
        let mut at = self.len;
        while at > 0 && self.pieces[at - 1].offset > piece.offset {
            self.pieces[at] = self.pieces[at - 1];
            at -= 1;
        }
        self.pieces[at] = piece;
        self.len += 1;
    }

    /// Adds the pieces of another variant of the same value. Where two variants have different scalars in
    /// the same bytes, the bytes are integers as large as the place allows.
    pub const fn or(mut self, variant: Joined) -> Joined {
        let mut at = 0;
        while at < variant.len {
            self.overlay(variant.pieces[at]);
            at += 1;
        }
        self
    }

    const fn overlay(&mut self, mut piece: PieceTy) {
        let mut at = 0;
        while at < self.len {
            let other = self.pieces[at];
            if other.offset < piece.offset + piece.ty.bytes()
                && piece.offset < other.offset + other.ty.bytes()
            {
                if other.offset == piece.offset && same(other.ty, piece.ty) {
                    self.pieces[at].keeps_frozen = other.keeps_frozen && piece.keeps_frozen;
                    return;
                }
                self.remove(at);
                piece = around(other, piece);
                at = 0;
                continue;
            }
            at += 1;
        }
        self.insert(piece);
    }

    const fn remove(&mut self, at: usize) {
        let mut at = at;
        while at + 1 < self.len {
            self.pieces[at] = self.pieces[at + 1];
            at += 1;
        }
        self.len -= 1;
    }

    /// As a payload that not every value has: bytes that are no `bool` then may be anything.
    pub const fn as_payload(mut self) -> Joined {
        let mut at = 0;
        while at < self.len {
            if same(self.pieces[at].ty, Ty::Bool) {
                self.pieces[at].ty = Ty::I8;
            }
            at += 1;
        }
        self
    }

    /// The pieces.
    pub const fn get(&self) -> &[PieceTy] {
        self.pieces.split_at(self.len).0
    }
}

const fn same(a: Ty, b: Ty) -> bool {
    a as u8 == b as u8
}

/// The smallest aligned integer around two pieces.
const fn around(a: PieceTy, b: PieceTy) -> PieceTy {
    let from = if a.offset < b.offset { a.offset } else { b.offset };
    let (a_end, b_end) = (a.offset + a.ty.bytes(), b.offset + b.ty.bytes());
    let to = if a_end > b_end { a_end } else { b_end };
    let mut size = 1;
    while from / size != (to - 1) / size {
        size *= 2;
    }
    let ty = match size {
        1 => Ty::I8,
        2 => Ty::I16,
        4 => Ty::I32,
        8 => Ty::I64,
        _ => panic!("scalars that overlap are aligned"),
    };
    PieceTy::at(from / size * size, ty)
}

// SAFETY: a unit has no bytes.
unsafe impl Traceable for () {
    const LAYOUT: &'static [PieceTy] = &[];
}

macro_rules! tuples {
    ($(($($name:ident $field:tt),+);)*) => {$(
        // SAFETY: the pieces are those of the fields, where the fields are.
        unsafe impl<$($name: Traceable),+> Traceable for ($($name,)+) {
            const LAYOUT: &'static [PieceTy] = const {
                &Joined::EMPTY$(.with(offset_of!(Self, $field), $name::LAYOUT))+
            }
            .get();
        }
    )*};
}

tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

const fn repeated<T: Traceable>(n: usize) -> Joined {
    let mut joined = Joined::EMPTY;
    let mut at = 0;
    while at < n {
        joined = joined.with(at * size_of::<T>(), T::LAYOUT);
        at += 1;
    }
    joined
}

macro_rules! arrays {
    ($($n:literal)*) => {$(
        // SAFETY: the pieces are those of the elements.
        unsafe impl<T: Traceable> Traceable for [T; $n] {
            const LAYOUT: &'static [PieceTy] = const { &repeated::<T>($n) }.get();
        }
    )*};
}

arrays! { 1 2 3 4 5 6 7 8 }

const fn boxed(fat: bool) -> &'static [PieceTy] {
    match fat {
        false => const { &[PieceTy::owned_pointer(0)] },
        true => const { &[PieceTy::owned_pointer(0), PieceTy::at(8, Ty::I64)] },
    }
}

// SAFETY: a `Box` is its pointer, and owns what it points to.
unsafe impl<T: ?Sized + Pointee> Traceable for Box<T> {
    const DROP: Option<fn(super::rec::Rec, super::place::Place<Box<T>>)> = T::DROP_BOX;
    const LAYOUT: &'static [PieceTy] = boxed(T::FAT);
    const NICHE: Option<Niche> = Some(Niche::non_null(0));
}

// SAFETY: it is its pointer, which may be changed through.
unsafe impl<T: ?Sized + Pointee> Traceable for NonNull<T> {
    const LAYOUT: &'static [PieceTy] = match T::FAT {
        false => &[PieceTy::at(0, Ty::Ptr)],
        true => &[PieceTy::at(0, Ty::Ptr), PieceTy::at(8, Ty::I64)],
    };
    const NICHE: Option<Niche> = Some(Niche::non_null(0));
}

macro_rules! counted {
    ($($pointer:ident $drop:expr, $note:expr;)*) => {$(
        // SAFETY: it is its pointer. What it points to has counts that change, so it is not frozen.
        unsafe impl<T> Traceable for $pointer<T> {
            const NOTE_GREEN: Option<fn(super::rec::Rec, *const ())> = $note;
            const DROP: Option<fn(super::rec::Rec, super::place::Place<Self>)> = $drop;
            const LAYOUT: &'static [PieceTy] = &[PieceTy::at(0, Ty::Ptr)];
            const NICHE: Option<Niche> = Some(Niche::non_null(0));
        }
    )*};
}

counted! {
    Rc Some(super::owned::drop_rc::<T>), Some(super::green::note_rc::<T>);
    Arc None, None;
}

macro_rules! words_of {
    ($(<$($t:ident)?> $ty:ty;)*) => {$(
        // SAFETY: words can be moved whatever they are.
        unsafe impl<$($t)?> Traceable for $ty {
            const LAYOUT: &'static [PieceTy] = const { &whole_words(size_of::<Self>()) }.get();
        }
    )*};
}

words_of! { <> String; <T> Vec<T>; }

// SAFETY: in an `Option` the discriminant is either a niche of the payload, where its piece is an
// integer, or a word before the payload.
unsafe impl<T: Traceable> Traceable for Option<T> {
    const DROP: Option<fn(super::rec::Rec, super::place::Place<Self>)> = super::owned::of_option();
    const LAYOUT: &'static [PieceTy] = const { &option_layout::<T>() }.get();
    const TAG: fn() -> Option<Tag> = <Self as Tagged>::tag;
}

const fn option_layout<T: Traceable>() -> Joined {
    let payload = size_of::<Option<T>>() - size_of::<T>();
    if payload > 0 {
        let tag = Joined::EMPTY.with(0, &[PieceTy::at(0, Ty::I8)]);
        return tag.with(payload, T::LAYOUT).as_payload();
    }
    Joined::EMPTY.with(0, T::LAYOUT).as_payload()
}

/// Where a discriminant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// There is one variant only: a struct.
    Single,
    /// An integer with one value per variant.
    Value {
        /// Where.
        offset: u32,
        /// Its type.
        ty: Ty,
    },
    /// One variant is the one whose payload has a value here, the other one the rest.
    Niche(Niche),
}

/// Enums of which it is known where the discriminant is.
pub trait Tagged: Sized {
    /// Where. `None` if it is not known after all.
    fn tag() -> Option<Tag>;

    /// Whether the bits at the tag fit the variant that the value has.
    fn agrees(&self, bits: u64) -> bool;
}

impl<T: Traceable> Tagged for Option<T> {
    fn tag() -> Option<Tag> {
        match size_of::<Option<T>>() > size_of::<T>() {
            true => Some(Tag::Value { offset: 0, ty: Ty::I8 }),
            false => T::NICHE.map(Tag::Niche),
        }
    }

    fn agrees(&self, bits: u64) -> bool {
        match Self::tag() {
            Some(Tag::Value { .. } | Tag::Single) => bits == u64::from(self.is_some()),
            Some(Tag::Niche(niche)) => niche.contains(bits) == self.is_some(),
            None => false,
        }
    }
}

// SAFETY: words can be moved whatever they are.
unsafe impl<T: Traceable, E: Traceable> Traceable for Result<T, E> {
    const LAYOUT: &'static [PieceTy] = const { &result_layout::<T, E>() }.get();
    const TAG: fn() -> Option<Tag> = <Self as Tagged>::tag;
}

const fn result_layout<T: Traceable, E: Traceable>() -> Joined {
    let size = size_of::<Result<T, E>>();
    let (t, e) = (size - size_of::<T>(), size - size_of::<E>());
    // Behind a discriminant each payload starts at its alignment.
    let (t_at, e_at) = (align_of::<T>(), align_of::<E>());
    let align = if t_at > e_at { t_at } else { e_at };
    let t_starts = size_of::<T>() == 0 || t_at == align;
    let e_starts = size_of::<E>() == 0 || e_at == align;
    if t > 0 && e > 0 && t_starts && e_starts && align <= 8 {
        let tag = Joined::EMPTY.with(0, &[PieceTy::at(0, Ty::I8)]);
        return tag.with(align, T::LAYOUT).or(tag.with(align, E::LAYOUT)).as_payload();
    }
    whole_words(size)
}

/// The largest integer of which `left` bytes are left for.
const fn largest_within(left: usize) -> Ty {
    match left {
        1 => Ty::I8,
        2 | 3 => Ty::I16,
        4..8 => Ty::I32,
        _ => Ty::I64,
    }
}

const fn whole_words(size: usize) -> Joined {
    let mut joined = Joined::EMPTY;
    let mut at = 0;
    while at < size {
        let ty = largest_within(size - at);
        joined.insert(PieceTy::at(at as u32, ty));
        at += ty.bytes() as usize;
    }
    joined
}

impl<T: Traceable, E: Traceable> Tagged for Result<T, E> {
    fn tag() -> Option<Tag> {
        tag_of_result::<T, E>()
    }

    fn agrees(&self, bits: u64) -> bool {
        match Self::tag() {
            Some(Tag::Value { .. } | Tag::Single) => bits == u64::from(self.is_err()),
            Some(Tag::Niche(niche)) => {
                let niche_in_ok = size_of::<T>() == size_of::<Result<T, E>>();
                niche.contains(bits) == (self.is_ok() == niche_in_ok)
            }
            None => false,
        }
    }
}

#[inline(never)]
fn tag_of_result<T: Traceable, E: Traceable>() -> Option<Tag> {
    let size = size_of::<Result<T, E>>();
    if size > size_of::<T>() && size > size_of::<E>() {
        return Some(Tag::Value { offset: 0, ty: Ty::I8 });
    }
    match (size_of::<T>() == size, size_of::<E>() == size) {
        (true, false) => T::NICHE.map(Tag::Niche),
        (false, true) => E::NICHE.or_else(niche_of_capacity::<T, E>).map(Tag::Niche),
        _ => None,
    }
}

/// Where a `Result` has its discriminant in a word of the error that is at most `isize::MAX`, as the
/// capacity of a `String` or `Vec` is. rustc does not say where, nor which of the other values means `Ok`: some
/// versions take the least, some the greatest. So it is tried out: not in constants, where rustc refuses to look at
/// what means neither. The compiler knows the answer all the same.
fn niche_of_capacity<T, E>() -> Option<Niche> {
    const WORD: usize = 8;
    let size = size_of::<Result<T, E>>();
    if !size.is_multiple_of(WORD) || align_of::<Result<T, E>>() != WORD {
        return None;
    }
    let mut found = None;
    let mut at = 0;
    while at < size {
        let meant = if is_ok_with::<T, E>(at, 1 << 63) {
            Some(1 << 63)
        } else if is_ok_with::<T, E>(at, u64::MAX) {
            Some(u64::MAX)
        } else {
            None
        };
        if let Some(n) = meant {
            if found.is_some() {
                return None;
            }
            found = Some(Niche { offset: at as u32, ty: Ty::I64, first: 0, n });
        }
        at += WORD;
    }
    let offset = found?.offset as usize;
    let is_capacity = !is_ok_with::<T, E>(offset, 0)
        && !is_ok_with::<T, E>(offset, 1)
        && !is_ok_with::<T, E>(offset, u64::MAX >> 1);
    if is_capacity { found } else { None }
}

/// Whether a `Result` is `Ok` that has this word at an offset, and zeros elsewhere.
#[inline]
fn is_ok_with<T, E>(offset: usize, word: u64) -> bool {
    let mut value = MaybeUninit::<Result<T, E>>::zeroed();
    // SAFETY: the word lies within the value, whose bytes are all initialized. Only the
    // discriminant is looked at, and whatever it is made of are initialized integers.
    unsafe {
        value.as_mut_ptr().cast::<u64>().byte_add(offset).write(word);
        value.assume_init_ref().is_ok()
    }
}

/// The layout of a type, known or not.
pub struct Layout<T>(std::marker::PhantomData<T>);

impl<T: Traceable> Layout<T> {
    /// Its pieces.
    pub const PIECES: &'static [PieceTy] = T::LAYOUT;

    /// Its niche.
    pub const NICHE: Option<Niche> = T::NICHE;
}

/// Of types without a known layout: machine words. Found when there is nothing else.
pub trait AnyLayout {
    /// The pieces.
    const PIECES: &'static [PieceTy];

    /// What is known of niches: nothing.
    const NICHE: Option<Niche> = None;
}

impl<T> AnyLayout for Layout<T> {
    const PIECES: &'static [PieceTy] = const { &whole_words(size_of::<T>()) }.get();
}

/// The integer of a size that enums have.
pub const fn int_of_size(size: usize) -> Ty {
    match size {
        0 | 1 => Ty::I8,
        2 => Ty::I16,
        4 => Ty::I32,
        _ => Ty::I64,
    }
}

/// The layout of an enum without payloads.
pub const fn c_like(size: usize) -> Joined {
    match size {
        0 => Joined::EMPTY,
        size => Joined::EMPTY.with(0, &[PieceTy::at(0, int_of_size(size))]),
    }
}

/// Where payloads start behind a tag, if they are so aligned.
pub const fn payload_offset(tag: usize, aligns: &[usize]) -> usize {
    let mut align = 1;
    let mut at = 0;
    while at < aligns.len() {
        if aligns[at] > align {
            align = aligns[at];
        }
        at += 1;
    }
    tag.div_ceil(align) * align
}

macro_rules! shapes {
    ($($name:ident($($field:ident $at:tt),*);)*) => {$(
        /// Fields laid out as C does.
        #[repr(C)]
        #[allow(dead_code)]
        pub struct $name<$($field),*>($(pub $field),*);
    )*};
}

shapes! {
    C0();
    C1(A 0);
    C2(A 0, B 1);
    C3(A 0, B 1, C 2);
    C4(A 0, B 1, C 2, D 3);
    C5(A 0, B 1, C 2, D 3, E 4);
    C6(A 0, B 1, C 2, D 3, E 4, F 5);
    C7(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    C8(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    C9(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
    C10(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
    C11(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
    C12(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
    C13(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
}

/// What code that is compiled once, and not for each type of an author's crate, has to know of a type.
pub struct TypeFacts {
    pub(crate) size: usize,
    pub(crate) align: usize,
    identity: fn() -> Identity,
    /// Where a value lies in a [`Traced`].
    pub(crate) offset: usize,
    /// How a value is dropped by a call, if it owns anything.
    pub(crate) drops: Option<Drops>,
}

/// What of a type is not known before the program runs.
struct Identity {
    id: TypeId,
    name: &'static str,
}

impl Identity {
    fn of<T>() -> Identity {
        Identity { id: typeid::of::<T>(), name: std::any::type_name::<T>() }
    }
}

impl TypeFacts {
    pub(crate) const fn of<T>() -> &'static TypeFacts {
        const {
            &TypeFacts {
                size: size_of::<T>(),
                align: align_of::<T>(),
                identity: Identity::of::<T>,
                offset: offset_of!(Traced<T>, value),
                drops: if needs_drop::<T>() { Some(Drops::of::<T>()) } else { None },
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        (self.identity)().name
    }

    pub(crate) fn id(&self) -> TypeId {
        (self.identity)().id
    }

    /// A value owns something.
    pub(crate) fn owns(&self) -> bool {
        self.drops.is_some()
    }

    /// Whether a value may hold a reference, for all that is known: numbers do not, nor what is too small.
    pub(crate) fn may_hold_pointer(&self) -> bool {
        const NUMBERS: [&str; 7] = ["i64", "u64", "isize", "usize", "f64", "i128", "u128"];
        self.size >= 8 && !NUMBERS.contains(&self.name())
    }

    /// The layout: machine words, unless the name is that of a scalar. A name that lies does no harm, for
    /// any bytes may be moved as any scalar of their size.
    pub(crate) fn words(&self) -> SmallVec<[PieceTy; 4]> {
        let mut pieces = SmallVec::new();
        if let Some(ty) = scalar_by_name(self.name(), self.size) {
            pieces.push(PieceTy::at(0, ty));
            return pieces;
        }
        let mut at = 0;
        while at < self.size {
            let ty = largest_within(self.size - at);
            pieces.push(PieceTy::at(at as u32, ty));
            at += ty.bytes() as usize;
        }
        pieces
    }

    /// The layout of arguments and results of residual calls: whole words, each of which is what it is
    /// in a layout that has one scalar there.
    pub(crate) fn call_words(&self) -> SmallVec<[PieceTy; 4]> {
        let known = self.words();
        if self.size <= 8 && known.len() < 2 {
            return known;
        }
        let mut words = local_words(self.size);
        for word in &mut words {
            let from = word.offset;
            let mut within =
                known.iter().filter(|p| p.offset < from + 8 && from < p.offset + p.ty.bytes());
            if let (Some(&one), None) = (within.next(), within.next())
                && one.offset == from
            {
                *word = one;
            }
        }
        words
    }
}

/// The layout of a value of which nothing is known.
pub(crate) fn words<T>() -> SmallVec<[PieceTy; 4]> {
    TypeFacts::of::<T>().words()
}

/// Pointers that own, with the start of their names.
const POINTERS: [&str; 3] = ["alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"];

fn scalar_by_name(name: &str, size: usize) -> Option<Ty> {
    // Asked at each call: most names are those of something else.
    if !name.starts_with(['b', 'f', '&', '*', 'a']) {
        return None;
    }
    let ty = match name {
        "bool" => Ty::Bool,
        "f32" => Ty::F32,
        "f64" => Ty::F64,
        _ if size == 8 && name.starts_with(['&', '*']) => Ty::Ptr,
        _ if POINTERS.iter().any(|pointer| name.starts_with(pointer)) => Ty::Ptr,
        _ => return None,
    };
    (ty.bytes() as usize == size).then_some(ty)
}

/// Whole words for so many bytes; the last one is as small as it may be.
pub(crate) fn local_words(len: usize) -> SmallVec<[PieceTy; 4]> {
    (0..len.div_ceil(8))
        .map(|word| {
            let ty = match len - word * 8 {
                1 => Ty::I8,
                2 => Ty::I16,
                3 | 4 => Ty::I32,
                _ => Ty::I64,
            };
            PieceTy::at(word as u32 * 8, ty)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout<T: Traceable>() -> Vec<(u32, Ty)> {
        T::LAYOUT.iter().map(|piece| (piece.offset, piece.ty)).collect()
    }

    #[test]
    fn layouts_are_those_of_the_parts() {
        assert_eq!(layout::<Option<i64>>(), [(0, Ty::I8), (8, Ty::I64)]);
        assert_eq!(layout::<Option<&i64>>(), [(0, Ty::Ptr)]);
        assert_eq!(layout::<Option<bool>>(), [(0, Ty::I8)]);
        assert_eq!(layout::<Result<i64, f64>>(), [(0, Ty::I8), (8, Ty::I64)]);
        assert_eq!(layout::<Result<(), u64>>(), [(0, Ty::I8), (8, Ty::I64)]);
        assert_eq!(layout::<[u8; 3]>(), [(0, Ty::I8), (1, Ty::I8), (2, Ty::I8)]);
        let mut pair: Vec<_> = layout::<(u8, i64)>().into_iter().map(|(_, ty)| ty).collect();
        pair.sort();
        assert_eq!(pair, [Ty::I8, Ty::I64]);
    }

    #[test]
    fn tags_are_where_they_are_looked_for() {
        fn check<T: Tagged>(values: &[T]) {
            let Some(tag) = T::tag() else { panic!("no tag") };
            let (offset, ty) = match tag {
                Tag::Value { offset, ty } => (offset, ty),
                Tag::Niche(niche) => (niche.offset, niche.ty),
                Tag::Single => unreachable!(),
            };
            for value in values {
                let bytes = super::super::value::Bytes::at(value);
                assert!(value.agrees(bytes.bits(offset, ty)), "{tag:?}");
            }
        }
        check(&[Some(1i64), None]);
        check(&[Some(&1i64), None]);
        check(&[Some(true), Some(false), None]);
        check(&[Some('x'), None]);
        check(&[Some(Box::new(1)), None]);
        check::<Result<i64, f64>>(&[Ok(1), Err(0.5)]);
        check::<Result<(), u32>>(&[Ok(()), Err(7)]);
        check::<Result<(), Box<u32>>>(&[Ok(()), Err(Box::new(7))]);
        check::<Result<[u64; 3], String>>(&[Ok([u64::MAX; 3]), Err("error".into())]);
        check::<Result<(), (u8, Vec<u8>)>>(&[Ok(()), Err((1, Vec::new()))]);
    }
}
