//! From a group of traces to relocatable machine code.

use crate::Options;
use crate::analysis::Analysis;
use crate::free_list::GRANULE;
use crate::group::Group;
use crate::lap;
use crate::link::{Relocation, Target as LinkTarget};
use crate::lower::{Env, Helper, lower, trace_signature};
use crate::target::Target;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::{
    CodegenError, CompiledCode, Context, FinalizedMachReloc, FinalizedRelocTarget,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use metainterp::backend::{LapCode, Refusal};
use std::time::{Duration, Instant};

/// Machine code that lies nowhere yet.
#[derive(Debug)]
pub(crate) struct MachineCode {
    pub bytes: Vec<u8>,
    pub relocations: Vec<Relocation>,
    /// What it looks like, if asked for.
    pub listing: Option<String>,
    /// How long Cranelift took for it.
    pub codegen: Duration,
    /// How large its lap is, if asked for.
    pub lap: Option<LapCode>,
}

/// Compiles; keeps Cranelift's working memory from one trace to the next.
pub(crate) struct Compiler {
    target: Target,
    context: Context,
    builder_context: FunctionBuilderContext,
    control: ControlPlane,
    keep_listings: bool,
    measure_laps: bool,
}

impl Compiler {
    pub fn new(target: Target, options: &Options) -> Compiler {
        Compiler {
            target,
            context: Context::new(),
            builder_context: FunctionBuilderContext::new(),
            control: ControlPlane::default(),
            keep_listings: options.keep_listings,
            measure_laps: options.measure_laps,
        }
    }

    /// Compiles an analyzed group.
    pub fn compile(
        &mut self,
        name: &str,
        group: &Group<'_>,
        analysis: &Analysis<'_>,
        env: &Env,
    ) -> Result<MachineCode, Refusal> {
        self.context.clear();
        self.context.func.signature = trace_signature();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder_context);
        let symbols = lower(group, analysis, env, &*self.target.isa, builder);
        log::trace!("{name}:\n{}", self.context.func.display());
        let started = Instant::now();
        self.mid_end().map_err(refusal)?;
        self.context.set_disasm(self.keep_listings);
        let compiled = self.context.compile(&*self.target.isa, &mut self.control);
        compiled.map_err(|error| refusal(error.inner))?;
        let codegen = started.elapsed();
        Ok(MachineCode { codegen, ..self.take(&symbols) })
    }

    // The mid-end runs by itself before code is generated at level "none". In one go, constant
    // block parameters would dissolve before it, and with them what keeps it from copying code into
    // exits.
    fn mid_end(&mut self) -> Result<(), CodegenError> {
        let Some(isa) = &self.target.mid_end else { return Ok(()) };
        self.context.compute_cfg();
        self.context.compute_domtree();
        self.context.eliminate_unreachable_code(&**isa)?;
        self.context.func.dfg.resolve_all_aliases();
        self.context.egraph_pass(&**isa, &mut self.control)
    }

    fn take(&mut self, symbols: &[Helper]) -> MachineCode {
        let compiled = self.context.take_compiled_code().expect("the compilation has succeeded");
        let alignment = compiled.buffer.alignment as usize;
        assert!(alignment <= GRANULE, "code to be aligned to {alignment} bytes");
        let function = &self.context.func;
        let relocations = compiled.buffer.relocs().iter();
        MachineCode {
            relocations: relocations.map(|r| relocation(r, function, symbols)).collect(),
            bytes: compiled.buffer.data().to_vec(),
            codegen: Duration::ZERO,
            lap: self.lap(&compiled),
            listing: compiled.vcode,
        }
    }

    #[cfg(feature = "disas")]
    fn lap(&self, compiled: &CompiledCode) -> Option<LapCode> {
        let disassembler = self.measure_laps.then(|| self.target.isa.to_capstone().ok())??;
        lap::of(compiled, |bytes| Some(disassembler.disasm_all(bytes, 0).ok()?.len()))
    }

    #[cfg(not(feature = "disas"))]
    fn lap(&self, compiled: &CompiledCode) -> Option<LapCode> {
        self.measure_laps.then(|| lap::of(compiled, |_| None))?
    }
}

fn relocation(reloc: &FinalizedMachReloc, function: &Function, symbols: &[Helper]) -> Relocation {
    let target = match &reloc.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            let name = &function.params.user_named_funcs()[*name];
            LinkTarget::Helper(symbols[name.index as usize])
        }
        FinalizedRelocTarget::ExternalName(ExternalName::LibCall(libcall)) => {
            LinkTarget::LibCall(*libcall)
        }
        other => unreachable!("nothing in a trace refers to {other:?}"),
    };
    Relocation { offset: reloc.offset as usize, kind: reloc.kind, target, addend: reloc.addend }
}

fn refusal(error: CodegenError) -> Refusal {
    // The verifier runs in debug builds only and what it finds is a bug of the lowering.
    assert!(!matches!(error, CodegenError::Verifier(_)), "{error:?}");
    Refusal::new(format!("Cranelift: {error}"))
}
