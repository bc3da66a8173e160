//! Pass `fold`: operations on constants are computed, guards on constants are decided.
//!
//! Loads fold only from memory that never changes, and only if the caller gave access to it: reading
//! an address that a trace names takes unsafe code, which the optimizer has none of. The recorder folds
//! such loads itself; what is left are those whose address became a constant here.

use super::guards;
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite, rule_applies};
use crate::ir::{Const, Effect, Opcode, Ty, eval};
use smallvec::SmallVec;

/// Memory that never changes while a trace that reads it exists.
pub trait FrozenMemory {
    /// The value of type `ty` at `address`; `None` leaves the load in the trace. Asked only for
    /// addresses of loads that are marked frozen.
    fn read(&self, address: u64, ty: Ty) -> Option<Const>;
}

#[derive(Clone)]
pub(super) struct Fold<'a> {
    pub frozen: Option<&'a dyn FrozenMemory>,
}

impl Family for Fold<'_> {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        match op.opcode.effect() {
            Effect::Pure | Effect::PureChecked => Ok(pure(cx, op)),
            Effect::Overflow => Ok(overflow(cx, op)),
            Effect::Load => Ok(self.load(cx, op)),
            Effect::Guard => guards::decide(cx, op),
            _ => Ok(Rewrite::Keep),
        }
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(self.clone())
    }
}

fn constants(cx: &Cx, op: &Pending) -> Option<SmallVec<[Const; 2]>> {
    // Most are not, which is found out first.
    let are_constant = op.args.iter().all(|arg| arg.is_const());
    are_constant.then(|| op.args.iter().filter_map(|&arg| cx.as_const(arg)).collect())
}

#[track_caller]
fn is(cx: &mut Cx, folded: Option<Const>) -> Rewrite {
    let Some(folded) = folded else { return Rewrite::Keep };
    rule_applies();
    Rewrite::Is(cx.constant(folded))
}

fn pure(cx: &mut Cx, op: &Pending) -> Rewrite {
    let folded =
        constants(cx, op).zip(op.ty).and_then(|(args, ty)| eval::fold(op.opcode, ty, &args));
    is(cx, folded)
}

fn overflow(cx: &mut Cx, op: &mut Pending) -> Rewrite {
    let Some(args) = constants(cx, op) else { return Rewrite::Keep };
    let (res, overflowed) = eval::ovf(op.opcode, args[0], args[1]);
    op.overflowed = Some(overflowed);
    is(cx, Some(res))
}

impl Fold<'_> {
    fn load(&self, cx: &mut Cx, op: &Pending) -> Rewrite {
        let mem = &cx.new_trace().mems[op.descr as usize];
        let Some(memory) = self.frozen.filter(|_| mem.frozen) else { return Rewrite::Keep };
        let Some(args) = constants(cx, op) else { return Rewrite::Keep };
        let mut address = args[0].bits.wrapping_add_signed(i64::from(mem.offset));
        if op.opcode == Opcode::GetArrayItem {
            address = address.wrapping_add(args[1].bits.wrapping_mul(u64::from(mem.scale)));
        }
        let folded = memory.read(address, mem.ty);
        is(cx, folded)
    }
}
