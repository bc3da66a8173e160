//! Integers in boxes on an operand stack.
use jitdriver::{Jit, JitDriver, Traceable, can_enter_jit, jit, jit_merge_point};

const CONST: u8 = 0;
const ADD: u8 = 1;
const MUL: u8 = 2;
const LT: u8 = 3;
const PICK: u8 = 4;
const PUT: u8 = 5;
const JUMP_IF: u8 = 6;
const RETURN: u8 = 7;

#[derive(Traceable)]
struct Int(i64);

#[jit]
impl Int {
    fn add(&self, other: &Int) -> Box<Int> {
        Box::new(Int(self.0.wrapping_add(other.0)))
    }
    fn mul(&self, other: &Int) -> Box<Int> {
        Box::new(Int(self.0.wrapping_mul(other.0)))
    }
    fn lt(&self, other: &Int) -> Box<Int> {
        Box::new(Int((self.0 < other.0) as i64))
    }
    fn is_true(&self) -> bool {
        self.0 != 0
    }
}

#[jit]
fn run_boxes<'p>(driver: &JitDriver<'p>, code: &'p [u8], arg: i64) -> i64 {
    let mut stack: Vec<Box<Int>> = Vec::with_capacity(8);
    stack.push(Box::new(Int(arg)));
    let mut pc = 0;
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [stack]);
        let op = code[pc];
        pc += 1;
        match op {
            CONST => {
                stack.push(Box::new(Int(code[pc] as i64)));
                pc += 1;
            }
            ADD => {
                let b = stack.pop().unwrap();
                let a = stack.pop().unwrap();
                stack.push(a.add(&b));
            }
            MUL => {
                let b = stack.pop().unwrap();
                let a = stack.pop().unwrap();
                stack.push(a.mul(&b));
            }
            LT => {
                let b = stack.pop().unwrap();
                let a = stack.pop().unwrap();
                stack.push(a.lt(&b));
            }
            PICK => {
                let x = stack[code[pc] as usize].0;
                pc += 1;
                stack.push(Box::new(Int(x)));
            }
            PUT => {
                let x = stack.pop().unwrap();
                stack[code[pc] as usize] = x;
                pc += 1;
            }
            JUMP_IF => {
                let target = code[pc] as usize;
                pc += 1;
                if stack.pop().unwrap().is_true() {
                    pc = target;
                    can_enter_jit!(driver, greens = [pc, code], reds = [stack]);
                }
            }
            _ => return stack.pop().unwrap().0,
        }
    }
}

/// arg is on the stack: n, i, sum
fn sum_of_squares() -> Vec<u8> {
    vec![
        CONST, 0, CONST, 0, // i, sum
        // 4: loop
        PICK, 2, PICK, 1, PICK, 1, MUL, ADD, PUT, 2, PICK, 1, CONST, 1, ADD, PUT, 1, PICK, 1, PICK,
        0, LT, JUMP_IF, 4, RETURN,
    ]
}

#[test]
fn boxes() {
    for jit in [Jit::Off, Jit::Llgraph, Jit::Cranelift] {
        let driver = JitDriver::builder().jit(jit).threshold(3).build().unwrap();
        let code = sum_of_squares();
        let code: &'static [u8] = code.leak();
        let r = run_boxes(&driver, code, 1000);
        assert_eq!(r, (0..1000i64).map(|x| x * x).sum::<i64>());
        if jit == Jit::Cranelift {
            for c in driver.compiled() {
                println!("{}", c.optimized);
            }
            println!("{}", driver.stats());
        }
    }
}
