//! Residual calls.
//!
//! Arguments and results travel in the call words of the frame ([`metainterp::ir::CallDescr`] has
//! the convention), so that one signature serves every function. A function whose address is a
//! constant is called through a thunk near by. Allocating and giving back are such calls too.

use super::{Helper, Lower, clif};
use cranelift_codegen::ir::{AbiParam, FuncRef, InstBuilder, SigRef, Signature, Value, types};
use metainterp::backend::Frame;
use metainterp::ir::{Op, Opcode, Operand, Ty, ValueId};
use metainterp::memory;
use smallvec::SmallVec;
use std::mem::offset_of;

// The call words are at the frame's own address, which is therefore the argument of the call.
const _: () = assert!(offset_of!(Frame, call) == 0);

impl Lower<'_, '_> {
    pub(super) fn call_op(&mut self, op: &Op) {
        match op.opcode {
            Opcode::Call | Opcode::CallAssembler | Opcode::CallPure => self.call(op),
            Opcode::CallResult => {
                let word = self.trace.as_const(self.trace.args(op)[0]);
                let word = word.expect("the number of a call result is a constant");
                let res = op.res().expect("a call result is a value");
                self.call_result(res, word.bits as u32);
            }
            other => unreachable!("{} is not a call", other.name()),
        }
    }

    pub(super) fn alloc_op(&mut self, op: &Op) {
        self.pass_words(self.trace.args(op));
        let function = match op.opcode {
            Opcode::New | Opcode::NewBuffer => self.helper(memory::NEW as usize as u64),
            _ => self.helper(memory::FREE as usize as u64),
        };
        self.b.ins().call(function, &[self.frame]);
        if let Some(res) = op.res() {
            self.call_result(res, 0);
        }
    }

    fn pass_words(&mut self, args: &[Operand]) {
        let words: SmallVec<[Value; 8]> = args.iter().map(|&arg| self.word(arg)).collect();
        for (index, &word) in words.iter().enumerate() {
            let flags = self.frame_flags();
            self.b.ins().store(flags, word, self.frame, word_offset(index as u32));
        }
    }

    fn call(&mut self, op: &Op) {
        let args = self.trace.args(op);
        self.pass_words(&args[1..]);
        let panicked = self.call_function(args[0]);
        self.panicked = self.trace.call(op).can_panic.then_some(panicked);
        if let Some(res) = op.res() {
            self.call_result(res, 0);
        }
    }

    fn call_function(&mut self, function: Operand) -> Value {
        let call = match self.trace.as_const(function) {
            Some(address) => {
                let function = self.helper(address.bits);
                self.b.ins().call(function, &[self.frame])
            }
            None => {
                let function = self.use_(function);
                let signature = self.helper_signature();
                self.b.ins().call_indirect(signature, function, &[self.frame])
            }
        };
        self.b.inst_results(call)[0]
    }

    fn call_result(&mut self, res: ValueId, word: u32) {
        let ty: Ty = self.trace.types[res.index()];
        let flags = self.frame_flags();
        let value = self.b.ins().load(clif(ty), flags, self.frame, word_offset(word));
        self.define(res, value);
    }

    fn helper(&mut self, address: u64) -> FuncRef {
        if let Some(&function) = self.helpers.get(&address) {
            return function;
        }
        let signature = self.helper_signature();
        let function = self.import(Helper(address), signature);
        self.helpers.insert(address, function);
        function
    }

    fn helper_signature(&mut self) -> SigRef {
        *self.helper_signature.get_or_insert_with(|| {
            let mut signature = Signature::new(self.helper_convention);
            signature.params.push(AbiParam::new(types::I64));
            signature.returns.push(AbiParam::new(types::I8));
            self.b.import_signature(signature)
        })
    }
}

fn word_offset(word: u32) -> i32 {
    word as i32 * size_of::<u64>() as i32
}
