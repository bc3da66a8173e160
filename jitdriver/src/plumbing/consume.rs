//! Calls of methods that use their receiver up, by value or not: the macro has seen that it is a value of
//! its own which nobody can name afterwards.
//!
//! Tokens do not say whether a method takes `self` or `&self`. Here both are the same, so the plain
//! method is called on the value itself, and rustc finds out.

use super::call::{
    CallSite, Called, Elidable, ElidableBorrowing, ElidablePromote, ElidablePromoteBorrowing,
    FromPlace, InlinedPortal, Inside, LoopInvariant, LoopInvariantBorrowing, NotInTrace,
    PortalFrame, Residual, StdTwin, Twin, residual,
};
use super::place::{Place, Pointee};
use super::portal::Ended;
use super::rec::Rec;
use super::value::Traced;

/// Methods of which the receiver is used up: it is a local of the twin, with the place that it peels to.
pub trait Consuming<X, T: ?Sized, A, F> {
    /// The result.
    type Out;
    /// Calls.
    #[track_caller]
    fn call_consuming(
        self,
        rec: Rec,
        site: &'static CallSite,
        owner: &mut Traced<X>,
        this: Place<T>,
        args: A,
        plain: F,
    ) -> Self::Out;
}

macro_rules! consuming {
    (@called $token:ident $($name:ident),*) => {
        impl<X, T: ?Sized, $($name,)* R, F> Consuming<X, T, ($(Traced<$name>,)*), F> for $token
        where F: Fn(X $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_consuming(
                self, rec: Rec, site: &'static CallSite, owner: &mut Traced<X>, _: Place<T>,
                args: ($(Traced<$name>,)*), plain: F,
            ) -> Traced<R> {
                let site = Called::site(self, site);
                let ($($name,)*) = args;
                residual(rec, &site, (owner.take(), $($name,)*), move |(owner, $($name,)*): (X, $($name,)*)| {
                    plain(owner $(, $name)*)
                })
            }
        }
    };
    ($($function:ident ($($name:ident),*);)*) => {$(
        /// Gives the closure of such a call its argument types.
        pub fn $function<X, $($name,)* R, F: Fn(X $(, $name)*) -> R>(
            _: &Traced<X>, _: &($(Traced<$name>,)*), plain: F,
        ) -> F {
            plain
        }

        consuming!(@called Residual $($name),*);
        consuming!(@called Elidable $($name),*);
        consuming!(@called ElidablePromote $($name),*);
        consuming!(@called ElidableBorrowing $($name),*);
        consuming!(@called ElidablePromoteBorrowing $($name),*);
        consuming!(@called LoopInvariant $($name),*);
        consuming!(@called LoopInvariantBorrowing $($name),*);
        consuming!(@called NotInTrace $($name),*);

        impl<X, T: ?Sized + Pointee, This: FromPlace<T>, $($name,)* R, F> Consuming<X, T, ($(Traced<$name>,)*), F>
            for Twin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn(X $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_consuming(
                self, rec: Rec, site: &'static CallSite, owner: &mut Traced<X>, this: Place<T>,
                args: ($(Traced<$name>,)*), plain: F,
            ) -> Traced<R> {
                let Some(_inside) = Inside::enter(rec, self.0 as usize) else {
                    return Consuming::call_consuming(Residual, rec, site, owner, this, args, plain);
                };
                let ($($name,)*) = args;
                (self.0)(rec, This::from_place(rec, this) $(, $name)*)
            }
        }

        impl<X, T: ?Sized + Pointee, This: FromPlace<T>, $($name,)* R, F> Consuming<X, T, ($(Traced<$name>,)*), F>
            for StdTwin<fn(Rec, This $(, Traced<$name>)*) -> Traced<R>>
        where F: Fn(X $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_consuming(
                self, rec: Rec, _: &'static CallSite, _: &mut Traced<X>, this: Place<T>,
                args: ($(Traced<$name>,)*), _: F,
            ) -> Traced<R> {
                let ($($name,)*) = args;
                (self.0)(rec, This::from_place(rec, this) $(, $name)*)
            }
        }

        impl<X, T: ?Sized + Pointee, This: FromPlace<T>, $($name,)* R, F> Consuming<X, T, ($(Traced<$name>,)*), F>
            for InlinedPortal<fn(Rec, bool, This $(, Traced<$name>)*) -> Ended<R>>
        where F: Fn(X $(, $name)*) -> R + Copy
        {
            type Out = Traced<R>;
            #[allow(non_snake_case)]
            fn call_consuming(
                self, rec: Rec, site: &'static CallSite, owner: &mut Traced<X>, this: Place<T>,
                args: ($(Traced<$name>,)*), plain: F,
            ) -> Traced<R> {
                let Some(_frame) = PortalFrame::enter(rec) else {
                    return Consuming::call_consuming(Residual, rec, site, owner, this, args, plain);
                };
                let ($($name,)*) = args;
                (self.0)(rec, true, This::from_place(rec, this) $(, $name)*).inlined()
            }
        }
    )*};
}

consuming! {
    method0 ();
    method1 (A);
    method2 (A, B);
    method3 (A, B, C);
}
