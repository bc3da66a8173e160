//! Functions: closures of compiled code, and native ones.

use super::Vm;
use super::error::Result;
use crate::compiler::proto::ProtoId;
use crate::gc::{Gc, Gray, Heap, Marker, Object};
use crate::value::Value;
use jitdriver::{Traceable, jit};

/// A compiled function with its upvalues.
pub struct Closure {
    pub proto: ProtoId,
    /// Values that never change, or boxes.
    pub upvalues: Vec<Value>,
}

/// A function of the host.
pub struct Native {
    pub function: NativeFn,
    pub upvalues: Vec<Value>,
}

/// What a native function is. The results it returns are on the stack from the function's slot on.
pub type NativeFn = fn(&mut Vm<'_>, Args) -> Result<Outcome>;

/// Where the arguments of a native function are on the stack.
#[derive(Clone, Copy, Traceable)]
pub struct Args {
    pub base: usize,
    pub count: usize,
}

#[jit]
impl Args {
    /// The slot of the function, where its results go.
    pub fn func(self) -> usize {
        self.base - 1
    }

    /// The arguments without the first `n`.
    pub fn skip(self, n: usize) -> Args {
        Args { base: self.base + n, count: self.count.saturating_sub(n) }
    }
}

/// What a native function wants to happen next.
#[derive(Clone, Copy, Traceable)]
#[repr(u8)]
pub enum Outcome {
    /// It is done, with so many results.
    Return(usize),
    /// Its results are those of a call: the function is in the slot behind its own, then come so many
    /// arguments.
    TailCall { n_args: usize },
    /// Like `TailCall`, but errors end there: the results are `true` and those of the call, or `false`
    /// and the error.
    Protected { n_args: usize },
    /// Like `Protected`, with a message handler in the slot behind its own, before the function.
    ProtectedWithHandler { n_args: usize },
    /// It resumes the coroutine in the slot behind its own with the arguments behind that. `wraps` if
    /// errors go on and no status comes before the results.
    Resume { n_args: usize, wraps: bool },
    /// It suspends the running coroutine; its arguments are what `resume` returns.
    Yield { n_args: usize },
}

impl Object for Closure {
    fn trace(&self, marker: &mut Marker) {
        for &value in &self.upvalues {
            marker.mark(value);
        }
    }

    fn size(&self) -> usize {
        size_of::<Closure>() + self.upvalues.capacity() * size_of::<Value>()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Closure>> {
        &mut heap.closures
    }

    fn gray(handle: Gc<Closure>) -> Gray {
        Gray::Closure(handle)
    }
}

impl Object for Native {
    fn trace(&self, marker: &mut Marker) {
        for &value in &self.upvalues {
            marker.mark(value);
        }
    }

    fn size(&self) -> usize {
        size_of::<Native>() + self.upvalues.capacity() * size_of::<Value>()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Native>> {
        &mut heap.natives
    }

    fn gray(handle: Gc<Native>) -> Gray {
        Gray::Native(handle)
    }
}
