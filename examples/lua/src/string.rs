//! Strings: bytes that never change.
//!
//! A string is one block of memory: length, hash, then the bytes. Short ones are interned, so two short
//! strings are equal if they are the same block; long ones are compared byte by byte, and hashed when
//! they are first used as a key.

#![expect(unsafe_code, reason = "lays out header and bytes in one block")]

use jitdriver::{Traceable, dont_look_inside, jit};
use rustc_hash::FxHasher;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::hash::Hasher;
use std::ptr::NonNull;

/// Strings up to this length are interned; the reference implementation's limit.
pub const MAX_SHORT: usize = 40;

/// A handle to a string. It is valid until a collection finds it unreachable (see [`crate::gc`]).
#[derive(Clone, Copy, Traceable)]
pub struct Str {
    ptr: NonNull<Header>,
}

#[repr(C)]
struct Header {
    len: usize,
    /// 0 in a long string that has not been hashed yet.
    hash: Cell<u32>,
    marked: Cell<bool>,
    pinned: Cell<bool>,
    /// The bytes start here and reach beyond the header's padding.
    bytes: [u8; 0],
}

const _: () = assert!(size_of::<Header>() == 16);

impl Str {
    /// The hash of short strings with these bytes; never 0.
    pub fn hash_of(bytes: &[u8]) -> u32 {
        let mut hasher = FxHasher::default();
        hasher.write(bytes);
        let hash = hasher.finish();
        ((hash ^ hash >> 32) as u32).max(1)
    }

    /// A new string; only the heap makes them.
    pub fn alloc(bytes: &[u8], hash: u32) -> Str {
        let layout = layout(bytes.len());
        // SAFETY: the layout is not empty: it has a header.
        let block = unsafe { alloc(layout) };
        let Some(ptr) = NonNull::new(block.cast::<Header>()) else { handle_alloc_error(layout) };
        let header = Header {
            len: bytes.len(),
            hash: Cell::new(hash),
            marked: Cell::new(false),
            pinned: Cell::new(false),
            bytes: [],
        };
        // SAFETY: the block is as large as header and bytes, aligned for a header, and nobody else's.
        unsafe {
            ptr.write(header);
            let target = (&raw mut (*ptr.as_ptr()).bytes).cast::<u8>();
            target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Str { ptr }
    }

    /// Gives the memory back.
    ///
    /// # Safety
    ///
    /// - No handle to this string is used again.
    pub unsafe fn free(self) {
        let layout = layout(self.len());
        // SAFETY: `alloc` made the block with this layout, and it is not used again.
        unsafe { dealloc(self.ptr.as_ptr().cast(), layout) };
    }

    /// Its bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.header().len;
        // SAFETY: `alloc` wrote `len` bytes behind the header, and they never change.
        unsafe {
            let first = (&raw const (*self.ptr.as_ptr()).bytes).cast::<u8>();
            std::slice::from_raw_parts(first, len)
        }
    }

    /// Its bytes as text, for messages.
    pub fn to_text(self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }
}

#[jit]
impl Str {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: a handle that is used has not been freed, and headers change in cells only.
        unsafe { self.ptr.as_ref() }
    }

    /// How many bytes it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.header().len
    }

    /// Whether it is interned.
    #[inline]
    pub fn is_short(&self) -> bool {
        self.len() <= MAX_SHORT
    }

    /// Whether it is this very block; for short strings that is equality.
    #[inline]
    pub fn is_same(&self, other: Str) -> bool {
        self.address() == other.address()
    }

    /// A number of its own, as long as it lives.
    #[inline]
    pub fn address(&self) -> usize {
        self.ptr.as_ptr() as usize
    }

    /// Whether it has the same bytes.
    #[inline]
    pub fn equals(&self, other: Str) -> bool {
        self.is_same(other) || (!self.is_short() && !other.is_short() && self.has_bytes_of(other))
    }

    #[dont_look_inside]
    fn has_bytes_of(&self, other: Str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Str {
    /// The hash of its bytes.
    #[inline]
    pub fn hash(&self) -> u32 {
        let hash = self.header().hash.get();
        if hash == 0 { self.hash_now() } else { hash }
    }

    #[cold]
    fn hash_now(&self) -> u32 {
        let hash = Str::hash_of(self.as_bytes());
        self.header().hash.set(hash);
        hash
    }

    /// Bytes of memory that it takes.
    pub fn size(&self) -> usize {
        layout(self.len()).size()
    }

    /// Keeps it as long as the heap.
    pub fn pin(&self) {
        self.header().pinned.set(true);
    }

    /// Whether it is kept as long as the heap.
    pub fn is_pinned(&self) -> bool {
        self.header().pinned.get()
    }

    /// Marks it; whether it was not marked before.
    pub fn mark(&self) -> bool {
        !self.header().marked.replace(true)
    }

    /// Whether the current collection has found it.
    pub fn is_marked(&self) -> bool {
        self.header().marked.get()
    }

    /// Takes the mark away; whether there was one.
    pub fn unmark(&self) -> bool {
        self.header().marked.replace(false)
    }
}

fn layout(len: usize) -> Layout {
    let size = size_of::<Header>().checked_add(len).expect("shorter than the address space");
    Layout::from_size_align(size, align_of::<Header>()).expect("shorter than half of it")
}

impl PartialEq for Str {
    #[inline]
    fn eq(&self, other: &Str) -> bool {
        self.equals(*other)
    }
}

impl Eq for Str {}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}
