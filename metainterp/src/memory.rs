//! Allocating and giving back memory, as the operations `new` and `free` do.
//!
//! The memory is that of the global allocator, as that of a `Box` is: what a trace has allocated, the plain
//! program gives back, and the other way round.
#![expect(unsafe_code, reason = "calls the global allocator")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

/// How compiled code calls: by the convention of [`crate::ir::CallDescr`].
pub type Helper = unsafe extern "C" fn(*mut u64) -> u8;

/// Takes size and alignment, and answers the address.
pub const NEW: Helper = new_words;

/// Takes address, size and alignment.
pub const FREE: Helper = free_words;

fn layout(bytes: u64, align: u64) -> Layout {
    let layout = Layout::from_size_align(bytes as usize, align as usize);
    layout.expect("size and alignment are those of a type")
}

/// Allocates so many bytes, more than none.
pub fn new(bytes: u64, align: u64) -> u64 {
    let layout = layout(bytes, align);
    assert_ne!(bytes, 0, "no bytes are not allocated");
    // SAFETY: the size is not zero.
    let memory = unsafe { alloc(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    memory.expose_provenance() as u64
}

/// Gives memory back.
///
/// # Safety
/// It was allocated with this size and alignment, by [`new`] or by the global allocator, and is not used
/// any more.
pub unsafe fn free(address: u64, bytes: u64, align: u64) {
    let memory = std::ptr::with_exposed_provenance_mut(address as usize);
    // SAFETY: the caller vouches for it.
    unsafe { dealloc(memory, layout(bytes, align)) }
}

unsafe extern "C" fn new_words(words: *mut u64) -> u8 {
    // SAFETY: compiled code passes its frame's call area, with the arguments in it.
    unsafe { *words = new(*words, *words.add(1)) };
    0
}

unsafe extern "C" fn free_words(words: *mut u64) -> u8 {
    // SAFETY: as above; the trace gives back what was allocated so and is not used any more.
    unsafe { free(*words, *words.add(1), *words.add(2)) };
    0
}

/// An address for an object that is gone: it can be compared and looked at, but nothing is there. What is
/// gone differs from each other such object.
pub fn grave(number: usize, align: u64) -> u64 {
    const BYTES: usize = 1 << 16;
    #[repr(align(4096))]
    struct Graves(#[allow(dead_code)] [u8; BYTES]);
    static GRAVES: Graves = Graves([0; BYTES]);
    let align = align.clamp(16, 4096);
    let start = std::ptr::from_ref(&GRAVES).expose_provenance() as u64;
    start + (number as u64 * 256).next_multiple_of(align) % BYTES as u64
}
