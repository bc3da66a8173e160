//! `Option`, `Result` and tuples of traceable values.
//!
//! Their discriminants are promoted where a value comes into being ([`Traceable::settle`]), so that in the twin
//! the variant is always known and a match on it needs no guard.
#![expect(unsafe_code, reason = "takes values apart by reference")]

use super::call::{CallSite, residual};
use super::place::Place;
use super::rec::Rec;
use super::value::{Scalar, Traceable, Traced};
use metainterp::ir::Ty;
use metainterp::record::{Arg, Lane};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Types joined, at compile time.
struct Joined {
    tys: [Ty; 16],
    len: usize,
}

const fn join(parts: &[&[Ty]]) -> Joined {
    let mut joined = Joined { tys: [Ty::Bool; 16], len: 0 };
    let mut part = 0;
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            joined.tys[joined.len] = parts[part][at];
            joined.len += 1;
            at += 1;
        }
        part += 1;
    }
    joined
}

/// Copies the bits of a part.
///
/// # Safety
/// The whole may be used now.
unsafe fn bits_of<T>(part: &T) -> MaybeUninit<T> {
    // SAFETY: reading bits into `MaybeUninit` moves nothing.
    unsafe { std::ptr::from_ref(part).cast::<MaybeUninit<T>>().read() }
}

/// Reads memory whose layout is not known, by a residual call.
///
/// # Safety
/// The place can be read.
unsafe fn load_by_call<T: Traceable>(rec: Rec, place: Place<T>) -> Traced<T> {
    let site = CallSite { name: "read", site: std::any::type_name::<T>(), elidable: false };
    let pointer = place.shared();
    // SAFETY: the pointer is that of the place; the copy is used like any copy of a `Traced`'s bits.
    residual(rec, &site, (pointer,), |(place,): (&T,)| unsafe { std::ptr::read(place) })
}

/// Writes memory whose layout is not known, by a residual call.
///
/// # Safety
/// The place can be written.
unsafe fn store_by_call<T: Traceable>(rec: Rec, place: Place<T>, value: Traced<T>) {
    let site = CallSite { name: "write", site: std::any::type_name::<T>(), elidable: false };
    let args = (place.exclusive(), value);
    // Traceable values own nothing, so nothing is dropped by overwriting one.
    // SAFETY: the pointer is that of the place.
    residual(rec, &site, args, |(place, value): (&mut T, T)| unsafe {
        std::ptr::write(place, value)
    });
}

/// Promotes the discriminants in a value.
pub(crate) fn settle_discriminant(rec: Rec, lane: Lane, bit: bool) {
    rec.step();
    rec.guard_value(Arg::new(lane, Ty::Bool, u64::from(bit)));
}

// SAFETY: the words are the discriminant and the payload's words, or zeros.
unsafe impl<T: Traceable> Traceable for Option<T> {
    type Lanes = Option<T::Lanes>;
    const TYS: &'static [Ty] = {
        let joined = const { &join(&[&[Ty::Bool], T::TYS]) };
        joined.tys.split_at(joined.len).0
    };

    fn constant_lanes(value: &MaybeUninit<Self>, frozen: bool) -> Self::Lanes {
        // SAFETY: a `Traced` is only made from an initialized value.
        unsafe { value.assume_init_ref().as_ref().map(|v| T::constant_lanes(&bits_of(v), frozen)) }
    }

    fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]) {
        words[..Self::TYS.len()].fill(0);
        // SAFETY: a `Traced` is only made from an initialized value.
        if let Some(payload) = unsafe { value.assume_init_ref() } {
            words[0] = 1;
            // SAFETY: the payload is initialized and may be used.
            T::to_words(&unsafe { bits_of(payload) }, &mut words[1..]);
        }
    }

    unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self> {
        // SAFETY: the caller vouches for the words.
        MaybeUninit::new(
            (words[0] == 1).then(|| unsafe { T::from_words(&words[1..]).assume_init() }),
        )
    }

    fn lanes(rec: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>) {
        out.push(Lane::CONST);
        match value.part() {
            Some(payload) => T::lanes(rec, &payload, out),
            None => out.extend(T::TYS.iter().map(|_| Lane::CONST)),
        }
    }

    fn from_lanes(value: &MaybeUninit<Self>, lanes: &[Lane]) -> Self::Lanes {
        // SAFETY: a `Traced` is only made from an initialized value.
        unsafe { value.assume_init_ref().as_ref().map(|v| T::from_lanes(&bits_of(v), &lanes[1..])) }
    }

    fn settle(rec: Rec, value: &Traced<Self>, lanes: &[Lane]) {
        // SAFETY: a `Traced` is only made from an initialized value.
        settle_discriminant(rec, lanes[0], unsafe { value.value.assume_init_ref() }.is_some());
        if let Some(payload) = value.part() {
            T::settle(rec, &payload, &lanes[1..]);
        }
    }

    unsafe fn load(rec: Rec, place: Place<Self>) -> Traced<Self> {
        // SAFETY: the caller vouches for the place.
        unsafe { load_by_call(rec, place) }
    }

    unsafe fn store(rec: Rec, place: Place<Self>, value: Traced<Self>) {
        // SAFETY: the caller vouches for the place.
        unsafe { store_by_call(rec, place, value) }
    }
}

impl<T: Traceable> Traced<Option<T>> {
    /// The payload, with the twin's knowledge.
    pub fn part(&self) -> Option<Traced<T>> {
        // SAFETY: a `Traced` is only made from an initialized value.
        let payload = unsafe { self.value.assume_init_ref().as_ref().map(|v| bits_of(v)) };
        payload.zip(self.lanes).map(|(value, lanes)| Traced { value, lanes })
    }

    /// `Some(payload)`.
    pub fn some(payload: Traced<T>) -> Traced<Option<T>> {
        // SAFETY: a `Traced` is only made from an initialized value, and its bits may be copied.
        let value = MaybeUninit::new(Some(unsafe { payload.value.assume_init() }));
        Traced { value, lanes: Some(payload.lanes) }
    }
}

// SAFETY: the words are the discriminant (1 for `Ok`), then those of `Ok`, then those of `Err`.
unsafe impl<T: Traceable, E: Traceable> Traceable for Result<T, E> {
    type Lanes = Result<T::Lanes, E::Lanes>;
    const TYS: &'static [Ty] = {
        let joined = const { &join(&[&[Ty::Bool], T::TYS, E::TYS]) };
        joined.tys.split_at(joined.len).0
    };

    fn constant_lanes(value: &MaybeUninit<Self>, frozen: bool) -> Self::Lanes {
        // SAFETY: a `Traced` is only made from an initialized value.
        match unsafe { value.assume_init_ref() } {
            // SAFETY: the payload is initialized and may be used.
            Ok(v) => Ok(T::constant_lanes(&unsafe { bits_of(v) }, frozen)),
            // SAFETY: as above.
            Err(e) => Err(E::constant_lanes(&unsafe { bits_of(e) }, frozen)),
        }
    }

    fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]) {
        words[..Self::TYS.len()].fill(0);
        // SAFETY: a `Traced` is only made from an initialized value.
        match unsafe { value.assume_init_ref() } {
            Ok(v) => {
                words[0] = 1;
                // SAFETY: the payload is initialized and may be used.
                T::to_words(&unsafe { bits_of(v) }, &mut words[1..]);
            }
            // SAFETY: as above.
            Err(e) => E::to_words(&unsafe { bits_of(e) }, &mut words[1 + T::TYS.len()..]),
        }
    }

    unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self> {
        // SAFETY: the caller vouches for the words.
        MaybeUninit::new(unsafe {
            match words[0] {
                1 => Ok(T::from_words(&words[1..]).assume_init()),
                _ => Err(E::from_words(&words[1 + T::TYS.len()..]).assume_init()),
            }
        })
    }

    fn lanes(rec: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>) {
        out.push(Lane::CONST);
        match value.part() {
            Ok(v) => {
                T::lanes(rec, &v, out);
                out.extend(E::TYS.iter().map(|_| Lane::CONST));
            }
            Err(e) => {
                out.extend(T::TYS.iter().map(|_| Lane::CONST));
                E::lanes(rec, &e, out);
            }
        }
    }

    fn from_lanes(value: &MaybeUninit<Self>, lanes: &[Lane]) -> Self::Lanes {
        // SAFETY: a `Traced` is only made from an initialized value.
        match unsafe { value.assume_init_ref() } {
            // SAFETY: the payload is initialized and may be used.
            Ok(v) => Ok(T::from_lanes(&unsafe { bits_of(v) }, &lanes[1..])),
            // SAFETY: as above.
            Err(e) => Err(E::from_lanes(&unsafe { bits_of(e) }, &lanes[1 + T::TYS.len()..])),
        }
    }

    fn settle(rec: Rec, value: &Traced<Self>, lanes: &[Lane]) {
        // SAFETY: a `Traced` is only made from an initialized value.
        settle_discriminant(rec, lanes[0], unsafe { value.value.assume_init_ref() }.is_ok());
        match value.part() {
            Ok(v) => T::settle(rec, &v, &lanes[1..]),
            Err(e) => E::settle(rec, &e, &lanes[1 + T::TYS.len()..]),
        }
    }

    unsafe fn load(rec: Rec, place: Place<Self>) -> Traced<Self> {
        // SAFETY: the caller vouches for the place.
        unsafe { load_by_call(rec, place) }
    }

    unsafe fn store(rec: Rec, place: Place<Self>, value: Traced<Self>) {
        // SAFETY: the caller vouches for the place.
        unsafe { store_by_call(rec, place, value) }
    }
}

impl<T: Traceable, E: Traceable> Traced<Result<T, E>> {
    /// The payload, with the twin's knowledge.
    pub fn part(&self) -> Result<Traced<T>, Traced<E>> {
        // SAFETY: a `Traced` is only made from an initialized value.
        match (unsafe { self.value.assume_init_ref() }, self.lanes) {
            // SAFETY: the payload is initialized and may be used.
            (Ok(v), Ok(lanes)) => Ok(Traced { value: unsafe { bits_of(v) }, lanes }),
            // SAFETY: as above.
            (Err(e), Err(lanes)) => Err(Traced { value: unsafe { bits_of(e) }, lanes }),
            _ => unreachable!("the lanes of a Result are those of its variant"),
        }
    }

    /// `Ok(payload)`.
    pub fn ok(payload: Traced<T>) -> Traced<Result<T, E>> {
        // SAFETY: a `Traced` is only made from an initialized value, and its bits may be copied.
        let value = MaybeUninit::new(Ok(unsafe { payload.value.assume_init() }));
        Traced { value, lanes: Ok(payload.lanes) }
    }

    /// `Err(payload)`.
    pub fn err(payload: Traced<E>) -> Traced<Result<T, E>> {
        // SAFETY: a `Traced` is only made from an initialized value, and its bits may be copied.
        let value = MaybeUninit::new(Err(unsafe { payload.value.assume_init() }));
        Traced { value, lanes: Err(payload.lanes) }
    }
}

macro_rules! tuples {
    ($(($($name:ident $field:tt),+);)*) => {$(
        // SAFETY: the words are those of the fields, in order.
        unsafe impl<$($name: Traceable),+> Traceable for ($($name,)+) {
            type Lanes = ($($name::Lanes,)+);
            const TYS: &'static [Ty] = {
                let joined = const { &join(&[$($name::TYS),+]) };
                joined.tys.split_at(joined.len).0
            };

            fn constant_lanes(value: &MaybeUninit<Self>, frozen: bool) -> Self::Lanes {
                // SAFETY: a `Traced` is only made from an initialized value.
                unsafe {
                    let value = value.assume_init_ref();
                    ($($name::constant_lanes(&bits_of(&value.$field), frozen),)+)
                }
            }

            #[allow(unused_assignments)]
            fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]) {
                let mut at = 0;
                // SAFETY: a `Traced` is only made from an initialized value.
                unsafe {
                    let value = value.assume_init_ref();
                    $($name::to_words(&bits_of(&value.$field), &mut words[at..]); at += $name::TYS.len();)+
                }
            }

            #[allow(unused_assignments)]
            unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self> {
                let mut at = 0;
                // SAFETY: the caller vouches for the words.
                MaybeUninit::new(($(unsafe {
                    let field = $name::from_words(&words[at..]).assume_init();
                    at += $name::TYS.len();
                    field
                },)+))
            }

            fn lanes(rec: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>) {
                let parts = value.parts();
                $($name::lanes(rec, &parts.$field, out);)+
            }

            #[allow(unused_assignments)]
            fn from_lanes(value: &MaybeUninit<Self>, lanes: &[Lane]) -> Self::Lanes {
                let mut at = 0;
                // SAFETY: a `Traced` is only made from an initialized value.
                let value = unsafe { value.assume_init_ref() };
                ($({
                    // SAFETY: the field is initialized and may be used.
                    let field = $name::from_lanes(&unsafe { bits_of(&value.$field) }, &lanes[at..]);
                    at += $name::TYS.len();
                    field
                },)+)
            }

            #[allow(unused_assignments)]
            fn settle(rec: Rec, value: &Traced<Self>, lanes: &[Lane]) {
                let parts = value.parts();
                let mut at = 0;
                $($name::settle(rec, &parts.$field, &lanes[at..]); at += $name::TYS.len();)+
            }

            unsafe fn load(rec: Rec, place: Place<Self>) -> Traced<Self> {
                // SAFETY: the caller vouches for the place.
                unsafe { load_by_call(rec, place) }
            }

            unsafe fn store(rec: Rec, place: Place<Self>, value: Traced<Self>) {
                // SAFETY: the caller vouches for the place.
                unsafe { store_by_call(rec, place, value) }
            }
        }

        impl<$($name: Traceable),+> Traced<($($name,)+)> {
            /// The fields.
            pub fn parts(&self) -> ($(Traced<$name>,)+) {
                // SAFETY: a `Traced` is only made from an initialized value.
                let value = unsafe { self.value.assume_init_ref() };
                // SAFETY: the field is initialized and may be used.
                ($(Traced { value: unsafe { bits_of(&value.$field) }, lanes: self.lanes.$field },)+)
            }
        }

        impl<$($name: Traceable),+> Parts for ($(Traced<$name>,)+) {
            type Whole = ($($name,)+);
            fn join(self) -> Traced<Self::Whole> {
                // SAFETY: a `Traced` is only made from an initialized value, and its bits may be copied.
                let value = MaybeUninit::new(($(unsafe { self.$field.value.assume_init() },)+));
                Traced { value, lanes: ($(self.$field.lanes,)+) }
            }
        }
    )*};
}

/// A tuple of traced values, as a traced tuple.
pub trait Parts {
    /// The plain tuple.
    type Whole: Traceable;
    /// Joins.
    fn join(self) -> Traced<Self::Whole>;
}

tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

/// Takes a value apart as a pattern does: one level, into parts that patterns bind.
pub trait Open {
    /// The same shape, of traced parts.
    type Opened;
    /// Opens.
    fn open(self) -> Self::Opened;
}

impl<T: Traceable> Open for Traced<Option<T>> {
    type Opened = Option<Traced<T>>;
    fn open(self) -> Self::Opened {
        self.part()
    }
}

impl<T: Traceable, E: Traceable> Open for Traced<Result<T, E>> {
    type Opened = Result<Traced<T>, Traced<E>>;
    fn open(self) -> Self::Opened {
        self.part()
    }
}

macro_rules! open_tuples {
    ($(($($name:ident),+);)*) => {$(
        impl<$($name: Traceable),+> Open for Traced<($($name,)+)> {
            type Opened = ($(Traced<$name>,)+);
            fn open(self) -> Self::Opened {
                self.parts()
            }
        }
    )*};
}

open_tuples! { (A); (A, B); (A, B, C); (A, B, C, D); }

/// A match on a number: which arms were passed, and what the trace must know of that.
pub struct Match<'a, T: Matchable> {
    rec: Rec,
    value: Traced<T>,
    /// Inclusive ranges per arm; none means that the arm takes everything.
    arms: &'a [&'a [(T, T)]],
    reached: usize,
}

/// What literal and range patterns match.
pub trait Matchable: Scalar + PartialOrd {}
impl<T: super::ops::Compare> Matchable for T {}

impl<'a, T: Matchable + super::ops::Compare> Match<'a, T> {
    /// A match on `value`.
    pub fn new(rec: Rec, value: Traced<T>, arms: &'a [&'a [(T, T)]]) -> Match<'a, T> {
        Match { rec, value, arms, reached: 0 }
    }

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
            let equal = super::ops::eq(rec, self.value.dup(), Traced::constant(lo));
            return rec.guard_one_of_many(equal.arg());
        }
        let above = super::ops::ge(rec, self.value.dup(), Traced::constant(lo));
        rec.guard_one_of_many(above.arg());
        if above.get() {
            let below = super::ops::le(rec, self.value.dup(), Traced::constant(hi));
            rec.guard_one_of_many(below.arg());
        }
    }

    /// Shows the comparisons that the interpreter makes with a constant.
    fn log(&self, last: usize, first: usize) {
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

    /// The value, as it is known now.
    pub fn value(&self) -> Traced<T> {
        self.value.dup()
    }
}
