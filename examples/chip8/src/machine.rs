//! The machine: memory, registers, timers, keypad, screen, and the instruction that comes next.
//!
//! [`Chip8::step`] fetches the two bytes at `pc`, decodes them with one `match` on their four digits,
//! and executes. The program lies in the same memory that it works on, so it may change itself.
//!
//! Where interpreters of the last fifty years differ, this one does as the COSMAC VIP did:
//! 1. `8XY1`, `8XY2` and `8XY3` clear `VF`.
//! 2. `8XY6` and `8XYE` shift `VY` and put the result into `VX`.
//! 3. Where an instruction sets `VF` and a result, `VF` is set last.
//! 4. `FX55` and `FX65` leave `I` behind the last byte that they stored or loaded.
//! 5. `BNNN` adds `V0`.
//! 6. A sprite starts inside of the screen (its position wraps), and is cut off at the edges.
//!
//! And where it does not:
//! 1. `DXYN` does not wait for the next frame.
//! 2. `FX0A` takes a key as soon as it is down, the lowest if there are several.
//! 3. `0NNN`, machine code of the VIP's processor, is a fault.
//! 4. `I` has sixteen bits; using it beyond the memory is a fault.
//! 5. A jump to itself halts the machine, because nothing can change any more.

use crate::keypad::Keys;
use crate::screen::{HEIGHT, Screen, WIDTH};
use jitdriver::{dont_look_inside, jit, promote, unroll_safe};
use std::fmt;

/// Bytes of memory.
pub const RAM_SIZE: usize = 4096;

/// Where programs are loaded and start.
pub const PROGRAM_START: u16 = 0x200;

const STACK_SIZE: usize = 16;

const GLYPH_SIZE: u16 = 5;

/// The digits, eight by five pixels each; they lie at the start of the memory.
pub const FONT: [u8; 80] = [
    0xf0, 0x90, 0x90, 0x90, 0xf0, // 0
    0x20, 0x60, 0x20, 0x20, 0x70, // 1
    0xf0, 0x10, 0xf0, 0x80, 0xf0, // 2
    0xf0, 0x10, 0xf0, 0x10, 0xf0, // 3
    0x90, 0x90, 0xf0, 0x10, 0x10, // 4
    0xf0, 0x80, 0xf0, 0x10, 0xf0, // 5
    0xf0, 0x80, 0xf0, 0x90, 0xf0, // 6
    0xf0, 0x10, 0x20, 0x40, 0x40, // 7
    0xf0, 0x90, 0xf0, 0x90, 0xf0, // 8
    0xf0, 0x90, 0xf0, 0x10, 0xf0, // 9
    0xf0, 0x90, 0xf0, 0x90, 0x90, // A
    0xe0, 0x90, 0xe0, 0x90, 0xe0, // B
    0xf0, 0x80, 0x80, 0x80, 0xf0, // C
    0xe0, 0x90, 0x90, 0x90, 0xe0, // D
    0xf0, 0x80, 0xf0, 0x80, 0xf0, // E
    0xf0, 0x80, 0xf0, 0x80, 0x80, // F
];

/// A mistake of the guest: what happened at which instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The address of the instruction.
    pub at: u16,
    /// What happened.
    pub kind: FaultKind,
}

/// What can go wrong in an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such instruction.
    UnknownOpcode(u16),
    /// A call of machine code.
    MachineCode(u16),
    /// The instruction does not lie in the memory.
    PcOutside,
    /// The instruction uses this address, where there is no memory.
    AddressOutside(usize),
    /// Too many calls without return.
    StackOverflow,
    /// A return without call.
    StackUnderflow,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#05x}: ", self.at)?;
        match self.kind {
            FaultKind::UnknownOpcode(opcode) => write!(f, "unknown opcode {opcode:04x}"),
            FaultKind::MachineCode(address) => write!(f, "call of machine code at {address:#05x}"),
            FaultKind::PcOutside => write!(f, "the program left the memory"),
            FaultKind::AddressOutside(address) => write!(f, "no memory at {address:#05x}"),
            FaultKind::StackOverflow => write!(f, "more than {STACK_SIZE} calls without return"),
            FaultKind::StackUnderflow => write!(f, "return without call"),
        }
    }
}

impl std::error::Error for Fault {}

/// A program that does not fit into the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadError {
    size: usize,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = RAM_SIZE - PROGRAM_START as usize;
        write!(f, "the program has {} bytes, the memory room for {room}", self.size)
    }
}

impl std::error::Error for LoadError {}

/// The machine.
#[derive(Debug, Clone)]
pub struct Chip8 {
    ram: [u8; RAM_SIZE],
    v: [u8; 16],
    i: u16,
    pc: u16,
    stack: [u16; STACK_SIZE],
    sp: usize,
    delay: u8,
    sound: u8,
    keys: Keys,
    screen: Screen,
    random: u32,
    halted: bool,
}

#[jit]
impl Chip8 {
    /// A machine with a program in its memory.
    #[dont_look_inside]
    pub fn new(program: &[u8], seed: u32) -> Result<Chip8, LoadError> {
        let mut ram = [0; RAM_SIZE];
        ram[..FONT.len()].copy_from_slice(&FONT);
        let room = &mut ram[PROGRAM_START as usize..];
        let size = program.len();
        room.get_mut(..size).ok_or(LoadError { size })?.copy_from_slice(program);
        Ok(Chip8 {
            ram,
            v: [0; 16],
            i: 0,
            pc: PROGRAM_START,
            stack: [0; STACK_SIZE],
            sp: 0,
            delay: 0,
            sound: 0,
            keys: Keys::default(),
            screen: Screen::default(),
            // The generator must not start with zero, and odd numbers are not.
            random: seed.wrapping_mul(2).wrapping_add(1).wrapping_mul(0x9e37_79b9),
            halted: false,
        })
    }

    /// Executes one instruction.
    pub fn step(&mut self) -> Result<(), Fault> {
        let at = self.pc;
        let opcode = promote(self.fetch()?);
        self.pc += 2;

        let nnn = opcode & 0x0fff;
        let nn = opcode as u8;
        let n = nn & 0x0f;
        let x = (opcode >> 8 & 0x0f) as usize;
        let y = (opcode >> 4 & 0x0f) as usize;

        match (opcode >> 12, x, y, n) {
            (0x0, 0x0, 0xe, 0x0) => self.screen.clear(),
            (0x0, 0x0, 0xe, 0xe) => {
                if self.sp == 0 {
                    return Err(Fault { at, kind: FaultKind::StackUnderflow });
                }
                self.sp -= 1;
                self.pc = self.stack[self.sp];
            }
            (0x0, ..) => return Err(Fault { at, kind: FaultKind::MachineCode(nnn) }),
            (0x1, ..) => {
                self.pc = nnn;
                self.halted = nnn == at;
            }
            (0x2, ..) => {
                if self.sp == STACK_SIZE {
                    return Err(Fault { at, kind: FaultKind::StackOverflow });
                }
                self.stack[self.sp] = self.pc;
                self.sp += 1;
                self.pc = nnn;
            }
            (0x3, ..) => self.skip_if(self.v[x] == nn),
            (0x4, ..) => self.skip_if(self.v[x] != nn),
            (0x5, _, _, 0x0) => self.skip_if(self.v[x] == self.v[y]),
            (0x6, ..) => self.v[x] = nn,
            (0x7, ..) => self.v[x] = self.v[x].wrapping_add(nn),
            (0x8, _, _, 0x0) => self.v[x] = self.v[y],
            (0x8, _, _, 0x1) => self.set_with_flag(x, self.v[x] | self.v[y], false),
            (0x8, _, _, 0x2) => self.set_with_flag(x, self.v[x] & self.v[y], false),
            (0x8, _, _, 0x3) => self.set_with_flag(x, self.v[x] ^ self.v[y], false),
            (0x8, _, _, 0x4) => {
                let (sum, carry) = self.v[x].overflowing_add(self.v[y]);
                self.set_with_flag(x, sum, carry);
            }
            (0x8, _, _, 0x5) => {
                let (difference, borrow) = self.v[x].overflowing_sub(self.v[y]);
                self.set_with_flag(x, difference, !borrow);
            }
            (0x8, _, _, 0x6) => self.set_with_flag(x, self.v[y] >> 1, self.v[y] & 0x01 != 0),
            (0x8, _, _, 0x7) => {
                let (difference, borrow) = self.v[y].overflowing_sub(self.v[x]);
                self.set_with_flag(x, difference, !borrow);
            }
            (0x8, _, _, 0xe) => self.set_with_flag(x, self.v[y] << 1, self.v[y] & 0x80 != 0),
            (0x9, _, _, 0x0) => self.skip_if(self.v[x] != self.v[y]),
            (0xa, ..) => self.i = nnn,
            (0xb, ..) => self.pc = nnn + self.v[0] as u16,
            (0xc, ..) => self.v[x] = self.random_byte() & nn,
            (0xd, ..) => {
                let sprite = self.memory(at, n as usize)?;
                let left = self.v[x] as usize % WIDTH;
                let top = self.v[y] as usize % HEIGHT;
                self.draw(left, top, sprite, n as usize);
            }
            (0xe, _, 0x9, 0xe) => self.skip_if(self.is_down(self.v[x])),
            (0xe, _, 0xa, 0x1) => self.skip_if(!self.is_down(self.v[x])),
            (0xf, _, 0x0, 0x7) => self.v[x] = self.delay,
            (0xf, _, 0x0, 0xa) => match self.keys.iter().position(|&is_down| is_down) {
                Some(key) => self.v[x] = key as u8,
                None => self.pc = at,
            },
            (0xf, _, 0x1, 0x5) => self.delay = self.v[x],
            (0xf, _, 0x1, 0x8) => self.sound = self.v[x],
            (0xf, _, 0x1, 0xe) => self.i = self.i.wrapping_add(self.v[x] as u16),
            (0xf, _, 0x2, 0x9) => self.i = (self.v[x] & 0x0f) as u16 * GLYPH_SIZE,
            (0xf, _, 0x3, 0x3) => {
                let value = self.v[x];
                let start = self.memory(at, 3)?;
                self.ram[start] = value / 100;
                self.ram[start + 1] = value / 10 % 10;
                self.ram[start + 2] = value % 10;
            }
            (0xf, _, 0x5, 0x5) => {
                let start = self.memory(at, x + 1)?;
                self.ram[start..=start + x].copy_from_slice(&self.v[..=x]);
                self.i += x as u16 + 1;
            }
            (0xf, _, 0x6, 0x5) => {
                let start = self.memory(at, x + 1)?;
                self.v[..=x].copy_from_slice(&self.ram[start..=start + x]);
                self.i += x as u16 + 1;
            }
            _ => return Err(Fault { at, kind: FaultKind::UnknownOpcode(opcode) }),
        }
        Ok(())
    }

    fn fetch(&self) -> Result<u16, Fault> {
        let pc = self.pc as usize;
        match self.ram.get(pc..pc + 2) {
            Some(bytes) => Ok((bytes[0] as u16) << 8 | bytes[1] as u16),
            None => Err(Fault { at: self.pc, kind: FaultKind::PcOutside }),
        }
    }

    /// The address in `I`, if `len` bytes from there on are memory.
    fn memory(&self, at: u16, len: usize) -> Result<usize, Fault> {
        let start = self.i as usize;
        if start + len > RAM_SIZE {
            // The first address that is not there.
            let address = start.max(RAM_SIZE);
            return Err(Fault { at, kind: FaultKind::AddressOutside(address) });
        }
        Ok(start)
    }

    fn skip_if(&mut self, condition: bool) {
        if condition {
            self.pc += 2;
        }
    }

    /// Sets `VX`, then `VF`, which may be the same register.
    fn set_with_flag(&mut self, x: usize, value: u8, flag: bool) {
        self.v[x] = value;
        self.v[0xf] = flag as u8;
    }

    fn is_down(&self, key: u8) -> bool {
        self.keys[(key & 0x0f) as usize]
    }

    #[unroll_safe]
    fn draw(&mut self, left: usize, top: usize, sprite: usize, n_rows: usize) {
        let mut collision = false;
        for row in 0..n_rows {
            collision |= self.screen.draw_row(left, top + row, self.ram[sprite + row]);
        }
        self.v[0xf] = collision as u8;
    }

    /// Marsaglia's xorshift; of its 32 bits the high ones are the best.
    fn random_byte(&mut self) -> u8 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        (self.random >> 24) as u8
    }

    /// Lets a sixtieth of a second pass.
    pub fn tick_timers(&mut self) {
        self.delay = self.delay.saturating_sub(1);
        self.sound = self.sound.saturating_sub(1);
    }

    /// Says which keys are down from now on.
    pub fn set_keys(&mut self, keys: Keys) {
        self.keys = keys;
    }

    /// Whether the program has come to its end, a jump to itself.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// Whether the buzzer is on.
    pub fn is_buzzing(&self) -> bool {
        self.sound > 0
    }

    /// The screen.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The memory.
    pub fn ram(&self) -> &[u8; RAM_SIZE] {
        &self.ram
    }

    /// The registers `V0` to `VF`.
    pub fn registers(&self) -> &[u8; 16] {
        &self.v
    }

    /// The address register.
    pub fn i(&self) -> u16 {
        self.i
    }

    /// The address of the next instruction.
    pub fn pc(&self) -> u16 {
        self.pc
    }

    /// The delay timer.
    pub fn delay(&self) -> u8 {
        self.delay
    }
}
