//! Why a recording was given up. Normal: counted and logged, and the interpreter carries on.

use std::fmt;

/// What becomes of the place that was being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again when it is hot again, after a pause that doubles each time.
    BackOff,
    /// Leave it to the interpreter for good.
    Never,
}

macro_rules! aborts {
    ($($(#[doc = $doc:literal])+ $variant:ident $message:literal $retry:ident;)*) => {
        /// A reason to give up a recording.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Abort { $($(#[doc = $doc])+ $variant,)* }

        impl Abort {
            /// Every reason, in table order.
            pub const ALL: &'static [Abort] = &[$(Abort::$variant,)*];

            /// The message in the log.
            pub fn message(self) -> &'static str {
                match self { $(Abort::$variant => $message,)* }
            }

            /// The name in statistics.
            pub fn name(self) -> &'static str {
                match self { $(Abort::$variant => stringify!($variant),)* }
            }

            /// What becomes of the place.
            pub fn retry(self) -> Retry {
                match self { $(Abort::$variant => Retry::$retry,)* }
            }
        }
    };
}

aborts! {
    // Name            message                                                        retry
    /// More operations than `trace_limit`.
    TooLong            "the trace is longer than trace_limit"                         BackOff;
    /// An exit would save more values than `failargs_limit`.
    TooManyValues      "an exit would save more values than failargs_limit"           BackOff;
    /// The recording contradicts itself: a guard is known to fail.
    InvalidLoop        "a guard of the trace can never hold"                          BackOff;
    /// The interpreter panicked while it was recorded.
    Panicked           "the interpreter panicked"                                     BackOff;
    /// A reference to a local of a traced function went to code that is not traced.
    LocalEscapes       "a red refers to another red"     BackOff;
    /// A field was reached through a `Deref` that is not known to the tracer.
    UnknownDeref       "a field was reached through a Deref that cannot be traced"     Never;
    /// Code that the tracer does not take.
    NotTraceable       "the recording reached code that cannot be traced"             BackOff;
    /// A green expression had another value when it was read again.
    GreenChanged       "a green expression changes when it is read"                   Never;
    /// The portal returned a value that is not traceable before its first merge point was passed.
    LeftPortal         "the portal returned in its first opcode"                      BackOff;
    /// The portal returns with fewer operations than `entry_cost`.
    ReturnsSoon        "it returns too soon for compiled code to be worth entering"    BackOff;
    /// All compiled code is in use, and there is no room for more.
    NoRoom             "there is as much compiled code as max_code_bytes and max_traces allow" BackOff;
    /// A value that the author says is constant in traces is not.
    NotGreen           "the argument of assert_green is not constant"                 Never;
    /// What was taken for constant has changed during the recording.
    QuasiImmutable     "a quasi-immutable value was changed during the recording"     BackOff;
    /// A value that has to be constant has more values than `max_promoted_values`.
    TooManyPromoted    "what has to be constant has more values than max_promoted_values" Never;
    /// A `Vec` was moved to where another one was that the recording knew by its place.
    BufferMoved        "a Vec was moved to the place of another one"                  BackOff;
    /// An object that the recording took for one apart from all buffers may be an element of a `Vec`, or in one.
    ObjectInVec        "an object may be in a Vec that was taken to be elsewhere"     BackOff;
    /// What the trace continues or leads to was freed while it was compiled, or the thread that compiled it is
    /// not in this process.
    Overtaken          "what it belongs to was freed while it was compiled"           BackOff;
    /// The backend declined the trace.
    Refused            "the backend declined the trace"                               Never;
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
