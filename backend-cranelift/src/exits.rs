//! Exit slots and label cells: where each exit of a trace, and each label, continues.
//!
//! A trace leaves through its exits' slots with a tail call to what it finds there: the stub
//! that returns the exit's number to Rust, or a bridge. It jumps to a label of another function
//! through the label's cell in the same way. Attaching a bridge, or moving a trace into a region,
//! is a store; code is never patched, and a trace that is running sees the change the next time it
//! comes by.
//!
//! Invariants
//! 1. The slots and cells of a trace stay where they are as long as the trace, for code has their
//!    addresses built in.
//! 2. A slot or cell holds the stub's address or that of a function which is not freed.

use metainterp::ir::ExitId;
use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// A place in machine code that can be gone to with values in the frame's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Address of the function.
    pub code: usize,
    /// Which of its entries.
    pub entry: u32,
}

/// One exit.
#[repr(C)]
#[derive(Debug)]
struct ExitSlot {
    code: AtomicUsize,
    entry: AtomicU32,
    /// What the stub returns.
    id: ExitId,
}

/// Bytes of a slot.
pub(crate) const EXIT_SLOT_SIZE: i64 = size_of::<ExitSlot>() as i64;
/// Where in a slot the address lies.
pub(crate) const EXIT_SLOT_CODE: i32 = offset_of!(ExitSlot, code) as i32;
/// Where in a slot the number of the entry lies.
pub(crate) const EXIT_SLOT_ENTRY: i32 = offset_of!(ExitSlot, entry) as i32;
/// Where in a slot the exit's number lies.
pub(crate) const EXIT_SLOT_ID: i32 = offset_of!(ExitSlot, id) as i32;

const _: () = assert!(EXIT_SLOT_SIZE == 16 && size_of::<ExitId>() == 4);

/// The slots of a trace.
#[derive(Debug)]
pub(crate) struct ExitSlots {
    slots: Box<[ExitSlot]>,
    /// Per slot, [`crate::analysis::shape_hash`] of the exit's arguments.
    shapes: Box<[u32]>,
}

impl ExitSlots {
    /// Slots that lead to the stub, from each exit's number and shape.
    pub fn new(stub: usize, exits: impl Iterator<Item = (ExitId, u32)>) -> ExitSlots {
        let slot = |id| ExitSlot { code: AtomicUsize::new(stub), entry: AtomicU32::new(0), id };
        let (slots, shapes): (Vec<_>, Vec<_>) = exits.map(|(id, shape)| (slot(id), shape)).unzip();
        ExitSlots { slots: slots.into(), shapes: shapes.into() }
    }

    /// The address that code finds them by.
    pub fn address(&self) -> u64 {
        self.slots.as_ptr().expose_provenance() as u64
    }

    /// The numbers of the exits, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ExitId> {
        self.slots.iter().map(|slot| slot.id)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.shapes)
    }

    /// What an exit's arguments look like.
    pub fn shape(&self, index: usize) -> u32 {
        self.shapes[index]
    }

    /// Lets an exit continue somewhere.
    pub fn set(&self, index: usize, place: Place) {
        self.slots[index].entry.store(place.entry, Ordering::Release);
        self.slots[index].code.store(place.code, Ordering::Release);
    }
}

/// Where a label is.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct LabelCell {
    code: AtomicUsize,
    entry: AtomicU64,
}

/// Where in a cell the address lies.
pub(crate) const CELL_CODE: i32 = offset_of!(LabelCell, code) as i32;
/// Where in a cell the number of the entry lies.
pub(crate) const CELL_ENTRY: i32 = offset_of!(LabelCell, entry) as i32;

impl LabelCell {
    /// A cell; it must not move any more.
    pub fn new(place: Place) -> Box<LabelCell> {
        Box::new(LabelCell {
            code: AtomicUsize::new(place.code),
            entry: AtomicU64::new(place.entry.into()),
        })
    }

    /// The address that code finds it by.
    pub fn address(&self) -> u64 {
        (&raw const *self).expose_provenance() as u64
    }

    /// Lets the label be somewhere else.
    pub fn set(&self, place: Place) {
        self.entry.store(place.entry.into(), Ordering::Release);
        self.code.store(place.code, Ordering::Release);
    }
}
