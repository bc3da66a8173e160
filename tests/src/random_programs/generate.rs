//! Random programs: blocks of instructions, loops with counters, skips that depend on data.
//!
//! What is rare in a random program is made frequent, and what ends it early is made rare: programs
//! must run long enough to be compiled, and take more than one way when they are.

use super::machine::*;
use arbitrary::{Arbitrary, Result, Unstructured};

/// A program: its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub Vec<[u8; 4]>);

/// Targets are bytes.
const MAX_LEN: usize = 250;

/// Operations that do not end the program; who is named twice comes twice as often.
#[rustfmt::skip]
const TAME: &[u8] = &[
    SET, MOVE, ADD, SUB, MUL, AND, OR, XOR, SHL, SHR, SHR32, ADD_CHECKED32, DIV_CHECKED,
    MUL_OVERFLOWING16, ADD_SATURATING16, NARROW, NARROW, ACC_ADD, ACC_ADD, ACC_GET, BYTE_MIX,
    BYTE_MIX, WORD_CHECKED, WORD_MIX, FLOAT_MIX, FLOAT_TEST, FLOAT_GET, LOAD, STORE, PUSH, PUSH,
    POP, TOP_ADD, DEPTH, FIELDS, FLIP, HELPER_REG, HELPER_ACC, HELPER_FIELD, UNROLLED,
    RECURSIVE, MATCH, MATCH, EFFECT, RESIDUAL, RESIDUAL_OPTION, RESIDUAL_METHOD, ELIDABLE,
    PROMOTE, ACC_SET, PREV_SET, PREV_SWAP, PREV_SWAP, TUPLE, EARLY, LONG, LONG, LONG_STACK,
    LONG_STACK, SLOT, NESTED,
];

/// Operations that may.
#[rustfmt::skip]
const WILD: &[u8] = &[
    ADD_PANICS, SUB_PANICS, MUL_PANICS, DIV_PANICS, REM_PANICS, NEG_PANICS, BYTE_ADD_PANICS,
    LOAD_PANICS, ADD_TO_DATA_PANICS, POP_PANICS, STACK_ADD, FIELD_PANICS, RESIDUAL_PANICS,
    RETURN, FAIL,
];

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Program> {
        let mut code = Vec::new();
        // Some programs never panic, some do it at the next opportunity.
        let wildness = *u.choose(&[0, 2, 5, 20])?;
        let mut generator = Generator { u, code: &mut code, wildness };
        let n = generator.u.int_in_range(1..=3)?;
        for _ in 0..n {
            generator.block(0)?;
            generator.counted_loop(0)?;
        }
        code.truncate(MAX_LEN);
        let len = code.len() as u8;
        for instruction in &mut code {
            instruction[3] = instruction[3].min(len);
        }
        Ok(Program(code))
    }
}

struct Generator<'u, 'a, 'c> {
    u: &'u mut Unstructured<'a>,
    code: &'c mut Vec<[u8; 4]>,
    /// Of a hundred operations, how many may end the program.
    wildness: u32,
}

impl Generator<'_, '_, '_> {
    fn here(&self) -> u8 {
        self.code.len().min(MAX_LEN) as u8
    }

    fn reg(&mut self) -> Result<u8> {
        self.u.int_in_range(0..=7)
    }

    fn block(&mut self, depth: u8) -> Result<()> {
        let n = self.u.int_in_range(1..=5)?;
        for _ in 0..n {
            match self.u.int_in_range(0..=9)? {
                0..=1 if depth < 3 => self.counted_loop(depth)?,
                2 => self.skip(depth)?,
                3 if depth > 0 && self.u.ratio(1, 4)? => self.wild_jump()?,
                _ => self.operation()?,
            }
        }
        Ok(())
    }

    fn counted_loop(&mut self, depth: u8) -> Result<()> {
        let counter = FIRST_COUNTER + depth;
        let laps = self.u.int_in_range(1..=if depth == 0 { 40 } else { 12 })?;
        self.code.push([COUNT, counter, laps, 0]);
        let start = self.here();
        self.block(depth + 1)?;
        self.code.push([LOOP, counter, 0, start]);
        Ok(())
    }

    /// Goes over a block, or out of the loops around it.
    fn skip(&mut self, depth: u8) -> Result<()> {
        let opcode = *self.u.choose(&[SKIP_IF_ODD, SKIP_IF_LESS, SKIP_IF_BYTE])?;
        let (a, b) = (self.reg()?, self.reg()?);
        let b = if opcode == SKIP_IF_BYTE { self.u.arbitrary()? } else { b };
        let at = self.code.len();
        self.code.push([opcode, a, b, 0]);
        self.block(depth)?;
        let further = if self.u.ratio(1, 8)? { self.u.int_in_range(0..=10)? } else { 0 };
        self.code[at][3] = self.here().saturating_add(further);
        Ok(())
    }

    fn wild_jump(&mut self) -> Result<()> {
        let (a, b) = (self.reg()?, self.reg()?);
        let target = self.u.int_in_range(0..=self.here())?;
        self.code.push([JUMP_IF_LESS, a, b, target]);
        Ok(())
    }

    fn operation(&mut self) -> Result<()> {
        let is_wild = self.u.int_in_range(1..=100)? <= self.wildness;
        let opcode = *self.u.choose(if is_wild { WILD } else { TAME })?;
        let a = self.reg()?;
        let b = match opcode {
            SET | TOP_ADD | FLIP | HELPER_REG | HELPER_ACC | UNROLLED | RESIDUAL => {
                self.u.arbitrary()?
            }
            BYTE_ADD_PANICS | FIELD_PANICS => self.u.int_in_range(0..=9)?,
            _ => self.reg()?,
        };
        self.code.push([opcode, a, b, 0]);
        Ok(())
    }
}

/// Bytes that look random, from a seed.
pub fn bytes(seed: u64, n: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        // The generator `splitmix64` of Steele, Lea and Flood.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..n.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(n).collect()
}
