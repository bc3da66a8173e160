//! Strings and slices of integers: whether two are equal, and promotion by value.
//!
//! Two of one length are equal if their bytes are. Where the bytes of one never change (a literal, a constant,
//! data of the interpreted program), or it is an array, and they are few, the trace compares words: behind a guard
//! on the length it loads those of the other one, and compares them, mostly with constants. Of any other two it asks whether they have
//! one length, and then whether they have one address, and calls what compares them otherwise.
//!
//! Promotion by value makes length and words constants, each with a guard; the address stays what it is. The
//! value is borrowed, so nobody changes it while the author has the reference that comes out: all that is read
//! through it is constant, whatever the trace stores elsewhere.
//!
//! Invariants
//! 1. Which steps the twin makes depends on types, on values that guards keep, and on whether memory is frozen for
//!    good: a replay knows all of these.
//! 2. No word is loaded before a guard says that the slice is so long.
//!
//! Why not promote the address? There is code for the string that was met then, and not for an equal one
//! elsewhere; and memory at that address may hold another one later. Why not go on with a constant copy? The
//! author may ask where the string is, and keep it for longer than the trace exists.

use super::layout::PieceTy;
use super::ops::{self, Bits};
use super::place::{Counted, Peel, Place, Pointee};
use super::rec::Rec;
use super::value::Traced;
use metainterp::ir::{Opcode, Ty};
use metainterp::record::{Arg, CallSite};
use std::rc::Rc;
use std::sync::Arc;

/// Most bytes that are compared or promoted word by word.
const FEW_BYTES: usize = 64;

/// Elements that are equal if their bytes are.
pub trait Bytewise: Copy + PartialEq {}

/// What the name of a constant stands for.
pub struct Constant<T>(pub T);

impl<T: Text + ?Sized> Constant<&'static T> {
    /// A reference to what never changes.
    pub fn traced(self, rec: Rec) -> Traced<&'static T> {
        super::frozen(rec, self.0)
    }
}

/// Of everything else.
pub trait AnyConstant<T> {
    /// The value.
    fn traced(self, rec: Rec) -> Traced<T>;
}

impl<T> AnyConstant<T> for Constant<T> {
    fn traced(self, _: Rec) -> Traced<T> {
        Traced::constant(self.0)
    }
}

macro_rules! bytewise {
    ($($ty:ident)*) => { $(impl Bytewise for $ty {})* };
}

bytewise! { bool char i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// Strings and slices of integers, what holds them, and references to them.
pub trait Text: Pointee {
    /// The elements' type.
    type Item: Bytewise;
    /// The type says how many elements there are.
    const IS_SIZED: bool;
    /// The elements.
    fn items(rec: Rec, place: Place<Self>) -> Place<[Self::Item]>;
}

macro_rules! texts {
    ($(($($generics:tt)*) $ty:ty { $item:ty, $is_sized:expr } |$rec:ident, $place:ident| $items:expr;)*) => {$(
        impl<$($generics)*> Text for $ty {
            type Item = $item;
            const IS_SIZED: bool = $is_sized;
            fn items($rec: Rec, $place: Place<Self>) -> Place<[Self::Item]> {
                $items
            }
        }
    )*};
}

texts! {
    (T: Bytewise) [T] { T, false } |_rec, place| place;
    (T: Bytewise, const N: usize) [T; N] { T, true } |_rec, place| place.as_slice();
    (T: Bytewise) Vec<T> { T, false } |rec, place| place.as_slice(rec);
    () str { u8, false } |_rec, place| place.str_bytes();
    () String { u8, false } |rec, place| place.string_bytes(rec);
    (T: Text + ?Sized) &T { T::Item, T::IS_SIZED } |rec, place| T::items(rec, place.pointee(rec));
    (T: Text + ?Sized) &mut T { T::Item, T::IS_SIZED } |rec, place| T::items(rec, place.pointee(rec));
    (T: Text + Counted + ?Sized) Rc<T> { T::Item, T::IS_SIZED } |rec, place| T::items(rec, Peel::of(&place).peel(rec));
    (T: Text + Counted + ?Sized) Arc<T> { T::Item, T::IS_SIZED } |rec, place| T::items(rec, Peel::of(&place).peel(rec));
}

/// Whether two have the same elements.
pub(crate) fn equal<A, B>(rec: Rec, a: Place<A>, b: Place<B>) -> Traced<bool>
where
    A: Text + ?Sized,
    B: Text<Item = A::Item> + ?Sized,
{
    let (a, b) = (A::items(rec, a).settled(), B::items(rec, b).settled());
    slices_are_equal(rec, (a, A::IS_SIZED), (b, B::IS_SIZED))
}

/// The same of slices, and whether their types say how many elements they have.
#[inline(never)]
fn slices_are_equal<T: Bytewise>(
    rec: Rec,
    (a, a_is_sized): (Place<[T]>, bool),
    (b, b_is_sized): (Place<[T]>, bool),
) -> Traced<bool> {
    if !ops::branch(rec, ops::eq(rec, a.len(), b.len())) {
        return Traced::constant(false);
    }
    let is_known = |it: Place<[T]>, is_sized| is_sized || it.addr().is_frozen_for_good();
    let known = match (is_known(a, a_is_sized), is_known(b, b_is_sized)) {
        (true, _) => Some(a),
        (false, true) => Some(b),
        (false, false) => None,
    };
    if let Some(n) = known.and_then(|known| few_bytes(rec, known)) {
        return words_are_equal(rec, a, b, n);
    }
    if ops::branch(rec, have_one_address(rec, a, b)) {
        return Traced::constant(true);
    }
    let elidable = [a, b].iter().all(|it| it.addr().is_frozen_for_good());
    let site =
        CallSite { name: "==", site: std::any::type_name::<[T]>(), elidable, ..CallSite::PLAIN };
    let (a, b) = (a.shared(rec), b.shared(rec));
    super::call::residual_read(rec, &site, (a, b), |(a, b): (&[T], &[T])| a == b)
}

/// How many bytes there are, if few. The trace is for that number from here on.
fn few_bytes<T>(rec: Rec, slice: Place<[T]>) -> Option<usize> {
    let most = Traced::constant(FEW_BYTES / size_of::<T>());
    if !ops::branch(rec, ops::le(rec, slice.len(), most)) {
        return None;
    }
    ops::promote_few(rec, slice.len().arg())?;
    Some(slice.len().get() * size_of::<T>())
}

fn have_one_address<T>(rec: Rec, a: Place<[T]>, b: Place<[T]>) -> Traced<bool> {
    let [a, b] = [a, b].map(|it| it.part::<()>(rec, 0).raw_const(rec).args(rec)[0]);
    ops::pure(rec, Opcode::PtrEq, [a, b], a.bits == b.bits)
}

fn words_are_equal<T>(rec: Rec, a: Place<[T]>, b: Place<[T]>, n_bytes: usize) -> Traced<bool> {
    let words = words(n_bytes).map(|word| {
        let (x, y) = (load(rec, a, word), load(rec, b, word));
        ops::pure(rec, Opcode::IntEq, [x, y], x.bits == y.bits)
    });
    words.reduce(|all, next| bool::and(rec, all, next)).unwrap_or(Traced::constant(true))
}

/// Promotes length and contents, if these are few bytes.
pub(crate) fn promoted<T: Bytewise>(rec: Rec, slice: Place<[T]>) -> Place<[T]> {
    let slice = slice.settled();
    let Some(len) = ops::promote_few(rec, slice.len().arg()) else { return slice };
    let n_bytes = slice.len().get() * size_of::<T>();
    let slice = slice.with_len_lane(len);
    let is_known = n_bytes <= FEW_BYTES
        && words(n_bytes).all(|word| ops::promote_few(rec, load(rec, slice, word)).is_some());
    if is_known { slice.with_promoted_elements() } else { slice }
}

/// The words, each as large as the bytes allow, that cover so many bytes and no other. The last one may
/// overlap the one before it.
fn words(n_bytes: usize) -> impl Iterator<Item = PieceTy> {
    let fits = |ty: &Ty| ty.bytes() as usize <= n_bytes;
    let ty = [Ty::I64, Ty::I32, Ty::I16].into_iter().find(fits).unwrap_or(Ty::I8);
    let size = ty.bytes() as usize;
    let last = n_bytes.checked_sub(size);
    let offsets = (0..last.unwrap_or(0)).step_by(size).chain(last);
    offsets.map(move |offset| PieceTy::at(offset as u32, ty))
}

fn load<T>(rec: Rec, slice: Place<[T]>, word: PieceTy) -> Arg {
    slice.part::<u8>(rec, 0).piece(rec, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cover_all_bytes_and_no_others() {
        for n_bytes in 0..=FEW_BYTES {
            let mut covered = vec![false; n_bytes];
            for word in words(n_bytes) {
                let start = word.offset as usize;
                covered[start..start + word.ty.bytes() as usize].fill(true);
            }
            assert!(covered.iter().all(|&it| it), "{n_bytes} bytes");
            assert!(words(n_bytes).count() <= n_bytes.div_ceil(8).max(2), "{n_bytes} bytes");
        }
    }
}
