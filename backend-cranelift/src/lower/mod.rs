//! A trace as a Cranelift function.
//!
//! Every trace becomes one function `fn(frame, entry, exit) -> exit id` in Cranelift's Tail
//! convention. It never calls another trace: it goes there with a tail call and the same frame, so
//! that any number of bridges and loops run in the stack space of one.
//!
//! - `frame` is the [`metainterp::backend::Frame`]; values travel between traces in its slots.
//! - `entry` says where to start: 0 with the inputs, `k` at a label.
//! - `exit` is the exit slot that was taken to come here. Traces ignore it; the stub that an exit
//!   without a bridge leads to reads the exit's number from it.
//!
//! Inside, a label is a block whose parameters are its results, so loop-carried values stay in
//! registers. Lowering is the same for all machines: what Cranelift does not have on each of them
//! is composed here.
//!
//! Lowering cannot fail: [`crate::analysis`] has refused before whatever could not be lowered.

mod call;
mod cast;
mod exit;
mod float;
mod int;
mod mem;
mod overflow;

use crate::analysis::{Analysis, LabelInfo};
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::condcodes::{CondCode, FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, AliasRegion, Block, BlockArg, ExtFuncData, ExternalName, FuncRef, InstBuilder,
    MemFlagsData, SigRef, Signature, Type, UserExternalName, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::FunctionBuilder;
use metainterp::backend::Frame;
use metainterp::ir::{CodeId, Effect, Op, Opcode, Operand, OperandKind, Trace, Ty, ValueId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::mem::{offset_of, size_of};

/// Something outside the function that its code refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    /// Another trace.
    Code(CodeId),
    /// A function of the program, by address.
    Helper(u64),
}

/// A label of another trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignLabel {
    /// The trace.
    pub code: CodeId,
    /// Which of its entries.
    pub entry: u32,
}

/// What lowering must know about the world.
pub(crate) struct Env {
    /// The label that the trace's last operation jumps to, if it is not in the trace.
    pub foreign: Option<ForeignLabel>,
    /// Address of the trace's first exit slot.
    pub exit_slots: u64,
    /// Whether the mid-end will see the function.
    pub mid_end: bool,
}

/// The signature of every trace.
pub(crate) fn trace_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([types::I64; 3].map(AbiParam::new));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Fills in the body; answers what the code refers to.
pub(crate) fn lower(
    trace: &Trace,
    analysis: &Analysis,
    env: &Env,
    isa: &dyn TargetIsa,
    builder: FunctionBuilder<'_>,
) -> Vec<Symbol> {
    let mut lower = Lower::new(trace, analysis, env, isa, builder);
    lower.entries();
    for op in &trace.ops {
        lower.op(op);
    }
    lower.fill_shape_blocks();
    lower.b.seal_all_blocks();
    lower.b.finalize(isa.frontend_config());
    lower.symbols
}

/// A condition that has not become a value yet.
#[derive(Debug, Clone, Copy)]
enum Cond {
    Int(IntCC, Value, Value),
    Float(FloatCC, Value, Value),
    /// A `bool`.
    Flag(Value),
}

/// What a trace's value is in the function.
#[derive(Debug, Clone, Copy)]
enum Def {
    /// Not defined yet.
    None,
    Value(Value),
    /// A comparison that its guard will make.
    Cond(Cond),
}

struct Lower<'a, 'f> {
    trace: &'a Trace,
    analysis: &'a Analysis,
    env: &'a Env,
    b: FunctionBuilder<'f>,
    helper_convention: CallConv,
    frame: Value,
    defs: Vec<Def>,
    /// Constants that the current stretch between labels has materialized.
    consts: Vec<PackedOption<Value>>,
    labels: Vec<Block>,
    /// The first value that the nearest label above lets through.
    first_usable: u32,
    /// The block that the next exit of a shape goes to, and how many do already.
    shapes: FxHashMap<exit::Shape, (Block, u32)>,
    /// All of them.
    shape_blocks: Vec<(Block, exit::Shape)>,
    /// The condition under which the overflow operation just lowered has overflowed.
    overflow: Option<Cond>,
    /// The `u8` that the call just lowered answered; none if it cannot panic.
    panicked: Option<Value>,
    symbols: Vec<Symbol>,
    helpers: FxHashMap<u64, FuncRef>,
    helper_signature: Option<SigRef>,
    tail_signature: Option<SigRef>,
    regions: mem::Regions,
}

impl<'a, 'f> Lower<'a, 'f> {
    fn new(
        trace: &'a Trace,
        analysis: &'a Analysis,
        env: &'a Env,
        isa: &dyn TargetIsa,
        mut b: FunctionBuilder<'f>,
    ) -> Self {
        let regions = mem::Regions::new(trace, &mut b);
        Lower {
            trace,
            analysis,
            env,
            b,
            helper_convention: isa.default_call_conv(),
            frame: Value::from_u32(0),
            defs: vec![Def::None; trace.types.len()],
            consts: vec![None.into(); trace.consts.len()],
            labels: Vec::new(),
            first_usable: 0,
            shapes: FxHashMap::default(),
            shape_blocks: Vec::new(),
            overflow: None,
            panicked: None,
            symbols: Vec::new(),
            helpers: FxHashMap::default(),
            helper_signature: None,
            tail_signature: None,
            regions,
        }
    }

    /// The first block: loads what the chosen entry needs from the frame.
    fn entries(&mut self) {
        let first = self.b.create_block();
        self.b.append_block_params_for_function_params(first);
        self.b.switch_to_block(first);
        self.frame = self.b.block_params(first)[0];
        self.labels = self.analysis.labels.iter().map(|_| self.b.create_block()).collect();
        self.label_params();
        self.label_entries(self.b.block_params(first)[1]);
        for value in self.trace.inputs() {
            if self.analysis.is_used(value) {
                let loaded = self.load_slot(value.0, self.trace.types[value.index()]);
                self.define(value, loaded);
            }
        }
    }

    fn label_params(&mut self) {
        for (label, &block) in self.analysis.labels.iter().zip(&self.labels) {
            for value in label.values().filter(|&value| self.analysis.is_used(value)) {
                let ty = clif(self.trace.types[value.index()]);
                let param = self.b.append_block_param(block, ty);
                self.defs[value.index()] = Def::Value(param);
            }
        }
    }

    /// Tests for the entries other than 0; ends in a block where it is 0.
    fn label_entries(&mut self, entry: Value) {
        for index in 0..self.labels.len() {
            let label = &self.analysis.labels[index];
            if label.entry == 0 {
                continue;
            }
            let (here, next) = (self.b.create_block(), self.b.create_block());
            let taken = self.b.ins().icmp_imm_u(IntCC::Equal, entry, i64::from(label.entry));
            self.b.ins().brif(taken, here, &[], next, &[]);
            self.b.set_cold_block(here);
            self.b.switch_to_block(here);
            let used = (0..).zip(label.values()).filter(|&(_, value)| self.analysis.is_used(value));
            let args: SmallVec<[BlockArg; 16]> = used
                .map(|(slot, value)| self.load_slot(slot, self.trace.types[value.index()]).into())
                .collect();
            self.b.ins().jump(self.labels[index], &args);
            self.b.switch_to_block(next);
        }
    }

    fn op(&mut self, op: &Op) {
        match op.opcode.effect() {
            Effect::Pure | Effect::PureChecked => self.pure(op),
            Effect::Overflow => self.overflow_op(op),
            Effect::Load => self.load(op),
            Effect::Store => self.store(op),
            Effect::Call => self.call_op(op),
            Effect::Guard => self.guard(op),
            Effect::Control => self.control(op),
            Effect::Debug => {}
        }
    }

    fn pure(&mut self, op: &Op) {
        let args: SmallVec<[Operand; 2]> = self.trace.args(op).into();
        let res = op.res().expect("a pure operation has a result");
        if !self.analysis.is_used(res) {
            return;
        }
        if let Some(cond) = self.comparison(op.opcode, &args) {
            return self.define_cond(res, cond);
        }
        let ty = self.trace.types[res.index()];
        let value = match *args {
            [x] => self.unary(op.opcode, x, ty),
            [x, y] => self.binary(op.opcode, x, y),
            _ => unreachable!("{} with {} operands", op.opcode.name(), args.len()),
        };
        self.define(res, value);
    }

    fn comparison(&mut self, opcode: Opcode, args: &[Operand]) -> Option<Cond> {
        if let Some(cc) = int::condition(opcode) {
            let (x, y) = (self.use_(args[0]), self.use_(args[1]));
            return Some(Cond::Int(cc, x, y));
        }
        if let Some(cc) = float::condition(opcode) {
            let (x, y) = (self.use_(args[0]), self.use_(args[1]));
            return Some(Cond::Float(cc, x, y));
        }
        let cc = match opcode {
            Opcode::IntIsTrue => IntCC::NotEqual,
            Opcode::IntIsZero => IntCC::Equal,
            _ => return None,
        };
        let x = self.use_(args[0]);
        let zero = self.b.ins().iconst(clif(self.trace.ty(args[0])), 0);
        Some(Cond::Int(cc, x, zero))
    }

    fn unary(&mut self, opcode: Opcode, operand: Operand, to: Ty) -> Value {
        let from = self.trace.ty(operand);
        let x = self.use_(operand);
        self.int_unary(opcode, x, from)
            .or_else(|| self.float_unary(opcode, x))
            .or_else(|| self.cast(opcode, x, from, to))
            .unwrap_or_else(|| unreachable!("{} has no lowering", opcode.name()))
    }

    fn binary(&mut self, opcode: Opcode, x: Operand, y: Operand) -> Value {
        let (x, y) = (self.use_(x), self.use_(y));
        self.int_binary(opcode, x, y)
            .or_else(|| self.float_binary(opcode, x, y))
            .unwrap_or_else(|| unreachable!("{} has no lowering", opcode.name()))
    }

    fn control(&mut self, op: &Op) {
        match op.opcode {
            Opcode::Label => self.label(op),
            Opcode::Jump => self.jump(op),
            Opcode::Finish => self.leave(op),
            other => unreachable!("{} is not a control operation", other.name()),
        }
    }

    fn label(&mut self, op: &Op) {
        let index = self.analysis.label_index(op.target()).expect("the label is in this trace");
        let label = &self.analysis.labels[index];
        let args = self.label_args(label, op);
        self.fill_homes(label, op);
        self.b.ins().jump(self.labels[index], &args);
        self.b.switch_to_block(self.labels[index]);
        // Nothing from before the label reaches here by its entry.
        self.consts.fill(None.into());
        self.first_usable = label.first_value;
    }

    /// Stores what the label's loop never changes, so that its exits need not.
    fn fill_homes(&mut self, label: &LabelInfo, op: &Op) {
        for (slot, &arg) in self.trace.args(op).iter().enumerate() {
            if self.analysis.fills_home(label, slot) && !self.analysis.is_home(arg, slot) {
                let word = self.word(arg);
                self.store_slot(slot, word);
            }
        }
    }

    fn jump(&mut self, op: &Op) {
        let Some(index) = self.analysis.label_index(op.target()) else {
            return self.foreign_jump(op);
        };
        let args = self.label_args(&self.analysis.labels[index], op);
        self.b.ins().jump(self.labels[index], &args);
    }

    /// What the label's block takes: the arguments that are used behind it.
    fn label_args(&mut self, label: &LabelInfo, op: &Op) -> SmallVec<[BlockArg; 16]> {
        let args = self.trace.args(op).iter().zip(label.values());
        args.filter(|(_, value)| self.analysis.is_used(*value))
            .map(|(&arg, _)| self.use_(arg).into())
            .collect()
    }

    /// Goes to another trace: arguments into the slots, then a tail call.
    fn foreign_jump(&mut self, op: &Op) {
        let label = self.env.foreign.expect("an unknown jump target is refused before");
        for (slot, &arg) in self.trace.args(op).iter().enumerate() {
            if !self.analysis.is_home(arg, slot) {
                let word = self.word(arg);
                self.store_slot(slot, word);
            }
        }
        let entry = self.b.ins().iconst(types::I64, i64::from(label.entry));
        let no_exit = self.b.ins().iconst(types::I64, 0);
        let signature = self.tail_signature();
        let code = self.import(Symbol::Code(label.code), signature);
        self.b.ins().return_call(code, &[self.frame, entry, no_exit]);
    }

    fn define(&mut self, value: ValueId, def: Value) {
        self.defs[value.index()] = Def::Value(def);
    }

    fn define_cond(&mut self, value: ValueId, cond: Cond) {
        if self.analysis.is_fused(value) {
            self.defs[value.index()] = Def::Cond(cond);
        } else {
            let flag = self.flag(cond);
            self.define(value, flag);
        }
    }

    /// The operand as a value of the function.
    fn use_(&mut self, operand: Operand) -> Value {
        match operand.kind() {
            OperandKind::Const(index) => self.constant(index),
            OperandKind::Value(value) => match self.defs[value.index()] {
                Def::Value(def) if value.0 >= self.first_usable => def,
                // A trace that uses what it does not define does not pass the verifier, and a
                // fused comparison is used by nothing but its guard.
                other => unreachable!("{value:?} is used, and it is {other:?}"),
            },
        }
    }

    fn constant(&mut self, index: u32) -> Value {
        if let Some(value) = self.consts[index as usize].expand() {
            return value;
        }
        let constant = self.trace.consts[index as usize];
        let value = match constant.ty {
            Ty::F32 => self.b.ins().f32const(f32::from_bits(constant.bits as u32)),
            Ty::F64 => self.b.ins().f64const(f64::from_bits(constant.bits)),
            ty => self.b.ins().iconst(clif(ty), constant.bits as i64),
        };
        self.consts[index as usize] = value.into();
        value
    }

    /// The operand zero-extended to 64 bits.
    fn word(&mut self, operand: Operand) -> Value {
        if let Some(constant) = self.trace.as_const(operand) {
            return self.b.ins().iconst(types::I64, constant.bits as i64);
        }
        let value = self.use_(operand);
        self.extended(value)
    }

    /// A value zero-extended to what fills a slot.
    fn extended(&mut self, value: Value) -> Value {
        match self.b.func.dfg.value_type(value) {
            types::I64 | types::F64 => value,
            types::F32 => {
                let bits = self.b.ins().bitcast(types::I32, MemFlagsData::new(), value);
                self.b.ins().uextend(types::I64, bits)
            }
            _ => self.b.ins().uextend(types::I64, value),
        }
    }

    /// The condition as a `bool`.
    fn flag(&mut self, cond: Cond) -> Value {
        match cond {
            Cond::Int(cc, x, y) => self.b.ins().icmp(cc, x, y),
            Cond::Float(cc, x, y) => self.b.ins().fcmp(cc, x, y),
            Cond::Flag(flag) => flag,
        }
    }

    /// The opposite condition.
    fn inverse(&mut self, cond: Cond) -> Cond {
        match cond {
            Cond::Int(cc, x, y) => Cond::Int(cc.complement(), x, y),
            Cond::Float(cc, x, y) => Cond::Float(cc.complement(), x, y),
            Cond::Flag(flag) => {
                let zero = self.b.ins().iconst(types::I8, 0);
                Cond::Int(IntCC::Equal, flag, zero)
            }
        }
    }

    fn load_slot(&mut self, slot: u32, ty: Ty) -> Value {
        let flags = self.frame_flags();
        self.b.ins().load(clif(ty), flags, self.frame, slot_offset(slot as usize))
    }

    fn store_slot(&mut self, slot: usize, word: Value) {
        let flags = self.frame_flags();
        self.b.ins().store(flags, word, self.frame, slot_offset(slot));
    }

    fn frame_flags(&self) -> MemFlagsData {
        memory_flags(Some(self.regions.frame))
    }

    fn tail_signature(&mut self) -> SigRef {
        *self.tail_signature.get_or_insert_with(|| self.b.import_signature(trace_signature()))
    }

    /// Makes a symbol callable.
    fn import(&mut self, symbol: Symbol, signature: SigRef) -> FuncRef {
        let index = self.symbols.len() as u32;
        self.symbols.push(symbol);
        let name = UserExternalName { namespace: 0, index };
        let name = self.b.func.declare_imported_user_function(name);
        self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            // All code lies in one arena, and so do the thunks of helpers.
            colocated: true,
            patchable: false,
        })
    }
}

/// Accesses of traces do not fault: the recording has made them, and guards watch that they are the
/// same. They may be unaligned, for packed structs.
fn memory_flags(region: Option<AliasRegion>) -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_alias_region(region)
}

fn slot_offset(slot: usize) -> i32 {
    (offset_of!(Frame, slots) + slot * size_of::<u64>()) as i32
}

/// Cranelift's type for a type.
pub(crate) fn clif(ty: Ty) -> Type {
    match ty {
        Ty::Bool | Ty::I8 => types::I8,
        Ty::I16 => types::I16,
        Ty::I32 => types::I32,
        Ty::I64 | Ty::Ptr => types::I64,
        Ty::F32 => types::F32,
        Ty::F64 => types::F64,
    }
}
