//! What random traces share: a buffer of memory, a function to call, and numbers that are in use.
//!
//! The buffer has one area for each kind of value. Floats have their own, because a NaN may have any
//! bits: what is computed from a NaN is never read as an integer.

use crate::bench::{callee, switchboard};
use metainterp::backend::CALL_WORDS;
use metainterp::ir::{MemDescr, TargetId, Ty};
use std::cell::Cell;
use std::rc::Rc;

/// An area of the buffer: which types live there, where, and how long it is in bytes (powers of two).
pub(crate) struct Area {
    pub(crate) start: u32,
    pub(crate) bytes: u32,
}

const INTS: Area = Area { start: 0, bytes: 256 };
const DOUBLES: Area = Area { start: 256, bytes: 128 };
const SINGLES: Area = Area { start: 384, bytes: 64 };
const BOOLS: Area = Area { start: 448, bytes: 64 };
const N_WORDS: usize = 64;

/// Where values of a type live; none for addresses.
pub(crate) fn area(ty: Ty) -> Option<Area> {
    match ty {
        Ty::I8 | Ty::I16 | Ty::I32 | Ty::I64 => Some(INTS),
        Ty::F64 => Some(DOUBLES),
        Ty::F32 => Some(SINGLES),
        Ty::Bool => Some(BOOLS),
        Ty::Ptr => None,
    }
}

/// The contents of the buffer.
pub(crate) type Memory = [u64; N_WORDS];

/// Whether two contents are the same, but for the bits of NaNs.
pub(crate) fn same_memory(a: &Memory, b: &Memory) -> bool {
    (0..N_WORDS).all(|k| {
        let (ty, at) = ((k * 8) as u32, k);
        match ty {
            _ if (DOUBLES.start..DOUBLES.start + DOUBLES.bytes).contains(&ty) => {
                same_word(Ty::F64, a[at], b[at])
            }
            _ if (SINGLES.start..SINGLES.start + SINGLES.bytes).contains(&ty) => {
                let mask = Ty::F32.mask();
                same_word(Ty::F32, a[at] & mask, b[at] & mask)
                    && same_word(Ty::F32, a[at] >> 32, b[at] >> 32)
            }
            _ => a[at] == b[at],
        }
    })
}

/// Whether two values are the same, but for the bits of NaNs.
pub(crate) fn same_word(ty: Ty, a: u64, b: u64) -> bool {
    a == b || is_nan(ty, a) && is_nan(ty, b)
}

pub(crate) fn is_nan(ty: Ty, bits: u64) -> bool {
    match ty {
        Ty::F32 => f32::from_bits(bits as u32).is_nan(),
        Ty::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// What the called function does, besides computing.
pub(crate) const WRITES: u64 = 1;
pub(crate) const PANICS: u64 = 2;

/// The function that random traces call: (flags, types, number of arguments, arguments…). `types` has
/// three bits for each result.
pub(crate) struct Called {
    pub(crate) hash: u64,
    pub(crate) panics: bool,
}

/// What a call with these arguments does. A result is [`result_word`] of the hash.
pub(crate) fn called(flags: u64, args: &[u64]) -> Called {
    let mix =
        |hash: u64, arg: &u64| (hash ^ arg).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let hash = args.iter().fold(0x1234_5678, mix);
    Called { hash, panics: flags & PANICS != 0 && hash % 16 == 0 }
}

/// The `index`-th result of a call.
pub(crate) fn result_word(hash: u64, index: usize, ty: Ty) -> u64 {
    hash.rotate_left(index as u32 * 11) & ty.mask()
}

/// The word of the buffer that a call writes, and what.
pub(crate) fn written(hash: u64) -> (usize, u64) {
    ((hash >> 7) as usize % (INTS.bytes as usize / 8), hash)
}

/// Buffer, function and numbers.
pub(crate) struct World {
    buffer: Rc<[Cell<u64>; N_WORDS]>,
    /// Selects the function on the [`switchboard`].
    pub(crate) callee: u64,
    /// The next free numbers.
    pub(crate) n_exits: u32,
    pub(crate) n_targets: u32,
    /// Labels of compiled traces, with the types that they take.
    pub(crate) labels: Vec<(TargetId, Vec<Ty>)>,
}

impl World {
    pub(crate) fn new(memory: Memory) -> World {
        let buffer = Rc::new(memory.map(Cell::new));
        let shared = Rc::clone(&buffer);
        let callee = callee(move |words| call(&shared, words));
        World { buffer, callee, n_exits: 0, n_targets: 0, labels: Vec::new() }
    }

    pub(crate) fn address(&self) -> u64 {
        self.buffer.as_ptr() as u64
    }

    pub(crate) fn function(&self) -> u64 {
        switchboard()
    }

    pub(crate) fn memory(&self) -> Memory {
        std::array::from_fn(|k| self.buffer[k].get())
    }

    pub(crate) fn set_memory(&self, memory: &Memory) {
        self.buffer.iter().zip(memory).for_each(|(cell, &word)| cell.set(word));
    }

    /// Makes a store with these operands: address, perhaps index, value.
    pub(crate) fn store(&self, mem: &MemDescr, operands: &[u64]) {
        let mut address = operands[0].wrapping_add_signed(i64::from(mem.offset));
        if operands.len() == 3 {
            address = address.wrapping_add(operands[1].wrapping_mul(u64::from(mem.scale)));
        }
        let at = address.wrapping_sub(self.address()) as usize;
        let bytes = operands[operands.len() - 1].to_le_bytes();
        for (k, &byte) in bytes.iter().enumerate().take(mem.ty.bytes() as usize) {
            let cell = &self.buffer[(at + k) / 8];
            let mut word = cell.get().to_le_bytes();
            word[(at + k) % 8] = byte;
            cell.set(u64::from_le_bytes(word));
        }
    }
}

fn call(buffer: &[Cell<u64>; N_WORDS], words: &mut [u64; CALL_WORDS]) -> bool {
    let (flags, types, n_args) = (words[1], words[2], words[3] as usize);
    let Called { hash, panics } = called(flags, &words[4..4 + n_args]);
    if flags & WRITES != 0 {
        let (at, word) = written(hash);
        buffer[at].set(word);
    }
    for (k, word) in words.iter_mut().enumerate().take(8) {
        *word = result_word(hash, k, Ty::ALL[(types >> (3 * k) & 7) as usize]);
    }
    panics
}
