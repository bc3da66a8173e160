//! A green in a field has to be a green: a `String` is not.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    name: String,
}

#[jit]
impl Vm {
    fn interpret(&mut self, driver: &JitDriver<'_>) {
        loop {
            jit_merge_point!(driver, greens = [self.name], reds = [self]);
            return;
        }
    }
}

fn main() {}
