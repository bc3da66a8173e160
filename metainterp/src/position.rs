//! Where the interpreted program went from one merge point to the next: ahead, back, which may close a loop,
//! or into other code.
//!
//! An interpreter with `can_enter_jit!` says where its program jumps back. Without, the greens tell:
//! a position is ahead of another if the first word that differs is larger, and no pointer has grown by
//! more than an instruction. Everything else is a jump back, or, where a pointer beside the program counter leads
//! to another place, a jump into other code: a call of the program, or a return.
//!
//! Invariant: a program that comes to the same position again has not only gone ahead on the way, because
//! numbers cannot grow in a circle.
//!
//! Why must pointers stay near? Where the system has put two programs must not decide which loops are
//! found, so that two runs make the same traces. But a pointer may be the program counter.

use crate::ir::{Const, Ty};

/// The most bytes from one instruction to the next, or from one node of a program to its neighbour.
const NEAR: u64 = 64;

/// From one merge point to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Ahead.
    Ahead,
    /// Back.
    Back,
    /// To other code: a call, or a return from one.
    Elsewhere,
}

/// The way from the position with the words `before` to the one with the greens `now`.
pub fn way(before: &[u64], now: &[Const]) -> Way {
    if before.len() != now.len() {
        return Way::Back;
    }
    let (mut ahead, mut n_far, mut has_number) = (None, 0, false);
    for (&before, now) in before.iter().zip(now) {
        has_number |= now.ty != Ty::Ptr;
        if before == now.bits {
            continue;
        }
        n_far += u32::from(now.ty == Ty::Ptr && now.bits.wrapping_sub(before) > NEAR);
        ahead.get_or_insert(before < now.bits);
    }
    // One of the pointers is the program counter if no number can be.
    match (n_far, ahead) {
        (0, Some(true)) => Way::Ahead,
        (1.., _) if has_number || n_far > 1 => Way::Elsewhere,
        _ => Way::Back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_order_and_pointers_when_near() {
        let is_ahead = |before: &[u64], now: &[Const]| way(before, now) == Way::Ahead;
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

    #[test]
    fn other_code_is_behind_another_pointer() {
        let pointers = |pc, code| [Const::new(Ty::Ptr, pc), Const::new(Ty::Ptr, code)];
        let position = |pc, code| [Const::new(Ty::I64, pc), Const::new(Ty::Ptr, code)];
        assert_eq!(way(&[4, 0x1000], &position(2, 0x1000)), Way::Back);
        assert_eq!(way(&[4, 0x1000], &position(4, 0x1000)), Way::Back);
        assert_eq!(way(&[4, 0x1000], &position(0, 0x2000)), Way::Elsewhere);
        assert_eq!(way(&[4, 0x2000], &position(9, 0x1000)), Way::Elsewhere);
        assert_eq!(way(&[0x8000], &[Const::new(Ty::Ptr, 0x7000)]), Way::Back);
        assert_eq!(way(&[0x8000, 0x1000], &pointers(0x7000, 0x1000)), Way::Back);
        assert_eq!(way(&[0x8000, 0x1000], &pointers(0x9000, 0x2000)), Way::Elsewhere);
    }
}
