//! Guards that pass and fail, and what their exits save.

use crate::bench::{Bench, Make, ToWord};
use crate::words;
use std::fmt::Write;

/// Each kind of guard on a condition, both ways.
pub fn passing_and_failing(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, "[i0: bool, i1]\nguard_true(i0) [i1] exit=10\nfinish() [] exit=11");
    b.check(1, &words![true, 5i64], 11, &[]);
    b.check(1, &words![false, 5i64], 10, &words![5i64]);
    b.compile(2, "[i0: bool, i1]\nguard_false(i0) [i1] exit=20\nfinish() [] exit=21");
    b.check(2, &words![false, 5i64], 21, &[]);
    b.check(2, &words![true, 5i64], 20, &words![5i64]);
    b.compile(3, "[i0, i1]\nguard_value(i0, 7) [i1, i0] exit=30\nfinish() [] exit=31");
    b.check(3, &words![7i64, 5i64], 31, &[]);
    b.check(3, &words![8i64, 5i64], 30, &words![5i64, 8i64]);
    b.compile(
        4,
        "[i0]\ni1 = int_add_ovf(i0, 1)\nguard_no_overflow() [i0] exit=40\nfinish() [i1] exit=41",
    );
    b.check(4, &words![1i64], 41, &words![2i64]);
    b.check(4, &words![i64::MAX], 40, &words![i64::MAX]);
    b.compile(
        5,
        "[i0]\ni1 = int_add_ovf(i0, 1)\nguard_overflow() [i0] exit=50\nfinish() [i1] exit=51",
    );
    b.check(5, &words![1i64], 50, &words![1i64]);
    b.check(5, &words![i64::MAX], 51, &words![i64::MIN]);
}

/// A value of every type against constants small, large, and with only an upper bit different.
pub fn value_of_every_type(make: Make<'_>) {
    let b = Bench::new(make);
    let rows: &[(&str, &str, u64, &[u64])] = &[
        ("i0: bool", "true", 1, &[0]),
        ("i0: bool", "false", 0, &[1]),
        ("i0: i8", "-1", 0xff, &[0, 0x7f, 1]),
        ("i0: i8", "0", 0, &[0xff, 0x80, 1]),
        ("i0: i16", "-2", 0xfffe, &[0, 0xfe, 0x7ffe]),
        ("i0: i32", "-3", 0xffff_fffd, &[0, 0xfffd, 0x7fff_fffd]),
        ("i0: i32", "305419896", 0x1234_5678, &[0x5678, 0x9234_5678]),
        ("i0", "0", 0, &[1, 1 << 63, 1 << 32]),
        ("i0", "-4", -4i64 as u64, &[0xffff_fffc, 0, 0x7fff_ffff_ffff_fffc]),
        ("i0", "81985529216486895", 0x0123_4567_89ab_cdef, &[0x89ab_cdef, 0x8123_4567_89ab_cdef]),
        ("p0", "0x0", 0, &[0x1000]),
        ("p0", "0x7fff12345678", 0x7fff_1234_5678, &[0x1234_5678, 0]),
        ("f0: f32", "1.5", 0x3fc0_0000, &[0, 0xbfc0_0000]),
        ("f0", "-1.5", (-1.5f64).to_bits(), &[0, 1.5f64.to_bits()]),
    ];
    for (k, (input, constant, same, others)) in rows.iter().enumerate() {
        let (code, fails, passes) = (k as u32, 2 * k as u32, 2 * k as u32 + 1);
        let name = &input[..2];
        b.compile(
            code,
            &format!("[{input}]\nguard_value({name}, {constant}) [{name}] exit={fails}\nfinish() [{name}] exit={passes}"),
        );
        b.check(code, &[*same], passes, &[*same]);
        others.iter().for_each(|&other| b.check(code, &[other], fails, &[other]));
    }
}

/// `guard_value` tells zeros apart and finds a NaN equal to itself.
pub fn value_of_floats_is_by_bits(make: Make<'_>) {
    let b = Bench::new(make);
    let nan = 0x7ff8_0000_0000_0001u64;
    b.compile(1, "[f0]\nguard_value(f0, 0.0) [f0] exit=10\nfinish() [] exit=11");
    b.check(1, &words![0.0f64], 11, &[]);
    b.check(1, &words![-0.0f64], 10, &words![-0.0f64]);
    b.compile(
        2,
        "[f0]\nguard_value(f0, nan(0x7ff8000000000001)) [f0] exit=20\nfinish() [] exit=21",
    );
    b.check(2, &[nan], 21, &[]);
    b.check(2, &[nan + 1], 20, &[nan + 1]);
    b.compile(3, "[f0: f32]\nguard_value(f0, nan(0x7fc00001)) [f0] exit=30\nfinish() [] exit=31");
    b.check(3, &[0x7fc0_0001], 31, &[]);
    b.check(3, &[0x7fc0_0000], 30, &[0x7fc0_0000]);
    b.compile(4, "[f0: f32]\nguard_value(f0, -0.0) [f0] exit=40\nfinish() [] exit=41");
    b.check(4, &words![-0.0f32], 41, &[]);
    b.check(4, &words![0.0f32], 40, &words![0.0f32]);
}

/// Nothing says that an optimizer ran: guards on constants.
pub fn constant_conditions(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         guard_true(true) [i0] exit=10
         guard_false(false) [i0] exit=11
         guard_value(5, 5) [i0] exit=12
         guard_value(5, 6) [i0] exit=13
         finish() [] exit=14",
    );
    b.check(1, &words![3i64], 13, &words![3i64]);
    b.compile(2, "[i0]\nguard_true(false) [i0] exit=20\nfinish() [] exit=21");
    b.check(2, &words![3i64], 20, &words![3i64]);
    b.compile(
        3,
        "[i0]\ni1 = int_lt(5, 6)\nguard_true(i1) [i0] exit=30\ni2 = int_add_ovf(9223372036854775807, 1)\nguard_no_overflow() [i0] exit=31\nfinish() [] exit=32",
    );
    b.check(3, &words![3i64], 31, &words![3i64]);
}

/// Each exit saves some of the values.
pub fn exits_with_holes(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2, p3]
         i4 = int_add(i0, i1)
         f5 = float_mul(f2, 2.0)
         i6 = int_gt(i4, 10)
         guard_true(i6) [f5] exit=1
         i7 = int_sub(i4, 10)
         i8 = int_gt(i7, 10)
         guard_true(i8) [p3, i7] exit=2
         i9 = int_gt(i7, 20)
         guard_true(i9) [] exit=3
         finish() [i7, f2] exit=4",
    );
    let inputs = |x: i64| words![x, 1i64, 1.5f64, 0x5000u64];
    b.check(1, &inputs(0), 1, &words![3.0f64]);
    b.check(1, &inputs(10), 2, &words![0x5000u64, 1i64]);
    b.check(1, &inputs(25), 3, &[]);
    b.check(1, &inputs(30), 4, &words![21i64, 1.5f64]);
}

/// The same values in different orders at different exits.
pub fn exits_in_any_order(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2, f3, i4]
         guard_value(i4, 0) [i0, i1, f2, f3] exit=1
         guard_value(i0, 0) [f3, f2, i1, i0] exit=2
         guard_value(i1, 0) [i1, f2, i0, f3] exit=3
         finish() [f2, i0, i4] exit=4",
    );
    b.check(1, &words![1i64, 2i64, 0.5f64, 0.25f64, 9i64], 1, &words![1i64, 2i64, 0.5f64, 0.25f64]);
    b.check(1, &words![1i64, 2i64, 0.5f64, 0.25f64, 0i64], 2, &words![0.25f64, 0.5f64, 2i64, 1i64]);
    b.check(1, &words![0i64, 2i64, 0.5f64, 0.25f64, 0i64], 3, &words![2i64, 0.5f64, 0i64, 0.25f64]);
    b.check(1, &words![0i64, 0i64, 0.5f64, 0.25f64, 0i64], 4, &words![0.5f64, 0i64, 0i64]);
}

/// Several guards that save the same list: each leaves by its own number.
pub fn exits_in_a_row_share_values(make: Make<'_>) {
    let b = Bench::new(make);
    let mut text = "[i0, i1, f2]\n".to_string();
    for k in 0..20 {
        writeln!(text, "ic{k} = int_ne(i0, {k})\nguard_true(ic{k}) [i1, f2] exit={k}").unwrap();
    }
    b.compile(1, &(text + "finish() [i1, f2] exit=20"));
    for k in 0..=20 {
        b.check(1, &words![i64::from(k), 77i64, 0.5f64], k, &words![77i64, 0.5f64]);
    }
}

/// 30 integers of mixed widths and 20 floats, computed before and saved by every exit.
pub fn many_values_live(make: Make<'_>) {
    let b = Bench::new(make);
    let (mut text, mut saved) = ("[i0, f0]\n".to_string(), Vec::new());
    let (x, y) = (1000i64, 1.25f64);
    let mut expected = Vec::new();
    for k in 1..=30i64 {
        writeln!(text, "i{k} = int_mul(i0, {k})").unwrap();
        let (name, word) = match k % 3 {
            0 => (format!("is{k}: i8 = int_trunc(i{k})"), ((x * k) as i8).word()),
            1 => (format!("is{k}: i32 = int_trunc(i{k})"), ((x * k) as i32).word()),
            _ => (format!("is{k} = int_sub(i{k}, 1)"), (x * k - 1).word()),
        };
        writeln!(text, "{name}").unwrap();
        saved.push(format!("is{k}"));
        expected.push(word);
    }
    for k in 1..=20i32 {
        writeln!(text, "f{k} = float_mul(f0, {k}.5)").unwrap();
        saved.push(format!("f{k}"));
        expected.push((y * (f64::from(k) + 0.5)).word());
    }
    let saved_list = saved.join(", ");
    for k in 0..10 {
        writeln!(
            text,
            "ic{k} = int_ne(i0, {})\nguard_true(ic{k}) [{saved_list}] exit={k}",
            1000 + k
        )
        .unwrap();
    }
    b.compile(1, &format!("{text}finish() [{saved_list}] exit=10"));
    b.check(1, &words![x, y], 0, &expected);
    let left = b.run(1, &words![1005i64, y]);
    assert_eq!((left.exit, left.values[1]), (5, (1005i64 * 2 - 1).word()));
    let left = b.run(1, &words![1i64, y]);
    assert_eq!((left.exit, left.values[29]), (10, 30i8.word()));
    assert_eq!(left.values[30..], expected[30..]);
}

/// A condition that is a guard's and a value besides.
pub fn condition_used_again(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         i1 = int_lt(i0, 10)
         guard_true(i1) [i1] exit=1
         i2: i32 = cast_bool_to_int(i1)
         i3 = bool_not(i1)
         guard_false(i3) [] exit=2
         i4 = int_lt(i0, 5)
         guard_false(i4) [i4, i2] exit=3
         finish() [i1, i2, i3, i4] exit=4",
    );
    b.check(1, &words![10i64], 1, &words![false]);
    b.check(1, &words![3i64], 3, &words![true, 1i32]);
    b.check(1, &words![7i64], 4, &words![true, 1i32, false, false]);
}

/// Much happens between a comparison and its guard, also other comparisons.
pub fn condition_computed_long_before(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2]
         i3 = int_lt(i0, i1)
         i4 = float_lt(f2, 0.0)
         i5 = int_add_ovf(i0, i1)
         guard_no_overflow() [] exit=1
         i6 = int_eq(i5, 0)
         guard_false(i6) [i3, i4] exit=2
         i7 = int_mul(i5, i5)
         guard_false(i4) [i7] exit=3
         guard_true(i3) [i5] exit=4
         finish() [i7] exit=5",
    );
    b.check(1, &words![i64::MAX, 1i64, 1.0f64], 1, &[]);
    b.check(1, &words![-3i64, 3i64, -1.0f64], 2, &words![true, true]);
    b.check(1, &words![3i64, 4i64, -1.0f64], 3, &words![49i64]);
    b.check(1, &words![4i64, 3i64, 1.0f64], 4, &words![7i64]);
    b.check(1, &words![3i64, 4i64, f64::NAN], 5, &words![49i64]);
}

/// Many guards with different lists in one trace.
pub fn hundreds_in_one_trace(make: Make<'_>) {
    let b = Bench::new(make);
    let mut text = "[i0, f0]\ni1 = int_add(i0, 0)\n".to_string();
    let n = 400;
    for k in 1..n {
        let saved = match k % 4 {
            0 => "i0, f0".to_string(),
            1 => format!("f0, i{k}"),
            2 => format!("i{k}"),
            _ => format!("i{k}, i0, f0"),
        };
        writeln!(text, "i{} = int_add(i{k}, {k})", k + 1).unwrap();
        writeln!(text, "ic{k} = int_ne(i0, {k})\nguard_true(ic{k}) [{saved}] exit={k}").unwrap();
    }
    b.compile(1, &format!("{text}finish() [i{n}] exit={n}"));
    for k in 1..n {
        let x = i64::from(k);
        let sum = x + (x - 1) * x / 2;
        let expected = match k % 4 {
            0 => words![x, 0.5f64].to_vec(),
            1 => words![0.5f64, sum].to_vec(),
            2 => words![sum].to_vec(),
            _ => words![sum, x, 0.5f64].to_vec(),
        };
        b.check(1, &words![x, 0.5f64], k, &expected);
    }
}

/// The values of the lap in which the guard fails.
pub fn failure_after_many_laps(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2]
         i3, i4, f5 = label(i0, i1, f2, target=0)
         i6 = int_add(i3, i4)
         i7 = int_xor(i6, 5)
         f8 = float_sub(f5, 0.5)
         i9 = float_gt(f8, 0.0)
         guard_true(i9) [i6, f5, i7, f8] exit=1
         jump(i7, i6, f8, target=0)",
    );
    let (mut x, mut y, mut z) = (1i64, 2i64, 5000.0f64);
    let expected = loop {
        let sum = x.wrapping_add(y);
        let (mixed, lower) = (sum ^ 5, z - 0.5);
        if lower <= 0.0 {
            break words![sum, z, mixed, lower];
        }
        (x, y, z) = (mixed, sum, lower);
    };
    b.check(1, &words![1i64, 2i64, 5000.0f64], 1, &expected);
}
