//! A visitor of instructions, generic dispatch.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
enum Instr {
    Add(i64),
    Double,
    Repeat,
    End,
}

trait Visitor {
    fn visit_add(&mut self, by: i64);
    fn visit_double(&mut self);
}

struct Executor {
    acc: i64,
}

#[jit]
impl Visitor for Executor {
    fn visit_add(&mut self, by: i64) {
        self.acc += by;
    }

    fn visit_double(&mut self) {
        self.acc = (self.acc * 2) & 0xffff;
    }
}

#[jit]
fn accept<V: Visitor>(instr: Instr, visitor: &mut V) {
    match instr {
        Instr::Add(by) => visitor.visit_add(by),
        Instr::Double => visitor.visit_double(),
        Instr::Repeat | Instr::End => {}
    }
}

static PROGRAM: [Instr; 4] = [Instr::Add(3), Instr::Double, Instr::Repeat, Instr::End];

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, program: &'p [Instr], laps: i64) -> i64 {
    let mut executor = Executor { acc: 0 };
    let mut pc = 0;
    let mut n = laps;
    loop {
        jit_merge_point!(driver, greens = [pc, program], reds = [n, executor]);
        let instr = program[pc];
        match instr {
            Instr::Repeat => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, program], reds = [n, executor]);
                    continue;
                }
            }
            Instr::End => return executor.acc,
            _ => accept(instr, &mut executor),
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &PROGRAM, 60)
}
