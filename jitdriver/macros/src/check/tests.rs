//! What the checks accept, and each mistake with its place.

use super::testing::{check_error, shown};
use expect_test::{Expect, expect};

fn portal(source: &str) -> syn::Result<Option<super::Portal>> {
    let item: syn::ItemFn = syn::parse_str(source)?;
    super::portal(&item.sig, &item.block)
}

#[track_caller]
fn accept(source: &str) -> super::Portal {
    match portal(source) {
        Ok(found) => found.expect("it has a merge point"),
        Err(error) => panic!("{:?}: {error}", error.span().start()),
    }
}

#[track_caller]
fn refuse(source: &str, expected: Expect) {
    check_error(portal(source), expected);
}

/// A portal with this prologue, loop body after the merge point, and epilogue.
fn simple(prologue: &str, body: &str, epilogue: &str) -> String {
    format!(
        "fn f(d: &JitDriver<'_>, code: &[u8], mut pc: usize, mut acc: i64) -> i64 {{ {prologue}
loop {{ jit_merge_point!(d, greens = [pc, code], reds = [acc]);
{body}
}} {epilogue} }}"
    )
}

/// Refused for what stands there behind `can_enter_jit!`.
#[track_caller]
fn after_enter(source: &str, place: &str) {
    let message = "this runs between `can_enter_jit!` and `jit_merge_point!`; only `continue`, or \
                   the end of the loop's body, may follow `can_enter_jit!`";
    assert_eq!(shown(portal(source)), format!("{place} {message}"));
}

const ENTER: &str = "can_enter_jit!(d, greens = [pc, code], reds = [acc]);";

#[test]
fn a_function_without_hints_is_no_portal() {
    assert!(portal("fn f(x: i64) -> i64 { loop { println!(\"{x}\"); } }").unwrap().is_none());
}

#[test]
fn the_example() {
    let portal = accept(
        "fn interpret<'p>(driver: &JitDriver<'p>, code: &'p [u8], a: i64) -> i64 {
            let mut i = 0;
            let mut res = 0;
            while i < code.len() {
                jit_merge_point!(driver, greens = [i, code], reds = [res, a]);
                match code[i] {
                    INCREASE => res = add(res, a),
                    DECREASE => res = sub(res, a),
                    _ => {
                        if res <= 100 {
                            i -= 3;
                            can_enter_jit!(driver, greens = [i, code], reds = [res, a]);
                            continue;
                        }
                    }
                }
                i += 1;
            }
            res
        }",
    );
    let named = |name: &str| portal.is_mutable(&syn::parse_str(name).unwrap());
    assert_eq!(["i", "code", "res", "a"].map(named), [true, false, true, false]);
    assert!(portal.hint.is_merge_point());
}

#[test]
fn ways_back_to_the_merge_point() {
    accept(&simple("", ENTER, ""));
    accept(&simple("", &format!("if acc > 0 {{ {ENTER} }} else {{ return acc; }}"), ""));
    accept(&simple("", &format!("match acc {{ 0 => return 1, _ => {{ {ENTER} }} }}"), ""));
    accept(&simple("", &format!("if acc > 0 {{ {ENTER} }} continue;"), ""));
    accept(&simple("", &format!("unsafe {{ {ENTER} }} ; const X: u8 = 0;"), ""));
    accept(&simple(
        "",
        &format!("let x = match acc {{ 0 => {{ {ENTER} continue }}, x => x }}; acc = x;"),
        "",
    ));
    accept(&simple(
        "",
        &format!("let Some(x) = next(acc) else {{ {ENTER} continue; }}; acc = x;"),
        "",
    ));
    accept(&simple(
        "",
        "match acc { 0 => can_enter_jit!(d, greens = [pc, code], reds = [acc]), _ => {} }",
        "",
    ));
    accept(
        "fn f(d: &D, mut pc: usize) { 'run: loop { jit_merge_point!(d, greens = [pc], reds = []);
            loop { if pc > 9 { break 'run; } pc += 1; can_enter_jit!(d, greens = [pc], reds = [],); continue 'run; }
        } }",
    );
}

#[test]
fn code_between() {
    after_enter(&simple("", &format!("if acc > 0 {{ {ENTER} }}\n pc += 1;"), ""), "4:2");
    after_enter(
        &simple(
            "",
            &format!("match acc {{ 0 => {{ {ENTER} }} 1 => {{ {ENTER} }} _ => {{}} }}\n pc += 1;"),
            "",
        ),
        "4:2",
    );
    after_enter(&simple("", &format!("while acc > 0 {{ {ENTER} \n continue; }}"), ""), "4:2");
    after_enter(&simple("", &format!("while acc > 0 {{ {ENTER} }}"), ""), "3:1");
    after_enter(&simple("", &format!("let x = {{ {ENTER} 1 }};\nacc = x;"), ""), "3:65");
    after_enter(&simple("", &format!("{ENTER}\n#[cfg(unix)] continue;"), ""), "4:1");
    refuse(
        &simple("", &format!("call({{ {ENTER} 1 }});"), ""),
        expect!["3:8 `can_enter_jit!` must be a statement of its own"],
    );
    refuse(
        &simple(
            "",
            "if acc > 0 { break; }",
            "can_enter_jit!(d, greens = [pc, code], reds = [acc]); acc",
        ),
        expect!["4:3 `can_enter_jit!` must be in the loop of `jit_merge_point!`"],
    );
}

#[test]
fn statement_before() {
    let with = |rest: &str| {
        format!(
            "fn f(d: &D, mut pc: usize, mut op: u8) {{ loop {{
use a::b; const C: u8 = 1;
op = 1;
jit_merge_point!(d, greens = [pc], reds = [op]); {rest} }} }}"
        )
    };
    refuse(
        &with("can_enter_jit!(d, greens = [pc], reds = [op]);"),
        expect![
            "3:1 this runs between `can_enter_jit!` and `jit_merge_point!`; move it behind the merge point"
        ],
    );
    accept(&with("if op == 0 { return; }"));
    refuse(
        "fn f(d: &D, mut pc: usize) { loop { let op = 1;
let mut arg = 2;
jit_merge_point!(d, greens = [pc, arg], reds = []); pc += op; } }",
        expect![[r#"
            1:41 `op` lives across the merge point but is neither green nor red; declare it behind the merge point
            3:35 `arg` is another variable each time round; declare it before the loop"#]],
    );
    refuse(
        "fn f(d: &D, mut pc: usize) { loop {
let op = 1;
jit_merge_point!(d, greens = [pc], reds = [op]);
can_enter_jit!(d, greens = [pc], reds = [op]); } }",
        expect![
            "2:1 this runs between `can_enter_jit!` and `jit_merge_point!`; move it behind the merge point"
        ],
    );
}

#[test]
fn the_loop() {
    refuse(
        "fn f(d: &D, pc: usize) { jit_merge_point!(d, greens = [pc], reds = []); }",
        expect![
            "1:26 `jit_merge_point!` is not in a loop; it belongs at the start of the interpreter loop's body, or says with which value this function asks to be called again: `again = value`"
        ],
    );
    refuse(
        "fn f(d: &D, pc: usize) { loop { if pc > 1 { jit_merge_point!(d, greens = [pc], reds = []); } } }",
        expect![
            "1:45 `jit_merge_point!` must be the first statement of its loop's body, not of a block in it"
        ],
    );
    refuse(
        "fn f(d: &D) { for pc in 0..9 { jit_merge_point!(d, greens = [pc], reds = []); } }",
        expect![
            "1:15 the loop of `jit_merge_point!` must be `loop` or `while condition`: the iterator of a `for` is neither green nor red"
        ],
    );
    refuse(
        "fn f(d: &D, pc: usize) { while pc > 0 && let Some(x) = next() { jit_merge_point!(d, greens = [pc], reds = []); } }",
        expect![
            "1:42 the loop of `jit_merge_point!` must be `loop` or `while condition`; move the `let` behind the merge point"
        ],
    );
    refuse(
        "fn f(d: &D, pc: usize) { for x in 0..2 { loop { jit_merge_point!(d, greens = [pc], reds = []); } } }",
        expect![
            "1:42 the loop of `jit_merge_point!` must be a statement of the function's body; give it a function of its own"
        ],
    );
    refuse(
        "fn f(d: &D, pc: usize) { let x = loop { jit_merge_point!(d, greens = [pc], reds = []); }; }",
        expect![
            "1:34 the loop of `jit_merge_point!` must be a statement of the function's body; give it a function of its own"
        ],
    );
}

#[test]
fn too_many_and_too_few() {
    refuse(
        &simple("", "jit_merge_point!(d, greens = [pc, code], reds = [acc]);", ""),
        expect![
            "3:1 this function has a `jit_merge_point!` already; give the other loop a function of its own"
        ],
    );
    refuse(
        "fn f(d: &D, pc: usize) { loop { can_enter_jit!(d, greens = [pc], reds = []); can_enter_jit!(d, greens = [pc], reds = []); } }",
        expect![
            "1:33 `can_enter_jit!` without `jit_merge_point!`; the merge point belongs at the start of this loop's body"
        ],
    );
}

#[test]
fn hints_in_strange_places() {
    refuse(
        "fn f(d: &D, pc: usize) { loop { let g = || { jit_merge_point!(d, greens = [pc], reds = []); }; } }",
        expect![
            "1:46 `jit_merge_point!` stands in a closure; it belongs to the interpreter loop itself"
        ],
    );
    refuse(
        &simple("", &format!("my_macro!({{ {ENTER} }});"), ""),
        expect!["3:13 `can_enter_jit!` cannot stand in another macro's arguments"],
    );
    refuse(
        &simple(
            "",
            "assert!({ jit_merge_point!(d, greens = [pc, code], reds = [acc]); true });",
            "",
        ),
        expect!["3:11 `jit_merge_point!` cannot stand in another macro's arguments"],
    );
    refuse(
        &simple("", &format!("#[cfg(unix)] {ENTER}"), ""),
        expect!["3:1 `can_enter_jit!` takes no attributes; put them on the function"],
    );
}

#[test]
fn arguments() {
    let with = |arguments: &str| {
        format!("fn f(d: &D, pc: usize) {{ loop {{ jit_merge_point!({arguments}); }} }}")
    };
    accept(&with("self.driver(0), greens = [pc], reds = [d]"));
    accept(&with("&d, greens = [pc,], reds = [],"));
    refuse(
        &with(""),
        expect!["1:50 expected `jit_merge_point!(driver, greens = [..], reds = [..])`"],
    );
    refuse(
        &with("d"),
        expect!["1:51 expected `jit_merge_point!(driver, greens = [..], reds = [..])`"],
    );
    refuse(
        &with("d,"),
        expect!["1:52 expected `jit_merge_point!(driver, greens = [..], reds = [..])`"],
    );
    refuse(&with("d, reds = [], greens = [pc]"), expect!["1:53 expected `greens = [..]`"]);
    refuse(
        &with("d, greens = [pc]"),
        expect!["1:66 expected `jit_merge_point!(driver, greens = [..], reds = [..])`"],
    );
    refuse(&with("d, greens: [pc]"), expect!["1:59 expected `=`"]);
    refuse(&with("d, greens = pc, reds = []"), expect!["1:62 expected square brackets"]);
    refuse(
        &with("d, greens = [pc], reds = [], virtualizables = []"),
        expect![
            "1:79 nothing may follow `reds`; expected `jit_merge_point!(driver, greens = [..], reds = [..])`"
        ],
    );
    refuse(
        &with("greens = [pc], reds = []"),
        expect![
            "1:50 the driver is missing; expected `jit_merge_point!(driver, greens = [..], reds = [..])`"
        ],
    );
    refuse(
        &with("d, greens = [], reds = [a, b, c, d, e, f, g, h, i, j, k, l, m, n]"),
        expect![
            "1:110 `reds` has more than twelve elements; put some of them into a struct, and list a reference to that"
        ],
    );
    refuse(
        &with("d, greens = [pc, next(d), 3], reds = [*d]"),
        expect![[r#"
            1:67 a green is a local variable or something to read, as `self.pc` and `frame.borrow().index`; compute this before, in a variable
            1:76 a green starts with a local variable, as in `self.pc`; constants need not be listed
            1:88 `reds` takes local variables only; keep this in one, and name that"#]],
    );
}

#[test]
fn colours() {
    let with = |lists: &str| {
        format!(
            "fn f(d: &D, pc: usize, code: &[u8]) {{ loop {{ jit_merge_point!(d, {lists}); }} }}"
        )
    };
    refuse(
        &with("greens = [pc, code], reds = [code]"),
        expect!["1:95 `code` is already declared green; a variable has one colour"],
    );
    refuse(
        &with("greens = [pc, pc], reds = []"),
        expect!["1:80 `pc` is already in this list; remove one"],
    );
    refuse(
        &with("greens = [pc, CODE], reds = [len]"),
        expect![[r#"
            1:80 `CODE` is not a local variable here; constants need not be listed
            1:95 `len` is not a local variable here; constants need not be listed"#]],
    );
}

#[test]
fn the_same_lists() {
    refuse(
        &simple("", "can_enter_jit!(d, greens = [code, pc], reds = []);", ""),
        expect![[r#"
            3:29 greens differ from those of `jit_merge_point!`: expected [pc, code]
            3:48 reds differ from those of `jit_merge_point!`: expected [acc]"#]],
    );
    refuse(
        &simple("", "can_enter_jit!(e, greens = [pc, code], reds = [acc, d]);", ""),
        expect![[r#"
            3:16 the driver differs from that of `jit_merge_point!`: expected `d`
            3:53 reds differ from those of `jit_merge_point!`: expected [acc]"#]],
    );
    refuse(
        &simple("", &format!("let pc = pc + 1;\n{ENTER}"), ""),
        expect!["4:29 `pc` is not the variable of `jit_merge_point!` here; do not shadow it"],
    );
    refuse(
        &simple(
            "",
            "if let Some(acc) = acc.checked_add(1) {\ncan_enter_jit!(d, greens = [pc, code], reds = [acc]); }",
            "",
        ),
        expect!["4:48 `acc` is not the variable of `jit_merge_point!` here; do not shadow it"],
    );
}

#[test]
fn what_lives() {
    accept(&simple("let unused = 1; let start = unused + 1; acc += start;", "", "acc"));
    refuse(
        &simple("let mut depth = 0;", "depth += 1;", ""),
        expect![
            "1:84 `depth` lives across the merge point but is neither green nor red; add it to `reds = [acc, depth]`"
        ],
    );
    refuse(
        &simple("let (start, (a, ref b)) = now();", "", "start.elapsed(b)"),
        expect![[r#"
            1:81 `start` lives across the merge point but is neither green nor red; add it to `reds = [acc, start]`
            1:96 `b` lives across the merge point but is neither green nor red; add it to `reds = [acc, b]`"#]],
    );
    refuse(
        "fn f(&mut self, n: usize, mut pc: usize) { while pc < n { jit_merge_point!(self.driver, greens = [pc], reds = []); self.step(); } }",
        expect![[r#"
            1:11 `self` lives across the merge point but is neither green nor red; add it to `reds = [self]`
            1:17 `n` lives across the merge point but is neither green nor red; add it to `reds = [n]`"#]],
    );
    accept(
        "fn f(&mut self, mut pc: usize) { loop { jit_merge_point!(self.driver, greens = [pc], reds = [self]); self.step(); } }",
    );
    accept(
        "fn f(driver: &D, mut pc: usize) { loop { jit_merge_point!(&driver, greens = [pc], reds = []); other(driver, pc); } }",
    );
}

/// Uses of `x` that are not uses of the `x` of the prologue.
#[test]
fn what_does_not_live() {
    let x = "let x = 1; acc = x;";
    for body in [
        "let x = 2; acc += x;",
        "match acc { x if x > 0 => acc = x, Some(x) | Ok(x) => acc = x, _ => {} }",
        "if let Some(x) = next() && x > 0 { acc = x; }",
        "while let Some(x) = next() { acc = x; }",
        "for x in 0..3 { acc += x; }",
        "acc = call(|x, (y, z)| x + y + z);",
        "let Some(x) = next() else { return 0 }; acc = x;",
        "{ fn x() {} x(); }",
        "fn g(x: i64) -> i64 { x }",
        "acc.x = p.x(); acc = Point { x: 1 }.x;",
        "println!(\"{{x}} {0} {x}\", acc, x = 1);",
        "my_macro!(acc.x);",
        "my_macro!('x: loop { break 'x; });",
        "module::x(); x::y();",
        "if matches!(acc, x if x > 0) { return 0; }",
        "'x: loop { break 'x; }",
    ] {
        accept(&simple(x, body, ""));
    }
}

#[test]
fn uses_that_are_easy_to_miss() {
    let x = "let x = 1;";
    let expected = "1:80 `x` lives across the merge point but is neither green nor red; add it to `reds = [acc, x]`";
    for body in [
        "let x = x;",
        "{ let x = 2; } acc = x;",
        "if let Some(x) = next() { acc = x; } else { acc = x; }",
        "match x { x => {} }",
        "acc = call(move || x);",
        "for x in 0..x {}",
        "acc = Point { x };",
        "println!(\"{x}\");",
        "println!(\"{:1$} {acc:>x$}\", acc, 3);",
        "writeln!(acc, \"{}\", x).unwrap();",
        "acc = vec![0; x];",
        "my_macro!(a => { 0..x });",
        "my_macro!(\"{x:?}\");",
        "if matches!(acc, y if y > x) { return 0; }",
        "let Some(x) = next() else { return x };",
        "while acc < x { acc += 1; }",
        "acc += x as i64;",
        "return x;",
        "let y = async { x };",
    ] {
        assert_eq!(shown(portal(&simple(x, body, ""))), expected, "{body}");
    }
    refuse(
        &simple("let x = 1; macro_rules! m { () => { x } }", "m!();", ""),
        expect![
            "1:80 `x` lives across the merge point but is neither green nor red; add it to `reds = [acc, x]`"
        ],
    );
}

#[test]
fn conditions() {
    let with = |condition: &str| {
        format!(
            "fn f(d: &D, code: &[u8], mut pc: usize) {{ while {condition} {{
jit_merge_point!(d, greens = [pc, code], reds = []);
can_enter_jit!(d, greens = [pc, code], reds = []); }} }}"
        )
    };
    for condition in [
        "true",
        "pc < code.len()",
        "code[pc] != b'x' && !code.is_empty() || (pc as u8) == -1",
        "code.get(pc).is_some()",
        "(0..9).contains(&pc)",
        "matches!(code[pc], 1 | 2 if pc > 3)",
        "code.0.len() == END",
    ] {
        accept(&with(condition));
    }
    for (condition, column) in [
        ("step()", 49),
        ("pc < advance(code)", 54),
        ("code.next().is_some()", 49),
        ("{ pc += 1; true }", 49),
        ("(pc = 1) == ()", 50),
        ("read(&mut pc) && true", 49),
        ("matches!(read(), 1)", 58),
        ("pc < my_macro!()", 54),
        ("pc < *&mut pc", 55),
    ] {
        let message = format!(
            "1:{column} the loop condition runs between `can_enter_jit!` and `jit_merge_point!`, and again when compiled code comes back; move this behind the merge point"
        );
        assert_eq!(shown(portal(&with(condition))), message, "{condition}");
    }
    accept(
        "fn f(d: &D, mut pc: usize) { while step() { jit_merge_point!(d, greens = [pc], reds = []); } }",
    );
}

#[test]
fn greens_keep() {
    refuse(
        "fn f(d: &D, code: &mut [u8], mut pc: usize) { loop { jit_merge_point!(d, greens = [pc, code], reds = []); } }",
        expect!["1:19 a green must not change, and `&mut` lets it; make `code` red"],
    );
    refuse(
        "fn f(&mut self, d: &D) { let x: &mut u8 = g(); loop { jit_merge_point!(d, greens = [self, x], reds = []); } }",
        expect![[r#"
            1:6 a green must not change, and `&mut` lets it; make `self` red
            1:33 a green must not change, and `&mut` lets it; make `x` red"#]],
    );
    refuse(
        &simple(
            "read(&mut pc);",
            "acc = read(&mut pc, &mut acc); g(&raw mut code[1]); pc += 1;",
            "g(&mut pc)",
        ),
        expect![[r#"
            3:12 `pc` is green, so it changes by assignment only, not through `&mut`
            3:34 `code` is green, so it changes by assignment only, not through `&mut`"#]],
    );
}

#[test]
fn called_again_and_again() {
    let with = |before: &str, after: &str| {
        format!(
            "fn f(&mut self, d: &D, io: &mut Io) -> R {{ {before}
jit_merge_point!(d, greens = [self.pc], reds = [self, io], again = Ok(true),);
{after} Ok(true) }}"
        )
    };
    assert!(accept(&with("const X: u8 = 1;", "io.put(self.pc);")).is_alone);
    refuse(
        &with("self.pc += 1;", ""),
        expect![
            "2:60 with `again`, `jit_merge_point!` is the first statement of the function's body"
        ],
    );
    refuse(
        &with("loop {", "}"),
        expect![
            "2:60 `again` is for a function that executes one instruction; this loop starts over by itself, so remove it"
        ],
    );
    refuse(
        &with("", "can_enter_jit!(d, greens = [self.pc], reds = [self, io]);"),
        expect!["3:1 with `again`, compiled code is entered at `jit_merge_point!`; remove this"],
    );
    refuse(
        "fn f(&mut self, d: &D, io: &mut Io) -> bool {
jit_merge_point!(d, greens = [self.pc], reds = [], again = true);
io.put(1) }",
        expect![[r#"
            1:11 `self` lives across the merge point but is neither green nor red; add it to `reds = [self]`
            1:24 `io` lives across the merge point but is neither green nor red; add it to `reds = [io]`"#]],
    );
    refuse(
        "fn f(d: &D) { loop { can_enter_jit!(d, greens = [], reds = [], again = true); } }",
        expect![[r#"
            1:22 `can_enter_jit!` without `jit_merge_point!`; the merge point belongs at the start of this loop's body
            1:64 nothing may follow `reds`; expected `can_enter_jit!(driver, greens = [..], reds = [..])`"#]],
    );
}
