//! `match` on an instruction, an enum.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
enum Instr {
    Add(i64),
    Mul(i64),
    Decrement,
    JumpIfPositive(usize),
    Return,
}

static PROGRAM: [Instr; 5] =
    [Instr::Add(3), Instr::Mul(5), Instr::Decrement, Instr::JumpIfPositive(0), Instr::Return];

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, program: &'p [Instr], laps: i64) -> i64 {
    let mut pc = 0;
    let mut n = laps;
    let mut acc: i64 = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, program], reds = [n, acc]);
        match program[pc] {
            Instr::Add(by) => acc = acc.wrapping_add(by),
            Instr::Mul(by) => acc = acc.wrapping_mul(by),
            Instr::Decrement => n -= 1,
            Instr::JumpIfPositive(target) => {
                if n > 0 {
                    pc = target;
                    can_enter_jit!(driver, greens = [pc, program], reds = [n, acc]);
                    continue;
                }
            }
            Instr::Return => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &PROGRAM, 60)
}
