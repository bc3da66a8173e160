//! Objects that own something are apart from buffers and from what a red leads to, so that a store to one says nothing
//! about the others; and what a loop loads again from the interpreter's frames is known to be what it was.

use jit_tests::oracle::{self, Run, THRESHOLDS, check};
use jitdriver::{Abort, JitDriver, can_enter_jit, jit, jit_merge_point};
use std::cell::Cell;

/// It has a destructor, and a size that nothing else here has.
struct Object {
    count: Cell<i64>,
    last: Cell<i64>,
    names: Vec<u8>,
}

fn object() -> Object {
    Object { count: Cell::new(1), last: Cell::new(2), names: vec![3] }
}

struct Machine<'a> {
    objects: [&'a Object; 2],
    registers: Vec<i64>,
    acc: i64,
}

#[jit]
impl<'a> Machine<'a> {
    fn run<'p>(&mut self, driver: &JitDriver<'p>, code: &'p [u8], n: i64) -> i64 {
        let (mut pc, mut left) = (0usize, n);
        loop {
            jit_merge_point!(driver, greens = [pc, code], reds = [self, left]);
            let op = code[pc];
            pc += 1;
            match op {
                b'+' => self.registers[1] = self.registers[1].wrapping_add(left),
                b'o' => {
                    let object = self.objects[0];
                    object.count.set(object.count.get().wrapping_add(self.registers[1]));
                }
                b'O' => {
                    let object = self.objects[1];
                    object.last.set(object.count.get() ^ self.acc);
                }
                b'a' => self.acc = self.acc.wrapping_mul(3) ^ self.registers[1],
                _ => {
                    left = left.wrapping_sub(1);
                    if left <= 0 {
                        return self.acc;
                    }
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [self, left]);
                }
            }
        }
    }
}

fn run(code: &'static [u8], same: bool) -> Vec<Run> {
    check(THRESHOLDS, |driver| {
        let (first, second) = (object(), object());
        let objects = [&first, if same { &first } else { &second }];
        let mut machine = Machine { objects, registers: vec![0; 4], acc: 7 };
        let result = machine.run(driver, code, 5000);
        let names = first.names.len() + second.names.len();
        (
            result,
            machine.registers,
            [first, second].map(|it| (it.count.get(), it.last.get())),
            names,
        )
    })
}

/// What is done in a lap of the loop.
fn lap(run: &Run, what: &str) -> usize {
    let lap = run.trace("loop").optimized.rsplit(" label(").next().expect("a loop").to_string();
    lap.lines()
        .filter(|line| line.trim_start().trim_start_matches(|it| it != '=').contains(what))
        .count()
}

#[test]
fn a_store_to_an_object_does_not_touch_registers_or_the_machine() {
    for run in run(b"+oa<", false) {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert_eq!((lap(&run, "getfield"), lap(&run, "getarrayitem")), (0, 0), "{run}");
    }
}

#[test]
fn two_objects_may_be_one() {
    for same in [false, true] {
        for run in run(b"+oOoaO<", same) {
            assert_eq!(run.stats.aborted(), 0, "{run}");
            assert!(lap(&run, "getfield") >= 1, "{run}");
        }
    }
}

/// One of the elements is known by a reference of its own.
#[jit]
fn of_pool<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    pool: &Vec<Object>,
    object: &Object,
    n: i64,
) -> i64 {
    let (mut pc, mut left, mut acc) = (0usize, n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [pool, object, left, acc]);
        let op = code[pc];
        pc += 1;
        let i = left as usize & 3;
        match op {
            b'o' => object.count.set(object.count.get().wrapping_add(left)),
            b'p' => pool[i].count.set(pool[i].count.get().wrapping_mul(3) % 1000),
            b'2' => pool[2].count.set(acc),
            b'+' => acc = acc.wrapping_mul(5) ^ object.count.get() ^ pool[i].last.get(),
            _ => {
                left = left.wrapping_sub(1);
                if left <= 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [pool, object, left, acc]);
            }
        }
    }
}

#[test]
fn an_object_may_be_an_element() {
    for code in [&b"op+<"[..], b"po+<", b"o2+p+<", b"+2o+2<"] {
        let runs = check(THRESHOLDS, |driver| {
            let pool: Vec<Object> = (0..4).map(|_| object()).collect();
            let result = of_pool(driver, code, &pool, &pool[2], 5000);
            (result, pool.iter().map(|it| it.count.get()).collect::<Vec<_>>())
        });
        for run in runs {
            let given_up = run.stats.aborts[Abort::ObjectInVec as usize];
            assert!(given_up <= 1, "{run}");
            assert_eq!(given_up == 1, code[0] != b'p', "{run}");
            assert!(run.stats.loops >= 1, "recorded anew: {run}");
        }
    }
}

/// A slot that an object is in, or not.
enum Slot {
    Free(i64),
    Used(i64, Object),
}

#[jit]
fn of_slots<'p>(
    driver: &JitDriver<'p>,
    code: &'p [u8],
    slots: &Vec<Slot>,
    object: &Object,
    n: i64,
) -> i64 {
    let (mut pc, mut left, mut acc) = (0usize, n, 0i64);
    loop {
        jit_merge_point!(driver, greens = [pc, code], reds = [slots, object, left, acc]);
        let op = code[pc];
        pc += 1;
        match op {
            b'o' => object.count.set(object.count.get().wrapping_add(left)),
            b's' => match &slots[left as usize & 3] {
                Slot::Free(n) => acc ^= n,
                Slot::Used(n, used) => acc = acc.wrapping_mul(7) ^ n ^ used.count.get(),
            },
            _ => {
                left = left.wrapping_sub(1);
                if left <= 0 {
                    return acc;
                }
                pc = 0;
                can_enter_jit!(driver, greens = [pc, code], reds = [slots, object, left, acc]);
            }
        }
    }
}

#[test]
fn an_object_may_be_in_an_element() {
    for code in [&b"sos<"[..], b"oss<", b"osos<"] {
        let runs = check(THRESHOLDS, |driver| {
            let slot = |n| if n == 1 { Slot::Free(5) } else { Slot::Used(n, object()) };
            let slots: Vec<Slot> = (0..4).map(slot).collect();
            let Slot::Used(_, object) = &slots[2] else { unreachable!() };
            (of_slots(driver, code, &slots, object, 5000), object.count.get())
        });
        for run in runs {
            assert!(run.stats.loops >= 1, "{run}");
        }
    }
}

#[derive(Clone, Copy)]
struct Frame {
    base: usize,
    back: usize,
}

/// Functions have four registers; a caller's last is the first of the function that it calls.
struct Calls {
    registers: Vec<i64>,
    frames: Vec<Frame>,
}

#[jit]
impl Calls {
    fn run<'p>(&mut self, driver: &JitDriver<'p>, code: &'p [u8]) -> i64 {
        let (mut pc, mut base) = (0usize, 0usize);
        loop {
            jit_merge_point!(driver, greens = [pc, code], reds = [self, base]);
            let op = code[pc];
            pc += 1;
            match op {
                b'-' => self.registers[base] = self.registers[base].wrapping_sub(1),
                b'+' => {
                    let sum = self.registers[base + 1].wrapping_add(self.registers[base + 3]);
                    self.registers[base + 1] = sum;
                }
                b'x' => self.registers[base] = self.registers[base].wrapping_mul(3) & 1023,
                b'm' => self.registers[base + 3] = self.registers[base + 1] ^ 5,
                b'f' => {
                    let at = code.len() - 2;
                    if let Some(frame) = self.frames.last_mut() {
                        frame.back = pc;
                    }
                    base = base.wrapping_add(3);
                    self.frames.push(Frame { base, back: 0 });
                    pc = at;
                }
                b'r' => {
                    self.frames.pop();
                    let Some(frame) = self.frames.last() else { return -1 };
                    (base, pc) = (frame.base, frame.back);
                }
                _ => {
                    if self.registers[base] <= 0 {
                        return self.registers[base + 1];
                    }
                    pc = 0;
                    can_enter_jit!(driver, greens = [pc, code], reds = [self, base]);
                }
            }
        }
    }
}

// What the loop has of its frame is loaded when the function returns, and is the same in each lap.
#[test]
fn what_a_return_loads_of_the_callers_frame_is_known() {
    let runs = oracle::check(THRESHOLDS, |driver| {
        let frames = vec![Frame { base: 0, back: 0 }];
        let mut calls = Calls { registers: vec![0; 32], frames };
        calls.registers[0] = 4000;
        (calls.run(driver, b"-mf+<xr"), calls.registers)
    });
    for run in runs {
        assert_eq!(run.stats.aborted(), 0, "{run}");
        assert_eq!((lap(&run, "getfield"), lap(&run, "getarrayitem")), (0, 0), "{run}");
        let lap = run.trace("loop").optimized.rsplit(" label(").next().unwrap().to_string();
        assert_eq!(lap.matches("guard_").count(), 1, "the test of the counter: {run}");
    }
}
