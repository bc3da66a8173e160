//! Contestants take turns; a table shows who is how fast.
//!
//! Invariants
//! 1. In each round every contestant runs once, in the order given.
//! 2. A run that fails or writes what it should not takes the contestant out, and the table says why.
//! 3. What is compared is the median of the rounds; minimum and maximum show how far to trust it.

use std::fmt::Write as _;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One run: how long it took and what it wrote.
pub type Run = Result<(Duration, Vec<u8>), String>;

/// Something that can be run again and again.
pub struct Contestant<'a> {
    name: String,
    expected: Vec<u8>,
    run: Box<dyn FnMut() -> Run + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant from what runs it and what it has to write.
    pub fn new(
        name: impl Into<String>,
        expected: &[u8],
        run: impl FnMut() -> Run + 'a,
    ) -> Contestant<'a> {
        Contestant { name: name.into(), expected: expected.to_vec(), run: Box::new(run) }
    }

    /// A function of this process; `work` answers with what it would write.
    pub fn in_process(
        name: impl Into<String>,
        expected: &[u8],
        mut work: impl FnMut() -> Result<Vec<u8>, String> + 'a,
    ) -> Contestant<'a> {
        Contestant::new(name, expected, move || {
            let start = Instant::now();
            let output = work()?;
            Ok((start.elapsed(), output))
        })
    }

    /// A process of its own, from its start to its end, with `input` as standard input.
    pub fn process(
        name: impl Into<String>,
        expected: &[u8],
        binary: PathBuf,
        arguments: Vec<String>,
        input: Option<PathBuf>,
    ) -> Contestant<'a> {
        Contestant::new(name, expected, move || run_process(&binary, &arguments, input.as_deref()))
    }

    /// Runs once and checks the output.
    fn take_turn(&mut self) -> Result<Duration, String> {
        let (time, output) = (self.run)()?;
        check_output(&output, &self.expected)?;
        Ok(time)
    }
}

fn run_process(binary: &Path, arguments: &[String], input: Option<&Path>) -> Run {
    let shown = binary.display();
    let stdin = match input {
        Some(path) => Stdio::from(File::open(path).map_err(|e| format!("{path:?}: {e}"))?),
        None => Stdio::null(),
    };
    let mut command = Command::new(binary);
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let start = Instant::now();
    let output = command.output().map_err(|e| format!("{shown}: {e}"))?;
    let time = start.elapsed();
    if !output.status.success() {
        return Err(format!("{shown}: {}", output.status));
    }
    Ok((time, output.stdout))
}

/// For `env`: the JIT of an example compiles on another thread.
pub const IN_BACKGROUND: &str = "JITDRIVER_PARAMS=background=1";

/// A binary of this workspace: it lies beside the one that runs.
pub fn sibling_binary(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap_or_default();
    path.set_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    path
}

/// What became of a contestant.
#[derive(Debug)]
struct Row {
    name: String,
    /// The times of its runs, or why it is out.
    times: Result<Vec<Duration>, String>,
}

/// The results of all contestants.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
}

/// Runs every contestant once a round.
pub fn take_turns(mut contestants: Vec<Contestant<'_>>, rounds: NonZeroUsize) -> Table {
    let new_row = |it: &Contestant<'_>| Row { name: it.name.clone(), times: Ok(Vec::new()) };
    let mut rows: Vec<Row> = contestants.iter().map(new_row).collect();
    for round in 1..=rounds.get() {
        for (contestant, row) in contestants.iter_mut().zip(&mut rows) {
            let Ok(times) = &mut row.times else { continue };
            match contestant.take_turn() {
                Ok(time) => {
                    eprintln!("round {round} of {rounds}: {} {}", row.name, show(time));
                    times.push(time);
                }
                Err(reason) => row.times = Err(reason),
            }
        }
    }
    Table { rows }
}

fn check_output(output: &[u8], expected: &[u8]) -> Result<(), String> {
    if output == expected {
        return Ok(());
    }
    let at = output.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let (n_output, n_expected) = (output.len(), expected.len());
    Err(format!("wrong output from byte {at} on ({n_output} bytes instead of {n_expected})"))
}

impl Table {
    /// Whether all contestants came through.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.times.is_ok())
    }

    /// The table as text, with one column of ratios for each of `references`.
    pub fn render(&self, references: &[&str]) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut text = format!("{:width$}  {:>10}  {:>10}  {:>10}", "", "median", "min", "max");
        for reference in references {
            let title = format!("/ {reference}");
            write!(text, "  {title:>RATIO_WIDTH$}").expect("a string takes all");
        }
        text.push('\n');
        for row in &self.rows {
            write!(text, "{:width$}", row.name).expect("a string takes all");
            self.render_times(&mut text, row, references);
            text.push('\n');
        }
        text
    }

    fn render_times(&self, text: &mut String, row: &Row, references: &[&str]) {
        let times = match &row.times {
            Ok(times) => times,
            Err(reason) => {
                write!(text, "  {reason}").expect("a string takes all");
                return;
            }
        };
        let Some(median) = median(times) else { return };
        for time in [Some(median), times.iter().min().copied(), times.iter().max().copied()] {
            write!(text, "  {:>10}", time.map(show).unwrap_or_default()).expect("as above");
        }
        for reference in references {
            let ratio = self.median_of(reference).map_or("-".to_string(), |base| {
                format!("{:.3}", median.as_secs_f64() / base.as_secs_f64())
            });
            write!(text, "  {ratio:>RATIO_WIDTH$}").expect("as above");
        }
    }

    /// The median of a contestant's runs, if it came through.
    pub fn median_of(&self, name: &str) -> Option<Duration> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        median(row.times.as_ref().ok()?)
    }
}

/// Room for a ratio and its title.
const RATIO_WIDTH: usize = 14;

/// The middle one, or the mean of the two in the middle.
fn median(times: &[Duration]) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2)
}

fn show(time: Duration) -> String {
    format!("{:.4} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|&s| Duration::from_secs(s)).collect()
    }

    #[test]
    fn the_median_of_an_even_number_is_between() {
        assert_eq!(median(&seconds(&[])), None);
        assert_eq!(median(&seconds(&[9, 1, 2])), Some(Duration::from_secs(2)));
        assert_eq!(median(&seconds(&[9, 1, 4, 2])), Some(Duration::from_secs(3)));
    }

    #[test]
    fn ratios_are_taken_between_medians() {
        let mut table = Table { rows: Vec::new() };
        table.rows.push(Row { name: "slow".into(), times: Ok(seconds(&[6, 6, 60])) });
        table.rows.push(Row { name: "fast".into(), times: Ok(seconds(&[2, 1, 2])) });
        table.rows.push(Row { name: "none".into(), times: Err("not built".into()) });
        let expected = "          median         min         max          / fast
slow    6.0000 s    6.0000 s   60.0000 s           3.000
fast    2.0000 s    1.0000 s    2.0000 s           1.000
none  not built
";
        assert_eq!(table.render(&["fast"]), expected);
        assert!(!table.is_complete());
    }

    #[test]
    fn contestants_alternate_and_a_wrong_one_is_out() {
        let order = std::cell::RefCell::new(String::new());
        let contestant = |name: &'static str, output: &'static [u8]| {
            let order = &order;
            Contestant::in_process(name, b"42", move || {
                order.borrow_mut().push_str(name);
                Ok(output.to_vec())
            })
        };
        let contestants =
            vec![contestant("a", b"42"), contestant("b", b"43"), contestant("c", b"42")];
        let table = take_turns(contestants, NonZeroUsize::new(3).unwrap());
        assert_eq!(*order.borrow(), "abcacac");
        let text = table.render(&[]);
        assert!(text.contains("b  wrong output from byte 1 on (2 bytes instead of 2)"), "{text}");
    }

    #[test]
    fn a_process_that_fails_is_out() {
        let missing = Contestant::process("x", b"", "no/such/binary".into(), vec![], None);
        assert!(!take_turns(vec![missing], NonZeroUsize::MIN).is_complete());
    }
}
