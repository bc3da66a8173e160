//! A method is traced on `self`, `&self` or `&mut self`.

use jitdriver::jit;
use std::rc::Rc;

struct Node(u64);

#[jit]
impl Node {
    fn value(self: Rc<Self>) -> u64 {
        self.0
    }
}

fn main() {}
