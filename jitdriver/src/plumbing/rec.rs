//! The handle through which a twin talks to its recorder.
#![expect(unsafe_code, reason = "dereferences the recorder's address")]

use super::value::Arena;
use metainterp::record::Recorder;
use std::cell::Cell;
use std::ops::Deref;

/// A twin that runs: its recorder, and what it keeps of its values.
pub(crate) struct Running<'a> {
    recorder: &'a Recorder,
    arena: Arena,
    /// The twin that this one runs inside of.
    outer: Cell<*const Running<'static>>,
}

thread_local! {
    /// The twin that runs now, for drops, which are not handed a recorder.
    static CURRENT: Cell<*const Running<'static>> = const { Cell::new(std::ptr::null()) };
}

impl<'a> Running<'a> {
    pub fn new(recorder: &'a Recorder) -> Running<'a> {
        Running { recorder, arena: Arena::default(), outer: Cell::new(std::ptr::null()) }
    }

    /// The handle for the twin, which is the current one until this is dropped.
    pub fn start(&self) -> Rec {
        let this = std::ptr::from_ref(self).cast::<Running<'static>>();
        self.outer.set(CURRENT.replace(this));
        Rec(this)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // What a panic has left.
        self.arena.give_back_spilled(Rec::current());
        if self.arena.red_is_parted() {
            // The plain function would drop it once more.
            eprintln!("a red that is passed by address was moved out of and never assigned again");
            std::process::abort();
        }
        CURRENT.set(self.outer.get());
    }
}

/// The recorder, as an argument of every twin. It has no lifetime, so that the twin's signature
/// follows the same elision rules as the plain function's.
#[derive(Clone, Copy)]
pub struct Rec(*const Running<'static>);

impl Rec {
    /// The handle of the twin that runs.
    pub(crate) fn current() -> Rec {
        let current = CURRENT.get();
        assert!(!current.is_null(), "a value of a twin outlives the twin");
        Rec(current)
    }

    pub(crate) fn arena<'a>(self) -> &'a Arena {
        // SAFETY: as in `deref`.
        unsafe { &(*self.0).arena }
    }
}

impl Deref for Rec {
    type Target = Recorder;

    #[inline]
    fn deref(&self) -> &Recorder {
        // SAFETY: `Running::start` is called only by `portal`, which keeps what runs borrowed until
        // the twin returns, and generated code stores the handle in locals of twins only.
        unsafe { (*self.0).recorder }
    }
}
