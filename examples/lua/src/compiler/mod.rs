//! From a syntax tree to instructions.
//!
//! - A local lives in a register, except that one which inner functions share and somebody assigns to
//!   lives in a box on the heap, and its register holds the box. A variable that never changes is copied
//!   into the closures that use it. So a closure never refers to the stack of a running function.
//! - A condition becomes jumps; a truth value is made only where one is asked for.
//! - An expression is compiled *to* a register that holds nothing of use yet, so its parts may be
//!   computed right there.

mod assign;
mod blocks;
mod condition;
mod emit;
mod expression;
mod fold;
mod statement;

pub mod op;
pub mod proto;

use crate::string::Str;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Function, UpvalueSource};
use blocks::Scopes;
use emit::Emitter;
use op::Reg;
use proto::{Capture, DebugInfo, Proto, ProtoId};

/// Compiles a chunk. Its prototypes get numbers from `first_id` on; the last is the chunk's.
pub fn compile(chunk: &Function, source: Str, first_id: usize) -> Result<Vec<Proto>, SyntaxError> {
    let mut output = Output { protos: Vec::new(), first_id, source };
    let is_shared = vec![chunk.is_env_assigned];
    let main = FunctionCompiler::compile(chunk, is_shared, Vec::new(), &mut output)?;
    output.protos.push(main);
    Ok(output.protos)
}

/// What has been compiled.
struct Output {
    protos: Vec<Proto>,
    first_id: usize,
    source: Str,
}

impl Output {
    fn add(&mut self, proto: Proto) -> ProtoId {
        self.protos.push(proto);
        ProtoId((self.first_id + self.protos.len() - 1) as u32)
    }
}

type Compiled<T> = Result<T, SyntaxError>;

/// The state of compiling one function.
struct FunctionCompiler<'a> {
    function: &'a Function,
    emitter: Emitter,
    scopes: Scopes,
    /// The register of each local, once it is in scope.
    registers: Vec<Option<Reg>>,
    /// Whether an upvalue is a box.
    is_shared: Vec<bool>,
    children: Vec<ProtoId>,
    /// The first register that is not in use.
    free: Reg,
    max_registers: Reg,
    output: &'a mut Output,
}

impl<'a> FunctionCompiler<'a> {
    fn compile(
        function: &'a Function,
        is_shared: Vec<bool>,
        captures: Vec<Capture>,
        output: &'a mut Output,
    ) -> Compiled<Proto> {
        let source = output.source;
        let mut compiler = FunctionCompiler {
            function,
            emitter: Emitter::default(),
            scopes: Scopes::default(),
            registers: vec![None; function.locals.len()],
            is_shared,
            children: Vec::new(),
            free: 0,
            max_registers: 2,
            output,
        };
        compiler.emitter.line = function.line;
        compiler.whole_function()?;
        let (children, n_registers) = (compiler.children, compiler.max_registers);
        let (code, constants, lines) = compiler.emitter.finish();
        let debug = DebugInfo {
            source,
            lines,
            line: function.line,
            end_line: function.end_line,
            locals: compiler.scopes.infos,
            upvalues: function.upvalues.iter().map(|it| it.name).collect(),
        };
        Ok(Proto {
            code,
            constants,
            children,
            captures,
            n_params: function.n_params as u8,
            is_vararg: function.is_vararg,
            n_registers,
            debug,
        })
    }

    fn whole_function(&mut self) -> Compiled<()> {
        self.enter_block(false);
        for local in 0..self.function.n_params {
            let reg = self.allocate()?;
            self.activate(local, reg);
        }
        self.statements(&self.function.body.statements)?;
        self.emitter.line = self.function.end_line;
        self.leave_block()?;
        self.emitter.emit(op::Op::ReturnNone);
        Ok(())
    }

    /// Compiles an inner function; `itself` is the local that is being initialized with it.
    fn child(&mut self, function: &Function, itself: Option<usize>) -> Compiled<u32> {
        let mut captures = Vec::new();
        let mut is_shared = Vec::new();
        for upvalue in &function.upvalues {
            match upvalue.source {
                UpvalueSource::Local(local) if Some(local) == itself => {
                    captures.push(Capture::Itself);
                    is_shared.push(false);
                }
                UpvalueSource::Local(local) => {
                    let reg = self.registers[local].expect("a local that is in scope");
                    captures.push(Capture::Register(reg));
                    is_shared.push(self.function.locals[local].is_boxed());
                }
                UpvalueSource::Upvalue(index) => {
                    captures.push(Capture::Upvalue(index as u8));
                    is_shared.push(self.is_shared[index]);
                }
            }
        }
        if captures.len() > 255 {
            return Err(self.limit_error(function, "upvalues", 255));
        }
        let proto = FunctionCompiler::compile(function, is_shared, captures, self.output)?;
        let id = self.output.add(proto);
        self.children.push(id);
        Ok(self.children.len() as u32 - 1)
    }

    fn limit_error(&self, function: &Function, what: &str, limit: usize) -> SyntaxError {
        let place = match function.line {
            0 => "main function".to_string(),
            line => format!("function at line {line}"),
        };
        self.error(&format!("too many {what} (limit is {limit}) in {place}"))
    }

    fn error(&self, message: &str) -> SyntaxError {
        self.error_at(self.emitter.line, message)
    }

    fn error_at(&self, line: u32, message: &str) -> SyntaxError {
        let mut text = crate::syntax::chunk_id(self.output.source.as_bytes());
        text.extend_from_slice(format!(":{line}: {message}").as_bytes());
        SyntaxError(text)
    }

    /// A new register.
    fn allocate(&mut self) -> Compiled<Reg> {
        self.allocate_many(1)
    }

    /// New registers in a row; the first of them.
    fn allocate_many(&mut self, n: usize) -> Compiled<Reg> {
        let first = self.free;
        let end = usize::from(first) + n;
        if end > 250 {
            return Err(self.error("function or expression needs too many registers"));
        }
        self.free = end as Reg;
        self.max_registers = self.max_registers.max(self.free + 1);
        Ok(first)
    }
}
