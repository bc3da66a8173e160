//! Conversions between types.

use crate::bench::{Bench, Make, ToWord};
use crate::words;

/// Samples that matter to one width or another.
const SAMPLES: [i64; 16] = [
    0,
    1,
    -1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX,
    i64::MIN,
    0x1234_5678_9abc_def0,
    (1 << 53) + 1,
    -(1 << 24) - 1,
];

/// A trace of one operation.
#[track_caller]
fn check_one(make: Make<'_>, op: &str, from: &str, to: &str, rows: &[(u64, u64)]) {
    let b = Bench::new(make);
    let name = |ty: &str, n: u32| match ty.as_bytes()[0] {
        b'f' => format!("f{n}"),
        b'p' => format!("p{n}"),
        _ => format!("i{n}"),
    };
    let (x, y) = (name(from, 0), name(to, 1));
    b.compile(0, &format!("[{x}: {from}]\n{y}: {to} = {op}({x})\nfinish() [{y}] exit=0"));
    for &(input, expected) in rows {
        let found = b.run(0, &[input]).values[0];
        assert_eq!(found, expected, "{op} of {input:#x} from {from} to {to}");
    }
}

macro_rules! rows {
    (|$x:ident| $from:expr => $to:expr) => {
        &SAMPLES.map(|$x| (($from).word(), ($to).word()))
    };
}

/// Every pair of widths.
pub fn widen_and_narrow(make: Make<'_>) {
    check_one(make, "int_signext", "i8", "i16", rows!(|x| x as i8 => x as i8 as i16));
    check_one(make, "int_signext", "i8", "i32", rows!(|x| x as i8 => x as i8 as i32));
    check_one(make, "int_signext", "i8", "i64", rows!(|x| x as i8 => x as i8 as i64));
    check_one(make, "int_signext", "i16", "i32", rows!(|x| x as i16 => x as i16 as i32));
    check_one(make, "int_signext", "i16", "i64", rows!(|x| x as i16 => x as i16 as i64));
    check_one(make, "int_signext", "i32", "i64", rows!(|x| x as i32 => x as i32 as i64));
    check_one(make, "int_zeroext", "i8", "i16", rows!(|x| x as u8 => x as u8 as u16));
    check_one(make, "int_zeroext", "i8", "i32", rows!(|x| x as u8 => x as u8 as u32));
    check_one(make, "int_zeroext", "i8", "i64", rows!(|x| x as u8 => x as u8 as u64));
    check_one(make, "int_zeroext", "i16", "i32", rows!(|x| x as u16 => x as u16 as u32));
    check_one(make, "int_zeroext", "i16", "i64", rows!(|x| x as u16 => x as u16 as u64));
    check_one(make, "int_zeroext", "i32", "i64", rows!(|x| x as u32 => x as u32 as u64));
    check_one(make, "int_trunc", "i64", "i32", rows!(|x| x => x as i32));
    check_one(make, "int_trunc", "i64", "i16", rows!(|x| x => x as i16));
    check_one(make, "int_trunc", "i64", "i8", rows!(|x| x => x as i8));
    check_one(make, "int_trunc", "i32", "i16", rows!(|x| x as i32 => x as i16));
    check_one(make, "int_trunc", "i32", "i8", rows!(|x| x as i32 => x as i8));
    check_one(make, "int_trunc", "i16", "i8", rows!(|x| x as i16 => x as i8));
}

/// To every width.
pub fn bool_to_int(make: Make<'_>) {
    for to in ["i8", "i16", "i32", "i64"] {
        check_one(make, "cast_bool_to_int", "bool", to, &[(0, 0), (1, 1)]);
    }
}

/// From every width, signed and unsigned, to both sizes; rounded once.
pub fn int_to_float(make: Make<'_>) {
    check_one(make, "cast_int_to_float", "i8", "f32", rows!(|x| x as i8 => x as i8 as f32));
    check_one(make, "cast_int_to_float", "i16", "f32", rows!(|x| x as i16 => x as i16 as f32));
    check_one(make, "cast_int_to_float", "i32", "f32", rows!(|x| x as i32 => x as i32 as f32));
    check_one(make, "cast_int_to_float", "i64", "f32", rows!(|x| x => x as f32));
    check_one(make, "cast_int_to_float", "i8", "f64", rows!(|x| x as i8 => x as i8 as f64));
    check_one(make, "cast_int_to_float", "i16", "f64", rows!(|x| x as i16 => x as i16 as f64));
    check_one(make, "cast_int_to_float", "i32", "f64", rows!(|x| x as i32 => x as i32 as f64));
    check_one(make, "cast_int_to_float", "i64", "f64", rows!(|x| x => x as f64));
    check_one(make, "cast_uint_to_float", "i8", "f32", rows!(|x| x as u8 => x as u8 as f32));
    check_one(make, "cast_uint_to_float", "i16", "f32", rows!(|x| x as u16 => x as u16 as f32));
    check_one(make, "cast_uint_to_float", "i32", "f32", rows!(|x| x as u32 => x as u32 as f32));
    check_one(make, "cast_uint_to_float", "i64", "f32", rows!(|x| x => x as u64 as f32));
    check_one(make, "cast_uint_to_float", "i8", "f64", rows!(|x| x as u8 => x as u8 as f64));
    check_one(make, "cast_uint_to_float", "i16", "f64", rows!(|x| x as u16 => x as u16 as f64));
    check_one(make, "cast_uint_to_float", "i32", "f64", rows!(|x| x as u32 => x as u32 as f64));
    check_one(make, "cast_uint_to_float", "i64", "f64", rows!(|x| x => x as u64 as f64));
    // Just above half way between two singles: rounding to f64 first would lose what decides.
    let tricky = (1u64 << 60) + (1 << 36) + 1;
    check_one(make, "cast_int_to_float", "i64", "f32", &[(tricky, (tricky as f32).word())]);
}

const FLOATS: [f64; 18] = [
    0.0,
    -0.0,
    0.99,
    -0.99,
    1.5,
    -1.5,
    127.5,
    -128.9,
    255.9,
    32768.0,
    65535.5,
    2147483647.5,
    4294967296.0,
    9.3e18,
    1.9e19,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

macro_rules! to_int {
    ($make:ident, $op:literal, $($float:ident $to:literal $rust:ident,)*) => {
        $(
            let rows: Vec<(u64, u64)> = FLOATS
                .iter()
                .flat_map(|&x| [x, -x])
                .map(|x| ((x as $float).word(), (x as $float as $rust).word()))
                .collect();
            check_one($make, $op, stringify!($float), $to, &rows);
        )*
    };
}

/// As Rust's `as`, to every width.
pub fn float_to_int_saturates(make: Make<'_>) {
    to_int!(make, "cast_float_to_int", f32 "i8" i8, f32 "i16" i16, f32 "i32" i32, f32 "i64" i64,);
    to_int!(make, "cast_float_to_int", f64 "i8" i8, f64 "i16" i16, f64 "i32" i32, f64 "i64" i64,);
    to_int!(make, "cast_float_to_uint", f32 "i8" u8, f32 "i16" u16, f32 "i32" u32, f32 "i64" u64,);
    to_int!(make, "cast_float_to_uint", f64 "i8" u8, f64 "i16" u16, f64 "i32" u32, f64 "i64" u64,);
}

/// Narrowing rounds to nearest even, widening is exact.
pub fn between_floats(make: Make<'_>) {
    let numbers = FLOATS.into_iter().chain([0.1, 1e-50, 1e300, 16777217.0, 16777219.0]);
    let numbers: Vec<f64> = numbers.filter(|x| !x.is_nan()).collect();
    let narrow: Vec<(u64, u64)> = numbers.iter().map(|&x| (x.word(), (x as f32).word())).collect();
    check_one(make, "cast_float_to_singlefloat", "f64", "f32", &narrow);
    let wide: Vec<(u64, u64)> =
        numbers.iter().map(|&x| ((x as f32).word(), f64::from(x as f32).word())).collect();
    check_one(make, "cast_singlefloat_to_float", "f32", "f64", &wide);
    let b = Bench::new(make);
    b.compile(0, "[f0]\nf1: f32 = cast_float_to_singlefloat(f0)\nf2 = cast_singlefloat_to_float(f1)\ni3 = float_ne(f2, f2)\nfinish() [i3] exit=0");
    b.check(0, &words![f64::NAN], 0, &words![true]);
}

/// Bits move between the kinds of registers unchanged, also those of NaNs.
pub fn bits(make: Make<'_>) {
    let doubles = [0, 1, 1.5f64.word(), 0x7ff8_0000_0000_0001, 0xfff4_0000_0000_0001, u64::MAX];
    let singles = [0, 1, 1.5f32.word(), 0x7fc0_0001, 0xffa0_0001, u64::from(u32::MAX)];
    let (doubles, singles) = (doubles.map(|x| (x, x)), singles.map(|x| (x, x)));
    check_one(make, "convert_float_bytes_to_int", "f64", "i64", &doubles);
    check_one(make, "convert_int_bytes_to_float", "i64", "f64", &doubles);
    check_one(make, "convert_float_bytes_to_int", "f32", "i32", &singles);
    check_one(make, "convert_int_bytes_to_float", "i32", "f32", &singles);
}

/// Every type, and constants.
pub fn same_as(make: Make<'_>) {
    for ty in ["bool", "i8", "i16", "i32", "i64", "f32", "f64", "ptr"] {
        check_one(make, "same_as", ty, ty, &[(0, 0), (1, 1)]);
    }
    let b = Bench::new(make);
    b.compile(
        0,
        "[]
         i0: bool = same_as(true)
         i1: i8 = same_as(-5i8)
         f2 = same_as(2.5)
         f3: f32 = same_as(-2.5f32)
         p4 = same_as(0x123456789a)
         f5 = same_as(-0.0)
         finish() [i0, i1, f2, f3, p4, f5] exit=0",
    );
    b.check(0, &[], 0, &words![true, -5i8, 2.5f64, -2.5f32, 0x12_3456_789au64, -0.0f64]);
}
