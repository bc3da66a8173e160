//! Loops, labels, jumps, inputs and `finish`.

use crate::bench::{Bench, Make, ToWord};
use crate::words;
use metainterp::ir::{CodeId, parse};

/// Counts up to a bound.
pub const COUNT: &str = "
    [i0, i1]
    i2, i3 = label(i0, i1, target=0)
    i4 = int_add(i2, 1)
    i5 = int_lt(i4, i3)
    guard_true(i5) [i4, i3] exit=1
    jump(i4, i3, target=0)";

/// A label at the start, fed by the inputs in order.
pub fn linear_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, COUNT);
    b.check(1, &words![0i64, 10i64], 1, &words![10i64, 10i64]);
    b.check(1, &words![5i64, 3i64], 1, &words![6i64, 3i64]);
    b.check(1, &words![-7i64, 1_000_000i64], 1, &words![1_000_000i64, 1_000_000i64]);
}

/// A loop over both kinds of registers.
pub fn float_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[f0, f1: f32, i2]
         f3, f4: f32, i5 = label(f0, f1, i2, target=0)
         f6 = float_add(f3, 0.1)
         f7: f32 = float_mul(f4, 1.5)
         i8 = int_sub(i5, 1)
         i9 = int_is_true(i8)
         guard_true(i9) [f6, i8, f7] exit=1
         jump(f6, f7, i8, target=0)",
    );
    let (mut x, mut y) = (1.0f64, 1.0f32);
    for _ in 0..7 {
        (x, y) = (x + 0.1, y * 1.5);
    }
    b.check(1, &words![1.0f64, 1.0f32, 7i64], 1, &words![x, 0i64, y]);
}

/// Operations before the label run once.
pub fn jump_to_label_behind_the_start(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1]
         i2 = int_mul(i0, 100)
         i3 = int_neg(i1)
         i4, i5, i6 = label(i2, i3, i1, target=0)
         i7 = int_add(i4, i6)
         i8 = int_add(i5, 1)
         i9 = int_ne(i8, 0)
         guard_true(i9) [i7, i8, i6] exit=3
         jump(i7, i8, i6, target=0)",
    );
    b.check(1, &words![3i64, 4i64], 3, &words![316i64, 0i64, 4i64]);
}

/// A guard before the label, others behind it.
pub fn label_in_the_middle(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         i1 = int_ge(i0, 0)
         guard_true(i1) [i0] exit=1
         i2 = int_add(i0, 1)
         i3, i4 = label(i2, 0, target=7)
         i5 = int_add(i4, i3)
         i6 = int_sub(i3, 1)
         i7 = int_gt(i6, 0)
         guard_true(i7) [i5] exit=2
         jump(i6, i5, target=7)",
    );
    b.check(1, &words![-1i64], 1, &words![-1i64]);
    b.check(1, &words![9i64], 2, &words![55i64]);
}

/// Two labels of one trace; a bridge jumps back to the outer one.
pub fn loop_in_a_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1]
         i2, i3, i4 = label(i0, i1, 0, target=0)
         i5, i6, i7, i8 = label(i2, i3, i4, i2, target=1)
         i9 = int_add(i7, 1)
         i10 = int_sub(i8, 1)
         i11 = int_gt(i10, 0)
         guard_true(i11) [i5, i6, i9] exit=1
         jump(i5, i6, i9, i10, target=1)",
    );
    b.bridge(
        1,
        2,
        "[i0, i1, i2]
         i3 = int_sub(i1, 1)
         i4 = int_gt(i3, 0)
         guard_true(i4) [i2] exit=2
         jump(i0, i3, i2, target=0)",
    );
    b.check(1, &words![6i64, 7i64], 2, &words![42i64]);
}

/// `finish` saves each type, alone and together.
pub fn finish_of_every_type(make: Make<'_>) {
    let b = Bench::new(make);
    let rows = [
        ("i0: bool", true.word()),
        ("i0: i8", (-3i8).word()),
        ("i0: i16", (-3i16).word()),
        ("i0: i32", (-3i32).word()),
        ("i0", (-3i64).word()),
        ("f0: f32", (-3.5f32).word()),
        ("f0", (-3.5f64).word()),
        ("p0", 0x7fff_1234_5678u64),
    ];
    for (k, (input, word)) in rows.into_iter().enumerate() {
        let name = &input[..2];
        b.compile(k as u32, &format!("[{input}]\nfinish() [{name}] exit={k} resume(return)"));
        b.check(k as u32, &[word], k as u32, &[word]);
    }
    b.compile(100, "[]\nfinish() [] exit=100");
    b.check(100, &[], 100, &[]);
}

/// New values are assigned at once, not one after the other.
pub fn jump_permutes_values(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, i2, f3, f4, i5]
         i6, i7, i8, f9, f10, i11 = label(i0, i1, i2, f3, f4, i5, target=0)
         i12 = int_sub(i11, 1)
         i13 = int_ge(i12, 0)
         guard_true(i13) [i6, i7, i8, f9, f10] exit=1
         jump(i7, i8, i6, f10, f9, i12, target=0)",
    );
    let inputs = |laps: i64| words![1i64, 2i64, 3i64, 0.25f64, 0.75f64, laps];
    b.check(1, &inputs(0), 1, &words![1i64, 2i64, 3i64, 0.25f64, 0.75f64]);
    b.check(1, &inputs(1), 1, &words![2i64, 3i64, 1i64, 0.75f64, 0.25f64]);
    b.check(1, &inputs(2), 1, &words![3i64, 1i64, 2i64, 0.25f64, 0.75f64]);
    b.check(1, &inputs(301), 1, &words![2i64, 3i64, 1i64, 0.75f64, 0.25f64]);
}

/// Constants and one value twice as arguments of labels and jumps.
pub fn jump_and_label_take_constants(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         i1, i2: i8, f3, f4: f32, p5, i6: bool, i7 = label(i0, 5i8, 1.5, 2.5f32, 0x1000, false, i0, target=0)
         guard_false(i6) [i1, i2, f3, f4, p5, i7] exit=1
         jump(i7, -5i8, -1.5, -2.5f32, 0x2000, true, 9, target=0)",
    );
    b.check(1, &words![3i64], 1, &words![3i64, -5i8, -1.5f64, -2.5f32, 0x2000u64, 9i64]);
}

/// Results that nobody uses, and debug operations, change nothing.
pub fn unused_results_and_debug_operations(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "merge_point 0 = [1, 2]
         [i0, f1]
         debug_merge_point(0)
         i2 = int_add(i0, 1)
         f3 = float_add(f1, 1.0)
         i4 = int_mul(i2, i2)
         i5 = int_lt(i0, 3)
         i6 = int_add_ovf(i0, 1)
         guard_no_overflow() [i0] exit=1
         debug_merge_point(0)
         finish() [i0, f1] exit=2",
    );
    b.check(1, &words![4i64, 0.5f64], 2, &words![4i64, 0.5f64]);
    b.check(1, &words![i64::MAX, 0.5f64], 1, &words![i64::MAX]);
}

/// Inputs of all types come from their slots and go to others.
pub fn inputs_of_all_types(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0: bool, i1: i8, i2: i16, i3: i32, i4, f5: f32, f6, p7]
         finish() [p7, f6, f5, i4, i3, i2, i1, i0] exit=1",
    );
    let inputs = words![true, -1i8, -2i16, -3i32, -4i64, -5.5f32, -6.5f64, 0x1234u64];
    let mut reversed = inputs;
    reversed.reverse();
    b.check(1, &inputs, 1, &reversed);
}

/// Pseudo-random numbers for tests: the same ones each time.
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Mixes of input types, weighted into a checksum.
pub fn random_signatures(make: Make<'_>) {
    let b = Bench::new(make);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for code in 0..20 {
        let n = 1 + next_random(&mut state) % 24;
        let (mut header, mut body, mut inputs) = (Vec::new(), String::new(), Vec::new());
        let (mut ints, mut floats) = (1i64, 1.0f64);
        let (mut last_int, mut last_float) = ("1".to_string(), "1.0".to_string());
        for k in 0..n {
            let number = next_random(&mut state) as i8;
            if next_random(&mut state).is_multiple_of(3) {
                header.push(format!("f{k}"));
                body += &format!(
                    "fa{k} = float_mul(f{k}, 3.0)\nfb{k} = float_add(fa{k}, {last_float})\n"
                );
                last_float = format!("fb{k}");
                inputs.push(f64::from(number).word());
                floats += f64::from(number) * 3.0;
            } else {
                header.push(format!("i{k}"));
                body +=
                    &format!("ia{k} = int_mul(i{k}, {k})\nib{k} = int_add(ia{k}, {last_int})\n");
                last_int = format!("ib{k}");
                inputs.push(i64::from(number).word());
                ints += i64::from(number) * k as i64;
            }
        }
        body += &format!("ilast = int_add({last_int}, 0)\nflast = float_add({last_float}, 0.0)\n");
        let header = header.join(", ");
        b.compile(code, &format!("[{header}]\n{body}finish() [ilast, flast] exit={code}"));
        b.check(code, &inputs, code, &words![ints, floats]);
    }
}

/// More inputs than registers, all alive to the end.
pub fn many_inputs(make: Make<'_>) {
    let b = Bench::new(make);
    let n = 900u32;
    let names: Vec<String> = (0..n).map(|k| format!("i{k}")).collect();
    let reversed: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let text = format!("[{}]\nfinish() [{}] exit=1", names.join(", "), reversed.join(", "));
    b.compile(1, &text);
    let inputs: Vec<u64> = (0..n).map(|k| u64::from(k) * 7).collect();
    let expected: Vec<u64> = inputs.iter().rev().copied().collect();
    b.check(1, &inputs, 1, &expected);
}

/// Narrow results leave nothing in the upper bits of their slots.
pub fn every_word_is_zero_extended(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0: i8, i1: i16, i2: i32, f3]
         i4: i8 = int_sub(i0, 1)
         i5: i16 = int_mul(i1, -1)
         i6: i32 = int_invert(i2)
         i7 = int_lt(i4, 0)
         i8: i8 = int_rshift(i4, 1)
         f9: f32 = cast_float_to_singlefloat(f3)
         i10: i32 = convert_float_bytes_to_int(f9)
         finish() [i4, i5, i6, i7, i8, f9, i10] exit=1",
    );
    let expected = words![-1i8, -1i16, -1i32, true, -1i8, -1.0f32, 0xbf80_0000u32];
    b.check(1, &words![0i8, 1i16, 0i32, -1.0f64], 1, &expected);
}

// Leaves through exit 1 while the sum is even, through exit 2 when the counter is used up.
const COUNT_TO_PONG_LABEL: &str = "
    [f0, i1, i2]
    f3, i4, i5 = label(f0, i1, i2, target=1)
    i6 = int_sub(i5, 1)
    i7 = int_ge(i6, 0)
    guard_true(i7) [i4, f3] exit=2
    i8 = int_and(i4, 1)
    i9 = int_is_true(i8)
    i10 = int_add(i4, 1)
    guard_true(i9) [i6, i10, f3] exit=1
    jump(f3, i10, i6, target=1)
";

/// A jump to the label of another trace takes values of other kinds in another order along.
pub fn jump_between_traces(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, COUNT_TO_PONG_LABEL);
    b.compile(
        2,
        "[i0, i1, f2]
         i3 = int_add(i0, 1000)
         f4 = float_add(f2, 0.5)
         jump(f4, i3, i1, target=1)",
    );
    // 1001, then 1002 is even.
    b.check(2, &words![1i64, 5i64, 0.25f64], 1, &words![3i64, 1003i64, 0.75f64]);
    b.check(2, &words![1i64, 0i64, 0.25f64], 2, &words![1001i64, 0.75f64]);
}

/// A million jumps between traces, by way of bridges, without growing the native stack.
pub fn jump_between_traces_needs_no_stack(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1]
         i2, i3 = label(i0, i1, target=1)
         i4 = int_sub(i2, 1)
         i5 = int_lt(i4, 0)
         guard_true(i5) [i3, i4] exit=1
         finish() [i3, i4] exit=2",
    );
    b.compile(
        2,
        "[i0, i1]
         i2, i3 = label(i0, i1, target=2)
         i4 = int_add(i2, 3)
         jump(i3, i4, target=1)",
    );
    b.bridge(1, 3, "[i0, i1]\njump(i0, i1, target=2)");
    b.check(1, &words![1_000_000i64, 0i64], 2, &words![3_000_000i64, -1i64]);
}

/// A label in the middle, entered from outside: what stands before it has not run.
pub fn entering_behind_other_labels(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         i1 = label(i0, target=1)
         i2 = int_mul(i1, 10)
         i3, i4 = label(i2, 1, target=2)
         i5 = int_add(i3, i4)
         i6: i16 = int_trunc(i5)
         i7: i16, i8 = label(i6, i5, target=3)
         finish() [i7, i8] exit=1",
    );
    b.compile(2, "[i0]\njump(i0, target=1)");
    b.compile(3, "[i0]\njump(i0, 5, target=2)");
    b.compile(4, "[i0, i1: i16]\njump(i1, i0, target=3)");
    b.check(1, &words![7i64], 1, &words![71i16, 71i64]);
    b.check(2, &words![8i64], 1, &words![81i16, 81i64]);
    b.check(3, &words![8i64], 1, &words![13i16, 13i64]);
    b.check(4, &words![8i64, -9i16], 1, &words![-9i16, 8i64]);
}

/// A jump to a label that nobody has is refused, and the trace does not exist.
pub fn unknown_target_is_refused(make: Make<'_>) {
    let b = Bench::new(make);
    let refused = b.try_compile(1, "[i0]\njump(i0, target=77)");
    assert!(refused.is_err(), "a jump to nowhere was compiled");
    b.compile(1, COUNT);
    b.check(1, &words![0i64, 3i64], 1, &words![3i64, 3i64]);
}

/// Traces are compiled and freed over and over; the memory that is held does not grow.
pub fn code_is_freed_and_its_memory_reused(make: Make<'_>) {
    let b = make();
    let trace = parse(COUNT).expect("a trace");
    let mut sizes = Vec::new();
    for round in 0..200 {
        let code = CodeId(round % 3);
        b.compile(code, &trace).expect("compiles");
        sizes.push(b.code_bytes());
        b.free(code);
    }
    assert!(sizes[199] <= sizes[3], "code memory grows: {} to {}", sizes[3], sizes[199]);
    assert!(b.code_bytes() <= sizes[0], "{} bytes are held after all was freed", b.code_bytes());
}

/// What a backend says about its code is not contradictory.
pub fn size_is_reported(make: Make<'_>) {
    let b = Bench::new(make);
    let before = b.backend().code_bytes();
    let compiled = b.compile(1, COUNT);
    assert!(b.backend().code_bytes() >= before + compiled.code_bytes);
    if let Some(listing) = b.backend().disassemble(CodeId(1)) {
        assert!(compiled.code_bytes > 0 && !listing.is_empty());
    }
}
