//! Values made of parts: tuples, structs, variants of enums, arrays.
//!
//! A whole is made by the author's own constructor from the parts' bytes, and each part's pieces go to
//! where the part lies in it. Which variant it is is then known, and a match on it needs no guard.
#![expect(unsafe_code, reason = "takes values apart by reference")]

use super::call::{Asked, Question};
use super::layout::{Niche, PieceTy, Tag, Tagged, TypeFacts};
use super::place::{Place, Shadow};
use super::rec::Rec;
use super::value::{Bytes, Erased, Head, Lanes, Pieces, Traced, joined, made, shifted, write_bits};
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::Arg;
use std::cell::{Cell, RefCell};
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};

fn offset_in<W, P>(whole: &W, part: &P) -> usize {
    std::ptr::from_ref(part).addr() - std::ptr::from_ref(whole).addr()
}

/// A whole from one part.
fn whole<W, P>(
    part: Traced<P>,
    make: impl FnOnce(P) -> W + Copy,
    find: impl FnOnce(&W) -> &P + Copy,
) -> Traced<W> {
    let part = part.take_whole();
    let mut whole = New::uninit();
    // SAFETY: a `Traced` is only made from an initialized value, which is moved here.
    let value = put(&mut whole, make(unsafe { part.value.as_ptr().read() }));
    let offset = offset_in(value, find(value));
    // SAFETY: the value is there, and the part lies at the offset.
    unsafe {
        finish(Erased::of(&mut whole), TypeFacts::of::<W>(), Shadow::of(&*part), offset);
        made(&whole)
    }
}

/// A value that is being made. It is forgotten if that panics: nothing is compiled for that.
type New<W> = MaybeUninit<Traced<W>>;

/// The value itself.
#[inline]
fn put<W>(new: &mut New<W>, value: W) -> &mut W {
    // SAFETY: there is room for it.
    unsafe {
        let to = (&raw mut (*new.as_mut_ptr()).value).cast::<W>();
        to.write(value);
        &mut *to
    }
}

/// What the trace knows of a whole that a constructor has made from one part, and the part once more, with what lies
/// between the part's own parts: a value that is moved leaves that behind. See [`clear_between`].
///
/// # Safety
/// The value is there, and the part lies at that offset of it.
unsafe fn finish(whole: Erased, ty: &'static TypeFacts, part: Shadow, offset: usize) {
    let (_, start) = whole.init(Head::of_known_variant(at_offset(part.lanes(), offset)), ty);
    // SAFETY: the caller vouches for it.
    unsafe { part.bytes().copy_to(start.add(offset)) };
}

/// The lanes of a part as those of the whole that it is at an offset of.
fn at_offset(lanes: Lanes, offset: usize) -> Lanes {
    if lanes.is_const() || offset == 0 {
        return lanes;
    }
    let rec = Rec::current();
    let mut pieces = Pieces::new();
    shifted(rec, lanes, offset, &mut pieces);
    joined(rec, pieces)
}

/// Puts a part of a whole to where it lies in it once more, as [`finish`] does.
///
/// # Safety
/// The part lies at that offset.
unsafe fn put_again<W, P>(whole: *mut W, offset: usize, part: &Traced<P>) {
    // SAFETY: the caller vouches for it.
    unsafe {
        let to = whole.byte_add(offset).cast::<MaybeUninit<u8>>();
        to.copy_from_nonoverlapping(part.value.as_ptr().cast(), size_of::<P>());
    }
}

impl<T> Traced<Option<T>> {
    /// `Some(payload)`.
    pub fn some(payload: Traced<T>) -> Traced<Option<T>> {
        whole(payload, Some, |whole| whole.as_ref().expect("just made"))
    }
}

impl<T, E> Traced<Result<T, E>> {
    /// `Ok(payload)`.
    pub fn ok(payload: Traced<T>) -> Traced<Result<T, E>> {
        whole(payload, Ok, |whole| whole.as_ref().ok().expect("just made"))
    }

    /// `Err(payload)`.
    pub fn err(payload: Traced<E>) -> Traced<Result<T, E>> {
        whole(payload, Err, |whole| whole.as_ref().err().expect("just made"))
    }
}

impl<T> Traced<Cell<T>> {
    /// `Cell::new`.
    pub(crate) fn cell(content: Traced<T>) -> Traced<Cell<T>> {
        // SAFETY: nobody writes to the cell that was just made while this looks for the content's address.
        let cell = whole(content, Cell::new, |whole| unsafe { &*whole.as_ptr() });
        cell.head.set_variant_known(false);
        cell
    }
}

impl<T> Traced<RefCell<T>> {
    /// `RefCell::new`.
    pub(crate) fn ref_cell(content: Traced<T>) -> Traced<RefCell<T>> {
        // SAFETY: as above.
        let cell = whole(content, RefCell::new, |whole| unsafe { &*whole.as_ptr() });
        cell.head.set_variant_known(false);
        cell
    }
}

/// Promotes the variant of the enum at a place. Answers the bytes that say which it is.
///
/// They are read before the step: a replay that ends here has them from its exit.
pub(crate) fn promote_variant<T: Tagged>(rec: Rec, place: &Place<T>) -> Known {
    // SAFETY: it is about values of this type.
    unsafe { promote_variant_of(rec, place.erased(), Variants::of::<T>()) }
}

fn agree<T: Tagged>(known: Known, place: &Place<()>, bits: u64) -> bool {
    known.copy(place.retyped::<T>()).agrees(bits)
}

/// What is to be known of an enum whose variant is promoted. Functions are no closures here, each of which would be
/// compiled twice, as itself and as a function.
pub(super) struct Variants {
    tag: fn() -> Option<Tag>,
    /// Whether a value of that variant, at that place, has these bits as its tag.
    agree: fn(Known, &Place<()>, u64) -> bool,
    /// What is asked if the tag does not say it.
    question: &'static Asked,
}

impl Variants {
    #[inline]
    pub const fn of<T: Tagged>() -> &'static Variants {
        const {
            &Variants {
                tag: T::tag,
                agree: agree::<T>,
                question: const { &variant_question::<T>() },
            }
        }
    }
}

/// # Safety
/// The value at the place is of the type that it is about.
#[inline(never)]
pub(super) unsafe fn promote_variant_of(rec: Rec, place: &Place<()>, variants: &Variants) -> Known {
    // SAFETY: the caller vouches for it.
    let ask = || unsafe { variant_by_asking(rec, place, variants.question) };
    if place.variant_is_known() {
        rec.step();
        return Known::Local;
    }
    let tag_at = (variants.tag)();
    let (offset, ty) = match tag_at {
        Some(Tag::Value { offset, ty }) => (offset, ty),
        Some(Tag::Niche(niche)) => (niche.offset, niche.ty),
        Some(Tag::Single) => {
            rec.step();
            return Known::OneVariant;
        }
        None => {
            rec.step();
            return ask();
        }
    };
    if let Some(address) = place.refers_to_local(rec, offset) {
        rec.step();
        return Known::Tag(offset, address);
    }
    let tag = place.piece(rec, PieceTy::at(offset, ty));
    rec.step();
    let known = Known::Tag(offset, tag.concrete());
    if !(variants.agree)(known, place, tag.bits) {
        return ask();
    }
    match tag_at {
        // Which side of the niche it is on.
        Some(Tag::Niche(niche)) => rec.guard_one_of_many(is_in_niche(rec, niche, tag)),
        _ => {
            rec.guard_value(tag);
        }
    }
    known
}

/// Promises that the value at a place is always of the variant that it is of now, if it is the right one. Nothing
/// is recorded that could fail.
pub(crate) fn promise_variant<T: Tagged>(
    rec: Rec,
    place: &Place<T>,
    is_right: impl FnOnce(&T) -> bool,
) {
    let (offset, ty) = match T::tag() {
        _ if place.variant_is_known() => return rec.step(),
        Some(Tag::Single) => return rec.step(),
        Some(Tag::Value { offset, ty }) => (offset, ty),
        Some(Tag::Niche(niche)) => (niche.offset, niche.ty),
        None => return promise_by_call(rec, place, is_right),
    };
    let tag = place.piece(rec, PieceTy::at(offset, ty));
    let is_it = match T::tag() {
        Some(Tag::Niche(niche)) => is_in_niche(rec, niche, tag),
        _ => is_now(rec, tag),
    };
    rec.step();
    let known = Known::Tag(offset, tag.concrete()).copy(place);
    if known.agrees(tag.bits) && is_right(&known) {
        rec.assume(is_it);
    }
}

/// Promises that a value is of the variant that `std::mem::discriminant` says now.
pub(crate) fn promise_by_call<T>(rec: Rec, place: &Place<T>, is_right: impl FnOnce(&T) -> bool) {
    if place.variant_is_known() {
        return rec.step();
    }
    let question = const { &variant_question::<T>() };
    // SAFETY: it is about values of this type.
    let (number, whole) = unsafe { discriminant_of(rec, place.erased(), question) };
    let is_it = is_now(rec, number);
    rec.step();
    if is_right(&whole.copy(place)) {
        rec.assume(is_it);
    }
}

/// Whether a value is what it is now.
fn is_now(rec: Rec, value: Arg) -> Arg {
    let yes = Const::new(Ty::Bool, 1);
    let lane = rec.op_silently(
        Opcode::IntEq,
        &[value, Arg::constant(value.concrete().ty, value.bits)],
        yes,
    );
    Arg::of(lane, yes)
}

/// What says which variant a value is. Where that was read from memory, a replay has it from its exit: the
/// memory may hold another value by then, or none.
#[derive(Clone, Copy)]
pub enum Known {
    /// Nothing: there is only one variant.
    OneVariant,
    /// The bytes of a local of the twin, which the way of the twin determines.
    Local,
    /// The tag, at an offset.
    Tag(u32, Const),
    /// All of it: the number of its first word in the arena.
    Whole(u32),
}

impl Known {
    /// A value of that variant. Its other bytes are not those of the value, whose memory is not looked at: it is
    /// good for asking which variant it is and where its parts lie, and is never dropped.
    #[inline]
    pub(crate) fn copy<T>(self, place: &Place<T>) -> ManuallyDrop<T> {
        let mut copy = MaybeUninit::<ManuallyDrop<T>>::zeroed();
        // SAFETY: there is room for a value, and it is one of this type that lies there.
        unsafe {
            self.write(copy.as_mut_ptr().cast(), place.ptr().cast(), size_of::<T>());
            // Zeros may be no value of a part's type, such as a reference: the compiler is to draw no conclusions
            // from them.
            made(std::hint::black_box(&copy))
        }
    }

    /// Writes what is known to where a value is copied to.
    ///
    /// # Safety
    /// So many bytes can be written there, and it is of the value at `from`, which has as many, that this is known.
    #[inline(never)]
    unsafe fn write(self, bytes: *mut u8, from: *const u8, size: usize) {
        // SAFETY: the tag lies within the value, words that were read of it are as many, and a local whose
        // variant is known is alive. It keeps its bytes when it is moved into memory.
        unsafe {
            match self {
                Known::OneVariant => {}
                Known::Local => std::ptr::copy_nonoverlapping(from, bytes, size),
                Known::Tag(offset, tag) => {
                    write_bits(bytes.add(offset as usize), tag.bits, tag.ty.bytes() as usize);
                }
                Known::Whole(start) => Rec::current().arena().copy_words(start, bytes, size),
            }
        }
    }
}

/// Whether the bits there are one of a niche's.
fn is_in_niche(rec: Rec, niche: Niche, tag: Arg) -> Arg {
    let ty = niche.ty;
    let mut distance = tag;
    if niche.first != 0 {
        let res = Const::new(ty, tag.bits.wrapping_sub(niche.first));
        let first = Arg::constant(ty, niche.first);
        let lane = rec.op_silently(Opcode::IntSub, &[tag, first], res);
        distance = Arg::of(lane, res);
    }
    let inside = Const::new(Ty::Bool, u64::from(niche.contains(tag.bits)));
    let limit = Arg::constant(ty, niche.n);
    let lane = rec.op_silently(Opcode::UintLt, &[distance, limit], inside);
    Arg::of(lane, inside)
}

/// The discriminant of any value, as a number.
struct Discriminant;

impl<T> Question<T> for Discriminant {
    const NAME: &'static str = "discriminant";
    type Answer = u64;
    fn ask(value: &T) -> u64 {
        let discriminant = std::mem::discriminant(value);
        Bytes::at(&discriminant).bits(0, Ty::I64)
    }
}

/// How the variant of a value is asked by a call.
pub(crate) const fn variant_question<T>() -> Asked {
    Asked::of::<T, Discriminant>()
}

/// Promotes what `std::mem::discriminant` says of a value, which is asked by a call unless it is known.
pub(crate) fn variant_by_call<T>(rec: Rec, place: &Place<T>) -> Known {
    // SAFETY: the question is about values of this type.
    unsafe { variant_by_asking(rec, place.erased(), const { &variant_question::<T>() }) }
}

/// The same of a value that the question is about.
///
/// # Safety
/// It is of the type.
unsafe fn variant_by_asking(rec: Rec, place: &Place<()>, question: &Asked) -> Known {
    if place.variant_is_known() {
        return Known::Local;
    }
    // SAFETY: the caller vouches for it.
    let (number, whole) = unsafe { discriminant_of(rec, place, question) };
    rec.step();
    rec.guard_value(number);
    whole
}

/// The discriminant of a value, asked by a call, and the value.
///
/// # Safety
/// It is of the question's type.
unsafe fn discriminant_of(rec: Rec, place: &Place<()>, question: &Asked) -> (Arg, Known) {
    // SAFETY: the caller vouches for it.
    let (bits, lanes, whole) = unsafe { question.ask(rec, place) };
    (Traced::new(MaybeUninit::new(bits), lanes).arg(), whole)
}

/// The bytes of a value that was read.
pub(crate) fn whole_of<T>(rec: Rec, value: &Traced<T>) -> Known {
    Known::Whole(rec.arena().add_words(Bytes::of(value)))
}

/// A whole from several parts, made by the author's own constructor. `find` gives the parts' addresses.
#[inline(never)]
pub fn build<P: WholeOf, W, const N: usize>(
    rec: Rec,
    parts: P,
    make: impl FnOnce(P::Plain) -> W + Copy,
    find: impl FnOnce(&W) -> [usize; N] + Copy,
) -> Traced<W> {
    let (plain, lanes) = parts.apart();
    let mut whole = New::uninit();
    let value = put(&mut whole, make(plain));
    let start = std::ptr::from_ref(value).addr();
    let lanes = lanes_of_whole(rec, lanes.as_ref(), start, &find(value));
    // SAFETY: there is room for the head, and the value is there.
    unsafe {
        (&raw mut (*whole.as_mut_ptr()).head).write(Head::of_known_variant(lanes));
        made(&whole)
    }
}

/// The lanes of a whole that starts there, with parts at these addresses.
fn lanes_of_whole(rec: Rec, lanes: &[Lanes], start: usize, parts: &[usize]) -> Lanes {
    let mut pieces = Pieces::new();
    for (&lanes, part) in lanes.iter().zip(parts) {
        if !lanes.is_const() {
            shifted(rec, lanes, part.wrapping_sub(start), &mut pieces);
        }
    }
    joined(rec, pieces)
}

/// Whether a value of the type that lies at a place owns nothing. The place is not looked for.
pub fn owns_nothing<T>(place: impl FnOnce() -> Place<T>) -> bool {
    drop(place);
    !needs_drop::<T>()
}

/// A struct from another one, some fields of which are replaced. `find` gives the address and size of
/// these.
pub fn update<P: WholeOf, W, const N: usize>(
    rec: Rec,
    base: Traced<W>,
    parts: P,
    make: impl FnOnce(W, P::Plain) -> W,
    find: impl FnOnce(&W) -> [(usize, usize); N],
) -> Traced<W> {
    let (plain, replaced) = parts.apart();
    let mut lanes = base.lanes();
    // SAFETY: a `Traced` is only made from an initialized value, which owns nothing.
    let value = make(unsafe { base.value.as_ptr().read() }, plain);
    let start = std::ptr::from_ref(&value).addr();
    for (&part, (at, len)) in replaced.as_ref().iter().zip(find(&value)) {
        let offset = at.wrapping_sub(start) as u32;
        lanes = super::value::replace(rec, Bytes::of(&base), lanes, offset, len as u32, part);
    }
    Traced::new(MaybeUninit::new(value), lanes)
}

/// An array of equal elements.
pub fn repeat<T: Copy, const N: usize>(rec: Rec, element: Traced<T>) -> Traced<[T; N]> {
    let mut pieces = Pieces::new();
    if !element.lanes().is_const() {
        for at in 0..N {
            shifted(rec, element.lanes(), at * size_of::<T>(), &mut pieces);
        }
    }
    let lanes = joined(rec, pieces);
    Traced::new(MaybeUninit::new([element.get(); N]), lanes)
}

/// A tuple of traced values, to make a whole of.
pub trait WholeOf {
    /// The plain values.
    type Plain;
    /// As many lanes.
    type Lanes: AsRef<[Lanes]>;
    /// The plain values, and their lanes in order.
    fn apart(self) -> (Self::Plain, Self::Lanes);
}

/// Clears the bytes of a tuple that belong to none of its parts, which are given by offset and size. Where words of a
/// tuple are recorded these bytes are in the trace, which is to be the same each time: they must not be what lay on
/// the stack by chance.
fn clear_between<W>(whole: &mut Traced<W>, parts: &mut [(usize, usize)]) {
    parts.sort_unstable();
    let bytes = whole.value.as_mut_ptr().cast::<u8>();
    let mut end = 0;
    for &(start, size) in parts.iter().chain(&[(size_of::<W>(), 0)]) {
        // SAFETY: these bytes are within the tuple, and padding.
        unsafe { bytes.add(end).write_bytes(0, start.saturating_sub(end)) };
        end = end.max(start + size);
    }
}

/// A tuple of traced values, as a traced tuple.
pub trait Parts {
    /// The plain tuple.
    type Whole;
    /// Joins.
    fn join(self) -> Traced<Self::Whole>;
}

macro_rules! tuples {
    ($(($($name:ident $field:tt),+);)*) => {$(
        impl<$($name),+> WholeOf for ($(Traced<$name>,)+) {
            type Plain = ($($name,)+);
            type Lanes = [Lanes; <[usize]>::len(&[$($field),+])];
            fn apart(self) -> (Self::Plain, Self::Lanes) {
                let lanes = [$(self.$field.lanes()),+];
                (($(self.$field.into_plain(),)+), lanes)
            }
        }

        impl<$($name),+> Parts for ($(Traced<$name>,)+) {
            type Whole = ($($name,)+);
            fn join(self) -> Traced<Self::Whole> {
                let parts = ManuallyDrop::new(self);
                // SAFETY: a `Traced` is only made from an initialized value, which is moved here.
                let value = ($(unsafe { parts.$field.value.as_ptr().read() },)+);
                let offsets = [$(offset_in(&value, &value.$field)),+];
                let mut lanes = Lanes::CONST;
                if $(!parts.$field.lanes().is_const())||+ {
                    let (rec, mut pieces) = (Rec::current(), Pieces::new());
                    $(shifted(rec, parts.$field.lanes(), offsets[$field], &mut pieces);)+
                    lanes = joined(rec, pieces);
                }
                let mut whole = Traced::new(MaybeUninit::new(value), lanes);
                clear_between(&mut whole, &mut [$((offsets[$field], size_of::<$name>())),+]);
                // SAFETY: the parts have just been put there.
                $(unsafe { put_again(whole.value.as_mut_ptr(), offsets[$field], &parts.$field) };)+
                whole
            }
        }
    )*};
}

impl WholeOf for () {
    type Plain = ();
    type Lanes = [Lanes; 0];
    fn apart(self) -> ((), [Lanes; 0]) {
        ((), [])
    }
}

tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
}
