//! The verifier: checks the invariants of a [`Trace`], after recording and after each pass.
//!
//! Invariants
//! 1. Values are numbered in order of definition: inputs, then results. Each has a type. A number that no
//!    operation defines is that of an allocation at exits.
//! 2. An operand is defined before its use and behind the nearest label above: a jump from another
//!    trace brings the label's arguments and nothing else.
//! 3. Operands and results have the number and the types of the opcode table and of their descriptors.
//! 4. Constants have no bits outside their type.
//! 5. The k-th operation with an exit owns exit k. Exit numbers are distinct.
//! 6. An overflow operation is followed by the guard that tests its flag, and such a guard by nothing else.
//! 7. A `call_result` directly follows its call or another one; `guard_no_exception` directly follows
//!    these. A call that can panic has one.
//! 8. The last operation, and no other, is a `jump` or a `finish`.
//! 9. Labels have distinct targets; a jump to a label of the same trace has its number and types of arguments.
//! 10. The delayed stores of an exit are stores, and the last of its arguments are their operands. Its
//!     allocations come first, and what they allocate is a value for this exit only.
//! 11. Inputs, label and exit arguments fit into a frame's value slots, call arguments into its call words.
//!
//! Why not in [`super::TraceBuilder`]: most invariants speak of operations that come later, and passes
//! change traces in place. Checking is linear, so debug builds can afford it after each pass.

use super::{Arg, Const, Effect, Exit, Op, Opcode, Operand, OperandKind, Res, Trace, Ty};
use crate::backend::{CALL_WORDS, VALUE_SLOTS};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt;

/// Which operation breaks which invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyError {
    trace: String,
    place: String,
    message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.trace.is_empty() {
            write!(f, "{}: ", self.trace)?;
        }
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), String>;

/// Checks every invariant of this module's header.
pub fn verify(trace: &Trace) -> Result<(), VerifyError> {
    let error = |place: String, message| VerifyError { trace: trace.name.clone(), place, message };
    let mut verifier = Verifier::new(trace);
    verifier.inputs().map_err(|message| error("inputs".into(), message))?;
    for (index, op) in trace.ops.iter().enumerate() {
        // An operation whose indices lead nowhere cannot be printed.
        verifier.indices(op).map_err(|message| {
            error(format!("operation {index}, {}", op.opcode.name()), message)
        })?;
        verifier.op(index, op).map_err(|message| {
            error(format!("operation {index}, `{}`", trace.display_op(op)), message)
        })?;
    }
    verifier.end().map_err(|message| error("end".into(), message))
}

/// Whether a cast between these types exists: the types that the table leaves to be stated.
pub fn cast_exists(opcode: Opcode, from: Ty, to: Ty) -> bool {
    match opcode {
        Opcode::IntSignext | Opcode::IntZeroext => to.is_int() && to.bits() > from.bits(),
        Opcode::IntTrunc => to.is_int() && to.bits() < from.bits(),
        Opcode::CastBoolToInt | Opcode::CastFloatToInt | Opcode::CastFloatToUint => to.is_int(),
        Opcode::CastIntToFloat | Opcode::CastUintToFloat => to.is_float(),
        Opcode::CastFloatToSinglefloat => (from, to) == (Ty::F64, Ty::F32),
        Opcode::CastSinglefloatToFloat => (from, to) == (Ty::F32, Ty::F64),
        Opcode::ConvertFloatBytesToInt => to.is_int() && to.bits() == from.bits(),
        Opcode::ConvertIntBytesToFloat => to.is_float() && to.bits() == from.bits(),
        _ => false,
    }
}

struct Verifier<'a> {
    trace: &'a Trace,
    /// Values with smaller numbers are defined.
    n_defined: u32,
    /// Values with smaller numbers lie before the nearest label.
    first_visible: u32,
    n_exits: usize,
    exit_ids: FxHashSet<u32>,
    labels: FxHashMap<u32, Vec<Ty>>,
    /// Numbers below `n_defined` that no operation defines.
    reserved: FxHashSet<u32>,
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(message()) }
}

fn at_most(what: &str, n: usize, limit: usize) -> Check {
    ensure(n <= limit, || format!("{n} {what}, at most {limit} fit"))
}

impl<'a> Verifier<'a> {
    fn new(trace: &'a Trace) -> Verifier<'a> {
        Verifier {
            trace,
            n_defined: trace.n_inputs,
            first_visible: 0,
            n_exits: 0,
            exit_ids: FxHashSet::default(),
            labels: FxHashMap::default(),
            reserved: FxHashSet::default(),
        }
    }

    fn inputs(&self) -> Check {
        let (n_inputs, n_types) = (self.trace.n_inputs as usize, self.trace.types.len());
        ensure(n_inputs <= n_types, || {
            format!("{n_inputs} inputs, but types of {n_types} values")
        })?;
        at_most("inputs", n_inputs, VALUE_SLOTS)
    }

    /// What operands, results and descriptors of the operation name does exist.
    fn indices(&self, op: &Op) -> Check {
        let trace = self.trace;
        trace.args(op).iter().try_for_each(|&arg| self.operand_exists(arg))?;
        let n_results = trace.results(op).len() as u32;
        let results = trace.results(op).next().map_or(0, |first| first.0 + n_results) as usize;
        ensure(results <= trace.types.len(), || "a result without a type".into())?;
        let len = match (op.opcode, op.opcode.effect()) {
            (Opcode::DebugMergePoint, _) => trace.merge_points.len(),
            (_, Effect::Call) => trace.calls.len(),
            _ if op.opcode.has_mem() => trace.mems.len(),
            _ if op.opcode.has_exit() => trace.exits.len(),
            _ => return Ok(()),
        };
        ensure((op.descr as usize) < len, || format!("descriptor {} of {len}", op.descr))?;
        match op.opcode.has_exit() {
            true => {
                trace.exit_args(trace.exit(op)).iter().try_for_each(|&a| self.operand_exists(a))
            }
            false => Ok(()),
        }
    }

    fn operand_exists(&self, operand: Operand) -> Check {
        match operand.kind() {
            OperandKind::Value(value) => ensure(value.index() < self.trace.types.len(), || {
                format!("value {} has no type", value.0)
            }),
            OperandKind::Const(index) => ensure((index as usize) < self.trace.consts.len(), || {
                format!("constant {index} of {}", self.trace.consts.len())
            }),
        }
    }

    fn op(&mut self, index: usize, op: &Op) -> Check {
        let is_last = index + 1 == self.trace.ops.len();
        ensure(op.opcode.is_final() == is_last, || match is_last {
            true => "the last operation is no `jump` or `finish`".into(),
            false => "operations follow".into(),
        })?;
        self.trace.args(op).iter().try_for_each(|&arg| self.operand(arg))?;
        self.operand_types(op)?;
        self.neighbours(index, op)?;
        match op.opcode.effect() {
            _ if op.opcode.has_mem() => self.memory(op)?,
            Effect::Call => self.call(op)?,
            Effect::Control if op.opcode != Opcode::Finish => self.label_or_jump(op)?,
            _ if op.opcode == Opcode::GuardValue => {
                let constant = self.trace.args(op)[1].is_const();
                ensure(constant, || "the second operand is no constant".into())?;
            }
            _ => {}
        }
        if op.opcode.has_exit() {
            self.exit(op)?;
        }
        self.results(op)
    }

    fn operand(&self, operand: Operand) -> Check {
        if let Some(Const { ty, bits }) = self.trace.as_const(operand) {
            return ensure(bits & !ty.mask() == 0, || format!("{bits:#x} has more bits than {ty}"));
        }
        let name = || self.trace.operand_to_string(operand);
        let number = operand.value().map_or(0, |value| value.0);
        let is_defined = number < self.n_defined && !self.is_reserved(operand);
        ensure(is_defined, || format!("{} is used before its definition", name()))?;
        ensure(number >= self.first_visible, || {
            format!("{} is defined before the label above and no argument of it", name())
        })
    }

    fn is_reserved(&self, operand: Operand) -> bool {
        operand.value().is_some_and(|value| self.reserved.contains(&value.0))
    }

    fn operand_types(&self, op: &Op) -> Check {
        let (trace, info) = (self.trace, op.opcode.info());
        let (args, n) = (trace.args(op), info.args.len());
        let fits = args.len() == n || info.variadic && args.len() > n;
        ensure(fits, || format!("expected {n} operands, found {}", args.len()))?;
        for (k, (&arg, &kind)) in args.iter().zip(info.args).enumerate() {
            let (ty, first) = (trace.ty(arg), trace.ty(args[0]));
            ensure(matches(kind, ty, first), || match kind {
                Arg::Same => format!("operand {k} is {ty}, operand 0 is {first}"),
                _ => format!("operand {k} is {ty}, expected {}", kind_name(kind)),
            })?;
        }
        let byte = op.opcode == Opcode::IntBswap && trace.ty(args[0]) == Ty::I8;
        ensure(!byte, || "one byte cannot be reversed".into())
    }

    /// Operations that belong together stand together.
    fn neighbours(&self, index: usize, op: &Op) -> Check {
        let ops = &self.trace.ops;
        let is_flag_guard =
            |op: &Op| matches!(op.opcode, Opcode::GuardNoOverflow | Opcode::GuardOverflow);
        let previous = index.checked_sub(1).map(|previous| &ops[previous]);
        match op.opcode {
            _ if op.opcode.effect() == Effect::Overflow => {
                ensure(ops.get(index + 1).is_some_and(is_flag_guard), || {
                    "no guard tests the overflow flag".into()
                })
            }
            _ if is_flag_guard(op) => {
                let sets_flag = |op: &Op| op.opcode.effect() == Effect::Overflow;
                ensure(previous.is_some_and(sets_flag), || "no overflow operation before".into())
            }
            Opcode::CallResult => {
                let same_call = |previous: &Op| {
                    previous.opcode.effect() == Effect::Call && previous.descr == op.descr
                };
                ensure(previous.is_some_and(same_call), || "its call is not just before".into())
            }
            Opcode::GuardNoException => {
                let is_call = |op: &Op| op.opcode.effect() == Effect::Call;
                ensure(previous.is_some_and(is_call), || "no call before".into())
            }
            opcode if opcode.is_call() && self.trace.call(op).can_panic => {
                let mut after = ops[index + 1..].iter().map(|op| op.opcode);
                let next = after.find(|&opcode| opcode != Opcode::CallResult);
                ensure(next == Some(Opcode::GuardNoException), || {
                    "can panic, but no `guard_no_exception` follows".into()
                })
            }
            _ => Ok(()),
        }
    }

    fn memory(&self, op: &Op) -> Check {
        let (trace, mem) = (self.trace, self.trace.mem(op));
        let indexed = op.opcode.is_indexed();
        ensure(indexed || mem.scale == 0, || "a scale without an index".into())?;
        let ty = match op.opcode.effect() {
            Effect::Store | Effect::Debug => trace.args(op).last().map(|&value| trace.ty(value)),
            Effect::Forget => Some(mem.ty),
            _ => trace.results(op).next().map(|value| trace.types[value.index()]),
        };
        ensure(ty == Some(mem.ty), || format!("the memory has type {}", mem.ty))
    }

    fn call(&self, op: &Op) -> Check {
        let (trace, args) = (self.trace, self.trace.args(op));
        if op.opcode == Opcode::CallResult {
            let word = trace.as_const(args[0]).map_or(0, |word| word.bits);
            return ensure((1..CALL_WORDS as u64).contains(&word), || {
                format!("expected the number of a result word, 1 to {}", CALL_WORDS - 1)
            });
        }
        at_most("call arguments", args.len() - 1, CALL_WORDS)?;
        let (stated, res) = (trace.call(op).res, op.res());
        let ty = res.map(|value| trace.types[value.index()]);
        ensure(ty == stated, || match stated {
            Some(stated) => format!("the called function yields {stated}"),
            None => "the called function yields nothing".into(),
        })
    }

    fn label_or_jump(&mut self, op: &Op) -> Check {
        let types: Vec<Ty> = self.trace.args(op).iter().map(|&arg| self.trace.ty(arg)).collect();
        at_most("arguments", types.len(), VALUE_SLOTS)?;
        if op.opcode == Opcode::Label {
            self.first_visible = self.n_defined;
            let earlier = self.labels.insert(op.descr, types);
            return ensure(earlier.is_none(), || format!("target {} exists", op.descr));
        }
        match self.labels.get(&op.descr) {
            Some(label) => ensure(*label == types, || {
                format!("the label takes {label:?}, this jump brings {types:?}")
            }),
            None => Ok(()),
        }
    }

    fn exit(&mut self, op: &Op) -> Check {
        let (trace, exit) = (self.trace, self.trace.exit(op));
        let own = self.n_exits;
        ensure(op.descr as usize == own, || format!("has exit {}, expected {own}", op.descr))?;
        self.n_exits += 1;
        let fresh = self.exit_ids.insert(exit.id.0);
        ensure(fresh, || format!("exit number {} occurs twice", exit.id.0))?;
        at_most("exit arguments", trace.n_saved(exit, VALUE_SLOTS), VALUE_SLOTS)?;
        let news = trace.exit_stores(exit).iter().filter_map(|store| store.res());
        let news: Vec<u32> = news.map(|value| value.0).collect();
        let is_new = |arg: Operand| arg.value().is_some_and(|value| news.contains(&value.0));
        let args = trace.exit_args(exit).iter().filter(|&&arg| !is_new(arg));
        args.copied().try_for_each(|arg| self.operand(arg))?;
        let first_store = trace.exit_stores(exit).iter().position(|store| store.res().is_none());
        ensure(first_store.unwrap_or(news.len()) == news.len(), || {
            "an allocation behind a store".into()
        })?;
        ensure(
            news.iter().all(|value| trace.types.get(*value as usize) == Some(&Ty::Ptr)),
            || "what is allocated is a pointer".into(),
        )?;
        self.delayed_stores(exit)
    }

    fn delayed_stores(&self, exit: &Exit) -> Check {
        let trace = self.trace;
        let end = exit.stores.start as usize + exit.stores.len as usize;
        ensure(end <= trace.stores.len(), || format!("{end} delayed stores"))?;
        for (store, args) in trace.exit_stores_with_args(exit) {
            let name = store.opcode.name();
            if store.res().is_some() {
                let fits = args.len() == 2
                    && args.iter().all(|&arg| arg.is_const() && trace.ty(arg) == Ty::I64);
                ensure(fits, || "size and alignment are constants".into())?;
                continue;
            }
            if store.opcode.frees() {
                let fits = matches!(*args, [address, bytes, align]
                    if trace.ty(address) == Ty::Ptr && bytes.is_const() && align.is_const());
                ensure(fits, || "an address, its size and alignment".into())?;
                continue;
            }
            if store.opcode.assumes_order() {
                let fits = matches!(*args, [x, y, d]
                    if trace.ty(x).is_int() && trace.ty(x) == trace.ty(y)
                        && d.is_const() && trace.ty(d) == Ty::I64);
                ensure(fits, || "two integers of a type, and a constant distance".into())?;
                continue;
            }
            let is_note = store.opcode.effect() == Effect::Store || store.opcode.assumes_memory();
            ensure(is_note, || format!("{name} is no store"))?;
            ensure(args.len() == store.n_args(), || "a delayed store without operands".into())?;
            let mem = trace.mems.get(store.mem as usize);
            let kinds = store.opcode.info().args.iter().zip(args);
            let mut types = kinds.map(|(&kind, &arg)| matches(kind, trace.ty(arg), Ty::Ptr));
            ensure(types.all(|fits| fits), || format!("the types of a delayed {name}"))?;
            let ty = args.last().map(|&value| trace.ty(value));
            ensure(mem.map(|mem| mem.ty) == ty, || format!("the memory of a delayed {name}"))?;
        }
        Ok(())
    }

    fn results(&mut self, op: &Op) -> Check {
        let trace = self.trace;
        let args = trace.args(op);
        let expects_one = match op.opcode.info().res {
            Res::None => Some(false),
            Res::Same | Res::Ty(_) | Res::Stated | Res::Descr => Some(true),
            Res::MaybeDescr | Res::PerArg => None,
        };
        let has_one = op.res().is_some();
        ensure(expects_one.is_none_or(|expected| expected == has_one), || match has_one {
            true => "a result where the table has none".into(),
            false => "no result where the table has one".into(),
        })?;
        for (k, value) in trace.results(op).enumerate() {
            let expected = self.n_defined;
            let is_next = match (op.opcode, k) {
                (Opcode::Label, 1..) => value.0 == expected,
                _ => value.0 >= expected,
            };
            ensure(is_next, || format!("defines value {}, not {expected}", value.0))?;
            self.reserve(expected..value.0)
                .map_err(|()| format!("defines value {}, not {expected}", value.0))?;
            self.n_defined = value.0 + 1;
            let ty = trace.types[value.index()];
            let fits = match op.opcode.info().res {
                Res::Same => ty == trace.ty(args[0]),
                Res::Ty(fixed) => ty == fixed,
                Res::Stated => cast_exists(op.opcode, trace.ty(args[0]), ty),
                Res::PerArg => ty == trace.ty(args[k]),
                Res::None | Res::Descr | Res::MaybeDescr => true,
            };
            ensure(fits, || format!("its result cannot be {ty}"))?;
        }
        Ok(())
    }

    /// Numbers that no operation defines.
    fn reserve(&mut self, numbers: std::ops::Range<u32>) -> Result<(), ()> {
        for number in numbers {
            if self.trace.types[number as usize] != Ty::Ptr {
                return Err(());
            }
            self.reserved.insert(number);
        }
        Ok(())
    }

    fn end(&self) -> Check {
        let trace = self.trace;
        ensure(!trace.ops.is_empty(), || "no operations".into())?;
        let (n, defined) = (trace.types.len(), self.n_defined);
        let rest = trace.types.get(defined as usize..).unwrap_or(&[]);
        let all_reserved = n >= defined as usize && rest.iter().all(|&ty| ty == Ty::Ptr);
        ensure(all_reserved, || format!("types of {n} values, {defined} are defined"))?;
        let (n, owned) = (trace.exits.len(), self.n_exits);
        ensure(n == owned, || format!("{n} exits, operations have {owned}"))
    }
}

fn matches(kind: Arg, ty: Ty, first: Ty) -> bool {
    match kind {
        Arg::Int => ty.is_int(),
        Arg::I64 => ty == Ty::I64,
        Arg::Bool => ty == Ty::Bool,
        Arg::Float => ty.is_float(),
        Arg::Ptr => ty == Ty::Ptr,
        Arg::Any => true,
        Arg::Same => ty == first,
    }
}

fn kind_name(kind: Arg) -> &'static str {
    match kind {
        Arg::Int => "an integer",
        Arg::I64 => "i64",
        Arg::Bool => "bool",
        Arg::Float => "a float",
        Arg::Ptr => "ptr",
        Arg::Any => "anything",
        Arg::Same => "the type of operand 0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{CallDescr, ExitId, Resume, TargetId, TraceBuilder, ValueId, parse};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let trace = parse(text).unwrap_or_else(|error| panic!("{error}"));
        check_trace(&trace, expected);
    }

    #[track_caller]
    fn check_trace(trace: &Trace, expected: &str) {
        let message = match verify(trace) {
            Ok(()) => "fine".to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(message, expected);
    }

    fn simple() -> Trace {
        parse("[i0]\ni1 = int_add(i0, 1)\ni2 = int_neg(i1)\nfinish() [i2]").unwrap()
    }

    #[test]
    fn right_traces_pass() {
        check_trace(&simple(), "fine");
        check(
            r#"
            [i0, p1, f2: f32]
            i3, p4 = label(i0, p1, target=7)
            i5 = int_add_ovf(i3, 1)
            guard_no_overflow() [i3]
            i6 = call(p4, i5, true, 1.5, descr=call(f, res=i64, can_panic))
            i7: i8 = call_result(1)
            f8 = call_result(2)
            guard_no_exception() [i3, i7] exit=10
            i9 = int_signext(i7)
            setarrayitem(p4, i9, i7, descr=mem(i8, scale=1))
            guard_value(f8, 1.5) []
            jump(i9, p4, target=7)"#,
            "fine",
        );
        check("[]\njump(5, target=7)", "fine");
    }

    #[test]
    fn values_are_dense_and_typed() {
        let mut trace = simple();
        trace.ops.swap(0, 1);
        check_trace(&trace, "operation 0, `i2 = int_neg(i1)`: i1 is used before its definition");
        let mut trace = parse("[i0]\ni1 = int_neg(i0)\ni2 = int_neg(i0)\nfinish() []").unwrap();
        trace.ops.swap(0, 1);
        check_trace(&trace, "operation 0, `i2 = int_neg(i0)`: defines value 2, not 1");
        let mut trace = simple();
        trace.types.push(Ty::I8);
        check_trace(&trace, "end: types of 4 values, 3 are defined");
        trace.types.truncate(2);
        check_trace(&trace, "operation 1, int_neg: a result without a type");
        trace.types.truncate(0);
        check_trace(&trace, "inputs: 1 inputs, but types of 0 values");
        let mut trace = simple();
        trace.name = "loop 1".into();
        trace.ops.clear();
        check_trace(&trace, "loop 1: end: no operations");
    }

    #[test]
    fn operands_are_visible() {
        check(
            "[i0, i1]\ni2 = label(i0, target=0)\ni3 = int_add(i2, i1)\njump(i3, target=0)",
            "operation 1, `i3 = int_add(i2, i1)`: i1 is defined before the label above and no argument of it",
        );
        check(
            "[i0, i1]\ni2 = label(i0, target=0)\nguard_value(i2, 1) [i0]\njump(i2, target=0)",
            "operation 1, `guard_value(i2, 1) [i0]`: i0 is defined before the label above and no argument of it",
        );
        let mut b = TraceBuilder::new("");
        let input = b.input(Ty::I64);
        let exit = b.exit(ExitId(0), &[ValueId(1).into()], Resume::default());
        b.push_void(Opcode::GuardValue, &[input.into(), Operand::constant(0)], exit);
        b.constant(Const::new(Ty::I64, 1));
        b.push(Opcode::IntNeg, &[input.into()], 0, Ty::I64);
        b.push_void(Opcode::Jump, &[], 0);
        check_trace(
            &b.finish(),
            "operation 0, `guard_value(i0, 1) [i1]`: i1 is used before its definition",
        );
    }

    #[test]
    fn indices_lead_somewhere() {
        let with = |opcode: Opcode, args: &[Operand], descr: u32| {
            let mut b = TraceBuilder::new("");
            b.input(Ty::Ptr);
            b.push_void(opcode, args, descr);
            b.finish()
        };
        let p0 = Operand::from(ValueId(0));
        let check = |trace: Trace, expected: &str| check_trace(&trace, expected);
        check(
            with(Opcode::Jump, &[ValueId(1).into()], 0),
            "operation 0, jump: value 1 has no type",
        );
        check(with(Opcode::Jump, &[Operand::constant(2)], 0), "operation 0, jump: constant 2 of 0");
        check(
            with(Opcode::DebugMergePoint, &[], 1),
            "operation 0, debug_merge_point: descriptor 1 of 0",
        );
        check(with(Opcode::Call, &[p0], 0), "operation 0, call: descriptor 0 of 0");
        check(with(Opcode::SetField, &[p0, p0], 0), "operation 0, setfield: descriptor 0 of 0");
        check(with(Opcode::Finish, &[], 0), "operation 0, finish: descriptor 0 of 0");
        let mut trace = simple();
        trace.pool.iter_mut().for_each(|operand| *operand = ValueId(0).into());
        *trace.pool.last_mut().unwrap() = ValueId(9).into();
        check(trace, "operation 2, finish: value 9 has no type");
    }

    #[test]
    fn operands_have_the_number_and_types_of_the_table() {
        let end = "\nfinish() []";
        let check = |text: &str, expected: &str| check(&format!("{text}{end}"), expected);
        check(
            "[i0]\ni1 = int_add(i0)",
            "operation 0, `i1 = int_add(i0)`: expected 2 operands, found 1",
        );
        check(
            "[i0]\ni1 = int_neg(i0, i0)",
            "operation 0, `i1 = int_neg(i0, i0)`: expected 1 operands, found 2",
        );
        check(
            "[]\ncall(descr=call(f))",
            "operation 0, `call(, descr=call(f))`: expected 1 operands, found 0",
        );
        check(
            "[i0, i1: i8]\ni2 = int_add(i0, i1)",
            "operation 0, `i2 = int_add(i0, i1)`: operand 1 is i8, operand 0 is i64",
        );
        check(
            "[f0]\nf1 = int_neg(f0)",
            "operation 0, `f1 = int_neg(f0)`: operand 0 is f64, expected an integer",
        );
        check(
            "[i0]\ni1 = float_neg(i0)",
            "operation 0, `i1 = float_neg(i0)`: operand 0 is i64, expected a float",
        );
        check(
            "[i0: bool]\ni1: bool = int_neg(i0)",
            "operation 0, `i1: bool = int_neg(i0)`: operand 0 is bool, expected an integer",
        );
        check(
            "[i0: i8]\np1 = cast_int_to_ptr(i0)",
            "operation 0, `p1 = cast_int_to_ptr(i0)`: operand 0 is i8, expected i64",
        );
        check(
            "[i0]\ni1 = bool_not(i0)",
            "operation 0, `i1 = bool_not(i0)`: operand 0 is i64, expected bool",
        );
        check(
            "[i0]\ni1 = cast_ptr_to_int(i0)",
            "operation 0, `i1 = cast_ptr_to_int(i0)`: operand 0 is i64, expected ptr",
        );
        check(
            "[i0: i8]\ni1: i8 = int_bswap(i0)",
            "operation 0, `i1: i8 = int_bswap(i0)`: one byte cannot be reversed",
        );
        check(
            "[i0, i1]\nguard_value(i0, i1) [] exit=5",
            "operation 0, `guard_value(i0, i1) [] exit=5`: the second operand is no constant",
        );
    }

    #[test]
    fn results_have_the_types_of_the_table() {
        let one = |opcode: Opcode, from: Ty, to: Option<Ty>| {
            let mut b = TraceBuilder::new("");
            let input = b.input(from).into();
            match to {
                Some(to) => _ = b.push(opcode, &[input], 0, to),
                None => b.push_void(opcode, &[input], 0),
            }
            let exit = b.exit(ExitId(0), &[], Resume::default());
            b.push_void(Opcode::Finish, &[], exit);
            verify(&b.finish()).map_err(|error| error.message)
        };
        let wrong = |ty: &str| Err(format!("its result cannot be {ty}"));
        assert_eq!(one(Opcode::IntNeg, Ty::I64, Some(Ty::I8)), wrong("i8"));
        assert_eq!(one(Opcode::IntIsTrue, Ty::I64, Some(Ty::I64)), wrong("i64"));
        let none = Err("no result where the table has one".to_string());
        assert_eq!(one(Opcode::IntNeg, Ty::I64, None), none);
        let some = Err("a result where the table has none".to_string());
        assert_eq!(one(Opcode::GuardTrue, Ty::Bool, Some(Ty::Bool)), some);
        assert_eq!(one(Opcode::IntSignext, Ty::I8, Some(Ty::I8)), wrong("i8"));
        assert_eq!(one(Opcode::IntZeroext, Ty::I16, Some(Ty::I8)), wrong("i8"));
        assert_eq!(one(Opcode::IntZeroext, Ty::I16, Some(Ty::F64)), wrong("f64"));
        assert_eq!(one(Opcode::IntTrunc, Ty::I16, Some(Ty::I32)), wrong("i32"));
        assert_eq!(one(Opcode::IntTrunc, Ty::I16, Some(Ty::Bool)), wrong("bool"));
        assert_eq!(one(Opcode::CastBoolToInt, Ty::Bool, Some(Ty::F32)), wrong("f32"));
        assert_eq!(one(Opcode::CastFloatToInt, Ty::F64, Some(Ty::Ptr)), wrong("ptr"));
        assert_eq!(one(Opcode::CastUintToFloat, Ty::I8, Some(Ty::I64)), wrong("i64"));
        assert_eq!(one(Opcode::CastFloatToSinglefloat, Ty::F32, Some(Ty::F32)), wrong("f32"));
        assert_eq!(one(Opcode::CastSinglefloatToFloat, Ty::F64, Some(Ty::F64)), wrong("f64"));
        assert_eq!(one(Opcode::ConvertFloatBytesToInt, Ty::F64, Some(Ty::I32)), wrong("i32"));
        assert_eq!(one(Opcode::ConvertIntBytesToFloat, Ty::I8, Some(Ty::F32)), wrong("f32"));
        assert_eq!(one(Opcode::IntTrunc, Ty::I16, Some(Ty::I8)), Ok(()));
        assert_eq!(one(Opcode::CastFloatToUint, Ty::F32, Some(Ty::I8)), Ok(()));
        assert_eq!(one(Opcode::ConvertIntBytesToFloat, Ty::I32, Some(Ty::F32)), Ok(()));
    }

    #[test]
    fn memory_and_calls_agree_with_their_descriptors() {
        let end = "\nfinish() []";
        let check = |text: &str, expected: &str| check(&format!("{text}{end}"), expected);
        check(
            "[p0]\nsetfield(p0, 5, descr=mem(i8))",
            "operation 0, `setfield(p0, 5, descr=mem(i8))`: the memory has type i8",
        );
        check(
            "[p0]\nsetfield(p0, 5, descr=mem(i64, scale=8))",
            "operation 0, `setfield(p0, 5, descr=mem(i64, scale=8))`: a scale without an index",
        );
        check(
            "[p0]\ncall(p0, descr=call(f, res=i8))",
            "operation 0, `call(p0, descr=call(f, res=i8))`: the called function yields i8",
        );
        check(
            "[p0]\ni1 = call(p0, descr=call(f))",
            "operation 0, `i1 = call(p0, descr=call(f))`: the called function yields nothing",
        );
        check(
            "[p0]\ncall(p0, descr=call(f))\ni1 = call_result(0)",
            "operation 1, `i1 = call_result(0)`: expected the number of a result word, 1 to 39",
        );
        check(
            "[p0, i1]\ncall(p0, descr=call(f))\ni2 = call_result(i1)",
            "operation 1, `i2 = call_result(i1)`: expected the number of a result word, 1 to 39",
        );
        let mut trace = parse("[p0]\ni1: i8 = getfield(p0, descr=mem(i8))\nfinish() []").unwrap();
        trace.mems[0].ty = Ty::I16;
        check_trace(
            &trace,
            "operation 0, `i1: i8 = getfield(p0, descr=mem(i16))`: the memory has type i16",
        );
    }

    #[test]
    fn constants_fit_their_type() {
        let mut trace = parse("[i0: i8]\ni1: i8 = int_add(i0, 1)\nfinish() []").unwrap();
        trace.consts[0].bits = 0x100;
        check_trace(
            &trace,
            "operation 0, `i1: i8 = int_add(i0, i8!0x100)`: 0x100 has more bits than i8",
        );
        let mut trace = parse("[]\nfinish() [true]").unwrap();
        trace.consts[0].bits = 2;
        check_trace(&trace, "operation 0, `finish() [bool!0x2]`: 0x2 has more bits than bool");
    }

    #[test]
    fn exits_are_owned_and_distinct() {
        check(
            "[i0: bool]\nguard_true(i0) [] exit=3\nguard_false(i0) [] exit=3\nfinish() []",
            "operation 1, `guard_false(i0) [] exit=3`: exit number 3 occurs twice",
        );
        let two = "[i0: bool]\nguard_true(i0) []\nguard_false(i0) []\nfinish() []";
        let mut trace = parse(two).unwrap();
        trace.ops[1].descr = 0;
        check_trace(&trace, "operation 1, `guard_false(i0) []`: has exit 0, expected 1");
        let mut trace = parse(two).unwrap();
        trace.exits.push(trace.exits[0]);
        check_trace(&trace, "end: 4 exits, operations have 3");
    }

    #[test]
    fn delayed_stores_are_typed() {
        let exit = "[] stores(setfield(p0, 5, descr=mem(i8)))";
        check(
            &format!("[p0]\nguard_value(p0, 0x5) {exit}\nfinish() []"),
            &format!(
                "operation 0, `guard_value(p0, 0x5) {exit}`: the memory of a delayed setfield"
            ),
        );
        let exit = "[] stores(setfield(i1, 5, descr=mem(i64)))";
        check(
            &format!("[p0, i1]\nguard_value(p0, 0x5) {exit}\nfinish() []"),
            &format!("operation 0, `guard_value(p0, 0x5) {exit}`: the types of a delayed setfield"),
        );
    }

    #[test]
    fn belonging_operations_are_neighbours() {
        check(
            "[i0]\ni1 = int_add_ovf(i0, 1)\ni2 = int_neg(i1)\nguard_no_overflow() []\nfinish() []",
            "operation 0, `i1 = int_add_ovf(i0, 1)`: no guard tests the overflow flag",
        );
        check(
            "[i0]\ni1 = int_add(i0, 1)\nguard_overflow() []\nfinish() []",
            "operation 1, `guard_overflow() []`: no overflow operation before",
        );
        check(
            "[]\nguard_no_overflow() []\nfinish() []",
            "operation 0, `guard_no_overflow() []`: no overflow operation before",
        );
        check(
            "[p0, i1]\ncall(p0, descr=call(f))\ni2 = int_neg(i1)\ni3 = call_result(1)\nfinish() []",
            "operation 2, `i3 = call_result(1)`: its call is not just before",
        );
        check(
            "[p0, i1]\ncall(p0, descr=call(f))\ni2 = int_neg(i1)\nguard_no_exception() []\nfinish() []",
            "operation 2, `guard_no_exception() []`: no call before",
        );
        check(
            "[p0, i1]\ncall(p0, descr=call(f, can_panic))\ni2 = call_result(1)\ni3 = int_neg(i1)\nguard_no_exception() []\nfinish() []",
            "operation 0, `call(p0, descr=call(f, can_panic))`: can panic, but no `guard_no_exception` follows",
        );
        let calls = "[p0]\ncall(p0, descr=call(f))\ncall(p0, descr=call(g))\ni2 = call_result(1)\nfinish() []";
        let mut trace = parse(calls).unwrap();
        trace.ops[2].descr = 0;
        check_trace(&trace, "operation 2, `i1 = call_result(1)`: its call is not just before");
    }

    #[test]
    fn the_last_operation_is_final() {
        check(
            "[i0]\ni1 = int_neg(i0)",
            "operation 0, `i1 = int_neg(i0)`: the last operation is no `jump` or `finish`",
        );
        check(
            "[]\njump(target=0)\nfinish() []",
            "operation 0, `jump(target=0)`: operations follow",
        );
    }

    #[test]
    fn jumps_fit_their_labels() {
        check(
            "[i0]\ni1 = label(i0, target=3)\njump(target=3)",
            "operation 1, `jump(target=3)`: the label takes [I64], this jump brings []",
        );
        check(
            "[i0]\ni1 = label(i0, target=3)\njump(1.5, target=3)",
            "operation 1, `jump(1.5, target=3)`: the label takes [I64], this jump brings [F64]",
        );
        check(
            "[]\nlabel(target=3)\nlabel(target=3)\njump(target=3)",
            "operation 1, `label(target=3)`: target 3 exists",
        );
    }

    #[test]
    fn a_frame_has_room() {
        let message = |trace: &Trace| verify(trace).map_err(|error| error.message);
        let full = |n: usize, opcode: Opcode| {
            let mut b = TraceBuilder::new("");
            let args: Vec<Operand> = vec![b.constant(Const::new(Ty::Ptr, 1)); n];
            match opcode {
                Opcode::Call => {
                    let (name, site) = ("f".into(), "".into());
                    let descr = b.call(CallDescr {
                        name,
                        site,
                        res: None,
                        can_panic: false,
                        reads_only: false,
                        apart: crate::ir::Classes::NONE,
                    });
                    b.push_void(opcode, &args, descr);
                }
                Opcode::Label => _ = b.push_label(TargetId(0), &args),
                _ => (0..n).for_each(|_| _ = b.input(Ty::I8)),
            }
            let saved = if opcode == Opcode::Finish { &args[..] } else { &[] };
            let exit = b.exit(ExitId(0), saved, Resume::default());
            b.push_void(Opcode::Finish, &[], exit);
            b.finish()
        };
        let error = |text: &str| Err(text.to_string());
        assert_eq!(message(&full(CALL_WORDS + 1, Opcode::Call)), Ok(()));
        let call = error("41 call arguments, at most 40 fit");
        assert_eq!(message(&full(CALL_WORDS + 2, Opcode::Call)), call);
        assert_eq!(message(&full(VALUE_SLOTS, Opcode::Label)), Ok(()));
        let label = error("1001 arguments, at most 1000 fit");
        assert_eq!(message(&full(VALUE_SLOTS + 1, Opcode::Label)), label);
        assert_eq!(message(&full(VALUE_SLOTS, Opcode::Jump)), Ok(()));
        let inputs = error("1001 inputs, at most 1000 fit");
        assert_eq!(message(&full(VALUE_SLOTS + 1, Opcode::Jump)), inputs);
        let saving = |n_values: usize| {
            let mut b = TraceBuilder::new("");
            let inputs: Vec<Operand> = (1..n_values).map(|_| b.input(Ty::I64).into()).collect();
            let sum = b.push(Opcode::IntAdd, &inputs[..2], 0, Ty::I64);
            // Constants and repetitions are not saved.
            let one = b.constant(Const::new(Ty::I64, 1));
            let args = [&inputs[..], &[sum, one, sum]].concat();
            let exit = b.exit(ExitId(0), &args, Resume::default());
            b.push_void(Opcode::Finish, &[], exit);
            b.finish()
        };
        assert_eq!(message(&saving(VALUE_SLOTS)), Ok(()));
        let saved = error("1001 exit arguments, at most 1000 fit");
        assert_eq!(message(&saving(VALUE_SLOTS + 1)), saved);
    }
}
