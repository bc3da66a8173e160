//! Loads and stores of the program's memory.
//!
//! Alias classes become Cranelift's alias regions, which matter to the mid-end only. Cranelift
//! takes any two regions to be disjoint, "no region" included, so a single access of class 0, which
//! may overlap anything, puts all accesses of the function into one region.

use super::{Lower, clif, memory_flags};
use crate::group::Group;
use cranelift_codegen::ir::{AliasRegion, AliasRegionData, InstBuilder, MemFlagsData, Value};
use cranelift_frontend::FunctionBuilder;
use metainterp::ir::{MemDescr, Op, Operand};
use rustc_hash::FxHashMap;

/// An index is multiplied by up to this in the addressing modes of machines.
const MAX_MACHINE_SCALE: u32 = 8;

/// Where items of this base, index and size begin.
pub(super) type ItemAddresses = FxHashMap<(Value, Value, u32), Value>;

/// The alias regions of a function.
pub(super) struct Regions {
    /// The frame's: nothing else points there.
    pub frame: AliasRegion,
    classes: FxHashMap<u32, AliasRegion>,
    /// There is an access that may overlap anything.
    merged: bool,
}

impl Regions {
    pub fn new(group: &Group<'_>, b: &mut FunctionBuilder<'_>) -> Regions {
        let frame = region(b, 0, "frame");
        let mems = || group.members.iter().flat_map(|member| &member.trace.mems);
        let mut regions = Regions {
            frame,
            classes: FxHashMap::default(),
            merged: mems().any(|mem| mem.class == 0),
        };
        for mem in mems() {
            let class = regions.class(mem);
            let next = regions.classes.len() as u32 + 1;
            regions.classes.entry(class).or_insert_with(|| region(b, next, "class"));
        }
        regions
    }

    fn class(&self, mem: &MemDescr) -> u32 {
        match mem.class {
            _ if self.merged => 0,
            // They overlap what has the class of all others.
            MemDescr::OBJECT_BUFFER | MemDescr::FIRST_NAMED_BUFFER.. => MemDescr::BUFFER,
            class if class == MemDescr::OBJECT || MemDescr::is_boxed(class) => MemDescr::BOXED,
            class => class,
        }
    }

    // Frozen memory is read-only, but a load of it must stay behind the guards that make its
    // address valid: it is never `can_move`.
    fn flags(&self, mem: &MemDescr) -> MemFlagsData {
        let flags = memory_flags(Some(self.classes[&self.class(mem)]));
        if mem.frozen { flags.with_readonly() } else { flags }
    }
}

fn region(b: &mut FunctionBuilder<'_>, user_id: u32, description: &'static str) -> AliasRegion {
    let data = AliasRegionData { user_id, description: description.into() };
    b.func.dfg.alias_regions.insert(data)
}

impl Lower<'_, '_> {
    pub(super) fn load(&mut self, op: &Op) {
        let res = op.res().expect("a load has a result");
        if !self.is_used(res) {
            return;
        }
        let mem = self.trace.mem(op);
        let (address, offset) = match *self.trace.args(op) {
            [p] => (self.use_(p), mem.offset),
            [p, i] => self.item_address(p, i, mem),
            _ => unreachable!("{} has one or two operands", op.opcode.name()),
        };
        let flags = self.regions.flags(mem);
        let value = self.b.ins().load(clif(mem.ty), flags, address, offset);
        self.define(res, value);
    }

    pub(super) fn store(&mut self, op: &Op) {
        let mem = self.trace.mem(op);
        let ((address, offset), value) = match *self.trace.args(op) {
            [p, value] => ((self.use_(p), mem.offset), value),
            [p, i, value] => (self.item_address(p, i, mem), value),
            _ => unreachable!("{} has two or three operands", op.opcode.name()),
        };
        let value = self.use_(value);
        let flags = self.regions.flags(mem);
        self.b.ins().store(flags, value, address, offset);
    }

    /// The address of an item, and the constant offset from there.
    fn item_address(&mut self, p: Operand, i: Operand, mem: &MemDescr) -> (Value, i32) {
        let base = self.use_(p);
        if let Some(offset) = self.trace.as_const(i).and_then(|i| item_offset(i.signed(), mem)) {
            return (base, offset);
        }
        let index = self.use_(i);
        if mem.scale <= MAX_MACHINE_SCALE && mem.scale.is_power_of_two() {
            // Cranelift folds the shift and the addition into the addressing mode.
            let scaled = self.b.ins().ishl_imm_u(index, i64::from(mem.scale.trailing_zeros()));
            return (self.b.ins().iadd(base, scaled), mem.offset);
        }
        let item = (base, index, mem.scale);
        if let Some(&address) = self.item_addresses.get(&item) {
            return (address, mem.offset);
        }
        let scaled = if mem.scale.is_power_of_two() {
            self.b.ins().ishl_imm_u(index, i64::from(mem.scale.trailing_zeros()))
        } else {
            self.b.ins().imul_imm_u(index, i64::from(mem.scale))
        };
        let address = self.b.ins().iadd(base, scaled);
        self.item_addresses.insert(item, address);
        (address, mem.offset)
    }

    /// Forgets addresses of items: those from before a label do not reach behind it, and across a call each
    /// would need a register or a place on the stack.
    pub(super) fn forget_item_addresses(&mut self) {
        self.item_addresses.clear();
    }
}

/// `i * scale + offset`, if an instruction has room for it.
fn item_offset(index: i64, mem: &MemDescr) -> Option<i32> {
    let offset = index.checked_mul(i64::from(mem.scale))?.checked_add(i64::from(mem.offset))?;
    i32::try_from(offset).ok()
}
