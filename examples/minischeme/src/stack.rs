//! A thread with room for [`MAX_DEPTH`](crate::MAX_DEPTH) nested evaluations.

use std::panic;
use std::thread;

/// Bytes of stack. In builds without optimization the deepest recursion through built-in procedures
/// takes a bit less than half of it; what is not used is never touched.
const STACK_SIZE: usize = 512 << 20;

/// Runs `work` on a thread whose stack is large enough for every program.
pub fn with_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(STACK_SIZE).spawn(work);
    match thread.expect("a thread can be started").join() {
        Ok(result) => result,
        Err(payload) => panic::resume_unwind(payload),
    }
}
