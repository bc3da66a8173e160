//! The optimizer: reads a trace, answers a better one that leaves every exit with the same values.
//!
//! The pipeline is two walks. The forward walk ([`rewrite`]) copies the trace operation by operation;
//! before one is copied, the rule families of the enabled passes are asked in turn whether they know
//! better: it is a known value, it is not needed, it can be written in another way. All families
//! share one walk, so that what one finds out, the others use at the next operation, and no trace is
//! walked once per pass. A loop's lap is walked again behind a [`preheader`], which does once what
//! need not be done in each lap; a lap that only counts is skipped ([`counted`]). A trace that leads to such a loop ends with a copy of that ([`entry`]). The backward walk ([`dce`]) then
//! drops what nobody asks for. At last, operands change places so that the longest ways through the trace get shorter ([`chains`]), and
//! stores go up to where exits need not save what they store ([`hasten`]).
//!
//! Invariants
//! 1. Operations are immutable: a walk reads one trace and builds another. Only at the end do operands and
//!    stores change places.
//! 2. At every exit that is left the arguments have the same values as in the given trace, and memory
//!    has the same contents once the exit's delayed stores are made; exits that can not be taken any
//!    more are gone. An exit may have become a rewind, and a rewind may be taken earlier than it must.
//! 3. Any pass can be left out, and without passes the trace comes out as it is.
//! 4. Both walks take time linear in the length of the trace: no family looks at more than a bounded
//!    number of earlier operations.
//! 5. In debug builds the verifier runs after each walk.
//!
//! How to add a pass
//! - One that simplifies or removes operations by what is known so far:
//!   a file with a [`rewrite::Family`], a row in the table of [`Pass`], and a line
//!   in [`families`] at the place where it is to be asked.
//! - One that looks at the trace as a whole: a file with a function from trace to trace, a row in the
//!   table, and a line in [`optimize_and_count`].
//! - `.trace` files in `tests/opt` with the smallest trace that shows each rule.
//!
//! Why not one walk per pass, as a compiler of whole programs does: a recorded operation costs a few
//! hundred nanoseconds in all, and each walk copies the arguments of every exit.

mod passes;

mod rewrite;

mod fold;

mod virtuals;

mod algebra;

mod guards;

mod ranges;

mod cse;

mod heap;

mod delay;

mod preheader;

mod counted;

mod entry;

mod dce;

mod chains;

mod hasten;

mod exits;

mod address;
mod compare;
mod interval;
mod same;
mod tally;

#[cfg(test)]
mod tests;

pub use entry::{behind_preheader, label_behind, second_label};
pub use exits::{ExitEffect, ExitLayout, ExitSlot, finalize_exits};
pub use fold::FrozenMemory;
pub use passes::{Pass, Passes, UnknownPass};
pub use same::is_same;

pub use tally::{Size, Tally};

use crate::ir::{Opcode, Trace, verify};
use rewrite::Family;
use std::fmt;

/// A trace that contradicts itself: one of its guards fails whenever it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidLoop {
    opcode: Opcode,
    op_idx: usize,
}

impl fmt::Display for InvalidLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {}, {}, can never hold", self.op_idx, self.opcode.name())
    }
}

impl std::error::Error for InvalidLoop {}

/// Optimizes a trace with the given passes.
pub fn optimize(trace: &Trace, passes: Passes) -> Result<Trace, InvalidLoop> {
    optimize_and_count(trace, passes, None).map(|(optimized, _)| optimized)
}

/// Optimizes a trace, folding loads from frozen memory as well, and tells what each pass has made of it.
pub fn optimize_and_count(
    trace: &Trace,
    passes: Passes,
    frozen: Option<&dyn FrozenMemory>,
) -> Result<(Trace, Tally), InvalidLoop> {
    if passes == Passes::NONE {
        return Ok((trace.clone(), Tally::default()));
    }
    let walks = |splits| {
        let delays = passes.has(Pass::Delay);
        let forward = rewrite::forward(trace, families(passes, frozen), delays, splits)?;
        if forward.second_label.is_none() {
            check(&forward.trace, "the forward walk", passes);
        }
        let (left, mut tally) = (forward.left(), forward.tally(trace));
        let optimized = dce::backward(forward, passes.has(Pass::Dce));
        Ok(optimized.map(|optimized| {
            tally.add(Pass::Dce, Size::of_all(&optimized.ops) - left);
            (optimized, tally)
        }))
    };
    let mut optimized = walks(passes.has(Pass::Preheader) && passes.has(Pass::Delay))?;
    if optimized.is_none() {
        optimized = walks(false)?;
    }
    let (mut optimized, mut tally) =
        optimized.expect("only a loop with a preheader can have too many values");
    if passes.has(Pass::Counted)
        && let Some(skipping) = counted::skip_laps(&optimized)
    {
        tally.add(Pass::Counted, Size::of_all(&skipping.ops) - Size::of_all(&optimized.ops));
        optimized = skipping;
    }
    if passes.has(Pass::Algebra) {
        chains::shorten(&mut optimized);
    }
    if passes.has(Pass::Delay) {
        hasten::stores(&mut optimized);
    }
    check(&optimized, "the backward walk", passes);
    Ok((optimized, tally))
}

/// The rule families of the forward walk, in the order in which they are asked.
fn families(
    passes: Passes,
    frozen: Option<&dyn FrozenMemory>,
) -> Vec<(Pass, Box<dyn Family + '_>)> {
    let mut families: Vec<(Pass, Box<dyn Family + '_>)> = Vec::new();
    let mut add = |pass, family| {
        if passes.has(pass) {
            families.push((pass, family));
        }
    };
    add(Pass::Virtuals, Box::new(virtuals::Virtuals));
    add(Pass::Fold, Box::new(fold::Fold { frozen }));
    add(Pass::Algebra, Box::new(algebra::Algebra));
    add(Pass::Guards, Box::<guards::Guards>::default());
    add(Pass::Ranges, Box::new(ranges::RangesPass));
    add(Pass::Cse, Box::<cse::Cse>::default());
    add(Pass::Heap, Box::<heap::Heap>::default());
    add(Pass::Delay, Box::new(delay::Delay));
    families
}

fn check(trace: &Trace, after: &str, passes: Passes) {
    if cfg!(debug_assertions)
        && let Err(error) = verify(trace)
    {
        panic!("after {after} with {passes}: {error}\n{trace}");
    }
}
