//! The handle through which a twin talks to its recorder.
#![expect(unsafe_code, reason = "dereferences the recorder's address")]

use metainterp::record::Recorder;
use std::ops::Deref;

/// The recorder, as an argument of every twin. It has no lifetime, so that the twin's signature
/// follows the same elision rules as the plain function's.
#[derive(Clone, Copy)]
pub struct Rec(*const Recorder);

impl Rec {
    /// The handle is given to a twin and lives in its frames only.
    pub(crate) fn new(recorder: &Recorder) -> Rec {
        Rec(recorder)
    }
}

impl Deref for Rec {
    type Target = Recorder;

    #[inline]
    fn deref(&self) -> &Recorder {
        // SAFETY: `Rec::new` is called only by `portal`, which keeps the recorder borrowed until the
        // twin returns, and generated code stores the handle in locals of twins only.
        unsafe { &*self.0 }
    }
}
