//! An interpreter for Brainfuck.
//!
//! [`parse`] keeps the eight commands of a source text and finds for each bracket its partner.
//! [`run`] executes what it kept: one loop, one `match` on the command, and a jump table for the
//! brackets. Nothing is precomputed beyond that: `+++` is three commands.
//!
//! The dialect
//! 1. A cell is a byte and wraps at both ends.
//! 2. The tape starts with one cell and grows to the right as the program goes there.
//!    Moving left of the first cell is an error of the program.
//! 3. `,` at the end of the input stores 0.
//! 4. Every byte that is not a command is a comment.
//!
//! Why not fold runs of `+` or recognise `[-]`? That is the work of a compiler, and the point of
//! this interpreter is to be one that knows nothing of compiling.

use jitdriver::{JitDriver, can_enter_jit, jit, jit_merge_point};
use std::fmt;
use std::io::{self, BufReader, BufWriter, Read, Write};

/// A program: its commands, without the comments.
#[derive(Debug)]
pub struct Program {
    /// The commands, each one of `><+-.,[]`.
    code: Vec<u8>,
    /// For the index of a bracket, the index of its partner; for any other command, 0.
    jumps: Vec<usize>,
    /// For each command, its place in the source, for messages.
    places: Vec<Place>,
}

/// A place in a source text; lines and columns count from 1, columns in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The byte in the line.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a source text is not a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// A `[` without its `]`.
    Unclosed(Place),
    /// A `]` without its `[`.
    Unopened(Place),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Unclosed(place) => write!(f, "{place}: this `[` is never closed"),
            ParseError::Unopened(place) => write!(f, "{place}: this `]` closes nothing"),
        }
    }
}

impl std::error::Error for ParseError {}

/// Why a program stopped before its end.
#[derive(Debug)]
pub enum GuestError {
    /// The `<` at this place moved left of the first cell.
    LeftOfTape(Place),
    /// The `.` or `,` at this place could not write or read.
    Io(Place, io::Error),
    /// The program ended, but the rest of its output could not be written.
    Flush(io::Error),
}

impl fmt::Display for GuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GuestError::LeftOfTape(place) => write!(f, "{place}: moved left of the first cell"),
            GuestError::Io(place, error) => write!(f, "{place}: {error}"),
            GuestError::Flush(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl std::error::Error for GuestError {}

/// Keeps the commands of `source` and pairs the brackets.
pub fn parse(source: &[u8]) -> Result<Program, ParseError> {
    let mut program = Program { code: Vec::new(), jumps: Vec::new(), places: Vec::new() };
    let mut open = Vec::new();
    let mut place = Place { line: 1, column: 1 };
    for &byte in source {
        if b"><+-.,[]".contains(&byte) {
            let pc = program.code.len();
            program.code.push(byte);
            program.jumps.push(0);
            program.places.push(place);
            if byte == b'[' {
                open.push(pc);
            } else if byte == b']' {
                let partner = open.pop().ok_or(ParseError::Unopened(place))?;
                program.jumps[pc] = partner;
                program.jumps[partner] = pc;
            }
        }
        place.column += 1;
        if byte == b'\n' {
            place = Place { line: place.line + 1, column: 1 };
        }
    }
    match open.pop() {
        // The innermost one is the likeliest culprit.
        Some(pc) => Err(ParseError::Unclosed(program.places[pc])),
        None => Ok(program),
    }
}

/// Runs `program` on an empty tape, from `input` to `output`.
///
/// What the program wrote is in `output` when this returns, also when it returns an error.
pub fn run<'p>(
    driver: &JitDriver<'p>,
    program: &'p Program,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), GuestError> {
    let mut tape = Tape::new();
    let mut console = Console::new(input, output);
    let pc = interpret(driver, program, &mut tape, &mut console);
    let flushed = console.writer.flush();
    if pc == program.code.len() {
        return flushed.map_err(GuestError::Flush);
    }
    let place = program.places[pc];
    match console.failure {
        Some(error) => Err(GuestError::Io(place, error)),
        None => Err(GuestError::LeftOfTape(place)),
    }
}

/// Runs to the end of the program, or up to a command that fails, and answers where it stopped.
#[jit]
fn interpret<'p>(
    driver: &JitDriver<'p>,
    program: &'p Program,
    tape: &mut Tape,
    console: &mut Console<'_>,
) -> usize {
    let code = &program.code[..];
    let jumps = &program.jumps[..];
    let mut pc = 0;
    while pc < code.len() {
        jit_merge_point!(driver, greens = [pc, code, jumps], reds = [tape, console]);
        match code[pc] {
            b'>' => tape.advance(),
            b'<' => {
                if !tape.devance() {
                    return pc;
                }
            }
            b'+' => tape.inc(),
            b'-' => tape.dec(),
            b'.' => {
                if !console.put(tape.get()) {
                    return pc;
                }
            }
            b',' => {
                tape.set(console.get());
                if console.has_failed() {
                    return pc;
                }
            }
            b'[' => {
                if tape.get() == 0 {
                    pc = jumps[pc];
                }
            }
            b']' => {
                if tape.get() != 0 {
                    pc = jumps[pc] + 1;
                    can_enter_jit!(driver, greens = [pc, code, jumps], reds = [tape, console]);
                    continue;
                }
            }
            _ => unreachable!("`parse` keeps commands only"),
        }
        pc += 1;
    }
    pc
}

/// The tape and the cell the program is at.
struct Tape {
    cells: Vec<u8>,
    /// Always less than `cells.len()`.
    position: usize,
}

#[jit]
impl Tape {
    fn new() -> Tape {
        Tape { cells: vec![0], position: 0 }
    }

    fn get(&self) -> u8 {
        self.cells[self.position]
    }

    fn set(&mut self, value: u8) {
        self.cells[self.position] = value;
    }

    fn inc(&mut self) {
        self.cells[self.position] = self.cells[self.position].wrapping_add(1);
    }

    fn dec(&mut self) {
        self.cells[self.position] = self.cells[self.position].wrapping_sub(1);
    }

    fn advance(&mut self) {
        self.position += 1;
        if self.position == self.cells.len() {
            self.cells.push(0);
        }
    }

    /// Moves left; false, and nothing moved, at the first cell.
    fn devance(&mut self) -> bool {
        if self.position == 0 {
            return false;
        }
        self.position -= 1;
        true
    }
}

/// What a program reads from and writes to, a byte at a time.
///
/// The buffer of the writer is flushed before the program waits for input, so that a question is
/// seen before its answer is read, and when the console is dropped, also by a panic.
struct Console<'io> {
    reader: BufReader<&'io mut dyn Read>,
    writer: BufWriter<&'io mut dyn Write>,
    /// The first error.
    failure: Option<io::Error>,
}

impl<'io> Console<'io> {
    fn new(input: &'io mut dyn Read, output: &'io mut dyn Write) -> Console<'io> {
        Console { reader: BufReader::new(input), writer: BufWriter::new(output), failure: None }
    }

    /// Writes a byte; false when that failed.
    fn put(&mut self, byte: u8) -> bool {
        if let Err(error) = self.writer.write_all(&[byte]) {
            self.failure = Some(error);
        }
        !self.has_failed()
    }

    /// Reads a byte: 0 at the end of the input, and when reading failed.
    fn get(&mut self) -> u8 {
        let mut byte = [0];
        if let Err(error) = self.read(&mut byte)
            && error.kind() != io::ErrorKind::UnexpectedEof
        {
            self.failure = Some(error);
        }
        byte[0]
    }

    fn read(&mut self, byte: &mut [u8; 1]) -> io::Result<()> {
        if self.reader.buffer().is_empty() {
            self.writer.flush()?;
        }
        self.reader.read_exact(byte)
    }

    fn has_failed(&self) -> bool {
        self.failure.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses and runs, with the output as text.
    fn run_text(source: &str, input: &[u8]) -> (String, Result<(), GuestError>) {
        let program = parse(source.as_bytes()).expect("the brackets are balanced");
        let driver = JitDriver::new();
        let mut output = Vec::new();
        let result = run(&driver, &program, &mut &input[..], &mut output);
        (String::from_utf8_lossy(&output).into_owned(), result)
    }

    /// Runs a program of the folder `programs` and compares with the output kept beside it.
    #[track_caller]
    fn check_program(name: &str) {
        let file = |kind: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
            format!("{folder}/{name}.{kind}")
        };
        let source = std::fs::read_to_string(file("bf")).expect("the program is there");
        // Only programs that read have an input file.
        let input = std::fs::read(file("in")).unwrap_or_default();
        let expected = std::fs::read_to_string(file("out")).expect("the output is there");
        let (output, result) = run_text(&source, &input);
        result.expect("the program runs to its end");
        assert_eq!(output, expected);
    }

    #[test]
    fn bottles() {
        check_program("bottles");
    }

    #[test]
    fn factorial() {
        check_program("factorial");
    }

    #[test]
    fn fibonacci() {
        check_program("fibonacci");
    }

    #[test]
    fn hello() {
        check_program("hello");
    }

    #[test]
    fn life() {
        check_program("life");
    }

    #[test]
    fn mandelbrot_small() {
        check_program("mandelbrot-small");
    }

    #[test]
    fn rot13() {
        check_program("rot13");
    }

    #[test]
    fn rule110() {
        check_program("rule110");
    }

    #[test]
    fn a_brainfuck_interpreter_in_brainfuck() {
        check_program("self");
    }

    #[test]
    fn sieve() {
        check_program("sieve");
    }

    #[test]
    fn sort() {
        check_program("sort");
    }

    #[test]
    fn word_count() {
        check_program("wc");
    }

    #[test]
    fn cells_wrap_at_both_ends() {
        let program = parse(b"-.+.").unwrap();
        let mut output = Vec::new();
        run(&JitDriver::new(), &program, &mut io::empty(), &mut output).unwrap();
        assert_eq!(output, [255, 0]);
    }

    #[test]
    fn the_tape_grows() {
        // Ones in all cells but the first, and back over them to it.
        let source = format!("{}[<]+.", ">+".repeat(100_000));
        let (output, result) = run_text(&source, b"");
        result.expect("the program runs to its end");
        assert_eq!(output, "\u{1}");
    }

    #[test]
    fn end_of_input_is_zero() {
        assert_eq!(run_text("+++,[.,]", b"echo").0, "echo");
    }

    #[test]
    fn left_of_the_tape_is_an_error_with_its_place() {
        let (output, result) = run_text(",.\n ><<.", b"x");
        assert_eq!(output, "x");
        assert_eq!(result.unwrap_err().to_string(), "2:4: moved left of the first cell");
    }

    #[test]
    fn unbalanced_brackets_have_a_place() {
        let error = |source: &[u8]| parse(source).unwrap_err().to_string();
        assert_eq!(error(b"+[\n[]"), "1:2: this `[` is never closed");
        assert_eq!(error(b"[]\n +]"), "2:3: this `]` closes nothing");
    }

    /// Fails after a few bytes, as a closed pipe does.
    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_endless_writer_stops_when_nobody_reads() {
        let program = parse(b"+[.]").unwrap();
        let result = run(&JitDriver::new(), &program, &mut io::empty(), &mut ClosedPipe);
        assert!(matches!(result, Err(GuestError::Io(..))), "{result:?}");
    }

    #[test]
    fn what_is_left_in_the_buffer_is_not_lost_silently() {
        let program = parse(b".").unwrap();
        let result = run(&JitDriver::new(), &program, &mut io::empty(), &mut ClosedPipe);
        assert!(matches!(result, Err(GuestError::Flush(_))), "{result:?}");
    }
}
