//! A workbench: one backend, traces written as text, and Rust functions for traces to call.
//!
//! A frame is filled with a pattern before it is used, so that a slot which the backend forgets to
//! write, or writes only in part, shows.
#![expect(unsafe_code, reason = "runs compiled traces, is called by them")]

use metainterp::backend::{Backend, CALL_WORDS, Compiled, Frame, Refusal};
use metainterp::ir::{self, CodeId, ExitId, Trace, Ty};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Makes a fresh backend.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Backend>;

/// Where a trace was left, with the words that the exit saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The number of the exit.
    pub exit: u32,
    /// What it saved.
    pub values: Vec<u64>,
}

/// What an unwritten slot holds.
pub const UNWRITTEN: u64 = 0xa5a5_a5a5_a5a5_a5a5;

/// A backend with the traces that were compiled for a test.
pub struct Bench {
    backend: Box<dyn Backend>,
    saved: RefCell<HashMap<u32, Vec<Ty>>>,
    /// What was compiled, by number, for regions.
    traces: RefCell<BTreeMap<u32, Trace>>,
}

impl Bench {
    /// A bench with a fresh backend, for tests that call back into it from a trace.
    pub fn new(make: Make<'_>) -> Rc<Bench> {
        Rc::new(Bench { backend: make(), saved: RefCell::default(), traces: RefCell::default() })
    }

    /// The backend.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Compiles a trace under a number.
    #[track_caller]
    pub fn compile(&self, code: u32, text: &str) -> Compiled {
        self.try_compile(code, text).unwrap_or_else(|refusal| panic!("{refusal}:\n{text}"))
    }

    /// Compiles a trace that the backend may refuse.
    #[track_caller]
    pub fn try_compile(&self, code: u32, text: &str) -> Result<Compiled, Refusal> {
        let trace = ir::parse(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        self.try_compile_trace(code, &trace)
    }

    /// Compiles a trace that the backend may refuse.
    #[track_caller]
    pub fn try_compile_trace(&self, code: u32, trace: &Trace) -> Result<Compiled, Refusal> {
        ir::verify(trace).unwrap_or_else(|error| panic!("{error}:\n{trace}"));
        let compiled = self.backend.compile(CodeId(code), trace)?;
        for exit in &trace.exits {
            let saved = trace.exit_args(exit).iter().map(|&arg| trace.ty(arg)).collect();
            let earlier = self.saved.borrow_mut().insert(exit.id.0, saved);
            assert_eq!(earlier, None, "two traces of a test have exit {}:\n{trace}", exit.id.0);
        }
        self.traces.borrow_mut().insert(code, trace.clone());
        Ok(compiled)
    }

    /// Compiles traces together, if the backend has regions; otherwise it declines, and they stay as
    /// they are.
    #[track_caller]
    pub fn region(&self, codes: &[u32]) {
        let traces = self.traces.borrow();
        let members: Vec<(CodeId, &Trace)> =
            codes.iter().map(|code| (CodeId(*code), &traces[code])).collect();
        let result = self.backend.compile_region("region", &members);
        assert_eq!(result.is_ok(), self.backend.has_regions(), "{result:?}");
    }

    /// Compiles a trace and attaches it to an exit.
    #[track_caller]
    pub fn bridge(&self, exit: u32, code: u32, text: &str) {
        self.compile(code, text);
        self.backend.attach_bridge(ExitId(exit), CodeId(code));
    }

    /// Runs a trace.
    pub fn run(&self, code: u32, inputs: &[u64]) -> Left {
        let mut frame = Frame::new();
        frame.call = [UNWRITTEN; CALL_WORDS];
        frame.slots.fill(UNWRITTEN);
        frame.slots[..inputs.len()].copy_from_slice(inputs);
        // SAFETY: a test compiles `code` before and passes inputs of the types that the trace declares;
        // the memory it names is owned by the test, which outlives this call.
        let mut exit = unsafe { self.backend.execute(CodeId(code), &mut frame) };
        while self.backend.paused_at(exit).is_some() {
            // SAFETY: as above; the frame is as the code has left it.
            exit = unsafe { self.backend.resume(exit, &mut frame) };
        }
        let saved = &self.saved.borrow()[&exit.0];
        let values = frame.slots.iter().zip(saved).map(|(word, ty)| word & ty.mask());
        Left { exit: exit.0, values: values.collect() }
    }

    /// Runs a trace and checks where it was left with which words.
    #[track_caller]
    pub fn check(&self, code: u32, inputs: &[u64], exit: u32, values: &[u64]) {
        let left = self.run(code, inputs);
        assert_eq!(left, Left { exit, values: values.to_vec() }, "inputs {inputs:x?}");
    }

    /// Frees a trace.
    pub fn free(&self, code: u32) {
        self.backend.free(CodeId(code));
        let freed = self.traces.borrow_mut().remove(&code);
        for exit in freed.iter().flat_map(|trace| &trace.exits) {
            self.saved.borrow_mut().remove(&exit.id.0);
        }
    }
}

/// A function that traces call: it gets the call words and answers whether it panicked. Word 0
/// is its own number, which [`callee`] returned; arguments start at word 1.
pub type Callee = Rc<dyn Fn(&mut [u64; CALL_WORDS]) -> bool>;

thread_local! {
    static CALLEES: RefCell<Vec<Callee>> = const { RefCell::new(Vec::new()) };
}

/// Registers a function in this thread and returns the number that selects it: the first argument of a
/// call to [`switchboard`].
pub fn callee(callee: impl Fn(&mut [u64; CALL_WORDS]) -> bool + 'static) -> u64 {
    CALLEES.with_borrow_mut(|callees| {
        callees.push(Rc::new(callee));
        callees.len() as u64 - 1
    })
}

/// Registers a function that does not panic, from its arguments to its result.
pub fn function(function: impl Fn(&[u64]) -> u64 + 'static) -> u64 {
    callee(move |words| {
        words[0] = function(&words[1..]);
        false
    })
}

/// The address of the function that calls the registered function whose number is in the first word.
pub fn switchboard() -> u64 {
    call_registered as *const () as u64
}

/// Aligned as the platform's calling convention promises that the stack is.
#[repr(align(16))]
struct Aligned([u64; 2]);

extern "C" fn call_registered(words: *mut u64) -> u8 {
    let probe = std::hint::black_box(Aligned([0; 2]));
    let probe_address = std::hint::black_box(&raw const probe.0) as usize;
    assert_eq!(probe_address % 16, 0, "the stack is not aligned in a call");
    // SAFETY: compiled traces pass the address of a frame's call words, which nobody else uses
    // until this function returns.
    let words = unsafe { &mut *words.cast::<[u64; CALL_WORDS]>() };
    let callee = CALLEES.with_borrow(|callees| Rc::clone(&callees[words[0] as usize]));
    callee(words).into()
}

/// Values as words, zero-extended.
pub trait ToWord: Copy {
    /// The word.
    fn word(self) -> u64;
}

macro_rules! to_word {
    ($($ty:ty: |$x:ident| $word:expr;)*) => {
        $(impl ToWord for $ty {
            fn word(self) -> u64 {
                let $x = self;
                $word
            }
        })*
    };
}

to_word! {
    bool: |x| x.into();
    i8: |x| (x as u8).into();
    i16: |x| (x as u16).into();
    i32: |x| (x as u32).into();
    i64: |x| x as u64;
    u8: |x| x.into();
    u16: |x| x.into();
    u32: |x| x.into();
    u64: |x| x;
    f32: |x| x.to_bits().into();
    f64: |x| x.to_bits();
}

impl<T> ToWord for *mut T {
    fn word(self) -> u64 {
        self as u64
    }
}

/// An array of words from values of any types.
#[macro_export]
macro_rules! words {
    ($($value:expr),* $(,)?) => { [$($crate::bench::ToWord::word($value)),*] };
}
