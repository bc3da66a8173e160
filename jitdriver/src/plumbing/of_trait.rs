//! Calls of a trait's functions for a type that is not known where the call is written: of a type parameter's
//! methods, for instance. The twin is that of the implementation that the type has.
//!
//! A trait with `#[jit]` has a token beside each of its methods, which a call finds by the bound. It names the
//! *function item*: `<Ram as Memory>::load` has a type of its own, whatever becomes of the function. A path, as in
//! `M::load(memory, at)`, names it itself. `#[jit]` on an `impl` of a trait announces its twins by these types
//! ([`super::pointer`] has how).
//!
//! Invariant: a twin is found by the type of the function item *and* the types of arguments and result, lifetimes
//! aside. The first says what type the trait is implemented for, so the twin's receiver fits too.
//!
//! What has no twin of which somebody has told is called: an `impl` without `#[jit]` or with type parameters, a
//! body in the trait itself, and everything where there are no such sections.
#![expect(unsafe_code, reason = "calls twins by address")]

use super::call::{CallSite, Callee, FromPlace, Inside, Method, Residual, Target, Twin};
use super::consume::Consuming;
use super::place::{Place, Pointee};
use super::pointer::Twins;
use super::rec::Rec;
use super::value::Traced;
use std::any::TypeId;
use std::marker::PhantomData;

/// The token of a function of a trait, for some type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OfTrait(TypeId);

impl OfTrait {
    /// `item`: the function as the type at hand has it.
    pub fn of<Item>(_: Item) -> OfTrait {
        OfTrait(typeid::of::<Item>())
    }
}

/// The token of a function of an `impl` of a trait: its twin's, unless the type has another function of that name,
/// which is what calls mean. That one has no `#[jit]`, else it had the token, and so it is called.
pub struct Unshadowed<T>(Option<T>);

impl<T> Unshadowed<T> {
    /// The token.
    pub fn unless(is_shadowed: bool, twin: T) -> Unshadowed<T> {
        Unshadowed((!is_shadowed).then_some(twin))
    }
}

impl<A, F, R, T> Callee<A, F> for Unshadowed<T>
where
    T: Callee<A, F, Out = R>,
    Residual: Callee<A, F, Out = R>,
{
    type Out = R;
    fn call(self, rec: Rec, site: &'static CallSite, args: A, plain: F) -> R {
        match self.0 {
            Some(twin) => twin.call(rec, site, args, plain),
            None => Residual.call(rec, site, args, plain),
        }
    }
}

impl<'x, This: ?Sized, A, F, R, T> Method<'x, This, A, F> for Unshadowed<T>
where
    T: Method<'x, This, A, F, Out = R>,
    Residual: Method<'x, This, A, F, Out = R>,
{
    type Out = R;
    fn call_method(
        self,
        rec: Rec,
        site: &'static CallSite,
        this: Place<This>,
        args: A,
        plain: F,
    ) -> R {
        match self.0 {
            Some(twin) => twin.call_method(rec, site, this, args, plain),
            None => Residual.call_method(rec, site, this, args, plain),
        }
    }
}

impl<X, This: ?Sized, A, F, R, T> Consuming<X, This, A, F> for Unshadowed<T>
where
    T: Consuming<X, This, A, F, Out = R>,
    Residual: Consuming<X, This, A, F, Out = R>,
{
    type Out = R;
    fn call_consuming(
        self,
        rec: Rec,
        site: &'static CallSite,
        owner: &mut Traced<X>,
        this: Place<This>,
        args: A,
        plain: F,
    ) -> R {
        match self.0 {
            Some(twin) => twin.call_consuming(rec, site, owner, this, args, plain),
            None => Residual.call_consuming(rec, site, owner, this, args, plain),
        }
    }
}

/// The twin of a function that implements one of a trait.
#[derive(Clone, Copy)]
pub(super) struct Implementation {
    /// Its address.
    twin: usize,
    /// The address of a function that calls it: with the receiver's place, for a method.
    caller: usize,
}

macro_rules! arities {
    ($(($($name:ident),*);)*) => {$(
        impl<$($name,)* R, F> Callee<($(Traced<$name>,)*), F> for OfTrait
        where F: Fn($($name),*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call(self, rec: Rec, site: &'static CallSite, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let found = Twins::implementation(self.0, typeid::of::<fn($($name),*) -> R>());
                let Some((Implementation { caller, .. }, _inside)) =
                    found.and_then(|it| Some((it, Inside::enter(rec, it.twin)?)))
                else {
                    return Residual.call(rec, site, args, plain);
                };
                // SAFETY: `announce_function` has put it there for this function, so with these types, but for
                // lifetimes, of which there is nothing left at run time.
                let twin = unsafe {
                    std::mem::transmute::<*const (), fn(Rec $(, Traced<$name>)*) -> Traced<R>>(
                        std::ptr::with_exposed_provenance(caller),
                    )
                };
                let ($($name,)*) = args;
                twin(rec $(, $name)*)
            }
        }

        impl<$($name,)* R> Twin<fn(Rec $(, Traced<$name>)*) -> Traced<R>> {
            /// The function that is named, of the `impl` of a trait, has this twin.
            pub fn announce_function<Item>(self, twins: &mut Twins, item: Item) {
                let twin = (self.0 as *const ()).expose_provenance();
                let implementation = Implementation { twin, caller: twin };
                twins.add_implementation(OfTrait::of(item).0, typeid::of::<fn($($name),*) -> R>(), implementation);
            }
        }

        impl<'x, T: ?Sized + Pointee + 'x, $($name,)* R, F> Method<'x, T, ($(Traced<$name>,)*), F> for OfTrait
        where F: Fn(&'x mut Target<T> $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_method(self, rec: Rec, site: &'static CallSite, this: Place<T>, args: ($(Traced<$name>,)*), plain: F) -> Traced<R> {
                let found = Twins::implementation(self.0, typeid::of::<fn(Receiver $(, $name)*) -> R>());
                let Some((Implementation { twin, caller }, _inside)) =
                    found.and_then(|it| Some((it, Inside::enter(rec, it.twin)?)))
                else {
                    return Residual.call_method(rec, site, this, args, plain);
                };
                // SAFETY: `announce_method` has put it there, for these types of arguments and result, lifetimes
                // aside, and for the receiver's: the token is that of a function that takes a reference to a `T`.
                let caller = unsafe {
                    std::mem::transmute::<*const (), fn(usize, Rec, Place<()> $(, Traced<$name>)*) -> Traced<R>>(
                        std::ptr::with_exposed_provenance(caller),
                    )
                };
                let ($($name,)*) = args;
                caller(twin, rec, *this.erased() $(, $name)*)
            }
        }

        impl<This, $($name,)* R> Twin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>> {
            /// The method that is named, of the `impl` of a trait for `T`, has this twin.
            #[allow(non_snake_case)]
            pub fn announce_method<T: ?Sized + Pointee, Item>(self, twins: &mut Twins, item: Item, _: PhantomData<T>)
            where This: FromPlace<T>
            {
                #[allow(clippy::too_many_arguments, reason = "those of the author's method, and three")]
                fn caller<T: ?Sized + Pointee, This: FromPlace<T>, $($name,)* R>(
                    twin: usize, rec: Rec, this: Place<()> $(, $name: Traced<$name>)*
                ) -> Traced<R> {
                    // SAFETY: the two are announced together, below.
                    let twin = unsafe {
                        std::mem::transmute::<*const (), fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>(
                            std::ptr::with_exposed_provenance(twin),
                        )
                    };
                    twin(rec, This::from_place(rec, this.typed::<T>()) $(, $name)*)
                }
                let caller: fn(usize, Rec, Place<()> $(, Traced<$name>)*) -> Traced<R> =
                    caller::<T, This, $($name,)* R>;
                let implementation = Implementation {
                    twin: (self.0 as *const ()).expose_provenance(),
                    caller: (caller as *const ()).expose_provenance(),
                };
                let signature = typeid::of::<fn(Receiver $(, $name)*) -> R>();
                twins.add_implementation(OfTrait::of(item).0, signature, implementation);
            }
        }
    )*};
}

/// Stands for the receiver in the signature of a method.
struct Receiver;

arities! {
    ();
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
    (A, B, C, D, E, G);
    (A, B, C, D, E, G, H);
    (A, B, C, D, E, G, H, I);
    (A, B, C, D, E, G, H, I, J);
    (A, B, C, D, E, G, H, I, J, K);
    (A, B, C, D, E, G, H, I, J, K, L);
}

impl<X, T: ?Sized, A, F> Consuming<X, T, A, F> for OfTrait
where
    Residual: Consuming<X, T, A, F>,
{
    type Out = <Residual as Consuming<X, T, A, F>>::Out;
    fn call_consuming(
        self,
        rec: Rec,
        site: &'static CallSite,
        owner: &mut Traced<X>,
        this: Place<T>,
        args: A,
        plain: F,
    ) -> Self::Out {
        Residual.call_consuming(rec, site, owner, this, args, plain)
    }
}
