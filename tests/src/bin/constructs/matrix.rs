//! The matrix as Markdown.

use crate::Topic;
use crate::harness::{Row, Source, State, measure};

const HEAD: &str = "# The construct matrix

What interpreters are written with, and what becomes of it in traces.
Share is how many of 38 published interpreters have a construct in their hot paths, in percent, and uses how often.
Several rows may stand for one thing that was counted, and then each has its share; of a range of shares it is the lower end.
How interpreters are built was counted in interpreters, so that there uses is their number.
`cargo run -p jit-tests --bin constructs` prints this file, `cargo xtask bless` rewrites it, and a test compares.

| state | means |
|---|---|
| traced | loops are compiled, without a call that the construct causes |
| residual | loops are compiled, with calls |
| given up | the program runs, and nothing is compiled |
| compile error | the interpreter does not compile with the annotations; its source waits in `tests/constructs/todo` |
| wrong | the interpreter does something else with the JIT than without: a mistake of the framework |

What compiles has run plain, with a live twin, and compiled at thresholds 1 and 3 under every backend; if it is not wrong, then with the same result.
";

/// Measures all rows and prints them.
pub fn print(topics: &[Topic]) {
    let mut text = String::from(HEAD);
    let mut all: Vec<(&Row, State)> = Vec::new();
    let mut tables = String::new();
    for topic in topics {
        tables += &format!("\n## {}\n\n", title(topic.name));
        tables += "| construct | share | uses | state | because |\n|---|---|---|---|---|\n";
        for row in topic.rows {
            let (state, _) = measure(row);
            let because = state.reason().replace('|', "\\|");
            let word = state.word();
            let Row { construct, share, uses, .. } = row;
            let construct = construct.replace('|', "\\|");
            tables += &format!("| {construct} | {share} % | {uses} | {word} | {because} |\n");
            all.push((row, state));
        }
    }
    text += &totals(&all);
    text += &tables;
    print!("{text}");
}

/// Prints all that is known of one row.
pub fn show(topics: &[Topic], id: &str) -> Result<(), String> {
    let row = topics.iter().flat_map(|topic| topic.rows).find(|row| row.id == id);
    let row = row.ok_or_else(|| format!("there is no row `{id}`"))?;
    let (state, runs) = measure(row);
    if let State::Wrong(difference) = &state {
        return Err(difference.clone());
    }
    println!("{}: {} {}\n", row.construct, state.word(), state.reason());
    for run in runs {
        println!("{run}");
    }
    Ok(())
}

/// The rows of each state, as a number and weighted by their shares.
fn totals(all: &[(&Row, State)]) -> String {
    let mut text = String::from("\n| state | rows | weighted by share |\n|---|---|---|\n");
    let weight: u32 = all.iter().map(|(row, _)| row.share).sum();
    for word in ["traced", "residual", "given up", "compile error", "wrong"] {
        let rows: Vec<&Row> =
            all.iter().filter(|(_, state)| state.word() == word).map(|(row, _)| *row).collect();
        let share: u32 = rows.iter().map(|row| row.share).sum();
        let percent = f64::from(share) * 100.0 / f64::from(weight);
        text += &format!("| {word} | {} | {percent:.1} % |\n", rows.len());
    }
    text
}

fn title(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

/// Prints the names of the rows that are wrong.
pub fn wrong(topics: &[Topic]) {
    let rows = topics.iter().flat_map(|topic| topic.rows);
    for row in rows.filter(|row| matches!(measure(row).0, State::Wrong(_))) {
        println!("{}", row.id);
    }
}

/// Prints topic, name and place of each row.
pub fn list(topics: &[Topic]) {
    for topic in topics {
        for row in topic.rows {
            let place = match row.source {
                Source::Runs(_) => "compiled",
                Source::NotYet(_) => "not_yet",
            };
            println!("{} {} {place}", topic.name, row.id);
        }
    }
}
