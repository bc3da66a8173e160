//! What the pure operations compute: the one place that says so in code.
//!
//! llgraph executes with it and the optimizer folds constants with it, so a folded operation has the
//! value that it would have had. Machine code is tested against it.
//!
//! Operands are words, zero-extended from the width of their type, and so are results. Each operation is
//! written once for all widths: it works on 64 bits (128 where a product needs them), signed operands
//! sign-extended first, and the result is masked last.
//!
//! A NaN that an operation makes has whatever bits Rust's own operation gives it on this machine;
//! Rust leaves them open, and so do traces.

use super::{Const, Opcode, Ty};

/// The result of a pure operation, or `None` where it is not defined (a division by zero, a quotient
/// that overflows) or the opcode is not pure.
pub fn fold(opcode: Opcode, res_ty: Ty, args: &[Const]) -> Option<Const> {
    let (ty, a, b) = match *args {
        [a] => (a.ty, a.bits, 0),
        [a, b] => (a.ty, a.bits, b.bits),
        _ => return None,
    };
    eval(opcode, ty, res_ty, a, b).map(|bits| Const::new(res_ty, bits))
}

/// [`fold`] on words: `ty` is the first operand's type, `b` is ignored where there is one operand.
#[inline]
pub fn eval(opcode: Opcode, ty: Ty, res_ty: Ty, a: u64, b: u64) -> Option<u64> {
    let bits = match ty {
        Ty::F32 => {
            let (x, y) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
            float_op(opcode, x, y, |x| x.to_bits().into())
                .or_else(|| from_float(opcode, x.into(), a))?
        }
        Ty::F64 => {
            let (x, y) = (f64::from_bits(a), f64::from_bits(b));
            float_op(opcode, x, y, f64::to_bits).or_else(|| from_float(opcode, x, a))?
        }
        Ty::Bool => bool_op(opcode, a, b)?,
        Ty::Ptr => ptr_op(opcode, a, b)?,
        Ty::I8 | Ty::I16 | Ty::I32 | Ty::I64 => int_op(opcode, ty, a, b)
            .or_else(|| int_compare(opcode, ty, a, b))
            .or_else(|| from_int(opcode, ty, res_ty, a))?,
    };
    // Conversions to integers saturate at the width of the result, which only it knows.
    Some(match opcode {
        Opcode::CastFloatToInt => saturate_signed(bits as i64, res_ty),
        Opcode::CastFloatToUint => bits.min(res_ty.mask()),
        _ => bits & res_ty.mask(),
    })
}

/// Whether what `assume_uint_lt` or `assume_int_lt` says of two values of a type is so: `x + d < y`.
pub fn order_holds(opcode: Opcode, ty: Ty, [x, y, d]: [u64; 3]) -> bool {
    let exact = |bits| match opcode {
        Opcode::AssumeUintLess => i128::from(bits & ty.mask()),
        Opcode::AssumeIntLess => i128::from(ty.sign_extend(bits)),
        other => unreachable!("{} says nothing of an order", other.name()),
    };
    exact(x) + i128::from(d as i64) < exact(y)
}

/// The wrapped result of an overflow operation and whether it overflowed. Panics for other opcodes.
pub fn ovf(opcode: Opcode, a: Const, b: Const) -> (Const, bool) {
    let ty = a.ty;
    let (x, y) = match opcode {
        Opcode::IntAddOvf | Opcode::IntSubOvf | Opcode::IntMulOvf => {
            (i128::from(a.signed()), i128::from(b.signed()))
        }
        _ => (i128::from(a.bits), i128::from(b.bits)),
    };
    // The product of two unsigned words of 64 bits may lie outside an i128: then it wraps there, to a
    // negative number, which is outside of 64 bits as well.
    let exact = match opcode {
        Opcode::IntAddOvf | Opcode::UintAddOvf => x + y,
        Opcode::IntSubOvf | Opcode::UintSubOvf => x - y,
        Opcode::IntMulOvf | Opcode::UintMulOvf => x.wrapping_mul(y),
        _ => panic!("{} is no overflow operation", opcode.name()),
    };
    let wrapped = Const::new(ty, exact as u64);
    let fits = match opcode {
        Opcode::IntAddOvf | Opcode::IntSubOvf | Opcode::IntMulOvf => {
            exact == i128::from(wrapped.signed())
        }
        _ => exact == i128::from(wrapped.bits),
    };
    (wrapped, !fits)
}

fn int_op(opcode: Opcode, ty: Ty, a: u64, b: u64) -> Option<u64> {
    let (x, y) = (ty.sign_extend(a), ty.sign_extend(b));
    let width = ty.bits();
    let count = b as u32 & (width - 1);
    Some(match opcode {
        Opcode::IntAdd => a.wrapping_add(b),
        Opcode::IntSub => a.wrapping_sub(b),
        Opcode::IntMul => a.wrapping_mul(b),
        Opcode::IntMulHigh => ((i128::from(x) * i128::from(y)) >> width) as u64,
        Opcode::UintMulHigh => ((u128::from(a) * u128::from(b)) >> width) as u64,
        Opcode::IntDiv | Opcode::IntMod if y == -1 && x == ty.sign_extend(1 << (width - 1)) => {
            return None;
        }
        Opcode::IntDiv => x.checked_div(y)? as u64,
        Opcode::IntMod => x.checked_rem(y)? as u64,
        Opcode::UintDiv => a.checked_div(b)?,
        Opcode::UintMod => a.checked_rem(b)?,
        Opcode::IntAnd => a & b,
        Opcode::IntOr => a | b,
        Opcode::IntXor => a ^ b,
        Opcode::IntLshift => a << count,
        Opcode::IntRshift => (x >> count) as u64,
        Opcode::UintRshift => a >> count,
        // A shift by the whole width would be one too far for 64 bits, hence two shifts.
        Opcode::IntRotl => (a << count) | (a >> (width - 1 - count) >> 1),
        Opcode::IntNeg => a.wrapping_neg(),
        Opcode::IntInvert => !a,
        Opcode::IntClz => u64::from(a.leading_zeros() - (64 - width)),
        Opcode::IntCtz => u64::from(a.trailing_zeros().min(width)),
        Opcode::IntPopcount => a.count_ones().into(),
        Opcode::IntBswap => a.swap_bytes() >> (64 - width),
        _ => return None,
    })
}

fn int_compare(opcode: Opcode, ty: Ty, a: u64, b: u64) -> Option<u64> {
    let (x, y) = (ty.sign_extend(a), ty.sign_extend(b));
    Some(u64::from(match opcode {
        Opcode::IntEq => a == b,
        Opcode::IntNe => a != b,
        Opcode::IntLt => x < y,
        Opcode::IntLe => x <= y,
        Opcode::IntGt => x > y,
        Opcode::IntGe => x >= y,
        Opcode::UintLt => a < b,
        Opcode::UintLe => a <= b,
        Opcode::UintGt => a > b,
        Opcode::UintGe => a >= b,
        Opcode::IntIsTrue => a != 0,
        Opcode::IntIsZero => a == 0,
        _ => return None,
    }))
}

fn from_int(opcode: Opcode, ty: Ty, res_ty: Ty, a: u64) -> Option<u64> {
    let x = ty.sign_extend(a);
    let single = res_ty == Ty::F32;
    Some(match opcode {
        Opcode::IntSignext => x as u64,
        Opcode::IntZeroext | Opcode::IntTrunc | Opcode::SameAs => a,
        Opcode::ConvertIntBytesToFloat | Opcode::CastIntToPtr => a,
        // One rounding only: an integer does not become an f32 by way of f64.
        Opcode::CastIntToFloat if single => (x as f32).to_bits().into(),
        Opcode::CastIntToFloat => (x as f64).to_bits(),
        Opcode::CastUintToFloat if single => (a as f32).to_bits().into(),
        Opcode::CastUintToFloat => (a as f64).to_bits(),
        _ => return None,
    })
}

fn bool_op(opcode: Opcode, a: u64, b: u64) -> Option<u64> {
    Some(match opcode {
        Opcode::BoolAnd => a & b,
        Opcode::BoolOr => a | b,
        Opcode::BoolXor => a ^ b,
        Opcode::BoolNot => a ^ 1,
        Opcode::CastBoolToInt | Opcode::SameAs => a,
        _ => return None,
    })
}

fn ptr_op(opcode: Opcode, a: u64, b: u64) -> Option<u64> {
    Some(match opcode {
        Opcode::PtrAdd => a.wrapping_add(b),
        Opcode::PtrEq => u64::from(a == b),
        Opcode::PtrNe => u64::from(a != b),
        Opcode::CastPtrToInt | Opcode::SameAs => a,
        _ => return None,
    })
}

/// The operations that a float has in either size.
trait Float: Copy + PartialOrd + std::ops::Neg<Output = Self> {
    fn binary(opcode: Opcode, x: Self, y: Self) -> Option<Self>;
    fn unary(opcode: Opcode, x: Self) -> Option<Self>;
}

macro_rules! float {
    ($float:ident) => {
        impl Float for $float {
            fn binary(opcode: Opcode, x: $float, y: $float) -> Option<$float> {
                Some(match opcode {
                    Opcode::FloatAdd => x + y,
                    Opcode::FloatSub => x - y,
                    Opcode::FloatMul => x * y,
                    Opcode::FloatTruediv => x / y,
                    _ => return None,
                })
            }

            fn unary(opcode: Opcode, x: $float) -> Option<$float> {
                Some(match opcode {
                    Opcode::FloatNeg => -x,
                    Opcode::FloatAbs => x.abs(),
                    Opcode::MathSqrt => x.sqrt(),
                    Opcode::MathFloor => x.floor(),
                    Opcode::MathCeil => x.ceil(),
                    Opcode::MathTrunc => x.trunc(),
                    _ => return None,
                })
            }
        }
    };
}

float!(f32);
float!(f64);

fn float_op<F: Float>(opcode: Opcode, x: F, y: F, to_bits: impl Fn(F) -> u64) -> Option<u64> {
    if let Some(res) = F::binary(opcode, x, y).or_else(|| F::unary(opcode, x)) {
        return Some(to_bits(res));
    }
    Some(u64::from(match opcode {
        Opcode::FloatEq => x == y,
        Opcode::FloatNe => x != y,
        Opcode::FloatLt => x < y,
        Opcode::FloatLe => x <= y,
        Opcode::FloatGt => x > y,
        Opcode::FloatGe => x >= y,
        _ => return None,
    }))
}

/// Conversions from a float, whose value as an `f64` is `x` and whose bits are `bits`.
fn from_float(opcode: Opcode, x: f64, bits: u64) -> Option<u64> {
    Some(match opcode {
        Opcode::CastFloatToInt => x as i64 as u64,
        Opcode::CastFloatToUint => x as u64,
        Opcode::CastFloatToSinglefloat => (x as f32).to_bits().into(),
        Opcode::CastSinglefloatToFloat => x.to_bits(),
        Opcode::ConvertFloatBytesToInt | Opcode::SameAs => bits,
        _ => return None,
    })
}

fn saturate_signed(x: i64, ty: Ty) -> u64 {
    let min = ty.sign_extend(1 << (ty.bits() - 1));
    x.clamp(min, !min) as u64 & ty.mask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Effect, cast_exists};

    fn fold2(opcode: Opcode, res: Ty, ty: Ty, a: u64, b: u64) -> Option<u64> {
        fold(opcode, res, &[Const::new(ty, a), Const::new(ty, b)]).map(|c| c.bits)
    }

    fn fold1(opcode: Opcode, res: Ty, ty: Ty, a: u64) -> Option<u64> {
        fold(opcode, res, &[Const::new(ty, a)]).map(|c| c.bits)
    }

    macro_rules! check_width {
        ($test:ident, $ty:expr, $int:ident, $uint:ident, $wide:ident, $uwide:ident, $samples:expr) => {
            #[test]
            fn $test() {
                let samples: Vec<u64> = $samples;
                for &a in &samples {
                    for &b in &samples {
                        let (x, y, u, v) = (a as $int, b as $int, a as $uint, b as $uint);
                        let res = |opcode| fold2(opcode, $ty, $ty, a, b);
                        let is = |value: $int| Some(u64::from(value as $uint));
                        let width = $int::BITS;
                        assert_eq!(res(Opcode::IntAdd), is(x.wrapping_add(y)));
                        assert_eq!(res(Opcode::IntSub), is(x.wrapping_sub(y)));
                        assert_eq!(res(Opcode::IntMul), is(x.wrapping_mul(y)));
                        let high = (x as $wide * y as $wide) >> width;
                        assert_eq!(res(Opcode::IntMulHigh), is(high as $int));
                        let high = (u as $uwide * v as $uwide) >> width;
                        assert_eq!(res(Opcode::UintMulHigh), is(high as $int));
                        assert_eq!(res(Opcode::IntDiv), x.checked_div(y).and_then(is), "{x}/{y}");
                        assert_eq!(res(Opcode::IntMod), x.checked_rem(y).and_then(is), "{x}%{y}");
                        let uis = |value: $uint| Some(u64::from(value));
                        assert_eq!(res(Opcode::UintDiv), u.checked_div(v).and_then(uis));
                        assert_eq!(res(Opcode::UintMod), u.checked_rem(v).and_then(uis));
                        assert_eq!(res(Opcode::IntAnd), is(x & y));
                        assert_eq!(res(Opcode::IntOr), is(x | y));
                        assert_eq!(res(Opcode::IntXor), is(x ^ y));
                        assert_eq!(res(Opcode::IntLshift), is(x.wrapping_shl(v as u32)));
                        assert_eq!(res(Opcode::IntRshift), is(x.wrapping_shr(v as u32)));
                        assert_eq!(res(Opcode::UintRshift), uis(u.wrapping_shr(v as u32)));
                        let rotated = u.rotate_left((u64::from(v) % u64::from(width)) as u32);
                        assert_eq!(res(Opcode::IntRotl), uis(rotated));
                        let is = |value: bool| Some(u64::from(value));
                        let res = |opcode| fold2(opcode, Ty::Bool, $ty, a, b);
                        assert_eq!(res(Opcode::IntEq), is(x == y));
                        assert_eq!(res(Opcode::IntNe), is(x != y));
                        assert_eq!(res(Opcode::IntLt), is(x < y));
                        assert_eq!(res(Opcode::IntLe), is(x <= y));
                        assert_eq!(res(Opcode::IntGt), is(x > y));
                        assert_eq!(res(Opcode::IntGe), is(x >= y));
                        assert_eq!(res(Opcode::UintLt), is(u < v));
                        assert_eq!(res(Opcode::UintLe), is(u <= v));
                        assert_eq!(res(Opcode::UintGt), is(u > v));
                        assert_eq!(res(Opcode::UintGe), is(u >= v));
                        let res = |opcode| {
                            let (c, o) = ovf(opcode, Const::new($ty, a), Const::new($ty, b));
                            (c.bits as $int, o)
                        };
                        assert_eq!(res(Opcode::IntAddOvf), x.overflowing_add(y));
                        assert_eq!(res(Opcode::IntSubOvf), x.overflowing_sub(y));
                        assert_eq!(res(Opcode::IntMulOvf), x.overflowing_mul(y));
                        let ures = |opcode| {
                            let (c, o) = ovf(opcode, Const::new($ty, a), Const::new($ty, b));
                            (c.bits as $uint, o)
                        };
                        assert_eq!(ures(Opcode::UintAddOvf), u.overflowing_add(v));
                        assert_eq!(ures(Opcode::UintSubOvf), u.overflowing_sub(v));
                        assert_eq!(ures(Opcode::UintMulOvf), u.overflowing_mul(v));
                    }
                    let (x, u) = (a as $int, a as $uint);
                    let res = |opcode| fold1(opcode, $ty, $ty, a);
                    let is = |value: $uint| Some(u64::from(value));
                    assert_eq!(res(Opcode::IntNeg), is(x.wrapping_neg() as $uint));
                    assert_eq!(res(Opcode::IntInvert), is(!u));
                    assert_eq!(res(Opcode::IntClz), is(u.leading_zeros() as $uint));
                    assert_eq!(res(Opcode::IntCtz), is(u.trailing_zeros() as $uint));
                    assert_eq!(res(Opcode::IntPopcount), is(u.count_ones() as $uint));
                    assert_eq!(res(Opcode::IntBswap), is(u.swap_bytes()));
                    assert_eq!(res(Opcode::SameAs), is(u));
                    let truth = fold1(Opcode::IntIsTrue, Ty::Bool, $ty, a);
                    assert_eq!(truth, Some(u64::from(u != 0)));
                    let zero = fold1(Opcode::IntIsZero, Ty::Bool, $ty, a);
                    assert_eq!(zero, Some(u64::from(u == 0)));
                    let res = |opcode, ty| fold1(opcode, ty, $ty, a);
                    let is32 = |value: f32| Some(u64::from(value.to_bits()));
                    let is64 = |value: f64| Some(value.to_bits());
                    assert_eq!(res(Opcode::CastIntToFloat, Ty::F32), is32(x as f32));
                    assert_eq!(res(Opcode::CastIntToFloat, Ty::F64), is64(x as f64));
                    assert_eq!(res(Opcode::CastUintToFloat, Ty::F32), is32(u as f32));
                    assert_eq!(res(Opcode::CastUintToFloat, Ty::F64), is64(u as f64));
                    let wide = fold1(Opcode::IntTrunc, $ty, Ty::I64, a);
                    assert_eq!(wide, is(u));
                    assert_eq!(res(Opcode::IntZeroext, Ty::I64), Some(u64::from(u)));
                    assert_eq!(res(Opcode::IntSignext, Ty::I64), Some(i64::from(x) as u64));
                }
            }
        };
    }

    /// Numbers near the ends of every width, and some in the middle.
    fn interesting(ty: Ty) -> Vec<u64> {
        let mut samples = vec![0x1234_5678_9abc_def0 & ty.mask(), 0x0f0f & ty.mask()];
        for bit in [0, 1, 3, 7, 8, 15, 16, 31, 32, 52, 53, 63] {
            for delta in [-1i64, 0, 1] {
                samples.push((1u64 << bit).wrapping_add(delta as u64) & ty.mask());
                samples.push((1u64 << bit).wrapping_add(delta as u64).wrapping_neg() & ty.mask());
            }
        }
        samples.sort_unstable();
        samples.dedup();
        samples
    }

    check_width!(bytes_exhaustively, Ty::I8, i8, u8, i16, u16, (0..256).collect());
    check_width!(shorts, Ty::I16, i16, u16, i32, u32, interesting(Ty::I16));
    check_width!(words, Ty::I32, i32, u32, i64, u64, interesting(Ty::I32));
    check_width!(longs, Ty::I64, i64, u64, i128, u128, interesting(Ty::I64));

    #[test]
    fn floats() {
        let doubles = [0.0, -0.0, 0.5, -1.5, 2.5, 1e300, 127.9, 255.5, 3e9, 1.9e19, f64::INFINITY];
        let samples: Vec<f64> = doubles.iter().flat_map(|&x| [x, -x]).chain([f64::NAN]).collect();
        for &x in &samples {
            for &y in &samples {
                check_float_pair(x, y);
                check_float_pair_single(x as f32, y as f32);
            }
            check_from_float(x);
        }
    }

    macro_rules! check_pair {
        ($name:ident, $float:ident, $ty:expr) => {
            fn $name(x: $float, y: $float) {
                let (a, b) = (x.to_bits().into(), y.to_bits().into());
                let is = |opcode, expected: $float| {
                    let bits = fold2(opcode, $ty, $ty, a, b).expect("pure");
                    let value = $float::from_bits(bits as _);
                    let same = value.to_bits() == expected.to_bits();
                    assert!(same || value.is_nan() && expected.is_nan(), "{x} {opcode:?} {y}");
                };
                is(Opcode::FloatAdd, x + y);
                is(Opcode::FloatSub, x - y);
                is(Opcode::FloatMul, x * y);
                is(Opcode::FloatTruediv, x / y);
                is(Opcode::FloatNeg, -x);
                is(Opcode::FloatAbs, x.abs());
                is(Opcode::MathSqrt, x.sqrt());
                is(Opcode::MathFloor, x.floor());
                is(Opcode::MathCeil, x.ceil());
                is(Opcode::MathTrunc, x.trunc());
                let is = |opcode, expected: bool| {
                    let bits = fold2(opcode, Ty::Bool, $ty, a, b);
                    assert_eq!(bits, Some(expected.into()), "{x} {opcode:?} {y}");
                };
                is(Opcode::FloatEq, x == y);
                is(Opcode::FloatNe, x != y);
                is(Opcode::FloatLt, x < y);
                is(Opcode::FloatLe, x <= y);
                is(Opcode::FloatGt, x > y);
                is(Opcode::FloatGe, x >= y);
            }
        };
    }

    check_pair!(check_float_pair, f64, Ty::F64);
    check_pair!(check_float_pair_single, f32, Ty::F32);

    fn check_from_float(x: f64) {
        let is = |opcode, ty, expected: u64| {
            assert_eq!(fold1(opcode, ty, Ty::F64, x.to_bits()), Some(expected), "{opcode:?} {x}");
        };
        is(Opcode::CastFloatToInt, Ty::I8, (x as i8 as u8).into());
        is(Opcode::CastFloatToInt, Ty::I16, (x as i16 as u16).into());
        is(Opcode::CastFloatToInt, Ty::I32, (x as i32 as u32).into());
        is(Opcode::CastFloatToInt, Ty::I64, x as i64 as u64);
        is(Opcode::CastFloatToUint, Ty::I8, (x as u8).into());
        is(Opcode::CastFloatToUint, Ty::I16, (x as u16).into());
        is(Opcode::CastFloatToUint, Ty::I32, (x as u32).into());
        is(Opcode::CastFloatToUint, Ty::I64, x as u64);
        is(Opcode::CastFloatToSinglefloat, Ty::F32, (x as f32).to_bits().into());
        is(Opcode::ConvertFloatBytesToInt, Ty::I64, x.to_bits());
        let single = (x as f32).to_bits().into();
        let wide = fold1(Opcode::CastSinglefloatToFloat, Ty::F64, Ty::F32, single);
        assert_eq!(wide, Some((x as f32 as f64).to_bits()));
        let byte = fold1(Opcode::CastFloatToUint, Ty::I8, Ty::F32, single);
        assert_eq!(byte, Some((x as f32 as u8).into()));
    }

    #[test]
    fn signs_of_nans_are_exact() {
        for bits in [0x7ff8_0000_0000_0001u64, 0xfff8_0000_0000_0001] {
            let neg = fold1(Opcode::FloatNeg, Ty::F64, Ty::F64, bits);
            assert_eq!(neg, Some(bits ^ (1 << 63)));
            let abs = fold1(Opcode::FloatAbs, Ty::F64, Ty::F64, bits);
            assert_eq!(abs, Some(bits & !(1 << 63)));
        }
    }

    #[test]
    fn bools_and_addresses() {
        for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let res = |opcode| fold2(opcode, Ty::Bool, Ty::Bool, a, b);
            assert_eq!(res(Opcode::BoolAnd), Some(a & b));
            assert_eq!(res(Opcode::BoolOr), Some(a | b));
            assert_eq!(res(Opcode::BoolXor), Some(u64::from(a != b)));
            assert_eq!(res(Opcode::BoolNot), Some(1 - a));
            assert_eq!(fold1(Opcode::CastBoolToInt, Ty::I16, Ty::Bool, a), Some(a));
        }
        let args = [Const::new(Ty::Ptr, 0x1000), Const::new(Ty::I64, -16i64 as u64)];
        assert_eq!(fold(Opcode::PtrAdd, Ty::Ptr, &args), Some(Const::new(Ty::Ptr, 0xff0)));
        assert_eq!(fold2(Opcode::PtrEq, Ty::Bool, Ty::Ptr, 8, 8), Some(1));
        assert_eq!(fold2(Opcode::PtrNe, Ty::Bool, Ty::Ptr, 8, 8), Some(0));
        assert_eq!(fold1(Opcode::CastPtrToInt, Ty::I64, Ty::Ptr, 8), Some(8));
        assert_eq!(fold1(Opcode::CastIntToPtr, Ty::Ptr, Ty::I64, 8), Some(8));
        assert_eq!(fold1(Opcode::ConvertIntBytesToFloat, Ty::F32, Ty::I32, 8), Some(8));
        for ty in Ty::ALL {
            assert_eq!(fold1(Opcode::SameAs, ty, ty, 1), Some(1));
        }
    }

    /// Every pure operation has a value for operands of every type that the table allows.
    #[test]
    fn every_pure_operation_is_here() {
        for &opcode in Opcode::ALL {
            for ty in Ty::ALL {
                for res in Ty::ALL {
                    let value = fold2(opcode, res, ty, 1, 1);
                    let takes = is_operand(opcode, ty) && yields(opcode, ty, res);
                    let expected = opcode.is_pure() && takes;
                    if expected {
                        assert!(value.is_some(), "{opcode:?} {ty} -> {res}");
                    }
                    if matches!(opcode.effect(), Effect::Overflow | Effect::Load | Effect::Guard) {
                        assert_eq!(value, None, "{opcode:?}");
                    }
                }
            }
        }
    }

    fn is_operand(opcode: Opcode, ty: Ty) -> bool {
        use crate::ir::Arg;
        match opcode.info().args.first() {
            Some(Arg::Int) => ty.is_int(),
            Some(Arg::I64) => ty == Ty::I64,
            Some(Arg::Bool) => ty == Ty::Bool,
            Some(Arg::Float) => ty.is_float(),
            Some(Arg::Ptr) => ty == Ty::Ptr,
            Some(Arg::Any) => true,
            Some(Arg::Same) | None => false,
        }
    }

    fn yields(opcode: Opcode, ty: Ty, res: Ty) -> bool {
        use crate::ir::Res;
        match opcode.info().res {
            Res::Same => ty == res,
            Res::Ty(fixed) => fixed == res,
            Res::Stated => cast_exists(opcode, ty, res),
            _ => false,
        }
    }
}
