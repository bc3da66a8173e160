//! Loops that only count leave the same values, however many laps are skipped.

use super::*;
use crate::ir::{Operand, Ty, eval, parse, verify};
use crate::opt::counted::skip_laps;
use std::fmt::Write;

const TYS: [Ty; 4] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64];

/// A loop with a preheader: a counter of few bits, a value that stays for each type, and values to which each lap
/// adds something.
fn counting(rng: &mut Rng) -> Trace {
    // Tens of thousands of laps take their time.
    let counter = if rng.chance(5) { Ty::I16 } else { Ty::I8 };
    let stays = TYS;
    let moves: Vec<Ty> = (0..1 + rng.below(4)).map(|_| rng.choose(&TYS)).collect();
    let tys: Vec<Ty> = [counter].into_iter().chain(stays).chain(moves.iter().copied()).collect();
    let named = |from: usize, with_types: bool| {
        let name = |(at, ty): (usize, &Ty)| match with_types {
            true => format!("i{}: {}", from + at, ty.name()),
            false => format!("i{}", from + at),
        };
        tys.iter().enumerate().map(name).collect::<Vec<_>>().join(", ")
    };
    let n = tys.len();
    let mut text = format!(
        "[{}]\n{} = label({}, target=0)\n{} = label({}, target=1)\n",
        named(0, true),
        named(n, true),
        named(0, false),
        named(2 * n, true),
        named(n, false)
    );
    let (mut next, lap) = (3 * n, 2 * n);
    let mut ends: Vec<String> = (0..n).map(|at| format!("i{}", lap + at)).collect();
    let mut add = |text: &mut String, ty: Ty, at: usize, by: &str| {
        let _ = writeln!(text, "i{next}: {} = int_add(i{at}, {by})", ty.name());
        next += 1;
        format!("i{}", next - 1)
    };
    let step = if rng.chance(50) { 1 } else { -1 };
    let number =
        |number: i64, ty: Ty| format!("{number}{}", if ty == Ty::I64 { "" } else { ty.name() });
    ends[0] = add(&mut text, counter, lap, &number(step, counter));
    for (at, &ty) in moves.iter().enumerate() {
        let stays = 1 + TYS.iter().position(|&it| it == ty).expect("one of them");
        let by = match rng.chance(40) {
            true => format!("i{}", lap + stays),
            false => number(rng.below(7) as i64 - 3, ty),
        };
        ends[5 + at] = add(&mut text, ty, lap + 5 + at, &by);
    }
    let sum = match rng.below(3) {
        0 => format!("i{lap}"),
        1 => ends[0].clone(),
        _ => add(&mut text, counter, lap, &number(rng.below(9) as i64 - 4, counter)),
    };
    let limit = match rng.chance(50) {
        true => format!("i{}", lap + 1 + TYS.iter().position(|&it| it == counter).expect("one")),
        false => number(rng.below(5) as i64, counter),
    };
    let (test, guard) = match rng.below(6) {
        0 => (format!("int_is_true({sum})"), "true"),
        1 => (format!("int_is_zero({sum})"), "false"),
        2 => (format!("int_ne({sum}, {limit})"), "true"),
        3 => (format!("int_eq({limit}, {sum})"), "false"),
        4 => (format!("int_ne({limit}, {sum})"), "true"),
        _ => (format!("int_eq({sum}, {limit})"), "false"),
    };
    let all: Vec<String> = (lap..lap + n).map(|at| format!("i{at}")).chain(ends.clone()).collect();
    let _ =
        writeln!(text, "i{} = {test}\nguard_{guard}(i{}) [{}]", next + 9, next + 9, all.join(", "));
    let _ = writeln!(text, "jump({}, target=1)", ends.join(", "));
    let trace = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    verify(&trace).unwrap_or_else(|error| panic!("{error}\n{trace}"));
    trace
}

/// The values of the exit that is taken, and how often the second label was passed.
fn run(trace: &Trace, inputs: &[Const]) -> (Vec<Const>, u64) {
    let mut values: Vec<Option<Const>> = vec![None; trace.types.len()];
    let value = |values: &[Option<Const>], operand: Operand| {
        let is = operand.value().and_then(|value| values[value.index()]);
        is.or_else(|| trace.as_const(operand)).expect("it is computed before")
    };
    let define = |values: &mut [Option<Const>], op: &Op, args: &[Const]| {
        trace.results(op).zip(args).for_each(|(res, &arg)| values[res.index()] = Some(arg));
    };
    for (input, &is) in trace.inputs().zip(inputs) {
        values[input.index()] = Some(is);
    }
    let (mut at, mut laps) = (0, 0);
    loop {
        let op = &trace.ops[at];
        let args: Vec<Const> = trace.args(op).iter().map(|&arg| value(&values, arg)).collect();
        at += 1;
        match op.opcode {
            Opcode::Label => define(&mut values, op, &args),
            Opcode::GuardTrue | Opcode::GuardFalse => {
                let holds = (args[0].bits == 1) == (op.opcode == Opcode::GuardTrue);
                if !holds {
                    let exit = trace.exit_args(trace.exit(op)).iter();
                    return (exit.map(|&arg| value(&values, arg)).collect(), laps);
                }
            }
            Opcode::Jump => {
                let is_label = |op: &Op| op.opcode == Opcode::Label;
                at = trace.ops.iter().rposition(is_label).expect("a label");
                define(&mut values, &trace.ops[at], &args);
                at += 1;
                laps += 1;
            }
            opcode => {
                let res = op.res().expect("it computes");
                let ty = trace.types[res.index()];
                values[res.index()] = Some(eval::fold(opcode, ty, &args).expect("it is defined"));
            }
        }
    }
}

#[test]
fn skipped_laps_leave_the_same_values() {
    let (mut skipped, mut laps_before) = (0, 0);
    for seed in 0..400 {
        let mut rng = Rng(seed);
        let trace = counting(&mut rng);
        let Some(without) = skip_laps(&trace) else { continue };
        verify(&without).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{without}"));
        skipped += 1;
        for _ in 0..3 {
            let word = |rng: &mut Rng| [0, 1, 3, 200, rng.next()][rng.below(5)];
            let inputs: Vec<Const> = trace
                .inputs()
                .map(|input| Const::new(trace.types[input.index()], word(&mut rng)))
                .collect();
            let (expected, laps) = run(&trace, &inputs);
            let found = run(&without, &inputs);
            assert_eq!(found, (expected, 0), "seed {seed} on {inputs:x?}\n{trace}\n{without}");
            laps_before += laps;
        }
    }
    assert!(380 < skipped, "only {skipped} of 400 loops");
    assert!(100 * skipped < laps_before, "{laps_before} laps in {skipped} loops");
}
