//! What an author may be told of a driver, and asked.
//!
//! Greens are given as their words: an integer by its bits, a reference by its address.
//!
//! Invariants
//! 1. No cell of the driver is borrowed while a hook runs, so that it may look at statistics and parameters, or
//!    run programs.
//! 2. Memory is as the program has made it.
//! 3. A panic of a hook is the interpreter's own panic. It comes out of the portal as soon as the
//!    interpreter's state is whole: nothing is entered or recorded before, nothing is lost or dropped twice.

use crate::abort::Abort;
use crate::warm::CompiledTrace;

/// Hooks of one driver. Each does nothing unless it is written.
pub trait Hooks {
    /// Whether compiled code may be entered here, or a recording started. Asked only when one of
    /// them is about to happen.
    fn confirm_enter_jit(&self, greens: &[u64]) -> bool {
        let _ = greens;
        true
    }

    /// What a reader of logs should see for these greens: a line of the program, an instruction.
    fn get_printable_location(&self, greens: &[u64]) -> Option<String> {
        let _ = greens;
        None
    }

    /// A recording starts: from the interpreter, or from an exit of compiled code.
    fn on_trace_start(&self, greens: &[u64]) {
        let _ = greens;
    }

    /// A loop was compiled.
    fn on_compile(&self, trace: &CompiledTrace) {
        let _ = trace;
    }

    /// A bridge was compiled.
    fn on_compile_bridge(&self, trace: &CompiledTrace) {
        let _ = trace;
    }

    /// A recording was given up.
    fn on_abort(&self, reason: Abort, greens: &[u64]) {
        let _ = (reason, greens);
    }

    /// Compiled code is about to be entered.
    fn on_enter(&self, greens: &[u64]) {
        let _ = greens;
    }

    /// Compiled code was left. The interpreter, or other compiled code, goes on.
    fn on_exit(&self) {}
}
