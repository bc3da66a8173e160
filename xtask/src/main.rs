//! The workspace's own commands: `cargo xtask NAME`.
//!
//! One table says what there is. A command is a list of processes that run one after the other in
//! the workspace's folder, until one fails. What a command needs is asked for before it starts.
//!
//! Why not shell scripts: `.ci/run` is one, so that it shows on one screen what is checked; the rest
//! should run on every system that Rust runs on.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

type Env = &'static [(&'static str, &'static str)];

struct Task {
    name: &'static str,
    doc: &'static str,
    needs: &'static [Need],
    /// Variables that the processes get.
    env: Env,
    steps: &'static [Step],
}

/// Program and arguments of a process, run once for each set of variables.
struct Step {
    command: &'static [&'static str],
    /// Variables in the place of the task's.
    env: Env,
    modes: &'static [Env],
}

/// A program that must be there, as its own answer to a question shows.
struct Need {
    question: &'static [&'static str],
    or_else: &'static str,
}

const NIGHTLY: Need = Need {
    question: &["rustup", "run", "nightly", "rustc", "--version"],
    or_else: "there is no nightly toolchain: `rustup toolchain install nightly`",
};
const MIRI: Need = Need {
    question: &["rustup", "run", "nightly", "cargo", "miri", "--version"],
    or_else: "the nightly toolchain has no Miri: `rustup +nightly component add miri rust-src`",
};
const VALGRIND: Need = Need {
    question: &["valgrind", "--version"],
    or_else: "there is no valgrind: install the package of that name",
};

const ONCE: &[Env] = &[&[]];

/// Threshold 1 records everything there is, the default only what is hot. Without a backend it is the plain
/// functions that are tested, with threshold 1 it is the twin that does most of the work.
const MODES: &[Env] = &[
    &[("JITDRIVER", "off")],
    &[("JITDRIVER", "llgraph"), ("JITDRIVER_PARAMS", "threshold=1,trace_eagerness=1")],
    &[("JITDRIVER", "llgraph")],
    &[("JITDRIVER", "cranelift"), ("JITDRIVER_PARAMS", "threshold=1,trace_eagerness=1")],
    &[("JITDRIVER", "cranelift")],
];

const fn once(command: &'static [&'static str]) -> Step {
    Step { command, env: &[], modes: ONCE }
}

const fn in_all_modes(command: &'static [&'static str]) -> Step {
    Step { command, env: &[], modes: MODES }
}

impl Step {
    const fn with(self, env: Env) -> Step {
        Step { env, ..self }
    }
}

const TASKS: &[Task] = &[
    Task {
        name: "ci",
        doc: "all checks, as `.ci/run`",
        needs: &[],
        env: &[],
        steps: &[once(&["bash", ".ci/run"])],
    },
    Task {
        name: "bless",
        doc: "runs the tests and rewrites expected texts that differ: expect-test, `.trace` files, `.stderr` files",
        needs: &[],
        env: &[("UPDATE_EXPECT", "1"), ("TRYBUILD", "overwrite")],
        steps: &[once(&["cargo", "test", "--workspace", "--no-fail-fast"])],
    },
    Task {
        name: "bench",
        doc: "builds everything in release mode and runs the benchmarks",
        needs: &[],
        env: &[],
        steps: &[
            once(&["cargo", "build", "--release", "--workspace"]),
            once(&["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-language-x"]),
            once(&["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-brainfuck"]),
            once(&["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-boxes"]),
            once(&["cargo", "run", "--release", "-p", "jit-benches", "--bin", "bench-exits"]),
        ],
    },
    Task {
        name: "build-time",
        doc: "release builds of annotated examples, compared with builds without a JIT",
        needs: &[],
        env: &[],
        steps: &[once(&["cargo", "run", "--quiet", "-p", "xtask", "--bin", "build-time"])],
    },
    Task {
        name: "sanitize",
        doc: "runs the examples' tests and those of memory in every mode under AddressSanitizer and LeakSanitizer (rustup's nightly)",
        needs: &[NIGHTLY],
        // The tests' own backtraces would be most of the time.
        env: &[
            ("RUSTUP_TOOLCHAIN", "nightly"),
            ("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu"),
            ("CARGO_TARGET_DIR", "target/sanitize"),
            ("RUSTFLAGS", "-Zsanitizer=address"),
            ("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1"),
            // Frames of instrumented functions are larger.
            ("RUST_MIN_STACK", "16777216"),
            ("RUST_BACKTRACE", "0"),
            ("CARGO_INCREMENTAL", "0"),
        ],
        steps: &[
            once(&[
                "cargo",
                "test",
                "--no-fail-fast",
                "-p=jit-tests",
                // Without the construct matrix, which takes longer to compile than all others.
                "--no-default-features",
                "--features=jit-tests/cranelift",
                "--test=aggregates",
                "--test=assembler",
                "--test=boxes",
                "--test=buffers",
                "--test=calls",
                "--test=degrading",
                "--test=derefs",
                "--test=examples",
                "--test=host_recursion",
                "--test=indexing",
                "--test=iteration",
                "--test=merge_points",
                "--test=names",
                "--test=own_drops",
                "--test=owned",
                "--test=pointers",
                "--test=programs_come_and_go",
                "--test=shims",
                "--test=soundness",
                "--test=threads",
                "--test=traits",
                "--test=tree_walkers",
            ]),
            in_all_modes(&[
                "cargo",
                "test",
                "--no-fail-fast",
                "-p=language-x",
                "-p=brainfuck",
                "-p=chip8",
            ]),
            // The tests of these choose the modes themselves.
            once(&["cargo", "test", "--no-fail-fast", "-p=lua"]),
            // Its programs make cycles of counted references, which nothing frees; that the JIT leaves nothing more
            // behind is a test of its own, `tests/leaks.rs`.
            once(&["cargo", "test", "--no-fail-fast", "-p=minischeme"])
                .with(&[("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=1")]),
        ],
    },
    Task {
        name: "sanitize-threads",
        doc: "runs drivers in eight threads, and drivers that go from thread to thread, under ThreadSanitizer (rustup's nightly)",
        needs: &[NIGHTLY],
        env: &[
            ("RUSTUP_TOOLCHAIN", "nightly"),
            ("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu"),
            ("CARGO_TARGET_DIR", "target/sanitize-threads"),
            // std is not instrumented: for that there would have to be its source. What is reported for that reason is
            // listed in a file, which is looked for from the tests' folder on.
            ("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"),
            ("TSAN_OPTIONS", "suppressions=../xtask/tsan.supp"),
            ("RUST_BACKTRACE", "0"),
            ("CARGO_INCREMENTAL", "0"),
        ],
        steps: &[once(&[
            "cargo",
            "test",
            "-p=jit-tests",
            "--no-default-features",
            "--features=jit-tests/cranelift",
            "--test=sendable",
            "--test=threads",
        ])],
    },
    Task {
        name: "valgrind",
        doc: "runs examples and the tests of memory in every mode under valgrind",
        needs: &[VALGRIND],
        env: &[
            (
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
                // Machine code lies in a mapping of a file without a name, where valgrind would not look for changes.
                // Padding becomes a constant of a trace, and optimized code compares bytes before it knows that they
                // are meant: what valgrind says of values that are not initialized is not asked for.
                "valgrind -q --smc-check=all --undef-value-errors=no --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite",
            ),
            // Without optimization all this would take hours. At the release profile's level a read of 16 bytes was
            // reported of which the last four lie behind a vector, in code without `unsafe`; why is not known.
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
            ("CARGO_INCREMENTAL", "0"),
            ("RUST_BACKTRACE", "0"),
        ],
        steps: &[
            once(&[
                "cargo",
                "test",
                "--no-fail-fast",
                "-p=jit-tests",
                "--no-default-features",
                "--features=jit-tests/cranelift",
                "--test=boxes",
                "--test=buffers",
                "--test=names",
                "--test=own_drops",
                "--test=owned",
                "--test=pointers",
                "--test=programs_come_and_go",
                "--test=soundness",
                "--",
                "--test-threads=1",
            ]),
            in_all_modes(&["cargo", "run", "-p=language-x"]),
            in_all_modes(&["cargo", "run", "-p=brainfuck", "examples/brainfuck/programs/hello.bf"]),
            in_all_modes(&["cargo", "run", "-p=chip8", "examples/chip8/programs/sieve.8s"]),
        ],
    },
    Task {
        name: "miri",
        doc: "runs the tests of the trace and the optimizer, and those of places and values, in Miri (rustup's nightly with miri)",
        needs: &[NIGHTLY, MIRI],
        env: &[("RUSTUP_TOOLCHAIN", "nightly"), ("MIRIFLAGS", "-Zmiri-permissive-provenance")],
        steps: &[
            once(&["cargo", "miri", "test", "-p=metainterp", "--lib"]),
            once(&[
                "cargo",
                "miri",
                "test",
                "-p=jit-tests",
                "--no-default-features",
                "--test=names",
                "--test=soundness",
            ]),
        ],
    },
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (name, rest) = (args.next(), args.next());
    let task = TASKS.iter().find(|task| Some(task.name) == name.as_deref());
    match (task, rest) {
        (Some(task), None) => match run(task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("xtask {}: {error}", task.name);
                ExitCode::FAILURE
            }
        },
        _ => {
            eprint!("{}", usage());
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<(), String> {
    task.needs.iter().try_for_each(Need::is_met)?;
    for step in task.steps {
        for mode in step.modes {
            run_step(task, step, mode)?;
        }
    }
    Ok(())
}

impl Need {
    fn is_met(&self) -> Result<(), String> {
        let mut question = command(self.question);
        let answer = question.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let is_met = answer.is_ok_and(|status| status.success());
        is_met.then_some(()).ok_or_else(|| self.or_else.into())
    }
}

fn run_step(task: &Task, step: &Step, mode: Env) -> Result<(), String> {
    let variables = mode.iter().map(|(name, value)| format!("{name}={value} "));
    let command_line = variables.collect::<String>() + &step.command.join(" ");
    println!("==> {command_line}");
    let env = task.env.iter().chain(step.env).chain(mode).copied();
    let status = command(step.command).current_dir(root()).envs(env).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command_line}`: {status}")),
        Err(error) => Err(format!("`{command_line}`: {error}")),
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's folder")
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask NAME\n\n");
    for task in TASKS {
        text += &format!("{:>16}  {}\n", task.name, task.doc);
    }
    text
}
