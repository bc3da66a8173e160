//! Traces to text. The format is described in [`super`].

use super::{RESUME_KINDS, Spelling, place};
use crate::ir::{
    CallDescr, Const, Exit, MemDescr, Op, Opcode, Operand, OperandKind, Res, Resume, Trace, Ty,
    ValueId,
};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            writeln!(f, "# {}", self.name.replace(['\n', '\r'], " "))?;
        }
        for (index, merge_point) in self.merge_points.iter().enumerate() {
            write!(f, "merge_point {index} = ")?;
            list(f, &merge_point.greens, |f, &green| word(f, green))?;
            f.write_char('\n')?;
        }
        let inputs: Vec<ValueId> = self.inputs().collect();
        list(f, &inputs, |f, &input| definition(f, self, input, false))?;
        f.write_char('\n')?;
        self.ops.iter().try_for_each(|op| writeln!(f, "{}", self.display_op(op)))
    }
}

/// Displays one operation of a trace.
#[derive(Debug, Clone, Copy)]
pub struct DisplayOp<'a> {
    trace: &'a Trace,
    op: &'a Op,
}

impl Trace {
    /// One operation as it stands in the text form, without the end of line.
    pub fn display_op<'a>(&'a self, op: &'a Op) -> DisplayOp<'a> {
        DisplayOp { trace: self, op }
    }

    /// [`Trace::display_op`] as a string.
    pub fn op_to_string(&self, op: &Op) -> String {
        self.display_op(op).to_string()
    }

    /// An operand as it stands in a list: a value's name, or a constant with its suffix.
    pub fn operand_to_string(&self, operand: Operand) -> String {
        let mut out = String::new();
        write_operand(&mut out, self, operand, None).expect("writing to a string");
        out
    }
}

impl Display for DisplayOp<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let DisplayOp { trace, op } = *self;
        results(f, trace, op)?;
        write!(f, "{}(", op.opcode.name())?;
        operands(f, trace, op)?;
        f.write_char(')')?;
        match op.opcode.has_exit() {
            true => exit(f, trace, op.descr),
            false => Ok(()),
        }
    }
}

fn results(f: &mut Formatter<'_>, trace: &Trace, op: &Op) -> fmt::Result {
    let results = trace.results(op);
    if results.len() == 0 {
        return Ok(());
    }
    let fixed = matches!(op.opcode.info().res, Res::Ty(_));
    for (k, value) in results.enumerate() {
        comma(f, k)?;
        definition(f, trace, value, fixed)?;
    }
    f.write_str(" = ")
}

fn operands(f: &mut Formatter<'_>, trace: &Trace, op: &Op) -> fmt::Result {
    if op.opcode == Opcode::DebugMergePoint {
        return write!(f, "{}", op.descr);
    }
    let args = trace.args(op);
    for (k, &arg) in args.iter().enumerate() {
        comma(f, k)?;
        let place = place(op.opcode, k, &args[..k], |operand| trace.ty(operand));
        write_operand(f, trace, arg, place)?;
    }
    match (op.opcode, op.opcode.effect()) {
        (Opcode::Label | Opcode::Jump, _) => {
            comma(f, args.len())?;
            write!(f, "target={}", op.descr)
        }
        _ if op.opcode.has_mem() => write!(f, ", descr={}", trace.mem(op)),
        (opcode, _) if opcode.is_call() => write!(f, ", descr={}", trace.call(op)),
        _ => Ok(()),
    }
}

fn exit(f: &mut Formatter<'_>, trace: &Trace, index: u32) -> fmt::Result {
    let exit: &Exit = &trace.exits[index as usize];
    f.write_char(' ')?;
    list(f, trace.exit_values(exit), |f, &arg| write_operand(f, trace, arg, None))?;
    if exit.id.0 != index {
        write!(f, " exit={}", exit.id.0)?;
    }
    if exit.resume != Resume::default() {
        write!(f, " {}", exit.resume)?;
    }
    stores(f, trace, exit)
}

fn stores(f: &mut Formatter<'_>, trace: &Trace, exit: &Exit) -> fmt::Result {
    if exit.stores.len == 0 {
        return Ok(());
    }
    f.write_str(" stores(")?;
    for (k, (store, args)) in trace.exit_stores_with_args(exit).enumerate() {
        comma(f, k)?;
        if let Some(res) = store.res() {
            write_name(f, trace, res)?;
            f.write_str(" = ")?;
        }
        write!(f, "{}(", store.opcode.name())?;
        for (k, &arg) in args.iter().enumerate() {
            comma(f, k)?;
            let place = place(store.opcode, k, &args[..k], |operand| trace.ty(operand));
            write_operand(f, trace, arg, place)?;
        }
        match store.opcode {
            opcode if opcode.has_mem() => {
                write!(f, ", descr={})", trace.mems[store.mem as usize])?;
            }
            _ => f.write_char(')')?,
        }
    }
    f.write_char(')')
}

impl Display for Resume {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let row = RESUME_KINDS.iter().find(|(kind, _)| *kind == self.kind);
        write!(f, "resume({}", row.expect("every kind has a row").1)?;
        for (key, value) in [("mp", self.merge_point), ("step", self.step), ("reds", self.n_reds)] {
            if value != 0 {
                write!(f, ", {key}={value}")?;
            }
        }
        f.write_char(')')
    }
}

impl Display for MemDescr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "mem({}", self.ty)?;
        if self.offset != 0 {
            write!(f, ", offset={}", self.offset)?;
        }
        for (key, value) in [("scale", self.scale), ("class", self.class)] {
            if value != 0 {
                write!(f, ", {key}={value}")?;
            }
        }
        f.write_str(if self.frozen { ", frozen)" } else { ")" })
    }
}

impl Display for CallDescr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("call(")?;
        match is_path(&self.name) {
            true => f.write_str(&self.name)?,
            false => quoted(f, &self.name)?,
        }
        if !self.site.is_empty() {
            f.write_str(", ")?;
            quoted(f, &self.site)?;
        }
        if let Some(ty) = self.res {
            write!(f, ", res={ty}")?;
        }
        for class in self.apart.iter() {
            write!(f, ", apart={class}")?;
        }
        if self.reads_only {
            f.write_str(", reads_only")?;
        }
        f.write_str(if self.can_panic { ", can_panic)" } else { ")" })
    }
}

/// A constant with its suffix, as it stands where its place says nothing about its type.
impl Display for Const {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_const(f, *self, None)
    }
}

fn write_operand(
    f: &mut dyn Write,
    trace: &Trace,
    operand: Operand,
    place: Option<Ty>,
) -> fmt::Result {
    match operand.kind() {
        OperandKind::Value(value) => write_name(f, trace, value),
        OperandKind::Const(index) => write_const(f, trace.consts[index as usize], place),
    }
}

fn write_name(f: &mut dyn Write, trace: &Trace, value: ValueId) -> fmt::Result {
    write!(f, "{}{}", trace.types[value.index()].letter(), value.0)
}

fn definition(f: &mut Formatter<'_>, trace: &Trace, value: ValueId, fixed: bool) -> fmt::Result {
    write_name(f, trace, value)?;
    let ty = trace.types[value.index()];
    if fixed || Ty::default_for_letter(ty.letter()) == Some(ty) {
        return Ok(());
    }
    write!(f, ": {ty}")
}

fn write_const(f: &mut dyn Write, c: Const, place: Option<Ty>) -> fmt::Result {
    if c.bits & !c.ty.mask() != 0 {
        // Only a wrong trace has such a constant. It prints as what it is and does not parse.
        return write!(f, "{}!{:#x}", c.ty, c.bits);
    }
    let spelling = match c.ty {
        Ty::Bool => Spelling::Bool,
        Ty::Ptr => Spelling::Hex,
        Ty::F32 | Ty::F64 => Spelling::Float,
        Ty::I8 | Ty::I16 | Ty::I32 | Ty::I64 => Spelling::Decimal,
    };
    match c.ty {
        Ty::Bool => write!(f, "{}", c.bits == 1)?,
        Ty::Ptr => write!(f, "{:#x}", c.bits)?,
        Ty::F32 if !f32::from_bits(c.bits as u32).is_nan() => {
            write!(f, "{:?}", f32::from_bits(c.bits as u32))?;
        }
        Ty::F64 if !f64::from_bits(c.bits).is_nan() => write!(f, "{:?}", f64::from_bits(c.bits))?,
        Ty::F32 | Ty::F64 => write!(f, "nan({:#x})", c.bits)?,
        Ty::I8 | Ty::I16 | Ty::I32 | Ty::I64 => write!(f, "{}", c.signed())?,
    }
    match spelling.type_at(place) == c.ty {
        true => Ok(()),
        false => write!(f, "{}", c.ty),
    }
}

/// A green's word: small numbers are positions, large ones addresses.
fn word(f: &mut Formatter<'_>, word: u64) -> fmt::Result {
    match word < 0x1_0000 {
        true => write!(f, "{word}"),
        false => write!(f, "{word:#x}"),
    }
}

fn is_path(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(inner)
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    item: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    for (k, it) in items.iter().enumerate() {
        comma(f, k)?;
        item(f, it)?;
    }
    f.write_char(']')
}

fn comma(f: &mut Formatter<'_>, index: usize) -> fmt::Result {
    f.write_str(if index == 0 { "" } else { ", " })
}
