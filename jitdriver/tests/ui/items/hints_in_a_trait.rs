//! A trait says nothing of how its functions are traced.

use jitdriver::{elidable, jit, unroll_safe};

#[jit]
pub trait Tape {
    #[elidable]
    fn len(&self) -> usize;

    #[unroll_safe]
    fn sum(&self) -> u64 {
        (0..self.len()).map(|it| it as u64).sum()
    }
}

fn main() {}
