//! Printing and parsing back, over every opcode; and what the errors say.

use crate::ir::{
    Arg, CallDescr, Classes, Const, ExitId, MemDescr, MergePoint, Opcode, Operand, Res, Resume,
    ResumeKind, TargetId, Trace, TraceBuilder, Ty, parse, parse_all,
};

#[track_caller]
fn check_round_trip(trace: &Trace) {
    let text = trace.to_string();
    let parsed = parse(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert_eq!(parsed.to_string(), text);
    assert_eq!(parsed.types, trace.types, "in\n{text}");
    let consts = |trace: &Trace| -> Vec<Const> {
        trace.ops.iter().flat_map(|op| trace.args(op)).filter_map(|&a| trace.as_const(a)).collect()
    };
    assert_eq!(consts(&parsed), consts(trace), "in\n{text}");
}

#[track_caller]
fn check_same(text: &str) {
    let trace = parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(trace.to_string(), text);
}

#[track_caller]
fn check_error(text: &str, line: usize, column: usize, message: &str) {
    let error = parse(text).expect_err("this text should not parse");
    let expected = format!("line {line}, column {column}: {message}");
    assert_eq!(error.to_string(), expected);
}

fn operand_types(arg: Arg, first: Option<Ty>) -> Vec<Ty> {
    let all = Ty::ALL.into_iter();
    match arg {
        Arg::Int => all.filter(|ty| ty.is_int()).collect(),
        Arg::I64 => vec![Ty::I64],
        Arg::Bool => vec![Ty::Bool],
        Arg::Float => all.filter(|ty| ty.is_float()).collect(),
        Arg::Ptr => vec![Ty::Ptr],
        Arg::Any => all.collect(),
        Arg::Same => vec![first.expect("`Same` is not the first operand")],
    }
}

/// One operation with inputs or constants as operands.
fn with_one_op(opcode: Opcode, first: Option<Ty>, constants: bool) -> Trace {
    let mut b = TraceBuilder::new(format!("sample of {}", opcode.name()));
    let mut types: Vec<Ty> = Vec::new();
    for &arg in opcode.info().args {
        let ty = first.filter(|_| types.is_empty()).unwrap_or_else(|| {
            let choices = operand_types(arg, types.first().copied());
            choices[choices.len() / 2]
        });
        types.push(ty);
    }
    if opcode.info().variadic {
        types.extend(Ty::ALL);
    }
    let operand = |b: &mut TraceBuilder, ty: Ty| match constants {
        true => b.constant(Const::new(ty, 0x4041_4243_8485_8687)),
        false => b.input(ty).into(),
    };
    let args: Vec<Operand> = types.iter().map(|&ty| operand(&mut b, ty)).collect();
    push_sample(&mut b, opcode, &args);
    let exit = b.exit(ExitId(77), &args, Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    b.finish()
}

fn push_sample(b: &mut TraceBuilder, opcode: Opcode, args: &[Operand]) {
    let mem = MemDescr { ty: Ty::I16, offset: -8, scale: 2, class: 3, frozen: true };
    let call = CallDescr {
        name: "f".into(),
        site: "x.rs:1:2".into(),
        res: Some(Ty::F32),
        can_panic: true,
        reads_only: true,
        apart: Classes::NONE.with(2).with(5),
    };
    match (opcode, opcode.info().res) {
        (Opcode::Label, _) => {
            b.push_label(TargetId(4), args);
        }
        (Opcode::Jump, _) => b.push_void(opcode, args, 4),
        (opcode, _) if opcode.is_call() => {
            let descr = b.call(call);
            b.push(opcode, args, descr, Ty::F32);
        }
        (Opcode::CallResult, _) => {
            let descr = b.call(call);
            let callee = b.constant(Const::new(Ty::Ptr, 16));
            b.push(Opcode::Call, &[callee], descr, Ty::F32);
            b.push(opcode, args, descr, Ty::I8);
        }
        (Opcode::DebugMergePoint, _) => {
            let descr = b.merge_point(MergePoint { greens: [3, u64::MAX][..].into() });
            b.push_void(opcode, args, descr);
        }
        (_, Res::None) if opcode.has_exit() => {
            let resume = Resume { kind: ResumeKind::Replay, merge_point: 1, step: 2, n_reds: 3 };
            let exit = b.exit(ExitId(0), &[], resume);
            b.push_void(opcode, args, exit);
        }
        (_, Res::None) => {
            let descr = b.mem(mem);
            b.push_void(opcode, args, descr);
        }
        (_, Res::Descr) => {
            let descr = b.mem(mem);
            b.push(opcode, args, descr, Ty::I16);
        }
        (_, Res::Ty(ty)) => _ = b.push(opcode, args, 0, ty),
        (_, Res::Same) => {
            let ty = b.trace().ty(args[0]);
            b.push(opcode, args, 0, ty);
        }
        (_, Res::Stated) => {
            for ty in Ty::ALL {
                b.push(opcode, args, 0, ty);
            }
        }
        (_, Res::MaybeDescr | Res::PerArg) => unreachable!("calls and labels are above"),
    }
}

#[test]
fn every_opcode_prints_and_parses_back() {
    for &opcode in Opcode::ALL {
        let firsts = match opcode.info().args.first() {
            Some(&arg) => operand_types(arg, None).into_iter().map(Some).collect(),
            None => vec![None],
        };
        for first in firsts {
            check_round_trip(&with_one_op(opcode, first, false));
            check_round_trip(&with_one_op(opcode, first, true));
        }
    }
}

#[test]
fn the_example_prints_as_it_stands() {
    check_same(
        r#"# loop 3
merge_point 0 = [3, 0x7ffd1000]
[i0, p1, i2: i32, f3, i4: bool]
debug_merge_point(0)
i5, p6, i7: i32, i8: bool = label(i0, p1, i2, i4, target=0)
i9 = int_add(i5, 1)
i10 = int_lt(i9, 100)
guard_true(i10) [i9, p6, i7] exit=12 resume(replay, step=3, reds=2)
i11: i8 = getarrayitem(p6, i9, descr=mem(i8, offset=16, scale=1, class=3, frozen))
i12 = call(0x7f00, i11, descr=call(putchar, "file.rs:3:4", res=i64, can_panic))
i13: i32 = call_result(1)
guard_no_exception() [i9, p6, i7] exit=13
jump(i9, p6, i13, i8, target=0)
"#,
    );
}

#[test]
fn finish_saves_and_resumes() {
    check_same("[i0, f1: f32]\nfinish() [i0, f1, 5, 5i8] resume(return, mp=2, reds=1)\n");
}

#[test]
fn exits_list_delayed_stores() {
    check_same(
        "[p0, i1: i8]\nguard_value(i1, 5) [p0] resume(rewind, reds=1) \
         stores(setfield(p0, i1, descr=mem(i8, offset=8)), \
         setarrayitem(p0, 3, 7, descr=mem(i64, scale=8)), \
         assume_uint_lt(i1, 9, -1), assume_field(p0, i1, descr=mem(i8)))\nfinish() []\n",
    );
    let start = "[p0]\nguard_value(p0, 0x5) [] stores(";
    check_error(&format!("{start}getfield(p0))"), 2, 32, "expected a store or an assumption");
    check_error(&format!("{start}setfield(p0))"), 2, 32, "expected 2 operands, found 1");
}

#[test]
fn empty_lists() {
    check_same("[]\nlabel(target=9)\njump(target=9)\n");
    check_same("[]\nfinish() []\n");
}

/// The constant of type `ty` with these bits, as an operand without and with a typed place.
#[track_caller]
fn check_const(ty: Ty, bits: u64) {
    let mut b = TraceBuilder::new("");
    let value = b.input(ty);
    let constant = b.constant(Const { ty, bits });
    let exit = b.exit(ExitId(0), &[constant], Resume::default());
    b.push_void(Opcode::GuardValue, &[value.into(), constant], exit);
    b.push(Opcode::SameAs, &[constant], 0, ty);
    let exit = b.exit(ExitId(1), &[], Resume::default());
    b.push_void(Opcode::Finish, &[], exit);
    check_round_trip(&b.finish());
}

#[test]
fn constants_are_exact() {
    for ty in Ty::ALL {
        for bits in [0, 1, 2, 0x7f, 0x80, 0xff, 0x8000, 1 << 31, 1 << 63, u64::MAX, u64::MAX - 1] {
            check_const(ty, bits & ty.mask());
        }
    }
    let doubles = [0.0, -0.0, 1.5, 1e16, 1e300, 5e-324, 0.1, f64::INFINITY, f64::NEG_INFINITY];
    doubles.iter().for_each(|x: &f64| check_const(Ty::F64, x.to_bits()));
    let singles = [0.0, -0.0, 1.5, 1e16, 1e-45, 0.1, f32::INFINITY, f32::NEG_INFINITY];
    singles.iter().for_each(|x: &f32| check_const(Ty::F32, x.to_bits().into()));
    for nan in [0x7ff8_0000_0000_0000, 0xfff0_0000_0000_0001, 0x7ff4_0000_0000_0001] {
        check_const(Ty::F64, nan);
    }
    for nan in [0x7fc0_0000, 0xff80_0001, 0x7fa0_0000] {
        check_const(Ty::F32, nan);
    }
}

#[test]
fn literals_take_the_type_of_their_place() {
    let trace = parse(
        "[i0: i8, f1: f32, p2, i3]
         i4 = int_add(i0, 255)
         f5 = float_add(f1, 1.5)
         i6 = int_sub(5i16, -1)
         p7 = ptr_add(p2, 0x10)
         i8 = uint_lt(i3, 18446744073709551615)
         f9 = float_neg(-inff32)
         i10 = int_eq(i3, -0x10)
         finish() [i4: 0]",
    );
    assert!(trace.is_err(), "a type in an exit's list");
    let trace = parse(
        "[i0: i8, f1: f32, p2, i3]
         i4 = int_add(i0, 255)
         f5 = float_add(f1, 1.5)
         i6 = int_sub(5i16, -1)
         p7 = ptr_add(p2, 0x10)
         i8 = uint_lt(i3, 18446744073709551615)
         f9 = float_neg(-inff32)
         i10 = int_eq(i3, -0x10)
         finish() [5, 0x5, 1.5, true, 5i8, 0x5i8]",
    )
    .unwrap();
    let last = |k: usize| trace.as_const(*trace.args(&trace.ops[k]).last().unwrap()).unwrap();
    assert_eq!(last(0), Const::new(Ty::I8, 255));
    assert_eq!(last(1), Const::new(Ty::F32, 1.5f32.to_bits().into()));
    assert_eq!(last(2), Const::new(Ty::I16, 0xffff));
    assert_eq!(last(3), Const::new(Ty::I64, 16));
    assert_eq!(last(4), Const::new(Ty::I64, u64::MAX));
    assert_eq!(last(5), Const::new(Ty::F32, f32::NEG_INFINITY.to_bits().into()));
    assert_eq!(last(6), Const::new(Ty::I64, -16i64 as u64));
    let saved: Vec<Ty> = trace.exit_args(&trace.exits[0]).iter().map(|&a| trace.ty(a)).collect();
    assert_eq!(saved, [Ty::I64, Ty::Ptr, Ty::F64, Ty::Bool, Ty::I8, Ty::I8]);
}

#[test]
fn names_and_blanks_are_free() {
    let trace = parse(
        "
        # a name
        # a comment

        [ index , pointer,i_small : i16 ]   # inputs
        icopy: i16=same_as( i_small )
        finish ( ) [ index,icopy ]
        ",
    )
    .unwrap();
    assert_eq!(
        trace.to_string(),
        "# a name\n[i0, p1, i2: i16]\ni3: i16 = same_as(i2)\nfinish() [i0, i3]\n"
    );
}

#[test]
fn names_of_functions_are_exact() {
    for name in ["putchar", "std::mem::swap", "<Vec<T> as X>::f, \"quoted\" \\ \n #", "", "9"] {
        let mut b = TraceBuilder::new("");
        let callee = b.constant(Const::new(Ty::Ptr, 0x100));
        let site = "".into();
        let descr = b.call(CallDescr {
            name: name.into(),
            site,
            res: None,
            can_panic: false,
            reads_only: false,
            apart: Classes::NONE,
        });
        b.push_void(Opcode::Call, &[callee], descr);
        let trace = b.finish();
        let parsed = parse(&trace.to_string()).unwrap();
        assert_eq!(parsed.calls, trace.calls);
    }
}

#[test]
fn several_traces() {
    let text = "# one\n[i0]\nfinish() [i0]\n# ----\n\n[f0]\nfinish() [f0]\n-----\n# three\n[]\nfinish() []\n---\n";
    let traces = parse_all(text).unwrap();
    let names: Vec<&str> = traces.iter().map(|trace| trace.name.as_str()).collect();
    assert_eq!(names, ["one", "", "three"]);
    let error = parse_all("[i0]\nfinish() [i0]\n----\n[i0]\nfinish() [i1]\n").unwrap_err();
    assert_eq!(error.to_string(), "line 5, column 11: `i1` is not defined");
    assert_eq!((error.line(), error.column()), (5, 11));
}

#[test]
fn errors_say_where_and_what() {
    check_error("", 1, 1, "expected inputs, as in `[i0, p1]`");
    check_error("i0", 1, 1, "expected inputs, as in `[i0, p1]`, found `i0`");
    check_error("[i0", 1, 4, "expected `,` or `]`, found the end of the line");
    check_error("[x0]", 1, 2, "the name of a value starts with i, f or p, not as in `x0`");
    check_error("[i0: f64]", 1, 2, "the name of a f64 starts with f, not as `i0`");
    check_error("[i0: i7]", 1, 6, "expected a type, found `i7`");
    check_error("[i0, i0]", 1, 6, "`i0` is already defined");
    check_error("[i0]\ni1 = int_and_or(i0)", 2, 6, "unknown operation `int_and_or`");
    check_error("[i0]\ni1 = int_neg(i2)", 2, 14, "`i2` is not defined");
    check_error("[i0]\ni1 = int_neg(%)", 2, 14, "expected a value or a constant, found `%`");
    check_error("[i0]\ni1: i8 = int_neg(i0)", 2, 1, "`i1` is stated to be i8, but is i64");
    check_error("[i0]\nint_neg(i0)", 2, 1, "expected one result of `int_neg`");
    check_error("[i0]\ni1 = finish() []", 2, 1, "`finish` has no such result");
    check_error("[i0]\nfinish()", 2, 9, "expected `[`, found the end of the line");
    check_error("[i0]\nfinish() [i0] x", 2, 15, "expected the end of the line, found `x`");
    check_error("[i0: i8]\ni1 = int_add(i0, 256)", 2, 18, "`256` is no constant");
    check_error("[i0: i8]\ni1 = int_add(i0, -129)", 2, 18, "`-129` is no constant");
    check_error("[]\nf1 = float_neg(nan(0x5))", 2, 16, "`nan(0x5)` is no constant");
    check_error("[]\ni1 = int_neg(5bool)", 2, 14, "`5bool` is no constant");
    check_error(
        "[p0]\ni1 = getfield(p0)",
        2,
        18,
        "expected `descr=mem(…)` before this, found the end of the line",
    );
    check_error("[p0]\ni1 = getfield(p0, descr=call(f))", 2, 25, "expected `mem(…)`, found `call`");
    check_error(
        "[]\ncall(0x5, descr=call(f, 3))",
        2,
        25,
        "expected a site in quotes, `res`, `apart`, `reads_only` or `can_panic`, found `3`",
    );
    check_error("[]\ncall(0x5, descr=call(\"f))", 2, 22, "this string does not end");
    check_error("[]\ni1 = call_result(1)", 2, 1, "`call_result` without a call above");
    check_error("[i0]\ni1, i2 = label(i0)", 2, 1, "expected 1 results of `label`, found 2");
    check_error(
        "[]\nfinish() [] resume(x)",
        2,
        20,
        "expected `rewind`, `replay` or `return`, found `x`",
    );
    check_error("merge_point 1 = []\n[]", 1, 13, "expected merge point 0: they are in order");
    check_error("[ä0]", 1, 2, "expected the name of a value, found `ä`");
}

#[test]
fn one_operation_alone() {
    let trace = parse("[i0]\ni1 = int_add(i0, 5)\nfinish() [i1, 5i8]\n").unwrap();
    assert_eq!(trace.op_to_string(&trace.ops[0]), "i1 = int_add(i0, 5)");
    assert_eq!(trace.display_op(&trace.ops[1]).to_string(), "finish() [i1, 5i8]");
    let saved = trace.exit_args(&trace.exits[0]);
    assert_eq!(trace.operand_to_string(saved[0]), "i1");
    assert_eq!(trace.operand_to_string(saved[1]), "5i8");
}
