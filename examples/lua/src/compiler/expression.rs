//! Expressions to registers.

use super::condition::is_comparison;
use super::emit::Jumps;
use super::fold::{Known, fold};
use super::op::{OPEN, Op, Reg};
use super::{Compiled, FunctionCompiler};
use crate::string::Str;
use crate::syntax::ast::{BinaryOp, Expr, Item, UnaryOp};
use crate::value::Value;

/// Elements of a constructor that are stored at once.
const BATCH: usize = 50;

impl FunctionCompiler<'_> {
    /// Computes `expr` into `dst`, which holds nothing of use.
    pub(super) fn expression(&mut self, expr: &Expr, dst: Reg) -> Compiled<()> {
        if let Some(known) = fold(expr) {
            self.load(known, dst);
            return Ok(());
        }
        match expr {
            Expr::Nil => self.emit(Op::LoadNil { first: dst, count: 1 }),
            Expr::Bool(value) => self.emit(Op::LoadBool { dst, value: *value }),
            Expr::Int(_) | Expr::Float(_) => unreachable!("numbers are folded"),
            Expr::Str(text) => self.load_constant(Value::Str(*text), dst),
            Expr::Vararg => self.emit(Op::Vararg { dst, count: 1 }),
            Expr::Function(function) => {
                let child = self.child(function, None)?;
                self.emitter.emit_at(function.end_line, Op::Closure { dst, child });
            }
            Expr::Local(local) => {
                let src = self.local_register(*local);
                match self.function.locals[*local].is_boxed() {
                    true => self.emit(Op::GetBox { dst, src }),
                    false if src != dst => self.emit(Op::Move { dst, src }),
                    false => {}
                }
            }
            Expr::Upvalue(index) => self.upvalue(*index, dst),
            Expr::Index { object, key, line } => self.index(object, key, *line, dst)?,
            Expr::Call { .. } | Expr::MethodCall { .. } => self.call_to(expr, dst)?,
            Expr::Unary { op: UnaryOp::Not, operand, .. } if self.is_condition(operand) => {
                self.condition_value(expr, dst)?;
            }
            Expr::Unary { op, operand, line } => self.unary(*op, operand, *line, dst)?,
            Expr::Binary { op, .. } if is_comparison(*op) => self.condition_value(expr, dst)?,
            Expr::Binary { op, lhs, rhs, line } => self.binary(*op, lhs, rhs, *line, dst)?,
            Expr::And(lhs, rhs) => self.either(lhs, rhs, false, dst)?,
            Expr::Or(lhs, rhs) => self.either(lhs, rhs, true, dst)?,
            Expr::Concat { operands, line } => self.concat(operands, *line, dst)?,
            Expr::Paren(inner) => self.expression(inner, dst)?,
            Expr::Table { items, line } => self.table(items, *line, dst)?,
        }
        Ok(())
    }

    pub(super) fn emit(&mut self, op: Op) {
        self.emitter.emit(op);
    }

    pub(super) fn local_register(&self, local: usize) -> Reg {
        self.registers[local].expect("a local that is in scope")
    }

    /// A register with the value of `expr`: that of a local itself, or a new one.
    pub(super) fn any_register(&mut self, expr: &Expr) -> Compiled<Reg> {
        match expr {
            Expr::Paren(inner) => self.any_register(inner),
            Expr::Local(local) if !self.function.locals[*local].is_boxed() => {
                Ok(self.local_register(*local))
            }
            _ => self.new_register(expr),
        }
    }

    /// A new register with the value of `expr`.
    pub(super) fn new_register(&mut self, expr: &Expr) -> Compiled<Reg> {
        let dst = self.allocate()?;
        self.expression(expr, dst)?;
        self.free = dst + 1;
        Ok(dst)
    }

    fn load(&mut self, known: Known, dst: Reg) {
        match known {
            Known::Int(it) => match i32::try_from(it) {
                Ok(value) => self.emit(Op::LoadInt { dst, value }),
                Err(_) => self.load_constant(Value::Int(it), dst),
            },
            Known::Float(it) => self.load_constant(Value::float(it), dst),
        }
    }

    fn load_constant(&mut self, value: Value, dst: Reg) {
        let k = self.emitter.constant(value) as u32;
        self.emit(Op::LoadK { dst, k });
    }

    /// The number of a numeric constant, if it is one with a small number.
    pub(super) fn small_number(&mut self, expr: &Expr) -> Option<u8> {
        let value = match fold(expr)? {
            Known::Int(it) => Value::Int(it),
            Known::Float(it) => Value::float(it),
        };
        u8::try_from(self.emitter.constant(value)).ok()
    }

    /// The number of a constant of any type.
    pub(super) fn small_constant(&mut self, expr: &Expr) -> Option<u8> {
        let value = match expr {
            Expr::Nil => Value::Nil,
            Expr::Bool(it) => Value::from(*it),
            Expr::Str(it) => Value::Str(*it),
            _ => return self.small_number(expr),
        };
        u8::try_from(self.emitter.constant(value)).ok()
    }

    fn string_key(&mut self, text: Str) -> Option<u16> {
        if !text.is_short() {
            return None;
        }
        u16::try_from(self.emitter.string(text)).ok()
    }

    fn upvalue(&mut self, index: usize, dst: Reg) {
        let is_shared = self.is_shared[index];
        let index = index as u8;
        self.emit(match is_shared {
            true => Op::GetShared { dst, index },
            false => Op::GetUpvalue { dst, index },
        });
    }

    fn index(&mut self, object: &Expr, key: &Expr, line: u32, dst: Reg) -> Compiled<()> {
        let mark = self.free;
        let place = self.place(object, key)?;
        self.free = mark;
        self.emitter.emit_at(
            line,
            match place {
                Place::Global { upvalue, key } => Op::GetGlobal { dst, upvalue, key },
                Place::Field { obj, key } => Op::GetField { dst, obj, key },
                Place::Int { obj, index } => Op::GetInt { dst, obj, index },
                Place::Index { obj, key } => Op::GetIndex { dst, obj, key },
            },
        );
        Ok(())
    }

    /// What `object[key]` is; the parts are in registers.
    pub(super) fn place(&mut self, object: &Expr, key: &Expr) -> Compiled<Place> {
        if let (Expr::Upvalue(upvalue), Expr::Str(text)) = (object, key)
            && !self.is_shared[*upvalue]
            && let Some(key) = self.string_key(*text)
        {
            return Ok(Place::Global { upvalue: *upvalue as u8, key });
        }
        let obj = self.any_register(object)?;
        if let Expr::Str(text) = key
            && let Some(key) = self.string_key(*text)
        {
            return Ok(Place::Field { obj, key });
        }
        if let Some(Known::Int(index @ 0..=255)) = fold(key) {
            return Ok(Place::Int { obj, index: index as u8 });
        }
        Ok(Place::Index { obj, key: self.any_register(key)? })
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, line: u32, dst: Reg) -> Compiled<()> {
        let mark = self.free;
        let src = self.any_register(operand)?;
        self.free = mark;
        self.emitter.emit_at(
            line,
            match op {
                UnaryOp::Neg => Op::Neg { dst, src },
                UnaryOp::Not => Op::Not { dst, src },
                UnaryOp::Len => Op::Len { dst, src },
                UnaryOp::BitNot => Op::BitNot { dst, src },
            },
        );
        Ok(())
    }

    /// Whether it is best computed by jumps.
    fn is_condition(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Paren(inner) => self.is_condition(inner),
            Expr::Binary { op, .. } => is_comparison(*op),
            Expr::Unary { op, operand, .. } => *op == UnaryOp::Not && self.is_condition(operand),
            Expr::And(..) | Expr::Or(..) => true,
            _ => false,
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        line: u32,
        dst: Reg,
    ) -> Compiled<()> {
        let mark = self.free;
        let is_commutative = matches!(op, BinaryOp::Add | BinaryOp::Mul);
        let made = if let Some(k) = self.small_number(rhs) {
            let lhs = self.any_register(lhs)?;
            binary_with_constant(op, dst, lhs, k, false)
        } else if let Some(k) = self.small_number(lhs).filter(|_| is_commutative) {
            let rhs = self.any_register(rhs)?;
            binary_with_constant(op, dst, rhs, k, true)
        } else {
            let lhs = self.any_register(lhs)?;
            let rhs = self.any_register(rhs)?;
            binary_with_registers(op, dst, lhs, rhs)
        };
        self.free = mark;
        self.emitter.emit_at(line, made);
        Ok(())
    }

    /// `and`, which is decided by a false left side, or `or`, which is by a true one.
    fn either(&mut self, lhs: &Expr, rhs: &Expr, decisive: bool, dst: Reg) -> Compiled<()> {
        let mut decided = Jumps::new();
        if is_truth_value(lhs) {
            // A comparison that decides has the decisive truth value.
            self.jump_if(lhs, decisive, &mut decided)?;
            self.expression(rhs, dst)?;
            let over = self.emitter.emit(Op::Jump { target: 0 });
            self.emitter.patch_here(decided);
            self.emit(Op::LoadBool { dst, value: decisive });
            self.emitter.patch_here(vec![over]);
            return Ok(());
        }
        self.expression(lhs, dst)?;
        decided.push(self.emitter.emit(Op::Test { reg: dst, expect: decisive, target: 0 }));
        self.expression(rhs, dst)?;
        self.emitter.patch_here(decided);
        Ok(())
    }

    fn concat(&mut self, operands: &[Expr], line: u32, dst: Reg) -> Compiled<()> {
        let first = self.free;
        for operand in operands {
            self.new_register(operand)?;
        }
        self.free = first;
        let count = operands.len() as u8;
        self.emitter.emit_at(line, Op::Concat { dst, first, count });
        Ok(())
    }

    fn table(&mut self, items: &[Item], line: u32, dst: Reg) -> Compiled<()> {
        let n_keyed = items.iter().filter(|it| matches!(it, Item::Keyed(..))).count();
        let n_array = (items.len() - n_keyed).min(usize::from(u16::MAX)) as u16;
        let n_fields = n_keyed.min(255) as u8;
        self.emitter.emit_at(line, Op::NewTable { dst, n_fields, n_array });
        if items.is_empty() {
            return Ok(());
        }
        let mark = self.free;
        // Elements are collected right behind the table.
        let table = match dst + 1 == self.free {
            true => dst,
            false => {
                let table = self.allocate()?;
                self.emit(Op::Move { dst: table, src: dst });
                table
            }
        };
        self.table_items(items, table, line)?;
        self.free = mark;
        Ok(())
    }

    fn table_items(&mut self, items: &[Item], table: Reg, line: u32) -> Compiled<()> {
        let (mut n_pending, mut offset) = (0u8, 0u32);
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::Keyed(key, value) => {
                    let mark = self.free;
                    let place = self.place_in(table, key)?;
                    let src = self.any_register(value)?;
                    self.store(place, src, self.emitter.line);
                    self.free = mark;
                }
                Item::Positional(value) if at + 1 == items.len() && value.is_multiple() => {
                    self.open_values(value)?;
                    self.emitter.emit_at(line, Op::SetList { table, count: OPEN, offset });
                    self.free = table + 1;
                    n_pending = 0;
                }
                Item::Positional(value) => {
                    self.new_register(value)?;
                    n_pending += 1;
                    if usize::from(n_pending) == BATCH {
                        self.emitter.emit_at(line, Op::SetList { table, count: n_pending, offset });
                        offset += u32::from(n_pending);
                        n_pending = 0;
                        self.free = table + 1;
                    }
                }
            }
        }
        if n_pending > 0 {
            self.emitter.emit_at(line, Op::SetList { table, count: n_pending, offset });
        }
        Ok(())
    }

    fn place_in(&mut self, obj: Reg, key: &Expr) -> Compiled<Place> {
        if let Expr::Str(text) = key
            && let Some(key) = self.string_key(*text)
        {
            return Ok(Place::Field { obj, key });
        }
        Ok(Place::Index { obj, key: self.any_register(key)? })
    }

    /// A call whose first result comes to `dst`.
    fn call_to(&mut self, expr: &Expr, dst: Reg) -> Compiled<()> {
        // The call can take place in `dst` itself if nothing is behind it.
        if dst + 1 == self.free {
            self.free = dst;
            self.call(expr, 1)?;
            self.free = dst + 1;
        } else {
            let mark = self.free;
            let func = self.call(expr, 1)?;
            self.free = mark;
            self.emit(Op::Move { dst, src: func });
        }
        Ok(())
    }

    /// A call in new registers; where its results are. The registers are free afterwards.
    pub(super) fn call(&mut self, expr: &Expr, results: u8) -> Compiled<Reg> {
        let func = self.free;
        let (args, line) = self.call_operands(expr)?;
        self.free = func;
        self.emitter.emit_at(line, Op::Call { func, args, results });
        let n_results = if results == OPEN { 0 } else { usize::from(results) };
        self.allocate_many(n_results)?;
        self.free = func;
        Ok(func)
    }

    /// Function and arguments in new registers; how many arguments there are, and the call's line.
    pub(super) fn call_operands(&mut self, expr: &Expr) -> Compiled<(u8, u32)> {
        match expr {
            Expr::Call { callee, args, line } => {
                self.new_register(callee)?;
                Ok((self.values_in_a_row(args)?, *line))
            }
            Expr::MethodCall { object, name, args, line } => {
                let dst = self.allocate_many(2)?;
                self.free = dst + 1;
                let obj = self.any_register(object)?;
                self.free = dst + 2;
                match self.string_key(*name) {
                    Some(key) => {
                        self.emitter.emit_at(*line, Op::Method { dst, obj, key });
                    }
                    None => self.method_by_register(dst, obj, *name)?,
                }
                let n_args = self.values_in_a_row(args)?;
                Ok((if n_args == OPEN { OPEN } else { n_args + 1 }, *line))
            }
            _ => unreachable!("only calls are compiled as calls"),
        }
    }

    fn method_by_register(&mut self, dst: Reg, obj: Reg, name: Str) -> Compiled<()> {
        let key = self.allocate()?;
        self.load_constant(Value::Str(name), key);
        self.emit(Op::Move { dst: dst + 1, src: obj });
        self.emit(Op::GetIndex { dst, obj: dst + 1, key });
        self.free = dst + 2;
        Ok(())
    }

    /// All values of a list, in new registers; `OPEN` if the last one has any number of them.
    pub(super) fn values_in_a_row(&mut self, exprs: &[Expr]) -> Compiled<u8> {
        let Some((last, others)) = exprs.split_last() else { return Ok(0) };
        for expr in others {
            self.new_register(expr)?;
        }
        if last.is_multiple() {
            self.open_values(last)?;
            return Ok(OPEN);
        }
        self.new_register(last)?;
        Ok(exprs.len() as u8)
    }

    /// All values of a call or `...`, from the first free register on.
    fn open_values(&mut self, expr: &Expr) -> Compiled<()> {
        match expr {
            Expr::Vararg => {
                let dst = self.free;
                self.allocate()?;
                self.free = dst;
                self.emit(Op::Vararg { dst, count: OPEN });
            }
            _ => {
                self.call(expr, OPEN)?;
            }
        }
        Ok(())
    }

    /// Exactly `n` values in new registers; the first of them.
    pub(super) fn adjusted_values(&mut self, exprs: &[Expr], n: usize) -> Compiled<Reg> {
        let first = self.free;
        for (at, expr) in exprs.iter().enumerate() {
            let n_missing = (n + 1).saturating_sub(exprs.len());
            if at + 1 == exprs.len() && expr.is_multiple() && n_missing != 1 {
                self.several_values(expr, n_missing)?;
            } else if at < n {
                self.new_register(expr)?;
            } else {
                // More values than names: computed for their effects.
                let mark = self.free;
                self.new_register(expr)?;
                self.free = mark;
            }
        }
        let n_there = usize::from(self.free - first);
        if n_there < n {
            let count = (n - n_there) as u8;
            let first = self.allocate_many(n - n_there)?;
            self.emit(Op::LoadNil { first, count });
        }
        Ok(first)
    }

    fn several_values(&mut self, expr: &Expr, n: usize) -> Compiled<()> {
        match expr {
            Expr::Vararg => {
                let dst = self.allocate_many(n)?;
                self.emit(Op::Vararg { dst, count: n as u8 });
            }
            _ => {
                self.call(expr, n as u8)?;
                self.allocate_many(n)?;
            }
        }
        Ok(())
    }
}

/// Whether the value of an expression is true or false, whatever its operands are.
fn is_truth_value(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_truth_value(inner),
        Expr::Binary { op, .. } => is_comparison(*op),
        Expr::Unary { op, .. } => *op == UnaryOp::Not,
        _ => false,
    }
}

/// A variable in a table.
#[derive(Clone, Copy)]
pub enum Place {
    Global { upvalue: u8, key: u16 },
    Field { obj: Reg, key: u16 },
    Int { obj: Reg, index: u8 },
    Index { obj: Reg, key: Reg },
}

fn binary_with_registers(op: BinaryOp, dst: Reg, lhs: Reg, rhs: Reg) -> Op {
    use BinaryOp as B;
    match op {
        B::Add => Op::Add { dst, lhs, rhs },
        B::Sub => Op::Sub { dst, lhs, rhs },
        B::Mul => Op::Mul { dst, lhs, rhs },
        B::Div => Op::Div { dst, lhs, rhs },
        B::Mod => Op::Mod { dst, lhs, rhs },
        B::Pow => Op::Pow { dst, lhs, rhs },
        B::IntDiv => Op::IntDiv { dst, lhs, rhs },
        B::BitAnd => Op::BitAnd { dst, lhs, rhs },
        B::BitOr => Op::BitOr { dst, lhs, rhs },
        B::BitXor => Op::BitXor { dst, lhs, rhs },
        B::ShiftLeft => Op::ShiftLeft { dst, lhs, rhs },
        B::ShiftRight => Op::ShiftRight { dst, lhs, rhs },
        _ => unreachable!("comparisons are conditions"),
    }
}

fn binary_with_constant(op: BinaryOp, dst: Reg, lhs: Reg, k: u8, flip: bool) -> Op {
    use BinaryOp as B;
    match op {
        B::Add => Op::AddK { dst, lhs, k, flip },
        B::Sub => Op::SubK { dst, lhs, k },
        B::Mul => Op::MulK { dst, lhs, k, flip },
        B::Div => Op::DivK { dst, lhs, k },
        B::Mod => Op::ModK { dst, lhs, k },
        B::Pow => Op::PowK { dst, lhs, k },
        B::IntDiv => Op::IntDivK { dst, lhs, k },
        B::BitAnd => Op::BitAndK { dst, lhs, k },
        B::BitOr => Op::BitOrK { dst, lhs, k },
        B::BitXor => Op::BitXorK { dst, lhs, k },
        B::ShiftLeft => Op::ShiftLeftK { dst, lhs, k },
        B::ShiftRight => Op::ShiftRightK { dst, lhs, k },
        _ => unreachable!("comparisons are conditions"),
    }
}
