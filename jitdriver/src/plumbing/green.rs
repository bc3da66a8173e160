//! What may be green.
//!
//! A green that is a variable is [`Green`]: its value is its words. One that is an expression is
//! [`GreenExpr`]: it is read where it is, and what is promoted is its *key*. For most types that is the
//! value. For an `Rc` or `Arc` it is the address, and the driver keeps a weak count (see
//! [`metainterp::warm`]), so that the address stays that program's.
#![expect(unsafe_code, reason = "reads the pointer in an Rc")]

use super::layout::Traceable;
use super::place::{Counted, Place, Pointee};
use super::portal::GreenVar;
use super::rec::Rec;
use super::value::Traced;
use crate::driver::JitDriver;
use metainterp::owner::Owner;
use std::mem::{MaybeUninit, size_of};
use std::rc::Rc;
use std::sync::Arc;

/// Types of green variables, for a driver that lives as long as `'p` is borrowed.
///
/// # Safety
/// Equal words mean an equal value, and what a reference in it refers to neither changes (but inside
/// cells) nor goes away as long as `'p` lasts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be green",
    note = "a green is an integer, a `bool`, a `char`, a raw pointer, an `Rc`, or a shared reference that lives as long as the driver: `&'p T` for a `JitDriver<'p>`",
    note = "an `Arc`, and what is behind a reference, is green where it is: `self.program`, or `*program` for a `program: &Rc<_>`"
)]
pub unsafe trait Green<'p>: Traceable {
    /// Keeps what has to be kept.
    fn keep(&self, _: &JitDriver<'p>) {}
}

/// Types of green expressions.
///
/// # Safety
/// Equal keys mean an equal value, as long as what [`GreenExpr::keep`] asks for is kept; and what a reference
/// in it refers to neither changes (but inside cells) nor goes away as long.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be green",
    note = "a green is an integer, a `bool`, a `char`, a raw pointer, an `Rc`, an `Arc`, or a shared reference that lives as long as the driver: `&'p T` for a `JitDriver<'p>`"
)]
pub unsafe trait GreenExpr<'p>: Sized {
    /// What is compared.
    type Key: Traceable;

    /// The key of a value.
    fn key(&self) -> MaybeUninit<Self::Key>;

    /// Reads the key in the twin.
    fn read(rec: Rec, place: Place<Self>) -> Traced<Self::Key>;

    /// Keeps what has to be kept.
    fn keep(&self, _: &JitDriver<'p>) {}

    /// Notes that what the green refers to does not change.
    fn note(_: Rec, _: &Traced<Self::Key>) {}
}

fn copy_of_bits<T>(value: &T) -> MaybeUninit<T> {
    // SAFETY: a copy of the bits, which nothing drops.
    unsafe { std::ptr::from_ref(value).cast::<MaybeUninit<T>>().read() }
}

macro_rules! greens {
    ($(<$($param:ident)?> $ty:ty;)*) => {$(
        // SAFETY: the value is its word; the trace takes nothing for granted about what a raw pointer
        // points to.
        unsafe impl<'p, $($param)?> Green<'p> for $ty {}

        // SAFETY: as above.
        unsafe impl<'p, $($param)?> GreenExpr<'p> for $ty {
            type Key = $ty;

            fn key(&self) -> MaybeUninit<$ty> {
                copy_of_bits(self)
            }

            fn read(rec: Rec, place: Place<$ty>) -> Traced<$ty> {
                place.read(rec)
            }
        }
    )*};
}

greens! {
    <> bool; <> char;
    <> i8; <> i16; <> i32; <> i64; <> isize;
    <> u8; <> u16; <> u32; <> u64; <> usize;
    <T> *const T; <T> *mut T;
}

// SAFETY: `JitDriver<'p>` is invariant in `'p`, so what a green refers to is borrowed as long as the
// driver exists.
unsafe impl<'p, T: ?Sized + Pointee> Green<'p> for &'p T {}

// SAFETY: as above.
unsafe impl<'p, T: ?Sized + Pointee> GreenExpr<'p> for &'p T {
    type Key = &'p T;

    fn key(&self) -> MaybeUninit<&'p T> {
        copy_of_bits(self)
    }

    fn read(rec: Rec, place: Place<&'p T>) -> Traced<&'p T> {
        place.read(rec)
    }

    fn note(rec: Rec, key: &Traced<&'p T>) {
        rec.note_green(typeid::of::<&T>(), &key.args(rec));
    }
}

// SAFETY: as for an expression that is an `Rc`, below.
unsafe impl<'p, T: 'p> Green<'p> for Rc<T> {
    fn keep(&self, driver: &JitDriver<'p>) {
        GreenExpr::keep(self, driver);
    }
}

/// Notes that what an `Rc` refers to does not change: it is a green variable of a merge point.
pub(super) fn note_rc<T>(rec: Rec, rc: *const ()) {
    // SAFETY: called by the variable itself.
    let rc = unsafe { &*rc.cast::<Traced<Rc<T>>>() };
    let args = rc.args(rec);
    rec.keep(args[0].bits, || {
        // SAFETY: the variable is initialized, and stays what it is.
        let plain = unsafe { rc.value.assume_init_ref() };
        let weak: Box<dyn Owner + '_> = Box::new(Rc::downgrade(plain));
        // SAFETY: as in `owner`.
        unsafe { std::mem::transmute::<Box<dyn Owner + '_>, Box<dyn Owner>>(weak) }
    });
    rec.note_green(typeid::of::<Rc<T>>(), &args);
}

macro_rules! counted {
    ($($name:ident)*) => {$(
        // SAFETY: the key is the address of the counts, which no other program gets as long as the weak
        // count is kept; and with a weak count there is no `&mut` to the value.
        unsafe impl<'p, T: ?Sized + Counted + 'p> GreenExpr<'p> for $name<T> {
            type Key = *const T;

            fn key(&self) -> MaybeUninit<*const T> {
                const { assert!(size_of::<$name<T>>() == size_of::<*const T>()) };
                // SAFETY: both are a pointer with the same metadata; sizes are compared above.
                let counts = unsafe { std::ptr::from_ref(self).cast::<*const T>().read() };
                let offset = $name::as_ptr(self).addr() - counts.addr();
                assert_eq!(offset, super::place::value_offset::<T>(), "where the value lies behind the counts");
                MaybeUninit::new(counts)
            }

            fn read(rec: Rec, place: Place<$name<T>>) -> Traced<*const T> {
                let key = place.part::<*const T>(rec, 0).read(rec);
                // SAFETY: the plain function reads this place here too.
                rec.keep(key.get().addr() as u64, || owner($name::downgrade(unsafe { &*place.ptr() })));
                key
            }

            fn keep(&self, driver: &JitDriver<'p>) {
                // SAFETY: `key` has initialized it.
                let address = unsafe { self.key().assume_init() }.addr() as u64;
                if !driver.meta().keeps(address) {
                    driver.meta().keep(address, owner($name::downgrade(self)));
                }
            }

            fn note(rec: Rec, key: &Traced<*const T>) {
                rec.note_green(typeid::of::<$name<T>>(), &key.args(rec));
            }
        }
    )*};
}

counted! { Rc Arc }

/// A weak count, for a driver.
fn owner<'p>(weak: impl Owner + 'p) -> Box<dyn Owner> {
    let weak: Box<dyn Owner + 'p> = Box::new(weak);
    // SAFETY: the driver does two things with it, asking for the strong count and dropping it. Neither
    // touches the value, whose lifetimes may have ended by then.
    unsafe { std::mem::transmute::<Box<dyn Owner + 'p>, Box<dyn Owner>>(weak) }
}

/// The value of a green variable.
pub fn green<'p, T: Green<'p>>(driver: &JitDriver<'p>, value: &T) -> GreenVar<T> {
    value.keep(driver);
    GreenVar(copy_of_bits(value))
}

/// The key of a green expression.
pub fn green_expr<'p, T: GreenExpr<'p>>(driver: &JitDriver<'p>, value: &T) -> GreenVar<T::Key> {
    value.keep(driver);
    GreenVar(value.key())
}

/// The value of a green expression that is called, not traced.
pub fn green_value<'p, T: Green<'p> + Copy>(value: &T) -> T {
    *value
}

/// Reads the key of a green expression in the twin.
pub fn read_green<'p, T: GreenExpr<'p>>(rec: Rec, place: Place<T>) -> Traced<T::Key> {
    T::read(rec, place)
}

/// Tells the recorder that what is in this place is the green of this merge point.
pub fn know_green<'p, T: GreenExpr<'p>>(rec: Rec, place: Place<T>, green: &Traced<T::Key>) {
    T::note(rec, green);
    know(rec, &T::read(rec, place), green);
}

/// Tells the recorder that what a green expression has just read is the green of this merge point.
pub fn know<T: Traceable>(rec: Rec, read: &Traced<T>, green: &Traced<T>) {
    for (read, green) in read.args(rec).iter().zip(green.args(rec)) {
        rec.know(*read, green.concrete());
    }
}
