//! Regions: traces that are compiled together must do what they did apart. A backend that has no regions
//! declines, and everything must still be so.

use super::bridges::{THIRDS, loop_with_call, thirds};
use crate::bench::{Bench, Make, function, switchboard};
use crate::words;
use metainterp::ir::{CodeId, ExitId};
use std::cell::Cell;
use std::rc::Rc;

/// Goes back to `THIRDS` with 1000 more, unless the sum is too large.
const BACK: &str = "
    [i0, i1]
    i2 = int_lt(i0, 1000000)
    guard_true(i2) [i0, i1] exit=2
    i3 = int_add(i0, 1000)
    jump(i1, i3, target=0)";

/// The bridge is a branch of the loop.
pub fn a_loop_with_its_bridges(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.bridge(1, 2, BACK);
    b.bridge(2, 3, "[i0, i1]\ni2 = int_neg(i0)\njump(i1, i2, target=0)");
    let bridge = |sum: i64| if sum < 1_000_000 { sum + 1000 } else { -sum };
    for codes in [&[1, 2][..], &[1, 2, 3]] {
        b.region(codes);
        for n in [0, 1, 5, 100, 5000] {
            b.check(1, &words![n, 0i64], 0, &words![thirds(n, 0, bridge), -1i64]);
        }
    }
}

/// Two loops that lead to each other by bridges, entered at either.
pub fn loops_that_jump_to_each_other(make: Make<'_>) {
    let b = Bench::new(make);
    let counting = |code: u32, step: i64, limit: i64| {
        format!(
            "[i0, i1]
             i2, i3 = label(i0, i1, target={code})
             i4 = int_sub(i3, 1)
             i5 = int_gt(i4, 0)
             guard_true(i5) [i2] exit=10{code}
             i6 = int_add(i2, {step})
             i7 = int_and(i6, {limit})
             i8 = int_ne(i7, 0)
             guard_true(i8) [i4, i6] exit={code}
             jump(i6, i4, target={code})"
        )
    };
    b.compile(1, &counting(1, 3, 7));
    b.compile(2, &counting(2, 5, 15));
    b.bridge(1, 3, "[i0, i1]\ni2 = int_add(i1, 1)\njump(i2, i0, target=2)");
    b.bridge(2, 4, "[i0, i1]\ni2 = int_xor(i1, 100)\njump(i2, i0, target=1)");
    let expected = |mut code: u32, mut x: i64, mut n: i64| loop {
        n -= 1;
        if n <= 0 {
            return (100 + code, x);
        }
        x += if code == 1 { 3 } else { 5 };
        if x & (if code == 1 { 7 } else { 15 }) == 0 {
            x = if code == 1 { x + 1 } else { x ^ 100 };
            code = 3 - code;
        }
    };
    for codes in [&[][..], &[1, 3], &[2, 4], &[4, 1, 3, 2]] {
        if !codes.is_empty() {
            b.region(codes);
        }
        for (code, n) in [(1, 1), (1, 100), (2, 1000), (2, 1001)] {
            let (exit, x) = expected(code, 0, n);
            b.check(code, &words![0i64, n], exit, &words![x]);
        }
    }
}

/// Members are still traces that can be entered, and labels that can be jumped to.
pub fn every_trace_can_be_entered(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0]
         i1 = int_add(i0, 100)
         i2, f3 = label(i1, 1.5, target=0)
         i4 = int_add(i2, 10)
         i5, i6: i8 = label(i4, 7i8, target=1)
         guard_value(i6, 7i8) [i5, i6] exit=1
         finish() [i5] exit=2",
    );
    b.bridge(1, 2, "[i0, i1: i8]\nfinish() [i1, i0] exit=3");
    b.region(&[1, 2]);
    b.compile(3, "[i0, f1]\njump(i0, f1, target=0)");
    b.compile(4, "[i0]\njump(i0, 200i8, target=1)");
    b.check(1, &words![1i64], 2, &words![111i64]);
    b.check(2, &words![1i64, 5i8], 3, &words![5i8, 1i64]);
    b.check(3, &words![1i64, 0.5f64], 2, &words![11i64]);
    b.check(4, &words![1i64], 3, &words![200u8, 1i64]);
    b.region(&[4, 2, 1, 3]);
    b.check(3, &words![1i64, 0.5f64], 2, &words![11i64]);
    b.check(4, &words![1i64], 3, &words![200u8, 1i64]);
}

/// Exits of a region are those of its traces, and get bridges like those.
pub fn exits_keep_their_numbers(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.bridge(1, 2, BACK);
    b.region(&[1, 2]);
    b.check(1, &words![1i64, 2_000_000i64], 2, &words![2_000_000i64, 0i64]);
    b.bridge(2, 3, "[i0, i1]\njump(i1, 5, target=0)");
    b.check(1, &words![1i64, 2_000_000i64], 0, &words![5i64, -1i64]);
    b.bridge(0, 4, "[i0, i1]\nfinish() [i1, i0] exit=4");
    b.check(1, &words![1i64, 2_000_000i64], 4, &words![-1i64, 5i64]);
}

/// Each of a chain of bridges is taken in as it comes.
pub fn growing(make: Make<'_>) {
    let b = Bench::new(make);
    let turn = |k: u32| {
        format!(
            "[i0, i1]
             i2, i3 = label(i0, i1, target={k})
             i4 = int_add(i3, {k})
             i5 = int_sub(i2, 1)
             i6 = int_is_true(i5)
             guard_true(i6) [i4] exit=10{k}
             i7 = uint_mod(i5, 8)
             i8 = int_ne(i7, {k})
             guard_true(i8) [i5, i4] exit={k}
             jump(i5, i4, target={k})"
        )
    };
    b.compile(0, &turn(0));
    let mut codes = vec![0];
    for k in 1..8 {
        b.bridge(k - 1, k, &turn(k));
        codes.push(k);
        if k % 2 == 0 {
            b.region(&codes);
        }
        let (mut n, mut at, mut sum) = (100, 0, 0);
        let exit = loop {
            sum += i64::from(at);
            n -= 1;
            if n == 0 {
                break 100 + at;
            }
            at += u32::from(n % 8 == at && at < k);
            if n % 8 == k && at == k {
                break k;
            }
        };
        let saved =
            if exit < 100 { words![i64::from(n), sum].to_vec() } else { words![sum].into() };
        b.check(0, &words![100i64, 0i64], exit, &saved);
    }
}

/// The first member is nobody special.
pub fn in_any_order(make: Make<'_>) {
    for codes in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2], [3, 1, 2], [2, 1, 3]] {
        let b = Bench::new(make);
        b.compile(1, THIRDS);
        b.bridge(1, 2, BACK);
        b.compile(3, "[i0]\njump(i0, 0, target=0)");
        b.region(&codes);
        b.check(3, &words![100i64], 0, &words![thirds(100, 0, |sum| sum + 1000), -1i64]);
    }
}

/// The bridge hands the loop's values back in other places.
pub fn values_change_places(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        1,
        "[i0, i1, i2, f3]
         i4, i5, i6, f7 = label(i0, i1, i2, f3, target=0)
         i8 = int_sub(i6, 1)
         i9 = int_ge(i8, 0)
         guard_true(i9) [i4, i5, f7] exit=0
         i10 = int_and(i8, 1)
         i11 = int_is_true(i10)
         guard_true(i11) [f7, i5, i8, i4] exit=1
         jump(i4, i5, i8, f7, target=0)",
    );
    b.bridge(
        1,
        2,
        "[f0, i1, i2, i3]
         f4 = float_add(f0, 0.5)
         jump(i1, i3, i2, f4, target=0)",
    );
    for _ in 0..2 {
        b.check(1, &words![7i64, 8i64, 5i64, 1.0f64], 0, &words![8i64, 7i64, 2.5f64]);
        b.check(1, &words![7i64, 8i64, 3i64, 1.0f64], 0, &words![7i64, 8i64, 2.0f64]);
        b.region(&[1, 2]);
    }
}

/// Values of all types go through a bridge, in registers and in memory.
pub fn values_of_every_type(make: Make<'_>) {
    let b = Bench::new(make);
    let types = ["bool", "i8", "i16", "i32", "i64", "f32", "f64", "ptr"];
    let list = |from: usize, with_types: bool| {
        let names = (0..24).map(|k| match (with_types, types[k % 8]) {
            (true, ty) => format!("v{}: {ty}", from + k),
            (false, _) => format!("v{}", from + k),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let named = |text: String| {
        // The first letter of a name is that of its type.
        let mut named = text;
        for k in (0..72).rev() {
            let letter = ["i", "i", "i", "i", "i", "f", "f", "p"][k % 8];
            named = named.replace(&format!("v{k}"), &format!("{letter}{k}"));
        }
        named
    };
    b.compile(
        1,
        &named(format!(
            "[{}, i100]
             {}, i101 = label({}, i100, target=0)
             i102 = int_sub(i101, 1)
             i103 = int_is_true(i102)
             guard_true(i103) [{}] exit=0
             guard_false(v24) [i102, {}] exit=1
             jump({}, i102, target=0)",
            list(0, true),
            list(24, true),
            list(0, false),
            list(24, false),
            list(24, false),
            list(24, false),
        )),
    );
    let rotated: Vec<String> = (0..24).map(|k| format!("v{}", (k + 8) % 24)).collect();
    b.bridge(
        1,
        2,
        &named(format!("[i100, {}]\njump({}, i100, target=0)", list(0, true), rotated.join(", "))),
    );
    let word = |k: u64| match k % 8 {
        0 => 1,
        1 => 0x80 + k,
        2 => 0x8000 + k,
        3 | 5 => 0x8000_0000 + k,
        _ => (1 << 63) + k,
    };
    let words: Vec<u64> = (0..24).map(word).collect();
    for _ in 0..2 {
        for n in [1, 2, 3, 4] {
            let mut inputs = words.clone();
            inputs.push(n);
            let turned = (n as usize - 1) * 8 % 24;
            let expected: Vec<u64> = (0..24).map(|k| words[(k + turned) % 24]).collect();
            b.check(1, &inputs, 0, &expected);
        }
        b.region(&[1, 2]);
    }
}

/// What a trace writes, its bridge reads, and calls are made from both.
pub fn calls_and_memory(make: Make<'_>) {
    let b = Bench::new(make);
    let seen = Rc::new(Cell::new(0));
    let keeper = Rc::clone(&seen);
    let number = function(move |args| {
        keeper.set(keeper.get() * 3 % 1_000_003 + args[0]);
        args[0] + 1
    });
    let f = switchboard();
    let mut cells = [0i64, 0];
    let p = (&raw mut cells).expose_provenance() as u64;
    b.compile(
        1,
        &format!(
            "[p0, i1]
             p2, i3 = label(p0, i1, target=0)
             i4 = int_sub(i3, 1)
             setfield(p2, i4, descr=mem(i64, class=1))
             i5 = int_gt(i4, 0)
             guard_true(i5) [p2] exit=0
             i6 = call({f:#x}, {number}, i4, descr=call(f, res=i64))
             i7 = int_and(i6, 3)
             i8 = int_is_true(i7)
             guard_true(i8) [p2, i6] exit=1
             jump(p2, i4, target=0)"
        ),
    );
    b.bridge(
        1,
        2,
        &format!(
            "[p0, i1]
             i2 = getfield(p0, descr=mem(i64, class=1))
             i3 = getfield(p0, descr=mem(i64, offset=8, class=1))
             i4 = int_add(i3, i1)
             setfield(p0, i4, descr=mem(i64, offset=8, class=1))
             i5 = call({f:#x}, {number}, 1000, descr=call(f, res=i64))
             jump(p0, i2, target=0)"
        ),
    );
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        seen.set(0);
        b.check(1, &[p, 20], 0, &[p]);
        outcomes.push((seen.get(), std::hint::black_box(cells)));
        b.region(&[1, 2]);
    }
    let sum: i64 = (1..20).map(|n| n + 1).filter(|n| n & 3 == 0).sum();
    assert_eq!(outcomes[0].1, [0, sum]);
    assert_eq!(outcomes[1].1, [0, 2 * sum]);
    assert_eq!(outcomes[0].0, outcomes[1].0);
}

/// A function that the loop calls makes a region of the loop that is running.
pub fn compiled_while_running(make: Make<'_>) {
    let b = Bench::new(make);
    let running = Rc::clone(&b);
    let number = function(move |args| {
        match args[0] {
            50 => running.bridge(1, 2, "[i0, i1]\ni2 = int_add(i0, 1000)\njump(i1, i2, target=0)"),
            40 | 30 | 20 => running.region(&[1, 2]),
            25 => running.region(&[2, 1]),
            _ => {}
        }
        0
    });
    b.compile(1, &loop_with_call(switchboard(), number));
    b.check(1, &words![50i64, 0i64], 0, &words![25_025i64]);
}

/// An inner run makes regions again and again; the outer one goes on in what it was in.
pub fn compiled_below_a_nested_run(make: Make<'_>) {
    let b = Bench::new(make);
    let running = Rc::clone(&b);
    let depth = Rc::new(Cell::new(0));
    let number = function(move |args| {
        if depth.get() < 4 && args[0] == 5 {
            depth.set(depth.get() + 1);
            if depth.get() > 1 {
                running.region(&[1, 2]);
            }
            running.check(1, &words![9i64, 0i64], 0, &words![4005i64]);
            running.region(&[2, 1]);
            depth.set(depth.get() - 1);
        }
        0
    });
    b.compile(1, &loop_with_call(switchboard(), number));
    b.bridge(1, 2, "[i0, i1]\ni2 = int_add(i0, 1000)\njump(i1, i2, target=0)");
    b.check(1, &words![9i64, 0i64], 0, &words![4005i64]);
    b.check(1, &words![9i64, 0i64], 0, &words![4005i64]);
}

/// A region goes with the first of its members that is freed, or when all have left it.
pub fn members_are_freed(make: Make<'_>) {
    let b = Bench::new(make);
    let mut sizes = Vec::new();
    for round in 0..50 {
        b.compile(1, THIRDS);
        b.bridge(1, 2, BACK);
        b.region(&[1, 2]);
        b.check(1, &words![100i64, 0i64], 0, &words![thirds(100, 0, |sum| sum + 1000), -1i64]);
        if round % 2 == 0 {
            b.region(&[1]);
            b.region(&[2]);
        }
        b.free(1);
        b.free(2);
        sizes.push(b.backend().code_bytes());
    }
    assert!(sizes.iter().all(|&size| size == sizes[0]), "{sizes:?}");
}

/// Another bridge is attached to an exit that is a branch of the region by now.
pub fn bridges_are_replaced(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.bridge(1, 2, BACK);
    b.region(&[1, 2]);
    b.check(1, &words![100i64, 0i64], 0, &words![thirds(100, 0, |sum| sum + 1000), -1i64]);
    b.bridge(1, 3, "[i0, i1]\njump(i1, i0, target=0)");
    b.check(1, &words![100i64, 0i64], 0, &words![thirds(100, 0, |sum| sum), -1i64]);
    b.region(&[1, 3]);
    b.check(1, &words![100i64, 0i64], 0, &words![thirds(100, 0, |sum| sum), -1i64]);
    b.backend().attach_bridge(ExitId(1), CodeId(2));
    b.check(1, &words![100i64, 0i64], 0, &words![thirds(100, 0, |sum| sum + 1000), -1i64]);
}

/// Entries are counted, and not the laps in a region; code pauses and goes on where it was.
pub fn entries_are_counted(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(1, THIRDS);
    b.bridge(1, 2, BACK);
    let expected = words![thirds(30, 0, |sum| sum + 1000), -1i64];
    for pause in 0..12 {
        b.backend().pause_after(CodeId(1), pause);
        b.backend().pause_after(CodeId(2), pause);
        b.check(1, &words![30i64, 0i64], 0, &expected);
    }
    if b.backend().has_regions() {
        let entered = |code| b.backend().entered(CodeId(code));
        // Ten crossings a run; who pauses comes in once more.
        assert!(entered(2) >= 120 && entered(1) >= 132, "{} and {}", entered(1), entered(2));
        b.region(&[1, 2]);
        let before = (entered(1), entered(2));
        b.check(1, &words![30i64, 0i64], 0, &expected);
        assert_eq!((entered(1), entered(2)), (before.0 + 1, before.1));
    }
}
