//! Exits as backends get them.

use super::super::{ExitSlot, finalize_exits};
use super::*;
use crate::ir::{Ty, ValueId, parse, verify};

/// The arguments of an exit rebuilt from what is left of them.
fn rebuilt(finalized: &Trace, exit: usize, layout: &[ExitSlot]) -> Vec<Result<ValueId, Const>> {
    let saved = finalized.exit_args(&finalized.exits[exit]);
    let rebuild = |slot: &ExitSlot| match *slot {
        ExitSlot::Const(c) => Err(c),
        ExitSlot::Slot(slot, ty) => {
            let value = saved[slot as usize];
            assert_eq!(finalized.ty(value), ty);
            Ok(value.value().expect("only values are saved"))
        }
    };
    layout.iter().map(rebuild).collect()
}

#[test]
fn arguments_are_distinct_values_and_can_be_rebuilt() {
    let trace = parse(
        "[i0, p1, i2: i32]
         i3 = int_lt(i0, 9)
         guard_true(i3) [i0, 5, p1, i0, i2, p1, 7i32]
         i4 = int_add(i0, 1)
         guard_value(i4, 3) [i4, p1, i2]
         guard_false(i3) [p1, p1, i4]
         guard_false(i3) []
         guard_false(i3) [i0]
         guard_false(i3) [i4]
         finish() [i4, i0, 1.5]",
    )
    .unwrap();
    let (finalized, layouts) = finalize_exits(&trace);
    verify(&finalized).unwrap();
    for (at, exit) in trace.exits.iter().enumerate() {
        let expected: Vec<_> = (trace.exit_args(exit).iter())
            .map(|&arg| arg.value().ok_or_else(|| trace.as_const(arg).unwrap()))
            .collect();
        assert_eq!(layouts[at].id, exit.id);
        assert_eq!(rebuilt(&finalized, at, &layouts[at].slots), expected);
        let mut saved = finalized.exit_args(&finalized.exits[at]).to_vec();
        let n_saved = saved.len();
        saved.sort();
        saved.dedup();
        assert_eq!(saved.len(), n_saved, "exit {at} saves a value twice");
    }
}

#[test]
fn values_keep_their_slots_where_they_can() {
    let trace = parse(
        "[i0, i1, i2, i3]
         guard_value(i0, 1) [i0, i1, i2]
         guard_value(i0, 1) [i3, i2, i1]
         guard_value(i0, 1) [i2]
         finish() [i1, i2]",
    )
    .unwrap();
    let (_, layouts) = finalize_exits(&trace);
    let slots = |at: usize| -> Vec<u32> {
        let slot = |slot: &ExitSlot| match *slot {
            ExitSlot::Slot(slot, Ty::I64) => slot,
            _ => panic!("{slot:?}"),
        };
        layouts[at].slots.iter().map(slot).collect()
    };
    assert_eq!(slots(0), [0, 1, 2]);
    assert_eq!(slots(1), [0, 2, 1], "i1 and i2 stay where they are");
    assert_eq!(slots(2), [0], "there is only one slot");
    assert_eq!(slots(3), [1, 0], "i2 stays");
}
