//! Makes a failing program smaller: instructions become `NOP`s, laps and operands become less.
//!
//! Instructions are not removed, since jumps name their targets by number; `NOP`s are not printed.

use super::generate::Program;
use super::machine::{COUNT, NOP, SET};

/// The smallest program found that still fails.
pub fn shrink(program: &Program, mut fails: impl FnMut(&Program) -> bool) -> Program {
    let mut best = program.clone();
    loop {
        let before = best.clone();
        drop_instructions(&mut best, &mut fails);
        simplify_operands(&mut best, &mut fails);
        while best.0.last().is_some_and(|instruction| instruction[0] == NOP) {
            let mut shorter = best.clone();
            shorter.0.pop();
            if !try_instead(&mut best, shorter, &mut fails) {
                break;
            }
        }
        if best == before {
            return best;
        }
    }
}

fn try_instead(
    best: &mut Program,
    other: Program,
    fails: &mut impl FnMut(&Program) -> bool,
) -> bool {
    let better = other != *best && fails(&other);
    if better {
        *best = other;
    }
    better
}

/// Halves, quarters, … single instructions.
fn drop_instructions(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    let len = best.0.len();
    let mut size = len.next_power_of_two();
    while size > 0 {
        for start in (0..len).step_by(size) {
            let mut other = best.clone();
            other.0[start..(start + size).min(len)].fill([NOP, 0, 0, 0]);
            try_instead(best, other, fails);
        }
        size /= 2;
    }
}

fn simplify_operands(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    for at in 0..best.0.len() {
        let [opcode, _, b, _] = best.0[at];
        let smaller = match opcode {
            NOP => continue,
            COUNT | SET => vec![1, 2, 3, 5, b / 2, b.saturating_sub(1)],
            _ => vec![0],
        };
        for b in smaller {
            let mut other = best.clone();
            other.0[at][2] = b;
            if b < best.0[at][2] && try_instead(best, other, fails) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random_programs::machine::{EFFECT, LOOP, MUL};

    #[test]
    fn what_does_not_matter_disappears() {
        let program =
            Program(vec![[MUL, 1, 2, 0], [COUNT, 8, 40, 0], [EFFECT, 3, 0, 0], [LOOP, 8, 0, 1]]);
        let has = |program: &Program, opcode| program.0.iter().any(|i| i[0] == opcode);
        let shrunk = shrink(&program, |p| {
            let laps = p.0.iter().find(|i| i[0] == COUNT).map_or(0, |i| i[2]);
            has(p, EFFECT) && laps >= 4
        });
        assert_eq!(shrunk, Program(vec![[NOP, 0, 0, 0], [COUNT, 8, 4, 0], [EFFECT, 3, 0, 0]]));
    }
}
