//! Struct-variant patterns.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

enum Instr {
    AddImm { by: i64 },
    Branch { target: usize, limit: i64 },
    Halt,
}

static PROGRAM: [Instr; 3] =
    [Instr::AddImm { by: 7 }, Instr::Branch { target: 0, limit: 600 }, Instr::Halt];

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, program: &'p [Instr]) -> i64 {
    let mut pc = 0;
    let mut acc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, program], reds = [acc]);
        match &program[pc] {
            Instr::AddImm { by } => acc += by,
            Instr::Branch { target, limit } => {
                if acc < *limit {
                    pc = *target;
                    can_enter_jit!(driver, greens = [pc, program], reds = [acc]);
                    continue;
                }
            }
            Instr::Halt => return acc,
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &PROGRAM)
}
