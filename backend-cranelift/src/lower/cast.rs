//! Casts. Cranelift converts between floats and integers of 32 and 64 bits; 8 and 16 bits go
//! through 32.

use super::{Lower, clif};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use metainterp::ir::{Opcode, Ty};
use std::cmp::Ordering;

impl Lower<'_, '_> {
    pub(super) fn cast(&mut self, opcode: Opcode, x: Value, from: Ty, to: Ty) -> Option<Value> {
        Some(match opcode {
            Opcode::IntSignext => self.sign_extend(x, from, to),
            Opcode::IntZeroext | Opcode::CastBoolToInt => self.zero_extend(x, from, to),
            Opcode::IntTrunc => self.truncate(x, from, to),
            Opcode::CastIntToFloat => {
                let x = self.sign_extend(x, from, at_least_32(from));
                self.b.ins().fcvt_from_sint(clif(to), x)
            }
            Opcode::CastUintToFloat => {
                let x = self.zero_extend(x, from, at_least_32(from));
                self.b.ins().fcvt_from_uint(clif(to), x)
            }
            Opcode::CastFloatToInt => self.float_to_int(x, to),
            Opcode::CastFloatToUint => self.float_to_uint(x, to),
            Opcode::CastFloatToSinglefloat => self.b.ins().fdemote(types::F32, x),
            Opcode::CastSinglefloatToFloat => self.b.ins().fpromote(types::F64, x),
            Opcode::ConvertFloatBytesToInt | Opcode::ConvertIntBytesToFloat => {
                self.b.ins().bitcast(clif(to), MemFlagsData::new(), x)
            }
            Opcode::CastPtrToInt | Opcode::CastIntToPtr | Opcode::SameAs => x,
            _ => return None,
        })
    }

    fn sign_extend(&mut self, x: Value, from: Ty, to: Ty) -> Value {
        match from.bytes().cmp(&to.bytes()) {
            Ordering::Less => self.b.ins().sextend(clif(to), x),
            _ => x,
        }
    }

    fn zero_extend(&mut self, x: Value, from: Ty, to: Ty) -> Value {
        match from.bytes().cmp(&to.bytes()) {
            Ordering::Less => self.b.ins().uextend(clif(to), x),
            _ => x,
        }
    }

    fn truncate(&mut self, x: Value, from: Ty, to: Ty) -> Value {
        match from.bytes().cmp(&to.bytes()) {
            Ordering::Greater => self.b.ins().ireduce(clif(to), x),
            _ => x,
        }
    }

    fn float_to_int(&mut self, x: Value, to: Ty) -> Value {
        let wide = at_least_32(to);
        let x = self.b.ins().fcvt_to_sint_sat(clif(wide), x);
        if wide == to {
            return x;
        }
        let most = self.b.ins().iconst(types::I32, (to.mask() >> 1) as i64);
        let least = self.b.ins().iconst(types::I32, u64::from(!(to.mask() >> 1) as u32) as i64);
        let x = self.b.ins().smin(x, most);
        let x = self.b.ins().smax(x, least);
        self.truncate(x, wide, to)
    }

    fn float_to_uint(&mut self, x: Value, to: Ty) -> Value {
        let wide = at_least_32(to);
        let x = self.b.ins().fcvt_to_uint_sat(clif(wide), x);
        if wide == to {
            return x;
        }
        let most = self.b.ins().iconst(types::I32, to.mask() as i64);
        let x = self.b.ins().umin(x, most);
        self.truncate(x, wide, to)
    }
}

fn at_least_32(ty: Ty) -> Ty {
    if ty.bytes() < 4 { Ty::I32 } else { ty }
}
