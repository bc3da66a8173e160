//! Measures what the backend promises: the speed of loops, bridges and calls, and of compiling.
//!
//! `cargo run --release -p backend-cranelift --example measure`; on a quiet machine, for times are
//! the best of several runs.

use backend_cranelift::{CraneliftBackend, MidEnd, Options};
use metainterp::backend::{Backend, Frame};
use metainterp::ir::{
    CodeId, Const, ExitId, Opcode, Operand, Resume, TargetId, Trace, TraceBuilder, Ty, ValueId,
    parse,
};
use std::hint::black_box;

const N: u64 = 200_000_000;

fn main() {
    loops();
    bridges();
    entering();
    compiling("no mid-end", MidEnd::None);
    compiling("mid-end", MidEnd::Speed);
}

/// Nanoseconds of the fastest of several runs.
fn best(runs: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..runs).map(|_| {
        let start = thread_time();
        run();
        thread_time() - start
    });
    times.fold(f64::INFINITY, f64::min)
}

/// The time that this thread was running, in nanoseconds: others' share of the machine is not in
/// it.
fn thread_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "the thread's clock can be read");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn compile(backend: &CraneliftBackend, code: u32, text: &str) {
    let trace = parse(text).expect("the trace parses");
    backend.compile(CodeId(code), &trace).expect("the trace compiles");
}

fn run(backend: &CraneliftBackend, inputs: &[u64]) {
    let mut frame = Frame::new();
    frame.slots[..inputs.len()].copy_from_slice(inputs);
    // SAFETY: the traces here touch no memory but the frame.
    let exit = unsafe { backend.execute(CodeId(0), &mut frame) };
    black_box((exit, frame.slots[0]));
}

/// `i = i + a; guard i < n`, against the same in Rust.
fn loops() {
    let backend = CraneliftBackend::new();
    compile(
        &backend,
        0,
        "[i0, i1, i2]
        i3, i4, i5 = label(i0, i1, i2, target=0)
        i6 = int_add(i3, i4)
        i7 = int_lt(i6, i5)
        guard_true(i7) [i6, i4, i5] exit=1
        jump(i6, i4, i5, target=0)",
    );
    let native = best(5, || native_loop(black_box(1), black_box(N)));
    let traced = best(5, || run(&backend, &[0, 1, N]));
    let per_iteration = |time| time / N as f64;
    println!("loop: Rust {:.3} ns, trace {:.3} ns", per_iteration(native), per_iteration(traced));
}

#[inline(never)]
fn native_loop(step: i64, limit: u64) {
    let mut i = 0_i64;
    loop {
        i = black_box_register(i.wrapping_add(step));
        if i >= limit as i64 {
            break;
        }
    }
    black_box(i);
}

/// Keeps the loop, and its variable in a register.
#[inline(always)]
fn black_box_register(mut i: i64) -> i64 {
    // SAFETY: the assembly is empty.
    unsafe { std::arch::asm!("/* {0} */", inout(reg) i, options(nomem, nostack, pure)) };
    i
}

/// A loop of which every second iteration goes through a bridge, with so many values.
fn bridges() {
    for live in [4, 10, 16, 24] {
        let backend = CraneliftBackend::new();
        let traces = [loop_with_bridge(live), bridge(live)].map(|text| parse(&text).unwrap());
        let members: Vec<(CodeId, &Trace)> = (0..).map(CodeId).zip(&traces).collect();
        for (code, trace) in &members {
            backend.compile(*code, trace).expect("the trace compiles");
        }
        let mut inputs = vec![0_u64; live];
        inputs[1] = 20_000_000;
        backend.attach_bridge(ExitId(1), CodeId(1));
        let crossing = || best(5, || run(&backend, &inputs)) / 10_000_000.0;
        let apart = crossing();
        backend.compile_region("region", &members).expect("the region compiles");
        let together = crossing();
        println!(
            "bridge: {live} values, two laps and a crossing {apart:.2} ns, in a region \
             {together:.2} ns"
        );
    }
}

/// Entering a trace that leaves at once.
fn entering() {
    let backend = CraneliftBackend::new();
    compile(
        &backend,
        0,
        "[i0, i1]\n i2 = int_lt(i0, i1)\n guard_true(i2) [i0, i1] exit=1\n finish() [] exit=2",
    );
    let mut frame = Frame::new();
    const TIMES: u32 = 10_000_000;
    let time = best(5, || {
        for _ in 0..TIMES {
            // SAFETY: the trace touches no memory but the frame.
            black_box(unsafe { backend.execute(CodeId(0), black_box(&mut frame)) });
        }
    });
    println!("entering and leaving: {:.2} ns", time / f64::from(TIMES));
}

fn names(first: usize, count: usize) -> String {
    (first..first + count).map(|k| format!("i{k}")).collect::<Vec<_>>().join(", ")
}

fn loop_with_bridge(live: usize) -> String {
    let (inputs, locals, rest) = (names(0, live), names(live, live), names(live + 1, live - 1));
    let (i, limit, n) = (live, live + 1, 2 * live);
    format!(
        "[{inputs}]
        {locals} = label({inputs}, target=0)
        i{n} = int_add(i{i}, 1)
        i{} = int_lt(i{n}, i{limit})
        guard_true(i{}) [i{n}] exit=2
        i{} = int_and(i{n}, 1)
        guard_value(i{}, 0) [i{n}, {rest}] exit=1
        jump(i{n}, {rest}, target=0)",
        n + 1,
        n + 1,
        n + 2,
        n + 2,
    )
}

fn bridge(live: usize) -> String {
    format!(
        "[{}]\n i{live} = int_add(i{}, 1)\n jump({}, i{live}, target=0)",
        names(0, live),
        live - 1,
        names(0, live - 1)
    )
}

/// Compile time and code size of synthetic loops.
fn compiling(what: &str, mid_end: MidEnd) {
    let backend = CraneliftBackend::with_options(&Options { mid_end, ..Options::default() });
    for (n_ops, live) in [(50, 6), (500, 6), (500, 12), (10_000, 6), (10_000, 12)] {
        let trace = synthetic(n_ops / 5, live);
        let mut bytes = 0;
        let time = best(25, || {
            bytes = backend.compile(CodeId(0), &trace).expect("it compiles").code_bytes;
            backend.free(CodeId(0));
        });
        println!(
            "compile, {what}: {n_ops} ops, {} guards of {live}: {:.0} us, {:.2} us/op, \
             {:.1} bytes/op",
            n_ops / 5,
            time / 1e3,
            time / 1e3 / n_ops as f64,
            bytes as f64 / n_ops as f64
        );
    }
}

/// A loop of `n` steps of five operations, one of them a guard that saves `live` values.
fn synthetic(n: usize, live: usize) -> Trace {
    let mut b = TraceBuilder::new("synthetic");
    let inputs: Vec<Operand> = (0..live).map(|_| b.input(Ty::I64).into()).collect();
    let first = b.push_label(TargetId(0), &inputs).0;
    let mut locals: Vec<Operand> = (0..live as u32).map(|k| ValueId(first + k).into()).collect();
    for step in 0..n {
        let (x, y) = (locals[step % live], locals[(step + 1) % live]);
        let three = b.constant(Const::new(Ty::I64, 3));
        let product = b.push(Opcode::IntMul, &[x, three], 0, Ty::I64);
        let sum = b.push(Opcode::IntAdd, &[product, y], 0, Ty::I64);
        let mixed = b.push(Opcode::IntXor, &[sum, x], 0, Ty::I64);
        let differs = b.push(Opcode::IntNe, &[mixed, three], 0, Ty::Bool);
        let exit = b.exit(ExitId(step as u32), &locals, Resume::default());
        b.push_void(Opcode::GuardTrue, &[differs], exit);
        locals[step % live] = mixed;
    }
    b.push_void(Opcode::Jump, &locals, 0);
    b.finish()
}
