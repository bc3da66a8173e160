//! The driver: one per interpreter loop, with its builder.

use crate::plumbing::PanicAside;
use metainterp::MetaInterp;
use metainterp::abort::Abort;
use metainterp::backend::Backend;
use metainterp::hooks::Hooks;
use metainterp::params::{ParamError, Params};
use metainterp::stats::Stats;
use metainterp::warm::{CompiledRegion, CompiledTrace};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::str::FromStr;

/// What runs traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jit {
    /// Nothing is counted, recorded or compiled.
    Off,
    /// Traces are executed operation by operation, with checks: for debugging.
    Llgraph,
    /// Traces are compiled to machine code. Needs the feature `cranelift`, which is on by default.
    Cranelift,
}

impl Default for Jit {
    /// The fastest that is compiled in.
    fn default() -> Jit {
        if cfg!(feature = "cranelift") { Jit::Cranelift } else { Jit::Llgraph }
    }
}

impl FromStr for Jit {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Jit, BuildError> {
        match text {
            "off" => Ok(Jit::Off),
            "llgraph" => Ok(Jit::Llgraph),
            "cranelift" => Ok(Jit::Cranelift),
            _ => Err(BuildError(format!("`{text}` is not one of off, llgraph, cranelift"))),
        }
    }
}

impl fmt::Display for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Jit::Off => "off",
            Jit::Llgraph => "llgraph",
            Jit::Cranelift => "cranelift",
        })
    }
}

/// Why a driver cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(String);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}

impl From<ParamError> for BuildError {
    fn from(error: ParamError) -> BuildError {
        BuildError(error.to_string())
    }
}

/// The JIT of one interpreter loop (the *portal*): its counters, parameters, compiled code.
///
/// `'p` is how long the interpreted programs live. Greens that are references have the type `&'p T`,
/// so that a program can neither change nor go away while code compiled from it exists:
///
/// ```compile_fail
/// # use jitdriver::*;
/// #[jit]
/// fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8]) -> usize {
///     let mut pc = 0;
///     loop {
///         jit_merge_point!(driver, greens = [pc, code], reds = []);
///         if code[pc] == 0 { return pc; }
///         pc = code[pc] as usize;
///         can_enter_jit!(driver, greens = [pc, code], reds = []);
///     }
/// }
/// let driver = JitDriver::new();
/// {
///     let code = vec![1, 0];
///     interpret(&driver, &code); // error: `code` does not live long enough
/// }
/// interpret(&driver, &[0]);
/// ```
pub struct JitDriver<'p> {
    /// Shared with what runs: a program may drop, move or replace its driver while that is active.
    meta: Rc<MetaInterp>,
    /// Invariant: a driver for long-lived programs must not pass for one for short-lived ones.
    programs: PhantomData<Cell<&'p ()>>,
}

impl JitDriver<'_> {
    /// A driver with default parameters, changed by the environment as [`Builder::from_env`] says.
    ///
    /// Panics if the environment variables have mistakes.
    pub fn new() -> Self {
        let built = Builder::default().from_env().and_then(Builder::build);
        built.unwrap_or_else(|error| panic!("JitDriver: {error}"))
    }

    /// A builder with default parameters.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.meta.stats()
    }

    /// What was compiled so far, in order.
    pub fn compiled(&self) -> Vec<CompiledTrace> {
        self.meta.compiled()
    }

    /// What was compiled again so far, together, in order.
    pub fn regions(&self) -> Vec<CompiledRegion> {
        self.meta.regions()
    }

    /// Changes a parameter, from now on.
    ///
    /// ```
    /// let driver = jitdriver::JitDriver::new();
    /// driver.set_param("threshold", "3").unwrap();
    /// assert!(driver.set_param("treshold", "3").is_err());
    /// ```
    pub fn set_param(&self, name: &str, value: &str) -> Result<(), BuildError> {
        let mut params = self.meta.params();
        params.set(name, value)?;
        Ok(self.meta.set_params(params)?)
    }

    /// Whether there is compiled code that starts with these greens, given as their words: an integer
    /// by its bits, a reference by its address.
    pub fn get_jitcell_at_key(&self, greens: &[u64]) -> bool {
        self.meta.get_jitcell_at_key(greens)
    }

    /// Lets the next arrival with these greens start a recording.
    ///
    /// ```
    /// # use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
    /// # #[jit]
    /// # fn count(driver: &JitDriver<'_>, mode: u8, n: i64) -> i64 {
    /// #     let mut n = n;
    /// #     loop {
    /// #         jit_merge_point!(driver, greens = [mode], reds = [n]);
    /// #         if n == 0 { return 0; }
    /// #         n -= 1;
    /// #         can_enter_jit!(driver, greens = [mode], reds = [n]);
    /// #     }
    /// # }
    /// let driver = JitDriver::builder().threshold(1_000_000).build().unwrap();
    /// driver.trace_next_iteration(&[7]);
    /// count(&driver, 7, 10);
    /// assert!(driver.get_jitcell_at_key(&[7]) && !driver.get_jitcell_at_key(&[8]));
    /// ```
    pub fn trace_next_iteration(&self, greens: &[u64]) {
        self.meta.trace_next_iteration(greens);
    }

    /// Lets the next failure of this exit of compiled code start a recording, of a bridge: RPython's
    /// `trace_next_iteration_hash`. [`CompiledTrace::exits`] has the numbers. False if there is no such
    /// exit.
    pub fn trace_next_failure(&self, exit: u32) -> bool {
        self.meta.trace_next_failure(exit)
    }

    /// Lets no recording start with these greens any more. Where a portal that is inlined comes to them, it is called
    /// from there on.
    pub fn dont_trace_here(&self, greens: &[u64]) {
        self.meta.dont_trace_here(greens);
    }

    /// Frees all compiled code that is not running. What is hot will be compiled again.
    pub fn release_all(&self) {
        self.meta.release_all();
    }

    /// Waits until all is compiled that was handed to the driver's thread, which it has with the parameter
    /// `background`. It is entered from the next arrival at a loop header on.
    ///
    /// ```
    /// # use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
    /// # #[jit]
    /// # fn count(driver: &JitDriver<'_>, mode: u8, n: i64) -> i64 {
    /// #     let mut n = n;
    /// #     loop {
    /// #         jit_merge_point!(driver, greens = [mode], reds = [n]);
    /// #         if n == 0 { return 0; }
    /// #         n -= 1;
    /// #         can_enter_jit!(driver, greens = [mode], reds = [n]);
    /// #     }
    /// # }
    /// let driver = JitDriver::builder().params("threshold=3,background=1").unwrap().build().unwrap();
    /// count(&driver, 7, 10);
    /// driver.wait_for_background();
    /// count(&driver, 7, 10);
    /// assert_eq!(driver.stats().loops, 1);
    /// ```
    pub fn wait_for_background(&self) {
        self.meta.wait_for_background();
    }

    /// Switches the JIT off and on again; compiled code is kept.
    pub fn set_enabled(&self, enabled: bool) {
        self.meta.set_enabled(enabled);
    }

    pub(crate) fn from_meta(meta: Rc<MetaInterp>) -> Self {
        JitDriver { meta, programs: PhantomData }
    }

    #[inline]
    pub(crate) fn meta(&self) -> &MetaInterp {
        &self.meta
    }

    pub(crate) fn shared_meta(&self) -> Rc<MetaInterp> {
        Rc::clone(&self.meta)
    }
}

impl Default for JitDriver<'_> {
    fn default() -> Self {
        JitDriver::new()
    }
}

impl fmt::Debug for JitDriver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JitDriver").field("name", &self.meta.name()).finish_non_exhaustive()
    }
}

/// Builds a [`JitDriver`].
///
/// ```
/// use jitdriver::{Jit, JitDriver};
/// let driver: JitDriver<'static> =
///     JitDriver::builder().name("calc").jit(Jit::Llgraph).threshold(3).build().unwrap();
/// assert_eq!(driver.stats().tracings, 0);
/// ```
#[derive(Clone)]
pub struct Builder {
    name: String,
    jit: Jit,
    params: Params,
    hooks: Option<Rc<dyn Hooks>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Builder { name, jit, params, hooks } = self;
        f.debug_struct("Builder")
            .field("name", name)
            .field("jit", jit)
            .field("params", params)
            .field("hooks", &hooks.is_some())
            .finish()
    }
}

impl Default for Builder {
    fn default() -> Builder {
        Builder { name: "jit".into(), jit: Jit::default(), params: Params::default(), hooks: None }
    }
}

impl Builder {
    /// The driver's name in logs and panics.
    pub fn name(mut self, name: &str) -> Builder {
        self.name = name.into();
        self
    }

    /// What runs traces.
    pub fn jit(mut self, jit: Jit) -> Builder {
        self.jit = jit;
        self
    }

    /// What the driver tells and asks.
    pub fn hooks(mut self, hooks: impl Hooks + 'static) -> Builder {
        self.hooks = Some(Rc::new(Aside(hooks)));
        self
    }

    /// Times a loop must run before it is recorded.
    pub fn threshold(mut self, threshold: u32) -> Builder {
        self.params.threshold = threshold;
        self
    }

    /// Times a guard must fail before a bridge is recorded from it; an eighth of that, but as many as 25, if the
    /// interpreter cannot go on at a merge point and each failure runs the twin from there.
    pub fn trace_eagerness(mut self, trace_eagerness: u32) -> Builder {
        self.params.trace_eagerness = trace_eagerness;
        self
    }

    /// Parameters as text: `threshold=3,trace_eagerness=2`. [`Params`] lists them.
    pub fn params(mut self, text: &str) -> Result<Builder, BuildError> {
        self.params.apply(text)?;
        Ok(self)
    }

    /// Applies the environment: `JITDRIVER` (off, llgraph, cranelift) and `JITDRIVER_PARAMS` (as
    /// [`Builder::params`]).
    pub fn from_env(mut self) -> Result<Builder, BuildError> {
        if let Ok(jit) = std::env::var("JITDRIVER") {
            self.jit = jit.parse()?;
        }
        match std::env::var("JITDRIVER_PARAMS") {
            Ok(params) => self.params(&params),
            Err(_) => Ok(self),
        }
    }

    /// The driver. Fails if the backend is not compiled in.
    pub fn build<'p>(self) -> Result<JitDriver<'p>, BuildError> {
        let backend = backend(self.jit)?;
        let mut meta = MetaInterp::new(&self.name, self.params, backend)?;
        if let Some(hooks) = self.hooks {
            meta.set_hooks(hooks);
        }
        meta.set_enabled(self.jit != Jit::Off);
        Ok(JitDriver::from_meta(meta.shared()))
    }
}

/// Hooks that may run programs also where compiled code has been left by a panic, which has not come out
/// yet.
struct Aside<H>(H);

macro_rules! aside {
    ($($hook:ident($($arg:ident: $ty:ty),*) $(-> $answer:ty)?;)*) => {
        impl<H: Hooks> Hooks for Aside<H> {
            $(fn $hook(&self, $($arg: $ty),*) $(-> $answer)? {
                let _panic = PanicAside::put();
                self.0.$hook($($arg),*)
            })*
        }
    };
}

aside! {
    confirm_enter_jit(greens: &[u64]) -> bool;
    get_printable_location(greens: &[u64]) -> Option<String>;
    on_trace_start(greens: &[u64]);
    on_compile(trace: &CompiledTrace);
    on_compile_bridge(trace: &CompiledTrace);
    on_abort(reason: Abort, greens: &[u64]);
    on_enter(greens: &[u64]);
    on_exit();
}

fn backend(jit: Jit) -> Result<Box<dyn Backend>, BuildError> {
    match jit {
        #[cfg(feature = "cranelift")]
        Jit::Cranelift => Ok(Box::new(backend_cranelift::CraneliftBackend::new())),
        #[cfg(not(feature = "cranelift"))]
        Jit::Cranelift => Err(BuildError("the feature `cranelift` is not compiled in".into())),
        Jit::Off | Jit::Llgraph => Ok(Box::new(backend_llgraph::LlgraphBackend::new())),
    }
}
