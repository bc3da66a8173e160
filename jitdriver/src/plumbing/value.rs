//! Values of the twin: a concrete value beside the trace operands of its scalars.

#![expect(unsafe_code, reason = "values are copied and rebuilt bit by bit")]

use super::rec::Rec;
use metainterp::ir::{Const, Ty};
use metainterp::record::{Arg, Lane};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Machine arguments.
pub type Args = SmallVec<[Arg; 8]>;

/// A value of the twin. Copying it copies bits: the twin's copies are never dropped.
pub struct Traced<T: Traceable> {
    pub(crate) value: MaybeUninit<T>,
    pub(crate) lanes: T::Lanes,
}

/// Types whose values a trace can hold in registers.
///
/// # Safety
/// - `to_words` and `from_words` are inverse on every value, and `TYS` names the words' types.
/// - Any copy of a value's bits may be used as long as the value itself may.
pub unsafe trait Traceable: Sized {
    /// What the trace knows of the value.
    type Lanes: Copy;

    /// Types of the machine words that hold a value.
    const TYS: &'static [Ty];

    /// Lanes of a value that is the same on every run. `frozen`: what it points to never changes.
    fn constant_lanes(value: &MaybeUninit<Self>, frozen: bool) -> Self::Lanes;

    /// Writes the value's words, zero-extended.
    fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]);

    /// The value with these words.
    ///
    /// # Safety
    /// The words are those of a value that may be used now.
    unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self>;

    /// The value's lanes, one a word; records address computations that are still symbolic.
    fn lanes(rec: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>);

    /// The lanes of a value from one lane a word.
    fn from_lanes(value: &MaybeUninit<Self>, lanes: &[Lane]) -> Self::Lanes;

    /// Notes that the value, if it is an exclusive reference, is the only way to its object.
    fn exclusive(_lanes: &mut Self::Lanes, _class: super::Class) {}

    /// Promotes the discriminants in a value that has just come into being with these lanes.
    fn settle(_rec: Rec, _value: &Traced<Self>, _lanes: &[Lane]) {}

    /// Reads a value from memory.
    ///
    /// # Safety
    /// The place holds a value that may be read now.
    unsafe fn load(rec: Rec, place: super::Place<Self>) -> Traced<Self>;

    /// Writes a value to memory.
    ///
    /// # Safety
    /// The place may be written now.
    unsafe fn store(rec: Rec, place: super::Place<Self>, value: Traced<Self>);
}

impl<T: Traceable> Traced<T> {
    /// A value that is the same on every run of the trace.
    pub fn constant(value: T) -> Traced<T> {
        Traced::constant_bits(MaybeUninit::new(value), false)
    }

    /// The same, of a value that points to memory which never changes while the trace exists.
    pub fn frozen(value: T) -> Traced<T> {
        Traced::constant_bits(MaybeUninit::new(value), true)
    }

    pub(crate) fn constant_bits(value: MaybeUninit<T>, frozen: bool) -> Traced<T> {
        let lanes = T::constant_lanes(&value, frozen);
        Traced { value, lanes }
    }

    /// A copy of the bits.
    pub fn dup(&self) -> Traced<T> {
        // SAFETY: `MaybeUninit` drops nothing, so two copies of the bits do no harm by themselves;
        // the contract of `Traceable` allows to use any copy while the original may be used.
        unsafe { std::ptr::read(self) }
    }

    /// The machine arguments of the value.
    pub(crate) fn args(&self, rec: Rec) -> Args {
        let mut lanes = SmallVec::new();
        T::lanes(rec, self, &mut lanes);
        let words = self.words();
        let arg = |((&ty, &bits), lane)| Arg::new(lane, ty, bits);
        T::TYS.iter().zip(&words).zip(lanes).map(arg).collect()
    }

    pub(crate) fn words(&self) -> SmallVec<[u64; 4]> {
        let mut words: SmallVec<[u64; 4]> = SmallVec::from_elem(0, T::TYS.len());
        T::to_words(&self.value, &mut words);
        words
    }

    /// A value from one lane a word.
    pub(crate) fn with_lanes(value: MaybeUninit<T>, lanes: &[Lane]) -> Traced<T> {
        let lanes = T::from_lanes(&value, lanes);
        Traced { value, lanes }
    }
}

impl<T: Traceable + Copy> Traced<T> {
    /// The concrete value.
    #[inline]
    pub fn get(&self) -> T {
        // SAFETY: a `Traced` is only made from an initialized value.
        unsafe { self.value.assume_init() }
    }
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
pub trait Scalar: Traceable<Lanes = Lane> + Copy {
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

impl<T: Scalar> Traced<T> {
    #[inline]
    pub(crate) fn scalar(value: T, lane: Lane) -> Traced<T> {
        Traced { value: MaybeUninit::new(value), lanes: lane }
    }

    #[inline]
    pub(crate) fn arg(&self) -> Arg {
        Arg::new(self.lanes, T::TY, self.get().bits())
    }

    #[inline]
    pub(crate) fn lane(&self) -> Lane {
        self.lanes
    }
}

pub(crate) fn constant_of<T: Scalar>(value: T) -> Const {
    Const::new(T::TY, value.bits())
}

macro_rules! scalar {
    ($($ty:ty: $trace_ty:ident $kind:ident, $least:expr, $greatest:expr, $x:ident => $bits:expr, $back:expr;)*) => {$(
        // SAFETY: the value is its one word; it owns nothing.
        unsafe impl Traceable for $ty {
            type Lanes = Lane;
            const TYS: &'static [Ty] = &[Ty::$trace_ty];

            fn constant_lanes(_: &MaybeUninit<Self>, _: bool) -> Lane {
                Lane::CONST
            }

            fn to_words(value: &MaybeUninit<Self>, words: &mut [u64]) {
                // SAFETY: a `Traced` is only made from an initialized value.
                words[0] = unsafe { value.assume_init() }.bits();
            }

            unsafe fn from_words(words: &[u64]) -> MaybeUninit<Self> {
                MaybeUninit::new(Self::of_bits(words[0]))
            }

            fn lanes(_: Rec, value: &Traced<Self>, out: &mut SmallVec<[Lane; 4]>) {
                out.push(value.lanes);
            }

            fn from_lanes(_: &MaybeUninit<Self>, lanes: &[Lane]) -> Lane {
                lanes[0]
            }

            unsafe fn load(rec: Rec, place: super::Place<Self>) -> Traced<Self> {
                // SAFETY: the caller vouches for the place.
                unsafe { place.load_scalar(rec) }
            }

            unsafe fn store(rec: Rec, place: super::Place<Self>, value: Traced<Self>) {
                // SAFETY: the caller vouches for the place.
                unsafe { place.store_scalar(rec, value) }
            }
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
    bool: Bool Bool, false, true, x => x as u64, x & 1 == 1;
    char: I32 Char, '\0', char::MAX, x => x as u64, char::from_u32(x as u32).expect("the word of a char");
    i8: I8 Signed, i8::MIN, i8::MAX, x => x as u8 as u64, x as i8;
    i16: I16 Signed, i16::MIN, i16::MAX, x => x as u16 as u64, x as i16;
    i32: I32 Signed, i32::MIN, i32::MAX, x => x as u32 as u64, x as i32;
    i64: I64 Signed, i64::MIN, i64::MAX, x => x as u64, x as i64;
    isize: I64 Signed, isize::MIN, isize::MAX, x => x as u64, x as isize;
    u8: I8 Unsigned, u8::MIN, u8::MAX, x => x as u64, x as u8;
    u16: I16 Unsigned, u16::MIN, u16::MAX, x => x as u64, x as u16;
    u32: I32 Unsigned, u32::MIN, u32::MAX, x => x as u64, x as u32;
    u64: I64 Unsigned, u64::MIN, u64::MAX, x => x, x;
    usize: I64 Unsigned, usize::MIN, usize::MAX, x => x as u64, x as usize;
    f32: F32 Float, f32::NEG_INFINITY, f32::INFINITY, x => x.to_bits() as u64, f32::from_bits(x as u32);
    f64: F64 Float, f64::NEG_INFINITY, f64::INFINITY, x => x.to_bits(), f64::from_bits(x);
}

// SAFETY: a unit has no words.
unsafe impl Traceable for () {
    type Lanes = ();
    const TYS: &'static [Ty] = &[];

    fn constant_lanes(_: &MaybeUninit<Self>, _: bool) {}

    fn to_words(_: &MaybeUninit<Self>, _: &mut [u64]) {}

    unsafe fn from_words(_: &[u64]) -> MaybeUninit<Self> {
        MaybeUninit::new(())
    }

    fn lanes(_: Rec, _: &Traced<Self>, _: &mut SmallVec<[Lane; 4]>) {}

    fn from_lanes(_: &MaybeUninit<Self>, _: &[Lane]) {}

    unsafe fn load(_: Rec, _: super::Place<Self>) -> Traced<Self> {
        Traced::constant(())
    }

    unsafe fn store(_: Rec, _: super::Place<Self>, _: Traced<Self>) {}
}

/// The value just below, for the end of a half-open range pattern.
pub fn before<T: Scalar>(value: T) -> T {
    T::of_bits(value.bits().wrapping_sub(1) & T::TY.mask())
}
