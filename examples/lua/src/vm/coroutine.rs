//! Coroutines: each has a stack and frames of its own.
//!
//! The machine works on the stack and the frames of the running coroutine. Switching swaps them with
//! those in the coroutine's object, so a running coroutine's object is empty. No switch needs a stack of
//! the host: `resume` and `yield` are steps of the loop in [`super::execute`].

use super::Vm;
use super::error::{LuaError, Result};
use super::frame::{Flow, Frame, FrameKind, Then};
use crate::gc::{Gc, Gray, Heap, Marker, Object};
use crate::value::Value;
use std::mem;

/// A thread of the language.
pub struct Coroutine {
    pub status: Status,
    pub(super) stack: Vec<Value>,
    pub(super) frames: Vec<Frame>,
    /// Slots of variables to be closed.
    pub(super) to_close: Vec<usize>,
    /// Native functions that wait for a call in it; it cannot yield then.
    pub(super) n_host_calls: usize,
    /// Who resumed it, and where the results go there.
    resumer: Option<Resumer>,
    /// Where the values go that it is resumed with.
    waiting: Option<(usize, Then)>,
    /// What killed it.
    error: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Suspended,
    Running,
    /// It has resumed another one.
    Normal,
    Dead,
}

#[derive(Clone, Copy)]
struct Resumer {
    coroutine: Gc<Coroutine>,
    func: usize,
    then: Then,
    wraps: bool,
}

/// Coroutines that resume one another; as many as the reference implementation allows.
const MAX_NESTING: usize = 195;

impl Coroutine {
    /// The one that a program starts in.
    pub fn main() -> Coroutine {
        Coroutine {
            status: Status::Running,
            stack: Vec::new(),
            frames: Vec::new(),
            to_close: Vec::new(),
            n_host_calls: 0,
            resumer: None,
            waiting: None,
            error: None,
        }
    }

    /// A new one that will call `function`.
    pub fn new(function: Value) -> Coroutine {
        let mut new = Coroutine::main();
        new.status = Status::Suspended;
        new.stack.push(function);
        new
    }
}

impl Vm<'_> {
    /// The object of the running coroutine, and whether it is the main one.
    pub fn running(&self) -> (Gc<Coroutine>, bool) {
        (self.current, self.current == self.main)
    }

    /// Whether `yield` is possible.
    pub fn is_yieldable(&self) -> bool {
        self.current != self.main && self.n_host_calls == 0
    }

    /// Swaps the machine's state with that in a coroutine's object.
    fn swap_with(&mut self, coroutine: Gc<Coroutine>) {
        let other = &mut self.heap[coroutine];
        mem::swap(&mut self.stack, &mut other.stack);
        mem::swap(&mut self.frames, &mut other.frames);
        mem::swap(&mut self.to_close, &mut other.to_close);
        mem::swap(&mut self.n_host_calls, &mut other.n_host_calls);
    }

    /// Resumes the coroutine in the slot behind `func` with the arguments behind that.
    pub(super) fn resume(
        &mut self,
        func: usize,
        n_args: usize,
        then: Then,
        wraps: bool,
    ) -> Result<Flow> {
        let Value::Thread(coroutine) = self.stack[func + 1] else {
            return Err(self.error("coroutine expected"));
        };
        if let Some(message) = self.cannot_resume(coroutine) {
            return self.refuse_resume(func, then, wraps, message);
        }
        let args = func + 2..func + 2 + n_args;
        let values: Vec<Value> = self.stack[args].to_vec();
        let top = self.frame_top().max(func + 1);
        self.stack.truncate(top);
        self.heap[self.current].status = Status::Normal;
        let resumer = Resumer { coroutine: self.current, func, then, wraps };
        self.swap_with(self.current);
        self.swap_with(coroutine);
        self.current = coroutine;
        self.n_resumed += 1;
        let it = &mut self.heap[coroutine];
        it.status = Status::Running;
        it.resumer = Some(resumer);
        match it.waiting.take() {
            None => {
                self.stack.truncate(1);
                self.stack.extend_from_slice(&values);
                self.call_value(0, values.len(), Then::Coroutine)
            }
            Some((slot, then)) => {
                self.put_results(slot, &values)?;
                let flow = self.deliver(slot, values.len(), then)?;
                Ok(if flow == Flow::Exit { flow } else { Flow::Reload })
            }
        }
    }

    fn cannot_resume(&self, coroutine: Gc<Coroutine>) -> Option<&'static str> {
        match self.heap[coroutine].status {
            Status::Dead => Some("cannot resume dead coroutine"),
            Status::Running | Status::Normal => Some("cannot resume non-suspended coroutine"),
            Status::Suspended if self.n_resumed >= MAX_NESTING => Some("C stack overflow"),
            Status::Suspended => None,
        }
    }

    fn refuse_resume(
        &mut self,
        func: usize,
        then: Then,
        wraps: bool,
        message: &str,
    ) -> Result<Flow> {
        if wraps {
            return Err(self.error(message));
        }
        let message = self.str(message.as_bytes());
        self.put_results(func, &[Value::from(false), message])?;
        self.deliver(func, 2, then)
    }

    /// Suspends the running coroutine: its resumer gets the values behind `func`.
    pub(super) fn suspend(&mut self, func: usize, n_args: usize, then: Then) -> Result<Flow> {
        if self.current == self.main {
            let message = self.str(b"attempt to yield from outside a coroutine");
            return Err(LuaError::new(message));
        }
        if self.n_host_calls > 0 {
            let message = self.str(b"attempt to yield across a C-call boundary");
            return Err(LuaError::new(message));
        }
        let values: Vec<Value> = self.stack[func + 1..func + 1 + n_args].to_vec();
        let top = self.frame_top().max(func + 1);
        self.stack.truncate(top);
        let it = &mut self.heap[self.current];
        it.waiting = Some((func, then));
        it.status = Status::Suspended;
        self.back_to_resumer(Ok(values))
    }

    /// Ends the running coroutine with results.
    pub(super) fn finish_coroutine(&mut self, func: usize, n: usize) -> Result<Flow> {
        let values: Vec<Value> = self.stack[func..func + n].to_vec();
        self.heap[self.current].status = Status::Dead;
        self.back_to_resumer(Ok(values))
    }

    /// Ends the running coroutine with an error.
    pub(super) fn fail_coroutine(&mut self, error: Box<LuaError>) -> Result<Flow> {
        let current = self.current;
        self.heap[current].status = Status::Dead;
        self.heap[current].error = Some(error.value);
        let wraps = self.heap[current].resumer.is_some_and(|it| it.wraps);
        let error = if wraps { self.close_slots(0, Some(error)).err() } else { Some(error) };
        match error {
            Some(error) => self.back_to_resumer(Err(error)),
            None => self.back_to_resumer(Ok(Vec::new())),
        }
    }

    fn back_to_resumer(
        &mut self,
        result: std::result::Result<Vec<Value>, Box<LuaError>>,
    ) -> Result<Flow> {
        let coroutine = self.current;
        let resumer = self.heap[coroutine].resumer.take().expect("a running coroutine was resumed");
        let is_dead = self.heap[coroutine].status == Status::Dead;
        self.swap_with(coroutine);
        self.swap_with(resumer.coroutine);
        if is_dead && result.is_ok() {
            let it = &mut self.heap[coroutine];
            (it.stack, it.frames) = (Vec::new(), Vec::new());
        }
        self.current = resumer.coroutine;
        self.n_resumed -= 1;
        self.heap[resumer.coroutine].status = Status::Running;
        let top = self.frame_top();
        self.ensure_stack(top)?;
        let mut values = match result {
            Ok(values) => values,
            Err(error) if resumer.wraps => {
                if let Value::Native(native) = self.stack[resumer.func] {
                    self.failed_native = Some(native);
                }
                return Err(self.error_from_coroutine(error));
            }
            Err(error) => vec![error.value],
        };
        if !resumer.wraps {
            let is_ok = self.heap[coroutine].error.is_none();
            values.insert(0, Value::from(is_ok));
        }
        self.put_results(resumer.func, &values)?;
        let flow = self.deliver(resumer.func, values.len(), resumer.then)?;
        Ok(if flow == Flow::Exit { flow } else { Flow::Reload })
    }

    /// An error that comes out of `wrap` gets the position of the call in front, if it is a string.
    fn error_from_coroutine(&mut self, error: Box<LuaError>) -> Box<LuaError> {
        let Value::Str(text) = error.value else { return error };
        let mut message = self.position();
        message.extend_from_slice(text.as_bytes());
        let value = Value::Str(self.heap.str(&message));
        Box::new(LuaError { value, ..*error })
    }

    /// Closes a coroutine that is suspended or dead; the error that this leaves, if any.
    pub fn close_coroutine(&mut self, coroutine: Gc<Coroutine>) -> Result<()> {
        let it = &mut self.heap[coroutine];
        it.status = Status::Dead;
        it.waiting = None;
        let slots = mem::take(&mut it.to_close);
        it.frames.clear();
        let stack = mem::take(&mut it.stack);
        let mut error = self.heap[coroutine].error.take().map(LuaError::new);
        // The handlers may collect.
        let n_held = self.held.len();
        self.held.extend(slots.iter().map(|&slot| stack[slot]));
        for at in (n_held..self.held.len()).rev() {
            let reason = error.as_ref().map(|it| it.value);
            let value = std::mem::replace(&mut self.held[at], reason.unwrap_or_default());
            if let Err(new) = self.catching(|vm| vm.call_close(value, reason)) {
                error = Some(new);
            }
        }
        self.held.truncate(n_held);
        match error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Lines of the traceback of a coroutine that is not running.
    pub fn frames_of(&self, coroutine: Gc<Coroutine>) -> &[Frame] {
        if coroutine == self.current { &self.frames } else { &self.heap[coroutine].frames }
    }
}

impl Object for Coroutine {
    fn trace(&self, marker: &mut Marker) {
        for &value in &self.stack {
            marker.mark(value);
        }
        for frame in &self.frames {
            mark_frame(frame, marker);
        }
        if let Some(resumer) = self.resumer {
            marker.mark_object(resumer.coroutine);
        }
        if let Some(error) = self.error {
            marker.mark(error);
        }
    }

    fn size(&self) -> usize {
        size_of::<Coroutine>()
            + self.stack.capacity() * size_of::<Value>()
            + self.frames.capacity() * size_of::<Frame>()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Coroutine>> {
        &mut heap.coroutines
    }

    fn gray(handle: Gc<Coroutine>) -> Gray {
        Gray::Coroutine(handle)
    }
}

/// Marks what a frame refers to.
pub fn mark_frame(frame: &Frame, marker: &mut Marker) {
    match frame.kind {
        FrameKind::Code(closure) => marker.mark_object(closure),
        FrameKind::Protected { native, .. } | FrameKind::Host { native: Some(native), .. } => {
            marker.mark_object(native);
        }
        FrameKind::Host { native: None, .. } => {}
    }
}
