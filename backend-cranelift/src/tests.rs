//! Traces in, exits and slots out; and what must not happen on the way.

#![expect(unsafe_code, reason = "runs compiled traces, and is called by them")]

use super::*;
use metainterp::ir::eval::{fold, ovf};
use metainterp::ir::{Const, MemDescr, Operand, Resume, TraceBuilder, Ty, parse, verify};

/// A backend and a frame.
struct Machine {
    backend: CraneliftBackend,
    frame: Box<Frame>,
    /// The types of what exits save, of traces that were compiled with [`Machine::compile_trace`].
    saved: RefCell<FxHashMap<u32, Vec<Ty>>>,
    pauses: u32,
}

impl Machine {
    fn new() -> Machine {
        Machine::with(&Options::default())
    }

    fn with(options: &Options) -> Machine {
        let backend = CraneliftBackend::with_options(options);
        Machine { backend, frame: Frame::new(), saved: RefCell::default(), pauses: 0 }
    }

    #[track_caller]
    fn compile(&self, code: u32, text: &str) -> Compiled {
        self.compile_trace(code, &trace(text))
    }

    #[track_caller]
    fn compile_trace(&self, code: u32, trace: &Trace) -> Compiled {
        for exit in &trace.exits {
            let types = trace.exit_args(exit).iter().map(|&arg| trace.ty(arg)).collect();
            self.saved.borrow_mut().insert(exit.id.0, types);
        }
        self.backend.compile(CodeId(code), trace).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[track_caller]
    fn refusal(&self, code: u32, text: &str) -> String {
        self.backend.compile(CodeId(code), &trace(text)).expect_err("a refusal").to_string()
    }

    /// Runs the trace; answers the exit's number and the first slots.
    fn run<const N: usize>(&mut self, code: u32, inputs: &[u64]) -> (u32, [u64; N]) {
        self.frame.slots.fill(0xdead_beef_dead_beef);
        self.frame.slots[..inputs.len()].copy_from_slice(inputs);
        // SAFETY: the traces below access memory of the test that runs them, and no other.
        let mut exit = unsafe { self.backend.execute(CodeId(code), &mut self.frame) };
        while self.backend.paused_at(exit).is_some() {
            self.pauses += 1;
            // SAFETY: as before.
            exit = unsafe { self.backend.resume(exit, &mut self.frame) };
        }
        let mut words: [u64; N] = self.frame.slots[..N].try_into().unwrap();
        if let Some(types) = self.saved.borrow().get(&exit.0) {
            words.iter_mut().zip(types).for_each(|(word, ty)| *word &= ty.mask());
        }
        (exit.0, words)
    }
}

#[track_caller]
fn trace(text: &str) -> Trace {
    let trace = parse(text).unwrap_or_else(|error| panic!("{error}"));
    verify(&trace).unwrap_or_else(|error| panic!("{error}"));
    trace
}

const COUNT: &str = "# count
    [i0, i1, i2]
    i3, i4, i5 = label(i0, i1, i2, target=0)
    i6 = int_add(i3, i4)
    i7 = int_lt(i6, i5)
    guard_true(i7) [i6, i5] exit=1
    jump(i6, i4, i5, target=0)";

#[test]
fn a_loop_runs_and_leaves() {
    let mut m = Machine::new();
    m.compile(0, COUNT);
    assert_eq!(m.run(0, &[0, 3, 100]), (1, [102, 100]));
    assert_eq!(m.run(0, &[0, 1, 1_000_000]), (1, [1_000_000, 1_000_000]));
}

#[test]
fn a_guard_is_one_compare_and_branch() {
    let options = Options { keep_listings: true, ..Options::default() };
    let m = Machine::with(&options);
    m.compile(0, COUNT);
    let listing = m.backend.disassemble(CodeId(0)).unwrap();
    assert!(!listing.contains("set"), "a bool is materialized:\n{listing}");
    assert!(listing.contains("cmp"), "{listing}");
}

#[test]
#[cfg(feature = "disas")]
fn laps_are_measured_when_asked_for() {
    assert_eq!(Machine::new().compile(0, COUNT).lap, None);
    let options = Options { measure_laps: true, ..Options::default() };
    let m = Machine::with(&options);
    let compiled = m.compile(0, COUNT);
    let lap = compiled.lap.expect("it is a loop");
    // An addition, a comparison, a branch for the guard and one back, and at most as many moves.
    assert!((3..=8).contains(&lap.instructions), "{lap:?}");
    assert!(lap.instructions < lap.bytes && lap.bytes < compiled.code_bytes as u32, "{compiled:?}");
    assert_eq!(m.compile(1, "[i0]\nfinish() [i0] exit=7").lap, None);
}

#[test]
#[cfg(feature = "disas")]
fn what_only_exits_use_is_computed_in_them() {
    let mut m = Machine::with(&Options { measure_laps: true, ..Options::default() });
    let mut instructions = |code: u32, n_exits: u32, saved: &str| {
        let exits = (0..n_exits).map(|k| {
            let (flag, exit) = (20 + k, 10 * code + k);
            format!(
                "i{flag} = int_ne(i3, {})\n guard_true(i{flag}) [{saved}] exit={exit}\n",
                1000 + k
            )
        });
        let text = format!(
            "[i0, i1]
            i2, i3 = label(i0, i1, target={code})
            i4 = int_add(i3, 5)
            {}
            i9 = int_add(i3, i2)
            jump(i2, i9, target={code})",
            exits.collect::<String>()
        );
        let lap = m.compile(code, &text).lap.expect("it is a loop");
        let expected = if saved == "i4" { 1006 } else { 1001 };
        assert_eq!(m.run(code, &[1, 1001]), (10 * code + 1, [expected]));
        lap.instructions
    };
    for n_exits in [2, 4] {
        assert_eq!(instructions(n_exits, n_exits, "i4"), instructions(n_exits + 5, n_exits, "i3"));
    }
    // Not in each of many.
    assert!(instructions(5, 5, "i3") < instructions(12, 5, "i4"));
}

/// A trace with guards that save what those before them have saved and one value more, but for some that
/// change: guard `k` fails if the first input is `k`. And what each exit saves, by number of the value.
fn with_growing_exits(
    n_guards: u64,
    changing: impl Fn(u64, u64) -> bool,
) -> (String, Vec<Vec<u64>>) {
    let mut text = String::from("[i0, i1]\n");
    let (mut next, mut saved, mut exits) = (0, Vec::new(), Vec::new());
    let mut define = |text: &mut String| {
        let value = next;
        next += 1;
        match value % 3 {
            0 => *text += &format!("i{}: i8 = int_trunc(i1)\n", value + 2),
            _ => *text += &format!("i{} = int_add(i1, {value})\n", value + 2),
        }
        value
    };
    for guard in 0..n_guards {
        saved.push(define(&mut text));
        for slot in 0..guard {
            if changing(guard, slot) {
                saved[slot as usize] = define(&mut text);
            }
        }
        let names: Vec<String> = saved.iter().map(|value| format!("i{}", value + 2)).collect();
        text += &format!("i{} = int_ne(i0, {guard})\n", 1_000_000 + guard);
        text +=
            &format!("guard_true(i{}) [{}] exit={guard}\n", 1_000_000 + guard, names.join(", "));
        exits.push(saved.clone());
    }
    text += &format!("finish() [i1] exit={n_guards}");
    (text, exits)
}

#[test]
fn exits_save_what_exits_before_them_save() {
    let never = |_, _| false;
    let last = |guard, slot| slot + 2 > guard;
    let now_and_then = |guard: u64, slot: u64| (guard * 31 + slot * 17).is_multiple_of(101);
    let first = |_, slot| slot == 0;
    let changes: [&dyn Fn(u64, u64) -> bool; 4] = [&never, &last, &now_and_then, &first];
    for changing in changes {
        let (text, exits) = with_growing_exits(90, changing);
        let mut m = Machine::new();
        m.compile(0, &text);
        for (guard, saved) in (0..).zip(&exits) {
            let input: u64 = 0xabcd_ef01_2345_67fe;
            let (exit, slots) = m.run::<90>(0, &[guard, input]);
            let value = |value: &u64| match value % 3 {
                0 => input & 0xff,
                _ => input.wrapping_add(*value),
            };
            let expected: Vec<u64> = saved.iter().map(value).collect();
            assert_eq!((exit, &slots[..saved.len()]), (guard as u32, &*expected), "{text}");
        }
    }
}

#[test]
fn code_of_exits_is_linear_in_their_number() {
    let bytes = |n| {
        let (text, _) = with_growing_exits(n, |guard, slot| slot + 2 > guard);
        Machine::new().compile(0, &text).code_bytes
    };
    let (short, long) = (bytes(100), bytes(400));
    assert!(long < 6 * short, "{short} bytes for 100 guards, {long} for 400");
}

#[test]
fn finish_saves_every_type_zero_extended() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0: bool, i1: i8, i2: i16, i3: i32, i4, f5: f32, f6, p7]
        finish() [i0, i1, i2, i3, i4, f5, f6, p7] exit=9",
    );
    let words = [1, 0xff, 0xfffe, 0xffff_fffd, u64::MAX, 0xffff_fffc, u64::MAX - 1, 7];
    assert_eq!(m.run(0, &words), (9, words));
}

#[test]
fn a_bridge_continues_with_what_the_exit_saved() {
    let mut m = Machine::new();
    m.compile(0, COUNT);
    m.compile(
        1,
        "[i0, i1]
        i2 = int_mul(i1, 2)
        i3 = int_lt(i2, 1000)
        guard_true(i3) [i0, i2] exit=2
        jump(i0, 1, i2, target=0)",
    );
    assert_eq!(m.run(0, &[0, 1, 10]), (1, [10, 10]));
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 10]), (2, [640, 1280]));
    // Entered by itself, a bridge is a trace like any other.
    assert_eq!(m.run(1, &[5, 600]), (2, [5, 1200]));
}

// A tail call leaves nothing behind: this would need gigabytes of stack otherwise.
#[test]
fn crossing_traces_takes_no_stack() {
    let mut m = Machine::new();
    m.compile(0, COUNT);
    m.compile(
        1,
        "[i0, i1]
        i2 = int_add(i1, 1)
        i3 = int_lt(i2, 50000000)
        guard_true(i3) [i0] exit=2
        jump(i0, 1, i2, target=0)",
    );
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 1]), (2, [49_999_999]));
}

// The second label is entered from another trace, in which the values between do not exist.
#[test]
fn every_label_can_be_entered() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0]
        i1 = int_add(i0, 100)
        i2, f3: f32 = label(i1, 1.5f32, target=0)
        i4 = int_add(i2, 10)
        i5, i6: i8 = label(i4, 7i8, target=1)
        guard_value(i6, 7i8) [i5, i6] exit=1
        finish() [i5] exit=2",
    );
    m.compile(1, "[i0, f1: f32]\n jump(i0, f1, target=0)");
    m.compile(2, "[i0]\n jump(i0, 200i8, target=1)");
    assert_eq!(m.run(0, &[1]), (2, [111]));
    assert_eq!(m.run(1, &[1, 0]), (2, [11]));
    assert_eq!(m.run(2, &[1]), (1, [1, 200]));
}

#[test]
fn a_label_at_the_start_shares_the_entry_of_the_inputs() {
    let entries = |trace: &Trace| {
        let group = Group::of(Member::alone(trace, 0, None));
        let analysis = Analysis::new(&group).unwrap();
        (analysis.joins[1].entry, analysis.n_entries)
    };
    assert_eq!(entries(&trace(COUNT)), (0, 1));
    let swapped = trace("[i0, i1]\n i2, i3 = label(i1, i0, target=0)\n jump(i3, i2, target=0)");
    assert_eq!(entries(&swapped), (1, 2));
}

#[test]
fn values_change_places_on_the_way_round() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0, i1, i2]
        i3, i4, i5 = label(i0, i1, i2, target=0)
        i6 = int_sub(i5, 1)
        i7 = int_is_true(i6)
        guard_true(i7) [i3, i4] exit=1
        jump(i4, i3, i6, target=0)",
    );
    assert_eq!(m.run(0, &[7, 8, 3]), (1, [7, 8]));
    assert_eq!(m.run(0, &[7, 8, 4]), (1, [8, 7]));
}

// Loop-invariant values stay in their slots: on entry from before, through the label from another
// trace, and on the way out, also to a bridge.
#[test]
fn values_stay_in_their_slots() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0, i1: i8, f2]
        i3 = int_add(i0, 1)
        i4, i5: i8, f6, i7: i16, i8 = label(i3, i1, 2.5, 300i16, i0, target=0)
        i9 = int_lt(i4, 10)
        guard_true(i9) [i4, i5, f6, i7, i8] exit=1
        i10 = int_add(i4, i8)
        jump(i10, i5, f6, i7, i8, target=0)",
    );
    let half = 2.5_f64.to_bits();
    assert_eq!(m.run(0, &[2, 0x81, 7]), (1, [11, 0x81, half, 300, 2]));
    m.compile(
        1,
        "[i0, i1: i8, f2, i3: i16, i4]
        i5 = int_lt(i4, 3)
        guard_true(i5) [i0, i1, f2, i3, i4] exit=2
        i6 = int_sub(i0, 10)
        i7 = int_add(i4, 1)
        jump(i6, i1, f2, i3, i7, target=0)",
    );
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    assert_eq!(m.run(0, &[2, 0x81, 7]), (2, [10, 0x81, half, 300, 3]));
    assert_eq!(m.run(1, &[9, 5, 1, 2, 3]), (2, [9, 5, 1, 2, 3]));
}

// A value at another position than its own must be moved, and its slot may hold another one then.
#[test]
fn exits_move_what_is_not_in_its_slot() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0, i1, i2]
        i3, i4, i5 = label(i0, i1, i2, target=0)
        i6 = int_sub(i5, 1)
        guard_value(i6, 0) [i4, i3, i5] exit=1
        jump(i3, i4, i6, target=0)",
    );
    assert_eq!(m.run(0, &[7, 8, 3]), (1, [8, 7, 3]));
    m.compile(1, "[i0, i1, i2]\n jump(i1, i0, i2, target=0)");
    assert_eq!(m.run(1, &[7, 8, 4]), (1, [7, 8, 4]));
}

#[test]
fn what_stays_in_its_slot_costs_nothing() {
    let m = Machine::new();
    let size = |code: u32, live: usize| {
        let inputs = (0..live).map(|k| format!("i{k}")).collect::<Vec<_>>().join(", ");
        let cond = format!("i{live} = int_lt(i0, i1)\n guard_true(i{live})");
        let text = format!("[{inputs}]\n {cond} [{inputs}] exit={code}\n finish() [] exit=9{code}");
        m.compile(code, &text).code_bytes
    };
    assert_eq!(size(0, 2), size(1, 100));
}

/// Guard `k` of a bridge fails if the second input is `k`; this is what it saves.
fn with_exits(exits: &[&str], end: &str) -> String {
    let mut text = String::from("[i0, i1, i2]\n i3 = int_add(i0, 5)\n i4 = int_mul(i1, i1)\n");
    for (k, exit) in exits.iter().enumerate() {
        let value = 10 + k;
        text += &format!("i{value} = int_ne(i1, {k})\n guard_true(i{value}) [{exit}] exit={k}\n");
    }
    text + end
}

// A slot is stored to ahead, unless an input is wanted in it later on, at an exit or at the end.
#[test]
fn what_is_stored_ahead_is_what_the_exits_save() {
    let many = "i3, i1, i4";
    let ahead = ["i3, i1", many, many, many, many, many, many, "i3, i4, i1", "i4, i3"];
    let wanted = ["i3, i1", many, many, many, many, many, "i0, i1, i4", "i3, i1, i2", many];
    for exits in [ahead, wanted] {
        for end in ["i3, i1, i4", "i0, i1, i2", "i0, i4, i2"] {
            check_ahead(&exits, end, &format!("finish() [{end}] exit=9"));
            check_ahead(&exits, end, &format!("jump({end}, target=0)"));
        }
    }
}

#[track_caller]
fn check_ahead(exits: &[&str], saved_at_end: &str, end: &str) {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0, i1, i2]\n i3, i4, i5 = label(i0, i1, i2, target=0)\n finish() [i3, i4, i5] exit=10",
    );
    m.compile(1, &with_exits(exits, end));
    for k in 0..=exits.len() {
        let inputs = [70, k as u64, 90];
        let values = [inputs[0], inputs[1], inputs[2], inputs[0] + 5, inputs[1] * inputs[1]];
        let saved = exits.get(k).unwrap_or(&saved_at_end).split(", ");
        let expected: Vec<u64> =
            saved.map(|name| values[name[1..].parse::<usize>().unwrap()]).collect();
        let (exit, slots) = m.run::<3>(1, &inputs);
        let is_right = exit.min(9) == k as u32 && slots[..expected.len()] == expected;
        assert!(is_right, "{exit} {slots:?}, not {k} {expected:?}: {exits:?} {end}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn what_the_next_exits_save_is_stored_before_them() {
    let m = Machine::with(&Options { keep_listings: true, ..Options::default() });
    m.compile(0, &with_exits(&["i3, i1"; 6], "finish() [i3, i1] exit=6"));
    let listing = m.backend.disassemble(CodeId(0)).unwrap();
    let slot = format!(", {:#x}(%", std::mem::offset_of!(Frame, slots));
    let stores: Vec<usize> = listing.match_indices(&slot).map(|(at, _)| at).collect();
    let second_guard = listing.find("cmpq $0x1,").unwrap();
    assert!(stores.len() == 1 && stores[0] < second_guard, "{listing}");
}

#[track_caller]
fn check_guard(guard: &str, ty: &str, passes: u64, fails: u64) {
    let mut m = Machine::new();
    let text = format!("[i0: {ty}]\n {guard} [i0] exit=1\n finish() [i0] exit=2");
    m.compile(0, &text);
    assert_eq!(m.run(0, &[passes]), (2, [passes]), "{guard}");
    assert_eq!(m.run(0, &[fails]), (1, [fails]), "{guard}");
}

#[test]
fn guards_leave_when_they_fail() {
    check_guard("guard_true(i0)", "bool", 1, 0);
    check_guard("guard_false(i0)", "bool", 0, 1);
    check_guard("guard_value(i0, true)", "bool", 1, 0);
    check_guard("guard_value(i0, -1i8)", "i8", 0xff, 1);
    check_guard("guard_value(i0, 300i16)", "i16", 300, 301);
    check_guard("guard_value(i0, -7i32)", "i32", 0xffff_fff9, 7);
    check_guard("guard_value(i0, -7)", "i64", 7_u64.wrapping_neg(), 7);
}

// 0.0 == -0.0 and NaN != NaN, but a guard asks for the very value.
#[test]
fn guard_value_compares_floats_by_their_bits() {
    let mut m = Machine::new();
    m.compile(0, "[f0]\n guard_value(f0, 0.0) [f0] exit=1\n finish() [] exit=2");
    assert_eq!(m.run(0, &[0.0_f64.to_bits()]), (2, []));
    assert_eq!(m.run(0, &[(-0.0_f64).to_bits()]), (1, [1 << 63]));
    m.compile(1, "[f0: f32]\n guard_value(f0, nan(0x7fc00000)f32) [] exit=3\n finish() [] exit=4");
    assert_eq!(m.run(1, &[0x7fc0_0000]), (4, []));
    assert_eq!(m.run(1, &[0x7fc0_0001]), (3, []));
}

#[test]
fn a_condition_with_further_uses_is_a_value_too() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[i0, f1, f2]
        i3 = int_lt(i0, 5)
        i4 = float_lt(f1, f2)
        guard_true(i3) [i3, i4] exit=1
        guard_false(i4) [i3, i4] exit=2
        i5: i32 = cast_bool_to_int(i3)
        finish() [i5, i4] exit=3",
    );
    let [one, two, nan] = [1.0, 2.0, f64::NAN].map(f64::to_bits);
    assert_eq!(m.run(0, &[5, one, two]), (1, [0, 1]));
    assert_eq!(m.run(0, &[4, one, two]), (2, [1, 1]));
    assert_eq!(m.run(0, &[4, two, one]), (3, [1, 0]));
    assert_eq!(m.run(0, &[4, two, nan]), (3, [1, 0]));
}

// The guard on a comparison that is false for a NaN must leave for a NaN, and the other must not.
#[test]
fn float_guards_know_nans() {
    for name in ["eq", "ne", "lt", "le", "gt", "ge"] {
        for guard in ["guard_true", "guard_false"] {
            let mut m = Machine::new();
            let test = format!("[f0, f1]\n i2 = float_{name}(f0, f1)\n {guard}(i2) [] exit=1");
            m.compile(0, &format!("{test}\n finish() [] exit=2"));
            let values = [0.0, -0.0, 1.5, -2.5, f64::INFINITY, f64::NAN];
            for (x, y) in values.iter().flat_map(|&x| values.map(|y| (x, y))) {
                let holds = match name {
                    "eq" => x == y,
                    "ne" => x != y,
                    "lt" => x < y,
                    "le" => x <= y,
                    "gt" => x > y,
                    _ => x >= y,
                };
                let passes = holds == (guard == "guard_true");
                let exit = if passes { 2 } else { 1 };
                assert_eq!(m.run(0, &[x.to_bits(), y.to_bits()]), (exit, []), "{x} {name} {y}");
            }
        }
    }
}

const INTS: [Ty; 4] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64];

fn interesting(ty: Ty) -> Vec<u64> {
    let bits = ty.bits();
    let mut all: Vec<u64> = vec![0, 1, 2, 3, 7, 10, 100, 0x55];
    all.extend((bits - 2..bits).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, (1 << bit) + 1]));
    all.extend(all.clone().iter().map(|x| x.wrapping_neg()));
    all.iter_mut().for_each(|x| *x &= ty.mask());
    all.sort();
    all.dedup();
    all
}

/// How the operands of a test operation are given.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Inputs,
    FirstConstant,
    SecondConstant,
}

fn ovf_trace(opcode: Opcode, ty: Ty, guard: Opcode, given: Given, x: u64, y: u64) -> Trace {
    let mut b = TraceBuilder::new("ovf");
    let inputs: [Operand; 2] = [b.input(ty).into(), b.input(ty).into()];
    let constants = [x, y].map(|bits| b.constant(Const::new(ty, bits)));
    let args = match given {
        Given::Inputs => inputs,
        Given::FirstConstant => [constants[0], inputs[1]],
        Given::SecondConstant => [inputs[0], constants[1]],
    };
    let res = b.push(opcode, &args, 0, ty);
    let exit = b.exit(ExitId(1), &[res], Resume::default());
    b.push_void(guard, &[], exit);
    let exit = b.exit(ExitId(2), &[res], Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    b.finish()
}

fn overflow_opcodes() -> impl Iterator<Item = Opcode> {
    Opcode::ALL.iter().copied().filter(|op| op.without_overflow().is_some())
}

#[test]
fn overflow_is_exact_at_every_width() {
    let mut m = Machine::new();
    for (opcode, ty) in overflow_opcodes().flat_map(|op| INTS.map(|ty| (op, ty))) {
        for guard in [Opcode::GuardNoOverflow, Opcode::GuardOverflow] {
            m.backend
                .compile(CodeId(0), &ovf_trace(opcode, ty, guard, Given::Inputs, 0, 0))
                .unwrap();
            for (x, y) in pairs(ty) {
                check_overflow(&mut m, opcode, ty, guard, x, y);
            }
            m.backend.free(CodeId(0));
        }
    }
}

#[track_caller]
fn check_overflow(m: &mut Machine, opcode: Opcode, ty: Ty, guard: Opcode, x: u64, y: u64) {
    let (wrapped, overflows) = ovf(opcode, Const::new(ty, x), Const::new(ty, y));
    let passes = overflows == (guard == Opcode::GuardOverflow);
    let exit = if passes { 2 } else { 1 };
    let name = opcode.name();
    assert_eq!(m.run(0, &[x, y]), (exit, [wrapped.bits]), "{name} {ty} {x:#x} {y:#x}");
}

fn pairs(ty: Ty) -> impl Iterator<Item = (u64, u64)> {
    interesting(ty).into_iter().flat_map(move |x| interesting(ty).into_iter().map(move |y| (x, y)))
}

// Additions of constants are tested by a comparison of the result.
#[test]
fn overflow_with_constants_is_exact() {
    let mut m = Machine::new();
    let opcodes = [Opcode::IntAddOvf, Opcode::IntSubOvf, Opcode::UintSubOvf];
    let guard = Opcode::GuardNoOverflow;
    for (opcode, ty) in opcodes.into_iter().flat_map(|op| [Ty::I8, Ty::I64].map(|ty| (op, ty))) {
        for (given, c) in [Given::FirstConstant, Given::SecondConstant]
            .into_iter()
            .flat_map(|given| interesting(ty).into_iter().map(move |c| (given, c)))
        {
            let trace = ovf_trace(opcode, ty, guard, given, c, c);
            m.compile_trace(0, &trace);
            for x in interesting(ty) {
                let (x, y) = if given == Given::FirstConstant { (c, x) } else { (x, c) };
                check_overflow(&mut m, opcode, ty, guard, x, y);
            }
            m.backend.free(CodeId(0));
        }
    }
}

#[test]
fn memory_is_read_and_written() {
    let mut memory: [u64; 4] = [0x8877_6655_4433_2211, 2, 3, 4];
    let mut m = Machine::new();
    m.compile(
        0,
        "[p0, i1]
        i2: i8 = getfield(p0, descr=mem(i8, offset=7, class=1))
        i3: i16 = getarrayitem(p0, i1, descr=mem(i16, offset=-2, scale=2, class=2))
        i4 = getarrayitem(p0, 3, descr=mem(i64, scale=8))
        i5: i32 = getarrayitem(p0, i1, descr=mem(i32, scale=24, offset=-24, class=5, frozen))
        setfield(p0, i2, descr=mem(i8, offset=8))
        setarrayitem(p0, i1, i4, descr=mem(i64, scale=8, offset=8))
        setarrayitem(p0, i1, 1.5, descr=mem(f64, scale=24))
        finish() [i2, i3, i4, i5] exit=1",
    );
    let p = memory.as_mut_ptr().expose_provenance() as u64;
    assert_eq!(m.run(0, &[p, 1]), (1, [0x88, 0x2211, 4, 0x4433_2211]));
    assert_eq!(memory, [0x8877_6655_4433_2211, 0x88, 4, 1.5_f64.to_bits()]);
}

// An item of 72 bytes is neither within reach of an addressing mode nor a shift away.
#[test]
fn the_address_of_an_item_is_computed_once() {
    let m = Machine::with(&Options { keep_listings: true, ..Options::default() });
    let n_multiplied = |code, between: &str| {
        let text = format!(
            "[p0, i1]
            i2 = getarrayitem(p0, i1, descr=mem(i64, scale=72))
            setarrayitem(p0, i1, i2, descr=mem(i64, scale=72, offset=8))
            {between}
            i3: i8 = getarrayitem(p0, i1, descr=mem(i8, scale=72, offset=16))
            finish() [i2, i3] exit={code}"
        );
        m.compile(code, &text);
        m.backend.disassemble(CodeId(code)).unwrap().matches("mul").count()
    };
    assert_eq!(n_multiplied(0, ""), 1);
    // Nothing is kept across a call for it.
    let call = format!("call({:#x}, i1, 1, descr=call(add, \"t:1:1\"))", address_of_add());
    assert_eq!(n_multiplied(1, &call), 2);
}

// At the label from elsewhere, no address has been computed yet. Both values stay in their slots, so they are
// the same ones before the label and behind it.
#[test]
fn the_address_of_an_item_does_not_reach_behind_a_label() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[p0, i1]
        i2 = getarrayitem(p0, i1, descr=mem(i64, scale=24))
        setarrayitem(p0, i1, 7, descr=mem(i64, scale=24))
        p3, i4, i5 = label(p0, i1, i2, target=0)
        i6 = getarrayitem(p3, i4, descr=mem(i64, scale=24))
        i7 = int_lt(i5, i6)
        guard_true(i7) [p3, i4, i5, i6] exit=1
        jump(p3, i4, i6, target=0)",
    );
    m.compile(1, "[p0, i1]\n jump(p0, i1, 9, target=0)");
    let mut memory = [0_u64, 0, 0, 5];
    let p = memory.as_mut_ptr().expose_provenance() as u64;
    assert_eq!(m.run(0, &[p, 1]), (1, [p, 1, 7, 7]));
    assert_eq!(m.run(1, &[p, 1]), (1, [p, 1, 9, 7]));
}

/// Adds its two arguments; panics, in the convention's way, when the sum is odd.
unsafe extern "C" fn add(words: *mut u64) -> u8 {
    // SAFETY: the call words of a frame.
    let words = unsafe { std::slice::from_raw_parts_mut(words, 3) };
    let sum = words[0].wrapping_add(words[1]);
    words[0] = sum;
    words[1] = sum ^ u64::MAX;
    words[2] = 0x7fc0_0000;
    (sum % 2) as u8
}

fn address_of_add() -> u64 {
    add as *const () as usize as u64
}

#[test]
fn calls_pass_words_and_answer_results() {
    let mut m = Machine::new();
    let function = address_of_add();
    m.compile(
        0,
        &format!(
            "[i0: i8, i1: i32]
            i2: i16 = call({function:#x}, i0, i1, descr=call(add, \"t:1:1\", res=i16, can_panic))
            i3: i32 = call_result(1)
            f4: f32 = call_result(2)
            guard_no_exception() [i0, i1] exit=1
            finish() [i2, i3, f4, i0] exit=2"
        ),
    );
    assert_eq!(m.run(0, &[0xff, 0x1_0001]), (2, [0x0100, 0xfffe_feff, 0x7fc0_0000, 0xff]));
    assert_eq!(m.run(0, &[0xff, 0x1_0000]), (1, [0xff, 0x1_0000]));
}

#[test]
fn a_called_function_may_be_a_value() {
    let mut m = Machine::new();
    m.compile(
        0,
        "[p0, i1]
        i2 = call(p0, i1, 5, descr=call(add, \"t:1:1\", res=i64))
        call(p0, i2, 1.5f32, descr=call(add, \"t:1:2\"))
        finish() [i1, i2] exit=2",
    );
    assert_eq!(m.run(0, &[address_of_add(), 7]), (2, [7, 12]));
}

// Functions of the program are far away from code memory; each has one thunk.
#[test]
fn thunks_are_shared() {
    let m = Machine::new();
    let function = address_of_add();
    let text = |exit| {
        let call = format!("call({function:#x}, i0, i0, descr=call(add, \"t:1:1\"))");
        format!("[i0]\n {call}\n {call}\n finish() [i0] exit={exit}")
    };
    let first = m.compile(0, &text(1));
    let thunk = m.backend.code_bytes() - first.code_bytes;
    assert_eq!(thunk, link::THUNK_SIZE);
    let second = m.compile(1, &text(2));
    assert_eq!(m.backend.code_bytes(), first.code_bytes + second.code_bytes + thunk);
}

#[test]
fn freed_code_is_given_back() {
    let m = Machine::new();
    let compiled = m.compile(0, COUNT);
    assert_eq!(m.backend.code_bytes(), compiled.code_bytes);
    m.backend.free(CodeId(0));
    assert_eq!(m.backend.code_bytes(), 0);
    assert!(m.refusal(1, "[i0]\n jump(i0, target=0)").contains("no label"));
    // Its numbers are free too.
    m.compile(0, COUNT);
}

#[test]
fn nothing_is_kept_of_traces_that_are_gone() {
    let m = Machine::new();
    for code in 0..20 {
        m.compile(code, COUNT);
        m.backend.free(CodeId(code));
    }
    let inner = m.backend.inner.borrow();
    assert!(inner.codes.is_empty() && inner.doors.is_empty(), "{} doors", inner.doors.len());
    assert!(inner.labels.is_empty() && inner.exits.is_empty());
}

#[test]
fn exits_of_a_freed_bridge_lead_to_rust() {
    let mut m = Machine::new();
    m.compile(0, COUNT);
    m.compile(1, "[i0, i1]\n finish() [i0] exit=2");
    m.compile(2, "[i0, i1]\n finish() [i0] exit=3");
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 10]), (2, [10]));
    m.backend.attach_bridge(ExitId(1), CodeId(2));
    m.backend.free(CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 10]), (3, [10]));
    m.backend.free(CodeId(2));
    assert_eq!(m.run(0, &[0, 1, 10]), (1, [10]));
}

#[test]
#[should_panic(expected = "a bridge takes what its exit")]
fn a_bridge_fits_its_exit() {
    let m = Machine::new();
    m.compile(0, COUNT);
    m.compile(1, "[i0, f1]\n finish() [i0] exit=2");
    m.backend.attach_bridge(ExitId(1), CodeId(1));
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    let m = Machine::new();
    m.compile(0, COUNT);
    assert!(m.refusal(1, "[i0]\n jump(i0, target=77)").contains("no label to jump to"));
    assert!(m.refusal(1, "[i0]\n jump(i0, target=0)").contains("other arguments"));
    let mut small = Machine::with(&Options { code_memory: 4096, ..Options::default() });
    let refusals = (0..100_u32).filter(|&code| {
        let text = COUNT.replace("target=0", &format!("target={code}"));
        let text = text.replace("exit=1", &format!("exit={code}"));
        small.backend.compile(CodeId(code), &trace(&text)).is_err()
    });
    assert!((1..100).contains(&refusals.count()));
    assert_eq!(small.run(0, &[0, 1, 10]), (0, [10, 10]));
}

#[test]
fn too_many_values_are_refused() {
    let mut b = TraceBuilder::new("wide");
    let inputs: Vec<Operand> = (0..1001).map(|_| b.input(Ty::I64).into()).collect();
    let exit = b.exit(ExitId(1), &inputs[..1], Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    let refusal = Machine::new().backend.compile(CodeId(0), &b.finish()).unwrap_err();
    assert_eq!(refusal.to_string(), "1001 inputs, and there is room for 1000");
}

/// A loop of `n` steps, each a handful of operations and a guard that saves `live` values.
fn long_trace(n: usize, live: usize, first_exit: u32, target: u32) -> Trace {
    let mut b = TraceBuilder::new("long");
    let inputs: Vec<Operand> = (0..live).map(|_| b.input(Ty::I64).into()).collect();
    let first = b.push_label(TargetId(target), &inputs).0;
    let mut locals: Vec<Operand> =
        (0..live as u32).map(|k| metainterp::ir::ValueId(first + k).into()).collect();
    for step in 0..n {
        let (x, y) = (locals[step % live], locals[(step + 1) % live]);
        let three = b.constant(Const::new(Ty::I64, 3));
        let product = b.push(Opcode::IntMul, &[x, three], 0, Ty::I64);
        let sum = b.push(Opcode::IntAdd, &[product, y], 0, Ty::I64);
        let mixed = b.push(Opcode::IntXor, &[sum, x], 0, Ty::I64);
        let wrong = b.constant(Const::new(Ty::I64, 0x1234_5678_9abc));
        let differs = b.push(Opcode::IntNe, &[mixed, wrong], 0, Ty::Bool);
        let exit = b.exit(ExitId(first_exit + step as u32), &locals, Resume::default());
        b.push_void(Opcode::GuardTrue, &[differs], exit);
        locals[step % live] = mixed;
    }
    b.push_void(Opcode::Jump, &locals, target);
    b.finish()
}

#[test]
fn long_traces_compile() {
    let m = Machine::new();
    let trace = long_trace(2000, 10, 0, 0);
    verify(&trace).unwrap();
    let compiled = m.backend.compile(CodeId(0), &trace).unwrap();
    let per_guard = compiled.code_bytes / 2000;
    // Five operations, a guard and its exit slot. The bound has a third to spare.
    assert!(per_guard < 120, "{per_guard} bytes");
}

#[test]
fn code_is_packed() {
    let m = Machine::new();
    let mut code = 0;
    for k in 0..1000 {
        let trace = long_trace(5 + k as usize % 7, 4, k * 100, k);
        code += m.backend.inner.borrow_mut().assemble(&trace).bytes.len();
        m.backend.compile(CodeId(k), &trace).unwrap();
    }
    let inner = m.backend.inner.borrow();
    let taken = inner.memory.high_water().next_multiple_of(4096);
    let wasted = (taken - code) as f64 / taken as f64;
    assert!(wasted < 0.05, "{taken} bytes for {code} bytes of code: {wasted}");
}

impl Inner {
    /// The code that compiling the trace will yield.
    fn assemble(&mut self, trace: &Trace) -> MachineCode {
        let group = Group::of(Member::alone(trace, 1 << 46, None));
        let analysis = Analysis::new(&group).unwrap();
        let counters = Counters::new(analysis.n_entries as usize);
        self.compilers.compile(&trace.name, &group, &analysis, &counters).unwrap()
    }
}

#[test]
fn the_mid_end_changes_nothing_but_the_code() {
    let mut m = Machine::with(&Options { mid_end: MidEnd::Speed, ..Options::default() });
    m.compile(0, COUNT);
    assert_eq!(m.run(0, &[0, 3, 100]), (1, [102, 100]));
    let size = |n| {
        let trace = long_trace(n, 10, 0, 0);
        let backend = CraneliftBackend::with_options(&Options {
            mid_end: MidEnd::Speed,
            ..Options::default()
        });
        backend.compile(CodeId(0), &trace).unwrap().code_bytes
    };
    // Without values on the branch, exits would repeat what computes their arguments.
    assert!(size(400) < 5 * size(100));
}

// A class of 0 may overlap any other: the store must be seen by the load.
#[test]
fn the_mid_end_knows_what_overlaps() {
    let mut m = Machine::with(&Options { mid_end: MidEnd::Speed, ..Options::default() });
    m.compile(
        0,
        "[p0, i1]
        i2 = getfield(p0, descr=mem(i64, class=1))
        setfield(p0, i1, descr=mem(i64))
        i3 = getfield(p0, descr=mem(i64, class=1))
        finish() [i2, i3] exit=1",
    );
    let mut cell = 5_u64;
    let p = (&raw mut cell).expose_provenance() as u64;
    assert_eq!(m.run(0, &[p, 6]), (1, [5, 6]));
    assert_eq!(cell, 6);
}

/// One trace per operation and operand type, with everything that the operation can be given.
fn samples() -> Vec<Trace> {
    let mut samples = Vec::new();
    for &opcode in Opcode::ALL.iter().filter(|op| op.is_pure()) {
        for first in Ty::ALL {
            for res in Ty::ALL {
                samples.extend(sample(opcode, first, res));
            }
        }
    }
    for (opcode, ty) in overflow_opcodes().flat_map(|op| INTS.map(|ty| (op, ty))) {
        samples.push(ovf_trace(opcode, ty, Opcode::GuardOverflow, Given::Inputs, 0, 0));
    }
    samples
}

/// The trace that does one operation and saves its result, if it passes the verifier.
fn sample(opcode: Opcode, first: Ty, res: Ty) -> Option<Trace> {
    use metainterp::ir::Arg;
    let mut b = TraceBuilder::new(format!("{} {first} {res}", opcode.name()));
    let ty = |arg: &Arg| match arg {
        Arg::I64 => Ty::I64,
        Arg::Ptr => Ty::Ptr,
        _ => first,
    };
    let args: Vec<Operand> = opcode.info().args.iter().map(|arg| b.input(ty(arg)).into()).collect();
    let res = b.push(opcode, &args, 0, res);
    let exit = b.exit(ExitId(1), &[res], Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    Some(b.finish()).filter(|trace| verify(trace).is_ok())
}

fn operands(ty: Ty) -> Vec<u64> {
    match ty {
        Ty::Bool => vec![0, 1],
        Ty::F32 => floats().map(|x| u64::from((x as f32).to_bits())).collect(),
        Ty::F64 => floats().map(f64::to_bits).collect(),
        Ty::Ptr => interesting(Ty::I64),
        ty => interesting(ty),
    }
}

fn floats() -> impl Iterator<Item = f64> {
    let finite = [0.0, 0.4, 0.5, 1.0, 1.5, 2.5, 3e-320, 127.5, 128.0, 255.9, 65536.0, 3e9, 1e10];
    let edges = [9.3e18, 1.9e19, 1e300, f64::INFINITY, f64::NAN];
    finite.into_iter().chain(edges).flat_map(|x| [x, -x])
}

/// Runs a trace of one operation over all pairs of operands; `fold` says what must come out.
fn check_operation(m: &mut Machine, trace: &Trace) {
    let op = trace.ops[0];
    let types: Vec<Ty> = trace.inputs().map(|value| trace.types[value.index()]).collect();
    let res_ty = trace.types[op.res().unwrap().index()];
    m.compile_trace(0, trace);
    let second = types.get(1).map_or(vec![0], |&ty| operands(ty));
    for (x, y) in operands(types[0]).iter().flat_map(|x| second.iter().map(move |y| (x, y))) {
        let args: Vec<Const> =
            types.iter().zip([x, y]).map(|(&ty, &bits)| Const::new(ty, bits)).collect();
        let Some(expected) = fold(op.opcode, res_ty, &args) else { continue };
        let (_, [found]) = m.run(0, &[*x, *y]);
        let open = makes_nans(op.opcode) && is_nan(res_ty, expected.bits);
        let same = found == expected.bits || open && is_nan(res_ty, found);
        assert!(same, "{}({args:?}) = {found:#x}, not {:#x}", trace.name, expected.bits);
    }
    m.backend.free(CodeId(0));
}

/// Which NaN it yields is open.
fn makes_nans(opcode: Opcode) -> bool {
    let moves = [Opcode::FloatNeg, Opcode::FloatAbs, Opcode::SameAs];
    !moves.contains(&opcode) && opcode != Opcode::ConvertIntBytesToFloat
}

fn is_nan(ty: Ty, bits: u64) -> bool {
    match ty {
        Ty::F32 => f32::from_bits(bits as u32).is_nan(),
        Ty::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

#[test]
fn operations_compute_what_folding_computes() {
    let mut m = Machine::new();
    for trace in samples().iter().filter(|trace| trace.ops[0].opcode.is_pure()) {
        check_operation(&mut m, trace);
    }
}

// An x86-64 without SSE4.1 has no rounding instructions: Cranelift calls functions instead.
#[test]
fn operations_compute_the_same_without_cpu_features() {
    let options = Options::default();
    let baseline = Target::of(&options, &Triple::host()).unwrap();
    let backend = CraneliftBackend::for_target(baseline, &options).unwrap();
    let mut m = Machine { backend, frame: Frame::new(), saved: RefCell::default(), pauses: 0 };
    let floor = sample(Opcode::MathFloor, Ty::F64, Ty::F64).unwrap();
    let calls = m.backend.inner.borrow_mut().assemble(&floor).relocations.len();
    assert_eq!(calls, usize::from(cfg!(target_arch = "x86_64")));
    for trace in samples().iter().filter(|trace| trace.ops[0].opcode.is_pure()) {
        check_operation(&mut m, trace);
    }
}

#[test]
fn every_operation_compiles_for_every_machine() {
    let samples = samples();
    let opcodes = Opcode::ALL.iter().filter(|op| op.is_pure()).count();
    assert!(samples.len() > 2 * opcodes, "only {} samples", samples.len());
    let triples = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
    for triple in triples.map(|name| name.parse::<Triple>().unwrap()) {
        for trace in &samples {
            let assembled = compile_for(&triple, trace);
            let assembled = assembled.unwrap_or_else(|refusal| panic!("{}: {refusal}", trace.name));
            assert!(!assembled.bytes.is_empty());
        }
    }
}

#[test]
fn loops_calls_and_memory_compile_for_aarch64() {
    let triple: Triple = "aarch64-unknown-linux-gnu".parse().unwrap();
    assert!(compile_for(&triple, &long_trace(100, 12, 0, 0)).is_ok());
    let listing = compile_for(&triple, &trace(COUNT)).unwrap().listing;
    assert!(listing.contains("b.ge") || listing.contains("b.lt"), "{listing}");
    let call = "[p0]\n i1 = getfield(p0, descr=mem(i64, offset=40000))
        call(0x7f0000001000, i1, descr=call(f, \"t:1:1\", can_panic))
        guard_no_exception() [i1] exit=1
        setarrayitem(p0, i1, 1.5, descr=mem(f64, scale=8, offset=8))
        finish() [] exit=2";
    let listing = compile_for(&triple, &trace(call)).unwrap().listing;
    assert!(listing.contains("bl "), "no near call:\n{listing}");
}

const BRIDGE: &str = "# bridge
    [i0, i1]
    i2 = int_mul(i1, 2)
    i3 = int_lt(i2, 1000)
    guard_true(i3) [i0, i2] exit=2
    jump(i0, 1, i2, target=0)";

#[test]
fn regions_compile_for_every_machine() {
    let traces = [COUNT, BRIDGE].map(trace);
    for triple in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let options = Options { keep_listings: true, ..Options::default() };
        let target = Target::of(&options, &triple.parse().unwrap()).unwrap();
        let mut compiler = Compiler::new(target, &options);
        let [mut count, bridge] = [0, 1].map(|k| Member::alone(&traces[k], 0x1000, None));
        count.bridges = vec![Some(1)];
        let assembled = assemble(&mut compiler, vec![count, bridge]).unwrap();
        assert!(!assembled.bytes.is_empty() && assembled.listing.contains("block"), "{triple}");
    }
}

// The other members are for themselves again, and the exit is as it was before it had a bridge.
#[test]
fn a_region_goes_with_its_first_member() {
    let mut m = Machine::new();
    m.compile(0, COUNT);
    m.compile(1, BRIDGE);
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    let apart = m.backend.code_bytes();
    let traces = [COUNT, BRIDGE].map(trace);
    let members = [(CodeId(0), &traces[0]), (CodeId(1), &traces[1])];
    m.backend.compile_region("region", &members).unwrap();
    assert!(m.backend.code_bytes() > apart);
    assert_eq!(m.run(0, &[0, 1, 10]), (2, [640, 1280]));
    m.backend.free(CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 10]), (1, [10, 10]));
    m.compile(1, BRIDGE);
    m.backend.attach_bridge(ExitId(1), CodeId(1));
    assert_eq!(m.run(0, &[0, 1, 10]), (2, [640, 1280]));
    assert_eq!(m.backend.code_bytes(), apart);
}

// The exit is a branch, and no code of an exit is there for it.
#[test]
fn a_crossing_in_a_region_is_a_branch() {
    let n_saved = |bridges: Vec<Option<usize>>| {
        let traces = [COUNT, BRIDGE].map(trace);
        let options = Options { keep_listings: true, ..Options::default() };
        let target = Target::of(&options, &"x86_64-unknown-linux-gnu".parse().unwrap()).unwrap();
        let mut compiler = Compiler::new(target, &options);
        let [mut count, bridge] = [0, 1].map(|k| Member::alone(&traces[k], 0x1000, None));
        count.bridges = bridges;
        let listing = assemble(&mut compiler, vec![count, bridge]).unwrap().listing;
        let is_saved = |line: &&str| line.contains("movq %") && line.ends_with("(%rdi)");
        listing.lines().filter(is_saved).count()
    };
    assert_eq!((n_saved(vec![Some(1)]), n_saved(Vec::new())), (2, 3));
}

#[test]
fn a_trace_for_elsewhere_jumps_nowhere_else() {
    let triple: Triple = "aarch64-unknown-linux-gnu".parse().unwrap();
    assert!(compile_for(&triple, &trace("[i0]\n jump(i0, target=3)")).is_err());
    let unknown: Triple = "riscv64gc-unknown-linux-gnu".parse().unwrap();
    assert!(compile_for(&unknown, &trace(COUNT)).is_err());
}

// Memory whose descriptor says nothing about alignment may be unaligned.
#[test]
fn unaligned_accesses_work() {
    let mut m = Machine::new();
    let mut bytes = [0_u8; 32];
    let mut b = TraceBuilder::new("unaligned");
    let p: Operand = b.input(Ty::Ptr).into();
    let x: Operand = b.input(Ty::F64).into();
    let mem = b.mem(MemDescr { ty: Ty::F64, offset: 3, scale: 0, class: 0, frozen: false });
    b.push_void(Opcode::SetField, &[p, x], mem);
    let y = b.push(Opcode::GetField, &[p], mem, Ty::F64);
    let sum = b.push(Opcode::FloatAdd, &[x, y], 0, Ty::F64);
    let exit = b.exit(ExitId(1), &[sum], Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    m.backend.compile(CodeId(0), &b.finish()).unwrap();
    let p = bytes.as_mut_ptr().expose_provenance() as u64;
    assert_eq!(m.run(0, &[p, 1.5_f64.to_bits()]), (1, [3.0_f64.to_bits()]));
    assert_eq!(bytes[3..11], 1.5_f64.to_le_bytes());
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const MIXED: [Ty; 4] = [Ty::I64, Ty::I8, Ty::F64, Ty::I64];

/// Random traces are about where values go, so what is computed is simple.
struct Generator {
    b: TraceBuilder,
    random: Random,
    /// What can be used, and the loop's counter.
    usable: Vec<Operand>,
    counter: Operand,
    n_exits: u32,
    exits: Vec<SavedExit>,
}

/// An exit of a random trace.
#[derive(Clone)]
struct SavedExit {
    id: ExitId,
    types: Vec<Ty>,
    /// Which of the values is the counter.
    counter: Option<usize>,
}

/// What a random trace does in the end.
#[derive(Clone, Copy)]
enum End {
    /// Loops at a label of this number.
    Loop(u32),
    /// Jumps to the label of this number, of another trace.
    Jump(u32),
}

impl Generator {
    /// A trace with inputs of these types, of which one is the counter. Labels have arguments of
    /// the types `label` and then the counter. Nobody jumps before the counter was decreased and
    /// is positive, so that however traces are linked, they come to an end.
    fn trace(seed: u64, inputs: &SavedExit, first: u32, label: &[Ty], end: End) -> Generator {
        let mut b = TraceBuilder::new(format!("random {first}"));
        let usable: Vec<Operand> = inputs.types.iter().map(|&ty| b.input(ty).into()).collect();
        let counter = inputs.counter.map(|at| usable[at]);
        let counter = counter.unwrap_or_else(|| b.constant(Const::new(Ty::I64, 1)));
        let random = Random(seed);
        let mut g = Generator { b, random, usable, counter, n_exits: first, exits: Vec::new() };
        g.body();
        match end {
            End::Jump(next) => g.jump(label, next),
            End::Loop(target) => g.looping(label, target),
        }
        g
    }

    fn looping(&mut self, types: &[Ty], target: u32) {
        let args = self.loop_args(types);
        let label = self.b.push_label(TargetId(target), &args).0;
        let params = (label..).take(types.len()).map(|v| metainterp::ir::ValueId(v).into());
        self.usable = params.collect();
        self.counter = metainterp::ir::ValueId(label + types.len() as u32).into();
        self.body();
        self.jump(types, target);
    }

    fn jump(&mut self, types: &[Ty], target: u32) {
        let args = self.loop_args(types);
        self.b.push_void(Opcode::Jump, &args, target);
    }

    /// Some of them are what they were, in their places.
    fn loop_args(&mut self, types: &[Ty]) -> Vec<Operand> {
        let mut args = Vec::new();
        for (k, &ty) in types.iter().enumerate() {
            let same = self.usable.get(k).copied().filter(|&v| self.b.trace().ty(v) == ty);
            args.push(match same {
                Some(same) if self.random.below(3) > 0 => same,
                _ => self.any_of(ty),
            });
        }
        args.push(self.counter);
        args
    }

    fn any_of(&mut self, ty: Ty) -> Operand {
        let fits: Vec<Operand> =
            self.usable.iter().copied().filter(|&v| self.b.trace().ty(v) == ty).collect();
        if fits.is_empty() {
            return self.b.constant(Const::new(ty, 7));
        }
        self.random.pick(&fits)
    }

    fn body(&mut self) {
        for _ in 0..self.random.below(5) {
            let ty = self.random.pick(&MIXED);
            let opcode = if ty == Ty::F64 { Opcode::FloatAdd } else { Opcode::IntAdd };
            let args = [self.any_of(ty), self.any_of(ty)];
            let sum = self.b.push(opcode, &args, 0, ty);
            self.usable.push(sum);
            let limit = self.b.constant(Const::new(Ty::I64, 1 << self.random.below(24)));
            let x = self.any_of(Ty::I64);
            let less = self.b.push(Opcode::IntLt, &[x, limit], 0, Ty::Bool);
            self.guard(less);
        }
        let one = self.b.constant(Const::new(Ty::I64, 1));
        self.counter = self.b.push(Opcode::IntSub, &[self.counter, one], 0, Ty::I64);
        let zero = self.b.constant(Const::new(Ty::I64, 0));
        let more = self.b.push(Opcode::IntGt, &[self.counter, zero], 0, Ty::Bool);
        self.guard(more);
    }

    /// Saves some values, many of them in the places that they came in.
    fn guard(&mut self, condition: Operand) {
        let mut args: Vec<Operand> =
            self.usable.iter().copied().filter(|v| !v.is_const()).collect();
        if !self.counter.is_const() && !args.contains(&self.counter) {
            args.push(self.counter);
        }
        for _ in 0..self.random.below(3) {
            let (a, b) = (self.random.below(args.len()), self.random.below(args.len()));
            args.swap(a, b);
        }
        args.truncate(1 + self.random.below(args.len() + 2));
        let id = ExitId(self.n_exits);
        self.n_exits += 1;
        let types = args.iter().map(|&arg| self.b.trace().ty(arg)).collect();
        let counter = args.iter().position(|&arg| arg == self.counter);
        self.exits.push(SavedExit { id, types, counter });
        let exit = self.b.exit(id, &args, Resume::default());
        self.b.push_void(Opcode::GuardTrue, &[condition], exit);
    }
}

/// Random traces on this backend and on the one that defines what is right.
struct Pair<'a> {
    m: &'a mut Machine,
    reference: backend_llgraph::LlgraphBackend,
    traces: Vec<Trace>,
    exits: Vec<SavedExit>,
    inputs: Vec<SavedExit>,
}

impl<'a> Pair<'a> {
    fn new(m: &'a mut Machine) -> Pair<'a> {
        let reference = backend_llgraph::LlgraphBackend::new();
        Pair { m, reference, traces: Vec::new(), exits: Vec::new(), inputs: Vec::new() }
    }

    fn compile(&mut self, inputs: SavedExit, generated: Generator) -> CodeId {
        let code = CodeId(self.traces.len() as u32);
        let trace = generated.b.finish();
        verify(&trace).unwrap_or_else(|error| panic!("{error}\n{trace}"));
        self.m.compile_trace(code.0, &trace);
        self.reference.compile(code, &trace).unwrap();
        self.traces.push(trace);
        self.exits.extend(generated.exits);
        self.inputs.push(inputs);
        code
    }

    /// Runs a trace with random inputs on both.
    #[track_caller]
    fn check(&mut self, code: CodeId, random: &mut Random, seed: u64) {
        let info = &self.inputs[code.index()];
        let mut inputs: Vec<u64> =
            info.types.iter().map(|ty| random.below(1 << 16) as u64 & ty.mask()).collect();
        if let Some(counter) = info.counter {
            inputs[counter] = 1 + random.below(20) as u64;
        }
        let (exit, found) = self.m.run::<40>(code.0, &inputs);
        let mut frame = Frame::new();
        frame.slots[..inputs.len()].copy_from_slice(&inputs);
        // SAFETY: the traces touch no memory.
        let expected = unsafe { self.reference.execute(code, &mut frame) };
        let n = self.exits.iter().find(|exit| exit.id == expected).unwrap().types.len();
        let right = exit == expected.0 && found[..n] == frame.slots[..n];
        assert!(right, "seed {seed}: {exit} {found:x?}, not {expected:?} {:x?}", &frame.slots[..n]);
    }

    /// Compiles some of the traces as a region.
    fn region(&self, random: &mut Random) {
        let codes = (0..).map(CodeId).zip(&self.traces);
        let mut members: Vec<_> = codes.filter(|_| random.below(3) > 0).collect();
        for _ in 0..members.len() / 2 {
            let (a, b) = (random.below(members.len()), random.below(members.len()));
            members.swap(a, b);
        }
        if !members.is_empty() {
            self.m.backend.compile_region("region", &members).unwrap();
        }
        for _ in 0..random.below(3) {
            let code = CodeId(random.below(self.traces.len()) as u32);
            self.m.backend.pause_after(code, 1 + random.below(5) as u64);
        }
    }
}

/// Two loops, traces that jump to them, and bridges on exits of all of these, which are counted.
fn check_random(seed: u64, with_regions: bool, m: &mut Machine) -> usize {
    let mut random = Random(seed);
    let mut types = MIXED.to_vec();
    types.extend((0..random.below(5)).map(|_| random.pick(&MIXED)));
    let mut all = types.clone();
    all.push(Ty::I64);
    let inputs = SavedExit { id: ExitId(0), types: all, counter: Some(types.len()) };
    let mut pair = Pair::new(m);
    for n in 0..4 {
        let end = if n < 2 { End::Loop(n) } else { End::Jump(n - 2) };
        let g = Generator::trace(seed ^ u64::from(n), &inputs, n * 1000, &types, end);
        pair.compile(inputs.clone(), g);
    }
    for n in 4..12 {
        for _ in 0..3 {
            let code = CodeId(random.below(pair.traces.len()) as u32);
            pair.check(code, &mut random, seed);
        }
        if with_regions && random.below(2) == 0 {
            pair.region(&mut random);
        }
        let exit = pair.exits[random.below(pair.exits.len())].clone();
        let is_new = pair.inputs[4..].iter().all(|inputs| inputs.id != exit.id);
        if is_new && exit.types.contains(&Ty::I64) && exit.counter.is_some() {
            let end = End::Jump(random.below(2) as u32);
            let g = Generator::trace(seed ^ u64::from(n), &exit, n * 1000, &types, end);
            let (id, code) = (exit.id, pair.compile(exit, g));
            pair.m.backend.attach_bridge(id, code);
            pair.reference.attach_bridge(id, code);
        }
    }
    for code in 0..pair.traces.len() as u32 {
        pair.check(CodeId(code), &mut random, seed);
    }
    let n_bridges = pair.traces.len() - 4;
    let codes = (0..pair.traces.len() as u32).map(CodeId);
    codes.rev().for_each(|code| pair.m.backend.free(code));
    assert_eq!(pair.m.backend.code_bytes(), 0, "seed {seed}");
    n_bridges
}

#[test]
fn random_traces_leave_as_in_llgraph() {
    for mid_end in [MidEnd::None, MidEnd::Speed] {
        let mut m = Machine::with(&Options { mid_end, ..Options::default() });
        let n_bridges: usize = (0..200).map(|seed| check_random(seed, false, &mut m)).sum();
        assert!(n_bridges > 400, "{n_bridges} bridges");
    }
}

#[test]
fn random_regions_leave_as_in_llgraph() {
    for mid_end in [MidEnd::None, MidEnd::Speed] {
        let mut m = Machine::with(&Options { mid_end, ..Options::default() });
        let n_bridges: usize = (0..200).map(|seed| check_random(seed, true, &mut m)).sum();
        assert!(n_bridges > 400 && m.pauses > 200, "{n_bridges} bridges, {} pauses", m.pauses);
    }
}
