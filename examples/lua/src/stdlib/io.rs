//! `io`: files, standard input and output.

use super::{add_functions, module};
use crate::gc::Gc;
use crate::number::{Number, parse};
use crate::userdata::Userdata;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, NativeFn, Outcome};
use crate::vm::meta::push_text;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("close", io_close),
    ("input", io_input),
    ("lines", io_lines),
    ("open", io_open),
    ("output", io_output),
    ("read", io_read),
    ("tmpfile", io_tmpfile),
    ("type", io_type),
    ("write", io_write),
];

const METHODS: &[(&str, NativeFn)] = &[
    ("close", file_close),
    ("flush", file_flush),
    ("lines", file_lines),
    ("read", file_read),
    ("seek", file_seek),
    ("setvbuf", file_setvbuf),
    ("write", file_write),
];

/// Standard output, which waits for a full buffer unless somebody looks on.
pub struct Output {
    buffer: Vec<u8>,
    is_terminal: bool,
}

impl Default for Output {
    fn default() -> Output {
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        Output { buffer: Vec::new(), is_terminal }
    }
}

impl Output {
    /// Writes now or later.
    pub fn write(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.is_terminal || self.buffer.len() >= 1 << 15 {
            self.flush();
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        // As `print` in the reference implementation, which does not look whether it could write.
        let _ = io::stdout().write_all(&self.buffer).and_then(|()| io::stdout().flush());
        self.buffer.clear();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush();
    }
}

/// What is behind a file object.
pub enum File {
    Closed,
    Stdin,
    Stdout,
    Stderr,
    Open(Box<OpenFile>),
}

/// A file with what has been read ahead or waits to be written.
pub struct OpenFile {
    file: BufReader<fs::File>,
    written: Vec<u8>,
    can_read: bool,
    can_write: bool,
}

impl OpenFile {
    fn flush(&mut self) -> io::Result<()> {
        if self.written.is_empty() {
            return Ok(());
        }
        let written = std::mem::take(&mut self.written);
        self.file.get_mut().write_all(&written)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.can_write {
            return Err(io::Error::from_raw_os_error(9));
        }
        if self.written.is_empty() && !self.file.buffer().is_empty() {
            // What was read ahead is not behind the position for the program.
            self.file.seek_relative(0)?;
        }
        self.written.extend_from_slice(bytes);
        if self.written.len() >= 1 << 15 { self.flush() } else { Ok(()) }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.flush();
    }
}

pub fn open(vm: &mut Vm<'_>) {
    let io = module(vm, "io", FUNCTIONS);
    let metatable = vm.heap.new_table(0, 0);
    vm.file_metatable = Some(metatable);
    let methods = vm.heap.new_table(0, 0);
    add_functions(vm, methods, METHODS);
    vm.set_field(metatable, "__index", Value::Table(methods));
    let name = vm.str(b"FILE*");
    vm.set_field(metatable, "__name", name);
    add_functions(
        vm,
        metatable,
        &[("__gc", file_gc), ("__close", file_gc), ("__tostring", file_tostring)],
    );
    let standard = [("stdin", File::Stdin), ("stdout", File::Stdout), ("stderr", File::Stderr)];
    for (name, file) in standard {
        let file = new_file(vm, file);
        vm.set_field(io, name, file);
    }
    vm.default_files = [vm.get_field(io, "stdin"), vm.get_field(io, "stdout")];
}

fn new_file(vm: &mut Vm<'_>, file: File) -> Value {
    let metatable = vm.file_metatable.expect("`open` has made it");
    Value::Userdata(vm.heap.alloc(Userdata { file, metatable }))
}

/// The file object of argument 1, which may be closed.
fn check_file(vm: &mut Vm<'_>, args: Args) -> Result<Gc<Userdata>> {
    match vm.arg(args, 1) {
        Value::Userdata(it) => Ok(it),
        _ => Err(vm.arg_type_error(args, 1, "FILE*")),
    }
}

fn check_open_file(vm: &mut Vm<'_>, args: Args) -> Result<Gc<Userdata>> {
    let file = check_file(vm, args)?;
    if matches!(vm.heap[file].file, File::Closed) {
        return Err(vm.error("attempt to use a closed file"));
    }
    Ok(file)
}

/// `io.input` or `io.output`, open.
fn default_file(vm: &mut Vm<'_>, which: usize) -> Result<Gc<Userdata>> {
    let name = ["input", "output"][which];
    match vm.default_files[which] {
        Value::Userdata(it) if !matches!(vm.heap[it].file, File::Closed) => Ok(it),
        _ => Err(vm.error(&format!("default {name} file is closed"))),
    }
}

fn open_path(path: &str, mode: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let plus = mode.contains('+');
    match mode.as_bytes().first() {
        Some(b'w') => options.write(true).create(true).truncate(true).read(plus),
        Some(b'a') => options.append(true).create(true).read(plus),
        _ => options.read(true).write(plus),
    };
    let file = options.open(path)?;
    let can_read = mode.starts_with('r') || plus;
    if can_read && file.metadata()?.is_dir() && !plus {
        // Opening works; reading will say what is wrong.
    }
    let can_write = !mode.starts_with('r') || plus;
    let file = BufReader::new(file);
    Ok(File::Open(Box::new(OpenFile { file, written: Vec::new(), can_read, can_write })))
}

fn is_mode(mode: &str) -> bool {
    let rest = mode.strip_prefix(['r', 'w', 'a']);
    rest.is_some_and(|it| matches!(it, "" | "+" | "b" | "+b"))
}

fn failure(vm: &mut Vm<'_>, args: Args, name: Option<&str>, error: &io::Error) -> Result<Outcome> {
    let reason = super::os::reason(error);
    let message = name.map_or(reason.clone(), |it| format!("{it}: {reason}"));
    vm.ret_failure(args, &message, i64::from(error.raw_os_error().unwrap_or(0)))
}

fn io_open(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let name = vm.check_str(args, 1)?.to_text();
    let mode = vm.opt_str(args, 2)?.map_or("r".to_string(), |it| it.to_text());
    if !is_mode(&mode) {
        return Err(vm.arg_error(2, "invalid mode"));
    }
    match open_path(&name, &mode) {
        Ok(file) => {
            let file = new_file(vm, file);
            vm.ret(args, file)
        }
        Err(error) => failure(vm, args, Some(&name), &error),
    }
}

fn io_tmpfile(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let unique = vm.random.next();
    let name = format!("lua_{}_{unique:x}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let path = path.to_string_lossy();
    let opened = open_path(&path, "w+");
    // The open file stays until it is closed.
    let _ = fs::remove_file(&*path);
    match opened {
        Ok(file) => {
            let file = new_file(vm, file);
            vm.ret(args, file)
        }
        Err(error) => failure(vm, args, Some(&path), &error),
    }
}

fn io_close(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = match args.count {
        0 => default_file(vm, 1)?,
        _ => check_open_file(vm, args)?,
    };
    close(vm, args, file)
}

fn file_close(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    close(vm, args, file)
}

fn close(vm: &mut Vm<'_>, args: Args, file: Gc<Userdata>) -> Result<Outcome> {
    if let File::Open(file) = &mut vm.heap[file].file {
        if let Err(error) = file.flush() {
            return failure(vm, args, None, &error);
        }
    } else {
        vm.output.flush();
    }
    vm.heap[file].file = File::Closed;
    vm.ret(args, true)
}

fn file_gc(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_file(vm, args)?;
    if let File::Open(_) = vm.heap[file].file {
        vm.heap[file].file = File::Closed;
    }
    Ok(Outcome::Return(0))
}

fn file_tostring(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_file(vm, args)?;
    let text = match vm.heap[file].file {
        File::Closed => "file (closed)".to_string(),
        _ => format!("file (0x{:014x})", file.address()),
    };
    vm.ret_str(args, text.as_bytes())
}

fn io_type(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    match vm.check_any(args, 1)? {
        Value::Userdata(it) => {
            let is_closed = matches!(vm.heap[it].file, File::Closed);
            vm.ret_str(args, if is_closed { b"closed file" } else { b"file" })
        }
        _ => vm.ret(args, Value::Nil),
    }
}

fn io_input(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    set_default(vm, args, 0, "r")
}

fn io_output(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    set_default(vm, args, 1, "w")
}

fn set_default(vm: &mut Vm<'_>, args: Args, which: usize, mode: &str) -> Result<Outcome> {
    match vm.arg(args, 1) {
        Value::Nil => {}
        Value::Str(name) => match open_path(&name.to_text(), mode) {
            Ok(file) => vm.default_files[which] = new_file(vm, file),
            Err(error) => {
                let reason = super::os::reason(&error);
                let name = name.to_text();
                return Err(vm.error(&format!("cannot open file '{name}' ({reason})")));
            }
        },
        _ => {
            let file = check_file(vm, args)?;
            vm.default_files[which] = Value::Userdata(file);
        }
    }
    let file = vm.default_files[which];
    vm.ret(args, file)
}

fn io_write(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = default_file(vm, 1)?;
    write(vm, args, file, 1)
}

fn file_write(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    write(vm, args, file, 2)
}

fn write(vm: &mut Vm<'_>, args: Args, file: Gc<Userdata>, first: usize) -> Result<Outcome> {
    let mut text = Vec::new();
    for n in first..=args.count {
        let value = vm.arg(args, n);
        if !crate::vm::meta::is_text(value) {
            return Err(vm.arg_type_error(args, n, "string"));
        }
        match value {
            // As C writes it: without a point, if there is nothing behind it.
            Value::Float(it) => {
                text.extend_from_slice(crate::cformat::general(it.get(), 14, false).as_bytes());
            }
            _ => push_text(value, &mut text),
        }
    }
    let result = match &mut vm.heap[file].file {
        File::Open(file) => file.write(&text),
        File::Stdout => {
            vm.output.write(&text);
            Ok(())
        }
        File::Stderr => io::stderr().write_all(&text),
        File::Stdin | File::Closed => Err(io::Error::from_raw_os_error(9)),
    };
    match result {
        Ok(()) => vm.ret(args, Value::Userdata(file)),
        Err(error) => failure(vm, args, None, &error),
    }
}

fn file_flush(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    let result = match &mut vm.heap[file].file {
        File::Open(file) => file.flush(),
        _ => {
            vm.output.flush();
            Ok(())
        }
    };
    match result {
        Ok(()) => vm.ret(args, Value::Userdata(file)),
        Err(error) => failure(vm, args, None, &error),
    }
}

fn file_setvbuf(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    check_open_file(vm, args)?;
    vm.check_option(args, 2, None, &["no", "full", "line"])?;
    vm.ret(args, true)
}

fn file_seek(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    let whence = vm.check_option(args, 2, Some("cur"), &["set", "cur", "end"])?;
    let offset = vm.opt_int(args, 3, 0)?;
    let target = match whence {
        0 => match u64::try_from(offset) {
            Ok(offset) => SeekFrom::Start(offset),
            Err(_) => {
                let error = io::Error::from_raw_os_error(22);
                return failure(vm, args, None, &error);
            }
        },
        1 => SeekFrom::Current(offset),
        _ => SeekFrom::End(offset),
    };
    let result = match &mut vm.heap[file].file {
        File::Open(file) => file.flush().and_then(|()| file.file.seek(target)),
        _ => Err(io::Error::from_raw_os_error(29)),
    };
    match result {
        Ok(position) => vm.ret(args, position as i64),
        Err(error) => failure(vm, args, None, &error),
    }
}

/// What `read` is asked for.
#[derive(Clone, Copy)]
enum Wanted {
    Line,
    LineWithEnd,
    All,
    Number,
    Bytes(usize),
}

fn wanted(vm: &mut Vm<'_>, args: Args, first: usize) -> Result<Vec<Wanted>> {
    let mut list = Vec::new();
    for n in first..=args.count {
        let format = match vm.arg(args, n) {
            Value::Int(_) | Value::Float(_) => {
                Wanted::Bytes(vm.check_int(args, n)?.max(0) as usize)
            }
            _ => {
                let format = vm.check_str(args, n)?.to_text();
                match format.strip_prefix('*').unwrap_or(&format).bytes().next() {
                    Some(b'l') => Wanted::Line,
                    Some(b'L') => Wanted::LineWithEnd,
                    Some(b'a') => Wanted::All,
                    Some(b'n') => Wanted::Number,
                    _ => return Err(vm.arg_error(n, "invalid format")),
                }
            }
        };
        list.push(format);
    }
    if list.is_empty() {
        list.push(Wanted::Line);
    }
    Ok(list)
}

fn io_read(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = default_file(vm, 0)?;
    let list = wanted(vm, args, 1)?;
    read(vm, args, file, &list)
}

fn file_read(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    let list = wanted(vm, args, 2)?;
    read(vm, args, file, &list)
}

fn read(vm: &mut Vm<'_>, args: Args, file: Gc<Userdata>, list: &[Wanted]) -> Result<Outcome> {
    vm.output.flush();
    let mut values = Vec::new();
    for &it in list {
        match read_one(vm, file, it) {
            Ok(Value::Nil) => {
                values.push(Value::Nil);
                break;
            }
            Ok(value) => values.push(value),
            Err(error) => return failure(vm, args, None, &error),
        }
    }
    vm.ret_all(args, &values)
}

fn read_one(vm: &mut Vm<'_>, file: Gc<Userdata>, wanted: Wanted) -> io::Result<Value> {
    let mut stdin = io::stdin().lock();
    let reader: &mut dyn BufRead = match &mut vm.heap[file].file {
        File::Stdin => &mut stdin,
        File::Open(file) if file.can_read => {
            file.flush()?;
            &mut file.file
        }
        _ => return Err(io::Error::from_raw_os_error(9)),
    };
    let bytes = match wanted {
        Wanted::Number => {
            return Ok(match read_number(reader)? {
                Some(Number::Int(it)) => Value::Int(it),
                Some(Number::Float(it)) => Value::float(it),
                None => Value::Nil,
            });
        }
        Wanted::All => {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            Some(bytes)
        }
        Wanted::Bytes(0) => (!reader.fill_buf()?.is_empty()).then(Vec::new),
        Wanted::Bytes(n) => {
            let mut bytes = Vec::new();
            reader.take(n as u64).read_to_end(&mut bytes)?;
            (!bytes.is_empty()).then_some(bytes)
        }
        Wanted::Line | Wanted::LineWithEnd => {
            let mut line = Vec::new();
            let n = reader.read_until(b'\n', &mut line)?;
            if matches!(wanted, Wanted::Line) && line.last() == Some(&b'\n') {
                line.pop();
            }
            (n > 0).then_some(line)
        }
    };
    Ok(bytes.map_or(Value::Nil, |it| vm.str(&it)))
}

/// Reads as far as a numeral may go; none if it is not one.
fn read_number(reader: &mut dyn BufRead) -> io::Result<Option<Number>> {
    /// Longer numerals are given up.
    const MAX: usize = 200;
    let mut text = Vec::new();
    let peek = |reader: &mut dyn BufRead| reader.fill_buf().map(|it| it.first().copied());
    while let Some(b' ' | b'\t'..=b'\r') = peek(reader)? {
        reader.consume(1);
    }
    while let Some(byte) = peek(reader)? {
        let is_hex = matches!(text.get(..2), Some(b"0x" | b"0X"))
            || matches!(text.get(1..3), Some(b"0x" | b"0X"));
        let exponent: &[u8] = if is_hex { b"pP" } else { b"eE" };
        let fits = match byte {
            b'+' | b'-' => text.last().is_none_or(|it| exponent.contains(it)),
            b'0'..=b'9' | b'.' => true,
            b'x' | b'X' => matches!(&text[..], b"0" | b"-0" | b"+0"),
            _ => exponent.contains(&byte) || (is_hex && byte.is_ascii_hexdigit()),
        };
        if !fits || text.len() >= MAX {
            break;
        }
        text.push(byte);
        reader.consume(1);
    }
    Ok(parse(&text))
}

fn io_lines(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    if vm.arg(args, 1).is_nil() {
        let file = default_file(vm, 0)?;
        return lines(vm, args, file, args.skip(1), false);
    }
    let name = vm.check_str(args, 1)?.to_text();
    match open_path(&name, "r") {
        Ok(file) => {
            let Value::Userdata(file) = new_file(vm, file) else { return Ok(Outcome::Return(0)) };
            lines(vm, args, file, args.skip(1), true)
        }
        Err(error) => {
            let reason = super::os::reason(&error);
            Err(vm.error(&format!("cannot open file '{name}' ({reason})")))
        }
    }
}

fn file_lines(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let file = check_open_file(vm, args)?;
    lines(vm, args, file, args.skip(1), false)
}

/// An iterator over a file. If it has opened the file it closes it, also when the loop is left.
fn lines(
    vm: &mut Vm<'_>,
    args: Args,
    file: Gc<Userdata>,
    formats: Args,
    closes: bool,
) -> Result<Outcome> {
    let mut state = vec![Value::Userdata(file), Value::from(closes)];
    for n in 1..=formats.count {
        state.push(vm.arg(formats, n));
    }
    let iterator = vm.native_function(next_line, state);
    if closes {
        let file = Value::Userdata(file);
        return vm.ret_all(args, &[iterator, Value::Nil, Value::Nil, file]);
    }
    vm.ret(args, iterator)
}

fn next_line(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let Value::Native(native) = vm.stack[args.func()] else {
        unreachable!("the slot of the function has the function")
    };
    let state = vm.heap[native].upvalues.clone();
    let (Value::Userdata(file), closes) = (state[0], state[1].is_truthy()) else {
        unreachable!("`lines` has set it")
    };
    if matches!(vm.heap[file].file, File::Closed) {
        return Err(vm.error("file is already closed"));
    }
    vm.put_results(args.base, &state[2..])?;
    let list = wanted(vm, Args { base: args.base, count: state.len() - 2 }, 1)?;
    let outcome = read(vm, args, file, &list)?;
    if closes && vm.stack[args.func()].is_nil() {
        vm.heap[file].file = File::Closed;
    }
    Ok(outcome)
}
