//! The machine: its state and what the library may do with it.
//!
//! - [`execute`]: the loop over instructions.
//! - [`call`]: calls, returns, results, errors on their way.
//! - [`meta`]: operations on values that may call metamethods.
//! - [`coroutine`]: switching stacks.
//! - [`debug`]: names for messages, tracebacks.
//! - [`collect`]: the safe point.
//!
//! Registers of all frames of a coroutine are in one vector; a frame has its part from `base` on. Calls
//! between functions of the language push a frame and use no stack of the host. Native functions that
//! call back do, so their nesting is limited.

pub mod arith;
pub mod call;
mod collect;
pub mod coroutine;
pub mod debug;
pub mod error;
pub mod event;
mod execute;
pub mod frame;
pub mod function;
pub mod meta;
mod text;

use crate::compiler::proto::{Proto, ProtoId};
use crate::compiler::{self};
use crate::gc::{Captured, Gc, Heap};
use crate::string::Str;
use crate::syntax::{self, SyntaxError};
use crate::table::Table;
use crate::value::Value;
use coroutine::Coroutine;
use error::Result;
use event::Event;
use frame::Frame;
use function::{Closure, Native, NativeFn};
use jitdriver::{JitDriver, dont_look_inside, jit, promote};
use typed_arena::Arena;

/// Where prototypes live. They are never freed, so running code can hold references to them.
pub type Protos = Arena<Proto>;

/// The state of a program.
pub struct Vm<'p> {
    driver: &'p JitDriver<'p>,
    arena: &'p Protos,
    /// All prototypes by number.
    protos: Vec<&'p Proto>,
    pub heap: Heap,
    /// Registers of all frames of the running coroutine.
    pub stack: Vec<Value>,
    pub(crate) frames: Vec<Frame>,
    /// Slots of variables to be closed in the running coroutine, in order.
    to_close: Vec<usize>,
    /// The end of the values that an open list has, or of a native function's arguments.
    pub(crate) top: usize,
    /// The native function that runs.
    native: Option<Gc<Native>>,
    /// The native function that has thrown the error that is on its way.
    failed_native: Option<Gc<Native>>,
    current: Gc<Coroutine>,
    main: Gc<Coroutine>,
    /// Native functions in the running coroutine that wait for a call.
    n_host_calls: usize,
    /// The same in all coroutines.
    host_depth: usize,
    /// Coroutines that wait for one they have resumed.
    n_resumed: usize,
    /// Message handlers and finalizers may use a bit more stack.
    handler_depth: usize,
    pub globals: Gc<Table>,
    /// Modules by name: `package.loaded`.
    pub loaded: Gc<Table>,
    pub string_metatable: Option<Gc<Table>>,
    /// Of open files.
    pub file_metatable: Option<Gc<Table>>,
    /// Standard input and output, as `io.input` and `io.output` have set them.
    pub default_files: [Value; 2],
    event_names: [Str; Event::NAMES.len()],
    pub random: crate::stdlib::random::Xoshiro,
    is_finalizing: bool,
    /// Where strings are put together.
    buffer: Vec<u8>,
    /// What native code keeps beside the stack.
    pub held: Vec<Value>,
    /// The next call from native code catches errors.
    catches_next: bool,
    pub natives: KnownNatives,
    pub output: crate::stdlib::io::Output,
    /// Whether `warn` shows messages.
    pub warns: bool,
    /// The mode of the collector that the program believes in.
    pub gc_mode: &'static str,
    pub started: std::time::Instant,
}

/// Native functions that the machine hands out itself.
#[derive(Clone, Copy, Default)]
pub struct KnownNatives {
    pub next: Value,
    pub ipairs_next: Value,
}

impl<'p> Vm<'p> {
    /// A machine with the standard library.
    pub fn new(arena: &'p Protos, driver: &'p JitDriver<'p>) -> Vm<'p> {
        let mut heap = Heap::new();
        let event_names = std::array::from_fn(|at| heap.pinned(Event::NAMES[at].as_bytes()));
        let main = heap.alloc(Coroutine::main());
        let globals = heap.new_table(0, 0);
        let loaded = heap.new_table(0, 0);
        let mut vm = Vm {
            driver,
            arena,
            protos: Vec::new(),
            heap,
            stack: vec![Value::Nil; 64],
            frames: Vec::new(),
            to_close: Vec::new(),
            top: 1,
            native: None,
            failed_native: None,
            current: main,
            main,
            n_host_calls: 0,
            host_depth: 0,
            n_resumed: 0,
            handler_depth: 0,
            globals,
            loaded,
            string_metatable: None,
            file_metatable: None,
            default_files: [Value::Nil; 2],
            event_names,
            random: crate::stdlib::random::Xoshiro::default(),
            is_finalizing: false,
            buffer: Vec::new(),
            held: Vec::new(),
            catches_next: false,
            natives: KnownNatives::default(),
            output: crate::stdlib::io::Output::default(),
            warns: false,
            gc_mode: "incremental",
            started: std::time::Instant::now(),
        };
        crate::stdlib::open(&mut vm);
        vm
    }

    /// Compiles a chunk to a function whose globals are in `env`.
    pub fn load(
        &mut self,
        source: &[u8],
        name: &[u8],
        env: Value,
    ) -> std::result::Result<Value, SyntaxError> {
        let chunk = syntax::parse(source, name, &mut self.heap)?;
        let source_name = self.heap.pinned(name);
        let protos = compiler::compile(&chunk, source_name, self.protos.len())?;
        for proto in protos {
            self.protos.push(self.arena.alloc(proto));
        }
        let env = match chunk.is_env_assigned {
            true => Value::Captured(self.heap.alloc(Captured(env))),
            false => env,
        };
        let proto = ProtoId(self.protos.len() as u32 - 1);
        Ok(Value::Function(self.heap.alloc(Closure { proto, upvalues: vec![env] })))
    }
}

#[jit]
impl<'p> Vm<'p> {
    /// The prototype of a closure.
    pub fn proto(&self, closure: Gc<Closure>) -> &'p Proto {
        self.protos[self.heap[closure].proto.0 as usize]
    }
}

impl Vm<'_> {
    /// A string as a value.
    pub fn str(&mut self, bytes: &[u8]) -> Value {
        Value::Str(self.heap.str(bytes))
    }

    /// A native function as a value.
    pub fn native_function(&mut self, function: NativeFn, upvalues: Vec<Value>) -> Value {
        Value::Native(self.heap.alloc(Native { function, upvalues }))
    }

    /// Sets a field of a table without metamethods.
    pub fn set_field(&mut self, table: Gc<Table>, name: &str, value: Value) {
        let key = self.str(name.as_bytes());
        self.heap.table_set(table, key, value);
    }

    /// Reads a field of a table without metamethods.
    pub fn get_field(&mut self, table: Gc<Table>, name: &str) -> Value {
        let key = self.heap.str(name.as_bytes());
        self.heap[table].get_str(key)
    }
}

#[jit]
impl Vm<'_> {
    /// The name of an event as a string of the language.
    pub fn event_name(&self, event: Event) -> Str {
        self.event_names[event.index()]
    }

    /// The metatable of any value.
    pub fn metatable(&self, value: Value) -> Option<Gc<Table>> {
        match value {
            Value::Table(it) => self.heap[it].metatable(),
            Value::Str(_) => self.string_metatable,
            Value::Userdata(it) => Some(self.heap[it].metatable),
            _ => None,
        }
    }

    /// The metamethod of any value, or nil.
    #[inline]
    pub fn metamethod(&self, value: Value, event: Event) -> Value {
        match self.metatable(value) {
            Some(metatable) => self.metamethod_in(metatable, event),
            None => Value::Nil,
        }
    }

    /// The metamethod in a metatable, or nil. That it is absent is remembered.
    #[inline]
    pub fn metamethod_in(&self, metatable: Gc<Table>, event: Event) -> Value {
        let table = &self.heap[metatable];
        if table.lacks(event as u32) {
            return Value::Nil;
        }
        let value = table.get_str(promote(self.event_name(event)));
        if value.is_nil() {
            table.note_absent(event as u32);
        }
        value
    }

    /// Makes sure that there are slots up to `end`.
    #[inline]
    pub fn ensure_stack(&mut self, end: usize) -> Result<()> {
        if self.stack.len() < end { self.grow_stack(end) } else { Ok(()) }
    }

    #[cold]
    #[dont_look_inside]
    fn grow_stack(&mut self, end: usize) -> Result<()> {
        /// Slots that a coroutine may have; the reference implementation's limit.
        const MAX_STACK: usize = 1_000_000;
        /// What a message handler may use beyond that.
        const EXTRA: usize = 10_000;
        let max = if self.handler_depth > 0 { MAX_STACK + EXTRA } else { MAX_STACK };
        if end > max {
            return Err(self.op_error("stack overflow"));
        }
        let len = (end + 64).max(self.stack.len() * 2).min(MAX_STACK + EXTRA);
        self.stack.resize(len.max(end), Value::Nil);
        Ok(())
    }

    /// Writes results from a slot on.
    pub(crate) fn put_results(&mut self, slot: usize, values: &[Value]) -> Result<()> {
        self.ensure_stack(slot + values.len() + 1)?;
        self.stack[slot..slot + values.len()].copy_from_slice(values);
        Ok(())
    }
}
