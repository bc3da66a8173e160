//! Text in, text out: the files of the folder `topics`.
//!
//! A file has groups: a title after `#`, then inputs after `>` (further lines of one after `.`), each
//! followed by what it writes, and by its value or its error. A group has an interpreter of its own.
//! The files are made again from their inputs and have to be the same; `UPDATE_EXPECT=1` rewrites them.

use expect_test::expect_file;
use jitdriver::{Jit, JitDriver};
use minischeme::{Interpreter, Value, with_stack};
use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/topics"))
}

/// What a program writes.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the inputs of a group, and answers the group as it should be.
fn run_group(lines: &[&str], jit: Jit, params: &str) -> String {
    let output = Output::default();
    let mut interpreter = Interpreter::new(output.clone());
    let builder = JitDriver::builder().jit(jit).params(params).expect("parameters");
    interpreter.jit = builder.build().expect("a driver");
    let mut shown = String::new();
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.strip_prefix("> ") else {
            // Titles stay; what inputs gave before is not looked at.
            if line.starts_with("# ") {
                shown += &format!("{line}\n");
            }
            continue;
        };
        shown += &format!("> {first}\n");
        let mut input = first.to_owned();
        while let Some(more) = lines.peek().and_then(|line| line.strip_prefix(". ")) {
            input += &format!("\n{more}");
            shown += &format!(". {more}\n");
            lines.next();
        }
        let result = interpreter.run(&input);
        let written = String::from_utf8(output.0.take()).expect("text");
        shown += &written;
        if !written.is_empty() && !written.ends_with('\n') {
            shown.push('\n');
        }
        match result {
            Ok(Value::Unspecified) => {}
            Ok(value) => shown += &format!("{value}\n"),
            Err(error) => shown += &format!("error: {error}\n"),
        }
    }
    shown
}

/// Runs all groups of a topic, and answers the topic as it should be.
fn run_topic(topic: &'static str, text: &str, jit: Jit, params: &'static str) -> String {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    with_stack(move || {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut starts: Vec<usize> =
            (0..lines.len()).filter(|&at| lines[at].starts_with("# ")).collect();
        assert_eq!(starts.first(), Some(&0), "{topic} starts with a title");
        starts.push(lines.len());
        let groups = starts.windows(2).map(|two| run_group(&lines[two[0]..two[1]], jit, params));
        groups.collect::<Vec<_>>().join("\n")
    })
}

fn backends() -> Vec<Jit> {
    match cfg!(feature = "cranelift") {
        true => vec![Jit::Llgraph, Jit::Cranelift],
        false => vec![Jit::Llgraph],
    }
}

fn check(topic: &'static str) {
    let path = folder().join(format!("{topic}.txt"));
    let text = fs::read_to_string(&path).expect(topic);
    let plain = run_topic(topic, &text, Jit::Off, "");
    for jit in backends() {
        for params in ["threshold=1,trace_eagerness=2", "threshold=3,trace_eagerness=2", ""] {
            let shown = run_topic(topic, &text, jit, params);
            assert_eq!(shown, plain, "{topic} under {jit} with `{params}`");
        }
    }
    expect_file![path].assert_eq(&plain);
}

macro_rules! topics {
    ($($topic:ident)*) => {
        $(#[test]
        fn $topic() {
            check(stringify!($topic));
        })*

        const TOPICS: &[&str] = &[$(stringify!($topic)),*];
    };
}

topics! {
    binding closures conditionals data definitions equality errors higher_order lists loops numbers
    output quasi_quote reading recursion strings tail_calls vectors
}

#[test]
fn every_topic_is_tested() {
    let mut n_groups = 0;
    for file in fs::read_dir(folder()).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(TOPICS.contains(&name), "{name} is not in the list");
        let text = fs::read_to_string(&path).expect("a text");
        n_groups += text.lines().filter(|line| line.starts_with("# ")).count();
    }
    println!("{n_groups} groups");
}
