//! A program counter in an `Rc<RefCell<Frame>>`.

use jitdriver::{JitDriver, jit, jit_merge_point};
use std::cell::RefCell;
use std::rc::Rc;

struct Frame {
    bytecode_index: usize,
    n: i64,
    acc: i64,
}

#[jit]
fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], frame: &Rc<RefCell<Frame>>) -> i64 {
    loop {
        jit_merge_point!(driver, greens = [frame.borrow().bytecode_index, code], reds = [frame]);
        let opcode = code[frame.borrow().bytecode_index];
        frame.borrow_mut().bytecode_index += 1;
        match opcode {
            0 => {
                let mut frame = frame.borrow_mut();
                frame.acc += frame.n;
            }
            1 => {
                let mut frame = frame.borrow_mut();
                frame.n -= 1;
                if frame.n > 0 {
                    frame.bytecode_index = 0;
                }
            }
            _ => return frame.borrow().acc,
        }
    }
}

pub fn run(driver: &JitDriver<'static>) -> i64 {
    let frame = Rc::new(RefCell::new(Frame { bytecode_index: 0, n: 60, acc: 0 }));
    interpret(driver, &[0, 1, 2], &frame)
}
