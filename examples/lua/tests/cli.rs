//! The command line: statements, modules, arguments, the prompt, exit codes.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a run wrote and how it ended.
#[derive(Debug, PartialEq)]
struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn run(args: &[&str], input: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lua"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the interpreter starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A run that does not read its input may be over already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Run { stdout: text(&output.stdout), stderr: text(&output.stderr), code }
}

#[track_caller]
fn check(args: &[&str], input: &str, stdout: &str) {
    let expected = Run { stdout: stdout.to_string(), stderr: String::new(), code: 0 };
    assert_eq!(run(args, input), expected);
}

#[test]
fn statements_run_in_order_before_the_script() {
    check(&["-e", "x = 1", "-e", "print(x)"], "", "1\n");
    check(&["-e", "x = 5", "-", "a"], "print(x, arg[0], arg[1], ...)", "5\t-\ta\ta\n");
}

#[test]
fn arguments_are_in_arg_and_in_dots() {
    check(&["-", "-x", "two"], "print(#arg, arg[1], select('#', ...), ...)", "2\t-x\t2\t-x\ttwo\n");
}

#[test]
fn a_script_may_start_with_a_hash_line() {
    check(&["-"], "#!/usr/bin/lua\nprint('after')", "after\n");
}

#[test]
fn modules_are_found_and_loaded_once() {
    let script = "local a = require('modules.counter') local b = require('modules.counter') \
                  print(a == b, a.loads, a.next(), b.next(), package.loaded['modules.counter'] == a)";
    check(&["-e", script], "", "true\t1\t1\t2\ttrue\n");
    check(&["-l", "string", "-e", "print(string.upper('x'))"], "", "X\n");
}

#[test]
fn a_missing_module_names_the_places_where_it_was_looked_for() {
    let run = run(&["-e", "require('no.such')"], "");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("module 'no.such' not found:"), "{}", run.stderr);
    assert!(run.stderr.contains("\n\tno field package.preload['no.such']"), "{}", run.stderr);
    assert!(run.stderr.contains("\n\tno file './no/such.lua'"), "{}", run.stderr);
}

#[test]
fn the_prompt_prints_values_and_waits_for_the_end_of_statements() {
    let input = "1 + 1, 'two'\nfor i = 1, 2 do\nprint(i)\nend\nx = 10\nx\n= x * 2\n";
    check(&["-i"], input, "2\ttwo\n1\n2\n10\n20\n");
}

#[test]
fn the_prompt_goes_on_after_errors() {
    let run = run(&["-i"], "error('oops')\nlocal x = = 1\nprint('still here')\n");
    assert_eq!((run.stdout.as_str(), run.code), ("still here\n", 0));
    assert!(run.stderr.starts_with("lua: stdin:1: oops\nstack traceback:\n"), "{}", run.stderr);
    assert!(run.stderr.contains("lua: stdin:1: unexpected symbol near '='"), "{}", run.stderr);
}

#[test]
fn errors_end_with_code_1_and_os_exit_with_its_own() {
    let failed = run(&["-e", "io.write('out') error('bad')"], "");
    assert_eq!((failed.stdout.as_str(), failed.code), ("out", 1));
    assert!(failed.stderr.starts_with("lua: (command line):1: bad\n"), "{}", failed.stderr);
    assert_eq!(run(&["-e", "os.exit(7)"], "").code, 7);
    assert_eq!(run(&["-e", "os.exit(false)"], "").code, 1);
    let missing = run(&["no/such/file.lua"], "");
    assert_eq!(missing.code, 1);
    assert_eq!(missing.stderr, "lua: cannot open no/such/file.lua: No such file or directory\n");
}

#[test]
fn scripts_read_standard_input() {
    let script = "local a, b = io.read('n', 'n') print(a + b, io.read('l'), io.read('a'))";
    check(&["-e", script], "3 4.5 rest\nmore\nlines", "7.5\t rest\tmore\nlines\n");
    check(&["-e", "for l in io.lines() do io.write('[', l, ']') end print()"], "a\nb", "[a][b]\n");
}
