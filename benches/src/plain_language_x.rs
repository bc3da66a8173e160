//! Language X, from the first post on PyPy's tracing JIT (2009), without any annotation.
//!
//! A program adds and subtracts a number `a` and jumps back while the sum is small. [`interpret`]
//! is what the example is before the JIT's hints go in; [`native`] is what a Rust programmer would
//! have written instead of the program [`CODE`].

use std::hint::black_box;

/// Adds `a` to the result.
pub const INCREASE: u8 = 0;
/// Subtracts `a` from the result.
pub const DECREASE: u8 = 1;
/// Goes three commands back while the result is not above the limit.
pub const JUMP_BACK_3: u8 = 2;

/// The program: a loop of three increments, then up and down once.
pub const CODE: [u8; 6] = [INCREASE, INCREASE, INCREASE, JUMP_BACK_3, INCREASE, DECREASE];

/// Runs a program with the number `a` and answers with the result.
pub fn interpret(code: &[u8], a: i64, limit: i64) -> i64 {
    let mut i = 0;
    let mut res = 0;
    while i < code.len() {
        match code[i] {
            INCREASE => res = add(res, a),
            DECREASE => res = sub(res, a),
            JUMP_BACK_3 => {
                if res <= limit {
                    i -= 3;
                    continue;
                }
            }
            command => panic!("no such command: {command}"),
        }
        i += 1;
    }
    res
}

fn add(res: i64, a: i64) -> i64 {
    res.wrapping_add(a)
}

fn sub(res: i64, a: i64) -> i64 {
    res.wrapping_sub(a)
}

/// The same work as a loop in Rust, for the compiler to do with as it likes.
///
/// It adds `3 * a` once a lap.
#[inline(never)]
pub fn native(a: i64, limit: i64) -> i64 {
    let mut res: i64 = 0;
    loop {
        res = res.wrapping_add(a);
        res = res.wrapping_add(a);
        res = res.wrapping_add(a);
        if res > limit {
            break;
        }
    }
    res.wrapping_add(a).wrapping_sub(a)
}

/// The same loop, with three additions a lap also in the machine code.
///
/// The `black_box` is around `a` and not around `res`: so the detour through memory is not on the
/// chain of additions, which is what the loop waits for.
#[inline(never)]
pub fn native_three_adds(a: i64, limit: i64) -> i64 {
    let mut res: i64 = 0;
    loop {
        res = res.wrapping_add(black_box(a));
        res = res.wrapping_add(black_box(a));
        res = res.wrapping_add(black_box(a));
        if res > limit {
            break;
        }
    }
    res.wrapping_add(a).wrapping_sub(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_give_the_same() {
        // The post's own example: the sum passes 100 after 34 laps of three ones.
        assert_eq!(interpret(&CODE, 1, 100), 102);
        for (a, limit) in [(1, 100), (7, 1000), (i64::MAX, 5), (1, -1), (3, 0)] {
            let expected = interpret(&CODE, a, limit);
            assert_eq!(native(a, limit), expected, "a = {a}, limit = {limit}");
            assert_eq!(native_three_adds(a, limit), expected, "a = {a}, limit = {limit}");
        }
    }

    #[test]
    #[should_panic(expected = "no such command: 3")]
    fn an_unknown_command_is_a_bug_of_the_program() {
        interpret(&[3], 1, 1);
    }
}
