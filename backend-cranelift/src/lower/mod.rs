//! A trace or a region as a Cranelift function.
//!
//! Every [`Group`] becomes one function `fn(frame, entry, exit) -> exit id` in Cranelift's Tail
//! convention. It never calls another: it goes there with a tail call and the same frame, so
//! that any number of bridges and loops run in the stack space of one.
//!
//! - `frame` is the [`metainterp::backend::Frame`]; values travel between functions in its slots.
//! - `entry` says where to start: with the inputs of a trace or at a label.
//! - `exit` is the exit slot that was taken to come here. Traces ignore it; the stub that an exit
//!   without a bridge leads to reads the exit's number from it.
//!
//! A function starts by counting its entry down. At zero it returns at once, with all values still
//! in the frame's slots, so that whoever asked for it can act and go on there.
//!
//! Inside, a join is a block whose parameters are its values, so loop-carried values stay in
//! registers, and so do those that a guard of a region passes to its bridge. Lowering is the same
//! for all machines: what Cranelift does not have on each of them is composed here.
//!
//! Lowering cannot fail: [`crate::analysis`] has refused before whatever could not be lowered.

mod ahead;
mod call;
mod cast;
mod division;
mod exit;
mod float;
mod int;
mod mem;
mod overflow;

use crate::analysis::{Analysis, Join};
use crate::counters::{COUNTER_DOOR, COUNTER_LEFT, COUNTER_SIZE};
use crate::exits::{CELL_CODE, CELL_ENTRY};
use crate::group::{Group, Member};
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::condcodes::{CondCode, FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, AliasRegion, Block, BlockArg, ExtFuncData, ExternalName, FuncRef, InstBuilder,
    JumpTableData, MemFlagsData, SigRef, Signature, Type, UserExternalName, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::FunctionBuilder;
use metainterp::backend::Frame;
use metainterp::ir::{Effect, Op, Opcode, Operand, OperandKind, Trace, Ty, ValueId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::mem::{offset_of, size_of};

/// A function of the program that the code calls, by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Helper(pub u64);

/// What lowering must know about the world.
pub(crate) struct Env {
    /// Address of the counter of the function's first entry.
    pub counters: u64,
    /// Whether the mid-end will see the function.
    pub mid_end: bool,
}

/// With more entries than this, a table is shorter than a chain of comparisons.
const MOST_COMPARED_ENTRIES: usize = 4;

/// The signature of every trace.
pub(crate) fn trace_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([types::I64; 3].map(AbiParam::new));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Fills in the body; answers what the code refers to.
pub(crate) fn lower<'a>(
    group: &'a Group<'a>,
    analysis: &'a Analysis<'a>,
    env: &'a Env,
    isa: &dyn TargetIsa,
    builder: FunctionBuilder<'_>,
) -> Vec<Helper> {
    let mut lower = Lower::new(group, analysis, env, isa, builder);
    lower.entries();
    for index in 0..group.members.len() {
        lower.member(index);
    }
    lower.fill_ways_out();
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
    /// What exits will compute: the operation, by its number in the trace.
    Late(usize),
}

struct Lower<'a, 'f> {
    group: &'a Group<'a>,
    analysis: &'a Analysis<'a>,
    env: &'a Env,
    b: FunctionBuilder<'f>,
    helper_convention: CallConv,
    frame: Value,
    /// The member that is being lowered.
    index: usize,
    member: &'a Member<'a>,
    trace: &'a Trace,
    /// The operation, by its number in the trace.
    at: usize,
    /// By the group's numbers of values.
    defs: Vec<Def>,
    /// Constants of the member that the current stretch between labels has materialized.
    consts: Vec<PackedOption<Value>>,
    /// What is emitted now is not on the trace's own way, but on one out of it.
    is_aside: bool,
    /// Where each join's code starts.
    joins: Vec<Block>,
    /// The member's first value that the nearest label above lets through.
    first_usable: u32,
    /// Blocks that lead out; the last is for the next exit.
    ways_out: Vec<Block>,
    /// How many exits and links lead to that already.
    n_last_way_out: u32,
    /// Blocks that store what many exits save, since the last label.
    links: Vec<exit::Link>,
    /// The one that the last exit leads to.
    last_link: Option<usize>,
    ahead: ahead::Ahead,
    /// The condition under which the overflow operation just lowered has overflowed.
    overflow: Option<Cond>,
    /// The `u8` that the call just lowered answered; none if it cannot panic.
    panicked: Option<Value>,
    symbols: Vec<Helper>,
    helpers: FxHashMap<u64, FuncRef>,
    helper_signature: Option<SigRef>,
    tail_signature: Option<SigRef>,
    regions: mem::Regions,
    /// Addresses that the current stretch between labels and calls has computed.
    item_addresses: mem::ItemAddresses,
}

impl<'a, 'f> Lower<'a, 'f> {
    fn new(
        group: &'a Group<'a>,
        analysis: &'a Analysis<'a>,
        env: &'a Env,
        isa: &dyn TargetIsa,
        mut b: FunctionBuilder<'f>,
    ) -> Self {
        let regions = mem::Regions::new(group, &mut b);
        let member = &group.members[0];
        Lower {
            group,
            analysis,
            env,
            b,
            helper_convention: isa.default_call_conv(),
            frame: Value::from_u32(0),
            index: 0,
            member,
            trace: member.trace,
            at: 0,
            defs: vec![Def::None; group.n_values()],
            consts: Vec::new(),
            is_aside: false,
            joins: Vec::new(),
            first_usable: 0,
            ways_out: Vec::new(),
            n_last_way_out: 0,
            links: Vec::new(),
            last_link: None,
            ahead: ahead::Ahead::default(),
            overflow: None,
            panicked: None,
            symbols: Vec::new(),
            helpers: FxHashMap::default(),
            helper_signature: None,
            tail_signature: None,
            regions,
            item_addresses: mem::ItemAddresses::default(),
        }
    }

    fn member(&mut self, index: usize) {
        self.index = index;
        self.member = &self.group.members[index];
        self.trace = self.member.trace;
        self.consts.clear();
        self.consts.resize(self.trace.consts.len(), None.into());
        self.first_usable = 0;
        self.forget_links();
        self.forget_item_addresses();
        let inputs = self.analysis.inputs_index(index);
        self.b.switch_to_block(self.joins[inputs]);
        if self.analysis.joins[inputs].is_only_entered() {
            for (value, def) in self.load_join(&self.analysis.joins[inputs]) {
                self.defs[value] = Def::Value(def);
            }
        }
        self.look_ahead();
        for (at, op) in self.trace.ops.iter().enumerate() {
            self.at = at;
            self.op(op);
        }
    }

    /// From the first block to those of the joins.
    fn entries(&mut self) {
        let first = self.b.create_block();
        self.b.append_block_params_for_function_params(first);
        self.b.switch_to_block(first);
        self.frame = self.b.block_params(first)[0];
        let entry = self.b.block_params(first)[1];
        self.count(entry);
        self.joins = self.analysis.joins.iter().map(|_| self.b.create_block()).collect();
        self.join_values();
        let blocks: Vec<Block> =
            (0..self.joins.len()).filter_map(|join| self.entry_block(join)).collect();
        self.dispatch(entry, &blocks);
        self.fill_entry_blocks(blocks);
    }

    /// Counts the entry down, and returns if nothing is left.
    fn count(&mut self, entry: Value) {
        let mut counter = self.b.ins().iconst(types::I64, self.env.counters as i64);
        if self.analysis.n_entries > 1 {
            let offset = self.b.ins().imul_imm_u(entry, COUNTER_SIZE);
            counter = self.b.ins().iadd(counter, offset);
        }
        let flags = MemFlagsData::trusted();
        let left = self.b.ins().load(types::I64, flags, counter, COUNTER_LEFT);
        let left = self.b.ins().iadd_imm_s(left, -1);
        self.b.ins().store(flags, left, counter, COUNTER_LEFT);
        let (pause, go_on) = (self.b.create_block(), self.b.create_block());
        let zero = self.b.ins().iconst(types::I64, 0);
        let is_over = self.b.ins().icmp(IntCC::Equal, left, zero);
        self.b.ins().brif(is_over, pause, &[], go_on, &[]);
        self.b.set_cold_block(pause);
        self.b.switch_to_block(pause);
        let door = self.b.ins().load(types::I32, flags, counter, COUNTER_DOOR);
        self.b.ins().return_(&[door]);
        self.b.switch_to_block(go_on);
    }

    /// Gives the values of joins their definitions: block parameters, but for those that are read
    /// from their homes once and for all.
    fn join_values(&mut self) {
        let mut homes: FxHashMap<(u32, Type), Value> = FxHashMap::default();
        for (join, &block) in self.analysis.joins.iter().zip(&self.joins) {
            let trace = self.group.members[join.member].trace;
            for value in join.values() {
                let ty = clif(trace.types[value.index()]);
                let value = self.group.value(join.member, value);
                if !self.analysis.is_used(value) {
                    continue;
                }
                let def = match self.analysis.home(value) {
                    Some(slot) if self.analysis.stays_home(value) => {
                        let flags = memory_flags(Some(self.regions.frame));
                        let (b, frame) = (&mut self.b, self.frame);
                        *homes.entry((slot, ty)).or_insert_with(|| {
                            b.ins().load(ty, flags, frame, slot_offset(slot as usize))
                        })
                    }
                    // The block itself loads.
                    _ if join.is_only_entered() => continue,
                    _ => self.b.append_block_param(block, ty),
                };
                self.defs[value] = Def::Value(def);
            }
        }
    }

    /// Where the join's entry starts, if it has one to itself.
    fn entry_block(&mut self, join: usize) -> Option<Block> {
        let info = &self.analysis.joins[join];
        let block = match (info.is_entered, info.is_only_entered()) {
            (false, _) => return None,
            (true, true) => self.joins[join],
            (true, false) => self.b.create_block(),
        };
        if self.group.is_region() {
            self.b.set_cold_block(block);
        }
        Some(block)
    }

    /// Goes to the block of the entry.
    fn dispatch(&mut self, entry: Value, blocks: &[Block]) {
        let (&last, others) = blocks.split_last().expect("a trace can be entered");
        if blocks.len() > MOST_COMPARED_ENTRIES {
            let mut calls = |&block: &Block| self.b.func.dfg.block_call(block, &[]);
            let table: Vec<_> = blocks.iter().map(&mut calls).collect();
            let data = JumpTableData::new(calls(&last), &table);
            let table = self.b.create_jump_table(data);
            let entry = self.b.ins().ireduce(types::I32, entry);
            self.b.ins().br_table(entry, table);
            return;
        }
        for (index, &block) in others.iter().enumerate() {
            let next = self.b.create_block();
            let taken = self.b.ins().icmp_imm_u(IntCC::Equal, entry, index as i64);
            self.b.ins().brif(taken, block, &[], next, &[]);
            self.b.switch_to_block(next);
        }
        self.b.ins().jump(last, &[]);
    }

    /// The entries load what their joins take.
    fn fill_entry_blocks(&mut self, blocks: Vec<Block>) {
        let mut blocks = blocks.into_iter();
        for index in 0..self.joins.len() {
            let join = &self.analysis.joins[index];
            if !join.is_entered {
                continue;
            }
            let block = blocks.next().expect("one for each");
            if !join.is_only_entered() {
                self.b.switch_to_block(block);
                let loaded = self.load_join(join).into_iter();
                let args: SmallVec<[BlockArg; 16]> =
                    loaded.map(|(_, value)| value.into()).collect();
                self.b.ins().jump(self.joins[index], &args);
            }
        }
    }

    /// The values that the block of a join takes, loaded from the slots.
    fn load_join(&mut self, join: &Join) -> SmallVec<[(usize, Value); 16]> {
        let trace = self.group.members[join.member].trace;
        let mut loaded = SmallVec::new();
        for (slot, value) in (0..).zip(join.values()) {
            let ty = trace.types[value.index()];
            let value = self.group.value(join.member, value);
            if self.is_passed(value) {
                loaded.push((value, self.load_slot(slot, ty)));
            }
        }
        loaded
    }

    /// Whether the block of its join takes the value.
    fn is_passed(&self, value: usize) -> bool {
        self.analysis.is_used(value) && !self.analysis.stays_home(value)
    }

    /// The number in the group of one of the member's values.
    fn number(&self, value: ValueId) -> usize {
        self.group.value(self.index, value)
    }

    /// Whether something needs the member's value in a register.
    fn is_used(&self, value: ValueId) -> bool {
        self.analysis.is_used(self.number(value))
    }

    /// Whether the member's operand is in that slot already.
    fn is_home(&self, operand: Operand, slot: usize) -> bool {
        self.analysis.is_home(self.group, self.index, operand, slot)
    }

    fn op(&mut self, op: &Op) {
        match op.opcode.effect() {
            Effect::Pure | Effect::PureChecked => self.pure(op),
            Effect::Overflow => self.overflow_op(op),
            Effect::Load => self.load(op),
            Effect::Store => self.store(op),
            Effect::Alloc => self.alloc_op(op),
            Effect::Call => {
                self.call_op(op);
                self.forget_item_addresses();
            }
            Effect::Guard => self.guard(op),
            Effect::Control => self.control(op),
            Effect::Forget | Effect::Debug => {}
        }
    }

    fn pure(&mut self, op: &Op) {
        let res = op.res().expect("a pure operation has a result");
        let number = self.number(res);
        if !self.analysis.is_used(number) {
            return;
        }
        if self.analysis.is_late(self.group, number) {
            self.defs[number] = Def::Late(self.at);
            return;
        }
        if self.analysis.is_fused(number)
            && let Some(cond) = self.comparison(op)
        {
            self.defs[number] = Def::Cond(cond);
            return;
        }
        let value = self.result(op);
        self.define(res, value);
    }

    /// What a pure operation computes.
    fn result(&mut self, op: &Op) -> Value {
        if let Some(cond) = self.comparison(op) {
            return self.flag(cond);
        }
        let res = op.res().expect("a pure operation has a result");
        let ty = self.trace.types[res.index()];
        match *self.trace.args(op) {
            [x] => self.unary(op.opcode, x, ty),
            [x, y] => self.binary(op.opcode, x, y),
            ref args => unreachable!("{} with {} operands", op.opcode.name(), args.len()),
        }
    }

    fn comparison(&mut self, op: &Op) -> Option<Cond> {
        let (opcode, args) = (op.opcode, self.trace.args(op));
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
        let x = self.use_(x);
        if let Some(divisor) = self.trace.as_const(y)
            && let Some(res) = self.divide_by_constant(opcode, x, divisor)
        {
            return res;
        }
        let y = self.use_(y);
        self.int_binary(opcode, x, y)
            .or_else(|| self.float_binary(opcode, x, y))
            .unwrap_or_else(|| unreachable!("{} has no lowering", opcode.name()))
    }

    fn control(&mut self, op: &Op) {
        match op.opcode {
            Opcode::Label => self.label(op),
            Opcode::Jump => self.jump(op),
            Opcode::Finish => self.finish(op),
            other => unreachable!("{} is not a control operation", other.name()),
        }
    }

    fn label(&mut self, op: &Op) {
        let index = self.analysis.label_index(op.target()).expect("the label is in this trace");
        let join = &self.analysis.joins[index];
        let args = self.join_args(join, self.trace.args(op));
        self.fill_homes(join, op);
        self.b.ins().jump(self.joins[index], &args);
        self.b.switch_to_block(self.joins[index]);
        // Nothing from before the label reaches here by its entry.
        self.consts.fill(None.into());
        self.forget_links();
        self.forget_ahead();
        self.forget_item_addresses();
        self.first_usable = join.values().next().map_or(self.first_usable, |value| value.0);
    }

    /// Stores what the label's loop never changes, so that its exits need not.
    fn fill_homes(&mut self, join: &Join, op: &Op) {
        for ((slot, &arg), value) in self.trace.args(op).iter().enumerate().zip(join.values()) {
            if self.analysis.fills_home(self.group, join, value) && !self.is_in_slot(arg, slot) {
                let value = self.slot_value(arg);
                self.store_slot(slot, value);
            }
        }
    }

    fn jump(&mut self, op: &Op) {
        let args = self.trace.args(op);
        match self.analysis.label_index(op.target()) {
            Some(index) => {
                let args = self.join_args(&self.analysis.joins[index], args);
                self.b.ins().jump(self.joins[index], &args);
            }
            None => self.foreign_jump(args),
        }
    }

    /// What the join's block takes of the operands that the member passes on.
    fn join_args(&mut self, join: &Join, args: &[Operand]) -> SmallVec<[BlockArg; 16]> {
        let mut passed = SmallVec::new();
        for (&arg, value) in args.iter().zip(join.values()) {
            if self.is_passed(self.group.value(join.member, value)) {
                passed.push(self.use_(arg).into());
            }
        }
        passed
    }

    /// Goes to another function: arguments into the slots, then a tail call to what the label's
    /// cell says.
    fn foreign_jump(&mut self, args: &[Operand]) {
        let cell = self.member.foreign.expect("an unknown jump target is refused before");
        for (slot, &arg) in args.iter().enumerate() {
            if !self.is_in_slot(arg, slot) {
                let value = self.slot_value(arg);
                self.store_slot(slot, value);
            }
        }
        let cell = self.b.ins().iconst(types::I64, cell as i64);
        // The label may come to lie elsewhere at any time: these are loads like any other.
        let flags = MemFlagsData::trusted();
        let code = self.b.ins().load(types::I64, flags, cell, CELL_CODE);
        let entry = self.b.ins().load(types::I64, flags, cell, CELL_ENTRY);
        let no_exit = self.b.ins().iconst(types::I64, 0);
        let signature = self.tail_signature();
        self.b.ins().return_call_indirect(signature, code, &[self.frame, entry, no_exit]);
    }

    fn define(&mut self, value: ValueId, def: Value) {
        let value = self.number(value);
        self.defs[value] = Def::Value(def);
    }

    /// The operand as a value of the function.
    fn use_(&mut self, operand: Operand) -> Value {
        match operand.kind() {
            OperandKind::Const(index) => self.constant(index),
            OperandKind::Value(value) => match self.defs[self.number(value)] {
                Def::Value(def) if value.0 >= self.first_usable => def,
                Def::Late(op) if value.0 >= self.first_usable => self.result(&self.trace.ops[op]),
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
        if !self.is_aside {
            self.consts[index as usize] = value.into();
        }
        value
    }

    /// The operand as it is stored in a slot. Constants take the type of a word: then there is one of them, whatever
    /// their types. Values take their own, which whoever reads the slot knows.
    fn slot_value(&mut self, operand: Operand) -> Value {
        match self.trace.as_const(operand) {
            Some(_) => self.word(operand),
            None => self.use_(operand),
        }
    }

    /// The operand zero-extended to 64 bits.
    fn word(&mut self, operand: Operand) -> Value {
        if let Some(constant) = self.trace.as_const(operand) {
            return self.b.ins().iconst(types::I64, constant.bits as i64);
        }
        let value = self.use_(operand);
        self.extended(value)
    }

    /// A value zero-extended to 64 bits.
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

    fn store_slot(&mut self, slot: usize, value: Value) {
        let flags = self.frame_flags();
        self.b.ins().store(flags, value, self.frame, slot_offset(slot));
    }

    fn frame_flags(&self) -> MemFlagsData {
        memory_flags(Some(self.regions.frame))
    }

    fn tail_signature(&mut self) -> SigRef {
        *self.tail_signature.get_or_insert_with(|| self.b.import_signature(trace_signature()))
    }

    /// Makes a function of the program callable.
    fn import(&mut self, symbol: Helper, signature: SigRef) -> FuncRef {
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
