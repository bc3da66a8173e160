//! What is unrolled is a twin, which `#[jit]` makes.

#[jitdriver::unroll_safe]
fn sum(values: &[i64; 3]) -> i64 {
    values.iter().sum()
}

fn main() {}
