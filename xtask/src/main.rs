//! The workspace's own commands: `cargo xtask NAME`.
//!
//! One table says what there is. A command is a list of processes that run one after the other in
//! the workspace's folder, until one fails.
//!
//! Why not shell scripts: `.ci/run` is one, so that it shows on one screen what is checked; the rest
//! should run on every system that Rust runs on.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, ExitCode};

struct Task {
    name: &'static str,
    doc: &'static str,
    /// Variables that the processes get.
    env: &'static [(&'static str, &'static str)],
    /// Program and arguments of each process.
    steps: &'static [&'static [&'static str]],
}

const TASKS: &[Task] = &[
    Task { name: "ci", doc: "all checks, as `.ci/run`", env: &[], steps: &[&["bash", ".ci/run"]] },
    Task {
        name: "bless",
        doc: "runs the tests and rewrites expected texts that differ: expect-test, `.trace` files, `.stderr` files",
        env: &[("UPDATE_EXPECT", "1"), ("TRYBUILD", "overwrite")],
        steps: &[&["cargo", "test", "--workspace", "--no-fail-fast"]],
    },
    Task {
        name: "bench",
        doc: "builds everything in release mode and runs the benchmarks",
        env: &[],
        steps: &[
            &["cargo", "build", "--release", "--workspace"],
            &["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-language-x"],
            &["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-brainfuck"],
        ],
    },
    Task {
        name: "build-time",
        doc: "release builds of annotated examples, compared with builds without a JIT",
        env: &[],
        steps: &[&["cargo", "run", "--quiet", "-p", "xtask", "--bin", "build-time"]],
    },
    Task {
        name: "sanitize",
        doc: "runs examples and owned values in every mode under AddressSanitizer and LeakSanitizer (rustup's nightly)",
        env: &[("RUSTFLAGS", "-Zsanitizer=address"), ("ASAN_OPTIONS", "detect_leaks=1")],
        steps: &[&[
            "rustup",
            "run",
            "nightly",
            "cargo",
            "test",
            "--target=x86_64-unknown-linux-gnu",
            "--target-dir=target/sanitize",
            "-p=jit-tests",
            "--test=owned",
            "--test=names",
            "--test=programs_come_and_go",
            "--test=examples",
        ]],
    },
    Task {
        name: "valgrind",
        doc: "runs owned values in every mode under valgrind",
        env: &[(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            "valgrind -q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite",
        )],
        steps: &[&[
            "cargo",
            "test",
            "-p=jit-tests",
            "--test=owned",
            "--test=programs_come_and_go",
            "--",
            "--test-threads=1",
        ]],
    },
    Task {
        name: "miri",
        doc: "runs the tests of the trace and the optimizer, and those of places and values, in Miri (rustup's nightly with miri)",
        env: &[("MIRIFLAGS", "-Zmiri-permissive-provenance")],
        steps: &[
            &["rustup", "run", "nightly", "cargo", "miri", "test", "-p=metainterp", "--lib"],
            &[
                "rustup",
                "run",
                "nightly",
                "cargo",
                "miri",
                "test",
                "-p=jit-tests",
                "--no-default-features",
                "--test=names",
            ],
        ],
    },
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (name, rest) = (args.next(), args.next());
    let task = TASKS.iter().find(|task| Some(task.name) == name.as_deref());
    match (task, rest) {
        (Some(task), None) => run(task),
        _ => {
            eprint!("{}", usage());
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> ExitCode {
    for step in task.steps {
        if let Err(error) = run_step(task, step) {
            eprintln!("xtask {}: {error}", task.name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run_step(task: &Task, step: &[&str]) -> Result<(), String> {
    let command_line = step.join(" ");
    let mut command = Command::new(step[0]);
    command.args(&step[1..]).current_dir(root()).envs(task.env.iter().copied());
    let status = command.status().map_err(|error| format!("`{command_line}`: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{command_line}`: {status}")),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's folder")
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask NAME\n\n");
    for task in TASKS {
        text += &format!("{:>10}  {}\n", task.name, task.doc);
    }
    text
}
