//! Values made of parts: tuples, structs, variants of enums, arrays.
//!
//! A whole is made by the author's own constructor from the parts' bytes, and each part's pieces go to
//! where the part lies in it. Which variant it is is then known, and a match on it needs no guard.
#![expect(unsafe_code, reason = "takes values apart by reference")]

use super::layout::{Tag, Tagged};
use super::rec::Rec;
use super::value::{Bytes, Pieces, Scalar, Traced, extract, joined, shifted};
use metainterp::ir::{Const, Opcode, Ty};
use metainterp::record::Arg;
use std::mem::MaybeUninit;

fn offset_in<W, P>(whole: &W, part: &P) -> usize {
    std::ptr::from_ref(part).addr() - std::ptr::from_ref(whole).addr()
}

/// The part of a traced value that a reference into it names.
fn part_of<W, P>(rec: Rec, whole: &Traced<W>, part: &P) -> Traced<P> {
    let offset = std::ptr::from_ref(part).addr() - whole.as_ptr().addr();
    // SAFETY: `part` is a reference into the value.
    unsafe { whole.part(rec, offset) }
}

/// A whole from one part.
fn whole<W, P>(
    part: Traced<P>,
    make: impl FnOnce(P) -> W,
    find: impl FnOnce(&W) -> &P,
) -> Traced<W> {
    let part = part.take_whole();
    // SAFETY: a `Traced` is only made from an initialized value, which is moved here.
    let value = make(unsafe { part.bits().assume_init() });
    let offset = offset_in(&value, find(&value));
    let mut lanes = part.lanes;
    if !lanes.is_const() && offset > 0 {
        let rec = Rec::current();
        let mut pieces = Pieces::new();
        shifted(rec, lanes, offset, &mut pieces);
        lanes = joined(rec, pieces);
    }
    Traced::new(MaybeUninit::new(value), lanes)
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

/// Promotes the variant of a value that is an enum. Makes one step.
pub(crate) fn promote_variant<T: Tagged>(rec: Rec, value: &Traced<T>) {
    rec.step();
    let (offset, ty) = match T::tag() {
        Some(Tag::Value { offset, ty }) => (offset, ty),
        Some(Tag::Niche(niche)) => (niche.offset, niche.ty),
        None => return variant_by_call(rec, value),
    };
    let tag = extract(rec, Bytes::of(value), &value.lanes.pieces(rec), offset, ty);
    // SAFETY: a `Traced` is only made from an initialized value.
    if !unsafe { value.value.assume_init_ref() }.agrees(tag.concrete.bits) {
        return variant_by_call(rec, value);
    }
    match T::tag() {
        Some(Tag::Niche(niche)) => {
            let first = Arg::constant(ty, niche.first);
            let distance = Const::new(ty, tag.concrete.bits.wrapping_sub(niche.first));
            let distance = match niche.first {
                0 => tag,
                _ => Arg {
                    lane: rec.op_silently(Opcode::IntSub, &[tag, first], distance),
                    concrete: distance,
                },
            };
            let inside = Const::new(Ty::Bool, u64::from(niche.contains(tag.concrete.bits)));
            let limit = Arg::constant(ty, niche.n);
            let lane = rec.op_silently(Opcode::UintLt, &[distance, limit], inside);
            rec.guard_one_of_many(Arg { lane, concrete: inside });
        }
        _ => {
            rec.guard_value(tag);
        }
    }
}

/// The discriminant of any value, as a number.
fn discriminant<T>(value: &T) -> u64 {
    let discriminant = std::mem::discriminant(value);
    let bytes = Bytes::at(&discriminant);
    bytes.bits(0, Ty::I64)
}

/// Promotes what `std::mem::discriminant` says of a value, which is asked by a call.
fn variant_by_call<T>(rec: Rec, value: &Traced<T>) {
    let site =
        super::CallSite { name: "discriminant", site: std::any::type_name::<T>(), elidable: true };
    let copy = Traced::new(value.bits(), value.lanes);
    let number = super::call::residual(rec, &site, (copy,), |(value,): (T,)| {
        let value = std::mem::ManuallyDrop::new(value);
        discriminant(&*value)
    });
    rec.step();
    rec.guard_value(number.arg());
}

/// A tuple of traced values, as a traced tuple.
pub trait Parts {
    /// The plain tuple.
    type Whole;
    /// Joins.
    fn join(self) -> Traced<Self::Whole>;
}

/// Takes a value apart as a pattern does: one level, into parts that patterns bind.
pub trait Open {
    /// The same shape, of traced parts.
    type Opened;
    /// Opens.
    fn open(self, rec: Rec) -> Self::Opened;
}

impl<T> Open for Traced<Option<T>>
where
    Option<T>: Tagged,
{
    type Opened = Option<Traced<T>>;
    fn open(self, rec: Rec) -> Self::Opened {
        promote_variant(rec, &self);
        let this = self.take_whole();
        // SAFETY: a `Traced` is only made from an initialized value.
        unsafe { this.value.assume_init_ref() }.as_ref().map(|payload| part_of(rec, &this, payload))
    }
}

impl<T, E> Open for Traced<Result<T, E>>
where
    Result<T, E>: Tagged,
{
    type Opened = Result<Traced<T>, Traced<E>>;
    fn open(self, rec: Rec) -> Self::Opened {
        promote_variant(rec, &self);
        let this = self.take_whole();
        // SAFETY: a `Traced` is only made from an initialized value.
        match unsafe { this.value.assume_init_ref() } {
            Ok(payload) => Ok(part_of(rec, &this, payload)),
            Err(payload) => Err(part_of(rec, &this, payload)),
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $field:tt),+);)*) => {$(
        impl<$($name),+> Parts for ($(Traced<$name>,)+) {
            type Whole = ($($name,)+);
            fn join(self) -> Traced<Self::Whole> {
                let parts = std::mem::ManuallyDrop::new(self);
                // SAFETY: a `Traced` is only made from an initialized value, which is moved here.
                let value = ($(unsafe { parts.$field.bits().assume_init() },)+);
                let mut pieces = Pieces::new();
                if $(!parts.$field.lanes.is_const())||+ {
                    let rec = Rec::current();
                    $(shifted(rec, parts.$field.lanes, offset_in(&value, &value.$field), &mut pieces);)+
                    let lanes = joined(rec, pieces);
                    return Traced::new(MaybeUninit::new(value), lanes);
                }
                Traced::constant(value)
            }
        }

        impl<$($name),+> Open for Traced<($($name,)+)> {
            type Opened = ($(Traced<$name>,)+);
            fn open(self, rec: Rec) -> Self::Opened {
                let this = self.take_whole();
                // SAFETY: a `Traced` is only made from an initialized value.
                let value = unsafe { this.value.assume_init_ref() };
                ($(part_of(rec, &this, &value.$field),)+)
            }
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
