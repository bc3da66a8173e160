//! What a green is read from lives at the merge point too.

use jitdriver::{JitDriver, jit, jit_merge_point};

struct Vm {
    pc: usize,
}

#[jit]
fn interpret(driver: &JitDriver<'_>, vm: &mut Vm) {
    loop {
        jit_merge_point!(driver, greens = [vm.pc], reds = []);
        return;
    }
}

fn main() {}
