//! Methods of std that are traced: one small interpreter each, compared in all modes.
//!
//! [`traced`] says beside that nothing was called: the method left no residual call in the traces.
#![allow(
    clippy::assign_op_pattern,
    clippy::clone_on_copy,
    clippy::get_first,
    clippy::manual_clamp,
    clippy::manual_unwrap_or_default,
    clippy::needless_range_loop,
    clippy::or_then_unwrap,
    clippy::unnecessary_cast,
    clippy::unnecessary_literal_unwrap,
    clippy::useless_conversion,
    reason = "methods are called as authors may call them"
)]

use jit_tests::opcode;
use jit_tests::oracle::{self, THRESHOLDS};
use jitdriver::{JitDriver, Stats, can_enter_jit, jit, jit_merge_point};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::mem;
use std::rc::Rc;

#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Stats> {
    let runs = oracle::check(THRESHOLDS, program);
    let of_two = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    of_two.map(|run| run.stats).collect()
}

/// As [`check`]; something was compiled, nothing given up, and nothing called.
#[track_caller]
fn traced<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    let runs = oracle::check(THRESHOLDS, program);
    for run in runs.into_iter().filter(|run| run.params.starts_with("threshold=2,")) {
        let calls = run.compiled.iter().flat_map(|trace| trace.optimized.lines());
        let calls: Vec<_> = calls.filter(|line| line.contains("descr=call(")).collect();
        assert!(calls.is_empty(), "{calls:#?}");
        let stats = run.stats;
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!((stats.aborted(), stats.residual_calls), (0, 0), "{stats}");
        assert_eq!((stats.degraded_expressions, stats.degraded_statements), (0, 0), "{stats}");
    }
}

/// As [`check`]; something was compiled and nothing given up.
#[track_caller]
fn compiled<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for stats in check(program) {
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!(stats.aborted(), 0, "{stats}");
    }
}

opcode! {
    option_tests(i; sum: i64, x: Option<i64>, r: Result<i64, u8>) -> i64 {
        if x.is_some() { sum += 1; }
        if x.is_none() == (i % 2 == 0) { sum += 10; }
        if r.is_ok() || r.is_err() { sum += 100; }
        x = if i % 3 == 0 { None } else { Some(i) };
        r = if i % 5 == 0 { Err(3) } else { Ok(i) };
        sum += x.unwrap_or(7) + r.unwrap_or(9) + x.unwrap_or_default();
        sum += x.ok_or(4u8).or(r).unwrap_or(1);
        sum += r.ok().or(Some(5)).unwrap() + r.err().unwrap_or(2) as i64;
        sum += x.and(Some(3)).unwrap_or(8) + match x.zip(Some(i)) { Some((a, b)) => a * b, None => 1 };
        if let Some(y) = x.as_ref() { sum += *y; }
        if let Some(y) = x.as_mut() { *y += 1; sum += *y; }
        let taken = x.take();
        sum += taken.unwrap_or(11);
        let old = x.replace(i);
        sum += x.unwrap() + old.is_some() as i64;
        *x.get_or_insert(3) += 1;
        sum += x.expect("there is one");
        sum = sum % 100_003;
    } => sum
}

opcode! {
    unwrapping_none(i; sum: i64, x: Option<i64>) -> i64 {
        sum += x.unwrap();
        if i == 20 { x = None; }
    } => sum
}

opcode! {
    expecting_ok(i; sum: i64, x: Result<i64, u8>) -> i64 {
        sum += x.expect("no error");
        if i == 20 { x = Err(7); }
    } => sum
}

opcode! {
    unwrapping_err(i; sum: i64, x: Result<i64, u8>) -> i64 {
        sum += x.unwrap();
        if i == 20 { x = Err(7); }
    } => sum
}

opcode! {
    option_of_reference(i; sum: i64, table: &[i64]) -> i64 {
        let k = (i % 7) as usize;
        sum += table.get(k).copied().unwrap_or(100) + *table.first().unwrap() + *table.last().unwrap();
        if let Some(x) = table.get(k) { sum += *x; }
        sum += table.get(k + 1).cloned().unwrap_or(3);
        if table.get(k).is_none() { sum += 1; }
    } => sum
}

opcode! {
    range_of_slice(i; sum: i64, table: [i64; 5]) -> i64 {
        let start = (i % 8) as usize;
        if let Some(part) = table.get(start..start + 2) { sum += part[0] * 3 + part[1]; }
        if table.get(start..2).is_none() { sum += 1; }
        if let Some(part) = table.get_mut(0..start + 1) { part[0] += i; }
    } => sum + table[0]
}

opcode! {
    stack(i; sum: i64, v: Vec<i64>) -> i64 {
        v.push(i);
        v.push(i * 2);
        if let Some(x) = v.pop() { sum += x; }
        if v.len() > 20 { v.truncate(5); }
        sum += v.last().copied().unwrap_or(0) + v.len() as i64;
        if let Some(top) = v.last_mut() { *top += 1; }
        if let Some(bottom) = v.first_mut() { *bottom += 1; }
        if i % 50 == 0 { v.clear(); }
        if v.is_empty() { sum += 5; }
        if let Some(x) = v.get_mut(3) { *x += 2; }
        if v.len() > 1 { v.swap(0, 1); }
        if v.capacity() < 3 { sum += 1; }
    } => sum
}

opcode! {
    stack_of_pairs(i; sum: i64, v: &mut Vec<(u8, f64)>) -> i64 {
        v.push((i as u8, i as f64 * 0.5));
        if v.len() > 9 {
            let (a, b) = v.pop().unwrap();
            sum += a as i64 + b as i64;
            let (c, d) = v[2];
            sum += c as i64 + d as i64;
        }
    } => sum
}

opcode! {
    swapping_out_of_bounds(i; sum: i64, v: Vec<i64>) -> i64 {
        v.swap(0, (i / 10) as usize);
        sum += v[0];
    } => sum
}

opcode! {
    ranges(i; sum: i64, table: &mut [i64], v: Vec<i64>) -> i64 {
        let a = (i % 3) as usize;
        let part = &table[a..a + 3];
        sum += part[1] + part.len() as i64;
        sum += table[..a + 1].len() as i64 + table[a..][0] + v[..=a][a];
        let rest = &mut table[a + 1..=5];
        rest[0] += 1;
        sum += v[1..3][1] + table[..].len() as i64;
    } => sum
}

opcode! {
    range_past_end(i; sum: i64, table: &[i64]) -> i64 {
        sum += table[1..(i / 8) as usize + 2][0];
    } => sum
}

opcode! {
    range_from_past_end(i; sum: i64, table: Vec<i64>) -> i64 {
        sum += table[(i / 8) as usize..].len() as i64;
    } => sum
}

opcode! {
    range_backwards(i; sum: i64, table: &[i64]) -> i64 {
        sum += table[(i / 8) as usize..2].len() as i64;
    } => sum
}

opcode! {
    traced_ints(i; sum: i64, x: u32, y: i16) -> i64 {
        x = x.wrapping_mul(77).wrapping_add(i as u32);
        y = y.wrapping_mul(31).wrapping_add(7);
        sum += x.min(1000).max(10) as i64 + x.clamp(5, 70) as i64 + y.signum() as i64;
        sum += (y.max(-20000) / 2).abs() as i64 + x.abs_diff(500) as i64 + y.abs_diff(3) as i64;
        sum += x.checked_shl(3).unwrap_or(1) as i64 + x.checked_shr(x % 40).unwrap_or(2) as i64;
        sum += y.checked_neg().unwrap_or(4) as i64 + y.unsigned_abs() as i64;
        sum += i64::from(x) + u64::from(x as u8) as i64 + f64::from(y) as i64 + usize::from(y > 3) as i64;
        let bytes = x.to_le_bytes();
        sum += bytes[1] as i64 + u32::from_le_bytes(bytes) as i64;
        sum += (x.wrapping_div(7) + x.wrapping_rem(9)) as i64 + x.clone() as i64;
        sum += f64::from_bits((i as f64).to_bits()) as i64;
        if (i as f64).is_nan() { sum += 1; }
        sum = sum.wrapping_mul(3) % 1_000_003;
    } => sum
}

opcode! {
    called_numbers(i; sum: i64, x: u32, f: f64) -> i64 {
        x = x.wrapping_mul(77).wrapping_add(i as u32);
        f = f * 1.25 + 0.5;
        if f > 1000.0 { f = f % 3.0; }
        sum += (x.swap_bytes() ^ x.reverse_bits() ^ x.to_be()) as i64 + x.leading_ones() as i64;
        sum += x.count_zeros() as i64 + x.trailing_ones() as i64 + x.is_power_of_two() as i64;
        sum += x.wrapping_pow(3) as i64 + x.checked_pow(2).unwrap_or(3) as i64 + (x % 10).pow(3) as i64;
        sum += (sum - 50).rem_euclid(7) + (sum - 50).div_euclid(7) + u32::from_be_bytes(x.to_be_bytes()) as i64;
        sum += (f.sin() * 100.0) as i64 + f.powi(2) as i64 + f.round() as i64 + (f.fract() * 10.0) as i64;
        sum += f.min(3.0).max(1.0) as i64 + f.mul_add(2.0, 1.0) as i64 + f.copysign(-1.0) as i64 + f.is_finite() as i64;
        let c = (b'0' + (i % 75) as u8) as char;
        sum += c.is_ascii_digit() as i64 + c.is_alphabetic() as i64 + (c as u8).is_ascii_uppercase() as i64;
        sum += c.to_digit(10).unwrap_or(77) as i64 + char::from_u32(x).is_some() as i64 + u8::try_from(x).unwrap_or(3) as i64;
        sum %= 1_000_003;
    } => sum
}

opcode! {
    absolute_of_smallest(i; sum: i64, x: i8) -> i64 {
        x = x.wrapping_sub(1);
        sum += x.abs() as i64;
    } => sum
}

opcode! {
    remainder_by_zero(i; sum: i64, x: i64) -> i64 {
        sum += 100i64.rem_euclid(x) + 100i64.wrapping_div(x);
        x -= 1;
    } => sum
}

opcode! {
    clamped_backwards(i; sum: i64, lo: i64) -> i64 {
        sum += i.clamp(lo, 30);
        lo += 1;
    } => sum
}

struct Vm {
    counter: Cell<i64>,
    frame: RefCell<Frame>,
    shared: Rc<RefCell<Frame>>,
    a: i64,
    b: i64,
    text: Option<i64>,
}

struct Frame {
    pc: i64,
    stack: Vec<i64>,
}

impl Vm {
    fn new() -> Vm {
        let frame = || Frame { pc: 3, stack: Vec::with_capacity(64) };
        Vm {
            counter: Cell::new(1),
            frame: RefCell::new(frame()),
            shared: Rc::new(RefCell::new(frame())),
            a: 1,
            b: 2,
            text: Some(5),
        }
    }
}

opcode! {
    cells(i; sum: i64, vm: &Vm) -> i64 {
        vm.counter.set(vm.counter.get() + i);
        sum += vm.counter.replace(i * 2) + vm.counter.get();
        let local = Cell::new(i);
        local.set(local.get() + 1);
        sum += local.take();
        sum += vm.frame.borrow().pc;
        vm.frame.borrow_mut().pc += 1;
        let mut frame = vm.shared.borrow_mut();
        frame.stack.push(i);
        frame.pc += frame.stack.len() as i64;
        if frame.stack.len() > 5 { frame.stack.clear(); }
    } => sum + vm.frame.borrow().pc + vm.shared.borrow().pc
}

opcode! {
    borrowed_twice(i; sum: i64, vm: &Vm) -> i64 {
        let first = vm.frame.borrow();
        sum += first.pc;
        if i == 30 { vm.frame.borrow_mut().pc += 1; }
    } => sum
}

opcode! {
    counted(i; sum: i64, vm: &Vm) -> i64 {
        let one = Rc::clone(&vm.shared);
        let two = vm.shared.clone();
        sum += Rc::strong_count(&one) as i64;
        drop_it(one);
        sum += two.borrow().pc + Rc::strong_count(&two) as i64;
        if Rc::ptr_eq(&two, &vm.shared) { sum += 1; }
    } => sum * 10 + Rc::strong_count(&vm.shared) as i64
}

#[jit]
fn drop_it(frame: Rc<RefCell<Frame>>) {
    frame.borrow_mut().pc += 1;
}

opcode! {
    swapped(i; sum: i64, vm: &mut Vm) -> i64 {
        std::mem::swap(&mut vm.a, &mut vm.b);
        vm.a += i;
        sum += mem::replace(&mut vm.b, i) + mem::take(&mut vm.a);
        let mut x = i;
        let mut y = sum % 10;
        mem::swap(&mut x, &mut y);
        sum += x * 3 + y;
        if let Some(t) = vm.text.take() { sum += t; vm.text = Some(i); }
    } => sum
}

#[test]
fn interior_mutability() {
    compiled(|d| cells(d, 100, 0, &Vm::new()));
    check(|d| borrowed_twice(d, 60, 0, &Vm::new()));
    traced(|d| counted(d, 60, 0, &Vm::new()));
    traced(|d| swapped(d, 60, 0, &mut Vm::new()));
}

#[test]
fn numbers() {
    traced(|d| traced_ints(d, 100, 0, 3, 5));
    compiled(|d| called_numbers(d, 100, 0, 3, 5.0));
    check(|d| absolute_of_smallest(d, 200, 0, 0));
    check(|d| remainder_by_zero(d, 100, 0, 50));
    check(|d| clamped_backwards(d, 100, 0, 0));
}

#[test]
fn options() {
    traced(|d| option_tests(d, 100, 0, Some(3), Ok(4)));
    check(|d| unwrapping_none(d, 50, 0, Some(1)));
    check(|d| expecting_ok(d, 50, 0, Ok(1)));
    check(|d| unwrapping_err(d, 50, 0, Ok(1)));
    traced(|d| option_of_reference(d, 100, 0, &[1, 2, 3, 4, 5]));
    traced(|d| range_of_slice(d, 100, 0, [1, 2, 3, 4, 5]));
}

#[test]
fn vectors() {
    check(|d| stack(d, 200, 0, Vec::new()));
    traced(|d| stack(d, 200, 0, Vec::with_capacity(64)));
    traced(|d| stack_of_pairs(d, 100, 0, &mut Vec::with_capacity(64)));
    check(|d| stack_of_pairs(d, 100, 0, &mut Vec::new()));
    check(|d| swapping_out_of_bounds(d, 100, 0, vec![1, 2, 3, 4]));
}

#[test]
fn range_indices() {
    traced(|d| ranges(d, 100, 0, &mut [1, 2, 3, 4, 5, 6], vec![1, 2, 3]));
    check(|d| range_past_end(d, 100, 0, &[1, 2, 3, 4, 5, 6]));
    check(|d| range_from_past_end(d, 100, 0, vec![1, 2, 3, 4, 5, 6]));
    check(|d| range_backwards(d, 100, 0, &[1, 2, 3, 4, 5, 6]));
}
