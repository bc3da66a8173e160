//! Whether the interpreted program went ahead, or back, which may close a loop.
//!
//! An interpreter with `can_enter_jit!` says where its program jumps back. Without, the greens tell:
//! a position is ahead of another if no pointer differs and the first number that differs is larger.
//! Everything else counts as a jump back.
//!
//! Invariant: a program that comes to the same position again has made a jump back on the way, because
//! numbers cannot grow in a circle.
//!
//! Why are pointers not compared by size? Where the system has put two programs must not decide which
//! loops are found, so that two runs make the same traces.

use crate::ir::{Const, Ty};

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
        if now.ty == Ty::Ptr {
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
    fn numbers_in_order_and_pointers_by_identity() {
        let position =
            |pc, code| [Const::new(Ty::I64, pc), Const::new(Ty::Ptr, code), Const::new(Ty::I8, 1)];
        assert!(is_ahead(&[3, 0x1000, 1], &position(4, 0x1000)));
        assert!(is_ahead(&[3, 0x1000, 2], &position(4, 0x1000)));
        assert!(is_ahead(&[4, 0x1000, 0], &position(4, 0x1000)));
        assert!(!is_ahead(&[4, 0x1000, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[5, 0x1000, 0], &position(4, 0x1000)));
        assert!(!is_ahead(&[3, 0x1000, 1], &position(4, 0x2000)));
        assert!(!is_ahead(&[3, 0x2000, 1], &position(4, 0x1000)));
        assert!(!is_ahead(&[], &position(4, 0x1000)));
        assert!(!is_ahead(&[], &[]));
    }
}
