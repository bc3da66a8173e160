//! `?` on a `Result`.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};

#[derive(Debug)]
enum Trap {
    DivisionByZero,
    Overflow,
}

struct Vm {
    stack: Vec<i64>,
}

#[jit]
impl Vm {
    fn pop(&mut self) -> Result<i64, Trap> {
        match self.stack.pop() {
            Some(value) => Ok(value),
            None => Err(Trap::Overflow),
        }
    }

    fn div(&mut self) -> Result<(), Trap> {
        let b = self.pop()?;
        let a = self.pop()?;
        if b == 0 {
            return Err(Trap::DivisionByZero);
        }
        self.stack.push(a / b);
        Ok(())
    }
}

const PUSH: u8 = 0;
const DIV: u8 = 1;
const REPEAT: u8 = 2;

#[jit]
fn interpret<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    laps: i64,
    vm: &mut Vm,
) -> Result<i64, Trap> {
    let mut pc = 0;
    let mut n = laps;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, vm]);
        match code[pc] {
            PUSH => vm.stack.push(n),
            DIV => vm.div()?,
            REPEAT => {
                n -= 1;
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [n, vm]);
                continue;
            }
            _ => return Err(Trap::Overflow),
        }
        pc += 1;
    }
    vm.pop()
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let mut vm = Vm { stack: vec![1000] };
    let result = interpret(driver, &[PUSH, PUSH, DIV, DIV, REPEAT], 60, &mut vm);
    match result {
        Err(Trap::DivisionByZero) => vm.stack.iter().sum::<i64>(),
        other => panic!("{other:?}"),
    }
}
