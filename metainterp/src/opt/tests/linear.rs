//! The walks take time linear in the length of the trace.

use super::*;
use crate::ir::parse;
use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Traces of some length that have many of one thing; as loops, they get preheaders.
fn many(what: &str, n: usize, is_loop: bool) -> Trace {
    let mut text = String::from(match is_loop {
        true => "[ia, ib, pa, pb]\ni0, i1, p0, p1 = label(ia, ib, pa, pb, target=0)\n",
        false => "[i0, i1, p0, p1]\n",
    });
    for k in 0..n / 2 {
        let _ = match what {
            "sums" => writeln!(
                text,
                "i{0} = int_add(i{1}, i0)\ni{2} = int_xor(i{0}, i1)",
                2 * k + 2,
                2 * k + 1,
                2 * k + 3
            ),
            "guards" => {
                writeln!(text, "i{0} = int_lt(i0, {k})\nguard_false(i{0}) [i0, i1, p0, p1]", k + 2)
            }
            "stores" => writeln!(
                text,
                "setfield(p0, i0, descr=mem(i64, offset={0}))\nsetfield(p1, i1, descr=mem(i64, offset={0}))",
                8 * k
            ),
            "places" => writeln!(
                text,
                "setfield(p0, i0, descr=mem(i64, offset={0}))\ni{1} = getfield(p0, descr=mem(i64, offset={0}))",
                8 * k,
                k + 2
            ),
            "items" => writeln!(
                text,
                "i{0} = int_add(i{1}, 1)\nsetarrayitem(p0, i{0}, i1, descr=mem(i64, scale=8))",
                k + 2,
                if k == 0 { 0 } else { k + 1 }
            ),
            "calls" => writeln!(
                text,
                "i{0} = call_pure(0x10, i0, {k}, descr=call(f, \"\", res=i64))\ni{1} = call(0x20, i{0}, descr=call(g, \"\", res=i64))",
                2 * k + 2,
                2 * k + 3
            ),
            _ => unreachable!("{what}"),
        };
    }
    text.push_str("jump(i0, i1, p0, p1, target=0)\n");
    parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The processor's time that this thread has used, so that other work on the machine does not count; where
/// the system does not tell, the clock's.
fn used() -> Duration {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = of_thread.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| STARTED.elapsed(), Duration::from_nanos)
}

/// How long it takes to optimize a trace so many times.
fn time(trace: &Trace, times: u32) -> Duration {
    let start = used();
    for _ in 0..times {
        optimize(trace, Passes::ALL).expect("these traces hold");
    }
    used() - start
}

#[test]
fn four_times_the_operations_take_about_four_times_as_long() {
    for what in ["sums", "guards", "stores", "places", "items", "calls"] {
        for is_loop in [false, true] {
            check(what, is_loop);
        }
    }
}

fn check(what: &str, is_loop: bool) {
    let (short, long) = (many(what, 5_000, is_loop), many(what, 20_000, is_loop));
    let others = 1 + usize::from(is_loop);
    let lengths = (5_000 + others, 20_000 + others);
    assert_eq!((short.ops.len(), long.ops.len()), lengths, "{what}");
    // What is quadratic takes 16 times as long. The system counts in steps of a few milliseconds, so
    // there is enough to do.
    let ratio = || 4.0 * time(&long, 5).as_secs_f64() / time(&short, 20).as_secs_f64();
    let ratios = [(); 4].map(|()| ratio);
    let found: Vec<f64> = ratios.iter().map(|ratio| ratio()).take_while(|&it| it > 8.0).collect();
    assert!(found.len() < ratios.len(), "{what}, loop {is_loop}: {found:?}");
}

/// Prints nanoseconds per operation: `cargo test --release -- --ignored --nocapture ns_per_op`.
#[test]
#[ignore = "measures"]
fn ns_per_op() {
    for what in ["sums", "guards", "stores", "places", "items", "calls"] {
        for is_loop in [false, true] {
            let trace = many(what, 20_000, is_loop);
            println!("{what}, loop {is_loop}: {} ns", time(&trace, 5).as_nanos() / 100_000);
        }
    }
}
