//! Methods of floats that are exact on every machine.

use crate::plumbing::ops::pure;
use crate::plumbing::{Rec, StdTwin, Traced};
use metainterp::ir::Opcode;

type Unary<T> = StdTwin<fn(Rec, Traced<T>) -> Traced<T>>;

/// Methods of `f32` and `f64`.
#[allow(missing_docs)]
pub trait FloatShims: Sized + crate::plumbing::Traceable {
    fn __jit_sqrt(&self) -> Unary<Self>;
    fn __jit_abs(&self) -> Unary<Self>;
    fn __jit_floor(&self) -> Unary<Self>;
    fn __jit_ceil(&self) -> Unary<Self>;
    fn __jit_trunc(&self) -> Unary<Self>;
}

macro_rules! float {
    ($($ty:ident)*) => {$(
        impl FloatShims for $ty {
            fn __jit_sqrt(&self) -> Unary<Self> {
                StdTwin(|rec, a| pure(rec, Opcode::MathSqrt, [a.arg()], a.get().sqrt()))
            }
            fn __jit_abs(&self) -> Unary<Self> {
                StdTwin(|rec, a| pure(rec, Opcode::FloatAbs, [a.arg()], a.get().abs()))
            }
            fn __jit_floor(&self) -> Unary<Self> {
                StdTwin(|rec, a| pure(rec, Opcode::MathFloor, [a.arg()], a.get().floor()))
            }
            fn __jit_ceil(&self) -> Unary<Self> {
                StdTwin(|rec, a| pure(rec, Opcode::MathCeil, [a.arg()], a.get().ceil()))
            }
            fn __jit_trunc(&self) -> Unary<Self> {
                StdTwin(|rec, a| pure(rec, Opcode::MathTrunc, [a.arg()], a.get().trunc()))
            }
        }
    )*};
}

float! { f32 f64 }
