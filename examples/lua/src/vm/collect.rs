//! The safe point: where the heap may be collected.

#![expect(unsafe_code, reason = "answers for what a collection frees")]

use super::Vm;
use super::coroutine::mark_frame;
use super::event::Event;
use super::frame::FrameKind;
use crate::gc::Marker;
use crate::value::Value;
use jitdriver::jit;

#[jit]
impl Vm<'_> {
    /// Collects if enough has been allocated. The running frame's registers are all that it uses.
    #[inline(always)]
    pub(super) fn collect_if_due(&mut self) {
        if self.heap.wants_collection() {
            self.collect_now();
        }
    }
}

impl Vm<'_> {
    #[cold]
    fn collect_now(&mut self) {
        let top = self.frame_top();
        self.top = top;
        self.safe_point(top);
    }

    /// Collects. What is used afterwards is on the stack below `top`, or reachable from there, from frames,
    /// or from the machine's own tables. Then finalizers run.
    #[cold]
    pub fn safe_point(&mut self, top: usize) {
        let top = top.min(self.stack.len());
        // What is left over behind the top may be freed now, so nobody may see it later.
        self.stack[top..].fill(Value::Nil);
        let Vm { heap, stack, frames, globals, loaded, current, main, .. } = self;
        let natives = self.native.into_iter().chain(self.failed_native);
        let metatables = self.string_metatable.into_iter().chain(self.file_metatable);
        let values = stack[..top].iter().chain(&self.default_files).chain(&self.held);
        let roots = |marker: &mut Marker| {
            values.for_each(|it| marker.mark(*it));
            frames.iter().for_each(|it| mark_frame(it, marker));
            [*globals, *loaded].into_iter().chain(metatables).for_each(|it| marker.mark_object(it));
            [*current, *main].into_iter().for_each(|it| marker.mark_object(it));
            natives.for_each(|it| marker.mark_object(it));
        };
        // SAFETY: what the machine uses is among the roots: the stack below `top`, frames, and its own
        // tables. Native functions that call back keep what they need on the stack below their `top`, or
        // in `held`. No reference into an object lives across this call: `heap` is borrowed mutably.
        unsafe { heap.collect(roots) };
        self.run_finalizers();
    }

    /// Calls `__gc` of tables that were found dead. Errors in it are nobody's.
    fn run_finalizers(&mut self) {
        if self.is_finalizing || self.heap.pending_finalizers.is_empty() {
            return;
        }
        self.is_finalizing = true;
        let top = self.top;
        while let Some(table) = self.heap.pending_finalizers.pop() {
            let handler = self.metamethod(Value::Table(table), Event::Gc);
            if handler.is_function() {
                // An open list must not be overwritten.
                self.top = self.top.max(self.frame_top_for_finalizer());
                let _ = self.catching(|vm| vm.call(handler, &[Value::Table(table)]));
            }
        }
        self.top = top;
        self.is_finalizing = false;
    }

    fn frame_top_for_finalizer(&self) -> usize {
        let is_code = self.frames.last().is_some_and(|it| matches!(it.kind, FrameKind::Code(_)));
        if is_code { self.frame_top() } else { 0 }
    }

    /// Calls all finalizers at the end of a program.
    pub fn finalize_all(&mut self) {
        let tables = self.heap.take_finalizable();
        self.heap.pending_finalizers.extend(tables);
        self.run_finalizers();
    }
}
