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

/// The way from one position to another, from the words of both, and whether each is a pointer. This is asked at
/// each merge point that the interpreter comes to.
#[inline]
pub fn way(words: impl Iterator<Item = (u64, u64, bool)>) -> Way {
    let (mut ahead, mut n_far, mut has_number) = (None, 0, false);
    for (before, now, is_pointer) in words {
        has_number |= !is_pointer;
        if before == now {
            continue;
        }
        n_far += u32::from(is_pointer && now.wrapping_sub(before) > NEAR);
        ahead.get_or_insert(before < now);
    }
    // One of the pointers is the program counter if no number can be.
    match (n_far, ahead) {
        (0, Some(true)) => Way::Ahead,
        (1.., _) if has_number || n_far > 1 => Way::Elsewhere,
        _ => Way::Back,
    }
}

/// The same with the types of the words.
pub fn typed_way(before: &[u64], now: impl ExactSizeIterator<Item = Const>) -> Way {
    match before.len() == now.len() {
        true => way(before.iter().zip(now).map(|(&it, now)| (it, now.bits, now.ty == Ty::Ptr))),
        false => Way::Back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_order_and_pointers_when_near() {
        let is_ahead =
            |before: &[u64], now: &[Const]| typed_way(before, now.iter().copied()) == Way::Ahead;
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
        assert_eq!(typed_way(&[4, 0x1000], position(2, 0x1000).into_iter()), Way::Back);
        assert_eq!(typed_way(&[4, 0x1000], position(4, 0x1000).into_iter()), Way::Back);
        assert_eq!(typed_way(&[4, 0x1000], position(0, 0x2000).into_iter()), Way::Elsewhere);
        assert_eq!(typed_way(&[4, 0x2000], position(9, 0x1000).into_iter()), Way::Elsewhere);
        assert_eq!(typed_way(&[0x8000], [Const::new(Ty::Ptr, 0x7000)].into_iter()), Way::Back);
        assert_eq!(typed_way(&[0x8000, 0x1000], pointers(0x7000, 0x1000).into_iter()), Way::Back);
        assert_eq!(
            typed_way(&[0x8000, 0x1000], pointers(0x9000, 0x2000).into_iter()),
            Way::Elsewhere
        );
    }
}
