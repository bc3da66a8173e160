//! Symbolic addresses: what a load or store accesses, as base + index · scale + offset.
//!
//! Two accesses with the same [`Root`] have a known distance. To find it, constants that were added
//! to the base or to the index move into the offset, and an index that is a multiple gives its factor
//! to the scale: `stack[sp]` and `stack[sp - 1]` have one root, and so have `getarrayitem(p, i)` and
//! `getfield(ptr_add(p, i * 8))`. All arithmetic is modulo 2^64, as in the operations themselves,
//! so what is computed here is exact, whatever wraps.

use super::rewrite::{Cx, Pending};
use crate::ir::{Const, MemDescr, Opcode, Operand};

/// How many operations are looked through on the way to a base or an index. `algebra` has put
/// chains of constants together, so few are left.
const MAX_STEPS: u32 = 4;

/// The part of an address that is not constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Root {
    /// None if the address is constant but for the index.
    base: Option<Operand>,
    /// Index and scale.
    index: Option<(Operand, u64)>,
}

/// An address, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Address {
    pub root: Root,
    pub offset: i64,
}

impl Address {
    /// What operations take of it, beside the offset: the base, and the index with its scale.
    pub fn base_and_index(&self) -> Option<(Operand, Option<(Operand, u64)>)> {
        Some((self.root.base?, self.root.index))
    }

    /// The values that it is computed from.
    pub fn operands(&self) -> impl Iterator<Item = Operand> {
        self.root.base.into_iter().chain(self.root.index.map(|(index, _)| index))
    }

    /// What a load or store accesses.
    pub fn of(cx: &Cx, op: &Pending, mem: &MemDescr) -> Address {
        let mut address = Address { root: Root::default(), offset: i64::from(mem.offset) };
        if op.opcode.is_indexed() {
            address.add_index(cx, op.args[1], u64::from(mem.scale));
        }
        address.add_base(cx, op.args[0]);
        address
    }

    /// Where an object begins.
    pub fn of_object(cx: &Cx, address: Operand) -> Address {
        let mut object = Address::default();
        object.add_base(cx, address);
        object
    }

    fn add_constant(&mut self, c: Const, scale: u64) {
        self.offset = self.offset.wrapping_add((c.bits.wrapping_mul(scale)) as i64);
    }

    /// Adds the one index that there may be.
    fn add_index(&mut self, cx: &Cx, mut index: Operand, mut scale: u64) {
        for _ in 0..MAX_STEPS {
            match binary_by_constant(cx, index) {
                Some((Opcode::IntAdd, x, c)) => {
                    self.add_constant(c, scale);
                    index = x;
                }
                Some((Opcode::IntSub, x, c)) => {
                    self.add_constant(c, scale.wrapping_neg());
                    index = x;
                }
                Some((Opcode::IntMul, x, c)) => {
                    scale = scale.wrapping_mul(c.bits);
                    index = x;
                }
                Some((Opcode::IntLshift, x, c)) => {
                    scale = scale.wrapping_shl(c.bits as u32);
                    index = x;
                }
                _ => break,
            }
        }
        match cx.as_const(index) {
            Some(c) => self.add_constant(c, scale),
            None => self.root.index = Some((index, scale)),
        }
    }

    fn add_base(&mut self, cx: &Cx, mut base: Operand) {
        for _ in 0..MAX_STEPS {
            let Some(def) = cx.def(base).filter(|def| def.opcode == Opcode::PtrAdd) else { break };
            let mut args = cx.def_args(def);
            let (Some(pointer), Some(distance)) = (args.next(), args.next()) else { break };
            match cx.as_const(distance) {
                Some(c) => self.add_constant(c, 1),
                None if self.root.index.is_none() => self.add_index(cx, distance, 1),
                None => break,
            }
            base = pointer;
        }
        match cx.as_const(base) {
            Some(c) => self.add_constant(c, 1),
            None => self.root.base = Some(base),
        }
    }
}

/// The operation behind a value, if its second operand is constant. The result of an overflow
/// operation is the wrapped one, so it counts as the wrapping operation.
fn binary_by_constant(cx: &Cx, value: Operand) -> Option<(Opcode, Operand, Const)> {
    let def = cx.def(value)?;
    let mut args = cx.def_args(def);
    let (x, c) = (args.next()?, cx.as_const(args.next()?)?);
    Some((def.opcode.without_overflow().unwrap_or(def.opcode), x, c))
}
