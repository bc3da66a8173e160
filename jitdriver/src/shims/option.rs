//! Methods of `Option` and `Result` that take no closure.
//!
//! Which variant it is, is data where the plain function only asks (`is_some`), and is promoted where
//! what follows depends on it (`unwrap`).

use crate::plumbing::ops::branch;
use crate::plumbing::{CallSite, Method, Place, Rec, Scalar, StdTwin, Target, Traced};
use std::fmt::Debug;

type Of<O, R> = StdTwin<fn(Rec, Place<O>) -> Traced<R>>;
type With<O, A, R> = StdTwin<fn(Rec, Place<O>, Traced<A>) -> Traced<R>>;

/// Methods of `Option`.
#[allow(missing_docs)]
pub trait OptionShims<T> {
    fn __jit_is_some(&self) -> Of<Option<T>, bool>;
    fn __jit_is_none(&self) -> Of<Option<T>, bool>;
    fn __jit_unwrap(&self) -> Unwrap;
    fn __jit_expect(&self) -> Expect;
    fn __jit_unwrap_or(&self) -> With<Option<T>, T, T>;
    fn __jit_unwrap_or_default(&self) -> OrDefault;
    fn __jit_ok_or<E>(&self) -> With<Option<T>, E, Result<T, E>>;
    fn __jit_or(&self) -> With<Option<T>, Option<T>, Option<T>>;
    fn __jit_and<U>(&self) -> With<Option<T>, Option<U>, Option<U>>;
    fn __jit_zip<U>(&self) -> With<Option<T>, Option<U>, Option<(T, U)>>;
    fn __jit_as_ref<'a>(&self) -> Of<Option<T>, Option<&'a T>>
    where
        T: 'a;
    fn __jit_as_mut<'a>(&self) -> Of<Option<T>, Option<&'a mut T>>
    where
        T: 'a;
    fn __jit_take(&self) -> Of<Option<T>, Option<T>>;
    fn __jit_replace(&self) -> With<Option<T>, T, Option<T>>;
    fn __jit_insert<'a>(&self) -> With<Option<T>, T, &'a mut T>
    where
        T: 'a;
    fn __jit_get_or_insert<'a>(&self) -> With<Option<T>, T, &'a mut T>
    where
        T: 'a;
}

fn none<T>() -> Traced<Option<T>> {
    Traced::constant(None)
}

fn not(rec: Rec, a: Traced<bool>) -> Traced<bool> {
    crate::plumbing::ops::Bits::not(rec, a)
}

impl<T> OptionShims<T> for Option<T> {
    fn __jit_is_some(&self) -> Of<Option<T>, bool> {
        StdTwin(|rec, this| this.is_yes(rec))
    }
    fn __jit_is_none(&self) -> Of<Option<T>, bool> {
        StdTwin(|rec, this| not(rec, this.is_yes(rec)))
    }
    fn __jit_unwrap(&self) -> Unwrap {
        Unwrap
    }
    fn __jit_expect(&self) -> Expect {
        Expect
    }
    fn __jit_unwrap_or(&self) -> With<Option<T>, T, T> {
        StdTwin(|rec, this, other| this.take_payload(rec).unwrap_or(other))
    }
    fn __jit_unwrap_or_default(&self) -> OrDefault {
        OrDefault
    }
    fn __jit_ok_or<E>(&self) -> With<Option<T>, E, Result<T, E>> {
        StdTwin(|rec, this, error| match this.take_payload(rec) {
            Ok(payload) => Traced::ok(payload),
            Err(_) => Traced::err(error),
        })
    }
    fn __jit_or(&self) -> With<Option<T>, Option<T>, Option<T>> {
        StdTwin(|rec, this, other| match this.take_payload(rec) {
            Ok(payload) => Traced::some(payload),
            Err(_) => other,
        })
    }
    fn __jit_and<U>(&self) -> With<Option<T>, Option<U>, Option<U>> {
        StdTwin(|rec, this, other| match this.take_payload(rec) {
            Ok(_) => other,
            Err(_) => none(),
        })
    }
    fn __jit_zip<U>(&self) -> With<Option<T>, Option<U>, Option<(T, U)>> {
        StdTwin(|rec, this, mut other| {
            use crate::plumbing::{Local, Parts};
            let payload = this.take_payload(rec);
            let other = other.as_place();
            match (payload, other.take_payload(rec)) {
                (Ok(a), Ok(b)) => Traced::some((a, b).join()),
                _ => none(),
            }
        })
    }
    fn __jit_as_ref<'a>(&self) -> Of<Option<T>, Option<&'a T>>
    where
        T: 'a,
    {
        StdTwin(|rec, this| match this.payload(rec) {
            Ok(payload) => Traced::some(payload.shared(rec)),
            Err(_) => none(),
        })
    }
    fn __jit_as_mut<'a>(&self) -> Of<Option<T>, Option<&'a mut T>>
    where
        T: 'a,
    {
        StdTwin(|rec, this| match this.payload(rec) {
            Ok(payload) => Traced::some(payload.exclusive(rec)),
            Err(_) => none(),
        })
    }
    fn __jit_take(&self) -> Of<Option<T>, Option<T>> {
        StdTwin(|rec, this| {
            let value = this.read_any(rec);
            this.initialize(rec, none());
            value
        })
    }
    fn __jit_replace(&self) -> With<Option<T>, T, Option<T>> {
        StdTwin(|rec, this, payload| {
            let value = this.read_any(rec);
            this.initialize(rec, Traced::some(payload));
            value
        })
    }
    fn __jit_insert<'a>(&self) -> With<Option<T>, T, &'a mut T>
    where
        T: 'a,
    {
        StdTwin(|rec, this, payload| {
            this.write_any(rec, Traced::some(payload));
            let payload = this.payload(rec).ok().expect("just written");
            payload.exclusive(rec)
        })
    }
    fn __jit_get_or_insert<'a>(&self) -> With<Option<T>, T, &'a mut T>
    where
        T: 'a,
    {
        StdTwin(|rec, this, payload| {
            if !branch(rec, this.is_yes(rec)) {
                this.initialize(rec, Traced::some(payload));
            }
            let payload = this.payload(rec).ok().expect("something is there");
            payload.exclusive(rec)
        })
    }
}

/// Methods of an `Option` of a reference to what can be copied.
#[allow(missing_docs)]
pub trait OptionOfRefShims<R, T> {
    fn __jit_copied(&self) -> Of<Option<R>, Option<T>>;
}

/// Methods of an `Option` of a reference to a scalar.
#[allow(missing_docs)]
pub trait OptionOfScalarShims<R, T> {
    fn __jit_cloned(&self) -> Of<Option<R>, Option<T>>;
}

macro_rules! of_refs {
    ($($ty:ty)*) => {$(
        impl<'a, T: Copy> OptionOfRefShims<$ty, T> for Option<$ty> {
            fn __jit_copied(&self) -> Of<Option<$ty>, Option<T>> {
                StdTwin(|rec, this| match this.payload(rec) {
                    Ok(payload) => Traced::some(payload.read_any(rec).place(rec).read_any(rec)),
                    Err(_) => none(),
                })
            }
        }

        impl<'a, T: Scalar> OptionOfScalarShims<$ty, T> for Option<$ty> {
            fn __jit_cloned(&self) -> Of<Option<$ty>, Option<T>> {
                OptionOfRefShims::__jit_copied(self)
            }
        }
    )*};
}

of_refs! { &'a T &'a mut T }

/// Methods of `Result`.
#[allow(missing_docs)]
pub trait ResultShims<T, E> {
    fn __jit_is_ok(&self) -> Of<Result<T, E>, bool>;
    fn __jit_is_err(&self) -> Of<Result<T, E>, bool>;
    fn __jit_unwrap(&self) -> Unwrap;
    fn __jit_expect(&self) -> Expect;
    fn __jit_unwrap_err(&self) -> UnwrapErr;
    fn __jit_expect_err(&self) -> ExpectErr;
    fn __jit_unwrap_or(&self) -> With<Result<T, E>, T, T>;
    fn __jit_unwrap_or_default(&self) -> OrDefault;
    fn __jit_ok(&self) -> Of<Result<T, E>, Option<T>>;
    fn __jit_err(&self) -> Of<Result<T, E>, Option<E>>;
    fn __jit_or<F>(&self) -> With<Result<T, E>, Result<T, F>, Result<T, F>>;
    fn __jit_and<U>(&self) -> With<Result<T, E>, Result<U, E>, Result<U, E>>;
    fn __jit_as_ref<'a>(&self) -> Of<Result<T, E>, Result<&'a T, &'a E>>
    where
        T: 'a,
        E: 'a;
    fn __jit_as_mut<'a>(&self) -> Of<Result<T, E>, Result<&'a mut T, &'a mut E>>
    where
        T: 'a,
        E: 'a;
}

impl<T, E> ResultShims<T, E> for Result<T, E> {
    fn __jit_is_ok(&self) -> Of<Result<T, E>, bool> {
        StdTwin(|rec, this| this.is_yes(rec))
    }
    fn __jit_is_err(&self) -> Of<Result<T, E>, bool> {
        StdTwin(|rec, this| not(rec, this.is_yes(rec)))
    }
    fn __jit_unwrap(&self) -> Unwrap {
        Unwrap
    }
    fn __jit_expect(&self) -> Expect {
        Expect
    }
    fn __jit_unwrap_err(&self) -> UnwrapErr {
        UnwrapErr
    }
    fn __jit_expect_err(&self) -> ExpectErr {
        ExpectErr
    }
    fn __jit_unwrap_or(&self) -> With<Result<T, E>, T, T> {
        StdTwin(|rec, this, other| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(_) => other,
        })
    }
    fn __jit_unwrap_or_default(&self) -> OrDefault {
        OrDefault
    }
    fn __jit_ok(&self) -> Of<Result<T, E>, Option<T>> {
        StdTwin(|rec, this| match this.take_payload(rec) {
            Ok(payload) => Traced::some(payload),
            Err(_) => none(),
        })
    }
    fn __jit_err(&self) -> Of<Result<T, E>, Option<E>> {
        StdTwin(|rec, this| match this.take_payload(rec) {
            Ok(_) => none(),
            Err(error) => Traced::some(error),
        })
    }
    fn __jit_or<F>(&self) -> With<Result<T, E>, Result<T, F>, Result<T, F>> {
        StdTwin(|rec, this, other| match this.take_payload(rec) {
            Ok(payload) => Traced::ok(payload),
            Err(_) => other,
        })
    }
    fn __jit_and<U>(&self) -> With<Result<T, E>, Result<U, E>, Result<U, E>> {
        StdTwin(|rec, this, other| match this.take_payload(rec) {
            Ok(_) => other,
            Err(error) => Traced::err(error),
        })
    }
    fn __jit_as_ref<'a>(&self) -> Of<Result<T, E>, Result<&'a T, &'a E>>
    where
        T: 'a,
        E: 'a,
    {
        StdTwin(|rec, this| match this.payload(rec) {
            Ok(payload) => Traced::ok(payload.shared(rec)),
            Err(error) => Traced::err(error.shared(rec)),
        })
    }
    fn __jit_as_mut<'a>(&self) -> Of<Result<T, E>, Result<&'a mut T, &'a mut E>>
    where
        T: 'a,
        E: 'a,
    {
        StdTwin(|rec, this| match this.payload(rec) {
            Ok(payload) => Traced::ok(payload.exclusive(rec)),
            Err(error) => Traced::err(error.exclusive(rec)),
        })
    }
}

/// Tokens of methods that may panic: at the author's place, which a function pointer does not know.
macro_rules! panicking {
    ($($(#[$doc:meta])* $token:ident: $((<$($generic:ident $(: $bound:path)?),+> $ty:ty $(, $name:ident: $arg:ty)*) -> $res:ty = |$rec:ident, $this:ident| $body:expr;)+)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $token;

        $(impl<'x, $($generic $(: $bound)?,)+ FN> Method<'x, $ty, ($(Traced<$arg>,)*), FN> for $token
        where
            $ty: 'x,
            FN: Fn(&'x mut Target<$ty> $(, $arg)*) -> $res + Copy,
        {
            type Out = Traced<$res>;
            #[track_caller]
            fn call_method(
                self,
                $rec: Rec,
                _: &'static CallSite,
                $this: Place<$ty>,
                ($($name,)*): ($(Traced<$arg>,)*),
                _: FN,
            ) -> Traced<$res> {
                $body
            }
        })+
    )*};
}

panicking! {
    /// `unwrap`.
    Unwrap:
        (<T> Option<T>) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(_) => panic!("called `Option::unwrap()` on a `None` value"),
        };
        (<T, E: Debug> Result<T, E>) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(error) => {
                crate::plumbing::cut(rec);
                let error = error.into_plain();
                panic!("called `Result::unwrap()` on an `Err` value: {error:?}")
            }
        };
    /// `expect`.
    Expect:
        (<T> Option<T>, message: &'x str) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(_) => {
                crate::plumbing::cut(rec);
                panic!("{}", message.into_plain())
            }
        };
        (<T, E: Debug> Result<T, E>, message: &'x str) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(error) => {
                crate::plumbing::cut(rec);
                let error = error.into_plain();
                panic!("{}: {error:?}", message.into_plain())
            }
        };
    /// `unwrap_err`.
    UnwrapErr:
        (<T: Debug, E> Result<T, E>) -> E = |rec, this| match this.take_payload(rec) {
            Err(error) => error,
            Ok(payload) => {
                crate::plumbing::cut(rec);
                let payload = payload.into_plain();
                panic!("called `Result::unwrap_err()` on an `Ok` value: {payload:?}")
            }
        };
    /// `expect_err`.
    ExpectErr:
        (<T: Debug, E> Result<T, E>, message: &'x str) -> E = |rec, this| match this.take_payload(rec) {
            Err(error) => error,
            Ok(payload) => {
                crate::plumbing::cut(rec);
                let payload = payload.into_plain();
                panic!("{}: {payload:?}", message.into_plain())
            }
        };
    /// `unwrap_or_default`.
    OrDefault:
        (<T: Default> Option<T>) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(_) => default(rec),
        };
        (<T: Default, E> Result<T, E>) -> T = |rec, this| match this.take_payload(rec) {
            Ok(payload) => payload,
            Err(_) => default(rec),
        };
}

/// The default of a scalar is the same each time. No other type has a name without a path.
pub(super) fn default<T: Default>(rec: Rec) -> Traced<T> {
    const SCALARS: [&str; 14] = [
        "bool", "char", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize",
        "f32", "f64",
    ];
    if SCALARS.contains(&std::any::type_name::<T>()) {
        return Traced::constant(T::default());
    }
    let site = CallSite {
        name: "default",
        site: std::any::type_name::<T>(),
        elidable: false,
        ..CallSite::PLAIN
    };
    crate::plumbing::residual(rec, &site, (), |()| T::default())
}
