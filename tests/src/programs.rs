//! A small interpreter whose programs the conformance tests write down: a register machine.
//!
//! Every instruction is four bytes, `[opcode, a, b, c]`; `pc` is the index of the opcode. Jumps name
//! their target as a number of instructions in `c`. A jump back is a loop header, as in TL, the toy
//! language of RPython's own tests.
//!
//! Why not one interpreter per test? Many are that, where the shape of the interpreter matters. Where
//! the shape of the *guest's* loops matters, it is the guest program that has to be read.

use crate::oracle::effect;
use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

/// `a = b`, as a signed byte.
pub const SET: u8 = 0;
/// `a = register b`.
pub const MOVE: u8 = 1;
/// `a += register b`, wrapping.
pub const ADD: u8 = 2;
/// `a += b`, as a signed byte, wrapping.
pub const ADD_IMM: u8 = 3;
/// `a *= register b`, wrapping.
pub const MUL: u8 = 4;
/// `a &= b`.
pub const AND_IMM: u8 = 5;
/// Goes to `c`.
pub const JUMP: u8 = 6;
/// Goes to `c` if register `a` is not zero.
pub const JUMP_IF: u8 = 7;
/// Goes to `c` if register `a` is less than register `b`.
pub const JUMP_LT: u8 = 8;
/// An effect with register `a`.
pub const EFFECT: u8 = 9;
/// Answers register `a`.
pub const RETURN: u8 = 10;

/// Runs a program on `regs`.
#[jit]
pub fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], regs: &mut [i64]) -> i64 {
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [regs]);
        let a = code[pc + 1] as usize;
        let b = code[pc + 2];
        let jumps = match code[pc] {
            SET => {
                regs[a] = b as i8 as i64;
                false
            }
            MOVE => {
                regs[a] = regs[b as usize];
                false
            }
            ADD => {
                regs[a] = regs[a].wrapping_add(regs[b as usize]);
                false
            }
            ADD_IMM => {
                regs[a] = regs[a].wrapping_add(b as i8 as i64);
                false
            }
            MUL => {
                regs[a] = regs[a].wrapping_mul(regs[b as usize]);
                false
            }
            AND_IMM => {
                regs[a] &= b as i64;
                false
            }
            JUMP => true,
            JUMP_IF => regs[a] != 0,
            JUMP_LT => regs[a] < regs[b as usize],
            EFFECT => {
                effect(regs[a]);
                false
            }
            RETURN => return regs[a],
            other => panic!("bad opcode {other} at {pc}"),
        };
        if !jumps {
            pc += 4;
            continue;
        }
        let target = 4 * code[pc + 3] as usize;
        let is_back = target <= pc;
        pc = target;
        if is_back {
            can_enter_jit!(driver, greens = [pc, code], reds = [regs]);
        }
    }
}

/// Sums `registers[1]` (not zero) down to 1 into register 0.
pub const SUM: &[[u8; 4]] = &[
    [SET, 0, 0, 0],
    [ADD, 0, 1, 0],
    [ADD_IMM, 1, -1i8 as u8, 0],
    [JUMP_IF, 1, 0, 1],
    [RETURN, 0, 0, 0],
];

/// For `registers[1]` times, `registers[2]` times (not zero): adds both counters to register 0.
pub const NESTED: &[[u8; 4]] = &[
    [SET, 0, 0, 0],
    [MOVE, 3, 2, 0],
    [ADD, 0, 1, 0],
    [ADD, 0, 3, 0],
    [ADD_IMM, 3, -1i8 as u8, 0],
    [JUMP_IF, 3, 0, 2],
    [ADD_IMM, 1, -1i8 as u8, 0],
    [JUMP_IF, 1, 0, 1],
    [RETURN, 0, 0, 0],
];

/// Three loops in each other, each `registers[1]` times; counts the innermost laps in register 0.
pub const THREE_NESTED: &[[u8; 4]] = &[
    [SET, 0, 0, 0],
    [MOVE, 2, 1, 0],
    [MOVE, 3, 1, 0],
    [MOVE, 4, 1, 0],
    [ADD_IMM, 0, 1, 0],
    [ADD_IMM, 4, -1i8 as u8, 0],
    [JUMP_IF, 4, 0, 4],
    [ADD_IMM, 3, -1i8 as u8, 0],
    [JUMP_IF, 3, 0, 3],
    [ADD_IMM, 2, -1i8 as u8, 0],
    [JUMP_IF, 2, 0, 2],
    [RETURN, 0, 0, 0],
];

/// Two loops one after the other, in a loop of `registers[1]` laps; each counts to `registers[2]`.
pub const TWO_IN_ONE: &[[u8; 4]] = &[
    [SET, 0, 0, 0],
    [SET, 3, 0, 0],
    [ADD, 0, 3, 0],
    [ADD_IMM, 3, 1, 0],
    [JUMP_LT, 3, 2, 2],
    [ADD_IMM, 0, 7, 0],
    [ADD_IMM, 3, -1i8 as u8, 0],
    [JUMP_IF, 3, 0, 5],
    [EFFECT, 0, 0, 0],
    [ADD_IMM, 1, -1i8 as u8, 0],
    [JUMP_IF, 1, 0, 1],
    [RETURN, 0, 0, 0],
];

/// Takes one of two ways by a bit of the counter, for `registers[1]` laps; an effect in one way.
pub const TWO_WAYS: &[[u8; 4]] = &[
    [SET, 0, 0, 0],
    [MOVE, 2, 1, 0],
    [AND_IMM, 2, 1, 0],
    [JUMP_IF, 2, 0, 6],
    [EFFECT, 1, 0, 0],
    [JUMP, 0, 0, 7],
    [ADD, 0, 1, 0],
    [ADD_IMM, 1, -1i8 as u8, 0],
    [JUMP_IF, 1, 0, 1],
    [RETURN, 0, 0, 0],
];

/// Every program of this module.
pub const ALL: &[(&str, &[[u8; 4]])] = &[
    ("SUM", SUM),
    ("NESTED", NESTED),
    ("THREE_NESTED", THREE_NESTED),
    ("TWO_IN_ONE", TWO_IN_ONE),
    ("TWO_WAYS", TWO_WAYS),
];
