//! `Option` and `Result` without a pattern: which variant, as data or promoted, and the payload's place.
#![expect(unsafe_code, reason = "finds payloads in values")]

use super::aggregate::Known;
use super::call::{Asked, Question};
use super::layout::{PieceTy, Tag};
use super::ops;
use super::place::Place;
use super::rec::Rec;
use super::value::Traced;
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::Arg;
use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
use std::mem::MaybeUninit;

/// `Option` and `Result`.
pub trait TwoWay: Sized {
    /// The payload of `Some` or `Ok`.
    type Yes;
    /// The payload of `Err`.
    type No;
    /// Whether it is `Some` or `Ok`.
    fn is_yes(&self) -> bool;
    /// The payload of `Some` or `Ok`.
    fn yes(&self) -> Option<&Self::Yes>;
    /// The payload of `Err`.
    fn no(&self) -> Option<&Self::No>;
    /// The value of a discriminant that is a number, of `Some` or `Ok`.
    const YES: u64;
    /// Whether the bits of a niche being those of a payload mean `Some` or `Ok`.
    fn payload_is_yes() -> bool;
}

impl<T> TwoWay for Option<T> {
    type Yes = T;
    type No = ();
    fn is_yes(&self) -> bool {
        self.is_some()
    }
    fn yes(&self) -> Option<&T> {
        self.as_ref()
    }
    fn no(&self) -> Option<&()> {
        None
    }
    const YES: u64 = 1;
    fn payload_is_yes() -> bool {
        true
    }
}

impl<T, E> TwoWay for Result<T, E> {
    type Yes = T;
    type No = E;
    fn is_yes(&self) -> bool {
        self.is_ok()
    }
    fn yes(&self) -> Option<&T> {
        self.as_ref().ok()
    }
    fn no(&self) -> Option<&E> {
        self.as_ref().err()
    }
    const YES: u64 = 0;
    fn payload_is_yes() -> bool {
        size_of::<T>() == size_of::<Self>()
    }
}

fn says<O: TwoWay>(tag: Tag, bits: u64) -> bool {
    match tag {
        Tag::Niche(niche) => niche.contains(bits) == O::payload_is_yes(),
        Tag::Value { .. } | Tag::Single => bits == O::YES,
    }
}

fn is_yes<O: TwoWay>(known: Known, place: &Place<()>) -> bool {
    known.copy(place.retyped::<O>()).is_yes()
}

/// Which variant it is, as data; and what was read to know that.
fn variant<O: TwoWay>(rec: Rec, place: &Place<O>) -> (Traced<bool>, Known) {
    let ways = const {
        &Ways {
            guess: guess::<O>(),
            is_yes: is_yes::<O>,
            says: says::<O>,
            yes: O::YES,
            payload_is_yes: O::payload_is_yes,
            question: const { &Asked::of::<O, IsYes>() },
        }
    };
    // SAFETY: the question is about values of this type.
    unsafe { variant_of(rec, place.erased(), ways) }
}

/// Where the discriminant may be if nothing else is known.
const fn guess<O: TwoWay>() -> Option<Tag> {
    match size_of::<O>() > size_of::<O::Yes>() && size_of::<O>() > size_of::<O::No>() {
        true => Some(Tag::Value { offset: 0, ty: Ty::I8 }),
        false => None,
    }
}

/// What is to be known of an `Option` or `Result` of which it is asked which it is.
struct Ways {
    guess: Option<Tag>,
    is_yes: fn(Known, &Place<()>) -> bool,
    says: fn(Tag, u64) -> bool,
    yes: u64,
    payload_is_yes: fn() -> bool,
    /// What is asked if the tag does not say it.
    question: &'static Asked,
}

/// # Safety
/// The value at the place is of the type that the question is about.
#[inline(never)]
unsafe fn variant_of(rec: Rec, place: &Place<()>, ways: &Ways) -> (Traced<bool>, Known) {
    if place.variant_is_known() {
        return (Traced::constant((ways.is_yes)(Known::Local, place)), Known::Local);
    }
    let ask = || {
        // SAFETY: the caller vouches for the type.
        let (yes, lanes, known) = unsafe { ways.question.ask(rec, place) };
        (Traced::new(MaybeUninit::new(yes != 0), lanes), known)
    };
    let (tag, offset, ty) = match place.tag().or(ways.guess) {
        Some(tag @ Tag::Value { offset, ty }) => (tag, offset, ty),
        Some(tag @ Tag::Niche(niche)) => (tag, niche.offset, niche.ty),
        Some(Tag::Single) | None => return ask(),
    };
    if let Some(address) = place.refers_to_local(rec, offset) {
        let known = Known::Tag(offset, address);
        return (Traced::constant((ways.is_yes)(known, place)), known);
    }
    let piece = place.piece(rec, PieceTy::at(offset, ty));
    let known = Known::Tag(offset, piece.concrete());
    let yes = (ways.is_yes)(known, place);
    if (ways.says)(tag, piece.bits) != yes {
        return ask();
    }
    let res = Const::new(Ty::Bool, u64::from(yes));
    let op = |opcode, a: Arg, b: u64, res| {
        let b = Arg::constant(a.ty, b);
        Arg::of(rec.op_silently(opcode, &[a, b], res), res)
    };
    let answer = match tag {
        Tag::Niche(niche) => {
            let distance = Const::new(ty, piece.bits.wrapping_sub(niche.first));
            let distance = match niche.first {
                0 => piece,
                first => op(Opcode::IntSub, piece, first, distance),
            };
            let opcode = if (ways.payload_is_yes)() { Opcode::UintLt } else { Opcode::UintGe };
            op(opcode, distance, niche.n, res)
        }
        _ => op(Opcode::IntEq, piece, ways.yes, res),
    };
    (Traced::scalar(yes, answer.lane), known)
}

/// Whether it is `Some` or `Ok`.
struct IsYes;

impl<O: TwoWay> Question<O> for IsYes {
    const NAME: &'static str = "is_some";
    type Answer = bool;
    fn ask(value: &O) -> u64 {
        u64::from(value.is_yes())
    }
}

impl<O: TwoWay> Place<O> {
    /// Whether it is `Some` or `Ok`, as data.
    pub(crate) fn is_yes(self, rec: Rec) -> Traced<bool> {
        variant(rec, &self).0
    }

    /// The payload's place; which variant it is, is taken for granted from here on.
    #[allow(clippy::result_large_err, reason = "neither place is an error")]
    pub(crate) fn payload(self, rec: Rec) -> Result<Place<O::Yes>, Place<O::No>> {
        let (yes, known) = variant(rec, &self);
        ops::branch(rec, yes);
        let copy = known.copy(&self);
        let distance =
            |part: *const u8| part.addr().wrapping_sub(std::ptr::from_ref(&copy).addr()) as isize;
        match (copy.yes(), copy.no()) {
            (Some(payload), _) => Ok(self.part(rec, distance(std::ptr::from_ref(payload).cast()))),
            (_, Some(payload)) => Err(self.part(rec, distance(std::ptr::from_ref(payload).cast()))),
            (None, None) => Err(self.part(rec, 0)),
        }
    }

    /// The payload itself, which the whole is left without.
    pub(crate) fn take_payload(self, rec: Rec) -> Result<Traced<O::Yes>, Traced<O::No>> {
        if std::mem::needs_drop::<O>() {
            self.disown();
        }
        match self.payload(rec) {
            Ok(payload) => Ok(payload.read_any(rec)),
            Err(payload) => Err(payload.read_any(rec)),
        }
    }
}

/// The receiver of a method that may take its receiver by value: such methods are here, and all others
/// are found behind it, on the receiver itself.
#[repr(transparent)]
pub struct Owned<T: ?Sized>(super::call::Target<T>);

impl<T: ?Sized> Owned<T> {
    /// The receiver of a call.
    pub fn of(target: &mut super::call::Target<T>) -> &mut Owned<T> {
        // SAFETY: the one is the other.
        unsafe { &mut *std::ptr::from_mut(target).cast() }
    }
}

impl<T: ?Sized> std::ops::Deref for Owned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> std::ops::DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Owned<T> {
    fn read(&self) -> T {
        // SAFETY: made for one call of a method that takes this value.
        unsafe { std::ptr::from_ref::<T>(self).read() }
    }
}

/// Methods of iterators that take them by value.
#[allow(missing_docs)]
pub trait OwnedIterator {
    type Plain: Iterator<Item = Self::Item>;
    type Item;
    fn plain(&mut self) -> Self::Plain;
    fn chain<U: IntoIterator<Item = Self::Item>>(
        &mut self,
        other: U,
    ) -> std::iter::Chain<Self::Plain, U::IntoIter> {
        self.plain().chain(other)
    }
    fn cloned<'a, T: Clone + 'a>(&mut self) -> std::iter::Cloned<Self::Plain>
    where
        Self::Plain: Iterator<Item = &'a T>,
    {
        self.plain().cloned()
    }
    fn copied<'a, T: Copy + 'a>(&mut self) -> std::iter::Copied<Self::Plain>
    where
        Self::Plain: Iterator<Item = &'a T>,
    {
        self.plain().copied()
    }
    fn collect<B: FromIterator<Self::Item>>(&mut self) -> B {
        self.plain().collect()
    }
    fn count(&mut self) -> usize {
        self.plain().count()
    }
    fn cycle(&mut self) -> std::iter::Cycle<Self::Plain>
    where
        Self::Plain: Clone,
    {
        self.plain().cycle()
    }
    fn enumerate(&mut self) -> std::iter::Enumerate<Self::Plain> {
        self.plain().enumerate()
    }
    fn fuse(&mut self) -> std::iter::Fuse<Self::Plain> {
        self.plain().fuse()
    }
    fn last(&mut self) -> Option<Self::Item> {
        self.plain().last()
    }
    fn max(&mut self) -> Option<Self::Item>
    where
        Self::Item: Ord,
    {
        self.plain().max()
    }
    fn min(&mut self) -> Option<Self::Item>
    where
        Self::Item: Ord,
    {
        self.plain().min()
    }
    fn peekable(&mut self) -> std::iter::Peekable<Self::Plain> {
        self.plain().peekable()
    }
    fn product<P: std::iter::Product<Self::Item>>(&mut self) -> P {
        self.plain().product()
    }
    fn rev(&mut self) -> std::iter::Rev<Self::Plain>
    where
        Self::Plain: DoubleEndedIterator,
    {
        self.plain().rev()
    }
    fn skip(&mut self, n: usize) -> std::iter::Skip<Self::Plain> {
        self.plain().skip(n)
    }
    fn step_by(&mut self, n: usize) -> std::iter::StepBy<Self::Plain> {
        self.plain().step_by(n)
    }
    fn sum<S: std::iter::Sum<Self::Item>>(&mut self) -> S {
        self.plain().sum()
    }
    fn take(&mut self, n: usize) -> std::iter::Take<Self::Plain> {
        self.plain().take(n)
    }
    fn zip<U: IntoIterator>(&mut self, other: U) -> std::iter::Zip<Self::Plain, U::IntoIter> {
        self.plain().zip(other)
    }
}

impl<I: Iterator> OwnedIterator for Owned<I> {
    type Plain = I;
    type Item = I::Item;
    fn plain(&mut self) -> I {
        self.read()
    }
}

/// `into_iter` of what is iterated over by value.
#[allow(
    missing_docs,
    clippy::wrong_self_convention,
    reason = "named as the method for which it stands"
)]
pub trait OwnedIntoIterator {
    type IntoIter;
    fn into_iter(&mut self) -> Self::IntoIter;
}

impl<I: IntoIterator> OwnedIntoIterator for Owned<I> {
    type IntoIter = I::IntoIter;
    fn into_iter(&mut self) -> I::IntoIter {
        self.read().into_iter()
    }
}

#[allow(missing_docs)]
impl<'a, K: Ord, V> Owned<btree_map::Entry<'a, K, V>> {
    pub fn or_insert(&mut self, value: V) -> &'a mut V {
        self.read().or_insert(value)
    }
    pub fn or_default(&mut self) -> &'a mut V
    where
        V: Default,
    {
        self.read().or_default()
    }
}

#[allow(missing_docs)]
impl<'a, K, V> Owned<hash_map::Entry<'a, K, V>> {
    pub fn or_insert(&mut self, value: V) -> &'a mut V {
        self.read().or_insert(value)
    }
    pub fn or_default(&mut self) -> &'a mut V
    where
        V: Default,
    {
        self.read().or_default()
    }
}

macro_rules! owned {
    ($(($($generic:ident),*) $ty:ty { $($name:ident($($arg:ident: $arg_ty:ty),*) -> $res:ty;)* })*) => {$(
        #[allow(missing_docs, clippy::wrong_self_convention, reason = "named as in std")]
        impl<$($generic),*> Owned<$ty> {
            $(#[track_caller]
            pub fn $name(&mut self, $($arg: $arg_ty),*) -> $res {
                self.read().$name($($arg),*)
            })*
        }
    )*};
}

owned! {
    (T) Option<T> {
        unwrap() -> T;
        expect(message: &str) -> T;
        unwrap_or(other: T) -> T;
        or(other: Option<T>) -> Option<T>;
        xor(other: Option<T>) -> Option<T>;
    }
    (K, V) HashMap<K, V> {
        into_keys() -> hash_map::IntoKeys<K, V>;
        into_values() -> hash_map::IntoValues<K, V>;
    }
    (K, V) BTreeMap<K, V> {
        into_keys() -> btree_map::IntoKeys<K, V>;
        into_values() -> btree_map::IntoValues<K, V>;
    }
    () String {
        into_bytes() -> Vec<u8>;
    }
    (T) Vec<T> {
        into_boxed_slice() -> Box<[T]>;
    }
    () Box<str> {
        into_string() -> String;
    }
}

#[allow(missing_docs)]
impl<T> Owned<Option<T>> {
    pub fn unwrap_or_default(&mut self) -> T
    where
        T: Default,
    {
        self.read().unwrap_or_default()
    }
    pub fn ok_or<E>(&mut self, error: E) -> Result<T, E> {
        self.read().ok_or(error)
    }
    pub fn and<U>(&mut self, other: Option<U>) -> Option<U> {
        self.read().and(other)
    }
    pub fn zip<U>(&mut self, other: Option<U>) -> Option<(T, U)> {
        self.read().zip(other)
    }
}

#[allow(missing_docs)]
impl<T, E> Owned<Result<T, E>> {
    #[track_caller]
    pub fn unwrap(&mut self) -> T
    where
        E: std::fmt::Debug,
    {
        self.read().unwrap()
    }
    #[track_caller]
    pub fn expect(&mut self, message: &str) -> T
    where
        E: std::fmt::Debug,
    {
        self.read().expect(message)
    }
    #[track_caller]
    pub fn unwrap_err(&mut self) -> E
    where
        T: std::fmt::Debug,
    {
        self.read().unwrap_err()
    }
    #[track_caller]
    pub fn expect_err(&mut self, message: &str) -> E
    where
        T: std::fmt::Debug,
    {
        self.read().expect_err(message)
    }
    pub fn unwrap_or(&mut self, other: T) -> T {
        self.read().unwrap_or(other)
    }
    pub fn unwrap_or_default(&mut self) -> T
    where
        T: Default,
    {
        self.read().unwrap_or_default()
    }
    pub fn ok(&mut self) -> Option<T> {
        self.read().ok()
    }
    pub fn err(&mut self) -> Option<E> {
        self.read().err()
    }
    pub fn or<F>(&mut self, other: Result<T, F>) -> Result<T, F> {
        self.read().or(other)
    }
    pub fn and<U>(&mut self, other: Result<U, E>) -> Result<U, E> {
        self.read().and(other)
    }
}
