//! Pass `virtuals`: what is allocated and does not escape is not allocated.
//!
//! A `new` is not copied to the new trace. Its result is a value that no operation defines, and what the
//! object holds is kept here ([`Virtual`]): loads are answered from that, stores change it, and a `free`
//! is the end of it. Since the counts of an `Rc` are loads and stores like any other, pairs of them go too.
//!
//! An object is *made* (allocated after all, with all its fields) where something could come to know its
//! address: before an operation that takes the address as an operand, and before a store of it that must
//! happen. It is made where an object was that the trace has given back, if there is one as large ([`super::delay`]). As long as such a store is delayed, the object need not exist.
//!
//! An exit that needs an object makes it by itself: it names the allocations and the stores to the
//! fields before the delayed stores, and whoever leaves does them. A bridge from there begins with these
//! operations, and this pass makes the object a virtual one again.
//!
//! Invariants
//! 1. Nobody but the trace knows the address of a virtual object: no load gives it, no pointer that does
//!    not come from its `new` equals it.
//! 2. Exits that go back to a merge point need the objects as they were there, so they are remembered
//!    with the delayed stores ([`super::delay`]).
//! 3. What was known by an address says nothing about another object there: stores and loads of it are forgotten when it
//!    is given back, and results of elidable calls when it is used again.
//! 4. An object that is gone has an address all the same, for a replay compares what it is given: one at
//!    which nobody is ([`memory::grave`]).
//! 5. There are at most [`MAX_VIRTUALS`], with at most [`MAX_FIELDS`], for each exit may have them all.

use super::address::Address;
use super::delay::{Contents, Spare};
use super::rewrite::{Contradiction, Cx, Family, Pending, Rewrite};
use crate::ir::{Const, Effect, MemDescr, Opcode, Operand, Ty, ValueId};
use crate::memory;
use smallvec::SmallVec;

/// Objects that are virtual at a time.
const MAX_VIRTUALS: usize = 24;

/// Fields of an object.
const MAX_FIELDS: usize = 12;

/// A part of an object that has been stored to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub offset: u32,
    pub ty: Ty,
    pub value: Operand,
}

impl Field {
    fn end(&self) -> u32 {
        self.offset + self.ty.bytes()
    }

    /// Where it is in an object of that class.
    pub fn mem(&self, class: u32) -> MemDescr {
        let (ty, offset) = (self.ty, self.offset as i32);
        MemDescr { ty, offset, scale: 0, class, frozen: false }
    }
}

/// An object that is not allocated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Virtual {
    pub value: ValueId,
    /// What allocates such an object.
    pub opcode: Opcode,
    pub bytes: u32,
    pub align: u32,
    pub fields: SmallVec<[Field; 4]>,
}

impl Virtual {
    /// The class of its memory, when it has some.
    pub fn class(&self) -> u32 {
        MemDescr::class_of_allocation(self.opcode, Some(self.bytes as usize))
    }

    /// Its fields that an access touches.
    fn overlapping(&self, offset: u32, ty: Ty) -> impl Iterator<Item = usize> {
        let end = offset + ty.bytes();
        let touched = move |(at, field): (usize, &Field)| {
            (field.offset < end && offset < field.end()).then_some(at)
        };
        self.fields.iter().enumerate().filter_map(touched)
    }
}

impl Cx<'_> {
    /// Where an object is among those that are virtual now.
    pub fn virtual_at(&self, operand: Operand) -> Option<usize> {
        let value = self.resolve(operand).value()?;
        self.delayed.virtuals.iter().position(|object| object.value == value)
    }

    /// The constant that stands for the address of an object that is gone.
    pub fn grave_of(&mut self, value: ValueId) -> Operand {
        let address = memory::grave(value.index());
        self.constant(Const::new(Ty::Ptr, address))
    }

    /// Allocates a virtual object, and all that it refers to.
    pub fn make_object(&mut self, at: usize) {
        self.make_object_at(at, None);
    }

    fn make_object_at(&mut self, at: usize, prefer: Option<Operand>) {
        let object = self.delayed.virtuals.swap_remove(at);
        self.delayed.no_way_back();
        let made = self.room_for(&object, prefer);
        self.object_is(object.value, made);
        let class = object.class();
        for field in object.fields {
            let mem = self.mem(field.mem(class));
            self.emit_store(Opcode::SetField, &[made, field.value], mem);
        }
    }

    /// Where an object is to be: in memory that the trace has given back but for that, or in new one.
    pub fn room_for(&mut self, object: &Virtual, prefer: Option<Operand>) -> Operand {
        match self.delayed.take_spare(object, prefer) {
            Some(spare) => {
                self.delayed.reused.push(spare.address);
                spare.address
            }
            None => {
                let size = [object.bytes, object.align].map(|n| Const::new(Ty::I64, n.into()));
                let size = size.map(|n| self.constant(n));
                self.emit_new(object.opcode, &size)
            }
        }
    }

    /// Makes a virtual object that is passed to the label that the trace starts with where the argument
    /// before was, if there is memory for it.
    fn make_where_label_has_it(&mut self, target: u32, arg_idx: usize, operand: Operand) {
        let new = self.new_trace();
        let label = new.ops.first().filter(|op| op.opcode == Opcode::Label && op.descr == target);
        let before = label.and_then(|label| new.results(label).nth(arg_idx));
        if let (Some(before), Some(at)) = (before, self.virtual_at(operand)) {
            self.make_object_at(at, Some(before.into()));
        }
    }

    /// Takes a virtual object that is to be at an address, if there is memory for it.
    pub fn take_for(&mut self, object: Operand, address: Operand) -> Option<(Virtual, Contents)> {
        let at = self.virtual_at(object)?;
        let object = &self.delayed.virtuals[at];
        let is_it = |it: &Spare| it.address == address && it.fits(object);
        let spare = self.delayed.spares.iter().position(is_it)?;
        let spare = self.delayed.spares.remove(spare);
        let object = self.delayed.virtuals.swap_remove(at);
        self.delayed.reused.push(spare.address);
        self.object_is(object.value, address);
        Some((object, spare.contents))
    }

    /// Allocates what an operand is, if that is virtual.
    pub fn make_if_virtual(&mut self, operand: Operand) -> Operand {
        let operand = self.resolve(operand);
        if self.is_virtual(operand) {
            match self.virtual_at(operand) {
                Some(at) => self.make_object(at),
                None => return self.grave_of(operand.value().expect("objects are values")),
            }
        }
        self.resolve(operand)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Virtuals;

impl Family for Virtuals {
    fn rewrite(&mut self, cx: &mut Cx, op: &mut Pending) -> Result<Rewrite, Contradiction> {
        match op.opcode {
            Opcode::New | Opcode::NewBuffer => return Ok(new(cx, op)),
            _ if cx.delayed.virtuals.is_empty() && !cx.has_virtuals() => return Ok(Rewrite::Keep),
            Opcode::Free | Opcode::FreeBuffer => {
                if let Some(at) = cx.virtual_at(op.args[0]) {
                    cx.delayed.virtuals.swap_remove(at);
                    return Ok(Rewrite::gone());
                }
            }
            Opcode::PtrEq | Opcode::PtrNe => {
                if let Some(same) = compare(cx, op.args[0], op.args[1]) {
                    let truth = same == (op.opcode == Opcode::PtrEq);
                    return Ok(Rewrite::is(cx.constant(Const::new(Ty::Bool, truth.into()))));
                }
            }
            // The exits of a preheader do not need it.
            Opcode::Label | Opcode::Finish => return Ok(Rewrite::Keep),
            _ if op.opcode.has_mem() => {
                if let Some(rewrite) = access(cx, op)? {
                    return Ok(rewrite);
                }
            }
            _ => {}
        }
        // Stores of a virtual object are delayed.
        let stored = op.opcode.effect() == Effect::Store && cx.delays;
        let n_escaping = op.args.len() - usize::from(stored);
        let mut changed = false;
        for at in 0..n_escaping {
            if cx.is_preheader() && cx.virtual_at(op.args[at]).is_some() {
                return Err(Contradiction);
            }
            if op.opcode == Opcode::Jump {
                cx.make_where_label_has_it(op.descr, at, op.args[at]);
            }
            // It may have been made for an argument before.
            let made = cx.make_if_virtual(op.args[at]);
            changed |= std::mem::replace(&mut op.args[at], made) != made;
        }
        Ok(if changed { Rewrite::Changed } else { Rewrite::Keep })
    }

    fn forget(&mut self, cx: &mut Cx) {
        while !cx.delayed.virtuals.is_empty() {
            cx.make_object(0);
        }
    }

    fn boxed_clone<'b>(&self) -> Box<dyn Family + 'b>
    where
        Self: 'b,
    {
        Box::new(*self)
    }
}

fn new(cx: &mut Cx, op: &Pending) -> Rewrite {
    let number = |at: usize| cx.as_const(op.args[at]).map(|c| c.bits);
    let (Some(bytes @ ..=256), Some(align)) = (number(0), number(1)) else { return Rewrite::Keep };
    if cx.delayed.virtuals.len() == MAX_VIRTUALS {
        return Rewrite::Keep;
    }
    let value = cx.reserve_object();
    let (bytes, align) = (bytes as u32, align as u32);
    let (opcode, fields) = (op.opcode, SmallVec::new());
    cx.delayed.virtuals.push(Virtual { value, opcode, bytes, align, fields });
    Rewrite::is(value.into())
}

/// Whether two addresses are the same, if one of them is virtual.
fn compare(cx: &Cx, a: Operand, b: Operand) -> Option<bool> {
    let (a, b) = (cx.resolve(a), cx.resolve(b));
    if cx.virtual_at(a).is_none() && cx.virtual_at(b).is_none() {
        return None;
    }
    Some(a == b)
}

/// An access to a virtual object; nothing if it is none, or the object has been made for it.
fn access(cx: &mut Cx, op: &mut Pending) -> Result<Option<Rewrite>, Contradiction> {
    let mem = cx.new_trace().mems[op.descr as usize].clone();
    let address = Address::of(cx, op, &mem);
    let Some((base, index)) = address.base_and_index() else { return Ok(None) };
    let Some(at) = cx.virtual_at(base) else { return Ok(None) };
    let object = &cx.delayed.virtuals[at];
    let inside = 0 <= address.offset
        && address.offset + i64::from(mem.ty.bytes()) <= i64::from(object.bytes);
    let offset = address.offset as u32;
    let done = match op.opcode.effect() {
        _ if index.is_some() || !inside => None,
        Effect::Load => load(cx, at, offset, mem.ty).map(|value| Rewrite::is(value)),
        Effect::Store => {
            let value = *op.args.last().expect("a store has a value");
            store(cx, at, Field { offset, ty: mem.ty, value }).then(|| Rewrite::gone())
        }
        Effect::Debug => Some(Rewrite::gone()),
        Effect::Forget => Some(Rewrite::gone()),
        _ => None,
    };
    match done {
        Some(rewrite) => Ok(Some(rewrite)),
        None if cx.is_preheader() => Err(Contradiction),
        None => {
            cx.make_object(at);
            op.args[0] = cx.resolve(op.args[0]);
            Ok(Some(Rewrite::Changed))
        }
    }
}

/// What an object has at an offset.
fn load(cx: &mut Cx, at: usize, offset: u32, ty: Ty) -> Option<Operand> {
    let object = &cx.delayed.virtuals[at];
    let touched: SmallVec<[usize; 2]> = object.overlapping(offset, ty).collect();
    let field = match touched[..] {
        // Nothing has been stored there: padding, which may be anything.
        [] => return Some(cx.constant(Const::new(ty, 0))),
        [one] => object.fields[one].clone(),
        _ => return load_constants(cx, at, &touched, offset, ty),
    };
    let value = cx.resolve(field.value);
    if (field.offset, field.ty) == (offset, ty) {
        return Some(value);
    }
    if let Some(c) = cx.as_const(value) {
        return constant_part(cx, &[(field, c)], offset, ty);
    }
    let is_inside = field.offset <= offset && offset + ty.bytes() <= field.end();
    if !is_inside || cx.is_virtual(value) {
        return None;
    }
    let mut part = as_int(cx, value)?;
    let from = cx.ty(part);
    if field.offset < offset {
        let count = Const::new(from, u64::from(8 * (offset - field.offset)));
        let count = cx.constant(count);
        part = cx.insert(Opcode::UintRshift, &[part, count], from);
    }
    let int = int_of(ty);
    if int.bytes() < from.bytes() {
        part = cx.insert(Opcode::IntTrunc, &[part], int);
    }
    from_int(cx, part, ty)
}

fn load_constants(
    cx: &mut Cx,
    at: usize,
    touched: &[usize],
    offset: u32,
    ty: Ty,
) -> Option<Operand> {
    let mut parts: SmallVec<[(Field, Const); 8]> = SmallVec::new();
    for &field in touched {
        let field = cx.delayed.virtuals[at].fields[field].clone();
        let c = cx.as_const(cx.resolve(field.value))?;
        parts.push((field, c));
    }
    constant_part(cx, &parts, offset, ty)
}

/// What lies at an offset, put together from constants.
fn constant_part(cx: &mut Cx, parts: &[(Field, Const)], offset: u32, ty: Ty) -> Option<Operand> {
    let mut bits = 0;
    for (field, c) in parts {
        bits |= match field.offset < offset {
            true => c.bits >> (8 * (offset - field.offset)),
            false => c.bits << (8 * (field.offset - offset)),
        };
    }
    let is_value = ty != Ty::Bool || bits & 0xff <= 1;
    is_value.then(|| cx.constant(Const::new(ty, bits & ty.mask())))
}

fn int_of(ty: Ty) -> Ty {
    match ty.bytes() {
        1 => Ty::I8,
        2 => Ty::I16,
        4 => Ty::I32,
        _ => Ty::I64,
    }
}

fn as_int(cx: &mut Cx, value: Operand) -> Option<Operand> {
    let ty = cx.ty(value);
    let opcode = match ty {
        Ty::F32 | Ty::F64 => Opcode::ConvertFloatBytesToInt,
        Ty::Ptr => Opcode::CastPtrToInt,
        Ty::Bool => Opcode::CastBoolToInt,
        _ => return Some(value),
    };
    Some(cx.insert(opcode, &[value], int_of(ty)))
}

fn from_int(cx: &mut Cx, value: Operand, ty: Ty) -> Option<Operand> {
    Some(match ty {
        Ty::F32 | Ty::F64 => cx.insert(Opcode::ConvertIntBytesToFloat, &[value], ty),
        Ty::Ptr => cx.insert(Opcode::CastIntToPtr, &[value], ty),
        // A `bool` that is not one of the two is not there.
        Ty::Bool => cx.insert(Opcode::IntIsTrue, &[value], ty),
        _ => value,
    })
}

/// Changes what an object has; false if it cannot be said.
fn store(cx: &mut Cx, at: usize, field: Field) -> bool {
    let object = &cx.delayed.virtuals[at];
    let touched: SmallVec<[usize; 4]> = object.overlapping(field.offset, field.ty).collect();
    let mut cut: SmallVec<[Field; 8]> = SmallVec::new();
    for &old in &touched {
        let old = cx.delayed.virtuals[at].fields[old].clone();
        if field.offset <= old.offset && old.end() <= field.end() {
            continue;
        }
        // What is left of a constant, byte by byte.
        let Some(c) = cx.as_const(cx.resolve(old.value)) else { return false };
        for offset in (old.offset..old.end()).filter(|at| !(field.offset..field.end()).contains(at))
        {
            let byte = Const::new(Ty::I8, c.bits >> (8 * (offset - old.offset)) & 0xff);
            cut.push(Field { offset, ty: Ty::I8, value: cx.constant(byte) });
        }
    }
    let fields = &mut cx.delayed.virtuals[at].fields;
    if MAX_FIELDS < fields.len() + cut.len() + 1 - touched.len() {
        return false;
    }
    match (&touched[..], cut.is_empty()) {
        // In its place, so that fields keep their order.
        (&[one], true) => fields[one] = field,
        _ => {
            for &old in touched.iter().rev() {
                fields.remove(old);
            }
            fields.extend(cut);
            fields.push(field);
        }
    }
    true
}
