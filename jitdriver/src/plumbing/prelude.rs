//! The traits that the methods of twins are in. None has a name in the twin, where the author's names mean what they
//! mean to the author.

pub use super::closure::{BoolClosures as _, OptionClosures as _, ResultClosures as _};
pub use super::consume::Consuming as _;
pub use super::iterate::adapt::{AnySums as _, Sums as _};
pub use super::iterate::{IterationShims as _, StrIterationShims as _};
pub use super::ops::operators::*;
pub use super::pattern::{
    AnyLeaf as _, AnyLength as _, AnyTextLeaf as _, AnyVariant as _, CallMatch as _,
    KnownTextLeaf as _, KnownVariant as _, NumberLeaf as _, NumberMatch as _, SliceLength as _,
    TextMatch as _, ThroughAny as _, VariantLeaf as _, VariantMatch as _,
};
pub use super::question::{Converting as _, Question as _};
pub use super::{
    AbsDiffShims as _, AbsShims as _, AnyConstant as _, AnyPlace as _, BehindAny as _,
    BehindDeref as _, BehindDerefMut as _, BoxFunctions as _, ByteShims as _, BytesShims as _,
    CellNew as _, CellShims as _, CharRefShims as _, CharShims as _, ClampShims as _,
    ConversionShims as _, CopyShims as _, DivEuclidShims as _, Element as _, FloatBitsShims as _,
    FloatNumberShims as _, FloatShims as _, FromScalarShims as _, IndexPlace as _,
    IntNumberShims as _, IntShims as _, Local as _, MemDrop as _, MemReplace as _, MemSwap as _,
    MemTake as _, Method as _, NoNote as _, NonNullShims as _, OptionOfRefShims as _,
    OptionOfScalarShims as _, OptionShims as _, OrderShims as _, OrderingShims as _,
    OverloadedIndex as _, OwnedIntoIterator as _, OwnedIterator as _, PeelAny as _, PowShims as _,
    ProbeExclusive as _, ProbeMemory as _, ProbeOwned as _, ProbeValue as _, RawShims as _,
    RcCounts as _, RcFunctions as _, RcNew as _, RcPointers as _, RcShims as _, RefCellNew as _,
    RefCellShims as _, RemEuclidShims as _, ResultShims as _, SameBitsShims as _,
    SignedNumberShims as _, SignedShims as _, SliceIterShims as _, SliceShims as _, StrShims as _,
    StringShims as _, TryFromFunctions as _, UnknownPlace as _, UnsignedNumberShims as _,
    VecNew as _, VecShims as _, VecWithCapacity as _, WrappingDivShims as _, WrappingRemShims as _,
};
