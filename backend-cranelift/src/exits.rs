//! Exit slots: where each exit of a trace continues.
//!
//! A trace leaves through its exits' slots with a tail call to the address it finds there: the stub
//! that returns the exit's number to Rust, or a bridge. Attaching a bridge is one atomic store;
//! code is never patched, and a trace that is running sees the bridge the next time it comes by.
//!
//! Invariants
//! 1. The slots of a trace stay where they are as long as its code, which has their address built
//!    in.
//! 2. A slot holds the stub's address or that of a trace which is not freed.

use metainterp::ir::ExitId;
use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicUsize, Ordering};

/// One exit.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ExitSlot {
    code: AtomicUsize,
    /// What the stub returns.
    id: ExitId,
    /// [`crate::analysis::shape_hash`] of the exit's arguments.
    shape: u32,
}

/// Bytes of a slot.
pub(crate) const EXIT_SLOT_SIZE: i64 = size_of::<ExitSlot>() as i64;
/// Where in a slot the address lies.
pub(crate) const EXIT_SLOT_CODE: i32 = offset_of!(ExitSlot, code) as i32;
/// Where in a slot the exit's number lies.
pub(crate) const EXIT_SLOT_ID: i32 = offset_of!(ExitSlot, id) as i32;

const _: () = assert!(EXIT_SLOT_SIZE == 16 && size_of::<ExitId>() == 4);

/// The slots of a trace.
#[derive(Debug)]
pub(crate) struct ExitSlots(Box<[ExitSlot]>);

impl ExitSlots {
    /// Slots that lead to the stub, from each exit's number and shape.
    pub fn new(stub: usize, exits: impl Iterator<Item = (ExitId, u32)>) -> ExitSlots {
        let slot = |(id, shape)| ExitSlot { code: AtomicUsize::new(stub), id, shape };
        ExitSlots(exits.map(slot).collect())
    }

    /// The address that code finds them by.
    pub fn address(&self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    /// The numbers of the exits, in order.
    pub fn ids(&self) -> impl Iterator<Item = ExitId> {
        self.0.iter().map(|slot| slot.id)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// What an exit's arguments look like.
    pub fn shape(&self, index: usize) -> u32 {
        self.0[index].shape
    }

    /// Lets an exit continue at an address.
    pub fn attach(&self, index: usize, code: usize) {
        self.0[index].code.store(code, Ordering::Release);
    }

    /// Lets an exit that continues at `code` lead to the stub again.
    pub fn detach(&self, index: usize, code: usize, stub: usize) {
        let slot = &self.0[index].code;
        // Another bridge may have taken its place: then there is nothing to do.
        let _ = slot.compare_exchange(code, stub, Ordering::AcqRel, Ordering::Relaxed);
    }
}
