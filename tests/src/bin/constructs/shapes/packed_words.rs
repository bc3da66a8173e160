//! Instructions packed into words.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
struct Word(u32);

#[jit]
impl Word {
    fn opcode(self) -> u32 {
        self.0 & 0x7f
    }

    fn rd(self) -> usize {
        (self.0 >> 7 & 3) as usize
    }

    fn imm(self) -> i64 {
        (self.0 as i32 >> 20) as i64
    }
}

const ADDI: u32 = 0x13;
const BNEZ: u32 = 0x63;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, program: &'p [Word], regs: &mut [i64; 4]) -> i64 {
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, program], reds = [regs]);
        let word = program[pc];
        match word.opcode() {
            ADDI => regs[word.rd()] += word.imm(),
            BNEZ => {
                if regs[word.rd()] != 0 {
                    pc = (pc as i64 + word.imm()) as usize;
                    can_enter_jit!(driver, greens = [pc, program], reds = [regs]);
                    continue;
                }
            }
            _ => return regs[2],
        }
        pc += 1;
    }
}

const fn word(opcode: u32, rd: u32, imm: i32) -> Word {
    Word(opcode | rd << 7 | (imm << 20) as u32)
}

static PROGRAM: [Word; 4] = [word(ADDI, 2, 7), word(ADDI, 1, -1), word(BNEZ, 1, -2), word(0, 0, 0)];

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &PROGRAM, &mut [0, 60, 0, 0])
}
