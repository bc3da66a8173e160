//! Patterns: which way a `match` goes, what the trace must know of that, and what is bound.
//!
//! A pattern is taken apart level by level. At one level the author's own pattern, with a name in
//! the place of each pattern below, is tried on a copy of the value's bytes. Where a name lies in the
//! copy says which part of the value it is ([`Level::child`]); if it is a reference that default
//! binding has made, what it points to says so. So no type has to be known, and what binds by
//! reference and what by value is rustc's decision.
//!
//! What the trace must know
//! - Which variant a value is: its discriminant is promoted, once per match and level.
//! - Which numbers are matched by literals, constants and ranges: comparisons are guarded.
//! - How long a slice is.
//! - What nothing is known of, such as a string compared with a literal, is asked by a call.
//!
//! A value that a pattern binds is owned by the scrutinee until its arm is chosen: an `if` may still
//! turn it down ([`own`]).
#![expect(unsafe_code, reason = "copies values to try patterns on them")]

use super::aggregate::{
    Known, Variants, promise_by_call, promise_variant, promote_variant, promote_variant_of,
    variant_by_call, whole_of,
};
use super::call::{CallSite, residual};
use super::layout::{Tagged, TypeFacts};
use super::ops::{self, Compare};
use super::place::{Local, Place, Pointee, Untyped};
use super::rec::Rec;
use super::text::Text;
use super::value::{Bytes, Erased, Head, Lanes, Scalar, Traced, copy_bytes};
use metainterp::abort::Abort;
use metainterp::ir::Ty;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};

/// A part that a pattern names, seen while the pattern was tried.
#[derive(Clone, Copy)]
pub struct Captured {
    at: usize,
    /// Its first words: the address, if it is a reference.
    words: [u64; 2],
}

/// What is found where a pattern has a name.
#[inline]
pub fn captured<C>(part: &C) -> Captured {
    captured_bytes(Bytes::at(std::ptr::from_ref(part)))
}

#[inline(never)]
fn captured_bytes(bytes: Bytes) -> Captured {
    let words = [bytes.bits(0, Ty::I64), bytes.bits(8, Ty::I64)];
    Captured { at: bytes.start().addr(), words }
}

/// The type of a part.
pub struct Token<C: ?Sized>(PhantomData<fn() -> *const C>);

impl<C> Token<C> {
    /// Of what a name stands for.
    pub fn of(_: &C) -> Token<C> {
        Token(PhantomData)
    }
}

impl<C: ?Sized> Token<C> {
    /// Of what a name refers to that binds by `ref`.
    pub fn behind(_: &C) -> Token<C> {
        Token(PhantomData)
    }
}

/// The types of the parts of a pattern, as rustc finds them. `pattern` is never called.
pub fn types<X, R>(_: Place<X>, pattern: impl FnOnce(X) -> R) -> PhantomData<R> {
    drop(pattern);
    PhantomData
}

/// A token that is a part of tokens.
pub fn token<R, C: ?Sized>(_: PhantomData<R>, _: impl FnOnce(R) -> Token<C>) -> Token<C> {
    Token(PhantomData)
}

/// A copy of a scrutinee, or of what it refers to, and the place of that.
pub struct Level<'p> {
    /// Where the copy was.
    start: usize,
    len: usize,
    real: &'p Untyped,
}

/// A scrutinee, and the place behind its references, if it is one.
pub struct Scrutinee<'p, X, V: ?Sized>(pub &'p Place<X>, pub &'p Place<V>);

impl<'p, V> Scrutinee<'p, V, V> {
    /// Tries a level of a pattern on the value. `attempt` forgets the copy that it is given.
    #[inline(never)]
    pub fn attempt<R>(
        self,
        known: &Known,
        attempt: impl FnOnce(V) -> (usize, Option<R>) + Copy,
    ) -> (Level<'p>, Option<R>) {
        let (copy, hit) = attempt(ManuallyDrop::into_inner(known.copy(self.0)));
        (Level::of(copy, self.0), hit)
    }
}

macro_rules! referring {
    ($(<$($lifetime:lifetime),+> $ty:ty, $given:ty, $copy:ident => $make:expr;)*) => {$(
        impl<'p, $($lifetime,)+ V> Scrutinee<'p, $ty, V> {
            /// Tries a level of a pattern on a reference to a copy of the value.
            pub fn attempt<'c, R>(
                self,
                known: &Known,
                attempt: impl FnOnce($given) -> (usize, Option<R>) + Copy,
            ) -> (Level<'p>, Option<R>)
            where
                V: 'c,
            {
                let mut copy = known.copy(self.1);
                let start = std::ptr::from_ref(&*copy).addr();
                // SAFETY: the copy outlives the attempt, which hands on addresses only.
                let $copy: &'c mut V = unsafe { &mut *std::ptr::from_mut(&mut *copy) };
                let (_, hit) = attempt($make);
                (Level::of(start, self.1), hit)
            }
        }
    )*};
}

referring! {
    <'a> &'a V, &'c V, copy => copy;
    <'a> &'a mut V, &'c mut V, copy => copy;
    <'a, 'b> &'a &'b V, &'c V, copy => copy;
    <'a, 'b> &'a mut &'b V, &'c V, copy => copy;
    <'a, 'b> &'a &'b mut V, &'c V, copy => copy;
    <'a, 'b> &'a mut &'b mut V, &'c mut V, copy => copy;
}

macro_rules! slices {
    ($(<$lifetime:lifetime> $ty:ty, $given:ty, $make:ident;)*) => {$(
        impl<'p, $lifetime, T> Scrutinee<'p, $ty, [T]> {
            /// Tries a level of a pattern on the slice itself: only its length is looked at.
            pub fn attempt<'c, R>(
                self,
                _: &Known,
                attempt: impl FnOnce($given) -> (usize, Option<R>) + Copy,
            ) -> (Level<'p>, Option<R>)
            where
                T: 'c,
            {
                let slice = self.1.ptr();
                // SAFETY: the slice is borrowed as the plain function borrows it.
                let (_, hit) = attempt(unsafe { slice.$make() }.expect("a reference is not null"));
                (Level::of(slice.cast::<u8>().addr(), self.1), hit)
            }
        }
    )*};
}

slices! {
    <'a> &'a [T], &'c [T], as_ref;
    <'a> &'a mut [T], &'c mut [T], as_mut;
}

impl<'p> Level<'p> {
    /// Of a copy that was there.
    #[inline]
    fn of<T: ?Sized>(start: usize, place: &'p Place<T>) -> Level<'p> {
        Level { start, len: size_of_val(place.probe()), real: place.untyped() }
    }

    /// The place of a part. A reference that default binding made is put into `slot`.
    /// It is not dropped, for it owns nothing.
    #[inline(never)]
    pub fn child<C>(
        &self,
        rec: Rec,
        _: Token<C>,
        captured: Captured,
        slot: &mut MaybeUninit<Traced<C>>,
    ) -> Place<C> {
        let slot = Erased::of(slot);
        self.child_of(rec, captured, const { TypeFacts::of::<C>() }, slot).typed()
    }

    #[inline(never)]
    fn child_of(
        &self,
        rec: Rec,
        captured: Captured,
        ty: &'static TypeFacts,
        slot: Erased,
    ) -> Untyped {
        if let Some(distance) = self.distance(captured, ty.size) {
            return self.real.part_of_type(rec, distance as isize, ty);
        }
        assert!(
            (8..=16).contains(&ty.size) && !ty.owns(),
            "a part of a value that is neither in it nor a reference"
        );
        let (words, lanes) = self.reference(rec, captured);
        let (reference, start) = slot.init(Head::new(lanes), ty);
        // SAFETY: it is a reference, thin or fat, of at most two words.
        unsafe { copy_bytes(words.as_ptr().cast(), start, ty.size) };
        reference.place()
    }

    /// How far from the value's start a part of so many bytes lies, if it lies in the value.
    fn distance(&self, captured: Captured, size: usize) -> Option<usize> {
        let distance = captured.at.wrapping_sub(self.start);
        match distance <= self.len && distance + size <= self.len {
            true => Some(distance),
            false => (size == 0).then_some(0),
        }
    }

    /// A reference into the value, made by default binding: its words, and what is known of them.
    #[inline(never)]
    fn reference(&self, rec: Rec, captured: Captured) -> ([u64; 2], Lanes) {
        let mut words = captured.words;
        let distance = (words[0] as usize).wrapping_sub(self.start);
        if distance > self.len {
            rec.abort(Abort::UnknownDeref);
            return (words, Lanes::CONST);
        }
        let part: Place<u8> = self.real.part_of_value(rec, distance as isize);
        words[0] = part.ptr().expose_provenance() as u64;
        // With the place in the local, if it is in one.
        (words, part.lanes_of_pointer(rec))
    }
}

impl<T> Traced<T> {
    /// The value, which somebody else still owns.
    pub fn borrowed(self) -> Traced<T> {
        self.disown();
        self
    }
}

/// The value that a pattern has bound belongs to its name from here on. Answers whether it owns
/// anything.
pub fn own<T>(bound: &Traced<T>) -> bool {
    bound.reown();
    needs_drop::<T>()
}

/// Names have taken what the value at a place owns; what is left of it is its owner's to drop.
pub fn left<T>(place: Place<T>) {
    if needs_drop::<T>() {
        place.disown();
    }
}

/// Levels of a match whose variant has been promoted.
#[derive(Default)]
pub struct Seen {
    /// The number of the match, from 1, if it has promoted any.
    number: u32,
}

/// The levels of all matches.
#[derive(Default)]
pub(crate) struct AllSeen {
    /// The number of the match, the level, and what was found.
    levels: Vec<(u32, u64, Known)>,
    last: u32,
}

impl AllSeen {
    /// All matches have chosen their arms.
    pub fn clear(&mut self) {
        self.levels.clear();
    }
}

impl Seen {
    #[inline(never)]
    fn find(&self, rec: Rec, level: u64) -> Option<Known> {
        if self.number == 0 {
            return None;
        }
        let seen = rec.arena().seen.borrow();
        // Those of matches inside of this one come between.
        let since = seen.levels.iter().rev().take_while(|it| it.0 >= self.number);
        since.filter(|it| it.0 == self.number && it.1 == level).map(|it| it.2).next()
    }

    #[inline(never)]
    fn add(&mut self, rec: Rec, level: u64, known: Known) {
        let mut seen = rec.arena().seen.borrow_mut();
        if self.number == 0 {
            seen.last += 1;
            self.number = seen.last;
        }
        seen.levels.push((self.number, level, known));
    }

    /// Promotes the variant of the value at a place, unless that has been done.
    ///
    /// # Safety
    /// It is of the type that `variants` is about.
    #[inline(never)]
    unsafe fn promote(
        &mut self,
        rec: Rec,
        level: u64,
        place: &Place<()>,
        variants: &Variants,
    ) -> Known {
        // SAFETY: the caller vouches for it.
        self.or(rec, level, || unsafe { promote_variant_of(rec, place, variants) })
    }

    fn or(&mut self, rec: Rec, level: u64, promote: impl FnOnce() -> Known) -> Known {
        if let Some(known) = self.find(rec, level) {
            return known;
        }
        let known = promote();
        self.add(rec, level, known);
        known
    }
}

/// Of a level that is not asked for its variant: there is only one.
pub const ONE_VARIANT: Known = Known::OneVariant;

/// Promotes the variant of what lies at a place, by what is known of its type.
#[repr(transparent)]
pub struct Variant<T>(Place<T>);

impl<T> Variant<T> {
    /// Of that place.
    #[inline]
    pub fn of(place: &Place<T>) -> &Variant<T> {
        // SAFETY: the one is the other.
        unsafe { &*std::ptr::from_ref(place).cast() }
    }
}

/// Of types whose discriminant has a known place.
pub trait KnownVariant<T> {
    /// Promotes it, unless it has been.
    fn promote(&self, rec: Rec, seen: &mut Seen, level: u64) -> Known;
    /// Promises that it is always the one that it is now, if that is right.
    fn promise(&self, rec: Rec, is_right: impl FnOnce(&T) -> bool);
}

impl<T: Tagged> KnownVariant<T> for Variant<T> {
    fn promote(&self, rec: Rec, seen: &mut Seen, level: u64) -> Known {
        // SAFETY: it is about values of this type.
        unsafe { seen.promote(rec, level, self.0.erased(), Variants::of::<T>()) }
    }

    fn promise(&self, rec: Rec, is_right: impl FnOnce(&T) -> bool) {
        promise_variant(rec, &self.0, is_right);
    }
}

/// Of all other types.
pub trait AnyVariant<T> {
    /// Promotes it, unless it has been.
    fn promote(&self, rec: Rec, seen: &mut Seen, level: u64) -> Known;
    /// Promises that it is always the one that it is now, if that is right.
    fn promise(&self, rec: Rec, is_right: impl FnOnce(&T) -> bool);
}

impl<T> AnyVariant<T> for &Variant<T> {
    fn promote(&self, rec: Rec, seen: &mut Seen, level: u64) -> Known {
        seen.or(rec, level, || variant_of_any(rec, &self.0))
    }

    fn promise(&self, rec: Rec, is_right: impl FnOnce(&T) -> bool) {
        if size_of::<T>() > 0 {
            promise_by_call(rec, &self.0, is_right);
        }
    }
}

/// Promotes the variant of a value whose discriminant has no known place.
fn variant_of_any<T>(rec: Rec, place: &Place<T>) -> Known {
    // What has no bytes has no variants to tell apart.
    match size_of::<T>() {
        0 => Known::OneVariant,
        _ => variant_by_call(rec, place),
    }
}

/// Goes through a reference where there is one, as default binding does.
#[repr(transparent)]
pub struct Through<T: ?Sized>(Place<T>);

impl<T: ?Sized> Through<T> {
    /// Of that place.
    #[inline]
    pub fn of(place: &Place<T>) -> &Through<T> {
        // SAFETY: the one is the other.
        unsafe { &*std::ptr::from_ref(place).cast() }
    }
}

macro_rules! through {
    ($(<$lifetime:lifetime> $ty:ty;)*) => {$(
        impl<$lifetime, T: ?Sized + Pointee> Through<$ty> {
            /// What the reference points to.
            pub fn through(&self, rec: Rec) -> Place<T> {
                self.0.pointee(rec)
            }
        }
    )*};
}

through! { <'a> &'a T; <'a> &'a mut T; }

/// The fallback of [`Through`].
pub trait ThroughAny<T: ?Sized> {
    /// The place itself.
    fn through(&self, rec: Rec) -> Place<T>;
}

impl<T: ?Sized> ThroughAny<T> for Through<T> {
    fn through(&self, _: Rec) -> Place<T> {
        self.0
    }
}

/// The length that a slice pattern asks for.
pub struct Length<T: ?Sized>(pub Place<T>);

/// Of slices.
pub trait SliceLength {
    /// Whether there are so many elements, or at least so many.
    fn has(&self, rec: Rec, n: usize, exactly: bool, bound: bool) -> bool;
}

impl<T> SliceLength for Length<[T]> {
    fn has(&self, rec: Rec, n: usize, exactly: bool, bound: bool) -> bool {
        let len = self.0.len();
        // How long the rest is must be known if it has a name.
        if bound {
            rec.step();
            rec.guard_value(len.arg());
        }
        let wanted = Traced::constant(n);
        let holds = if exactly { ops::eq(rec, len, wanted) } else { ops::ge(rec, len, wanted) };
        ops::branch(rec, holds)
    }
}

/// Of arrays, whose length is their type's.
pub trait AnyLength {
    /// True.
    fn has(&self, rec: Rec, n: usize, exactly: bool, bound: bool) -> bool;
}

impl<T: ?Sized> AnyLength for &Length<T> {
    fn has(&self, _: Rec, _: usize, _: bool, _: bool) -> bool {
        true
    }
}

/// Inclusive ranges, for [`Leaf`].
pub fn ranges<T, const N: usize>(ranges: [(T, T); N]) -> [(T, T); N] {
    ranges
}

/// A place compared with literals, ranges or a constant.
pub struct Leaf<T>(pub Place<T>);

/// Of numbers: compares with inclusive ranges.
pub trait NumberLeaf<T> {
    /// Whether the value lies in one of the ranges.
    fn test<const N: usize>(
        &self,
        rec: Rec,
        ranges: impl FnOnce() -> [(T, T); N],
        variant: bool,
        plain: impl Fn(&T) -> bool + Copy,
    ) -> bool;
}

impl<T: Compare> NumberLeaf<T> for &&Leaf<T> {
    fn test<const N: usize>(
        &self,
        rec: Rec,
        ranges: impl FnOnce() -> [(T, T); N],
        _: bool,
        _: impl Fn(&T) -> bool + Copy,
    ) -> bool {
        let value = self.0.read(rec);
        ranges().iter().any(|&(lo, hi)| {
            if lo == hi {
                return ops::branch(rec, ops::eq(rec, value.dup(), Traced::constant(lo)));
            }
            ops::branch(rec, ops::ge(rec, value.dup(), Traced::constant(lo)))
                && ops::branch(rec, ops::le(rec, value.dup(), Traced::constant(hi)))
        })
    }
}

/// Of enums: the name of a variant without payload, unless it is that of a constant.
pub trait VariantLeaf<T> {
    /// Whether the value is this variant.
    fn test<const N: usize>(
        &self,
        rec: Rec,
        ranges: impl FnOnce() -> [(T, T); N],
        variant: bool,
        plain: impl Fn(&T) -> bool + Copy,
    ) -> bool;
}

impl<T: Tagged> VariantLeaf<T> for &Leaf<T> {
    fn test<const N: usize>(
        &self,
        rec: Rec,
        _: impl FnOnce() -> [(T, T); N],
        variant: bool,
        plain: impl Fn(&T) -> bool + Copy,
    ) -> bool {
        if !variant {
            return test_by_call(rec, self.0, plain);
        }
        let known = promote_variant(rec, &self.0);
        plain(&known.copy(&self.0))
    }
}

/// Of everything else.
pub trait AnyLeaf<T> {
    /// Asks the plain pattern, by a call.
    fn test<const N: usize>(
        &self,
        rec: Rec,
        ranges: impl FnOnce() -> [(T, T); N],
        variant: bool,
        plain: impl Fn(&T) -> bool + Copy,
    ) -> bool;
}

impl<T> AnyLeaf<T> for Leaf<T> {
    fn test<const N: usize>(
        &self,
        rec: Rec,
        _: impl FnOnce() -> [(T, T); N],
        variant: bool,
        plain: impl Fn(&T) -> bool + Copy,
    ) -> bool {
        if !variant {
            return test_by_call(rec, self.0, plain);
        }
        let known = variant_of_any(rec, &self.0);
        plain(&known.copy(&self.0))
    }
}

/// A place compared with a literal that is no number.
pub struct TextLeaf<A, B>(pub Place<A>, pub Traced<B>);

/// Of strings and bytes.
pub trait KnownTextLeaf<A> {
    /// Whether the value equals the literal.
    fn test(&self, rec: Rec, plain: impl Fn(&A) -> bool + Copy) -> bool;
}

impl<A: Text, B: Text<Item = A::Item>> KnownTextLeaf<A> for &TextLeaf<A, B> {
    fn test(&self, rec: Rec, _: impl Fn(&A) -> bool + Copy) -> bool {
        let mut literal = self.1.peek();
        ops::branch(rec, super::text::equal(rec, self.0, literal.as_place()))
    }
}

/// Of everything else.
pub trait AnyTextLeaf<A> {
    /// Asks the plain pattern, by a call.
    fn test(&self, rec: Rec, plain: impl Fn(&A) -> bool + Copy) -> bool;
}

impl<A, B> AnyTextLeaf<A> for TextLeaf<A, B> {
    fn test(&self, rec: Rec, plain: impl Fn(&A) -> bool + Copy) -> bool {
        test_by_call(rec, self.0, plain)
    }
}

fn test_by_call<T>(rec: Rec, place: Place<T>, plain: impl Fn(&T) -> bool + Copy) -> bool {
    let site = CallSite {
        name: "pattern",
        site: std::any::type_name::<T>(),
        elidable: false,
        ..CallSite::PLAIN
    };
    let value = place.read_any(rec).borrowed();
    let matches = residual(rec, &site, (value,), move |(value,): (T,)| {
        let value = ManuallyDrop::new(value);
        plain(&value)
    });
    ops::branch(rec, matches)
}

/// A match whose patterns are literals, constants, ranges, names of variants, and names.
pub struct Matched<T>(pub Place<T>);

/// Matches on numbers.
pub trait NumberMatch<T> {
    /// Starts.
    fn start<'a, F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &'a [&'a [(T, T)]],
        variants: bool,
        plain: F,
    ) -> Match<'a, T>
    where
        T: Matchable;
}

impl<T: Matchable> NumberMatch<T> for &&Matched<T> {
    fn start<'a, F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &'a [&'a [(T, T)]],
        _: bool,
        _: F,
    ) -> Match<'a, T>
    where
        T: Matchable,
    {
        Match { rec, value: self.0.read(rec), arms, reached: 0 }
    }
}

/// Matches on enums.
pub trait VariantMatch<T> {
    /// Starts.
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &[&[(T, T)]],
        variants: bool,
        plain: F,
    ) -> AnyMatch<T, F>;
}

impl<T: Tagged> VariantMatch<T> for &Matched<T> {
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        _: &[&[(T, T)]],
        variants: bool,
        plain: F,
    ) -> AnyMatch<T, F> {
        if !variants {
            return AnyMatch::by_call(rec, self.0, plain);
        }
        let known = promote_variant(rec, &self.0);
        AnyMatch { rec, place: self.0, known, asks: false, plain, reached: 0 }
    }
}

/// Matches on strings and bytes.
pub trait TextMatch<T> {
    /// Starts.
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &[&[(T, T)]],
        variants: bool,
        plain: F,
    ) -> ChosenText<T>
    where
        T: MatchedText;
}

impl<T: MatchedText> TextMatch<T> for &Matched<T> {
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &[&[(T, T)]],
        _: bool,
        _: F,
    ) -> ChosenText<T> {
        let literals: SmallVec<[T; 8]> =
            arms.iter().flat_map(|arm| arm.iter().map(|&(literal, _)| literal)).collect();
        let is_it = |&literal: &T| {
            let mut literal = super::frozen(rec, literal);
            ops::branch(rec, super::text::equal(rec, self.0, literal.as_place()))
        };
        let bits = literals.iter().copied().find(is_it);
        let bits = bits.unwrap_or_else(|| T::unlike(&literals));
        ChosenText { rec, place: self.0, bits }
    }
}

/// What literals that are no numbers may be patterns of.
pub trait MatchedText: Text + Copy {
    /// What is none of these.
    fn unlike(literals: &[Self]) -> Self;
}

/// As many as a match may have arms.
static ZEROS: [u8; 1 << 12] = [0; 1 << 12];

/// Of so many lengths, one is that of no literal.
fn length_unlike(mut lengths: impl Iterator<Item = usize> + Clone) -> usize {
    let unused = (0..ZEROS.len()).find(|&len| lengths.clone().all(|it| it != len));
    unused.unwrap_or_else(|| panic!("a match with {} arms", lengths.by_ref().count()))
}

impl MatchedText for &str {
    fn unlike(literals: &[Self]) -> Self {
        let zeros = &ZEROS[..length_unlike(literals.iter().map(|it| it.len()))];
        std::str::from_utf8(zeros).expect("zeros are ASCII")
    }
}

impl MatchedText for &[u8] {
    fn unlike(literals: &[Self]) -> Self {
        &ZEROS[..length_unlike(literals.iter().map(|it| it.len()))]
    }
}

/// A match on a string.
///
/// What is matched on is not the string itself: in a replay, nobody knows what is there by now. It is the literal
/// that it was found to equal, or something else that equals none.
pub struct ChosenText<T> {
    rec: Rec,
    place: Place<T>,
    bits: T,
}

impl<T: MatchedText> ChosenText<T> {
    /// The pattern of this arm has matched. The trace knows that already.
    pub fn reach(&mut self, _: usize) {}

    /// What is matched on.
    pub fn bits(&self) -> ManuallyDrop<T> {
        ManuallyDrop::new(self.bits)
    }

    /// The value, still owned by the scrutinee.
    pub fn value(&self) -> Traced<T> {
        self.place.read_any(self.rec).borrowed()
    }
}

/// Matches on everything else.
pub trait CallMatch<T> {
    /// Starts.
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        arms: &[&[(T, T)]],
        variants: bool,
        plain: F,
    ) -> AnyMatch<T, F>;
}

impl<T> CallMatch<T> for Matched<T> {
    fn start<F: Fn(&T, usize) -> usize + Copy>(
        &self,
        rec: Rec,
        _: &[&[(T, T)]],
        variants: bool,
        plain: F,
    ) -> AnyMatch<T, F> {
        if !variants {
            return AnyMatch::by_call(rec, self.0, plain);
        }
        let known = variant_of_any(rec, &self.0);
        AnyMatch { rec, place: self.0, known, asks: false, plain, reached: 0 }
    }
}

/// A match on something else than a number.
pub struct AnyMatch<T, F> {
    rec: Rec,
    place: Place<T>,
    known: Known,
    /// A call has to be made to find out which arm takes a value.
    asks: bool,
    /// Says which arm from a given one on takes a value.
    plain: F,
    reached: usize,
}

impl<T, F: Fn(&T, usize) -> usize + Copy> AnyMatch<T, F> {
    fn by_call(rec: Rec, place: Place<T>, plain: F) -> AnyMatch<T, F> {
        if place.may_hold_pointer() {
            // A replay takes the way that the call has answered, but the pattern looks at the value once more, and
            // nobody knows what is behind references by then.
            super::cut(rec);
        }
        let known = whole_of(rec, &place.read_any(rec).borrowed());
        AnyMatch { rec, place, known, asks: true, plain, reached: 0 }
    }

    /// The pattern of this arm has matched. Records what takes every later run here too.
    pub fn reach(&mut self, arm: usize) {
        let (rec, plain) = (self.rec, self.plain);
        let from = std::mem::replace(&mut self.reached, arm + 1);
        if !self.asks {
            return;
        }
        let site = CallSite {
            name: "pattern",
            site: std::any::type_name::<T>(),
            elidable: false,
            ..CallSite::PLAIN
        };
        let args = (self.value(), Traced::constant(from));
        let number = residual(rec, &site, args, move |(value, from): (T, usize)| {
            let value = ManuallyDrop::new(value);
            plain(&value, from)
        });
        rec.step();
        rec.guard_value(number.arg());
    }

    /// The concrete value, to match on.
    pub fn bits(&self) -> ManuallyDrop<T> {
        self.known.copy(&self.place)
    }

    /// The value, still owned by the scrutinee.
    pub fn value(&self) -> Traced<T> {
        self.place.read_any(self.rec).borrowed()
    }
}

/// A match on a number: which arms were passed, and what the trace must know of that.
pub struct Match<'a, T: Matchable> {
    rec: Rec,
    value: Traced<T>,
    /// Inclusive ranges per arm; none means that the arm takes everything.
    arms: &'a [&'a [(T, T)]],
    reached: usize,
}

/// What literal and range patterns match.
pub trait Matchable: Scalar + PartialOrd + Compare {}
impl<T: Compare> Matchable for T {}

impl<T: Matchable> Match<'_, T> {
    fn takes(&self, arm: usize) -> bool {
        let value = self.value.get();
        self.arms[arm].is_empty()
            || self.arms[arm].iter().any(|&(lo, hi)| lo <= value && value <= hi)
    }

    /// The pattern of this arm has matched. Records guards that take every later run here too.
    pub fn reach(&mut self, arm: usize) {
        let rec = self.rec;
        rec.step();
        let passed = std::mem::replace(&mut self.reached, arm + 1)..arm;
        if self.value.lane().is_const() {
            return self.log(passed.end.min(arm), passed.start);
        }
        let taken = self.arms[arm];
        if taken.iter().any(|&(lo, hi)| lo == self.value.get() && lo == hi) {
            let lane = rec.guard_value(self.value.arg());
            self.value = Traced::scalar(self.value.get(), lane);
            return;
        }
        for earlier in passed {
            // An arm that did match has been left by its `if`.
            if self.takes(earlier) {
                continue;
            }
            for &range in self.arms[earlier] {
                if taken.is_empty() || taken.iter().any(|&(lo, hi)| lo <= range.1 && range.0 <= hi)
                {
                    self.guard_range(range);
                }
            }
        }
        let value = self.value.get();
        if let Some(&range) = taken.iter().find(|&&(lo, hi)| lo <= value && value <= hi) {
            self.guard_range(range);
        }
    }

    fn guard_range(&self, (lo, hi): (T, T)) {
        let rec = self.rec;
        if lo == hi {
            let equal = ops::eq(rec, self.value.dup(), Traced::constant(lo));
            return rec.guard_one_of_many(equal.arg());
        }
        let above = ops::ge(rec, self.value.dup(), Traced::constant(lo));
        rec.guard_one_of_many(above.arg());
        if above.get() {
            let below = ops::le(rec, self.value.dup(), Traced::constant(hi));
            rec.guard_one_of_many(below.arg());
        }
    }

    /// Shows the comparisons that the interpreter makes with a constant.
    fn log(&self, last: usize, first: usize) {
        if !self.rec.is_logging() {
            return;
        }
        for arm in first..=last {
            for &(lo, hi) in self.arms[arm].iter().filter(|(lo, hi)| lo == hi) {
                let equal = self.value.get() == hi;
                let res = super::value::constant_of(equal);
                let constant = Traced::constant(lo);
                self.rec.log_only("int_eq", &[self.value.arg(), constant.arg()], res);
                if equal {
                    return;
                }
            }
        }
    }

    /// The concrete value, to match on.
    pub fn bits(&self) -> ManuallyDrop<T> {
        ManuallyDrop::new(self.value.get())
    }

    /// The value, as it is known now.
    pub fn value(&self) -> Traced<T> {
        self.value.dup()
    }
}
