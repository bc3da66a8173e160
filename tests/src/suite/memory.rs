//! Loads and stores of every type, by field and by index.

use crate::bench::{Bench, Make};
use crate::words;
use std::fmt::Write;

/// Type, size, and a value whose every byte differs, as a word.
const TYPES: [(&str, usize, u64); 8] = [
    ("bool", 1, 1),
    ("i8", 1, 0x91),
    ("i16", 2, 0x9182),
    ("i32", 4, 0x9182_7364),
    ("i64", 8, 0x9182_7364_5566_7788),
    ("f32", 4, 0xc049_0fdb),
    ("f64", 8, 0xc009_21fb_5444_2d18),
    ("ptr", 8, 0x0000_7f12_3456_7890),
];

fn name(ty: &str, n: usize) -> String {
    match ty.as_bytes()[0] {
        b'f' => format!("f{n}"),
        b'p' => format!("p{n}"),
        _ => format!("i{n}"),
    }
}

fn bytes(memory: &[u64]) -> Vec<u8> {
    memory.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn set_bytes(memory: &mut [u64], at: usize, value: &[u8]) {
    let mut all = bytes(memory);
    all[at..at + value.len()].copy_from_slice(value);
    for (word, chunk) in memory.iter_mut().zip(all.chunks(8)) {
        *word = u64::from_ne_bytes(chunk.try_into().expect("eight bytes"));
    }
}

/// The lowest bytes of a word, in the order of memory.
fn low_bytes(word: u64, n: usize) -> Vec<u8> {
    let all = word.to_ne_bytes();
    if cfg!(target_endian = "little") { all[..n].to_vec() } else { all[8 - n..].to_vec() }
}

/// Loads at several offsets, stores at others.
pub fn fields_of_every_type(make: Make<'_>) {
    for (ty, size, value) in TYPES {
        for offset in [0, 8, 40] {
            let b = Bench::new(make);
            let (x, y) = (name(ty, 1), name(ty, 2));
            b.compile(
                0,
                &format!(
                    "[p0, {x}: {ty}]
                     {y}: {ty} = getfield(p0, descr=mem({ty}, offset={offset}))
                     setfield(p0, {x}, descr=mem({ty}, offset={}))
                     finish() [{y}] exit=0",
                    offset + 16
                ),
            );
            let mut memory = [0xffff_ffff_ffff_ffffu64; 10];
            set_bytes(&mut memory, offset, &low_bytes(value, size));
            let mut expected = memory;
            set_bytes(&mut expected, offset + 16, &low_bytes(value, size));
            b.check(0, &words![memory.as_mut_ptr(), value], 0, &[value]);
            assert_eq!(bytes(&memory), bytes(&expected), "{ty} at {offset}");
        }
    }
}

/// Moves an element from one index to another, with the natural scale.
pub fn arrays_of_every_type(make: Make<'_>) {
    for (ty, size, value) in TYPES {
        let b = Bench::new(make);
        let (x, descr) = (name(ty, 3), format!("mem({ty}, offset=16, scale={size})"));
        b.compile(
            0,
            &format!(
                "[p0, i1, i2]
                 {x}: {ty} = getarrayitem(p0, i1, descr={descr})
                 setarrayitem(p0, i2, {x}, descr={descr})
                 finish() [{x}] exit=0"
            ),
        );
        let mut memory = [0u64; 16];
        for (from, to) in [(0usize, 1usize), (5, 3), (2, 9)] {
            memory.fill(0xffff_ffff_ffff_ffff);
            set_bytes(&mut memory, 16 + from * size, &low_bytes(value, size));
            let mut expected = memory;
            set_bytes(&mut expected, 16 + to * size, &low_bytes(value, size));
            b.check(0, &words![memory.as_mut_ptr(), from as u64, to as u64], 0, &[value]);
            assert_eq!(bytes(&memory), bytes(&expected), "{ty} from {from} to {to}");
        }
    }
}

/// Offsets that do not fit into an instruction of some machines, negative ones, negative indices.
pub fn offsets_far_and_negative(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0, i1]
         i2 = getfield(p0, descr=mem(i64, offset=-8))
         i3 = getfield(p0, descr=mem(i64, offset=4096))
         i4 = getfield(p0, descr=mem(i64, offset=131072))
         i5 = getfield(p0, descr=mem(i64, offset=-131072))
         i6 = getarrayitem(p0, i1, descr=mem(i64, scale=8))
         i7 = getarrayitem(p0, i1, descr=mem(i64, offset=-65536, scale=8))
         i8 = getarrayitem(p0, i1, descr=mem(i64, offset=131072, scale=8))
         setfield(p0, i2, descr=mem(i64, offset=131080))
         setarrayitem(p0, i1, i3, descr=mem(i64, offset=-131072, scale=8))
         finish() [i2, i3, i4, i5, i6, i7, i8] exit=0",
    );
    let (middle, index) = (40_000i64, -7i64);
    let mut memory: Vec<u64> = (0..80_000).collect();
    let base = memory[middle as usize..].as_mut_ptr();
    let at = |bytes: i64, index: i64| (middle + bytes / 8 + index) as u64;
    let expected = [
        at(-8, 0),
        at(4096, 0),
        at(131_072, 0),
        at(-131_072, 0),
        at(0, index),
        at(-65_536, index),
        at(131_072, index),
    ];
    b.check(0, &words![base, index], 0, &expected);
    assert_eq!(memory[at(131_080, 0) as usize], at(-8, 0));
    assert_eq!(memory[at(-131_072, index) as usize], at(4096, 0));
}

/// Steps between elements that are and are not powers of two.
pub fn scales(make: Make<'_>) {
    let mut memory: Vec<u64> = (0..4096).collect();
    for scale in [8, 16, 24, 32, 40, 64, 1000, 4096, 0] {
        let b = Bench::new(make);
        b.compile(
            0,
            &format!(
                "[p0, i1]\ni2 = getarrayitem(p0, i1, descr=mem(i64, offset=8, scale={scale}))\nfinish() [i2] exit=0"
            ),
        );
        for index in [0u64, 1, 3, 7] {
            b.check(0, &words![memory.as_mut_ptr(), index], 0, &[(8 + index * scale) / 8]);
        }
    }
    for scale in [1, 2, 3, 5, 9] {
        let b = Bench::new(make);
        b.compile(
            0,
            &format!(
                "[p0, i1]\ni2: i8 = getarrayitem(p0, i1, descr=mem(i8, scale={scale}))\nfinish() [i2] exit=0"
            ),
        );
        let all = bytes(&memory);
        for index in [0u64, 1, 3, 200] {
            let expected = u64::from(all[(index * scale) as usize]);
            b.check(0, &words![memory.as_mut_ptr(), index], 0, &[expected]);
        }
    }
}

/// The address, the index, or both are in the code.
pub fn constant_addresses_and_indices(make: Make<'_>) {
    let b = Bench::new(make);
    let mut memory = [10u64, 11, 12, 13, 14, 15];
    let base = memory.as_mut_ptr() as u64;
    b.compile(
        0,
        &format!(
            "[i0]
             i1 = getfield({base:#x}, descr=mem(i64, offset=8))
             i2 = getarrayitem({base:#x}, i0, descr=mem(i64, scale=8))
             i3 = getarrayitem({base:#x}, 3, descr=mem(i64, scale=8))
             p4 = same_as({base:#x})
             i5 = getarrayitem(p4, -1, descr=mem(i64, offset=48, scale=8))
             setarrayitem({base:#x}, 4, i0, descr=mem(i64, scale=8))
             setfield({base:#x}, i0, descr=mem(i64))
             finish() [i1, i2, i3, i5] exit=0"
        ),
    );
    b.check(0, &words![2i64], 0, &words![11i64, 12i64, 13i64, 15i64]);
    assert_eq!(memory, [2, 11, 12, 13, 2, 15]);
}

/// The stored value is in the code.
pub fn stores_of_constants(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0]
         setfield(p0, -1, descr=mem(i64))
         setfield(p0, 0x123456789abcdef0i64, descr=mem(i64, offset=8))
         setfield(p0, -2i32, descr=mem(i32, offset=16))
         setfield(p0, -3i16, descr=mem(i16, offset=20))
         setfield(p0, -4i8, descr=mem(i8, offset=22))
         setfield(p0, true, descr=mem(bool, offset=23))
         setfield(p0, 1.5, descr=mem(f64, offset=24))
         setfield(p0, -0.0, descr=mem(f64, offset=32))
         setfield(p0, 1.5f32, descr=mem(f32, offset=40))
         setfield(p0, 0.0f32, descr=mem(f32, offset=44))
         setfield(p0, 0x7f0012345678, descr=mem(ptr, offset=48))
         setarrayitem(p0, 7, 0, descr=mem(i64, scale=8))
         finish() [] exit=0",
    );
    let mut memory = [0x5555_5555_5555_5555u64; 9];
    b.check(0, &words![memory.as_mut_ptr()], 0, &[]);
    let mut expected = [0x5555_5555_5555_5555u64; 9];
    let stored: [(usize, Vec<u8>); 12] = [
        (0, (-1i64).to_ne_bytes().to_vec()),
        (8, 0x1234_5678_9abc_def0u64.to_ne_bytes().to_vec()),
        (16, (-2i32).to_ne_bytes().to_vec()),
        (20, (-3i16).to_ne_bytes().to_vec()),
        (22, vec![0xfc]),
        (23, vec![1]),
        (24, 1.5f64.to_ne_bytes().to_vec()),
        (32, (-0.0f64).to_ne_bytes().to_vec()),
        (40, 1.5f32.to_ne_bytes().to_vec()),
        (44, 0.0f32.to_ne_bytes().to_vec()),
        (48, 0x7f00_1234_5678u64.to_ne_bytes().to_vec()),
        (56, 0u64.to_ne_bytes().to_vec()),
    ];
    stored.iter().for_each(|(at, value)| set_bytes(&mut expected, *at, value));
    assert_eq!(bytes(&memory), bytes(&expected));
}

/// A narrow store in the middle of a word changes its own bytes only.
pub fn neighbours_stay(make: Make<'_>) {
    for (ty, size, value) in TYPES {
        let b = Bench::new(make);
        let x = name(ty, 1);
        let mut text = format!("[p0, {x}: {ty}]\n");
        writeln!(text, "setfield(p0, {x}, descr=mem({ty}, offset={}))", 8 + size % 8).unwrap();
        b.compile(0, &(text + "finish() [] exit=0"));
        for pattern in [0u64, u64::MAX] {
            let mut memory = [pattern; 4];
            let mut expected = memory;
            set_bytes(&mut expected, 8 + size % 8, &low_bytes(value, size));
            b.check(0, &words![memory.as_mut_ptr(), value], 0, &[]);
            assert_eq!(bytes(&memory), bytes(&expected), "{ty}");
        }
    }
}

/// A `bool` from memory in guards and operations, and back.
pub fn loaded_bools_decide(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0]
         i1: bool = getfield(p0, descr=mem(bool, offset=1))
         i2: bool = getfield(p0, descr=mem(bool, offset=2))
         i3 = bool_and(i1, i2)
         i4 = bool_not(i1)
         setfield(p0, i4, descr=mem(bool, offset=3))
         guard_true(i1) [i2] exit=0
         guard_false(i2) [i3] exit=1
         finish() [i1, i3] exit=2",
    );
    let run = |first: u8, second: u8| {
        let mut memory = [u64::from_ne_bytes([9, first, second, 9, 9, 9, 9, 9])];
        let left = b.run(0, &words![memory.as_mut_ptr()]);
        assert_eq!(memory[0].to_ne_bytes(), [9, first, second, 1 - first, 9, 9, 9, 9]);
        (left.exit, left.values)
    };
    assert_eq!(run(0, 1), (0, vec![1]));
    assert_eq!(run(1, 1), (1, vec![1]));
    assert_eq!(run(1, 0), (2, vec![1, 0]));
}

/// Loads see what stores to the same place, by another name and width, have left.
pub fn store_then_load(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0, p1, i2, f3]
         setfield(p0, i2, descr=mem(i64))
         i4 = getfield(p1, descr=mem(i64))
         setfield(p1, 7i8, descr=mem(i8, offset=1))
         i5 = getfield(p0, descr=mem(i64))
         setarrayitem(p0, 1, f3, descr=mem(f64, scale=8))
         i6 = getfield(p1, descr=mem(i64, offset=8))
         i7: i16 = getfield(p0, descr=mem(i16, offset=14))
         finish() [i4, i5, i6, i7] exit=0",
    );
    let mut memory = [1u64, 2];
    let p = memory.as_mut_ptr();
    let value = 0x0102_0304_0506_0708u64;
    let mut patched = value.to_ne_bytes();
    patched[1] = 7;
    let float = (-1.5f64).to_bits();
    let high = u16::from_ne_bytes(float.to_ne_bytes()[6..].try_into().expect("two bytes"));
    let expected = words![value, u64::from_ne_bytes(patched), float, high];
    b.check(0, &words![p, p, value, -1.5f64], 0, &expected);
}

/// The inner loop of much code: bounds check, load, add.
pub fn loop_sums_an_array(make: Make<'_>) {
    let b = Bench::new(make);
    b.compile(
        0,
        "[p0, i1, i2, i3]
         p4, i5, i6, i7 = label(p0, i1, i2, i3, target=0)
         i8 = uint_lt(i6, i5)
         guard_true(i8) [i7] exit=0
         i9: i16 = getarrayitem(p4, i6, descr=mem(i16, scale=2))
         i10 = int_signext(i9)
         i11 = int_add(i7, i10)
         setarrayitem(p4, i6, -1i16, descr=mem(i16, scale=2))
         i12 = int_add(i6, 1)
         jump(p4, i5, i12, i11, target=0)",
    );
    let mut memory: Vec<i16> = (0..1000).map(|k: i32| (k * 60 - 30_000) as i16).collect();
    let sum: i64 = memory.iter().map(|&x| i64::from(x)).sum();
    b.check(0, &words![memory.as_mut_ptr(), 1000i64, 0i64, 0i64], 0, &words![sum]);
    assert!(memory.iter().all(|&x| x == -1));
}
