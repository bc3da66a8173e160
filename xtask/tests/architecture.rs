//! The invariants of ARCHITECTURE.md that are about the crates' structure.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For each crate of the workspace, the others that it may depend on, in its library or binary. What
/// tests use is their own business.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("metainterp", &[]),
    ("backend-llgraph", &["metainterp"]),
    ("backend-cranelift", &["metainterp"]),
    ("jitdriver-macros", &[]),
    ("jitdriver", &["jitdriver-macros", "metainterp", "backend-llgraph", "backend-cranelift"]),
    ("language-x", &["jitdriver"]),
    ("brainfuck", &["jitdriver"]),
    ("chip8", &["jitdriver"]),
    ("minischeme", &["jitdriver"]),
    ("lua", &["jitdriver"]),
    ("jit-tests", &["jitdriver", "metainterp", "backend-llgraph", "backend-cranelift"]),
    ("jit-benches", &["jit-tests", "jitdriver", "metainterp", "backend-cranelift"]),
    ("xtask", &[]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's folder")
}

/// The packages of the workspace, from `cargo metadata`.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version=1", "--offline"]).current_dir(root());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` of {value}"))
}

#[test]
fn crates_depend_on_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.iter().copied().collect();
    let packages = packages();
    let names: Vec<&str> = packages.iter().map(|package| text(package, "name")).collect();
    for package in &packages {
        let name = text(package, "name");
        let allowed =
            allowed.get(name).unwrap_or_else(|| panic!("`{name}` has no row in MAY_DEPEND_ON"));
        let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
        let used = dependencies.iter().filter(|it| it["kind"].as_str() != Some("dev"));
        for dependency in used.map(|it| text(it, "name")).filter(|it| names.contains(it)) {
            assert!(allowed.contains(&dependency), "`{name}` depends on `{dependency}`");
        }
    }
    for (name, _) in MAY_DEPEND_ON {
        assert!(names.contains(name), "MAY_DEPEND_ON has a row for `{name}`, which does not exist");
    }
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Templates of generated code are the arguments of `quote!` and `quote_spanned!`.
#[test]
fn generated_code_names_plumbing_only() {
    let mut files = Vec::new();
    rust_files(&root().join("jitdriver/macros/src"), &mut files);
    let mut scan = Scan::default();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file");
        let tokens = source.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        scan.file = file;
        scan.code(tokens);
    }
    assert!(scan.n_templates > 50, "only {} templates were found", scan.n_templates);
    assert!(scan.n_plumbing > 10, "only {} names of `plumbing` were found", scan.n_plumbing);
    assert!(scan.mistakes.is_empty(), "{}", scan.mistakes.join("\n"));
}

#[test]
fn other_names_in_generated_code_are_found() {
    let mistakes = |template: &str| {
        let mut scan = Scan::default();
        scan.code(format!("fn f() {{ quote!({template}) }}").parse().expect("tokens"));
        scan.mistakes.len()
    };
    assert_eq!(
        mistakes(
            "::jitdriver::plumbing::cut(__rec); __p::cut(#path::new::<u8>()); ::core::panic!()"
        ),
        0
    );
    assert_eq!(mistakes("::jitdriver::promote(x)"), 1);
    assert_eq!(mistakes("let x: ::metainterp::ir::Ty = { std::mem::take(y) };"), 2);
    assert_eq!(mistakes("match x { a | Traced::constant(b) => c }"), 1);
}

/// What paths in generated code may start with beside `::`: names that it has declared itself, and a
/// primitive type.
const KNOWN_ROOTS: [&str; 6] = ["__p", "__own", "__JitTwin", "__Arm", "Self", "u8"];

#[derive(Default)]
struct Scan {
    file: PathBuf,
    n_templates: usize,
    n_plumbing: usize,
    mistakes: Vec<String>,
}

impl Scan {
    /// Looks for templates in the macros' own code; tests are not looked at.
    fn code(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let before =
                |n: usize| at.checked_sub(n).map(|at| tokens[at].to_string()).unwrap_or_default();
            let is_tests = before(2) == "mod" && before(1) == "tests";
            match before(1) == "!" && ["quote", "quote_spanned"].contains(&&*before(2)) {
                _ if is_tests => {}
                true => {
                    self.n_templates += 1;
                    self.template(group.stream());
                }
                false => self.code(group.stream()),
            }
        }
    }

    /// Looks at the roots of all paths in generated code. `#name` is filled in with the author's.
    fn template(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let shown: Vec<String> = tokens.iter().map(short).collect();
        let text = |at: usize| shown.get(at).map_or("", String::as_str);
        let before = |at: usize| if at == 0 { "" } else { text(at - 1) };
        for at in 0..tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let is_attribute = before(at) == "#" && text(at) == "[..]";
                    if !is_attribute {
                        self.template(group.stream());
                    }
                }
                TokenTree::Punct(_) if is_separator(&tokens[at..]) => {
                    if (at >= 1 && is_path_end(&tokens[at - 1])) || text(at + 2) == "<" {
                        continue;
                    }
                    let is_plumbing = text(at + 2) == "jitdriver" && text(at + 5) == "plumbing";
                    self.n_plumbing += usize::from(is_plumbing);
                    self.expect(is_plumbing || text(at + 2) == "core", &shown[at..]);
                }
                TokenTree::Ident(ident) if is_separator(&tokens[at + 1..]) => {
                    let is_inside = at >= 2 && is_separator(&tokens[at - 2..]);
                    if !is_inside && !is_keyword(ident) && before(at) != "#" {
                        self.expect(KNOWN_ROOTS.contains(&text(at)), &shown[at..]);
                    }
                }
                _ => {}
            }
        }
    }

    fn expect(&mut self, holds: bool, shown: &[String]) {
        if !holds {
            let start = shown[..shown.len().min(10)].concat();
            self.mistakes.push(format!("{}: generated code names `{start}`", self.file.display()));
        }
    }
}

/// A token as text; of a group only its brackets.
fn short(token: &TokenTree) -> String {
    match token {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Parenthesis => "(..)".into(),
            Delimiter::Brace => "{..}".into(),
            Delimiter::Bracket => "[..]".into(),
            Delimiter::None => "..".into(),
        },
        token => token.to_string(),
    }
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ':');
    match tokens {
        [TokenTree::Punct(first), second, ..] => {
            first.as_char() == ':' && first.spacing() == Spacing::Joint && is_colon(second)
        }
        _ => false,
    }
}

/// Whether `::` behind this goes on with a path: `name::`, `Type<T>::`, and not the `::` that starts one.
fn is_path_end(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => !is_keyword(ident),
        TokenTree::Punct(punct) => punct.as_char() == '>',
        _ => false,
    }
}

/// Keywords that may stand before a path.
fn is_keyword(ident: &Ident) -> bool {
    const KEYWORDS: [&str; 9] =
        ["as", "break", "const", "if", "in", "let", "match", "return", "use"];
    KEYWORDS.contains(&&*ident.to_string())
}

/// `deny` makes rustc refuse unsafe code in modules without `expect`, and `expect` needs its reason.
#[test]
fn unsafe_code_is_denied_or_explained() {
    for package in packages() {
        let name = text(&package, "name");
        let targets = package["targets"].as_array().expect("a list of targets");
        let is_example = text(&package, "manifest_path").contains("/examples/");
        for target in targets.iter().filter(|_| !is_example) {
            let kind = target["kind"][0].as_str().expect("a kind");
            if !["lib", "bin", "proc-macro"].contains(&kind) {
                continue;
            }
            let file = text(target, "src_path");
            let source = fs::read_to_string(file).expect("the root of a crate");
            let says = |lint: &str| source.contains(&format!("#![{lint}(unsafe_code)]"));
            assert!(
                says("deny") || says("forbid"),
                "{name}: {file} neither denies nor forbids unsafe code"
            );
        }
    }
    let mut files = Vec::new();
    for folder in ["jitdriver", "metainterp", "backend-llgraph", "backend-cranelift", "tests"] {
        rust_files(&root().join(folder), &mut files);
    }
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file");
        for (at, _) in source.match_indices("(unsafe_code") {
            let rest = &source[at + "(unsafe_code".len()..];
            let is_explained = rest.starts_with(", reason = \"") || rest.starts_with(",\n");
            assert!(
                is_explained || source[..at].ends_with("deny") || source[..at].ends_with("forbid"),
                "{}: unsafe code is allowed without a reason",
                file.display()
            );
        }
    }
}
