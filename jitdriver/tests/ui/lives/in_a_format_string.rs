//! A format string uses the variables that it names.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, width: usize) {
    let mut pc = 0;
    while pc < 100 {
        jit_merge_point!(driver, greens = [pc], reds = []);
        println!("{pc:width$}");
        pc += 1;
    }
}

fn main() {}
