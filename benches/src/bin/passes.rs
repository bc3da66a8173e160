//! What the optimizer's passes make of the programs of all examples, as Markdown.
//!
//! Each program runs with all passes, and with each pass left out; it has to write the same each time. Its
//! statistics say how many operations and guards were recorded, how many are left after each pass, in the
//! laps of loops, and how many machine instructions those are. Times are of the fastest of several runs of their
//! own, in which nobody counts instructions.
//!
//! Build the examples with it, in one go, so that Cranelift's disassembler is compiled into them:
//! `cargo build --release -p jit-benches -p language-x -p brainfuck -p chip8 -p minischeme -p lua`.

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::measure::sibling_binary;
use jit_benches::programs::{self, Program};
use metainterp::opt::{Pass, Passes};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Prints a table of what each pass makes of the examples' programs.
#[derive(Parser)]
struct Arguments {
    /// Programs whose names, as in `lua/fib`, contain one of these; all by default.
    only: Vec<String>,
    /// A table for each program, too.
    #[arg(long)]
    each: bool,
    /// A document in which the tables take the place of those that it has from a run before.
    #[arg(long)]
    into: Option<PathBuf>,
    /// The folder of examples.
    #[arg(long, default_value = "examples")]
    examples: PathBuf,
}

/// Operations left, guards left, of recorded: what is wanted.
const WANTED: (f64, f64) = (0.35, 0.40);

/// Microseconds of optimizing and compiling a recorded operation: what is wanted.
const WANTED_TIME: f64 = 4.0;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report = Report::new(&arguments).map(|report| report.markdown());
    let written = report.and_then(|text| match &arguments.into {
        Some(document) => write_into(document, &text),
        None => {
            print!("{text}");
            Ok(())
        }
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("passes: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where in a document the tables begin.
const MARK: &str = "<!-- Printed by `passes --into`. -->\n";

fn write_into(document: &Path, tables: &str) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", document.display());
    let text = fs::read_to_string(document).map_err(|error| failed(&error))?;
    let (before, _) = text.split_once(MARK).ok_or_else(|| failed(&format!("no line {MARK}")))?;
    fs::write(document, format!("{before}{MARK}\n{tables}")).map_err(|error| failed(&error))
}

/// The numbers of a driver's statistics by name, as in `left_after.fold.ops`, or sums of such.
#[derive(Debug, Clone, Default)]
struct Numbers(BTreeMap<String, i64>);

impl Numbers {
    fn parse(json: &str) -> Result<Numbers, String> {
        let value: Value = serde_json::from_str(json).map_err(|e| format!("{e}: {json:?}"))?;
        let mut numbers = Numbers::default();
        numbers.collect("", &value);
        Ok(numbers)
    }

    fn collect(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(field, value)| match name {
                "" => self.collect(field, value),
                _ => self.collect(&format!("{name}.{field}"), value),
            }),
            _ => _ = value.as_i64().map(|number| self.0.insert(name.to_string(), number)),
        }
    }

    fn add(&mut self, other: &Numbers) {
        for (name, number) in &other.0 {
            *self.0.entry(name.clone()).or_default() += number;
        }
    }

    fn of(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// One number in parts of another.
    fn ratio(&self, name: &str, of: &str) -> f64 {
        self.of(name) as f64 / self.of(of) as f64
    }

    /// Microseconds for each recorded operation.
    fn time(&self, names: &[&str]) -> f64 {
        let sum: i64 = names.iter().map(|name| self.of(name)).sum();
        sum as f64 / 1000.0 / self.of("recorded_ops") as f64
    }
}

/// What was measured of a program, or of several together.
#[derive(Debug, Clone, Default)]
struct Measured {
    /// With all passes.
    all: Numbers,
    /// The same, in the fastest of several runs in which nobody counts instructions.
    timed: Numbers,
    /// With a pass left out, by pass.
    without: Vec<Numbers>,
}

impl Measured {
    fn new(program: &Program) -> Result<Measured, String> {
        eprintln!("{}", program.title());
        let (plain, _) = run(program, &["--jit", "off"], Passes::ALL, false)?;
        let measure = |passes, measures_laps| {
            let (output, numbers) = run(program, &["--stats=json"], passes, measures_laps)?;
            if output != plain && !program.shows_code {
                return Err(format!("{} writes something else with {passes}", program.title()));
            }
            Numbers::parse(&numbers)
        };
        Ok(Measured {
            all: measure(Passes::ALL, true)?,
            timed: (0..TIMED_RUNS)
                .map(|_| measure(Passes::ALL, false))
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .min_by(|a, b| a.time(COMPILING).total_cmp(&b.time(COMPILING)))
                .expect("it has run"),
            without: Pass::ALL
                .iter()
                .map(|&pass| measure(Passes::ALL.without(pass), true))
                .collect::<Result<_, _>>()?,
        })
    }

    fn add(&mut self, other: &Measured) {
        self.all.add(&other.all);
        self.timed.add(&other.timed);
        self.without.resize(other.without.len(), Numbers::default());
        self.without.iter_mut().zip(&other.without).for_each(|(sum, it)| sum.add(it));
    }

    fn is_compiled(&self) -> bool {
        self.all.of("recorded_ops") > 0
    }

    /// A row each for what was recorded, for each pass, and for each pass that is left out.
    fn table(&self) -> String {
        let mut text = "| | operations | | guards | | in laps | guards | instructions | bytes | traces | optimizing, µs | Cranelift, µs |\n".to_string();
        text += "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        let all = &self.all;
        let recorded = ("recorded_ops", "recorded_guards");
        let part = |numbers: &Numbers, (ops, guards): (&str, &str)| {
            let sizes = [(ops, recorded.0), (guards, recorded.1)].map(|(name, of)| {
                format!("{} | {:.1} %", numbers.of(name), 100.0 * numbers.ratio(name, of))
            });
            sizes.join(" | ")
        };
        let (lap_ops, lap_guards) = (all.of("recorded_lap_ops"), all.of("recorded_lap_guards"));
        let sizes = part(all, recorded);
        text += &format!("| recorded | {sizes} | {lap_ops} | {lap_guards} | | | | | |\n");
        for name in Pass::ALL.iter().map(|pass| pass.name()) {
            let after = [format!("left_after.{name}.ops"), format!("left_after.{name}.guards")];
            let sizes = part(all, (&after[0], &after[1]));
            text += &format!("| after `{name}` | {sizes} | | | | | | | |\n");
        }
        let optimized = ("optimized_ops", "optimized_guards");
        let passes = Pass::ALL.iter().map(|pass| format!("without `{}`", pass.name()));
        let without = passes.zip(&self.without);
        for (name, numbers) in [("**all passes**".to_string(), all)].into_iter().chain(without) {
            let laps = ["lap_ops", "lap_guards", "lap_instructions", "lap_bytes"];
            let laps = laps.map(|name| numbers.of(name).to_string()).join(" | ");
            let traces = numbers.of("loops") + numbers.of("bridges");
            let sizes = part(numbers, optimized);
            let times = [numbers.time(&["optimizing_ns"]), numbers.time(&["codegen_ns"])];
            let [optimizing, codegen] = times.map(|it| format!("{it:.2}"));
            text +=
                &format!("| {name} | {sizes} | {laps} | {traces} | {optimizing} | {codegen} |\n");
        }
        text
    }

    /// A row of the table of programs.
    fn row(&self, name: &str) -> String {
        let all = &self.all;
        let percent = |name, of| format!("{:.1} %", 100.0 * all.ratio(name, of));
        let [ops, guards] = [
            percent("optimized_ops", "recorded_ops"),
            percent("optimized_guards", "recorded_guards"),
        ];
        let counts = [
            "loops",
            "bridges",
            "recorded_ops",
            "recorded_guards",
            "recorded_lap_ops",
            "lap_ops",
            "recorded_lap_guards",
            "lap_guards",
            "lap_instructions",
            "lap_bytes",
        ];
        let [loops, bridges, rec_ops, rec_guards, laps @ ..] = counts.map(|it| all.of(it));
        let laps = laps.map(|it| it.to_string()).join(" | ");
        let time = self.timed.time(COMPILING);
        format!(
            "| {name} | {loops} | {bridges} | {rec_ops} | {ops} | {rec_guards} | {guards} | {laps} | {time:.2} |\n"
        )
    }

    /// How far it is from what is wanted.
    fn verdict(&self) -> String {
        let (all, timed) = (&self.all, &self.timed);
        let holds = |is, wanted| if is <= wanted { "holds" } else { "missed" };
        let (ops, guards) = (
            all.ratio("optimized_ops", "recorded_ops"),
            all.ratio("optimized_guards", "recorded_guards"),
        );
        let sizes = [("Operations", ops, WANTED.0), ("Guards", guards, WANTED.1)];
        let mut text = String::new();
        for (what, is, wanted) in sizes {
            text += &format!(
                "- {what} left: {:.1} % of recorded; wanted {:.0} %: {}.\n",
                100.0 * is,
                100.0 * wanted,
                holds(is, wanted)
            );
        }
        let [both, optimizing, backend, regions, codegen, recording] = [
            timed.time(&["optimizing_ns", "backend_ns"]),
            timed.time(&["optimizing_ns"]),
            timed.time(&["backend_ns"]),
            timed.time(&["region_ns"]),
            timed.time(&["codegen_ns"]),
            timed.time(&["recording_ns"]),
        ];
        text += &format!(
            "- Optimizing and compiling: {both:.2} µs for each recorded operation ({optimizing:.2} and {backend:.2}), and {regions:.2} for regions; wanted {WANTED_TIME:.0}: {}.\n",
            holds(both + regions, WANTED_TIME)
        );
        text += &format!(
            "- Cranelift alone: {codegen:.2} µs, {:.0} % of the backend with regions, {:.0} % of everything; optimizing and compiling take {:.2} times as long as Cranelift alone.\n",
            100.0 * codegen / (backend + regions),
            100.0 * codegen / (both + regions),
            (both + regions) / codegen
        );
        text += &format!("- Recording: {recording:.2} µs.\n");
        text
    }
}

/// How often a program runs for its times: the machine may have other things to do.
const TIMED_RUNS: usize = 3;

/// Times of optimizing and compiling.
const COMPILING: &[&str] = &["optimizing_ns", "backend_ns", "region_ns"];

/// Runs a program with these passes; answers what it writes, and the last line of standard error.
fn run(
    program: &Program,
    flags: &[&str],
    passes: Passes,
    measures_laps: bool,
) -> Result<(Vec<u8>, String), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", program.title());
    let stdin = match &program.input {
        Some(path) => Stdio::from(File::open(path).map_err(|error| failed(&error))?),
        None => Stdio::null(),
    };
    let mut command = Command::new(sibling_binary(program.example));
    command.args(flags).args(&program.arguments).stdin(stdin);
    command.env_remove("JITDRIVER").env_remove("RUST_LOG");
    command.env("JITDRIVER_PARAMS", format!("enable_opts={passes}"));
    command.env("JIT_MEASURE_LAPS", if measures_laps { "1" } else { "0" });
    let output = command.output().map_err(|error| failed(&error))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed(&format!("{} with {passes}\n{errors}", output.status)));
    }
    Ok((output.stdout, errors.lines().last().unwrap_or_default().to_string()))
}

/// All programs with what was measured.
struct Report {
    programs: Vec<(Program, Measured)>,
    each: bool,
}

impl Report {
    fn new(arguments: &Arguments) -> Result<Report, String> {
        let only = &arguments.only;
        let is_wanted = |it: &Program| {
            only.is_empty() || only.iter().any(|part| it.title().contains(part.as_str()))
        };
        let programs = programs::all(&arguments.examples)?.into_iter().filter(is_wanted);
        let programs = programs.map(|program| {
            let measured = Measured::new(&program)?;
            Ok((program, measured))
        });
        let programs: Vec<(Program, Measured)> = programs.collect::<Result<_, String>>()?;
        if programs.is_empty() {
            return Err("no such program".into());
        }
        Ok(Report { programs, each: arguments.each })
    }

    /// The sums of each example.
    fn examples(&self) -> Vec<(&'static str, Measured)> {
        let mut examples: Vec<(&'static str, Measured)> = Vec::new();
        for (program, measured) in &self.programs {
            match examples.last_mut() {
                Some((name, sum)) if *name == program.example => sum.add(measured),
                _ => examples.push((program.example, measured.clone())),
            }
        }
        examples
    }

    fn markdown(&self) -> String {
        let mut total = Measured::default();
        self.programs.iter().for_each(|(_, measured)| total.add(measured));
        let mut text = format!("## All programs\n\n{}\n{}\n", total.verdict(), total.table());
        text += "## Each program\n\n| | loops | bridges | recorded | left | guards | left | laps recorded | left | guards | left | instructions | bytes | µs |\n";
        text += "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        let (compiled, others): (Vec<_>, Vec<_>) =
            self.programs.iter().partition(|(_, measured)| measured.is_compiled());
        for (program, measured) in compiled {
            text += &measured.row(&program.title());
        }
        text += &total.row("**all**");
        let others: Vec<String> = others.iter().map(|(program, _)| program.title()).collect();
        text += &format!("\nNothing of these was hot: {}.\n", others.join(", "));
        for (example, measured) in self.examples() {
            text += &format!("\n## {example}\n\n{}", measured.table());
        }
        for (program, measured) in self.programs.iter().filter(|_| self.each) {
            text += &format!("\n## {}\n\n{}", program.title(), measured.table());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_path_and_added_up() {
        let json = r#"{"loops":1,"left_after":{"fold":{"ops":3,"guards":2}},"aborts":{}}"#;
        let mut numbers = Numbers::parse(json).unwrap();
        numbers.add(&numbers.clone());
        assert_eq!((numbers.of("loops"), numbers.of("left_after.fold.ops")), (2, 6));
        assert_eq!(numbers.ratio("left_after.fold.guards", "loops"), 2.0);
        assert!(Numbers::parse("no statistics").is_err());
    }
}
