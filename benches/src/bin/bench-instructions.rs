//! How many instructions recording, optimizing and compiling take for each recorded operation.
//!
//! The examples run under callgrind, which counts instructions and not time, so that the figures are the same
//! on a busy machine. A phase is a function of the framework that is not inlined, with all that it calls:
//! see [`PHASES`]. What compiled code does is not counted.
//!
//! Beside programs, loops of growing length are compiled, of straight code in Brainfuck and in Lua, to see
//! whether the costs stay the same per operation.
//!
//! Needs valgrind, and the examples beside this binary:
//! `cargo build --release -p jit-benches -p brainfuck -p chip8 -p minischeme -p lua`.

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::measure::sibling_binary;
use jit_benches::programs::{self, Program};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Prints instructions per recorded operation, by phase.
#[derive(Parser)]
struct Arguments {
    /// Programs whose names, as in `lua/fib`, contain one of these.
    #[arg(default_values = [
        "brainfuck/mandelbrot-small", "chip8/sieve", "minischeme/queens", "lua/n-queens",
        "lua/mandelbrot"
    ])]
    only: Vec<String>,
    /// How many operations the loops of growing length have, about.
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,20000")]
    lengths: Vec<usize>,
    /// The folder of examples.
    #[arg(long, default_value = "examples")]
    examples: PathBuf,
}

/// A phase is what is done in some functions, but for what is done in another. Their names end so.
struct Phase {
    name: &'static str,
    functions: &'static [&'static str],
    without: Option<&'static str>,
}

const PHASES: &[Phase] = &[
    Phase {
        name: "recording",
        functions: &["MetaInterp::record"],
        without: Some("::compile_recorded"),
    },
    Phase {
        name: "optimizing",
        functions: &[
            "TraceJob::optimize",
            "opt::exits::finalize_exits",
            "warm::compile::new_exits",
        ],
        without: None,
    },
    Phase {
        name: "backend",
        functions: &["backend::Assembler>::assemble", "backend::Backend>::finish"],
        without: None,
    },
    Phase {
        name: "of which Cranelift",
        // The driver has some code of its own compiled, too, when it is made.
        functions: &["compiler::Compiler::compile -> cranelift_codegen::context::Context::compile"],
        without: None,
    },
];

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("bench-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let result = measure_in(&folder, arguments);
    // Nothing depends on it any more.
    let _ = fs::remove_dir_all(&folder);
    result
}

fn measure_in(folder: &Path, arguments: &Arguments) -> Result<(), String> {
    let is_wanted =
        |it: &Program| arguments.only.iter().any(|part| it.title().contains(part.as_str()));
    let mut all: Vec<Program> =
        programs::all(&arguments.examples)?.into_iter().filter(is_wanted).collect();
    for &length in &arguments.lengths {
        all.push(straight(folder, "brainfuck", &long_brainfuck(length), length)?);
        all.push(straight(folder, "lua", &long_lua(length), length)?);
    }
    print!("| instructions per recorded operation | operations |");
    PHASES.iter().for_each(|phase| print!(" {} |", phase.name));
    println!("\n|---|--:|{}", "--:|".repeat(PHASES.len()));
    for program in &all {
        let counted = Counted::of(program, folder)?;
        print!("| {} | {} |", program.title(), counted.recorded_ops);
        for phase in PHASES {
            print!(" {:.0} |", counted.per_op(phase)?);
        }
        println!();
    }
    Ok(())
}

/// A program of straight code in a file.
fn straight(
    folder: &Path,
    example: &'static str,
    source: &str,
    length: usize,
) -> Result<Program, String> {
    let path = folder.join(format!("{length}.{example}"));
    fs::write(&path, source).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Program {
        example,
        name: format!("straight-{length}"),
        arguments: vec![path.display().to_string()],
        input: None,
        shows_code: false,
    })
}

/// A loop that runs a few thousand times, with about so many operations in a lap.
fn long_brainfuck(length: usize) -> String {
    // Two counters of a byte each around it.
    let mut text = String::from("++++++++++++++++[>");
    text += &"+".repeat(200);
    text += "[>";
    // Each addition is a load, an addition and a store, and each move a test of the bounds of the tape.
    let n_cells = length / OPS_PER_MOVE_AND_ADD;
    text += &"+>".repeat(n_cells);
    text += &"<".repeat(n_cells);
    text + "<-]<-]"
}

const OPS_PER_MOVE_AND_ADD: usize = 10;

/// The same in Lua.
fn long_lua(length: usize) -> String {
    let mut text = String::from("local a, b, c = 1, 2, 3\nfor i = 1, 3000 do\n");
    for k in 0..length / OPS_PER_ADDITION {
        let names = ["a", "b", "c"];
        let [x, y, z] = [0, 1, 2].map(|at| names[(k + at) % 3]);
        writeln!(text, "{x} = {y} + {z}").expect("a string takes all");
    }
    text + "end\nprint(a, b, c)\n"
}

const OPS_PER_ADDITION: usize = 20;

/// What callgrind has counted of a program.
struct Counted {
    recorded_ops: u64,
    /// Instructions by function, with those of what it calls.
    inclusive: HashMap<String, u64>,
}

impl Counted {
    fn of(program: &Program, folder: &Path) -> Result<Counted, String> {
        eprintln!("{}", program.title());
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", program.title());
        let profile = folder.join("callgrind.out");
        let stdin = match &program.input {
            Some(path) => Stdio::from(File::open(path).map_err(|error| failed(&error))?),
            None => Stdio::null(),
        };
        let mut command = Command::new("valgrind");
        // Machine code lies in a mapping of a file without a name, where valgrind would not look for changes.
        command.args(["--tool=callgrind", "--quiet", "--smc-check=all"]);
        command.arg(format!("--callgrind-out-file={}", profile.display()));
        command.arg(sibling_binary(program.example)).arg("--stats=json").args(&program.arguments);
        command.env_remove("JITDRIVER").env_remove("RUST_LOG").stdin(stdin);
        // Regions are compiled again, and code of 20,000 operations is to be one loop.
        command.env("JITDRIVER_PARAMS", "region_threshold=0,trace_limit=100000");
        let output = command.output().map_err(|e| format!("valgrind: {e}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(failed(&errors));
        }
        let stats = errors.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
        let stats: Value = serde_json::from_str(stats).map_err(|error| failed(&error))?;
        let profile = fs::read_to_string(&profile).map_err(|error| failed(&error))?;
        let recorded_ops = stats["recorded_ops"].as_u64().ok_or("no count of operations")?;
        Ok(Counted { recorded_ops, inclusive: inclusive(&profile) })
    }

    fn per_op(&self, phase: &Phase) -> Result<f64, String> {
        let mut sum = 0.0;
        for function in phase.functions {
            sum += self.cost_of(function)?;
        }
        if let Some(function) = phase.without {
            sum -= self.cost_of(function)?;
        }
        Ok(sum / self.recorded_ops as f64)
    }

    /// Instructions of the functions whose names end so.
    fn cost_of(&self, end: &str) -> Result<f64, String> {
        // That of a method of a trait or of another module's type is `<… as …>::method` or `….<impl …>::method`.
        let is_it =
            |name: &str| name.ends_with(end) && name.contains(" -> ") == end.contains(" -> ");
        let found = self.inclusive.iter().filter(|(name, _)| is_it(name));
        let found: Vec<u64> = found.map(|(_, &cost)| cost).collect();
        if found.is_empty() {
            return Err(format!("the profile has no function {end}"));
        }
        Ok(found.iter().sum::<u64>() as f64)
    }
}

/// Instructions by function in a profile of callgrind, those of the functions that it calls included, and by
/// `caller -> callee`. Wrong for functions that call themselves.
fn inclusive(profile: &str) -> HashMap<String, u64> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut costs: HashMap<(&str, Option<&str>), u64> = HashMap::new();
    let (mut function, mut callee, mut is_call) = ("", "", false);
    for line in profile.lines() {
        if let Some(named) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            // `(12) name` where it comes up for the first time, `(12)` from then on.
            let (id, name) = named.split_once(' ').unwrap_or((named, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            match line.starts_with('f') {
                true => function = id,
                false => callee = id,
            }
        } else if line.starts_with("calls=") {
            // The next line is what all these calls cost.
            is_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
            *costs.entry((function, None)).or_default() += cost.unwrap_or(0);
            if std::mem::take(&mut is_call) {
                *costs.entry((function, Some(callee))).or_default() += cost.unwrap_or(0);
            }
        }
    }
    // Functions that the compiler has made several of count as one.
    let mut inclusive = HashMap::new();
    let name = |id| names.get(id).copied().unwrap_or(id);
    for ((function, callee), cost) in costs {
        let key = match callee {
            Some(callee) => format!("{} -> {}", name(function), name(callee)),
            None => name(function).to_string(),
        };
        *inclusive.entry(key).or_default() += cost;
    }
    inclusive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_is_called() {
        let profile = "events: Ir\n\nfl=(1) a.rs\nfn=(1) outer\n10 5\ncfn=(2) inner\ncalls=2 20\n+1 30\n* 1\n\nfn=(2)\n20 30\n";
        let inclusive = inclusive(profile);
        assert_eq!((inclusive["outer"], inclusive["inner"]), (36, 30));
        assert_eq!(inclusive["outer -> inner"], 30);
    }

    #[test]
    fn long_programs_come_back_to_where_they_began() {
        for length in [10, 20, 30] {
            let text = long_brainfuck(length);
            let count = |c| text.matches(c).count();
            assert_eq!((count('>'), count('[')), (count('<'), count(']')), "{text}");
        }
    }
}
