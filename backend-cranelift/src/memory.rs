//! Memory for machine code.
//!
//! One stretch of address space is reserved for a backend, so that everything in it is in reach of
//! a near call, and is filled from a [`FreeList`]. It is mapped twice: once writable, once
//! executable, so that no page is ever both, and code that runs is not disturbed when a neighbour
//! on its page is written. Where the system has no memory files, it is mapped once, and the pages
//! that are written lose the right to execute meanwhile.
//!
//! Freed code is overwritten with instructions that trap, so that a stale jump stops at once.
//!
//! Why not `cranelift-jit`'s module for traces: it takes whole pages at each finalization (4 to 6
//! KiB for a trace of 800 bytes), cannot free a single function, and calls at AArch64 cost it 24
//! bytes.

#![expect(unsafe_code, reason = "maps and writes memory for machine code")]

use crate::free_list::{FreeList, Range};
use metainterp::backend::Refusal;
use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

/// Memory for code.
#[derive(Debug)]
pub(crate) struct CodeMemory {
    exec: NonNull<u8>,
    /// The writable view; none if pages change their rights instead.
    write: Option<NonNull<u8>>,
    len: usize,
    free: FreeList,
    used: usize,
}

// SAFETY: the mappings are the process's, and belong to this value alone.
unsafe impl Send for CodeMemory {}

/// How code memory is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// Writable and executable views of one memory file, where the system has them.
    Twice,
    /// One anonymous view. Profilers look up names only for such memory.
    Once,
}

impl CodeMemory {
    /// Reserves `len` bytes of address space; pages become memory when they are used.
    pub fn new(len: usize, mapping: Mapping) -> io::Result<CodeMemory> {
        let len = len.next_multiple_of(page_size());
        let twice = match mapping {
            Mapping::Twice => map_twice(len).ok(),
            Mapping::Once => None,
        };
        let (exec, write) = match twice {
            Some((exec, write)) => (exec, Some(write)),
            None => (map_once(len)?, None),
        };
        Ok(CodeMemory { exec, write, len, free: FreeList::new(len), used: 0 })
    }

    /// Takes room for code.
    pub fn allocate(&mut self, len: usize) -> Result<Range, Refusal> {
        let range = self.free.allocate(len).ok_or_else(|| {
            Refusal::new(format!("no room for {len} bytes of code: {} are in use", self.used))
        })?;
        self.used += range.len;
        Ok(range)
    }

    /// Where the range executes.
    pub fn address(&self, range: Range) -> usize {
        self.exec.as_ptr().expose_provenance() + range.offset
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Puts code into the range; the rest of it traps.
    pub fn write(&mut self, range: Range, code: &[u8]) {
        assert!(code.len() <= range.len, "{} bytes of code for {range:?}", code.len());
        self.edit(range, |bytes| {
            bytes[..code.len()].copy_from_slice(code);
            fill_with_traps(&mut bytes[code.len()..]);
        });
    }

    /// Gives the range back.
    pub fn free(&mut self, range: Range) {
        self.edit(range, fill_with_traps);
        self.used -= range.len;
        self.free.free(range);
    }

    fn edit(&mut self, range: Range, edit: impl FnOnce(&mut [u8])) {
        assert!(range.offset + range.len <= self.len, "{range:?} of {} bytes", self.len);
        let base = self.write.unwrap_or(self.exec);
        self.set_rights(range, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: the range lies in the mapping (asserted), which is writable: the writable view
        // always is, and the only view was made so by the line above. `self` is borrowed mutably
        // and the machine code in the range does not run: it is not there yet, or has just been
        // freed.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(base.as_ptr().add(range.offset), range.len) };
        edit(bytes);
        self.set_rights(range, libc::PROT_READ | libc::PROT_EXEC);
        self.flush_instruction_cache(range);
    }

    /// Changes the rights of the pages around the range, if there is but one view of them.
    fn set_rights(&self, range: Range, rights: i32) {
        if self.write.is_some() {
            return;
        }
        let page = page_size();
        let start = range.offset / page * page;
        let end = (range.offset + range.len).next_multiple_of(page);
        // SAFETY: the pages belong to this mapping. The thread that owns the backend runs this, so
        // none of its compiled code is executing just now; frames of it further up the stack go on
        // when the rights are back.
        let result =
            unsafe { libc::mprotect(self.exec.as_ptr().add(start).cast(), end - start, rights) };
        assert_eq!(result, 0, "mprotect of code memory: {}", io::Error::last_os_error());
    }

    fn flush_instruction_cache(&self, range: Range) {
        let start = self.exec.as_ptr().wrapping_add(range.offset);
        // SAFETY: the range is mapped for as long as `self` lives.
        unsafe { icache::clear_cache(start.cast_const().cast(), range.len) }
            .expect("the instruction cache can be flushed");
        icache::pipeline_flush_mt().expect("the pipeline can be flushed");
    }

    /// The part of the memory that was ever needed at once.
    #[cfg(test)]
    pub fn high_water(&self) -> usize {
        self.free.high_water()
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        for view in [Some(self.exec), self.write].into_iter().flatten() {
            // SAFETY: this is a mapping of that length which `map_view` made, and nothing refers to
            // it any more: whoever runs code borrows the backend that owns this memory.
            unsafe { libc::munmap(view.as_ptr().cast(), self.len) };
        }
    }
}

fn fill_with_traps(bytes: &mut [u8]) {
    // `int3`; on AArch64 a word of zeros is `udf`.
    bytes.fill(if cfg!(target_arch = "x86_64") { 0xcc } else { 0 });
}

fn page_size() -> usize {
    // SAFETY: `sysconf` only reads a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

fn map_once(len: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    map_view(len, libc::PROT_READ | libc::PROT_EXEC, flags, -1)
}

/// An executable and a writable view of the same memory.
#[cfg(target_os = "linux")]
fn map_twice(len: usize) -> io::Result<(NonNull<u8>, NonNull<u8>)> {
    use std::os::fd::AsRawFd;
    let file = memory_file()?;
    file.set_len(len as u64)?;
    let map = |rights| map_view(len, rights, libc::MAP_SHARED, file.as_raw_fd());
    let exec = map(libc::PROT_READ | libc::PROT_EXEC)?;
    let write = map(libc::PROT_READ | libc::PROT_WRITE).inspect_err(|_| {
        // SAFETY: nothing has seen this mapping yet.
        unsafe { libc::munmap(exec.as_ptr().cast(), len) };
    })?;
    Ok((exec, write))
}

#[cfg(not(target_os = "linux"))]
fn map_twice(_len: usize) -> io::Result<(NonNull<u8>, NonNull<u8>)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A file that has no name and lives in memory. Kernels before 6.3 do not know `MFD_EXEC` and make
/// every memory file executable.
#[cfg(target_os = "linux")]
fn memory_file() -> io::Result<std::fs::File> {
    use std::os::fd::FromRawFd;
    const MFD_EXEC: u32 = 0x10;
    for flags in [libc::MFD_CLOEXEC | MFD_EXEC, libc::MFD_CLOEXEC] {
        // SAFETY: the name is a C string; a file descriptor comes back.
        let fd = unsafe { libc::memfd_create(c"jit-code".as_ptr(), flags) };
        if fd >= 0 {
            // SAFETY: the descriptor is new and owned by nobody else.
            return Ok(unsafe { std::fs::File::from_raw_fd(fd) });
        }
    }
    Err(io::Error::last_os_error())
}

fn map_view(len: usize, rights: i32, flags: i32, fd: i32) -> io::Result<NonNull<u8>> {
    // SAFETY: without a fixed address a new mapping disturbs no other memory.
    let view: *mut c_void = unsafe { libc::mmap(ptr::null_mut(), len, rights, flags, fd, 0) };
    if view == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(NonNull::new(view.cast()).expect("a mapping does not lie at address 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mapping: Mapping) {
        let mut memory = CodeMemory::new(1 << 20, mapping).unwrap();
        let first = memory.allocate(20).unwrap();
        let second = memory.allocate(4096).unwrap();
        memory.write(first, &[1; 20]);
        memory.write(second, &[2; 4096]);
        assert_eq!(read(&memory, first)[..20], [1; 20]);
        assert_eq!(read(&memory, first)[20..], [TRAP; 12]);
        assert_eq!(read(&memory, second), [2; 4096]);
        memory.free(first);
        assert_eq!(read(&memory, first), [TRAP; 32]);
        assert_eq!(memory.used(), 4096);
        assert_eq!(rights(&memory), ["r-xp", "r-xs"][usize::from(memory.write.is_some())]);
    }

    const TRAP: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

    fn read(memory: &CodeMemory, range: Range) -> &[u8] {
        // SAFETY: the executable view can be read, and the borrow keeps it as it is.
        unsafe { std::slice::from_raw_parts(memory.exec.as_ptr().add(range.offset), range.len) }
    }

    /// What the system says about the executable view.
    fn rights(memory: &CodeMemory) -> String {
        let start = format!("{:x}-", memory.exec.as_ptr().addr());
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&start)).unwrap();
        line.split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn two_views() {
        check(Mapping::Twice);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn one_view() {
        check(Mapping::Once);
    }

    #[test]
    fn full_memory_is_a_refusal() {
        let mut memory = CodeMemory::new(4096, Mapping::Twice).unwrap();
        let all = memory.allocate(4096).unwrap();
        assert!(memory.allocate(1).is_err());
        memory.free(all);
        assert!(memory.allocate(1).is_ok());
    }
}
