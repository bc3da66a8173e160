//! Bridges: attached to exits, to exits of bridges, while code is running, leading back or elsewhere.

use crate::bench::{Bench, Make, callee, function, switchboard};
use crate::words;
use metainterp::ir::{CodeId, ExitId, parse};
use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;

/// Leaves through exit 1 at every third lap; counter and sum.
pub(super) const THIRDS: &str = "
    [i0, i1]
    i2, i3 = label(i0, i1, target=0)
    i4 = int_sub(i2, 1)
    i5 = int_ge(i4, 0)
    guard_true(i5) [i3, i4] exit=0
    i6 = uint_mod(i4, 3)
    i7 = int_is_true(i6)
    i8 = int_add(i3, i4)
    guard_true(i7) [i8, i4] exit=1
    jump(i4, i8, target=0)";

/// What `THIRDS` computes if its exit 1 does `sum = in_bridge(sum)` and goes back.
pub(super) fn thirds(mut counter: i64, mut sum: i64, in_bridge: impl Fn(i64) -> i64) -> i64 {
    loop {
        counter -= 1;
        if counter < 0 {
            return sum;
        }
        sum += counter;
        if counter % 3 == 0 {
            sum = in_bridge(sum);
        }
    }
}

/// A bridge that ends in its own exit.
pub fn from_a_guard(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2]\ni3 = int_lt(i0, i1)\nguard_true(i3) [i1, f2] exit=0\nfinish() [i0] exit=1",
    );
    b.check(1, &words![2i64, 1i64, 0.5f64], 0, &words![1i64, 0.5f64]);
    b.bridge(0, 2, "[i0, f1]\ni2 = int_mul(i0, 100)\nf3 = float_neg(f1)\nfinish() [f3, i2] exit=2");
    b.check(1, &words![2i64, 1i64, 0.5f64], 2, &words![-0.5f64, 100i64]);
    b.check(1, &words![1i64, 2i64, 0.5f64], 1, &words![1i64]);
    b.check(2, &words![7i64, 1.5f64], 2, &words![-1.5f64, 700i64]);
}

/// A chain of bridges, each on a guard of the one before.
pub fn on_a_bridge(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[i0, f1]\ni2 = int_ne(i0, 0)\nguard_false(i2) [i0, f1] exit=0\nfinish() [i0] exit=100",
    );
    for k in 1..=12 {
        b.bridge(
            k - 1,
            k,
            &format!(
                "[i0, f1]
                 f2 = float_add(f1, {k}.0)
                 i3 = int_ne(i0, {k})
                 guard_false(i3) [i0, f2] exit={k}
                 finish() [f2] exit={}",
                100 + k
            ),
        );
    }
    b.check(0, &words![0i64, 0.5f64], 100, &words![0i64]);
    for k in 1..=12i32 {
        let sum = 0.5 + f64::from(k * (k + 1) / 2);
        b.check(0, &words![i64::from(k), 0.5f64], 100 + k as u32, &words![sum]);
    }
    b.check(0, &words![99i64, 0.5f64], 12, &words![99i64, 78.5f64]);
}

/// The bridge jumps to the label that its loop has.
pub fn back_to_the_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.check(1, &words![5i64, 0i64], 1, &words![7i64, 3i64]);
    b.bridge(1, 2, "[i0, i1]\ni2 = int_add(i0, 1000)\njump(i1, i2, target=0)");
    for n in [0, 1, 5, 100] {
        b.check(1, &words![n, 0i64], 0, &words![thirds(n, 0, |sum| sum + 1000), -1i64]);
    }
}

/// The bridge jumps to the label of another loop, with more and other values.
pub fn to_another_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.compile(
        2,
        "[f0, i1, i2, f3: f32]
         f4, i5, i6, f7: f32 = label(f0, i1, i2, f3, target=9)
         f8 = float_mul(f4, 2.0)
         i9 = int_sub(i5, 1)
         i10 = int_gt(i9, 0)
         guard_true(i10) [f8, i6, f7] exit=10
         jump(f8, i9, i6, f7, target=9)",
    );
    b.bridge(1, 3, "[i0, i1]\njump(1.5, i1, i0, 2.5f32, target=9)");
    b.check(1, &words![5i64, 0i64], 10, &words![12.0f64, 7i64, 2.5f32]);
}

/// Floats of both sizes are handed over, those in memory of the frame too.
pub fn with_floats(make: Make<'_>) {
    let b = Bench::new(make);
    let (mut text, mut saved) = ("[f0, i1]\n".to_string(), Vec::new());
    for k in 0..40 {
        match k % 2 {
            0 => writeln!(text, "fa{k} = float_add(f0, {k}.0)").unwrap(),
            _ => writeln!(
                text,
                "fb{k} = float_mul(f0, {k}.0)\nfa{k}: f32 = cast_float_to_singlefloat(fb{k})"
            )
            .unwrap(),
        }
        saved.push(format!("fa{k}"));
    }
    let list = saved.join(", ");
    b.compile(1, &format!("{text}guard_value(i1, 0) [{list}] exit=0\nfinish() [fa0] exit=1"));
    let inputs: Vec<String> =
        (0..40).map(|k| if k % 2 == 0 { format!("f{k}") } else { format!("f{k}: f32") }).collect();
    let mut bridge = format!("[{}]\nfs0 = float_add(f0, 0.0)\n", inputs.join(", "));
    let (x, mut sum) = (0.25f64, 0.25f64);
    for k in 1..40 {
        let value = match k % 2 {
            0 => format!("f{k}"),
            _ => {
                writeln!(bridge, "fw{k} = cast_singlefloat_to_float(f{k})").unwrap();
                format!("fw{k}")
            }
        };
        writeln!(bridge, "fs{k} = float_add(fs{}, {value})", k - 1).unwrap();
        sum += if k % 2 == 0 { x + f64::from(k) } else { f64::from((x * f64::from(k)) as f32) };
    }
    b.bridge(0, 2, &(bridge + "finish() [fs39, f1] exit=2"));
    b.check(1, &words![x, 1i64], 2, &words![sum, 0.25f32]);
}

/// A bridge with many more values than the loop that it leaves and returns to.
pub fn big_out_of_a_small_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    let mut text = "[i0, i1]\n".to_string();
    for k in 2..60 {
        writeln!(text, "i{k} = int_add(i0, {k})").unwrap();
    }
    text += "is2 = int_add(i2, 0)\n";
    for k in 3..60 {
        writeln!(text, "is{k} = int_xor(is{}, i{k})", k - 1).unwrap();
    }
    let all: Vec<String> = (2..60).map(|k| format!("i{k}, is{k}")).collect();
    let all = all.join(", ");
    writeln!(text, "guard_value(i0, 12345678) [i1, {all}] exit=2").unwrap();
    b.bridge(1, 2, &(text + "jump(i1, is59, target=0)"));
    let left = b.run(1, &words![5i64, 0i64]);
    assert_eq!(
        (left.exit, &left.values[..2], left.values.len()),
        (2, &words![3i64, 9i64][..], 117)
    );
    let inputs: Vec<String> = (0..117).map(|k| format!("i{k}")).collect();
    b.bridge(2, 3, &format!("[{}]\njump(i0, i116, target=0)", inputs.join(", ")));
    let folded = |sum: i64| (3..60).fold(sum + 2, |folded, k| folded ^ (sum + k));
    for n in [5, 100] {
        b.check(1, &words![n, 0i64], 0, &words![thirds(n, 0, folded), -1i64]);
    }
}

/// The wrapped result goes along into the bridge.
pub fn from_an_overflow_guard(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0: i32, i1: i32]
         i2: i32 = int_mul_ovf(i0, i1)
         guard_no_overflow() [i0, i1, i2] exit=0
         finish() [i2] exit=1",
    );
    b.bridge(
        0,
        2,
        "[i0: i32, i1: i32, i2: i32]
         i3 = int_signext(i0)
         i4 = int_signext(i1)
         i5 = int_mul(i3, i4)
         finish() [i5, i2] exit=2",
    );
    b.check(1, &words![1000i32, -1000i32], 1, &words![-1_000_000i32]);
    let exact = 100_000i64 * -100_000;
    b.check(1, &words![100_000i32, -100_000i32], 2, &words![exact, exact as i32]);
}

/// A panic continues in a bridge.
pub fn from_a_call_guard(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = callee(|words| {
        words[0] = words[1] + 1;
        words[1] == 3
    });
    b.compile(
        1,
        &format!(
            "[i0, i1]
             i2, i3 = label(i0, i1, target=0)
             i4 = call({f:#x}, {number}, i2, descr=call(f, res=i64, can_panic))
             guard_no_exception() [i2, i3] exit=0
             i5 = int_lt(i4, 6)
             guard_true(i5) [i4, i3] exit=1
             jump(i4, i3, target=0)"
        ),
    );
    b.check(1, &words![0i64, 7i64], 0, &words![3i64, 7i64]);
    b.bridge(0, 2, "[i0, i1]\ni2 = int_add(i0, 1)\ni3 = int_neg(i1)\njump(i2, i3, target=0)");
    b.check(1, &words![0i64, 7i64], 1, &words![6i64, -7i64]);
}

/// A dispatch that grows: one bridge per value, each on the guard of the one before.
pub fn from_a_value_guard(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(0, "[i0: i8]\nguard_value(i0, 0) [i0] exit=0\nfinish() [] exit=100");
    for k in 1..=20 {
        b.bridge(
            k - 1,
            k,
            &format!("[i0: i8]\nguard_value(i0, {k}) [i0] exit={k}\nfinish() [] exit={}", 100 + k),
        );
    }
    for k in 0..=20u8 {
        b.check(0, &words![k], 100 + u32::from(k), &[]);
    }
    b.check(0, &words![-1i8], 20, &words![-1i8]);
}

/// Calls `at_lap` with the counter in each lap; leaves through exit 1 at odd counters.
pub(super) fn loop_with_call(f: u64, number: u64) -> String {
    format!(
        "[i0, i1]
         i2, i3 = label(i0, i1, target=0)
         call({f:#x}, {number}, i2, descr=call(at_lap))
         i4 = int_sub(i2, 1)
         i5 = int_ge(i4, 0)
         guard_true(i5) [i3] exit=0
         i6 = int_and(i4, 1)
         i7 = int_is_true(i6)
         guard_false(i7) [i3, i4] exit=1
         i8 = int_add(i3, 1)
         jump(i4, i8, target=0)"
    )
}

/// A function that the loop calls attaches a bridge to the loop that is running.
pub fn attached_while_running(make: Make<'_>) {
    let b = Bench::new(make);
    let running = Rc::clone(&b);
    let number = function(move |args| {
        if args[0] == 10 {
            running.bridge(1, 2, "[i0, i1]\ni2 = int_add(i0, 1000)\njump(i1, i2, target=0)");
        }
        0
    });
    b.compile(1, &loop_with_call(switchboard(), number));
    // From 10 on down: 9, 7, 5, 3, 1 go through the bridge; 8, 6, 4, 2, 0 do not.
    b.check(1, &words![10i64, 0i64], 0, &words![5005i64]);
}

/// The bridge is attached by an inner run; the outer one finds it when it returns.
pub fn attached_below_a_nested_run(make: Make<'_>) {
    let b = Bench::new(make);
    let running = Rc::clone(&b);
    let depth = Rc::new(Cell::new(0));
    let number = function(move |args| {
        if args[0] == 5 && depth.get() == 0 {
            depth.set(1);
            let left = running.run(1, &words![4i64, 0i64]);
            assert_eq!((left.exit, left.values), (1, words![0i64, 3i64].to_vec()));
            running.bridge(1, 2, "[i0, i1]\ni2 = int_add(i0, 1000)\njump(i1, i2, target=0)");
            running.check(1, &words![4i64, 0i64], 0, &words![2002i64]);
        }
        0
    });
    b.compile(1, &loop_with_call(switchboard(), number));
    b.check(1, &words![5i64, 0i64], 0, &words![2003i64]);
}

/// Other loops are compiled, run and freed while one is running.
pub fn loop_compiled_while_running(make: Make<'_>) {
    let b = Bench::new(make);
    let running = Rc::clone(&b);
    let number = function(move |args| {
        let code = 100 + args[0] as u32;
        running
            .compile(code, &format!("[i0]\ni1 = int_mul(i0, {code})\nfinish() [i1] exit={code}"));
        running.check(code, &words![2i64], code, &[2 * u64::from(code)]);
        if !code.is_multiple_of(3) {
            running.free(code);
        }
        0
    });
    b.compile(1, &loop_with_call(switchboard(), number));
    b.bridge(1, 2, "[i0, i1]\njump(i1, i0, target=0)");
    b.check(1, &words![50i64, 0i64], 0, &words![25i64]);
    b.check(102, &words![3i64], 102, &words![306i64]);
}

/// Two exits of one loop have bridges that lead back.
pub fn two_on_one_loop(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, f1]
         i2, f3 = label(i0, f1, target=0)
         i4 = int_sub(i2, 1)
         i5 = int_lt(i4, 0)
         guard_false(i5) [f3] exit=0
         i6 = int_and(i4, 1)
         i7 = int_is_zero(i6)
         guard_true(i7) [f3, i4] exit=1
         i8 = int_and(i4, 2)
         i9 = int_is_zero(i8)
         guard_true(i9) [i4, f3] exit=2
         jump(i4, f3, target=0)",
    );
    b.bridge(1, 2, "[f0, i1]\nf2 = float_add(f0, 1.0)\njump(i1, f2, target=0)");
    b.bridge(2, 3, "[i0, f1]\nf2 = float_add(f1, 100.0)\njump(i0, f2, target=0)");
    b.check(1, &words![100i64, 0.5f64], 0, &words![50.0f64 + 2500.0 + 0.5]);
}

/// A bridge that is crossed at every lap, for a long time.
pub fn crossed_often(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, f2]
         i3, i4, f5 = label(i0, i1, f2, target=0)
         i6 = int_add(i4, i3)
         i7 = int_is_zero(i3)
         guard_true(i7) [i6, f5, i3] exit=0
         finish() [i6, f5] exit=1",
    );
    b.bridge(
        0,
        2,
        "[i0, f1, i2]
         f3 = float_add(f1, 0.5)
         i4 = int_sub(i2, 1)
         jump(i4, i0, f3, target=0)",
    );
    b.check(1, &words![200_000i64, 0i64, 0.0f64], 1, &words![20_000_100_000i64, 100_000.0f64]);
}

/// A loop and its bridge are freed together, and their numbers are used again. First goes the trace whose
/// exit continues in the other.
pub fn freed_with_its_loop(make: Make<'_>) {
    let backend = make();
    let thirds = parse(THIRDS).expect("a trace");
    let bridge = parse(
        "[i0, i1]
         i2 = int_add(i0, 1)
         i3 = int_ne(i2, 0)
         guard_true(i3) [i2] exit=2
         jump(i1, i2, target=0)",
    )
    .expect("a trace");
    let mut sizes = Vec::new();
    for _ in 0..100 {
        backend.compile(CodeId(1), &thirds).expect("compiles");
        backend.compile(CodeId(2), &bridge).expect("compiles");
        backend.attach_bridge(ExitId(1), CodeId(2));
        sizes.push(backend.code_bytes());
        backend.free(CodeId(1));
        backend.free(CodeId(2));
    }
    assert!(sizes[99] <= sizes[3], "code memory grows: {} to {}", sizes[3], sizes[99]);
    assert!(backend.code_bytes() <= sizes[0]);
}
