//! Tests of the optimizer by evaluation: an optimized trace does what the given one does.
//!
//! What single rules make of a trace is in `tests/opt/*.trace` ([`files`]); here is whether that is right, and
//! whether the walks are linear.

mod algebra;
mod counted;
mod exits;
mod files;
mod linear;
mod machine;
mod random;
mod ranges;

use super::{InvalidLoop, Pass, Passes, Size, optimize, optimize_and_count};
use crate::ir::{Const, ExitId, Op, Opcode, Resume, ResumeKind, Trace};
pub(super) use files::note_rule;
use machine::{Machine, Outcome, Ran, is_behind_preheader};

/// A trace and what the optimizer made of it.
struct Optimized<'t> {
    trace: &'t Trace,
    passes: Passes,
    result: Result<Trace, InvalidLoop>,
}

impl<'t> Optimized<'t> {
    fn new(trace: &'t Trace, passes: Passes) -> Optimized<'t> {
        let result = optimize_and_count(trace, passes, None).map(|(optimized, tally)| {
            let mut size = Size::of_all(&trace.ops);
            size += tally.total();
            assert_eq!(size, Size::of_all(&optimized.ops), "with {passes}\n{trace}\n{optimized}");
            optimized
        });
        Optimized { trace, passes, result }
    }

    /// Checks that both do the same on `inputs`, starting with the memory of `machine`.
    #[track_caller]
    fn check(&self, machine: &Machine, inputs: &[Const]) {
        let Optimized { trace, passes, result } = self;
        let mut expected = machine.clone().run(trace, inputs);
        match result {
            Ok(optimized) => {
                let mut found: Ran = machine.clone().run(optimized, inputs);
                if let Outcome::Exit { op_idx, .. } = found.outcome
                    && is_in_preheader(optimized, op_idx)
                    && optimized.ops[op_idx].opcode != Opcode::GuardNoException
                {
                    // Whatever it has seen there but a panic, the lap begins anew, and nothing has happened.
                    let resume = Resume { step: 0, ..found.resume };
                    assert_eq!((found.resume, resume.kind), (resume, ResumeKind::Rewind));
                    expected = machine.clone().run_to_label(trace, inputs);
                    (found.outcome, found.resume) = (Outcome::Jump, expected.resume);
                }
                if let Outcome::Exit { id, .. } = &mut found.outcome {
                    *id = original(trace, *id);
                    if found.resume.kind == ResumeKind::Rewind && found.resume.step == 0 {
                        // A stronger guard: the opcode begins anew, though it would have held.
                        let last = Some((*id, found.laps));
                        expected = machine.clone().run_until(trace, inputs, last);
                    }
                }
                assert!(
                    expected.same(&found),
                    "with {passes} on {inputs:x?}\n{trace}\nis {expected:x?}\n\n\
                     {optimized}\nis {found:x?}"
                );
            }
            Err(invalid) => assert!(
                matches!(expected.outcome, Outcome::Exit { op_idx, .. } if op_idx <= invalid.op_idx),
                "{invalid}, with {passes}, but on {inputs:x?} it is {expected:x?}\n{trace}"
            ),
        }
    }
}

fn is_in_preheader(optimized: &Trace, op_idx: usize) -> bool {
    let behind = |op: &Op| op.opcode == Opcode::Label && is_behind_preheader(optimized, op);
    optimized.ops[op_idx..].iter().any(behind)
}

/// The exit that an exit of the optimized trace is, be it in the second lap.
fn original(trace: &Trace, id: ExitId) -> ExitId {
    let n = trace.n_exit_ids();
    ExitId(if id.0 < n { id.0 } else { id.0 - n })
}

/// All passes, none, each one alone, and all but each one.
fn pass_sets() -> Vec<Passes> {
    let alone = Pass::ALL.iter().map(|&pass| Passes::NONE.with(pass));
    let without = Pass::ALL.iter().map(|&pass| Passes::ALL.without(pass));
    [Passes::ALL, Passes::NONE].into_iter().chain(alone).chain(without).collect()
}

/// Each pass or not, by chance.
fn random_passes(rng: &mut Rng) -> Passes {
    let passes = Pass::ALL.iter().filter(|_| rng.chance(50));
    passes.fold(Passes::NONE, |passes, &pass| passes.with(pass))
}

/// Pseudo-random numbers that are the same in every run (splitmix64).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        machine::mix(self.0)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
