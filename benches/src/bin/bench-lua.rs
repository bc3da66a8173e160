//! Lua programs under the reference implementation, LuaJIT, and the example, in turns.
//!
//! Prints for each program the medians and their ratio to `lua5.4`; for each contestant how long it
//! takes to come within 90 % of its best speed when a program runs again and again in one process, and
//! how much memory it has at most; the geometric means; and writes a plot.
//!
//! Build the example first with `cargo build --release`. Interpreters that are not installed are left
//! out. The example takes part without its JIT (`off`) and with it (`jit`).

#![forbid(unsafe_code)]

use clap::Parser;
use jit_benches::bars::Bars;
use jit_benches::measure::{Contestant, IN_BACKGROUND, sibling_binary, take_turns};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Runs Lua programs under several interpreters, in turns.
#[derive(Parser)]
struct Arguments {
    /// Programs whose names contain this; all by default.
    only: Vec<String>,
    /// How often each contestant runs a program.
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
    /// How often a program runs in one process, to see how it warms up.
    #[arg(long, default_value_t = 5)]
    laps: usize,
    /// The folder of programs.
    #[arg(long, default_value = "examples/lua/programs")]
    programs: PathBuf,
    /// Where the plot goes.
    #[arg(long, default_value = "target/bench-lua.svg")]
    plot: PathBuf,
    /// The example.
    #[arg(long, default_value_os_t = sibling_binary("lua"))]
    lua: PathBuf,
}

const REFERENCE: &str = "lua5.4";

/// An interpreter with the flags that come before the script.
struct Interpreter {
    name: String,
    binary: PathBuf,
    flags: Vec<String>,
}

/// Who takes part; the reference comes first.
fn contestants(arguments: &Arguments) -> Vec<Interpreter> {
    let new = |name: &str, binary: &Path, flags: &[&str]| Interpreter {
        name: name.to_string(),
        binary: binary.to_path_buf(),
        flags: flags.iter().map(|it| it.to_string()).collect(),
    };
    let lua = arguments.lua.display().to_string();
    let all = [
        new(REFERENCE, Path::new(REFERENCE), &[]),
        new("luajit", Path::new("luajit"), &[]),
        new("off", &arguments.lua, &["--jit", "off"]),
        new("jit", &arguments.lua, &[]),
        new("background", Path::new("env"), &[IN_BACKGROUND, &lua]),
    ];
    all.into_iter().filter(is_there).collect()
}

fn is_there(it: &Interpreter) -> bool {
    let mut command = Command::new(&it.binary);
    let runs = command.args(&it.flags).args(["-e", ""]).stdin(Stdio::null()).output().is_ok();
    if !runs {
        eprintln!("{} is not there: {}", it.name, it.binary.display());
    }
    runs
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match compare(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-lua: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<bool, String> {
    let interpreters = contestants(arguments);
    let [reference, others @ ..] = &interpreters[..] else {
        return Err("no interpreter".to_string());
    };
    if reference.name != REFERENCE {
        return Err(format!("{REFERENCE} is not installed"));
    }
    let mut rows = Vec::new();
    let mut is_complete = true;
    for program in programs(arguments)? {
        let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        eprintln!("{name}");
        let expected = output_of(reference, &program)?;
        let runs = interpreters.iter().map(|it| it.contestant(&program, &expected)).collect();
        let table = take_turns(runs, arguments.rounds);
        is_complete &= table.is_complete();
        println!("{name}\n{}", table.render(&[REFERENCE]));
        for interpreter in &interpreters {
            println!("{}", interpreter.behaviour(&program, arguments.laps)?);
        }
        println!();
        let base = table.median_of(REFERENCE).ok_or("the reference failed")?.as_secs_f64();
        let ratio = |it: &Interpreter| Some(table.median_of(&it.name)?.as_secs_f64() / base);
        rows.push((name, others.iter().map(ratio).collect::<Vec<_>>()));
    }
    summarize(others, &rows);
    let contestants: Vec<String> = others.iter().map(|it| it.name.clone()).collect();
    let title = "time / time of lua5.4 (shorter to the left is faster)";
    let svg = Bars { title, contestants: &contestants, rows: &rows }.to_svg();
    fs::write(&arguments.plot, svg).map_err(|e| format!("{}: {e}", arguments.plot.display()))?;
    println!("plot: {}", arguments.plot.display());
    Ok(is_complete)
}

/// The table of ratios and their geometric means.
fn summarize(contestants: &[Interpreter], rows: &[(String, Vec<Option<f64>>)]) {
    print!("{:18}", "time / lua5.4");
    contestants.iter().for_each(|it| print!(" {:>10}", it.name));
    println!();
    for (name, ratios) in rows {
        print!("{name:18}");
        for ratio in ratios {
            print!(" {:>10}", ratio.map_or("-".to_string(), |it| format!("{it:.2}")));
        }
        println!();
    }
    print!("{:18}", "geometric mean");
    for at in 0..contestants.len() {
        let logarithms: Vec<f64> = rows.iter().filter_map(|it| Some(it.1[at]?.ln())).collect();
        let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
        print!(" {:>10.2}", mean.exp());
    }
    println!();
}

fn programs(arguments: &Arguments) -> Result<Vec<PathBuf>, String> {
    let folder = &arguments.programs;
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let is_wanted = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let only = &arguments.only;
        path.extension().is_some_and(|it| it == "lua")
            && (only.is_empty() || only.iter().any(|it| name.contains(it.as_str())))
    };
    let mut programs: Vec<PathBuf> =
        entries.flatten().map(|it| it.path()).filter(is_wanted).collect();
    programs.sort();
    Ok(programs)
}

fn output_of(interpreter: &Interpreter, program: &Path) -> Result<Vec<u8>, String> {
    let output = interpreter.command().arg(program).output().map_err(|e| e.to_string())?;
    Ok(output.stdout)
}

impl Interpreter {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(&self.flags);
        command
    }

    fn contestant(&self, program: &Path, expected: &[u8]) -> Contestant<'static> {
        let mut arguments = self.flags.clone();
        arguments.push(program.display().to_string());
        Contestant::process(self.name.clone(), expected, self.binary.clone(), arguments, None)
    }

    /// A line with warm-up and memory.
    fn behaviour(&self, program: &Path, n_laps: usize) -> Result<String, String> {
        let script = std::env::temp_dir().join(format!("warmup-{}.lua", std::process::id()));
        fs::write(&script, include_str!("../warmup.lua")).map_err(|e| e.to_string())?;
        let mut command = self.command();
        command.arg(&script).arg(program).arg(n_laps.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        let mut peak = None;
        while child.try_wait().map_err(|e| e.to_string())?.is_none() {
            peak = peak_memory(child.id()).or(peak);
            sleep(Duration::from_millis(2));
        }
        let output = child.wait_with_output().map_err(|e| e.to_string())?;
        // Nothing depends on it any more.
        let _ = fs::remove_file(&script);
        let text = String::from_utf8_lossy(&output.stdout);
        let laps: Vec<f64> = text.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        let memory = peak.map_or("-".to_string(), |it| format!("{} MiB", it / 1024));
        let name = &self.name;
        Ok(match warm_up(&laps) {
            Some((seconds, best)) => {
                format!("{name:10} warm after {seconds:.3} s, best lap {best:.3} s, peak {memory}")
            }
            None => format!("{name:10} did not run again, peak {memory}"),
        })
    }
}

/// When the first lap started that came within 90 % of the best speed, and the best lap.
fn warm_up(laps: &[f64]) -> Option<(f64, f64)> {
    let best = laps.iter().copied().min_by(f64::total_cmp)?;
    let n_cold = laps.iter().position(|it| *it <= best / 0.9)?;
    Some((laps[..n_cold].iter().fold(0.0, |sum, it| sum + it), best))
}

/// The most memory that a process has had so far, in KiB, where the system tells it in a file.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|it| it.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_is_who_is_within_ten_percent_of_the_best() {
        assert_eq!(warm_up(&[]), None);
        assert_eq!(warm_up(&[1.0, 1.05]), Some((0.0, 1.0)));
        let (seconds, best) = warm_up(&[3.0, 2.0, 1.0, 1.05]).unwrap();
        assert_eq!((seconds, best), (5.0, 1.0));
    }
}
