//! The table of trace operations. Everything that depends on an operation's shape derives from it.
//!
//! A row is: variant, printed name, operand kinds, result, effect, and a line of documentation.
//! Names are PyPy's where PyPy has the operation.

use super::Ty;

/// What an operand may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg {
    /// An integer of any width (`Bool` excluded).
    Int,
    /// An integer of 64 bits.
    I64,
    /// A `Bool`.
    Bool,
    /// `F32` or `F64`.
    Float,
    /// An address.
    Ptr,
    /// Anything.
    Any,
    /// The same type as the first operand.
    Same,
}

/// What an operation yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Res {
    /// Nothing.
    None,
    /// A value of the first operand's type.
    Same,
    /// A value of this type.
    Ty(Ty),
    /// A value whose type is stated in the operation: casts.
    Stated,
    /// A value whose type its descriptor states: loads.
    Descr,
    /// As its descriptor states, perhaps nothing: calls.
    MaybeDescr,
    /// One value per operand, of the operand's type: `label`.
    PerArg,
}

/// What an operation does beside computing its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing; defined for all operands.
    Pure,
    /// Nothing, but only defined for operands that earlier guards have checked (division, shifts).
    PureChecked,
    /// Computes a wrapped result and sets the overflow flag, which the next operation, a
    /// `guard_no_overflow` or `guard_overflow`, tests.
    Overflow,
    /// Reads memory.
    Load,
    /// Writes memory.
    Store,
    /// Allows that memory there has other contents than were stored to it.
    Forget,
    /// Allocates memory or gives it back.
    Alloc,
    /// Calls.
    Call,
    /// Leaves the trace if a condition does not hold.
    Guard,
    /// Transfers control or is its target.
    Control,
    /// Nothing at all; for the reader of a log, or for the optimizer.
    Debug,
}

/// The facts about one opcode.
#[derive(Debug, Clone, Copy)]
pub struct OpcodeInfo {
    /// Printed name.
    pub name: &'static str,
    /// Fixed operands.
    pub args: &'static [Arg],
    /// Whether any number of further operands of any type follows.
    pub variadic: bool,
    /// The result.
    pub res: Res,
    /// The effect.
    pub effect: Effect,
    /// One line.
    pub doc: &'static str,
}

macro_rules! opcodes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal ($($arg:ident),* $(; $rest:ident)?) -> $res:expr, $effect:ident;)*) => {
        /// A trace operation's kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Opcode { $($(#[doc = $doc])+ $variant,)* }

        impl Opcode {
            /// Every opcode, in table order.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant,)*];
        }

        const TABLE: &[OpcodeInfo] = &[$(OpcodeInfo {
            name: $name,
            args: &[$(Arg::$arg),*],
            variadic: false $(|| stringify!($rest).len() > 0)?,
            res: { use Res::*; use super::Ty as T; #[allow(unused)] const B: Res = Ty(T::Bool); $res },
            effect: Effect::$effect,
            doc: concat!($($doc),+),
        },)*];
    };
}

opcodes! {
    /// Wrapping addition.
    IntAdd = "int_add" (Int, Same) -> Same, Pure;
    /// Wrapping subtraction.
    IntSub = "int_sub" (Int, Same) -> Same, Pure;
    /// Wrapping multiplication.
    IntMul = "int_mul" (Int, Same) -> Same, Pure;
    /// High half of the signed double-width product.
    IntMulHigh = "int_mul_high" (Int, Same) -> Same, Pure;
    /// High half of the unsigned double-width product.
    UintMulHigh = "uint_mul_high" (Int, Same) -> Same, Pure;
    /// Signed division, truncating. The divisor is not zero, and the quotient does not overflow.
    IntDiv = "int_c_div" (Int, Same) -> Same, PureChecked;
    /// Signed remainder, with the sign of the dividend. Operands as for `int_c_div`.
    IntMod = "int_c_mod" (Int, Same) -> Same, PureChecked;
    /// Unsigned division. The divisor is not zero.
    UintDiv = "uint_div" (Int, Same) -> Same, PureChecked;
    /// Unsigned remainder. The divisor is not zero.
    UintMod = "uint_mod" (Int, Same) -> Same, PureChecked;
    /// Bitwise and.
    IntAnd = "int_and" (Int, Same) -> Same, Pure;
    /// Bitwise or.
    IntOr = "int_or" (Int, Same) -> Same, Pure;
    /// Bitwise exclusive or.
    IntXor = "int_xor" (Int, Same) -> Same, Pure;
    /// Shift left. The count is taken modulo the width.
    IntLshift = "int_lshift" (Int, Same) -> Same, Pure;
    /// Arithmetic shift right. The count is taken modulo the width.
    IntRshift = "int_rshift" (Int, Same) -> Same, Pure;
    /// Logical shift right. The count is taken modulo the width.
    UintRshift = "uint_rshift" (Int, Same) -> Same, Pure;
    /// Rotate left. The count is taken modulo the width.
    IntRotl = "int_rotl" (Int, Same) -> Same, Pure;
    /// Wrapping negation.
    IntNeg = "int_neg" (Int) -> Same, Pure;
    /// Bitwise complement.
    IntInvert = "int_invert" (Int) -> Same, Pure;
    /// Number of leading zero bits.
    IntClz = "int_clz" (Int) -> Same, Pure;
    /// Number of trailing zero bits.
    IntCtz = "int_ctz" (Int) -> Same, Pure;
    /// Number of one bits.
    IntPopcount = "int_popcount" (Int) -> Same, Pure;
    /// Bytes in reverse order (16, 32, 64 bits).
    IntBswap = "int_bswap" (Int) -> Same, Pure;

    /// Signed addition; sets the overflow flag.
    IntAddOvf = "int_add_ovf" (Int, Same) -> Same, Overflow;
    /// Signed subtraction; sets the overflow flag.
    IntSubOvf = "int_sub_ovf" (Int, Same) -> Same, Overflow;
    /// Signed multiplication; sets the overflow flag.
    IntMulOvf = "int_mul_ovf" (Int, Same) -> Same, Overflow;
    /// Unsigned addition; sets the overflow flag.
    UintAddOvf = "uint_add_ovf" (Int, Same) -> Same, Overflow;
    /// Unsigned subtraction; sets the overflow flag.
    UintSubOvf = "uint_sub_ovf" (Int, Same) -> Same, Overflow;
    /// Unsigned multiplication; sets the overflow flag.
    UintMulOvf = "uint_mul_ovf" (Int, Same) -> Same, Overflow;

    /// Equal.
    IntEq = "int_eq" (Int, Same) -> B, Pure;
    /// Not equal.
    IntNe = "int_ne" (Int, Same) -> B, Pure;
    /// Signed less than.
    IntLt = "int_lt" (Int, Same) -> B, Pure;
    /// Signed less than or equal.
    IntLe = "int_le" (Int, Same) -> B, Pure;
    /// Signed greater than.
    IntGt = "int_gt" (Int, Same) -> B, Pure;
    /// Signed greater than or equal.
    IntGe = "int_ge" (Int, Same) -> B, Pure;
    /// Unsigned less than.
    UintLt = "uint_lt" (Int, Same) -> B, Pure;
    /// Unsigned less than or equal.
    UintLe = "uint_le" (Int, Same) -> B, Pure;
    /// Unsigned greater than.
    UintGt = "uint_gt" (Int, Same) -> B, Pure;
    /// Unsigned greater than or equal.
    UintGe = "uint_ge" (Int, Same) -> B, Pure;
    /// Not zero.
    IntIsTrue = "int_is_true" (Int) -> B, Pure;
    /// Zero.
    IntIsZero = "int_is_zero" (Int) -> B, Pure;

    /// Logical and of two `bool`s, without short circuit.
    BoolAnd = "bool_and" (Bool, Same) -> B, Pure;
    /// Logical or of two `bool`s, without short circuit.
    BoolOr = "bool_or" (Bool, Same) -> B, Pure;
    /// Exclusive or (`!=`) of two `bool`s.
    BoolXor = "bool_xor" (Bool, Same) -> B, Pure;
    /// Logical negation.
    BoolNot = "bool_not" (Bool) -> B, Pure;

    /// Addition.
    FloatAdd = "float_add" (Float, Same) -> Same, Pure;
    /// Subtraction.
    FloatSub = "float_sub" (Float, Same) -> Same, Pure;
    /// Multiplication.
    FloatMul = "float_mul" (Float, Same) -> Same, Pure;
    /// Division.
    FloatTruediv = "float_truediv" (Float, Same) -> Same, Pure;
    /// Negation (flips the sign bit, also of a NaN).
    FloatNeg = "float_neg" (Float) -> Same, Pure;
    /// Absolute value (clears the sign bit).
    FloatAbs = "float_abs" (Float) -> Same, Pure;
    /// Square root.
    MathSqrt = "math_sqrt" (Float) -> Same, Pure;
    /// Round towards negative infinity.
    MathFloor = "math_floor" (Float) -> Same, Pure;
    /// Round towards positive infinity.
    MathCeil = "math_ceil" (Float) -> Same, Pure;
    /// Round towards zero.
    MathTrunc = "math_trunc" (Float) -> Same, Pure;
    /// Equal; false if either is a NaN.
    FloatEq = "float_eq" (Float, Same) -> B, Pure;
    /// Not equal; true if either is a NaN.
    FloatNe = "float_ne" (Float, Same) -> B, Pure;
    /// Less than.
    FloatLt = "float_lt" (Float, Same) -> B, Pure;
    /// Less than or equal.
    FloatLe = "float_le" (Float, Same) -> B, Pure;
    /// Greater than.
    FloatGt = "float_gt" (Float, Same) -> B, Pure;
    /// Greater than or equal.
    FloatGe = "float_ge" (Float, Same) -> B, Pure;

    /// Sign-extends to a wider integer.
    IntSignext = "int_signext" (Int) -> Stated, Pure;
    /// Zero-extends to a wider integer.
    IntZeroext = "int_zeroext" (Int) -> Stated, Pure;
    /// Keeps the low bits: to a narrower integer.
    IntTrunc = "int_trunc" (Int) -> Stated, Pure;
    /// `false` to 0, `true` to 1.
    CastBoolToInt = "cast_bool_to_int" (Bool) -> Stated, Pure;
    /// Signed integer to float, round to nearest even.
    CastIntToFloat = "cast_int_to_float" (Int) -> Stated, Pure;
    /// Unsigned integer to float, round to nearest even.
    CastUintToFloat = "cast_uint_to_float" (Int) -> Stated, Pure;
    /// Float to signed integer as Rust's `as`: truncates, saturates, NaN is 0.
    CastFloatToInt = "cast_float_to_int" (Float) -> Stated, Pure;
    /// Float to unsigned integer as Rust's `as`: truncates, saturates, NaN is 0.
    CastFloatToUint = "cast_float_to_uint" (Float) -> Stated, Pure;
    /// `f64` to `f32`, round to nearest even.
    CastFloatToSinglefloat = "cast_float_to_singlefloat" (Float) -> Stated, Pure;
    /// `f32` to `f64`.
    CastSinglefloatToFloat = "cast_singlefloat_to_float" (Float) -> Stated, Pure;
    /// The bits of a float as an integer of its size.
    ConvertFloatBytesToInt = "convert_float_bytes_to_int" (Float) -> Stated, Pure;
    /// The float that has these bits.
    ConvertIntBytesToFloat = "convert_int_bytes_to_float" (Int) -> Stated, Pure;
    /// The address as an `i64`.
    CastPtrToInt = "cast_ptr_to_int" (Ptr) -> Ty(T::I64), Pure;
    /// The `i64` as an address.
    CastIntToPtr = "cast_int_to_ptr" (I64) -> Ty(T::Ptr), Pure;
    /// The operand itself.
    SameAs = "same_as" (Any) -> Same, Pure;

    /// Address plus a number of bytes, wrapping.
    PtrAdd = "ptr_add" (Ptr, I64) -> Ty(T::Ptr), Pure;
    /// Same address.
    PtrEq = "ptr_eq" (Ptr, Ptr) -> B, Pure;
    /// Different addresses.
    PtrNe = "ptr_ne" (Ptr, Ptr) -> B, Pure;

    /// Loads at `p + offset`. The descriptor gives offset and type.
    GetField = "getfield" (Ptr) -> Descr, Load;
    /// Stores at `p + offset`: (address, value).
    SetField = "setfield" (Ptr, Any) -> None, Store;
    /// Loads at `p + i * scale + offset`. The index was checked: it is that of an element, so as a number without
    /// sign it is not more than fit into an object. The optimizer moves constants from the index to the offset.
    GetArrayItem = "getarrayitem" (Ptr, I64) -> Descr, Load;
    /// Stores at `p + i * scale + offset`: (address, index, value). The index was checked, too.
    SetArrayItem = "setarrayitem" (Ptr, I64, Any) -> None, Store;

    /// What is at `p + offset` need not be in memory: the trace stores there before anyone looks.
    ForgetField = "forget_field" (Ptr) -> None, Forget;
    /// The same at `p + i * scale + offset`.
    ForgetArrayItem = "forget_arrayitem" (Ptr, I64) -> None, Forget;

    /// Allocates memory: (bytes, alignment), both constant. What is in it is not defined.
    New = "new" (I64, I64) -> Ty(T::Ptr), Alloc;
    /// Gives allocated memory back: (address, bytes, alignment).
    Free = "free" (Ptr, I64, I64) -> None, Alloc;
    /// Allocates the buffer of a `Vec`, which is no object by itself: (bytes, alignment), both constant.
    NewBuffer = "new_buffer" (I64, I64) -> Ty(T::Ptr), Alloc;
    /// Gives the buffer of a `Vec` back: (address, bytes, alignment).
    FreeBuffer = "free_buffer" (Ptr, I64, I64) -> None, Alloc;

    /// Calls a function: (address, arguments…), see [`super::CallDescr`] for the convention.
    Call = "call" (Ptr; args) -> MaybeDescr, Call;
    /// Calls the portal again, by way of compiled code if there is any for its greens: (address, arguments…). In
    /// all else a call.
    CallAssembler = "call_assembler" (Ptr; args) -> MaybeDescr, Call;
    /// Calls a function whose result depends on its arguments only and that has no effects.
    CallPure = "call_pure" (Ptr; args) -> MaybeDescr, Call;
    /// A further result word of the call just before: (number of the word, from 1).
    CallResult = "call_result" (I64) -> Descr, Call;

    /// The condition is true.
    GuardTrue = "guard_true" (Bool) -> None, Guard;
    /// The condition is false.
    GuardFalse = "guard_false" (Bool) -> None, Guard;
    /// The value equals the constant: (value, constant). Floats by their bits.
    GuardValue = "guard_value" (Any, Same) -> None, Guard;
    /// The overflow operation just before did not overflow.
    GuardNoOverflow = "guard_no_overflow" () -> None, Guard;
    /// The overflow operation just before did overflow.
    GuardOverflow = "guard_overflow" () -> None, Guard;
    /// The call just before (`call_result`s may stand between) did not panic.
    GuardNoException = "guard_no_exception" () -> None, Guard;

    /// A loop header: takes initial values, yields one new value each, which a `jump` to its target replaces.
    Label = "label" (; args) -> PerArg, Control;
    /// Continues at a label, in this trace or another: (new values…).
    Jump = "jump" (; args) -> None, Control;
    /// Leaves the trace for good: its values are those of its exit.
    Finish = "finish" () -> None, Control;

    /// The condition is true: the trace that this one continues has found that out.
    AssumeTrue = "assume_true" (Bool) -> None, Debug;
    /// The condition is false: the trace that this one continues has found that out.
    AssumeFalse = "assume_false" (Bool) -> None, Debug;
    /// `x + d < y` without sign, as exact numbers: (x, y, d). The trace that this one continues has found that out.
    AssumeUintLess = "assume_uint_lt" (Int, Same, I64) -> None, Debug;
    /// The same with sign.
    AssumeIntLess = "assume_int_lt" (Int, Same, I64) -> None, Debug;
    /// What `p + offset` holds: (address, value). The trace that this one continues has found that out.
    AssumeField = "assume_field" (Ptr, Any) -> None, Debug;
    /// The same at `p + i * scale + offset`: (address, index, value).
    AssumeArrayItem = "assume_arrayitem" (Ptr, I64, Any) -> None, Debug;
    /// The interpreter passed a merge point here.
    DebugMergePoint = "debug_merge_point" () -> None, Debug;
}

const _: () = assert!(std::mem::size_of::<Opcode>() == 1);

impl Opcode {
    /// The row of the table.
    #[inline]
    pub fn info(self) -> &'static OpcodeInfo {
        &TABLE[self as usize]
    }

    /// Printed name.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether it calls a function. A further result of a call does not.
    #[inline]
    pub fn is_call(self) -> bool {
        self.is_impure_call() || self == Opcode::CallPure
    }

    /// Whether it calls a function that may do anything.
    #[inline]
    pub fn is_impure_call(self) -> bool {
        matches!(self, Opcode::Call | Opcode::CallAssembler)
    }

    /// Whether it is about a place in memory that has an index.
    #[inline]
    pub fn is_indexed(self) -> bool {
        use Opcode::{AssumeArrayItem, ForgetArrayItem, GetArrayItem, SetArrayItem};
        matches!(self, GetArrayItem | SetArrayItem | ForgetArrayItem | AssumeArrayItem)
    }

    /// Whether it is about a place in memory, which its descriptor is of.
    #[inline]
    pub fn has_mem(self) -> bool {
        matches!(self.effect(), Effect::Load | Effect::Store | Effect::Forget)
            || self.assumes_memory()
    }

    /// Whether it says what is in memory, and does nothing.
    #[inline]
    pub fn assumes_memory(self) -> bool {
        matches!(self, Opcode::AssumeField | Opcode::AssumeArrayItem)
    }

    /// Whether it allocates.
    #[inline]
    pub fn allocates(self) -> bool {
        matches!(self, Opcode::New | Opcode::NewBuffer)
    }

    /// Whether it gives memory back.
    #[inline]
    pub fn frees(self) -> bool {
        matches!(self, Opcode::Free | Opcode::FreeBuffer)
    }

    /// Whether it says how two values compare, and does nothing.
    #[inline]
    pub fn assumes_order(self) -> bool {
        matches!(self, Opcode::AssumeUintLess | Opcode::AssumeIntLess)
    }

    /// The opcode of that name.
    pub fn from_name(name: &str) -> Option<Opcode> {
        Opcode::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// Effect.
    #[inline]
    pub fn effect(self) -> Effect {
        self.info().effect
    }

    /// A guard (`finish` is not one, though it has an exit).
    #[inline]
    pub fn is_guard(self) -> bool {
        self.effect() == Effect::Guard
    }

    /// Has an entry in [`super::Trace::exits`]: guards and `finish`.
    #[inline]
    pub fn has_exit(self) -> bool {
        self.is_guard() || self == Opcode::Finish
    }

    /// Whether it computes or checks something: all but labels and what is there to be known only.
    #[inline]
    pub fn counts(self) -> bool {
        !matches!(self.effect(), Effect::Debug | Effect::Forget) && self != Opcode::Label
    }

    /// `Pure` or `PureChecked`.
    #[inline]
    pub fn is_pure(self) -> bool {
        matches!(self.effect(), Effect::Pure | Effect::PureChecked)
    }

    /// Ends a trace: `jump`, `finish`.
    #[inline]
    pub fn is_final(self) -> bool {
        matches!(self, Opcode::Jump | Opcode::Finish)
    }

    /// The wrapping operation of an overflow operation (`int_add_ovf` → `int_add`).
    pub fn without_overflow(self) -> Option<Opcode> {
        Some(match self {
            Opcode::IntAddOvf | Opcode::UintAddOvf => Opcode::IntAdd,
            Opcode::IntSubOvf | Opcode::UintSubOvf => Opcode::IntSub,
            Opcode::IntMulOvf | Opcode::UintMulOvf => Opcode::IntMul,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        for &op in Opcode::ALL {
            assert_eq!(Opcode::from_name(op.name()), Some(op));
        }
    }
}
