//! Calls, returns, and errors on their way.

use super::Vm;
use super::error::{LuaError, Result};
use super::event::Event;
use super::frame::{Flow, Frame, FrameKind, Then};
use super::function::{Args, Closure, Native, Outcome};
use crate::compiler::op::OPEN;
use crate::compiler::proto::Proto;
use crate::gc::Gc;
use crate::value::Value;
use jitdriver::{dont_look_inside, jit, promote, unroll_safe};

/// How deep native functions may call back into the machine; the reference implementation's limit.
const MAX_HOST_DEPTH: usize = 195;

/// Slots that a native function finds behind its arguments.
const NATIVE_SLOTS: usize = 20;

/// So many arguments of a tail call are moved without another call.
pub(super) const FEW_ARGS: usize = 8;

impl<'p> Vm<'p> {
    /// Calls the value in slot `func` with the arguments behind it. A compiled function gets a frame and
    /// has not run yet when this returns.
    pub(super) fn call_value(&mut self, func: usize, n_args: usize, then: Then) -> Result<Flow> {
        match self.stack[func] {
            Value::Function(closure) => {
                self.push_frame(closure, func, n_args, then)?;
                Ok(Flow::Reload)
            }
            Value::Native(native) => self.call_native(native, func, n_args, then),
            other => self.call_metamethod(other, func, n_args, then),
        }
    }
}

#[jit]
impl<'p> Vm<'p> {
    /// Pushes a frame for a compiled function; its code and where its registers start.
    #[unroll_safe]
    #[inline(always)]
    pub(super) fn push_frame(
        &mut self,
        closure: Gc<Closure>,
        func: usize,
        n_args: usize,
        then: Then,
    ) -> Result<(&'p Proto, usize)> {
        let proto = promote(self.proto(closure));
        let n_params = usize::from(proto.n_params);
        let args = func + 1;
        let (base, n_extra) = match proto.is_vararg {
            true => (args + n_args, n_args.saturating_sub(n_params)),
            false => (args, 0),
        };
        self.ensure_stack(base + usize::from(proto.n_registers))?;
        if proto.is_vararg {
            let n_fixed = n_args.min(n_params);
            self.stack.copy_within(args..args + n_fixed, base);
        }
        for missing in n_args..n_params {
            self.stack[base + missing] = Value::Nil;
        }
        let kind = FrameKind::Code(closure);
        self.frames.push(Frame { kind, base, func, pc: 0, n_extra, then, is_tail: false });
        Ok((proto, base))
    }

    /// The same in the place of the running frame.
    #[unroll_safe]
    #[inline(always)]
    pub(super) fn replace_frame(
        &mut self,
        closure: Gc<Closure>,
        func: usize,
        n_args: usize,
    ) -> Result<(&'p Proto, usize)> {
        let Frame { func: place, then, .. } = *self.frame();
        for slot in 0..=n_args {
            self.stack[place + slot] = self.stack[func + slot];
        }
        self.frames.pop();
        let entered = self.push_frame(closure, place, n_args, then)?;
        self.frame_mut().is_tail = true;
        Ok(entered)
    }
}

#[jit]
impl<'p> Vm<'p> {
    pub(super) fn call_native(
        &mut self,
        native: Gc<Native>,
        func: usize,
        n_args: usize,
        then: Then,
    ) -> Result<Flow> {
        let args = Args { base: func + 1, count: n_args };
        self.top = args.base + n_args;
        self.ensure_stack(self.top + NATIVE_SLOTS)?;
        if self.heap.wants_collection() {
            self.safe_point(self.top);
        }
        let before = self.native;
        self.native = Some(native);
        let function = self.heap[native].function;
        let result = function(self, args);
        self.native = before;
        if result.is_err() {
            self.failed_native = Some(native);
        }
        match result? {
            Outcome::Return(n) => self.deliver(func, n, then),
            other => self.go_on(native, other, func, then),
        }
    }

    /// Hands `n` results in slot `func` and behind to whoever waits for them.
    #[inline]
    pub(super) fn deliver(&mut self, func: usize, n: usize, then: Then) -> Result<Flow> {
        match then {
            Then::Results { wanted } => {
                self.adjust_results(func, n, wanted);
                Ok(Flow::Next)
            }
            _ => self.deliver_elsewhere(func, n, then),
        }
    }
}

impl Vm<'_> {
    /// What a native function wants beside returning.
    #[cold]
    fn go_on(
        &mut self,
        native: Gc<Native>,
        outcome: Outcome,
        func: usize,
        then: Then,
    ) -> Result<Flow> {
        let mut mark = Frame {
            kind: FrameKind::Protected { native, has_handler: false },
            base: func + 1,
            func,
            pc: 0,
            n_extra: 0,
            then,
            is_tail: false,
        };
        match outcome {
            Outcome::Return(n) => self.deliver(func, n, then),
            Outcome::TailCall { n_args } => {
                let end = func + 2 + n_args;
                self.stack.copy_within(func + 1..end, func);
                self.call_value(func, n_args, then)
            }
            Outcome::Protected { n_args } => {
                self.frames.push(mark);
                self.call_value(func + 1, n_args, Then::Protected)
            }
            Outcome::ProtectedWithHandler { n_args } => {
                mark.kind = FrameKind::Protected { native, has_handler: true };
                self.frames.push(mark);
                self.call_value(func + 2, n_args, Then::Protected)
            }
            Outcome::Resume { n_args, wraps } => {
                let flow = self.resume(func, n_args, then, wraps);
                flow.inspect_err(|_| self.failed_native = self.failed_native.or(Some(native)))
            }
            Outcome::Yield { n_args } => {
                let flow = self.suspend(func, n_args, then);
                flow.inspect_err(|_| self.failed_native = Some(native))
            }
        }
    }

    #[cold]
    fn call_metamethod(
        &mut self,
        callee: Value,
        func: usize,
        n_args: usize,
        then: Then,
    ) -> Result<Flow> {
        let handler = self.metamethod(callee, Event::Call);
        if handler.is_nil() {
            return Err(self.call_error(callee));
        }
        let end = func + 1 + n_args;
        self.ensure_stack(end + 1)?;
        self.stack.copy_within(func..end, func + 1);
        self.stack[func] = handler;
        self.call_value(func, n_args + 1, then)
    }
}

#[jit]
impl<'p> Vm<'p> {
    #[unroll_safe]
    #[inline]
    pub(super) fn adjust_results(&mut self, func: usize, n: usize, wanted: u8) {
        if wanted == OPEN {
            self.top = func + n;
        } else {
            for missing in n..usize::from(wanted) {
                self.stack[func + missing] = Value::Nil;
            }
        }
    }

    #[dont_look_inside]
    fn deliver_elsewhere(&mut self, func: usize, n: usize, then: Then) -> Result<Flow> {
        let first = if n > 0 { self.stack[func] } else { Value::Nil };
        match then {
            Then::Results { .. } | Then::Discard => Ok(Flow::Next),
            Then::Register(reg) => {
                let base = self.frame().base;
                self.stack[base + usize::from(reg)] = first;
                Ok(Flow::Next)
            }
            Then::Jump { expect, target } => {
                if first.is_truthy() == expect {
                    self.frame_mut().pc = target as usize;
                }
                Ok(Flow::Reload)
            }
            Then::Concat { first: start, at, dst } => {
                let base = self.frame().base;
                self.stack[base + usize::from(at)] = first;
                let n = usize::from(at - start) + 1;
                self.concat(base + usize::from(start), n, start, dst)
            }
            Then::Protected => {
                let mark = self.frames.pop().expect("a protected call has a frame");
                self.put_results(mark.func, &[Value::from(true)])?;
                self.stack.copy_within(func..func + n, mark.func + 1);
                self.ensure_stack(mark.func + 1 + n.max(usize::from(OPEN)))?;
                let flow = self.deliver(mark.func, n + 1, mark.then)?;
                Ok(if flow == Flow::Next { Flow::Reload } else { flow })
            }
            Then::Host => {
                self.frames.pop();
                self.top = func + n;
                Ok(Flow::Exit)
            }
            Then::Coroutine => self.finish_coroutine(func, n),
        }
    }

    /// Returns `n` values in slot `first` and behind from the innermost frame.
    #[inline(always)]
    pub(super) fn return_from_frame(&mut self, first: usize, n: usize) -> Result<Flow> {
        let Some(frame) = self.frames.pop() else { return Ok(Flow::Exit) };
        if let Then::Results { wanted } = frame.then {
            // The usual numbers do not need a loop in a library.
            if n == 1 {
                self.stack[frame.func] = self.stack[first];
            } else {
                self.stack.copy_within(first..first + n, frame.func);
            }
            self.adjust_results(frame.func, n, wanted);
            return Ok(Flow::Reload);
        }
        self.stack.copy_within(first..first + n, frame.func);
        let flow = self.deliver(frame.func, n, frame.then)?;
        Ok(if flow == Flow::Next { Flow::Reload } else { flow })
    }

    /// The innermost frame.
    pub(super) fn frame(&self) -> &Frame {
        self.frames.last().expect("a running program has a frame")
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a running program has a frame")
    }
}

impl Vm<'_> {
    /// The end of the innermost frame's registers.
    pub(super) fn frame_top(&self) -> usize {
        match self.frames.last() {
            None => 1,
            Some(frame) => match frame.kind {
                FrameKind::Code(closure) => {
                    frame.base + usize::from(self.proto(closure).n_registers)
                }
                _ => frame.func + 2,
            },
        }
    }

    /// Calls a metamethod of the running frame; the arguments go behind its registers.
    pub(super) fn call_handler(
        &mut self,
        handler: Value,
        args: &[Value],
        then: Then,
    ) -> Result<Flow> {
        let func = self.frame_top().max(self.top_if_native());
        self.ensure_stack(func + 1 + args.len())?;
        self.stack[func] = handler;
        self.stack[func + 1..func + 1 + args.len()].copy_from_slice(args);
        self.call_value(func, args.len(), then)
    }

    fn top_if_native(&self) -> usize {
        if matches!(self.frame().kind, FrameKind::Code(_)) { 0 } else { self.top }
    }

    /// Calls a function from native code and waits for it. The results are in the slot that this answers
    /// and behind, so many of them.
    pub fn call(&mut self, function: Value, args: &[Value]) -> Result<(usize, usize)> {
        if self.host_depth >= MAX_HOST_DEPTH + 20 * self.handler_depth.min(1) {
            return Err(self.error("C stack overflow"));
        }
        let slot = self.top;
        self.ensure_stack(slot + 1 + args.len())?;
        self.stack[slot] = function;
        self.stack[slot + 1..slot + 1 + args.len()].copy_from_slice(args);
        self.top = slot + 1 + args.len();
        let catches = std::mem::take(&mut self.catches_next);
        let (kind, then) = (FrameKind::Host { native: self.native, catches }, Then::Host);
        self.frames.push(Frame {
            kind,
            base: slot,
            func: slot,
            pc: 0,
            n_extra: 0,
            then,
            is_tail: false,
        });
        let native = self.native.take();
        self.host_depth += 1;
        self.n_host_calls += 1;
        let result = self.call_and_wait(slot, args.len());
        self.host_depth -= 1;
        self.n_host_calls -= 1;
        self.native = native;
        let n = self.top.saturating_sub(slot);
        self.top = slot;
        result.map(|()| (slot, n))
    }

    /// Runs `work`, whose error the caller looks at: message handlers further out do not see it.
    pub fn catching<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.catches_next = true;
        let result = work(self);
        self.catches_next = false;
        result
    }

    fn call_and_wait(&mut self, slot: usize, n_args: usize) -> Result<()> {
        let flow = match self.call_value(slot, n_args, Then::Host) {
            Ok(flow) => flow,
            Err(error) => self.recover(error)?,
        };
        if flow == Flow::Exit { Ok(()) } else { self.execute() }
    }

    /// Calls a function from native code; its first result.
    pub fn call_for_one(&mut self, function: Value, args: &[Value]) -> Result<Value> {
        let (slot, n) = self.call(function, args)?;
        Ok(if n > 0 { self.stack[slot] } else { Value::Nil })
    }

    /// Takes an error to whoever catches it. Fails if that is the host.
    pub(super) fn recover(&mut self, error: Box<LuaError>) -> Result<Flow> {
        let mut error = self.handled(error);
        loop {
            let catches = |it: &Frame| !matches!(it.kind, FrameKind::Code(_));
            let flow = match self.frames.iter().rposition(catches) {
                Some(at) => self.unwind_to(at, error)?,
                None => self.fail_coroutine(error),
            };
            match flow {
                Ok(flow) => return Ok(flow),
                Err(new) => error = self.handled(new),
            }
        }
    }

    /// Leaves all frames from a mark on. The outer failure is for the host.
    fn unwind_to(&mut self, at: usize, error: Box<LuaError>) -> Result<Result<Flow>> {
        let mark = self.frames[at];
        let error = match self.unwind_slots(at, error) {
            Ok(error) => error,
            Err(error) => error,
        };
        self.frames.truncate(at);
        self.failed_native = None;
        if matches!(mark.kind, FrameKind::Host { .. }) {
            return Err(error);
        }
        if let Err(error) = self.put_results(mark.func, &[Value::from(false), error.value]) {
            return Ok(Err(error));
        }
        Ok(self.deliver(mark.func, 2, mark.then).map(|flow| match flow {
            Flow::Next => Flow::Reload,
            other => other,
        }))
    }

    /// Closes the variables of the frames from `at` on; the error that goes on.
    fn unwind_slots(&mut self, at: usize, error: Box<LuaError>) -> Result<Box<LuaError>> {
        let func = self.frames[at].func;
        if self.to_close.last().is_none_or(|&it| it < func) {
            return Ok(error);
        }
        self.frames.truncate(at + 1);
        self.top = self.to_close.last().map_or(self.top, |it| it + 2).max(func + 3);
        match self.close_slots(func, Some(error)) {
            Ok(()) => unreachable!("closing with an error ends with an error"),
            Err(error) => Ok(error),
        }
    }

    /// Lets the message handler around see the error, once.
    fn handled(&mut self, mut error: Box<LuaError>) -> Box<LuaError> {
        let protects = |it: &&Frame| {
            matches!(it.kind, FrameKind::Protected { .. } | FrameKind::Host { catches: true, .. })
        };
        let Some(mark) = self.frames.iter().rev().find(protects) else {
            if self.current == self.main && !error.is_handled {
                error.is_handled = true;
                error.value = self.final_message(error.value);
            }
            return error;
        };
        let has_handler = matches!(mark.kind, FrameKind::Protected { has_handler: true, .. });
        if !has_handler || error.is_handled {
            return error;
        }
        error.is_handled = true;
        let handler = self.stack[mark.func + 1];
        if self.handler_depth > 0 {
            // An error in a message handler.
            return error;
        }
        self.handler_depth += 1;
        self.top = self.top.max(self.frame_top());
        let native = std::mem::replace(&mut self.native, self.failed_native);
        let result = self.call_for_one(handler, &[error.value]);
        self.native = native;
        self.handler_depth -= 1;
        match result {
            Ok(value) => error.value = value,
            Err(inner) => {
                error.value = inner.value;
            }
        }
        error
    }

    /// What becomes of an error that nobody catches: its text with a traceback, as the host's message
    /// handler makes it.
    fn final_message(&mut self, value: Value) -> Value {
        let mut text = match value {
            Value::Str(_) | Value::Int(_) | Value::Float(_) => self.plain_text(value),
            _ if !self.metamethod(value, Event::ToString).is_nil() => {
                self.top = self.top.max(self.frame_top());
                let text = self.tostring(value).unwrap_or_default();
                return self.str(&text);
            }
            _ => format!("(error object is a {} value)", value.type_name()).into_bytes(),
        };
        text.push(b'\n');
        text.extend_from_slice(&self.traceback(&self.frames, self.running_native(), 0));
        self.str(&text)
    }

    /// Closes variables in slots from `from` on, the last first. `error` is why, if it is one; an error
    /// that is left afterwards is the result.
    pub(super) fn close_slots(
        &mut self,
        from: usize,
        mut error: Option<Box<LuaError>>,
    ) -> Result<()> {
        while let Some(slot) = self.to_close.pop_if(|it| *it >= from) {
            let value = self.stack[slot];
            self.top = self.top.max(slot + 2);
            // The error has to survive collections while it is nowhere else.
            let reason = error.as_ref().map(|it| it.value);
            self.ensure_stack(self.top + 1)?;
            self.stack[self.top] = reason.unwrap_or_default();
            self.top += 1;
            let result = self.call_close(value, reason);
            self.top -= 1;
            if let Err(new) = result {
                error = Some(new);
            }
        }
        match error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Calls `__close` of a value.
    pub(super) fn call_close(&mut self, value: Value, error: Option<Value>) -> Result<()> {
        let handler = self.metamethod(value, Event::Close);
        if handler.is_nil() {
            return Err(self.error("metamethod 'close' is missing"));
        }
        let error = error.unwrap_or_default();
        self.call(handler, &[value, error]).map(|_| ())
    }

    /// Marks the variable in a slot to be closed, unless it is nil or false.
    pub(super) fn mark_to_close(&mut self, slot: usize, name: &str) -> Result<()> {
        let value = self.stack[slot];
        if !value.is_truthy() {
            return Ok(());
        }
        if self.metamethod(value, Event::Close).is_nil() {
            let message = format!("variable '{name}' got a non-closable value");
            return Err(self.error(&message));
        }
        self.to_close.push(slot);
        Ok(())
    }
}
