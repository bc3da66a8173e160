//! The way into machine code and the way out of it.
//!
//! Two small functions live as long as the backend, in a module of `cranelift-jit`: the
//! *trampoline*, which Rust calls with the C convention and which calls a trace with the Tail
//! convention, and the *stub*, which exits without a bridge lead to and which returns the exit's
//! number.

#![expect(unsafe_code, reason = "calls machine code")]

use crate::exits::{EXIT_SLOT_ID, Place};
use crate::lower::trace_signature;
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, ModuleError, default_libcall_names};
use metainterp::backend::{Frame, Refusal};
use metainterp::ir::ExitId;

/// `(frame, address of the function, entry) -> exit id`
type Trampoline = unsafe extern "C" fn(*mut Frame, usize, u64) -> u32;

/// The trampoline and the stub.
pub(crate) struct Entry {
    /// Keeps the code; taken when it is dropped.
    module: Option<JITModule>,
    trampoline: Trampoline,
    stub: usize,
}

impl Entry {
    /// Compiles both.
    pub fn new(isa: OwnedTargetIsa) -> Result<Entry, Refusal> {
        let module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        Entry::compile(module).map_err(|error| Refusal::new(error.to_string()))
    }

    fn compile(mut module: JITModule) -> Result<Entry, Box<ModuleError>> {
        let stub = define(&mut module, "jit_exit", trace_signature(), exit_stub)?;
        let mut signature = module.make_signature();
        signature.params.extend([types::I64; 3].map(AbiParam::new));
        signature.returns.push(AbiParam::new(types::I32));
        let trampoline = define(&mut module, "jit_enter", signature, trampoline)?;
        module.finalize_definitions()?;
        let stub = module.get_finalized_function(stub).expose_provenance();
        let trampoline = module.get_finalized_function(trampoline);
        // SAFETY: the module has just made this function executable, its signature is the type's,
        // and it stays until `self.module` is dropped.
        let trampoline = unsafe { std::mem::transmute::<*const u8, Trampoline>(trampoline) };
        Ok(Entry { module: Some(module), trampoline, stub })
    }

    /// Where an exit without a bridge leads.
    pub fn stub(&self) -> usize {
        self.stub
    }

    /// Runs code until it leaves through the stub or pauses.
    ///
    /// # Safety
    /// - `place` is in the machine code of a trace or region, which stays until this returns.
    /// - The frame holds what the entry takes, and what the code does with it is sound.
    pub unsafe fn call(&self, frame: &mut Frame, place: Place) -> ExitId {
        // SAFETY: the trampoline is alive, as `self` is; the rest is the caller's promise.
        ExitId(unsafe { (self.trampoline)(frame, place.code, place.entry.into()) })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: nothing calls the functions any more: `call` borrows `self`, and traces,
            // which have the stub's address, run only inside of `call`.
            unsafe { module.free_memory() };
        }
    }
}

fn define(
    module: &mut JITModule,
    name: &str,
    signature: Signature,
    body: fn(&mut FunctionBuilder<'_>, &[Value]),
) -> Result<FuncId, Box<ModuleError>> {
    let function = module.declare_function(name, Linkage::Local, &signature)?;
    let mut context = module.make_context();
    context.func.signature = signature;
    let mut builder_context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let block = b.create_block();
    b.append_block_params_for_function_params(block);
    b.switch_to_block(block);
    b.seal_block(block);
    let params = b.block_params(block).to_vec();
    body(&mut b, &params);
    b.finalize(module.target_config());
    module.define_function(function, &mut context)?;
    Ok(function)
}

/// `(frame, entry, exit slot) -> exit.id`
fn exit_stub(b: &mut FunctionBuilder<'_>, params: &[Value]) {
    let id = b.ins().load(types::I32, MemFlagsData::trusted(), params[2], EXIT_SLOT_ID);
    b.ins().return_(&[id]);
}

/// `(frame, code, entry) -> code(frame, entry, none)`
fn trampoline(b: &mut FunctionBuilder<'_>, params: &[Value]) {
    let signature = b.import_signature(trace_signature());
    let zero = b.ins().iconst(types::I64, 0);
    let call = b.ins().call_indirect(signature, params[1], &[params[0], params[2], zero]);
    let results = b.inst_results(call).to_vec();
    b.ins().return_(&results);
}
