//! The frontend, construct by construct: small interpreters whose opcodes use one construct each.
//!
//! Every program runs plain (JIT off) and under every backend that is compiled in, with thresholds 1,
//! 2, 3 and the default; results, final memory and panics (message and place) must be the same.
#![allow(
    clippy::assign_op_pattern,
    clippy::eq_op,
    clippy::let_and_return,
    clippy::manual_is_multiple_of,
    clippy::manual_range_contains,
    clippy::manual_unwrap_or,
    clippy::manual_unwrap_or_default,
    clippy::needless_range_loop,
    clippy::precedence,
    clippy::too_many_arguments,
    reason = "constructs are traced as authors may write them"
)]

use jit_tests::oracle::{self, THRESHOLDS, outcome};
use jitdriver::{
    JitDriver, Stats, can_enter_jit, dont_look_inside, elidable, jit, jit_merge_point, promote,
    unroll_safe, we_are_jitted,
};
use std::cell::Cell;
use std::fmt::Debug;

/// Runs `program` in all modes and compares. Answers the statistics of each compiled run at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Stats> {
    let runs = oracle::check(THRESHOLDS, program);
    let of_two = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    of_two.map(|run| run.stats).collect()
}

/// As [`check`], and something was compiled and nothing given up.
#[track_caller]
fn check_compiled<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for stats in check(program) {
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!(stats.aborted(), 0, "{stats}");
    }
}

/// `interpret(driver, n, state)` with a counter and one opcode: the body of the loop.
macro_rules! counting_portal {
    ($name:ident($($red:ident: $ty:ty),*) -> $ret:ty { $($body:tt)* } => $result:expr) => {
        #[jit]
        fn $name<'p>(driver: &JitDriver<'p>, pc: usize, n: u32, $($red: $ty),*) -> $ret {
            let mut i = 0;
            $(#[allow(unused_mut)] let mut $red = $red;)*
            while pc < 10 {
                jit_merge_point!(driver, greens = [pc], reds = [i, n, $($red),*]);
                if i == n {
                    break;
                }
                i += 1;
                $($body)*
                can_enter_jit!(driver, greens = [pc], reds = [i, n, $($red),*]);
            }
            $result
        }
    };
}

macro_rules! integer_tests {
    ($($ty:ident)*) => {$(
        mod $ty {
            use super::*;

            counting_portal! {
                wrapping(a: $ty, b: $ty) -> $ty {
                    a = a.wrapping_mul(5).wrapping_add(b).wrapping_sub(3);
                    b = (b ^ a.rotate_left(3)) & !(a | 1) | (a.wrapping_shr(2));
                    a = a.wrapping_neg().wrapping_shl(1) ^ b.rotate_right(1);
                } => a ^ b
            }

            counting_portal! {
                counting_bits(a: $ty, sum: u32) -> u32 {
                    a = a.wrapping_mul(13).wrapping_add(7);
                    sum = sum.wrapping_mul(31) + a.leading_zeros() * 3 + a.trailing_zeros() * 5 + a.count_ones();
                    sum %= 100_003;
                } => sum
            }

            counting_portal! {
                overflowing(a: $ty, b: $ty, flags: u64) -> u64 {
                    let (sum, carry) = a.overflowing_add(b);
                    let (difference, borrow) = sum.overflowing_sub(a.wrapping_mul(3));
                    let (product, over) = difference.overflowing_mul(b);
                    a = product.wrapping_add(11);
                    b = b.wrapping_mul(7).wrapping_add(1);
                    flags = flags.rotate_left(3) ^ (carry as u64) ^ ((borrow as u64) << 1) ^ ((over as u64) << 2);
                } => flags ^ (a as u64)
            }

            counting_portal! {
                checked(a: $ty, b: $ty, misses: u32) -> $ty {
                    match a.checked_add(b) {
                        Some(sum) => a = sum,
                        None => { a = a.wrapping_sub(b); misses += 1; }
                    }
                    if let Some(product) = b.checked_mul(3) {
                        b = product;
                    } else {
                        b = b.wrapping_add(1) & 15;
                        misses += 1;
                    }
                    let Some(d) = a.checked_div(b & 3) else { misses += 1; continue; };
                    a = a.wrapping_add(d);
                    if let Some(r) = a.checked_rem(b) { a ^= r; }
                    if let Some(c) = a.checked_sub(7) { a = c; } else { a = a.wrapping_add(100); }
                } => a ^ (misses as $ty)
            }

            counting_portal! {
                saturating(a: $ty, b: $ty) -> $ty {
                    a = a.saturating_add(b);
                    b = b.saturating_sub(a).saturating_add(5);
                    a = a.saturating_mul(3).saturating_sub(b.saturating_mul(2));
                } => a.wrapping_add(b)
            }

            counting_portal! {
                comparing(a: $ty, b: $ty, count: u32) -> u32 {
                    a = a.wrapping_mul(29).wrapping_add(3);
                    b = b.wrapping_mul(31).wrapping_add(5);
                    if a < b { count += 1; }
                    if a <= b { count += 2; }
                    if a > b { count += 4; }
                    if a >= b { count += 8; }
                    if a == b { count += 16; }
                    if a != b && (a & 1 == 0 || b & 1 == 1) { count += 32; }
                } => count
            }

            counting_portal! {
                dividing(a: $ty, b: $ty) -> $ty {
                    b = (b.wrapping_mul(3).wrapping_add(1)) & 15 | 1;
                    a = (a.wrapping_mul(77).wrapping_add(5) / b) ^ (a % b);
                } => a
            }

            counting_portal! {
                dividing_by_zero(a: $ty, b: $ty) -> $ty {
                    a = a.wrapping_add(100 / b);
                    b -= 1;
                } => a
            }

            counting_portal! {
                adding_until_it_panics(a: $ty, b: $ty) -> $ty {
                    a = a + b;
                    b = b + 1;
                } => a
            }

            counting_portal! {
                multiplying_until_it_panics(a: $ty, b: $ty) -> $ty {
                    a *= b;
                } => a
            }

            counting_portal! {
                shifting(a: $ty, b: u32) -> $ty {
                    a = (a << (b % 8)) ^ (a >> 1u8) ^ (b as $ty);
                    b = b.wrapping_add(3);
                } => a
            }

            counting_portal! {
                shifting_until_it_panics(a: $ty, b: u32) -> $ty {
                    a = a ^ (1 << b);
                    b += 1;
                } => a
            }

            #[test]
            fn arithmetic() {
                let (a, b) = ($ty::MAX / 3, $ty::MIN / 2 + 9);
                check_compiled(|d| wrapping(d, 0, 50, a, b));
                check_compiled(|d| counting_bits(d, 0, 50, a, 0));
                check_compiled(|d| overflowing(d, 0, 80, a, b, 0));
                check(|d| checked(d, 0, 300, a, 3, 0));
                check(|d| saturating(d, 0, 100, a, b));
                check(|d| comparing(d, 0, 100, a, b, 0));
                check_compiled(|d| dividing(d, 0, 100, a, b));
                check_compiled(|d| shifting(d, 0, 60, a, 0));
            }

            #[test]
            fn panics() {
                check(|d| dividing_by_zero(d, 0, 100, 1, 9));
                check(|d| adding_until_it_panics(d, 0, if $ty::BITS > 16 { 40 } else { 1000 }, 1, 1));
                check(|d| adding_until_it_panics(d, 0, 50, $ty::MAX - 100, 1));
                check(|d| multiplying_until_it_panics(d, 0, 200, 1, 2));
                check(|d| shifting_until_it_panics(d, 0, 200, 1, 0));
            }
        }
    )*};
}

integer_tests! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

counting_portal! {
    negating(a: i32, b: i32) -> i32 {
        b = -b;
        a = a.wrapping_add(-b) - (a / 2);
        if a.is_negative() { a = a.wrapping_abs(); }
    } => a ^ b
}

counting_portal! {
    casting(x: u64, sum: u64) -> u64 {
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        sum ^= x as u8 as i8 as i64 as u64;
        sum = sum.wrapping_add(x as i32 as u16 as u64).rotate_left(7);
        sum ^= (x as f32 as i16 as u64) ^ ((x as i64 as f64) as u32 as u64);
        sum = sum.wrapping_add((x & 1 == 1) as u64) ^ ((x % 95 + 32) as u8 as char as u32 as u64);
        sum ^= (x as usize) as u64;
    } => sum
}

counting_portal! {
    floating(x: f64, y: f32) -> f64 {
        x = x * 1.25 - (y as f64) / 3.0;
        y = -(y + 0.5f32) * 0.75;
        if x > 1000.0 || x < -1000.0 { x = (x % 7.0).abs().sqrt().floor() + 0.25; }
        x += ((x.ceil() - x.trunc()) as f32 + y) as f64;
    } => x + y as f64
}

counting_portal! {
    floats_that_are_not_numbers(x: f64, y: f64, n_less: u32) -> u32 {
        x = x / y;
        y = y * 0.5 - y;
        if x < y { n_less += 1; }
        if x == x { n_less += 100; }
        if x != x { n_less += 10_000; x = 1.0; y = 0.0; }
        if x >= y { n_less += 7; }
    } => n_less
}

counting_portal! {
    characters(c: char, seen: bool, sum: u32) -> u32 {
        c = match c { 'z' => 'a', '0'..='9' => 'x', other => ((other as u8) + 1) as char };
        seen = seen ^ (c == 'k') | !seen & (c < 'c');
        if seen != (c > 'm') { sum += c as u32; }
    } => sum
}

#[test]
fn scalars() {
    check_compiled(|d| negating(d, 0, 50, 100, 3));
    check_compiled(|d| casting(d, 0, 60, 1, 0));
    check_compiled(|d| floating(d, 0, 200, 1.0, 2.0).to_bits());
    check(|d| floats_that_are_not_numbers(d, 0, 200, 1.0, 2.0, 0));
    check(|d| characters(d, 0, 100, '0', false, 0));
    check(|d| negating(d, 0, 50, 100, i32::MIN));
}

#[jit]
fn bump(x: &mut i64, by: i64) -> i64 {
    *x += by;
    *x
}

#[jit]
fn sum_of(values: &[i64], i: usize, j: usize) -> i64 {
    values[i] + values[j]
}

#[jit]
fn early(x: i64) -> i64 {
    if x % 3 == 0 {
        return x / 3;
    }
    if x % 3 == 1 { x + 1 } else { x - 1 }
}

#[jit]
#[unroll_safe]
fn triangular(n: i64) -> i64 {
    let mut sum = 0;
    for i in 0..=n {
        if i == 2 {
            continue;
        }
        sum += i;
    }
    let mut j = n;
    let product = loop {
        j -= 1;
        if j <= 1 {
            break j + sum;
        }
    };
    product
}

#[jit]
fn recursive(n: i64) -> i64 {
    if n <= 1 { 1 } else { n.wrapping_mul(recursive(n - 1)) }
}

#[elidable]
fn mixed(x: i64) -> i64 {
    CALLS.with(|calls| calls.set(calls.get() + 1));
    x * 31 + 7
}

#[dont_look_inside]
fn counted(x: i64) -> i64 {
    CALLS.with(|calls| calls.set(calls.get() + 1));
    x ^ 5
}

fn not_annotated(x: i64, flag: bool, c: char, f: f32) -> Option<i64> {
    CALLS.with(|calls| calls.set(calls.get() + 1));
    (flag ^ (c == 'q')).then_some(x + f as i64)
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

counting_portal! {
    helpers(x: i64, y: i64) -> i64 {
        let z = bump(&mut x, y & 7);
        y = y.wrapping_add(z) & 1023;
        x = early(x) ^ triangular(x & 7);
        bump(&mut y, 3);
        x = x.wrapping_add(recursive(x & 3)) & 0xffff;
    } => x ^ y
}

counting_portal! {
    residual_calls(x: i64) -> i64 {
        x = counted(x) + 1;
        match not_annotated(x, x & 1 == 0, 'q', 2.5) {
            Some(y) => x = y,
            None => x = x.wrapping_mul(3) & 0xfff,
        }
        x = x.rem_euclid(1001).pow(2) & 0xffff;
    } => x
}

counting_portal! {
    elidable_calls(x: i64) -> i64 {
        x = (mixed(x) + mixed(3)) & 0xffff;
        if we_are_jitted() { x = x & 0xffff; }
        let k = promote(x & 1);
        x += k;
    } => x
}

#[test]
fn calls() {
    check(|d| helpers(d, 0, 100, 3, 5));
    // Effects are counted once, in every mode.
    check(|d| {
        CALLS.set(0);
        (residual_calls(d, 0, 120, 3), CALLS.get())
    });
    check(|d| elidable_calls(d, 0, 60, 3));
}

#[jit]
fn slices<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    mut fuel: u8,
    regs: &mut [i64],
    table: &[i64; 4],
) -> i64 {
    let mut pc = 0;
    let mut acc = 0;
    let mut local = [1i64, 2, 3, 4];
    let mut heap = vec![0i64; 8];
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [acc, fuel, regs, table, local, heap]);
        let op = code[pc];
        pc += 1;
        match op {
            0 => return acc,
            1 => {
                acc += regs[0];
                regs[0] += 1;
            }
            2 => {
                let i = (acc & 3) as usize;
                regs[i] = regs[i] * 2 + table[i];
                regs[i] &= 0xffff;
            }
            3 => {
                local[(acc & 3) as usize] += 1;
                acc += local[1] * local[(acc & 1) as usize];
            }
            4 => {
                heap[(acc & 7) as usize] ^= acc;
                let cell = &mut heap[2];
                *cell += 1;
                let value = *cell;
                acc += value + heap.len() as i64;
            }
            5 => {
                acc = sum_of(regs, 1, 2) + sum_of(table, 0, (acc & 3) as usize);
            }
            6 => {
                // A jump back while there is fuel.
                if fuel > 0 {
                    fuel -= 1;
                    pc = code[pc] as usize;
                    can_enter_jit!(
                        driver,
                        greens = [pc, code],
                        reds = [acc, fuel, regs, table, local, heap]
                    );
                    continue;
                }
                pc += 1;
            }
            7 => acc += bump(&mut regs[1], acc & 3),
            8 => acc += heap[regs[0] as usize],
            _ => panic!("bad opcode {op} at {}", pc - 1),
        }
    }
}

#[test]
fn memory() {
    const PROGRAMS: &[&[u8]] = &[
        &[1, 2, 6, 0, 0],
        &[1, 3, 4, 6, 0, 0],
        &[4, 5, 2, 7, 6, 0, 0],
        &[1, 2, 3, 4, 5, 7, 6, 1, 3, 4, 0],
        &[1, 1, 1, 8, 6, 0, 0],
        &[1, 6, 0, 9],
        &[1, 6, 0],
    ];
    for &code in PROGRAMS {
        check(|d| {
            let mut regs = [1, 2, 3, 60];
            let result = outcome(|| slices(d, code, 60, &mut regs, &[5, 6, 7, 8]));
            (result, regs)
        });
    }
}

struct Machine {
    acc: i64,
    stack: Vec<i64>,
    small: u8,
    flags: [bool; 4],
}

#[jit]
impl Machine {
    fn add(&mut self, n: i64) -> i64 {
        self.acc = self.acc.wrapping_add(n);
        self.small = self.small.wrapping_add(self.acc as u8);
        self.acc
    }

    fn push(&mut self, n: i64) {
        self.stack.push(n);
    }

    fn pop(&mut self) -> i64 {
        match self.stack.pop() {
            Some(n) => n,
            None => 0,
        }
    }

    fn top(&mut self) -> &mut i64 {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn flip(&mut self, i: usize) -> bool {
        self.flags[i] = !self.flags[i];
        self.flags[i] && self.is_odd()
    }

    fn is_odd(&self) -> bool {
        self.acc & 1 == 1
    }

    #[dont_look_inside]
    fn forget(&mut self) {
        self.stack.clear();
    }
}

counting_portal! {
    methods(m: &mut Machine, sum: i64) -> i64 {
        sum ^= m.add(sum & 7);
        m.push(sum);
        m.push(m.acc);
        *m.top() += 3;
        sum = sum.wrapping_add(m.pop());
        if m.flip((sum & 3) as usize) { sum += 1; }
        if m.stack.len() > 5 { m.forget(); }
    } => sum
}

#[test]
fn method_calls() {
    check(|d| {
        let mut m = Machine { acc: 7, stack: vec![], small: 3, flags: [false; 4] };
        let sum = methods(d, 0, 100, &mut m, 1);
        (sum, m.acc, m.stack, m.small, m.flags)
    });
}
