//! A small interpreter for a stack language with boxed integers, in the manner of TLA, the toy language of
//! RPython's tutorial; as an author would write it.
//!
//! Values are on a `Vec`, as plain integers, in a `Box` or in an `Rc`. The three interpreters differ in
//! nothing else.

use jitdriver::{JitDriver, Traceable, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use std::rc::Rc;

/// Pushes the byte that follows.
pub const CONST: u8 = 0;
/// Replaces the two on top by their sum.
pub const ADD: u8 = 1;
/// Replaces the two on top by their product.
pub const MUL: u8 = 2;
/// Replaces the two on top by 1 if the first is less than the second, else by 0.
pub const LT: u8 = 3;
/// Pushes a copy of the element with the number that follows, counted from the bottom.
pub const PICK: u8 = 4;
/// Pops into the element with the number that follows.
pub const PUT: u8 = 5;
/// Pops, and if that is not 0, goes to the place that follows.
pub const JUMP_IF: u8 = 6;
/// Shows the element with the number that follows.
pub const SHOW: u8 = 7;
/// Answers what is on top.
pub const RETURN: u8 = 8;

/// The sum of the squares below `n`. On the stack: `n`, `i`, the sum.
pub const SUM_OF_SQUARES: &[u8] = &[
    CONST, 0, CONST, 0, // i, sum
    PICK, 2, PICK, 1, PICK, 1, MUL, ADD, PUT, 2, // sum += i * i
    PICK, 1, CONST, 1, ADD, PUT, 1, // i += 1
    PICK, 1, PICK, 0, LT, JUMP_IF, 4, // while i < n
    PICK, 2, RETURN,
];

/// An interpreter for values of a type, made of an integer by `$new`, and copied by `$copy`. Where it is
/// written, the opcodes have to be in scope.
#[macro_export]
macro_rules! tla_interpreter {
    ($run:ident, $doc:literal, $value:ty, $new:ident, $copy:ident) => {
        #[doc = $doc]
        #[jit]
        pub fn $run<'p>(driver: &JitDriver<'p>, code: &'p [u8], arg: i64) -> i64 {
            let mut stack: Vec<$value> = Vec::new();
            stack.push($new(arg));
            let mut pc = 0;
            loop {
                jit_merge_point!(driver, greens = [pc, code], reds = [stack]);
                let op = code[pc];
                pc += 1;
                match op {
                    CONST => {
                        stack.push($new(code[pc] as i64));
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
                        let picked = $copy(&stack[code[pc] as usize]);
                        stack.push(picked);
                        pc += 1;
                    }
                    PUT => {
                        let value = stack.pop().unwrap();
                        stack[code[pc] as usize] = value;
                        pc += 1;
                    }
                    JUMP_IF => {
                        let target = code[pc] as usize;
                        pc += 1;
                        if stack.pop().unwrap().int() != 0 {
                            pc = target;
                            can_enter_jit!(driver, greens = [pc, code], reds = [stack]);
                        }
                    }
                    SHOW => {
                        stack[code[pc] as usize].show();
                        pc += 1;
                    }
                    _ => return stack.pop().unwrap().int(),
                }
            }
        }
    };
}

#[dont_look_inside]
fn show(value: i64) {
    println!("{value}");
}

/// A value that is no object.
#[derive(Clone, Copy, Traceable)]
struct Plain(i64);

#[jit]
impl Plain {
    fn int(&self) -> i64 {
        self.0
    }

    fn show(&self) {
        show(self.0);
    }

    fn add(&self, other: &Plain) -> Plain {
        Plain(self.0.wrapping_add(other.0))
    }

    fn mul(&self, other: &Plain) -> Plain {
        Plain(self.0.wrapping_mul(other.0))
    }

    fn lt(&self, other: &Plain) -> Plain {
        Plain((self.0 < other.0) as i64)
    }
}

/// Objects that are reached by a pointer.
macro_rules! objects {
    ($object:ident, $pointer:ident) => {
        /// An object of the language.
        #[derive(Traceable)]
        #[repr(u8)]
        #[allow(dead_code, reason = "the programs know integers only")]
        enum $object {
            Int(i64),
            Text(String),
        }

        #[jit]
        impl $object {
            fn int(&self) -> i64 {
                match self {
                    $object::Int(value) => *value,
                    $object::Text(text) => text.len() as i64,
                }
            }

            fn show(&self) {
                show(self.int());
            }

            fn add(&self, other: &$object) -> $pointer<$object> {
                match (self, other) {
                    ($object::Int(a), $object::Int(b)) => {
                        $pointer::new($object::Int(a.wrapping_add(*b)))
                    }
                    _ => $pointer::new($object::Text(String::from("a sum"))),
                }
            }

            fn mul(&self, other: &$object) -> $pointer<$object> {
                $pointer::new($object::Int(self.int().wrapping_mul(other.int())))
            }

            fn lt(&self, other: &$object) -> $pointer<$object> {
                $pointer::new($object::Int((self.int() < other.int()) as i64))
            }
        }
    };
}

objects!(Boxed, Box);
objects!(Counted, Rc);

#[jit]
fn new_plain(value: i64) -> Plain {
    Plain(value)
}

#[jit]
fn copy_plain(value: &Plain) -> Plain {
    *value
}

#[jit]
fn new_boxed(value: i64) -> Box<Boxed> {
    Box::new(Boxed::Int(value))
}

#[jit]
fn copy_boxed(object: &Boxed) -> Box<Boxed> {
    Box::new(Boxed::Int(object.int()))
}

#[jit]
fn new_counted(value: i64) -> Rc<Counted> {
    Rc::new(Counted::Int(value))
}

#[jit]
fn share(object: &Rc<Counted>) -> Rc<Counted> {
    Rc::clone(object)
}

tla_interpreter!(run_plain, "Runs a program on plain integers.", Plain, new_plain, copy_plain);
tla_interpreter!(run_boxed, "Runs a program on boxed integers.", Box<Boxed>, new_boxed, copy_boxed);
tla_interpreter!(
    run_counted,
    "Runs a program on shared integers.",
    Rc<Counted>,
    new_counted,
    share
);
