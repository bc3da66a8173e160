//! The interpreter that random programs run in.
//!
//! A register and stack machine that does what interpreters do in as many ways as the frontend takes:
//! integers of several widths, wrapping, checked and panicking arithmetic, slices, a `Vec` as operand
//! stack, fields through `&mut self` methods, helpers with `&mut` parameters, unrolled and recursive
//! helpers, residual calls with effects, elidable calls, promotion, and matches on opcodes and values.
//!
//! An instruction is four bytes, `[opcode, a, b, c]`. Registers 0 to 7 are the program's; 8 to 11 count
//! the laps of its loops. Whatever the bytes are, the machine stops: every jump back costs fuel.
//!
//! Invariants
//! 1. What a program does depends on its bytes and its [`Machine`] only.
//! 2. A float is seen through comparisons and casts only, never by the bits of a NaN, which Rust leaves
//!    open.
#![expect(clippy::assign_op_pattern, reason = "both forms of an operation are to be traced")]

use crate::oracle::effect;
use jitdriver::{
    JitDriver, can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, promote,
    unroll_safe,
};
use std::panic::{self, AssertUnwindSafe};

/// Number of registers.
pub const N_REGS: usize = 12;
/// The first loop counter.
pub const FIRST_COUNTER: u8 = 8;
/// Number of words in the machine's memory.
pub const N_DATA: usize = 16;

macro_rules! opcodes {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        #[allow(clippy::upper_case_acronyms, non_camel_case_types)]
        #[repr(u8)]
        enum Number { $($name),* }

        $($(#[doc = $doc])+ pub const $name: u8 = Number::$name as u8;)*

        /// The names of the opcodes, by number.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

opcodes! {
    /// Nothing.
    NOP;
    /// `a = b` as a signed byte.
    SET;
    /// `a = b`.
    MOVE;
    /// `a += b`, wrapping.
    ADD;
    /// `a -= b`, wrapping.
    SUB;
    /// `a *= b`, wrapping.
    MUL;
    /// `a &= b`.
    AND;
    /// `a |= b`.
    OR;
    /// `a ^= b`.
    XOR;
    /// `a <<= b`, modulo the width.
    SHL;
    /// `a >>= b`, modulo the width.
    SHR;
    /// `a >>= b`, logical, of 32 bits.
    SHR32;
    /// `a += b`; panics on overflow.
    ADD_PANICS;
    /// `a -= b`; panics on overflow.
    SUB_PANICS;
    /// `a *= b`; panics on overflow.
    MUL_PANICS;
    /// `a /= b`; panics on zero.
    DIV_PANICS;
    /// `a %= b`; panics on zero.
    REM_PANICS;
    /// `a = -a`; panics on the least.
    NEG_PANICS;
    /// `a += b` if that does not overflow 32 bits.
    ADD_CHECKED32;
    /// `a /= b` if that is defined.
    DIV_CHECKED;
    /// `a *= b` of 16 bits; adds the overflow flag to the accumulator.
    MUL_OVERFLOWING16;
    /// `a += b`, saturating at 16 bits.
    ADD_SATURATING16;
    /// `a` as a number of one, two or four bytes.
    NARROW;
    /// The accumulator, wrapping.
    ACC_ADD;
    /// `a` becomes the accumulator.
    ACC_GET;
    /// The accumulator is a constant.
    ACC_SET;
    /// The second accumulator is the same as the first.
    PREV_SET;
    /// The accumulators change places, and one of them a bit.
    PREV_SWAP;
    /// The byte `x += b`; panics on overflow.
    BYTE_ADD_PANICS;
    /// The byte `x`, wrapping.
    BYTE_MIX;
    /// The word `y`, checked.
    WORD_CHECKED;
    /// The word `y`, wrapping, from the accumulator.
    WORD_MIX;
    /// The float.
    FLOAT_MIX;
    /// Compares the float.
    FLOAT_TEST;
    /// `a` becomes the float.
    FLOAT_GET;
    /// `a = data[b]`, the index cut to size.
    LOAD;
    /// `data[b] = a`, the index cut to size.
    STORE;
    /// `a = data[b]`; panics out of bounds.
    LOAD_PANICS;
    /// `data[b] += a`; panics out of bounds and on overflow.
    ADD_TO_DATA_PANICS;
    /// Pushes `a`.
    PUSH;
    /// Pops `a`; panics if there is nothing.
    POP_PANICS;
    /// Pops `a`, or 0.
    POP;
    /// Adds to the top of the stack, if there is one.
    TOP_ADD;
    /// Length of the stack.
    DEPTH;
    /// Two pops and a push.
    STACK_ADD;
    /// A method that changes fields of three widths.
    FIELDS;
    /// Flips a flag.
    FLIP;
    /// A checked operation on a byte field; panics on overflow.
    FIELD_PANICS;
    /// A helper with a `&mut` to a register.
    HELPER_REG;
    /// A helper with a `&mut` to the accumulator.
    HELPER_ACC;
    /// A helper with a `&mut` to a field.
    HELPER_FIELD;
    /// A helper with a loop that is unrolled.
    UNROLLED;
    /// A helper that calls itself.
    RECURSIVE;
    /// A helper with two results.
    TUPLE;
    /// A helper that may return after its effects, or panic.
    EARLY;
    /// Elidable calls, stores, residual calls and helpers, with a branch after each.
    LONG;
    /// Pushes, pops and field updates, with a branch after each.
    LONG_STACK;
    /// Writes through a reference that a residual call answers.
    SLOT;
    /// Runs the whole program from inside a residual call, and catches its panic.
    NESTED;
    /// A match on a value, with ranges and a condition.
    MATCH;
    /// A residual effect.
    EFFECT;
    /// A residual call with a result.
    RESIDUAL;
    /// A residual call with an `Option` for result.
    RESIDUAL_OPTION;
    /// A residual call that may panic.
    RESIDUAL_PANICS;
    /// A residual method that changes the machine.
    RESIDUAL_METHOD;
    /// An elidable call of a register.
    ELIDABLE;
    /// Promotes two bits of `a`.
    PROMOTE;
    /// Goes on to `c` if `a` is odd.
    SKIP_IF_ODD;
    /// Goes on to `c` if `a < b`.
    SKIP_IF_LESS;
    /// Goes on to `c` if the byte `x` is above `b`.
    SKIP_IF_BYTE;
    /// Sets loop counter `a` to `b`.
    COUNT;
    /// Decrements loop counter `a`, and goes back to `c` while it is positive.
    LOOP;
    /// Goes to `c`, in whatever direction, if `a < b`.
    JUMP_IF_LESS;
    /// Answers the accumulator.
    RETURN;
    /// Panics with the accumulator.
    FAIL;
}

/// All memory of a program but its locals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// A byte.
    pub small: u8,
    /// Two bytes.
    pub half: i16,
    /// Four bytes.
    pub word: u32,
    /// Eight bytes.
    pub long: i64,
    /// Bits.
    pub flags: [bool; 4],
    /// Operands.
    pub stack: Vec<i64>,
    /// How many programs wait for this one.
    pub depth: u8,
}

impl Machine {
    /// A machine with something in every field.
    pub fn new(seed: i64) -> Machine {
        Machine {
            small: seed as u8,
            half: (seed >> 8) as i16,
            word: (seed >> 3) as u32,
            long: seed,
            flags: [seed & 1 == 1, false, true, seed & 2 == 2],
            stack: vec![seed, 1],
            depth: 0,
        }
    }
}

#[jit]
impl Machine {
    fn push(&mut self, value: i64) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Option<i64> {
        self.stack.pop()
    }

    fn pop_or_panic(&mut self) -> i64 {
        match self.stack.pop() {
            Some(value) => value,
            None => panic!("the stack is empty"),
        }
    }

    fn top(&mut self) -> &mut i64 {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn mix(&mut self, value: i64) -> i64 {
        self.small = self.small.wrapping_add(value as u8) ^ 0x5a;
        self.half = self.half.wrapping_mul(3).wrapping_sub(value as i16);
        self.word = self.word.rotate_left(5) ^ value as u32;
        self.long = self.long.wrapping_add(self.half as i64).wrapping_add(self.small as i64);
        self.long ^ self.word as i64
    }

    fn flip(&mut self, index: usize) -> bool {
        self.flags[index] = !self.flags[index];
        self.flags[index] && self.is_odd()
    }

    fn is_odd(&self) -> bool {
        self.long & 1 == 1
    }

    fn raise(&mut self, by: u8) -> u8 {
        self.small += by;
        self.small
    }

    #[dont_look_inside]
    fn slot(&mut self, index: usize) -> &mut i64 {
        match self.stack.get_mut(index) {
            Some(slot) => slot,
            None => &mut self.long,
        }
    }

    #[dont_look_inside]
    fn shake(&mut self, value: i64) -> i64 {
        effect(value);
        if self.stack.len() > 6 {
            self.stack.clear();
        }
        self.long = self.long.rotate_left(9) ^ value;
        self.small /= 2;
        self.long >> 40
    }
}

#[jit]
fn turn(x: &mut i64, by: u32) -> i64 {
    *x = x.rotate_left(by) ^ 0x33;
    *x >> 1
}

#[jit]
fn add_small(x: &mut u8, by: i64) -> bool {
    let (sum, carry) = x.overflowing_add(by as u8);
    *x = sum;
    if carry {
        return true;
    }
    sum > 100
}

#[jit]
#[unroll_safe]
fn unrolled(start: i64, n: i64) -> i64 {
    let mut sum = start;
    for i in 0..n {
        if sum & 8 == 0 && i > 1 {
            continue;
        }
        sum = sum.wrapping_mul(3) ^ i;
    }
    sum
}

#[jit]
fn recursive(x: i64, n: i64) -> i64 {
    if n <= 0 { x } else { recursive(x, n - 1).wrapping_add(x & n) }
}

#[jit]
fn split(x: i64, by: i64) -> (i64, bool) {
    let low = x & by;
    if low == 0 { (x ^ by, false) } else { (x.wrapping_sub(low), low > 3) }
}

#[jit]
fn early(m: &mut Machine, x: i64) -> i64 {
    m.word = m.word.wrapping_add(x as u32);
    if m.word & 1 == 0 {
        return residual(x);
    }
    m.long ^= elided(x);
    match residual_option(m.long) {
        Some(third) if third & 1 == 1 => return add_to_long(m, third),
        Some(_) => m.small = m.small.wrapping_add(1),
        None => return m.long >> 3,
    }
    assert!(m.small != 77, "a bad byte");
    m.long & 0xff
}

#[jit]
fn add_to_long(m: &mut Machine, by: i64) -> i64 {
    m.long = m.long.wrapping_add(by);
    if m.flip((by & 3) as usize) { m.long } else { by }
}

/// A program in its own residual call; what it panics with becomes a value.
fn nested<'p>(driver: &JitDriver<'p>, code: &'p [[u8; 4]], m: &mut Machine, value: i64) -> i64 {
    if m.depth > 0 {
        return value;
    }
    m.depth += 1;
    let mut regs = [value; N_REGS];
    let mut data = [3; N_DATA];
    let run = || interpret(driver, code, m, &mut regs, &mut data, 10);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    m.depth -= 1;
    effect(regs[0]);
    result.unwrap_or(7)
}

fn residual(x: i64) -> i64 {
    effect(x);
    x.wrapping_mul(0x51) ^ (x >> 7)
}

fn residual_option(x: i64) -> Option<i64> {
    effect(x & 0xff);
    (x % 3 != 0).then_some(x / 3)
}

fn residual_panics(x: i64) -> i64 {
    effect(x);
    assert!(x & 0x1f != 7, "a bad value: {x}");
    x & 0xff
}

#[elidable]
fn elided(x: i64) -> i64 {
    (x ^ (x >> 13)).wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// Runs a program and answers its accumulator.
///
/// Of all that lives at the merge point, some is passed by value and some stays in memory.
#[jit]
pub fn interpret<'p>(
    driver: &JitDriver<'p>,
    code: &'p [[u8; 4]],
    m: &mut Machine,
    regs: &mut [i64],
    data: &mut [i32; N_DATA],
    fuel: u32,
) -> i64 {
    let mut pc = 0usize;
    let mut acc = 1i64;
    let mut prev = 2i64;
    let mut x = 200u8;
    let mut y = i32::MAX - 1000;
    let mut z = 1.5f64;
    let mut fuel = fuel;
    while pc < code.len() {
        jit_merge_point!(
            driver,
            greens = [pc, code],
            reds = [acc, prev, x, y, z, fuel, m, regs, data]
        );
        let a = code[pc][1] as usize;
        let b = code[pc][2] as usize;
        let target = code[pc][3] as usize;
        let jumps = match code[pc][0] {
            SET => {
                regs[a] = code[pc][2] as i8 as i64;
                false
            }
            MOVE => {
                regs[a] = regs[b];
                false
            }
            ADD => {
                regs[a] = regs[a].wrapping_add(regs[b]);
                false
            }
            SUB => {
                regs[a] = regs[a].wrapping_sub(regs[b]);
                false
            }
            MUL => {
                regs[a] = regs[a].wrapping_mul(regs[b]);
                false
            }
            AND => {
                regs[a] &= regs[b];
                false
            }
            OR => {
                regs[a] |= regs[b];
                false
            }
            XOR => {
                regs[a] ^= regs[b];
                false
            }
            SHL => {
                regs[a] = regs[a].wrapping_shl(regs[b] as u32);
                false
            }
            SHR => {
                regs[a] = regs[a].wrapping_shr(regs[b] as u32);
                false
            }
            SHR32 => {
                regs[a] = (regs[a] as u32 >> (regs[b] & 31)) as i64;
                false
            }
            ADD_PANICS => {
                regs[a] += regs[b];
                false
            }
            SUB_PANICS => {
                regs[a] = regs[a] - regs[b];
                false
            }
            MUL_PANICS => {
                regs[a] *= regs[b];
                false
            }
            DIV_PANICS => {
                regs[a] /= regs[b];
                false
            }
            REM_PANICS => {
                regs[a] = regs[a] % regs[b];
                false
            }
            NEG_PANICS => {
                regs[a] = -regs[a];
                false
            }
            ADD_CHECKED32 => {
                match (regs[a] as i32).checked_add(regs[b] as i32) {
                    Some(sum) => regs[a] = sum as i64,
                    None => acc = acc.wrapping_add(3),
                }
                false
            }
            DIV_CHECKED => {
                if let Some(quotient) = regs[a].checked_div(regs[b]) {
                    regs[a] = quotient;
                } else {
                    acc ^= 0x77;
                }
                false
            }
            MUL_OVERFLOWING16 => {
                let (product, overflowed) = (regs[a] as u16).overflowing_mul(regs[b] as u16);
                regs[a] = product as i64;
                acc = acc.wrapping_add(overflowed as i64);
                false
            }
            ADD_SATURATING16 => {
                regs[a] = (regs[a] as i16).saturating_add(regs[b] as i16) as i64;
                false
            }
            NARROW => {
                let value = regs[a];
                regs[a] = match b {
                    0 => value as i8 as i64,
                    1 => value as u8 as i64,
                    2 => value as i16 as i64,
                    3 => value as u16 as i64,
                    4 => value as i32 as i64,
                    _ => value as u32 as i64,
                };
                false
            }
            ACC_ADD => {
                acc = acc.wrapping_mul(5).wrapping_add(regs[a]);
                false
            }
            ACC_GET => {
                regs[a] = acc;
                false
            }
            ACC_SET => {
                acc = 5;
                false
            }
            PREV_SET => {
                prev = acc;
                false
            }
            PREV_SWAP => {
                let old = acc;
                acc = prev ^ 1;
                prev = old;
                false
            }
            BYTE_ADD_PANICS => {
                x += code[pc][2];
                false
            }
            BYTE_MIX => {
                x = x.wrapping_mul(7).wrapping_add(regs[a] as u8) >> 1;
                false
            }
            WORD_CHECKED => {
                if let Some(sum) = y.checked_add(regs[a] as i32) {
                    y = sum;
                } else {
                    y = y.wrapping_sub(1 << 30);
                    acc ^= 1;
                }
                false
            }
            WORD_MIX => {
                y = y.wrapping_mul(31) ^ acc as i32;
                acc = acc.wrapping_add((y >> 3) as i64);
                false
            }
            FLOAT_MIX => {
                z = z * 0.5 - regs[a] as f64 / 3.0;
                false
            }
            FLOAT_TEST => {
                if z < acc as f64 {
                    acc = acc.wrapping_add(z as i64);
                } else if z >= 0.25 {
                    z = -z * 1.75;
                }
                false
            }
            FLOAT_GET => {
                regs[a] = (z as f32 as f64 * 2.0) as i64;
                false
            }
            LOAD => {
                regs[a] = data[regs[b] as usize % N_DATA] as i64;
                false
            }
            STORE => {
                data[(regs[b] & 15) as usize] = regs[a] as i32;
                false
            }
            LOAD_PANICS => {
                regs[a] = data[regs[b] as usize] as i64;
                false
            }
            ADD_TO_DATA_PANICS => {
                let at = (regs[b] & 31) as usize;
                data[at] += regs[a] as i16 as i32;
                false
            }
            PUSH => {
                m.push(regs[a]);
                false
            }
            POP_PANICS => {
                regs[a] = m.pop_or_panic();
                false
            }
            POP => {
                match m.pop() {
                    Some(value) => regs[a] = value,
                    None => regs[a] = 0,
                }
                false
            }
            TOP_ADD => {
                if !m.stack.is_empty() {
                    let sum = regs[a].wrapping_add(b as i64);
                    *m.top() ^= sum;
                }
                false
            }
            DEPTH => {
                regs[a] = m.stack.len() as i64;
                false
            }
            STACK_ADD => {
                let first = m.pop_or_panic();
                let second = m.pop_or_panic();
                m.push(first.wrapping_add(second));
                false
            }
            FIELDS => {
                regs[a] = m.mix(regs[b]);
                false
            }
            FLIP => {
                if m.flip(b & 3) {
                    acc = acc.wrapping_add(11);
                }
                false
            }
            FIELD_PANICS => {
                regs[a] = m.raise(code[pc][2]) as i64;
                false
            }
            HELPER_REG => {
                let result = turn(&mut regs[a], b as u32);
                acc = acc.wrapping_add(result);
                false
            }
            HELPER_ACC => {
                regs[a] = turn(&mut acc, b as u32 & 3);
                false
            }
            HELPER_FIELD => {
                if add_small(&mut m.small, regs[a]) {
                    regs[a] = regs[a].wrapping_sub(1);
                }
                false
            }
            UNROLLED => {
                regs[a] = unrolled(regs[a], (b & 3) as i64);
                false
            }
            RECURSIVE => {
                regs[a] = recursive(regs[a], regs[b] & 3);
                false
            }
            TUPLE => {
                let (rest, flag) = split(regs[a], regs[b]);
                regs[a] = rest;
                if flag {
                    acc = acc.wrapping_sub(rest);
                }
                false
            }
            EARLY => {
                regs[a] = early(m, regs[b]);
                false
            }
            LONG => {
                let mixed = elided(regs[a]);
                regs[a] = regs[a].wrapping_add(mixed & 7);
                if mixed & 1 == 1 {
                    effect(mixed & 0xff);
                }
                let at = (mixed >> 5 & 15) as usize;
                data[at] = data[at].wrapping_mul(3) ^ mixed as i32;
                if data[at] & 3 == 0 {
                    acc ^= data[at] as i64;
                } else if x & 1 == 0 {
                    x = x.wrapping_add(data[at] as u8);
                }
                match residual_option(mixed & 0xff) {
                    Some(third) if third > 40 => regs[b] = third,
                    Some(third) => acc = acc.wrapping_add(third),
                    None => prev ^= acc,
                }
                if turn(&mut acc, 3) & 4 == 0 {
                    regs[b] = regs[b].wrapping_add(elided(acc) & 3);
                    if regs[b] & 1 == 0 {
                        data[0] = data[0].wrapping_add(1);
                    }
                }
                false
            }
            LONG_STACK => {
                m.push(regs[a]);
                let sum = m.mix(regs[b]);
                if m.flip((sum & 3) as usize) {
                    m.push(sum);
                }
                if add_small(&mut m.small, sum) {
                    *m.top() ^= acc;
                    acc = residual(acc);
                }
                if let Some(value) = m.pop() {
                    regs[a] = value;
                    if value & 3 == 1 && m.is_odd() {
                        prev = prev.wrapping_add(m.shake(value));
                    }
                }
                false
            }
            SLOT => {
                m.long = m.long.wrapping_add(1);
                let slot = m.slot(b);
                *slot ^= regs[a];
                acc = acc.wrapping_add(m.long);
                false
            }
            NESTED => {
                regs[a] = nested(driver, code, m, regs[b]);
                false
            }
            MATCH => {
                match regs[a] & 15 {
                    0 => acc = 0,
                    1..=3 => acc = acc.wrapping_add(regs[a]),
                    4 | 9 | 12 => regs[a] = regs[a].wrapping_add(1),
                    n if n & 1 == 1 => regs[a] = regs[a].wrapping_mul(n),
                    n => acc ^= n,
                }
                false
            }
            EFFECT => {
                effect(regs[a]);
                false
            }
            RESIDUAL => {
                regs[a] = residual(regs[a].wrapping_add(b as i64));
                false
            }
            RESIDUAL_OPTION => {
                match residual_option(regs[a]) {
                    Some(value) => regs[a] = value,
                    None => acc = acc.wrapping_sub(1),
                }
                false
            }
            RESIDUAL_PANICS => {
                regs[a] = residual_panics(regs[b]);
                false
            }
            RESIDUAL_METHOD => {
                acc ^= m.shake(regs[a]);
                false
            }
            ELIDABLE => {
                regs[a] = elided(regs[b]).wrapping_add(elided(5)) >> 8;
                false
            }
            PROMOTE => {
                let bits = promote(regs[a] & 3);
                acc = acc.wrapping_add(bits.wrapping_mul(0x101));
                false
            }
            SKIP_IF_ODD => regs[a] & 1 == 1,
            SKIP_IF_LESS => regs[a] < regs[b],
            SKIP_IF_BYTE => x > code[pc][2],
            COUNT => {
                regs[a] = b as i64;
                false
            }
            LOOP => {
                regs[a] -= 1;
                regs[a] > 0
            }
            JUMP_IF_LESS => regs[a] < regs[b],
            RETURN => return acc,
            FAIL => panic!("the program fails with {acc} and {x}"),
            _ => false,
        };
        if !jumps {
            pc += 1;
            continue;
        }
        let is_back = target <= pc;
        pc = target;
        if is_back {
            if fuel == 0 {
                return acc.wrapping_add(x as i64);
            }
            fuel -= 1;
            can_enter_jit!(
                driver,
                greens = [pc, code],
                reds = [acc, prev, x, y, z, fuel, m, regs, data]
            );
        }
    }
    acc ^ y as i64 ^ prev
}
