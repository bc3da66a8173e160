//! The log of a recording, in the format of the PyPy post of 5 March 2009:
//! `[runner:cpu] int_add [9, 1] -> 10`. Operations on constants are shown too, although they are
//! not part of the trace: the reader sees what the interpreter did.

use super::{Arg, CallSite, Recorder};
use crate::ir::{Const, Ty};
use std::fmt;

struct Shown(Const);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Const { ty, bits } = self.0;
        match ty {
            Ty::Bool => f.write_str(if bits == 1 { "True" } else { "False" }),
            Ty::I8 | Ty::I16 => write!(f, "{bits}"),
            Ty::I32 | Ty::I64 => write!(f, "{}", self.0.signed()),
            Ty::F32 => write!(f, "{:?}", f32::from_bits(bits as u32)),
            Ty::F64 => write!(f, "{:?}", f64::from_bits(bits)),
            Ty::Ptr => write!(f, "{bits:#x}"),
        }
    }
}

fn list(args: &[Arg]) -> String {
    let shown: Vec<String> = args.iter().map(|arg| Shown(arg.concrete()).to_string()).collect();
    shown.join(", ")
}

impl Recorder {
    /// Whether operations are logged.
    pub fn is_logging(&self) -> bool {
        self.logging
    }

    #[inline]
    pub(super) fn log_op(&self, name: &str, args: &[Arg], res: Option<Const>) {
        if self.logging && !self.is_replaying() && !self.is_closing(args) {
            log_line(name, args, res);
        }
    }

    /// Between a loop header and its merge point the interpreter only asks whether the loop goes on.
    /// The post's listings end at the header, so a question about constants is not shown.
    fn is_closing(&self, args: &[Arg]) -> bool {
        self.loop_header_seen.get() && args.iter().all(|arg| arg.lane.is_const())
    }

    #[inline]
    pub(super) fn log_call(&self, site: &CallSite, args: &[Arg], res: Option<Const>) {
        if self.logging && !self.is_replaying() {
            let kind = if site.repeats() { "call_pure" } else { "call" };
            log_line(&format!("{kind} {} ({})", site.name, site.site), args, res);
        }
    }

    /// An operation that the interpreter did and that is never part of a trace in this form.
    pub fn log_only(&self, name: &str, args: &[Arg], res: Const) {
        if self.recording.get() {
            self.log_op(name, args, Some(res));
        }
    }
}

#[cold]
fn log_line(name: &str, args: &[Arg], res: Option<Const>) {
    match res {
        Some(res) => ::log::trace!("[runner:cpu] {name} [{}] -> {}", list(args), Shown(res)),
        None => ::log::trace!("[runner:cpu] {name} [{}]", list(args)),
    }
}
