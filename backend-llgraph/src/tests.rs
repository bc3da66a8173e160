//! What llgraph checks. What it computes is tested by the conformance suite.

use super::*;
use metainterp::backend::CALL_WORDS;
use metainterp::ir::parse;

fn backend(traces: &[&str]) -> LlgraphBackend {
    let backend = LlgraphBackend::new();
    for (code, text) in traces.iter().enumerate() {
        let trace = parse(text).unwrap_or_else(|error| panic!("{error}"));
        backend.compile(CodeId(code as u32), &trace).unwrap_or_else(|error| panic!("{error}"));
    }
    backend
}

#[expect(unsafe_code, reason = "runs traces")]
fn run(backend: &LlgraphBackend, inputs: &[u64]) -> (u32, Box<Frame>) {
    let mut frame = Frame::new();
    frame.slots[..inputs.len()].copy_from_slice(inputs);
    // SAFETY: the traces of these tests access memory of the test that runs them, or are stopped.
    let exit = unsafe { backend.execute(CodeId(0), &mut frame) };
    (exit.0, frame)
}

#[test]
#[should_panic(expected = "a wrong trace: operation 0, `i1 = int_add(i0)`: expected 2 operands")]
fn wrong_traces_are_not_compiled() {
    backend(&["[i0]\ni1 = int_add(i0)\nfinish() []"]);
}

#[test]
#[should_panic(expected = "ExitId(0) saves a constant or one value twice")]
fn exits_save_no_constants() {
    backend(&["[i0]\nfinish() [i0, 5]"]);
}

#[test]
#[should_panic(expected = "ExitId(0) saves a constant or one value twice")]
fn exits_save_a_value_once() {
    backend(&["[i0, i1]\nfinish() [i0, i1, i0]"]);
}

#[test]
#[should_panic(expected = "ExitId(0) exists")]
fn exits_are_unique_among_traces() {
    backend(&["[]\nfinish() []", "[]\nfinish() []"]);
}

#[test]
#[should_panic(expected = "TargetId(3) exists")]
fn targets_are_unique_among_traces() {
    let text = "[]\nlabel(target=3)\njump(target=3)";
    backend(&[text, text]);
}

#[test]
#[should_panic(expected = "CodeId(0) is in use")]
fn codes_are_unique() {
    let backend = backend(&["[]\nfinish() []"]);
    let _ = backend.compile(CodeId(0), &parse("[]\nfinish() [] exit=1").unwrap());
}

#[test]
#[should_panic(expected = "the jump does not fit the label TargetId(3)")]
fn jumps_fit_labels_of_other_traces() {
    backend(&["[i0]\ni1 = label(i0, target=3)\njump(i1, target=3)", "[]\njump(1.5, target=3)"]);
}

#[test]
#[should_panic(expected = "does not fit ExitId(0)")]
fn bridges_fit_their_exits() {
    let backend = backend(&["[i0]\nfinish() [i0]", "[i0, i1]\nfinish() [] exit=1"]);
    backend.attach_bridge(ExitId(0), CodeId(1));
}

#[test]
#[should_panic(expected = "slot 0 has 0x100, not a i8")]
fn inputs_fit_their_types() {
    run(&backend(&["[i0: i8]\nfinish() []"]), &[0x100]);
}

#[test]
#[should_panic(expected = "operation 0, `i1: bool = getfield(p0, descr=mem(bool))`: 0x2 at")]
fn loaded_bools_are_bools() {
    let mut memory = [2u64];
    let backend = backend(&["[p0]\ni1: bool = getfield(p0, descr=mem(bool))\nfinish() []"]);
    run(&backend, &[memory.as_mut_ptr() as u64]);
}

#[test]
#[should_panic(expected = "an access to 0x8, near null (p0 = 0x0)")]
fn null_is_not_accessed() {
    run(&backend(&["[p0]\ni1 = getfield(p0, descr=mem(i64, offset=8))\nfinish() []"]), &[0]);
}

#[test]
#[should_panic(expected = "which is not aligned for a i32")]
fn accesses_are_aligned() {
    let mut memory = [0u64];
    let backend = backend(&["[p0]\nsetfield(p0, 1i32, descr=mem(i32, offset=2))\nfinish() []"]);
    run(&backend, &[memory.as_mut_ptr() as u64]);
}

fn mapped(text: &str, inputs: &[u64]) {
    let mut memory = [7u64; 8];
    let backend = backend(&[text]);
    let mut map = MemoryMap::new();
    map.allow(&mut memory[2..6]);
    backend.set_memory_map(map);
    let mut all = vec![memory.as_mut_ptr() as u64];
    all.extend(inputs);
    run(&backend, &all);
}

const LOAD: &str = "[p0, i1]\ni2 = getarrayitem(p0, i1, descr=mem(i64, scale=8))\nfinish() [i2]";

#[test]
fn accesses_inside_the_map_are_fine() {
    mapped(LOAD, &[2]);
    mapped(LOAD, &[5]);
}

#[test]
#[should_panic(expected = "outside the memory map")]
fn accesses_above_the_map_are_found() {
    mapped(LOAD, &[6]);
}

#[test]
#[should_panic(expected = "outside the memory map")]
fn accesses_below_the_map_are_found() {
    mapped(LOAD, &[1]);
}

#[test]
fn frozen_memory_may_be_read_again() {
    frozen(|_| {});
}

#[test]
#[should_panic(expected = "was 0x7, is 0x8")]
fn frozen_memory_does_not_change() {
    frozen(|memory| memory[0] = 8);
}

fn frozen(change: impl Fn(&mut [u64])) {
    let mut memory = [7u64];
    let backend = backend(&["[p0]\ni1 = getfield(p0, descr=mem(i64, frozen))\nfinish() [i1]"]);
    run(&backend, &[memory.as_mut_ptr() as u64]);
    change(&mut memory);
    run(&backend, &[memory.as_mut_ptr() as u64]);
}

#[test]
#[should_panic(expected = "`i2 = int_c_div(i0, i1)`: not defined for 0x5 and 0x0 (i0 = 5, i1 = 0)")]
fn division_by_zero_is_found() {
    run(&backend(&["[i0, i1]\ni2 = int_c_div(i0, i1)\nfinish() []"]), &[5, 0]);
}

#[test]
#[should_panic(expected = "not defined for 0x80 and 0xff (i0 = -128i8, i1 = -1i8)")]
fn overflow_of_a_division_is_found() {
    let text = "[i0: i8, i1: i8]\ni2: i8 = int_c_mod(i0, i1)\nfinish() []";
    run(&backend(&[text]), &[0x80, 0xff]);
}

extern "C" fn panics(_words: *mut u64) -> u8 {
    1
}

extern "C" fn answers_nonsense(_words: *mut u64) -> u8 {
    2
}

extern "C" fn returns(_words: *mut u64) -> u8 {
    0
}

fn call(descr: &str, callee: extern "C" fn(*mut u64) -> u8) {
    let guard = if descr.contains("can_panic") { "guard_no_exception() [i0]\n" } else { "" };
    let text =
        format!("[p1, i0]\ni2: i8 = call(p1, descr=call(f, {descr}))\n{guard}finish() [i0] exit=9");
    run(&backend(&[&text]), &[callee as *const () as u64, 5]);
}

#[test]
#[should_panic(expected = "the call answers 1")]
fn only_calls_that_may_panic_do() {
    call("res=i8", panics);
}

#[test]
fn calls_that_may_panic_do() {
    call("res=i8, can_panic", panics);
}

#[test]
#[should_panic(expected = "the call answers 2")]
fn calls_answer_zero_or_one() {
    call("res=i8, can_panic", answers_nonsense);
}

#[test]
#[should_panic(expected = "result word 0 is 0xbad0bad1bad2bad3, not a i8")]
fn calls_write_their_results() {
    call("res=i8", returns);
}

#[test]
#[should_panic(expected = "a call to 0x10")]
fn null_is_not_called() {
    run(&backend(&["[]\ncall(0x10, descr=call(f))\nfinish() []"]), &[]);
}

#[test]
#[should_panic(expected = "TargetId(3) does not exist any more")]
fn freed_targets_are_not_entered() {
    let backend = backend(&["[]\nfinish() []", "[]\nlabel(target=3)\njump(target=3)"]);
    backend.compile(CodeId(2), &parse("[]\njump(target=3)").unwrap()).unwrap();
    backend.attach_bridge(ExitId(0), CodeId(2));
    backend.free(CodeId(1));
    run(&backend, &[]);
}

thread_local! {
    static RUNNING: RefCell<Option<Rc<LlgraphBackend>>> = const { RefCell::new(None) };
}

/// Answers as a panic whether freeing what is running was refused.
extern "C" fn frees_its_caller(_words: *mut u64) -> u8 {
    let backend = RUNNING.take().expect("the test has put it there");
    let free = std::panic::AssertUnwindSafe(|| backend.free(CodeId(0)));
    std::panic::catch_unwind(free).is_err().into()
}

#[test]
fn running_code_is_not_freed() {
    let text =
        "[p0]\ncall(p0, descr=call(f, can_panic))\nguard_no_exception() []\nfinish() [] exit=9";
    let backend = Rc::new(backend(&[text]));
    RUNNING.set(Some(Rc::clone(&backend)));
    let (exit, _) = run(&backend, &[frees_its_caller as *const () as u64]);
    assert_eq!(exit, 0, "the running trace was freed");
}

#[test]
#[should_panic(expected = "leads here")]
fn bridges_that_exits_continue_in_are_not_freed() {
    let backend = backend(&["[]\nfinish() []", "[]\nfinish() [] exit=1"]);
    backend.attach_bridge(ExitId(0), CodeId(1));
    backend.free(CodeId(1));
}

#[test]
#[should_panic(expected = "CodeId(0) does not exist")]
fn code_is_freed_once() {
    let backend = backend(&["[]\nfinish() []"]);
    backend.free(CodeId(0));
    backend.free(CodeId(0));
}

#[test]
fn executed_operations_are_counted() {
    let backend = backend(&["[i0]\ni1 = int_neg(i0)\nfinish() [i1]"]);
    let (exit, frame) = run(&backend, &[1]);
    assert_eq!((exit, frame.slots[0]), (0, u64::MAX));
    assert_eq!(backend.n_executed(), 2);
    assert_eq!(frame.call, [0; CALL_WORDS], "no call, no call words");
}
