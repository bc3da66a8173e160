//! What generated code calls. Not part of the interface: it changes with the macros.
//!
//! All that is generic here is compiled in each author's crate, once per type or even once per call. So a
//! generic function does only what needs its types, and hands what it finds to one that is compiled here, by
//! addresses and what is to be known of types ([`layout::TypeFacts`]). A twin calls thousands of these functions, and
//! need not be fast: what is more than a few instructions is `#[inline(never)]`, lest twins become so large that the
//! optimizer takes minutes for them.
#![allow(clippy::should_implement_trait, clippy::type_complexity)]

mod aggregate;
mod assembler;
pub mod call;
pub(crate) mod cell;
pub mod closure;
pub mod consume;
pub mod degrade;
mod green;
pub mod iterate;
pub mod layout;
mod of_trait;
pub mod ops;
mod option;
pub mod owned;
pub mod pattern;
mod place;
pub mod pointer;
mod portal;
pub mod prelude;
pub mod question;
mod rec;
mod text;
mod value;
mod vec;

pub use crate::shims::*;
pub use aggregate::{Parts, WholeOf, build, owns_nothing, repeat, update};
pub use assembler::{AT_EXIT, AT_HEADER, AT_MERGE_POINT, Order, active_in_call};
pub(crate) use call::PanicAside;
pub use call::{
    Assoc, CallSite, Callee, Elidable, ElidableBorrowing, ElidablePromote,
    ElidablePromoteBorrowing, FromPlace, InlinedPortal, LoopInvariant, LoopInvariantBorrowing,
    Method, NotInTrace, Residual, StdTwin, Target, Twin, no_twin, residual,
};
pub use green::{Green, GreenExpr, green, green_expr, green_value, know, know_green, read_green};
pub use layout::{Tagged, Traceable};
pub use of_trait::{OfTrait, Unshadowed};
pub use option::{Owned, OwnedIntoIterator, OwnedIterator, TwoWay};
pub use owned::{NoNote, NotePlace};
pub use place::{
    AnyPlace, Behind, BehindAny, BehindDeref, BehindDerefMut, Class, CoerceTo, Counted, Element,
    IndexPlace, IndexTwin, Local, Memory, OverloadedIndex, PartedLocal, Peel, PeelAny,
    PeelReference, Place, Pointee, SetRed, ToPlain, UnknownPlace, coerce, frozen,
};
pub use portal::{
    Active, Back, Ended, Exit, Lend, Portal, Probe, ProbeExclusive, ProbeMemory, ProbeOwned,
    ProbeValue, PutBack, Red, ResultOf, ResultPlain, ResultTraced, Unchanged, active, cut,
    inlined_merge_point, leave, merge_point, portal, returned, returned_plain, tick,
    tick_at_merge_point, traced_result, untraced_result,
};
pub use rec::Rec;
pub(crate) use text::promoted;
pub use text::{AnyConstant, Bytewise, Constant, Text};
pub use value::{Kind, Scalar, Traced, before};
pub use vec::{Bounds, IndexRange, SlicePlace};
