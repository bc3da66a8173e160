//! A cloneable enum with `Rc`s as value.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::rc::Rc;

#[derive(Clone)]
enum Value {
    Nil,
    Int(i64),
    Text(Rc<str>),
    List(Rc<Vec<Value>>),
}

struct Vm {
    stack: Vec<Value>,
    locals: Vec<Value>,
}

#[jit]
impl Vm {
    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Nil)
    }

    fn load(&mut self, slot: usize) {
        let value = self.locals[slot].clone();
        self.push(value);
    }

    fn add(&mut self) {
        let b = self.pop();
        let a = self.pop();
        let sum = match (&a, &b) {
            (Value::Int(a), Value::Int(b)) => Value::Int(a + b),
            (Value::Text(text), Value::Int(n)) => Value::Int(text.len() as i64 + n),
            (Value::List(items), Value::Int(n)) => Value::Int(items.len() as i64 - n),
            _ => Value::Nil,
        };
        self.push(sum);
    }
}

const LOAD: u8 = 0;
const ADD: u8 = 1;
const STORE: u8 = 2;
const REPEAT: u8 = 3;

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], laps: i64, vm: &mut Vm) {
    let mut pc = 0;
    let mut n = laps;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code], reds = [n, vm]);
        match code[pc] {
            LOAD => {
                pc += 1;
                vm.load(code[pc] as usize);
            }
            ADD => vm.add(),
            STORE => {
                pc += 1;
                let value = vm.pop();
                vm.locals[code[pc] as usize] = value;
            }
            REPEAT => {
                n -= 1;
                if n > 0 {
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [n, vm]);
                    continue;
                }
            }
            other => unreachable!("opcode {other}"),
        }
        pc += 1;
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let text: Rc<str> = "text".into();
    let list = Rc::new(vec![Value::Nil]);
    let locals = vec![Value::Text(text.clone()), Value::Int(0), Value::List(list.clone())];
    let mut vm = Vm { stack: Vec::new(), locals };
    let code = &[LOAD, 0, LOAD, 1, ADD, STORE, 1, LOAD, 2, LOAD, 1, ADD, STORE, 1, REPEAT];
    interpret(driver, code, 60, &mut vm);
    let counts = Rc::strong_count(&text) * 10 + Rc::strong_count(&list);
    match vm.locals[1] {
        Value::Int(n) => n * 100 + counts as i64,
        _ => -1,
    }
}
