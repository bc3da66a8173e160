//! What generated code calls. Not part of the interface: it changes with the macros.
#![allow(clippy::should_implement_trait, clippy::type_complexity)]

mod aggregate;
pub mod call;
pub(crate) mod cell;
pub mod degrade;
pub mod layout;
pub mod ops;
mod option;
pub mod pattern;
mod place;
mod portal;
mod rec;
mod value;
mod vec;

pub use crate::shims::*;
pub use aggregate::{Parts, WholeOf, build, repeat};
pub use call::{
    Assoc, CallSite, Callee, Elidable, FromPlace, Method, Residual, Target, Twin, no_twin, residual,
};
pub use layout::{Tagged, Traceable};
pub use option::{Owned, TwoWay};
pub use place::{
    AnyPlace, Behind, Class, CoerceTo, Element, IndexPlace, Local, Memory, PartedLocal, Peel,
    PeelAny, PeelReference, Place, Pointee, SetRed, ToPlain, UnknownPlace, coerce, frozen,
};
pub use portal::{
    Back, Ended, Exit, Green, GreenValue, Lend, NoReference, Portal, Probe, ProbeExclusive,
    ProbeMemory, ProbeValue, PutBack, Red, Unchanged, cut, green, know, leave, merge_point, portal,
    returned, returned_plain, tick, tick_at_merge_point, traced_result, untraced_result,
};
pub use rec::Rec;
pub use value::{Kind, Scalar, Traced, before};
pub use vec::{Bounds, IndexRange, SlicePlace};
