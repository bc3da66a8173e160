//! Residual calls: arguments, results, panics, and what lives across them.

use crate::bench::{Bench, Make, callee, function, switchboard};
use crate::words;
use metainterp::backend::CALL_WORDS;
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

/// A function that keeps the arguments of its calls, and what it has kept.
fn recorder(n: usize) -> (u64, Rc<RefCell<Vec<Vec<u64>>>>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&seen);
    let number = callee(move |words| {
        kept.borrow_mut().push(words[1..=n].to_vec());
        false
    });
    (number, seen)
}

/// A call for its effect.
pub fn no_arguments_and_no_result(make: Make<'_>) {
    let b = Bench::new(make);
    let (number, seen) = recorder(0);
    let f = switchboard();
    b.compile(
        0,
        &format!("[i0]\ncall({f:#x}, {number}, descr=call(f))\ncall({f:#x}, {number}, descr=call(f))\nfinish() [i0] exit=0"),
    );
    b.check(0, &words![5i64], 0, &words![5i64]);
    assert_eq!(seen.borrow().len(), 2);
}

/// Each argument is one word, zero-extended, also constants.
pub fn arguments_of_every_type(make: Make<'_>) {
    let b = Bench::new(make);
    let (number, seen) = recorder(13);
    let f = switchboard();
    b.compile(
        0,
        &format!(
            "[i0: bool, i1: i8, i2: i16, i3: i32, i4, f5: f32, f6, p7]
             i8: i8 = int_sub(i1, 1)
             call({f:#x}, {number}, i0, i8, i2, i3, i4, f5, f6, p7, -1i8, 1.5, -2.5f32, true, 0x12, descr=call(f))
             finish() [i4, i8, f6] exit=0"
        ),
    );
    let inputs = words![true, -1i8, -2i16, -3i32, -4i64, -5.5f32, -6.5f64, 0x1234_5678u64];
    b.check(0, &inputs, 0, &words![-4i64, -2i8, -6.5f64]);
    let expected = words![
        true,
        -2i8,
        -2i16,
        -3i32,
        -4i64,
        -5.5f32,
        -6.5f64,
        0x1234_5678u64,
        -1i8,
        1.5f64,
        -2.5f32,
        true,
        0x12u64
    ];
    assert_eq!(*seen.borrow(), [expected.to_vec()]);
}

/// As many arguments as there are words.
pub fn forty_words(make: Make<'_>) {
    let b = Bench::new(make);
    let n = CALL_WORDS - 1;
    let (number, seen) = recorder(n);
    let f = switchboard();
    let mut text = "[i0]\n".to_string();
    for k in 1..=n {
        writeln!(text, "i{k} = int_mul(i0, {k})").unwrap();
    }
    let args: Vec<String> = (1..=n).map(|k| format!("i{k}")).collect();
    let args = args.join(", ");
    writeln!(text, "call({f:#x}, {number}, {args}, descr=call(f))").unwrap();
    b.compile(0, &format!("{text}finish() [{args}] exit=0"));
    let expected: Vec<u64> = (1..=n as u64).map(|k| 3 * k).collect();
    b.check(0, &words![3i64], 0, &expected);
    assert_eq!(*seen.borrow(), [expected]);
}

/// The first result word in each type.
pub fn results_of_every_type(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = function(|args| args[0]);
    let rows = [
        ("i2: bool", "bool", 1u64),
        ("i2: i8", "i8", 0x91),
        ("i2: i16", "i16", 0x9182),
        ("i2: i32", "i32", 0x9182_7364),
        ("i2", "i64", u64::MAX - 5),
        ("f2: f32", "f32", 0xc049_0fdb),
        ("f2", "f64", 0xc009_21fb_5444_2d18),
        ("p2", "ptr", 0x7f12_3456_7890),
    ];
    for (k, (result, ty, word)) in rows.into_iter().enumerate() {
        let code = k as u32;
        let name = &result[..2];
        b.compile(
            code,
            &format!("[i0]\n{result} = call({f:#x}, {number}, i0, descr=call(f, res={ty}))\nfinish() [{name}] exit={code}"),
        );
        b.check(code, &[word], code, &[word]);
    }
}

/// Further results with `call_result`, not all of them and not in order.
pub fn several_results(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = callee(|words| {
        let x = words[1];
        words[0] = x + 1;
        words[1] = 0xfe;
        words[2] = 2.5f64.to_bits();
        words[7] = x * 7;
        words[39] = 39;
        false
    });
    b.compile(
        0,
        &format!(
            "[i0]
             i1 = call({f:#x}, {number}, i0, descr=call(f, res=i64))
             i2 = call_result(7)
             i3: i8 = call_result(1)
             f4 = call_result(2)
             i5 = call_result(39)
             f6 = float_add(f4, 1.0)
             finish() [i1, i2, i3, f6, i5, i0] exit=0"
        ),
    );
    b.check(0, &words![10i64], 0, &words![11i64, 70i64, -2i8, 3.5f64, 39i64, 10i64]);
    b.compile(
        1,
        &format!("[i0]\ncall({f:#x}, {number}, i0, descr=call(f))\ni1 = call_result(7)\nfinish() [i1] exit=1"),
    );
    b.check(1, &words![10i64], 1, &words![70i64]);
}

/// The address of the function is computed.
pub fn function_pointer_in_a_value(make: Make<'_>) {
    let b = Bench::new(make);
    let number = function(|args| args[0] * 2);
    b.compile(
        0,
        &format!("[p0, i1]\np2 = ptr_add(p0, 16)\ni3 = call(p2, {number}, i1, descr=call(f, res=i64))\nfinish() [i3] exit=0"),
    );
    b.check(0, &words![switchboard() - 16, 21i64], 0, &words![42i64]);
}

/// More values than a machine has registers keep theirs while a function runs.
pub fn values_live_across(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = function(|args| args[0] + 1);
    let mut text = "[i0, f0]\n".to_string();
    let (mut saved, mut expected) = (Vec::new(), Vec::new());
    for k in 1..=20i32 {
        writeln!(text, "i{k} = int_add(i0, {k})\nf{k} = float_add(f0, {k}.0)").unwrap();
        writeln!(text, "fs{k}: f32 = cast_float_to_singlefloat(f{k})").unwrap();
        saved.push(format!("i{k}, f{k}, fs{k}"));
        expected.extend(words![100 + i64::from(k), 0.5 + f64::from(k), 0.5 + k as f32]);
    }
    b.compile(
        0,
        &format!(
            "{text}icall = call({f:#x}, {number}, i0, descr=call(f, res=i64))\nicond = int_eq(icall, 0)\nguard_false(icond) [] exit=0\nfinish() [icall, {}] exit=1",
            saved.join(", ")
        ),
    );
    expected.insert(0, 101);
    b.check(0, &words![100i64, 0.5f64], 1, &expected);
}

/// A panic leaves through the guard behind the call.
pub fn panics_leave(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = callee(|words| {
        let panics = words[1] > 5;
        words[0] = if panics { 0xdddd } else { words[1] * 2 };
        panics
    });
    b.compile(
        0,
        &format!(
            "[i0, f1]
             i2 = int_add(i0, 1)
             i3 = call({f:#x}, {number}, i0, descr=call(f, res=i64, can_panic))
             guard_no_exception() [i2, f1, i0] exit=0
             i4 = int_add(i3, i2)
             call({f:#x}, {number}, i2, descr=call(f, can_panic))
             guard_no_exception() [i4] exit=1
             finish() [i4, f1] exit=2"
        ),
    );
    b.check(0, &words![6i64, 0.5f64], 0, &words![7i64, 0.5f64, 6i64]);
    b.check(0, &words![5i64, 0.5f64], 1, &words![16i64]);
    b.check(0, &words![4i64, 0.5f64], 2, &words![13i64, 0.5f64]);
}

/// `call_result`s stand between a call and its guard.
pub fn panics_among_results(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = callee(|words| {
        let panics = words[1] == 0;
        if !panics {
            (words[0], words[1], words[2]) = (words[1], 1, 0.25f32.to_bits().into());
        }
        panics
    });
    b.compile(
        0,
        &format!(
            "[i0]
             i1 = call({f:#x}, {number}, i0, descr=call(f, res=i64, can_panic))
             i2: bool = call_result(1)
             f3: f32 = call_result(2)
             guard_no_exception() [i0] exit=0
             finish() [i2, f3, i1] exit=1"
        ),
    );
    b.check(0, &words![0i64], 0, &words![0i64]);
    b.check(0, &words![8i64], 1, &words![true, 0.25f32, 8i64]);
}

/// Backends may treat `call_pure` as `call`, but must make it where its result is needed.
pub fn pure_calls(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = function(|args| args[0] * args[1]);
    b.compile(
        0,
        &format!(
            "[i0]
             i1 = call_pure({f:#x}, {number}, i0, 3, descr=call(f, res=i64))
             i2 = call_pure({f:#x}, {number}, i0, i1, descr=call(f, res=i64, can_panic))
             guard_no_exception() [i0] exit=0
             finish() [i1, i2] exit=1"
        ),
    );
    b.check(0, &words![5i64], 1, &words![15i64, 75i64]);
}

/// A result that nobody uses does not save the call.
pub fn unused_results(make: Make<'_>) {
    let b = Bench::new(make);
    let (number, seen) = recorder(1);
    let f = switchboard();
    b.compile(
        0,
        &format!("[i0]\ni1 = call({f:#x}, {number}, i0, descr=call(f, res=i64))\ni2 = call_result(1)\nfinish() [] exit=0"),
    );
    b.check(0, &words![77i64], 0, &[]);
    assert_eq!(*seen.borrow(), [[77]]);
}

/// A function called in each lap, with values of both kinds around it.
pub fn in_a_loop(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = function(|args| (f64::from_bits(args[1]) + args[0] as f64).to_bits());
    b.compile(
        0,
        &format!(
            "[i0, f1]
             i2, f3 = label(i0, f1, target=0)
             f4 = call({f:#x}, {number}, i2, f3, descr=call(f, res=f64))
             i5 = int_sub(i2, 1)
             i6 = int_is_true(i5)
             guard_true(i6) [f4, i5] exit=0
             jump(i5, f4, target=0)"
        ),
    );
    b.check(0, &words![1000i64, 0.5f64], 0, &words![500_500.5f64, 0i64]);
}

/// A called function runs compiled code of the same backend, down to some depth.
pub fn execute_inside_execute(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let again = Rc::clone(&b);
    let number = function(move |args| again.run(0, &[args[0]]).values[0]);
    b.compile(
        0,
        &format!(
            "[i0]
             i1 = int_gt(i0, 0)
             guard_true(i1) [i0] exit=0
             i2 = int_sub(i0, 1)
             i3 = call({f:#x}, {number}, i2, descr=call(f, res=i64))
             i4 = int_add(i3, i0)
             finish() [i4] exit=1"
        ),
    );
    b.check(0, &words![30i64], 1, &words![465i64]);
    // Now the innermost run ends in a bridge.
    b.bridge(0, 1, "[i0]\ni1 = int_add(i0, 1000)\nfinish() [i1] exit=2");
    b.check(0, &words![30i64], 1, &words![1465i64]);
    b.check(0, &words![0i64], 2, &words![1000i64]);
}

/// A bridge calls and goes back to the loop.
pub fn inside_a_bridge(make: Make<'_>) {
    let b = Bench::new(make);
    let f = switchboard();
    let number = function(|args| args[0] * 10);
    b.compile(
        0,
        "[i0, i1]
         i2, i3 = label(i0, i1, target=0)
         i4 = int_sub(i2, 1)
         i5 = int_and(i4, 1)
         i6 = int_is_true(i5)
         guard_true(i6) [i4, i3] exit=0
         jump(i4, i3, target=0)",
    );
    b.bridge(
        0,
        1,
        &format!(
            "[i0, i1]
             i2 = int_gt(i0, 0)
             guard_true(i2) [i1] exit=1
             i3 = call({f:#x}, {number}, i0, descr=call(f, res=i64))
             i4 = int_add(i1, i3)
             jump(i0, i4, target=0)"
        ),
    );
    // 98, 96, … 2, each ten times.
    b.check(0, &words![100i64, 0i64], 1, &words![24_500i64]);
}
