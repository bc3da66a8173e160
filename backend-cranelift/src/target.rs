//! The instruction sets that traces are compiled for, and Cranelift's settings.
//!
//! `opt_level` is `none`: folding, common subexpressions and memory are the trace optimizer's
//! business, which knows more about traces. Register allocation is the full one, because the fast
//! one makes code two to three times slower.

use crate::{MidEnd, Options};
use cranelift_codegen::isa::{self, Builder, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use metainterp::backend::Refusal;
use target_lexicon::Triple;

/// An instruction set, and a second view of it for the mid-end.
#[derive(Clone)]
pub(crate) struct Target {
    /// Compiles.
    pub isa: OwnedTargetIsa,
    /// Runs Cranelift's mid-end, if asked for.
    pub mid_end: Option<OwnedTargetIsa>,
}

impl Target {
    /// The machine that this program runs on.
    pub fn host(options: &Options) -> Result<Target, Refusal> {
        Target::new(options, || cranelift_native::builder().map_err(Refusal::new))
    }

    /// Any machine that Cranelift was built for.
    pub fn of(options: &Options, triple: &Triple) -> Result<Target, Refusal> {
        let lookup = || isa::lookup(triple.clone()).map_err(|e| Refusal::new(e.to_string()));
        Target::new(options, lookup)
    }

    fn new(
        options: &Options,
        builder: impl Fn() -> Result<Builder, Refusal>,
    ) -> Result<Target, Refusal> {
        let finish = |level| {
            builder()?
                .finish(flags(level, options.measure_laps))
                .map_err(|error| Refusal::new(error.to_string()))
        };
        let mid_end = match options.mid_end {
            MidEnd::None => None,
            MidEnd::Speed => Some(finish("speed")?),
        };
        Ok(Target { isa: finish("none")?, mid_end })
    }
}

fn flags(opt_level: &str, tell_blocks: bool) -> Flags {
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let mut builder = settings::builder();
    let all = [
        ("opt_level", opt_level),
        ("enable_verifier", verify),
        // Tail calls on x86-64 need it.
        ("preserve_frame_pointers", "true"),
        // Nothing unwinds through compiled code: a panic ends in the helper that it happened in.
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        // A trace with many live values may have a frame of many pages; without probes it could
        // step over the guard page of its stack.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in all {
        builder.set(name, value).expect("a setting that Cranelift has");
    }
    if tell_blocks {
        builder.enable("machine_code_cfg_info").expect("a setting that Cranelift has");
    }
    Flags::new(builder)
}
