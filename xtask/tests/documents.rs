//! The documents name files, tests and parameters that exist.

use metainterp::params::Params;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's folder")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Markdown files of the workspace, with paths from its folder.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(root(), &mut found);
    let inside =
        found.into_iter().map(|path| path.strip_prefix(root()).expect("inside").to_owned());
    inside.collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            walk(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The texts between backticks on one line.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn tests_and_paths_exist() {
    let text = read("ARCHITECTURE.md");
    let mut n_tests = 0;
    for line in text.lines().filter(|line| line.starts_with("Test")) {
        let mut spans: Vec<&str> = code_spans(line).collect();
        let file = spans.pop().unwrap_or_else(|| panic!("no file: {line}"));
        let source = read(file);
        for test in spans {
            let head = source
                .find(&format!("fn {test}()"))
                .unwrap_or_else(|| panic!("{file} has no `{test}`"));
            let before = source[..head].trim_end();
            assert!(before.ends_with("#[test]"), "`{test}` in {file} is not a test");
            n_tests += 1;
        }
    }
    assert!(n_tests > 10, "only {n_tests} tests were found");
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(document);
        for path in text.lines().flat_map(code_spans).filter(|span| is_path(span)) {
            assert!(root().join(path).exists(), "{document} names `{path}`, which does not exist");
        }
    }
}

/// Paths from the workspace's folder; `warm/cell.rs` is a hint for the reader, not one of them.
fn is_path(span: &str) -> bool {
    let first = span.split('/').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    span.contains('/') && span.chars().all(is_name) && root().join(first).is_dir()
}

#[test]
fn links_lead_somewhere() {
    let mut n_links = 0;
    for document in documents() {
        let folder = root().join(&document);
        let folder = folder.parent().expect("a file lies in a folder");
        let text = read(&document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let target = link.0.split('#').next().unwrap_or_default();
            // Names of Rust items are checked by rustdoc, addresses by nobody.
            let is_file = target.contains('/') || target.ends_with(".md");
            if is_file && !target.contains("://") {
                n_links += 1;
                assert!(
                    folder.join(target).exists(),
                    "{}: `{target}` does not exist",
                    document.display()
                );
            }
        }
    }
    assert!(n_links > 10, "only {n_links} links were found");
}

#[test]
fn the_parameters_are_those_of_the_table() {
    let text = read("README.md");
    let header = "| parameter | default | meaning |\n|---|---|---|\n";
    let (_, rest) = text.split_once(header).expect("the table of parameters");
    let found = rest.split_once("\n\n").expect("an end of the table").0;
    let row =
        |(name, default, doc): (&str, String, &str)| format!("| `{name}` | {default} | {doc} |");
    let expected: Vec<String> = Params::table().into_iter().map(row).collect();
    assert_eq!(found, expected.join("\n"), "README.md, table of parameters");
}

/// The READMEs of the examples show what the hints changed.
#[test]
fn the_diffs_are_those_of_the_sources() {
    check_diff("examples/language-x/README.md", &["examples/language-x/src/interpreter.rs"], '+');
    check_diff("examples/brainfuck/README.md", &["examples/brainfuck/src/interpreter.rs"], '+');
    check_diff("examples/brainfuck/README.md", &["benches/src/plain_brainfuck.rs"], '-');
    let chip8 = ["run", "machine", "screen"].map(|name| format!("examples/chip8/src/{name}.rs"));
    check_diff("examples/chip8/README.md", &chip8, '+');
    let minischeme = [
        "analysis/mod",
        "builtins/mod",
        "builtins/numbers",
        "error",
        "garbage",
        "interpreter",
        "value",
    ]
    .map(|name| format!("examples/minischeme/src/{name}.rs"));
    let readme = "examples/minischeme/README.md";
    check_diff(readme, &minischeme, '+');
    let n_lines = diff(readme).lines().filter(|line| line.starts_with('+')).count();
    assert!(n_lines <= 25, "{readme}: the JIT needs {n_lines} lines");
    let sentence = format!("in this order: {n_lines} of them.");
    assert!(read(readme).contains(&sentence), "{readme}: {n_lines} lines");
}

/// The first diff in a document.
fn diff(document: &str) -> String {
    let text = read(document);
    let diff = text.split("```diff\n").nth(1).and_then(|rest| rest.split("```").next());
    diff.unwrap_or_else(|| panic!("{document} has no diff")).to_owned()
}

/// The lines with this sign and those without any occur in the sources, in order.
fn check_diff(document: &str, sources: &[impl AsRef<Path>], sign: char) {
    let source_text: String = sources.iter().map(read).collect();
    let diff = diff(document);
    let mut lines = source_text.lines();
    for line in diff.lines().filter(|line| line.starts_with([' ', sign])) {
        let wanted = &line[1..];
        assert!(
            lines.any(|line| line == wanted),
            "{document}: `{wanted}` is not, or not there, in the sources"
        );
    }
}

#[test]
fn every_folder_is_on_the_map() {
    let text = read("ARCHITECTURE.md");
    let mut missing = Vec::new();
    for package in [
        "jitdriver",
        "metainterp",
        "backend-llgraph",
        "backend-cranelift",
        "tests",
        "benches",
        "xtask",
        "examples",
    ] {
        let mut folders = vec![PathBuf::from(package)];
        for inside in ["", "src"] {
            let sources = root().join(package).join(inside);
            // A backend or a tool is one line of the map; in the other crates each module is.
            let is_detailed = ["jitdriver", "metainterp", "examples"].contains(&package);
            let Ok(entries) = fs::read_dir(&sources) else { continue };
            let found =
                entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
            let found = found.filter(|path| is_detailed && !path.ends_with("src"));
            folders.extend(found.map(|path| path.strip_prefix(root()).expect("inside").to_owned()));
        }
        let lines = folders.iter().map(|folder| format!("`{}/`:", folder.display()));
        missing.extend(lines.filter(|line| !text.contains(line)));
    }
    assert!(missing.is_empty(), "ARCHITECTURE.md, code map: {missing:?} are not there");
}
