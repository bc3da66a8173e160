//! Twelve greens and twelve reds are the most.

use jitdriver::{JitDriver, jit, jit_merge_point};

#[jit]
fn interpret(driver: &JitDriver<'_>, mut a: i32) -> i32 {
    let (b, c, d, e, f, g) = (1, 2, 3, 4, 5, 6);
    let (h, i, j, k, l, m) = (1, 2, 3, 4, 5, 6);
    loop {
        jit_merge_point!(driver, greens = [], reds = [a, b, c, d, e, f, g, h, i, j, k, l, m]);
        a += b + c + d + e + f + g + h + i + j + k + l + m;
        if a > 1000 {
            return a;
        }
    }
}

fn main() {}
