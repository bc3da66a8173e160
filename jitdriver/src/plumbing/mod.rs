//! What generated code calls. Not part of the interface: it changes with the macros.
#![allow(clippy::should_implement_trait, clippy::type_complexity)]

mod aggregate;
pub mod call;
pub mod closure;
pub mod degrade;
pub mod layout;
pub mod ops;
pub mod pattern;
mod place;
mod portal;
pub mod question;
mod rec;
mod value;

pub use crate::shims::*;
pub use aggregate::{Parts, WholeOf, build, repeat};
pub use call::{
    CallSite, Callee, Elidable, FromPlace, Method, Residual, Target, Twin, no_twin, residual,
};
pub use layout::{Tagged, Traceable};
pub use place::{
    AnyPlace, Behind, Class, CoerceTo, Element, IndexPlace, Local, Memory, PartedLocal, Peel,
    PeelAny, PeelReference, Place, Pointee, SetRed, ToPlain, UnknownPlace, coerce, frozen,
};
pub use portal::{
    Back, Ended, Exit, Green, GreenValue, Lend, NoReference, Portal, Probe, ProbeExclusive,
    ProbeMemory, ProbeValue, PutBack, Red, Unchanged, cut, green, know, leave, merge_point, portal,
    returned, tick, tick_at_merge_point, traced_result, untraced_result,
};
pub use rec::Rec;
pub use value::{Kind, Scalar, Traced, before};
