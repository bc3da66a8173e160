//! An `Index` of one's own is a place only if it is annotated.

use jitdriver::jit;
use std::ops::Index;

struct Registers([u64; 4]);

impl Index<u8> for Registers {
    type Output = u64;

    fn index(&self, register: u8) -> &u64 {
        &self.0[register as usize]
    }
}

#[jit]
fn low(registers: &Registers) -> u64 {
    registers[0u8] & 255
}

fn main() {}
