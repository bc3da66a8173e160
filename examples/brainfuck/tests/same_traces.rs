//! The same program compiles the same list of traces in every process, wherever the system puts its memory.

use std::process::Command;

/// What the log says of each trace: what it is, and how many operations it has before and after
/// optimization.
fn traces(jit: &str, program: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_brainfuck"))
        .args(["--jit", jit, "--threshold", "7", program])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // They would win over the flags.
        .env_remove("JITDRIVER")
        .env_remove("JITDRIVER_PARAMS")
        .env("RUST_LOG", "metainterp=debug")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{program}: {}", output.status);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    log.lines()
        .filter_map(|line| {
            let what = line.trim_start();
            let counts = what.find("] recorded ").or_else(|| what.find("] optimized to "));
            match what.starts_with("# ") {
                true => Some(what.to_owned()),
                false => counts.map(|at| what[at + 2..].to_owned()),
            }
        })
        .collect()
}

#[test]
fn ten_processes_compile_the_same_traces() {
    let native = if cfg!(feature = "cranelift") { "cranelift" } else { "llgraph" };
    for (jit, program) in [(native, "programs/life.bf"), ("llgraph", "programs/rule110.bf")] {
        let first = traces(jit, program);
        let n_compiled = first.iter().filter(|line| line.starts_with("# ")).count();
        assert!(n_compiled >= 10, "{program}: {first:#?}");
        for run in 1..10 {
            assert_eq!(traces(jit, program), first, "{program}, {jit}, run {run}");
        }
    }
}
