//! Translates Brainfuck to C: what a program costs when a compiler has seen all of it.
//!
//! The translation is the straightforward one. A run of equal commands becomes one statement, a
//! bracket becomes `while (*p)`; everything else is left to the C compiler, at [`OPTIMIZATION`].
//! No loop is recognised as a multiplication or a clearing: the interpreter under the JIT does not
//! know such idioms either.
//!
//! The dialect is that of the interpreter, with two differences that cost no time
//! 1. The tape does not grow; it has [`TAPE_BYTES`], which the system provides as they are touched.
//! 2. Left and right of it lies memory that nobody may touch, as much as a program can jump over
//!    between two accesses. So a program that leaves the tape is killed at its next access there,
//!    and never goes on with wrong values.
//!
//! Why not check the bounds in C? The check of a growing tape is the interpreter's own cost, which
//! a compiler would get rid of in the same way.

use crate::plain_brainfuck::{ParseError, parse};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io, process};

/// The option for the C compiler.
pub const OPTIMIZATION: &str = "-O2";

/// The size of the tape: far more than any program here moves over.
pub const TAPE_BYTES: usize = 1 << 30;

/// Forbidden bytes on either side are a multiple of this, which is one of any page size in use.
const PAGE_MULTIPLE: usize = 1 << 16;

/// The C program for the Brainfuck program `source`.
pub fn translate(source: &[u8]) -> Result<String, ParseError> {
    // For the brackets: below they are taken for balanced.
    parse(source)?;
    let code: Vec<u8> = source.iter().copied().filter(|b| b"><+-.,[]".contains(b)).collect();
    let guard_bytes = (code.len() + 1).next_multiple_of(PAGE_MULTIPLE);
    let mut text = prelude(guard_bytes);
    let mut depth = 1;
    for run in code.chunk_by(|a, b| a == b) {
        depth = translate_run(&mut text, run[0], run.len(), depth);
    }
    text.push_str(POSTLUDE);
    Ok(text)
}

/// Appends the statements for `count` times `command`; answers with the new depth of the loops.
fn translate_run(text: &mut String, command: u8, count: usize, depth: usize) -> usize {
    let mut line = |depth: usize, statement: &str| {
        writeln!(text, "{:width$}{statement}", "", width = 4 * depth).expect("a string takes all");
    };
    match command {
        b'>' => line(depth, &format!("p += {count};")),
        b'<' => line(depth, &format!("p -= {count};")),
        b'+' => line(depth, &format!("*p += {};", count % 256)),
        b'-' => line(depth, &format!("*p -= {};", count % 256)),
        b'.' => (0..count).for_each(|_| line(depth, "putchar(*p);")),
        b',' => (0..count).for_each(|_| line(depth, "*p = input();")),
        b'[' => {
            (0..count).for_each(|k| line(depth + k, "while (*p) {"));
            return depth + count;
        }
        _ => {
            (0..count).for_each(|k| line(depth - 1 - k, "}"));
            return depth - count;
        }
    }
    depth
}

fn prelude(guard_bytes: usize) -> String {
    format!(
        r#"#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TAPE {TAPE_BYTES}ul
#define GUARD {guard_bytes}ul

/* A tape of zeros between two stretches that nobody may touch. */
static unsigned char *new_tape(void) {{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    unsigned char *room = mmap(NULL, GUARD + TAPE + GUARD, PROT_NONE, flags, -1, 0);
    if (room == MAP_FAILED || mprotect(room + GUARD, TAPE, PROT_READ | PROT_WRITE) != 0) {{
        perror("tape");
        exit(2);
    }}
    return room + GUARD;
}}

static unsigned char input(void) {{
    int byte = getchar();
    return byte == EOF ? 0 : byte;
}}

int main(void) {{
    unsigned char *p = new_tape();
"#
    )
}

const POSTLUDE: &str = "    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 3;
}
";

/// A folder for compiled programs that goes away with this value.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    /// A new folder among the temporary files, named after `purpose` and this process.
    pub fn new(purpose: &str) -> io::Result<Workshop> {
        let folder = env::temp_dir().join(format!("{purpose}-{}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Workshop { folder })
    }

    /// Compiles the C program `text` with `$CC`, or gcc; answers with the path of the binary.
    pub fn compile(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let source = self.folder.join(format!("{name}.c"));
        let binary = self.folder.join(name);
        fs::write(&source, text)?;
        run_compiler(&source, &binary)?;
        Ok(binary)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{}: {error}", self.folder.display());
        }
    }
}

fn run_compiler(source: &Path, binary: &Path) -> io::Result<()> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "gcc".into());
    let status =
        Command::new(&compiler).arg(OPTIMIZATION).arg("-o").arg(binary).arg(source).status();
    let shown = compiler.display();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(io::Error::other(format!("{shown}: {status}"))),
        Err(error) => Err(io::Error::new(error.kind(), format!("{shown}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Contestant, take_turns};
    use std::num::NonZeroUsize;

    /// The statements of `main` for a program.
    fn statements(source: &[u8]) -> String {
        let text = translate(source).expect("the brackets are balanced");
        let (_, main) = text.split_once("new_tape();\n").expect("main starts with the tape");
        main.strip_suffix(POSTLUDE).expect("and ends with the flush").to_string()
    }

    #[test]
    fn runs_become_one_statement() {
        let expected = "    *p += 3;
    while (*p) {
        while (*p) {
            p += 2;
            *p -= 1;
            p -= 2;
        }
    }
    putchar(*p);
    putchar(*p);
    *p = input();
";
        assert_eq!(statements(b"+++ three [[>>-<<]] .., bye"), expected);
    }

    #[test]
    fn long_runs_wrap_like_cells() {
        assert_eq!(statements(&[b'+'; 257]), "    *p += 1;\n");
    }

    #[test]
    fn unbalanced_brackets_are_refused() {
        assert!(translate(b"[").is_err());
        assert!(translate(b"]").is_err());
    }

    /// Compiles a program of the Brainfuck example and compares what it writes.
    #[track_caller]
    fn check_program(name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/brainfuck/programs");
        let file = |kind: &str| PathBuf::from(format!("{folder}/{name}.{kind}"));
        let source = fs::read(file("bf")).expect("the program is there");
        let expected = fs::read(file("out")).expect("the output is there");
        let workshop = Workshop::new(&format!("bf-to-c-test-{name}")).expect("there is room");
        let text = translate(&source).expect("the brackets are balanced");
        let binary = workshop.compile(name, &text).expect("the C compiler takes it");
        let input = Some(file("in")).filter(|path| path.exists());
        let contestant = Contestant::process(name, &expected, binary, vec![], input);
        let table = take_turns(vec![contestant], NonZeroUsize::MIN);
        assert!(table.is_complete(), "{}", table.render(&[]));
    }

    #[test]
    fn mandelbrot_small() {
        check_program("mandelbrot-small");
    }

    #[test]
    fn programs_that_read_see_zero_at_the_end() {
        check_program("rot13");
        check_program("self");
    }

    #[test]
    fn leaving_the_tape_kills_the_program() {
        let workshop = Workshop::new("bf-to-c-test-left").expect("there is room");
        let text = translate(b"<+").expect("the brackets are balanced");
        let binary = workshop.compile("left", &text).expect("the C compiler takes it");
        let status = Command::new(binary).status().expect("it starts");
        assert_eq!(status.code(), None, "killed by a signal: {status}");
    }
}
