//! Events: what metamethods are for.

use jitdriver::jit;

macro_rules! define_events {
    ($($variant:ident $name:literal)*) => {
        /// The name of a field of metatables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Event {
            $(#[doc = $name] $variant,)*
        }

        impl Event {
            /// All names, in the order of the variants.
            pub const NAMES: &[&str] = &[$($name),*];
        }
    };
}

define_events! {
    Index "__index"
    NewIndex "__newindex"
    Call "__call"
    Equal "__eq"
    Less "__lt"
    LessEqual "__le"
    Len "__len"
    Concat "__concat"
    Neg "__unm"
    BitNot "__bnot"
    Add "__add"
    Sub "__sub"
    Mul "__mul"
    Div "__div"
    Mod "__mod"
    Pow "__pow"
    IntDiv "__idiv"
    BitAnd "__band"
    BitOr "__bor"
    BitXor "__bxor"
    ShiftLeft "__shl"
    ShiftRight "__shr"
    Close "__close"
    Gc "__gc"
    Name "__name"
    ToString "__tostring"
    Pairs "__pairs"
    Metatable "__metatable"
}

#[jit]
impl Event {
    /// Its number.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl Event {
    /// Whether it is an operation on bits.
    pub fn is_bitwise(self) -> bool {
        matches!(
            self,
            Event::BitAnd
                | Event::BitOr
                | Event::BitXor
                | Event::ShiftLeft
                | Event::ShiftRight
                | Event::BitNot
        )
    }

    /// Its name as messages show it, without the underscores.
    pub fn short_name(self) -> &'static str {
        &Event::NAMES[self.index()][2..]
    }
}
