//! `#[jit]` on a macro is for that macro, not for others of its name.

use jitdriver::jit;

mod registers {
    #[jitdriver::jit]
    #[allow(unused_macros)]
    macro_rules! at {
        ($regs:expr, $n:expr) => {
            $regs[$n]
        };
    }
}

mod memory {
    macro_rules! at {
        ($($tokens:tt)*) => {
            7
        };
    }
    pub(crate) use at;
}

use memory::at;

#[jit]
pub fn load(regs: &[u8; 4], n: usize) -> u8 {
    let _ = (regs, n);
    at!(regs, n)
}

fn main() {}
