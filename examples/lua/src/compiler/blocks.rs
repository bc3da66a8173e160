//! Scopes: which locals are where, and where `break` and `goto` lead.

use super::emit::Jumps;
use super::op::{Op, Reg};
use super::proto::LocalInfo;
use super::{Compiled, FunctionCompiler};
use crate::string::Str;
use crate::syntax::ast::{Attribute, LocalId};

/// The open blocks of a function.
#[derive(Default)]
pub struct Scopes {
    blocks: Vec<Block>,
    gotos: Vec<PendingGoto>,
    /// Locals in scope: their place in `infos`.
    active: Vec<usize>,
    /// All locals that were in scope so far.
    pub infos: Vec<LocalInfo>,
}

struct Block {
    is_loop: bool,
    n_active: usize,
    first_free: Reg,
    first_goto: usize,
    labels: Vec<Label>,
    breaks: Jumps,
    /// It, or one around it, has a variable to be closed.
    is_inside_close: bool,
    /// It has one itself.
    has_close: bool,
}

#[derive(Clone, Copy)]
struct Label {
    name: Str,
    target: usize,
    free: Reg,
    line: u32,
}

/// A `goto` whose label has not been seen yet.
struct PendingGoto {
    name: Str,
    jump: usize,
    /// A `Close` in front of the jump, if it leaves a block that needs one.
    close: Option<usize>,
    n_active: usize,
    line: u32,
}

impl FunctionCompiler<'_> {
    pub(super) fn enter_block(&mut self, is_loop: bool) {
        let is_inside_close = self.scopes.blocks.last().is_some_and(|it| it.is_inside_close);
        self.scopes.blocks.push(Block {
            is_loop,
            n_active: self.scopes.active.len(),
            first_free: self.free,
            first_goto: self.scopes.gotos.len(),
            labels: Vec::new(),
            breaks: Vec::new(),
            is_inside_close,
            has_close: false,
        });
    }

    /// Ends the scope of the block's locals. `break`s of a loop lead to the next instruction.
    pub(super) fn leave_block(&mut self) -> Compiled<()> {
        let block = self.scopes.blocks.pop().expect("a block was entered");
        if block.has_close {
            self.emitter.emit(Op::Close { from: block.first_free });
        }
        let here = self.emitter.here() as u32;
        for info in self.scopes.active.drain(block.n_active..) {
            self.scopes.infos[info].end = here;
        }
        self.free = block.first_free;
        if self.scopes.blocks.is_empty() {
            return match self.scopes.gotos.first() {
                Some(goto) => Err(self.unmatched(goto.name, goto.line)),
                None => Ok(()),
            };
        }
        for goto in &mut self.scopes.gotos[block.first_goto..] {
            goto.n_active = goto.n_active.min(block.n_active);
        }
        self.emitter.patch_here(block.breaks);
        Ok(())
    }

    fn unmatched(&self, name: Str, line: u32) -> crate::syntax::SyntaxError {
        let name = name.to_text();
        let message = format!("no visible label '{name}' for <goto> at line {line}");
        self.error(&message)
    }

    /// Brings a local into scope, in a register that has its first value; boxes it if it has to be.
    pub(super) fn activate(&mut self, local: LocalId, reg: Reg) {
        let variable = &self.function.locals[local];
        if variable.is_boxed() {
            self.emitter.emit(Op::NewBox { reg });
        }
        if variable.attribute == Attribute::Close {
            self.mark_close();
            self.emitter.emit(Op::ToClose { reg });
        }
        self.activate_as_is(local, reg);
    }

    /// Brings a local into scope whose register is in order.
    pub(super) fn activate_as_is(&mut self, local: LocalId, reg: Reg) {
        let start = self.emitter.here() as u32;
        let name = self.function.locals[local].name;
        self.scopes.active.push(self.scopes.infos.len());
        self.scopes.infos.push(LocalInfo { name, reg, start, end: u32::MAX, is_constant: false });
        self.registers[local] = Some(reg);
    }

    /// The local that came into scope last is a constant.
    pub(super) fn mark_constant(&mut self) {
        if let Some(info) = self.scopes.infos.last_mut() {
            info.is_constant = true;
        }
    }

    /// Notes that the innermost block has something to be closed.
    pub(super) fn mark_close(&mut self) {
        if let Some(block) = self.scopes.blocks.last_mut() {
            block.has_close = true;
            block.is_inside_close = true;
        }
    }

    /// Whether the innermost block itself has something to be closed.
    pub(super) fn has_close(&self) -> bool {
        self.scopes.blocks.last().is_some_and(|it| it.has_close)
    }

    /// Closes what the innermost block has, without leaving it.
    pub(super) fn close_block(&mut self) {
        if let Some(block) = self.scopes.blocks.last() {
            self.emitter.emit(Op::Close { from: block.first_free });
        }
    }

    /// Whether a variable is to be closed when the function returns from here.
    pub(super) fn is_inside_close(&self) -> bool {
        self.scopes.blocks.last().is_some_and(|it| it.is_inside_close)
    }

    pub(super) fn break_statement(&mut self) -> Compiled<()> {
        let Some(at) = self.scopes.blocks.iter().rposition(|it| it.is_loop) else {
            let line = self.emitter.line;
            return Err(self
                .error_at(self.function.end_line, &format!("break outside loop at line {line}")));
        };
        if self.scopes.blocks[at..].iter().any(|it| it.has_close) {
            self.emitter.emit(Op::Close { from: self.scopes.blocks[at].first_free });
        }
        let jump = self.emitter.emit(Op::Jump { target: 0 });
        self.scopes.blocks[at].breaks.push(jump);
        Ok(())
    }

    pub(super) fn goto_statement(&mut self, name: Str) {
        let labels = self.scopes.blocks.iter().flat_map(|it| &it.labels);
        if let Some(&label) = labels.into_iter().find(|it| it.name == name) {
            if self.is_inside_close() {
                self.emitter.emit(Op::Close { from: label.free });
            }
            self.emitter.emit(Op::Jump { target: label.target as u32 });
            return;
        }
        // Where it leads is not known yet, and so is what it leaves.
        let close = match self.is_inside_close() {
            true => Some(self.emitter.emit(Op::Close { from: Reg::MAX })),
            false => None,
        };
        let jump = self.emitter.emit(Op::Jump { target: 0 });
        let (n_active, line) = (self.scopes.active.len(), self.emitter.line);
        self.scopes.gotos.push(PendingGoto { name, jump, close, n_active, line });
    }

    /// A label; `is_last` if no other statement follows in its block.
    pub(super) fn label_statement(&mut self, name: Str, is_last: bool) -> Compiled<()> {
        let mut labels = self.scopes.blocks.iter().flat_map(|it| &it.labels);
        if let Some(other) = labels.find(|it| it.name == name) {
            let (name, line) = (name.to_text(), other.line);
            return Err(self.error(&format!("label '{name}' already defined on line {line}")));
        }
        let block = self.scopes.blocks.last_mut().expect("inside of a function");
        // At the end of its block, a label is behind the scope of the block's locals.
        let n_active = if is_last { block.n_active } else { self.scopes.active.len() };
        let free = if is_last { block.first_free } else { self.free };
        let target = self.emitter.here();
        block.labels.push(Label { name, target, free, line: self.emitter.line });
        let first_goto = block.first_goto;
        let mut at = first_goto;
        while at < self.scopes.gotos.len() {
            if self.scopes.gotos[at].name != name {
                at += 1;
                continue;
            }
            let goto = self.scopes.gotos.remove(at);
            if goto.n_active < n_active {
                let local = self.scopes.infos[self.scopes.active[goto.n_active]].name.to_text();
                let (name, line) = (name.to_text(), goto.line);
                return Err(self.error(&format!(
                    "<goto {name}> at line {line} jumps into the scope of local '{local}'"
                )));
            }
            self.emitter.patch(goto.jump, target);
            if let Some(close) = goto.close {
                *self.emitter.op_mut(close) = Op::Close { from: free };
            }
        }
        Ok(())
    }
}
