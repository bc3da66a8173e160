//! Types of trace values, and constants.

use std::fmt;

/// The type of a trace value. One value is one machine scalar ("lane").
///
/// Integers carry a width and no sign: signedness belongs to the operation (`int_lt`, `uint_lt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Ty {
    /// `false` is 0, `true` is 1; no other bit pattern occurs.
    Bool,
    /// 8-bit integer.
    I8,
    /// 16-bit integer.
    I16,
    /// 32-bit integer (also `char`).
    I32,
    /// 64-bit integer (also `usize`).
    I64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// A memory address.
    Ptr,
}

impl Ty {
    /// Every type, in declaration order.
    pub const ALL: [Ty; 8] =
        [Ty::Bool, Ty::I8, Ty::I16, Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::Ptr];

    /// Size in bytes.
    #[inline]
    pub const fn bytes(self) -> u32 {
        match self {
            Ty::Bool | Ty::I8 => 1,
            Ty::I16 => 2,
            Ty::I32 | Ty::F32 => 4,
            Ty::I64 | Ty::F64 | Ty::Ptr => 8,
        }
    }

    /// Size in bits; 1 for `Bool`.
    #[inline]
    pub const fn bits(self) -> u32 {
        match self {
            Ty::Bool => 1,
            other => other.bytes() * 8,
        }
    }

    /// `I8`, `I16`, `I32` or `I64`.
    #[inline]
    pub const fn is_int(self) -> bool {
        matches!(self, Ty::I8 | Ty::I16 | Ty::I32 | Ty::I64)
    }

    /// `F32` or `F64`.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self, Ty::F32 | Ty::F64)
    }

    /// The bits of a 64-bit word that a value of this type uses.
    #[inline]
    pub const fn mask(self) -> u64 {
        match self {
            Ty::Bool => 1,
            Ty::I8 => 0xff,
            Ty::I16 => 0xffff,
            Ty::I32 | Ty::F32 => 0xffff_ffff,
            Ty::I64 | Ty::F64 | Ty::Ptr => u64::MAX,
        }
    }

    /// `bits`, sign-extended from this type's width to 64 bits.
    #[inline]
    pub const fn sign_extend(self, bits: u64) -> i64 {
        let shift = 64 - self.bits();
        ((bits << shift) as i64) >> shift
    }

    /// The letter that starts the printed name of a value: `i3`, `f2`, `p7`.
    pub const fn letter(self) -> char {
        match self {
            Ty::Ptr => 'p',
            Ty::F32 | Ty::F64 => 'f',
            _ => 'i',
        }
    }

    /// The type that a bare letter means in the text form: `i` is `i64`, `f` is `f64`, `p` is `ptr`.
    pub const fn default_for_letter(letter: char) -> Option<Ty> {
        match letter {
            'i' => Some(Ty::I64),
            'f' => Some(Ty::F64),
            'p' => Some(Ty::Ptr),
            _ => None,
        }
    }

    /// The name in the text form: `bool`, `i8`, …, `f64`, `ptr`.
    pub const fn name(self) -> &'static str {
        match self {
            Ty::Bool => "bool",
            Ty::I8 => "i8",
            Ty::I16 => "i16",
            Ty::I32 => "i32",
            Ty::I64 => "i64",
            Ty::F32 => "f32",
            Ty::F64 => "f64",
            Ty::Ptr => "ptr",
        }
    }

    /// The inverse of [`Ty::name`].
    pub fn from_name(name: &str) -> Option<Ty> {
        Ty::ALL.into_iter().find(|ty| ty.name() == name)
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A typed constant. `bits` is zero-extended: bits outside [`Ty::mask`] are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Const {
    /// The type.
    pub ty: Ty,
    /// The value, zero-extended; floats by their bit pattern.
    pub bits: u64,
}

impl Const {
    /// A constant from the low bits of `bits`.
    #[inline]
    pub const fn new(ty: Ty, bits: u64) -> Const {
        Const { ty, bits: bits & ty.mask() }
    }

    /// The value as a signed integer of its width.
    #[inline]
    pub const fn signed(self) -> i64 {
        self.ty.sign_extend(self.bits)
    }
}
