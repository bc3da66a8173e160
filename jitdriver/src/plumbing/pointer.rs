//! Calls through function pointers: the twin of the function at an address.
//!
//! A pointer is promoted, and the twin of the function there is traced, if it is known. Which twins there are,
//! the program's own sections say: `#[jit]` puts an [`Announcement`] beside each function, and beside each
//! table of functions, and the linker puts them in a row. They are asked once, at the first call through a
//! pointer that a trace comes to; nothing runs before `main`, and nothing is done to the plain functions.
//!
//! Invariants
//! 1. A twin is found by the address *and* the types of arguments and result, lifetimes aside. So a twin is
//!    called with what it takes, whatever the linker has done to the functions.
//! 2. Functions that have one address do the same, so the twin of either will do.
//!
//! A function may have several addresses, because small ones are compiled once for each place of use. One that
//! is not announced is called, as are all where sections cannot be asked. A table with `#[jit]` announces the
//! addresses that are in it.
#![expect(unsafe_code, reason = "reads the section of announcements, and calls twins by address")]

use super::call::{Callee, Inside, Residual, StdTwin, Twin};
use super::of_trait::Implementation;
use super::place::Place;
use super::rec::Rec;
use super::value::{Args, Lanes, Traced};
use metainterp::record::CallSite;
use std::any::TypeId;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Tells of twins.
pub type Announcement = fn(&mut Twins);

/// The twins that were announced.
#[derive(Default)]
pub struct Twins {
    /// By address and type of the function.
    of_functions: HashMap<(usize, TypeId), usize>,
    /// Of implementations of traits, by the types of the function item and of the function.
    of_implementations: HashMap<(TypeId, TypeId), Implementation>,
}

/// At least one, so that there is a section.
#[cfg(all(target_os = "linux", not(miri)))]
#[used]
#[unsafe(link_section = "jitdriver_twins")]
static NONE: Announcement = |_| {};

impl Twins {
    #[cfg(all(target_os = "linux", not(miri)))]
    fn announcements() -> &'static [Announcement] {
        unsafe extern "C" {
            #[link_name = "__start_jitdriver_twins"]
            static START: usize;
            #[link_name = "__stop_jitdriver_twins"]
            static END: usize;
        }
        let start = (&raw const START).cast::<Announcement>();
        let end = (&raw const END).cast::<Announcement>();
        // SAFETY: the linker defines these as the ends of the section, which consists of statics of this type:
        // generated code and this file are all that puts something there.
        unsafe { std::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn announcements() -> &'static [Announcement] {
        &[]
    }

    /// All that are announced.
    fn all() -> &'static Twins {
        static ALL: OnceLock<Twins> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut twins = Twins::default();
            Twins::announcements().iter().for_each(|announce| announce(&mut twins));
            twins
        })
    }

    /// The function of this type at the address has this twin.
    #[inline(never)]
    fn add(&mut self, address: Option<usize>, function: fn() -> TypeId, twin: *const ()) {
        if let Some(address) = address {
            self.of_functions.entry((address, function())).or_insert(twin.expose_provenance());
        }
    }

    #[inline(never)]
    pub(super) fn add_implementation(
        &mut self,
        item: TypeId,
        function: TypeId,
        it: Implementation,
    ) {
        self.of_implementations.insert((item, function), it);
    }

    /// The address of the twin.
    fn find(address: usize, function: TypeId) -> Option<usize> {
        Twins::all().of_functions.get(&(address, function)).copied()
    }

    pub(super) fn implementation(item: TypeId, function: TypeId) -> Option<Implementation> {
        Twins::all().of_implementations.get(&(item, function)).copied()
    }
}

/// The pointer that a call goes through.
pub struct Pointer<P>(Traced<P>);

impl<P> Pointer<P> {
    /// That is this value.
    pub fn of(pointer: Traced<P>) -> Pointer<P> {
        Pointer(pointer)
    }

    /// Promotes the pointer. Answers the address, if it is known now.
    fn promote(&mut self, rec: Rec) -> Option<usize> {
        let mut args = Args::new();
        self.0.push_args(rec, &mut args);
        rec.step();
        let [pointer] = args[..] else { return None };
        if !is_pointer::<P>() || rec.varies() {
            return None;
        }
        rec.guard_value(pointer);
        self.0.head.set_lanes(Lanes::CONST);
        Some(pointer.bits as usize)
    }
}

/// What kind of value is called; never made, only asked.
pub struct Called<P>(PhantomData<P>);

/// Of a place.
pub fn called<P, F: FnOnce() -> Place<P>>(place: F) -> Called<P> {
    drop(place);
    Called(PhantomData)
}

impl<P: Copy> Called<P> {
    /// Whether it can be read for the call. What owns something cannot.
    pub fn is_copied(&self) -> bool {
        true
    }

    /// Reads it.
    pub fn read(&self, rec: Rec, place: Place<P>) -> Pointer<P> {
        Pointer(place.read_any(rec))
    }
}

/// Found for what is not copied.
#[allow(missing_docs)]
pub trait NotCopied<P> {
    fn is_copied(&self) -> bool;
    fn read(&self, rec: Rec, place: Place<P>) -> Pointer<P>;
}

impl<P> NotCopied<P> for Called<P> {
    fn is_copied(&self) -> bool {
        false
    }

    fn read(&self, _: Rec, _: Place<P>) -> Pointer<P> {
        unreachable!("what owns something is called as it is written")
    }
}

macro_rules! arities {
    ($($plain_fn:ident $announce:ident ($($name:ident),*);)*) => {$(
        impl<$($name,)* R, P, F> Callee<($(Traced<$name>,)*), F> for Pointer<P>
        where F: Fn(P, $($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(mut self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let address = self.promote(rec);
                let ($($name,)*) = args;
                let function = typeid::of::<fn($($name),*) -> R>;
                if let Some(twin) = address.and_then(|address| Twins::find(address, function()))
                    && let Some(_inside) = Inside::enter(rec, twin)
                {
                    // SAFETY: `announce` has put it there as the address of such a function, for the same
                    // types but for lifetimes, of which there is nothing left at run time.
                    let twin = unsafe {
                        std::mem::transmute::<*const (), fn(Rec $(, Traced<$name>)*) -> Traced<R>>(
                            std::ptr::with_exposed_provenance(twin),
                        )
                    };
                    return twin(rec $(, $name)*);
                }
                Residual.call(rec, site, (self.0, $($name,)*), plain)
            }
        }

        impl<$($name,)* R> Twin<fn(Rec $(, Traced<$name>)*) -> Traced<R>> {
            /// The function at the pointer has this twin.
            pub fn announce<P: Copy>(self, twins: &mut Twins, function: P) {
                twins.add(address_of(&function), typeid::of::<fn($($name),*) -> R>, self.0 as *const ());
            }
        }

        impl<$($name,)* R> StdTwin<fn(Rec $(, Traced<$name>)*) -> Traced<R>> {
            /// As above.
            pub fn announce<P: Copy>(self, twins: &mut Twins, function: P) {
                Twin(self.0).announce(twins, function);
            }
        }

        #[doc = "Announces the closure that a pointer points to."]
        pub fn $announce<P: Copy + Fn($($name),*) -> R, $($name,)* R>(
            twins: &mut Twins, function: P, twin: fn(Rec $(, Traced<$name>)*) -> Traced<R>,
        ) {
            Twin(twin).announce(twins, function);
        }

        #[doc = "Gives the closure of the residual call its argument types."]
        #[allow(unused_variables, non_snake_case)]
        pub fn $plain_fn<P, $($name,)* R, F: Fn(P, $($name),*) -> R>(
            pointer: &Pointer<P>, args: &($(Traced<$name>,)*), plain: F,
        ) -> F {
            plain
        }
    )*};
}

arities! {
    through0 announce0 ();
    through1 announce1 (A);
    through2 announce2 (A, B);
    through3 announce3 (A, B, C);
    through4 announce4 (A, B, C, D);
    through5 announce5 (A, B, C, D, E);
    through6 announce6 (A, B, C, D, E, G);
    through7 announce7 (A, B, C, D, E, G, H);
    through8 announce8 (A, B, C, D, E, G, H, I);
    through9 announce9 (A, B, C, D, E, G, H, I, J);
    through10 announce10 (A, B, C, D, E, G, H, I, J, K);
    through11 announce11 (A, B, C, D, E, G, H, I, J, K, L);
}

/// Whether it is likely a function pointer, and not a reference to a closure, which would not be worth a guard.
fn is_pointer<P>() -> bool {
    let name = std::any::type_name::<P>();
    let start = name.trim_start_matches("unsafe ");
    size_of::<P>() == size_of::<usize>()
        && ["fn(", "for<", "extern "].iter().any(|it| start.starts_with(it))
}

/// The address in a pointer; a function that is named, and not pointed to, has none.
fn address_of<P: Copy>(function: &P) -> Option<usize> {
    if const { size_of::<P>() != size_of::<usize>() } {
        return None;
    }
    // SAFETY: what has the size of a pointer is read as one; a function pointer, for which this is meant, has
    // no bytes that are not initialized, and anything else is no address of a function.
    Some(unsafe { std::ptr::from_ref(function).cast::<usize>().read_unaligned() })
}

/// Found for the tokens of functions that have no twin.
#[allow(missing_docs)]
pub trait NotAnnounced: Sized {
    fn announce<P>(self, _: &mut Twins, _: P) {}
}

impl<T> NotAnnounced for T {}

macro_rules! named_function {
    ($($as_pointer:ident $through:ident)*) => {
        /// A function that is named as argument of one that takes no function pointer there.
        #[allow(missing_docs)]
        pub trait NamedFunction: Sized {
            $(fn $as_pointer<F>(self, function: F) -> Traced<F> {
                Traced::constant(function)
            }
            fn $through<F>(self, _: Traced<F>) {})*
        }
    };
}

named_function! {
    __jit_arg0 __jit_through0
    __jit_arg1 __jit_through1
    __jit_arg2 __jit_through2
    __jit_arg3 __jit_through3
    __jit_arg4 __jit_through4
    __jit_arg5 __jit_through5
    __jit_arg6 __jit_through6
    __jit_arg7 __jit_through7
    __jit_arg8 __jit_through8
    __jit_arg9 __jit_through9
    __jit_arg10 __jit_through10
    __jit_arg11 __jit_through11
}

impl<T> NamedFunction for T {}

/// A constant table, in a static.
pub struct Table<T>(pub T);

// SAFETY: as a constant, which any thread may name, it was one that any thread may look at.
unsafe impl<T> Sync for Table<T> {}
