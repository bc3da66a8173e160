//! Pass `cse`: an operation that was done before with the same operands is not done again.
//!
//! Covers pure operations, overflow operations, and elidable calls (`call_pure`). A division counts
//! too, though it is not defined for every operand: the earlier one stands before the later one, and
//! so do the guards that both rely on.
//!
//! An overflow operation is entered once its guard has passed, with the flag that the guard proved,
//! so that a later one takes its guard along. Its result is also that of the wrapping operation. An
//! elidable call takes its further results and its `guard_no_exception` along: those of the earlier
//! call stand directly behind it, so they have been passed.
//!
//! Why tables are emptied at labels: a trace that jumps there from elsewhere has not run what stands
//! before. What a loop computes anew in every lap is for its preheader to carry over.

use super::compare;
use super::rewrite::{CallResults, Contradiction, Cx, Family, Pending, Rewrite, result_number};
use crate::ir::{Effect, Opcode, Operand, Ty};
use rustc_hash::{FxHashMap, FxHashSet};

/// An operation with its result type and operands, in canonical form.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Key {
    opcode: Opcode,
    ty: Ty,
    a: Operand,
    b: Option<Operand>,
}

/// A result, and for overflow operations the flag that was proven.
type Found = (Operand, Option<bool>);

#[derive(Default, Clone)]
pub(super) struct Cse {
    results: FxHashMap<Key, Found>,
    /// The overflow operation whose guard comes next.
    unproven: Option<(Key, Operand)>,
    calls: FxHashMap<Box<[Operand]>, usize>,
    call_results: Vec<CallResults>,
    /// The call whose further results come next.
    open_call: Option<usize>,
    /// Addresses that calls were made with.
    addresses: FxHashSet<Operand>,
    /// How many addresses are known to have been used again, for another object.
    n_reused: usize,
}

impl Family for Cse {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        if op.opcode == Opcode::CallPure {
            self.forget_reused(cx);
            return Ok(self
                .call(cx, op)
                .map_or(Rewrite::Keep, |results| Rewrite::is_call(results)));
        }
        let found = key(op).and_then(|key| self.results.get(&key));
        let Some(&(res, flag)) = found else { return Ok(Rewrite::Keep) };
        // It may have been found out before that it does not overflow.
        op.overflowed = op.overflowed.or(flag);
        Ok(Rewrite::is(res))
    }

    fn emitted(&mut self, cx: &mut Cx, op: &Pending, res: Option<Operand>) {
        match op.opcode {
            Opcode::GuardNoOverflow => self.proven(false),
            Opcode::GuardOverflow => self.proven(true),
            Opcode::CallPure => self.enter_call(cx, op, res),
            Opcode::Call | Opcode::CallAssembler => self.open_call = None,
            Opcode::CallResult => self.enter_call_result(cx, op, res),
            _ => self.enter(op, res),
        }
    }

    fn forget(&mut self, _: &mut Cx) {
        self.results.clear();
        self.calls.clear();
        self.call_results.clear();
        self.open_call = None;
        self.addresses.clear();
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(self.clone())
    }
}

fn key(op: &Pending) -> Option<Key> {
    match op.opcode.effect() {
        Effect::Pure | Effect::PureChecked | Effect::Overflow => {}
        _ => return None,
    }
    let ty = op.ty?;
    match *op.args {
        [a] => Some(Key { opcode: op.opcode, ty, a, b: None }),
        [a, b] => {
            let (opcode, a, b) = compare::canonical(op.opcode, a, b);
            Some(Key { opcode, ty, a, b: Some(b) })
        }
        _ => None,
    }
}

impl Cse {
    fn enter(&mut self, op: &Pending, res: Option<Operand>) {
        let Some((key, res)) = key(op).zip(res) else { return };
        match op.opcode.without_overflow() {
            None => {
                self.results.insert(key, (res, None));
            }
            Some(wrapping) => {
                self.unproven = Some((key, res));
                let key = Key { opcode: wrapping, ..key };
                self.results.entry(key).or_insert((res, None));
            }
        }
    }

    fn proven(&mut self, flag: bool) {
        if let Some((key, res)) = self.unproven.take() {
            self.results.insert(key, (res, Some(flag)));
        }
    }

    /// The results of an earlier call with the same operands, if it has all that are asked for.
    fn call(&self, cx: &Cx, op: &Pending) -> Option<CallResults> {
        let results = &self.call_results[*self.calls.get(&*op.args)?];
        let has =
            |number, ty| results.iter().any(|&(word, res)| word == number && cx.ty(res) == ty);
        let old = cx.old_trace();
        let mut further = cx.ahead().iter().take_while(|op| op.opcode == Opcode::CallResult);
        let has_all = op.ty.is_none_or(|ty| has(0, ty))
            && further.all(|op| {
                let ty = op.res().map(|res| old.types[res.index()]);
                ty.is_some_and(|ty| has(result_number(old, op), ty))
            });
        has_all.then(|| results.clone())
    }

    /// What a call has answered for an object says nothing about one that is in its place now.
    fn forget_reused(&mut self, cx: &Cx) {
        let reused = &cx.delayed.reused[self.n_reused.min(cx.delayed.reused.len())..];
        if reused.iter().any(|it| self.addresses.contains(it)) {
            self.calls.retain(|args, _| !args.iter().any(|arg| reused.contains(arg)));
            reused.iter().for_each(|it| _ = self.addresses.remove(it));
        }
        self.n_reused = cx.delayed.reused.len();
    }

    fn enter_call(&mut self, cx: &Cx, op: &Pending, res: Option<Operand>) {
        self.addresses.extend(op.args.iter().filter(|&&arg| cx.ty(arg) == Ty::Ptr));
        self.open_call = Some(self.call_results.len());
        self.calls.insert(op.args.as_slice().into(), self.call_results.len());
        self.call_results.push(res.map(|res| (0, res)).into_iter().collect());
    }

    fn enter_call_result(&mut self, cx: &Cx, op: &Pending, res: Option<Operand>) {
        let number = cx.as_const(op.args[0]).map(|c| c.bits);
        if let (Some(call), Some(number), Some(res)) = (self.open_call, number, res) {
            self.call_results[call].push((number, res));
        }
    }
}
