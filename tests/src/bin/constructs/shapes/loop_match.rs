//! One function with `loop { match }`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Clone, Copy)]
enum Op {
    Push(i64),
    Dup,
    Add,
    Swap,
    JumpIfPositive(usize),
    Halt,
}

static PROGRAM: [Op; 7] =
    [Op::Swap, Op::Push(-1), Op::Add, Op::Swap, Op::Dup, Op::JumpIfPositive(0), Op::Halt];

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, program: &'p [Op], stack: &mut Vec<i64>) -> Option<i64> {
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, program], reds = [stack]);
        let op = program[pc];
        pc += 1;
        match op {
            Op::Push(value) => stack.push(value),
            Op::Dup => {
                let top = *stack.last()?;
                stack.push(top);
            }
            Op::Add => {
                let b = stack.pop()?;
                let a = stack.pop()?;
                stack.push(a.wrapping_add(b));
            }
            Op::Swap => {
                let b = stack.pop()?;
                let a = stack.pop()?;
                stack.push(b);
                stack.push(a);
            }
            Op::JumpIfPositive(target) => {
                stack.pop()?;
                if stack[0] > 0 {
                    pc = target;
                    can_enter_jit!(driver, greens = [pc, program], reds = [stack]);
                    continue;
                }
            }
            Op::Halt => return stack.pop(),
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    interpret(driver, &PROGRAM, &mut vec![60, 5]).unwrap_or(-1)
}
