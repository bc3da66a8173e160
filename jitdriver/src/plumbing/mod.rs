//! What generated code calls. Not part of the interface: it changes with the macros.
#![allow(clippy::should_implement_trait, clippy::type_complexity)]

mod aggregate;
pub mod call;
mod green;
pub mod ops;
mod place;
mod portal;
mod rec;
mod value;

pub use crate::shims::*;
pub use aggregate::{Match, Matchable, Open, Parts};
pub use call::{
    CallSite, Callee, Elidable, FromPlace, Method, Residual, Target, Twin, no_twin, residual,
};
pub use green::{
    Counted, Green, GreenExpr, green, green_expr, green_value, know, know_green, read_green,
};
pub use place::{
    Class, CoerceTo, Element, IndexPlace, Local, Memory, Peel, PeelAny, Place, Pointee, ToPlain,
    coerce,
};
pub use portal::{
    Back, Ended, Exit, Lend, Portal, Probe, ProbeMemory, ProbeValue, PutBack, Red, Unchanged, cut,
    leave, merge_point, portal, returned, tick, tick_at_merge_point, traced_result,
    untraced_result,
};
pub use rec::Rec;
pub use value::{Kind, Scalar, Traceable, Traced, before};
