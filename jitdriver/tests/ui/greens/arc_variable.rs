//! An `Arc` is green where it is, not as a variable of its own.

use jitdriver::{JitDriver, jit, jit_merge_point};
use std::sync::Arc;

#[jit]
fn interpret(driver: &JitDriver<'_>, program: Arc<Vec<u8>>) {
    loop {
        jit_merge_point!(driver, greens = [program], reds = []);
        return;
    }
}

fn main() {}
