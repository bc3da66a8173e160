//! Iteration that is unrolled, and what else works on few elements: compared in all modes.
//!
//! Each helper is called with changing arguments, so that chains are left at every place where they can
//! be left.
#![allow(
    clippy::double_ended_iterator_last,
    clippy::iter_skip_zero,
    clippy::manual_contains,
    clippy::unnecessary_fold,
    clippy::useless_vec,
    clippy::while_let_on_iterator,
    reason = "methods are called as authors may call them"
)]

use jit_tests::oracle::{self, THRESHOLDS};
use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point, unroll_safe};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Compared; something is compiled, nothing given up.
#[track_caller]
fn compiled<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<u64> {
    let runs = oracle::check(THRESHOLDS, program);
    let runs = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    runs.map(|run| {
        assert!(run.stats.loops >= 1, "nothing was compiled:\n{}", run.stats);
        assert_eq!(run.stats.aborted(), 0, "{}", run.stats);
        run.stats.residual_calls
    })
    .collect()
}

/// As [`compiled`]; nothing is called.
#[track_caller]
fn traced<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    let calls = compiled(program);
    assert!(calls.iter().all(|&n| n == 0), "{calls:?} calls");
}

/// An interpreter that calls a helper in each of its turns.
macro_rules! program {
    ($name:ident, $helper:ident) => {
        #[jit]
        fn $name(driver: &JitDriver<'_>, laps: i64) -> i64 {
            let mut n = laps;
            let mut acc = 1;
            loop {
                jit_merge_point!(driver, greens = [], reds = [n, acc]);
                acc = $helper(acc, n) % 1_000_003;
                n -= 1;
                if n == 0 {
                    return acc;
                }
                can_enter_jit!(driver, greens = [], reds = [n, acc]);
            }
        }
    };
}

#[jit]
#[unroll_safe]
fn adaptors(acc: i64, n: i64) -> i64 {
    let a = [n, acc & 3, 5, n % 7];
    let b = vec![1, n & 1, 3];
    let mut sum = 0;
    for (i, x) in a.iter().enumerate().rev() {
        sum = sum * 3 + x * i as i64;
    }
    for (x, y) in a.iter().copied().zip(&b) {
        sum += x * y;
    }
    for x in a.iter().skip(1).chain(b.iter().take((n % 4) as usize)) {
        sum = sum * 2 + x;
    }
    for x in a.iter().take_while(|x| **x < 30).filter(|&&x| x != 5).map(|x| x + 1) {
        sum += x;
    }
    for i in (0..n % 5).rev().map(|i| i * i) {
        sum = sum * 2 - i;
    }
    for i in (3..=n % 5 + 3).rev() {
        sum = sum * 2 - i;
    }
    for i in (0..20).step_by((n % 3) as usize + 5) {
        sum += i;
    }
    for x in [acc & 1, n, 3] {
        sum += x;
    }
    sum & 0xffff_ffff
}

program!(run_adaptors, adaptors);

#[jit]
#[unroll_safe]
fn consumers(acc: i64, n: i64) -> i64 {
    let a = [n, acc & 3, 5, n % 7];
    let mut sum = a.iter().sum::<i64>() + a.iter().map(|&x| x & 3).product::<i64>();
    sum += a.iter().fold(1, |all, x| (all * 3 + x) & 0xffff);
    sum += a.iter().position(|&x| x == 5).unwrap_or(9) as i64;
    sum += a.iter().any(|&x| x == 2) as i64 + 2 * a.iter().all(|&x| x > 0) as i64;
    sum += *a.iter().find(|&&x| x > 3).unwrap_or(&7);
    sum += a.iter().filter(|x| **x % 2 == 0).count() as i64 * 10;
    sum += a.iter().map(|x| x * 2).last().unwrap_or(0);
    a.iter().for_each(|x| sum += x);
    let halves: f64 = a.iter().map(|&x| x as f64 * 0.5).sum();
    sum + halves as i64
}

program!(run_consumers, consumers);

#[jit]
#[unroll_safe]
fn strings(acc: i64, n: i64) -> i64 {
    let text = if n % 3 == 0 { "aé€𝄞z" } else { "ß" };
    let mut hash = acc & 0xffff;
    for c in text.chars() {
        hash = (hash * 31 + c as i64) & 0xffff_ffff;
    }
    for byte in text.bytes().rev() {
        hash = (hash * 7 + byte as i64 + n) & 0xffff_ffff;
    }
    hash + text.chars().filter(|c| c.is_alphabetic()).count() as i64
}

program!(run_strings, strings);

#[jit]
#[unroll_safe]
fn other_collections(acc: i64, n: i64) -> i64 {
    let map = BTreeMap::from([(n & 3, 2), (7, n)]);
    let mut sum = acc & 0xff;
    for (key, value) in map.iter().rev() {
        sum = sum * 3 + key * value;
    }
    sum + map.values().count() as i64
}

program!(run_other_collections, other_collections);

#[jit]
fn kept(acc: i64, n: i64) -> i64 {
    static CODE: [u16; 5] = [3, 1, 4, 1, 5];
    let mut words = CODE[(n % 6) as usize..].iter();
    let mut units = [(); 2].iter();
    let mut sum = acc & 0xff;
    sum += units.next().is_some() as i64 + units.next().is_some() as i64;
    sum += units.next().is_some() as i64;
    while let Some(word) = words.next() {
        sum = sum * 3 + *word as i64;
    }
    sum
}

program!(run_kept, kept);

#[jit]
fn few_elements(acc: i64, n: i64) -> i64 {
    let mut a = [n, acc & 7, 3, 4];
    a.copy_within(0..2, (n % 3) as usize);
    let mut b = [0; 2];
    b.copy_from_slice(&a[1..3]);
    let mut sum = b[0] * 3 + b[1] + a[2];
    a.fill(n & 3);
    sum += a[3] + a.contains(&2) as i64 * 100 + b.contains(&n) as i64 * 1000;
    sum
}

program!(run_few_elements, few_elements);

#[jit]
#[unroll_safe]
fn overflowing_sum(acc: i64, n: i64) -> i64 {
    let bytes = [100u8, 100, (60 - n) as u8];
    acc + bytes.iter().sum::<u8>() as i64
}

program!(run_overflowing_sum, overflowing_sum);

#[jit]
fn out_of_range_copy(acc: i64, n: i64) -> i64 {
    let mut a = [n, acc, 3, 4];
    a.copy_within(0..2, if n == 3 { 3 } else { 2 });
    a[3] & 0xff
}

program!(run_out_of_range_copy, out_of_range_copy);

#[test]
fn chains() {
    compiled(|driver| run_adaptors(driver, 50)); // the `Vec` is made by a call
    traced(|driver| run_consumers(driver, 50));
}

#[test]
fn characters_and_bytes() {
    compiled(|driver| run_strings(driver, 50));
}

#[test]
fn what_is_no_slice() {
    compiled(|driver| run_other_collections(driver, 50));
}

#[test]
fn iterators_as_values() {
    oracle::check(THRESHOLDS, |driver| run_kept(driver, 50));
}

#[test]
fn copied_filled_searched() {
    traced(|driver| run_few_elements(driver, 50));
}

#[test]
fn panics() {
    oracle::check(THRESHOLDS, |driver| run_overflowing_sum(driver, 50));
    oracle::check(THRESHOLDS, |driver| run_out_of_range_copy(driver, 50));
}

#[jit]
fn of_changing_numbers(acc: i64, n: i64) -> i64 {
    let mut values = [acc, n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let count = (n % 11) as usize;
    values.copy_within(0..count, 1);
    let power = (1 + n % 3).pow((n % 12) as u32);
    // Left here, too: the way to this place is walked again, which must ask no more and no less.
    if power % 7 == 2 {
        return acc + 1;
    }
    acc + values[count] + power
}

program!(changing_numbers, of_changing_numbers);

#[test]
fn few_elements_and_small_exponents_may_change() {
    compiled(|driver| changing_numbers(driver, 400));
}
