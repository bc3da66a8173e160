//! Whether the interpreted program went ahead, or back, which may close a loop.
//!
//! An interpreter with `can_enter_jit!` says where its program jumps back. Without, the greens tell:
//! a position is ahead of another if the first word that differs is larger, and no pointer has grown by
//! more than an instruction. Everything else counts as a jump back.
//!
//! Invariant: a program that comes to the same position again has made a jump back on the way, because
//! numbers cannot grow in a circle.
//!
//! Why must pointers stay near? Where the system has put two programs must not decide which loops are
//! found, so that two runs make the same traces. But a pointer may be the program counter.

use crate::ir::{Const, Ty};

/// The most bytes from one instruction to the next, or from one node of a program to its neighbour.
const NEAR: u64 = 64;

/// Whether the position with the greens `now` is ahead of the one with the words `before`.
pub fn is_ahead(before: &[u64], now: &[Const]) -> bool {
    if before.len() != now.len() {
        return false;
    }
    let mut ahead = None;
    for (&before, now) in before.iter().zip(now) {
        if before == now.bits {
            continue;
        }
        if now.ty == Ty::Ptr && now.bits.wrapping_sub(before) > NEAR {
            return false;
        }
        ahead.get_or_insert(before < now.bits);
    }
    ahead.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_order_and_pointers_when_near() {
        let position =
            |pc, code| [Const::new(Ty::I64, pc), Const::new(Ty::Ptr, code), Const::new(Ty::I8, 1)];
        assert!(is_ahead(&[3, 0x1000, 1], &position(4, 0x1000)));
        assert!(is_ahead(&[3, 0x1000, 2], &position(4, 0x1000)));
        assert!(is_ahead(&[4, 0x1000, 0], &position(4, 0x1000)));
        assert!(!is_ahead(&[4, 0x1000, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[5, 0x1000, 0], &position(4, 0x1000)));
        assert!(!is_ahead(&[3, 0x1000, 1], &position(4, 0x2000)));
        assert!(!is_ahead(&[3, 0x2000, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[4, 0x1001, 1], &position(4, 0x1000)));
        assert!(is_ahead(&[4, 0x0fff, 1], &position(4, 0x1000)));
        assert!(is_ahead(&[4, 0x1000 - NEAR, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[4, 0x1000 - NEAR - 1, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[], &position(4, 0x1000)));
        assert!(!is_ahead(&[], &[]));
    }
}
