//! Memory accesses and calls: the only unsafe code of this backend.
//!
//! The addresses come from traces. Whoever calls [`execute`](metainterp::backend::Backend::execute)
//! promises that they are valid; what can be checked is checked in [`check`] before.
#![expect(unsafe_code, reason = "reads and writes interpreter memory, calls interpreter functions")]

use metainterp::backend::CALL_WORDS;
use metainterp::ir::Ty;
use std::ops::Range;

/// Addresses below are null pointers with an offset.
pub(crate) const NULL_PAGE: u64 = 4096;

/// The memory that traces may access.
#[derive(Debug, Clone, Default)]
pub struct MemoryMap {
    ranges: Vec<Range<u64>>,
}

impl MemoryMap {
    /// A map without memory.
    pub fn new() -> MemoryMap {
        MemoryMap::default()
    }

    /// Adds the bytes of a slice.
    pub fn allow<T>(&mut self, memory: &mut [T]) {
        let start = memory.as_mut_ptr() as u64;
        self.ranges.push(start..start + size_of_val(memory) as u64);
    }

    fn contains(&self, address: u64, bytes: u64) -> bool {
        self.ranges.iter().any(|range| {
            range.start <= address && address < range.end && bytes <= range.end - address
        })
    }
}

/// Why an access would be wrong, if it can be known. Loads need not be aligned: words of strings are not.
pub(crate) fn check(
    address: u64,
    ty: Ty,
    is_load: bool,
    map: Option<&MemoryMap>,
) -> Result<(), String> {
    let bytes = u64::from(ty.bytes());
    if address < NULL_PAGE {
        return Err(format!("an access to {address:#x}, near null"));
    }
    if !is_load && !address.is_multiple_of(bytes) {
        return Err(format!("an access to {address:#x}, which is not aligned for a {ty}"));
    }
    match map {
        Some(map) if !map.contains(address, bytes) => {
            Err(format!("an access to {address:#x}, outside the memory map"))
        }
        _ => Ok(()),
    }
}

/// The zero-extended word of type `ty` in memory.
pub(crate) fn load(address: u64, ty: Ty) -> u64 {
    // SAFETY: the caller of `execute` promises that what the trace loads is valid, and `check` has found
    // it not near null. Any bytes are valid as unsigned integers.
    unsafe {
        match ty.bytes() {
            1 => (address as *const u8).read_unaligned().into(),
            2 => (address as *const u16).read_unaligned().into(),
            4 => (address as *const u32).read_unaligned().into(),
            _ => (address as *const u64).read_unaligned(),
        }
    }
}

/// Stores the low bytes of `word`.
pub(crate) fn store(address: u64, ty: Ty, word: u64) {
    // SAFETY: as for `load`, and the address is aligned; the words of an execution fit their types, so what is
    // stored is valid there.
    unsafe {
        match ty.bytes() {
            1 => (address as *mut u8).write(word as u8),
            2 => (address as *mut u16).write(word as u16),
            4 => (address as *mut u32).write(word as u32),
            _ => (address as *mut u64).write(word),
        }
    }
}

/// Gives back what was allocated.
pub(crate) fn free(address: u64, bytes: u64, align: u64) {
    // SAFETY: the caller of `execute` promises that what the trace gives back was allocated so and is
    // not used any more.
    unsafe { metainterp::memory::free(address, bytes, align) }
}

/// Calls by the convention of [`metainterp::ir::CallDescr`].
pub(crate) fn call(address: u64, words: &mut [u64; CALL_WORDS]) -> u8 {
    type Callee = unsafe extern "C" fn(*mut u64) -> u8;
    // SAFETY: the caller of `execute` promises that what the trace calls is a function with this
    // signature that is valid to call with the trace's arguments.
    unsafe {
        let callee: Callee = std::mem::transmute(address as usize);
        callee(words.as_mut_ptr())
    }
}
