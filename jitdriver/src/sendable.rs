//! A driver on its way to another thread.
#![expect(unsafe_code, reason = "lets another thread have what only one may have at a time")]

use crate::driver::JitDriver;
use metainterp::MetaInterp;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// A driver that can go to another thread, with its counters, parameters and compiled code:
/// [`JitDriver::into_sendable`].
///
/// A [`JitDriver`] itself cannot, for a program may have it moved while it is active, and then two threads would
/// have it:
///
/// ```compile_fail
/// let driver: jitdriver::JitDriver<'static> = jitdriver::JitDriver::new();
/// std::thread::spawn(move || driver.stats()); // error: `Rc<…>` cannot be sent between threads safely
/// ```
///
/// ```
/// use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
///
/// #[jit]
/// fn count(driver: &JitDriver<'_>, mode: u8, n: i64) -> i64 {
///     let mut n = n;
///     loop {
///         jit_merge_point!(driver, greens = [mode], reds = [n]);
///         if n == 0 {
///             return 0;
///         }
///         n -= 1;
///         can_enter_jit!(driver, greens = [mode], reds = [n]);
///     }
/// }
///
/// let driver = JitDriver::new();
/// count(&driver, 7, 10_000);
/// let sendable = driver.into_sendable().expect("it is not active, and has no hooks");
/// let stats = std::thread::spawn(move || {
///     let driver = sendable.into_driver();
///     count(&driver, 7, 10_000);
///     driver.stats()
/// });
/// let stats = stats.join().unwrap();
/// // The second thread has entered what the first has compiled.
/// assert_eq!((stats.tracings, stats.loops, stats.freed), (1, 1, 0));
/// assert_eq!(stats.entered, 2);
/// ```
pub struct SendableDriver<'p> {
    meta: Rc<MetaInterp>,
    driver: PhantomData<JitDriver<'p>>,
}

// SAFETY: there is no other reference to the meta-interpreter, since `into_sendable` has looked and nobody gets one
// from here. What that has is its own, in whatever counted references (cells, exits, functions that look for
// code): they are handed out to recordings, and none is going on. Its backend is `Send`. What else it may share
// with the thread that it leaves, `MetaInterp::prepare_to_move` has let go: hooks, weak counts of programs, validities.
// Compiled code is entered by greens, so what it refers to, the thread that enters it has too; but for answers
// of elidable functions, with which no code has been left.
unsafe impl Send for SendableDriver<'_> {}

impl<'p> JitDriver<'p> {
    /// Makes the driver ready to go to another thread. It comes back if that cannot be: it is active, which means that
    /// this is called by a program that it runs, or it has hooks.
    ///
    /// Code is freed that cannot go along: what was compiled for programs that are green by an `Rc` or `Arc`,
    /// what depends on a [`QuasiImmutable`](crate::QuasiImmutable), and everything, if an
    /// [`elidable`](crate::elidable) function with constant arguments has answered a reference. It is compiled again
    /// when it is hot in the other thread.
    pub fn into_sendable(self) -> Result<SendableDriver<'p>, JitDriver<'p>> {
        let meta = self.shared_meta();
        drop(self);
        match Rc::strong_count(&meta) == 1 && meta.prepare_to_move() {
            true => Ok(SendableDriver { meta, driver: PhantomData }),
            false => Err(JitDriver::from_meta(meta)),
        }
    }
}

impl<'p> SendableDriver<'p> {
    /// The driver, of the thread in which it is now.
    pub fn into_driver(self) -> JitDriver<'p> {
        JitDriver::from_meta(self.meta)
    }
}

impl fmt::Debug for SendableDriver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendableDriver").field("name", &self.meta.name()).finish_non_exhaustive()
    }
}
