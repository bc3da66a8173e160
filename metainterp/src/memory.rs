//! Allocating and giving back memory, as the operations `new` and `free` do.
//!
//! The memory is that of the global allocator, as that of a `Box` is: what a trace has allocated, the plain
//! program gives back, and the other way round.
#![expect(unsafe_code, reason = "calls the global allocator")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::sync::atomic::AtomicU8;

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

/// Numbers of objects that are gone are taken modulo this.
const N_GRAVES: usize = 1 << 16;

/// Objects of up to so many bytes can be looked at when they are gone.
const GRAVE_BYTES: usize = 4096;

/// How far the addresses of two objects that are gone are apart.
const DISTANCE: usize = 16;

#[repr(align(4096))]
struct Graves(
    #[allow(dead_code, reason = "its address counts")]
    [AtomicU8; N_GRAVES * DISTANCE + GRAVE_BYTES],
);

static GRAVES: Graves = Graves([const { AtomicU8::new(0) }; N_GRAVES * DISTANCE + GRAVE_BYTES]);

/// An address for an object that is gone: it can be compared and read, but nothing is there. Each such
/// object has its own.
pub fn grave(number: usize) -> u64 {
    let start = std::ptr::from_ref(&GRAVES).expose_provenance() as u64;
    start + (number % N_GRAVES * DISTANCE) as u64
}
